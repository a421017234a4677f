/*
 * tls.c - TLS on one stream: how it begins and ends.
 *
 * Entry points: weft_stream_start_tls(), weft_stream_start_tls_beside(),
 * weft_stream_connect_tls(), weft_stream_tls(), weft_stream_tls_fault().
 *
 *	plain -> (flushed, what was received goes to libssl) -> handshake -> encrypted
 *	                                                            |
 *	                                                            +-> failed: nothing passes
 *
 * Never: let a byte pass in the clear once the handshake has begun, or one that came in the
 * clear be read after it.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>

#include "io/buffer.h"
#include "io/tls.h"
#include "weft/fiber.h"
#include "weft/scope.h"
#include "weft/socket.h"

/* Longest name of a host (RFC 1035), and of "host port". */
#define HOST_MAX   255
#define SERVER_MAX (HOST_MAX + 8)

static int fail(int code)
{
	errno = code;
	return -1;
}

/* ---- What the peer must be ------------------------------------------------------------- */

/* A client's session is kept for the host and port; without memory for that, it isn't. */
static void note_server(struct weft__tls *tls, struct weft_stream *stream, const char *host)
{
	const struct weft_address *peer = weft_stream_peer(stream);
	char text[SERVER_MAX];
	unsigned port = 0;

	if (weft_address_family(peer) == AF_INET)
		port = ntohs(peer->in.sin_port);
	else if (weft_address_family(peer) == AF_INET6)
		port = ntohs(peer->in6.sin6_port);
	snprintf(text, sizeof(text), "%s %u", host, port);
	tls->server = strdup(text);
}

/* The name is told to the server and looked for in its certificate; an address only that. */
static int expect_host(struct weft__tls *tls, const char *host)
{
	char name[HOST_MAX + 1];
	size_t len = strlen(host);
	unsigned char address[sizeof(struct in6_addr)];

	if (len > HOST_MAX)
		return fail(EINVAL);
	memcpy(name, host, len + 1);
	/* "example.org." is the same host, but in no certificate. */
	if (len > 1 && name[len - 1] == '.')
		name[len - 1] = '\0';
	/* "fe80::1%eth0": which of our networks it is on, no certificate says. */
	if (strchr(name, ':'))
		name[strcspn(name, "%")] = '\0';
	if (inet_pton(AF_INET, name, address) == 1 || inet_pton(AF_INET6, name, address) == 1)
		return X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(tls->ssl), name) ? 0
										     : fail(ENOMEM);
	SSL_set_hostflags(tls->ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
	if (!SSL_set1_host(tls->ssl, name) || !SSL_set_tlsext_host_name(tls->ssl, name))
		return fail(ENOMEM);
	return 0;
}

static int begin_client(struct weft__tls *tls, struct weft_stream *stream, const char *host)
{
	SSL_set_connect_state(tls->ssl);
	if (!host && !tls->setup->tls->client.accepts_anybody)
		return fail(EINVAL);
	if (host && (host[0] == '\0' || expect_host(tls, host) < 0))
		return host[0] ? -1 : fail(EINVAL);
	if (tls->first) {
		weft__tls_session_share(tls, tls->first);
		return 0;
	}
	tls->host = host ? strdup(host) : NULL;
	if (host && !tls->host)
		return fail(ENOMEM);
	if (host && !tls->setup->tls->client.no_resumption) {
		note_server(tls, stream, host);
		weft__tls_session_offer(tls);
	}
	return 0;
}

/* ---- Life ------------------------------------------------------------------------------ */

struct weft__tls *weft__tls_new(int fd, struct weft_tls *shared)
{
	struct weft__tls *tls = calloc(1, sizeof(*tls));

	if (!tls)
		return NULL;
	weft_lock_init(&tls->lock, "tls");
	weft_lock_init(&tls->starting, "tls handshake");
	tls->fd = fd;
	tls->setup = weft__tls_setup_of(shared);
	return tls;
}

