/*
 * test_udp.c - datagrams: one at a time, in batches, in segments, and to many.
 * check: drivers tsan
 */
#include "weft/udp.h"

#include <netinet/udp.h>
#include <sched.h>

#include "both.h"
#include "nobody.h"
#include "weft/event.h"
#include "weft/scope.h"
#include "weft/socket.h"

#define LOOPBACK "127.0.0.1:0"

static struct weft_udp *make(const char *address, const struct weft_udp_options *options)
{
	struct weft_udp *udp = weft_udp_new(address, options);

	CHECK(udp != NULL);
	return udp;
}

/* A connected one whose peer is the other. */
static struct weft_udp *connect_to(const struct weft_udp *other)
{
	char text[WEFT_ADDRESS_TEXT_MAX];
	struct weft_udp *udp;

	weft_address_print(weft_udp_local(other), text, sizeof(text));
	udp = weft_udp_connect(text, NULL);
	CHECK(udp != NULL);
	return udp;
}

/* By the system's own calls. */
static void send_plainly(int fd, const void *data, size_t len, const struct weft_udp *to)
{
	const struct weft_address *address = weft_udp_local(to);

	CHECK_INT(sendto(fd, data, len, 0, &address->any, address->len), ==, len);
}

/* ---- One at a time ------------------------------------------------------------------------ */

BOTH_CASE(a_datagram_comes_whole_and_says_who_sent_it)
{
	struct weft_udp *one = make(LOOPBACK, NULL), *other = make(LOOPBACK, NULL);
	struct weft_address peer;
	char data[100];

	CHECK_INT(weft_address_port(weft_udp_local(one)), >, 0);
	CHECK_INT(weft_udp_send(one, "good morning", 12, weft_udp_local(other)), ==, 0);
	CHECK_INT(weft_udp_recv(other, data, sizeof(data), &peer), ==, 12);
	CHECK_MEM(data, "good morning", 12);
	CHECK(weft_address_equal(&peer, weft_udp_local(one)));
	CHECK_INT(weft_udp_send(other, "and you", 7, &peer), ==, 0);
	CHECK_INT(weft_udp_recv(one, data, sizeof(data), NULL), ==, 7);
	CHECK_MEM(data, "and you", 7);
	weft_udp_free(one);
	weft_udp_free(other);
}

BOTH_CASE(of_one_too_long_for_the_buffer_the_length_is_told_and_the_next_is_whole)
{
	struct weft_udp *udp = make(LOOPBACK, NULL);
	int fd = socket(AF_INET, SOCK_DGRAM, 0);
	struct weft_datagram datagram;
	char data[4];

	send_plainly(fd, "0123456789", 10, udp);
	send_plainly(fd, "abcd", 4, udp);
	send_plainly(fd, "0123456789", 10, udp);
	CHECK_INT(weft_udp_recv(udp, data, sizeof(data), NULL), ==, 10);
	CHECK_MEM(data, "0123", 4);
	CHECK_INT(weft_udp_recv(udp, data, sizeof(data), NULL), ==, 4);
	CHECK_MEM(data, "abcd", 4);
	datagram = (struct weft_datagram){.data = data, .size_bytes = sizeof(data)};
	CHECK_INT(weft_udp_recv_many(udp, &datagram, 1), ==, 1);
	CHECK_INT(datagram.len, ==, 10);
	weft_udp_free(udp);
	close(fd);
}

