/*
 * test_log.c - base/log: how lines read, what can't be forged, and that nobody waits.
 *
 * check: tsan aarch64
 */
#include "weft/log.h"

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sys/stat.h>
#include <time.h>

#include "check.h"

static void fixed_clock(struct timespec *ret_wall, struct timespec *ret_monotonic)
{
	*ret_wall = (struct timespec){1772366400, 125999999};
	*ret_monotonic = (struct timespec){81, 4219999};
}

#define HEAD "time=2026-03-01T12:00:00.125Z up=81.004219 level="

/* A logger into a pipe; *ret_read is its other end. */
static struct weft_logger *pipe_logger(int *ret_read)
{
	int fds[2];
	struct weft_logger_options options = {.clock = fixed_clock};

	CHECK_INT(pipe(fds), ==, 0);
	options.fd = fds[1];
	*ret_read = fds[0];
	return weft_logger_new(&options);
}

/* What is in the pipe, as text of at most size - 1 bytes. */
static size_t read_some(int fd, char *ret_text, size_t size)
{
	struct pollfd poll_fd = {.fd = fd, .events = POLLIN};
	ssize_t len = poll(&poll_fd, 1, 0) == 1 ? read(fd, ret_text, size - 1) : 0;

	CHECK_INT(len, >=, 0);
	ret_text[len] = '\0';
	return (size_t)len;
}

#define CHECK_LINE(fd, expect)                       \
	do {                                         \
		char line_[8192];                    \
		read_some(fd, line_, sizeof(line_)); \
		CHECK_STR(line_, expect);            \
	} while (0)

/* ---- How lines read ---------------------------------------------------------------------- */

CHECK_CASE(a_line_has_times_level_message_and_fields_in_order)
{
	int fd;
	struct weft_logger *logger = pipe_logger(&fd);
	char text[] = "127.0.0.1:80";

	weft_log_to(logger, WEFT_LOG_INFO, "listening", WEFT_KV("address", text),
		WEFT_KV("workers", 4), WEFT_KV("size", (size_t)-1), WEFT_KV("ratio", 0.5),
		WEFT_KV("tls", (bool)false), WEFT_KV("low", (signed char)-7),
		WEFT_KV("at", (void *)0x10), WEFT_KV_ERRNO(ENOENT));
	CHECK_LINE(fd, HEAD "info message=listening address=127.0.0.1:80 workers=4 "
			    "size=18446744073709551615 ratio=0.5 tls=false low=-7 at=0x10 "
			    "error=\"No such file or directory\"\n");
	weft_log_to(logger, WEFT_LOG_ERROR, "no fields at all");
	CHECK_LINE(fd, HEAD "error message=\"no fields at all\"\n");
	weft_logger_free(logger);
}

CHECK_CASE(local_time_carries_its_offset)
{
	int fd;
	struct weft_logger *logger = pipe_logger(&fd);

	setenv("TZ", "XYZ-05:30", 1);
	tzset();
	weft_logger_set_local_time(logger, true);
	weft_log_to(logger, WEFT_LOG_WARN, "x");
	CHECK_LINE(fd, "time=2026-03-01T17:30:00.125+05:30 up=81.004219 level=warn message=x\n");
	setenv("TZ", "XYZ+02:00", 1);
	tzset();
	weft_log_to(logger, WEFT_LOG_WARN, "x");
	CHECK_LINE(fd, "time=2026-03-01T10:00:00.125-02:00 up=81.004219 level=warn message=x\n");
	weft_logger_free(logger);
}

static struct timespec chosen_time;

static void chosen_clock(struct timespec *ret_wall, struct timespec *ret_monotonic)
{
	*ret_wall = *ret_monotonic = chosen_time;
}

