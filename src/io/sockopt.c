/*
 * sockopt.c - socket options by name.
 *
 * Entry points: weft_sockopt_get(), weft_sockopt_set(), the table `options`. A new
 * option is one line there.
 *
 * Never: pass the kernel a value of another kind than the option's, or believe the
 * length that it returned.
 */
#include "weft/sockopt.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>

#include "weft/socket.h"

#define LINE(level_, name_, kind_)                                                             \
	{                                                                                      \
		.name = #name_, .level = level_, .option = name_, .kind = WEFT_SOCKOPT_##kind_ \
	}
#define LINE_READ_ONLY(level_, name_, kind_)                                                    \
	{                                                                                       \
		.name = #name_, .level = level_, .option = name_, .kind = WEFT_SOCKOPT_##kind_, \
		.is_read_only = true                                                            \
	}

/* By level, then by name. */
static const struct weft_sockopt options[] = {
	LINE_READ_ONLY(SOL_SOCKET, SO_ACCEPTCONN, BOOL),
	LINE(SOL_SOCKET, SO_BINDTODEVICE, TEXT),
	LINE(SOL_SOCKET, SO_BROADCAST, BOOL),
	LINE(SOL_SOCKET, SO_BUSY_POLL, INT),
	LINE(SOL_SOCKET, SO_DEBUG, BOOL),
	LINE_READ_ONLY(SOL_SOCKET, SO_DOMAIN, INT),
	LINE(SOL_SOCKET, SO_DONTROUTE, BOOL),
	LINE_READ_ONLY(SOL_SOCKET, SO_ERROR, INT),
	LINE(SOL_SOCKET, SO_INCOMING_CPU, INT),
	LINE(SOL_SOCKET, SO_KEEPALIVE, BOOL),
	LINE(SOL_SOCKET, SO_LINGER, LINGER),
	LINE(SOL_SOCKET, SO_MARK, INT),
	LINE(SOL_SOCKET, SO_OOBINLINE, BOOL),
	LINE(SOL_SOCKET, SO_PASSCRED, BOOL),
	LINE(SOL_SOCKET, SO_PRIORITY, INT),
	LINE_READ_ONLY(SOL_SOCKET, SO_PROTOCOL, INT),
	LINE(SOL_SOCKET, SO_RCVBUF, INT),
	LINE(SOL_SOCKET, SO_RCVBUFFORCE, INT),
	LINE(SOL_SOCKET, SO_RCVLOWAT, INT),
	LINE(SOL_SOCKET, SO_RCVTIMEO, DURATION),
	LINE(SOL_SOCKET, SO_REUSEADDR, BOOL),
	LINE(SOL_SOCKET, SO_REUSEPORT, BOOL),
	LINE(SOL_SOCKET, SO_SNDBUF, INT),
	LINE(SOL_SOCKET, SO_SNDBUFFORCE, INT),
	LINE(SOL_SOCKET, SO_SNDTIMEO, DURATION),
	LINE(SOL_SOCKET, SO_TIMESTAMP, BOOL),
	LINE_READ_ONLY(SOL_SOCKET, SO_TYPE, INT),
	LINE(SOL_SOCKET, SO_ZEROCOPY, BOOL),
	LINE(IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, BOOL),
	LINE(IPPROTO_IP, IP_FREEBIND, BOOL),
	LINE(IPPROTO_IP, IP_MTU_DISCOVER, INT),
	LINE(IPPROTO_IP, IP_MULTICAST_LOOP, BOOL),
	LINE(IPPROTO_IP, IP_MULTICAST_TTL, INT),
	LINE(IPPROTO_IP, IP_PKTINFO, BOOL),
	LINE(IPPROTO_IP, IP_RECVERR, BOOL),
	LINE(IPPROTO_IP, IP_RECVTOS, BOOL),
	LINE(IPPROTO_IP, IP_RECVTTL, BOOL),
	LINE(IPPROTO_IP, IP_TOS, INT),
	LINE(IPPROTO_IP, IP_TRANSPARENT, BOOL),
	LINE(IPPROTO_IP, IP_TTL, INT),
	LINE(IPPROTO_IPV6, IPV6_MTU_DISCOVER, INT),
	LINE(IPPROTO_IPV6, IPV6_MULTICAST_HOPS, INT),
	LINE(IPPROTO_IPV6, IPV6_MULTICAST_IF, INT),
	LINE(IPPROTO_IPV6, IPV6_MULTICAST_LOOP, BOOL),
	LINE(IPPROTO_IPV6, IPV6_RECVERR, BOOL),
	LINE(IPPROTO_IPV6, IPV6_RECVHOPLIMIT, BOOL),
	LINE(IPPROTO_IPV6, IPV6_RECVPKTINFO, BOOL),
	LINE(IPPROTO_IPV6, IPV6_RECVTCLASS, BOOL),
	LINE(IPPROTO_IPV6, IPV6_TCLASS, INT),
	LINE(IPPROTO_IPV6, IPV6_UNICAST_HOPS, INT),
	LINE(IPPROTO_IPV6, IPV6_V6ONLY, BOOL),
	LINE(IPPROTO_TCP, TCP_CONGESTION, TEXT),
	LINE(IPPROTO_TCP, TCP_CORK, BOOL),
	LINE(IPPROTO_TCP, TCP_DEFER_ACCEPT, INT),
	LINE(IPPROTO_TCP, TCP_FASTOPEN, INT),
	LINE(IPPROTO_TCP, TCP_FASTOPEN_CONNECT, BOOL),
	LINE(IPPROTO_TCP, TCP_KEEPCNT, INT),
	LINE(IPPROTO_TCP, TCP_KEEPIDLE, INT),
	LINE(IPPROTO_TCP, TCP_KEEPINTVL, INT),
	LINE(IPPROTO_TCP, TCP_LINGER2, INT),
	LINE(IPPROTO_TCP, TCP_MAXSEG, INT),
	LINE(IPPROTO_TCP, TCP_NODELAY, BOOL),
	LINE(IPPROTO_TCP, TCP_NOTSENT_LOWAT, INT),
	LINE(IPPROTO_TCP, TCP_QUICKACK, BOOL),
	LINE(IPPROTO_TCP, TCP_SYNCNT, INT),
	LINE(IPPROTO_TCP, TCP_USER_TIMEOUT, INT),
	LINE(IPPROTO_TCP, TCP_WINDOW_CLAMP, INT),
};

