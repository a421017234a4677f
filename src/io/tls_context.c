/*
 * tls_context.c - what the connections of one server, or client, share.
 *
 * Entry points: weft_tls_server_new(), weft_tls_client_new(), weft_tls_reload(),
 * weft_tls_free().
 *
 *	weft_tls --> setup in force --> SSL_CTX for each identity
 *	    ^------------ setup            ^
 *	                   ^               |
 *	stream's tls ------+-------------- SSL
 *
 * A reload makes a new setup and puts it in the place of the old one, which ends with the
 * last stream that was started with it. All that ever changes hands is counted.
 *
 * Never: read a file under the mutex, or leave a setup that is half new.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "io/tls.h"

/* ---- Options, copied --------------------------------------------------------------------- */

/* Walked twice: without memory it only counts. */
struct arena {
	char *memory;
	size_t used;
};

static void *arena_take(struct arena *arena, size_t size)
{
	void *place = arena->memory ? arena->memory + arena->used : NULL;

	arena->used += (size + 7) & ~(size_t)7;
	return place;
}

static const char *arena_string(struct arena *arena, const char *text)
{
	char *place;

	if (!text)
		return NULL;
	place = arena_take(arena, strlen(text) + 1);
	if (place)
		memcpy(place, text, strlen(text) + 1);
	return place;
}

static const char *const *arena_list(struct arena *arena, const char *const *list)
{
	const char **place;
	size_t count = 0;

	if (!list)
		return NULL;
	while (list[count])
		count++;
	place = arena_take(arena, (count + 1) * sizeof(*place));
	for (size_t i = 0; i < count; i++) {
		const char *text = arena_string(arena, list[i]);

		if (place)
			place[i] = text;
	}
	if (place)
		place[count] = NULL;
	return place;
}

static void copy_server(
	struct weft_tls *tls, const struct weft_tls_server_options *options, struct arena *arena)
{
	struct weft_tls_server_options *copy = &tls->server;
	struct weft_tls_identity *others;

	*copy = *options;
	copy->certificate = arena_string(arena, options->certificate);
	copy->key = arena_string(arena, options->key);
	copy->client_issuers = arena_string(arena, options->client_issuers);
	copy->protocols = arena_list(arena, options->protocols);
	others = arena_take(arena, options->others_count * sizeof(*others));
	for (unsigned i = 0; i < options->others_count; i++) {
		struct weft_tls_identity other = {
			arena_string(arena, options->others[i].certificate),
			arena_string(arena, options->others[i].key)};

		if (others)
			others[i] = other;
	}
	copy->others = others;
}

static void copy_client(
	struct weft_tls *tls, const struct weft_tls_client_options *options, struct arena *arena)
{
	struct weft_tls_client_options *copy = &tls->client;

	*copy = *options;
	copy->issuers = arena_string(arena, options->issuers);
	copy->certificate = arena_string(arena, options->certificate);
	copy->key = arena_string(arena, options->key);
	copy->protocols = arena_list(arena, options->protocols);
}

static bool are_versions_good(enum weft_tls_version min, enum weft_tls_version max)
{
	return min <= WEFT_TLS_1_3 && max <= WEFT_TLS_1_3 &&
	       (max == WEFT_TLS_ANY_VERSION || min <= max);
}

static bool are_protocols_good(const char *const *protocols)
{
	size_t total = 0;

	for (; protocols && *protocols; protocols++) {
		size_t len = strlen(*protocols);

		total += len + 1;
		/* The whole list has a length of two bytes (RFC 7301, 3.1). */
		if (len == 0 || len > 255 || total > UINT16_MAX)
			return false;
	}
	return true;
}

static bool is_server_good(const struct weft_tls_server_options *options)
{
	if (!options->certificate || options->others_count >= WEFT_TLS_IDENTITIES_MAX)
		return false;
	for (unsigned i = 0; i < options->others_count; i++)
		if (!options->others[i].certificate)
			return false;
	return (!options->needs_client_certificate || options->client_issuers) &&
	       are_versions_good(options->version_min, options->version_max) &&
	       are_protocols_good(options->protocols);
}

/* ---- Life --------------------------------------------------------------------------------- */

static struct weft_tls *tls_alloc(bool is_server)
{
	struct weft_tls *tls = calloc(1, sizeof(*tls));

	if (!tls)
		return NULL;
	atomic_init(&tls->refs, 1);
	tls->is_server = is_server;
	tls->process = getpid();
	if (is_server) {
		tls->generation = mmap(NULL, sizeof(*tls->generation), PROT_READ | PROT_WRITE,
			MAP_SHARED | MAP_ANONYMOUS, -1, 0);
		if (tls->generation == MAP_FAILED) {
			free(tls);
			return NULL;
		}
	}
	pthread_mutex_init(&tls->mutex, NULL);
	return tls;
}

struct weft_tls *weft__tls_ref(struct weft_tls *tls)
{
	atomic_fetch_add(&tls->refs, 1);
	return tls;
}

