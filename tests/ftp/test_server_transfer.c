/*
 * test_server_transfer.c - tests transfers of the FTP server: data connections, rates, what of an
 * upload stays.
 *
 * check: tsan drivers
 */
#include "uploads.h"

/* ---- Both ways ------------------------------------------------------------------------------- */

CHECK_CASE(files_of_all_sizes_go_both_ways)
{
	static const size_t sizes[] = {0, 1, 1447, 65535, 65536, 65537, 262144, LARGE};
	struct weft_ftp_counts counts;
	struct talk talk;
	char command[32];
	uint64_t sum = 0;

	share_open();
	talk = log_in();
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		snprintf(command, sizeof(command), "STOR f%zu", i);
		CHECK_INT(store(&talk, command, pattern(), sizes[i]), ==, 226);
		CHECK(share_has_pattern(command + 5, sizes[i]));
		memcpy(command, "RETR", 4);
		CHECK_INT(fetch(&talk, command), ==, 226);
		CHECK_INT(talk.len, ==, sizes[i]);
		CHECK_MEM(talk.data, pattern(), sizes[i]);
		sum += sizes[i];
	}
	weft_ftp_server_counts(share.server, &counts);
	CHECK_INT(counts.uploads, ==, 8);
	CHECK_INT(counts.downloads, ==, 8);
	CHECK_INT(counts.bytes_received, ==, sum);
	CHECK_INT(counts.bytes_sent, ==, sum);
	CHECK_INT(counts.transfers_failed, ==, 0);
	talk_end(&talk);
	share_close();
}

CHECK_CASE(text_has_its_line_ends_on_the_wire_and_none_of_them_on_the_disk)
{
	struct talk talk;

	share_open();
	share_put("unix", "a\nb\n", 4);
	share_put("dos", "a\r\nb\r\n", 6);
	talk = log_in();
	CHECK_INT(say(&talk, "TYPE A"), ==, 200);
	CHECK_INT(fetch(&talk, "RETR unix"), ==, 226);
	CHECK_STR(talk.data, "a\r\nb\r\n");
	CHECK_INT(fetch(&talk, "RETR dos"), ==, 226);
	CHECK_STR(talk.data, "a\r\r\nb\r\r\n");
	CHECK_INT(store(&talk, "STOR back", talk.data, talk.len), ==, 226);
	CHECK(share_has("back", "a\r\nb\r\n"));
	CHECK_INT(store(&talk, "STOR back", "a\r\nb\r", 5), ==, 226);
	CHECK(share_has("back", "a\nb\r"));
	CHECK_INT(say(&talk, "REST 2"), ==, 504);
	talk_end(&talk);
	share_close();
}

/* ---- Data connections ------------------------------------------------------------------------ */

CHECK_CASE(the_server_calls_where_port_and_eprt_say)
{
	static const char *const forms[] = {
		"PORT 127,0,0,1,%u,%u", "EPRT |1|127.0.0.1|%u|", "EPRT !1!127.0.0.1!%u!"};
	struct weft_listener *listener;
	struct weft_stream *data;
	struct talk talk;

	share_open();
	share_put("a", "abc", 3);
	talk = log_in();
	for (size_t i = 0; i < 3; i++) {
		char command[64];
		unsigned port;

		listener = weft_listener_new("127.0.0.1:0", NULL);
		CHECK(listener != NULL);
		port = weft_address_port(weft_listener_address(listener));
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
		if (i == 0)
			snprintf(command, sizeof(command), forms[i], port >> 8, port & 255);
		else
			snprintf(command, sizeof(command), forms[i], port);
#pragma GCC diagnostic pop
		CHECK_INT(say(&talk, "%s", command), ==, 200);
		CHECK_INT(say(&talk, "RETR a"), ==, 150);
		data = weft_listener_accept(listener);
		CHECK(data != NULL);
		read_data(&talk, data);
		CHECK_STR(talk.data, "abc");
		CHECK_INT(hear(&talk), ==, 226);
		weft_stream_free(data);
		weft_listener_free(listener);
	}
	talk_end(&talk);
	share_close();
}

CHECK_CASE(nobody_listens_where_port_says_is_425)
{
	/* A port that is somebody's, who does not listen. */
	struct sockaddr_in own = {.sin_family = AF_INET};
	socklen_t len = sizeof(own);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct talk talk;

	own.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	CHECK_INT(bind(fd, (struct sockaddr *)&own, sizeof(own)), ==, 0);
	CHECK_INT(getsockname(fd, (struct sockaddr *)&own, &len), ==, 0);
	share_open();
	share_put("a", "abc", 3);
	talk = log_in();
	CHECK_INT(say(&talk, "EPRT |1|127.0.0.1|%u|", ntohs(own.sin_port)), ==, 200);
	CHECK_INT(say(&talk, "RETR a"), ==, 425);
	CHECK_INT(say(&talk, "NOOP"), ==, 200);
	talk_end(&talk);
	close(fd);
	share_close();
}

