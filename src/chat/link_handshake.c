/*
 * link_handshake.c - until both sides have keys: HELLO, COOKIE, OPEN, ANSWER; and GONE.
 *
 *	C -> S  HELLO   I am here                          one keyed hash, nothing kept
 *	S -> C  COOKIE  my key; show that you can hear me
 *	C -> S  OPEN    cookie; e, es                      three multiplications, a half-open link
 *	S -> C  ANSWER  e, ee; the link's id and terms
 *
 * Every answer is shorter than what it answers. A lost one is asked for again in the same words,
 * and answered in the same words.
 *
 * Entry points: weft__handshake_*(), weft_chat_link_connect().
 * Never: keeps anything for an address that has not shown its cookie.
 */
#include "chat/link.h"

#include <errno.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#define RETRY_FIRST_NS WEFT_MILLISECONDS(250)
#define RETRY_MAX_NS   WEFT_SECONDS(2)
#define COOKIE_GAP_NS  WEFT_MILLISECONDS(50) /* between two OPENs that cookies set off */
#define COOKIE_TIME    8

static const char prologue_text[] = "weft-chat-link";

/* ---- What both reckon ------------------------------------------------------------------------ */

static void cookie_make(const struct weft_chat_endpoint *endpoint, int64_t at,
	const struct weft__link_address *from, const uint8_t *client,
	uint8_t ret_cookie[WEFT__LINK_COOKIE])
{
	crypto_generichash_state state;

	weft__put(ret_cookie, (uint64_t)at, COOKIE_TIME);
	crypto_generichash_init(&state, endpoint->cookie_key, sizeof(endpoint->cookie_key),
		WEFT__LINK_COOKIE - COOKIE_TIME);
	crypto_generichash_update(&state, ret_cookie, COOKIE_TIME);
	crypto_generichash_update(&state, (const uint8_t *)from, sizeof(*from));
	crypto_generichash_update(&state, client, WEFT__LINK_ID);
	crypto_generichash_final(&state, ret_cookie + COOKIE_TIME, WEFT__LINK_COOKIE - COOKIE_TIME);
}

static bool cookie_is_good(const struct weft_chat_endpoint *endpoint, const uint8_t *cookie,
	const struct weft__link_address *from, const uint8_t *client)
{
	int64_t at = (int64_t)weft__get(cookie, COOKIE_TIME);
	uint8_t ours[WEFT__LINK_COOKIE];

	if (at > endpoint->now || endpoint->now - at > WEFT__LINK_COOKIE_NS || at < 0)
		return false;
	cookie_make(endpoint, at, from, client, ours);
	return sodium_memcmp(ours, cookie, sizeof(ours)) == 0;
}

static void gone_token(const struct weft_chat_endpoint *endpoint, const uint8_t *id,
	uint8_t ret_token[WEFT__LINK_TOKEN])
{
	crypto_generichash(ret_token, WEFT__LINK_TOKEN, id, WEFT__LINK_ID, endpoint->gone_key,
		sizeof(endpoint->gone_key));
}

/* What both must mean alike: the protocol, its version, this attempt. */
static void noise_begin(
	struct weft__noise *noise, const uint8_t server_key[WEFT__NOISE_KEY], const uint8_t *client)
{
	uint8_t prologue[sizeof(prologue_text) + WEFT__LINK_ID];

	memcpy(prologue, prologue_text, sizeof(prologue_text) - 1);
	prologue[sizeof(prologue_text) - 1] = WEFT__LINK_VERSION;
	memcpy(prologue + sizeof(prologue_text), client, WEFT__LINK_ID);
	weft__noise_begin(noise, server_key, (struct weft__bytes){prologue, sizeof(prologue)});
}

/* What the peer takes, and what we would ever send. */
static size_t message_max_read(const uint8_t *at)
{
	size_t message_max = weft__get(at, 4);

	return message_max < WEFT_CHAT_LINK_MESSAGE_MAX ? message_max : WEFT_CHAT_LINK_MESSAGE_MAX;
}

static void take_keys(struct weft_chat_link *link, const struct weft__noise *noise)
{
	weft__noise_split(noise, link->is_client ? link->send_key : link->receive_key,
		link->is_client ? link->receive_key : link->send_key);
	memcpy(link->binding, noise->hash, sizeof(link->binding));
	link->has_keys = true;
	link->heard_at = link->endpoint->now;
}

/* ---- The server
 * ---------------------------------------------------------------------------------- */

