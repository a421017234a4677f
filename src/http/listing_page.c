/*
 * listing_page.c - the page that shows a folder: on a phone, a desk and in the dark; sorted by a
 * click, without a script.
 *
 * Entry point: weft__http_listing_append_page().
 *
 * All links are relative, so that the page is right wherever the folder is mounted.
 *
 * Never: a name in the page or in an address that is not escaped for that place.
 */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "http/date.h"
#include "http/escape.h"
#include "http/listing.h"
#include "http/mime.h"
#include "http/page.h"
#include "http/upload.h"

/* ---- For people ---------------------------------------------------------------------------- */

void weft__http_listing_size(char *ret_text, int64_t bytes)
{
	static const char units[][3] = {"kB", "MB", "GB", "TB", "PB", "EB"};
	double value = (double)bytes / 1000;
	size_t unit = 0;

	if (bytes < 1000) {
		snprintf(ret_text, 16, "%d B", (int)bytes);
		return;
	}
	while (value >= 999.5 && unit < sizeof(units) / sizeof(units[0]) - 1) {
		value /= 1000;
		unit++;
	}
	snprintf(ret_text, 16, value < 9.95 ? "%.1f %s" : "%.0f %s", value, units[unit]);
}

static bool is_same_day(const struct tm *a, const struct tm *b)
{
	return a->tm_year == b->tm_year && a->tm_yday == b->tm_yday;
}

void weft__http_listing_now(struct weft__http_listing_now *now, int64_t seconds)
{
	*now = (struct weft__http_listing_now){.seconds = seconds};
	now->is_known = localtime_r(&(time_t){seconds}, &now->today);
	/* Noon has a day before it in any zone, whatever its clocks are put forward or back. */
	now->yesterday = now->today;
	now->yesterday.tm_hour = 12;
	now->yesterday.tm_mday--;
	now->yesterday.tm_isdst = -1;
	if (now->is_known)
		mktime(&now->yesterday);
}

void weft__http_listing_time(char ret_text[WEFT__HTTP_LISTING_TIME_MAX], int64_t then_s,
	const struct tm *then, const struct weft__http_listing_now *now)
{
	const char *format = "%-d %b %Y";

	if (now->is_known && is_same_day(then, &now->today))
		format = "Today %H:%M";
	else if (now->is_known && is_same_day(then, &now->yesterday))
		format = "Yesterday %H:%M";
	else if (then->tm_year == now->today.tm_year && then_s < now->seconds)
		format = "%-d %b %H:%M";
	strftime(ret_text, WEFT__HTTP_LISTING_TIME_MAX, format, then);
}

/* "1234567" as "1,234,567". */
static void append_grouped(struct weft_str *page, int64_t number)
{
	char digits[24];
	int len = snprintf(digits, sizeof(digits), "%lld", (long long)number);

	for (int i = 0; i < len; i++) {
		if (i > 0 && (len - i) % 3 == 0)
			weft_str_append_char(page, ',');
		weft_str_append_char(page, digits[i]);
	}
}

/* ---- Style --------------------------------------------------------------------------------- */

/* Icons are masks, so that they take the colour of the text around them. */
#define ICON(path)                                                                                \
	"url(\"data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 24 24' " \
	"fill='none' stroke='%23000' stroke-width='1.6' stroke-linejoin='round' "                 \
	"stroke-linecap='round'%3E%3Cpath d='" path "'/%3E%3C/svg%3E\")"
#define MASK(selector, path) \
	selector " a::before{-webkit-mask-image:" ICON(path) ";mask-image:" ICON(path) "}"

#define ICON_FILE  "M6 3.5h8l4.5 4.5v12.5h-12.5zM14 3.5v4.5h4.5"
#define ICON_TEXT  ICON_FILE "M9 12.5h6M9 16h6"
#define ICON_IMAGE "M4 5h16v14h-16zM4 16l4.5-4.5 4 4 3-3 4.5 4.5M15 9h.5"
#define ICON_AUDIO                                                                                \
	"M9 17.5V6l10-2v11.5M9 17.5a2.5 2.5 0 1 1-2.5-2.5A2.5 2.5 0 0 1 9 17.5zM19 15.5a2.5 2.5 " \
	"0 1 1-2.5-2.5A2.5 2.5 0 0 1 19 15.5z"
