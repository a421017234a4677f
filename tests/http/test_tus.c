/*
 * test_tus.c - uploads that are gone on with by tus 1.0: its own words, what is refused, what is
 * kept of what broke off, and who may.
 */
#include <dirent.h>

#include "io/place.h"
#include "site.h"
#include "weft/files.h"

static struct weft_http_files *files;

static void open_with(struct weft_http_files_options options)
{
	static struct weft_http_service service;

	place_make();
	options.allow_upload = true;
	files = weft_http_files_new(place_dir, &options);
	CHECK(files != NULL);
	service = *weft_http_files_service_for(files);
	site.options.arg = files;
	site_open(&service);
}

static void open_house(void)
{
	open_with((struct weft_http_files_options){.upload_max = 1000});
}

static void shut(void)
{
	site_close();
	weft_http_files_free(files);
}

/* A request with the version and these fields, and a body. */
static const char *say_it(const char *what, const char *fields, const char *body)
{
	static char head[3000];

	snprintf(head, sizeof(head),
		"%s HTTP/1.1\r\nHost: x\r\nConnection: close\r\nTus-Resumable: 1.0.0\r\n%s"
		"Content-Length: %zu\r\n\r\n%s",
		what, fields, strlen(body), body);
	return ask(head);
}

#define BYTES  "Content-Type: application/offset+octet-stream\r\n"
#define NAME_A "Upload-Metadata: filename YS50eHQ=\r\n" /* a.txt */

/* Begin one; its address. */
static const char *begin(const char *at, const char *fields)
{
	static char address[100];
	char what[100];
	const char *reply, *from;

	snprintf(what, sizeof(what), "POST %s", at);
	reply = say_it(what, fields, "");
	CHECK(has(reply, " 201 "));
	from = strstr(reply, "Location: ");
	CHECK(from != NULL);
	CHECK_INT(sscanf(from, "Location: %99[^\r\n]", address), ==, 1);
	return address;
}

static const char *patch(const char *address, int offset, const char *more, const char *body)
{
	char what[200], fields[500];

	snprintf(what, sizeof(what), "PATCH %s", address);
	snprintf(fields, sizeof(fields), BYTES "Upload-Offset: %d\r\n%s", offset, more);
	return say_it(what, fields, body);
}

static const char *to(const char *method, const char *address)
{
	char what[200];

	snprintf(what, sizeof(what), "%s %s", method, address);
	return say_it(what, "", "");
}

CHECK_CASE(an_upload_is_begun_gone_on_with_and_there_when_it_is_whole)
{
	const char *address, *reply;

	open_house();
	address = begin("/.tus/", "Upload-Length: 10\r\n" NAME_A);
	CHECK(strncmp(address, "/.tus/", 6) == 0);
	reply = to("HEAD", address);
	CHECK(has(reply, " 200 ") && has(reply, "Upload-Offset: 0\r\n") &&
		has(reply, "Upload-Length: 10\r\n") && has(reply, "Cache-Control: no-store\r\n") &&
		has(reply, NAME_A) && has(reply, "Upload-Expires: ") &&
		has(reply, "Tus-Resumable: 1.0.0\r\n"));
	reply = patch(address, 0, "", "0123");
	CHECK(has(reply, " 204 ") && has(reply, "Upload-Offset: 4\r\n"));
	CHECK(has(to("GET", address), " 404 "));
	CHECK(has(patch(address, 3, "", "x"), " 409 "));
	CHECK(has(to("HEAD", address), "Upload-Offset: 4\r\n"));
	CHECK(has(ask("GET /a.txt HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"), " 404 "));
	reply = patch(address, 4, "", "456789");
	CHECK(has(reply, " 204 ") && has(reply, "Upload-Offset: 10\r\n"));
	CHECK_STR(place_read("a.txt"), "0123456789");
	/* Who has lost that answer asks again, and need not begin anew. */
	reply = to("HEAD", address);
	CHECK(has(reply, " 200 ") && has(reply, "Upload-Offset: 10\r\n"));
	CHECK(has(patch(address, 10, "", ""), " 404 "));
	CHECK(has(to("DELETE", address), " 404 "));
	shut();
}

