/*
 * page.c - see page.h.
 *
 *	request --> a browser that goes there? --> index.html, which is the same for all
 *	        \-> its scripts and styles     --> page_files.c
 *	        \-> hub.json                   --> who asks, what is there
 *
 * Never: writes facts into the document; it is the same for everybody, and asks for them.
 */
#include "page.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "asker.h"
#include "json.h"
#include "page_files.h"

struct hub_page {
	struct hub_page_options options;
	char *udp, *lines; /* NULL: not so */
};

/* ---- Who goes there ----------------------------------------------------------------------- */

static bool has_text(struct weft_http_text text, const char *part)
{
	return text.data && memmem(text.data, text.len, part, strlen(part));
}

static bool is_text(struct weft_http_text text, const char *whole)
{
	return text.data && text.len == strlen(whole) && memcmp(text.data, whole, text.len) == 0;
}

/* A tab goes there, not a script or a frame of it; curl(1) takes anything, and is no browser. */
static bool is_navigation(const struct weft_http_request *request)
{
	enum weft_http_method method = weft_http_request_method(request);
	struct weft_http_text dest = weft_http_request_field(request, "Sec-Fetch-Dest");

	return (method == WEFT_HTTP_GET || method == WEFT_HTTP_HEAD) &&
	       has_text(weft_http_request_field(request, "Accept"), "text/html") &&
	       (!dest.data || is_text(dest, "document"));
}

bool weft__hub_page_asks(const struct weft_http_request *request)
{
	/* Browsers say the first to servers that nobody can listen to; the page says the second. */
	return weft_http_request_field(request, "Sec-Fetch-Dest").data ||
	       is_text(weft_http_request_field(request, "X-Requested-With"), "weft") ||
	       is_navigation(request);
}

/* Who asks for the plain list, or for it in an order, is to have that. */
static bool asks_for_list(struct weft_http_request *request)
{
	static const char *const words[] = {"plain", "sort", "order"};
	const struct weft_http_params *params = weft_http_request_params(request);

	for (size_t i = 0; params && i < sizeof(words) / sizeof(words[0]); i++)
		if (weft_http_params_get(params, words[i], 0))
			return true;
	return false;
}

int weft__hub_page_folder(
	struct weft_http_request *request, struct weft_http_response *response, void *arg)
{
	(void)arg;
	if (!is_navigation(request) || asks_for_list(request))
		return WEFT_HTTP_FILES_LIST;
	return weft__hub_page_send_document(request, response, 200);
}

int weft__hub_page_error(struct weft_http_request *request, struct weft_http_response *response,
	const char *why, int status, void *arg)
{
	const char *path = weft_http_request_path(request);
	bool is_folder = path && path[0] && path[strlen(path) - 1] == '/';

	(void)why;
	(void)arg;
	/* A file that is missing is missing. But who may not see it may be somebody who may. */
	if (!path || !is_navigation(request) || asks_for_list(request) ||
		(status != 401 && status != 403 && !(status == 404 && is_folder)))
		return 0;
	return weft__hub_page_send_document(request, response, status);
}

/* ---- Facts -------------------------------------------------------------------------------- */

/* Who she is; the null of JSON: nobody that is known. NULL: no memory. */
static json_t *me_json(const struct hub_page *page, struct weft_http_request *request)
{
	struct weft_account_call call = weft__hub_call_of(request);
	struct hub_asker asker = {.who = NULL};
	json_t *json;

	if (!page->options.accounts ||
		weft__hub_asker_find(page->options.accounts, request, &call, true, &asker) < 0 ||
		!asker.who) {
		weft__hub_asker_fini(&asker);
		return json_null();
	}
	json = json_pack("{s:o, s:o, s:o, s:o, s:b}", "name",
		weft__hub_json_text(asker.who->user.name), "display",
		weft__hub_json_text(asker.who->user.display_name), "role",
		weft__hub_json_text(asker.who->user.role), "powers",
		weft__hub_words_list(&weft__hub_powers, asker.who->powers), "must_change",
		asker.who->user.must_change);
	weft__hub_asker_fini(&asker);
	return json;
}

