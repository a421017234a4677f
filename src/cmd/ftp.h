/*
 * ftp.h - what the files of `weft ftp` share.
 *
 *	ftp.c           options, the place, who one is; runs
 *	ftp_login.c     passwords: asked for, from the environment, from ~/.netrc
 *	ftp_shell.c     commands from the terminal, a file or -c, one after the other
 *	ftp_edit.c      lines from a terminal: editing, history, completion
 *	ftp_commands.c  the table of commands: finding one, help
 *	ftp_words.c     a line cut into words
 *	ftp_browse.c    ls, cd, pwd, cat, rm, mv, ...: what moves no files
 *	ftp_list.c      what ls prints
 *	ftp_transfer.c  get, put, mget, mput
 *	ftp_mirror.c    mirror: what there is to do
 *	ftp_work.c      files moved, several at a time
 *	ftp_progress.c  bars
 *
 * All of it runs on one worker: fibers of it change what they share between two waits, and need
 * no locks. What the terminal's thread does (editing, completion) waits for `busy`.
 */
#ifndef WEFT_SRC_CMD_FTP_H
#define WEFT_SRC_CMD_FTP_H

#include <stdbool.h>
#include <stdio.h>

#include "cmd.h"
#include "weft/fiber.h"
#include "weft/ftp_client.h"
#include "weft/lock.h"
#include "weft/str.h"

#define FTP "ftp"

/** Transfers at a time: by default, and at most. */
#define FTP_PARALLEL     3
#define FTP_PARALLEL_MAX 16

struct ftp_progress; /* ftp_progress.c */

struct ftp {
	/* Options. */
	const char *place;    /* as it was typed */
	const char *commands; /* -c */
	const char *file;     /* -f */
	const char *issuers;
	unsigned security, parallel;
	bool is_insecure, is_active, trusts_address, has_clear_data, traces, verifies,
		uses_temporary;
	int64_t timeout_ns;

	/* The place. */
	char *host; /* with its port, if one was said */
	char *user, *password, *folder;
	struct weft_tls *tls; /* NULL: the first client has its own */

	/* The session. */
	struct weft_ftp_client *client; /* NULL, or lost: to be made anew at the next need */
	struct weft_ftp_pool *pool;     /* for transfers beside it; NULL: not needed so far */
	char *remote;                   /* the folder there, absolute; NULL: the server's own */
	struct weft_lock busy;          /* a command, or a completion, uses the client */
	weft_fiber_id job;              /* the command that runs; 0 */
	bool is_interactive;            /* lines come from a terminal */
	bool is_over;                   /* quit, or nothing more to read */
	bool is_broken_off;             /* a script, by Ctrl-C */
	bool has_said_no_sums;          /* of a server without SHA-256 */
	struct ftp_progress *progress;
};

/** Connected, logged in and in its folder; NULL: said why. */
struct weft_ftp_client *weft__cmd_ftp_client(struct ftp *ftp);

/** Say why the last call on the client failed; what: about what, may be NULL. CMD_FAILED. */
int weft__cmd_ftp_fail(
	const struct ftp *ftp, const struct weft_ftp_client *client, const char *what);

/** Read the authorities, for clients to share; once. A status. */
int weft__cmd_ftp_make_tls(struct ftp *ftp);

/** The options that clients are made with. */
struct weft_ftp_client_options weft__cmd_ftp_client_options(struct ftp *ftp);

/* ---- Logging in: ftp_login.c ---------------------------------------------------------- */

/** Find out user and password, if they are not known yet. A status. */
int weft__cmd_ftp_find_login(struct ftp *ftp);

/* ---- Lines: ftp_shell.c, ftp_words.c --------------------------------------------------- */

/** Run what was asked for: -c, -f, or what is typed. A status. In a fiber. */
int weft__cmd_ftp_shell(struct ftp *ftp);

/** Words of a command at most. */
#define FTP_WORDS_MAX 1000

struct ftp_words {
	char **words; /* NULL behind the last */
	int count;
	char *text; /* that they point into */
};