#define ICON_VIDEO "M3.5 6h11.5v12h-11.5zM15 11l5.5-3.5v9l-5.5-3.5z"
#define ICON_PACK  "M4 4.5h16v4h-16zM5.5 8.5h13v11h-13zM10 12h4"
#define ICON_UP    "M12 19V6M6.5 11.5l5.5-5.5 5.5 5.5"
#define ICON_FOLDER                                                                          \
	"M3 6.5A1.5 1.5 0 0 1 4.5 5H9l2.2 2.5h8.3A1.5 1.5 0 0 1 21 9v8.5a1.5 1.5 0 0 1-1.5 " \
	"1.5h-15A1.5 1.5 0 0 1 3 17.5z"

static const char style[] =
	"h1 i{color:var(--soft);font-style:normal;font-weight:400;padding:0 .3em}"
	"nav{display:flex;gap:.25rem;margin:0 -.5rem;font-size:.875rem}"
	"nav a{color:var(--soft);padding:.35rem .5rem;border-radius:.35rem}"
	"nav a:hover,nav a:focus-visible{background:var(--hover);text-decoration:none}"
	"nav a[aria-current]{color:var(--text);font-weight:600}"
	"nav i{font-style:normal;font-weight:400}"
	"ul{list-style:none;margin:.25rem 0 0;padding:0;border-top:1px solid var(--line)}"
	"li{border-bottom:1px solid var(--line)}"
	"li a{display:grid;grid-template-columns:1.5rem 1fr;column-gap:.75rem;align-items:center;"
	"margin:0 -.5rem;padding:.55rem "
	".5rem;min-height:2.75rem;border-radius:.35rem;color:inherit}"
	"li a:hover,li a:focus-visible{background:var(--hover);text-decoration:none}"
	"li a::before{content:'';grid-row:1/3;width:1.5rem;height:1.5rem;background:var(--soft);"
	"-webkit-mask:center/contain no-repeat;mask:center/contain no-repeat}" MASK(
		"li", ICON_FILE) MASK("li.t", ICON_TEXT) MASK("li.i", ICON_IMAGE) MASK("li.m",
		ICON_AUDIO) MASK("li.v", ICON_VIDEO) MASK("li.z", ICON_PACK) MASK("li.d",
		ICON_FOLDER) MASK("li.u",
		ICON_UP) "li.d a::before{background:var(--link)}"
			 "li.u a::before{grid-row:1}"
			 "li b{font-weight:400;overflow-wrap:anywhere;min-width:0}"
			 "li.d b{font-weight:600}li.u b{color:var(--soft)}"
			 "li a>span{grid-column:2;color:var(--soft);font-size:.875rem;display:flex;"
			 "font-variant-numeric:tabular-nums}"
			 "li data:not(:empty)::after{content:'\\b7';padding:0 .45em}"
			 "@media(min-width:44rem){main{padding-top:2rem}"
			 "nav{display:grid;grid-template-columns:1fr 6rem 9.5rem;gap:0 "
			 "1rem;padding:0}"
			 "nav a{text-align:right;justify-self:end}"
			 "nav a:first-child{text-align:left;justify-self:start;margin-left:2.25rem}"
			 "li a{grid-template-columns:1.5rem 1fr auto;padding:.4rem "
			 ".5rem;min-height:2.5rem}"
			 "li a::before{grid-row:1}li a>span{grid-column:3;gap:1rem}"
			 "li data:not(:empty)::after{content:none}"
			 "li data{width:6rem;text-align:right}li "
			 "time{width:9.5rem;text-align:right}}"
			 "@media(prefers-contrast:more){:root{--soft:var(--text)}}";

/* ---- Parts --------------------------------------------------------------------------------- */

/* "?sort=size&order=asc", as short as it can be; for the usual order of names, nothing. */
static void append_query(struct weft_str *page, enum weft__http_sort sort, bool is_descending)
{
	bool is_usual = is_descending == weft__http_sort_descends(sort);

	if (sort == WEFT__HTTP_SORT_NAME && is_usual)
		return;
	weft_str_appendf(page, "?sort=%s", weft__http_sort_name(sort));
	if (!is_usual)
		weft_str_appendf(page, "&amp;order=%s", is_descending ? "desc" : "asc");
}

static void append_own_query(struct weft_str *page, const struct weft__http_listing *listing)
{
	append_query(page, listing->sort, listing->is_descending);
}

