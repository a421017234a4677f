/*
 * serve_users.h - a file of users and the hashes of their passwords, and who knows his.
 *
 *	anna:$2y$10$...		as htpasswd -B, mkpasswd and crypt(3) make them
 */
#ifndef WEFT_SRC_CMD_SERVE_USERS_H
#define WEFT_SRC_CMD_SERVE_USERS_H

#include <stdbool.h>
#include <stddef.h>

struct serve_users; /* opaque: serve_users.c */

/** Longest sentence about a file. */
#define SERVE_USERS_FAULT_MAX 256

/**
 * Read the file. NULL, and why in ret_fault, one sentence. It stays as it was read; end it with
 * weft__serve_users_drop().
 */
struct serve_users *weft__serve_users_read(const char *path, char ret_fault[SERVE_USERS_FAULT_MAX]);

/** One who uses it more, or less. Any thread. */
struct serve_users *weft__serve_users_keep(struct serve_users *users);
void weft__serve_users_drop(struct serve_users *users);

/** Whether there is nobody in it. */
bool weft__serve_users_are_none(const struct serve_users *users);

/** The hash of the user's password, as long as users; NULL: there is no such user. */
const char *weft__serve_users_hash(const struct serve_users *users, const char *name);

/**
 * Whether the password is the one of the user. It takes as long for a user that there isn't, which
 * is some hundred milliseconds: on a thread of its own. Any thread.
 */
bool weft__serve_users_check(
	const struct serve_users *users, const char *name, const char *password);

#endif
