/*
 * weft/pack.h - C values to and from bytes, in the format language of Python's struct module.
 *
 *	unsigned char head[8];
 *	weft_pack(head, sizeof(head), "!HHI", type, flags, length);
 *	...
 *	unsigned short type, flags;
 *	unsigned length;
 *	if (weft_unpack(head, sizeof(head), "!HHI", &type, &flags, &length) < 0)
 *		...
 *
 * A format is an optional first mark, then letters, each after an optional decimal
 * count; white space may stand between them, but not between a count and its letter.
 *
 *	mark         byte order      sizes       alignment
 *	@ (or none)  the machine's   of C here   of C here, padded with zero bytes
 *	=            the machine's   standard    none
 *	<            little-endian   standard    none
 *	> or !       big-endian      standard    none
 *
 *	letter  standard  in weft_pack()        in weft_unpack()      as weft_pack_value
 *	x       1         -                     -                     -   (a zero byte)
 *	c       1         int                   char *                i   (-128..255; read: 0..255)
 *	?       1         int                   bool *                i   (0 is false)
 *	b B     1         int                   signed/unsigned char *     i u
 *	h H     2         int                   short *, unsigned short *  i u
 *	i I     4         int, unsigned         int *, unsigned *     i u
 *	l L     4         long, unsigned long   the same, pointed to  i u
 *	q Q     8         (unsigned) long long  the same, pointed to  i u
 *	n N     @ only    ssize_t, size_t       the same, pointed to  i u
 *	P       @ only    void *                void **               u
 *	e f d   2 4 8     double                float *, float *, double *  d
 *	s       count     const void *, size_t  void *                text
 *	p       count     const void *, size_t  void *, size_t *      text
 *
 * - A count repeats its letter: "4h" takes four arguments. With `s` and `p` it is
 *   the size of one field: "10s" takes one string, cut at or padded with zeros to
 *   10 bytes. `p` is a Pascal string: a length byte, then up to count - 1 bytes.
 * - weft_unpack() writes exactly count bytes for `s`, no NUL. For `p` it writes at
 *   most count - 1 bytes and, to the size_t, how many.
 * - "0i" at the end pads to the alignment of an int, as the end of a C struct is.
 * - The C type that is passed goes by the letter, whatever the mark is: "<l" takes a
 *   long, which must fit 4 bytes.
 * - `e` is the IEEE 754 half float, rounded half to even. A double too large for `e`,
 *   or for `f` in a standard size, is ERANGE; with @ `f` is a C cast, as in Python.
 *
 * As with printf(3), nothing checks the arguments against the format, so a format
 * must not come from outside in the variadic calls. With weft_pack_compile() it may.
 * Errors: -1 or NULL and errno; then no output has been touched. EINVAL: bad format,
 * which weft_pack_explain() puts into words. EMSGSIZE: the buffer's length is wrong.
 * ERANGE: a number does not fit its field. Threads: all calls are safe from any
 * thread; a compiled format never changes and may be shared.
 */
#ifndef WEFT_PACK_H
#define WEFT_PACK_H

#include "weft/api.h"

WEFT_BEGIN

/* ---- Limits ---------------------------------------------------------------- */

/** Longest format, in bytes. Sizes and counts go up to SSIZE_MAX. */
#define WEFT_PACK_FORMAT_MAX 16384

/** Room of an error's sentence, NUL included. */
#define WEFT_PACK_MESSAGE_SIZE 128

/* ---- Formats as text --------------------------------------------------------- */

/** Bytes that the format takes (struct.calcsize). Errors: EINVAL. */
WEFT_API ssize_t weft_pack_size(const char *format);

/**
 * Pack the arguments to the start of buffer, which may be longer than needed. Returns
 * the bytes written, weft_pack_size(format). Errors: EINVAL, EMSGSIZE (size_bytes is
 * too small), ERANGE.
 */
WEFT_API ssize_t weft_pack(void *buffer, size_t size_bytes, const char *format, ...);

/**
 * Unpack len bytes, which must be exactly weft_pack_size(format), through the pointer
 * arguments. Returns len. Errors: EINVAL, EMSGSIZE.
 */
WEFT_API ssize_t weft_unpack(const void *data, size_t len, const char *format, ...);

