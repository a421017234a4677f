/*
 * listing.c - reads and sorts a folder: folders first, then by name in natural order, size or
 * time; and writes it down, as a page or as JSON for who would rather have that.
 *
 * Entry points: weft__http_listing_read(), weft__http_listing_append(). The page is
 * listing_page.c's.
 *
 * It shows only what a request for it would be answered with: no hidden names, nothing
 * but files and folders, no link that leads outside.
 *
 * Never: more names than its bounds. (It blocks: listings.c calls it on a thread of its own.)
 */
#include "http/listing.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "http/accept.h"
#include "http/chars.h"
#include "http/date.h"
#include "http/escape.h"
#include "http/limits.h"
#include "files/store.h"
#include "weft/files.h"
#include "weft/sort.h"

static const struct {
	const char *name;
	bool descends;
} sorts[WEFT__HTTP_SORTS] = {
	[WEFT__HTTP_SORT_NAME] = {"name", false},
	[WEFT__HTTP_SORT_SIZE] = {"size", true},
	[WEFT__HTTP_SORT_TIME] = {"time", true},
};

const char *weft__http_sort_name(enum weft__http_sort sort)
{
	return sorts[sort].name;
}

bool weft__http_sort_descends(enum weft__http_sort sort)
{
	return sorts[sort].descends;
}

/* ---- Order ----------------------------------------------------------------------------- */

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

/* Of two of a kind; 0: the names decide. */
static int compare_by(enum weft__http_sort sort, const struct weft__http_item *first,
	const struct weft__http_item *second)
{
	switch (sort) {
	case WEFT__HTTP_SORT_SIZE: /* a folder's is not that of what is in it */
		return first->is_folder
			       ? 0
			       : (first->size > second->size) - (first->size < second->size);
	case WEFT__HTTP_SORT_TIME:
		return (first->modified_s > second->modified_s) -
		       (first->modified_s < second->modified_s);
	default:
		return weft__http_listing_compare(first->name, second->name);
	}
}

static int compare_items(const void *a, const void *b, void *context)
{
	const struct weft__http_item *first = a, *second = b;
	const struct weft__http_listing *listing = context;
	int order;

	if (first->is_folder != second->is_folder)
		return first->is_folder ? -1 : 1;
	order = compare_by(listing->sort, first, second);
	if (order)
		return listing->is_descending ? -order : order;
	return weft__http_listing_compare(first->name, second->name);
}

/* What the query asks for; where it can't be read, by name. */
static void choose_order(struct weft__http_listing *listing, struct weft_http_request *request)
{
	const struct weft_http_params *params = NULL;
	const char *sort, *order;

	if (request->head.query.at)
		params = weft_http_request_params(request);
	sort = params ? weft_http_params_get(params, "sort", 0) : NULL;
	order = params ? weft_http_params_get(params, "order", 0) : NULL;
	listing->sort = WEFT__HTTP_SORT_NAME;
	for (unsigned i = 0; sort && i < WEFT__HTTP_SORTS; i++)
		if (strcmp(sort, sorts[i].name) == 0)
			listing->sort = (enum weft__http_sort)i;
	listing->is_descending = sorts[listing->sort].descends;
	if (order && strcmp(order, "asc") == 0)
		listing->is_descending = false;
	else if (order && strcmp(order, "desc") == 0)
		listing->is_descending = true;
}

/* ---- Reading ---------------------------------------------------------------------------- */

/* A folder while it is read. */
struct reading {
	struct weft__http_listing *listing;
	const struct weft__http_listing_source *source;
	int fd;
};

/* What a request for the name would find. A link is looked at as a request for it would be. */
static bool stat_name(const struct reading *reading, const char *name, struct stat *ret_stat)
{
	struct weft_str path;
	bool is_found;

	if (fstatat(reading->fd, name, ret_stat, AT_SYMLINK_NOFOLLOW) < 0)
		return false;
	if (!S_ISLNK(ret_stat->st_mode))
		return S_ISREG(ret_stat->st_mode) || S_ISDIR(ret_stat->st_mode);
	weft_str_init(&path, WEFT_STR_LEN_MAX);
	weft_str_appendf(&path, "%s%s", reading->source->path, name);
	is_found = !weft_str_error(&path) &&
		   weft__root_stat(reading->source->root, weft_str_text(&path), ret_stat) == 0;
	weft_str_fini(&path);
	return is_found;
}

