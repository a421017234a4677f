/*
 * op.c - operations: what they are given is checked by their tables, what goes wrong becomes a
 * problem with a word and a sentence (op.h).
 *
 * Never: quotes in a sentence what was sent as a value: it may be a password.
 */
#include "op.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "weft/http.h"
#include "weft/str.h"

/* ---- Finding ------------------------------------------------------------------------------ */

/* What stands in braces in a path. */
static const struct hub_field path_name = {
	.name = "", .kind = HUB_TEXT, .is_required = true, .len_max = 4 * WEFT_ACCOUNT_NAME_MAX};
static const struct hub_field path_id = {.name = "id", .kind = HUB_NUMBER, .is_required = true};

const struct hub_op *weft__hub_op_find(const char *id)
{
	for (const struct hub_op *op = weft__hub_ops; op->id; op++)
		if (strcmp(op->id, id) == 0)
			return op;
	return NULL;
}

static const struct hub_field *find_in(const struct hub_field *fields, const char *name)
{
	for (; fields && fields->name; fields++)
		if (strcmp(fields->name, name) == 0)
			return fields;
	return NULL;
}

static bool is_in_path(const struct hub_op *op, const char *name)
{
	size_t len = strlen(name);

	for (const char *at = op->path; at && (at = strchr(at, '{')); at++)
		if (strncmp(at + 1, name, len) == 0 && at[1 + len] == '}')
			return true;
	return false;
}

const struct hub_field *weft__hub_op_field(
	const struct hub_op *op, unsigned places, const char *name)
{
	const struct hub_field *field = NULL;

	if ((places & HUB_IN_PATH) && is_in_path(op, name))
		return strcmp(name, "id") == 0 ? &path_id : &path_name;
	if (places & HUB_IN_QUERY)
		field = find_in(op->query, name);
	if (!field && (places & HUB_IN_BODY))
		field = find_in(op->body, name);
	return field;
}

/* ---- Checking ----------------------------------------------------------------------------- */

static size_t len_max_of(const struct hub_field *field)
{
	return field->len_max ? field->len_max : HUB_TEXT_MAX;
}

static int64_t max_of(const struct hub_field *field)
{
	return field->max ? field->max : INT64_MAX;
}

static bool is_text(const struct hub_field *field, const json_t *value)
{
	return json_is_string(value) && json_string_length(value) <= len_max_of(field);
}

static bool is_list(const struct hub_field *field, const json_t *value)
{
	if (!json_is_array(value) || json_array_size(value) > HUB_WORDS_MAX)
		return false;
	for (size_t i = 0; i < json_array_size(value); i++)
		if (!is_text(field, json_array_get(value, i)))
			return false;
	return true;
}

static bool is_of_kind(const struct hub_field *field, const json_t *value)
{
	switch (field->kind) {
	case HUB_TEXT:
		return is_text(field, value);
	case HUB_NUMBER:
		return json_is_integer(value) && json_integer_value(value) >= 0 &&
		       json_integer_value(value) <= max_of(field);
	case HUB_BOOL:
		return json_is_boolean(value);
	case HUB_WORDS:
		return is_list(field, value);
	}
	return false;
}

static int refuse_kind(const struct hub_field *field, const char *name, char *ret_fault)
{
	switch (field->kind) {
	case HUB_TEXT:
		snprintf(ret_fault, HUB_FAULT_MAX,
			"\"%s\" takes a text in UTF-8, of %zu bytes at most", name,
			len_max_of(field));
		break;
	case HUB_NUMBER:
		snprintf(ret_fault, HUB_FAULT_MAX, "\"%s\" takes a whole number from 0 to %lld",
			name, (long long)max_of(field));
		break;
	case HUB_BOOL:
		snprintf(ret_fault, HUB_FAULT_MAX, "\"%s\" takes true or false", name);
		break;
	case HUB_WORDS:
		snprintf(ret_fault, HUB_FAULT_MAX, "\"%s\" takes a list of %d texts at most", name,
			HUB_WORDS_MAX);
		break;
	}
	errno = EINVAL;
	return -1;
}

