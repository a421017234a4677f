/*
 * test_server_tls.c - tests the FTP server's TLS: by AUTH and from the first byte, commands and
 * data.
 *
 * check: tsan
 */
#include "share.h"

#include <sys/ioctl.h>

#include "io/certificates.h"

static struct weft_tls *server_side, *client_side;

static void make_certificates(bool no_resumption)
{
	struct weft_tls_server_options of_server = {0};
	struct weft_tls_client_options of_client = {.no_resumption = no_resumption};
	static char certificate[256], issuers[256];
	struct authority authority = {.key = NULL};

	authority_make(&authority, "authority");
	certificate_make(&authority, "server", &(struct certificate){.hosts = NULL});
	snprintf(certificate, sizeof(certificate), "%s", path_of("server.pem"));
	snprintf(issuers, sizeof(issuers), "%s", path_of("authority.pem"));
	of_server.certificate = certificate;
	of_client.issuers = issuers;
	server_side = weft_tls_server_new(&of_server, NULL);
	client_side = weft_tls_client_new(&of_client, NULL);
	CHECK(server_side && client_side);
	authority_end(&authority);
	share.options.tls = server_side;
}

static void secure(struct talk *talk)
{
	CHECK_INT(weft_stream_start_tls(talk->control, client_side, "127.0.0.1"), ==, 0);
}

static void log_in_by_tls(struct talk *talk)
{
	CHECK_INT(say(talk, "USER anna"), ==, 331);
	CHECK_INT(say(talk, "PASS secret"), ==, 230);
	CHECK_INT(say(talk, "PBSZ 0"), ==, 200);
	CHECK_INT(say(talk, "PROT P"), ==, 200);
	CHECK_INT(say(talk, "TYPE I"), ==, 200);
	talk->is_private = true;
}

static struct talk talk_by_tls(void)
{
	struct talk talk = talk_to_share();

	CHECK_INT(say(&talk, "AUTH TLS"), ==, 234);
	secure(&talk);
	log_in_by_tls(&talk);
	return talk;
}

CHECK_CASE(commands_and_data_are_encrypted_by_auth_tls)
{
	struct talk talk;

	make_certificates(false);
	share_open();
	talk = talk_to_share();
	CHECK_INT(say(&talk, "FEAT"), ==, 211);
	CHECK(heard(&talk, " AUTH TLS\r\n PBSZ\r\n PROT\r\n"));
	CHECK_INT(say(&talk, "AUTH SSL"), ==, 504);
	CHECK_INT(say(&talk, "PBSZ 0"), ==, 503);
	CHECK_INT(say(&talk, "AUTH tls"), ==, 234);
	secure(&talk);
	CHECK_INT(say(&talk, "PROT P"), ==, 503);
	CHECK_INT(say(&talk, "AUTH TLS"), ==, 503);
	log_in_by_tls(&talk);
	CHECK_INT(store(&talk, "STOR a", "encrypted", 9), ==, 226);
	CHECK(share_has("a", "encrypted"));
	CHECK_INT(fetch(&talk, "RETR a"), ==, 226);
	CHECK_STR(talk.data, "encrypted");
	CHECK_INT(fetch(&talk, "NLST"), ==, 226);
	CHECK_STR(talk.data, "a\r\n");
	CHECK_INT(say(&talk, "CCC"), ==, 534);
	CHECK_INT(say(&talk, "PROT S"), ==, 536);
	CHECK_INT(say(&talk, "PROT C"), ==, 200);
	talk.is_private = false;
	CHECK_INT(fetch(&talk, "RETR a"), ==, 226);
	CHECK_STR(talk.data, "encrypted");
	talk_end(&talk);
	share_close();
}

