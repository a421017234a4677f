/*
 * test_upload.c - tests src/http/upload.c: places for clients, bodies that are slow or refused, and
 * a disk whose quota is used up.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "fiber/sanitize.h"
#include "http/files.h"
#include "http/limits.h"
#include "http/site.h"
#include "http/upload.h"
#include "io/place.h"

static struct weft_http_files *files;

static void open_files(void)
{
	const struct weft_http_files_options options = {.allow_upload = true};

	files = weft_http_files_new(place("."), &options);
	CHECK(files != NULL);
	site.options.arg = files;
	site_open(weft_http_files_service_for(files));
}

static void close_files(void)
{
	site_close();
	weft_http_files_free(files);
}

/* ---- Places ------------------------------------------------------------------------------ */

/* A connection from that address of this machine. */
static int visit_from(const char *host)
{
	struct sockaddr_in from = {.sin_family = AF_INET};
	const struct weft_address *address = weft_listener_address(site.listener);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	CHECK_INT(inet_pton(AF_INET, host, &from.sin_addr), ==, 1);
	CHECK_INT(bind(fd, (struct sockaddr *)&from, sizeof(from)), ==, 0);
	CHECK_INT(connect(fd, &address->any, address->len), ==, 0);
	return fd;
}

static const char *put_from(const char *host, const char *name)
{
	int fd = visit_from(host);
	char request[256];

	snprintf(request, sizeof(request),
		"PUT /%s HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok",
		name);
	say(fd, request);
	return hear_all(fd);
}

/* An upload that does not go on; it has its place when this returns. */
static int hold_from(const char *host, const char *name)
{
	unsigned before = atomic_load(&files->uploads->under_way);
	int fd = visit_from(host);
	char request[256];

	snprintf(request, sizeof(request),
		"PUT /%s HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\no", name);
	say(fd, request);
	while (atomic_load(&files->uploads->under_way) == before) /* or the case's time ends */
		usleep(1000);
	return fd;
}

CHECK_CASE(one_client_does_not_get_the_last_places_of_all)
{
	int fds[6];

	site.options.body_timeout_ns = WEFT_SECONDS(3600);
	open_files();
	files->uploads->under_way_max = 8;
	files->uploads->hurry_ns = WEFT_SECONDS(3600); /* nobody loses his for being slow */
	for (size_t i = 0; i < 4; i++)                 /* half of them are anybody's */
		fds[i] = hold_from("127.0.0.1", (const char *[]){"a", "b", "c", "d"}[i]);
	CHECK(has(put_from("127.0.0.1", "e"), "HTTP/1.1 503 "));
	CHECK(has(put_from("127.0.0.1", "e"), "Retry-After: 5\r\n"));
	CHECK(has(put_from("127.0.0.2", "f"), "HTTP/1.1 201 "));
	fds[4] = hold_from("127.0.0.2", "g");
	CHECK(has(put_from("127.0.0.2", "h"), "HTTP/1.1 503 "));
	fds[5] = hold_from("127.0.0.3", "i");
	/* A place that is given back is another's. */
	for (size_t i = 0; i < 6; i++) {
		say(fds[i], "k");
		close(fds[i]);
	}
	while (atomic_load(&files->uploads->under_way) > 0)
		usleep(1000);
	CHECK(has(put_from("127.0.0.1", "e"), "HTTP/1.1 201 "));
	close_files();
}

CHECK_CASE(who_is_slow_loses_the_place_when_places_are_short)
{
	int fd;

	site.options.body_timeout_ns = WEFT_SECONDS(3600);
	open_files();
	files->uploads->hurry_ns = WEFT_MILLISECONDS(20);
	atomic_fetch_add(&files->uploads->under_way, files->uploads->under_way_max / 2);
	fd = visit();
	say(fd, "PUT /a HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\no");
	CHECK(has(hear_all(fd), "HTTP/1.1 408 "));
	CHECK(access(place("a"), F_OK) < 0);
	atomic_fetch_sub(&files->uploads->under_way, files->uploads->under_way_max / 2);
	close_files();
}

/* ---- What is left of a body -------------------------------------------------------------- */

#define PIECE_LEN 20000

/* Send an upload slowly, but never too slowly for a body, up to its answer. How much was sent. */
static size_t send_until_answered(int fd, size_t len)
{
	static const char piece[PIECE_LEN];
	struct pollfd poll_in = {.fd = fd, .events = POLLIN};
	size_t sent = 0;

	while (sent < len && poll(&poll_in, 1, 20) == 0) {
		CHECK_INT(send(fd, piece, PIECE_LEN, MSG_NOSIGNAL), ==, PIECE_LEN);
		sent += PIECE_LEN;
	}
	return sent;
}

CHECK_CASE_IN_TIME(what_is_left_of_a_refused_upload_is_read_for_a_while_and_then_the_answer_comes)
{
	static const char *const heads[] = {
		"PUT /folder HTTP/1.1\r\nHost: x\r\nContent-Length: 4000000\r\n\r\n",
		"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 4000000\r\n\r\n",
	};
	int fd;

	CHECK_INT(mkdir(place("folder"), 0700), ==, 0);
	site.options.body_timeout_ns = WEFT_MILLISECONDS(200) * check_stretch;
	open_files();
	for (size_t i = 0; i < 2; i++) {
		const char *answer;

		fd = visit();
		say(fd, heads[i]);
		CHECK_INT(send_until_answered(fd, 4000000), <, 4000000);
		CHECK_INT(atomic_load(&files->uploads->under_way), ==, 0);
		CHECK_INT(shutdown(fd, SHUT_WR), ==, 0);
		answer = hear_all(fd);
		CHECK(has(answer, i == 0 ? "HTTP/1.1 409 " : "HTTP/1.1 415 "));
		CHECK(has(answer, "Connection: close\r\n") && has(answer, "</html>"));
	}
	close_files();
}

/* ---- Quotas ------------------------------------------------------------------------------ */

#if !defined(WEFT_ASAN) && !defined(WEFT_TSAN)

static atomic_bool has_quota;

/* In front of the C library's. */
__attribute__((visibility("default"))) ssize_t pwrite(
	int fd, const void *data, size_t len, off_t offset)
{
	if (!atomic_load(&has_quota))
		return syscall(SYS_pwrite64, fd, data, len, offset);
	errno = EDQUOT;
	return -1;
}

CHECK_CASE(who_has_used_his_quota_up_is_told_507_and_nothing_is_left)
{
	static const char *const requests[] = {
		"PUT /a HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok",
		"POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 76\r\n"
		"Content-Type: multipart/form-data; boundary=XX\r\n\r\n"
		"--XX\r\nContent-Disposition: form-data; name=\"f\"; filename=\"a\"\r\n\r\nok\r\n"
		"--XX--\r\n",
	};

	setenv("WEFT_DRIVER", "epoll", 1); /* one that writes by a call, not by a ring */
	open_files();
	for (size_t i = 0; i < 2; i++) {
		const char *answer;

		atomic_store(&has_quota, true);
		answer = ask(requests[i]);
		CHECK(has(answer, "HTTP/1.1 507 ") && has(answer, "more than you may"));
		CHECK(access(place("a"), F_OK) < 0);
		atomic_store(&has_quota, false);
		CHECK_INT(atomic_load(&files->uploads->under_way), ==, 0);
	}
	CHECK(has(ask(requests[0]), "HTTP/1.1 201 "));
	close_files();
}

#endif

CHECK_MAIN()
