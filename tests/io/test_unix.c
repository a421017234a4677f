/*
 * test_unix.c - Unix sockets: messages, paths left behind, descriptors and credentials.
 * check: drivers tsan
 */
#include "weft/unix.h"

#include <sched.h>

#include "both.h"
#include "descriptors.h"
#include "place.h"
#include "weft/scope.h"
#include "weft/serve.h"
#include "weft/socket.h"

/* "unix:" and the path of name in this case's folder. */
static const char *at(const char *name)
{
	static char texts[4][WEFT_ADDRESS_TEXT_MAX];
	static unsigned next;
	char *text = texts[next++ % 4];

	snprintf(text, sizeof(texts[0]), "unix:%.100s", place(name));
	return text;
}

static struct weft_unix *make(const char *address, enum weft_unix_kind kind)
{
	struct weft_unix *end = weft_unix_new(address, kind, NULL);

	CHECK(end != NULL);
	return end;
}

static struct weft_unix *connect_to(const char *address, enum weft_unix_kind kind)
{
	struct weft_unix *end = weft_unix_connect(address, kind, NULL);

	CHECK(end != NULL);
	return end;
}

/* ---- Messages ----------------------------------------------------------------------------- */

BOTH_CASE(a_datagram_can_be_answered)
{
	struct weft_unix *box = make(at("box"), WEFT_UNIX_DGRAM);
	struct weft_unix *end = connect_to(at("box"), WEFT_UNIX_DGRAM);
	struct weft_address peer;
	char data[20];

	CHECK_INT(weft_unix_send(end, "question", 8, NULL), ==, 0);
	CHECK_INT(weft_unix_recv(box, data, sizeof(data), &peer), ==, 8);
	CHECK(weft_address_equal(&peer, weft_unix_local(end)));
	CHECK_INT(weft_unix_send(box, "answer", 6, &peer), ==, 0);
	CHECK_INT(weft_unix_recv(end, data, sizeof(data), NULL), ==, 6);
	CHECK_MEM(data, "answer", 6);
	weft_unix_free(box);
	weft_unix_free(end);
}

BOTH_CASE(of_a_message_too_long_for_the_buffer_the_length_is_told)
{
	for (int kind = WEFT_UNIX_DGRAM; kind <= WEFT_UNIX_SEQPACKET; kind++) {
		struct weft_unix *ends[2];
		char data[4];

		CHECK_INT(weft_unix_pair((enum weft_unix_kind)kind, ends), ==, 0);
		CHECK_INT(weft_unix_send(ends[0], "0123456789", 10, NULL), ==, 0);
		CHECK_INT(weft_unix_send(ends[0], "abc", 3, NULL), ==, 0);
		CHECK_INT(weft_unix_recv(ends[1], data, sizeof(data), NULL), ==, 10);
		CHECK_MEM(data, "0123", 4);
		CHECK_INT(weft_unix_recv(ends[1], data, sizeof(data), NULL), ==, 3);
		weft_unix_free(ends[0]);
		weft_unix_free(ends[1]);
	}
}

BOTH_CASE(packets_keep_their_boundaries_over_a_connection_and_end_with_it)
{
	struct weft_unix *listening = make(at("packets"), WEFT_UNIX_SEQPACKET);
	struct weft_unix *end = connect_to(at("packets"), WEFT_UNIX_SEQPACKET);
	struct weft_unix *peer = weft_unix_accept(listening);
	struct weft_unix_message message = {0};
	char data[20];

	CHECK(peer != NULL);
	CHECK(weft_address_equal(weft_unix_local(peer), weft_unix_local(listening)));
	CHECK_INT(weft_unix_send(end, "one", 3, NULL), ==, 0);
	CHECK_INT(weft_unix_send(end, "two!", 4, NULL), ==, 0);
	CHECK_ERRNO(weft_unix_send(end, "", 0, NULL), EINVAL);
	CHECK_ERRNO(weft_unix_send_message(end, &message), EINVAL);
	CHECK_INT(weft_unix_recv(peer, data, sizeof(data), NULL), ==, 3);
	CHECK_INT(weft_unix_recv(peer, data, sizeof(data), NULL), ==, 4);
	CHECK_INT(weft_unix_send(peer, "back", 4, NULL), ==, 0);
	CHECK_INT(weft_unix_recv(end, data, sizeof(data), NULL), ==, 4);
	weft_unix_free(end);
	CHECK_INT(weft_unix_recv(peer, data, sizeof(data), NULL), ==, 0);
	CHECK_INT(weft_unix_recv_message(peer, &message), ==, 0);
	CHECK_ERRNO(weft_unix_send(peer, "x", 1, NULL), EPIPE);
	weft_unix_free(peer);
	weft_unix_free(listening);
}

