/*
 * supervisor_actor.c - one process of a supervisor's: started, heard, asked to end, made to.
 *
 * Entry points: weft__actor_start(), _stop(), _kill(), _has_ended().
 *
 * Must never: wait for what a process prints or says; block the supervisor on it.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/un.h>
#include <unistd.h>

#include "process/process.h"
#include "process/supervisor.h"
#include "weft/fiber.h"
#include "weft/log.h"
#include "weft/manager.h"

/** Read at the end at most: all that a pipe holds, unless its size was changed. */
#define OUTPUT_REST_MAX ((size_t)1024 * 1024)

#define READY_NS WEFT_SECONDS(60)
#define GRACE_NS WEFT_SECONDS(10)

/* ---- Lines ------------------------------------------------------------------------------------
 */

static void take_line(void *arg, const char *line, size_t len, bool is_whole)
{
	struct weft__actor *actor = arg;

	weft_log_to(actor->ward->supervisor->logger, WEFT_LOG_INFO, "output",
		WEFT_KV("child", actor->ward->name),
		WEFT_KV("pid", weft_process_pid(actor->process)), weft_log_bytes("line", line, len),
		weft_log_bool("whole", is_whole));
}

static void tell_dropped(void *arg, uint64_t count)
{
	struct weft__actor *actor = arg;

	actor->ward->lines_dropped += count;
	weft_log_to(actor->ward->supervisor->logger, WEFT_LOG_WARN, "too many lines of output",
		WEFT_KV("child", actor->ward->name), WEFT_KV("dropped", count));
}

/* ---- Starting ---------------------------------------------------------------------------------
 */

/* Where it may say that it is ready: a name that the kernel chooses. */
static int open_notes(struct weft__actor *actor, char *word, size_t size)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	socklen_t len = sizeof address.sun_family;
	const int on = 1;

	actor->note_fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (actor->note_fd < 0 || bind(actor->note_fd, (struct sockaddr *)&address, len) < 0 ||
		setsockopt(actor->note_fd, SOL_SOCKET, SO_PASSCRED, &on, sizeof on) < 0)
		return errno;
	len = sizeof address;
	if (getsockname(actor->note_fd, (struct sockaddr *)&address, &len) < 0)
		return errno;
	snprintf(word, size, "NOTIFY_SOCKET=@%.*s",
		(int)(len - offsetof(struct sockaddr_un, sun_path) - 1), address.sun_path + 1);
	return 0;
}

/* Whom the supervisor itself has to tell is no business of its children. */
static bool is_of_manager(const char *word)
{
	return strncmp(word, "NOTIFY_SOCKET=", 14) == 0 || strncmp(word, "WATCHDOG_", 9) == 0;
}

/* An array of borrowed words; notify: "" for none. */
static const char **make_environment(const struct weft_process *pattern, const char *notify)
{
	const char *const *from = pattern->options.environment;
	const char **words;
	size_t count = 0, at = 0;

	if (!from)
		from = (const char *const *)environ;
	while (from[count])
		count++;
	words = calloc(count + 2, sizeof *words);
	for (size_t i = 0; words && i < count; i++)
		if (!is_of_manager(from[i]))
			words[at++] = from[i];
	if (words && *notify)
		words[at] = notify;
	return words;
}

/* What the pattern has, and what is the supervisor's own. */
static int make_process(struct weft__actor *actor, const struct weft_process *pattern)
{
	struct weft_process_options options = pattern->options;
	struct weft_supervisor *supervisor = actor->ward->supervisor;
	char notify[sizeof(struct sockaddr_un) + 32] = "";
	const char **environment;
	int code = 0;

	if (actor->ward->how.tells_ready)
		code = open_notes(actor, notify, sizeof notify);
	if (code)
		return code;
	environment = make_environment(pattern, notify);
	if (!environment)
		return ENOMEM;
	options.environment = environment;
	options.handed = supervisor->handed;
	options.handed_count = supervisor->handed_count;
	actor->process = pattern->argv ? weft_process_new_program(
						 &options, (const char *const *)pattern->argv)
				       : weft_process_new(&options, pattern->fn, pattern->arg);
	code = actor->process ? 0 : errno;
	free(environment);
	return code;
}

