/*
 * fan_out.c - a message is copied to each of N members: the yardstick of the rooms.
 *
 *	fan_out MEMBERS
 *
 * Batches of as many messages as a poster may have under way lie in a buffer; every member gets
 * them by one copy. Never: a disk, a rule, a lock, or anybody who is slow.
 */
#include <string.h>

#include "rooms.h"

#define BATCH 256

int main(int argc, char **argv)
{
	static char batch[BATCH * ROOMS_EVENT], taken_bytes[BATCH * ROOMS_EVENT];
	long members = argc > 1 ? strtol(argv[1], NULL, 10) : 200;
	uint64_t taken = 0, said = 0;
	int64_t begun = limit_now(), cpu = limit_cpu();

	if (members < 1 || members > ROOMS_MEMBERS_MAX)
		return 2;
	while (limit_now() - begun < ROOMS_WINDOW_NS) {
		for (size_t i = 0; i < BATCH; i++)
			memset(batch + i * ROOMS_EVENT, (int)(said + i), ROOMS_EVENT);
		said += BATCH;
		for (long i = 0; i < members; i++) {
			memcpy(taken_bytes, batch, sizeof(batch));
			__asm__ volatile("" : : "r"(taken_bytes) : "memory");
			taken += BATCH;
		}
	}
	rooms_print(taken, said, limit_now() - begun, limit_cpu() - cpu);
	return 0;
}
