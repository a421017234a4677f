/*
 * chat_plain.c - `weft chat` in a pipe: each line is said, what is heard is printed as lines or
 * JSON.
 *
 *	echo hi | weft chat HOST --room x		0 when it is accepted
 *	weft chat HOST --room x --follow --json		until Ctrl-C
 *
 * Entry points: weft__cmd_chat_plain(), weft__cmd_chat_plain_hooks().
 *
 * Never: end with 0 while something that was said was not accepted.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "chat.h"
#include "chat_text.h"
#include "service.h"
#include "weft/offload.h"
#include "weft/scope.h"

struct plain {
	struct chat *chat;
	weft_fiber_id link;
	int status;
	int stop_fds[2]; /* a pipe: what is written into it ends the reading */
	bool has_all;    /* of the standard input */
	bool is_over;
	bool is_stopped, has_failed;
	struct weft_event room; /* for one more message */
};

/* The only one: hooks are called before and while it runs. */
struct sink {
	struct chat *chat;
	bool has_refused;
	char fault[256]; /* the room's: it can't be entered; "" */
};

static struct sink sink;

/* ---- What is heard ---------------------------------------------------------------------- */

static void print_time(int64_t at_ns, const char *format)
{
	time_t seconds = (time_t)(at_ns / WEFT_SECONDS(1));
	bool is_json = sink.chat->is_json;
	struct tm parts;
	char text[64] = "";

	if (is_json ? gmtime_r(&seconds, &parts) : localtime_r(&seconds, &parts))
		strftime(text, sizeof(text), format, &parts);
	fputs(text, stdout);
	if (is_json)
		printf(".%03dZ", (int)(at_ns / WEFT_MILLISECONDS(1) % 1000));
}

static void print_json(const struct chat_heard *heard)
{
	bool is_guest = heard->who[0] == '~';

	printf("{\"event\":\"%s\",\"room\":", weft__heard_word(heard->kind));
	weft__cmd_print_json_text(heard->room);
	printf(",\"epoch\":\"%08" PRIx32 "\",\"seq\":%" PRIu64 ",\"at\":\"", heard->epoch,
		heard->seq);
	print_time(heard->at_ns, "%Y-%m-%dT%H:%M:%S");
	fputs("\",\"who\":", stdout);
	weft__cmd_print_json_text(heard->who + is_guest);
	if (is_guest)
		fputs(",\"guest\":true", stdout);
	if (heard->kind == CHAT_HEARD_DELETED) {
		printf(",\"target\":%" PRIu64, heard->from);
	} else {
		fputs(",\"text\":", stdout);
		weft__cmd_print_json_text(heard->text);
	}
	fputs("}\n", stdout);
}

/* Harmless to a terminal, and one line. */
static void print_shown(const char *text)
{
	struct weft_str str;

	weft_str_init(&str, WEFT_STR_LEN_MAX);
	weft__text_show_line(&str, text, strlen(text));
	fputs(weft_str_text(&str), stdout);
	weft_str_fini(&str);
}

static void print_line(const struct chat_heard *heard)
{
	print_time(heard->at_ns, "%Y-%m-%d %H:%M ");
	if (sink.chat->rooms.count > 1)
		printf("[%s] ", heard->room);
	if (heard->kind == CHAT_HEARD_DELETED) {
		print_shown(heard->who);
		printf(" has deleted message %" PRIu64, heard->from);
	} else {
		fputs(heard->kind == CHAT_HEARD_MESSAGE ? "" : "* ", stdout);
		print_shown(heard->who);
		fputs(heard->kind == CHAT_HEARD_TOPIC ? " changes the topic: " : ": ", stdout);
		print_shown(heard->text);
	}
	putchar('\n');
}

static void on_logged(void *arg, const struct chat_heard *heard)
{
	(void)arg;
	if (!sink.chat->follows)
		return;
	if (sink.chat->is_json)
		print_json(heard);
	else
		print_line(heard);
	fflush(stdout);
}

static void on_settled(void *arg, const struct chat_post *post, const struct chat_heard *heard)
{
	bool is_ok = heard->kind == CHAT_HEARD_OK;
	const char *why = heard->text[0] ? heard->text : heard->word;

	(void)arg;
	if (!is_ok) {
		sink.has_refused = true;
		weft__cmd_fail(CHAT, "not sent to %s (%s): %.60s", post->room, why, post->text);
	}
	if (!sink.chat->is_json || sink.chat->follows)
		return;
	printf("{\"ok\":%s,\"room\":", is_ok ? "true" : "false");
	weft__cmd_print_json_text(post->room);
	if (is_ok) {
		printf(",\"epoch\":\"%08" PRIx32 "\",\"seq\":%" PRIu64, heard->epoch, heard->seq);
	} else {
		fputs(",\"fault\":", stdout);
		weft__cmd_print_json_text(heard->word);
		fputs(",\"text\":", stdout);
		weft__cmd_print_json_text(heard->text);
	}
	fputs("}\n", stdout);
	fflush(stdout);
}

static void on_entered(void *arg, const char *room, const char *fault)
{
	(void)arg;
	if (fault && !sink.fault[0])
		snprintf(sink.fault, sizeof(sink.fault), "%s: %.180s", room,
			fault[0] ? fault : "you are not in it any more");
}

void weft__cmd_chat_plain_hooks(struct chat *chat, struct chat_hooks *ret_hooks)
{
	sink = (struct sink){.chat = chat};
	*ret_hooks = (struct chat_hooks){
		.logged = on_logged, .settled = on_settled, .entered = on_entered};
}

/* ---- What is said ----------------------------------------------------------------------- */