static void check_told(const char *own, const struct weft_address *to)
{
	struct weft_udp *udp = make(own, &(struct weft_udp_options){.keeps_errors = true});
	struct weft_udp_error errors[2];
	char data[4];

	CHECK_INT(weft_udp_errors(udp, errors, 2), ==, 0);
	CHECK_INT(weft_udp_send(udp, "anybody?", 8, to), ==, 0);
	CHECK_ERRNO(weft_udp_recv(udp, data, sizeof(data), NULL), ECONNREFUSED);
	CHECK_INT(weft_udp_errors(udp, errors, 2), ==, 1);
	CHECK_INT(errors[0].code, ==, ECONNREFUSED);
	CHECK_INT(weft_address_port(&errors[0].peer), ==, weft_address_port(to));
	CHECK(weft_address_is_loopback(&errors[0].peer));
	CHECK_INT(errors[0].len, ==, 8);
	CHECK_MEM(errors[0].data, "anybody?", 8);
	CHECK_INT(weft_udp_errors(udp, errors, 2), ==, 0);
	/* And what comes is heard of all the same. */
	CHECK_INT(weft_udp_send(udp, "me", 2, weft_udp_local(udp)), ==, 0);
	CHECK_INT(weft_udp_recv(udp, data, sizeof(data), NULL), ==, 2);
	weft_udp_free(udp);
}

BOTH_CASE(who_keeps_errors_is_told_whom_a_datagram_did_not_get_to)
{
	struct weft_address to;
	int held = nobody_hears(&to);

	check_told(LOOPBACK, &to);
	close(held);
}

BOTH_CASE(an_empty_datagram_is_one_too)
{
	struct weft_udp *one = make(LOOPBACK, NULL), *other = connect_to(one);
	char data[4];

	CHECK_INT(weft_udp_send(other, NULL, 0, NULL), ==, 0);
	CHECK_INT(weft_udp_recv(one, data, sizeof(data), NULL), ==, 0);
	weft_udp_free(one);
	weft_udp_free(other);
}

BOTH_CASE(a_connected_one_hears_its_peer_only)
{
	struct weft_udp *peer = make(LOOPBACK, NULL), *stranger = make(LOOPBACK, NULL);
	struct weft_udp *udp = connect_to(peer);
	char data[10];

	CHECK_INT(weft_udp_send(stranger, "psst", 4, weft_udp_local(udp)), ==, 0);
	CHECK_INT(weft_udp_send(peer, "hello", 5, weft_udp_local(udp)), ==, 0);
	CHECK_INT(weft_udp_recv(udp, data, sizeof(data), NULL), ==, 5);
	CHECK_MEM(data, "hello", 5);
	weft_udp_free(peer);
	weft_udp_free(stranger);
	weft_udp_free(udp);
}

BOTH_CASE(that_nobody_is_at_a_port_is_told_at_the_next_call)
{
	struct weft_address peer;
	int held = nobody_hears(&peer);
	char text[WEFT_ADDRESS_TEXT_MAX], data[10];
	struct weft_udp *udp;

	weft_address_print(&peer, text, sizeof(text));
	udp = weft_udp_connect(text, NULL);
	CHECK(udp != NULL);
	CHECK_INT(weft_udp_send(udp, "hello", 5, NULL), ==, 0);
	CHECK_ERRNO(weft_udp_recv(udp, data, sizeof(data), NULL), ECONNREFUSED);
	weft_udp_free(udp);
	close(held);
}

BOTH_CASE(a_socket_without_a_peer_must_be_told_whom_to_send_to)
{
	struct weft_udp *udp = make(LOOPBACK, NULL);

	CHECK_ERRNO(weft_udp_send(udp, "x", 1, NULL), EDESTADDRREQ);
	weft_udp_free(udp);
}

BOTH_CASE(more_than_fits_a_datagram_is_refused)
{
	static char data[WEFT_UDP_LEN_MAX + 1];
	struct weft_udp *one = make(LOOPBACK, NULL), *other = connect_to(one);

	CHECK_ERRNO(weft_udp_send(other, data, sizeof(data), NULL), EMSGSIZE);
	CHECK_INT(weft_udp_send(other, data, WEFT_UDP_LEN_MAX, NULL), ==, 0);
	CHECK_INT(weft_udp_recv(one, data, sizeof(data), NULL), ==, WEFT_UDP_LEN_MAX);
	weft_udp_free(one);
	weft_udp_free(other);
}

