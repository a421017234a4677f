/*
 * listing.c - lists a folder as a page, or as JSON for who would rather have that: folders first,
 * names in natural order, sizes, times.
 *
 * Entry point: weft__http_listing_send().
 *
 * It shows only what a request for it would be answered with: no hidden names, nothing
 * but files and folders, no link that leads outside.
 *
 * Never: a name in the page or in an address that is not escaped for that place.
 */
#include "http/listing.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "http/accept.h"
#include "http/chars.h"
#include "http/escape.h"
#include "http/limits.h"
#include "http/open.h"
#include "http/page.h"
#include "weft/fiber.h"
#include "weft/sort.h"
#include "weft/vec.h"

/** A long folder's reading gives way to other fibers after so many names. */
#define NAMES_PER_TURN 256

struct item {
	const char *name; /* in listing.names, once all are read; an offset before that */
	size_t name_at;
	int64_t size, modified_s;
	bool is_folder;
};

struct listing {
	const struct weft__http_root *root;
	const char *path;
	struct weft_vec items;
	struct weft_str names; /* each with its NUL */
	size_t left_out;       /* names beyond the limit */
};

/* ---- Order and sizes ------------------------------------------------------------------- */

/* Compare the runs of digits at *a and *b by value, and step over them. */
static int compare_numbers(const char **a, const char **b)
{
	size_t a_len, b_len;
	int order;

	while (**a == '0')
		++*a;
	while (**b == '0')
		++*b;
	a_len = strspn(*a, "0123456789");
	b_len = strspn(*b, "0123456789");
	if (a_len != b_len)
		return a_len < b_len ? -1 : 1;
	order = memcmp(*a, *b, a_len);
	*a += a_len;
	*b += b_len;
	return order;
}

int weft__http_listing_compare(const char *a, const char *b)
{
	const char *a_whole = a, *b_whole = b;

	while (*a && *b) {
		int order;

		if (weft__http_is(*a, WEFT__HTTP_DIGIT) && weft__http_is(*b, WEFT__HTTP_DIGIT)) {
			order = compare_numbers(&a, &b);
		} else {
			order = (uint8_t)weft__http_lower(*a) - (uint8_t)weft__http_lower(*b);
			a++;
			b++;
		}
		if (order)
			return order;
	}
	if (*a || *b)
		return *a ? 1 : -1;
	return strcmp(a_whole, b_whole);
}

static int by_kind_and_name(const void *a, const void *b, void *context)
{
	const struct item *first = a, *second = b;

	(void)context;
	if (first->is_folder != second->is_folder)
		return first->is_folder ? -1 : 1;
	return weft__http_listing_compare(first->name, second->name);
}

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

/* ---- Reading ---------------------------------------------------------------------------- */

/* What a request for the name would find. A link is looked at as a request for it would be. */
static bool stat_name(
	const struct listing *listing, int folder_fd, const char *name, struct stat *ret_stat)
{
	struct weft_str path;
	bool is_found;

	if (fstatat(folder_fd, name, ret_stat, AT_SYMLINK_NOFOLLOW) < 0)
		return false;
	if (!S_ISLNK(ret_stat->st_mode))
		return S_ISREG(ret_stat->st_mode) || S_ISDIR(ret_stat->st_mode);
	weft_str_init(&path, WEFT_STR_LEN_MAX);
	weft_str_appendf(&path, "%s%s", listing->path, name);
	is_found = !weft_str_error(&path) &&
		   weft__http_stat(listing->root, weft_str_text(&path), ret_stat) == 0;
	weft_str_fini(&path);
	return is_found;
}

static int add_name(struct listing *listing, int folder_fd, const char *name)
{
	struct stat stat;
	struct item item = {.name_at = weft_str_len(&listing->names)};

	if (!stat_name(listing, folder_fd, name, &stat))
		return 0;
	item.size = stat.st_size;
	item.modified_s = stat.st_mtim.tv_sec;
	item.is_folder = S_ISDIR(stat.st_mode);
	if (weft_str_append_bytes(&listing->names, name, strlen(name) + 1) < 0)
		return -1;
	return weft_vec_push(&listing->items, &item);
}

static int read_names(struct listing *listing, DIR *folder)
{
	unsigned turn = 0;
	struct dirent *entry;

	while ((errno = 0, entry = readdir(folder))) {
		if (entry->d_name[0] == '.')
			continue;
		if (weft_vec_len(&listing->items) == WEFT__HTTP_LISTING_ENTRIES_MAX) {
			listing->left_out++;
			continue;
		}
		if (add_name(listing, dirfd(folder), entry->d_name) < 0)
			return -1;
		if (++turn % NAMES_PER_TURN == 0)
			weft_yield();
	}
	if (errno)
		return -1;
	weft_vec_each (struct item, item, &listing->items)
		item->name = weft_str_text(&listing->names) + item->name_at;
	weft_sort(listing->items.items, weft_vec_len(&listing->items), sizeof(struct item),
		by_kind_and_name, NULL);
	return 0;
}

