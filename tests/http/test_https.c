/*
 * test_https.c - the HTTP server on a listener with TLS, asked by curl.
 */
#include <stdarg.h>

#include "io/tls_pair.h"

#include "weft/http_files.h"

#define PAGE_LEN 5000011

static struct {
	struct pair pair;
	struct weft_http_server *server;
	struct weft_http_files *files;
	pthread_t thread;
} site;

static int run_site(void *arg)
{
	(void)arg;
	return weft_http_server_run(site.server, site.pair.listener);
}

static void *site_thread(void *arg)
{
	const struct weft_run_options options = {.workers = 2};

	CHECK_INT(weft_run(&options, run_site, NULL), ==, 0);
	return arg;
}

static void site_open(void)
{
	char *data = malloc(PAGE_LEN);
	FILE *file;

	pair_prepare(&site.pair);
	site.pair.server_tls = server_tls(NULL);
	CHECK_INT(mkdir(path_of("site"), 0755), ==, 0);
	file = fopen(path_of("site/page"), "w");
	fill_pattern(data, PAGE_LEN);
	CHECK(file && fwrite(data, 1, PAGE_LEN, file) == PAGE_LEN);
	CHECK_INT(fclose(file), ==, 0);
	free(data);
	site.files = weft_http_files_new(path_of("site"), NULL);
	site.server = weft_http_server_new(&(struct weft_http_server_options){
		.service = &weft_http_files_service, .arg = site.files});
	CHECK(site.files && site.server);
	CHECK_INT(weft_listener_use_tls(site.pair.listener, site.pair.server_tls), ==, 0);
	site.thread = peer_start(site_thread, NULL);
}

static void site_close(void)
{
	weft_http_server_stop(site.server);
	peer_end(site.thread);
	weft_http_server_free(site.server);
	weft_http_files_free(site.files);
	weft_tls_free(site.pair.server_tls);
	weft_listener_free(site.pair.listener);
	authority_end(&site.pair.authority);
}

/* The exit status of a shell command in the case's folder; %s in it is the server's address. */
__attribute__((format(printf, 1, 2))) static int sh(const char *format, ...)
{
	char command[1024], line[1200];
	va_list args;
	int status;

	va_start(args, format);
	vsnprintf(command, sizeof(command), format, args);
	va_end(args);
	snprintf(line, sizeof(line), "cd %s && timeout 100 %s", certificates_folder, command);
	status = system(line);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

CHECK_CASE(curl_fetches_files_over_one_encrypted_connection)
{
	const char *address = site.pair.address;

	site_open();
	CHECK_INT(sh("curl -sS -v --cacert authority.pem https://%s/page https://%s/page "
		     "-o one -o two 2>log",
			  address, address),
		==, 0);
	CHECK_INT(sh("cmp site/page one"), ==, 0);
	CHECK_INT(sh("cmp site/page two"), ==, 0);
	CHECK_INT(sh("grep -q 'Re-using existing connection' log"), ==, 0);
	CHECK_INT(sh("curl -sS -r 4999999- --cacert authority.pem https://%s/page -o part && "
		     "tail -c 12 site/page | cmp - part",
			  address),
		==, 0);
	site_close();
}

CHECK_CASE(plain_http_is_not_served_there)
{
	site_open();
	CHECK_INT(sh("curl -sS http://%s/page -o one 2>log", site.pair.address), ==, 0);
	CHECK_INT(sh("grep -q 'HTTPS only' one"), ==, 0);
	CHECK_INT(sh("curl -sS --cacert authority.pem https://%s/page -o one", site.pair.address),
		==, 0);
	site_close();
}

CHECK_MAIN()