BOTH_CASE(waiting_obeys_the_deadline)
{
	struct weft_udp *udp = make(LOOPBACK, NULL);
	struct weft_datagram datagram = {0};
	char data[4];

	WEFT_WITH_TIMEOUT (WEFT_MILLISECONDS(1)) {
		CHECK_ERRNO(weft_udp_recv(udp, data, sizeof(data), NULL), ETIMEDOUT);
		CHECK_ERRNO(weft_udp_recv_many(udp, &datagram, 1), ETIMEDOUT);
	}
	weft_udp_free(udp);
}

static int recv_cancelled(void *arg)
{
	struct weft_datagram datagram = {0};

	CHECK_ERRNO(weft_udp_recv_many(arg, &datagram, 1), ECANCELED);
	return 0;
}

static int cancel_it(void *arg)
{
	weft_fiber_id fiber = weft_spawn(recv_cancelled, arg);

	weft_yield();
	weft_cancel(fiber);
	return weft_join(fiber, NULL, WEFT_FOREVER);
}

CHECK_CASE(waiting_for_a_batch_is_cancelled)
{
	struct weft_udp *udp = make(LOOPBACK, NULL);

	CHECK_INT(weft_run(NULL, cancel_it, udp), ==, 0);
	weft_udp_free(udp);
}

/* ---- Addresses and options ----------------------------------------------------------------- */

CHECK_CASE(what_is_no_address_of_a_datagram_socket_is_refused)
{
	CHECK_ERRNO(weft_udp_new("", NULL), EINVAL);
	CHECK_ERRNO(weft_udp_new("127.0.0.1", NULL), EINVAL);
	CHECK_ERRNO(weft_udp_new("127.0.0.1:65536", NULL), EINVAL);
	CHECK_ERRNO(weft_udp_new("localhost:1", NULL), EINVAL);
	CHECK_ERRNO(weft_udp_new("unix:/tmp/x", NULL), EINVAL);
	CHECK_ERRNO(weft_udp_new("192.0.2.1:0", NULL), EADDRNOTAVAIL);
	CHECK_ERRNO(weft_udp_connect("unix:/tmp/x", NULL), EINVAL);
	CHECK_ERRNO(weft_udp_connect("127.0.0.1", NULL), EINVAL);
}

CHECK_CASE(an_address_in_use_is_refused_unless_all_of_them_share_it)
{
	const struct weft_udp_options shared = {.reuse_port = true};
	struct weft_udp *one = make(LOOPBACK, &shared), *other;
	char text[WEFT_ADDRESS_TEXT_MAX];

	weft_address_print(weft_udp_local(one), text, sizeof(text));
	CHECK_ERRNO(weft_udp_new(text, NULL), EADDRINUSE);
	other = make(text, &shared);
	weft_udp_free(one);
	weft_udp_free(other);
}

/* For so long it is listened. */
static bool hears_ipv4(bool ipv6_only, int64_t timeout_ns)
{
	const struct weft_udp_options options = {.ipv6_only = ipv6_only};
	struct weft_udp *udp = make("[::]:0", &options), *sender = make(LOOPBACK, NULL);
	struct weft_address to;
	char text[40], data[4];
	ssize_t len = -1;

	snprintf(text, sizeof(text), "127.0.0.1:%u", weft_address_port(weft_udp_local(udp)));
	CHECK_INT(weft_address_parse(&to, text), ==, 0);
	CHECK_INT(weft_udp_send(sender, "x", 1, &to), ==, 0);
	WEFT_WITH_TIMEOUT (timeout_ns)
		if (weft_wait_fd(weft_udp_fd(udp), POLLIN | POLLNVAL) >= 0)
			len = weft_udp_recv(udp, data, sizeof(data), NULL);
	weft_udp_free(udp);
	weft_udp_free(sender);
	return len == 1;
}

CHECK_CASE(an_ipv6_socket_hears_ipv4_too_unless_told_otherwise)
{
	CHECK(hears_ipv4(false, WEFT_FOREVER));
	/* What loopback delivers, it delivers within the call that sends. */
	CHECK(!hears_ipv4(true, WEFT_MILLISECONDS(1)));
}

