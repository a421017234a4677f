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

static bool is_continued(unsigned char byte)
{
	return (byte & 0xc0) == 0x80;
}

/* Length of the UTF-8 character that is neither ASCII nor dangerous; 0: there is none. */
static size_t plain_character(const unsigned char *text, size_t len)
{
	unsigned character;

	if (len >= 2 && text[0] >= 0xc2 && text[0] <= 0xdf && is_continued(text[1])) {
		character = (text[0] & 0x1fU) << 6 | (text[1] & 0x3fU);
		/* The C1 controls; the Arabic letter mark. */
		return character < 0xa0 || character == 0x61c ? 0 : 2;
	}
	if (len >= 3 && (text[0] & 0xf0) == 0xe0 && is_continued(text[1]) &&
		is_continued(text[2])) {
		character = (text[0] & 0xfU) << 12 | (text[1] & 0x3fU) << 6 | (text[2] & 0x3fU);
		if (character < 0x800 || (character >= 0xd800 && character <= 0xdfff) ||
			character == 0x200e || character == 0x200f ||
			(character >= 0x2028 && character <= 0x202e) ||
			(character >= 0x2066 && character <= 0x2069) || character == 0xfeff)
			return 0;
		return 3;
	}
	if (len >= 4 && text[0] >= 0xf0 && text[0] <= 0xf4 && is_continued(text[1]) &&
		is_continued(text[2]) && is_continued(text[3])) {
		character = (text[0] & 7U) << 18 | (text[1] & 0x3fU) << 12;
		return character < 0x10000 || character > 0x10ffff ? 0 : 4;
	}
	return 0;
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
	const unsigned char *from = (const unsigned char *)text;
	size_t at = 0, used = 0;

	while (at < len) {
		size_t plain = at;

		while (plain < len && is_plain_ascii(from[plain]))
			plain++;
		memcpy(room + used, text + at, plain - at);
		used += plain - at;
		at = plain;
		if (at == len)
			break;
		plain = plain_character(from + at, len - at);
		if (plain > 0) {
			memcpy(room + used, text + at, plain);
			used += plain;
			at += plain;
		} else {
			used += put_escaped(room + used, from[at++]);
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
