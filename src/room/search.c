/*
 * search.c - what was said, found by parts of words.
 *
 * The index has every three characters in a row; it is filled a moment after a message was written,
 * and before a search. What is shorter than three (a Chinese word has two) is looked for in the
 * texts themselves.
 *
 * Only the rooms that the client may read are looked into, those with the newest messages first,
 * each from its newest message back: no further than to where the page has newer ones from other
 * rooms, and through a bounded number of messages. What lies behind that bound is for the next
 *page:
 *
 *	rooms      newest message at 90, 80, 40, ...
 *	page       87 86 85 83 79 76 ... 52, full: the room at 40, and those behind it, are not read
 *	frontier   the oldest message that a room was read to, where it was not read to its end
 *
 * Entry points: weft_room_search().
 * Never: reads a message of a room that the client may not read; sorts all that is found; or takes
 * what is looked for as anything but text.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "room/inside.h"
#include "room/writer.h"
#include "weft/scope.h"
#include "weft/str.h"
#include "weft/utf8.h"

#define LIMIT_USUAL 50
#define WORDS_MAX   8
#define QUERY_MAX   256

/* Messages that are put into the index at a time; what a room adds to it. */
#define INDEX_SOME 512
#define INDEX_ROOM 16

/* Messages that are looked through for a page, shared by the rooms; of each at least. */
#define SCAN_MAX 20000
#define SCAN_MIN 64

/*
 * Texts can be made to be searched slowly: by 256 messages at a time, it is looked at whether a
 * page has had its time of a processor. Then each room is still looked into a little, so that the
 * next page begins further back. The index compares each place where a part of a word is: so it is
 * asked for how words begin, and the text itself for the rest of them.
 */
#define WINDOW    256
#define BEGINNING 8

/* ---- Before a search: what was said before is in the index ---------------------------------- */

struct target {
	struct weft__room *room;
	uint64_t to;
};

/* Some at a time: what is said meanwhile is not held up for long, and is not waited for. */
struct index_job {
	struct weft__job job;
	bool is_listed;
	struct target *targets;
	size_t count, done;
};

static enum weft_room_fault index_judge(struct weft__job *job)
{
	(void)job;
	return WEFT_ROOM_NO_SUCH_MESSAGE; /* nothing is written in the group itself */
}

/* By the writer: nobody else knows what is indexed. */
static int list_targets(struct index_job *index)
{
	struct weft_rooms *rooms = index->job.rooms;
	struct weft__room *one = index->job.room, **all = one ? &one : rooms->all;
	int result = -1;

	pthread_mutex_lock(&rooms->lock);
	index->targets = calloc(one ? 1 : rooms->room_count + 1, sizeof(*index->targets));
	for (size_t i = 0; index->targets && i < (one ? 1 : rooms->room_count); i++)
		if (all[i]->indexed < all[i]->last)
			index->targets[index->count++] = (struct target){all[i], all[i]->last};
	result = index->targets ? 0 : -1;
	pthread_mutex_unlock(&rooms->lock);
	index->is_listed = true;
	return result;
}

static void index_answer(struct weft__job *job)
{
	struct index_job *index = (struct index_job *)job;
	int left = INDEX_SOME;

	if (!index->is_listed && list_targets(index) < 0)
		job->code = errno;
	while (!job->code && left > 0 && index->done < index->count) {
		const struct target *target = &index->targets[index->done];
		int64_t count = weft__index_room(target->room, target->to, (unsigned)left);

		if (count < 0)
			job->code = errno;
		else if (count == 0)
			index->done++;
		else
			left -= (int)count + INDEX_ROOM;
	}
}

static void index_free(struct weft__job *job)
{
	free(((struct index_job *)job)->targets);
	free(job);
}

static const struct weft__job_ops index_ops = {
	.judge = index_judge,
	.answer = index_answer,
	.free = index_free,
	.is_lazy = true,
};

