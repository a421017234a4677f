/*
 * find.c - drivers by name.
 */
#include <string.h>

#include "fiber/driver/driver.h"

/** Best first. */
static const struct weft__driver_ops *const drivers[] = {
	&weft__driver_epoll,
};

const struct weft__driver_ops *weft__driver_find(const char *name)
{
	if (!name || !*name)
		return drivers[0];
	for (size_t i = 0; i < sizeof drivers / sizeof *drivers; i++)
		if (strcmp(drivers[i]->name, name) == 0)
			return drivers[i];
	return NULL;
}
