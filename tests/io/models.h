/*
 * models.h - a server under test by each model, in a thread of its own or in a fiber, and its
 * visitors.
 *
 * MODEL=name in the environment: that one only.
 */
#ifndef TESTS_IO_MODELS_H
#define TESTS_IO_MODELS_H

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include "own_address.h"
#include "both.h"
#include "descriptors.h"
#include "weft/scope.h"
#include "weft/serve.h"
#include "weft/sim.h"
#include "weft/socket.h"

/* A server in a thread of its own, and what its handlers tell, from whichever process. */
static struct {
	struct weft_listener *listener;
	weft_handler_fn *handler;
	struct weft_serve_options options;
	bool in_fiber, is_stopped_first;
	pthread_t thread;
	int result, code;
	int told[2]; /* a pipe: a byte for each thing that a handler tells */
} house;

static inline int serve(void *arg)
{
	(void)arg;
	house.result = weft_serve(house.listener, house.handler, "arg", &house.options);
	house.code = errno;
	return 0;
}

/* A child that is forked while another worker allocates finds the sanitizer's allocator locked. */
#ifdef __SANITIZE_ADDRESS__
#define HOUSE_WORKERS 1
#else
#define HOUSE_WORKERS 2
#endif

static inline void *run_house(void *arg)
{
	if (house.in_fiber)
		weft_run(&(struct weft_run_options){.workers = HOUSE_WORKERS}, serve, arg);
	else
		serve(arg);
	return NULL;
}

static inline void house_open(weft_handler_fn *handler)
{
	house.listener = weft_listener_new(own_address(), NULL);
	CHECK(house.listener != NULL);
	house.handler = handler;
	CHECK_INT(pipe2(house.told, O_CLOEXEC), ==, 0);
	house.thread = peer_start(run_house, NULL);
}

static inline void house_close(void)
{
	weft_serve_stop(house.listener);
	peer_end(house.thread);
	CHECK_INT(house.result, ==, 0);
	/* Nobody is left: no child, and no zombie. */
	CHECK_ERRNO(waitpid(-1, NULL, WNOHANG), ECHILD);
}

static inline void house_end(void)
{
	weft_listener_free(house.listener);
	close(house.told[0]);
	close(house.told[1]);
}

static inline void tell(char what)
{
	CHECK_INT(write(house.told[1], &what, 1), ==, 1);
}

static inline char hear_told(void)
{
	char what;

	CHECK_INT(read(house.told[0], &what, 1), ==, 1);
	return what;
}

static inline int visit(void)
{
	const struct weft_address *address = weft_listener_address(house.listener);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	CHECK_INT(connect(fd, &address->any, address->len), ==, 0);
	return fd;
}

static inline void say(int fd, const char *text)
{
	CHECK_INT(send(fd, text, strlen(text), MSG_NOSIGNAL), ==, strlen(text));
}

static inline void hear(int fd, const char *text)
{
	char data[100];

	CHECK_INT(recv(fd, data, strlen(text), MSG_WAITALL), ==, strlen(text));
	CHECK_MEM(data, text, strlen(text));
}

/* Processes may have copies of our end: close(2) alone would end nothing. */
static inline void leave(int fd)
{
	CHECK_INT(shutdown(fd, SHUT_RDWR), ==, 0);
	close(fd);
}

/* The end of the connection, by FIN or by reset. */
static inline void hear_end(int fd)
{
	char byte;

	CHECK_INT(recv(fd, &byte, 1, 0), <=, 0);
	close(fd);
}

static inline struct weft_serve_counts counts(void)
{
	struct weft_serve_counts now;

	weft_serve_counts(house.listener, &now);
	return now;
}

static inline bool has_pidfd(void)
{
	int fd = (int)syscall(SYS_pidfd_open, getpid(), 0);

	close(fd);
	return fd >= 0;
}

/* Both callers, each with every model that has one of the letters. */
#define FIBER   1
#define LOOP    2
#define THREAD  4
#define POOL    8
#define FORK    16
#define PREFORK 32
#define ALL     63

static inline void with_models(unsigned which, void (*body)(void))
{
	const char *only = getenv("MODEL");

	for (int caller = 0; caller < 2; caller++)
		for (size_t i = 0; weft_serve_model_at(i); i++) {
			int before = descriptors();
			const char *model = weft_serve_model_at(i);

			if (!(which & 1U << i) || (only && strcmp(only, model) != 0))
				continue;
			if (1U << i & (FORK | PREFORK) && !has_pidfd())
				continue; /* Debian 12's valgrind has none */
			memset(&house, 0, sizeof(house));
			house.in_fiber = caller == 1;
			house.options = (struct weft_serve_options){.model = model, .size = 3};
			printf("# %s%s\n", model, caller ? ", in a fiber" : "");
			fflush(stdout);
			body();
			CHECK_INT(descriptors(), ==, before);
		}
}

static inline int echo(struct weft_stream *peer, void *arg)
{
	const char *line;
	ssize_t len;

	CHECK_STR(arg, "arg");
	while ((len = weft_stream_readline(peer, &line)) > 0)
		if (weft_stream_write_all(peer, line, (size_t)len) < 0 ||
			weft_stream_flush(peer) < 0)
			return -1;
	return (int)len;
}

#endif
