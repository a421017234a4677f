/*
 * server_tell.c - the commands that change nothing but the session: where it is, what it is set to,
 * what a file is like, what this server can do.
 *
 * FEAT names what works, and nothing else (RFC 2389, section 3): TLS where there is a certificate.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "ftp/server_transfer.h"
#include "ftp/server_verbs.h"
#include "io/stream.h"

/* ---- Where ------------------------------------------------------------------------------- */

int weft__ftpd_pwd(struct weft__ftpd_session *session, const char *argument)
{
	struct weft__ftpd_scratch *scratch = session->scratch;

	(void)argument;
	weft__ftpd_quote(
		session->folder ? session->folder : "", scratch->path, sizeof(scratch->path));
	return weft__ftpd_reply(session, 257, "\"/%s\" is where you are.", scratch->path);
}

int weft__ftpd_cwd(struct weft__ftpd_session *session, const char *argument)
{
	char *path = session->scratch->path;
	struct stat stat;
	char *folder;

	if (weft__ftpd_path_of(session, argument, path) < 0 ||
		weft_files_stat(session->options->files, &session->visitor, path, &stat) < 0)
		return weft__ftpd_reply_errno(session);
	if (!S_ISDIR(stat.st_mode)) {
		errno = ENOTDIR;
		return weft__ftpd_reply_errno(session);
	}
	folder = path[0] ? strdup(path) : NULL;
	if (path[0] && !folder)
		return weft__ftpd_reply_errno(session);
	free(session->folder);
	session->folder = folder;
	return weft__ftpd_reply(session, 250, "You are in /%s", path);
}

int weft__ftpd_cdup(struct weft__ftpd_session *session, const char *argument)
{
	(void)argument;
	return weft__ftpd_cwd(session, "..");
}

/* ---- Settings ---------------------------------------------------------------------------- */

int weft__ftpd_type(struct weft__ftpd_session *session, const char *argument)
{
	static const struct {
		const char *text;
		bool is_ascii;
	} types[] = {{"A", true}, {"A N", true}, {"I", false}, {"L 8", false}, {"L8", false}};

	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		if (strcasecmp(argument, types[i].text) != 0)
			continue;
		session->is_ascii = types[i].is_ascii;
		return weft__ftpd_reply(session, 200, types[i].is_ascii ? "As text." : "As it is.");
	}
	return weft__ftpd_reply(session, 504, "TYPE takes A, I or L 8.");
}

int weft__ftpd_stru(struct weft__ftpd_session *session, const char *argument)
{
	if (strcasecmp(argument, "F") != 0)
		return weft__ftpd_reply(session, 504, "STRU takes F.");
	return weft__ftpd_reply(session, 200, "Files it is.");
}

int weft__ftpd_mode(struct weft__ftpd_session *session, const char *argument)
{
	if (strcasecmp(argument, "S") != 0)
		return weft__ftpd_reply(session, 504, "MODE takes S.");
	return weft__ftpd_reply(session, 200, "A stream it is.");
}

static int set_facts(struct weft__ftpd_session *session, const char *names)
{
	char text[96];
	size_t len = 0;

	session->facts = weft__ftpd_facts_read(names);
	text[0] = '\0';
	for (unsigned fact = 1; fact <= WEFT__FTPD_FACTS_ALL; fact <<= 1)
		if (session->facts & fact)
			len += (size_t)snprintf(
				text + len, sizeof(text) - len, "%s;", weft__ftpd_fact_name(fact));
	return weft__ftpd_reply(session, 200, len ? "MLST OPTS %s" : "MLST OPTS%s", text);
}

int weft__ftpd_opts(struct weft__ftpd_session *session, const char *argument)
{
	size_t len = strcspn(argument, " ");
	const char *rest = argument + len + (argument[len] == ' ');

	if ((len == 4 && strncasecmp(argument, "UTF8", 4) == 0) ||
		(len == 5 && strncasecmp(argument, "UTF-8", 5) == 0))
		return strcasecmp(rest, "OFF") == 0
			       ? weft__ftpd_reply(session, 504, "Names are in UTF-8 always.")
			       : weft__ftpd_reply(session, 200, "Names are in UTF-8.");
	if (len == 4 && strncasecmp(argument, "MLST", 4) == 0)
		return set_facts(session, rest);
	if (len == 4 && strncasecmp(argument, "HASH", 4) == 0)
		return !rest[0] || strcasecmp(rest, "SHA-256") == 0
			       ? weft__ftpd_reply(session, 200, "SHA-256")
			       : weft__ftpd_reply(session, 504, "HASH is by SHA-256.");
	return weft__ftpd_reply(session, 501, "OPTS takes UTF8, MLST or HASH.");
}

