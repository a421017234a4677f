/*
 * store_copy.c - bytes that another file has already become a put's own (store_put.h).
 *
 * Entry point: weft__put_copy().
 *
 *	FICLONERANGE		the file system lends the blocks: no byte moves
 *	copy_file_range		the kernel moves them
 *	pread, pwrite		where both refuse: another file system, an old kernel
 *
 * Never: a step so long that a late or cancelled caller would wait for all of it.
 */
#include <errno.h>
#include <linux/fs.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "files/store_put.h"
#include "weft/offload.h"

/** Bytes that are copied by one call on a thread. */
#define SLICE ((int64_t)32 * 1024 * 1024)

#define BLOCK ((size_t)128 * 1024)

struct copy_call {
	struct weft__put *put;
	int from_fd;
	int64_t from, len; /* what is left */
};

/* By reflink, as a whole. What is behind len is cut off again. */
static bool clone_all(const struct copy_call *call)
{
	if (call->from != 0 || call->put->position != 0)
		return false;
	if (ioctl(call->put->fd, FICLONE, call->from_fd) < 0)
		return false;
	return true;
}

static ssize_t copy_block(const struct copy_call *call, size_t len)
{
	char *block = malloc(BLOCK);
	ssize_t result = -1;

	if (!block)
		return -1;
	result = pread(call->from_fd, block, len < BLOCK ? len : BLOCK, call->from);
	if (result > 0)
		result = pwrite(call->put->fd, block, (size_t)result, call->put->position);
	free(block);
	return result;
}

static ssize_t copy_some(const struct copy_call *call, size_t len)
{
	off_t from = call->from, to = call->put->position;
	ssize_t result = copy_file_range(call->from_fd, &from, call->put->fd, &to, len, 0);

	if (result >= 0 || errno == EINTR || errno == ENOSPC || errno == EDQUOT || errno == EFBIG)
		return result;
	return copy_block(call, len);
}

/* One slice. */
static int copy_slice(void *arg)
{
	struct copy_call *call = arg;
	int64_t left = call->len < SLICE ? call->len : SLICE;

	while (left > 0) {
		ssize_t some = copy_some(call, (size_t)left);

		if (some < 0 && errno == EINTR)
			continue;
		if (some < 0)
			return -1;
		if (some == 0) { /* it has become shorter */
			call->len = 0;
			return 0;
		}
		left -= some;
		call->len -= some;
		call->from += some;
		call->put->position += some;
	}
	return 0;
}

static int begin_copy(void *arg)
{
	struct copy_call *call = arg;
	struct stat source;

	if (fstat(call->from_fd, &source) < 0)
		return -1;
	if (call->len > source.st_size)
		call->len = source.st_size;
	if (call->len == 0 || !clone_all(call))
		return copy_slice(call);
	/* The source may have grown or shrunk since: what is there now counts. */
	if (fstat(call->put->fd, &source) < 0)
		return -1;
	call->put->position = call->len < source.st_size ? call->len : source.st_size;
	call->len = 0;
	return ftruncate(call->put->fd, call->put->position);
}

int64_t weft__put_copy(struct weft__put *put, int from_fd, int64_t len)
{
	struct copy_call call = {.put = put, .from_fd = from_fd, .len = len};
	int64_t begun = put->position;

	if (weft_offload_as(WEFT_OFFLOAD_FILE, begin_copy, &call) < 0)
		return -1;
	while (call.len > 0)
		if (weft_offload_as(WEFT_OFFLOAD_FILE, copy_slice, &call) < 0)
			return -1;
	put->told = put->position;
	return put->position - begun;
}