int weft__tls_prepare(struct weft__tls *tls, struct weft_stream *stream, const char *host)
{
	if (!tls->ssl)
		tls->ssl = SSL_new(tls->setup->contexts[0]);
	if (!tls->ssl || !SSL_set_app_data(tls->ssl, tls))
		goto fail_memory;
	/* The simulator has a clock of its own. */
	X509_VERIFY_PARAM_set_time(
		SSL_get0_param(tls->ssl), (time_t)(weft_wall_now() / WEFT_SECONDS(1)));
	if (weft__tls_bio_attach(tls) < 0)
		goto fail_memory;
	if (!tls->setup->tls->is_server)
		return begin_client(tls, stream, host);
	SSL_set_accept_state(tls->ssl);
	if (tls->first)
		SSL_set_num_tickets(tls->ssl, 0);
	return 0;

fail_memory:
	ERR_clear_error();
	return fail(ENOMEM);
}

void weft__tls_free(struct weft__tls *tls)
{
	int saved_errno = errno;

	SSL_free(tls->ssl);
	BIO_free(tls->kernel);
	weft__buffer_give(tls->in.data);
	weft__tls_out_fini(&tls->out);
	free(tls->server);
	free(tls->host);
	free(tls->facts_text);
	weft__tls_setup_unref(tls->setup);
	free(tls);
	errno = saved_errno;
}

void weft__tls_lock(struct weft__tls *tls)
{
	if (weft_lock_try_acquire(&tls->lock) == 0)
		return;
	WEFT_SHIELDED
		weft_lock_acquire(&tls->lock);
}

void weft__tls_unlock(struct weft__tls *tls)
{
	weft_lock_release(&tls->lock);
}

/* ---- The handshake ------------------------------------------------------------------------ */

/* One step as far as it goes without waiting. SSL_ERROR_NONE: done. */
static int step(struct weft__tls *tls)
{
	int result, error, code = 0;

	weft__tls_lock(tls);
	ERR_clear_error();
	result = SSL_do_handshake(tls->ssl);
	error = SSL_get_error(tls->ssl, result);
	if (error == SSL_ERROR_SYSCALL || error == SSL_ERROR_SSL)
		code = weft__tls_code(tls);
	weft__tls_unlock(tls);
	errno = code;
	return error;
}

static int handshake(struct weft__tls *tls)
{
	for (;;) {
		switch (step(tls)) {
		case SSL_ERROR_NONE:
			return weft__tls_drain(tls);
		case SSL_ERROR_WANT_READ:
			if (weft__tls_drain(tls) < 0 || weft__tls_more(tls) < 0)
				return -1;
			break;
		case SSL_ERROR_WANT_WRITE:
			/* With nothing of ours to send, it is the kernel that has no room. */
			if (weft__tls_out_len(&tls->out) > 0 ? weft__tls_drain(tls) < 0
							     : weft_wait_fd(tls->fd, POLLOUT) < 0)
				return -1;
			break;
		default:
			weft__tls_push(tls); /* the alert that says why; keeps errno */
			return -1;
		}
	}
}

int weft__tls_handshake(struct weft__tls *tls)
{
	if (handshake(tls) < 0 || weft__tls_facts_note(tls) < 0)
		return -1;
	if (!tls->facts.is_kernel_sending) {
		BIO_free(tls->kernel); /* it could have, but not with this cipher */
		tls->kernel = NULL;
	}
	atomic_store(&tls->is_ready, true);
	return 0;
}

void weft__tls_take_over(
	struct weft_stream *stream, struct weft__tls *tls, const struct weft__stream_layer *layer)
{
	tls->in = stream->in;
	memset(&stream->in, 0, sizeof(stream->in));
	stream->searched = 0;
	weft__stream_half_rest(&tls->in);
	stream->tls = tls;
	stream->layer = layer;
	stream->is_socket = false;
}

