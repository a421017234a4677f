/*
 * settings.c - the options of a command from a file and the environment (settings.h).
 *
 * Entry points: weft__settings_read(), weft__settings_take().
 *
 * libinih is given lines; which one it is at is counted here, because its handler is not told.
 * Never: let a line pass that did nothing.
 */
#include "settings.h"

#include <ctype.h>
#include <errno.h>
#include <ini.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <strings.h>
#include <unistd.h>

#include "service.h"
#include "weft/str.h"

extern char **environ;

/* Longest name of a variable of the environment. */
#define VARIABLE_MAX 96

/* Further than this, a key is not what was meant. */
/* ---- Where --------------------------------------------------------------------------------------
 */

char *weft__settings_path(void)
{
	const char *config = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME");
	const char *service = getenv("CONFIGURATION_DIRECTORY");
	char *path = NULL;
	int len = -1;

	if (service && service[0] == '/') /* of several, the first */
		len = asprintf(&path, "%.*s/weft.conf", (int)strcspn(service, ":"), service);
	else if (geteuid() == 0)
		len = asprintf(&path, "%s/weft.conf", CMD_SETTINGS_FOLDER);
	else if (config && config[0] == '/') /* others are to be ignored, says XDG */
		len = asprintf(&path, "%s/weft/weft.conf", config);
	else if (home && home[0] == '/')
		len = asprintf(&path, "%s/.config/weft/weft.conf", home);
	return len < 0 ? NULL : path;
}

/* ---- Taking -------------------------------------------------------------------------------------
 */

bool weft__settings_take(struct cmd_settings *settings, const struct cmd_option *options,
	ptrdiff_t index, const struct cmd_given *given, char fault[CMD_FAULT_MAX])
{
	const struct cmd_option *option = &options[index];
	struct cmd_given *before = &settings->given[index];

	if (option->kind == CMD_TEXTS && before->from != given->from)
		*(struct cmd_texts *)option->place = (struct cmd_texts){0};
	else if (option->kind != CMD_TEXTS && before->from == CMD_BY_FILE &&
		 given->from == CMD_BY_FILE) {
		snprintf(fault, CMD_FAULT_MAX, "is given in line %u, too.", before->line);
		return false;
	}
	if (!weft__cmd_take(option, given->text, fault))
		return false;
	*before = *given;
	before->name = option->name;
	return true;
}

/* As long as the options. NULL: there is no memory. */
static char *keep(struct cmd_settings *settings, const char *text, size_t len, const char *name,
	unsigned line)
{
	struct cmd_kept *texts =
		reallocarray(settings->texts, settings->text_count + 1, sizeof(*settings->texts));
	char *copy = texts ? strndup(text, len) : NULL;

	if (texts)
		settings->texts = texts;
	if (copy)
		texts[settings->text_count++] = (struct cmd_kept){copy, name, line};
	return copy;
}

static const char *nearest(const struct cmd_option *options, const char *name)
{
	const char *best = NULL;
	size_t least = CMD_FAR_OFF;

	for (const struct cmd_option *option = options; option->name; option++) {
		size_t far = weft__cmd_distance(name, option->name);

		if (!option->is_of_line && far < least && far < strlen(name)) {
			least = far;
			best = option->name;
		}
	}
	return best;
}

/* The option of that name, which a file may have; -1: there is none. */
static ptrdiff_t find(const struct cmd_option *options, const char *name)
{
	for (ptrdiff_t i = 0; options[i].name; i++)
		if (!options[i].is_of_line && strcmp(options[i].name, name) == 0)
			return i;
	return -1;
}

/* ---- The file
 * ------------------------------------------------------------------------------------ */

struct reading {
	struct cmd_settings *settings;
	const struct cmd_option *options;
	FILE *file;
	char *line; /* getline(3)'s */
	size_t size_bytes;
	size_t read_bytes;
	unsigned line_number;
	unsigned fault_count;
	const char *long_value; /* of a line that libinih has no room for; NULL: it has */
	char *section;          /* that was complained of last */
};

__attribute__((format(printf, 2, 3))) static void complain(
	struct reading *reading, const char *format, ...)
{
	char text[CMD_FAULT_MAX + 128];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	weft__cmd_fail(reading->settings->command, "%s:%u: %s", reading->settings->path,
		reading->line_number, text);
	reading->fault_count++;
}

/*
 * A line that libinih has no room for: it parts one that has the same key and a short value, and
 * the long one is kept here, without blanks and what is behind " ;", as libinih has it. Whether
 * there is such a line.
 */
