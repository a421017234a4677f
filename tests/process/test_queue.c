/*
 * test_queue.c - queues between processes: order, bounds, ends, names, deadlines.
 *
 * check: tsan drivers
 */
#include "weft/queue.h"

#include <pthread.h>
#include <stdatomic.h>
#include <sys/mman.h>

#include "check.h"
#include "weft/fiber.h"
#include "weft/scope.h"

/* Both outside fibers and in one. */
static void both(weft_fiber_fn *body)
{
	CHECK_INT(body(NULL), ==, 0);
	CHECK_INT(weft_run(&(struct weft_run_options){.workers = 2}, body, NULL), ==, 0);
}

static struct weft_queue *queue_new(size_t capacity)
{
	struct weft_queue *queue =
		weft_queue_new(NULL, &(struct weft_queue_options){.capacity_bytes = capacity});

	CHECK(queue != NULL);
	return queue;
}

static pid_t child(
	void (*fn)(struct weft_queue *queue, int number), struct weft_queue *queue, int number)
{
	pid_t pid = fork();

	CHECK(pid >= 0);
	if (pid == 0) {
		fn(queue, number);
		_exit(0);
	}
	return pid;
}

static void ended(pid_t pid)
{
	int status;

	CHECK_INT(waitpid(pid, &status, 0), ==, pid);
	CHECK(WIFEXITED(status));
	CHECK_INT(WEXITSTATUS(status), ==, 0);
}

/* A name that no other run has. */
static const char *own_name(void)
{
	static char name[40];

	if (!name[0])
		snprintf(name, sizeof name, "test-queue-%d", (int)getpid());
	return name;
}

/* ---- As one uses it ------------------------------------------------------------------- */

static void greet(struct weft_queue *queue, int number)
{
	char text[40];
	int len = snprintf(text, sizeof text, "hello from %d", number);

	CHECK_INT(weft_queue_put(queue, text, (size_t)len), ==, 0);
}

static int messages_pass(void *arg)
{
	struct weft_queue *queue = weft_queue_new(NULL, NULL);
	char text[40];
	size_t len;
	pid_t pid;

	(void)arg;
	CHECK(queue != NULL);
	pid = child(greet, queue, 7);
	CHECK_INT(weft_queue_get(queue, text, sizeof text, &len), ==, 1);
	CHECK_INT(len, ==, 12);
	CHECK_MEM(text, "hello from 7", 12);
	ended(pid);
	CHECK(weft_queue_is_empty(queue));
	weft_queue_close(queue);
	CHECK(weft_queue_is_closed(queue));
	CHECK_INT(weft_queue_get(queue, text, sizeof text, &len), ==, 0);
	CHECK_ERRNO(weft_queue_put(queue, "x", 1), EPIPE);
	weft_queue_free(queue);
	weft_queue_free(NULL);
	return 0;
}

CHECK_CASE(what_a_process_puts_another_gets)
{
	both(messages_pass);
}

/* ---- Order --------------------------------------------------------------------------------- */

#define PRODUCERS 3
#define CONSUMERS 3
#define EACH      3000

struct numbered {
	int producer, number;
	unsigned char rest[90];
};

static _Atomic int *consumed; /* by all consumers; in memory that they share */

/* Messages of every length, so that they wrap around everywhere. */
static void produce(struct weft_queue *queue, int number)
{
	for (int i = 0; i < EACH; i++) {
		struct numbered message = {.producer = number, .number = i};
		size_t rest = (size_t)(i * 7 + number) % sizeof message.rest;

		memset(message.rest, i, rest);
		CHECK_INT(weft_queue_put(queue, &message, offsetof(struct numbered, rest) + rest),
			==, 0);
	}
}

static int produce_in_fiber(void *arg)
{
	produce(arg, PRODUCERS);
	return 0;
}

