/*
 * ftp_shell.c - the commands of `weft ftp`, one after the other, from wherever they come.
 *
 * Entry point: weft__cmd_ftp_shell().
 *
 * Each command is a fiber of its own, which Ctrl-C cancels: the shell goes on. Lines from a
 * terminal are read on a thread, so that other fibers (one keeps the connection alive) go on.
 *
 * Never: goes on with a script behind a command that has failed, unless '-' stands before it.
 */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ftp.h"
#include "weft/file.h"
#include "weft/offload.h"
#include "weft/scope.h"
#include "weft/signal.h"

/** Longest script. */
#define SCRIPT_MAX (16 << 20)

/** Between two signs of life, while nobody types. */
#define KEEP_ALIVE_NS WEFT_SECONDS(50)

/* ---- One command ---------------------------------------------------------------------- */

struct job {
	struct ftp *ftp;
	struct ftp_words *words;
	const char *here; /* no words: a command for this machine; NULL: connect only */
};

static int job_fiber(void *arg)
{
	struct job *job = arg;

	if (job->words)
		return weft__cmd_ftp_run_words(job->ftp, job->words);
	if (job->here)
		return weft__cmd_ftp_run_here(job->here);
	return weft__cmd_ftp_client(job->ftp) ? CMD_DONE : CMD_FAILED;
}

static int run_job(struct ftp *ftp, struct ftp_words *words, const char *here)
{
	const struct weft_spawn_options options = {.name = "ftp", .stack_size_bytes = 256 * 1024};
	struct job job = {ftp, words, here};
	int status = CMD_FAILED;

	if (weft_lock_acquire(&ftp->busy) < 0)
		return CMD_FAILED;
	ftp->job = weft_spawn_with(&options, job_fiber, &job);
	if (ftp->job)
		WEFT_SHIELDED
			weft_join(ftp->job, &status, WEFT_FOREVER);
	ftp->job = 0;
	weft_lock_release(&ftp->busy);
	fflush(stdout);
	return status;
}

/* ---- Beside it ------------------------------------------------------------------------ */

/* Ctrl-C: the command ends; a script too. */
static int interrupt_fiber(void *arg)
{
	const int signals[] = {SIGINT};
	struct ftp *ftp = arg;
	struct weft_signals *caught = weft_signals_new(signals, 1);

	while (caught && weft_signals_next(caught) == SIGINT) {
		if (ftp->job)
			weft_cancel(ftp->job);
		if (!ftp->is_interactive)
			ftp->is_over = ftp->is_broken_off = true;
	}
	weft_signals_free(caught);
	return 0;
}

/* Servers hang up on who says nothing for minutes. */
static int keep_alive_fiber(void *arg)
{
	struct ftp *ftp = arg;

	while (weft_sleep(KEEP_ALIVE_NS) == 0) {
		if (weft_lock_try_acquire(&ftp->busy) < 0)
			continue;
		if (ftp->client && !weft_ftp_client_is_lost(ftp->client))
			weft_ftp_client_noop(ftp->client);
		weft_lock_release(&ftp->busy);
	}
	return 0;
}

/* ---- Scripts -------------------------------------------------------------------------- */

/* "-rm old": it may fail. */
static bool may_fail(struct ftp_words *words)
{
	if (words->count == 0 || words->words[0][0] != '-' || !words->words[0][1])
		return false;
	words->words[0]++;
	return true;
}

/* "!ls -l; date": the line is the shell's of this machine. *text is behind it. */
static int run_line_here(struct ftp *ftp, const char **text)
{
	size_t len = strcspn(*text, "\n");
	char *command = strndup(*text, len);
	int status;

	*text += len;
	if (!command)
		return weft__cmd_fail(FTP, "%s.", strerror(ENOMEM));
	status = run_job(ftp, NULL, command);
	free(command);
	return status;
}

/* The next command of *text, which is behind it then. */
static int run_next(struct ftp *ftp, const char **text)
{
	struct ftp_words words;
	bool is_optional;
	int status = CMD_DONE;

	*text += strspn(*text, " \t\r\n;");
	if (**text == '!') {
		(*text)++;
		return run_line_here(ftp, text);
	}
	if (!weft__cmd_ftp_split(text, &words)) {
		fprintf(stderr, "weft " FTP ": a quote has no end, or there are too many words.\n");
		*text += strlen(*text);
		return CMD_USAGE;
	}
	is_optional = may_fail(&words);
	if (words.count > 0)
		status = run_job(ftp, &words, NULL);
	weft__cmd_ftp_words_fini(&words);
	return is_optional ? CMD_DONE : status;
}

