/*
 * uploads.h - what the tests of transfers share: bytes to send, uploads that are under way.
 */
#ifndef TESTS_FTP_UPLOADS_H
#define TESTS_FTP_UPLOADS_H

#include "share.h"

#define LARGE ((size_t)300000)

/* Bytes that are not the same at two places near each other. */
static __attribute__((unused)) const char *pattern(void)
{
	static char bytes[LARGE];

	for (size_t i = 0; i < LARGE; i++)
		bytes[i] = (char)(i * 7 + i / 251);
	return bytes;
}

static __attribute__((unused)) bool share_has_pattern(const char *name, size_t len)
{
	static char buffer[LARGE + 2];

	return share_get(name, buffer, sizeof(buffer)) == (ssize_t)len &&
	       memcmp(buffer, pattern(), len) == 0;
}

/* How many names there are in the folder, hidden ones too, but what is the engine's own. */
static __attribute__((unused)) int count_names(void)
{
	DIR *folder = opendir(share.dir);
	int count = 0;

	CHECK(folder != NULL);
	for (const struct dirent *entry; (entry = readdir(folder)) != NULL;)
		count += entry->d_name[0] != '.';
	closedir(folder);
	return count;
}

/* Begin an upload of len bytes, wait until they have come, and let the caller end it. */
static __attribute__((unused)) struct weft_stream *begin_upload(
	struct talk *talk, const char *command, size_t len)
{
	struct weft_stream *data = call_data(talk);
	char status[64];

	CHECK_INT(say(talk, "%s", command), ==, 150);
	CHECK_INT(weft_stream_write_all(data, pattern(), len), ==, 0);
	CHECK_INT(weft_stream_flush(data), ==, 0);
	snprintf(status, sizeof(status), "213 %zu bytes", len);
	do
		CHECK_INT(say(talk, "STAT"), ==, 213);
	while (!heard(talk, status));
	return data;
}

static __attribute__((unused)) void reset(struct weft_stream *stream)
{
	const struct linger at_once = {.l_onoff = 1};

	CHECK_INT(setsockopt(
			  weft_stream_fd(stream), SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once)),
		==, 0);
	weft_stream_free(stream);
}

/* A file that no socket's buffers hold. */
static __attribute__((unused)) void put_endless(const char *name)
{
	int fd = open(share_path(name), O_WRONLY | O_CREAT, 0644);

	CHECK(fd >= 0);
	CHECK_INT(ftruncate(fd, 1LL << 40), ==, 0);
	close(fd);
}

#endif
