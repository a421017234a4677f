/*
 * find.c - drivers by name.
 */
#include <string.h>

#include "fiber/driver/driver.h"
#include "weft/fiber.h"

/** Best first. */
static const struct weft__driver_ops *const drivers[] = {
	&weft__driver_epoll,
#ifdef WEFT_HAS_URING
	&weft__driver_uring,
#endif
	&weft__driver_epoll_level,
	&weft__driver_poll,
	&weft__driver_select,
};

/* What every kernel has stands in for what this one lacks or forbids. */
static const struct weft__driver_ops *usable(const struct weft__driver_ops *driver)
{
	return !driver->is_usable || driver->is_usable() ? driver : &weft__driver_epoll;
}

const struct weft__driver_ops *weft__driver_find(const char *name)
{
	if (!name || !*name)
		return usable(drivers[0]);
	for (size_t i = 0; i < sizeof drivers / sizeof *drivers; i++)
		if (strcmp(drivers[i]->name, name) == 0)
			return usable(drivers[i]);
	return strcmp(name, weft__driver_sim.name) == 0 ? &weft__driver_sim : NULL;
}

const char *weft_driver_at(size_t index)
{
	return index < sizeof drivers / sizeof *drivers ? drivers[index]->name : NULL;
}
