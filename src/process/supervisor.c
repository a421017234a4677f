/*
 * supervisor.c - supervisors as their users see them (include/weft/supervisor.h).
 *
 * What is asked from outside is a wish, which is left under the mutex for who runs it
 * (supervisor_run.c).
 */
#include "process/supervisor.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "process/process.h"
#include "weft/fiber.h"
#include "weft/log.h"
#include "weft/socket.h"

/* ---- Life -------------------------------------------------------------------------------------
 */

struct weft_supervisor *weft_supervisor_new(const struct weft_supervisor_options *options)
{
	struct weft_supervisor *supervisor = calloc(1, sizeof *supervisor);
	struct epoll_event wake = {.events = EPOLLIN};

	if (!supervisor)
		return NULL;
	supervisor->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	supervisor->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (supervisor->epoll_fd < 0 || supervisor->wake_fd < 0 ||
		epoll_ctl(supervisor->epoll_fd, EPOLL_CTL_ADD, supervisor->wake_fd, &wake) < 0)
		goto fail;
	pthread_mutex_init(&supervisor->mutex, NULL);
	weft__wait_list_init(&supervisor->changed);
	weft_list_init(&supervisor->wards);
	supervisor->logger = options ? options->logger : NULL;
	if (!supervisor->logger)
		supervisor->logger = weft_logger_default();
	supervisor->stays = options && options->stays;
	supervisor->now = weft_now;
	return supervisor;

fail:
	if (supervisor->wake_fd >= 0)
		close(supervisor->wake_fd);
	if (supervisor->epoll_fd >= 0)
		close(supervisor->epoll_fd);
	free(supervisor);
	return NULL;
}

void weft_supervisor_free(struct weft_supervisor *supervisor)
{
	int saved = errno;
	struct weft_list_node *node;

	if (!supervisor)
		return;
	while ((node = weft_list_pop_front(&supervisor->wards)))
		weft__ward_release(weft_container_of(node, struct weft__ward, node));
	for (size_t i = 0; i < supervisor->handed_count; i++) {
		free((char *)supervisor->handed[i].name);
		close(supervisor->handed[i].fd);
	}
	close(supervisor->wake_fd);
	weft_close(supervisor->epoll_fd); /* it was waited on */
	pthread_mutex_destroy(&supervisor->mutex);
	free(supervisor);
	errno = saved;
}

/* With the mutex. 0 or an errno. */
static int hand(struct weft_supervisor *supervisor, const char *name, int fd)
{
	struct weft_process_handed *place = &supervisor->handed[supervisor->handed_count];
	struct weft_process *probe;

	if (supervisor->handed_count == WEFT_PROCESS_HANDED_MAX)
		return ENOSPC;
	for (size_t i = 0; i < supervisor->handed_count; i++)
		if (strcmp(supervisor->handed[i].name, name) == 0)
			return EEXIST;
	place->fd = fcntl(fd, F_DUPFD_CLOEXEC, 3);
	if (place->fd < 0)
		return errno;
	place->name = strdup(name);
	/* Whether the name can be handed over, a process knows. */
	probe = place->name ? weft_process_new(&(struct weft_process_options){.handed = place,
						       .handed_count = 1},
				      (weft_process_fn *)abort, NULL)
			    : NULL;
	if (!probe) {
		int code = place->name ? errno : ENOMEM;

		free((char *)place->name);
		close(place->fd);
		return code;
	}
	weft_process_free(probe);
	supervisor->handed_count++;
	return 0;
}

int weft_supervisor_hand(struct weft_supervisor *supervisor, const char *name, int fd)
{
	int code;

	if (!name)
		return weft__process_fail(EINVAL);
	pthread_mutex_lock(&supervisor->mutex);
	code = hand(supervisor, name, fd);
	pthread_mutex_unlock(&supervisor->mutex);
	return code ? weft__process_fail(code) : 0;
}

int weft_supervisor_add(
	struct weft_supervisor *supervisor, const struct weft_supervisor_child *child)
{
	struct weft__ward *ward;

