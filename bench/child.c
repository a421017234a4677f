/*
 * child.c - weft's own side: weft-bench run by itself as a contender.
 *
 * Entry points: child_run().
 */
#include "child.h"

#include <string.h>

static const struct {
	const char *name;
	child_fn *run;
} children[] = {
	{"switch", child_switch},
	{"yield", child_yield},
	{"spawn", child_spawn},
	{"spawn-join", child_spawn_join},
	{"wake", child_wake},
	{"park", child_park},
	{"timer", child_timer},
	{"scope", child_scope},
	{"lock", child_lock},
	{"chan", child_chan},
	{"chan-across", child_chan_across},
	{"queue", child_queue},
	{"shared", child_shared},
	{"trip", child_trip},
	{"pool", child_pool},
	{"pipe", child_pipe},
	{"process", child_process},
	{"chat-link", child_chat_link},
	{"chat-seal", child_chat_seal},
	{"udp", child_udp},
	{"files", child_files},
	{"rooms", child_rooms},
	{"rooms-posts", child_rooms_posts},
	{"rooms-memory", child_rooms_memory},
	{"accounts", child_accounts},
	{"echo", child_echo},
	{"echo-fd", child_echo_fd},
	{"http", child_http},
	{"https", child_https},
	{"ws", child_ws},
};

int child_run(const char *name, const char *argument)
{
	for (size_t i = 0; i < sizeof(children) / sizeof(*children); i++)
		if (strcmp(children[i].name, name) == 0)
			return children[i].run(argument);
	fprintf(stderr, "weft-bench: no contender \"%s\"\n", name);
	return 2;
}
