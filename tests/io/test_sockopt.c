/* test_sockopt.c - socket options by name: the table is true, kinds are kept apart. */
#include "weft/sockopt.h"

#include <arpa/inet.h>
#include <net/if.h>
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

CHECK_CASE(the_table_is_by_level_and_name_and_each_line_says_what_it_is)
{
	const struct weft_sockopt *option, *before = NULL;
	size_t levels = 0;

	for (size_t i = 0; (option = weft_sockopt_at(i)) != NULL; i++) {
		bool is_new_level = !before || before->level != option->level;

		CHECK(weft_sockopt_find(option->name) == option);
		CHECK(weft_sockopt_level_name(option->level) != NULL);
		CHECK(is_new_level || strcmp(before->name, option->name) < 0);
		CHECK_INT(strlen(option->summary), >, 0);
		CHECK_INT(strlen(option->summary), <, 60);
		CHECK(!option->is_read_only || !option->is_write_only);
		CHECK(option->kind != WEFT_SOCKOPT_UNSIGNED || option->size_bytes == 4 ||
			option->size_bytes == 8);
		/* A group that can be set has names and a size to set. */
		CHECK(option->kind != WEFT_SOCKOPT_GROUP || option->is_read_only ||
			(option->size_bytes && weft_sockopt_field_name(option, 0)));
		levels += is_new_level;
		before = option;
	}
	CHECK_INT(levels, ==, 5);
}

/* Both print alike: what isn't printed is not compared. */
static void check_reads_as_printed(
	const struct weft_sockopt *option, const struct weft_sockopt_value *value)
{
	static char text[WEFT_SOCKOPT_PRINT_MAX], again[WEFT_SOCKOPT_PRINT_MAX];
	struct weft_sockopt_value parsed;

	CHECK_INT(weft_sockopt_print_named(option, value, text, sizeof(text)), <, sizeof(text));
	/* An older kernel than the table tells of less numbers: no group to set. */
	if (value->kind == WEFT_SOCKOPT_GROUP &&
		weft_sockopt_field_name(option, value->group.count))
		return;
	CHECK_INT(weft_sockopt_parse(option, text, &parsed), ==, 0);
	CHECK_INT(parsed.kind, ==, option->kind);
	weft_sockopt_print_named(option, &parsed, again, sizeof(again));
	CHECK_STR(text, again);
}

CHECK_CASE(every_line_of_the_table_is_read_from_some_socket_and_its_text_reads_back)
{
	int sockets[] = {socket(AF_INET, SOCK_STREAM, 0), socket(AF_INET6, SOCK_STREAM, 0),
		socket(AF_INET6, SOCK_DGRAM, 0), socket(AF_UNIX, SOCK_STREAM, 0)};
	const struct weft_sockopt *option;
	size_t readable = 0, read = 0;

	for (size_t n = 0; (option = weft_sockopt_at(n)) != NULL; n++) {
		struct weft_sockopt_value value;
		bool was_read = false;

		for (int i = 0; i < 4 && !was_read; i++)
			was_read = weft_sockopt_get(sockets[i], option->name, &value) == 0;
		if (was_read) {
			CHECK(!option->is_write_only);
			CHECK_INT(value.kind, ==, option->kind);
			check_reads_as_printed(option, &value);
		}
		readable += !option->is_write_only;
		read += was_read;
	}
	CHECK_INT(readable, >, 160);
	/* Some need a connection or a raw socket, and an older kernel lacks the newest. */
	CHECK_INT(read, >=, readable - 30);
}

CHECK_CASE(what_can_only_be_set_is_not_read)
{
	int fd = socket(AF_INET, SOCK_DGRAM, 0);
	struct weft_sockopt_value value;

	CHECK_ERRNO(weft_sockopt_get(fd, "SO_RCVBUFFORCE", &value), ENOPROTOOPT);
	CHECK_ERRNO(weft_sockopt_get(fd, "IPV6_ADDRFORM", &value), ENOPROTOOPT);
}

/* ---- The other kinds ------------------------------------------------------------------ */

static void set_text(int fd, const char *name, const char *text)
{
	struct weft_sockopt_value value;

	CHECK_INT(weft_sockopt_parse(weft_sockopt_find(name), text, &value), ==, 0);
	CHECK_INT(weft_sockopt_set(fd, name, &value), ==, 0);
}

static void check_text(int fd, const char *name, const char *expected)
{
	char text[WEFT_SOCKOPT_PRINT_MAX];
	struct weft_sockopt_value value;

	CHECK_INT(weft_sockopt_get(fd, name, &value), ==, 0);
	weft_sockopt_print_named(weft_sockopt_find(name), &value, text, sizeof(text));
	CHECK_STR(text, expected);
}

