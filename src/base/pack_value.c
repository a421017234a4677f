/*
 * pack_value.c - packing from and unpacking to arrays of values, by compiled formats.
 *
 * Entry points: weft_pack_values(), weft_unpack_values(), weft_pack_check(),
 * weft_unpack_iter_next().
 *
 * This is the hot path. Packing first looks at all values that may not fit, then
 * writes without asking; a whole row of equal letters is one turn of the outer loop.
 * Fields lie anywhere, so bytes move by memcpy(), which is one instruction.
 *
 * Never: write a byte before it is known that all of them can be written.
 */
#include "base/pack.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

/* ---- Ranges -------------------------------------------------------------------------- */

static bool float_fits(double number)
{
	return !isfinite(number) || isfinite((float)number);
}

bool weft__pack_value_fits(const struct weft__pack_op *op, const union weft_pack_value *value)
{
	uint16_t half;

	if (!op->is_checked)
		return true;
	if (op->letter == 'e')
		return weft__half_from_double(value->d, &half);
	if (op->letter == 'f')
		return float_fits(value->d);
	return value->u + op->bias <= op->limit;
}

/* Index of the first of count values that op can't pack; count when all fit. */
static size_t find_misfit(
	const struct weft__pack_op *op, const union weft_pack_value *values, size_t count)
{
	size_t i = 0;

	if (!op->is_checked)
		return count;
	if (op->letter == 'e' || op->letter == 'f') {
		while (i < count && weft__pack_value_fits(op, &values[i]))
			i++;
		return i;
	}
	while (i < count && values[i].u + op->bias <= op->limit)
		i++;
	return i;
}

static bool all_fit(const struct weft_pack_format *format, const union weft_pack_value *values)
{
	const struct weft__pack_op *end = format->ops + format->op_count;

	if (!format->is_checked)
		return true;
	for (const struct weft__pack_op *op = format->ops; op < end; op++) {
		/* One integer is what most operations of a header are: no call for it. */
		if (op->values == 1 && op->code < PACK_HALF) {
			if (values->u + op->bias > op->limit)
				return false;
		} else if (find_misfit(op, values, op->values) < op->values) {
			return false;
		}
		values += op->values;
	}
	return true;
}

/* ---- One operation ----------------------------------------------------------------------- */

