/*
 * test_file_faults.c - the n-th allocation, thread or descriptor is refused, for every n,
 * while files, directories, names and pools are used: each time a defined error, nothing lost,
 * nothing left behind.
 *
 * The program's own definitions stand before the C library's. Not in sanitized builds,
 * whose allocators stand there already.
 */
#include "fiber/sanitize.h"

#include "check.h"

#if !defined(WEFT_ASAN) && !defined(WEFT_TSAN)

#include <dirent.h>
#include <dlfcn.h>
#include <pthread.h>
#include <stdatomic.h>

#include "place.h"
#include "weft/dir.h"
#include "weft/dns.h"
#include "weft/fiber.h"
#include "weft/file.h"
#include "weft/offload.h"
#include "weft/scope.h"
#include "weft/thread.h"
#include "weft/thread_pool.h"

static atomic_int countdown; /* 0: nothing is refused */
static atomic_int refused;

static bool is_refused(int code)
{
	int left = atomic_load(&countdown);

	while (left > 0 && !atomic_compare_exchange_weak(&countdown, &left, left - 1))
		;
	if (left != 1)
		return false;
	atomic_fetch_add(&refused, 1);
	errno = code;
	return true;
}

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *old, size_t size);

/* Visible, or the linker would leave the C library its own. */
#define IN_FRONT __attribute__((visibility("default")))

IN_FRONT void *malloc(size_t size)
{
	return is_refused(ENOMEM) ? NULL : __libc_malloc(size);
}

IN_FRONT void *calloc(size_t count, size_t size)
{
	return is_refused(ENOMEM) ? NULL : __libc_calloc(count, size);
}

IN_FRONT void *realloc(void *old, size_t size)
{
	return is_refused(ENOMEM) ? NULL : __libc_realloc(old, size);
}

IN_FRONT void *reallocarray(void *old, size_t count, size_t size)
{
	return is_refused(ENOMEM) ? NULL : __libc_realloc(old, count * size);
}

typedef int create_fn(
	pthread_t *ret_thread, const pthread_attr_t *attributes, void *(*fn)(void *arg), void *arg);

IN_FRONT int pthread_create(
	pthread_t *ret_thread, const pthread_attr_t *attributes, void *(*fn)(void *arg), void *arg)
{
	static create_fn *real;

	if (!real)
		real = (create_fn *)dlsym(RTLD_NEXT, "pthread_create");
	return is_refused(EAGAIN) ? EAGAIN : real(ret_thread, attributes, fn, arg);
}

static int entries(const char *path)
{
	DIR *folder = opendir(path);
	int count = -2;

	CHECK(folder != NULL);
	while (readdir(folder))
		count++;
	closedir(folder);
	return count;
}

/* ---- What is tried ------------------------------------------------------------------------ */

/* A call that was refused something says so, in one of the ways that it documents. */
static bool is_defined_error(void)
{
	return errno == ENOMEM || errno == EAGAIN || errno == EMFILE;
}

#define TRY(call)                                  \
	do {                                       \
		if (!(call))                       \
			CHECK(is_defined_error()); \
	} while (0)

static void use_file(void)
{
	struct weft_file *file = weft_file_open(place("a"), "w+");
	struct weft_file_lines lines;
	const char *line;
	char *data;

	TRY(file);
	if (file) {
		TRY(weft_file_printf(file, "one\ntwo\n") == 0);
		TRY(weft_file_seek(file, 0, SEEK_SET) == 0);
		TRY(weft_file_readline(file, &line) >= 0);
		if (weft_file_readlines(file, 100, &lines) == 0)
			weft_file_lines_fini(&lines);
		else
			CHECK(is_defined_error());
		TRY(weft_file_close(file) == 0);
	}
	if (weft_file_read_all(place("kept"), 100, &data) >= 0)
		free(data);
	else
		CHECK(is_defined_error());
	/* Old or new, never a part, and no name left over. */
	TRY(weft_file_replace(place("kept"), "new content", 11) == 0);
	CHECK(strcmp(place_read("kept"), "old") == 0 ||
		strcmp(place_read("kept"), "new content") == 0);
}

