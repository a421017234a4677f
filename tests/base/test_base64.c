/*
 * test_base64.c - base/base64.c: RFC 4648's vectors, and what is not base64.
 */
#include "base/base64.h"

#include "check.h"

static const struct {
	const char *data, *text;
} vectors[] = {
	{"", ""},
	{"f", "Zg=="},
	{"fo", "Zm8="},
	{"foo", "Zm9v"},
	{"foob", "Zm9vYg=="},
	{"fooba", "Zm9vYmE="},
	{"foobar", "Zm9vYmFy"},
	{"\xfb\xff\xbf", "+/+/"},
};

CHECK_CASE(the_vectors_of_the_rfc_are_right_both_ways)
{
	for (size_t i = 0; i < sizeof(vectors) / sizeof(*vectors); i++) {
		const char *data = vectors[i].data, *text = vectors[i].text;
		char there[32] = "", back[32] = "";

		CHECK_INT(WEFT__BASE64_LEN(strlen(data)), ==, strlen(text));
		weft__base64_encode(there, data, strlen(data));
		CHECK_STR(there, text);
		CHECK_INT(weft__base64_decode(back, text, strlen(text)), ==, strlen(data));
		CHECK_STR(back, data);
	}
}

CHECK_CASE(what_encoding_would_not_write_is_not_read)
{
	static const char *const bad[] = {"Z", "Zg", "Zg=", "Zm8", "Zm9vYg", "=",
		"====", "Z===", "Zg==Zg==", "Zm=v", "Zm9v====", "Zh==", "Zm9=", "Zm 9", "Zm9v\n",
		"Zm_v", "Zm-v", "Zm9\xff", " Zm9", "Zg=a"};

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		char back[32];

		CHECK_INT(weft__base64_decode(back, bad[i], strlen(bad[i])), ==, -1);
	}
	CHECK_INT(weft__base64_decode((char[8]){0}, "Zm9\0", 4), ==, -1);
}

CHECK_CASE(every_byte_comes_back)
{
	unsigned char data[256], back[256];
	char text[WEFT__BASE64_LEN(256)];

	for (int i = 0; i < 256; i++)
		data[i] = (unsigned char)(i * 7);
	for (size_t len = 0; len <= 256; len++) {
		weft__base64_encode(text, data, len);
		CHECK_INT(weft__base64_decode(back, text, WEFT__BASE64_LEN(len)), ==, len);
		CHECK_MEM(back, data, len);
	}
}

CHECK_MAIN()
