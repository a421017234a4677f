/*
 * child_pool.c - weft's side of pool and pipe: the same work as limit/pool_min.c and ipc_min.c.
 *
 * Entry points: child_pool(), child_pipe().
 */
#include "child.h"

#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "weft/fiber.h"
#include "weft/pipe.h"
#include "weft/process_pool.h"

#define TASKS        100000
#define TASKS_AHEAD  200
#define ITEMS        2000000
#define MESSAGES     400000
#define MESSAGE_SIZE 64

static void fail(const char *what)
{
	perror(what);
	exit(1);
}

/* ---- Pool ------------------------------------------------------------------------------ */

static int square(const void *data, size_t len, struct weft_buf *result)
{
	double number;

	memcpy(&number, data, sizeof number);
	number *= number;
	return len == sizeof number ? weft_buf_append(result, &number, sizeof number) : -1;
}

static void finish(struct weft_pool_task *task)
{
	if (task && (weft_pool_task_wait(task, WEFT_FOREVER) < 0 ||
			    weft_pool_task_result(task, NULL) < 0))
		fail("task");
	weft_pool_task_free(task);
}

static double task_rate(struct weft_pool *pool)
{
	struct weft_pool_task *tasks[TASKS_AHEAD] = {NULL};
	int64_t start = bench_now();

	for (int i = 0; i < TASKS; i++) {
		struct weft_pool_task **place = &tasks[i % TASKS_AHEAD];
		double number = i;

		finish(*place);
		*place = weft_pool_submit(pool, "square", &number, sizeof number);
		if (!*place)
			fail("submit");
	}
	for (int i = 0; i < TASKS_AHEAD; i++)
		finish(tasks[i]);
	return TASKS * 1e9 / (double)(bench_now() - start);
}

static int add(const struct weft_pool_result *result, void *sum)
{
	double number;

	memcpy(&number, result->data, sizeof number);
	*(double *)sum += number;
	return 0;
}

static double item_rate(struct weft_pool *pool)
{
	double *numbers = calloc(ITEMS, sizeof *numbers), sum = 0;
	struct weft_pool_map map = {.call = "square",
		.items = numbers,
		.count = ITEMS,
		.item_size = sizeof *numbers,
		.each = add,
		.arg = &sum};
	int64_t start;

	for (int i = 0; i < ITEMS; i++)
		numbers[i] = i % 2;
	start = bench_now();
	if (weft_pool_map(pool, &map) < 0 || sum != ITEMS / 2)
		fail("map");
	start = bench_now() - start;
	free(numbers);
	return ITEMS * 1e9 / (double)start;
}

int child_pool(const char *argument)
{
	static const struct weft_pool_call calls[] = {{"square", square, true}};
	struct weft_pool *pool = weft_pool_new(
		&(struct weft_pool_options){.calls = calls, .call_count = 1, .workers = 2});
	double tasks, items;

	(void)argument;
	if (!pool)
		fail("pool");
	tasks = task_rate(pool);
	items = item_rate(pool);
	printf("%.1f %.1f\n", tasks, items);
	weft_pool_free(pool);
	return 0;
}

/* ---- Pipe ---------------------------------------------------------------------------------- */

static void send_all(struct weft_pipe *pipe)
{
	char message[MESSAGE_SIZE] = "";

	for (int i = 0; i < MESSAGES; i++)
		if (weft_pipe_send(pipe, message, sizeof message) < 0)
			fail("send");
}

static void recv_all(struct weft_pipe *pipe)
{
	char message[MESSAGE_SIZE];
	size_t len;

	for (int i = 0; i < MESSAGES; i++)
		if (weft_pipe_recv(pipe, message, sizeof message, &len) != 1)
			fail("recv");
}

int child_pipe(const char *argument)
{
	struct weft_pipe *ends[2];
	int64_t start = bench_now();

	(void)argument;
	if (weft_pipe_pair(NULL, ends) < 0)
		fail("pipe");
	for (int i = 0; i < 2; i++) {
		if (fork() > 0)
			continue;
		if (i)
			send_all(ends[i]);
		else
			recv_all(ends[i]);
		_exit(0);
	}
	while (wait(NULL) > 0)
		;
	printf("%.1f\n", MESSAGES * 1e9 / (double)(bench_now() - start));
	return 0;
}
