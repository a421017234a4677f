/*
 * server_crowd.h - how many sessions each client, or each user, has at a time, and how fast all of
 * their transfers are together.
 */
#ifndef WEFT_SRC_FTP_SERVER_CROWD_H
#define WEFT_SRC_FTP_SERVER_CROWD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct weft__ftpd_crowd;

/** NULL: ENOMEM. End it with weft__ftpd_crowd_free(), when nobody is in it. */
struct weft__ftpd_crowd *weft__ftpd_crowd_new(void);
void weft__ftpd_crowd_free(struct weft__ftpd_crowd *crowd);

/** One more with that key; false: there are max already, or memory is short. Any thread. */
bool weft__ftpd_crowd_enter(
	struct weft__ftpd_crowd *crowd, const void *key, size_t len, unsigned max);

/** One less, who has entered. Any thread. */
void weft__ftpd_crowd_leave(struct weft__ftpd_crowd *crowd, const void *key, size_t len);

/**
 * Somebody who has entered has done what takes cost_ns. When all of that key are to go on, on
 * weft_now(); 0: at once. Any thread.
 */
int64_t weft__ftpd_crowd_charge(
	struct weft__ftpd_crowd *crowd, const void *key, size_t len, int64_t cost_ns);

#endif
