/*
 * account_link.c - what is handed over to somebody who is to set a password: the secret of an
 * invitation or a reset as a link that a browser opens, where it is known how the server's page is
 * reached.
 *
 *	--server URL             URL/.weft/me#SECRET, if that server has a page
 *	a server on this state   the address that it printed at its start, by its control socket
 *	no server runs           /.weft/me#SECRET, the end of a link
 *	a server without a page  SECRET, for `weft account passwd --link`
 *
 * Entry point: weft__cmd_account_say_link().
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "account.h"
#include "control.h"

#define PLACE "/.weft/me"

/** For the question whether there is a page. */
#define PATIENCE_NS WEFT_SECONDS(30)

enum reach { NO_SERVER, NO_PAGE, FROM_HERE, FROM_ANYWHERE };

/* "https://hub.example:8443", without a path. */
static enum reach reach_of(const char *page)
{
	enum weft_http_url_fault fault;
	struct weft_http_url *url = weft_http_url_parse(page, &fault);
	bool is_here =
		url && (strcmp(url->host, "localhost") == 0 || strncmp(url->host, "127.", 4) == 0 ||
			       strcmp(url->host, "::1") == 0);

	weft_http_url_free(url);
	return !url ? NO_PAGE : is_here ? FROM_HERE : FROM_ANYWHERE;
}

static enum reach ask_server(const struct account *account, char **ret_page)
{
	const struct weft_http_fetch_options options = {
		.client = account->client, .method = "HEAD", .timeout_ns = PATIENCE_NS};
	size_t len = strlen(account->server);
	struct weft_http_fetch *fetch;
	char *url = NULL, *page;
	bool is_there;

	while (len > 0 && account->server[len - 1] == '/')
		len--;
	page = strndup(account->server, len);
	fetch = page && asprintf(&url, "%s" PLACE, page) >= 0 ? weft_http_fetch(url, &options)
							      : NULL;
	is_there = fetch && weft_http_fetch_status(fetch) == 200;
	weft_http_fetch_free(fetch);
	free(url);
	*ret_page = page;
	return is_there && page ? reach_of(page) : NO_PAGE;
}

/* Whoever runs on this state says it. */
static enum reach ask_neighbour(const struct account *account, char **ret_page)
{
	char *path = account->dir ? weft__control_of_state(account->dir) : NULL;
	int code;
	char *text = path ? weft__control_status(path, &code) : NULL;
	json_t *status = text ? json_loads(text, 0, NULL) : NULL;
	const char *page = json_string_value(json_object_get(status, "page"));
	enum reach reach = !status ? NO_SERVER : page ? reach_of(page) : NO_PAGE;

	*ret_page = page ? strdup(page) : NULL;
	json_decref(status);
	free(text);
	free(path);
	return reach;
}

static const char *words_of(enum reach reach)
{
	switch (reach) {
	case FROM_ANYWHERE:
		return "this link";
	case FROM_HERE:
		return "this link, which opens on this machine only, as the server does";
	case NO_SERVER:
		return "the address of your server's page with this behind it";
	case NO_PAGE:
		break;
	}
	return "this secret and \"weft account passwd --link\"";
}

static void say(const struct account *account, const struct account_link *link, const char *words)
{
	const char *ending = link->days == 1 ? "" : "s";

	if (link->is_added)
		weft__cmd_account_say(account,
			"%s is added. The password is set, once and within %u day%s, by %s:",
			link->name, link->days, ending, words);
	else
		weft__cmd_account_say(account,
			"The password of %s is set, once and within %u day%s, by %s:", link->name,
			link->days, ending, words);
}

void weft__cmd_account_say_link(
	const struct account *account, const struct account_link *link, json_t *result)
{
	const char *secret = json_string_value(json_object_get(result, "secret"));
	char *page = NULL, *text = NULL;
	enum reach reach =
		account->server ? ask_server(account, &page) : ask_neighbour(account, &page);

	if (reach != NO_PAGE && secret &&
		asprintf(&text, "%s" PLACE "#%s", page ? page : "", secret) < 0)
		text = NULL;
	if (account->is_json) {
		if (text && page)
			json_object_set_new(result, "link", json_string(text));
		weft__cmd_account_print_json(result);
	} else {
		say(account, link, words_of(reach));
		puts(text ? text : secret ? secret : "");
	}
	weft__cmd_account_forget(text);
	free(page);
}