static int check_required(const struct hub_field *fields, const json_t *args, char *ret_fault)
{
	for (; fields && fields->name; fields++)
		if (fields->is_required && !json_object_get(args, fields->name)) {
			snprintf(ret_fault, HUB_FAULT_MAX, "\"%s\" is missing", fields->name);
			errno = EINVAL;
			return -1;
		}
	return 0;
}

int weft__hub_op_check(
	const struct hub_op *op, const json_t *args, bool is_local, char ret_fault[HUB_FAULT_MAX])
{
	const char *name;
	json_t *value;

	/* The macro wants what it may change; it doesn't. */
	json_object_foreach((json_t *)args, name, value)
	{
		const struct hub_field *field = weft__hub_op_field(op, HUB_ANYWHERE, name);

		if (!field || (field->is_local && !is_local)) {
			/* Of a name that is not ours nothing is quoted either: it may be one in
			 * the wrong place. */
			snprintf(ret_fault, HUB_FAULT_MAX,
				"there is something that %s does not take", op->id);
			errno = EINVAL;
			return -1;
		}
		if (!is_of_kind(field, value))
			return refuse_kind(field, name, ret_fault);
	}
	if (check_required(op->query, args, ret_fault) < 0)
		return -1;
	return check_required(op->body, args, ret_fault);
}

/* ---- Texts of queries --------------------------------------------------------------------- */

static json_t *number_of(const char *text)
{
	long long number;
	char *end;

	errno = 0;
	number = strtoll(text, &end, 10);
	if (errno || end == text || *end || text[0] < '0' || text[0] > '9') {
		errno = EINVAL;
		return NULL;
	}
	return json_integer(number);
}

static json_t *list_of(const char *text)
{
	json_t *list = json_array();

	while (list && *text) {
		size_t len = strcspn(text, ",");

		if (json_array_append_new(list, json_stringn(text, len)) < 0) {
			json_decref(list);
			errno = EINVAL;
			return NULL;
		}
		text += len + (text[len] == ',');
	}
	return list;
}

json_t *weft__hub_arg_of_text(const struct hub_field *field, const char *text)
{
	json_t *json = NULL;

	switch (field->kind) {
	case HUB_TEXT:
		json = json_string(text); /* NULL: it is not UTF-8 */
		break;
	case HUB_NUMBER:
		json = number_of(text);
		break;
	case HUB_BOOL:
		if (strcmp(text, "true") == 0 || strcmp(text, "false") == 0)
			json = json_boolean(text[0] == 't');
		break;
	case HUB_WORDS:
		json = list_of(text);
		break;
	}
	if (!json)
		errno = EINVAL;
	return json;
}

char *weft__hub_text_of_arg(const json_t *arg)
{
	struct weft_str str;

	weft_str_init(&str, WEFT_STR_LEN_MAX);
	weft_str_append(&str, "");
	if (json_is_string(arg))
		weft_str_append(&str, json_string_value(arg));
	else if (json_is_integer(arg))
		weft_str_appendf(&str, "%lld", (long long)json_integer_value(arg));
	else if (json_is_boolean(arg))
		weft_str_append(&str, json_is_true(arg) ? "true" : "false");
	for (size_t i = 0; i < json_array_size(arg); i++)
		weft_str_appendf(
			&str, "%s%s", i ? "," : "", json_string_value(json_array_get(arg, i)));
	return weft_str_take(&str);
}

/* ---- Doing -------------------------------------------------------------------------------- */

static const struct {
	int code, status;
} statuses[] = {
	{EKEYREJECTED, 401},
	{EKEYEXPIRED, 401},
	{EPERM, 403},
	{EACCES, 403},
	{ENOENT, 404},
	{EEXIST, 409},
	{EINVAL, 422},
	{EDQUOT, 409},
	{ENOTSUP, 500},
};

