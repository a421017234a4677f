/*
 * test_serve_processes.c - serving by processes: how they crash, exit, print, and end with
 * their server, and what the rest of the program may do meanwhile.
 *
 * check: tsan waits
 */
#include "models.h"

#include <sys/resource.h>
#include <sys/syscall.h>

#include "fiber/doze.h"
#include "weft/log.h"
#include "weft/process.h"

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
	if (byte >= '0' && byte <= '9')
		_exit(byte - '0');
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

		say(fd, (const char *[]){"k", "9", "0", "1", "k", "0"}[i]);
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

/* ---- Shortages ------------------------------------------------------------------------------ */

static int highest_descriptor(void)
{
	int fd = dup(STDIN_FILENO);

	CHECK(fd >= 0);
	close(fd);
	return fd;
}

static void run_out_of_descriptors(void)
{
	enum { VISITORS = 10 };
	const struct weft_address *address;
	struct rlimit limit, few;
	int fds[VISITORS];

	house_open(echo);
	address = weft_listener_address(house.listener);
	/* All members stand: one that is begun when descriptors are short is not. */
	for (int i = 0; i < 3; i++) {
		fds[i] = visit();
		say(fds[i], "hello\n");
	}
	for (int i = 0; i < 3; i++)
		hear(fds[i], "hello\n");
	for (int i = 0; i < 3; i++)
		leave(fds[i]);
	while (counts().ended < 3)
		usleep(1000);
	for (int i = 0; i < VISITORS; i++)
		fds[i] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	CHECK_INT(getrlimit(RLIMIT_NOFILE, &limit), ==, 0);
	few = limit;
	few.rlim_cur = (rlim_t)highest_descriptor() + 5;
	CHECK_INT(setrlimit(RLIMIT_NOFILE, &few), ==, 0);
	for (int i = 0; i < VISITORS; i++) {
		CHECK_INT(connect(fds[i], &address->any, address->len), ==, 0);
		say(fds[i], "hello\n");
	}
	for (int i = 0; i < VISITORS; i++) {
		hear(fds[i], "hello\n");
		CHECK_INT(shutdown(fds[i], SHUT_WR), ==, 0);
		hear_end(fds[i]);
	}
	CHECK_INT(setrlimit(RLIMIT_NOFILE, &limit), ==, 0);
	house_close();
	CHECK_INT(counts().accepted, ==, VISITORS + 3);
	CHECK_INT(counts().refused, ==, 0);
	house_end();
}

CHECK_CASE(while_descriptors_are_short_visitors_wait)
{
	with_models(THREAD | POOL | FORK | PREFORK, run_out_of_descriptors);
}

/* ---- What else the program does ------------------------------------------------------------ */

CHECK_CASE(where_SIGCHLD_is_ignored_crashes_are_seen_all_the_same)
{
	CHECK(sigaction(SIGCHLD, &(struct sigaction){.sa_handler = SIG_IGN}, NULL) == 0);
	with_models(FORK | PREFORK, crash_again_and_again);
}

static void wait_for_all(int number)
{
	int saved_errno = errno;

	(void)number;
	while (waitpid(-1, NULL, WNOHANG) > 0)
		;
	errno = saved_errno;
}

CHECK_CASE(where_the_program_waits_for_all_children_crashes_are_seen_all_the_same)
{
	struct sigaction action = {.sa_handler = wait_for_all, .sa_flags = SA_RESTART};

	CHECK(sigaction(SIGCHLD, &action, NULL) == 0);
	with_models(FORK | PREFORK, crash_again_and_again);
}

/* What is told of them by the log, and to which nothing else writes. */
static char log_path[64];

static void kill_one_while_orphans_are_adopted(void)
{
	char text[4096];
	FILE *file = fopen(log_path, "w");
	pid_t pid;
	size_t len;
	int fd;

	CHECK(file != NULL && fclose(file) == 0);
	house_open(say_pid);
	fd = visit();
	pid = hear_pid(fd);
	CHECK_INT(kill(pid, SIGKILL), ==, 0);
	hear_end(fd);
	await_crashes(1);
	house_close();
	CHECK_INT(counts().crashed, ==, 1);
	file = fopen(log_path, "r");
	CHECK(file != NULL);
	len = fread(text, 1, sizeof text - 1, file);
	text[len] = 0;
	fclose(file);
	CHECK(strstr(text, "was killed") != NULL && !strstr(text, "is gone"));
	house_end();
}

