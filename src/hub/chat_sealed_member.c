/*
 * chat_sealed_member.c - one who came by a link: her login, her lines, her end.
 *
 *	LOGIN event --> fiber: the session's LOGIN, TOKEN or GUEST --> welcome, or why not
 *	READABLE    --> fiber: lines, one after the other; when there is none, it ends
 *	OVER, QUIT  --> fiber: what she has still to be told; the session is over
 *
 * The name and the secret that the link was begun with are a command like those of lines. That she
 * is at another address by now changes nothing: the session counts as from where it was begun.
 *
 * Entry points: weft__chat_sealed_arrive(), weft__chat_sealed_run(), weft__chat_sealed_cut().
 *
 * Never: a fiber for who says nothing; two for one.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "chat_sealed.h"
#include "weft/scope.h"

#define STACK_SIZE ((size_t)64 * 1024)

/** What she is told last, and a link that has no room for it. */
#define LAST_TRIES    50
#define LAST_PAUSE_NS WEFT_MILLISECONDS(20)

/* A fiber's memory. */
struct work {
	struct weft_chat_command command;
	char line[CHAT_SEALED_LINE_MAX];
};

static void lock(struct chat_sealed *sealed)
{
	WEFT_SHIELDED
		weft_lock_acquire(&sealed->lock);
}

static void unlock(struct chat_sealed *sealed)
{
	weft__chat_sealed_wake(sealed);
	weft_lock_release(&sealed->lock);
}

/* ---- Logging in -------------------------------------------------------------------------------
 */

/* What the session says before there is a client is why it lets nobody in; and what it says after
 * is the answer to QUIT. */
static int keep_answer(void *arg, const char *bytes, size_t len)
{
	struct chat_sealed_member *member = arg;

	if (len > 0 && bytes[len - 1] == '\n')
		len--;
	if (len >= sizeof(member->answer)) {
		len = sizeof(member->answer) - 1;
		/* Not within a character. */
		while (len > 0 && ((uint8_t)bytes[len] & 0xc0) == 0x80)
			len--;
	}
	memcpy(member->answer, bytes, len);
	member->answer[len] = '\0';
	return 0;
}

/* NULL, or what is wrong with it. */
static const char *read_login(
	const struct weft_chat_link_login *login, struct weft_chat_command *command)
{
	const char *name = login->name + (login->name[0] == '~');

	memset(command, 0, sizeof(*command));
	command->verb = login->kind == WEFT_CHAT_LINK_GUEST      ? WEFT_CHAT_GUEST
			: login->kind == WEFT_CHAT_LINK_PASSWORD ? WEFT_CHAT_LOGIN
								 : WEFT_CHAT_TOKEN;
	/* A token says whose it is. */
	if (command->verb != WEFT_CHAT_TOKEN) {
		if (strlen(name) > WEFT_CHAT_NAME_MAX)
			return "NO name-too-long this name is too long";
		snprintf(command->name, sizeof(command->name), "%s", name);
	}
	if (login->secret)
		snprintf(command->text, sizeof(command->text), "%s", login->secret);
	command->text_len = strlen(command->text);
	return weft_chat_command_check(command) ? "NO bad-name this can't be a name or a secret"
						: NULL;
}

static int begin_session(struct chat_sealed_member *member, const struct weft_address *address)
{
	char text[WEFT_ADDRESS_TEXT_MAX];
	const struct hub_chat_peer peer = {.wire = &weft__hub_chat_lines,
		.door = "sealed",
		.address = text,
		.is_private = true,
		.write = keep_answer,
		.on_ready = weft__chat_sealed_ready,
		.arg = member};

	weft_address_print_host(address, text, sizeof(text));
	member->session = weft__hub_chat_session_new(member->sealed->chat, &peer);
	return member->session ? 0 : -1;
}

/* Under the lock: who she says she is. */
static const char *ask(struct chat_sealed_member *member, struct weft_chat_command *command,
	struct weft_address *ret_address)
{
	const struct weft_chat_link_login *login = weft_chat_link_login(member->link);

	if (!login || member->is_cut)
		return "";
	weft_chat_link_address(member->link, ret_address);
	return read_login(login, command);
}

static int answer(struct chat_sealed_member *member, const char *why)
{
	struct chat_sealed *sealed = member->sealed;
	int result = 0;

	lock(sealed);
	sealed->logins -= member->is_entering;
	member->is_entering = false;
	if (member->session)
		member->client = weft__hub_chat_session_client(member->session);
	if (member->client)
		result = weft_chat_link_welcome(member->link, NULL);
	else
		weft_chat_link_refuse(member->link,
			why && why[0] ? why
				      : "NO failed the server is in trouble; please try later");
	if (!member->client)
		result = -1;
	if (result == 0)
		weft__chat_sealed_deliver(member);
	unlock(sealed);
	return result;
}

/* Returns as weft__hub_chat_session_do(). */
static int log_in(struct chat_sealed_member *member, struct work *work)
{
	struct weft_address address;
	const char *why;

	lock(member->sealed);
	why = ask(member, &work->command, &address);
	unlock(member->sealed);
	if (!why && begin_session(member, &address) == 0) {
		weft__hub_chat_session_do(member->session, &work->command);
		why = member->answer;
	} else if (!why && errno == EDQUOT) {
		why = "NO full too many of your address are here";
	}
	explicit_bzero(&work->command, sizeof(work->command));
	return answer(member, why);
}

