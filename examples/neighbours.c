/*
 * neighbours.c - announces itself on the local network, and tells who else comes and goes.
 *
 *	./neighbours Kitchen 8080	# and on another host, or in another terminal:
 *	./neighbours Attic 8081
 */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <weft/discover.h>
#include <weft/fiber.h>
#include <weft/utf8.h>

static int announce(void *announcer)
{
	return weft_announcer_run(announcer);
}

static void print(const char *what, const struct weft_discovered *found)
{
	char name[4 * sizeof(found->name)], host[INET_ADDRSTRLEN];
	struct weft_str str;

	/* A name is a stranger's text: shown so, it can't steer the terminal. */
	weft_str_init_in(&str, name, sizeof(name));
	weft_str_append_visible(&str, found->name, strlen(found->name));
	inet_ntop(AF_INET, &found->addresses[0], host, sizeof(host));
	printf("%s: %s at %s:%u\n", what, weft_str_text(&str), host, found->port);
	fflush(stdout);
}

static int watch(void *arg)
{
	static const char *const what[] = {"came", "changed", "left", "lost"};
	const struct weft_announcer_options *options = arg;
	struct weft_announcer *announcer = weft_announcer_new(options);
	struct weft_discovery *discovery = weft_discovery_new(NULL);
	struct weft_discovery_event event;

	if (!announcer || !discovery || !weft_spawn(announce, announcer)) {
		perror("neighbours");
		return 1;
	}
	while (weft_discovery_next(discovery, &event) == 0)
		if (event.found.instance != weft_announcer_instance(announcer))
			print(what[event.kind], &event.found);
	return 0;
}

int main(int argc, char **argv)
{
	struct weft_announcer_options options = {.name = argv[1], .service = "example"};

	if (argc != 3)
		return 2;
	options.port = (uint16_t)strtoul(argv[2], NULL, 10);
	return weft_run(NULL, watch, &options);
}