/* "Home / music / live", each but the last one a link to it. */
static void append_crumbs(struct weft_str *page, const struct weft__http_listing *listing)
{
	const char *from = listing->path, *slash;
	size_t depth = 0;

	for (const char *at = from; *at; at++)
		depth += *at == '/';
	weft_str_append(page, "<h1>");
	for (const char *name = "Home", *end = name + 4;;
		name = from, end = slash, from = slash + 1) {
		if (depth > 0) {
			weft_str_append(page, "<a href=\"");
			for (size_t i = 0; i < depth; i++)
				weft_str_append(page, "../");
			append_own_query(page, listing);
			weft_str_append(page, "\">");
		}
		weft_str_append(page, "<bdi>");
		weft_http_escape_html(page, name, (size_t)(end - name));
		weft_str_append(page, depth > 0 ? "</bdi></a> <i>/</i> " : "</bdi>");
		slash = strchr(from, '/');
		if (depth-- == 0 || !slash)
			break;
	}
	weft_str_append(page, "</h1>\n");
}

/* A click on the order that is there turns it round; on another, sorts by that. */
static void append_sorts(struct weft_str *page, const struct weft__http_listing *listing)
{
	static const char *const labels[WEFT__HTTP_SORTS] = {"Name", "Size", "Modified"};

	weft_str_append(page, "<nav aria-label=\"Sort by\">");
	for (unsigned i = 0; i < WEFT__HTTP_SORTS; i++) {
		enum weft__http_sort sort = (enum weft__http_sort)i;
		bool is_current = sort == listing->sort;
		bool turns_to =
			is_current ? !listing->is_descending : weft__http_sort_descends(sort);

		/* An empty link would be one to the same query. */
		weft_str_append(page, "<a href=\"");
		if (sort == WEFT__HTTP_SORT_NAME && turns_to == weft__http_sort_descends(sort))
			weft_str_append(page, "./");
		append_query(page, sort, turns_to);
		weft_str_append(page, is_current ? "\" aria-current=\"true\">" : "\">");
		weft_str_append(page, labels[i]);
		if (is_current)
			weft_str_append(page, listing->is_descending
						      ? "<i title=\"descending\"> \xe2\x86\x93</i>"
						      : "<i title=\"ascending\"> \xe2\x86\x91</i>");
		weft_str_append(page, "</a>");
	}
	weft_str_append(page, "</nav>\n");
}

/* Which icon: a letter that style knows, or none. */
static const char *kind_of(const struct weft__http_item *item)
{
	static const struct {
		const char *type, *kind;
	} kinds[] = {{"text/", "t"}, {"image/", "i"}, {"audio/", "m"}, {"video/", "v"},
		{"application/zip", "z"}, {"application/gzip", "z"}, {"application/zstd", "z"},
		{"application/x-7z", "z"}, {"application/x-bzip", "z"}, {"application/x-tar", "z"},
		{"application/x-xz", "z"}, {"application/vnd.rar", "z"}, {"application/pdf", "t"}};
	const char *type = weft__http_mime_type(item->name);

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (strncmp(type, kinds[i].type, strlen(kinds[i].type)) == 0)
			return kinds[i].kind;
	return "";
}

static void append_size(struct weft_str *page, const struct weft__http_item *item)
{
	char size[16];

	if (item->is_folder) {
		weft_str_append(page, "<data></data>");
		return;
	}
	weft__http_listing_size(size, item->size);
	weft_str_appendf(page, "<data value=\"%lld\" title=\"", (long long)item->size);
	append_grouped(page, item->size);
	weft_str_appendf(page, " %s\">%s</data>", item->size == 1 ? "byte" : "bytes", size);
}

static void append_time(struct weft_str *page, const struct weft__http_item *item,
	const struct weft__http_listing_now *now)
{
	char text[WEFT__HTTP_LISTING_TIME_MAX] = "", exact[40] = "", machine[40] = "";
	struct tm time;

	if (gmtime_r(&(time_t){item->modified_s}, &time))
		strftime(machine, sizeof(machine), "%Y-%m-%dT%H:%M:%SZ", &time);
	if (localtime_r(&(time_t){item->modified_s}, &time)) {
		weft__http_listing_time(text, item->modified_s, &time, now);
		strftime(exact, sizeof(exact), "%Y-%m-%d %H:%M:%S %z", &time);
	}
	weft_str_appendf(
		page, "<time datetime=\"%s\" title=\"%s\">%s</time>", machine, exact, text);
}

