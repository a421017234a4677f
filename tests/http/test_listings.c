/*
 * test_listings.c - tests src/http/listings.c: what is kept of listings, for how long it is
 * believed, and what is answered with it.
 */
#include "http/listings.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "http/limits.h"
#include "http/site.h"
#include "io/place.h"

#define HOUR_NS WEFT_SECONDS(3600)

/** So many names make a page that no socket's buffers hold a hundred times. */
#define MANY 300

static const uint8_t secret[16] = "0123456789abcdef";
static struct weft__siphash_key key;
static atomic_uint jobs;
static struct weft__root root;
static struct weft__http_listings *listings;

static int list(struct weft_http_request *request, struct weft_http_response *response, void *arg)
{
	struct weft__http_listing_source source = {
		.root = &root, .path = weft_http_request_path(request) + 1};
	struct stat stat;

	(void)arg;
	source.fd = weft__root_open(&root, source.path, &stat);
	return source.fd < 0 ? 404 : weft__http_listing_send(listings, response, &source);
}

/* A server that lists the place. */
/* Of the file system's clock, which goes by ticks: what changes now has another time than before.
 */
static void await_tick(void)
{
	struct timespec before, now;

	clock_gettime(CLOCK_REALTIME_COARSE, &before);
	do {
		usleep(20000);
		clock_gettime(CLOCK_REALTIME_COARSE, &now);
	} while (now.tv_sec == before.tv_sec && now.tv_nsec == before.tv_nsec);
}

