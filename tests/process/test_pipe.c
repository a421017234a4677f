/*
 * test_pipe.c - pipes of messages: boundaries, descriptors, deadlines, peers that die or lie.
 *
 * check: tsan drivers
 */
#include "weft/pipe.h"

#include <fcntl.h>
#include <pthread.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include "check.h"
#include "descriptors.h"
#include "weft/fiber.h"
#include "weft/scope.h"
#include "weft/socket.h"

/* Both outside fibers and in one. */
static void both(weft_fiber_fn *body)
{
	CHECK_INT(body(NULL), ==, 0);
	CHECK_INT(weft_run(&(struct weft_run_options){.workers = 2}, body, NULL), ==, 0);
}

/* The same, where the child of a fork goes on to allocate: a sanitizer's allocator may be locked
 * there by a thread that isn't. */
static void both_forking(weft_fiber_fn *body)
{
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
	CHECK_INT(body(NULL), ==, 0);
#else
	both(body);
#endif
}

static void hears(struct weft_pipe *pipe, const void *wanted, size_t wanted_len)
{
	char text[100];
	size_t len;

	CHECK_INT(weft_pipe_recv(pipe, text, sizeof(text), &len), ==, 1);
	CHECK_INT(len, ==, wanted_len);
	CHECK(memcmp(text, wanted, len) == 0);
}

static void ended(struct weft_pipe *pipe)
{
	size_t len = 1;

	CHECK_INT(weft_pipe_recv(pipe, NULL, 0, &len), ==, 0);
	CHECK_INT(weft_pipe_recv(pipe, NULL, 0, &len), ==, 0);
	CHECK_INT(len, ==, 0);
}

/* ---- As it is used ------------------------------------------------------------------ */

static void answer_all(struct weft_pipe *pipe)
{
	struct weft_pipe_message message;

	while (weft_pipe_recv_message(pipe, &message) > 0)
		if (weft_pipe_send(pipe, message.data, message.len) < 0)
			_exit(1);
	_exit(0);
}

static int talks_to_a_child(void *arg)
{
	struct weft_pipe *ends[2];
	int status, before = descriptors();
	pid_t pid;

	(void)arg;
	CHECK_INT(weft_pipe_pair(NULL, ends), ==, 0);
	pid = fork();
	if (pid == 0) {
		weft_pipe_free(ends[0]);
		answer_all(ends[1]);
	}
	weft_pipe_free(ends[1]);
	for (int i = 0; i < 3; i++) {
		CHECK_INT(weft_pipe_send(ends[0], "hello", 5), ==, 0);
		CHECK_INT(weft_pipe_send(ends[0], NULL, 0), ==, 0);
		CHECK_INT(weft_pipe_send(ends[0], "you", 3), ==, 0);
		hears(ends[0], "hello", 5);
		hears(ends[0], "", 0);
		hears(ends[0], "you", 3);
	}
	CHECK_INT(weft_pipe_shutdown(ends[0]), ==, 0);
	CHECK_ERRNO(weft_pipe_send(ends[0], "", 0), EPIPE);
	ended(ends[0]);
	CHECK(waitpid(pid, &status, 0) == pid && status == 0);
	weft_pipe_free(ends[0]);
	CHECK_INT(descriptors(), ==, before);
	return 0;
}

CHECK_CASE(messages_go_to_a_child_and_back_with_their_boundaries)
{
	both_forking(talks_to_a_child);
}

struct load {
	struct weft_pipe *pipe;
	size_t len;
};

static int send_large(void *arg)
{
	struct load *load = arg;
	char *bytes = malloc(load->len);

	memset(bytes, 'x', load->len);
	CHECK_INT(weft_pipe_send(load->pipe, "ahead", 5), ==, 0);
	CHECK_INT(weft_pipe_send(load->pipe, bytes, load->len), ==, 0);
	CHECK_INT(weft_pipe_send(load->pipe, "behind", 6), ==, 0);
	free(bytes);
	return 0;
}

