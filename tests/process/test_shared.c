/*
 * test_shared.c - segments, and values and arrays in them: names, who was killed, no room, other
 * versions; nothing is left.
 *
 * check: tsan drivers
 */
#include "weft/shared.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "check.h"
#include "descriptors.h"
#include "sweeps.h"

/* A name that no other run has; its path is below. */
static const char *own_name(void)
{
	static char name[40];

	if (!name[0]) {
		keep_sweeps_out(LOCK_SH);
		snprintf(name, sizeof name, "test-shared-%d", (int)getpid());
	}
	return name;
}

static const char *own_path(void)
{
	static char path[80];

	snprintf(path, sizeof path, "/dev/shm/weft.%s", own_name());
	return path;
}

static bool has_name(void)
{
	return access(own_path(), F_OK) == 0;
}

static pid_t child(void (*fn)(void))
{
	pid_t pid;

	own_name();
	pid = fork();
	CHECK(pid >= 0);
	if (pid == 0) {
		fn();
		_exit(0);
	}
	return pid;
}

static void ended(pid_t pid, int wanted)
{
	int status;

	CHECK_INT(waitpid(pid, &status, 0), ==, pid);
	CHECK_INT(WIFSIGNALED(status) ? WTERMSIG(status) : -WEXITSTATUS(status), ==, wanted);
}

/* ---- As one uses it ------------------------------------------------------------------- */

static void write_there(void)
{
	struct weft_segment *segment = weft_segment_new(own_name(), 100, NULL);
	char *data = weft_segment_data(segment);

	CHECK(!weft_segment_is_new(segment));
	memcpy(data, "from a child", 13);
	weft_segment_free(segment);
}

CHECK_CASE(processes_see_the_same_bytes_under_a_name_that_goes_with_the_last)
{
	struct weft_segment *segment = weft_segment_new(own_name(), 100, NULL);
	static const char zeros[100];

	CHECK(segment != NULL);
	CHECK(weft_segment_is_new(segment));
	CHECK_INT(weft_segment_size(segment), ==, 100);
	CHECK_MEM(weft_segment_data(segment), zeros, 100);
	CHECK(has_name());
	ended(child(write_there), 0);
	CHECK_STR(weft_segment_data(segment), "from a child");
	CHECK(has_name());
	weft_segment_free(segment);
	CHECK(!has_name());
	weft_segment_free(NULL);
}

static struct weft_segment *inherited;

static void free_inherited(void)
{
	memcpy(weft_segment_data(inherited), "x", 2);
	weft_segment_free(inherited);
}

CHECK_CASE(a_child_has_its_parents_segments_and_frees_its_own)
{
	inherited = weft_segment_new(own_name(), 10, NULL);
	ended(child(free_inherited), 0);
	CHECK(has_name());
	CHECK_STR(weft_segment_data(inherited), "x");
	weft_segment_free(inherited);
	CHECK(!has_name());
	inherited = weft_segment_new(NULL, 10, NULL);
	CHECK(inherited != NULL);
	ended(child(free_inherited), 0);
	CHECK_STR(weft_segment_data(inherited), "x");
	weft_segment_free(inherited);
}

CHECK_CASE(one_without_a_name_is_attached_to_by_its_descriptor)
{
	struct weft_segment *first = weft_segment_new(NULL, 10, NULL), *second;

	second = weft_segment_attach(weft_segment_fd(first), 10, NULL);
	CHECK(second != NULL);
	memcpy(weft_segment_data(first), "both", 5);
	CHECK_STR(weft_segment_data(second), "both");
	CHECK_ERRNO(weft_segment_attach(weft_segment_fd(first), 11, NULL), EMSGSIZE);
	CHECK_ERRNO(weft_segment_attach(weft_segment_fd(first), 10, "other"), EPROTOTYPE);
	CHECK_ERRNO(ftruncate(weft_segment_fd(second), 0), EPERM);
	weft_segment_free(first);
	weft_segment_free(second);
}

/* ---- Making by one ------------------------------------------------------------------------ */

static int make_slowly(void *data, size_t size, void *arg)
{
	CHECK_INT(size, ==, 10);
	usleep(3000);
	memcpy(data, arg, 5);
	return 0;
}

static int fail_to_make(void *data, size_t size, void *arg)
{
	(void)data, (void)size, (void)arg;
	errno = EDOM;
	return -1;
}

static void meet(void)
{
	const struct weft_segment_options options = {.init = make_slowly, .arg = "done"};

	for (int i = 0; i < 20; i++) {
		struct weft_segment *segment = weft_segment_new(own_name(), 10, &options);

		CHECK(segment != NULL);
		CHECK_STR(weft_segment_data(segment), "done");
		weft_segment_free(segment);
	}
}

