/*
 * fuzz_collect.c - bytes from an enemy to `weft collect`: the first byte picks the framing
 * and the longest line, the second how the rest is cut.
 *
 * However it is cut, the same messages come, none too long, and as many bytes are dropped. The
 * line of each is one line, and gives the message back.
 */
#include <stdlib.h>
#include <string.h>

#include "cmd/collect_line.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

#define LINE_MAX_MAX 64
#define STAMP        "1970-01-01T00:00:01.000002Z"
#define HEAD         STAMP " x "

static void require(bool fact)
{
	if (!fact)
		abort();
}

static unsigned hex(char digit)
{
	require((digit >= '0' && digit <= '9') || (digit >= 'a' && digit <= 'f'));
	return (unsigned)(digit <= '9' ? digit - '0' : digit - 'a' + 10);
}

/* What stands for a byte, or for the beginning of a mark: -1. */
static int unescape(const char **at)
{
	const char *text = *at + 1;

	*at += 2;
	switch (text[0]) {
	case 'n':
		return '\n';
	case 'r':
		return '\r';
	case '\\':
		return '\\';
	case 'x':
		*at += 2;
		return (int)(hex(text[1]) << 4 | hex(text[2]));
	default:
		require(text[0] == '{');
		return -1;
	}
}

static void check_line(const struct collect_message *message)
{
	struct collect_origin origin = {.source = "x"};
	char line[4 * LINE_MAX_MAX + 512];
	size_t len, count = 0;
	const char *at = line + strlen(HEAD);

	require(weft__collect_line_room(message->len) <= sizeof(line));
	len = weft__collect_line(line, &origin, WEFT_SECONDS(1) + WEFT_MICROSECONDS(2), message);
	require(len <= weft__collect_line_room(message->len));
	require(memcmp(line, HEAD, strlen(HEAD)) == 0);
	require(memchr(line, '\n', len) == line + len - 1);
	while (*at != '\n') {
		int byte = (unsigned char)*at;

		require(byte >= ' ' || byte == '\t');
		if (*at == '\\')
			byte = unescape(&at);
		else
			at++;
		if (byte < 0)
			break;
		require(count < message->len && (unsigned char)message->text[count] == byte);
		count++;
	}
	require(count == message->len && (*at != '\n') == (message->marks != 0));
}

static uint64_t mix(uint64_t hash, uint64_t byte)
{
	return (hash ^ byte) * UINT64_C(0x100000001b3);
}

static uint64_t digest_message(
	uint64_t hash, const struct collect_message *message, size_t line_max)
{
	require(message->len <= line_max);
	check_line(message);
	for (size_t i = 0; i < message->len; i++)
		hash = mix(hash, (uint8_t)message->text[i]);
	return mix(mix(hash, message->len + 256), message->marks);
}

/* A number for all messages, taken in parts of that size. */
static uint64_t digest(uint8_t kind, const uint8_t *data, size_t len, size_t part)
{
	size_t line_max = 1 + kind / 3 % LINE_MAX_MAX;
	uint64_t hash = UINT64_C(0xcbf29ce484222325);
	struct collect_frames frames;
	struct collect_message message;

	weft__collect_frames_init(&frames, kind % 3, line_max);
	while (len > 0) {
		size_t some = part < len ? part : len;

		len -= some;
		while (some > 0) {
			size_t used = weft__collect_frames_take(
				&frames, (const char *)data, some, &message);

			require(used <= some);
			if (message.text)
				hash = digest_message(hash, &message, line_max);
			data += used;
			some -= used;
		}
	}
	if (weft__collect_frames_end(&frames, &message))
		hash = digest_message(hash, &message, line_max);
	hash = mix(hash, frames.dropped_bytes);
	weft__collect_frames_fini(&frames);
	return hash;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	uint64_t whole;

	if (len < 3)
		return 0;
	whole = digest(data[0], data + 2, len - 2, len);
	require(digest(data[0], data + 2, len - 2, 1 + data[1] % 32) == whole);
	require(digest(data[0], data + 2, len - 2, 1) == whole);
	return 0;
}
