/*
 * weft/manager.h - what a service manager hands to a program, and is told by it.
 *
 *	int fd = weft_manager_take("web");	// listens already, and nobody was refused meanwhile
 *	struct weft_listener *listener =
 *		fd < 0 ? weft_listener_new("127.0.0.1:8080", NULL) : weft_listener_from_fd(fd);
 *	...
 *	weft_manager_tell("READY=1");
 *	weft_serve(listener, ...);
 *	weft_manager_tell("STOPPING=1");
 *
 * The manager is systemd, weft/supervisor.h, or another that keeps to sd_listen_fds(3) and
 * sd_notify(3): LISTEN_FDS, LISTEN_PID, LISTEN_FDNAMES and NOTIFY_SOCKET in the environment.
 * Without one all of this does nothing.
 */
#ifndef WEFT_MANAGER_H
#define WEFT_MANAGER_H

#include "weft/api.h"

WEFT_BEGIN

/**
 * The descriptor that was handed over by this name (the first of several; NULL: of any), once:
 * it is the caller's from now on, and close-on-exec. In a function of a process of ours
 * (weft/process.h), too. By one thread at a time. Errors: ENOENT (there is none, or no more).
 */
WEFT_API int weft_manager_take(const char *name);

/** Most bytes of a text. */
#define WEFT_MANAGER_TEXT_MAX 4096

/**
 * Tell it: "READY=1", "STOPPING=1", "STATUS=a sentence", several with newlines between them.
 * Returns 1, or 0 when there is nobody to be told. Waits while the manager is busy, and obeys
 * the ambient scope. Errors: EINVAL (nothing, too long, a NOTIFY_SOCKET that is none),
 * ECONNREFUSED, ENOENT, EACCES (it is gone); of socket(2); ETIMEDOUT, ECANCELED.
 */
WEFT_API int weft_manager_tell(const char *text);

WEFT_END

#endif