/* ---- Errors in words ----------------------------------------------------------- */

enum weft_pack_fault {
	WEFT_PACK_OK,
	WEFT_PACK_BAD_LETTER,      /* not in the table, or not with this mark */
	WEFT_PACK_LETTER_MISSING,  /* the format ends after a count */
	WEFT_PACK_TOO_LARGE,       /* a count or the sum is over SSIZE_MAX */
	WEFT_PACK_FORMAT_TOO_LONG, /* over WEFT_PACK_FORMAT_MAX */
	WEFT_PACK_NO_MEMORY,       /* weft_pack_compile() only */
	WEFT_PACK_WRONG_COUNT,     /* not as many values as the format takes */
	WEFT_PACK_OUT_OF_RANGE,    /* a value does not fit its field */
};

struct weft_pack_error {
	enum weft_pack_fault fault;
	/*
	 * Where in the format, in bytes from 0. Of a value out of range: its letter, or
	 * the first of a row of equal letters.
	 */
	size_t position;
	size_t value;                         /* WEFT_PACK_OUT_OF_RANGE: index of the value */
	char message[WEFT_PACK_MESSAGE_SIZE]; /* one sentence for a person, without newline */
};

/** Say what is wrong with a format. Returns 0 when nothing is, else -1 with EINVAL. */
WEFT_API int weft_pack_explain(const char *format, struct weft_pack_error *ret_error);

/* ---- Compiled formats ------------------------------------------------------------ */

struct weft_pack_format; /* opaque: src/base/pack.h */

/** One value of any letter; the table above says which member. */
union weft_pack_value {
	int64_t i;
	uint64_t u;
	double d;
	struct {
		const void *data;
		size_t len;
	} text;
};

/**
 * Compile a format for use many times. ret_error may be NULL. End it with
 * weft_pack_format_free(). Errors: EINVAL, ENOMEM.
 */
WEFT_API struct weft_pack_format *weft_pack_compile(
	const char *format, struct weft_pack_error *ret_error);

/** NULL is fine. */
WEFT_API void weft_pack_format_free(struct weft_pack_format *format);

/** Bytes that the format takes. */
WEFT_API size_t weft_pack_format_size(const struct weft_pack_format *format);

/** Values that the format takes. */
WEFT_API size_t weft_pack_format_values(const struct weft_pack_format *format);

/**
 * Pack count values to the start of buffer. Returns the bytes written. Errors: EINVAL
 * (count is not weft_pack_format_values()), EMSGSIZE (size_bytes is too small), ERANGE.
 */
WEFT_API ssize_t weft_pack_values(const struct weft_pack_format *format, void *buffer,
	size_t size_bytes, const union weft_pack_value *values, size_t count);

/**
 * Unpack len bytes into count values. Texts (`s`, `p`) borrow from data: they are valid
 * as long as it is. Returns len. Errors: EINVAL (count), EMSGSIZE (len is not exact).
 */
WEFT_API ssize_t weft_unpack_values(const struct weft_pack_format *format, const void *data,
	size_t len, union weft_pack_value *ret_values, size_t count);

/** Would these values pack? Returns 0, or -1 with EINVAL or ERANGE and the reason in words. */
WEFT_API int weft_pack_check(const struct weft_pack_format *format,
	const union weft_pack_value *values, size_t count, struct weft_pack_error *ret_error);

/* ---- Many records in a row (struct.iter_unpack) ------------------------------------ */

/** Where an iteration stands. The fields are weft's own; nothing to free. */
struct weft_unpack_iter {
	const struct weft_pack_format *format;
	const unsigned char *next, *end;
};

/**
 * Begin to iterate over len bytes of records, one after the other; format and data are
 * borrowed. Errors: EINVAL (a record has no bytes), EMSGSIZE (len is no multiple of a
 * record's size).
 */
WEFT_API int weft_unpack_iter_init(struct weft_unpack_iter *iter,
	const struct weft_pack_format *format, const void *data, size_t len);

/** Unpack the next record. Returns 1, 0 when there is none left, -1 with EINVAL (count). */
WEFT_API int weft_unpack_iter_next(
	struct weft_unpack_iter *iter, union weft_pack_value *ret_values, size_t count);

WEFT_END

#endif
