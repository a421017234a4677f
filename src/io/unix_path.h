/*
 * unix_path.h - Unix sockets bound to paths: who may connect, what was left behind, and
 * whose a path is.
 */
#ifndef IO_UNIX_PATH_H
#define IO_UNIX_PATH_H

#include <sys/stat.h>

#include "weft/address.h"

/** A path that a socket of ours has made. */
struct weft__unix_path {
	bool is_ours;
	struct stat status; /* as it was made */
};

/**
 * Bind fd, a socket of that type; to a path with mode (0: 0600), in place of a socket that
 * nobody has any more. Errors: EADDRINUSE, those of bind(2).
 */
int weft__unix_bind(int fd, int type, const struct weft_address *address, unsigned mode,
	struct weft__unix_path *ret_path);

/** Remove the path, unless another has taken it since. Before the socket is closed. Keeps errno. */
void weft__unix_path_remove(const struct weft__unix_path *path, const struct weft_address *address);

#endif
