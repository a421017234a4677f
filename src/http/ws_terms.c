/*
 * ws_terms.c - what both sides agree on: lists taken apart, and the terms of compression.
 *
 * Entry points: weft__ws_list_next(), weft__ws_terms_choose(), weft__ws_terms_accept().
 *
 *	offer	permessage-deflate; client_max_window_bits; server_max_window_bits=10
 *	answer	permessage-deflate; server_max_window_bits=10; client_max_window_bits=12
 *
 * A client may make several offers, which the server takes the first of that it can keep
 * (RFC 7692, sections 5 and 7.1). "server" and "client" are whose compressor is meant.
 *
 * Never: terms that the other side has not said it can keep.
 */
#include "http/ws.h"

#include <stdio.h>
#include <string.h>

#include "http/chars.h"

#define DEFLATE "permessage-deflate"

/* No window was named. */
#define NO_BITS 0

/* ---- Lists ------------------------------------------------------------------------------- */

void weft__ws_join(const struct weft__http_head *head, const char *data, const char *name,
	struct weft_str *list)
{
	for (unsigned i = 0; i < head->field_count; i++) {
		struct weft_http_text found = weft__http_place_text(data, head->fields[i].name);
		struct weft_http_text value = weft__http_place_text(data, head->fields[i].value);

		if (!weft__http_equal_nocase(found.data, found.len, name))
			continue;
		if (weft_str_len(list) > 0)
			weft_str_append(list, ",");
		weft_str_append_bytes(list, value.data, value.len);
	}
}

static void skip(struct weft_http_text *text, size_t len)
{
	text->data += len;
	text->len -= len;
}

static void skip_spaces(struct weft_http_text *text)
{
	while (text->len > 0 && (text->data[0] == ' ' || text->data[0] == '\t'))
		skip(text, 1);
}

/* Whether that character is next; it is taken. */
static bool take(struct weft_http_text *text, char c)
{
	skip_spaces(text);
	if (text->len == 0 || text->data[0] != c)
		return false;
	skip(text, 1);
	return true;
}

static bool take_token(struct weft_http_text *text, struct weft_http_text *ret_token)
{
	skip_spaces(text);
	ret_token->data = text->data;
	ret_token->len = weft__http_span(text->data, text->len, WEFT__HTTP_TOKEN);
	skip(text, ret_token->len);
	return ret_token->len > 0;
}

int weft__ws_list_next(struct weft_http_text *list, struct weft_http_text *ret_token)
{
	/* Empty elements count for nothing: RFC 9110, section 5.6.1. */
	while (take(list, ','))
		;
	if (list->len == 0)
		return 0;
	if (!take_token(list, ret_token))
		return -1;
	skip_spaces(list);
	return list->len == 0 || list->data[0] == ',' ? 1 : -1;
}

bool weft__ws_list_has(struct weft_http_text list, const char *token)
{
	struct weft_http_text found;

	while (weft__ws_list_next(&list, &found) > 0)
		if (weft__http_equal_nocase(found.data, found.len, token))
			return true;
	return false;
}

/* ---- One extension ------------------------------------------------------------------------- */

/* An offer or an answer, as it stands there. */
struct extension {
	bool is_deflate;
	bool is_good; /* its parameters are known, and each there once */
	bool server_resets, client_resets;
	bool has_server_bits, has_client_bits;
	unsigned server_bits, client_bits; /* NO_BITS: said without a number */
};

/* A parameter's value: a token, or the same in quotes. */
static bool take_value(struct weft_http_text *text, struct weft_http_text *ret_value)
{
	bool is_quoted = take(text, '"');

	return take_token(text, ret_value) && (!is_quoted || take(text, '"'));
}

/* 8 to 15, without a zero before; NO_BITS: anything else. */
static unsigned read_bits(struct weft_http_text value)
{
	if (value.len == 1 && (value.data[0] == '8' || value.data[0] == '9'))
		return (unsigned)(value.data[0] - '0');
	if (value.len == 2 && value.data[0] == '1' && value.data[1] >= '0' && value.data[1] <= '5')
		return 10 + (unsigned)(value.data[1] - '0');
	return NO_BITS;
}

static bool set_once(bool *flag)
{
	bool was = *flag;

	*flag = true;
	return !was;
}

static bool take_parameter(
	struct extension *extension, struct weft_http_text name, const struct weft_http_text *value)
{
	unsigned bits = value ? read_bits(*value) : NO_BITS;

	if (value && bits == NO_BITS)
		return false;
	if (weft__http_equal_nocase(name.data, name.len, "server_no_context_takeover"))
		return !value && set_once(&extension->server_resets);
	if (weft__http_equal_nocase(name.data, name.len, "client_no_context_takeover"))
		return !value && set_once(&extension->client_resets);
	if (weft__http_equal_nocase(name.data, name.len, "server_max_window_bits")) {
		extension->server_bits = bits;
		return value && set_once(&extension->has_server_bits);
	}
	if (weft__http_equal_nocase(name.data, name.len, "client_max_window_bits")) {
		extension->client_bits = bits;
		return set_once(&extension->has_client_bits);
	}
	return false;
}

