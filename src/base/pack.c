/*
 * pack.c - weft_pack() and weft_unpack(): formats as text, values as variadic arguments.
 *
 * Entry points: weft_pack(), weft_unpack().
 *
 * A format is scanned once for its size, once more to look at the arguments (packing
 * only) and once to move the bytes: it is short, and so no memory is needed for it.
 *
 * Never: take an argument before the length of the buffer is known to be right.
 */
#include "base/pack.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>

/* A va_list that can be handed down by address on every ABI. */
struct arguments {
	va_list list;
};

/* ---- Packing ----------------------------------------------------------------------- */

/* Takes the next argument, of the type that C's promotions make of the letter's. */
static union weft_pack_value take_value(char letter, struct arguments *args)
{
	union weft_pack_value value = {0};

	switch (letter) {
	case 'I':
		value.u = va_arg(args->list, unsigned);
		break;
	case 'l':
		value.i = va_arg(args->list, long);
		break;
	case 'L':
		value.u = va_arg(args->list, unsigned long);
		break;
	case 'q':
		value.i = va_arg(args->list, long long);
		break;
	case 'Q':
		value.u = va_arg(args->list, unsigned long long);
		break;
	case 'n':
		value.i = va_arg(args->list, ssize_t);
		break;
	case 'N':
		value.u = va_arg(args->list, size_t);
		break;
	case 'P':
		value.u = (uintptr_t)va_arg(args->list, void *);
		break;
	case 'e':
	case 'f':
	case 'd':
		value.d = va_arg(args->list, double);
		break;
	case 's':
	case 'p':
		value.text.data = va_arg(args->list, const void *);
		value.text.len = va_arg(args->list, size_t);
		break;
	default: /* c ? b B h H i */
		value.i = va_arg(args->list, int);
		break;
	}
	return value;
}

static bool arguments_fit(const char *format, struct arguments *args)
{
	struct weft__pack_scan scan;
	struct weft__pack_op op;

	weft__pack_scan_init(&scan, format);
	while (weft__pack_scan_next(&scan, &op, NULL) > 0) {
		size_t count = op.values;

		for (size_t i = 0; i < count; i++) {
			union weft_pack_value value = take_value(op.letter, args);

			if (!weft__pack_value_fits(&op, &value))
				return false;
		}
	}
	return true;
}

static void put_arguments(unsigned char *buffer, const char *format, struct arguments *args)
{
	struct weft__pack_scan scan;
	struct weft__pack_op op;

	weft__pack_scan_init(&scan, format);
	while (weft__pack_scan_next(&scan, &op, NULL) > 0) {
		size_t count = op.values;

		for (size_t i = 0; i < count; i++) {
			union weft_pack_value value = take_value(op.letter, args);

			weft__pack_put(&op, buffer + op.offset + i * op.width, &value, 1);
		}
	}
}

ssize_t weft_pack(void *buffer, size_t size_bytes, const char *format, ...)
{
	ssize_t size = weft_pack_size(format);
	struct arguments args;
	bool fits;

	if (size < 0)
		return -1;
	if ((size_t)size > size_bytes) {
		errno = EMSGSIZE;
		return -1;
	}
	va_start(args.list, format);
	fits = arguments_fit(format, &args);
	va_end(args.list);
	if (!fits) {
		errno = ERANGE;
		return -1;
	}
	if (size > 0)
		memset(buffer, 0, (size_t)size); /* for pads and alignment */
	va_start(args.list, format);
	put_arguments(buffer, format, &args);
	va_end(args.list);
	return size;
}

/* ---- Unpacking ---------------------------------------------------------------------- */

static void store_text(
	const struct weft__pack_op *op, const union weft_pack_value *value, struct arguments *args)
{
	void *text = va_arg(args->list, void *);

	if (value->text.len > 0)
		memcpy(text, value->text.data, value->text.len);
	if (op->letter == 'p')
		*va_arg(args->list, size_t *) = value->text.len;
}

/* Stores a value through the next argument, a pointer to the letter's type. */
static void store_value(
	const struct weft__pack_op *op, const union weft_pack_value *value, struct arguments *args)
{
	switch (op->letter) {
	case 's':
	case 'p':
		store_text(op, value, args);
		break;
	case '?':
		*va_arg(args->list, bool *) = value->i != 0;
		break;
	case 'c':
	case 'b':
	case 'B':
		*va_arg(args->list, unsigned char *) = (unsigned char)value->u;
		break;
	case 'h':
	case 'H':
		*va_arg(args->list, unsigned short *) = (unsigned short)value->u;
		break;
	case 'i':
	case 'I':
		*va_arg(args->list, unsigned *) = (unsigned)value->u;
		break;
	case 'l':
	case 'L':
		*va_arg(args->list, unsigned long *) = (unsigned long)value->u;
		break;
	case 'q':
	case 'Q':
		*va_arg(args->list, unsigned long long *) = (unsigned long long)value->u;
		break;
	case 'n':
	case 'N':
		*va_arg(args->list, size_t *) = (size_t)value->u;
		break;
	case 'P':
		*va_arg(args->list, void **) = (void *)(uintptr_t)value->u;
		break;
	case 'e':
	case 'f':
		*va_arg(args->list, float *) = (float)value->d;
		break;
	default: /* d */
		*va_arg(args->list, double *) = value->d;
		break;
	}
}

ssize_t weft_unpack(const void *data, size_t len, const char *format, ...)
{
	ssize_t size = weft_pack_size(format);
	struct weft__pack_scan scan;
	struct weft__pack_op op;
	struct arguments args;

	if (size < 0)
		return -1;
	if ((size_t)size != len) {
		errno = EMSGSIZE;
		return -1;
	}
	va_start(args.list, format);
	weft__pack_scan_init(&scan, format);
	while (weft__pack_scan_next(&scan, &op, NULL) > 0) {
		const unsigned char *at = (const unsigned char *)data + op.offset;
		size_t count = op.values;

		for (size_t i = 0; i < count; i++) {
			union weft_pack_value value;

			weft__pack_get(&op, at + i * op.width, &value, 1);
			store_value(&op, &value, &args);
		}
	}
	va_end(args.list);
	return size;
}
