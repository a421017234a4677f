/*
 * search.c - files and folders by their names (weft/files.h).
 *
 * Entry point: weft_files_search().
 *
 * Names are compared as characters, in any case: that of ASCII, Latin-1, Latin Extended-A, Greek
 * and Cyrillic, which are what a table of a few lines can hold. A byte that is no UTF-8 is a
 * character of its own, which only a wildcard fits. A pattern of many stars costs no more than its
 * length times the name's.
 *
 * Never: longer than its bounds, whatever the pattern and the folder.
 */
#include <errno.h>
#include <limits.h>
#include <string.h>

#include "files/walk.h"
#include "weft/fiber.h"
#include "weft/utf8.h"

#define DEPTH_MAX   64
#define NAMES_MAX   1000000
#define TIME_MAX_NS WEFT_SECONDS(10)

/** Characters of a name or pattern: it has no more bytes. */
#define TEXT_MAX NAME_MAX

/** Outside of Unicode: a byte of a name that is none of its characters; what '*' and '?' are. */
#define BROKEN   0x200000U
#define ANY      0x300000U
#define ANY_LONG 0x300001U

struct text {
	uint32_t characters[TEXT_MAX + 2];
	size_t len;
};

struct searching {
	const struct weft_files_search_options *options;
	struct text pattern, name;
	unsigned depth_max;
	int64_t names_left, end_ns;
	bool was_cut;  /* something was not looked at */
	bool is_ended; /* by a bound */
};

/* ---- Text ---------------------------------------------------------------------------------- */

static uint32_t fold(uint32_t c)
{
	if ((c >= 'A' && c <= 'Z') || (c >= 0xc0 && c <= 0xde && c != 0xd7) ||
		(c >= 0x391 && c <= 0x3ab && c != 0x3a2) || (c >= 0x410 && c <= 0x42f))
		return c + 0x20;
	if (c >= 0x400 && c <= 0x40f)
		return c + 0x50;
	/* Pairs, the first of which is the capital. */
	if ((c >= 0x100 && c <= 0x137 && c != 0x130 && c != 0x131) || (c >= 0x14a && c <= 0x177) ||
		(c >= 0x460 && c <= 0x481) || (c >= 0x48a && c <= 0x4bf))
		return c | 1;
	if ((c >= 0x139 && c <= 0x148) || (c >= 0x179 && c <= 0x17e))
		return c + (c & 1);
	return c == 0x178 ? 0xff : c == 0x3c2 ? 0x3c3 : c;
}

static void take_apart(struct text *text, const char *bytes, bool is_pattern)
{
	size_t len = strlen(bytes);

	text->len = 0;
	for (size_t at = 0, size; at < len && text->len < TEXT_MAX; at += size) {
		uint32_t character = 0;

		size = weft_utf8_read(bytes + at, len - at, &character);
		if (size == 0) {
			character = BROKEN + (unsigned char)bytes[at];
			size = 1;
		} else if (is_pattern && (character == '*' || character == '?')) {
			character = character == '*' ? ANY_LONG : ANY;
		} else {
			character = fold(character);
		}
		text->characters[text->len++] = character;
	}
}

/* With neither '*' nor '?' in it, it is anywhere in the name: "*pattern*". */
static void open_ends(struct text *pattern)
{
	for (size_t i = 0; i < pattern->len; i++)
		if (pattern->characters[i] >= ANY)
			return;
	memmove(pattern->characters + 1, pattern->characters,
		pattern->len * sizeof(pattern->characters[0]));
	pattern->characters[0] = pattern->characters[pattern->len + 1] = ANY_LONG;
	pattern->len += 2;
}

/* The last star is tried at each place in turn; those before it need not be tried again. */
static bool fits(const struct text *pattern, const struct text *name)
{
	size_t p = 0, n = 0, star = SIZE_MAX, star_n = 0;

	while (n < name->len) {
		uint32_t c = p < pattern->len ? pattern->characters[p] : 0;

		if (c == ANY_LONG) {
			star = p++;
			star_n = n;
		} else if (c && (c == ANY || c == name->characters[n])) {
			p++;
			n++;
		} else if (star != SIZE_MAX) {
			p = star + 1;
			n = ++star_n;
		} else {
			return false;
		}
	}
	while (p < pattern->len && pattern->characters[p] == ANY_LONG)
		p++;
	return p == pattern->len;
}

/* ---- Searching ----------------------------------------------------------------------------- */

static int see(const struct weft__walk_entry *entry, void *arg)
{
	struct searching *searching = arg;
	const struct weft_files_found found = {entry->path, entry->stat};

	if (searching->names_left-- <= 0 || weft_now() >= searching->end_ns) {
		searching->is_ended = searching->was_cut = true;
		return -1;
	}
	take_apart(&searching->name, entry->name, false);
	if (fits(&searching->pattern, &searching->name) &&
		searching->options->fn(&found, searching->options->arg) < 0)
		return -1;
	if (!S_ISDIR(entry->stat.st_mode) || entry->depth < searching->depth_max)
		return 0;
	searching->was_cut = true;
	return 1;
}

int weft_files_search(struct weft_files *files, const struct weft_files_visitor *visitor,
	const char *path, const struct weft_files_search_options *options)
{
	struct searching searching = {.options = options};
	const struct weft__walk walk = {files, visitor, path, see, &searching};
	size_t len = strlen(options->pattern);

	if (len == 0 || len > TEXT_MAX || !weft_utf8_is_valid(options->pattern, len)) {
		errno = EINVAL;
		return -1;
	}
	take_apart(&searching.pattern, options->pattern, true);
	open_ends(&searching.pattern);
	searching.depth_max = options->depth_max ? options->depth_max : DEPTH_MAX;
	searching.names_left = options->names_max ? options->names_max : NAMES_MAX;
	searching.end_ns = weft_now() + (options->time_ns ? options->time_ns : TIME_MAX_NS);
	if (weft__walk(&walk) < 0 && !searching.is_ended)
		return -1;
	return searching.was_cut;
}
