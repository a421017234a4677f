/*
 * pool.h - what a pool is, for the files of this floor.
 */
#ifndef THREAD_POOL_H
#define THREAD_POOL_H

#include <stdatomic.h>

#include "thread/crew.h"
#include "weft/thread_pool.h"

struct weft_thread_pool {
	struct weft__crew crew;
	_Atomic size_t holders; /* its owner, and every task */
	char name[16];
};

#endif
