/*
 * test_log_line.c - src/http/log_line.c: lines in every format, of what an enemy sends too; and
 * src/http/access_log.c: a log that is opened anew.
 *
 * check: tsan drivers
 */
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "http/site.h"
#include "weft/http_auth.h"

static char log_path[64], old_path[80];

static const char *read_file(const char *path)
{
	static char text[400000];
	int fd = open(path, O_RDONLY);
	size_t len = 0;
	ssize_t some = 0;

	CHECK_INT(fd, >=, 0);
	while (len < sizeof(text) - 1 && (some = read(fd, text + len, sizeof(text) - 1 - len)) > 0)
		len += (size_t)some;
	close(fd);
	text[len] = '\0';
	return text;
}

static int on_get(struct weft_http_request *request, struct weft_http_response *response, void *arg)
{
	struct weft_http_text user = weft_http_request_field(request, "X-User");
	struct weft_http_content content = {"text/plain", "hello", 5};
	char name[300];

	(void)arg;
	snprintf(name, sizeof(name), "%.*s", (int)user.len, user.data ? user.data : "");
	CHECK_INT(weft_http_request_set_user(request, user.data ? name : NULL), ==, 0);
	return weft_http_response_send(response, 200, &content);
}

static const struct weft_http_service service = {.on_get = on_get};

/* The log of what is answered to the requests, each of which ends its connection. */
static const char *log_of(enum weft_http_log_format format, const char *const *requests)
{
	struct weft_http_log_options options = {.format = format};

	setenv("TZ", "UTC-5:30", 1);
	snprintf(log_path, sizeof(log_path), "/tmp/weft-log-%d", (int)getpid());
	unlink(log_path);
	site.workers = 1; /* which keeps their order */
	site.options.access_log = weft_http_log_new(log_path, &options);
	CHECK(site.options.access_log);
	site_open(&service);
	for (; *requests; requests++)
		ask(*requests);
	site_close();
	weft_http_log_free(site.options.access_log);
	return read_file(log_path);
}

/* Whether the text is as the pattern, in which '*' stands for anything but a newline. */
static bool is_like(const char *text, const char *pattern)
{
	const char *star = NULL, *back = NULL;

	while (*text) {
		if (*pattern == '*') {
			star = ++pattern;
			back = text;
		} else if (*pattern == *text) {
			pattern++;
			text++;
		} else if (star && *back != '\n') {
			pattern = star;
			text = ++back;
		} else {
			return false;
		}
	}
	return !*pattern;
}

static void check_like(const char *text, const char *pattern)
{
	if (!is_like(text, pattern))
		check_fail(__FILE__, __LINE__, "\n%s# is not like\n%s", text, pattern);
}

#define LAST "Connection: close\r\n\r\n"

static const char *const requests[] = {
	"GET /a?b HTTP/1.1\r\nHost: x:80\r\nReferer: http://r/\"q\"\r\nUser-Agent: me\\1\r\n" LAST,
	"GET /\xc3\xa9\xff HTTP/1.1\r\nHost: x\r\nX-User: a \"b\"\r\nUser-Agent: "
	"\xe2\x80\xae\xff\r\n" LAST,
	"nonsense\x1b[2J\r\n\r\n",
	NULL,
};

CHECK_CASE(common_lines_have_seven_columns)
{
	check_like(log_of(WEFT_HTTP_LOG_COMMON, requests),
		"127.0.0.1 - - [*/*/*:*:*:* +0530] \"GET /a?b HTTP/1.1\" 200 5\n"
		"127.0.0.1 - a\\x20\\x22b\\x22 [* +0530] \"GET /\\xC3\\xA9\\xFF HTTP/1.1\" 200 5\n"
		"127.0.0.1 - - [* +0530] \"nonsense\\x1B[2J\" 400 *\n");
	unlink(log_path);
}

CHECK_CASE(combined_lines_have_referer_and_agent_behind)
{
	check_like(log_of(WEFT_HTTP_LOG_COMBINED, requests),
		"127.0.0.1 - - [*] \"GET /a?b HTTP/1.1\" 200 5 \"http://r/\\x22q\\x22\" "
		"\"me\\x5C1\"\n"
		"127.0.0.1 - a\\x20\\x22b\\x22 [*] \"GET /\\xC3\\xA9\\xFF HTTP/1.1\" 200 5 \"-\" "
		"\"\\xE2\\x80\\xAE\\xFF\"\n"
		"127.0.0.1 - - [*] \"nonsense\\x1B[2J\" 400 * \"-\" \"-\"\n");
	unlink(log_path);
}

CHECK_CASE(json_lines_are_json_whatever_was_sent)
{
	check_like(log_of(WEFT_HTTP_LOG_JSON, requests),
		"{\"time\": \"*-*-*T*:*:*+05:30\", \"peer\": \"127.0.0.1\", \"user\": null, "
		"\"method\": \"GET\", \"host\": \"x:80\", \"request\": \"GET /a?b HTTP/1.1\", "
		"\"referer\": \"http://r/\\\"q\\\"\", \"agent\": \"me\\\\1\", \"tls\": null, "
		"\"status\": 200, \"bytes\": 5, \"duration_us\": *}\n"
		"{\"time\": *, \"user\": \"a \\\"b\\\"\", \"method\": \"GET\", \"host\": \"x\", "
		"\"request\": \"GET /\xc3\xa9\\ufffd HTTP/1.1\", \"referer\": null, "
		"\"agent\": \"\\u202e\\ufffd\", \"tls\": null, \"status\": 200, *}\n"
		"{\"time\": *, \"user\": null, \"method\": null, \"host\": null, "
		"\"request\": \"nonsense\\u001b[2J\", *, \"status\": 400, *}\n");
	unlink(log_path);
}

