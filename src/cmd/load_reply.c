/*
 * load_reply.c - see load_reply.h.
 *
 * Entry point: weft__load_reply_take().
 *
 *	head --+--> done                              no body
 *	       +--> body ------------------> done     Content-Length
 *	       +--> until close                       neither
 *	       +--> chunk size <-> chunk, chunk end   chunked
 *	                +--> trailer ------> done
 *
 * Never: memory of its own, or a look behind the len bytes that it is given.
 */
#include "load_reply.h"

#include <string.h>
#include <strings.h>

void weft__load_reply_reset(struct load_reply *reply)
{
	*reply = (struct load_reply){.is_to_head = reply->is_to_head, .length = -1};
}

static enum load_reply_progress bad(struct load_reply *reply, const char *fault)
{
	reply->fault = fault;
	return LOAD_REPLY_BAD;
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* ---- The head ------------------------------------------------------------------------- */

/* A line of the head, without its end. */
struct line {
	const char *text;
	size_t len;
};

/* The value, without the spaces around it, if the line is of that field. */
static bool is_field(struct line line, const char *name, struct line *ret_value)
{
	size_t len = strlen(name);

	if (line.len <= len || line.text[len] != ':' || strncasecmp(line.text, name, len) != 0)
		return false;
	line.text += len + 1;
	line.len -= len + 1;
	while (line.len > 0 && (line.text[0] == ' ' || line.text[0] == '\t')) {
		line.text++;
		line.len--;
	}
	while (line.len > 0 && (line.text[line.len - 1] == ' ' || line.text[line.len - 1] == '\t'))
		line.len--;
	*ret_value = line;
	return true;
}

static bool is_separator(char c)
{
	return c == ',' || c == ' ' || c == '\t';
}

/* Whether a list of words, as of Connection, has this one; and whether it is its last. */
static bool has_word(struct line value, const char *word, bool *ret_is_last)
{
	size_t len = strlen(word);
	bool has = false;

	*ret_is_last = false;
	for (size_t at = 0; at < value.len;) {
		size_t end = at;

		while (end < value.len && !is_separator(value.text[end]))
			end++;
		if (end > at) {
			*ret_is_last =
				end - at == len && strncasecmp(value.text + at, word, len) == 0;
			has |= *ret_is_last;
		}
		at = end + 1;
	}
	return has;
}

static bool take_length(struct load_reply *reply, struct line value)
{
	int64_t length = 0;

	if (value.len == 0)
		return false;
	for (size_t i = 0; i < value.len; i++) {
		if (!is_digit(value.text[i]) || length > INT64_MAX / 10 - 1)
			return false;
		length = length * 10 + (value.text[i] - '0');
	}
	if (reply->length >= 0 && reply->length != length)
		return false;
	reply->length = length;
	return true;
}

static enum load_reply_progress take_field(struct load_reply *reply, struct line line)
{
	const char *colon = memchr(line.text, ':', line.len);
	struct line value;
	bool is_last;

	if (!colon || colon == line.text)
		return bad(reply, "a line of the answer's head is no field");
	/* What is of no interest is most of them. */
	switch (line.text[0] | 0x20) {
	case 'c':
		if (is_field(line, "Content-Length", &value) && !take_length(reply, value))
			return bad(reply, "the answer's Content-Length is no length");
		if (!is_field(line, "Connection", &value))
			break;
		if (has_word(value, "close", &is_last))
			reply->is_closing = true;
		else if (has_word(value, "keep-alive", &is_last))
			reply->is_closing = false;
		break;
	case 't':
		if (!is_field(line, "Transfer-Encoding", &value))
			break;
		has_word(value, "chunked", &is_last);
		reply->is_chunked = is_last;
		reply->is_coded = true;
		break;
	}
	return LOAD_REPLY_MORE;
}

/* "HTTP/1.1 200 OK", where the reason and the space before it may be missing. */
static enum load_reply_progress take_status_line(struct load_reply *reply, struct line line)
{
	const char *text = line.text;

	if (line.len < 12 || memcmp(text, "HTTP/1.", 7) != 0 || !is_digit(text[7]) ||
		text[8] != ' ' || text[9] < '1' || text[9] > '9' || !is_digit(text[10]) ||
		!is_digit(text[11]) || (line.len > 12 && text[12] != ' '))
		return bad(reply, "no HTTP/1.x status line");
	reply->status = (text[9] - '0') * 100 + (text[10] - '0') * 10 + (text[11] - '0');
	reply->is_closing = text[7] == '0';
	return LOAD_REPLY_MORE;
}

/* The head is whole: what follows it? (RFC 9112, section 6.3) */
static enum load_reply_progress end_head(struct load_reply *reply)
{
	if (reply->status < 200 && reply->status != 101) {
		weft__load_reply_reset(reply); /* an interim answer: the real one follows */
		return LOAD_REPLY_MORE;
	}
	if (reply->is_coded)
		reply->length = -1; /* it says nothing then, wherever it stood */
	if (reply->status == 101)
		reply->is_closing = true; /* a protocol that nobody here speaks */
	if (reply->is_to_head || reply->status == 101 || reply->status == 204 ||
		reply->status == 304 || (!reply->is_chunked && reply->length == 0))
		return LOAD_REPLY_DONE;
	if (reply->is_chunked) {
		reply->part = LOAD_REPLY_CHUNK_SIZE;
	} else if (reply->length > 0) {
		reply->part = LOAD_REPLY_BODY;
		reply->left = (uint64_t)reply->length;
	} else {
		reply->part = LOAD_REPLY_UNTIL_CLOSE;
		reply->is_closing = true;
	}
	return LOAD_REPLY_MORE;
}

/* All lines of a head, if it is whole; else nothing of it is used. */
static enum load_reply_progress take_head(
	struct load_reply *reply, const char *data, size_t len, size_t *ret_used)
{
	const char *at = data, *end = data + len, *newline;
	bool is_first = true;