static void open_listings(struct weft__http_listings_options options)
{
	static const struct weft_http_service service = {.on_get = list};

	key = weft__siphash_key(secret);
	options.key = &key;
	options.jobs = &jobs;
	options.jobs_max = 1;
	listings = weft__http_listings_new(&options);
	CHECK(listings != NULL);
	root.fd = open(place("."), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	CHECK(root.fd >= 0);
	await_tick();
	site.workers = 1;
	site_open(&service);
}

static void close_listings(void)
{
	site_close();
	weft__http_listings_free(listings);
	close(root.fd);
}

#define ASK_END "Host: x\r\nConnection: close\r\n\r\n"

static const char *ask_with(const char *target, const char *fields)
{
	char request[512];

	snprintf(request, sizeof(request), "GET %s HTTP/1.1\r\n%s" ASK_END, target, fields);
	return ask(request);
}

static const char *list_json(void)
{
	return ask_with("/", "Accept: application/json\r\n");
}

static void expect_tally(unsigned reads, unsigned pages)
{
	struct weft__http_listings_tally tally = weft__http_listings_tally(listings);

	CHECK_INT(tally.reads, ==, reads);
	CHECK_INT(tally.pages, ==, pages);
}

CHECK_CASE(a_listing_is_made_once_while_it_is_believed_and_anew_when_a_name_comes_or_goes)
{
	place_write("a", "12345");
	open_listings((struct weft__http_listings_options){.believe_ns = HOUR_NS, .settle_ns = 1});
	CHECK(has(list_json(), "\"size\": 5,"));
	place_write("a", "123456");
	CHECK(has(list_json(), "\"size\": 5,"));
	expect_tally(1, 1);
	place_write("b", "");
	CHECK(has(list_json(), "\"name\": \"b\""));
	expect_tally(2, 2);
	await_tick();
	CHECK(has(list_json(), "\"size\": 6,"));
	CHECK_INT(unlink(place("b")), ==, 0);
	CHECK(!has(list_json(), "\"name\": \"b\""));
	/* Another order, and another form, are of their own. */
	CHECK(has(ask_with("/?sort=size", "Accept: application/json\r\n"), "\"sort\": \"size\""));
	CHECK(has(ask_with("/", ""), "<html"));
	close_listings();
}

CHECK_CASE(what_is_not_believed_any_more_is_looked_at_and_made_anew_only_if_it_differs)
{
	place_write("a", "12345");
	open_listings((struct weft__http_listings_options){.believe_ns = 1, .settle_ns = 1});
	CHECK(has(list_json(), "\"size\": 5,"));
	CHECK(has(list_json(), "\"size\": 5,"));
	expect_tally(2, 1);
	place_write("a", "123456");
	CHECK(has(list_json(), "\"size\": 6,"));
	expect_tally(3, 2);
	close_listings();
}

CHECK_CASE(a_folder_that_has_just_changed_is_not_believed)
{
	place_write("a", "12345");
	open_listings(
		(struct weft__http_listings_options){.believe_ns = HOUR_NS, .settle_ns = HOUR_NS});
	CHECK(has(list_json(), "\"size\": 5,"));
	place_write("a", "123456");
	CHECK(has(list_json(), "\"size\": 6,"));
	expect_tally(2, 2);
	close_listings();
}

/* The tag of an answer. */
static void copy_tag(const char *answer, char ret_tag[64])
{
	const char *tag = strstr(answer, "ETag: ");

	CHECK(tag && sscanf(tag, "ETag: %63[^\r]", ret_tag) == 1);
	CHECK(strncmp(ret_tag, "W/\"", 3) == 0);
}

CHECK_CASE(who_has_the_listing_already_is_told_so_by_its_weak_tag)
{
	char tag[64], other[64], fields[256];
	const char *answer;

	place_write("a", "12345");
	open_listings((struct weft__http_listings_options){.believe_ns = 1, .settle_ns = 1});
	copy_tag(ask_with("/", ""), tag);
	copy_tag(ask_with("/?sort=size", ""), other);
	CHECK(strcmp(tag, other) != 0);
	copy_tag(list_json(), other);
	CHECK(strcmp(tag, other) != 0);
	snprintf(fields, sizeof(fields), "If-None-Match: \"x\", %s\r\n", tag);
	answer = ask_with("/", fields);
	CHECK(has(answer, " 304 ") && has(answer, tag) && has(answer, "Vary: Accept, Accept-Enc"));
	CHECK(has(answer, "Cache-Control: no-cache") && !has(answer, "<html"));
	/* A listing has no date; and a weak tag is no match for If-Match. */
	CHECK(has(ask_with("/", "If-Modified-Since: Mon, 01 Jan 2035 00:00:00 GMT\r\n"), " 200 "));
	CHECK(has(
		ask_with("/", "If-Unmodified-Since: Mon, 01 Jan 2001 00:00:00 GMT\r\n"), " 200 "));
	snprintf(fields, sizeof(fields), "If-Match: %s\r\n", tag);
	CHECK(has(ask_with("/", fields), " 412 "));
	place_write("a", "123456");
	snprintf(fields, sizeof(fields), "If-None-Match: %s\r\n", tag);
	CHECK(has(ask_with("/", fields), " 200 "));
	close_listings();
}

#if defined(WEFT_HAS_ZLIB)
#define GZIP_NAME "gzip"
#else
#define GZIP_NAME NULL
#endif

CHECK_CASE(a_listing_is_compressed_for_who_takes_that_and_only_then)
{
	const char *answer;

	place_write("a", "12345");
	open_listings((struct weft__http_listings_options){
		.believe_ns = HOUR_NS, .settle_ns = 1, .may_compress = true});
	answer = ask_with("/", "");
	CHECK(has(answer, "Vary: Accept, Accept-Encoding\r\n") && has(answer, "</html>"));
	CHECK(!has(answer, "Content-Encoding"));
	for (int i = 0; GZIP_NAME && i < 2; i++) {
		answer = ask_with("/", "Accept-Encoding: gzip\r\n");
		CHECK(has(answer, "Content-Encoding: gzip\r\n") && !has(answer, "<html"));
	}
	/* One that is short is not worth it. */
	answer = ask_with("/", "Accept: application/json\r\nAccept-Encoding: gzip\r\n");
	CHECK(has(answer, "Vary: Accept, Accept-Encoding\r\n") && has(answer, "\"entries\""));
	CHECK(has(ask_with("/", "Accept: application/json\r\nAccept-Encoding: identity;q=0\r\n"),
		" 406 "));
	expect_tally(2, 2);
	close_listings();
}

CHECK_CASE(of_a_crowd_one_looks)
{
	int peers[16];

	place_write("a", "12345");
	open_listings((struct weft__http_listings_options){.believe_ns = HOUR_NS, .settle_ns = 1});
	for (size_t i = 0; i < 16; i++)
		peers[i] = visit();
	for (size_t i = 0; i < 16; i++)
		say(peers[i], "GET / HTTP/1.1\r\n" ASK_END);
	for (size_t i = 0; i < 16; i++)
		CHECK(has(hear_all(peers[i]), "</html>"));
	expect_tally(1, 1);
	close_listings();
}

static const char *folder_name(unsigned i)
{
	static char name[16];

	snprintf(name, sizeof(name), "%u", i);
	return name;
}

CHECK_CASE(so_many_listings_are_kept_and_the_one_used_last_stays)
{
	char target[24];

	for (unsigned i = 0; i <= WEFT__HTTP_LISTINGS_MAX; i++)
		CHECK_INT(mkdir(place(folder_name(i)), 0700), ==, 0);
	open_listings((struct weft__http_listings_options){.believe_ns = HOUR_NS, .settle_ns = 1});
	for (unsigned i = 0; i <= WEFT__HTTP_LISTINGS_MAX; i++) {
		snprintf(target, sizeof(target), "/%u/", i);
		CHECK(has(ask_with(target, ""), " 200 "));
		CHECK(has(ask_with("/0/", ""), " 200 "));
	}
	expect_tally(WEFT__HTTP_LISTINGS_MAX + 1, WEFT__HTTP_LISTINGS_MAX + 1);
	CHECK(has(ask_with("/1/", ""), " 200 "));
	expect_tally(WEFT__HTTP_LISTINGS_MAX + 2, WEFT__HTTP_LISTINGS_MAX + 2);
	close_listings();
}

CHECK_CASE(what_slow_readers_hold_is_bounded)
{
	char name[32];
	int peer;

	for (unsigned i = 0; i < MANY; i++) {
		snprintf(name, sizeof(name), "a name that is a bit long %u", i);
		place_write(name, "");
	}
	CHECK_INT(mkdir(place("0"), 0700), ==, 0);
	open_listings((struct weft__http_listings_options){
		.believe_ns = HOUR_NS, .settle_ns = 1, .alive_max = 1});
	CHECK(has(ask_with("/", ""), " 200 "));
	CHECK(has(ask_with("/0/", ""), " 200 ")); /* what is only kept goes for it */
	peer = visit();
	for (unsigned i = 0; i < 100; i++)
		say(peer, "GET / HTTP/1.1\r\nHost: x\r\n\r\n");
	while (!has(ask_with("/0/", ""), " 503 ")) /* or the case's time ends */
		usleep(1000);
	CHECK(has(ask_with("/0/", ""), "Retry-After: 1\r\n"));
	close(peer);
	while (!has(ask_with("/0/", ""), " 200 "))
		usleep(1000);
	close_listings();
}

CHECK_MAIN()
