/*
 * test_client_tls.c - the FTP client over TLS: who is believed, sessions, cut-off files.
 */
#include <ifaddrs.h>

#include "ftp/client.h"
#include "io/both.h"
#include "io/place.h"
#include "weft/ftp_client.h"

#include "ftp/scripted.h"

#define SECURE                                                                           \
	T(NULL, "220 \r\n"), T("AUTH TLS", "234 \r\n"), T("USER", "331 \r\n"),           \
		T("PASS", "230 \r\n"), T("PBSZ 0", "200 \r\n"), T("PROT P", "200 \r\n"), \
		T("FEAT", "211-\r\n REST STREAM\r\n211 \r\n")

static struct weft_tls *trusting;

static void secure_start(struct scripted *server, const struct turn *turns, size_t count)
{
	authority_make(&server->authority, "authority");
	certificate_make(&server->authority, "server", NULL);
	server->tls = server_tls(NULL);
	trusting = client_tls(NULL);
	scripted_start(server, turns, count);
}

static void secure_end(struct scripted *server)
{
	scripted_end(server);
	weft_tls_free(server->tls);
	weft_tls_free(trusting);
	authority_end(&server->authority);
}

static ssize_t read_all(struct weft_ftp_file *transfer, char *buffer, size_t size)
{
	size_t len = 0;
	ssize_t some;

	CHECK(transfer);
	while ((some = weft_ftp_file_read(transfer, buffer + len, size - len)) > 0)
		len += (size_t)some;
	return weft_ftp_file_end(transfer) < 0 ? -1 : (ssize_t)len;
}

BOTH_CASE(files_are_encrypted_both_ways_with_the_control_connection_s_session)
{
	static const struct turn turns[] = {SECURE, TYPE_I, PASV,
		T("RETR a", "150 \r\n", .data = "hello", .then = "226 \r\n"), PASV,
		T("STOR b", "150 \r\n", .takes = true, .then = "226 \r\n"), PASV,
		T("RETR a", "150 \r\n", .data = "again", .then = "226 \r\n"), BYE};
	struct weft_ftp_file *transfer;
	struct scripted server = {0};
	struct weft_ftp_client *client;
	char text[16];

	secure_start(&server, turns, COUNT(turns));
	client = scripted_client(&server, &(struct weft_ftp_client_options){.tls = trusting});
	CHECK(weft_ftp_client_tls(client)->is_verified);
	CHECK_INT(read_all(weft_ftp_client_retrieve(client, "a", 0), text, 16), ==, 5);
	CHECK(server.was_resumed);
	transfer = weft_ftp_client_store(client, "b", 0);
	CHECK(transfer && weft_ftp_file_write(transfer, "world", 5) == 0);
	CHECK_INT(weft_ftp_file_end(transfer), ==, 0);
	/* The server has read our close_notify: 0, and not EPROTO. */
	CHECK_INT(server.taken_end, ==, 0);
	CHECK(server.was_resumed);
	CHECK_INT(read_all(weft_ftp_client_retrieve(client, "a", 0), text, 16), ==, 5);
	CHECK(server.was_resumed);
	weft_ftp_client_free(client);
	secure_end(&server);
	CHECK_INT(server.taken_len, ==, 5);
}

CHECK_CASE(a_download_without_close_notify_was_cut_off_whatever_the_server_says)
{
	static const struct turn turns[] = {SECURE, TYPE_I, PASV,
		T("RETR a", "150 \r\n", .data = "half", .ends = CUT, .then = "226 fine\r\n"),
		T("ABOR", "226 \r\n"), T("PWD", "257 \"/\"\r\n"), BYE};
	struct scripted server = {0};
	struct weft_ftp_client *client;
	char text[16];

	secure_start(&server, turns, COUNT(turns));
	client = scripted_client(&server, &(struct weft_ftp_client_options){.tls = trusting});
	CHECK_ERRNO(read_all(weft_ftp_client_retrieve(client, "a", 0), text, 16), EPROTO);
	CHECK_INT(weft_ftp_client_fault(client)->kind, ==, WEFT_FTP_CUT_OFF);
	CHECK(strstr(weft_ftp_client_fault(client)->text, "close_notify"));
	weft_ftp_client_free(client);
	secure_end(&server);
}

