/*
 * throttle.c - see throttle.h.
 *
 * Three tables of the same make, sets of WAYS places each: a key goes to the set that its hash
 * says, and takes the place there whose last failure is the longest ago. Hashes are keyed: nobody
 * chooses whose place she takes.
 */
#include "account/throttle.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "base/siphash.h"

#define PLACES_DEFAULT 16384
#define WAYS           8
#define CAP_DEFAULT_NS WEFT_SECONDS(60)

#define FREE_ACCOUNT 5
#define FREE_ADDRESS 20
#define FREE_PAIR    5

/** Quiet tries of one address: so many at once, and one more in this time. */
#define QUIET_AT_ONCE 20
#define QUIET_NS      WEFT_SECONDS(1)

/** One failure is forgotten in this time. */
#define FORGET_NS WEFT_SECONDS(60)

/** More count as that many: nobody fails so often that she is remembered for days. */
#define FAILURES_MAX 60

/** A ticket that nobody has used that long after its time is void. */
#define TICKET_NS WEFT_SECONDS(600)

struct place {
	uint64_t key;      /* 0: free */
	int64_t at_ns;     /* when failures was right */
	int64_t ticket_ns; /* pairs: when it may try; 0: no ticket */
	int64_t quiet_ns;  /* addresses: up to then, one for each QUIET_NS has been made */
	unsigned failures;
};

struct table {
	struct place *places;
	size_t sets;
};

enum { ACCOUNTS, ADDRESSES, PAIRS, TABLES };

struct weft__throttle {
	pthread_mutex_t mutex; /* held for some hundred instructions */
	struct weft__siphash_key key;
	int64_t cap_ns;
	struct table tables[TABLES];
};

/* ---- Life ----------------------------------------------------------------------------------- */

void weft__throttle_free(struct weft__throttle *throttle)
{
	if (!throttle)
		return;
	for (int i = 0; i < TABLES; i++)
		free(throttle->tables[i].places);
	pthread_mutex_destroy(&throttle->mutex);
	free(throttle);
}

struct weft__throttle *weft__throttle_new(const struct weft__throttle_options *options)
{
	size_t places = options && options->places ? options->places : PLACES_DEFAULT;
	struct weft__throttle *throttle = calloc(1, sizeof(*throttle));
	uint8_t bytes[16];

	if (!throttle)
		return NULL;
	pthread_mutex_init(&throttle->mutex, NULL);
	throttle->cap_ns = options && options->cap_ns ? options->cap_ns : CAP_DEFAULT_NS;
	for (int i = 0; i < TABLES; i++) {
		struct table *table = &throttle->tables[i];

		table->sets = (places + WAYS - 1) / WAYS;
		table->places = calloc(table->sets, WAYS * sizeof(struct place));
		if (!table->places)
			goto failed;
	}
	if (getrandom(bytes, sizeof(bytes), 0) != sizeof(bytes))
		goto failed;
	throttle->key = weft__siphash_key(bytes);
	return throttle;
failed:
	weft__throttle_free(throttle);
	return NULL;
}

/* ---- Keys ----------------------------------------------------------------------------------- */

void weft__throttle_address(const char *address, char *ret_text, size_t size)
{
	char text[INET6_ADDRSTRLEN];
	struct in6_addr six;

	/* fe80::1%eth0 */
	snprintf(text, sizeof(text), "%.*s", (int)strcspn(address, "%"), address);
	if (inet_pton(AF_INET6, text, &six) != 1) {
		snprintf(ret_text, size, "%s", address);
		return;
	}
	if (IN6_IS_ADDR_V4MAPPED(&six)) {
		inet_ntop(AF_INET, &six.s6_addr[12], text, sizeof(text));
		snprintf(ret_text, size, "%s", text);
		return;
	}
	memset(&six.s6_addr[8], 0, 8);
	inet_ntop(AF_INET6, &six, text, sizeof(text));
	snprintf(ret_text, size, "%s/64", text);
}

struct keys {
	uint64_t key[TABLES]; /* 0: there is none of that kind */
};

static uint64_t hash(const struct weft__throttle *throttle, const char *a, const char *b)
{
	uint64_t parts[2] = {weft__siphash(&throttle->key, a, strlen(a)),
		weft__siphash(&throttle->key, b, strlen(b))};
	uint64_t key = weft__siphash(&throttle->key, parts, sizeof(parts));

	return key ? key : 1;
}

static struct keys keys_of(
	const struct weft__throttle *throttle, const struct weft__attempt *attempt)
{
	char address[INET6_ADDRSTRLEN + 4] = "";
	struct keys keys = {{0}};

	if (attempt->address)
		weft__throttle_address(attempt->address, address, sizeof(address));
	keys.key[PAIRS] = hash(throttle, attempt->name, address);
	if (attempt->address) {
		keys.key[ACCOUNTS] = hash(throttle, attempt->name, "account");
		keys.key[ADDRESSES] = hash(throttle, address, "address");
	}
	return keys;
}

/* ---- Places --------------------------------------------------------------------------------- */

static struct place *place_of(struct table *table, uint64_t key)
{
	struct place *set = &table->places[key % table->sets * WAYS], *oldest = set;

