/*
 * log_line.c - how a line of the log reads: key=value pairs, escaped and cut to fit.
 *
 * Entry points: weft__log_line_begin(), weft__log_line_field(), weft__log_line_end().
 *
 * Never: let a byte through that ends the line early, ends a quote early, moves a
 * terminal's cursor or turns the direction of reading.
 */
#include "base/log_line.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "weft/utf8.h"

#define TAIL  "\" truncated=true\n" /* the longest that can follow the limit */
#define LIMIT (WEFT_LOG_LINE_MAX - (sizeof(TAIL) - 1))

/* ---- Appending ------------------------------------------------------------------------ */

/* All of it or nothing, so that no escape is cut in two. */
static bool append(struct weft__log_line *line, const char *text, size_t len)
{
	if (line->is_cut || line->len > LIMIT || len > LIMIT - line->len) {
		line->is_cut = true;
		return false;
	}
	memcpy(line->bytes + line->len, text, len);
	line->len += len;
	return true;
}

static void append_text(struct weft__log_line *line, const char *text)
{
	append(line, text, strlen(text));
}

__attribute__((format(printf, 2, 3))) static void append_printf(
	struct weft__log_line *line, const char *format, ...)
{
	char text[128];
	__builtin_va_list args;
	int len;

	__builtin_va_start(args, format);
	len = vsnprintf(text, sizeof(text), format, args);
	__builtin_va_end(args);
	append(line, text, len < (int)sizeof(text) ? (size_t)len : sizeof(text) - 1);
}

/* ---- Text from outside -------------------------------------------------------------------- */

/* May the byte stand in a value without quotes? */
static bool is_plain(char byte)
{
	return byte > ' ' && byte < 0x7f && byte != '"' && byte != '=' && byte != '\\';
}

/* Escapes size bytes that must not go out as they are. */
static bool append_escaped(struct weft__log_line *line, const char *data, size_t size)
{
	char text[4 * 4 + 1];

	if (*data == '\n')
		return append(line, "\\n", 2);
	if (*data == '\r')
		return append(line, "\\r", 2);
	if (*data == '\t')
		return append(line, "\\t", 2);
	for (size_t i = 0; i < size; i++)
		snprintf(text + 4 * i, 5, "\\x%02x", (unsigned char)data[i]);
	return append(line, text, 4 * size);
}

static void append_quoted(struct weft__log_line *line, const char *data, size_t len)
{
	if (!append(line, "\"", 1))
		return;
	while (len > 0) {
		uint32_t character;
		size_t size = weft_utf8_read(data, len, &character);
		bool went;

		if (size == 0 || weft_utf8_is_dangerous(character))
			went = append_escaped(line, data, size = size ? size : 1);
		else if (*data == '"' || *data == '\\')
			went = append(line, *data == '"' ? "\\\"" : "\\\\", 2);
		else
			went = append(line, data, size);
		if (!went)
			break;
		data += size;
		len -= size;
	}
	line->bytes[line->len++] = '"'; /* TAIL keeps a place for it */
}

static void append_value(struct weft__log_line *line, const char *data, size_t len)
{
	size_t plain = 0;

	/* A text too long for a line is quoted, since that is how it can be cut. */
	while (plain < len && plain <= LIMIT && is_plain(data[plain]))
		plain++;
	if (plain < len || len == 0 || line->len + len > LIMIT)
		append_quoted(line, data, len);
	else
		append(line, data, len);
}

static void append_key(struct weft__log_line *line, const char *key)
{
	append(line, " ", 1);
	for (; *key; key++) {
		bool is_letter = (*key >= 'a' && *key <= 'z') || (*key >= 'A' && *key <= 'Z') ||
				 (*key >= '0' && *key <= '9') || strchr("_-.", *key);
		append(line, is_letter ? key : "_", 1);
	}
	append(line, "=", 1);
}

/* ---- The line ------------------------------------------------------------------------------- */

/*
 * UTC without libc: gmtime_r(3) takes the lock of the time zones, which a child may
 * find held for ever when it is forked while another thread logs. Days are counted in
 * eras of 400 years that begin on 1 March, so that a leap day ends its year.
 */
