/*
 * test_listener.c - listeners: addresses, permissions, clean-up, and shortages outlived.
 * check: drivers
 */
#include "weft/serve.h"

#include <fcntl.h>
#include <netinet/tcp.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>

#include "both.h"
#include "io/listener.h"
#include "nobody.h"
#include "weft/scope.h"
#include "weft/socket.h"

static int connect_to(const struct weft_listener *listener)
{
	const struct weft_address *address = weft_listener_address(listener);
	int fd = socket(weft_address_family(address), SOCK_STREAM, 0);

	CHECK_INT(connect(fd, &address->any, address->len), ==, 0);
	return fd;
}

BOTH_CASE(port_zero_becomes_the_port_that_the_kernel_chose)
{
	struct weft_listener *listener = weft_listener_new("127.0.0.1:0", NULL);
	struct weft_stream *peer;
	int fd;

	CHECK(listener != NULL);
	CHECK_INT(weft_address_port(weft_listener_address(listener)), >, 0);
	fd = connect_to(listener);
	peer = weft_listener_accept(listener);
	CHECK(peer != NULL);
	CHECK(weft_address_equal(weft_stream_local(peer), weft_listener_address(listener)));
	CHECK(weft_address_is_loopback(weft_stream_peer(peer)));
	CHECK_INT(weft_address_port(weft_stream_peer(peer)), >, 0);
	weft_stream_free(peer);
	weft_listener_free(listener);
	close(fd);
}

BOTH_CASE(the_peer_of_an_accepted_connection_is_known_after_it_has_reset)
{
	struct linger at_once = {.l_onoff = 1};
	struct weft_listener *listener = weft_listener_new("127.0.0.1:0", NULL);
	int fd = connect_to(listener);
	struct weft_address own = {.len = sizeof(own.un)};
	struct weft_stream *peer;

	CHECK_INT(getsockname(fd, &own.any, &own.len), ==, 0);
	CHECK_INT(setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once)), ==, 0);
	close(fd);
	peer = weft_listener_accept(listener);
	CHECK(peer != NULL);
	CHECK(weft_address_equal(weft_stream_peer(peer), &own));
	weft_stream_free(peer);
	weft_listener_free(listener);
}

BOTH_CASE(an_accepted_connection_sends_small_packets_at_once)
{
	struct weft_listener *listener = weft_listener_new("127.0.0.1:0", NULL);
	int fd = connect_to(listener), on = 0;
	struct weft_stream *peer = weft_listener_accept(listener);
	socklen_t len = sizeof(on);

	CHECK_INT(getsockopt(weft_stream_fd(peer), IPPROTO_TCP, TCP_NODELAY, &on, &len), ==, 0);
	CHECK_INT(on, !=, 0);
	weft_stream_free(peer);
	weft_listener_free(listener);
	close(fd);
}

CHECK_CASE(an_ipv6_listener_takes_ipv4_too_unless_told_otherwise)
{
	struct weft_listener *listener = weft_listener_new("[::]:0", NULL);
	const struct weft_listener_options only = {.ipv6_only = true};
	struct weft_address address;
	struct weft_stream *peer;
	char host[WEFT_ADDRESS_TEXT_MAX], text[32];
	int fd = socket(AF_INET, SOCK_STREAM, 0), held;

	if (!listener && errno == EAFNOSUPPORT)
		return; /* a machine without IPv6 */
	CHECK(listener != NULL);
	CHECK_INT(weft_address_parse(&address, "127.0.0.1:1"), ==, 0);
	weft_address_set_port(&address, weft_address_port(weft_listener_address(listener)));
	CHECK_INT(connect(fd, &address.any, address.len), ==, 0);
	peer = weft_listener_accept(listener);
	weft_address_print_host(weft_stream_peer(peer), host, sizeof(host));
	CHECK_STR(host, "127.0.0.1");
	weft_stream_free(peer);
	weft_listener_free(listener);
	close(fd);

	/* Of IPv4 the same port may be another's: this one is ours. */
	held = nobody_listens(&address);
	snprintf(text, sizeof(text), "[::]:%u", weft_address_port(&address));
	listener = weft_listener_new(text, &only);
	CHECK(listener != NULL);
	fd = socket(AF_INET, SOCK_STREAM, 0);
	CHECK_ERRNO(connect(fd, &address.any, address.len), ECONNREFUSED);
	weft_listener_free(listener);
	close(fd);
	close(held);
}

CHECK_CASE(a_port_in_use_is_eaddrinuse_unless_it_is_shared)
{
	const struct weft_listener_options shared = {.reuse_port = true};
	struct weft_listener *first, *second;
	char text[WEFT_ADDRESS_TEXT_MAX];
	struct weft_address address;
	int held = nobody_listens(&address);

	weft_address_print(&address, text, sizeof(text));
	first = weft_listener_new(text, NULL);
	CHECK(first != NULL);
	CHECK_ERRNO(weft_listener_new(text, NULL), EADDRINUSE);
	weft_listener_free(first);
	first = weft_listener_new(text, &shared);
	second = weft_listener_new(text, &shared);
	CHECK(first && second);
	weft_listener_free(first);
	weft_listener_free(second);
	close(held);
	CHECK_ERRNO(weft_listener_new("localhost:0", NULL), EINVAL);
	CHECK_ERRNO(weft_listener_new("192.0.2.1:0", NULL), EADDRNOTAVAIL);
	weft_listener_free(NULL);
}

