/*
 * array.c - values of the C types in shared memory, one at a time and whole.
 *
 *	0      64
 *	+------+----------- - -
 *	| lock | the values, as C has them
 *	+------+----------- - -
 *
 * Must never: touch a value by more than one access.
 */
#include <errno.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "weft/shared.h"

#define VALUES_AT 64

enum kind {
	KIND_NONE,
	KIND_BOOL,
	KIND_SIGNED,
	KIND_UNSIGNED,
	KIND_REAL,
};

struct weft_shared_array {
	struct weft_segment *segment;
	unsigned char *values;
	size_t len, size; /* of one */
	enum kind kind;
	char letter;
};

static int fail(int code)
{
	errno = code;
	return -1;
}

/* ---- Letters --------------------------------------------------------------------------- */

static enum kind kind_of(char letter)
{
	if (letter == '?')
		return KIND_BOOL;
	if (letter && strchr("bhilq", letter))
		return KIND_SIGNED;
	if (letter && strchr("BHILQ", letter))
		return KIND_UNSIGNED;
	return letter == 'f' || letter == 'd' ? KIND_REAL : KIND_NONE;
}

/* ---- Life -------------------------------------------------------------------------------- */

static struct weft_shared_array *array_of(struct weft_segment *segment, char letter, size_t size)
{
	struct weft_shared_array *array = calloc(1, sizeof *array);

	if (!array)
		return NULL;
	array->segment = segment;
	array->values = (unsigned char *)weft_segment_data(segment) + VALUES_AT;
	array->size = size;
	array->len = (weft_segment_size(segment) - VALUES_AT) / size;
	array->kind = kind_of(letter);
	array->letter = letter;
	return array;
}

struct weft_shared_array *weft_shared_array_new(const char *name, char letter, size_t count,
	const struct weft_shared_array_options *options)
{
	char type[16], format[2] = {letter, '\0'};
	struct weft_segment_options how = {.type = type};
	struct weft_shared_array *array = NULL;
	struct weft_segment *segment;
	size_t size;

	if (kind_of(letter) == KIND_NONE || (!name && count == 0)) {
		errno = EINVAL;
		return NULL;
	}
	size = (size_t)weft_pack_size(format);
	if (count > (SSIZE_MAX - VALUES_AT) / size) {
		errno = EOVERFLOW;
		return NULL;
	}
	snprintf(type, sizeof type, "weft array %c", letter);
	if (options) {
		how.mode = options->mode;
		how.must_exist = options->must_exist;
		how.must_be_new = options->must_be_new;
	}
	segment = weft_segment_new(name, count ? VALUES_AT + count * size : 0, &how);
	if (!segment)
		return NULL;
	if (weft_segment_size(segment) < VALUES_AT + size)
		errno = EPROTO;
	else
		array = array_of(segment, letter, size);
	if (!array)
		weft_segment_free(segment);
	return array;
}

void weft_shared_array_free(struct weft_shared_array *array)
{
	if (!array)
		return;
	weft_segment_free(array->segment);
	free(array);
}

size_t weft_shared_array_len(const struct weft_shared_array *array)
{
	return array->len;
}

char weft_shared_array_letter(const struct weft_shared_array *array)
{
	return array->letter;
}

void *weft_shared_array_data(const struct weft_shared_array *array)
{
	return array->values;
}

struct weft_shared_lock *weft_shared_array_lock(struct weft_shared_array *array)
{
	return weft_segment_data(array->segment);
}

/* ---- Bits: a value as the low bytes of 64 of them ----------------------------------------- */

static void *place(const struct weft_shared_array *array, size_t index)
{
	return array->values + index * array->size;
}

static uint64_t load(const struct weft_shared_array *array, size_t index)
{
	switch (array->size) {
	case 1:
		return atomic_load((_Atomic uint8_t *)place(array, index));
	case 2:
		return atomic_load((_Atomic uint16_t *)place(array, index));
	case 4:
		return atomic_load((_Atomic uint32_t *)place(array, index));
	default:
		return atomic_load((_Atomic uint64_t *)place(array, index));
	}
}

static uint64_t exchange(struct weft_shared_array *array, size_t index, uint64_t bits)
{
	switch (array->size) {
	case 1:
		return atomic_exchange((_Atomic uint8_t *)place(array, index), (uint8_t)bits);
	case 2:
		return atomic_exchange((_Atomic uint16_t *)place(array, index), (uint16_t)bits);
	case 4:
		return atomic_exchange((_Atomic uint32_t *)place(array, index), (uint32_t)bits);
	default:
		return atomic_exchange((_Atomic uint64_t *)place(array, index), bits);
	}
}

static uint64_t add(struct weft_shared_array *array, size_t index, uint64_t bits)
{
	switch (array->size) {
	case 1:
		return atomic_fetch_add((_Atomic uint8_t *)place(array, index), (uint8_t)bits);
	case 2:
		return atomic_fetch_add((_Atomic uint16_t *)place(array, index), (uint16_t)bits);
	case 4:
		return atomic_fetch_add((_Atomic uint32_t *)place(array, index), (uint32_t)bits);
	default:
		return atomic_fetch_add((_Atomic uint64_t *)place(array, index), bits);
	}
}

