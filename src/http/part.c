/*
 * part.c - see part.h.
 *
 *	Content-Disposition: form-data; name="photo"; filename="a%22b.jpg"
 *	Content-Type: image/jpeg
 *
 * How senders write names differs. Browsers send UTF-8 with %22, %0D and %0A for what can't stand
 * in quotes, and nothing else escaped (WHATWG HTML, 4.10.21.8); others write \" and \\ (RFC 2183);
 * a few add filename* (RFC 8187), which RFC 7578 forbids and which then is the better name. All
 * three are read. So "100%25.txt" is a name with a percent sign and two digits in it.
 *
 * Never: a name with a folder, a NUL or a control character in it.
 */
#include "http/part.h"

#include <string.h>

#include "http/chars.h"
#include "weft/utf8.h"

#define TOO_LONG "A name in the form is too long."

/** One of the parameters behind a ';'. */
struct param {
	struct weft_http_text name, value; /* value without its quotes, not decoded */
	bool is_quoted;
};

/* ---- Parameters ----------------------------------------------------------------------- */

static void skip_blanks(struct weft_http_text *text)
{
	while (text->len > 0 && (text->data[0] == ' ' || text->data[0] == '\t')) {
		text->data++;
		text->len--;
	}
}

static struct weft_http_text take(struct weft_http_text *text, size_t len)
{
	struct weft_http_text taken = {text->data, len};

	text->data += len;
	text->len -= len;
	return taken;
}

static struct weft_http_text take_token(struct weft_http_text *text)
{
	return take(text, weft__http_span(text->data, text->len, WEFT__HTTP_TOKEN));
}

/* Up to the closing quote; a backslash hides a quote and a backslash, and else is one. */
static bool take_quoted(struct weft_http_text *text, struct weft_http_text *ret_value)
{
	size_t at = 1;

	while (at < text->len && text->data[at] != '"') {
		bool hides = text->data[at] == '\\' && at + 1 < text->len &&
			     (text->data[at + 1] == '"' || text->data[at + 1] == '\\');

		at += hides ? 2 : 1;
	}
	if (at >= text->len)
		return false;
	*ret_value = (struct weft_http_text){text->data + 1, at - 1};
	take(text, at + 1);
	return true;
}

/* The next of "; name=value; name="value"". 1; 0 at the end; -1. */
static int next_param(struct weft_http_text *text, struct param *ret_param)
{
	skip_blanks(text);
	if (text->len == 0)
		return 0;
	if (text->data[0] != ';')
		return -1;
	take(text, 1);
	skip_blanks(text);
	ret_param->name = take_token(text);
	if (ret_param->name.len == 0 || text->len == 0 || text->data[0] != '=')
		return -1;
	take(text, 1);
	ret_param->is_quoted = text->len > 0 && text->data[0] == '"';
	if (ret_param->is_quoted)
		return take_quoted(text, &ret_param->value) ? 1 : -1;
	ret_param->value = take_token(text);
	return ret_param->value.len > 0 ? 1 : -1;
}

static bool is_named(const struct param *param, const char *name)
{
	return weft__http_equal_nocase(param->name.data, param->name.len, name);
}

/* ---- Values ----------------------------------------------------------------------------- */

/* The byte that %XX at text stands for; -1: there is no such escape. */
static int escaped_byte(const char *text, size_t len)
{
	if (len < 3 || text[0] != '%' || !weft__http_is(text[1], WEFT__HTTP_HEX) ||
		!weft__http_is(text[2], WEFT__HTTP_HEX))
		return -1;
	return (int)(weft__http_hex(text[1]) << 4 | weft__http_hex(text[2]));
}

