/*
 * chat_link.c - the connection to a hub: made, kept alive, and made again when it is lost.
 *
 *	link:   connect -> read lines -> lost -> wait longer and longer -> connect ...
 *	writer: what the caller has to say, as it comes; and what waited for its time
 *
 * Entry points: weft__cmd_chat_link(), weft__cmd_chat_kick(), weft__cmd_chat_wait(),
 *weft__cmd_chat_leave().
 *
 * Never: send a password or token where others may listen, unless she said so.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "chat.h"
#include "weft/scope.h"
#include "weft/socket.h"
#include "weft/stream.h"

#define CONNECT_NS WEFT_SECONDS(15)

/** A hub that is silent for so long is asked; for twice that, it is gone. */
#define SILENCE_NS WEFT_SECONDS(30)

/** For the last words. */
#define GOODBYE_NS WEFT_SECONDS(2)

static void tell_time(struct chat *chat)
{
	weft__caller_time(&chat->caller, weft_now(), weft_wall_now());
}

static void tell_change(struct chat *chat)
{
	int one = 1;

	weft_chan_try_send(chat->changed, &one); /* one that is there already is enough */
}

void weft__cmd_chat_kick(struct chat *chat)
{
	if (weft_str_len(&chat->caller.out) > 0)
		weft_event_set(&chat->has_out);
}

bool weft__cmd_chat_wait(struct chat *chat, int64_t timeout_ns)
{
	int one;
	struct weft_select_case cases[] = {
		WEFT_SELECT_RECV(chat->changed, &one), WEFT_SELECT_TIMER(timeout_ns)};

	return weft_select(cases, 2) >= 0;
}

/* ---- Connecting ------------------------------------------------------------------------- */

static void say_why(struct chat *chat, const char *text)
{
	snprintf(chat->caller.why, sizeof(chat->caller.why), "%s", text);
}

static bool may_send_secrets(struct chat *chat, struct weft_stream *stream)
{
	if (chat->is_private || chat->allows_plain_secrets || (!chat->secret && !chat->token) ||
		weft_address_is_loopback(weft_stream_peer(stream)))
		return true;
	chat->caller.state = CHAT_OVER;
	say_why(chat, "a password or token would go through the network in the clear: use "
		      "tls://HOST (or --insecure-auth)");
	return false;
}

static const char *what_is_missing(const struct chat *chat)
{
	return strncmp(chat->host_port, "unix:", 5) == 0
		       ? "there is no such socket; a hub makes it with --chat unix:/PATH"
		       : "there is no such host";
}

struct weft_stream *weft__cmd_chat_connect(struct chat *chat)
{
	struct weft_tls_fault fault = {.kind = WEFT_TLS_NO_FAULT};
	struct weft_stream *stream = NULL;

	WEFT_WITH_TIMEOUT (CONNECT_NS) {
		stream = chat->is_tls ? weft_stream_connect_tls(chat->host_port, chat->tls, &fault)
				      : weft_stream_connect(chat->host_port);
		if (!stream)
			say_why(chat, fault.kind != WEFT_TLS_NO_FAULT ? fault.text
				      : errno == ENOENT               ? what_is_missing(chat)
								      : strerror(errno));
	}
	if (stream && !may_send_secrets(chat, stream)) {
		weft_stream_free(stream);
		stream = NULL;
	}
	return stream;
}

/* ---- Writing ---------------------------------------------------------------------------- */

/* What there is to send, with a new builder in its place. */
static int write_out(struct chat *chat, struct weft_stream *stream)
{
	struct weft_str out = chat->caller.out;
	int result;

	if (weft_str_len(&out) == 0)
		return 0;
	weft_str_init(&chat->caller.out, CHAT_OUT_MAX);
	result = weft_stream_write_all(stream, weft_str_text(&out), weft_str_len(&out));
	if (result == 0)
		result = weft_stream_flush(stream);
	explicit_bzero(out.text, out.len); /* a password, perhaps */
	weft_str_fini(&out);
	return result;
}

static int writer(void *arg)
{
	struct chat *chat = arg;

	for (;;) {
		int64_t next;

		weft_event_clear(&chat->has_out);
		tell_time(chat);
		next = weft__caller_tick(&chat->caller);
		if (write_out(chat, chat->stream) < 0)
			break;
		next -= weft_now();
		/* Its deadline is no fault: then something is due. INT64_MAX is for ever. */
		WEFT_WITH_TIMEOUT (next > 0 ? next : 1)
			weft_event_wait(&chat->has_out);
		if (weft_interrupted() == ECANCELED)
			return 0;
	}
	/* Whoever reads is to learn of it. */
	weft_shutdown(weft_stream_fd(chat->stream), SHUT_RDWR);
	return 0;
}

/* ---- Reading ---------------------------------------------------------------------------- */

struct line {
	size_t len;
	char bytes[CHAT_HEARD_LINE_MAX];
};

