/*
 * reply.c - answers that handlers often give: a file, a cookie; and the lists of fields.
 *
 * Entry points: weft_http_response_file(), weft_http_response_cookie(), weft_http_list_next().
 *
 * Never: sets a cookie that a browser and a server could read in two ways.
 */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "http/chars.h"
#include "http/file.h"
#include "http/mime.h"

/** Longest Set-Cookie, in bytes: what browsers take. */
#define COOKIE_MAX 4096

/* ---- Files ------------------------------------------------------------------------------- */

static int refuse(int code)
{
	switch (code) {
	case EACCES:
	case EPERM:
	case ENODEV:
		return 403;
	case EMFILE:
	case ENFILE:
	case ENOMEM:
	case EAGAIN:
		return 503;
	case ENOENT:
	case ENOTDIR:
	case ENAMETOOLONG:
	case ELOOP:
	case ENXIO: /* a FIFO or a socket */
		return 404;
	default:
		return 500;
	}
}

/* A regular file's descriptor. */
static int open_regular(const char *path, struct stat *ret_stat)
{
	int fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);

	if (fd < 0)
		return -1;
	if (fstat(fd, ret_stat) == 0 && S_ISREG(ret_stat->st_mode))
		return fd;
	close(fd);
	errno = ENODEV;
	return -1;
}

static bool is_type(const char *type)
{
	size_t len = strlen(type);

	return len > 0 && len <= WEFT__HTTP_TYPE_MAX && weft__http_is_field_value(type, len);
}

int weft_http_response_file(struct weft_http_response *response, const char *path, const char *type)
{
	struct weft__http_facts facts = {.type = type ? type : weft__http_mime_type(path)};
	struct weft__http_source source = {.facts = &facts};
	struct weft__http_file *file;
	int result;

	if (response->status || !is_type(facts.type)) {
		errno = response->status ? EALREADY : EINVAL;
		return -1;
	}
	source.fd = open_regular(path, &source.stat);
	if (source.fd < 0)
		return refuse(errno);
	weft_str_init(&facts.more, WEFT_STR_LEN_MAX);
	file = weft__http_file_new(&source);
	if (!file) {
		result = refuse(errno);
		close(source.fd);
		return result;
	}
	result = weft__http_file_send(file, response->request, response);
	weft__http_file_release(file);
	return result;
}

/* ---- Cookies ------------------------------------------------------------------------------- */

/* cookie-octet: RFC 6265, section 4.1.1. */
static bool is_cookie_value(const char *value)
{
	for (; *value; value++)
		if (*value <= ' ' || *value > '~' || strchr("\",;\\", *value))
			return false;
	return true;
}

/* av-octets; a blank at an end would be lost. */
static bool is_attribute(const char *value)
{
	size_t len = strlen(value);

	for (size_t i = 0; i < len; i++)
		if (value[i] < ' ' || value[i] > '~' || value[i] == ';')
			return false;
	return len > 0 && value[0] != ' ' && value[len - 1] != ' ';
}

static bool is_cookie(const struct weft_http_cookie *cookie)
{
	size_t name_len = cookie->name ? strlen(cookie->name) : 0;

	return name_len > 0 &&
	       weft__http_span(cookie->name, name_len, WEFT__HTTP_TOKEN) == name_len &&
	       cookie->value && is_cookie_value(cookie->value) &&
	       (!cookie->path || (cookie->path[0] == '/' && is_attribute(cookie->path))) &&
	       (!cookie->domain || is_attribute(cookie->domain));
}

static void append_cookie(
	struct weft_str *text, const struct weft_http_cookie *cookie, bool is_secure)
{
	static const char *const same_sites[] = {"Lax", "Strict", "None"};

	weft_str_appendf(text, "%s=%s; Path=%s", cookie->name, cookie->value,
		cookie->path ? cookie->path : "/");
	if (cookie->domain)
		weft_str_appendf(text, "; Domain=%s", cookie->domain);
	if (cookie->max_age_s != 0)
		weft_str_appendf(text, "; Max-Age=%lld",
			(long long)(cookie->max_age_s > 0 ? cookie->max_age_s : 0));
	if (is_secure)
		weft_str_append(text, "; Secure");
	if (!cookie->is_for_scripts)
		weft_str_append(text, "; HttpOnly");
	weft_str_appendf(text, "; SameSite=%s", same_sites[cookie->same_site]);
}

int weft_http_response_cookie(
	struct weft_http_response *response, const struct weft_http_cookie *cookie)
{
	bool is_secure = cookie->is_secure ||
			 strcmp(weft_http_request_scheme(response->request), "https") == 0;
	struct weft_str text;
	int result = -1;

	if (!is_cookie(cookie) || (unsigned)cookie->same_site > WEFT_HTTP_SAME_SITE_NONE ||
		(cookie->same_site == WEFT_HTTP_SAME_SITE_NONE && !is_secure)) {
		errno = EINVAL;
		return -1;
	}
	weft_str_init(&text, COOKIE_MAX);
	append_cookie(&text, cookie, is_secure);
	errno = weft_str_error(&text);
	if (!errno)
		result = weft_http_response_field(response, "Set-Cookie", weft_str_text(&text));
	weft_str_fini(&text);
	return result;
}

/* ---- Lists ------------------------------------------------------------------------------------
 */

/* How far the first item goes: up to a comma that is not quoted. */
static size_t item_len(const struct weft_http_text *list)
{
	bool is_quoted = false;

	for (size_t i = 0; i < list->len; i++) {
		char c = list->data[i];

		if (is_quoted && c == '\\')
			i++;
		else if (c == '"')
			is_quoted = !is_quoted;
		else if (c == ',' && !is_quoted)
			return i;
	}
	return list->len;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

bool weft_http_list_next(struct weft_http_text *list, struct weft_http_text *ret_item)
{
	while (list->len > 0) {
		size_t len = item_len(list), rest = len < list->len ? len + 1 : len;
		const char *from = list->data, *to = list->data + len;

		list->data += rest;
		list->len -= rest;
		while (from < to && is_blank(*from))
			from++;
		while (to > from && is_blank(to[-1]))
			to--;
		if (from < to) {
			*ret_item = (struct weft_http_text){from, (size_t)(to - from)};
			return true;
		}
	}
	return false;
}
