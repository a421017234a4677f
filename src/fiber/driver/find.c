/*
 * find.c - drivers by name.
 */
#include <string.h>

#include "fiber/driver/driver.h"
#include "weft/fiber.h"

/** Best first. */
static const struct weft__driver_ops *const drivers[] = {
	&weft__driver_epoll,
	&weft__driver_epoll_level,
	&weft__driver_poll,
	&weft__driver_select,
};

const struct weft__driver_ops *weft__driver_find(const char *name)
{
	if (!name || !*name)
		return drivers[0];
	for (size_t i = 0; i < sizeof drivers / sizeof *drivers; i++)
		if (strcmp(drivers[i]->name, name) == 0)
			return drivers[i];
	return strcmp(name, weft__driver_sim.name) == 0 ? &weft__driver_sim : NULL;
}

const char *weft_driver_at(size_t index)
{
	return index < sizeof drivers / sizeof *drivers ? drivers[index]->name : NULL;
}
