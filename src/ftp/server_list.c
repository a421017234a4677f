/*
 * server_list.c - LIST, NLST, MLSD, MLST, and STAT of a path (RFC 959, section 4.1.3; RFC 3659,
 * section 7; RFC 1123, section 4.1.2.7).
 *
 *	LIST -al *.txt
 *	     ---		options of ls(1), as if there was one here: dropped
 *	         -----		* and ? in the last part only
 *
 * A folder is sent as it is read, name by name, so that a large one costs no memory and begins at
 * once; it comes in the folder's own order. Names that would break a line, or are no UTF-8, are
 * left out: what a client made of them would be another name.
 *
 * Never: a list in memory, or a pattern for folders.
 */
#include <errno.h>
#include <string.h>

#include "ftp/server_transfer.h"
#include "ftp/server_verbs.h"
#include "weft/scope.h"

enum form {
	LONG,  /* LIST */
	NAMES, /* NLST */
	FACTS, /* MLSD */
	STATUS /* STAT */
};

struct listing {
	struct weft__ftpd_session *session;
	struct weft__ftpd_transfer *transfer; /* NULL: on the control connection */
	enum form form;
	const char *folder;  /* its path */
	const char *pattern; /* NULL: all */
	const char *prefix;  /* before each name of NAMES, of prefix_len bytes */
	size_t prefix_len;
	unsigned rights;
	int64_t now_s;
	unsigned count;
};

/* ---- One name ---------------------------------------------------------------------------- */

static int send_name(struct listing *listing, const char *name, const struct stat *stat)
{
	struct weft_stream *stream = listing->transfer->stream;
	char text[WEFT__FTPD_FACTS_SIZE];
	int result = -1;

	if (listing->form == FACTS)
		weft__ftpd_facts_print(stat, listing->session->facts, listing->rights, text);
	else if (listing->form == LONG)
		weft__ftpd_ls_print(stat, listing->now_s, text);
	else
		text[0] = '\0';
	WEFT_WITH_TIMEOUT (listing->session->options->data_timeout_ns)
		result = weft_stream_printf(stream, "%s%.*s%s\r\n", text, (int)listing->prefix_len,
			listing->prefix, name);
	if (result < 0)
		return -1;
	return weft__ftpd_transfer_went(
		listing->transfer, strlen(text) + listing->prefix_len + strlen(name) + 2);
}

static int say_name(struct listing *listing, const char *name, const struct stat *stat)
{
	char text[WEFT__FTPD_FACTS_SIZE];

	if (listing->count > WEFT__FTPD_STAT_ENTRIES_MAX) {
		weft__ftpd_reply_line(listing->session, "... and more: use LIST.");
		errno = EOVERFLOW;
		return -1;
	}
	weft__ftpd_ls_print(stat, listing->now_s, text);
	return weft__ftpd_reply_line(listing->session, "%s%s", text, name);
}

static int show(struct listing *listing, const char *name, const struct stat *stat)
{
	if (!weft__ftpd_name_is_plain(name) ||
		(listing->pattern && !weft__ftpd_glob_fits(listing->pattern, name)))
		return 0;
	listing->count++;
	return listing->transfer ? send_name(listing, name, stat) : say_name(listing, name, stat);
}

static int show_entry(const struct weft_files_entry *entry, void *arg)
{
	return show(arg, entry->name, &entry->stat);
}

static int show_folder(struct listing *listing)
{
	struct weft__ftpd_session *session = listing->session;

	return weft_files_list(
		session->options->files, &session->visitor, listing->folder, show_entry, listing);
}

/* ---- What is asked for ------------------------------------------------------------------- */

static const char *skip_options(const char *argument)
{
	while (*argument == '-') {
		argument += strcspn(argument, " ");
		argument += strspn(argument, " ");
	}
	return argument;
}

static bool has_too_many_stars(const char *pattern)
{
	unsigned count = 0;

	for (; *pattern; pattern++)
		count += *pattern == '*';
	return count > WEFT__FTPD_STARS_MAX;
}

/* The name's folder is listed instead, by its last part. -1 with errno. */
static int use_pattern(struct listing *listing, const char *name, struct stat *ret_stat)
{
	struct weft__ftpd_session *session = listing->session;
	const char *slash = strrchr(name, '/');
	char *folder = session->scratch->other;
	size_t len = slash ? (size_t)(slash - name) + 1 : 0;

	if (has_too_many_stars(name) || len >= WEFT__FTPD_PATH_SIZE) {
		errno = EINVAL;
		return -1;
	}
	memcpy(folder, name, len);
	folder[len] = '\0';
	if (weft__ftpd_glob_is(folder)) {
		errno = ENOENT; /* in the last part only */
		return -1;
	}
	if (weft__ftpd_path_of(session, folder, session->scratch->path) < 0)
		return -1;
	listing->pattern = slash ? slash + 1 : name;
	listing->prefix = name;
	listing->prefix_len = len;
	return weft_files_stat(
		session->options->files, &session->visitor, session->scratch->path, ret_stat);
}

