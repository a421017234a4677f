/*
 * child_http.c - weft's side of HTTP handlers (JSON, an upload, a piece of work) and of HTTPS.
 *
 * Entry points: child_http(), child_https().
 *
 *	GET /json	4 KiB of JSON, made anew for each request
 *	POST /upload	reads the body, answers how long it was
 *	GET /work	computes for some 200 us, answers the result
 *
 * The peers (bench/peers) answer the same. Never: a trick that a user of the public headers
 * could not play.
 */
#include "child.h"

#include <stdlib.h>
#include <string.h>

#include "weft/fiber.h"
#include "weft/http_files.h"
#include "weft/tls.h"

#define ITEMS     47 /* of some 80 bytes */
#define JSON_ROOM 8192
#define READ_ROOM 16384
#define STEPS     100000

static int answer_text(struct weft_http_response *response, const char *format, uint64_t number)
{
	char text[64];
	int len = snprintf(text, sizeof(text), format, (unsigned long long)number);
	struct weft_http_content content = {"text/plain", text, (size_t)len};

	return weft_http_response_send(response, 200, &content);
}

static int answer_json(struct weft_http_response *response)
{
	char json[JSON_ROOM];
	size_t len = (size_t)snprintf(json, sizeof(json), "{\"items\":[");
	struct weft_http_content content = {"application/json", json, 0};

	for (unsigned i = 0; i < ITEMS; i++)
		len += (size_t)snprintf(json + len, sizeof(json) - len,
			"%s{\"id\":%u,\"name\":\"item number %u\",\"price\":%u.%02u,"
			"\"tags\":[\"new\",\"blue\"],\"in_stock\":%s}",
			i ? "," : "", i, i, i * 7, i, i % 2 ? "true" : "false");
	len += (size_t)snprintf(json + len, sizeof(json) - len, "]}");
	content.len = len;
	return weft_http_response_send(response, 200, &content);
}

static int answer_work(struct weft_http_response *response)
{
	uint64_t state = 1;

	for (unsigned i = 0; i < STEPS; i++)
		state = (state ^ (state >> 7)) * 6364136223846793005 + 1;
	return answer_text(response, "%llu\n", state);
}

static int on_get(struct weft_http_request *request, struct weft_http_response *response, void *arg)
{
	const char *path = weft_http_request_path(request);

	(void)arg;
	if (strcmp(path, "/json") == 0)
		return answer_json(response);
	return strcmp(path, "/work") == 0 ? answer_work(response) : 404;
}

static int on_post(
	struct weft_http_request *request, struct weft_http_response *response, void *arg)
{
	char buffer[READ_ROOM];
	uint64_t total = 0;
	ssize_t len;

	(void)arg;
	while ((len = weft_http_request_read(request, buffer, sizeof(buffer))) > 0)
		total += (uint64_t)len;
	return len < 0 ? -1 : answer_text(response, "%llu\n", total);
}

/* ---- Servers ------------------------------------------------------------------------- */

struct site {
	const struct weft_http_service *service;
	void *arg;
	struct weft_tls *tls; /* NULL: in the clear */
};

static int serve_main(void *arg)
{
	const struct site *site = arg;
	const struct weft_http_server_options options = {
		.service = site->service, .arg = site->arg};
	struct weft_http_server *server = weft_http_server_new(&options);
	struct weft_listener *listener = weft_listener_new("127.0.0.1:0", NULL);
	int status;

	if (server == NULL || listener == NULL ||
		(site->tls != NULL && weft_listener_use_tls(listener, site->tls) < 0)) {
		perror("weft-bench: http");
		return 1;
	}
	printf("%u\n", weft_address_port(weft_listener_address(listener)));
	fflush(stdout);
	status = weft_http_server_run(server, listener);
	weft_listener_free(listener);
	weft_http_server_free(server);
	return status < 0;
}

int child_http(const char *argument)
{
	static const struct weft_http_service service = {.on_get = on_get, .on_post = on_post};
	struct weft_run_options options = {.workers = 1};
	struct site site = {.service = &service};

	if (argument != NULL)
		options.workers = (unsigned)strtoul(argument, NULL, 10);
	return weft_run(&options, serve_main, &site);
}

int child_https(const char *argument)
{
	char docs[PATH_MAX], certificate[PATH_MAX], key[PATH_MAX];
	const struct weft_run_options options = {.workers = 1};
	const struct weft_tls_server_options tls = {.certificate = certificate, .key = key};
	struct site site = {.service = &weft_http_files_service};
	int status;

	snprintf(docs, sizeof(docs), "%s/docs", argument);
	snprintf(certificate, sizeof(certificate), "%s/cert.pem", argument);
	snprintf(key, sizeof(key), "%s/key.pem", argument);
	site.arg = weft_http_files_new(docs, NULL);
	site.tls = weft_tls_server_new(&tls, NULL);
	if (site.arg == NULL || site.tls == NULL) {
		perror("weft-bench: https");
		return 1;
	}
	status = weft_run(&options, serve_main, &site);
	weft_tls_free(site.tls);
	weft_http_files_free(site.arg);
	return status;
}
