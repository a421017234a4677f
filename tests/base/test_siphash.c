/*
 * test_siphash.c - base/siphash.c: against what Python hashes bytes to.
 *
 * The hashes are hash(bytes(range(len))) & (2**64 - 1) of Python 3.11, whose bytes
 * are hashed by SipHash-1-3; under PYTHONHASHSEED=0 the key is zero, under
 * PYTHONHASHSEED=1 it is the 16 bytes given.
 */
#include "base/siphash.h"

#include "check.h"

struct vector {
	size_t len;
	uint64_t hash;
};

static const uint8_t zero_key[16];

static const struct vector with_zero_key[] = {
	{1, 0x68a914128e01e473u},
	{7, 0x2f098ab0c751325au},
	{8, 0xead411e67ebe2eeau},
	{9, 0x75927f9d95124362u},
	{15, 0xf30eb725bb91c9eau},
	{16, 0x8972188433a5c5b7u},
	{17, 0x4883c49a2c009c1du},
	{63, 0x385d3e39e5f37359u},
	{255, 0x5dc1f93ea135eb43u},
};

static const uint8_t other_key[16] = {0x29, 0x23, 0xbe, 0x84, 0xe1, 0x6c, 0xd6, 0xae, 0x52, 0x90,
	0x49, 0xf1, 0xf1, 0xbb, 0xe9, 0xeb};

static const struct vector with_other_key[] = {
	{1, 0xecd3e5afcecda4b9u},
	{7, 0xfd15e78052a69ddfu},
	{8, 0xc0b5739e7e28dd01u},
	{9, 0x208a1a5a0cbbf778u},
	{15, 0xfa87985f39e97a53u},
	{16, 0x12e9d283f9f37002u},
	{17, 0x9f5bb4237f61907fu},
	{63, 0x542052345bc68274u},
	{255, 0x523ab5ebe2e15f94u},
};

static void check_vectors(const uint8_t *key_bytes, const struct vector *vectors, size_t count)
{
	struct weft__siphash_key key = weft__siphash_key(key_bytes);

	for (size_t i = 0; i < count; i++) {
		uint8_t *data = malloc(vectors[i].len); /* no byte more: the sanitizer looks */

		CHECK(data);
		for (size_t at = 0; at < vectors[i].len; at++)
			data[at] = (uint8_t)at;
		CHECK(weft__siphash(&key, data, vectors[i].len) == vectors[i].hash);
		free(data);
	}
}

CHECK_CASE(hashes_are_those_of_python)
{
	check_vectors(zero_key, with_zero_key, sizeof(with_zero_key) / sizeof(*with_zero_key));
	check_vectors(other_key, with_other_key, sizeof(with_other_key) / sizeof(*with_other_key));
}

CHECK_CASE(nothing_has_a_hash_too)
{
	struct weft__siphash_key zero = weft__siphash_key(zero_key);
	struct weft__siphash_key other = weft__siphash_key(other_key);

	CHECK(weft__siphash(&zero, NULL, 0) == weft__siphash(&zero, "", 0));
	CHECK(weft__siphash(&zero, NULL, 0) != weft__siphash(&other, NULL, 0));
}

CHECK_MAIN()
