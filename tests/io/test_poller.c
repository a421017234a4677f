/*
 * test_poller.c - one table of facts, over every mechanism, in a fiber and on a thread
 * (include/weft/poller.h).
 * check: tsan
 */
#include "weft/poller.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <sys/socket.h>

#include "check.h"
#include "weft/fiber.h"
#include "weft/scope.h"
#include "weft/socket.h"

static const char *const names[] = {"select", "poll", "epoll", "uring"};
static const char *name; /* of the mechanism under test */

static bool has_edges(void)
{
	return strcmp(name, "epoll") == 0 || strcmp(name, "uring") == 0;
}

static void run(weft_fiber_fn *fn)
{
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		struct weft_poller *poller = weft_poller_new(names[i]);

		if (!poller) {
			CHECK_INT(errno, ==, ENOSYS); /* a kernel without io_uring */
			continue;
		}
		CHECK_STR(weft_poller_name(poller), names[i]);
		weft_poller_free(poller);
		name = names[i];
		printf("# %s\n", name);
		CHECK_INT(fn(NULL), ==, 0);
		CHECK_INT(weft_run(&(struct weft_run_options){.workers = 1}, fn, NULL), ==, 0);
	}
}

struct world {
	struct weft_poller *poller;
	int fds[2];
	struct weft_poller_event events[8];
};

static void world_open(struct world *world, unsigned events)
{
	world->poller = weft_poller_new(name);
	CHECK(world->poller);
	CHECK_INT(weft_socketpair(AF_UNIX, SOCK_STREAM, 0, world->fds), ==, 0);
	if (events)
		CHECK_INT(weft_poller_register(world->poller, world->fds[0], events, world), ==, 0);
}

static void world_close(struct world *world)
{
	weft_poller_free(world->poller);
	weft_close(world->fds[0]);
	weft_close(world->fds[1]);
}

static ssize_t wait_ms(struct world *world, int ms)
{
	return weft_poller_wait(world->poller, world->events, 8, WEFT_MILLISECONDS(ms));
}

static void put(int fd)
{
	CHECK_INT(send(fd, "x", 1, MSG_DONTWAIT), ==, 1);
}

static void take(int fd)
{
	char byte;

	CHECK_INT(recv(fd, &byte, 1, MSG_DONTWAIT), ==, 1);
}

/* ---- Telling --------------------------------------------------------------------------- */

static int level(void *arg)
{
	struct world world;

	(void)arg;
	world_open(&world, WEFT_POLLER_IN);
	CHECK_INT(wait_ms(&world, 1), ==, 0);
	put(world.fds[1]);
	for (int i = 0; i < 5; i++) {
		CHECK_INT(wait_ms(&world, 1000), ==, 1);
		CHECK_INT(world.events[0].fd, ==, world.fds[0]);
		CHECK_INT(world.events[0].events, ==, WEFT_POLLER_IN);
		CHECK(world.events[0].user == &world);
	}
	take(world.fds[0]);
	CHECK_INT(wait_ms(&world, 1), ==, 0);
	CHECK_INT(weft_poller_modify(world.poller, world.fds[0], WEFT_POLLER_OUT, NULL), ==, 0);
	CHECK_INT(wait_ms(&world, 1000), ==, 1);
	CHECK_INT(world.events[0].events, ==, WEFT_POLLER_OUT);
	CHECK(!world.events[0].user);
	CHECK_INT(weft_poller_unregister(world.poller, world.fds[0]), ==, 0);
	CHECK_INT(wait_ms(&world, 1), ==, 0);
	world_close(&world);
	return 0;
}

CHECK_CASE(level_keeps_telling_while_there_is_something)
{
	run(level);
}

static int edge(void *arg)
{
	struct world world;

	(void)arg;
	if (!has_edges()) {
		world_open(&world, 0);
		CHECK_ERRNO(weft_poller_register(world.poller, world.fds[0],
				    WEFT_POLLER_IN | WEFT_POLLER_EDGE, NULL),
			ENOTSUP);
		world_close(&world);
		return 0;
	}
	world_open(&world, WEFT_POLLER_IN | WEFT_POLLER_EDGE);
	for (int i = 0; i < 5; i++) {
		put(world.fds[1]);
		CHECK_INT(wait_ms(&world, 1000), ==, 1);
		CHECK_INT(wait_ms(&world, 1), ==, 0); /* told once, though nothing was read */
	}
	world_close(&world);
	return 0;
}

