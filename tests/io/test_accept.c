/*
 * test_accept.c - an accept that ends early loses no connection and no descriptor.
 * check: tsan drivers
 *
 * Each client says who it is, so that it is known which connection was accepted. Clients
 * connect by the system's own call, which on loopback is over at once.
 */
#include <stdatomic.h>

#include "base/prng.h"
#include "both.h"
#include "descriptors.h"
#include "weft/address.h"
#include "weft/scope.h"
#include "weft/socket.h"

static struct weft_address address;

static void run(unsigned workers, weft_fiber_fn *fn, void *arg)
{
	CHECK_INT(weft_run(&(struct weft_run_options){.workers = workers}, fn, arg), ==, 0);
}

static int listen_tcp(void)
{
	int fd = weft_socket(AF_INET, SOCK_STREAM, 0);

	CHECK_INT(weft_address_parse(&address, "127.0.0.1:0"), ==, 0);
	CHECK_INT(weft_bind(fd, &address.any, address.len), ==, 0);
	CHECK_INT(weft_listen(fd, SOMAXCONN), ==,
		0); /* clients connect faster than they are accepted */
	CHECK_INT(weft_getsockname(fd, &address), ==, 0);
	return fd;
}

static int client_new(uint32_t name)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	CHECK_INT(connect(fd, &address.any, address.len), ==, 0);
	CHECK_INT(send(fd, &name, sizeof(name), 0), ==, sizeof(name));
	return fd;
}

/* Who is at the other end; hangs up. */
static uint32_t name_of(int fd)
{
	uint32_t name = 0;

	CHECK_INT(fd, >=, 0);
	CHECK_INT(weft_recv(fd, &name, sizeof(name), 0), ==, sizeof(name));
	CHECK_INT(weft_close(fd), ==, 0);
	return name;
}

/* The result is the descriptor, or -errno. */
static int accept_one(void *arg)
{
	int fd = weft_accept(*(int *)arg, NULL, NULL);

	return fd < 0 ? -errno : fd;
}

static int result_of(weft_fiber_id fiber)
{
	int result = 0;

	CHECK_INT(weft_join(fiber, &result, WEFT_SECONDS(20)), ==, 0);
	return result;
}

/* ---- One that is pending already ------------------------------------------------------- */

BOTH_CASE(an_accept_that_is_late_leaves_what_is_pending_to_the_next)
{
	int before = descriptors(), listener = listen_tcp(), client = client_new(77);

	WEFT_WITH_TIMEOUT (0)
		CHECK_ERRNO(weft_accept(listener, NULL, NULL), ETIMEDOUT);
	CHECK_INT(name_of(weft_accept(listener, NULL, NULL)), ==, 77);
	close(client);
	weft_close(listener);
	CHECK_INT(descriptors(), ==, before);
}

static int accept_twice(void *arg)
{
	/* The first call says that it was cancelled; clean-up may still take what is there. */
	CHECK_ERRNO(weft_sleep(INT64_MAX), ECANCELED);
	CHECK_ERRNO(weft_accept(*(int *)arg, NULL, NULL), ECANCELED);
	WEFT_SHIELDED
		CHECK_INT(name_of(weft_accept(*(int *)arg, NULL, NULL)), ==, 5);
	return 0;
}

static int cancel_before_the_accept(void *arg)
{
	int before = descriptors(), listener = listen_tcp(), client = client_new(5);
	weft_fiber_id fiber = weft_spawn(accept_twice, &listener);

	(void)arg;
	weft_yield();
	CHECK_INT(weft_cancel(fiber), ==, 0);
	CHECK_INT(result_of(fiber), ==, 0);
	close(client);
	weft_close(listener);
	CHECK_INT(descriptors(), ==, before);
	return 0;
}

CHECK_CASE(a_cancelled_accept_takes_nothing)
{
	run(1, cancel_before_the_accept, NULL);
}