CHECK_CASE(it_goes_to_the_folder_that_was_asked)
{
	const char *address;

	CHECK_INT(mkdir(place("sub folder"), 0755), ==, 0);
	open_house();
	address = begin("/sub%20folder/", "Upload-Length: 3\r\n" NAME_A);
	CHECK(has(patch(address, 0, "", "abc"), " 204 "));
	CHECK_STR(place_read("sub folder/a.txt"), "abc");
	CHECK(has(say_it("POST /none/", "Upload-Length: 3\r\n" NAME_A, ""), " 409 "));
	shut();
}

CHECK_CASE(its_first_bytes_may_come_with_its_beginning)
{
	const char *reply;

	open_house();
	reply = say_it("POST /.tus", "Upload-Length: 5\r\n" NAME_A BYTES, "01234");
	CHECK(has(reply, " 201 ") && has(reply, "Upload-Offset: 5\r\n"));
	CHECK_STR(place_read("a.txt"), "01234");
	reply = say_it("POST /.tus", "Upload-Length: 0\r\nUpload-Metadata: name Yg==\r\n", "");
	CHECK(has(reply, " 201 "));
	CHECK_STR(place_read("b"), "");
	shut();
}

CHECK_CASE(a_length_may_be_told_later)
{
	const char *address, *reply;

	open_house();
	address = begin("/.tus", "Upload-Defer-Length: 1\r\n" NAME_A);
	CHECK(has(to("HEAD", address), "Upload-Defer-Length: 1\r\n"));
	CHECK(has(patch(address, 0, "", "01"), " 204 "));
	CHECK(has(patch(address, 2, "Upload-Length: 1\r\n", ""), " 400 "));
	reply = patch(address, 2, "Upload-Length: 4\r\n", "23");
	CHECK(has(reply, " 204 "));
	CHECK_STR(place_read("a.txt"), "0123");
	shut();
}

CHECK_CASE(a_checksum_is_checked_and_what_was_wrong_is_not_kept)
{
	const char *address;

	open_house();
	address = begin("/.tus", "Upload-Length: 6\r\n" NAME_A);
	/* Of "abc", FIPS 180-4's example: the right one, and of other bytes. */
	CHECK(has(
		patch(address, 0, "Upload-Checksum: sha1 qZk+NkcGgWq6PiVxeFDCbJzQ2J0=\r\n", "abd"),
		" 460 "));
	CHECK(has(to("HEAD", address), "Upload-Offset: 0\r\n"));
	CHECK(has(patch(address, 0, "Upload-Checksum: md5 AAAA\r\n", "abc"), " 400 "));
	CHECK(has(patch(address, 0, "Upload-Checksum: sha1 AAAA\r\n", "abc"), " 400 "));
	CHECK(has(patch(address, 0, "Upload-Checksum: sha1\r\n", "abc"), " 400 "));
	CHECK(has(
		patch(address, 0, "Upload-Checksum: sha1 qZk+NkcGgWq6PiVxeFDCbJzQ2J0=\r\n", "abc"),
		" 204 "));
	CHECK(has(patch(address, 3,
			  "Upload-Checksum: sha256 "
			  "ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0=\r\n",
			  "abc"),
		" 204 "));
	CHECK_STR(place_read("a.txt"), "abcabc");
	shut();
}

CHECK_CASE(what_came_of_a_body_that_broke_off_is_kept)
{
	const char *address;
	char head[500];
	int fd;

	open_house();
	address = begin("/.tus", "Upload-Length: 10\r\n" NAME_A);
	snprintf(head, sizeof(head),
		"PATCH %s HTTP/1.1\r\nHost: x\r\nTus-Resumable: 1.0.0\r\n" BYTES
		"Upload-Offset: 0\r\nContent-Length: 10\r\n\r\n012345",
		address);
	fd = visit();
	say(fd, head);
	CHECK_INT(shutdown(fd, SHUT_WR), ==, 0);
	hear_all(fd);
	/* Its handler may hold it for a moment longer. */
	while (!has(to("HEAD", address), "Upload-Offset: 6\r\n"))
		sched_yield();
	while (has(patch(address, 6, "", ""), " 423 "))
		sched_yield();
	CHECK(has(patch(address, 6, "", "6789"), " 204 "));
	CHECK_STR(place_read("a.txt"), "0123456789");
	shut();
}

