/*
 * announce.c - telling the local networks what this host offers (weft/discover.h).
 *
 *	discover_wire.c     the datagrams
 *	discover_lan.c      the networks, and the neighbours on them
 *	discover.c          the other end
 *
 * Entry points: weft_announcer_new(), weft_announcer_run().
 *
 * Never: send more than was asked for with, or to somebody who is no neighbour.
 */
#include <errno.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "io/discover.h"
#include "weft/fiber.h"
#include "weft/scope.h"

/** Between announcements. */
#define INTERVAL_DEFAULT WEFT_SECONDS(5)
#define INTERVAL_MIN     WEFT_MILLISECONDS(10)

/** Answers: one so often over a long time, and this time's worth of them at once. */
#define ANSWER_COST  WEFT_MILLISECONDS(20)
#define ANSWER_BURST WEFT_SECONDS(1)

/** Answers to one source; it asks again after a tenth of a second at the earliest. */
#define ANSWER_GAP WEFT_MILLISECONDS(50)

/** Sources that are remembered for that; a power of two. */
#define SOURCES 256

struct source {
	uint32_t address;
	int64_t answered_at_ns;
};

struct counters {
	_Atomic uint64_t announced, answered, passed, limited, malformed;
};

struct weft_announcer {
	struct weft_udp *udp;
	uint16_t udp_port;
	int64_t interval_ns;
	struct weft__discover_message message;
	struct weft__lan lan;
	struct counters counters;

	int64_t answers_paid_ns; /* the time up to which answers are used up */
	uint32_t source_seed;
	struct source sources[SOURCES];
};

static void count(_Atomic uint64_t *counter, uint64_t more)
{
	atomic_fetch_add_explicit(counter, more, memory_order_relaxed);
}

/* ---- Life ---------------------------------------------------------------------------------- */

/* 0, or -1 with EINVAL. */
static int message_fill(
	struct weft__discover_message *message, const struct weft_announcer_options *options)
{
	const char *service = options->service ? options->service : "weft";
	int64_t interval_ns = options->interval_ns ? options->interval_ns : INTERVAL_DEFAULT;
	int64_t expiry_ns = options->expiry_ns;

	if (!expiry_ns)
		expiry_ns = interval_ns < WEFT_DISCOVER_EXPIRY_MAX / 3 - WEFT_SECONDS(1)
				    ? 3 * interval_ns + WEFT_SECONDS(1)
				    : WEFT_DISCOVER_EXPIRY_MAX;
	if (!options->name || !weft__discover_is_name(options->name, strlen(options->name)) ||
		!weft__discover_is_service(service, strlen(service)) || !options->port ||
		interval_ns < INTERVAL_MIN || interval_ns > WEFT_DISCOVER_EXPIRY_MAX ||
		expiry_ns < WEFT_MILLISECONDS(1) || expiry_ns > WEFT_DISCOVER_EXPIRY_MAX) {
		errno = EINVAL;
		return -1;
	}
	message->kind = WEFT__DISCOVER_ANNOUNCEMENT;
	message->port = options->port;
	message->expiry_ms = (uint32_t)(expiry_ns / WEFT_MILLISECONDS(1));
	memcpy(message->name, options->name, strlen(options->name));
	memcpy(message->service, service, strlen(service));
	while (!message->instance)
		message->instance = weft_random();
	return 0;
}

struct weft_announcer *weft_announcer_new(const struct weft_announcer_options *options)
{
	struct weft_announcer *announcer = calloc(1, sizeof(*announcer));

	if (!announcer)
		return NULL;
	announcer->udp_port = options->udp_port ? options->udp_port : WEFT_DISCOVER_PORT;
	announcer->interval_ns = options->interval_ns ? options->interval_ns : INTERVAL_DEFAULT;
	announcer->source_seed = (uint32_t)weft_random();
	if (message_fill(&announcer->message, options) == 0)
		announcer->udp = weft__lan_open(announcer->udp_port);
	if (!announcer->udp) {
		weft_announcer_free(announcer);
		return NULL;
	}
	weft__lan_look(&announcer->lan);
	return announcer;
}

void weft_announcer_free(struct weft_announcer *announcer)
{
	int saved = errno;

	if (!announcer)
		return;
	weft_udp_free(announcer->udp);
	free(announcer);
	errno = saved;
}

