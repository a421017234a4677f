/*
 * test_trash.c - the trash of a shared folder over HTTP; what a listing and "?about" say of the
 * asker's rights and quota; archives of some names; all for visitors with rights of their own.
 */
#include "io/place.h"
#include "site.h"
#include "weft/files.h"

static struct weft_http_files *files;
static struct weft_files *engine;

static int quota(void *arg, int64_t *ret_used, int64_t *ret_max)
{
	(void)arg;
	*ret_used = 12;
	*ret_max = 1000;
	return 0;
}

/* By the field User: "ann" may all but manage, "bob" reads, "host" manages, else a stranger. */
static int visitor(
	struct weft_http_request *request, struct weft_files_visitor *ret_visitor, void *arg)
{
	struct weft_http_text user = weft_http_request_field(request, "User");

	(void)arg;
	*ret_visitor = (struct weft_files_visitor){.rights = WEFT_FILES_ALL & ~WEFT_FILES_MANAGE};
	if (user.len == 3 && memcmp(user.data, "ann", 3) == 0) {
		ret_visitor->name = "ann";
		ret_visitor->quota = quota;
	} else if (user.len == 3 && memcmp(user.data, "bob", 3) == 0) {
		ret_visitor->name = "bob";
		ret_visitor->rights = WEFT_FILES_READ | WEFT_FILES_LIST;
	} else if (user.len == 4 && memcmp(user.data, "host", 4) == 0) {
		ret_visitor->name = "host";
		ret_visitor->rights = WEFT_FILES_ALL;
	}
	return 0;
}

static void open_house(int64_t keep_ns)
{
	const struct weft_files_options of_engine = {.trash_keep_ns = keep_ns};
	struct weft_http_files_options options = {
		.allow_upload = true, .allow_change = true, .visitor = visitor};

	CHECK_INT(mkdir(place("sub"), 0755), ==, 0);
	CHECK_INT(mkdir(place("sub/deep"), 0755), ==, 0);
	place_write("sub/deep/a", "deep");
	place_write("sub/b", "bytes");
	place_write("a\"<.txt", "odd");
	place_write("top", "on top");
	engine = weft_files_new(place_dir, &of_engine);
	CHECK(engine != NULL);
	options.engine = engine;
	files = weft_http_files_new(place_dir, &options);
	CHECK(files != NULL);
	site.options.arg = files;
	site_open(weft_http_files_service_for(files));
}

static void shut(void)
{
	site_close();
	weft_http_files_free(files);
	weft_files_free(engine);
}

static const char *asked(const char *user, const char *what, const char *rest)
{
	static char head[3000];

	snprintf(head, sizeof(head),
		"%s HTTP/1.1\r\nHost: x\r\nUser: %s\r\nAccept: application/json\r\n"
		"Connection: close\r\n%s",
		what, user, rest);
	return ask(head);
}

#define ANSWER(user, what, part)                                                             \
	do {                                                                                 \
		const char *answer_ = asked(user, what, "\r\n");                             \
		if (!has(answer_, part))                                                     \
			check_fail(__FILE__, __LINE__, "%s to %s: %s", what, user, answer_); \
	} while (0)

/* The id that an answer tells. */
static const char *id_in(const char *answer)
{
	static char ids[4][33];
	static unsigned next;
	char *id = ids[next++ % 4];
	const char *at = strstr(answer, "\"id\": \"");

	CHECK(at != NULL);
	snprintf(id, 33, "%s", at + 7);
	return id;
}

static const char *of(const char *method, const char *id, const char *query)
{
	static char what[200];

	snprintf(what, sizeof(what), "%s /.trash/%s%s", method, id, query);
	return what;
}

/* ---- The trash ----------------------------------------------------------------------------------
 */