static struct weft__tls *tls_begin(struct weft_stream *stream, struct weft_tls *shared,
	const char *host, struct weft__tls *first)
{
	struct weft__tls *tls = weft__tls_new(stream->fd, shared);

	if (tls)
		tls->first = first;
	if (tls && weft__tls_prepare(tls, stream, host) < 0) {
		weft__tls_free(tls);
		return NULL;
	}
	return tls;
}

/* With first's session, or with whatever is kept for the host. */
static int start(struct weft_stream *stream, struct weft_tls *shared, const char *host,
	struct weft__tls *first)
{
	struct weft__tls *tls;

	if (!stream->is_socket)
		return fail(ENOTSOCK);
	if (weft_stream_flush(stream) < 0)
		return -1;
	tls = tls_begin(stream, shared, host, first);
	if (!tls)
		return -1;
	/* What was received counts as encrypted: as an injected command it is only nonsense. */
	weft__tls_take_over(stream, tls, &weft__tls_layer);
	if (weft__tls_handshake(tls) < 0) {
		atomic_store(&tls->code, EPROTO);
		return -1;
	}
	if (tls->facts.is_kernel_sending)
		stream->layer = &weft__tls_kernel_layer;
	return 0;
}

int weft_stream_start_tls(struct weft_stream *stream, struct weft_tls *shared, const char *host)
{
	if (stream->layer)
		return stream->layer->start ? stream->layer->start(stream) : fail(EALREADY);
	return shared || !stream->is_socket ? start(stream, shared, host, NULL) : fail(EINVAL);
}

int weft_stream_start_tls_beside(struct weft_stream *stream, struct weft_stream *first)
{
	struct weft__tls *tls = first->tls;

	if (stream->layer)
		return fail(EALREADY);
	if (!tls || !atomic_load(&tls->is_ready))
		return fail(EINVAL);
	return start(stream, tls->setup->tls, tls->host, tls);
}

/* ---- Connecting ---------------------------------------------------------------------------- */

/* The host of "host:port", "[::1]:port" or "unix:/path" (which has none). */
static int host_of(const char *host_port, char ret_host[HOST_MAX + 1])
{
	const char *start = host_port, *end = strrchr(host_port, ':');

	if (!end || strncmp(host_port, "unix:", 5) == 0)
		return fail(EINVAL);
	if (*start == '[' && end > start + 1 && end[-1] == ']') {
		start++;
		end--;
	}
	if (end == start || end - start > HOST_MAX)
		return fail(EINVAL);
	memcpy(ret_host, start, (size_t)(end - start));
	ret_host[end - start] = '\0';
	return 0;
}

struct weft_stream *weft_stream_connect_tls(
	const char *host_port, struct weft_tls *tls, struct weft_tls_fault *ret_fault)
{
	struct weft_stream *stream;
	char host[HOST_MAX + 1];

	if (ret_fault)
		memset(ret_fault, 0, sizeof(*ret_fault));
	if (!tls) {
		errno = EINVAL;
		return NULL;
	}
	if (host_of(host_port, host) < 0)
		return NULL;
	stream = weft_stream_connect(host_port);
	if (!stream)
		return NULL;
	if (weft_stream_start_tls(stream, tls, host) == 0)
		return stream;
	if (ret_fault)
		*ret_fault = *weft_stream_tls_fault(stream);
	weft_stream_free(stream);
	return NULL;
}

/* ---- What there is to know --------------------------------------------------------------------
 */

const struct weft_tls_facts *weft_stream_tls(const struct weft_stream *stream)
{
	return stream->tls && atomic_load(&stream->tls->is_ready) ? &stream->tls->facts : NULL;
}

const struct weft_tls_fault *weft_stream_tls_fault(const struct weft_stream *stream)
{
	static const struct weft_tls_fault none;

	return stream->tls ? &stream->tls->fault : &none;
}
