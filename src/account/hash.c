/*
 * hash.c - see hash.h.
 *
 *	caller:  job_new --> pool's queue --> wait ----------------> take the result, drop
 *	pool:                     run ------------------------------> drop
 *
 * A job has two holders, the caller and the pool; the last one wipes and frees it.
 *
 * Entry points: weft__hash_make(), weft__hash_check().
 * Never: leaves a caller waiting longer than its scope allows, or tells by its time whether
 * there was a hash to compare with, or how old it was.
 */
#include "account/hash.h"

#include <assert.h>
#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "fiber/worker.h"
#include "weft/account.h"
#include "weft/fiber.h"
#include "weft/scope.h"
#include "weft/thread_pool.h"

#define PASSWORD_BYTES_MAX (WEFT_ACCOUNT_PASSWORD_MAX * 4)

/** Memory of one hash at most, when it is chosen by tuning. */
#define TUNED_KIB_MAX    65536
#define TUNED_PASSES_MAX 8

/** Bytes of what a hash comes to. */
#define DIGEST_SIZE 32

static_assert(WEFT__HASH_SIZE >= crypto_pwhash_STRBYTES, "room for a hash");

struct job {
	atomic_int holders;
	struct weft__hasher *hasher;
	bool makes; /* else it checks */
	char hash[WEFT__HASH_SIZE];
	size_t password_len;
	char password[PASSWORD_BYTES_MAX + 1];
};

static void job_drop(struct job *job)
{
	if (atomic_fetch_sub(&job->holders, 1) != 1)
		return;
	sodium_memzero(job, sizeof(*job));
	free(job);
}

static int make(const struct job *job, char *ret_hash, struct weft__hash_cost cost)
{
	return crypto_pwhash_str_alg(ret_hash, job->password, job->password_len, cost.passes,
		(size_t)cost.kib * 1024, crypto_pwhash_ALG_ARGON2ID13);
}

/* A hash's text taken apart: false, where it is none of ours. */
struct parts {
	struct weft__hash_cost cost;
	unsigned char salt[crypto_pwhash_SALTBYTES], digest[DIGEST_SIZE];
};

static uint64_t units_of(struct weft__hash_cost cost)
{
	return (uint64_t)cost.kib * cost.passes;
}

static bool base64(const char *text, size_t len, unsigned char *ret_bytes, size_t size)
{
	size_t got;

	return sodium_base642bin(ret_bytes, size, text, len, NULL, &got, NULL,
		       sodium_base64_VARIANT_ORIGINAL_NO_PADDING) == 0 &&
	       got == size;
}

static bool take_apart(const char *hash, struct parts *ret_parts)
{
	int used = 0;
	const char *salt, *digest;

	if (sscanf(hash, "$argon2id$v=19$m=%u,t=%u,p=1$%n", &ret_parts->cost.kib,
		    &ret_parts->cost.passes, &used) != 2 ||
		used == 0)
		return false;
	salt = hash + used;
	digest = strchr(salt, '$');
	return digest &&
	       base64(salt, (size_t)(digest - salt), ret_parts->salt, sizeof(ret_parts->salt)) &&
	       base64(digest + 1, strlen(digest + 1), ret_parts->digest, sizeof(ret_parts->digest));
}

/* The same work for every caller: 0, or -1 for want of memory. */
static int compute(
	const struct job *job, const struct parts *parts, unsigned char digest[DIGEST_SIZE])
{
	atomic_fetch_add(&job->hasher->spent, units_of(parts->cost));
	return crypto_pwhash(digest, DIGEST_SIZE, job->password, job->password_len, parts->salt,
		parts->cost.passes, (size_t)parts->cost.kib * 1024, crypto_pwhash_ALG_ARGON2ID13);
}

/*
 * What it was cheaper than today's cost, which nobody's pays: else the time would tell that there
 * is an account. The time is that of memory times passes, so the rest of it goes in today's passes.
 */
