/*
 * listings.h - the listings that one worker has made and keeps, and answers with them.
 */
#ifndef WEFT_SRC_HTTP_LISTINGS_H
#define WEFT_SRC_HTTP_LISTINGS_H

#include <stdatomic.h>

#include "http/listing.h"

struct weft__http_listings; /* opaque: listings.c; for one worker only */

/** How listings are kept; zero is the default of each. */
struct weft__http_listings_options {
	const struct weft__siphash_key *key; /* of all workers; must stay */
	bool may_compress;
	atomic_uint *jobs; /* how much is being compressed now, by all workers; must stay */
	unsigned jobs_max;
	int64_t believe_ns; /* for so long a listing is not looked at anew; 0: 1 s */
	int64_t settle_ns;  /* so long ago its folder must have changed before; 0: 2 s */
	size_t alive_max; /* bytes of all listings, also of those that are being sent; 0: 64 MiB */
};

/** What has been done. */
struct weft__http_listings_tally {
	unsigned reads; /* folders */
	unsigned pages; /* made of those */
};

/** Errors: ENOMEM, those of getrandom(2). */
struct weft__http_listings *weft__http_listings_new(
	const struct weft__http_listings_options *options);

/** NULL is fine. */
void weft__http_listings_free(struct weft__http_listings *listings);

/**
 * Answer with the listing of the folder that source->fd is open on, which is closed. Returns as a
 * handler does.
 */
int weft__http_listing_send(struct weft__http_listings *listings,
	struct weft_http_response *response, const struct weft__http_listing_source *source);

struct weft__http_listings_tally weft__http_listings_tally(
	const struct weft__http_listings *listings);

#endif