static int large_ones_go(void *arg)
{
	struct weft_pipe *ends[2];
	struct weft_pipe_message message;
	struct load load;
	weft_fiber_id sender;

	(void)arg;
	CHECK_INT(weft_pipe_one_way(NULL, &ends[0], &ends[1]), ==, 0);
	CHECK_ERRNO(weft_pipe_send(ends[0], "x", 1), EPIPE);
	CHECK_ERRNO(weft_pipe_recv_message(ends[1], &message), EBADF);
	load = (struct load){ends[1], (size_t)3 << 20};
	sender = weft_spawn(send_large, &load);
	hears(ends[0], "ahead", 5);
	CHECK_INT(weft_pipe_recv_message(ends[0], &message), ==, 1);
	CHECK_INT(message.len, ==, load.len);
	CHECK(memchr(message.data, 'x', 1) && !memchr(message.data, 'y', message.len));
	hears(ends[0], "behind", 6);
	CHECK_INT(weft_join(sender, NULL, WEFT_FOREVER), ==, 0); /* it is in its pipe until then */
	weft_pipe_free(ends[1]);
	ended(ends[0]);
	weft_pipe_free(ends[0]);
	return 0;
}

CHECK_CASE(messages_longer_than_the_kernel_holds_go_whole)
{
	CHECK_INT(weft_run(&(struct weft_run_options){.workers = 2}, large_ones_go, NULL), ==, 0);
}

static int room_is_asked_for(void *arg)
{
	const struct weft_pipe_options small = {.message_max = 10};
	struct weft_pipe *ends[2];
	char text[10];
	size_t len;

	(void)arg;
	CHECK_INT(weft_pipe_pair(&small, ends), ==, 0);
	CHECK_ERRNO(weft_pipe_try_recv(ends[0], text, 3, &len), EAGAIN);
	CHECK_INT(weft_pipe_send(ends[1], "ten bytes!", 10), ==, 0);
	CHECK_INT(weft_pipe_send(ends[1], "eleven long", 11), ==, 0);
	CHECK_INT(weft_pipe_send(ends[1], "next", 4), ==, 0);
	CHECK_ERRNO(weft_pipe_recv(ends[0], text, 3, &len), EMSGSIZE);
	CHECK_INT(len, ==, 10);
	CHECK_ERRNO(weft_pipe_try_recv(ends[0], text, 9, &len), EMSGSIZE);
	hears(ends[0], "ten bytes!", 10);
	CHECK_ERRNO(weft_pipe_recv(ends[0], text, sizeof(text), &len), EMSGSIZE);
	CHECK_INT(len, ==, 0);
	hears(ends[0], "next", 4);
	CHECK_ERRNO(weft_pipe_try_recv(ends[0], text, 3, &len), EAGAIN);
	weft_pipe_free(ends[0]);
	weft_pipe_free(ends[1]);
	return 0;
}

CHECK_CASE(what_is_too_long_for_the_room_stays_and_what_is_too_long_at_all_goes)
{
	both(room_is_asked_for);
}

/* ---- Descriptors ------------------------------------------------------------------------------
 */

static int descriptors_go_along(void *arg)
{
	int before = descriptors(), through[2];
	struct weft_pipe_message message = {.data = "two", .len = 3}, got;
	struct weft_pipe *ends[2];
	char text[10];
	size_t len;

	(void)arg;
	CHECK_INT(weft_pipe_pair(NULL, ends), ==, 0);
	CHECK_INT(pipe2(through, O_CLOEXEC), ==, 0);
	message.fd_count = 2;
	message.fds[0] = through[0];
	message.fds[1] = through[1];
	CHECK_INT(weft_pipe_send(ends[0], "none", 4), ==, 0);
	for (int i = 0; i < 3; i++)
		CHECK_INT(weft_pipe_send_message(ends[0], &message), ==, 0);
	CHECK_INT(weft_pipe_send(ends[0], "none", 4), ==, 0);
	CHECK_INT(weft_pipe_recv_message(ends[1], &got), ==, 1);
	CHECK_INT(got.fd_count, ==, 0);
	CHECK_INT(weft_pipe_recv_message(ends[1], &got), ==, 1);
	CHECK(got.fd_count == 2 && got.len == 3);
	CHECK_INT(write(got.fds[1], "through", 7), ==, 7);
	CHECK_INT(read(through[0], text, sizeof(text)), ==, 7);
	CHECK(fcntl(got.fds[0], F_GETFD) == FD_CLOEXEC);
	close(got.fds[0]);
	close(got.fds[1]);
	/* Copied without its descriptors, also where there was no room at first. */
	CHECK_ERRNO(weft_pipe_recv(ends[1], text, 1, &len), EMSGSIZE);
	hears(ends[1], "two", 3);
	message.fd_count = WEFT_PIPE_FDS_MAX + 1;
	CHECK_ERRNO(weft_pipe_send_message(ends[0], &message), EINVAL);
	message.fd_count = 1;
	message.fds[0] = 999;
	CHECK_ERRNO(weft_pipe_send_message(ends[0], &message), EBADF);
	CHECK_INT(weft_pipe_send(ends[0], "unread", 6), ==, 0);
	weft_pipe_free(ends[0]);
	weft_pipe_free(ends[1]);
	close(through[0]);
	close(through[1]);
	CHECK_INT(descriptors(), ==, before);
	return 0;
}

