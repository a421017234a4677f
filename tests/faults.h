/*
 * faults.h - the n-th allocation, descriptor or thread is refused, for every n.
 *
 *	static int use(void *arg);		// 0; refused calls fail as their headers say
 *	CHECK_INT(faults_sweep(use, NULL), >, 3);
 *
 * A sweep runs use() with the first refused, then the second, and so on until none was;
 * twice, and what is in use after both must be the same: nothing is kept on any way. What
 * a test must not count (its own set-up) stands between faults_hold() and faults_go_on().
 *
 * The program's own definitions stand before the C library's. Not in sanitized builds,
 * whose allocators stand there already: HAS_FAULTS is not defined then. For one file of a
 * program.
 */
#ifndef TESTS_FAULTS_H
#define TESTS_FAULTS_H

#include "own_address.h"
#include "check.h"
#include "fiber/sanitize.h"

#if !defined(WEFT_ASAN) && !defined(WEFT_TSAN)
#define HAS_FAULTS 1

#include <dlfcn.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include "descriptors.h"
#include "weft/fiber.h"

static atomic_int faults_left; /* calls up to the one refused, and with it; 0: none is */
static atomic_int faults_held;
static atomic_int faults_refused;
static atomic_long faults_in_use; /* allocations */

static bool faults_refuse(int code)
{
	int left = atomic_load(&faults_left);

	if (atomic_load(&faults_held))
		return false;
	while (left > 0 && !atomic_compare_exchange_weak(&faults_left, &left, left - 1))
		;
	if (left != 1)
		return false;
	atomic_fetch_add(&faults_refused, 1);
	errno = code;
	return true;
}

/* ---- What is refused ------------------------------------------------------------------------ */

/* Visible, or the linker would leave the C library its own. */
#define IN_FRONT __attribute__((visibility("default")))

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *old, size_t size);
void *__libc_memalign(size_t alignment, size_t size);
void __libc_free(void *memory);

static void *faults_count(void *memory)
{
	if (memory)
		atomic_fetch_add(&faults_in_use, 1);
	return memory;
}

IN_FRONT void *malloc(size_t size)
{
	return faults_refuse(ENOMEM) ? NULL : faults_count(__libc_malloc(size));
}

IN_FRONT void *calloc(size_t count, size_t size)
{
	return faults_refuse(ENOMEM) ? NULL : faults_count(__libc_calloc(count, size));
}

IN_FRONT void *realloc(void *old, size_t size)
{
	if (faults_refuse(ENOMEM))
		return NULL;
	return old ? __libc_realloc(old, size) : faults_count(__libc_malloc(size));
}

IN_FRONT void *reallocarray(void *old, size_t count, size_t size)
{
	return realloc(old, count * size);
}

IN_FRONT void *aligned_alloc(size_t alignment, size_t size)
{
	return faults_refuse(ENOMEM) ? NULL : faults_count(__libc_memalign(alignment, size));
}

IN_FRONT int posix_memalign(void **ret_memory, size_t alignment, size_t size)
{
	*ret_memory = aligned_alloc(alignment, size);
	return *ret_memory ? 0 : ENOMEM;
}

IN_FRONT void free(void *memory)
{
	if (memory)
		atomic_fetch_sub(&faults_in_use, 1);
	__libc_free(memory);
}

/* As many as the system call has. */
#define MMAP_PARAMETERS void *place, size_t len, int prot, int flags, int fd, off_t offset

IN_FRONT void *mmap(MMAP_PARAMETERS)
{
	if (faults_refuse(ENOMEM))
		return MAP_FAILED;
	return (void *)syscall(SYS_mmap, place, len, prot, flags, fd, offset);
}

IN_FRONT int epoll_create1(int flags)
{
	return faults_refuse(EMFILE) ? -1 : (int)syscall(SYS_epoll_create1, flags);
}

IN_FRONT int eventfd(unsigned count, int flags)
{
	return faults_refuse(EMFILE) ? -1 : (int)syscall(SYS_eventfd2, count, flags);
}

IN_FRONT int signalfd(int fd, const sigset_t *signals, int flags)
{
	return faults_refuse(EMFILE) ? -1 : (int)syscall(SYS_signalfd4, fd, signals, 8, flags);
}

