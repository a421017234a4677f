/*
 * ftp_edit.c - what is typed into `weft ftp`: editing, history, completion, by libedit.
 *
 * Entry points: weft__cmd_ftp_editor_new(), weft__cmd_ftp_editor_line(),
 * weft__cmd_ftp_editor_free().
 *
 * It runs on a thread of its own; what it asks the server for completion it asks between two
 * commands, under the client's lock. Built without libedit, lines are read as they are.
 *
 * Never: puts a name on the line, or on the screen, that could move the cursor.
 */
#include "ftp.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#ifndef WEFT_HAS_LIBEDIT

struct ftp_editor {
	int nothing;
};

struct ftp_editor *weft__cmd_ftp_editor_new(struct ftp *ftp)
{
	(void)ftp;
	return calloc(1, sizeof(struct ftp_editor));
}

char *weft__cmd_ftp_editor_line(struct ftp_editor *editor, const char *prompt)
{
	char *line = NULL;
	size_t size = 0;

	(void)editor;
	fputs(prompt, stdout);
	fflush(stdout);
	if (getline(&line, &size, stdin) >= 0)
		return line;
	free(line);
	putchar('\n');
	return NULL;
}

void weft__cmd_ftp_editor_free(struct ftp_editor *editor)
{
	free(editor);
}

#else

#include <histedit.h>
#include <locale.h>
#include <sys/ioctl.h>
#include <wchar.h>

#include "weft/dir.h"
#include "weft/scope.h"
#include "weft/vec.h"

#define HISTORY_LINES 1000

/** For a folder that is listed for completion. */
#define PATIENCE_NS   WEFT_SECONDS(10)

/** Names shown at a time. */
#define SHOWN_MAX     200

struct ftp_editor {
	struct ftp *ftp;
	EditLine *line;
	History *history;
	char *history_path; /* NULL: it is kept nowhere */
	const char *prompt;
	/* The folder that was listed last, for as long as no command has run. */
	struct weft_ftp_list listed;
	char *listed_folder;
};

/* ---- Candidates ----------------------------------------------------------------------- */

struct candidates {
	struct weft_vec names; /* char *: as they are, with '/' behind folders */
	const char *prefix;
};

static void add(struct candidates *candidates, const char *name, bool is_folder)
{
	char *copy;

	if (strncmp(name, candidates->prefix, strlen(candidates->prefix)) != 0 ||
		(name[0] == '.' && !candidates->prefix[0]) || !weft_ftp_name_is_safe(name))
		return;
	if (asprintf(&copy, "%s%s", name, is_folder ? "/" : "") < 0)
		return;
	if (weft_vec_push(&candidates->names, &copy) < 0)
		free(copy);
}

static void add_commands(struct candidates *candidates)
{
	const struct ftp_command *command;

	for (size_t i = 0; (command = weft__cmd_ftp_command_at(i)); i++)
		add(candidates, command->name, false);
}

static void add_local(struct candidates *candidates, const char *folder)
{
	struct weft_dir_list list;

	if (weft_dir_list(*folder ? folder : ".", 0, &list) < 0)
		return;
	for (size_t i = 0; i < list.count; i++)
		add(candidates, list.entries[i].name, list.entries[i].type == WEFT_DIR_DIR);
	weft_dir_list_fini(&list);
}

static void forget_listed(struct ftp_editor *editor)
{
	weft_ftp_list_fini(&editor->listed);
	free(editor->listed_folder);
	editor->listed_folder = NULL;
}

static bool list_remote(struct ftp_editor *editor, const char *folder)
{
	struct ftp *ftp = editor->ftp;
	int result = -1;

	if (editor->listed_folder && strcmp(editor->listed_folder, folder) == 0)
		return true;
	forget_listed(editor);
	WEFT_WITH_TIMEOUT (PATIENCE_NS) {
		if (weft_lock_acquire(&ftp->busy) == 0) {
			if (ftp->client && !weft_ftp_client_is_lost(ftp->client))
				result = weft_ftp_client_list(ftp->client, folder, &editor->listed);
			weft_lock_release(&ftp->busy);
		}
	}
	editor->listed_folder = result == 0 ? strdup(folder) : NULL;
	return result == 0;
}

static void add_remote(struct ftp_editor *editor, struct candidates *candidates, const char *folder)
{
	if (!list_remote(editor, folder))
		return;
	for (size_t i = 0; i < editor->listed.count; i++)
		add(candidates, editor->listed.entries[i].name,
			editor->listed.entries[i].type == WEFT_FTP_FOLDER);
}

