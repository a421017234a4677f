/*
 * file_io.c - see file_io.h.
 *
 * In a fiber the driver is asked first. Without an answer from it, a read tries what
 * the kernel has in memory (preadv2(2), RWF_NOWAIT: a microsecond), and the rest goes to a
 * thread (some ten). A budget of the driver's waist keeps such reads from holding up others.
 *
 * Must never: make a call that may wait for a disk on a worker.
 */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include "fiber/worker.h"
#include "io/file_io.h"
#include "weft/offload.h"
#include "weft/scope.h"

/** The largest read that is tried at once: copying more would hold up others. */
#define AT_ONCE_MAX 65536

/** The largest single call: what Linux moves at most (read(2), NOTES). */
#define CALL_MAX ((size_t)0x7ffff000)

/* ---- By descriptor ----------------------------------------------------------------------- */

/* On a thread, or by the driver: the same operation. */
static int op_attempt(void *arg)
{
	struct weft__op *op = arg;
	int64_t result = weft__attempt(op);

	if (result >= 0) {
		op->position = result; /* too large for an int */
		return 0;
	}
	errno = (int)-result;
	return -1;
}

static int64_t op_at_once(const struct weft__op *op)
{
	struct iovec part = {op->data, op->len};

	if (op->kind != WEFT__OP_PREAD || op->len > AT_ONCE_MAX)
		return -1;
	return preadv2(op->fd, &part, 1, op->position, RWF_NOWAIT);
}

static int64_t perform(struct weft__op *op)
{
	int64_t result;

	if (!weft__worker) {
		if (weft_interrupted()) {
			errno = weft_interrupted();
			return -1;
		}
		return op_attempt(op) < 0 ? -1 : op->position;
	}
	result = weft__perform(op);
	if (result >= 0 || errno != EOPNOTSUPP)
		return result;
	result = op_at_once(op);
	if (result >= 0)
		return result;
	return weft_offload_as(WEFT_OFFLOAD_FILE, op_attempt, op) < 0 ? -1 : op->position;
}

ssize_t weft__file_pread(int fd, void *buffer, size_t size_bytes, int64_t position)
{
	struct weft__op op = {.kind = WEFT__OP_PREAD,
		.fd = fd,
		.data = buffer,
		.len = size_bytes < CALL_MAX ? size_bytes : CALL_MAX,
		.position = position};

	return perform(&op);
}

ssize_t weft__file_pwrite(int fd, const void *data, size_t len, int64_t position)
{
	struct weft__op op = {.kind = WEFT__OP_PWRITE,
		.fd = fd,
		.data = (void *)data,
		.len = len < CALL_MAX ? len : CALL_MAX,
		.position = position};

	return perform(&op);
}

int weft__file_sync(int fd, bool is_data_only)
{
	struct weft__op op = {.kind = WEFT__OP_FSYNC, .fd = fd, .flags = is_data_only};

	return perform(&op) < 0 ? -1 : 0;
}

struct fd_call {
	int fd, whence;
	int64_t number;
	struct stat *status;
};

static int stat_fd(void *arg)
{
	struct fd_call *call = arg;

	return fstat(call->fd, call->status);
}

static int truncate_fd(void *arg)
{
	struct fd_call *call = arg;

	return ftruncate(call->fd, call->number);
}

static int seek_fd(void *arg)
{
	struct fd_call *call = arg;

	call->number = lseek(call->fd, call->number, call->whence);
	return call->number < 0 ? -1 : 0;
}

static int close_fd(void *arg)
{
	return close(((struct fd_call *)arg)->fd);
}

int weft__file_stat(int fd, struct stat *ret_status)
{
	struct fd_call call = {.fd = fd, .status = ret_status};

	return weft_offload_as(WEFT_OFFLOAD_FILE, stat_fd, &call);
}

int weft__file_truncate(int fd, int64_t size_bytes)
{
	struct fd_call call = {.fd = fd, .number = size_bytes};

	return weft_offload_as(WEFT_OFFLOAD_FILE, truncate_fd, &call);
}

int64_t weft__file_seek(int fd, int64_t offset, int whence)
{
	struct fd_call call = {.fd = fd, .number = offset, .whence = whence};

	return weft_offload_as(WEFT_OFFLOAD_FILE, seek_fd, &call) < 0 ? -1 : call.number;
}

int weft__file_close(int fd)
{
	struct fd_call call = {.fd = fd};
	int result = -1;

	WEFT_SHIELDED
		result = weft_offload_as(WEFT_OFFLOAD_FILE, close_fd, &call);
	/* No thread to be had: it is closed here, rather than not. */
	if (result < 0 && (errno == EAGAIN || errno == ENOMEM))
		result = close(fd);
	return result < 0 && errno == EINTR ? 0 : result; /* closed all the same: close(2) */
}

/* ---- By path -------------------------------------------------------------------------------- */

struct weft__path_call *weft__path_call_new(const char *path, const char *other)
{
	size_t len = strlen(path), other_len = other ? strlen(other) + 1 : 0;
	struct weft__path_call *call;

	if (len >= PATH_MAX || other_len > PATH_MAX) {
		errno = ENAMETOOLONG;
		return NULL;
	}
	call = calloc(1, sizeof *call + len + 1 + other_len);
	if (!call)
		return NULL;
	call->fd = -1;
	memcpy(call->path, path, len + 1);
	if (other)
		call->other = memcpy(call->path + len + 1, other, other_len);
	return call;
}

static int path_run(void *arg)
{
	struct weft__path_call *call = arg;

	return call->fn(call);
}

static void path_drop(void *arg)
{
	struct weft__path_call *call = arg;

	if (call->fd >= 0)
		close(call->fd);
	if (call->drop)
		call->drop(call);
	free(call);
}

int weft__path_call(struct weft__path_call **call)
{
	const struct weft_offload_owned work = {
		.kind = WEFT_OFFLOAD_FILE, .fn = path_run, .arg = *call, .drop = path_drop};
	int result;

	if (weft_offload_owned(&work, &result) == 0)
		return result;
	*call = NULL;
	return -1;
}
