/*
 * control_print.c - numbers of a server's status as people write them, and finding them.
 */
#include <stdio.h>
#include <string.h>

#include "control.h"

const char *weft__control_time(double seconds, char text[CONTROL_TEXT_SIZE])
{
	unsigned long whole = seconds > 0 ? (unsigned long)seconds : 0;

	if (seconds < 0.001)
		snprintf(text, CONTROL_TEXT_SIZE, "%.0f us", seconds > 0 ? seconds * 1e6 : 0);
	else if (seconds < 1)
		snprintf(text, CONTROL_TEXT_SIZE, "%.3g ms", seconds * 1e3);
	else if (seconds < 60)
		snprintf(text, CONTROL_TEXT_SIZE, "%.1f s", seconds);
	else if (seconds < 3600)
		snprintf(text, CONTROL_TEXT_SIZE, "%lu min %lu s", whole / 60, whole % 60);
	else if (seconds < 86400)
		snprintf(text, CONTROL_TEXT_SIZE, "%lu h %lu min", whole / 3600, whole / 60 % 60);
	else
		snprintf(text, CONTROL_TEXT_SIZE, "%lu d %lu h", whole / 86400, whole / 3600 % 24);
	return text;
}

const char *weft__control_bytes(double bytes, char text[CONTROL_TEXT_SIZE])
{
	static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB"};
	size_t unit = 0;

	while (bytes >= 1024 && unit + 1 < sizeof(units) / sizeof(units[0])) {
		bytes /= 1024;
		unit++;
	}
	snprintf(text, CONTROL_TEXT_SIZE, unit == 0 || bytes >= 100 ? "%.0f %s" : "%.1f %s", bytes,
		units[unit]);
	return text;
}

json_t *weft__control_member(const json_t *json, const char *path)
{
	char name[64];

	while (json && *path) {
		size_t len = strcspn(path, ".");

		snprintf(name, sizeof(name), "%.*s", (int)len, path);
		json = json_object_get(json, name);
		path += len + (path[len] == '.');
	}
	return (json_t *)json;
}

double weft__control_number(const json_t *json, const char *path)
{
	return json_number_value(weft__control_member(json, path));
}

const char *weft__control_text(const json_t *json, const char *path)
{
	const char *text = json_string_value(weft__control_member(json, path));

	return text ? text : "";
}
