/*
 * weft/shared.h - memory that processes share: segments, and values and arrays in them.
 *
 *	struct weft_segment *segment = weft_segment_new("scores", sizeof(struct board), NULL);
 *	struct board *board = weft_segment_data(segment);	// the same bytes in all
 *
 *	struct weft_shared_array *hits = weft_shared_array_new("hits", 'Q', 16, NULL);
 *	weft_shared_array_add(hits, 3, 1, NULL);
 *
 * A segment with a name is found by any process that may (its mode says who): it lies below
 * /dev/shm, as "weft." and the name. The first to come makes it, of zeros; the last to go
 * removes it. One that a killed program has left is found out by who comes next, and made anew:
 * whoever is attached holds a lock of the kernel's (flock(2)), which ends with its process.
 * One without a name is for the children of this process, and for who is sent its descriptor.
 *
 * Children of fork(2) have their parent's segments, at the same addresses, and free their own.
 *
 * What is in shared memory can be changed by everybody who is attached: believe it no more than
 * them. Only one's own and root's named segments are opened. Whoever may write to a named one may
 * also cut it short, and who then touches what is gone is killed (SIGBUS): give a mode beyond 0600
 * to those only whom you trust with that. One without a name can't be cut short.
 *
 * A child in a new pid namespace must not use what it inherited: the locks in it would take their
 * owners for others.
 *
 * Safe from any thread and fiber, but for _free(). Errors: NULL or -1, with errno set.
 */
#ifndef WEFT_SHARED_H
#define WEFT_SHARED_H

#include "weft/api.h"
#include "weft/pack.h"
#include "weft/shared_sync.h"

WEFT_BEGIN

struct weft_segment;      /* opaque: src/process/segment.c */
struct weft_shared_array; /* opaque: src/process/array.c */

/** Longest name, and longest type, in bytes. */
#define WEFT_SEGMENT_NAME_MAX 200
#define WEFT_SEGMENT_TYPE_MAX 31

struct weft_segment_options {
	/** What is in it, and in which version: "scores 2". Another one is refused. NULL: "" */
	const char *type;
	unsigned mode;    /* of a new one: who may attach; 0: 0600, which is the user's own */
	bool must_exist;  /* attach only */
	bool must_be_new; /* make only */
	/** Called by who makes it, before anybody else sees it. Not 0: it isn't made. When another
	 * process removes the name meanwhile, it is called again for the next one. */
	int (*init)(void *data, size_t size_bytes, void *arg);
	void *arg;
};

/* ---- Segments ----------------------------------------------------------------------- */

/**
 * Make a segment, or attach to the one of that name, which has that many bytes or more; 0:
 * as many as it has. name: without '/', and not empty; NULL: none. options may be NULL. All its
 * memory is had at once. Ended by weft_segment_free(). It waits, within the scope, while another
 * process makes it.
 * Errors: EINVAL (name; mode, beyond 0777; a new one of no bytes), ENAMETOOLONG (name, type);
 * ENOENT (must_exist), EEXIST (must_be_new); EPROTO (no segment of this version of weft),
 * EPROTOTYPE (another type), EMSGSIZE (fewer bytes), EXDEV (of another pid or time namespace, whose
 * locks would be taken for those of the dead), EACCES (another's), EBUSY (others hold what never
 * became one); ENOSPC, ENOMEM, EFBIG (no room), ENOSYS (no memfd);
 * ETIMEDOUT, ECANCELED; those of open(2) and mmap(2); and what init() left in errno.
 */
WEFT_API struct weft_segment *weft_segment_new(
	const char *name, size_t size_bytes, const struct weft_segment_options *options);

/**
 * Attach to one by a descriptor (weft_segment_fd()) that was received or inherited, which stays
 * the caller's. Errors: as above; EPERM (somebody else could cut it short).
 */
WEFT_API struct weft_segment *weft_segment_attach(int fd, size_t size_bytes, const char *type);

/** Detach; the last one removes its name. data is gone, nobody may wait in it. NULL is fine. */
WEFT_API void weft_segment_free(struct weft_segment *segment);

/** Its bytes: at the start of a page. */
WEFT_API void *weft_segment_data(const struct weft_segment *segment);
WEFT_API size_t weft_segment_size(const struct weft_segment *segment);

/** Whether this call of weft_segment_new() has made it. */
WEFT_API bool weft_segment_is_new(const struct weft_segment *segment);

/** To be sent to others, or kept open for a program; the segment's own. */
WEFT_API int weft_segment_fd(const struct weft_segment *segment);

/** Remove a name: who is attached stays so. Errors: ENOENT, EACCES, EINVAL, ENAMETOOLONG. */
WEFT_API int weft_segment_unlink(const char *name);

/** Remove what killed programs left, as far as the caller may. Returns how many. */
WEFT_API size_t weft_segment_sweep(void);

/* ---- Values and arrays ------------------------------------------------------------------ */

struct weft_shared_array_options {
	unsigned mode;
	bool must_exist, must_be_new;
};

/**
 * count values of the C type that a letter of weft/pack.h says, in the machine's own form:
 * ? b B h H i I l L q Q f d. A value is an array of one. count 0: as many as there are.
 * Ended by weft_shared_array_free(). Errors: EINVAL (letter), EOVERFLOW; those of
 * weft_segment_new(): EPROTOTYPE is also said of another letter, EMSGSIZE of fewer values.
 */
WEFT_API struct weft_shared_array *weft_shared_array_new(const char *name, char letter,
	size_t count, const struct weft_shared_array_options *options);
WEFT_API void weft_shared_array_free(struct weft_shared_array *array);

/** How many values there are, and of which type. */
WEFT_API size_t weft_shared_array_len(const struct weft_shared_array *array);
WEFT_API char weft_shared_array_letter(const struct weft_shared_array *array);

/** The values, as a C array of their type: what is read and written there isn't checked. */
WEFT_API void *weft_shared_array_data(const struct weft_shared_array *array);

/** A lock that comes with it, for the caller's own use: no call here takes it. */
WEFT_API struct weft_shared_lock *weft_shared_array_lock(struct weft_shared_array *array);

/**
 * One value, whole: never half of two. Which member of weft_pack_value it is, weft/pack.h says.
 * An f is rounded as C does it. Errors: EDOM (no such index); ERANGE (the integer does not fit
 * the type).
 */
WEFT_API int weft_shared_array_get(
	const struct weft_shared_array *array, size_t index, union weft_pack_value *ret_value);
WEFT_API int weft_shared_array_set(
	struct weft_shared_array *array, size_t index, union weft_pack_value value);

/**
 * Change an integer in one step. ret_old, which may be NULL, is what it was. A sum that does not
 * fit wraps around. Errors: EDOM; ERANGE (of _exchange and _compare_exchange); EINVAL (of ? f d);
 * EAGAIN: _compare_exchange found another value than expected, and changed nothing; *ret_old
 * is that.
 */
WEFT_API int weft_shared_array_add(struct weft_shared_array *array, size_t index, int64_t delta,
	union weft_pack_value *ret_old);
WEFT_API int weft_shared_array_exchange(struct weft_shared_array *array, size_t index,
	union weft_pack_value value, union weft_pack_value *ret_old);
WEFT_API int weft_shared_array_compare_exchange(struct weft_shared_array *array, size_t index,
	union weft_pack_value expected, union weft_pack_value value,
	union weft_pack_value *ret_old);

WEFT_END

#endif