/* By the fault, where the same errno means two things; else by errno. */
static int status_of(const struct hub_op *op, enum weft_account_fault fault, int code)
{
	switch (fault) {
	case WEFT_ACCOUNT_THROTTLED:
		return 429;
	case WEFT_ACCOUNT_BUSY:
		return 503;
	case WEFT_ACCOUNT_LAST_ADMIN:
	case WEFT_ACCOUNT_ONESELF:
	case WEFT_ACCOUNT_ROLE_IN_USE:
	case WEFT_ACCOUNT_TOO_MANY:
		return 409;
	case WEFT_ACCOUNT_BAD_CSV:
		return 422;
	case WEFT_ACCOUNT_ROLE_UNKNOWN: /* 404 is for what the address names */
		return is_in_path(op, "role") ? 404 : 422;
	case WEFT_ACCOUNT_GROUP_UNKNOWN:
		return is_in_path(op, "group") ? 404 : 422;
	default:
		break;
	}
	for (size_t i = 0; i < sizeof(statuses) / sizeof(statuses[0]); i++)
		if (statuses[i].code == code)
			return statuses[i].status;
	return code == EBADMSG ? 500 : weft_http_status_of_errno(code);
}

void weft__hub_ask_refuse(struct hub_ask *ask, int status, const char *word, const char *detail)
{
	json_t *problem = json_pack("{s:s, s:i, s:o}", "title", weft_http_status_phrase(status),
		"status", status, "detail", weft__hub_json_text(detail));

	if (problem && word[0])
		json_object_set_new(problem, "fault", json_string(word));
	if (problem && ask->wait_ns > 0)
		json_object_set_new(
			problem, "wait", json_integer(ask->wait_ns / WEFT_SECONDS(1) + 1));
	json_decref(ask->result);
	ask->result = problem;
	ask->status = status;
}

static void refuse_by_errno(const struct hub_op *op, struct hub_ask *ask, int code)
{
	enum weft_account_fault fault = ask->call.fault;
	int status = ask->status ? ask->status : status_of(op, fault, code);

	ask->wait_ns = code == EAGAIN ? ask->call.wait_ns : 0;
	if (status == 403 && !ask->call.who && !ask->call.is_local && !(op->flags & HUB_OPEN))
		status = 401;
	weft__hub_ask_refuse(ask, status, weft_account_fault_word(fault),
		fault             ? weft_account_fault_text(fault)
		: code == ENOENT  ? "there is no such thing"
		: code == EBADMSG ? "the database of the accounts is damaged: a backup is to be "
				    "restored (\"Keep a copy\" in docs/running-a-hub.md)"
				  : strerror(code));
}

int weft__hub_op_run(const struct hub_op *op, struct hub_ask *ask)
{
	int code;

	if (op->run(ask) == 0) {
		if (!ask->status)
			ask->status = ask->result ? 200 : 204;
		return 0;
	}
	code = errno;
	if (ask->result && ask->status >= 400) { /* the operation has said itself why not */
		errno = code;
		return -1;
	}
	if (ask->status < 400)
		ask->status = 0;
	refuse_by_errno(op, ask, code);
	errno = code;
	return -1;
}

void weft__hub_ask_fini(struct hub_ask *ask)
{
	json_decref(ask->result);
	ask->result = NULL;
	explicit_bzero(ask->session, sizeof(ask->session));
}

/* ---- For the functions of operations ------------------------------------------------------ */

const char *weft__hub_text(const struct hub_ask *ask, const char *name)
{
	return json_string_value(json_object_get(ask->args, name));
}

int64_t weft__hub_number(const struct hub_ask *ask, const char *name, int64_t fallback)
{
	const json_t *value = json_object_get(ask->args, name);

	return value ? json_integer_value(value) : fallback;
}

bool weft__hub_flag(const struct hub_ask *ask, const char *name)
{
	return json_is_true(json_object_get(ask->args, name));
}

const json_t *weft__hub_list(const struct hub_ask *ask, const char *name)
{
	return json_object_get(ask->args, name);
}

int weft__hub_bits(
	struct hub_ask *ask, const char *name, const struct hub_words *words, unsigned *ret_bits)
{
	char detail[HUB_FAULT_MAX];

	if (weft__hub_words_bits(words, weft__hub_list(ask, name), ret_bits) == 0)
		return 0;
	snprintf(detail, sizeof(detail), "\"%s\" takes of these: %s", name,
		weft__hub_words_all(words));
	weft__hub_ask_refuse(ask, 422, "bad-word", detail);
	errno = EINVAL;
	return -1;
}

int weft__hub_give(struct hub_ask *ask, json_t *result)
{
	json_decref(ask->result);
	ask->result = result;
	if (result)
		return 0;
	errno = ENOMEM;
	return -1;
}
