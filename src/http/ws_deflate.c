/*
 * ws_deflate.c - compressed messages: permessage-deflate (RFC 7692), by zlib.
 *
 * Entry points: weft__ws_deflate_begin(), _next(); weft__ws_inflate().
 *
 * A message goes out in pieces of one buffer's size, and comes in as far as the caller's
 * buffer may grow: neither side's memory depends on what a few bytes can be blown up to. A
 * side that keeps no context between messages keeps no memory either.
 *
 *	piece	[ held back: 4 | compressed ......... ]
 *
 * The last four bytes of a message, 00 00 FF FF, are not sent (section 7.2.1); so the last
 * four of each piece wait for the next.
 *
 * Never: appends more than the buffer's bound.
 */
#include "http/ws.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#ifdef WEFT_HAS_ZLIB

#include <zlib.h>

/* Bytes of compressed data gathered for one frame. */
#define PIECE_SIZE 8192

/* What a message's end looks like, and is left out. */
#define TAIL     "\0\0\377\377"
#define TAIL_LEN ((size_t)4)

/* Bytes that one step of decompression appends at most. */
#define STEP ((size_t)4096)

struct weft__ws_deflate {
	struct weft__ws_terms terms;
	bool has_out, has_in; /* the state below is set up */
	z_stream out, in;
	const char *data; /* of the message under way, what was not given to zlib yet */
	size_t len;
	size_t held;
	char *piece; /* PIECE_SIZE bytes, while a message goes out */
	/* While it rests: the windows, so that messages may refer to those before. */
	struct window *out_window, *in_window;
};

/* What was said last. */
struct window {
	unsigned len;
	unsigned char data[];
};

bool weft__ws_deflate_is_there(void)
{
	return true;
}

struct weft__ws_deflate *weft__ws_deflate_new(const struct weft__ws_terms *terms)
{
	struct weft__ws_deflate *state = calloc(1, sizeof(*state));

	if (state)
		state->terms = *terms;
	return state;
}

static void drop_out(struct weft__ws_deflate *state)
{
	if (state->has_out)
		deflateEnd(&state->out);
	state->has_out = false;
}

static void drop_in(struct weft__ws_deflate *state)
{
	if (state->has_in)
		inflateEnd(&state->in);
	state->has_in = false;
}

void weft__ws_deflate_free(struct weft__ws_deflate *state)
{
	if (!state)
		return;
	drop_out(state);
	drop_in(state);
	free(state->piece);
	free(state->out_window);
	free(state->in_window);
	free(state);
}

/* ---- Resting ------------------------------------------------------------------------------ */

static struct window *window_new(unsigned bits)
{
	return malloc(sizeof(struct window) + ((size_t)1 << bits));
}

/* The window in a piece of memory of its size; NULL: it stays where it is. */
static struct window *window_fit(struct window *window, bool is_good)
{
	struct window *fit;

	if (!is_good) {
		free(window);
		return NULL;
	}
	fit = realloc(window, sizeof(*window) + window->len);
	return fit ? fit : window;
}

static void rest_out(struct weft__ws_deflate *state)
{
	struct window *window = state->has_out ? window_new(state->terms.ours_bits) : NULL;

	if (!window)
		return;
	window = window_fit(
		window, deflateGetDictionary(&state->out, window->data, &window->len) == Z_OK);
	if (!window)
		return;
	state->out_window = window;
	drop_out(state);
}

static void rest_in(struct weft__ws_deflate *state)
{
	struct window *window = state->has_in ? window_new(state->terms.theirs_bits) : NULL;

	if (!window)
		return;
	window = window_fit(
		window, inflateGetDictionary(&state->in, window->data, &window->len) == Z_OK);
	if (!window)
		return;
	state->in_window = window;
	drop_in(state);
}

void weft__ws_deflate_rest(struct weft__ws_deflate *state)
{
	rest_out(state);
	rest_in(state);
}

/* ---- Compressing -------------------------------------------------------------------------- */

static int prepare_out(struct weft__ws_deflate *state)
{
	int bits = (int)state->terms.ours_bits;

	if (state->has_out)
		return 0;
	memset(&state->out, 0, sizeof(state->out));
	/* A small window needs no large table to find its repetitions in: as zlib's own default
	 * has it, 8 for 15 bits. */
	if (deflateInit2(&state->out, Z_DEFAULT_COMPRESSION, Z_DEFLATED, -bits, bits - 7,
		    Z_DEFAULT_STRATEGY) != Z_OK) {
		errno = ENOMEM;
		return -1;
	}
	state->has_out = true;
	if (state->out_window)
		deflateSetDictionary(&state->out, state->out_window->data, state->out_window->len);
	free(state->out_window);
	state->out_window = NULL;
	return 0;
}

int weft__ws_deflate_begin(struct weft__ws_deflate *state, const char *data, size_t len)
{
	if (prepare_out(state) < 0)
		return -1;
	state->piece = malloc(PIECE_SIZE);
	if (!state->piece)
		return -1;
	state->data = data;
	state->len = len;
	state->held = 0;
	return 0;
}