CHECK_CASE(where_active_is_off_port_is_refused_and_feat_says_so)
{
	struct talk talk;

	share.options.no_active = true;
	share_open();
	talk = log_in();
	CHECK_INT(say(&talk, "PORT 127,0,0,1,40,1"), ==, 502);
	CHECK_INT(say(&talk, "EPRT |1|127.0.0.1|5000|"), ==, 502);
	CHECK_INT(say(&talk, "FEAT"), ==, 211);
	CHECK(!heard(&talk, "EPRT"));
	talk_end(&talk);
	share_close();
}

static unsigned passive_port(struct talk *talk)
{
	unsigned bytes[6];

	CHECK_INT(say(talk, "PASV"), ==, 227);
	CHECK_INT(sscanf(strchr(talk->reply, '('), "(%u,%u,%u,%u,%u,%u)", &bytes[0], &bytes[1],
			  &bytes[2], &bytes[3], &bytes[4], &bytes[5]),
		==, 6);
	/* The router's address is for who comes through it. */
	CHECK_INT(bytes[0], ==, 127);
	return bytes[4] << 8 | bytes[5];
}

CHECK_CASE(passive_ports_are_of_the_range_and_run_out)
{
	struct talk talks[3];
	unsigned low = 20000 + (unsigned)getpid() % 12000, ports[2];

	share.options.passive_low = (uint16_t)low;
	share.options.passive_high = (uint16_t)(low + 1);
	share.options.public_address = "192.0.2.7";
	share_open();
	for (size_t i = 0; i < 3; i++)
		talks[i] = log_in();
	/* Somebody else may have one of the two. */
	if (say(&talks[0], "EPSV") != 229 || say(&talks[1], "EPSV") != 229)
		check_skip("the ports are taken");
	CHECK_INT(say(&talks[2], "EPSV"), ==, 425);
	CHECK_INT(say(&talks[2], "PASV"), ==, 425);
	CHECK_INT(say(&talks[2], "NOOP"), ==, 200);
	ports[0] = passive_port(&talks[0]); /* it gives back what it has first */
	ports[1] = passive_port(&talks[1]);
	CHECK(ports[0] != ports[1]);
	CHECK_INT(ports[0] - low, <, 2);
	CHECK_INT(ports[1] - low, <, 2);
	talk_end(&talks[0]);
	while (say(&talks[2], "EPSV") == 425) /* it is told goodbye a moment before it is gone */
		;
	CHECK_INT(passive_port(&talks[2]), ==, ports[0]);
	talk_end(&talks[1]);
	talk_end(&talks[2]);
	share_close();
}

/* ---- Going on -------------------------------------------------------------------------------- */

CHECK_CASE(a_download_goes_on_where_rest_says_once)
{
	struct talk talk;

	share_open();
	share_put("a", "0123456789", 10);
	talk = log_in();
	CHECK_INT(say(&talk, "REST 7"), ==, 350);
	CHECK_INT(fetch(&talk, "RETR a"), ==, 226);
	CHECK_STR(talk.data, "789");
	CHECK_INT(fetch(&talk, "RETR a"), ==, 226);
	CHECK_STR(talk.data, "0123456789");
	CHECK_INT(say(&talk, "REST 10"), ==, 350);
	CHECK_INT(fetch(&talk, "RETR a"), ==, 226);
	CHECK_STR(talk.data, "");
	CHECK_INT(say(&talk, "REST 11"), ==, 350);
	CHECK_INT(fetch(&talk, "RETR a"), ==, 554);
	talk_end(&talk);
	share_close();
}

