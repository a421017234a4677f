/*
 * listener.h - what a listener is, for the files of this floor.
 */
#ifndef WEFT_IO_LISTENER_H
#define WEFT_IO_LISTENER_H

#include <sys/stat.h>

#include "weft/serve.h"

struct weft_listener {
	int fd;
	int stop_fd; /* eventfd, readable for good once weft_serve_stop() was called */
	struct weft_address address;
	struct stat path_status; /* of the Unix path that this listener made */
	bool owns_path;
};

/**
 * Wait for a connection, through shortages of descriptors. Returns its descriptor;
 * ret_peer may be NULL. Errors: as weft_listener_accept().
 */
int weft__listener_accept(struct weft_listener *listener, struct weft_address *ret_peer);

#endif