/* ---- One that arrives at the same moment -------------------------------------------------- */

/*
 * Two wait; the first is cancelled in the same turn of the worker in which the connection
 * comes, before or after it: whoever is not cancelled must get it, even if the kernel's
 * word went to the other.
 */
static int cancel_as_it_comes(void *arg)
{
	bool is_cancel_first = arg != NULL;
	int before = descriptors(), listener = listen_tcp(), client = -1;

	for (uint32_t i = 1; i <= 20; i++) {
		weft_fiber_id first = weft_spawn(accept_one, &listener), second;
		int result;

		weft_yield();
		second = weft_spawn(accept_one, &listener);
		weft_yield();
		if (is_cancel_first)
			CHECK_INT(weft_cancel(first), ==, 0);
		client = client_new(i);
		if (!is_cancel_first)
			CHECK_INT(weft_cancel(first), ==, 0);
		result = result_of(first);
		if (result < 0) {
			CHECK_INT(result, ==, -ECANCELED);
			CHECK_INT(name_of(result_of(second)), ==, i);
		} else {
			CHECK_INT(name_of(result), ==, i);
			CHECK_INT(weft_cancel(second), ==, 0);
			CHECK_INT(result_of(second), ==, -ECANCELED);
		}
		close(client);
	}
	weft_close(listener);
	CHECK_INT(descriptors(), ==, before);
	return 0;
}

CHECK_CASE(a_connection_that_comes_with_a_cancel_goes_to_the_next_in_line)
{
	run(1, cancel_as_it_comes, NULL);
	run(1, cancel_as_it_comes, "cancel first");
}

static int accept_in_a_millisecond(void *arg)
{
	int result = 0;

	WEFT_WITH_TIMEOUT (WEFT_MILLISECONDS(1))
		result = accept_one(arg);
	return result;
}

/* The worker is held until the deadline has passed and the connection is there: both at once. */
static int deadline_as_it_comes(void *arg)
{
	int before = descriptors(), listener = listen_tcp();

	(void)arg;
	for (uint32_t i = 1; i <= 20; i++) {
		weft_fiber_id late = weft_spawn(accept_in_a_millisecond, &listener), patient;
		int64_t end;
		int client, result;

		weft_yield();
		patient = weft_spawn(accept_one, &listener);
		weft_yield();
		client = client_new(i);
		for (end = weft_now() + WEFT_MILLISECONDS(2); weft_now() < end;)
			;
		result = result_of(late);
		if (result < 0) {
			CHECK_INT(result, ==, -ETIMEDOUT);
			CHECK_INT(name_of(result_of(patient)), ==, i);
		} else {
			CHECK_INT(name_of(result), ==, i);
			CHECK_INT(weft_cancel(patient), ==, 0);
			CHECK_INT(result_of(patient), ==, -ECANCELED);
		}
		close(client);
	}
	weft_close(listener);
	CHECK_INT(descriptors(), ==, before);
	return 0;
}

CHECK_CASE(a_connection_that_comes_with_a_deadline_goes_to_the_next_in_line)
{
	run(1, deadline_as_it_comes, NULL);
}

/* ---- A listener that is closed -------------------------------------------------------------- */

static int close_as_it_comes(void *arg)
{
	unsigned workers = (unsigned)(uintptr_t)arg;
	int before = descriptors();

	for (uint32_t i = 1; i <= 20; i++) {
		int listener = listen_tcp(), client, accepted = 0, results[3];
		weft_fiber_id fibers[3];
		char byte;

		for (unsigned k = 0; k < 3; k++) {
			struct weft_spawn_options options = {.worker = 1 + k % workers};

			fibers[k] = weft_spawn_with(&options, accept_one, &listener);
		}
		weft_yield();
		client = client_new(i);
		CHECK_INT(weft_close(listener), ==, 0);
		for (unsigned k = 0; k < 3; k++) {
			results[k] = result_of(fibers[k]);
			if (results[k] >= 0) {
				CHECK_INT(name_of(results[k]), ==, i);
				accepted++;
			} else {
				/* To one that began late the number may be the connection's that
				 * another one has just accepted: that is no listener. */
				CHECK(results[k] == -EBADF ||
					(workers > 1 && results[k] == -EINVAL));
			}
		}
		CHECK_INT(accepted, <=, 1);
		/* Accepted or not, the client is told: nobody keeps it waiting. */
		CHECK_INT(recv(client, &byte, 1, 0), <=, 0);
		close(client);
	}
	CHECK_INT(descriptors(), ==, before);
	return 0;
}

