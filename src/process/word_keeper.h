/*
 * word_keeper.h - threads that sleep on words for fibers whose worker can't (fiber/word.h).
 */
#ifndef PROCESS_WORD_KEEPER_H
#define PROCESS_WORD_KEEPER_H

/** Threads at the most; words beyond what they can sleep on are looked at each millisecond. */
#define WEFT__WORD_LANES_MAX 64

/** Before a fiber sleeps on a word. */
void weft__word_keeper_prepare(void);

#endif