static void answer_cookie(struct weft_chat_endpoint *endpoint, const uint8_t *client,
	const struct weft__link_address *from)
{
	struct weft__link_reply *reply = weft__endpoint_reply(endpoint, from);
	uint8_t *at;

	if (!reply)
		return;
	at = reply->data + 1;
	*at++ = WEFT__LINK_COOKIED;
	*at++ = WEFT__LINK_VERSION;
	memcpy(at, client, WEFT__LINK_ID);
	memcpy(at + WEFT__LINK_ID, endpoint->public_key, WEFT__NOISE_KEY);
	cookie_make(endpoint, endpoint->now, from, client, at + WEFT__LINK_ID + WEFT__NOISE_KEY);
	reply->len = WEFT__LINK_COOKIE_LEN;
}

static void answer_again(struct weft_chat_link *link, const struct weft__link_address *from)
{
	struct weft__link_reply *reply = weft__endpoint_reply(link->endpoint, from);

	link->opening->tries++;
	if (!reply)
		return;
	memcpy(reply->data, link->opening->first, WEFT__LINK_ANSWER_LEN);
	reply->len = WEFT__LINK_ANSWER_LEN;
}

/* The ANSWER: kept, so that a second OPEN gets the same one. -1: e is no key. */
static int answer_write(struct weft_chat_link *link, struct weft__noise *noise)
{
	struct weft_chat_endpoint *endpoint = link->endpoint;
	uint8_t *at = link->opening->first;
	uint8_t ephemeral[WEFT__NOISE_KEY], text[WEFT__LINK_TEXT];
	int result;

	memcpy(text, link->id, WEFT__LINK_ID);
	gone_token(endpoint, link->id, text + WEFT__LINK_ID);
	weft__put(text + WEFT__LINK_ID + WEFT__LINK_TOKEN, endpoint->options.message_max, 4);
	weft__put(text + WEFT__LINK_ID + WEFT__LINK_TOKEN + 4,
		(uint64_t)(endpoint->options.expiry_ns / WEFT_SECONDS(1)), 2);
	*at++ = WEFT_CHAT_LINK_FIRST;
	*at++ = WEFT__LINK_ANSWER;
	memcpy(at, link->peer_id, WEFT__LINK_ID);
	weft__endpoint_random(endpoint, ephemeral, sizeof(ephemeral));
	result = weft__noise_write_second(
		noise, ephemeral, (struct weft__bytes){text, sizeof(text)}, at + WEFT__LINK_ID);
	sodium_memzero(ephemeral, sizeof(ephemeral));
	return result;
}

/* Those who began and never said their name make room, the oldest first. */
static void make_room(struct weft_chat_endpoint *endpoint)
{
	struct weft_list_node *oldest = weft_list_first(&endpoint->half);

	if (endpoint->counts.half_open < endpoint->options.half_open_max || !oldest)
		return;
	endpoint->counts.refused++;
	weft__link_destroy(weft_container_of(oldest, struct weft_chat_link, in_half));
}

static void half_open(struct weft_chat_endpoint *endpoint, const uint8_t *data,
	struct weft__noise *noise, const uint8_t *text, const struct weft__link_address *from)
{
	struct weft_chat_link *link;
	make_room(endpoint);
	link = weft__link_new(endpoint, false);
	if (!link)
		return;
	memcpy(link->peer_id, data + 3, WEFT__LINK_ID);
	memcpy(link->opening->ephemeral, data + WEFT__LINK_OPEN_HEAD, WEFT__NOISE_KEY);
	link->opening->sent_at = endpoint->now;
	link->path.address = *from;
	link->path.here = endpoint->here;
	link->out.message_max = message_max_read(text);
	link->close_at = endpoint->now + WEFT__LINK_HALF_NS;
	weft_list_push_back(&endpoint->half, &link->in_half);
	endpoint->counts.half_open++;
	if (answer_write(link, noise) < 0 ||
		weft_map_put(endpoint->by_open, link->opening->ephemeral, WEFT__NOISE_KEY, link,
			NULL) < 0) {
		weft__link_destroy(link);
		return;
	}
	take_keys(link, noise);
	answer_again(link, from);
	weft__link_touch(link);
}

