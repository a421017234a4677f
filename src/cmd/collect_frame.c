/*
 * collect_frame.c - messages in a byte stream (collect_frame.h).
 *
 *	AT_START --a count--> IN_COUNTED --too long--> SKIP_COUNTED
 *	   |                      '--all of it--> AT_START    '--all of it--> AT_START
 *	   '----anything else--> IN_LINE ----too long--> SKIP_LINE
 *	                          '--newline--> AT_START   '--newline--> AT_START
 *
 * AT_START keeps what may become a count in part; where it becomes a line, that is its
 * beginning. Never: keep more than line_max + 1 bytes of a message.
 */
#include "collect_frame.h"

#include <string.h>

enum verdict {
	UNDECIDED,
	COUNTED,
	NOT_COUNTED,
};

void weft__collect_frames_init(
	struct collect_frames *frames, enum collect_framing framing, size_t line_max)
{
	*frames = (struct collect_frames){.framing = framing, .line_max = line_max};
	/* One more: a carriage return, of which it is not known yet whether it counts. */
	weft_buf_init(&frames->part, line_max + 1 + COLLECT_COUNT_DIGITS_MAX);
}

void weft__collect_frames_fini(struct collect_frames *frames)
{
	weft_buf_fini(&frames->part);
}

/* ---- Giving ----------------------------------------------------------------------------- */

static void start_over(struct collect_frames *frames, bool was_counted)
{
	frames->state = COLLECT_AT_START;
	frames->was_counted = was_counted;
	frames->marks = 0;
}

static void give(struct collect_frames *frames, const char *text, size_t len,
	struct collect_message *ret_message)
{
	/* An empty message has a text, too. */
	*ret_message = (struct collect_message){text ? text : "", len, frames->marks};
	frames->is_lent = true;
}

/* The first line_max bytes of part and data. Returns how many were data's. */
static size_t give_cut(struct collect_frames *frames, const char *data, enum collect_state skip,
	struct collect_message *ret_message)
{
	size_t part = weft_buf_len(&frames->part), some = 0;

	if (part > frames->line_max) {
		frames->dropped_bytes += part - frames->line_max;
		part = frames->line_max;
	} else {
		some = frames->line_max - part;
	}
	frames->state = skip;
	frames->marks |= COLLECT_CUT;
	if (part == 0) {
		give(frames, data, some, ret_message);
		return some;
	}
	if (weft_buf_append(&frames->part, data, some) == 0)
		part += some;
	else
		frames->dropped_bytes += some;
	give(frames, weft_buf_data(&frames->part), part, ret_message);
	return some;
}

/* Keep len bytes. Where memory is short, what is there is given, as too long. */
static size_t keep(struct collect_frames *frames, const char *data, size_t len,
	struct collect_message *ret_message)
{
	if (weft_buf_append(&frames->part, data, len) == 0)
		return len;
	frames->marks |= COLLECT_CUT;
	frames->state =
		frames->state == COLLECT_IN_COUNTED ? COLLECT_SKIP_COUNTED : COLLECT_SKIP_LINE;
	give(frames, weft_buf_data(&frames->part), weft_buf_len(&frames->part), ret_message);
	return 0;
}

/* ---- Counts ----------------------------------------------------------------------------- */

static bool is_digit(char byte)
{
	return byte >= '0' && byte <= '9';
}

/* "LEN ", which the message comes after. */
struct count {
	uint64_t len;
	size_t head_len;
};

/* Whether a message begins with a count. */
static enum verdict judge(
	enum collect_framing framing, const char *text, size_t len, struct count *ret_count)
{
	struct count count = {0};
	size_t digits = 0;

