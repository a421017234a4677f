/*
 * link.c - a link: its life, and what its owner calls.
 *
 * Entry points: weft_chat_link_*(); weft__link_end(), weft__link_timer() and weft__link_deadline(),
 * which the endpoint drives it with.
 * Never: frees a link amid the work on it (link.h says when).
 */
#include "chat/link.h"

#include <assert.h>
#include <errno.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#define PING_FIRST_NS WEFT_MILLISECONDS(500)
#define PING_MAX_NS   WEFT_SECONDS(3)
#define PATH_PING_NS  WEFT_MILLISECONDS(300)

/* ---- Keys ------------------------------------------------------------------------------------ */

int weft_chat_link_key_new(uint8_t ret_secret[WEFT_CHAT_LINK_KEY_SIZE])
{
	if (sodium_init() < 0) {
		errno = EIO;
		return -1;
	}
	randombytes_buf(ret_secret, WEFT_CHAT_LINK_KEY_SIZE);
	return 0;
}

int weft_chat_link_key_public(
	const uint8_t secret[WEFT_CHAT_LINK_KEY_SIZE], uint8_t ret_public[WEFT_CHAT_LINK_KEY_SIZE])
{
	if (sodium_is_zero(secret, WEFT_CHAT_LINK_KEY_SIZE) ||
		crypto_scalarmult_base(ret_public, secret) < 0) {
		errno = EINVAL;
		return -1;
	}
	return 0;
}

int weft_chat_link_key_print(const uint8_t public_key[WEFT_CHAT_LINK_KEY_SIZE],
	char ret_text[WEFT_CHAT_LINK_FINGERPRINT_SIZE])
{
	static const char prefix[] = "SHA256:";
	uint8_t digest[crypto_hash_sha256_BYTES];
	size_t used = sizeof(prefix) - 1;

	crypto_hash_sha256(digest, public_key, WEFT_CHAT_LINK_KEY_SIZE);
	memcpy(ret_text, prefix, used);
	sodium_bin2base64(ret_text + used, WEFT_CHAT_LINK_FINGERPRINT_SIZE - used, digest,
		sizeof(digest), sodium_base64_VARIANT_ORIGINAL_NO_PADDING);
	return 0;
}

/* ---- Life ------------------------------------------------------------------------------------ */

struct weft_chat_link *weft__link_new(struct weft_chat_endpoint *endpoint, bool is_client)
{
	struct weft_chat_link *link = calloc(1, sizeof(*link));

	if (!link)
		return NULL;
	link->opening = calloc(1, sizeof(*link->opening));
	if (!link->opening)
		goto no_opening;
	link->endpoint = endpoint;
	link->is_client = is_client;
	link->is_orphan = !is_client;
	link->state = is_client ? WEFT__HELLO : WEFT__HALF_OPEN;
	link->expiry_ns = endpoint->options.expiry_ns;
	link->heard_at = endpoint->now;
	link->ping_at = INT64_MAX;
	link->path.until = INT64_MAX;
	link->path.is_proven = true;
	link->in.ack_at = INT64_MAX;
	link->in.ready_end = &link->in.ready;
	weft__send_init(&link->out);
	weft_list_node_init(&link->in_busy);
	weft_list_node_init(&link->in_told);
	weft_list_node_init(&link->in_half);
	weft_heap_node_init(&link->timer);
	weft__endpoint_random(endpoint, link->id, sizeof(link->id));
	/* 64 random bits: one that is taken already is refused as if memory were short. */
	if (weft_map_get(endpoint->by_id, link->id, sizeof(link->id)) ||
		weft_map_put(endpoint->by_id, link->id, sizeof(link->id), link, NULL) < 0)
		goto no_place;
	endpoint->counts.links++;
	return link;

no_place:
	free(link->opening);
no_opening:
	free(link);
	errno = ENOMEM;
	return NULL;
}

void weft__link_opened(struct weft_chat_link *link)
{
	struct weft_chat_endpoint *endpoint = link->endpoint;

	if (weft_list_is_linked(&link->in_half)) {
		weft_list_remove(&link->in_half);
		endpoint->counts.half_open--;
	}
	if (!link->opening)
		return;
	if (weft_map_get(endpoint->by_open, link->opening->ephemeral, WEFT__NOISE_KEY) == link)
		weft_map_remove(endpoint->by_open, link->opening->ephemeral, WEFT__NOISE_KEY);
	sodium_memzero(link->opening, sizeof(*link->opening));
	free(link->opening);
	link->opening = NULL;
}