CHECK_CASE(the_receive_buffer_is_as_large_as_asked_for)
{
	const struct weft_udp_options options = {.receive_buffer_size = 20000};
	struct weft_udp *udp = make(LOOPBACK, &options);
	int size = 0;
	socklen_t len = sizeof(size);

	CHECK_INT(getsockopt(weft_udp_fd(udp), SOL_SOCKET, SO_RCVBUF, &size, &len), ==, 0);
	CHECK_INT(size, ==, 40000); /* socket(7): the kernel doubles it */
	weft_udp_free(udp);
}

CHECK_CASE(free_takes_null_and_keeps_errno)
{
	struct weft_udp *udp = make(LOOPBACK, NULL);

	weft_udp_free(NULL);
	errno = ERANGE;
	weft_udp_free(udp);
	CHECK_INT(errno, ==, ERANGE);
}

/* ---- Batches -------------------------------------------------------------------------------- */

BOTH_CASE(a_batch_takes_what_is_there_in_its_order)
{
	enum { ALL = 100 };
	static char room[ALL][8];
	struct weft_datagram datagrams[ALL];
	struct weft_udp *udp = make(LOOPBACK, NULL), *other = connect_to(udp);
	int count;

	for (int i = 0; i < ALL; i++) {
		char text[8];
		int len = snprintf(text, sizeof(text), "%d", i);

		CHECK_INT(send(weft_udp_fd(other), text, (size_t)len, 0), ==, len);
		datagrams[i] = (struct weft_datagram){.data = room[i], .size_bytes = 8};
	}
	CHECK_INT(weft_udp_recv_many(udp, datagrams, 10), ==, 10);
	CHECK_INT(weft_udp_recv_many(udp, datagrams + 10, ALL - 10), ==, WEFT_UDP_BATCH_MAX);
	count = 10 + WEFT_UDP_BATCH_MAX;
	CHECK_INT(weft_udp_recv_many(udp, datagrams + count, (unsigned)(ALL - count)), ==,
		ALL - count);
	for (int i = 0; i < ALL; i++) {
		CHECK_INT(datagrams[i].len, ==, i < 10 ? 1 : 2);
		CHECK_INT(strtol(room[i], NULL, 10), ==, i);
		CHECK_INT(datagrams[i].segment_len, ==, 0);
		CHECK(weft_address_equal(&datagrams[i].peer, weft_udp_local(other)));
	}
	weft_udp_free(udp);
	weft_udp_free(other);
}

BOTH_CASE(a_batch_goes_out_to_each_ones_peer)
{
	enum { ALL = 150 };
	struct weft_datagram datagrams[ALL];
	struct weft_udp *from = make(LOOPBACK, NULL);
	struct weft_udp *to[2] = {make(LOOPBACK, NULL), make(LOOPBACK, NULL)};
	unsigned char numbers[ALL], got;

	for (unsigned i = 0; i < ALL; i++) {
		numbers[i] = (unsigned char)i;
		datagrams[i] = (struct weft_datagram){
			.data = &numbers[i], .len = 1, .peer = *weft_udp_local(to[i % 2])};
	}
	CHECK_INT(weft_udp_send_many(from, datagrams, ALL), ==, ALL);
	for (unsigned i = 0; i < ALL; i++) {
		CHECK_INT(weft_udp_recv(to[i % 2], &got, 1, NULL), ==, 1);
		CHECK_INT(got, ==, i);
	}
	CHECK_INT(weft_udp_send_many(from, datagrams, 0), ==, 0);
	weft_udp_free(from);
	weft_udp_free(to[0]);
	weft_udp_free(to[1]);
}

