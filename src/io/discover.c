/*
 * discover.c - finding what others announce on the local networks (weft/discover.h).
 *
 *	question to all -> answers   -+-> instances, each with its addresses -> events
 *	(watching) others' rounds    -+
 *
 * An instance is known by its number, so a host that answers on several interfaces is
 * one; each of its addresses counts until it was not heard of for as long as it said.
 *
 * Entry points: weft_discover(), weft_discovery_new(), weft_discovery_next().
 *
 * Never: keep more than the named limits, whoever sends, or believe somebody whose address is
 * not a neighbour's.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "io/discover.h"
#include "weft/fiber.h"
#include "weft/scope.h"
#include "weft/sort.h"

#define TIMEOUT_DEFAULT WEFT_SECONDS(2)

/** Between questions: doubled from one to the other. */
#define QUESTION_GAP_MIN WEFT_MILLISECONDS(100)
#define QUESTION_GAP_MAX WEFT_SECONDS(10)

/** Goodbyes that are remembered, the last ones. */
#define GONE_MAX 64

/** Datagrams that are taken before what seems expired is. */
#define OVERDUE_MAX 256

struct path {
	uint32_t address;
	int64_t expires_ns;
};

struct instance {
	struct weft_discovered found; /* without its addresses */
	unsigned path_count;
	struct path paths[WEFT_DISCOVER_ADDRESSES_MAX];
};

/* Who has said goodbye. */
struct gone {
	uint64_t instance;
	uint32_t address;
};

enum {
	ASKING, /* with questions out, and answers in */
	HEARING /* rounds, goodbyes */
};

struct weft_discovery {
	struct weft_udp *ends[2]; /* ASKING; HEARING, or NULL */
	uint16_t udp_port;
	char service[WEFT_DISCOVER_SERVICE_MAX + 1];
	struct weft__lan lan;
	int64_t question_at_ns, question_gap_ns;
	unsigned count;
	struct instance instances[WEFT_DISCOVER_INSTANCES_MAX];
	unsigned gone_count; /* since the beginning */
	struct gone gone[GONE_MAX];
};

/* ---- Life -------------------------------------------------------------------------------------
 */

static struct weft_discovery *discovery_make(
	const struct weft_discovery_options *options, bool is_watching)
{
	static const struct weft_discovery_options none;
	struct weft_discovery *discovery = calloc(1, sizeof(*discovery));

	if (!discovery)
		return NULL;
	if (!options)
		options = &none;
	discovery->udp_port = options->udp_port ? options->udp_port : WEFT_DISCOVER_PORT;
	discovery->question_gap_ns = QUESTION_GAP_MIN;
	if (options->service) {
		size_t len = strlen(options->service);

		if (!weft__discover_is_service(options->service, len)) {
			errno = EINVAL;
			goto fail;
		}
		memcpy(discovery->service, options->service, len);
	}
	discovery->ends[ASKING] = weft__lan_open(0);
	if (!discovery->ends[ASKING])
		goto fail;
	if (is_watching) {
		discovery->ends[HEARING] = weft__lan_open(discovery->udp_port);
		if (!discovery->ends[HEARING])
			goto fail;
	}
	return discovery;

fail:
	weft_discovery_free(discovery);
	return NULL;
}

struct weft_discovery *weft_discovery_new(const struct weft_discovery_options *options)
{
	return discovery_make(options, true);
}

void weft_discovery_free(struct weft_discovery *discovery)
{
	int saved = errno;

	if (!discovery)
		return;
	weft_udp_free(discovery->ends[ASKING]);
	weft_udp_free(discovery->ends[HEARING]);
	free(discovery);
	errno = saved;
}

/* ---- What is told of an instance ----------------------------------------------------------- */

static bool is_loopback(uint32_t address)
{
	return ntohl(address) >> 24 == IN_LOOPBACKNET;
}

static int compare_addresses(const void *a, const void *b, void *context)
{
	uint32_t first = ntohl(((const struct in_addr *)a)->s_addr);
	uint32_t second = ntohl(((const struct in_addr *)b)->s_addr);

	(void)context;
	return first < second ? -1 : first > second;
}

/* The addresses in order; the loopback is of no use to others, and told only if it is all. */
static struct weft_discovered tell(const struct instance *instance)
{
	struct weft_discovered found = instance->found;
	bool is_elsewhere = false;