/* ---- The page ----------------------------------------------------------------------------- */

/* Icons are masks, so that they take the colour of the text around them. */
#define ICON(path)                                                                                \
	"url(\"data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 24 24' " \
	"fill='none' stroke='%23000' stroke-width='1.8' stroke-linejoin='round'%3E%3Cpath "       \
	"d='" path "'/%3E%3C/svg%3E\")"
#define ICON_FOLDER                                                                               \
	ICON("M3 6.5A1.5 1.5 0 0 1 4.5 5H9l2.2 2.5h8.3A1.5 1.5 0 0 1 21 9v8.5a1.5 1.5 0 0 1-1.5 " \
	     "1.5h-15A1.5 1.5 0 0 1 3 17.5z")
#define ICON_FILE ICON("M6 3.5h8l4.5 4.5v12.5h-12.5zM14 3.5v4.5h4.5")
#define ICON_UP   ICON("M12 20V5M6 11l6-6 6 6")

static const char style[] =
	"h1 i{color:var(--soft);font-style:normal;font-weight:400;padding:0 .3em}"
	"ul{list-style:none;margin:0;padding:0;border-top:1px solid var(--line)}"
	"li{border-bottom:1px solid var(--line)}"
	"li a{display:grid;grid-template-columns:1.5rem 1fr;column-gap:.75rem;align-items:center;"
	"padding:.6rem .5rem;color:inherit}"
	"li a:hover,li a:focus-visible{background:var(--hover);text-decoration:none}"
	"li a::before{content:'';grid-row:1/3;width:1.5rem;height:1.5rem;background:var(--soft);"
	"-webkit-mask:" ICON_FILE " center/contain no-repeat;mask:" ICON_FILE
	" center/contain no-repeat}"
	"li.d a::before{background:var(--link);-webkit-mask-image:" ICON_FOLDER
	";mask-image:" ICON_FOLDER "}"
	"li.u a::before{grid-row:1;-webkit-mask-image:" ICON_UP ";mask-image:" ICON_UP "}"
	"li b{font-weight:400;color:var(--link);overflow-wrap:anywhere}"
	"li.d b{font-weight:600}"
	"li a>span{grid-column:2;color:var(--soft);font-size:.875rem;display:flex;gap:1rem;"
	"font-variant-numeric:tabular-nums}"
	"@media(min-width:44rem){main{padding-top:2rem}li a{grid-template-columns:1.5rem 1fr auto;"
	"padding:.45rem .5rem}li a::before{grid-row:1}li a>span{grid-column:3;gap:1.5rem}"
	"li a>span>*{min-width:5.5rem;text-align:right}}";

/* "Home / music / live", each but the last one a link to it. */
static void append_crumbs(struct weft_str *page, const char *path)
{
	const char *from = path, *slash;

	weft_str_append(page, path[0] ? "<h1><a href=\"/\">Home</a>" : "<h1>Home");
	while ((slash = strchr(from, '/'))) {
		bool is_last = slash[1] == '\0';

		weft_str_append(page, " <i>/</i> ");
		if (!is_last) {
			weft_str_append(page, "<a href=\"/");
			weft__http_append_path(page, path, (size_t)(slash + 1 - path));
			weft_str_append(page, "\">");
		}
		weft_str_append(page, "<bdi>");
		weft__http_append_html(page, from, (size_t)(slash - from));
		weft_str_append(page, is_last ? "</bdi>" : "</bdi></a>");
		from = slash + 1;
	}
	weft_str_append(page, "</h1>\n");
}

static void append_item(struct weft_str *page, const struct item *item)
{
	size_t len = strlen(item->name);
	char size[16] = "";
	char when[32] = "";
	struct tm time;

	if (!item->is_folder)
		weft__http_listing_size(size, item->size);
	if (localtime_r(&(time_t){item->modified_s}, &time))
		strftime(when, sizeof(when), "%Y-%m-%d %H:%M", &time);
	/* "./" keeps a colon in the name from making a scheme of what is before it. */
	weft_str_append(
		page, item->is_folder ? "<li class=\"d\"><a href=\"./" : "<li><a href=\"./");
	weft__http_append_path(page, item->name, len);
	weft_str_append(page, item->is_folder ? "/\"><b><bdi>" : "\"><b><bdi>");
	weft__http_append_html(page, item->name, len);
	weft_str_appendf(page, "</bdi></b><span><span>%s</span><time>%s</time></span></a></li>\n",
		item->is_folder ? "Folder" : size, when);
}

