/*
 * coding.h - content codings, and which of them a peer wants (RFC 9110, sections 8.4 and 12.5.3).
 */
#ifndef WEFT_SRC_HTTP_CODING_H
#define WEFT_SRC_HTTP_CODING_H

#include "weft/api.h"

/** In the order of what we would rather send, where the peer wants both alike. */
enum weft__http_coding {
	WEFT__HTTP_BROTLI,
	WEFT__HTTP_GZIP,
	WEFT__HTTP_CODING_COUNT,                       /* how many change the bytes */
	WEFT__HTTP_IDENTITY = WEFT__HTTP_CODING_COUNT, /* as it is */
};

/** Its name in Content-Encoding, "br", and what the name of a file in it ends with, ".br". */
const char *weft__http_coding_name(enum weft__http_coding coding);
const char *weft__http_coding_suffix(enum weft__http_coding coding);

/** What a peer wants: from 0, refused, to 1000; -1: it has not said. */
struct weft__http_wanted {
	int16_t quality[WEFT__HTTP_CODING_COUNT + 1];
	int16_t other; /* "*" */
};

/** Nothing has been said yet. */
void weft__http_wanted_init(struct weft__http_wanted *wanted);

/**
 * Take the value of an Accept-Encoding field in: "gzip;q=0.5, br". Several fields are one list.
 * What can't be read in it counts as not said, and of two words on one coding the lower holds.
 */
void weft__http_wanted_take(struct weft__http_wanted *wanted, const char *value, size_t len);

/**
 * How much a coding is wanted, from 0 to 1000. A coding that was not named is refused; identity
 * is not, but 1: any coding that is wanted at all goes before it.
 */
int weft__http_wanted_quality(
	const struct weft__http_wanted *wanted, enum weft__http_coding coding);

/** Whether such a thing is worth compressing, by its content type. */
bool weft__http_type_compresses(const char *type);

#endif
