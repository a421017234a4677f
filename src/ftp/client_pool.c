/*
 * client_pool.c - several clients of one server, made as they are needed.
 *
 * Entry points: weft_ftp_pool_new(), _free(), _take(), _give().
 * Never: waits with the mutex held, or hands out a client on which something came unasked.
 */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "ftp/client.h"
#include "weft/sem.h"

#define POOL_MAX 64

struct weft_ftp_pool {
	struct weft_ftp_client_options options; /* the strings are its own */
	char *host, *strings[3];
	struct weft_sem places; /* clients that may be taken yet */
	pthread_mutex_t mutex;  /* of the rest */
	unsigned idle_count;
	struct weft_ftp_client *idle[POOL_MAX];
};

static bool copy_strings(struct weft_ftp_pool *pool, const char *host)
{
	const char **const places[] = {
		&pool->options.user, &pool->options.password, &pool->options.account};

	pool->host = strdup(host);
	for (int i = 0; i < 3; i++) {
		if (!*places[i])
			continue;
		pool->strings[i] = strdup(*places[i]);
		if (!pool->strings[i])
			return false;
		*places[i] = pool->strings[i];
	}
	return pool->host != NULL;
}

struct weft_ftp_pool *weft_ftp_pool_new(
	const char *host, const struct weft_ftp_client_options *options, unsigned max)
{
	struct weft_ftp_pool *pool;

	if (max < 1 || max > POOL_MAX) {
		errno = EINVAL;
		return NULL;
	}
	pool = calloc(1, sizeof(*pool));
	if (!pool)
		return NULL;
	if (options)
		pool->options = *options;
	pool->options.ret_fault = NULL;
	pthread_mutex_init(&pool->mutex, NULL);
	weft_sem_init(&pool->places, max, "ftp pool");
	if (copy_strings(pool, host))
		return pool;
	weft_ftp_pool_free(pool);
	errno = ENOMEM;
	return NULL;
}

void weft_ftp_pool_free(struct weft_ftp_pool *pool)
{
	if (!pool)
		return;
	for (unsigned i = 0; i < pool->idle_count; i++)
		weft_ftp_client_free(pool->idle[i]);
	pthread_mutex_destroy(&pool->mutex);
	for (int i = 0; i < 3; i++) {
		if (pool->strings[i])
			explicit_bzero(pool->strings[i], strlen(pool->strings[i]));
		free(pool->strings[i]);
	}
	free(pool->host);
	free(pool);
}

static struct weft_ftp_client *take_idle(struct weft_ftp_pool *pool)
{
	struct weft_ftp_client *client = NULL;

	pthread_mutex_lock(&pool->mutex);
	if (pool->idle_count > 0)
		client = pool->idle[--pool->idle_count];
	pthread_mutex_unlock(&pool->mutex);
	return client;
}

struct weft_ftp_client *weft_ftp_pool_take(
	struct weft_ftp_pool *pool, struct weft_ftp_fault *ret_fault)
{
	struct weft_ftp_client_options options = pool->options;
	struct weft_ftp_client *client;
	int error;

	if (ret_fault)
		*ret_fault = (struct weft_ftp_fault){.kind = WEFT_FTP_NO_FAULT};
	if (weft_sem_acquire(&pool->places) < 0) {
		if (ret_fault)
			*ret_fault = (struct weft_ftp_fault){
				WEFT_FTP_INTERRUPTED, 0, errno, "No connection became free."};
		return NULL;
	}
	while ((client = take_idle(pool)) && !weft_ftp_client_is_ready(client))
		weft_ftp_client_free(client);
	options.ret_fault = ret_fault;
	if (!client)
		client = weft_ftp_client_connect(pool->host, &options);
	error = errno;
	if (!client)
		weft_sem_release(&pool->places, 1);
	errno = error;
	return client;
}

void weft_ftp_pool_give(struct weft_ftp_pool *pool, struct weft_ftp_client *client)
{
	int saved_errno = errno;

	if (!client)
		return;
	if (client->transfer || !client->control) {
		weft_ftp_client_free(client);
	} else {
		pthread_mutex_lock(&pool->mutex);
		pool->idle[pool->idle_count++] = client;
		pthread_mutex_unlock(&pool->mutex);
	}
	weft_sem_release(&pool->places, 1);
	errno = saved_errno;
}
