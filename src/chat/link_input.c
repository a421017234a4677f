/*
 * link_input.c - a sealed datagram that came: is it the peer's, and new; where from; its frames.
 *
 *	kind 2 | id 8 | counter 8 | frames, sealed ... | tag 16
 *	|<--- authenticated ----->|<- ChaCha20-Poly1305, the counter is its nonce ->|
 *
 * Entry point: weft__sealed_input().
 * Never: changes anything of a link before the seal was found whole.
 */
#include "chat/link.h"

#include <sodium.h>
#include <string.h>

/* ---- Replays: RFC 6479's ring of bits -------------------------------------------------------- */

#define BLOCKS (WEFT__LINK_SEEN / 64)

/* One block is always being cleared for what comes next: so far back is surely known. */
static bool is_replay(const struct weft__link_in *in, uint64_t counter)
{
	if (counter >= in->top)
		return false;
	if (in->top - counter > WEFT__LINK_SEEN - 64)
		return true;
	return in->seen[counter / 64 % BLOCKS] >> counter % 64 & 1;
}

static void mark(struct weft__link_in *in, uint64_t counter, int64_t now)
{
	if (counter >= in->top) {
		uint64_t newest = in->top ? (in->top - 1) / 64 : 0, block = counter / 64;

		if (block - newest > BLOCKS)
			newest = block - BLOCKS;
		while (newest < block)
			in->seen[++newest % BLOCKS] = 0;
		in->top = counter + 1;
		in->top_at = now;
	}
	in->seen[counter / 64 % BLOCKS] |= UINT64_C(1) << counter % 64;
}

/* ---- Where it came from ---------------------------------------------------------------------- */

static bool is_same(const struct weft__link_address *one, const struct weft__link_address *other)
{
	return memcmp(one, other, sizeof(*one)) == 0;
}

/*
 * The newest datagram came from elsewhere: the client has moved, or somebody in between sends on
 * what he has seen, to have us send to whom he likes. Hence little is sent there until a PING has
 * come back, and if none does, it is the old address again.
 */
static void move(struct weft_chat_link *link, const struct weft__link_address *from)
{
	if (link->path.is_proven)
		link->old = link->path;
	if (link->old.address.family && is_same(&link->old.address, from)) {
		link->path = link->old;
		link->old.address.family = 0;
		link->wants_ping = false;
		link->ping_at = INT64_MAX;
		return;
	}
	memset(&link->path, 0, sizeof(link->path));
	link->path.address = *from;
	link->path.until = link->endpoint->now + WEFT__LINK_PATH_NS;
	weft__endpoint_random(link->endpoint, link->path.token, sizeof(link->path.token));
	link->wants_ping = true;
	link->ping_at = link->endpoint->now + WEFT_MILLISECONDS(300);
	if (link->out.flight_max > WEFT__LINK_FLIGHT_FIRST)
		link->out.flight_max = WEFT__LINK_FLIGHT_FIRST;
}

static void look_from(struct weft_chat_link *link, const struct weft__link_address *from,
	size_t len, bool is_newest)
{
	if (link->is_client)
		return;
	if (is_newest && !is_same(&link->path.address, from))
		move(link, from);
	/* Of ours it may ask whichever it likes. */
	if (is_newest)
		link->path.here = link->endpoint->here;
	/* RFC 9000, section 8.1: three times what came from there. */
	if (!link->path.is_proven && is_same(&link->path.address, from))
		link->path.credit += 3 * len;
}

static void pong_came(struct weft_chat_link *link, const uint8_t *token)
{
	if (sodium_memcmp(token, link->path.token, sizeof(link->path.token)) != 0 ||
		link->is_client || link->path.is_proven)
		return;
	link->path.is_proven = true;
	link->path.until = INT64_MAX;
	link->old.address.family = 0;
	link->wants_ping = false;
	link->ping_at = INT64_MAX;
	weft__link_tell(link, WEFT_CHAT_LINK_MOVED);
}

/* ---- Frames ---------------------------------------------------------------------------------- */

struct frames {
	const uint8_t *at;
	size_t left;
	uint64_t counter;
};

/* len bytes more; NULL: there are not so many. */
static const uint8_t *take(struct frames *frames, size_t len)
{
	const uint8_t *at = frames->at;

	if (frames->left < len)
		return NULL;
	frames->at += len;
	frames->left -= len;
	return at;
}

static int part_came(struct weft_chat_link *link, struct frames *frames, bool is_last)
{
	const uint8_t *head = take(frames, WEFT__FRAME_PART_HEAD - 1), *data;
	struct weft__part part = {.is_last = is_last};

	if (!head)
		return -1;
	part.number = (uint32_t)weft__get(head, 4);
	part.len = (uint16_t)weft__get(head + 4, 2);
	data = take(frames, part.len);
	return data ? weft__receive_part(link, &part, data) : -1;
}

static int ack_came(struct weft_chat_link *link, struct frames *frames)
{
	const uint8_t *head = take(frames, WEFT__FRAME_ACK_HEAD - 1);
	struct weft__ack ack = {.counter = frames->counter};

	if (!head)
		return -1;
	ack.next = (uint32_t)weft__get(head, 4);
	ack.newest = (uint32_t)weft__get(head + 4, 4);
	ack.age_ms = head[8];
	ack.window = head[9];
	ack.count = head[10];
	ack.bits = take(frames, ack.count);
	return ack.bits && ack.count <= (WEFT__LINK_WINDOW + 7) / 8 ? weft__send_acked(link, &ack)
								    : -1;
}

