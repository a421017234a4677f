/*
 * listing_made.c - see listing_made.h.
 *
 * Entry points: weft__http_made_new(), weft__http_made_send().
 *
 *	form	EMPTY ---> READY	somebody has asked for it, and it was compressed
 *		     \--> USELESS	it did not get smaller, or is not to be had
 *
 * Compressing is done on a thread, one job for a listing and so many in all; whoever asks meanwhile
 * gets it as it is. All forms have one tag, which is weak (RFC 9110, section 8.8.1).
 *
 * Never: frees what is being sent.
 */
#include "http/listing_made.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "http/compress.h"
#include "http/condition.h"
#include "http/limits.h"
#include "http/page.h"
#include "http/policy.h"
#include "weft/offload.h"

/* Beside the codings: nothing will do. */
#define NO_CODING (-1)

/* ---- Pages ----------------------------------------------------------------------------- */

static void count_bytes(struct weft__http_made *page, size_t bytes)
{
	page->bytes += bytes;
	page->pool->alive_bytes += bytes;
	if (page->is_kept)
		page->pool->kept_bytes += bytes;
}

void weft__http_made_release(struct weft__http_made *page)
{
	if (!page || --page->references > 0)
		return;
	page->pool->alive_bytes -= page->bytes;
	for (int coding = 0; coding <= WEFT__HTTP_CODING_COUNT; coding++)
		free(page->forms[coding].data);
	free(page);
}

void weft__http_made_keep(struct weft__http_made *page, bool is_kept)
{
	page->is_kept = is_kept;
	page->pool->kept_bytes += is_kept ? page->bytes : -page->bytes;
}

struct weft__http_made *weft__http_made_new(
	struct weft__http_made_pool *pool, uint64_t print, struct weft_str *text)
{
	struct weft__http_made *page = calloc(1, sizeof(*page));
	size_t len = weft_str_len(text);
	struct weft__http_form *whole;
	char *fitting;

	if (!page)
		return NULL;
	whole = &page->forms[WEFT__HTTP_IDENTITY];
	whole->data = weft_str_take(text);
	if (!whole->data) {
		free(page);
		return NULL;
	}
	fitting = realloc(whole->data, len + 1);
	if (fitting)
		whole->data = fitting;
	whole->len = len;
	whole->state = WEFT__HTTP_FORM_READY;
	page->pool = pool;
	page->references = 1;
	page->print = print;
	snprintf(page->tag, sizeof(page->tag), "\"%016llx\"", (unsigned long long)print);
	for (int coding = 0; coding < WEFT__HTTP_CODING_COUNT; coding++)
		if (!pool->may_compress || len < WEFT__HTTP_COMPRESS_MIN ||
			len > WEFT__HTTP_LISTING_COMPRESS_MAX ||
			!weft__http_can_compress((enum weft__http_coding)coding))
			page->forms[coding].state = WEFT__HTTP_FORM_USELESS;
	count_bytes(page, sizeof(*page) + len);
	return page;
}

/* ---- Compressing ----------------------------------------------------------------------- */

struct job {
	const struct weft__http_form *whole;
	enum weft__http_coding coding;
	bool has_run;
	char *data; /* the result, to be freed */
	ssize_t len;
};

/* On a thread of its own. */
static int run_job(void *arg)
{
	struct job *job = arg;
	struct weft_http_text text = {job->whole->data, job->whole->len};
	size_t size_bytes = text.len - text.len / 8; /* else it is for nothing */
	char *fitting;

	job->has_run = true;
	job->data = malloc(size_bytes);
	if (!job->data)
		return -1;
	job->len = weft__http_compress(job->coding, &text, job->data, size_bytes);
	if (job->len < 0)
		return -1;
	fitting = realloc(job->data, (size_t)job->len);
	if (fitting)
		job->data = fitting;
	return 0;
}

/* Fill an empty form, and wait until that is done. False: not now, there is too much to do. */
static bool compress_form(struct weft__http_made *page, enum weft__http_coding coding)
{
	struct weft__http_made_pool *pool = page->pool;
	struct weft__http_form *form = &page->forms[coding];
	struct job job = {.whole = &page->forms[WEFT__HTTP_IDENTITY], .coding = coding};

	if (page->is_busy)
		return false;
	if (atomic_fetch_add(pool->jobs, 1) < pool->jobs_max) {
		page->is_busy = true;
		if (weft_offload(run_job, &job) == 0) {
			*form = (struct weft__http_form){
				WEFT__HTTP_FORM_READY, job.data, (size_t)job.len};
			count_bytes(page, form->len);
			job.data = NULL;
		}
		free(job.data);
		page->is_busy = false;
	}
	atomic_fetch_sub(pool->jobs, 1);
	if (job.has_run && form->state == WEFT__HTTP_FORM_EMPTY)
		form->state = WEFT__HTTP_FORM_USELESS;
	return job.has_run;
}

