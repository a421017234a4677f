/*
 * test_client_hostile.c - the FTP client with servers that lie, stall, cut off and never end.
 */
#include <sys/file.h>

#include "io/both.h"
#include "io/place.h"
#include "weft/dir.h"
#include "weft/file.h"
#include "weft/ftp_client.h"

#include "ftp/scripted.h"

/* ---- Beginnings ------------------------------------------------------------------------ */

/* Connect in vain: the fault. */
static struct weft_ftp_fault refused(const struct turn *turns, size_t count, int64_t timeout_ns)
{
	struct weft_ftp_fault fault;
	struct weft_ftp_client_options options = {
		.user = "ada", .password = "secret", .timeout_ns = timeout_ns, .ret_fault = &fault};
	struct scripted server = {0};

	scripted_start(&server, turns, count);
	CHECK(!weft_ftp_client_connect(server.host, &options));
	CHECK_INT(errno, ==, fault.error);
	CHECK(fault.text[0] && fault.text[strlen(fault.text) - 1] == '.');
	scripted_end(&server);
	return fault;
}

CHECK_CASE(what_is_no_ftp_server_is_told_so)
{
	static const struct turn http[] = {T(NULL, "HTTP/1.1 400 Bad Request\r\n")};
	static const struct turn closes[] = {T(NULL, "")};
	static const struct turn full[] = {T(NULL, "421 too many\r\n")};
	static const struct turn half[] = {T(NULL, "220-this is")};

	CHECK_INT(refused(http, COUNT(http), 0).kind, ==, WEFT_FTP_BAD_REPLY);
	CHECK_INT(refused(closes, COUNT(closes), 0).kind, ==, WEFT_FTP_CUT_OFF);
	CHECK_INT(refused(half, COUNT(half), 0).kind, ==, WEFT_FTP_CUT_OFF);
	CHECK(strstr(refused(full, COUNT(full), 0).text, "too many"));
}

CHECK_CASE(a_server_that_is_never_ready_is_left)
{
	static const struct turn turns[] = {T(
		NULL, "120 soon\r\n120 soon\r\n120 soon\r\n120 soon\r\n120 soon\r\n120 soon\r\n")};

	CHECK_INT(refused(turns, 1, 0).code, ==, 120);
}

CHECK_CASE(a_greeting_without_an_end_is_given_up)
{
	static char lines[200000];
	static struct turn turns[] = {T(NULL, lines)};

	for (size_t at = 0; at + 6 < sizeof(lines); at += 6)
		memcpy(lines + at, "220-\r\n", 6);
	CHECK_INT(refused(turns, 1, 0).kind, ==, WEFT_FTP_BAD_REPLY);
	memset(lines, 'x', sizeof(lines) - 1);
	memcpy(lines, "220-", 4);
	CHECK_INT(refused(turns, 1, 0).kind, ==, WEFT_FTP_BAD_REPLY);
}

BOTH_CASE(a_server_that_says_nothing_is_left)
{
	struct weft_listener *listener = weft_listener_new("127.0.0.1:0", NULL);
	struct weft_ftp_fault fault;
	struct weft_ftp_client_options options = {
		.timeout_ns = WEFT_MILLISECONDS(20), .ret_fault = &fault};
	char host[WEFT_ADDRESS_TEXT_MAX];

	weft_address_print(weft_listener_address(listener), host, sizeof(host));
	CHECK_ERRNO(weft_ftp_client_connect(host, &options), ETIMEDOUT);
	CHECK_INT(fault.kind, ==, WEFT_FTP_INTERRUPTED);
	weft_listener_free(listener);
}

CHECK_CASE(bad_hosts_are_refused_before_anybody_is_asked)
{
	static const char *const bad[] = {
		"", ":21", "a:0", "a:65536", "a:x", "a:-1", "a b", "a/b", "a\nb", "[]:21"};

	for (size_t i = 0; i < COUNT(bad); i++)
		CHECK_ERRNO(weft_ftp_client_connect(bad[i], NULL), EINVAL);
}

CHECK_CASE(a_password_does_not_follow_a_line_end_in_a_name)
{
	static const struct turn turns[] = {T(NULL, "220 \r\n"), T("AUTH TLS", "500 \r\n"), BYE};
	struct weft_ftp_client_options options = {.user = "ada\r\nDELE x", .password = "secret"};
	struct scripted server = {0};

	scripted_start(&server, turns, COUNT(turns));
	CHECK_ERRNO(weft_ftp_client_connect(server.host, &options), EINVAL);
	scripted_end(&server);
}

