/*
 * serve_auth.c - who may come in to `weft serve`: those in --auth-file, by Basic authentication.
 *
 * Entry points: weft__serve_open_auth(), weft__serve_authorise().
 *
 *	name, password --> known good? --> in
 *	                   too many failures from there? --> 429
 *	                   hash it, off the worker: good? --> noted as such --> in
 *	                                            no --> a failure is counted --> 401
 *
 * To hash takes so long that nobody can guess many passwords, and so long that it can't be done for
 * each request. So good answers are kept for a while, not as they are, but as a hash keyed with
 * a secret of this process, over the name, the password and the file's hash: a user that is changed
 * in the file is not found again.
 *
 * Never: keeps a password, or has more of them hashed at once than leaves CPU for others.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <unistd.h>

#include "serve.h"
#include "serve_users.h"
#include "weft/http_auth.h"
#include "weft/map.h"
#include "weft/offload.h"
#include "weft/rate.h"
#include "weft/scope.h"
#include "weft/sem.h"

/** What a browser shows. */
#define REALM "weft"

/** Good answers that are kept, and for how long. */
#define GOOD_MAX     1024
#define GOOD_LIFE_NS WEFT_SECONDS(600)

/** Failures of one client: so many at once, then one each ten seconds. */
#define FAILURES_BURST      10
#define FAILURES_PER_SECOND 0.1

/** For a password to be hashed, when many are. */
#define HASH_TIMEOUT_NS WEFT_SECONDS(10)

#define SUM_SIZE 32

/** A good answer; first in, first out. */
struct good {
	unsigned char sum[SUM_SIZE];
	int64_t until_ns;
};

struct serve_auth {
	pthread_mutex_t mutex; /* of users and good; held for some instructions */
	struct serve_users *users;
	struct weft_map *good; /* by their sums */
	unsigned char secret[SUM_SIZE];
	struct weft_rate *failures;
	struct weft_sem hashing;
	_Atomic unsigned *generation; /* shared with forked processes: how often it was read */
	_Atomic unsigned own_generation;
};

/* ---- Life --------------------------------------------------------------------------------- */

/* Half of the CPUs: the others serve. */
static unsigned hashing_max(void)
{
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);

	return cpus > 3 ? (unsigned)cpus / 2 : 1;
}