CHECK_CASE(a_sibling_listens_beside_and_keeps_others_out)
{
	struct weft_listener *listener = weft_listener_new("127.0.0.1:0", NULL), *other;
	int sibling = weft__listener_sibling(listener);
	struct weft_address address;
	char text[WEFT_ADDRESS_TEXT_MAX];

	CHECK_INT(sibling, >=, 0);
	CHECK_INT(weft_getsockname(sibling, &address), ==, 0);
	CHECK(weft_address_equal(&address, weft_listener_address(listener)));
	weft_address_print(&address, text, sizeof(text));
	CHECK_ERRNO(weft_listener_new(text, NULL), EADDRINUSE);
	weft_close(sibling);
	weft_listener_free(listener);

	snprintf(text, sizeof(text), "unix:@weft-test-sibling-%d", (int)getpid());
	listener = weft_listener_new(text, NULL);
	CHECK_ERRNO(weft__listener_sibling(listener), EOPNOTSUPP);
	weft_listener_free(listener);
	listener = weft_listener_new("127.0.0.1:0", NULL);
	other = weft_listener_from_fd(dup(weft_listener_fd(listener)));
	CHECK_ERRNO(weft__listener_sibling(other), EOPNOTSUPP);
	weft_listener_free(other);
	weft_listener_free(listener);
}

static void make_folder(char *ret_folder, size_t size_bytes)
{
	snprintf(ret_folder, size_bytes, "/tmp/weft-test-XXXXXX");
	CHECK(mkdtemp(ret_folder) != NULL);
}

BOTH_CASE(a_unix_path_is_private_and_goes_with_its_listener)
{
	const struct weft_listener_options open_to_all = {.unix_mode = 0666};
	char folder[64], path[96], text[128];
	struct weft_listener *listener;
	struct weft_stream *peer;
	struct stat status;
	int fd;

	make_folder(folder, sizeof(folder));
	snprintf(path, sizeof(path), "%s/sock", folder);
	snprintf(text, sizeof(text), "unix:%s", path);
	listener = weft_listener_new(text, NULL);
	CHECK(listener != NULL);
	CHECK_INT(stat(path, &status), ==, 0);
	CHECK_INT(status.st_mode & 0777, ==, 0600);
	CHECK_ERRNO(weft_listener_new(text, NULL), EADDRINUSE);
	CHECK_INT(stat(path, &status), ==, 0);
	fd = connect_to(listener);
	peer = weft_listener_accept(listener);
	CHECK_INT(weft_address_family(weft_stream_peer(peer)), ==, AF_UNIX);
	weft_stream_free(peer);
	close(fd);
	weft_listener_free(listener);
	CHECK_ERRNO(stat(path, &status), ENOENT);

	listener = weft_listener_new(text, &open_to_all);
	CHECK_INT(stat(path, &status), ==, 0);
	CHECK_INT(status.st_mode & 0777, ==, 0666);
	/* Somebody else takes the place: their file is not ours to remove. */
	CHECK_INT(unlink(path), ==, 0);
	fd = open(path, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0600);
	CHECK_INT(fd, >=, 0);
	weft_listener_free(listener);
	close(fd);
	CHECK_INT(unlink(path), ==, 0);
	CHECK_INT(rmdir(folder), ==, 0);
}

BOTH_CASE(a_descriptor_that_listens_can_be_taken_over)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0), peer_fd;
	struct weft_listener *listener;
	struct weft_stream *peer;

	CHECK_ERRNO(weft_listener_from_fd(fd), EINVAL);
	CHECK_INT(listen(fd, 4), ==, 0);
	listener = weft_listener_from_fd(fd);
	CHECK(listener != NULL);
	CHECK_INT(weft_listener_fd(listener), ==, fd);
	peer_fd = connect_to(listener);
	peer = weft_listener_accept(listener);
	CHECK(peer != NULL);
	weft_stream_free(peer);
	close(peer_fd);
	weft_listener_free(listener);
	CHECK_ERRNO(weft_listener_from_fd(fd), EBADF);
}

BOTH_CASE(an_accept_obeys_the_deadline)
{
	struct weft_listener *listener = weft_listener_new("127.0.0.1:0", NULL);

	WEFT_WITH_TIMEOUT (WEFT_MILLISECONDS(5))
		CHECK_ERRNO(weft_listener_accept(listener), ETIMEDOUT);
	weft_listener_free(listener);
}

static int64_t cpu_ns(void)
{
	struct timespec time;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
	return WEFT_SECONDS(time.tv_sec) + time.tv_nsec;
}

/*
 * With all descriptors in use an accept waits, without burning the processor, and
 * goes on once one is closed: by weft_close() at once, behind weft's back a little later.
 */
BOTH_CASE(an_accept_outlives_a_shortage_of_descriptors_without_spinning)
{
	struct weft_listener *listener = weft_listener_new("127.0.0.1:0", NULL);
	int fd = connect_to(listener), spare = -1, last = -1, next;
	struct weft_stream *peer;
	struct rlimit limit;
	int64_t spent = INT64_MAX;

	CHECK_INT(getrlimit(RLIMIT_NOFILE, &limit), ==, 0);
	limit.rlim_cur = 64;
	CHECK_INT(setrlimit(RLIMIT_NOFILE, &limit), ==, 0);
	while ((next = dup(fd)) >= 0) {
		spare = last;
		last = next;
	}
	CHECK_INT(errno, ==, EMFILE);
	/* A crowded machine may make little cost much; it does not do so again and again. */
	for (int i = 0; spent >= WEFT_MILLISECONDS(50); i++) {
		CHECK_INT(i, <, 20);
		spent = -cpu_ns();
		WEFT_WITH_TIMEOUT (WEFT_MILLISECONDS(250))
			CHECK_ERRNO(weft_listener_accept(listener), ETIMEDOUT);
		spent += cpu_ns();
	}
	close(spare);
	peer = weft_listener_accept(listener);
	CHECK(peer != NULL);
	weft_stream_free(peer);
	weft_listener_free(listener);
}

CHECK_MAIN()
