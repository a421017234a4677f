/*
 * rooms.h - what the rooms' contenders agree about: texts, time, figures.
 *
 * Never: anything of weft.
 */
#ifndef LIMIT_ROOMS_H
#define LIMIT_ROOMS_H

#include "timed.h"

#define ROOMS_TEXT        64
#define ROOMS_EVENT       96 /* as it is sent */
#define ROOMS_MEMBERS_MAX 20000
#define ROOMS_WARM_UP_NS  200000000
#define ROOMS_WINDOW_NS   1000000000

/** CPU per delivery in ns, deliveries per second, messages per second. */
static inline void rooms_print(uint64_t taken, uint64_t said, int64_t wall_ns, int64_t cpu_ns)
{
	printf("%.2f %.1f %.1f\n", (double)cpu_ns / (double)taken,
		(double)taken * 1e9 / (double)wall_ns, (double)said * 1e9 / (double)wall_ns);
}

#endif
