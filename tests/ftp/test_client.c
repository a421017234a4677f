/*
 * test_client.c - the FTP client with servers that behave: logins, files, listings, folders.
 *
 * check: tsan drivers
 */
#include "io/both.h"
#include "io/place.h"
#include "weft/dir.h"
#include "weft/file.h"
#include "weft/ftp_client.h"

#include "ftp/scripted.h"

#define CAN_ALL \
	" EPSV\r\n EPRT\r\n SIZE\r\n MDTM\r\n MFMT\r\n REST STREAM\r\n MLST type*;size*;\r\n"

/* A hostile or honest transfer read to its end. Its length, or -1. */
static ssize_t read_all(struct weft_ftp_file *transfer, char *buffer, size_t size)
{
	size_t len = 0;
	ssize_t some;

	while (len < size && (some = weft_ftp_file_read(transfer, buffer + len, size - len)) > 0)
		len += (size_t)some;
	return weft_ftp_file_end(transfer) < 0 ? -1 : (ssize_t)len;
}

/* ---- As a user would write it --------------------------------------------------------- */

BOTH_CASE(a_file_is_downloaded_whole_with_its_time)
{
	static const struct turn turns[] = {LOGIN_TO(CAN_ALL),
		T("MLST a.txt",
			"250-\r\n type=file;size=6;modify=20010203040506; a.txt\r\n250 .\r\n"),
		T("PWD", "257 \"/home\"\r\n"), TYPE_I, EPSV,
		T("RETR a.txt", "150 \r\n", .data = "hello\n", .then = "226 \r\n"), BYE};
	struct weft_ftp_client_options options = {.user = "ada", .password = "secret"};
	struct scripted server = {0};
	struct weft_ftp_client *client;
	struct stat facts;
	char *text;

	scripted_start(&server, turns, COUNT(turns));
	client = weft_ftp_client_connect(server.host, &options);
	CHECK(client);
	CHECK_INT(weft_ftp_client_download(client, "a.txt", place("b.txt"), NULL), ==, 0);
	weft_ftp_client_free(client);
	scripted_end(&server);

	CHECK_INT(stat(place("b.txt"), &facts), ==, 0);
	CHECK_INT(facts.st_mtim.tv_sec, ==, 981173106);
	CHECK_INT(weft_file_read_all(place("b.txt"), 100, &text), ==, 6);
	CHECK_STR(text, "hello\n");
	free(text);
	CHECK_STR(server.heard[2], "USER ada");
	CHECK_STR(server.heard[3], "PASS secret");
}

BOTH_CASE(a_file_is_uploaded_whole_with_its_time)
{
	static const struct turn turns[] = {LOGIN_TO(CAN_ALL), TYPE_I, EPSV,
		T("STOR b.txt", "150 \r\n", .takes = true, .then = "226 \r\n"),
		T("SIZE b.txt", "213 5\r\n"), T("MFMT 20010203040506 b.txt", "213 \r\n"), BYE};
	const struct timespec times[2] = {{.tv_sec = 981173106}, {.tv_sec = 981173106}};
	struct scripted server = {0};
	struct weft_ftp_client *client;

	place_write("a.txt", "hello");
	CHECK_INT(utimensat(AT_FDCWD, place("a.txt"), times, 0), ==, 0);
	scripted_start(&server, turns, COUNT(turns));
	client = scripted_client(&server, NULL);
	CHECK_INT(weft_ftp_client_upload(client, place("a.txt"), "b.txt", NULL), ==, 0);
	weft_ftp_client_free(client);
	scripted_end(&server);
	CHECK_INT(server.taken_len, ==, 5);
	CHECK_MEM(server.taken, "hello", 5);
	CHECK_INT(server.taken_end, ==, 0);
}

/* ---- Logins ---------------------------------------------------------------------------- */

