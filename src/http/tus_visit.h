/*
 * tus_visit.h - one request of tus, for the files that answer it.
 *
 *	tus.c		requests: the version, the methods; HEAD, PATCH, DELETE
 *	tus_begin.c	POST: what is begun, where, and how long it will be
 *	tus_bytes.c	the body: to the upload, to the disk, its checksum; what all have in common
 */
#ifndef WEFT_SRC_HTTP_TUS_VISIT_H
#define WEFT_SRC_HTTP_TUS_VISIT_H

#include "files/digest.h"
#include "http/upload.h"

#define WEFT__TUS_ENDPOINT     "/.tus"
#define WEFT__TUS_ENDPOINT_LEN (sizeof(WEFT__TUS_ENDPOINT) - 1)
#define WEFT__TUS_BYTES        "application/offset+octet-stream"

/** What a step returns that has not answered; others return as a handler does. */
#define WEFT__TUS_GO_ON (-2)

/** One request. */
struct weft__tus_visit {
	struct weft__http_uploads *uploads;
	struct weft_http_request *request;
	struct weft_http_response *response;
	struct weft_files_visitor visitor;
	struct weft_files_upload *upload; /* NULL: none is open, or it is over */
	struct weft__http_upload_rule rule;
	bool is_unique, has_conflict; /* by its metadata: another name where one is taken */
	struct weft__digest *digest;  /* NULL: no checksum is asked for */
	uint8_t expected[WEFT__DIGEST_SIZE];
	size_t digest_size;
};

struct weft_http_text weft__tus_field(const struct weft__tus_visit *visit, const char *name);
bool weft__tus_is_text(struct weft_http_text text, const char *expected);

/** A number of bytes; -1: the field is not there, -2: it is none. */
int64_t weft__tus_number(const struct weft__tus_visit *visit, const char *name);

int weft__tus_add_number(const struct weft__tus_visit *visit, const char *name, int64_t number);

/** Where the upload stands, and until when it can be gone on with. 0 or -1. */
int weft__tus_add_state(const struct weft__tus_visit *visit);

/** Say no: in these words; or in the way of what the engine said. As a handler does. */
int weft__tus_refuse(struct weft__tus_visit *visit, int status, const char *why);
int weft__tus_refuse_code(struct weft__tus_visit *visit, int code);

/**
 * The value of a key of Upload-Metadata, decoded. Its length; -1: there is none; -2: no text.
 */
ssize_t weft__tus_metadata(struct weft_http_text all, const char *key, char *ret_text, size_t size);

/**
 * What its metadata say of a file that is there already, key "conflict": "refuse", "replace",
 * "unique"; into the visit's rule. Without it the options decide. False: it can't be read.
 */
bool weft__tus_take_conflict(struct weft__tus_visit *visit, struct weft_http_text metadata);

/** The body's bytes, to the upload and the disk. A step. */
int weft__tus_append(struct weft__tus_visit *visit);

/** What came is on the disk; if it is all, it is published. A step. */
int weft__tus_settle(struct weft__tus_visit *visit);

/** POST. As a handler does. */
int weft__tus_begin(struct weft__tus_visit *visit);

#endif
