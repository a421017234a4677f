/*
 * test_serve_models.c - the same handlers under every model of serving, from a thread and
 * from a fiber: what they hear and say, how they end, and how they are counted.
 *
 * check: tsan drivers
 */
#include "weft/serve.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>

#include "both.h"
#include "descriptors.h"
#include "weft/scope.h"
#include "weft/sim.h"
#include "weft/socket.h"

/* A server in a thread of its own, and what its handlers tell, from whichever process. */
static struct {
	struct weft_listener *listener;
	weft_handler_fn *handler;
	struct weft_serve_options options;
	bool in_fiber;
	pthread_t thread;
	int result, code;
	int told[2]; /* a pipe: a byte for each thing that a handler tells */
} house;

static int serve(void *arg)
{
	(void)arg;
	house.result = weft_serve(house.listener, house.handler, "arg", &house.options);
	house.code = errno;
	return 0;
}

static void *run_house(void *arg)
{
	if (house.in_fiber)
		weft_run(&(struct weft_run_options){.workers = 2}, serve, arg);
	else
		serve(arg);
	return NULL;
}

static void house_open(weft_handler_fn *handler)
{
	house.listener = weft_listener_new("127.0.0.1:0", NULL);
	CHECK(house.listener != NULL);
	house.handler = handler;
	CHECK_INT(pipe2(house.told, O_CLOEXEC), ==, 0);
	house.thread = peer_start(run_house, NULL);
}

static void house_close(void)
{
	weft_serve_stop(house.listener);
	peer_end(house.thread);
	CHECK_INT(house.result, ==, 0);
	/* Nobody is left: no child, and no zombie. */
	CHECK_ERRNO(waitpid(-1, NULL, WNOHANG), ECHILD);
}

static void house_end(void)
{
	weft_listener_free(house.listener);
	close(house.told[0]);
	close(house.told[1]);
}

static void tell(char what)
{
	CHECK_INT(write(house.told[1], &what, 1), ==, 1);
}

static char hear_told(void)
{
	char what;

	CHECK_INT(read(house.told[0], &what, 1), ==, 1);
	return what;
}

static int visit(void)
{
	const struct weft_address *address = weft_listener_address(house.listener);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	CHECK_INT(connect(fd, &address->any, address->len), ==, 0);
	return fd;
}

static void say(int fd, const char *text)
{
	CHECK_INT(send(fd, text, strlen(text), MSG_NOSIGNAL), ==, strlen(text));
}

static void hear(int fd, const char *text)
{
	char data[100];

	CHECK_INT(recv(fd, data, strlen(text), MSG_WAITALL), ==, strlen(text));
	CHECK_MEM(data, text, strlen(text));
}

/* Processes may have copies of our end: close(2) alone would end nothing. */
static void leave(int fd)
{
	CHECK_INT(shutdown(fd, SHUT_RDWR), ==, 0);
	close(fd);
}

/* The end of the connection, by FIN or by reset. */
static void hear_end(int fd)
{
	char byte;

	CHECK_INT(recv(fd, &byte, 1, 0), <=, 0);
	close(fd);
}

static struct weft_serve_counts counts(void)
{
	struct weft_serve_counts now;

	weft_serve_counts(house.listener, &now);
	return now;
}

/* Both callers, each with every model that has one of the letters. */
#define FIBER   1
#define LOOP    2
#define THREAD  4
#define POOL    8
#define FORK    16
#define PREFORK 32
#define ALL     63

static void with_models(unsigned which, void (*body)(void))
{
	const char *only = getenv("MODEL");

	for (int caller = 0; caller < 2; caller++)
		for (size_t i = 0; weft_serve_model_at(i); i++) {
			int before = descriptors();
			const char *model = weft_serve_model_at(i);

			if (!(which & 1U << i) || (only && strcmp(only, model) != 0))
				continue;
			memset(&house, 0, sizeof(house));
			house.in_fiber = caller == 1;
			house.options = (struct weft_serve_options){.model = model, .size = 3};
			printf("# %s%s\n", model, caller ? ", in a fiber" : "");
			fflush(stdout);
			body();
			CHECK_INT(descriptors(), ==, before);
		}
}

/* ---- The handlers --------------------------------------------------------------------------- */