static int auth_init(struct serve_auth *auth)
{
	const struct weft_rate_options failures = {
		.per_second = FAILURES_PER_SECOND, .burst = FAILURES_BURST};

	pthread_mutex_init(&auth->mutex, NULL);
	auth->generation = mmap(NULL, sizeof(*auth->generation), PROT_READ | PROT_WRITE,
		MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (auth->generation == MAP_FAILED) {
		auth->generation = NULL;
		return -1;
	}
	auth->failures = weft_rate_new(&failures);
	auth->good = weft_map_new(&(struct weft_map_options){.count_max = GOOD_MAX});
	if (!auth->failures || !auth->good ||
		getrandom(auth->secret, sizeof(auth->secret), 0) != sizeof(auth->secret))
		return -1;
	return weft_sem_init(&auth->hashing, hashing_max(), "passwords");
}

int weft__serve_open_auth(struct serve *serve)
{
	char fault[SERVE_USERS_FAULT_MAX];

	if (!serve->auth_file)
		return CMD_DONE;
	serve->auth = calloc(1, sizeof(*serve->auth));
	if (!serve->auth || auth_init(serve->auth) < 0)
		return weft__cmd_fail(NAME, "can't start: %s.", strerror(errno));
	serve->auth->users = weft__serve_users_read(serve->auth_file, fault);
	if (!serve->auth->users)
		return weft__cmd_fail(NAME, "%s", fault);
	if (weft__serve_users_are_none(serve->auth->users))
		return weft__cmd_fail(NAME,
			"there are no users in %s, so nobody could come in: htpasswd -B %s NAME "
			"adds one.",
			serve->auth_file, serve->auth_file);
	return CMD_DONE;
}

static void forget_oldest(struct serve_auth *auth)
{
	size_t cursor = 0;
	const struct weft_map_entry *entry = weft_map_next(auth->good, &cursor);
	struct good *good = entry ? entry->value : NULL;

	if (!good)
		return;
	weft_map_remove(auth->good, good->sum, sizeof(good->sum));
	free(good);
}

void weft__serve_close_auth(struct serve *serve)
{
	struct serve_auth *auth = serve->auth;

	if (!auth)
		return;
	while (auth->good && weft_map_count(auth->good) > 0)
		forget_oldest(auth);
	weft_map_free(auth->good);
	weft_rate_free(auth->failures);
	weft__serve_users_drop(auth->users);
	if (auth->generation)
		munmap(auth->generation, sizeof(*auth->generation));
	pthread_mutex_destroy(&auth->mutex);
	OPENSSL_cleanse(auth->secret, sizeof(auth->secret));
	free(auth);
}

/* ---- Reading the file again --------------------------------------------------------------- */

static int read_again(struct serve *serve)
{
	struct serve_auth *auth = serve->auth;
	char fault[SERVE_USERS_FAULT_MAX];
	struct serve_users *old, *users = weft__serve_users_read(serve->auth_file, fault);

	if (!users)
		return weft__cmd_fail(NAME, "the old users stay: %s", fault);
	if (weft__serve_users_are_none(users)) /* a way to let in nobody any more */
		weft__cmd_fail(NAME, "there are no users left in %s: nobody can come in.",
			serve->auth_file);
	pthread_mutex_lock(&auth->mutex);
	old = auth->users;
	auth->users = users;
	pthread_mutex_unlock(&auth->mutex);
	weft__serve_users_drop(old);
	return CMD_DONE;
}

int weft__serve_reload_auth(struct serve *serve)
{
	int status = read_again(serve);

	if (!status)
		serve->auth->own_generation = atomic_fetch_add(serve->auth->generation, 1) + 1;
	return status;
}

/* In a process of "prefork": what the server has read again is read here, too. */
static struct serve_users *current_users(struct serve *serve)
{
	struct serve_auth *auth = serve->auth;
	unsigned generation = atomic_load(auth->generation);
	struct serve_users *users;

	if (weft_worker_index() < 0 && generation != auth->own_generation) {
		auth->own_generation = generation;
		read_again(serve);
	}
	pthread_mutex_lock(&auth->mutex);
	users = weft__serve_users_keep(auth->users);
	pthread_mutex_unlock(&auth->mutex);
	return users;
}

/* ---- Good answers ------------------------------------------------------------------------- */

/* Each part ends with its NUL, so that none can pass for the next. -1: libcrypto can't. */
static int sum_of(const struct serve_auth *auth, const struct weft_http_basic *basic,
	const char *hash, unsigned char ret_sum[SUM_SIZE])
{
	char text[sizeof(*basic) + 1024];
	size_t user_len = strlen(basic->user) + 1, password_len = strlen(basic->password) + 1;
	size_t hash_len = strnlen(hash, 1000);
	unsigned len = 0;

	memcpy(text, basic->user, user_len);
	memcpy(text + user_len, basic->password, password_len);
	memcpy(text + user_len + password_len, hash, hash_len);
	if (!HMAC(EVP_sha256(), auth->secret, sizeof(auth->secret), (unsigned char *)text,
		    user_len + password_len + hash_len, ret_sum, &len))
		len = 0;
	OPENSSL_cleanse(text, sizeof(text));
	return len == SUM_SIZE ? 0 : -1;
}

static bool is_known_good(struct serve_auth *auth, const unsigned char sum[SUM_SIZE])
{
	struct good *good;
	bool is_good;

	pthread_mutex_lock(&auth->mutex);
	good = weft_map_get(auth->good, sum, SUM_SIZE);
	is_good = good && good->until_ns > weft_now();
	pthread_mutex_unlock(&auth->mutex);
	return is_good;
}

/* Without memory it is hashed again the next time. */
static void note_good(struct serve_auth *auth, const unsigned char sum[SUM_SIZE])
{
	struct good *good = malloc(sizeof(*good));
	void *old = NULL;

	if (!good)
		return;
	memcpy(good->sum, sum, SUM_SIZE);
	good->until_ns = weft_now() + GOOD_LIFE_NS;
	pthread_mutex_lock(&auth->mutex);
	if (weft_map_count(auth->good) == GOOD_MAX)
		forget_oldest(auth);
	if (weft_map_put(auth->good, good->sum, SUM_SIZE, good, &old) < 0)
		old = good;
	pthread_mutex_unlock(&auth->mutex);
	free(old);
}

/* ---- Failures ----------------------------------------------------------------------------- */

/* What names the peer: its address, or of IPv6 the half that is a household's. 0: a Unix socket. */
static size_t client_of(const char *peer, struct in6_addr *ret_address)
{
	char address[INET6_ADDRSTRLEN];

	/* fe80::1%eth0 */
	snprintf(address, sizeof(address), "%.*s", (int)strcspn(peer, "%"), peer);
	if (inet_pton(AF_INET, address, ret_address) == 1)
		return sizeof(struct in_addr);
	return inet_pton(AF_INET6, address, ret_address) == 1 ? 8 : 0;
}

/* 0, or 429: from there come too many. */
static int check_failures(struct serve_auth *auth, const struct weft_http_request *request,
	struct weft_http_response *response)
{
	struct in6_addr client;
	size_t len = client_of(weft_http_request_client(request), &client);
	int64_t wait_ns = len ? weft_rate_wait(auth->failures, &client, len, weft_now()) : 0;
	char seconds[24];

	if (wait_ns == 0)
		return 0;
	snprintf(seconds, sizeof(seconds), "%lld", (long long)(wait_ns / WEFT_SECONDS(1)) + 1);
	return weft_http_response_field(response, "Retry-After", seconds) < 0 ? 503 : 429;
}

static void note_failure(struct serve_auth *auth, const struct weft_http_request *request)
{
	struct in6_addr client;
	size_t len = client_of(weft_http_request_client(request), &client);

	if (len > 0)
		weft_rate_take(auth->failures, &client, len, weft_now());
}

/* ---- Checking ----------------------------------------------------------------------------- */

struct check {
	const struct serve_users *users;
	const struct weft_http_basic *basic;
};

static int hash_password(void *arg)
{
	const struct check *check = arg;

	return weft__serve_users_check(check->users, check->basic->user, check->basic->password);
}

/* The same for a door that counts failures itself. */
int weft__serve_check_user(struct serve *serve, const char *name, const char *password)
{
	struct serve_auth *auth = serve->auth;
	struct weft_http_basic basic;
	struct serve_users *users;
	struct check check = {.basic = &basic};
	int result = -1;

	if (strlen(name) >= sizeof(basic.user) || strlen(password) >= sizeof(basic.password)) {
		errno = EACCES;
		return -1;
	}
	snprintf(basic.user, sizeof(basic.user), "%s", name);
	snprintf(basic.password, sizeof(basic.password), "%s", password);
	check.users = users = current_users(serve);
	WEFT_WITH_TIMEOUT (HASH_TIMEOUT_NS)
		result = weft_sem_acquire(&auth->hashing);
	if (result == 0) {
		result = weft_offload(hash_password, &check);
		weft_sem_release(&auth->hashing, 1);
	}
	OPENSSL_cleanse(&basic, sizeof(basic));
	weft__serve_users_drop(users);
	errno = result == 0 ? EACCES : EAGAIN;
	return result > 0 ? 0 : -1;
}

/* 0: good; 401, 429, or 503: it would have taken too long. */
static int check_by_hash(struct serve_auth *auth, struct check *check,
	const struct weft_http_request *request, struct weft_http_response *response)
{
	int result = -1, status = 0;

	WEFT_WITH_TIMEOUT (HASH_TIMEOUT_NS)
		result = weft_sem_acquire(&auth->hashing);
	if (result < 0)
		return 503;
	/* Looked at here: those who waited for the same have failed meanwhile. */
	status = check_failures(auth, request, response);
	if (!status) {
		result = weft_offload(hash_password, check);
		if (result == 0)
			note_failure(auth, request);
		status = result > 0 ? 0 : result == 0 ? 401 : 503;
	}
	weft_sem_release(&auth->hashing, 1);
	return status;
}

static int check_password(struct serve *serve, const struct weft_http_basic *basic,
	const struct weft_http_request *request, struct weft_http_response *response)
{
	struct serve_auth *auth = serve->auth;
	struct serve_users *users = current_users(serve);
	struct check check = {users, basic};
	const char *hash = weft__serve_users_hash(users, basic->user);
	unsigned char sum[SUM_SIZE];
	bool has_sum = hash && sum_of(auth, basic, hash, sum) == 0;
	int status = 0;

	if (!has_sum || !is_known_good(auth, sum)) {
		status = check_by_hash(auth, &check, request, response);
		if (has_sum && status == 0)
			note_good(auth, sum);
	}
	weft__serve_users_drop(users);
	return status;
}

static int authenticate(
	struct serve *serve, struct weft_http_request *request, struct weft_http_response *response)
{
	struct weft_http_basic basic;
	int status = 401;

	if (weft_http_request_basic(request, &basic) == 0) {
		status = check_password(serve, &basic, request, response);
		if (status == 0 && weft_http_request_set_user(request, basic.user) < 0)
			status = 503;
		OPENSSL_cleanse(&basic, sizeof(basic));
	}
	if (status == 401 && weft_http_response_ask_basic(response, REALM) < 0)
		status = 503;
	return status;
}

/* Browsers ask whether a script may ask without a password: the answer is a setting of ours. */
static bool is_preflight(const struct serve *serve, const struct weft_http_request *request)
{
	return serve->files_options.cors_origin &&
	       weft_http_request_method(request) == WEFT_HTTP_OPTIONS &&
	       weft_http_request_field(request, "Access-Control-Request-Method").data;
}

/*
 * Where people are logged in, pages of other sites get nothing of it, not even a picture, and are
 * not told where a link to them stood. A folder that is only shared may be shown anywhere.
 */
static int add_isolation(const struct serve *serve, struct weft_http_response *response)
{
	if (!serve->accounts && !serve->has_page && !serve->chat.has_web)
		return 0;
	if (weft_http_response_field(response, "Referrer-Policy", "same-origin") < 0)
		return -1;
	return serve->files_options.cors_origin
		       ? 0
		       : weft_http_response_field(
				 response, "Cross-Origin-Resource-Policy", "same-origin");
}

int weft__serve_authorise(
	struct weft_http_request *request, struct weft_http_response *response, void *arg)
{
	struct serve *serve = arg;
	char text[48];

	if (add_isolation(serve, response) < 0)
		return 503;
	if (serve->hsts_days && weft_http_request_tls(request)) {
		snprintf(text, sizeof(text), "max-age=%llu", serve->hsts_days * 86400ULL);
		if (weft_http_response_field(response, "Strict-Transport-Security", text) < 0)
			return 503;
	}
	if (!serve->auth || is_preflight(serve, request))
		return 0;
	return authenticate(serve, request, response);
}
