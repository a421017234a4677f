/*
 * range.h - the Range field: parts of a file, in bytes (RFC 9110, section 14).
 */
#ifndef WEFT_SRC_HTTP_RANGE_H
#define WEFT_SRC_HTTP_RANGE_H

#include "weft/api.h"

/** Ranges of one request. Who asks for more gets the whole file. */
#define WEFT__HTTP_RANGES_MAX 16

/** Parts that are nearer to each other than what stands between two are sent as one. */
#define WEFT__HTTP_RANGES_GAP 128

enum weft__http_range_result {
	WEFT__HTTP_RANGE_NONE,          /* no range that is understood here: send it all (200) */
	WEFT__HTTP_RANGE_PARTS,         /* one part or several (206) */
	WEFT__HTTP_RANGE_UNSATISFIABLE, /* all of them beyond the end (416) */
};

struct weft__http_part {
	int64_t offset, len;
};

struct weft__http_parts {
	unsigned count;
	struct weft__http_part parts[WEFT__HTTP_RANGES_MAX];
};

/**
 * Read the value of a Range field for a file of size bytes. Too many ranges, other units and
 * what can't be read count as none, as section 14.2 allows. The parts lie inside the file,
 * none is empty, and no two overlap or touch; they are in the order asked for, unless some
 * were joined: then from the first to the last.
 */
enum weft__http_range_result weft__http_range_parse(
	const char *value, size_t len, int64_t size, struct weft__http_parts *ret_parts);

#endif
