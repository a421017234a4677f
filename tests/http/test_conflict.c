/*
 * test_conflict.c - what happens to a name that is taken: by PUT, COPY, MOVE and tus it is refused,
 * replaced, or another is found; and the uploads that an asker has not finished.
 */
#include "io/place.h"
#include "site.h"
#include "weft/files.h"

static struct weft_http_files *files;

/* By the field User: "ann" may all, "bob" reads and writes new files, else a stranger who may all.
 */
static int visitor(
	struct weft_http_request *request, struct weft_files_visitor *ret_visitor, void *arg)
{
	struct weft_http_text user = weft_http_request_field(request, "User");

	(void)arg;
	*ret_visitor = (struct weft_files_visitor){.rights = WEFT_FILES_ALL};
	if (user.len == 3 && memcmp(user.data, "ann", 3) == 0) {
		ret_visitor->name = "ann";
	} else if (user.len == 3 && memcmp(user.data, "bob", 3) == 0) {
		ret_visitor->name = "bob";
		ret_visitor->rights = WEFT_FILES_READ | WEFT_FILES_LIST | WEFT_FILES_WRITE;
	}
	return 0;
}

static void open_house(bool may_overwrite)
{
	const struct weft_http_files_options options = {.allow_upload = true,
		.allow_change = true,
		.allow_overwrite = may_overwrite,
		.visitor = visitor};

	CHECK_INT(mkdir(place("sub"), 0755), ==, 0);
	place_write("sub/in", "in it");
	place_write("a b.txt", "old");
	place_write("c", "other");
	files = weft_http_files_new(place_dir, &options);
	CHECK(files != NULL);
	site.options.arg = files;
	site_open(weft_http_files_service_for(files));
}

static void shut(void)
{
	site_close();
	weft_http_files_free(files);
}

static const char *asked(const char *user, const char *what, const char *fields, const char *body)
{
	static char head[3000];

	snprintf(head, sizeof(head),
		"%s HTTP/1.1\r\nHost: x\r\nUser: %s\r\nConnection: close\r\n%s"
		"Content-Length: %zu\r\n\r\n%s",
		what, user, fields, strlen(body), body);
	return ask(head);
}

#define ANSWER(user, what, fields, body, part)                                   \
	do {                                                                     \
		const char *answer_ = asked(user, what, fields, body);           \
		if (!has(answer_, part))                                         \
			check_fail(__FILE__, __LINE__, "%s: %s", what, answer_); \
	} while (0)

CHECK_CASE(a_put_is_refused_replaces_or_has_another_name)
{
	open_house(false);
	ANSWER("ann", "PUT /a%20b.txt", "If-None-Match: *\r\n", "new", " 412 ");
	ANSWER("ann", "PUT /a%20b.txt", "", "new", " 409 ");
	ANSWER("bob", "PUT /a%20b.txt", "If-Match: *\r\n", "new", " 403 ");
	CHECK_STR(place_read("a b.txt"), "old");
	ANSWER("bob", "PUT /a%20b.txt?unique", "", "new", "\r\nLocation: /a%20b%20%282%29.txt\r\n");
	ANSWER("bob", "PUT /a%20b.txt?unique", "", "newer", " 201 ");
	CHECK_STR(place_read("a b.txt"), "old");
	CHECK_STR(place_read("a b (2).txt"), "new");
	CHECK_STR(place_read("a b (3).txt"), "newer");
	ANSWER("bob", "PUT /sub?unique", "", "file", "\r\nLocation: /sub%20%282%29\r\n");
	ANSWER("bob", "PUT /none/x?unique", "", "file", " 409 ");
	ANSWER("bob", "PUT /.x?unique", "", "file", " 403 ");
	ANSWER("ann", "PUT /a%20b.txt", "If-Match: *\r\n", "new", " 204 ");
	CHECK_STR(place_read("a b.txt"), "new");
	/* Where nothing has the name, it has that. */
	ANSWER("bob", "PUT /fresh?unique", "", "file", "\r\nLocation: /fresh\r\n");
	shut();
}

CHECK_CASE(a_copy_leaves_what_it_is_of_and_a_move_does_not)
{
	open_house(true);
	ANSWER("ann", "COPY /c", "Destination: /a%20b.txt\r\nOverwrite: F\r\n", "", " 412 ");
	ANSWER("ann", "MOVE /c", "Destination: /a%20b.txt\r\nOverwrite: F\r\n", "", " 412 ");
	CHECK_STR(place_read("a b.txt"), "old");
	ANSWER("ann", "COPY /c?unique", "Destination: /a%20b.txt\r\n", "",
		"\r\nLocation: /a%20b%20%282%29.txt\r\n");
	ANSWER("ann", "COPY /c?unique", "Destination: /c\r\n", "",
		"\r\nLocation: /c%20%282%29\r\n");
	ANSWER("ann", "COPY /c", "Destination: /c\r\n", "", " 403 ");
	ANSWER("ann", "COPY /c", "Destination: /a%20b.txt\r\n", "", " 204 ");
	CHECK_STR(place_read("a b.txt"), "other");
	CHECK_STR(place_read("c"), "other");
	ANSWER("bob", "COPY /c", "Destination: /a%20b.txt\r\n", "", " 403 ");
	ANSWER("ann", "COPY /none", "Destination: /x\r\n", "", " 404 ");
	ANSWER("ann", "COPY /c", "Destination: http://other/x\r\n", "", " 502 ");
	ANSWER("ann", "COPY /c", "", "", " 400 ");
	ANSWER("ann", "COPY /c", "Destination: /x\r\nOrigin: http://evil\r\n", "", " 403 ");
	ANSWER("ann", "COPY /c", "Destination: /none/x\r\n", "", " 409 ");
	ANSWER("ann", "MOVE /c?unique", "Destination: /sub/in\r\n", "",
		"\r\nLocation: /sub/in%20%282%29\r\n");
	CHECK_STR(place_read("sub/in (2)"), "other");
	shut();
}

