/*
 * fuzz_auth.c - the Authorization field from an enemy: what is read of it is text without control
 * characters, and would be written back as what came.
 */
#include <stdlib.h>
#include <string.h>

#include "base/base64.h"
#include "http/auth.h"
#include "weft/utf8.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void require(bool fact)
{
	if (!fact)
		abort();
}

static void check_text(const char *text)
{
	for (const char *at = text; *at; at++)
		require((unsigned char)*at >= 0x20 && *at != 0x7f);
	require(weft_utf8_is_valid(text, strlen(text)));
}

/* The value ends with what user and password are, encoded. */
static void check_basic(const struct weft_http_basic *basic, const char *value, size_t len)
{
	char pair[sizeof(*basic) + 1], encoded[WEFT__BASE64_LEN(sizeof(pair))];
	size_t user_len = strlen(basic->user), password_len = strlen(basic->password);
	size_t encoded_len = WEFT__BASE64_LEN(user_len + 1 + password_len);

	check_text(basic->user);
	check_text(basic->password);
	require(!strchr(basic->user, ':'));
	memcpy(pair, basic->user, user_len);
	pair[user_len] = ':';
	memcpy(pair + user_len + 1, basic->password, password_len);
	weft__base64_encode(encoded, pair, user_len + 1 + password_len);
	require(len > encoded_len);
	require(memcmp(value + len - encoded_len, encoded, encoded_len) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	const char *value = (const char *)data;
	struct weft_http_basic basic;
	struct weft_http_text token;

	if (weft__http_auth_basic(value, len, &basic) == 0)
		check_basic(&basic, value, len);
	if (weft__http_auth_bearer(value, len, &token) == 0)
		require(token.len > 0 && token.data + token.len == value + len);
	return 0;
}
