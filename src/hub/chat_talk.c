/*
 * chat_talk.c - commands that join, say and look.
 *
 * Rows of lists are told one by one: where the peer is slow, the list waits.
 *
 * Entry points: weft__chat_join() and its like.
 */
#include <errno.h>
#include <string.h>

#include "chat_session.h"

/* ---- Being in rooms ---------------------------------------------------------------------------
 */

struct place {
	const char *tag;
	const struct weft_room_facts *facts;
};

static void fill_place(struct chat_say *out, const void *arg)
{
	const struct place *place = arg;

	weft__chat_say_ok(out, place->tag);
	weft__chat_say_word(out, "room", place->facts->name);
	weft__chat_say_epoch(out, place->facts->epoch);
	weft__chat_say_number(out, "last", place->facts->last);
	weft__chat_say_number(out, "read", place->facts->read);
}

int weft__chat_join(struct hub_chat_session *session, const struct weft_chat_command *command)
{
	const struct weft_room_join_options options = {.resumes = command->is_on,
		.epoch = command->epoch,
		.after = command->seq,
		.history = command->limit};
	struct weft_room_facts facts;
	struct place place = {command->tag, &facts};

	if (weft_room_join(session->client, command->room, &options, &facts) < 0)
		return weft__chat_no_room(session, command);
	return weft__chat_send(session, fill_place, &place);
}

int weft__chat_leave(struct hub_chat_session *session, const struct weft_chat_command *command)
{
	const char *why = command->text_len <= WEFT_ROOM_REASON_MAX ? command->text : "";

	return weft__chat_result(
		session, command, weft_room_leave(session->client, command->room, why));
}

struct two {
	const char *tag, *room;
};

static void fill_room(struct chat_say *out, const void *arg)
{
	const struct two *two = arg;

	weft__chat_say_ok(out, two->tag);
	weft__chat_say_word(out, "room", two->room);
}

int weft__chat_direct(struct hub_chat_session *session, const struct weft_chat_command *command)
{
	struct weft_account_user user;
	struct weft_room_other other;
	char room[WEFT_ROOM_NAME_SIZE];
	struct two two = {command->tag, room};
	int found = weft__chat_account_of(session->chat, command->name, &user);

	if (found < 0 && (errno == ECANCELED || errno == ETIMEDOUT))
		return -1;
	/* No call of the rooms has failed: they know no reason. */
	if (found <= 0) {
		enum weft_room_fault fault =
			found < 0 ? WEFT_ROOM_FAILED : WEFT_ROOM_NO_SUCH_PERSON;

		return weft__chat_no(session, &(struct chat_refusal){.tag = command->tag,
						      .word = weft_room_fault_word(fault),
						      .text = weft_room_fault_text(fault)});
	}
	other = (struct weft_room_other){.account = user.id, .name = user.name};
	if (weft_room_direct(session->client, &other, room) < 0)
		return weft__chat_no_room(session, command);
	return weft__chat_send(session, fill_room, &two);
}

/* ---- Saying -----------------------------------------------------------------------------------
 */

/* Names are given again: who has one may be another than who is in the room that tells of it. */
int weft__chat_meets(struct hub_chat_session *session, const struct weft_chat_command *command)
{
	struct chat_refusal refusal = {.tag = command->tag};
	char name[WEFT_ROOM_PERSON_MAX + 1];
	struct weft_account_user user;
	int64_t account;
	int found;

	if (command->room[0] != '@' ||
		weft_room_of_two(session->client, command->room, &account, name) <= 0)
		return 1; /* what is wrong with it is said by who takes the message */
	found = weft__chat_account_of(session->chat, name, &user);
	if (found < 0 && (errno == ECANCELED || errno == ETIMEDOUT))
		return -1;
	if (found > 0 && user.id == account && user.state != WEFT_ACCOUNT_IS_REMOVED)
		return 1;
	refusal.word =
		weft_room_fault_word(found < 0 ? WEFT_ROOM_FAILED : WEFT_ROOM_NO_SUCH_PERSON);
	refusal.text =
		found < 0 ? weft_room_fault_text(WEFT_ROOM_FAILED)
			  : "who is in this room has another name now, or is gone: DIRECT with "
			    "the name of whom you mean";
	return weft__chat_no(session, &refusal) < 0 ? -1 : 0;
}

/* The answer comes when the disk has it. */
int weft__chat_post(struct hub_chat_session *session, const struct weft_chat_command *command)
{
	const struct weft_room_post post = {.id = command->tag[0] ? command->tag : NULL,
		.text = command->text,
		.len = command->text_len};
	int meets = weft__chat_meets(session, command);

	if (meets <= 0)
		return meets;
	if (weft__chat_pace_guest(session, post.len) < 0)
		return -1;
	if (weft_room_post(session->client, command->room, &post) < 0)
		return weft__chat_no_room(session, command);
	return 0;
}

