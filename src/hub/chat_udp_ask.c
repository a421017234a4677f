/*
 * chat_udp_ask.c - L, C and Q: what is asked by a datagram, and its one answer.
 *
 *	not in		L: who is it, is that true, may she --> in	C, Q: you are not in
 *	in		C: posted, at its pace			Q: out		L: OK again
 *
 * Who is not in may not be where the datagram says. So an answer to it is at most
 * CHAT_UDP_MORE_MAX bytes longer than what was sent, one for each, and none beyond a rate; nothing
 * is kept of it; and what is no request at all beyond that rate is not even looked at.
 *
 * Entry points: weft__chat_udp_take(), weft__chat_udp_late().
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "chat.h"
#include "chat_udp_inside.h"
#include "weft/utf8.h"

/** A datagram that came too fast, until its time. */
struct late {
	struct weft_list_node node;
	struct chat_udp_way way;
	int64_t due_ns;
	size_t len;
	char data[];
};

/** What came, and from where. */
struct ask {
	struct hub_chat_udp *door;
	const struct chat_udp_way *way;
	struct chat_udp_key key;
	struct chat_udp_member *member; /* NULL: not in */
	struct weft_chat_datagram datagram;
	bool ends_line; /* and so do the answers */
	size_t len;     /* of all that was sent */
	int64_t now;
	bool is_proven; /* it is where it says, though it is not in */
};

/* ---- Answers ----------------------------------------------------------------------------------
 */

/* What of the address is the host, or of IPv6 its network of 64 bits, which one host may have all
 * of. */
static size_t network_len(const struct ask *ask)
{
	bool is_ipv4 = ask->key.ip[10] == 0xff && ask->key.ip[11] == 0xff;

	return is_ipv4 ? 16 : 8;
}

static bool may_answer(const struct ask *ask)
{
	const struct hub_chat_udp *door = ask->door;

	if (!door->hosts)
		return true;
	return weft_rate_take(door->hosts, ask->key.ip, network_len(ask), ask->now) == 0;
}

static bool is_near(const struct ask *ask)
{
	const struct hub_chat_udp_options *options = &ask->door->options;

	if (options->is_near)
		return options->is_near(options->arg, &ask->way->from);
	return weft__chat_udp_is_near(ask->door->networks, &ask->key, ask->now);
}

static bool may_answer_unproven(const struct ask *ask, size_t len)
{
	struct weft_rate *rate = ask->door->unproven;

	if (ask->member || ask->is_proven || is_near(ask))
		return true;
	return len <= ask->len + CHAT_UDP_MORE_MAX &&
	       (!rate || weft_rate_take(rate, "", 0, ask->now) == 0);
}

__attribute__((format(printf, 2, 3))) static void answer(
	const struct ask *ask, const char *format, ...)
{
	char text[256];
	va_list args;
	int len;

	va_start(args, format);
	len = vsnprintf(text, sizeof(text) - 1, format, args);
	va_end(args);
	if (ask->ends_line && len >= 0 && len < (int)sizeof(text) - 1)
		text[len++] = '\n';
	if (len < (int)sizeof(text) && may_answer_unproven(ask, (size_t)len))
		weft__chat_udp_send(ask->door, ask->way, text, (size_t)len);
}

/* ---- Coming in --------------------------------------------------------------------------------
 */

/* Whether it is where it says; if not, it was told what to send. *ret_code: the word that is not
 * for that. */
static bool prove(struct ask *ask, const char **ret_code)
{
	const struct weft_chat_datagram *datagram = &ask->datagram;
	char cookie[CHAT_UDP_COOKIE_SIZE];

	*ret_code = datagram->words[0];
	ask->is_proven = is_near(ask);
	if (ask->is_proven)
		return true;
	for (int i = 0; i < 2; i++)
		if (weft__chat_udp_cookie_is(ask->door, &ask->key, ask->now, datagram->words[i])) {
			*ret_code = datagram->words[1 - i];
			ask->is_proven = true;
			return true;
		}
	weft__chat_udp_cookie(ask->door, &ask->key, ask->now, cookie);
	/* A code that stands there is only looked at together with the cookie. */
	answer(ask, "send: L %s %s%s%s", datagram->name, cookie, datagram->words[0][0] ? " " : "",
		datagram->words[0]);
	return false;
}

/* Somebody has the name, who may not be there any more: then it is free soon. */
static void probe_namesake(const struct ask *ask)
{
	const struct weft_map_entry *entry;
	size_t cursor = 0;

	while ((entry = weft_map_next(ask->door->members, &cursor))) {
		struct chat_udp_member *member = entry->value;

		if (strcmp(member->name, ask->datagram.name) == 0)
			weft__chat_udp_probe(member, ask->now, CHAT_UDP_PROBE_NS);
	}
}