/* Take the next one off a list. 1; 0: there is none; -1: it can't be read. */
static int take_extension(struct weft_http_text *list, struct extension *ret_extension)
{
	struct weft_http_text name, value;

	*ret_extension = (struct extension){.is_good = true};
	while (take(list, ','))
		;
	if (list->len == 0)
		return 0;
	if (!take_token(list, &name))
		return -1;
	ret_extension->is_deflate = weft__http_equal_nocase(name.data, name.len, DEFLATE);
	while (take(list, ';')) {
		bool has_value;

		if (!take_token(list, &name))
			return -1;
		has_value = take(list, '=');
		if (has_value && !take_value(list, &value))
			return -1;
		if (!take_parameter(ret_extension, name, has_value ? &value : NULL))
			ret_extension->is_good = false;
	}
	skip_spaces(list);
	return list->len == 0 || list->data[0] == ',' ? 1 : -1;
}

/* ---- The server's side ------------------------------------------------------------------------
 */

static unsigned own_bits(const struct weft_ws_options *options)
{
	return options->window_bits ? options->window_bits : WEFT__WS_WINDOW_BITS;
}

static unsigned lesser(unsigned a, unsigned b)
{
	return a < b ? a : b;
}

/* Whether the offer can be kept, and how. */
static bool keep(const struct extension *offer, const struct weft_ws_options *options,
	struct weft__ws_terms *terms)
{
	unsigned bits = own_bits(options), theirs = offer->client_bits;

	if (!offer->is_deflate || !offer->is_good)
		return false;
	if (offer->has_server_bits && offer->server_bits < WEFT__WS_WINDOW_BITS_MIN)
		return false;
	*terms = (struct weft__ws_terms){
		.is_on = true,
		.ours_resets = offer->server_resets || options->no_context_takeover,
		.theirs_resets = offer->client_resets || options->no_context_takeover,
		.ours_bits = offer->has_server_bits ? lesser(offer->server_bits, bits) : bits,
		.theirs_bits = WEFT__WS_WINDOW_BITS_MAX,
		.is_theirs_said = offer->has_client_bits,
	};
	if (offer->has_client_bits)
		terms->theirs_bits = theirs == NO_BITS ? bits : lesser(theirs, bits);
	return true;
}

int weft__ws_terms_choose(struct weft_http_text offers, const struct weft_ws_options *options,
	struct weft__ws_terms *terms)
{
	struct extension offer;
	int result;

	*terms = (struct weft__ws_terms){.is_on = false};
	while ((result = take_extension(&offers, &offer)) > 0)
		if (options->deflates && weft__ws_deflate_is_there() && !terms->is_on)
			keep(&offer, options, terms);
	return result;
}

void weft__ws_terms_print(const struct weft__ws_terms *terms, char text[WEFT__WS_TERMS_TEXT_MAX])
{
	char theirs[32] = "";

	if (terms->is_theirs_said)
		snprintf(theirs, sizeof(theirs), "; client_max_window_bits=%u", terms->theirs_bits);
	snprintf(text, WEFT__WS_TERMS_TEXT_MAX, DEFLATE "%s%s; server_max_window_bits=%u%s",
		terms->ours_resets ? "; server_no_context_takeover" : "",
		terms->theirs_resets ? "; client_no_context_takeover" : "", terms->ours_bits,
		theirs);
}

/* ---- The client's side ----------------------------------------------------------------------- */

/* Bits are asked for only where the options name them: many servers know no windows. */
void weft__ws_offer_print(const struct weft_ws_options *options, char text[WEFT__WS_TERMS_TEXT_MAX])
{
	unsigned bits = options->window_bits;
	char windows[80] = "; client_max_window_bits";

	if (bits)
		snprintf(windows, sizeof(windows),
			"; client_max_window_bits=%u; server_max_window_bits=%u", bits, bits);
	snprintf(text, WEFT__WS_TERMS_TEXT_MAX, DEFLATE "%s%s", windows,
		options->no_context_takeover
			? "; client_no_context_takeover; server_no_context_takeover"
			: "");
}

/* Whether the answer stays within the offer, and within what we can do. */
static bool is_kept(const struct extension *answer, const struct weft_ws_options *options)
{
	unsigned bits = options->window_bits ? options->window_bits : WEFT__WS_WINDOW_BITS_MAX;

	if (!answer->is_deflate || !answer->is_good)
		return false;
	if (options->no_context_takeover && !answer->server_resets)
		return false;
	if (options->window_bits && (!answer->has_server_bits || answer->server_bits > bits))
		return false;
	return !answer->has_client_bits ||
	       (answer->client_bits >= WEFT__WS_WINDOW_BITS_MIN && answer->client_bits <= bits);
}

int weft__ws_terms_accept(struct weft_http_text answer, const struct weft_ws_options *options,
	struct weft__ws_terms *terms)
{
	struct extension extension, more;
	int result = take_extension(&answer, &extension);

	*terms = (struct weft__ws_terms){.is_on = false};
	if (result <= 0)
		return result;
	if (!options->deflates || !is_kept(&extension, options) ||
		take_extension(&answer, &more) != 0)
		return -1;
	*terms = (struct weft__ws_terms){
		.is_on = true,
		.ours_resets = extension.client_resets || options->no_context_takeover,
		.theirs_resets = extension.server_resets,
		.ours_bits = own_bits(options),
		.theirs_bits = extension.has_server_bits ? extension.server_bits
							 : WEFT__WS_WINDOW_BITS_MAX,
	};
	if (extension.has_client_bits)
		terms->ours_bits = lesser(terms->ours_bits, extension.client_bits);
	return 0;
}
