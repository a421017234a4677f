/*
 * say.c - what clients say: judged by the rules, written, told, answered.
 *
 * Whether somebody is a member is judged when she posts: what she said is written even if she has
 * left since. All else is judged when the post is taken from the queue. What was posted before, by
 * its id, is accepted again, whatever the rules are now.
 *
 * Entry points: weft_room_post(), weft_room_say(), weft_room_settle().
 * Never: takes another text for one that was sent before.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "room/fault.h"
#include "room/inside.h"
#include "room/writer.h"

struct post {
	struct weft__job job;
	struct weft__standing *standing; /* of the client's person */
	uint64_t seq;
	int64_t wait_ns;
	int64_t spoke_before;
	bool is_resent, has_spoken, is_file;
	char *id; /* NULL: none */
	size_t len;
	char text[];
};

static struct post *post_of(struct weft__job *job)
{
	return (struct post *)job;
}

/* ---- The rules ------------------------------------------------------------------------------ */

static enum weft_room_fault judge_slow(struct post *post, const struct weft__room *room)
{
	int64_t spoke = post->standing->spoke_ns, now = post->job.now_ns;

	if (room->slow_ns == 0 || weft__client_moderates(post->job.client, post->job.room))
		return WEFT_ROOM_FAULT_NONE;
	if (!spoke)
		spoke = weft__slow_spoke(post->job.client->person, room);
	if (spoke && now < spoke + room->slow_ns) {
		post->wait_ns = spoke + room->slow_ns - now;
		return WEFT_ROOM_SLOW_MODE;
	}
	post->has_spoken = true;
	post->spoke_before = post->standing->spoke_ns;
	post->standing->spoke_ns = now;
	return WEFT_ROOM_FAULT_NONE;
}

/* Who has gone meanwhile has looked at when she spoke before this; or will. */
static void keep_for_later(const struct post *post)
{
	struct weft_room_client *client = post->job.client;
	bool is_going;

	if (!post->has_spoken)
		return;
	pthread_mutex_lock(&client->lock);
	is_going = client->is_going;
	pthread_mutex_unlock(&client->lock);
	if (is_going)
		weft__slow_keep(client->person, post->standing);
}

static enum weft_room_fault judge(struct weft__job *job)
{
	struct post *post = post_of(job);
	struct weft__standing *standing = post->standing;
	const struct weft__standing *everywhere = &job->client->person->everywhere;
	struct weft__room *room = job->room;
	int64_t now = job->now_ns;
	enum weft_room_fault fault = WEFT_ROOM_FAULT_NONE;

	job->writes_refused = post->id != NULL;
	pthread_mutex_lock(&room->lock);
	if (room->is_removed)
		fault = WEFT_ROOM_NO_ROOM;
	else if (weft__until_is_on(standing->banned, now) ||
		 weft__until_is_on(everywhere->banned, now))
		fault = WEFT_ROOM_BANNED;
	else if (weft__until_is_on(standing->muted, now) ||
		 weft__until_is_on(everywhere->muted, now))
		fault = WEFT_ROOM_MUTED;
	else if (room->is_read_only && !weft__client_moderates(job->client, room))
		fault = WEFT_ROOM_READ_ONLY;
	else
		fault = judge_slow(post, room);
	if (fault == WEFT_ROOM_FAULT_NONE)
		standing->typing_ns = 0; /* what is typed next is told anew */
	pthread_mutex_unlock(&room->lock);
	keep_for_later(post);
	return fault;
}

static void undo(struct weft__job *job)
{
	struct post *post = post_of(job);

	pthread_mutex_lock(&job->room->lock);
	if (post->has_spoken)
		post->standing->spoke_ns = post->spoke_before;
	pthread_mutex_unlock(&job->room->lock);
}

/* ---- The log -------------------------------------------------------------------------------- */

static void set_event(const struct post *post, struct weft_room_event *ret_event)
{
	*ret_event = (struct weft_room_event){
		.kind = WEFT_ROOM_MESSAGE,
		.room = post->job.room->name,
		.epoch = post->job.room->epoch,
		.seq = post->seq,
		.at_ns = post->job.now_ns,
		.id = post->id ? post->id : "",
		.text = post->text,
		.text_len = post->len,
		.is_file = post->is_file,
	};
	weft__event_set_who(ret_event, post->job.client);
}

