/*
 * test_cache.c - tests src/http/cache.c: what is kept of open files, and what has to go.
 */
#include "http/cache.h"

#include <fcntl.h>
#include <unistd.h>

#include "check.h"
#include "http/limits.h"
#include "io/place.h"

/* Longer ago than any look: a file is then looked at anew. */
#define LATER INT64_MAX

static struct weft__root root;

static struct weft__http_cache *make_cache(void)
{
	struct weft__http_cache *cache;

	root.fd = open(place("."), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	CHECK(root.fd >= 0);
	cache = weft__http_cache_new(&root);
	CHECK(cache != NULL);
	return cache;
}

/* Write a file of that size, open it and have it kept. */
static struct weft__http_file *keep_sized(
	struct weft__http_cache *cache, const char *name, off_t size)
{
	struct weft__http_facts facts = {.type = "text/plain"};
	struct weft__http_source source = {.facts = &facts};
	struct weft__http_file *file;

	place_write(name, "content");
	CHECK(truncate(place(name), size) == 0);
	usleep(60000); /* what has just changed is not believed */
	weft_str_init(&facts.more, 1);
	source.fd = weft__root_open(&root, name, &source.stat);
	CHECK(source.fd >= 0);
	file = weft__http_file_new(&source);
	CHECK(file != NULL);
	weft__http_cache_put(cache, name, name, file);
	weft__http_file_release(file);
	return file;
}

static struct weft__http_file *keep(struct weft__http_cache *cache, const char *name)
{
	return keep_sized(cache, name, 7);
}

static bool is_kept(struct weft__http_cache *cache, const char *name)
{
	struct weft__http_file *file = weft__http_cache_get(cache, name, LATER);

	weft__http_file_release(file);
	return file != NULL;
}

CHECK_CASE(forms_that_a_file_gets_count_and_the_oldest_goes_for_them)
{
	struct weft__http_cache *cache = make_cache();
	struct weft__http_file *last;

	keep(cache, "a");
	keep(cache, "b");
	last = keep(cache, "c");
	CHECK(is_kept(cache, "a")); /* so that b is the oldest */
	last->forms_bytes = WEFT__HTTP_CACHE_BYTES_MAX - 2 * last->text_len - 1;
	weft__http_cache_recount(cache, "c", last);
	CHECK(!is_kept(cache, "b"));
	CHECK(is_kept(cache, "a") && is_kept(cache, "c"));
	last->forms_bytes = WEFT__HTTP_CACHE_BYTES_MAX + 1;
	weft__http_cache_recount(cache, "c", last);
	CHECK(!is_kept(cache, "a") && !is_kept(cache, "c"));
	/* What they took is free again. */
	last = keep(cache, "d");
	last->forms_bytes = WEFT__HTTP_CACHE_BYTES_MAX - last->text_len;
	weft__http_cache_recount(cache, "d", last);
	CHECK(is_kept(cache, "d"));
	weft__http_cache_free(cache);
	close(root.fd);
}

CHECK_CASE(open_files_hold_so_much_of_the_disk_and_no_more)
{
	struct weft__http_cache *cache = make_cache();

	keep_sized(cache, "a", WEFT__HTTP_CACHE_HELD_MAX / 2);
	keep_sized(cache, "b", WEFT__HTTP_CACHE_HELD_MAX / 2);
	CHECK(is_kept(cache, "b") && is_kept(cache, "a"));
	keep_sized(cache, "c", WEFT__HTTP_CACHE_HELD_MAX / 2);
	CHECK(!is_kept(cache, "b") && is_kept(cache, "a") && is_kept(cache, "c"));
	weft__http_cache_forget(cache, "a");
	keep_sized(cache, "b", WEFT__HTTP_CACHE_HELD_MAX / 2);
	CHECK(is_kept(cache, "b") && is_kept(cache, "c"));
	/* One that is too large takes no other's place. */
	keep_sized(cache, "large", WEFT__HTTP_CACHE_HELD_MAX + 1);
	CHECK(!is_kept(cache, "large") && is_kept(cache, "b") && is_kept(cache, "c"));
	weft__http_cache_free(cache);
	close(root.fd);
}

CHECK_CASE(a_file_that_is_kept_no_more_counts_for_nothing)
{
	struct weft__http_cache *cache = make_cache();
	struct weft__http_file *file = keep(cache, "a");

	CHECK(weft__http_cache_get(cache, "a", LATER) == file);
	weft__http_cache_forget(cache, "a");
	weft__http_cache_forget(cache, "a");
	CHECK(!is_kept(cache, "a"));
	keep(cache, "a"); /* another of that name */
	file->forms_bytes = WEFT__HTTP_CACHE_BYTES_MAX + 1;
	weft__http_cache_recount(cache, "a", file);
	weft__http_cache_recount(cache, "none", file);
	CHECK(is_kept(cache, "a"));
	weft__http_file_release(file);
	weft__http_cache_free(cache);
	close(root.fd);
}

static bool is_found(
	struct weft__http_cache *cache, struct weft_http_request *request, const char *path)
{
	struct weft__http_file *file = weft__http_cache_find(cache, request, path);

	weft__http_file_release(file);
	return file != NULL;
}

CHECK_CASE(what_a_repeated_request_has_found_is_not_believed_once_entries_have_gone)
{
	struct weft__http_cache *cache = make_cache(), *other;
	struct weft_http_request request = {.arrived_ns = LATER};
	struct weft__http_file *second;

	keep(cache, "a");
	second = keep(cache, "b");
	CHECK(is_found(cache, &request, "a") && is_found(cache, &request, "a"));
	weft__http_cache_forget(cache, "a");
	CHECK(!is_found(cache, &request, "a"));
	keep(cache, "a");
	CHECK(is_found(cache, &request, "a"));
	unlink(place("a"));
	CHECK(!is_found(cache, &request, "a"));
	/* Below another prefix the same head is of another path. */
	keep(cache, "a");
	CHECK(is_found(cache, &request, "a"));
	request.prefix_len = 1;
	CHECK(weft__http_cache_find(cache, &request, "b") == second);
	weft__http_file_release(second);
	/* Another cache in the same place has other entries. */
	weft__http_cache_free(cache);
	other = weft__http_cache_new(&root);
	request.finding.keeper = other;
	CHECK(!is_found(other, &request, "b"));
	weft__http_cache_free(other);
	close(root.fd);
}

CHECK_MAIN()