static void open_came(struct weft_chat_endpoint *endpoint, const uint8_t *data, size_t len,
	const struct weft__link_address *from)
{
	struct weft_chat_link *link;
	struct weft__noise noise;
	uint8_t text[WEFT__LINK_OPEN_TEXT];

	if (len != WEFT__LINK_OPEN_LEN || data[2] != WEFT__LINK_VERSION) {
		endpoint->counts.forged++;
		return;
	}
	if (!cookie_is_good(endpoint, data + 3 + WEFT__LINK_ID, from, data + 3)) {
		answer_cookie(endpoint, data + 3, from);
		return;
	}
	link = weft_map_get(endpoint->by_open, data + WEFT__LINK_OPEN_HEAD, WEFT__NOISE_KEY);
	if (link) {
		answer_again(link, from);
		return;
	}
	if (endpoint->counts.links >= endpoint->options.links_max ||
		!weft__link_may_now(endpoint->opens, from, endpoint->now)) {
		endpoint->counts.refused++;
		return;
	}
	noise_begin(&noise, endpoint->public_key, data + 3);
	if (weft__noise_read_first(&noise, endpoint->secret,
		    (struct weft__bytes){data + WEFT__LINK_OPEN_HEAD, len - WEFT__LINK_OPEN_HEAD},
		    text) == 0)
		half_open(endpoint, data, &noise, text, from);
	else
		endpoint->counts.forged++;
	sodium_memzero(&noise, sizeof(noise));
}

void weft__handshake_unknown(struct weft_chat_endpoint *endpoint, const uint8_t *id,
	const struct weft__link_address *from)
{
	struct weft__link_reply *reply;

	if (!endpoint->is_server || !weft__link_may_now(endpoint->gones, from, endpoint->now))
		return;
	reply = weft__endpoint_reply(endpoint, from);
	if (!reply)
		return;
	reply->data[1] = WEFT__LINK_GONE_;
	memcpy(reply->data + 2, id, WEFT__LINK_ID);
	gone_token(endpoint, id, reply->data + 2 + WEFT__LINK_ID);
	reply->len = WEFT__LINK_GONE_LEN;
}

/* ---- The client
 * ---------------------------------------------------------------------------------- */

/* HELLO again, with another id and other keys: what came before means nothing any more. */
static void begin_anew(struct weft_chat_link *link)
{
	struct weft_chat_endpoint *endpoint = link->endpoint;
	uint8_t id[WEFT__LINK_ID];

	if (link->has_keys) {
		weft_map_remove(endpoint->by_peer, link->peer_id, sizeof(link->peer_id));
		weft__send_drop(link);
		weft__receive_drop(link, true);
		weft__send_init(&link->out);
		link->in = (struct weft__link_in){.ack_at = INT64_MAX};
		link->in.ready_end = &link->in.ready;
		link->has_keys = false;
		link->counter = 0;
	}
	weft__endpoint_random(endpoint, id, sizeof(id));
	weft_map_remove(endpoint->by_id, link->id, sizeof(link->id));
	if (!weft_map_get(endpoint->by_id, id, sizeof(id)))
		memcpy(link->id, id, sizeof(id));
	link->state = WEFT__HELLO;
	link->opening->tries = 0;
	link->opening->other_try = 0;
	link->opening->retry_ns = 0;
	link->opening->retry_at = 0;
	if (weft_map_put(endpoint->by_id, link->id, sizeof(link->id), link, NULL) < 0)
		weft__link_end(link, WEFT_CHAT_LINK_SILENT, NULL, 0);
}

static void opening_begin(struct weft_chat_link *link, const uint8_t *server_key)
{
	struct weft__link_opening *opening = link->opening;
	uint8_t text[WEFT__LINK_OPEN_TEXT] = {0}, ephemeral[WEFT__NOISE_KEY];

	weft__endpoint_random(link->endpoint, ephemeral, sizeof(ephemeral));
	weft__put(text, link->endpoint->options.message_max, 4);
	noise_begin(&opening->noise, server_key, link->id);
	if (weft__noise_write_first(&opening->noise, ephemeral,
		    (struct weft__bytes){text, sizeof(text)},
		    opening->first + WEFT__LINK_OPEN_HEAD) == 0) {
		memcpy(link->peer_key, server_key, WEFT__NOISE_KEY);
		link->has_peer_key = true;
		link->state = WEFT__OPENING;
		opening->tries = 0;
		opening->retry_ns = 0;
		opening->retry_at = 0;
	}
	sodium_memzero(ephemeral, sizeof(ephemeral));
}

/*
 * Not the server that was expected. It may be anybody's word, and the right one may answer yet: so
 * it is believed when several HELLOs in turn have got the same answer.
 */
static void other_came(struct weft_chat_link *link, const uint8_t *data)
{
	struct weft__link_opening *opening = link->opening;
	const uint8_t *key = data + 3 + WEFT__LINK_ID;

	if (opening->other_try == opening->tries)
		return;
	opening->other_try = opening->tries;
	if (data[2] != WEFT__LINK_VERSION) {
		opening->versions++;
		return;
	}
	if (memcmp(link->peer_key, key, WEFT__NOISE_KEY) != 0)
		opening->other_keys = 0;
	opening->other_keys++;
	memcpy(link->peer_key, key, WEFT__NOISE_KEY);
	link->has_peer_key = true;
}

