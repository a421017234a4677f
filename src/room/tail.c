/*
 * tail.c - see tail.h.
 *
 * Entry points: weft__tail_append(), weft__tail_take().
 * Never: holds its lock for more than a copy.
 */
#include "room/tail.h"

#include <stdlib.h>
#include <string.h>

/* Kept without growing while nobody is behind: who comes back soon finds it here. */
#define QUIET_BYTES ((size_t)16 << 10)

#define CAPACITY_MIN       256
#define PLACE_CAPACITY_MIN 8

struct weft__tail *weft__tail_new(const struct weft_room_form *form, size_t bytes_max, uint64_t seq)
{
	struct weft__tail *tail = calloc(1, sizeof(*tail));

	if (!tail)
		return NULL;
	tail->form = form;
	tail->bytes_max = bytes_max;
	tail->gone = tail->seq = seq;
	pthread_mutex_init(&tail->lock, NULL);
	return tail;
}

void weft__tail_free(struct weft__tail *tail)
{
	if (!tail)
		return;
	pthread_mutex_destroy(&tail->lock);
	free(tail->bytes);
	free(tail->places);
	free(tail);
}

/* ---- The two rings -------------------------------------------------------------------------- */

static struct weft__place *place_at(const struct weft__tail *tail, uint64_t number)
{
	return &tail->places[number & (tail->place_capacity - 1)];
}

/* Where the bytes of a place begin. */
static uint64_t begin_of(const struct weft__tail *tail, uint64_t number)
{
	return number == tail->first ? tail->start : place_at(tail, number - 1)->end;
}

static void copy_out(const struct weft__tail *tail, uint64_t from, uint64_t to, char *ret_bytes)
{
	size_t at = from & (tail->capacity - 1), len = to - from;
	size_t first = tail->capacity - at < len ? tail->capacity - at : len;

	memcpy(ret_bytes, tail->bytes + at, first);
	memcpy(ret_bytes + first, tail->bytes, len - first);
}

static void copy_in(struct weft__tail *tail, const char *bytes, size_t len)
{
	size_t at = tail->end & (tail->capacity - 1);
	size_t first = tail->capacity - at < len ? tail->capacity - at : len;

	memcpy(tail->bytes + at, bytes, first);
	memcpy(tail->bytes, bytes + first, len - first);
	tail->end += len;
}

static void drop_oldest(struct weft__tail *tail)
{
	const struct weft__place *oldest = place_at(tail, tail->first);

	tail->start = oldest->end;
	tail->gone = oldest->seq;
	tail->first++;
}

static bool grow_bytes(struct weft__tail *tail, size_t needed)
{
	size_t capacity = tail->capacity ? tail->capacity : CAPACITY_MIN;
	uint64_t from = tail->start;
	char *bytes;

	while (capacity < needed)
		capacity *= 2;
	bytes = malloc(capacity);
	if (!bytes)
		return false;
	/* Positions stay; where they lie in the ring changes. */
	while (from < tail->end) {
		size_t at = from & (capacity - 1), len = tail->end - from;

		if (len > capacity - at)
			len = capacity - at;
		copy_out(tail, from, from + len, bytes + at);
		from += len;
	}
	free(tail->bytes);
	tail->bytes = bytes;
	tail->capacity = capacity;
	return true;
}

static bool grow_places(struct weft__tail *tail)
{
	size_t capacity = tail->place_capacity ? tail->place_capacity * 2 : PLACE_CAPACITY_MIN;
	struct weft__place *places = malloc(capacity * sizeof(*places));

	if (!places)
		return false;
	for (uint64_t number = tail->first; number < tail->last; number++)
		places[number & (capacity - 1)] = *place_at(tail, number);
	free(tail->places);
	tail->places = places;
	tail->place_capacity = capacity;
	return true;
}

static bool is_quiet(const struct weft__tail *tail)
{
	return tail->caught_up >= tail->users && tail->capacity >= QUIET_BYTES;
}

static bool make_room(struct weft__tail *tail, size_t len)
{
	size_t max = tail->bytes_max > len ? tail->bytes_max : len;

	while (tail->end - tail->start + len > tail->capacity) {
		size_t needed = tail->end - tail->start + len;

		if (tail->first < tail->last && (needed > max || is_quiet(tail)))
			drop_oldest(tail);
		else if (!grow_bytes(tail, needed))
			return false;
	}
	if (tail->last - tail->first < tail->place_capacity)
		return true;
	return grow_places(tail);
}

void weft__tail_append(
	struct weft__tail *tail, const char *bytes, ssize_t len, const struct weft__place *place)
{
	pthread_mutex_lock(&tail->lock);
	if (len > 0 && make_room(tail, (size_t)len)) {
		copy_in(tail, bytes, (size_t)len);
		*place_at(tail, tail->last) = *place;
		place_at(tail, tail->last)->end = tail->end;
		tail->last++;
	} else {
		/* Nobody may believe that she has had it: all that was there goes by with it. */
		tail->start = tail->end;
		tail->first = ++tail->last;
		tail->gone = place->seq;
	}
	tail->seq = place->seq;
	tail->caught_up = 0;
	pthread_mutex_unlock(&tail->lock);
}

/* ---- Those who take ------------------------------------------------------------------------- */

void weft__tail_join(struct weft__tail *tail, struct weft__reader_place *reader)
{
	pthread_mutex_lock(&tail->lock);
	reader->next = tail->last;
	tail->caught_up++;
	pthread_mutex_unlock(&tail->lock);
}

