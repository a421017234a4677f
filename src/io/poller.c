/*
 * poller.c - event loops: the registrations, and waiting (include/weft/poller.h).
 *
 * In a fiber the mechanism is only ever looked at; the fiber waits for the mechanism's own
 * descriptor, or, with select and poll, which have none, watches all of theirs.
 *
 * Must never: block a worker.
 */
#include "io/poller.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "fiber/doze.h"
#include "fiber/worker.h"
#include "weft/scope.h"
#include "weft/socket.h"

#define KNOWN                                                                    \
	(WEFT_POLLER_IN | WEFT_POLLER_OUT | WEFT_POLLER_PRI | WEFT_POLLER_EDGE | \
		WEFT_POLLER_ONESHOT)
#define WISHES (WEFT_POLLER_IN | WEFT_POLLER_OUT | WEFT_POLLER_PRI)

static const struct weft__poller_ops *const mechanisms[] = {
	&weft__poller_epoll,
	&weft__poller_poll,
	&weft__poller_select,
#ifdef WEFT_HAS_URING
	&weft__poller_uring,
#endif
};

static int fail(int code)
{
	errno = code;
	return -1;
}

/* ---- Life ------------------------------------------------------------------------------ */

static const struct weft__poller_ops *find_ops(const char *name)
{
	for (size_t i = 0; i < sizeof(mechanisms) / sizeof(*mechanisms); i++)
		if (strcmp(mechanisms[i]->name, name) == 0)
			return mechanisms[i];
	errno = strcmp(name, "uring") == 0 ? ENOSYS : EINVAL;
	return NULL;
}

struct weft_poller *weft_poller_new(const char *name)
{
	const struct weft__poller_ops *ops = name ? find_ops(name) : mechanisms[0];
	struct weft_poller *poller;
	int code;

	if (!ops)
		return NULL;
	poller = calloc(1, ops->size);
	if (!poller)
		return NULL;
	poller->ops = ops;
	code = ops->begin(poller);
	if (!code)
		return poller;
	free(poller);
	errno = code;
	return NULL;
}

void weft_poller_free(struct weft_poller *poller)
{
	if (!poller)
		return;
	poller->ops->end(poller);
	free(poller->registrations);
	free(poller);
}

const char *weft_poller_name(const struct weft_poller *poller)
{
	return poller->ops->name;
}

/* ---- Registrations --------------------------------------------------------------------- */

struct weft__registration *weft__poller_find(const struct weft_poller *poller, int fd)
{
	if (fd < 0 || (size_t)fd >= poller->capacity || poller->registrations[fd].fd < 0)
		return NULL;
	return &poller->registrations[fd];
}

static int grow(struct weft_poller *poller, int fd)
{
	size_t capacity = poller->capacity ? poller->capacity : 64;
	struct weft__registration *registrations;

	while (capacity <= (size_t)fd)
		capacity *= 2;
	registrations = reallocarray(poller->registrations, capacity, sizeof(*registrations));
	if (!registrations)
		return ENOMEM;
	for (size_t i = poller->capacity; i < capacity; i++)
		registrations[i] = (struct weft__registration){.fd = -1};
	poller->registrations = registrations;
	poller->capacity = capacity;
	return 0;
}

static int check(const struct weft_poller *poller, unsigned events)
{
	if ((events & ~KNOWN) || !(events & WISHES))
		return EINVAL;
	return events & poller->ops->not_supported ? ENOTSUP : 0;
}

int weft_poller_register(struct weft_poller *poller, int fd, unsigned events, void *user)
{
	struct weft__registration *registration;
	int code = check(poller, events);

	if (!code && fd < 0)
		code = EBADF;
	if (!code && weft__poller_find(poller, fd))
		code = EEXIST;
	if (!code && (size_t)fd >= poller->capacity)
		code = grow(poller, fd);
	if (code)
		return fail(code);
	registration = &poller->registrations[fd];
	*registration = (struct weft__registration){
		.fd = fd, .events = events, .user = user, .serial = ++poller->serial};
	code = poller->ops->set(poller, registration, true);
	if (code) {
		registration->fd = -1;
		return fail(code);
	}
	poller->count++;
	return 0;
}

int weft_poller_modify(struct weft_poller *poller, int fd, unsigned events, void *user)
{
	struct weft__registration *registration = weft__poller_find(poller, fd), before;
	int code = check(poller, events);

	if (!code && !registration)
		code = ENOENT;
	if (code)
		return fail(code);
	before = *registration;
	registration->events = events;
	registration->user = user;
	registration->is_spent = false;
	code = poller->ops->set(poller, registration, false);
	if (code) {
		*registration = before;
		return fail(code);
	}
	return 0;
}

static void drop(struct weft_poller *poller, struct weft__registration *registration)
{
	registration->events = 0;
	poller->ops->set(poller, registration, false);
	registration->fd = -1;
	poller->count--;
}

int weft_poller_unregister(struct weft_poller *poller, int fd)
{
	struct weft__registration *registration = weft__poller_find(poller, fd);

	if (!registration)
		return fail(ENOENT);
	drop(poller, registration);
	return 0;
}

int weft__poller_asked(const struct weft__registration *registration)
{
	unsigned events = registration->is_spent ? 0 : registration->events;

	return (events & WEFT_POLLER_IN ? POLLIN : 0) | (events & WEFT_POLLER_OUT ? POLLOUT : 0) |
	       (events & WEFT_POLLER_PRI ? POLLPRI : 0);
}

