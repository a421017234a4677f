/*
 * password_hash.c - passwords hashed by libsodium, one after the other: the yardstick of login.
 *
 *	password_hash KIB PASSES MILLISECONDS
 *
 * argon2id with one lane, as a log-in has to reckon it again. Never: an account, or a comparison.
 */
#include <sodium.h>
#include <string.h>

#include "timed.h"

static int hash(unsigned long long passes, size_t size_bytes)
{
	static const char password[] = "a bench of oak and iron";
	static const unsigned char salt[crypto_pwhash_SALTBYTES];
	unsigned char digest[32];

	return crypto_pwhash(digest, sizeof(digest), password, strlen(password), salt, passes,
		size_bytes, crypto_pwhash_ALG_ARGON2ID13);
}

int main(int argc, char **argv)
{
	int64_t begun, cpu, until;
	unsigned long kib, passes;
	long count = 0;

	if (argc != 4 || sodium_init() < 0)
		return 2;
	kib = strtoul(argv[1], NULL, 10);
	passes = strtoul(argv[2], NULL, 10);
	/* The first one fetches the machine's memory. */
	if (hash(passes, kib * 1024) < 0)
		return 1;
	begun = limit_now();
	cpu = limit_cpu();
	until = begun + strtol(argv[3], NULL, 10) * 1000000;
	do
		if (hash(passes, kib * 1024) < 0)
			return 1;
	while (++count < 3 || limit_now() < until);
	printf("%.4f %.6f\n", (double)count * 1e9 / (double)(limit_now() - begun),
		(double)(limit_cpu() - cpu) / 1e6 / (double)count);
	return 0;
}
