/*
 * client_copy.c - what downloads and uploads of whole files have in common.
 *
 * Entry points: weft__ftp_verify(), weft__ftp_fail_local(), weft__ftp_tell().
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "files/digest.h"
#include "ftp/client.h"
#include "weft/file.h"

/** What the slowest of servers reads, to reckon a sum, in a second. */
#define SUM_SPEED INT64_C(20000000)

const struct weft_ftp_copy_options weft__ftp_plain_copy;

int weft__ftp_fail_local(struct weft_ftp_client *client, const char *path)
{
	char shown[160];
	int error = errno;

	weft__ftp_visible(path, shown, sizeof(shown));
	errno = error;
	return weft__ftp_fail_errno(client, WEFT_FTP_LOCAL, shown);
}

void weft__ftp_tell(const struct weft_ftp_copy_options *options, int64_t done, int64_t total)
{
	if (options->progress)
		options->progress(options->progress_arg, done, total);
}

/* ---- Sums --------------------------------------------------------------------------- */

static int sum_of(
	struct weft_ftp_client *client, struct weft_file *file, uint8_t ret_sum[WEFT__DIGEST_SIZE])
{
	struct weft__digest *digest = weft__digest_new();
	int result = digest ? weft__digest_file(digest, weft_file_fd(file), 0, -1) : -1, error;

	if (result == 0)
		weft__digest_end(digest, ret_sum);
	error = errno;
	weft__digest_free(digest);
	errno = error;
	return result < 0 ? weft__ftp_fail_errno(
				    client, WEFT_FTP_LOCAL, "The sum of the file here is not known")
			  : 0;
}

/* It reads all of the file before it answers. */
static int ask_sum(struct weft_ftp_client *client, const char *path, int64_t size_bytes,
	uint8_t ret_sum[WEFT__DIGEST_SIZE])
{
	int64_t patience_ns = client->options.timeout_ns;
	int result;

	if (patience_ns < WEFT_SECONDS(1000000))
		client->options.timeout_ns += WEFT_SECONDS(size_bytes / SUM_SPEED);
	result = weft_ftp_client_hash(client, path, ret_sum);
	client->options.timeout_ns = patience_ns;
	return result;
}

int weft__ftp_verify(struct weft_ftp_client *client, const char *remote, struct weft_file *file,
	int64_t size_bytes)
{
	uint8_t here[WEFT__DIGEST_SIZE], there[WEFT__DIGEST_SIZE];

	if (!(client->features & WEFT_FTP_HASH))
		return 0;
	if (sum_of(client, file, here) < 0 || ask_sum(client, remote, size_bytes, there) < 0)
		return -1;
	if (memcmp(here, there, sizeof(here)) == 0)
		return 0;
	return weft__ftp_fail(client, WEFT_FTP_DIFFERS, EBADMSG,
		"The file there and the one here have not the same SHA-256.");
}