static void cookie_came(struct weft_chat_link *link, const uint8_t *data)
{
	struct weft__link_opening *opening = link->opening;
	const uint8_t *key = data + 3 + WEFT__LINK_ID;

	if (data[2] != WEFT__LINK_VERSION ||
		(opening->knows_key && memcmp(key, opening->server_key, WEFT__NOISE_KEY) != 0)) {
		if (link->state == WEFT__HELLO)
			other_came(link, data);
		return;
	}
	if (link->state == WEFT__OPENING) {
		if (memcmp(key, link->peer_key, WEFT__NOISE_KEY) != 0 ||
			link->endpoint->now - opening->sent_at < COOKIE_GAP_NS)
			return;
		opening->retry_at = 0;
	} else {
		if (opening->tries == 1)
			weft__loss_measured(&link->out, link->endpoint->now - opening->sent_at);
		opening_begin(link, key);
	}
	memcpy(opening->cookie, key + WEFT__NOISE_KEY, WEFT__LINK_COOKIE);
	weft__link_touch(link);
}

static void answer_came(struct weft_chat_link *link, const uint8_t *data, size_t len)
{
	struct weft_chat_endpoint *endpoint = link->endpoint;
	struct weft__link_opening *opening = link->opening;
	struct weft__noise noise = opening->noise;
	uint8_t text[WEFT__LINK_TEXT];
	const uint8_t *terms = text + WEFT__LINK_ID + WEFT__LINK_TOKEN;

	/* On a copy: a forged one leaves the state as it was. */
	if (weft__noise_read_second(&noise,
		    (struct weft__bytes){data + 2 + WEFT__LINK_ID, len - 2 - WEFT__LINK_ID},
		    text) < 0) {
		endpoint->counts.forged++;
		goto done;
	}
	take_keys(link, &noise);
	memcpy(link->peer_id, text, WEFT__LINK_ID);
	memcpy(link->gone_token, text + WEFT__LINK_ID, WEFT__LINK_TOKEN);
	link->out.message_max = message_max_read(terms);
	link->expiry_ns = WEFT_SECONDS(weft__get(terms + 4, 2));
	if (link->expiry_ns < WEFT_SECONDS(1))
		link->expiry_ns = WEFT_SECONDS(1);
	link->ping_at = endpoint->now + WEFT_SECONDS(1);
	if (opening->tries == 1)
		weft__loss_measured(&link->out, endpoint->now - opening->sent_at);
	link->state = WEFT__ENTERING;
	if (weft__send_message(link, opening->login, opening->login_len) < 0 ||
		weft_map_put(endpoint->by_peer, link->peer_id, WEFT__LINK_ID, link, NULL) < 0)
		weft__link_end(link, WEFT_CHAT_LINK_SILENT, NULL, 0);
	weft__link_touch(link);
done:
	sodium_memzero(&noise, sizeof(noise));
}

static void gone_came(struct weft_chat_endpoint *endpoint, const uint8_t *data)
{
	struct weft_chat_link *link = weft_map_get(endpoint->by_peer, data + 2, WEFT__LINK_ID);

	if (!link || !link->has_keys ||
		sodium_memcmp(link->gone_token, data + 2 + WEFT__LINK_ID, WEFT__LINK_TOKEN) != 0) {
		endpoint->counts.forged++;
		return;
	}
	weft__link_touch(link);
	if (link->state == WEFT__ENTERING) {
		begin_anew(link); /* it lost patience with us, or died just now */
		return;
	}
	weft__link_end(link,
		link->state >= WEFT__TELLING ? WEFT_CHAT_LINK_CLOSED : WEFT_CHAT_LINK_GONE, NULL,
		0);
}

