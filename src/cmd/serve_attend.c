/*
 * serve_attend.c - who asks for files, with accounts: found out before they are, and looked at
 * again while a transfer takes its time.
 *
 *	Cookie, Authorization --> a session, a token, a password: whose? --> the files, as hers
 *	neither               --> a stranger, as this worker has seen one within the last second
 *
 * Rights are those of when a transfer began. But who is locked or removed meanwhile, or whose
 * session or token is ended, has her transfers cut off within some seconds.
 *
 * Entry points: weft__serve_attend(), weft__serve_strangers(), weft__serve_watch_start().
 *
 * Never: falls back from credentials that are wrong to a stranger's rights.
 */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "../hub/asker.h"
#include "../hub/page.h"
#include "serve_accounts.h"
#include "weft/http_auth.h"

/** What a browser shows. */
#define REALM "weft"

/** How often those who take their time are looked at again. */
#define WATCH_EVERY_NS WEFT_SECONDS(2)

/* ---- Strangers ---------------------------------------------------------------------------- */

/*
 * To be freed. Each worker has its own, so that no two of them count references of one; where there
 * are no workers, it is asked for each time.
 */
static int find_stranger(struct serve_accounts *own, struct weft_account_who **ret_who)
{
	int worker = weft_worker_index();
	struct weft_account_who **kept, *old, *now;
	int result;

	if (worker < 0 || worker >= WEFT_WORKERS_MAX)
		return weft_account_stranger(own->accounts, ret_who);
	kept = &own->strangers_kept[worker];
	old = *kept;
	if (!old) {
		result = weft_account_stranger(own->accounts, &now);
	} else {
		/* It may have to wait, and another fiber of this worker then changes what is kept.
		 */
		weft_account_who_keep(old);
		result = weft_account_who_refresh(old, &now);
		weft_account_who_free(old);
	}
	if (result < 0)
		return -1;
	if (*kept != now) {
		weft_account_who_free(*kept);
		*kept = weft_account_who_keep(now);
	}
	*ret_who = now;
	return 0;
}

void weft__serve_forget_strangers(struct serve_accounts *own)
{
	for (unsigned i = 0; i < WEFT_WORKERS_MAX; i++)
		weft_account_who_free(own->strangers_kept[i]);
}

/* weft_files_visitor.rights_at: as they are now, for sessions that last. */
static unsigned rights_of_strangers(void *arg, const char *path)
{
	struct weft_account_who *who;
	unsigned rights = 0;

	if (find_stranger(arg, &who) == 0) {
		rights = weft_account_rights(who, path);
		weft_account_who_free(who);
	}
	return rights;
}

const struct weft_files_visitor *weft__serve_strangers(const struct serve *serve)
{
	struct serve_accounts *own = serve->accounts;

	own->strangers = (struct weft_files_visitor){.rights_at = rights_of_strangers, .arg = own};
	return &own->strangers;
}

/* ---- Those who take their time ------------------------------------------------------------ */

/* A request of somebody who has logged in, while it is answered. */
struct under_way {
	struct weft_list_node node; /* of own->under_way: who was looked at longest ago is first */
	struct weft_account_who *who;
	weft_fiber_id fiber;
	uint64_t serial;
	int64_t looked_ns;
};

bool weft__serve_may_stay(struct weft_account_who *who)
{
	struct weft_account_who *now;

	if (weft_account_who_refresh(who, &now) < 0)
		return errno != EKEYREJECTED && errno != EKEYEXPIRED && errno != EPERM;
	weft_account_who_free(now);
	return true;
}

/* The next one whose turn it is: its serial, and *ret_who, to be freed; 0: there is none. */
static uint64_t next_due(struct serve_accounts *own, struct weft_account_who **ret_who)
{
	struct weft_list_node *node;
	struct under_way *first;
	uint64_t serial = 0;
	int64_t now_ns = weft_now();

	pthread_mutex_lock(&own->mutex);
	node = weft_list_first(&own->under_way);
	first = node ? weft_container_of(node, struct under_way, node) : NULL;
	if (first && now_ns - first->looked_ns >= WATCH_EVERY_NS) {
		first->looked_ns = now_ns;
		weft_list_remove(&first->node);
		weft_list_push_back(&own->under_way, &first->node);
		*ret_who = weft_account_who_keep(first->who);
		serial = first->serial;
	}
	pthread_mutex_unlock(&own->mutex);
	return serial;
}