/* ---- Lines ------------------------------------------------------------------------------------
 */

/* Its length; -1: the end; -2: there is none now, and the fiber has none of this any more. */
static ssize_t next_line(struct chat_sealed_member *member, struct work *work)
{
	struct chat_sealed *sealed = member->sealed;
	ssize_t len = -1;

	lock(sealed);
	if (!member->is_cut) {
		len = weft_chat_link_receive(member->link, work->line, sizeof(work->line));
		if (len < 0 && errno == EAGAIN) {
			member->fiber = 0;
			len = -2;
		}
	}
	unlock(sealed);
	return len;
}

static bool is_blank(const char *line, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (line[i] != ' ' && line[i] != '\r' && line[i] != '\n')
			return false;
	return true;
}

static int take_line(struct chat_sealed_member *member, struct work *work, size_t len)
{
	const char *why;
	int result;

	if (is_blank(work->line, len))
		return 0;
	why = weft_chat_line_read(&work->command, work->line, len);
	if (why)
		result = weft__hub_chat_session_refuse(member->session, work->command.tag, why);
	else
		result = weft__hub_chat_session_do(member->session, &work->command);
	explicit_bzero(work, sizeof(*work));
	return result;
}

/* ---- The end ----------------------------------------------------------------------------------
 */

/* What she has still to be told, as far as the link takes it. */
static void deliver_last(struct chat_sealed_member *member)
{
	struct chat_sealed *sealed = member->sealed;

	for (int tries = 0; tries < LAST_TRIES; tries++) {
		bool is_done;

		lock(sealed);
		is_done = weft_chat_link_why(member->link) != WEFT_CHAT_LINK_NOT_OVER ||
			  sealed->is_stopped;
		is_done |= weft__chat_sealed_deliver(member);
		unlock(sealed);
		if (is_done)
			break;
		weft_sleep(LAST_PAUSE_NS);
	}
	lock(sealed);
	member->client = NULL;
	unlock(sealed);
}

/* Under the lock. */
static void send_answer(struct chat_sealed_member *member)
{
	size_t len = strlen(member->answer);

	if (len == 0 || len + 1 >= sizeof(member->answer))
		return;
	member->answer[len] = '\n';
	weft_chat_link_send(member->link, member->answer, len + 1);
}

static void end(struct chat_sealed_member *member)
{
	struct chat_sealed *sealed = member->sealed;

	deliver_last(member);
	member->answer[0] = '\0';
	weft__hub_chat_session_free(member->session);
	lock(sealed);
	send_answer(member);
	weft_chat_link_set_owner(member->link, NULL);
	weft_chat_link_close(member->link, sealed->is_stopped ? "the server ends" : NULL);
	weft_chat_link_free(member->link);
	member->link = NULL;
	weft_list_remove(&member->node);
	unlock(sealed);
	weft__chat_sealed_drop(member);
}

/* Until it is over (true), or nothing more has come. */
static bool talk(struct chat_sealed_member *member)
{
	struct work *work = calloc(1, sizeof(*work));
	ssize_t len = -1;
	int result = -1;

	if (work)
		result = member->session ? 0 : log_in(member, work);
	while (result == 0 && (len = next_line(member, work)) >= 0)
		result = take_line(member, work, (size_t)len);
	free(work);
	return result != 0 || len != -2;
}

static int run(void *arg)
{
	struct chat_sealed_member *member = arg;
	struct chat_sealed *sealed = member->sealed;

	if (talk(member))
		WEFT_SHIELDED
			end(member);
	__atomic_sub_fetch(&sealed->fibers, 1, __ATOMIC_RELEASE);
	return 0;
}

/* ---- Beginning --------------------------------------------------------------------------------
 */

void weft__chat_sealed_run(struct chat_sealed_member *member)
{
	const struct weft_spawn_options options = {
		.name = "chat: a link", .stack_size_bytes = STACK_SIZE};

	if (member->fiber)
		return;
	__atomic_add_fetch(&member->sealed->fibers, 1, __ATOMIC_RELAXED);
	member->fiber = weft_spawn_with(&options, run, member);
	member->is_owed = !member->fiber;
	if (member->fiber) {
		weft_detach(member->fiber);
		return;
	}
	__atomic_sub_fetch(&member->sealed->fibers, 1, __ATOMIC_RELEASE);
	member->sealed->is_short = true;
}

void weft__chat_sealed_cut(struct chat_sealed_member *member)
{
	if (member->is_cut)
		return;
	member->is_cut = true;
	if (member->fiber)
		weft_cancel(member->fiber);
	else
		weft__chat_sealed_run(member);
}

void weft__chat_sealed_arrive(struct chat_sealed *sealed, struct weft_chat_link *link)
{
	struct chat_sealed_member *member = NULL;

	if (!sealed->is_stopped && sealed->logins < CHAT_SEALED_LOGINS_MAX)
		member = calloc(1, sizeof(*member));
	if (member) {
		member->references = 1;
		member->sealed = sealed;
		member->link = link;
		member->is_entering = true;
		weft__chat_sealed_run(member);
	}
	if (!member || !member->fiber) {
		free(member);
		weft_chat_link_refuse(link, "NO busy the server has too much to do: try again");
		weft_chat_link_free(link);
		return;
	}
	sealed->logins++;
	weft_chat_link_set_owner(link, member);
	weft_list_push_back(&sealed->members, &member->node);
}
