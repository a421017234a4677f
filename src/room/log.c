/*
 * log.c - the log on the disk: written by the writer, read in pages by anybody.
 *
 * Entry points: weft__log_write(), weft__log_read().
 * Never: reads more than a page at a time.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "room/inside.h"
#include "room/writer.h"

enum {
	FLAG_GUEST = 1,
	FLAG_SERVER = 2,
	FLAG_FILE = 4,
};

/* Of a number that no message can have: the last row of the room, never one of the next. */
static int64_t row_of(const struct weft__room *room, uint64_t seq)
{
	const uint64_t last = ((uint64_t)1 << WEFT__SEQ_BITS) - 1;

	return room->id << WEFT__SEQ_BITS | (int64_t)(seq < last ? seq : last);
}

int weft__log_write(struct weft__tx *tx, struct weft__room *room,
	const struct weft_room_event *event, const char *writer)
{
	struct weft__statement statement = {
		.sql = "INSERT INTO messages (id, kind, at, who, flags, writer, message_id, target,"
		       " text) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
		.count = 9,
	};
	const char *who = event->who ? event->who : "", *text = event->text ? event->text : "";
	const char *owner = writer ? writer : "";
	int flags = (event->is_guest ? FLAG_GUEST : 0) | (event->is_server ? FLAG_SERVER : 0) |
		    (event->is_file ? FLAG_FILE : 0);
	struct weft__value *values = statement.values;
	const int64_t numbers[] = {row_of(room, event->seq), event->kind, event->at_ns, 0, flags, 0,
		0, (int64_t)event->target};

	for (int i = 0; i < 8; i++)
		values[i] = (struct weft__value){.kind = WEFT__VALUE_INT, .number = numbers[i]};
	values[3] = (struct weft__value){WEFT__VALUE_TEXT, 0, who, strlen(who)};
	values[5] = (struct weft__value){WEFT__VALUE_TEXT, 0, owner, strlen(owner)};
	values[6] = (struct weft__value){.kind = WEFT__VALUE_NULL};
	if (event->id && event->id[0])
		values[6] = (struct weft__value){WEFT__VALUE_TEXT, 0, event->id, strlen(event->id)};
	values[8] = (struct weft__value){WEFT__VALUE_TEXT, 0, text, event->text_len};
	return tx->store->ops->run(tx, &statement) < 0 ? -1 : 0;
}

/* ---- Reading -------------------------------------------------------------------------------- */

void weft__log_event(const struct weft__value *columns, struct weft_room_event *ret_event)
{
	uint64_t row = (uint64_t)columns[7].number;

	*ret_event = (struct weft_room_event){
		.kind = (enum weft_room_kind)columns[0].number,
		.at_ns = columns[1].number,
		.who = columns[2].bytes,
		.is_guest = columns[3].number & FLAG_GUEST,
		.is_server = columns[3].number & FLAG_SERVER,
		.is_file = columns[3].number & FLAG_FILE,
		.id = columns[4].bytes,
		.target = (uint64_t)columns[5].number,
		.text = columns[6].bytes,
		.text_len = columns[6].len,
		.seq = row & (((uint64_t)1 << WEFT__SEQ_BITS) - 1),
	};
}

int weft__page_add(struct weft__page *page, const struct weft_room_event *event)
{
	struct weft_room_event **events;

	/* Doubled at powers of two. */
	if ((page->count & (page->count - 1)) == 0) {
		events = realloc(page->events,
			(page->count ? page->count * 2 : 1) * sizeof(struct weft_room_event *));
		if (!events)
			return -1;
		page->events = events;
	}
	page->events[page->count] = weft__event_copy(event);
	if (!page->events[page->count])
		return -1;
	page->count++;
	return 0;
}

void weft__page_fini(struct weft__page *page)
{
	for (size_t i = 0; i < page->count; i++)
		free(page->events[i]);
	free(page->events);
	*page = (struct weft__page){.count = 0};
}

struct reading {
	const struct weft__page_query *query;
	struct weft__page *page;
	size_t bytes;
};

/* What an event takes beside its text, when it is written in a form. */
#define EVENT_BYTES 160

