/*
 * sockopt_text.c - values of socket options as text, both ways.
 *
 * Entry points: weft_sockopt_print(), weft_sockopt_print_named(), weft_sockopt_parse().
 *
 * Never: take a text that is only in part a value.
 */
#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "io/sockopt.h"

static int fail(int code)
{
	errno = code;
	return -1;
}

/* ---- Printing ------------------------------------------------------------------------------- */

/* A text that is cut to its room, of which the whole length is known. */
struct output {
	char *text;
	size_t size_bytes, len;
};

__attribute__((format(printf, 2, 3))) static void put(
	struct output *output, const char *format, ...)
{
	size_t at = output->len < output->size_bytes ? output->len : output->size_bytes - 1;
	va_list args;
	int len;

	va_start(args, format);
	len = vsnprintf(output->text + at, output->size_bytes - at, format, args);
	va_end(args);
	output->len += len > 0 ? (size_t)len : 0;
}

static void put_group(struct output *output, const struct weft_sockopt *option,
	const struct weft_sockopt_group *group)
{
	for (size_t i = 0; i < group->count; i++) {
		const char *name = option ? weft_sockopt_field_name(option, i) : NULL;

		put(output, "%s%s%s%llu", i ? " " : "", name ? name : "", name ? "=" : "",
			(unsigned long long)group->numbers[i]);
	}
}

size_t weft_sockopt_print_named(const struct weft_sockopt *option,
	const struct weft_sockopt_value *value, char *ret_text, size_t size_bytes)
{
	struct output output = {.text = ret_text, .size_bytes = size_bytes};
	char host[INET_ADDRSTRLEN];

	ret_text[0] = '\0';
	switch (value->kind) {
	case WEFT_SOCKOPT_BOOL:
		put(&output, "%s", value->on ? "on" : "off");
		break;
	case WEFT_SOCKOPT_INT:
		put(&output, "%d", value->number);
		break;
	case WEFT_SOCKOPT_LINGER:
		put(&output, "%s %d s", value->linger.on ? "on" : "off", value->linger.seconds);
		break;
	case WEFT_SOCKOPT_DURATION:
		put(&output, "%lld.%06lld s", (long long)(value->duration_ns / WEFT_SECONDS(1)),
			(long long)(value->duration_ns % WEFT_SECONDS(1) / WEFT_MICROSECONDS(1)));
		break;
	case WEFT_SOCKOPT_TEXT:
		put(&output, "%.*s", WEFT_SOCKOPT_TEXT_MAX, value->text);
		break;
	case WEFT_SOCKOPT_UNSIGNED:
		put(&output, "%llu", (unsigned long long)value->unsigned_number);
		break;
	case WEFT_SOCKOPT_HOST:
		put(&output, "%s", inet_ntop(AF_INET, &value->host, host, sizeof(host)));
		break;
	case WEFT_SOCKOPT_BYTES:
		for (size_t i = 0; i < value->bytes.len; i++)
			put(&output, "%02x", value->bytes.data[i]);
		break;
	case WEFT_SOCKOPT_GROUP:
		put_group(&output, option, &value->group);
		break;
	}
	return output.len;
}

size_t weft_sockopt_print(const struct weft_sockopt_value *value, char *ret_text, size_t size_bytes)
{
	return weft_sockopt_print_named(NULL, value, ret_text, size_bytes);
}

/* ---- Reading -------------------------------------------------------------------------------- */

/* Decimal, or hexadecimal after 0x: never octal, which nobody means. */
static int base_of(const char *text)
{
	const char *digits = text + (*text == '-');

	return digits[0] == '0' && (digits[1] == 'x' || digits[1] == 'X') ? 16 : 10;
}

/* The number at *at, which is moved behind it; -1 with errno. No space, no plus. */
static int take_signed(const char **at, long long min, long long max, long long *ret_number)
{
	char *end;

	if (!isdigit((unsigned char)(*at)[**at == '-']))
		return fail(EINVAL);
	errno = 0;
	*ret_number = strtoll(*at, &end, base_of(*at));
	if (errno || *ret_number < min || *ret_number > max)
		return fail(EDOM);
	*at = end;
	return 0;
}

static int take_unsigned(const char **at, uint64_t max, uint64_t *ret_number)
{
	char *end;

	if (!isdigit((unsigned char)**at))
		return fail(EINVAL);
	errno = 0;
	*ret_number = strtoull(*at, &end, base_of(*at));
	if (errno || *ret_number > max)
		return fail(EDOM);
	*at = end;
	return 0;
}

/* Pass over the word, when it is there. */
static bool take_word(const char **at, const char *word)
{
	size_t len = strlen(word);

	if (strncmp(*at, word, len) != 0)
		return false;
	*at += len;
	return true;
}

static int parse_bool(const char *text, bool *ret_on)
{
	static const char *const words[][2] = {
		{"off", "on"}, {"no", "yes"}, {"false", "true"}, {"0", "1"}};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		for (int on = 0; on < 2; on++)
			if (strcmp(text, words[i][on]) == 0) {
				*ret_on = on != 0;
				return 0;
			}
	return fail(EINVAL);
}

/* "off", "off 5 s", "on 5 s", "5 s" and "5", which are on. */
static int parse_linger(const char *text, struct weft_sockopt_linger *ret_linger)
{
	bool is_off = take_word(&text, "off");
	long long seconds = 0;

	if (!is_off)
		(void)take_word(&text, "on ");
	ret_linger->on = !is_off;
	if (is_off && !*text)
		return 0;
	if ((is_off && !take_word(&text, " ")) || take_signed(&text, 0, INT32_MAX, &seconds) < 0)
		return errno == EDOM ? -1 : fail(EINVAL);
	(void)take_word(&text, " s");
	ret_linger->seconds = (int)seconds;
	return *text ? fail(EINVAL) : 0;
}

