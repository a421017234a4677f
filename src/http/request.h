/*
 * request.h - what a request is made of, inside the HTTP floor.
 *
 * It lends bytes of the stream's read buffer, until the body is read; then of a copy.
 */
#ifndef WEFT_SRC_HTTP_REQUEST_H
#define WEFT_SRC_HTTP_REQUEST_H

#include <netinet/in.h>

#include "http/body.h"
#include "http/output.h"
#include "http/parse.h"

/** Decoded paths up to this length need no memory of their own. */
#define WEFT__HTTP_PATH_SMALL 256

/** Heads up to this length are known again when the same connection sends them once more. */
#define WEFT__HTTP_REPEAT_MAX 256

/**
 * What whoever answered a head last has found for it, to be looked at again when the same
 * connection sends the same head once more; keeper NULL: nothing.
 */
struct weft__http_finding {
	const void *keeper;
	void *entry;
	uint64_t version; /* of what the keeper has: another one's entries may be gone */
	uint32_t prefix_len;
};

/* What a program keeps with a request: keys.c. */
struct weft__http_kept {
	const struct weft_http_key *key;
	void *value;
};

struct weft_http_request {
	struct weft__http_head head;
	const char *data;   /* the head's first byte, in the stream's buffer */
	size_t data_len;    /* what is there: the head, and maybe more */
	int64_t arrived_ns; /* on weft_now(): no byte of the head came later */
	struct weft_stream *stream;
	struct weft__http_output *output; /* the connection's, which its body may have to flush */
	int64_t body_max, body_timeout_ns;
	struct weft__http_body body;
	struct weft_http_params *params;      /* NULL: not asked for yet */
	char *user;                           /* NULL: nobody has said who asks */
	char *head_copy;                      /* NULL: data is in the stream's buffer */
	char *path;                           /* decoded: path_small, or memory of its own */
	bool has_path;                        /* it is decoded */
	bool is_host_good;                    /* it is ours (hosts.c) */
	bool has_client;                      /* it is known whether a proxy names one */
	bool is_by_https;                     /* says a proxy that is trusted */
	uint32_t prefix_len;                  /* of path: what the mounts stand for (router.c) */
	const struct weft__http_match *match; /* of the route or mount that answers; NULL: none */
	struct weft__http_finding finding;    /* by cache.c */
	uint16_t repeat_len;                  /* 0: the head is not one to be known again */
	uint8_t kept_count;
	struct weft__http_kept kept[WEFT_HTTP_KEYS_MAX];
	char path_small[WEFT__HTTP_PATH_SMALL];
	char repeat[WEFT__HTTP_REPEAT_MAX]; /* what head and path were made of */
	char peer[48];                      /* empty until somebody asks for it */
	char client[48];                    /* whom a proxy has named (proxies.c); empty: nobody */
	struct in6_addr client_address;     /* the same */
};

void weft__http_request_init(struct weft_http_request *request, struct weft_stream *stream);

void weft__http_request_fini(struct weft_http_request *request);

/** Forget the last request; what it lent is void. Its head stays until the next is taken. */
void weft__http_request_reset(struct weft_http_request *request);

/**
 * Take the first bytes of the next head, as weft__http_parse() does. A peer that says again what
 * it said last, byte for byte, is understood as then.
 */
enum weft__http_parse_result weft__http_request_take(
	struct weft_http_request *request, const char *data, size_t len);

/** The same with more of its bytes. */
enum weft__http_parse_result weft__http_request_take_more(
	struct weft_http_request *request, const char *data, size_t len);

/** How many fields of that name, in lower case, there are; the value of the first, if any. */
unsigned weft__http_request_find(const struct weft_http_request *request, const char *name,
	struct weft_http_text *ret_first);

/** Decode the path. Returns 0, or the status to refuse it with, and why. */
int weft__http_request_decode_path(struct weft_http_request *request, const char **ret_why);

#endif