void weft__tls_unref(struct weft_tls *tls)
{
	if (atomic_fetch_sub(&tls->refs, 1) > 1)
		return;
	pthread_mutex_destroy(&tls->mutex);
	OPENSSL_cleanse(tls->ticket_keys, sizeof(tls->ticket_keys));
	if (tls->generation)
		munmap(tls->generation, sizeof(*tls->generation));
	free(tls->strings);
	free(tls);
}

/* The options are copied: read the files. On failure tls is gone. */
static struct weft_tls *tls_begin(struct weft_tls *tls, struct weft_tls_fault *ret_fault)
{
	if (weft_tls_reload(tls, ret_fault) == 0)
		return tls;
	weft_tls_free(tls);
	return NULL;
}

struct weft_tls *weft_tls_server_new(
	const struct weft_tls_server_options *options, struct weft_tls_fault *ret_fault)
{
	struct weft_tls *tls;
	struct arena arena = {NULL, 0};

	if (ret_fault)
		memset(ret_fault, 0, sizeof(*ret_fault));
	if (!is_server_good(options)) {
		errno = EINVAL;
		return NULL;
	}
	tls = tls_alloc(true);
	if (!tls)
		return NULL;
	copy_server(tls, options, &arena);
	tls->strings = arena.memory = malloc(arena.used + 1);
	if (!tls->strings) {
		weft_tls_free(tls);
		return NULL;
	}
	arena.used = 0;
	copy_server(tls, options, &arena);
	return tls_begin(tls, ret_fault);
}

struct weft_tls *weft_tls_client_new(
	const struct weft_tls_client_options *options, struct weft_tls_fault *ret_fault)
{
	static const struct weft_tls_client_options defaults;
	struct weft_tls *tls;
	struct arena arena = {NULL, 0};

	if (ret_fault)
		memset(ret_fault, 0, sizeof(*ret_fault));
	if (!options)
		options = &defaults;
	if (!are_versions_good(options->version_min, options->version_max) ||
		!are_protocols_good(options->protocols)) {
		errno = EINVAL;
		return NULL;
	}
	tls = tls_alloc(false);
	if (!tls)
		return NULL;
	copy_client(tls, options, &arena);
	tls->strings = arena.memory = malloc(arena.used + 1);
	if (!tls->strings) {
		weft_tls_free(tls);
		return NULL;
	}
	arena.used = 0;
	copy_client(tls, options, &arena);
	return tls_begin(tls, ret_fault);
}

/* The one in force comes out, the other (NULL: none) goes in. */
static struct weft__tls_setup *setup_exchange(struct weft_tls *tls, struct weft__tls_setup *setup)
{
	struct weft__tls_setup *old;

	pthread_mutex_lock(&tls->mutex);
	old = tls->setup;
	tls->setup = setup;
	/*
	 * Who was let in by an issuer that is gone by now must not come back by a ticket. The
	 * keys of the first setup stay: processes that are forked from here on share them.
	 */
	if (old && setup && tls->is_server && tls->server.client_issuers) {
		OPENSSL_cleanse(tls->ticket_keys, sizeof(tls->ticket_keys));
		weft__tls_keys_renew(tls);
	}
	pthread_mutex_unlock(&tls->mutex);
	return old;
}

void weft_tls_free(struct weft_tls *tls)
{
	int saved_errno = errno;

	if (!tls)
		return;
	weft__tls_setup_unref(setup_exchange(tls, NULL));
	weft__tls_unref(tls);
	errno = saved_errno;
}

int weft_tls_reload(struct weft_tls *tls, struct weft_tls_fault *ret_fault)
{
	struct weft_tls_fault fault = {0};
	struct weft__tls_setup *setup = weft__tls_setup_new(tls, &fault);

	if (ret_fault)
		*ret_fault = fault;
	if (!setup)
		return -1;
	weft__tls_setup_unref(setup_exchange(tls, setup));
	if (tls->generation && getpid() == tls->process)
		atomic_store(&tls->own_generation, atomic_fetch_add(tls->generation, 1) + 1);
	return 0;
}

/* In a process with one connection at a time, whose parent has read the files again. */
static void follow_parent(struct weft_tls *tls)
{
	unsigned generation = atomic_load(tls->generation);

	if (generation == atomic_load(&tls->own_generation) || getpid() == tls->process)
		return;
	atomic_store(&tls->own_generation, generation);
	weft_tls_reload(tls, NULL); /* on failure the old ones stay; the parent has said why */
}

struct weft__tls_setup *weft__tls_setup_of(struct weft_tls *tls)
{
	struct weft__tls_setup *setup;

	if (tls->generation)
		follow_parent(tls);
	pthread_mutex_lock(&tls->mutex);
	setup = weft__tls_setup_ref(tls->setup);
	pthread_mutex_unlock(&tls->mutex);
	return setup;
}
