/*
 * test_group.c - commits at the same time: each has its own result, all are there, and their syncs
 * are fewer than they are; bytes are on the disk before names, and names before anybody is told.
 *
 * check: tsan drivers waits
 */
#include <stdatomic.h>
#include <sys/syscall.h>

#include "descriptors.h"
#include "files/files.h"
#include "house.h"
#include "weft/event.h"
#include "weft/scope.h"

#define MANY 64

static atomic_int file_syncs, folder_syncs, all_syncs;
static atomic_int fail_all; /* syncfs */
static ino_t bad_inode;     /* whose fsync fails */
static const char *lost;    /* bytes that begin so: they failed before, and others were told */

/* ---- What is on the disk: each step has its moment --------------------------------------------
 */

#define INODES 4096

static pthread_mutex_t disk_mutex = PTHREAD_MUTEX_INITIALIZER;
static struct {
	int64_t now, all_synced;
	struct {
		ino_t ino;
		int64_t changed, synced; /* its bytes, or the names in it */
	} inodes[INODES];
} disk;

/* The mutex is held. */
static int inode_of(int fd)
{
	struct stat stat;
	int at;

	CHECK_INT(fstat(fd, &stat), ==, 0);
	for (at = (int)(stat.st_ino % INODES); disk.inodes[at].ino; at = (at + 1) % INODES)
		if (disk.inodes[at].ino == stat.st_ino)
			break;
	disk.inodes[at].ino = stat.st_ino;
	return at;
}

static void note_change(int fd)
{
	pthread_mutex_lock(&disk_mutex);
	disk.inodes[inode_of(fd)].changed = ++disk.now;
	pthread_mutex_unlock(&disk_mutex);
}

/* The moment when a sync begins: what changes from then on is not in it. */
static int64_t moment(void)
{
	int64_t now;

	pthread_mutex_lock(&disk_mutex);
	now = ++disk.now;
	pthread_mutex_unlock(&disk_mutex);
	return now;
}

static void note_sync(int fd, int64_t begun)
{
	int at;

	pthread_mutex_lock(&disk_mutex);
	at = inode_of(fd);
	/* Of two at a time, the one that began first may end last. */
	if (disk.inodes[at].synced < begun)
		disk.inodes[at].synced = begun;
	pthread_mutex_unlock(&disk_mutex);
}

/* Whether what had happened by then is on the disk. */
static bool is_on_disk(int fd, int64_t moment_of_it)
{
	bool is_there;
	int at;

	pthread_mutex_lock(&disk_mutex);
	at = inode_of(fd);
	if (moment_of_it == 0)
		moment_of_it = disk.inodes[at].changed;
	is_there = disk.inodes[at].synced > moment_of_it || disk.all_synced > moment_of_it;
	pthread_mutex_unlock(&disk_mutex);
	return is_there;
}

/* The first of so many fsyncs wait until this is set, so that the others come meanwhile. */
static struct weft_event gate = WEFT_EVENT_INIT;
static atomic_int gated;

#define IN_FRONT __attribute__((visibility("default")))

IN_FRONT ssize_t pwrite(int fd, const void *data, size_t len, off_t offset)
{
	note_change(fd);
	return syscall(SYS_pwrite64, fd, data, len, offset);
}

static int64_t named[64]; /* when each number got its name */

/* Before a name is there, the bytes are on the disk. */
IN_FRONT int linkat(int from_fd, const char *from, int to_fd, const char *to, int flags)
{
	long result;

	CHECK_STR(from, "");
	CHECK(is_on_disk(from_fd, 0));
	result = syscall(SYS_linkat, from_fd, from, to_fd, to, flags);
	if (result == 0 && to[0] >= '0' && to[0] <= '9')
		named[strtol(to, NULL, 10)] = moment();
	return (int)result;
}

IN_FRONT int fsync(int fd)
{
	int64_t begun = moment();
	struct stat stat;

	CHECK_INT(fstat(fd, &stat), ==, 0);
	if (atomic_load(&gated) > 0 && atomic_fetch_sub(&gated, 1) > 0)
		CHECK_INT(weft_event_wait(&gate), ==, 0);
	atomic_fetch_add(S_ISDIR(stat.st_mode) ? &folder_syncs : &file_syncs, 1);
	if (bad_inode && stat.st_ino == bad_inode) {
		errno = EIO;
		return -1;
	}
	CHECK_INT(syscall(SYS_fsync, fd), ==, 0);
	note_sync(fd, begun);
	return 0;
}