static int watch(struct weft__actor *actor, enum weft__actor_source_kind kind, int fd)
{
	struct epoll_event event = {.events = EPOLLIN};

	actor->sources[kind] = (struct weft__actor_source){actor, kind};
	event.data.ptr = &actor->sources[kind];
	if (fd < 0)
		return 0;
	return epoll_ctl(actor->ward->supervisor->epoll_fd, EPOLL_CTL_ADD, fd, &event) < 0 ? errno
											   : 0;
}

/* A child of fork(2) may have a copy of the descriptor, and keep it in the set. */
static void unwatch(struct weft__actor *actor, int fd)
{
	if (fd >= 0)
		epoll_ctl(actor->ward->supervisor->epoll_fd, EPOLL_CTL_DEL, fd, NULL);
}

void weft__actor_free(struct weft__actor *actor)
{
	if (actor->process)
		unwatch(actor, weft_process_fd(actor->process));
	unwatch(actor, actor->output_fd);
	unwatch(actor, actor->note_fd);
	if (actor->output_fd >= 0)
		close(actor->output_fd);
	if (actor->note_fd >= 0)
		close(actor->note_fd);
	weft_process_free(actor->process);
	free(actor);
}

/* It runs. */
static int watch_all(struct weft__actor *actor)
{
	int code;

	actor->is_lost = weft_process_fd(actor->process) < 0;
	actor->output_fd = weft_process_take_fd(actor->process, STDOUT_FILENO);
	if (actor->output_fd < 0) /* the errors alone go to the log */
		actor->output_fd = weft_process_take_fd(actor->process, STDERR_FILENO);
	if (actor->output_fd >= 0)
		fcntl(actor->output_fd, F_SETFL, O_NONBLOCK);
	code = watch(actor, WEFT__ACTOR_END, weft_process_fd(actor->process));
	if (code == 0)
		code = watch(actor, WEFT__ACTOR_OUTPUT, actor->output_fd);
	if (code == 0)
		code = watch(actor, WEFT__ACTOR_NOTE, actor->note_fd);
	return code;
}

int weft__actor_start(
	struct weft__ward *ward, const struct weft_process *pattern, struct weft__actor **ret_actor)
{
	struct weft_supervisor *supervisor = ward->supervisor;
	struct weft__actor *actor = calloc(1, sizeof *actor);
	int code;

	if (!actor)
		return ENOMEM;
	*actor = (struct weft__actor){.ward = ward, .output_fd = -1, .note_fd = -1};
	actor->lines.take = take_line;
	actor->lines.drop = tell_dropped;
	actor->lines.arg = actor;
	actor->lines.per_s = ward->how.lines_per_s ? ward->how.lines_per_s : 1000;
	code = make_process(actor, pattern);
	if (code == 0) {
		pthread_mutex_unlock(&supervisor->mutex);
		code = weft_process_start(actor->process) < 0 ? errno : 0;
		pthread_mutex_lock(&supervisor->mutex);
	}
	if (code == 0 && (code = watch_all(actor)))
		weft_process_signal_group(actor->process, SIGKILL);
	if (code) {
		weft__actor_free(actor);
		return code;
	}
	actor->started_ns = supervisor->now();
	actor->due_ns = actor->started_ns + (ward->how.ready_ns ? ward->how.ready_ns : READY_NS);
	*ret_actor = actor;
	return 0;
}

/* ---- Hearing it -------------------------------------------------------------------------------
 */

