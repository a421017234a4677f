/*
 * skeleton.h - one letter for those that look alike (after Unicode's TR 39).
 */
#ifndef ACCOUNT_SKELETON_H
#define ACCOUNT_SKELETON_H

#include <stdint.h>

/** What a folded character looks like, in Latin letters; NULL: like nothing else in the table. */
const char *weft__skeleton_of(uint32_t character);

#endif
