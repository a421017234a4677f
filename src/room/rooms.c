/*
 * rooms.c - opening and closing: the store, what is in it, the writer; facts for who runs it.
 *
 * Entry points: weft_rooms_open(), weft_rooms_shut(), weft_rooms_close().
 * Never: loses what was accepted; or closes while somebody is in.
 */
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "room/inside.h"
#include "room/schema.h"
#include "room/writer.h"
#include "weft/offload.h"
#include "weft/scope.h"

#define ROOMS_MAX    10000
#define CLIENTS_MAX  100000
#define MEMBERS_MAX  20000
#define PERSON_MAX   32
#define TEXT_MAX     4096
#define TAIL_MAX     ((size_t)256 << 10)
#define QUEUE_MAX    ((size_t)64 << 10)
#define POSTS_MAX    256
#define SEARCH_NS    WEFT_MILLISECONDS(500)
#define PRESENCE_MAX 200

/* ---- What the database holds ---------------------------------------------------------------- */

static int take_room(const struct weft__value *columns, void *arg)
{
	struct weft_rooms *rooms = arg;
	const struct weft__room_row row = {
		.id = columns[0].number,
		.name = columns[1].bytes,
		.key = columns[2].bytes,
		.pair = columns[3].bytes,
		.epoch = columns[4].number,
		.topic = columns[5].bytes,
		.slow_ns = columns[6].number,
		.is_private = columns[7].number,
		.is_read_only = columns[8].number,
		.is_for_guests = columns[9].number,
		.indexed = (uint64_t)columns[10].number,
		.last = (uint64_t)columns[11].number & (((uint64_t)1 << WEFT__SEQ_BITS) - 1),
	};
	struct weft__room *room = weft__room_new(rooms, &row);

	if (!room)
		return -1;
	if (weft__room_add(room) < 0) {
		weft__room_free(room);
		return -1;
	}
	return 0;
}

static int load_rooms(struct weft__tx *tx, void *arg)
{
	static const char sql[] =
		"SELECT id, name, name_key, pair, epoch, topic, slow_ns, is_private, is_read_only,"
		" is_for_guests, indexed,"
		" coalesce((SELECT max(m.id) FROM messages AS m"
		"  WHERE m.id > r.id << 40 AND m.id < (r.id + 1) << 40), 0)"
		" FROM rooms AS r ORDER BY name_key";

	return weft__tx_read(tx, (struct weft__reader){take_room, arg}, sql, "") < 0 ? -1 : 0;
}

static int make_lobby(struct weft__tx *tx, void *arg)
{
	static const char sql[] = "INSERT INTO rooms (name, name_key, epoch, is_for_guests, made)"
				  " VALUES (?1, ?2, ?3, 1, ?4) ON CONFLICT (name_key) DO NOTHING";
	const struct weft_rooms *rooms = arg;

	return weft__tx_run(tx, sql, "ttii", rooms->options.lobby, rooms->lobby_key,
		       weft__epoch_new(), weft_wall_now()) < 0
		       ? -1
		       : 0;
}

int64_t weft__epoch_new(void)
{
	return (int64_t)(weft_random() & INT32_MAX) | 1;
}

/* ---- Where it lies -------------------------------------------------------------------------- */

static int make_dir(void *arg)
{
	struct weft_rooms *rooms = arg;
	const char *base = getenv("TMPDIR");

	if (asprintf(&rooms->dir, "%s/weft-rooms-XXXXXX", base && base[0] ? base : "/tmp") < 0) {
		rooms->dir = NULL;
		errno = ENOMEM;
		return -1;
	}
	if (mkdtemp(rooms->dir))
		return 0;
	free(rooms->dir);
	rooms->dir = NULL;
	return -1;
}

static int remove_dir(void *arg)
{
	static const char *const names[] = {"chat.db", "chat.db-wal", "chat.db-shm"};
	const struct weft_rooms *rooms = arg;
	int fd = open(rooms->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd >= 0) {
		for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
			unlinkat(fd, names[i], 0);
		close(fd);
	}
	return rmdir(rooms->dir);
}

/* Numbers are given out of this process's memory: another must not have them open, and its
 * database is not to become a newer version's under it. */
static int lock_dir(void *arg)
{
	struct weft_rooms *rooms = arg;
	struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
	char *path;

	if (asprintf(&path, "%s/chat.db-lock", rooms->options.dir) < 0) {
		errno = ENOMEM;
		return -1;
	}
	if (mkdir(rooms->options.dir, 0700) == 0 || errno == EEXIST)
		rooms->lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	free(path);
	if (rooms->lock_fd < 0)
		return -1;
	if (fcntl(rooms->lock_fd, F_OFD_SETLK, &lock) == 0)
		return 0;
	if (errno == EAGAIN || errno == EACCES)
		errno = EBUSY;
	return -1;
}