	pthread_mutex_lock(&supervisor->mutex);
	ward = weft__ward_new(supervisor, child);
	if (ward)
		weft_list_push_back(&supervisor->wards, &ward->node);
	pthread_mutex_unlock(&supervisor->mutex);
	weft__supervise_wake(supervisor);
	return ward ? 0 : -1;
}

void weft__supervise_wake(struct weft_supervisor *supervisor)
{
	const uint64_t one = 1;
	int saved = errno;
	ssize_t written = write(supervisor->wake_fd, &one, sizeof one);

	(void)written; /* full: then it is awake */
	errno = saved;
}

void weft_supervisor_stop(struct weft_supervisor *supervisor)
{
	atomic_store(&supervisor->is_stopping, true);
	weft__supervise_wake(supervisor);
}

/* ---- Its children ------------------------------------------------------------------------------
 */

int weft_supervisor_status(struct weft_supervisor *supervisor, const char *name,
	struct weft_supervisor_status *ret_status)
{
	struct weft__ward *ward;

	pthread_mutex_lock(&supervisor->mutex);
	ward = weft__ward_find(supervisor, name);
	if (ward) {
		*ret_status = (struct weft_supervisor_status){.state = ward->state,
			.pid = ward->current ? weft_process_pid(ward->current->process) : 0,
			.starts = ward->starts,
			.end = ward->end,
			.lines_dropped = ward->lines_dropped};
		memcpy(ret_status->text, ward->text, sizeof ward->text);
	}
	pthread_mutex_unlock(&supervisor->mutex);
	return ward ? 0 : weft__process_fail(ENOENT);
}

/* With the mutex, which is held until let_go(); NULL, without it: there is none. */
static struct weft__ward *hold(struct weft_supervisor *supervisor, const char *name)
{
	struct weft__ward *ward;

	pthread_mutex_lock(&supervisor->mutex);
	ward = weft__ward_find(supervisor, name);
	if (ward)
		ward->holders++;
	else
		pthread_mutex_unlock(&supervisor->mutex);
	return ward;
}

static void let_go(struct weft__ward *ward)
{
	struct weft_supervisor *supervisor = ward->supervisor;

	weft__ward_release(ward);
	pthread_mutex_unlock(&supervisor->mutex);
}

/* Until it is no longer EBUSY. Even if it is removed meanwhile it is there, being held. */
static int wait_for(struct weft__ward *ward, int (*look_at)(const struct weft__ward *ward))
{
	struct weft_supervisor *supervisor = ward->supervisor;
	int code, waited = 0;

	while ((code = look_at(ward)) == EBUSY && !waited)
		waited = weft__wait_list_wait(
			&supervisor->changed, &supervisor->mutex, WEFT__WAIT_THREAD, ward);
	return code == EBUSY ? waited : code;
}

/* EBUSY: it may become so. */
static int look(const struct weft__ward *ward)
{
	if (ward->state == WEFT_SUPERVISOR_READY && !ward->is_leaving)
		return 0;
	return ward->is_leaving || ward->state == WEFT_SUPERVISOR_ENDED ||
			       ward->state == WEFT_SUPERVISOR_GIVEN_UP ||
			       ward->supervisor->is_over ||
			       atomic_load(&ward->supervisor->is_stopping)
		       ? ECHILD
		       : EBUSY;
}

int weft_supervisor_await(struct weft_supervisor *supervisor, const char *name)
{
	struct weft__ward *ward = hold(supervisor, name);
	int code;

	if (!ward)
		return weft__process_fail(ENOENT);
	code = wait_for(ward, look);
	let_go(ward);
	return code ? weft__process_fail(code) : 0;
}

/* EBUSY: it runs, or may run once more. */
static int look_for_end(const struct weft__ward *ward)
{
	bool has_ended = ward->is_gone || ward->supervisor->is_over ||
			 ward->state == WEFT_SUPERVISOR_ENDED ||
			 ward->state == WEFT_SUPERVISOR_GIVEN_UP;

	if (!has_ended || (weft__ward_has_actors(ward) && !ward->supervisor->is_over))
		return EBUSY;
	if (ward->end.how)
		return 0;
	return ward->start_code ? ward->start_code : ECHILD;
}

