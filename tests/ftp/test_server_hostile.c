/*
 * test_server_hostile.c - what enemies send to the FTP server, and what they get.
 *
 * check: tsan drivers
 */
#include "share.h"

/* What is sent is one write; the codes are those of the replies, and what follows the last. */
struct attack {
	const char *bytes;
	size_t len;        /* 0: strlen(3) */
	const char *codes; /* "500 421 end": end is the connection's, "on" that it goes on */
	bool is_logged_in;
};

static const struct attack attacks[] = {
	/* Browsers that a page has sent here. */
	{"GET / HTTP/1.1\r\nHost: a\r\nUSER anna\r\n\r\n", 0, "421 end", false},
	{"POST / HTTP/1.1\r\nContent-Type: text/plain\r\n\r\nUSER anna\r\nPASS secret\r\n", 0,
		"421 end", false},
	{"PUT /x HTTP/1.1\r\n", 0, "421 end", true},
	{"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 0, "421 end", false},
	/* Two lines in one. */
	{"CWD a\rDELE b\r\n", 0, "501 on", true},
	{"CWD a\0b\r\n", 9, "501 on", true},
	{"MKD a\xff\xff\r\n", 0, "553 on", true},
	{"MKD a\x01\r\n", 0, "553 on", true},
	{"MKD \xc0\xae\xc0\xae\r\n", 0, "553 on", true},
	{"USER \x1b[2J\r\n", 0, "501 on", false},
	/* Out of the folder. */
	{"CWD ../../../../etc\r\n", 0, "550 on", true},
	{"STAT /../../etc/passwd\r\n", 0, "550 on", true},
	{"SIZE ..\r\n", 0, "550 on", true},
	{"RNFR /..\r\nRNTO a\r\n", 0, "550 503 on", true},
	{"RMD /\r\n", 0, "550 on", true},
	{"DELE /\r\n", 0, "550 on", true},
	/* Bounce: other hosts, other people's ports, what is no address. */
	{"PORT 192,0,2,7,4,1\r\n", 0, "504 on", true},
	{"PORT 127,0,0,2,4,1\r\n", 0, "504 on", true},
	{"PORT 127,0,0,1,0,25\r\n", 0, "504 on", true},
	{"PORT 127,0,0,1,3,255\r\n", 0, "504 on", true},
	{"PORT 127,0,0,1,256,1\r\n", 0, "501 on", true},
	{"PORT 127,0,0,1,4\r\n", 0, "501 on", true},
	{"PORT 127,0,0,1,4,1,1\r\n", 0, "501 on", true},
	{"PORT 127,0,0,1,4,-1\r\n", 0, "501 on", true},
	{"PORT 127,0,0,0000001,4,1\r\n", 0, "501 on", true},
	{"EPRT |1|192.0.2.7|5000|\r\n", 0, "504 on", true},
	{"EPRT |1|127.0.0.1|22|\r\n", 0, "504 on", true},
	{"EPRT |2|::1|5000|\r\n", 0, "504 on", true},
	{"EPRT |2|::ffff:192.0.2.7|5000|\r\n", 0, "504 on", true},
	{"EPRT |1|127.0.0.1|65536|\r\n", 0, "501 on", true},
	{"EPRT |1|localhost|5000|\r\n", 0, "501 on", true},
	{"EPRT |3|a|5000|\r\n", 0, "522 on", true},
	{"EPRT |1|127.0.0.1|5000\r\n", 0, "501 on", true},
	{"EPRT ||||\r\n", 0, "501 on", true},
	{"EPSV 2\r\n", 0, "522 on", true},
	{"EPSV ALL\r\nPORT 127,0,0,1,40,1\r\nPASV\r\n", 0, "200 503 503 on", true},
	{"EPRT |2|::ffff:127.0.0.1|5000|\r\n", 0, "200 on", true}, /* himself, spelled oddly */
	/* Data without a data connection. */
	{"RETR a\r\n", 0, "550 on", true},
	{"STOR a\r\n", 0, "425 on", true},
	{"LIST\r\n", 0, "425 on", true},
	/* Lists that would work for ever. */
	{"LIST -R\r\n", 0, "425 on", true},
	{"LIST */../*/../*/../*\r\n", 0, "550 on", true},
	{"LIST {a,b}{a,b}\r\n", 0, "550 on", true},
	{"STAT ****************************\r\n", 0, "553 on", true},
	{"STAT ~\r\n", 0, "550 on", true},
	/* Nobody has logged in. */
	{"PASV\r\nSTAT /\r\nHASH a\r\nSITE HELP\r\n", 0, "530 530 530 530 on", false},
	{"REST 1\r\nABOR\r\nMLST\r\n", 0, "530 530 530 on", false},
	/* Numbers. */
	{"REST 18446744073709551616\r\n", 0, "501 on", true},
	{"REST 0x10\r\n", 0, "501 on", true},
	{"SIZE %n%n%n\r\n", 0, "550 on", true},
};

static void carry_out(const struct attack *attack)
{
	struct talk talk = attack->is_logged_in ? log_in() : talk_to_share();
	const char *codes = attack->codes;
	size_t len = attack->len ? attack->len : strlen(attack->bytes);

	send_bytes(&talk, attack->bytes, len);
	for (; *codes >= '0' && *codes <= '9'; codes += 4) {
		int code = hear(&talk), expected = (int)strtol(codes, NULL, 10);

		if (code != expected)
			check_fail(__FILE__, __LINE__, "%s: %d, not %d: %s", attack->bytes, code,
				expected, talk.reply);
	}
	if (strcmp(codes, "on") == 0) {
		if (say(&talk, "NOOP") != 200)
			check_fail(__FILE__, __LINE__, "%s: it does not go on", attack->bytes);
	} else if (hear(&talk) != 0) {
		check_fail(__FILE__, __LINE__, "%s: it goes on", attack->bytes);
	}
	weft_stream_free(talk.control);
}

CHECK_CASE(each_attack_gets_its_answer_and_the_server_goes_on)
{
	struct talk talk;
	DIR *folder;
	int count = 0;

	share_open();
	for (size_t i = 0; i < sizeof(attacks) / sizeof(attacks[0]); i++)
		carry_out(&attacks[i]);
	talk = log_in();
	CHECK_INT(store(&talk, "STOR a", "a", 1), ==, 226);
	talk_end(&talk);
	folder = opendir(share.dir);
	CHECK(folder != NULL);
	for (const struct dirent *entry; (entry = readdir(folder)) != NULL;)
		count += entry->d_name[0] != '.';
	closedir(folder);
	CHECK_INT(count, ==, 1); /* nothing was made by any of them */
	share_close();
}

CHECK_CASE(a_line_that_is_too_long_is_dropped_and_one_without_end_ends)
{
	static char bytes[WEFT__FTPD_LINE_DROP_MAX + 16384];
	struct talk talk;

	share_open();
	talk = log_in();
	memset(bytes, 'a', sizeof(bytes));
	memcpy(bytes, "RETR ", 5);
	send_bytes(&talk, bytes, 20000);
	CHECK_INT(say(&talk, "QUIT"), ==, 500); /* of the long line, whose end that was */
	CHECK_INT(say(&talk, "NOOP"), ==, 200);
	(void)weft_stream_write_all(talk.control, bytes, sizeof(bytes));
	(void)weft_stream_flush(talk.control);
	/* What it did not read may have reset the connection before. */
	if (hear(&talk) != 0)
		CHECK(heard(&talk, "421 That line has no end."));
	CHECK_INT(hear(&talk), ==, 0);
	weft_stream_free(talk.control);
	share_close();
}

CHECK_CASE(nonsense_is_borne_for_a_while)
{
	struct talk talk;
	int code = 500;

	share_open();
	talk = log_in();
	for (int i = 1; i < WEFT__FTPD_UNKNOWN_MAX; i++)
		CHECK_INT(say(&talk, "NONSENSE"), ==, 500);
	CHECK_INT(say(&talk, "NOOP"), ==, 200); /* and is forgotten by sense */
	for (int i = 0; i < WEFT__FTPD_UNKNOWN_MAX; i++)
		code = say(&talk, "\xff\xf4\x16\x03\x01%c", i % 2 ? 'a' : '\r');
	CHECK(code == 421 || code == 501);
	CHECK_INT(hear(&talk), ==, 0);
	weft_stream_free(talk.control);
	share_close();
}

CHECK_CASE(who_does_not_log_in_has_so_many_commands)
{
	struct talk talk;

	share_open();
	talk = talk_to_share();
	for (int i = 0; i < WEFT__FTPD_EARLY_MAX; i++)
		CHECK_INT(say(&talk, i % 2 ? "NOOP" : "USER anna"), ==, i % 2 ? 200 : 331);
	CHECK_INT(say(&talk, "NOOP"), ==, 421);
	CHECK_INT(hear(&talk), ==, 0);
	weft_stream_free(talk.control);
	share_close();
}

CHECK_CASE(one_address_may_fail_so_often)
{
	struct talk talk;
	int code = 0;

	share_open();
	for (unsigned i = 0; i <= WEFT__FTPD_FAILURES_BURST; i++) {
		talk = talk_to_share();
		CHECK_INT(say(&talk, "USER user%u", i), ==, 331);
		code = say(&talk, "PASS guess");
		CHECK_INT(code, ==, i < WEFT__FTPD_FAILURES_BURST ? 530 : 421);
		weft_stream_free(talk.control);
	}
	share_close();
}

CHECK_CASE(a_flood_of_commands_is_answered_in_order)
{
	enum { COUNT = 2000 };
	struct talk talk;
	char *bytes = malloc(COUNT * 6);

	share_open();
	talk = log_in();
	for (size_t i = 0; i < COUNT; i++)
		memcpy(bytes + 6 * i, i == COUNT - 1 ? "SYST\r\n" : "NOOP\r\n", 6);
	send_bytes(&talk, bytes, (size_t)COUNT * 6);
	for (size_t i = 0; i < COUNT - 1; i++)
		CHECK_INT(hear(&talk), ==, 200);
	CHECK_INT(hear(&talk), ==, 215);
	free(bytes);
	talk_end(&talk);
	share_close();
}

/* ---- Strangers at the data port -------------------------------------------------------------- */

/* A connection from another address of this machine. */
static int call_from(const char *own, unsigned port)
{
	struct sockaddr_in from = {.sin_family = AF_INET}, to = {.sin_family = AF_INET};
	struct weft_address address;
	const struct timeval at_most = {.tv_sec = 60};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	CHECK(fd >= 0);
	CHECK_INT(setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &at_most, sizeof(at_most)), ==, 0);
	CHECK_INT(weft_address_parse(&address, own), ==, 0);
	from.sin_addr = address.in.sin_addr;
	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	to.sin_port = htons((uint16_t)port);
	CHECK_INT(bind(fd, (struct sockaddr *)&from, sizeof(from)), ==, 0);
	CHECK_INT(connect(fd, (struct sockaddr *)&to, sizeof(to)), ==, 0);
	return fd;
}