CHECK_CASE(a_number_of_64_bits_is_kept_whole)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	uint64_t cookie = 0;
	socklen_t len = sizeof(cookie);
	struct weft_sockopt_value value;

	set_text(fd, "SO_MAX_PACING_RATE", "5000000000");
	check_text(fd, "SO_MAX_PACING_RATE", "5000000000");
	CHECK_INT(getsockopt(fd, SOL_SOCKET, SO_COOKIE, &cookie, &len), ==, 0);
	CHECK_INT(weft_sockopt_get(fd, "SO_COOKIE", &value), ==, 0);
	CHECK(cookie != 0 && value.unsigned_number == cookie);
}

CHECK_CASE(an_interface_is_its_index_whatever_order_the_kernel_has_it_in)
{
	int fd = socket(AF_INET, SOCK_DGRAM, 0), fd6 = socket(AF_INET6, SOCK_DGRAM, 0), number;
	int index = (int)if_nametoindex("lo");
	uint32_t raw = 0;
	socklen_t len = sizeof(raw);

	CHECK_INT(index, >, 0);
	CHECK_INT(weft_sockopt_set_int(fd, "IP_UNICAST_IF", index), ==, 0);
	CHECK_INT(weft_sockopt_get_int(fd, "IP_UNICAST_IF", &number), ==, 0);
	CHECK_INT(number, ==, index);
	CHECK_INT(getsockopt(fd, IPPROTO_IP, IP_UNICAST_IF, &raw, &len), ==, 0);
	CHECK_INT(ntohl(raw), ==, index);
	CHECK_INT(weft_sockopt_set_int(fd6, "IPV6_UNICAST_IF", index), ==, 0);
	CHECK_INT(weft_sockopt_get_int(fd6, "IPV6_UNICAST_IF", &number), ==, 0);
	CHECK_INT(number, ==, index);
}

CHECK_CASE(hosts_bytes_and_texts_keep_their_values)
{
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	set_text(fd, "IP_MULTICAST_IF", "127.0.0.1");
	check_text(fd, "IP_MULTICAST_IF", "127.0.0.1");
	set_text(fd, "IP_OPTIONS", "01010101");
	check_text(fd, "IP_OPTIONS", "01010101");
	set_text(fd, "IP_OPTIONS", "");
	check_text(fd, "IP_OPTIONS", "");
}

CHECK_CASE(a_group_is_set_whole_by_name)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	const struct weft_sockopt *option = weft_sockopt_find("SO_TXTIME");
	struct weft_sockopt_value value, kept = {.kind = WEFT_SOCKOPT_INT, .number = 4711};

	set_text(fd, "SO_TXTIME", "flags=2,clockid=1");
	check_text(fd, "SO_TXTIME", "clockid=1 flags=2");
	value = kept;
	CHECK_ERRNO(weft_sockopt_parse(option, "flags=2", &value), EINVAL);
	CHECK_ERRNO(weft_sockopt_parse(option, "flags=2 flags=2", &value), EINVAL);
	CHECK_ERRNO(weft_sockopt_parse(option, "flags=2 clock=1", &value), EINVAL);
	CHECK_ERRNO(weft_sockopt_parse(option, "flags=2 clockid=1 ", &value), EINVAL);
	CHECK_INT(value.number, ==, kept.number);
	value.kind = WEFT_SOCKOPT_GROUP;
	value.group.count = 1;
	value.group.numbers[0] = 1;
	CHECK_ERRNO(weft_sockopt_set(fd, "SO_TXTIME", &value), EINVAL);
	value.group.count = 2;
	value.group.numbers[1] = (uint64_t)1 << 32;
	CHECK_ERRNO(weft_sockopt_set(fd, "SO_TXTIME", &value), EDOM);
	check_text(fd, "SO_TXTIME", "clockid=1 flags=2");
}

CHECK_CASE(who_the_peer_is_comes_as_a_group)
{
	struct weft_sockopt_value value;
	char text[128];
	int fds[2];

	CHECK_INT(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), ==, 0);
	snprintf(text, sizeof(text), "pid=%d uid=%u gid=%u", (int)getpid(), getuid(), getgid());
	check_text(fds[0], "SO_PEERCRED", text);
	CHECK_INT(weft_sockopt_get(fds[0], "SO_PEERGROUPS", &value), ==, 0);
	CHECK_INT(value.group.count, ==, getgroups(0, NULL));
	CHECK(weft_sockopt_field_name(weft_sockopt_find("SO_PEERGROUPS"), 0) == NULL);
}

