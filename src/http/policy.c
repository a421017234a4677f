/*
 * policy.c - the options of shared files, checked, copied and applied.
 *
 * Entry points: weft__http_policy_new(), weft__http_policy_describe(),
 * weft_http_files_options_check().
 *
 * It is asked when a file is opened, and what it says is kept with the file: a file that is
 * open already costs it nothing.
 *
 * Never: lets a text of the options end a line of an answer.
 */
#include "http/policy.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "http/chars.h"
#include "http/disposition.h"
#include "http/mime.h"
#include "http/path.h"
#include "files/store.h"

/** Bytes of the fields that a policy adds to a file. */
#define FIELDS_LEN_MAX 6144

/** Longest rule, pattern or origin of the options. */
#define OPTION_LEN_MAX 512

#define HASHED_PATTERN ":hashed"
#define HASH_LEN_MIN   8
#define HASH_LEN_MAX   64

#define IMMUTABLE "public, max-age=31536000, immutable"

/** What visitors are told apart by, and what is then said where nothing else is. */
#define ASKER         "Cookie, Authorization"
#define ASKER_CONTROL "private, no-cache"

#define SANDBOX \
	"sandbox allow-downloads allow-forms allow-popups allow-scripts; frame-ancestors 'self'"

static const char *const no_texts[] = {NULL};
static const char *const default_index_names[] = {"index.html", NULL};

/* ---- Names and patterns -------------------------------------------------------------------- */

bool weft__http_glob(const char *pattern, const char *text)
{
	const char *star = NULL, *from = NULL; /* the last '*', and where what it takes ends */

	while (*text) {
		if (*pattern == '*') {
			star = pattern++;
			from = text;
		} else if (*pattern == '?' || *pattern == *text) {
			pattern++;
			text++;
		} else if (star) {
			pattern = star + 1;
			text = ++from;
		} else {
			return false;
		}
	}
	while (*pattern == '*')
		pattern++;
	return *pattern == '\0';
}

bool weft__http_is_hashed_name(const char *name)
{
	for (const char *part = name + strcspn(name, ".-_"); *part; part += strcspn(part, ".-_")) {
		size_t len = strcspn(++part, ".-_"), digits = strspn(part, "0123456789");
		bool has_digit = strcspn(part, "0123456789") < len;

		/* A date is digits alone; and what nothing follows is an ending, or a word. */
		if (len >= HASH_LEN_MIN && len <= HASH_LEN_MAX && digits < len && has_digit &&
			part[len] == '.')
			return true;
	}
	return false;
}

static const char *last_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

/* Whether pattern[0..len) is for the file at path. */
static bool is_for(const char *pattern, size_t len, const char *path)
{
	char copy[OPTION_LEN_MAX + 1];

	if (len == strlen(HASHED_PATTERN) && memcmp(pattern, HASHED_PATTERN, len) == 0)
		return weft__http_is_hashed_name(last_name(path));
	memcpy(copy, pattern, len);
	copy[len] = '\0';
	if (!strchr(copy, '/'))
		return weft__http_glob(copy, last_name(path));
	return weft__http_glob(copy[0] == '/' ? copy + 1 : copy, path);
}

/* ---- Checking ------------------------------------------------------------------------------ */

static bool is_text(const char *text)
{
	size_t len = strlen(text);

	return len > 0 && len <= OPTION_LEN_MAX && weft__http_is_field_value(text, len);
}

/* A number, or the field's words, which begin with a letter: "1h" is neither. */
static bool is_cache_value(const char *value)
{
	return value[strspn(value, "0123456789")] == '\0' ? value[0] != '\0'
							  : isalpha((unsigned char)value[0]) != 0;
}

static bool is_cache_rule(const char *rule)
{
	const char *equals = strchr(rule, '=');

	return is_text(rule) && equals && equals > rule && is_cache_value(equals + 1);
}

