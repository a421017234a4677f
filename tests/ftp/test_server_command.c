/*
 * test_server_command.c - tests the parts of the FTP server that do no I/O: lines, paths, patterns,
 * line ends, times, facts.
 */
#include "check.h"

#include <arpa/inet.h>

#include "ftp/server.h"

static struct weft__ftpd_line line;

static enum weft__ftpd_verdict take(const char *data, size_t len)
{
	return weft__ftpd_line_take(data, len, &line);
}

/* ---- Lines ----------------------------------------------------------------------------------- */

CHECK_CASE(a_line_is_parted_at_its_first_blank)
{
	static const struct {
		const char *text, *verb, *argument;
	} rows[] = {
		{"NOOP\r\n", "NOOP", ""},
		{"noop\n", "NOOP", ""},
		{"Retr a b.txt\r\n", "RETR", "a b.txt"},
		{"RETR  a \r\n", "RETR", " a "},
		{"XSHA256 a\r\n", "XSHA256", "a"},
		{"USER\r\n", "USER", ""},
		{"\r\n", "", ""},
		{" NOOP\r\n", "", " NOOP"},
		{"RETRIEVE a\r\n", "", "RETRIEVE a"},
		{"Host: a\r\n", "", "Host: a"},
		{"RETR\ta\r\n", "", "RETR\ta"},
		{"\x16\x03\x01\n", "", "\x16\x03\x01"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		CHECK_INT(take(rows[i].text, strlen(rows[i].text)), ==, WEFT__FTPD_LINE);
		CHECK_STR(line.verb, rows[i].verb);
		CHECK_STR(line.argument, rows[i].argument);
		CHECK_INT(line.used, ==, strlen(rows[i].text));
	}
}

CHECK_CASE(what_telnet_puts_in_is_left_out)
{
	static const struct {
		const char *text;
		size_t len;
		const char *verb, *argument;
	} rows[] = {
		/* IAC IP, IAC DM, as clients send them before ABOR. */
		{"\xff\xf4\xff\xf2"
		 "ABOR\r\n",
			10, "ABOR", ""},
		{"\xff\xf4\xf2"
		 "ABOR\r\n",
			9, "",
			"\xf2"
			"ABOR"},
		/* IAC DO 10: the option is a newline, and ends no line. */
		{"\xff\xfd\nNOOP\r\n", 9, "NOOP", ""},
		{"NO\xff\xf1OP\r\n", 8, "NOOP", ""},
		{"RETR a\xff\xff\r\n", 10, "RETR", "a\xff"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		CHECK_INT(take(rows[i].text, rows[i].len), ==, WEFT__FTPD_LINE);
		CHECK_STR(line.verb, rows[i].verb);
		CHECK_STR(line.argument, rows[i].argument);
		CHECK_INT(line.used, ==, rows[i].len);
	}
	CHECK_INT(take("\xff\xf4\xff\xf2\r\n", 6), ==, WEFT__FTPD_EMPTY);
	CHECK_INT(line.used, ==, 6);
}

CHECK_CASE(lines_that_could_be_read_as_two_are_bad)
{
	CHECK_INT(take("CWD a\rDELE b\r\n", 14), ==, WEFT__FTPD_BAD);
	CHECK_INT(line.used, ==, 14);
	CHECK_INT(take("CWD a\0b\r\n", 9), ==, WEFT__FTPD_BAD);
	CHECK_INT(take("CWD a\r\r\n", 8), ==, WEFT__FTPD_BAD);
	CHECK_INT(take("\0\n", 2), ==, WEFT__FTPD_BAD);
	/* CR with telnet between it and its LF is as much its end. */
	CHECK_INT(take("CWD a\r\xff\xf1\n", 9), ==, WEFT__FTPD_LINE);
	CHECK_STR(line.argument, "a");
}

CHECK_CASE(half_a_line_is_waited_for)
{
	const char *text = "RETR \xff\xfb\na\r\nNOOP\r\n";

	for (size_t len = 0; len < 11; len++)
		CHECK_INT(take(text, len), ==, WEFT__FTPD_MORE);
	CHECK_INT(take(text, 11), ==, WEFT__FTPD_LINE);
	CHECK_INT(take(text, 17), ==, WEFT__FTPD_LINE);
	CHECK_INT(line.used, ==, 11);
	CHECK_STR(line.argument, "a");
}

CHECK_CASE(a_line_has_a_bound)
{
	static char text[WEFT__FTPD_LINE_MAX + 2];

	memset(text, 'a', sizeof(text));
	memcpy(text, "RETR ", 5);
	CHECK_INT(take(text, WEFT__FTPD_LINE_MAX), ==, WEFT__FTPD_MORE);
	CHECK_INT(take(text, WEFT__FTPD_LINE_MAX + 1), ==, WEFT__FTPD_TOO_LONG);
	text[WEFT__FTPD_LINE_MAX] = '\n';
	CHECK_INT(take(text, WEFT__FTPD_LINE_MAX + 1), ==, WEFT__FTPD_LINE);
	CHECK_INT(strlen(line.argument), ==, WEFT__FTPD_LINE_MAX - 5);
}

CHECK_CASE(browsers_are_known)
{
	static const char *const requests[] = {
		"GET / HTTP/1.1\r\n", "POST /a HTTP/1.0\r\n", "PRI * HTTP/2.0\r\n", "head\r\n"};

	for (size_t i = 0; i < sizeof(requests) / sizeof(requests[0]); i++) {
		CHECK_INT(take(requests[i], strlen(requests[i])), ==, WEFT__FTPD_LINE);
		CHECK(weft__ftpd_line_is_http(&line));
	}
	CHECK_INT(take("RETR a\r\n", 8), ==, WEFT__FTPD_LINE);
	CHECK(!weft__ftpd_line_is_http(&line));
}

CHECK_CASE(the_table_of_commands_is_sorted)
{
	const struct weft__ftpd_verb *verb;
	size_t count = 0;

	for (; (verb = weft__ftpd_verb_at(count)) != NULL; count++) {
		CHECK(weft__ftpd_verb_find(verb->name) == verb);
		CHECK(strlen(verb->name) < WEFT__FTPD_VERB_SIZE);
		if (count > 0)
			CHECK(strcmp(weft__ftpd_verb_at(count - 1)->name, verb->name) < 0);
	}
	CHECK_INT(count, >, 40);
	CHECK(!weft__ftpd_verb_find("GET"));
	CHECK(!weft__ftpd_verb_find(""));
}

/* ---- Paths ----------------------------------------------------------------------------------- */

CHECK_CASE(paths_have_no_dots_and_stay_below_the_home)
{
	static const struct {
		const char *folder, *name, *path;
	} rows[] = {
		{"", "a", "a"},
		{"a/b", "c", "a/b/c"},
		{"a/b", "../c", "a/c"},
		{"a/b", "../../../../c", "c"},
		{"a/b", "..", "a"},
		{"a", "..", ""},
		{"", "..", ""},
		{"a/b", "/", ""},
		{"a/b", "", "a/b"},
		{"a", ".", "a"},
		{"a", "/c//d/./e/", "c/d/e"},
		{"a", "b/..", "a"},
		{"a", "...", "a/..."},
		{"a", "..b", "a/..b"},
		{"", " x ", " x "},
		{"", "-l", "-l"},
		{"\xc3\xa4", "\xe6\x97\xa5", "\xc3\xa4/\xe6\x97\xa5"},
	};
	static const char *const bad[] = {
		"a\nb", "a\rb", "\x01", "a\x7f", "\xff", "\xc3", "a\xc0\xaf", "\xed\xa0\x80"};
	char path[WEFT__FTPD_PATH_SIZE];

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		CHECK_INT(weft__ftpd_path_join(rows[i].folder, rows[i].name, path), ==, 0);
		CHECK_STR(path, rows[i].path);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		CHECK_ERRNO(weft__ftpd_path_join("", bad[i], path), EINVAL);
}

CHECK_CASE(a_path_has_a_bound)
{
	char path[WEFT__FTPD_PATH_SIZE], folder[WEFT__FTPD_PATH_SIZE];

	memset(folder, 'a', sizeof(folder));
	folder[WEFT__FTPD_PATH_SIZE - 3] = '\0';
	CHECK_INT(weft__ftpd_path_join(folder, "b", path), ==, 0);
	CHECK_INT(strlen(path), ==, WEFT__FTPD_PATH_SIZE - 1);
	CHECK_ERRNO(weft__ftpd_path_join(folder, "bc", path), ENAMETOOLONG);
	/* Not longer on its way than where it leads. */
	CHECK_INT(weft__ftpd_path_join(folder, "../b/c", path), ==, 0);
	CHECK_STR(path, "b/c");
}

CHECK_CASE(quotes_are_doubled)
{
	char text[16];

	weft__ftpd_quote("a\"b", text, sizeof(text));
	CHECK_STR(text, "a\"\"b");
	weft__ftpd_quote("\"\"\"\"\"\"\"\"\"\"\"", text, sizeof(text));
	CHECK_INT(strlen(text), <, sizeof(text));
}

/* ---- Patterns -------------------------------------------------------------------------------- */

CHECK_CASE(patterns_fit_as_in_a_shell)
{
	static const struct {
		const char *pattern, *name;
		bool fits;
	} rows[] = {
		{"*", "", true},
		{"*", "abc", true},
		{"*.txt", "a.txt", true},
		{"*.txt", ".txt", true},
		{"*.txt", "a.txt.gz", false},
		{"a*b*c", "a1b2b3c", true},
		{"a*b*c", "a1b2b3", false},
		{"?", "a", true},
		{"?", "", false},
		{"?", "\xc3\xa4", true},
		{"??", "\xc3\xa4", false},
		{"?.txt", "\xe6\x97\xa5.txt", true},
		{"a**b", "ab", true},
		{"[a]", "a", false},
		{"[a]", "[a]", true},
		{"", "", true},
		{"", "a", false},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (weft__ftpd_glob_fits(rows[i].pattern, rows[i].name) != rows[i].fits)
			check_fail(__FILE__, __LINE__, "%s and %s", rows[i].pattern, rows[i].name);
}

CHECK_CASE(a_pattern_that_never_fits_takes_no_longer_than_both_are_long)
{
	static char name[256], pattern[256];

	memset(name, 'a', 255);
	for (size_t i = 0; i < 254; i++)
		pattern[i] = i % 2 ? 'a' : '*';
	pattern[253] = 'b';
	for (unsigned i = 0; i < 2000; i++)
		CHECK(!weft__ftpd_glob_fits(pattern, name));
}

/* ---- Line ends ------------------------------------------------------------------------------- */

CHECK_CASE(text_comes_back_as_it_was_however_it_is_cut)
{
	static const char *const files[] = {
		"", "a", "a\n", "\n\n", "a\r\n", "a\r", "\r", "\r\r\n\n\r", "a\rb\nc\r\nd"};

	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		size_t len = strlen(files[i]);
		char wire[64], back[64];
		size_t wire_len = weft__ftpd_ascii_encode(files[i], len, wire);

		for (size_t cut = 0; cut <= wire_len; cut++) {
			bool has_cr = false;
			size_t at = weft__ftpd_ascii_decode(wire, cut, &has_cr, back);

			at += weft__ftpd_ascii_decode(
				wire + cut, wire_len - cut, &has_cr, back + at);
			if (has_cr)
				back[at++] = '\r';
			CHECK_INT(at, ==, len);
			CHECK_MEM(back, files[i], len);
		}
	}
}

CHECK_CASE(every_line_ends_with_cr_lf_on_the_wire)
{
	char wire[16];
	size_t len = weft__ftpd_ascii_encode("a\nb\n", 4, wire);

	CHECK_INT(len, ==, 6);
	CHECK_MEM(wire, "a\r\nb\r\n", 6);
}

/* ---- Facts ----------------------------------------------------------------------------------- */

CHECK_CASE(times_are_read_and_printed_in_utc)
{
	static const char *const bad[] = {"", "2026112113481", "202611211348155", "20261321134815",
		"20260230000000", "20261121250000", "2026112113481x", "20261121134815.",
		"20261121134815.x"};
	struct timespec time;
	char text[32];

	CHECK(weft__ftpd_time_read("20261121134815", 14, &time));
	CHECK_INT(time.tv_sec, ==, 1795268895);
	weft__ftpd_time_print(time.tv_sec, text);
	CHECK_STR(text, "20261121134815");
	CHECK(weft__ftpd_time_read("20261121134815.25", 17, &time));
	CHECK_INT(time.tv_nsec, ==, 250000000);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		CHECK(!weft__ftpd_time_read(bad[i], strlen(bad[i]), &time));
	CHECK(weft__ftpd_time_read("00000328082040", 14, &time));
	weft__ftpd_time_print(time.tv_sec, text);
	CHECK_STR(text, "00000328082040");
	weft__ftpd_time_print(INT64_MAX, text);
	CHECK_STR(text, "19700101000000");
}

CHECK_CASE(facts_are_those_that_were_asked_for)
{
	const struct stat file = {.st_mode = S_IFREG | 0640,
		.st_size = 3,
		.st_mtim.tv_sec = 1795268895,
		.st_dev = 0x1a,
		.st_ino = 0x2b};
	const struct stat folder = {.st_mode = S_IFDIR | 0755, .st_nlink = 2};
	char text[WEFT__FTPD_FACTS_SIZE];

	weft__ftpd_facts_print(&file, WEFT__FTPD_FACTS_ALL, WEFT_FILES_ALL, text);
	CHECK_STR(text, "type=file;size=3;modify=20261121134815;perm=arwdf;unique=1ag2b;"
			"UNIX.mode=0640; ");
	weft__ftpd_facts_print(&folder, WEFT__FTPD_FACT_TYPE | WEFT__FTPD_FACT_SIZE, 0, text);
	CHECK_STR(text, "type=dir; ");
	weft__ftpd_facts_print(&folder, WEFT__FTPD_FACT_PERM, WEFT_FILES_ALL, text);
	CHECK_STR(text, "perm=celmpdf; ");
	weft__ftpd_facts_print(
		&folder, WEFT__FTPD_FACT_PERM, WEFT_FILES_LIST | WEFT_FILES_READ, text);
	CHECK_STR(text, "perm=el; ");
	weft__ftpd_facts_print(&file, 0, WEFT_FILES_ALL, text);
	CHECK_STR(text, " ");
	CHECK_INT(weft__ftpd_facts_read("Type;SIZE;unix.mode;nonsense;"), ==,
		WEFT__FTPD_FACT_TYPE | WEFT__FTPD_FACT_SIZE | WEFT__FTPD_FACT_UNIX_MODE);
	CHECK_INT(weft__ftpd_facts_read(""), ==, 0);
}

CHECK_CASE(lists_are_as_ls_makes_them)
{
	const int64_t now_s = 1795268895;
	struct stat stat = {.st_mode = S_IFREG | 0644,
		.st_nlink = 1,
		.st_size = 12345,
		.st_mtim.tv_sec = now_s - 60};
	char text[WEFT__FTPD_FACTS_SIZE];

	weft__ftpd_ls_print(&stat, now_s, text);
	CHECK_STR(text, "-rw-r--r--   1 ftp      ftp             12345 Nov 21 13:47 ");
	stat.st_mtim.tv_sec = now_s - 200LL * 86400;
	weft__ftpd_ls_print(&stat, now_s, text);
	CHECK_STR(text, "-rw-r--r--   1 ftp      ftp             12345 May  5  2026 ");
	stat.st_mtim.tv_sec = now_s + 3LL * 86400;
	stat.st_mode = S_IFDIR | 0750;
	weft__ftpd_ls_print(&stat, now_s, text);
	CHECK_STR(text, "drwxr-x---   1 ftp      ftp             12345 Nov 24  2026 ");
}

/* ---- Addresses ------------------------------------------------------------------------------- */

static const char *told(const char *peer)
{
	static char text[INET_ADDRSTRLEN];
	struct in_addr addresses[3];

	CHECK_INT(inet_pton(AF_INET, "192.168.1.5", &addresses[0]), ==, 1);
	CHECK_INT(inet_pton(AF_INET, peer, &addresses[1]), ==, 1);
	CHECK_INT(inet_pton(AF_INET, "203.0.113.7", &addresses[2]), ==, 1);
	addresses[0] = weft__ftpd_address_told(addresses[0], addresses[1], addresses[2]);
	return inet_ntop(AF_INET, &addresses[0], text, sizeof(text));
}

CHECK_CASE(the_routers_address_is_told_to_who_comes_through_it)
{
	static const char *const of_own[] = {"127.0.0.1", "10.1.2.3", "172.16.0.1", "172.31.255.1",
		"192.168.200.1", "169.254.1.1"};
	static const char *const others[] = {"198.51.100.1", "172.32.0.1", "172.15.0.1",
		"192.169.0.1", "11.0.0.1", "169.253.1.1"};

	for (size_t i = 0; i < 6; i++) {
		CHECK_STR(told(of_own[i]), "192.168.1.5");
		CHECK_STR(told(others[i]), "203.0.113.7");
	}
}

CHECK_MAIN()