CHECK_CASE(descriptors_go_with_their_message_and_none_is_left)
{
	both(descriptors_go_along);
}

CHECK_CASE(a_message_whose_descriptors_find_no_room_is_lost_alone)
{
	struct weft_pipe_message message = {.data = "x", .len = 1, .fd_count = 16}, got;
	struct rlimit few = {(rlim_t)descriptors() + 5, 100};
	struct weft_pipe *ends[2];

	CHECK_INT(weft_pipe_pair(NULL, ends), ==, 0);
	for (int i = 0; i < 16; i++)
		message.fds[i] = 0;
	CHECK_INT(weft_pipe_send_message(ends[0], &message), ==, 0);
	CHECK_INT(weft_pipe_send(ends[0], "next", 4), ==, 0);
	CHECK_INT(setrlimit(RLIMIT_NOFILE, &few), ==, 0);
	CHECK_ERRNO(weft_pipe_recv_message(ends[1], &got), EMFILE);
	hears(ends[1], "next", 4);
	CHECK(fcntl((int)few.rlim_cur - 1, F_GETFD) < 0);
	weft_pipe_free(ends[0]);
	weft_pipe_free(ends[1]);
}

/* ---- Deadlines
 * ----------------------------------------------------------------------------------- */

static int a_deadline_keeps_messages_whole(void *arg)
{
	const size_t len = (size_t)1 << 20;
	struct weft_pipe_message got;
	struct weft_pipe *ends[2];
	char *bytes = calloc(1, len);
	int result = -1;
	size_t ignored;

	(void)arg;
	CHECK_INT(weft_pipe_pair(NULL, ends), ==, 0);
	WEFT_WITH_TIMEOUT (WEFT_MILLISECONDS(1))
		CHECK_ERRNO(weft_pipe_recv(ends[0], bytes, len, &ignored), ETIMEDOUT);
	/* Once it has begun it goes, as far as others can tell; it may be late before. */
	for (int64_t timeout = WEFT_MILLISECONDS(1); result < 0; timeout *= 2) {
		WEFT_WITH_TIMEOUT (timeout)
			result = weft_pipe_send(ends[0], bytes, len);
		CHECK(result == 0 || errno == ETIMEDOUT);
	}
	CHECK_INT(weft_pipe_unsent(ends[0]), >, 0);
	WEFT_WITH_TIMEOUT (WEFT_MILLISECONDS(1))
		CHECK_ERRNO(weft_pipe_send(ends[0], "not", 3), ETIMEDOUT);
	CHECK_ERRNO(weft_pipe_try_send(ends[0], "nor", 3), EAGAIN);
	WEFT_WITH_TIMEOUT (WEFT_MILLISECONDS(1))
		CHECK_ERRNO(weft_pipe_flush(ends[0]), ETIMEDOUT);
	/* In turns, on one thread. */
	while (weft_pipe_try_recv_message(ends[1], &got) < 0) {
		CHECK_INT(errno, ==, EAGAIN);
		WEFT_WITH_TIMEOUT (0)
			weft_pipe_flush(ends[0]);
		while (weft_pipe_try_send(ends[0], "then", 4) == 0)
			;
	}
	CHECK_INT(got.len, ==, len);
	hears(ends[1], "then", 4);
	weft_pipe_free(ends[0]);
	weft_pipe_free(ends[1]);
	free(bytes);
	return 0;
}

CHECK_CASE(a_deadline_leaves_each_message_sent_whole_or_not_at_all)
{
	both(a_deadline_keeps_messages_whole);
}

static int receive(void *arg)
{
	size_t len;

	return weft_pipe_recv(arg, NULL, 0, &len) < 0 ? -errno : 0;
}

static int cancelled_ones_lose_nothing(void *arg)
{
	struct weft_pipe *ends[2];
	weft_fiber_id receivers[3];
	int result;

	(void)arg;
	CHECK_INT(weft_pipe_pair(NULL, ends), ==, 0);
	for (int i = 0; i < 3; i++)
		receivers[i] = weft_spawn(receive, ends[0]);
	weft_yield();
	for (int i = 0; i < 3; i++) {
		weft_cancel(receivers[i]);
		CHECK_INT(weft_join(receivers[i], &result, WEFT_FOREVER), ==, 0);
		CHECK_INT(result, ==, -ECANCELED);
	}
	CHECK_INT(weft_pipe_send(ends[1], "kept", 4), ==, 0);
	hears(ends[0], "kept", 4);
	weft_pipe_free(ends[0]);
	weft_pipe_free(ends[1]);
	return 0;
}

