/*
 * ftp_get.c - bring several files of an FTP server here, some at a time, each in a fiber.
 *
 *	ftp_get HOST[:PORT] FILE...
 *
 * As anonymous, or as $FTP_USER with $FTP_PASSWORD. A file appears under its name when it is
 * whole; what was broken off goes on where it was when the program is run again.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <weft/fiber.h>
#include <weft/ftp_client.h>
#include <weft/scope.h>

static struct weft_ftp_pool *pool;

static int get(void *arg)
{
	const char *path = arg, *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
	struct weft_ftp_fault fault;
	struct weft_ftp_client *client = weft_ftp_pool_take(pool, &fault);
	int result;

	if (!client) {
		fprintf(stderr, "ftp_get: %s\n", fault.text);
		return -1;
	}
	result = weft_ftp_client_download(client, path, name, NULL);
	if (result < 0)
		fprintf(stderr, "ftp_get: %s\n", weft_ftp_client_fault(client)->text);
	weft_ftp_pool_give(pool, client);
	return result;
}

static int get_all(void *arg)
{
	char **paths = arg;
	struct weft_scope scope;

	weft_scope_begin(&scope, WEFT_FOREVER);
	for (; *paths; paths++)
		if (!weft_scope_spawn(&scope, get, *paths))
			break;
	return weft_scope_end(&scope); /* the first that fails ends the others */
}

int main(int argc, char **argv)
{
	const struct weft_ftp_client_options options = {
		.user = getenv("FTP_USER"), .password = getenv("FTP_PASSWORD")};
	int result;

	if (argc < 3) {
		fprintf(stderr, "usage: ftp_get HOST[:PORT] FILE...\n");
		return 2;
	}
	pool = weft_ftp_pool_new(argv[1], &options, 4);
	if (!pool) {
		perror("ftp_get");
		return 1;
	}
	result = weft_run(NULL, get_all, &argv[2]);
	weft_ftp_pool_free(pool);
	return result < 0 ? 1 : 0;
}
