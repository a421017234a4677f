/*
 * letter.h - what a character is in a name: a letter or digit, a mark on one, or neither.
 *
 * All floors that judge names ask here, so that what is a letter in the name of an account is one
 * in the name of a room.
 *
 * Never: included where utf8proc may be missing (the Makefile leaves accounts and rooms out then).
 */
#ifndef WEFT_BASE_LETTER_H
#define WEFT_BASE_LETTER_H

#include <stdint.h>
#include <utf8proc.h>

enum weft__letter {
	WEFT__NO_LETTER, /* signs, spaces, and what is there and can't be seen */
	WEFT__LETTER,    /* or digit, of any script */
	WEFT__MARK,      /* on a letter */
};

/** By its category in Unicode. */
static inline enum weft__letter weft__letter_of(uint32_t character)
{
	const utf8proc_property_t *property = utf8proc_get_property((utf8proc_int32_t)character);

	if (property->ignorable)
		return WEFT__NO_LETTER;
	switch (property->category) {
	case UTF8PROC_CATEGORY_LU:
	case UTF8PROC_CATEGORY_LL:
	case UTF8PROC_CATEGORY_LT:
	case UTF8PROC_CATEGORY_LM:
	case UTF8PROC_CATEGORY_LO:
	case UTF8PROC_CATEGORY_ND:
	case UTF8PROC_CATEGORY_NL:
	case UTF8PROC_CATEGORY_NO:
		return WEFT__LETTER;
	case UTF8PROC_CATEGORY_MN:
	case UTF8PROC_CATEGORY_MC:
		return WEFT__MARK;
	default:
		return WEFT__NO_LETTER;
	}
}

#endif
