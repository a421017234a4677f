/*
 * fuzz_segment.c - what an enemy, or a dead program, has left in /dev/shm under the name of a
 * queue, an array or a segment; and what is written over a queue while it is in use.
 *
 * A true one is made first, of a small queue or array, as the first byte says; the second says
 * where its file is cut, or by how much it grows. The rest are changes, of three bytes each:
 * where, and the byte that lies there from now on. The changes of the first half are made before
 * one attaches, the others while it is used. Whatever comes: an error, or values of the right
 * length; nothing beyond the file is touched, and nothing is left.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <unistd.h>

#include "weft/queue.h"
#include "weft/shared.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

#define HEAD_SIZE  4096
#define FILE_MAX   ((size_t)16384)
#define CHANGE_LEN 3

static void require(bool fact)
{
	if (!fact)
		abort();
}

static const char *own_name(void)
{
	static char name[40];

	snprintf(name, sizeof name, "fuzz-segment-%d", (int)getpid());
	return name;
}

static const char *own_path(void)
{
	static char path[80];

	snprintf(path, sizeof path, "/dev/shm/weft.%s", own_name());
	return path;
}

/* LOCK_SH: no test sweeps meanwhile, as in tests/process/sweeps.h. */
static void keep_sweeps_out(int how)
{
	static int folder = -1;

	if (folder < 0)
		folder = open("/dev/shm", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	require(folder >= 0);
	require(flock(folder, how) == 0);
}

/* The bytes of a true one, as it lies there. Returns how many. */
static size_t take_true_one(uint8_t kind, unsigned char *bytes)
{
	const struct weft_queue_options options = {
		.capacity_bytes = 64U << (kind >> 4 & 3), .messages_max = kind & 8 ? 1 : 0};
	struct weft_shared_array *array = NULL;
	struct weft_queue *queue = NULL;
	ssize_t len;
	int fd;

	if (kind & 1) {
		array = weft_shared_array_new(own_name(), "?bHiQfd"[(kind >> 1) % 7], 9, NULL);
		require(array);
	} else {
		queue = weft_queue_new(own_name(), &options);
		require(queue);
		for (int i = 0; i < 3; i++)
			weft_queue_try_put(queue, "message", (size_t)i * 2);
	}
	fd = open(own_path(), O_RDONLY | O_CLOEXEC);
	require(fd >= 0);
	len = read(fd, bytes, FILE_MAX);
	require(len > HEAD_SIZE);
	close(fd);
	weft_shared_array_free(array);
	weft_queue_free(queue);
	return (size_t)len;
}

/* Most changes hit the heads; each may hit all of the file. */
static void change(unsigned char *bytes, size_t size, const uint8_t *changes, size_t len)
{
	for (; len >= CHANGE_LEN; changes += CHANGE_LEN, len -= CHANGE_LEN) {
		size_t at = changes[0] | (size_t)(changes[1] & 1) << 8;

		if (changes[1] & 2)
			at += HEAD_SIZE;
		if (changes[1] & 4)
			at += 512;
		if (at < size)
			bytes[at] = changes[2];
	}
}

/* A file with those bytes, held as somebody who is attached would. */
static int leave(const unsigned char *bytes, size_t size)
{
	int fd = open(own_path(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	require(fd >= 0);
	require(write(fd, bytes, size) == (ssize_t)size);
	require(flock(fd, LOCK_SH | LOCK_NB) == 0);
	return fd;
}

/* ---- Uses ------------------------------------------------------------------------------ */

static void use_queue(int fd, size_t size, const uint8_t *changes, size_t len)
{
	struct weft_queue *queue =
		weft_queue_new(own_name(), &(struct weft_queue_options){.must_exist = true});
	unsigned char *bytes = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	char text[100];
	size_t got;

	require(bytes != MAP_FAILED);
	for (size_t at = 0; queue && (at == 0 || at < len); at += CHANGE_LEN) {
		if (at < len)
			change(bytes, size, changes + at, len - at < CHANGE_LEN ? 0 : CHANGE_LEN);
		/* Who lives, and has a lock, is waited for. */
		memset(bytes + HEAD_SIZE + 128, 0, 4);
		memset(bytes + HEAD_SIZE + 256, 0, 4);
		if (weft_queue_try_get(queue, text, sizeof text, &got) == 1)
			require(got <= sizeof text);
		weft_queue_try_put(queue, text, at % sizeof text);
		weft_queue_len(queue);
		weft_queue_is_full(queue);
		weft_queue_is_empty(queue);
	}
	munmap(bytes, size);
	weft_queue_free(queue);
}

static void use_array(char letter, size_t count)
{
	struct weft_shared_array *array = weft_shared_array_new(
		own_name(), letter, count, &(struct weft_shared_array_options){.must_exist = true});
	union weft_pack_value value = {.i = 1};

	if (!array)
		return;
	for (size_t i = 0; i < weft_shared_array_len(array); i++) {
		require(weft_shared_array_get(array, i, &value) == 0);
		require(weft_shared_array_set(array, i, value) == 0);
	}
	require(weft_shared_array_get(array, weft_shared_array_len(array), &value) < 0);
	weft_shared_array_free(array);
}

static void use_segment(size_t size)
{
	struct weft_segment *segment = weft_segment_new(
		own_name(), size, &(struct weft_segment_options){.must_exist = true});
	unsigned char *bytes;

	if (!segment)
		return;
	bytes = weft_segment_data(segment);
	require(weft_segment_size(segment) >= size && weft_segment_size(segment) > 0);
	bytes[0] = bytes[weft_segment_size(segment) - 1];
	weft_segment_free(segment);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static unsigned char bytes[FILE_MAX];
	size_t size, half;
	int fd;

	if (len < 2)
		return 0;
	keep_sweeps_out(LOCK_SH);
	memset(bytes, 0, sizeof bytes);
	size = take_true_one(data[0], bytes);
	half = (len - 2) / 2 / CHANGE_LEN * CHANGE_LEN;
	change(bytes, size, data + 2, half);
	if (data[1] & 0x80)
		size = size * (data[1] & 0x7f) / 0x80;
	else
		size += (size_t)data[1] * 8;
	fd = leave(bytes, size);
	if (size > HEAD_SIZE + 512)
		use_queue(fd, size, data + 2 + half, len - 2 - half);
	use_array("?bHiQfd"[(data[0] >> 1) % 7], data[0] & 0x80 ? 9 : 0);
	use_segment(data[0] & 0x80 ? 1 : 0);
	close(fd);
	/* Nobody holds it any more: it is made anew, whatever it was. */
	weft_queue_free(weft_queue_new(own_name(), NULL));
	require(access(own_path(), F_OK) < 0 && errno == ENOENT);
	keep_sweeps_out(LOCK_UN);
	return 0;
}
