/*
 * listing.c - lines of an FTP server's listings, as entries.
 *
 * Entry points: weft__ftp_parse_facts(), weft__ftp_parse_list(), weft__ftp_parse_time().
 *
 *	type=file;size=3;modify=20261121134500; a name		MLSD
 *	-rw-r--r--  1 ada users 3 Nov 21 13:45 a name		LIST on Unix, and its relatives:
 *								no group, "21 Nov", "2026-11-21"
 *	11-21-26  01:45PM       <DIR>          a name		LIST on DOS
 *
 * Never: a look behind the end of the line, or a guess: what is not of these forms is no entry.
 */
#include "ftp/listing.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define DAY_S 86400

/* ---- Numbers and times -------------------------------------------------------------- */

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Exactly so many digits. -1: they are not. */
static int digits(const char *text, int count)
{
	int value = 0;

	for (int i = 0; i < count; i++) {
		if (!is_digit(text[i]))
			return -1;
		value = value * 10 + (text[i] - '0');
	}
	return value;
}

/* Days from 1970-01-01, by Gregory's calendar; a year of March has its odd day at the end. */
static int64_t days_of(int year, int month, int day)
{
	int64_t y = month <= 2 ? year - 1 : year;
	int64_t era = y / 400, of_era = y - era * 400;
	int64_t of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;

	return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

static bool is_date(int year, int month, int day)
{
	return year >= 1900 && year <= 9999 && month >= 1 && month <= 12 && day >= 1 && day <= 31;
}

static bool is_time_of_day(int hour, int minute, int second)
{
	return hour >= 0 && hour < 24 && minute >= 0 && minute < 60 && second >= 0 && second <= 60;
}

bool weft__ftp_parse_time(const char *text, int64_t *ret_s)
{
	int year, month, day, hour, minute, second;

	if (strnlen(text, 14) < 14 || digits(text, 8) < 0 || digits(text + 8, 6) < 0)
		return false;
	if (text[14] != '\0' && text[14] != '.')
		return false;
	year = digits(text, 4);
	month = digits(text + 4, 2);
	day = digits(text + 6, 2);
	hour = digits(text + 8, 2);
	minute = digits(text + 10, 2);
	second = digits(text + 12, 2);
	if (!is_date(year, month, day) || !is_time_of_day(hour, minute, second))
		return false;
	*ret_s = days_of(year, month, day) * DAY_S + hour * 3600 + minute * 60 + second;
	return true;
}

/* A whole number of bytes. -1: it is none. */
static int64_t size_of(const char *text)
{
	long long value;
	char *end;

	if (!is_digit(*text))
		return -1;
	errno = 0;
	value = strtoll(text, &end, 10);
	return errno || *end ? -1 : value;
}

static void entry_reset(struct weft_ftp_entry *entry)
{
	*entry = (struct weft_ftp_entry){
		.name = "", .owner = "", .size_bytes = -1, .mode = -1, .type = WEFT_FTP_OTHER};
}

/* ---- MLSD --------------------------------------------------------------------------- */

static void take_type(struct weft_ftp_entry *entry, char *value, bool *ret_is_self)
{
	if (strcasecmp(value, "file") == 0)
		entry->type = WEFT_FTP_FILE;
	else if (strcasecmp(value, "dir") == 0)
		entry->type = WEFT_FTP_FOLDER;
	else if (strcasecmp(value, "cdir") == 0 || strcasecmp(value, "pdir") == 0) {
		entry->type = WEFT_FTP_FOLDER;
		*ret_is_self = true;
	} else if (strncasecmp(value, "OS.unix=slink", 13) == 0 ||
		   strncasecmp(value, "OS.unix=symlink", 15) == 0) {
		char *colon = strchr(value, ':');

		entry->type = WEFT_FTP_LINK;
		entry->target = colon && colon[1] ? colon + 1 : NULL;
	}
}

static void take_fact(struct weft_ftp_entry *entry, char *fact, bool *ret_is_self)
{
	char *value = strchr(fact, '=');

	if (!value)
		return;
	*value++ = '\0';
	if (strcasecmp(fact, "type") == 0)
		take_type(entry, value, ret_is_self);
	else if (strcasecmp(fact, "size") == 0)
		entry->size_bytes = size_of(value);
	else if (strcasecmp(fact, "modify") == 0) {
		if (weft__ftp_parse_time(value, &entry->modified_s))
			entry->precision = WEFT_FTP_SECOND;
	} else if (strcasecmp(fact, "UNIX.mode") == 0 && is_digit(*value)) {
		entry->mode = (int)(strtol(value, NULL, 8) & 07777);
	} else if (strcasecmp(fact, "UNIX.ownername") == 0) {
		entry->owner = value;
	} else if (strcasecmp(fact, "UNIX.owner") == 0 && !*entry->owner) {
		entry->owner = value;
	}
}

bool weft__ftp_parse_facts(char *line, struct weft_ftp_entry *ret_entry, bool *ret_is_self)
{
	char *name = strchr(line, ' '), *fact = line;

	entry_reset(ret_entry);
	*ret_is_self = false;
	if (!name || !name[1] || (name > line && name[-1] != ';'))
		return false;
	*name++ = '\0';
	while (*fact) {
		char *end = strchr(fact, ';');

		if (!end)
			return false;
		*end = '\0';
		take_fact(ret_entry, fact, ret_is_self);
		fact = end + 1;
	}
	ret_entry->name = name;
	if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
		*ret_is_self = true;
	return true;
}

/* ---- LIST on Unix ------------------------------------------------------------------- */

/* Words in front of a name: permissions, links, owner, group, size, three of a date, and some. */
#define WORDS_MAX 12

struct words {
	char *start[WORDS_MAX], *end[WORDS_MAX];
	int count;
};

static void split(char *line, struct words *words)
{
	words->count = 0;
	while (words->count < WORDS_MAX) {
		line += strspn(line, " \t");
		if (!*line)
			return;
		words->start[words->count] = line;
		line += strcspn(line, " \t");
		words->end[words->count++] = line;
	}
}

/* 1 to 12; 0: it is no month. */
static int month_of(const char *start, const char *end)
{
	static const char months[] = "janfebmaraprmayjunjulaugsepoctnovdec";

	if (end - start < 3 || end - start > 4)
		return 0;
	for (int i = 0; i < 12; i++)
		if (strncasecmp(start, months + (size_t)i * 3, 3) == 0)
			return i + 1;
	return 0;
}

static int number_of(const char *start, const char *end)
{
	return end - start >= 1 && end - start <= 4 ? digits(start, (int)(end - start)) : -1;
}

/* "13:45" or "13:45:07", in seconds; -1. */
static int clock_of(const char *start, const char *end)
{
	const char *colon = memchr(start, ':', (size_t)(end - start));
	int hour = colon ? number_of(start, colon) : -1;
	int minute = colon && end - colon >= 3 ? digits(colon + 1, 2) : -1;

	if (!is_time_of_day(hour, minute, 0) || (end - colon > 3 && colon[3] != ':'))
		return -1;
	return hour * 3600 + minute * 60;
}

/* A date without a year is the last one there was; a day ahead may be another clock's. */
static int64_t with_year(int month, int day, int clock_s, int64_t now_s)
{
	int year = 1970 + (int)(now_s / (DAY_S * 365L));

	for (year++; year > 1970; year--) {
		int64_t s = days_of(year, month, day) * DAY_S + clock_s;

		if (s <= now_s + DAY_S)
			return s;
	}
	return 0;
}

/* Whether words[i...] are a date; how many of them. */
static int take_date(const struct words *words, int i, int64_t now_s, struct weft_ftp_entry *entry)
{
	char *const *start = &words->start[i], *const *end = &words->end[i];
	int month, day, clock_s, year;

	if (i + 1 < words->count && end[0] - start[0] == 10 && start[0][4] == '-' &&
		start[0][7] == '-' && (clock_s = clock_of(start[1], end[1])) >= 0 &&
		is_date(digits(start[0], 4), digits(start[0] + 5, 2), digits(start[0] + 8, 2))) {
		entry->modified_s = days_of(digits(start[0], 4), digits(start[0] + 5, 2),
					    digits(start[0] + 8, 2)) *
					    DAY_S +
				    clock_s;
		entry->precision = WEFT_FTP_MINUTE;
		return 2;
	}
	if (i + 2 >= words->count)
		return 0;
	month = month_of(start[0], end[0]);
	day = number_of(start[month ? 1 : 0], end[month ? 1 : 0]);
	if (!month)
		month = month_of(start[1], end[1]);
	if (!month || day < 1 || day > 31)
		return 0;
	clock_s = clock_of(start[2], end[2]);
	year = end[2] - start[2] == 4 ? number_of(start[2], end[2]) : -1;
	if (clock_s >= 0) {
		entry->modified_s = with_year(month, day, clock_s, now_s);
		entry->precision = WEFT_FTP_MINUTE;
	} else if (is_date(year, month, day)) {
		entry->modified_s = days_of(year, month, day) * DAY_S;
		entry->precision = WEFT_FTP_DAY;
	} else {
		return 0;
	}
	return 3;
}

static int mode_of(const char *permissions)
{
	static const char letters[] = "rwxrwxrwx";
	int mode = 0;

	for (int i = 0; i < 9; i++) {
		char c = permissions[i];

		/* s and t stand for an x and more, S and T for more only: that is not ours to set.
		 */
		if (c == letters[i] || ((c == 's' || c == 't') && i % 3 == 2))
			mode |= 0400 >> i;
		else if (c != '-' && c != 'S' && c != 'T')
			return -1;
	}
	return mode;
}

static void take_link(struct weft_ftp_entry *entry, char *name)
{
	char *arrow = strstr(name, " -> ");

	entry->type = WEFT_FTP_LINK;
	if (arrow) {
		*arrow = '\0';
		entry->target = arrow + 4;
	}
}

static bool parse_unix(char *line, int64_t now_s, struct weft_ftp_entry *entry)
{
	struct words words;
	int taken = 0, i = 2;
	char *name;

	if (!strchr("-dlbcpsD", line[0]))
		return false;
	split(line, &words);
	if (words.count < 4 || words.end[0] - words.start[0] < 10 ||
		words.end[0] - words.start[0] > 11)
		return false;
	/* A date behind a number: an owner may have the name of a month. */
	for (; i < words.count && !taken; i++)
		if (is_digit(*(words.end[i - 1] - 1)))
			taken = take_date(&words, i, now_s, entry);
	if (!taken)
		return false;
	i--;
	name = words.end[i + taken - 1];
	if (name[0] != ' ' || !name[1])
		return false;
	name++;
	*words.end[i - 1] = '\0';
	entry->size_bytes = size_of(words.start[i - 1]);
	if (i > 3) {
		*words.end[2] = '\0';
		entry->owner = words.start[2];
	}
	entry->mode = mode_of(line + 1);
	entry->type = line[0] == '-'   ? WEFT_FTP_FILE
		      : line[0] == 'd' ? WEFT_FTP_FOLDER
				       : WEFT_FTP_OTHER;
	if (entry->type != WEFT_FTP_FILE)
		entry->size_bytes = -1;
	if (line[0] == 'l')
		take_link(entry, name);
	entry->name = name;
	return *name && (entry->type != WEFT_FTP_FILE || entry->size_bytes >= 0);
}

/* ---- LIST on DOS -------------------------------------------------------------------- */

/* "11-21-26" or "11-21-2026"; 0: it is no date. */
static int64_t dos_day(const char *start, const char *end)
{
	int64_t len = end - start;
	int month, day, year;

	if ((len != 8 && len != 10) || start[2] != '-' || start[5] != '-')
		return 0;
	month = digits(start, 2);
	day = digits(start + 3, 2);
	year = digits(start + 6, (int)len - 6);
	if (year < 0)
		return 0;
	if (len == 8)
		year += year < 70 ? 2000 : 1900;
	return is_date(year, month, day) ? days_of(year, month, day) : 0;
}

/* "01:45PM" or "13:45"; -1. */
static int dos_clock(const char *start, const char *end)
{
	bool has_half = end - start == 7 && (end[-1] == 'M' || end[-1] == 'm');
	bool is_pm = has_half && (end[-2] == 'P' || end[-2] == 'p');
	int clock_s = clock_of(start, has_half ? end - 2 : end);

	if (clock_s < 0 || !has_half)
		return clock_s;
	clock_s %= 12 * 3600;
	return clock_s + (is_pm ? 12 * 3600 : 0);
}

static bool parse_dos(char *line, struct weft_ftp_entry *entry)
{
	struct words words;
	int64_t day;
	int clock_s;
	char *name;

	split(line, &words);
	if (words.count < 4)
		return false;
	day = dos_day(words.start[0], words.end[0]);
	clock_s = dos_clock(words.start[1], words.end[1]);
	if (day == 0 || clock_s < 0 || words.end[2][0] != ' ')
		return false;
	name = words.end[2] + 1;
	*words.end[2] = '\0';
	if (words.start[2][0] == '<') {
		entry->type =
			strcmp(words.start[2], "<DIR>") == 0 ? WEFT_FTP_FOLDER : WEFT_FTP_LINK;
		name = words.start[3];
	} else {
		entry->type = WEFT_FTP_FILE;
		entry->size_bytes = size_of(words.start[2]);
		if (entry->size_bytes < 0)
			return false;
	}
	entry->modified_s = day * DAY_S + clock_s;
	entry->precision = WEFT_FTP_MINUTE;
	entry->name = name;
	return *name != '\0';
}

bool weft__ftp_parse_list(char *line, int64_t now_s, struct weft_ftp_entry *ret_entry)
{
	entry_reset(ret_entry);
	if (is_digit(line[0]))
		return parse_dos(line, ret_entry);
	return line[0] && parse_unix(line, now_s, ret_entry);
}
