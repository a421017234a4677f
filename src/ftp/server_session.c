/*
 * server_session.c - the life of one control connection.
 *
 * Entry points: weft__ftpd_session_new(), _run(), _stop(), _free().
 *
 *	greet -> wait for a line -> carry it out -> wait for a line ...
 *	              ^ flushes first                  or end: reply, close
 *	              | silent for a while, logged in: park (io/lot.h), and run anew later
 *
 * A line that has begun to come has to end soon; between lines a visitor may think for as long as
 * the options say, and somebody who has not logged in for what is left of his time.
 *
 * Never: carries out what came in the clear behind AUTH TLS.
 */
#include <errno.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>

#include "fiber/doze.h"
#include "ftp/server_verbs.h"
#include "io/stream.h"
#include "weft/scope.h"
#include "weft/socket.h"

/** What became of waiting for a line. */
enum arrival {
	ARRIVED,
	DAMAGED, /* a line that is none */
	TOO_LONG,
	TOO_LATE, /* 421 */
	GONE,     /* the peer has closed, or is lost */
	SILENT,   /* it may still come, and need not be waited for here */
};

/* ---- Life ------------------------------------------------------------------------------- */

/* So that what is sent as urgent stands where it belongs among the other bytes. */
static void take_urgent_bytes_inline(struct weft_stream *control)
{
	int on = 1;

	(void)weft_setsockopt(weft_stream_fd(control), SOL_SOCKET, SO_OOBINLINE, &on, sizeof(on));
}

/* While a file goes over for an hour, nothing else passes here, and routers forget. */
static void keep_alive(struct weft_stream *control)
{
	static const struct {
		int level, name, value;
	} options[] = {
		{SOL_SOCKET, SO_KEEPALIVE, 1},
		{IPPROTO_TCP, TCP_KEEPIDLE, WEFT__FTPD_KEEPALIVE_IDLE_S},
		{IPPROTO_TCP, TCP_KEEPINTVL, WEFT__FTPD_KEEPALIVE_EVERY_S},
		{IPPROTO_TCP, TCP_KEEPCNT, WEFT__FTPD_KEEPALIVE_COUNT},
	};

	for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++)
		(void)weft_setsockopt(weft_stream_fd(control), options[i].level, options[i].name,
			&options[i].value, sizeof(options[i].value));
}

struct weft__ftpd_session *weft__ftpd_session_new(
	struct weft_ftp_server *server, struct weft_stream *control)
{
	struct weft__ftpd_session *session = calloc(1, sizeof(*session));

	if (!session)
		return NULL;
	session->server = server;
	session->options = &server->options;
	session->control = control;
	session->is_implicit = control->layer != NULL;
	session->begun_ns = weft_now();
	session->is_ascii = true; /* RFC 959, section 3.1.1: the default */
	session->has_pbsz = session->is_private = session->is_implicit;
	session->facts = WEFT__FTPD_FACTS_ALL;
	session->data.fd = -1;
	atomic_init(&session->state, WEFT__FTPD_BUSY);
	take_urgent_bytes_inline(control);
	keep_alive(control);
	return session;
}

void weft__ftpd_session_free(struct weft__ftpd_session *session)
{
	weft__ftpd_logout(session);
	free(session->scratch);
	free(session);
}

void weft__ftpd_farewell(struct weft_stream *control, const char *reply)
{
	WEFT_WITH_TIMEOUT (WEFT__FTPD_FAREWELL_NS)
		if (weft_stream_write_all(control, reply, strlen(reply)) == 0)
			(void)weft_stream_flush(control);
}

void weft__ftpd_session_cancel(struct weft__ftpd_session *session)
{
	if (session->fiber)
		weft_cancel(session->fiber);
	else if (session->thread)
		weft_thread_cancel(session->thread);
	else
		weft__process_cancel();
}

void weft__ftpd_session_stop(struct weft__ftpd_session *session)
{
	enum weft__ftpd_state expected = WEFT__FTPD_IDLE;

	if (atomic_compare_exchange_strong(&session->state, &expected, WEFT__FTPD_STOPPED))
		weft__ftpd_session_cancel(session);
}

/* ---- Waiting for a line ----------------------------------------------------------------- */

/* Time for the next line to begin. */
static int64_t patience(const struct weft__ftpd_session *session)
{
	int64_t left_ns = session->begun_ns + session->options->login_timeout_ns - weft_now();

	if (session->is_in)
		return session->options->idle_timeout_ns;
	return left_ns > 0 ? left_ns : 0;
}

/* weft_stream_peek() for more than have bytes, which a stop ends. */
static ssize_t await_bytes(
	struct weft__ftpd_session *session, size_t have, int64_t timeout_ns, const char **ret_data)
{
	enum weft__ftpd_state expected = WEFT__FTPD_IDLE;
	ssize_t len = 0;
	int saved;

