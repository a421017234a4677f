/*
 * pack_format.c - the format language: scanning, sizes, errors in words, compiling.
 *
 * Entry points: weft__pack_scan_next(), weft_pack_size(), weft_pack_explain(),
 * weft_pack_compile().
 *
 * Never: allocate, loop or multiply by what a format says without a check; a format
 * may come from an enemy.
 */
#include "base/pack.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define IS_BIG_ENDIAN (__BYTE_ORDER__ == __ORDER_BIG_ENDIAN__)

/* ---- Letters --------------------------------------------------------------------- */

enum class {
	CLASS_PAD,
	CLASS_CHAR,
	CLASS_BOOL,
	CLASS_SIGNED,
	CLASS_UNSIGNED,
	CLASS_REAL,
	CLASS_TEXT,
};

struct letter {
	uint8_t class;
	uint8_t standard;  /* size; 0: only with @ */
	uint8_t native;    /* size; 0: no such letter */
	uint8_t alignment; /* with @ */
};

#define OF_TYPE(class, standard, type)                        \
	{                                                     \
		class, standard, sizeof(type), _Alignof(type) \
	}

static const struct letter letters[128] = {
	['x'] = {CLASS_PAD, 1, 1, 1},
	['c'] = {CLASS_CHAR, 1, 1, 1},
	['s'] = {CLASS_TEXT, 1, 1, 1},
	['p'] = {CLASS_TEXT, 1, 1, 1},
	['e'] = {CLASS_REAL, 2, 2, 2},
	['?'] = OF_TYPE(CLASS_BOOL, 1, bool),
	['b'] = OF_TYPE(CLASS_SIGNED, 1, signed char),
	['B'] = OF_TYPE(CLASS_UNSIGNED, 1, unsigned char),
	['h'] = OF_TYPE(CLASS_SIGNED, 2, short),
	['H'] = OF_TYPE(CLASS_UNSIGNED, 2, unsigned short),
	['i'] = OF_TYPE(CLASS_SIGNED, 4, int),
	['I'] = OF_TYPE(CLASS_UNSIGNED, 4, unsigned),
	['l'] = OF_TYPE(CLASS_SIGNED, 4, long),
	['L'] = OF_TYPE(CLASS_UNSIGNED, 4, unsigned long),
	['q'] = OF_TYPE(CLASS_SIGNED, 8, long long),
	['Q'] = OF_TYPE(CLASS_UNSIGNED, 8, unsigned long long),
	['n'] = OF_TYPE(CLASS_SIGNED, 0, ssize_t),
	['N'] = OF_TYPE(CLASS_UNSIGNED, 0, size_t),
	['P'] = OF_TYPE(CLASS_UNSIGNED, 0, void *),
	['f'] = OF_TYPE(CLASS_REAL, 4, float),
	['d'] = OF_TYPE(CLASS_REAL, 8, double),
};

static const struct letter *find_letter(char name)
{
	unsigned char index = (unsigned char)name;

	return index < sizeof(letters) / sizeof(letters[0]) && letters[index].native
		       ? &letters[index]
		       : NULL;
}

/* ---- Errors in words ---------------------------------------------------------------- */

/* Shows one byte of a format to a person, whatever it is. Room for "'\x00'". */
static void show_byte(char byte, char ret_text[8])
{
	if (byte > ' ' && byte < 0x7f)
		snprintf(ret_text, 8, "'%c'", byte);
	else
		snprintf(ret_text, 8, "'\\x%02x'", (unsigned char)byte);
}

static int fail(
	struct weft_pack_error *ret_error, enum weft_pack_fault fault, size_t position, char byte)
{
	char shown[8];
	char *text;
	size_t room = WEFT_PACK_MESSAGE_SIZE;

	errno = EINVAL;
	if (!ret_error)
		return -1;
	*ret_error = (struct weft_pack_error){.fault = fault, .position = position};
	text = ret_error->message;
	show_byte(byte, shown);
	if (fault == WEFT_PACK_LETTER_MISSING)
		snprintf(text, room, "The format ends at byte %zu, after a count without a letter.",
			position);
	else if (fault == WEFT_PACK_TOO_LARGE)
		snprintf(text, room,
			"Up to the letter at byte %zu the format takes over %zd bytes.", position,
			(ssize_t)SSIZE_MAX);
	else if (fault == WEFT_PACK_FORMAT_TOO_LONG)
		snprintf(text, room, "The format is longer than %d bytes.", WEFT_PACK_FORMAT_MAX);
	else if (find_letter(byte))
		snprintf(text, room,
			"The letter %s at byte %zu has no standard size: it needs '@'.", shown,
			position);
	else
		snprintf(text, room, "There is no format letter %s, as at byte %zu.", shown,
			position);
	return -1;
}

