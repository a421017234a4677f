/*
 * test_server.c - tests src/ftp/server*.c: sessions as clients have them, in the clear.
 *
 * check: tsan drivers
 */
#include "share.h"

#include <stdatomic.h>

/* ---- As a user would ------------------------------------------------------------------------- */

CHECK_CASE(what_is_stored_is_fetched_again)
{
	struct talk talk;

	share_open();
	talk = talk_to_share();
	CHECK_INT(say(&talk, "USER anna"), ==, 331);
	CHECK_INT(say(&talk, "PASS secret"), ==, 230);
	CHECK_INT(say(&talk, "TYPE I"), ==, 200);
	CHECK_INT(store(&talk, "STOR june.txt", "Dear Ben,\n", 10), ==, 226);
	CHECK(share_has("june.txt", "Dear Ben,\n"));
	CHECK_INT(fetch(&talk, "RETR june.txt"), ==, 226);
	CHECK_STR(talk.data, "Dear Ben,\n");
	CHECK_INT(say(&talk, "DELE june.txt"), ==, 250);
	CHECK_INT(fetch(&talk, "RETR june.txt"), ==, 550);
	talk_end(&talk);
	share_close();
}

/* ---- Coming in ------------------------------------------------------------------------------- */

CHECK_CASE(only_who_knows_the_password_comes_in)
{
	struct weft_ftp_counts counts;
	struct talk talk;

	share_open();
	talk = talk_to_share();
	CHECK_INT(say(&talk, "PASS secret"), ==, 503);
	CHECK_INT(say(&talk, "CWD /"), ==, 530);
	CHECK_INT(say(&talk, "USER anna"), ==, 331);
	CHECK_INT(say(&talk, "PASS Secret"), ==, 530);
	CHECK_INT(say(&talk, "LIST"), ==, 530);
	CHECK_INT(say(&talk, "USER nobody"), ==, 331);
	CHECK_INT(say(&talk, "PASS secret"), ==, 530);
	CHECK_INT(say(&talk, "USER anna"), ==, 331);
	CHECK_INT(say(&talk, "PASS secret"), ==, 230);
	CHECK_INT(say(&talk, "PASS again"), ==, 202);
	weft_ftp_server_counts(share.server, &counts);
	CHECK_INT(counts.logins, ==, 1);
	CHECK_INT(counts.logins_failed, ==, 2);
	CHECK_INT(counts.sessions, ==, 1);
	CHECK_INT(say(&talk, "REIN"), ==, 220);
	CHECK_INT(say(&talk, "PWD"), ==, 530);
	weft_ftp_server_counts(share.server, &counts);
	CHECK_INT(counts.sessions, ==, 0);
	talk_end(&talk);
	share_close();
}

CHECK_CASE(three_failures_end_the_connection)
{
	struct talk talk;

	share_open();
	talk = talk_to_share();
	for (int i = 0; i < 3; i++) {
		CHECK_INT(say(&talk, "USER anna"), ==, 331);
		CHECK_INT(say(&talk, "PASS wrong"), ==, i < 2 ? 530 : 421);
	}
	CHECK_INT(hear(&talk), ==, 0);
	weft_stream_free(talk.control);
	share_close();
}

static unsigned logouts;

static int login_with_account(
	const struct weft_ftp_login *login, struct weft_files_visitor *ret_visitor, void *arg)
{
	(void)arg;
	CHECK_STR(login->name, "ben");
	CHECK_STR(login->password, "pass word");
	CHECK_STR(login->peer, "127.0.0.1");
	CHECK(!login->tls);
	errno = ENODATA;
	if (!login->account)
		return -1;
	errno = EAGAIN;
	if (strcmp(login->account, "lab") != 0)
		return -1;
	weft_sleep(WEFT_MILLISECONDS(1)); /* it may wait */
	*ret_visitor = (struct weft_files_visitor){.name = "ben", .rights = WEFT_FILES_LIST};
	return 0;
}