	for (unsigned i = 0; i < instance->path_count; i++)
		is_elsewhere = is_elsewhere || !is_loopback(instance->paths[i].address);
	found.address_count = 0;
	for (unsigned i = 0; i < instance->path_count; i++)
		if (!is_elsewhere || !is_loopback(instance->paths[i].address))
			found.addresses[found.address_count++].s_addr = instance->paths[i].address;
	weft_sort(found.addresses, found.address_count, sizeof(found.addresses[0]),
		compare_addresses, NULL);
	return found;
}

static bool is_told_alike(const struct weft_discovered *a, const struct weft_discovered *b)
{
	return a->port == b->port && strcmp(a->name, b->name) == 0 &&
	       strcmp(a->service, b->service) == 0 && a->address_count == b->address_count &&
	       memcmp(a->addresses, b->addresses, a->address_count * sizeof(a->addresses[0])) == 0;
}

static int compare_found(const void *a, const void *b, void *context)
{
	const struct weft_discovered *first = a, *second = b;
	int order = strcmp(first->name, second->name);

	if (!order)
		order = strcmp(first->service, second->service);
	if (!order)
		order = compare_addresses(&first->addresses[0], &second->addresses[0], context);
	if (!order)
		order = first->port - second->port;
	if (!order)
		order = (first->instance > second->instance) - (first->instance < second->instance);
	return order;
}

int weft_discovery_list(
	struct weft_discovery *discovery, struct weft_discovered *ret_found, int max)
{
	int count = 0;

	for (unsigned i = 0; i < discovery->count && count < max; i++)
		ret_found[count++] = tell(&discovery->instances[i]);
	weft_sort(ret_found, (size_t)count, sizeof(*ret_found), compare_found, NULL);
	return count;
}

/* ---- Instances ------------------------------------------------------------------------------ */

static struct instance *instance_find(struct weft_discovery *discovery, uint64_t number)
{
	for (unsigned i = 0; i < discovery->count; i++)
		if (discovery->instances[i].found.instance == number)
			return &discovery->instances[i];
	return NULL;
}

static struct path *path_find(struct instance *instance, uint32_t address)
{
	for (unsigned i = 0; i < instance->path_count; i++)
		if (instance->paths[i].address == address)
			return &instance->paths[i];
	return NULL;
}

static void instance_remove(struct weft_discovery *discovery, struct instance *instance)
{
	*instance = discovery->instances[--discovery->count];
}

/* NULL: there is no room for one more, or for one more from there. */
static struct instance *instance_add(struct weft_discovery *discovery, uint32_t from)
{
	unsigned from_there = 0;

	if (discovery->count == WEFT_DISCOVER_INSTANCES_MAX)
		return NULL;
	for (unsigned i = 0; i < discovery->count; i++)
		from_there += path_find(&discovery->instances[i], from) != NULL;
	if (from_there >= WEFT_DISCOVER_INSTANCES_PER_ADDRESS_MAX)
		return NULL;
	memset(&discovery->instances[discovery->count], 0, sizeof(struct instance));
	return &discovery->instances[discovery->count++];
}

static void instance_describe(
	struct instance *instance, const struct weft__discover_message *message)
{
	instance->found.instance = message->instance;
	instance->found.port = message->port;
	memcpy(instance->found.name, message->name, sizeof(message->name));
	memcpy(instance->found.service, message->service, sizeof(message->service));
}

static bool is_described_so(
	const struct instance *instance, const struct weft__discover_message *message)
{
	return instance->found.port == message->port &&
	       strcmp(instance->found.name, message->name) == 0 &&
	       strcmp(instance->found.service, message->service) == 0;
}

/* ---- Goodbyes -------------------------------------------------------------------------------
 *
 * Between the two sockets there is no order: an answer may be taken after the goodbye that was
 * sent after it. So answers of who has gone are not believed; a round of his is.
 */

static struct gone *gone_find(struct weft_discovery *discovery, uint64_t instance, uint32_t address)
{
	for (unsigned i = 0; i < GONE_MAX; i++)
		if (discovery->gone[i].instance == instance &&
			discovery->gone[i].address == address)
			return &discovery->gone[i];
	return NULL;
}