/* ---- The word before the cursor ----------------------------------------------------------- */

struct word {
	char *text; /* its quotes undone */
	char *line; /* from the command on, up to the word */
	int index;  /* 0: the command itself */
	char quote; /* that it began with and has not ended; 0 */
};

/* Where the command that the cursor is in begins, and its last word: by one look at the line. */
static bool find_word(const LineInfo *info, struct word *word)
{
	size_t len = (size_t)(info->cursor - info->buffer);
	const char *at = info->buffer, *command = at, *start = at;
	bool is_inside = false;
	char *to;

	*word = (struct word){.text = calloc(1, len + 1)};
	to = word->text;
	if (!to)
		return false;
	for (; at < info->cursor; at++) {
		if (!word->quote && (*at == ' ' || *at == ';')) {
			word->index = *at == ';' ? 0 : word->index + is_inside;
			command = *at == ';' ? at + 1 : command;
			is_inside = false;
			to = word->text;
			start = at + 1;
			continue;
		}
		is_inside = true;
		if (!word->quote && (*at == '\'' || *at == '"')) {
			word->quote = *at;
		} else if (word->quote && *at == word->quote) {
			word->quote = '\0';
		} else {
			at += !word->quote && *at == '\\' && at + 1 < info->cursor;
			*to++ = *at;
		}
	}
	*to = '\0';
	word->line = strndup(command, (size_t)(start - command));
	return word->line != NULL;
}

static enum ftp_kind kind_of(const struct ftp_command *command, const struct word *word)
{
	/* What follows the first of two names is on the other side. */
	bool is_pair = strcmp(command->name, "get") == 0 || strcmp(command->name, "put") == 0 ||
		       strcmp(command->name, "mirror") == 0;
	bool is_reverse = strcmp(command->name, "mirror") == 0 && strstr(word->line, " -R");
	enum ftp_kind kind = command->kind;

	if (is_pair && word->index - (is_reverse ? 1 : 0) > 1)
		is_reverse = !is_reverse;
	if (is_reverse)
		kind = kind == FTP_LOCAL ? FTP_REMOTE : FTP_LOCAL;
	return kind;
}

static const struct ftp_command *command_of(const struct word *word)
{
	const char *line = word->line;
	struct ftp_words words;
	const struct ftp_command *command;

	if (!weft__cmd_ftp_split(&line, &words))
		return NULL;
	command = words.count > 0 ? weft__cmd_ftp_command_find(words.words[0]) : NULL;
	weft__cmd_ftp_words_fini(&words);
	return command;
}

/* ---- Completing ------------------------------------------------------------------------- */

/* All at once: a character may be of several bytes. */
static void insert(struct ftp_editor *editor, const struct word *word, const char *text)
{
	char *quoted = malloc(strlen(text) * 2 + 1), *to = quoted;

	for (; quoted && *text; text++) {
		if (!word->quote && strchr(" \t;'\"\\#*?[!", *text))
			*to++ = '\\';
		*to++ = *text;
	}
	if (!quoted)
		return;
	*to = '\0';
	el_insertstr(editor->line, quoted);
	free(quoted);
}

/* How much all of them have in common. */
static size_t common_len(const struct weft_vec *names)
{
	const char *first = *(char **)weft_vec_at(names, 0);
	size_t len = strlen(first);

	for (size_t i = 1; i < weft_vec_len(names); i++) {
		const char *other = *(char **)weft_vec_at(names, i);
		size_t same = 0;

		while (same < len && first[same] == other[same])
			same++;
		len = same;
	}
	/* Not in the middle of a character. */
	while (len > 0 && ((unsigned char)first[len] & 0xc0) == 0x80)
		len--;
	return len;
}

static void show_commands(const struct weft_vec *names)
{
	for (size_t i = 0; i < weft_vec_len(names); i++) {
		const struct ftp_command *command =
			weft__cmd_ftp_command_find(*(char **)weft_vec_at(names, i));

		printf("  %-36s %s\n", command->usage, command->summary);
	}
}

/* Columns that a name takes on the screen. */
static int width_of(const char *name)
{
	const char *text = weft__cmd_ftp_visible(name);
	wchar_t wide[1024];
	size_t len = mbstowcs(wide, text, sizeof(wide) / sizeof(wide[0]));
	int width = len < sizeof(wide) / sizeof(wide[0]) ? wcswidth(wide, len) : -1;

	return width < 0 ? (int)strlen(text) : width;
}