CHECK_CASE(several_wait_at_one_end_and_are_cancelled)
{
	CHECK_INT(weft_run(&(struct weft_run_options){.workers = 2}, cancelled_ones_lose_nothing,
			  NULL),
		==, 0);
}

/* ---- Many at a time
 * ------------------------------------------------------------------------------- */

#define SENDERS 4
#define EACH    300

static int send_marked(void *arg)
{
	char text[2000];

	for (int i = 0; i < EACH; i++) {
		size_t len = (size_t)(1 + i * 37 % 2000);

		memset(text, 'a' + i % 26, len);
		CHECK_INT(weft_pipe_send(arg, text, len), ==, 0);
	}
	return 0;
}

static void *send_marked_thread(void *arg)
{
	send_marked(arg);
	return NULL;
}

static int receive_some(void *arg)
{
	char text[2000];
	size_t len;

	for (int i = 0; i < SENDERS * EACH / 2; i++) {
		CHECK_INT(weft_pipe_recv(arg, text, sizeof(text), &len), ==, 1);
		for (size_t k = 1; k < len; k++)
			CHECK(text[k] == text[0]);
	}
	return 0;
}

static int many_share_an_end(void *arg)
{
	struct weft_pipe *ends[2];
	pthread_t threads[SENDERS / 2];
	weft_fiber_id fibers[SENDERS / 2 + 2];

	(void)arg;
	CHECK_INT(weft_pipe_pair(NULL, ends), ==, 0);
	for (int i = 0; i < SENDERS / 2; i++) {
		CHECK_INT(pthread_create(&threads[i], NULL, send_marked_thread, ends[0]), ==, 0);
		fibers[i] = weft_spawn(send_marked, ends[0]);
	}
	fibers[2] = weft_spawn(receive_some, ends[1]);
	fibers[3] = weft_spawn(receive_some, ends[1]);
	for (int i = 0; i < 4; i++)
		CHECK_INT(weft_join(fibers[i], NULL, WEFT_FOREVER), ==, 0);
	for (int i = 0; i < SENDERS / 2; i++)
		pthread_join(threads[i], NULL);
	weft_pipe_free(ends[0]);
	ended(ends[1]);
	weft_pipe_free(ends[1]);
	return 0;
}

CHECK_CASE(fibers_and_threads_share_an_end_and_no_message_is_torn)
{
	CHECK_INT(
		weft_run(&(struct weft_run_options){.workers = 2}, many_share_an_end, NULL), ==, 0);
}

/* ---- Peers that die, and that lie
 * ------------------------------------------------------------------ */

/* A pipe, at whose other end these bytes were written and the end closed. */
static struct weft_pipe *heard(const void *bytes, size_t len, bool is_closed)
{
	const struct weft_pipe_options options = {.message_max = 1000};
	int fds[2];

	CHECK_INT(weft_socketpair(AF_UNIX, SOCK_STREAM, 0, fds), ==, 0);
	CHECK_INT(write(fds[1], bytes, len), ==, len);
	if (is_closed)
		close(fds[1]);
	return weft_pipe_new(fds[0], &options);
}

static uint64_t head(uint64_t len, unsigned fd_count)
{
	return (uint64_t)'w' << 56 | (uint64_t)fd_count << 48 | len;
}

CHECK_CASE(a_peer_that_dies_in_the_middle_of_a_message_is_told_once)
{
	char bytes[108];
	uint64_t first = head(100, 0);
	size_t len;

	memset(bytes, 'x', sizeof(bytes));
	memcpy(bytes, &first, sizeof(first));
	for (size_t cut = 1; cut < sizeof(bytes); cut++) {
		struct weft_pipe *pipe = heard(bytes, cut, true);

		CHECK_ERRNO(weft_pipe_recv(pipe, bytes, 0, &len), EPIPE);
		ended(pipe);
		CHECK_ERRNO(weft_pipe_send(pipe, "x", 1), EPIPE);
		weft_pipe_free(pipe);
	}
}

