/*
 * proxies.h - proxies that are believed whom they ask for.
 */
#ifndef WEFT_SRC_HTTP_PROXIES_H
#define WEFT_SRC_HTTP_PROXIES_H

#include "http/request.h"

struct weft__http_proxies;

/** The first that is no address, network or "unix"; NULL: all are good. */
const char *weft__http_proxies_find_bad(const char *const *proxies);

/** Those of the options, which are good; free(3) ends it. Errors: ENOMEM. */
struct weft__http_proxies *weft__http_proxies_new(const struct weft_http_server_options *options);

/** Whether the peer is one of them. */
bool weft__http_proxies_have(
	const struct weft__http_proxies *proxies, const struct weft_stream *peer);

/**
 * Fill in the request's client, once for each head; it stays empty where the peer is it. And
 * whether a proxy that is trusted says that it was asked by HTTPS.
 */
void weft__http_proxies_find_client(
	const struct weft__http_proxies *proxies, struct weft_http_request *request);

#endif