static int take_row(const struct weft__value *columns, void *arg)
{
	struct reading *reading = arg;
	const struct weft__page_query *query = reading->query;
	struct weft_room_event event;

	weft__log_event(columns, &event);
	reading->bytes += EVENT_BYTES + event.text_len;
	if (reading->page->count >= query->limit ||
		(query->bytes_max && reading->bytes > query->bytes_max)) {
		reading->page->has_more = true;
		return 0;
	}
	event.room = query->room->name;
	event.epoch = query->room->epoch;
	return weft__page_add(reading->page, &event);
}

static int read_page(struct weft__tx *tx, void *arg)
{
	static const char backwards[] =
		"SELECT " WEFT__LOG_COLUMNS " FROM messages AS m"
		" WHERE m.id > ?1 AND m.id < ?2 ORDER BY m.id DESC LIMIT ?3";
	static const char forwards[] = "SELECT " WEFT__LOG_COLUMNS " FROM messages AS m"
				       " WHERE m.id > ?1 AND m.id < ?2 ORDER BY m.id LIMIT ?3";
	struct reading *reading = arg;
	const struct weft__page_query *query = reading->query;
	int64_t before = query->before ? row_of(query->room, query->before)
				       : (query->room->id + 1) << WEFT__SEQ_BITS;

	weft__page_fini(reading->page);
	reading->bytes = 0;
	return weft__tx_read(tx, (struct weft__reader){take_row, reading},
		       query->from_the_end ? backwards : forwards, "iii",
		       row_of(query->room, query->after), before, (int64_t)query->limit + 1) < 0
		       ? -1
		       : 0;
}

static void turn_round(struct weft__page *page)
{
	for (size_t i = 0; i < page->count / 2; i++) {
		struct weft_room_event *first = page->events[i];

		page->events[i] = page->events[page->count - 1 - i];
		page->events[page->count - 1 - i] = first;
	}
}

int weft__log_read(
	struct weft_rooms *rooms, const struct weft__page_query *query, struct weft__page *ret_page)
{
	struct reading reading = {.query = query, .page = ret_page};

	if (weft__store_transact(rooms->store, WEFT__TX_READ, read_page, &reading) < 0) {
		weft__page_fini(ret_page);
		return -1;
	}
	if (query->from_the_end)
		turn_round(ret_page);
	return 0;
}

/* ---- The index of words --------------------------------------------------------------------- */

struct indexing {
	struct weft__room *room;
	uint64_t to;
};

static int index_work(struct weft__tx *tx, void *arg)
{
	static const char words[] = "INSERT INTO found (rowid, text) SELECT id, text FROM messages"
				    " WHERE id > ?1 AND id <= ?2 AND kind = 1 AND text <> ''";
	const struct indexing *indexing = arg;
	const struct weft__room *room = indexing->room;

	if (weft__tx_run(tx, words, "ii", row_of(room, room->indexed), row_of(room, indexing->to)) <
		0)
		return -1;
	return weft__tx_run(tx, "UPDATE rooms SET indexed = ?1 WHERE id = ?2", "ii",
		       (int64_t)indexing->to, room->id) < 0
		       ? -1
		       : 0;
}

static struct weft__room *find_behind(struct weft_rooms *rooms)
{
	struct weft__room *found = NULL;

	pthread_mutex_lock(&rooms->lock);
	for (size_t i = 0; i < rooms->room_count && !found; i++)
		if (rooms->all[i]->indexed < rooms->all[i]->last)
			found = rooms->all[i];
	pthread_mutex_unlock(&rooms->lock);
	return found;
}

int64_t weft__index_room(struct weft__room *room, uint64_t to, unsigned max)
{
	struct indexing indexing = {.room = room, .to = to};
	uint64_t count;

	if (room->indexed >= to)
		return 0;
	if (to - room->indexed > max)
		indexing.to = room->indexed + max;
	/* After a crash it is done once more: what is in it then is what this one put there. */
	if (weft__store_transact(room->rooms->store, WEFT__TX_LAZILY, index_work, &indexing) < 0)
		return -1;
	count = indexing.to - room->indexed;
	room->indexed = indexing.to;
	return (int64_t)count;
}

int weft__index_some(struct weft_rooms *rooms, unsigned max, bool *ret_left)
{
	struct weft__room *room = find_behind(rooms);

	*ret_left = room != NULL;
	return !room || weft__index_room(room, room->last, max) >= 0 ? 0 : -1;
}