/* ---- Waiting ----------------------------------------------------------------------------------
 */

#define MANY 2000

static void *take_many(void *arg)
{
	int fd = *(int *)arg;

	for (int i = 0; i < MANY; i++) {
		int number;

		CHECK_INT(recv(fd, &number, sizeof(number), 0), ==, sizeof(number));
		CHECK_INT(number, ==, i);
	}
	return NULL;
}

/* The queue holds net.unix.max_dgram_qlen messages, 512 at most where this was tried. */
BOTH_CASE(whoever_sends_faster_than_is_received_waits_and_loses_nothing)
{
	struct weft_unix *ends[2];
	pthread_t reader;
	int fd;

	CHECK_INT(weft_unix_pair(WEFT_UNIX_DGRAM, ends), ==, 0);
	WEFT_WITH_TIMEOUT (WEFT_MILLISECONDS(1)) {
		int i = 0;

		while (weft_unix_send(ends[1], &i, sizeof(i), NULL) == 0)
			;
		CHECK_INT(errno, ==, ETIMEDOUT);
	}
	fd = dup(weft_unix_fd(ends[1]));
	CHECK_INT(fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) & ~O_NONBLOCK), ==, 0);
	reader = peer_start(take_many, &fd);
	for (int i = 0; i < MANY; i++)
		CHECK_INT(weft_unix_send(ends[0], &i, sizeof(i), NULL), ==, 0);
	peer_end(reader);
	close(fd);
	weft_unix_free(ends[0]);
	weft_unix_free(ends[1]);
}

BOTH_CASE(receiving_and_accepting_obey_the_deadline)
{
	struct weft_unix *box = make(NULL, WEFT_UNIX_DGRAM);
	struct weft_unix *listening = make(at("accept"), WEFT_UNIX_SEQPACKET);
	struct weft_unix_message message = {0};
	char data[4];

	WEFT_WITH_TIMEOUT (WEFT_MILLISECONDS(1)) {
		CHECK_ERRNO(weft_unix_recv(box, data, sizeof(data), NULL), ETIMEDOUT);
		CHECK_ERRNO(weft_unix_recv_message(box, &message), ETIMEDOUT);
		CHECK_ERRNO(weft_unix_accept(listening), ETIMEDOUT);
	}
	weft_unix_free(box);
	weft_unix_free(listening);
}

/* ---- Addresses ---------------------------------------------------------------------------------
 */