static int take_known(const struct weft__value *columns, void *arg)
{
	struct post *post = arg;
	bool is_same = columns[1].len == 0 ||
		       (columns[1].len == post->len &&
			       memcmp(columns[1].bytes, post->text, post->len) == 0);

	post->seq = (uint64_t)columns[0].number & (((uint64_t)1 << WEFT__SEQ_BITS) - 1);
	post->is_resent = true;
	post->job.fault = is_same ? WEFT_ROOM_FAULT_NONE : WEFT_ROOM_BAD_ID;
	return 0;
}

/* It may be there: then that is what it is. */
static int find_known(struct weft__tx *tx, struct post *post)
{
	static const char sql[] = "SELECT id, text FROM messages"
				  " WHERE writer = ?1 AND message_id = ?2 AND id >> 40 = ?3";
	int64_t rows = weft__tx_read(tx, (struct weft__reader){take_known, post}, sql, "tti",
		post->job.client->person->writer, post->id, post->job.room->id);

	return rows < 0 ? -1 : 0;
}

static int write(struct weft__tx *tx, struct weft__job *job)
{
	struct post *post = post_of(job);
	struct weft_room_event event;

	post->is_resent = false;
	if (job->fault)
		return find_known(tx, post) < 0 ? -1 : 0;
	post->seq = weft__log_next(job);
	set_event(post, &event);
	if (weft__log_write(tx, job->room, &event, job->client->person->writer) == 0)
		return 0;
	/* Only this statement is taken back. */
	if (errno != EEXIST || !post->id)
		return -1;
	job->room->written--;
	return find_known(tx, post);
}

static void apply(struct weft__job *job)
{
	struct post *post = post_of(job);
	struct weft_room_event event;

	if (post->is_resent) {
		undo(job);
		return;
	}
	set_event(post, &event);
	weft__writer_publish(job, &event);
}

/* ---- The answer ----------------------------------------------------------------------------- */

static void answer(struct weft__job *job)
{
	struct post *post = post_of(job);
	const struct weft_room_event event = {
		.kind = job->fault ? WEFT_ROOM_REFUSED : WEFT_ROOM_ACCEPTED,
		.fault = job->fault,
		.room = job->room->name,
		.epoch = job->room->epoch,
		.seq = job->fault ? 0 : post->seq,
		.at_ns = job->now_ns,
		.wait_ns = post->wait_ns,
		.id = post->id ? post->id : "",
		.who = "",
		.text = "",
	};

	atomic_fetch_add_explicit(
		job->fault ? &job->rooms->refused : &job->rooms->accepted, 1, memory_order_relaxed);
	if (job->is_waited)
		return;
	weft__client_tell(job->client, &event, true);
	weft_sem_release(&job->client->posts_free, 1);
}

static void post_free(struct weft__job *job)
{
	weft__client_drop(job->client);
	free(job);
}

static const struct weft__job_ops ops = {
	.judge = judge,
	.write = write,
	.apply = apply,
	.undo = undo,
	.answer = answer,
	.free = post_free,
};

/* ---- Calls ---------------------------------------------------------------------------------- */

static bool id_is_fine(const char *id)
{
	size_t len = strnlen(id, WEFT_ROOM_ID_MAX + 1);

	if (len == 0 || len > WEFT_ROOM_ID_MAX)
		return false;
	for (size_t i = 0; i < len; i++)
		if (id[i] <= ' ' || id[i] > '~')
			return false;
	return true;
}

/* The room where the client sits, and its standing there. */
static struct weft__seat *find_seat(struct weft_room_client *client, const char *name)
{
	struct weft__seat *seat;
	char key[WEFT_ROOM_NAME_SIZE];
	bool has_key = false;

	for (int round = 0; round < 2; round++) {
		/* Most say it as it is; only else it is worth folding. */
		for (seat = client->seats; seat; seat = seat->next)
			if (strcmp(has_key ? key : name,
				    has_key ? seat->room->key : seat->room->name) == 0)
				return seat;
		if (has_key || weft__room_name_key(name, key) < 0)
			return NULL;
		has_key = true;
	}
	return NULL;
}

static struct post *post_new(
	struct weft_room_client *client, const char *room, const struct weft_room_post *what)
{
	size_t id_size = what->id ? strlen(what->id) + 1 : 0;
	struct post *post = malloc(sizeof(*post) + what->len + 1 + id_size);
	struct weft__seat *seat;
	bool is_over;

