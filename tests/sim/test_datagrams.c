/*
 * test_datagrams.c - batches of datagrams (weft/udp.h) over a network that loses some: what
 * is asked again until it is answered is answered right.
 */
#include "sim/sim.h"

#include <errno.h>

#include "weft/event.h"
#include "weft/scope.h"
#include "weft/udp.h"

#define QUESTIONS 100
#define BATCH     16

struct question {
	uint32_t number;
};

struct answer {
	uint32_t number, square;
};

static struct weft_event ready;
static struct weft_udp *server;

static int answer_all(void *arg)
{
	struct question questions[BATCH];
	struct answer answers[BATCH];
	struct weft_datagram datagrams[BATCH];

	(void)arg;
	CHECK_INT(weft_sim_host("server"), ==, 0);
	CHECK((server = weft_udp_new("0.0.0.0:53", NULL)));
	weft_event_set(&ready);
	for (;;) {
		int count, sent = 0;

		for (int i = 0; i < BATCH; i++)
			datagrams[i] = (struct weft_datagram){
				.data = &questions[i], .size_bytes = sizeof(questions[i])};
		count = weft_udp_recv_many(server, datagrams, BATCH);
		if (count < 0)
			break;
		for (int i = 0; i < count; i++) {
			uint32_t number = questions[i].number;

			CHECK_INT(datagrams[i].len, ==, sizeof(struct question));
			answers[i] = (struct answer){number, number * number};
			datagrams[i].data = &answers[i];
			datagrams[i].len = sizeof(answers[i]);
		}
		/* A fault of the network's ends a batch early; the rest is asked for again. */
		while (sent < count) {
			int some = weft_udp_send_many(
				server, datagrams + sent, (unsigned)(count - sent));

			sent += some > 0 ? some : 1;
		}
	}
	CHECK_INT(errno, ==, ECANCELED);
	weft_udp_free(server);
	return 0;
}

/* Answers that are there within the scope's time; how many were new. */
static int take_answers(struct weft_udp *udp, bool *is_answered)
{
	struct answer answers[BATCH];
	struct weft_datagram datagrams[BATCH];
	int count, fresh = 0;

	for (int i = 0; i < BATCH; i++)
		datagrams[i] = (struct weft_datagram){
			.data = &answers[i], .size_bytes = sizeof(answers[i])};
	count = weft_udp_recv_many(udp, datagrams, BATCH);
	for (int i = 0; i < count; i++) {
		CHECK_INT(datagrams[i].len, ==, sizeof(struct answer));
		CHECK_INT(answers[i].number, <, QUESTIONS);
		CHECK_INT(answers[i].square, ==, answers[i].number * answers[i].number);
		fresh += !is_answered[answers[i].number];
		is_answered[answers[i].number] = true;
	}
	return count < 0 ? -1 : fresh;
}

static void ask_open(struct weft_udp *udp, const bool *is_answered)
{
	struct question questions[QUESTIONS];
	struct weft_datagram datagrams[QUESTIONS];
	unsigned count = 0;

	for (uint32_t i = 0; i < QUESTIONS; i++)
		if (!is_answered[i]) {
			questions[count].number = i;
			datagrams[count] = (struct weft_datagram){
				.data = &questions[count], .len = sizeof(questions[count])};
			count++;
		}
	weft_udp_send_many(udp, datagrams, count);
}

static int ask(void *arg)
{
	bool is_answered[QUESTIONS] = {false};
	int answered = 0;
	weft_fiber_id fiber;
	struct weft_udp *udp;

	(void)arg;
	weft_event_init(&ready, "ready");
	fiber = weft_spawn(answer_all, NULL);
	CHECK_INT(weft_event_wait(&ready), ==, 0);
	CHECK_INT(weft_sim_host("client"), ==, 0);
	CHECK((udp = weft_udp_connect("server:53", NULL)));
	while (answered < QUESTIONS) {
		int fresh = 0;

		ask_open(udp, is_answered);
		WEFT_WITH_TIMEOUT (WEFT_MILLISECONDS(100))
			while (fresh >= 0 && answered < QUESTIONS) {
				fresh = take_answers(udp, is_answered);
				answered += fresh > 0 ? fresh : 0;
			}
	}
	weft_udp_free(udp);
	weft_cancel(fiber);
	CHECK_INT(weft_join(fiber, NULL, WEFT_FOREVER), ==, 0);
	return 0;
}

SIM_CASE(questions_asked_again_are_answered_at_last, ask, 2,
	{.loss_chance = 0.3,
		.duplicate_chance = 0.2,
		.reorder_chance = 0.2,
		.enobufs_chance = 0.05})
SIM_CASE(without_loss_they_are_too, ask, 2, {.loss_chance = 0})

CHECK_MAIN()
