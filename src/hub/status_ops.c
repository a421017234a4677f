/*
 * status_ops.c - a server's status as operations of the API: for who may operate it.
 */
#include <errno.h>

#include "account_ops.h"
#include "status.h"

/* A command on the database itself has no server to look at. */
static int has_status(struct hub_ask *ask)
{
	if (ask->status_of)
		return 0;
	weft__hub_ask_refuse(ask, 404, "", "this is of a server that runs");
	errno = ENOENT;
	return -1;
}

int weft__hub_show_status(struct hub_ask *ask)
{
	json_t *json;

	if (has_status(ask) < 0)
		return -1;
	json = weft__hub_status_json(ask->status_of);
	return json ? weft__hub_give(ask, json) : -1;
}

int weft__hub_list_fibers(struct hub_ask *ask)
{
	struct hub_fibers_query query = {.find = weft__hub_text(ask, "find"),
		.limit = weft__hub_number(ask, "limit", HUB_STATUS_FIBERS_DEFAULT)};

	if (has_status(ask) < 0)
		return -1;
	query.forks = weft__hub_status_forks(ask->status_of);
	return weft__hub_status_fibers(&query, ask->write, ask->write_arg);
}