static void spend_rest(const struct job *job, struct weft__hash_cost done)
{
	struct weft__hash_cost today = weft__hasher_cost(job->hasher);
	unsigned char digest[DIGEST_SIZE];
	struct parts rest = {.cost.passes = today.passes};

	if (units_of(done) >= units_of(today))
		return;
	rest.cost.kib = (unsigned)((units_of(today) - units_of(done)) / today.passes);
	if (rest.cost.kib >= crypto_pwhash_MEMLIMIT_MIN / 1024)
		compute(job, &rest, digest);
}

/*
 * 1, 0, or -1 for want of memory; crypto_pwhash_str_verify(3) calls that a wrong password, and
 * somebody would be told so.
 */
static int check(const struct job *job)
{
	unsigned char digest[DIGEST_SIZE];
	struct parts parts = {.cost = weft__hasher_cost(job->hasher)};
	bool is_nobodys = !job->hash[0];
	int result;

	if (!is_nobodys && !take_apart(job->hash, &parts))
		return crypto_pwhash_str_verify(job->hash, job->password, job->password_len) == 0;
	if (compute(job, &parts, digest) < 0)
		return -1;
	result = sodium_memcmp(digest, parts.digest, sizeof(digest)) == 0 && !is_nobodys;
	sodium_memzero(digest, sizeof(digest));
	if (!result)
		spend_rest(job, parts.cost);
	return result;
}

/* On a thread of the pool. */
static int job_run(void *arg)
{
	struct job *job = arg;
	int64_t began = weft_now();
	int result;

	result = job->makes ? make(job, job->hash, weft__hasher_cost(job->hasher)) : check(job);
	if (result < 0)
		errno = ENOMEM; /* there is no other way that it fails */
	atomic_store(&job->hasher->slowest_ns, (uint64_t)(weft_now() - began));
	atomic_fetch_add(&job->hasher->done, 1);
	return result;
}

static int job_run_and_drop(void *arg)
{
	int result = job_run(arg), kept = errno;

	job_drop(arg);
	errno = kept;
	return result;
}

/* hash: "" is nobody's; NULL: it is to be made. */
static struct job *job_new(struct weft__hasher *hasher, const char *hash, const char *password)
{
	struct job *job = calloc(1, sizeof(*job));
	size_t len = strnlen(password, PASSWORD_BYTES_MAX + 1);

	if (!job)
		return NULL;
	atomic_init(&job->holders, 2);
	job->hasher = hasher;
	job->makes = !hash;
	if (hash)
		snprintf(job->hash, sizeof(job->hash), "%s", hash);
	/* One that is too long is nobody's: it is cut, and costs what the others do. */
	job->password_len = len > PASSWORD_BYTES_MAX ? 0 : len;
	memcpy(job->password, password, job->password_len);
	return job;
}

/* In a simulation there are no other threads: it takes no time there, and each run is the same. */
static int run_here(struct job *job)
{
	int code = weft_interrupted();

	if (!code)
		return job_run_and_drop(job);
	job_drop(job); /* the pool's */
	errno = code;
	return -1;
}

static int run_in_pool(struct weft__hasher *hasher, struct job *job)
{
	struct weft_task *task = weft_thread_pool_try_submit(hasher->pool, job_run_and_drop, job);
	int result = -1, kept;

	if (!task) {
		kept = errno;
		job_drop(job); /* the pool's */
		if (kept == EAGAIN)
			atomic_fetch_add(&hasher->refused, 1);
		errno = kept;
		return -1;
	}
	if (weft_task_wait(task, &result, WEFT_FOREVER) < 0) {
		kept = errno;
		result = -1;
		if (weft_task_cancel(task) == 0)
			job_drop(job); /* the pool's: it will never begin */
		errno = kept;
	}
	kept = errno;
	weft_task_free(task);
	errno = kept;
	return result;
}

/* Its result; the job is the caller's to drop. */
static int run(struct weft__hasher *hasher, struct job *job)
{
	if (weft__worker && weft__worker->driver->ops->net)
		return run_here(job);
	return run_in_pool(hasher, job);
}

int weft__hash_make(
	struct weft__hasher *hasher, const char *password, char ret_hash[WEFT__HASH_SIZE])
{
	struct job *job = job_new(hasher, NULL, password);
	int result, kept;

