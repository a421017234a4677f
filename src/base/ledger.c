/*
 * ledger.c - how many connections each host has (include/weft/ledger.h): a bound over a crowd
 * (crowd.h).
 *
 * The bound is in memory that processes share, as the counters are: who is forked sees a new one.
 */
#include "weft/ledger.h"

#include <arpa/inet.h>
#include <errno.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/crowd.h"

struct weft_ledger {
	struct weft__crowd *crowd;
	_Atomic unsigned *per_host; /* 0: any number */
};

/* ---- Life --------------------------------------------------------------------------------- */

struct weft_ledger *weft_ledger_new(unsigned per_host)
{
	struct weft_ledger *ledger = calloc(1, sizeof(*ledger));
	void *shared;

	if (!ledger)
		return NULL;
	shared = mmap(NULL, sizeof(*ledger->per_host), PROT_READ | PROT_WRITE,
		MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (shared == MAP_FAILED) {
		free(ledger);
		errno = ENOMEM;
		return NULL;
	}
	ledger->per_host = shared;
	atomic_init(ledger->per_host, per_host);
	ledger->crowd = weft__crowd_new(true);
	if (ledger->crowd)
		return ledger;
	weft_ledger_free(ledger);
	return NULL;
}

void weft_ledger_free(struct weft_ledger *ledger)
{
	int saved = errno;

	if (!ledger)
		return;
	weft__crowd_free(ledger->crowd);
	munmap((void *)ledger->per_host, sizeof(*ledger->per_host));
	free(ledger);
	errno = saved;
}

void weft_ledger_set(struct weft_ledger *ledger, unsigned per_host)
{
	atomic_store_explicit(ledger->per_host, per_host, memory_order_relaxed);
}

/* ---- Hosts -------------------------------------------------------------------------------- */

/* A scope is of the link: all of its hosts with that prefix are one. */
static int parse_v6(const char *address, struct in6_addr *ret_ip)
{
	char text[INET6_ADDRSTRLEN];
	size_t len = strcspn(address, "%");

	if (len >= sizeof(text))
		return 0;
	memcpy(text, address, len);
	text[len] = '\0';
	return inet_pton(AF_INET6, text, ret_ip);
}

size_t weft_ledger_host(const char *address, uint8_t ret_host[WEFT_LEDGER_HOST_MAX])
{
	struct in6_addr ip;

	if (inet_pton(AF_INET, address, ret_host) == 1)
		return sizeof(struct in_addr);
	if (parse_v6(address, &ip) != 1)
		return 0;
	if (IN6_IS_ADDR_V4MAPPED(&ip)) {
		memcpy(ret_host, &ip.s6_addr[12], sizeof(struct in_addr));
		return sizeof(struct in_addr);
	}
	memcpy(ret_host, &ip, WEFT_LEDGER_HOST_MAX);
	return WEFT_LEDGER_HOST_MAX;
}

/* ---- Counting ----------------------------------------------------------------------------- */

bool weft_ledger_enter(struct weft_ledger *ledger, const void *host, size_t len)
{
	unsigned max;

	if (!ledger || len == 0)
		return true;
	max = atomic_load_explicit(ledger->per_host, memory_order_relaxed);
	return weft__crowd_enter(ledger->crowd, host, len, max ? max : UINT_MAX);
}

void weft_ledger_leave(struct weft_ledger *ledger, const void *host, size_t len)
{
	if (ledger && len > 0)
		weft__crowd_leave(ledger->crowd, host, len);
}

unsigned weft_ledger_count(const struct weft_ledger *ledger, const void *host, size_t len)
{
	return ledger && len > 0 ? weft__crowd_count(ledger->crowd, host, len) : 0;
}
