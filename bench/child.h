/*
 * child.h - weft's own contenders: each runs in a process of its own.
 *
 * Those that time themselves print their figures on one line; those that serve print
 * their port. The result is the process's exit status.
 */
#ifndef CHILD_H
#define CHILD_H

#include "bench.h"

typedef int child_fn(const char *argument);

child_fn child_switch; /* child_switch.c */

/* child_fiber.c */
child_fn child_yield, child_spawn, child_spawn_join;
child_fn child_park; /* the argument: how many fibers */

/* child_sync.c */
child_fn child_lock, child_chan, child_chan_across;

child_fn child_timer; /* the argument: how many others are pending; child_timer.c */
child_fn child_scope;

child_fn child_udp;     /* child_udp.c */
child_fn child_wake;    /* child_wake.c */
child_fn child_echo;    /* over streams, the argument: a driver's name; child_echo.c */
child_fn child_echo_fd; /* over descriptors: child_echo_fd.c */
child_fn child_ws;      /* the argument: "deflate" or NULL; child_ws.c */
child_fn child_https;   /* docs/, cert.pem and key.pem in the folder that is the argument */
child_fn child_http;    /* handlers, the argument: how many workers; child_http.c */

#endif