/**
 * Cut the first command of *line off, ';' or a line end being behind it, and into words:
 * 'as it stands', "the same", \c. *line is behind it. False: a quote has no end, or there
 * are too many words.
 */
bool weft__cmd_ftp_split(const char **line, struct ftp_words *ret_words);
void weft__cmd_ftp_words_fini(struct ftp_words *words);

/** A line from a terminal, with editing, history and completion; free(3) it. NULL: the end. */
struct ftp_editor;
struct ftp_editor *weft__cmd_ftp_editor_new(struct ftp *ftp);
char *weft__cmd_ftp_editor_line(struct ftp_editor *editor, const char *prompt);
void weft__cmd_ftp_editor_free(struct ftp_editor *editor);

/* ---- Commands: ftp_commands.c ----------------------------------------------------------- */

/** What the words of a command are, for completion. */
enum ftp_kind {
	FTP_NOTHING,
	FTP_REMOTE,
	FTP_LOCAL,
	FTP_COMMAND,
};

struct ftp_command {
	const char *name, *usage, *summary;
	int words_min, words_max; /* behind the name; -1: any number */
	enum ftp_kind kind;
	int (*run)(struct ftp *ftp, int argc, char **argv);
	const char *more; /* help in full; may be NULL */
};

/** The index-th command; NULL behind the last. */
const struct ftp_command *weft__cmd_ftp_command_at(size_t index);
const struct ftp_command *weft__cmd_ftp_command_find(const char *name);

/** Run one command of words. A status. */
int weft__cmd_ftp_run_words(struct ftp *ftp, struct ftp_words *words);

/** Run a command of this machine's, by its shell, at this terminal. A status. */
int weft__cmd_ftp_run_here(const char *command);

/** A wrong use of a command: says how it is used. CMD_USAGE. */
int weft__cmd_ftp_misuse(const char *name);

int weft__cmd_ftp_help(struct ftp *ftp, int argc, char **argv);
int weft__cmd_ftp_ls(struct ftp *ftp, int argc, char **argv);
int weft__cmd_ftp_cd(struct ftp *ftp, int argc, char **argv);
int weft__cmd_ftp_pwd(struct ftp *ftp, int argc, char **argv);
int weft__cmd_ftp_lcd(struct ftp *ftp, int argc, char **argv);
int weft__cmd_ftp_lpwd(struct ftp *ftp, int argc, char **argv);
int weft__cmd_ftp_lls(struct ftp *ftp, int argc, char **argv);
int weft__cmd_ftp_cat_one(struct ftp *ftp, const char *path);
int weft__cmd_ftp_cat(struct ftp *ftp, int argc, char **argv);
int weft__cmd_ftp_rm(struct ftp *ftp, int argc, char **argv);
int weft__cmd_ftp_rmdir(struct ftp *ftp, int argc, char **argv);
int weft__cmd_ftp_mkdir(struct ftp *ftp, int argc, char **argv);
int weft__cmd_ftp_mv(struct ftp *ftp, int argc, char **argv);
int weft__cmd_ftp_chmod(struct ftp *ftp, int argc, char **argv);
int weft__cmd_ftp_quote(struct ftp *ftp, int argc, char **argv);
int weft__cmd_ftp_status(struct ftp *ftp, int argc, char **argv);
int weft__cmd_ftp_get(struct ftp *ftp, int argc, char **argv);
int weft__cmd_ftp_put(struct ftp *ftp, int argc, char **argv);
int weft__cmd_ftp_mget(struct ftp *ftp, int argc, char **argv);
int weft__cmd_ftp_mput(struct ftp *ftp, int argc, char **argv);
int weft__cmd_ftp_mirror(struct ftp *ftp, int argc, char **argv);
int weft__cmd_ftp_quit(struct ftp *ftp, int argc, char **argv);

/** Options of the commands, of which each takes some; ftp_commands.c. */
struct ftp_flags {
	bool is_json, is_short, is_recursive, is_reverse, resumes, restarts, deletes, is_dry;
	bool verifies, uses_temporary;
	unsigned parallel;
	int first; /* index of the first word that is no option */
};

