/*
 * child_chat_link.c - links (weft/chat_link.h): both ends in one process, without a socket; and
 * their yardstick, the same datagrams' seals by libsodium alone.
 *
 * Entry points: child_chat_link(), child_chat_seal().
 * Both print ns of CPU for: a message of 64 bytes alone in its datagram, acknowledged every second
 * time; one of ten that share a datagram; a whole handshake, of both ends together.
 */
#include "child.h"

#include <stdlib.h>
#include <string.h>

#include "weft/chat_link.h"

#define MESSAGES   20000
#define SHARED     10
#define HANDSHAKES 200
#define TEXT       64
#define OVERHEAD   (2 + 8 + 8)
#define PART       (7 + TEXT)
#define ACK        7

enum { SERVER, CLIENT };

struct ends {
	struct weft_chat_endpoint *endpoints[2];
	struct weft_chat_link *links[2];
	struct weft_address addresses[2];
	int64_t now;
};

static void look(struct ends *ends, int end)
{
	struct weft_chat_link_event event;

	while (weft_chat_endpoint_event(ends->endpoints[end], &event))
		if (event.kind == WEFT_CHAT_LINK_LOGIN) {
			ends->links[SERVER] = event.link;
			weft_chat_link_welcome(event.link, NULL);
		}
}

/* Until nobody has anything to say at this moment. */
static void carry(struct ends *ends)
{
	char data[WEFT_CHAT_LINK_DATAGRAM_MAX];
	struct weft_datagram datagram = {.data = data};
	bool more = true;

	while (more) {
		more = false;
		for (int end = 0; end < 2; end++)
			while (weft_chat_endpoint_output(
				ends->endpoints[end], &datagram, ends->now)) {
				datagram.peer = ends->addresses[end];
				weft_chat_endpoint_input(
					ends->endpoints[!end], &datagram, ends->now);
				look(ends, !end);
				more = true;
			}
	}
}

static int begin(struct ends *ends)
{
	static const uint8_t secret[WEFT_CHAT_LINK_KEY_SIZE] = {1};
	struct weft_chat_endpoint_options options = {.secret_key = secret};

	memset(ends, 0, sizeof(*ends));
	ends->now = 1;
	ends->endpoints[SERVER] = weft_chat_endpoint_new(&options);
	ends->endpoints[CLIENT] = weft_chat_endpoint_new(NULL);
	return ends->endpoints[SERVER] && ends->endpoints[CLIENT] &&
			       weft_address_parse(&ends->addresses[SERVER], "10.0.0.1:1") == 0 &&
			       weft_address_parse(&ends->addresses[CLIENT], "10.0.0.2:2") == 0
		       ? 0
		       : -1;
}

static int enter(struct ends *ends)
{
	struct weft_chat_link_connect_options connect = {
		.login = {"anna", "a password", WEFT_CHAT_LINK_PASSWORD}};

	/* Enough time between two, that no host begins too often. */
	ends->now += WEFT_SECONDS(1);
	ends->links[SERVER] = NULL;
	ends->links[CLIENT] =
		weft_chat_link_connect(ends->endpoints[CLIENT], &ends->addresses[SERVER], &connect);
	if (!ends->links[CLIENT])
		return -1;
	carry(ends);
	return ends->links[SERVER] ? 0 : -1;
}

static double time_messages(struct ends *ends, int together)
{
	char text[TEXT] = "a message of 64 bytes, as people write them to each other";
	int64_t start = bench_cpu();

	for (int i = 0; i < MESSAGES; i += together) {
		for (int j = 0; j < together; j++)
			weft_chat_link_send(ends->links[CLIENT], text, sizeof(text));
		ends->now += WEFT_MILLISECONDS(1);
		carry(ends);
		for (int j = 0; j < together; j++)
			if (weft_chat_link_receive(ends->links[SERVER], text, sizeof(text)) != TEXT)
				return -1;
	}
	return (double)(bench_cpu() - start) / MESSAGES;
}

static double time_handshakes(struct ends *ends)
{
	int64_t start = bench_cpu();

	for (int i = 0; i < HANDSHAKES; i++)
		if (enter(ends) < 0)
			return -1;
	return (double)(bench_cpu() - start) / HANDSHAKES;
}

int child_chat_link(const char *argument)
{
	struct ends ends;
	double alone, shared;

	(void)argument;
	if (begin(&ends) < 0 || enter(&ends) < 0)
		return 1;
	alone = time_messages(&ends, 1);
	shared = time_messages(&ends, SHARED);
	if (alone < 0 || shared < 0)
		return 1;
	printf("%.1f %.1f %.0f\n", alone, shared, time_handshakes(&ends));
	weft_chat_endpoint_free(ends.endpoints[CLIENT]);
	weft_chat_endpoint_free(ends.endpoints[SERVER]);
	return 0;
}

/* ---- The yardstick ------------------------------------------------------------------------- */

#ifdef WEFT_HAS_SODIUM

#include <sodium.h>

static uint8_t bytes[2048];

/* Seal and open so many bytes of frames. */
static void seal_and_open(size_t len)
{
	static uint8_t head[OVERHEAD], nonce[12], key[32];

	nonce[4]++;
	crypto_aead_chacha20poly1305_ietf_encrypt(
		bytes, NULL, bytes, len, head, sizeof(head), NULL, nonce, key);
	if (crypto_aead_chacha20poly1305_ietf_decrypt(
		    bytes, NULL, NULL, bytes, len + 16, head, sizeof(head), nonce, key) < 0)
		abort();
}

static double time_seals(int together)
{
	int64_t start = bench_cpu();

	for (int i = 0; i < MESSAGES; i += together) {
		seal_and_open((size_t)together * PART);
		if (together > 1 || i % 2)
			seal_and_open(ACK);
	}
	return (double)(bench_cpu() - start) / MESSAGES;
}

/* Two ephemeral keys, and two secrets that both reckon. */
static double time_exchanges(void)
{
	uint8_t secret[32] = {8}, point[32], shared[32];
	int64_t start = bench_cpu();

	for (int i = 0; i < HANDSHAKES; i++) {
		for (int j = 0; j < 2; j++)
			crypto_scalarmult_base(point, secret);
		for (int j = 0; j < 4; j++)
			if (crypto_scalarmult(shared, secret, point) < 0)
				return -1;
		memcpy(secret, shared, sizeof(secret));
	}
	return (double)(bench_cpu() - start) / HANDSHAKES;
}

int child_chat_seal(const char *argument)
{
	double alone, shared;

	(void)argument;
	if (sodium_init() < 0)
		return 1;
	alone = time_seals(1);
	shared = time_seals(SHARED);
	printf("%.1f %.1f %.0f\n", alone, shared, time_exchanges());
	return 0;
}

#else

int child_chat_seal(const char *argument)
{
	(void)argument;
	return 1;
}

#endif
