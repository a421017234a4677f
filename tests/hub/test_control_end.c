/*
 * test_control_end.c - the control socket ends while the server's numbers are still looked at.
 */
#include "check.h"

#include <stdlib.h>
#include <unistd.h>

#include "hub/control.h"
#include "hub/status.h"
#include "weft/fiber.h"
#include "weft/serve.h"

static int end_and_look(void *arg)
{
	struct hub_status *status = weft__hub_status_new();
	struct hub_control *control =
		weft__hub_control_new(&(struct hub_control_options){.status = status});
	struct hub_status_door door = {.name = "control"};
	struct hub_status_sources sources = {.model = "fiber", .doors = &door, .door_count = 1};
	struct weft_serve_counts counts = {.accepted = 1};

	CHECK(status && control);
	CHECK_INT(weft__hub_control_begin(control, arg), ==, 0);
	door.listener = weft__hub_control_listener(control);
	CHECK_INT(weft__hub_status_begin(status, &sources), ==, 0);
	weft__hub_control_end(control);
	/* As the fiber that looks each second may do at this moment. */
	weft_serve_counts(door.listener, &counts);
	CHECK_INT(counts.accepted, ==, 0);
	weft__hub_status_end(status);
	weft__hub_control_end(control); /* has ended already */
	weft__hub_control_free(control);
	CHECK(access(arg, F_OK) < 0);
	weft__hub_status_free(status);
	return 0;
}

CHECK_CASE(who_counts_its_connections_may_do_so_until_it_is_freed)
{
	const struct weft_run_options two = {.workers = 2};
	char dir[] = "/tmp/weft-test-XXXXXX", path[64];

	CHECK(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/control", dir);
	CHECK_INT(weft_run(&two, end_and_look, path), ==, 0);
	CHECK_INT(rmdir(dir), ==, 0);
}

CHECK_MAIN()