/**
 * Read the options that letters name, as for getopt(3); long ones have the same letters. A status.
 */
int weft__cmd_ftp_flags(
	struct ftp *ftp, const char *letters, int argc, char **argv, struct ftp_flags *ret_flags);

/* ---- Names ---------------------------------------------------------------------------- */

/** folder/name, to be freed; folder "" or NULL: name. NULL: no memory. */
char *weft__cmd_ftp_join(const char *folder, const char *name);

/** What is behind the last '/'. */
const char *weft__cmd_ftp_base(const char *path);

/** A path there as an absolute one, for connections that are in other folders. */
char *weft__cmd_ftp_absolute(struct ftp *ftp, const char *path);

/** Text from outside for a terminal, in a static place: two at a time. */
const char *weft__cmd_ftp_visible(const char *text);

/** "12.3 MB", in a static place. */
const char *weft__cmd_ftp_bytes(int64_t bytes);

/* ---- Moving files: ftp_work.c, ftp_progress.c -------------------------------------------- */

/** One file to be moved. */
struct ftp_task {
	char *remote, *local; /* the task's own */
	bool is_upload;
	int64_t size;       /* -1: not known */
	int64_t modified_s; /* with has_facts */
	bool has_facts;     /* size and time are as the server told them */
};

struct ftp_work {
	struct ftp *ftp;
	struct ftp_task *tasks;
	size_t count, room, next;
	struct ftp_flags flags;
	size_t total, done, failed, left; /* of all that were run; left: not tried */
	int64_t bytes;
	int64_t begun_ns;
	bool has_run_dry; /* no connection more can be had */
};

/** Add a task; its strings become the work's, also when this fails. False: no memory. */
bool weft__cmd_ftp_work_add(struct ftp_work *work, struct ftp_task task);

/** Do what there is so far, flags.parallel at a time, and forget it. */
void weft__cmd_ftp_work_some(struct ftp_work *work);

/** Do the rest, and say how all of it went. A status. */
int weft__cmd_ftp_work_run(struct ftp_work *work);
void weft__cmd_ftp_work_fini(struct ftp_work *work);

/** Bars on stderr, if it is a terminal; NULL is fine for all of these. */
struct ftp_progress *weft__cmd_ftp_progress_new(void);
void weft__cmd_ftp_progress_free(struct ftp_progress *progress);

/** A file begins; its slot, or -1. name is borrowed until the end. */
int weft__cmd_ftp_progress_begin(struct ftp_progress *progress, const char *name, int64_t total);
void weft__cmd_ftp_progress_tell(
	struct ftp_progress *progress, int slot, int64_t done, int64_t total);
void weft__cmd_ftp_progress_end(struct ftp_progress *progress, int slot);

/** So many more files are to come, and so many bytes in them as far as is known. */
void weft__cmd_ftp_progress_expect(struct ftp_progress *progress, size_t count, int64_t bytes);

/** Before and after a line is printed. */
void weft__cmd_ftp_progress_hide(struct ftp_progress *progress);
void weft__cmd_ftp_progress_show(struct ftp_progress *progress);

/* ---- Lists and trees: ftp_list.c, ftp_browse.c -------------------------------------------- */

/** Print a listing as the flags say; folder is what is in front of the names. */
void weft__cmd_ftp_print_list(const struct weft_ftp_list *list, const struct ftp_flags *flags);

/**
 * The entries that pattern means: of a folder, all; else those that match the part behind the
 * last '/'. *ret_folder, to be freed, is what stands in front of their names. A status.
 */
int weft__cmd_ftp_match(
	struct ftp *ftp, const char *pattern, struct weft_ftp_list *ret_list, char **ret_folder);

/** Whether a word is a pattern. */
bool weft__cmd_ftp_is_pattern(const char *text);

/** Remove a folder there and all in it. A status. */
int weft__cmd_ftp_remove_tree(struct ftp *ftp, struct weft_ftp_client *client, const char *path);

#endif
