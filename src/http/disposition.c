/*
 * disposition.c - see disposition.h.
 *
 *	attachment; filename="Gr__e.txt"; filename*=UTF-8''Gr%C3%BC%C3%9Fe.txt
 *
 * The plain name is kept to what every program reads alike: RFC 6266, appendix D, tells of those
 * that undo "%41" in it, or a backslash. Whoever knows the second name takes that.
 *
 * Never: a byte in the value that could end the quotes or the line.
 */
#include "http/disposition.h"

#include <string.h>

#include "http/escape.h"
#include "weft/utf8.h"

/** Bytes of the value: a name of 255 bytes, twice, once as %XX. */
#define VALUE_LEN_MAX 2048

static bool is_plain(char c)
{
	return c >= ' ' && c < 0x7f && !strchr("\"\\%/", c);
}

/* Append the name as old programs read it. Returns whether that is the whole truth. */
static bool append_plain(struct weft_str *value, const char *name)
{
	bool is_whole = true;

	for (const char *at = name; *at;) {
		size_t bytes = weft_utf8_read(at, strlen(at), NULL);
		bool as_is = bytes == 1 && is_plain(*at);

		weft_str_append_char(value, as_is ? *at : '_');
		is_whole = is_whole && as_is;
		at += bytes ? bytes : 1;
	}
	return is_whole;
}

/* What turns the direction of reading shows "exe.txt" for what ends in "txt.exe". */
static void append_utf8(struct weft_str *value, const char *name)
{
	while (*name) {
		uint32_t character = 0;
		size_t bytes = weft_utf8_read(name, strlen(name), &character);

		if (bytes == 0 || weft_utf8_is_dangerous(character))
			weft_str_append_char(value, '_');
		else
			weft_http_escape_path(value, name, bytes);
		name += bytes ? bytes : 1;
	}
}

void weft__http_append_disposition(struct weft_str *value, const char *name)
{
	weft_str_append(value, "attachment; filename=\"");
	if (append_plain(value, name)) {
		weft_str_append_char(value, '"');
		return;
	}
	weft_str_append(value, "\"; filename*=UTF-8''");
	append_utf8(value, name);
}

bool weft__http_asks_download(const struct weft_http_request *request)
{
	static const char word[] = "download";
	struct weft_http_text query = weft_http_request_query(request);

	while (query.len > 0) {
		const char *amp = memchr(query.data, '&', query.len);
		size_t len = amp ? (size_t)(amp - query.data) : query.len;
		size_t step = amp ? len + 1 : len;

		if (len >= sizeof(word) - 1 && memcmp(query.data, word, sizeof(word) - 1) == 0 &&
			(len == sizeof(word) - 1 || query.data[sizeof(word) - 1] == '='))
			return true;
		query = (struct weft_http_text){query.data + step, query.len - step};
	}
	return false;
}

int weft__http_add_disposition(struct weft_http_response *response, const char *path)
{
	const char *slash = strrchr(path, '/');
	const char *name = slash ? slash + 1 : path;
	struct weft_str value;
	int result = -1;

	if (!name[0])
		return 0; /* what stands for a folder has no name of its own to be saved under */
	weft_str_init(&value, VALUE_LEN_MAX);
	weft__http_append_disposition(&value, name);
	if (!weft_str_error(&value))
		result = weft_http_response_field(
			response, "Content-Disposition", weft_str_text(&value));
	weft_str_fini(&value);
	return result;
}