/* "md=text/markdown": an extension, without its dot, and something with a slash. */
static bool is_type(const char *text)
{
	const char *equals = strchr(text, '=');
	const char *slash = equals ? strchr(equals, '/') : NULL;

	return is_text(text) && equals && equals > text && text[0] != '.' && slash &&
	       slash > equals + 1 && slash[1] && strlen(equals + 1) <= WEFT__HTTP_TYPE_MAX;
}

/* What stands after "https://" in an origin: host and port, nothing behind them. */
static bool is_origin(const char *text)
{
	const char *host = strstr(text, "://");

	if (strcmp(text, "*") == 0)
		return true;
	return is_text(text) && host && host > text && host[3] && !strpbrk(text, " ,\t") &&
	       !strpbrk(host + 3, "/?#@");
}

/* A path below the folder, as weft__root_open() takes it. */
static bool is_path(const char *path)
{
	return is_text(path) && path[0] != '/' && strcmp(path, "..") != 0 &&
	       strncmp(path, "../", 3) != 0 && !strstr(path, "/../");
}

static bool is_index_name(const char *name)
{
	return is_text(name) && !strchr(name, '/');
}

/* One list of the options: what each must be, and what to say of one that is not. */
struct list_check {
	const char *const *texts;
	bool (*is_good)(const char *text);
	const char *fault; /* with %s for the text */
};

static bool check_list(const struct list_check *list, char *ret_fault)
{
	for (const char *const *text = list->texts; text && *text; text++) {
		if (list->is_good(*text))
			continue;
		snprintf(ret_fault, WEFT_HTTP_FILES_FAULT_MAX, list->fault, *text);
		return false;
	}
	return true;
}

bool weft_http_files_options_check(
	const struct weft_http_files_options *options, char ret_fault[WEFT_HTTP_FILES_FAULT_MAX])
{
	const char *const origin[] = {options->cors_origin, NULL};
	const char *const not_found[] = {options->not_found_page, NULL};
	const char *const fallback[] = {options->fallback_page, NULL};
	const struct list_check lists[] = {
		{options->cache_rules, is_cache_rule,
			"\"%.100s\" is no rule for caches; one is PATTERN=SECONDS, such as "
			"*.css=3600."},
		{options->types, is_type,
			"\"%.100s\" is no content type; one is EXTENSION=TYPE, such as "
			"md=text/html."},
		{options->download_names, is_text, "\"%.100s\" is no pattern of names."},
		{options->index_names, is_index_name, "\"%.100s\" is no name of a file."},
		{origin, is_origin,
			"\"%.100s\" is no origin; one is like https://app.example, or *."},
		{not_found, is_path, "\"%.100s\" is no path below the folder."},
		{fallback, is_path, "\"%.100s\" is no path below the folder."},
	};

	if ((unsigned)options->links > WEFT_HTTP_LINKS_ALL) {
		snprintf(ret_fault, WEFT_HTTP_FILES_FAULT_MAX, "There is no such way of links.");
		return false;
	}
	if (options->cors_may_change &&
		(!options->cors_origin || strcmp(options->cors_origin, "*") == 0)) {
		snprintf(ret_fault, WEFT_HTTP_FILES_FAULT_MAX,
			"Only scripts of one origin can be let change files, such as "
			"https://app.example.");
		return false;
	}
	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++)
		if (!check_list(&lists[i], ret_fault))
			return false;
	return true;
}

/* ---- Copying ------------------------------------------------------------------------------- */

static void free_list(const char *const *list)
{
	if (list == no_texts || list == default_index_names)
		return;
	for (const char *const *text = list; text && *text; text++)
		free((char *)*text);
	free((char **)list);
}

/* A copy of a list; none is the default. NULL: memory is short. */
static const char *const *copy_list(const char *const *list, const char *const *none)
{
	size_t count = 0;
	char **copy;

	if (!list)
		return none;
	while (list[count])
		count++;
	copy = calloc(count + 1, sizeof(*copy));
	for (size_t i = 0; copy && i < count; i++) {
		copy[i] = strdup(list[i]);
		if (copy[i])
			continue;
		free_list((const char *const *)copy);
		return NULL;
	}
	return (const char *const *)copy;
}