/* ---- Files ------------------------------------------------------------------------------- */

/* What a file is; the reply of what is none is made: -1. */
static int look(struct weft__ftpd_session *session, const char *name, struct stat *ret_stat)
{
	char *path = session->scratch->path;

	if (weft__ftpd_path_of(session, name, path) == 0 &&
		weft_files_stat(session->options->files, &session->visitor, path, ret_stat) == 0)
		return 0;
	weft__ftpd_reply_errno(session);
	return -1;
}

/* Bytes of an upload that was interrupted, where there is no file; -1: there is none either. */
static int64_t kept_len(struct weft__ftpd_session *session)
{
	struct weft_files_upload *kept;
	int64_t len;

	if (!session->visitor.name)
		return -1;
	kept = weft_files_upload_find(
		session->options->files, &session->visitor, session->scratch->path);
	if (!kept)
		return -1;
	len = weft_files_upload_facts(kept).offset;
	weft_files_upload_close(kept);
	return len;
}

int weft__ftpd_size(struct weft__ftpd_session *session, const char *argument)
{
	char *path = session->scratch->path;
	struct stat stat;

	if (session->is_ascii)
		return weft__ftpd_reply(session, 550, "SIZE is for TYPE I.");
	if (weft__ftpd_path_of(session, argument, path) < 0)
		return weft__ftpd_reply_errno(session);
	if (weft_files_stat(session->options->files, &session->visitor, path, &stat) < 0) {
		int saved = errno;
		int64_t len = saved == ENOENT ? kept_len(session) : -1;

		errno = saved;
		return len < 0 ? weft__ftpd_reply_errno(session)
			       : weft__ftpd_reply(session, 213, "%lld", (long long)len);
	}
	if (S_ISDIR(stat.st_mode)) {
		errno = EISDIR;
		return weft__ftpd_reply_errno(session);
	}
	return weft__ftpd_reply(session, 213, "%lld", (long long)stat.st_size);
}

int weft__ftpd_mdtm(struct weft__ftpd_session *session, const char *argument)
{
	char text[32];
	struct stat stat;

	if (look(session, argument, &stat) < 0)
		return 0;
	weft__ftpd_time_print(stat.st_mtim.tv_sec, text);
	return weft__ftpd_reply(session, 213, "%s", text);
}

/* The digest in hexadecimal. -1: the reply is made. */
static int hash_file(struct weft__ftpd_session *session, const char *name, struct stat *ret_stat,
	char ret_text[65])
{
	struct weft_files_part part = {.path = session->scratch->path, .len = -1};
	struct weft__ftpd_watch *watch;
	uint8_t digest[32];
	int result;

	if (look(session, name, ret_stat) < 0)
		return -1;
	part.len = S_ISDIR(ret_stat->st_mode) ? -1 : ret_stat->st_size;
	/* A large file takes long, and nobody may be there to be told any more. */
	watch = weft__ftpd_watch_start_work(session);
	result = weft_files_sha256(session->options->files, &session->visitor, &part, digest);
	weft__ftpd_watch_stop(watch);
	if (result < 0) {
		weft__ftpd_reply_errno(session);
		return -1;
	}
	for (size_t i = 0; i < sizeof(digest); i++)
		snprintf(ret_text + 2 * i, 3, "%02x", digest[i]);
	return 0;
}

/* draft-bryan-ftp-hash, section 4. */
int weft__ftpd_hash(struct weft__ftpd_session *session, const char *argument)
{
	struct stat stat;
	char text[65];

	if (hash_file(session, argument, &stat, text) < 0)
		return 0;
	return weft__ftpd_reply(session, 213, "SHA-256 0-%lld %s /%s", (long long)stat.st_size,
		text, session->scratch->path);
}