BOTH_CASE(a_batch_says_which_one_failed)
{
	static char data[WEFT_UDP_LEN_MAX + 1];
	struct weft_udp *one = make(LOOPBACK, NULL), *other = connect_to(one);
	struct weft_datagram datagrams[3] = {
		{.data = data, .len = 1}, {.data = data, .len = sizeof(data)}, {.data = data}};

	CHECK_INT(weft_udp_send_many(other, datagrams, 3), ==, 1);
	CHECK_ERRNO(weft_udp_send_many(other, datagrams + 1, 2), EMSGSIZE);
	weft_udp_free(one);
	weft_udp_free(other);
}

/* A batch for nothing would wait for what it then leaves where it is. */
static bool has_ipv6(void)
{
	struct weft_udp *udp = weft_udp_new("[::1]:0", NULL);

	weft_udp_free(udp);
	return udp != NULL;
}

/* Who has asked one address of several hears that one only. */
static void check_answer_from(const char *bound, const char *asked)
{
	struct weft_udp *all = make(bound, &(struct weft_udp_options){.tells_here = true});
	char text[WEFT_ADDRESS_TEXT_MAX], data[10];
	struct weft_datagram datagram = {.data = data, .size_bytes = sizeof(data)};
	struct weft_udp *peer;

	snprintf(text, sizeof(text), "%s:%d", asked, weft_address_port(weft_udp_local(all)));
	peer = weft_udp_connect(text, NULL);
	CHECK(peer != NULL);
	for (int i = 0; i < 2; i++) {
		CHECK_INT(weft_udp_send(peer, "who", 3, NULL), ==, 0);
		CHECK_INT(weft_udp_recv_many(all, &datagram, 1), ==, 1);
		CHECK(datagram.here.family != 0);
		CHECK_INT(weft_udp_send_many(all, &datagram, 1), ==, 1);
		CHECK_INT(weft_udp_recv(peer, data, sizeof(data), NULL), ==, 3);
	}
	weft_udp_free(peer);
	weft_udp_free(all);
}

BOTH_CASE(an_answer_leaves_from_the_address_that_was_asked)
{
	check_answer_from("0.0.0.0:0", "127.0.0.2");
	if (has_ipv6()) {
		check_answer_from("[::]:0", "127.0.0.2");
		check_answer_from("[::]:0", "[::1]");
	}
}

/* That costs nothing where there is one only. */
CHECK_CASE(where_one_address_is_bound_no_other_is_told)
{
	struct weft_udp *one = make(LOOPBACK, &(struct weft_udp_options){.tells_here = true});
	struct weft_udp *peer = connect_to(one);
	char data[10];
	struct weft_datagram datagram = {.data = data, .size_bytes = sizeof(data)};

	CHECK_INT(weft_udp_send(peer, "who", 3, NULL), ==, 0);
	CHECK_INT(weft_udp_recv_many(one, &datagram, 1), ==, 1);
	CHECK_INT(datagram.here.family, ==, 0);
	weft_udp_free(peer);
	weft_udp_free(one);
}

BOTH_CASE(a_batch_of_none_waits_for_nothing)
{
	struct weft_udp *udp = make(LOOPBACK, NULL);

	CHECK_INT(weft_udp_recv_many(udp, NULL, 0), ==, 0);
	weft_udp_free(udp);
}

/* ---- Segments ---------------------------------------------------------------------------------
 */

#define SEGMENTED 150001
#define SEGMENT   1000

static char sent[SEGMENTED], got[SEGMENTED];

/* Datagrams of SEGMENT bytes each, the last one of a single byte; however they come. How many. */
static int take_segments(struct weft_udp *udp)
{
	size_t at = 0;
	int count = 0;

	while (at < SEGMENTED) {
		static char room[WEFT_UDP_LEN_MAX];
		struct weft_datagram datagram = {.data = room, .size_bytes = sizeof(room)};

		CHECK_INT(weft_udp_recv_many(udp, &datagram, 1), ==, 1);
		if (datagram.segment_len)
			CHECK_INT(datagram.segment_len, ==, SEGMENT);
		else
			CHECK_INT(datagram.len, ==, at + SEGMENT > SEGMENTED ? 1 : SEGMENT);
		memcpy(got + at, room, datagram.len);
		at += datagram.len;
		count++;
	}
	CHECK_MEM(got, sent, SEGMENTED);
	return count;
}