CHECK_CASE(without_options_one_is_anonymous)
{
	static const struct turn turns[] = {T(NULL, "120 wait\r\n220 now\r\n"),
		T("AUTH TLS", "500 \r\n"), T("USER anonymous", "331 \r\n"),
		T("PASS anonymous@", "230 \r\n"), T("FEAT", "500 \r\n"), BYE};
	struct scripted server = {0};
	struct weft_ftp_client *client;

	scripted_start(&server, turns, COUNT(turns));
	client = weft_ftp_client_connect(server.host, NULL);
	CHECK(client);
	CHECK_STR(weft_ftp_client_greeting(client), "now");
	CHECK_INT(weft_ftp_client_features(client), ==, 0);
	weft_ftp_client_free(client);
	scripted_end(&server);
}

CHECK_CASE(an_account_is_told_when_it_is_asked_for)
{
	static const struct turn turns[] = {T(NULL, "220 \r\n"), T("AUTH TLS", "500 \r\n"),
		T("USER", "331 \r\n"), T("PASS", "332 \r\n"), T("ACCT lab", "230 \r\n"),
		T("FEAT", "500 \r\n"), BYE};
	struct scripted server = {0};

	scripted_start(&server, turns, COUNT(turns));
	weft_ftp_client_free(scripted_client(
		&server, &(struct weft_ftp_client_options){
				 .user = "ada", .password = "secret", .account = "lab"}));
	scripted_end(&server);
}

CHECK_CASE(a_refused_login_says_what_the_server_said_and_nothing_of_the_terminal_s)
{
	static const struct turn turns[] = {T(NULL, "220 \r\n"), T("AUTH TLS", "500 \r\n"),
		T("USER", "331 \r\n"), T("PASS", "530 \033[31mno\007\r\n"), BYE};
	struct weft_ftp_fault fault;
	struct weft_ftp_client_options options = {
		.user = "ada", .password = "secret", .ret_fault = &fault};
	struct scripted server = {0};

	scripted_start(&server, turns, COUNT(turns));
	CHECK_ERRNO(weft_ftp_client_connect(server.host, &options), EACCES);
	scripted_end(&server);
	CHECK_INT(fault.kind, ==, WEFT_FTP_LOGIN_REFUSED);
	CHECK_INT(fault.code, ==, 530);
	CHECK(strstr(fault.text, "\\x1b[31mno\\x07") && !strchr(fault.text, 033));
}

static void find_secret(void *arg, const char *line, bool is_sent)
{
	unsigned *count = arg;

	CHECK(!strstr(line, "secret") && !strpbrk(line, "\r\n"));
	*count += is_sent ? 1 : 100;
}

CHECK_CASE(a_trace_has_all_that_is_said_but_the_password)
{
	static const struct turn turns[] = {LOGIN, T("PASS secret", "503 \r\n"), BYE};
	struct weft_ftp_client *client;
	struct weft_ftp_reply reply;
	struct scripted server = {0};
	unsigned count = 0;

	scripted_start(&server, turns, COUNT(turns));
	client = scripted_client(&server,
		&(struct weft_ftp_client_options){.trace = find_secret, .trace_arg = &count});
	CHECK_INT(weft_ftp_client_command(client, "PASS secret", &reply), ==, 0);
	CHECK_INT(count, ==, 705);
	weft_ftp_client_free(client);
	scripted_end(&server);
}

CHECK_CASE(no_argument_makes_a_second_command)
{
	static const struct turn turns[] = {LOGIN, BYE};
	struct weft_ftp_client *client;
	struct weft_ftp_reply reply;
	struct scripted server = {0};

	scripted_start(&server, turns, COUNT(turns));
	client = scripted_client(&server, NULL);
	CHECK_ERRNO(weft_ftp_client_delete(client, "a\r\nDELE b"), EINVAL);
	CHECK_ERRNO(weft_ftp_client_rename(client, "a", "b\nDELE c"), EINVAL);
	CHECK_ERRNO(weft_ftp_client_retrieve(client, "a\r", 0), EINVAL);
	CHECK_ERRNO(weft_ftp_client_command(client, "NOOP\r\nDELE a", &reply), EINVAL);
	CHECK_ERRNO(weft_ftp_client_mkdir(client, ""), EINVAL);
	CHECK_INT(weft_ftp_client_fault(client)->kind, ==, WEFT_FTP_BAD_ARGUMENT);
	weft_ftp_client_free(client);
	scripted_end(&server);
}