CHECK_CASE(where_orphans_are_adopted_it_is_known_how_a_process_ended)
{
	snprintf(log_path, sizeof log_path, "/tmp/weft-serve-XXXXXX");
	close(mkstemp(log_path));
	CHECK_INT(weft_logger_open(weft_logger_default(), log_path), ==, 0);
	CHECK_INT(weft_process_adopt_orphans(true), ==, 0);
	with_models(FORK | PREFORK, kill_one_while_orphans_are_adopted);
	CHECK_INT(weft_process_adopt_orphans(false), ==, 0);
	unlink(log_path);
}

/* A program that ignores SIGPIPE, and writes where nobody reads any more. */
static int write_to_nobody(struct weft_stream *peer, void *arg)
{
	int ends[2];

	(void)arg;
	if (pipe(ends) < 0)
		return -1;
	close(ends[0]);
	weft_stream_printf(peer, write(ends[1], "x", 1) < 0 && errno == EPIPE ? "." : "?");
	close(ends[1]);
	return 0;
}

static void serve_without_sigpipe(void)
{
	int fd;

	house_open(write_to_nobody);
	fd = visit();
	hear(fd, ".");
	hear_end(fd);
	house_close();
	CHECK_INT(counts().crashed, ==, 0);
	house_end();
}

CHECK_CASE(what_the_program_ignores_its_processes_ignore)
{
	CHECK(sigaction(SIGPIPE, &(struct sigaction){.sa_handler = SIG_IGN}, NULL) == 0);
	with_models(FORK | PREFORK, serve_without_sigpipe);
}

static int leave_at_once(struct weft_stream *peer, void *arg)
{
	(void)peer;
	(void)arg;
	return 0;
}

/* Some are gone before the server has a descriptor of them. */
static void serve_the_hasty(void)
{
	const unsigned visitors = check_rounds(100);

	house_open(leave_at_once);
	for (unsigned i = 0; i < visitors; i++)
		hear_end(visit());
	house_close();
	CHECK_INT(counts().accepted, ==, visitors);
	CHECK_INT(counts().ended, ==, visitors);
	CHECK_INT(counts().refused + counts().crashed, ==, 0);
	house_end();
}

CHECK_CASE(processes_that_are_gone_at_once_are_counted_where_SIGCHLD_is_ignored)
{
	CHECK(sigaction(SIGCHLD, &(struct sigaction){.sa_handler = SIG_IGN}, NULL) == 0);
	with_models(FORK | PREFORK, serve_the_hasty);
}

static void *signal_oneself(void *arg)
{
	sigset_t none;

	sigemptyset(&none);
	pthread_sigmask(SIG_SETMASK, &none, NULL);
	usleep(20000); /* the other one sleeps by now; if not, the case shows less */
	syscall(SYS_tgkill, getpid(), syscall(SYS_gettid), SIGTERM);
	syscall(SYS_tgkill, getpid(), syscall(SYS_gettid), SIGURG);
	return arg;
}

static int cancel_from_a_thread(struct weft_stream *peer, void *arg)
{
	pthread_t thread;

	(void)arg;
	CHECK_INT(pthread_create(&thread, NULL, signal_oneself, NULL), ==, 0);
	CHECK_ERRNO(weft_sleep(WEFT_SECONDS(1000)), ECANCELED);
	CHECK_INT(pthread_join(thread, NULL), ==, 0);
	WEFT_SHIELDED {
		CHECK_INT(weft_stream_write_all(peer, "ended", 5), ==, 0);
		CHECK_INT(weft_stream_flush(peer), ==, 0);
	}
	return 0;
}

static void serve_with_a_thread(void)
{
	int fd;

	house_open(cancel_from_a_thread);
	fd = visit();
	hear(fd, "ended");
	hear_end(fd);
	house_close();
	CHECK_INT(counts().crashed, ==, 0);
	house_end();
}

CHECK_CASE(signals_to_a_process_reach_its_handler_from_whichever_thread)
{
#ifdef __SANITIZE_THREAD__
	check_skip("TSan has no threads in the child of a program with threads");
#endif
	with_models(FORK | PREFORK, serve_with_a_thread);
}