	while (digits < len && digits < COLLECT_COUNT_DIGITS_MAX && is_digit(text[digits]))
		count.len = 10 * count.len + (uint64_t)(text[digits++] - '0');
	if (digits == 0 || text[0] == '0')
		return NOT_COUNTED;
	if (digits == len)
		return UNDECIDED;
	if (text[digits] != ' ')
		return NOT_COUNTED;
	count.head_len = digits + 1;
	if (framing == COLLECT_AUTO) {
		if (count.head_len == len)
			return UNDECIDED;
		if (text[count.head_len] != '<')
			return NOT_COUNTED;
	}
	*ret_count = count;
	return COUNTED;
}

static void begin_line(struct collect_frames *frames)
{
	frames->state = COLLECT_IN_LINE;
	if (frames->framing == COLLECT_OCTETS)
		frames->marks |= COLLECT_NO_COUNT;
}

static void begin_counted(struct collect_frames *frames, const struct count *count)
{
	frames->state = COLLECT_IN_COUNTED;
	frames->left = count->len;
}

/* What may be a count comes in parts: part holds its beginning, byte by byte the rest comes. */
static size_t take_start_again(struct collect_frames *frames, const char *data, size_t len)
{
	struct weft_buf *part = &frames->part;
	enum verdict verdict = UNDECIDED;
	struct count count;
	size_t used = 0;

	while (used < len && verdict == UNDECIDED) {
		char *room = weft_buf_reserve(part, 1);

		if (!room) {
			begin_line(frames);
			return used;
		}
		*room = data[used++];
		weft_buf_commit(part, 1);
		verdict = judge(
			frames->framing, room + 1 - weft_buf_len(part), weft_buf_len(part), &count);
	}
	if (verdict == NOT_COUNTED) {
		/* The byte that decided may be the newline: it is looked at as the line's. */
		part->end--;
		used--;
		begin_line(frames);
	}
	if (verdict == COUNTED) {
		/* As above: in auto, the message's first byte decided. */
		used -= weft_buf_len(part) - count.head_len;
		weft_buf_clear(part);
		begin_counted(frames, &count);
	}
	return used;
}

static size_t take_start(struct collect_frames *frames, const char *data, size_t len,
	struct collect_message *ret_message)
{
	struct count count;

	if (frames->was_counted) {
		frames->was_counted = false;
		/* Some senders end a counted message with a newline that they don't count. */
		if (data[0] == '\n')
			return 1;
	}
	if (frames->framing == COLLECT_LINES) {
		frames->state = COLLECT_IN_LINE;
		return 0;
	}
	if (weft_buf_len(&frames->part) > 0)
		return take_start_again(frames, data, len);
	switch (judge(frames->framing, data, len, &count)) {
	case UNDECIDED:
		return keep(frames, data, len, ret_message);
	case COUNTED:
		begin_counted(frames, &count);
		return count.head_len;
	case NOT_COUNTED:
		begin_line(frames);
		break;
	}
	return 0;
}

static size_t take_counted(struct collect_frames *frames, const char *data, size_t len,
	struct collect_message *ret_message)
{
	size_t part = weft_buf_len(&frames->part);
	size_t some = frames->left < len ? (size_t)frames->left : len;

	if (part + frames->left > frames->line_max) {
		if (part + some < frames->line_max) {
			some = keep(frames, data, some, ret_message);
		} else {
			some = give_cut(frames, data, COLLECT_SKIP_COUNTED, ret_message);
		}
		frames->left -= some;
		return some;
	}
	if (part > 0 || some < frames->left) {
		some = keep(frames, data, some, ret_message);
		frames->left -= some;
		if (frames->left > 0 || ret_message->text)
			return some;
		give(frames, weft_buf_data(&frames->part), weft_buf_len(&frames->part),
			ret_message);
	} else {
		give(frames, data, some, ret_message);
	}
	start_over(frames, true);
	return some;
}

/* ---- Lines ------------------------------------------------------------------------------ */

