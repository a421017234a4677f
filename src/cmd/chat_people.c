/*
 * chat_people.c - names that a client of chat has heard (chat_model.h): who is in a room, which
 * rooms there are, and whether a text calls us.
 *
 * Entry points: weft__model_person(), weft__model_gone(), weft__model_know(),
 * weft__model_is_called().
 *
 * Never: keep more names than there are places.
 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "chat_model.h"
#include "weft/utf8.h"

static const char *bare(const char *who)
{
	return who + (who[0] == '~');
}

void weft__model_person(struct chat_room *room, const char *name)
{
	char *copy = NULL;
	size_t at = 0;

	name = bare(name);
	while (at < room->people_len && strcmp(room->people[at], name) != 0)
		at++;
	if (at < room->people_len)
		copy = room->people[at];
	else if (weft_utf8_is_valid(name, strlen(name)))
		copy = strdup(name);
	if (!copy)
		return;
	if (at == room->people_len && at == CHAT_PEOPLE_MAX)
		free(room->people[--at]);
	else if (at == room->people_len)
		room->people_len++;
	memmove(room->people + 1, room->people, at * sizeof(room->people[0]));
	room->people[0] = copy;
}

void weft__model_gone(struct chat_room *room, const char *name)
{
	for (size_t i = 0; i < room->people_len; i++) {
		if (strcmp(room->people[i], bare(name)) != 0)
			continue;
		free(room->people[i]);
		room->people_len--;
		memmove(room->people + i, room->people + i + 1,
			(room->people_len - i) * sizeof(room->people[0]));
		return;
	}
}

void weft__model_know(struct chat_model *model, const char *name)
{
	for (size_t i = 0; i < model->known_len; i++)
		if (strcasecmp(model->known[i], name) == 0)
			return;
	if (model->known_len == CHAT_KNOWN_MAX || name[0] == '@')
		return;
	model->known[model->known_len] = strdup(name);
	model->known_len += model->known[model->known_len] != NULL;
}

/** From here on there are scripts that put no blanks between words. */
#define NO_BLANKS 0x2e80

/* Whether words go on over the character that begins at text. */
static bool is_in_word(const char *text)
{
	uint32_t character;

	if (weft_utf8_read(text, strlen(text), &character) == 0)
		return false;
	return character < 0x80 ? isalnum((int)character) != 0 : character < NO_BLANKS;
}

static const char *character_before(const char *at)
{
	at--;
	while (((unsigned char)*at & 0xc0) == 0x80)
		at--;
	return at;
}

bool weft__model_is_called(const struct chat_model *model, const char *text)
{
	const char *name = bare(model->self), *at = text;
	size_t len = strlen(name);

	while (len > 0 && (at = strcasestr(at, name))) {
		bool is_alone = at == text || !is_in_word(character_before(at)) || !is_in_word(at);

		if (is_alone && (!at[len] || !is_in_word(at + len) ||
					!is_in_word(character_before(at + len))))
			return true;
		at += len;
	}
	return false;
}
