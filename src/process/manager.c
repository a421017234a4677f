/*
 * manager.c - what a service manager hands over, and is told (include/weft/manager.h).
 *
 * A descriptor that was handed over comes without close-on-exec, and is taken by setting that:
 * so nothing has to be kept in mind here.
 */
#include "weft/manager.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

#include "fiber/driver/driver.h"
#include "process/process.h"
#include "weft/socket.h"

#define FIRST_FD 3

/* ---- Handed over ---------------------------------------------------------------------------- */

/* A number of the environment; -1: there is none. */
static long number_of(const char *key)
{
	const char *text = getenv(key);
	char *end;
	long number;

	if (!text || *text < '0' || *text > '9')
		return -1;
	errno = 0;
	number = strtol(text, &end, 10);
	return errno || *end ? -1 : number;
}

/* Of a function: they are where its parent had them. */
static int take_from_parent(struct weft_process *process, const char *name)
{
	struct weft_process_handed *handed = (struct weft_process_handed *)process->options.handed;

	for (size_t i = 0; i < process->options.handed_count; i++) {
		int fd = handed[i].fd;

		if (fd < 0 || (name && strcmp(name, handed[i].name) != 0))
			continue;
		handed[i].fd = -1;
		return fd;
	}
	return weft__process_fail(ENOENT);
}

static bool take(int fd)
{
	int flags = fcntl(fd, F_GETFD);

	return flags >= 0 && !(flags & FD_CLOEXEC) && fcntl(fd, F_SETFD, flags | FD_CLOEXEC) == 0;
}

int weft_manager_take(const char *name)
{
	const char *names = getenv("LISTEN_FDNAMES");
	long count = number_of("LISTEN_FDS");

	if (weft_process_current() && weft_process_current()->options.handed_count > 0)
		return take_from_parent(weft_process_current(), name);
	if (number_of("LISTEN_PID") != getpid() || count > WEFT_PROCESS_HANDED_MAX)
		count = 0;
	for (int fd = FIRST_FD; fd < FIRST_FD + count; fd++) {
		size_t len = names ? strcspn(names, ":") : 0;
		const char *own = len > 0 ? names : "unknown";

		if (len == 0)
			len = strlen(own);
		if ((!name || (strlen(name) == len && memcmp(name, own, len) == 0)) && take(fd))
			return fd;
		if (names && *names)
			names += strcspn(names, ":");
		if (names && *names)
			names++;
	}
	return weft__process_fail(ENOENT);
}

/* ---- Told ----------------------------------------------------------------------------------- */

/* False: no address of a Unix socket. */
static bool read_address(const char *text, struct sockaddr_un *address, socklen_t *len)
{
	size_t size = strlen(text);

	if ((*text != '/' && *text != '@') || size < 2 || size >= sizeof address->sun_path)
		return false;
	*address = (struct sockaddr_un){.sun_family = AF_UNIX};
	memcpy(address->sun_path, text, size);
	*len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + size + 1);
	if (*text == '@') {
		address->sun_path[0] = 0;
		--*len;
	}
	return true;
}

int weft_manager_tell(const char *text)
{
	const char *place = getenv("NOTIFY_SOCKET");
	size_t len = text ? strlen(text) : 0;
	struct weft__op op = {.kind = WEFT__OP_SEND, .data = (void *)text, .len = len};
	struct sockaddr_un address;
	socklen_t address_len;
	int code = 0;

	if (len == 0 || len > WEFT_MANAGER_TEXT_MAX)
		return weft__process_fail(EINVAL);
	if (!place || !*place)
		return 0;
	if (!read_address(place, &address, &address_len))
		return weft__process_fail(EINVAL);
	op.fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (op.fd < 0)
		return -1;
	op.flags = MSG_NOSIGNAL;
	/* Connected: else it would always seem writable, however full the manager's queue is. */
	if (connect(op.fd, (struct sockaddr *)&address, address_len) < 0 || weft__perform(&op) < 0)
		code = errno;
	weft_close(op.fd);
	return code ? weft__process_fail(code) : 1;
}
