/*
 * ftp_login.c - who one is on the server, and one's password.
 *
 * Entry point: weft__cmd_ftp_find_login().
 *
 *	WEFT_FTP_PASSWORD, else ~/.netrc, else what is typed without an echo
 *
 * Never: takes a password from the command line, where everybody on the machine can read it.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

#include "ftp.h"
#include "weft/file.h"

#define NETRC_MAX (1 << 20)

/* ---- ~/.netrc ------------------------------------------------------------------------- */

/* The next word of it, cut out of the text; NULL at the end. */
static char *next_word(char **at)
{
	char *word, *end;

	*at += strspn(*at, " \t\r\n");
	if (!**at)
		return NULL;
	word = *at;
	if (*word == '"') {
		word++;
		end = word + strcspn(word, "\"");
	} else {
		end = word + strcspn(word, " \t\r\n");
	}
	*at = end + (*end != '\0');
	*end = '\0';
	return word;
}

struct entry {
	char *login, *password;
	bool is_ours; /* of this host, or for any */
};

static bool keep(struct ftp *ftp, const struct entry *entry)
{
	if (!entry->is_ours ||
		(ftp->user && (!entry->login || strcmp(ftp->user, entry->login) != 0)))
		return false;
	if (!ftp->user && entry->login)
		ftp->user = strdup(entry->login);
	if (entry->password)
		ftp->password = strdup(entry->password);
	return ftp->password != NULL;
}

static bool is_host(const struct ftp *ftp, const char *machine)
{
	size_t len = strlen(machine);

	return machine[0] && strncmp(ftp->host, machine, len) == 0 &&
	       (ftp->host[len] == '\0' || ftp->host[len] == ':');
}

/* A line of comment becomes an empty one. */
static void blank_comments(char *text)
{
	for (char *line = text; *line; line += strcspn(line, "\n"), line += *line != '\0') {
		char *first = line + strspn(line, " \t");

		if (*first == '#')
			memset(line, ' ', strcspn(line, "\n"));
	}
}

static void search(struct ftp *ftp, char *text)
{
	struct entry entry = {0};
	char *at = text, *word;

	blank_comments(text);
	while ((word = next_word(&at))) {
		bool is_machine = strcmp(word, "machine") == 0;

		if (is_machine || strcmp(word, "default") == 0) {
			char *machine = is_machine ? next_word(&at) : NULL;

			if (keep(ftp, &entry))
				return;
			entry = (struct entry){
				.is_ours = !is_machine || (machine && is_host(ftp, machine))};
		} else if (strcmp(word, "login") == 0) {
			entry.login = next_word(&at);
		} else if (strcmp(word, "password") == 0) {
			entry.password = next_word(&at);
		} else if (strcmp(word, "account") == 0) {
			next_word(&at);
		} else if (strcmp(word, "macdef") == 0) {
			/* Up to an empty line, which the words don't show: nobody's any more. */
			char *end = strstr(at, "\n\n");

			at = end ? end : at + strlen(at);
		}
	}
	keep(ftp, &entry);
}

/* One that others can read is no place for a password. */
static void read_netrc(struct ftp *ftp)
{
	const char *home = getenv("HOME");
	char *path = home ? weft__cmd_ftp_join(home, ".netrc") : NULL, *text = NULL;
	struct stat facts;
	ssize_t len;

	if (!path || stat(path, &facts) < 0 || !S_ISREG(facts.st_mode)) {
		free(path);
		return;
	}
	if (facts.st_mode & 077) {
		weft__cmd_fail(
			FTP, "%s is passed over: others may read it (chmod 600 %s).", path, path);
	} else if ((len = weft_file_read_all(path, NETRC_MAX, &text)) >= 0) {
		search(ftp, text);
		explicit_bzero(text, (size_t)len);
		free(text);
	}
	free(path);
}

/* ---- The terminal ----------------------------------------------------------------------- */

/*
 * One key at a time, Ctrl-C among them: a signal would leave the terminal without its echo.
 * False: it was broken off.
 */
static bool read_hidden(int fd, char *line, size_t size)
{
	size_t len = 0;
	char c;

	while (read(fd, &c, 1) == 1 && c != '\r' && c != '\n') {
		if (c == 3 || (c == 4 && len == 0))
			return false;
		if (c == 0x7f || c == '\b')
			len -= len > 0;
		else if (c == 21)
			len = 0;
		else if (len < size - 1)
			line[len++] = c;
	}
	line[len] = '\0';
	return true;
}

/* Before anything else runs: it may block. */
static int ask(struct ftp *ftp)
{
	int fd = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
	struct termios shown, hidden;
	char line[1024];
	bool is_typed;

	if (fd < 0 || tcgetattr(fd, &shown) < 0) {
		if (fd >= 0)
			close(fd);
		return weft__cmd_fail(FTP,
			"there is no password for %s: no terminal to ask on, nothing in "
			"WEFT_FTP_PASSWORD or ~/.netrc.",
			ftp->user);
	}
	hidden = shown;
	hidden.c_lflag &= ~(tcflag_t)(ECHO | ICANON | ISIG);
	hidden.c_cc[VMIN] = 1;
	hidden.c_cc[VTIME] = 0;
	tcsetattr(fd, TCSAFLUSH, &hidden);
	/* Only now: who types at once is not to be seen either. */
	dprintf(fd, "Password for %s at %s: ", ftp->user, ftp->host);
	is_typed = read_hidden(fd, line, sizeof(line));
	tcsetattr(fd, TCSAFLUSH, &shown);
	dprintf(fd, "\n");
	close(fd);
	if (!is_typed)
		return weft__cmd_fail(FTP, "no password was typed.");
	ftp->password = strdup(line);
	explicit_bzero(line, sizeof(line));
	return CMD_DONE;
}

int weft__cmd_ftp_find_login(struct ftp *ftp)
{
	const char *given = getenv("WEFT_FTP_PASSWORD");

	if (given && ftp->user) {
		ftp->password = strdup(given);
		/* Nobody whom we start is to inherit it. */
		unsetenv("WEFT_FTP_PASSWORD");
		return CMD_DONE;
	}
	read_netrc(ftp);
	if (!ftp->user || ftp->password || strcmp(ftp->user, "anonymous") == 0)
		return CMD_DONE;
	return ask(ftp);
}
