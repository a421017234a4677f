/*
 * nobody.h - addresses of the loopback at which nobody is, as long as they are held.
 *
 *	struct weft_address address;
 *	int held = nobody_listens(&address);
 *
 *	CHECK_ERRNO(weft_stream_connect(text_of(&address)), ECONNREFUSED);
 *	close(held);
 *
 * A port that was let go of may be another test's a moment later: then somebody is there.
 */
#ifndef TESTS_NOBODY_H
#define TESTS_NOBODY_H

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "check.h"
#include "weft/address.h"

static inline int nobody_bind(int kind, struct weft_address *ret_address)
{
	int fd = socket(AF_INET, kind | SOCK_CLOEXEC, 0), on = 1;

	CHECK(fd >= 0);
	CHECK_INT(weft_address_parse(ret_address, "127.0.0.1:0"), ==, 0);
	if (kind == SOCK_STREAM)
		CHECK_INT(setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)), ==, 0);
	CHECK_INT(bind(fd, &ret_address->any, ret_address->len), ==, 0);
	CHECK_INT(getsockname(fd, &ret_address->any, &ret_address->len), ==, 0);
	return fd;
}

/**
 * A TCP port that the kernel gives nobody else, and at which nobody listens: but who asks for it
 * with SO_REUSEADDR, as a struct weft_listener does, may. Close it.
 */
static inline int nobody_listens(struct weft_address *ret_address)
{
	return nobody_bind(SOCK_STREAM, ret_address);
}

/** A UDP port that hears itself only: others are told that nobody is there. Close it. */
static inline int nobody_hears(struct weft_address *ret_address)
{
	int fd = nobody_bind(SOCK_DGRAM, ret_address);

	CHECK_INT(connect(fd, &ret_address->any, ret_address->len), ==, 0);
	return fd;
}

#endif
