/*
 * chat_json.h - commands of chat that come as JSON (docs/chat-protocol.md).
 */
#ifndef WEFT_SRC_HUB_CHAT_JSON_H
#define WEFT_SRC_HUB_CHAT_JSON_H

#include "weft/chat.h"

/**
 * Read a JSON object. NULL, or a sentence saying what is wrong with it, static; the tag, where
 * there is one that can be read, stands in the command then, too. Safe from any thread.
 */
const char *weft__hub_chat_json_read(
	struct weft_chat_command *command, const char *json, size_t len);

#endif
