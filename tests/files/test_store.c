/*
 * test_store.c - files put below a root, folders made, and both removed and moved: who wins, what
 * is refused, and that nothing is left of what did not come to its end.
 *
 * check: tsan drivers waits
 */
#include <dirent.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "files/store.h"
#include "io/both.h"
#include "io/place.h"
#include "weft/fiber.h"
#include "weft/scope.h"

static struct weft__root root = {.fd = -1};

static void root_open(void)
{
	if (root.fd < 0)
		root.fd = open(place("."), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	CHECK(root.fd >= 0);
}

/* All names in the folder, but "." and "..", and an empty folder of temporary names. */
static int names_in(const char *path)
{
	DIR *folder = opendir(place(path));
	struct dirent *entry;
	int count = -2;

	CHECK(folder != NULL);
	while ((entry = readdir(folder)))
		if (strcmp(entry->d_name, WEFT__STORE_FOLDER) != 0 ||
			unlinkat(dirfd(folder), entry->d_name, AT_REMOVEDIR) < 0)
			count++;
	closedir(folder);
	return count;
}

/* ---- Judges -------------------------------------------------------------------------- */

static int only_new(const struct stat *existing, void *arg)
{
	(void)arg;
	return existing ? EEXIST : 0;
}

static int only_old(const struct stat *existing, void *arg)
{
	return !existing ? ESTALE : existing->st_size == *(off_t *)arg ? 0 : ESTALE;
}

static struct weft__put *begin(const char *path, weft__store_judge_fn *fn, void *arg)
{
	const struct weft__put_options options = {.root = &root,
		.folder_fd = -1,
		.path = path,
		.len = -1,
		.judge = {.fn = fn, .arg = arg}};

	root_open();
	return weft__put_begin(&options);
}

static void add(struct weft__put *put, const char *text, size_t len)
{
	while (len > 0) {
		size_t size;
		char *room = weft__put_room(put, &size);

		CHECK(room && size > 0);
		size = size < len ? size : len;
		memcpy(room, text, size);
		CHECK_INT(weft__put_took(put, size), ==, 0);
		text += size;
		len -= size;
	}
}

static int put_text(const char *path, const char *text, weft__store_judge_fn *fn, void *arg)
{
	struct weft__put *put = begin(path, fn, arg);
	size_t failed;
	int result;

	if (!put)
		return -1;
	add(put, text, strlen(text));
	result = weft__put_commit(&put, 1, &failed);
	if (result == 0)
		CHECK_INT(weft__put_stat(put)->st_size, ==, strlen(text));
	weft__put_end(put);
	return result;
}

/* ---- Putting ------------------------------------------------------------------------- */

BOTH_CASE(a_file_shows_when_it_is_whole_and_not_before)
{
	struct weft__put *put = begin("a", only_new, NULL);
	size_t failed;

	CHECK(put);
	add(put, "hello", 5);
	CHECK_INT(weft__put_flush(put), ==, 0);
	CHECK_INT(names_in("."), ==, 0);
	add(put, ", world", 7);
	CHECK_INT(weft__put_commit(&put, 1, &failed), ==, 0);
	CHECK(weft__put_is_new(put));
	CHECK_STR(weft__put_name(put), "a");
	weft__put_end(put);
	CHECK_STR(place_read("a"), "hello, world");
	CHECK_INT(names_in("."), ==, 1);
}

BOTH_CASE(what_is_not_committed_leaves_no_trace_also_in_a_late_scope)
{
	struct weft__put *put = begin("a", NULL, NULL);
	size_t failed;

	CHECK(put);
	add(put, "hello", 5);
	WEFT_WITH_TIMEOUT (0) {
		CHECK_ERRNO(weft__put_commit(&put, 1, &failed), ETIMEDOUT);
		weft__put_end(put);
	}
	CHECK_INT(names_in("."), ==, 0);
	weft__put_end(NULL);
}

BOTH_CASE(another_content_replaces_the_old_one_and_keeps_its_permissions)
{
	struct stat stat;
	struct weft__put *put;
	size_t failed;

	place_write("a", "old");
	CHECK_INT(chmod(place("a"), 04640), ==, 0);
	put = begin("a", NULL, NULL);
	add(put, "newer", 5);
	CHECK_INT(weft__put_commit(&put, 1, &failed), ==, 0);
	CHECK(!weft__put_is_new(put));
	weft__put_end(put);
	CHECK_STR(place_read("a"), "newer");
	CHECK_INT(lstat(place("a"), &stat), ==, 0);
	CHECK_INT(stat.st_mode & 07777, ==, 0640); /* the set-user-ID bit was the old bytes' */
	CHECK_INT(names_in("."), ==, 1);
}

BOTH_CASE(the_judge_is_asked_before_the_bytes_and_right_before_the_change)
{
	struct weft__put *put;
	off_t len = 3;
	size_t failed;

	CHECK_ERRNO(begin("a", only_old, &len), ESTALE);
	place_write("a", "old");
	CHECK_ERRNO(begin("a", only_new, NULL), EEXIST);
	put = begin("a", only_old, &len);
	CHECK(put);
	add(put, "mine", 4);
	place_write("a", "theirs");
	CHECK_ERRNO(weft__put_commit(&put, 1, &failed), ESTALE);
	weft__put_end(put);
	CHECK_STR(place_read("a"), "theirs");
	put = begin("b", only_new, NULL);
	place_write("b", "faster");
	CHECK_ERRNO(weft__put_commit(&put, 1, &failed), EEXIST);
	weft__put_end(put);
	CHECK_STR(place_read("b"), "faster");
	put = begin("a", NULL, NULL);
	CHECK_INT(unlink(place("a")), ==, 0); /* it goes; then ours is new */
	CHECK_INT(weft__put_commit(&put, 1, &failed), ==, 0);
	CHECK(weft__put_is_new(put));
	weft__put_end(put);
	CHECK_INT(names_in("."), ==, 2);
}

/* Begin three files of these names in the root; the last is not there twice. */
static int begin_three(struct weft__put *puts[3], const char *const names[3])
{
	int folder;

	root_open();
	folder = weft__store_open_folder(&root, "");
	CHECK(folder >= 0);
	for (int i = 0; i < 3; i++) {
		const struct weft__put_options options = {.root = &root,
			.folder_fd = folder,
			.path = names[i],
			.len = 1,
			.judge = {.fn = only_new}};

		puts[i] = weft__put_begin(&options);
		CHECK(puts[i]);
		add(puts[i], "x", 1);
	}
	return folder;
}

BOTH_CASE(of_several_files_all_get_their_names_or_none_does)
{
	static const char *const names[2][3] = {{"a", "b", "a"}, {"a", "b", "c"}};

	place_write("old", "old");
	for (int round = 0; round < 2; round++) {
		struct weft__put *puts[3];
		int folder = begin_three(puts, names[round]);
		size_t failed;

		CHECK_INT(weft__put_commit(puts, 3, &failed), ==, round == 0 ? -1 : 0);
		if (round == 0) { /* two of one name */
			CHECK_INT(errno, ==, EEXIST);
			CHECK_INT(failed, ==, 2);
		}
		for (int i = 0; i < 3; i++)
			weft__put_end(puts[i]);
		weft__store_close_folder(folder);
		CHECK_INT(names_in("."), ==, round == 0 ? 1 : 4);
	}
}

BOTH_CASE(a_large_file_comes_out_as_it_went_in)
{
	enum { LEN = 20 * 1000 * 1000 };
	char *bytes = malloc(LEN), *back = malloc(LEN);
	struct weft__put *put = begin("large", NULL, NULL);
	size_t failed;
	int fd;

	CHECK(bytes && back && put);
	for (size_t i = 0; i < LEN; i++)
		bytes[i] = (char)(i * 2654435761u >> 13);
	for (size_t at = 0, step = 1; at < LEN; at += step, step = step * 3 % 100003 + 1)
		add(put, bytes + at, step < LEN - at ? step : LEN - at);
	CHECK_INT(weft__put_commit(&put, 1, &failed), ==, 0);
	CHECK_INT(weft__put_stat(put)->st_size, ==, LEN);
	weft__put_end(put);
	fd = open(place("large"), O_RDONLY | O_CLOEXEC);
	CHECK_INT(read(fd, back, LEN), ==, LEN);
	CHECK_MEM(bytes, back, LEN);
	close(fd);
	free(bytes);
	free(back);
}

/* ---- Refusing ------------------------------------------------------------------------ */

BOTH_CASE(names_that_can_not_be_are_refused_and_none_leads_outside)
{
	char name[NAME_MAX + 20] = "sub/";

	CHECK_INT(mkdir(place("sub"), 0755), ==, 0);
	place_write("file", "x");
	CHECK_INT(symlink("/tmp", place("out")), ==, 0);
	CHECK_INT(symlink("sub", place("in")), ==, 0);
	CHECK_INT(symlink("nowhere", place("dangling")), ==, 0);
	CHECK_INT(mkfifo(place("fifo"), 0644), ==, 0);
	CHECK_ERRNO(begin(".hidden", NULL, NULL), EPERM);
	CHECK_ERRNO(begin("sub/.hidden", NULL, NULL), EPERM);
	CHECK_ERRNO(begin(".weft-upload/x", NULL, NULL), EPERM);
	CHECK_ERRNO(begin("../x", NULL, NULL), EPERM);
	CHECK_ERRNO(begin("sub/../../x", NULL, NULL), EPERM);
	CHECK_ERRNO(begin("", NULL, NULL), EINVAL);
	CHECK_ERRNO(begin("sub/", NULL, NULL), EINVAL);
	CHECK_ERRNO(begin("sub/a\nb", NULL, NULL), EINVAL);
	CHECK_ERRNO(begin("a\x7f", NULL, NULL), EINVAL);
	CHECK_ERRNO(begin("nothing/x", NULL, NULL), ENOENT);
	CHECK_ERRNO(begin("file/x", NULL, NULL), ENOTDIR);
	CHECK_ERRNO(begin("out/x", NULL, NULL), EXDEV);
	CHECK_ERRNO(begin("sub", NULL, NULL), EISDIR);
	CHECK_ERRNO(begin("fifo", NULL, NULL), ENODEV);
	CHECK_ERRNO(begin("dangling", NULL, NULL), ENODEV);
	memset(name + 4, 'x', NAME_MAX);
	name[4 + NAME_MAX] = '\0';
	CHECK_INT(put_text(name, "longest", only_new, NULL), ==, 0);
	name[4 + NAME_MAX] = 'x';
	name[5 + NAME_MAX] = '\0';
	CHECK_ERRNO(begin(name, NULL, NULL), ENAMETOOLONG);
	CHECK_INT(put_text("in/x", "through a link inside", only_new, NULL), ==, 0);
	CHECK_STR(place_read("sub/x"), "through a link inside");
	CHECK_INT(names_in("sub"), ==, 2);
}

BOTH_CASE(what_the_disk_has_no_room_for_is_refused_before_it_comes)
{
	struct weft__put_options options = {.root = &root, .folder_fd = -1, .path = "a"};

	root_open();
	options.len = INT64_MAX;
	CHECK_ERRNO(weft__put_begin(&options), ENOSPC);
	CHECK_INT(names_in("."), ==, 0);
}

BOTH_CASE(a_file_that_may_not_grow_leaves_no_trace)
{
	const struct rlimit limit = {100000, RLIM_INFINITY};
	struct sigaction ignore = {.sa_handler = SIG_IGN};
	struct weft__put *put;
	int result = 0;

	place_write("a", "old");
	put = begin("a", NULL, NULL);
	CHECK(put);
	CHECK_INT(sigaction(SIGXFSZ, &ignore, NULL), ==, 0);
	CHECK_INT(setrlimit(RLIMIT_FSIZE, &limit), ==, 0);
	for (int i = 0; i < 100 && result == 0; i++) {
		size_t size;
		char *room = weft__put_room(put, &size);

		memset(room, 'x', size);
		result = weft__put_took(put, size);
	}
	CHECK_INT(result, ==, -1);
	CHECK_INT(errno, ==, EFBIG);
	weft__put_end(put);
	CHECK_STR(place_read("a"), "old");
	CHECK_INT(names_in("."), ==, 1);
}

BOTH_CASE(a_folder_that_goes_meanwhile_takes_the_file_with_it)
{
	struct weft__put *put;
	size_t failed;

	CHECK_INT(mkdir(place("sub"), 0755), ==, 0);
	put = begin("sub/a", NULL, NULL);
	CHECK(put);
	CHECK_INT(rmdir(place("sub")), ==, 0);
	CHECK_ERRNO(weft__put_commit(&put, 1, &failed), ENOENT);
	weft__put_end(put);
	CHECK_INT(names_in("."), ==, 0);
}

/* ---- Who wins ------------------------------------------------------------------------ */

/* Adds one to the number in a file, by "only if it is still what I read". */
static int is_same_file(const struct stat *existing, void *arg)
{
	const struct stat *known = arg;

	return !existing || existing->st_ino != known->st_ino ||
			       existing->st_mtim.tv_sec != known->st_mtim.tv_sec ||
			       existing->st_mtim.tv_nsec != known->st_mtim.tv_nsec
		       ? ESTALE
		       : 0;
}

static int rounds_each = 20;

static int count_up(void *arg)
{
	int rounds = *(int *)arg;

	while (rounds > 0) {
		struct stat known;
		char text[32];
		int fd = openat(root.fd, "number", O_RDONLY | O_CLOEXEC);
		ssize_t len;

		CHECK(fd >= 0 && fstat(fd, &known) == 0);
		len = read(fd, text, sizeof(text) - 1);
		CHECK_INT(len, >, 0);
		text[len] = '\0';
		close(fd);
		snprintf(text, sizeof(text), "%ld", strtol(text, NULL, 10) + 1);
		if (put_text("number", text, is_same_file, &known) == 0)
			rounds--;
		else
			CHECK_INT(errno, ==, ESTALE);
	}
	return 0;
}

static int count_up_together(void *arg)
{
	weft_fiber_id fibers[4];

	(void)arg;
	for (int i = 0; i < 4; i++)
		fibers[i] = weft_spawn(count_up, &rounds_each);
	return weft_join_all(fibers, 4, NULL, WEFT_FOREVER) == 4 ? 0 : -1;
}

CHECK_CASE(of_those_who_replace_what_they_know_none_is_lost)
{
	pid_t others[2];

	place_write("number", "0");
	root_open();
	for (int i = 0; i < 2; i++) { /* in other processes */
		others[i] = fork();
		if (others[i] == 0) {
			count_up(&rounds_each);
			_exit(0);
		}
	}
	CHECK_INT(
		weft_run(&(struct weft_run_options){.workers = 2}, count_up_together, NULL), ==, 0);
	for (int i = 0; i < 2; i++) {
		int status;

		CHECK_INT(waitpid(others[i], &status, 0), ==, others[i]);
		CHECK_INT(status, ==, 0);
	}
	CHECK_STR(place_read("number"), "120");
	CHECK_INT(names_in("."), ==, 1);
}

BOTH_CASE(who_is_kept_out_by_a_strangers_lock_is_told_and_not_held_for_ever)
{
	int fd = open((place_make(), place(".")), O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	place_write("a", "old");
	CHECK_INT(flock(fd, LOCK_EX), ==, 0);
	CHECK_ERRNO(put_text("a", "new", NULL, NULL), EBUSY);
	CHECK_INT(flock(fd, LOCK_UN), ==, 0);
	CHECK_INT(put_text("a", "new", NULL, NULL), ==, 0);
	close(fd);
}

/* ---- Changing ------------------------------------------------------------------------ */

BOTH_CASE(folders_are_made_and_removed_when_they_are_empty)
{
	root_open();
	CHECK_INT(weft__store_mkdir(&root, "a"), ==, 0);
	CHECK_ERRNO(weft__store_mkdir(&root, "a"), EEXIST);
	CHECK_INT(weft__store_mkdir(&root, "a/b"), ==, 0);
	CHECK_ERRNO(weft__store_mkdir(&root, "x/y"), ENOENT);
	CHECK_ERRNO(weft__store_mkdir(&root, ".x"), EPERM);
	CHECK_ERRNO(weft__store_mkdir(&root, ""), EINVAL);
	CHECK_ERRNO(weft__store_remove(&root, "a", NULL, NULL), ENOTEMPTY);
	CHECK_INT(weft__store_remove(&root, "a/b", NULL, NULL), ==, 0);
	CHECK_INT(weft__store_remove(&root, "a", NULL, NULL), ==, 0);
	CHECK_ERRNO(weft__store_remove(&root, "a", NULL, NULL), ENOENT);
	CHECK_ERRNO(weft__store_remove(&root, "", NULL, NULL), EINVAL);
	CHECK_INT(names_in("."), ==, 0);
}

BOTH_CASE(files_and_links_are_removed_and_not_what_links_lead_to)
{
	const struct weft__store_judge judge = {.fn = only_old, .arg = &(off_t){1}};

	root_open();
	place_write("a", "content");
	CHECK_INT(symlink("a", place("link")), ==, 0);
	CHECK_INT(mkfifo(place("fifo"), 0644), ==, 0);
	CHECK_ERRNO(weft__store_remove(&root, "a", &judge, NULL), ESTALE);
	CHECK_INT(weft__store_remove(&root, "link", NULL, NULL), ==, 0);
	CHECK_STR(place_read("a"), "content");
	CHECK_INT(weft__store_remove(&root, "a", NULL, NULL), ==, 0);
	CHECK_ERRNO(weft__store_remove(&root, "fifo", NULL, NULL), ENODEV);
	CHECK_INT(names_in("."), ==, 1);
}

static int move(const char *from, const char *to, bool may_replace, struct weft__store_moved *moved)
{
	return weft__store_move(
		&(struct weft__store_move){
			.root = &root, .from = from, .to = to, .may_replace = may_replace},
		moved);
}

BOTH_CASE(what_is_there_moves_and_replaces_only_when_it_may)
{
	struct weft__store_moved moved;

	root_open();
	place_write("a", "a");
	place_write("b", "b");
	CHECK_INT(mkdir(place("sub"), 0755), ==, 0);
	CHECK_INT(mkdir(place("empty"), 0755), ==, 0);
	CHECK_ERRNO(move("x", "y", false, &moved), ENOENT);
	CHECK(!moved.has_source);
	CHECK_ERRNO(move("a", "x/y", false, &moved), ENOENT);
	CHECK(moved.has_source);
	CHECK_ERRNO(move("a", "b", false, &moved), EEXIST);
	CHECK_ERRNO(move("a", ".b", true, &moved), EPERM);
	CHECK_INT(move("a", "sub/a", false, &moved), ==, 0);
	CHECK(moved.is_new && !moved.is_folder);
	CHECK_INT(move("sub/a", "b", true, &moved), ==, 0);
	CHECK(!moved.is_new);
	CHECK_STR(place_read("b"), "a");
	CHECK_INT(move("b", "sub/b", true, &moved), ==, 0);
	CHECK_ERRNO(move("sub", "sub/deeper", true, &moved), EINVAL);
	CHECK_ERRNO(move("empty", "sub", true, &moved), ENOTEMPTY);
	CHECK_ERRNO(move("sub/b", "empty", true, &moved), EISDIR);
	CHECK_INT(move("sub", "empty", true, &moved), ==, 0);
	CHECK(!moved.is_new && moved.is_folder);
	CHECK_STR(place_read("empty/b"), "a");
	CHECK_INT(names_in("."), ==, 1);
}

/* A descriptor that was closed is soon another request's: nobody may keep its number. */
CHECK_CASE(a_place_below_a_file_is_refused_and_its_descriptor_forgotten)
{
	struct weft__store_place found = {.folder_fd = -1};

	root_open();
	place_write("file", "a");
	CHECK_ERRNO(weft__store_find(&root, "file/below", true, &found), ENOTDIR);
	CHECK_INT(found.folder_fd, ==, -1);
}

/* ---- Leftovers ----------------------------------------------------------------------- */

CHECK_CASE(a_sweep_takes_what_the_dead_have_left_and_nothing_else)
{
	int alive;

	root_open();
	CHECK_INT(weft__store_sweep(&root), ==, 0);
	CHECK_INT(mkdir(place(WEFT__STORE_FOLDER), 0700), ==, 0);
	place_write(WEFT__STORE_FOLDER "/.weft-upload-0123456789abcdef", "of a dead one");
	place_write(WEFT__STORE_FOLDER "/.weft-upload-0123456789abcdee", "of a living one");
	place_write(WEFT__STORE_FOLDER "/.weft-upload-x", "of a stranger");
	place_write(WEFT__STORE_FOLDER "/notes", "of a stranger");
	alive = open(
		place(WEFT__STORE_FOLDER "/.weft-upload-0123456789abcdee"), O_RDONLY | O_CLOEXEC);
	CHECK_INT(flock(alive, LOCK_EX), ==, 0);
	CHECK_INT(weft__store_sweep(&root), ==, 0);
	CHECK_INT(names_in(WEFT__STORE_FOLDER), ==, 3);
	close(alive);
	CHECK_INT(unlink(place(WEFT__STORE_FOLDER "/.weft-upload-x")), ==, 0);
	CHECK_INT(unlink(place(WEFT__STORE_FOLDER "/notes")), ==, 0);
	CHECK_INT(weft__store_sweep(&root), ==, 0);
	CHECK(access(place(WEFT__STORE_FOLDER), F_OK) < 0);
}

CHECK_MAIN()
