/*
 * test_listing.c - lines of FTP servers' listings: MLSD, LIST on Unix and on DOS, and rubbish.
 */
#include "check.h"
#include "ftp/listing.h"

/* 2026-11-21 13:45:00 UTC: it has no year in many a listing. */
#define NOW 1795268700

static char line[256];

static bool parse(const char *text, struct weft_ftp_entry *entry)
{
	snprintf(line, sizeof(line), "%s", text);
	return weft__ftp_parse_list(line, NOW, entry);
}

static bool parse_facts(const char *text, struct weft_ftp_entry *entry, bool *is_self)
{
	snprintf(line, sizeof(line), "%s", text);
	return weft__ftp_parse_facts(line, entry, is_self);
}

CHECK_CASE(listings_of_many_servers_are_understood)
{
	static const struct {
		const char *text, *name;
		enum weft_ftp_type type;
		int64_t size, modified_s;
		enum weft_ftp_precision precision;
	} table[] = {
		{"-rw-r--r--    1 ada      users         6 Jan 02  2020 hello.txt", "hello.txt",
			WEFT_FTP_FILE, 6, 1577923200, WEFT_FTP_DAY},
		{"-rw-r--r-- 1 ada users 6 Nov 21 13:45 a b  c", "a b  c", WEFT_FTP_FILE, 6, NOW,
			WEFT_FTP_MINUTE},
		{"-rw-r--r-- 1 ada users 6 Dec 21 13:45 last", "last", WEFT_FTP_FILE, 6,
			NOW - 335 * 86400, WEFT_FTP_MINUTE},
		{"-rw-r--r-- 1 ada users 6 Nov 22 09:00 tomorrow", "tomorrow", WEFT_FTP_FILE, 6,
			NOW + 19 * 3600 + 900, WEFT_FTP_MINUTE},
		/* As vsftpd, Pure-FTPd and ProFTPD write them. */
		{"-rw-rw-rw-    1 0        0            3000 Nov 21 13:45 \xc3\xb6 b.txt",
			"\xc3\xb6 b.txt", WEFT_FTP_FILE, 3000, NOW, WEFT_FTP_MINUTE},
		{"-rw-rw-rw-    1 65534      nogroup          3000 Nov 21 13:45 x", "x",
			WEFT_FTP_FILE, 3000, NOW, WEFT_FTP_MINUTE},
		{"drwxrwxrwx   2 ada      0            4096 Nov 21 13:45 a b", "a b",
			WEFT_FTP_FOLDER, -1, NOW, WEFT_FTP_MINUTE},
		{"drwxr-xr-x   2 0 0 4096 Nov 21 13:45  leading", " leading", WEFT_FTP_FOLDER, -1,
			NOW, WEFT_FTP_MINUTE},
		{"lrwxrwxrwx 1 a b 4 Nov 21 13:45 x -> y z", "x", WEFT_FTP_LINK, -1, NOW,
			WEFT_FTP_MINUTE},
		{"-rw-r--r--+ 1 a b 4 Nov 21 13:45 acl", "acl", WEFT_FTP_FILE, 4, NOW,
			WEFT_FTP_MINUTE},
		{"-rw-r--r-- 1 a 4 Nov 21 13:45 nogroup", "nogroup", WEFT_FTP_FILE, 4, NOW,
			WEFT_FTP_MINUTE},
		{"-rw-r--r-- 1 Nov May 4 21 Nov 13:45 day first", "day first", WEFT_FTP_FILE, 4,
			NOW, WEFT_FTP_MINUTE},
		{"-rw-r--r-- 1 a b 4 2026-11-21 13:45 iso", "iso", WEFT_FTP_FILE, 4, NOW,
			WEFT_FTP_MINUTE},
		{"brw-rw---- 1 root disk 8, 0 Nov 21 13:45 sda", "sda", WEFT_FTP_OTHER, -1, NOW,
			WEFT_FTP_MINUTE},
		{"-rwsr-xr-T 1 a b 99999999999 Nov 21 13:45 big", "big", WEFT_FTP_FILE, 99999999999,
			NOW, WEFT_FTP_MINUTE},
		{"11-21-26  01:45PM       <DIR>          a folder", "a folder", WEFT_FTP_FOLDER, -1,
			NOW, WEFT_FTP_MINUTE},
		{"11-21-2026  13:45               123456 a file", "a file", WEFT_FTP_FILE, 123456,
			NOW, WEFT_FTP_MINUTE},
		{"11-21-26  12:00AM  1 midnight", "midnight", WEFT_FTP_FILE, 1,
			NOW - 13 * 3600 - 2700, WEFT_FTP_MINUTE},
	};

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		struct weft_ftp_entry entry;

		if (!parse(table[i].text, &entry))
			check_fail(__FILE__, __LINE__, "not read: %s", table[i].text);
		CHECK_STR(entry.name, table[i].name);
		CHECK_INT(entry.type, ==, table[i].type);
		CHECK_INT(entry.size_bytes, ==, table[i].size);
		CHECK_INT(entry.modified_s, ==, table[i].modified_s);
		CHECK_INT(entry.precision, ==, table[i].precision);
	}
}

