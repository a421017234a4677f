/*
 * stream.h - what a stream is, for the files of this floor.
 *
 * The two halves share only fd: one fiber may read while another writes. Either
 * half borrows its buffer (io/buffer.h) only while bytes are in it.
 *
 *	in.data	[ consumed | to be read ........... | free ]
 *		           ^ in.start               ^ in.end
 *	                   [ no newline in here ]
 *	                                        ^ in.start + in.searched
 *
 *	out.data [ sent | to be sent .............. | free ]
 *		         ^ out.start                ^ out.end
 */
#ifndef WEFT_IO_STREAM_H
#define WEFT_IO_STREAM_H

#include <stdatomic.h>
#include <string.h>

#include "io/buffer.h"
#include "weft/stream.h"

/* Reads and writes of at least this many bytes go past an empty buffer. */
#define WEFT__STREAM_DIRECT_MIN 4096

struct weft_tls_facts;
struct weft_tls_fault;

struct weft__stream_half {
	char *data; /* NULL while idle, or WEFT_STREAM_BUFFER_SIZE bytes */
	size_t start, end;
};

struct weft__stream_names {
	struct weft_address local, peer;
};

/* Whom accept(2) named, if by IP: once the peer has reset, the kernel knows it no more. */
struct weft__stream_accepted {
	socklen_t len; /* 0: nobody */
	union {
		struct sockaddr_in in;
		struct sockaddr_in6 in6;
	};
};

/*
 * What stands between a stream and its descriptor: TLS (io/tls.h). By a table, so that a
 * program without TLS does not link it; the calls wait, and fail, like those they stand for.
 */
struct weft__stream_layer {
	/** recv(2). */
	ssize_t (*receive)(struct weft_stream *stream, void *buffer, size_t size_bytes);
	/** The same into in.data, which is NULL, and borrowed once there is something for it. */
	ssize_t (*fill)(struct weft_stream *stream);
	/** Take some of the parts, at least a byte, to be sent in order. How many bytes. */
	ssize_t (*send)(struct weft_stream *stream, const struct iovec *parts, int count);
	/** Take some of a file, and move the offset. How many bytes; 0: it ends there. */
	ssize_t (*sendfile)(struct weft_stream *stream, int file_fd, off_t *offset, size_t len);
	/** Wait until the kernel has all that was taken. */
	int (*drain)(struct weft_stream *stream);
	int (*shutdown_write)(struct weft_stream *stream);
	/** Tell the peer that all is said, as a stream is about to be closed. */
	int (*finish)(struct weft_stream *stream);
	/** weft_stream_start_tls() once more; NULL: EALREADY. */
	int (*start)(struct weft_stream *stream);
	/** The stream is about to be closed: tell the peer, if that needs no wait, and end. */
	void (*free)(struct weft_stream *stream);
	/** What was agreed on; NULL: nothing yet. */
	const struct weft_tls_facts *(*facts)(const struct weft_stream *stream);
	/** What was objected to. */
	const struct weft_tls_fault *(*fault)(const struct weft_stream *stream);
};

struct weft_stream {
	int fd;
	bool is_socket; /* and without a layer: recv(2) and send(2) move its bytes */
	bool is_torn;   /* a write ended part-way: what follows would make no sense */
	bool can_park;  /* its handler may return WEFT__SERVE_PARK (io/serve.h) */
	bool was_parked;
	void *session; /* its handler's, from one of its runs to the next; NULL at first */
	size_t searched;
	struct weft__stream_half in, out;
	const struct weft__stream_layer *layer;     /* NULL: none */
	struct weft__tls *tls;                      /* the layer's */
	_Atomic(struct weft__stream_names *) names; /* asked for at first use, by either half */
	struct weft__stream_accepted accepted;
};

/** weft_stream_tls(), of whoever is not to be linked with TLS. */
static inline const struct weft_tls_facts *weft__stream_facts(const struct weft_stream *stream)
{
	return stream->layer ? stream->layer->facts(stream) : NULL;
}

/** A stream whose fd is known to be a socket; the failures of weft_stream_new(). */
struct weft_stream *weft__stream_new_socket(int fd);

/** The same of a connection that came from peer. */
struct weft_stream *weft__stream_new_accepted(int fd, const struct weft_address *peer);

/** Flush, and wait for what a layer has to say at the end: before weft_stream_free(). */
int weft__stream_finish(struct weft_stream *stream);

/** Forget what can be asked for again: nobody is to use it for a while. */
void weft__stream_shrink(struct weft_stream *stream);

/** End a stream of which nothing was used yet; its descriptor stays open. */
void weft__stream_forget(struct weft_stream *stream);

/** Connect to the first of count (at least one) addresses that answers; the last one's errno. */
struct weft_stream *weft__stream_connect_any(const struct weft_address *addresses, int count);

/** Where len bytes go behind what is buffered already, to be written now; NULL: they don't fit. */
static inline char *weft__stream_room(struct weft_stream *stream, size_t len)
{
	struct weft__stream_half *out = &stream->out;

	if (stream->is_torn || len > WEFT_STREAM_BUFFER_SIZE - out->end)
		return NULL;
	if (!out->data && !(out->data = weft__buffer_take()))
		return NULL;
	out->end += len;
	return out->data + out->end - len;
}

/**
 * Put data behind what is buffered already, if it fits. False: weft_stream_write_all() is to do it.
 */
static inline bool weft__stream_append(struct weft_stream *stream, const void *data, size_t len)
{
	char *room = weft__stream_room(stream, len);

	if (room)
		memcpy(room, data, len);
	return room;
}

/** weft_stream_peek(stream, 0, ret_data). */
static inline size_t weft__stream_buffered(struct weft_stream *stream, const char **ret_data)
{
	*ret_data = stream->in.data ? stream->in.data + stream->in.start : "";
	return stream->in.end - stream->in.start;
}

/** weft_stream_consume() of what is sure to be there. */
static inline void weft__stream_consume(struct weft_stream *stream, size_t len)
{
	/* The buffer stays until the next read: what was lent must still be there. */
	stream->in.start += len;
	stream->searched = stream->searched > len ? stream->searched - len : 0;
}

/** Give a half's buffer back when nothing is in it. */
void weft__stream_half_rest(struct weft__stream_half *half);

#endif