	while ((newline = memchr(at, '\n', (size_t)(end - at)))) {
		struct line line = {at, (size_t)(newline - at)};
		enum load_reply_progress progress;

		if (line.len > 0 && line.text[line.len - 1] == '\r')
			line.len--;
		at = newline + 1;
		if (line.len == 0 && !is_first) {
			*ret_used = (size_t)(at - data);
			return end_head(reply);
		}
		progress = is_first ? take_status_line(reply, line) : take_field(reply, line);
		if (progress != LOAD_REPLY_MORE)
			return progress;
		is_first = false;
	}
	/* Read anew when there is more of it. */
	weft__load_reply_reset(reply);
	if (is_first && len >= 7 && memcmp(data, "HTTP/1.", 7) != 0)
		return bad(reply, "no HTTP/1.x status line");
	return LOAD_REPLY_MORE;
}

/* ---- The body ------------------------------------------------------------------------- */

static int hex_digit(char c)
{
	if (is_digit(c))
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* One byte of "1f4;name=value\r\n". */
static enum load_reply_progress take_size_byte(struct load_reply *reply, char c)
{
	int digit = hex_digit(c);

	if (++reply->line_len > LOAD_CHUNK_LINE_MAX)
		return bad(reply, "the line before a chunk is too long");
	if (c == '\n' && reply->has_digits) {
		reply->part = reply->left ? LOAD_REPLY_CHUNK : LOAD_REPLY_TRAILER;
		reply->line_len = reply->text_len = 0;
		reply->has_digits = reply->is_in_suffix = false;
	} else if (reply->is_in_suffix) {
		return LOAD_REPLY_MORE;
	} else if (digit >= 0 && reply->left <= INT64_MAX >> 4) {
		reply->left = reply->left << 4 | (unsigned)digit;
		reply->has_digits = true;
	} else if (reply->has_digits && digit < 0 && strchr("\r; \t", c) && c) {
		reply->is_in_suffix = true;
	} else {
		return bad(reply, "a chunk's size is no number");
	}
	return LOAD_REPLY_MORE;
}

static enum load_reply_progress take_chunk_end_byte(struct load_reply *reply, char c)
{
	if (c == '\r' && reply->line_len == 0) {
		reply->line_len = 1;
	} else if (c == '\n') {
		reply->part = LOAD_REPLY_CHUNK_SIZE;
		reply->line_len = 0;
	} else {
		return bad(reply, "no line end behind a chunk");
	}
	return LOAD_REPLY_MORE;
}

static enum load_reply_progress take_trailer_byte(struct load_reply *reply, char c)
{
	if (++reply->line_len > LOAD_TRAILER_MAX)
		return bad(reply, "the trailer is too long");
	if (c == '\n' && reply->text_len == 0)
		return LOAD_REPLY_DONE;
	if (c == '\n')
		reply->text_len = 0;
	else if (c != '\r')
		reply->text_len++;
	return LOAD_REPLY_MORE;
}

/* Bytes of a body or chunk; how many of them there were. */
static size_t skip(struct load_reply *reply, size_t len)
{
	if (len > reply->left)
		len = (size_t)reply->left;
	reply->left -= len;
	return len;
}

static enum load_reply_progress take_framing_byte(struct load_reply *reply, char c)
{
	if (reply->part == LOAD_REPLY_CHUNK_SIZE)
		return take_size_byte(reply, c);
	return reply->part == LOAD_REPLY_TRAILER ? take_trailer_byte(reply, c)
						 : take_chunk_end_byte(reply, c);
}

enum load_reply_progress weft__load_reply_take(
	struct load_reply *reply, const char *data, size_t len, size_t *ret_used)
{
	enum load_reply_progress progress = LOAD_REPLY_MORE;
	size_t at = 0;

	while (progress == LOAD_REPLY_MORE && at < len) {
		size_t used = 0;

		switch (reply->part) {
		case LOAD_REPLY_HEAD:
			progress = take_head(reply, data + at, len - at, &used);
			if (used == 0 && progress == LOAD_REPLY_MORE) {
				*ret_used = at;
				return progress;
			}
			break;
		case LOAD_REPLY_UNTIL_CLOSE:
			used = len - at;
			break;
		case LOAD_REPLY_BODY:
			used = skip(reply, len - at);
			progress = reply->left ? LOAD_REPLY_MORE : LOAD_REPLY_DONE;
			break;
		case LOAD_REPLY_CHUNK:
			used = skip(reply, len - at);
			if (!reply->left)
				reply->part = LOAD_REPLY_CHUNK_END;
			break;
		default:
			progress = take_framing_byte(reply, data[at]);
			used = 1;
		}
		at += used;
	}
	*ret_used = at;
	return progress;
}