#define COMPARE_EXCHANGE(type)                                                          \
	do {                                                                            \
		type expected_ = (type)*expected;                                       \
		bool is_done_ = atomic_compare_exchange_strong(                         \
			(_Atomic type *)place(array, index), &expected_, (type)wanted); \
		*expected = expected_;                                                  \
		return is_done_;                                                        \
	} while (0)

/* *expected becomes what was found. */
static bool compare_exchange(
	struct weft_shared_array *array, size_t index, uint64_t *expected, uint64_t wanted)
{
	switch (array->size) {
	case 1:
		COMPARE_EXCHANGE(uint8_t);
	case 2:
		COMPARE_EXCHANGE(uint16_t);
	case 4:
		COMPARE_EXCHANGE(uint32_t);
	default:
		COMPARE_EXCHANGE(uint64_t);
	}
}

/* ---- Values ---------------------------------------------------------------------------------- */

static union weft_pack_value value_of(const struct weft_shared_array *array, uint64_t bits)
{
	unsigned spare = 64 - 8 * (unsigned)array->size;
	float real;

	switch (array->kind) {
	case KIND_SIGNED:
		return (union weft_pack_value){.i = (int64_t)(bits << spare) >> spare};
	case KIND_REAL:
		if (array->size == sizeof(double))
			break; /* the same bits */
		memcpy(&real, &(uint32_t){(uint32_t)bits}, sizeof real);
		return (union weft_pack_value){.d = real};
	case KIND_BOOL:
		return (union weft_pack_value){.i = bits != 0};
	default:
		break;
	}
	return (union weft_pack_value){.u = bits};
}

/* Whether it fits. */
static bool bits_of(
	const struct weft_shared_array *array, union weft_pack_value value, uint64_t *ret_bits)
{
	float real = (float)value.d;
	uint32_t word;

	*ret_bits = value.u;
	if (array->kind == KIND_BOOL)
		*ret_bits = value.i != 0;
	if (array->kind == KIND_REAL && array->size == sizeof real) {
		memcpy(&word, &real, sizeof word);
		*ret_bits = word;
	}
	if (array->kind == KIND_SIGNED || array->kind == KIND_UNSIGNED)
		return value_of(
			       array, *ret_bits << (64 - 8 * array->size) >> (64 - 8 * array->size))
			       .u == value.u;
	return true;
}

int weft_shared_array_get(
	const struct weft_shared_array *array, size_t index, union weft_pack_value *ret_value)
{
	if (index >= array->len)
		return fail(EDOM);
	*ret_value = value_of(array, load(array, index));
	return 0;
}

int weft_shared_array_set(
	struct weft_shared_array *array, size_t index, union weft_pack_value value)
{
	uint64_t bits;

	if (index >= array->len)
		return fail(EDOM);
	if (!bits_of(array, value, &bits))
		return fail(ERANGE);
	exchange(array, index, bits);
	return 0;
}

/* ---- In one step ------------------------------------------------------------------------------
 */

/* 0 or an errno. */
static int may_change(const struct weft_shared_array *array, size_t index)
{
	if (array->kind != KIND_SIGNED && array->kind != KIND_UNSIGNED)
		return EINVAL;
	return index >= array->len ? EDOM : 0;
}

static void tell(
	const struct weft_shared_array *array, uint64_t bits, union weft_pack_value *ret_old)
{
	if (ret_old)
		*ret_old = value_of(array, bits);
}

int weft_shared_array_add(struct weft_shared_array *array, size_t index, int64_t delta,
	union weft_pack_value *ret_old)
{
	int code = may_change(array, index);

	if (code)
		return fail(code);
	tell(array, add(array, index, (uint64_t)delta), ret_old);
	return 0;
}

int weft_shared_array_exchange(struct weft_shared_array *array, size_t index,
	union weft_pack_value value, union weft_pack_value *ret_old)
{
	int code = may_change(array, index);
	uint64_t bits;

	if (code == 0 && !bits_of(array, value, &bits))
		code = ERANGE;
	if (code)
		return fail(code);
	tell(array, exchange(array, index, bits), ret_old);
	return 0;
}

int weft_shared_array_compare_exchange(struct weft_shared_array *array, size_t index,
	union weft_pack_value expected, union weft_pack_value value, union weft_pack_value *ret_old)
{
	int code = may_change(array, index);
	uint64_t found, wanted;
	bool is_done;

	if (code == 0 && (!bits_of(array, expected, &found) || !bits_of(array, value, &wanted)))
		code = ERANGE;
	if (code)
		return fail(code);
	is_done = compare_exchange(array, index, &found, wanted);
	tell(array, found, ret_old);
	return is_done ? 0 : fail(EAGAIN);
}
