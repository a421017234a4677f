/*
 * mime.h - the content type of a file, by its name.
 */
#ifndef WEFT_SRC_HTTP_MIME_H
#define WEFT_SRC_HTTP_MIME_H

/**
 * The value of Content-Type for a file name or path, by what follows its last dot, in
 * any case; "application/octet-stream" where that says nothing. A constant.
 */
const char *weft__http_mime_type(const char *name);

#endif