CHECK_CASE(what_is_removed_is_told_and_comes_back)
{
	const char *answer, *id;

	open_house(0);
	answer = asked("ann", "DELETE /sub/?trash", "\r\n");
	CHECK(has(answer, " 200 ") && has(answer, "\"path\": \"sub\", \"name\": \"sub\""));
	CHECK(has(answer, "\r\nCache-Control: no-store\r\n"));
	id = id_in(answer);
	ANSWER("ann", "GET /sub/", " 404 ");
	ANSWER("ann", "GET /.trash/",
		"\"path\": \"sub\", \"name\": \"sub\", \"is_dir\": true, \"size\": 9, \"count\": "
		"2, ");
	ANSWER("ann", "GET /.trash", "\"is_mine\": true, \"by\": \"ann\"}");
	ANSWER("ann", "GET /.trash/", "\"keep_days\": 30");
	ANSWER("ann", "GET /.trash/", "], \"is_complete\": true}");
	ANSWER("ann", "HEAD /.trash/", " 200 ");
	ANSWER("bob", "GET /.trash/", "\"items\": [\n]");
	ANSWER("x", "GET /.trash/", "\"items\": [\n]");
	ANSWER("host", "GET /.trash/", "\"is_mine\": false, \"by\": \"ann\"}");
	ANSWER("bob", of("POST", id, ""), " 404 ");
	ANSWER("ann", of("POST", id, ""), "{\"path\": \"sub\"}");
	ANSWER("ann", of("POST", id, ""), " 404 ");
	ANSWER("ann", "GET /sub/deep/a", "deep");
	shut();
}

CHECK_CASE(a_name_that_is_taken_is_409_or_another)
{
	const char *id;

	open_house(0);
	id = id_in(asked("ann", "DELETE /top?trash", "\r\n"));
	place_write("top", "another");
	ANSWER("ann", of("POST", id, ""), " 409 ");
	ANSWER("ann", of("POST", id, "?to=/sub/b"), " 409 ");
	ANSWER("ann", of("POST", id, "?to=/sub/.x"), " 403 ");
	ANSWER("ann", of("POST", id, "?to=/../x"), " 400 ");
	ANSWER("ann", of("POST", id, "?to=%00"), " 400 ");
	ANSWER("ann", of("POST", id, "?unique"), "{\"path\": \"top (2)\"}");
	CHECK_STR(place_read("top"), "another");
	CHECK_STR(place_read("top (2)"), "on top");
	id = id_in(asked("ann", "DELETE /top?trash", "\r\n"));
	ANSWER("ann", of("POST", id, "?to=/new/er/t%20op"), "{\"path\": \"new/er/t op\"}");
	CHECK_STR(place_read("new/er/t op"), "another");
	/* A file is where a folder was. */
	id = id_in(asked("ann", "DELETE /new/er/t%20op?trash", "\r\n"));
	CHECK_INT(rmdir(place("new/er")), ==, 0);
	place_write("new/er", "file");
	ANSWER("ann", of("POST", id, ""), " 409 ");
	shut();
}

CHECK_CASE(gone_for_good_is_by_its_own_or_who_manages)
{
	const char *of_ann, *of_stranger;

	open_house(0);
	of_ann = id_in(asked("ann", "DELETE /top?trash", "\r\n"));
	of_stranger = id_in(asked("x", "DELETE /sub?trash", "\r\n"));
	ANSWER("x", of("DELETE", of_ann, ""), " 404 ");
	ANSWER("bob", of("DELETE", of_ann, ""), " 404 ");
	ANSWER("ann", of("DELETE", of_stranger, ""), " 404 ");
	ANSWER("x", "DELETE /.trash/", " 204 ");
	ANSWER("host", "GET /.trash/", of_stranger);
	ANSWER("ann", "DELETE /.trash/", " 204 ");
	CHECK(!has(asked("host", "GET /.trash/", "\r\n"), of_ann));
	ANSWER("host", of("DELETE", of_stranger, ""), " 204 ");
	ANSWER("host", "GET /.trash/", "\"items\": [\n]");
	shut();
}

