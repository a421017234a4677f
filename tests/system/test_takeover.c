/*
 * test_takeover.c - `weft serve` under a supervisor: replaced again and again, and nobody who asks
 * meanwhile is refused, cut off or left without an answer.
 */
#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/socket.h>

#include "check.h"
#include "weft/address.h"
#include "weft/fiber.h"
#include "weft/log.h"
#include "weft/serve.h"
#include "weft/supervisor.h"

/* A sanitizer's start takes as long as many others. */
#ifdef __SANITIZE_ADDRESS__
#define RESTARTS 8
#else
#define RESTARTS 50
#endif

static struct weft_listener *listener;
static struct weft_supervisor *supervisor;
static char folder[64];

static const char *weft_program(void)
{
	static char path[4096];
	const char *build = getenv("WEFT_BUILD");

	snprintf(path, sizeof path, "%s/weft", build ? build : "build");
	if (access(path, X_OK) < 0)
		check_skip("there is no weft to be started");
	return path;
}

static void *run_supervisor(void *arg)
{
	CHECK_INT(weft_supervisor_run(arg), ==, 0);
	return NULL;
}

static pthread_t begin(void)
{
	const char *const serve[] = {weft_program(), "serve", folder, "--http", "fd:web",
		"--workers", "1", "--state", "none", NULL};
	pthread_t thread;
	FILE *file;
	char path[96];

	weft_log_set_level(WEFT_LOG_ERROR);
	snprintf(folder, sizeof folder, "/tmp/weft-takeover-XXXXXX");
	CHECK(mkdtemp(folder) != NULL);
	snprintf(path, sizeof path, "%s/a.txt", folder);
	file = fopen(path, "w");
	CHECK(file && fputs("hello", file) >= 0 && fclose(file) == 0);
	listener = weft_listener_new("127.0.0.1:0", NULL);
	supervisor = weft_supervisor_new(NULL);
	CHECK(listener != NULL && supervisor != NULL);
	CHECK_INT(weft_supervisor_hand(supervisor, "web", weft_listener_fd(listener)), ==, 0);
	CHECK_INT(weft_supervisor_add(supervisor,
			  &(struct weft_supervisor_child){
				  .name = "web", .argv = serve, .tells_ready = true}),
		==, 0);
	CHECK_INT(pthread_create(&thread, NULL, run_supervisor, supervisor), ==, 0);
	CHECK_INT(weft_supervisor_await(supervisor, "web"), ==, 0);
	return thread;
}

static void finish(pthread_t thread)
{
	char command[96];

	weft_supervisor_stop(supervisor);
	pthread_join(thread, NULL);
	weft_supervisor_free(supervisor);
	weft_listener_free(listener);
	snprintf(command, sizeof command, "rm -r %s", folder);
	CHECK_INT(system(command), ==, 0);
}

/* ---- Who asks -----------------------------------------------------------------------------------
 */

static int come(void)
{
	const struct weft_address *address = weft_listener_address(listener);
	struct sockaddr_in to = {.sin_family = AF_INET,
		.sin_port = htons(weft_address_port(address)),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	CHECK_INT(connect(fd, (struct sockaddr *)&to, sizeof to), ==, 0);
	return fd;
}

/* Whether there was an answer, which is the right one. False: it was closed before it. */
static bool ask(int fd, bool *ret_stays)
{
	static const char request[] = "GET /a.txt HTTP/1.1\r\nHost: localhost\r\n\r\n";
	char answer[2048];
	size_t have = 0;
	ssize_t len = send(fd, request, sizeof request - 1, MSG_NOSIGNAL);

	if (len < 0 && errno == EPIPE)
		return false;
	CHECK_INT(len, ==, sizeof request - 1);
	for (;;) {
		len = recv(fd, answer + have, sizeof answer - 1 - have, 0);
		if (len == 0 && have == 0)
			return false;
		CHECK_INT(len, >, 0);
		have += (size_t)len;
		answer[have] = 0;
		if (strstr(answer, "\r\n\r\nhello"))
			break;
	}
	CHECK(strncmp(answer, "HTTP/1.1 200 ", 13) == 0);
	*ret_stays = !strstr(answer, "onnection: close");
	return true;
}

static atomic_bool is_over;
static atomic_ulong answers;

/* The first request over a connection. False: it came so late that the server need not have
 * waited for it, because this machine has let us stand. */
static bool ask_first(int *ret_fd, bool *ret_stays)
{
	int64_t began = weft_now();

	*ret_fd = come();
	if (ask(*ret_fd, ret_stays))
		return true;
	CHECK_INT(weft_now() - began, >=, WEFT_MILLISECONDS(100));
	return false;
}

static void *ask_anew(void *arg)
{
	(void)arg;
	while (!atomic_load(&is_over)) {
		bool stays;
		int fd;

		if (ask_first(&fd, &stays))
			atomic_fetch_add(&answers, 1);
		close(fd);
	}
	return NULL;
}

/* One who stays may be let go between two requests (RFC 9112, 9.3.1), but not before the first. */
static void *ask_on(void *arg)
{
	(void)arg;
	while (!atomic_load(&is_over)) {
		bool stays = true;
		int fd;

		stays = ask_first(&fd, &stays) && stays;
		while (stays && !atomic_load(&is_over) && ask(fd, &stays))
			atomic_fetch_add(&answers, 1);
		close(fd);
	}
	return NULL;
}

CHECK_CASE(fifty_replacements_under_load_refuse_reset_and_lose_nobody)
{
	void *(*const loads[])(void *) = {ask_anew, ask_on, ask_on};
	pthread_t runner = begin(), threads[3];

	for (int i = 0; i < 3; i++)
		CHECK_INT(pthread_create(&threads[i], NULL, loads[i], NULL), ==, 0);
	for (int i = 0; i < RESTARTS; i++) {
		unsigned long before = atomic_load(&answers);

		CHECK_INT(weft_supervisor_replace(supervisor, "web", NULL), ==, 0);
		while (atomic_load(&answers) < before + 5)
			sched_yield();
	}
	atomic_store(&is_over, true);
	for (int i = 0; i < 3; i++)
		pthread_join(threads[i], NULL);
	finish(runner);
	printf("# %lu answers\n", atomic_load(&answers));
}

CHECK_CASE(who_is_idle_when_the_server_goes_is_let_go_by_an_end_and_no_reset)
{
	pthread_t runner = begin();
	int silent = come(), idle = come();
	bool stays;
	char byte;

	CHECK(ask(idle, &stays) && stays);
	CHECK_INT(weft_supervisor_replace(supervisor, "web", NULL), ==, 0);
	CHECK_INT(recv(idle, &byte, 1, 0), ==, 0);
	CHECK_INT(recv(silent, &byte, 1, 0), ==, 0);
	close(idle);
	close(silent);
	finish(runner);
}

CHECK_MAIN()
