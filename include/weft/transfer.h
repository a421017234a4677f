/*
 * weft/transfer.h - transfers that are under way, for who wants to look at them.
 *
 *	struct weft_transfers *transfers = weft_transfers_new();
 *	http_options.transfers = ftp_options.transfers = transfers;	// servers put theirs in
 *
 *	count = weft_transfers_list(transfers, 100, &list, NULL);
 *	...
 *	weft_transfers_list_free(list);
 *
 * Servers put in what takes more than one piece (256 KiB of HTTP; each file of FTP), so that small
 * answers cost nothing. Those of processes that were forked afterwards (models "fork", "prefork")
 * are seen by the one that made the list, 4096 of them at a time; not by one another.
 *
 * Threads: all calls from any thread or fiber; none of them waits. A transfer is one fiber's or
 * thread's at a time.
 */
#ifndef WEFT_TRANSFER_H
#define WEFT_TRANSFER_H

#include "weft/api.h"

WEFT_BEGIN

struct weft_transfers; /* opaque: src/io/transfer.c */
struct weft_transfer;  /* opaque: src/io/transfer.c */

/** None. End it with weft_transfers_free(). Errors: ENOMEM. */
WEFT_API struct weft_transfers *weft_transfers_new(void);

/** No server may use them any more. NULL is fine. */
WEFT_API void weft_transfers_free(struct weft_transfers *transfers);

/* ---- By who transfers ---------------------------------------------------------- */

/** Texts are copied, and cut where they are too long; NULL is "". */
struct weft_transfer_options {
	const char *door;   /* "http", "ftp" */
	const char *peer;   /* "10.0.0.2:4711" */
	const char *person; /* who has logged in; "": nobody has */
	const char *what;   /* a path */
	bool is_upload;     /* to the server */
	int64_t total;      /* bytes that there will be; negative: nobody knows */
};

/** One begins. NULL: there is no memory for it; then it is not listed. End it with _end(). */
WEFT_API struct weft_transfer *weft_transfer_begin(
	struct weft_transfers *transfers, const struct weft_transfer_options *options);

/** So many bytes have gone over, from its beginning. NULL is fine. */
WEFT_API void weft_transfer_at(struct weft_transfer *transfer, int64_t bytes);

/** It is over, one way or another. NULL is fine. Keeps errno. */
WEFT_API void weft_transfer_end(struct weft_transfer *transfer);

/* ---- By who looks ---------------------------------------------------------------- */

struct weft_transfer_facts {
	uint64_t id; /* of no other one of these transfers, ever */
	char door[16];
	char peer[112];
	char person[68];
	char what[512];
	bool is_upload;
	int64_t bytes, total; /* total negative: nobody knows */
	int64_t age_ns;
};

/**
 * The oldest, max at most, as a list of the caller's: weft_transfers_list_free(). ret_left_out, if
 * not NULL: how many more there are. Returns how many are in the list; -1 with ENOMEM.
 */
WEFT_API ssize_t weft_transfers_list(struct weft_transfers *transfers, size_t max,
	struct weft_transfer_facts **ret_list, size_t *ret_left_out);
WEFT_API void weft_transfers_list_free(struct weft_transfer_facts *list);

struct weft_transfers_sums {
	size_t count;            /* under way */
	uint64_t sent_bytes;     /* of these, so far, from the server */
	uint64_t received_bytes; /* to the server */
};
WEFT_API void weft_transfers_sum(
	struct weft_transfers *transfers, struct weft_transfers_sums *ret_sums);

WEFT_END

#endif