/* ---- Data ------------------------------------------------------------------------------ */

/* A command that opens a data connection, answered so. */
static void check_answers(const char *answer, const char *reply, enum weft_ftp_fault_kind kind)
{
	const struct turn turns[] = {
		LOGIN, TYPE_I, T("PASV", answer), T(reply[0] ? "RETR" : "QUIT", reply), BYE};
	struct scripted server = {0};
	struct weft_ftp_client *client;

	scripted_start(&server, turns, COUNT(turns));
	client = scripted_client(&server, NULL);
	CHECK(!weft_ftp_client_retrieve(client, "a", 0));
	if (weft_ftp_client_fault(client)->kind != kind)
		check_fail(__FILE__, __LINE__, "%s %s: %s", answer, reply,
			weft_ftp_client_fault(client)->text);
	weft_ftp_client_free(client);
	scripted_end(&server);
}

CHECK_CASE(answers_that_name_no_place_are_not_followed)
{
	check_answers("227 \r\n", "", WEFT_FTP_BAD_REPLY);
	check_answers("227 (1,2,3,4,5)\r\n", "", WEFT_FTP_BAD_REPLY);
	check_answers("227 (1,2,3,4,256,1)\r\n", "", WEFT_FTP_BAD_REPLY);
	check_answers("227 (1,2,3,4,0,0)\r\n", "", WEFT_FTP_BAD_REPLY);
	check_answers("227 (99999999999999999999,2,3,4,5,6)\r\n", "", WEFT_FTP_BAD_REPLY);
	check_answers("425 no\r\n", "", WEFT_FTP_REFUSED);
	check_answers("150 what\r\n", "", WEFT_FTP_BAD_REPLY);
	/* Port 1 of this host: nobody is there. */
	check_answers("227 (127,0,0,1,0,1)\r\n", "", WEFT_FTP_NO_CONNECTION);
	check_answers("227 (PASV)\r\n", "226 before it began\r\n", WEFT_FTP_BAD_REPLY);
	check_answers("227 (PASV)\r\n", "550 no\r\n", WEFT_FTP_REFUSED);
	check_answers("227 (PASV)\r\n", "421 bye\r\n", WEFT_FTP_CUT_OFF);
}

CHECK_CASE(a_download_is_whole_only_when_both_ends_say_so)
{
	static const struct {
		enum scripted_ends ends;
		const char *then;
	} table[] = {{WELL, "426 broken\r\n"}, {WELL, "451 disk\r\n"}, {WELL, ""},
		{RESET, "226 \r\n"}, {WELL, "rubbish\r\n"}};

	for (size_t i = 0; i < COUNT(table); i++) {
		const struct turn turns[] = {LOGIN, TYPE_I, PASV,
			T("RETR a", "150 \r\n", .data = "hello", .ends = table[i].ends,
				.then = table[i].then)};
		struct weft_ftp_file *transfer;
		struct scripted server = {0};
		struct weft_ftp_client *client;
		char text[16];
		ssize_t len;

		scripted_start(&server, turns, COUNT(turns));
		client = scripted_client(&server, NULL);
		transfer = weft_ftp_client_retrieve(client, "a", 0);
		CHECK(transfer);
		while ((len = weft_ftp_file_read(transfer, text, 16)) > 0)
			;
		CHECK_INT(weft_ftp_file_end(transfer), ==, -1);
		CHECK_INT(errno, ==, weft_ftp_client_fault(client)->error);
		weft_ftp_client_free(client);
		scripted_end(&server);
	}
}

CHECK_CASE(a_download_of_another_length_than_was_told_leaves_nothing)
{
	static const struct turn turns[] = {LOGIN_TO(" MLST\r\n REST STREAM\r\n"),
		T("MLST a", "250-\r\n type=file;size=11;modify=20010203040506; a\r\n250 .\r\n"),
		T("PWD", "257 \"/\"\r\n"), TYPE_I, PASV,
		T("RETR a", "150 \r\n", .data = "hello", .then = "226 \r\n"), BYE};
	struct weft_dir_list list;
	struct scripted server = {0};
	struct weft_ftp_client *client;

	place_make();
	scripted_start(&server, turns, COUNT(turns));
	client = scripted_client(&server, NULL);
	CHECK_ERRNO(weft_ftp_client_download(client, "a", place("a"), NULL), EBADMSG);
	CHECK_INT(weft_ftp_client_fault(client)->kind, ==, WEFT_FTP_DIFFERS);
	weft_ftp_client_free(client);
	scripted_end(&server);
	CHECK_INT(weft_dir_list(place_dir, 0, &list), ==, 0);
	CHECK_INT(list.count, ==, 0);
	weft_dir_list_fini(&list);
}

