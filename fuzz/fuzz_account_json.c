/*
 * fuzz_account_json.c - the body of a request to the accounts' API from an enemy: the first byte
 * says to which operation, the rest is the JSON.
 *
 * What is taken is what the operation's table says, and nothing of it is taken over the network
 * that is for the machine itself. What can stand in a query is the same when it is read from one.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "hub/op.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void require(bool fact)
{
	if (!fact)
		abort();
}

static const struct hub_op *choose(uint8_t number)
{
	size_t count = 0;

	while (weft__hub_ops[count].id)
		count++;
	require(count > 0);
	return &weft__hub_ops[number % count];
}

/* Lists are written with commas between: a word that has one, or is empty, is no word. */
static bool is_plain(const json_t *value)
{
	for (size_t i = 0; i < json_array_size(value); i++) {
		const char *word = json_string_value(json_array_get(value, i));

		if (!word[0] || strchr(word, ','))
			return false;
	}
	return true;
}

static void check_field(const struct hub_op *op, const char *name, const json_t *value)
{
	const struct hub_field *field = weft__hub_op_field(op, HUB_ANYWHERE, name);
	json_t *again;
	char *text;

	require(field != NULL);
	require(!json_is_string(value) || json_string_length(value) <= HUB_TEXT_MAX);
	require(!json_is_string(value) ||
		strlen(json_string_value(value)) == json_string_length(value));
	if (!is_plain(value))
		return;
	text = weft__hub_text_of_arg(value);
	again = text ? weft__hub_arg_of_text(field, text) : NULL;
	require(again && json_equal(again, value));
	json_decref(again);
	free(text);
}

static bool has_local(const struct hub_op *op, json_t *json)
{
	for (void *at = json_object_iter(json); at; at = json_object_iter_next(json, at))
		if (weft__hub_op_field(op, HUB_ANYWHERE, json_object_iter_key(at))->is_local)
			return true;
	return false;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	char fault[HUB_FAULT_MAX] = "";
	const struct hub_op *op;
	json_t *json;
	bool is_good;

	if (len < 1)
		return 0;
	op = choose(data[0]);
	json = weft__hub_json_read((const char *)data + 1, len - 1, fault, sizeof(fault));
	require(json || fault[0]);
	is_good = json_is_object(json) && weft__hub_op_check(op, json, true, fault) == 0;
	if (json_is_object(json) && weft__hub_op_check(op, json, false, fault) == 0)
		require(is_good && !has_local(op, json));
	for (void *at = is_good ? json_object_iter(json) : NULL; at;
		at = json_object_iter_next(json, at))
		check_field(op, json_object_iter_key(at), json_object_iter_value(at));
	json_decref(json);
	return 0;
}
