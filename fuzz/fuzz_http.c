/*
 * fuzz_http.c - request heads from an enemy, and all that is read out of them.
 *
 * The first byte says where the rest is cut; the verdict on the whole and on the two
 * parts must be the same. What passes keeps the parser's promises: places lie inside
 * the head, there is one way to read its length, and its path leads nowhere.
 *
 * Never: a connection; that is for tests/system.
 */
#include <stdlib.h>
#include <string.h>

#include "http/condition.h"
#include "http/date.h"
#include "http/escape.h"
#include "http/path.h"
#include "http/range.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void require(bool fact)
{
	if (!fact)
		abort();
}

static void check_place(const struct weft__http_head *head, struct weft__http_place place)
{
	require((size_t)place.at + place.len <= head->len);
}

static void check_head(const struct weft__http_head *head, const char *data)
{
	check_place(head, head->line);
	check_place(head, head->path);
	check_place(head, head->query);
	check_place(head, head->host);
	require(head->len <= WEFT__HTTP_HEAD_MAX);
	require(memcmp(data + head->len - 4, "\r\n\r\n", 4) == 0);
	require(!memchr(data, '\0', head->len));
	require(head->content_length >= 0);
	require(!(head->is_chunked && head->has_length));
	require(head->minor_version == 0 || head->known[WEFT__HTTP_HOST_FIELD]);
	for (unsigned i = 0; i < head->field_count; i++) {
		check_place(head, head->fields[i].name);
		check_place(head, head->fields[i].value);
	}
}

static void check_path(const struct weft__http_head *head, const char *data)
{
	struct weft_http_text encoded = weft__http_place_text(data, head->path);
	char *path = malloc(encoded.len + 1);
	size_t len;

	require(path != NULL);
	if (encoded.len > 0 && !weft__http_path_decode(encoded.data, encoded.len, path, &len)) {
		require(len <= encoded.len && strlen(path) == len && path[0] == '/');
		require(!strstr(path, "//") && !strstr(path, "/../"));
		require(len < 3 || strcmp(path + len - 3, "/..") != 0);
	}
	free(path);
}

/* Inside the file, not empty, and together no more than the file. */
static void check_parts(const struct weft__http_parts *parts, int64_t size)
{
	int64_t sum = 0;

	require(parts->count > 0 && parts->count <= WEFT__HTTP_RANGES_MAX);
	for (unsigned i = 0; i < parts->count; i++) {
		const struct weft__http_part *part = &parts->parts[i];

		require(part->offset >= 0 && part->len > 0 && part->offset + part->len <= size);
		sum += part->len;
	}
	require(sum <= size);
}

/* What is read out of fields must not fail on any; parts must lie inside the file. */
static void read_fields(const struct weft__http_head *head, const char *data)
{
	static const struct weft__http_validators validators = {"\"v\"", false, 784111777};
	int64_t seconds, size = 1000;
	struct weft__http_parts parts;

	weft__http_condition_status(head, data, &validators);
	weft__http_condition_range_holds(head, data, &validators);
	for (unsigned i = 0; i < head->field_count; i++) {
		struct weft_http_text value = weft__http_place_text(data, head->fields[i].value);

		if (weft__http_range_parse(value.data, value.len, size, &parts) ==
			WEFT__HTTP_RANGE_PARTS)
			check_parts(&parts, size);
		weft__http_date_parse(value.data, value.len, 0, &seconds);
	}
}

static void escape_all(const char *data, size_t len)
{
	struct weft_str page;
	char line[256];
	size_t line_len = weft__http_escape_log(line, sizeof(line), data, len);

	for (size_t i = 0; i < line_len; i++)
		require(line[i] >= ' ' && line[i] < 0x7f && line[i] != '"');
	weft_str_init(&page, WEFT_STR_LEN_MAX);
	weft_http_escape_html(&page, data, len);
	weft_http_escape_path(&page, data, len);
	require(weft_str_error(&page) == 0);
	require(!strpbrk(weft_str_text(&page), "<>\"'"));
	weft_str_fini(&page);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static struct weft__http_head whole, parts;
	const char *text = (const char *)data + 1;
	enum weft__http_parse_result result, cut_result;
	size_t cut;

	if (len < 1)
		return 0;
	len--;
	cut = len * data[0] / 255;
	weft__http_head_reset(&whole);
	result = weft__http_parse(&whole, text, len);
	weft__http_head_reset(&parts);
	cut_result = weft__http_parse(&parts, text, cut);
	if (cut_result == WEFT__HTTP_MORE)
		cut_result = weft__http_parse(&parts, text, len);
	require(result == cut_result && whole.fault == parts.fault);
	if (result == WEFT__HTTP_BAD)
		require(weft__http_fault_status(whole.fault) >= 400);
	if (result == WEFT__HTTP_DONE) {
		require(memcmp(&whole, &parts, offsetof(struct weft__http_head, fields)) == 0);
		check_head(&whole, text);
		check_path(&whole, text);
		read_fields(&whole, text);
	}
	escape_all(text, len);
	return 0;
}
