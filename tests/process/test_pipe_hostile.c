/*
 * test_pipe_hostile.c - pipes whose other end is anybody: what it writes to the bare socket, with
 * descriptors or without; and sends that break off in the middle of a message.
 *
 * check: tsan
 */
#include "weft/pipe.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "check.h"
#include "descriptors.h"
#include "weft/scope.h"

#define MESSAGE_MAX 1000

/* As src/process/pipe_wire.h says. */
#define HEAD(len, fds) ((uint64_t)'w' << 56 | (uint64_t)(fds) << 48 | (len))
#define LEN_MAX        (((uint64_t)1 << 48) - 1)

/* A pipe whose other end is the bare socket that is returned. */
static int bare_end(struct weft_pipe **ret_pipe)
{
	const struct weft_pipe_options options = {.message_max = MESSAGE_MAX};
	int fds[2];

	CHECK_INT(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), ==, 0);
	*ret_pipe = weft_pipe_new(fds[0], &options);
	CHECK(*ret_pipe != NULL);
	return fds[1];
}

/* Bytes, with the same descriptor so many times. */
static void write_with(int socket_fd, const void *bytes, size_t len, int fd, unsigned count)
{
	union {
		char bytes[CMSG_SPACE(sizeof(int) * 40)];
		struct cmsghdr align;
	} control = {0};
	struct iovec part = {(void *)(uintptr_t)bytes, len};
	struct msghdr header = {.msg_iov = &part, .msg_iovlen = 1};

	if (count > 0) {
		header.msg_control = &control;
		header.msg_controllen = CMSG_SPACE(count * sizeof fd);
		control.align = (struct cmsghdr){.cmsg_len = CMSG_LEN(count * sizeof fd),
			.cmsg_level = SOL_SOCKET,
			.cmsg_type = SCM_RIGHTS};
		for (unsigned i = 0; i < count; i++)
			memcpy(CMSG_DATA(&control.align) + i * sizeof fd, &fd, sizeof fd);
	}
	CHECK_INT(sendmsg(socket_fd, &header, 0), ==, len);
}

/* ---- A table of what comes ------------------------------------------------------------- */

#define PARTS_MAX   4
#define RESULTS_MAX 5

/* One write(2): so many zeros, behind a number or none, with so many descriptors. */
struct part {
	uint64_t number;
	size_t zeros;
	unsigned fd_count;
	bool has_number;
};

struct input {
	const char *what;
	struct part parts[PARTS_MAX];
	int results[RESULTS_MAX]; /* 1: a message; 0: the end; else an errno */
};

#define NUMBER(n, zeros, fds)             \
	{                                 \
		(n), (zeros), (fds), true \
	}
#define ZEROS(zeros, fds)                \
	{                                \
		0, (zeros), (fds), false \
	}

