/*
 * archive_name.c - names in archives that do no harm where they are unpacked (archive.h).
 *
 * A name in a folder is any bytes but '/' and NUL. Unpacked by others it may be a path ("..\x" on
 * Windows), a drive or a stream ("C:x", "a:b"), or steer the terminal that shows it.
 *
 * Never: a part that is "..", or empty.
 */
#include <string.h>

#include "base/siphash.h"
#include "files/archive.h"
#include "weft/utf8.h"

static bool is_harmful(uint32_t character, bool is_for_windows)
{
	if (weft_utf8_is_dangerous(character) || character == '\\')
		return true;
	return is_for_windows && character < 0x80 && strchr(":*?\"<>|", (int)character);
}

/* Append it with '_' for what is harmful. Returns whether there was any. */
static bool append_mended(struct weft_str *name, const char *part, size_t len, bool is_for_windows)
{
	bool was_mended = false;

	for (size_t at = 0, size; at < len; at += size) {
		uint32_t character = 0;

		size = weft_utf8_read(part + at, len - at, &character);
		if (size > 0 && !is_harmful(character, is_for_windows)) {
			weft_str_append_bytes(name, part + at, size);
			continue;
		}
		weft_str_append_char(name, '_');
		was_mended = true;
		size = size ? size : 1;
	}
	return was_mended;
}

/* "a_b.jpg" becomes "a_b~3f9a1c.jpg"; of a name that had no need "a_b.jpg". */
static void append_part(struct weft_str *name, const char *part, size_t len, bool is_for_windows)
{
	static const struct weft__siphash_key key;
	const char *dot = len > 1 ? memrchr(part + 1, '.', len - 1) : NULL;
	size_t stem = dot ? (size_t)(dot - part) : len;
	size_t before = weft_str_len(name);

	if (!append_mended(name, part, len, is_for_windows))
		return;
	weft_str_truncate(name, before);
	append_mended(name, part, stem, is_for_windows);
	weft_str_appendf(name, "~%06x", (unsigned)(weft__siphash(&key, part, len) & 0xffffff));
	append_mended(name, part + stem, len - stem, is_for_windows);
}

void weft__archive_append_name(struct weft_str *name, const char *path, bool is_for_windows)
{
	bool is_first = true;

	while (*path) {
		size_t len = strcspn(path, "/");

		if (len > 0 && !(len == 1 && path[0] == '.') &&
			!(len == 2 && path[0] == '.' && path[1] == '.')) {
			if (!is_first)
				weft_str_append_char(name, '/');
			append_part(name, path, len, is_for_windows);
			is_first = false;
		}
		path += len;
		path += *path == '/';
	}
}
