/*
 * process.c - processes: records, starting, joining, signals (include/weft/process.h).
 *
 * Must never: signal or wait for a number; a descriptor of a process is of that one for good.
 */
#include "process/process.h"

#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fiber/driver/driver.h"
#include "fiber/runtime.h"
#include "weft/scope.h"
#include "weft/socket.h"

/* In a child that runs a function. */
static struct weft_process *current;

int weft__process_fail(int code)
{
	errno = code;
	return -1;
}

void weft__process_release(struct weft_process *process)
{
	if (--process->holders == 0)
		weft__process_destroy(process);
}

void weft_process_free(struct weft_process *process)
{
	int saved = errno;
	bool is_left;

	if (!process)
		return;
	is_left =
		process->kept_begin && weft_process_is_alive(process) && weft__nursery_open() == 0;
	weft__nursery_lock();
	if (is_left && process->state == WEFT__PROCESS_RUNNING && --process->joiners == 0)
		weft__nursery_watch(process); /* its keeper has no patience */
	/* Our ends go now, also of one that runs on. */
	for (int i = 0; i < 3; i++)
		weft_process_close_stream(process, i);
	weft__process_release(process);
	weft__nursery_unlock();
	errno = saved;
}

/* ---- Starting ------------------------------------------------------------------------------ */

/* On a thread of its own for a fiber: it takes longer than a fiber may hold up its worker. And a
 * daemon's parent is, to the kernel, the thread that has forked. */
static int launch(struct weft_process *process)
{
	if (!process->kept_begin && (weft__worker || process->options.is_daemon))
		return weft__nursery_launch(process);
	return weft__process_launch(process);
}

static void begin_running(struct weft_process *process)
{
	process->state = WEFT__PROCESS_RUNNING;
	process->holders++;
	weft_list_push_back(&weft__nursery_living, &process->node);
	if (process->pid_fd < 0)
		weft__process_reap(process); /* it has been, by others */
	else if (process->kept_begin)
		process->joiners++; /* who is there for good */
	else
		weft__nursery_watch(process); /* no memory: whoever joins it reaps it */
}

int weft_process_start(struct weft_process *process)
{
	int code = 0;

	if (process->kept_begin)
		weft__nursery_prepare();
	else
		code = weft__nursery_open();
	if (code)
		return weft__process_fail(code);
	weft__nursery_lock();
	code = process->state == WEFT__PROCESS_NEW ? 0 : EINVAL;
	if (code == 0) {
		process->state = WEFT__PROCESS_STARTING;
		weft__nursery_starting++;
	}
	weft__nursery_unlock();
	if (code)
		return weft__process_fail(code);
	code = launch(process);
	weft__nursery_lock();
	weft__nursery_starting--;
	if (code == 0)
		begin_running(process);
	else
		process->state = WEFT__PROCESS_NEW;
	weft__nursery_unlock();
	return code ? weft__process_fail(code) : 0;
}

/* ---- Functions, in the child ------------------------------------------------------------------
 */

int weft_process_run(struct weft_process *process)
{
	return process->fn ? process->fn(process->arg) : 0;
}

static int run(struct weft_process *process)
{
	static const struct weft_process_ops no_ops;
	const struct weft_process_ops *ops = process->options.ops ? process->options.ops : &no_ops;
	int result = ops->begin ? ops->begin(process) : 0;

	if (result == 0)
		result = ops->run ? ops->run(process) : weft_process_run(process);
	if (ops->end)
		ops->end(process, result);
	return result;
}

void weft__process_run_function(struct weft_process *process)
{
	int result;

	current = process;
	process->pid = getpid();
	prctl(PR_SET_NAME, process->name);
	result = run(process);
	fflush(stdout);
	fflush(stderr);
	_exit(result & 0xff);
}

struct weft_process *weft_process_current(void)
{
	return current;
}
