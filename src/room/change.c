/*
 * change.c - what moderators ask for: a change in a room or everywhere, a word to all rooms; and
 * its line in the audit.
 *
 * Entry points: weft_room_change(), weft_room_announce().
 * Never: a change without its line in the audit.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "room/deed.h"
#include "room/inside.h"
#include "weft/scope.h"

/* ---- Calls ---------------------------------------------------------------------------------- */

static struct weft__change *change_new(
	struct weft_room_client *client, const struct weft_room_change *what)
{
	const char *text = what->text ? what->text : "";
	struct weft__change *change = calloc(1, sizeof(*change) + strlen(text) + 1);

	if (!change)
		return NULL;
	change->job.ops = what->action == WEFT__ANNOUNCE ? &weft__announce_ops : &weft__change_ops;
	change->job.rooms = client->rooms;
	change->job.client = client;
	change->what = *what;
	memcpy(change->text, text, strlen(text) + 1);
	weft__client_keep(client);
	return change;
}

/* Not what a guest was refused: anybody could fill the log with it. */
static void audit(
	struct weft_room_client *client, const struct weft_room_change *what, const char *target)
{
	const struct weft_rooms_options *options = &client->rooms->options;
	const struct weft__person *person = client->person;
	bool is_guest = person->account == 0 && !person->is_server;
	const struct weft_room_person who = {
		.account = person->account,
		.name = person->name,
		.key = person->key,
		.address = person->address,
		.moderates = client->moderates,
		.is_server = person->is_server,
	};
	const struct weft_room_deed deed = {
		.who = &who,
		.action = weft__change_name(what->action),
		.room = what->room ? what->room : "",
		.target = target ? target : "",
		.detail = what->text ? what->text : "",
		.result = client->fault ? weft_room_fault_word(client->fault) : NULL,
	};
	int kept = errno;

	if (options->audit && !(is_guest && client->fault))
		WEFT_SHIELDED
			options->audit(options->arg, &deed);
	errno = kept;
}

static enum weft_room_fault judge_form(const struct weft_room_change *what)
{
	size_t len = what->text ? strlen(what->text) : 0;
	size_t max = what->action == WEFT_ROOM_SET_TOPIC || what->action == WEFT_ROOM_MAKE
			     ? WEFT_ROOM_TOPIC_MAX
			     : WEFT_ROOM_REASON_MAX;
	enum weft_room_fault fault = len ? weft__text_judge(what->text, len, max) : 0;

	if (fault)
		return fault;
	if (what->target && strlen(what->target) > WEFT_ROOM_PERSON_MAX)
		return WEFT_ROOM_NO_SUCH_PERSON;
	if (what->action == WEFT_ROOM_SET_SLOW && what->for_ns < 0)
		return WEFT_ROOM_NOT_ALLOWED;
	return WEFT_ROOM_FAULT_NONE;
}

/* What has begun is waited for. */
static int do_change(struct weft_room_client *client, struct weft__change *change)
{
	int result = -1, code = weft_interrupted();
	bool is_mine;

	if (code)
		errno = code;
	else
		WEFT_SHIELDED
			result = weft__writer_do(client->rooms->writer, &change->job, &is_mine);
	if (result < 0 || !change->job.fault)
		return result;
	weft__client_fail(client, change->job.fault);
	if (change->job.code)
		errno = change->job.code;
	return -1;
}

static int make(struct weft_room_client *client, const struct weft_room_change *what)
{
	int result = weft__room_make_with(client, what->room, what) ? 0 : -1;

	audit(client, what, NULL);
	return result;
}

int weft_room_change(struct weft_room_client *client, const struct weft_room_change *what)
{
	struct weft__room *room = NULL;
	struct weft__change *change;
	enum weft_room_fault fault;
	int result, kept;

	client->fault = WEFT_ROOM_FAULT_NONE;
	if (what->action < WEFT_ROOM_KICK || what->action > WEFT_ROOM_REMOVE) {
		errno = EINVAL;
		return -1;
	}
	fault = judge_form(what);
	if (fault)
		return weft__client_fail(client, fault);
	if (what->action == WEFT_ROOM_MAKE)
		return make(client, what);
	if (what->room || !(weft__change_is_everywhere(what->action))) {
		room = weft__room_for(client, what->room);
		if (!room)
			return -1;
	}
	change = change_new(client, what);
	if (!change)
		return -1;
	change->job.room = room;
	weft__target_find(client->rooms, what, &change->target);
	result = do_change(client, change);
	audit(client, what, change->target.name);
	kept = errno;
	weft__change_free(&change->job);
	errno = kept;
	return result;
}

/* ---- To all rooms --------------------------------------------------------------------------- */

static struct weft__room **all_rooms(struct weft_rooms *rooms, size_t *ret_count)
{
	struct weft__room **all;

	*ret_count = 0;
	pthread_mutex_lock(&rooms->lock);
	all = malloc((rooms->room_count + 1) * sizeof(struct weft__room *));
	for (size_t i = 0; all && i < rooms->room_count; i++)
		if (!rooms->all[i]->is_direct)
			all[(*ret_count)++] = rooms->all[i];
	pthread_mutex_unlock(&rooms->lock);
	return all;
}

int weft_room_announce(struct weft_room_client *client, const char *text)
{
	const struct weft_room_change what = {.text = text};
	enum weft_room_fault fault = weft__text_judge(text, strlen(text), WEFT_ROOM_TEXT_MAX / 4);
	struct weft__room **all;
	size_t count;
	int result = 0, kept;

	client->fault = WEFT_ROOM_FAULT_NONE;
	if (!weft__client_is_house(client))
		fault = WEFT_ROOM_NOT_ALLOWED;
	if (fault) {
		weft__client_fail(client, fault);
		audit(client, &what, NULL);
		return -1;
	}
	all = all_rooms(client->rooms, &count);
	if (!all)
		return -1;
	/* All into one group, or few; when the last is done, all are. */
	for (size_t i = 0; i < count && result == 0; i++) {
		struct weft__change *change = change_new(client, &what);

		result = change ? 0 : -1;
		if (!change)
			break;
		change->job.room = all[i];
		if (i + 1 == count)
			result = do_change(client, change);
		else
			result = weft__writer_push(client->rooms->writer, &change->job);
		if (i + 1 == count || result < 0) {
			kept = errno;
			weft__change_free(&change->job);
			errno = kept;
		}
	}
	kept = errno;
	free(all);
	errno = kept;
	audit(client, &what, NULL);
	return result;
}