CHECK_CASE(what_is_asked_in_another_way_is_refused)
{
	static const char *const ids[] = {"x", "..", "%2e%2e", "00000000000000000000000000000000",
		"00000000000000000000000000000000/", "0123456789abcdef0123456789abcdef0", "%00",
		"0123456789ABCDEF0123456789ABCDEF", "a/b", "t-0123456789abcdef0123456789abcdef"};
	char what[200];

	open_house(0);
	for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++) {
		bool is_bad = strchr(ids[i], '%') || strcmp(ids[i], "..") == 0;

		snprintf(what, sizeof(what), "POST /.trash/%s", ids[i]);
		ANSWER("host", what, is_bad ? " 400 " : " 404 ");
		snprintf(what, sizeof(what), "DELETE /.trash/%s", ids[i]);
		ANSWER("host", what, is_bad ? " 400 " : " 404 ");
	}
	ANSWER("ann", "POST /.trash/", " 405 ");
	ANSWER("ann", "POST /.trash/", "\r\nAllow: GET, HEAD, DELETE, OPTIONS\r\n");
	ANSWER("ann", "GET /.trash/x", "\r\nAllow: POST, DELETE, OPTIONS\r\n");
	ANSWER("ann", "PUT /.trash/x", " 403 ");
	ANSWER("ann", "GET /.trashy", " 404 ");
	ANSWER("ann", "GET /.weft-trash/", " 404 ");
	ANSWER("ann", "DELETE /?trash", " 403 ");
	ANSWER("ann", "DELETE /nothing?trash", " 404 ");
	ANSWER("ann", "DELETE /top/x?trash", " 404 ");
	ANSWER("bob", "DELETE /top?trash", " 403 ");
	CHECK(has(asked("ann", "DELETE /top?trash", "If-Match: \"x\"\r\n\r\n"), " 412 "));
	CHECK(has(asked("ann", "DELETE /top?trash", "Origin: http://evil\r\n\r\n"), " 403 "));
	CHECK(has(asked("ann", "DELETE /.trash/", "Origin: http://evil\r\n\r\n"), " 403 "));
	CHECK(has(asked("ann", "POST /.trash/x", "Sec-Fetch-Site: cross-site\r\n\r\n"), " 403 "));
	CHECK_STR(place_read("top"), "on top");
	shut();
}

CHECK_CASE(a_folder_goes_for_good_only_where_all_of_it_is_meant)
{
	open_house(-1);
	ANSWER("ann", "DELETE /sub", " 409 ");
	ANSWER("bob", "DELETE /sub?all", " 403 ");
	CHECK_STR(place_read("sub/deep/a"), "deep");
	ANSWER("ann", "DELETE /sub/?all", " 204 ");
	ANSWER("ann", "GET /sub/", " 404 ");
	ANSWER("ann", "DELETE /top?all", " 204 ");
	/* There is no trash here. */
	place_write("top", "on top");
	ANSWER("ann", "DELETE /top?trash", " 409 ");
	ANSWER("ann", "GET /.trash/", " 404 ");
	ANSWER("ann", "GET /", "\"trash\": false, ");
	ANSWER("ann", "GET /?about", "\"trash\": false, \"keep_days\": 0, ");
	CHECK_STR(place_read("top"), "on top");
	shut();
}

/* ---- Rights and quota ---------------------------------------------------------------------------
 */

CHECK_CASE(a_listing_tells_the_rights_of_who_asks)
{
	char tag[100];
	const char *answer, *at;

	open_house(0);
	for (int i = 0; i < 3; i++) { /* from the disk, and kept */
		ANSWER("ann", "GET /sub/",
			"\"trash\": true, \"rights\": [\"read\", \"list\", \"write\", \"replace\", "
			"\"delete\"], \"entries\"");
		ANSWER("bob", "GET /sub/", "\"rights\": [\"read\", \"list\"], \"entries\"");
		ANSWER("host", "GET /sub/", "\"delete\", \"manage\"], \"entries\"");
	}
	/* What has another's rights is another answer. */
	answer = asked("ann", "GET /sub/", "\r\n");
	at = strstr(answer, "\r\nETag: ");
	CHECK(at != NULL);
	snprintf(tag, sizeof(tag), "If-None-Match: %.*s\r\n\r\n", (int)strcspn(at + 8, "\r"),
		at + 8);
	CHECK(has(asked("ann", "GET /sub/", tag), " 304 "));
	CHECK(has(asked("bob", "GET /sub/", tag), " 200 "));
	shut();
}

