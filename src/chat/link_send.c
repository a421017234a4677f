/*
 * link_send.c - messages become parts, which go until they are acknowledged.
 *
 *	 oldest                fresh                 next
 *	---+--------------------+---------------------+
 *	   | flight, acked, lost|     not sent yet    |
 *
 * Entry points: weft__send_message(); weft__send_next() and weft__send_went(); weft__send_acked().
 * Never: more than WEFT__LINK_WINDOW parts beyond the oldest that is not acknowledged.
 */
#include "chat/link.h"

#include <errno.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

void weft__send_init(struct weft__link_out *out)
{
	*out = (struct weft__link_out){0};
	out->flight_max = WEFT__LINK_FLIGHT_FIRST;
	out->threshold = WEFT__LINK_FLIGHT_MAX;
	out->credit = WEFT__LINK_FLIGHT_FIRST;
	out->window = WEFT__LINK_EARLY;
	out->rto = WEFT__LINK_RTO_FIRST;
	out->rto_at = INT64_MAX;
	out->loss_at = INT64_MAX;
	out->pace_at = INT64_MAX;
}

/* ---- Parts ----------------------------------------------------------------------------------- */

static size_t cost(const struct weft__part *part)
{
	return sizeof(*part) + part->len;
}

static void free_parts(struct weft_chat_link *link, struct weft__part *part)
{
	while (part) {
		struct weft__part *next = part->next;

		link->endpoint->counts.memory -= cost(part);
		sodium_memzero(part->data, part->len);
		free(part);
		part = next;
	}
}

/* A list of parts with the bytes of a message; NULL: ENOMEM. */
static struct weft__part *cut(
	struct weft_chat_link *link, const uint8_t *data, size_t len, struct weft__part **ret_last)
{
	struct weft__part *first = NULL, **place = &first, *part;
	uint32_t number = link->out.next;
	size_t done = 0;

	do {
		size_t some = len - done < WEFT__LINK_PART ? len - done : WEFT__LINK_PART;

		part = malloc(sizeof(*part) + some);
		if (!part) {
			free_parts(link, first);
			return NULL;
		}
		*part = (struct weft__part){.number = number, .len = (uint16_t)some};
		number++;
		if (some > 0)
			memcpy(part->data, data + done, some);
		done += some;
		link->endpoint->counts.memory += cost(part);
		*place = part;
		place = &part->next;
	} while (done < len);
	part->is_last = true;
	*ret_last = part;
	return first;
}

int weft__send_message(struct weft_chat_link *link, const void *data, size_t len)
{
	struct weft_chat_endpoint *endpoint = link->endpoint;
	struct weft__link_out *out = &link->out;
	struct weft__part *first, *last;

	if (endpoint->counts.memory + len > endpoint->options.memory_max) {
		errno = ENOBUFS;
		return -1;
	}
	first = cut(link, data, len, &last);
	if (!first) {
		errno = ENOMEM;
		return -1;
	}
	if (out->parts.last)
		out->parts.last->next = first;
	else
		out->parts.first = first;
	out->parts.last = last;
	if (!out->fresh)
		out->fresh = first;
	for (const struct weft__part *part = first; part; part = part->next)
		out->bytes += cost(part);
	out->next = last->number + 1;
	out->messages++;
	return 0;
}

void weft__send_drop(struct weft_chat_link *link)
{
	struct weft__link_out *out = &link->out;

	free_parts(link, out->parts.first);
	out->parts = (struct weft__parts){NULL, NULL};
	out->fresh = NULL;
	out->oldest = out->next;
	out->bytes = 0;
	out->messages = 0;
	out->flight = 0;
	out->lost = 0;
	out->urgent = 0;
	out->rto_at = INT64_MAX;
	out->loss_at = INT64_MAX;
	out->pace_at = INT64_MAX;
}

/* ---- Out ------------------------------------------------------------------------------------- */

static struct weft__part *find_lost(const struct weft__link_out *out)
{
	struct weft__part *part = out->lost > 0 ? out->parts.first : NULL;

	while (part && !part->is_lost)
		part = part->next;
	return part;
}

/* The peer would drop it. If the word that there is room is lost, somebody has to ask. */
static bool is_beyond(struct weft_chat_link *link, const struct weft__part *part)
{
	struct weft__link_out *out = &link->out;
	uint32_t ahead = part->number - out->oldest;

	if (ahead < WEFT__LINK_WINDOW && (ahead < out->window || out->probes))
		return false;
	if (out->rto_at == INT64_MAX)
		out->rto_at = link->endpoint->now + weft__loss_patience(out);
	return true;
}

struct weft__part *weft__send_next(struct weft_chat_link *link, size_t room)
{
	struct weft__link_out *out = &link->out;
	struct weft__part *part = find_lost(out);
	bool is_urgent = part && out->urgent > 0;

	if (!part)
		part = out->fresh;
	if (!part || is_beyond(link, part))
		return NULL;
	if (!is_urgent && out->flight > 0 &&
		out->flight + weft__part_weight(part) > out->flight_max) {
		out->is_limited = true;
		return NULL;
	}
	if (weft__part_weight(part) > room)
		return NULL;
	return is_urgent || weft__loss_may_go(link) ? part : NULL;
}

