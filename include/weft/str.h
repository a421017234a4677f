/*
 * weft/str.h - a string builder with a bound, whose errors need checking only once.
 *
 *	struct weft_str str;
 *
 *	weft_str_init(&str, 4096);
 *	weft_str_append(&str, "HTTP/1.1 ");
 *	weft_str_appendf(&str, "%d %s\r\n", status, reason);
 *	if (weft_str_error(&str))
 *		...it did not fit, or memory ran out...
 *	use(weft_str_text(&str));
 *	weft_str_fini(&str);
 *
 * An append is done whole or not at all. The first one that fails sets the error, which
 * stays until weft_str_reset(): all later appends do nothing, so that a text with a hole in
 * it never looks complete. The text is NUL-terminated at every moment; bytes appended
 * by length may be NUL too.
 *
 * Appended text must not lie in the string itself. Threads: none of it is safe from two
 * threads at once. Appending takes O(len of what is appended), averaged over many.
 */
#ifndef WEFT_STR_H
#define WEFT_STR_H

#include <stdarg.h>

#include "weft/api.h"

WEFT_BEGIN

/** The largest bound, in bytes without the final NUL. */
#define WEFT_STR_LEN_MAX (PTRDIFF_MAX / 2)

struct weft_str {
	char *text;      /* NULL until something is appended */
	size_t len;      /* without the NUL */
	size_t capacity; /* with the NUL */
	size_t len_max;
	int error;        /* 0, or the errno of the first append that failed */
	bool is_borrowed; /* text is the caller's array */
};

/* ---- Life ------------------------------------------------------------------- */

/**
 * Make str empty; it will hold at most len_max bytes (more than WEFT_STR_LEN_MAX counts as
 * that) and the NUL. Nothing is allocated yet. End it with weft_str_fini().
 */
WEFT_API void weft_str_init(struct weft_str *str, size_t len_max);

/**
 * Make str empty, to be built in the caller's array of size_bytes, at least 1; the bound
 * is size_bytes - 1. Nothing is ever allocated, and weft_str_fini() need not be called. The
 * array must live as long as str is used.
 */
WEFT_API void weft_str_init_in(struct weft_str *str, char *array, size_t size_bytes);

/** Free the text. The string is empty, without error, and can be used again. */
WEFT_API void weft_str_fini(struct weft_str *str);

/** Make it empty and forget the error, but keep the memory. */
WEFT_API void weft_str_reset(struct weft_str *str);

/**
 * Take the text over, to be freed with free(3); str is empty afterwards. Returns NULL
 * with errno set to the error if there is one (str is unchanged then), or to ENOMEM.
 */
WEFT_API char *weft_str_take(struct weft_str *str);

/* ---- What is in it ------------------------------------------------------------ */

/** 0, or the errno of the first append that failed: EMSGSIZE, ENOMEM, EOVERFLOW, EILSEQ. */
static inline int weft_str_error(const struct weft_str *str)
{
	return str->error;
}

/** The text, never NULL, valid until the next append, take or fini. */
static inline const char *weft_str_text(const struct weft_str *str)
{
	return str->text ? str->text : "";
}

static inline size_t weft_str_len(const struct weft_str *str)
{
	return str->len;
}

/** Keep the first len bytes; nothing happens when there are no more than that. The error stays. */
WEFT_API void weft_str_truncate(struct weft_str *str, size_t len);

/* ---- Appending ---------------------------------------------------------------- */

/*
 * All return 0, or -1 with errno set to the string's error, then unchanged but for that.
 * Errors: EMSGSIZE when the bound would be passed, ENOMEM.
 */

/** Append len bytes; data may be NULL when len is 0. */
WEFT_API int weft_str_append_bytes(struct weft_str *str, const void *data, size_t len);

/** Append a NUL-terminated text. */
WEFT_API int weft_str_append(struct weft_str *str, const char *text);

/** Append one character. */
WEFT_API int weft_str_append_char(struct weft_str *str, char c);

/** Append as printf(3) prints. More errors: EOVERFLOW, EILSEQ, as of vsnprintf(3). */
__attribute__((format(printf, 2, 3))) WEFT_API int weft_str_appendf(
	struct weft_str *str, const char *format, ...);

/** The same with a va_list. */
__attribute__((format(printf, 2, 0))) WEFT_API int weft_str_vappendf(
	struct weft_str *str, const char *format, va_list args);

WEFT_END

#endif
