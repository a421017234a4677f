/*
 * test_queue_damage.c - queues between processes that have gone far, are held up within, or were
 * written over by others.
 *
 * It looks inside by a segment of the same name: what lies where, src/process/queue.h says.
 *
 * check: tsan drivers
 */
#include "check.h"
#include "weft/fiber.h"
#include "weft/queue.h"
#include "weft/scope.h"
#include "weft/shared.h"

/* Both outside fibers and in one. */
static void both_with(weft_fiber_fn *body, void *arg)
{
	CHECK_INT(body(arg), ==, 0);
	CHECK_INT(weft_run(&(struct weft_run_options){.workers = 2}, body, arg), ==, 0);
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
		snprintf(name, sizeof name, "test-queue-damage-%d", (int)getpid());
	return name;
}

/* ---- Far on, and held up
 * ----------------------------------------------------------------------------- */

/* What lies where in a queue: src/process/queue.h. */
#define PRODUCERS_AT 128
#define CONSUMERS_AT 256
#define POSITION     16
#define RING_AT      512

static unsigned char *memory_of(struct weft_segment **ret_segment)
{
	*ret_segment = weft_segment_new(
		own_name(), 0, &(struct weft_segment_options){.type = "weft queue"});
	CHECK(*ret_segment != NULL);
	return weft_segment_data(*ret_segment);
}

#define FAR_MESSAGES 3000

static void produce_far(struct weft_queue *queue, int number)
{
	char bytes[48];

	(void)number;
	for (int i = 0; i < FAR_MESSAGES; i++) {
		memset(bytes, i, sizeof bytes);
		CHECK_INT(weft_queue_put(queue, bytes, (size_t)i % sizeof bytes), ==, 0);
	}
	weft_queue_close(queue);
}

/* Where it stands after 32 GB, or 2^32 messages: both halves of a position begin anew. */
static void goes_on_from(uint64_t position, size_t messages_max)
{
	struct weft_queue *queue = weft_queue_new(own_name(),
		&(struct weft_queue_options){.capacity_bytes = 64, .messages_max = messages_max});
	struct weft_segment *segment;
	unsigned char *memory = memory_of(&segment);
	char bytes[48];
	size_t len;
	pid_t pid;

	for (int i = 0; i < 2; i++) {
		memcpy(memory + PRODUCERS_AT + POSITION + 8 * i, &position, sizeof position);
		memcpy(memory + CONSUMERS_AT + POSITION + 8 * i, &position, sizeof position);
	}
	CHECK_INT(weft_queue_len(queue), ==, 0);
	CHECK(weft_queue_is_empty(queue) && !weft_queue_is_full(queue));
	pid = child(produce_far, queue, 0);
	for (int i = 0; i < FAR_MESSAGES; i++) {
		CHECK_INT(weft_queue_get(queue, bytes, sizeof bytes, &len), ==, 1);
		CHECK_INT(len, ==, (size_t)i % sizeof bytes);
		for (size_t k = 0; k < len; k++)
			CHECK_INT(bytes[k], ==, (char)i);
		CHECK_INT(weft_queue_len(queue), <=, 8);
	}
	CHECK_INT(weft_queue_get(queue, bytes, sizeof bytes, &len), ==, 0);
	ended(pid);
	weft_segment_free(segment);
	weft_queue_free(queue);
}

CHECK_CASE(a_queue_goes_on_where_its_counters_begin_anew)
{
	goes_on_from(UINT64_MAX, 0);
	goes_on_from(UINT64_C(0xfffffff0fffffff8), 0);
	goes_on_from(UINT64_C(0x00000000fffffffa), 1);
	goes_on_from(UINT64_C(0xfffffffa00000000), 2);
}

static void stop_within(struct weft_queue *queue, int at)
{
	struct weft_segment *segment;
	unsigned char *memory;

	(void)queue;
	memory = memory_of(&segment);
	CHECK_INT(
		weft_shared_lock_acquire((struct weft_shared_lock *)(void *)(memory + at)), ==, 0);
	raise(SIGSTOP);
	_exit(1);
}

static int nothing_waits_for_ever(void *arg)
{
	struct weft_queue *queue = arg;
	char letter;

	CHECK_ERRNO(weft_queue_try_put(queue, "b", 1), EAGAIN);
	CHECK_ERRNO(weft_queue_try_get(queue, &letter, 1, NULL), EAGAIN);
	WEFT_WITH_TIMEOUT (WEFT_MILLISECONDS(5))
		CHECK_ERRNO(weft_queue_put(queue, "b", 1), ETIMEDOUT);
	WEFT_WITH_TIMEOUT (WEFT_MILLISECONDS(5))
		CHECK_ERRNO(weft_queue_get(queue, &letter, 1, NULL), ETIMEDOUT);
	CHECK_INT(weft_queue_len(queue), ==, 1);
	return 0;
}