static void gone_add(struct weft_discovery *discovery, uint64_t instance, uint32_t address)
{
	struct gone *gone = gone_find(discovery, instance, address);

	if (!gone)
		gone = &discovery->gone[discovery->gone_count++ % GONE_MAX];
	*gone = (struct gone){.instance = instance, .address = address};
}

/* Whether an announcement is older than the goodbye of whom it is from. */
static bool is_late(struct weft_discovery *discovery, const struct weft__lan_datagram *datagram,
	uint64_t instance)
{
	struct gone *gone = gone_find(discovery, instance, datagram->from);

	if (gone && datagram->end == HEARING) {
		*gone = (struct gone){0};
		return false;
	}
	return gone != NULL;
}

/* ---- What comes -------------------------------------------------------------------------------
 */

/* Whether there is an event. */
static bool take_announcement(struct weft_discovery *discovery,
	const struct weft__lan_datagram *datagram, const struct weft__discover_message *message,
	struct weft_discovery_event *ret_event)
{
	struct instance *instance = instance_find(discovery, message->instance);
	uint32_t from = datagram->from;
	struct weft_discovered before;
	struct path *path;

	if (discovery->service[0] && strcmp(discovery->service, message->service) != 0)
		return false;
	if (is_late(discovery, datagram, message->instance))
		return false;
	ret_event->kind = instance ? WEFT_DISCOVERY_CHANGED : WEFT_DISCOVERY_CAME;
	if (!instance) {
		instance = instance_add(discovery, from);
		if (!instance)
			return false;
		instance_describe(instance, message);
	}
	before = tell(instance);
	path = path_find(instance, from);
	/* From another address than before only the same is believed, said once more. */
	if (!path && (!is_described_so(instance, message) ||
			     instance->path_count == WEFT_DISCOVER_ADDRESSES_MAX))
		return false;
	if (!path)
		path = &instance->paths[instance->path_count++];
	path->address = from;
	path->expires_ns = weft_now() + WEFT_MILLISECONDS(message->expiry_ms);
	instance_describe(instance, message);
	ret_event->found = tell(instance);
	return !is_told_alike(&before, &ret_event->found);
}

static bool take_goodbye(struct weft_discovery *discovery, uint32_t from,
	const struct weft__discover_message *message, struct weft_discovery_event *ret_event)
{
	struct instance *instance = instance_find(discovery, message->instance);

	if (!instance)
		gone_add(discovery, message->instance, from);
	/* Nobody says it for another. */
	if (!instance || !path_find(instance, from))
		return false;
	for (unsigned i = 0; i < instance->path_count; i++)
		gone_add(discovery, message->instance, instance->paths[i].address);
	*ret_event =
		(struct weft_discovery_event){.kind = WEFT_DISCOVERY_LEFT, .found = tell(instance)};
	instance_remove(discovery, instance);
	return true;
}

static bool take(struct weft_discovery *discovery, const struct weft__lan_datagram *datagram,
	struct weft_discovery_event *ret_event)
{
	struct weft__discover_message message;

	if (weft__discover_parse(datagram->data, datagram->len, &message))
		return false;
	weft__lan_refresh(&discovery->lan);
	if (!weft__lan_is_local(&discovery->lan, datagram))
		return false;
	switch (message.kind) {
	case WEFT__DISCOVER_ANNOUNCEMENT:
		return take_announcement(discovery, datagram, &message, ret_event);
	case WEFT__DISCOVER_GOODBYE:
		return take_goodbye(discovery, datagram->from, &message, ret_event);
	case WEFT__DISCOVER_QUESTION:
		break;
	}
	return false;
}

/* ---- What time does ---------------------------------------------------------------------------
 */

static int64_t next_expiry(const struct instance *instance)
{
	int64_t next_ns = INT64_MAX;

	for (unsigned i = 0; i < instance->path_count; i++)
		if (instance->paths[i].expires_ns < next_ns)
			next_ns = instance->paths[i].expires_ns;
	return next_ns;
}

static int64_t earliest_expiry(const struct weft_discovery *discovery)
{
	int64_t earliest_ns = INT64_MAX;

	for (unsigned i = 0; i < discovery->count; i++) {
		int64_t next_ns = next_expiry(&discovery->instances[i]);

		if (next_ns < earliest_ns)
			earliest_ns = next_ns;
	}
	return earliest_ns;
}