CHECK_CASE(edge_tells_once_for_each_change)
{
	run(edge);
}

static int oneshot(void *arg)
{
	struct world world;

	(void)arg;
	world_open(&world, WEFT_POLLER_IN | WEFT_POLLER_ONESHOT);
	put(world.fds[1]);
	CHECK_INT(wait_ms(&world, 1000), ==, 1);
	CHECK_INT(wait_ms(&world, 1), ==, 0);
	put(world.fds[1]);
	CHECK_INT(wait_ms(&world, 1), ==, 0);
	CHECK_INT(weft_poller_modify(
			  world.poller, world.fds[0], WEFT_POLLER_IN | WEFT_POLLER_ONESHOT, NULL),
		==, 0);
	CHECK_INT(wait_ms(&world, 1000), ==, 1);
	CHECK_INT(wait_ms(&world, 1), ==, 0);
	world_close(&world);
	return 0;
}

CHECK_CASE(one_shot_tells_once_until_it_is_modified)
{
	run(oneshot);
}

static int many(void *arg)
{
	struct world worlds[20];
	size_t seen = 0;

	(void)arg;
	world_open(&worlds[0], WEFT_POLLER_IN);
	for (int i = 1; i < 20; i++) {
		CHECK_INT(weft_socketpair(AF_UNIX, SOCK_STREAM, 0, worlds[i].fds), ==, 0);
		CHECK_INT(weft_poller_register(
				  worlds[0].poller, worlds[i].fds[0], WEFT_POLLER_IN, NULL),
			==, 0);
	}
	for (int i = 0; i < 20; i++)
		put(worlds[i].fds[1]);
	while (seen < 20) {
		ssize_t count = wait_ms(&worlds[0], 1000);

		CHECK(count > 0 && count <= 8);
		for (ssize_t i = 0; i < count; i++)
			take(worlds[0].events[i].fd);
		seen += (size_t)count;
	}
	CHECK_INT(wait_ms(&worlds[0], 0), ==, 0);
	for (int i = 1; i < 20; i++) {
		CHECK_INT(weft_poller_unregister(worlds[0].poller, worlds[i].fds[0]), ==, 0);
		weft_close(worlds[i].fds[0]);
		weft_close(worlds[i].fds[1]);
	}
	world_close(&worlds[0]);
	return 0;
}

CHECK_CASE(with_more_ready_than_fit_the_rest_is_told_next)
{
	run(many);
}

static int hang_up(void *arg)
{
	struct world world;

	(void)arg;
	world_open(&world, WEFT_POLLER_IN);
	shutdown(world.fds[1], SHUT_RDWR);
	CHECK_INT(wait_ms(&world, 1000), ==, 1);
	CHECK(world.events[0].events & WEFT_POLLER_IN);
	if (strcmp(name, "select") != 0)
		CHECK(world.events[0].events & WEFT_POLLER_HUP);
	world_close(&world);
	return 0;
}

CHECK_CASE(a_hang_up_is_told_unasked)
{
	run(hang_up);
}

/* ---- Waiting -------------------------------------------------------------------------------- */

static void *put_later(void *fd)
{
	usleep(5000);
	put(*(int *)fd);
	return NULL;
}

static int wait_for_another(void *arg)
{
	struct world world;
	pthread_t thread;

	(void)arg;
	world_open(&world, WEFT_POLLER_IN);
	CHECK_INT(pthread_create(&thread, NULL, put_later, &world.fds[1]), ==, 0);
	CHECK_INT(weft_poller_wait(world.poller, world.events, 8, WEFT_FOREVER), ==, 1);
	pthread_join(thread, NULL);
	WEFT_WITH_TIMEOUT (WEFT_MILLISECONDS(2)) {
		take(world.fds[0]);
		CHECK_ERRNO(
			weft_poller_wait(world.poller, world.events, 8, WEFT_FOREVER), ETIMEDOUT);
	}
	CHECK_ERRNO(weft_poller_wait(world.poller, world.events, 0, 0), EINVAL);
	world_close(&world);
	return 0;
}

CHECK_CASE(a_wait_ends_by_an_event_its_own_time_or_the_scopes)
{
	run(wait_for_another);
}