CHECK_CASE(stor_appe_and_stou_put_bytes_where_they_say)
{
	struct talk talk;
	char name[64];

	share_open();
	talk = log_in();
	CHECK_INT(store(&talk, "APPE a", "01", 2), ==, 226);
	CHECK_INT(store(&talk, "APPE a", "2345", 4), ==, 226);
	CHECK(share_has("a", "012345"));
	CHECK_INT(say(&talk, "REST 3"), ==, 350);
	CHECK_INT(store(&talk, "STOR a", "xy", 2), ==, 226);
	CHECK(share_has("a", "012xy"));
	CHECK_INT(say(&talk, "REST 6"), ==, 350);
	CHECK_INT(store(&talk, "STOR a", "x", 1), ==, 554);
	CHECK_INT(say(&talk, "REST 1"), ==, 350);
	CHECK_INT(store(&talk, "STOR none", "x", 1), ==, 554);
	CHECK(share_has("a", "012xy"));
	CHECK_INT(store(&talk, "STOR a", "new", 3), ==, 226);
	CHECK(share_has("a", "new"));
	CHECK_INT(store(&talk, "STOR none/a", "x", 1), ==, 550);
	CHECK_INT(store(&talk, "STOR ..", "x", 1), ==, 553);
	{
		struct weft_stream *data = call_data(&talk);

		CHECK_INT(say(&talk, "STOU a"), ==, 150);
		CHECK_INT(sscanf(talk.reply, "150 FILE: %63s", name), ==, 1);
		CHECK_INT(weft_stream_write_all(data, "u", 1), ==, 0);
		CHECK_INT(weft_stream_shutdown_write(data), ==, 0);
		CHECK_INT(hear(&talk), ==, 226);
		weft_stream_free(data);
	}
	CHECK(strcmp(name, "a") != 0);
	CHECK(share_has(name, "u"));
	CHECK(share_has("a", "new"));
	CHECK_INT(count_names(), ==, 2);
	talk_end(&talk);
	share_close();
}

CHECK_CASE(an_upload_that_breaks_shows_nowhere_and_can_be_gone_on_with)
{
	struct talk talk;

	share_open();
	talk = log_in();
	reset(begin_upload(&talk, "STOR a", 200000));
	CHECK_INT(hear(&talk), ==, 426);
	CHECK(heard(&talk, "kept"));
	CHECK_INT(count_names(), ==, 0);
	CHECK_INT(fetch(&talk, "RETR a"), ==, 550);
	CHECK_INT(fetch(&talk, "NLST"), ==, 226);
	CHECK_STR(talk.data, "");
	CHECK_INT(say(&talk, "SIZE a"), ==, 213);
	CHECK_STR(talk.reply, "213 200000\r\n");
	/* As `curl -C -` does it, and is interrupted once more. */
	reset(({
		struct weft_stream *data = call_data(&talk);

		CHECK_INT(say(&talk, "APPE a"), ==, 150);
		CHECK_INT(weft_stream_write_all(data, pattern() + 200000, 50000), ==, 0);
		CHECK_INT(weft_stream_flush(data), ==, 0);
		do
			CHECK_INT(say(&talk, "STAT"), ==, 213);
		while (!heard(&talk, "213 50000 "));
		data;
	}));
	CHECK_INT(hear(&talk), ==, 426);
	CHECK_INT(say(&talk, "SIZE a"), ==, 213);
	CHECK_STR(talk.reply, "213 250000\r\n");
	/* As lftp does it, which begins where it thinks right. */
	CHECK_INT(say(&talk, "REST 240000"), ==, 350);
	CHECK_INT(store(&talk, "STOR a", pattern() + 240000, LARGE - 240000), ==, 226);
	CHECK(share_has_pattern("a", LARGE));
	CHECK_INT(count_names(), ==, 1);
	talk_end(&talk);
	share_close();
}

CHECK_CASE(a_file_stays_as_it_was_under_an_upload_that_breaks)
{
	struct talk talk;

	share_open();
	share_put("a", "old content", 11);
	talk = log_in();
	reset(begin_upload(&talk, "STOR a", 100000));
	CHECK_INT(hear(&talk), ==, 426);
	CHECK(share_has("a", "old content"));
	CHECK_INT(say(&talk, "SIZE a"), ==, 213);
	CHECK_STR(talk.reply, "213 11\r\n"); /* of what RETR would send */
	/* Neither of these may mix the old file with the new one. */
	CHECK_INT(store(&talk, "APPE a", "x", 1), ==, 553);
	CHECK_INT(say(&talk, "REST 100001"), ==, 350);
	CHECK_INT(store(&talk, "STOR a", "x", 1), ==, 554);
	CHECK(share_has("a", "old content"));
	CHECK_INT(say(&talk, "REST 11"), ==, 350);
	CHECK_INT(store(&talk, "STOR a", pattern() + 11, LARGE - 11), ==, 226);
	CHECK(share_has_pattern("a", LARGE));
	talk_end(&talk);
	share_close();
}

