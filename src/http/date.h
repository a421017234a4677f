/*
 * date.h - HTTP's dates (RFC 9110, section 5.6.7): print one, read the three old forms.
 *
 * Times are seconds since 1970, as time(2) counts them. No locale and no time zone
 * is asked: HTTP speaks GMT and English.
 */
#ifndef WEFT_SRC_HTTP_DATE_H
#define WEFT_SRC_HTTP_DATE_H

#include "fiber/worker.h"

/** Length of "Sun, 06 Nov 1994 08:49:37 GMT". */
#define WEFT__HTTP_DATE_LEN 29

/**
 * Write exactly WEFT__HTTP_DATE_LEN bytes, no NUL. A time outside the years 1 to
 * 9999 is written as the nearest one that has four digits.
 */
void weft__http_date_print(char *ret_text, int64_t seconds);

/**
 * Read an HTTP date in any of its forms. now_s decides the century of a two-digit
 * year. Returns false when it is none.
 */
bool weft__http_date_parse(const char *text, size_t len, int64_t now_s, int64_t *ret_seconds);

/** The worker's last look at its clock, and the second in which that was. */
extern __thread struct weft__http_second {
	int64_t look_ns, s;
} weft__http_second;

int64_t weft__http_look_s(void);

/** Seconds since 1970 by the wall clock; a few ms late, and cheap for it. */
static inline int64_t weft__http_now_s(void)
{
	const struct weft__worker *worker = weft__worker;

	if (worker && worker->now_ns == weft__http_second.look_ns)
		return weft__http_second.s;
	return weft__http_look_s();
}

#endif
