/*
 * chars.h - classes of bytes in HTTP (RFC 9110, section 5.6; RFC 3986, section 2).
 *
 * One table, one bit per class, so that a byte is classed by one load. Independent
 * of the locale, as the protocol is.
 */
#ifndef WEFT_SRC_HTTP_CHARS_H
#define WEFT_SRC_HTTP_CHARS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <strings.h>

enum weft__http_char {
	WEFT__HTTP_TOKEN = 1,      /* tchar: method and field names */
	WEFT__HTTP_TARGET = 2,     /* may stand in a request target as it is */
	WEFT__HTTP_HOST = 4,       /* reg-name without the comma, which splits lists elsewhere */
	WEFT__HTTP_UNRESERVED = 8, /* needs no percent-encoding in a path segment */
	WEFT__HTTP_DIGIT = 16,
	WEFT__HTTP_HEX = 32,
};

extern const uint8_t weft__http_chars[256];

static inline bool weft__http_is(char c, unsigned classes)
{
	return weft__http_chars[(uint8_t)c] & classes;
}

static inline char weft__http_lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
}

/** The value of a hexadecimal digit; c is one. */
static inline unsigned weft__http_hex(char c)
{
	return c <= '9' ? (unsigned)(c - '0') : (unsigned)((c | 0x20) - 'a' + 10);
}

/** Whether a[0..len) is the ASCII text b, which is in lower case, in any case. */
static inline bool weft__http_equal_nocase(const char *a, size_t len, const char *b)
{
	if (strlen(b) != len)
		return false;
	for (size_t i = 0; i < len; i++)
		if (weft__http_lower(a[i]) != b[i])
			return false;
	return true;
}

/** How many bytes from data on are in the classes. */
size_t weft__http_span(const char *data, size_t len, unsigned classes);

/**
 * Whether all bytes may stand in a field value: no control character but the tab
 * (RFC 9110, section 5.5: a CR, LF or NUL there is an attack).
 */
bool weft__http_is_field_value(const char *data, size_t len);

/** Whether it is a b64token (RFC 6750, section 2.1): what a bearer token can be. */
bool weft__http_is_b64token(const char *data, size_t len);

#endif