static const struct input inputs[] = {
	{"nothing", {{0}}, {0}},
	{"half of a head", {ZEROS(4, 0)}, {EPIPE, 0}},
	{"half of a head, with descriptors", {ZEROS(4, 3)}, {EPIPE, 0}},
	{"a head of no kind", {NUMBER(5, 5, 0)}, {EPROTO, EPROTO}},
	{"a head of no kind, with descriptors", {NUMBER(UINT64_MAX, 5, 5)}, {EPROTO, EPROTO}},
	{"a length of 2^63", {NUMBER(UINT64_C(1) << 63, 0, 0)}, {EPROTO, EPROTO}},
	{"the greatest length", {NUMBER(HEAD(LEN_MAX, 0), 900, 0)}, {EMSGSIZE, EPIPE, 0}},
	{"that with descriptors", {NUMBER(HEAD(LEN_MAX, 16), 900, 16)}, {EMSGSIZE, EPIPE, 0}},
	{"more descriptors than go along", {NUMBER(HEAD(3, 17), 3, 17)}, {EPROTO, EPROTO}},
	{"one byte too long, then one",
		{NUMBER(HEAD(MESSAGE_MAX + 1, 0), MESSAGE_MAX + 1, 0), NUMBER(HEAD(0, 0), 0, 0)},
		{EMSGSIZE, 1, 0}},
	{"too long with descriptors, then one with its own",
		{NUMBER(HEAD(MESSAGE_MAX + 1, 2), MESSAGE_MAX + 1, 2), NUMBER(HEAD(3, 1), 3, 1)},
		{EMSGSIZE, 1, 0}},
	{"descriptors promised, none there", {NUMBER(HEAD(3, 2), 3, 0)}, {EMFILE, 0}},
	{"fewer than promised", {NUMBER(HEAD(3, 2), 3, 1)}, {EMFILE, 0}},
	{"promised, and with the next one only: it goes by their order",
		{NUMBER(HEAD(3, 1), 2, 0), ZEROS(1, 0), NUMBER(HEAD(3, 1), 3, 1)}, {1, EMFILE, 0}},
	{"not promised", {NUMBER(HEAD(3, 0), 3, 5), NUMBER(HEAD(3, 0), 3, 0)}, {1, 1, 0}},
	{"not promised, again and again",
		{NUMBER(HEAD(3, 0), 3, 16), NUMBER(HEAD(3, 0), 3, 16), NUMBER(HEAD(3, 0), 3, 1)},
		{1, 1, EPROTO, EPROTO}},
	{"as many as go along, and one message more",
		{NUMBER(HEAD(3, 16), 3, 16), NUMBER(HEAD(0, 16), 0, 16), NUMBER(HEAD(1, 0), 1, 0)},
		{1, 1, 1, 0}},
	{"in the middle of a message",
		{NUMBER(HEAD(6, 2), 3, 1), ZEROS(3, 1), NUMBER(HEAD(1, 0), 1, 0)}, {1, 1, 0}},
	{"cut off behind the descriptors", {NUMBER(HEAD(6, 2), 3, 2)}, {EPIPE, 0}},
};

static void write_part(int socket_fd, const struct part *part)
{
	char bytes[2 * MESSAGE_MAX] = {0};
	size_t at = 0;

	if (part->has_number)
		memcpy(bytes, &part->number, at = sizeof part->number);
	if (at + part->zeros > 0)
		write_with(socket_fd, bytes, at + part->zeros, STDIN_FILENO, part->fd_count);
}

/* 1, 0 or an errno. */
static int next_result(struct weft_pipe *pipe)
{
	struct weft_pipe_message message = {0};
	int got = weft_pipe_recv_message(pipe, &message);

	if (got < 0)
		return errno;
	for (unsigned i = 0; i < message.fd_count; i++)
		CHECK_INT(close(message.fds[i]), ==, 0);
	CHECK_INT(message.len, <=, MESSAGE_MAX);
	return got;
}

/* Each result may be had twice: the end, and what is no pipe's, stay. */
static void try_input(const struct input *input)
{
	struct weft_pipe *pipe;
	int before = descriptors(), socket_fd = bare_end(&pipe);

	for (int i = 0; i < PARTS_MAX; i++)
		write_part(socket_fd, &input->parts[i]);
	close(socket_fd);
	for (int i = 0; i < RESULTS_MAX; i++) {
		int result = next_result(pipe);

		if (result != input->results[i])
			check_fail(__FILE__, __LINE__, "%s: result %d is %d, not %d", input->what,
				i, result, input->results[i]);
		if (result == 0 || (i > 0 && result == EPROTO))
			break;
	}
	weft_pipe_free(pipe);
	CHECK_INT(descriptors(), ==, before);
}

CHECK_CASE(whatever_comes_has_an_answer_and_leaves_no_descriptor)
{
	for (size_t i = 0; i < sizeof inputs / sizeof *inputs; i++)
		try_input(&inputs[i]);
}

CHECK_CASE(a_pipe_that_is_freed_in_the_middle_of_a_message_closes_what_came_with_it)
{
	const uint64_t number = HEAD(30, 3);
	int before = descriptors();

	for (size_t len = 1; len <= sizeof number; len++) {
		struct weft_pipe *pipe;
		int socket_fd = bare_end(&pipe);
		size_t got;

		write_with(socket_fd, &number, len, STDIN_FILENO, 3);
		CHECK_ERRNO(weft_pipe_try_recv(pipe, NULL, 0, &got), EAGAIN);
		weft_pipe_free(pipe);
		close(socket_fd);
		CHECK_INT(descriptors(), ==, before);
	}
}

/* ---- Descriptors that find no room ---------------------------------------------------------- */

