/*
 * chars.c - the table of byte classes, and scans over it.
 *
 * Entry points: weft__http_span(), weft__http_is_field_value(), weft__http_is_b64token().
 * Never: looks at the locale, or reads past len.
 */
#include "http/chars.h"

#ifdef __SSE2__
#include <emmintrin.h>
#endif

#define TOKEN  WEFT__HTTP_TOKEN
#define TARGET WEFT__HTTP_TARGET
#define HOST   WEFT__HTTP_HOST
#define PLAIN  WEFT__HTTP_UNRESERVED

/* Bytes of 0x80 and above stand in targets because curl and others send raw UTF-8 there. */
const uint8_t weft__http_chars[256] = {
	[0x80 ... 0xff] = TARGET,
	['0' ... '9'] = TOKEN | TARGET | HOST | PLAIN | WEFT__HTTP_DIGIT | WEFT__HTTP_HEX,
	['A' ... 'F'] = TOKEN | TARGET | HOST | PLAIN | WEFT__HTTP_HEX,
	['G' ... 'Z'] = TOKEN | TARGET | HOST | PLAIN,
	['a' ... 'f'] = TOKEN | TARGET | HOST | PLAIN | WEFT__HTTP_HEX,
	['g' ... 'z'] = TOKEN | TARGET | HOST | PLAIN,
	['-'] = TOKEN | TARGET | HOST | PLAIN,
	['.'] = TOKEN | TARGET | HOST | PLAIN,
	['_'] = TOKEN | TARGET | HOST | PLAIN,
	['~'] = TOKEN | TARGET | HOST | PLAIN,
	['!'] = TOKEN | TARGET | HOST,
	['$'] = TOKEN | TARGET | HOST,
	['&'] = TOKEN | TARGET | HOST,
	['\''] = TOKEN | TARGET | HOST,
	['*'] = TOKEN | TARGET | HOST,
	['+'] = TOKEN | TARGET | HOST,
	['%'] = TOKEN | TARGET | HOST,
	['('] = TARGET | HOST,
	[')'] = TARGET | HOST,
	[';'] = TARGET | HOST,
	['='] = TARGET | HOST,
	['^'] = TOKEN | TARGET,
	['`'] = TOKEN | TARGET,
	['|'] = TOKEN | TARGET,
	['"'] = TARGET,
	[','] = TARGET,
	['/'] = TARGET,
	[':'] = TARGET,
	['<'] = TARGET,
	['>'] = TARGET,
	['?'] = TARGET,
	['@'] = TARGET,
	['['] = TARGET,
	['\\'] = TARGET,
	[']'] = TARGET,
	['{'] = TARGET,
	['}'] = TARGET,
	['#'] = TOKEN, /* a fragment never travels: RFC 9112, section 3.2 */
};

size_t weft__http_span(const char *data, size_t len, unsigned classes)
{
	size_t i = 0;

	while (i < len && weft__http_is(data[i], classes))
		i++;
	return i;
}

/* Whether one of the eight bytes is under 0x20 or is 0x7f. A tab is, and is looked at again. */
static bool word_has_control(uint64_t word)
{
	const uint64_t ones = 0x0101010101010101u, highs = 0x8080808080808080u;
	uint64_t under_space = (word - ones * 0x20) & ~word;
	uint64_t is_delete = word ^ (ones * 0x7f);

	return (under_space | ((is_delete - ones) & ~is_delete)) & highs;
}

static bool bytes_are_field_value(const char *data, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		uint8_t byte = (uint8_t)data[i];

		if ((byte < 0x20 && byte != '\t') || byte == 0x7f)
			return false;
	}
	return true;
}

#ifdef __SSE2__ /* which every x86-64 has: nothing to detect */

/* The same of sixteen bytes at once. */
static size_t skip_field_value(const char *data, size_t len)
{
	/* Signed, bytes from 0x80 on are below all: turned over, they are above. */
	const __m128i turn = _mm_set1_epi8((char)0x80);
	const __m128i space = _mm_set1_epi8((char)(0x20 ^ 0x80));
	const __m128i tab = _mm_set1_epi8('\t'), delete = _mm_set1_epi8(0x7f);
	size_t at = 0;

	for (; len - at >= sizeof(__m128i); at += sizeof(__m128i)) {
		__m128i bytes = _mm_loadu_si128((const void *)(data + at));
		__m128i is_control = _mm_andnot_si128(_mm_cmpeq_epi8(bytes, tab),
			_mm_cmplt_epi8(_mm_xor_si128(bytes, turn), space));

		if (_mm_movemask_epi8(_mm_or_si128(is_control, _mm_cmpeq_epi8(bytes, delete))))
			break;
	}
	return at;
}

#else

static size_t skip_field_value(const char *data, size_t len)
{
	(void)data;
	(void)len;
	return 0;
}

#endif

bool weft__http_is_field_value(const char *data, size_t len)
{
	size_t good = skip_field_value(data, len);

	data += good;
	len -= good;
	for (; len >= sizeof(uint64_t); data += sizeof(uint64_t), len -= sizeof(uint64_t)) {
		uint64_t word;

		memcpy(&word, data, sizeof(word));
		if (word_has_control(word) && !bytes_are_field_value(data, sizeof(word)))
			return false;
	}
	return bytes_are_field_value(data, len);
}

/* Letters, digits, "-._~+/", then any number of "=". */
bool weft__http_is_b64token(const char *data, size_t len)
{
	size_t at = 0;

	while (at < len && (weft__http_is(data[at], WEFT__HTTP_UNRESERVED) || data[at] == '+' ||
				   data[at] == '/'))
		at++;
	if (at == 0)
		return false;
	while (at < len && data[at] == '=')
		at++;
	return at == len;
}