CHECK_CASE(while_another_door_goes_on_with_it_it_is_locked)
{
	const struct weft_files_visitor stranger = {.rights = WEFT_FILES_ALL};
	struct weft_files_upload *upload;
	struct weft_files *door;
	const char *address;

	open_house();
	address = begin("/.tus", "Upload-Length: 10\r\n" NAME_A);
	door = weft_files_new(place_dir, NULL);
	CHECK(door != NULL);
	upload = weft_files_upload_open(door, &stranger, strrchr(address, '/') + 1);
	CHECK(upload != NULL);
	CHECK(has(patch(address, 0, "", "x"), " 423 "));
	CHECK(has(to("DELETE", address), " 423 "));
	CHECK(has(to("HEAD", address), "Upload-Offset: 0\r\n"));
	CHECK_INT(weft_files_upload_write(upload, "01234", 5), ==, 0);
	weft_files_upload_close(upload);
	weft_files_free(door);
	CHECK(has(patch(address, 5, "", "56789"), " 204 "));
	CHECK_STR(place_read("a.txt"), "0123456789");
	shut();
}

CHECK_CASE(one_that_is_given_up_is_gone)
{
	const char *address;
	DIR *folder;

	open_house();
	address = begin("/.tus", "Upload-Length: 10\r\n" NAME_A);
	CHECK(has(patch(address, 0, "", "0123"), " 204 "));
	CHECK(has(to("DELETE", address), " 204 "));
	CHECK(has(to("HEAD", address), " 404 "));
	CHECK(has(to("DELETE", address), " 404 "));
	folder = opendir(place(".weft-upload"));
	for (struct dirent *entry; folder && (entry = readdir(folder));)
		CHECK(entry->d_name[0] == '.');
	if (folder)
		closedir(folder);
	shut();
}

CHECK_CASE(methods_can_be_told_in_a_field)
{
	const char *address;
	char what[200];

	open_house();
	address = begin("/.tus", "Upload-Length: 2\r\n" NAME_A);
	snprintf(what, sizeof(what), "POST %s", address);
	CHECK(has(say_it(what, "X-HTTP-Method-Override: PATCH\r\nUpload-Offset: 0\r\n" BYTES, "0"),
		" 204 "));
	CHECK(has(say_it(what, "X-HTTP-Method-Override: DELETE\r\n", ""), " 204 "));
	shut();
}

