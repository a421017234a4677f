/*
 * page.c - HTML that the server writes itself, the same on a phone, a desk and in the dark.
 *
 * Entry points: weft__http_page_begin() and _end() for a page built in between,
 * weft__http_page_error(), weft__http_page_redirect().
 *
 * Pages bring their style with them, and their policy (Content-Security-Policy) lets
 * a browser load and run nothing else: a file's name can't become a script.
 *
 * Never: text from outside that did not go through weft__http_append_html().
 */
#include "http/page.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "http/escape.h"

/** Bytes of an error or redirect page. */
#define SMALL_PAGE_MAX 32768

#define PAGE_TYPE   "text/html; charset=utf-8"
#define PAGE_POLICY "default-src 'none'; style-src 'unsafe-inline'; img-src data:"

/* Icons are masks, so that they take the colour of the text around them. */
#define ICON(path)                                                                                \
	"url(\"data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 24 24' " \
	"fill='none' stroke='%23000' stroke-width='1.8' stroke-linejoin='round'%3E%3Cpath "       \
	"d='" path "'/%3E%3C/svg%3E\")"
#define ICON_FOLDER                                                                               \
	ICON("M3 6.5A1.5 1.5 0 0 1 4.5 5H9l2.2 2.5h8.3A1.5 1.5 0 0 1 21 9v8.5a1.5 1.5 0 0 1-1.5 " \
	     "1.5h-15A1.5 1.5 0 0 1 3 17.5z")
#define ICON_FILE ICON("M6 3.5h8l4.5 4.5v12.5h-12.5zM14 3.5v4.5h4.5")
#define ICON_UP   ICON("M12 20V5M6 11l6-6 6 6")

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
	"a{color:var(--link);text-decoration:none}a:hover{text-decoration:underline}"
	"h1 i{color:var(--soft);font-style:normal;font-weight:400;padding:0 .3em}"
	"ul{list-style:none;margin:0;padding:0;border-top:1px solid var(--line)}"
	"li{border-bottom:1px solid var(--line)}"
	"li a{display:grid;grid-template-columns:1.5rem 1fr;column-gap:.75rem;align-items:center;"
	"padding:.6rem .5rem;color:inherit}"
	"li a:hover,li a:focus-visible{background:var(--hover);text-decoration:none}"
	"li a::before{content:'';grid-row:1/3;width:1.5rem;height:1.5rem;background:var(--soft);"
	"-webkit-mask:" ICON_FILE " center/contain no-repeat;mask:" ICON_FILE
	" center/contain no-repeat}"
	"li.d a::before{background:var(--link);-webkit-mask-image:" ICON_FOLDER
	";mask-image:" ICON_FOLDER "}"
	"li.u a::before{grid-row:1;-webkit-mask-image:" ICON_UP ";mask-image:" ICON_UP "}"
	"li b{font-weight:400;color:var(--link);overflow-wrap:anywhere}"
	"li.d b{font-weight:600}"
	"li span{grid-column:2;color:var(--soft);font-size:.875rem;display:flex;gap:1rem;"
	"font-variant-numeric:tabular-nums}"
	"@media(min-width:44rem){main{padding-top:2rem}li a{grid-template-columns:1.5rem 1fr auto;"
	"padding:.45rem .5rem}li a::before{grid-row:1}li span{grid-column:3;gap:1.5rem}"
	"li span>*{min-width:5.5rem;text-align:right}}";

void weft__http_page_begin(struct weft_str *page, const char *title, size_t title_len)
{
	weft_str_append(page,
		"<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n"
		"<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
		"<meta name=\"color-scheme\" content=\"light dark\">\n"
		"<link rel=\"icon\" href=\"data:,\">\n<title>");
	weft__http_append_html(page, title, title_len);
	weft_str_append(page, "</title>\n<style>");
	weft_str_append_bytes(page, style, sizeof(style) - 1);
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

static int send_page(struct weft_http_response *response, int status, const struct weft_str *page)
{
	struct weft_http_content content = {PAGE_TYPE, weft_str_text(page), weft_str_len(page)};

	if (weft_str_error(page) ||
		weft_http_response_field(response, "Content-Security-Policy", PAGE_POLICY) < 0 ||
		weft_http_response_field(response, "X-Content-Type-Options", "nosniff") < 0)
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

int weft__http_page_error(struct weft_http_response *response, int status, const char *why)
{
	struct weft_str page;
	char title[64];
	int len;

	len = snprintf(title, sizeof(title), "%d %s", status, weft_http_status_phrase(status));
	weft_str_init(&page, SMALL_PAGE_MAX);
	weft__http_page_begin(&page, title, (size_t)len);
	weft_str_appendf(&page, "<h1>%s</h1>\n<p>", title);
	why = why ? why : default_why(status);
	weft__http_append_html(&page, why, strlen(why));
	weft_str_append(&page, "</p>\n");
	weft__http_page_end(&page);
	return weft__http_page_send(response, status, &page);
}

int weft__http_page_redirect(struct weft_http_response *response, int status, const char *location)
{
	struct weft_str page;
	size_t len = strlen(location);

	weft_str_init(&page, SMALL_PAGE_MAX + 2 * 6 * len);
	weft__http_page_begin(&page, location, len);
	weft_str_append(&page, "<h1>It is over there</h1>\n<p><a href=\"");
	weft__http_append_html(&page, location, len);
	weft_str_append(&page, "\">");
	weft__http_append_html(&page, location, len);
	weft_str_append(&page, "</a></p>\n");
	weft__http_page_end(&page);
	return weft__http_page_send(response, status, &page);
}