bool weft__poller_tell(
	struct weft_poller *poller, struct weft__registration *registration, int events)
{
	unsigned told = (events & POLLIN ? WEFT_POLLER_IN : 0) |
			(events & POLLOUT ? WEFT_POLLER_OUT : 0) |
			(events & POLLPRI ? WEFT_POLLER_PRI : 0) |
			(events & POLLERR ? WEFT_POLLER_ERR : 0) |
			(events & POLLHUP ? WEFT_POLLER_HUP : 0) |
			(events & POLLNVAL ? WEFT_POLLER_CLOSED : 0);

	if (!told)
		return true;
	poller->told[poller->told_count++] =
		(struct weft_poller_event){registration->fd, told, registration->user};
	if (told & WEFT_POLLER_CLOSED) {
		drop(poller, registration);
	} else if (registration->events & WEFT_POLLER_ONESHOT) {
		registration->is_spent = true;
		poller->ops->set(poller, registration, false);
	}
	return poller->told_count < poller->told_max;
}

/* ---- Waiting ------------------------------------------------------------------------------ */

/* timeout_ns is INT64_MAX for ever. */
static int look(struct weft_poller *poller, int64_t timeout_ns)
{
	struct timespec timeout = weft__doze_time(timeout_ns);
	int code;

	weft__doze_begin(&timeout);
	code = weft_interrupted();
	if (!code)
		code = poller->ops->wait(poller, &timeout);
	weft__doze_end();
	return code;
}

/* Park until one of all the descriptors may be ready. 0 or an errno value. */
static int watch_all(struct weft_poller *poller, struct weft__watch *watches)
{
	const struct weft__wait wait = {.kind = WEFT__WAIT_SELECT,
		.events = POLLIN | POLLOUT,
		.number = (int64_t)poller->count};
	struct weft__worker *worker = weft__worker;
	struct weft__driver *driver = worker->driver;
	size_t count = 0;
	int code = 0;

	for (size_t fd = 0; fd < poller->capacity && !code; fd++) {
		struct weft__registration *registration = weft__poller_find(poller, (int)fd);

		if (!registration || !weft__poller_asked(registration))
			continue;
		watches[count] = (struct weft__watch){.fiber = worker->current,
			.fd = (int)fd,
			.events = weft__poller_asked(registration) & (POLLIN | POLLOUT),
			.is_poll = true};
		code = -driver->ops->watch(driver, &watches[count]);
		count += !code;
	}
	/* What came before the watches were there is found now; a bad descriptor, too. */
	if (code == 0 || code == EBADF)
		code = look(poller, 0);
	if (!code && poller->told_count == 0 && !worker->current->context.interrupt)
		weft__park(worker, &wait);
	while (count-- > 0)
		driver->ops->unwatch(driver, &watches[count]);
	return code;
}

static int wait_watching(struct weft_poller *poller)
{
	struct weft__watch *watches = calloc(poller->count + 1, sizeof(*watches));
	int code = watches ? watch_all(poller, watches) : ENOMEM;

	free(watches);
	return code;
}

/* In a fiber, inside the timeout: until something is told. 0, or an errno value. */
static int wait_in_fiber(struct weft_poller *poller)
{
	int fd = poller->ops->fd ? poller->ops->fd(poller) : -1;
	int code = look(poller, 0);

	while (!code && poller->told_count == 0) {
		code = weft_interrupted();
		if (!code && fd >= 0)
			code = weft_wait_fd(fd, POLLIN) < 0 ? errno : 0;
		else if (!code)
			code = wait_watching(poller);
		if (!code && poller->told_count == 0)
			code = look(poller, 0);
	}
	return code;
}

/* On a thread the scope's deadline bounds the call itself. A signal handler doesn't end it. */
static int wait_on_thread(struct weft_poller *poller, int64_t timeout_ns)
{
	int64_t end = timeout_ns < 0 ? INT64_MAX : weft_now() + timeout_ns, left;
	int code;

	do {
		int64_t of_scope = weft_time_left();

		left = timeout_ns < 0 ? WEFT_FOREVER : end - weft_now();
		left = left < 0 && timeout_ns >= 0 ? 0 : left;
		if (of_scope != WEFT_FOREVER && (left < 0 || of_scope < left))
			left = of_scope;
		code = look(poller, left < 0 ? INT64_MAX : left);
		if (!code && poller->told_count == 0)
			code = weft_interrupted();
	} while (!code && poller->told_count == 0 && (timeout_ns < 0 || weft_now() < end));
	return code;
}

static int wait(struct weft_poller *poller, int64_t timeout_ns)
{
	struct weft_timeout timeout;
	bool is_up;
	int code = weft_interrupted();

	if (code)
		return code;
	if (!weft__worker)
		return wait_on_thread(poller, timeout_ns);
	if (timeout_ns == 0)
		return look(poller, 0);
	weft_timeout_begin(&timeout, timeout_ns);
	code = wait_in_fiber(poller);
	is_up = weft_timeout_end(&timeout);
	/* Its own time being up is no error; the scope's is. */
	return code == ETIMEDOUT && is_up ? weft_interrupted() : code;
}

ssize_t weft_poller_wait(struct weft_poller *poller, struct weft_poller_event *ret_events,
	size_t max, int64_t timeout_ns)
{
	int code;

	if (max == 0)
		return fail(EINVAL);
	poller->told = ret_events;
	poller->told_count = 0;
	poller->told_max = max;
	code = wait(poller, timeout_ns);
	return code && poller->told_count == 0 ? fail(code) : (ssize_t)poller->told_count;
}