static bool shorten_line(struct reading *reading, char *space, int size)
{
	char *line = reading->line, *equals = strpbrk(line, "=:"), *value, *end;
	int key_len = equals ? (int)(equals - line) : 0;

	if (key_len == 0 || key_len + 4 > size || isspace((unsigned char)line[0]))
		return false;
	value = equals + 1 + strspn(equals + 1, " \t");
	for (end = value; *end && !(end > value && *end == ';' && isblank((unsigned char)end[-1]));)
		end++;
	while (end > value && isspace((unsigned char)end[-1]))
		end--;
	*end = '\0';
	snprintf(space, (size_t)size, "%.*s=x\n", key_len, line);
	reading->long_value = value;
	return true;
}

/* libinih's reader: the next line into space; NULL at the end. */
static char *next_line(char *space, int size, void *arg)
{
	struct reading *reading = arg;
	ssize_t len = getline(&reading->line, &reading->size_bytes, reading->file);

	if (len < 0)
		return NULL;
	reading->line_number++;
	reading->long_value = NULL;
	reading->read_bytes += (size_t)len;
	space[0] = '\n'; /* what can't be read is told, and then like an empty line */
	space[1] = '\0';
	if (reading->read_bytes > CMD_SETTINGS_MAX) {
		complain(reading, "a file of settings has 1 MiB at most.");
		return NULL;
	}
	if (memchr(reading->line, '\0', (size_t)len))
		complain(reading, "there is a NUL in it: it is no text.");
	else if (len < size)
		memcpy(space, reading->line, (size_t)len + 1);
	else if (reading->line[strspn(reading->line, " \t")] != '#' &&
		 (len > CMD_SETTINGS_LINE + 1 || !shorten_line(reading, space, size)))
		complain(reading,
			len > CMD_SETTINGS_LINE + 1
				? "a line has %d bytes at most."
				: "a line of more than %d bytes is KEY = VALUE.",
			len > CMD_SETTINGS_LINE + 1 ? CMD_SETTINGS_LINE : size - 2);
	return space;
}

static void complain_of_key(struct reading *reading, const char *key)
{
	const char *near = nearest(reading->options, key);

	for (const struct cmd_option *option = reading->options; option->name; option++)
		if (strcmp(option->name, key) == 0) {
			complain(reading, "%s is for the command line only.", key);
			return;
		}
	if (near)
		complain(reading, "there is no key \"%s\"; the nearest is \"%s\".", key, near);
	else
		complain(reading, "there is no key \"%s\".", key);
}

/* Once, whatever is in it. */
static void complain_of_section(struct reading *reading, const char *section)
{
	if (reading->section && strcmp(reading->section, section) == 0)
		return;
	free(reading->section);
	reading->section = strdup(section);
	complain(reading, "there is no section [%s], only [%s].", section,
		reading->settings->command);
}

/* libinih's handler. Always 1: its own count of mistakes is of lines that it can't part. */
static int take_line(void *arg, const char *section, const char *key, const char *value)
{
	struct reading *reading = arg;
	ptrdiff_t index = find(reading->options, key);
	struct cmd_given given = {.from = CMD_BY_FILE, .line = reading->line_number};
	char fault[CMD_FAULT_MAX];

	if (section[0] && strcmp(section, reading->settings->command) != 0) {
		complain_of_section(reading, section);
		return 1;
	}
	if (reading->long_value)
		value = reading->long_value;
	if (index < 0) {
		complain_of_key(reading, key);
		return 1;
	}
	given.text = keep(reading->settings, value, strlen(value), reading->options[index].name,
		reading->line_number);
	if (!given.text)
		complain(reading, "%s.", strerror(ENOMEM));
	else if (!value[0])
		complain(reading, "%s has no value.", key);
	else if (!weft__settings_take(reading->settings, reading->options, index, &given, fault))
		complain(reading, "%s %s", key, fault);
	return 1;
}

int weft__settings_read_stream(
	struct cmd_settings *settings, const struct cmd_option *options, FILE *file)
{
	struct reading reading = {.settings = settings, .options = options, .file = file};
	int first = ini_parse_stream(next_line, &reading, take_line, &reading);

	if (first > 0) {
		reading.line_number = (unsigned)first;
		complain(&reading, "this is neither key = value nor a # comment.");
	}
	if (ferror(file)) {
		reading.line_number++;
		complain(&reading, "can't read on: %s.", strerror(errno));
	}
	free(reading.line);
	free(reading.section);
	return reading.fault_count > 0 ? CMD_USAGE : CMD_DONE;
}

