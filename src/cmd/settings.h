/*
 * settings.h - the options of a command from a file and the environment, too.
 *
 *	file  <  environment  <  command line
 *
 * What comes later in this order holds. An option that may be given several times is taken whole
 * from the last of them that gives it. Every option is a key, by its name:
 *
 *	# a comment                          HTTP=... in the environment:
 *	http = 0.0.0.0:8080                  WEFT_SERVE_HTTP='0.0.0.0:8080;[::]:8080'
 *	http = [::]:8080
 *	hidden = yes
 *
 * The file's format is INI, read by libinih. Complaints name file, line, key and the nearest key.
 */
#ifndef WEFT_SRC_CMD_SETTINGS_H
#define WEFT_SRC_CMD_SETTINGS_H

#include <stddef.h>
#include <stdio.h>

#include "options.h"

/** Longest line of a file; and all lines. */
#define CMD_SETTINGS_LINE 4096
#define CMD_SETTINGS_MAX  ((size_t)1 << 20)

enum cmd_from {
	CMD_BY_DEFAULT,
	CMD_BY_FILE,
	CMD_BY_ENVIRONMENT,
	CMD_BY_LINE, /* the command line */
};

/** Who gave an option its value. */
struct cmd_given {
	enum cmd_from from;
	unsigned line;    /* of the file */
	const char *name; /* the option's */
	const char *text; /* the last one, as it was given; NULL: a flag alone */
};

/** What an option was told by all together, as text: to be compared with a later time. */
struct cmd_told {
	const char *name; /* the option's */
	char *text;
	bool is_given; /* not its default alone */
};

/** A text that options point to. */
struct cmd_kept {
	char *text;
	const char *name; /* the option's */
	unsigned line;    /* of the file; 0: it is not from there */
};

struct cmd_settings {
	const char
		*command; /* "serve": the complaints' name, the section, the environment's names */
	char *path;       /* of the file; NULL: there is none */
	struct cmd_given given[CMD_OPTIONS_MAX]; /* beside the table */
	struct cmd_kept *texts;
	size_t text_count;
	struct cmd_told told[CMD_OPTIONS_MAX]; /* of weft__settings_keep() */
	size_t told_count;
};

/** Where root's is, and so that of a service. */
#define CMD_SETTINGS_FOLDER "/etc/weft"

/**
 * Where the file is when nobody says: in $CONFIGURATION_DIRECTORY, as systemd tells a service, for
 * root in CMD_SETTINGS_FOLDER, else in ~/.config. malloc(3).
 */
char *weft__settings_path(void);

/**
 * Read the file and then the environment. path: NULL: the usual one, if it is there; "none".
 * Returns a status, after all that is wrong was said.
 */
int weft__settings_read(
	struct cmd_settings *settings, const struct cmd_option *options, const char *path);

/** The file alone, of settings->path, which is only named. */
int weft__settings_read_stream(
	struct cmd_settings *settings, const struct cmd_option *options, FILE *file);

/** weft__cmd_take(), remembering who gave it. index: of the option. */
bool weft__settings_take(struct cmd_settings *settings, const struct cmd_option *options,
	ptrdiff_t index, const struct cmd_given *given, char fault[CMD_FAULT_MAX]);

/** Every option with its value and who gave it: to the standard output. */
void weft__settings_print(
	const struct cmd_settings *settings, const struct cmd_option *options, bool is_json);

/** Remember what each option is told now. 0, or -1 with ENOMEM. */
int weft__settings_keep(struct cmd_settings *settings, const struct cmd_option *options);

/** The first option that was given, and not as no, whose name begins so; prefix: there is none. */
const char *weft__settings_given(const struct cmd_settings *settings, const char *prefix);

/** What the file gave is taken back: the command line says it otherwise, as no option. */
void weft__settings_overrule(struct cmd_settings *settings, const char *name);

/**
 * From now on what this thread complains of, "--KEY ...", is told by file, line and key where the
 * file has given it; settings are to stay as they are meanwhile. NULL: no more. Returns what was
 * there before.
 */
const struct cmd_settings *weft__settings_blame(const struct cmd_settings *settings);

/** The same for what is complained of without naming an option: it is this one's. NULL: nobody's.
 */
void weft__settings_blame_key(const char *name);

/** Such a complaint with its place, malloc(3); NULL: it stays as it is. */
char *weft__settings_place(const char *complaint);

/** The options' texts end with it. */
void weft__settings_fini(struct cmd_settings *settings);

#endif
