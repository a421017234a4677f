/*
 * io/sockopt.h - what the files of socket options share.
 */
#ifndef IO_SOCKOPT_H
#define IO_SOCKOPT_H

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>

#include "weft/sockopt.h"

/** The value as the kernel has it; more room than any struct that it answers with. */
union weft__sockopt_raw {
	int number;
	uint32_t number_32;
	uint64_t number_64;
	struct linger linger;
	struct timeval time;
	struct in_addr host;
	char text[WEFT_SOCKOPT_TEXT_MAX];
	unsigned char bytes[512];
};

/* ---- sockopt_table.c ---------------------------------------------------------- */

extern const struct weft_sockopt weft__sockopts[];
extern const size_t weft__sockopt_count;

/* ---- sockopt_group.c: the numbers of each group, up to one without a name ------ */

extern const struct weft_sockopt_field weft__sockopt_tcp_info[];
extern const struct weft_sockopt_field weft__sockopt_repair_window[];
extern const struct weft_sockopt_field weft__sockopt_credentials[];
extern const struct weft_sockopt_field weft__sockopt_memory[];
extern const struct weft_sockopt_field weft__sockopt_transmit_time[];
extern const struct weft_sockopt_field weft__sockopt_port_range[];
extern const struct weft_sockopt_field weft__sockopt_path_mtu[];

/** Numbers that have a name. */
size_t weft__sockopt_field_count(const struct weft_sockopt *option);

/** The numbers that lie wholly in the first len bytes. */
void weft__sockopt_group_unpack(const struct weft_sockopt *option,
	const union weft__sockopt_raw *raw, size_t len, struct weft_sockopt_group *ret_group);

/** 0, or -1 with EINVAL (another count than the option's) or EDOM (a number too large). */
int weft__sockopt_group_pack(const struct weft_sockopt *option,
	const struct weft_sockopt_group *group, union weft__sockopt_raw *raw);

#endif