/* If it has not ended by itself. */
static void cut_off(struct serve_accounts *own, uint64_t serial)
{
	pthread_mutex_lock(&own->mutex);
	weft_list_each (node, &own->under_way) {
		struct under_way *one = weft_container_of(node, struct under_way, node);

		if (one->serial == serial)
			weft_cancel(one->fiber);
	}
	pthread_mutex_unlock(&own->mutex);
}

static int watch(void *arg)
{
	struct serve_accounts *own = arg;
	struct weft_account_who *who;
	uint64_t serial;

	while (weft_sleep(WATCH_EVERY_NS / 2) == 0)
		while ((serial = next_due(own, &who)) != 0) {
			if (!weft__serve_may_stay(who))
				cut_off(own, serial);
			weft_account_who_free(who);
		}
	return 0;
}

int weft__serve_watch_start(struct serve_accounts *own)
{
	const struct weft_spawn_options options = {.name = "accounts"};

	own->watcher = weft_spawn_with(&options, watch, own);
	return own->watcher ? 0 : -1;
}

void weft__serve_watch_stop(struct serve_accounts *own)
{
	if (!own->watcher)
		return;
	weft_cancel(own->watcher);
	weft_join(own->watcher, NULL, WEFT_FOREVER);
	own->watcher = 0;
}

/* weft_http_next(), which the watcher can end. Threads of other models go on to its end. */
static int answer_watched(
	struct serve_accounts *own, struct weft_account_who *who, struct weft_http_next *next)
{
	struct under_way one = {.who = who, .fiber = weft_self(), .looked_ns = weft_now()};
	int result, code;

	if (!one.fiber)
		return weft_http_next(next);
	pthread_mutex_lock(&own->mutex);
	one.serial = ++own->serials;
	weft_list_push_back(&own->under_way, &one.node);
	pthread_mutex_unlock(&own->mutex);
	result = weft_http_next(next);
	code = errno;
	pthread_mutex_lock(&own->mutex);
	weft_list_remove(&one.node);
	pthread_mutex_unlock(&own->mutex);
	errno = code;
	return result;
}

/* ---- Who asks ----------------------------------------------------------------------------- */

static int refuse_wait(struct weft_http_response *response, const struct weft_account_call *call)
{
	char seconds[24];

	snprintf(
		seconds, sizeof(seconds), "%lld", (long long)(call->wait_ns / WEFT_SECONDS(1)) + 1);
	if (weft_http_response_field(response, "Retry-After", seconds) < 0)
		return -1;
	return call->fault == WEFT_ACCOUNT_THROTTLED ? 429 : 503;
}

/* By a browser's own dialog, unless its page asks: that looks better, and takes a log-out. */
static int ask_who(const struct serve_accounts *own, const struct weft_http_request *request,
	struct weft_http_response *response)
{
	int result = own->has_page && weft__hub_page_asks(request)
			     ? weft_http_response_ask_bearer(response, REALM, NULL)
			     : weft_http_response_ask_basic(response, REALM);

	return result < 0 ? 503 : 401;
}

/* Why it is nobody: by errno. */
static int refuse(const struct serve_accounts *own, const struct weft_http_request *request,
	struct weft_http_response *response, const struct weft_account_call *call)
{
	switch (errno) {
	case EKEYREJECTED:
	case EKEYEXPIRED:
	case EBADMSG:
	case EINVAL: /* a name that can't be */
		return ask_who(own, request, response);
	case EPERM:
		return weft_http_response_error(
			response, 403, weft_account_fault_text(WEFT_ACCOUNT_LOCKED));
	case EAGAIN:
		return refuse_wait(response, call);
	default:
		return weft_http_status_of_errno(errno);
	}
}

/* Whose request it is, from attend() to the files. */
static const struct weft_http_key who_key = {"who"};

