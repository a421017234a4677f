/*
 * put.h - a visitor's put, for the files of this floor: what store.h does, within rights and quota.
 */
#ifndef WEFT_SRC_FILES_PUT_H
#define WEFT_SRC_FILES_PUT_H

#include "files/digest.h"
#include "files/files.h"

struct weft_files_put {
	struct weft_files *files;
	const struct weft_files_visitor *visitor;
	struct weft__put *inner;
	char *path;      /* in the visitor's home */
	unsigned rights; /* at that path */
	bool may_replace;
	bool needs_same; /* its first bytes are of what is there */
	bool is_counted; /* among those under way */
	weft_files_judge_fn *judge;
	void *judge_arg;
	/* What had the name when it began, and what has it now. */
	bool has_begun, was_there, is_there;
	struct stat was;

	int64_t max;       /* the engine's file_max when it began; 0: none */
	int64_t kept, len; /* bytes of what is there; and how many come */
	int64_t announced; /* -1: nobody knows */
	bool is_exact;
	int64_t reserved, reserve_step;
	int64_t kept_reserved;       /* for bytes that are there, and another's so far */
	struct weft__digest *digest; /* NULL: none is asked for */
	uint8_t expected[WEFT__DIGEST_SIZE];
	int64_t *ret_used; /* told what it has used, at its end; NULL */
	char *room;        /* that was lent last */
	int code;          /* why it can't be committed any more */
};

/** A weft__store_judge_fn of a struct weft_files_put: rights, the caller's judge, who was faster.
 */
int weft__files_put_judge(const struct stat *existing, void *put);

/** An on_name of that judge: rights are those at the name that the file gets. */
int weft__files_put_on_name(const char *name, void *put);

/** Bytes that its file may have: by the bound of when it began, or a larger one since; 0: any. */
int64_t weft__files_put_max(const struct weft_files_put *put);

/** Take more of the quota, if the bytes up to end need it. 0 or -1: EDQUOT, EFBIG. */
int weft__files_put_reserve(struct weft_files_put *put, int64_t end);

/** What was reserved is settled, the inner one ended, and all is freed. Keeps errno. */
void weft__files_put_end(struct weft_files_put *put, int64_t used);

#endif
