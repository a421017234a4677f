/*
 * weft/stream.h - buffered byte streams over sockets and pipes, and TCP connections.
 *
 * Every call that waits parks the calling fiber, or blocks the calling thread, and
 * obeys the deadline and cancellation of the ambient scope (weft/scope.h).
 * Threads: one reader and one writer at a time; they may be different fibers.
 * Errors: -1 or NULL, with errno set. Calls that wait can also end with ETIMEDOUT,
 * ECANCELED, ECONNRESET or EPIPE; each comment lists only what is special.
 */
#ifndef WEFT_STREAM_H
#define WEFT_STREAM_H

#include <sys/uio.h>

#include "weft/address.h"

WEFT_BEGIN

struct weft_stream; /* opaque: src/io/stream.c */

/** Longest line that weft_stream_readline() lends, in bytes, newline included. */
#define WEFT_STREAM_LINE_MAX 8192

/** Bytes of the read buffer: the most that weft_stream_peek() can be asked for. */
#define WEFT_STREAM_BUFFER_SIZE 16384

/* ---- Life ---------------------------------------------------------------- */

/**
 * Make a stream of a connected descriptor. On success the stream owns fd; on
 * failure fd is still the caller's. End it with weft_stream_free().
 * Errors: EBADF, ENOMEM.
 */
WEFT_API struct weft_stream *weft_stream_new(int fd);

/**
 * Connect to "HOST:PORT" or "unix:/path". Of several resolved addresses the next is tried,
 * the families in turns, when one has failed or has not answered within 250 ms; the first
 * connection that stands is kept (RFC 8305). Errors: those of weft_address_resolve() and,
 * of the address that failed last, those of connect(2).
 */
WEFT_API struct weft_stream *weft_stream_connect(const char *host_port);

/**
 * Close the descriptor and free the stream; NULL is fine. What was written and not
 * flushed is dropped: weft_stream_flush() first, which can fail and say so.
 */
WEFT_API void weft_stream_free(struct weft_stream *stream);

/** The descriptor, still the stream's. */
WEFT_API int weft_stream_fd(const struct weft_stream *stream);

/**
 * Bound what the kernel holds for a peer that does not take it: about max bytes, in place of some
 * megabytes. Who writes learns so much sooner that the peer is slow; and no more than that is on
 * its way to a far peer at a time. Errors: EINVAL (max), those of setsockopt(2).
 */
WEFT_API int weft_stream_bound_unsent(struct weft_stream *stream, size_t max);

/** Own and peer address; a zero-length address where the socket has none. */
WEFT_API const struct weft_address *weft_stream_local(struct weft_stream *stream);
WEFT_API const struct weft_address *weft_stream_peer(struct weft_stream *stream);

/* ---- Reading ------------------------------------------------------------- */

/** Read what there is, at least one byte. Returns the count, 0 at the end of the stream. */
WEFT_API ssize_t weft_stream_read(struct weft_stream *stream, void *buffer, size_t size_bytes);

/**
 * Read exactly len bytes. Returns 0. When the stream ends first: -1 with ENODATA if
 * it ended before the first byte, EPIPE after it; the bytes read are lost.
 */
WEFT_API int weft_stream_read_exactly(struct weft_stream *stream, void *buffer, size_t len);

/**
 * Lend the next line, newline included, not NUL-terminated. *ret_line is valid
 * until the next read on this stream. Returns its length, 0 at the end of the stream;
 * a last line without newline is lent as it is.
 * Errors: EMSGSIZE when no newline comes within WEFT_STREAM_LINE_MAX bytes (nothing is consumed).
 */
WEFT_API ssize_t weft_stream_readline(struct weft_stream *stream, const char **ret_line);

/**
 * Lend what is buffered, after waiting until that is at least min bytes (min 0: no
 * wait). Nothing is consumed; *ret_data is valid until the next read on this stream.
 * Returns the count, which is under min only at the end of the stream.
 * Errors: EINVAL (min over WEFT_STREAM_BUFFER_SIZE).
 */
WEFT_API ssize_t weft_stream_peek(struct weft_stream *stream, size_t min, const char **ret_data);

/** Drop len bytes that weft_stream_peek() has lent. */
WEFT_API void weft_stream_consume(struct weft_stream *stream, size_t len);

/* ---- Writing ------------------------------------------------------------- */

/*
 * Once a call has failed with some of its bytes sent, the stream is torn: every later
 * write fails with EPIPE, because the peer could not make sense of it. A flush that fails
 * (late, say) keeps what is unsent, and may be tried again.
 */

/**
 * Write all of it, to the buffer or (what doesn't fit) to the descriptor. Returns 0,
 * or -1, and then nothing is known of how much the peer has got.
 */
WEFT_API int weft_stream_write_all(struct weft_stream *stream, const void *data, size_t len);

/** The same for the parts in order, in one system call where it can be. Flushes. */
WEFT_API int weft_stream_writev_all(
	struct weft_stream *stream, const struct iovec *parts, int count);

/**
 * printf(3) into the stream. Returns 0. Errors: EMSGSIZE when the output is not under
 * WEFT_STREAM_BUFFER_SIZE bytes, and then nothing of it is written.
 */
__attribute__((format(printf, 2, 3))) WEFT_API int weft_stream_printf(
	struct weft_stream *stream, const char *format, ...);

/** Send what is buffered. Returns 0. */
WEFT_API int weft_stream_flush(struct weft_stream *stream);

/**
 * Send what the kernel takes at once of what is buffered, and then of data, and never wait, nor
 * give way to another fiber: for whoever has many to write to, and gives way herself. Returns how
 * many bytes of data it took (fewer than len: the peer is slow); the caller sends the rest before
 * anything else, by this or another call. Errors: EAGAIN (none now), and always over TLS and pipes:
 * weft_stream_write_all() it is then.
 */
WEFT_API ssize_t weft_stream_try_write(struct weft_stream *stream, const void *data, size_t len);

/**
 * Flush, then send len bytes of file_fd from offset by sendfile(2), without copying
 * through user space. Returns 0. Errors: ENODATA when the file is shorter.
 */
WEFT_API int weft_stream_sendfile(
	struct weft_stream *stream, int file_fd, off_t offset, size_t len);

/**
 * Flush and end our direction; the peer reads the end, and can still be read from.
 * Errors: ENOTSOCK for a pipe, whose only direction ends with weft_stream_free().
 */
WEFT_API int weft_stream_shutdown_write(struct weft_stream *stream);

WEFT_END

#endif