CHECK_CASE(utc_dates_are_those_of_libc)
{
	int fds[2];
	struct weft_logger *logger;
	char text[512], expect[64];

	CHECK_INT(pipe(fds), ==, 0);
	logger =
		weft_logger_new(&(struct weft_logger_options){.fd = fds[1], .clock = chosen_clock});
	/* Steps of 97 days and some, from before 1600 to after 2400. */
	for (int64_t at = -11700000000; at < 13600000000; at += 8391599) {
		struct tm parts;
		time_t seconds = at;

		chosen_time.tv_sec = seconds;
		gmtime_r(&seconds, &parts);
		strftime(expect, sizeof(expect), "time=%Y-%m-%dT%H:%M:%S.000Z", &parts);
		weft_log_to(logger, WEFT_LOG_INFO, "x");
		read_some(fds[0], text, sizeof(text));
		text[strlen(expect)] = '\0';
		CHECK_STR(text, expect);
	}
	weft_logger_free(logger);
}

CHECK_CASE(the_system_clocks_are_used_by_default)
{
	int fds[2];
	struct weft_logger *logger;
	struct timespec now;
	char text[512];

	CHECK_INT(pipe(fds), ==, 0);
	logger = weft_logger_new(&(struct weft_logger_options){.fd = fds[1]});
	clock_gettime(CLOCK_MONOTONIC, &now);
	weft_log_to(logger, WEFT_LOG_INFO, "x");
	read_some(fds[0], text, sizeof(text));
	CHECK_INT(strncmp(text, "time=20", 7), ==, 0);
	CHECK_INT(strtol(strstr(text, " up=") + 4, NULL, 10), >=, now.tv_sec);
	weft_logger_free(logger);
}

/* ---- Text from outside ------------------------------------------------------------------- */

struct escape {
	const char *value, *expect;
};

static const struct escape escapes[] = {
	{"plain-text_1.2/3:4", "plain-text_1.2/3:4"}, {"", "\"\""}, {"two words", "\"two words\""},
	{"a=b", "\"a=b\""}, {"say \"hi\" \\o/", "\"say \\\"hi\\\" \\\\o/\""},
	{"x\nlevel=error message=forged", "\"x\\nlevel=error message=forged\""},
	{"a\r\tb", "\"a\\r\\tb\""}, {"\x1b[2J\x7f", "\"\\x1b[2J\\x7f\""},
	{"grüße €𝄞", "\"grüße €𝄞\""}, {"\xc2\x9b", "\"\\xc2\\x9b\""}, /* C1: a terminal's CSI */
	{"\xe2\x80\xae"
	 "fdp",
		"\"\\xe2\\x80\\xaefdp\""},       /* right-to-left override */
	{"\xe2\x80\xa8", "\"\\xe2\\x80\\xa8\""}, /* line separator */
	{"\xff\xc0\x8a", "\"\\xff\\xc0\\x8a\""}, /* not UTF-8; an overlong newline */
	{"\xc1\x81\xe0\x81\x81", "\"\\xc1\\x81\\xe0\\x81\\x81\""}, /* overlong letters */
	{"\xe2\x82", "\"\\xe2\\x82\""},                            /* cut short */
	{"\xed\xa0\x80", "\"\\xed\\xa0\\x80\""},                   /* a surrogate */
	{"\xf4\x90\x80\x80", "\"\\xf4\\x90\\x80\\x80\""},          /* over U+10FFFF */
};

CHECK_CASE(text_from_outside_cannot_forge_a_line_or_steer_a_terminal)
{
	int fd;
	struct weft_logger *logger = pipe_logger(&fd);

	for (size_t i = 0; i < sizeof(escapes) / sizeof(escapes[0]); i++) {
		char expect[256];

		snprintf(expect, sizeof(expect), HEAD "info message=m k=%s\n", escapes[i].expect);
		weft_log_to(logger, WEFT_LOG_INFO, "m", WEFT_KV("k", escapes[i].value));
		CHECK_LINE(fd, expect);
	}
	weft_log_to(logger, WEFT_LOG_INFO, "m\nn", WEFT_KV("a b\n=", (const char *)NULL),
		weft_log_bytes("part", "x\0y", 3));
	CHECK_LINE(fd, HEAD "info message=\"m\\nn\" a_b__=null part=\"x\\x00y\"\n");
	weft_logger_free(logger);
}

