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
#include <setjmp.h>
#include <stdlib.h>

#include "weft/list.h"
#endif

#define GZIP_LEVEL     6
#define BROTLI_QUALITY 5

/** The least window, as a power of two; the library's default is the largest. */
#define BROTLI_WINDOW_MIN 16

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

/* ---- gzip ----------------------------------------------------------------------------------- */

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

/* ---- brotli --------------------------------------------------------------------------------- */

#ifdef WEFT_HAS_BROTLI

/*
 * Where an allocation fails, the library as it is built everywhere ends the process by exit(3). So
 * it gets its memory here, and what can't be had is left by longjmp(3), over frames of the library
 * that hold nothing but such memory.
 */
struct brotli_memory {
	struct weft_list blocks; /* struct block */
	jmp_buf is_short;
};

struct block {
	_Alignas(max_align_t) struct weft_list_node in_blocks;
	_Alignas(max_align_t) char data[];
};

static void *allocate(void *opaque, size_t size)
{
	struct brotli_memory *memory = opaque;
	struct block *block = NULL;
	size_t whole;

	if (!__builtin_add_overflow(sizeof(*block), size, &whole))
		block = malloc(whole);
	if (!block)
		longjmp(memory->is_short, 1);
	weft_list_push_back(&memory->blocks, &block->in_blocks);
	return block->data;
}

static void deallocate(void *opaque, void *data)
{
	struct block *block;

	(void)opaque;
	if (!data)
		return;
	block = weft_container_of(data, struct block, data);
	weft_list_remove(&block->in_blocks);
	free(block);
}

/* A window that all of the text fits into: with it goes the memory. */
static uint32_t window_for(size_t len)
{
	uint32_t window = BROTLI_WINDOW_MIN;

	while (window < BROTLI_DEFAULT_WINDOW && ((size_t)1 << window) < len + 16)
		window++;
	return window;
}

static ssize_t run_brotli(struct brotli_memory *memory, const struct weft_http_text *text,
	char *ret_data, size_t size_bytes)
{
	BrotliEncoderState *state = BrotliEncoderCreateInstance(allocate, deallocate, memory);
	const uint8_t *next_in = (const uint8_t *)text->data;
	uint8_t *next_out = (uint8_t *)ret_data;
	size_t in_left = text->len, out_left = size_bytes;
	bool is_whole;

	if (!state) {
		errno = ENOMEM;
		return -1;
	}
	BrotliEncoderSetParameter(state, BROTLI_PARAM_QUALITY, BROTLI_QUALITY);
	BrotliEncoderSetParameter(state, BROTLI_PARAM_LGWIN, window_for(text->len));
	BrotliEncoderSetParameter(state, BROTLI_PARAM_SIZE_HINT, (uint32_t)text->len);
	is_whole = BrotliEncoderCompressStream(state, BROTLI_OPERATION_FINISH, &in_left, &next_in,
			   &out_left, &next_out, NULL) &&
		   BrotliEncoderIsFinished(state);
	BrotliEncoderDestroyInstance(state);
	if (is_whole)
		return (ssize_t)(size_bytes - out_left);
	errno = EMSGSIZE;
	return -1;
}

/* In a frame of its own: what changes after setjmp(3) must not be local to who called that. */
static ssize_t try_brotli(struct brotli_memory *memory, const struct weft_http_text *text,
	char *ret_data, size_t size_bytes)
{
	if (setjmp(memory->is_short) == 0)
		return run_brotli(memory, text, ret_data, size_bytes);
	errno = ENOMEM;
	return -1;
}

static ssize_t compress_brotli(const struct weft_http_text *text, char *ret_data, size_t size_bytes)
{
	struct brotli_memory memory;
	struct weft_list_node *node;
	ssize_t len;
	int saved;

	weft_list_init(&memory.blocks);
	len = try_brotli(&memory, text, ret_data, size_bytes);
	saved = errno;
	while ((node = weft_list_pop_front(&memory.blocks)))
		free(weft_container_of(node, struct block, in_blocks));
	errno = saved;
	return len;
}

#endif

/* ---- Either --------------------------------------------------------------------------------- */

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
