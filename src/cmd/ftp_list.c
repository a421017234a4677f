/*
 * ftp_list.c - ls of `weft ftp`, and patterns of names there.
 *
 * Entry points: weft__cmd_ftp_ls(), weft__cmd_ftp_lls(), weft__cmd_ftp_match(),
 * weft__cmd_ftp_is_pattern(), weft__cmd_ftp_bytes().
 */
#include <errno.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "ftp.h"
#include "service.h"
#include "weft/dir.h"

/* ---- Patterns ------------------------------------------------------------------------- */

bool weft__cmd_ftp_is_pattern(const char *text)
{
	return strpbrk(text, "*?[") != NULL;
}

/* Drop the entries that don't match: their strings lie elsewhere. */
static void keep_matching(struct weft_ftp_list *list, const char *pattern)
{
	size_t kept = 0;

	for (size_t i = 0; i < list->count; i++)
		if (fnmatch(pattern, list->entries[i].name, FNM_PERIOD) == 0)
			list->entries[kept++] = list->entries[i];
	list->count = kept;
}

/* "docs", no pattern: what is in it, if it is a folder; else the entry itself. */
static int list_plain(struct ftp *ftp, const char *path, struct weft_ftp_list *list, char **folder)
{
	struct weft_ftp_entry entry;
	const char *base = weft__cmd_ftp_base(path);

	*folder = NULL;
	if (!*path || weft_ftp_client_stat(ftp->client, path, &entry) < 0 ||
		entry.type != WEFT_FTP_FILE) {
		*folder = *path ? strdup(path) : NULL;
		return weft_ftp_client_list(ftp->client, path, list) < 0
			       ? weft__cmd_ftp_fail(ftp, ftp->client, NULL)
			       : CMD_DONE;
	}
	list->entries = malloc(sizeof(entry));
	list->names = strdup(base);
	if (!list->entries || !list->names) {
		weft_ftp_list_fini(list);
		return weft__cmd_fail(FTP, "%s.", strerror(ENOMEM));
	}
	entry.name = list->names;
	entry.owner = "";
	entry.target = NULL;
	list->entries[0] = entry;
	list->count = 1;
	*folder = base > path ? strndup(path, (size_t)(base - path)) : NULL;
	return CMD_DONE;
}

int weft__cmd_ftp_match(
	struct ftp *ftp, const char *pattern, struct weft_ftp_list *ret_list, char **ret_folder)
{
	const char *base = weft__cmd_ftp_base(pattern);
	struct weft_ftp_list list = {0};
	char *folder = NULL;
	int status;

	if (!weft__cmd_ftp_is_pattern(base)) {
		status = list_plain(ftp, pattern, &list, &folder);
	} else {
		folder = base > pattern ? strndup(pattern, (size_t)(base - pattern)) : NULL;
		status = weft_ftp_client_list(ftp->client, folder, &list) < 0
				 ? weft__cmd_ftp_fail(ftp, ftp->client, NULL)
				 : CMD_DONE;
		if (status == CMD_DONE)
			keep_matching(&list, base);
		if (status == CMD_DONE && list.count == 0)
			status = weft__cmd_fail(FTP, "nothing matches %s.", pattern);
	}
	if (status) {
		weft_ftp_list_fini(&list);
		free(folder);
		return status;
	}
	*ret_list = list;
	*ret_folder = folder;
	return CMD_DONE;
}

/* ---- Printing ------------------------------------------------------------------------- */

const char *weft__cmd_ftp_bytes(int64_t bytes)
{
	static const char *const units[] = {"B", "KB", "MB", "GB", "TB", "PB", "EB"};
	static char places[4][24];
	static unsigned turn;
	char *place = places[turn++ % 4];
	double value = (double)bytes;
	size_t unit = 0;

	for (; value >= 999.5 && unit < 6; unit++)
		value /= 1000;
	if (bytes < 0)
		snprintf(place, sizeof(places[0]), "-");
	else
		snprintf(place, sizeof(places[0]), unit && value < 9.95 ? "%.1f %s" : "%.0f %s",
			value, units[unit]);
	return place;
}

static const char *type_name(enum weft_ftp_type type)
{
	static const char *const names[] = {"other", "file", "folder", "link"};

	return names[type];
}

