/*
 * base64.h - base64 (RFC 4648, section 4), strictly.
 *
 * Never: reads what is not exactly what encoding would have written: one text, one meaning.
 */
#ifndef WEFT_BASE_BASE64_H
#define WEFT_BASE_BASE64_H

#include <stddef.h>
#include <sys/types.h>

/** Characters that len bytes become, with the padding. */
#define WEFT__BASE64_LEN(len) (((len) + 2) / 3 * 4)

/** Write WEFT__BASE64_LEN(len) characters, and no NUL. */
void weft__base64_encode(char *ret_text, const void *data, size_t len);

/**
 * Read len characters, into len / 4 * 3 bytes at most. Returns how many bytes they are; -1: they
 * are no base64 (another character, padding that is missing or too much, bits left over).
 */
ssize_t weft__base64_decode(void *ret_data, const char *text, size_t len);

#endif
