/*
 * test_socket.c - the POSIX calls: who is served when several wait, what never shows.
 * check: tsan drivers
 */
#include <fcntl.h>
#include <netinet/in.h>
#include <stdatomic.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <time.h>

#include "base/prng.h"
#include "both.h"
#include "nobody.h"
#include "weft/address.h"
#include "weft/scope.h"
#include "weft/socket.h"

static void run(unsigned workers, weft_fiber_fn *fn, void *arg)
{
	CHECK_INT(weft_run(&(struct weft_run_options){.workers = workers}, fn, arg), ==, 0);
}

static int listen_tcp(struct weft_address *ret_address)
{
	int fd = weft_socket(AF_INET, SOCK_STREAM, 0);

	CHECK_INT(weft_address_parse(ret_address, "127.0.0.1:0"), ==, 0);
	CHECK_INT(weft_bind(fd, &ret_address->any, ret_address->len), ==, 0);
	CHECK_INT(weft_listen(fd, 128), ==, 0);
	CHECK_INT(weft_getsockname(fd, ret_address), ==, 0);
	return fd;
}

static int connect_tcp(const struct weft_address *address)
{
	int fd = weft_socket(AF_INET, SOCK_STREAM, 0);

	CHECK_INT(weft_connect(fd, &address->any, address->len), ==, 0);
	return fd;
}

/* ---- Several on one descriptor ------------------------------------------------------- */

static int pair[2];
static char order[64];
static int order_len;

static int read_in_turn(void *arg)
{
	char byte;

	CHECK_INT(weft_read(pair[0], &byte, 1), ==, 1);
	order[order_len++] = *(const char *)arg;
	return 0;
}

static int ten_readers(void *arg)
{
	static const char names[] = "abcdefghij";
	weft_fiber_id fibers[10];

	(void)arg;
	CHECK_INT(weft_pipe(pair), ==, 0);
	for (int i = 0; i < 10; i++) {
		fibers[i] = weft_spawn(read_in_turn, (void *)&names[i]);
		weft_yield();
	}
	/* Some at once, some one by one: the order is that of their coming. */
	CHECK_INT(weft_write(pair[1], "1234", 4), ==, 4);
	weft_sleep(1);
	for (int i = 4; i < 10; i++)
		CHECK_INT(weft_write(pair[1], "x", 1), ==, 1);
	CHECK_INT(weft_join_all(fibers, 10, NULL, WEFT_SECONDS(20)), ==, 10);
	CHECK_STR(order, names);
	return 0;
}

CHECK_CASE(readers_of_one_descriptor_are_served_in_the_order_of_their_coming)
{
	run(1, ten_readers, NULL);
}

static atomic_int bytes_read;

static int read_many(void *arg)
{
	char byte;

	(void)arg;
	while (weft_read(pair[0], &byte, 1) == 1)
		atomic_fetch_add(&bytes_read, 1);
	return 0;
}

static int readers_everywhere(void *arg)
{
	weft_fiber_id fibers[6];

	(void)arg;
	CHECK_INT(weft_pipe(pair), ==, 0);
	for (unsigned i = 0; i < 6; i++)
		fibers[i] = weft_spawn_with(
			&(struct weft_spawn_options){.worker = 1 + i % 3}, read_many, NULL);
	for (int i = 0; i < 500; i++) {
		CHECK_INT(weft_write(pair[1], "yz", 2), ==, 2);
		if (i % 50 == 0)
			weft_sleep(WEFT_MICROSECONDS(50));
	}
	weft_close(pair[1]); /* the end reaches them all */
	CHECK_INT(weft_join_all(fibers, 6, NULL, WEFT_SECONDS(20)), ==, 6);
	CHECK_INT(atomic_load(&bytes_read), ==, 1000);
	return 0;
}

CHECK_CASE(readers_on_several_workers_lose_nothing_and_all_see_the_end)
{
	run(3, readers_everywhere, NULL);
}

static int poll_then_count(void *arg)
{
	CHECK(weft_wait_fd(pair[0], POLLIN) & POLLIN);
	return ++*(int *)arg;
}

static int pollers_beside_readers(void *arg)
{
	int count = 0;
	weft_fiber_id fibers[3];

	(void)arg;
	CHECK_INT(weft_socketpair(AF_UNIX, SOCK_STREAM, 0, pair), ==, 0);
	fibers[0] = weft_spawn(poll_then_count, &count);
	fibers[1] = weft_spawn(poll_then_count, &count);
	weft_yield();
	CHECK_INT(count, ==, 0);
	CHECK_INT(weft_write(pair[1], "p", 1), ==, 1);
	CHECK_INT(weft_join_all(fibers, 2, NULL, WEFT_SECONDS(20)), ==, 2);
	fibers[2] = weft_spawn(read_in_turn, "R");
	CHECK_INT(weft_join(fibers[2], NULL, WEFT_SECONDS(20)), ==, 0);
	CHECK(weft_wait_fd(pair[0], POLLIN | POLLOUT) & POLLOUT);
	return 0;
}