/* Every length around the limit: the end of the line is the interesting place. */
static void check_cut(struct weft_logger *logger, int fd, char filler, size_t len)
{
	static char value[2 * WEFT_LOG_LINE_MAX], line[2 * WEFT_LOG_LINE_MAX];
	size_t got;
	bool is_cut;

	memset(value, filler, len);
	weft_log_to(logger, WEFT_LOG_INFO, "m", weft_log_bytes("k", value, len), WEFT_KV("n", 1));
	got = read_some(fd, line, sizeof(line));
	CHECK_INT(got, <=, WEFT_LOG_LINE_MAX);
	CHECK_INT(strcspn(line, "\n"), ==, got - 1);
	is_cut = strstr(line, " truncated=true\n") != NULL;
	CHECK(is_cut || strstr(line, " n=1\n"));
	if (filler != 'x') {
		const char *open_quote = strstr(line, "k=\"");

		CHECK(open_quote);
		CHECK(strstr(open_quote + 3, "\" truncated=true\n") ||
			strstr(open_quote + 3, "\" n=1"));
	}
}

CHECK_CASE(a_line_too_long_is_cut_closed_and_marked)
{
	int fd;
	struct weft_logger *logger = pipe_logger(&fd);

	for (size_t len = 3950; len < 4150; len++) {
		check_cut(logger, fd, 'x', len);
		check_cut(logger, fd, ' ', len);
		check_cut(logger, fd, '\n', len / 2);
		check_cut(logger, fd, '\x01', len / 4);
	}
	weft_logger_free(logger);
}

CHECK_CASE(many_fields_over_the_limit_leave_whole_pairs_only)
{
	static struct weft_log_field fields[1000];
	int fd;
	struct weft_logger *logger = pipe_logger(&fd);
	char line[2 * WEFT_LOG_LINE_MAX];
	size_t len;

	for (size_t start = 0; start < 12; start++) {
		for (size_t i = 0; i < 1000; i++)
			fields[i] = weft_log_unsigned("key", 1234567);
		weft_logger_write(logger, WEFT_LOG_INFO, &"abcdefghijkl"[start], fields, 1000);
		len = read_some(fd, line, sizeof(line));
		CHECK_INT(len, <=, WEFT_LOG_LINE_MAX);
		CHECK_STR(line + len - strlen(" key=1234567 truncated=true\n"),
			" key=1234567 truncated=true\n");
	}
	weft_logger_free(logger);
}

/* ---- Levels -------------------------------------------------------------------------------- */

static int count_call(int *calls)
{
	return ++*calls;
}

CHECK_CASE(a_field_of_a_level_that_is_off_is_not_computed)
{
	int fd, calls = 0;
	struct weft_logger *logger = pipe_logger(&fd);

	weft_log_to(logger, WEFT_LOG_DEBUG, "off", WEFT_KV("n", count_call(&calls)));
	CHECK_LINE(fd, "");
	CHECK_INT(calls, ==, 0);
	weft_log_set_level(WEFT_LOG_DEBUG);
	weft_log_to(logger, WEFT_LOG_DEBUG, "on", WEFT_KV("n", count_call(&calls)));
	CHECK_LINE(fd, HEAD "debug message=on n=1\n");
	weft_log_set_level(WEFT_LOG_ERROR);
	weft_log_to(logger, WEFT_LOG_WARN, "off");
	CHECK_LINE(fd, "");
	weft_logger_free(logger);
}