static void append_item(struct weft_str *page, const struct weft__http_listing *listing,
	const struct weft__http_item *item, const struct weft__http_listing_now *now)
{
	size_t len = strlen(item->name);
	const char *kind = item->is_folder ? "d" : kind_of(item);

	if (kind[0])
		weft_str_appendf(page, "<li class=\"%s\">", kind);
	else
		weft_str_append(page, "<li>");
	/* "./" keeps a colon in the name from making a scheme of what is before it. */
	weft_str_append(page, "<a href=\"./");
	weft_http_escape_path(page, item->name, len);
	if (item->is_folder) {
		weft_str_append_char(page, '/');
		append_own_query(page, listing);
	}
	weft_str_append(page, "\"><b><bdi>");
	weft_http_escape_html(page, item->name, len);
	weft_str_append(page, "</bdi></b><span>");
	append_size(page, item);
	append_time(page, item, now);
	weft_str_append(page, "</span></a></li>\n");
}

static void append_count(struct weft_str *page, size_t count, const char *noun)
{
	append_grouped(page, (int64_t)count);
	weft_str_appendf(page, " %s%s", noun, count == 1 ? "" : "s");
}

/* "2 folders, 14 files, 3.4 MB". */
static void append_summary(struct weft_str *page, const struct weft__http_listing *listing)
{
	size_t count = weft_vec_len(&listing->items), folders = 0;
	int64_t bytes = 0;
	char size[16];

	weft_vec_each (struct weft__http_item, item, &listing->items) {
		folders += item->is_folder;
		/* A sparse file may say any size. */
		if (!item->is_folder && __builtin_add_overflow(bytes, item->size, &bytes))
			bytes = INT64_MAX;
	}
	if (count == 0) {
		weft_str_append(page, "<p>This folder is empty.</p>\n");
		return;
	}
	weft_str_append(page, "<p>");
	if (folders > 0)
		append_count(page, folders, "folder");
	if (folders > 0 && folders < count)
		weft_str_append(page, ", ");
	if (folders < count) {
		append_count(page, count - folders, "file");
		weft__http_listing_size(size, bytes);
		weft_str_appendf(page, ", %s", size);
	}
	weft_str_append(page, "</p>\n");
	if (listing->left_out == 0)
		return;
	weft_str_append(page, "<p>Only so many are shown; ");
	weft_str_append(page, listing->has_more ? "more than " : "");
	append_grouped(page, (int64_t)listing->left_out);
	weft_str_append(page, " more are in this folder.</p>\n");
}

/* All of it at once: folder.c. */
static void append_archives(struct weft_str *page, const struct weft__http_listing *listing)
{
	if (weft_vec_len(&listing->items) == 0)
		return;
	weft_str_append(page, "<p>Download all: "
#ifdef WEFT_HAS_ZLIB
			      "<a href=\"?archive=zip\" download>zip</a> "
#endif
			      "<a href=\"?archive=tar\" download>tar</a></p>\n");
}

/* ---- The whole ----------------------------------------------------------------------------- */

void weft__http_listing_append_page(struct weft_str *page, const struct weft__http_listing *listing)
{
	struct weft__http_listing_now now;

	weft__http_listing_now(&now, weft__http_now_s());
	weft__http_page_begin(page, listing->path[0] ? listing->path : "Home",
		listing->path[0] ? strlen(listing->path) : 4, style);
	append_crumbs(page, listing);
	if (weft_vec_len(&listing->items) > 1)
		append_sorts(page, listing);
	weft_str_append(page, "<ul>\n");
	if (listing->path[0]) {
		weft_str_append(page, "<li class=\"u\"><a href=\"../");
		append_own_query(page, listing);
		weft_str_append(page, "\"><b>Up</b></a></li>\n");
	}
	weft_vec_each (struct weft__http_item, item, &listing->items)
		append_item(page, listing, item, &now);
	weft_str_append(page, "</ul>\n");
	append_summary(page, listing);
	append_archives(page, listing);
	weft__http_uploads_append_form(page, listing->uploads);
	weft__http_page_end(page);
}
