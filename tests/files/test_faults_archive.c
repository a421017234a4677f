/*
 * test_faults_archive.c - memory, descriptors and threads are refused to archives and searches: one
 * that says it is whole is, and nothing is kept of the others.
 */
#include "faults.h"

#ifdef HAS_FAULTS

#include "house.h"

static int64_t taken;

static int take(const void *data, size_t len, void *arg)
{
	(void)data, (void)arg;
	taken += (int64_t)len;
	return 0;
}

static int64_t whole[2]; /* bytes of each kind */

static int archive_both(void *arg)
{
	(void)arg;
	for (int kind = WEFT_FILES_ZIP; kind <= WEFT_FILES_TAR; kind++) {
		const struct weft_files_archive_options options = {
			.kind = (enum weft_files_archive_kind)kind, .write = take};
		int result;

		taken = 0;
		result = weft_files_archive(house, &all, "", &options);
		FAULTS_TRY(result == 0);
		if (result == 0)
			CHECK_INT(taken, ==, whole[kind]);
	}
	return 0;
}

static int found_count;

static int count(const struct weft_files_found *found, void *arg)
{
	(void)found, (void)arg;
	found_count++;
	return 0;
}

static int search(void *arg)
{
	const struct weft_files_search_options options = {.pattern = "a", .fn = count};
	int result;

	(void)arg;
	found_count = 0;
	result = weft_files_search(house, &all, "", &options);
	FAULTS_TRY(result == 0);
	if (result == 0)
		CHECK_INT(found_count, ==, 4);
	return 0;
}

static void furnish(void)
{
	house_open(NULL);
	CHECK_INT(mkdir(place("a"), 0755), ==, 0);
	place_write("a/a", "content");
	place_write("a/a\xff", "of a name that is changed");
	place_write("large-a", "");
	CHECK_INT(truncate(place("large-a"), 300000), ==, 0);
	for (int kind = 0; kind < 2; kind++) {
		const struct weft_files_archive_options options = {
			.kind = (enum weft_files_archive_kind)kind, .write = take};

		taken = 0;
		CHECK_INT(weft_files_archive(house, &all, "", &options), ==, 0);
		whole[kind] = taken;
	}
}

CHECK_CASE(an_archive_without_memory_or_descriptors_fails_and_keeps_nothing)
{
	furnish();
	CHECK_INT(faults_sweep(archive_both, NULL), >, 20);
}

CHECK_CASE(so_it_does_in_a_fiber)
{
	furnish();
	CHECK_INT(faults_sweep_in_run(archive_both), >, 20);
}

CHECK_CASE(a_search_without_memory_fails_and_keeps_nothing)
{
	furnish();
	CHECK_INT(faults_sweep(search, NULL), >, 5);
	CHECK_INT(faults_sweep_in_run(search), >, 5);
}

#else

CHECK_CASE(not_beside_a_sanitizers_allocator)
{
	check_skip("the sanitizer's allocator stands there already");
}

#endif

CHECK_MAIN()
