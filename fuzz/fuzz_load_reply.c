/*
 * fuzz_load_reply.c - an HTTP answer from an enemy, as `weft load` reads it: the first byte says
 * whether it answers HEAD, the second how the rest is cut.
 *
 * However it is cut, it ends at the same byte with the same status, or is refused.
 */
#include "cmd/load_reply.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void require(bool fact)
{
	if (!fact)
		abort();
}

/* Feed it in pieces of that size; *ret_used is where it ended. */
static enum load_reply_progress feed(
	struct load_reply *reply, const char *data, size_t len, size_t piece, size_t *ret_used)
{
	size_t from = 0, to = 0;

	weft__load_reply_reset(reply);
	while (to < len) {
		size_t used = SIZE_MAX;
		enum load_reply_progress progress;

		to = len - to < piece ? len : to + piece;
		progress = weft__load_reply_take(reply, data + from, to - from, &used);
		require(used <= to - from);
		from += used;
		*ret_used = from;
		if (progress != LOAD_REPLY_MORE)
			return progress;
		/* Only of a head is anything left. */
		require(from == to || weft__load_reply_is_fresh(reply));
	}
	return LOAD_REPLY_MORE;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct load_reply whole = {0}, cut = {0};
	enum load_reply_progress progress;
	size_t whole_used = 0, cut_used = 0;
	const char *text;

	if (len < 2)
		return 0;
	whole.is_to_head = cut.is_to_head = data[0] & 1;
	text = (const char *)data + 2;
	progress = feed(&whole, text, len - 2, len, &whole_used);
	require(progress == feed(&cut, text, len - 2, data[1] + 1U, &cut_used));
	require(progress != LOAD_REPLY_BAD || (whole.fault && cut.fault));
	if (progress == LOAD_REPLY_DONE)
		require(whole_used == cut_used && whole.status == cut.status &&
			whole.is_closing == cut.is_closing);
	return 0;
}
