/*
 * tls_setup.c - libssl's settings, made of options and of the files that they name.
 *
 * Entry points: weft__tls_setup_new(), _ref(), _unref().
 *
 * A server has a context for each identity. All connections begin with the first; the name
 * that the client asks for may exchange the certificate for another context's, and nothing
 * else. What all contexts have in common is set in context_new().
 *
 * Never: take a private key that is not its certificate's; turn anything on that is off.
 */
#include <errno.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "io/tls.h"

/* A server's ciphers of TLS 1.2: forward secret and authenticated (RFC 9325, 4.2). */
#define SERVER_CIPHERS                                               \
	"ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:" \
	"ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:" \
	"ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305"

static int fail(int code)
{
	ERR_clear_error();
	errno = code;
	return -1;
}

/* ---- Files --------------------------------------------------------------------------------- */

/* libssl opens a folder, and finds nothing in it. */
static bool is_folder(const char *path)
{
	struct stat facts;

	return stat(path, &facts) == 0 && S_ISDIR(facts.st_mode);
}

/* What libssl said of a file: not there, not readable, or not what it should be. */
static int fail_file(struct weft_tls_fault *fault, const char *path, const char *what)
{
	unsigned long error = ERR_peek_error();

	if (ERR_GET_REASON(error) == ERR_R_MALLOC_FAILURE)
		return fail(ENOMEM);
	if (ERR_SYSTEM_ERROR(error))
		what = strerror(ERR_GET_REASON(error));
	else if (is_folder(path))
		what = strerror(EISDIR);
	weft__tls_fault_set(fault, WEFT_TLS_FILE, "%s: %s", path, what);
	return fail(EPROTO);
}

/* Nobody sits at a terminal to be asked. */
static int no_password(char *buffer, int size_bytes, int is_writing, void *arg)
{
	(void)buffer;
	(void)size_bytes;
	(void)is_writing;
	(void)arg;
	return -1;
}

/* A certificate that was read, and is too weak for libssl, is its own complaint. */
static int fail_certificate(struct weft_tls_fault *fault, const char *path)
{
	unsigned long error = ERR_peek_error();
	const char *words = ERR_reason_error_string(error);
	char text[128];

	if (ERR_GET_LIB(error) != ERR_LIB_SSL || ERR_GET_REASON(error) < 100 || !words)
		return fail_file(fault, path, "this is not a certificate in PEM form");
	snprintf(text, sizeof(text), "the certificate can't be used: %s", words);
	return fail_file(fault, path, text);
}

static int fail_key(struct weft_tls_fault *fault, const struct weft_tls_identity *identity)
{
	const char *key = identity->key ? identity->key : identity->certificate;
	unsigned long error = ERR_peek_error();

	/* The first complaint is that nobody gave the password. */
	if (ERR_GET_LIB(error) == ERR_LIB_CRYPTO &&
		ERR_GET_REASON(error) == ERR_R_INTERRUPTED_OR_CANCELLED)
		return fail_file(fault, key,
			"the private key is locked by a password, and nobody is asked for it");
	return fail_file(fault, key, "there is no private key in PEM form in it");
}

static int fail_mismatch(struct weft_tls_fault *fault, const struct weft_tls_identity *identity)
{
	weft__tls_fault_set(fault, WEFT_TLS_KEY_MISMATCH,
		"the private key in %s is not that of the certificate in %s",
		identity->key ? identity->key : identity->certificate, identity->certificate);
	return fail(EPROTO);
}

static int load_identity(
	SSL_CTX *context, const struct weft_tls_identity *identity, struct weft_tls_fault *fault)
{
	const char *key = identity->key ? identity->key : identity->certificate;

	SSL_CTX_set_default_passwd_cb(context, no_password);
	if (SSL_CTX_use_certificate_chain_file(context, identity->certificate) != 1)
		return fail_certificate(fault, identity->certificate);
	if (SSL_CTX_use_PrivateKey_file(context, key, SSL_FILETYPE_PEM) != 1)
		return ERR_GET_LIB(ERR_peek_last_error()) == ERR_LIB_X509
			       ? fail_mismatch(fault, identity)
			       : fail_key(fault, identity);
	/* A key of another kind than the certificate's is put beside it, without a word. */
	return SSL_CTX_check_private_key(context) == 1 ? 0 : fail_mismatch(fault, identity);
}

