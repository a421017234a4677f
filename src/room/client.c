/*
 * client.c - a client: its life, and what is told to it alone.
 *
 * What is for it alone is written at once, in its form, into a queue of its own: bytes, each event
 * behind its length. Beyond its bound the client is over: it does not read.
 *
 * Entry points: weft__client_tell(), weft_room_tell(), weft__client_ready().
 * Never: frees a client that a post under way refers to.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "room/fault.h"
#include "room/inside.h"

/* ---- Told alone ----------------------------------------------------------------------------- */

void weft__client_ready(struct weft_room_client *client)
{
	if (atomic_exchange_explicit(&client->is_ready, true, memory_order_acq_rel))
		return;
	if (client->on_ready)
		client->on_ready(client->arg);
	else
		weft_event_set(&client->ready);
}

/* Under its lock: once it has gone, its door is not called any more. */
static void ready_while_here(struct weft_room_client *client)
{
	if (!client->has_gone)
		weft__client_ready(client);
}

void weft__client_probe(struct weft_room_client *client)
{
	pthread_mutex_lock(&client->lock);
	if (!client->has_gone && client->on_probe)
		client->on_probe(client->arg);
	pthread_mutex_unlock(&client->lock);
}

/* What is put into its own queue. */
enum kind {
	KIND_EVENT, /* beyond the bound, it is over */
	KIND_OLDER, /* what it has joined for: bounded by who brings it */
	KIND_TOLD,  /* by its door, which waits instead */
};

/* Space for so many bytes more; false: there is no memory. */
static bool make_space(struct weft_room_client *client, size_t len)
{
	size_t used = client->own_end - client->own_start;
	size_t max = client->own_max ? client->own_max : 256;
	char *own;

	if (client->own_end + len <= client->own_max)
		return true;
	if (client->own_start > 0) {
		memmove(client->own, client->own + client->own_start, used);
		client->own_start = 0;
		client->own_end = used;
	}
	if (used + len <= client->own_max)
		return true;
	while (max < used + len)
		max *= 2;
	own = realloc(client->own, max);
	if (!own)
		return false;
	client->own = own;
	client->own_max = max;
	return true;
}

/* Under its lock. */
static void end_now(struct weft_room_client *client, const char *reason, bool drops)
{
	if (!client->over) {
		client->over = strdup(reason ? reason : "");
		if (!client->over)
			drops = true; /* it is told nothing at all */
	}
	client->is_over = true;
	weft_event_set(&client->drained);
	if (!drops)
		return;
	client->is_over_now = true;
	client->own_start = client->own_end = client->own_older = 0;
}

/* Under its lock. */
static void put(struct weft_room_client *client, const char *bytes, size_t len, enum kind kind)
{
	size_t used = client->own_end - client->own_start;
	uint32_t head = (uint32_t)len;

	if (client->is_over_now)
		return;
	if (kind == KIND_EVENT &&
		used + sizeof(head) + len > client->rooms->options.queue_max + client->own_older) {
		end_now(client, "too slow", true);
		return;
	}
	if (!make_space(client, sizeof(head) + len)) {
		end_now(client, "no memory", true);
		return;
	}
	memcpy(client->own + client->own_end, &head, sizeof(head));
	memcpy(client->own + client->own_end + sizeof(head), bytes, len);
	client->own_end += sizeof(head) + len;
	if (kind == KIND_OLDER)
		client->own_older += sizeof(head) + len;
}

void weft__client_tell(
	struct weft_room_client *client, const struct weft_room_event *event, bool is_bounded)
{
	struct weft__scratch scratch = {.large = NULL};
	char *bytes;
	ssize_t len = weft__event_write(client->form, event, &scratch, &bytes);

	if (len != 0) {
		pthread_mutex_lock(&client->lock);
		if (len > 0)
			put(client, bytes, (size_t)len, is_bounded ? KIND_EVENT : KIND_OLDER);
		else
			end_now(client, "no memory", true);
		ready_while_here(client);
		pthread_mutex_unlock(&client->lock);
	}
	weft__scratch_fini(&scratch);
}