IN_FRONT int socket(int domain, int type, int protocol)
{
	return faults_refuse(EMFILE) ? -1 : (int)syscall(SYS_socket, domain, type, protocol);
}

IN_FRONT int pipe2(int fds[2], int flags)
{
	return faults_refuse(EMFILE) ? -1 : (int)syscall(SYS_pipe2, fds, flags);
}

IN_FRONT int open(const char *path, int flags, ...)
{
	va_list args;
	mode_t mode;

	va_start(args, flags);
	mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(args, mode_t) : 0;
	va_end(args);
	return faults_refuse(EMFILE) ? -1 : (int)syscall(SYS_openat, AT_FDCWD, path, flags, mode);
}

IN_FRONT int openat(int folder, const char *path, int flags, ...)
{
	va_list args;
	mode_t mode;

	va_start(args, flags);
	mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(args, mode_t) : 0;
	va_end(args);
	return faults_refuse(EMFILE) ? -1 : (int)syscall(SYS_openat, folder, path, flags, mode);
}

typedef int faults_create_fn(
	pthread_t *ret_thread, const pthread_attr_t *attributes, void *(*fn)(void *arg), void *arg);

IN_FRONT int pthread_create(pthread_t *restrict ret_thread,
	const pthread_attr_t *restrict attributes, void *(*fn)(void *arg), void *restrict arg)
{
	faults_create_fn *create = (faults_create_fn *)dlsym(RTLD_NEXT, "pthread_create");

	return faults_refuse(EAGAIN) ? EAGAIN : create(ret_thread, attributes, fn, arg);
}

/* ---- Sweeps ------------------------------------------------------------------------------------
 */

static inline void faults_hold(void)
{
	atomic_fetch_add(&faults_held, 1);
}

static inline void faults_go_on(void)
{
	atomic_fetch_sub(&faults_held, 1);
}

/* Whether a call that failed did so for want of what was refused. */
static inline bool faults_is_defined(int code)
{
	return code == ENOMEM || code == EMFILE || code == EAGAIN;
}

/* Whether the call went well; where it did not, it must have been for a refusal. */
#define FAULTS_TRY(call)                                                              \
	({                                                                            \
		bool went_ = (call);                                                  \
		if (!went_ && !faults_is_defined(errno))                              \
			check_fail(__FILE__, __LINE__, "%s: errno %d", #call, errno); \
		went_;                                                                \
	})

/* Returns how many calls were refused, one in each run. */
static inline int faults_sweep_once(int (*use)(void *arg), void *arg)
{
	int n = 0;

	do {
		atomic_store(&faults_refused, 0);
		atomic_store(&faults_left, ++n);
		CHECK_INT(use(arg), ==, 0);
		atomic_store(&faults_left, 0);
	} while (atomic_load(&faults_refused));
	return n - 1;
}

/* Pools fill in the first sweep; the third leaves all as the second did. */
static inline int faults_sweep(int (*use)(void *arg), void *arg)
{
	int count = faults_sweep_once(use, arg), open;
	long in_use;

	faults_sweep_once(use, arg);
	in_use = atomic_load(&faults_in_use);
	open = descriptors();
	faults_sweep_once(use, arg);
	CHECK_INT(atomic_load(&faults_in_use), ==, in_use);
	CHECK_INT(descriptors(), ==, open);
	return count;
}

/* ---- In a run ----------------------------------------------------------------------------------
 */

static int (*faults_fiber)(void *arg);

static inline int faults_run(void *arg)
{
	const struct weft_run_options options = {.workers = 1};

	FAULTS_TRY(weft_run(&options, faults_fiber, arg) == 0);
	return 0;
}

static inline int faults_sweep_fiber(void *ret_count)
{
	*(int *)ret_count = faults_sweep(faults_fiber, NULL);
	return 0;
}

/*
 * Sweep over fn as the first fiber: within one run, where what the run itself needs is there,
 * and with a run of its own each time. Returns how many calls of its own were refused.
 */
static inline int faults_sweep_in_run(weft_fiber_fn *fn)
{
	const struct weft_run_options options = {.workers = 1};
	int count;

	faults_fiber = fn;
	CHECK_INT(weft_run(&options, faults_sweep_fiber, &count), ==, 0);
	faults_sweep(faults_run, NULL);
	return count;
}

#endif
#endif