/* Of one room; NULL: of all. */
static int index_all(struct weft_rooms *rooms, struct weft__room *room)
{
	struct index_job *index = calloc(1, sizeof(*index));
	int result, code;
	bool is_mine;

	if (!index)
		return -1;
	index->job.ops = &index_ops;
	index->job.rooms = rooms;
	index->job.room = room;
	do {
		result = weft__writer_do(rooms->writer, &index->job, &is_mine);
		code = result < 0 ? errno : index->job.code;
	} while (code == 0 && index->done < index->count);
	if (is_mine)
		index_free(&index->job);
	errno = code;
	return code ? -1 : 0;
}

/* ---- What is looked for --------------------------------------------------------------------- */

/* A room that she may read. */
struct hall {
	int64_t id, newest, newest_id;
	uint32_t epoch;
	char name[WEFT_ROOM_NAME_SIZE];
};

struct query {
	const struct weft_room_search *search;
	struct weft_room_client *client;
	struct weft__room *room;                     /* NULL: all that she may read */
	struct weft_str match;                       /* for the index; empty: it can't help */
	char patterns[WORDS_MAX][2 * QUERY_MAX + 3]; /* for LIKE; "%": anything */
	size_t count;
	unsigned limit;
	struct hall *halls; /* the newest first */
	size_t hall_count;
	const struct hall *hall; /* which is looked into */
	int64_t scanned, scan_max, scanned_to;
	bool is_enough;         /* of that one */
	int64_t until_ns;       /* of the thread's own clock */
	struct weft__page page; /* newest first, one more than is told */
	int64_t frontier;
};

/* Its length as far as so many characters; *ret_count: so many there are. */
static size_t beginning_of(const char *word, size_t len, size_t max, size_t *ret_count)
{
	size_t at = 0, count = 0;

	for (size_t used; at < len && count < max; at += used, count++) {
		used = weft_utf8_read(word + at, len - at, NULL);
		if (used == 0)
			break;
	}
	*ret_count = count;
	return at;
}

/* Quoted: all of it is text. */
static void add_match(struct weft_str *match, const char *word, size_t len)
{
	weft_str_append(match, match->len ? " AND \"" : "\"");
	for (size_t i = 0; i < len; i++) {
		if (word[i] == '"')
			weft_str_append_char(match, '"');
		weft_str_append_char(match, word[i]);
	}
	weft_str_append_char(match, '"');
}

static void set_pattern(char *pattern, const char *word, size_t len)
{
	*pattern++ = '%';
	for (size_t i = 0; i < len; i++) {
		if (word[i] == '%' || word[i] == '_' || word[i] == '\\')
			*pattern++ = '\\';
		*pattern++ = word[i];
	}
	*pattern++ = '%';
	*pattern = '\0';
}

/* False: nothing that can be looked for. */
static bool read_words(struct query *query, const char *text)
{
	size_t len = strnlen(text, QUERY_MAX + 1), pattern_count = 0;

	if (len > QUERY_MAX || !weft_utf8_is_valid(text, len))
		return false;
	while (*text) {
		size_t word = strcspn(text, " \t\n"), count;
		size_t beginning = beginning_of(text, word, BEGINNING, &count);

		if (word > 0 && query->count == WORDS_MAX)
			return false;
		if (count >= 3)
			add_match(&query->match, text, beginning);
		if (word > 0 && (count < 3 || beginning < word))
			set_pattern(query->patterns[pattern_count++], text, word);
		query->count += word > 0;
		text += word;
		text += strspn(text, " \t\n");
	}
	for (size_t i = pattern_count; i < WORDS_MAX; i++)
		set_pattern(query->patterns[i], "", 0);
	return query->count > 0;
}

/* ---- The search ----------------------------------------------------------------------------- */

