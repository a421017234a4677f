/*
 * test_form_disk.c - large files of a form where the file system has no files without a name: they
 * lose it at once, and where that fails, the form does.
 *
 * The program's own open() stands before the C library's.
 */
#include <dirent.h>
#include <fcntl.h>
#include <stdarg.h>
#include <sys/syscall.h>

#include "io/place.h"
#include "site.h"
#include "weft/file.h"
#include "weft/http_form.h"

static int named; /* files that were made with a name */

__attribute__((visibility("default"))) int open(const char *path, int flags, ...)
{
	mode_t mode = 0;
	va_list args;

	va_start(args, flags);
	if (flags & (O_CREAT | O_TMPFILE))
		mode = va_arg(args, mode_t);
	va_end(args);
	if ((flags & O_TMPFILE) == O_TMPFILE) {
		errno = EOPNOTSUPP;
		return -1;
	}
	named += strstr(path, "/.weft-form-") != NULL;
	return (int)syscall(SYS_openat, AT_FDCWD, path, flags, mode);
}

static int names_left(void)
{
	DIR *folder = opendir(place("."));
	int count = -2;

	CHECK(folder);
	while (readdir(folder))
		count++;
	closedir(folder);
	return count;
}

static const char *folder;

static int on_post(
	struct weft_http_request *request, struct weft_http_response *response, void *arg)
{
	const struct weft_http_form_options options = {.memory_max = 1000, .folder = folder};
	struct weft_http_form *form = weft_http_form_read(request, &options);
	const struct weft_http_form_field *field;
	struct weft_http_content content = {.type = "text/plain"};
	char text[5000];
	int result;

	(void)arg;
	if (!form)
		return 500;
	field = weft_http_form_get(form, "f", 0);
	CHECK(field && field->file);
	CHECK_INT(names_left(), ==, 0);
	content.len = (size_t)weft_file_read(field->file, text, sizeof(text));
	content.data = text;
	result = weft_http_response_send(response, 200, &content);
	weft_http_form_free(form);
	return result;
}

#define REQUEST                                                                       \
	"POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 3076\r\n" \
	"Content-Type: multipart/form-data; boundary=XX\r\n\r\n"                      \
	"--XX\r\nContent-Disposition: form-data; name=f; filename=x\r\n\r\n%03008d\r\n--XX--"

CHECK_CASE(a_file_with_a_name_loses_it_at_once)
{
	static const struct weft_http_service service = {.on_post = on_post};
	char request[4000];
	int len = snprintf(request, sizeof(request), REQUEST, 7);

	CHECK_INT(len, ==, (int)(strstr(request, "\r\n\r\n") - request) + 4 + 3076);
	place_make();
	site_open(&service);
	folder = place("");
	CHECK(has(ask(request), "000007"));
	CHECK_INT(named, ==, 1);
	folder = place("nowhere");
	CHECK(has(ask(request), " 500 "));
	CHECK_INT(names_left(), ==, 0);
	site_close();
}

CHECK_MAIN()
