/*
 * date.c - dates between seconds and the forms of RFC 9110, section 5.6.7.
 *
 *	Sun, 06 Nov 1994 08:49:37 GMT	the one to send
 *	Sunday, 06-Nov-94 08:49:37 GMT	read only
 *	Sun Nov  6 08:49:37 1994	read only
 *
 * Days and dates are turned into one another by arithmetic on years that begin in
 * March, so that the leap day is a year's last: no table of months, no loop over
 * years, and right for every year of the Gregorian calendar.
 *
 * Never: asks the locale or the time zone.
 */
#include "http/date.h"

#include <string.h>
#include <time.h>

#include "fiber/worker.h"

#define SECONDS_PER_DAY 86400
#define YEAR_1          INT64_C(-62135596800)
#define YEAR_9999_END   INT64_C(253402300799)

static const char week_days[7][10] = {
	"Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"};
static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";

struct date {
	int64_t year;
	int month, day; /* from 1 */
	int hour, minute, second;
};

__thread struct weft__http_second weft__http_second = {INT64_MIN, 0};

static int64_t clock_s(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME_COARSE, &now);
	return now.tv_sec;
}

int64_t weft__http_look_s(void)
{
	struct weft__worker *worker = weft__worker;

	if (!worker)
		return clock_s();
	/* A simulator's time is not another run's: it is asked each time. */
	weft__http_second.look_ns = INT64_MIN;
	if (worker->driver->ops->wall)
		return worker->driver->ops->wall(worker->driver) / WEFT_SECONDS(1);
	weft__http_second = (struct weft__http_second){worker->now_ns, clock_s()};
	return weft__http_second.s;
}

/* ---- Between days and dates ------------------------------------------------------------- */

/* Days from 1970-01-01 to the date, with years from March: era of 400 years, year in it, day in it.
 */
static int64_t days_from_date(int64_t year, int month, int day)
{
	int64_t era, year_of_era, day_of_year, day_of_era;

	year -= month <= 2;
	era = (year >= 0 ? year : year - 399) / 400;
	year_of_era = year - era * 400;
	day_of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
	day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
	return era * 146097 + day_of_era - 719468;
}

