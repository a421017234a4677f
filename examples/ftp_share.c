/*
 * ftp_share.c - a folder by FTP: strangers may read it, and one person may change it.
 *
 *	$ ./ftp_share /srv/share anna secret 127.0.0.1:2121 &
 *	port 2121
 *	$ curl -T june.txt ftp://anna:secret@127.0.0.1:2121/
 *	$ curl ftp://127.0.0.1:2121/june.txt
 *
 * With a certificate (chain and key in one PEM file) as fifth argument, and curl --ssl-reqd, all of
 * it is encrypted.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "weft/weft.h"

struct person {
	const char *name, *password;
};

static int log_in(
	const struct weft_ftp_login *login, struct weft_files_visitor *ret_visitor, void *arg)
{
	const struct person *person = arg;

	if (strcmp(login->name, person->name) != 0 ||
		strcmp(login->password, person->password) != 0) {
		errno = EACCES;
		return -1;
	}
	*ret_visitor = (struct weft_files_visitor){.name = person->name, .rights = WEFT_FILES_ALL};
	return 0;
}

static int stop(void *server)
{
	const int signals[] = {SIGINT, SIGTERM};

	if (weft_signal_wait(signals, 2) > 0)
		weft_ftp_server_stop(server);
	return 0;
}

static int serve(void *arg)
{
	char **argv = arg;
	struct person person = {argv[2], argv[3]};
	const struct weft_tls_server_options certificate = {.certificate = argv[5]};
	struct weft_tls *tls = argv[5] ? weft_tls_server_new(&certificate, NULL) : NULL;
	struct weft_files *files = weft_files_new(argv[1], NULL);
	struct weft_ftp_server *server = weft_ftp_server_new(&(struct weft_ftp_server_options){
		.files = files,
		.login = log_in,
		.arg = &person,
		.allows_anonymous = true,
		.tls = tls,
	});
	struct weft_listener *listener = weft_listener_new(argv[4], NULL);
	int result = -1;

	if (listener)
		printf("port %u\n", weft_address_port(weft_listener_address(listener)));
	fflush(stdout);
	if (server && (tls || !argv[5]) && weft_spawn(stop, server))
		result = weft_ftp_server_run(server, listener);
	if (result < 0)
		perror(argv[1]);
	weft_listener_free(listener);
	weft_ftp_server_free(server);
	weft_files_free(files);
	weft_tls_free(tls);
	return result < 0;
}

int main(int argc, char **argv)
{
	if (argc < 5 || argc > 6) {
		fprintf(stderr, "usage: ftp_share DIR NAME PASSWORD HOST:PORT [CERTIFICATE]\n");
		return 2;
	}
	return weft_run(NULL, serve, argv);
}
