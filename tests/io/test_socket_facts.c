/* test_socket_facts.c - what a socket is: looking tells the truth, and changes nothing. */
#include <netinet/in.h>
#include <sys/socket.h>

#include "check.h"
#include "nobody.h"
#include "weft/socket.h"
#include "weft/sockopt.h"

/* A TCP connection over the loopback; its two ends. */
static void connect_pair(int ret_fds[2])
{
	struct sockaddr_in address = {
		.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(address);
	int listener = socket(AF_INET, SOCK_STREAM, 0);

	CHECK_INT(bind(listener, (struct sockaddr *)&address, len), ==, 0);
	CHECK_INT(listen(listener, 1), ==, 0);
	CHECK_INT(getsockname(listener, (struct sockaddr *)&address, &len), ==, 0);
	ret_fds[0] = socket(AF_INET, SOCK_STREAM, 0);
	CHECK_INT(connect(ret_fds[0], (struct sockaddr *)&address, len), ==, 0);
	ret_fds[1] = accept(listener, NULL, NULL);
	CHECK_INT(ret_fds[1], >=, 0);
	close(listener);
}

CHECK_CASE(the_facts_of_a_connection_are_told)
{
	struct weft_socket_facts facts, other;
	int fds[2];

	connect_pair(fds);
	CHECK_INT(write(fds[0], "12345", 5), ==, 5);
	CHECK_INT(weft_wait_fd(fds[1], POLLIN), ==, POLLIN);
	CHECK_INT(weft_socket_facts(fds[1], &facts), ==, 0);
	CHECK_INT(weft_socket_facts(fds[0], &other), ==, 0);
	CHECK_INT(facts.family, ==, AF_INET);
	CHECK_INT(facts.type, ==, SOCK_STREAM);
	CHECK_INT(facts.protocol, ==, IPPROTO_TCP);
	CHECK(facts.is_connected && !facts.is_listening && !facts.has_error);
	CHECK_INT(facts.unread_bytes, ==, 5);
	CHECK_INT(facts.unsent_bytes, ==, 0);
	CHECK_INT(other.unread_bytes, ==, 0);
	CHECK(weft_address_equal(&facts.peer, &other.name));
	CHECK(weft_address_equal(&facts.name, &other.peer));
	CHECK_STR(weft_socket_family_name(facts.family), "AF_INET");
	CHECK_STR(weft_socket_type_name(facts.type), "SOCK_STREAM");
	CHECK_STR(weft_socket_protocol_name(facts.protocol), "IPPROTO_TCP");
	CHECK(weft_socket_family_name(12345) == NULL);
	CHECK(weft_socket_type_name(12345) == NULL);
	CHECK(weft_socket_protocol_name(12345) == NULL);
}

CHECK_CASE(what_was_not_sent_is_counted)
{
	struct weft_socket_facts facts;
	static char data[65536];
	ssize_t written = 0, len;
	int fds[2];

	CHECK_INT(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), ==, 0);
	while ((len = write(fds[0], data, sizeof(data))) > 0)
		written += len;
	CHECK_INT(weft_socket_facts(fds[0], &facts), ==, 0);
	/* Unix sockets count their own administration, too. */
	CHECK_INT(facts.unsent_bytes, >=, written);
	CHECK_INT(weft_socket_facts(fds[1], &facts), ==, 0);
	CHECK_INT(facts.unread_bytes, ==, written);
	CHECK(facts.is_connected);
	CHECK_INT(facts.family, ==, AF_UNIX);
}

CHECK_CASE(a_listener_and_an_unbound_socket_are_told_apart)
{
	struct sockaddr_in6 address = {.sin6_family = AF_INET6, .sin6_addr = in6addr_loopback};
	int fd = socket(AF_INET6, SOCK_STREAM, 0), udp = socket(AF_INET6, SOCK_DGRAM, 0);
	struct weft_socket_facts facts;

	CHECK_INT(bind(fd, (struct sockaddr *)&address, sizeof(address)), ==, 0);
	CHECK_INT(listen(fd, 1), ==, 0);
	CHECK_INT(weft_socket_facts(fd, &facts), ==, 0);
	CHECK(facts.is_listening && !facts.is_connected);
	CHECK_INT(facts.peer.len, ==, 0);
	CHECK_INT(weft_address_port(&facts.name), >, 0);
	CHECK_INT(facts.unread_bytes, ==, -1);
	CHECK_INT(weft_socket_facts(udp, &facts), ==, 0);
	CHECK(!facts.is_listening && !facts.is_connected);
	CHECK_INT(facts.protocol, ==, IPPROTO_UDP);
	CHECK_INT(weft_address_port(&facts.name), ==, 0);
}

CHECK_CASE(looking_leaves_a_pending_error_and_taking_it_clears_it)
{
	struct weft_address address;
	int held = nobody_hears(&address), fd = socket(AF_INET, SOCK_DGRAM, 0), code = -1;
	struct weft_socket_facts facts;

	CHECK_INT(connect(fd, &address.any, address.len), ==, 0);
	CHECK_INT(send(fd, "x", 1, 0), ==, 1);
	CHECK_INT(weft_wait_fd(fd, POLLIN) & POLLERR, ==, POLLERR);
	CHECK_INT(weft_socket_facts(fd, &facts), ==, 0);
	CHECK_INT(weft_socket_facts(fd, &facts), ==, 0);
	CHECK(facts.has_error);
	CHECK_INT(weft_socket_take_error(fd, &code), ==, 0);
	CHECK_INT(code, ==, ECONNREFUSED);
	CHECK_INT(weft_socket_take_error(fd, &code), ==, 0);
	CHECK_INT(code, ==, 0);
	CHECK_INT(weft_socket_facts(fd, &facts), ==, 0);
	CHECK(!facts.has_error);
	close(fd);
	close(held);
}

CHECK_CASE(there_are_no_facts_of_what_is_no_socket)
{
	struct weft_socket_facts facts = {.family = 4711};
	int fds[2], code = 4711;

	CHECK_INT(pipe(fds), ==, 0);
	CHECK_ERRNO(weft_socket_facts(fds[0], &facts), ENOTSOCK);
	CHECK_ERRNO(weft_socket_facts(0x7fffffff, &facts), EBADF);
	CHECK_ERRNO(weft_socket_take_error(fds[0], &code), ENOTSOCK);
	CHECK_INT(facts.family, ==, 4711);
	CHECK_INT(code, ==, 4711);
}

CHECK_MAIN()
