/*
 * tls_session.c - resumption: a second connection to a server costs one round trip, and no
 * certificates.
 *
 * Entry points: weft__tls_sessions_prepare(), weft__tls_session_offer(), _session_share(),
 * _sessions_fini(), weft__tls_keys_renew().
 *
 * A client keeps sessions by server, the least used going first; those of TLS 1.3 are offered
 * once (RFC 8446, C.4). A server keeps none: it hands them out as tickets, encrypted by a key
 * that is known to nobody else and that changes every few hours, because whoever steals it
 * could read what was recorded before. Keys outlive a reload.
 *
 * Never: offer a session to another server, or one that another client has begun.
 */
#include <errno.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <stdlib.h>
#include <string.h>

#include "io/tls.h"
#include "weft/fiber.h"

/* ---- A client's sessions -------------------------------------------------------------------- */

static void session_drop(struct weft__tls_session *kept)
{
	SSL_SESSION_free(kept->session);
	free(kept->server);
	memset(kept, 0, sizeof(*kept));
}

/* The place of the server's session; else a free one or the least used. Under the mutex. */
static struct weft__tls_session *session_place(struct weft__tls_setup *setup, const char *server)
{
	struct weft__tls_session *oldest = &setup->sessions[0];

	for (unsigned i = 0; i < WEFT__TLS_SESSIONS_MAX; i++) {
		struct weft__tls_session *kept = &setup->sessions[i];

		if (kept->server && strcmp(kept->server, server) == 0)
			return kept;
		if (kept->used < oldest->used)
			oldest = kept;
	}
	return oldest;
}

/* libssl has a new session, and asks whether we keep its reference. */
static int keep_session(SSL *ssl, SSL_SESSION *session)
{
	struct weft__tls *tls = SSL_get_app_data(ssl);
	struct weft__tls_setup *setup = tls->setup;
	char *server = tls->server ? strdup(tls->server) : NULL;
	struct weft__tls_session *place;

	if (!server)
		return 0;
	pthread_mutex_lock(&setup->mutex);
	place = session_place(setup, server);
	session_drop(place);
	*place = (struct weft__tls_session){server, session, ++setup->uses};
	pthread_mutex_unlock(&setup->mutex);
	return 1;
}

void weft__tls_session_offer(struct weft__tls *tls)
{
	struct weft__tls_setup *setup = tls->setup;
	SSL_SESSION *session = NULL;
	struct weft__tls_session *place;

	if (!tls->server)
		return;
	pthread_mutex_lock(&setup->mutex);
	place = session_place(setup, tls->server);
	if (place->server && strcmp(place->server, tls->server) == 0) {
		session = place->session;
		place->used = ++setup->uses;
		/*
		 * libssl strikes it out once it was offered; but the connection that it came from
		 * may live, and others beside it go on with the same: so a copy is offered.
		 */
		if (SSL_SESSION_get_protocol_version(session) >= TLS1_3_VERSION) {
			session = SSL_SESSION_dup(session);
			session_drop(place);
		} else {
			SSL_SESSION_up_ref(session);
		}
	}
	pthread_mutex_unlock(&setup->mutex);
	/* One that it can't use is passed over: the handshake is a whole one. */
	if (session && !SSL_set_session(tls->ssl, session))
		ERR_clear_error();
	SSL_SESSION_free(session);
}

/*
 * A copy: libssl strikes out the session of a connection that is cut off, and first's is to be
 * offered again. One that can't be had leaves a whole handshake.
 */
void weft__tls_session_share(struct weft__tls *tls, struct weft__tls *first)
{
	SSL_SESSION *session, *copy = NULL;

	weft__tls_lock(first);
	session = SSL_get1_session(first->ssl);
	if (session && SSL_SESSION_is_resumable(session))
		copy = SSL_SESSION_dup(session);
	SSL_SESSION_free(session);
	weft__tls_unlock(first);
	if (copy)
		SSL_set_session(tls->ssl, copy);
	SSL_SESSION_free(copy);
	ERR_clear_error();
}

/* ---- A server's tickets -------------------------------------------------------------------------
 */

/* The first key is chance; so is one after everybody was to be forgotten. */
static bool key_make(struct weft__tls_ticket_key *key, int64_t now_ns)
{
	if (RAND_bytes(key->name, sizeof(key->name)) != 1 ||
		RAND_priv_bytes(key->cipher, sizeof(key->cipher)) != 1 ||
		RAND_priv_bytes(key->mac, sizeof(key->mac)) != 1)
		return false;
	key->born_ns = now_ns > 0 ? now_ns : 1;
	return true;
}

/*
 * The next one follows from the last, by a way that nobody finds back: processes that were
 * forked after the first have the same key at any time, and can resume each other's sessions.
 */
static bool key_follow(struct weft__tls_ticket_key *key)
{
	static const char *const uses[] = {"name", "cipher", "mac"};
	struct weft__tls_ticket_key next = {.born_ns = key->born_ns + WEFT__TLS_TICKET_KEY_LIFE};
	unsigned char *const places[] = {next.name, next.cipher, next.mac};
	const size_t lens[] = {sizeof(next.name), sizeof(next.cipher), sizeof(next.mac)};
	unsigned char sum[EVP_MAX_MD_SIZE];
	bool is_good = true;

	for (int i = 0; i < 3 && is_good; i++) {
		is_good = EVP_Q_mac(NULL, "HMAC", NULL, "SHA256", NULL, key->mac, sizeof(key->mac),
				  (const unsigned char *)uses[i], strlen(uses[i]), sum, sizeof(sum),
				  NULL) != NULL;
		memcpy(places[i], sum, lens[i]);
	}
	if (is_good)
		*key = next;
	OPENSSL_cleanse(&next, sizeof(next));
	OPENSSL_cleanse(sum, sizeof(sum));
	return is_good;
}