CHECK_CASE(levels_have_names)
{
	enum weft_log_level level;

	for (int i = WEFT_LOG_ERROR; i <= WEFT_LOG_DEBUG; i++) {
		CHECK_INT(weft_log_level_parse(weft_log_level_name((enum weft_log_level)i), &level),
			==, 0);
		CHECK_INT(level, ==, i);
	}
	CHECK_ERRNO(weft_log_level_parse("loud", &level), EINVAL);
	CHECK_INT(level, ==, WEFT_LOG_DEBUG);
}

/* ---- Never waiting ------------------------------------------------------------------------------
 */

CHECK_CASE(a_pipe_that_nobody_reads_drops_and_counts_and_tells_later)
{
	int fd;
	struct weft_logger *logger = pipe_logger(&fd);
	char text[65536 * 2], expect[256];
	size_t len = 0, written = 0;
	uint64_t dropped;

	for (int i = 0; i < 5000; i++)
		weft_log_to(logger, WEFT_LOG_INFO, "nobody reads this line", WEFT_KV("i", i));
	dropped = weft_logger_dropped(logger);
	CHECK_INT(dropped, >, 0);
	while ((len = read_some(fd, text, sizeof(text))) > 0)
		for (size_t i = 0; i < len; i++)
			written += text[i] == '\n';
	CHECK_INT(written + dropped, ==, 5000);
	weft_log_to(logger, WEFT_LOG_INFO, "again");
	snprintf(expect, sizeof(expect),
		HEAD "warn message=\"log lines dropped\" count=%llu\n" HEAD "info message=again\n",
		(unsigned long long)dropped);
	CHECK_LINE(fd, expect);
	CHECK_INT(weft_logger_dropped(logger), ==, 0);
	weft_log_to(logger, WEFT_LOG_INFO, "once more");
	CHECK_LINE(fd, HEAD "info message=\"once more\"\n");
	CHECK_INT(fcntl(fd, F_GETFL) & O_NONBLOCK, ==, 0);
	weft_logger_free(logger);
}

CHECK_CASE(a_reader_that_went_away_costs_lines_not_the_process)
{
	int fd;
	struct weft_logger *logger = pipe_logger(&fd);

	sigaction(SIGPIPE, &(struct sigaction){.sa_handler = SIG_DFL}, NULL);
	close(fd);
	weft_log_to(logger, WEFT_LOG_INFO, "x");
	weft_log_to(logger, WEFT_LOG_INFO, "y");
	CHECK_INT(weft_logger_dropped(logger), ==, 2);
	weft_logger_free(logger);
}

CHECK_CASE(a_full_disk_costs_lines_and_the_count_is_kept)
{
	struct weft_logger *logger =
		weft_logger_new(&(struct weft_logger_options){.path = "/dev/full"});

	CHECK(logger);
	for (int i = 0; i < 3; i++)
		weft_log_to(logger, WEFT_LOG_INFO, "x");
	CHECK_INT(weft_logger_dropped(logger), ==, 3);
	weft_logger_free(logger);
}

struct heard {
	char text[8192];
	enum weft_log_level level;
	unsigned count;
};

static void hear(enum weft_log_level level, const char *line, size_t len, void *arg)
{
	struct heard *heard = arg;

	memcpy(heard->text, line, len);
	heard->text[len] = '\0';
	heard->level = level;
	heard->count++;
}

CHECK_CASE(a_tap_gets_each_line_also_those_that_nobody_reads)
{
	int fd;
	struct weft_logger *logger = pipe_logger(&fd);
	struct heard heard = {.count = 0};

	weft_logger_set_tap(logger, hear, &heard);
	weft_log_to(logger, WEFT_LOG_WARN, "first", WEFT_KV("n", 1));
	CHECK_STR(heard.text, HEAD "warn message=first n=1\n");
	CHECK_INT(heard.level, ==, WEFT_LOG_WARN);
	CHECK_LINE(fd, HEAD "warn message=first n=1\n");
	while (weft_logger_dropped(logger) < 3)
		weft_log_to(logger, WEFT_LOG_INFO, "filled", WEFT_KV("n", (int)heard.count));
	CHECK(heard.count > 3);
	CHECK_INT(heard.level, ==, WEFT_LOG_INFO);
	weft_logger_set_tap(logger, NULL, NULL);
	heard.count = 0;
	weft_log_to(logger, WEFT_LOG_INFO, "unheard");
	CHECK_INT(heard.count, ==, 0);
	close(fd);
	weft_logger_free(logger);
}

