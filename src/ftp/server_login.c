/*
 * server_login.c - USER, PASS, ACCT, REIN: who is here.
 *
 * Entry points: those verbs, and weft__ftpd_logout().
 *
 *	USER --> 331 --> PASS --> the login callback --> 230
 *	                              | EACCES: a while, then 530
 *	                              | ENODATA: 332 --> ACCT --> the callback again
 *	                              | else: 421, and the end
 *
 * USER says the same of every name, so that nobody learns which there are. From one address only
 * so many log-ins may fail at a time, whatever the names.
 *
 * Never: keeps a password longer than it takes, or asks for one where it could be overheard and the
 * options forbid that.
 */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "ftp/server.h"
#include "ftp/server_verbs.h"
#include "io/stream.h"

/* ---- Clients ---------------------------------------------------------------------------- */

size_t weft__ftpd_client_of(struct weft_stream *control, struct in6_addr *ret_client)
{
	const struct weft__stream_accepted *peer = &control->accepted;
	bool is_mapped;

	if (peer->len == 0)
		return 0;
	if (peer->in.sin_family == AF_INET) {
		memcpy(ret_client, &peer->in.sin_addr, sizeof(peer->in.sin_addr));
		return sizeof(peer->in.sin_addr);
	}
	/* Whoever has a /64 has all its addresses. */
	is_mapped = IN6_IS_ADDR_V4MAPPED(&peer->in6.sin6_addr);
	memcpy(ret_client, &peer->in6.sin6_addr.s6_addr[is_mapped ? 12 : 0], is_mapped ? 4 : 8);
	return is_mapped ? 4 : 8;
}

static bool fails_too_often(const struct weft__ftpd_session *session)
{
	struct in6_addr client;
	size_t len = weft__ftpd_client_of(session->control, &client);

	return len > 0 && weft_rate_wait(session->server->failures, &client, len, weft_now()) > 0;
}

static void note_failure(const struct weft__ftpd_session *session)
{
	struct in6_addr client;
	size_t len = weft__ftpd_client_of(session->control, &client);

	if (len > 0)
		weft_rate_take(session->server->failures, &client, len, weft_now());
}

/* ---- Out -------------------------------------------------------------------------------- */

static void forget_password(struct weft__ftpd_session *session)
{
	if (session->password)
		explicit_bzero(session->password, strlen(session->password));
	free(session->password);
	session->password = NULL;
}

static void forget_visitor(struct weft__ftpd_session *session)
{
	struct weft_ftp_server *server = session->server;

	if (!session->is_in)
		return;
	if (session->user)
		weft__ftpd_crowd_leave(server->users, session->user, strlen(session->user));
	free(session->user);
	session->user = NULL;
	if (!session->is_anonymous && session->options->logout)
		session->options->logout(&session->visitor, session->options->arg);
	atomic_fetch_sub(&server->counts->sessions, 1);
	session->is_in = session->is_anonymous = false;
	session->visitor = (struct weft_files_visitor){.name = NULL};
}

void weft__ftpd_logout(struct weft__ftpd_session *session)
{
	forget_visitor(session);
	forget_password(session);
	weft__ftpd_data_forget(session);
	session->data.is_extended_only = false;
	free(session->name);
	free(session->folder);
	free(session->rename_from);
	session->name = session->folder = session->rename_from = NULL;
	session->restart = 0;
	session->is_ascii = true;
	session->facts = WEFT__FTPD_FACTS_ALL;
	session->early = 0;
	session->begun_ns = weft_now();
}

/* ---- In --------------------------------------------------------------------------------- */

static int end_with(struct weft__ftpd_session *session, const char *why)
{
	weft__ftpd_reply(session, 421, "%s", why);
	return -1;
}

static int refuse(struct weft__ftpd_session *session)
{
	atomic_fetch_add(&session->server->counts->logins_failed, 1);
	note_failure(session);
	if (weft_sleep(session->server->login_delay_ns) < 0)
		return -1;
	if (++session->failed >= WEFT__FTPD_LOGINS_MAX)
		return end_with(session, "Too many log-ins that failed.");
	return weft__ftpd_reply(session, 530, "That name and password don't go together.");
}

/*
 * The session is one of its user's, if he may have one more. He goes by what the callback calls
 * him: to accounts, ANNA is anna.
 */
static bool take_place(struct weft__ftpd_session *session)
{
	struct weft__ftpd_crowd *users = session->server->users;
	unsigned max = weft__ftpd_count_max(&session->options->sessions_per_user);
	char *user;

	if (!users || session->is_anonymous)
		return true;
	user = strdup(session->visitor.name ? session->visitor.name : session->name);
	if (user && weft__ftpd_crowd_enter(users, user, strlen(user), max ? max : UINT_MAX)) {
		session->user = user;
		return true;
	}
	free(user);
	return false;
}

