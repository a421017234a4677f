/*
 * http_files.c - a folder on the web, with one address of our own: a service that inherits.
 *
 *	http_files FOLDER [ADDRESS]	127.0.0.1:8080 unless told otherwise
 *
 * What is asked by GET is a file, a listing or a page; /time is answered here. Everything that
 * the service below leaves out, its parent does.
 */
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <weft/fiber.h>
#include <weft/http_files.h>

static struct weft_http_files *files;

static int get(struct weft_http_request *request, struct weft_http_response *response, void *arg)
{
	if (strcmp(weft_http_request_path(request), "/time") == 0) {
		char text[32];
		int len = snprintf(text, sizeof(text), "%lld\n", (long long)time(NULL));
		struct weft_http_content content = {"text/plain", text, (size_t)len};

		return weft_http_response_send(response, 200, &content);
	}
	(void)arg;
	return weft_http_files_service.on_get(request, response, files);
}

static int serve(void *address)
{
	struct weft_http_service service = {
		.on_get = get, .parent = &weft_http_files_service, .parent_arg = files};
	struct weft_http_server_options options = {.service = &service};
	struct weft_http_server *server = weft_http_server_new(&options);
	struct weft_listener *listener = weft_listener_new(address, NULL);

	if (!server || !listener || weft_http_server_run(server, listener) < 0)
		perror(address);
	weft_listener_free(listener);
	weft_http_server_free(server);
	return 1;
}

int main(int argc, char **argv)
{
	static const char *const rules[] = {":hashed=immutable", "*.html=no-cache", NULL};
	struct weft_http_files_options options = {.cache_rules = rules, .no_listing = true};
	char address[] = "127.0.0.1:8080";
	char fault[WEFT_HTTP_FILES_FAULT_MAX];
	int status;

	if (argc < 2 || !weft_http_files_options_check(&options, fault)) {
		fprintf(stderr, "%s\n", argc < 2 ? "usage: http_files FOLDER [ADDRESS]" : fault);
		return 2;
	}
	files = weft_http_files_new(argv[1], &options);
	if (!files) {
		perror(argv[1]);
		return 1;
	}
	status = weft_run(NULL, serve, argc > 2 ? argv[2] : address);
	weft_http_files_free(files);
	return status;
}