CHECK_CASE(what_can_not_be_is_refused)
{
	static const struct {
		const char *what, *fields;
		const char *status;
	} rows[] = {
		{"POST /.tus", NAME_A, " 400 "},
		{"POST /.tus", "Upload-Length: 1\r\n", " 400 "},
		{"POST /.tus", "Upload-Length: -1\r\n" NAME_A, " 400 "},
		{"POST /.tus", "Upload-Length: 1x\r\n" NAME_A, " 400 "},
		{"POST /.tus", "Upload-Length: 99999999999999999999\r\n" NAME_A, " 400 "},
		{"POST /.tus", "Upload-Length: 1001\r\n" NAME_A, " 413 "},
		{"POST /.tus", "Upload-Length: 1\r\nUpload-Defer-Length: 1\r\n" NAME_A, " 400 "},
		{"POST /.tus", "Upload-Defer-Length: 2\r\n" NAME_A, " 400 "},
		/* "..", "../x", "a/b", ".x", "", no base64, with a NUL, with a newline */
		{"POST /.tus", "Upload-Length: 1\r\nUpload-Metadata: filename Li4=\r\n", " 400 "},
		{"POST /.tus", "Upload-Length: 1\r\nUpload-Metadata: filename Li4veA==\r\n",
			" 400 "},
		{"POST /.tus", "Upload-Length: 1\r\nUpload-Metadata: filename YS9i\r\n", " 400 "},
		{"POST /.tus", "Upload-Length: 1\r\nUpload-Metadata: filename Lng=\r\n", " 403 "},
		{"POST /.tus", "Upload-Length: 1\r\nUpload-Metadata: filename\r\n", " 400 "},
		{"POST /.tus", "Upload-Length: 1\r\nUpload-Metadata: filename !!!!\r\n", " 400 "},
		{"POST /.tus", "Upload-Length: 1\r\nUpload-Metadata: filename YQBi\r\n", " 400 "},
		{"POST /.tus", "Upload-Length: 1\r\nUpload-Metadata: filename YQpi\r\n", " 400 "},
		{"POST /.tus", "Upload-Length: 1\r\nUpload-Metadata: other YQ==\r\n", " 400 "},
		{"POST /.tus", "Upload-Length: 1\r\nUpload-Metadata: filename dGhlcmU=\r\n",
			" 403 "},
		{"POST /../.tus", "Upload-Length: 1\r\n" NAME_A, " 400 "},
		{"POST /.tusks/", "Upload-Length: 1\r\n" NAME_A, " 403 "},
		{"POST /.tus/00000000000000000000000000000000", "Upload-Length: 1\r\n" NAME_A,
			" 404 "},
		{"HEAD /.tus", "", " 404 "},
		{"HEAD /.tus/", "", " 404 "},
		{"HEAD /.tus/../there", "", " 400 "},
		{"HEAD /.tus/00000000000000000000000000000000", "", " 404 "},
		{"HEAD /.tus/0000000000000000000000000000000g", "", " 404 "},
		{"PATCH /.tus/00000000000000000000000000000000", "Upload-Offset: 0\r\n", " 415 "},
		{"PATCH /.tus/00000000000000000000000000000000", BYTES, " 400 "},
		{"PATCH /.tus/00000000000000000000000000000000", BYTES "Upload-Offset: 0\r\n",
			" 404 "},
		{"PATCH /there", BYTES "Upload-Offset: 0\r\n", " 405 "},
		{"DELETE /there", "", " 405 "},
		{"DELETE /.tus", "", " 404 "},
		{"POST /.tus", "Upload-Length: 1\r\nOrigin: https://evil.example\r\n" NAME_A,
			" 403 "},
	};

	place_write("there", "x");
	open_house();
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const char *reply = say_it(rows[i].what, rows[i].fields, "");

		if (!has(reply, rows[i].status))
			check_fail(__FILE__, __LINE__, "row %zu: %.60s", i, reply);
	}
	CHECK_STR(place_read("there"), "x");
	shut();
}

CHECK_CASE(versions_and_what_there_is_are_told)
{
	const char *reply;

	open_house();
	reply = ask("POST /.tus HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
		    "Tus-Resumable: 0.2.2\r\nContent-Length: 0\r\n\r\n");
	CHECK(has(reply, " 412 ") && has(reply, "Tus-Version: 1.0.0\r\n"));
	reply = ask("OPTIONS /.tus HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
	CHECK(has(reply, " 204 ") && has(reply, "Tus-Version: 1.0.0\r\n") &&
		has(reply, "Tus-Max-Size: 1000\r\n") && has(reply, "creation") &&
		has(reply, "Tus-Checksum-Algorithm: sha1,sha256\r\n") && has(reply, "PATCH"));
	reply = ask("OPTIONS /x HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
	CHECK(!has(reply, "PATCH") && !has(reply, "DELETE"));
	shut();
}

CHECK_CASE(what_is_there_by_then_is_not_replaced_unless_that_is_allowed)
{
	const char *address;

	open_house();
	address = begin("/.tus", "Upload-Length: 2\r\n" NAME_A);
	place_write("a.txt", "other");
	CHECK(has(patch(address, 0, "", "01"), " 403 "));
	CHECK_STR(place_read("a.txt"), "other");
	CHECK(has(to("HEAD", address), "Upload-Offset: 2\r\n"));
	CHECK_INT(unlink(place("a.txt")), ==, 0);
	CHECK(has(patch(address, 2, "", ""), " 204 "));
	CHECK_STR(place_read("a.txt"), "01");
	shut();
	open_with((struct weft_http_files_options){.allow_overwrite = true});
	address = begin("/.tus", "Upload-Length: 2\r\n" NAME_A);
	CHECK(has(patch(address, 0, "", "23"), " 204 "));
	CHECK_STR(place_read("a.txt"), "23");
	shut();
}

CHECK_MAIN()
