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

/* child_queue.c */
child_fn child_queue, child_shared, child_trip;

/* child_pool.c */
child_fn child_pool, child_pipe;

child_fn child_timer; /* the argument: how many others are pending; child_timer.c */
child_fn child_scope;

/* child_chat_link.c */
child_fn child_chat_link, child_chat_seal;

/* child_rooms.c */
child_fn child_rooms;        /* the argument: how many members */
child_fn child_rooms_posts;  /* how many say */
child_fn child_rooms_memory; /* in how many rooms */

child_fn child_process;  /* child_process.c */
child_fn child_udp;      /* child_udp.c */
child_fn child_files;    /* the argument: how many fibers; child_files.c */
child_fn child_accounts; /* the argument: COUNT:FOLDER; child_accounts.c */
child_fn child_wake;     /* child_wake.c */
child_fn child_echo;     /* over streams, the argument: a driver's name; child_echo.c */
child_fn child_echo_fd;  /* over descriptors: child_echo_fd.c */
child_fn child_ws;       /* the argument: "deflate" or NULL; child_ws.c */
child_fn child_https;    /* docs/, cert.pem and key.pem in the folder that is the argument */
child_fn child_http;     /* handlers, the argument: how many workers; child_http.c */

#endif
