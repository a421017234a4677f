/*
 * range.h - the Range field with one range of bytes (RFC 9110, section 14).
 */
#ifndef WEFT_SRC_HTTP_RANGE_H
#define WEFT_SRC_HTTP_RANGE_H

#include "weft/api.h"

enum weft__http_range_result {
	WEFT__HTTP_RANGE_NONE,          /* no range that is understood here: send it all (200) */
	WEFT__HTTP_RANGE_PART,          /* one part (206) */
	WEFT__HTTP_RANGE_UNSATISFIABLE, /* beyond the end (416) */
};

/**
 * Read the value of a Range field for a file of size bytes. Several ranges, other
 * units and what can't be read count as none, as section 14.2 allows. ret_offset and
 * ret_len are written for a part only, which lies inside the file and isn't empty.
 */
enum weft__http_range_result weft__http_range_parse(
	const char *value, size_t len, int64_t size, int64_t *ret_offset, int64_t *ret_len);

#endif
