/*
 * digest.h - SHA-256 of bytes as they come, and SHA-1 where a protocol has nothing better.
 */
#ifndef WEFT_SRC_FILES_DIGEST_H
#define WEFT_SRC_FILES_DIGEST_H

#include <stddef.h>
#include <stdint.h>

#define WEFT__DIGEST_SIZE 32

struct weft__digest;

/** SHA-256. NULL: ENOMEM, ENOSYS (built without OpenSSL). */
struct weft__digest *weft__digest_new(void);

/** By its name, "sha1" or "sha256"; *ret_size is its length, at most WEFT__DIGEST_SIZE. NULL: also
 * EINVAL. */
struct weft__digest *weft__digest_new_of(const char *name, size_t len, size_t *ret_size);
void weft__digest_add(struct weft__digest *digest, const void *data, size_t len);

/** Of all that was added; then there is only weft__digest_free(), for which NULL is fine. */
void weft__digest_end(struct weft__digest *digest, uint8_t ret_digest[WEFT__DIGEST_SIZE]);
void weft__digest_free(struct weft__digest *digest);

/** Add len bytes of an open file; negative: all from offset on. 0 or -1. */
int weft__digest_file(struct weft__digest *digest, int fd, int64_t offset, int64_t len);

#endif