static void split_utc(int64_t seconds, struct tm *ret_parts)
{
	int64_t days = seconds / 86400 - (seconds % 86400 < 0);
	int64_t rest = seconds - days * 86400;
	int64_t shifted = days + 719468; /* from 0000-03-01 */
	int64_t era = (shifted >= 0 ? shifted : shifted - 146096) / 146097;
	int64_t day_of_era = shifted - era * 146097;
	int64_t year_of_era =
		(day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
	int64_t day = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
	int64_t month = (5 * day + 2) / 153; /* 0 is March */

	ret_parts->tm_mday = (int)(day - (153 * month + 2) / 5 + 1);
	ret_parts->tm_mon = (int)(month < 10 ? month + 2 : month - 10);
	ret_parts->tm_year = (int)(year_of_era + era * 400 + (month >= 10) - 1900);
	ret_parts->tm_hour = (int)(rest / 3600);
	ret_parts->tm_min = (int)(rest / 60 % 60);
	ret_parts->tm_sec = (int)(rest % 60);
}

static void append_wall(struct weft__log_line *line, const struct timespec *wall, bool is_local)
{
	struct tm parts = {0};
	char offset[8] = "Z";

	if (!is_local) {
		split_utc(wall->tv_sec, &parts);
	} else if (localtime_r(&wall->tv_sec, &parts)) {
		long minutes = parts.tm_gmtoff / 60;
		unsigned size = (unsigned)(minutes < 0 ? -minutes : minutes) % 6000;

		snprintf(offset, sizeof(offset), "%c%02u:%02u", minutes < 0 ? '-' : '+', size / 60,
			size % 60);
	}
	append_printf(line, "time=%04d-%02d-%02dT%02d:%02d:%02d.%03d%s", parts.tm_year + 1900,
		parts.tm_mon + 1, parts.tm_mday, parts.tm_hour, parts.tm_min, parts.tm_sec,
		(int)(wall->tv_nsec / 1000000), offset);
}

void weft__log_line_begin(struct weft__log_line *line, enum weft_log_level level,
	const struct weft__log_moment *moment)
{
	line->len = 0;
	line->is_cut = false;
	append_wall(line, &moment->wall, moment->is_local);
	append_printf(line, " up=%lld.%06d level=%s", (long long)moment->monotonic.tv_sec,
		(int)(moment->monotonic.tv_nsec / 1000), weft_log_level_name(level));
}

static void append_errno(struct weft__log_line *line, int code)
{
	char room[128];
	const char *words =
		strerror_r(code, room, sizeof(room)); /* the GNU one: returns the text */

	append_value(line, words, strlen(words));
}

void weft__log_line_field(struct weft__log_line *line, const struct weft_log_field *field)
{
	size_t before = line->len;

	if (line->is_cut)
		return;
	append_key(line, field->key);
	switch (field->kind) {
	case WEFT_LOG_KIND_SIGNED:
		append_printf(line, "%" PRId64, field->value.i);
		break;
	case WEFT_LOG_KIND_UNSIGNED:
		append_printf(line, "%" PRIu64, field->value.u);
		break;
	case WEFT_LOG_KIND_REAL:
		append_printf(line, "%.15g", field->value.d);
		break;
	case WEFT_LOG_KIND_BOOL:
		append_text(line, field->value.u ? "true" : "false");
		break;
	case WEFT_LOG_KIND_POINTER:
		append_printf(line, "0x%" PRIxPTR, (uintptr_t)field->value.pointer);
		break;
	case WEFT_LOG_KIND_ERRNO:
		append_errno(line, (int)field->value.i);
		break;
	case WEFT_LOG_KIND_TEXT:
		if (field->value.text.data)
			append_value(line, field->value.text.data, field->value.text.len);
		else
			append_text(line, "null");
		break;
	}
	/* No key without its value: only a quoted one can have been cut within. */
	if (line->is_cut && line->bytes[line->len - 1] != '"')
		line->len = before;
}

size_t weft__log_line_end(struct weft__log_line *line)
{
	/* The tail without its quote: an open one was closed where the text was cut. */
	const char *tail = line->is_cut ? &TAIL[1] : "\n";

	memcpy(line->bytes + line->len, tail, strlen(tail));
	line->len += strlen(tail);
	return line->len;
}