static int echo(struct weft_stream *peer, void *arg)
{
	const char *line;
	ssize_t len;

	CHECK_STR(arg, "arg");
	while ((len = weft_stream_readline(peer, &line)) > 0)
		if (weft_stream_write_all(peer, line, (size_t)len) < 0 ||
			weft_stream_flush(peer) < 0)
			return -1;
	return (int)len;
}

static void serve_visitors(void)
{
	enum { VISITORS = 20 };

	house_open(echo);
	for (int i = 0; i < VISITORS; i++) {
		int fd = visit();

		say(fd, "hello\n");
		hear(fd, "hello\n");
		CHECK_INT(shutdown(fd, SHUT_WR), ==, 0);
		hear_end(fd);
	}
	house_close();
	CHECK_INT(counts().accepted, ==, VISITORS);
	CHECK_INT(counts().ended, ==, VISITORS);
	CHECK_INT(counts().failed + counts().crashed + counts().refused, ==, 0);
	house_end();
}

CHECK_CASE(one_after_the_other_they_are_served_by_every_model)
{
	with_models(ALL, serve_visitors);
}

static void serve_three_at_once(void)
{
	int fds[3];

	house_open(echo);
	for (int i = 0; i < 3; i++)
		fds[i] = visit();
	for (int i = 2; i >= 0; i--) {
		say(fds[i], "here\n");
		hear(fds[i], "here\n");
	}
	CHECK_INT(counts().accepted, ==, 3);
	for (int i = 0; i < 3; i++) {
		CHECK_INT(shutdown(fds[i], SHUT_WR), ==, 0);
		hear_end(fds[i]);
	}
	house_close();
	house_end();
}

CHECK_CASE(several_at_once_are_served_by_all_but_the_loop)
{
	with_models(ALL & ~LOOP, serve_three_at_once);
}

/* The loop goes on to the second when the first has ended. */
static void serve_in_turn(void)
{
	int first, second;

	house_open(echo);
	first = visit();
	say(first, "first\n");
	hear(first, "first\n");
	second = visit();
	say(second, "second\n");
	CHECK_INT(counts().accepted, ==, 1);
	leave(first);
	hear(second, "second\n");
	leave(second);
	house_close();
	CHECK_INT(counts().accepted, ==, 2);
	house_end();
}

CHECK_CASE(the_loop_serves_one_after_the_other)
{
	with_models(LOOP, serve_in_turn);
}

/* ---- Ends --------------------------------------------------------------------------------------
 */

static int fail_at_once(struct weft_stream *peer, void *arg)
{
	(void)arg;
	CHECK_INT(weft_stream_write_all(peer, "no\n", 3), ==, 0); /* flushed after the return */
	return -1;
}

static void serve_failures(void)
{
	house_open(fail_at_once);
	for (int i = 0; i < 5; i++) {
		int fd = visit();

		hear(fd, "no\n");
		hear_end(fd);
	}
	house_close();
	CHECK_INT(counts().ended, ==, 5);
	CHECK_INT(counts().failed, ==, 5);
	CHECK_INT(counts().crashed, ==, 0);
	house_end();
}

CHECK_CASE(a_handler_that_fails_is_counted_and_what_it_wrote_is_sent)
{
	with_models(ALL, serve_failures);
}

static int wait_for_late(struct weft_stream *peer, void *arg)
{
	char byte;

	(void)arg;
	CHECK_INT(weft_stream_write_all(peer, "+", 1), ==, 0);
	CHECK_INT(weft_stream_flush(peer), ==, 0);
	WEFT_WITH_TIMEOUT (WEFT_MILLISECONDS(1))
		CHECK_ERRNO(weft_stream_read(peer, &byte, 1), ETIMEDOUT);
	return weft_stream_write_all(peer, "late", 4);
}

static void serve_late(void)
{
	int fd;

	house_open(wait_for_late);
	fd = visit();
	hear(fd, "+late");
	hear_end(fd);
	house_close();
	house_end();
}

CHECK_CASE(deadlines_hold_in_every_model)
{
	with_models(ALL, serve_late);
}

static void serve_until_done(void)
{
	int fd;

	house.options.grace_ns = WEFT_SECONDS(30);
	house_open(echo);
	fd = visit();
	say(fd, "before\n");
	hear(fd, "before\n");
	weft_serve_stop(house.listener);
	say(fd, "after\n");
	hear(fd, "after\n");
	CHECK_INT(shutdown(fd, SHUT_WR), ==, 0);
	hear_end(fd);
	house_close();
	CHECK_INT(counts().failed, ==, 0);
	house_end();
}