CHECK_CASE(a_folder_is_copied_with_all_in_it_or_bare)
{
	open_house(false);
	ANSWER("ann", "COPY /sub/", "Destination: /new/\r\n", "", "\r\nLocation: /new/\r\n");
	CHECK_STR(place_read("new/in"), "in it");
	ANSWER("ann", "COPY /sub/", "Destination: /new/\r\nOverwrite: F\r\n", "", " 412 ");
	ANSWER("ann", "COPY /sub/", "Destination: /new/\r\n", "", " 403 ");
	ANSWER("ann", "COPY /sub/?unique", "Destination: /new\r\n", "",
		"\r\nLocation: /new%20%282%29/\r\n");
	ANSWER("ann", "COPY /sub/", "Destination: /sub/sub\r\n", "", " 409 ");
	ANSWER("ann", "COPY /sub/", "Destination: /bare\r\nDepth: 0\r\n", "", " 201 ");
	CHECK_INT(rmdir(place("bare")), ==, 0);
	ANSWER("ann", "COPY /sub/", "Destination: /x\r\nDepth: Infinity\r\n", "", " 201 ");
	ANSWER("ann", "COPY /sub/", "Destination: /y\r\nDepth: 1\r\n", "", " 400 ");
	ANSWER("ann", "COPY /", "Destination: /y\r\n", "", " 403 ");
	shut();
}

/* ---- tus
 * ------------------------------------------------------------------------------------------ */

#define TUS   "Tus-Resumable: 1.0.0\r\n"
#define A_B   "Upload-Metadata: filename YSBiLnR4dA==" /* a b.txt */
#define BYTES "Content-Type: application/offset+octet-stream\r\n"

/* Whole at once, with these metadata more. */
static const char *create(const char *user, const char *metadata, const char *body)
{
	char fields[1000];

	snprintf(fields, sizeof(fields), TUS BYTES "Upload-Length: %zu\r\n" A_B "%s\r\n",
		strlen(body), metadata);
	return asked(user, "POST /.tus/", fields, body);
}

#define REFUSE  ", conflict cmVmdXNl"
#define REPLACE ", conflict cmVwbGFjZQ=="
#define UNIQUE  ", conflict dW5pcXVl"

CHECK_CASE(an_upload_says_at_its_beginning_what_is_to_happen)
{
	static const struct {
		bool may_overwrite;
		const char *user, *metadata, *part, *content;
	} rows[] = {{false, "ann", "", " 403 ", "old"}, {true, "ann", "", " 201 ", "new"},
		{false, "ann", REFUSE, " 409 ", "old"}, {true, "ann", REFUSE, " 409 ", "old"},
		{false, "ann", REPLACE, " 201 ", "new"}, {false, "bob", REPLACE, " 403 ", "old"},
		{true, "ann", UNIQUE, "\r\nContent-Location: /a%20b%20%282%29.txt\r\n", "old"},
		{true, "bob", UNIQUE, "\r\nContent-Location: /a%20b%20%282%29.txt\r\n", "old"},
		{true, "ann", ", conflict", " 400 ", "old"},
		{true, "ann", ", conflict !!!", " 400 ", "old"},
		{true, "ann", ", conflict bm8=", " 400 ", "old"},
		{true, "ann", ", conflict dW5pcXVldW5pcXVldW5pcXVldW5pcXVl", " 400 ", "old"}};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const char *answer;

		open_house(rows[i].may_overwrite);
		answer = create(rows[i].user, rows[i].metadata, "new");
		if (!has(answer, rows[i].part))
			check_fail(__FILE__, __LINE__, "%zu: %s", i, answer);
		CHECK_STR(place_read("a b.txt"), rows[i].content);
		shut();
		place_forget();
	}
}

CHECK_CASE(what_is_taken_meanwhile_is_found_at_the_end)
{
	char address[100], what[200];
	const char *answer, *at;

	open_house(false);
	CHECK_INT(unlink(place("a b.txt")), ==, 0);
	answer = asked("ann", "POST /sub/", TUS "Upload-Length: 3\r\n" A_B UNIQUE "\r\n", "");
	at = strstr(answer, "\r\nLocation: ");
	CHECK(at != NULL);
	CHECK_INT(sscanf(at, "\r\nLocation: %99[^\r\n]", address), ==, 1);
	place_write("sub/a b.txt", "faster");
	ANSWER("ann", "GET /.tus/", "", "",
		"\"path\": \"sub/a b.txt\", \"name\": \"a b.txt\", \"size\": 3, \"offset\": 0, "
		"\"expires\": ");
	ANSWER("ann", "GET /.tus/", "", "", address);
	ANSWER("ann", "GET /.tus/", "", "", "\"is_busy\": false}\n]}");
	ANSWER("ann", "GET /.tus/", "", "", "\r\nCache-Control: no-store\r\n");
	ANSWER("bob", "GET /.tus/", "", "", "{\"items\": [\n]}");
	ANSWER("x", "GET /.tus/", "", "", "{\"items\": [\n]}");
	snprintf(what, sizeof(what), "PATCH %s", address);
	ANSWER("ann", what, TUS BYTES "Upload-Offset: 0\r\n", "new",
		"\r\nContent-Location: /sub/a%20b%20%282%29.txt\r\n");
	CHECK_STR(place_read("sub/a b.txt"), "faster");
	CHECK_STR(place_read("sub/a b (2).txt"), "new");
	ANSWER("ann", "GET /.tus/", "", "", "{\"items\": [\n]}");
	shut();
}

CHECK_MAIN()