CHECK_CASE(what_was_kept_goes_with_a_new_upload_or_with_dele)
{
	struct talk talk;

	share_open();
	talk = log_in();
	reset(begin_upload(&talk, "STOR a", 100000));
	CHECK_INT(hear(&talk), ==, 426);
	CHECK_INT(store(&talk, "STOR a", "new", 3), ==, 226);
	CHECK(share_has("a", "new"));
	CHECK_INT(store(&talk, "APPE a", "er", 2), ==, 226);
	CHECK(share_has("a", "newer"));
	reset(begin_upload(&talk, "STOR b", 100000));
	CHECK_INT(hear(&talk), ==, 426);
	CHECK_INT(say(&talk, "SIZE b"), ==, 213);
	CHECK_INT(say(&talk, "DELE b"), ==, 250);
	CHECK_INT(say(&talk, "SIZE b"), ==, 550);
	CHECK_INT(say(&talk, "DELE b"), ==, 550);
	talk_end(&talk);
	share_close();
}

CHECK_CASE(short_uploads_text_and_appends_that_break_are_not_kept)
{
	struct talk talk;

	share_open();
	share_put("log", "1\n", 2);
	talk = log_in();
	reset(begin_upload(&talk, "STOR a", 1000));
	CHECK_INT(hear(&talk), ==, 426);
	CHECK(!heard(&talk, "kept"));
	CHECK_INT(say(&talk, "SIZE a"), ==, 550);
	reset(begin_upload(&talk, "APPE log", 100000));
	CHECK_INT(hear(&talk), ==, 426);
	CHECK(share_has("log", "1\n"));
	CHECK_INT(store(&talk, "APPE log", "2\n", 2), ==, 226);
	CHECK(share_has("log", "1\n2\n"));
	CHECK_INT(say(&talk, "TYPE A"), ==, 200);
	reset(begin_upload(&talk, "STOR b", 100000));
	CHECK_INT(hear(&talk), ==, 426);
	CHECK(!heard(&talk, "kept"));
	talk_end(&talk);
	share_close();
}

/* ---- Rates
 * ---------------------------------------------------------------------------------------
 */

/* Two at a time, that are none too fast each. */
static void share_rate(void)
{
	struct weft_stream *first_data, *second_data;
	struct talk first, second;
	int64_t begun_ns;

	share_open();
	share_put("a", pattern(), LARGE);
	first = log_in();
	second = log_in();
	first_data = call_data(&first);
	second_data = call_data(&second);
	begun_ns = weft_now();
	CHECK_INT(say(&first, "RETR a"), ==, 150);
	CHECK_INT(say(&second, "RETR a"), ==, 150);
	read_data(&first, first_data);
	read_data(&second, second_data);
	CHECK_INT(hear(&first), ==, 226);
	CHECK_INT(hear(&second), ==, 226);
	CHECK_INT(first.len + second.len, ==, 2 * LARGE);
	CHECK_INT(weft_now() - begun_ns, >, WEFT_MILLISECONDS(80));
	weft_stream_free(first_data);
	weft_stream_free(second_data);
	talk_end(&first);
	talk_end(&second);
	share_close();
}

CHECK_CASE(all_transfers_of_an_address_are_no_faster_together_than_they_may_be)
{
	share.options.rate_per_client = 3000000;
	share_rate();
}

CHECK_CASE(nor_are_those_of_a_name)
{
	share.options.rate_per_user = 3000000;
	share_rate();
}

CHECK_CASE(a_transfer_is_no_faster_than_it_may_be)
{
	int64_t begun_ns, took_ns;
	struct talk talk;

	share.options.download_rate = 2000000;
	share.options.upload_rate = 2000000;
	share_open();
	share_put("a", pattern(), LARGE);
	talk = log_in();
	begun_ns = weft_now();
	CHECK_INT(fetch(&talk, "RETR a"), ==, 226);
	took_ns = weft_now() - begun_ns;
	CHECK_INT(talk.len, ==, LARGE);
	CHECK_INT(took_ns, >, WEFT_MILLISECONDS(30));
	begun_ns = weft_now();
	CHECK_INT(store(&talk, "STOR b", pattern(), LARGE), ==, 226);
	took_ns = weft_now() - begun_ns;
	CHECK_INT(took_ns, >, WEFT_MILLISECONDS(30));
	talk_end(&talk);
	share_close();
}

/* ---- Rights, and the log --------------------------------------------------------------------- */

