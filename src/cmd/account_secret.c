/*
 * account_secret.c - passwords and tokens of `weft account`: from the terminal without an echo,
 * from the standard input, from a file or the environment.
 *
 * Never: leaves the terminal without its echo, also when a signal ends it.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

#include "account.h"
#include "weft/utf8.h"

/** A line, a password of four bytes a character or a token, is far shorter. */
#define LINE_SIZE 1024

void weft__cmd_account_forget(char *text)
{
	if (text)
		explicit_bzero(text, strlen(text));
	free(text);
}

/* ---- The terminal ------------------------------------------------------------------------- */

static const int endings[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP};

#define ENDINGS (sizeof(endings) / sizeof(endings[0]))

static volatile sig_atomic_t ending;

static void note_ending(int number)
{
	ending = number;
}

/* Up to the end of a line, from what has no buffer. Returns its length, -1: an end or a signal. */
static ssize_t read_bytes(int fd, char line[LINE_SIZE])
{
	size_t len = 0;
	char byte;

	while (!ending) {
		ssize_t count = read(fd, &byte, 1);

		if (count < 0 && errno == EINTR)
			continue;
		if (count <= 0 || byte == '\n')
			break;
		if (len < LINE_SIZE - 1)
			line[len++] = byte;
	}
	line[len] = '\0';
	return ending || (len == 0 && byte != '\n') ? -1 : (ssize_t)len;
}

static ssize_t read_hidden(int fd, const char *question, char line[LINE_SIZE])
{
	const struct sigaction note = {.sa_handler = note_ending};
	struct sigaction before[ENDINGS];
	struct termios shown, hidden;
	bool is_terminal = tcgetattr(fd, &shown) == 0;
	ssize_t len;

	ending = 0;
	for (size_t i = 0; i < ENDINGS; i++)
		sigaction(endings[i], &note, &before[i]);
	hidden = shown;
	hidden.c_lflag &= ~(tcflag_t)ECHO;
	hidden.c_lflag |= ECHONL;
	if (is_terminal)
		tcsetattr(fd, TCSAFLUSH, &hidden);
	if (write(fd, question, strlen(question)) < 0)
		ending = SIGHUP;
	len = read_bytes(fd, line);
	if (is_terminal)
		tcsetattr(fd, TCSAFLUSH, &shown);
	for (size_t i = 0; i < ENDINGS; i++)
		sigaction(endings[i], &before[i], NULL);
	if (ending)
		kill(getpid(), (int)ending);
	return len;
}

static int ask_once(const struct account *account, int fd, const char *question, char **ret_text)
{
	char line[LINE_SIZE];
	ssize_t len = read_hidden(fd, question, line);

	*ret_text = len > 0 ? strdup(line) : NULL;
	explicit_bzero(line, sizeof(line));
	return *ret_text ? CMD_DONE : weft__cmd_fail(account->name, "nothing was entered.");
}

int weft__cmd_account_prompt(
	const struct account *account, const char *question, bool is_twice, char **ret_text)
{
	int fd = open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC);
	char *again = NULL;
	int status;

	*ret_text = NULL;
	if (fd < 0)
		return weft__cmd_usage(account->name,
			"there is no terminal to ask for a password: use --password-stdin.");
	status = ask_once(account, fd, question, ret_text);
	if (!status && is_twice)
		status = ask_once(account, fd, "Once more: ", &again);
	if (!status && is_twice && (!*ret_text || !again || strcmp(*ret_text, again) != 0))
		status = weft__cmd_fail(account->name, "these were two different ones.");
	close(fd);
	weft__cmd_account_forget(again);
	if (status) {
		weft__cmd_account_forget(*ret_text);
		*ret_text = NULL;
	}
	return status;
}

/* ---- Files -------------------------------------------------------------------------------- */

/* A first line without its end. */
static char *take_line(int fd)
{
	char line[LINE_SIZE];
	char *text = NULL;
	ssize_t len;

	ending = 0;
	len = read_bytes(fd, line);
	if (len > 0 && line[len - 1] == '\r')
		line[--len] = '\0';
	if (len > 0 && len < LINE_SIZE - 1)
		text = strdup(line);
	explicit_bzero(line, sizeof(line));
	return text;
}

int weft__cmd_account_read_line(const struct account *account, const char *what, char **ret_text)
{
	*ret_text = take_line(STDIN_FILENO);
	if (*ret_text)
		return CMD_DONE;
	return weft__cmd_fail(account->name, "the standard input has no line with %s.", what);
}

int weft__cmd_account_take_token(struct account *account)
{
	const char *variable = getenv("WEFT_TOKEN"), *path = account->token_file;
	struct stat stat_of;
	int fd;

	if (!path && (!variable || !variable[0]))
		return weft__cmd_usage(account->name,
			"--server needs a token, in $WEFT_TOKEN or --token-file FILE.");
	if (!path) {
		account->token = strdup(variable);
		return account->token ? CMD_DONE
				      : weft__cmd_fail(account->name, "%s.", strerror(errno));
	}
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &stat_of) < 0)
		return weft__cmd_fail(account->name, "%s: %s.", path, strerror(errno));
	if (S_ISREG(stat_of.st_mode) && (stat_of.st_mode & (S_IRWXG | S_IRWXO))) {
		close(fd);
		return weft__cmd_fail(account->name,
			"others may read the token in %s: chmod 600 keeps it.", path);
	}
	account->token = take_line(fd);
	close(fd);
	return account->token ? CMD_DONE
			      : weft__cmd_fail(account->name, "there is no token in %s.", path);
}

/* ---- Whether it is meant ------------------------------------------------------------------ */

bool weft__cmd_account_is_meant(const struct account *account, const char *format, ...)
{
	struct weft_str visible;
	char answer[16] = "";
	char *text = NULL;
	va_list args;
	int len;

	if (account->is_yes || !isatty(STDIN_FILENO))
		return true;
	va_start(args, format);
	len = vasprintf(&text, format, args);
	va_end(args);
	weft_str_init(&visible, WEFT_STR_LEN_MAX);
	if (len >= 0)
		weft_str_append_visible(&visible, text, (size_t)len);
	fprintf(stderr, "%s [y/N] ", weft_str_text(&visible));
	weft_str_fini(&visible);
	if (len >= 0)
		free(text);
	return fgets(answer, sizeof(answer), stdin) && (answer[0] == 'y' || answer[0] == 'Y');
}
