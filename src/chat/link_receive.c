/*
 * link_receive.c - parts become messages: each once, in order; and what is acknowledged.
 *
 *	          next                    next + WINDOW
 *	-----------+-----------------------+------------
 *	 taken     |     ##  early   ##    |  dropped
 *
 * Never: an ACK for a part that may still be dropped.
 */
#include "chat/link.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#define PARTIAL_FIRST 4096

/* Before the verdict little is taken: one message, which is short. */
static bool is_entering(const struct weft_chat_link *link)
{
	return link->state == WEFT__HALF_OPEN || link->state == WEFT__ENTERING;
}

/* Parts beyond next that are taken now. */
static unsigned window(const struct weft_chat_link *link)
{
	const struct weft_chat_endpoint *endpoint = link->endpoint;
	size_t room;

	if (is_entering(link))
		return WEFT__LINK_EARLY;
	if (link->state == WEFT__ASKED || endpoint->counts.memory >= endpoint->options.memory_max ||
		link->in.ready_bytes >= endpoint->options.queue_max)
		return 0;
	room = (endpoint->options.queue_max - link->in.ready_bytes) / WEFT__LINK_PART + 1;
	return room < WEFT__LINK_WINDOW ? (unsigned)room : WEFT__LINK_WINDOW;
}

/* ---- Messages -------------------------------------------------------------------------------- */

static size_t message_max(const struct weft_chat_link *link)
{
	return is_entering(link) ? WEFT__LINK_LOGIN : link->endpoint->options.message_max;
}

/* Room for len bytes more in the message that is coming. NULL: ENOMEM. */
static struct weft__message *make_room(struct weft_chat_link *link, size_t len, bool is_last)
{
	struct weft__message *partial = link->in.partial, *grown;
	size_t used = partial ? partial->len : 0, had = partial ? partial->size : 0, size = had;

	if (!partial && is_last)
		size = len; /* most are of one part */
	else if (size == 0)
		size = PARTIAL_FIRST;
	while (size < used + len)
		size *= 2;
	if (partial && size == had)
		return partial;
	grown = realloc(partial, sizeof(*grown) + size);
	if (!grown)
		return NULL;
	grown->len = used;
	grown->size = size;
	link->in.partial = grown;
	link->endpoint->counts.memory += size - had + (partial ? 0 : sizeof(*grown));
	return grown;
}

/* The part that was awaited. 1: taken; 0: not now; -1: broken. */
static int deliver(struct weft_chat_link *link, const struct weft__part *head, const uint8_t *data)
{
	struct weft__message *message;
	size_t had = link->in.partial ? link->in.partial->len : 0;

	if (had + head->len > message_max(link))
		return -1;
	message = make_room(link, head->len, head->is_last);
	if (!message)
		return 0;
	if (head->len > 0)
		memcpy(message->data + message->len, data, head->len);
	message->len += head->len;
	link->in.next++;
	if (!head->is_last)
		return 1;
	link->in.partial = NULL;
	return weft__login_message(link, message) < 0 ? -1 : 1;
}

int weft__receive_go_on(struct weft_chat_link *link)
{
	struct weft__part *part;

	while ((part = link->in.early.first) && link->state != WEFT__OVER) {
		int32_t ahead = (int32_t)(part->number - link->in.next);

		if (ahead > 0 || (ahead == 0 && window(link) == 0))
			return 0;
		if (ahead == 0) {
			int result = deliver(link, part, part->data);

			if (result <= 0)
				return result;
		}
		/* The link is not freed while it is at work, but it may be over, and have nothing.
		 */
		if (link->in.early.first != part)
			return 0;
		link->in.early.first = part->next;
		link->in.early_count--;
		link->endpoint->counts.memory -= sizeof(*part) + part->len;
		free(part);
	}
	return 0;
}

/* ---- Parts ----------------------------------------------------------------------------------- */

/* One that came before its turn; dropped when there is no room: it will come again. */
static void keep_early(
	struct weft_chat_link *link, const struct weft__part *head, const uint8_t *data)
{
	struct weft_chat_endpoint *endpoint = link->endpoint;
	struct weft__part **place = &link->in.early.first, *part;

	while (*place && (int32_t)((*place)->number - head->number) < 0)
		place = &(*place)->next;
	if ((*place && (*place)->number == head->number) ||
		endpoint->counts.memory >= endpoint->options.memory_max)
		return;
	part = malloc(sizeof(*part) + head->len);
	if (!part)
		return;
	*part = *head;
	if (head->len > 0)
		memcpy(part->data, data, head->len);
	part->next = *place;
	*place = part;
	link->in.early_count++;
	endpoint->counts.memory += sizeof(*part) + part->len;
}

