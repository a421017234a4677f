/*
 * carry.c - see carry.h.
 *
 *	nothing stands there  -->  read lock                       rename  -->  unlock
 *	something does        -->  write lock  -->  at both paths  -->  rename  -->  at the new  -->
 *	unlock
 *
 * The lock is for two who move one within the other: what one has carried the other must see.
 *
 * Entry points: weft__carry_begin(), weft__carry_end().
 * Never: takes away at the old path what may be needed there once more: of a rename that may not be
 * on the disk, or while the trash has something that may come back to there.
 */
#include "files/carry.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "weft/scope.h"

static int hold(struct weft__carry *carry, const struct weft_files_carry *what)
{
	const struct weft_files_options *options = &carry->files->options;
	struct weft_rwlock *lock = &carry->files->carrying;
	int found, code;

	if (weft_rwlock_acquire_read(lock) < 0)
		return -1;
	carry->is_held = true;
	found = options->carrier->asks(options->arg, what);
	if (found == 0)
		return 0;
	code = errno;
	weft_rwlock_release(lock);
	carry->is_held = false;
	errno = code;
	if (found < 0 || weft_rwlock_acquire_write(lock) < 0)
		return -1;
	carry->is_held = true;
	return options->carrier->begin(options->arg, what, &carry->state);
}

static void let_go(struct weft__carry *carry)
{
	int code = errno;

	if (carry->is_held) {
		int released = weft_rwlock_release(&carry->files->carrying);

		assert(released == 0);
		(void)released;
	}
	carry->is_held = false;
	errno = code;
}

int weft__carry_begin(struct weft__carry *ret_carry, const struct weft_files_carry *what,
	struct weft_files *files)
{
	*ret_carry =
		(struct weft__carry){.files = files, .from = what->from, .is_copy = what->is_copy};
	if (!files->options.carrier || strcmp(what->from, what->to) == 0)
		return 0;
	if (hold(ret_carry, what) == 0)
		return 0;
	let_go(ret_carry);
	return -1;
}

void weft__carry_end(struct weft__carry *carry, int result, bool has_moved)
{
	const struct weft_files_options *options = &carry->files->options;
	enum weft_files_carried how = WEFT_FILES_CARRIED;
	int code = errno;

	if (!has_moved)
		how = WEFT_FILES_NOT_CARRIED;
	else if (result < 0)
		how = WEFT_FILES_CARRIED_BOTH;
	/* Nobody's deadline leaves it half done. */
	WEFT_SHIELDED {
		if (carry->state) {
			if (how == WEFT_FILES_CARRIED && !carry->is_copy &&
				weft__trash_is_of(carry->files, carry->from) != 0)
				how = WEFT_FILES_CARRIED_BOTH;
			options->carrier->end(options->arg, carry->state, how);
		}
	}
	carry->state = NULL;
	errno = code;
	let_go(carry);
}
