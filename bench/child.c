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
	{"udp", child_udp},
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
