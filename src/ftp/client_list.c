/*
 * client_list.c - what is in a folder of the server, and what is at a path.
 *
 * Entry points: weft_ftp_client_each(), weft_ftp_client_list(), weft_ftp_list_fini(),
 * weft_ftp_client_stat().
 *
 * MLSD where there is one. LIST has no form that a standard names, and servers take its
 * argument for options and patterns: so it is asked without a path, from within the folder.
 *
 * Never: memory without a bound for a list without an end.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "ftp/client.h"
#include "ftp/listing.h"
#include "weft/fiber.h"

/** Bytes of names that weft_ftp_client_list() takes. */
#define NAMES_MAX ((size_t)64 << 20)

/** So many lines have to come in the time that one step may take: else it would never end. */
#define LINES_AT_LEAST 100

/* ---- Lines -------------------------------------------------------------------------- */

struct lines {
	struct weft_ftp_client *client;
	bool has_facts;      /* MLSD */
	size_t count, taken; /* entries; lines */
	int64_t waited_ns;   /* for the last LINES_AT_LEAST lines */
	weft_ftp_entry_fn *fn;
	void *arg;
	char line[WEFT_FTP_LINE_MAX + 2];
};

static bool is_entry(struct lines *lines, struct weft_ftp_entry *entry)
{
	bool is_self = false;

	if (lines->has_facts) {
		if (!weft__ftp_parse_facts(lines->line, entry, &is_self) || is_self)
			return false;
	} else if (!weft__ftp_parse_list(lines->line, weft_wall_now() / WEFT_SECONDS(1), entry)) {
		return false;
	}
	return strcmp(entry->name, ".") != 0 && strcmp(entry->name, "..") != 0;
}

/* 1: there is one; 0: that was all, or the transfer knows what failed; -1: it comes too slowly. */
static int next_line(struct lines *lines, struct weft_ftp_file *transfer)
{
	struct weft_ftp_client *client = lines->client;
	int64_t begun_ns = weft_now();

	if (weft__ftp_file_line(transfer, lines->line) <= 0)
		return 0;
	if (lines->taken++ % LINES_AT_LEAST == 0)
		lines->waited_ns = 0;
	lines->waited_ns += weft_now() - begun_ns;
	if (lines->waited_ns <= weft__ftp_patience(client))
		return 1;
	weft_ftp_file_abort(transfer);
	return weft__ftp_fail(
		client, WEFT_FTP_INTERRUPTED, ETIMEDOUT, "The server's listing comes too slowly.");
}

static int tell_all(struct lines *lines, struct weft_ftp_file *transfer)
{
	struct weft_ftp_entry entry;
	int result, error;

	while ((result = next_line(lines, transfer)) > 0) {
		if (!is_entry(lines, &entry))
			continue;
		lines->count++;
		if (lines->fn(lines->arg, &entry) < 0) {
			error = errno;
			weft_ftp_file_abort(transfer);
			return weft__ftp_fail(lines->client, WEFT_FTP_OTHER_FAULT, error,
				"The listing was broken off: %s.", strerror(error));
		}
	}
	return result < 0 ? -1 : weft_ftp_file_end(transfer);
}

/* 1: it is told; 0: the server does not know the command; -1. */
static int ask_lines(struct lines *lines, const char *verb, const char *argument)
{
	struct weft_ftp_client *client = lines->client;
	struct weft_ftp_file *transfer = weft__ftp_file_new(client, verb, argument, 0, false);

	if (transfer)
		return tell_all(lines, transfer) < 0 ? -1 : 1;
	return client->fault.kind == WEFT_FTP_REFUSED && client->fault.error == ENOSYS ? 0 : -1;
}

/* ---- LIST --------------------------------------------------------------------------- */

/* With what begins with a dot, if the server knows how; an empty answer may mean "no such file". */
static int list_here(struct lines *lines)
{
	struct weft_ftp_client *client = lines->client;
	int result;

	if (!client->has_no_list_a) {
		result = ask_lines(lines, "LIST", "-a");
		if (result > 0 && lines->count > 0)
			return 0;
		if (weft_ftp_client_is_lost(client) ||
			(result < 0 && client->fault.kind != WEFT_FTP_REFUSED))
			return -1;
		client->has_no_list_a = result <= 0;
	}
	result = ask_lines(lines, "LIST", NULL);
	if (result == 0)
		return weft__ftp_fail_reply(client, "LIST");
	return result < 0 ? -1 : 0;
}

