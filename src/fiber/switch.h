/*
 * switch.h - leave one stack and go on on another.
 *
 * One assembly file per architecture implements it and argues from its ABI why it is
 * right. Only the worker (worker.c) calls these; everybody else parks or yields.
 * It must never allocate, lock, or touch anything but the two stacks.
 *
 * The floating-point mode set through <fenv.h> (rounding, traps) is each fiber's own; a
 * fiber starts in the usual one. On x86-64 a mode set behind <fenv.h>, in the mxcsr
 * register alone, is not switched: undo it before a call that may wait.
 */
#ifndef FIBER_SWITCH_H
#define FIBER_SWITCH_H

/**
 * Save the callee-saved state on the present stack, store its stack pointer in
 * *ret_sp, and go on where `sp` was saved. Returns when somebody switches back.
 */
void weft__switch(void **ret_sp, void *sp);

/**
 * Lay out a first frame below `top`, so that a switch to the returned stack pointer
 * calls entry(arg). entry must never return. Writes under 256 bytes below top.
 */
void *weft__switch_prepare(void *top, void (*entry)(void *arg), void *arg);

/** Once per process before the first switch, on a thread with the floating-point mode all start in.
 */
void weft__switch_init(void);

#endif
