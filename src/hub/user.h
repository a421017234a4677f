/*
 * user.h - whose process it is, and what it may do beyond others of that user.
 *
 * Entry points: weft__hub_user_become(), weft__hub_user_keep_least(); before there is a second
 * thread, because capabilities are each thread's own.
 */
#ifndef WEFT_SRC_HUB_USER_H
#define WEFT_SRC_HUB_USER_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/** Longest name of a user that is shown, with its NUL. */
#define HUB_USER_NAME_MAX 64

struct hub_user {
	uid_t uid;
	gid_t gid;
	char name[HUB_USER_NAME_MAX];
};

/** "NAME" or "NAME:GROUP", also as numbers. -1 with errno: ENOENT, and as getpwnam(3). */
int weft__hub_user_find(const char *text, struct hub_user *ret_user);

/** Who it is now; a number where the name is not known. */
void weft__hub_user_now(struct hub_user *ret_user);

/**
 * Be that user from now on, with her groups, for good. keeps_ports: root's may still listen below
 * port 1024, until weft__hub_user_drop_ports(). -1 with errno: EPERM, and as setresuid(2).
 */
int weft__hub_user_become(const struct hub_user *user, bool keeps_ports);

/**
 * Without a change of user: root keeps what files need, and with keeps_ports everybody what
 * listening needs; all other capabilities are gone for good. -1 with errno.
 */
int weft__hub_user_keep_least(bool keeps_ports);

/** Listening below port 1024: take the privilege up, if this thread has it; let it rest. */
void weft__hub_user_raise_ports(void);
void weft__hub_user_rest_ports(void);

/** It is over with it. Of root it is left alone: she may do so anyway. */
void weft__hub_user_drop_ports(void);

#endif