static int add_name(const struct reading *reading, const char *name)
{
	struct weft__http_listing *listing = reading->listing;
	struct weft__http_item item = {.name_at = weft_str_len(&listing->names)};
	struct stat stat;

	if (!stat_name(reading, name, &stat))
		return 0;
	item.size = stat.st_size;
	item.modified_s = stat.st_mtim.tv_sec;
	item.is_folder = S_ISDIR(stat.st_mode);
	if (weft_str_append_bytes(&listing->names, name, strlen(name) + 1) < 0)
		return -1;
	return weft_vec_push(&listing->items, &item);
}

static bool is_shown(const struct reading *reading, const char *name)
{
	if (name[0] != '.')
		return true;
	return reading->source->shows_hidden && strcmp(name, ".") != 0 && strcmp(name, "..") != 0 &&
	       !weft__store_is_own_name(name);
}

static int read_names(const struct reading *reading, DIR *folder)
{
	struct weft__http_listing *listing = reading->listing;
	size_t names_max =
		listing->is_json ? WEFT__HTTP_LISTING_JSON_MAX : WEFT__HTTP_LISTING_ENTRIES_MAX;
	struct dirent *entry;

	while ((errno = 0, entry = readdir(folder))) {
		if (!is_shown(reading, entry->d_name))
			continue;
		if (weft_vec_len(&listing->items) < names_max) {
			if (add_name(reading, entry->d_name) < 0)
				return -1;
			continue;
		}
		listing->has_more = listing->left_out == WEFT__HTTP_LISTING_COUNT_MAX;
		if (listing->has_more)
			break;
		listing->left_out++;
	}
	if (!listing->has_more && errno)
		return -1;
	weft_vec_each (struct weft__http_item, item, &listing->items)
		item->name = weft_str_text(&listing->names) + item->name_at;
	return 0;
}

/* ---- For programs ---------------------------------------------------------------------------- */

static void append_json_item(struct weft_str *text, const struct weft__http_item *item)
{
	size_t len = strlen(item->name);
	char when[32] = "";
	struct tm time;

	if (gmtime_r(&(time_t){item->modified_s}, &time))
		strftime(when, sizeof(when), "%Y-%m-%dT%H:%M:%SZ", &time);
	weft_str_append(text, "{\"name\": ");
	weft_http_escape_json(text, item->name, len);
	/* The name of a file can be any bytes, and JSON's only characters: the address has them. */
	weft_str_append(text, ", \"href\": \"./");
	weft_http_escape_path(text, item->name, len);
	weft_str_append(
		text, item->is_folder ? "/\", \"type\": \"folder\"" : "\", \"type\": \"file\"");
	if (!item->is_folder)
		weft_str_appendf(text, ", \"size\": %lld", (long long)item->size);
	weft_str_appendf(text, ", \"modified\": \"%s\"}", when);
}

void weft__http_listing_append_rights(struct weft_str *text, unsigned rights)
{
	static const struct {
		unsigned right;
		const char *name;
	} names[] = {{WEFT_FILES_READ, "read"}, {WEFT_FILES_LIST, "list"},
		{WEFT_FILES_WRITE, "write"}, {WEFT_FILES_REPLACE, "replace"},
		{WEFT_FILES_DELETE, "delete"}, {WEFT_FILES_MANAGE, "manage"}};
	bool is_first = true;

	weft_str_append_char(text, '[');
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (rights & names[i].right) {
			weft_str_appendf(text, "%s\"%s\"", is_first ? "" : ", ", names[i].name);
			is_first = false;
		}
	weft_str_append_char(text, ']');
}

