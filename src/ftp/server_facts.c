/*
 * server_facts.c - lines about files: for programs (RFC 3659, section 7), and as ls(1) has them.
 *
 * Entry points: weft__ftpd_facts_print(), weft__ftpd_ls_print(), weft__ftpd_time_print(), _read().
 *
 * All times are in UTC. The owner is "ftp" in every list: who has an account on the machine is
 * nobody's business.
 *
 * Never: the name itself, which its caller prints as it is.
 */
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "ftp/server.h"

/** Older files are shown with their year instead of the hour, as ls(1) does. */
#define RECENT_S ((int64_t)180 * 86400)

static const struct {
	unsigned fact;
	const char *name;
} names[] = {
	{WEFT__FTPD_FACT_TYPE, "type"},
	{WEFT__FTPD_FACT_SIZE, "size"},
	{WEFT__FTPD_FACT_MODIFY, "modify"},
	{WEFT__FTPD_FACT_PERM, "perm"},
	{WEFT__FTPD_FACT_UNIQUE, "unique"},
	{WEFT__FTPD_FACT_UNIX_MODE, "UNIX.mode"},
};

/* ---- Times ------------------------------------------------------------------------------- */

/* A moment, or, when the year is none that the formats have, the beginning of 1970. */
static struct tm moment_of(int64_t seconds)
{
	time_t time = (time_t)seconds;
	struct tm moment;

	if (!gmtime_r(&time, &moment) || moment.tm_year < -1900 || moment.tm_year > 8099) {
		time = 0;
		gmtime_r(&time, &moment);
	}
	return moment;
}

void weft__ftpd_time_print(int64_t seconds, char ret_text[32])
{
	struct tm moment = moment_of(seconds);

	/* strftime(3) has no leading zeros for the first centuries. */
	snprintf(ret_text, 32, "%04d%02d%02d%02d%02d%02d", (moment.tm_year + 1900) % 10000,
		(moment.tm_mon + 1) % 100, moment.tm_mday % 100, moment.tm_hour % 100,
		moment.tm_min % 100, moment.tm_sec % 100);
}

static int number_at(const char *text, size_t at, size_t len)
{
	int number = 0;

	for (size_t i = at; i < at + len; i++)
		number = number * 10 + (text[i] - '0');
	return number;
}

bool weft__ftpd_time_read(const char *text, size_t len, struct timespec *ret_time)
{
	size_t digits = strspn(text, "0123456789");
	struct tm moment = {0}, before;
	long fraction = 0;

	if (digits != 14 || len < 14 || (len > 14 && (text[14] != '.' || len == 15)))
		return false;
	for (size_t i = 15, scale = 100000000; i < len; i++, scale /= 10) {
		if (text[i] < '0' || text[i] > '9')
			return false;
		fraction += (long)scale * (text[i] - '0');
	}
	moment.tm_year = number_at(text, 0, 4) - 1900;
	moment.tm_mon = number_at(text, 4, 2) - 1;
	moment.tm_mday = number_at(text, 6, 2);
	moment.tm_hour = number_at(text, 8, 2);
	moment.tm_min = number_at(text, 10, 2);
	moment.tm_sec = number_at(text, 12, 2);
	before = moment;
	*ret_time = (struct timespec){.tv_sec = timegm(&moment), .tv_nsec = fraction};
	/* The 31st of February has become a day in March. */
	return before.tm_mon == moment.tm_mon && before.tm_mday == moment.tm_mday &&
	       before.tm_hour == moment.tm_hour && before.tm_min == moment.tm_min &&
	       before.tm_sec == moment.tm_sec;
}

/* ---- Facts ------------------------------------------------------------------------------- */

/* RFC 3659, section 7.5.5. */
static void print_perm(bool is_folder, unsigned rights, char ret_perm[12])
{
	static const struct {
		char letter;
		bool is_of_folders;
		unsigned right;
	} letters[] = {
		{'a', false, WEFT_FILES_REPLACE},
		{'r', false, WEFT_FILES_READ},
		{'w', false, WEFT_FILES_REPLACE},
		{'c', true, WEFT_FILES_WRITE},
		{'e', true, WEFT_FILES_LIST},
		{'l', true, WEFT_FILES_LIST},
		{'m', true, WEFT_FILES_WRITE},
		{'p', true, WEFT_FILES_DELETE},
	};
	size_t len = 0;

	for (size_t i = 0; i < sizeof(letters) / sizeof(letters[0]); i++)
		if (letters[i].is_of_folders == is_folder && (rights & letters[i].right))
			ret_perm[len++] = letters[i].letter;
	if (rights & WEFT_FILES_DELETE) {
		ret_perm[len++] = 'd';
		ret_perm[len++] = 'f';
	}
	ret_perm[len] = '\0';
}

