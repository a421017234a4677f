/*
 * test_reply.c - tests src/http/reply.c: files, cookies, lists.
 */
#include "site.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- Lists --------------------------------------------------------------------------------- */

CHECK_CASE(a_list_is_parted_at_commas_that_are_not_quoted)
{
	static const struct {
		const char *list, *items; /* with a '|' behind each */
	} rows[] = {
		{"", ""},
		{" ,\t, ", ""},
		{"a", "a|"},
		{"a,b", "a|b|"},
		{" a b ,, c;q=1 ,", "a b|c;q=1|"},
		{"\"a,b\", c", "\"a,b\"|c|"},
		{"\"a\\\",b\",c", "\"a\\\",b\"|c|"},
		{"\"a,b", "\"a,b|"},
		{"\"a\\", "\"a\\|"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct weft_http_text list = {rows[i].list, strlen(rows[i].list)}, item;
		char items[64] = "";

		while (weft_http_list_next(&list, &item)) {
			snprintf(items + strlen(items), sizeof(items) - strlen(items), "%.*s|",
				(int)item.len, item.data);
		}
		CHECK_STR(items, rows[i].items);
	}
}

/* ---- Cookies ----------------------------------------------------------------------------------
 */

static int set_cookies(
	struct weft_http_request *request, struct weft_http_response *response, void *arg)
{
	static const struct weft_http_cookie good[] = {
		{.name = "plain", .value = "a=b"},
		{.name = "all",
			.value = "",
			.path = "/x y",
			.domain = "example.org",
			.max_age_s = 60,
			.is_secure = true,
			.is_for_scripts = true,
			.same_site = WEFT_HTTP_SAME_SITE_NONE},
		{.name = "gone",
			.value = "",
			.max_age_s = -1,
			.same_site = WEFT_HTTP_SAME_SITE_STRICT},
	};
	static const struct weft_http_cookie bad[] = {
		{.name = NULL, .value = "a"},
		{.name = "", .value = "a"},
		{.name = "a b", .value = "a"},
		{.name = "a=b", .value = "a"},
		{.name = "a", .value = NULL},
		{.name = "a", .value = "a;b"},
		{.name = "a", .value = "a b"},
		{.name = "a", .value = "a,b"},
		{.name = "a", .value = "a\r\nSet-Cookie: b=c"},
		{.name = "a", .value = "\x80"},
		{.name = "a", .value = "a", .path = "x"},
		{.name = "a", .value = "a", .path = "/;Domain=org"},
		{.name = "a", .value = "a", .path = "/ "},
		{.name = "a", .value = "a", .domain = ""},
		{.name = "a", .value = "a", .domain = "a;b"},
		{.name = "a", .value = "a", .same_site = WEFT_HTTP_SAME_SITE_NONE},
		{.name = "a", .value = "a", .same_site = (enum weft_http_same_site)3},
	};
	static char large[5000];

	(void)request;
	(void)arg;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		CHECK_ERRNO(weft_http_response_cookie(response, &bad[i]), EINVAL);
	memset(large, 'x', sizeof(large) - 1);
	CHECK_ERRNO(weft_http_response_cookie(
			    response, &(struct weft_http_cookie){.name = "a", .value = large}),
		EMSGSIZE);
	for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++)
		CHECK_INT(weft_http_response_cookie(response, &good[i]), ==, 0);
	return weft_http_response_send(response, 204, NULL);
}