static int segments_pass(bool coalesce, bool without_kernel)
{
	const struct weft_udp_options options = {
		.coalesce = coalesce, .receive_buffer_size = 1 << 20};
	struct weft_udp *udp = make(LOOPBACK, &options), *other = connect_to(udp);
	int count;

	fill_pattern(sent, sizeof(sent));
	if (without_kernel) {
		int off = 1;

		/* Without checksums the kernel refuses to cut: EIO. */
		CHECK_INT(
			setsockopt(weft_udp_fd(other), SOL_SOCKET, SO_NO_CHECK, &off, sizeof(off)),
			==, 0);
	}
	CHECK_INT(weft_udp_send_segments(other, sent, SEGMENTED, SEGMENT, NULL), ==, 0);
	count = take_segments(udp);
	weft_udp_free(udp);
	weft_udp_free(other);
	return count;
}

BOTH_CASE(segments_arrive_as_datagrams)
{
	CHECK_INT(segments_pass(false, false), ==, SEGMENTED / SEGMENT + 1);
}

BOTH_CASE(segments_are_coalesced_where_that_is_asked_for)
{
	CHECK_INT(segments_pass(true, false), <, SEGMENTED / SEGMENT / 10);
}

BOTH_CASE(segments_go_one_by_one_where_the_kernel_does_not_cut)
{
	CHECK_INT(segments_pass(false, true), ==, SEGMENTED / SEGMENT + 1);
}

BOTH_CASE(segments_of_no_length_or_too_much_are_refused)
{
	struct weft_udp *udp = make(LOOPBACK, NULL);

	CHECK_ERRNO(weft_udp_send_segments(udp, "x", 1, 0, weft_udp_local(udp)), EINVAL);
	CHECK_ERRNO(
		weft_udp_send_segments(udp, sent, SEGMENTED, 70000, weft_udp_local(udp)), EMSGSIZE);
	CHECK_INT(weft_udp_send_segments(udp, sent, 0, 10, weft_udp_local(udp)), ==, 0);
	weft_udp_free(udp);
}

/* ---- To many -----------------------------------------------------------------------------------
 */

BOTH_CASE(a_broadcast_needs_the_option)
{
	const struct weft_udp_options may = {.broadcast = true};
	struct weft_udp *one = make("0.0.0.0:0", NULL), *other = make(LOOPBACK, &may);
	struct weft_address all;
	char text[40], data[4];

	snprintf(text, sizeof(text), "127.255.255.255:%u", weft_address_port(weft_udp_local(one)));
	CHECK_INT(weft_address_parse(&all, text), ==, 0);
	CHECK_ERRNO(weft_udp_send(one, "x", 1, &all), EACCES);
	CHECK_INT(weft_udp_send(other, "all", 3, &all), ==, 0);
	CHECK_INT(weft_udp_recv(one, data, sizeof(data), NULL), ==, 3);
	weft_udp_free(one);
	weft_udp_free(other);
}

/* A group's address with the port of a socket that is bound already. */
static struct weft_address group_at(const char *group, const struct weft_udp *udp)
{
	struct weft_address address;
	char text[60];

	snprintf(text, sizeof(text), strchr(group, ':') ? "[%s]:%u" : "%s:%u", group,
		weft_address_port(weft_udp_local(udp)));
	CHECK_INT(weft_address_parse(&address, text), ==, 0);
	return address;
}

/* A network of this process's own, with an interface that is no loopback. */
static void enter_network(void)
{
	unsigned me = getuid();

	if (unshare(CLONE_NEWNET) < 0) {
		FILE *map;

		/* Without a privilege: as the root of a namespace of users. */
		if (unshare(CLONE_NEWUSER | CLONE_NEWNET) < 0)
			check_skip("no network namespaces");
		map = fopen("/proc/self/uid_map", "w");
		CHECK(map && fprintf(map, "0 %u 1", me) > 0 && fclose(map) == 0);
	}
	if (system("{ ip link set lo up && ip link add v0 type veth peer name v1 &&"
		   " ip addr add 10.7.7.1/24 dev v0 && ip addr add fd77::1/64 dev v0 nodad &&"
		   " ip link set v1 up && ip link set v0 up; } >/dev/null 2>&1") != 0)
		check_skip("no ip(8), or no veth links");
}

