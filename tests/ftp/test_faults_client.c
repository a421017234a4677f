/*
 * test_faults_client.c - memory, descriptors and threads are refused to an FTP client: a call is
 * done or says why not, and keeps nothing.
 */
#include "faults.h"

#ifdef HAS_FAULTS

#include <arpa/inet.h>

#include "io/place.h"
#include "weft/ftp_client.h"

static char host[64];
static pid_t server_pid;

/* ---- A server ----------------------------------------------------------------------- */

static const char facts[] = "type=file;size=5;modify=20010203040506; a";

/* What each command gets, by how it begins; data is sent, or with "" taken. */
static const struct {
	const char *begin, *reply, *data;
} answers[] = {
	{"USER", "230 in\r\n", NULL},
	{"FEAT", "211-\r\n EPSV\r\n MLST\r\n SIZE\r\n MFMT\r\n REST STREAM\r\n211 end\r\n", NULL},
	{"PWD", "257 \"/\"\r\n", NULL},
	{"MLST", "250-\r\n type=file;size=5;modify=20010203040506; a\r\n250 end\r\n", NULL},
	{"SIZE", "213 5\r\n", NULL},
	{"REST", "350 on\r\n", NULL},
	{"RETR", "150 soon\r\n", "hello"},
	{"MLSD", "150 soon\r\n", facts},
	{"STOR", "150 soon\r\n", ""},
	{"AUTH", "502 no\r\n", NULL},
};

static void send_text(int fd, const char *text)
{
	send(fd, text, strlen(text), MSG_NOSIGNAL);
}

static int listen_anywhere(struct sockaddr_in *address)
{
	socklen_t len = sizeof(*address);
	int listener = socket(AF_INET, SOCK_STREAM, 0);

	*address = (struct sockaddr_in){.sin_family = AF_INET};
	address->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	CHECK_INT(bind(listener, (struct sockaddr *)address, sizeof(*address)), ==, 0);
	CHECK_INT(listen(listener, 64), ==, 0);
	CHECK_INT(getsockname(listener, (struct sockaddr *)address, &len), ==, 0);
	return listener;
}

static void move_data(int fd, int *listener, const char *data)
{
	int made = accept(*listener, NULL, NULL);
	char bytes[64];

	send_text(made, data);
	while (!*data && read(made, bytes, sizeof(bytes)) > 0)
		;
	close(made);
	close(*listener);
	*listener = -1;
	send_text(fd, "226 done\r\n");
}

static void answer(int fd, const char *line, int *listener)
{
	struct sockaddr_in address;
	char text[64];

	if (strncmp(line, "EPSV", 4) == 0) {
		close(*listener);
		*listener = listen_anywhere(&address);
		snprintf(text, sizeof(text), "229 (|||%u|)\r\n", ntohs(address.sin_port));
		send_text(fd, text);
		return;
	}
	for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
		if (strncmp(line, answers[i].begin, strlen(answers[i].begin)) != 0)
			continue;
		send_text(fd, answers[i].reply);
		if (answers[i].data)
			move_data(fd, listener, answers[i].data);
		return;
	}
	send_text(fd, "200 fine\r\n");
}

/* A process for each connection: one that is left where it waits keeps nobody. */
static void serve(int fd)
{
	int listener = -1;
	char line[256];
	size_t len = 0;

	send_text(fd, "220 ready\r\n");
	while (read(fd, line + len, 1) == 1) {
		if (line[len] == '\n') {
			line[len] = '\0';
			answer(fd, line, &listener);
			len = 0;
		} else if (len < sizeof(line) - 1) {
			len++;
		}
	}
	_exit(0);
}

static void server_start(void)
{
	struct sockaddr_in address;
	int listener = listen_anywhere(&address);

	place_make();
	place_write("up", "world");
	snprintf(host, sizeof(host), "127.0.0.1:%u", ntohs(address.sin_port));
	server_pid = fork();
	if (server_pid == 0)
		sigaction(SIGCHLD, &(struct sigaction){.sa_handler = SIG_IGN}, NULL);
	while (server_pid == 0) {
		int fd = accept(listener, NULL, NULL);

		if (fork() == 0)
			serve(fd);
		close(fd);
	}
	close(listener);
}

static void server_end(void)
{
	kill(server_pid, SIGKILL);
	waitpid(server_pid, NULL, 0);
}

/* ---- A client ----------------------------------------------------------------------- */

/* Refused or late: without memory for a deadline, it counts as passed (weft/scope.h). */
static bool went(int result)
{
	return FAULTS_TRY(result >= 0 || errno == ETIMEDOUT) && result >= 0;
}

static void list(struct weft_ftp_client *client)
{
	struct weft_ftp_list entries;

	if (!went(weft_ftp_client_list(client, NULL, &entries)))
		return;
	CHECK_INT(entries.count, ==, 1);
	CHECK_STR(entries.entries[0].name, "a");
	weft_ftp_list_fini(&entries);
}

static int use_client(void *arg)
{
	struct weft_ftp_fault fault = {.kind = WEFT_FTP_NO_FAULT};
	const struct weft_ftp_client_options options = {
		.user = "ada", .password = "secret", .ret_fault = &fault};
	struct weft_ftp_client *client = weft_ftp_client_connect(host, &options);

	FAULTS_TRY(client != NULL || errno == ETIMEDOUT);
	if (!client) {
		CHECK(fault.kind != WEFT_FTP_NO_FAULT && fault.text[0]);
		return 0;
	}
	list(client);
	if (went(weft_ftp_client_download(client, "a", place("down"), NULL)))
		CHECK_INT(unlink(place("down")), ==, 0);
	went(weft_ftp_client_upload(client, place("up"), "up", NULL));
	weft_ftp_client_free(client);
	return (int)(intptr_t)arg;
}

CHECK_CASE(in_a_thread_a_client_fails_and_keeps_nothing)
{
	server_start();
	CHECK_INT(faults_sweep(use_client, NULL), >, 10);
	server_end();
}

CHECK_CASE(in_a_fiber_a_client_fails_and_keeps_nothing)
{
	server_start();
	CHECK_INT(faults_sweep_in_run(use_client), >, 10);
	server_end();
}

#else

CHECK_CASE(faults_are_met_in_the_release_build_only)
{
}

#endif

CHECK_MAIN()
