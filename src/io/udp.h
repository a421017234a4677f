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

#endif
