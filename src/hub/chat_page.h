/*
 * chat_page.h - the chat's page, as files of the program: what lies in web/chat.
 */
#ifndef WEFT_SRC_HUB_CHAT_PAGE_H
#define WEFT_SRC_HUB_CHAT_PAGE_H

#include "weft/http.h"

/** Tag of a file's content, with its quotes. */
#define HUB_CHAT_PAGE_TAG_SIZE 24

/**
 * Answer with the file of that name; "": the page itself. Returns as a handler does: 404 where
 * there is none. Any thread.
 */
int weft__hub_chat_page_send(
	struct weft_http_request *request, struct weft_http_response *response, const char *name);

#endif