CHECK_CASE(a_stranger_at_the_data_port_gets_nothing_and_keeps_nobody_out)
{
	char address[64], byte;
	struct weft_stream *data;
	struct talk talk;
	unsigned port;
	int stranger;

	share_open();
	share_put("a", "secret", 6);
	talk = log_in();
	CHECK_INT(say(&talk, "EPSV"), ==, 229);
	CHECK_INT(sscanf(strchr(talk.reply, '('), "(|||%u|)", &port), ==, 1);
	stranger = call_from("127.0.0.9:0", port);
	snprintf(address, sizeof(address), "127.0.0.1:%u", port);
	data = weft_stream_connect(address);
	CHECK(data != NULL);
	CHECK_INT(say(&talk, "RETR a"), ==, 150);
	CHECK_INT(hear(&talk), ==, 226);
	read_data(&talk, data);
	CHECK_STR(talk.data, "secret");
	CHECK_INT(read(stranger, &byte, 1), <=, 0);
	close(stranger);
	weft_stream_free(data);
	talk_end(&talk);
	share_close();
}

/* Most clients call before they say what for: whoever is there by then waits beside them. */
CHECK_CASE(nor_do_many_strangers_who_were_there_first)
{
	int strangers[40];
	char address[64];
	struct weft_stream *data;
	struct talk talk;
	unsigned port;

	share_open();
	share_put("a", "secret", 6);
	talk = log_in();
	CHECK_INT(say(&talk, "EPSV"), ==, 229);
	CHECK_INT(sscanf(strchr(talk.reply, '('), "(|||%u|)", &port), ==, 1);
	for (size_t i = 0; i < 40; i++)
		strangers[i] = call_from("127.0.0.9:0", port);
	snprintf(address, sizeof(address), "127.0.0.1:%u", port);
	data = weft_stream_connect(address);
	CHECK(data != NULL);
	CHECK_INT(say(&talk, "RETR a"), ==, 150);
	CHECK_INT(hear(&talk), ==, 226);
	read_data(&talk, data);
	CHECK_STR(talk.data, "secret");
	for (size_t i = 0; i < 40; i++)
		close(strangers[i]);
	weft_stream_free(data);
	talk_end(&talk);
	share_close();
}

CHECK_CASE(only_strangers_at_the_data_port_are_425)
{
	struct talk talk;
	unsigned port;
	int stranger;

	share.options.connect_timeout_ns = WEFT_MILLISECONDS(100);
	share_open();
	share_put("a", "secret", 6);
	talk = log_in();
	CHECK_INT(say(&talk, "EPSV"), ==, 229);
	CHECK_INT(sscanf(strchr(talk.reply, '('), "(|||%u|)", &port), ==, 1);
	stranger = call_from("127.0.0.9:0", port);
	CHECK_INT(say(&talk, "RETR a"), ==, 425);
	close(stranger);
	/* The port went with the command. */
	CHECK_INT(say(&talk, "RETR a"), ==, 425);
	CHECK(heard(&talk, "PASV"));
	talk_end(&talk);
	share_close();
}

CHECK_MAIN()
