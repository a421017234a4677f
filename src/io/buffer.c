/*
 * buffer.c - a small stack of free I/O buffers on each thread.
 *
 * Entry points: weft__buffer_take(), weft__buffer_give().
 *
 *	cache.newest -> [next | ...16 KiB...] -> [next | ...] -> NULL	at most CACHED_MAX
 *
 * Last given is first taken: it is the one still in the processor's cache.
 *
 * Never: keep more than CACHED_MAX per thread, or a buffer after its thread's end.
 */
#include "io/buffer.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

#include "weft/stream.h"

/* Under ASan nothing is kept, so that the use of a lent pointer after its time is found. */
#ifdef __SANITIZE_ADDRESS__
#define CACHED_MAX 0
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define CACHED_MAX 0
#endif
#endif
#ifndef CACHED_MAX
#define CACHED_MAX 64 /* 1 MiB per worker */
#endif

struct free_buffer {
	struct free_buffer *next;
};

struct buffer_cache {
	struct free_buffer *newest;
	unsigned count;
	bool has_ender; /* the thread's end will empty it */
};

static __thread struct buffer_cache cache;
static pthread_key_t ender_key;
static pthread_once_t ender_once = PTHREAD_ONCE_INIT;
static bool ender_works;

static void empty_cache(void *arg)
{
	struct buffer_cache *mine = arg;

	while (mine->newest) {
		struct free_buffer *buffer = mine->newest;

		mine->newest = buffer->next;
		free(buffer);
	}
	mine->count = 0;
	mine->has_ender = false;
}

static void make_ender(void)
{
	ender_works = pthread_key_create(&ender_key, empty_cache) == 0;
}

/* Whether the end of this thread will find its cache. */
static bool arm_ender(void)
{
	int saved_errno = errno;

	pthread_once(&ender_once, make_ender);
	cache.has_ender = ender_works && pthread_setspecific(ender_key, &cache) == 0;
	errno = saved_errno;
	return cache.has_ender;
}

void *weft__buffer_take(void)
{
	struct free_buffer *buffer = cache.newest;

	if (!buffer)
		return malloc(WEFT_STREAM_BUFFER_SIZE);
	cache.newest = buffer->next;
	cache.count--;
	return buffer;
}

void weft__buffer_give(void *data)
{
	struct free_buffer *buffer = data;
	int saved_errno;

	if (!buffer)
		return;
	if (cache.count + 1 <= CACHED_MAX && (cache.has_ender || arm_ender())) {
		buffer->next = cache.newest;
		cache.newest = buffer;
		cache.count++;
		return;
	}
	saved_errno = errno;
	free(buffer);
	errno = saved_errno;
}