static int load_issuers(SSL_CTX *context, const char *path, struct weft_tls_fault *fault)
{
	if (!path)
		return SSL_CTX_set_default_verify_paths(context) == 1 ? 0 : fail(ENOMEM);
	if (SSL_CTX_load_verify_file(context, path) != 1)
		return fail_file(fault, path, "there is no certificate in PEM form in it");
	return 0;
}

/* ---- Application protocols ---------------------------------------------------------------------
 */

/* As on the wire: each name after its length (RFC 7301). */
static int encode_protocols(struct weft__tls_setup *setup, const char *const *protocols)
{
	size_t len = 0;

	if (!protocols || !protocols[0])
		return 0;
	for (const char *const *name = protocols; *name; name++)
		len += strlen(*name) + 1;
	setup->protocols = malloc(len);
	if (!setup->protocols)
		return -1;
	for (const char *const *name = protocols; *name; name++) {
		unsigned char *place = setup->protocols + setup->protocols_len;

		place[0] = (unsigned char)strlen(*name);
		memcpy(place + 1, *name, place[0]);
		setup->protocols_len += place[0] + 1u;
	}
	return 0;
}

/* tidy: allow parameters, because libssl calls it */
static int choose_protocol(SSL *ssl, const unsigned char **ret_name, unsigned char *ret_len,
	const unsigned char *offered, unsigned offered_len, void *arg)
{
	const struct weft__tls_setup *setup = arg;
	unsigned char *name;

	(void)ssl;
	if (SSL_select_next_proto(&name, ret_len, setup->protocols, setup->protocols_len, offered,
		    offered_len) != OPENSSL_NPN_NEGOTIATED)
		return SSL_TLSEXT_ERR_ALERT_FATAL;
	*ret_name = name;
	return SSL_TLSEXT_ERR_OK;
}

/* ---- Identities ---------------------------------------------------------------------------------
 */

/* The first whose certificate is for the name that was asked for; else the first of all. */
static int choose_identity(SSL *ssl, int *alert, void *arg)
{
	const struct weft__tls_setup *setup = arg;
	const char *name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);

	(void)alert;
	if (!name)
		return SSL_TLSEXT_ERR_NOACK;
	for (unsigned i = 0; i < setup->count; i++) {
		X509 *certificate = SSL_CTX_get0_certificate(setup->contexts[i]);

		if (X509_check_host(
			    certificate, name, 0, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS, NULL) != 1)
			continue;
		if (i > 0)
			SSL_set_SSL_CTX(ssl, setup->contexts[i]);
		break;
	}
	ERR_clear_error();
	return SSL_TLSEXT_ERR_OK;
}

/* ---- Contexts
 * ------------------------------------------------------------------------------------- */

static int version_number(enum weft_tls_version version, int usual)
{
	switch (version) {
	case WEFT_TLS_1_2:
		return TLS1_2_VERSION;
	case WEFT_TLS_1_3:
		return TLS1_3_VERSION;
	default:
		return usual;
	}
}

struct common {
	enum weft_tls_version version_min, version_max;
	bool no_kernel;
};

static SSL_CTX *context_new(const SSL_METHOD *method, const struct common *common)
{
	SSL_CTX *context = SSL_CTX_new(method);

	if (!context)
		return NULL;
	SSL_CTX_set_min_proto_version(context, version_number(common->version_min, TLS1_2_VERSION));
	SSL_CTX_set_max_proto_version(context, version_number(common->version_max, 0));
	SSL_CTX_set_options(context, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION |
					     SSL_OP_CIPHER_SERVER_PREFERENCE |
					     SSL_OP_PRIORITIZE_CHACHA);
	/* An idle connection keeps no buffers. */
	SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
#ifdef SSL_OP_ENABLE_KTLS
	if (!common->no_kernel && weft__tls_kernel_can())
		SSL_CTX_set_options(context, SSL_OP_ENABLE_KTLS);
#endif
	return context;
}

static int prepare_client_check(SSL_CTX *context, const struct weft_tls_server_options *options,
	struct weft_tls_fault *fault)
{
	STACK_OF(X509_NAME) * names;
	int mode = SSL_VERIFY_PEER;

