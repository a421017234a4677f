/*
 * coding.c - see coding.h.
 *
 *	Accept-Encoding: gzip;q=0.5, br, *;q=0
 *
 * Entry points: weft__http_wanted_take(), weft__http_wanted_quality().
 *
 * Never: reads a coding out of the list that its sender may not have meant. Who gets a file as
 * it is can always read it; who gets it coded and did not want that sees noise.
 */
#include "http/coding.h"

#include <string.h>

#include "http/chars.h"

static const struct {
	const char *name, *suffix, *old_name;
} codings[WEFT__HTTP_CODING_COUNT + 1] = {
	[WEFT__HTTP_BROTLI] = {"br", ".br", ""},
	[WEFT__HTTP_GZIP] = {"gzip", ".gz", "x-gzip"},
	[WEFT__HTTP_IDENTITY] = {"identity", "", ""},
};

const char *weft__http_coding_name(enum weft__http_coding coding)
{
	return codings[coding].name;
}

const char *weft__http_coding_suffix(enum weft__http_coding coding)
{
	return codings[coding].suffix;
}

void weft__http_wanted_init(struct weft__http_wanted *wanted)
{
	for (int coding = 0; coding <= WEFT__HTTP_CODING_COUNT; coding++)
		wanted->quality[coding] = -1;
	wanted->other = -1;
}

/* ---- Reading the list --------------------------------------------------------------------- */

static size_t skip_spaces(const char *value, size_t len, size_t at)
{
	while (at < len && (value[at] == ' ' || value[at] == '\t'))
		at++;
	return at;
}

/* The digits of "0.25" or "1.0", as thousandths; -1: it is none. Section 12.4.2. */
static int read_quality(const char *text, size_t len)
{
	int quality, unit = 100;

	if (len == 0 || len > 5 || (text[0] != '0' && text[0] != '1'))
		return -1;
	quality = (text[0] - '0') * 1000;
	if (len > 1 && text[1] != '.')
		return -1;
	for (size_t i = 2; i < len; i++, unit /= 10) {
		if (!weft__http_is(text[i], WEFT__HTTP_DIGIT))
			return -1;
		quality += (text[i] - '0') * unit;
	}
	return quality <= 1000 ? quality : -1;
}

/* What follows a coding's name: nothing, or ";q=0.5". Returns the quality, -1: neither. */
static int read_weight(const char *text, size_t len)
{
	size_t at = skip_spaces(text, len, 0), end = len;

	if (at == len)
		return 1000;
	if (text[at] != ';')
		return -1;
	at = skip_spaces(text, len, at + 1);
	if (len - at < 2 || (text[at] != 'q' && text[at] != 'Q') || text[at + 1] != '=')
		return -1;
	at += 2;
	while (end > at && (text[end - 1] == ' ' || text[end - 1] == '\t'))
		end--;
	return read_quality(text + at, end - at);
}

/* What is said of that coding, or of all others. NULL: it is none that matters here. */
static int16_t *find(struct weft__http_wanted *wanted, const char *name, size_t len)
{
	if (len == 1 && name[0] == '*')
		return &wanted->other;
	for (int coding = 0; coding <= WEFT__HTTP_CODING_COUNT; coding++)
		if (weft__http_equal_nocase(name, len, codings[coding].name) ||
			(len > 0 && weft__http_equal_nocase(name, len, codings[coding].old_name)))
			return &wanted->quality[coding];
	return NULL;
}

static void take_member(struct weft__http_wanted *wanted, const char *member, size_t len)
{
	size_t from = skip_spaces(member, len, 0);
	size_t name_len = weft__http_span(member + from, len - from, WEFT__HTTP_TOKEN);
	int16_t *place = find(wanted, member + from, name_len);
	int quality;

	if (!place)
		return;
	quality = read_weight(member + from + name_len, len - from - name_len);
	/* A word on a coding that can't be read is no wish for it; identity needs no wish. */
	if (quality < 0 && place != &wanted->other &&
		place != &wanted->quality[WEFT__HTTP_IDENTITY])
		quality = 0;
	if (quality >= 0 && (*place < 0 || quality < *place))
		*place = (int16_t)quality;
}

void weft__http_wanted_take(struct weft__http_wanted *wanted, const char *value, size_t len)
{
	size_t at = 0;

	while (at < len) {
		const char *comma = memchr(value + at, ',', len - at);
		size_t end = comma ? (size_t)(comma - value) : len;

		take_member(wanted, value + at, end - at);
		at = end + 1;
	}
}

int weft__http_wanted_quality(const struct weft__http_wanted *wanted, enum weft__http_coding coding)
{
	if (wanted->quality[coding] >= 0)
		return wanted->quality[coding];
	if (wanted->other >= 0)
		return wanted->other;
	return coding == WEFT__HTTP_IDENTITY;
}

/* ---- Types -------------------------------------------------------------------------------- */

/* Beside all text, and all that is JSON or XML by its name's end. */
static const char *const compressing[] = {
	"application/javascript",
	"application/json",
	"application/postscript",
	"application/rtf",
	"application/sql",
	"application/vnd.apple.mpegurl",
	"application/vnd.ms-fontobject",
	"application/wasm",
	"application/x-ndjson",
	"application/xml",
	"application/yaml",
	"font/otf",
	"font/ttf",
	"image/bmp",
	"image/vnd.microsoft.icon",
	"image/x-icon",
};

static bool ends_with(const char *text, size_t len, const char *end)
{
	size_t end_len = strlen(end);

	return len > end_len && memcmp(text + len - end_len, end, end_len) == 0;
}

bool weft__http_type_compresses(const char *type)
{
	size_t len = strcspn(type, "; \t");

	if (strncmp(type, "text/", 5) == 0 || ends_with(type, len, "+json") ||
		ends_with(type, len, "+xml"))
		return true;
	for (size_t i = 0; i < sizeof(compressing) / sizeof(compressing[0]); i++)
		if (strlen(compressing[i]) == len && memcmp(type, compressing[i], len) == 0)
			return true;
	return false;
}