	if (!job)
		return -1;
	result = run(hasher, job);
	kept = errno;
	if (result == 0)
		memcpy(ret_hash, job->hash, WEFT__HASH_SIZE);
	job_drop(job);
	errno = kept;
	return result;
}

int weft__hash_check(struct weft__hasher *hasher, const char *hash, const char *password)
{
	bool is_nobody = !hash || strnlen(password, PASSWORD_BYTES_MAX + 1) > PASSWORD_BYTES_MAX;
	struct job *job = job_new(hasher, hash ? hash : "", password);
	int result, kept;

	if (!job)
		return -1;
	result = run(hasher, job);
	kept = errno;
	job_drop(job);
	errno = kept;
	return result > 0 && is_nobody ? 0 : result;
}

bool weft__hash_is_cheap(struct weft__hasher *hasher, const char *hash)
{
	struct weft__hash_cost today = weft__hasher_cost(hasher);
	struct parts parts;

	return !take_apart(hash, &parts) || parts.cost.kib < today.kib ||
	       parts.cost.passes < today.passes;
}

int64_t weft__hasher_wait_ns(const struct weft__hasher *hasher)
{
	int64_t one = (int64_t)atomic_load(&hasher->slowest_ns);
	int64_t all = one * hasher->queue / hasher->threads;

	return all > WEFT_SECONDS(1) ? all : WEFT_SECONDS(1);
}

unsigned weft__hasher_waiting(const struct weft__hasher *hasher)
{
	return (unsigned)weft_thread_pool_queued(hasher->pool);
}

/* ---- Cost ----------------------------------------------------------------------------------- */

struct weft__hash_cost weft__hasher_cost(struct weft__hasher *hasher)
{
	uint64_t both = atomic_load(&hasher->cost);

	return (struct weft__hash_cost){(unsigned)(both >> 32), (unsigned)both};
}

void weft__hasher_raise(struct weft__hasher *hasher, struct weft__hash_cost least)
{
	uint64_t old = atomic_load(&hasher->cost), raised;

	do {
		unsigned kib = (unsigned)(old >> 32), passes = (unsigned)old;

		kib = kib > least.kib ? kib : least.kib;
		passes = passes > least.passes ? passes : least.passes;
		raised = (uint64_t)kib << 32 | passes;
	} while (raised != old && !atomic_compare_exchange_weak(&hasher->cost, &old, raised));
}

static int64_t cpu_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	return WEFT_SECONDS(now.tv_sec) + now.tv_nsec;
}

/* CPU time: what others do on the machine at this moment doesn't count. */
static int64_t measure(struct weft__hash_cost cost)
{
	struct job job = {.password = "how long", .password_len = 8};
	int64_t began = cpu_now();

	if (make(&job, job.hash, cost) < 0)
		return INT64_MAX; /* no memory: not that much, then */
	return cpu_now() - began;
}

struct weft__hash_cost weft__hash_tune(
	struct weft__hash_cost least, int64_t goal_ns, const atomic_bool *is_over)
{
	struct weft__hash_cost cost = least, next;

	while (!is_over || !atomic_load(is_over)) {
		next = cost;
		if (cost.kib * 2 <= TUNED_KIB_MAX)
			next.kib *= 2;
		else if (cost.passes < TUNED_PASSES_MAX)
			next.passes++;
		else
			return cost;
		if (measure(next) > goal_ns)
			return cost;
		cost = next;
	}
	return least;
}

/* ---- Life ----------------------------------------------------------------------------------- */

int weft__hasher_init(
	struct weft__hasher *hasher, struct weft__hash_cost cost, unsigned threads, unsigned queue)
{
	struct weft_thread_pool_options options = {
		.name = "weft password", .threads_max = threads, .queue_max = queue};

	*hasher = (struct weft__hasher){.threads = threads, .queue = queue};
	weft__hasher_raise(hasher, cost);
	hasher->pool = weft_thread_pool_new(&options);
	return hasher->pool ? 0 : -1;
}

void weft__hasher_fini(struct weft__hasher *hasher)
{
	weft_thread_pool_free(hasher->pool);
	hasher->pool = NULL;
}