/* The lines in what came. NULL: go on; or why not. */
static const char *take_bytes(struct chat *chat, struct line *line, const char *bytes, size_t len)
{
	while (len > 0) {
		const char *newline = memchr(bytes, '\n', len);
		size_t part = newline ? (size_t)(newline - bytes) + 1 : len;

		if (part > sizeof(line->bytes) - line->len)
			return "it sends a line without an end: this is no hub's chat";
		memcpy(line->bytes + line->len, bytes, part);
		line->len += part;
		bytes += part;
		len -= part;
		if (!newline)
			break;
		if (!weft__caller_line(&chat->caller, line->bytes, line->len))
			return chat->caller.why[0] ? "" : "what it says makes no sense";
		line->len = 0;
	}
	return NULL;
}

static void ping(struct chat *chat)
{
	const struct chat_wish quiet = {.purpose = CHAT_FOR_NOTHING};

	weft__caller_ask(&chat->caller, &quiet, "PING");
	weft__cmd_chat_kick(chat);
}

/* Until the connection ends: why. */
static const char *read_all(struct chat *chat, struct line *line)
{
	bool is_asked = false;

	for (;;) {
		const char *bytes, *why;
		ssize_t len = -1;

		WEFT_WITH_TIMEOUT (SILENCE_NS)
			len = weft_stream_peek(chat->stream, 1, &bytes);
		if (len < 0 && errno == ETIMEDOUT && !is_asked) {
			is_asked = true;
			ping(chat);
			continue;
		}
		if (len < 0)
			return errno == EPROTO ? weft_stream_tls_fault(chat->stream)->text
					       : strerror(errno);
		if (len == 0)
			return "the hub has closed the connection";
		is_asked = false;
		tell_time(chat);
		why = take_bytes(chat, line, bytes, (size_t)len);
		weft_stream_consume(chat->stream, (size_t)len);
		weft__cmd_chat_kick(chat);
		tell_change(chat);
		if (why)
			return why;
		weft_yield(); /* the screen has its turn, whatever comes */
	}
}

/* ---- The life of it --------------------------------------------------------------------- */

static void talk(struct chat *chat, struct line *line)
{
	weft_fiber_id writes;
	const char *why = "there is no memory";
	char kept[256];

	line->len = 0;
	tell_time(chat);
	weft__caller_connected(&chat->caller);
	writes = weft_spawn(writer, chat);
	if (writes)
		why = read_all(chat, line);
	snprintf(kept, sizeof(kept), "%s", why); /* it may be the stream's */
	WEFT_SHIELDED {
		if (writes) {
			weft_cancel(writes);
			weft_join(writes, NULL, WEFT_FOREVER);
		}
		weft_stream_free(chat->stream);
		chat->stream = NULL;
	}
	weft__caller_lost(&chat->caller, kept);
}

/* False: it is given up. */
static bool wait_for_retry(struct chat *chat, int64_t *lost_at)
{
	int64_t wait = weft__caller_backoff_ns(&chat->caller, chat->tries++);

	if (*lost_at == 0)
		*lost_at = weft_now();
	if (chat->caller.logins == 0 && !chat->caller.is_retried)
		return false;
	if (weft_now() + wait - *lost_at > chat->patience_ns)
		return false;
	chat->retry_at = weft_now() + wait;
	tell_change(chat);
	wait = weft_sleep(wait);
	chat->retry_at = 0;
	return wait == 0;
}

int weft__cmd_chat_link(void *arg)
{
	struct chat *chat = arg;
	struct line *line = malloc(sizeof(*line));
	int64_t lost_at = 0;

	while (line && chat->caller.state != CHAT_OVER && !chat->is_ending) {
		chat->stream = weft__cmd_chat_connect(chat);
		if (chat->stream) {
			uint64_t before = chat->caller.logins;

			talk(chat, line);
			if (chat->caller.logins > before) {
				chat->tries = 0;
				lost_at = 0;
			}
		}
		if (chat->caller.state == CHAT_OVER || chat->is_ending || weft_interrupted() ||
			!wait_for_retry(chat, &lost_at))
			break;
	}
	chat->caller.state = CHAT_OVER;
	free(line);
	tell_change(chat);
	return 0;
}

void weft__cmd_chat_leave(struct chat *chat, weft_fiber_id link)
{
	const struct chat_wish quiet = {.purpose = CHAT_FOR_NOTHING};

	chat->is_ending = true;
	WEFT_SHIELDED
		WEFT_WITH_TIMEOUT (GOODBYE_NS) {
			if (chat->caller.state == CHAT_ONLINE) {
				weft__caller_ask(&chat->caller, &quiet, "QUIT");
				weft__cmd_chat_kick(chat);
				weft_join(link, NULL, GOODBYE_NS); /* the hub closes */
			}
		}
	weft_cancel(link);
	WEFT_SHIELDED
		weft_join(link, NULL, WEFT_FOREVER);
}