	atomic_store(&session->state, WEFT__FTPD_IDLE);
	errno = ECANCELED;
	/* A stop that came before this store has not seen us idle, so we look for it. */
	if (!atomic_load(&session->server->is_stopping))
		WEFT_WITH_TIMEOUT (timeout_ns)
			len = weft_stream_peek(session->control, have + 1, ret_data);
	saved = errno;
	if (!atomic_compare_exchange_strong(&session->state, &expected, WEFT__FTPD_BUSY))
		len = 0;
	errno = saved;
	return len;
}

static bool take_scratch(struct weft__ftpd_session *session)
{
	if (!session->scratch)
		session->scratch = malloc(sizeof(*session->scratch));
	return session->scratch;
}

static void drop_scratch(struct weft__ftpd_session *session)
{
	free(session->scratch);
	session->scratch = NULL;
}

/*
 * Nothing is here. The first byte may take long, and may be waited for without a fiber; and without
 * memory: of hundreds who are logged in, hardly any says something at this moment.
 */
static enum arrival await_first(struct weft__ftpd_session *session)
{
	bool may_park = session->control->can_park && session->is_in;
	int64_t timeout_ns = patience(session);
	const char *data;
	ssize_t len;

	if (weft__ftpd_flush(session) < 0)
		return GONE;
	if (may_park && timeout_ns > WEFT__FTPD_PARK_AFTER_NS)
		timeout_ns = WEFT__FTPD_PARK_AFTER_NS;
	else
		may_park = false;
	drop_scratch(session);
	len = await_bytes(session, 0, timeout_ns, &data);
	if (len > 0)
		return take_scratch(session) ? ARRIVED : GONE;
	if (len < 0 && errno == ETIMEDOUT && weft_interrupted() == 0)
		return may_park ? SILENT : TOO_LATE;
	return GONE;
}

static enum arrival take_line(struct weft__ftpd_session *session, bool *ret_is_whole)
{
	struct weft__ftpd_line *line = &session->scratch->line;
	const char *data;
	size_t len = weft__stream_buffered(session->control, &data);

	*ret_is_whole = true;
	switch (weft__ftpd_line_take(data, len, line)) {
	case WEFT__FTPD_LINE:
		weft_stream_consume(session->control, line->used);
		return ARRIVED;
	case WEFT__FTPD_BAD:
		weft_stream_consume(session->control, line->used);
		return DAMAGED;
	case WEFT__FTPD_TOO_LONG:
		return TOO_LONG;
	case WEFT__FTPD_EMPTY:
		weft_stream_consume(session->control, line->used);
		break;
	case WEFT__FTPD_MORE:
		break;
	}
	*ret_is_whole = false;
	return ARRIVED;
}

static enum arrival await_line(struct weft__ftpd_session *session)
{
	int64_t begun_ns = 0;
	enum arrival arrival;
	bool is_whole;

	for (;;) {
		const char *data;
		size_t have;

		arrival = take_line(session, &is_whole);
		if (is_whole)
			return arrival;
		have = weft__stream_buffered(session->control, &data);
		if (have == 0) {
			arrival = await_first(session);
			if (arrival != ARRIVED)
				return arrival;
			begun_ns = weft_now();
			continue;
		}
		if (weft__ftpd_flush(session) < 0)
			return GONE;
		if (begun_ns == 0)
			begun_ns = weft_now();
		if (weft_now() - begun_ns >= WEFT__FTPD_LINE_TIMEOUT_NS)
			return TOO_LATE;
		if (await_bytes(session, have, begun_ns + WEFT__FTPD_LINE_TIMEOUT_NS - weft_now(),
			    &data) <= (ssize_t)have)
			return GONE;
	}
}

/* Read past the end of a line that is too long. 0, or -1: there is no end to it, or of the peer. */
static int drop_line(struct weft__ftpd_session *session)
{
	size_t dropped = 0;

	while (dropped < WEFT__FTPD_LINE_DROP_MAX) {
		const char *data, *end;
		ssize_t len = await_bytes(session, 0, WEFT__FTPD_LINE_TIMEOUT_NS, &data);

		if (len <= 0)
			return -1;
		end = memchr(data, '\n', (size_t)len);
		if (end)
			len = end - data + 1;
		weft_stream_consume(session->control, (size_t)len);
		if (end)
			return 0;
		dropped += (size_t)len;
	}
	weft__ftpd_reply(session, 421, "That line has no end.");
	return -1;
}

/* ---- Carrying out ----------------------------------------------------------------------- */

void weft__ftpd_keep_pace(struct weft__ftpd_session *session)
{
	int64_t now_ns = weft_now(), cost_ns = WEFT_SECONDS(1) / WEFT__FTPD_COMMANDS_RATE;
	int64_t ahead_ns;

	if (session->commands_due_ns < now_ns)
		session->commands_due_ns = now_ns;
	session->commands_due_ns += cost_ns;
	ahead_ns = session->commands_due_ns - now_ns - WEFT__FTPD_COMMANDS_BURST * cost_ns;
	if (ahead_ns > 0)
		(void)weft_sleep(ahead_ns);
}

