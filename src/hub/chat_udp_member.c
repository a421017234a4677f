/*
 * chat_udp_member.c - who is in by datagrams: comes, is silent, is asked, goes.
 *
 *	heard --(10 minutes of silence)--> asked --(2 minutes)--> out
 *	  ^-------(any datagram)-------------+
 *	heard, asked --(nobody is at its port: a probe)--> (neither there)--> out
 *
 * Entry points: weft__chat_udp_enter(), weft__chat_udp_heard(), weft__chat_udp_out().
 *
 * Never: believes one error of the network, which anybody on the way can make up.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "chat_udp_inside.h"
#include "weft/ledger.h"

/* ---- Addresses --------------------------------------------------------------------------------
 */

struct chat_udp_key weft__chat_udp_key(const struct weft_address *address)
{
	struct chat_udp_key key;

	memset(&key, 0, sizeof(key));
	key.port = weft_address_port(address);
	if (weft_address_family(address) == AF_INET) {
		key.ip[10] = key.ip[11] = 0xff;
		memcpy(key.ip + 12, &address->in.sin_addr, 4);
	} else {
		memcpy(key.ip, &address->in6.sin6_addr, 16);
		key.scope = address->in6.sin6_scope_id;
	}
	return key;
}

struct chat_udp_member *weft__chat_udp_find(
	struct hub_chat_udp *door, const struct weft_address *address)
{
	struct chat_udp_key key = weft__chat_udp_key(address);

	return weft_map_get(door->members, &key, sizeof(key));
}

/* ---- Coming -----------------------------------------------------------------------------------
 */

static const char *why_not_entered(void)
{
	switch (errno) {
	case EEXIST:
		return "this name is taken";
	case EPERM:
		return weft_room_fault_text(WEFT_ROOM_BANNED);
	case EUSERS:
		return weft_room_fault_text(WEFT_ROOM_FULL);
	default:
		return "the server is in trouble; please try later";
	}
}

/* In the table, before it can be ready. */
static struct chat_udp_member *member_new(
	struct hub_chat_udp *door, const struct chat_udp_entrance *entrance)
{
	struct chat_udp_member *member = calloc(1, sizeof(*member));

	if (!member)
		return NULL;
	member->references = 1;
	member->door = door;
	member->deliverer = NULL;
	member->way = *entrance->way;
	member->key = weft__chat_udp_key(&entrance->way->from);
	member->ends_lines = entrance->ends_lines;
	member->heard_ns = weft_now();
	pthread_mutex_init(&member->lock, NULL);
	snprintf(member->name, sizeof(member->name), "%s", entrance->name);
	if (weft_map_put(door->members, &member->key, sizeof(member->key), member, NULL) < 0) {
		weft__chat_udp_drop(member);
		return NULL;
	}
	weft_list_push_back(&door->heard, &member->node);
	return member;
}

/* In the ledger of all doors. false: its host has as many as it may. */
static bool count_in(struct chat_udp_member *member, const char *host)
{
	size_t len = weft_ledger_host(host, member->host);

	if (!weft_ledger_enter(member->door->options.ledger, member->host, len))
		return false;
	member->host_len = len;
	return true;
}

static void forget(struct chat_udp_member *member)
{
	weft_ledger_leave(member->door->options.ledger, member->host, member->host_len);
	weft_map_remove(member->door->members, &member->key, sizeof(member->key));
	weft_list_remove(&member->node);
	weft__chat_udp_drop(member);
}

/* A fiber that was ready before its client was here is so once more. */
static void settle(struct chat_udp_member *member, struct weft_room_client *client)
{
	pthread_mutex_lock(&member->lock);
	member->client = client;
	pthread_mutex_unlock(&member->lock);
	weft__chat_udp_ready(member);
}

/* Nobody comes in by it. */
static void drop_login(struct hub_chat_udp *door, const struct hub_chat_udp_who *who)
{
	if (who->login)
		door->options.stay(door->options.arg, who->login, NULL);
}

/* Its client, in the lobby; NULL, with a sentence. The login is used up. */
static struct weft_room_client *open_client(struct chat_udp_member *member,
	const struct weft_room_person *person, const struct hub_chat_udp_who *who,
	const char **ret_why)
{
	struct hub_chat_udp *door = member->door;
	const struct weft_room_client_options options = {
		.on_ready = weft__chat_udp_ready, .arg = member, .door = "udp"};
	struct weft_room_client *client =
		weft_room_enter(door->options.rooms, person, &weft__chat_udp_form, &options);

	if (!client)
		*ret_why = why_not_entered();
	else if (weft_room_join(client, "lobby", NULL, NULL) < 0)
		*ret_why = weft_room_fault_text(weft_room_client_fault(client));
	else if (!who->login)
		return client;
	else if ((member->stay = door->options.stay(door->options.arg, who->login, client)))
		return client;
	else
		goto exit;
	drop_login(door, who);
exit:
	weft_room_exit(client);
	return NULL;
}