static json_t *strangers_json(const struct hub_page *page)
{
	unsigned rights = page->options.rights;
	struct weft_account_who *who;

	if (page->options.accounts && weft_account_stranger(page->options.accounts, &who) == 0) {
		rights = weft_account_rights(who, "");
		weft_account_who_free(who);
	}
	return json_pack("{s:o}", "may", weft__hub_words_list(&weft__hub_rights, rights));
}

static json_t *facts_json(const struct hub_page *page, struct weft_http_request *request)
{
	const struct hub_page_options *options = &page->options;

	return json_pack("{s:o, s:s, s:{s:b, s:b, s:b, s:b}, s:o, s:o, s:{s:s?, s:s?}, s:{s:I}}",
		"name", weft__hub_json_text(options->name), "version", options->version, "has",
		"files", options->has_files, "chat", options->has_chat, "accounts",
		options->accounts != NULL, "status", options->has_status, "me",
		me_json(page, request), "strangers", strangers_json(page), "chat", "udp", page->udp,
		"lines", page->lines, "limits", "upload_max", (json_int_t)options->upload_max);
}

static int send_facts(const struct hub_page *page, struct weft_http_request *request,
	struct weft_http_response *response)
{
	json_t *json = facts_json(page, request);
	char *text = json ? weft__hub_json_print(json) : NULL;
	const struct weft_http_content content = {
		"application/json", text, text ? strlen(text) : 0};
	int result = 503;

	json_decref(json);
	if (text && weft_http_response_field(response, "Cache-Control", "no-store") == 0 &&
		weft_http_response_field(response, "X-Content-Type-Options", "nosniff") == 0)
		result = weft_http_response_send(response, 200, &content);
	free(text);
	return result;
}

/* ---- What lies below HUB_PAGE_PATH -------------------------------------------------------- */

/* "chat", "chat/lobby": an address within the page. */
static bool is_view(const char *path)
{
	static const char *const views[] = {"chat", "people", "me", "status"};
	size_t len = strcspn(path, "/");

	for (size_t i = 0; i < sizeof(views) / sizeof(views[0]); i++)
		if (strlen(views[i]) == len && strncmp(path, views[i], len) == 0)
			return true;
	return path[0] == '\0';
}

/* Of another version of the page there is nothing here: whoever has that open has to load it
 * anew, and must not keep this answer. */
static int send_kept(
	struct weft_http_request *request, struct weft_http_response *response, const char *path)
{
	const char *hash = weft__hub_page_hash();
	size_t len = strlen(hash);

	if (strncmp(path, hash, len) == 0 && path[len] == '/')
		return weft__hub_page_send_file(request, response, path + len + 1);
	if (weft_http_response_field(response, "Cache-Control", "no-store") < 0)
		return -1;
	return 404;
}

static int answer(struct weft_http_request *request, struct weft_http_response *response, void *arg)
{
	const char *path = weft_http_request_param(request, "path");

	if (strcmp(path, "hub.json") == 0)
		return send_facts(arg, request, response);
	if (is_view(path))
		return weft__hub_page_send_document(request, response, 200);
	return send_kept(request, response, path);
}

/* ---- Life --------------------------------------------------------------------------------- */

struct hub_page *weft__hub_page_new(const struct hub_page_options *options)
{
	struct hub_page *page = calloc(1, sizeof(*page));

	if (page)
		page->options = *options;
	return page;
}

void weft__hub_page_free(struct hub_page *page)
{
	if (!page)
		return;
	free(page->udp);
	free(page->lines);
	free(page);
}

int weft__hub_page_tell_chat(struct hub_page *page, const char *udp, const char *lines)
{
	free(page->udp);
	free(page->lines);
	page->udp = udp ? strdup(udp) : NULL;
	page->lines = lines ? strdup(lines) : NULL;
	return (udp && !page->udp) || (lines && !page->lines) ? -1 : 0;
}

int weft__hub_page_mount(struct hub_page *page, struct weft_http_router *router)
{
	const struct weft_http_route route = {
		.pattern = HUB_PAGE_PATH "/{path...}", .handler = answer, .arg = page};

	return weft_http_router_add(router, &route);
}
