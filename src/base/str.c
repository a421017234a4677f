/*
 * str.c - the string builder (weft/str.h).
 *
 * Entry points: the weft_str_append family; all of them go through make_room().
 *
 * Never: leave the text without its NUL, or half an append in it.
 */
#include "weft/str.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The first allocation, in bytes. */
#define BYTES_MIN 64

/* ---- Life --------------------------------------------------------------------- */

void weft_str_init(struct weft_str *str, size_t len_max)
{
	*str = (struct weft_str){
		.len_max = len_max < WEFT_STR_LEN_MAX ? len_max : WEFT_STR_LEN_MAX};
}

void weft_str_init_in(struct weft_str *str, char *array, size_t size_bytes)
{
	assert(size_bytes > 0);
	*str = (struct weft_str){.text = array, .capacity = size_bytes, .is_borrowed = true};
	str->len_max = size_bytes - 1 < WEFT_STR_LEN_MAX ? size_bytes - 1 : WEFT_STR_LEN_MAX;
	array[0] = '\0';
}

void weft_str_fini(struct weft_str *str)
{
	if (!str->is_borrowed) {
		free(str->text);
		str->text = NULL;
		str->capacity = 0;
	}
	weft_str_reset(str);
}

void weft_str_reset(struct weft_str *str)
{
	str->error = 0;
	weft_str_truncate(str, 0);
}

char *weft_str_take(struct weft_str *str)
{
	char *text;

	if (str->error) {
		errno = str->error;
		return NULL;
	}
	if (str->text && !str->is_borrowed) {
		text = str->text;
		str->text = NULL;
		str->capacity = 0;
	} else {
		text = malloc(str->len + 1);
		if (!text)
			return NULL;
		memcpy(text, weft_str_text(str), str->len + 1);
	}
	weft_str_truncate(str, 0);
	return text;
}

void weft_str_truncate(struct weft_str *str, size_t len)
{
	if (len < str->len)
		str->len = len;
	if (str->text)
		str->text[str->len] = '\0';
}

/* ---- Appending ---------------------------------------------------------------- */

static int fail(struct weft_str *str, int error)
{
	str->error = error;
	errno = error;
	return -1;
}

/* Make room for len bytes and the NUL, which the caller writes, for len 0 too. */
static int make_room(struct weft_str *str, size_t len)
{
	size_t needed, capacity;
	char *text;

	if (str->error)
		return fail(str, str->error);
	if (len > str->len_max - str->len)
		return fail(str, EMSGSIZE);
	needed = str->len + len + 1;
	if (needed <= str->capacity)
		return 0;
	/* Not borrowed: the caller's array has the room that the bound allows. */
	capacity = str->capacity ? 2 * str->capacity : BYTES_MIN;
	if (capacity > str->len_max + 1)
		capacity = str->len_max + 1;
	if (capacity < needed)
		capacity = needed;
	text = realloc(str->text, capacity);
	if (!text)
		return fail(str, ENOMEM);
	str->text = text;
	str->capacity = capacity;
	return 0;
}

int weft_str_append_bytes(struct weft_str *str, const void *data, size_t len)
{
	if (make_room(str, len) < 0)
		return -1;
	if (len > 0)
		memcpy(str->text + str->len, data, len);
	str->len += len;
	str->text[str->len] = '\0';
	return 0;
}

int weft_str_append(struct weft_str *str, const char *text)
{
	return weft_str_append_bytes(str, text, strlen(text));
}

int weft_str_append_char(struct weft_str *str, char c)
{
	return weft_str_append_bytes(str, &c, 1);
}

int weft_str_appendf(struct weft_str *str, const char *format, ...)
{
	va_list args;
	int result;

	va_start(args, format);
	result = weft_str_vappendf(str, format, args);
	va_end(args);
	return result;
}

/* Print into what room there is; when that was too little, make it enough and print again. */
int weft_str_vappendf(struct weft_str *str, const char *format, va_list args)
{
	size_t room;
	va_list again;
	int len;

	if (make_room(str, 0) < 0)
		return -1;
	room = str->capacity - str->len;
	va_copy(again, args);
	len = vsnprintf(str->text + str->len, room, format, args);
	if (len < 0)
		fail(str, errno ? errno : EOVERFLOW);
	else if ((size_t)len >= room && make_room(str, (size_t)len) == 0)
		vsnprintf(str->text + str->len, (size_t)len + 1, format, again);
	va_end(again);
	/* A failure may have left part of the output behind the old end. */
	if (!str->error)
		str->len += (size_t)len;
	str->text[str->len] = '\0';
	return str->error ? -1 : 0;
}