/* What she may read, by her own rows; a room that she is banned from is no such. */
static const char readable[] =
	"SELECT r.id, r.name, r.epoch, (SELECT m.at FROM messages AS m WHERE m.id < (r.id + 1) << "
	"40"
	" AND m.id >= r.id << 40 ORDER BY m.id DESC LIMIT 1) AS newest,"
	" (SELECT max(m.id) FROM messages AS m WHERE m.id < (r.id + 1) << 40 AND m.id >= r.id << "
	"40)"
	" FROM rooms AS r LEFT JOIN standing AS s ON s.room = r.id AND s.person = ?1"
	" WHERE newest IS NOT NULL AND (?4 IS NULL OR r.id = ?4)"
	" AND (?2 = 2 OR ((s.is_invited = 1 OR s.is_moderator = 1 OR r.is_private = 0)"
	" AND (?2 = 1 OR r.is_for_guests = 1 OR s.is_invited = 1)"
	" AND coalesce(s.banned, 0) <= ?3))"
	" AND (r.pair IS NULL OR s.is_invited = 1)"
	" ORDER BY newest DESC";

/* Whether a message is what is looked for is a column: those that are not count, too. */
#define COLUMNS                                                                                    \
	"SELECT " WEFT__LOG_COLUMNS ", m.kind = 1 AND m.text <> '' AND (?6 IS NULL OR m.who = ?6)" \
	" AND m.text LIKE ?7 ESCAPE '\\' AND m.text LIKE ?8 ESCAPE '\\'"                           \
	" AND m.text LIKE ?9 ESCAPE '\\' AND m.text LIKE ?10 ESCAPE '\\'"                          \
	" AND m.text LIKE ?11 ESCAPE '\\' AND m.text LIKE ?12 ESCAPE '\\'"                         \
	" AND m.text LIKE ?13 ESCAPE '\\' AND m.text LIKE ?14 ESCAPE '\\'"                         \
	" FROM"

static const char by_index[] =
	COLUMNS " found AS f CROSS JOIN messages AS m ON m.id = f.rowid WHERE found MATCH ?1"
		" AND f.rowid >= ?3 AND f.rowid < ?4 AND m.at < ?2 ORDER BY f.rowid DESC LIMIT ?5";
static const char by_text[] = COLUMNS " messages AS m WHERE ?1 IS NULL AND m.id >= ?3 AND m.id < ?4"
				      " AND m.at < ?2 ORDER BY m.id DESC LIMIT ?5";

static int take_hall(const struct weft__value *columns, void *arg)
{
	struct query *query = arg;
	struct hall *hall;

	/* Doubled at powers of two. */
	if ((query->hall_count & (query->hall_count - 1)) == 0) {
		size_t count = query->hall_count ? query->hall_count * 2 : 1;
		struct hall *halls = realloc(query->halls, count * sizeof(*halls));

		if (!halls)
			return -1;
		query->halls = halls;
	}
	hall = &query->halls[query->hall_count++];
	hall->id = columns[0].number;
	weft__value_text(&columns[1], hall->name, sizeof(hall->name));
	hall->epoch = (uint32_t)columns[2].number;
	hall->newest = columns[3].number;
	hall->newest_id = columns[4].number;
	return 0;
}

/* Whether nothing as old as that has a place on the page. */
static bool is_too_old(const struct query *query, int64_t at_ns)
{
	const struct weft__page *page = &query->page;

	return page->count > query->limit && at_ns <= page->events[query->limit]->at_ns;
}

/* The newest first; one that has no place any more goes. */
static int put_on_page(struct query *query, const struct weft_room_event *event)
{
	struct weft__page *page = &query->page;

	if (page->count > query->limit)
		free(page->events[--page->count]);
	if (weft__page_add(page, event) < 0)
		return -1;
	for (size_t i = page->count - 1; i > 0 && page->events[i - 1]->at_ns < event->at_ns; i--) {
		struct weft_room_event *later = page->events[i];

		page->events[i] = page->events[i - 1];
		page->events[i - 1] = later;
	}
	return 0;
}

static int take_row(const struct weft__value *columns, void *arg)
{
	struct query *query = arg;
	struct weft_room_event event;

	weft__log_event(columns, &event);
	query->scanned++;
	query->scanned_to = event.at_ns;
	query->is_enough = is_too_old(query, event.at_ns);
	if (query->is_enough)
		return -1;
	if (!columns[8].number)
		return 0;
	event.room = query->hall->name;
	event.epoch = query->hall->epoch;
	return put_on_page(query, &event);
}

