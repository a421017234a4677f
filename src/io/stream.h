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

#include "weft/stream.h"

/* Reads and writes of at least this many bytes go past an empty buffer. */
#define WEFT__STREAM_DIRECT_MIN 4096

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

struct weft_stream {
	int fd;
	bool is_socket;
	bool is_torn; /* a write ended part-way: what follows would make no sense */
	size_t searched;
	struct weft__stream_half in, out;
	_Atomic(struct weft__stream_names *) names; /* asked for at first use, by either half */
	struct weft__stream_accepted accepted;
};

/** A stream whose fd is known to be a socket; the failures of weft_stream_new(). */
struct weft_stream *weft__stream_new_socket(int fd);

/** The same of a connection that came from peer. */
struct weft_stream *weft__stream_new_accepted(int fd, const struct weft_address *peer);

/** Connect to the first of count (at least one) addresses that answers; the last one's errno. */
struct weft_stream *weft__stream_connect_any(const struct weft_address *addresses, int count);

/** Give a half's buffer back when nothing is in it. */
void weft__stream_half_rest(struct weft__stream_half *half);

#endif
