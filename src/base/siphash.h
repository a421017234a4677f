/*
 * siphash.h - SipHash-1-3: a hash whose collisions nobody finds who doesn't know the key.
 *
 * Entry point: weft__siphash(). Aumasson and Bernstein, "SipHash: a fast short-input
 * PRF" (2012); with one round per word and three at the end, as Python, Rust and Ruby
 * use it for their hash tables.
 * Never: used where a checksum or a signature is meant.
 */
#ifndef WEFT_BASE_SIPHASH_H
#define WEFT_BASE_SIPHASH_H

#include <stddef.h>
#include <stdint.h>

struct weft__siphash_key {
	uint64_t word[2];
};

/** The key of 16 bytes, in the byte order of the paper: the same hash on every machine. */
struct weft__siphash_key weft__siphash_key(const uint8_t bytes[16]);

/** The hash of len bytes of data. */
uint64_t weft__siphash(const struct weft__siphash_key *key, const void *data, size_t len);

#endif