static struct weft__value text_value(const char *text)
{
	return text ? (struct weft__value){WEFT__VALUE_TEXT, 0, text, strlen(text)}
		    : (struct weft__value){.kind = WEFT__VALUE_NULL};
}

static struct weft__value number_value(int64_t number)
{
	return (struct weft__value){.kind = WEFT__VALUE_INT, .number = number};
}

static int64_t power_of(const struct weft_room_client *client)
{
	if (weft__client_is_house(client))
		return 2;
	return client->person->account != 0;
}

static int find_halls(struct weft__tx *tx, struct query *query)
{
	const struct weft__statement statement = {
		.sql = readable,
		.values = {text_value(query->client->person->identity),
			number_value(power_of(query->client)), number_value(weft_wall_now()),
			query->room ? number_value(query->room->id) : text_value(NULL)},
		.count = 4,
		.row = take_hall,
		.arg = query,
	};

	query->hall_count = 0;
	return tx->store->ops->run(tx, &statement) < 0 ? -1 : 0;
}

static int64_t thread_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	return now.tv_sec * WEFT_SECONDS(1) + now.tv_nsec;
}

static int take_at(const struct weft__value *columns, void *arg)
{
	*(int64_t *)arg = columns[0].number;
	return 0;
}

/* When the oldest of these rows was said. -1: there is none; or errno is set. */
static int64_t said_at(struct weft__tx *tx, int64_t first, int64_t end)
{
	static const char sql[] =
		"SELECT at FROM messages WHERE id >= ?1 AND id < ?2 ORDER BY id LIMIT 1";
	int64_t at = -1;

	if (weft__tx_read(tx, (struct weft__reader){take_at, &at}, sql, "ii", first, end) < 0)
		return -2;
	return at;
}

/* Behind the last row that was said before what the page begins with, or somewhat later. -1. */
static int64_t end_of(struct weft__tx *tx, const struct query *query, const struct hall *hall)
{
	int64_t first = hall->id << WEFT__SEQ_BITS, end = hall->newest_id + 1;

	while (query->search->before && end - first > SCAN_MIN) {
		int64_t middle = first + (end - first) / 2, at = said_at(tx, middle, end);

		if (at < -1)
			return -1;
		if (at < 0 || at >= query->search->before)
			end = middle;
		else
			first = middle;
	}
	return end;
}

/* Rows from first on, before end. */
static int look_at(struct weft__tx *tx, struct query *query, int64_t first, int64_t end)
{
	const struct weft_room_search *search = query->search;
	struct weft__statement statement = {
		.sql = query->match.len > 0 ? by_index : by_text,
		.count = 6 + WORDS_MAX,
		.row = take_row,
		.arg = query,
	};
	struct weft__value *values = statement.values;

	values[0] = text_value(query->match.len > 0 ? query->match.text : NULL);
	values[1] = number_value(search->before ? search->before : INT64_MAX);
	values[2] = number_value(first);
	values[3] = number_value(end);
	values[4] = number_value(query->scan_max - query->scanned);
	values[5] = text_value(search->who);
	for (size_t i = 0; i < WORDS_MAX; i++)
		values[6 + i] = text_value(query->patterns[i]);
	return tx->store->ops->run(tx, &statement) < 0 && !query->is_enough ? -1 : 0;
}

/* Why it went no further, where it did not: the next page begins there. */
static void go_on_from(struct query *query, int64_t at)
{
	if (at > query->frontier)
		query->frontier = at;
}

