/*
 * throttle.h - how often a password may be tried: by account, by address, over all doors.
 *
 *	              failures of          wait, after so many failures
 *	account       strangers to it      5 are free, then 1 s, 2, 4... 60 s
 *	address       anybody there        20 are free, then the same
 *	pair          this one at that one  5 are free, then the same
 *
 * Failures are forgotten one by one, one a minute. Everybody waits for the account's, the address's
 * and the pair's.
 *
 * But who has logged in to an account from an address before is not to wait there for others'
 * failures; and who shares that address must not see by it that there is such an account. So while
 * only others' failures hold somebody up, a try is allowed that is quiet: the caller makes it, for
 * any name, and says that it has to wait, unless the password was right and its owner known there.
 * Of these an address has 20 and one more each second, since they cost a hash each.
 *
 * Who has to wait gets a ticket with a time on it, for this account from this address. When it has
 * come she is let try once, whatever others have done meanwhile; asking before does not move it.
 * So at any attack whoever waits gets in, also from a new address: within a minute.
 *
 * An attempt counts as a failure when it begins, so that a thousand at once are a thousand; what
 * was right is taken back. All in fixed memory: what was quiet for longest makes room.
 *
 * Addresses are those of IPv4, and the first 64 bits of IPv6, which is what one customer has.
 * Threads: any. Never: knows whether an account exists.
 */
#ifndef ACCOUNT_THROTTLE_H
#define ACCOUNT_THROTTLE_H

#include "weft/api.h"

struct weft__throttle; /* opaque: throttle.c */

struct weft__throttle_options {
	size_t places;  /* kept of each kind; 0: 16384 */
	int64_t cap_ns; /* longest wait; 0: 60 s */
};

/** options may be NULL. Errors: ENOMEM. */
struct weft__throttle *weft__throttle_new(const struct weft__throttle_options *options);
void weft__throttle_free(struct weft__throttle *throttle);

struct weft__attempt {
	const char *name;    /* normalised, or as it was given when it can't be */
	const char *address; /* NULL: this machine, which only the pair's failures hold up */
};

/**
 * 0: try it, and then say what came of it; else how long to wait, in ns, and whether it may be
 * tried all the same, in quiet.
 */
int64_t weft__throttle_begin(struct weft__throttle *throttle, const struct weft__attempt *attempt,
	int64_t now_ns, bool *ret_is_quiet);

/** It was right: its failures from there are forgotten, and it itself was none. */
void weft__throttle_right(
	struct weft__throttle *throttle, const struct weft__attempt *attempt, int64_t now_ns);

/** It was not tried after all. */
void weft__throttle_undo(
	struct weft__throttle *throttle, const struct weft__attempt *attempt, int64_t now_ns);

/** The part of an address that counts: "192.0.2.7", "2001:db8:1:2::/64"; else as it is, cut. */
void weft__throttle_address(const char *address, char *ret_text, size_t size);

#endif
