/*
 * replaced.c - a server that is replaced five times while somebody asks it: nobody is refused.
 *
 * The listener is handed to each process of the server; who comes while one gives way to the next
 * waits in its backlog. weft_supervisor_stop() comes when nobody asks any more: who connects after
 * that would wait for ever.
 */
#include <signal.h>
#include <stdio.h>
#include <weft/address.h>
#include <weft/fiber.h>
#include <weft/manager.h>
#include <weft/serve.h>
#include <weft/supervisor.h>

static struct weft_listener *listener;
static int replaced;
static bool is_over;

static void stop(int number)
{
	(void)number;
	weft_serve_stop(listener);
}

static int hello(struct weft_stream *peer, void *arg)
{
	(void)arg;
	return (int)weft_stream_write_all(peer, "hello\n", 6);
}

static int web(void) /* the program again, as the supervisor starts it */
{
	listener = weft_listener_from_fd(weft_manager_take("web"));
	sigaction(SIGTERM, &(struct sigaction){.sa_handler = stop}, NULL);
	weft_manager_tell("READY=1");
	return weft_serve(listener, hello, NULL, &(struct weft_serve_options){.model = "thread"});
}

static int supervise(void *all)
{
	return weft_supervisor_run(all);
}

static int replace(void *all)
{
	weft_supervisor_await(all, "web");
	while (replaced < 5 && weft_supervisor_replace(all, "web", NULL) == 0)
		replaced++;
	is_over = true;
	return 0;
}

static int ask(void *all)
{
	char address[WEFT_ADDRESS_TEXT_MAX];
	const char *line;
	int refused = 0;

	weft_address_print(weft_listener_address(listener), address, sizeof address);
	weft_spawn(supervise, all);
	weft_spawn(replace, all);
	while (!is_over) {
		struct weft_stream *peer = weft_stream_connect(address);

		if (!peer || weft_stream_readline(peer, &line) != 6)
			refused++;
		weft_stream_free(peer);
	}
	weft_supervisor_stop(all);
	printf("%d times replaced, %d refused\n", replaced, refused);
	return 0;
}

static int supervise_web(const char *program)
{
	const char *const words[] = {program, "web", NULL};
	const struct weft_supervisor_child child = {
		.name = "web", .argv = words, .tells_ready = true};
	struct weft_supervisor *all = weft_supervisor_new(NULL);

	listener = weft_listener_new("127.0.0.1:0", NULL);
	if (!all || !listener || weft_supervisor_hand(all, "web", weft_listener_fd(listener)) < 0 ||
		weft_supervisor_add(all, &child) < 0 ||
		weft_run(&(struct weft_run_options){.workers = 1}, ask, all) < 0)
		return perror("replaced"), 1;
	weft_supervisor_free(all);
	weft_listener_free(listener);
	return 0;
}

int main(int argc, char **argv)
{
	return argc > 1 ? web() : supervise_web(argv[0]);
}
