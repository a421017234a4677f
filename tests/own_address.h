/*
 * own_address.h - an address of the loopback that no other process listens at or asks.
 *
 * Of 127.0.0.1 all tests take ports, let go of them, and look whether somebody is there still: who
 * has the port by then counts one visitor more, or answers for another.
 */
#ifndef TESTS_OWN_ADDRESS_H
#define TESTS_OWN_ADDRESS_H

#include <stdio.h>
#include <unistd.h>

/** "127.X.Y.Z:0", of this process; the text is there until the next call. */
static inline const char *own_address(void)
{
	static char text[sizeof("127.255.255.255:0")];
	unsigned pid = (unsigned)getpid();

	snprintf(text, sizeof(text), "127.%u.%u.%u:0", 64 + (pid >> 16 & 127), pid >> 8 & 255,
		pid & 255);
	return text;
}

#endif
