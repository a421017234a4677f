/*
 * person.c - who is here, and what is kept of her: where she moderates, is banned, muted, invited.
 *
 * One weft__person for all connections of one account. What the database says of her is read when
 * she comes; from then on the writer changes both.
 *
 * Entry points: weft__person_new(), weft__standing_of().
 * Never: frees a standing before its person.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/siphash.h"
#include "room/inside.h"

/* ---- Life ----------------------------------------------------------------------------------- */

void weft__person_keep(struct weft__person *person)
{
	atomic_fetch_add_explicit(&person->references, 1, memory_order_relaxed);
}

void weft__person_drop(struct weft__person *person)
{
	struct weft__standing *standing;

	if (atomic_fetch_sub_explicit(&person->references, 1, memory_order_acq_rel) > 1)
		return;
	while ((standing = person->standings)) {
		person->standings = standing->next;
		free(standing);
	}
	pthread_mutex_destroy(&person->lock);
	if (person->secret)
		explicit_bzero(person->secret, strlen(person->secret));
	free(person->secret);
	free(person->name);
	free(person->key);
	free(person->address);
	free(person->identity);
	free(person->writer);
	free(person);
}

/* Of a secret, for the disk: the same after a restart, and too short to tell the secret by. */
static uint64_t mark_of(const char *secret)
{
	static const struct weft__siphash_key key = {{1, 0}};

	return weft__siphash(&key, secret, strlen(secret));
}

static int name_her(struct weft__person *made, const struct weft_room_person *person)
{
	const char *address = person->address ? person->address : "";
	int len;

	made->name = strdup(person->name);
	made->key = strdup(person->key ? person->key : person->name);
	made->address = strdup(address);
	made->secret = strdup(person->secret ? person->secret : "");
	if (!made->name || !made->key || !made->address || !made->secret)
		return -1;
	if (person->is_server)
		len = asprintf(&made->identity, "s");
	else if (person->account)
		len = asprintf(&made->identity, "a%lld", (long long)person->account);
	else
		len = asprintf(&made->identity, "g:%s", made->key);
	if (len < 0) {
		made->identity = NULL;
		return -1;
	}
	/* Another guest may have this name tomorrow: her ids are not this one's. */
	if (person->is_server || person->account)
		len = asprintf(&made->writer, "%s", made->identity);
	else if (made->secret[0])
		len = asprintf(
			&made->writer, "%s #%016" PRIx64, made->identity, mark_of(made->secret));
	else
		len = asprintf(&made->writer, "%s %s", made->identity, address);
	if (len < 0)
		made->writer = NULL;
	return len < 0 ? -1 : 0;
}

struct weft__person *weft__person_new(const struct weft_room_person *person)
{
	struct weft__person *made = calloc(1, sizeof(*made));

	if (!made)
		return NULL;
	atomic_init(&made->references, 1);
	pthread_mutex_init(&made->lock, NULL);
	weft_list_init(&made->all);
	made->account = person->account;
	made->is_server = person->is_server;
	if (name_her(made, person) < 0) {
		weft__person_drop(made);
		errno = ENOMEM;
		return NULL;
	}
	return made;
}

/* ---- Standings ------------------------------------------------------------------------------ */

struct weft__standing *weft__standing_look(struct weft__person *person, struct weft__room *room)
{
	struct weft__standing *standing;

	if (!room)
		return &person->everywhere;
	pthread_mutex_lock(&person->lock);
	for (standing = person->standings; standing; standing = standing->next)
		if (standing->room == room)
			break;
	pthread_mutex_unlock(&person->lock);
	return standing;
}

struct weft__standing *weft__standing_of(struct weft__person *person, struct weft__room *room)
{
	struct weft__standing *standing = weft__standing_look(person, room), *made, *other;

	if (standing)
		return standing;
	made = calloc(1, sizeof(*made));
	if (!made)
		return NULL;
	made->room = room;
	pthread_mutex_lock(&person->lock);
	for (other = person->standings; other; other = other->next)
		if (other->room == room)
			break;
	if (!other) {
		made->next = person->standings;
		person->standings = made;
	}
	pthread_mutex_unlock(&person->lock);
	if (other)
		free(made);
	return other ? other : made;
}

bool weft__until_is_on(int64_t until, int64_t now)
{
	return until != 0 && until > now;
}

/* ---- From the disk -------------------------------------------------------------------------- */

struct row {
	int64_t room, is_moderator, is_invited, banned, muted, seen;
};

struct load {
	struct weft__person *person;
	char address[WEFT_ROOM_PERSON_MAX + 64];
	struct row *rows;
	size_t count, max;
};

static int take_row(const struct weft__value *columns, void *arg)
{
	struct load *load = arg;

	if (load->count == load->max) {
		size_t max = load->max ? load->max * 2 : 16;
		struct row *rows = realloc(load->rows, max * sizeof(*rows));

		if (!rows)
			return -1;
		load->rows = rows;
		load->max = max;
	}
	load->rows[load->count++] = (struct row){columns[0].number, columns[1].number,
		columns[2].number, columns[3].number, columns[4].number, columns[5].number};
	return 0;
}

static int read_rows(struct weft__tx *tx, void *arg)
{
	static const char sql[] = "SELECT room, is_moderator, is_invited, banned, muted, seen"
				  " FROM standing WHERE person = ?1 OR person = ?2";
	struct load *load = arg;

	load->count = 0;
	return weft__tx_read(tx, (struct weft__reader){take_row, load}, sql, "tt",
		       load->person->identity, load->address) < 0
		       ? -1
		       : 0;
}

static int64_t later(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

static struct weft__room *find_by_id(struct weft_rooms *rooms, int64_t id)
{
	struct weft__room *room;

	pthread_mutex_lock(&rooms->lock);
	room = weft_map_get(rooms->by_id, &id, sizeof(id));
	pthread_mutex_unlock(&rooms->lock);
	return room;
}

static int apply(struct weft_rooms *rooms, struct weft__person *person, const struct load *load)
{
	for (size_t i = 0; i < load->count; i++) {
		const struct row *row = &load->rows[i];
		struct weft__room *room = row->room ? find_by_id(rooms, row->room) : NULL;
		struct weft__standing *standing;

		if (row->room && !room)
			continue; /* it was removed this moment */
		standing = weft__standing_of(person, room);
		if (!standing)
			return -1;
		/* A guest has two rows: her name's and her address's. */
		standing->is_moderator |= row->is_moderator != 0;
		standing->is_invited |= row->is_invited != 0;
		standing->banned = later(standing->banned, row->banned);
		standing->muted = later(standing->muted, row->muted);
		if ((uint64_t)row->seen > standing->seen)
			standing->seen = (uint64_t)row->seen;
	}
	return 0;
}

int weft__person_load(struct weft_rooms *rooms, struct weft__person *person)
{
	struct load load = {.person = person};
	bool is_guest = weft__person_is_guest(person);
	int result;

	snprintf(load.address, sizeof(load.address), "i:%s", is_guest ? person->address : "");
	result = weft__store_transact(rooms->store, WEFT__TX_READ, read_rows, &load);
	if (result == 0)
		result = apply(rooms, person, &load);
	free(load.rows);
	return result;
}
