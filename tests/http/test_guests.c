/*
 * test_guests.c - a shared folder whose requests have visitors: over HTTP their homes, rights and
 * quotas hold as over every other door.
 */
#include "io/place.h"
#include "site.h"
#include "weft/files.h"

static struct weft_http_files *files;
static int64_t used;

static int reserve(void *arg, int64_t bytes)
{
	(void)arg;
	errno = EDQUOT;
	return used + bytes > 10 ? -1 : 0;
}

static void settle(void *arg, int64_t reserved, int64_t is_used)
{
	(void)arg, (void)reserved;
	used += is_used;
}

/* Not below "ann/no", and only names in "ann/list". */
static unsigned rights_at(void *arg, const char *path)
{
	(void)arg;
	if (strncmp(path, "ann/no", 6) == 0)
		return 0;
	if (strncmp(path, "ann/list", 8) == 0)
		return WEFT_FILES_LIST;
	if (strncmp(path, "ann/drop", 8) == 0)
		return WEFT_FILES_WRITE;
	return WEFT_FILES_ALL;
}

/* By the field User: "ann" at home, "bob" who may read, nobody else. */
static int visitor(
	struct weft_http_request *request, struct weft_files_visitor *ret_visitor, void *arg)
{
	struct weft_http_text user = weft_http_request_field(request, "User");

	(void)arg;
	if (user.len == 3 && memcmp(user.data, "ann", 3) == 0) {
		*ret_visitor = (struct weft_files_visitor){.name = "ann",
			.home = "ann",
			.rights_at = rights_at,
			.reserve = reserve,
			.settle = settle};
		return 0;
	}
	if (user.len != 3 || memcmp(user.data, "bob", 3) != 0)
		return 404;
	*ret_visitor = (struct weft_files_visitor){
		.name = "bob", .rights = WEFT_FILES_READ | WEFT_FILES_LIST};
	return 0;
}

static void open_house(void)
{
	const struct weft_http_files_options options = {.allow_upload = true,
		.allow_overwrite = true,
		.allow_change = true,
		.visitor = visitor};
	static struct weft_http_service service;

	CHECK_INT(mkdir(place("ann"), 0755), ==, 0);
	CHECK_INT(mkdir(place("ann/no"), 0755), ==, 0);
	CHECK_INT(mkdir(place("ann/list"), 0755), ==, 0);
	CHECK_INT(mkdir(place("ann/drop"), 0755), ==, 0);
	CHECK_INT(mkdir(place("ann/index"), 0755), ==, 0);
	place_write("ann/a", "of ann");
	place_write("ann/no/x", "hidden");
	place_write("ann/list/x", "listed");
	place_write("ann/index/index.html", "indexed");
	place_write("top", "on top");
	CHECK_INT(symlink("../top", place("ann/link")), ==, 0);
	files = weft_http_files_new(place_dir, &options);
	CHECK(files != NULL);
	service = *weft_http_files_service_for(files);
	site.options.arg = files;
	site_open(&service);
}

static void shut(void)
{
	site_close();
	weft_http_files_free(files);
}

static const char *asked(const char *user, const char *what, const char *rest)
{
	static char head[500];

	snprintf(head, sizeof(head),
		"%s HTTP/1.1\r\nHost: x\r\nUser: %s\r\nConnection: close\r\n%s", what, user, rest);
	return ask(head);
}

#define GET(user, path, part) CHECK(has(asked(user, "GET " path, "\r\n"), part))
#define PUT(user, path, part) \
	CHECK(has(asked(user, "PUT " path, "Content-Length: 3\r\n\r\nnew"), part))

CHECK_CASE(each_is_at_home_and_sees_what_its_rights_say)
{
	open_house();
	for (int i = 0; i < 3; i++) { /* from the disk, and kept */
		GET("ann", "/a", "of ann");
		GET("bob", "/a", " 404 ");
		GET("bob", "/ann/a", "of ann");
		GET("bob", "/top", "on top");
		GET("ann", "/top", " 404 ");
		GET("ann", "/link", " 404 ");
		GET("eve", "/top", " 404 ");
		GET("ann", "/no/x", " 403 ");
		GET("ann", "/no/nothing", " 403 ");
		GET("ann", "/list/x", " 403 ");
		GET("bob", "/ann/list/x", "listed");
		GET("ann", "/list/", "\"./x\"");
		GET("ann", "/drop/", " 403 ");
		GET("ann", "/index/", "indexed");
		GET("ann", "/", "Add files");
		GET("ann", "/list", "./list/");
		CHECK(!has(asked("bob", "GET /ann/", "\r\n"), "Add files"));
		CHECK(!has(asked("ann", "GET /", "\r\n"), "ann/"));
	}
	shut();
}

CHECK_CASE(changes_are_within_rights_and_quota)
{
	open_house();
	PUT("ann", "/b", " 201 ");
	CHECK_STR(place_read("ann/b"), "new");
	PUT("bob", "/c", " 403 ");
	PUT("ann", "/no/c", " 403 ");
	PUT("ann", "/list/x", " 403 ");
	PUT("ann", "/drop/c", " 201 ");
	PUT("ann", "/drop/c", " 403 ");
	PUT("ann", "/c", " 201 ");
	CHECK_INT(used, ==, 9);
	PUT("ann", "/d", " 507 ");
	CHECK(has(asked("ann", "DELETE /c", "\r\n"), " 204 "));
	CHECK_INT(used, ==, 6);
	PUT("ann", "/d", " 201 ");
	CHECK(has(asked("bob", "DELETE /top", "\r\n"), " 403 "));
	CHECK(has(asked("bob", "MKCOL /f", "\r\n"), " 403 "));
	CHECK(has(asked("ann", "MKCOL /f", "\r\n"), " 201 "));
	CHECK(has(asked("ann", "MOVE /d", "Destination: /f/d\r\n\r\n"), " 201 "));
	CHECK_STR(place_read("ann/f/d"), "new");
	CHECK(has(asked("ann", "MOVE /f/d", "Destination: /list/d\r\n\r\n"), " 403 "));
	CHECK(has(asked("bob", "MOVE /top", "Destination: /t\r\n\r\n"), " 403 "));
	CHECK(has(asked("eve", "DELETE /top", "\r\n"), " 404 "));
	shut();
}

CHECK_CASE(an_engine_is_shared_with_other_doors)
{
	const struct weft_files_visitor other = {.rights = WEFT_FILES_ALL};
	struct weft_files *engine;
	struct weft_files_put *put;

	place_make();
	engine = weft_files_new(place_dir, NULL);
	CHECK(engine != NULL);
	files = weft_http_files_new(place_dir,
		&(struct weft_http_files_options){.allow_upload = true, .engine = engine});
	CHECK(files != NULL);
	site.options.arg = files;
	site_open(weft_http_files_service_for(files));
	put = weft_files_put_begin(engine, &other, "a", NULL);
	CHECK(put != NULL);
	PUT("x", "/a", " 201 ");
	CHECK_INT(weft_files_put_commit(put, NULL), <, 0);
	CHECK_STR(place_read("a"), "new");
	shut();
	weft_files_free(engine);
}

CHECK_MAIN()