CHECK_CASE(a_stop_lets_running_handlers_finish_in_every_model)
{
	with_models(ALL, serve_until_done);
}

static int overstay(struct weft_stream *peer, void *arg)
{
	char byte;

	(void)arg;
	tell('+');
	CHECK_ERRNO(weft_stream_read(peer, &byte, 1), ECANCELED);
	CHECK_ERRNO(weft_sleep(1000), ECANCELED);
	WEFT_SHIELDED
		CHECK_INT(weft_sleep(1000), ==, 0);
	tell('c');
	return -1;
}

static void serve_the_overstaying(void)
{
	int fd;

	house.options.grace_ns = WEFT_MILLISECONDS(5);
	house_open(overstay);
	fd = visit();
	CHECK_INT(hear_told(), ==, '+');
	house_close();
	CHECK_INT(hear_told(), ==, 'c');
	hear_end(fd);
	CHECK_INT(counts().failed, ==, 1);
	CHECK_INT(counts().crashed, ==, 0);
	house_end();
}

CHECK_CASE(handlers_that_overstay_the_grace_time_are_cancelled_in_every_model)
{
	with_models(ALL, serve_the_overstaying);
}

static int late_serve(void *arg)
{
	(void)arg;
	WEFT_WITH_TIMEOUT (WEFT_MILLISECONDS(5))
		CHECK_ERRNO(weft_serve(house.listener, house.handler, "arg", &house.options),
			ETIMEDOUT);
	return 0;
}

static void serve_within_a_deadline(void)
{
	house.listener = weft_listener_new("127.0.0.1:0", NULL);
	CHECK(house.listener != NULL);
	house.handler = echo;
	CHECK_INT(pipe2(house.told, O_CLOEXEC), ==, 0);
	if (house.in_fiber)
		CHECK_INT(weft_run(NULL, late_serve, NULL), ==, 0);
	else
		late_serve(NULL);
	CHECK_ERRNO(waitpid(-1, NULL, WNOHANG), ECHILD);
	house_end();
}

CHECK_CASE(serving_obeys_the_callers_deadline)
{
	with_models(ALL & ~FIBER, serve_within_a_deadline);
}

/* ---- Processes
 * ------------------------------------------------------------------------------------- */

static int say_pid(struct weft_stream *peer, void *arg)
{
	weft_stream_printf(peer, "%08d\n", (int)getpid());
	if (weft_stream_flush(peer) < 0)
		return -1;
	return echo(peer, arg);
}

static pid_t hear_pid(int fd)
{
	char text[10] = "";

	CHECK_INT(recv(fd, text, 9, MSG_WAITALL), ==, 9);
	return (pid_t)strtol(text, NULL, 10);
}

/* Until the supervisor has seen it: its count is what says so. */
static void await_crashes(uint64_t count)
{
	while (counts().crashed < count)
		usleep(1000);
}

static void kill_one_of_three(void)
{
	int fds[3];
	pid_t pids[3];

	house_open(say_pid);
	for (int i = 0; i < 3; i++) {
		fds[i] = visit();
		pids[i] = hear_pid(fds[i]);
		CHECK(pids[i] != getpid());
	}
	CHECK_INT(kill(pids[1], SIGKILL), ==, 0);
	hear_end(fds[1]);
	await_crashes(1);
	for (int i = 0; i < 3; i += 2) {
		say(fds[i], "alive\n");
		hear(fds[i], "alive\n");
	}
	/* There is room for another. */
	fds[1] = visit();
	CHECK(hear_pid(fds[1]) != pids[1]);
	for (int i = 0; i < 3; i++)
		leave(fds[i]);
	house_close();
	CHECK_INT(counts().accepted, ==, 4);
	CHECK_INT(counts().ended, ==, 4);
	CHECK_INT(counts().crashed, ==, 1);
	CHECK_INT(counts().replaced, ==, strcmp(house.options.model, "prefork") == 0);
	house_end();
}

CHECK_CASE(a_killed_process_takes_nobody_with_it_and_is_replaced)
{
	with_models(FORK | PREFORK, kill_one_of_three);
}