/* ---- Ways for data ---------------------------------------------------------------------- */

CHECK_CASE(the_address_of_a_pasv_answer_is_not_believed)
{
	static const struct turn turns[] = {LOGIN, TYPE_I, PASV,
		T("RETR a", "150 \r\n", .data = "hello", .then = "226 \r\n"), BYE};
	struct scripted server = {0};
	struct weft_ftp_client *client;
	char text[16];

	scripted_start(&server, turns, COUNT(turns));
	client = scripted_client(&server, NULL);
	CHECK_INT(read_all(weft_ftp_client_retrieve(client, "a", 0), text, 16), ==, 5);
	weft_ftp_client_free(client);
	scripted_end(&server);
}

CHECK_CASE(a_server_that_refuses_epsv_is_asked_for_pasv_from_then_on)
{
	static const struct turn turns[] = {LOGIN_TO(CAN_ALL), TYPE_I, T("EPSV", "522 no\r\n"),
		PASV, T("RETR a", "150 \r\n", .data = "hello", .then = "226 \r\n"), PASV,
		T("RETR b", "150 \r\n", .data = "hi", .then = "226 \r\n"), BYE};
	struct scripted server = {0};
	struct weft_ftp_client *client;
	char text[16];

	scripted_start(&server, turns, COUNT(turns));
	client = scripted_client(&server, NULL);
	CHECK_INT(read_all(weft_ftp_client_retrieve(client, "a", 0), text, 16), ==, 5);
	CHECK_INT(read_all(weft_ftp_client_retrieve(client, "b", 0), text, 16), ==, 2);
	weft_ftp_client_free(client);
	scripted_end(&server);
}

BOTH_CASE(an_active_client_is_connected_to)
{
	static const struct turn turns[] = {LOGIN_TO(CAN_ALL), TYPE_I,
		T("EPRT |1|127.0.0.1|", "200 \r\n"),
		T("RETR a", "150 \r\n", .data = "hello", .then = "226 \r\n"),
		T("EPRT |1|127.0.0.1|", "522 \r\n"), T("PORT 127,0,0,1,", "200 \r\n"),
		T("STOR b", "150 \r\n", .takes = true, .then = "226 \r\n"), BYE};
	struct weft_ftp_file *transfer;
	struct scripted server = {0};
	struct weft_ftp_client *client;
	char text[16];

	scripted_start(&server, turns, COUNT(turns));
	client = scripted_client(
		&server, &(struct weft_ftp_client_options){
				 .user = "ada", .password = "secret", .is_active = true});
	CHECK_INT(read_all(weft_ftp_client_retrieve(client, "a", 0), text, 16), ==, 5);
	transfer = weft_ftp_client_store(client, "b", 0);
	CHECK(transfer && weft_ftp_file_write(transfer, "xyz", 3) == 0);
	CHECK_INT(weft_ftp_file_end(transfer), ==, 0);
	weft_ftp_client_free(client);
	scripted_end(&server);
	CHECK_INT(server.taken_len, ==, 3);
}

CHECK_CASE(a_stranger_who_connects_first_is_turned_away)
{
	static const struct turn turns[] = {LOGIN, TYPE_I, T("PORT 127,0,0,1,", "200 \r\n"),
		T("RETR a", "150 \r\n", .data = "hello", .has_stranger = true, .then = "226 \r\n"),
		BYE};
	struct scripted server = {0};
	struct weft_ftp_client *client;
	char text[16] = "";

	scripted_start(&server, turns, COUNT(turns));
	client = scripted_client(
		&server, &(struct weft_ftp_client_options){
				 .user = "ada", .password = "secret", .is_active = true});
	CHECK_INT(read_all(weft_ftp_client_retrieve(client, "a", 0), text, 16), ==, 5);
	CHECK_STR(text, "hello");
	weft_ftp_client_free(client);
	scripted_end(&server);
}

/* ---- Resuming --------------------------------------------------------------------------- */

