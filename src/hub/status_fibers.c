/*
 * status_fibers.c - all fibers as JSON, written as they are told of: GET /api/v1/fibers.
 *
 * Tens of thousands of them are as many kilobytes twice over: they go out in pieces, and what is
 * in memory is one.
 *
 * Entry point: weft__hub_status_fibers().
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "status_inside.h"
#include "weft/debug.h"
#include "weft/http_escape.h"
#include "weft/str.h"

/** What is written at a time, about, and at most: a fiber with all of its texts escaped. */
#define PIECE_LEN     16384
#define PIECE_LEN_MAX (PIECE_LEN + 8192)

/** Words of a search; more are not looked at. */
#define WORDS_MAX 16

/** Workers that are held, told of at the end. */
#define HELD_MAX WEFT_WORKERS_MAX

struct held {
	unsigned worker;
	int64_t ns;
	char fiber[64];
};

struct listing {
	const struct hub_fibers_query *query;
	hub_status_write_fn *write;
	void *arg;
	struct weft_str text;
	int64_t found, written;
	unsigned held_count;
	struct held held[HELD_MAX];
};

/* ---- Searching ------------------------------------------------------------------------------- */

static bool has_word(const char *text, const char *word, size_t len)
{
	for (; *text; text++)
		if (strncasecmp(text, word, len) == 0)
			return true;
	return false;
}

static bool is_found(const struct weft_fiber_facts *facts, const char *find)
{
	const char *texts[] = {facts->name, facts->door, facts->peer, facts->wait,
		weft_fiber_state_name(facts->state)};
	unsigned words = 0;

	while (find && words++ < WORDS_MAX) {
		size_t len;
		bool has_it = false;

		find += strspn(find, " \t");
		len = strcspn(find, " \t");
		if (len == 0)
			break;
		for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]) && !has_it; i++)
			has_it = has_word(texts[i], find, len);
		if (!has_it)
			return false;
		find += len;
	}
	return true;
}

/* ---- Writing --------------------------------------------------------------------------------- */

static void append_member(struct weft_str *text, const char *name, const char *value)
{
	weft_str_appendf(text, ",\"%s\":", name);
	weft_http_escape_json(text, value, strlen(value));
}

static int flush(struct listing *listing)
{
	int result = -1;

	if (weft_str_error(&listing->text))
		errno = ENOMEM;
	else
		result = listing->write(
			weft_str_text(&listing->text), weft_str_len(&listing->text), listing->arg);
	weft_str_reset(&listing->text);
	return result < 0 ? -1 : 0;
}

/* As weft_dump() has it: its slot, and which one it is there. */
static void print_id(uint64_t id, char ret_text[24])
{
	snprintf(ret_text, 24, "%" PRIu32 ".%" PRIu32, (uint32_t)id, (uint32_t)(id >> 32));
}

static void append_fiber(struct listing *listing, const struct weft_fiber_facts *facts)
{
	struct weft_str *text = &listing->text;
	char id[24];

	print_id(facts->id, id);
	weft_str_appendf(text, "%s\n{\"id\":\"%s\"", listing->written ? "," : "", id);
	append_member(text, "name", facts->name);
	weft_str_appendf(text, ",\"worker\":%u,\"state\":\"%s\"", facts->worker,
		weft_fiber_state_name(facts->state));
	append_member(text, "wait", facts->wait);
	weft_str_appendf(text,
		",\"seconds\":%.6f,\"age\":%.6f,\"stack\":{\"used\":%zu,\"size\":%zu}",
		(double)facts->state_ns / 1e9, (double)facts->age_ns / 1e9, facts->stack_used_bytes,
		facts->stack_size_bytes);
	append_member(text, "door", facts->door);
	append_member(text, "peer", facts->peer);
	weft_str_append(text, "}");
	listing->written++;
}

static void note_held(struct listing *listing, const struct weft_fiber_facts *facts)
{
	struct held *held = &listing->held[listing->held_count];
	char id[24];

	if (listing->held_count == HELD_MAX)
		return;
	print_id(facts->id, id);
	held->worker = facts->worker;
	held->ns = facts->state_ns;
	if (facts->id)
		snprintf(held->fiber, sizeof(held->fiber), "\"%s\" #%s", facts->name, id);
	else
		held->fiber[0] = '\0';
	listing->held_count++;
}

static int take(const struct weft_fiber_facts *facts, void *arg)
{
	struct listing *listing = arg;

	if (facts->state == WEFT_FIBER_HOLDS) {
		note_held(listing, facts);
		return 0;
	}
	if (!is_found(facts, listing->query->find))
		return 0;
	listing->found++;
	if (listing->written == listing->query->limit)
		return 0;
	append_fiber(listing, facts);
	return weft_str_len(&listing->text) < PIECE_LEN ? 0 : flush(listing);
}

static int write_end(struct listing *listing)
{
	struct weft_str *text = &listing->text;

	weft_str_append(text, "\n],\"busy\":[");
	for (unsigned i = 0; i < listing->held_count; i++) {
		const struct held *held = &listing->held[i];

		weft_str_appendf(text, "%s{\"worker\":%u", i ? "," : "", held->worker);
		append_member(text, "fiber", held->fiber);
		weft_str_appendf(text, ",\"seconds\":%.6f}", (double)held->ns / 1e9);
	}
	weft_str_appendf(text, "],\"forks\":%s,\"count\":%zu,\"found\":%" PRId64 "}\n",
		listing->query->forks ? "true" : "false", weft_fiber_count(), listing->found);
	return flush(listing);
}

int weft__hub_status_fibers(
	const struct hub_fibers_query *query, hub_status_write_fn *write, void *arg)
{
	struct listing *listing = calloc(1, sizeof(*listing));
	int result = -1, saved;

	if (!listing)
		return -1;
	listing->query = query;
	listing->write = write;
	listing->arg = arg;
	weft_str_init(&listing->text, PIECE_LEN_MAX);
	weft_str_append(&listing->text, "{\"fibers\":[");
	if (weft_fibers(take, listing) == 0)
		result = write_end(listing);
	saved = errno;
	weft_str_fini(&listing->text);
	free(listing);
	errno = saved;
	return result;
}
