/*
 * fuzz_chat_caller.c - a hub of chat that is an enemy, and a client of it (src/cmd/chat_caller.c).
 *
 * Whatever lines it says: what the client keeps has a bound and can be shown, what it sends is
 * whole lines, and no message of a room's log is taken twice or out of order.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "../src/cmd/chat_caller.h"
#include "weft/utf8.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void require(bool fact)
{
	if (!fact)
		abort();
}

static struct chat_model model;
static struct chat_caller caller;
static uint64_t last_seq;
static uint32_t last_epoch;

static void on_logged(void *arg, const struct chat_heard *heard)
{
	(void)arg;
	if (strcmp(heard->room, "lobby") != 0)
		return;
	require(heard->epoch != last_epoch || heard->seq > last_seq);
	last_epoch = heard->epoch;
	last_seq = heard->seq;
}

static void check_shown(const char *text)
{
	size_t len = strlen(text);

	for (size_t at = 0, size; at < len; at += size) {
		uint32_t character;

		size = weft_utf8_read(text + at, len - at, &character);
		require(size > 0);
		require(character == '\n' || !weft_utf8_is_dangerous(character));
	}
}

static void check_model(void)
{
	require(model.rooms_len <= CHAT_ROOMS_MAX);
	for (size_t i = 0; i < model.rooms_len; i++) {
		const struct chat_room *room = model.rooms[i];

		require(room->entries_len <= CHAT_ENTRIES_MAX);
		require(room->people_len <= CHAT_PEOPLE_MAX);
		for (size_t k = 0; k < room->entries_len; k++) {
			check_shown(room->entries[k].text);
			check_shown(room->entries[k].who ? room->entries[k].who : "");
			require(k == 0 || room->entries[k - 1].seq <= room->entries[k].seq);
		}
		check_shown(room->topic ? room->topic : "");
	}
	check_shown(caller.why);
}

/* What is sent can be read as commands. */
static void check_out(void)
{
	static struct weft_chat_command command;
	const char *at = weft_str_text(&caller.out), *newline;

	for (; *at; at = newline + 1) {
		newline = strchr(at, '\n');
		require(newline != NULL);
		require(!weft_chat_line_read(&command, at, (size_t)(newline - at) + 1) ||
			strstr(at, "JOIN") || strstr(at, "HISTORY") || strstr(at, "SAY"));
	}
	weft_str_reset(&caller.out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	const struct chat_caller_options options = {.name = "mia",
		.prefix = "id",
		.history = len % 2 ? 20 : 0,
		.hooks = {.logged = on_logged}};
	const char *at = (const char *)data, *end = at + len;

	last_seq = 0;
	last_epoch = 0;
	weft__model_init(&model);
	weft__caller_init(&caller, &model, &options);
	weft__caller_join(&caller, "lobby");
	weft__caller_say(&caller, "lobby", "hello");
	weft__caller_connected(&caller);
	while (at < end) {
		const char *newline = memchr(at, '\n', (size_t)(end - at));
		size_t part = newline ? (size_t)(newline - at) + 1 : (size_t)(end - at);

		if (!weft__caller_line(&caller, at, part)) {
			weft__caller_lost(&caller, "");
			caller.state = CHAT_OFFLINE;
			weft__caller_connected(&caller);
		}
		weft__caller_tick(&caller);
		check_out();
		at += part;
	}
	check_model();
	weft__caller_fini(&caller);
	weft__model_fini(&model);
	return 0;
}
