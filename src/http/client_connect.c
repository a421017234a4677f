/*
 * client_connect.c - a connection to where a fetch's URL leads: a kept one, or a new one.
 *
 * Entry point: weft__http_fetch_connect().
 *
 * The host is asked for by itself (weft/dns.h), not as a part of "HOST:PORT": a host that is
 * named like another form of address must not become one.
 *
 * What allows() was asked for is what is connected to: no name is looked up in between.
 *
 * Never: gives a connection of one origin, or of one Unix socket, to another.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "http/client.h"
#include "io/stream.h"
#include "weft/dns.h"
#include "weft/scope.h"

/* "https://host:port", or that and the socket: what must be equal for two to share it. */
static struct weft__http_client_connection *connection_new(const struct weft_http_fetch *fetch)
{
	const struct weft_http_url *url = fetch->url;
	const char *path = fetch->options.unix_path ? fetch->options.unix_path : "";
	size_t origin_len = (size_t)(url->target - url->text), path_len = strlen(path);
	struct weft__http_client_connection *connection =
		calloc(1, sizeof(*connection) + origin_len + path_len + 2);

	if (!connection)
		return NULL;
	connection->process = getpid();
	/* No origin has a space in it. */
	memcpy(connection->key, url->text, origin_len);
	connection->key[origin_len] = ' ';
	memcpy(connection->key + origin_len + 1, path, path_len);
	return connection;
}

/* ---- Connecting --------------------------------------------------------------------- */

static struct weft_stream *connect_unix(struct weft_http_fetch *fetch)
{
	char address[WEFT_ADDRESS_TEXT_MAX];
	struct weft_stream *stream = NULL;
	int len = snprintf(address, sizeof(address), "unix:%s", fetch->options.unix_path);

	if (len < 0 || (size_t)len >= sizeof(address)) {
		weft__http_fetch_fail(fetch, WEFT_HTTP_NO_CONNECTION, ENAMETOOLONG,
			"The Unix socket's path is too long.");
		return NULL;
	}
	WEFT_WITH_TIMEOUT (weft__http_fetch_patience(fetch))
		stream = weft_stream_connect(address);
	if (!stream)
		weft__http_fetch_fail_errno(
			fetch, WEFT_HTTP_NO_CONNECTION, "The Unix socket can not be connected to");
	return stream;
}

/* Keep those that the client may connect to. How many. */
static int keep_allowed(
	const struct weft_http_fetch *fetch, struct weft_address *addresses, int count)
{
	const struct weft_http_client_options *options = &fetch->client->options;
	int kept = 0;

	if (!options->allows)
		return count;
	for (int i = 0; i < count; i++)
		if (options->allows(&addresses[i], options->allows_arg))
			addresses[kept++] = addresses[i];
	return kept;
}

static struct weft_stream *connect_host(struct weft_http_fetch *fetch)
{
	struct weft_address addresses[WEFT_ADDRESS_RESOLVE_MAX];
	char port[8], what[WEFT_HTTP_FAULT_TEXT_MAX];
	struct weft_dns_query query = {.host = fetch->url->host, .service = port};
	struct weft_stream *stream = NULL;
	int count = -1;

	snprintf(port, sizeof(port), "%u", fetch->url->port);
	WEFT_WITH_TIMEOUT (weft__http_fetch_patience(fetch))
		count = weft_dns_resolve(&query, addresses, WEFT_ADDRESS_RESOLVE_MAX);
	if (count <= 0) {
		snprintf(what, sizeof(what), "The host %s was not found", fetch->url->host);
		if (errno == ENOENT)
			weft__http_fetch_fail(fetch, WEFT_HTTP_NO_HOST, ENOENT, "%s.", what);
		else
			weft__http_fetch_fail_errno(fetch, WEFT_HTTP_NO_HOST, what);
		return NULL;
	}
	count = keep_allowed(fetch, addresses, count);
	if (count == 0) {
		weft__http_fetch_fail(fetch, WEFT_HTTP_ADDRESS_REFUSED, EACCES,
			"The host %s has no address that may be connected to.", fetch->url->host);
		return NULL;
	}
	WEFT_WITH_TIMEOUT (weft__http_fetch_patience(fetch))
		stream = weft__stream_connect_any(addresses, count);
	if (!stream) {
		snprintf(what, sizeof(what), "%s:%s can not be connected to", fetch->url->host,
			port);
		weft__http_fetch_fail_errno(fetch, WEFT_HTTP_NO_CONNECTION, what);
	}
	return stream;
}

/* ---- TLS ---------------------------------------------------------------------------- */

static int fail_tls(struct weft_http_fetch *fetch, const struct weft_tls_fault *fault)
{
	if (fault->kind == WEFT_TLS_NO_FAULT)
		return weft__http_fetch_fail_errno(
			fetch, WEFT_HTTP_NO_TLS, "The connection can not be encrypted");
	return weft__http_fetch_fail(fetch, WEFT_HTTP_NO_TLS, errno, "%s", fault->text);
}

static int start_tls(struct weft_http_fetch *fetch, struct weft_stream *stream)
{
	struct weft_tls_fault fault = {.kind = WEFT_TLS_NO_FAULT};
	struct weft_tls *tls = weft__http_client_tls(fetch->client, &fault);
	int result = -1;

	if (!tls)
		return fail_tls(fetch, &fault);
	WEFT_WITH_TIMEOUT (weft__http_fetch_patience(fetch))
		result = weft_stream_start_tls(stream, tls, fetch->url->host);
	return result < 0 ? fail_tls(fetch, weft_stream_tls_fault(stream)) : 0;
}

/* ---- The connection ----------------------------------------------------------------- */

static int open_new(struct weft_http_fetch *fetch, struct weft__http_client_connection *connection)
{
	connection->stream = fetch->options.unix_path ? connect_unix(fetch) : connect_host(fetch);
	if (!connection->stream)
		return -1;
	return fetch->url->is_https ? start_tls(fetch, connection->stream) : 0;
}

/* RFC 6750, section 5.3: who can read along has all that the token is good for. */
static bool may_tell_token(const struct weft_http_fetch *fetch, struct weft_stream *stream)
{
	return !fetch->options.bearer || fetch->is_elsewhere || fetch->url->is_https ||
	       fetch->options.unix_path || weft_address_is_loopback(weft_stream_peer(stream));
}

int weft__http_fetch_connect(struct weft_http_fetch *fetch, bool is_new)
{
	struct weft__http_client_connection *made = connection_new(fetch), *kept = NULL;

	if (!made)
		return weft__http_fetch_fail_errno(
			fetch, WEFT_HTTP_OTHER_FAULT, "There is no memory for a connection");
	if (!is_new && !fetch->client->options.no_keep_alive)
		kept = weft__http_client_take(fetch->client, made->key);
	if (kept) {
		weft__http_client_connection_free(made);
		made = kept;
	} else if (open_new(fetch, made) < 0) {
		weft__http_client_connection_free(made);
		return -1;
	}
	fetch->connection = made;
	if (!may_tell_token(fetch, made->stream)) {
		weft__http_fetch_hang_up(fetch);
		return weft__http_fetch_fail(fetch, WEFT_HTTP_BAD_REQUEST, EINVAL,
			"A bearer token is not sent where others can read it: use https.");
	}
	return 0;
}
