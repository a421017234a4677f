/*
 * fuzz_ftp_command.c - control connections of FTP from an enemy, as far as they are parsed.
 *
 * The input is what a client sends, cut in two by its first byte. All lines are taken; the verdict
 * on each must not depend on the cut. Arguments are read as everything that a command could take
 * them for: paths stay below the home, patterns end, times are printed as they were read.
 *
 * Never: a connection; that is for tests/ftp.
 */
#include <stdlib.h>
#include <string.h>

#include "ftp/server.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void require(bool fact)
{
	if (!fact)
		abort();
}

static void check_path(const char *argument)
{
	static char path[WEFT__FTPD_PATH_SIZE], again[WEFT__FTPD_PATH_SIZE];
	size_t len;

	if (weft__ftpd_path_join("a/b", argument, path) < 0)
		return;
	len = strlen(path);
	require(len < sizeof(path) && path[0] != '/');
	require(len == 0 || path[len - 1] != '/');
	require(!strstr(path, "//") && !strstr(path, "/../"));
	require(strcmp(path, "..") != 0 && strncmp(path, "../", 3) != 0);
	require(len < 3 || strcmp(path + len - 3, "/..") != 0);
	require(weft__ftpd_name_is_plain(path));
	/* A path is one already. */
	require(weft__ftpd_path_join("", path, again) == 0 && strcmp(path, again) == 0);
}

static void check_pattern(const char *argument)
{
	static char name[256];

	memset(name, 'a', sizeof(name) - 1);
	if (strlen(argument) < 256) {
		(void)weft__ftpd_glob_fits(argument, name);
		require(weft__ftpd_glob_is(argument) || weft__ftpd_glob_fits(argument, argument));
	}
}

static void check_text(const char *argument)
{
	static char wire[2 * WEFT__FTPD_LINE_MAX], back[2 * WEFT__FTPD_LINE_MAX + 1];
	size_t len = strlen(argument);
	size_t wire_len = weft__ftpd_ascii_encode(argument, len, wire);
	bool has_cr = false;
	size_t back_len = weft__ftpd_ascii_decode(wire, wire_len, &has_cr, back);

	if (has_cr)
		back[back_len++] = '\r';
	require(back_len == len && memcmp(back, argument, len) == 0);
}

static void check_argument(const char *argument)
{
	struct timespec time;
	char text[32];
	long long number;

	require(!strpbrk(argument, "\r\n"));
	check_path(argument);
	check_pattern(argument);
	check_text(argument);
	(void)weft__ftpd_facts_read(argument);
	if (weft__ftpd_number_read(argument, &number))
		require(number >= 0);
	if (weft__ftpd_time_read(argument, strlen(argument), &time)) {
		weft__ftpd_time_print(time.tv_sec, text);
		require(strncmp(text, argument, 14) == 0);
	}
}

static void check_line(const struct weft__ftpd_line *line)
{
	require(line->used <= WEFT__FTPD_LINE_MAX + 3);
	require(strlen(line->verb) < WEFT__FTPD_VERB_SIZE);
	(void)weft__ftpd_verb_find(line->verb);
	(void)weft__ftpd_line_is_http(line);
	check_argument(line->argument);
}

/* The first line of data, and of a part of it: that is the same, or not all of it. */
static size_t take(const char *data, size_t len, size_t part)
{
	static struct weft__ftpd_line line, of_part;
	enum weft__ftpd_verdict verdict = weft__ftpd_line_take(data, len, &line);
	enum weft__ftpd_verdict early = weft__ftpd_line_take(data, part, &of_part);

	if (verdict == WEFT__FTPD_MORE || verdict == WEFT__FTPD_TOO_LONG) {
		require(early == WEFT__FTPD_MORE || early == verdict);
		return 0;
	}
	require(line.used > 0 && line.used <= len && data[line.used - 1] == '\n');
	if (verdict == WEFT__FTPD_LINE)
		check_line(&line);
	if (early == WEFT__FTPD_MORE) {
		require(part < line.used);
	} else {
		require(early == verdict && of_part.used == line.used);
		require(verdict != WEFT__FTPD_LINE ||
			(strcmp(of_part.verb, line.verb) == 0 &&
				strcmp(of_part.argument, line.argument) == 0));
	}
	return line.used;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	const char *text = (const char *)data + 1;
	size_t at = 0, cut, used;

	if (len == 0)
		return 0;
	len--;
	cut = len ? data[0] * len / 255 : 0;
	do {
		used = take(text + at, len - at, cut > at ? cut - at : 0);
		at += used;
	} while (used > 0 && at < len);
	return 0;
}