/* zlib counts in unsigned int. */
static void feed(struct weft__ws_deflate *state)
{
	size_t len = state->len < UINT32_MAX / 2 ? state->len : UINT32_MAX / 2;

	state->out.next_in = (Bytef *)state->data;
	state->out.avail_in = (uInt)len;
	state->data += len;
	state->len -= len;
}

bool weft__ws_deflate_next(struct weft__ws_deflate *state, const char **ret_data, size_t *ret_len)
{
	z_stream *out = &state->out;
	bool is_last;

	if (state->held > 0)
		memmove(state->piece, state->piece + PIECE_SIZE - TAIL_LEN, TAIL_LEN);
	out->next_out = (Bytef *)state->piece + state->held;
	out->avail_out = (uInt)(PIECE_SIZE - state->held);
	do {
		if (out->avail_in == 0 && state->len > 0)
			feed(state);
		deflate(out, state->len > 0 ? Z_NO_FLUSH : Z_SYNC_FLUSH);
	} while (out->avail_out > 0 && (out->avail_in > 0 || state->len > 0));
	is_last = out->avail_out > 0;
	state->held = TAIL_LEN;
	*ret_data = state->piece;
	*ret_len = PIECE_SIZE - out->avail_out - TAIL_LEN;
	if (is_last)
		state->held = 0;
	return is_last;
}

void weft__ws_deflate_end(struct weft__ws_deflate *state)
{
	free(state->piece);
	state->piece = NULL;
	if (state->terms.ours_resets)
		drop_out(state);
}

/* ---- Decompressing ------------------------------------------------------------------------ */

static int prepare_in(struct weft__ws_deflate *state)
{
	if (state->has_in)
		return 0;
	memset(&state->in, 0, sizeof(state->in));
	if (inflateInit2(&state->in, -(int)state->terms.theirs_bits) != Z_OK) {
		errno = ENOMEM;
		return -1;
	}
	state->has_in = true;
	if (state->in_window)
		inflateSetDictionary(&state->in, state->in_window->data, state->in_window->len);
	free(state->in_window);
	state->in_window = NULL;
	return 0;
}

/* Append up to STEP bytes. 1: there may be more; 0: not before more comes in. */
static int inflate_step(z_stream *in, struct weft_buf *out)
{
	size_t room = weft_buf_room(out) < STEP ? weft_buf_room(out) : STEP;
	int result;

	if (room == 0) {
		errno = EMSGSIZE;
		return -1;
	}
	in->next_out = weft_buf_reserve(out, room);
	if (!in->next_out)
		return -1;
	in->avail_out = (uInt)room;
	result = inflate(in, Z_SYNC_FLUSH);
	weft_buf_commit(out, room - in->avail_out);
	if (result == Z_MEM_ERROR) {
		errno = ENOMEM;
		return -1;
	}
	/* A peer may end its stream with a message, and begin anew (section 7.2.3.4). */
	if (result == Z_STREAM_END && inflateResetKeep(in) == Z_OK)
		return in->avail_in > 0;
	if (result != Z_OK && result != Z_BUF_ERROR) {
		errno = EILSEQ;
		return -1;
	}
	return in->avail_in > 0 || in->avail_out == 0;
}

int weft__ws_inflate(
	struct weft__ws_deflate *state, const char *data, size_t len, struct weft_buf *out)
{
	bool is_end = len == 0;
	int result;

	if (prepare_in(state) < 0)
		return -1;
	state->in.next_in = (Bytef *)(is_end ? TAIL : data);
	state->in.avail_in = (uInt)(is_end ? TAIL_LEN : len);
	while ((result = inflate_step(&state->in, out)) > 0)
		;
	if (is_end && state->terms.theirs_resets)
		drop_in(state);
	return result;
}

#else

void weft__ws_deflate_rest(struct weft__ws_deflate *state)
{
	(void)state;
}

bool weft__ws_deflate_is_there(void)
{
	return false;
}

struct weft__ws_deflate *weft__ws_deflate_new(const struct weft__ws_terms *terms)
{
	(void)terms;
	errno = ENOSYS;
	return NULL;
}

void weft__ws_deflate_free(struct weft__ws_deflate *state)
{
	(void)state;
}

int weft__ws_deflate_begin(struct weft__ws_deflate *state, const char *data, size_t len)
{
	(void)state;
	(void)data;
	(void)len;
	errno = ENOSYS;
	return -1;
}

bool weft__ws_deflate_next(struct weft__ws_deflate *state, const char **ret_data, size_t *ret_len)
{
	(void)state;
	*ret_data = "";
	*ret_len = 0;
	return true;
}

void weft__ws_deflate_end(struct weft__ws_deflate *state)
{
	(void)state;
}

int weft__ws_inflate(
	struct weft__ws_deflate *state, const char *data, size_t len, struct weft_buf *out)
{
	(void)state;
	(void)data;
	(void)len;
	(void)out;
	errno = ENOSYS;
	return -1;
}

#endif