/* From now on no descriptor can be had; returns what the limit was. */
static struct rlimit take_all_room(void)
{
	struct rlimit was, now;
	int next = dup(STDIN_FILENO);

	CHECK(next >= 0);
	close(next);
	CHECK_INT(getrlimit(RLIMIT_NOFILE, &was), ==, 0);
	now = (struct rlimit){(rlim_t)next, was.rlim_max};
	CHECK_INT(setrlimit(RLIMIT_NOFILE, &now), ==, 0);
	return was;
}

/* What the first message brings finds no room, while so many bytes of it were read; the second
 * comes when there is room again. */
static void lose_the_first_ones(size_t cut)
{
	struct {
		uint64_t head;
		char bytes[20];
	} __attribute__((packed)) message = {HEAD(20, 1), "twenty bytes of it, "};
	struct weft_pipe_message got;
	struct weft_pipe *pipe;
	struct stat wanted, had;
	struct rlimit was;
	int socket_fd = bare_end(&pipe), ours = open("/", O_RDONLY | O_CLOEXEC);
	size_t len;

	CHECK(ours >= 0 && fstat(ours, &wanted) == 0);
	write_with(socket_fd, &message, cut, STDIN_FILENO, 1);
	was = take_all_room();
	CHECK_ERRNO(weft_pipe_try_recv(pipe, NULL, 0, &len), EAGAIN);
	CHECK_INT(setrlimit(RLIMIT_NOFILE, &was), ==, 0);
	write_with(socket_fd, (char *)&message + cut, sizeof message - cut, -1, 0);
	write_with(socket_fd, &message, sizeof message, ours, 1);
	CHECK_ERRNO(weft_pipe_recv_message(pipe, &got), EMFILE);
	CHECK_INT(weft_pipe_recv_message(pipe, &got), ==, 1);
	CHECK_INT(got.fd_count, ==, 1);
	CHECK_INT(fstat(got.fds[0], &had), ==, 0);
	CHECK(had.st_ino == wanted.st_ino && had.st_dev == wanted.st_dev);
	close(got.fds[0]);
	close(ours);
	close(socket_fd);
	weft_pipe_free(pipe);
}

CHECK_CASE(lost_descriptors_are_not_made_up_for_by_those_of_the_next_message)
{
	int before = descriptors();

	for (size_t cut = 1; cut < 28; cut++)
		lose_the_first_ones(cut);
	CHECK_INT(descriptors(), ==, before);
}

/* ---- In the middle of a message ---------------------------------------------------------------
 */

#define LARGE ((size_t)2 << 20)

