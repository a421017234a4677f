/*
 * disposition.h - Content-Disposition: a file to be saved, and under what name (RFC 6266).
 */
#ifndef WEFT_SRC_HTTP_DISPOSITION_H
#define WEFT_SRC_HTTP_DISPOSITION_H

#include "weft/str.h"

/**
 * Append the value for a file of that name, any bytes: "attachment; filename="..."", with what
 * old programs can't read as '_'; and then in UTF-8 as well (RFC 8187).
 */
void weft__http_append_disposition(struct weft_str *value, const char *name);

#endif