static void acknowledge(struct weft_chat_link *link, bool at_once)
{
	int64_t at = link->endpoint->now + (at_once ? 0 : WEFT__LINK_ACK_DELAY);

	if (at < link->in.ack_at)
		link->in.ack_at = at;
}

int weft__receive_part(
	struct weft_chat_link *link, const struct weft__part *head, const uint8_t *data)
{
	int32_t ahead = (int32_t)(head->number - link->in.next);
	unsigned open = window(link);
	int result;

	if (head->len > WEFT__LINK_PART)
		return -1;
	/* Every second one, and whenever something is missing or double: RFC 5681, section 4.2. */
	link->in.unacked++;
	acknowledge(link, ahead != 0 || link->in.early.first || link->in.unacked >= 2 || open == 0);
	if (ahead < 0 || ahead >= WEFT__LINK_WINDOW || open == 0)
		return 0;
	if (ahead > 0) {
		if (ahead < WEFT__LINK_EARLY || !is_entering(link))
			keep_early(link, head, data);
		return 0;
	}
	result = deliver(link, head, data);
	return result > 0 ? weft__receive_go_on(link) : result;
}

size_t weft__receive_ack(struct weft_chat_link *link, uint8_t *ret_data)
{
	struct weft__link_in *in = &link->in;
	unsigned open = window(link), count = 0;
	uint8_t *bits = ret_data + WEFT__FRAME_ACK_HEAD;
	int64_t age_ms = (link->endpoint->now - in->top_at) / WEFT_MILLISECONDS(1);

	memset(bits, 0, (WEFT__LINK_WINDOW + 7) / 8);
	for (const struct weft__part *part = in->early.first; part; part = part->next) {
		uint32_t bit = part->number - in->next - 1;

		/* What waits at next itself is as good as not come: it is not told. */
		if (bit >= WEFT__LINK_WINDOW)
			continue;
		bits[bit / 8] |= (uint8_t)(1U << bit % 8);
		count = bit / 8 + 1;
	}
	ret_data[0] = WEFT__FRAME_ACK;
	weft__put(ret_data + 1, in->next, 4);
	weft__put(ret_data + 5, in->top - 1, 4);
	ret_data[9] = age_ms < WEFT__FRAME_ACK_OLD ? (uint8_t)age_ms : WEFT__FRAME_ACK_OLD;
	ret_data[10] = (uint8_t)open;
	ret_data[11] = (uint8_t)count;
	in->was_shut = open < WEFT__LINK_WINDOW / 4;
	in->ack_at = INT64_MAX;
	in->unacked = 0;
	return WEFT__FRAME_ACK_HEAD + count;
}

void weft__receive_made_room(struct weft_chat_link *link)
{
	struct weft__link_in *in = &link->in;

	if (in->early.first && in->early.first->number == in->next) {
		if (weft__receive_go_on(link) < 0) {
			weft__link_end(link, WEFT_CHAT_LINK_BROKEN, NULL, 0);
			link->wants_close = true;
		}
		weft__link_touch(link);
	}
	if (in->was_shut && window(link) >= WEFT__LINK_WINDOW / 4) {
		in->was_shut = false;
		acknowledge(link, true);
		weft__link_touch(link);
	}
}

void weft__receive_drop(struct weft_chat_link *link, bool ready_too)
{
	struct weft__link_in *in = &link->in;
	struct weft_chat_endpoint *endpoint = link->endpoint;
	struct weft__message *message;
	struct weft__part *part;

	while ((part = in->early.first)) {
		in->early.first = part->next;
		endpoint->counts.memory -= sizeof(*part) + part->len;
		free(part);
	}
	in->early_count = 0;
	if (in->partial) {
		endpoint->counts.memory -= sizeof(*in->partial) + in->partial->size;
		sodium_memzero(in->partial->data, in->partial->len);
		free(in->partial);
		in->partial = NULL;
	}
	while (ready_too && (message = in->ready)) {
		in->ready = message->next;
		endpoint->counts.memory -= sizeof(*message) + message->size;
		free(message);
	}
	if (ready_too) {
		in->ready_end = &in->ready;
		in->ready_bytes = 0;
	}
}
