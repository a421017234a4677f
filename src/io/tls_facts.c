/*
 * tls_facts.c - what the two sides have agreed on, kept as text once the handshake is done.
 *
 * Entry point: weft__tls_facts_note().
 *
 * All strings of a stream are in one piece of memory, as long as they are.
 *
 * Never: keep what is libssl's and may go.
 */
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>

#include "io/tls.h"

/* A subject that is longer is cut. */
#define SUBJECT_MAX 512

#define FINGERPRINT_LEN 32

struct texts {
	char protocol[256];
	char server_name[256];
	char peer[SUBJECT_MAX];
	char fingerprint[2 * FINGERPRINT_LEN + 1];
};

static void note_fingerprint(X509 *certificate, char ret_text[2 * FINGERPRINT_LEN + 1])
{
	static const char digits[] = "0123456789abcdef";
	unsigned char sum[EVP_MAX_MD_SIZE];
	unsigned len = 0;

	if (X509_digest(certificate, EVP_sha256(), sum, &len) != 1 || len != FINGERPRINT_LEN)
		len = 0;
	for (unsigned i = 0; i < len; i++) {
		ret_text[2 * i] = digits[sum[i] >> 4];
		ret_text[2 * i + 1] = digits[sum[i] & 15];
	}
	ret_text[2 * len] = '\0';
}

static void note_texts(struct weft__tls *tls, struct texts *texts)
{
	const char *name = SSL_get_servername(tls->ssl, TLSEXT_NAMETYPE_host_name);
	X509 *certificate = SSL_get0_peer_certificate(tls->ssl);
	const unsigned char *protocol;
	unsigned len;

	memset(texts, 0, sizeof(*texts));
	SSL_get0_alpn_selected(tls->ssl, &protocol, &len);
	if (len > 0 && len < sizeof(texts->protocol))
		memcpy(texts->protocol, protocol, len);
	if (name)
		memcpy(texts->server_name, name, strnlen(name, sizeof(texts->server_name) - 1));
	if (certificate) {
		weft__tls_print_subject(certificate, texts->peer, sizeof(texts->peer));
		note_fingerprint(certificate, texts->fingerprint);
	}
}

static const char *pack(char **place, const char *text)
{
	const char *packed = *place;
	size_t size = strlen(text) + 1;

	memcpy(*place, text, size);
	*place += size;
	return packed;
}

static int pack_texts(struct weft__tls *tls, const struct texts *texts)
{
	struct weft_tls_facts *facts = &tls->facts;
	char *place = malloc(strlen(texts->protocol) + strlen(texts->server_name) +
			     strlen(texts->peer) + strlen(texts->fingerprint) + 4);

	if (!place)
		return -1;
	tls->facts_text = place;
	facts->protocol = pack(&place, texts->protocol);
	facts->server_name = pack(&place, texts->server_name);
	facts->peer = pack(&place, texts->peer);
	facts->fingerprint = pack(&place, texts->fingerprint);
	return 0;
}

int weft__tls_facts_note(struct weft__tls *tls)
{
	struct weft_tls_facts *facts = &tls->facts;
	struct texts *texts = malloc(sizeof(*texts)); /* too much for a fiber's stack */
	int result;

	if (!texts)
		return -1;
	note_texts(tls, texts);
	result = pack_texts(tls, texts);
	free(texts);
	if (result < 0)
		return -1;
	facts->version = SSL_get_version(tls->ssl);
	facts->cipher = SSL_get_cipher_name(tls->ssl);
	facts->is_verified = SSL_get0_peer_certificate(tls->ssl) != NULL &&
			     SSL_get_verify_mode(tls->ssl) != SSL_VERIFY_NONE &&
			     SSL_get_verify_result(tls->ssl) == X509_V_OK;
	facts->is_resumed = SSL_session_reused(tls->ssl);
	facts->is_kernel_sending = tls->kernel && BIO_get_ktls_send(tls->kernel);
	return 0;
}