int weft_supervisor_join(
	struct weft_supervisor *supervisor, const char *name, struct weft_process_end *ret_end)
{
	struct weft__ward *ward = hold(supervisor, name);
	int code;

	if (!ward)
		return weft__process_fail(ENOENT);
	code = wait_for(ward, look_for_end);
	if (code == 0 && ret_end)
		*ret_end = ward->end;
	let_go(ward);
	return code ? weft__process_fail(code) : 0;
}

/* ---- Removing ---------------------------------------------------------------------------------
 */

static bool is_needed(const struct weft__ward *ward)
{
	weft_list_each (node, &ward->supervisor->wards) {
		struct weft__ward *other = weft_container_of(node, struct weft__ward, node);

		for (struct weft__ward **before = other->after; *before; before++)
			if (*before == ward)
				return true;
	}
	return false;
}

static int look_for_removal(const struct weft__ward *ward)
{
	return ward->is_gone ? 0 : EBUSY;
}

int weft_supervisor_remove(
	struct weft_supervisor *supervisor, const char *name, struct weft_process_end *ret_end)
{
	struct weft__ward *ward = hold(supervisor, name);
	int code;

	if (!ward)
		return weft__process_fail(ENOENT);
	code = is_needed(ward) ? EBUSY : 0;
	if (code == 0) {
		ward->is_leaving = true;
		weft__wait_list_wake_all(&supervisor->changed); /* it won't be ready */
		weft__supervise_wake(supervisor);
		/* Nobody runs it, who would do it. */
		if (!ward->is_gone && (!supervisor->has_run || supervisor->is_over))
			weft__ward_remove(ward);
		code = wait_for(ward, look_for_removal);
	}
	if (code == 0 && ret_end)
		*ret_end = ward->end;
	let_go(ward);
	return code ? weft__process_fail(code) : 0;
}

/* ---- Replacing --------------------------------------------------------------------------------
 */

/* With the mutex. 0, or why it can't be asked for. */
static int may_replace(const struct weft__ward *ward, const char *const argv[])
{
	if (!ward)
		return ENOENT;
	if (!ward->supervisor->has_run || ward->supervisor->is_over || ward->is_leaving ||
		atomic_load(&ward->supervisor->is_stopping))
		return ESHUTDOWN;
	if (argv && (!ward->pattern->argv || !argv[0]))
		return EINVAL;
	return ward->replacement || ward->next || ward->leaving ? EBUSY : 0;
}

int weft_supervisor_replace(
	struct weft_supervisor *supervisor, const char *name, const char *const argv[])
{
	struct weft__replacement wish = {.argv = argv};
	struct weft__ward *ward;
	int code;

	pthread_mutex_lock(&supervisor->mutex);
	ward = weft__ward_find(supervisor, name);
	code = may_replace(ward, argv);
	if (code == 0) {
		ward->replacement = &wish;
		weft__supervise_wake(supervisor);
	}
	while (code == 0 && !wish.is_done)
		code = weft__wait_list_wait(
			&supervisor->changed, &supervisor->mutex, WEFT__WAIT_THREAD, ward);
	if (wish.is_done) {
		code = wish.code;
	} else if (ward && ward->replacement == &wish) {
		ward->replacement =
			NULL; /* nobody waits: the new one, if it is there, is stopped */
		if (ward->leaving)
			code = 0; /* it has the place already */
		weft__supervise_wake(supervisor);
	}
	pthread_mutex_unlock(&supervisor->mutex);
	return code ? weft__process_fail(code) : 0;
}

int weft_supervisor_signal(struct weft_supervisor *supervisor, const char *name, int number)
{
	struct weft__ward *ward;
	int code = ENOENT;

	pthread_mutex_lock(&supervisor->mutex);
	ward = weft__ward_find(supervisor, name);
	if (ward && !ward->current)
		code = ESRCH;
	else if (ward)
		code = weft_process_signal(ward->current->process, number) < 0 ? errno : 0;
	pthread_mutex_unlock(&supervisor->mutex);
	return code ? weft__process_fail(code) : 0;
}
