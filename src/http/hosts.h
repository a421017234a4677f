/*
 * hosts.h - whether a request is for a host that this server is: against DNS rebinding.
 */
#ifndef WEFT_SRC_HTTP_HOSTS_H
#define WEFT_SRC_HTTP_HOSTS_H

#include "http/request.h"

/** The first that is no host name, nor "*." and one; NULL: all are good. */
const char *weft__http_hosts_find_bad(const char *const *names);

/**
 * Whether the request is for one of the names, an address, localhost, or, where it has not come
 * by the loopback, a name of the local network; or needs not say (TLS, Unix socket, no Host).
 */
bool weft__http_hosts_have(const char *const *names, struct weft_http_request *request);

/** "example.org:8080" without its port; the colons of "[::1]:8080" before it are the host's. */
struct weft_http_text weft__http_host_name(struct weft_http_text host);

#endif