static int crash(struct weft_stream *peer, void *arg)
{
	char byte = 0;

	(void)arg;
	weft_stream_read(peer, &byte, 1);
	if (byte == 'e')
		_exit(9);
	if (byte == 'k')
		raise(SIGKILL);
	return weft_stream_write_all(peer, "fine", 4);
}

static void crash_again_and_again(void)
{
	house.options.size = 2;
	house_open(crash);
	for (int i = 0; i < 6; i++) {
		int fd = visit();

		say(fd, i % 2 ? "e" : "k");
		hear_end(fd);
	}
	for (int i = 0; i < 3; i++) {
		int fd = visit();

		say(fd, "x");
		hear(fd, "fine");
		hear_end(fd);
	}
	await_crashes(6);
	house_close();
	CHECK_INT(counts().crashed, ==, 6);
	CHECK_INT(counts().ended, ==, 9);
	house_end();
}

CHECK_CASE(a_server_whose_processes_crash_goes_on)
{
	with_models(FORK | PREFORK, crash_again_and_again);
}

static int spin(struct weft_stream *peer, void *arg)
{
	(void)peer;
	(void)arg;
	tell('+');
	for (volatile int i = 0;; i++)
		;
	return 0;
}

/* Only killing ends it; that is seen by who waits for it, 5 s after its cancelling. */
static void serve_the_deaf(void)
{
	int fd;

	house.options.grace_ns = -1;
	house_open(spin);
	fd = visit();
	CHECK_INT(hear_told(), ==, '+');
	house_close();
	hear_end(fd);
	CHECK_INT(counts().crashed, ==, 1);
	house_end();
}

CHECK_CASE(a_process_that_hears_of_nothing_is_killed_at_last)
{
	if (!getenv("CHECK_ROUNDS"))
		check_skip("it takes 20 s: make soak");
	with_models(FORK | PREFORK, serve_the_deaf);
}

/* The server itself is killed: its processes end with what they have, and leave the port. */
static void kill_the_server(void)
{
	struct pollfd ends;
	int pipe_fds[2], fd;
	pid_t pid;

	CHECK_INT(pipe(pipe_fds), ==, 0);
	house.listener = weft_listener_new("127.0.0.1:0", NULL);
	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		close(pipe_fds[0]);
		house.handler = say_pid;
		CHECK_INT(pipe2(house.told, O_CLOEXEC), ==, 0);
		run_house(NULL);
		_exit(0);
	}
	close(pipe_fds[1]);
	fd = visit();
	CHECK(hear_pid(fd) != pid);
	CHECK_INT(kill(pid, SIGKILL), ==, 0);
	CHECK_INT(waitpid(pid, NULL, 0), ==, pid);
	say(fd, "still\n");
	hear(fd, "still\n");
	leave(fd);
	/* Each of them has the other end of the pipe. */
	ends = (struct pollfd){.fd = pipe_fds[0], .events = POLLIN};
	CHECK_INT(poll(&ends, 1, -1), ==, 1);
	CHECK(ends.revents & POLLHUP);
	close(pipe_fds[0]);
	weft_listener_free(house.listener);
}

CHECK_CASE(processes_end_when_their_server_is_killed)
{
	with_models(FORK | PREFORK, kill_the_server);
}

static int print(struct weft_stream *peer, void *arg)
{
	(void)arg;
	printf("p"); /* stdout is a pipe here: it stays in stdio's buffer */
	return weft_stream_write_all(peer, ".", 1);
}

static void print_in_processes(void)
{
	int saved = dup(STDOUT_FILENO), fds[2], fd;
	char text[8] = "";

	CHECK_INT(pipe(fds), ==, 0);
	CHECK_INT(dup2(fds[1], STDOUT_FILENO), ==, STDOUT_FILENO);
	house_open(print);
	fd = visit();
	hear(fd, ".");
	hear_end(fd);
	house_close();
	fflush(stdout);
	CHECK_INT(dup2(saved, STDOUT_FILENO), ==, STDOUT_FILENO);
	close(saved);
	close(fds[1]);
	CHECK_INT(read(fds[0], text, sizeof(text)), ==, 1);
	CHECK_INT(text[0], ==, 'p');
	close(fds[0]);
	house_end();
}

