/*
 * carry.h - what stands by path goes along when a thing gets another path (weft_files_carrier).
 *
 * Never: a thing at a path that what stands for it has not come to.
 */
#ifndef WEFT_SRC_FILES_CARRY_H
#define WEFT_SRC_FILES_CARRY_H

#include "files/files.h"
#include "weft/files_carry.h"

/** One change of a path, from before the rename until after it. */
struct weft__carry {
	struct weft_files *files;
	const char *from;
	void *state;  /* the carrier's; NULL: nothing goes along */
	bool is_copy; /* what stands for from stays as well */
	bool is_held;
};

/**
 * Before the rename. 0, or -1: it is not to be, and there is no end to be called. May wait. Both
 * paths as weft__view.whole, and they live until the end.
 */
int weft__carry_begin(struct weft__carry *ret_carry, const struct weft_files_carry *what,
	struct weft_files *files);

/** After it, whether it was a success, and whether the name has changed all the same. Keeps errno.
 */
void weft__carry_end(struct weft__carry *carry, int result, bool has_moved);

/** Whether the trash has something that was at, above or below a path: 1, 0, or -1. May wait. */
int weft__trash_is_of(struct weft_files *files, const char *whole);

#endif
