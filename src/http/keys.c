/*
 * keys.c - pointers that a request carries from one function of a program to another.
 *
 * Entry points: weft_http_request_set(), weft_http_request_get().
 *
 * Never: takes memory, or knows what a pointer leads to.
 */
#include <errno.h>

#include "http/request.h"

int weft_http_request_set(
	struct weft_http_request *request, const struct weft_http_key *key, void *value)
{
	unsigned i = 0;

	while (i < request->kept_count && request->kept[i].key != key)
		i++;
	if (i == WEFT_HTTP_KEYS_MAX) {
		errno = ENOSPC;
		return -1;
	}
	request->kept[i] = (struct weft__http_kept){key, value};
	if (i == request->kept_count)
		request->kept_count++;
	return 0;
}

void *weft_http_request_get(
	const struct weft_http_request *request, const struct weft_http_key *key)
{
	for (unsigned i = 0; i < request->kept_count; i++)
		if (request->kept[i].key == key)
			return request->kept[i].value;
	return NULL;
}