/* Seconds with at most six digits behind the point. */
static int parse_duration(const char *text, int64_t *ret_duration_ns)
{
	int64_t unit = WEFT_SECONDS(1);
	long long seconds;

	if (take_signed(&text, 0, INT64_MAX / WEFT_SECONDS(1) - 1, &seconds) < 0)
		return -1;
	*ret_duration_ns = WEFT_SECONDS(seconds);
	if (take_word(&text, ".")) {
		if (!isdigit((unsigned char)*text))
			return fail(EINVAL);
		for (; isdigit((unsigned char)*text) && unit > WEFT_MICROSECONDS(1); text++) {
			unit /= 10;
			*ret_duration_ns += (*text - '0') * unit;
		}
	}
	(void)take_word(&text, " s");
	return *text ? fail(EINVAL) : 0;
}

static int digit_of(char c)
{
	static const char digits[] = "0123456789abcdef";
	const char *found = c ? strchr(digits, tolower((unsigned char)c)) : NULL;

	return found ? (int)(found - digits) : -1;
}

static int parse_bytes(const char *text, struct weft_sockopt_bytes *ret_bytes)
{
	for (; *text; text += 2) {
		int high = digit_of(text[0]), low = high < 0 ? -1 : digit_of(text[1]);

		if (low < 0)
			return fail(EINVAL);
		if (ret_bytes->len == sizeof(ret_bytes->data))
			return fail(ENAMETOOLONG);
		ret_bytes->data[ret_bytes->len++] = (unsigned char)(high << 4 | low);
	}
	return 0;
}

/* "name=7", or where they have no names "7"; -1 with errno. */
static int take_field(const struct weft_sockopt *option, const char **at,
	struct weft_sockopt_group *ret_group, uint64_t *ret_seen)
{
	size_t named = weft__sockopt_field_count(option), index = ret_group->count;

	if (named) {
		for (index = 0; index < named; index++) {
			const char *name = option->fields[index].name;

			if (strncmp(*at, name, strlen(name)) == 0 && (*at)[strlen(name)] == '=') {
				*at += strlen(name) + 1;
				break;
			}
		}
		if (index == named || *ret_seen >> index & 1)
			return fail(EINVAL);
		*ret_seen |= (uint64_t)1 << index;
	}
	if (index >= WEFT_SOCKOPT_NUMBERS_MAX)
		return fail(ENAMETOOLONG);
	ret_group->count++;
	return take_unsigned(at, UINT64_MAX, &ret_group->numbers[index]);
}

static int parse_group(
	const struct weft_sockopt *option, const char *text, struct weft_sockopt_group *ret_group)
{
	size_t named = weft__sockopt_field_count(option);
	uint64_t seen = 0;

	while (*text) {
		if (ret_group->count && !take_word(&text, ",") && !take_word(&text, " "))
			return fail(EINVAL);
		if (take_field(option, &text, ret_group, &seen) < 0)
			return -1;
	}
	return named && ret_group->count != named ? fail(EINVAL) : 0;
}

static int parse_number(
	const struct weft_sockopt *option, const char *text, struct weft_sockopt_value *value)
{
	long long number = 0;
	int status;

	if (option->kind == WEFT_SOCKOPT_INT)
		status = take_signed(&text, INT32_MIN, INT32_MAX, &number);
	else
		status = take_unsigned(&text,
			option->size_bytes < sizeof(uint64_t) ? UINT32_MAX : UINT64_MAX,
			&value->unsigned_number);
	if (status < 0)
		return -1;
	if (option->kind == WEFT_SOCKOPT_INT)
		value->number = (int)number;
	return *text ? fail(EINVAL) : 0;
}

static int parse(
	const struct weft_sockopt *option, const char *text, struct weft_sockopt_value *value)
{
	switch (option->kind) {
	case WEFT_SOCKOPT_BOOL:
		return parse_bool(text, &value->on);
	case WEFT_SOCKOPT_INT:
	case WEFT_SOCKOPT_UNSIGNED:
		return parse_number(option, text, value);
	case WEFT_SOCKOPT_LINGER:
		return parse_linger(text, &value->linger);
	case WEFT_SOCKOPT_DURATION:
		return parse_duration(text, &value->duration_ns);
	case WEFT_SOCKOPT_TEXT:
		if (strlen(text) >= sizeof(value->text))
			return fail(ENAMETOOLONG);
		memcpy(value->text, text, strlen(text));
		return 0;
	case WEFT_SOCKOPT_HOST:
		return inet_pton(AF_INET, text, &value->host) == 1 ? 0 : fail(EINVAL);
	case WEFT_SOCKOPT_BYTES:
		return parse_bytes(text, &value->bytes);
	case WEFT_SOCKOPT_GROUP:
		return parse_group(option, text, &value->group);
	}
	return fail(EINVAL);
}

int weft_sockopt_parse(
	const struct weft_sockopt *option, const char *text, struct weft_sockopt_value *ret_value)
{
	struct weft_sockopt_value value;

	memset(&value, 0, sizeof(value));
	value.kind = option->kind;
	errno = EINVAL;
	if (parse(option, text, &value) < 0)
		return -1;
	*ret_value = value;
	return 0;
}
