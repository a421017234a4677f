/*
 * control.h - the control socket of a running server: HTTP over a Unix socket.
 *
 *	struct hub_control *control = weft__hub_control_new(&options);
 *
 *	weft__hub_control_begin(control, "/var/lib/weft/control");	// in weft_run()
 *	...
 *	weft__hub_control_end(control);
 *	weft__hub_control_free(control);
 *
 * docs/control.md says what it answers. Only root and the server's own user are: the socket is
 * theirs alone (0600), and who connects is asked of the kernel (SO_PEERCRED).
 */
#ifndef WEFT_SRC_HUB_CONTROL_H
#define WEFT_SRC_HUB_CONTROL_H

#include "control_log.h"
#include "status.h"

struct hub_control; /* control.c */
struct weft_listener;

/** Bounds: connections at once, bytes of a body, seconds for a request to arrive. */
#define HUB_CONTROL_CONNECTIONS_MAX 32
#define HUB_CONTROL_BODY_MAX        4096
#define HUB_CONTROL_PATIENCE_NS     WEFT_SECONDS(5)

struct hub_control_options {
	struct hub_status *status;
	struct hub_log *log;
	/** Begin to stop; now: without a grace time, it need not return. On any worker, in a fiber.
	 */
	void (*stop)(void *arg, bool now);
	/**
	 * Take up what has changed. 0; or -1, and lines that say what was wrong. ret_told: lines
	 * of what was taken up. It may wait.
	 */
	int (*reload)(void *arg, struct weft_str *ret_faults, struct weft_str *ret_told);
	void *arg;
};

/** Errors: ENOMEM. End it with weft__hub_control_free(). */
struct hub_control *weft__hub_control_new(const struct hub_control_options *options);

/** In a fiber where it has begun, after its end. */
void weft__hub_control_free(struct hub_control *control);

/**
 * Listen at the path, replacing a socket that nobody listens at, and answer there in a fiber of its
 * own. Errors: those of weft_listener_new(), EADDRINUSE (a server listens there).
 */
int weft__hub_control_begin(struct hub_control *control, const char *path);

/** The listener, until it is freed with the rest; NULL: it has not begun. */
struct weft_listener *weft__hub_control_listener(const struct hub_control *control);

/**
 * Answers under way are finished, and nobody is answered any more; the socket goes with the rest,
 * since others count its connections as long. In a fiber. Fine where it has not begun.
 */
void weft__hub_control_end(struct hub_control *control);

#endif