static int open_store(struct weft_rooms *rooms)
{
	struct weft__store_options options = {.schema = &weft__room_schema};

	options.dir = rooms->options.dir;
	rooms->write_mode = WEFT__TX_WRITE;
	if (!options.dir) {
		if (weft_offload_as(WEFT_OFFLOAD_FILE, make_dir, rooms) < 0)
			return -1;
		options.dir = rooms->dir;
		rooms->write_mode = WEFT__TX_LAZILY;
	}
	if (rooms->options.dir && weft_offload_as(WEFT_OFFLOAD_FILE, lock_dir, rooms) < 0)
		return -1;
	rooms->store = weft__sqlite_open(&options);
	if (!rooms->store)
		return -1;
	if (!rooms->dir && weft__lineage_open(rooms) < 0)
		return -1;
	rooms->options.dir = NULL; /* the caller's */
	if (weft__store_transact(rooms->store, WEFT__TX_WRITE, make_lobby, rooms) < 0)
		return -1;
	return weft__store_transact(rooms->store, WEFT__TX_READ, load_rooms, rooms);
}

/* ---- Life ----------------------------------------------------------------------------------- */

static void set_defaults(struct weft_rooms_options *options)
{
#define DEFAULT(field, usual) (options->field = options->field ? options->field : (usual))
	DEFAULT(rooms_max, ROOMS_MAX);
	DEFAULT(clients_max, CLIENTS_MAX);
	DEFAULT(members_max, MEMBERS_MAX);
	DEFAULT(person_max, PERSON_MAX);
	DEFAULT(text_max, TEXT_MAX);
	DEFAULT(tail_max, TAIL_MAX);
	DEFAULT(queue_max, QUEUE_MAX);
	DEFAULT(posts_max, POSTS_MAX);
	DEFAULT(presence_max, PRESENCE_MAX);
	DEFAULT(search_ns, SEARCH_NS);
	DEFAULT(lobby, "lobby");
#undef DEFAULT
	if (options->text_max > WEFT_ROOM_TEXT_MAX)
		options->text_max = WEFT_ROOM_TEXT_MAX;
	if (options->person_max > WEFT__PERSON_CLIENTS_MAX)
		options->person_max = WEFT__PERSON_CLIENTS_MAX;
}

static int make_maps(struct weft_rooms *rooms)
{
	struct weft_map **maps[] = {&rooms->by_key, &rooms->by_pair, &rooms->by_id, &rooms->people,
		&rooms->names, &rooms->addresses};

	for (size_t i = 0; i < sizeof(maps) / sizeof(maps[0]); i++) {
		*maps[i] = weft_map_new(NULL);
		if (!*maps[i])
			return -1;
	}
	return 0;
}

static void free_rooms(struct weft_rooms *rooms)
{
	struct weft__room *room;

	for (size_t i = 0; i < rooms->room_count; i++)
		weft__room_free(rooms->all[i]);
	while ((room = rooms->removed)) {
		rooms->removed = room->next_removed;
		weft__room_free(room);
	}
	free(rooms->all);
	weft_map_free(rooms->by_key);
	weft_map_free(rooms->by_pair);
	weft_map_free(rooms->by_id);
	weft_map_free(rooms->people);
	weft_map_free(rooms->names);
	weft_map_free(rooms->addresses);
	weft__slow_free(rooms->slow);
	pthread_mutex_destroy(&rooms->lock);
	free(rooms->lobby_key);
	free((char *)rooms->options.lobby);
	free(rooms->dir);
	free(rooms);
}

void weft_rooms_close(struct weft_rooms *rooms)
{
	int kept = errno;

	if (!rooms)
		return;
	assert(rooms->client_count == 0); /* its clients must have exited */
	weft__writer_free(rooms->writer);
	if (rooms->store)
		rooms->store->ops->close(rooms->store);
	if (rooms->lineage.fd >= 0)
		close(rooms->lineage.fd);
	if (rooms->lock_fd >= 0)
		close(rooms->lock_fd);
	if (rooms->dir)
		WEFT_SHIELDED
			weft_offload_as(WEFT_OFFLOAD_FILE, remove_dir, rooms);
	free_rooms(rooms);
	errno = kept;
}

