/*
 * disposition.h - Content-Disposition: a file to be saved, and under what name (RFC 6266).
 */
#ifndef WEFT_SRC_HTTP_DISPOSITION_H
#define WEFT_SRC_HTTP_DISPOSITION_H

#include "weft/http.h"
#include "weft/str.h"

/**
 * Append the value for a file of that name, any bytes: "attachment; filename="..."", with what
 * old programs can't read as '_'; and then in UTF-8 as well (RFC 8187).
 */
void weft__http_append_disposition(struct weft_str *value, const char *name);

/** Whether the query has the word "download". */
bool weft__http_asks_download(const struct weft_http_request *request);

/** Say it of the file at path; of a path that ends in '/' nothing. Returns 0 or -1. */
int weft__http_add_disposition(struct weft_http_response *response, const char *path);

#endif