IN_FRONT int syncfs(int fd)
{
	int64_t begun = moment();

	atomic_fetch_add(&all_syncs, 1);
	if (atomic_load(&fail_all)) {
		errno = EIO;
		return -1;
	}
	CHECK_INT(syscall(SYS_syncfs, fd), ==, 0);
	pthread_mutex_lock(&disk_mutex);
	if (disk.all_synced < begun)
		disk.all_synced = begun;
	pthread_mutex_unlock(&disk_mutex);
	return 0;
}

/* A file's own errors; the bytes are its name. */
IN_FRONT int sync_file_range(int fd, off_t offset, off_t len, unsigned flags)
{
	char bytes[30] = "";

	if (lost && (flags & SYNC_FILE_RANGE_WAIT_BEFORE) &&
		pread(fd, bytes, sizeof(bytes) - 1, 0) > 0 &&
		strncmp(bytes, lost, strlen(lost)) == 0) {
		errno = EIO;
		return -1;
	}
	return (int)syscall(SYS_sync_file_range, fd, offset, len, flags);
}

static int results[MANY];
static atomic_int done;

static int put_one(void *arg)
{
	int i = (int)(intptr_t)arg;
	char name[30], folder[8] = "";

	snprintf(name, sizeof(name), "folder%d/%d", i % 3, i);
	results[i] = house_put(&all, name, name) < 0 ? errno : 0;
	if (results[i] == 0) { /* it may be told: the name is on the disk */
		int fd = weft_files_open(house, &all, strncpy(folder, name, 7), NULL);

		CHECK(fd >= 0);
		CHECK(is_on_disk(fd, named[i]));
		close(fd);
	}
	atomic_fetch_add(&done, 1);
	return 0;
}

/* Those that wait for a commit, or are in one. */
static int committing(void)
{
	struct weft__group *group = &house->group;
	int count;

	pthread_mutex_lock(&group->mutex);
	count = (int)(group->queued + group->taken);
	pthread_mutex_unlock(&group->mutex);
	return count;
}

/* Once all have come. */
static int open_gate(void *arg)
{
	(void)arg;
	while (committing() + atomic_load(&done) < MANY)
		weft_sleep(WEFT_MILLISECONDS(1));
	weft_event_set(&gate);
	return 0;
}

static int put_all(void *arg)
{
	struct weft_scope scope;

	(void)arg;
	weft_scope_begin(&scope, WEFT_FOREVER);
	for (intptr_t i = 0; i < MANY; i++)
		CHECK(weft_scope_spawn(&scope, put_one, (void *)i) != 0);
	CHECK(weft_scope_spawn(&scope, open_gate, NULL) != 0);
	return weft_scope_end(&scope);
}

static void furnish(void)
{
	house_open(NULL);
	for (int i = 0; i < 3; i++) {
		char name[20];

		snprintf(name, sizeof(name), "folder%d", i);
		CHECK_INT(mkdir(place(name), 0755), ==, 0);
	}
}

static void run(unsigned workers)
{
	const struct weft_run_options options = {.workers = workers};

	CHECK_INT(weft_run(&options, put_all, NULL), ==, 0);
	CHECK_INT(atomic_load(&done), ==, MANY);
}

static void check_there(int except)
{
	for (int i = 0; i < MANY; i++) {
		char name[30];

		snprintf(name, sizeof(name), "folder%d/%d", i % 3, i);
		if (i != except)
			CHECK_STR(place_read(name), name);
	}
}

CHECK_CASE(those_that_come_while_a_commit_is_under_way_are_the_next)
{
	furnish();
	atomic_store(&gated, WEFT__GROUP_LANES);
	run(1);
	check_there(-1);
	for (int i = 0; i < MANY; i++)
		CHECK_INT(results[i], ==, 0);
	CHECK_INT(file_syncs + folder_syncs + all_syncs, <, MANY);
}

CHECK_CASE(on_two_workers_too)
{
	furnish();
	run(2);
	check_there(-1);
}