void weft__tail_leave(struct weft__tail *tail, const struct weft__reader_place *reader)
{
	pthread_mutex_lock(&tail->lock);
	if (reader->next == tail->last)
		tail->caught_up--;
	pthread_mutex_unlock(&tail->lock);
}

bool weft__tail_rewind(struct weft__tail *tail, struct weft__reader_place *reader, uint64_t seq)
{
	uint64_t number;
	bool is_there;

	pthread_mutex_lock(&tail->lock);
	/* The first place with more than seq, if what came right before it is known. */
	is_there = tail->gone <= seq;
	for (number = tail->last; is_there && number > tail->first; number--)
		if (place_at(tail, number - 1)->seq <= seq)
			break;
	if (is_there && number < tail->last) {
		if (reader->next == tail->last)
			tail->caught_up--;
		reader->next = number;
		reader->seq = seq;
	}
	pthread_mutex_unlock(&tail->lock);
	return is_there;
}

/* How many places from reader->next on are one copy; *ret_skips: of her own, to be passed over. */
static uint64_t run_of(const struct weft__tail *tail, const struct weft__reader_place *reader,
	const struct weft__taken *taken, bool *ret_skips)
{
	uint64_t number = reader->next, begin = begin_of(tail, number);
	size_t space = taken->size - taken->used;
	size_t ends_left = taken->ends ? taken->ends_max - taken->count : SIZE_MAX;

	*ret_skips = reader->client && place_at(tail, number)->client == reader->client;
	if (*ret_skips) {
		do
			number++;
		while (number < tail->last && place_at(tail, number)->client == reader->client);
		return number;
	}
	if (!reader->client && !taken->ends && tail->end - begin <= space)
		return tail->last;
	for (; number < tail->last; number++) {
		const struct weft__place *place = place_at(tail, number);

		if (place->end - begin > space || number - reader->next >= ends_left ||
			(reader->client && place->client == reader->client))
			break;
	}
	return number;
}

static void copy_run(const struct weft__tail *tail, const struct weft__reader_place *reader,
	uint64_t to, struct weft__taken *taken)
{
	uint64_t begin = begin_of(tail, reader->next), end = place_at(tail, to - 1)->end;

	copy_out(tail, begin, end, taken->bytes + taken->used);
	if (taken->ends)
		for (uint64_t number = reader->next; number < to; number++)
			taken->ends[taken->count++] =
				(uint32_t)(taken->used + place_at(tail, number)->end - begin);
	taken->used += end - begin;
	taken->events += to - reader->next;
}

/* False: no room for the next. */
static bool take_all(
	struct weft__tail *tail, struct weft__reader_place *reader, struct weft__taken *taken)
{
	while (reader->next < tail->last) {
		bool skips;
		uint64_t to = run_of(tail, reader, taken, &skips);

		if (to == reader->next)
			return false;
		if (!skips)
			copy_run(tail, reader, to, taken);
		reader->next = to;
		reader->seq = place_at(tail, to - 1)->seq;
	}
	return true;
}

bool weft__tail_take(
	struct weft__tail *tail, struct weft__reader_place *reader, struct weft__taken *taken)
{
	bool had_all = true, was_behind;

	pthread_mutex_lock(&tail->lock);
	was_behind = reader->next < tail->last;
	if (reader->next < tail->first) {
		if (tail->gone > reader->seq) {
			reader->from = reader->seq + 1;
			reader->to = reader->seq = tail->gone;
		}
		reader->next = tail->first;
	}
	if (!reader->to)
		had_all = take_all(tail, reader, taken);
	if (was_behind && reader->next == tail->last)
		tail->caught_up++;
	/* Under the lock: whoever appends next sees that it is not, and puts it there again. */
	if (had_all && !reader->to)
		atomic_store_explicit(&reader->is_due, false, memory_order_release);
	pthread_mutex_unlock(&tail->lock);
	return had_all;
}

/* ---- Memory --------------------------------------------------------------------------------- */

size_t weft__tail_size(struct weft__tail *tail)
{
	size_t size;

	pthread_mutex_lock(&tail->lock);
	size = tail->capacity + tail->place_capacity * sizeof(*tail->places);
	pthread_mutex_unlock(&tail->lock);
	return size;
}

size_t weft__tail_behind(struct weft__tail *tail, const struct weft__reader_place *reader)
{
	uint64_t from;
	size_t size = 0;

	pthread_mutex_lock(&tail->lock);
	from = reader->next > tail->first ? reader->next : tail->first;
	if (from < tail->last)
		size = tail->end - begin_of(tail, from);
	pthread_mutex_unlock(&tail->lock);
	return size;
}

bool weft__tail_sweep(struct weft__tail *tail)
{
	bool holds;

	pthread_mutex_lock(&tail->lock);
	if (tail->swept == tail->last && tail->caught_up >= tail->users && tail->capacity) {
		free(tail->bytes);
		free(tail->places);
		tail->bytes = NULL;
		tail->places = NULL;
		tail->capacity = tail->place_capacity = 0;
		tail->start = tail->end;
		tail->first = tail->last;
		tail->gone = tail->seq;
	}
	tail->swept = tail->last;
	holds = tail->capacity > 0;
	pthread_mutex_unlock(&tail->lock);
	return holds;
}
