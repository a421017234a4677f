/*
 * share.h - an FTP server of a folder of its own in this process, and a peer that talks to it.
 *
 *	share.options.needs_tls = true;
 *	share_open();
 *	struct talk talk = talk_to_share();		// greeted
 *	CHECK_INT(say(&talk, "USER anna"), ==, 331);
 *	CHECK_INT(say(&talk, "PASS secret"), ==, 230);
 *	CHECK_INT(fetch(&talk, "RETR a.txt"), ==, 226);
 *	CHECK_STR(talk.data, "...");
 *	talk_end(&talk);
 *	share_close();
 *
 * The peer runs on the case's own thread, outside of any fiber.
 */
#ifndef TESTS_FTP_SHARE_H
#define TESTS_FTP_SHARE_H

#include <dirent.h>
#include <fcntl.h>
#include <ftw.h>
#include <pthread.h>
#include <stdarg.h>
#include <sys/stat.h>

#include "check.h"
#include "ftp/server.h"
#include "weft/fiber.h"
#include "weft/ftp.h"
#include "weft/scope.h"
#include "weft/socket.h"
#include "weft/tls.h"

static struct {
	char dir[64];
	struct weft_ftp_server_options options;
	struct weft_files_options files_options;
	unsigned rights; /* of anna, who is "secret" */
	const char *driver;
	const char *base;              /* where the folder is; NULL: /tmp */
	struct weft_tls *listener_tls; /* implicit TLS */
	struct weft_files *files;
	struct weft_ftp_server *server;
	struct weft_listener *listener;
	char address[WEFT_ADDRESS_TEXT_MAX];
	pthread_t thread;
	int result;
} share = {.rights = WEFT_FILES_ALL};

static __attribute__((unused)) int share_login(
	const struct weft_ftp_login *login, struct weft_files_visitor *ret_visitor, void *arg)
{
	(void)arg;
	if (strcmp(login->name, "anna") != 0 || strcmp(login->password, "secret") != 0) {
		errno = EACCES;
		return -1;
	}
	*ret_visitor = (struct weft_files_visitor){.name = "anna", .rights = share.rights};
	return 0;
}

static int share_run(void *arg)
{
	(void)arg;
	share.result = weft_ftp_server_run(share.server, share.listener);
	return 0;
}

/* Other models than fibers need no weft_run(), and have threads or processes of their own. */
static void *share_thread(void *arg)
{
	const struct weft_run_options options = {.workers = 2, .driver = share.driver};

	if (share.options.model)
		share_run(NULL);
	else
		CHECK_INT(weft_run(&options, share_run, NULL), ==, 0);
	return arg;
}

static void share_open(void)
{
	snprintf(share.dir, sizeof(share.dir), "%s/weft-ftp-XXXXXX",
		share.base ? share.base : "/tmp");
	CHECK(mkdtemp(share.dir) != NULL);
	share.files = weft_files_new(share.dir, &share.files_options);
	share.options.files = share.files;
	if (!share.options.login)
		share.options.login = share_login;
	share.server = weft_ftp_server_new(&share.options);
	share.listener = weft_listener_new("127.0.0.1:0", NULL);
	CHECK(share.files && share.server && share.listener);
	share.server->login_delay_ns = WEFT_MILLISECONDS(1);
	if (share.listener_tls)
		CHECK_INT(weft_listener_use_tls(share.listener, share.listener_tls), ==, 0);
	weft_address_print(
		weft_listener_address(share.listener), share.address, sizeof(share.address));
	CHECK_INT(pthread_create(&share.thread, NULL, share_thread, NULL), ==, 0);
}

static int share_remove_one(const char *path, const struct stat *stat, int type, struct FTW *walk)
{
	(void)stat, (void)type, (void)walk;
	return remove(path);
}

