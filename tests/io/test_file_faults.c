/*
 * test_file_faults.c - the n-th allocation, thread or descriptor is refused, for every n,
 * while files, directories and names are used: each time a defined error, nothing lost,
 * nothing left behind.
 */
#include "faults.h"

#ifdef HAS_FAULTS

#include <dirent.h>

#include "place.h"
#include "weft/dir.h"
#include "weft/dns.h"
#include "weft/file.h"
#include "weft/scope.h"

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

static void use_file(void)
{
	struct weft_file *file = weft_file_open(place("a"), "w+");
	struct weft_file_lines lines;
	const char *line;
	char *data;

	FAULTS_TRY(file != NULL);
	if (file) {
		FAULTS_TRY(weft_file_printf(file, "one\ntwo\n") == 0);
		FAULTS_TRY(weft_file_seek(file, 0, SEEK_SET) == 0);
		FAULTS_TRY(weft_file_readline(file, &line) >= 0);
		if (weft_file_readlines(file, 100, &lines) == 0)
			weft_file_lines_fini(&lines);
		else
			CHECK(faults_is_defined(errno));
		FAULTS_TRY(weft_file_close(file) == 0);
	}
	if (weft_file_read_all(place("kept"), 100, &data) >= 0)
		free(data);
	else
		CHECK(faults_is_defined(errno));
	/* Old or new, never a part, and no name left over. */
	FAULTS_TRY(weft_file_replace(place("kept"), "new content", 11) == 0);
	faults_hold();
	CHECK(strcmp(place_read("kept"), "old") == 0 ||
		strcmp(place_read("kept"), "new content") == 0);
	faults_go_on();
}

static void use_dir(void)
{
	struct weft_dir_walk *walk;
	struct weft_dir_list list;
	struct weft_dir_step step;
	int more;

	FAULTS_TRY(weft_dir_mkdir_all(place("tree/b/c")) == 0);
	FAULTS_TRY(weft_dir_mkdir(place("tree/d")) == 0 || errno == ENOENT);
	if (weft_dir_list(place("."), WEFT_DIR_STAT, &list) == 0)
		weft_dir_list_fini(&list);
	else
		CHECK(faults_is_defined(errno));
	walk = weft_dir_walk_new(place("."), 0);
	FAULTS_TRY(walk != NULL);
	while (walk && (more = weft_dir_walk_next(walk, &step)) != 0)
		if (more < 0) {
			CHECK(faults_is_defined(errno));
			break;
		}
	weft_dir_walk_free(walk);
	FAULTS_TRY(weft_dir_remove_tree(place("tree")) == 0 || errno == ENOENT);
}

static void use_names(void)
{
	struct weft_address found[4];

	FAULTS_TRY(weft_dns_lookup("localhost", AF_INET, found, 4) >= 1);
	FAULTS_TRY(weft_dns_service_port("http", "tcp") >= 0 || errno == ENOENT);
}

static int use_all(void *arg)
{
	(void)arg;
	use_file();
	use_dir();
	use_names();
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
		atomic_store(&faults_refused, 0);
		atomic_store(&faults_left, ++n);
		if (weft_run(&one, use_all, NULL) < 0)
			CHECK(faults_is_defined(errno));
		atomic_store(&faults_left, 0);
		weft_dir_remove_tree(place("tree"));
		CHECK_INT(entries(place(".")), ==, names);
		CHECK_INT(entries("/proc/self/fd"), ==, descriptors);
	} while (atomic_load(&faults_refused));
	CHECK_INT(n, >, 40); /* it did refuse something */
}

#else

CHECK_CASE(faults_are_met_in_the_release_build_only)
{
}

#endif

CHECK_MAIN()
