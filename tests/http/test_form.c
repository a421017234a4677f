/*
 * test_form.c - handlers that read forms: part after part, and whole, in memory and on the disk.
 *
 * check: tsan drivers
 */
#include <dirent.h>
#include <sys/stat.h>

#include "site.h"
#include "weft/http_form.h"

/* What is answered to these bytes, which come in pieces, up to the end of the connection. */
static const char *ask_raw(const char *request, size_t len, size_t piece)
{
	int fd = visit();

	say_in_pieces(fd, request, len, piece);
	return hear_all(fd);
}

static const char *ask_form(const char *type, const char *body, size_t piece)
{
	static char request[300000];
	size_t len = (size_t)snprintf(request, sizeof(request),
		"POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: %s\r\n"
		"Content-Length: %zu\r\n\r\n%s",
		type, strlen(body), body);

	CHECK_INT(len, <, sizeof(request));
	return ask_raw(request, len, piece);
}

#define MULTIPART "multipart/form-data; boundary=XX"
#define PAIRS     "application/x-www-form-urlencoded"
#define PART(params, content) \
	"--XX\r\nContent-Disposition: form-data; " params "\r\n\r\n" content "\r\n"

static int status_of(int code)
{
	switch (code) {
	case EPROTOTYPE:
		return 415;
	case EMSGSIZE:
		return 413;
	case EBADMSG:
		return 400;
	default:
		return 500;
	}
}

/* ---- Part after part ------------------------------------------------------------------------ */

static size_t read_size; /* bytes that the handler reads at once */

/* "name|filename|content;..." of at most 20 bytes of each content. */
static int on_parts(
	struct weft_http_request *request, struct weft_http_response *response, void *arg)
{
	struct weft_http_multipart *form = weft_http_multipart_new(request);
	struct weft_http_content content = {.type = "text/plain"};
	struct weft_http_part part;
	char text[4000];
	int more, code;

	(void)arg;
	if (!form)
		return status_of(errno);
	while ((more = weft_http_multipart_next(form, &part)) > 0) {
		char piece[20];
		ssize_t len, all = 0;

		content.len += (size_t)snprintf(text + content.len, sizeof(text) - content.len,
			"%s|%s|", part.name, part.filename ? part.filename : "-");
		while (all < 20 && (len = weft_http_multipart_read(form, piece, read_size)) > 0) {
			all += len;
			content.len += (size_t)snprintf(text + content.len,
				sizeof(text) - content.len, "%.*s", (int)len, piece);
		}
		text[content.len++] = ';';
	}
	code = errno;
	CHECK((more < 0 && code == EBADMSG) == (weft_http_multipart_error(form) != NULL));
	if (more == 0)
		CHECK_INT(weft_http_multipart_next(form, &part), ==, 0);
	weft_http_multipart_free(form);
	content.data = text;
	return more < 0 ? status_of(code) : weft_http_response_send(response, 200, &content);
}

static const struct weft_http_service parts_service = {.on_post = on_parts};

CHECK_CASE(parts_are_read_as_streams_and_what_is_not_read_is_passed_over)
{
	static char body[100000];
	const char *answer;

	snprintf(body, sizeof(body),
		PART("name=a", "1") PART("name=b; filename=\"f\"", "%090000d")
			PART("name=c", "3") "--XX--\r\n",
		0);
	site_open(&parts_service);
	for (read_size = 1; read_size <= 20; read_size += 6)
		for (size_t piece = 7000; piece <= 98000; piece += 13000) {
			answer = ask_form(MULTIPART, body, piece);
			CHECK(has(answer, "\r\n\r\na|-|1;b|f|0000000000"));
			CHECK(has(answer, ";c|-|3;"));
		}
	for (size_t piece = 1; piece < 20; piece++)
		CHECK(has(ask_form(MULTIPART, PART("name=a", "12") "--XX--", piece),
			"\r\n\r\na|-|12;"));
	site_close();
}