static int welcome(struct weft__ftpd_session *session)
{
	session->is_in = true;
	atomic_fetch_add(&session->server->counts->sessions, 1);
	if (!take_place(session)) {
		atomic_fetch_add(&session->server->counts->refused, 1);
		forget_visitor(session);
		return end_with(session, "You are logged in too many times already.");
	}
	atomic_fetch_add(&session->server->counts->logins, 1);
	session->failed = 0;
	return weft__ftpd_reply(session, 230, "Logged in.");
}

static bool is_anonymous_name(const struct weft__ftpd_session *session, const char *name)
{
	return session->options->allows_anonymous &&
	       (strcasecmp(name, "anonymous") == 0 || strcasecmp(name, "ftp") == 0);
}

static int let_anonymous_in(struct weft__ftpd_session *session)
{
	session->is_anonymous = true;
	session->visitor = (struct weft_files_visitor){.home = session->options->anonymous_home,
		.rights = WEFT_FILES_READ | WEFT_FILES_LIST};
	if (session->options->anonymous)
		session->visitor = *session->options->anonymous;
	return welcome(session);
}

static int ask_callback(
	struct weft__ftpd_session *session, const char *password, const char *account)
{
	char peer[WEFT_ADDRESS_TEXT_MAX];
	const struct weft_ftp_login login = {
		.name = session->name,
		.password = password,
		.account = account,
		.peer = peer,
		.tls = weft__stream_facts(session->control),
	};

	if (!session->options->login) {
		errno = EACCES;
		return -1;
	}
	weft_address_print_host(weft_stream_peer(session->control), peer, sizeof(peer));
	return session->options->login(&login, &session->visitor, session->options->arg);
}

static int log_in(struct weft__ftpd_session *session, const char *password, const char *account)
{
	if (fails_too_often(session)) {
		atomic_fetch_add(&session->server->counts->logins_failed, 1);
		return end_with(session, "Too many log-ins from your address failed.");
	}
	if (ask_callback(session, password, account) == 0)
		return welcome(session);
	session->visitor = (struct weft_files_visitor){.name = NULL};
	if (errno == EACCES)
		return refuse(session);
	if (errno == ENODATA && !account) {
		session->password = strdup(password);
		if (session->password)
			return weft__ftpd_reply(session, 332, "An account is needed, too.");
	}
	atomic_fetch_add(&session->server->counts->logins_failed, 1);
	return end_with(session, "Nobody can be let in now; try again later.");
}

/* ---- Verbs ------------------------------------------------------------------------------ */

int weft__ftpd_user(struct weft__ftpd_session *session, const char *argument)
{
	unsigned early = session->early;

	if (session->options->needs_tls && !weft__stream_facts(session->control) &&
		!is_anonymous_name(session, argument))
		return weft__ftpd_reply(session, 530, "Say AUTH TLS first.");
	if (strlen(argument) >= WEFT__FTPD_NAME_SIZE || !weft__ftpd_name_is_plain(argument))
		return weft__ftpd_reply(session, 501, "That is no name.");
	weft__ftpd_logout(session);
	session->early = early;
	session->name = strdup(argument);
	if (!session->name)
		return end_with(session, "Memory is short; try again later.");
	return weft__ftpd_reply(session, 331,
		is_anonymous_name(session, argument) ? "Any password will do."
						     : "And the password?");
}

int weft__ftpd_pass(struct weft__ftpd_session *session, const char *argument)
{
	int result;

	if (session->is_in)
		return weft__ftpd_reply(session, 202, "You are logged in.");
	if (!session->name || session->password)
		return weft__ftpd_reply(session, 503, "USER comes first.");
	if (strlen(argument) >= WEFT__FTPD_PASSWORD_SIZE)
		return weft__ftpd_reply(session, 501, "That is no password.");
	if (is_anonymous_name(session, session->name))
		return let_anonymous_in(session);
	result = log_in(session, argument, NULL);
	explicit_bzero(&session->scratch->line, sizeof(session->scratch->line));
	return result;
}

int weft__ftpd_acct(struct weft__ftpd_session *session, const char *argument)
{
	int result;

	if (session->is_in)
		return weft__ftpd_reply(session, 202, "No account is needed here.");
	if (!session->password)
		return weft__ftpd_reply(session, 503, "USER and PASS come first.");
	result = log_in(session, session->password, argument);
	forget_password(session);
	return result;
}

int weft__ftpd_rein(struct weft__ftpd_session *session, const char *argument)
{
	(void)argument;
	weft__ftpd_logout(session);
	return weft__ftpd_reply(session, 220, "%s", session->options->greeting);
}
