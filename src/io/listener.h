/*
 * listener.h - what a listener is, for the files of this floor.
 */
#ifndef WEFT_IO_LISTENER_H
#define WEFT_IO_LISTENER_H

#include "io/serve.h"
#include "io/unix_path.h"
#include "weft/serve.h"

struct weft_tls;

struct weft_listener {
	int fd;
	int stop_fd; /* eventfd, readable for good once weft_serve_stop() was called */
	struct weft_address address;
	const char *name;                     /* of its door; NULL: none was given */
	struct weft_listener_options options; /* all zero for a descriptor made elsewhere */
	struct weft__unix_path path;
	_Atomic(struct weft__serve_counts *) counts; /* NULL: not served yet; io/serve.c */
	/* What a connection begins with, of tls: weft_listener_use_tls(). NULL: nothing. */
	int (*begin)(struct weft_stream *stream, struct weft_tls *tls);
	struct weft_tls *tls;
	bool is_refused; /* TLS was wanted and could not be had: nobody is served in the clear */
};

/** The stream of an accepted connection. NULL: ENOMEM, and fd is still the caller's. */
struct weft_stream *weft__listener_stream(
	const struct weft_listener *listener, int fd, const struct weft_address *peer);

/**
 * Wait for a connection on a listening descriptor, through shortages of descriptors.
 * Returns its descriptor. Errors: as weft_listener_accept().
 */
int weft__listener_accept(int fd, struct weft_address *ret_peer);

/**
 * One more listening descriptor on the same TCP address: the kernel spreads the new
 * connections over all of them (SO_REUSEPORT, socket(7)). Close it with weft_close();
 * what nobody has accepted from it by then is reset.
 * Errors: EOPNOTSUPP (a Unix socket, or one made elsewhere), those of weft_listener_new().
 */
int weft__listener_sibling(const struct weft_listener *listener);

#endif