/* A printer of one fact; empty: the fact is none of this file's. */
static void print_fact(const struct stat *stat, unsigned fact, unsigned rights, char ret_value[48])
{
	bool is_folder = S_ISDIR(stat->st_mode);

	ret_value[0] = '\0';
	if (fact == WEFT__FTPD_FACT_TYPE)
		snprintf(ret_value, 48, "%s", is_folder ? "dir" : "file");
	else if (fact == WEFT__FTPD_FACT_SIZE && !is_folder)
		snprintf(ret_value, 48, "%lld", (long long)stat->st_size);
	else if (fact == WEFT__FTPD_FACT_MODIFY)
		weft__ftpd_time_print(stat->st_mtim.tv_sec, ret_value);
	else if (fact == WEFT__FTPD_FACT_PERM)
		print_perm(is_folder, rights, ret_value);
	else if (fact == WEFT__FTPD_FACT_UNIQUE)
		snprintf(ret_value, 48, "%llxg%llx", (unsigned long long)stat->st_dev,
			(unsigned long long)stat->st_ino);
	else if (fact == WEFT__FTPD_FACT_UNIX_MODE)
		snprintf(ret_value, 48, "0%03o", (unsigned)stat->st_mode & 0777);
}

void weft__ftpd_facts_print(const struct stat *stat, unsigned facts, unsigned rights,
	char ret_text[WEFT__FTPD_FACTS_SIZE])
{
	size_t len = 0;
	char value[48];

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (!(facts & names[i].fact))
			continue;
		print_fact(stat, names[i].fact, rights, value);
		if (value[0] || names[i].fact == WEFT__FTPD_FACT_PERM)
			len += (size_t)snprintf(ret_text + len, WEFT__FTPD_FACTS_SIZE - len,
				"%s=%s;", names[i].name, value);
	}
	memcpy(ret_text + len, " ", 2);
}

unsigned weft__ftpd_facts_read(const char *list)
{
	unsigned facts = 0;

	while (*list) {
		size_t len = strcspn(list, ";");

		for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
			if (strlen(names[i].name) == len &&
				strncasecmp(list, names[i].name, len) == 0)
				facts |= names[i].fact;
		list += len + (list[len] == ';');
	}
	return facts;
}

const char *weft__ftpd_fact_name(unsigned fact)
{
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (names[i].fact == fact)
			return names[i].name;
	return NULL;
}

/* ---- Lists ------------------------------------------------------------------------------- */

void weft__ftpd_ls_print(
	const struct stat *stat, int64_t now_s, char ret_text[WEFT__FTPD_FACTS_SIZE])
{
	/* In the C locale whatever the program's is: clients read it. */
	static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
	static const char letters[] = "rwxrwxrwx";
	int64_t age_s = now_s - stat->st_mtim.tv_sec;
	struct tm moment = moment_of(stat->st_mtim.tv_sec);
	char mode[11] = "----------", when[16];

	if (S_ISDIR(stat->st_mode))
		mode[0] = 'd';
	for (unsigned i = 0; i < 9; i++)
		if (stat->st_mode & (0400U >> i))
			mode[i + 1] = letters[i];
	if (age_s > RECENT_S || age_s < -86400)
		snprintf(when, sizeof(when), " %04d", (moment.tm_year + 1900) % 10000);
	else
		snprintf(when, sizeof(when), "%02d:%02d", moment.tm_hour % 24, moment.tm_min % 60);
	snprintf(ret_text, WEFT__FTPD_FACTS_SIZE, "%s %3lu ftp      ftp      %12lld %.3s %2d %s ",
		mode, (unsigned long)stat->st_nlink % 1000, (long long)stat->st_size,
		months + 3 * (moment.tm_mon % 12), moment.tm_mday, when);
}
