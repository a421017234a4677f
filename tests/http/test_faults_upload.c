/*
 * test_faults_upload.c - memory, descriptors and threads are refused to a server that takes files:
 * what it says is done is there, what it says is not has left nothing, and nothing is kept of
 * either.
 *
 * check: drivers
 */
#include "faults.h"

#ifdef HAS_FAULTS

#include <dirent.h>

#include "io/place.h"
#include "weft/http_files.h"
#include "weft/http_form.h"
#include "weft/socket.h"

struct world {
	struct weft_http_files *files;
	struct weft_http_server *server;
	struct weft_listener *listener;
	char address[WEFT_ADDRESS_TEXT_MAX];
};

static int serve(void *arg)
{
	struct world *world = arg;

	if (!FAULTS_TRY(weft_http_server_run(world->server, world->listener) == 0))
		weft_shutdown(weft_listener_fd(world->listener), SHUT_RDWR);
	return 0;
}

/* The status of the answer, 0 where the connection ended before it. */
static int ask(struct world *world, const char *request)
{
	struct weft_stream *stream = weft_stream_connect(world->address);
	const char *line;
	ssize_t len = -1;
	int status = 0;

	FAULTS_TRY(stream != NULL || errno == ECONNREFUSED || errno == ECONNRESET);
	if (!stream)
		return 0;
	if (weft_stream_printf(stream, "%s", request) == 0 && weft_stream_flush(stream) == 0)
		len = weft_stream_readline(stream, &line);
	FAULTS_TRY(len >= 0 || errno == ECONNRESET || errno == EPIPE);
	if (len > 0) {
		CHECK(memcmp(line, "HTTP/1.1 ", 9) == 0);
		status = (int)strtol(line + 9, NULL, 10);
	}
	weft_stream_free(stream);
	return status;
}

static bool is_usual(int status)
{
	return status == 0 || status == 500 || status == 503;
}

/* Whether name is there, which is not counted; it goes then. */
static bool was_there(const char *name)
{
	bool is_there;

	faults_hold();
	is_there = access(place(name), F_OK) == 0;
	if (is_there)
		CHECK_INT(remove(place(name)), ==, 0);
	faults_go_on();
	return is_there;
}

/* What should be there exactly when the status is the good one. */
static void expect_as_said(int status, int good, bool is_there)
{
	if (status == good)
		CHECK(is_there);
	else if (status != 0) /* else nobody was told: it may have been done */
		CHECK(is_usual(status) && !is_there);
}

#define HOST " HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
#define FORM                                                                        \
	"--XX\r\nContent-Disposition: form-data; name=f; filename=one\r\n\r\n1\r\n" \
	"--XX\r\nContent-Disposition: form-data; name=f; filename=two\r\n\r\n2\r\n--XX--"

/* Into the trash and for good; where it was not told, it may have been done. */
static void ask_trash(struct world *world)
{
	int status;

	faults_hold();
	place_write("new", "content");
	faults_go_on();
	status = ask(world, "DELETE /new?trash" HOST "\r\n");
	if (was_there("new"))
		CHECK(is_usual(status));
	else
		CHECK(status == 200 || status == 204 || status == 0);
	status = ask(world, "GET /.trash/" HOST "\r\n");
	CHECK(is_usual(status) || status == 200);
	faults_hold();
	place_write("new", "content");
	faults_go_on();
	status = ask(world, "COPY /new" HOST "Destination: /two\r\n\r\n");
	expect_as_said(status, 201, was_there("two"));
	status = ask(world, "DELETE /new?all" HOST "\r\n");
	if (was_there("new"))
		CHECK(is_usual(status));
	else
		CHECK(status == 204 || status == 0);
	status = ask(world, "DELETE /.trash/" HOST "\r\n");
	CHECK(is_usual(status) || status == 204);
}

static void use_server(struct world *world)
{
	weft_fiber_id server = weft_spawn(serve, world);
	bool has_one;
	int status;

	if (!FAULTS_TRY(server != 0))
		return;
	status = ask(world, "PUT /new" HOST "Content-Length: 5\r\n\r\nhello");
	expect_as_said(status, 201, was_there("new"));
	status = ask(world, "PUT /old" HOST "Content-Length: 5\r\n\r\nhello");
	CHECK(is_usual(status) || status == 204);
	status = ask(world, "POST /" HOST "Content-Type: multipart/form-data; boundary=XX\r\n"
			    "Accept: application/json\r\nContent-Length: 136\r\n\r\n" FORM);
	has_one = was_there("one");
	CHECK(was_there("two") == has_one || status == 0);
	expect_as_said(status == 303 ? 201 : status, 201, has_one);
	status = ask(world, "MKCOL /folder" HOST "\r\n");
	expect_as_said(status, 201, was_there("folder"));
	status = ask(world, "MOVE /nothing" HOST "Destination: /x\r\n\r\n");
	CHECK(is_usual(status) || status == 404);
	status = ask(world, "DELETE /nothing" HOST "\r\n");
	CHECK(is_usual(status) || status == 404);
	ask_trash(world);
	weft_http_server_stop(world->server);
	CHECK_INT(weft_join(server, NULL, WEFT_FOREVER), ==, 0);
}

/* Only what was there before is there. */
static void check_folder(void)
{
	struct dirent *entry;
	DIR *folder;

	faults_hold();
	folder = opendir(place("."));
	CHECK(folder);
	while ((entry = readdir(folder)))
		if (strcmp(entry->d_name, ".weft-upload") == 0)
			CHECK_INT(rmdir(place(".weft-upload")), ==, 0); /* it is empty */
		else if (entry->d_name[0] != '.')
			CHECK_STR(entry->d_name, "old");
	closedir(folder);
	faults_go_on();
}

static int use_uploads(void *arg)
{
	const struct weft_http_files_options shared = {
		.allow_upload = true, .allow_overwrite = true, .allow_change = true};
	struct world world = {.files = weft_http_files_new(place("."), &shared)};
	struct weft_http_server_options options = {.arg = world.files};

	(void)arg;
	if (FAULTS_TRY(world.files != NULL)) {
		options.service = weft_http_files_service_for(world.files);
		world.server = weft_http_server_new(&options);
		FAULTS_TRY(world.server != NULL);
		world.listener = weft_listener_new(own_address(), NULL);
		FAULTS_TRY(world.listener != NULL);
	}
	if (world.server && world.listener) {
		weft_address_print(weft_listener_address(world.listener), world.address,
			sizeof(world.address));
		use_server(&world);
	}
	weft_listener_free(world.listener);
	weft_http_server_free(world.server);
	weft_http_files_free(world.files);
	check_folder();
	return 0;
}

CHECK_CASE(a_server_that_takes_files_keeps_its_word)
{
	CHECK_INT(sizeof(FORM) - 1, ==, 136);
	if (access("/dev/shm", W_OK) == 0) /* a thousand fsyncs */
		setenv("TMPDIR", "/dev/shm", 0);
	place_write("old", "content");
	CHECK_INT(faults_sweep_in_run(use_uploads), >, 20);
}

#else

CHECK_CASE(faults_are_met_in_the_release_build_only)
{
}

#endif

CHECK_MAIN()