static bool copy_text(const char **text)
{
	return !*text || (*text = strdup(*text));
}

/* Make all texts the policy's own. Where memory is short, what is not copied is NULL. */
static bool copy_options(
	struct weft_http_files_options *own, const struct weft_http_files_options *options)
{
	*own = *options;
	own->index_names = copy_list(options->index_names, default_index_names);
	own->cache_rules = copy_list(options->cache_rules, no_texts);
	own->types = copy_list(options->types, no_texts);
	own->download_names = copy_list(options->download_names, no_texts);
	own->not_found_page = own->fallback_page = NULL; /* their keys are what is needed */
	return copy_text(&own->cors_origin) && own->index_names && own->cache_rules && own->types &&
	       own->download_names;
}

/* A page is kept under a key that no path of a request can be: "/PATH". None is fine. */
static bool make_key(char **ret_key, const char *page)
{
	if (page && asprintf(ret_key, "/%s", page) < 0)
		*ret_key = NULL;
	return !page || *ret_key;
}

/* RFC 6454 and the Fetch standard: one origin said to all needs no Vary. */
static char *make_cors_fields(const char *origin)
{
	struct weft_str fields;
	char *text;

	weft_str_init(&fields, 2 * OPTION_LEN_MAX);
	if (origin)
		weft_str_appendf(&fields,
			"Access-Control-Allow-Origin: %s\r\n"
			"Access-Control-Expose-Headers: Accept-Ranges, Content-Disposition, "
			"Content-Encoding, Content-Range, ETag\r\n",
			origin);
	text = weft_str_take(&fields);
	weft_str_fini(&fields);
	return text;
}

struct weft__http_policy *weft__http_policy_new(const struct weft_http_files_options *options)
{
	static const struct weft_http_files_options defaults = {0};
	char fault[WEFT_HTTP_FILES_FAULT_MAX];
	struct weft__http_policy *policy;

	if (!options)
		options = &defaults;
	if (!weft_http_files_options_check(options, fault)) {
		errno = EINVAL;
		return NULL;
	}
	policy = calloc(1, sizeof(*policy));
	if (!policy)
		return NULL;
	if (copy_options(&policy->options, options) &&
		make_key(&policy->fallback_key, options->fallback_page) &&
		make_key(&policy->not_found_key, options->not_found_page))
		policy->cors_fields = make_cors_fields(options->cors_origin);
	if (policy->cors_fields)
		return policy;
	weft__http_policy_free(policy);
	errno = ENOMEM;
	return NULL;
}

void weft__http_policy_free(struct weft__http_policy *policy)
{
	if (!policy)
		return;
	free_list(policy->options.index_names);
	free_list(policy->options.cache_rules);
	free_list(policy->options.types);
	free_list(policy->options.download_names);
	free(policy->fallback_key);
	free(policy->not_found_key);
	free((char *)policy->options.cors_origin);
	free(policy->cors_fields);
	free(policy);
}

/* ---- Applying ------------------------------------------------------------------------------ */

bool weft__http_policy_hides(const struct weft__http_policy *policy, const char *path)
{
	if (!policy->options.shows_hidden)
		return weft__http_path_is_hidden(path);
	/* What is being uploaded is not there yet. */
	return strstr(path, "/" WEFT__STORE_FOLDER) || strstr(path, "/" WEFT__TRASH_FOLDER);
}

const char *weft__http_policy_type(const struct weft__http_policy *policy, const char *path)
{
	const char *name = last_name(path), *dot = strrchr(name, '.');
	size_t len = dot ? strlen(dot + 1) : 0;

	for (const char *const *type = policy->options.types; len > 0 && *type; type++) {
		const char *equals = strchr(*type, '=');

		if ((size_t)(equals - *type) == len && strncasecmp(*type, dot + 1, len) == 0)
			return equals + 1;
	}
	return weft__http_mime_type(name);
}

