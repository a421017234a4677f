/*
 * child_rooms.c - weft's side of the rooms: what is said in one is taken by many, by direct calls
 * of weft/room.h; nothing of sockets.
 *
 * A member is a client and the place in a list where it is while it has something to take. One
 * fiber takes for all of them; another says, so many at a time as one connection may have under
 * way. All of it is on a disk, and its CPU time is in the figures.
 *
 * Entry points: child_rooms(), child_rooms_posts(), child_rooms_memory().
 */
#include "child.h"

#include <malloc.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "limit/rooms.h"
#include "weft/event.h"
#include "weft/fiber.h"
#include "weft/list.h"
#include "weft/mpsc.h"
#include "weft/room.h"
#include "weft/scope.h"

struct member {
	struct weft_mpsc_node node;
	struct weft_room_client *client;
};

static char dir[] = "/var/tmp/weft-rooms-XXXXXX";
static struct weft_rooms *rooms;
static struct weft_mpsc ready;
static struct weft_event is_ready = WEFT_EVENT_INIT;
static bool is_over;
static uint64_t taken, said;

/* As a door with frames of its own would: a line of some forty bytes, and the text. */
static size_t write_line(const struct weft_room_event *event, char *ret_bytes, size_t size)
{
	size_t len = event->text_len + 32;

	if (event->kind != WEFT_ROOM_MESSAGE || len > size)
		return event->kind == WEFT_ROOM_MESSAGE ? len : 0;
	memset(ret_bytes, ' ', 32);
	memcpy(ret_bytes + 32, event->text, event->text_len);
	return len;
}

static const struct weft_room_form form = {.name = "bench", .write = write_line};

static void on_ready(void *arg)
{
	struct member *member = arg;

	if (weft_mpsc_push(&ready, &member->node))
		weft_event_set(&is_ready);
}

static int open_rooms(const struct weft_rooms_options *options)
{
	struct weft_rooms_options all = *options;

	if (!mkdtemp(dir))
		return -1;
	all.dir = dir;
	rooms = weft_rooms_open(&all);
	return rooms ? 0 : -1;
}

static void close_rooms(void)
{
	static const char *const names[] = {
		"chat.db", "chat.db-wal", "chat.db-shm", "chat.db-lock"};
	char path[64];

	weft_rooms_shut(rooms, "over");
	weft_rooms_close(rooms);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		snprintf(path, sizeof(path), "%s/%s", dir, names[i]);
		unlink(path);
	}
	rmdir(dir);
}

static struct weft_room_client *enter(long number, struct member *member)
{
	const struct weft_room_client_options options = {
		.on_ready = member ? on_ready : NULL, .arg = member};
	char name[24];
	const struct weft_room_person person = {.account = number + 1, .name = name};

	snprintf(name, sizeof(name), "m%ld", number);
	return weft_room_enter(rooms, &person, &form, &options);
}

/* So many in the lobby of rooms that are opened for them. */
static struct member *crowd_new(long count)
{
	struct member *members = calloc((size_t)count, sizeof(*members));

	if (!members || open_rooms(&(struct weft_rooms_options){.presence_max = 1}) < 0)
		return NULL;
	for (long i = 0; i < count; i++) {
		members[i].client = enter(i, &members[i]);
		if (!members[i].client ||
			weft_room_join(members[i].client, "lobby", NULL, NULL) < 0)
			return NULL;
	}
	return members;
}

static void crowd_free(struct member *members, long count)
{
	for (long i = 0; i < count; i++)
		weft_room_exit(members[i].client);
	free(members);
	close_rooms();
}

/* With a number as its argument. */
struct numbers {
	long usual, max;
};

static int run(weft_fiber_fn *fn, const char *argument, struct numbers numbers)
{
	long number = argument ? strtol(argument, NULL, 10) : numbers.usual;

	if (number < 1 || number > numbers.max)
		return 2;
	return weft_run(&(struct weft_run_options){.workers = 1}, fn, &number);
}

/* ---- One says, many take -------------------------------------------------------------------- */

static int take(void *arg)
{
	static char bytes[1 << 16];
	struct weft_mpsc_node *node, *next;
	ssize_t len;

	(void)arg;
	while (!is_over) {
		weft_event_clear(&is_ready);
		node = weft_mpsc_take_all(&ready);
		if (!node && weft_event_wait(&is_ready) < 0)
			return 0;
		for (; node; node = next) {
			struct member *member = weft_container_of(node, struct member, node);

			next = node->next;
			while ((len = weft_room_take(member->client, bytes, sizeof(bytes), NULL)) >
				0)
				taken += (uint64_t)len / ROOMS_EVENT;
		}
	}
	return 0;
}