static void count_logout(const struct weft_files_visitor *visitor, void *arg)
{
	(void)arg;
	CHECK_STR(visitor->name, "ben");
	logouts++;
}

CHECK_CASE(an_account_can_be_asked_for_and_a_busy_callback_ends_the_connection)
{
	struct talk talk;

	share.options.login = login_with_account;
	share.options.logout = count_logout;
	share_open();
	talk = talk_to_share();
	CHECK_INT(say(&talk, "ACCT lab"), ==, 503);
	CHECK_INT(say(&talk, "USER ben"), ==, 331);
	CHECK_INT(say(&talk, "PASS pass word"), ==, 332);
	CHECK_INT(say(&talk, "PASS pass word"), ==, 503);
	CHECK_INT(say(&talk, "ACCT lab"), ==, 230);
	CHECK_INT(say(&talk, "ACCT lab"), ==, 202);
	talk_end(&talk);
	talk = talk_to_share();
	CHECK_INT(say(&talk, "USER ben"), ==, 331);
	CHECK_INT(say(&talk, "PASS pass word"), ==, 332);
	CHECK_INT(say(&talk, "ACCT other"), ==, 421);
	CHECK_INT(hear(&talk), ==, 0);
	weft_stream_free(talk.control);
	share_close();
	CHECK_INT(logouts, ==, 1);
}

static atomic_bool is_locked;

static int refresh_rights(struct weft_files_visitor *visitor, void *arg)
{
	(void)arg;
	visitor->rights = WEFT_FILES_LIST;
	return atomic_load(&is_locked) ? -1 : 0;
}

CHECK_CASE(before_each_command_the_visitor_is_looked_at_anew)
{
	struct talk talk;

	share.options.refresh = refresh_rights;
	share_open();
	share_put("a", "a", 1);
	talk = log_in();
	CHECK_INT(fetch(&talk, "NLST"), ==, 226);
	CHECK_INT(fetch(&talk, "RETR a"), ==, 550);
	atomic_store(&is_locked, true);
	CHECK_INT(say(&talk, "PWD"), ==, 421);
	CHECK_INT(hear(&talk), ==, 0);
	weft_stream_free(talk.control);
	free(talk.data);
	share_close();
}

CHECK_CASE(strangers_may_read_and_list_where_they_are_let_in)
{
	struct talk talk;

	share.options.allows_anonymous = true;
	share_open();
	share_put("a.txt", "a\n", 2);
	talk = talk_to_share();
	CHECK_INT(say(&talk, "USER Anonymous"), ==, 331);
	CHECK_INT(say(&talk, "PASS me@example.org"), ==, 230);
	CHECK_INT(say(&talk, "TYPE I"), ==, 200);
	CHECK_INT(fetch(&talk, "RETR a.txt"), ==, 226);
	CHECK_INT(fetch(&talk, "NLST"), ==, 226);
	CHECK_STR(talk.data, "a.txt\r\n");
	CHECK_INT(store(&talk, "STOR b.txt", "b", 1), ==, 550);
	CHECK_INT(say(&talk, "DELE a.txt"), ==, 550);
	CHECK_INT(say(&talk, "MKD b"), ==, 550);
	CHECK(!heard(&talk, "b.txt"));
	talk_end(&talk);
	share_close();
}

/* As accounts do: names in capitals are the same. */
static int login_in_any_case(
	const struct weft_ftp_login *login, struct weft_files_visitor *ret_visitor, void *arg)
{
	const struct weft_ftp_login folded = {
		.name = strcasecmp(login->name, "anna") == 0 ? "anna" : "", .password = "secret"};

	return share_login(&folded, ret_visitor, arg);
}