CHECK_CASE(what_is_no_address_or_nobodys_is_told)
{
	struct weft_unix *box = make(at("box"), WEFT_UNIX_DGRAM);
	char longer[200];
	int before = descriptors();

	memset(longer, 'x', sizeof(longer));
	memcpy(longer, "unix:/", 6);
	longer[sizeof(longer) - 1] = '\0';
	CHECK_ERRNO(weft_unix_new("127.0.0.1:0", WEFT_UNIX_DGRAM, NULL), EINVAL);
	CHECK_ERRNO(weft_unix_new(NULL, WEFT_UNIX_SEQPACKET, NULL), EINVAL);
	CHECK_ERRNO(weft_unix_new("unix:", WEFT_UNIX_DGRAM, NULL), EINVAL);
	CHECK_ERRNO(weft_unix_new(longer, WEFT_UNIX_DGRAM, NULL), ENAMETOOLONG);
	CHECK_ERRNO(weft_unix_new("unix:/no/such/folder", WEFT_UNIX_DGRAM, NULL), ENOENT);
	CHECK_ERRNO(weft_unix_connect("127.0.0.1:1", WEFT_UNIX_DGRAM, NULL), EINVAL);
	CHECK_ERRNO(weft_unix_connect(at("nobody"), WEFT_UNIX_DGRAM, NULL), ENOENT);
	CHECK_ERRNO(weft_unix_connect("unix:@weft-nobody", WEFT_UNIX_DGRAM, NULL), ECONNREFUSED);
	CHECK_ERRNO(weft_unix_connect(at("box"), WEFT_UNIX_SEQPACKET, NULL), EPROTOTYPE);
	CHECK_ERRNO(weft_unix_send(box, "x", 1, NULL), ENOTCONN);
	CHECK_INT(descriptors(), ==, before);
	weft_unix_free(box);
	weft_unix_free(NULL);
}

static unsigned mode_of(const char *name)
{
	struct stat status;

	CHECK_INT(lstat(place(name), &status), ==, 0);
	return status.st_mode & 0777;
}

CHECK_CASE(a_path_is_private_unless_told_otherwise_whatever_the_umask)
{
	const struct weft_unix_options group = {.mode = 0660};
	struct weft_unix *end;

	umask(0);
	end = make(at("box"), WEFT_UNIX_DGRAM);
	CHECK_INT(mode_of("box"), ==, 0600);
	weft_unix_free(end);
	CHECK_ERRNO(access(place("box"), F_OK), ENOENT);
	umask(0777);
	end = weft_unix_new(at("box"), WEFT_UNIX_SEQPACKET, &group);
	CHECK(end != NULL);
	CHECK_INT(mode_of("box"), ==, 0660);
	weft_unix_free(end);
}

/* ---- Paths left behind
 * ---------------------------------------------------------------------------- */

/* As a process leaves it that was killed. */
static void leave_behind(const char *name, int type)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);

	snprintf(address.sun_path, sizeof(address.sun_path), "%.100s", place(name));
	CHECK_INT(bind(fd, (struct sockaddr *)&address, sizeof(address)), ==, 0);
	CHECK_INT(chmod(place(name), 0644), ==, 0);
	close(fd);
}

BOTH_CASE(a_socket_left_behind_is_replaced)
{
	static const int types[] = {SOCK_DGRAM, SOCK_SEQPACKET, SOCK_STREAM};
	struct weft_unix *box;
	struct weft_listener *listener;
	int before = descriptors();

	for (size_t i = 0; i < 3; i++) {
		leave_behind("sock", types[i]);
		box = make(at("sock"), WEFT_UNIX_DGRAM);
		weft_unix_free(connect_to(at("sock"), WEFT_UNIX_DGRAM));
		weft_unix_free(box);

		leave_behind("sock", types[i]);
		listener = weft_listener_new(at("sock"), NULL);
		CHECK(listener != NULL);
		CHECK_INT(mode_of("sock"), ==, 0600);
		weft_listener_free(listener);
	}
	CHECK_INT(descriptors(), ==, before);
	CHECK_INT(rmdir(place_dir), ==, 0); /* nothing was left aside */
}

BOTH_CASE(a_living_socket_is_not_replaced_nor_disturbed)
{
	struct weft_unix *box = make(at("box"), WEFT_UNIX_DGRAM);
	struct weft_listener *listener = weft_listener_new(at("sock"), NULL);
	struct pollfd look = {.fd = weft_listener_fd(listener), .events = POLLIN};

	CHECK_ERRNO(weft_unix_new(at("box"), WEFT_UNIX_DGRAM, NULL), EADDRINUSE);
	CHECK_ERRNO(weft_listener_new(at("box"), NULL), EADDRINUSE);
	CHECK_ERRNO(weft_unix_new(at("sock"), WEFT_UNIX_DGRAM, NULL), EADDRINUSE);
	CHECK_ERRNO(weft_listener_new(at("sock"), NULL), EADDRINUSE);
	/* Nobody has knocked at its door. */
	CHECK_INT(poll(&look, 1, 0), ==, 0);
	weft_unix_free(connect_to(at("box"), WEFT_UNIX_DGRAM));
	weft_unix_free(box);
	weft_listener_free(listener);
}

