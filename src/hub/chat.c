/*
 * chat.c - what all doors of chat share: the rooms, bounds, names, the audit log.
 *
 * Entry points: weft__hub_chat_new(), weft__hub_chat_name_look().
 *
 * Never: lets a guest have a name that an account has, or that looks like one.
 */
#include "chat_session.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "weft/fiber.h"
#include "weft/lock.h"
#include "weft/map.h"
#include "weft/rate.h"

#define RATE_DEFAULT   20
#define RATE_BURST_S   5 /* so many seconds' commands at once */
#define ADDRESS_FACTOR 10

/*
 * What is said stays on the disk, and guests are anybody: those of one address say so many pieces a
 * second, as long as they have been quiet for a while before. At the usual rate that is 1 MiB at
 * once, and then 110 MB a day.
 */
#define GUEST_PIECE   256 /* bytes, begun ones count */
#define GUEST_PART    4   /* of the commands that one client has */
#define GUEST_BURST_S 820

/* ---- Names ------------------------------------------------------------------------------------
 */

int weft__chat_account_of(
	struct hub_chat *chat, const char *name, struct weft_account_user *ret_user)
{
	struct weft_account_call call = {.is_local = true, .door = "chat"};
	char normal[WEFT_ACCOUNT_NAME_MAX + 1];
	int found;

	if (!chat->options.accounts || weft_account_name_normalise(name, normal, NULL) < 0)
		return 0;
	found = weft_account_name_owner(chat->options.accounts, &call, name, ret_user);
	return found > 0 ? strcmp(ret_user->name, normal) == 0 : found;
}

static void refuse_name(struct hub_chat_name *name, enum weft_account_fault fault)
{
	name->fault = weft_account_fault_word(fault);
	name->why = weft_account_fault_text(fault);
}

int weft__hub_chat_name_look(
	struct hub_chat *chat, const char *name, struct hub_chat_name *ret_name)
{
	char normal[WEFT_ACCOUNT_NAME_MAX + 1];
	struct weft_account_call call = {.is_local = true, .door = "chat"};
	struct weft_account_user user = {.id = 0};
	enum weft_account_fault fault;
	int found = 0;

	memset(ret_name, 0, sizeof(*ret_name));
	if (weft_account_name_normalise(name, normal, &fault) < 0) {
		if (errno != EINVAL)
			return -1;
		refuse_name(ret_name, fault);
		return 0;
	}
	if (weft_account_name_skeleton(normal, ret_name->key, sizeof(ret_name->key)) < 0)
		return -1;
	if (chat->options.accounts)
		found = weft_account_name_owner(chat->options.accounts, &call, name, &user);
	if (found < 0)
		return -1;
	if (found && strcmp(user.name, normal) != 0) {
		refuse_name(ret_name, WEFT_ACCOUNT_NAME_LOOKALIKE);
	} else if (found) {
		ret_name->account = user.id;
		/* Nobody comes in by it, though a code was given out before it was locked. */
		if (user.state != WEFT_ACCOUNT_ACTIVE)
			refuse_name(ret_name, WEFT_ACCOUNT_NAME_TAKEN);
	} else if (weft_account_name_is_reserved(normal)) {
		refuse_name(ret_name, WEFT_ACCOUNT_NAME_RESERVED);
	}
	return 0;
}

/* ---- The audit log ----------------------------------------------------------------------------
 */

/* A note names whoever did it by her picture, of which it reads the name. */
static void note(void *arg, const struct weft_room_deed *deed)
{
	struct hub_chat *chat = arg;
	struct weft_account_who *who = calloc(1, sizeof(*who));
	struct weft_account_call call = {.who = who, .address = deed->who->address, .door = "chat"};
	char detail[WEFT_ACCOUNT_LABEL_MAX + 1];
	const struct weft_account_note line = {.action = deed->action,
		.target = deed->target,
		.result = deed->result && deed->result[0] ? deed->result : NULL,
		.detail = detail};

	if (!who)
		return;
	snprintf(who->user.name, sizeof(who->user.name), "%s%s",
		deed->who->account || deed->who->is_server ? "" : "~", deed->who->name);
	snprintf(detail, sizeof(detail), "%s%s%s", deed->room ? deed->room : "*",
		deed->detail && deed->detail[0] ? ": " : "", deed->detail ? deed->detail : "");
	if (weft_account_audit_note(chat->options.accounts, &call, &line) < 0 &&
		call.fault == WEFT_ACCOUNT_BAD_TEXT) {
		/* A detail that was cut within a character, or steers a terminal. */
		snprintf(detail, sizeof(detail), "%.*s", WEFT_ROOM_NAME_MAX,
			deed->room ? deed->room : "*");
		weft_account_audit_note(chat->options.accounts, &call, &line);
	}
	free(who);
}