static void enter(const struct ask *ask, const char *code)
{
	struct hub_chat_udp *door = ask->door;
	const char *name = ask->datagram.name, *why;
	const struct chat_udp_entrance entrance = {ask->way, name, ask->ends_line};
	const struct hub_chat_udp_asker asker = {name, code, ask->key.ip, network_len(ask)};
	struct hub_chat_udp_who who = {.why = NULL};

	if (door->options.who(door->options.arg, &asker, &who) < 0)
		answer(ask, "the server is in trouble; please try later");
	else if (who.why)
		answer(ask, "%s", who.why);
	else if (!weft__chat_udp_enter(door, &entrance, &who, &why)) {
		answer(ask, "%s", why);
		probe_namesake(ask);
	}
}

static void ask_enter(struct ask *ask)
{
	const struct weft_rate *barred = ask->door->barred;
	const char *code;

	if (ask->member && strcmp(ask->member->name, ask->datagram.name) == 0)
		answer(ask, "OK");
	else if (ask->member)
		answer(ask, "you are %s here: send: Q %s", ask->member->name, ask->member->name);
	else if (!prove(ask, &code))
		return;
	else if (barred && weft_rate_wait(barred, &ask->key, sizeof(ask->key), ask->now) > 0)
		answer(ask, "you were too fast: wait a minute");
	else
		enter(ask, code);
}

/* ---- Speaking, going --------------------------------------------------------------------------
 */

static bool needs_escape(const char *text, size_t len)
{
	uint32_t character;

	for (size_t at = 0, size; at < len; at += size) {
		size = weft_utf8_read(text + at, len - at, &character);
		if (size == 0)
			return true;
		if (weft_utf8_is_dangerous(character) && character != '\n' && character != '\t')
			return true;
	}
	return false;
}

/* Of a guest: what she says is kept. */
static bool is_too_much(const struct ask *ask, size_t bytes)
{
	const struct hub_chat_udp_options *options = &ask->door->options;

	return options->chat && !options->has_no_rate && !ask->member->stay &&
	       weft__hub_chat_guest_take(options->chat, ask->key.ip, network_len(ask), &bytes) > 0;
}

static void ask_speak(const struct ask *ask)
{
	char visible[WEFT_CHAT_TEXT_MAX];
	struct weft_room_post post = {.text = ask->datagram.text, .len = ask->datagram.text_len};
	struct weft_room_client *client = ask->member->client;
	enum weft_room_fault fault;

	if (needs_escape(post.text, post.len)) {
		post.len = weft_chat_plain_escape(post.text, post.len, visible, sizeof(visible));
		post.text = visible;
		if (post.len > sizeof(visible)) {
			answer(ask, "not said: %s", weft_room_fault_text(WEFT_ROOM_TEXT_TOO_LONG));
			return;
		}
	}
	if (is_too_much(ask, post.len)) {
		answer(ask, "not said: guests of your address have said too much: wait");
		return;
	}
	if (weft_room_post(client, "lobby", &post) == 0)
		return;
	fault = weft_room_client_fault(client);
	/* Who is out is told that by the room. */
	if (errno != ESHUTDOWN && fault != WEFT_ROOM_NOT_MEMBER)
		answer(ask, "not said: %s", weft_room_fault_text(fault));
}

static struct chat_udp_gone *gone_of(const struct ask *ask, uint64_t *ret_hash)
{
	*ret_hash = weft__chat_udp_hash(ask->door, &ask->key, ask->datagram.name);
	return &ask->door->gone[*ret_hash % CHAT_UDP_GONE_MAX];
}

/* Out, and told so: the name is free by then. What was asked is where it says. */
static void put_out(struct ask *ask, const char *why, const char *text)
{
	weft__chat_udp_out(ask->member, why);
	ask->member = NULL;
	ask->is_proven = true;
	answer(ask, "%s", text);
}

static void ask_exit(struct ask *ask)
{
	uint64_t hash;
	struct chat_udp_gone *gone = gone_of(ask, &hash);

	gone->hash = hash;
	gone->until_ns = ask->now + CHAT_UDP_GONE_NS;
	put_out(ask, NULL, "EXIT");
}

/* C or Q from somebody else, or after all. */
static void refuse(const struct ask *ask)
{
	uint64_t hash;
	const struct chat_udp_gone *gone = gone_of(ask, &hash);

	if (ask->member)
		answer(ask, "you are %s here", ask->member->name);
	else if (ask->datagram.ask == WEFT_CHAT_EXIT && gone->hash == hash &&
		 ask->now < gone->until_ns)
		answer(ask, "EXIT");
	else
		answer(ask, "you are not in: send: L %s", ask->datagram.name);
}

/* ---- Pace -------------------------------------------------------------------------------------
 */

static void put_out_fast(struct ask *ask)
{
	if (ask->door->barred)
		weft_rate_take(ask->door->barred, &ask->key, sizeof(ask->key), ask->now);
	put_out(ask, "too many messages", "SERVER: you are out: too many messages");
}

