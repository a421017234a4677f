/*
 * form.c - the parts of a multipart form, read by a handler as they come.
 *
 * Entry points: the weft_http_multipart_ functions of weft/http_form.h.
 *
 *	window:	[ passed | ready: of the part's content | not looked at | free ]
 *	                 ^ start                                        ^ end
 *
 * Never: more of the body in memory than the window.
 */
#include "weft/http_form.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "http/multipart.h"
#include "http/part.h"
#include "http/request.h"

#define WINDOW_SIZE ((size_t)32 * 1024)

_Static_assert(WINDOW_SIZE >= WEFT__MULTIPART_WINDOW_MIN, "a part's header has to fit");

struct weft_http_multipart {
	struct weft_http_request *request;
	struct weft__multipart parser;
	struct weft__http_part part;
	const char *why;
	size_t start, end;
	size_t ready;   /* bytes from start on that are of the part's content */
	bool is_inside; /* of a part: its end was not seen */
	bool is_ended;  /* the body is; what is left of it is in the window */
	bool is_over;   /* the form is */
	char window[WINDOW_SIZE];
};

/* ---- Life ------------------------------------------------------------------------------ */

/* The Content-Type, if there is one and no second that says something else. */
static bool find_type(const struct weft_http_request *request, struct weft_http_text *ret_type)
{
	return weft__http_request_find(request, "content-type", ret_type) == 1;
}

struct weft_http_multipart *weft_http_multipart_new(struct weft_http_request *request)
{
	struct weft_http_text type, boundary;
	struct weft_http_multipart *form;
	int is_form = find_type(request, &type)
			      ? weft__http_part_boundary(type.data, type.len, &boundary)
			      : 0;

	if (is_form <= 0) {
		errno = is_form == 0 ? EPROTOTYPE : EBADMSG;
		return NULL;
	}
	form = malloc(sizeof(*form));
	if (!form)
		return NULL;
	memset(form, 0, offsetof(struct weft_http_multipart, window));
	form->request = request;
	if (!weft__multipart_init(&form->parser, boundary.data, boundary.len)) {
		free(form);
		errno = EBADMSG;
		return NULL;
	}
	return form;
}

void weft_http_multipart_free(struct weft_http_multipart *form)
{
	free(form);
}

const char *weft_http_multipart_error(const struct weft_http_multipart *form)
{
	return form->why;
}

/* ---- Going on --------------------------------------------------------------------------- */

/* More of the body, behind what is there; nothing is ready. 0 or -1. */
static int fill(struct weft_http_multipart *form)
{
	ssize_t len;

	memmove(form->window, form->window + form->start, form->end - form->start);
	form->end -= form->start;
	form->start = 0;
	len = weft_http_request_read(
		form->request, form->window + form->end, WINDOW_SIZE - form->end);
	if (len < 0)
		return -1;
	form->end += (size_t)len;
	form->is_ended = len == 0;
	return 0;
}

static int fail(struct weft_http_multipart *form, const char *why, int code)
{
	form->parser.state = WEFT__MULTIPART_FAILED;
	form->why = form->parser.why = why;
	errno = code;
	return -1;
}

/*
 * The next thing of the form that is one, with its bytes: a part's header, content, its end, the
 * form's end. -1: it can't be read, or the body can't.
 */
static int step(struct weft_http_multipart *form, const char **ret_data, size_t *ret_used)
{
	for (;;) {
		enum weft__multipart_result result =
			weft__multipart_next(&form->parser, form->window + form->start,
				form->end - form->start, form->is_ended, ret_used);

		*ret_data = form->window + form->start;
		if (result == WEFT__MULTIPART_BAD)
			return fail(form, form->parser.why,
				form->parser.is_over_limit ? EMSGSIZE : EBADMSG);
		if (result != WEFT__MULTIPART_DATA)
			form->start += *ret_used;
		if (result != WEFT__MULTIPART_MORE)
			return (int)result;
		if (*ret_used == 0 && fill(form) < 0)
			return -1;
	}
}

/* Some of the part's content is ready: 1; it is over: 0; -1. */
static int await_content(struct weft_http_multipart *form)
{
	const char *data;
	size_t used;
	int result;

	if (!form->is_inside)
		return 0;
	if (form->ready > 0)
		return 1;
	result = step(form, &data, &used);
	if (result < 0)
		return -1;
	form->is_inside = result == WEFT__MULTIPART_DATA;
	form->ready = form->is_inside ? used : 0;
	return form->is_inside;
}

int weft_http_multipart_next(struct weft_http_multipart *form, struct weft_http_part *ret_part)
{
	const char *header, *why;
	size_t len;
	int result;

	while ((result = await_content(form)) > 0) {
		form->start += form->ready;
		form->ready = 0;
	}
	if (result < 0 || form->is_over)
		return result;
	result = step(form, &header, &len);
	if (result < 0)
		return -1;
	form->is_over = result == WEFT__MULTIPART_END;
	if (form->is_over)
		return 0;
	why = weft__http_part_parse(&form->part, header, len);
	if (why)
		return fail(form, why, EBADMSG);
	form->is_inside = true;
	*ret_part = (struct weft_http_part){.name = form->part.name,
		.filename = form->part.has_filename ? form->part.filename : NULL,
		.type = form->part.has_type ? form->part.type : NULL};
	return 1;
}

ssize_t weft_http_multipart_read(struct weft_http_multipart *form, void *buffer, size_t size_bytes)
{
	int result;

	if (size_bytes == 0) {
		errno = EINVAL;
		return -1;
	}
	result = await_content(form);
	if (result <= 0)
		return result;
	if (size_bytes > form->ready)
		size_bytes = form->ready;
	memcpy(buffer, form->window + form->start, size_bytes);
	form->start += size_bytes;
	form->ready -= size_bytes;
	return (ssize_t)size_bytes;
}