static void use_dir(void)
{
	struct weft_dir_walk *walk;
	struct weft_dir_list list;
	struct weft_dir_step step;
	int more;

	TRY(weft_dir_mkdir_all(place("tree/b/c")) == 0);
	TRY(weft_dir_mkdir(place("tree/d")) == 0 || errno == ENOENT);
	if (weft_dir_list(place("."), WEFT_DIR_STAT, &list) == 0)
		weft_dir_list_fini(&list);
	else
		CHECK(is_defined_error());
	walk = weft_dir_walk_new(place("."), 0);
	TRY(walk);
	while (walk && (more = weft_dir_walk_next(walk, &step)) != 0)
		if (more < 0) {
			CHECK(is_defined_error());
			break;
		}
	weft_dir_walk_free(walk);
	TRY(weft_dir_remove_tree(place("tree")) == 0 || errno == ENOENT);
}

static void use_names(void)
{
	struct weft_address found[4];

	TRY(weft_dns_lookup("localhost", AF_INET, found, 4) >= 1);
	TRY(weft_dns_service_port("http", "tcp") >= 0 || errno == ENOENT);
}

static int add_one(void *arg)
{
	++*(int *)arg;
	return 0;
}

static void use_threads(void)
{
	struct weft_thread_pool *pool = weft_thread_pool_new(NULL);
	int numbers[3] = {0};
	struct weft_thread *thread;
	struct weft_task *task;

	TRY(pool);
	if (pool) {
		task = weft_thread_pool_submit(pool, add_one, &numbers[0]);
		TRY(task);
		if (task)
			CHECK_INT(weft_task_wait(task, NULL, WEFT_FOREVER), ==, 0);
		CHECK_INT(numbers[0], ==, task != NULL);
		weft_task_free(task);
		TRY(weft_thread_pool_map(pool, add_one, numbers, 3, sizeof(int)) == 0);
		weft_thread_pool_free(pool);
	}
	thread = weft_thread_new(NULL, add_one, &numbers[0]);
	TRY(thread);
	if (thread && weft_thread_start(thread) == 0)
		CHECK_INT(weft_thread_join(thread, NULL, WEFT_FOREVER), ==, 0);
	weft_thread_free(thread);
	TRY(weft_offload(add_one, &numbers[0]) == 0);
}

static int use_all(void *arg)
{
	(void)arg;
	use_file();
	use_dir();
	use_names();
	use_threads();
	return 0;
}

CHECK_CASE(whatever_is_refused_the_error_is_defined_and_nothing_is_left)
{
	const struct weft_run_options one = {.workers = 1};
	int n = 0, descriptors, names;

	place_write("kept", "old");
	CHECK_INT(weft_run(&one, use_all, NULL), ==, 0); /* all that is made only once is there */
	names = entries(place("."));
	descriptors = entries("/proc/self/fd");
	do {
		place_write("kept", "old");
		CHECK_INT(place_remove(place("a"), NULL, 0, NULL), ==, 0);
		place_write("a", "");
		atomic_store(&refused, 0);
		atomic_store(&countdown, ++n);
		if (weft_run(&one, use_all, NULL) < 0)
			CHECK(is_defined_error());
		atomic_store(&countdown, 0);
		weft_dir_remove_tree(place("tree"));
		CHECK_INT(entries(place(".")), ==, names);
		CHECK_INT(entries("/proc/self/fd"), ==, descriptors);
	} while (atomic_load(&refused));
	CHECK_INT(n, >, 40); /* it did refuse something */
}

#else

CHECK_CASE(faults_are_met_in_the_release_build_only)
{
}

#endif

CHECK_MAIN()
