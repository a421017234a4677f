/*
 * segment.c - memory that processes share: what is in a segment. Names: segment_name.c.
 *
 * Must never: touch mapped memory whose file another could cut short (SIGBUS), or believe what a
 * header says before it is held against the file itself.
 */
#include "process/segment.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

static void *fail(int code)
{
	errno = code;
	return NULL;
}

/* ---- The head ---------------------------------------------------------------------------- */

/* 0 where the kernel has no such namespaces, or doesn't tell. */
static uint64_t namespace_of(const char *path)
{
	struct stat status;

	return stat(path, &status) == 0 ? status.st_ino : 0;
}

static void head_init(struct weft__segment_head *head, const struct weft__segment_wish *wish)
{
	assert(head);
	*head = (struct weft__segment_head){.version = WEFT__SEGMENT_VERSION, .size = wish->size};
	memcpy(head->magic, WEFT__SEGMENT_MAGIC, sizeof head->magic);
	head->pid_namespace = namespace_of("/proc/self/ns/pid");
	head->time_namespace = namespace_of("/proc/self/ns/time");
	memcpy(head->type, wish->type, sizeof head->type);
}

/* 0 or an errno. */
static int head_check(const struct weft__segment_head *head, const struct weft__segment_wish *wish,
	off_t file_size)
{
	struct weft__segment_head mine;

	head_init(&mine, wish);
	if (memcmp(head->magic, mine.magic, sizeof mine.magic) != 0 ||
		head->version != mine.version || head->state != WEFT__SEGMENT_READY)
		return EPROTO;
	if (head->size != (uint64_t)file_size - WEFT__SEGMENT_HEAD_SIZE || head->size == 0)
		return EPROTO;
	if (memcmp(head->type, mine.type, sizeof mine.type) != 0)
		return EPROTOTYPE;
	if (head->pid_namespace != mine.pid_namespace ||
		head->time_namespace != mine.time_namespace)
		return EXDEV;
	return head->size < wish->size ? EMSGSIZE : 0;
}

static int map(struct weft_segment *segment, size_t size)
{
	void *place = mmap(NULL, WEFT__SEGMENT_HEAD_SIZE + size, PROT_READ | PROT_WRITE, MAP_SHARED,
		segment->fd, 0);

	if (place == MAP_FAILED)
		return errno;
	segment->map = place;
	segment->size = size;
	return 0;
}

/* ---- Making ---------------------------------------------------------------------------------- */

/* All of it now: memory that isn't there when it is touched is a SIGBUS. */
static int reserve(int fd, size_t size)
{
	struct rlimit limit;
	int code;

	if (getrlimit(RLIMIT_FSIZE, &limit) == 0 && size > limit.rlim_cur)
		return EFBIG; /* which the kernel says by a signal that kills */
	if (ftruncate(fd, (off_t)size) < 0)
		return errno;
	do {
		code = posix_fallocate(fd, 0, (off_t)size);
	} while (code == EINTR);
	return code;
}

int weft__segment_fill(struct weft_segment *segment, const struct weft__segment_wish *wish)
{
	struct weft__segment_head *head;
	int code = reserve(segment->fd, WEFT__SEGMENT_HEAD_SIZE + wish->size);

	if (code == 0)
		code = map(segment, wish->size);
	if (code)
		return code;
	head = segment->map;
	head_init(head, wish);
	segment->is_new = true;
	if (wish->options.init) {
		errno = 0;
		if (wish->options.init(weft_segment_data(segment), wish->size, wish->options.arg) !=
			0)
			return errno ? errno : ECANCELED;
	}
	__atomic_store_n(&head->state, WEFT__SEGMENT_READY, __ATOMIC_RELEASE);
	return 0;
}