	if (!post)
		return NULL;
	*post = (struct post){
		.job = {.ops = &ops, .rooms = client->rooms, .client = client},
		.len = what->len,
		.is_file = what->is_file,
	};
	memcpy(post->text, what->text, what->len);
	post->text[what->len] = '\0';
	if (what->id) {
		post->id = post->text + what->len + 1;
		memcpy(post->id, what->id, id_size);
	}
	pthread_mutex_lock(&client->lock);
	seat = client->is_over ? NULL : find_seat(client, room);
	is_over = client->is_over;
	if (seat) {
		post->job.room = seat->room;
		post->standing = seat->standing;
	}
	pthread_mutex_unlock(&client->lock);
	if (!seat) {
		free(post);
		weft__client_fail(client, WEFT_ROOM_NOT_MEMBER);
		if (is_over)
			errno = ESHUTDOWN;
		return NULL;
	}
	weft__client_keep(client);
	return post;
}

static struct post *begin(
	struct weft_room_client *client, const char *room, const struct weft_room_post *what)
{
	enum weft_room_fault fault =
		weft__text_judge(what->text, what->len, client->rooms->options.text_max);

	client->fault = WEFT_ROOM_FAULT_NONE;
	if (!fault && what->id && !id_is_fine(what->id))
		fault = WEFT_ROOM_BAD_ID;
	if (!fault && !room)
		fault = WEFT_ROOM_BAD_NAME;
	if (fault) {
		weft__client_fail(client, fault);
		return NULL;
	}
	atomic_fetch_add_explicit(&client->rooms->posted, 1, memory_order_relaxed);
	return post_new(client, room, what);
}

int weft_room_post(
	struct weft_room_client *client, const char *room, const struct weft_room_post *what)
{
	struct post *post = begin(client, room, what);
	int kept;

	if (!post)
		return -1;
	if (weft_sem_acquire(&client->posts_free) < 0)
		goto failed;
	if (weft__writer_push(client->rooms->writer, &post->job) == 0)
		return 0;
	weft_sem_release(&client->posts_free, 1);
failed:
	kept = errno;
	post_free(&post->job);
	errno = kept;
	return -1;
}

int weft_room_say(struct weft_room_client *client, const char *room,
	const struct weft_room_post *what, uint64_t *ret_seq)
{
	struct post *post = begin(client, room, what);
	bool is_mine;
	int result, kept;

	if (!post)
		return -1;
	result = weft__writer_do(client->rooms->writer, &post->job, &is_mine);
	if (result < 0 && !is_mine)
		return -1;
	if (result == 0 && post->job.fault) {
		result = weft__client_fail(client, post->job.fault);
		client->wait_ns = post->wait_ns;
		if (post->job.code)
			errno = post->job.code;
	} else if (result == 0 && ret_seq) {
		*ret_seq = post->seq;
	}
	kept = errno;
	post_free(&post->job);
	errno = kept;
	return result;
}

int weft_room_settle(struct weft_room_client *client)
{
	uint32_t max = client->rooms->options.posts_max, count = 0;
	int kept;

	/* Each post under way holds one of so many permits. */
	while (count < max && weft_sem_acquire(&client->posts_free) == 0)
		count++;
	kept = errno;
	if (count > 0)
		weft_sem_release(&client->posts_free, count);
	errno = kept;
	return count == max ? 0 : -1;
}

int weft_room_typing(struct weft_room_client *client, const char *name)
{
	struct weft__room *room = weft__room_for(client, name);
	struct weft__standing *standing = room ? weft__standing_look(client->person, room) : NULL;
	int64_t now = weft_now();
	struct weft_room_event event = {.kind = WEFT_ROOM_TYPING, .id = "", .text = ""};

	if (!room)
		return -1;
	pthread_mutex_lock(&room->lock);
	if (!standing || standing->seats == 0) {
		pthread_mutex_unlock(&room->lock);
		return weft__client_fail(client, WEFT_ROOM_NOT_MEMBER);
	}
	if (!standing->typing_ns || now - standing->typing_ns >= WEFT__TYPING_NS) {
		standing->typing_ns = now;
		event.room = room->name;
		event.epoch = room->epoch;
		event.at_ns = weft_wall_now();
		weft__event_set_who(&event, client);
		weft__room_publish(room, &event);
		weft__room_wake(room);
		weft__writer_tick(room->rooms->writer);
	}
	pthread_mutex_unlock(&room->lock);
	return 0;
}