CHECK_CASE(a_download_that_broke_off_goes_on_where_it_was)
{
	static const struct turn first[] = {LOGIN_TO(CAN_ALL),
		T("MLST a", "250-\r\n type=file;size=11;modify=20010203040506; a\r\n250 .\r\n"),
		T("PWD", "257 \"/\"\r\n"), TYPE_I, EPSV,
		T("RETR a", "150 \r\n", .data = "hello ", .then = "426 broken\r\n"), BYE};
	static const struct turn second[] = {LOGIN_TO(CAN_ALL),
		T("MLST a", "250-\r\n type=file;size=11;modify=20010203040506; a\r\n250 .\r\n"),
		T("PWD", "257 \"/\"\r\n"), TYPE_I, EPSV, T("REST 6", "350 \r\n"),
		T("RETR a", "150 \r\n", .data = "world", .then = "226 \r\n"), BYE};
	struct scripted server = {0};
	struct weft_ftp_client *client;
	char *text;

	place_write("a", "old");
	scripted_start(&server, first, COUNT(first));
	client = scripted_client(&server, NULL);
	CHECK_ERRNO(weft_ftp_client_download(client, "a", place("a"), NULL), EAGAIN);
	weft_ftp_client_free(client);
	peer_end(server.thread);
	CHECK_INT(weft_file_read_all(place("a"), 100, &text), ==, 3);
	free(text);

	scripted_again(&server, second, COUNT(second));
	client = scripted_client(&server, NULL);
	CHECK_INT(weft_ftp_client_download(client, "a", place("a"), NULL), ==, 0);
	weft_ftp_client_free(client);
	scripted_end(&server);
	CHECK_INT(weft_file_read_all(place("a"), 100, &text), ==, 11);
	CHECK_STR(text, "hello world");
	free(text);
}

CHECK_CASE(a_refused_download_leaves_what_was_there_and_nothing_beside_it)
{
	static const struct turn turns[] = {LOGIN_TO(CAN_ALL),
		T("MLST a", "250-\r\n type=file;size=11;modify=20010203040506; a\r\n250 .\r\n"),
		T("PWD", "257 \"/\"\r\n"), TYPE_I, EPSV, T("RETR a", "550 no\r\n"), BYE};
	struct weft_dir_list list;
	struct scripted server = {0};
	struct weft_ftp_client *client;

	place_write("a", "old");
	scripted_start(&server, turns, COUNT(turns));
	client = scripted_client(&server, NULL);
	CHECK_ERRNO(weft_ftp_client_download(client, "a", place("a"), NULL), ENOENT);
	weft_ftp_client_free(client);
	scripted_end(&server);
	CHECK_INT(weft_dir_list(place_dir, 0, &list), ==, 0);
	CHECK_INT(list.count, ==, 1);
	weft_dir_list_fini(&list);
}

CHECK_CASE(an_upload_goes_on_behind_what_is_there)
{
	static const struct turn turns[] = {LOGIN_TO(CAN_ALL), TYPE_I, T("SIZE b", "213 6\r\n"),
		EPSV, T("APPE b", "150 \r\n", .takes = true, .then = "226 \r\n"),
		T("SIZE b", "213 11\r\n"), T("MFMT", "213 \r\n"), BYE};
	struct scripted server = {0};
	struct weft_ftp_client *client;

	place_write("a", "hello world");
	scripted_start(&server, turns, COUNT(turns));
	client = scripted_client(&server, NULL);
	CHECK_INT(weft_ftp_client_upload(client, place("a"), "b",
			  &(struct weft_ftp_copy_options){.resumes = true}),
		==, 0);
	weft_ftp_client_free(client);
	scripted_end(&server);
	CHECK_INT(server.taken_len, ==, 5);
	CHECK_MEM(server.taken, "world", 5);
}