/* One waits for the disk; another comes. */
static int put_beside(void *arg)
{
	struct weft_scope scope;

	(void)arg;
	weft_scope_begin(&scope, WEFT_FOREVER);
	CHECK(weft_scope_spawn(&scope, put_one, (void *)(intptr_t)0) != 0);
	while (atomic_load(&gated))
		weft_sleep(WEFT_MILLISECONDS(1));
	WEFT_WITH_TIMEOUT (WEFT_SECONDS(100)) /* of a hang only */
		put_one((void *)(intptr_t)1);
	weft_event_set(&gate);
	return weft_scope_end(&scope);
}

CHECK_CASE(who_comes_while_another_waits_for_the_disk_need_not_wait_for_it)
{
	const struct weft_run_options one = {.workers = 1};

	furnish();
	atomic_store(&gated, 1);
	CHECK_INT(weft_run(&one, put_beside, NULL), ==, 0);
	CHECK_INT(results[0], ==, 0);
	CHECK_INT(results[1], ==, 0);
}

CHECK_CASE(when_all_cannot_be_synced_at_once_each_is_and_no_other_pays_for_it)
{
	furnish();
	atomic_store(&fail_all, 1);
	atomic_store(&gated, WEFT__GROUP_LANES);
	run(2);
	check_there(-1);
	CHECK_INT(file_syncs, >=, MANY);
}

CHECK_CASE(bytes_that_were_lost_before_a_sync_of_all_are_not_acknowledged_by_it)
{
	int refused = 0;

	furnish();
	lost = "folder1/";
	atomic_store(&gated, WEFT__GROUP_LANES);
	run(2);
	for (int i = 0; i < MANY; i++) {
		char name[30];

		snprintf(name, sizeof(name), "folder%d/%d", i % 3, i);
		CHECK(results[i] == 0 || (i % 3 == 1 && results[i] == EIO));
		CHECK((access(place(name), F_OK) == 0) == (results[i] == 0));
		refused += results[i] == EIO;
	}
	CHECK_INT(refused, >, 0); /* but those that were synced by themselves */
}

CHECK_CASE(a_folder_that_cannot_be_synced_fails_its_own_and_takes_them_back)
{
	struct stat stat;

	furnish();
	CHECK_INT(lstat(place("folder1"), &stat), ==, 0);
	bad_inode = stat.st_ino;
	atomic_store(&fail_all, 1);
	run(2);
	for (int i = 0; i < MANY; i++)
		CHECK_INT(results[i], ==, i % 3 == 1 ? EIO : 0);
	CHECK_INT(house_names("folder1"), ==, 0);
	CHECK_INT(house_names("folder0"), ==, (MANY + 2) / 3);
}

/* ---- Giving up ------------------------------------------------------------------------------- */

static atomic_int late;

static int put_late(void *arg)
{
	char name[30];
	struct weft_files_put *put;

	snprintf(name, sizeof(name), "late%d", (int)(intptr_t)arg);
	put = weft_files_put_begin(house, &all, name, NULL);
	CHECK(put != NULL);
	WEFT_WITH_TIMEOUT (WEFT_MILLISECONDS(5))
		if (weft_files_put_commit(put, NULL) < 0) {
			CHECK_INT(errno, ==, ETIMEDOUT);
			atomic_fetch_add(&late, 1);
		}
	return 0;
}

static int open_gate_late(void *arg)
{
	(void)arg;
	weft_sleep(WEFT_MILLISECONDS(30));
	weft_event_set(&gate);
	return 0;
}

static int put_all_late(void *arg)
{
	struct weft_scope scope;

	(void)arg;
	weft_scope_begin(&scope, WEFT_FOREVER);
	for (intptr_t i = 0; i < 8; i++)
		CHECK(weft_scope_spawn(&scope, put_late, (void *)i) != 0);
	CHECK(weft_scope_spawn(&scope, open_gate_late, NULL) != 0);
	return weft_scope_end(&scope);
}

CHECK_CASE(who_is_late_in_the_queue_leaves_it_and_has_put_nothing)
{
	const struct weft_run_options one = {.workers = 1};
	int before;

	house_open(NULL);
	before = descriptors();
	atomic_store(&gated, WEFT__GROUP_LANES);
	CHECK_INT(weft_run(&one, put_all_late, NULL), ==, 0);
	CHECK_INT(house_names("."), ==, 8 - atomic_load(&late));
	CHECK_INT(house_put(&all, "next", "n"), ==, 0);
	CHECK_INT(descriptors(), ==, before);
}

CHECK_MAIN()