/* fn sees the lines of a folder that was gone into; then back. */
static int list_at(struct lines *lines, const char *path)
{
	struct weft_ftp_client *client = lines->client;
	const char *folder;
	char *back;
	int result, error;

	if (!path)
		return list_here(lines);
	folder = weft_ftp_client_pwd(client);
	back = folder ? strdup(folder) : NULL;
	if (!back)
		return folder ? weft__ftp_fail_errno(client, WEFT_FTP_OTHER_FAULT, "No memory")
			      : -1;
	if (weft_ftp_client_cwd(client, path) < 0) {
		free(back);
		return -1;
	}
	result = list_here(lines);
	error = errno;
	if (client->control) {
		struct weft_ftp_fault fault = client->fault;

		if (weft_ftp_client_cwd(client, back) < 0)
			result = -1;
		else
			client->fault = fault;
	}
	free(back);
	errno = result < 0 && client->fault.error ? client->fault.error : error;
	return result;
}

int weft_ftp_client_each(
	struct weft_ftp_client *client, const char *path, weft_ftp_entry_fn *fn, void *arg)
{
	struct lines *lines = malloc(sizeof(*lines));
	int result = 0, error;

	if (!lines)
		return weft__ftp_fail_errno(client, WEFT_FTP_OTHER_FAULT, "There is no memory");
	*lines = (struct lines){.client = client, .fn = fn, .arg = arg};
	if (path && !*path)
		path = NULL;
	if (client->features & WEFT_FTP_MLST) {
		lines->has_facts = true;
		result = ask_lines(lines, "MLSD", path);
		if (result == 0)
			client->features &= ~(unsigned)WEFT_FTP_MLST;
	}
	if (result == 0) {
		lines->has_facts = false;
		result = list_at(lines, path) < 0 ? -1 : 1;
	}
	error = errno;
	free(lines);
	errno = error;
	return result < 0 ? -1 : 0;
}

/* ---- All of them --------------------------------------------------------------------- */

/* Until the names lie still, an entry has the places of its strings in the pointers' stead. */
struct gathering {
	struct weft_ftp_list *list;
	size_t room;
	struct weft_str names;
};

static const char *keep(struct gathering *gathering, const char *text)
{
	size_t place = weft_str_len(&gathering->names);

	if (!text)
		return (const char *)(uintptr_t)SIZE_MAX;
	weft_str_append_bytes(&gathering->names, text, strlen(text) + 1);
	return (const char *)(uintptr_t)place;
}

static int gather(void *arg, const struct weft_ftp_entry *entry)
{
	struct gathering *gathering = arg;
	struct weft_ftp_list *list = gathering->list;
	struct weft_ftp_entry *kept;

	if (list->count == WEFT_FTP_ENTRIES_MAX) {
		errno = EOVERFLOW;
		return -1;
	}
	if (list->count == gathering->room) {
		size_t room = gathering->room ? gathering->room * 2 : 64;
		void *bigger = realloc(list->entries, room * sizeof(*list->entries));

		if (!bigger)
			return -1;
		list->entries = bigger;
		gathering->room = room;
	}
	kept = &list->entries[list->count++];
	*kept = *entry;
	kept->name = keep(gathering, entry->name);
	kept->target = keep(gathering, entry->target);
	kept->owner = keep(gathering, entry->owner);
	if (weft_str_error(&gathering->names)) {
		errno = weft_str_error(&gathering->names) == EMSGSIZE ? EOVERFLOW : ENOMEM;
		return -1;
	}
	return 0;
}

static const char *place(const char *names, const char *kept)
{
	uintptr_t at = (uintptr_t)kept;

	return at == SIZE_MAX ? NULL : names + at;
}

static int by_name(const void *a, const void *b)
{
	const struct weft_ftp_entry *one = a, *other = b;

	return strcmp(one->name, other->name);
}

void weft_ftp_list_fini(struct weft_ftp_list *list)
{
	int saved_errno = errno;

	free(list->entries);
	free(list->names);
	memset(list, 0, sizeof(*list));
	errno = saved_errno;
}

int weft_ftp_client_list(
	struct weft_ftp_client *client, const char *path, struct weft_ftp_list *ret_list)
{
	struct weft_ftp_list list = {0};
	struct gathering gathering = {.list = &list};
	int result;