CHECK_CASE(what_a_handler_prints_is_printed_once)
{
	with_models(ALL & ~FIBER, print_in_processes);
}

/* ---- Limits
 * ------------------------------------------------------------------------------------------ */

static void await_ended(uint64_t count)
{
	while (counts().ended < count)
		usleep(1000);
}

static void fill_up(void)
{
	int first, second;

	house.options.connections_max = 1;
	house_open(echo);
	first = visit();
	say(first, "first\n");
	hear(first, "first\n");
	second = visit(); /* waits in the backlog */
	say(second, "second\n");
	CHECK_INT(counts().accepted, ==, 1);
	leave(first);
	hear(second, "second\n");
	leave(second);
	await_ended(2);
	CHECK_INT(counts().refused, ==, 0);
	house_close();
	house_end();
}

CHECK_CASE(beyond_the_limit_they_wait)
{
	with_models(ALL & ~LOOP, fill_up);
}

static int say_busy(struct weft_stream *peer, void *arg)
{
	CHECK_STR(arg, "arg");
	return weft_stream_write_all(peer, "busy", 4);
}

static void turn_away(void)
{
	int first, second;

	house.options.connections_max = 1;
	house.options.busy = say_busy;
	house_open(echo);
	first = visit();
	say(first, "first\n");
	hear(first, "first\n");
	for (int i = 0; i < 3; i++) {
		second = visit();
		hear(second, "busy");
		hear_end(second);
	}
	CHECK_INT(counts().refused, ==, 3);
	CHECK_INT(shutdown(first, SHUT_WR), ==, 0);
	hear_end(first);
	await_ended(1);
	house_close();
	CHECK_INT(counts().accepted, ==, 1);
	house_end();
}

CHECK_CASE(beyond_the_limit_the_busy_handler_answers)
{
	with_models(THREAD | FORK, turn_away);
}

CHECK_CASE(what_cannot_be_is_refused)
{
	struct weft_serve_options options = {.model = "no such"};

	house.listener = weft_listener_new("127.0.0.1:0", NULL);
	CHECK_ERRNO(weft_serve(house.listener, echo, NULL, &options), EINVAL);
	options = (struct weft_serve_options){.driver = "no such"};
	CHECK_ERRNO(weft_serve(house.listener, echo, NULL, &options), EINVAL);
	CHECK_ERRNO(weft_serve(NULL, echo, NULL, NULL), 0);
	CHECK_INT(counts().accepted, ==, 0);
	weft_listener_free(house.listener);
	CHECK_STR(weft_serve_model_at(0), "fiber");
	CHECK(weft_serve_model_at(5) && !weft_serve_model_at(6));
}

static int serve_simulated(void *arg)
{
	struct weft_serve_options options = {.model = arg};
	struct weft_listener *listener = weft_listener_new("0.0.0.0:80", NULL);

	CHECK(listener != NULL);
	CHECK_ERRNO(weft_serve(listener, echo, NULL, &options), ENOTSUP);
	weft_listener_free(listener);
	return 0;
}

CHECK_CASE(threads_and_processes_have_no_place_in_the_simulator)
{
	static char thread[] = "thread", prefork[] = "prefork";

	CHECK_INT(weft_sim_run(1, NULL, serve_simulated, thread), ==, 0);
	CHECK_INT(weft_sim_run(1, NULL, serve_simulated, prefork), ==, 0);
}

/* ---- Many
 * ---------------------------------------------------------------------------------------------- */

static void *visit_often(void *arg)
{
	for (int i = 0; i < 30; i++) {
		int fd = visit();

		say(fd, "hello\n");
		hear(fd, "hello\n");
		CHECK_INT(shutdown(fd, SHUT_WR), ==, 0);
		hear_end(fd);
	}
	return arg;
}

static void serve_a_crowd(void)
{
	pthread_t crowd[4];

	house_open(echo);
	for (int i = 0; i < 4; i++)
		crowd[i] = peer_start(visit_often, NULL);
	for (int i = 0; i < 4; i++)
		peer_end(crowd[i]);
	house_close();
	CHECK_INT(counts().accepted, ==, 120);
	CHECK_INT(counts().ended, ==, 120);
	house_end();
}

CHECK_CASE(a_crowd_that_comes_and_goes_is_served_by_every_model)
{
	with_models(ALL, serve_a_crowd);
}

CHECK_MAIN()