static void build_json(struct weft_str *text, const struct weft__http_listing *listing)
{
	bool is_first = true;

	weft_str_append(text, "{\"path\": ");
	weft_http_escape_json(text, listing->path, strlen(listing->path));
	weft_str_appendf(text,
		", \"sort\": \"%s\", \"order\": \"%s\", \"left_out\": %zu, \"has_more\": %s, "
		"\"trash\": %s, \"rights\": ",
		sorts[listing->sort].name, listing->is_descending ? "desc" : "asc",
		listing->left_out, listing->has_more ? "true" : "false",
		listing->has_trash ? "true" : "false");
	weft__http_listing_append_rights(text, listing->rights);
	weft_str_append(text, ", \"entries\": [");
	weft_vec_each (struct weft__http_item, item, &listing->items) {
		weft_str_append(text, is_first ? "\n" : ",\n");
		append_json_item(text, item);
		is_first = false;
	}
	weft_str_append(text, "\n]}\n");
}

/* ---- The whole ---------------------------------------------------------------------------- */

void weft__http_listing_init(struct weft__http_listing *listing, struct weft_http_request *request,
	const struct weft__http_listing_source *source)
{
	*listing = (struct weft__http_listing){.path = source->path + source->home_len,
		.whole_path = source->path,
		.uploads = source->uploads};
	weft_vec_init(&listing->items, sizeof(struct weft__http_item));
	weft_str_init(&listing->names, WEFT_STR_LEN_MAX);
	choose_order(listing, request);
	listing->is_json = weft__http_accept_wants_json(request, "json");
	if (listing->is_json) {
		listing->rights = source->rights;
		listing->has_trash = source->has_trash;
	}
}

void weft__http_listing_fini(struct weft__http_listing *listing)
{
	weft_str_fini(&listing->names);
	weft_vec_fini(&listing->items);
}

int weft__http_listing_read(
	struct weft__http_listing *listing, const struct weft__http_listing_source *source)
{
	struct reading reading = {listing, source, source->fd};
	DIR *folder = fdopendir(source->fd);
	int result, saved;

	if (folder) {
		result = read_names(&reading, folder);
		saved = errno;
		closedir(folder);
	} else {
		result = -1;
		saved = errno;
		close(source->fd);
	}
	errno = saved;
	return result;
}

uint64_t weft__http_listing_print(
	const struct weft__http_listing *listing, const struct weft__siphash_key *key)
{
	struct weft__http_listing_now now;
	uint64_t words[8];
	uint64_t print;

	weft__http_listing_now(&now, weft__http_now_s());
	words[0] =
		weft__siphash(key, weft_str_text(&listing->names), weft_str_len(&listing->names));
	words[1] = listing->left_out;
	words[2] = listing->has_more;
	words[3] = (uint64_t)listing->rights << 17 | (uint64_t)listing->has_trash << 16 |
		   (uint64_t)(listing->uploads != NULL) << 8 | (uint64_t)listing->sort << 2 |
		   (uint64_t)listing->is_descending << 1 | listing->is_json;
	/* A page says "Today". */
	words[4] = (uint64_t)now.today.tm_year * 366 + (uint64_t)now.today.tm_yday;
	words[5] = (uint64_t)now.today.tm_gmtoff;
	words[6] = weft__siphash(key, listing->path, strlen(listing->path));
	words[7] = weft_vec_len(&listing->items);
	print = weft__siphash(key, words, sizeof(words));
	weft_vec_each (struct weft__http_item, item, &listing->items) {
		words[0] = print;
		words[1] = (uint64_t)item->size;
		words[2] = (uint64_t)item->modified_s;
		words[3] = item->is_folder;
		print = weft__siphash(key, words, 4 * sizeof(words[0]));
	}
	return print;
}

void weft__http_listing_append(struct weft_str *text, struct weft__http_listing *listing)
{
	weft_sort(listing->items.items, weft_vec_len(&listing->items),
		sizeof(struct weft__http_item), compare_items, listing);
	if (listing->is_json)
		build_json(text, listing);
	else
		weft__http_listing_append_page(text, listing);
}