CHECK_CASE(an_upload_of_which_the_server_has_less_has_failed)
{
	static const struct turn turns[] = {LOGIN_TO(CAN_ALL), TYPE_I, EPSV,
		T("STOR b", "150 \r\n", .takes = true, .then = "226 \r\n"),
		T("SIZE b", "213 4\r\n"), BYE};
	struct scripted server = {0};
	struct weft_ftp_client *client;

	place_write("a", "hello");
	scripted_start(&server, turns, COUNT(turns));
	client = scripted_client(&server, NULL);
	CHECK_ERRNO(weft_ftp_client_upload(client, place("a"), "b", NULL), EBADMSG);
	CHECK_INT(weft_ftp_client_fault(client)->kind, ==, WEFT_FTP_DIFFERS);
	weft_ftp_client_free(client);
	scripted_end(&server);
}

/* ---- Sums and temporary names ------------------------------------------------------------- */

#define CAN_HASH     CAN_ALL " HASH SHA-256*\r\n"
#define OPTS_HASH    T("OPTS HASH SHA-256", "200 \r\n")
#define SHA_OF_HELLO "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"
#define SHA_OF_OTHER "486ea46224d1bb4fb680f34f7c9ad96a8f24ec88be73ea8e5a6c65260e9cb8a7"
#define MLST_5       T("MLST b", "250-\r\n type=file;size=5;modify=20010203040506; b\r\n250 .\r\n")

CHECK_CASE(a_download_with_another_sum_than_the_server_s_leaves_nothing)
{
	static const struct turn turns[] = {LOGIN_TO(CAN_HASH), OPTS_HASH, MLST_5,
		T("PWD", "257 \"/\"\r\n"), TYPE_I, EPSV,
		T("RETR b", "150 \r\n", .data = "hellO", .then = "226 \r\n"),
		T("HASH b", "213 SHA-256 0-5 " SHA_OF_HELLO " b\r\n"), BYE};
	const struct weft_ftp_copy_options options = {.verifies = true};
	struct scripted server = {0};
	struct weft_ftp_client *client;
	struct weft_dir_list list;

	scripted_start(&server, turns, COUNT(turns));
	client = scripted_client(&server, NULL);
	CHECK_ERRNO(weft_ftp_client_download(client, "b", place("b"), &options), EBADMSG);
	CHECK_INT(weft_ftp_client_fault(client)->kind, ==, WEFT_FTP_DIFFERS);
	weft_ftp_client_free(client);
	scripted_end(&server);
	CHECK_INT(weft_dir_list(place_dir, 0, &list), ==, 0);
	CHECK_INT(list.count, ==, 0);
	weft_dir_list_fini(&list);
}

CHECK_CASE(an_upload_is_renamed_when_its_sum_is_right_and_it_has_its_time)
{
	static const struct turn turns[] = {LOGIN_TO(CAN_HASH), OPTS_HASH, TYPE_I, EPSV,
		T("STOR d/b.part", "150 \r\n", .takes = true, .then = "226 \r\n"),
		T("SIZE d/b.part", "213 5\r\n"),
		T("HASH d/b.part", "213 SHA-256 0-5 " SHA_OF_HELLO " b\r\n"),
		T("MFMT ", "213 \r\n"), T("RNFR d/b.part", "350 \r\n"), T("RNTO d/b", "250 \r\n"),
		BYE};
	const struct weft_ftp_copy_options options = {.verifies = true, .uses_temporary = true};
	struct scripted server = {0};
	struct weft_ftp_client *client;

	place_write("a", "hello");
	scripted_start(&server, turns, COUNT(turns));
	client = scripted_client(&server, NULL);
	CHECK_INT(weft_ftp_client_upload(client, place("a"), "d/b", &options), ==, 0);
	weft_ftp_client_free(client);
	scripted_end(&server);
	CHECK_STR(server.heard[COUNT(turns) - 1], "QUIT");
}

