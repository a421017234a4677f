/*
 * hand.c - descriptors that a process gets by name, as systemd hands over listeners.
 *
 * A program has them from 3 on. LISTEN_PID is its own number, which nobody knows before it is
 * there: so the environment has room for it, and the child writes it, before it is the program.
 *
 * Must never: call the C library in the child, but for syscall(2) (program.c).
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "process/process.h"

#define FIRST_FD 3

/** Room for any number of a process. */
#define PID_DIGITS 10

#define IN_CHILD __attribute__((no_sanitize("address", "thread", "undefined")))

/* ---- In the parent ------------------------------------------------------------------------ */

static int copy_handed(struct weft_process *process, const struct weft_process_options *from)
{
	size_t count = process->options.handed_count; /* the record has taken the number already */
	struct weft_process_handed *copy = calloc(count, sizeof *copy);

	if (!copy)
		return ENOMEM;
	process->options.handed = copy;
	for (size_t i = 0; i < count; i++) {
		copy[i].fd = from->handed[i].fd;
		copy[i].name = strdup(from->handed[i].name ? from->handed[i].name : "unknown");
		if (!copy[i].name)
			return ENOMEM;
	}
	return 0;
}

static char *print_names(const struct weft_process_options *options)
{
	static const char key[] = "LISTEN_FDNAMES=";
	size_t size = sizeof key, at = sizeof key - 1;
	char *text;

	for (size_t i = 0; i < options->handed_count; i++)
		size += strlen(options->handed[i].name) + 1;
	text = malloc(size);
	if (!text)
		return NULL;
	memcpy(text, key, sizeof key);
	for (size_t i = 0; i < options->handed_count; i++)
		at += (size_t)snprintf(
			text + at, size - at, "%s%s", i ? ":" : "", options->handed[i].name);
	return text;
}

static bool is_ours(const char *word)
{
	static const char *const keys[] = {"LISTEN_FDS=", "LISTEN_PID=", "LISTEN_FDNAMES="};

	for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
		if (strncmp(word, keys[i], strlen(keys[i])) == 0)
			return true;
	return false;
}

/* The environment that it would have, without those three, and with them. */
static int announce(struct weft_process *process)
{
	struct weft_process_options *options = &process->options;
	char **before = (char **)options->environment, **after;
	char **from = before ? before : environ;
	size_t count = 0;
	char *text;

	while (from[count])
		count++;
	after = calloc(count + 4, sizeof *after);
	if (!after)
		return ENOMEM;
	options->environment = (const char *const *)after; /* the record's, to be freed with it */
	for (char **word = from; *word; word++) {
		if (before)
			is_ours(*word) ? free(*word) : (void)(*after++ = *word);
		else if (!is_ours(*word) && !(*after++ = strdup(*word)))
			return ENOMEM;
	}
	free(before);
	if (!(*after++ = print_names(options)))
		return ENOMEM;
	if (asprintf(&text, "LISTEN_FDS=%zu", options->handed_count) < 0)
		return ENOMEM;
	*after++ = text;
	if (asprintf(&text, "LISTEN_PID=%*s", PID_DIGITS, "") < 0)
		return ENOMEM;
	*after = text;
	process->listen_pid = text + strlen("LISTEN_PID=");
	return 0;
}

int weft__process_hand_prepare(
	struct weft_process *process, const struct weft_process_options *from)
{
	int code;

	if (process->options.handed_count == 0)
		return 0;
	code = copy_handed(process, from);
	return code || !process->argv ? code : announce(process);
}

/* ---- In the child --------------------------------------------------------------------------- */

static IN_CHILD void write_pid(char *to)
{
	long left = syscall(SYS_getpid);
	char digits[PID_DIGITS];
	int count = 0;

	do
		digits[count++] = (char)('0' + left % 10);
	while ((left /= 10) > 0 && count < PID_DIGITS);
	while (count > 0)
		*to++ = digits[--count];
	*to = 0;
}

/* One whose number is to be another's goes out of the way first. */
IN_CHILD int weft__process_hand_over(struct weft_process *process)
{
	const struct weft_process_handed *handed = process->options.handed;
	int count = (int)process->options.handed_count;
	int from[WEFT_PROCESS_HANDED_MAX];

	for (int i = 0; i < count; i++) {
		from[i] = handed[i].fd;
		if (from[i] == FIRST_FD + i || from[i] >= FIRST_FD + count)
			continue;
		from[i] = (int)syscall(SYS_fcntl, from[i], F_DUPFD_CLOEXEC, FIRST_FD + count);
		if (from[i] < 0)
			return errno;
	}
	for (int i = 0; i < count; i++) {
		long result = from[i] == FIRST_FD + i ? syscall(SYS_fcntl, from[i], F_SETFD, 0)
						      : syscall(SYS_dup3, from[i], FIRST_FD + i, 0);

		if (result < 0)
			return errno;
	}
	write_pid(process->listen_pid);
	return 0;
}