/* Decode name or filename, of a part. Its length; -1: longer than max. */
static ssize_t decode(const struct param *param, char *ret_text, size_t max)
{
	const char *from = param->value.data;
	size_t len = param->value.len, to = 0;

	for (size_t at = 0; at < len && param->is_quoted; at++) {
		int byte = escaped_byte(from + at, len - at);

		if (to == max)
			return -1;
		if (byte == '"' || byte == '\r' || byte == '\n') {
			ret_text[to++] = (char)byte;
			at += 2;
			continue;
		}
		if (from[at] == '\\' && at + 1 < len &&
			(from[at + 1] == '"' || from[at + 1] == '\\'))
			at++;
		ret_text[to++] = from[at];
	}
	if (!param->is_quoted) {
		if (len > max)
			return -1;
		memcpy(ret_text, from, len);
		to = len;
	}
	ret_text[to] = '\0';
	return (ssize_t)to;
}

/* RFC 8187, section 3.2: UTF-8'language'text with %XX. NULL, or what is wrong. */
static const char *decode_extended(const struct param *param, char *ret_text, size_t max)
{
	static const char wrong[] = "The name of a file can not be read (filename*).";
	struct weft_http_text text = param->value;
	const char *language = memchr(text.data, '\'', text.len);
	const char *from =
		language ? memchr(language + 1, '\'', text.len - (size_t)(language + 1 - text.data))
			 : NULL;
	size_t to = 0;

	if (param->is_quoted || !from ||
		!weft__http_equal_nocase(text.data, (size_t)(language - text.data), "utf-8"))
		return wrong;
	take(&text, (size_t)(from + 1 - text.data));
	while (text.len > 0) {
		int byte = escaped_byte(text.data, text.len);

		if (to == max)
			return TOO_LONG;
		if (byte == 0 || (byte < 0 && text.data[0] == '%'))
			return wrong;
		ret_text[to++] = byte > 0 ? (char)byte : text.data[0];
		take(&text, byte > 0 ? 3 : 1);
	}
	ret_text[to] = '\0';
	return weft_utf8_is_valid(ret_text, to) ? NULL : wrong;
}

bool weft__http_part_clean_filename(char *filename)
{
	const char *from = filename, *end;
	char *to = filename;

	for (const char *at = filename; *at; at++)
		if (*at == '/' || *at == '\\')
			from = at + 1;
	end = from + strlen(from);
	while (from < end) {
		uint32_t character;
		size_t len = weft_utf8_read(from, (size_t)(end - from), &character);

		if (len == 0 || weft_utf8_is_dangerous(character)) {
			*to++ = '_';
			from += len ? len : 1;
			continue;
		}
		memmove(to, from, len);
		to += len;
		from += len;
	}
	*to = '\0';
	return filename[0] && strcmp(filename, ".") != 0 && strcmp(filename, "..") != 0;
}

/* ---- Fields ------------------------------------------------------------------------------- */

/* What was seen of a part's header. */
struct seen {
	bool disposition, transfer_encoding, name, filename, extended;
};

static const char *take_disposition_param(
	struct weft__http_part *part, const struct param *param, struct seen *seen)
{
	bool *is_seen = is_named(param, "name")        ? &seen->name
			: is_named(param, "filename")  ? &seen->filename
			: is_named(param, "filename*") ? &seen->extended
						       : NULL;

	if (!is_seen)
		return NULL;
	if (*is_seen)
		return "A part of the form is named twice.";
	*is_seen = true;
	if (is_seen == &seen->name)
		return decode(param, part->name, WEFT_HTTP_FORM_NAME_MAX) < 0 ? TOO_LONG : NULL;
	if (is_seen == &seen->extended)
		return decode_extended(param, part->filename, WEFT_HTTP_FORM_FILENAME_MAX);
	/* The extended one is the better one, wherever it stands. */
	if (!seen->extended && decode(param, part->filename, WEFT_HTTP_FORM_FILENAME_MAX) < 0)
		return TOO_LONG;
	return NULL;
}

static const char *take_disposition(
	struct weft__http_part *part, struct weft_http_text value, struct seen *seen)
{
	struct weft_http_text type = take_token(&value);
	struct param param;
	int more;

