/*
 * server_tls.c - AUTH, PBSZ, PROT, CCC (RFC 2228, RFC 4217).
 *
 * A client that says AUTH TLS has to wait for the 234. Whatever came in the clear behind it came
 * from somebody else, or from somebody who tries to have it taken for encrypted; the connection
 * ends (RFC 4217, section 15.1; the trouble of STARTTLS elsewhere).
 *
 * Never: back to the clear. CCC would have commands forged once a log-in is done.
 */
#include <strings.h>

#include "ftp/server.h"
#include "ftp/server_verbs.h"
#include "io/stream.h"
#include "weft/scope.h"

int weft__ftpd_auth(struct weft__ftpd_session *session, const char *argument)
{
	const char *data;
	int result = -1;

	if (!session->options->tls)
		return weft__ftpd_reply(session, 502, "This server has no certificate.");
	if (session->control->layer)
		return weft__ftpd_reply(session, 503, "This connection is encrypted already.");
	if (strcasecmp(argument, "TLS") != 0 && strcasecmp(argument, "TLS-C") != 0)
		return weft__ftpd_reply(session, 504, "AUTH takes TLS.");
	if (weft__stream_buffered(session->control, &data) > 0) {
		weft__ftpd_reply(session, 421, "Something came in the clear behind AUTH.");
		return -1;
	}
	weft__ftpd_reply(session, 234, "Begin.");
	if (weft__ftpd_flush(session) < 0)
		return -1;
	weft__ftpd_logout(session); /* RFC 4217, section 12: who was in has to come in anew */
	session->has_pbsz = session->is_private = false;
	WEFT_WITH_TIMEOUT (WEFT__FTPD_HANDSHAKE_TIMEOUT_NS)
		result = weft_stream_start_tls(session->control, session->options->tls, NULL);
	return result;
}

int weft__ftpd_pbsz(struct weft__ftpd_session *session, const char *argument)
{
	(void)argument;
	if (!session->control->layer)
		return weft__ftpd_reply(session, 503, "AUTH TLS comes first.");
	session->has_pbsz = true;
	return weft__ftpd_reply(session, 200, "PBSZ=0");
}

int weft__ftpd_prot(struct weft__ftpd_session *session, const char *argument)
{
	if (!session->has_pbsz)
		return weft__ftpd_reply(session, 503, "AUTH TLS and PBSZ come first.");
	if (strcasecmp(argument, "P") == 0) {
		session->is_private = true;
		return weft__ftpd_reply(session, 200, "Data will be encrypted.");
	}
	if (strcasecmp(argument, "C") == 0 &&
		(!session->options->needs_tls || session->is_anonymous)) {
		session->is_private = false;
		return weft__ftpd_reply(session, 200, "Data will go in the clear.");
	}
	if (strcasecmp(argument, "C") == 0)
		return weft__ftpd_reply(session, 534, "Data must be encrypted here.");
	return weft__ftpd_reply(session,
		strcasecmp(argument, "S") == 0 || strcasecmp(argument, "E") == 0 ? 536 : 504,
		"PROT takes P or C.");
}

int weft__ftpd_ccc(struct weft__ftpd_session *session, const char *argument)
{
	(void)argument;
	if (!session->control->layer)
		return weft__ftpd_reply(session, 533, "This connection is in the clear.");
	return weft__ftpd_reply(session, 534, "What is encrypted stays so.");
}