CHECK_CASE(processes_stopped_within_a_queue_hold_up_only_who_waits_and_dead_ones_nobody)
{
	struct weft_queue *queue = weft_queue_new(own_name(), NULL);
	pid_t pids[2];
	int status;
	char letter;

	CHECK_INT(weft_queue_put(queue, "a", 1), ==, 0);
	for (int i = 0; i < 2; i++) {
		pids[i] = child(stop_within, queue, i ? CONSUMERS_AT : PRODUCERS_AT);
		CHECK_INT(waitpid(pids[i], &status, WUNTRACED), ==, pids[i]);
		CHECK(WIFSTOPPED(status));
	}
	both_with(nothing_waits_for_ever, queue);
	weft_queue_close(queue);
	CHECK(weft_queue_is_closed(queue));
	for (int i = 0; i < 2; i++) {
		kill(pids[i], SIGKILL);
		CHECK_INT(waitpid(pids[i], &status, 0), ==, pids[i]);
	}
	CHECK_ERRNO(weft_queue_put(queue, "b", 1), EPIPE);
	CHECK_INT(weft_queue_get(queue, &letter, 1, NULL), ==, 1);
	CHECK_INT(weft_queue_get(queue, &letter, 1, NULL), ==, 0);
	weft_queue_free(queue);
}

/* ---- What others wrote over it
 * ----------------------------------------------------------------------- */

struct offset {
	size_t at;
	uint64_t value;
};

/* See src/process/queue.h for what lies where. */
CHECK_CASE(a_damaged_queue_is_refused_and_never_believed)
{
	const struct offset shapes[] = {
		{0, 2}, {8, 100}, {8, UINT64_C(1) << 40}, {8, 1 << 20}, {16, 0}, {24, 1 << 20}};
	struct weft_segment *segment;
	struct weft_queue *queue =
		weft_queue_new(own_name(), &(struct weft_queue_options){.capacity_bytes = 4096});
	char *memory, text[100];

	CHECK(queue != NULL);
	segment = weft_segment_new(
		own_name(), 0, &(struct weft_segment_options){.type = "weft queue"});
	CHECK(segment != NULL);
	memory = weft_segment_data(segment);
	for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
		uint64_t before, *field = (uint64_t *)(void *)(memory + shapes[i].at);

		before = *field;
		*field = shapes[i].value;
		CHECK_ERRNO(weft_queue_new(own_name(), NULL), EPROTO);
		*field = before;
	}
	/* Positions and lengths from anywhere: an error, or some bytes; never another's memory. */
	srand(1);
	for (unsigned i = 0; i < check_rounds(20000); i++) {
		memory[128 + rand() % 200] = (char)rand();
		memory[512 + rand() % 64] = (char)rand();
		memset(memory + 128, 0, 4); /* but the locks: those say who lives */
		memset(memory + 256, 0, 4);
		weft_queue_try_get(queue, text, sizeof text, NULL);
		weft_queue_try_put(queue, text, (size_t)(rand() % 100));
		weft_queue_len(queue);
	}
	*(uint64_t *)(void *)(memory + 256 + 16) = 0;
	*(uint64_t *)(void *)(memory + 128 + 16) = UINT64_C(1) << 32 | 0x1000000;
	memset(memory + 256 + 24, 0, 8);
	memset(memory + 128 + 24, 0, 8);
	memset(memory + 384, 0, 12);
	CHECK_ERRNO(weft_queue_get(queue, text, sizeof text, NULL), EBADMSG);
	CHECK_ERRNO(weft_queue_put(queue, text, sizeof text), EBADMSG);
	weft_segment_free(segment);
	weft_queue_free(queue);
}

CHECK_CASE(a_length_that_no_message_can_have_is_damage)
{
	const uint64_t lengths[] = {9, 57, 64, 4096, UINT32_MAX, UINT64_C(1) << 32,
		UINT64_C(1) << 35, (UINT64_C(1) << 35) + 8, UINT64_C(1) << 63, UINT64_MAX - 7,
		UINT64_MAX};
	struct weft_queue *queue =
		weft_queue_new(own_name(), &(struct weft_queue_options){.capacity_bytes = 64});
	struct weft_segment *segment;
	unsigned char *ring = memory_of(&segment) + RING_AT;
	char text[56];
	size_t len = 5;

	CHECK_INT(weft_queue_put(queue, "message", 8), ==, 0);
	for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
		memcpy(ring, &lengths[i], sizeof *lengths);
		CHECK_ERRNO(weft_queue_try_get(queue, text, sizeof text, &len), EBADMSG);
		CHECK_ERRNO(weft_queue_get(queue, NULL, 0, &len), EBADMSG);
		CHECK_INT(len, ==, 5);
	}
	memcpy(ring, &(uint64_t){8}, sizeof *lengths);
	CHECK_INT(weft_queue_get(queue, text, sizeof text, &len), ==, 1);
	CHECK_STR(text, "message");
	weft_segment_free(segment);
	weft_queue_free(queue);
}

CHECK_MAIN()