void weft__link_destroy(struct weft_chat_link *link)
{
	struct weft_chat_endpoint *endpoint = link->endpoint;

	weft__link_opened(link);
	weft__send_drop(link);
	weft__receive_drop(link, true);
	weft_heap_remove(&endpoint->timers, &link->timer);
	weft_list_remove(&link->in_busy);
	weft_list_remove(&link->in_told);
	weft_map_remove(endpoint->by_id, link->id, sizeof(link->id));
	if (weft_map_get(endpoint->by_peer, link->peer_id, sizeof(link->peer_id)) == link)
		weft_map_remove(endpoint->by_peer, link->peer_id, sizeof(link->peer_id));
	endpoint->counts.links--;
	free(link->reason);
	free(link->goodbye);
	sodium_memzero(link, sizeof(*link));
	free(link);
}

/* What cannot be kept for want of memory is not said. */
static void keep_text(char **place, const char *text, size_t len)
{
	free(*place);
	if (len > WEFT_CHAT_LINK_REASON_MAX)
		len = WEFT_CHAT_LINK_REASON_MAX;
	*place = text && len > 0 ? strndup(text, len) : NULL;
}

void weft__link_end(
	struct weft_chat_link *link, enum weft_chat_link_why why, const char *reason, size_t len)
{
	if (link->state == WEFT__OVER)
		return;
	link->state = WEFT__OVER;
	link->why = link->is_refused ? WEFT_CHAT_LINK_REFUSED : why;
	if (reason)
		keep_text(&link->reason, reason, len);
	weft__link_opened(link);
	weft__send_drop(link);
	weft__receive_drop(link, link->is_orphan);
	weft_heap_remove(&link->endpoint->timers, &link->timer);
	weft__link_tell(link, WEFT_CHAT_LINK_OVER);
	weft__link_touch(link);
}

void weft__link_closing(struct weft_chat_link *link)
{
	if (link->state >= WEFT__CLOSING)
		return;
	if (!link->has_keys) {
		weft__link_end(link, WEFT_CHAT_LINK_CLOSED, NULL, 0);
		return;
	}
	link->state = WEFT__CLOSING;
	link->close_at = 0;
	weft__link_touch(link);
}

void weft_chat_link_close(struct weft_chat_link *link, const char *reason)
{
	if (link->state >= WEFT__CLOSING)
		return;
	keep_text(&link->goodbye, reason, reason ? strlen(reason) : 0);
	weft__link_closing(link);
}

void weft_chat_link_free(struct weft_chat_link *link)
{
	int kept = errno;

	if (!link)
		return;
	link->is_orphan = true;
	link->events = 0;
	weft_list_remove(&link->in_told);
	weft_chat_link_close(link, NULL);
	weft__receive_drop(link, true);
	if (link->state == WEFT__OVER && !link->wants_close)
		weft__link_destroy(link);
	errno = kept;
}

/* ---- Time ------------------------------------------------------------------------------------ */

static int64_t sooner(int64_t one, int64_t other)
{
	return one < other ? one : other;
}

int64_t weft__link_deadline(const struct weft_chat_link *link)
{
	int64_t at = link->close_at;

	if (!link->has_keys)
		return sooner(at, link->opening->retry_at);
	at = sooner(at, link->heard_at + link->expiry_ns);
	at = sooner(at, link->out.rto_at);
	at = sooner(at, link->out.loss_at);
	at = sooner(at, link->out.pace_at);
	at = sooner(at, link->in.ack_at);
	at = sooner(at, link->ping_at);
	return sooner(at, link->path.is_proven ? INT64_MAX : link->path.until);
}

/* Nobody has shown that he is at the new address: back to the one that was proven. */
static void path_expired(struct weft_chat_link *link)
{
	link->ping_at = INT64_MAX;
	link->wants_ping = false;
	if (link->old.address.family)
		link->path = link->old;
	link->path.until = INT64_MAX;
	link->old.address.family = 0;
}

static void ping_due(struct weft_chat_link *link)
{
	int64_t now = link->endpoint->now;

	link->wants_ping = true;
	if (!link->is_client) {
		link->ping_at = now + PATH_PING_NS;
		return;
	}
	weft__endpoint_random(link->endpoint, link->path.token, sizeof(link->path.token));
	link->ping_ns = link->ping_ns ? sooner(link->ping_ns * 2, PING_MAX_NS) : PING_FIRST_NS;
	link->ping_at = now + link->ping_ns;
}

static void close_due(struct weft_chat_link *link)
{
	if (link->state == WEFT__CLOSING) {
		weft__send_drop(link);
		link->state = WEFT__TELLING;
	} else if (link->state != WEFT__TELLING)
		weft__link_end(link, WEFT_CHAT_LINK_SILENT, NULL, 0);
	else if (link->tellings >= WEFT__LINK_TELLINGS)
		weft__link_end(link, WEFT_CHAT_LINK_CLOSED, NULL, 0);
}

