/*
 * sanitize.h - tells the tools that watch memory which stack we are on.
 *
 * The one place that knows AddressSanitizer, ThreadSanitizer and valgrind. Without
 * them every function here is empty. ASan's fake stacks (use-after-return) must be off.
 */
#ifndef FIBER_SANITIZE_H
#define FIBER_SANITIZE_H

#include <stddef.h>

#if defined(__SANITIZE_ADDRESS__)
#define WEFT_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define WEFT_ASAN 1
#endif
#endif

#if defined(__SANITIZE_THREAD__)
#define WEFT_TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define WEFT_TSAN 1
#endif
#endif

#ifdef WEFT_ASAN
#include <pthread.h>
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#endif
#ifdef WEFT_TSAN
#include <sanitizer/tsan_interface.h>

/* Of its runtime, in no header of gcc's. */
/* tidy: allow names, because it is ThreadSanitizer's */
void AnnotateIgnoreWritesBegin(const char *file, int line);
/* tidy: allow names, because it is ThreadSanitizer's */
void AnnotateIgnoreWritesEnd(const char *file, int line);
#endif
#if defined(__has_include)
#if __has_include(<valgrind/valgrind.h>)
#include <valgrind/valgrind.h>
#define WEFT_VALGRIND 1
#endif
#endif

/** What the tools keep for one stack; empty in a plain build. */
struct weft__sanitize {
#ifdef WEFT_ASAN
	const void *bottom;
	size_t size_bytes;
#endif
#ifdef WEFT_TSAN
	void *tsan_fiber;
#endif
	char unused[0]; /* C has no empty struct; this is one, and costs nothing */
};

/** A stack has come into being, and stays one for good. */
static inline void weft__sanitize_stack_made(void *bottom, size_t size)
{
	(void)bottom, (void)size;
#ifdef WEFT_VALGRIND
	(void)VALGRIND_STACK_REGISTER(bottom, (char *)bottom + size);
#endif
}

/** A stack is about to be used, from its lowest address. */
static inline void weft__sanitize_stack_begin(struct weft__sanitize *s, void *bottom, size_t size)
{
	(void)s, (void)bottom, (void)size;
#ifdef WEFT_ASAN
	s->bottom = bottom;
	s->size_bytes = size;
	__asan_unpoison_memory_region(bottom, size);
#endif
#ifdef WEFT_TSAN
	s->tsan_fiber = __tsan_create_fiber(0);
#endif
}

/** The thread's own stack takes part as one, too. */
static inline void weft__sanitize_thread_begin(struct weft__sanitize *s)
{
	(void)s;
#ifdef WEFT_ASAN
	pthread_attr_t attr;
	void *bottom = NULL;

	if (pthread_getattr_np(pthread_self(), &attr) == 0) {
		pthread_attr_getstack(&attr, &bottom, &s->size_bytes);
		pthread_attr_destroy(&attr);
	}
	s->bottom = bottom;
#endif
#ifdef WEFT_TSAN
	s->tsan_fiber = __tsan_get_current_fiber();
#endif
}

/**
 * Around close(2). A close beside a call on the same descriptor is allowed, and what it means is
 * said by weft; ThreadSanitizer counts every close as a write to the descriptor, and would take
 * the two for a race. Only close(2) may stand between.
 */
static inline void weft__sanitize_close_begin(void)
{
#ifdef WEFT_TSAN
	AnnotateIgnoreWritesBegin(__FILE__, __LINE__);
#endif
}

static inline void weft__sanitize_close_end(void)
{
#ifdef WEFT_TSAN
	AnnotateIgnoreWritesEnd(__FILE__, __LINE__);
#endif
}

/** The stack is not used any more; called from another one. */
static inline void weft__sanitize_stack_end(struct weft__sanitize *s)
{
	(void)s;
#ifdef WEFT_TSAN
	__tsan_destroy_fiber(s->tsan_fiber);
#endif
}

/** Right before a switch; is_last: the present stack will not be returned to. */
static inline void weft__sanitize_leave(const struct weft__sanitize *to, int is_last, void **fake)
{
	(void)to, (void)is_last, (void)fake;
#ifdef WEFT_ASAN
	__sanitizer_start_switch_fiber(is_last ? NULL : fake, to->bottom, to->size_bytes);
#endif
#ifdef WEFT_TSAN
	__tsan_switch_to_fiber(to->tsan_fiber, 0);
#endif
}

/** Right after a switch, on the stack arrived at (fake NULL: for the first time). */
static inline void weft__sanitize_arrive(void *fake)
{
	(void)fake;
#ifdef WEFT_ASAN
	__sanitizer_finish_switch_fiber(fake, NULL, NULL);
#endif
}

#endif