/* What is listed, and what it is: a folder, or a file by itself. -1 with errno. */
static int find(struct listing *listing, const char *name, struct stat *ret_stat)
{
	struct weft__ftpd_session *session = listing->session;
	char *path = session->scratch->path;
	int result;

	listing->folder = path;
	listing->prefix = "";
	listing->now_s = weft_wall_now() / WEFT_SECONDS(1);
	if (weft__ftpd_path_of(session, name, path) < 0)
		return -1;
	result = weft_files_stat(session->options->files, &session->visitor, path, ret_stat);
	if (result < 0 && errno == ENOENT && listing->form != FACTS && weft__ftpd_glob_is(name))
		result = use_pattern(listing, name, ret_stat);
	if (result < 0)
		return -1;
	listing->rights = weft_files_rights(&session->visitor, path);
	return 0;
}

static const char *last_part(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

static int show_all(struct listing *listing, const char *name, const struct stat *stat)
{
	if (S_ISDIR(stat->st_mode))
		return show_folder(listing);
	return show(listing, listing->form == NAMES ? name : last_part(listing->folder), stat);
}

/* ---- Over the data connection ------------------------------------------------------------ */

/* NLST's names are to be used as they are (RFC 1123): with the folder that was asked for. */
static void set_prefix(struct listing *listing, const char *name, char *prefix)
{
	size_t len = strlen(name);

	if (listing->form != NAMES) {
		listing->prefix_len = 0;
		return;
	}
	if (listing->pattern || len == 0 || strcmp(name, ".") == 0)
		return;
	memcpy(prefix, name, len);
	if (name[len - 1] != '/')
		prefix[len++] = '/';
	listing->prefix = prefix;
	listing->prefix_len = len;
}

static int send_list(struct weft__ftpd_session *session, enum form form, const char *name)
{
	struct weft__ftpd_transfer transfer = {
		.session = session, .command = "LIST", .path = session->scratch->path};
	struct listing listing = {.session = session, .transfer = &transfer, .form = form};
	struct stat stat;
	int result;

	if (find(&listing, name, &stat) < 0)
		return weft__ftpd_reply_errno(session);
	if (!S_ISDIR(stat.st_mode) && form == FACTS)
		return weft__ftpd_reply(session, 501, "MLSD is for folders.");
	if (weft__ftpd_transfer_begin(&transfer, "Here it comes.") < 0)
		return 0;
	if (S_ISDIR(stat.st_mode))
		set_prefix(&listing, name, session->scratch->other);
	result = show_all(&listing, name, &stat);
	if (result == 0)
		result = weft__ftpd_transfer_close_write(&transfer);
	return weft__ftpd_transfer_end(&transfer, result < 0 ? errno : 0);
}

int weft__ftpd_list(struct weft__ftpd_session *session, const char *argument)
{
	return send_list(session, LONG, skip_options(argument));
}

int weft__ftpd_nlst(struct weft__ftpd_session *session, const char *argument)
{
	return send_list(session, NAMES, skip_options(argument));
}

int weft__ftpd_mlsd(struct weft__ftpd_session *session, const char *argument)
{
	return send_list(session, FACTS, argument);
}

/* ---- Over the control connection --------------------------------------------------------- */

int weft__ftpd_mlst(struct weft__ftpd_session *session, const char *argument)
{
	struct listing listing = {.session = session, .form = FACTS};
	char text[WEFT__FTPD_FACTS_SIZE];
	struct stat stat;

	if (find(&listing, argument, &stat) < 0)
		return weft__ftpd_reply_errno(session);
	weft__ftpd_facts_print(&stat, session->facts, listing.rights, text);
	weft__ftpd_reply(session, -250, "There it is.");
	weft__ftpd_reply_line(session, "%s/%s", text, listing.folder);
	return weft__ftpd_reply(session, 250, "End.");
}

int weft__ftpd_stat_path(struct weft__ftpd_session *session, const char *argument)
{
	const char *name = skip_options(argument);
	struct listing listing = {.session = session, .form = STATUS};
	struct stat stat;

	if (find(&listing, name, &stat) < 0)
		return weft__ftpd_reply_errno(session);
	weft__ftpd_reply(session, -213, "Status of what was asked for:");
	if (show_all(&listing, name, &stat) < 0 && errno != EOVERFLOW)
		weft__ftpd_reply_line(session, "... and more, which can't be read.");
	return weft__ftpd_reply(session, 213, "End.");
}
