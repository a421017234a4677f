/*
 * file.h - one open file, ready to be served: its descriptor, its fields, a small one's content.
 */
#ifndef WEFT_SRC_HTTP_FILE_H
#define WEFT_SRC_HTTP_FILE_H

#include <sys/stat.h>

#include "http/condition.h"
#include "http/response.h"

struct weft__http_variants; /* variants.h */

/** Longest Content-Type, in bytes. */
#define WEFT__HTTP_TYPE_MAX 160

/** Room for the tag of any form of a file. */
#define WEFT__HTTP_TAG_SIZE 112

/** What is said with a file, beside what is read off it. */
struct weft__http_facts {
	const char *type;     /* Content-Type; lives as long as the service */
	bool varies;          /* others may get it in another coding */
	const char *asker;    /* what tells visitors apart, for Vary; NULL: all get the same */
	bool is_download;     /* more holds a Content-Disposition */
	struct weft_str more; /* "Name: value\r\n" each: Cache-Control, Access-Control-... */
};

static inline void weft__http_facts_fini(struct weft__http_facts *facts)
{
	weft_str_fini(&facts->more);
}

/**
 * Immutable once made, but for what variants points to, so that one fiber may send it while
 * another looks it up.
 *
 *	text:	Content-Length: 13 CRLF
 *		Content-Type: ... CRLF			<- type_at
 *		X-Content-Type-Options: nosniff CRLF
 *		Accept-Ranges: bytes CRLF		or Content-Encoding: br CRLF
 *		Last-Modified: ... CRLF			<- validators_at: what a 304 says
 *		ETag: "..." CRLF
 *		Vary: Accept-Encoding CRLF		if it varies; and by facts->asker
 *		... facts->more ...
 *		CRLF					<- fields_len
 *		content (when has_content)		<- fields_len + 2
 */
struct weft__http_file {
	int fd; /* -1: of a form that is in memory only */
	unsigned references;
	struct stat stat; /* with the length of this form */
	struct weft__http_validators validators;
	bool has_content;
	bool is_one_piece; /* its content is so short that one write takes it all */
	bool is_settled;   /* it had not changed just before it was read: see file.c */
	bool is_download;  /* it says so */
	bool varies;       /* it has other forms, or may get some */
	size_t type_at, validators_at, fields_len, text_len;
	size_t forms_bytes;                   /* of its variants that are in memory */
	struct weft__http_variants *variants; /* its own; NULL: it never has any */
	char etag[WEFT__HTTP_TAG_SIZE];
	char text[];
};

/** What a file is made of. */
struct weft__http_source {
	int fd;              /* open on it; -1: content is all there is of it */
	struct stat stat;    /* what fstat(2) said of it */
	const char *tag;     /* NULL: made of stat */
	const char *coding;  /* Content-Encoding; NULL: none */
	const char *content; /* stat.st_size bytes, copied; NULL: read from fd when it is short */
	const struct weft__http_facts *facts;
};

/**
 * Make a file. Owns the descriptor on success. One reference is the caller's.
 * Errors: ENOMEM, EIO, EAGAIN (it keeps changing while it is read), EMSGSIZE (its fields).
 */
struct weft__http_file *weft__http_file_new(const struct weft__http_source *source);

/** Give a reference back; the last one closes it. NULL is fine. */
void weft__http_file_release(struct weft__http_file *file);

/** Whether the descriptor still shows what was read: the same file, unchanged, and not deleted. */
bool weft__http_file_is_current(const struct weft__http_file *file);

/** Whether a file of that state has not changed so lately that it may have changed again. */
bool weft__http_file_is_settled(const struct stat *stat);

/** Write the tag of a file of that state, with its quotes; more, of up to 48 bytes, ends it. */
void weft__http_file_tag(
	char ret_tag[WEFT__HTTP_TAG_SIZE], const struct stat *stat, const char *more);

/** Read exactly len bytes from fd's beginning. Returns false when there are fewer, or an error. */
bool weft__http_file_read(int fd, char *ret_data, size_t len);

/** send.c: answer a GET or HEAD: 200, 206, 304, 412 or 416. Returns as a handler does. */
int weft__http_file_send(const struct weft__http_file *file,
	const struct weft_http_request *request, struct weft_http_response *response);

/** send.c: answer with all of it and that status, whatever the request's conditions and ranges. */
int weft__http_file_send_as(
	const struct weft__http_file *file, int status, struct weft_http_response *response);

#endif