/* ---- The scanner ----------------------------------------------------------------------- */

void weft__pack_scan_init(struct weft__pack_scan *scan, const char *format)
{
	*scan = (struct weft__pack_scan){.format = format, .is_native = true};
	switch (format[0]) {
	case '<':
		scan->is_swapped = IS_BIG_ENDIAN;
		break;
	case '>':
	case '!':
		scan->is_swapped = !IS_BIG_ENDIAN;
		break;
	case '=':
		break;
	case '@':
		scan->position = 1;
		return;
	default:
		return;
	}
	scan->is_native = false;
	scan->position = 1;
}

static bool is_digit(char byte)
{
	return byte >= '0' && byte <= '9';
}

static bool is_space(char byte)
{
	return byte == ' ' || (byte >= '\t' && byte <= '\r');
}

/*
 * Reads an optional count. Returns false when it is over SSIZE_MAX or goes on for
 * longer than a format may.
 */
static bool scan_count(struct weft__pack_scan *scan, size_t *ret_count)
{
	size_t count = 0;

	if (!is_digit(scan->format[scan->position])) {
		*ret_count = 1;
		return true;
	}
	for (; is_digit(scan->format[scan->position]); scan->position++) {
		size_t digit = (size_t)(scan->format[scan->position] - '0');

		if (scan->position >= WEFT_PACK_FORMAT_MAX || count > (SSIZE_MAX - digit) / 10)
			return false;
		count = count * 10 + digit;
	}
	*ret_count = count;
	return true;
}

static uint8_t choose_code(const struct letter *letter, char name, size_t width, bool is_swapped)
{
	static const uint8_t unsigned_codes[2][4] = {{PACK_8, PACK_16, PACK_32, PACK_64},
		{PACK_8, PACK_16_SWAPPED, PACK_32_SWAPPED, PACK_64_SWAPPED}};
	static const uint8_t signed_codes[2][4] = {
		{PACK_8_SIGNED, PACK_16_SIGNED, PACK_32_SIGNED, PACK_64},
		{PACK_8_SIGNED, PACK_16_SIGNED_SWAPPED, PACK_32_SIGNED_SWAPPED, PACK_64_SWAPPED}};
	/* A double's bytes are those of a 64-bit integer. */
	static const uint8_t real_codes[2][4] = {{0, PACK_HALF, PACK_FLOAT, PACK_64},
		{0, PACK_HALF_SWAPPED, PACK_FLOAT_SWAPPED, PACK_64_SWAPPED}};
	int log2_width = __builtin_ctzl(width);

	switch (letter->class) {
	case CLASS_PAD:
		return PACK_PAD;
	case CLASS_BOOL:
		return PACK_BOOL;
	case CLASS_TEXT:
		return name == 's' ? PACK_STRING : PACK_PASCAL;
	case CLASS_SIGNED:
		return signed_codes[is_swapped][log2_width];
	case CLASS_REAL:
		return real_codes[is_swapped][log2_width];
	default:
		return unsigned_codes[is_swapped][log2_width];
	}
}

/* What a value must pass before it may be packed. */
static void choose_check(struct weft__pack_op *op, const struct letter *letter, bool is_native)
{
	unsigned bits = 8 * op->width;

	op->limit = UINT64_MAX;
	if (letter->class == CLASS_CHAR) {
		op->bias = 128;
		op->limit = 128 + 255;
	} else if (letter->class == CLASS_SIGNED && bits < 64) {
		op->bias = UINT64_C(1) << (bits - 1);
		op->limit = (UINT64_C(1) << bits) - 1;
	} else if (letter->class == CLASS_UNSIGNED && bits < 64) {
		op->limit = (UINT64_C(1) << bits) - 1;
	}
	op->is_checked =
		op->limit != UINT64_MAX || op->letter == 'e' || (op->letter == 'f' && !is_native);
}

int weft__pack_scan_next(struct weft__pack_scan *scan, struct weft__pack_op *ret_op,
	struct weft_pack_error *ret_error)
{
	const struct letter *letter;
	size_t count, width, size = scan->size_bytes;
	char byte;