int weft_room_tell(struct weft_room_client *client, const void *bytes, size_t len)
{
	size_t half = client->rooms->options.queue_max / 2, used;
	int code = EAGAIN;

	/* What it has joined for is bounded by itself, and may be there before its door takes. */
	while (code == EAGAIN) {
		pthread_mutex_lock(&client->lock);
		used = client->own_end - client->own_start;
		used -= used < client->own_older ? used : client->own_older;
		if (client->is_over) {
			code = ESHUTDOWN;
		} else if (len > half) {
			code = EMSGSIZE;
		} else if (used == 0 || used + len <= half) {
			put(client, bytes, len, KIND_TOLD);
			ready_while_here(client);
			code = 0;
		} else {
			weft_event_clear(&client->drained);
		}
		pthread_mutex_unlock(&client->lock);
		if (code == EAGAIN && weft_event_wait(&client->drained) < 0)
			return -1;
	}
	errno = code ? code : errno;
	return code ? -1 : 0;
}

void weft__client_end(struct weft_room_client *client, const char *reason, bool drops)
{
	pthread_mutex_lock(&client->lock);
	end_now(client, reason, drops);
	ready_while_here(client);
	pthread_mutex_unlock(&client->lock);
}

void weft_room_end(struct weft_room_client *client, const char *reason)
{
	weft__client_end(client, reason, false);
}

/* ---- Facts ---------------------------------------------------------------------------------- */

uint64_t weft_room_client_number(const struct weft_room_client *client)
{
	return client->number;
}

enum weft_room_fault weft_room_client_fault(const struct weft_room_client *client)
{
	return client->fault;
}

int64_t weft_room_client_wait_ns(const struct weft_room_client *client)
{
	return client->wait_ns;
}

int weft__client_fail(struct weft_room_client *client, enum weft_room_fault fault)
{
	client->fault = fault;
	client->wait_ns = 0;
	errno = weft__room_fault_errno(fault);
	return -1;
}

bool weft__client_moderates(struct weft_room_client *client, struct weft__room *room)
{
	struct weft__standing *standing;

	if (weft__client_is_house(client))
		return true;
	standing = room ? weft__standing_look(client->person, room) : NULL;
	return standing && standing->is_moderator;
}

/* ---- Life ----------------------------------------------------------------------------------- */

void weft__client_keep(struct weft_room_client *client)
{
	atomic_fetch_add_explicit(&client->references, 1, memory_order_relaxed);
}

void weft__client_drop(struct weft_room_client *client)
{
	if (atomic_fetch_sub_explicit(&client->references, 1, memory_order_acq_rel) > 1)
		return;
	if (client->person)
		weft__person_drop(client->person);
	pthread_mutex_destroy(&client->lock);
	free(client->own);
	free(client->over);
	free(client->door);
	free(client);
}

struct weft_room_client *weft__client_new(struct weft_rooms *rooms,
	const struct weft_room_person *person, const struct weft_room_form *form,
	const struct weft_room_client_options *options)
{
	struct weft_room_client *client = calloc(1, sizeof(*client));

	if (!client)
		return NULL;
	atomic_init(&client->references, 1);
	pthread_mutex_init(&client->lock, NULL);
	weft_mpsc_init(&client->due);
	weft_event_init(&client->ready, "room: something to take");
	weft_event_init(&client->drained, "room: a peer that reads");
	weft_sem_init(&client->posts_free, rooms->options.posts_max, "room: posts under way");
	client->last_due = &client->first_due;
	client->rooms = rooms;
	client->form = form;
	client->moderates = person->moderates;
	client->since_ns = weft_wall_now();
	if (options) {
		client->on_ready = options->on_ready;
		client->on_probe = options->on_probe;
		client->arg = options->arg;
	}
	client->door = strdup(options && options->door ? options->door : "");
	if (!client->door) {
		weft__client_drop(client);
		return NULL;
	}
	return client;
}
