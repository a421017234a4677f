/*
 * cmd.h - what the sub-commands of `weft` share.
 *
 * A sub-command is a file of its own with one entry in the table of main.c. It sees
 * include/weft/ only, as any program that uses weft does.
 */
#ifndef WEFT_SRC_CMD_CMD_H
#define WEFT_SRC_CMD_CMD_H

#include <stddef.h>

/** Exit statuses. */
enum weft__cmd_status {
	CMD_DONE = 0,
	CMD_FAILED = 1,
	CMD_USAGE = 2,
};

/** Runs with argv[0] being the sub-command's name; returns a status. */
typedef int weft__cmd_fn(int argc, char **argv);

/** `weft lab`: lab.c. */
int weft__cmd_lab(int argc, char **argv);

/** `weft load`: load.c. */
int weft__cmd_load(int argc, char **argv);

/** `weft echo`: echo.c. */
int weft__cmd_echo(int argc, char **argv);

/** `weft serve`: serve.c. */
int weft__cmd_serve(int argc, char **argv);
/** `weft ps`, `top`, `stats`, `stop`, `reload`, `log`: ps.c, top.c, stats.c, stop.c, log.c. */
int weft__cmd_ps(int argc, char **argv);
int weft__cmd_top(int argc, char **argv);
int weft__cmd_stats(int argc, char **argv);
int weft__cmd_stop(int argc, char **argv);
int weft__cmd_reload(int argc, char **argv);
int weft__cmd_log(int argc, char **argv);
/** `weft config`: config.c. */
int weft__cmd_config(int argc, char **argv);
/** `weft account`: account.c. */
int weft__cmd_account(int argc, char **argv);
/** `weft get`: get.c. */
int weft__cmd_get(int argc, char **argv);
/** `weft ftp`: ftp.c. */
int weft__cmd_ftp(int argc, char **argv);
/** `weft chat`: chat.c. */
int weft__cmd_chat(int argc, char **argv);
/** `weft admin`: admin.c. */
int weft__cmd_admin(int argc, char **argv);
/** `weft announce`: announce.c. */
int weft__cmd_announce(int argc, char **argv);
/** `weft discover`: discover.c. */
int weft__cmd_discover(int argc, char **argv);
/** `weft sockopt`: sockopt.c. */
int weft__cmd_sockopt(int argc, char **argv);

/** `weft collect`: collect.c. */
int weft__cmd_collect(int argc, char **argv);

/** `weft completion`: completion.c. */
int weft__cmd_completion(int argc, char **argv);

/** The sub-command number index, from 0, and what it is for; NULL past the last. main.c. */
const char *weft__cmd_at(size_t index, const char **ret_summary);

/** Run a sub-command by its name; argv[0] is that. Returns its status. */
int weft__cmd_call(const char *name, int argc, char **argv);

/**
 * One line on stderr, "weft NAME: ...", for what went wrong. Returns CMD_FAILED, or
 * (weft__cmd_usage) CMD_USAGE after a second line that leads to the help.
 */
__attribute__((format(printf, 2, 3))) int weft__cmd_fail(const char *name, const char *format, ...);
__attribute__((format(printf, 2, 3))) int weft__cmd_usage(
	const char *name, const char *format, ...);

/**
 * How a person calls this command again: "weft" where $PATH leads to it, else as it was called,
 * fit for a shell. own_name.c; not thread-safe.
 */
const char *weft__cmd_own_name(void);

/** So far from each other no word is meant for the other. */
#define CMD_FAR_OFF 4

/**
 * How many letters have to be changed, added, left out or swapped to make the one of the other;
 * SIZE_MAX: they are longer than names are. nearest.c.
 */
size_t weft__cmd_distance(const char *one, const char *other);

/** The text as one word for a shell, the caller's to free. NULL: ENOMEM. */
char *weft__cmd_shell_word(const char *text);

/** Have said(line, arg) called with each such line as well, on the thread that says it; NULL: no
 * more, and no call is under way. */
void weft__cmd_listen_to(void (*said)(const char *line, void *arg), void *arg);

#endif
