/*
 * fuzz_response.c - response heads from an enemy.
 *
 * The first byte says where the rest is cut; the verdict on the whole and on the two parts
 * must be the same. What passes has its places inside the head, one way to be framed, and
 * after unfolding no control character but the tab.
 *
 * Never: a connection; that is for tests/http/test_client_hostile.c.
 */
#include <stdlib.h>
#include <string.h>

#include "http/parse_response.h"

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

static void check_response(const struct weft__http_response_head *response, const char *data)
{
	const struct weft__http_head *head = &response->head;
	char *copy = malloc(head->len);

	require(copy != NULL);
	memcpy(copy, data, head->len);
	weft__http_response_unfold(response, copy);
	require(response->status >= 100 && response->status <= 999);
	require(head->len <= WEFT__HTTP_HEAD_MAX && head->content_length >= 0);
	require(!(head->is_chunked && (head->has_length || head->minor_version == 0)));
	check_place(head, response->reason);
	for (unsigned i = 0; i < head->field_count; i++) {
		struct weft_http_text value = weft__http_place_text(copy, head->fields[i].value);

		check_place(head, head->fields[i].name);
		check_place(head, head->fields[i].value);
		require(weft__http_is_field_value(value.data, value.len));
	}
	require(weft__http_response_framing(response, true) == WEFT__HTTP_NO_BODY);
	weft__http_response_framing(response, false);
	weft__http_response_find(response, copy, "location");
	free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static struct weft__http_response_head whole, parts;
	const char *text = (const char *)data + 1;
	enum weft__http_parse_result result, cut_result;
	size_t cut;

	if (len < 1)
		return 0;
	len--;
	cut = len * data[0] / 255;
	weft__http_response_head_reset(&whole);
	result = weft__http_parse_response(&whole, text, len);
	weft__http_response_head_reset(&parts);
	cut_result = weft__http_parse_response(&parts, text, cut);
	if (cut_result == WEFT__HTTP_MORE)
		cut_result = weft__http_parse_response(&parts, text, len);
	require(result == cut_result && whole.head.fault == parts.head.fault);
	if (result == WEFT__HTTP_DONE) {
		require(memcmp(&whole.head, &parts.head,
				offsetof(struct weft__http_head, fields)) == 0);
		check_response(&whole, text);
	}
	return 0;
}
