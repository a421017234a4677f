/*
 * digest.c - SHA-256 (and SHA-1), of parts of files and of bytes as they come; by OpenSSL.
 *
 * Entry points: weft_files_sha256(); weft__digest_new(), _add(), _end().
 *
 * Never: a worker held up by a long computation, or a deadline missed because of one.
 */
#include "files/digest.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "files/files.h"
#include "weft/offload.h"

#ifdef WEFT_HAS_CRYPTO

#include <openssl/err.h>
#include <openssl/evp.h>

/* The library's context, under our name. */
struct weft__digest {
	EVP_MD_CTX *context;
};

static struct weft__digest *make(const EVP_MD *kind)
{
	struct weft__digest *digest = calloc(1, sizeof(*digest));

	if (!digest)
		return NULL;
	/* What fails here is no news for who looks at the library's errors next: TLS does. */
	ERR_set_mark();
	digest->context = EVP_MD_CTX_new();
	if (digest->context && EVP_DigestInit_ex(digest->context, kind, NULL) == 1) {
		ERR_pop_to_mark();
		return digest;
	}
	ERR_pop_to_mark();
	weft__digest_free(digest);
	errno = ENOMEM;
	return NULL;
}

struct weft__digest *weft__digest_new(void)
{
	return make(EVP_sha256());
}

struct weft__digest *weft__digest_new_of(const char *name, size_t len, size_t *ret_size)
{
	bool is_sha1 = len == 4 && memcmp(name, "sha1", 4) == 0;

	if (!is_sha1 && (len != 6 || memcmp(name, "sha256", 6) != 0)) {
		errno = EINVAL;
		return NULL;
	}
	*ret_size = is_sha1 ? 20 : WEFT__DIGEST_SIZE;
	return make(is_sha1 ? EVP_sha1() : EVP_sha256());
}

void weft__digest_add(struct weft__digest *digest, const void *data, size_t len)
{
	EVP_DigestUpdate(digest->context, data, len);
}

void weft__digest_end(struct weft__digest *digest, uint8_t ret_digest[WEFT__DIGEST_SIZE])
{
	EVP_DigestFinal_ex(digest->context, ret_digest, NULL);
}

void weft__digest_free(struct weft__digest *digest)
{
	if (!digest)
		return;
	EVP_MD_CTX_free(digest->context);
	free(digest);
}

#else

struct weft__digest *weft__digest_new(void)
{
	errno = ENOSYS;
	return NULL;
}

struct weft__digest *weft__digest_new_of(const char *name, size_t len, size_t *ret_size)
{
	(void)name, (void)len, (void)ret_size;
	return weft__digest_new();
}

void weft__digest_add(struct weft__digest *digest, const void *data, size_t len)
{
	(void)digest, (void)data, (void)len;
}

void weft__digest_end(struct weft__digest *digest, uint8_t ret_digest[WEFT__DIGEST_SIZE])
{
	(void)digest, (void)ret_digest;
}

void weft__digest_free(struct weft__digest *digest)
{
	(void)digest;
}

#endif

/* ---- Of files -------------------------------------------------------------------------- */

/** Bytes that are read and reckoned by one call on a thread: some milliseconds of it. */
#define SLICE ((int64_t)4 * 1024 * 1024)
#define BLOCK ((size_t)64 * 1024)

struct digesting {
	struct weft__digest *digest;
	int fd;
	int64_t at, left; /* left negative: to the end */
	bool is_done;
	char *block;
};

static int digest_slice(void *arg)
{
	struct digesting *work = arg;

	for (int64_t done = 0; done < SLICE;) {
		size_t size =
			work->left < 0 || work->left > (int64_t)BLOCK ? BLOCK : (size_t)work->left;
		ssize_t len = size ? pread(work->fd, work->block, size, work->at) : 0;

		if (len < 0 && errno == EINTR)
			continue;
		if (len < 0)
			return -1;
		if (len == 0) {
			work->is_done = true;
			return 0;
		}
		weft__digest_add(work->digest, work->block, (size_t)len);
		work->at += len;
		done += len;
		if (work->left >= 0)
			work->left -= len;
	}
	return 0;
}

int weft__digest_file(struct weft__digest *digest, int fd, int64_t offset, int64_t len)
{
	struct digesting work = {.digest = digest, .fd = fd, .at = offset, .left = len};
	int result = 0;

	work.block = malloc(BLOCK);
	if (!work.block)
		return -1;
	while (result == 0 && !work.is_done)
		result = weft_offload_as(WEFT_OFFLOAD_FILE, digest_slice, &work);
	free(work.block);
	return result;
}

int weft_files_sha256(struct weft_files *files, const struct weft_files_visitor *visitor,
	const struct weft_files_part *part, uint8_t ret_digest[WEFT__DIGEST_SIZE])
{
	struct weft__digest *digest;
	struct stat stat;
	int result = -1, code, fd;

	if (part->offset < 0) {
		errno = EINVAL;
		return -1;
	}
	fd = weft_files_open(files, visitor, part->path, &stat);
	if (fd < 0)
		return -1;
	digest = weft__digest_new();
	if (S_ISDIR(stat.st_mode))
		errno = EISDIR;
	else if (digest)
		result = weft__digest_file(digest, fd, part->offset, part->len);
	if (result == 0)
		weft__digest_end(digest, ret_digest);
	code = errno;
	weft__digest_free(digest);
	close(fd);
	errno = code;
	return result;
}