static int copy_options(struct weft_rooms *rooms, const struct weft_rooms_options *options)
{
	char key[WEFT_ROOM_NAME_SIZE];

	if (options)
		rooms->options = *options;
	set_defaults(&rooms->options);
	rooms->options.lobby = strdup(rooms->options.lobby);
	if (!rooms->options.lobby)
		return -1;
	if (rooms->options.lobby[0] == '@' || weft__room_name_key(rooms->options.lobby, key) < 0) {
		errno = EINVAL;
		return -1;
	}
	rooms->lobby_key = strdup(key);
	return rooms->lobby_key ? 0 : -1;
}

struct weft_rooms *weft_rooms_open(const struct weft_rooms_options *options)
{
	struct weft_rooms *rooms = calloc(1, sizeof(*rooms));

	if (!rooms)
		return NULL;
	rooms->lock_fd = rooms->lineage.fd = -1;
	pthread_mutex_init(&rooms->lock, NULL);
	weft_sem_init(&rooms->searches, WEFT__SEARCHES_MAX, "room: others who search");
	weft_list_init(&rooms->clients);
	rooms->slow = weft__slow_new();
	if (!rooms->slow || copy_options(rooms, options) < 0 || make_maps(rooms) < 0 ||
		open_store(rooms) < 0)
		goto failed;
	rooms->writer = weft__writer_new(rooms);
	if (!rooms->writer)
		goto failed;
	return rooms;
failed:
	weft_rooms_close(rooms);
	return NULL;
}

void weft_rooms_shut(struct weft_rooms *rooms, const char *reason)
{
	bool was_shut;

	pthread_mutex_lock(&rooms->lock);
	was_shut = atomic_exchange(&rooms->is_shut, true);
	pthread_mutex_unlock(&rooms->lock);
	if (was_shut)
		return;
	weft__writer_end(rooms->writer);
	pthread_mutex_lock(&rooms->lock);
	weft_list_each (node, &rooms->clients)
		weft__client_end(
			weft_container_of(node, struct weft_room_client, in_rooms), reason, false);
	pthread_mutex_unlock(&rooms->lock);
}

/* ---- For who runs it ------------------------------------------------------------------------ */

static int compare_summaries(const void *a, const void *b)
{
	const struct weft_room_summary *one = a, *other = b;

	if (one->people != other->people)
		return one->people > other->people ? -1 : 1;
	return strcmp(one->name, other->name);
}

ssize_t weft_rooms_summary(struct weft_rooms *rooms, size_t max,
	struct weft_room_summary **ret_list, size_t *ret_private)
{
	struct weft_room_summary *list;
	size_t count = 0, private_count = 0;

	pthread_mutex_lock(&rooms->lock);
	list = calloc(rooms->room_count + 1, sizeof(*list));
	for (size_t i = 0; list && i < rooms->room_count; i++) {
		struct weft__room *room = rooms->all[i];

		pthread_mutex_lock(&room->lock);
		if (room->is_private || room->is_direct) {
			private_count++;
		} else if (!room->is_removed) {
			struct weft_room_summary *summary = &list[count++];

			strncpy(summary->name, room->name, sizeof(summary->name) - 1);
			summary->people = room->people;
			summary->messages = room->last;
		}
		pthread_mutex_unlock(&room->lock);
	}
	pthread_mutex_unlock(&rooms->lock);
	if (!list)
		return -1;
	qsort(list, count, sizeof(*list), compare_summaries);
	*ret_list = list;
	*ret_private = private_count;
	return (ssize_t)(count < max ? count : max);
}

void weft_rooms_counts(struct weft_rooms *rooms, struct weft_rooms_counts *ret_counts)
{
	struct weft_rooms_counts counts;

	pthread_mutex_lock(&rooms->lock);
	counts = rooms->counts;
	weft_list_each (node, &rooms->clients) {
		struct weft_room_client *client =
			weft_container_of(node, struct weft_room_client, in_rooms);

		pthread_mutex_lock(&client->lock);
		counts.delivered += client->delivered;
		counts.gaps += client->gaps;
		pthread_mutex_unlock(&client->lock);
	}
	counts.rooms = (unsigned)rooms->room_count;
	counts.clients = rooms->client_count;
	for (size_t i = 0; i < rooms->room_count; i++) {
		pthread_mutex_lock(&rooms->all[i]->lock);
		for (struct weft__tail *tail = rooms->all[i]->tails; tail; tail = tail->next)
			counts.tail_bytes += weft__tail_size(tail);
		pthread_mutex_unlock(&rooms->all[i]->lock);
	}
	pthread_mutex_unlock(&rooms->lock);
	counts.posted = rooms->posted;
	counts.accepted = rooms->accepted;
	counts.refused = rooms->refused;
	counts.commits = weft__writer_commits(rooms->writer);
	*ret_counts = counts;
}