CHECK_CASE(a_file_without_an_end_does_not_fill_the_disk)
{
	static const struct turn turns[] = {LOGIN_TO(" MLST\r\n"),
		T("MLST a", "250-\r\n type=file;size=5;modify=20010203040506; a\r\n250 .\r\n"),
		T("PWD", "257 \"/\"\r\n"), TYPE_I, PASV,
		T("RETR a", "150 \r\n", .data = "0123456789abcdef", .times = 100000000,
			.then = "426 \r\n"),
		T("ABOR", "226 \r\n"), T("PWD", "257 \"/\"\r\n"), BYE};
	struct weft_dir_list list;
	struct scripted server = {0};
	struct weft_ftp_client *client;

	place_make();
	scripted_start(&server, turns, COUNT(turns));
	client = scripted_client(&server, NULL);
	CHECK_ERRNO(weft_ftp_client_download(client, "a", place("a"), NULL), EBADMSG);
	CHECK(strstr(weft_ftp_client_fault(client)->text, "and more"));
	weft_ftp_client_free(client);
	scripted_end(&server);
	CHECK_INT(weft_dir_list(place_dir, 0, &list), ==, 0);
	CHECK_INT(list.count, ==, 0);
	weft_dir_list_fini(&list);
}

CHECK_CASE(two_downloads_of_one_file_to_one_place_do_not_mix)
{
	static const struct turn turns[] = {LOGIN_TO(" MLST\r\n REST STREAM\r\n"),
		T("MLST a", "250-\r\n type=file;size=5;modify=20010203040506; a\r\n250 .\r\n"),
		T("PWD", "257 \"/\"\r\n"), TYPE_I, PASV,
		T("RETR a", "150 \r\n", .data = "hel", .then = "426 \r\n"),
		T("MLST a", "250-\r\n type=file;size=5;modify=20010203040506; a\r\n250 .\r\n"),
		BYE};
	struct weft_dir_list list;
	struct scripted server = {0};
	struct weft_ftp_client *client;
	struct weft_file *other;

	place_make();
	scripted_start(&server, turns, COUNT(turns));
	client = scripted_client(&server, NULL);
	CHECK_ERRNO(weft_ftp_client_download(client, "a", place("a"), NULL), EAGAIN);
	/* Somebody else is at it now. */
	CHECK_INT(weft_dir_list(place_dir, 0, &list), ==, 0);
	CHECK_INT(list.count, ==, 1);
	other = weft_file_open(place(list.entries[0].name), "r");
	CHECK(other && flock(weft_file_fd(other), LOCK_EX) == 0);
	weft_dir_list_fini(&list);
	CHECK_ERRNO(weft_ftp_client_download(client, "a", place("a"), NULL), EBUSY);
	CHECK_INT(weft_file_size(other), ==, 3);
	weft_file_close(other);
	weft_ftp_client_free(client);
	scripted_end(&server);
}

CHECK_CASE(an_upload_that_the_server_stops_taking_says_its_reason)
{
	static const struct turn turns[] = {LOGIN, TYPE_I, PASV,
		T("STOR a", "150 \r\n", .data = "", .ends = RESET, .then = "552 full\r\n"),
		T("NOOP", "200 \r\n"), BYE};
	static char block[65536];
	struct weft_ftp_file *transfer;
	struct scripted server = {0};
	struct weft_ftp_client *client;

	scripted_start(&server, turns, COUNT(turns));
	client = scripted_client(&server, NULL);
	transfer = weft_ftp_client_store(client, "a", 0);
	CHECK(transfer);
	while (weft_ftp_file_write(transfer, block, sizeof(block)) == 0)
		;
	CHECK_ERRNO(weft_ftp_file_end(transfer), ENOSPC);
	CHECK(strstr(weft_ftp_client_fault(client)->text, "552 full"));
	CHECK_INT(weft_ftp_client_noop(client), ==, 0);
	weft_ftp_client_free(client);
	scripted_end(&server);
}

