/*
 * test_chars.c - scans over bytes: the quick ones say what the plain ones do.
 *
 * check: aarch64
 */
#include "http/chars.h"

#include "base/prng.h"
#include "check.h"
#include "http/parse.h"

static bool is_value_plainly(const char *data, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		unsigned char byte = (unsigned char)data[i];

		if ((byte < 0x20 && byte != '\t') || byte == 0x7f)
			return false;
	}
	return true;
}

CHECK_CASE(every_byte_at_every_place_of_a_value_is_judged_alike)
{
	char data[72];

	for (size_t len = 0; len <= 70; len++)
		for (size_t at = 0; at < len; at++)
			for (int byte = 0; byte < 256; byte++) {
				memset(data, 'v', sizeof(data));
				data[at] = (char)byte;
				data[len] = '\0'; /* what is past the end is not looked at */
				CHECK_INT(weft__http_is_field_value(data, len), ==,
					is_value_plainly(data, len));
			}
}

CHECK_CASE(any_bytes_are_judged_alike)
{
	struct prng prng = {7};
	char data[200];

	for (unsigned round = check_rounds(20000); round > 0; round--) {
		size_t len = prng_below(&prng, sizeof(data));
		unsigned lowest = (unsigned)prng_below(&prng, 40);

		for (size_t i = 0; i < len; i++)
			data[i] = (char)(lowest + prng_below(&prng, 256 - lowest));
		CHECK_INT(weft__http_is_field_value(data, len), ==, is_value_plainly(data, len));
	}
}

/* The one field of a request, whose name is that. */
static bool is_known_as(const char *name, enum weft__http_known known)
{
	struct weft__http_head head;
	char request[200];
	int len = snprintf(request, sizeof(request), "GET / HTTP/1.0\r\n%s: 1\r\n\r\n", name);

	weft__http_head_reset(&head);
	(void)weft__http_parse(&head, request, (size_t)len);
	return head.known[known] == 1;
}

CHECK_CASE(a_field_is_known_in_any_case_and_by_no_name_that_is_near)
{
	static const struct {
		const char *name;
		enum weft__http_known known;
	} fields[] = {
		{"host", WEFT__HTTP_HOST_FIELD},
		{"range", WEFT__HTTP_RANGE},
		{"if-match", WEFT__HTTP_IF_MATCH},
		{"if-range", WEFT__HTTP_IF_RANGE},
		{"connection", WEFT__HTTP_CONNECTION},
		{"user-agent", WEFT__HTTP_USER_AGENT},
		{"content-length", WEFT__HTTP_CONTENT_LENGTH},
		{"transfer-encoding", WEFT__HTTP_TRANSFER_ENCODING},
		{"if-modified-since", WEFT__HTTP_IF_MODIFIED_SINCE},
		{"if-unmodified-since", WEFT__HTTP_IF_UNMODIFIED_SINCE},
	};

	for (size_t i = 0; i < sizeof(fields) / sizeof(*fields); i++) {
		char name[40];

		snprintf(name, sizeof(name), "%s", fields[i].name);
		CHECK(is_known_as(name, fields[i].known));
		for (size_t at = 0; fields[i].name[at]; at++)
			for (int byte = 0x21; byte < 0x7f; byte++) {
				bool is_same = weft__http_lower((char)byte) == fields[i].name[at];

				name[at] = (char)byte;
				CHECK_INT(is_known_as(name, fields[i].known), ==, is_same);
				name[at] = fields[i].name[at];
			}
		snprintf(name, sizeof(name), "%sx", fields[i].name);
		CHECK(!is_known_as(name, fields[i].known));
	}
}

CHECK_MAIN()
