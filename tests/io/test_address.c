/* test_address.c - addresses as text: what parses, what is refused, and back again. */
#include "weft/address.h"

#include <arpa/inet.h>
#include <net/if.h>

#include "base/prng.h"
#include "both.h"
#include "weft/scope.h"

static void check_round_trip(const char *text, const char *canonical, int family, unsigned port)
{
	struct weft_address address, again;
	char printed[WEFT_ADDRESS_TEXT_MAX];

	CHECK_INT(weft_address_parse(&address, text), ==, 0);
	CHECK_INT(weft_address_family(&address), ==, family);
	CHECK_INT(weft_address_port(&address), ==, port);
	CHECK_INT(weft_address_print(&address, printed, sizeof(printed)), ==, strlen(canonical));
	CHECK_STR(printed, canonical);
	CHECK_INT(weft_address_parse(&again, printed), ==, 0);
	CHECK_MEM(&address, &again, sizeof(address));
}

CHECK_CASE(numeric_addresses_parse_and_print_in_one_form)
{
	static const struct {
		const char *text, *canonical;
		int family;
		unsigned port;
	} rows[] = {
		{"127.0.0.1:80", "127.0.0.1:80", AF_INET, 80},
		{"0.0.0.0:0", "0.0.0.0:0", AF_INET, 0},
		{"255.255.255.255:65535", "255.255.255.255:65535", AF_INET, 65535},
		{"1.2.3.4:00080", "1.2.3.4:80", AF_INET, 80},
		{"[::1]:80", "[::1]:80", AF_INET6, 80},
		{"[0:0:0:0:0:0:0:1]:1", "[::1]:1", AF_INET6, 1},
		{"[2001:DB8::A]:443", "[2001:db8::a]:443", AF_INET6, 443},
		{"[::ffff:10.0.0.1]:9", "[::ffff:10.0.0.1]:9", AF_INET6, 9},
		{"[fe80::1%lo]:80", "[fe80::1%lo]:80", AF_INET6, 80},
		{"[fe80::1%1]:80", "[fe80::1%lo]:80", AF_INET6, 80},
		{"[fe80::1%4000000000]:80", "[fe80::1%4000000000]:80", AF_INET6, 80},
		{"*:8080", "[::]:8080", AF_INET6, 8080},
		{":8080", "[::]:8080", AF_INET6, 8080},
		{"unix:/run/weft.sock", "unix:/run/weft.sock", AF_UNIX, 0},
		{"unix:sock", "unix:sock", AF_UNIX, 0},
		{"unix:/a:b]c%d", "unix:/a:b]c%d", AF_UNIX, 0},
		{"unix:@abstract", "unix:@abstract", AF_UNIX, 0},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		check_round_trip(rows[i].text, rows[i].canonical, rows[i].family, rows[i].port);
}

CHECK_CASE(malformed_addresses_are_refused_and_leave_the_result_alone)
{
	static const char *const rows[] = {"", ":", "*", "*:", "80", "127.0.0.1",
		"127.0.0.1:", "127.0.0.1:65536", "127.0.0.1:99999", "127.0.0.1:000080",
		"127.0.0.1:-1", "127.0.0.1:+1", "127.0.0.1: 1", "127.0.0.1:1 ", "127.0.0.1:0x10",
		" 127.0.0.1:1", "127.0.0.1:18446744073709551617", "127.0.0:1", "127.1:1",
		"127.0.0.256:1", "127.0.0.01:1", "127.0.0.1.1:1", "0x7f000001:1", "::1:80", "::1",
		"[::1]", "[::1]:", "[::1]80", "[::1:80", "::1]:80", "[]:80", "[:80", "]:80",
		"[[::1]]:80", "[::1%]:80", "[%lo]:80", "[::g]:80", "[1:2:3:4:5:6:7:8:9]:80",
		"[127.0.0.1]:80", "localhost:80", "host", "**:80", "127.0.0.1:80\n",
		"unix:", "unix:@", "UNIX:/path",
		"[0000000000000000000000000000000000000000000000000000000000000001]:80",
		"111111111111111111111111111111111111111111111111111111111111111111:1"};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct weft_address address, before;

		memset(&address, 0xa5, sizeof(address));
		before = address;
		errno = 0;
		if (weft_address_parse(&address, rows[i]) == 0)
			check_fail(__FILE__, __LINE__, "\"%s\" was taken", rows[i]);
		if (errno != EINVAL)
			check_fail(__FILE__, __LINE__, "\"%s\": errno %d", rows[i], errno);
		CHECK_MEM(&address, &before, sizeof(address));
	}
}