CHECK_CASE(what_is_no_form_or_is_not_whole_is_told)
{
	read_size = 20;
	site_open(&parts_service);
	CHECK(has(ask_form("text/plain", "x", 999), " 415 "));
	CHECK(has(ask_form("multipart/form-data", "x", 999), " 400 "));
	CHECK(has(ask_form("multipart/form-data; boundary=XX\r\nContent-Type: text/plain", "--XX--",
			  999),
		" 415 "));
	CHECK(has(ask_form(MULTIPART, PART("name=a", "1"), 999), " 400 "));
	CHECK(has(ask_form(MULTIPART, "x", 999), " 400 "));
	CHECK(has(ask_form(MULTIPART, "", 999), " 400 "));
	CHECK(has(
		ask_form(MULTIPART, PART("name=a", "1") PART("x=a", "1") "--XX--", 999), " 400 "));
	CHECK(has(ask_form(MULTIPART, "--XX--", 999), " 200 "));
	site_close();
}

/* ---- Bounds of one request ----------------------------------------------------------- */

/* Takes 2000 bytes, and reads them unless the path says otherwise. */
static int on_bounded(
	struct weft_http_request *request, struct weft_http_response *response, void *arg)
{
	char piece[4096];
	ssize_t len = 0;

	(void)arg;
	CHECK_INT(weft_http_request_set_body_max(request, 2000), ==, 0);
	if (strcmp(weft_http_request_path(request), "/unread") == 0)
		return weft_http_response_send(response, 202, NULL);
	while ((len = weft_http_request_read(request, piece, sizeof(piece))) > 0)
		CHECK_ERRNO(weft_http_request_set_body_max(request, 1), EALREADY);
	return len < 0 ? -1 : weft_http_response_send(response, 204, NULL);
}

static int on_usual(
	struct weft_http_request *request, struct weft_http_response *response, void *arg)
{
	char piece[4096];
	ssize_t len;

	(void)arg;
	while ((len = weft_http_request_read(request, piece, sizeof(piece))) > 0)
		;
	return len < 0 ? -1 : weft_http_response_send(response, 200, NULL);
}

CHECK_CASE(a_handler_sets_its_own_bound_of_a_body_and_the_next_request_has_the_servers)
{
	static const struct weft_http_service service = {.on_put = on_bounded, .on_post = on_usual};
	static char text[9000];
	const char *answers;
	int len;

	site.options.body_max = 1000;
	site_open(&service);
	len = snprintf(text, sizeof(text),
		"PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 2000\r\n\r\n%02000d"
		"PUT /unread HTTP/1.1\r\nHost: x\r\nContent-Length: 2000\r\n\r\n%02000d"
		"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1001\r\n\r\n%01001d",
		0, 0, 0);
	answers = ask_raw(text, (size_t)len, 997);
	CHECK(has(answers, "HTTP/1.1 204 "));
	CHECK(has(answers, "HTTP/1.1 202 "));
	CHECK(has(answers, "HTTP/1.1 413 "));
	len = snprintf(text, sizeof(text),
		"PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 2001\r\n\r\n%02001d", 0);
	CHECK(has(ask_raw(text, (size_t)len, 997), "HTTP/1.1 413 "));
	site_close();
}

/* ---- Whole forms --------------------------------------------------------------------- */

static struct weft_http_form_options form_options;

static int files_left(const char *folder)
{
	DIR *dir = opendir(folder);
	struct dirent *entry;
	int count = 0;

	CHECK(dir);
	while ((entry = readdir(dir)))
		count += entry->d_name[0] != '.' || entry->d_name[1] == 'w';
	closedir(dir);
	return count;
}

/* "name|filename|m or f|length|first and last byte;..." */
static int on_form(
	struct weft_http_request *request, struct weft_http_response *response, void *arg)
{
	struct weft_http_form *form = weft_http_form_read(request, &form_options);
	struct weft_http_content content = {.type = "text/plain"};
	const struct weft_http_form_field *field;
	char text[4000];
	int result;

	(void)arg;
	if (!form)
		return status_of(errno);
	for (size_t i = 0; (field = weft_http_form_at(form, i)); i++) {
		char ends[2] = "..";

		CHECK(!field->data != !field->file);
		if (field->data && field->len > 0) {
			CHECK_INT(strlen(field->data), ==, field->len);
			ends[0] = field->data[0];
			ends[1] = field->data[field->len - 1];
		} else if (field->file) {
			CHECK_INT(weft_file_size(field->file), ==, field->len);
			CHECK_INT(weft_file_read(field->file, ends, 1), ==, 1);
			CHECK_INT(weft_file_pread(field->file, ends + 1, 1, field->len - 1), ==, 1);
		}
		content.len += (size_t)snprintf(text + content.len, sizeof(text) - content.len,
			"%s|%s|%c|%lld|%.2s;", field->name, field->filename ? field->filename : "-",
			field->file ? 'f' : 'm', (long long)field->len, ends);
	}
	CHECK(!weft_http_form_get(form, "nobody", 0));
	field = weft_http_form_get(form, "a", 1);
	if (field)
		content.len += (size_t)snprintf(text + content.len, sizeof(text) - content.len,
			" second a: %s", field->data);
	content.data = text;
	result = weft_http_response_send(response, 200, &content);
	weft_http_form_free(form);
	return result;
}

