/*
 * supervisor_lines.c - what a process prints, cut into lines of bounded length and number.
 *
 * Must never: keep more than one line, whatever is printed.
 */
#include <string.h>

#include "process/supervisor.h"
#include "weft/fiber.h"

/* Whether another may pass in this second. */
static bool may_pass(struct weft__lines *lines, int64_t now_ns)
{
	if (lines->in_second == 0 || now_ns - lines->second_ns >= WEFT_SECONDS(1)) {
		lines->second_ns = now_ns;
		lines->in_second = 0;
	}
	return lines->in_second++ < lines->per_s;
}

static void flush(struct weft__lines *lines, int64_t now_ns, bool is_whole)
{
	if (!may_pass(lines, now_ns)) {
		lines->dropped++;
	} else {
		if (lines->dropped > 0)
			lines->drop(lines->arg, lines->dropped);
		lines->dropped = 0;
		lines->take(lines->arg, lines->bytes, lines->len, is_whole);
	}
	lines->len = 0;
}

void weft__lines_add(struct weft__lines *lines, const char *data, size_t len, int64_t now_ns)
{
	while (len > 0) {
		const char *newline = memchr(data, '\n', len);
		size_t part = newline ? (size_t)(newline - data) : len;
		size_t room = sizeof lines->bytes - lines->len;

		if (part > room) {
			part = room;
			newline = NULL;
		}
		memcpy(lines->bytes + lines->len, data, part);
		lines->len += part;
		if (newline)
			part++;
		if (newline)
			flush(lines, now_ns, true);
		else if (lines->len == sizeof lines->bytes && part < len)
			flush(lines, now_ns, false);
		data += part;
		len -= part;
	}
}

void weft__lines_end(struct weft__lines *lines, int64_t now_ns)
{
	if (lines->len > 0)
		flush(lines, now_ns, true);
	if (lines->dropped > 0)
		lines->drop(lines->arg, lines->dropped);
	lines->dropped = 0;
}
