/*
 * part.h - what the header of a form's part says: its names, cleaned (RFC 7578, section 4).
 */
#ifndef WEFT_SRC_HTTP_PART_H
#define WEFT_SRC_HTTP_PART_H

#include "http/multipart.h"
#include "weft/http_form.h"

/** Longest Content-Type of a part. */
#define WEFT__HTTP_PART_TYPE_MAX 255

struct weft__http_part {
	bool has_filename, has_type;
	char name[WEFT_HTTP_FORM_NAME_MAX + 1];
	char filename[WEFT_HTTP_FORM_FILENAME_MAX + 1];
	char type[WEFT__HTTP_PART_TYPE_MAX + 1];
};

/** Read a header, with the empty line that ends it. NULL, or a sentence: it can't be read. */
const char *weft__http_part_parse(struct weft__http_part *part, const char *header, size_t len);

/**
 * Make a name of a file harmless, in place: what stands before the last slash or backslash goes,
 * and control characters, marks that turn the direction of reading and bytes that are no UTF-8
 * become '_'. False: nothing is left that names a file.
 */
bool weft__http_part_clean_filename(char *filename);

/**
 * The boundary in the value of a Content-Type: 1 with *ret_boundary, which lies in it; 0: the type
 * is none of multipart/form-data; -1: there is not exactly one boundary, or it is none.
 */
int weft__http_part_boundary(const char *type, size_t len, struct weft_http_text *ret_boundary);

#endif