void weft__link_timer(struct weft_chat_link *link)
{
	int64_t now = link->endpoint->now;

	if (link->state == WEFT__OVER)
		return;
	if (!link->has_keys) {
		weft__handshake_timer(link);
		return;
	}
	if (link->close_at && link->close_at <= now)
		close_due(link);
	if (link->state != WEFT__OVER && link->heard_at + link->expiry_ns <= now)
		weft__link_end(link, WEFT_CHAT_LINK_SILENT, NULL, 0);
	if (link->state == WEFT__OVER)
		return;
	weft__loss_timer(link);
	if (!link->path.is_proven && link->path.until <= now)
		path_expired(link);
	if (link->ping_at <= now)
		ping_due(link);
}

/* ---- Messages -------------------------------------------------------------------------------- */

int weft_chat_link_send(struct weft_chat_link *link, const void *data, size_t len)
{
	struct weft__link_out *out = &link->out;

	if (link->state != WEFT__OPEN) {
		errno = ENOTCONN;
		return -1;
	}
	if (len > out->message_max) {
		errno = EMSGSIZE;
		return -1;
	}
	if (out->bytes > 0 && out->bytes + len > link->endpoint->options.queue_max) {
		out->was_full = true;
		errno = EAGAIN;
		return -1;
	}
	if (weft__send_message(link, data, len) < 0)
		return -1;
	link->endpoint->counts.messages_out++;
	weft__link_touch(link);
	return 0;
}

ssize_t weft_chat_link_receive(struct weft_chat_link *link, void *ret_data, size_t size_bytes)
{
	struct weft__message *message = link->in.ready;
	size_t len;

	if (!message) {
		errno = link->state == WEFT__OVER ? ENOTCONN : EAGAIN;
		return -1;
	}
	len = message->len;
	if (len > size_bytes) {
		errno = EMSGSIZE;
		return -1;
	}
	if (len > 0)
		memcpy(ret_data, message->data, len);
	link->in.ready = message->next;
	if (!message->next)
		link->in.ready_end = &link->in.ready;
	link->in.ready_bytes -= sizeof(*message) + message->size;
	link->endpoint->counts.memory -= sizeof(*message) + message->size;
	free(message);
	if (link->state != WEFT__OVER)
		weft__receive_made_room(link);
	return (ssize_t)len;
}

size_t weft_chat_link_pending(const struct weft_chat_link *link)
{
	return link->out.messages;
}

/* ---- About it -------------------------------------------------------------------------------- */

const char *weft_chat_link_why_text(enum weft_chat_link_why why)
{
	static const char *const texts[] = {
		[WEFT_CHAT_LINK_NOT_OVER] = "the link is not over",
		[WEFT_CHAT_LINK_CLOSED] = "the link was closed",
		[WEFT_CHAT_LINK_REFUSED] = "the server refused",
		[WEFT_CHAT_LINK_SILENT] = "nothing was heard from the other side for too long",
		[WEFT_CHAT_LINK_GONE] = "the server began anew, or has forgotten this link",
		[WEFT_CHAT_LINK_OTHER_KEY] = "the server's key is not the one that was expected",
		[WEFT_CHAT_LINK_VERSION] = "the server speaks another version of the protocol",
		[WEFT_CHAT_LINK_BROKEN] = "the other side broke the protocol",
	};

	return (size_t)why < sizeof(texts) / sizeof(texts[0]) ? texts[why] : "unknown";
}

enum weft_chat_link_why weft_chat_link_why(const struct weft_chat_link *link)
{
	return link->why;
}

const char *weft_chat_link_reason(const struct weft_chat_link *link)
{
	return link->reason ? link->reason : "";
}

void weft_chat_link_set_owner(struct weft_chat_link *link, void *owner)
{
	link->owner = owner;
}

void *weft_chat_link_owner(const struct weft_chat_link *link)
{
	return link->owner;
}

void weft_chat_link_address(const struct weft_chat_link *link, struct weft_address *ret_address)
{
	weft__link_address_to(&link->path.address, ret_address);
}

const uint8_t *weft_chat_link_peer_key(const struct weft_chat_link *link)
{
	return link->has_peer_key ? link->peer_key : NULL;
}

const uint8_t *weft_chat_link_binding(const struct weft_chat_link *link)
{
	return link->has_keys ? link->binding : NULL;
}

int64_t weft_chat_link_rtt_ns(const struct weft_chat_link *link)
{
	return link->out.rtt;
}