static const struct weft_http_service form_service = {.on_post = on_form};

CHECK_CASE(a_form_is_read_whole_whichever_way_it_was_sent)
{
	site_open(&form_service);
	CHECK(has(ask_form(MULTIPART,
			  PART("name=a", "1") PART("name=a", "two")
				  PART("name=f; filename=\"\"", "") "--XX--\r\n",
			  11),
		"\r\n\r\na|-|m|1|11;a|-|m|3|to;f||m|0|..; second a: two"));
	CHECK(has(ask_form(PAIRS, "a=1&a=two+words&b=", 11),
		"\r\n\r\na|-|m|1|11;a|-|m|9|ts;b|-|m|0|..; second a: two words"));
	CHECK(has(ask_form("text/plain", "a=1", 11), " 415 "));
	CHECK(has(ask_form(MULTIPART, PART("name=a", "1"), 11), " 400 "));
	CHECK(has(ask_form(PAIRS, "a=%00", 11), " 400 "));
	site_close();
}

CHECK_CASE(what_does_not_fit_in_memory_is_on_the_disk_and_gone_with_the_form)
{
	char folder[] = "/tmp/weft-test-XXXXXX";
	static char body[210000];

	CHECK(mkdtemp(folder));
	form_options.folder = folder;
	form_options.memory_max = 40000;
	snprintf(body, sizeof(body),
		PART("name=a", "1") PART("name=f; filename=\"f\"", "<%030000d>")
			PART("name=g; filename=\"g\"", "<%0100000d>")
				PART("name=h; filename=\"h\"", "<%05000d>") "--XX--\r\n",
		0, 0, 0);
	site_open(&form_service);
	for (size_t piece = 9973; piece < 200000; piece += 50000)
		CHECK(has(ask_form(MULTIPART, body, piece),
			"\r\n\r\na|-|m|1|11;f|f|m|30002|<>;g|g|f|100002|<>;h|h|m|5002|<>;"));
	site_close();
	CHECK_INT(files_left(folder), ==, 0);
	CHECK_INT(rmdir(folder), ==, 0);
}

CHECK_CASE(each_bound_of_a_form_is_413)
{
	static char body[70000];
	char folder[] = "/tmp/weft-test-XXXXXX";

	CHECK(mkdtemp(folder));
	form_options = (struct weft_http_form_options){.value_max = 100,
		.memory_max = 1000,
		.file_max = 5000,
		.files_max = 1,
		.folder = folder};
	site_open(&form_service);
	snprintf(body, sizeof(body), PART("name=a", "%0100d") "--XX--", 0);
	CHECK(has(ask_form(MULTIPART, body, 99), " 200 "));
	snprintf(body, sizeof(body), PART("name=a", "%0101d") "--XX--", 0);
	CHECK(has(ask_form(MULTIPART, body, 99), " 413 "));
	CHECK(has(
		ask_form(PAIRS,
			"a=01234567890123456789012345678901234567890123456789012345678901234567890"
			"123456789012345678901234567890",
			99),
		" 413 "));
	snprintf(body, sizeof(body), PART("name=a; filename=f", "%05000d") "--XX--", 0);
	CHECK(has(ask_form(MULTIPART, body, 999), "|f|5000|"));
	snprintf(body, sizeof(body), PART("name=a; filename=f", "%05001d") "--XX--", 0);
	CHECK(has(ask_form(MULTIPART, body, 999), " 413 "));
	snprintf(body, sizeof(body),
		PART("name=a; filename=f", "%02000d")
			PART("name=a; filename=f", "%02000d") "--XX--",
		0, 0);
	CHECK(has(ask_form(MULTIPART, body, 999), " 413 "));
	form_options.folder = "/nowhere/at/all";
	CHECK(has(ask_form(MULTIPART, body, 999), " 500 "));
	site_close();
	CHECK_INT(files_left(folder), ==, 0);
	CHECK_INT(rmdir(folder), ==, 0);
}

CHECK_MAIN()