	for (size_t i = 0; i < WAYS; i++) {
		if (set[i].key == key)
			return &set[i];
		if (!set[i].key || (oldest->key && set[i].at_ns < oldest->at_ns))
			oldest = &set[i];
	}
	*oldest = (struct place){.key = key};
	return oldest;
}

/* What was forgotten since. */
static void forget(struct place *place, int64_t now_ns)
{
	int64_t forgotten;

	if (place->failures == 0) {
		place->at_ns = now_ns;
		return;
	}
	forgotten = (now_ns - place->at_ns) / FORGET_NS;
	if (forgotten <= 0)
		return;
	place->failures = forgotten >= place->failures ? 0 : place->failures - (unsigned)forgotten;
	place->at_ns = place->failures ? place->at_ns + forgotten * FORGET_NS : now_ns;
}

static int64_t wait_of(const struct weft__throttle *throttle, unsigned failures, unsigned free_ones)
{
	unsigned beyond;
	int64_t wait;

	if (failures < free_ones)
		return 0;
	beyond = failures - free_ones;
	wait = beyond > 20 ? INT64_MAX : WEFT_SECONDS(1) << beyond;
	return wait < throttle->cap_ns ? wait : throttle->cap_ns;
}

static const unsigned free_ones[TABLES] = {
	[ACCOUNTS] = FREE_ACCOUNT, [ADDRESSES] = FREE_ADDRESS, [PAIRS] = FREE_PAIR};

struct places {
	struct place *place[TABLES]; /* NULL: not of that kind */
};

static struct places places_of(
	struct weft__throttle *throttle, const struct weft__attempt *attempt, int64_t now_ns)
{
	struct keys keys = keys_of(throttle, attempt);
	struct places places = {{NULL}};

	for (int i = 0; i < TABLES; i++)
		if (keys.key[i]) {
			places.place[i] = place_of(&throttle->tables[i], keys.key[i]);
			forget(places.place[i], now_ns);
		}
	return places;
}

/* ---- Attempts ------------------------------------------------------------------------------- */

static void count(const struct places *places)
{
	for (int i = 0; i < TABLES; i++)
		if (places->place[i] && places->place[i]->failures < FAILURES_MAX)
			places->place[i]->failures++;
}

/* Whether others' failures alone hold it up, and the address has a quiet try left: it takes it. */
static bool take_quiet(const struct places *places, int64_t now_ns)
{
	struct place *address = places->place[ADDRESSES];

	if (!address || places->place[PAIRS]->failures >= FREE_PAIR)
		return false;
	if (address->quiet_ns < now_ns)
		address->quiet_ns = now_ns;
	if (address->quiet_ns > now_ns + (QUIET_AT_ONCE - 1) * QUIET_NS)
		return false;
	address->quiet_ns += QUIET_NS;
	return true;
}

static int64_t judge(struct weft__throttle *throttle, const struct places *places, int64_t now_ns)
{
	struct place *pair = places->place[PAIRS];
	int64_t wait = 0, one;

	if (pair->ticket_ns && now_ns > pair->ticket_ns + TICKET_NS)
		pair->ticket_ns = 0;
	if (pair->ticket_ns)
		return now_ns >= pair->ticket_ns ? 0 : pair->ticket_ns - now_ns;
	for (int i = 0; i < TABLES; i++) {
		if (!places->place[i])
			continue;
		one = wait_of(throttle, places->place[i]->failures, free_ones[i]);
		wait = one > wait ? one : wait;
	}
	if (wait > 0) {
		pair->ticket_ns = now_ns + wait;
		pair->at_ns = pair->failures ? pair->at_ns : now_ns; /* it has a reason to stay */
	}
	return wait;
}

int64_t weft__throttle_begin(struct weft__throttle *throttle, const struct weft__attempt *attempt,
	int64_t now_ns, bool *ret_is_quiet)
{
	struct places places;
	int64_t wait;

	pthread_mutex_lock(&throttle->mutex);
	places = places_of(throttle, attempt, now_ns);
	wait = judge(throttle, &places, now_ns);
	*ret_is_quiet = wait > 0 && take_quiet(&places, now_ns);
	if (wait == 0 || *ret_is_quiet)
		count(&places);
	if (wait == 0)
		places.place[PAIRS]->ticket_ns = 0;
	pthread_mutex_unlock(&throttle->mutex);
	return wait;
}

static void take_back(struct weft__throttle *throttle, const struct weft__attempt *attempt,
	int64_t now_ns, bool forgets_pair)
{
	struct places places;

	pthread_mutex_lock(&throttle->mutex);
	places = places_of(throttle, attempt, now_ns);
	for (int i = 0; i < TABLES; i++)
		if (places.place[i] && places.place[i]->failures > 0)
			places.place[i]->failures--;
	if (forgets_pair) {
		places.place[PAIRS]->failures = 0;
		places.place[PAIRS]->ticket_ns = 0;
	}
	pthread_mutex_unlock(&throttle->mutex);
}

void weft__throttle_right(
	struct weft__throttle *throttle, const struct weft__attempt *attempt, int64_t now_ns)
{
	take_back(throttle, attempt, now_ns, true);
}

void weft__throttle_undo(
	struct weft__throttle *throttle, const struct weft__attempt *attempt, int64_t now_ns)
{
	take_back(throttle, attempt, now_ns, false);
}