CHECK_CASE(an_upload_with_another_sum_is_removed_and_what_was_there_stays)
{
	static const struct turn turns[] = {LOGIN_TO(CAN_HASH), OPTS_HASH, TYPE_I, EPSV,
		T("STOR b.part", "150 \r\n", .takes = true, .then = "226 \r\n"),
		T("SIZE b.part", "213 5\r\n"),
		T("HASH b.part", "213 SHA-256 0-5 " SHA_OF_OTHER " b\r\n"),
		T("DELE b.part", "250 \r\n"), BYE};
	const struct weft_ftp_copy_options options = {.verifies = true, .uses_temporary = true};
	struct scripted server = {0};
	struct weft_ftp_client *client;

	place_write("a", "hello");
	scripted_start(&server, turns, COUNT(turns));
	client = scripted_client(&server, NULL);
	CHECK_ERRNO(weft_ftp_client_upload(client, place("a"), "b", &options), EBADMSG);
	CHECK_INT(weft_ftp_client_fault(client)->kind, ==, WEFT_FTP_DIFFERS);
	weft_ftp_client_free(client);
	scripted_end(&server);
	CHECK_STR(server.heard[COUNT(turns) - 1], "QUIT");
}

CHECK_CASE(a_server_that_renames_over_nothing_has_the_old_file_removed_first)
{
	static const struct turn turns[] = {LOGIN_TO(CAN_ALL), TYPE_I,
		T("SIZE b.part", "213 3\r\n"), EPSV,
		T("APPE b.part", "150 \r\n", .takes = true, .then = "226 \r\n"),
		T("SIZE b.part", "213 5\r\n"), T("MFMT ", "213 \r\n"), T("RNFR b.part", "350 \r\n"),
		T("RNTO b", "553 there is one\r\n"), T("DELE b", "250 \r\n"),
		T("RNFR b.part", "350 \r\n"), T("RNTO b", "250 \r\n"), BYE};
	const struct weft_ftp_copy_options options = {.resumes = true, .uses_temporary = true};
	struct scripted server = {0};
	struct weft_ftp_client *client;

	place_write("a", "hello");
	scripted_start(&server, turns, COUNT(turns));
	client = scripted_client(&server, NULL);
	CHECK_INT(weft_ftp_client_upload(client, place("a"), "b", &options), ==, 0);
	weft_ftp_client_free(client);
	scripted_end(&server);
	CHECK_STR(server.heard[COUNT(turns) - 1], "QUIT");
}

CHECK_CASE(long_names_have_temporary_ones_that_fit_and_differ)
{
	static const struct turn turns[] = {LOGIN, TYPE_I, PASV,
		T("STOR ", "150 \r\n", .takes = true, .then = "226 \r\n"), T("RNFR ", "350 \r\n"),
		T("RNTO ", "250 \r\n"), PASV,
		T("STOR ", "150 \r\n", .takes = true, .then = "226 \r\n"), T("RNFR ", "350 \r\n"),
		T("RNTO ", "250 \r\n"), BYE};
	const struct weft_ftp_copy_options options = {.uses_temporary = true};
	struct scripted server = {0};
	struct weft_ftp_client *client;
	const char *one = server.heard[7], *other = server.heard[11];
	char name[256] = "";

	place_write("a", "hello");
	scripted_start(&server, turns, COUNT(turns));
	client = scripted_client(&server, NULL);
	memset(name, 'n', sizeof(name) - 1);
	for (int i = 0; i < 2; i++) {
		name[254] = (char)('0' + i);
		CHECK_INT(weft_ftp_client_upload(client, place("a"), name, &options), ==, 0);
	}
	weft_ftp_client_free(client);
	scripted_end(&server);
	CHECK_INT(strncmp(one, "STOR nnn", 8) | strncmp(other, "STOR nnn", 8), ==, 0);
	CHECK_INT(strlen(one), <=, 5 + 255);
	CHECK(strcmp(one, other) != 0);
}

/* ---- Ready or not ----------------------------------------------------------------------- */

CHECK_CASE(a_client_is_ready_until_the_server_says_something_unasked)
{
	static const struct turn turns[] = {
		LOGIN, T("NOOP", "200 \r\n"), T("NOOP", "200 \r\n421 bye\r\n")};
	struct scripted server = {0};
	struct weft_ftp_client *client;

	scripted_start(&server, turns, COUNT(turns));
	client = scripted_client(&server, NULL);
	CHECK_INT(weft_ftp_client_noop(client), ==, 0);
	CHECK(weft_ftp_client_is_ready(client));
	CHECK_INT(weft_ftp_client_noop(client), ==, 0);
	CHECK(!weft_ftp_client_is_ready(client));
	CHECK(!weft_ftp_client_is_lost(client));
	weft_ftp_client_free(client);
	scripted_end(&server);
}