static int look_into(struct weft__tx *tx, struct query *query, const struct hall *hall)
{
	int64_t first = hall->id << WEFT__SEQ_BITS, end = end_of(tx, query, hall), at;
	bool is_late = thread_ns() >= query->until_ns;

	query->hall = hall;
	query->scanned = 0;
	query->scan_max = SCAN_MAX / (int64_t)query->hall_count;
	if (query->scan_max < SCAN_MIN)
		query->scan_max = SCAN_MIN;
	query->is_enough = false;
	while (end > first && !query->is_enough && query->scanned < query->scan_max) {
		int64_t size = is_late ? SCAN_MIN : WINDOW;
		int64_t begin = end - first > size ? end - size : first;

		if (look_at(tx, query, begin, end) < 0)
			return -1;
		end = begin;
		is_late = thread_ns() >= query->until_ns;
		if (is_late)
			break;
	}
	if (query->is_enough || end < first)
		return end < 0 ? -1 : 0;
	if (query->scanned == query->scan_max) {
		go_on_from(query, query->scanned_to);
	} else if (end > first) {
		at = said_at(tx, end, hall->newest_id + 1);
		if (at < -1)
			return -1;
		/* The first of a room has nothing before it. */
		go_on_from(query, at);
	}
	return 0;
}

static int search_work(struct weft__tx *tx, void *arg)
{
	struct query *query = arg;

	weft__page_fini(&query->page);
	query->frontier = 0;
	query->until_ns = thread_ns() + query->client->rooms->options.search_ns;
	if (find_halls(tx, query) < 0)
		return -1;
	for (size_t i = 0; i < query->hall_count; i++) {
		if (is_too_old(query, query->halls[i].newest))
			break;
		if (look_into(tx, query, &query->halls[i]) < 0)
			return -1;
	}
	return 0;
}

/* What a next page begins with is taken off this one. Returns where that is; 0: there is none. */
static int64_t cut_page(struct query *query)
{
	struct weft__page *page = &query->page;
	int64_t next = query->frontier;

	while (page->count > 0 && page->events[page->count - 1]->at_ns < query->frontier)
		free(page->events[--page->count]);
	if (page->count <= query->limit)
		return next;
	free(page->events[--page->count]);
	return page->events[page->count - 1]->at_ns;
}

static int64_t run_query(struct query *query, weft_room_event_fn *fn, void *arg)
{
	struct weft_rooms *rooms = query->client->rooms;
	int64_t result = -1, next;
	int kept, found;

	if (query->match.len > 0 && index_all(rooms, query->room) < 0)
		return -1;
	if (weft_sem_acquire(&rooms->searches) < 0)
		return -1;
	found = weft__store_transact(rooms->store, WEFT__TX_READ, search_work, query);
	kept = errno;
	weft_sem_release(&rooms->searches, 1);
	errno = kept;
	if (found == 0) {
		next = cut_page(query);
		if (weft__page_tell(&query->page, fn, arg) == 0)
			result = next;
	}
	kept = errno;
	weft__page_fini(&query->page);
	free(query->halls);
	errno = kept;
	return result;
}

int64_t weft_room_search(struct weft_room_client *client, const struct weft_room_search *search,
	weft_room_event_fn *fn, void *arg)
{
	struct weft__room *room = NULL;
	struct query *query;
	int64_t result = -1;
	int kept;

	client->fault = WEFT_ROOM_FAULT_NONE;
	if (search->room) {
		room = weft__room_for(client, search->room);
		if (!room)
			return -1;
	}
	query = calloc(1, sizeof(*query));
	if (!query)
		return -1;
	query->search = search;
	query->client = client;
	query->room = room;
	query->limit = search->limit ? search->limit : LIMIT_USUAL;
	if (query->limit > WEFT__PAGE_MAX)
		query->limit = WEFT__PAGE_MAX;
	weft_str_init(&query->match, 8 * QUERY_MAX);
	if (!search->text || !read_words(query, search->text))
		weft__client_fail(client, WEFT_ROOM_TEXT_EMPTY);
	else if (weft_str_error(&query->match))
		errno = weft_str_error(&query->match);
	else
		result = run_query(query, fn, arg);
	kept = errno;
	weft_str_fini(&query->match);
	free(query);
	errno = kept;
	return result;
}
