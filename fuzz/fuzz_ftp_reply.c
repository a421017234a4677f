/*
 * fuzz_ftp_reply.c - replies from an enemy's FTP server, cut into lines.
 *
 * Whatever comes is bounded, has a code of 100 to 599 once it is whole, and no NUL in its text.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "ftp/reply.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void require(bool fact)
{
	if (!fact)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	const char *text = (const char *)data;
	struct weft__ftp_reply reply;

	weft__ftp_reply_init(&reply);
	while (len > 0) {
		const char *end = memchr(text, '\n', len);
		size_t line = end ? (size_t)(end - text) + 1 : len;
		enum weft__ftp_reply_result result = weft__ftp_reply_take(&reply, text, line);

		require(weft_str_len(&reply.text) <= WEFT__FTP_REPLY_TEXT_MAX);
		require(strlen(weft_str_text(&reply.text)) == weft_str_len(&reply.text));
		if (result == WEFT__FTP_MORE || result == WEFT__FTP_DONE)
			require(reply.code >= 100 && reply.code <= 599);
		if (result != WEFT__FTP_MORE)
			weft__ftp_reply_reset(&reply);
		text += line;
		len -= line;
	}
	weft__ftp_reply_fini(&reply);
	return 0;
}