#define OPTION_COUNT (sizeof(options) / sizeof(options[0]))

/* The value as the kernel has it. */
union raw_value {
	int number;
	struct linger linger;
	struct timeval time;
	char text[WEFT_SOCKOPT_TEXT_MAX];
};

static int fail(int code)
{
	errno = code;
	return -1;
}

const struct weft_sockopt *weft_sockopt_at(size_t index)
{
	return index < OPTION_COUNT ? &options[index] : NULL;
}

const struct weft_sockopt *weft_sockopt_find(const char *name)
{
	/* A few dozen lines, asked when a socket is made: a plain walk is enough. */
	for (size_t i = 0; i < OPTION_COUNT; i++)
		if (strcmp(options[i].name, name) == 0)
			return &options[i];
	errno = ENOPROTOOPT;
	return NULL;
}

/* Length of a raw value of this kind; for a text the room that it has. */
static socklen_t raw_len(enum weft_sockopt_kind kind)
{
	switch (kind) {
	case WEFT_SOCKOPT_LINGER:
		return sizeof(struct linger);
	case WEFT_SOCKOPT_DURATION:
		return sizeof(struct timeval);
	case WEFT_SOCKOPT_TEXT:
		return WEFT_SOCKOPT_TEXT_MAX;
	default:
		return sizeof(int);
	}
}