/* What is UTC is told in the time of day here; the rest as the server said it. */
static void print_time(const struct weft_ftp_entry *entry)
{
	time_t time = (time_t)entry->modified_s;
	char text[32] = "";
	struct tm parts;

	if (entry->precision == WEFT_FTP_SECOND ? localtime_r(&time, &parts) != NULL
						: gmtime_r(&time, &parts) != NULL)
		strftime(text, sizeof(text),
			entry->precision == WEFT_FTP_DAY ? "%Y-%m-%d" : "%Y-%m-%d %H:%M", &parts);
	printf("%-16s", entry->precision ? text : "");
}

static void print_mode(const struct weft_ftp_entry *entry)
{
	static const char types[] = "?-dl", letters[] = "rwxrwxrwx";

	putchar(types[entry->type]);
	for (int i = 0; i < 9; i++)
		putchar(entry->mode < 0 ? ' ' : entry->mode & 0400 >> i ? letters[i] : '-');
}

static void print_line(const struct weft_ftp_entry *entry)
{
	print_mode(entry);
	printf("  %8s  ",
		entry->type == WEFT_FTP_FILE ? weft__cmd_ftp_bytes(entry->size_bytes) : "");
	print_time(entry);
	printf("  %s%s", weft__cmd_ftp_visible(entry->name),
		entry->type == WEFT_FTP_FOLDER ? "/" : "");
	if (entry->target)
		printf(" -> %s", weft__cmd_ftp_visible(entry->target));
	putchar('\n');
}

static void print_json(const struct weft_ftp_entry *entry)
{
	printf("{\"name\":");
	weft__cmd_print_json_text(entry->name);
	printf(",\"type\":\"%s\"", type_name(entry->type));
	if (entry->size_bytes >= 0)
		printf(",\"size\":%lld", (long long)entry->size_bytes);
	if (entry->precision == WEFT_FTP_SECOND)
		printf(",\"modified\":%lld", (long long)entry->modified_s);
	if (entry->mode >= 0)
		printf(",\"mode\":\"%03o\"", (unsigned)entry->mode);
	if (entry->target) {
		printf(",\"target\":");
		weft__cmd_print_json_text(entry->target);
	}
	putchar('}');
}

void weft__cmd_ftp_print_list(const struct weft_ftp_list *list, const struct ftp_flags *flags)
{
	if (flags->is_json)
		putchar('[');
	for (size_t i = 0; i < list->count; i++) {
		if (flags->is_json) {
			printf(i ? ",\n" : "");
			print_json(&list->entries[i]);
		} else if (flags->is_short) {
			puts(weft__cmd_ftp_visible(list->entries[i].name));
		} else {
			print_line(&list->entries[i]);
		}
	}
	if (flags->is_json)
		puts("]");
}

/* ---- The commands --------------------------------------------------------------------- */

int weft__cmd_ftp_ls(struct ftp *ftp, int argc, char **argv)
{
	struct weft_ftp_list list;
	struct ftp_flags flags;
	char *folder;
	int status = weft__cmd_ftp_flags(ftp, "1jla", argc, argv, &flags);

	if (status)
		return status;
	if (argc - flags.first > 1)
		return weft__cmd_ftp_misuse("ls");
	if (!weft__cmd_ftp_client(ftp))
		return CMD_FAILED;
	status = weft__cmd_ftp_match(
		ftp, flags.first < argc ? argv[flags.first] : "", &list, &folder);
	if (status)
		return status;
	weft__cmd_ftp_print_list(&list, &flags);
	weft_ftp_list_fini(&list);
	free(folder);
	return CMD_DONE;
}

int weft__cmd_ftp_lls(struct ftp *ftp, int argc, char **argv)
{
	const char *path = argc > 1 ? argv[1] : ".";
	struct weft_dir_list list;

	(void)ftp;
	if (weft_dir_list(path, WEFT_DIR_STAT, &list) < 0)
		return weft__cmd_fail(FTP, "%s: %s.", path, strerror(errno));
	for (size_t i = 0; i < list.count; i++) {
		const struct weft_dir_entry *one = &list.entries[i];

		print_line(&(struct weft_ftp_entry){.name = one->name,
			.owner = "",
			.type = one->type == WEFT_DIR_FILE   ? WEFT_FTP_FILE
				: one->type == WEFT_DIR_DIR  ? WEFT_FTP_FOLDER
				: one->type == WEFT_DIR_LINK ? WEFT_FTP_LINK
							     : WEFT_FTP_OTHER,
			.precision = WEFT_FTP_SECOND,
			.size_bytes = one->size_bytes,
			.modified_s = one->modified_ns / WEFT_SECONDS(1),
			.mode = (int)(one->mode & 07777)});
	}
	weft_dir_list_fini(&list);
	return CMD_DONE;
}
