/*
 * server_glob.c - patterns with * and ? in them, as `mget` and LIST send them.
 *
 * No brackets, no braces: what needs them is expanded by clients, and they are how servers were
 * made to work for ever. A star that does not fit is tried one byte later, the stars before it
 * never again: so the work is at most the product of both lengths.
 *
 * Never: recursion.
 */
#include <string.h>

#include "ftp/server.h"
#include "weft/utf8.h"

bool weft__ftpd_glob_is(const char *name)
{
	return strpbrk(name, "*?") != NULL;
}

/* The character at name is as long as UTF-8 has it; what is none, one byte. */
static size_t character_len(const char *name)
{
	size_t len = weft_utf8_read(name, strnlen(name, 4), NULL);

	return len > 0 ? len : 1;
}

bool weft__ftpd_glob_fits(const char *pattern, const char *name)
{
	const char *star = NULL, *tried = NULL;

	while (*name) {
		if (*pattern == '*') {
			star = ++pattern;
			tried = name;
		} else if (*pattern == '?') {
			pattern++;
			name += character_len(name);
		} else if (*pattern == *name) {
			pattern++;
			name++;
		} else if (star) {
			pattern = star;
			name = ++tried;
		} else {
			return false;
		}
	}
	while (*pattern == '*')
		pattern++;
	return *pattern == '\0';
}