CHECK_CASE(errno_is_kept)
{
	struct weft_logger *logger =
		weft_logger_new(&(struct weft_logger_options){.path = "/dev/full"});

	errno = EXDEV;
	weft_log_to(logger, WEFT_LOG_INFO, "x", WEFT_KV_ERRNO(ENOENT));
	CHECK_INT(errno, ==, EXDEV);
	weft_logger_free(logger);
	CHECK_INT(errno, ==, EXDEV);
}

/* ---- Destinations
 * --------------------------------------------------------------------------------- */

static void read_file(const char *path, char *ret_text, size_t size)
{
	int fd = open(path, O_RDONLY);
	ssize_t len;

	CHECK(fd >= 0);
	len = read(fd, ret_text, size - 1);
	CHECK(len >= 0);
	ret_text[len] = '\0';
	close(fd);
}

CHECK_CASE(the_default_logger_writes_to_stderr_until_it_is_opened_elsewhere)
{
	int fds[2];
	char dir[] = "/tmp/test_log.XXXXXX", path[64], text[1024];

	CHECK(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/log", dir);
	CHECK_INT(pipe(fds), ==, 0);
	CHECK_INT(dup2(fds[1], STDERR_FILENO), ==, STDERR_FILENO);
	weft_log(WEFT_LOG_INFO, "to stderr", WEFT_KV("n", 1));
	weft_logf(WEFT_LOG_INFO, "%d of %s", 3, "four\n");
	weft_logf(WEFT_LOG_DEBUG, "off");
	read_some(fds[0], text, sizeof(text));
	CHECK(strstr(text, " level=info message=\"to stderr\" n=1\n"));
	CHECK(strstr(text, " level=info message=\"3 of four\\n\"\n"));
	CHECK(!strstr(text, "off"));
	CHECK_INT(weft_logger_reopen(weft_logger_default()), ==, 0); /* nothing to do */
	CHECK_ERRNO(weft_logger_open(weft_logger_default(), "/nowhere/at/all"), ENOENT);
	CHECK_INT(weft_logger_open(weft_logger_default(), path), ==, 0);
	weft_log(WEFT_LOG_INFO, "to the file");
	CHECK_INT(read_some(fds[0], text, sizeof(text)), ==, 0);
	read_file(path, text, sizeof(text));
	CHECK(strstr(text, " message=\"to the file\"\n"));
	unlink(path);
	rmdir(dir);
}

CHECK_CASE(a_renamed_file_is_left_when_the_logger_is_reopened)
{
	char dir[] = "/tmp/test_log.XXXXXX", path[64], old[64], text[1024];
	struct weft_logger_options options = {.clock = fixed_clock, .path = path};
	struct weft_logger *logger;
	struct stat facts;

	CHECK(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/log", dir);
	snprintf(old, sizeof(old), "%s/log.1", dir);
	umask(022);
	logger = weft_logger_new(&options);
	CHECK(logger);
	weft_log_to(logger, WEFT_LOG_INFO, "one");
	CHECK_INT(rename(path, old), ==, 0);
	weft_log_to(logger, WEFT_LOG_INFO, "two");
	CHECK_INT(weft_logger_reopen(logger), ==, 0);
	weft_log_to(logger, WEFT_LOG_INFO, "three");
	read_file(old, text, sizeof(text));
	CHECK_STR(text, HEAD "info message=one\n" HEAD "info message=two\n");
	read_file(path, text, sizeof(text));
	CHECK_STR(text, HEAD "info message=three\n");
	CHECK_INT(stat(path, &facts), ==, 0);
	CHECK_INT(facts.st_mode & 0777, ==, 0640);
	weft_logger_free(logger);
	unlink(path);
	unlink(old);
	rmdir(dir);
	CHECK_ERRNO(weft_logger_new(&options), ENOENT);
}

/* ---- Many writers
 * ------------------------------------------------------------------------------------ */

#define WRITERS 4
#define LINES   200

static void *write_lines(void *arg)
{
	char padding[300];

	memset(padding, 'p', sizeof(padding));
	for (int i = 0; i < LINES; i++)
		weft_log_to((struct weft_logger *)arg, WEFT_LOG_INFO, "line",
			weft_log_bytes("padding", padding, sizeof(padding)));
	return NULL;
}

/* Counts the lines of the file, each of which must be whole. */
static size_t count_whole_lines(const char *path)
{
	FILE *file = fopen(path, "r");
	char line[1024];
	size_t count = 0;

	CHECK(file);
	while (fgets(line, sizeof(line), file)) {
		CHECK_INT(strncmp(line, HEAD, strlen(HEAD)), ==, 0);
		CHECK_INT(strlen(line), ==, strlen(HEAD "info message=line padding=\n") + 300);
		count++;
	}
	fclose(file);
	return count;
}

CHECK_CASE(lines_of_threads_and_processes_are_whole)
{
	char path[] = "/tmp/test_log.XXXXXX";
	pthread_t threads[WRITERS];
	struct weft_logger *logger;
	pid_t children[WRITERS];

	close(mkstemp(path));
	logger = weft_logger_new(&(struct weft_logger_options){.clock = fixed_clock, .path = path});
	for (int i = 0; i < WRITERS; i++) {
		children[i] = fork();
		if (children[i] == 0) {
			write_lines(logger);
			_exit((int)weft_logger_dropped(logger));
		}
	}
	for (int i = 0; i < WRITERS; i++)
		CHECK_INT(pthread_create(&threads[i], NULL, write_lines, logger), ==, 0);
	for (int i = 0; i < WRITERS; i++) {
		int status;

		pthread_join(threads[i], NULL);
		CHECK_INT(waitpid(children[i], &status, 0), ==, children[i]);
		CHECK_INT(status, ==, 0);
	}
	CHECK_INT(count_whole_lines(path) + weft_logger_dropped(logger), ==, 2 * WRITERS * LINES);
	CHECK_INT(weft_logger_dropped(logger), <, LINES);
	weft_logger_free(logger);
	unlink(path);
}

static void *write_until_told(void *arg)
{
	struct {
		struct weft_logger *logger;
		_Atomic bool *is_over;
	} *job = arg;

	while (!*job->is_over)
		weft_log_to(job->logger, WEFT_LOG_INFO, "busy");
	return NULL;
}

CHECK_CASE(a_child_forked_while_another_thread_writes_can_log)
{
	struct weft_logger *logger =
		weft_logger_new(&(struct weft_logger_options){.path = "/dev/null"});
	_Atomic bool is_over = false;
	struct {
		struct weft_logger *logger;
		_Atomic bool *is_over;
	} job = {logger, &is_over};
	pthread_t thread;

	CHECK_INT(pthread_create(&thread, NULL, write_until_told, &job), ==, 0);
	for (int i = 0; i < 100; i++) {
		pid_t child = fork();
		int status;

		if (child == 0) {
			uint64_t before = weft_logger_dropped(logger);

			weft_log_to(logger, WEFT_LOG_INFO, "child");
			_exit(weft_logger_dropped(logger) > before);
		}
		CHECK_INT(waitpid(child, &status, 0), ==, child);
		CHECK_INT(status, ==, 0);
	}
	is_over = true;
	pthread_join(thread, NULL);
	weft_logger_free(logger);
}

CHECK_MAIN()