/* 0: nothing now, or never again. */
static size_t read_some(struct weft__actor *actor)
{
	struct weft_supervisor *supervisor = actor->ward->supervisor;
	char *data = supervisor->scratch;
	ssize_t len = read(actor->output_fd, data, sizeof supervisor->scratch);

	if (len > 0) {
		weft__lines_add(&actor->lines, data, (size_t)len, supervisor->now());
		return (size_t)len;
	}
	if (len < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	/* The end: it has closed its output, and runs on. */
	unwatch(actor, actor->output_fd);
	close(actor->output_fd);
	actor->output_fd = -1;
	weft__lines_end(&actor->lines, supervisor->now());
	return 0;
}

void weft__actor_read_output(struct weft__actor *actor)
{
	if (actor->output_fd >= 0)
		read_some(actor);
}

/* Its own process, or one of its user's: the name of the socket is no secret. */
static bool may_tell(const struct weft__actor *actor, struct msghdr *message)
{
	struct cmsghdr *part = CMSG_FIRSTHDR(message);
	struct ucred from;

	if (!part || part->cmsg_level != SOL_SOCKET || part->cmsg_type != SCM_CREDENTIALS)
		return false;
	memcpy(&from, CMSG_DATA(part), sizeof from);
	return from.uid == geteuid() || from.pid == weft_process_pid(actor->process);
}

static void take_note(struct weft__actor *actor, char *text)
{
	struct weft__ward *ward = actor->ward;
	bool is_ready = false;

	for (char *line; (line = strsep(&text, "\n"));) {
		if (strcmp(line, "READY=1") == 0)
			is_ready = true;
		else if (strncmp(line, "STATUS=", 7) == 0)
			snprintf(ward->text, sizeof ward->text, "%s", line + 7);
	}
	if (is_ready && actor->state == WEFT__ACTOR_STARTING)
		weft__ward_on_ready(ward, actor);
}

void weft__actor_read_note(struct weft__actor *actor)
{
	char *text = actor->ward->supervisor->scratch;
	/* Room for who sends, and for nothing else: descriptors that come with it are closed. */
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(sizeof(struct ucred))];
	} control;
	struct iovec part = {text, WEFT_MANAGER_TEXT_MAX};
	struct msghdr message = {.msg_iov = &part,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof control};
	ssize_t len = recvmsg(actor->note_fd, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);

	if (len <= 0 || (message.msg_flags & MSG_TRUNC) || !may_tell(actor, &message))
		return;
	text[len] = 0;
	take_note(actor, text);
}

/* ---- Its end ----------------------------------------------------------------------------------
 */

void weft__actor_kill(struct weft__actor *actor)
{
	actor->state = WEFT__ACTOR_KILLED;
	weft_process_signal_group(actor->process, SIGKILL);
}

void weft__actor_stop(struct weft__actor *actor)
{
	const struct weft_supervisor_child *how = &actor->ward->how;

	if (actor->state >= WEFT__ACTOR_STOPPING)
		return;
	if (how->grace_ns < 0) {
		weft__actor_kill(actor);
		return;
	}
	actor->state = WEFT__ACTOR_STOPPING;
	actor->due_ns = actor->ward->supervisor->now() + (how->grace_ns ? how->grace_ns : GRACE_NS);
	weft_process_signal_group(actor->process, how->stop_signal ? how->stop_signal : SIGTERM);
	/* One that stands still would not hear it. */
	weft_process_signal_group(actor->process, SIGCONT);
}

bool weft__actor_has_ended(struct weft__actor *actor, struct weft_process_end *ret_end)
{
	size_t left = OUTPUT_REST_MAX, len;

	if (weft_process_result(actor->process, ret_end) < 0) {
		if (errno == EBUSY)
			return false;
		*ret_end = (struct weft_process_end){.how = WEFT_PROCESS_LOST};
	}
	while (actor->output_fd >= 0 && left > 0 && (len = read_some(actor)) > 0)
		left -= len < left ? len : left;
	weft__lines_end(&actor->lines, actor->ward->supervisor->now());
	return true;
}