CHECK_CASE(implicit_tls_greets_by_tls_and_encrypts_data_at_once)
{
	struct talk talk = {.control = NULL};

	make_certificates(false);
	share.listener_tls = server_side;
	share.options.needs_tls = true;
	share_open();
	talk.control = weft_stream_connect(share.address);
	CHECK(talk.control != NULL);
	secure(&talk);
	CHECK_INT(hear(&talk), ==, 220);
	CHECK_INT(say(&talk, "USER anna"), ==, 331);
	CHECK_INT(say(&talk, "PASS secret"), ==, 230);
	talk.is_private = true;
	CHECK_INT(store(&talk, "STOR a", "encrypted", 9), ==, 226);
	CHECK(share_has("a", "encrypted"));
	talk_end(&talk);
	share_close();
}

CHECK_CASE(where_tls_is_needed_nothing_goes_in_the_clear)
{
	struct talk talk;

	make_certificates(false);
	share.options.needs_tls = true;
	share.options.allows_anonymous = true;
	share_open();
	talk = talk_to_share();
	CHECK_INT(say(&talk, "USER anna"), ==, 530);
	CHECK_INT(say(&talk, "PASS secret"), ==, 503);
	CHECK_INT(say(&talk, "USER anonymous"), ==, 331); /* it is no secret */
	CHECK_INT(say(&talk, "PASS me@"), ==, 230);
	CHECK_INT(fetch(&talk, "NLST"), ==, 226);
	CHECK_INT(say(&talk, "USER anna"), ==, 530);
	CHECK_INT(say(&talk, "AUTH TLS"), ==, 234);
	secure(&talk);
	CHECK_INT(say(&talk, "USER anna"), ==, 331);
	CHECK_INT(say(&talk, "PASS secret"), ==, 230);
	CHECK_INT(fetch(&talk, "NLST"), ==, 521);
	CHECK_INT(say(&talk, "PBSZ 0"), ==, 200);
	CHECK_INT(say(&talk, "PROT C"), ==, 534);
	CHECK_INT(say(&talk, "PROT P"), ==, 200);
	talk.is_private = true;
	CHECK_INT(fetch(&talk, "NLST"), ==, 226);
	talk_end(&talk);
	share_close();
}

CHECK_CASE(what_came_in_the_clear_behind_auth_is_not_carried_out)
{
	struct weft_ftp_counts counts;
	struct talk talk;

	make_certificates(false);
	share_open();
	talk = talk_to_share();
	send_bytes(&talk, "AUTH TLS\r\nUSER anna\r\nPASS secret\r\n", 34);
	CHECK_INT(hear(&talk), ==, 421);
	CHECK_INT(hear(&talk), ==, 0);
	weft_stream_free(talk.control);
	/* A little later it is the beginning of the handshake, and no good one. */
	talk = talk_to_share();
	CHECK_INT(say(&talk, "AUTH TLS"), ==, 234);
	send_bytes(&talk, "USER anna\r\nPASS secret\r\n", 24);
	/* An alert of TLS may come, which is no reply. */
	while (hear(&talk) != 0)
		CHECK(!heard(&talk, "331"));
	weft_stream_free(talk.control);
	weft_ftp_server_counts(share.server, &counts);
	CHECK_INT(counts.logins, ==, 0);
	share_close();
}

CHECK_CASE(who_was_in_has_to_come_in_anew_after_auth)
{
	struct talk talk;

	make_certificates(false);
	share_open();
	talk = log_in();
	CHECK_INT(say(&talk, "AUTH TLS"), ==, 234);
	secure(&talk);
	CHECK_INT(say(&talk, "PWD"), ==, 530);
	log_in_by_tls(&talk);
	CHECK_INT(say(&talk, "PWD"), ==, 257);
	talk_end(&talk);
	share_close();
}

CHECK_CASE(an_upload_that_ends_without_a_farewell_is_none)
{
	struct weft_stream *data;
	struct talk talk;

	make_certificates(false);
	share_open();
	share_put("a", "old", 3);
	talk = talk_by_tls();
	data = call_data(&talk);
	CHECK_INT(say(&talk, "STOR a"), ==, 150);
	start_data_tls(&talk, data);
	CHECK_INT(weft_stream_write_all(data, "cut", 3), ==, 0);
	CHECK_INT(weft_stream_flush(data), ==, 0);
	/* The end of TCP alone, as whoever stands between can make it. */
	CHECK_INT(shutdown(weft_stream_fd(data), SHUT_WR), ==, 0);
	CHECK_INT(hear(&talk), ==, 426);
	weft_stream_free(data);
	CHECK(share_has("a", "old"));
	talk_end(&talk);
	share_close();
}

