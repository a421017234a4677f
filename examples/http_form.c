/*
 * http_form.c - a page with a form that sends a name and files, and what came of it.
 *
 *	http_form [ADDRESS]		127.0.0.1:8080 unless told otherwise
 *
 * Small values are in memory; files that don't fit there are on the disk, without a name, and
 * gone with the form.
 */
#include <errno.h>
#include <stdio.h>
#include <weft/http_form.h>

static int on_get(struct weft_http_request *request, struct weft_http_response *response, void *arg)
{
	static const char page[] =
		"<!doctype html><form method=post enctype=multipart/form-data>\n"
		"<input name=who placeholder=\"Your name\"> <input type=file name=file multiple>\n"
		"<button>Send</button></form>\n";
	const struct weft_http_content content = {
		"text/html; charset=utf-8", page, sizeof(page) - 1};

	(void)request;
	(void)arg;
	return weft_http_response_send(response, 200, &content);
}

static int on_post(
	struct weft_http_request *request, struct weft_http_response *response, void *arg)
{
	const struct weft_http_form_field *field;
	struct weft_http_form *form;
	int result;

	(void)arg;
	weft_http_request_set_body_max(request, 100 << 20);
	form = weft_http_form_read(request, NULL);
	if (!form)
		switch (errno) {
		case EPROTOTYPE:
			return 415;
		case EBADMSG:
			return 400;
		case EMSGSIZE:
			return 413;
		default:
			return 500;
		}
	field = weft_http_form_get(form, "who", 0);
	result = weft_http_response_begin(
		response, 200, "text/plain; charset=utf-8", WEFT_HTTP_LEN_UNKNOWN);
	if (result == 0)
		result = weft_http_response_printf(
			response, "Hello, %.100s.\n", field && field->data ? field->data : "you");
	for (size_t i = 0; result == 0 && (field = weft_http_form_get(form, "file", i)); i++)
		if (field->filename && field->filename[0])
			result = weft_http_response_printf(response, "%s: %lld bytes, %s\n",
				field->filename, (long long)field->len,
				field->file ? "on the disk" : "in memory");
	weft_http_form_free(form);
	return result;
}

int main(int argc, char **argv)
{
	static const struct weft_http_service service = {.on_get = on_get, .on_post = on_post};
	const char *address = argc > 1 ? argv[1] : "127.0.0.1:8080";
	struct weft_listener *listener = weft_listener_new(address, NULL);
	struct weft_http_server *server =
		weft_http_server_new(&(struct weft_http_server_options){.service = &service});

	if (listener)
		printf("port %u\n", weft_address_port(weft_listener_address(listener)));
	fflush(stdout);
	if (!server || weft_http_server_run(server, listener) < 0)
		perror(address);
	weft_http_server_free(server);
	weft_listener_free(listener);
	return 1;
}