CHECK_CASE(a_socket_that_is_bound_and_does_not_listen_yet_is_not_replaced)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	snprintf(address.sun_path, sizeof(address.sun_path), "%.100s", place("early"));
	CHECK_INT(bind(fd, (struct sockaddr *)&address, sizeof(address)), ==, 0);
	CHECK_ERRNO(weft_listener_new(at("early"), NULL), EADDRINUSE);
	close(fd);
	weft_listener_free(weft_listener_new(at("early"), NULL));
}

CHECK_CASE(a_server_of_another_network_namespace_is_not_replaced)
{
	struct weft_listener *listener = weft_listener_new(at("sock"), NULL);

	if (unshare(CLONE_NEWNET) < 0 && unshare(CLONE_NEWUSER | CLONE_NEWNET) < 0)
		check_skip("no network namespaces");
	CHECK_ERRNO(weft_listener_new(at("sock"), NULL), EADDRINUSE);
	weft_listener_free(listener);
}

CHECK_CASE(what_is_no_socket_is_not_replaced)
{
	place_write("file", "precious");
	CHECK_INT(mkdir(place("folder"), 0700), ==, 0);
	leave_behind("sock", SOCK_DGRAM);
	CHECK_INT(symlink(place("sock"), place("link")), ==, 0);
	CHECK_ERRNO(weft_listener_new(at("file"), NULL), EADDRINUSE);
	CHECK_ERRNO(weft_listener_new(at("folder"), NULL), EADDRINUSE);
	CHECK_ERRNO(weft_listener_new(at("link"), NULL), EADDRINUSE);
	CHECK_STR(place_read("file"), "precious");
	CHECK_INT(access(place("sock"), F_OK), ==, 0);
}

static void *try_to_replace(void *arg)
{
	/* It lives until the process ends. */
	struct weft_listener *listener = weft_listener_new(arg, NULL);

	CHECK(listener || errno == EADDRINUSE);
	return listener;
}

CHECK_CASE(of_several_who_find_a_socket_left_behind_one_gets_its_place)
{
	for (unsigned round = check_rounds(20); round > 0; round--) {
		int winners = 0, status;
		pid_t pid;

		leave_behind("sock", SOCK_STREAM);
		fflush(stdout);
		pid = fork();
		if (pid == 0) {
			char address[WEFT_ADDRESS_TEXT_MAX];
			pthread_t threads[4];
			struct weft_unix *end;
			void *winner;

			snprintf(address, sizeof(address), "%s", at("sock"));
			for (size_t i = 0; i < 4; i++)
				threads[i] = peer_start(try_to_replace, address);
			for (size_t i = 0; i < 4; i++) {
				CHECK_INT(pthread_join(threads[i], &winner), ==, 0);
				winners += winner != NULL;
			}
			CHECK_INT(winners, ==, 1);
			/* And that one is who is there. */
			end = weft_unix_connect(at("sock"), WEFT_UNIX_DGRAM, NULL);
			CHECK(!end && errno == EPROTOTYPE);
			_exit(0);
		}
		CHECK_INT(waitpid(pid, &status, 0), ==, pid);
		CHECK_INT(status, ==, 0);
		CHECK_INT(unlink(place("sock")), ==, 0);
	}
}

/* ---- Descriptors and credentials
 * -------------------------------------------------------------------- */

/* The writing end of a new pipe; the other in *ret_fd. */
static int make_pipe(int *ret_fd)
{
	int fds[2];

	CHECK_INT(pipe2(fds, O_CLOEXEC), ==, 0);
	*ret_fd = fds[0];
	return fds[1];
}