	while (is_space(scan->format[scan->position]) && scan->position < WEFT_PACK_FORMAT_MAX)
		scan->position++;
	if (scan->format[scan->position] == '\0')
		return 0;
	if (!scan_count(scan, &count) && scan->position < WEFT_PACK_FORMAT_MAX)
		return fail(ret_error, WEFT_PACK_TOO_LARGE, scan->position, '\0');
	if (scan->position >= WEFT_PACK_FORMAT_MAX)
		return fail(ret_error, WEFT_PACK_FORMAT_TOO_LONG, scan->position, '\0');
	byte = scan->format[scan->position];
	if (byte == '\0')
		return fail(ret_error, WEFT_PACK_LETTER_MISSING, scan->position, '\0');
	letter = find_letter(byte);
	width = !letter ? 0 : scan->is_native ? letter->native : letter->standard;
	if (width == 0)
		return fail(ret_error, WEFT_PACK_BAD_LETTER, scan->position, byte);
	if (scan->is_native) /* size is at most SSIZE_MAX, so this can't wrap */
		size = (size + letter->alignment - 1) & ~((size_t)letter->alignment - 1);
	if (size > SSIZE_MAX || count > (SSIZE_MAX - size) / width)
		return fail(ret_error, WEFT_PACK_TOO_LARGE, scan->position, '\0');
	*ret_op = (struct weft__pack_op){
		.offset = size,
		.count = count,
		.position = (uint32_t)scan->position,
		.code = choose_code(letter, byte, width, scan->is_swapped),
		.width = (uint8_t)width,
		.letter = byte,
	};
	ret_op->values = letter->class == CLASS_PAD ? 0 : letter->class == CLASS_TEXT ? 1 : count;
	choose_check(ret_op, letter, scan->is_native);
	scan->size_bytes = size + count * width;
	scan->position++;
	return 1;
}

/* ---- Sizes and explanations ---------------------------------------------------------------- */

ssize_t weft_pack_size(const char *format)
{
	struct weft__pack_scan scan;
	struct weft__pack_op op;
	int found;

	weft__pack_scan_init(&scan, format);
	while ((found = weft__pack_scan_next(&scan, &op, NULL)) > 0)
		;
	return found < 0 ? -1 : (ssize_t)scan.size_bytes;
}

int weft_pack_explain(const char *format, struct weft_pack_error *ret_error)
{
	struct weft__pack_scan scan;
	struct weft__pack_op op;
	int found;

	*ret_error = (struct weft_pack_error){.message = "The format is good."};
	weft__pack_scan_init(&scan, format);
	while ((found = weft__pack_scan_next(&scan, &op, ret_error)) > 0)
		;
	return found;
}

/* ---- Compiling ------------------------------------------------------------------------------- */

/* Can op just lengthen the operation before it? Then the hot loops have one turn less. */
static bool continues(const struct weft__pack_op *last, const struct weft__pack_op *op)
{
	return last->letter == op->letter && op->code < PACK_STRING &&
	       last->offset + last->count * last->width == op->offset;
}

static void append(struct weft_pack_format *format, const struct weft__pack_op *op)
{
	struct weft__pack_op *last = &format->ops[format->op_count];

	format->values += op->values;
	format->is_checked |= op->is_checked;
	/* Texts clear what they don't fill; pads and alignment have nobody else to do it. */
	format->has_gaps |= op->code == PACK_PAD || op->offset != format->size_bytes;
	format->size_bytes = op->offset + op->count * op->width;
	if (op->values == 0)
		return;
	if (format->op_count > 0 && continues(last - 1, op)) {
		(last - 1)->count += op->count;
		(last - 1)->values += op->values;
	} else {
		format->ops[format->op_count++] = *op;
	}
}

struct weft_pack_format *weft_pack_compile(const char *text, struct weft_pack_error *ret_error)
{
	struct weft_pack_error unused, *error = ret_error ? ret_error : &unused;
	struct weft_pack_format *format;
	struct weft__pack_scan scan;
	struct weft__pack_op op;
	size_t count = 0;

	if (weft_pack_explain(text, error) < 0)
		return NULL;
	weft__pack_scan_init(&scan, text);
	while (weft__pack_scan_next(&scan, &op, NULL) > 0)
		count++;
	format = calloc(1, sizeof(*format) + count * sizeof(format->ops[0]));
	if (!format) {
		error->fault = WEFT_PACK_NO_MEMORY;
		snprintf(error->message, sizeof(error->message),
			"There is no memory for the format.");
		return NULL;
	}
	weft__pack_scan_init(&scan, text);
	while (weft__pack_scan_next(&scan, &op, NULL) > 0)
		append(format, &op);
	return format;
}

void weft_pack_format_free(struct weft_pack_format *format)
{
	free(format);
}

size_t weft_pack_format_size(const struct weft_pack_format *format)
{
	return format->size_bytes;
}

size_t weft_pack_format_values(const struct weft_pack_format *format)
{
	return format->values;
}