/* In the order of when they are due, which is nearly that in which they come. */
static bool keep_late(const struct ask *ask, const char *data, int64_t due_ns)
{
	struct hub_chat_udp *door = ask->door;
	struct weft_list_node *after = door->late.head.prev;
	struct late *late;

	if (door->late_bytes + ask->len > CHAT_UDP_LATE_BYTES_MAX)
		return false;
	late = malloc(sizeof(*late) + ask->len);
	if (!late)
		return false;
	late->way = *ask->way;
	late->due_ns = due_ns;
	late->len = ask->len;
	memcpy(late->data, data, ask->len);
	while (after != &door->late.head &&
		weft_container_of(after, struct late, node)->due_ns > due_ns)
		after = after->prev;
	weft_list_insert_after(after, &late->node);
	door->late_bytes += ask->len;
	return true;
}

/* Whether it is to be carried out now. */
static bool is_in_time(struct ask *ask, const char *data)
{
	struct chat_udp_member *member = ask->member;
	int64_t ahead;

	if (!ask->door->hosts)
		return true;
	if (member->paced_ns <= ask->now) {
		member->paced_ns = ask->now;
		member->dropped = 0;
	}
	ahead = member->paced_ns - ask->now;
	if (ahead < CHAT_UDP_BURST_NS) {
		member->paced_ns += CHAT_UDP_PACE_NS;
		return true;
	}
	if (ahead < CHAT_UDP_BURST_NS + CHAT_UDP_LATE_NS &&
		keep_late(ask, data, ask->now + ahead - CHAT_UDP_BURST_NS + CHAT_UDP_PACE_NS)) {
		member->paced_ns += CHAT_UDP_PACE_NS;
		return false;
	}
	if (++member->dropped == 1)
		answer(ask, "SERVER: not so fast: this was not said");
	else if (member->dropped > CHAT_UDP_DROPPED_MAX)
		put_out_fast(ask);
	return false;
}

/* ---- All --------------------------------------------------------------------------------------
 */

static void carry_out(struct ask *ask)
{
	bool is_own = ask->member && strcmp(ask->member->name, ask->datagram.name) == 0;

	if (ask->datagram.ask == WEFT_CHAT_ENTER)
		ask_enter(ask);
	else if (!is_own)
		refuse(ask);
	else if (ask->datagram.ask == WEFT_CHAT_SPEAK)
		ask_speak(ask);
	else
		ask_exit(ask);
}

/* What looks like an answer of a door as this one: nobody else says it, and two of them would
 * answer one another for ever. */
static bool is_answer(const char *data, size_t len)
{
	return len >= 6 && memcmp(data, "send: ", 6) == 0;
}

void weft__chat_udp_take(
	struct hub_chat_udp *door, const struct chat_udp_way *way, const char *data, size_t len)
{
	struct ask ask = {.door = door,
		.way = way,
		.len = len,
		.ends_line = len > 0 && data[len - 1] == '\n',
		.now = weft_now()};
	const char *why;

	/* No letter begins like that: it is another form. */
	if (len == 0 || data[0] == '\1' || is_answer(data, len) ||
		weft_address_port(&way->from) == 0)
		return;
	ask.key = weft__chat_udp_key(&way->from);
	ask.member = weft_map_get(door->members, &ask.key, sizeof(ask.key));
	if (ask.member)
		weft__chat_udp_heard(ask.member, ask.now);
	if (ask.member ? !is_in_time(&ask, data) : !may_answer(&ask))
		return;
	why = weft_chat_datagram_read(&ask.datagram, data, len);
	if (why)
		answer(&ask, "%s", why);
	else
		carry_out(&ask);
}

/* ---- Late ones --------------------------------------------------------------------------------
 */

static struct late *first_late(const struct hub_chat_udp *door)
{
	struct weft_list_node *node = weft_list_first(&door->late);

	return node ? weft_container_of(node, struct late, node) : NULL;
}

static void free_late(struct hub_chat_udp *door, struct late *late)
{
	weft_list_remove(&late->node);
	door->late_bytes -= late->len;
	free(late);
}

void weft__chat_udp_late(struct hub_chat_udp *door, int64_t now)
{
	struct late *late;

	while ((late = first_late(door)) && late->due_ns <= now) {
		struct ask ask = {.door = door,
			.way = &late->way,
			.len = late->len,
			.ends_line = late->len > 0 && late->data[late->len - 1] == '\n',
			.now = now};
		const char *why = weft_chat_datagram_read(&ask.datagram, late->data, late->len);

		ask.key = weft__chat_udp_key(&late->way.from);
		ask.member = weft_map_get(door->members, &ask.key, sizeof(ask.key));
		if (ask.member && why)
			answer(&ask, "%s", why);
		else if (ask.member)
			carry_out(&ask);
		free_late(door, late);
	}
}

int64_t weft__chat_udp_late_at(const struct hub_chat_udp *door)
{
	const struct late *late = first_late(door);

	return late ? late->due_ns : INT64_MAX;
}

void weft__chat_udp_late_drop(struct hub_chat_udp *door)
{
	struct late *late;

	while ((late = first_late(door)))
		free_late(door, late);
}