BOTH_CASE(descriptors_go_along_with_a_message)
{
	struct weft_unix *ends[2];
	struct weft_unix_message message = {.data = "two pipes", .len = 9, .fd_count = 2};
	struct weft_unix_message got = {0};
	char data[20];
	int before = descriptors(), pipes[2];

	CHECK_INT(weft_unix_pair(WEFT_UNIX_SEQPACKET, ends), ==, 0);
	for (int i = 0; i < 2; i++)
		message.fds[i] = make_pipe(&pipes[i]);
	CHECK_INT(weft_unix_send_message(ends[0], &message), ==, 0);
	for (int i = 0; i < 2; i++)
		close(message.fds[i]);
	got.data = data;
	got.size_bytes = sizeof(data);
	CHECK_INT(weft_unix_recv_message(ends[1], &got), ==, 1);
	CHECK_INT(got.len, ==, 9);
	CHECK_INT(got.fd_count, ==, 2);
	CHECK_INT(got.from.pid, ==, 0); /* not asked for */
	for (int i = 0; i < 2; i++) {
		CHECK_INT(fcntl(got.fds[i], F_GETFD), ==, FD_CLOEXEC);
		CHECK_INT(write(got.fds[i], "x", 1), ==, 1);
		CHECK_INT(read(pipes[i], data, 1), ==, 1);
		close(got.fds[i]);
		close(pipes[i]);
	}
	weft_unix_free(ends[0]);
	weft_unix_free(ends[1]);
	CHECK_INT(descriptors(), ==, before);
}

BOTH_CASE(descriptors_that_nobody_asked_for_are_closed)
{
	struct weft_unix *ends[2];
	struct weft_unix_message message = {.data = "x", .len = 1, .fd_count = 1};
	char data[20];
	int pipe_fd;

	CHECK_INT(weft_unix_pair(WEFT_UNIX_DGRAM, ends), ==, 0);
	message.fds[0] = make_pipe(&pipe_fd);
	CHECK_INT(weft_unix_send_message(ends[0], &message), ==, 0);
	close(message.fds[0]);
	CHECK_INT(weft_unix_recv(ends[1], data, sizeof(data), NULL), ==, 1);
	CHECK_INT(read(pipe_fd, data, 1), ==, 0); /* nobody has its other end any more */
	close(pipe_fd);
	weft_unix_free(ends[0]);
	weft_unix_free(ends[1]);
}

/* By the system's own calls. */
static void send_plainly(int socket_fd, int fd, unsigned times)
{
	_Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(int) * 64)] = {0};
	char one = 'x';
	struct iovec part = {&one, 1};
	struct msghdr header = {.msg_iov = &part,
		.msg_iovlen = 1,
		.msg_control = control,
		.msg_controllen = CMSG_SPACE(sizeof(int) * times)};
	struct cmsghdr *first = CMSG_FIRSTHDR(&header);

	first->cmsg_level = SOL_SOCKET;
	first->cmsg_type = SCM_RIGHTS;
	first->cmsg_len = CMSG_LEN(sizeof(int) * times);
	for (unsigned i = 0; i < times; i++)
		memcpy(CMSG_DATA(first) + i * sizeof(int), &fd, sizeof(int));
	CHECK_INT(sendmsg(socket_fd, &header, 0), ==, 1);
}

BOTH_CASE(more_descriptors_than_there_is_room_for_are_refused_and_closed)
{
	struct weft_unix *ends[2];
	struct weft_unix_message got = {0};
	int before = descriptors(), pipe_fd, fd = make_pipe(&pipe_fd);
	char byte;

	CHECK_INT(weft_unix_pair(WEFT_UNIX_DGRAM, ends), ==, 0);
	send_plainly(weft_unix_fd(ends[0]), fd, 40);
	send_plainly(weft_unix_fd(ends[0]), fd, 2);
	close(fd);
	CHECK_ERRNO(weft_unix_recv_message(ends[1], &got), EMSGSIZE);
	CHECK_ERRNO(weft_unix_recv_fd(weft_unix_fd(ends[1])), EBADMSG);
	CHECK_INT(read(pipe_fd, &byte, 1), ==, 0);
	got.fd_count = WEFT_UNIX_FDS_MAX + 1;
	CHECK_ERRNO(weft_unix_send_message(ends[0], &got), EINVAL);
	got.fd_count = 1;
	got.fds[0] = -1;
	CHECK_ERRNO(weft_unix_send_message(ends[0], &got), EBADF);
	close(pipe_fd);
	weft_unix_free(ends[0]);
	weft_unix_free(ends[1]);
	CHECK_INT(descriptors(), ==, before);
}

