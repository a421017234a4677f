/*
 * escape.h - text from outside, made safe for a log; for what else, weft/http_escape.h says.
 */
#ifndef WEFT_SRC_HTTP_ESCAPE_H
#define WEFT_SRC_HTTP_ESCAPE_H

#include "weft/http_escape.h"

/**
 * Write text for a quoted field of a log line: '"', '\' and all that is not printable
 * ASCII as \xXX. Stops before size_bytes would be passed. Returns the bytes written.
 */
size_t weft__http_escape_log(char *ret_text, size_t size_bytes, const char *text, size_t len);

#endif
