/*
 * weft/siphash.h - SipHash-1-3: a hash whose collisions nobody finds who doesn't know the key.
 *
 *	uint64_t hash = weft_siphash(secret, &address, sizeof(address));
 *
 * For tables whose keys come from strangers, and short tokens that only their maker can make, good
 * for minutes. It is no signature. Aumasson and Bernstein, "SipHash: a fast short-input PRF"
 * (2012). Never waits. Safe from any thread.
 */
#ifndef WEFT_SIPHASH_H
#define WEFT_SIPHASH_H

#include "weft/api.h"

WEFT_BEGIN

#define WEFT_SIPHASH_KEY_SIZE 16

/** The hash of len bytes of data, the same on every machine. */
WEFT_API uint64_t weft_siphash(
	const uint8_t key[WEFT_SIPHASH_KEY_SIZE], const void *data, size_t len);

WEFT_END

#endif