/* What is sent into a connection that the server has closed resets it: nobody reads the reply. */
CHECK_CASE(an_upload_for_which_there_is_no_room_is_told_so_and_not_reset)
{
	static const char zeros[16384];
	struct weft_stream *data;
	struct talk talk;
	bool is_open = true;

	share.files_options.file_max = 100000;
	share_open();
	talk = log_in();
	data = call_data(&talk);
	CHECK_INT(say(&talk, "STOR a"), ==, 150);
	CHECK_INT(weft_stream_write_all(data, pattern(), LARGE), ==, 0);
	CHECK_INT(weft_stream_flush(data), ==, 0);
	CHECK_INT(hear(&talk), ==, 552); /* whoever looks is told while he sends */
	for (int i = 0; i < 1000; i++)
		CHECK_INT(weft_stream_write_all(data, zeros, sizeof(zeros)), ==, 0);
	CHECK_INT(weft_stream_shutdown_write(data), ==, 0);
	CHECK_INT(say(&talk, "SIZE a"), ==, 550);
	weft_stream_free(data);
	/* But not for ever. */
	data = call_data(&talk);
	CHECK_INT(say(&talk, "STOR a"), ==, 150);
	for (int64_t sent = 0; sent < 2 * WEFT__FTPD_DRAIN_MAX && is_open; sent += sizeof(zeros))
		is_open = weft_stream_write_all(data, zeros, sizeof(zeros)) == 0;
	CHECK(!is_open);
	CHECK_INT(hear(&talk), ==, 552);
	weft_stream_free(data);
	CHECK_INT(count_names(), ==, 0);
	talk_end(&talk);
	share_close();
}

CHECK_CASE(who_may_not_replace_adds_only)
{
	struct talk talk;

	share.rights = WEFT_FILES_READ | WEFT_FILES_LIST | WEFT_FILES_WRITE;
	share_open();
	share_put("a", "old", 3);
	talk = log_in();
	CHECK_INT(store(&talk, "STOR b", "b", 1), ==, 226);
	CHECK_INT(store(&talk, "STOR a", "new", 3), ==, 550);
	CHECK_INT(store(&talk, "APPE a", "new", 3), ==, 550);
	CHECK_INT(say(&talk, "DELE a"), ==, 550);
	CHECK(share_has("a", "old"));
	talk_end(&talk);
	share_close();
}

/* A line that ends so, behind how many seconds it took: as many as the case has taken, at most. */
static bool log_has(const char *text, const char *rest, time_t began)
{
	const char *at = strstr(text, rest);
	const char *digits = at;

	while (digits && digits > text && digits[-1] >= '0' && digits[-1] <= '9')
		digits--;
	return at && digits < at && digits > text && digits[-1] == ' ' &&
	       strtol(digits, NULL, 10) <= time(NULL) - began + 1;
}

CHECK_CASE(every_file_that_goes_has_its_line_in_the_log)
{
	static char log_path[64], text[4096];
	const time_t began = time(NULL);
	struct talk talk;
	size_t len;
	FILE *file;

	snprintf(log_path, sizeof(log_path), "/tmp/weft-ftp-log-%d", (int)getpid());
	unlink(log_path); /* of one that died */
	share.options.log = weft_ftp_log_new(log_path);
	CHECK(share.options.log != NULL);
	share_open();
	talk = log_in();
	CHECK_INT(store(&talk, "STOR a b", "123", 3), ==, 226);
	CHECK_INT(say(&talk, "TYPE A"), ==, 200);
	CHECK_INT(fetch(&talk, "RETR a b"), ==, 226);
	CHECK_INT(fetch(&talk, "NLST"), ==, 226); /* is none */
	reset(begin_upload(&talk, "STOR c", 1000));
	CHECK_INT(hear(&talk), ==, 426);
	talk_end(&talk);
	share_close();
	CHECK_INT(weft_ftp_log_reopen(share.options.log), ==, 0);
	weft_ftp_log_free(share.options.log);
	file = fopen(log_path, "r");
	CHECK(file != NULL);
	len = fread(text, 1, sizeof(text) - 1, file);
	fclose(file);
	unlink(log_path);
	CHECK_INT(len, >, 0);
	CHECK(log_has(text, " 127.0.0.1 3 /a_b b _ i r anna ftp 0 * c\n", began));
	CHECK(log_has(text, " 127.0.0.1 3 /a_b a _ o r anna ftp 0 * c\n", began));
	CHECK(log_has(text, " 127.0.0.1 1000 /c a _ i r anna ftp 0 * i\n", began));
	CHECK(!strstr(text, "LIST"));
	weft_ftp_log_free(NULL);
	CHECK_ERRNO(weft_ftp_log_new("/nowhere/at/all"), ENOENT);
}

CHECK_MAIN()
