/*
 * fuzz_address.c - addresses from an enemy: the input is the text.
 *
 * What parses must print to a text that parses to the same address, in its room; what
 * does not must leave the result alone.
 *
 * Never: a question to the name service.
 */
#include "weft/address.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void require(bool fact)
{
	if (!fact)
		abort();
}

static void turn_round(const struct weft_address *address)
{
	char text[WEFT_ADDRESS_TEXT_MAX], host[WEFT_ADDRESS_TEXT_MAX];
	struct weft_address again;

	require(weft_address_print(address, text, sizeof(text)) < sizeof(text));
	require(weft_address_print_host(address, host, sizeof(host)) < sizeof(host));
	require(weft_address_parse(&again, text) == 0);
	require(weft_address_equal(address, &again));
	require(again.len == address->len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	char *text = strndup((const char *)data, len);
	struct weft_address address = {.len = 4711};

	require(text != NULL);
	if (weft_address_parse(&address, text) == 0) {
		turn_round(&address);
	} else {
		require(errno == EINVAL || errno == ENAMETOOLONG || errno == ENODEV);
		require(address.len == 4711);
	}
	free(text);
	return 0;
}