size_t weft__handshake_build(struct weft_chat_link *link, uint8_t *ret_data)
{
	struct weft__link_opening *opening = link->opening;
	int64_t now = link->endpoint->now;
	uint8_t *at = ret_data;

	if (link->close_at == 0)
		link->close_at = now + link->endpoint->options.connect_ns;
	if (opening->retry_at > now)
		return 0;
	opening->retry_ns = opening->retry_ns ? opening->retry_ns * 3 / 2 : RETRY_FIRST_NS;
	if (opening->retry_ns > RETRY_MAX_NS)
		opening->retry_ns = RETRY_MAX_NS;
	opening->retry_at = now + opening->retry_ns;
	opening->sent_at = now;
	opening->tries++;
	memset(ret_data, 0, WEFT__LINK_HELLO_LEN);
	*at++ = WEFT_CHAT_LINK_FIRST;
	*at++ = link->state == WEFT__HELLO ? WEFT__LINK_HELLO : WEFT__LINK_OPENS;
	*at++ = WEFT__LINK_VERSION;
	memcpy(at, link->id, WEFT__LINK_ID);
	if (link->state == WEFT__HELLO)
		return WEFT__LINK_HELLO_LEN;
	memcpy(at + WEFT__LINK_ID, opening->cookie, WEFT__LINK_COOKIE);
	memcpy(ret_data + WEFT__LINK_OPEN_HEAD, opening->first + WEFT__LINK_OPEN_HEAD,
		WEFT__LINK_OPEN_LEN - WEFT__LINK_OPEN_HEAD);
	return WEFT__LINK_OPEN_LEN;
}

/* What was seen meanwhile may say more than that nothing was heard. */
static enum weft_chat_link_why why_not(const struct weft__link_opening *opening, unsigned enough)
{
	if (opening->other_keys >= enough)
		return WEFT_CHAT_LINK_OTHER_KEY;
	return opening->versions >= enough ? WEFT_CHAT_LINK_VERSION : WEFT_CHAT_LINK_SILENT;
}

void weft__handshake_timer(struct weft_chat_link *link)
{
	struct weft__link_opening *opening = link->opening;
	int64_t now = link->endpoint->now;

	if (link->close_at && link->close_at <= now)
		weft__link_end(link, why_not(opening, 1), NULL, 0);
	else if (opening->retry_at > now)
		return;
	else if (link->state == WEFT__OPENING && opening->tries >= WEFT__LINK_OPEN_TRIES)
		begin_anew(link);
	else if (link->state == WEFT__HELLO &&
		 why_not(opening, WEFT__LINK_HELLO_TRIES) != WEFT_CHAT_LINK_SILENT)
		weft__link_end(link, why_not(opening, WEFT__LINK_HELLO_TRIES), NULL, 0);
}

struct weft_chat_link *weft_chat_link_connect(struct weft_chat_endpoint *endpoint,
	const struct weft_address *server, const struct weft_chat_link_connect_options *options)
{
	struct weft_chat_link *link;

	if (server->any.sa_family != AF_INET && server->any.sa_family != AF_INET6) {
		errno = EINVAL;
		return NULL;
	}
	if (endpoint->counts.links >= endpoint->options.links_max) {
		errno = EUSERS;
		return NULL;
	}
	link = weft__link_new(endpoint, true);
	if (!link)
		return NULL;
	if (weft__login_write(link->opening, &options->login) < 0) {
		int kept = errno;

		weft__link_destroy(link);
		errno = kept;
		return NULL;
	}
	weft__link_address_from(&link->path.address, server);
	if (options->server_key) {
		link->opening->knows_key = true;
		memcpy(link->opening->server_key, options->server_key, WEFT__NOISE_KEY);
	}
	weft__link_touch(link);
	return link;
}

/* ---- Both
 * ---------------------------------------------------------------------------------------- */

void weft__handshake_input(struct weft_chat_endpoint *endpoint, const uint8_t *data, size_t len,
	const struct weft__link_address *from)
{
	struct weft_chat_link *link;
	bool is_cookie = data[1] == WEFT__LINK_COOKIED && len == WEFT__LINK_COOKIE_LEN;
	bool is_answer = data[1] == WEFT__LINK_ANSWER && len == WEFT__LINK_ANSWER_LEN;

	if (endpoint->is_server && data[1] == WEFT__LINK_HELLO && len >= WEFT__LINK_HELLO_LEN) {
		answer_cookie(endpoint, data + 3, from);
		return;
	}
	if (endpoint->is_server && data[1] == WEFT__LINK_OPENS) {
		open_came(endpoint, data, len, from);
		return;
	}
	if (data[1] == WEFT__LINK_GONE_ && len == WEFT__LINK_GONE_LEN) {
		gone_came(endpoint, data);
		return;
	}
	link = is_cookie || is_answer
		       ? weft_map_get(endpoint->by_id, data + (is_cookie ? 3 : 2), WEFT__LINK_ID)
		       : NULL;
	if (!link || !link->is_client) {
		endpoint->counts.forged++;
		return;
	}
	if (is_cookie && link->state <= WEFT__OPENING)
		cookie_came(link, data);
	else if (is_answer && link->state == WEFT__OPENING)
		answer_came(link, data, len);
}
