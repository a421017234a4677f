/*
 * descriptors.h - whether a case leaves descriptors behind.
 *
 *	int before = descriptors();
 *	...
 *	CHECK_INT(descriptors(), ==, before);
 *
 * Never: meaningful while other threads open and close some.
 */
#ifndef TESTS_DESCRIPTORS_H
#define TESTS_DESCRIPTORS_H

#include <dirent.h>

#include "check.h"

/* How many this process has open (and some more, always the same). */
static inline int descriptors(void)
{
	DIR *folder = opendir("/proc/self/fd");
	int count = 0;

	CHECK(folder != NULL);
	while (readdir(folder))
		count++;
	closedir(folder);
	return count;
}

#endif