static void append_cache_rule(
	const struct weft__http_policy *policy, const char *path, struct weft_str *fields)
{
	if (policy->options.visitor && !*policy->options.cache_rules)
		weft_str_append(fields, "Cache-Control: " ASKER_CONTROL "\r\n");
	for (const char *const *rule = policy->options.cache_rules; *rule; rule++) {
		const char *value = strchr(*rule, '=') + 1;

		if (!is_for(*rule, (size_t)(value - 1 - *rule), path))
			continue;
		if (strcmp(value, "immutable") == 0)
			weft_str_append(fields, "Cache-Control: " IMMUTABLE "\r\n");
		else if (value[strspn(value, "0123456789")] == '\0')
			weft_str_appendf(fields, "Cache-Control: max-age=%s\r\n", value);
		else
			weft_str_appendf(fields, "Cache-Control: %s\r\n", value);
		return;
	}
}

static bool is_download(const struct weft__http_policy *policy, const char *path)
{
	for (const char *const *pattern = policy->options.download_names; *pattern; pattern++)
		if (is_for(*pattern, strlen(*pattern), path))
			return true;
	return false;
}

/* Whether a browser that opens it runs the scripts in it. */
static bool is_run(const char *type)
{
	static const char *const run[] = {"text/html", "application/xhtml+xml", "image/svg+xml",
		"text/xml", "application/xml"};
	size_t len = strcspn(type, "; \t");

	for (size_t i = 0; i < sizeof(run) / sizeof(run[0]); i++)
		if (weft__http_equal_nocase(type, len, run[i]))
			return true;
	return false;
}

int weft__http_policy_describe(const struct weft__http_policy *policy, const char *path,
	struct weft__http_facts *ret_facts)
{
	struct weft_str *more = &ret_facts->more;

	ret_facts->type = weft__http_policy_type(policy, path);
	ret_facts->varies = false;
	ret_facts->asker = policy->options.visitor ? ASKER : NULL;
	ret_facts->is_download = is_download(policy, path);
	weft_str_init(more, FIELDS_LEN_MAX);
	append_cache_rule(policy, path, more);
	if (ret_facts->is_download) {
		weft_str_append(more, "Content-Disposition: ");
		weft__http_append_disposition(more, last_name(path));
		weft_str_append(more, "\r\n");
	}
	/* A page that one visitor has put here is not to change files in the name of another. */
	if ((policy->options.allow_upload || policy->options.allow_change) &&
		is_run(ret_facts->type))
		weft_str_append(more, "Content-Security-Policy: " SANDBOX "\r\n");
	weft_str_append(more, policy->cors_fields);
	errno = weft_str_error(more);
	return errno ? -1 : 0;
}

int weft__http_policy_add_cors(
	const struct weft__http_policy *policy, struct weft_http_response *response)
{
	if (!policy->options.cors_origin)
		return 0;
	return weft_http_response_field(
		response, "Access-Control-Allow-Origin", policy->options.cors_origin);
}

/* What one may see another may not: so no cache between keeps it, and a browser asks each time. */
static const char *control_of(const struct weft__http_policy *policy, const char *control)
{
	if (!policy || !policy->options.visitor)
		return control;
	if (!control)
		return *policy->options.cache_rules ? NULL : ASKER_CONTROL;
	return strcmp(control, "no-cache") == 0 ? ASKER_CONTROL : control;
}

int weft__http_policy_add_caching(const struct weft__http_policy *policy,
	struct weft_http_response *response, const char *control, const char *varies)
{
	bool differs = policy && policy->options.visitor;
	char vary[96];

	control = control_of(policy, control);
	if (control && weft_http_response_field(response, "Cache-Control", control) < 0)
		return -1;
	if (!varies && !differs)
		return 0;
	snprintf(vary, sizeof(vary), "%s%s%s", varies ? varies : "", varies && differs ? ", " : "",
		differs ? ASKER : "");
	return weft_http_response_field(response, "Vary", vary);
}

int weft__http_policy_add_refusal(
	const struct weft__http_policy *policy, struct weft_http_response *response)
{
	return weft__http_policy_add_cors(policy, response) < 0
		       ? -1
		       : weft__http_policy_add_caching(policy, response, NULL, NULL);
}
