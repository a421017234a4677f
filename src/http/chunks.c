/*
 * chunks.c - see chunks.h.
 *
 *	SIZE --;--> EXTENSION
 *	 |              |
 *	 +----CR--------+--> SIZE_FEED --LF--> DATA --(left is 0)--> DATA_END
 *	                         |              DATA_END --CR--> DATA_FEED --LF--> SIZE
 *	                         |
 *	                         +--(size 0)--> TRAILER --...CR--> TRAILER_FEED --LF--> TRAILER
 *	                                           +------CR--> LAST_FEED --LF--> OVER
 *
 * Never: forgives a byte that two programs could take for different things.
 */
#include "http/chunks.h"

#include "http/chars.h"

enum state {
	SIZE,
	EXTENSION,
	SIZE_FEED,
	DATA,
	DATA_END,
	DATA_FEED,
	TRAILER,      /* at the beginning of a line */
	TRAILER_LINE, /* in it */
	TRAILER_FEED,
	LAST_FEED,
	OVER,
	BAD,
};

static bool is_control(char c)
{
	return ((unsigned char)c < 0x20 && c != '\t') || c == 0x7f;
}

static enum state take_size(struct weft__http_chunks *chunks, char c)
{
	if (weft__http_is(c, WEFT__HTTP_HEX)) {
		if (++chunks->digits > WEFT__HTTP_CHUNK_DIGITS_MAX)
			return BAD;
		chunks->left = chunks->left * 16 + weft__http_hex(c);
		return SIZE;
	}
	if (chunks->digits == 0)
		return BAD;
	if (c == ';')
		return EXTENSION;
	return c == '\r' ? SIZE_FEED : BAD;
}

static enum state take_extension(struct weft__http_chunks *chunks, char c)
{
	if (++chunks->extensions > WEFT__HTTP_EXTENSIONS_MAX)
		return BAD;
	if (c == '\r')
		return SIZE_FEED;
	return is_control(c) ? BAD : EXTENSION;
}

/* A line of NAME: VALUE, as of a head. */
static enum state take_trailer(struct weft__http_chunks *chunks, char c)
{
	if (++chunks->trailers > WEFT__HTTP_TRAILERS_MAX)
		return BAD;
	if (chunks->has_name) {
		if (c == '\r')
			return TRAILER_FEED;
		return is_control(c) ? BAD : TRAILER_LINE;
	}
	if (c == ':' && chunks->state == TRAILER_LINE) {
		chunks->has_name = true;
		return TRAILER_LINE;
	}
	return weft__http_is(c, WEFT__HTTP_TOKEN) ? TRAILER_LINE : BAD;
}

static enum state after(struct weft__http_chunks *chunks, char c)
{
	switch (chunks->state) {
	case SIZE:
		return take_size(chunks, c);
	case EXTENSION:
		return take_extension(chunks, c);
	case SIZE_FEED:
		if (c != '\n')
			return BAD;
		return chunks->left ? DATA : TRAILER;
	case DATA_END:
		return c == '\r' ? DATA_FEED : BAD;
	case DATA_FEED:
		chunks->digits = 0;
		return c == '\n' ? SIZE : BAD;
	case TRAILER:
		chunks->has_name = false;
		return c == '\r' ? LAST_FEED : take_trailer(chunks, c);
	case TRAILER_LINE:
		return take_trailer(chunks, c);
	case TRAILER_FEED:
		return c == '\n' ? TRAILER : BAD;
	case LAST_FEED:
		return c == '\n' ? OVER : BAD;
	default:
		return BAD;
	}
}

enum weft__http_chunks_result weft__http_chunks_next(
	struct weft__http_chunks *chunks, const char *data, size_t len, size_t *ret_used)
{
	size_t at = 0;

	while (at < len && chunks->state != DATA && chunks->state != OVER && chunks->state != BAD)
		chunks->state = (int)after(chunks, data[at++]);
	*ret_used = at;
	switch (chunks->state) {
	case DATA:
		return WEFT__HTTP_CHUNKS_DATA;
	case OVER:
		return WEFT__HTTP_CHUNKS_END;
	case BAD:
		return WEFT__HTTP_CHUNKS_BAD;
	default:
		return WEFT__HTTP_CHUNKS_MORE;
	}
}

void weft__http_chunks_took(struct weft__http_chunks *chunks, size_t len)
{
	chunks->left -= len;
	if (chunks->left == 0)
		chunks->state = DATA_END;
}
