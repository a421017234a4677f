/*
 * thread.h - operations of threads that are no workers, and connects: src/fiber/driver/thread.c.
 */
#ifndef FIBER_DRIVER_THREAD_H
#define FIBER_DRIVER_THREAD_H

#include "fiber/driver/driver.h"

/** Carry out an operation, blocking the calling thread. The result, or -errno. */
int64_t weft__thread_perform(struct weft__op *op);

/**
 * Begin a connect, on a fiber or a thread. A Unix listener whose backlog is full says
 * EAGAIN, and poll(2) can't tell when it has room: so it is asked again every millisecond,
 * as long as the deadline allows and the number has not been closed meanwhile (-EBADF).
 */
int64_t weft__connect_attempt(struct weft__op *op);

/** fd is about to be closed: threads that wait on it wake with EBADF. */
void weft__thread_closing(int fd);

/** In the child of a fork: the threads that waited are not here. */
void weft__thread_forked(void);

#endif