CHECK_CASE(waiting_for_readiness_takes_nothing_from_readers)
{
	run(1, pollers_beside_readers, NULL);
}

/* ---- Nobody starves --------------------------------------------------------------------- */

static bool is_over;

static int neighbour(void *arg)
{
	for (int i = 0; i < 1000; i++)
		weft_yield();
	is_over = true;
	return ++*(int *)arg;
}

static int never_waits(void *arg)
{
	char byte = 'x';
	int done = 0;
	weft_fiber_id fiber = weft_spawn(neighbour, &done);

	(void)arg;
	CHECK_INT(weft_socketpair(AF_UNIX, SOCK_STREAM, 0, pair), ==, 0);
	/* Neither call ever has to wait: only the budget lets the neighbour run. */
	for (int i = 0; !is_over; i++) {
		CHECK_INT(i, <, 1000000);
		CHECK_INT(weft_send(pair[0], &byte, 1, 0), ==, 1);
		CHECK_INT(weft_recv(pair[1], &byte, 1, 0), ==, 1);
	}
	CHECK_INT(weft_join(fiber, NULL, WEFT_SECONDS(20)), ==, 0);
	return 0;
}

CHECK_CASE(a_fiber_that_always_has_data_lets_its_neighbours_run)
{
	run(1, never_waits, NULL);
}

static int foreign_reader(void *arg)
{
	char byte;

	return weft_read(*(int *)arg, &byte, 1) == 1 ? 0 : errno;
}

static int blocking_descriptor(void *arg)
{
	int fds[2];
	weft_fiber_id reader;

	(void)arg;
	CHECK_INT(pipe(fds), ==, 0);
	reader = weft_spawn(foreign_reader, &fds[0]);
	weft_yield(); /* comes back although the pipe is empty and was made blocking */
	CHECK_INT(write(fds[1], "b", 1), ==, 1);
	CHECK_INT(weft_join(reader, NULL, WEFT_SECONDS(20)), ==, 0);
	return 0;
}

CHECK_CASE(a_descriptor_made_blocking_elsewhere_does_not_hold_the_worker)
{
	run(1, blocking_descriptor, NULL);
}

/* ---- Edges and ends ----------------------------------------------------------------------- */

struct transfer {
	struct weft_address address;
	size_t total;
	uint64_t seed;
};

static int send_in_pieces(void *arg)
{
	const struct transfer *transfer = arg;
	struct prng prng;
	unsigned char piece[5000];
	int fd = connect_tcp(&transfer->address);
	size_t sent = 0;

	prng.state = transfer->seed;
	while (sent < transfer->total) {
		size_t len = 1 + prng_below(&prng, sizeof(piece));
		ssize_t count;

		if (len > transfer->total - sent)
			len = transfer->total - sent;
		for (size_t i = 0; i < len; i++)
			piece[i] = (unsigned char)((sent + i) * 131 >> 3);
		count = weft_send(fd, piece, len, 0);
		CHECK_INT(count, >, 0);
		sent += (size_t)count;
		if (prng_below(&prng, 4) == 0)
			weft_yield();
	}
	return weft_close(fd); /* data and end may arrive together */
}

static int receive_in_pieces(int fd, const struct transfer *transfer)
{
	struct prng prng;
	unsigned char piece[7000];
	size_t received = 0;
	ssize_t count;

	prng.state = ~transfer->seed;
	while ((count = weft_recv(fd, piece, 1 + prng_below(&prng, sizeof(piece)), 0)) > 0) {
		for (size_t i = 0; i < (size_t)count; i++)
			CHECK_INT(piece[i], ==, (unsigned char)((received + i) * 131 >> 3));
		received += (size_t)count;
		if (prng_below(&prng, 8) == 0)
			weft_sleep(WEFT_MICROSECONDS(prng_below(&prng, 30)));
	}
	CHECK_INT(count, ==, 0);
	CHECK_INT(received, ==, transfer->total);
	return 0;
}

static int random_transfers(void *arg)
{
	struct transfer transfer;
	int listener = listen_tcp(&transfer.address);

	(void)arg;
	for (unsigned i = 0; i < check_rounds(60); i++) {
		weft_fiber_id sender;
		int fd;

		transfer.seed = i;
		transfer.total = i * i * 37;
		sender = weft_spawn(send_in_pieces, &transfer);
		fd = weft_accept(listener, NULL, NULL);
		CHECK_INT(fd, >=, 0);
		WEFT_WITH_TIMEOUT (WEFT_SECONDS(30))
			receive_in_pieces(fd, &transfer);
		CHECK_INT(weft_join(sender, NULL, WEFT_SECONDS(20)), ==, 0);
		weft_close(fd);
	}
	weft_close(listener);
	return 0;
}

