/*
 * siblings.h - files beside a file that hold the same, compressed: NAME.br, NAME.gz.
 */
#ifndef WEFT_SRC_HTTP_SIBLINGS_H
#define WEFT_SRC_HTTP_SIBLINGS_H

#include "http/coding.h"
#include "http/file.h"
#include "files/open.h"

/** What there was to see of a sibling, taken or not: another look finds out what has changed. */
struct weft__http_sibling_mark {
	ino_t inode; /* 0: there was none */
	off_t size;
	struct timespec modified;
};

/**
 * Open the sibling of the file at path, whose state is file, in that coding. Returns the
 * descriptor and its state, or -1: there is none that is settled, not older than the file and,
 * as far as that can be seen, of the same content.
 */
int weft__http_sibling_open(const struct weft__root *root, const char *path,
	const struct stat *file, enum weft__http_coding coding, struct stat *ret_stat);

/** What there is to see now. */
struct weft__http_sibling_mark weft__http_sibling_look(
	const struct weft__root *root, const char *path, enum weft__http_coding coding);

/** Whether nothing has changed between two looks. */
bool weft__http_sibling_marks_equal(
	const struct weft__http_sibling_mark *a, const struct weft__http_sibling_mark *b);

/** The tag of a sibling of that state: its file's own, the coding, and the sibling's. */
void weft__http_sibling_tag(char ret_tag[WEFT__HTTP_TAG_SIZE], const struct stat *file,
	enum weft__http_coding coding, const struct stat *sibling);

#endif