static int make_unnamed(struct weft_segment *segment, const struct weft__segment_wish *wish)
{
	int code;

	if (wish->options.must_exist)
		return ENOENT;
	segment->fd = memfd_create("weft", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (segment->fd < 0)
		return errno;
	code = weft__segment_fill(segment, wish);
	if (code)
		return code;
	/* Nobody who is sent it can cut it short under the others. */
	return fcntl(segment->fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) < 0
		       ? errno
		       : 0;
}

/* ---- Attaching ----------------------------------------------------------------------------------
 */

bool weft__segment_is_trusted(const struct stat *status)
{
	return S_ISREG(status->st_mode) && (status->st_uid == geteuid() || status->st_uid == 0);
}

int weft__segment_enter(struct weft_segment *segment, const struct weft__segment_wish *wish)
{
	struct weft__segment_head head;
	struct stat status;
	int code;

	if (fstat(segment->fd, &status) < 0)
		return errno;
	if (status.st_size <= WEFT__SEGMENT_HEAD_SIZE ||
		pread(segment->fd, &head, sizeof head, 0) != (ssize_t)sizeof head)
		return EPROTO;
	code = head_check(&head, wish, status.st_size);
	return code ? code : map(segment, head.size);
}

/* ---- Life --------------------------------------------------------------------------------------
 */

static int wish_init(
	struct weft__segment_wish *wish, size_t size, const struct weft_segment_options *options)
{
	*wish = (struct weft__segment_wish){.size = size};
	if (options)
		wish->options = *options;
	if (wish->options.mode & ~0777U)
		return EINVAL; /* what set-user-ID and the like mean is for programs */
	if (!wish->options.mode)
		wish->options.mode = 0600;
	if (wish->options.type && strlen(wish->options.type) > WEFT_SEGMENT_TYPE_MAX)
		return ENAMETOOLONG;
	if (wish->options.type)
		memcpy(wish->type, wish->options.type, strlen(wish->options.type));
	return size > SSIZE_MAX - 2 * WEFT__SEGMENT_HEAD_SIZE ? ENOMEM : 0;
}

/* Keeps errno. */
static void drop(struct weft_segment *segment)
{
	int saved_errno = errno;

	if (segment->map)
		munmap(segment->map, WEFT__SEGMENT_HEAD_SIZE + segment->size);
	if (segment->fd >= 0)
		close(segment->fd);
	free(segment);
	errno = saved_errno;
}

static struct weft_segment *segment_alloc(void)
{
	struct weft_segment *segment = calloc(1, sizeof *segment);

	if (segment)
		segment->fd = -1;
	return segment;
}

struct weft_segment *weft_segment_new(
	const char *name, size_t size_bytes, const struct weft_segment_options *options)
{
	struct weft__segment_wish wish;
	struct weft_segment *segment;
	int code = wish_init(&wish, size_bytes, options);

	if (code)
		return fail(code);
	if (size_bytes == 0 && (!name || wish.options.must_be_new))
		return fail(EINVAL);
	segment = segment_alloc();
	if (!segment)
		return NULL;
	code = name ? weft__segment_path(name, segment->path, sizeof segment->path) : 0;
	if (code == 0)
		code = name ? weft__segment_open(segment, &wish) : make_unnamed(segment, &wish);
	if (code) {
		drop(segment);
		return fail(code);
	}
	return segment;
}

/* Sealed, or a file that only who is trusted can change. */
static int may_be_shortened(int fd)
{
	struct stat status;
	int seals = fcntl(fd, F_GET_SEALS);

	if (seals >= 0 && (seals & F_SEAL_SHRINK))
		return 0;
	if (fstat(fd, &status) < 0)
		return errno;
	if (!weft__segment_is_trusted(&status) || (status.st_mode & (S_IWGRP | S_IWOTH)))
		return EPERM;
	return 0;
}

struct weft_segment *weft_segment_attach(int fd, size_t size_bytes, const char *type)
{
	const struct weft_segment_options options = {.type = type};
	struct weft__segment_wish wish;
	struct weft_segment *segment;
	int code = wish_init(&wish, size_bytes, &options);

	if (code == 0)
		code = may_be_shortened(fd);
	if (code)
		return fail(code);
	segment = segment_alloc();
	if (!segment)
		return NULL;
	segment->fd = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	code = segment->fd < 0 ? errno : weft__segment_enter(segment, &wish);
	if (code) {
		drop(segment);
		return fail(code);
	}
	weft__segment_find_name(segment);
	return segment;
}

void weft_segment_free(struct weft_segment *segment)
{
	struct weft_segment gone;

	if (!segment)
		return;
	gone = *segment;
	drop(segment);
	if (gone.path[0])
		weft__segment_leave(&gone);
}

void *weft_segment_data(const struct weft_segment *segment)
{
	return (char *)segment->map + WEFT__SEGMENT_HEAD_SIZE;
}

size_t weft_segment_size(const struct weft_segment *segment)
{
	return segment->size;
}

bool weft_segment_is_new(const struct weft_segment *segment)
{
	return segment->is_new;
}

int weft_segment_fd(const struct weft_segment *segment)
{
	return segment->fd;
}
