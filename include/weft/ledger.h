/*
 * weft/ledger.h - how many connections each host has, over all doors of a program.
 *
 *	struct weft_ledger *ledger = weft_ledger_new(64);
 *	struct weft_http_server_options web = {.ledger = ledger, ...};
 *	struct weft_ftp_server_options ftp = {.ledger = ledger, ...};
 *
 * A server bounds its own connections; somebody who has as many of each door has all of them
 * together. Servers with the same ledger count into one number for each host: an IPv4 address, or a
 * /64 of IPv6, which is what a household or a machine gets. What they do for one too many is each
 * door's: HTTP says 429, FTP 421.
 *
 * The memory is fixed, 192 KiB: a host may be taken to have a few more than it has, when many
 * thousands are there, never fewer; and of those who come in the same instant one more than the
 * bound may be let in.
 *
 * Threads: any, at once, without a lock. Processes that were forked from the one that made it share
 * it, the bound too; one that is killed leaves what it had counted.
 */
#ifndef WEFT_LEDGER_H
#define WEFT_LEDGER_H

#include "weft/api.h"

WEFT_BEGIN

/** Longest name of a host, in bytes. */
#define WEFT_LEDGER_HOST_MAX 8

struct weft_ledger; /* opaque: src/base/ledger.c */

/** per_host: connections of one host; 0: any number. Errors: ENOMEM, those of getrandom(2). End it
 * with weft_ledger_free(), when nobody is in it. */
WEFT_API struct weft_ledger *weft_ledger_new(unsigned per_host);

/** NULL is fine. */
WEFT_API void weft_ledger_free(struct weft_ledger *ledger);

/** Another bound, for who comes from now on. Any thread. */
WEFT_API void weft_ledger_set(struct weft_ledger *ledger, unsigned per_host);

/**
 * The host of an address as text, without a port ("192.0.2.7", "2001:db8::1", "fe80::1%eth0"):
 * its bytes, and how many; 0: it is none, and is not counted.
 */
WEFT_API size_t weft_ledger_host(const char *address, uint8_t ret_host[WEFT_LEDGER_HOST_MAX]);

/**
 * One more of that host; false: it has as many as it may, and nothing is counted. ledger NULL, or
 * len 0: true, and nothing is counted.
 */
WEFT_API bool weft_ledger_enter(struct weft_ledger *ledger, const void *host, size_t len);

/** One less, who has entered, by the same bytes. */
WEFT_API void weft_ledger_leave(struct weft_ledger *ledger, const void *host, size_t len);

/** How many that host has. */
WEFT_API unsigned weft_ledger_count(const struct weft_ledger *ledger, const void *host, size_t len);

WEFT_END

#endif