CHECK_CASE(the_longest_of_everything_fits_and_the_line_is_whole)
{
	static char request[16000];
	static const enum weft_http_log_format formats[] = {
		WEFT_HTTP_LOG_COMMON, WEFT_HTTP_LOG_COMBINED, WEFT_HTTP_LOG_JSON};
	const char *const one[] = {request, NULL};
	size_t len = (size_t)snprintf(request, sizeof(request), "GET /");

	memset(request + len, 0xe9, 7000);
	len += 7000;
	len += (size_t)snprintf(
		request + len, sizeof(request) - len, " HTTP/1.1\r\nHost: x\r\nX-User: ");
	memset(request + len, 0xfe, 255);
	len += 255;
	len += (size_t)snprintf(request + len, sizeof(request) - len, "\r\nReferer: ");
	memset(request + len, '"', 3000);
	len += 3000;
	len += (size_t)snprintf(request + len, sizeof(request) - len, "\r\nUser-Agent: ");
	memset(request + len, 0xff, 3000);
	len += 3000;
	snprintf(request + len, sizeof(request) - len, "\r\n" LAST);
	for (size_t i = 0; i < 3; i++) {
		const char *text = log_of(formats[i], one);

		CHECK(strchr(text, '\n') == text + strlen(text) - 1);
		CHECK_INT(strlen(text), <=, 4096);
		CHECK(has(
			text, formats[i] == WEFT_HTTP_LOG_JSON ? "\"status\": 200, " : "\" 200 5"));
	}
	unlink(log_path);
}

CHECK_CASE(a_log_that_was_renamed_is_opened_anew_and_no_line_is_lost_or_cut)
{
	enum { EACH = 50 };
	const int rounds = (int)check_rounds(2);
	struct weft_http_log *log;
	unsigned lines = 0, asked = 0;
	struct stat stat_of = {0};

	snprintf(log_path, sizeof(log_path), "/tmp/weft-log-%d", (int)getpid());
	unlink(log_path);
	log = site.options.access_log = weft_http_log_new(log_path, NULL);
	site_open(&service);
	for (int round = 0; round < rounds; round++) {
		/* Until there is a line in this round's file: it is written half a second late. */
		do {
			for (int i = 0; i < EACH; i++, asked++)
				ask("GET / HTTP/1.1\r\nHost: x\r\n" LAST);
			CHECK_INT(stat(log_path, &stat_of), ==, 0);
		} while (stat_of.st_size == 0);
		snprintf(old_path, sizeof(old_path), "%s.%d", log_path, round);
		CHECK_INT(rename(log_path, old_path), ==, 0);
		CHECK_INT(weft_http_log_reopen(log), ==, 0);
		CHECK_INT(access(log_path, F_OK), ==, 0);
	}
	site_close();
	weft_http_log_free(log);
	for (int round = 0; round <= rounds; round++) {
		const char *text;

		snprintf(old_path, sizeof(old_path), "%s.%d", log_path, round);
		text = read_file(round < rounds ? old_path : log_path);
		CHECK(!*text || text[strlen(text) - 1] == '\n');
		for (; *text; text = strchr(text, '\n') + 1) {
			CHECK_MEM(text, "127.0.0.1 - - [", 15);
			lines++;
		}
		unlink(round < rounds ? old_path : log_path);
	}
	CHECK_INT(lines, ==, asked);
}

CHECK_CASE(a_log_that_can_not_be_opened_anew_goes_on)
{
	char folder[64] = "/tmp/weft-log-XXXXXX", path[100], moved[80];
	struct weft_http_log *log;

	CHECK(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/log", folder);
	snprintf(moved, sizeof(moved), "%s.moved", folder);
	log = site.options.access_log = weft_http_log_new(path, NULL);
	site_open(&service);
	CHECK_INT(rename(folder, moved), ==, 0);
	CHECK_ERRNO(weft_http_log_reopen(log), ENOENT);
	ask("GET / HTTP/1.1\r\nHost: x\r\n" LAST);
	site_close();
	weft_http_log_free(log);
	snprintf(path, sizeof(path), "%s/log", moved);
	CHECK(has(read_file(path), "\"GET / HTTP/1.1\" 200 5\n"));
	unlink(path);
	rmdir(moved);
}

CHECK_CASE(a_child_can_free_the_log_and_its_parents_goes_on)
{
	struct weft_http_log *log = weft_http_log_new("/dev/null", NULL);
	int status;
	pid_t child;

	CHECK(log != NULL);
	child = fork();
	if (child == 0) {
		weft_http_log_free(log);
		_exit(7);
	}
	CHECK_INT(waitpid(child, &status, 0), ==, child);
	CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 7);
	weft_http_log_free(log);
}

CHECK_MAIN()