CHECK_CASE(every_byte_and_the_end_arrive_however_reads_and_writes_are_cut)
{
	run(1, random_transfers, NULL);
	run(2, random_transfers, NULL);
}

BOTH_CASE(flags_mean_what_they_mean_to_the_kernel)
{
	char bytes[8];
	int fds[2];

	CHECK_INT(weft_socketpair(AF_UNIX, SOCK_STREAM, 0, fds), ==, 0);
	CHECK_ERRNO(weft_recv(fds[0], bytes, 1, MSG_DONTWAIT), EAGAIN);
	CHECK_INT(weft_send(fds[1], "abc", 3, 0), ==, 3);
	CHECK_INT(weft_recv(fds[0], bytes, 8, MSG_PEEK), ==, 3);
	CHECK_INT(weft_recv(fds[0], bytes, 2, MSG_DONTWAIT), ==, 2);
	CHECK_INT(weft_recv(fds[0], bytes, 8, 0), ==, 1);
	CHECK_INT(weft_send(fds[1], "", 0, 0), ==, 0);
	weft_close(fds[1]);
	CHECK_INT(weft_recv(fds[0], bytes, 8, 0), ==, 0);
	CHECK_ERRNO(weft_send(fds[0], "x", 1, 0), EPIPE); /* and no SIGPIPE */
	weft_close(fds[0]);
	CHECK_INT(weft_pipe(fds), ==, 0);
	weft_close(fds[0]);
	CHECK_ERRNO(weft_write(fds[1], "x", 1), EPIPE);
	weft_close(fds[1]);
}

BOTH_CASE(a_long_datagram_is_cut_and_says_so)
{
	struct weft_address address;
	struct iovec part;
	struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
	char bytes[4];
	int server = weft_socket(AF_INET, SOCK_DGRAM, 0);
	int client = weft_socket(AF_INET, SOCK_DGRAM, 0);

	CHECK_INT(weft_address_parse(&address, "127.0.0.1:0"), ==, 0);
	CHECK_INT(weft_bind(server, &address.any, address.len), ==, 0);
	CHECK_INT(weft_getsockname(server, &address), ==, 0);
	CHECK_INT(weft_sendto(client, "123456", 6, 0, &address.any, address.len), ==, 6);
	part = (struct iovec){bytes, sizeof(bytes)};
	CHECK_INT(weft_recvmsg(server, &message, 0), ==, 4);
	CHECK(message.msg_flags & MSG_TRUNC);
	weft_close(server);
	weft_close(client);
}

BOTH_CASE(a_refused_connection_says_so)
{
	struct weft_address address;
	int held = nobody_listens(&address), fd = weft_socket(AF_INET, SOCK_STREAM, 0);

	CHECK_ERRNO(weft_connect(fd, &address.any, address.len), ECONNREFUSED);
	weft_close(fd);
	close(held);
}

/* ---- Deadlines on every call that waits ------------------------------------------------------ */

BOTH_CASE(every_call_that_waits_obeys_the_deadline)
{
	struct weft_address address;
	char bytes[4096] = {0};
	int listener = listen_tcp(&address), fds[2];
	ssize_t count;

	CHECK_INT(weft_socketpair(AF_UNIX, SOCK_STREAM, 0, fds), ==, 0);
	WEFT_WITH_TIMEOUT (WEFT_MILLISECONDS(2))
		CHECK_ERRNO(weft_recv(fds[0], bytes, 1, 0), ETIMEDOUT);
	WEFT_WITH_TIMEOUT (WEFT_MILLISECONDS(2))
		CHECK_ERRNO(weft_read(fds[0], bytes, 1), ETIMEDOUT);
	WEFT_WITH_TIMEOUT (WEFT_MILLISECONDS(2))
		CHECK_ERRNO(weft_wait_fd(fds[0], POLLIN), ETIMEDOUT);
	WEFT_WITH_TIMEOUT (WEFT_MILLISECONDS(2))
		CHECK_ERRNO(weft_accept(listener, NULL, NULL), ETIMEDOUT);
	WEFT_WITH_TIMEOUT (WEFT_MILLISECONDS(20)) {
		while ((count = weft_send(fds[0], bytes, sizeof(bytes), 0)) > 0)
			;
		CHECK_INT(errno, ==, ETIMEDOUT);
	}
	WEFT_WITH_TIMEOUT (0)
		CHECK_INT(weft_close(fds[0]), ==, 0); /* closes all the same */
	weft_close(fds[1]);
	weft_close(listener);
}

/* ---- Signals -----------------------------------------------------------------------------------
 */

static void ignore_alarm(int number)
{
	(void)number;
}

