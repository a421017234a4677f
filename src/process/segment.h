/*
 * segment.h - a segment's record, and the page before its bytes.
 *
 *	0          4096                 4096 + size
 *	+----------+--------------------+
 *	| header   | data               |
 *	+----------+--------------------+
 */
#ifndef PROCESS_SEGMENT_H
#define PROCESS_SEGMENT_H

#include <limits.h>
#include <sys/stat.h>

#include "weft/shared.h"

#define WEFT__SEGMENT_HEAD_SIZE 4096
#define WEFT__SEGMENT_MAGIC     "weft seg"
#define WEFT__SEGMENT_VERSION   1
#define WEFT__SEGMENT_READY     0x79646172U

/** Below it lie named segments, as this and the name. */
#define WEFT__SEGMENT_DIR    "/dev/shm"
#define WEFT__SEGMENT_PREFIX "weft."

struct weft__segment_head {
	char magic[8];
	uint32_t version;
	uint32_t state; /* READY once it is whole */
	uint64_t size;  /* of the data */
	uint64_t pid_namespace, time_namespace;
	char type[WEFT_SEGMENT_TYPE_MAX + 1];
};

struct weft_segment {
	int fd;
	bool is_new;
	char path[sizeof(WEFT__SEGMENT_DIR "/" WEFT__SEGMENT_PREFIX) + WEFT_SEGMENT_NAME_MAX];
	void *map;
	size_t size; /* of the data */
};

/** What was asked for, checked. */
struct weft__segment_wish {
	struct weft_segment_options options;
	size_t size;
	char type[WEFT_SEGMENT_TYPE_MAX + 1];
};

/** Size the file, map it, and fill in its head and data. 0 or an errno; it may be mapped then. */
int weft__segment_fill(struct weft_segment *segment, const struct weft__segment_wish *wish);

/** Map a file that is said to be one, once it has been found to be. 0 or an errno. */
int weft__segment_enter(struct weft_segment *segment, const struct weft__segment_wish *wish);

/** Whether a file of that state is open for the caller to believe: its own or root's. */
bool weft__segment_is_trusted(const struct stat *status);

/** Open the named one, and hold it. 0 or an errno. */
int weft__segment_open(struct weft_segment *segment, const struct weft__segment_wish *wish);

/** The name of one that came by its descriptor, if it has one that leads to it. */
void weft__segment_find_name(struct weft_segment *segment);

/** Let it go, and remove its name if nobody else holds it. */
void weft__segment_leave(const struct weft_segment *segment);

/** 0 or an errno. */
int weft__segment_path(const char *name, char *ret_path, size_t size);

#endif