	if (seen->disposition)
		return "A part of the form says twice what it is.";
	seen->disposition = true;
	if (!weft__http_equal_nocase(type.data, type.len, "form-data"))
		return "A part of the form is no form-data.";
	while ((more = next_param(&value, &param)) > 0) {
		const char *why = take_disposition_param(part, &param, seen);

		if (why)
			return why;
	}
	if (more < 0)
		return "The Content-Disposition of a part can not be read.";
	part->has_filename = seen->filename || seen->extended;
	return NULL;
}

/* Section 4.7: nobody is to send it. What changes no byte is harmless. */
static const char *take_transfer_encoding(struct weft_http_text value, struct seen *seen)
{
	if (seen->transfer_encoding ||
		(!weft__http_equal_nocase(value.data, value.len, "binary") &&
			!weft__http_equal_nocase(value.data, value.len, "8bit") &&
			!weft__http_equal_nocase(value.data, value.len, "7bit")))
		return "A part of the form is encoded in a way that is not read here.";
	seen->transfer_encoding = true;
	return NULL;
}

static const char *take_type(struct weft__http_part *part, struct weft_http_text value)
{
	if (part->has_type)
		return "A part of the form says twice of which type it is.";
	if (value.len > WEFT__HTTP_PART_TYPE_MAX)
		return "The type of a part is too long.";
	part->has_type = true;
	memcpy(part->type, value.data, value.len);
	part->type[value.len] = '\0';
	return NULL;
}

static const char *take_field(
	struct weft__http_part *part, struct weft_http_text line, struct seen *seen)
{
	struct weft_http_text name = take_token(&line);

	if (name.len == 0 || line.len == 0 || line.data[0] != ':' ||
		!weft__http_is_field_value(line.data, line.len))
		return "The header of a part can not be read.";
	take(&line, 1);
	skip_blanks(&line);
	while (line.len > 0 && (line.data[line.len - 1] == ' ' || line.data[line.len - 1] == '\t'))
		line.len--;
	if (weft__http_equal_nocase(name.data, name.len, "content-disposition"))
		return take_disposition(part, line, seen);
	if (weft__http_equal_nocase(name.data, name.len, "content-transfer-encoding"))
		return take_transfer_encoding(line, seen);
	if (weft__http_equal_nocase(name.data, name.len, "content-type"))
		return take_type(part, line);
	return NULL; /* section 4.8: others mean nothing */
}

const char *weft__http_part_parse(struct weft__http_part *part, const char *header, size_t len)
{
	struct seen seen = {0};
	size_t at = 0;

	part->has_filename = part->has_type = false;
	part->name[0] = part->filename[0] = '\0';
	while (at < len - 2) { /* the empty line */
		const char *end = memmem(header + at, len - at, "\r\n", 2);
		size_t line_len = (size_t)(end - header) - at;
		const char *why =
			take_field(part, (struct weft_http_text){header + at, line_len}, &seen);

		if (why)
			return why;
		at += line_len + 2;
	}
	if (!seen.disposition || !seen.name)
		return "A part of the form has no name.";
	if (part->has_filename && part->filename[0] &&
		!weft__http_part_clean_filename(part->filename))
		return "The name of a file is none.";
	return NULL;
}

/* ---- The form's own type ------------------------------------------------------------------- */

int weft__http_part_boundary(const char *type, size_t len, struct weft_http_text *ret_boundary)
{
	static const char form[] = "multipart/form-data";
	struct weft_http_text text = {type, len};
	bool has_boundary = false;
	struct param param;
	int more;

	if (len < sizeof(form) - 1 || !weft__http_equal_nocase(type, sizeof(form) - 1, form))
		return 0;
	take(&text, sizeof(form) - 1);
	if (weft__http_span(text.data, text.len, WEFT__HTTP_TOKEN) > 0)
		return 0; /* the name of another type begins so */
	while ((more = next_param(&text, &param)) > 0) {
		if (!is_named(&param, "boundary"))
			continue;
		if (has_boundary)
			return -1;
		has_boundary = true;
		*ret_boundary = param.value; /* a backslash in it is no boundary's */
	}
	return more == 0 && has_boundary ? 1 : -1;
}