CHECK_CASE(a_send_that_fails_in_the_middle_ends_the_pipe)
{
	struct weft_pipe_message got;
	struct weft_pipe *ends[2];
	char *bytes = mmap(NULL, LARGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	CHECK(bytes != MAP_FAILED);
	/* The kernel has sent some of it when it finds what it can't read. */
	CHECK_INT(mprotect(bytes + LARGE / 16, LARGE - LARGE / 16, PROT_NONE), ==, 0);
	CHECK_INT(weft_pipe_pair(NULL, ends), ==, 0);
	CHECK_ERRNO(weft_pipe_send(ends[0], bytes, LARGE), EFAULT);
	CHECK_ERRNO(weft_pipe_send(ends[0], "not as a part of it", 19), EPIPE);
	CHECK_INT(weft_pipe_send(ends[1], "the other way", 13), ==, 0);
	CHECK_ERRNO(weft_pipe_recv_message(ends[1], &got), EPIPE);
	CHECK_INT(weft_pipe_recv_message(ends[1], &got), ==, 0);
	CHECK_INT(weft_pipe_recv_message(ends[0], &got), ==, 1);
	weft_pipe_free(ends[0]);
	weft_pipe_free(ends[1]);
}

/* Sends a message that is somewhat longer than the socket holds, and so kept in part. Its length.
 */
static size_t send_too_much(struct weft_pipe *pipe, struct weft_pipe *other, char *bytes)
{
	struct weft_pipe_message got;
	size_t len = LARGE / 512;

	for (;; len += len / 4) {
		CHECK_INT(len, <=, LARGE);
		CHECK_INT(weft_pipe_try_send(pipe, bytes, len), ==, 0);
		if (weft_pipe_unsent(pipe) > 0)
			return len;
		CHECK_INT(weft_pipe_recv_message(other, &got), ==, 1);
		CHECK_INT(got.len, ==, len);
	}
}

CHECK_CASE(what_a_deadline_has_left_goes_before_the_end)
{
	struct weft_pipe_message got;
	struct weft_pipe *ends[2];
	char *bytes = calloc(1, LARGE);
	size_t len;

	CHECK(bytes != NULL);
	CHECK_INT(weft_pipe_pair(NULL, ends), ==, 0);
	/* Without room for it nothing is ended. */
	len = send_too_much(ends[0], ends[1], bytes);
	WEFT_WITH_TIMEOUT (WEFT_MILLISECONDS(1))
		CHECK_ERRNO(weft_pipe_shutdown(ends[0]), ETIMEDOUT);
	CHECK_ERRNO(weft_pipe_try_recv_message(ends[1], &got), EAGAIN);
	CHECK_INT(weft_pipe_flush(ends[0]), ==, 0);
	CHECK_INT(weft_pipe_recv_message(ends[1], &got), ==, 1);
	CHECK_INT(got.len, ==, len);
	/* With room it goes ahead of the end, as it does when the pipe is freed. */
	len = send_too_much(ends[0], ends[1], bytes);
	CHECK_ERRNO(weft_pipe_try_recv_message(ends[1], &got), EAGAIN);
	CHECK_INT(weft_pipe_shutdown(ends[0]), ==, 0);
	CHECK_INT(weft_pipe_recv_message(ends[1], &got), ==, 1);
	CHECK_INT(got.len, ==, len);
	CHECK_INT(weft_pipe_recv_message(ends[1], &got), ==, 0);
	len = send_too_much(ends[1], ends[0], bytes);
	CHECK_ERRNO(weft_pipe_try_recv_message(ends[0], &got), EAGAIN);
	weft_pipe_free(ends[1]);
	CHECK_INT(weft_pipe_recv_message(ends[0], &got), ==, 1);
	CHECK_INT(got.len, ==, len);
	CHECK_INT(weft_pipe_recv_message(ends[0], &got), ==, 0);
	weft_pipe_free(ends[0]);
	free(bytes);
}

static void let_go(struct weft_pipe *pipe)
{
	int status;
	pid_t pid = fork();

	CHECK(pid >= 0);
	if (pid == 0) {
		weft_pipe_free(pipe);
		_exit(0);
	}
	CHECK_INT(waitpid(pid, &status, 0), ==, pid);
	CHECK_INT(status, ==, 0);
}

CHECK_CASE(what_a_deadline_has_left_is_not_sent_by_a_child_that_lets_go_of_the_end)
{
	static uint32_t numbers[LARGE / sizeof(uint32_t)];
	struct weft_pipe_message got;
	struct weft_pipe *ends[2];

	for (size_t i = 0; i < LARGE / sizeof *numbers; i++)
		numbers[i] = (uint32_t)i;
	CHECK_INT(weft_pipe_pair(NULL, ends), ==, 0);
	CHECK_INT(weft_pipe_try_send(ends[0], numbers, LARGE), ==, 0);
	CHECK_INT(weft_pipe_unsent(ends[0]), >, 0);
	/* Now there is room in the socket, for whoever writes first. */
	CHECK_ERRNO(weft_pipe_try_recv_message(ends[1], &got), EAGAIN);
	let_go(ends[0]);
	while (weft_pipe_try_recv_message(ends[1], &got) < 0) {
		CHECK_INT(errno, ==, EAGAIN);
		WEFT_WITH_TIMEOUT (0)
			weft_pipe_flush(ends[0]);
		CHECK(weft_pipe_try_send(ends[0], "then", 4) == 0 || errno == EAGAIN);
	}
	CHECK_INT(got.len, ==, LARGE);
	CHECK_MEM(got.data, numbers, LARGE);
	CHECK_INT(weft_pipe_recv_message(ends[1], &got), ==, 1);
	CHECK_INT(got.len, ==, 4);
	weft_pipe_free(ends[0]);
	weft_pipe_free(ends[1]);
}

CHECK_MAIN()