CHECK_CASE(an_unknown_scope_is_enodev)
{
	struct weft_address address;

	CHECK_ERRNO(weft_address_parse(&address, "[fe80::1%nosuchdevice]:80"), ENODEV);
	CHECK_ERRNO(weft_address_parse(&address, "[fe80::1%0]:80"), ENODEV);
	CHECK_ERRNO(weft_address_parse(&address, "[fe80::1%4294967296]:80"), ENODEV);
	CHECK_ERRNO(weft_address_parse(&address, "[fe80::1%a-name-much-longer-than-any-has]:80"),
		ENODEV);
}

CHECK_CASE(a_unix_name_may_fill_the_address_and_no_more)
{
	struct weft_address address;
	char text[256] = "unix:", printed[WEFT_ADDRESS_TEXT_MAX];

	memset(text + 5, 'p', 107);
	CHECK_INT(weft_address_parse(&address, text), ==, 0);
	CHECK_INT(address.len, ==, sizeof(struct sockaddr_un));
	CHECK_INT(weft_address_print(&address, printed, sizeof(printed)), ==, 112);
	CHECK_STR(printed, text);
	text[5] = '@';
	CHECK_INT(weft_address_parse(&address, text), ==, 0);
	CHECK_INT(address.len, ==, offsetof(struct sockaddr_un, sun_path) + 107);
	CHECK_INT(weft_address_print(&address, printed, sizeof(printed)), ==, 112);
	CHECK_STR(printed, text);
	memset(text + 5, 'p', 108);
	CHECK_ERRNO(weft_address_parse(&address, text), ENAMETOOLONG);
}

CHECK_CASE(printing_cuts_to_the_room_and_tells_the_whole_length)
{
	struct weft_address address;
	char text[WEFT_ADDRESS_TEXT_MAX];

	CHECK_INT(weft_address_parse(&address, "127.0.0.1:8080"), ==, 0);
	for (size_t size = 1; size <= 15; size++) {
		memset(text, 'x', sizeof(text));
		CHECK_INT(weft_address_print(&address, text, size), ==, 14);
		CHECK_INT(strlen(text), ==, size - 1);
		CHECK_MEM(text, "127.0.0.1:8080", size - 1);
		CHECK(text[size] == 'x');
	}
}

CHECK_CASE(any_bytes_from_the_kernel_print_within_bounds)
{
	struct prng prng = {7};

	for (unsigned round = 0; round < check_rounds(20000); round++) {
		struct weft_address address;
		char text[WEFT_ADDRESS_TEXT_MAX];
		size_t len;

		for (size_t i = 0; i < sizeof(address.un); i++)
			((unsigned char *)&address.un)[i] = (unsigned char)prng_next(&prng);
		address.len = (socklen_t)prng_next(&prng) % (sizeof(address.un) + 1);
		address.any.sa_family = (sa_family_t[]){AF_UNIX, AF_INET, AF_INET6, 77}[round % 4];
		if (weft_address_family(&address) != AF_UNIX)
			address.len = sizeof(address.in6);
		len = weft_address_print(&address, text, sizeof(text));
		CHECK_INT(len, <, sizeof(text));
		len = weft_address_print_host(&address, text, sizeof(text));
		CHECK_INT(len, <, sizeof(text));
		weft_address_is_loopback(&address);
		weft_address_equal(&address, &address);
	}
}