	weft_str_init(&gathering.names, NAMES_MAX);
	result = weft_ftp_client_each(client, path, gather, &gathering);
	if (result == 0 && !(list.names = weft_str_take(&gathering.names)))
		result = weft__ftp_fail_errno(client, WEFT_FTP_OTHER_FAULT, "There is no memory");
	weft_str_fini(&gathering.names);
	if (result < 0) {
		weft_ftp_list_fini(&list);
		return -1;
	}
	for (size_t i = 0; i < list.count; i++) {
		struct weft_ftp_entry *entry = &list.entries[i];

		entry->name = place(list.names, entry->name);
		entry->target = place(list.names, entry->target);
		entry->owner = place(list.names, entry->owner);
	}
	if (list.count > 1)
		qsort(list.entries, list.count, sizeof(*list.entries), by_name);
	*ret_list = list;
	return 0;
}

/* ---- One path ------------------------------------------------------------------------ */

/* RFC 3659, section 7.2: the facts are the second line of the reply, behind a space. */
static int stat_facts(
	struct weft_ftp_client *client, const char *path, struct weft_ftp_entry *entry)
{
	int code = weft__ftp_ask(client, "MLST", path);
	bool is_self;
	char *line;

	if (code < 0)
		return -1;
	if (code / 100 != 2)
		return weft__ftp_fail_order(client, "MLST", path);
	free(client->lines);
	client->lines = strdup(weft_str_text(&client->reply.text));
	if (!client->lines)
		return weft__ftp_fail_errno(client, WEFT_FTP_OTHER_FAULT, "There is no memory");
	line = strchr(client->lines, '\n');
	if (line) {
		line += 1 + (line[1] == ' ');
		line[strcspn(line, "\n")] = '\0';
	}
	if (!line || !weft__ftp_parse_facts(line, entry, &is_self))
		return weft__ftp_fail(client, WEFT_FTP_BAD_REPLY, EBADMSG,
			"The server's answer to MLST can't be read.");
	return 0;
}

/* A folder is what can be gone into. */
static int stat_folder(struct weft_ftp_client *client, const char *path)
{
	const char *folder = weft_ftp_client_pwd(client);
	char *back = folder ? strdup(folder) : NULL;
	int result = -1;

	if (back && weft_ftp_client_cwd(client, path) == 0)
		result = weft_ftp_client_cwd(client, back);
	free(back);
	return result;
}

static int stat_bit_by_bit(
	struct weft_ftp_client *client, const char *path, struct weft_ftp_entry *entry)
{
	*entry = (struct weft_ftp_entry){.owner = "",
		.type = WEFT_FTP_FILE,
		.size_bytes = weft_ftp_client_size(client, path),
		.mode = -1};
	free(client->lines);
	client->lines = strdup(path);
	if (!client->lines)
		return weft__ftp_fail_errno(client, WEFT_FTP_OTHER_FAULT, "There is no memory");
	entry->name = client->lines;
	if (entry->size_bytes < 0) {
		struct weft_ftp_fault fault = client->fault;

		if (fault.kind != WEFT_FTP_REFUSED)
			return -1;
		if (stat_folder(client, path) < 0) {
			/* What SIZE was answered is about the path itself. */
			if (client->control)
				client->fault = fault;
			errno = client->fault.error;
			return -1;
		}
		entry->type = WEFT_FTP_FOLDER;
		return 0;
	}
	if (weft_ftp_client_modified(client, path, &entry->modified_s) == 0)
		entry->precision = WEFT_FTP_SECOND;
	return client->control ? 0 : -1;
}

int weft_ftp_client_stat(
	struct weft_ftp_client *client, const char *path, struct weft_ftp_entry *ret_entry)
{
	struct weft_ftp_entry entry;
	int result;

	if (weft__ftp_check_path(client, path) < 0)
		return -1;
	if (client->features & WEFT_FTP_MLST) {
		result = stat_facts(client, path, &entry);
		if (result < 0 && client->fault.error != ENOSYS)
			return -1;
		if (result == 0) {
			*ret_entry = entry;
			return 0;
		}
	}
	if (stat_bit_by_bit(client, path, &entry) < 0)
		return -1;
	*ret_entry = entry;
	return 0;
}