int weft__chat_typing(struct hub_chat_session *session, const struct weft_chat_command *command)
{
	return weft__chat_result(
		session, command, weft_room_typing(session->client, command->room));
}

int weft__chat_read(struct hub_chat_session *session, const struct weft_chat_command *command)
{
	return weft__chat_result(session, command,
		weft_room_mark_read(session->client, command->room, command->seq));
}

/* ---- Lists ------------------------------------------------------------------------------------
 */

/* Who tells rows, and of what. */
struct list {
	struct hub_chat_session *session;
	const char *tag;
};

struct row {
	const char *tag;
	const void *what;
};

static int tell(const struct list *list, chat_fill_fn *fill, const void *what)
{
	const struct row row = {list->tag, what};

	return weft__chat_send(list->session, fill, &row);
}

static void fill_event(struct chat_say *out, const void *arg)
{
	const struct row *row = arg;

	weft__chat_say_room(out, row->what, row->tag);
}

static int tell_event(const struct weft_room_event *event, void *arg)
{
	return tell(arg, fill_event, event);
}

static void fill_more(struct chat_say *out, const void *arg)
{
	const struct row *row = arg;

	weft__chat_say_ok(out, row->tag);
	weft__chat_say_flag(out, "more", *(const int *)row->what > 0);
}

/* The end of a list: OK, or OK more; or a refusal. */
static int end_list(const struct list *list, const struct weft_chat_command *command, int result)
{
	if (result < 0)
		return weft__chat_no_room(list->session, command);
	return tell(list, fill_more, &result);
}

int weft__chat_history(struct hub_chat_session *session, const struct weft_chat_command *command)
{
	struct list list = {session, command->tag};
	const struct weft_room_page page = {.before = command->is_on ? 0 : command->seq,
		.after = command->is_on ? command->seq : 0,
		.forwards = command->is_on,
		.limit = command->limit};

	return end_list(&list, command,
		weft_room_history(session->client, command->room, &page, tell_event, &list));
}

static void fill_next(struct chat_say *out, const void *arg)
{
	const struct row *row = arg;
	int64_t next = *(const int64_t *)row->what;

	weft__chat_say_ok(out, row->tag);
	if (next > 0)
		weft__chat_say_number(out, "next", (uint64_t)next);
}

int weft__chat_search(struct hub_chat_session *session, const struct weft_chat_command *command)
{
	struct list list = {session, command->tag};
	const struct weft_room_search search = {.text = command->text,
		.room = strcmp(command->room, "*") == 0 ? NULL : command->room,
		.who = command->name[0] ? command->name : NULL,
		.before = (int64_t)command->seq,
		.limit = command->limit};
	int64_t next = weft_room_search(session->client, &search, tell_event, &list);

	if (next < 0)
		return weft__chat_no_room(session, command);
	return tell(&list, fill_next, &next);
}

static void fill_facts(struct chat_say *out, const void *arg)
{
	const struct row *row = arg;
	const struct weft_room_facts *facts = row->what;

	weft__chat_say_event(out, row->tag, "room");
	weft__chat_say_word(out, "room", facts->name);
	weft__chat_say_epoch(out, facts->epoch);
	weft__chat_say_number(out, "last", facts->last);
	weft__chat_say_number(out, "read", facts->read);
	weft__chat_say_number(out, "count", facts->people);
	weft__chat_say_flag(out, "private", facts->is_private);
	weft__chat_say_flag(out, "direct", facts->is_direct);
	weft__chat_say_flag(out, "read-only", facts->is_read_only);
	weft__chat_say_flag(out, "guests", facts->is_for_guests);
	weft__chat_say_flag(out, "slow", facts->slow_ns > 0);
	weft__chat_say_flag(out, "here", facts->is_here);
	weft__chat_say_flag(out, "moderator", facts->may_moderate);
	weft__chat_say_no_more_flags(out);
	weft__chat_say_text(out, "text", facts->topic, strlen(facts->topic));
}

static int tell_facts(const struct weft_room_facts *facts, void *arg)
{
	return tell(arg, fill_facts, facts);
}

int weft__chat_rooms(struct hub_chat_session *session, const struct weft_chat_command *command)
{
	struct list list = {session, command->tag};
	const char *after = command->room[0] ? command->room : NULL;

	return end_list(&list, command, weft_room_list(session->client, after, tell_facts, &list));
}