CHECK_CASE(an_upload_that_is_broken_off_has_no_close_notify)
{
	static const struct turn turns[] = {SECURE, TYPE_I, PASV,
		T("STOR a", "150 \r\n", .takes = true, .then = "426 \r\n"), T("ABOR", "226 \r\n"),
		T("PWD", "257 \"/\"\r\n"), BYE};
	struct weft_ftp_file *transfer;
	struct scripted server = {0};
	struct weft_ftp_client *client;

	secure_start(&server, turns, COUNT(turns));
	client = scripted_client(&server, &(struct weft_ftp_client_options){.tls = trusting});
	transfer = weft_ftp_client_store(client, "a", 0);
	CHECK(transfer && weft_ftp_file_write(transfer, "half", 4) == 0);
	/* All that was written is sent: only then there could be a goodbye behind it. */
	CHECK_INT(weft_stream_flush(transfer->stream), ==, 0);
	weft_ftp_file_abort(transfer);
	weft_ftp_client_free(client);
	secure_end(&server);
	CHECK_INT(server.taken_end, ==, -1);
}

CHECK_CASE(implicit_tls_begins_before_the_first_word)
{
	static const struct turn turns[] = {T(NULL, "220 \r\n"), T("USER", "230 \r\n"),
		T("PBSZ 0", "200 \r\n"), T("PROT P", "200 \r\n"), T("FEAT", "500 \r\n"), BYE};
	struct scripted server = {.is_implicit = true};
	struct weft_ftp_client *client;

	secure_start(&server, turns, COUNT(turns));
	client = scripted_client(&server,
		&(struct weft_ftp_client_options){.tls = trusting, .security = WEFT_FTP_IMPLICIT});
	CHECK(weft_ftp_client_tls(client)->is_verified);
	weft_ftp_client_free(client);
	secure_end(&server);
}

CHECK_CASE(a_server_that_nobody_vouches_for_hears_no_name)
{
	static const struct turn turns[] = {T(NULL, "220 \r\n"), T("AUTH TLS", "234 \r\n")};
	struct weft_ftp_fault fault;
	struct weft_ftp_client_options options = {
		.user = "ada", .password = "secret", .ret_fault = &fault};
	struct scripted server = {0};

	secure_start(&server, turns, COUNT(turns));
	CHECK_ERRNO(weft_ftp_client_connect(server.host, &options), EPROTO);
	CHECK_INT(fault.kind, ==, WEFT_FTP_NO_TLS);
	secure_end(&server);
}

CHECK_CASE(who_asks_for_tls_gets_it_or_nothing)
{
	static const struct turn turns[] = {T(NULL, "220 \r\n"), T("AUTH TLS", "502 no\r\n"), BYE};
	struct weft_ftp_fault fault;
	struct weft_ftp_client_options options = {
		.security = WEFT_FTP_EXPLICIT, .ret_fault = &fault};
	struct scripted server = {0};

	scripted_start(&server, turns, COUNT(turns));
	CHECK_ERRNO(weft_ftp_client_connect(server.host, &options), ENOSYS);
	CHECK_INT(fault.kind, ==, WEFT_FTP_NO_TLS);
	scripted_end(&server);
}

/* An address of this machine that others may have a part in: "192.0.2.7:0". */
static bool find_address(char text[64])
{
	struct ifaddrs *all, *one;
	bool is_found = false;

	CHECK_INT(getifaddrs(&all), ==, 0);
	for (one = all; one && !is_found; one = one->ifa_next) {
		const struct sockaddr_in *in = (const struct sockaddr_in *)one->ifa_addr;
		uint32_t host = in && in->sin_family == AF_INET ? ntohl(in->sin_addr.s_addr) : 0;

		is_found = host && host >> 24 != 127;
		snprintf(text, 64, "%u.%u.%u.%u:0", host >> 24, host >> 16 & 255, host >> 8 & 255,
			host & 255);
	}
	freeifaddrs(all);
	return is_found;
}

