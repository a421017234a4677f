/*
 * command.h - the table of chat's commands.
 */
#ifndef WEFT_SRC_CHAT_COMMAND_H
#define WEFT_SRC_CHAT_COMMAND_H

#include "weft/chat.h"

/**
 * One form of a verb in lines. fields, each a letter, in their order:
 *
 *	r room    n name           t text, to the end of the line    d seconds
 *	R or "*"  N name or "*"    s seq                             o "on" or "off"
 *	J how to join: nothing, "epoch seq", "last limit"            p "public" or "private"
 *	H a part of the history: nothing, "before seq", "after seq", each with a limit
 *	? what follows may be missing
 */
struct weft__chat_form {
	enum weft_chat_verb verb;
	const char *name;
	const char *fields;
	const char *usage; /* a sentence */
};

/** The form of this name, in any case; NULL: there is none. */
const struct weft__chat_form *weft__chat_form_of(const char *word, size_t len);

#endif
