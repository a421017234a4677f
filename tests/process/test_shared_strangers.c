/*
 * test_shared_strangers.c - segments and locks among strangers: other users and namespaces, ids
 * that were used before, descriptors that travel, and none left.
 *
 * check: tsan
 */
#include "weft/shared.h"

#include <fcntl.h>
#include <linux/sched.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#include "check.h"
#include "descriptors.h"
#include "sweeps.h"
#include "weft/queue.h"
#include "weft/scope.h"

#define NOBODY 65534

/* A name that no other run has; its path is below. A child that is to know it calls it before. */
static const char *own_name(void)
{
	static char name[50];

	if (!name[0]) {
		keep_sweeps_out(LOCK_SH);
		snprintf(name, sizeof name, "test-strangers-%d", (int)getpid());
	}
	return name;
}

static bool has_name(void)
{
	char path[80];

	snprintf(path, sizeof path, "/dev/shm/weft.%s", own_name());
	return access(path, F_OK) == 0;
}

static pid_t child(void (*fn)(void *arg), void *arg)
{
	pid_t pid;

	own_name();
	pid = fork();
	CHECK(pid >= 0);
	if (pid == 0) {
		fn(arg);
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

/* Of zeros: a lock, an event. */
static void *shared_page(void)
{
	void *memory = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	CHECK(memory != MAP_FAILED);
	return memory;
}

/* ---- By descriptor --------------------------------------------------------------------- */

struct shared_end {
	struct weft_queue *named;
	struct weft_shared_event *parent_is_gone;
};

static void attach_and_outlive(void *arg)
{
	struct shared_end *end = arg;
	struct weft_queue *queue = weft_queue_attach(weft_queue_fd(end->named));
	char letter;

	CHECK(queue != NULL);
	weft_queue_free(end->named);
	CHECK_INT(weft_shared_event_wait(end->parent_is_gone), ==, 0);
	CHECK_INT(weft_queue_try_get(queue, &letter, 1, NULL), ==, 1);
	CHECK(has_name());
	weft_queue_free(queue);
	CHECK(!has_name());
}

CHECK_CASE(the_last_one_removes_the_name_also_where_it_came_by_a_descriptor)
{
	struct weft_queue *named = weft_queue_new(own_name(), NULL), *other;
	struct weft_shared_event *parent_is_gone = shared_page();
	struct weft_segment *segment;
	pid_t pid;

	CHECK(named != NULL);
	other = weft_queue_attach(weft_queue_fd(named));
	CHECK(other != NULL);
	weft_queue_free(named);
	CHECK(has_name());
	weft_queue_free(other);
	CHECK(!has_name());
	named = weft_queue_new(own_name(), NULL);
	pid = child(attach_and_outlive, &(struct shared_end){named, parent_is_gone});
	CHECK_INT(weft_queue_put(named, "b", 1), ==, 0);
	weft_queue_free(named);
	weft_shared_event_set(parent_is_gone);
	ended(pid, 0);
	CHECK(!has_name());
	/* One whose name was taken from it leaves the next of that name alone. */
	named = weft_queue_new(own_name(), NULL);
	CHECK_INT(weft_segment_unlink(own_name()), ==, 0);
	other = weft_queue_attach(weft_queue_fd(named));
	segment = weft_segment_new(own_name(), 10, NULL);
	CHECK(other != NULL && segment != NULL);
	weft_queue_free(named);
	weft_queue_free(other);
	CHECK(has_name());
	weft_segment_free(segment);
	CHECK(!has_name());
}

/* ---- Other users --------------------------------------------------------------------------- */

static void leave_one(void *arg)
{
	const struct weft_segment_options options = {.mode = 0666};

	if (arg)
		CHECK_INT(setuid(NOBODY), ==, 0);
	CHECK(weft_segment_new(own_name(), 10, &options) != NULL);
	kill(getpid(), SIGKILL);
}

static void be_refused(void *arg)
{
	(void)arg;
	CHECK_INT(setuid(NOBODY), ==, 0);
	CHECK_ERRNO(weft_segment_new(own_name(), 10, NULL), EACCES);
	CHECK_ERRNO(weft_queue_new(own_name(), NULL), EACCES);
	CHECK_ERRNO(weft_shared_array_new(own_name(), 'i', 1, NULL), EACCES);
	CHECK_ERRNO(weft_segment_unlink(own_name()), EPERM);
	weft_segment_sweep();
	CHECK(has_name());
}

CHECK_CASE(what_a_dead_program_of_another_user_has_left_is_refused_at_once)
{
	if (geteuid() != 0)
		check_skip("only root is two users");
	keep_sweeps_out(LOCK_EX);
	/* Root's, which nobody may open, and not remove. */
	ended(child(leave_one, NULL), SIGKILL);
	ended(child(be_refused, NULL), 0);
	CHECK_INT(weft_segment_unlink(own_name()), ==, 0);
	/* Nobody's, which root doesn't believe. */
	ended(child(leave_one, own_name), SIGKILL);
	CHECK_ERRNO(weft_segment_new(own_name(), 10, NULL), EACCES);
	CHECK_ERRNO(weft_queue_new(own_name(), NULL), EACCES);
	CHECK_INT(weft_segment_unlink(own_name()), ==, 0);
}

static void write_there(void *arg)
{
	struct weft_segment *segment;

	CHECK_INT(setuid(NOBODY), ==, 0);
	segment = weft_segment_new(own_name(), 10, NULL);
	if (!arg) {
		CHECK(segment == NULL);
		CHECK_INT(errno, ==, EACCES);
		return;
	}
	CHECK(segment != NULL);
	memcpy(weft_segment_data(segment), "nobody", 7);
	weft_segment_free(segment);
}

CHECK_CASE(another_user_attaches_to_roots_where_its_mode_says_so)
{
	const struct weft_segment_options for_all = {.mode = 0666};
	struct weft_segment *segment;

	if (geteuid() != 0)
		check_skip("only root is two users");
	segment = weft_segment_new(own_name(), 10, &for_all);
	CHECK(segment != NULL);
	ended(child(write_there, own_name), 0);
	CHECK_STR(weft_segment_data(segment), "nobody");
	/* By descriptor it is refused: whoever may write it could cut it short. */
	CHECK_ERRNO(weft_segment_attach(weft_segment_fd(segment), 10, NULL), EPERM);
	CHECK(has_name());
	weft_segment_free(segment);
	segment = weft_segment_new(own_name(), 10, NULL);
	ended(child(write_there, NULL), 0);
	weft_segment_free(segment);
	CHECK(!has_name());
}

/* ---- Other namespaces ------------------------------------------------------------------------
 */

/* The first process of a new pid namespace, below the /proc of the old one. */
static void be_first(void *arg)
{
	struct weft_shared_lock *lock = arg;

	CHECK_INT(getpid(), ==, 1);
	CHECK_ERRNO(weft_segment_new(own_name(), 10, NULL), EXDEV);
	CHECK_INT(weft_shared_lock_acquire(lock), ==, 0);
	CHECK_INT(weft_shared_lock_owner(lock), ==, 1);
	/* There /proc/1 is another process, whose end would be taken for ours. */
	CHECK_INT(lock->word & 0x7fffffff, ==, 1);
	CHECK_INT(weft_shared_lock_release(lock), ==, 0);
}

static void begin_namespace(void *arg)
{
	if (unshare(CLONE_NEWPID) < 0 && unshare(CLONE_NEWUSER | CLONE_NEWPID) < 0)
		_exit(CHECK_SKIPPED_);
	ended(child(be_first, arg), 0);
}

CHECK_CASE(a_pid_namespace_is_told_apart_and_anothers_proc_is_not_believed)
{
	struct weft_segment *segment = weft_segment_new(own_name(), 10, NULL);
	pid_t pid = child(begin_namespace, shared_page());
	int status;

	CHECK_INT(waitpid(pid, &status, 0), ==, pid);
	weft_segment_free(segment);
	if (WIFEXITED(status) && WEXITSTATUS(status) == CHECK_SKIPPED_)
		check_skip("no pid namespace can be had here");
	CHECK_INT(status, ==, 0);
}

/* ---- Ids that come again ----------------------------------------------------------------------
 */

static void die_with_it(void *arg)
{
	CHECK_INT(weft_shared_lock_acquire(arg), ==, 0);
	kill(getpid(), SIGKILL);
}

/* A process with that id, which does nothing; -1. */
static pid_t start_as(pid_t wanted)
{
	struct clone_args args = {
		.exit_signal = SIGCHLD, .set_tid = (uint64_t)(uintptr_t)&wanted, .set_tid_size = 1};
	pid_t pid = (pid_t)syscall(SYS_clone3, &args, sizeof args);

	if (pid == 0)
		for (;;)
			syscall(SYS_pause);
	return pid;
}

CHECK_CASE(another_process_with_the_id_of_a_dead_owner_is_not_taken_for_it)
{
	struct weft_shared_lock *lock = shared_page();
	int told = 0;

	/* One time in 511 it is, and the kernel's clock for it has steps of 10 ms. */
	for (int i = 0; i < 10 && told < 2; i++) {
		pid_t pid = child(die_with_it, lock), other;
		int got = -1;

		ended(pid, SIGKILL);
		usleep(20 * 1000);
		other = start_as(pid);
		if (other < 0 && errno != EEXIST)
			check_skip("ids can't be chosen here");
		if (other == pid)
			WEFT_WITH_TIMEOUT (WEFT_SECONDS(5))
				got = weft_shared_lock_acquire(lock);
		told += got == 1;
		if (other > 0) {
			kill(other, SIGKILL);
			ended(other, SIGKILL);
		}
		weft_shared_lock_init(lock);
	}
	CHECK_INT(told, ==, 2);
}

/* ---- Without descriptors -----------------------------------------------------------------------
 */

CHECK_CASE(the_death_of_a_child_that_owned_a_lock_is_told_without_a_descriptor_too)
{
	struct weft_shared_lock *lock = shared_page();
	pid_t pid = child(die_with_it, lock);
	struct rlimit was, none;
	siginfo_t info;
	int got = -1;

	CHECK_INT(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT), ==, 0);
	CHECK_INT(getrlimit(RLIMIT_NOFILE, &was), ==, 0);
	none = (struct rlimit){0, was.rlim_max};
	CHECK_INT(setrlimit(RLIMIT_NOFILE, &none), ==, 0);
	WEFT_WITH_TIMEOUT (WEFT_SECONDS(30))
		got = weft_shared_lock_acquire(lock);
	CHECK_INT(setrlimit(RLIMIT_NOFILE, &was), ==, 0);
	CHECK_INT(got, ==, 1);
	ended(pid, SIGKILL);
}

CHECK_MAIN()
