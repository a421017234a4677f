/* test_sockopt.c - socket options by name: the table is true, kinds are kept apart. */
#include "weft/sockopt.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include "check.h"

CHECK_CASE(an_int_and_a_bool_are_set_and_read_back)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0), number;
	struct weft_sockopt_value value;

	CHECK_INT(weft_sockopt_get_int(fd, "TCP_NODELAY", &number), ==, 0);
	CHECK_INT(number, ==, 0);
	CHECK_INT(weft_sockopt_set_int(fd, "TCP_NODELAY", 1), ==, 0);
	CHECK_INT(weft_sockopt_get(fd, "TCP_NODELAY", &value), ==, 0);
	CHECK_INT(value.kind, ==, WEFT_SOCKOPT_BOOL);
	CHECK(value.on);
	CHECK_INT(weft_sockopt_set_int(fd, "TCP_KEEPIDLE", 77), ==, 0);
	CHECK_INT(weft_sockopt_get_int(fd, "TCP_KEEPIDLE", &number), ==, 0);
	CHECK_INT(number, ==, 77);
	CHECK_INT(weft_sockopt_set_int(fd, "IP_TTL", 9), ==, 0);
	CHECK_INT(weft_sockopt_get_int(fd, "IP_TTL", &number), ==, 0);
	CHECK_INT(number, ==, 9);
}

CHECK_CASE(linger_duration_and_text_keep_their_values)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	struct weft_sockopt_value value = {
		.kind = WEFT_SOCKOPT_LINGER, .linger = {.on = true, .seconds = 5}};
	char text[64];

	CHECK_INT(weft_sockopt_set(fd, "SO_LINGER", &value), ==, 0);
	memset(&value, 0, sizeof(value));
	CHECK_INT(weft_sockopt_get(fd, "SO_LINGER", &value), ==, 0);
	CHECK(value.linger.on);
	CHECK_INT(value.linger.seconds, ==, 5);
	weft_sockopt_print(&value, text, sizeof(text));
	CHECK_STR(text, "on 5 s");

	value = (struct weft_sockopt_value){
		.kind = WEFT_SOCKOPT_DURATION, .duration_ns = WEFT_MILLISECONDS(1500)};
	CHECK_INT(weft_sockopt_set(fd, "SO_RCVTIMEO", &value), ==, 0);
	value.duration_ns = 0;
	CHECK_INT(weft_sockopt_get(fd, "SO_RCVTIMEO", &value), ==, 0);
	/* The kernel rounds up to its own tick. */
	CHECK_INT(value.duration_ns, >=, WEFT_MILLISECONDS(1500));
	CHECK_INT(value.duration_ns, <, WEFT_MILLISECONDS(1520));

	CHECK_INT(weft_sockopt_get(fd, "TCP_CONGESTION", &value), ==, 0);
	CHECK_INT(strlen(value.text), >, 0);
	CHECK_INT(weft_sockopt_set(fd, "TCP_CONGESTION", &value), ==, 0);
}

CHECK_CASE(a_name_that_nobody_knows_is_enoprotoopt)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0), number = 1;
	struct weft_sockopt_value value = {.kind = WEFT_SOCKOPT_INT};

	CHECK_ERRNO(weft_sockopt_get(fd, "SO_NO_SUCH", &value), ENOPROTOOPT);
	CHECK_ERRNO(weft_sockopt_set(fd, "", &value), ENOPROTOOPT);
	CHECK_ERRNO(weft_sockopt_get_int(fd, "tcp_nodelay", &number), ENOPROTOOPT);
	CHECK_ERRNO(weft_sockopt_set_int(fd, "TCP_NODELAYS", number), ENOPROTOOPT);
	CHECK(weft_sockopt_find("SO") == NULL);
}

CHECK_CASE(a_value_of_the_wrong_kind_or_range_is_refused)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0), number;
	struct weft_sockopt_value value = {.kind = WEFT_SOCKOPT_INT, .number = 1};

	CHECK_ERRNO(weft_sockopt_set(fd, "TCP_NODELAY", &value), EINVAL);
	CHECK_ERRNO(weft_sockopt_set(fd, "SO_LINGER", &value), EINVAL);
	CHECK_ERRNO(weft_sockopt_set(fd, "SO_TYPE", &value), ENOPROTOOPT);
	CHECK_ERRNO(weft_sockopt_get_int(fd, "SO_LINGER", &number), EINVAL);
	CHECK_ERRNO(weft_sockopt_set_int(fd, "TCP_CONGESTION", 1), EINVAL);
	value = (struct weft_sockopt_value){.kind = WEFT_SOCKOPT_DURATION, .duration_ns = -1};
	CHECK_ERRNO(weft_sockopt_set(fd, "SO_SNDTIMEO", &value), EDOM);
	value = (struct weft_sockopt_value){.kind = WEFT_SOCKOPT_LINGER, .linger = {true, -1}};
	CHECK_ERRNO(weft_sockopt_set(fd, "SO_LINGER", &value), EDOM);
	value.kind = WEFT_SOCKOPT_TEXT;
	memset(value.text, 'x', sizeof(value.text));
	CHECK_ERRNO(weft_sockopt_set(fd, "TCP_CONGESTION", &value), EINVAL);
}

CHECK_CASE(what_is_no_socket_is_said_to_be_none)
{
	struct weft_sockopt_value value;
	int fds[2], fd = socket(AF_UNIX, SOCK_STREAM, 0);

	CHECK_INT(pipe(fds), ==, 0);
	CHECK_ERRNO(weft_sockopt_get(fds[0], "SO_TYPE", &value), ENOTSOCK);
	CHECK_ERRNO(weft_sockopt_get(0x7fffffff, "SO_TYPE", &value), EBADF);
	CHECK_ERRNO(weft_sockopt_get(fd, "TCP_NODELAY", &value), EOPNOTSUPP);
}

CHECK_CASE(every_line_of_the_table_is_found_by_its_name_and_read_from_some_socket)
{
	int sockets[] = {socket(AF_INET, SOCK_STREAM, 0), socket(AF_INET6, SOCK_STREAM, 0),
		socket(AF_INET6, SOCK_DGRAM, 0)};
	const struct weft_sockopt *option;
	size_t count = 0, read = 0;

	for (; (option = weft_sockopt_at(count)) != NULL; count++) {
		struct weft_sockopt_value value;
		char text[64];
		bool was_read = false;

		CHECK(weft_sockopt_find(option->name) == option);
		for (int i = 0; i < 3 && !was_read; i++)
			was_read = weft_sockopt_get(sockets[i], option->name, &value) == 0;
		if (was_read) {
			CHECK_INT(value.kind, ==, option->kind);
			CHECK_INT(weft_sockopt_print(&value, text, sizeof(text)), <, sizeof(text));
		}
		read += was_read;
	}
	CHECK_INT(count, >, 50);
	/* A kernel may lack a few, and two are for writing only. */
	CHECK_INT(read, >=, count - 8);
}

CHECK_CASE(printing_cuts_to_the_room)
{
	struct weft_sockopt_value value = {.kind = WEFT_SOCKOPT_INT, .number = 123456};
	char text[4];

	CHECK_INT(weft_sockopt_print(&value, text, sizeof(text)), ==, 6);
	CHECK_STR(text, "123");
}

CHECK_MAIN()