CHECK_CASE(one_name_has_so_many_sessions_and_one_address_so_many_connections)
{
	struct weft_ftp_counts counts;
	struct talk first, second, third;

	share.options.login = login_in_any_case;
	share.options.sessions_per_user = 1;
	share.options.connections_per_client = 2;
	share_open();
	first = log_in();
	second = talk_to_share();
	CHECK_INT(say(&second, "USER ANNA"), ==, 331);
	CHECK_INT(say(&second, "PASS secret"), ==, 421);
	third.control = weft_stream_connect(share.address);
	CHECK(third.control != NULL);
	/* The second may have ended meanwhile. */
	CHECK(hear(&third) == 421 || heard(&third, "220"));
	weft_stream_free(third.control);
	weft_stream_free(second.control);
	talk_end(&first);
	weft_ftp_server_counts(share.server, &counts);
	CHECK_INT(counts.sessions, ==, 0);
	CHECK_INT(counts.refused, >, 0);
	share_close();
}

CHECK_CASE(who_is_told_goodbye_is_out_and_may_come_again)
{
	share.options.login = login_in_any_case;
	share.options.sessions_per_user = 1;
	share_open();
	for (int i = 0; i < 100; i++) {
		struct talk talk = log_in();

		talk_end(&talk);
	}
	share_close();
}

CHECK_CASE(too_many_connections_of_one_address_are_told_so)
{
	struct talk first, second;

	share.options.connections_per_client = 1;
	share_open();
	first = log_in();
	second.control = weft_stream_connect(share.address);
	CHECK(second.control != NULL);
	CHECK_INT(hear(&second), ==, 421);
	CHECK_INT(hear(&second), ==, 0);
	weft_stream_free(second.control);
	talk_end(&first);
	share_close();
}

CHECK_CASE(nobody_who_is_in_is_turned_out_for_somebody_who_comes)
{
	struct talk first, second = {.data = NULL};

	share.options.connections_max = 1;
	share_open();
	first = log_in();
	weft_sleep(WEFT_MILLISECONDS(100)); /* until it is parked */
	for (int i = 0; i < 3; i++) {
		second.control = weft_stream_connect(share.address);
		CHECK(second.control != NULL);
		CHECK_INT(hear(&second), ==, 421);
		CHECK_INT(hear(&second), ==, 0);
		weft_stream_free(second.control);
	}
	CHECK_INT(say(&first, "PWD"), ==, 257);
	talk_end(&first);
	do { /* it is told goodbye a moment before it is gone */
		second.control = weft_stream_connect(share.address);
		CHECK(second.control != NULL);
	} while (hear(&second) == 421 && (weft_stream_free(second.control), true));
	talk_end(&second);
	share_close();
}

CHECK_CASE(options_that_cannot_be_meant_are_refused)
{
	struct weft_files *files = weft_files_new("/tmp", NULL);
	const struct weft_ftp_server_options bad[] = {
		{.login = share_login},
		{.files = files},
		{.files = files, .login = share_login, .needs_tls = true},
		{.files = files, .login = share_login, .needs_resumed_data = true},
		{.files = files, .login = share_login, .passive_low = 5000},
		{.files = files, .login = share_login, .public_address = "example.org"},
		{.files = files, .login = share_login, .public_address = "::1"},
		{.files = files, .login = share_login, .greeting = "a\r\n220 b"},
	};

	CHECK(files != NULL);
	CHECK_ERRNO(weft_ftp_server_new(NULL), EINVAL);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		CHECK_ERRNO(weft_ftp_server_new(&bad[i]), EINVAL);
	weft_ftp_server_free(NULL);
	weft_files_free(files);
}

/* ---- Where, and what it is like -------------------------------------------------------------- */

struct row {
	const char *command;
	int code;
	const char *text; /* that is in the reply; NULL: any */
};

static void say_all(struct talk *talk, const struct row *rows)
{
	for (; rows->command; rows++) {
		int code = say(talk, "%s", rows->command);

		if (code != rows->code || (rows->text && !heard(talk, rows->text)))
			check_fail(__FILE__, __LINE__, "%s: %s", rows->command, talk->reply);
	}
}