static int read_file(struct cmd_settings *settings, const struct cmd_option *options, bool is_asked)
{
	FILE *file = fopen(settings->path, "re");
	struct stat stat_of;
	int status;

	if (!file && errno == ENOENT && !is_asked) {
		free(settings->path);
		settings->path = NULL;
		return CMD_DONE;
	}
	if (!file)
		return weft__cmd_fail(settings->command, "can't read the settings in %s: %s.",
			settings->path, strerror(errno));
	if (fstat(fileno(file), &stat_of) == 0 && S_ISDIR(stat_of.st_mode))
		status = weft__cmd_fail(settings->command,
			"can't read the settings in %s: it is a folder; name the file in it.",
			settings->path);
	else
		status = weft__settings_read_stream(settings, options, file);
	fclose(file);
	return status;
}

/* ---- The environment
 * ----------------------------------------------------------------------------- */

/* "http-rate" as "WEFT_SERVE_HTTP_RATE". */
static void name_variable(
	const struct cmd_settings *settings, const char *key, char ret_name[VARIABLE_MAX])
{
	snprintf(ret_name, VARIABLE_MAX, "WEFT_%s_%s", settings->command, key);
	for (char *at = ret_name; *at; at++)
		*at = *at == '-' ? '_' : (char)toupper((unsigned char)*at);
}

static bool take_variable(struct cmd_settings *settings, const struct cmd_option *options,
	ptrdiff_t index, const char *value, char *fault)
{
	struct cmd_given given = {.from = CMD_BY_ENVIRONMENT};
	bool is_list = options[index].kind == CMD_TEXTS, is_taken = true;

	while (is_taken) {
		size_t len = is_list ? strcspn(value, ";") : strlen(value);

		given.text = keep(settings, value, len, options[index].name, 0);
		is_taken =
			given.text && weft__settings_take(settings, options, index, &given, fault);
		if (!given.text)
			snprintf(fault, CMD_FAULT_MAX, "%s.", strerror(ENOMEM));
		value += len;
		if (!*value)
			break;
		value++;
	}
	return is_taken;
}

/* One variable, which begins as ours do. Returns a status. */
static int read_variable(
	struct cmd_settings *settings, const struct cmd_option *options, const char *variable)
{
	char name[VARIABLE_MAX], fault[CMD_FAULT_MAX];
	const char *value = strchr(variable, '=');

	if (!value)
		return CMD_DONE;
	for (ptrdiff_t i = 0; options[i].name; i++) {
		name_variable(settings, options[i].name, name);
		if (strlen(name) != (size_t)(value - variable) ||
			strncmp(name, variable, strlen(name)) != 0)
			continue;
		/* An empty one is as none: so a script takes it back. --config was looked for. */
		if (!value[1] || options[i].is_of_line ||
			take_variable(settings, options, i, value + 1, fault))
			return CMD_DONE;
		weft__cmd_fail(settings->command, "in the environment: %s %s", name, fault);
		return CMD_USAGE;
	}
	weft__cmd_fail(settings->command, "in the environment: there is no key for %.*s.",
		(int)(value - variable), variable);
	return CMD_USAGE;
}

static int read_environment(struct cmd_settings *settings, const struct cmd_option *options)
{
	char prefix[VARIABLE_MAX];
	int status = CMD_DONE;

	name_variable(settings, "", prefix);
	for (char **variable = environ; *variable; variable++)
		if (strncmp(*variable, prefix, strlen(prefix)) == 0 &&
			read_variable(settings, options, *variable) != CMD_DONE)
			status = CMD_USAGE;
	return status;
}

int weft__settings_read(
	struct cmd_settings *settings, const struct cmd_option *options, const char *path)
{
	bool is_none = path && strcmp(path, "none") == 0;
	int status = CMD_DONE, more;

	if (!is_none)
		settings->path = path ? strdup(path) : weft__settings_path();
	if (settings->path)
		status = read_file(settings, options, path != NULL);
	more = read_environment(settings, options);
	return status ? status : more;
}

/* ---- Showing
 * ------------------------------------------------------------------------------------- */

/* The last value is as it was given; of several, all are in their place. */
static const char *value_at(const struct cmd_settings *settings, const struct cmd_option *options,
	ptrdiff_t i, unsigned k)
{
	const struct cmd_option *option = &options[i];
	const struct cmd_texts *texts = option->place;

	if (settings->given[i].from == CMD_BY_DEFAULT)
		return k > 0 ? NULL : option->kind == CMD_FLAG ? "no" : option->standard;
	if (option->kind == CMD_TEXTS)
		return texts->items[k];
	if (k > 0)
		return NULL;
	return settings->given[i].text ? settings->given[i].text : "yes";
}