/*
 * A client that closes without having read what has come resets the connection, and what it sent
 * before is lost with it: curl does, where the server offers new sessions on it.
 */
CHECK_CASE(whoever_only_sends_has_nothing_to_read_but_the_farewell)
{
	struct weft_stream *data;
	struct talk talk;
	int unread = -1;

	make_certificates(false);
	share_open();
	talk = talk_by_tls();
	for (int i = 0; i < 2; i++) {
		data = call_data(&talk);
		CHECK_INT(say(&talk, "STOR a"), ==, 150);
		if (i == 0)
			start_data_tls(&talk, data);
		else
			CHECK_INT(weft_stream_start_tls(data, client_side, "127.0.0.1"), ==, 0);
		CHECK_INT(weft_stream_write_all(data, "a", 1), ==, 0);
		CHECK_INT(weft_stream_shutdown_write(data), ==, 0);
		CHECK_INT(hear(&talk), ==, 226);
		CHECK_INT(ioctl(weft_stream_fd(data), FIONREAD, &unread), ==, 0);
		CHECK_INT(unread, <, 64);
		weft_stream_free(data);
	}
	talk_end(&talk);
	share_close();
}

CHECK_CASE(data_goes_on_from_a_session_where_that_is_needed)
{
	struct weft_stream *data;
	struct weft_tls *stranger;
	struct talk talk;

	make_certificates(false);
	share.options.needs_resumed_data = true;
	share_open();
	talk = talk_by_tls();
	CHECK_INT(store(&talk, "STOR a", "resumed", 7), ==, 226);
	CHECK(share_has("a", "resumed"));
	CHECK_INT(fetch(&talk, "RETR a"), ==, 226);
	CHECK_STR(talk.data, "resumed");
	/* Somebody at the same address who has no session, but calls first. */
	stranger = weft_tls_client_new(
		&(struct weft_tls_client_options){.accepts_anybody = true, .no_resumption = true},
		NULL);
	data = call_data(&talk);
	CHECK_INT(say(&talk, "RETR a"), ==, 150);
	if (weft_stream_start_tls(data, stranger, "127.0.0.1") == 0) {
		char byte;

		CHECK_INT(weft_stream_read(data, &byte, 1), <=, 0);
	}
	CHECK_INT(hear(&talk), ==, 522);
	weft_stream_free(data);
	talk_end(&talk);
	weft_tls_free(stranger);
	share_close();
}

CHECK_CASE(data_in_the_clear_where_tls_was_said_is_425)
{
	struct weft_stream *data;
	struct talk talk;

	make_certificates(false);
	share_open();
	talk = talk_by_tls();
	data = call_data(&talk);
	CHECK_INT(say(&talk, "STOR a"), ==, 150);
	CHECK_INT(weft_stream_write_all(data, "in the clear, of many bytes", 27), ==, 0);
	CHECK_INT(weft_stream_shutdown_write(data), ==, 0);
	CHECK_INT(hear(&talk), ==, 425);
	weft_stream_free(data);
	CHECK(!share_has("a", "in the clear, of many bytes"));
	talk_end(&talk);
	share_close();
}

CHECK_CASE(a_session_that_is_encrypted_can_be_parked)
{
	struct talk talk;

	make_certificates(false);
	share_open();
	talk = talk_by_tls();
	weft_sleep(WEFT_MILLISECONDS(100));
	CHECK_INT(say(&talk, "PWD"), ==, 257);
	weft_sleep(WEFT_MILLISECONDS(100));
	weft_ftp_server_stop(share.server);
	CHECK_INT(hear(&talk), ==, 421);
	CHECK_INT(hear(&talk), ==, 0);
	weft_stream_free(talk.control);
	share_close();
}

CHECK_MAIN()