/* Bytes to one field and back; the names carry the width in bits. */
#define DEFINE_FIELD(bits, swap)                                                  \
	static inline void put_##bits(unsigned char *at, uint64_t number)         \
	{                                                                         \
		uint##bits##_t field = (uint##bits##_t)number;                    \
		memcpy(at, &field, sizeof(field));                                \
	}                                                                         \
	static inline void put_swapped_##bits(unsigned char *at, uint64_t number) \
	{                                                                         \
		put_##bits(at, swap((uint##bits##_t)number));                     \
	}                                                                         \
	static inline uint##bits##_t get_##bits(const unsigned char *at)          \
	{                                                                         \
		uint##bits##_t field;                                             \
		memcpy(&field, at, sizeof(field));                                \
		return field;                                                     \
	}                                                                         \
	static inline uint##bits##_t get_swapped_##bits(const unsigned char *at)  \
	{                                                                         \
		return swap(get_##bits(at));                                      \
	}

DEFINE_FIELD(16, __builtin_bswap16)
DEFINE_FIELD(32, __builtin_bswap32)
DEFINE_FIELD(64, __builtin_bswap64)

static uint16_t half_of(double number)
{
	uint16_t bits = 0;

	weft__half_from_double(number, &bits); /* it fits: that was checked before */
	return bits;
}

static uint32_t float_bits(double number)
{
	float field = (float)number;
	uint32_t bits;

	memcpy(&bits, &field, sizeof(bits));
	return bits;
}

static double float_of(uint32_t bits)
{
	float field;

	memcpy(&field, &bits, sizeof(field));
	return field;
}

/* A string, cut or padded to the field; a Pascal string has its length byte before it. */
static void put_text(
	const struct weft__pack_op *op, unsigned char *at, const union weft_pack_value *value)
{
	size_t room = op->count, len = value->text.len;

	if (room == 0)
		return;
	if (op->code == PACK_PASCAL) {
		room--;
		len = len < room ? len : room;
		*at++ = (unsigned char)(len < 255 ? len : 255);
	}
	len = len < room ? len : room;
	if (len > 0)
		memcpy(at, value->text.data, len);
	memset(at + len, 0, room - len);
}

static void get_text(
	const struct weft__pack_op *op, const unsigned char *at, union weft_pack_value *ret_value)
{
	size_t len = op->count;

	if (op->code == PACK_PASCAL && len > 0) {
		len--;
		len = *at < len ? *at : len;
		at++;
	}
	ret_value->text.data = at;
	ret_value->text.len = len;
}

#define PUT_EACH(width, put, number)                     \
	do {                                             \
		for (size_t i = 0; i < count; i++)       \
			put(at + i * (width), (number)); \
		return;                                  \
	} while (0)

static inline void put_8(unsigned char *at, uint64_t number)
{
	*at = (unsigned char)number;
}

__attribute__((always_inline)) static inline void put_op(const struct weft__pack_op *op,
	unsigned char *at, const union weft_pack_value *values, size_t count)
{
	switch (op->code) {
	case PACK_BOOL:
		PUT_EACH(1, put_8, values[i].i != 0);
	case PACK_8:
	case PACK_8_SIGNED:
		PUT_EACH(1, put_8, values[i].u);
	case PACK_16:
	case PACK_16_SIGNED:
		PUT_EACH(2, put_16, values[i].u);
	case PACK_16_SWAPPED:
	case PACK_16_SIGNED_SWAPPED:
		PUT_EACH(2, put_swapped_16, values[i].u);
	case PACK_32:
	case PACK_32_SIGNED:
		PUT_EACH(4, put_32, values[i].u);
	case PACK_32_SWAPPED:
	case PACK_32_SIGNED_SWAPPED:
		PUT_EACH(4, put_swapped_32, values[i].u);
	case PACK_64:
		PUT_EACH(8, put_64, values[i].u);
	case PACK_64_SWAPPED:
		PUT_EACH(8, put_swapped_64, values[i].u);
	case PACK_HALF:
		PUT_EACH(2, put_16, half_of(values[i].d));
	case PACK_HALF_SWAPPED:
		PUT_EACH(2, put_swapped_16, half_of(values[i].d));
	case PACK_FLOAT:
		PUT_EACH(4, put_32, float_bits(values[i].d));
	case PACK_FLOAT_SWAPPED:
		PUT_EACH(4, put_swapped_32, float_bits(values[i].d));
	case PACK_STRING:
	case PACK_PASCAL:
		put_text(op, at, values);
		return;
	default:
		return; /* PACK_PAD: the bytes were cleared before */
	}
}

void weft__pack_put(const struct weft__pack_op *op, unsigned char *at,
	const union weft_pack_value *values, size_t count)
{
	put_op(op, at, values, count);
}

#define GET_EACH(width, member, number)                           \
	do {                                                      \
		for (size_t i = 0; i < count; i++, at += (width)) \
			ret_values[i].member = (number);          \
		return;                                           \
	} while (0)

__attribute__((always_inline)) static inline void get_op(const struct weft__pack_op *op,
	const unsigned char *at, union weft_pack_value *ret_values, size_t count)
{
	switch (op->code) {
	case PACK_BOOL:
		GET_EACH(1, i, *at != 0);
	case PACK_8:
		GET_EACH(1, u, *at);
	case PACK_8_SIGNED:
		GET_EACH(1, i, (int8_t)*at);
	case PACK_16:
		GET_EACH(2, u, get_16(at));
	case PACK_16_SIGNED:
		GET_EACH(2, i, (int16_t)get_16(at));
	case PACK_16_SWAPPED:
		GET_EACH(2, u, get_swapped_16(at));
	case PACK_16_SIGNED_SWAPPED:
		GET_EACH(2, i, (int16_t)get_swapped_16(at));
	case PACK_32:
		GET_EACH(4, u, get_32(at));
	case PACK_32_SIGNED:
		GET_EACH(4, i, (int32_t)get_32(at));
	case PACK_32_SWAPPED:
		GET_EACH(4, u, get_swapped_32(at));
	case PACK_32_SIGNED_SWAPPED:
		GET_EACH(4, i, (int32_t)get_swapped_32(at));
	case PACK_64:
		GET_EACH(8, u, get_64(at));
	case PACK_64_SWAPPED:
		GET_EACH(8, u, get_swapped_64(at));
	case PACK_HALF:
		GET_EACH(2, d, weft__half_to_double(get_16(at)));
	case PACK_HALF_SWAPPED:
		GET_EACH(2, d, weft__half_to_double(get_swapped_16(at)));
	case PACK_FLOAT:
		GET_EACH(4, d, float_of(get_32(at)));
	case PACK_FLOAT_SWAPPED:
		GET_EACH(4, d, float_of(get_swapped_32(at)));
	case PACK_STRING:
	case PACK_PASCAL:
		get_text(op, at, ret_values);
		return;
	default:
		return; /* PACK_PAD: nothing to read */
	}
}

void weft__pack_get(const struct weft__pack_op *op, const unsigned char *at,
	union weft_pack_value *ret_values, size_t count)
{
	get_op(op, at, ret_values, count);
}

/* ---- Whole formats --------------------------------------------------------------------------- */

ssize_t weft_pack_values(const struct weft_pack_format *format, void *buffer, size_t size_bytes,
	const union weft_pack_value *values, size_t count)
{
	const struct weft__pack_op *end = format->ops + format->op_count;

	if (count != format->values) {
		errno = EINVAL;
		return -1;
	}
	if (size_bytes < format->size_bytes) {
		errno = EMSGSIZE;
		return -1;
	}
	if (!all_fit(format, values)) {
		errno = ERANGE;
		return -1;
	}
	if (format->has_gaps)
		memset(buffer, 0, format->size_bytes);
	for (const struct weft__pack_op *op = format->ops; op < end; op++) {
		unsigned char *at = (unsigned char *)buffer + op->offset;

		if (op->values == 1)
			put_op(op, at, values, 1);
		else
			put_op(op, at, values, op->values);
		values += op->values;
	}
	return (ssize_t)format->size_bytes;
}

/* The caller has checked that data and ret_values are as long as the format says. */
static void unpack_record(const struct weft_pack_format *format, const unsigned char *data,
	union weft_pack_value *ret_values)
{
	const struct weft__pack_op *end = format->ops + format->op_count;

	for (const struct weft__pack_op *op = format->ops; op < end; op++) {
		if (op->values == 1) /* the compiler makes a version without loops of it */
			get_op(op, data + op->offset, ret_values, 1);
		else
			get_op(op, data + op->offset, ret_values, op->values);
		ret_values += op->values;
	}
}

ssize_t weft_unpack_values(const struct weft_pack_format *format, const void *data, size_t len,
	union weft_pack_value *ret_values, size_t count)
{
	if (count != format->values) {
		errno = EINVAL;
		return -1;
	}
	if (len != format->size_bytes) {
		errno = EMSGSIZE;
		return -1;
	}
	unpack_record(format, data, ret_values);
	return (ssize_t)len;
}

/* ---- Errors in words
 * ----------------------------------------------------------------------------- */

static int explain_misfit(const struct weft__pack_op *op, const union weft_pack_value *value,
	size_t index, struct weft_pack_error *ret_error)
{
	char *text = ret_error->message;
	size_t room = sizeof(ret_error->message);

	*ret_error = (struct weft_pack_error){
		.fault = WEFT_PACK_OUT_OF_RANGE, .position = op->position, .value = index};
	if (op->letter == 'e' || op->letter == 'f')
		snprintf(text, room, "Value %zu: %g is too large for '%c'.", index, value->d,
			op->letter);
	else if (op->bias)
		snprintf(text, room,
			"Value %zu: %" PRId64 " is not from %" PRId64 " to %" PRId64
			", as '%c' needs.",
			index, value->i, -(int64_t)op->bias, (int64_t)(op->limit - op->bias),
			op->letter);
	else
		snprintf(text, room,
			"Value %zu: %" PRIu64 " is not from 0 to %" PRIu64 ", as '%c' needs.",
			index, value->u, op->limit, op->letter);
	errno = ERANGE;
	return -1;
}

int weft_pack_check(const struct weft_pack_format *format, const union weft_pack_value *values,
	size_t count, struct weft_pack_error *ret_error)
{
	size_t first = 0;

	*ret_error = (struct weft_pack_error){.message = "The values fit."};
	if (count != format->values) {
		ret_error->fault = WEFT_PACK_WRONG_COUNT;
		snprintf(ret_error->message, sizeof(ret_error->message),
			"The format takes %zu values, not %zu.", format->values, count);
		errno = EINVAL;
		return -1;
	}
	for (size_t i = 0; i < format->op_count; i++) {
		const struct weft__pack_op *op = &format->ops[i];
		size_t misfit = find_misfit(op, values + first, op->values);

		if (misfit < op->values)
			return explain_misfit(
				op, &values[first + misfit], first + misfit, ret_error);
		first += op->values;
	}
	return 0;
}

/* ---- Many records in a row
 * ------------------------------------------------------------------------- */

int weft_unpack_iter_init(struct weft_unpack_iter *iter, const struct weft_pack_format *format,
	const void *data, size_t len)
{
	if (format->size_bytes == 0) {
		errno = EINVAL;
		return -1;
	}
	if (len % format->size_bytes != 0) {
		errno = EMSGSIZE;
		return -1;
	}
	iter->format = format;
	iter->next = data;
	iter->end = len > 0 ? iter->next + len : iter->next; /* data may be NULL with no bytes */
	return 0;
}

int weft_unpack_iter_next(
	struct weft_unpack_iter *iter, union weft_pack_value *ret_values, size_t count)
{
	if (count != iter->format->values) {
		errno = EINVAL;
		return -1;
	}
	if (iter->next == iter->end)
		return 0;
	unpack_record(iter->format, iter->next, ret_values);
	iter->next += iter->format->size_bytes;
	return 1;
}