static int close_came(struct weft_chat_link *link, struct frames *frames)
{
	const uint8_t *head = take(frames, 2), *text;
	/* A verdict that got lost, until the server had no more patience. */
	enum weft_chat_link_why why =
		link->state == WEFT__ENTERING ? WEFT_CHAT_LINK_REFUSED : WEFT_CHAT_LINK_CLOSED;
	bool is_answer;

	text = head ? take(frames, head[1]) : NULL;
	if (!text || head[0] > 1 || head[1] > WEFT_CHAT_LINK_REASON_MAX || memchr(text, 0, head[1]))
		return -1;
	is_answer = head[0] == 1;
	weft__link_end(link, why, (const char *)text, head[1]);
	link->wants_close = !is_answer;
	return 0;
}

static int ping_came(struct weft_chat_link *link, struct frames *frames)
{
	const uint8_t *token = take(frames, sizeof(link->pong));

	if (!token)
		return -1;
	memcpy(link->pong, token, sizeof(link->pong));
	link->wants_pong = true;
	return 0;
}

/* 1: go on; 0: there is nothing more; -1: the peer breaks the protocol. */
static int frame_came(struct weft_chat_link *link, struct frames *frames)
{
	const uint8_t *kind = take(frames, 1), *token;
	int result = 0;

	if (!kind)
		return 0;
	switch (*kind) {
	case WEFT__FRAME_PAD:
		return 0;
	case WEFT__FRAME_PART:
	case WEFT__FRAME_LAST:
		result = part_came(link, frames, *kind == WEFT__FRAME_LAST);
		break;
	case WEFT__FRAME_ACK:
		result = ack_came(link, frames);
		break;
	case WEFT__FRAME_PING:
		result = ping_came(link, frames);
		break;
	case WEFT__FRAME_PONG:
		token = take(frames, sizeof(link->path.token));
		if (token)
			pong_came(link, token);
		result = token ? 0 : -1;
		break;
	case WEFT__FRAME_CLOSE:
		result = close_came(link, frames);
		break;
	default:
		return -1;
	}
	return result < 0 ? -1 : 1;
}

/* One that is over says so, but not to one that says so itself: they would go on for ever. */
static void came_after_all(struct weft_chat_link *link, struct frames *frames)
{
	bool is_answer =
		frames->left >= 2 && frames->at[0] == WEFT__FRAME_CLOSE && frames->at[1] == 1;

	if (!is_answer && link->why != WEFT_CHAT_LINK_SILENT && link->why != WEFT_CHAT_LINK_GONE)
		link->wants_close = true;
}

static void read_frames(struct weft_chat_link *link, struct frames *frames)
{
	int result = 1;

	while (result > 0 && link->state != WEFT__OVER)
		result = frame_came(link, frames);
	if (result < 0 && link->state != WEFT__OVER) {
		weft__link_end(link, WEFT_CHAT_LINK_BROKEN, NULL, 0);
		link->wants_close = true;
	}
}

/* ---- The datagram ---------------------------------------------------------------------------- */

void weft__sealed_input(struct weft_chat_endpoint *endpoint, const uint8_t *data, size_t len,
	const struct weft__link_address *from)
{
	struct weft_chat_link *link;
	struct weft__bytes head = {data, WEFT__LINK_HEAD};
	uint64_t counter;

	if (len < WEFT__LINK_SEALED_MIN) {
		endpoint->counts.forged++;
		return;
	}
	link = weft_map_get(endpoint->by_id, data + 2, WEFT__LINK_ID);
	if (!link || !link->has_keys) {
		endpoint->counts.forged++;
		weft__handshake_unknown(endpoint, data + 2, from);
		return;
	}
	counter = weft__get(data + 2 + WEFT__LINK_ID, 8);
	if (counter >= UINT64_MAX - 1 || is_replay(&link->in, counter)) {
		endpoint->counts.replayed++;
		return;
	}
	if (weft__noise_open(link->receive_key, counter, head,
		    (struct weft__bytes){data + WEFT__LINK_HEAD, len - WEFT__LINK_HEAD},
		    endpoint->plain) < 0) {
		endpoint->counts.forged++;
		return;
	}
	struct frames frames = {endpoint->plain, len - WEFT__LINK_SEALED_MIN, counter};

	look_from(link, from, len, counter >= link->in.top);
	mark(&link->in, counter, endpoint->now);
	link->heard_at = endpoint->now;
	/* The first that follows on the ANSWER, at once: a round trip. */
	if (link->state == WEFT__HALF_OPEN && counter == 0 && link->opening->tries == 1)
		weft__loss_measured(&link->out, endpoint->now - link->opening->sent_at);
	if (link->is_client && link->state != WEFT__OVER) {
		link->ping_ns = 0;
		link->ping_at = endpoint->now + endpoint->options.heartbeat_ns;
	}
	if (link->state == WEFT__OVER)
		came_after_all(link, &frames);
	else
		read_frames(link, &frames);
	weft__link_touch(link);
}
