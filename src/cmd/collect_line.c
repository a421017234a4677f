/*
 * collect_line.c - a message as a line of the file (collect_line.h).
 *
 * Never: let a byte through that ends the line early, or that can't be told from what the
 * collector adds.
 */
#include "collect_line.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "weft/utf8.h"

/** Each byte is four at most; then the marks, a newline and two spaces. */
#define BYTE_MAX  4
#define MARKS_MAX 64

size_t weft__collect_line_room(size_t len)
{
	return COLLECT_STAMP_MAX + 8 + COLLECT_SOURCE_MAX + BYTE_MAX * len + MARKS_MAX;
}

/* ---- The time --------------------------------------------------------------------------- */

/* RFC 3339. The calendar is asked once a second. */
static void stamp_second(struct collect_origin *origin, time_t second)
{
	struct tm tm;
	char zone[8] = "";

	if (!(origin->is_local ? localtime_r(&second, &tm) : gmtime_r(&second, &tm)))
		memset(&tm, 0, sizeof(tm));
	strftime(origin->day, sizeof(origin->day), "%Y-%m-%dT%H:%M:%S", &tm);
	strftime(zone, sizeof(zone), "%z", &tm);
	if (origin->is_local && strlen(zone) == 5)
		snprintf(origin->zone, sizeof(origin->zone), "%.3s:%.2s", zone, zone + 3);
	else
		snprintf(origin->zone, sizeof(origin->zone), "Z");
	origin->second = second;
}

static size_t put_stamp(char *room, struct collect_origin *origin, int64_t wall_ns)
{
	int64_t second = wall_ns / WEFT_SECONDS(1);
	unsigned micros = (unsigned)(wall_ns % WEFT_SECONDS(1) / 1000) % 1000000;

	if (second != origin->second || !origin->day[0])
		stamp_second(origin, (time_t)second);
	return (size_t)snprintf(
		room, COLLECT_STAMP_MAX + 8, "%s.%06u%s", origin->day, micros, origin->zone);
}

/* ---- The text --------------------------------------------------------------------------- */

/* Length of the UTF-8 character that data begins with, if a terminal may get it; else 0. */
static size_t plain_character(const char *data, size_t len)
{
	uint32_t character;
	size_t size = weft_utf8_read(data, len, &character);

	return size > 0 && weft_utf8_is_dangerous(character) ? 0 : size;
}

static bool is_plain_ascii(unsigned char byte)
{
	return (byte >= ' ' && byte < 0x7f && byte != '\\') || byte == '\t';
}

static size_t put_escaped(char *room, unsigned char byte)
{
	static const char digits[] = "0123456789abcdef";
	static const char named[] = "\nn\rr\\\\";
	const char *name = byte ? strchr(named, byte) : NULL;

	room[0] = '\\';
	if (name && (name - named) % 2 == 0) {
		room[1] = name[1];
		return 2;
	}
	room[1] = 'x';
	room[2] = digits[byte >> 4];
	room[3] = digits[byte & 15];
	return 4;
}

static size_t put_text(char *room, const char *text, size_t len)
{
	size_t at = 0, used = 0;

	while (at < len) {
		size_t plain = at;

		while (plain < len && is_plain_ascii((unsigned char)text[plain]))
			plain++;
		memcpy(room + used, text + at, plain - at);
		used += plain - at;
		at = plain;
		if (at == len)
			break;
		plain = text[at] == '\\' ? 0 : plain_character(text + at, len - at);
		if (plain > 0) {
			memcpy(room + used, text + at, plain);
			used += plain;
			at += plain;
		} else {
			used += put_escaped(room + used, (unsigned char)text[at++]);
		}
	}
	return used;
}

/* ---- All together ----------------------------------------------------------------------- */

size_t weft__collect_line(char *room, struct collect_origin *origin, int64_t wall_ns,
	const struct collect_message *message)
{
	static const struct {
		unsigned mark;
		const char *text;
	} marks[] = {
		{COLLECT_NO_COUNT, "\\{no count}"},
		{COLLECT_CUT, "\\{cut}"},
		{COLLECT_UNFINISHED, "\\{unfinished}"},
	};
	size_t source_len = strlen(origin->source);
	size_t used = put_stamp(room, origin, wall_ns);

	room[used++] = ' ';
	memcpy(room + used, origin->source, source_len);
	used += source_len;
	room[used++] = ' ';
	used += put_text(room + used, message->text, message->len);
	for (size_t i = 0; i < sizeof(marks) / sizeof(*marks); i++) {
		size_t len = strlen(marks[i].text);

		if (!(message->marks & marks[i].mark))
			continue;
		memcpy(room + used, marks[i].text, len);
		used += len;
	}
	room[used++] = '\n';
	return used;
}