static void append_summary(struct weft_str *page, const struct listing *listing)
{
	size_t count = weft_vec_len(&listing->items);

	if (count == 0)
		weft_str_append(page, "<p>This folder is empty.</p>\n");
	if (listing->left_out > 0)
		weft_str_appendf(page,
			"<p>Only %zu names are shown; %zu more are in this folder.</p>\n", count,
			listing->left_out);
}

static void build_page(struct weft_str *page, const struct listing *listing)
{
	unsigned turn = 0;

	weft__http_page_begin(page, listing->path[0] ? listing->path : "Home",
		listing->path[0] ? strlen(listing->path) : 4, style);
	append_crumbs(page, listing->path);
	weft_str_append(page, "<ul>\n");
	if (listing->path[0])
		weft_str_append(page, "<li class=\"u\"><a href=\"../\"><b>Up</b></a></li>\n");
	weft_vec_each (struct item, item, &listing->items) {
		append_item(page, item);
		if (++turn % NAMES_PER_TURN == 0)
			weft_yield();
	}
	weft_str_append(page, "</ul>\n");
	append_summary(page, listing);
	weft__http_page_end(page);
}

/* ---- For programs ---------------------------------------------------------------------------- */

static void append_json_item(struct weft_str *text, const struct item *item)
{
	size_t len = strlen(item->name);
	char when[32] = "";
	struct tm time;

	if (gmtime_r(&(time_t){item->modified_s}, &time))
		strftime(when, sizeof(when), "%Y-%m-%dT%H:%M:%SZ", &time);
	weft_str_append(text, "{\"name\": ");
	weft__http_append_json(text, item->name, len);
	/* The name of a file can be any bytes, and JSON's only characters: the address has them. */
	weft_str_append(text, ", \"href\": \"./");
	weft__http_append_path(text, item->name, len);
	weft_str_append(
		text, item->is_folder ? "/\", \"type\": \"folder\"" : "\", \"type\": \"file\"");
	if (!item->is_folder)
		weft_str_appendf(text, ", \"size\": %lld", (long long)item->size);
	weft_str_appendf(text, ", \"modified\": \"%s\"}", when);
}

static void build_json(struct weft_str *text, const struct listing *listing)
{
	unsigned turn = 0;

	weft_str_append(text, "{\"path\": ");
	weft__http_append_json(text, listing->path, strlen(listing->path));
	weft_str_appendf(text, ", \"left_out\": %zu, \"entries\": [", listing->left_out);
	weft_vec_each (struct item, item, &listing->items) {
		weft_str_append(text, turn ? ",\n" : "\n");
		append_json_item(text, item);
		if (++turn % NAMES_PER_TURN == 0)
			weft_yield();
	}
	weft_str_append(text, "\n]}\n");
}

static int send_json(struct weft_http_response *response, const struct listing *listing)
{
	struct weft_http_content content = {.type = "application/json"};
	struct weft_str text;
	int result = 500;

	weft_str_init(&text, WEFT_STR_LEN_MAX);
	build_json(&text, listing);
	content.data = weft_str_text(&text);
	content.len = weft_str_len(&text);
	if (!weft_str_error(&text))
		result = weft_http_response_send(response, 200, &content);
	weft_str_fini(&text);
	return result;
}

static int send_page(struct weft_http_response *response, const struct listing *listing)
{
	struct weft_str page;

	weft_str_init(&page, WEFT_STR_LEN_MAX);
	build_page(&page, listing);
	return weft__http_page_send(response, 200, &page);
}

int weft__http_listing_send(
	struct weft_http_response *response, const struct weft__http_listing_source *source)
{
	struct listing listing = {.root = source->root, .path = source->path};
	DIR *folder = fdopendir(source->fd);
	int result = 500;

	if (!folder) {
		close(source->fd);
		return 500;
	}
	weft_vec_init(&listing.items, sizeof(struct item));
	weft_str_init(&listing.names, WEFT_STR_LEN_MAX);
	if (read_names(&listing, folder) == 0) {
		weft_http_response_field(response, "Cache-Control", "no-cache");
		weft_http_response_field(response, "Vary", "Accept");
		result = weft__http_accept_wants_json(response->request, "json")
				 ? send_json(response, &listing)
				 : send_page(response, &listing);
	}
	weft_str_fini(&listing.names);
	weft_vec_fini(&listing.items);
	closedir(folder);
	return result;
}