CHECK_CASE(folders_are_made_entered_renamed_and_removed)
{
	static const struct row rows[] = {
		{"PWD", 257, "257 \"/\" "},
		{"MKD a", 257, "\"/a\""},
		{"MKD a/b \"c\"", 257, "\"/a/b \"\"c\"\"\""},
		{"MKD a", 550, NULL},
		{"CWD a/b \"c\"", 250, NULL},
		{"PWD", 257, "\"/a/b \"\"c\"\"\""},
		{"CDUP", 250, NULL},
		{"XPWD", 257, "\"/a\""},
		{"CWD ../../..", 250, NULL},
		{"PWD", 257, "\"/\""},
		{"CWD none", 550, NULL},
		{"RNFR a", 350, NULL},
		{"RNTO d", 250, NULL},
		{"RNTO e", 503, NULL},
		{"RNFR d", 350, NULL},
		{"NOOP", 200, NULL},
		{"RNTO e", 503, NULL}, /* what stood between has made it forget */
		{"RNFR none", 550, NULL},
		{"RMD d", 550, NULL},
		{"RMD d/b \"c\"", 250, NULL},
		{"DELE d", 550, NULL},
		{"RMD d", 250, NULL},
		{NULL, 0, NULL},
	};
	struct talk talk;

	share_open();
	talk = log_in();
	say_all(&talk, rows);
	talk_end(&talk);
	share_close();
}

CHECK_CASE(what_a_file_is_like_is_told)
{
	static const struct row rows[] = {
		{"MFMT 20200102030405 a.txt", 213, "213 Modify=20200102030405; /a.txt"},
		{"MDTM a.txt", 213, "213 20200102030405"},
		{"SIZE a.txt", 213, "213 5\r\n"},
		{"MLST a.txt", 250, " type=file;size=5;modify=20200102030405;perm=arwdf;unique="},
		{"MLST a.txt", 250, "; /a.txt\r\n250 "},
		{"OPTS MLST size;modify;", 200, "200 MLST OPTS size;modify;"},
		{"MLST a.txt", 250, "\r\n size=5;modify=20200102030405; /a.txt\r\n"},
		{"FEAT", 211, " MLST type;size*;modify*;perm;unique;UNIX.mode;\r\n"},
		{"OPTS MLST", 200, "200 MLST OPTS\r\n"},
		{"MLST a.txt", 250, "\r\n  /a.txt\r\n"},
		{"MLST none", 550, NULL},
		{"SIZE none", 550, NULL},
		{"SIZE /", 550, NULL},
		{"MDTM none", 550, NULL},
		{"MFMT 2020 a.txt", 501, NULL},
		{"MFMT 20200102030405", 501, NULL},
		{"STAT a.txt", 213, "Jan  2  2020 a.txt\r\n213 "},
		{"STAT -l /", 213, " a.txt\r\n"},
		{"STAT none", 550, NULL},
		{"STAT", 211, "anna"},
		{"TYPE A", 200, NULL},
		{"SIZE a.txt", 550, NULL},
		{NULL, 0, NULL},
	};
	struct talk talk;

	share_open();
	share_put("a.txt", "12345", 5);
	talk = log_in();
	say_all(&talk, rows);
	talk_end(&talk);
	share_close();
}

CHECK_CASE(settings_are_those_that_there_are)
{
	static const struct row rows[] = {{"TYPE A N", 200, NULL}, {"TYPE i", 200, NULL},
		{"TYPE L 8", 200, NULL}, {"TYPE E", 504, NULL}, {"TYPE L 7", 504, NULL},
		{"MODE S", 200, NULL}, {"MODE B", 504, NULL}, {"MODE Z", 504, NULL},
		{"STRU F", 200, NULL}, {"STRU R", 504, NULL}, {"OPTS UTF8 ON", 200, NULL},
		{"OPTS UTF8 OFF", 504, NULL}, {"OPTS HASH SHA-256", 200, "200 SHA-256"},
		{"OPTS HASH MD5", 504, NULL}, {"OPTS X", 501, NULL}, {"ALLO 5", 202, NULL},
		{"SYST", 215, "215 UNIX Type: L8"}, {"NOOP", 200, NULL}, {"HELP", 214, "STOR"},
		{"SITE HELP", 214, "HELP, and that is it"}, {"SITE CHMOD 777 a", 502, NULL},
		{"SITE UTIME 20200102030405 a", 504, NULL}, {"SITE EXEC a", 504, NULL},
		{"ABOR", 226, NULL}, {"REST 5", 350, NULL}, {"REST x", 501, NULL},
		{"REST -1", 501, NULL}, {"REST 99999999999999999999", 501, NULL},
		{"AUTH TLS", 502, NULL}, {"PBSZ 0", 503, NULL}, {"PROT P", 503, NULL},
		{"CCC", 533, NULL}, {"RETR", 501, NULL}, {"NONE", 500, NULL}, {NULL, 0, NULL}};
	struct talk talk;

	share_open();
	talk = log_in();
	say_all(&talk, rows);
	talk_end(&talk);
	share_close();
}