/* As many at once as may be under way. */
static int say(void *arg)
{
	char text[ROOMS_TEXT];
	const struct weft_room_post post = {.text = text, .len = sizeof(text)};
	struct weft_room_client *client = arg;

	memset(text, 'x', sizeof(text));
	while (!is_over) {
		if (weft_room_post(client, "lobby", &post) < 0)
			return -1;
		said++;
	}
	return 0;
}

static int fan_out(void *arg)
{
	long count = *(long *)arg;
	struct member *members = crowd_new(count);
	struct weft_scope scope;
	int64_t begun, cpu;

	if (!members)
		return 1;
	weft_scope_begin(&scope, WEFT_FOREVER);
	weft_scope_spawn(&scope, take, NULL);
	weft_scope_spawn(&scope, say, members[0].client);
	weft_sleep(ROOMS_WARM_UP_NS);
	taken = said = 0;
	begun = limit_now();
	cpu = limit_cpu();
	weft_sleep(ROOMS_WINDOW_NS);
	rooms_print(taken, said, limit_now() - begun, limit_cpu() - cpu);
	is_over = true;
	weft_scope_cancel(&scope);
	weft_scope_end(&scope);
	crowd_free(members, count);
	return 0;
}

int child_rooms(const char *argument)
{
	return run(fan_out, argument, (struct numbers){200, ROOMS_MEMBERS_MAX});
}

/* ---- What is said, by how many at once ------------------------------------------------------ */

static int say_and_wait(void *arg)
{
	const struct weft_room_post post = {.text = "hello", .len = 5};
	static char bytes[1 << 16];

	while (!is_over) {
		if (weft_room_say(arg, "lobby", &post, NULL) < 0)
			return -1;
		said++;
		while (weft_room_take(arg, bytes, sizeof(bytes), NULL) > 0)
			;
	}
	return 0;
}

static int posts(void *arg)
{
	long count = *(long *)arg;
	struct member *members = crowd_new(count);
	struct weft_scope scope;
	int64_t begun;

	if (!members)
		return 1;
	weft_scope_begin(&scope, WEFT_FOREVER);
	for (long i = 0; i < count; i++)
		weft_scope_spawn(&scope, say_and_wait, members[i].client);
	weft_sleep(ROOMS_WARM_UP_NS);
	said = 0;
	begun = limit_now();
	weft_sleep(ROOMS_WINDOW_NS);
	printf("%.1f\n", (double)said * 1e9 / (double)(limit_now() - begun));
	is_over = true;
	weft_scope_end(&scope);
	crowd_free(members, count);
	return 0;
}

int child_rooms_posts(const char *argument)
{
	return run(posts, argument, (struct numbers){200, ROOMS_MEMBERS_MAX});
}

/* ---- Memory --------------------------------------------------------------------------------- */

static size_t in_use(void)
{
	struct mallinfo2 info = mallinfo2();

	return info.uordblks + info.hblkhd;
}

/* Ten thousand in so many rooms; in each something was said, and nobody has taken it. */
static int memory(void *arg)
{
	const struct weft_room_join_options makes = {.makes = true};
	long room_count = *(long *)arg, count = 10000;
	struct weft_room_client **clients =
		calloc((size_t)count, sizeof(struct weft_room_client *));
	size_t before;
	char room[24];

	if (!clients || open_rooms(&(struct weft_rooms_options){.presence_max = 1}) < 0)
		return 1;
	before = in_use();
	for (long i = 0; i < count; i++) {
		snprintf(room, sizeof(room), "r%ld", i % room_count);
		clients[i] = enter(i, NULL);
		if (!clients[i] || weft_room_join(clients[i], room, &makes, NULL) < 0)
			return 1;
	}
	for (long i = 0; i < room_count; i++) {
		snprintf(room, sizeof(room), "r%ld", i);
		weft_room_post(clients[i], room, &(struct weft_room_post){.text = "x", .len = 1});
	}
	weft_room_say(clients[0], "r0", &(struct weft_room_post){.text = "x", .len = 1}, NULL);
	printf("%.1f\n", (double)(in_use() - before) / (double)count);
	for (long i = 0; i < count; i++)
		weft_room_exit(clients[i]);
	free(clients);
	close_rooms();
	return 0;
}

int child_rooms_memory(const char *argument)
{
	return run(memory, argument, (struct numbers){1000, 10000});
}