static void fill_member(struct chat_say *out, const void *arg)
{
	const struct row *row = arg;
	const struct weft_room_member *member = row->what;

	weft__chat_say_event(out, row->tag, "member");
	weft__chat_say_who(out, member->name, member->is_guest, false);
	weft__chat_say_flag(out, "moderator", member->is_moderator);
	weft__chat_say_flag(out, "muted", member->is_muted);
	weft__chat_say_flag(out, "here", member->is_here);
	weft__chat_say_no_more_flags(out);
}

static int tell_member(const struct weft_room_member *member, void *arg)
{
	return tell(arg, fill_member, member);
}

int weft__chat_members(struct hub_chat_session *session, const struct weft_chat_command *command)
{
	struct list list = {session, command->tag};

	return end_list(&list, command,
		weft_room_members(session->client, command->room, tell_member, &list));
}

/* ---- For who runs it --------------------------------------------------------------------------
 */

static void fill_present(struct chat_say *out, const void *arg)
{
	const struct row *row = arg;
	const struct weft_room_present *present = row->what;

	weft__chat_say_event(out, row->tag, "client");
	weft__chat_say_number(out, "number", present->client);
	weft__chat_say_who(out, present->name, present->account == 0 && !present->is_server,
		present->is_server);
	weft__chat_say_word(out, "address", present->address ? present->address : "");
	weft__chat_say_word(out, "door", present->door);
	weft__chat_say_time(out, "since", present->since_ns);
	weft__chat_say_number(out, "rooms", present->rooms);
	weft__chat_say_number(out, "behind", present->behind);
}

static int tell_present(const struct weft_room_present *present, void *arg)
{
	return tell(arg, fill_present, present);
}

int weft__chat_who(struct hub_chat_session *session, const struct weft_chat_command *command)
{
	struct list list = {session, command->tag};

	return end_list(&list, command, weft_room_who(session->client, tell_present, &list));
}

struct count {
	const char *name;
	uint64_t number;
};

static void fill_stat(struct chat_say *out, const void *arg)
{
	const struct row *row = arg;
	const struct count *stat = row->what;

	weft__chat_say_event(out, row->tag, "stat");
	weft__chat_say_word(out, "name", stat->name);
	weft__chat_say_number(out, "number", stat->number);
}

int weft__chat_stats(struct hub_chat_session *session, const struct weft_chat_command *command)
{
	struct list list = {session, command->tag};
	struct weft_rooms_counts counts;

	weft_rooms_counts(session->chat->rooms, &counts);
	{
		const struct count stats[] = {{"rooms", counts.rooms}, {"clients", counts.clients},
			{"people", counts.people}, {"posted", counts.posted},
			{"accepted", counts.accepted}, {"refused", counts.refused},
			{"commits", counts.commits}, {"delivered", counts.delivered},
			{"gaps", counts.gaps}, {"tail-bytes", counts.tail_bytes}};

		for (size_t i = 0; i < sizeof(stats) / sizeof(stats[0]); i++)
			if (tell(&list, fill_stat, &stats[i]) < 0)
				return -1;
	}
	return weft__chat_ok(session, command);
}

static void fill_help(struct chat_say *out, const void *arg)
{
	const struct row *row = arg;
	const char *usage = weft_chat_verb_usage(*(const enum weft_chat_verb *)row->what);

	weft__chat_say_event(out, row->tag, "help");
	weft__chat_say_text(out, "text", usage, strlen(usage));
}

int weft__chat_help(struct hub_chat_session *session, const struct weft_chat_command *command)
{
	struct list list = {session, command->tag};

	for (enum weft_chat_verb verb = WEFT_CHAT_LOGIN; verb < WEFT_CHAT_VERBS; verb++)
		if (tell(&list, fill_help, &verb) < 0)
			return -1;
	return weft__chat_ok(session, command);
}

static void fill_code(struct chat_say *out, const void *arg)
{
	const struct two *two = arg;

	weft__chat_say_ok(out, two->tag);
	weft__chat_say_word(out, "code", two->room);
}

int weft__chat_code(struct hub_chat_session *session, const struct weft_chat_command *command)
{
	enum weft_room_fault fault = WEFT_ROOM_NOT_ALLOWED;
	char code[HUB_CHAT_CODE_SIZE];
	const struct two two = {command->tag, code};

	if (!session->who)
		return weft__chat_no(session, &(struct chat_refusal){.tag = command->tag,
						      .word = weft_room_fault_word(fault),
						      .text = "guests need no code"});
	if (weft__hub_chat_code_make(session->chat, session->who, code) < 0)
		return -1;
	return weft__chat_send(session, fill_code, &two);
}