int weft__serve_find_visitor(
	struct weft_http_request *request, struct weft_files_visitor *ret_visitor, void *arg)
{
	const struct weft_account_who *who = weft_http_request_get(request, &who_key);

	(void)arg;
	if (!who) /* a preflight, which reads nothing */
		return 403;
	weft__serve_make_visitor(who, ret_visitor);
	return 0;
}

void weft__serve_make_visitor(
	const struct weft_account_who *who, struct weft_files_visitor *ret_visitor)
{
	*ret_visitor = (struct weft_files_visitor){.name = who->user.id ? who->user.name : NULL,
		.home = who->user.home[0] ? who->user.home : NULL,
		.rights_at = weft_account_files_rights_at,
		.arg = (void *)who};
	if (who->user.id) {
		ret_visitor->owner = who->owner;
		ret_visitor->reserve = weft_account_files_reserve;
		ret_visitor->settle = weft_account_files_settle;
		ret_visitor->quota = weft_account_files_quota;
	}
}

/* A POST that changes nothing: it says which files are to be in an archive. */
static bool asks_archive(struct weft_http_request *request)
{
	const struct weft_http_params *params =
		weft_http_request_query(request).data ? weft_http_request_params(request) : NULL;

	return params && weft_http_params_get(params, "archive", 0);
}

/*
 * Whether a stranger is better asked who she is than told no. What the path does not show, such as
 * where a file is to be moved, the files refuse.
 */
static bool is_for_others(const struct weft_account_who *who, struct weft_http_request *request)
{
	enum weft_http_method method = weft_http_request_method(request);
	unsigned looks = WEFT_ACCOUNT_READ | WEFT_ACCOUNT_LIST;
	unsigned changes = WEFT_ACCOUNT_WRITE | WEFT_ACCOUNT_REPLACE | WEFT_ACCOUNT_DELETE;
	bool is_look = method == WEFT_HTTP_GET || method == WEFT_HTTP_HEAD ||
		       (method == WEFT_HTTP_POST && asks_archive(request));
	struct weft_files_visitor visitor;

	if (who->user.id != 0 || method == WEFT_HTTP_OPTIONS)
		return false;
	/* Not of the path as it was sent: a folder's has a slash at its end. */
	weft__serve_make_visitor(who, &visitor);
	return !(weft_files_rights(&visitor, weft_http_request_path(request)) &
		 (is_look ? looks : changes));
}

static int serve_who(struct serve_accounts *own, struct weft_http_request *request,
	struct weft_http_response *response, struct weft_http_next *next,
	struct weft_account_who *who)
{
	int result;

	if (who->user.must_change)
		return weft_http_response_error(response, 403,
			"Your password has to be changed first: by \"weft account passwd\".");
	if (is_for_others(who, request))
		return ask_who(own, request, response);
	if (weft_http_request_set(request, &who_key, who) < 0)
		return 503;
	result = who->user.id ? answer_watched(own, who, next) : weft_http_next(next);
	weft_http_request_set(request, &who_key, NULL);
	return result;
}

static bool is_preflight(const struct weft_http_request *request)
{
	return weft_http_request_method(request) == WEFT_HTTP_OPTIONS &&
	       weft_http_request_field(request, "Access-Control-Request-Method").data;
}

/* A weft_http_middleware_fn. */
int weft__serve_attend(struct weft_http_request *request, struct weft_http_response *response,
	struct weft_http_next *next, void *arg)
{
	struct serve_accounts *own = arg;
	struct weft_account_call call;
	struct hub_asker asker = {.who = NULL};
	int result;

	if (is_preflight(request)) /* what it is answered is a setting of ours */
		return weft_http_next(next);
	if (weft__hub_asker_says(request)) {
		call = weft__hub_call_of(request);
		if (weft__hub_asker_find(own->accounts, request, &call, true, &asker) < 0)
			return refuse(own, request, response, &call);
	}
	if (!asker.who && find_stranger(own, &asker.who) < 0)
		result = weft_http_status_of_errno(errno);
	else
		result = serve_who(own, request, response, next, asker.who);
	weft__hub_asker_fini(&asker);
	return result;
}