CHECK_CASE(what_is_no_entry_is_passed_over)
{
	static const char *const table[] = {"", "total 12", "-", "-rw-r--r--", "rubbish",
		"-rw-r--r-- 1 a b 4 Nov 21 13:45", "-rw-r--r-- 1 a b 4 Nov 21 13:45 ",
		"-rw-r--r-- 1 a b x Nov 21 13:45 name", "-rw-r--r-- 1 a b 4 Nov 32 13:45 name",
		"-rw-r--r-- 1 a b 4 Nov 21 25:45 name", "-rw-r--r-- 1 a b 4 Foo 21 13:45 name",
		"lrwxrwxrwx 1 a b 4 Nov 21 13:45  -> name", "-rw 1 a b 4 Nov 21 13:45 name",
		"11-21-26", "11-21-26 01:45PM", "11-21-26 01:45PM 12", "13-21-26 01:45PM 12 name",
		"11-21-26 13:75 12 name", "11-21-26 01:45PM x name",
		"--------------------------------------- 1 2 3",
		"-rw-r--r-- 1 a b 99999999999999999999 Nov 21 13:45 name"};

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		struct weft_ftp_entry entry;

		if (parse(table[i], &entry))
			check_fail(__FILE__, __LINE__, "read: %s", table[i]);
	}
}

CHECK_CASE(permissions_owner_and_target_are_told)
{
	struct weft_ftp_entry entry;

	CHECK(parse("lrwxr-x--- 1 ada users 4 Nov 21 13:45 x -> y", &entry));
	CHECK_INT(entry.mode, ==, 0750);
	CHECK_STR(entry.owner, "ada");
	CHECK_STR(entry.target, "y");
}

CHECK_CASE(facts_are_read_in_any_case_and_order)
{
	struct weft_ftp_entry entry;
	bool is_self;

	CHECK(parse_facts("Size=7;MODIFY=20261121134500.123;Type=FILE;UNIX.mode=0604;x=; a;b = c",
		&entry, &is_self));
	CHECK_STR(entry.name, "a;b = c");
	CHECK_INT(entry.type, ==, WEFT_FTP_FILE);
	CHECK_INT(entry.size_bytes, ==, 7);
	CHECK_INT(entry.modified_s, ==, NOW);
	CHECK_INT(entry.precision, ==, WEFT_FTP_SECOND);
	CHECK_INT(entry.mode, ==, 0604);
	CHECK(!is_self);
	CHECK(parse_facts(" only a name", &entry, &is_self));
	CHECK_STR(entry.name, "only a name");
	CHECK(parse_facts("type=cdir; /home", &entry, &is_self) && is_self);
	CHECK(parse_facts("type=dir; ..", &entry, &is_self) && is_self);
	CHECK(parse_facts("type=dir;size=-1;modify=2026; x", &entry, &is_self) && !is_self);
	CHECK_INT(entry.size_bytes, ==, -1);
	CHECK_INT(entry.precision, ==, WEFT_FTP_NO_TIME);
}

CHECK_CASE(facts_that_are_none_are_refused)
{
	static const char *const table[] = {
		"", "x", "type=file", "type=file;", "type=file; ", "type=file name", "a b"};

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		struct weft_ftp_entry entry;
		bool is_self;

		if (parse_facts(table[i], &entry, &is_self))
			check_fail(__FILE__, __LINE__, "read: %s", table[i]);
	}
}

CHECK_CASE(times_are_utc_and_whole)
{
	int64_t s = -1;

	CHECK(weft__ftp_parse_time("20261121134500", &s));
	CHECK_INT(s, ==, NOW);
	CHECK(weft__ftp_parse_time("20240229235960", &s));
	CHECK(weft__ftp_parse_time("19700101000000", &s));
	CHECK_INT(s, ==, 0);
	CHECK(!weft__ftp_parse_time("2026112113450", &s));
	CHECK(!weft__ftp_parse_time("202611211345000", &s));
	CHECK(!weft__ftp_parse_time("20261321134500", &s));
	CHECK(!weft__ftp_parse_time("2026112113450x", &s));
	CHECK(!weft__ftp_parse_time("", &s));
}

CHECK_MAIN()