BOTH_CASE(a_descriptor_is_handed_over_a_stream)
{
	int fds[2], pipe_fd, fd = make_pipe(&pipe_fd), got;
	char byte;

	make_pair(SOCK_STREAM, fds);
	CHECK_INT(weft_unix_send_fd(fds[0], fd), ==, 0);
	CHECK_INT(weft_unix_send_fd(fds[0], fd), ==, 0);
	got = weft_unix_recv_fd(fds[1]);
	CHECK_INT(got, >=, 0);
	close(fd);
	close(got);
	got = weft_unix_recv_fd(fds[1]);
	CHECK_INT(write(got, "y", 1), ==, 1);
	CHECK_INT(read(pipe_fd, &byte, 1), ==, 1);
	close(got);
	CHECK_INT(send(fds[0], "z", 1, 0), ==, 1);
	CHECK_ERRNO(weft_unix_recv_fd(fds[1]), EBADMSG);
	WEFT_WITH_TIMEOUT (WEFT_MILLISECONDS(1))
		CHECK_ERRNO(weft_unix_recv_fd(fds[1]), ETIMEDOUT);
	close(fds[0]);
	CHECK_ERRNO(weft_unix_recv_fd(fds[1]), ENODATA);
	CHECK_ERRNO(weft_unix_recv_fd(pipe_fd), ENOTSOCK);
	CHECK_ERRNO(weft_unix_send_fd(pipe_fd, pipe_fd), ENOTSOCK);
	close(fds[1]);
	close(pipe_fd);
	fd = socket(AF_INET, SOCK_DGRAM, 0);
	CHECK_ERRNO(weft_unix_send_fd(fd, fd), EINVAL);
	CHECK_ERRNO(weft_unix_recv_fd(fd), EINVAL);
	close(fd);
}

BOTH_CASE(who_sent_a_message_and_who_is_at_the_other_end_is_told)
{
	const struct weft_unix_options told = {.credentials = true};
	struct weft_unix *box = weft_unix_new(at("box"), WEFT_UNIX_DGRAM, &told);
	struct weft_unix_credentials peer;
	struct weft_unix_message got = {0};
	struct weft_address to;
	int fds[2], status;
	pid_t pid;

	CHECK(box != NULL);
	to = *weft_unix_local(box);
	pid = fork();
	if (pid == 0) {
		int fd = socket(AF_UNIX, SOCK_DGRAM, 0);

		_exit(sendto(fd, "me", 2, 0, &to.any, to.len) == 2 ? 0 : 1);
	}
	CHECK_INT(weft_unix_recv_message(box, &got), ==, 1);
	CHECK_INT(got.from.pid, ==, pid);
	CHECK_INT(got.from.uid, ==, getuid());
	CHECK_INT(got.from.gid, ==, getgid());
	CHECK_INT(waitpid(pid, &status, 0), ==, pid);
	CHECK_INT(status, ==, 0);
	make_pair(SOCK_STREAM, fds);
	CHECK_INT(weft_unix_peer(fds[0], &peer), ==, 0);
	CHECK_INT(peer.pid, ==, getpid());
	CHECK_INT(peer.uid, ==, getuid());
	close(fds[0]);
	close(fds[1]);
	CHECK_ERRNO(weft_unix_peer(-1, &peer), EBADF);
	weft_unix_free(box);
}

CHECK_MAIN()