/* An interface that was set up has its link, and its own address of IPv6, a moment later. */
static void send_when_up(struct weft_udp *sender, const char *text, const struct weft_address *to)
{
	for (int i = 0; i < 2000; i++) {
		if (weft_udp_send(sender, text, strlen(text), to) == 0)
			return;
		CHECK_INT(weft_sleep(WEFT_MILLISECONDS(5)), ==, 0);
	}
	CHECK_INT(weft_udp_send(sender, text, strlen(text), to), ==, 0);
}

/* all: "0.0.0.0" or "[::]" */
static int members_hear(const char *all, const char *group)
{
	const struct weft_udp_options shared = {.reuse_port = true};
	const struct weft_udp_multicast there = {.interface = "v0"};
	const struct weft_udp_multicast not_here = {.interface = "v0", .no_loop = true};
	char text[60], data[8];
	struct weft_udp *one, *other, *sender;
	struct weft_address to;

	snprintf(text, sizeof(text), "%s:0", all);
	one = make(text, &shared);
	sender = make(text, NULL);
	snprintf(text, sizeof(text), "%s:%u", all, weft_address_port(weft_udp_local(one)));
	other = make(text, &shared);
	to = group_at(group, one);
	CHECK_INT(weft_udp_join(one, group, "v0"), ==, 0);
	CHECK_INT(weft_udp_join(other, group, "v0"), ==, 0);
	CHECK_ERRNO(weft_udp_join(one, group, "v0"), EADDRINUSE);
	CHECK_INT(weft_udp_set_multicast(sender, &there), ==, 0);
	send_when_up(sender, "both", &to);
	CHECK_INT(weft_udp_recv(one, data, sizeof(data), NULL), ==, 4);
	CHECK_INT(weft_udp_recv(other, data, sizeof(data), NULL), ==, 4);

	CHECK_INT(weft_udp_leave(other, group, "v0"), ==, 0);
	CHECK_ERRNO(weft_udp_leave(other, group, "v0"), EADDRNOTAVAIL);
	CHECK_INT(weft_udp_set_multicast(sender, &not_here), ==, 0);
	CHECK_INT(weft_udp_send(sender, "nobody", 6, &to), ==, 0);
	CHECK_INT(weft_udp_set_multicast(sender, &there), ==, 0);
	CHECK_INT(weft_udp_send(sender, "one", 3, &to), ==, 0);
	CHECK_INT(weft_udp_recv(one, data, sizeof(data), NULL), ==, 3);
	WEFT_WITH_TIMEOUT (WEFT_MILLISECONDS(1))
		CHECK_ERRNO(weft_udp_recv(other, data, sizeof(data), NULL), ETIMEDOUT);
	weft_udp_free(one);
	weft_udp_free(other);
	weft_udp_free(sender);
	return 0;
}

static int members_hear_both(void *arg)
{
	(void)arg;
	members_hear("0.0.0.0", "239.255.7.7");
	members_hear("[::]", "239.255.7.7"); /* by an IPv6 socket */
	return members_hear("[::]", "ff15::7:7");
}

CHECK_CASE(members_of_a_group_hear_it_until_they_leave_in_a_thread)
{
	enter_network();
	members_hear_both(NULL);
}

CHECK_CASE(members_of_a_group_hear_it_until_they_leave_in_a_fiber)
{
	enter_network(); /* before there are threads */
	CHECK_INT(weft_run(NULL, members_hear_both, NULL), ==, 0);
}

