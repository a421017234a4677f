/*
 * response.h - how an answer is put on the wire, inside the HTTP floor.
 *
 * An answer is begun (status line and date), its fields are written, the fields are
 * ended, and the body follows. What is written can't be taken back: a failure after
 * that ends the connection, which is how the peer learns that the answer is cut short.
 */
#ifndef WEFT_SRC_HTTP_RESPONSE_H
#define WEFT_SRC_HTTP_RESPONSE_H

#include "http/output.h"
#include "http/request.h"
#include "weft/str.h"

/* A body written piece by piece: pieces.c. */
struct weft__http_pieces {
	bool are_open;
	bool are_chunks;
	int64_t left;   /* without chunks, of a length that is known; else -1 */
	char *gathered; /* a chunk that grows; NULL until the first piece */
	size_t gathered_len;
};

/* The service that a mounted one stands in for, while that answers: router_answer.c. */
struct weft__http_outer {
	const struct weft_http_service *service;
	void *arg;
	const struct weft__http_outer *outer; /* around that; NULL: it is the server's */
};

struct weft_http_response {
	struct weft_http_request *request;
	const struct weft_http_service *service;
	void *arg;
	const struct weft__http_outer *outer; /* NULL: service is the server's */
	struct weft__http_output output;
	struct weft_str fields; /* what weft_http_response_field() was given: "Name: value\r\n" */
	size_t type_end; /* in these, where the name of Content-Type ends; 0: there is none */
	int status;      /* 0 until it is begun */
	int64_t body_len;
	struct weft__http_pieces pieces;
	bool closes;   /* the connection ends after this answer */
	bool in_error; /* the error page is being made */
};

/** Forget the last answer. */
void weft__http_response_reset(struct weft_http_response *response);

/** "HTTP/1.1 200 OK\r\nDate: ", or NULL when the status has no phrase. */
const char *weft__http_status_line(int status);

/** Write the status line and the date. Errors: EALREADY. */
int weft__http_response_begin(struct weft_http_response *response, int status);

/** Forget the Content-Type that was added: the answer is of another type, which is its own. */
void weft__http_response_drop_type(struct weft_http_response *response);

/** Write fields ("Name: value\r\n", any number) of a begun answer. */
int weft__http_response_write_fields(
	struct weft_http_response *response, const char *fields, size_t len);

/** Write the added fields, Connection where it is needed, and the empty line. */
int weft__http_response_end_fields(struct weft_http_response *response);

/** Whether the fields would end in the bare empty line. */
static inline bool weft__http_response_ends_plain(const struct weft_http_response *response)
{
	return !response->closes && response->request->head.minor_version > 0 &&
	       weft_str_len(&response->fields) == 0;
}

/**
 * A whole answer in one piece: a 200 to a GET, all of its fields up to the empty line, and a body
 * of body_len bytes. The fields end plain. Errors: EALREADY.
 */
int weft__http_response_write_whole(
	struct weft_http_response *response, const char *text, size_t len, int64_t body_len);

/** Write a body, or a part of it, from memory or from a file. Nothing is written for HEAD. */
int weft__http_response_write_body(
	struct weft_http_response *response, const void *data, size_t len);
int weft__http_response_write_file(
	struct weft_http_response *response, int fd, int64_t offset, int64_t len);

/** The handler has returned: end the body. -1: it is not whole. */
int weft__http_pieces_end(struct weft_http_response *response);

/** Forget the last answer's. */
void weft__http_pieces_reset(struct weft__http_pieces *pieces);

#endif