static int wait_cancelled(void *arg)
{
	struct world *world = arg;

	CHECK_ERRNO(weft_poller_wait(world->poller, world->events, 8, WEFT_FOREVER), ECANCELED);
	return 0;
}

static int neighbours(void *arg)
{
	struct world world;
	weft_fiber_id waiter;

	(void)arg;
	if (!weft_self())
		return 0;
	world_open(&world, WEFT_POLLER_IN);
	waiter = weft_spawn(wait_cancelled, &world);
	for (int i = 0; i < 10; i++)
		weft_sleep(WEFT_MICROSECONDS(100)); /* the worker is not held up */
	weft_cancel(waiter);
	CHECK_INT(weft_join(waiter, NULL, WEFT_FOREVER), ==, 0);
	world_close(&world);
	return 0;
}

CHECK_CASE(a_fiber_that_waits_lets_others_run_and_can_be_cancelled)
{
	run(neighbours);
}

/* ---- Misuse ------------------------------------------------------------------------------------
 */

static int misuse(void *arg)
{
	struct world world;

	(void)arg;
	world_open(&world, WEFT_POLLER_IN);
	CHECK_ERRNO(weft_poller_register(world.poller, world.fds[0], WEFT_POLLER_IN, NULL), EEXIST);
	CHECK_ERRNO(weft_poller_register(world.poller, world.fds[1], 0, NULL), EINVAL);
	CHECK_ERRNO(weft_poller_register(world.poller, world.fds[1], 1 << 20, NULL), EINVAL);
	CHECK_ERRNO(weft_poller_register(world.poller, -1, WEFT_POLLER_IN, NULL), EBADF);
	CHECK_ERRNO(weft_poller_register(world.poller, 999, WEFT_POLLER_IN, NULL), EBADF);
	CHECK_ERRNO(weft_poller_modify(world.poller, world.fds[1], WEFT_POLLER_IN, NULL), ENOENT);
	CHECK_ERRNO(weft_poller_unregister(world.poller, world.fds[1]), ENOENT);
	CHECK_ERRNO(weft_poller_unregister(world.poller, -1), ENOENT);
	world_close(&world);
	weft_poller_free(NULL);
	return 0;
}

CHECK_CASE(misuse_has_defined_errors)
{
	CHECK(!weft_poller_new("kqueue"));
	CHECK_INT(errno, ==, EINVAL);
	run(misuse);
}

static int closed(void *arg)
{
	struct world world;
	bool is_told = strcmp(name, "select") == 0 || strcmp(name, "poll") == 0;

	(void)arg;
	world_open(&world, WEFT_POLLER_IN);
	close(world.fds[1]);
	weft_close(world.fds[0]);
	if (is_told) {
		CHECK_INT(wait_ms(&world, 1000), ==, 1);
		CHECK_INT(world.events[0].events, ==, WEFT_POLLER_CLOSED);
		CHECK_ERRNO(weft_poller_unregister(world.poller, world.events[0].fd), ENOENT);
	} else if (strcmp(name, "epoll") == 0) {
		CHECK_INT(wait_ms(&world, 1), ==, 0);
	}
	weft_poller_free(world.poller);
	return 0;
}

CHECK_CASE(a_descriptor_closed_while_registered_harms_nothing)
{
	run(closed);
}

static int high_descriptor(void *arg)
{
	struct world world;
	int high;

	(void)arg;
	world_open(&world, 0);
	high = fcntl(world.fds[0], F_DUPFD_CLOEXEC, FD_SETSIZE + 10);
	if (high < 0)
		return 0; /* not allowed here */
	if (strcmp(name, "select") == 0) {
		CHECK_ERRNO(weft_poller_register(world.poller, high, WEFT_POLLER_IN, NULL), EMFILE);
	} else {
		CHECK_INT(weft_poller_register(world.poller, high, WEFT_POLLER_IN, NULL), ==, 0);
		put(world.fds[1]);
		CHECK_INT(wait_ms(&world, 1000), ==, 1);
		CHECK_INT(world.events[0].fd, ==, high);
	}
	close(high);
	world_close(&world);
	return 0;
}

CHECK_CASE(select_refuses_descriptors_that_do_not_fit)
{
	struct rlimit limit = {4096, 4096};

	setrlimit(RLIMIT_NOFILE, &limit);
	run(high_descriptor);
}

CHECK_MAIN()