/* ---- Listings --------------------------------------------------------------------------- */

CHECK_CASE(a_folder_is_listed_by_mlsd)
{
	static const struct turn turns[] = {LOGIN_TO(CAN_ALL), TYPE_I, EPSV,
		T("MLSD docs", "150 \r\n",
			.data = "type=cdir; .\r\ntype=pdir; ..\r\n"
				"type=file;size=3;modify=20010203040506;UNIX.mode=0640; b b\r\n"
				"type=dir; a\r\ntype=OS.unix=slink:/etc/passwd; c\r\nrubbish\r\n",
			.then = "226 \r\n"),
		BYE};
	struct weft_ftp_list list;
	struct scripted server = {0};
	struct weft_ftp_client *client;

	scripted_start(&server, turns, COUNT(turns));
	client = scripted_client(&server, NULL);
	CHECK_INT(weft_ftp_client_list(client, "docs", &list), ==, 0);
	weft_ftp_client_free(client);
	scripted_end(&server);
	CHECK_INT(list.count, ==, 3);
	CHECK_STR(list.entries[0].name, "a");
	CHECK_INT(list.entries[0].type, ==, WEFT_FTP_FOLDER);
	CHECK_STR(list.entries[1].name, "b b");
	CHECK_INT(list.entries[1].size_bytes, ==, 3);
	CHECK_INT(list.entries[1].mode, ==, 0640);
	CHECK_INT(list.entries[1].modified_s, ==, 981173106);
	CHECK_INT(list.entries[2].type, ==, WEFT_FTP_LINK);
	CHECK_STR(list.entries[2].target, "/etc/passwd");
	weft_ftp_list_fini(&list);
}

CHECK_CASE(without_mlsd_a_folder_is_gone_into_and_listed)
{
	static const struct turn turns[] = {LOGIN, T("PWD", "257 \"/a \"\"b\"\"\"\r\n"),
		T("CWD -x [*]", "250 \r\n"), TYPE_I, PASV,
		T("LIST -a", "150 \r\n",
			.data = "total 8\r\n-rw-r--r-- 1 me us 12 Jan 02 2003 a file\r\n",
			.then = "226 \r\n"),
		T("CWD /a \"b\"", "250 \r\n"), BYE};
	struct weft_ftp_list list;
	struct scripted server = {0};
	struct weft_ftp_client *client;

	scripted_start(&server, turns, COUNT(turns));
	client = scripted_client(&server, NULL);
	CHECK_INT(weft_ftp_client_list(client, "-x [*]", &list), ==, 0);
	weft_ftp_client_free(client);
	scripted_end(&server);
	CHECK_INT(list.count, ==, 1);
	CHECK_STR(list.entries[0].name, "a file");
	weft_ftp_list_fini(&list);
}

/* ---- Breaking off ------------------------------------------------------------------------ */

BOTH_CASE(a_transfer_can_be_broken_off_and_the_next_command_is_understood)
{
	static const struct turn turns[] = {LOGIN, TYPE_I, PASV,
		T("RETR a", "150 \r\n", .data = "0123456789abcdef", .times = 1000000,
			.then = "426 broken\r\n"),
		T("ABOR", "226 aborted\r\n"), T("PWD", "257 \"/\"\r\n"), T("DELE a", "250 \r\n"),
		BYE};
	struct weft_ftp_file *transfer;
	struct scripted server = {0};
	struct weft_ftp_client *client;
	char text[100];

	scripted_start(&server, turns, COUNT(turns));
	client = scripted_client(&server, NULL);
	transfer = weft_ftp_client_retrieve(client, "a", 0);
	CHECK(transfer && weft_ftp_file_read(transfer, text, 100) > 0);
	CHECK_ERRNO(weft_ftp_client_noop(client), EBUSY);
	weft_ftp_file_abort(transfer);
	CHECK_INT(weft_ftp_client_delete(client, "a"), ==, 0);
	weft_ftp_client_free(client);
	scripted_end(&server);
}

