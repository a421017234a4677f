/*
 * fuzz_file_name.c - a name that is taken, from an enemy: the names that are tried instead are
 * names of files, each another one, in characters that are whole; and ids of the trash, and its
 * records, that are not.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "files/store.h"
#include "files/trash.h"
#include "weft/utf8.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void require(bool fact)
{
	if (!fact)
		abort();
}

static void check_names(const char *like)
{
	char name[WEFT_FILES_NAME_SIZE], before[WEFT_FILES_NAME_SIZE] = "";
	bool is_text = weft_utf8_is_valid(like, strlen(like));
	unsigned number = 0;

	for (int i = 0; i < 12; i++) {
		if (weft__name_next(like, &number, name) < 0)
			return;
		require(strlen(name) > 0 && strlen(name) <= NAME_MAX);
		require(strcmp(name, like) != 0 && strcmp(name, before) != 0);
		require(!is_text || weft_utf8_is_valid(name, strlen(name)));
		memcpy(before, name, sizeof(name));
	}
}

/* What lies on the disk as a record is read, or is none. */
static void check_record(const uint8_t *data, size_t len)
{
	static int fd = -1;
	struct weft__upload_record record;

	if (fd < 0)
		fd = memfd_create("record", MFD_CLOEXEC);
	require(fd >= 0 && ftruncate(fd, 0) == 0 && pwrite(fd, data, len, 0) == (ssize_t)len);
	if (weft__upload_record_read(fd, &record) < 0)
		return;
	require(record.owner && record.path && record.remark);
	weft__upload_record_fini(&record);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	char *text = malloc(len + 1);

	require(text != NULL);
	memcpy(text, data, len);
	text[len] = '\0';
	if (strlen(text) <= NAME_MAX && !strchr(text, '/'))
		check_names(text);
	require(!weft__trash_is_id(text) || strlen(text) == 32);
	check_record(data, len);
	free(text);
	return 0;
}