/* The first key encrypts, the other is the one before it. */
bool weft__tls_keys_renew(struct weft_tls *tls)
{
	struct weft__tls_ticket_key *keys = tls->ticket_keys;
	int64_t now_ns = weft_now();
	bool is_good = true;

	if (keys[0].born_ns == 0)
		return key_make(&keys[0], now_ns);
	while (is_good && now_ns - keys[0].born_ns >= WEFT__TLS_TICKET_KEY_LIFE) {
		keys[1] = keys[0];
		is_good = key_follow(&keys[0]);
	}
	return is_good;
}

/* The key that encrypts now. */
static bool key_for_sealing(struct weft_tls *tls, struct weft__tls_ticket_key *ret_key)
{
	bool is_good;

	pthread_mutex_lock(&tls->mutex);
	is_good = weft__tls_keys_renew(tls);
	*ret_key = tls->ticket_keys[0];
	pthread_mutex_unlock(&tls->mutex);
	return is_good;
}

/* The key of that name. -1: error; 0: none; 1: good; 2: the one before: time for a new ticket. */
static int key_for_opening(
	struct weft_tls *tls, const unsigned char name[16], struct weft__tls_ticket_key *ret_key)
{
	int found = 0;

	pthread_mutex_lock(&tls->mutex);
	if (!weft__tls_keys_renew(tls))
		found = -1;
	for (int i = 0; i < 2 && !found; i++) {
		const struct weft__tls_ticket_key *key = &tls->ticket_keys[i];

		if (key->born_ns == 0 || memcmp(key->name, name, sizeof(key->name)) != 0)
			continue;
		*ret_key = *key;
		found = i + 1;
	}
	pthread_mutex_unlock(&tls->mutex);
	return found;
}

static bool mac_begin(EVP_MAC_CTX *mac, struct weft__tls_ticket_key *key)
{
	OSSL_PARAM params[] = {
		OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_KEY, key->mac, sizeof(key->mac)),
		OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, "SHA256", 0),
		OSSL_PARAM_construct_end()};

	return EVP_MAC_CTX_set_params(mac, params) == 1;
}

static int ticket_seal(struct weft_tls *tls, struct weft__tls_ticket_key *key,
	unsigned char name[16], unsigned char *iv, EVP_CIPHER_CTX *cipher)
{
	if (!key_for_sealing(tls, key) || RAND_bytes(iv, EVP_MAX_IV_LENGTH) != 1)
		return -1;
	memcpy(name, key->name, sizeof(key->name));
	return EVP_EncryptInit_ex(cipher, EVP_aes_256_cbc(), NULL, key->cipher, iv) == 1 ? 1 : -1;
}

static int ticket_open(struct weft_tls *tls, struct weft__tls_ticket_key *key,
	const unsigned char name[16], const unsigned char *iv, EVP_CIPHER_CTX *cipher)
{
	int found = key_for_opening(tls, name, key);

	if (found <= 0)
		return found;
	return EVP_DecryptInit_ex(cipher, EVP_aes_256_cbc(), NULL, key->cipher, iv) == 1 ? found
											 : -1;
}

/* SSL_CTX_set_tlsext_ticket_key_evp_cb(3): -1 error, 0 unknown key, 1 good, 2 good but renew. */
/* tidy: allow parameters, because libssl calls it */
static int ticket_key(SSL *ssl, unsigned char name[16], unsigned char *iv, EVP_CIPHER_CTX *cipher,
	EVP_MAC_CTX *mac, int is_sealing)
{
	struct weft__tls *stream_tls = SSL_get_app_data(ssl);
	struct weft_tls *tls = stream_tls->setup->tls;
	struct weft__tls_ticket_key key;
	int result = is_sealing ? ticket_seal(tls, &key, name, iv, cipher)
				: ticket_open(tls, &key, name, iv, cipher);

	if (result > 0 && !mac_begin(mac, &key))
		result = -1;
	/* Whoever offers a ticket only once is to get another. */
	if (result == 1 && !is_sealing && !stream_tls->first && SSL_version(ssl) >= TLS1_3_VERSION)
		result = 2;
	OPENSSL_cleanse(&key, sizeof(key));
	return result;
}

/* ---- Both
 * ------------------------------------------------------------------------------------------ */

void weft__tls_sessions_prepare(struct weft__tls_setup *setup)
{
	SSL_CTX *context = setup->contexts[0];

	if (!setup->tls->is_server) {
		if (setup->tls->client.no_resumption)
			return;
		SSL_CTX_set_session_cache_mode(
			context, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
		SSL_CTX_sess_set_new_cb(context, keep_session);
		return;
	}
	if (!setup->tls->server.no_resumption) {
		/* Now, before anybody forks; if it fails, the first ticket will fail too. */
		pthread_mutex_lock(&setup->tls->mutex);
		weft__tls_keys_renew(setup->tls);
		pthread_mutex_unlock(&setup->tls->mutex);
		SSL_CTX_set_tlsext_ticket_key_evp_cb(context, ticket_key);
		return;
	}
	for (unsigned i = 0; i < setup->count; i++) {
		SSL_CTX_set_options(setup->contexts[i], SSL_OP_NO_TICKET);
		SSL_CTX_set_num_tickets(setup->contexts[i], 0);
	}
}

void weft__tls_sessions_fini(struct weft__tls_setup *setup)
{
	for (unsigned i = 0; i < WEFT__TLS_SESSIONS_MAX; i++)
		session_drop(&setup->sessions[i]);
}