CHECK_CASE(whoever_comes_finds_it_whole)
{
	pid_t pids[4];

	for (int i = 0; i < 4; i++)
		pids[i] = child(meet);
	for (int i = 0; i < 4; i++)
		ended(pids[i], 0);
	CHECK(!has_name());
	CHECK_ERRNO(weft_segment_new(
			    own_name(), 10, &(struct weft_segment_options){.init = fail_to_make}),
		EDOM);
	CHECK(!has_name());
}

static int lose_the_name_once(void *data, size_t size, void *arg)
{
	int *calls = arg;

	(void)size;
	memcpy(data, "new", 4);
	return (*calls)++ == 0 ? weft_segment_unlink(own_name()) : 0;
}

CHECK_CASE(one_that_lost_its_name_in_the_making_is_made_again)
{
	int calls = 0;
	const struct weft_segment_options options = {.init = lose_the_name_once, .arg = &calls};
	struct weft_segment *segment = weft_segment_new(own_name(), 10, &options), *same;

	CHECK(segment != NULL);
	CHECK_INT(calls, ==, 2);
	CHECK(has_name());
	same = weft_segment_new(own_name(), 10, &(struct weft_segment_options){.must_exist = true});
	CHECK(same != NULL);
	CHECK_STR(weft_segment_data(same), "new");
	weft_segment_free(same);
	weft_segment_free(segment);
	CHECK(!has_name());
}

/* ---- Deaths ---------------------------------------------------------------------------------- */

static void die_attached(void)
{
	struct weft_segment *segment = weft_segment_new(own_name(), 10, NULL);

	memcpy(weft_segment_data(segment), "old", 4);
	kill(getpid(), SIGKILL);
}

static int die_making(void *data, size_t size, void *arg)
{
	(void)data, (void)size, (void)arg;
	return kill(getpid(), SIGKILL);
}

static void die_in_the_making(void)
{
	weft_segment_new(own_name(), 10, &(struct weft_segment_options){.init = die_making});
}

CHECK_CASE(what_the_killed_have_left_is_made_anew)
{
	const struct weft_segment_options existing = {.must_exist = true};
	const struct weft_segment_options fresh = {.must_be_new = true};
	struct weft_segment *segment;

	keep_sweeps_out(LOCK_EX);
	ended(child(die_attached), SIGKILL);
	CHECK(has_name());
	segment = weft_segment_new(own_name(), 20, &fresh);
	CHECK(segment != NULL);
	CHECK_STR(weft_segment_data(segment), "");
	CHECK_ERRNO(weft_segment_new(own_name(), 20, &fresh), EEXIST);
	weft_segment_free(segment);
	ended(child(die_in_the_making), SIGKILL);
	CHECK(has_name());
	CHECK_ERRNO(weft_segment_new(own_name(), 10, &existing), ENOENT);
	CHECK(!has_name());
	ended(child(die_in_the_making), SIGKILL);
	segment = weft_segment_new(own_name(), 10, NULL);
	CHECK(segment != NULL);
	/* A sweep takes what is nobody's, and leaves what is ours. */
	weft_segment_sweep();
	CHECK(has_name());
	weft_segment_free(segment);
	ended(child(die_attached), SIGKILL);
	CHECK_INT(weft_segment_sweep(), >=, 1);
	CHECK(!has_name());
}

static void come_and_go(void)
{
	const struct weft_segment_options options = {.init = make_slowly, .arg = "done"};

	for (;;) {
		struct weft_segment *segment = weft_segment_new(own_name(), 10, &options);

		if (!segment || strcmp(weft_segment_data(segment), "done") != 0)
			_exit(1);
		weft_segment_free(segment);
	}
}

CHECK_CASE(processes_killed_while_they_come_and_go_leave_nothing_that_stops_the_others)
{
	struct weft_segment *segment;
	pid_t pids[3];

	srand((unsigned)getpid());
	for (int i = 0; i < 3; i++)
		pids[i] = child(come_and_go);
	for (unsigned i = 0; i < check_rounds(60); i++) {
		int which = rand() % 3;

		usleep((useconds_t)(rand() % 5000));
		kill(pids[which], SIGKILL);
		ended(pids[which], SIGKILL);
		pids[which] = child(come_and_go);
	}
	for (int i = 0; i < 3; i++) {
		kill(pids[i], SIGKILL);
		ended(pids[i], SIGKILL);
	}
	segment = weft_segment_new(own_name(), 10, NULL);
	CHECK(segment != NULL);
	weft_segment_free(segment);
	CHECK(!has_name());
}

