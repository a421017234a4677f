/*
 * server_watch.c - the control connection while data flows (RFC 959, sections 4.1.3 and 3.2).
 *
 * Entry points: weft__ftpd_watch_start(), _aim(), _announce(), _settle(), _is_over(), _stop().
 *
 *	ABOR	the data connection is shut, which ends the transfer; the line stays where it is,
 *		and is answered after the 426, in its turn
 *	STAT	how far it is, at once, if nothing stands before it
 *	NOOP	is counted, if nothing stands before it, and answered after the transfer: those
 *		that a client sends for hours must not fill the buffer
 *	QUIT	stays, and makes the connection's end no accident
 *	the end	as ABOR: who is gone has not sent all that he wanted to
 *	others	stay, and are answered after the transfer; when they fill the buffer, the end
 *		of the connection could not be seen any more: that ends the transfer, too
 *
 * It begins before the data connection is made, so that ABOR ends waiting for it, too.
 *
 * Now and then it asks whether the visitor may stay; who may not has his transfer ended as by ABOR.
 *
 * A client that is killed closes both connections, and the end of an upload in the clear looks
 * like any other: it is this look at the control connection that tells the two apart.
 *
 * Never: a write to the control connection while the session writes there, or a line taken that it
 * has to answer.
 */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "ftp/server_transfer.h"
#include "weft/scope.h"
#include "weft/socket.h"

/* A port that is listened at ends what accepts there; a connection, what reads, writes or calls. */
static void shut(const struct weft__ftpd_watch *watch)
{
	if (watch->data_fd >= 0)
		(void)weft_shutdown(watch->data_fd, SHUT_RDWR);
}

static void end_transfer(struct weft__ftpd_watch *watch)
{
	pthread_mutex_lock(&watch->lock);
	if (!atomic_exchange(&watch->is_over, true))
		shut(watch);
	pthread_mutex_unlock(&watch->lock);
}

void weft__ftpd_watch_aim(struct weft__ftpd_watch *watch, int data_fd)
{
	if (!watch)
		return;
	pthread_mutex_lock(&watch->lock);
	watch->data_fd = data_fd;
	if (atomic_load(&watch->is_over))
		shut(watch);
	pthread_mutex_unlock(&watch->lock);
}

int weft__ftpd_watch_announce(
	struct weft__ftpd_session *session, struct weft__ftpd_watch *watch, const char *what)
{
	int result;

	if (watch && weft_lock_acquire(&watch->writing) < 0)
		return -1;
	weft__ftpd_reply(session, 150, "%s", what);
	result = weft__ftpd_flush(session);
	if (watch)
		weft_lock_release(&watch->writing);
	return result;
}

/* The session writes its 150 at most. */
static void say_progress(struct weft__ftpd_watch *watch)
{
	if (weft_lock_acquire(&watch->writing) < 0)
		return;
	WEFT_WITH_TIMEOUT (WEFT__FTPD_REPLY_TIMEOUT_NS)
		if (weft_stream_printf(watch->session->control, "213 %lld bytes so far.\r\n",
			    (long long)atomic_load(&watch->bytes)) == 0)
			(void)weft_stream_flush(watch->session->control);
	weft_lock_release(&watch->writing);
}

/* A line that need not wait for its turn: it is taken. */
static bool take_line(struct weft__ftpd_watch *watch)
{
	struct weft__ftpd_session *session = watch->session;
	const struct weft__ftpd_line *line = &watch->line;
	bool is_stat = strcmp(line->verb, "STAT") == 0 && !line->argument[0] && session->noops == 0;
	bool is_noop = strcmp(line->verb, "NOOP") == 0 && session->noops < WEFT__FTPD_NOOPS_MAX;

	if (watch->scanned > 0 || watch->is_of_work || (!is_stat && !is_noop))
		return false;
	weft_stream_consume(session->control, line->used);
	weft__ftpd_keep_pace(session);
	if (is_stat)
		say_progress(watch);
	else
		session->noops++;
	return true;
}

/* Look at one line behind those that were looked at. Whether there was one. */
static bool look_at_line(struct weft__ftpd_watch *watch, const char *data, size_t len)
{
	struct weft__ftpd_line *line = &watch->line;
	enum weft__ftpd_verdict verdict =
		weft__ftpd_line_take(data + watch->scanned, len - watch->scanned, line);

	if (verdict == WEFT__FTPD_MORE || verdict == WEFT__FTPD_TOO_LONG)
		return false;
	if (verdict != WEFT__FTPD_LINE) {
		watch->scanned += line->used;
		return true;
	}
	if (take_line(watch))
		return true;
	if (strcmp(line->verb, "ABOR") == 0)
		end_transfer(watch);
	watch->has_quit |= strcmp(line->verb, "QUIT") == 0;
	watch->scanned += line->used;
	return true;
}

static bool may_stay(const struct weft__ftpd_session *session)
{
	const struct weft_ftp_server_options *options = session->options;

	return options->may_stay(&session->visitor, options->arg);
}

