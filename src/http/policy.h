/*
 * policy.h - how a folder is shared, as its options say: what is hidden, and what is said with
 * a file beside its content.
 */
#ifndef WEFT_SRC_HTTP_POLICY_H
#define WEFT_SRC_HTTP_POLICY_H

#include "http/file.h"
#include "weft/http_files.h"

/** The options, copied and checked. All of it is constant, and for all workers. */
struct weft__http_policy {
	struct weft_http_files_options
		options;                    /* its texts are the policy's own; lists never NULL */
	char *cors_fields;                  /* "Access-Control-...: ...\r\n", or "" */
	char *fallback_key, *not_found_key; /* "/PATH" of the pages, or NULL: see files.c */
};

/** Errors: EINVAL, ENOMEM. options may be NULL. */
struct weft__http_policy *weft__http_policy_new(const struct weft_http_files_options *options);
void weft__http_policy_free(struct weft__http_policy *policy);

/** The Content-Type of a file of this name, as long as the policy. */
const char *weft__http_policy_type(const struct weft__http_policy *policy, const char *path);

/** Whether the path, which begins with '/', is of something that is not to be seen. */
bool weft__http_policy_hides(const struct weft__http_policy *policy, const char *path);

/**
 * What is said with the file at path, relative to the folder. End it with
 * weft__http_facts_fini(), also where it fails: ENOMEM.
 */
int weft__http_policy_describe(const struct weft__http_policy *policy, const char *path,
	struct weft__http_facts *ret_facts);

/** Add the fields of CORS to an answer that is no file. */
int weft__http_policy_add_cors(
	const struct weft__http_policy *policy, struct weft_http_response *response);

/**
 * Add what caches are told of an answer that is no file, once: control ("no-cache", "no-store";
 * NULL: nothing), and the request's fields that it varies by (NULL: none), as far as 64 bytes.
 * Where there are visitors it is theirs alone, and varies by what tells them apart. policy may be
 * NULL.
 */
int weft__http_policy_add_caching(const struct weft__http_policy *policy,
	struct weft_http_response *response, const char *control, const char *varies);

/** CORS and caching of an answer that says no, or where else to look. */
int weft__http_policy_add_refusal(
	const struct weft__http_policy *policy, struct weft_http_response *response);

/** Whether text is what the pattern says: '*' is anything, '?' one byte. */
bool weft__http_glob(const char *pattern, const char *text);

/** Whether a name holds a hash of its content: 8 to 64 letters and digits, both, in a part. */
bool weft__http_is_hashed_name(const char *name);

#endif
