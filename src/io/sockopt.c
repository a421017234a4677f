/*
 * sockopt.c - socket options by name: getting and setting them.
 *
 *	sockopt_table.c     which there are
 *	sockopt_group.c     those that are structs of numbers
 *	sockopt_text.c      values as text
 *
 * Entry points: weft_sockopt_get(), weft_sockopt_set().
 *
 * Never: pass the kernel a value of another kind than the option's, or believe the
 * length that it returned.
 */
#include "io/sockopt.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

#include "weft/socket.h"

static int fail(int code)
{
	errno = code;
	return -1;
}

const struct weft_sockopt *weft_sockopt_at(size_t index)
{
	return index < weft__sockopt_count ? &weft__sockopts[index] : NULL;
}

const struct weft_sockopt *weft_sockopt_find(const char *name)
{
	/* Some two hundred lines, asked when a socket is made: a plain walk is enough. */
	for (size_t i = 0; i < weft__sockopt_count; i++)
		if (strcmp(weft__sockopts[i].name, name) == 0)
			return &weft__sockopts[i];
	errno = ENOPROTOOPT;
	return NULL;
}

/* ---- Getting ------------------------------------------------------------------------------ */

/* Length of a raw value of the option; for those of no fixed one the room that they have. */
static socklen_t raw_len(const struct weft_sockopt *option)
{
	switch (option->kind) {
	case WEFT_SOCKOPT_LINGER:
		return sizeof(struct linger);
	case WEFT_SOCKOPT_DURATION:
		return sizeof(struct timeval);
	case WEFT_SOCKOPT_TEXT:
		return WEFT_SOCKOPT_TEXT_MAX - 1;
	case WEFT_SOCKOPT_UNSIGNED:
		return option->size_bytes;
	case WEFT_SOCKOPT_HOST:
		return sizeof(struct in_addr);
	case WEFT_SOCKOPT_BYTES:
		return WEFT_SOCKOPT_BYTES_MAX;
	case WEFT_SOCKOPT_GROUP:
		/* A list's room is the value's, so that what doesn't fit it is ERANGE. */
		return option->fields ? sizeof(union weft__sockopt_raw)
				      : WEFT_SOCKOPT_NUMBERS_MAX * sizeof(uint32_t);
	default:
		return sizeof(int);
	}
}

/* A number, which the kernel may have answered in fewer bytes than it has. */
static int number_of(const struct weft_sockopt *option, const union weft__sockopt_raw *raw)
{
	return option->is_network_order ? (int)ntohl(raw->number_32) : raw->number;
}

/* len is within raw. */
static void from_raw(const struct weft_sockopt *option, const union weft__sockopt_raw *raw,
	size_t len, struct weft_sockopt_value *value)
{
	switch (option->kind) {
	case WEFT_SOCKOPT_BOOL:
		value->on = raw->number != 0;
		break;
	case WEFT_SOCKOPT_INT:
		value->number = number_of(option, raw);
		break;
	case WEFT_SOCKOPT_LINGER:
		value->linger.on = raw->linger.l_onoff != 0;
		value->linger.seconds = raw->linger.l_linger;
		break;
	case WEFT_SOCKOPT_DURATION:
		value->duration_ns =
			WEFT_SECONDS(raw->time.tv_sec) + WEFT_MICROSECONDS(raw->time.tv_usec);
		break;
	case WEFT_SOCKOPT_TEXT:
		memcpy(value->text, raw->text, sizeof(value->text) - 1);
		break;
	case WEFT_SOCKOPT_UNSIGNED:
		value->unsigned_number = raw->number_64;
		break;
	case WEFT_SOCKOPT_HOST:
		value->host = raw->host;
		break;
	case WEFT_SOCKOPT_BYTES:
		value->bytes.len = len;
		memcpy(value->bytes.data, raw->bytes, len);
		break;
	case WEFT_SOCKOPT_GROUP:
		weft__sockopt_group_unpack(option, raw, len, &value->group);
		break;
	}
}

int weft_sockopt_get(int fd, const char *name, struct weft_sockopt_value *ret_value)
{
	const struct weft_sockopt *option = weft_sockopt_find(name);
	struct weft_sockopt_value value;
	union weft__sockopt_raw raw;
	socklen_t room, len;

	if (!option)
		return -1;
	if (option->is_write_only)
		return fail(ENOPROTOOPT);
	/* Some options (IP_TTL and its kin) answer in one byte when asked for one; zeroed
	 * and asked for an int, all answer in an int. */
	memset(&raw, 0, sizeof(raw));
	memset(&value, 0, sizeof(value));
	room = raw_len(option);
	len = room;
	if (weft_getsockopt(fd, option->level, option->option, &raw, &len) < 0)
		return -1;
	value.kind = option->kind;
	from_raw(option, &raw, len < room ? len : room, &value);
	*ret_value = value;
	return 0;
}