static int refuse_unknown(struct weft__ftpd_session *session)
{
	if (weft__ftpd_line_is_http(&session->scratch->line)) {
		weft__ftpd_reply(session, 421, "This is no web server.");
		return -1;
	}
	if (++session->unknown >= WEFT__FTPD_UNKNOWN_MAX) {
		weft__ftpd_reply(session, 421, "That was enough of commands that are none.");
		return -1;
	}
	return weft__ftpd_reply(session, 500, "That is no command of this server.");
}

static int refuse_early(struct weft__ftpd_session *session)
{
	if (session->early >= WEFT__FTPD_EARLY_MAX) {
		weft__ftpd_reply(session, 421, "Too many commands before a log-in.");
		return -1;
	}
	return weft__ftpd_reply(session, 530, "Please log in with USER and PASS.");
}

static void forget_name(struct weft__ftpd_session *session, const char *verb)
{
	if (strcmp(verb, "RNTO") == 0 || !session->rename_from)
		return;
	free(session->rename_from);
	session->rename_from = NULL;
}

/* Whether the visitor is still let in. QUIT needs no leave. */
static bool may_stay(struct weft__ftpd_session *session, const struct weft__ftpd_verb *verb)
{
	weft_ftp_refresh_fn *refresh = session->options->refresh;

	return !session->is_in || session->is_anonymous || !refresh ||
	       strcmp(verb->name, "QUIT") == 0 ||
	       refresh(&session->visitor, session->options->arg) == 0;
}

static void answer_noops(struct weft__ftpd_session *session)
{
	for (; session->noops > 0; session->noops--)
		weft__ftpd_noop(session, "");
}

static int carry_out(struct weft__ftpd_session *session)
{
	const struct weft__ftpd_line *line = &session->scratch->line;
	const struct weft__ftpd_verb *verb = weft__ftpd_verb_find(line->verb);
	int result;

	atomic_fetch_add_explicit(&session->server->counts->commands, 1, memory_order_relaxed);
	weft__ftpd_keep_pace(session);
	if (!session->is_in)
		session->early++;
	if (!verb)
		return refuse_unknown(session);
	session->unknown = 0;
	if (!session->is_in &&
		(!(verb->flags & WEFT__FTPD_EARLY) || session->early > WEFT__FTPD_EARLY_MAX))
		return refuse_early(session);
	if ((verb->flags & WEFT__FTPD_ARGUMENT) && !line->argument[0])
		return weft__ftpd_reply(session, 501, "%s needs an argument.", verb->name);
	if (!may_stay(session, verb)) {
		weft__ftpd_reply(session, 421, "You are logged out.");
		return -1;
	}
	forget_name(session, verb->name);
	result = verb->run(session, line->argument);
	if (verb->flags & WEFT__FTPD_DATA) {
		weft__ftpd_data_forget(session);
		session->restart = 0;
		answer_noops(session);
	}
	return result;
}

/* ---- The loop --------------------------------------------------------------------------- */

enum next {
	ANOTHER,
	NOTHING,
	PARKING,
};

static enum next serve_line(struct weft__ftpd_session *session)
{
	switch (await_line(session)) {
	case ARRIVED:
		return carry_out(session) == 0 ? ANOTHER : NOTHING;
	case DAMAGED:
		weft__ftpd_reply(session, 501, "That line has NUL or CR in it.");
		return ++session->unknown < WEFT__FTPD_UNKNOWN_MAX ? ANOTHER : NOTHING;
	case TOO_LONG:
		if (drop_line(session) < 0)
			return NOTHING;
		weft__ftpd_reply(session, 500, "That line is too long.");
		return ++session->unknown < WEFT__FTPD_UNKNOWN_MAX ? ANOTHER : NOTHING;
	case SILENT:
		return PARKING;
	case TOO_LATE:
		weft__ftpd_farewell(session->control, "421 Nothing came for too long.\r\n");
		return NOTHING;
	case GONE:
		break;
	}
	if (atomic_load(&session->server->is_stopping))
		WEFT_SHIELDED
			weft__ftpd_farewell(session->control, "421 The server is stopping.\r\n");
	return NOTHING;
}

/* With implicit TLS the greeting waits for the handshake, which is bounded as one. */
static int greet(struct weft__ftpd_session *session)
{
	int result = 0;

	if (session->control->layer)
		WEFT_WITH_TIMEOUT (WEFT__FTPD_HANDSHAKE_TIMEOUT_NS)
			result = weft_stream_start_tls(session->control, NULL, NULL);
	if (result < 0)
		return -1;
	atomic_fetch_add(&session->server->counts->connections, 1);
	return weft__ftpd_reply(session, 220, "%s", session->options->greeting);
}

bool weft__ftpd_session_run(struct weft__ftpd_session *session)
{
	enum next next = ANOTHER;

	session->fiber = weft_self();
	session->thread = session->fiber ? NULL : weft_thread_current();
	if (!take_scratch(session))
		return false;
	if (!session->control->was_parked && greet(session) < 0)
		next = NOTHING;
	while (next == ANOTHER)
		next = serve_line(session);
	if (next == NOTHING) {
		/* Who is told goodbye is out: the next to come may be the same. */
		weft__ftpd_logout(session);
		weft__ftpd_flush(session);
	}
	drop_scratch(session);
	return next == PARKING;
}