void weft__send_went(struct weft_chat_link *link, struct weft__part *part)
{
	struct weft__link_out *out = &link->out;
	size_t weight = weft__part_weight(part);

	if (part == out->fresh)
		out->fresh = part->next;
	if (part->is_lost) {
		part->is_lost = false;
		out->lost--;
		out->urgent -= weight < out->urgent ? weight : out->urgent;
	}
	out->probes = false;
	if (part->tries > 0)
		link->endpoint->counts.resent++;
	if (part->tries < UINT16_MAX)
		part->tries++;
	part->counter = link->counter;
	part->sent_at = link->endpoint->now;
	out->flight += weight;
	out->credit -= (int64_t)weight;
	if (out->rto_at == INT64_MAX)
		out->rto_at = link->endpoint->now + weft__loss_patience(out);
}

/* ---- Acknowledged ---------------------------------------------------------------------------- */

/* What an ACK has shown. */
struct news {
	uint64_t newest; /* of our datagrams, which the peer had when it said so */
	int64_t sent_at; /* of that one, if it has shown that a part of it came; -1: not */
	size_t bytes;    /* of parts acknowledged by it */
	bool is_any;     /* parts are done with, though they may have been known of before */
};

static void note(struct weft_chat_link *link, struct weft__part *part, struct news *news)
{
	struct weft__link_out *out = &link->out;
	size_t weight = weft__part_weight(part);

	if (part->is_acked)
		return;
	part->is_acked = true;
	if (part->is_lost)
		out->lost--;
	else
		out->flight -= weight;
	part->is_lost = false;
	news->is_any = true;
	news->bytes += weight;
	/* It went once in each datagram: which one came is never in doubt. */
	if (part->counter == news->newest)
		news->sent_at = part->sent_at;
}

static void take_in_order(struct weft_chat_link *link, uint32_t next, struct news *news)
{
	struct weft__link_out *out = &link->out;
	struct weft__part *part;

	while ((part = out->parts.first) && part != out->fresh &&
		(int32_t)(part->number - next) < 0) {
		note(link, part, news);
		news->is_any = true;
		out->messages -= part->is_last;
		out->bytes -= cost(part);
		out->parts.first = part->next;
		if (!part->next)
			out->parts.last = NULL;
		part->next = NULL;
		free_parts(link, part);
	}
	out->oldest = out->parts.first ? out->parts.first->number : out->next;
}

static void take_selected(
	struct weft_chat_link *link, const struct weft__ack *ack, struct news *news)
{
	struct weft__part *part = link->out.parts.first;

	for (; part && part != link->out.fresh; part = part->next) {
		uint32_t bit = part->number - ack->next - 1;

		if (bit < (uint32_t)ack->count * 8 && ack->bits[bit / 8] >> bit % 8 & 1)
			note(link, part, news);
	}
}

/* Something new has come there. */
static void go_on(struct weft_chat_link *link, const struct weft__ack *ack, const struct news *news)
{
	struct weft__link_out *out = &link->out;
	int64_t now = link->endpoint->now;

	out->timeouts = 0;
	if (news->sent_at >= 0 && ack->age_ms < WEFT__FRAME_ACK_OLD)
		weft__loss_measured(out, now - news->sent_at - WEFT_MILLISECONDS(ack->age_ms));
	weft__loss_grow(out, news->bytes);
	/* Also when all have come, and wait there for room: the word that they were taken may be
	 * lost. */
	out->rto_at = out->parts.first ? now + weft__loss_patience(out) : INT64_MAX;
	if (!out->parts.first)
		weft__link_tell(link, WEFT_CHAT_LINK_DRAINED);
	if (out->was_full && out->bytes <= link->endpoint->options.queue_max / 2) {
		out->was_full = false;
		weft__link_tell(link, WEFT_CHAT_LINK_WRITABLE);
	}
}

int weft__send_acked(struct weft_chat_link *link, const struct weft__ack *ack)
{
	struct weft__link_out *out = &link->out;
	uint32_t sent = out->fresh ? out->fresh->number : out->next;
	uint32_t back = (uint32_t)link->counter - ack->newest;
	struct news news = {.newest = link->counter - back, .sent_at = -1};

	if (back == 0 || back > link->counter)
		return -1;
	/* Of what was dropped at a close, too, something may be acknowledged. */
	if ((int32_t)(ack->next - sent) > 0)
		return link->state >= WEFT__TELLING ? 0 : -1;
	if (ack->counter >= out->window_from) {
		out->window = ack->window;
		out->window_from = ack->counter + 1;
	}
	if ((int32_t)(ack->next - out->oldest) < 0)
		return 0; /* overtaken by another */
	take_in_order(link, ack->next, &news);
	take_selected(link, ack, &news);
	if (news.newest > out->came)
		out->came = news.newest;
	if (news.is_any)
		go_on(link, ack, &news);
	weft__loss_find(link);
	return 0;
}