static int read_in_the_storm(void *arg)
{
	char byte;

	(void)arg;
	for (int i = 0; i < 200; i++) {
		CHECK_INT(weft_sleep(WEFT_MICROSECONDS(100)), ==, 0);
		WEFT_WITH_TIMEOUT (WEFT_MICROSECONDS(100))
			CHECK_ERRNO(weft_read(pair[0], &byte, 1), ETIMEDOUT);
	}
	return 0;
}

BOTH_CASE(an_interrupted_call_goes_on)
{
	struct sigaction action = {.sa_handler = ignore_alarm}; /* without SA_RESTART */
	struct itimerval often = {{0, 50}, {0, 50}}, never = {{0, 0}, {0, 0}};

	CHECK_INT(weft_pipe(pair), ==, 0);
	CHECK_INT(sigaction(SIGALRM, &action, NULL), ==, 0);
	CHECK_INT(setitimer(ITIMER_REAL, &often, NULL), ==, 0);
	read_in_the_storm(NULL);
	CHECK_INT(setitimer(ITIMER_REAL, &never, NULL), ==, 0);
	weft_close(pair[0]);
	weft_close(pair[1]);
}

/* ---- No descriptor left -------------------------------------------------------------------------
 */

static int accept_until_one(void *arg)
{
	int fd, refused = 0;

	while ((fd = weft_accept(*(int *)arg, NULL, NULL)) < 0) {
		CHECK_INT(errno, ==, EMFILE);
		refused++;
		CHECK_INT(weft_wait_descriptor(), ==, 0);
	}
	weft_close(fd);
	return refused;
}

static int64_t cpu_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return WEFT_SECONDS(now.tv_sec) + now.tv_nsec;
}

static int out_of_descriptors(void *arg)
{
	struct weft_address address;
	struct rlimit limit = {64, 64};
	int listener = listen_tcp(&address), client = connect_tcp(&address), held[64], count = 0;
	int refused = 0;
	weft_fiber_id acceptor;
	int64_t spent = INT64_MAX;
	int looks = 0;

	(void)arg;
	CHECK_INT(setrlimit(RLIMIT_NOFILE, &limit), ==, 0);
	while ((held[count] = dup(client)) >= 0)
		count++;
	CHECK_INT(errno, ==, EMFILE);
	acceptor = weft_spawn(accept_until_one, &listener);
	for (; spent >= WEFT_MILLISECONDS(100); looks++) { /* it waits, it doesn't spin */
		CHECK_INT(looks, <, 20);
		spent = -cpu_ns();
		weft_sleep(WEFT_MILLISECONDS(250));
		spent += cpu_ns();
	}
	weft_close(held[--count]);
	CHECK_INT(weft_join(acceptor, &refused, WEFT_SECONDS(20)), ==, 0);
	/* At first, and at each look every 100 ms. */
	CHECK_INT(refused, >=, 1);
	CHECK_INT(refused, <=, 20 * looks);
	while (count > 0)
		close(held[--count]);
	weft_close(client);
	weft_close(listener);
	return 0;
}

CHECK_CASE(without_a_descriptor_accepting_waits_for_one_without_spinning)
{
	run(1, out_of_descriptors, NULL);
}

/* ---- Storms
 * -------------------------------------------------------------------------------------- */

#define STORM 400
static atomic_int accepted;

static int accept_many(void *arg)
{
	int fd;

	while ((fd = weft_accept(*(int *)arg, NULL, NULL)) >= 0) {
		atomic_fetch_add(&accepted, 1);
		weft_close(fd);
	}
	return errno;
}

static int accept_storm(void *arg)
{
	unsigned workers = (unsigned)(uintptr_t)arg;
	struct weft_address address;
	int listener = listen_tcp(&address), results[4];
	weft_fiber_id fibers[4];

	atomic_store(&accepted, 0);
	for (unsigned i = 0; i < 4; i++)
		fibers[i] = weft_spawn_with(&(struct weft_spawn_options){.worker = 1 + i % workers},
			accept_many, &listener);
	for (int i = 0; i < STORM; i++)
		weft_close(connect_tcp(&address));
	while (atomic_load(&accepted) < STORM)
		weft_sleep(WEFT_MICROSECONDS(200));
	for (int i = 0; i < 4; i++)
		weft_cancel(fibers[i]);
	CHECK_INT(weft_join_all(fibers, 4, results, WEFT_SECONDS(20)), ==, 4);
	for (int i = 0; i < 4; i++)
		CHECK_INT(results[i], ==, ECANCELED);
	weft_close(listener);
	return 0;
}

CHECK_CASE(a_storm_of_connections_is_accepted_whole)
{
	run(1, accept_storm, (void *)1);
	run(3, accept_storm, (void *)3);
}

CHECK_MAIN()