CHECK_CASE(a_password_is_not_sent_in_the_clear_unless_that_was_asked_for)
{
	static const struct turn refused[] = {
		T(NULL, "220 \r\n"), T("AUTH TLS", "502 no\r\n"), BYE};
	static const struct turn allowed[] = {T(NULL, "220 \r\n"), T("USER", "331 \r\n"),
		T("PASS secret", "230 \r\n"), T("FEAT", "500 \r\n"), BYE};
	struct weft_ftp_fault fault;
	struct weft_ftp_client_options options = {
		.user = "ada", .password = "secret", .ret_fault = &fault};
	struct scripted server = {0};
	char address[64];

	if (!find_address(address))
		check_skip("this machine has no address but loopback");
	server.address = address;
	scripted_start(&server, refused, COUNT(refused));
	CHECK_ERRNO(weft_ftp_client_connect(server.host, &options), EPROTO);
	CHECK_INT(fault.kind, ==, WEFT_FTP_NO_TLS);
	peer_end(server.thread);
	scripted_again(&server, allowed, COUNT(allowed));
	options.security = WEFT_FTP_PLAIN;
	weft_ftp_client_free(scripted_client(&server, &options));
	scripted_end(&server);
}

CHECK_CASE(a_reply_sent_along_with_leave_for_tls_is_not_believed)
{
	/* What somebody in between put there would be taken for the answer to USER. */
	static const struct turn turns[] = {
		T(NULL, "220 \r\n"), T("AUTH TLS", "234 \r\n230 you are in\r\n")};
	struct weft_ftp_fault fault;
	struct weft_ftp_client_options options = {
		.user = "ada", .password = "secret", .ret_fault = &fault};
	struct scripted server = {0};

	secure_start(&server, turns, COUNT(turns));
	options.tls = trusting;
	CHECK(!weft_ftp_client_connect(server.host, &options));
	CHECK_INT(fault.kind, ==, WEFT_FTP_NO_TLS);
	secure_end(&server);
}

CHECK_CASE(data_is_clear_only_where_that_was_asked_for)
{
	static const struct turn refuses[] = {T(NULL, "220 \r\n"), T("AUTH TLS", "234 \r\n"),
		T("USER", "230 \r\n"), T("PBSZ 0", "200 \r\n"), T("PROT P", "534 no\r\n"), BYE};
	static const struct turn clear[] = {T(NULL, "220 \r\n"), T("AUTH TLS", "234 \r\n"),
		T("USER", "230 \r\n"), T("PBSZ 0", "200 \r\n"), T("PROT C", "200 \r\n"),
		T("FEAT", "500 \r\n"), TYPE_I, PASV,
		T("RETR a", "150 \r\n", .data = "hello", .then = "226 \r\n"), BYE};
	struct weft_ftp_fault fault;
	struct weft_ftp_client_options options = {.ret_fault = &fault};
	struct scripted server = {0};
	struct weft_ftp_client *client;
	char text[16];

	secure_start(&server, refuses, COUNT(refuses));
	options.tls = trusting;
	CHECK(!weft_ftp_client_connect(server.host, &options));
	CHECK_INT(fault.code, ==, 534);
	peer_end(server.thread);
	scripted_again(&server, clear, COUNT(clear));
	client = scripted_client(&server,
		&(struct weft_ftp_client_options){.tls = trusting, .has_clear_data = true});
	CHECK_INT(read_all(weft_ftp_client_retrieve(client, "a", 0), text, 16), ==, 5);
	weft_ftp_client_free(client);
	secure_end(&server);
}

CHECK_MAIN()
