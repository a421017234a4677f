/*
 * weft/files_carry.h - what somebody keeps by path of a shared folder (weft/files.h), and that is
 * to go along with what gets another path: rights, above all.
 *
 *	moved:    begin(): for both paths --> the rename --> end(): for the new path only
 *	failed:   begin(): for both paths --> no rename  --> end(): for the old path only
 *	killed:   for both paths, or for one: never for neither
 */
#ifndef WEFT_FILES_CARRY_H
#define WEFT_FILES_CARRY_H

#include "weft/files.h"

WEFT_BEGIN

/** A thing is about to have another path. */
struct weft_files_carry {
	const struct weft_files_visitor *visitor; /* who does it */
	const char *from, *to; /* below the root, as rights_at is told them; until the end */
	bool is_copy;          /* there is one at from as well: a copy, or another time */
};

enum weft_files_carried {
	WEFT_FILES_CARRIED,      /* it is at to */
	WEFT_FILES_CARRIED_BOTH, /* the same, but what stands for from may be needed once more */
	WEFT_FILES_NOT_CARRIED,  /* it is at from, as before */
};

/**
 * Whoever keeps something by path, rights above all, that is to go along with what is moved. None
 * of it is called twice at a time for one engine but asks(). All may wait.
 */
struct weft_files_carrier {
	/** Whether something stands for from, or for a path below it: 1, 0, or -1 with errno. */
	int (*asks)(void *arg, const struct weft_files_carry *carry);

	/**
	 * Before it has the other path: what stands for from and below is to stand for to and below
	 * as well. 0, with *ret_state for the end (NULL: no end is called); or -1 with errno, and
	 * it stays where it is.
	 */
	int (*begin)(void *arg, const struct weft_files_carry *carry, void **ret_state);

	/** After it: of what was moved nothing stands for from any more; or all is as before. */
	void (*end)(void *arg, void *state, enum weft_files_carried how);
};

WEFT_END

#endif
