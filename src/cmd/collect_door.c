/*
 * collect_door.c - where `weft collect` listens: the sockets of its command line.
 */
#include <stdio.h>
#include <string.h>

#include "collect.h"
#include "service.h"

#define UNIX_PREFIX "unix:"

/** At all addresses together: other descriptors are needed, too. */
#define SELECT_CONNECTIONS_MAX 900

/* select(2) knows no descriptor from 1024 on. */
static unsigned connections_for_each(const struct collect *collect)
{
	unsigned doors = collect->tcp.count + collect->unix_stream.count;
	unsigned most = SELECT_CONNECTIONS_MAX / (doors ? doors : 1);

	if (strcmp(weft_driver_name(), "select") == 0 && most < collect->connections_max)
		return most;
	return collect->connections_max;
}

static struct collect_door *add_door(struct collect *collect)
{
	struct collect_door *door = &collect->doors[collect->door_count++];

	*door = (struct collect_door){.collect = collect};
	weft_sem_init(&door->connections, connections_for_each(collect), "connections");
	return door;
}

static int open_tcp(struct collect *collect, const char *host_port)
{
	struct collect_door *door = add_door(collect);
	int status = weft__cmd_listen(COLLECT_NAME, "tcp", host_port, NULL, &door->listener);

	if (!status)
		weft_address_print(
			weft_listener_address(door->listener), door->text, sizeof(door->text));
	return status;
}

static int open_udp(struct collect *collect, const char *host_port)
{
	struct collect_door *door = add_door(collect);
	struct weft_address address;

	if (weft_address_resolve(&address, 1, host_port) < 0)
		return weft__cmd_fail_resolve(COLLECT_NAME, "udp", host_port);
	weft_address_print(&address, door->text, sizeof(door->text));
	door->udp = weft_udp_new(door->text, NULL);
	if (!door->udp)
		return weft__cmd_fail_listen(COLLECT_NAME, "udp", door->text);
	weft_address_print(weft_udp_local(door->udp), door->text, sizeof(door->text));
	return CMD_DONE;
}

static int unix_text(struct collect_door *door, const char *option, const char *path)
{
	struct weft_address address;

	/* As we print it, or as it is. */
	if (strncmp(path, UNIX_PREFIX, strlen(UNIX_PREFIX)) == 0)
		path += strlen(UNIX_PREFIX);
	if (snprintf(door->text, sizeof(door->text), UNIX_PREFIX "%s", path) <
			(int)sizeof(door->text) &&
		weft_address_parse(&address, door->text) == 0)
		return CMD_DONE;
	return weft__cmd_usage(COLLECT_NAME,
		"--%s takes the path of a socket, shorter than 108 bytes, not \"%s\".", option,
		path);
}

static int open_unix(struct collect *collect, const char *path)
{
	const struct weft_listener_options options = {.unix_mode = collect->unix_mode};
	struct collect_door *door = add_door(collect);
	int status = unix_text(door, "unix", path);

	if (status)
		return status;
	door->listener = weft_listener_new(door->text, &options);
	if (door->listener)
		return CMD_DONE;
	return weft__cmd_fail_listen(COLLECT_NAME, "unix", door->text);
}

static int open_unix_datagram(struct collect *collect, const char *path)
{
	const struct weft_unix_options options = {.mode = collect->unix_mode, .credentials = true};
	struct collect_door *door = add_door(collect);
	int status = unix_text(door, "unix-dgram", path);

	if (status)
		return status;
	door->box = weft_unix_new(door->text, WEFT_UNIX_DGRAM, &options);
	if (door->box)
		return CMD_DONE;
	return weft__cmd_fail_listen(COLLECT_NAME, "unix-dgram", door->text);
}

int weft__collect_doors_open(struct collect *collect)
{
	int status = CMD_DONE;

	for (unsigned i = 0; !status && i < collect->tcp.count; i++)
		status = open_tcp(collect, collect->tcp.items[i]);
	for (unsigned i = 0; !status && i < collect->udp.count; i++)
		status = open_udp(collect, collect->udp.items[i]);
	for (unsigned i = 0; !status && i < collect->unix_stream.count; i++)
		status = open_unix(collect, collect->unix_stream.items[i]);
	for (unsigned i = 0; !status && i < collect->unix_datagram.count; i++)
		status = open_unix_datagram(collect, collect->unix_datagram.items[i]);
	return status;
}

void weft__collect_doors_close(struct collect *collect)
{
	for (unsigned i = 0; i < collect->door_count; i++) {
		struct collect_door *door = &collect->doors[i];

		weft_listener_free(door->listener);
		weft_udp_free(door->udp);
		weft_unix_free(door->box);
	}
}
