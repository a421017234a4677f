/*
 * queue_calls.c - yardstick: the smallest run queue, of tasks that are plain calls.
 *
 *	queue_calls yield	take the first task, call it, put it back at the end; with
 *				two tasks, then with 64
 *	queue_calls spawn	take a task from the free ones, queue, take, call, free it
 *
 * Prints nanoseconds per task. A task has no stack of its own and can't wait: this is
 * what a scheduler costs before it has a single context switch.
 */
#include "timed.h"

#include <string.h>

#define TASKS  64
#define ROUNDS (10 * 1000 * 1000)

struct task {
	struct task *next;
	void (*fn)(struct task *task);
	uint64_t calls;
};

static struct task tasks[TASKS], *first, **last = &first, *free_tasks;

static void push(struct task *task)
{
	task->next = NULL;
	*last = task;
	last = &task->next;
}

static struct task *pop(void)
{
	struct task *task = first;

	first = task->next;
	if (first == NULL)
		last = &first;
	return task;
}

static void run_again(struct task *task)
{
	task->calls++;
	push(task);
}

static void run_once(struct task *task)
{
	task->calls++;
	task->next = free_tasks;
	free_tasks = task;
}

static void yield_round(int count)
{
	for (int i = 0; i < count; i++) {
		struct task *task = pop();

		task->fn(task);
	}
}

/* Spawns come in bursts of TASKS, as a server's do: the queue is not always empty. */
static void spawn_round(int count)
{
	for (int i = 0; i < count; i += TASKS) {
		for (int j = 0; j < TASKS; j++) {
			struct task *task = free_tasks;

			free_tasks = task->next;
			task->fn = run_once;
			push(task);
		}
		while (first != NULL) {
			struct task *task = pop();

			task->fn(task);
		}
	}
}

static double time_per_task(void (*round)(int))
{
	int64_t start;

	round(ROUNDS / 10);
	start = limit_cpu();
	round(ROUNDS);
	return (double)(limit_cpu() - start) / ROUNDS;
}

int main(int argc, char **argv)
{
	void (*round)(int) = argc > 1 && strcmp(argv[1], "spawn") == 0 ? spawn_round : yield_round;

	if (round == spawn_round) {
		for (int i = 0; i < TASKS; i++)
			run_once(&tasks[i]);
		printf("%.4f\n", time_per_task(round));
		return 0;
	}
	for (int i = 0; i < TASKS; i++) {
		tasks[i].fn = run_again;
		push(&tasks[i]);
		if (i == 1)
			printf("%.4f ", time_per_task(round));
	}
	printf("%.4f\n", time_per_task(round));
	return 0;
}
