/*
 * condition.c - If-Match, If-None-Match, If-Modified-Since, If-Unmodified-Since, If-Range.
 *
 * Entry points: weft__http_condition_status() and _change(), weft__http_condition_range_holds().
 * Never: sends a part of a file to a peer that may hold a part of another.
 */
#include "http/condition.h"

#include "http/chars.h"
#include "http/date.h"

/* One entity tag: W/"..." or "..." */
struct tag {
	struct weft_http_text opaque; /* with its quotes */
	bool is_weak;
};

/* Take the tag at the front of list off it. Returns whether there was one. */
static bool take_tag(struct weft_http_text *list, struct tag *ret_tag)
{
	const char *at = list->data, *end = list->data + list->len, *quote;

	while (at < end && (*at == ' ' || *at == '\t' || *at == ','))
		at++;
	ret_tag->is_weak = end - at > 2 && at[0] == 'W' && at[1] == '/';
	if (ret_tag->is_weak)
		at += 2;
	if (at == end || *at != '"')
		return false;
	quote = memchr(at + 1, '"', (size_t)(end - at) - 1);
	if (!quote)
		return false;
	ret_tag->opaque = (struct weft_http_text){at, (size_t)(quote - at) + 1};
	*list = (struct weft_http_text){quote + 1, (size_t)(end - quote) - 1};
	return true;
}

/* Section 8.8.3.2: a strong comparison takes two strong tags. */
static bool tag_matches(
	const struct tag *tag, const struct weft__http_validators *validators, bool is_strong)
{
	if (is_strong && (tag->is_weak || validators->etag_is_weak))
		return false;
	return tag->opaque.len == strlen(validators->etag) &&
	       memcmp(tag->opaque.data, validators->etag, tag->opaque.len) == 0;
}

static bool list_matches(
	struct weft_http_text list, const struct weft__http_validators *validators, bool is_strong)
{
	struct tag tag;

	if (list.len == 1 && list.data[0] == '*')
		return true;
	while (take_tag(&list, &tag))
		if (tag_matches(&tag, validators, is_strong))
			return true;
	return false;
}

/* A list may be spread over several fields: any of them will do. */
static bool any_field_matches(const struct weft__http_head *head, const char *data,
	enum weft__http_known known, const struct weft__http_validators *validators)
{
	bool is_strong = known == WEFT__HTTP_IF_MATCH;
	struct weft__http_place name = head->fields[head->known[known] - 1].name;

	for (unsigned i = head->known[known] - 1u; i < head->field_count; i++) {
		const struct weft__http_field *field = &head->fields[i];

		if (field->name.len == name.len &&
			strncasecmp(data + field->name.at, data + name.at, name.len) == 0 &&
			list_matches(
				weft__http_place_text(data, field->value), validators, is_strong))
			return true;
	}
	return false;
}

/* The date of a field; false when it is no date, and the field then counts as absent. */
static bool field_date(const struct weft__http_head *head, const char *data,
	enum weft__http_known known, int64_t *ret_seconds)
{
	struct weft_http_text value = weft__http_head_known(head, data, known);

	return value.data &&
	       weft__http_date_parse(value.data, value.len, weft__http_now_s(), ret_seconds);
}

int weft__http_condition_status(const struct weft__http_head *head, const char *data,
	const struct weft__http_validators *validators)
{
	int64_t date;

	if (head->known[WEFT__HTTP_IF_MATCH]) {
		if (!any_field_matches(head, data, WEFT__HTTP_IF_MATCH, validators))
			return 412;
	} else if (field_date(head, data, WEFT__HTTP_IF_UNMODIFIED_SINCE, &date)) {
		if (validators->modified_s > date)
			return 412;
	}
	if (head->known[WEFT__HTTP_IF_NONE_MATCH])
		return any_field_matches(head, data, WEFT__HTTP_IF_NONE_MATCH, validators) ? 304
											   : 0;
	if (field_date(head, data, WEFT__HTTP_IF_MODIFIED_SINCE, &date))
		return validators->modified_s <= date ? 304 : 0;
	return 0;
}

/* Whether it is the tag of another form of what has this one. */
static bool is_form(struct weft_http_text tag, const char *etag)
{
	size_t same_len = strlen(etag) - 1; /* up to the last quote */

	return tag.len > same_len && memcmp(tag.data, etag, same_len) == 0 &&
	       tag.data[same_len] == '-';
}

static bool any_form_matches(const struct weft__http_head *head, const char *data,
	const struct weft__http_validators *validators)
{
	for (unsigned i = head->known[WEFT__HTTP_IF_MATCH] - 1u; i < head->field_count; i++) {
		const struct weft__http_field *field = &head->fields[i];
		struct weft_http_text list = weft__http_place_text(data, field->value);
		struct tag tag;

		if (!weft__http_equal_nocase(data + field->name.at, field->name.len, "if-match"))
			continue;
		while (take_tag(&list, &tag))
			if (!tag.is_weak && is_form(tag.opaque, validators->etag))
				return true;
	}
	return false;
}

int weft__http_condition_change(const struct weft__http_head *head, const char *data,
	const struct weft__http_validators *validators)
{
	int64_t date;

	if (head->known[WEFT__HTTP_IF_MATCH]) {
		if (!validators ||
			(!any_field_matches(head, data, WEFT__HTTP_IF_MATCH, validators) &&
				!any_form_matches(head, data, validators)))
			return 412;
	} else if (validators && field_date(head, data, WEFT__HTTP_IF_UNMODIFIED_SINCE, &date)) {
		if (validators->modified_s > date)
			return 412;
	}
	if (head->known[WEFT__HTTP_IF_NONE_MATCH])
		return validators && any_field_matches(
					     head, data, WEFT__HTTP_IF_NONE_MATCH, validators)
			       ? 412
			       : 0;
	return 0;
}

bool weft__http_condition_range_holds(const struct weft__http_head *head, const char *data,
	const struct weft__http_validators *validators)
{
	struct weft_http_text value = weft__http_head_known(head, data, WEFT__HTTP_IF_RANGE);
	struct tag tag;
	int64_t date;

	if (!value.data)
		return true;
	if (take_tag(&value, &tag))
		return value.len == 0 && tag_matches(&tag, validators, true);
	/* A date must be the very one we sent; and a file that has just changed may change again.
	 */
	return !validators->etag_is_weak && field_date(head, data, WEFT__HTTP_IF_RANGE, &date) &&
	       date == validators->modified_s;
}
