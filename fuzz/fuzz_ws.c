/*
 * fuzz_ws.c - frames from an enemy, and lists of extensions.
 *
 * The first byte says what follows: frames, with or without compression, or a list; the second
 * how finely frames are cut (a SOCK_SEQPACKET pair keeps the pieces apart). The messages and the
 * end must be the same as of the whole, text be UTF-8, and no message be over the limit.
 *
 * Never: a read that could wait; all bytes and the end are there before the first.
 */
#include "http/ws.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "weft/stream.h"
#include "weft/utf8.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

/* So few that the answers to them fit in a socket's buffer: a ping has two bytes. */
#define INPUT_MAX   200
#define MESSAGE_MAX 5000

enum {
	PLAIN,
	COMPRESSED,
	LIST,
	KINDS,
};

static void require(bool fact)
{
	if (!fact)
		abort();
}

struct outcome {
	unsigned messages;
	uint64_t hash;
	int result, error;
	unsigned close_code, close_sent;
};

static void take(struct outcome *outcome, const struct weft_ws_message *message)
{
	const uint8_t *bytes = message->data;

	require(message->len <= MESSAGE_MAX);
	require(message->type == WEFT_WS_TEXT || message->type == WEFT_WS_BINARY);
	if (message->type == WEFT_WS_TEXT)
		require(weft_utf8_is_valid(message->data, message->len));
	outcome->messages++;
	outcome->hash = outcome->hash * 31 + message->type * 7 + message->len;
	for (size_t i = 0; i < message->len; i++)
		outcome->hash = outcome->hash * 31 + bytes[i];
}

/* As a client, whose reading differs from a server's in the masks only. */
static struct outcome receive(int fd, bool is_compressed)
{
	const struct weft_ws_options options = {
		.message_max = MESSAGE_MAX, .fragments_max = 20, .ping_interval_ns = -1};
	/* A window that holds all there is: with a smaller one zlib reads on or gives up by how
	 * much comes at a time, where an enemy reaches beyond it. */
	const struct weft__ws_terms terms = {
		.is_on = is_compressed, .ours_bits = 9, .theirs_bits = 15};
	struct weft_stream *stream = weft_stream_new(fd);
	struct outcome outcome = {.hash = 1};
	struct weft_ws_message message;
	struct weft_ws *ws;

	require(stream != NULL);
	ws = weft__ws_new(stream, NULL, &options, &terms);
	require(ws != NULL);
	while ((outcome.result = weft_ws_receive(ws, &message)) > 0)
		take(&outcome, &message);
	outcome.error = outcome.result < 0 ? errno : 0;
	outcome.close_code = weft_ws_close_code(ws);
	outcome.close_sent = weft_ws_close_sent(ws);
	require(weft_utf8_is_valid(weft_ws_close_reason(ws), strlen(weft_ws_close_reason(ws))));
	require(weft_ws_receive(ws, &message) <= 0);
	weft_ws_free(ws);
	return outcome;
}

static struct outcome receive_cut(const uint8_t *data, size_t len, size_t piece, bool is_compressed)
{
	struct outcome outcome;
	int fds[2];

	require(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, fds) == 0);
	for (size_t sent = 0; sent < len; sent += piece) {
		if (piece > len - sent)
			piece = len - sent;
		require(send(fds[1], data + sent, piece, 0) == (ssize_t)piece);
	}
	shutdown(fds[1], SHUT_WR);
	outcome = receive(fds[0], is_compressed);
	close(fds[1]);
	return outcome;
}

static void try_frames(const uint8_t *data, size_t len, size_t piece, bool is_compressed)
{
	struct outcome whole = receive_cut(data, len, len, is_compressed);
	struct outcome parts = receive_cut(data, len, piece, is_compressed);

	require(whole.messages == parts.messages && whole.hash == parts.hash);
	require(whole.result == parts.result && whole.error == parts.error);
	require(whole.close_code == parts.close_code && whole.close_sent == parts.close_sent);
	require(whole.result == 0 || whole.error == EPROTO || whole.error == EILSEQ ||
		whole.error == EMSGSIZE || whole.error == ECONNRESET);
}

/* What the server chooses of it keeps within what zlib can do. */
static void try_list(const char *data, size_t len)
{
	const struct weft_ws_options options = {.deflates = true, .window_bits = 11};
	struct weft_http_text list = {data, len}, token;
	char text[WEFT__WS_TERMS_TEXT_MAX];
	struct weft__ws_terms terms;

	if (weft__ws_terms_choose(list, &options, &terms) == 0 && terms.is_on) {
		require(terms.ours_bits >= 9 && terms.ours_bits <= 11);
		require(terms.theirs_bits >= 8 && terms.theirs_bits <= 15);
		weft__ws_terms_print(&terms, text);
		require(strlen(text) < sizeof(text) - 1);
	}
	if (weft__ws_terms_accept(list, &options, &terms) == 0 && terms.is_on)
		require(terms.ours_bits >= 9 && terms.ours_bits <= 11 && terms.theirs_bits <= 11);
	while (weft__ws_list_next(&list, &token) > 0)
		require(token.len > 0 && token.data + token.len <= data + len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	unsigned kind = len > 2 ? data[0] % KINDS : LIST;

	if (len < 3 || len > INPUT_MAX)
		return 0;
	if (kind == LIST)
		try_list((const char *)data + 2, len - 2);
	else
		try_frames(data + 2, len - 2, data[1] % 16 + 1u, kind == COMPRESSED);
	return 0;
}