CHECK_CASE(feat_names_what_works_and_tls_only_where_there_is_some)
{
	struct talk talk;

	share_open();
	talk = talk_to_share();
	CHECK_INT(say(&talk, "FEAT"), ==, 211);
	CHECK_STR(talk.reply, "211-What works here:\r\n"
			      " EPRT\r\n"
			      " EPSV\r\n"
			      " HASH SHA-256*\r\n"
			      " MDTM\r\n"
			      " MFMT\r\n"
			      " REST STREAM\r\n"
			      " SIZE\r\n"
			      " TVFS\r\n"
			      " UTF8\r\n"
			      " XSHA256\r\n"
			      " MLST type*;size*;modify*;perm*;unique*;UNIX.mode*;\r\n"
			      "211 End.\r\n");
	talk_end(&talk);
	share_close();
}

CHECK_CASE(files_are_hashed)
{
	struct talk talk;

	share_open();
	share_put("a b", "abc", 3);
	talk = log_in();
	CHECK_INT(say(&talk, "HASH a b"), ==, 213);
	CHECK_STR(talk.reply,
		"213 SHA-256 0-3 "
		"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad /a b\r\n");
	CHECK_INT(say(&talk, "XSHA256 a b"), ==, 250);
	CHECK_INT(say(&talk, "HASH none"), ==, 550);
	talk_end(&talk);
	share_close();
}

/* ---- Lists ----------------------------------------------------------------------------------- */

CHECK_CASE(a_folder_is_listed_in_four_ways)
{
	struct talk talk;

	share_open();
	CHECK_INT(mkdir(share_path("sub"), 0755), ==, 0);
	share_put("sub/b c.txt", "123", 3);
	talk = log_in();
	CHECK_INT(fetch(&talk, "LIST sub"), ==, 226);
	CHECK(strstr(talk.data, "-rw-r--r--   1 ftp      ftp                 3 "));
	CHECK(strstr(talk.data, " b c.txt\r\n"));
	CHECK_INT(fetch(&talk, "LIST -la sub"), ==, 226);
	CHECK(strstr(talk.data, " b c.txt\r\n"));
	CHECK_INT(fetch(&talk, "LIST -a"), ==, 226);
	CHECK(strncmp(talk.data, "drwxr-xr-x ", 11) == 0);
	CHECK_INT(fetch(&talk, "LIST sub/b c.txt"), ==, 226);
	CHECK(strstr(talk.data, " b c.txt\r\n"));
	CHECK_INT(fetch(&talk, "NLST sub"), ==, 226);
	CHECK_STR(talk.data, "sub/b c.txt\r\n");
	CHECK_INT(fetch(&talk, "MLSD sub"), ==, 226);
	CHECK(strncmp(talk.data, "type=file;size=3;modify=", 24) == 0);
	CHECK(strstr(talk.data, "UNIX.mode=0644; b c.txt\r\n"));
	CHECK_INT(fetch(&talk, "MLSD sub/b c.txt"), ==, 501);
	CHECK_INT(fetch(&talk, "MLSD none"), ==, 550);
	CHECK_INT(fetch(&talk, "LIST none"), ==, 550);
	talk_end(&talk);
	share_close();
}