CHECK_CASE(random_addresses_survive_the_round_trip)
{
	struct prng prng = {11};

	for (unsigned round = 0; round < check_rounds(20000); round++) {
		struct weft_address address, again;
		char text[WEFT_ADDRESS_TEXT_MAX];

		memset(&address, 0, sizeof(address));
		if (round % 2) {
			address.len = sizeof(address.in);
			address.in.sin_family = AF_INET;
			address.in.sin_addr.s_addr = (in_addr_t)prng_next(&prng);
		} else {
			address.len = sizeof(address.in6);
			address.in6.sin6_family = AF_INET6;
			/* Many zero groups: they are what printing shortens. */
			for (int i = 0; i < 16; i++)
				address.in6.sin6_addr.s6_addr[i] =
					prng_next(&prng) % 3 ? 0 : (uint8_t)prng_next(&prng);
		}
		weft_address_set_port(&address, (uint16_t)prng_next(&prng));
		weft_address_print(&address, text, sizeof(text));
		CHECK_INT(weft_address_parse(&again, text), ==, 0);
		CHECK(weft_address_equal(&address, &again));
		CHECK_MEM(&address, &again, sizeof(address));
	}
}

CHECK_CASE(the_host_alone_is_printed_for_logs)
{
	static const char *const rows[][2] = {{"127.0.0.1:80", "127.0.0.1"}, {"[::1]:80", "::1"},
		{"[::ffff:10.0.0.1]:80", "10.0.0.1"}, {"[fe80::1%lo]:1", "fe80::1%lo"},
		{"unix:/run/x", "/run/x"}, {"unix:@x", "@x"}};
	struct weft_address address;
	char text[WEFT_ADDRESS_TEXT_MAX];

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		CHECK_INT(weft_address_parse(&address, rows[i][0]), ==, 0);
		CHECK_INT(weft_address_print_host(&address, text, sizeof(text)), ==,
			strlen(rows[i][1]));
		CHECK_STR(text, rows[i][1]);
	}
	memset(&address, 0, sizeof(address));
	weft_address_print_host(&address, text, sizeof(text));
	CHECK_STR(text, "-");
	weft_address_print(&address, text, sizeof(text));
	CHECK_STR(text, "-");
}

CHECK_CASE(equal_means_the_same_endpoint)
{
	static const char *const rows[] = {"127.0.0.1:80", "127.0.0.1:81", "127.0.0.2:80",
		"[::1]:80", "[::ffff:127.0.0.1]:80", "[fe80::1]:80", "[fe80::1%lo]:80", "unix:/a",
		"unix:/ab", "unix:@a"};
	enum { COUNT = sizeof(rows) / sizeof(rows[0]) };
	struct weft_address addresses[COUNT], unnamed = {.len = sizeof(sa_family_t)};

	for (int i = 0; i < COUNT; i++)
		CHECK_INT(weft_address_parse(&addresses[i], rows[i]), ==, 0);
	for (int i = 0; i < COUNT; i++)
		for (int j = 0; j < COUNT; j++)
			CHECK_INT(weft_address_equal(&addresses[i], &addresses[j]), ==, i == j);
	unnamed.any.sa_family = AF_UNIX;
	CHECK(!weft_address_equal(&unnamed, &unnamed));
}

CHECK_CASE(loopback_is_127_slash_8_and_colon_colon_1_and_unix)
{
	static const struct {
		const char *text;
		bool is_loopback;
	} rows[] = {{"127.0.0.1:1", true}, {"127.255.0.9:1", true}, {"128.0.0.1:1", false},
		{"0.0.0.0:1", false}, {"[::1]:1", true}, {"[::2]:1", false}, {"[::]:1", false},
		{"[::ffff:127.0.0.1]:1", true}, {"[::ffff:10.0.0.1]:1", false}, {"unix:/x", true}};
	struct weft_address address;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		CHECK_INT(weft_address_parse(&address, rows[i].text), ==, 0);
		CHECK_INT(weft_address_is_loopback(&address), ==, rows[i].is_loopback);
	}
}