/* ---- Ends ------------------------------------------------------------------------------------ */

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

/* Has a server, in a process of its own, which is killed while it has a visitor; a pipe whose
 * other end it and its processes have. */
static void kill_the_server(weft_handler_fn *handler, int *ret_visitor, int *ret_pipe)
{
	int pipe_fds[2];
	pid_t pid;

	CHECK_INT(pipe(pipe_fds), ==, 0);
	house.listener = weft_listener_new("127.0.0.1:0", NULL);
	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		close(pipe_fds[0]);
		house.handler = handler;
		CHECK_INT(pipe2(house.told, O_CLOEXEC), ==, 0);
		run_house(NULL);
		_exit(0);
	}
	close(pipe_fds[1]);
	*ret_visitor = visit();
	CHECK(hear_pid(*ret_visitor) != pid);
	if (house.is_stopped_first) {
		weft_serve_stop(house.listener);
		hear(*ret_visitor, "stop");
	}
	CHECK_INT(kill(pid, SIGKILL), ==, 0);
	CHECK_INT(waitpid(pid, NULL, 0), ==, pid);
	*ret_pipe = pipe_fds[0];
}

static void await_their_end(int pipe_fd)
{
	struct pollfd ends = {.fd = pipe_fd, .events = POLLIN};

	CHECK_INT(poll(&ends, 1, -1), ==, 1);
	CHECK(ends.revents & POLLHUP);
	close(pipe_fd);
	weft_listener_free(house.listener);
}

/* Its processes end with what they have, and leave the port. */
static void kill_under_the_visitor(void)
{
	int fd, pipe_fd;

	kill_the_server(say_pid, &fd, &pipe_fd);
	say(fd, "still\n");
	hear(fd, "still\n");
	leave(fd);
	await_their_end(pipe_fd);
}

CHECK_CASE(processes_end_when_their_server_is_killed)
{
	with_models(FORK | PREFORK, kill_under_the_visitor);
}

/* Nobody but its visitor, who stays, could end it. */
static void kill_under_the_idle(void)
{
	int fd, pipe_fd;

	house.options.grace_ns = WEFT_MILLISECONDS(5);
	kill_the_server(say_pid, &fd, &pipe_fd);
	await_their_end(pipe_fd);
	hear_end(fd);
}

CHECK_CASE(processes_whose_server_is_killed_end_after_the_grace_time)
{
	with_models(FORK | PREFORK, kill_under_the_idle);
}

/* Says so when its process is told to stop, and stays. */
static int say_pid_and_stop(struct weft_stream *peer, void *arg)
{
	weft_stream_printf(peer, "%08d\n", (int)getpid());
	if (weft_stream_flush(peer) < 0)
		return -1;
	while (!atomic_load(&weft__process_is_stopping))
		weft_sleep(WEFT_MILLISECONDS(1));
	if (weft_stream_write_all(peer, "stop", 4) < 0 || weft_stream_flush(peer) < 0)
		return -1;
	return echo(peer, arg);
}

static void kill_during_a_stop(void)
{
	int fd, pipe_fd;

	house.options.grace_ns = WEFT_SECONDS(1000);
	house.is_stopped_first = true;
	kill_the_server(say_pid_and_stop, &fd, &pipe_fd);
	await_their_end(pipe_fd);
	hear_end(fd);
}

CHECK_CASE(processes_whose_server_is_killed_during_a_stop_end_at_once)
{
	with_models(FORK | PREFORK, kill_during_a_stop);
}

static int say_pid_and_spin(struct weft_stream *peer, void *arg)
{
	weft_stream_printf(peer, "%08d\n", (int)getpid());
	if (weft_stream_flush(peer) < 0)
		return -1;
	return spin(peer, arg);
}

static void kill_under_the_deaf(void)
{
	int fd, pipe_fd;

	house.options.grace_ns = -1;
	kill_the_server(say_pid_and_spin, &fd, &pipe_fd);
	await_their_end(pipe_fd);
	hear_end(fd);
}

CHECK_CASE(a_process_without_its_server_that_hears_of_nothing_is_killed_at_last)
{
	if (!getenv("CHECK_ROUNDS"))
		check_skip("it takes 20 s: make soak");
	with_models(FORK | PREFORK, kill_under_the_deaf);
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

CHECK_MAIN()