/* ---- Setting ------------------------------------------------------------------------------ */

/* What has a range smaller than its place in the value. 0, or -1 with errno. */
static int check(const struct weft_sockopt *option, const struct weft_sockopt_value *value)
{
	switch (option->kind) {
	case WEFT_SOCKOPT_LINGER:
		return value->linger.seconds < 0 ? fail(EDOM) : 0;
	case WEFT_SOCKOPT_DURATION:
		return value->duration_ns < 0 ? fail(EDOM) : 0;
	case WEFT_SOCKOPT_TEXT:
		return strnlen(value->text, sizeof(value->text)) == sizeof(value->text)
			       ? fail(EINVAL)
			       : 0;
	case WEFT_SOCKOPT_UNSIGNED:
		return option->size_bytes < sizeof(uint64_t) &&
				       value->unsigned_number >> (8 * option->size_bytes)
			       ? fail(EDOM)
			       : 0;
	case WEFT_SOCKOPT_BYTES:
		return value->bytes.len > sizeof(value->bytes.data) ? fail(EINVAL) : 0;
	default:
		return 0;
	}
}

/* Fill raw, which is zeroed, from a value that was checked; its length, or -1 with errno. */
static int to_raw(const struct weft_sockopt *option, const struct weft_sockopt_value *value,
	union weft__sockopt_raw *raw)
{
	size_t len;

	switch (option->kind) {
	case WEFT_SOCKOPT_BOOL:
		raw->number = value->on;
		break;
	case WEFT_SOCKOPT_INT:
		raw->number = option->is_network_order ? (int)htonl((uint32_t)value->number)
						       : value->number;
		break;
	case WEFT_SOCKOPT_LINGER:
		raw->linger.l_onoff = value->linger.on;
		raw->linger.l_linger = value->linger.seconds;
		break;
	case WEFT_SOCKOPT_DURATION:
		raw->time.tv_sec = value->duration_ns / WEFT_SECONDS(1);
		raw->time.tv_usec = value->duration_ns % WEFT_SECONDS(1) / WEFT_MICROSECONDS(1);
		break;
	case WEFT_SOCKOPT_TEXT:
		len = strlen(value->text);
		memcpy(raw->text, value->text, len);
		return (int)len;
	case WEFT_SOCKOPT_UNSIGNED:
		raw->number_64 = value->unsigned_number;
		break;
	case WEFT_SOCKOPT_HOST:
		raw->host = value->host;
		break;
	case WEFT_SOCKOPT_BYTES:
		memcpy(raw->bytes, value->bytes.data, value->bytes.len);
		return (int)value->bytes.len;
	case WEFT_SOCKOPT_GROUP:
		return weft__sockopt_group_pack(option, &value->group, raw) < 0
			       ? -1
			       : (int)option->size_bytes;
	}
	return (int)raw_len(option);
}

int weft_sockopt_set(int fd, const char *name, const struct weft_sockopt_value *value)
{
	const struct weft_sockopt *option = weft_sockopt_find(name);
	union weft__sockopt_raw raw;
	int len;

	if (!option)
		return -1;
	if (option->is_read_only)
		return fail(ENOPROTOOPT);
	if (value->kind != option->kind)
		return fail(EINVAL);
	if (check(option, value) < 0)
		return -1;
	memset(&raw, 0, sizeof(raw));
	len = to_raw(option, value, &raw);
	if (len < 0)
		return -1;
	return weft_setsockopt(fd, option->level, option->option, &raw, (socklen_t)len);
}

/* ---- Numbers ------------------------------------------------------------------------------ */

int weft_sockopt_get_int(int fd, const char *name, int *ret_number)
{
	const struct weft_sockopt *option = weft_sockopt_find(name);
	struct weft_sockopt_value value;

	if (!option)
		return -1;
	if (option->kind != WEFT_SOCKOPT_BOOL && option->kind != WEFT_SOCKOPT_INT)
		return fail(EINVAL);
	if (weft_sockopt_get(fd, name, &value) < 0)
		return -1;
	*ret_number = value.kind == WEFT_SOCKOPT_BOOL ? value.on : value.number;
	return 0;
}

int weft_sockopt_set_int(int fd, const char *name, int number)
{
	const struct weft_sockopt *option = weft_sockopt_find(name);
	struct weft_sockopt_value value;

	if (!option)
		return -1;
	memset(&value, 0, sizeof(value));
	value.kind = option->kind;
	if (option->kind == WEFT_SOCKOPT_BOOL)
		value.on = number != 0;
	else if (option->kind == WEFT_SOCKOPT_INT)
		value.number = number;
	else
		return fail(EINVAL);
	return weft_sockopt_set(fd, name, &value);
}