CHECK_CASE(about_tells_of_rights_and_quota_as_they_are_now)
{
	open_house(0);
	ANSWER("ann", "GET /sub/?about",
		"{\"path\": \"sub\", \"type\": \"folder\", \"rights\": [\"read\", \"list\", "
		"\"write\", "
		"\"replace\", \"delete\"], \"trash\": true, \"keep_days\": 30, \"quota\": "
		"{\"used\": "
		"12, \"max\": 1000}}");
	ANSWER("ann", "GET /?about", "\r\nCache-Control: no-store\r\n");
	ANSWER("bob", "GET /top?about", "\"type\": \"file\", \"rights\": [\"read\", \"list\"]");
	ANSWER("bob", "GET /top?about", "\"quota\": null}");
	ANSWER("ann", "GET /nothing?about", " 404 ");
	ANSWER("ann", "GET /.weft-trash?about", " 404 ");
	shut();
}

/* ---- Archives of some names
 * ---------------------------------------------------------------------- */

static const char *post(const char *user, const char *path, const char *form, const char *fields)
{
	char what[200], rest[2500];

	snprintf(what, sizeof(what), "POST %s", path);
	snprintf(rest, sizeof(rest),
		"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: "
		"%zu\r\n%s\r\n%s",
		strlen(form), fields, form);
	return asked(user, what, rest);
}

CHECK_CASE(names_of_a_form_are_checked_before_anything_is_sent)
{
	static const struct {
		const char *form, *part;
	} rows[] = {{"", " 400 "}, {"x=top", " 400 "}, {"name=", " 404 "},
		{"name=none", "There is nothing named \\\"none\\\" here."}, {"name=..", " 404 "},
		{"name=.", " 404 "}, {"name=sub/b", " 404 "}, {"name=%2Ftop", " 404 "},
		{"name=top&name=none", " 404 "}, {"name=%00", " 400 "},
		{"name=.weft-trash", " 404 "},
		{"name=%3Cb%3E", "There is nothing named \\\"<b>\\\" here."},
		{"name=%ff", "There is nothing named"}, {"name=top&name=top", " 200 "}};
	static char many[40000];

	open_house(0);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (!has(post("bob", "/?archive=tar", rows[i].form, ""), rows[i].part))
			check_fail(__FILE__, __LINE__, "%s: %s", rows[i].form,
				post("bob", "/?archive=tar", rows[i].form, ""));
	CHECK(has(post("bob", "/sub/?archive=tar", "name=b", ""), "filename=\"b.tar\""));
	CHECK(has(
		post("bob", "/sub/?archive=tar", "name=b&name=deep", ""), "filename=\"sub.tar\""));
	CHECK(has(post("bob", "/sub/?archive=rar", "name=b", ""), " 400 "));
	CHECK(has(post("bob", "/top?archive=tar", "name=b", ""), " 400 "));
	CHECK(has(post("bob", "/?archive=tar", "name=top", "Origin: http://evil\r\n"), " 403 "));
	CHECK(has(asked("bob", "POST /?archive=tar", "Content-Length: 0\r\n\r\n"), " 415 "));
	/* The same of a form in a page: a name for each, more than can be. */
	snprintf(many, sizeof(many),
		"POST /?archive=tar HTTP/1.1\r\nHost: x\r\nUser: bob\r\nConnection: close\r\n"
		"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 9009\r\n\r\n");
	for (int i = 0; i < 1001; i++)
		memcpy(many + strlen(many), "name=top&", 10);
	CHECK(has(ask(many), " 413 "));
	shut();
}

CHECK_MAIN()
