/*
 * server_change.c - DELE, RMD, MKD, RNFR, RNTO, MFMT, SITE (RFC 959, section 4.1.3; the draft of
 * MFMT).
 *
 * Never: permissions. Who may what is the matter of accounts, and not of mode bits.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "ftp/server.h"
#include "ftp/server_verbs.h"

/* The path of a name, into the scratch. False: the reply is made. */
static bool take_path(struct weft__ftpd_session *session, const char *name)
{
	if (weft__ftpd_path_of(session, name, session->scratch->path) == 0)
		return true;
	weft__ftpd_reply_errno(session);
	return false;
}

/* The same of what can be taken away: his home is nothing that a visitor has. */
static bool take_path_below(struct weft__ftpd_session *session, const char *name)
{
	if (!take_path(session, name))
		return false;
	if (session->scratch->path[0])
		return true;
	weft__ftpd_reply(session, 550, "That is where you are at home.");
	return false;
}

/* An upload that was interrupted goes with its name. Whether there was one. Keeps errno. */
static bool forget_kept(struct weft__ftpd_session *session)
{
	int saved = errno;
	struct weft_files_upload *kept = NULL;

	if (session->visitor.name)
		kept = weft_files_upload_find(
			session->options->files, &session->visitor, session->scratch->path);
	if (kept)
		weft_files_upload_remove(kept);
	errno = saved;
	return kept;
}

int weft__ftpd_dele(struct weft__ftpd_session *session, const char *argument)
{
	const struct weft_files_remove_options options = {.only_files = true};
	int result;

	if (!take_path_below(session, argument))
		return 0;
	result = weft_files_remove(
		session->options->files, &session->visitor, session->scratch->path, &options);
	if (result < 0 && errno != ENOENT)
		return weft__ftpd_reply_errno(session);
	if (!forget_kept(session) && result < 0)
		return weft__ftpd_reply_errno(session);
	return weft__ftpd_reply(session, 250, "Removed.");
}

int weft__ftpd_rmd(struct weft__ftpd_session *session, const char *argument)
{
	const struct weft_files_remove_options options = {.only_folders = true};

	if (!take_path_below(session, argument))
		return 0;
	if (weft_files_remove(session->options->files, &session->visitor, session->scratch->path,
		    &options) < 0)
		return weft__ftpd_reply_errno(session);
	return weft__ftpd_reply(session, 250, "Removed.");
}

int weft__ftpd_mkd(struct weft__ftpd_session *session, const char *argument)
{
	struct weft__ftpd_scratch *scratch = session->scratch;

	if (!take_path(session, argument))
		return 0;
	if (weft_files_mkdir(session->options->files, &session->visitor, scratch->path) < 0)
		return weft__ftpd_reply_errno(session);
	weft__ftpd_quote(scratch->path, scratch->other, sizeof(scratch->other));
	return weft__ftpd_reply(session, 257, "\"/%s\" made.", scratch->other);
}

int weft__ftpd_rnfr(struct weft__ftpd_session *session, const char *argument)
{
	struct stat stat;

	if (!take_path_below(session, argument))
		return 0;
	if (weft_files_stat(
		    session->options->files, &session->visitor, session->scratch->path, &stat) < 0)
		return weft__ftpd_reply_errno(session);
	session->rename_from = strdup(session->scratch->path);
	if (!session->rename_from)
		return weft__ftpd_reply_errno(session);
	return weft__ftpd_reply(session, 350, "And its new name, by RNTO?");
}

int weft__ftpd_rnto(struct weft__ftpd_session *session, const char *argument)
{
	struct weft_files_move move = {
		.from = session->rename_from, .to = session->scratch->path, .may_replace = true};
	int result = -1;

	if (!session->rename_from)
		return weft__ftpd_reply(session, 503, "RNFR comes first.");
	if (take_path(session, argument)) {
		result = weft_files_move(session->options->files, &session->visitor, &move, NULL);
		if (result < 0)
			weft__ftpd_reply_errno(session);
	}
	free(session->rename_from);
	session->rename_from = NULL;
	return result < 0 ? 0 : weft__ftpd_reply(session, 250, "Renamed.");
}

int weft__ftpd_mfmt(struct weft__ftpd_session *session, const char *argument)
{
	size_t len = strcspn(argument, " ");
	struct timespec mtime;

	if (argument[len] != ' ' || !weft__ftpd_time_read(argument, len, &mtime))
		return weft__ftpd_reply(session, 501, "MFMT takes YYYYMMDDHHMMSS and a name.");
	if (!take_path(session, argument + len + 1))
		return 0;
	if (weft_files_touch(
		    session->options->files, &session->visitor, session->scratch->path, mtime) < 0)
		return weft__ftpd_reply_errno(session);
	return weft__ftpd_reply(
		session, 213, "Modify=%.*s; /%s", (int)len, argument, session->scratch->path);
}

int weft__ftpd_site(struct weft__ftpd_session *session, const char *argument)
{
	size_t len = strcspn(argument, " ");

	if (len == 4 && strncasecmp(argument, "HELP", 4) == 0)
		return weft__ftpd_reply(session, 214, "SITE has HELP, and that is it.");
	if (len == 5 && strncasecmp(argument, "CHMOD", 5) == 0)
		return weft__ftpd_reply(
			session, 502, "Who may what is not said by permissions here.");
	return weft__ftpd_reply(session, 504, "SITE has HELP only.");
}