CHECK_CASE(names_are_picked_by_patterns_in_their_last_part)
{
	struct talk talk;

	share_open();
	CHECK_INT(mkdir(share_path("sub"), 0755), ==, 0);
	share_put("sub/a.txt", "", 0);
	share_put("sub/b.c", "", 0);
	share_put("x*y", "", 0);
	talk = log_in();
	CHECK_INT(fetch(&talk, "NLST sub/*.txt"), ==, 226);
	CHECK_STR(talk.data, "sub/a.txt\r\n");
	CHECK_INT(fetch(&talk, "NLST s?b"), ==, 226);
	CHECK_STR(talk.data, "sub\r\n");
	CHECK_INT(fetch(&talk, "NLST *z"), ==, 226);
	CHECK_STR(talk.data, "");
	CHECK_INT(fetch(&talk, "NLST x*y"), ==, 226); /* there is such a name */
	CHECK_STR(talk.data, "x*y\r\n");
	CHECK_INT(fetch(&talk, "NLST */a.txt"), ==, 550);
	CHECK_INT(fetch(&talk, "LIST *****************"), ==, 553);
	talk_end(&talk);
	share_close();
}

CHECK_CASE(names_that_would_break_a_line_are_left_out)
{
	struct talk talk;

	share_open();
	share_put("a\r\nb", "", 0);
	share_put("\xff", "", 0);
	share_put("\xc3\xa4", "", 0);
	talk = log_in();
	CHECK_INT(fetch(&talk, "NLST"), ==, 226);
	CHECK_STR(talk.data, "\xc3\xa4\r\n");
	talk_end(&talk);
	share_close();
}

/* ---- Ends ------------------------------------------------------------------------------------ */

CHECK_CASE(who_is_silent_before_the_login_is_told_goodbye)
{
	struct talk early;

	share.options.login_timeout_ns = WEFT_MILLISECONDS(50);
	share_open();
	early = talk_to_share();
	CHECK_INT(hear(&early), ==, 421);
	CHECK_INT(hear(&early), ==, 0);
	weft_stream_free(early.control);
	share_close();
}

CHECK_CASE_IN_TIME(who_is_silent_is_told_goodbye_also_while_parked)
{
	struct talk talk;

	share.options.idle_timeout_ns = WEFT_MILLISECONDS(250) * check_stretch;
	share_open();
	talk = log_in();
	CHECK_INT(hear(&talk), ==, 421);
	CHECK_INT(hear(&talk), ==, 0);
	weft_stream_free(talk.control);
	share_close();
}

CHECK_CASE(a_parked_session_goes_on_where_it_was)
{
	struct talk talk;

	share_open();
	CHECK_INT(mkdir(share_path("sub"), 0755), ==, 0);
	share_put("sub/a", "a", 1);
	talk = log_in();
	CHECK_INT(say(&talk, "CWD sub"), ==, 250);
	weft_sleep(WEFT_MILLISECONDS(100));
	CHECK_INT(fetch(&talk, "RETR a"), ==, 226);
	weft_sleep(WEFT_MILLISECONDS(100));
	CHECK_INT(say(&talk, "PWD"), ==, 257);
	CHECK(heard(&talk, "\"/sub\""));
	talk_end(&talk);
	share_close();
}

CHECK_CASE(a_stop_tells_those_who_wait_and_those_who_are_parked)
{
	struct talk waiting, parked;

	share_open();
	parked = log_in();
	weft_sleep(WEFT_MILLISECONDS(100));
	waiting = log_in();
	weft_ftp_server_stop(share.server);
	CHECK_INT(hear(&waiting), ==, 421);
	CHECK_INT(hear(&waiting), ==, 0);
	CHECK_INT(hear(&parked), ==, 421);
	CHECK_INT(hear(&parked), ==, 0);
	weft_stream_free(waiting.control);
	weft_stream_free(parked.control);
	share_close();
}

CHECK_MAIN()