/* weft_stream_peek(), with a look at the visitor each time that it takes long. */
static ssize_t peek(struct weft__ftpd_watch *watch, size_t len, const char **ret_data)
{
	const struct weft__ftpd_session *session = watch->session;
	bool looks = session->options->may_stay && session->is_in && !session->is_anonymous;
	bool is_late = false;
	ssize_t have = -1;
	int code;

	do {
		WEFT_WITH_TIMEOUT (looks ? WEFT__FTPD_LOOK_EVERY_NS : WEFT_FOREVER)
			have = weft_stream_peek(session->control, len, ret_data);
		code = errno;
		/* Not the kernel's ETIMEDOUT, of a peer that is gone: where nobody looks. */
		is_late = looks && have < 0 && code == ETIMEDOUT && !weft_interrupted();
		if (is_late && !may_stay(session))
			end_transfer(watch);
	} while (is_late);
	errno = code;
	return have;
}

static int read_control(struct weft__ftpd_watch *watch)
{
	struct weft_stream *control = watch->session->control;
	const char *data;
	ssize_t have, len;

	for (;;) {
		do
			have = weft_stream_peek(control, 0, &data);
		while (have > (ssize_t)watch->scanned && look_at_line(watch, data, (size_t)have));
		if (have < 0)
			return 0; /* a scope's end */
		if (have == WEFT_STREAM_BUFFER_SIZE) {
			end_transfer(watch);
			return 0;
		}
		len = peek(watch, (size_t)have + 1, &data);
		if (len < 0 && (errno == ECANCELED || weft_interrupted()))
			return 0;
		if (len <= have) {
			if (!watch->has_quit && watch->is_of_work)
				weft__ftpd_session_cancel(watch->session);
			else if (!watch->has_quit)
				end_transfer(watch);
			return 0;
		}
	}
}

static int watch_control(void *arg)
{
	struct weft__ftpd_watch *watch = arg;
	int result = read_control(watch);

	atomic_store(&watch->has_ended, true);
	return result;
}

static bool start_reader(struct weft__ftpd_watch *watch)
{
	struct weft_spawn_options options = {
		.name = "ftp watch", .worker = 1 + (unsigned)weft_worker_index()};
	const struct weft_thread_options of_thread = {.name = "ftp watch", .is_daemon = true};

	if (weft_self()) {
		watch->fiber = weft_spawn_with(&options, watch_control, watch);
		return watch->fiber != 0;
	}
	watch->thread = weft_thread_new(&of_thread, watch_control, watch);
	if (watch->thread && weft_thread_start(watch->thread) == 0)
		return true;
	weft_thread_free(watch->thread);
	watch->thread = NULL;
	return false;
}

static struct weft__ftpd_watch *start(struct weft__ftpd_session *session, bool is_of_work)
{
	struct weft__ftpd_watch *watch = calloc(1, sizeof(*watch));

	if (!watch)
		return NULL;
	watch->session = session;
	watch->data_fd = -1;
	watch->is_of_work = is_of_work;
	pthread_mutex_init(&watch->lock, NULL);
	weft_lock_init(&watch->writing, "ftp replies");
	atomic_init(&watch->is_over, false);
	atomic_init(&watch->has_ended, false);
	if (start_reader(watch))
		return watch;
	pthread_mutex_destroy(&watch->lock);
	free(watch);
	return NULL;
}

struct weft__ftpd_watch *weft__ftpd_watch_start(struct weft__ftpd_session *session)
{
	return start(session, false);
}

struct weft__ftpd_watch *weft__ftpd_watch_start_work(struct weft__ftpd_session *session)
{
	return start(session, true);
}

/* Whether the peer will send no more there, however much lies before that. */
static bool is_control_ending(const struct weft__ftpd_watch *watch)
{
	struct pollfd control = {
		.fd = weft_stream_fd(watch->session->control), .events = POLLRDHUP};

	return poll(&control, 1, 0) > 0 && (control.revents & (POLLRDHUP | POLLHUP | POLLERR));
}

/*
 * The kernel closes what a killed client had, one connection after the other, in any order. Where
 * syncing takes no time, the moment between them has to be waited for.
 */
int weft__ftpd_watch_settle(struct weft__ftpd_watch *watch)
{
	if (!watch)
		return 0;
	if (weft_sleep(WEFT__FTPD_SETTLE_NS) < 0)
		return -1;
	while (is_control_ending(watch) && !atomic_load(&watch->has_ended))
		if (weft_sleep(WEFT__FTPD_SETTLE_NS) < 0)
			return -1;
	errno = ECANCELED;
	return weft__ftpd_watch_is_over(watch) ? -1 : 0;
}

bool weft__ftpd_watch_is_over(const struct weft__ftpd_watch *watch)
{
	return watch && atomic_load(&watch->is_over);
}

void weft__ftpd_watch_stop(struct weft__ftpd_watch *watch)
{
	int saved = errno;

	if (!watch)
		return;
	WEFT_SHIELDED {
		if (watch->fiber) {
			weft_cancel(watch->fiber);
			weft_join(watch->fiber, NULL, WEFT_FOREVER);
		} else {
			weft_thread_cancel(watch->thread);
			weft_thread_join(watch->thread, NULL, WEFT_FOREVER);
			weft_thread_free(watch->thread);
		}
	}
	pthread_mutex_destroy(&watch->lock);
	free(watch);
	errno = saved;
}