/* Linux's own default is to hear what anybody on the host has joined. */
BOTH_CASE(a_group_is_heard_by_its_members_only)
{
	const struct weft_udp_options shared = {.reuse_port = true};
	struct weft_udp *member = make("0.0.0.0:0", &shared), *stranger, *sender;
	struct weft_address to = group_at("239.255.7.8", member);
	char text[60], data[8];

	snprintf(text, sizeof(text), "0.0.0.0:%u", weft_address_port(weft_udp_local(member)));
	stranger = make(text, &shared);
	sender = make("0.0.0.0:0", NULL);
	CHECK_INT(weft_udp_join(member, "239.255.7.8", "lo"), ==, 0);
	CHECK_INT(weft_udp_set_multicast(sender, &(struct weft_udp_multicast){.interface = "lo"}),
		==, 0);
	CHECK_INT(weft_udp_send(sender, "member", 6, &to), ==, 0);
	CHECK_INT(weft_udp_recv(member, data, sizeof(data), NULL), ==, 6);
	WEFT_WITH_TIMEOUT (WEFT_MILLISECONDS(1))
		CHECK_ERRNO(weft_udp_recv(stranger, data, sizeof(data), NULL), ETIMEDOUT);
	weft_udp_free(member);
	weft_udp_free(stranger);
	weft_udp_free(sender);
}

static int option(const struct weft_udp *udp, int level, int name)
{
	int value = -1;
	socklen_t len = sizeof(value);

	CHECK_INT(getsockopt(weft_udp_fd(udp), level, name, &value, &len), ==, 0);
	return value;
}

CHECK_CASE(datagrams_to_a_group_stay_in_the_own_network_unless_told_otherwise)
{
	struct weft_udp *udp = make("0.0.0.0:0", NULL), *both = make("[::]:0", NULL);

	CHECK_INT(weft_udp_set_multicast(udp, &(struct weft_udp_multicast){0}), ==, 0);
	CHECK_INT(option(udp, IPPROTO_IP, IP_MULTICAST_TTL), ==, 1);
	CHECK_INT(option(udp, IPPROTO_IP, IP_MULTICAST_LOOP), ==, 1);
	CHECK_INT(weft_udp_set_multicast(
			  both, &(struct weft_udp_multicast){.hops = 9, .no_loop = true}),
		==, 0);
	CHECK_INT(option(both, IPPROTO_IP, IP_MULTICAST_TTL), ==, 9);
	CHECK_INT(option(both, IPPROTO_IPV6, IPV6_MULTICAST_HOPS), ==, 9);
	CHECK_INT(option(both, IPPROTO_IPV6, IPV6_MULTICAST_LOOP), ==, 0);
	weft_udp_free(udp);
	weft_udp_free(both);
}

CHECK_CASE(what_is_no_group_or_no_interface_is_refused)
{
	struct weft_udp *udp = make("0.0.0.0:0", NULL);

	CHECK_ERRNO(weft_udp_join(udp, "", NULL), EINVAL);
	CHECK_ERRNO(weft_udp_join(udp, "10.0.0.1", NULL), EINVAL);
	CHECK_ERRNO(weft_udp_join(udp, "fe80::1", NULL), EINVAL);
	CHECK_ERRNO(weft_udp_join(udp, "239.1.2.3:9", NULL), EINVAL);
	CHECK_ERRNO(weft_udp_join(udp, "239.1.2.3", "no such"), ENODEV);
	CHECK_ERRNO(weft_udp_leave(udp, "239.1.2.3", "lo"), EADDRNOTAVAIL);
	CHECK_ERRNO(weft_udp_set_multicast(udp, &(struct weft_udp_multicast){.hops = 256}), EINVAL);
	CHECK_ERRNO(weft_udp_set_multicast(udp, &(struct weft_udp_multicast){.hops = -1}), EINVAL);
	CHECK_ERRNO(
		weft_udp_set_multicast(udp, &(struct weft_udp_multicast){.interface = "no such"}),
		ENODEV);
	weft_udp_free(udp);
}

CHECK_MAIN()
