/*
 * base/pack.h - what the files of pack share: the scanner of formats, and one field's work.
 *
 * A format becomes a row of operations, each "count fields of this letter from this
 * offset". Counts stay numbers, so memory and scanning time go by the length of the
 * format's text, never by what it says.
 *
 * Never: included outside src/base/pack*.c and its tests.
 */
#ifndef BASE_PACK_H
#define BASE_PACK_H

#include "weft/pack.h"

/* How a field's bytes are made; the hot loops switch on it. */
enum weft__pack_code {
	PACK_PAD,
	PACK_BOOL,
	PACK_8,  /* any integer of one byte, read unsigned */
	PACK_16, /* in the machine's order, read unsigned */
	PACK_32,
	PACK_64,
	PACK_16_SWAPPED,
	PACK_32_SWAPPED,
	PACK_64_SWAPPED,
	PACK_8_SIGNED, /* the same bytes as PACK_8; reading extends the sign */
	PACK_16_SIGNED,
	PACK_32_SIGNED,
	PACK_16_SIGNED_SWAPPED,
	PACK_32_SIGNED_SWAPPED,
	PACK_HALF,
	PACK_HALF_SWAPPED,
	PACK_FLOAT,
	PACK_FLOAT_SWAPPED,
	PACK_STRING,
	PACK_PASCAL,
};

/* One field to pack is in range when value + bias <= limit, in uint64_t arithmetic. */
struct weft__pack_op {
	size_t offset;     /* of the first field in the packed bytes */
	size_t count;      /* fields; with `s` and `p` the bytes of the one field */
	size_t values;     /* that it takes: none for `x`, one for `s` and `p`, else count */
	uint64_t bias;     /* integers only */
	uint64_t limit;    /* integers only; UINT64_MAX: nothing to check */
	uint32_t position; /* of the letter in the format */
	uint8_t code;      /* enum weft__pack_code */
	uint8_t width;     /* bytes of one field */
	bool is_checked;   /* packing has to look at the value first */
	char letter;
};

struct weft_pack_format {
	size_t size_bytes;
	size_t values; /* that it takes */
	size_t op_count;
	bool has_gaps;   /* some bytes belong to no field: packing clears all first */
	bool is_checked; /* some operation is */
	struct weft__pack_op ops[];
};

/* ---- The scanner (pack_format.c) ----------------------------------------------- */

struct weft__pack_scan {
	const char *format;
	size_t position;
	size_t size_bytes; /* so far */
	bool is_native;    /* C's sizes and alignment */
	bool is_swapped;   /* the other byte order */
};

void weft__pack_scan_init(struct weft__pack_scan *scan, const char *format);

/*
 * Reads on to the next operation. Returns 1, 0 at the end of the format, or -1 with
 * EINVAL and, unless ret_error is NULL, the reason.
 */
int weft__pack_scan_next(struct weft__pack_scan *scan, struct weft__pack_op *ret_op,
	struct weft_pack_error *ret_error);

/* ---- One operation's work (pack_value.c) ------------------------------------------ */

/* May this value be packed by op? */
bool weft__pack_value_fits(const struct weft__pack_op *op, const union weft_pack_value *value);

/* Packs count fields (one text) from values, which fit, to the bytes at `at`. */
void weft__pack_put(const struct weft__pack_op *op, unsigned char *at,
	const union weft_pack_value *values, size_t count);

/* Unpacks count fields (one text) from the bytes at `at`. */
void weft__pack_get(const struct weft__pack_op *op, const unsigned char *at,
	union weft_pack_value *ret_values, size_t count);

/* ---- Half floats (pack_half.c) ----------------------------------------------------- */

/* Rounds half to even. Returns false, with nothing written, when it would be infinite. */
bool weft__half_from_double(double number, uint16_t *ret_bits);

double weft__half_to_double(uint16_t bits);

#endif