int weft_sockopt_get(int fd, const char *name, struct weft_sockopt_value *ret_value)
{
	const struct weft_sockopt *option = weft_sockopt_find(name);
	struct weft_sockopt_value value;
	union raw_value raw;
	socklen_t len;

	if (!option)
		return -1;
	/* Some options (IP_TTL and its kin) answer in one byte when asked for one; zeroed
	 * and asked for an int, all answer in an int. */
	memset(&raw, 0, sizeof(raw));
	memset(&value, 0, sizeof(value));
	len = raw_len(option->kind);
	if (weft_getsockopt(fd, option->level, option->option, &raw, &len) < 0)
		return -1;
	value.kind = option->kind;
	switch (option->kind) {
	case WEFT_SOCKOPT_BOOL:
		value.on = raw.number != 0;
		break;
	case WEFT_SOCKOPT_INT:
		value.number = raw.number;
		break;
	case WEFT_SOCKOPT_LINGER:
		value.linger.on = raw.linger.l_onoff != 0;
		value.linger.seconds = raw.linger.l_linger;
		break;
	case WEFT_SOCKOPT_DURATION:
		value.duration_ns =
			WEFT_SECONDS(raw.time.tv_sec) + WEFT_MICROSECONDS(raw.time.tv_usec);
		break;
	case WEFT_SOCKOPT_TEXT:
		memcpy(value.text, raw.text, sizeof(value.text) - 1);
		break;
	}
	*ret_value = value;
	return 0;
}

/* Fill raw from value; its length, or -1 with errno. */
static int to_raw(const struct weft_sockopt_value *value, union raw_value *raw)
{
	memset(raw, 0, sizeof(*raw));
	switch (value->kind) {
	case WEFT_SOCKOPT_BOOL:
		raw->number = value->on;
		break;
	case WEFT_SOCKOPT_INT:
		raw->number = value->number;
		break;
	case WEFT_SOCKOPT_LINGER:
		if (value->linger.seconds < 0)
			return fail(EDOM);
		raw->linger.l_onoff = value->linger.on;
		raw->linger.l_linger = value->linger.seconds;
		break;
	case WEFT_SOCKOPT_DURATION:
		if (value->duration_ns < 0)
			return fail(EDOM);
		raw->time.tv_sec = value->duration_ns / WEFT_SECONDS(1);
		raw->time.tv_usec = value->duration_ns % WEFT_SECONDS(1) / WEFT_MICROSECONDS(1);
		break;
	case WEFT_SOCKOPT_TEXT: {
		size_t len = strnlen(value->text, sizeof(value->text));

		if (len == sizeof(value->text))
			return fail(EINVAL);
		memcpy(raw->text, value->text, len);
		return (int)len;
	}
	}
	return (int)raw_len(value->kind);
}

int weft_sockopt_set(int fd, const char *name, const struct weft_sockopt_value *value)
{
	const struct weft_sockopt *option = weft_sockopt_find(name);
	union raw_value raw;
	int len;

	if (!option)
		return -1;
	if (option->is_read_only)
		return fail(ENOPROTOOPT);
	if (value->kind != option->kind)
		return fail(EINVAL);
	len = to_raw(value, &raw);
	if (len < 0)
		return -1;
	return weft_setsockopt(fd, option->level, option->option, &raw, (socklen_t)len);
}

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

size_t weft_sockopt_print(const struct weft_sockopt_value *value, char *ret_text, size_t size_bytes)
{
	int len = 0;

	switch (value->kind) {
	case WEFT_SOCKOPT_BOOL:
		len = snprintf(ret_text, size_bytes, "%s", value->on ? "on" : "off");
		break;
	case WEFT_SOCKOPT_INT:
		len = snprintf(ret_text, size_bytes, "%d", value->number);
		break;
	case WEFT_SOCKOPT_LINGER:
		len = snprintf(ret_text, size_bytes, "%s %d s", value->linger.on ? "on" : "off",
			value->linger.seconds);
		break;
	case WEFT_SOCKOPT_DURATION:
		len = snprintf(ret_text, size_bytes, "%lld.%06lld s",
			(long long)(value->duration_ns / WEFT_SECONDS(1)),
			(long long)(value->duration_ns % WEFT_SECONDS(1) / WEFT_MICROSECONDS(1)));
		break;
	case WEFT_SOCKOPT_TEXT:
		len = snprintf(ret_text, size_bytes, "%.*s", WEFT_SOCKOPT_TEXT_MAX, value->text);
		break;
	}
	return (size_t)len;
}