	if (!options->client_issuers)
		return 0;
	if (load_issuers(context, options->client_issuers, fault) < 0)
		return -1;
	names = SSL_load_client_CA_file(options->client_issuers);
	if (!names)
		return fail(ENOMEM);
	SSL_CTX_set_client_CA_list(context, names);
	if (options->needs_client_certificate)
		mode |= SSL_VERIFY_FAIL_IF_NO_PEER_CERT;
	SSL_CTX_set_verify(context, mode, weft__tls_fault_verify);
	return 0;
}

static int add_identity(struct weft__tls_setup *setup, const struct weft_tls_identity *identity,
	struct weft_tls_fault *fault)
{
	const struct weft_tls_server_options *options = &setup->tls->server;
	const struct common common = {
		options->version_min, options->version_max, options->no_kernel};
	SSL_CTX *context = context_new(TLS_server_method(), &common);

	if (!context)
		return fail(ENOMEM);
	setup->contexts[setup->count++] = context;
	if (!SSL_CTX_set_cipher_list(context, SERVER_CIPHERS) ||
		!SSL_CTX_set_session_id_context(context, (const unsigned char *)"weft", 4))
		return fail(ENOMEM);
	if (load_identity(context, identity, fault) < 0)
		return -1;
	if (setup->protocols)
		SSL_CTX_set_alpn_select_cb(context, choose_protocol, setup);
	SSL_CTX_set_tlsext_servername_callback(context, choose_identity);
	SSL_CTX_set_tlsext_servername_arg(context, setup);
	return prepare_client_check(context, options, fault);
}

static int fill_server(struct weft__tls_setup *setup, struct weft_tls_fault *fault)
{
	const struct weft_tls_server_options *options = &setup->tls->server;
	const struct weft_tls_identity first = {options->certificate, options->key};

	if (encode_protocols(setup, options->protocols) < 0)
		return -1;
	if (add_identity(setup, &first, fault) < 0)
		return -1;
	for (unsigned i = 0; i < options->others_count; i++)
		if (add_identity(setup, &options->others[i], fault) < 0)
			return -1;
	return 0;
}

static int fill_client(struct weft__tls_setup *setup, struct weft_tls_fault *fault)
{
	const struct weft_tls_client_options *options = &setup->tls->client;
	const struct common common = {
		options->version_min, options->version_max, options->no_kernel};
	const struct weft_tls_identity self = {options->certificate, options->key};
	SSL_CTX *context = context_new(TLS_client_method(), &common);

	if (!context)
		return fail(ENOMEM);
	setup->contexts[setup->count++] = context;
	if (encode_protocols(setup, options->protocols) < 0)
		return -1;
	if (setup->protocols &&
		SSL_CTX_set_alpn_protos(context, setup->protocols, setup->protocols_len) != 0)
		return fail(ENOMEM);
	if (self.certificate && load_identity(context, &self, fault) < 0)
		return -1;
	if (options->accepts_anybody)
		return 0;
	SSL_CTX_set_verify(context, SSL_VERIFY_PEER, weft__tls_fault_verify);
	return load_issuers(context, options->issuers, fault);
}

/* ---- Life
 * -------------------------------------------------------------------------------------------- */

struct weft__tls_setup *weft__tls_setup_new(struct weft_tls *tls, struct weft_tls_fault *fault)
{
	struct weft__tls_setup *setup = calloc(1, sizeof(*setup));
	int result;

	if (!setup)
		return NULL;
	atomic_init(&setup->refs, 1);
	pthread_mutex_init(&setup->mutex, NULL);
	setup->tls = weft__tls_ref(tls);
	ERR_clear_error();
	result = tls->is_server ? fill_server(setup, fault) : fill_client(setup, fault);
	if (result < 0) {
		weft__tls_setup_unref(setup);
		return NULL;
	}
	weft__tls_sessions_prepare(setup);
	return setup;
}

struct weft__tls_setup *weft__tls_setup_ref(struct weft__tls_setup *setup)
{
	atomic_fetch_add(&setup->refs, 1);
	return setup;
}

void weft__tls_setup_unref(struct weft__tls_setup *setup)
{
	int saved_errno = errno;

	if (!setup || atomic_fetch_sub(&setup->refs, 1) > 1)
		return;
	weft__tls_sessions_fini(setup);
	for (unsigned i = 0; i < setup->count; i++)
		SSL_CTX_free(setup->contexts[i]);
	free(setup->protocols);
	pthread_mutex_destroy(&setup->mutex);
	weft__tls_unref(setup->tls);
	free(setup);
	errno = saved_errno;
}