CHECK_CASE(a_listener_closed_under_a_connection_leaves_nobody_waiting)
{
	run(1, close_as_it_comes, (void *)1);
/* TSan takes a close(2) beside an accept(2) on one descriptor for a race: it is what is tested. */
#ifndef __SANITIZE_THREAD__
	run(3, close_as_it_comes, (void *)3);
#endif
}

/* ---- All of it, at random ----------------------------------------------------------------------
 */

#define CLIENTS 300
static atomic_int served[CLIENTS + 1];
static atomic_int served_count;
static atomic_bool is_over;

/* Accepts by fits and starts: each with a deadline that may come at any moment. */
static int accept_impatiently(void *arg)
{
	struct prng prng = {(uintptr_t)weft_self()};

	while (!atomic_load(&is_over)) {
		int result = -ETIMEDOUT;

		WEFT_WITH_TIMEOUT ((int64_t)prng_below(&prng, WEFT_MICROSECONDS(200)))
			result = accept_one(arg);
		if (result >= 0) {
			WEFT_SHIELDED
				atomic_fetch_add(&served[name_of(result)], 1);
			atomic_fetch_add(&served_count, 1);
		} else if (result == -ECANCELED) {
			break;
		} else {
			CHECK_INT(result, ==, -ETIMEDOUT);
		}
	}
	return 0;
}

/* One acceptor after the other is cancelled, and another one takes its place. */
static int storm(void *arg)
{
	unsigned workers = (unsigned)(uintptr_t)arg;
	int before = descriptors(), listener = listen_tcp(), clients[CLIENTS + 1];
	weft_fiber_id fibers[6];

	atomic_store(&is_over, false);
	atomic_store(&served_count, 0);
	for (unsigned i = 0; i < 6; i++) {
		struct weft_spawn_options options = {.worker = 1 + i % workers};

		fibers[i] = weft_spawn_with(&options, accept_impatiently, &listener);
	}
	for (unsigned i = 1; i <= CLIENTS; i++) {
		struct weft_spawn_options options = {.worker = 1 + i % workers};

		atomic_store(&served[i], 0);
		clients[i] = client_new(i);
		if (i % 3)
			continue;
		CHECK_INT(weft_cancel(fibers[i % 6]), ==, 0);
		CHECK_INT(result_of(fibers[i % 6]), ==, 0);
		fibers[i % 6] = weft_spawn_with(&options, accept_impatiently, &listener);
	}
	WEFT_WITH_TIMEOUT (WEFT_SECONDS(20))
		while (atomic_load(&served_count) < CLIENTS)
			CHECK_INT(weft_sleep(WEFT_MICROSECONDS(200)), ==, 0);
	atomic_store(&is_over, true);
	for (unsigned i = 0; i < 6; i++)
		CHECK_INT(result_of(fibers[i]), ==, 0);
	for (unsigned i = 1; i <= CLIENTS; i++) {
		CHECK_INT(atomic_load(&served[i]), ==, 1);
		close(clients[i]);
	}
	weft_close(listener);
	CHECK_INT(descriptors(), ==, before);
	return 0;
}

CHECK_CASE(however_accepts_end_each_connection_is_accepted_once)
{
	run(1, storm, (void *)1);
	run(3, storm, (void *)3);
}

CHECK_MAIN()