/* ---- Misuse and bad input
 * ------------------------------------------------------------------------ */

static void file_with(const void *data, size_t len, off_t size)
{
	int fd = open(own_path(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	CHECK(fd >= 0);
	CHECK_INT(write(fd, data, len), ==, len);
	CHECK_INT(ftruncate(fd, size), ==, 0);
	close(fd);
}

CHECK_CASE(what_is_no_segment_of_ours_is_refused)
{
	char long_name[WEFT_SEGMENT_NAME_MAX + 2];
	const struct weft_segment_options long_type = {
		.type = "a type that is longer than types can be"};
	struct weft_segment *segment;

	memset(long_name, 'x', sizeof long_name - 1);
	long_name[sizeof long_name - 1] = '\0';
	CHECK_ERRNO(weft_segment_new(long_name, 10, NULL), ENAMETOOLONG);
	CHECK_ERRNO(weft_segment_new("a/b", 10, NULL), EINVAL);
	CHECK_ERRNO(weft_segment_new("", 10, NULL), EINVAL);
	CHECK_ERRNO(weft_segment_new(NULL, 0, NULL), EINVAL);
	CHECK_ERRNO(weft_segment_new(own_name(), 0, NULL), EINVAL);
	CHECK_ERRNO(weft_segment_new(own_name(), SIZE_MAX, NULL), ENOMEM);
	CHECK_ERRNO(weft_segment_new(own_name(), 10, &long_type), ENAMETOOLONG);
	CHECK_ERRNO(weft_segment_new(own_name(), 10, &(struct weft_segment_options){.mode = 04755}),
		EINVAL);
	CHECK(!has_name());
	CHECK_INT(symlink("/etc/passwd", own_path()), ==, 0);
	CHECK_ERRNO(weft_segment_new(own_name(), 10, NULL), EACCES);
	CHECK_INT(weft_segment_unlink(own_name()), ==, 0);
	CHECK_ERRNO(weft_segment_unlink(own_name()), ENOENT);
	CHECK_INT(mkfifo(own_path(), 0600), ==, 0);
	CHECK_ERRNO(weft_segment_new(own_name(), 10, NULL), EACCES);
	CHECK_INT(weft_segment_unlink(own_name()), ==, 0);
	/* Rubbish that nobody holds is as good as nothing. */
	file_with("rubbish", 7, 100000);
	segment = weft_segment_new(own_name(), 10, NULL);
	CHECK(segment != NULL);
	weft_segment_free(segment);
	CHECK(!has_name());
}

struct damage {
	size_t at;
	uint64_t value;
	int code;
};

/* The header's page lies before the data: see src/process/segment.h. */
CHECK_CASE(a_header_of_another_version_size_or_place_is_refused)
{
	static const struct damage damages[] = {{0, 1, EPROTO},
		{8, UINT64_C(0x7964617200000002), EPROTO}, {16, 1, EPROTO},
		{16, UINT64_MAX, EPROTO}, {24, 1, EXDEV}, {40, 'x', EPROTOTYPE}};
	const struct weft_segment_options options = {.type = "board 1"};
	struct weft_segment *segment = weft_segment_new(own_name(), 100, &options);
	char *head = (char *)weft_segment_data(segment) - 4096;

	CHECK_ERRNO(weft_segment_new(own_name(), 100, NULL), EPROTOTYPE);
	CHECK_ERRNO(weft_segment_new(own_name(), 101, &options), EMSGSIZE);
	for (size_t i = 0; i < sizeof damages / sizeof *damages; i++) {
		uint64_t before;

		memcpy(&before, head + damages[i].at, 8);
		memcpy(head + damages[i].at, &damages[i].value, 8);
		CHECK_ERRNO(weft_segment_new(own_name(), 100, &options), damages[i].code);
		memcpy(head + damages[i].at, &before, 8);
	}
	weft_segment_free(weft_segment_new(own_name(), 0, &options));
	weft_segment_free(segment);
}

/* ---- No room
 * ------------------------------------------------------------------------------------- */

CHECK_CASE(no_room_is_an_error_now_and_no_signal_later)
{
	const struct rlimit limit = {100000, 100000};
	struct weft_segment *segment;

	if (unshare(CLONE_NEWNS) < 0 && unshare(CLONE_NEWUSER | CLONE_NEWNS) < 0)
		check_skip("no file system can be mounted here");
	if (mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
		mount("none", "/dev/shm", "tmpfs", 0, "size=65536") < 0)
		check_skip("no file system can be mounted here");
	CHECK_ERRNO(weft_segment_new(own_name(), 70000, NULL), ENOSPC);
	CHECK(!has_name());
	segment = weft_segment_new(own_name(), 50000, NULL);
	CHECK(segment != NULL);
	memset(weft_segment_data(segment), 1, 50000);
	weft_segment_free(segment);
	CHECK_INT(setrlimit(RLIMIT_FSIZE, &limit), ==, 0);
	CHECK_ERRNO(weft_segment_new(NULL, 100000, NULL), EFBIG);
}

CHECK_CASE(without_descriptors_it_fails_and_leaves_nothing)
{
	struct weft_segment *segments[200];
	struct rlimit limit, few;
	size_t count = 0;
	int before;

	keep_sweeps_out(LOCK_SH); /* by a descriptor, too */
	before = descriptors();
	CHECK_INT(getrlimit(RLIMIT_NOFILE, &limit), ==, 0);
	few = (struct rlimit){(rlim_t)before + 15, limit.rlim_max}; /* whatever was inherited */
	CHECK_INT(setrlimit(RLIMIT_NOFILE, &few), ==, 0);
	while (count < 200 && (segments[count] = weft_segment_new(NULL, 10, NULL)))
		count++;
	CHECK_INT(errno, ==, EMFILE);
	CHECK_ERRNO(weft_segment_new(own_name(), 10, NULL), EMFILE);
	CHECK(!has_name());
	CHECK_ERRNO(weft_segment_attach(weft_segment_fd(segments[0]), 10, NULL), EMFILE);
	while (count > 0)
		weft_segment_free(segments[--count]);
	CHECK_INT(setrlimit(RLIMIT_NOFILE, &limit), ==, 0);
	CHECK_INT(descriptors(), ==, before);
}

/* ---- Values and arrays
 * ----------------------------------------------------------------------------- */

static struct weft_shared_array *hits;

#define ADDS 3000

static void add_hits(void)
{
	for (int i = 0; i < ADDS; i++)
		CHECK_INT(weft_shared_array_add(hits, (size_t)i % 3, 1, NULL), ==, 0);
}

CHECK_CASE(values_are_added_to_by_many_at_once)
{
	union weft_pack_value value;
	pid_t first, second;

	hits = weft_shared_array_new(NULL, 'i', 3, NULL);
	CHECK(hits != NULL);
	CHECK_INT(weft_shared_array_len(hits), ==, 3);
	CHECK_INT(weft_shared_array_letter(hits), ==, 'i');
	first = child(add_hits);
	second = child(add_hits);
	add_hits();
	ended(first, 0);
	ended(second, 0);
	for (size_t i = 0; i < 3; i++) {
		CHECK_INT(weft_shared_array_get(hits, i, &value), ==, 0);
		CHECK_INT(value.i, ==, ADDS);
		CHECK_INT(((int *)weft_shared_array_data(hits))[i], ==, ADDS);
	}
	CHECK_INT(weft_shared_lock_acquire(weft_shared_array_lock(hits)), ==, 0);
	CHECK_INT(weft_shared_lock_release(weft_shared_array_lock(hits)), ==, 0);
	weft_shared_array_free(hits);
	weft_shared_array_free(NULL);
}

static void write_halves(void)
{
	union weft_pack_value value = {.u = 0};

	for (;;) {
		CHECK_INT(weft_shared_array_set(hits, 0, value), ==, 0);
		value.u = ~value.u;
	}
}

CHECK_CASE(a_value_is_never_half_of_two)
{
	unsigned seen[2] = {0};
	pid_t pid;

	hits = weft_shared_array_new(NULL, 'Q', 1, NULL);
	CHECK(hits != NULL);
	pid = child(write_halves);
	/* As long as it takes to see both, or the test is none. */
	for (unsigned i = 0; i < check_rounds(200000) || !seen[0] || !seen[1]; i++) {
		union weft_pack_value value;

		CHECK_INT(weft_shared_array_get(hits, 0, &value), ==, 0);
		CHECK(value.u == 0 || value.u == UINT64_MAX);
		seen[value.u != 0] = 1;
	}
	kill(pid, SIGKILL);
	ended(pid, SIGKILL);
	weft_shared_array_free(hits);
}

/* Of each letter: the least and the greatest that fit, and what do not. */
static void integers_fit(char letter, int64_t least, uint64_t greatest)
{
	struct weft_shared_array *array = weft_shared_array_new(NULL, letter, 2, NULL);
	union weft_pack_value value, old;

	CHECK(array != NULL);
	CHECK_INT(weft_shared_array_set(array, 1, (union weft_pack_value){.i = least}), ==, 0);
	CHECK_INT(weft_shared_array_get(array, 1, &value), ==, 0);
	CHECK(value.i == least);
	CHECK_INT(
		weft_shared_array_exchange(array, 1, (union weft_pack_value){.u = greatest}, &old),
		==, 0);
	CHECK(old.i == least);
	CHECK_INT(weft_shared_array_get(array, 1, &value), ==, 0);
	CHECK(value.u == greatest);
	CHECK_INT(weft_shared_array_compare_exchange(array, 1, (union weft_pack_value){.u = 5},
			  (union weft_pack_value){.u = 6}, &old),
		==, -1);
	CHECK_INT(errno, ==, EAGAIN);
	CHECK(old.u == greatest);
	CHECK_INT(
		weft_shared_array_compare_exchange(array, 1, (union weft_pack_value){.u = greatest},
			(union weft_pack_value){.u = 6}, &old),
		==, 0);
	CHECK_INT(weft_shared_array_add(array, 1, -1, &old), ==, 0);
	CHECK_INT(old.i, ==, 6);
	CHECK_INT(weft_shared_array_get(array, 1, &value), ==, 0);
	CHECK_INT(value.i, ==, 5);
	if (greatest < INT64_MAX) {
		value.i = (int64_t)greatest + 1;
		CHECK_ERRNO(weft_shared_array_set(array, 1, value), ERANGE);
		value.i = least - 1;
		CHECK_ERRNO(weft_shared_array_exchange(array, 1, value, NULL), ERANGE);
	}
	CHECK_INT(weft_shared_array_get(array, 0, &value), ==, 0);
	CHECK_INT(value.i, ==, 0);
	CHECK_ERRNO(weft_shared_array_get(array, 2, &value), EDOM);
	CHECK_ERRNO(weft_shared_array_set(array, SIZE_MAX, value), EDOM);
	CHECK_ERRNO(weft_shared_array_add(array, 2, 1, NULL), EDOM);
	weft_shared_array_free(array);
}

CHECK_CASE(integers_of_each_type_are_bounded_by_it)
{
	integers_fit('b', INT8_MIN, INT8_MAX);
	integers_fit('B', 0, UINT8_MAX);
	integers_fit('h', INT16_MIN, INT16_MAX);
	integers_fit('H', 0, UINT16_MAX);
	integers_fit('i', INT32_MIN, INT32_MAX);
	integers_fit('I', 0, UINT32_MAX);
	integers_fit('l', INT64_MIN, INT64_MAX);
	integers_fit('L', 0, UINT64_MAX);
	integers_fit('q', INT64_MIN, INT64_MAX);
	integers_fit('Q', 0, UINT64_MAX);
}

CHECK_CASE(other_types_are_told_apart)
{
	struct weft_shared_array *array = weft_shared_array_new(own_name(), 'd', 4, NULL);
	struct weft_shared_array *other = weft_shared_array_new(own_name(), 'd', 0, NULL);
	struct weft_shared_array *flag = weft_shared_array_new(NULL, '?', 1, NULL);
	union weft_pack_value value = {.d = 2.5};

	CHECK(array && other && flag);
	CHECK_INT(weft_shared_array_len(other), ==, 4);
	CHECK_INT(weft_shared_array_set(array, 3, value), ==, 0);
	CHECK_INT(weft_shared_array_get(other, 3, &value), ==, 0);
	CHECK(value.d == 2.5);
	CHECK_ERRNO(weft_shared_array_add(array, 3, 1, NULL), EINVAL);
	CHECK_ERRNO(weft_shared_array_new(own_name(), 'f', 4, NULL), EPROTOTYPE);
	CHECK_ERRNO(weft_shared_array_new(own_name(), 'd', 5, NULL), EMSGSIZE);
	CHECK_ERRNO(weft_shared_array_new(NULL, 's', 5, NULL), EINVAL);
	CHECK_ERRNO(weft_shared_array_new(NULL, 'd', SIZE_MAX / 2, NULL), EOVERFLOW);
	value.i = 7;
	CHECK_INT(weft_shared_array_set(flag, 0, value), ==, 0);
	CHECK_INT(weft_shared_array_get(flag, 0, &value), ==, 0);
	CHECK_INT(value.i, ==, 1);
	weft_shared_array_free(array);
	weft_shared_array_free(other);
	weft_shared_array_free(flag);
	CHECK(!has_name());
}

CHECK_MAIN()
