/*
 * page.c - HTML that the server writes itself, the same on a phone, a desk and in the dark.
 *
 * Entry points: weft__http_page_begin() and _end() for a page built in between,
 * weft__http_page_error(), weft__http_page_redirect().
 *
 * Pages bring their style with them, and their policy (Content-Security-Policy) lets
 * a browser load and run nothing else: a file's name can't become a script.
 *
 * Never: text from outside that did not go through weft_http_escape_html().
 */
#include "http/page.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "http/accept.h"
#include "http/escape.h"

/** Bytes of an error or redirect page. */
#define SMALL_PAGE_MAX 32768

/* default-src says nothing of the last three. */
#define PAGE_POLICY                                                                       \
	"default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; " \
	"form-action 'self'; frame-ancestors 'self'"

static const char style[] =
	":root{color-scheme:light dark;--text:#1d2329;--soft:#5c6773;--link:#0b57c2;--line:#e3e7eb;"
	"--page:#fff;--hover:#f2f5f8}"
	"@media(prefers-color-scheme:dark){:root{--text:#e4e8ec;--soft:#98a3ae;--link:#86b8ff;"
	"--line:#2b3138;--page:#15191d;--hover:#1e242a}}"
	"*{box-sizing:border-box}"
	"body{margin:0;background:var(--page);color:var(--text);"
	"font:16px/1.5 system-ui,-apple-system,'Segoe UI',Roboto,sans-serif}"
	"main{max-width:60rem;margin:0 auto;padding:1.25rem 1rem 3rem}"
	"h1{font-size:1.25rem;line-height:1.4;font-weight:600;margin:0 0 "
	"1rem;overflow-wrap:anywhere}"
	"p{color:var(--soft);margin:.5rem 0}"
	"a{color:var(--link);text-decoration:none}a:hover{text-decoration:underline}";

void weft__http_page_begin(
	struct weft_str *page, const char *title, size_t title_len, const char *more_style)
{
	weft_str_append(page,
		"<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n"
		"<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
		"<meta name=\"color-scheme\" content=\"light dark\">\n"
		"<link rel=\"icon\" href=\"data:,\">\n<title>");
	weft_http_escape_html(page, title, title_len);
	weft_str_append(page, "</title>\n<style>");
	weft_str_append_bytes(page, style, sizeof(style) - 1);
	weft_str_append(page, more_style);
	weft_str_append(page, "</style>\n<main>\n");
}

void weft__http_page_end(struct weft_str *page)
{
	weft_str_append(page, "</main>\n</html>\n");
}

/* Without a page there is still a status: what is left when memory is short. */
static int send_bare(struct weft_http_response *response, int status)
{
	return weft_http_response_send(response, status, NULL);
}

int weft__http_page_add_fields(struct weft_http_response *response)
{
	if (weft_http_response_field(response, "Content-Security-Policy", PAGE_POLICY) < 0)
		return -1;
	return weft__http_add_nosniff(response);
}

int weft__http_add_nosniff(struct weft_http_response *response)
{
	return weft_http_response_field(response, "X-Content-Type-Options", "nosniff");
}

static int send_page(struct weft_http_response *response, int status, const struct weft_str *page)
{
	struct weft_http_content content = {
		WEFT__HTTP_PAGE_TYPE, weft_str_text(page), weft_str_len(page)};

	if (weft_str_error(page) || weft__http_page_add_fields(response) < 0)
		return send_bare(response, status < 400 ? 500 : status);
	return weft_http_response_send(response, status, &content);
}

int weft__http_page_send(struct weft_http_response *response, int status, struct weft_str *page)
{
	int result = send_page(response, status, page);
	int saved = errno;

	weft_str_fini(page);
	errno = saved;
	return result;
}

/* What to say of a status when nobody has said more. */
static const char *default_why(int status)
{
	switch (status) {
	case 401:
		return "You have to sign in for this, with your name and password.";
	case 403:
		return "This may not be seen.";
	case 404:
		return "There is nothing at this address.";
	case 405:
		return "This method can not be used here.";
	case 408:
		return "The request took too long to arrive.";
	case 412:
		return "What is here is not what the request asked for.";
	case 413:
		return "The request's body is too large.";
	case 416:
		return "The file ends before the part that was asked for.";
	case 501:
		return "This method is not known here.";
	case 503:
		return "The server has too much to do. Please try again.";
	default:
		return status < 500 ? "The request can not be answered."
				    : "Something went wrong here. It is not your fault.";
	}
}

/* For who would rather not read HTML: RFC 9457. */
static int send_problem(struct weft_http_response *response, int status, const char *why)
{
	const char *title = weft_http_status_phrase(status);
	struct weft_http_content content = {.type = "application/problem+json"};
	struct weft_str problem;
	int result;

	weft_str_init(&problem, SMALL_PAGE_MAX);
	weft_str_append(&problem, "{\"title\": ");
	weft_http_escape_json(&problem, title, strlen(title));
	weft_str_appendf(&problem, ", \"status\": %d, \"detail\": ", status);
	weft_http_escape_json(&problem, why, strlen(why));
	weft_str_append(&problem, "}\n");
	content.data = weft_str_text(&problem);
	content.len = weft_str_len(&problem);
	result = weft_str_error(&problem) || weft__http_add_nosniff(response) < 0
			 ? send_bare(response, status)
			 : weft_http_response_send(response, status, &content);
	weft_str_fini(&problem);
	return result;
}

int weft__http_page_error(struct weft_http_response *response, int status, const char *why)
{
	struct weft_str page;
	char title[64];
	int len;

	why = why ? why : default_why(status);
	if (weft__http_accept_wants_json(response->request, "problem+json") ||
		weft__http_accept_wants_json(response->request, "json"))
		return send_problem(response, status, why);
	len = snprintf(title, sizeof(title), "%d %s", status, weft_http_status_phrase(status));
	weft_str_init(&page, SMALL_PAGE_MAX);
	weft__http_page_begin(&page, title, (size_t)len, "");
	weft_str_appendf(&page, "<h1>%s</h1>\n<p>", title);
	weft_http_escape_html(&page, why, strlen(why));
	weft_str_append(&page, "</p>\n");
	weft__http_page_end(&page);
	return weft__http_page_send(response, status, &page);
}

int weft__http_page_redirect(struct weft_http_response *response, int status, const char *location)
{
	struct weft_str page;
	size_t len = strlen(location);

	weft_str_init(&page, SMALL_PAGE_MAX + 2 * 6 * len);
	weft__http_page_begin(&page, location, len, "");
	weft_str_append(&page, "<h1>It is over there</h1>\n<p><a href=\"");
	weft_http_escape_html(&page, location, len);
	weft_str_append(&page, "\">");
	weft_http_escape_html(&page, location, len);
	weft_str_append(&page, "</a></p>\n");
	weft__http_page_end(&page);
	return weft__http_page_send(response, status, &page);
}