/* Take the addresses that had expired at that time off an instance; whether that is an event. */
static bool expire(struct weft_discovery *discovery, struct instance *instance, int64_t now,
	struct weft_discovery_event *ret_event)
{
	struct weft_discovered before = tell(instance), after;

	for (unsigned i = 0; i < instance->path_count;) {
		if (instance->paths[i].expires_ns <= now)
			instance->paths[i] = instance->paths[--instance->path_count];
		else
			i++;
	}
	if (instance->path_count == 0) {
		*ret_event = (struct weft_discovery_event){WEFT_DISCOVERY_EXPIRED, before};
		instance_remove(discovery, instance);
		return true;
	}
	after = tell(instance);
	*ret_event = (struct weft_discovery_event){WEFT_DISCOVERY_CHANGED, after};
	return !is_told_alike(&before, &after);
}

/* Let expire what had at that time, up to the first event; whether there is one. */
static bool expire_one(
	struct weft_discovery *discovery, int64_t now, struct weft_discovery_event *ret_event)
{
	for (unsigned i = 0; i < discovery->count; i++) {
		struct instance *instance = &discovery->instances[i];

		if (next_expiry(instance) <= now && expire(discovery, instance, now, ret_event))
			return true;
	}
	return false;
}

static void ask(struct weft_discovery *discovery)
{
	struct weft__discover_message question = {.kind = WEFT__DISCOVER_QUESTION};
	unsigned char datagram[WEFT__DISCOVER_DATAGRAM_MAX];
	size_t len;

	memcpy(question.service, discovery->service, sizeof(question.service));
	len = weft__discover_write(&question, datagram);
	weft__lan_look(&discovery->lan);
	weft__lan_broadcast(
		&discovery->lan, discovery->ends[ASKING], discovery->udp_port, datagram, len);
	discovery->question_at_ns = weft_now() + discovery->question_gap_ns;
	if (discovery->question_gap_ns < QUESTION_GAP_MAX)
		discovery->question_gap_ns *= 2;
}

int weft_discovery_next(struct weft_discovery *discovery, struct weft_discovery_event *ret_event)
{
	struct weft__lan_datagram datagram;
	unsigned overdue = 0;
	int status;

	for (;;) {
		int64_t now = weft_now(), until_ns = earliest_expiry(discovery);

		/* Who has not looked for long takes first what came meanwhile: it may say that
		 * what seems expired is not. But not for ever: somebody may send without end. */
		if (until_ns <= now && overdue++ == OVERDUE_MAX) {
			overdue = 0;
			if (expire_one(discovery, now, ret_event))
				return 0;
			continue;
		}
		if (now >= discovery->question_at_ns)
			ask(discovery);
		if (until_ns > discovery->question_at_ns)
			until_ns = discovery->question_at_ns;
		status = weft__lan_wait(discovery->ends, 2, until_ns, &datagram);
		if (status < 0)
			return -1;
		if (status > 0 && take(discovery, &datagram, ret_event))
			return 0;
		if (status == 0 && expire_one(discovery, now, ret_event))
			return 0;
	}
}

/* ---- At once ----------------------------------------------------------------------------------
 */

int weft_discover(
	const struct weft_discovery_options *options, struct weft_discovered *ret_found, int max)
{
	int64_t timeout_ns = options && options->timeout_ns ? options->timeout_ns : TIMEOUT_DEFAULT;
	struct weft_discovery *discovery = discovery_make(options, false);
	struct weft_discovery_event event;
	struct weft_timeout timeout;
	bool is_time_up;
	int code, count;

	if (!discovery)
		return -1;
	weft_timeout_begin(&timeout, timeout_ns);
	while (weft_discovery_next(discovery, &event) == 0)
		;
	code = errno;
	is_time_up = weft_timeout_end(&timeout) && code == ETIMEDOUT;
	/* The time may have been up for an outer deadline as well, which then is what counts. */
	if (weft_interrupted())
		code = weft_interrupted();
	else if (is_time_up)
		code = 0;
	count = code ? -1 : weft_discovery_list(discovery, ret_found, max);
	weft_discovery_free(discovery);
	errno = code ? code : errno;
	return count;
}