/* Into text, which has room for the path and a line's number. */
static void tell_source(const struct cmd_settings *settings, ptrdiff_t i, char *text, size_t size)
{
	const struct cmd_given *given = &settings->given[i];

	switch (given->from) {
	case CMD_BY_DEFAULT:
		snprintf(text, size, "default");
		break;
	case CMD_BY_FILE:
		snprintf(text, size, "%s:%u", settings->path, given->line);
		break;
	case CMD_BY_ENVIRONMENT:
		snprintf(text, size, "environment");
		break;
	case CMD_BY_LINE:
		snprintf(text, size, "command line");
		break;
	}
}

static void print_json(
	const struct cmd_settings *settings, const struct cmd_option *options, ptrdiff_t i)
{
	static const char *const froms[] = {"default", "file", "environment", "command line"};
	const struct cmd_given *given = &settings->given[i];
	const char *value;

	printf("    ");
	weft__cmd_print_json_text(options[i].name);
	printf(": {\"values\": [");
	for (unsigned k = 0; (value = value_at(settings, options, i, k)); k++) {
		printf(k ? ", " : "");
		weft__cmd_print_json_text(value);
	}
	printf("], \"from\": \"%s\"", froms[given->from]);
	if (given->from == CMD_BY_FILE)
		printf(", \"line\": %u", given->line);
	printf("}");
}

static void print_row(
	const struct cmd_settings *settings, const struct cmd_option *options, ptrdiff_t i)
{
	char source[4096 + 32];
	const char *value = value_at(settings, options, i, 0);

	tell_source(settings, i, source, sizeof(source));
	for (unsigned k = 0; k == 0 || value; value = value_at(settings, options, i, ++k)) {
		weft__cmd_print_visible(k ? "" : options[i].name, 24);
		weft__cmd_print_visible(value ? value : "-", 32);
		printf("  ");
		weft__cmd_print_visible(k ? "" : source, 0);
		printf("\n");
		if (!value)
			break;
	}
}

void weft__settings_print(
	const struct cmd_settings *settings, const struct cmd_option *options, bool is_json)
{
	bool is_first = true;

	if (is_json) {
		printf("{\n  \"file\": ");
		if (settings->path)
			weft__cmd_print_json_text(settings->path);
		else
			printf("null");
		printf(",\n  \"settings\": {\n");
	} else {
		printf("%-24s%-32s  %s\n", "KEY", "VALUE", "FROM");
	}
	for (ptrdiff_t i = 0; options[i].name; i++) {
		if (options[i].is_of_line)
			continue;
		if (is_json) {
			printf(is_first ? "" : ",\n");
			print_json(settings, options, i);
		} else {
			print_row(settings, options, i);
		}
		is_first = false;
	}
	if (is_json)
		printf("\n  }\n}\n");
}

/* ---- Comparing
 * ----------------------------------------------------------------------------------- */

static char *join_values(
	const struct cmd_settings *settings, const struct cmd_option *options, ptrdiff_t i)
{
	struct weft_str text;
	const char *value;
	char *copy;

	weft_str_init(&text, WEFT_STR_LEN_MAX);
	for (unsigned k = 0; (value = value_at(settings, options, i, k)); k++)
		weft_str_appendf(&text, "%s%s", k ? "; " : "", value);
	copy = weft_str_error(&text) ? NULL : strdup(weft_str_text(&text));
	weft_str_fini(&text);
	return copy;
}

int weft__settings_keep(struct cmd_settings *settings, const struct cmd_option *options)
{
	for (ptrdiff_t i = 0; options[i].name; i++) {
		struct cmd_told *told = &settings->told[settings->told_count];

		if (options[i].is_of_line)
			continue;
		*told = (struct cmd_told){options[i].name, join_values(settings, options, i),
			settings->given[i].from != CMD_BY_DEFAULT};
		if (!told->text)
			return -1;
		settings->told_count++;
	}
	return 0;
}

const char *weft__settings_given(const struct cmd_settings *settings, const char *prefix)
{
	for (size_t i = 0; i < settings->told_count; i++)
		if (settings->told[i].is_given && strcmp(settings->told[i].text, "no") != 0 &&
			strncmp(settings->told[i].name, prefix, strlen(prefix)) == 0)
			return settings->told[i].name;
	return prefix;
}

void weft__settings_fini(struct cmd_settings *settings)
{
	for (size_t i = 0; i < settings->text_count; i++)
		free(settings->texts[i].text);
	for (size_t i = 0; i < settings->told_count; i++)
		free(settings->told[i].text);
	free(settings->texts);
	free(settings->path);
}
