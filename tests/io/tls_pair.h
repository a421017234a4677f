/*
 * tls_pair.h - a server on a thread of its own that echoes over TLS, and a client of it.
 *
 * The server is a plain thread outside of fibers, so that the case itself can be anywhere.
 * Nobody waits for time to pass.
 */
#ifndef TESTS_IO_TLS_PAIR_H
#define TESTS_IO_TLS_PAIR_H

#include "io/both.h"
#include "io/certificates.h"
#include "weft/scope.h"
#include "weft/serve.h"
#include "weft/socket.h"
#include "weft/tls.h"

struct pair {
	struct authority authority;
	struct weft_listener *listener;
	struct weft_tls *server_tls, *client_tls;
	struct weft_stream *client;
	char address[WEFT_ADDRESS_TEXT_MAX];
	weft_handler_fn *handler; /* NULL: echo */
	unsigned connections;     /* that the server awaits, one after the other */
	pthread_t thread;
	/* Of the server's last connection. */
	int result, code;
	struct weft_tls_fault fault;
	struct weft_tls_facts facts;
	char facts_texts[4][256];
};

static __attribute__((unused)) void say(struct weft_stream *stream, const char *text)
{
	CHECK_INT(weft_stream_write_all(stream, text, strlen(text)), ==, 0);
	CHECK_INT(weft_stream_flush(stream), ==, 0);
}

static __attribute__((unused)) void hear(struct weft_stream *stream, const char *text)
{
	const char *line;

	CHECK_INT(weft_stream_readline(stream, &line), ==, strlen(text));
	CHECK_MEM(line, text, strlen(text));
}

static __attribute__((unused)) int echo(struct weft_stream *peer, void *arg)
{
	const char *data;
	ssize_t len;

	(void)arg;
	while ((len = weft_stream_peek(peer, 1, &data)) > 0) {
		if (weft_stream_write_all(peer, data, (size_t)len) < 0 ||
			weft_stream_flush(peer) < 0)
			return -1;
		weft_stream_consume(peer, (size_t)len);
	}
	return (int)len;
}

static const char *kept(char place[256], const char *text)
{
	snprintf(place, 256, "%s", text);
	return place;
}

static void keep_facts(struct pair *pair, const struct weft_tls_facts *facts)
{
	pair->facts = *facts;
	pair->facts.protocol = kept(pair->facts_texts[0], facts->protocol);
	pair->facts.server_name = kept(pair->facts_texts[1], facts->server_name);
	pair->facts.peer = kept(pair->facts_texts[2], facts->peer);
	pair->facts.fingerprint = kept(pair->facts_texts[3], facts->fingerprint);
}

static void *pair_serve(void *arg)
{
	struct pair *pair = arg;

	for (unsigned i = 0; i < pair->connections; i++) {
		struct weft_stream *peer = weft_listener_accept(pair->listener);

		CHECK(peer != NULL);
		errno = 0;
		pair->result = weft_stream_start_tls(peer, pair->server_tls, NULL);
		if (pair->result == 0) {
			keep_facts(pair, weft_stream_tls(peer));
			pair->result = (pair->handler ? pair->handler : echo)(peer, pair);
		}
		pair->code = pair->result < 0 ? errno : 0;
		pair->fault = *weft_stream_tls_fault(peer);
		weft_stream_free(peer);
	}
	return NULL;
}

/* The authority "authority", the server's certificate "server", a listener; nothing runs. */
static void pair_prepare(struct pair *pair)
{
	memset(pair, 0, sizeof(*pair));
	pair->connections = 1;
	authority_make(&pair->authority, "authority");
	certificate_make(&pair->authority, "server", NULL);
	pair->listener = weft_listener_new("127.0.0.1:0", NULL);
	CHECK(pair->listener != NULL);
	weft_address_print(
		weft_listener_address(pair->listener), pair->address, sizeof(pair->address));
}

static struct weft_tls *server_tls(const struct weft_tls_server_options *more)
{
	struct weft_tls_server_options options = {0};
	struct weft_tls_fault fault;
	struct weft_tls *tls;

	if (more)
		options = *more;
	if (!options.certificate)
		options.certificate = path_of("server.pem");
	tls = weft_tls_server_new(&options, &fault);
	if (!tls)
		check_fail(__FILE__, __LINE__, "errno %d: %s", errno, fault.text);
	return tls;
}

static struct weft_tls *client_tls(const struct weft_tls_client_options *more)
{
	struct weft_tls_client_options options = {0};
	struct weft_tls_fault fault;
	struct weft_tls *tls;

	if (more)
		options = *more;
	if (!options.issuers)
		options.issuers = path_of("authority.pem");
	tls = weft_tls_client_new(&options, &fault);
	if (!tls)
		check_fail(__FILE__, __LINE__, "errno %d: %s", errno, fault.text);
	return tls;
}

static void pair_start(struct pair *pair, const struct weft_tls_server_options *server,
	const struct weft_tls_client_options *client)
{
	pair->server_tls = server_tls(server);
	pair->client_tls = client_tls(client);
	pair->thread = peer_start(pair_serve, pair);
}

static void pair_connect(struct pair *pair)
{
	struct weft_tls_fault fault;

	pair->client = weft_stream_connect_tls(pair->address, pair->client_tls, &fault);
	if (!pair->client)
		check_fail(__FILE__, __LINE__, "errno %d: %s", errno, fault.text);
}

static __attribute__((unused)) void pair_make(struct pair *pair,
	const struct weft_tls_server_options *server, const struct weft_tls_client_options *client)
{
	pair_prepare(pair);
	pair_start(pair, server, client);
	pair_connect(pair);
}

/* Connect, and be refused: the client's fault. */
static __attribute__((unused)) struct weft_tls_fault pair_refuse(struct pair *pair)
{
	struct weft_tls_fault fault;

	CHECK_ERRNO(weft_stream_connect_tls(pair->address, pair->client_tls, &fault), EPROTO);
	CHECK(fault.text[0] != '\0');
	return fault;
}

static __attribute__((unused)) void pair_end(struct pair *pair)
{
	weft_stream_free(pair->client);
	peer_end(pair->thread);
	weft_tls_free(pair->server_tls);
	weft_tls_free(pair->client_tls);
	weft_listener_free(pair->listener);
	authority_end(&pair->authority);
}

#endif