/* One read of the standard input, until it is broken off by a byte in the pipe. */
struct reading {
	int stop_fd;
	ssize_t len; /* -1: it failed, or was broken off */
	char bytes[4096];
};

/*
 * On a thread of its own: what the runtime waits for it makes non-blocking, and the standard input
 * is shared with the shell and whoever else was started by it.
 */
static int read_on_a_thread(void *arg)
{
	struct reading *reading = arg;
	struct pollfd fds[] = {
		{.fd = STDIN_FILENO, .events = POLLIN}, {.fd = reading->stop_fd, .events = POLLIN}};

	reading->len = -1;
	while (poll(fds, 2, -1) < 0)
		if (errno != EINTR)
			return -1;
	if (fds[1].revents == 0)
		reading->len = read(STDIN_FILENO, reading->bytes, sizeof(reading->bytes));
	return 0;
}

static bool say(struct plain *plain, const char *text)
{
	struct chat *chat = plain->chat;

	for (;;) {
		const char *why;

		weft_event_clear(&plain->room);
		if (chat->caller.posts_len < CHAT_POSTS_MAX) {
			why = weft__caller_say(&chat->caller, chat->model.current->name, text);
			weft__cmd_chat_kick(chat);
			if (why) {
				weft__cmd_fail(CHAT, "not sent (%s): %.60s", why, text);
				plain->has_failed = true;
			}
			return true;
		}
		if (weft_event_wait(&plain->room) < 0)
			return false;
	}
}

struct input {
	size_t len;
	bool is_too_long;
	char line[WEFT_CHAT_TEXT_MAX + 1];
};

static bool end_line(struct plain *plain, struct input *input)
{
	bool goes_on = true;

	if (input->len > 0 && input->line[input->len - 1] == '\r')
		input->len--;
	input->line[input->len] = '\0';
	if (input->is_too_long) {
		weft__cmd_fail(
			CHAT, "not sent: a line is longer than %d bytes.", WEFT_CHAT_TEXT_MAX);
		plain->has_failed = true;
	} else if (input->len > 0) {
		goes_on = say(plain, input->line);
	}
	input->len = 0;
	input->is_too_long = false;
	return goes_on;
}

static bool take(struct plain *plain, struct input *input, const char *bytes, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (bytes[i] == '\n') {
			if (!end_line(plain, input))
				return false;
		} else if (input->len == WEFT_CHAT_TEXT_MAX) {
			input->is_too_long = true;
		} else if (bytes[i]) { /* a NUL is no text */
			input->line[input->len++] = bytes[i];
		}
	}
	return true;
}

static int sender(void *arg)
{
	struct plain *plain = arg;
	struct input *input = calloc(1, sizeof(*input));
	struct reading reading = {.stop_fd = plain->stop_fds[0], .len = -1};
	int one = 1;

	while (input && weft_offload(read_on_a_thread, &reading) == 0 && reading.len > 0)
		if (!take(plain, input, reading.bytes, (size_t)reading.len))
			break;
	if (input && reading.len == 0 && (input->len > 0 || input->is_too_long))
		end_line(plain, input);
	plain->has_failed = plain->has_failed || (reading.len < 0 && !plain->is_over);
	plain->has_all = true;
	free(input);
	weft_chan_try_send(plain->chat->changed, &one);
	return 0;
}

/* ---- The whole -------------------------------------------------------------------------- */

static void stop(void *arg)
{
	struct plain *plain = arg;
	int one = 1;

	plain->is_stopped = true;
	weft_chan_try_send(plain->chat->changed, &one);
}

static bool is_done(struct plain *plain)
{
	const struct chat_caller *caller = &plain->chat->caller;

	if (plain->is_stopped || ferror(stdout))
		return true;
	if (caller->state == CHAT_OVER) {
		plain->has_failed = true;
		weft__cmd_fail(CHAT, "%s: %s.", plain->chat->host_port, caller->why);
		return true;
	}
	if (sink.fault[0]) {
		plain->has_failed = true;
		weft__cmd_fail(CHAT, "%s.", sink.fault);
		return true;
	}
	/* At the end of a file she goes on listening, if she wanted to; after Ctrl-D not. */
	return (!plain->chat->follows || plain->chat->is_typed) && plain->has_all &&
	       weft__caller_is_settled(caller);
}

int weft__cmd_chat_plain(struct chat *chat)
{
	const struct weft_spawn_options large = {.name = "chat", .stack_size_bytes = 256 * 1024};
	struct plain plain = {.chat = chat};
	weft_fiber_id stopper, sends;

	if (pipe2(plain.stop_fds, O_CLOEXEC) < 0)
		return weft__cmd_fail(CHAT, "%s.", strerror(errno));
	weft_event_init(&plain.room, "chat");
	stopper = weft__cmd_on_stop(stop, &plain);
	plain.link = weft_spawn_with(&large, weft__cmd_chat_link, chat);
	sends = weft_spawn_with(&large, sender, &plain);
	while (!is_done(&plain)) {
		if (!weft__cmd_chat_wait(chat, WEFT_FOREVER))
			break;
		weft_event_set(&plain.room);
	}
	plain.is_over = true;
	if (write(plain.stop_fds[1], "", 1) == 1) {
		weft_cancel(sends);
		WEFT_SHIELDED
			weft_join(sends, NULL, WEFT_FOREVER);
	}
	close(plain.stop_fds[0]);
	close(plain.stop_fds[1]);
	/* A stop while something had no answer is no success. */
	if (!weft__caller_is_settled(&chat->caller) || sink.has_refused)
		plain.has_failed = true;
	weft__cmd_chat_leave(chat, plain.link);
	weft__cmd_unstop(stopper);
	return plain.has_failed ? CMD_FAILED : CMD_DONE;
}