/* Of part and then some bytes of data. */
static bool ends_with_return(const struct collect_frames *frames, const char *data, size_t some)
{
	size_t part = weft_buf_len(&frames->part);

	if (some > 0)
		return data[some - 1] == '\r';
	return part > 0 && weft_buf_data(&frames->part)[part - 1] == '\r';
}

/*
 * Where a line ends; NULL: not here. Some senders of syslog end messages with a NUL (RFC 6587,
 * 3.4.2), Python's among them.
 */
static const char *find_end(const struct collect_frames *frames, const char *data, size_t len)
{
	const char *newline = memchr(data, '\n', len), *nul = NULL;

	if (frames->framing == COLLECT_AUTO)
		nul = memchr(data, '\0', newline ? (size_t)(newline - data) : len);
	return nul ? nul : newline;
}

static size_t take_line(struct collect_frames *frames, const char *data, size_t len,
	struct collect_message *ret_message)
{
	const char *end = find_end(frames, data, len);
	size_t some = end ? (size_t)(end - data) : len;
	bool has_return = ends_with_return(frames, data, some);
	size_t all = weft_buf_len(&frames->part) + some;

	if (all - has_return > frames->line_max)
		return give_cut(frames, data, COLLECT_SKIP_LINE, ret_message);
	if (!end)
		return keep(frames, data, some, ret_message);
	if (all == 0 && *end == '\0') {
		/* A newline has ended it already. */
	} else if (all == some) {
		give(frames, data, all - has_return, ret_message);
	} else {
		if (keep(frames, data, some, ret_message) < some)
			return 0;
		give(frames, weft_buf_data(&frames->part), all - has_return, ret_message);
	}
	start_over(frames, false);
	return some + 1;
}

/* ---- Skipping --------------------------------------------------------------------------- */

static size_t skip_line(struct collect_frames *frames, const char *data, size_t len)
{
	const char *end = find_end(frames, data, len);

	if (!end) {
		frames->dropped_bytes += len;
		return len;
	}
	frames->dropped_bytes += (uint64_t)(end - data);
	start_over(frames, false);
	return (size_t)(end - data) + 1;
}

static size_t skip_counted(struct collect_frames *frames, size_t len)
{
	size_t some = frames->left < len ? (size_t)frames->left : len;

	frames->dropped_bytes += some;
	frames->left -= some;
	if (frames->left == 0)
		start_over(frames, true);
	return some;
}

/* ---- All together ----------------------------------------------------------------------- */

size_t weft__collect_frames_take(struct collect_frames *frames, const char *data, size_t len,
	struct collect_message *ret_message)
{
	*ret_message = (struct collect_message){0};
	if (frames->is_lent) {
		frames->is_lent = false;
		weft_buf_clear(&frames->part);
	}
	switch (frames->state) {
	case COLLECT_AT_START:
		return take_start(frames, data, len, ret_message);
	case COLLECT_IN_LINE:
		return take_line(frames, data, len, ret_message);
	case COLLECT_IN_COUNTED:
		return take_counted(frames, data, len, ret_message);
	case COLLECT_SKIP_LINE:
		return skip_line(frames, data, len);
	case COLLECT_SKIP_COUNTED:
		return skip_counted(frames, len);
	}
	return len;
}

bool weft__collect_frames_end(struct collect_frames *frames, struct collect_message *ret_message)
{
	size_t part = weft_buf_len(&frames->part);

	*ret_message = (struct collect_message){0};
	if (frames->is_lent)
		part = 0;
	if (frames->state == COLLECT_SKIP_LINE || frames->state == COLLECT_SKIP_COUNTED ||
		(part == 0 && frames->state != COLLECT_IN_COUNTED))
		return false;
	if (part > frames->line_max) {
		frames->dropped_bytes += part - frames->line_max;
		part = frames->line_max;
		frames->marks |= COLLECT_CUT;
	}
	frames->marks |= COLLECT_UNFINISHED;
	give(frames, weft_buf_data(&frames->part), part, ret_message);
	start_over(frames, false);
	return true;
}