CHECK_CASE(a_peer_that_closes_with_our_message_unread_leaves_us_its_own)
{
	struct weft_pipe *ends[2];

	CHECK_INT(weft_pipe_pair(NULL, ends), ==, 0);
	CHECK_INT(weft_pipe_send(ends[0], "unread", 6), ==, 0);
	CHECK_INT(weft_pipe_send(ends[1], "last", 4), ==, 0);
	weft_pipe_free(ends[1]);
	hears(ends[0], "last", 4);
	ended(ends[0]);
	weft_pipe_free(ends[0]);
}

CHECK_CASE(what_is_no_message_ends_the_pipe)
{
	const uint64_t lies[] = {
		0, 5, UINT64_MAX, head(3, 17), head(3, 255), (uint64_t)'x' << 56 | 3};
	struct weft_pipe_message message;

	for (size_t i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
		struct weft_pipe *pipe = heard(&lies[i], sizeof(lies[i]), false);

		CHECK_ERRNO(weft_pipe_recv_message(pipe, &message), EPROTO);
		CHECK_ERRNO(weft_pipe_recv_message(pipe, &message), EPROTO);
		weft_pipe_free(pipe);
	}
}

CHECK_CASE(a_length_alone_takes_no_memory_and_is_refused_or_waited_for)
{
	const uint64_t huge = head(((uint64_t)1 << 48) - 1, 0), lent = head(3, 2);
	struct weft_pipe *pipe = heard(&huge, sizeof(huge), true);
	struct weft_pipe_message message;
	struct {
		uint64_t head;
		char text[3];
	} __attribute__((packed)) claims = {lent, "abc"};

	CHECK_ERRNO(weft_pipe_recv_message(pipe, &message), EMSGSIZE);
	CHECK_ERRNO(weft_pipe_recv_message(pipe, &message), EPIPE);
	ended(pipe);
	weft_pipe_free(pipe);
	/* It says that descriptors come along, and there are none. */
	pipe = heard(&claims, sizeof(claims), true);
	CHECK_ERRNO(weft_pipe_recv_message(pipe, &message), EMFILE);
	ended(pipe);
	weft_pipe_free(pipe);
}

CHECK_CASE(only_unix_streams_become_pipes)
{
	int ends[2];

	CHECK_INT(pipe(ends), ==, 0);
	CHECK_ERRNO(weft_pipe_new(ends[0], NULL), ENOTSOCK);
	CHECK_INT(socketpair(AF_UNIX, SOCK_DGRAM, 0, ends), ==, 0);
	CHECK_ERRNO(weft_pipe_new(ends[0], NULL), EPROTOTYPE);
	CHECK_ERRNO(weft_pipe_new(socket(AF_INET, SOCK_STREAM, 0), NULL), EPROTOTYPE);
}

/* ---- By name
 * ------------------------------------------------------------------------------------------ */

static void serve_one(struct weft_pipe_listener *listener)
{
	struct weft_pipe *pipe = weft_pipe_accept(listener);

	if (!pipe)
		_exit(1);
	answer_all(pipe);
}

static int strangers_meet(void *arg)
{
	int before = descriptors(), status;
	struct weft_pipe_listener *listener;
	struct weft_pipe *pipe;
	char address[100];
	pid_t pid;

	(void)arg;
	snprintf(address, sizeof(address), "unix:@weft-test-pipe-%d", (int)getpid());
	CHECK_ERRNO(weft_pipe_connect(address, NULL), ECONNREFUSED);
	CHECK_ERRNO(weft_pipe_connect("127.0.0.1:80", NULL), EINVAL);
	CHECK_ERRNO(weft_pipe_listen("127.0.0.1:80", NULL), EINVAL);
	listener = weft_pipe_listen(address, NULL);
	CHECK(listener && weft_pipe_listener_fd(listener) >= 0);
	CHECK_ERRNO(weft_pipe_listen(address, NULL), EADDRINUSE);
	pid = fork();
	if (pid == 0)
		serve_one(listener);
	weft_pipe_listener_free(listener);
	pipe = weft_pipe_connect(address, NULL);
	CHECK(pipe != NULL);
	CHECK_INT(weft_pipe_send(pipe, "who?", 4), ==, 0);
	hears(pipe, "who?", 4);
	weft_pipe_free(pipe);
	CHECK(waitpid(pid, &status, 0) == pid && status == 0);
	CHECK_INT(descriptors(), ==, before);
	return 0;
}

CHECK_CASE(who_knows_the_name_connects)
{
	both_forking(strangers_meet);
}

CHECK_MAIN()
