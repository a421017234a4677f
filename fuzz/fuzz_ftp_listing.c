/*
 * fuzz_ftp_listing.c - lines of listings from an enemy's FTP server.
 *
 * The first byte says when "now" is, and which form is tried. An entry that is read points
 * into its line, has a name, and no number out of its range.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "ftp/listing.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void require(bool fact)
{
	if (!fact)
		abort();
}

static void check_place(const char *line, size_t size, const char *text)
{
	require(!text || !*text || (text >= line && text + strlen(text) < line + size));
}

static void check_entry(const struct weft_ftp_entry *entry, const char *line, size_t size)
{
	require(entry->name && *entry->name);
	check_place(line, size, entry->name);
	check_place(line, size, entry->target);
	check_place(line, size, entry->owner);
	require(entry->size_bytes >= -1 && entry->mode >= -1 && entry->mode <= 07777);
	require(entry->precision != WEFT_FTP_NO_TIME || entry->modified_s == 0);
	weft_ftp_name_is_safe(entry->name);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct weft_ftp_entry entry;
	bool is_self, is_read;
	int64_t now_s;
	char *line;

	if (len < 1)
		return 0;
	now_s = (int64_t)(data[0] >> 1) * 20000000;
	line = malloc(len);
	require(line != NULL);
	memcpy(line, data + 1, len - 1);
	line[len - 1] = '\0';
	is_read = data[0] & 1 ? weft__ftp_parse_facts(line, &entry, &is_self)
			      : weft__ftp_parse_list(line, now_s, &entry);
	if (is_read)
		check_entry(&entry, line, len);
	free(line);
	return 0;
}