static void read_wanted(
	const struct weft_http_request *request, struct weft__http_wanted *ret_wanted)
{
	struct weft_http_text name, value;

	weft__http_wanted_init(ret_wanted);
	for (size_t i = 0; weft_http_request_field_at(request, i, &name, &value); i++)
		if (name.len == 15 && strncasecmp(name.data, "Accept-Encoding", 15) == 0)
			weft__http_wanted_take(ret_wanted, value.data, value.len);
}

/* The coding that is wanted most, of those that there are or, if may_fill, can be made. */
static int rank(
	const struct weft__http_made *page, const struct weft__http_wanted *wanted, bool may_fill)
{
	int identity = weft__http_wanted_quality(wanted, WEFT__HTTP_IDENTITY);
	int best = identity > 0 ? (int)WEFT__HTTP_IDENTITY : NO_CODING, best_quality = 0;

	for (int coding = 0; coding < WEFT__HTTP_CODING_COUNT; coding++) {
		int quality = weft__http_wanted_quality(wanted, (enum weft__http_coding)coding);
		enum weft__http_form_state state = page->forms[coding].state;

		if (state == WEFT__HTTP_FORM_USELESS ||
			(state == WEFT__HTTP_FORM_EMPTY && !may_fill) || quality < identity ||
			quality <= best_quality)
			continue;
		best = coding;
		best_quality = quality;
	}
	return best;
}

/* The coding to send; NO_CODING, and the status in its place: 406, or 503. */
static int choose_coding(
	struct weft__http_made *page, const struct weft_http_request *request, int *ret_status)
{
	struct weft__http_wanted wanted;
	bool may_fill = true;
	int coding;

	*ret_status = 0;
	read_wanted(request, &wanted);
	/* Each round fills a form or finds that none can be filled now. */
	while ((coding = rank(page, &wanted, may_fill)) != NO_CODING &&
		page->forms[coding].state != WEFT__HTTP_FORM_READY)
		may_fill = compress_form(page, (enum weft__http_coding)coding);
	if (coding == NO_CODING)
		*ret_status = may_fill ? 406 : 503;
	return coding;
}

/* ---- Sending --------------------------------------------------------------------------- */

/* What a 304 says, too. */
static int add_fields(struct weft_http_response *response, const struct weft__http_made *page,
	const struct weft__http_policy *policy)
{
	char tag[WEFT__HTTP_MADE_TAG_SIZE + 2];

	if (policy && weft__http_policy_add_cors(policy, response) < 0)
		return -1;
	snprintf(tag, sizeof(tag), "W/%s", page->tag);
	if (weft_http_response_field(response, "ETag", tag) < 0)
		return -1;
	return weft__http_policy_add_caching(
		policy, response, "no-cache", "Accept, Accept-Encoding");
}

/* What the request's conditions say: 0, 304, 412. A listing has no date to judge by. */
static int judge(const struct weft_http_request *request, const struct weft__http_made *page)
{
	const struct weft__http_validators validators = {
		.etag = page->tag, .etag_is_weak = true, .modified_s = INT64_MIN};

	if (!request->head.known[WEFT__HTTP_IF_MATCH] &&
		!request->head.known[WEFT__HTTP_IF_NONE_MATCH])
		return 0;
	return weft__http_condition_status(&request->head, request->data, &validators);
}

/* There is no form for this peer, or not now. Where there are visitors the service adds Vary. */
static int refuse(
	struct weft_http_response *response, const struct weft__http_policy *policy, int status)
{
	if (!policy || !policy->options.visitor)
		weft_http_response_field(response, "Vary", "Accept-Encoding");
	if (status == 503)
		weft_http_response_field(response, "Retry-After", "1");
	return status;
}

static int send_form(struct weft_http_response *response, const struct weft__http_made *page,
	enum weft__http_coding coding, bool is_json)
{
	const struct weft__http_form *form = &page->forms[coding];
	const struct weft_http_content content = {
		is_json ? "application/json" : WEFT__HTTP_PAGE_TYPE, form->data, form->len};

	if ((is_json ? weft__http_add_nosniff : weft__http_page_add_fields)(response) < 0)
		return 500;
	if (coding != WEFT__HTTP_IDENTITY && weft_http_response_field(response, "Content-Encoding",
						     weft__http_coding_name(coding)) < 0)
		return 500;
	return weft_http_response_send(response, 200, &content);
}

int weft__http_made_send(struct weft__http_made *page, struct weft_http_response *response,
	bool is_json, const struct weft__http_policy *policy)
{
	int status = judge(response->request, page);
	int coding = WEFT__HTTP_IDENTITY;

	if (status == 412)
		return 412;
	if (status == 0)
		coding = choose_coding(page, response->request, &status);
	if (coding == NO_CODING)
		return refuse(response, policy, status);
	if (add_fields(response, page, policy) < 0)
		return 500;
	if (status == 304)
		return weft_http_response_send(response, 304, NULL);
	return send_form(response, page, (enum weft__http_coding)coding, is_json);
}