static void share_close(void)
{
	weft_ftp_server_stop(share.server);
	weft_ftp_server_stop(share.server); /* twice is once */
	CHECK_INT(pthread_join(share.thread, NULL), ==, 0);
	CHECK_INT(share.result, ==, 0);
	weft_listener_free(share.listener);
	weft_ftp_server_free(share.server);
	weft_files_free(share.files);
	nftw(share.dir, share_remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

/* ---- What lies in the folder ---------------------------------------------------------------- */

static __attribute__((unused)) const char *share_path(const char *name)
{
	static char path[512];

	snprintf(path, sizeof(path), "%s/%s", share.dir, name);
	return path;
}

static __attribute__((unused)) void share_put(const char *name, const void *data, size_t len)
{
	int fd = open(share_path(name), O_WRONLY | O_CREAT | O_TRUNC, 0644);

	CHECK(fd >= 0);
	CHECK_INT(write(fd, data, len), ==, (ssize_t)len);
	close(fd);
}

/* Its length; -1: there is none. */
static __attribute__((unused)) ssize_t share_get(const char *name, char *buffer, size_t size)
{
	int fd = open(share_path(name), O_RDONLY);
	ssize_t len = fd < 0 ? -1 : read(fd, buffer, size - 1);

	if (len >= 0)
		buffer[len] = '\0';
	if (fd >= 0)
		close(fd);
	return len;
}

/* Whether the file has this text, and nothing else. */
static __attribute__((unused)) bool share_has(const char *name, const char *text)
{
	static char buffer[65536];

	return share_get(name, buffer, sizeof(buffer)) >= 0 && strcmp(buffer, text) == 0;
}

/* ---- A peer -----------------------------------------------------------------------------------
 */

struct talk {
	struct weft_stream *control;
	char reply[16384]; /* all lines of the last one */
	bool is_private;   /* data goes by TLS */
	char *data;        /* by fetch(), with a NUL behind it */
	size_t len;
};

/* Read a reply. Its code; 0: the connection has ended, or nothing has come for a minute. */
static int hear(struct talk *talk)
{
	size_t len = 0;
	const char *line;
	ssize_t count = -1;

	talk->reply[0] = '\0';
	do {
		WEFT_WITH_TIMEOUT (WEFT_SECONDS(60))
			count = weft_stream_readline(talk->control, &line);
		if (count <= 0)
			return 0;
		CHECK(len + (size_t)count < sizeof(talk->reply));
		memcpy(talk->reply + len, line, (size_t)count);
		len += (size_t)count;
		talk->reply[len] = '\0';
		line = talk->reply + len - count;
	} while (count < 4 || line[3] != ' ' || strspn(line, "0123456789") != 3);
	return (int)strtol(line, NULL, 10);
}

static void send_bytes(struct talk *talk, const char *data, size_t len)
{
	CHECK_INT(weft_stream_write_all(talk->control, data, len), ==, 0);
	CHECK_INT(weft_stream_flush(talk->control), ==, 0);
}

__attribute__((format(printf, 2, 3))) static int say(struct talk *talk, const char *format, ...)
{
	char line[8192];
	va_list args;
	int len;

	va_start(args, format);
	len = vsnprintf(line, sizeof(line) - 2, format, args);
	va_end(args);
	memcpy(line + len, "\r\n", 2);
	send_bytes(talk, line, (size_t)len + 2);
	return hear(talk);
}

static __attribute__((unused)) bool heard(const struct talk *talk, const char *text)
{
	return strstr(talk->reply, text) != NULL;
}

/* A connection, greeted. */
static struct talk talk_to_share(void)
{
	struct talk talk = {.control = weft_stream_connect(share.address)};

	CHECK(talk.control != NULL);
	CHECK_INT(hear(&talk), ==, 220);
	return talk;
}

static __attribute__((unused)) struct talk log_in(void)
{
	struct talk talk = talk_to_share();

	CHECK_INT(say(&talk, "USER anna"), ==, 331);
	CHECK_INT(say(&talk, "PASS secret"), ==, 230);
	CHECK_INT(say(&talk, "TYPE I"), ==, 200);
	return talk;
}

static __attribute__((unused)) void talk_end(struct talk *talk)
{
	CHECK_INT(say(talk, "QUIT"), ==, 221);
	weft_stream_free(talk->control);
	free(talk->data);
}

/* A data connection by EPSV, in the clear. */
static struct weft_stream *call_data(struct talk *talk)
{
	char address[64];
	struct weft_stream *data;
	unsigned port;

	CHECK_INT(say(talk, "EPSV"), ==, 229);
	CHECK_INT(sscanf(strchr(talk->reply, '('), "(|||%u|)", &port), ==, 1);
	snprintf(address, sizeof(address), "127.0.0.1:%u", port);
	data = weft_stream_connect(address);
	CHECK(data != NULL);
	return data;
}

static __attribute__((unused)) void start_data_tls(struct talk *talk, struct weft_stream *data)
{
	if (talk->is_private)
		CHECK_INT(weft_stream_start_tls_beside(data, talk->control), ==, 0);
}

/* Read it all, into talk->data. */
static void read_data(struct talk *talk, struct weft_stream *data)
{
	size_t size = 65536;
	ssize_t count;

	free(talk->data);
	talk->data = malloc(size + 1);
	talk->len = 0;
	for (;;) {
		if (talk->len == size)
			talk->data = realloc(talk->data, (size *= 2) + 1);
		CHECK(talk->data != NULL);
		count = weft_stream_read(data, talk->data + talk->len, size - talk->len);
		CHECK_INT(count, >=, 0);
		if (count == 0)
			break;
		talk->len += (size_t)count;
	}
	talk->data[talk->len] = '\0';
}

/* The command's last reply: 226, or why there was no data. */
static __attribute__((unused)) int fetch(struct talk *talk, const char *command)
{
	struct weft_stream *data = call_data(talk);
	int code = say(talk, "%s", command);

	if (code == 150) {
		start_data_tls(talk, data);
		read_data(talk, data);
		code = hear(talk);
	}
	weft_stream_free(data);
	return code;
}

static __attribute__((unused)) int store(
	struct talk *talk, const char *command, const void *bytes, size_t len)
{
	struct weft_stream *data = call_data(talk);
	int code = say(talk, "%s", command);

	if (code == 150) {
		start_data_tls(talk, data);
		CHECK_INT(weft_stream_write_all(data, bytes, len), ==, 0);
		CHECK_INT(weft_stream_shutdown_write(data), ==, 0);
		code = hear(talk);
	}
	weft_stream_free(data);
	return code;
}

#endif