CHECK_CASE(cookies_are_safe_unless_they_say_otherwise)
{
	static const struct weft_http_service service = {.on_get = set_cookies};
	const char *answer;

	site_open(&service);
	answer = ask("GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
	CHECK(has(answer, "\r\nSet-Cookie: plain=a=b; Path=/; HttpOnly; SameSite=Lax\r\n"));
	CHECK(has(answer,
		"\r\nSet-Cookie: all=; Path=/x y; Domain=example.org; Max-Age=60; Secure; "
		"SameSite=None\r\n"));
	CHECK(has(
		answer, "\r\nSet-Cookie: gone=; Path=/; Max-Age=0; HttpOnly; SameSite=Strict\r\n"));
	site_close();
}

/* ---- Files ------------------------------------------------------------------------------------
 */

static char dir[] = "/tmp/weft-reply-XXXXXX";

static int send_file(
	struct weft_http_request *request, struct weft_http_response *response, void *arg)
{
	char path[300];
	int result;

	(void)arg;
	snprintf(path, sizeof(path), "%s%s", dir, weft_http_request_path(request));
	result = weft_http_response_file(response, path, NULL);
	if (result == 0)
		CHECK_ERRNO(weft_http_response_file(response, path, NULL), EALREADY);
	return result;
}

/* Of a type that can be none, in ways that a program may get it from outside. */
static int send_typed(
	struct weft_http_request *request, struct weft_http_response *response, void *arg)
{
	static char large[400];

	(void)request;
	memset(large, 'x', sizeof(large) - 1);
	CHECK_ERRNO(weft_http_response_file(response, arg, "a/b\r\nSet-Cookie: c=d"), EINVAL);
	CHECK_ERRNO(weft_http_response_file(response, arg, large), EINVAL);
	CHECK_ERRNO(weft_http_response_file(response, arg, ""), EINVAL);
	large[160] = '\0';
	return weft_http_response_file(response, arg, large);
}

/* A type is added first, in another case of letters, with fields around it. */
static int send_retyped(
	struct weft_http_request *request, struct weft_http_response *response, void *arg)
{
	const char *path = weft_http_request_path(request);
	struct weft_http_content content = {"text/css", "x", 1};
	char file[64];

	(void)arg;
	if (strncmp(path, "/typed", 6) != 0)
		return send_file(request, response, arg);
	weft_http_response_field(response, "X-Before", "1");
	weft_http_response_field(response, "Content-type", "image/x-first");
	weft_http_response_field(response, "X-After", "1");
	weft_http_response_field(response, "CONTENT-TYPE", "image/x-second");
	snprintf(file, sizeof(file), "%s/a.txt", dir);
	if (strcmp(path, "/typed/file") == 0)
		return weft_http_response_file(response, file, NULL);
	if (strcmp(path, "/typed/pieces") == 0)
		return weft_http_response_begin(response, 200, "text/css", 0);
	if (strcmp(path, "/typed/none") == 0)
		content.type = NULL;
	return strcmp(path, "/typed/error") == 0 ? 404
						 : weft_http_response_send(response, 200, &content);
}

static unsigned count(const char *text, const char *what)
{
	unsigned count = 0;

	while ((text = strstr(text, what))) {
		text++;
		count++;
	}
	return count;
}

static const char *get(const char *path, const char *fields)
{
	char request[512];

	snprintf(request, sizeof(request),
		"GET %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n%s\r\n", path, fields);
	return ask(request);
}

CHECK_CASE(an_answer_has_one_type_the_last)
{
	static const struct weft_http_service service = {.on_get = send_retyped};
	static const char *const rows[][2] = {
		{"/typed/whole", "\r\nContent-Type: text/css\r\n"},
		{"/typed/pieces", "\r\nContent-Type: text/css\r\n"},
		{"/typed/none", "\r\nCONTENT-TYPE: image/x-second\r\n"},
		{"/typed/error", "\r\nContent-Type: text/html; charset=utf-8\r\n"},
	};

	site_open(&service);
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		const char *reply = get(rows[i][0], "");

		CHECK(has(reply, rows[i][1]));
		CHECK(!has(reply, "first") && has(reply, "second") == (i == 2));
		CHECK(has(reply, "\r\nX-Before: 1\r\n") && has(reply, "\r\nX-After: 1\r\n"));
	}
	site_close();
}

CHECK_CASE(a_handler_can_answer_with_a_file)
{
	static const struct weft_http_service service = {.on_get = send_retyped};
	static const struct weft_http_service typed = {.on_get = send_typed};
	char path[64], fifo[64];
	int fd;

	CHECK(mkdtemp(dir) != NULL);
	snprintf(path, sizeof(path), "%s/a.txt", dir);
	snprintf(fifo, sizeof(fifo), "%s/fifo", dir);
	CHECK_INT(mkfifo(fifo, 0600), ==, 0);
	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	CHECK_INT(write(fd, "0123456789", 10), ==, 10);
	close(fd);
	site_open(&service);
	CHECK(has(get("/a.txt", ""), "200 OK\r\n"));
	CHECK(has(get("/a.txt", ""), "\r\nContent-Type: text/plain; charset=utf-8\r\n"));
	CHECK(has(get("/a.txt", ""), "\r\n\r\n0123456789"));
	CHECK(has(get("/a.txt", "Range: bytes=2-3\r\n"), "206 Partial Content\r\n"));
	CHECK(has(get("/a.txt", "Range: bytes=2-3\r\n"), "\r\n\r\n23"));
	CHECK(has(get("/a.txt", "If-None-Match: *\r\n"), "304 Not Modified\r\n"));
	CHECK(has(get("/b.txt", ""), "404 Not Found\r\n"));
	CHECK(has(get("/", ""), "403 Forbidden\r\n"));
	CHECK(has(get("/fifo", ""), "403 Forbidden\r\n"));
	CHECK_INT(count(get("/typed/file", ""), "\nContent-Type: text/plain"), ==, 1);
	CHECK_INT(count(get("/typed/file", ""), "ontent-"), ==, 3); /* Length, Type, Type-Options */
	CHECK(has(get("/typed/file", ""), "\r\nX-After: 1\r\n"));
	CHECK(!has(get("/typed/file", "Range: bytes=0-1\r\n"), "image/x"));
	site_close();
	site.options.arg = path;
	site_open(&typed);
	CHECK(has(get("/", "Range: bytes=0-0,2-2,4-4\r\n"), "206 Partial Content\r\n"));
	site_close();
	unlink(path);
	unlink(fifo);
	rmdir(dir);
}

CHECK_MAIN()
