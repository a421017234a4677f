/*
 * io/udp.h - what the files of UDP share.
 */
#ifndef IO_UDP_H
#define IO_UDP_H

#include <stdatomic.h>

#include "weft/udp.h"

struct weft_udp {
	int fd;
	int family;
	struct weft_address local;
	atomic_bool has_no_segments; /* the kernel, or the way there, can't: one by one */
};

/* ---- udp_here.c ------------------------------------------------------------------------------ */

/** To be told of each datagram where it came to, unless that is known. */
void weft__udp_here_ask(int fd, const struct weft_address *bound);

void weft__udp_here_read(struct msghdr *message, struct weft_udp_here *ret_here);

#endif