/* The number of that name; -1 where the kernel tells none. */
static int64_t number_in(
	const struct weft_sockopt_value *value, const char *option, const char *name)
{
	const struct weft_sockopt *line = weft_sockopt_find(option);

	for (size_t i = 0; i < value->group.count; i++)
		if (strcmp(weft_sockopt_field_name(line, i), name) == 0)
			return (int64_t)value->group.numbers[i];
	return -1;
}

/* A TCP connection over the loopback; its two ends. */
static void connect_pair(int ret_fds[2])
{
	struct sockaddr_in address = {
		.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(address);
	int listener = socket(AF_INET, SOCK_STREAM, 0);

	CHECK_INT(weft_sockopt_set_int(listener, "TCP_SAVE_SYN", 1), ==, 0);
	CHECK_INT(bind(listener, (struct sockaddr *)&address, len), ==, 0);
	CHECK_INT(listen(listener, 1), ==, 0);
	CHECK_INT(getsockname(listener, (struct sockaddr *)&address, &len), ==, 0);
	ret_fds[0] = socket(AF_INET, SOCK_STREAM, 0);
	CHECK_INT(connect(ret_fds[0], (struct sockaddr *)&address, len), ==, 0);
	ret_fds[1] = accept(listener, NULL, NULL);
	CHECK_INT(ret_fds[1], >=, 0);
	close(listener);
}

CHECK_CASE(tcp_info_is_what_the_kernel_counted)
{
	struct weft_sockopt_value value;
	struct tcp_info info;
	socklen_t len = sizeof(info);
	int fds[2];

	connect_pair(fds);
	CHECK_INT(write(fds[0], "12345", 5), ==, 5);
	CHECK_INT(weft_sockopt_get(fds[0], "TCP_INFO", &value), ==, 0);
	CHECK_INT(getsockopt(fds[0], IPPROTO_TCP, TCP_INFO, &info, &len), ==, 0);
	CHECK_INT(number_in(&value, "TCP_INFO", "tcpi_state"), ==, TCP_ESTABLISHED);
	CHECK_INT(number_in(&value, "TCP_INFO", "tcpi_snd_mss"), ==, info.tcpi_snd_mss);
	CHECK_INT(number_in(&value, "TCP_INFO", "tcpi_snd_wscale"), ==, info.tcpi_snd_wscale);
	CHECK_INT(number_in(&value, "TCP_INFO", "tcpi_rcv_wscale"), ==, info.tcpi_rcv_wscale);
	CHECK_INT(number_in(&value, "TCP_INFO", "tcpi_total_retrans"), ==, 0);
	CHECK_INT(number_in(&value, "TCP_INFO", "tcpi_bytes_sent"), ==, 5);
	CHECK_INT(number_in(&value, "TCP_INFO", "tcpi_wonder"), ==, -1);
}

CHECK_CASE(the_first_packet_s_headers_are_bytes_and_told_once)
{
	struct weft_sockopt_value value;
	int fds[2];

	connect_pair(fds);
	CHECK_INT(weft_sockopt_get(fds[1], "TCP_SAVED_SYN", &value), ==, 0);
	CHECK_INT(value.bytes.len, >=, 40);
	CHECK_INT(value.bytes.data[0] >> 4, ==, 4);
	CHECK_INT(weft_sockopt_get(fds[1], "TCP_SAVED_SYN", &value), ==, 0);
	CHECK_INT(value.bytes.len, ==, 0);
}

/* ---- Text -------------------------------------------------------------------------------- */

static const struct {
	const char *name, *text, *printed; /* NULL: refused */
	int code;
} typed[] = {
	{"TCP_NODELAY", "on", "on", 0},
	{"TCP_NODELAY", "yes", "on", 0},
	{"TCP_NODELAY", "true", "on", 0},
	{"TCP_NODELAY", "1", "on", 0},
	{"TCP_NODELAY", "off", "off", 0},
	{"TCP_NODELAY", "0", "off", 0},
	{"TCP_NODELAY", "2", NULL, EINVAL},
	{"TCP_NODELAY", "", NULL, EINVAL},
	{"TCP_NODELAY", "ON", NULL, EINVAL},
	{"TCP_NODELAY", "on ", NULL, EINVAL},
	{"IP_TTL", "12", "12", 0},
	{"IP_TTL", "-1", "-1", 0},
	{"IP_TTL", "0x1f", "31", 0},
	{"IP_TTL", "010", "10", 0},
	{"IP_TTL", "", NULL, EINVAL},
	{"IP_TTL", " 1", NULL, EINVAL},
	{"IP_TTL", "+1", NULL, EINVAL},
	{"IP_TTL", "1x", NULL, EINVAL},
	{"IP_TTL", "--1", NULL, EINVAL},
	{"IP_TTL", "2147483648", NULL, EDOM},
	{"IP_TTL", "99999999999999999999", NULL, EDOM},
	{"SO_LINGER", "off", "off 0 s", 0},
	{"SO_LINGER", "off 5 s", "off 5 s", 0},
	{"SO_LINGER", "5", "on 5 s", 0},
	{"SO_LINGER", "5 s", "on 5 s", 0},
	{"SO_LINGER", "on 0 s", "on 0 s", 0},
	{"SO_LINGER", "on", NULL, EINVAL},
	{"SO_LINGER", "off5", NULL, EINVAL},
	{"SO_LINGER", "-1", NULL, EDOM},
	{"SO_LINGER", "5 m", NULL, EINVAL},
	{"SO_RCVTIMEO", "1.5", "1.500000 s", 0},
	{"SO_RCVTIMEO", "2 s", "2.000000 s", 0},
	{"SO_RCVTIMEO", "0.000001", "0.000001 s", 0},
	{"SO_RCVTIMEO", "1.", NULL, EINVAL},
	{"SO_RCVTIMEO", ".5", NULL, EINVAL},
	{"SO_RCVTIMEO", "0.0000001", NULL, EINVAL},
	{"SO_RCVTIMEO", "-1", NULL, EDOM},
	{"SO_RCVTIMEO", "9223372036854775807", NULL, EDOM},
	{"TCP_CONGESTION", "cubic", "cubic", 0},
	{"SO_MAX_PACING_RATE", "-1", NULL, EINVAL},
	{"SO_MAX_PACING_RATE", "18446744073709551615", "18446744073709551615", 0},
	{"SO_MAX_PACING_RATE", "18446744073709551616", NULL, EDOM},
	{"TCP_TIMESTAMP", "4294967296", NULL, EDOM},
	{"IP_MULTICAST_IF", "10.0.0.1", "10.0.0.1", 0},
	{"IP_MULTICAST_IF", "10.1", NULL, EINVAL},
	{"IP_OPTIONS", "0aFf", "0aff", 0},
	{"IP_OPTIONS", "0", NULL, EINVAL},
	{"IP_OPTIONS", "0g", NULL, EINVAL},
	{"SO_PEERGROUPS", "1 2,3", "1 2 3", 0},
	{"SO_PEERGROUPS", "1  2", NULL, EINVAL},
	{"SO_PEERGROUPS", "a=1", NULL, EINVAL},
};

CHECK_CASE(what_a_person_types_is_read_and_nothing_else)
{
	for (size_t i = 0; i < sizeof(typed) / sizeof(typed[0]); i++) {
		const struct weft_sockopt *option = weft_sockopt_find(typed[i].name);
		struct weft_sockopt_value value;
		char text[256];

		if (!typed[i].printed) {
			CHECK_ERRNO(
				weft_sockopt_parse(option, typed[i].text, &value), typed[i].code);
			continue;
		}
		CHECK_INT(weft_sockopt_parse(option, typed[i].text, &value), ==, 0);
		weft_sockopt_print(&value, text, sizeof(text));
		CHECK_STR(text, typed[i].printed);
	}
}

CHECK_CASE(a_value_longer_than_its_room_is_refused)
{
	static char text[2 * WEFT_SOCKOPT_BYTES_MAX + 3];
	struct weft_sockopt_value value;

	memset(text, '1', sizeof(text) - 1);
	CHECK_ERRNO(
		weft_sockopt_parse(weft_sockopt_find("IP_OPTIONS"), text, &value), ENAMETOOLONG);
	CHECK_ERRNO(weft_sockopt_parse(weft_sockopt_find("TCP_CONGESTION"), text, &value),
		ENAMETOOLONG);
	text[0] = '\0';
	for (int i = 0; i <= WEFT_SOCKOPT_NUMBERS_MAX; i++)
		memcpy(text + 2 * i, i ? " 1" : "11", 3);
	CHECK_ERRNO(
		weft_sockopt_parse(weft_sockopt_find("SO_PEERGROUPS"), text, &value), ENAMETOOLONG);
}

CHECK_CASE(printing_cuts_to_the_room)
{
	struct weft_sockopt_value value = {.kind = WEFT_SOCKOPT_INT, .number = 123456};
	char text[4];

	CHECK_INT(weft_sockopt_print(&value, text, sizeof(text)), ==, 6);
	CHECK_STR(text, "123");
}

CHECK_MAIN()