static void date_from_days(struct date *date, int64_t days)
{
	int64_t era, day_of_era, year_of_era, day_of_year, month;

	days += 719468;
	era = (days >= 0 ? days : days - 146096) / 146097;
	day_of_era = days - era * 146097;
	year_of_era =
		(day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
	day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
	month = (5 * day_of_year + 2) / 153;
	date->day = (int)(day_of_year - (153 * month + 2) / 5 + 1);
	date->month = (int)(month < 10 ? month + 3 : month - 9);
	date->year = year_of_era + era * 400 + (date->month <= 2);
}

/* ---- Printing ------------------------------------------------------------------------------ */

static char *put_digits(char *to, int value, int digits)
{
	for (int i = digits - 1; i >= 0; i--, value /= 10)
		to[i] = (char)('0' + value % 10);
	return to + digits;
}

static char *put_text(char *to, const char *text, size_t len)
{
	memcpy(to, text, len);
	return to + len;
}

void weft__http_date_print(char *ret_text, int64_t seconds)
{
	struct date date;
	int64_t days;
	int second_of_day, week_day;
	char *to = ret_text;

	if (seconds < YEAR_1)
		seconds = YEAR_1;
	if (seconds > YEAR_9999_END)
		seconds = YEAR_9999_END;
	days = (seconds - YEAR_1) / SECONDS_PER_DAY + YEAR_1 / SECONDS_PER_DAY;
	second_of_day = (int)(seconds - days * SECONDS_PER_DAY);
	week_day = (int)((days - YEAR_1 / SECONDS_PER_DAY + 1) % 7); /* 0001-01-01 was a Monday */
	date_from_days(&date, days);

	to = put_text(to, week_days[week_day], 3);
	to = put_text(to, ", ", 2);
	to = put_digits(to, date.day, 2);
	*to++ = ' ';
	to = put_text(to, months + (size_t)(date.month - 1) * 3, 3);
	*to++ = ' ';
	to = put_digits(to, (int)date.year, 4);
	*to++ = ' ';
	to = put_digits(to, second_of_day / 3600, 2);
	*to++ = ':';
	to = put_digits(to, second_of_day / 60 % 60, 2);
	*to++ = ':';
	to = put_digits(to, second_of_day % 60, 2);
	put_text(to, " GMT", 4);
}

/* ---- Reading: each step takes its part off the front ------------------------------------------
 */

struct reader {
	const char *at, *end;
	bool is_good;
};

static void take_literal(struct reader *reader, const char *text)
{
	size_t len = strlen(text);

	if ((size_t)(reader->end - reader->at) < len || memcmp(reader->at, text, len) != 0) {
		reader->is_good = false;
		return;
	}
	reader->at += len;
}

static int take_digits(struct reader *reader, int digits)
{
	int value = 0;

	for (; digits > 0; digits--) {
		if (reader->at == reader->end || *reader->at < '0' || *reader->at > '9') {
			reader->is_good = false;
			return 0;
		}
		value = value * 10 + (*reader->at++ - '0');
	}
	return value;
}

static int take_month(struct reader *reader)
{
	for (int month = 1; month <= 12 && reader->end - reader->at >= 3; month++) {
		if (memcmp(reader->at, months + (size_t)(month - 1) * 3, 3) == 0) {
			reader->at += 3;
			return month;
		}
	}
	reader->is_good = false;
	return 1;
}

/* The day's name, short or long. Whether it fits the date is not asked: RFC 9110 leaves it open. */
static void take_week_day(struct reader *reader, bool is_long)
{
	for (int i = 0; i < 7; i++) {
		size_t len = is_long ? strlen(week_days[i]) : 3;

		if ((size_t)(reader->end - reader->at) > len &&
			memcmp(reader->at, week_days[i], len) == 0 &&
			(reader->at[len] == ',' || reader->at[len] == ' ')) {
			reader->at += len;
			return;
		}
	}
	reader->is_good = false;
}

static void take_time(struct reader *reader, struct date *date)
{
	date->hour = take_digits(reader, 2);
	take_literal(reader, ":");
	date->minute = take_digits(reader, 2);
	take_literal(reader, ":");
	date->second = take_digits(reader, 2);
}

static void take_imf_fixdate(struct reader *reader, struct date *date)
{
	take_week_day(reader, false);
	take_literal(reader, ", ");
	date->day = take_digits(reader, 2);
	take_literal(reader, " ");
	date->month = take_month(reader);
	take_literal(reader, " ");
	date->year = take_digits(reader, 4);
	take_literal(reader, " ");
	take_time(reader, date);
	take_literal(reader, " GMT");
}

static void take_rfc850(struct reader *reader, struct date *date, int64_t now_s)
{
	struct date today;

	take_week_day(reader, true);
	take_literal(reader, ", ");
	date->day = take_digits(reader, 2);
	take_literal(reader, "-");
	date->month = take_month(reader);
	take_literal(reader, "-");
	date->year = take_digits(reader, 2);
	take_literal(reader, " ");
	take_time(reader, date);
	take_literal(reader, " GMT");
	/* The latest such year that is not over 50 years from now. */
	date_from_days(&today, now_s / SECONDS_PER_DAY);
	date->year += (today.year + 50) / 100 * 100;
	if (date->year > today.year + 50)
		date->year -= 100;
}

static void take_asctime(struct reader *reader, struct date *date)
{
	take_week_day(reader, false);
	take_literal(reader, " ");
	date->month = take_month(reader);
	take_literal(reader, " ");
	if (reader->at < reader->end && *reader->at == ' ') {
		reader->at++;
		date->day = take_digits(reader, 1);
	} else {
		date->day = take_digits(reader, 2);
	}
	take_literal(reader, " ");
	take_time(reader, date);
	take_literal(reader, " ");
	date->year = take_digits(reader, 4);
}

static bool is_possible(const struct date *date)
{
	static const int month_days[12] = {31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	bool is_leap = date->year % 4 == 0 && (date->year % 100 != 0 || date->year % 400 == 0);

	if (date->day < 1 || date->day > month_days[date->month - 1])
		return false;
	if (date->month == 2 && date->day == 29 && !is_leap)
		return false;
	return date->hour < 24 && date->minute < 60 && date->second <= 60; /* 60: a leap second */
}

bool weft__http_date_parse(const char *text, size_t len, int64_t now_s, int64_t *ret_seconds)
{
	struct reader reader = {text, text + len, true};
	struct date date = {0};

	if (len > 3 && text[3] == ',')
		take_imf_fixdate(&reader, &date);
	else if (len > 3 && text[3] == ' ')
		take_asctime(&reader, &date);
	else
		take_rfc850(&reader, &date, now_s);
	if (!reader.is_good || reader.at != reader.end || !is_possible(&date))
		return false;
	*ret_seconds = days_from_date(date.year, date.month, date.day) * SECONDS_PER_DAY +
		       date.hour * 3600 + date.minute * 60 + date.second;
	return true;
}
