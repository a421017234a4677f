/*
 * fuzz_chat_link.c - both ends of a link (weft/chat_link.h) fed with rubbish: in the clear, as
 * strangers send it, and sealed, as a peer gone mad would.
 *
 * The input is a row of datagrams: to whom and how (1 byte), length (2), bytes. Bits of the first
 * byte: 1 to the client, 2 sealed with the link's own key, 4 the kind is kept and the ids are put
 * right, 8 time goes on.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "chat/link.h" /* tidy: allow floors, because only a link can seal */
#include "weft/chat_link.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

enum { SERVER, CLIENT };

struct pair {
	struct weft_chat_endpoint *endpoints[2];
	struct weft_chat_link *links[2];
	struct weft_address addresses[2];
	int64_t now;
	uint64_t random;
};

static void random_bytes(void *arg, void *ret_bytes, size_t len)
{
	struct pair *pair = arg;

	for (size_t i = 0; i < len; i++) {
		pair->random = pair->random * UINT64_C(6364136223846793005) + 1442695040888963407;
		((uint8_t *)ret_bytes)[i] = (uint8_t)(pair->random >> 56);
	}
}

static void look(struct pair *pair, int host)
{
	struct weft_chat_link_event event;
	char text[4096];

	while (weft_chat_endpoint_event(pair->endpoints[host], &event)) {
		if (event.kind == WEFT_CHAT_LINK_LOGIN && !pair->links[SERVER]) {
			pair->links[SERVER] = event.link;
			weft_chat_link_welcome(event.link, "hello");
		} else if (event.kind == WEFT_CHAT_LINK_LOGIN)
			weft_chat_link_free(event.link);
		else
			while (weft_chat_link_receive(event.link, text, sizeof(text)) >= 0)
				;
	}
}

/* Everything that wants to go goes, and comes. */
static void settle(struct pair *pair)
{
	uint8_t data[WEFT_CHAT_LINK_DATAGRAM_MAX];
	struct weft_datagram datagram = {.data = data};

	for (int turn = 0; turn < 20; turn++)
		for (int host = 0; host < 2; host++) {
			for (int i = 0; i < 8 && weft_chat_endpoint_output(pair->endpoints[host],
							 &datagram, pair->now);
				i++) {
				datagram.peer = pair->addresses[host];
				weft_chat_endpoint_input(
					pair->endpoints[!host], &datagram, pair->now);
				look(pair, !host);
			}
			look(pair, host);
		}
}

static void inject(struct pair *pair, uint8_t how, const uint8_t *bytes, size_t len)
{
	int to = how & 1 ? CLIENT : SERVER;
	struct weft_chat_link *from = pair->links[!to], *link = pair->links[to];
	uint8_t data[WEFT_CHAT_LINK_DATAGRAM_MAX] = {WEFT_CHAT_LINK_FIRST, WEFT__LINK_SEALED};
	struct weft_datagram datagram = {.data = data, .peer = pair->addresses[!to]};

	if (how & 2 && from && from->has_keys) {
		len = len < sizeof(data) - WEFT__LINK_SEALED_MIN
			      ? len
			      : sizeof(data) - WEFT__LINK_SEALED_MIN;
		memcpy(data + 2, from->peer_id, WEFT__LINK_ID);
		weft__put(data + 2 + WEFT__LINK_ID, from->counter, 8);
		weft__noise_seal(from->send_key, from->counter++,
			(struct weft__bytes){data, WEFT__LINK_HEAD},
			(struct weft__bytes){bytes, len}, data + WEFT__LINK_HEAD);
		datagram.len = len + WEFT__LINK_SEALED_MIN;
	} else {
		datagram.len = len < sizeof(data) ? len : sizeof(data);
		memcpy(data, bytes, datagram.len);
		if (how & 4 && datagram.len > WEFT__LINK_HEAD && link) {
			data[0] = WEFT_CHAT_LINK_FIRST;
			memcpy(data + (data[1] == WEFT__LINK_COOKIED ? 3 : 2), link->id,
				WEFT__LINK_ID);
		}
	}
	weft_chat_endpoint_input(pair->endpoints[to], &datagram, pair->now);
	look(pair, to);
}

static void begin(struct pair *pair)
{
	static const uint8_t secret[WEFT_CHAT_LINK_KEY_SIZE] = {7};
	struct weft_chat_endpoint_options options = {.random = random_bytes,
		.arg = pair,
		.message_max = 8192,
		.queue_max = 16384,
		.memory_max = 65536,
		.links_max = 8,
		.half_open_max = 2};
	struct weft_chat_link_connect_options connect = {
		.login = {"fuzz", "secret", WEFT_CHAT_LINK_PASSWORD}};

	memset(pair, 0, sizeof(*pair));
	pair->now = 1000;
	for (int host = 0; host < 2; host++) {
		weft_address_parse(&pair->addresses[host], host ? "10.0.0.2:2" : "10.0.0.1:1");
		options.secret_key = host == SERVER ? secret : NULL;
		pair->endpoints[host] = weft_chat_endpoint_new(&options);
		if (!pair->endpoints[host])
			exit(1);
	}
	pair->links[CLIENT] =
		weft_chat_link_connect(pair->endpoints[CLIENT], &pair->addresses[SERVER], &connect);
	settle(pair);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct pair pair;

	begin(&pair);
	if (!pair.links[CLIENT] || !pair.links[SERVER])
		abort();
	weft_chat_link_send(pair.links[CLIENT], data, len < 3000 ? len : 3000);
	weft_chat_link_send(pair.links[SERVER], "0123456789", 10);
	for (unsigned count = 0; len >= 3 && count < 200; count++) {
		uint8_t how = data[0];
		size_t some = (size_t)data[1] << 8 | data[2];

		data += 3;
		len -= 3;
		if (some > len)
			some = len;
		inject(&pair, how, data, some);
		if (how & 8)
			pair.now += (int64_t)(how >> 4) * WEFT_MILLISECONDS(300);
		if (how & 8)
			settle(&pair);
		data += some;
		len -= some;
	}
	settle(&pair);
	for (int host = 0; host < 2; host++) {
		struct weft_chat_endpoint_counts counts;

		weft_chat_endpoint_counts(pair.endpoints[host], &counts);
		if (counts.memory > 65536 + 65536)
			abort();
		weft_chat_endpoint_free(pair.endpoints[host]);
	}
	return 0;
}