int weft__ftpd_xsha256(struct weft__ftpd_session *session, const char *argument)
{
	struct stat stat;
	char text[65];

	if (hash_file(session, argument, &stat, text) < 0)
		return 0;
	return weft__ftpd_reply(session, 250, "%s", text);
}

/* ---- This server ------------------------------------------------------------------------- */

int weft__ftpd_syst(struct weft__ftpd_session *session, const char *argument)
{
	(void)argument;
	return weft__ftpd_reply(session, 215, "UNIX Type: L8");
}

int weft__ftpd_noop(struct weft__ftpd_session *session, const char *argument)
{
	(void)argument;
	return weft__ftpd_reply(session, 200, "Here I am.");
}

/* Of a transfer under way: server_watch.c. Here it is over. */
int weft__ftpd_abor(struct weft__ftpd_session *session, const char *argument)
{
	(void)argument;
	weft__ftpd_data_forget(session);
	return weft__ftpd_reply(session, 226, "Nothing is under way.");
}

int weft__ftpd_quit(struct weft__ftpd_session *session, const char *argument)
{
	(void)argument;
	weft__ftpd_reply(session, 221, "Goodbye.");
	return -1;
}

static void tell_facts(struct weft__ftpd_session *session)
{
	char text[128];
	size_t len = 0;

	for (unsigned fact = 1; fact <= WEFT__FTPD_FACTS_ALL; fact <<= 1)
		len += (size_t)snprintf(text + len, sizeof(text) - len, "%s%s;",
			weft__ftpd_fact_name(fact), session->facts & fact ? "*" : "");
	weft__ftpd_reply_line(session, "MLST %s", text);
}

int weft__ftpd_feat(struct weft__ftpd_session *session, const char *argument)
{
	static const char *const of_tls[] = {"AUTH TLS", "PBSZ", "PROT"};
	static const char *const others[] = {"EPSV", "HASH SHA-256*", "MDTM", "MFMT", "REST STREAM",
		"SIZE", "TVFS", "UTF8", "XSHA256"};

	(void)argument;
	weft__ftpd_reply(session, -211, "What works here:");
	for (size_t i = 0; session->options->tls && i < 3; i++)
		weft__ftpd_reply_line(session, "%s", of_tls[i]);
	if (!session->options->no_active)
		weft__ftpd_reply_line(session, "EPRT");
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		weft__ftpd_reply_line(session, "%s", others[i]);
	tell_facts(session);
	return weft__ftpd_reply(session, 211, "End.");
}

int weft__ftpd_help(struct weft__ftpd_session *session, const char *argument)
{
	const struct weft__ftpd_verb *verb;
	char text[96];
	size_t len = 0;

	(void)argument;
	weft__ftpd_reply(session, -214, "These are the commands:");
	for (size_t i = 0; (verb = weft__ftpd_verb_at(i)) != NULL; i++) {
		len += (size_t)snprintf(text + len, sizeof(text) - len, "%-8s", verb->name);
		if (i % 8 == 7 || !weft__ftpd_verb_at(i + 1)) {
			weft__ftpd_reply_line(session, "%s", text);
			len = 0;
		}
	}
	return weft__ftpd_reply(session, 214, "docs/ftp.md says more.");
}

int weft__ftpd_stat(struct weft__ftpd_session *session, const char *argument)
{
	const struct weft_tls_facts *tls = weft__stream_facts(session->control);

	if (argument[0])
		return weft__ftpd_stat_path(session, argument);
	weft__ftpd_reply(session, -211, "Status:");
	weft__ftpd_reply_line(
		session, "Logged in as %s", session->is_anonymous ? "a stranger" : session->name);
	weft__ftpd_reply_line(session, "TYPE %s; STRU F; MODE S", session->is_ascii ? "A" : "I");
	weft__ftpd_reply_line(session, "Commands: %s; data: %s",
		tls ? tls->version : "in the clear",
		session->is_private ? "encrypted" : "in the clear");
	return weft__ftpd_reply(session, 211, "End.");
}