/* ---- Listings --------------------------------------------------------------------------- */

static int stop_at(void *arg, const struct weft_ftp_entry *entry)
{
	size_t *left = arg;

	CHECK(entry->name[0]);
	errno = EOVERFLOW;
	return (*left)-- > 0 ? 0 : -1;
}

CHECK_CASE(a_list_without_an_end_is_left_when_there_is_enough)
{
	static const struct turn turns[] = {LOGIN_TO(" MLST\r\n"), TYPE_I, PASV,
		T("MLSD", "150 \r\n", .data = "type=file;size=1; a\r\n", .times = 100000000,
			.then = "426 \r\n"),
		T("ABOR", "226 \r\n"), T("PWD", "257 \"/\"\r\n"), T("NOOP", "200 \r\n"), BYE};
	size_t left = 1000;
	struct scripted server = {0};
	struct weft_ftp_client *client;

	scripted_start(&server, turns, COUNT(turns));
	client = scripted_client(&server, NULL);
	CHECK_ERRNO(weft_ftp_client_each(client, NULL, stop_at, &left), EOVERFLOW);
	CHECK_INT(weft_ftp_client_noop(client), ==, 0);
	weft_ftp_client_free(client);
	scripted_end(&server);
}

CHECK_CASE(a_line_without_an_end_is_no_list)
{
	static const struct turn turns[] = {LOGIN_TO(" MLST\r\n"), TYPE_I, PASV,
		T("MLSD", "150 \r\n", .data = "type=file;size=1; aaaaaaaaaaaaaaaaaaaaaaaaaaa",
			.times = 100000000, .then = "426 \r\n"),
		T("ABOR", "226 \r\n"), T("PWD", "257 \"/\"\r\n"), BYE};
	size_t left = 1000;
	struct scripted server = {0};
	struct weft_ftp_client *client;

	scripted_start(&server, turns, COUNT(turns));
	client = scripted_client(&server, NULL);
	CHECK_ERRNO(weft_ftp_client_each(client, NULL, stop_at, &left), EBADMSG);
	weft_ftp_client_free(client);
	scripted_end(&server);
}

/* ---- Interruptions ------------------------------------------------------------------------ */

BOTH_CASE(an_answer_that_does_not_come_costs_the_connection)
{
	static const struct turn turns[] = {LOGIN, T("NOOP", ""), T("DELE", "250 too late\r\n")};
	struct scripted server = {0};
	struct weft_ftp_client *client;

	scripted_start(&server, turns, COUNT(turns));
	client = scripted_client(&server, NULL);
	WEFT_WITH_TIMEOUT (WEFT_MILLISECONDS(20))
		CHECK_ERRNO(weft_ftp_client_noop(client), ETIMEDOUT);
	CHECK(weft_ftp_client_is_lost(client));
	CHECK_ERRNO(weft_ftp_client_delete(client, "a"), EPIPE);
	weft_ftp_client_free(client);
	scripted_end(&server);
}

BOTH_CASE(a_late_download_is_broken_off_and_the_client_goes_on)
{
	static const struct turn turns[] = {LOGIN, TYPE_I, PASV,
		T("RETR a", "150 \r\n", .data = "0123456789abcdef", .times = 100000000,
			.then = "426 \r\n"),
		T("ABOR", "225 \r\n"), T("PWD", "257 \"/\"\r\n"), T("DELE", "250 \r\n"), BYE};
	struct weft_ftp_file *transfer;
	struct scripted server = {0};
	struct weft_ftp_client *client;
	char text[4096];
	int result = 0;

	scripted_start(&server, turns, COUNT(turns));
	client = scripted_client(&server, NULL);
	transfer = weft_ftp_client_retrieve(client, "a", 0);
	WEFT_WITH_TIMEOUT (WEFT_MILLISECONDS(20)) {
		while (weft_ftp_file_read(transfer, text, sizeof(text)) > 0)
			;
		result = weft_ftp_file_end(transfer);
		CHECK_INT(errno, ==, ETIMEDOUT);
	}
	CHECK_INT(result, ==, -1);
	CHECK_INT(weft_ftp_client_delete(client, "a"), ==, 0);
	weft_ftp_client_free(client);
	scripted_end(&server);
}

CHECK_MAIN()
