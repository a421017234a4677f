/*
 * compress.c - see compress.h.
 *
 * A file is compressed once and sent often, but somebody waits for the first time: so the
 * levels are those beyond which time grows faster than what is saved.
 *
 * Never: called on a worker; it would hold up every fiber there.
 */
#include "http/compress.h"

#include <errno.h>

#ifdef WEFT_HAS_ZLIB
#include <zlib.h>
#endif
#ifdef WEFT_HAS_BROTLI
#include <brotli/encode.h>
#endif

#define GZIP_LEVEL     6
#define BROTLI_QUALITY 5

bool weft__http_can_compress(enum weft__http_coding coding)
{
	switch (coding) {
#ifdef WEFT_HAS_ZLIB
	case WEFT__HTTP_GZIP:
		return true;
#endif
#ifdef WEFT_HAS_BROTLI
	case WEFT__HTTP_BROTLI:
		return true;
#endif
	default:
		return false;
	}
}

#ifdef WEFT_HAS_ZLIB
static ssize_t compress_gzip(const struct weft_http_text *text, char *ret_data, size_t size_bytes)
{
	z_stream stream = {0};
	int result;

	if (text->len > UINT32_MAX || size_bytes > UINT32_MAX) {
		errno = EMSGSIZE;
		return -1;
	}
	/* 16 is for gzip's header, which without a time is the same every time. */
	if (deflateInit2(&stream, GZIP_LEVEL, Z_DEFLATED, MAX_WBITS + 16, MAX_MEM_LEVEL,
		    Z_DEFAULT_STRATEGY) != Z_OK) {
		errno = ENOMEM;
		return -1;
	}
	stream.next_in = (z_const Bytef *)text->data;
	stream.avail_in = (uInt)text->len;
	stream.next_out = (Bytef *)ret_data;
	stream.avail_out = (uInt)size_bytes;
	result = deflate(&stream, Z_FINISH);
	deflateEnd(&stream);
	if (result == Z_STREAM_END)
		return (ssize_t)stream.total_out;
	errno = EMSGSIZE;
	return -1;
}
#endif

#ifdef WEFT_HAS_BROTLI
static ssize_t compress_brotli(const struct weft_http_text *text, char *ret_data, size_t size_bytes)
{
	size_t len = size_bytes;

	/* Its one failure beside this one is memory, which it does not tell apart. */
	if (BrotliEncoderCompress(BROTLI_QUALITY, BROTLI_DEFAULT_WINDOW, BROTLI_MODE_GENERIC,
		    text->len, (const uint8_t *)text->data, &len, (uint8_t *)ret_data))
		return (ssize_t)len;
	errno = EMSGSIZE;
	return -1;
}
#endif

ssize_t weft__http_compress(enum weft__http_coding coding, const struct weft_http_text *text,
	char *ret_data, size_t size_bytes)
{
	switch (coding) {
#ifdef WEFT_HAS_ZLIB
	case WEFT__HTTP_GZIP:
		return compress_gzip(text, ret_data, size_bytes);
#endif
#ifdef WEFT_HAS_BROTLI
	case WEFT__HTTP_BROTLI:
		return compress_brotli(text, ret_data, size_bytes);
#endif
	default:
		(void)text;
		(void)ret_data;
		(void)size_bytes;
		errno = ENOTSUP;
		return -1;
	}
}