CHECK_CASE(servers_that_answer_an_abort_in_their_own_ways_are_understood)
{
	static const char *const table[][2] = {{"", "226 \r\n"}, {"226 \r\n", "200 \r\n"},
		{"426 \r\n", "502 \r\n"}, {"", "200 \r\n"}, {"426 \r\n", "226 \r\n"}};

	for (size_t i = 0; i < COUNT(table); i++) {
		const struct turn turns[] = {LOGIN, TYPE_I, PASV,
			T("RETR a", "150 \r\n", .data = "0123456789abcdef", .times = 1000000,
				.then = table[i][0]),
			T("ABOR", table[i][1]), T("PWD", "257 \"/\"\r\n"), T("DELE a", "250 \r\n"),
			BYE};
		struct scripted server = {0};
		struct weft_ftp_client *client;

		scripted_start(&server, turns, COUNT(turns));
		client = scripted_client(&server, NULL);
		weft_ftp_file_abort(weft_ftp_client_retrieve(client, "a", 0));
		CHECK_INT(weft_ftp_client_delete(client, "a"), ==, 0);
		weft_ftp_client_free(client);
		scripted_end(&server);
	}
}

CHECK_CASE(an_upload_that_is_broken_off_does_not_look_like_a_whole_one)
{
	static const struct turn turns[] = {LOGIN, TYPE_I, PASV,
		T("STOR a", "150 \r\n", .takes = true, .then = "426 broken\r\n"),
		T("ABOR", "226 \r\n"), T("PWD", "257 \"/\"\r\n"), BYE};
	struct weft_ftp_file *transfer;
	struct scripted server = {0};
	struct weft_ftp_client *client;

	scripted_start(&server, turns, COUNT(turns));
	client = scripted_client(&server, NULL);
	transfer = weft_ftp_client_store(client, "a", 0);
	CHECK(transfer && weft_ftp_file_write(transfer, "half", 4) == 0);
	weft_ftp_file_abort(transfer);
	weft_ftp_client_free(client);
	scripted_end(&server);
	CHECK_INT(server.taken_end, ==, -1);
}

/* ---- Pools -------------------------------------------------------------------------------- */

CHECK_CASE(a_pool_hands_out_the_client_it_was_given_back)
{
	static const struct turn turns[] = {LOGIN, T("NOOP", "200 \r\n"), BYE};
	const struct weft_ftp_client_options options = {.user = "ada", .password = "secret"};
	struct scripted server = {0};
	struct weft_ftp_client *client, *again;
	struct weft_ftp_pool *pool;

	scripted_start(&server, turns, COUNT(turns));
	CHECK_ERRNO(weft_ftp_pool_new(server.host, &options, 0), EINVAL);
	pool = weft_ftp_pool_new(server.host, &options, 1);
	client = weft_ftp_pool_take(pool, NULL);
	CHECK(client && weft_ftp_client_noop(client) == 0);
	WEFT_WITH_TIMEOUT (WEFT_MILLISECONDS(1))
		CHECK_ERRNO(weft_ftp_pool_take(pool, NULL), ETIMEDOUT);
	weft_ftp_pool_give(pool, client);
	again = weft_ftp_pool_take(pool, NULL);
	CHECK(again == client);
	weft_ftp_pool_give(pool, again);
	weft_ftp_pool_free(pool);
	scripted_end(&server);
}

CHECK_CASE(names_that_lead_elsewhere_are_not_safe)
{
	static const char *const bad[] = {"", ".", "..", "a/b", "/", "../x", "a\nb", "\033[2J",
		"x\177", ".weft-0123456789abcdef.part"};
	static const char *const good[] = {"a", "...", ".hidden", "-rf", "a b", "ä", "\\", "a:b"};

	for (size_t i = 0; i < COUNT(bad); i++)
		CHECK(!weft_ftp_name_is_safe(bad[i]));
	for (size_t i = 0; i < COUNT(good); i++)
		CHECK(weft_ftp_name_is_safe(good[i]));
}

CHECK_MAIN()
