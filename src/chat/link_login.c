/*
 * link_login.c - the first message each way: who the client is, and whether it is welcome.
 *
 *	C -> S   kind 1, name's length 1, secret's length 2, name, secret, zeros to a multiple of
 *256 S -> C   1 welcome, 0 not; text's length 1, text, zeros to 160
 *
 * Both are as long for every name and every verdict (but secrets of over 200 bytes or so).
 *
 * Entry points: weft__login_write(), weft__login_message(), weft_chat_link_login(), _welcome(),
 * _refuse().
 * Never: looks at a name or a secret further than that it has no NUL.
 */
#include "chat/link.h"

#include <errno.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#define HEAD 4
#define STEP 256

int weft__login_write(struct weft__link_opening *opening, const struct weft_chat_link_login *login)
{
	const char *secret = login->secret ? login->secret : "";
	size_t name_len = login->name ? strlen(login->name) : 0, secret_len = strlen(secret);

	if (name_len == 0 || (login->kind == WEFT_CHAT_LINK_GUEST) != (secret_len == 0) ||
		(unsigned)login->kind > WEFT_CHAT_LINK_SESSION) {
		errno = EINVAL;
		return -1;
	}
	if (name_len > WEFT_CHAT_LINK_NAME_MAX || secret_len > WEFT_CHAT_LINK_SECRET_MAX) {
		errno = EMSGSIZE;
		return -1;
	}
	opening->login[0] = (uint8_t)login->kind;
	opening->login[1] = (uint8_t)name_len;
	weft__put(opening->login + 2, secret_len, 2);
	memcpy(opening->login + HEAD, login->name, name_len);
	memcpy(opening->login + HEAD + name_len, secret, secret_len);
	opening->login_len = (HEAD + name_len + secret_len + STEP - 1) / STEP * STEP;
	return 0;
}

/* ---- The server ------------------------------------------------------------------------------ */

/* -1: it is no login. */
static int login_read(struct weft__link_opening *opening, const uint8_t *data, size_t len)
{
	size_t name_len, secret_len;
	char *name = (char *)opening->login, *secret;

	if (len < HEAD || len > sizeof(opening->login) || data[0] > WEFT_CHAT_LINK_SESSION)
		return -1;
	name_len = data[1];
	secret_len = weft__get(data + 2, 2);
	if (name_len == 0 || secret_len > WEFT_CHAT_LINK_SECRET_MAX ||
		len < HEAD + name_len + secret_len ||
		(data[0] == WEFT_CHAT_LINK_GUEST) != (secret_len == 0) ||
		memchr(data + HEAD, 0, name_len + secret_len))
		return -1;
	/* There is room for two NULs: the head is not copied. */
	memcpy(name, data + HEAD, name_len);
	name[name_len] = 0;
	secret = name + name_len + 1;
	memcpy(secret, data + HEAD + name_len, secret_len);
	secret[secret_len] = 0;
	opening->said = (struct weft_chat_link_login){
		.name = name, .secret = secret, .kind = (enum weft_chat_link_secret)data[0]};
	opening->login_len = len;
	return 0;
}

static int login_came(struct weft_chat_link *link, const struct weft__message *message)
{
	struct weft_chat_endpoint *endpoint = link->endpoint;

	if (login_read(link->opening, message->data, message->len) < 0)
		return -1;
	weft_list_remove(&link->in_half);
	endpoint->counts.half_open--;
	link->state = WEFT__ASKED;
	link->close_at = INT64_MAX;
	link->is_orphan = false;
	weft__link_tell(link, WEFT_CHAT_LINK_LOGIN);
	return 0;
}

const struct weft_chat_link_login *weft_chat_link_login(const struct weft_chat_link *link)
{
	return link->state == WEFT__ASKED ? &link->opening->said : NULL;
}

static int answer(struct weft_chat_link *link, bool is_welcome, const char *text)
{
	uint8_t verdict[WEFT__LINK_VERDICT] = {is_welcome};
	size_t len = text ? strlen(text) : 0;

	if (link->state != WEFT__ASKED) {
		errno = link->state == WEFT__OPEN ? EALREADY : ENOTCONN;
		return -1;
	}
	if (len > WEFT_CHAT_LINK_REASON_MAX) {
		errno = EMSGSIZE;
		return -1;
	}
	verdict[1] = (uint8_t)len;
	if (len > 0)
		memcpy(verdict + 2, text, len);
	if (weft__send_message(link, verdict, sizeof(verdict)) < 0)
		return -1;
	weft__link_opened(link);
	link->state = WEFT__OPEN;
	return 0;
}

int weft_chat_link_welcome(struct weft_chat_link *link, const char *text)
{
	if (answer(link, true, text) < 0)
		return -1;
	weft__receive_made_room(link);
	weft__link_touch(link);
	return 0;
}

int weft_chat_link_refuse(struct weft_chat_link *link, const char *reason)
{
	if (answer(link, false, reason) < 0)
		return -1;
	link->is_refused = true;
	weft_chat_link_close(link, reason);
	return 0;
}

/* ---- The client ------------------------------------------------------------------------------ */

static int verdict_came(struct weft_chat_link *link, const struct weft__message *message)
{
	const uint8_t *data = message->data;
	const char *text = (const char *)data + 2;

	if (message->len != WEFT__LINK_VERDICT || data[0] > 1 ||
		data[1] > WEFT_CHAT_LINK_REASON_MAX || memchr(text, 0, data[1]))
		return -1;
	if (data[0] == 0) {
		weft__link_end(link, WEFT_CHAT_LINK_REFUSED, text, data[1]);
		link->wants_close = true; /* so that the server need not wait */
		return 0;
	}
	link->reason = data[1] > 0 ? strndup(text, data[1]) : NULL;
	weft__link_opened(link);
	link->state = WEFT__OPEN;
	link->close_at = INT64_MAX;
	weft__link_tell(link, WEFT_CHAT_LINK_OPENED);
	return 0;
}

/* ---- All messages ---------------------------------------------------------------------------- */

int weft__login_message(struct weft_chat_link *link, struct weft__message *message)
{
	struct weft_chat_endpoint *endpoint = link->endpoint;
	struct weft__link_in *in = &link->in;
	bool was_empty = !in->ready;
	int result = 0;

	if (link->state == WEFT__HALF_OPEN)
		result = login_came(link, message);
	else if (link->state == WEFT__ENTERING)
		result = verdict_came(link, message);
	else if (!link->is_orphan) {
		message->next = NULL;
		*in->ready_end = message;
		in->ready_end = &message->next;
		in->ready_bytes += sizeof(*message) + message->size;
		endpoint->counts.messages_in++;
		if (was_empty)
			weft__link_tell(link, WEFT_CHAT_LINK_READABLE);
		return 0;
	}
	endpoint->counts.memory -= sizeof(*message) + message->size;
	sodium_memzero(message->data, message->len);
	free(message);
	return result;
}
