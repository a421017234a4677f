/*
 * page.h - the pages that the server makes itself: errors, redirects, and the frame of listings.
 */
#ifndef WEFT_SRC_HTTP_PAGE_H
#define WEFT_SRC_HTTP_PAGE_H

#include "http/response.h"

/**
 * Append everything up to the page's first heading. title is escaped here; more_style is
 * CSS after the common one, "" for none.
 */
void weft__http_page_begin(
	struct weft_str *page, const char *title, size_t title_len, const char *more_style);

/** Append the page's end. */
void weft__http_page_end(struct weft_str *page);

/** Add the fields of a page that the server makes itself: it loads and runs nothing. 0 or -1. */
int weft__http_page_add_fields(struct weft_http_response *response);

/** What is sent is of the type that is said, and no script, whatever is in it. 0 or -1. */
int weft__http_add_nosniff(struct weft_http_response *response);

#define WEFT__HTTP_PAGE_TYPE "text/html; charset=utf-8"

/** Send page, or an error page when building it failed. Frees it either way. */
int weft__http_page_send(struct weft_http_response *response, int status, struct weft_str *page);

/** Send the page of an error; why may be NULL. */
int weft__http_page_error(struct weft_http_response *response, int status, const char *why);

/** Send the page of a redirect, whose Location is set already. */
int weft__http_page_redirect(struct weft_http_response *response, int status, const char *location);

#endif