uint64_t weft_announcer_instance(const struct weft_announcer *announcer)
{
	return announcer->message.instance;
}

struct weft_announcer_counters weft_announcer_counters(const struct weft_announcer *announcer)
{
	const struct counters *from = &announcer->counters;

	return (struct weft_announcer_counters){
		.announced = atomic_load_explicit(&from->announced, memory_order_relaxed),
		.answered = atomic_load_explicit(&from->answered, memory_order_relaxed),
		.passed = atomic_load_explicit(&from->passed, memory_order_relaxed),
		.limited = atomic_load_explicit(&from->limited, memory_order_relaxed),
		.malformed = atomic_load_explicit(&from->malformed, memory_order_relaxed),
	};
}

/* ---- Telling all ------------------------------------------------------------------------------
 */

static void tell_all(struct weft_announcer *announcer, const struct weft__discover_message *message)
{
	unsigned char datagram[WEFT__DISCOVER_DATAGRAM_MAX];
	size_t len = weft__discover_write(message, datagram);

	weft__lan_look(&announcer->lan);
	count(&announcer->counters.announced, weft__lan_broadcast(&announcer->lan, announcer->udp,
						      announcer->udp_port, datagram, len));
}

static void say_goodbye(struct weft_announcer *announcer)
{
	const struct weft__discover_message goodbye = {
		.kind = WEFT__DISCOVER_GOODBYE, .instance = announcer->message.instance};
	struct weft_timeout shield;

	weft_shield_begin(&shield);
	tell_all(announcer, &goodbye);
	weft_shield_end(&shield);
}

/* A tenth earlier at most, by chance: those started together don't stay together. */
static int64_t next_round(const struct weft_announcer *announcer)
{
	int64_t tenth = announcer->interval_ns / 10;

	return weft_now() + announcer->interval_ns - (int64_t)(weft_random() % (uint64_t)tenth);
}

/* ---- Answering ----------------------------------------------------------------------------------
 */

/* Whether this source, and all together, had few enough answers. */
static bool may_answer(struct weft_announcer *announcer, uint32_t from)
{
	uint32_t hash = (from ^ announcer->source_seed) * 2654435761u;
	struct source *source = &announcer->sources[hash >> 24 & (SOURCES - 1)];
	int64_t now = weft_now();

	if (source->address == from && now - source->answered_at_ns < ANSWER_GAP)
		return false;
	if (announcer->answers_paid_ns < now)
		announcer->answers_paid_ns = now;
	if (announcer->answers_paid_ns - now > ANSWER_BURST)
		return false;
	announcer->answers_paid_ns += ANSWER_COST;
	*source = (struct source){.address = from, .answered_at_ns = now};
	return true;
}

static void take_question(struct weft_announcer *announcer,
	const struct weft__lan_datagram *datagram, const struct weft__discover_message *question)
{
	unsigned char answer[WEFT__DISCOVER_DATAGRAM_MAX];

	if (question->service[0] && strcmp(question->service, announcer->message.service) != 0) {
		count(&announcer->counters.passed, 1);
		return;
	}
	weft__lan_refresh(&announcer->lan);
	if (!weft__lan_is_local(&announcer->lan, datagram) ||
		!may_answer(announcer, datagram->from)) {
		count(&announcer->counters.limited, 1);
		return;
	}
	if (weft__lan_answer(announcer->udp, datagram, answer,
		    weft__discover_write(&announcer->message, answer)))
		count(&announcer->counters.answered, 1);
}

static void take(struct weft_announcer *announcer, const struct weft__lan_datagram *datagram)
{
	struct weft__discover_message message;

	if (weft__discover_parse(datagram->data, datagram->len, &message))
		count(&announcer->counters.malformed, 1);
	else if (message.kind == WEFT__DISCOVER_QUESTION)
		take_question(announcer, datagram, &message);
}

int weft_announcer_run(struct weft_announcer *announcer)
{
	int64_t next_ns = weft_now();
	int status = 0, code;

	while (status >= 0) {
		struct weft__lan_datagram datagram;

		if (weft_now() >= next_ns) {
			tell_all(announcer, &announcer->message);
			next_ns = next_round(announcer);
		}
		status = weft__lan_wait(&announcer->udp, 1, next_ns, &datagram);
		if (status > 0)
			take(announcer, &datagram);
	}
	code = errno;
	say_goodbye(announcer);
	errno = code;
	return -1;
}