static void consume(struct weft_queue *queue, int number)
{
	int seen[PRODUCERS + 1], got;
	struct numbered message;
	size_t len;

	memset(seen, -1, sizeof seen);
	while ((got = weft_queue_get(queue, &message, sizeof message, &len)) == 1) {
		size_t rest = (size_t)(message.number * 7 + message.producer) % sizeof message.rest;

		CHECK_INT(message.number, >, seen[message.producer]);
		CHECK_INT(len, ==, offsetof(struct numbered, rest) + rest);
		for (size_t i = 0; i < rest; i++)
			CHECK_INT(message.rest[i], ==, (unsigned char)message.number);
		seen[message.producer] = message.number;
		atomic_fetch_add(consumed, 1);
	}
	CHECK_INT(got, ==, 0);
	(void)number;
}

static int order_is_kept(void *arg)
{
	struct weft_queue *queue = queue_new(1024);
	pid_t producers[PRODUCERS], consumers[CONSUMERS];

	consumed = mmap(
		NULL, sizeof *consumed, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	CHECK(consumed != MAP_FAILED);
	for (int i = 0; i < CONSUMERS; i++)
		consumers[i] = child(consume, queue, i);
	for (int i = 0; i < PRODUCERS; i++)
		producers[i] = child(produce, queue, i);
	if (arg)
		CHECK_INT(weft_run(NULL, produce_in_fiber, queue), ==, 0);
	for (int i = 0; i < PRODUCERS; i++)
		ended(producers[i]);
	weft_queue_close(queue);
	for (int i = 0; i < CONSUMERS; i++)
		ended(consumers[i]);
	CHECK_INT(atomic_load(consumed), ==, (PRODUCERS + (arg ? 1 : 0)) * EACH);
	CHECK_INT(weft_queue_len(queue), ==, 0);
	weft_queue_free(queue);
	return 0;
}

CHECK_CASE(each_producers_messages_come_whole_and_in_order)
{
	order_is_kept(NULL);
	order_is_kept("with fibers");
}

static void produce_rows(struct weft_queue *queue, int number)
{
	int numbers[50];
	struct iovec row[50];

	(void)number;
	for (int i = 0; i < 1000; i += 50) {
		for (int j = 0; j < 50; j++) {
			numbers[j] = i + j;
			row[j] = (struct iovec){&numbers[j], sizeof numbers[j]};
		}
		CHECK_INT(weft_queue_put_many(queue, row, 50), ==, 50);
	}
	weft_queue_close(queue);
}

CHECK_CASE(rows_of_messages_go_in_and_out)
{
	struct weft_queue *queue = queue_new(256);
	pid_t pid = child(produce_rows, queue, 0);
	int numbers[10], wanted = 0;
	ssize_t got;

	do {
		struct iovec row[10];

		for (int j = 0; j < 10; j++)
			row[j] = (struct iovec){&numbers[j], sizeof numbers[j]};
		got = weft_queue_get_many(queue, row, 10);
		for (ssize_t j = 0; j < got; j++)
			CHECK_INT(numbers[j], ==, wanted++);
	} while (got > 0);
	CHECK_INT(got, ==, 0);
	CHECK_INT(wanted, ==, 1000);
	ended(pid);
	weft_queue_free(queue);
}

CHECK_CASE(a_row_ends_before_a_message_that_finds_no_room)
{
	struct weft_queue *queue = queue_new(256);
	char texts[3][4];
	struct iovec row[3] = {{texts[0], 4}, {texts[1], 4}, {texts[2], 4}};

	CHECK_INT(weft_queue_put(queue, "one", 4), ==, 0);
	CHECK_INT(weft_queue_put(queue, "three", 6), ==, 0);
	CHECK_INT(weft_queue_put(queue, "two", 4), ==, 0);
	CHECK_INT(weft_queue_get_many(queue, row, 3), ==, 1);
	CHECK_STR(texts[0], "one");
	CHECK_INT(weft_queue_len(queue), ==, 2);
	CHECK_ERRNO(weft_queue_get_many(queue, row, 3), EMSGSIZE);
	CHECK_INT(row[0].iov_len, ==, 6);
	row[0] = (struct iovec){(char[6]){0}, 6};
	CHECK_INT(weft_queue_get_many(queue, row, 3), ==, 2);
	CHECK_STR(row[0].iov_base, "three");
	CHECK_INT(row[1].iov_len, ==, 4);
	CHECK_STR(texts[1], "two");
	/* Of those to put, one is longer than the queue ever takes. */
	row[0].iov_len = 4;
	row[1].iov_len = 249;
	CHECK_INT(weft_queue_put_many(queue, row, 3), ==, 1);
	CHECK_ERRNO(weft_queue_put_many(queue, row + 1, 2), EMSGSIZE);
	CHECK_INT(weft_queue_len(queue), ==, 1);
	weft_queue_free(queue);
}

/* ---- Bounds -----------------------------------------------------------------------------------
 */

CHECK_CASE(a_queue_holds_what_it_holds_and_says_so)
{
	struct weft_queue_options options = {
		.capacity_bytes = 100, .messages_max = 3, .message_bytes_max = 90};
	struct weft_queue *queue = weft_queue_new(NULL, &options);
	struct weft_queue_options facts;
	char text[200] = "";
	size_t len;

	CHECK(queue != NULL);
	weft_queue_options(queue, &facts);
	CHECK_INT(facts.capacity_bytes, ==, 128);
	CHECK_ERRNO(weft_queue_put(queue, text, 91), EMSGSIZE);
	CHECK_ERRNO(weft_queue_try_get(queue, text, 1, &len), EAGAIN);
	for (int i = 0; i < 3; i++)
		CHECK_INT(weft_queue_try_put(queue, text, (size_t)i), ==, 0);
	CHECK_INT(weft_queue_len(queue), ==, 3);
	CHECK(weft_queue_is_full(queue));
	CHECK_ERRNO(weft_queue_try_put(queue, text, 0), EAGAIN);
	CHECK_INT(weft_queue_try_get(queue, text, 0, &len), ==, 1);
	CHECK_INT(len, ==, 0);
	CHECK_INT(weft_queue_get(queue, text, 9, &len), ==, 1);
	CHECK_ERRNO(weft_queue_get(queue, text, 1, &len), EMSGSIZE);
	CHECK_INT(len, ==, 2);
	CHECK_INT(weft_queue_len(queue), ==, 1);
	CHECK_INT(weft_queue_get(queue, text, 2, NULL), ==, 1);
	/* 128 bytes are one message of 90, and not another. */
	CHECK_INT(weft_queue_try_put(queue, text, 90), ==, 0);
	CHECK(!weft_queue_is_full(queue));
	CHECK_ERRNO(weft_queue_try_put(queue, text, 90), EAGAIN);
	weft_queue_free(queue);
	options.message_bytes_max = 121;
	CHECK_ERRNO(weft_queue_new(NULL, &options), EINVAL);
	options.capacity_bytes = SIZE_MAX;
	CHECK_ERRNO(weft_queue_new(NULL, &options), EINVAL);
}

/* ---- Deadlines
 * ----------------------------------------------------------------------------------- */

static int deadlines_hold(void *arg)
{
	struct weft_queue *queue = queue_new(64);
	char text[56] = "";

	(void)arg;
	WEFT_WITH_TIMEOUT (WEFT_MILLISECONDS(3))
		CHECK_ERRNO(weft_queue_get(queue, text, sizeof text, NULL), ETIMEDOUT);
	CHECK_INT(weft_queue_put(queue, text, 56), ==, 0);
	WEFT_WITH_TIMEOUT (WEFT_MILLISECONDS(3)) {
		CHECK_ERRNO(weft_queue_put(queue, text, 1), ETIMEDOUT);
		CHECK_ERRNO(weft_queue_get(queue, text, sizeof text, NULL), ETIMEDOUT);
		CHECK_INT(weft_queue_try_get(queue, text, sizeof text, NULL), ==, 1);
	}
	CHECK(weft_queue_is_empty(queue));
	weft_queue_free(queue);
	return 0;
}

CHECK_CASE(waits_end_at_their_deadlines_and_nothing_is_put_or_taken)
{
	both(deadlines_hold);
}

static int get_number(void *arg)
{
	int number;

	return weft_queue_get(arg, &number, sizeof number, NULL) == 1 ? number : -errno;
}

static int cancel_getters(void *arg)
{
	struct weft_queue *queue = queue_new(64);
	weft_fiber_id ids[3];
	int sum = 0, result;

	(void)arg;
	for (int i = 0; i < 3; i++)
		CHECK((ids[i] = weft_spawn(get_number, queue)) != 0);
	weft_sleep(WEFT_MILLISECONDS(2));
	weft_cancel(ids[1]);
	CHECK_INT(weft_join(ids[1], &result, WEFT_FOREVER), ==, 0);
	CHECK_INT(result, ==, -ECANCELED);
	for (int i = 1; i <= 2; i++)
		CHECK_INT(weft_queue_put(queue, &(int){i}, sizeof i), ==, 0);
	for (int i = 0; i < 3; i += 2) {
		CHECK_INT(weft_join(ids[i], &result, WEFT_FOREVER), ==, 0);
		sum += result;
	}
	CHECK_INT(sum, ==, 3);
	weft_queue_free(queue);
	return 0;
}

CHECK_CASE(a_fiber_that_is_cancelled_takes_no_message)
{
	CHECK_INT(weft_run(&(struct weft_run_options){.workers = 2}, cancel_getters, NULL), ==, 0);
}

static void *get_in_thread(void *arg)
{
	return (void *)(intptr_t)get_number(arg);
}

CHECK_CASE(closing_wakes_all_who_wait)
{
	struct weft_queue *queue = queue_new(64);
	pthread_t threads[3];
	void *result;

	for (int i = 0; i < 3; i++)
		CHECK_INT(pthread_create(&threads[i], NULL, get_in_thread, queue), ==, 0);
	usleep(2000);
	weft_queue_close(queue);
	for (int i = 0; i < 3; i++) {
		pthread_join(threads[i], &result);
		CHECK_INT((intptr_t)result, <=, 0);
	}
	weft_queue_free(queue);
}

/* ---- Names
 * ---------------------------------------------------------------------------------------- */

/* The child of an exec(2) would do the same; what it has of its parent it doesn't use. */
CHECK_CASE(strangers_meet_by_a_name_and_the_last_one_removes_it)
{
	struct weft_queue_options options = {.capacity_bytes = 4096, .must_be_new = true};
	struct weft_queue *queue = weft_queue_new(own_name(), &options), *again;
	int number = 0;
	pid_t pid;

	CHECK(queue != NULL);
	own_name();
	pid = fork();
	if (pid == 0) {
		char name[40];

		snprintf(name, sizeof name, "test-queue-%d", (int)getppid());
		again = weft_queue_new(name, &(struct weft_queue_options){.must_exist = true});
		CHECK(again != NULL);
		number = 5;
		CHECK_INT(weft_queue_put(again, &number, sizeof number), ==, 0);
		weft_queue_free(again);
		weft_queue_free(queue);
		_exit(0);
	}
	CHECK_INT(weft_queue_get(queue, &number, sizeof number, NULL), ==, 1);
	CHECK_INT(number, ==, 5);
	ended(pid);
	CHECK_ERRNO(weft_queue_new(own_name(), &options), EEXIST);
	options = (struct weft_queue_options){.capacity_bytes = 8192};
	CHECK_ERRNO(weft_queue_new(own_name(), &options), EPROTOTYPE);
	options = (struct weft_queue_options){.messages_max = 5};
	CHECK_ERRNO(weft_queue_new(own_name(), &options), EPROTOTYPE);
	again = weft_queue_new(own_name(), NULL);
	CHECK(again != NULL);
	weft_queue_free(queue);
	queue = weft_queue_attach(weft_queue_fd(again));
	CHECK(queue != NULL);
	CHECK_INT(weft_queue_put(queue, &number, sizeof number), ==, 0);
	weft_queue_free(queue);
	CHECK_INT(weft_queue_len(again), ==, 1);
	weft_queue_free(again);
	options = (struct weft_queue_options){.must_exist = true};
	CHECK_ERRNO(weft_queue_new(own_name(), &options), ENOENT);
}

CHECK_MAIN()