struct chat_udp_member *weft__chat_udp_enter(struct hub_chat_udp *door,
	const struct chat_udp_entrance *entrance, const struct hub_chat_udp_who *who,
	const char **ret_why)
{
	char host[WEFT_ADDRESS_TEXT_MAX];
	const struct weft_room_person person = {
		.account = who->account, .name = entrance->name, .key = who->key, .address = host};
	struct chat_udp_member *member = member_new(door, entrance);
	struct weft_room_client *client;

	*ret_why = "the server is in trouble; please try later";
	if (!member) {
		drop_login(door, who);
		return NULL;
	}
	member->deliverer = weft__chat_udp_deliverer_of(door, door->entered++);
	weft_address_print_host(&entrance->way->from, host, sizeof(host));
	if (!count_in(member, host)) {
		*ret_why = "too many of your address are here";
		drop_login(door, who);
		forget(member);
		return NULL;
	}
	client = open_client(member, &person, who, ret_why);
	if (!client) {
		forget(member);
		return NULL;
	}
	settle(member, client);
	return member;
}

/* ---- Being here -------------------------------------------------------------------------------
 */

static void move(struct chat_udp_member *member, struct weft_list *list)
{
	weft_list_remove(&member->node);
	weft_list_push_back(list, &member->node);
}

void weft__chat_udp_heard(struct chat_udp_member *member, int64_t now)
{
	member->heard_ns = now;
	member->asked_ns = 0;
	member->probed_ns = 0;
	move(member, &member->door->heard);
}

static size_t print_probe(const struct chat_udp_member *member, char *text, size_t size)
{
	int len = snprintf(text, size, "SERVER: %s, are you still there?", member->name);

	return (size_t)len;
}

static void send_probe(struct chat_udp_member *member)
{
	char text[WEFT_CHAT_NAME_MAX + 64];
	size_t len = print_probe(member, text, sizeof(text));

	weft__chat_udp_send(member->door, &member->way, text, len);
}

void weft__chat_udp_probe(struct chat_udp_member *member, int64_t now, int64_t after_ns)
{
	if (member->probed_ns && now - member->probed_ns < after_ns)
		return;
	member->probed_ns = now;
	send_probe(member);
}

bool weft__chat_udp_is_probe(const struct chat_udp_member *member, const char *data, size_t len)
{
	char text[WEFT_CHAT_NAME_MAX + 64];
	size_t probe = print_probe(member, text, sizeof(text));

	return len >= 8 && memcmp(text, data, len < probe ? len : probe) == 0;
}

/* ---- Silence ----------------------------------------------------------------------------------
 */

static struct chat_udp_member *first_of(const struct weft_list *list)
{
	struct weft_list_node *node = weft_list_first(list);

	return node ? weft_container_of(node, struct chat_udp_member, node) : NULL;
}

void weft__chat_udp_silent(struct hub_chat_udp *door, int64_t now)
{
	struct chat_udp_member *member;

	while ((member = first_of(&door->asked)) && now - member->asked_ns >= CHAT_UDP_ASKED_NS)
		weft__chat_udp_out(member, "silent");
	while ((member = first_of(&door->heard)) && now - member->heard_ns >= CHAT_UDP_SILENT_NS) {
		member->asked_ns = now;
		move(member, &door->asked);
		send_probe(member);
	}
}

int64_t weft__chat_udp_silent_at(const struct hub_chat_udp *door)
{
	const struct chat_udp_member *heard = first_of(&door->heard);
	const struct chat_udp_member *asked = first_of(&door->asked);
	int64_t at = heard ? heard->heard_ns + CHAT_UDP_SILENT_NS : INT64_MAX;

	if (asked && asked->asked_ns + CHAT_UDP_ASKED_NS < at)
		at = asked->asked_ns + CHAT_UDP_ASKED_NS;
	return at;
}

/* ---- Going ------------------------------------------------------------------------------------
 */

void weft__chat_udp_out(struct chat_udp_member *member, const char *why)
{
	struct weft_room_client *client;

	pthread_mutex_lock(&member->lock);
	client = member->client;
	member->client = NULL;
	pthread_mutex_unlock(&member->lock);
	if (client && why)
		weft_room_leave(client, "lobby", why);
	if (member->stay)
		member->door->options.unstay(member->stay);
	weft_room_exit(client);
	forget(member);
}

void weft__chat_udp_drop(struct chat_udp_member *member)
{
	if (__atomic_sub_fetch(&member->references, 1, __ATOMIC_ACQ_REL) > 0)
		return;
	pthread_mutex_destroy(&member->lock);
	free(member);
}
