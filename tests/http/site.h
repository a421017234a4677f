/*
 * site.h - an HTTP server in this process, on two workers, and a raw peer of it.
 *
 *	site.options.rate = 10;
 *	site_open(&service);
 *	CHECK(has(ask("GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"), "200 OK"));
 *	site_close();
 */
#ifndef TESTS_HTTP_SITE_H
#define TESTS_HTTP_SITE_H

#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <sys/socket.h>

#include "check.h"
#include "weft/fiber.h"
#include "weft/http_files.h"
#include "weft/scope.h"

static struct {
	const char *address; /* NULL: a free port of 127.0.0.1 */
	unsigned workers;    /* 0: 2 */
	struct weft_listener *listener;
	struct weft_http_server *server;
	struct weft_http_server_options options;
	pthread_t thread;
} site;

static int site_run(void *arg)
{
	(void)arg;
	return weft_http_server_run(site.server, site.listener);
}

static void *site_thread(void *arg)
{
	const struct weft_run_options options = {.workers = site.workers ? site.workers : 2};

	CHECK_INT(weft_run(&options, site_run, NULL), ==, 0);
	return arg;
}

static void site_open(const struct weft_http_service *service)
{
	site.options.service = service;
	site.server = weft_http_server_new(&site.options);
	site.listener = weft_listener_new(site.address ? site.address : "127.0.0.1:0", NULL);
	CHECK(site.server && site.listener);
	CHECK_INT(pthread_create(&site.thread, NULL, site_thread, NULL), ==, 0);
}

static void site_close(void)
{
	weft_http_server_stop(site.server);
	CHECK_INT(pthread_join(site.thread, NULL), ==, 0);
	weft_listener_free(site.listener);
	weft_http_server_free(site.server);
}

static int visit(void)
{
	const struct weft_address *address = weft_listener_address(site.listener);
	int fd = socket(weft_address_family(address), SOCK_STREAM | SOCK_CLOEXEC, 0);

	CHECK_INT(connect(fd, &address->any, address->len), ==, 0);
	return fd;
}

/* Bytes that come in pieces. */
static void say_in_pieces(int fd, const char *data, size_t len, size_t piece)
{
	for (size_t at = 0; at < len; at += piece) {
		size_t some = len - at < piece ? len - at : piece;

		CHECK_INT(send(fd, data + at, some, MSG_NOSIGNAL), ==, some);
		if (piece < 100)
			sched_yield();
	}
}

__attribute__((unused)) static void say(int fd, const char *text)
{
	say_in_pieces(fd, text, strlen(text), SIZE_MAX);
}

/* All that is answered, up to the end of the connection. */
static const char *hear_all(int fd)
{
	static char text[300000];
	size_t len = 0;
	ssize_t some;

	while ((some = recv(fd, text + len, sizeof(text) - 1 - len, 0)) > 0)
		len += (size_t)some;
	text[len] = '\0';
	close(fd);
	return text;
}

/* What is answered to requests of which the last ends the connection. */
__attribute__((unused)) static const char *ask(const char *requests)
{
	int fd = visit();

	say(fd, requests);
	return hear_all(fd);
}

static bool has(const char *text, const char *part)
{
	return strstr(text, part) != NULL;
}

#endif
