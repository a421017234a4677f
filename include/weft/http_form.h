/*
 * weft/http_form.h - forms with files in them: multipart/form-data (RFC 7578).
 *
 * As a stream, part after part, of any size and in little memory:
 *
 *	struct weft_http_multipart *form = weft_http_multipart_new(request);
 *	struct weft_http_part part;
 *	int more;
 *
 *	if (!form)
 *		return errno == EPROTOTYPE ? 415 : 400;
 *	while ((more = weft_http_multipart_next(form, &part)) > 0)
 *		while ((len = weft_http_multipart_read(form, buffer, sizeof(buffer))) > 0)
 *			...part.name, part.filename: the next len bytes...
 *	weft_http_multipart_free(form);
 *
 * Or whole, small values in memory and what is large in files without a name, which are gone
 * with the form:
 *
 *	struct weft_http_form *form = weft_http_form_read(request, NULL);
 *	const struct weft_http_form_field *title = weft_http_form_get(form, "title", 0);
 *
 * The parser is strict: a form that two programs could read in two ways is refused, and so is
 * one that ends before its last boundary. Names of files come from strangers: what is lent here
 * has no folder in front and no control character in it, but it may be "", begin with a dot, or
 * be any that you have already.
 *
 * Errors: -1 or NULL, with errno set: EBADMSG (the form can't be read; _error() says why),
 * EMSGSIZE (over a limit), ENOMEM, and those of weft_http_request_read(). A form is for its
 * request's handler; all it lends is valid as each comment says.
 */
#ifndef WEFT_HTTP_FORM_H
#define WEFT_HTTP_FORM_H

#include "weft/file.h"
#include "weft/http.h"

WEFT_BEGIN

/** Parts of one form. */
#define WEFT_HTTP_FORM_PARTS_MAX 1000

/** Bytes of the header of one part, with all line ends. */
#define WEFT_HTTP_FORM_HEADER_MAX 8192

/** Bytes of the name of a part, and of the name of a file, decoded, without the NUL. */
#define WEFT_HTTP_FORM_NAME_MAX     1024
#define WEFT_HTTP_FORM_FILENAME_MAX 1024

/* ---- Part after part ------------------------------------------------------------- */

struct weft_http_multipart; /* opaque: src/http/form.c */

/** What a part's header says. The texts are valid until the next weft_http_multipart_next(). */
struct weft_http_part {
	const char *name;     /* of the field; NUL-terminated, as all here */
	const char *filename; /* NULL: no file; "": one could be chosen, and was not */
	const char *type;     /* its Content-Type as it was sent; NULL: none */
};

/**
 * Take the body of a request apart as it comes. End it with weft_http_multipart_free(). Errors:
 * EPROTOTYPE (it is no multipart/form-data, by its Content-Type: 415), EBADMSG (no boundary that
 * can be one: 400), ENOMEM.
 */
WEFT_API struct weft_http_multipart *weft_http_multipart_new(struct weft_http_request *request);

/** NULL is fine. */
WEFT_API void weft_http_multipart_free(struct weft_http_multipart *form);

/**
 * Go to the next part; what was not read of this one is passed over. Returns 1 with *ret_part, 0
 * when the form is over, all of the body being read.
 */
WEFT_API int weft_http_multipart_next(
	struct weft_http_multipart *form, struct weft_http_part *ret_part);

/**
 * Read from the part's content, what there is of it, at least a byte. Returns the count, 0 at its
 * end. Errors: EINVAL (size_bytes 0).
 */
WEFT_API ssize_t weft_http_multipart_read(
	struct weft_http_multipart *form, void *buffer, size_t size_bytes);

/** A sentence for a person about what is wrong with the form, after EBADMSG, EMSGSIZE; or NULL. */
WEFT_API const char *weft_http_multipart_error(const struct weft_http_multipart *form);

/* ---- The whole form --------------------------------------------------------------- */

struct weft_http_form; /* opaque: src/http/form_whole.c */

/** Zero means the default. */
struct weft_http_form_options {
	size_t value_max;   /* bytes of a part without a filename; 0: 64 KiB */
	size_t memory_max;  /* bytes of all that stays in memory; 0: 1 MiB */
	int64_t file_max;   /* bytes of one file; 0: no bound but the body's */
	size_t files_max;   /* files that are on the disk at once; 0: 64 */
	const char *folder; /* for files that don't stay in memory; NULL: $TMPDIR, or /var/tmp */
};

/** One part. Of data and file one is there. */
struct weft_http_form_field {
	const char *name;
	const char *filename; /* as of struct weft_http_part */
	const char *type;
	int64_t len;            /* bytes of its content */
	const char *data;       /* in memory, with a NUL behind it; or NULL */
	struct weft_file *file; /* or on the disk: open to read, and at its beginning */
};

/**
 * Read the whole body as a form. A file stays in memory as long as it fits; a value that does
 * not is refused. Pairs of application/x-www-form-urlencoded are taken too, as fields without
 * a filename: whoever answers need not know how the form was sent. options may be NULL. End it
 * with weft_http_form_free(). Errors: EPROTOTYPE (no form at all: 415), EBADMSG (400), EMSGSIZE
 * (413), those of opening and writing files (ENOSPC, EDQUOT: 507).
 */
WEFT_API struct weft_http_form *weft_http_form_read(
	struct weft_http_request *request, const struct weft_http_form_options *options);

/** Free it; its files are gone. NULL is fine. */
WEFT_API void weft_http_form_free(struct weft_http_form *form);

/** The nth (from 0) field of that name; NULL when there is none. Valid as long as the form. */
WEFT_API const struct weft_http_form_field *weft_http_form_get(
	const struct weft_http_form *form, const char *name, size_t nth);

/** The field number index, in their order; NULL behind the last. */
WEFT_API const struct weft_http_form_field *weft_http_form_at(
	const struct weft_http_form *form, size_t index);

WEFT_END

#endif