/* All commands of a text; interactive: those of one line, and each may fail. */
static int run_text(struct ftp *ftp, const char *text)
{
	int status = CMD_DONE;

	while (*text && !ftp->is_over && (status == CMD_DONE || ftp->is_interactive))
		status = run_next(ftp, &text);
	return status;
}

static int read_all_stdin(char **ret_text)
{
	size_t len = 0, room = 65536;
	char *text = malloc(room);
	ssize_t some;

	while (text && (some = read(STDIN_FILENO, text + len, room - len - 1)) > 0) {
		len += (size_t)some;
		if (len > SCRIPT_MAX)
			break;
		if (room - len < 4096) {
			char *bigger = realloc(text, room *= 2);

			if (!bigger)
				free(text);
			text = bigger;
		}
	}
	if (!text || len > SCRIPT_MAX) {
		free(text);
		return weft__cmd_fail(FTP, "the commands on the standard input are too many.");
	}
	text[len] = '\0';
	*ret_text = text;
	return CMD_DONE;
}

static int stdin_on_a_thread(void *arg)
{
	return read_all_stdin(arg);
}

static int run_script(struct ftp *ftp)
{
	char *text = NULL;
	int status = CMD_DONE;

	if (ftp->commands)
		text = strdup(ftp->commands);
	else if (ftp->file && strcmp(ftp->file, "-") != 0) {
		if (weft_file_read_all(ftp->file, SCRIPT_MAX, &text) < 0)
			return weft__cmd_fail(FTP, "%s: %s.", ftp->file, strerror(errno));
	} else {
		status = weft_offload(stdin_on_a_thread, &text);
	}
	if (status == CMD_DONE && text)
		status = run_text(ftp, text);
	free(text);
	return ftp->is_broken_off && status == CMD_DONE ? CMD_FAILED : status;
}

/* ---- Typing --------------------------------------------------------------------------- */

struct typing {
	struct ftp_editor *editor;
	char prompt[64];
	char *line;
};

static int read_line(void *arg)
{
	struct typing *typing = arg;

	typing->line = weft__cmd_ftp_editor_line(typing->editor, typing->prompt);
	return 0;
}

static void greet(struct ftp *ftp)
{
	const struct weft_tls_facts *tls = weft_ftp_client_tls(ftp->client);

	printf("Connected to %s as %s, %s.\n", weft__cmd_ftp_visible(ftp->host),
		weft__cmd_ftp_visible(ftp->user ? ftp->user : "anonymous"),
		tls ? tls->version : "without encryption");
	puts("Type help for the commands; TAB completes, and shows what can come next.");
}

/* "ftp /folder> ", the end of it where it is long. */
static void make_prompt(struct ftp *ftp, struct typing *typing)
{
	const char *folder = ftp->remote ? ftp->remote : "";
	size_t len = strlen(folder);
	const char *cut = len > 30 ? "..." : "";

	folder += len > 30 ? len - 27 : 0;
	/* The middle of a character is none. */
	while (((unsigned char)*folder & 0xc0) == 0x80)
		folder++;
	snprintf(typing->prompt, sizeof(typing->prompt), "ftp %s%.40s> ", cut,
		weft__cmd_ftp_visible(folder));
}

static int type(struct ftp *ftp)
{
	struct typing typing = {.editor = weft__cmd_ftp_editor_new(ftp)};

	if (!typing.editor)
		return weft__cmd_fail(FTP, "%s.", strerror(errno));
	greet(ftp);
	while (!ftp->is_over) {
		make_prompt(ftp, &typing);
		if (weft_offload(read_line, &typing) < 0 || !typing.line)
			break;
		run_text(ftp, typing.line);
		free(typing.line);
		typing.line = NULL;
	}
	weft__cmd_ftp_editor_free(typing.editor);
	return CMD_DONE;
}

/* ---- The whole ------------------------------------------------------------------------ */

int weft__cmd_ftp_shell(struct ftp *ftp)
{
	weft_fiber_id helpers[2];
	int status;

	ftp->is_interactive =
		!ftp->commands && !ftp->file && isatty(STDIN_FILENO) && isatty(STDOUT_FILENO);
	helpers[0] = weft_spawn(interrupt_fiber, ftp);
	helpers[1] = weft_spawn(keep_alive_fiber, ftp);
	weft_yield();
	status = run_job(ftp, NULL, NULL);
	if (status == CMD_DONE)
		status = ftp->is_interactive ? type(ftp) : run_script(ftp);
	for (int i = 0; i < 2; i++) {
		weft_cancel(helpers[i]);
		weft_join(helpers[i], NULL, WEFT_FOREVER);
	}
	return status;
}
