/*
 * subject_chat_link.c - chat's sealed datagrams, without a network.
 *
 * Entry points: bench_chat_link_subjects.
 */
#include "timing.h"

static const struct timing timings[] = {
	{
		.subject = "chat-link",
		.yardstick = {"weft-bench", "--child", "chat-seal"},
		.weft = {"weft-bench", "--child", "chat-link"},
		.row_count = 3,
		.rows = {{"chat-link.alone", "ns", {BOUND_NONE, 0}},
			{"chat-link.shared", "ns", {BOUND_NONE, 0}},
			{"chat-link.handshake", "ns", {BOUND_NONE, 0}}},
	},
};

static int run_timing(struct bench *bench, const struct subject *subject)
{
	return timing_run(bench, timings, subject);
}

const struct subject bench_chat_link_subjects[] = {
	{"chat-link", "a message of 64 bytes over a sealed link, both ends", run_timing},
	{NULL, NULL, NULL},
};