/* ---- Life -------------------------------------------------------------------------------------
 */

static double guest_pieces(unsigned rate)
{
	return (double)rate / GUEST_PART;
}

static unsigned guest_burst(unsigned rate)
{
	return (unsigned)(guest_pieces(rate) * GUEST_BURST_S) + 1;
}

static int make_rates(struct hub_chat *chat)
{
	struct hub_chat_options *options = &chat->options;
	unsigned rate = options->rate ? options->rate : RATE_DEFAULT;
	unsigned of_address = options->address_rate ? options->address_rate : rate * ADDRESS_FACTOR;

	chat->interval_ns = WEFT_SECONDS(1) / rate;
	chat->address_rate = weft_rate_new(&(struct weft_rate_options){
		.per_second = of_address, .burst = of_address * RATE_BURST_S});
	chat->guest_rate = weft_rate_new(&(struct weft_rate_options){
		.per_second = guest_pieces(rate), .burst = guest_burst(rate)});
	return chat->address_rate && chat->guest_rate ? 0 : -1;
}

int64_t weft__hub_chat_guest_take(
	struct hub_chat *chat, const void *key, size_t key_len, size_t *bytes)
{
	int64_t wait_ns;

	do {
		wait_ns = weft_rate_take(chat->guest_rate, key, key_len, weft_now());
		if (wait_ns > 0)
			return wait_ns;
		*bytes -= *bytes < GUEST_PIECE ? *bytes : GUEST_PIECE;
	} while (*bytes > 0);
	return 0;
}

void weft__hub_chat_set_rate(struct hub_chat *chat, unsigned rate)
{
	const struct hub_chat_options *options = &chat->options;
	unsigned each = rate ? rate : RATE_DEFAULT;
	unsigned of_address = options->address_rate ? options->address_rate : each * ADDRESS_FACTOR;

	chat->interval_ns = WEFT_SECONDS(1) / each;
	weft_rate_adjust(chat->address_rate, of_address, of_address * RATE_BURST_S);
	weft_rate_adjust(chat->guest_rate, guest_pieces(each), guest_burst(each));
}

struct hub_chat *weft__hub_chat_new(const struct hub_chat_options *options)
{
	struct hub_chat *chat = calloc(1, sizeof(*chat));
	struct weft_rooms_options rooms = {.dir = options->dir,
		.guests_may_make_rooms = options->guests_may_make_rooms,
		.audit = options->accounts ? note : NULL,
		.arg = chat};

	if (!chat)
		return NULL;
	chat->options = *options;
	pthread_mutex_init(&chat->mutex, NULL);
	weft_list_init(&chat->watched);
	chat->strangers = weft_map_new(NULL);
	if (!chat->strangers || weft__chat_codes_begin(chat) < 0 || make_rates(chat) < 0)
		goto failed;
	chat->rooms = weft_rooms_open(&rooms);
	if (!chat->rooms)
		goto failed;
	if (weft__chat_watch_begin(chat) < 0 || weft__chat_probes_begin(chat) < 0)
		goto failed;
	chat->options.dir = NULL; /* the caller's */
	return chat;
failed:
	weft__hub_chat_free(chat);
	return NULL;
}

void weft__hub_chat_shut(struct hub_chat *chat, const char *reason)
{
	weft_rooms_shut(chat->rooms, reason);
}

void weft__hub_chat_free(struct hub_chat *chat)
{
	int kept = errno;

	if (!chat)
		return;
	weft__chat_probes_end(chat);
	weft__chat_watch_end(chat);
	weft_rooms_close(chat->rooms);
	weft_rate_free(chat->address_rate);
	weft_rate_free(chat->guest_rate);
	weft_map_free(chat->strangers); /* it is empty: there are no sessions */
	weft__chat_codes_end(chat);
	pthread_mutex_destroy(&chat->mutex);
	free(chat);
	errno = kept;
}

struct weft_rooms *weft__hub_chat_rooms(struct hub_chat *chat)
{
	return chat->rooms;
}
