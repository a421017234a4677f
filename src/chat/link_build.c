/*
 * link_build.c - the next sealed datagram of a link: what it has to say, as much as fits.
 *
 * Entry point: weft__link_build().
 * Never: a counter twice; more to an address that is not proven than it may get.
 */
#include "chat/link.h"

#include <string.h>

#define CLOSE_HEAD 3
#define ROOM_MIN                                                                           \
	80 /* PONG, PING, the longest ACK and a CLOSE without reason: what three times the \
	    * shortest PING gives an address that is not proven */

struct room {
	uint8_t *at;
	size_t left;
};

static uint8_t *take(struct room *room, size_t len)
{
	uint8_t *at = room->at;

	room->at += len;
	room->left -= len;
	return at;
}

static void put_close(struct weft_chat_link *link, struct room *room)
{
	size_t len = link->goodbye ? strlen(link->goodbye) : 0;
	uint8_t *at;

	if (len + CLOSE_HEAD > room->left)
		len = 0;
	at = take(room, CLOSE_HEAD + len);
	at[0] = WEFT__FRAME_CLOSE;
	at[1] = link->state == WEFT__OVER;
	at[2] = (uint8_t)len;
	if (len > 0)
		memcpy(at + CLOSE_HEAD, link->goodbye, len);
}

static void put_token(struct room *room, enum weft__link_frame kind, const uint8_t token[8])
{
	uint8_t *at = take(room, WEFT__FRAME_PING_LEN);

	at[0] = (uint8_t)kind;
	memcpy(at + 1, token, WEFT__FRAME_PING_LEN - 1);
}

static void put_part(struct weft_chat_link *link, struct room *room, struct weft__part *part)
{
	uint8_t *at = take(room, WEFT__FRAME_PART_HEAD + (size_t)part->len);

	at[0] = part->is_last ? WEFT__FRAME_LAST : WEFT__FRAME_PART;
	weft__put(at + 1, part->number, 4);
	weft__put(at + 5, part->len, 2);
	if (part->len > 0)
		memcpy(at + WEFT__FRAME_PART_HEAD, part->data, part->len);
	weft__send_went(link, part);
}

/* All but the CLOSE of one that is over. */
static void put_frames(struct weft_chat_link *link, struct room *room)
{
	const uint8_t *begin = room->at;
	int64_t now = link->endpoint->now;
	struct weft__part *part;

	if (link->wants_pong)
		put_token(room, WEFT__FRAME_PONG, link->pong);
	if (link->wants_ping)
		put_token(room, WEFT__FRAME_PING, link->path.token);
	link->wants_pong = false;
	link->wants_ping = false;
	part = weft__send_next(link, room->left);
	/* An ACK that could wait goes along with whatever goes. */
	if (link->in.ack_at <= now || (link->in.ack_at < INT64_MAX && (part || room->at != begin)))
		take(room, weft__receive_ack(link, room->at));
	while ((part = weft__send_next(link, room->left)))
		put_part(link, room, part);
}

static void put_closing(struct weft_chat_link *link, struct room *room)
{
	int64_t now = link->endpoint->now;

	if (link->state == WEFT__CLOSING && !link->out.parts.first) {
		link->state = WEFT__TELLING;
		link->close_at = now;
	}
	if (link->state != WEFT__TELLING || link->close_at > now)
		return;
	put_close(link, room);
	link->tellings++;
	link->close_at = now + link->out.rto;
}

/* Nothing may be sent there now: what is due is due when the address is proven, or given up. */
static void wait_for_path(struct weft_chat_link *link)
{
	int64_t now = link->endpoint->now;

	if (link->in.ack_at <= now)
		link->in.ack_at = link->path.until;
	if (link->state == WEFT__CLOSING && !link->out.parts.first)
		link->state = WEFT__TELLING;
	if (link->state == WEFT__TELLING && link->close_at <= now)
		link->close_at = link->path.until;
	link->wants_close &= link->state != WEFT__OVER; /* its time has stopped */
}

size_t weft__link_build(struct weft_chat_link *link, uint8_t *ret_data)
{
	struct room room = {
		ret_data + WEFT__LINK_HEAD, WEFT_CHAT_LINK_DATAGRAM_MAX - WEFT__LINK_SEALED_MIN};
	size_t len, may = link->path.is_proven ? WEFT_CHAT_LINK_DATAGRAM_MAX : link->path.credit;

	if (link->state == WEFT__OVER && !(link->wants_close && link->has_keys))
		return 0;
	if (!link->has_keys)
		return weft__handshake_build(link, ret_data);
	if (link->close_at == 0)
		link->close_at = link->endpoint->now + link->endpoint->options.linger_ns;
	if (may < WEFT__LINK_SEALED_MIN + ROOM_MIN) {
		wait_for_path(link);
		return 0;
	}
	if (may < WEFT_CHAT_LINK_DATAGRAM_MAX)
		room.left = may - WEFT__LINK_SEALED_MIN;
	if (link->state == WEFT__OVER) {
		put_close(link, &room);
		link->wants_close = false;
	} else {
		put_frames(link, &room);
		put_closing(link, &room);
	}
	len = (size_t)(room.at - ret_data) - WEFT__LINK_HEAD;
	if (len == 0)
		return 0;
	ret_data[0] = WEFT_CHAT_LINK_FIRST;
	ret_data[1] = WEFT__LINK_SEALED;
	memcpy(ret_data + 2, link->peer_id, WEFT__LINK_ID);
	weft__put(ret_data + 2 + WEFT__LINK_ID, link->counter, 8);
	weft__noise_seal(link->send_key, link->counter,
		(struct weft__bytes){ret_data, WEFT__LINK_HEAD},
		(struct weft__bytes){ret_data + WEFT__LINK_HEAD, len}, ret_data + WEFT__LINK_HEAD);
	link->counter++;
	len += WEFT__LINK_SEALED_MIN;
	if (!link->path.is_proven)
		link->path.credit -= len;
	return len;
}
