/*
 * variants.h - the other forms of an open file: compressed, and which of them a peer gets.
 *
 *	form		is there
 *	sibling		NAME.br or NAME.gz beside NAME, as long as it is not older
 *	compressed	once somebody has asked for it; in memory only
 *
 * For the worker of the file only.
 */
#ifndef WEFT_SRC_HTTP_VARIANTS_H
#define WEFT_SRC_HTTP_VARIANTS_H

#include <stdatomic.h>

#include "http/coding.h"
#include "http/file.h"
#include "files/open.h"

/** Where the forms of a file come from. */
struct weft__http_variants_source {
	const struct weft__root *root;
	const char *path;        /* the file's own, relative to the root */
	const struct stat *stat; /* its state */
	bool takes_siblings, may_compress;
	atomic_uint *jobs; /* how many files are being compressed now, by all workers */
	unsigned jobs_max;
};

/**
 * Look for the forms of a file that facts are of, and say in facts whether it has any. Takes over
 * what facts own. Give the result to the file, as its variants. NULL: ENOMEM; facts stay.
 */
struct weft__http_variants *weft__http_variants_new(
	const struct weft__http_variants_source *source, struct weft__http_facts *facts);

/** NULL is fine. */
void weft__http_variants_free(struct weft__http_variants *variants);

/** Bytes of the forms that are in memory; of NULL none. The file's forms_bytes. */
size_t weft__http_variants_bytes(const struct weft__http_variants *variants);

/** Whether the siblings of the file at path are still those that were found; NULL has none. */
bool weft__http_variants_stand(const struct weft__http_variants *variants,
	const struct weft__root *root, const char *path);

/**
 * Choose the form of a file that varies for a request, and compress it first where that is
 * wanted: then it waits, and file->forms_bytes may grow. Returns 0 and the form, which lives as
 * long as file; or the status to refuse it with, 406, or 503 (ask again); or -1 with ESTALE: a
 * sibling has changed since.
 */
int weft__http_variants_choose(struct weft__http_file *file,
	const struct weft_http_request *request, const struct weft__http_file **ret_form);

#endif
