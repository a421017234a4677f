/*
 * http_get.c - fetch several URLs at once, each in a fiber of its own, over one client.
 *
 *	http_get URL...
 *
 * Prints a line for each: its status, how long the body is, and where it came from after
 * redirects. All of it is bounded by 30 seconds.
 */
#include <stdio.h>
#include <weft/fiber.h>
#include <weft/http_client.h>
#include <weft/scope.h>

static struct weft_http_client *client;

/* The whole body, read and counted; -1 when it did not come whole. */
static int count(struct weft_http_fetch *fetch)
{
	long long sum = 0;
	char bytes[4096];
	ssize_t len;

	while ((len = weft_http_fetch_read(fetch, bytes, sizeof(bytes))) > 0)
		sum += len;
	if (len == 0)
		printf("%d %lld bytes %s\n", weft_http_fetch_status(fetch), sum,
			weft_http_fetch_url(fetch)->text);
	else
		fprintf(stderr, "http_get: %s\n", weft_http_fetch_fault(fetch)->text);
	return (int)len;
}

static int get(void *url)
{
	struct weft_http_fault fault = {.kind = WEFT_HTTP_NO_FAULT};
	const struct weft_http_fetch_options options = {.client = client, .ret_fault = &fault};
	struct weft_http_fetch *fetch = weft_http_get(url, &options);
	int result = fetch ? count(fetch) : -1;

	if (!fetch)
		fprintf(stderr, "http_get: %s: %s\n", (char *)url, fault.text);
	weft_http_fetch_free(fetch);
	return result;
}

static int run(void *arg)
{
	char **urls = arg;
	struct weft_scope scope;
	int result;

	client = weft_http_client_new(NULL);
	weft_scope_begin(&scope, WEFT_SECONDS(30));
	for (int i = 0; urls[i]; i++)
		if (!weft_scope_spawn(&scope, get, urls[i]))
			break;
	result = weft_scope_end(&scope); /* the first that fails ends the others */
	weft_http_client_free(client);
	return result < 0;
}

int main(int argc, char **argv)
{
	return argc < 2 ? 2 : weft_run(NULL, run, argv + 1);
}