/* Side by side, as many as fit: down one column, then down the next. */
static void show_names(const struct weft_vec *names)
{
	size_t count = weft_vec_len(names), across, down;
	struct winsize window = {.ws_col = 0};
	int width = 1;

	ioctl(STDOUT_FILENO, TIOCGWINSZ, &window);
	count = count < SHOWN_MAX ? count : SHOWN_MAX;
	for (size_t i = 0; i < count; i++) {
		int one = width_of(*(char **)weft_vec_at(names, i));

		width = one > width ? one : width;
	}
	across = (window.ws_col ? window.ws_col : 80) / ((size_t)width + 2);
	across = across ? across : 1;
	down = (count + across - 1) / across;
	for (size_t row = 0; row < down; row++) {
		for (size_t i = row; i < count; i += down) {
			const char *name = *(char **)weft_vec_at(names, i);

			printf("  %s%*s", weft__cmd_ftp_visible(name),
				i + down < count ? width - width_of(name) : 0, "");
		}
		putchar('\n');
	}
	if (weft_vec_len(names) > count)
		printf("  and %zu more\n", weft_vec_len(names) - count);
}

static void show(const struct weft_vec *names, bool are_commands)
{
	putchar('\n');
	if (are_commands)
		show_commands(names);
	else
		show_names(names);
	fflush(stdout);
}

static unsigned char use(struct ftp_editor *editor, const struct word *word,
	struct candidates *candidates, bool are_commands)
{
	size_t count = weft_vec_len(&candidates->names), prefix = strlen(candidates->prefix);
	const char *first = count ? *(char **)weft_vec_at(&candidates->names, 0) : "";
	size_t common = count ? common_len(&candidates->names) : 0;

	if (common > prefix) {
		char *more = strndup(first + prefix, common - prefix);

		if (more)
			insert(editor, word, more);
		free(more);
	}
	if (count == 1 && first[common - 1] != '/') {
		char end[3] = {word->quote ? word->quote : ' ', word->quote ? ' ' : '\0', '\0'};

		el_insertstr(editor->line, end);
	}
	if (count > 1 && common <= prefix) {
		show(&candidates->names, are_commands);
		return CC_REDISPLAY;
	}
	return CC_REFRESH;
}

static unsigned char complete(EditLine *line, wint_t key)
{
	const struct ftp_command *command = NULL;
	struct candidates candidates;
	struct ftp_editor *editor;
	enum ftp_kind kind = FTP_COMMAND;
	unsigned char result = CC_ERROR;
	struct word word;
	char *folder;

	(void)key;
	el_get(line, EL_CLIENTDATA, &editor);
	if (!find_word(el_line(line), &word))
		goto out;
	if (word.index > 0) {
		command = command_of(&word);
		kind = command ? kind_of(command, &word) : FTP_NOTHING;
	}
	candidates.prefix = weft__cmd_ftp_base(word.text);
	folder = strndup(word.text, (size_t)(candidates.prefix - word.text));
	weft_vec_init(&candidates.names, sizeof(char *));
	if (kind == FTP_COMMAND)
		add_commands(&candidates);
	else if (folder && kind == FTP_LOCAL)
		add_local(&candidates, folder);
	else if (folder && kind == FTP_REMOTE)
		add_remote(editor, &candidates, folder);
	if (weft_vec_len(&candidates.names) > 0) {
		result = use(editor, &word, &candidates, kind == FTP_COMMAND);
	} else if (command) {
		/* Nothing to complete: what the command takes. */
		printf("\n  %-36s %s\n", command->usage, command->summary);
		fflush(stdout);
		result = CC_REDISPLAY;
	}
	for (size_t i = 0; i < weft_vec_len(&candidates.names); i++)
		free(*(char **)weft_vec_at(&candidates.names, i));
	weft_vec_fini(&candidates.names);
	free(folder);
out:
	free(word.text);
	free(word.line);
	return result;
}

/* Ctrl-C at the prompt drops the line; the terminal makes no signal of it meanwhile. */
static unsigned char drop_line(EditLine *line, wint_t key)
{
	const LineInfo *info = el_line(line);

	(void)key;
	el_cursor(line, (int)(info->lastchar - info->cursor));
	info = el_line(line);
	el_deletestr(line, (int)(info->cursor - info->buffer));
	fputs("^C\n", stdout);
	fflush(stdout);
	return CC_REDISPLAY;
}