BOTH_CASE(numeric_text_and_local_names_resolve)
{
	struct weft_address found[WEFT_ADDRESS_RESOLVE_MAX];
	char text[WEFT_ADDRESS_TEXT_MAX];
	int count;

	CHECK_INT(weft_address_resolve(found, WEFT_ADDRESS_RESOLVE_MAX, "127.0.0.1:80"), ==, 1);
	weft_address_print(&found[0], text, sizeof(text));
	CHECK_STR(text, "127.0.0.1:80");
	CHECK_INT(weft_address_resolve(found, 1, "unix:/x"), ==, 1);
	count = weft_address_resolve(found, WEFT_ADDRESS_RESOLVE_MAX, "localhost:8080");
	CHECK_INT(count, >=, 1);
	for (int i = 0; i < count; i++) {
		CHECK(weft_address_is_loopback(&found[i]));
		CHECK_INT(weft_address_port(&found[i]), ==, 8080);
	}
	CHECK_INT(weft_address_resolve(found, 1, "localhost:8080"), ==, 1);
}

CHECK_CASE(a_name_below_localhost_is_this_machine_without_a_name_service)
{
	static const char *const names[] = {"LocalHost:80", "printer.localhost:80"};
	struct weft_address found[WEFT_ADDRESS_RESOLVE_MAX];

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		int count = weft_address_resolve(found, WEFT_ADDRESS_RESOLVE_MAX, names[i]);

		CHECK_INT(count, >=, 1);
		while (count-- > 0)
			CHECK(weft_address_is_loopback(&found[count]));
	}
}

BOTH_CASE(what_no_name_service_knows_is_refused_clearly)
{
	struct weft_address found[2];
	char longest[512];

	CHECK_ERRNO(weft_address_resolve(found, 2, "127.0.0.1:no-such-service"), ENOENT);
	CHECK_ERRNO(weft_address_resolve(found, 2, "localhost"), EINVAL);
	CHECK_ERRNO(weft_address_resolve(found, 2, "localhost:99999"), EINVAL);
	CHECK_ERRNO(weft_address_resolve(found, 2, "localhost:"), EINVAL);
	CHECK_ERRNO(weft_address_resolve(found, 2, "::1:80"), EINVAL);
	CHECK_ERRNO(weft_address_resolve(found, 2, "[]:http"), EINVAL);
	CHECK_ERRNO(weft_address_resolve(found, 0, "127.0.0.1:80"), EINVAL);
	memset(longest, 'a', sizeof(longest));
	memcpy(longest + sizeof(longest) - 4, ":80", 4);
	CHECK_ERRNO(weft_address_resolve(found, 2, longest), EINVAL);
}

BOTH_CASE(a_name_obeys_the_deadline_and_a_number_needs_none)
{
	struct weft_address found[2];

	WEFT_WITH_TIMEOUT (0) {
		CHECK_ERRNO(weft_address_resolve(found, 2, "localhost:80"), ETIMEDOUT);
		CHECK_INT(weft_address_resolve(found, 2, "127.0.0.1:80"), ==, 1);
	}
}

CHECK_CASE(own_and_peer_address_are_told_of_a_descriptor)
{
	struct weft_address address, bound;
	int fds[2], fd = socket(AF_INET, SOCK_STREAM, 0);

	CHECK_INT(weft_address_parse(&address, "127.0.0.1:0"), ==, 0);
	CHECK_INT(bind(fd, &address.any, address.len), ==, 0);
	CHECK_INT(weft_getsockname(fd, &bound), ==, 0);
	CHECK_INT(weft_address_port(&bound), >, 0);
	CHECK_ERRNO(weft_getpeername(fd, &bound), ENOTCONN);
	close(fd);
	CHECK_ERRNO(weft_getsockname(fd, &bound), EBADF);
	CHECK_INT(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), ==, 0);
	CHECK_INT(weft_getpeername(fds[0], &address), ==, 0);
	CHECK_INT(weft_address_family(&address), ==, AF_UNIX);
	CHECK_ERRNO(weft_getsockname(0x7fffffff, &bound), EBADF);
}

CHECK_MAIN()