/* ---- Life ---------------------------------------------------------------------------------- */

static char *prompt_of(EditLine *line)
{
	struct ftp_editor *editor;

	el_get(line, EL_CLIENTDATA, &editor);
	return (char *)editor->prompt;
}

/* $XDG_STATE_HOME/weft/ftp_history */
static char *history_path(void)
{
	const char *state = getenv("XDG_STATE_HOME"), *home = getenv("HOME");
	char *folder = NULL, *path = NULL;

	if (state && state[0] == '/')
		folder = weft__cmd_ftp_join(state, "weft");
	else if (home && home[0] == '/')
		folder = weft__cmd_ftp_join(home, ".local/state/weft");
	if (folder && weft_dir_mkdir_all(folder) == 0)
		path = weft__cmd_ftp_join(folder, "ftp_history");
	free(folder);
	return path;
}

static void set_up(struct ftp_editor *editor)
{
	el_set(editor->line, EL_CLIENTDATA, editor);
	el_set(editor->line, EL_PROMPT, prompt_of);
	el_set(editor->line, EL_EDITOR, "emacs");
	el_set(editor->line, EL_HIST, history, editor->history);
	/* The wide form, because the other one never frees its copies of the names. */
	el_wset(editor->line, EL_ADDFN, L"weft-complete", L"complete a name", complete);
	el_wset(editor->line, EL_ADDFN, L"weft-drop", L"drop the line", drop_line);
	el_source(editor->line, NULL);
	el_set(editor->line, EL_BIND, "^I", "weft-complete", NULL);
	el_set(editor->line, EL_SETTY, "-d", "-isig", NULL);
	el_set(editor->line, EL_BIND, "^C", "weft-drop", NULL);
	el_set(editor->line, EL_BIND, "^R", "em-inc-search-prev", NULL);
	/* What a Ctrl-D becomes that is typed while a command runs: the next key is not to be
	 * quoted for it. */
	el_set(editor->line, EL_BIND, "^@", "ed-ignore", NULL);
}

struct ftp_editor *weft__cmd_ftp_editor_new(struct ftp *ftp)
{
	struct ftp_editor *editor = calloc(1, sizeof(*editor));
	HistEvent event;

	if (!editor)
		return NULL;
	setlocale(LC_CTYPE, "");
	editor->ftp = ftp;
	editor->prompt = "";
	editor->history = history_init();
	editor->line = el_init("weft", stdin, stdout, stderr);
	if (!editor->history || !editor->line) {
		weft__cmd_ftp_editor_free(editor);
		errno = ENOMEM;
		return NULL;
	}
	history(editor->history, &event, H_SETSIZE, HISTORY_LINES);
	history(editor->history, &event, H_SETUNIQUE, 1);
	editor->history_path = history_path();
	if (editor->history_path)
		history(editor->history, &event, H_LOAD, editor->history_path);
	set_up(editor);
	return editor;
}

/* Not what could have a password in it, and not what begins with a blank. */
static bool is_worth_keeping(const char *line)
{
	return line[0] != ' ' && line[0] != '\n' && !strcasestr(line, "quote") &&
	       !strcasestr(line, "raw");
}

char *weft__cmd_ftp_editor_line(struct ftp_editor *editor, const char *prompt)
{
	HistEvent event;
	const char *line;
	int count;

	forget_listed(editor);
	editor->prompt = prompt;
	el_resize(editor->line); /* the window may have another size now: nobody gets the signal */
	/* Before the prompt is shown, not behind it as el_gets() does it: who sees the prompt may
	 * type at once, and until then the terminal keeps a Ctrl-D for itself, and lets a Ctrl-C
	 * make a signal. */
	el_set(editor->line, EL_PREP_TERM, 1);
	line = el_gets(editor->line, &count);
	if (!line || count <= 0) {
		putchar('\n');
		return NULL;
	}
	if (is_worth_keeping(line))
		history(editor->history, &event, H_ENTER, line);
	return strdup(line);
}

void weft__cmd_ftp_editor_free(struct ftp_editor *editor)
{
	HistEvent event;

	if (!editor)
		return;
	if (editor->history && editor->history_path)
		history(editor->history, &event, H_SAVE, editor->history_path);
	if (editor->line)
		el_end(editor->line);
	if (editor->history)
		history_end(editor->history);
	forget_listed(editor);
	free(editor->history_path);
	free(editor);
}

#endif
