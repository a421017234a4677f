/*
 * test_server_watch.c - tests the control connection while data flows, or is waited for: ABOR,
 * other commands, the client's end, the server's stop.
 *
 * check: tsan drivers
 */
#include "uploads.h"

#include <linux/filter.h>
#include <netinet/tcp.h>

/* ---- ABOR ------------------------------------------------------------------------------------ */

CHECK_CASE(abor_ends_an_upload_also_with_telnet_before_it)
{
	struct weft_stream *data;
	struct talk talk;

	share_open();
	talk = log_in();
	data = begin_upload(&talk, "STOR a", 1000);
	send_bytes(&talk, "\xff\xf4\xff", 3);
	/* The DM is urgent, as clients send it. */
	CHECK_INT(send(weft_stream_fd(talk.control), "\xf2", 1, MSG_OOB), ==, 1);
	send_bytes(&talk, "ABOR\r\n", 6);
	CHECK_INT(hear(&talk), ==, 426);
	CHECK_INT(hear(&talk), ==, 226);
	weft_stream_free(data);
	CHECK_INT(count_names(), ==, 0);
	CHECK_INT(say(&talk, "NOOP"), ==, 200);
	CHECK_INT(store(&talk, "STOR a", "a", 1), ==, 226);
	talk_end(&talk);
	share_close();
}

CHECK_CASE(abor_ends_a_download_that_nobody_reads_and_what_stands_before_it_is_answered)
{
	struct weft_stream *data;
	struct talk talk;

	share_open();
	put_endless("a");
	talk = log_in();
	data = call_data(&talk);
	CHECK_INT(say(&talk, "RETR a"), ==, 150);
	CHECK_INT(say(&talk, "STAT"), ==, 213);
	send_bytes(&talk, "SYST\r\nABOR\r\nPWD\r\n", 17);
	CHECK_INT(hear(&talk), ==, 426);
	CHECK_INT(hear(&talk), ==, 215);
	CHECK_INT(hear(&talk), ==, 226);
	CHECK_INT(hear(&talk), ==, 257);
	weft_stream_free(data);
	talk_end(&talk);
	share_close();
}

/* ---- While a data connection is being made --------------------------------------------------- */

/* A port at which nobody is answered: its queue is full. *ret_fds are to be closed. */
static unsigned deaf_port(int ret_fds[3])
{
	struct sockaddr_in own = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(own);

	for (size_t i = 0; i < 3; i++)
		ret_fds[i] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	CHECK_INT(bind(ret_fds[0], (struct sockaddr *)&own, len), ==, 0);
	CHECK_INT(listen(ret_fds[0], 0), ==, 0);
	CHECK_INT(getsockname(ret_fds[0], (struct sockaddr *)&own, &len), ==, 0);
	for (size_t i = 1; i < 3; i++)
		(void)connect(ret_fds[i], (struct sockaddr *)&own, len);
	return ntohs(own.sin_port);
}

CHECK_CASE(abor_ends_waiting_for_a_data_connection_and_so_does_the_end)
{
	struct weft_ftp_counts counts;
	struct talk talk;
	int fds[3];

	share.options.connect_timeout_ns = WEFT_SECONDS(3600);
	share_open();
	talk = log_in();
	CHECK_INT(say(&talk, "EPSV"), ==, 229); /* and does not call */
	CHECK_INT(say(&talk, "STOR a\r\nSYST\r\nABOR"), ==, 426);
	CHECK_INT(hear(&talk), ==, 215);
	CHECK_INT(hear(&talk), ==, 226);
	CHECK_INT(say(&talk, "EPRT |1|127.0.0.1|%u|", deaf_port(fds)), ==, 200);
	CHECK_INT(say(&talk, "STOR a\r\nABOR"), ==, 426);
	CHECK_INT(hear(&talk), ==, 226);
	CHECK_INT(say(&talk, "NOOP"), ==, 200);
	CHECK_INT(say(&talk, "EPSV"), ==, 229);
	send_bytes(&talk, "STOR a\r\n", 8);
	weft_stream_free(talk.control);
	do
		weft_ftp_server_counts(share.server, &counts);
	while (counts.sessions > 0);
	CHECK_INT(counts.transfers_failed, ==, 3);
	CHECK_INT(count_names(), ==, 0);
	for (size_t i = 0; i < 3; i++)
		close(fds[i]);
	share_close();
}

CHECK_CASE(nor_is_a_large_file_hashed_for_somebody_who_is_gone)
{
	struct weft_ftp_counts counts;
	struct talk talk;

	share_open();
	put_endless("a");
	talk = log_in();
	send_bytes(&talk, "HASH a\r\n", 8);
	weft_sleep(WEFT_MILLISECONDS(5));
	weft_stream_free(talk.control);
	do {
		weft_sleep(WEFT_MILLISECONDS(1));
		weft_ftp_server_counts(share.server, &counts);
	} while (counts.sessions > 0);
	share_close();
}

/* ---- Other commands meanwhile ---------------------------------------------------------------- */

static void send_often(struct talk *talk, const char *line, size_t count)
{
	size_t len = strlen(line);
	char *bytes = malloc(len * count);

	CHECK(bytes != NULL);
	for (size_t i = 0; i < count; i++)
		memcpy(bytes + i * len, line, len);
	send_bytes(talk, bytes, len * count);
	free(bytes);
}

/* As clients do that want the connection to be remembered, once a second, say, for an hour. */
CHECK_CASE(noops_are_answered_behind_the_transfer_however_many)
{
	enum { COUNT = 3500 }; /* more than the buffer holds */
	struct weft_stream *data;
	struct talk talk;

	share_open();
	talk = log_in();
	data = begin_upload(&talk, "STOR a", 1000);
	send_often(&talk, "NOOP\r\n", COUNT);
	CHECK_INT(weft_stream_shutdown_write(data), ==, 0);
	CHECK_INT(hear(&talk), ==, 226);
	for (int i = 0; i < COUNT; i++)
		CHECK_INT(hear(&talk), ==, 200);
	weft_stream_free(data);
	CHECK(share_has_pattern("a", 1000));
	data = begin_upload(&talk, "STOR b", 1000);
	send_bytes(&talk, "NOOP\r\nSTAT\r\nABOR\r\n", 18);
	CHECK_INT(hear(&talk), ==, 426);
	CHECK_INT(hear(&talk), ==, 200);
	CHECK_INT(hear(&talk), ==, 211);
	CHECK_INT(hear(&talk), ==, 226);
	weft_stream_free(data);
	talk_end(&talk);
	share_close();
}

/* If it waited there for the upload's end, the client's own end would not be seen. */
CHECK_CASE(more_commands_than_can_be_kept_end_a_transfer)
{
	enum { COUNT = WEFT_STREAM_BUFFER_SIZE / 6 + 1 };
	struct weft_stream *data;
	struct talk talk;

	share_open();
	talk = log_in();
	data = begin_upload(&talk, "STOR a", 1000);
	send_often(&talk, "SYST\r\n", COUNT);
	CHECK_INT(hear(&talk), ==, 426);
	for (int i = 0; i < COUNT; i++)
		CHECK_INT(hear(&talk), ==, 215);
	weft_stream_free(data);
	talk_end(&talk);
	CHECK_INT(count_names(), ==, 0);
	share_close();
}

/* The server's end of the control connection, of the only session. */
static int server_control(void)
{
	struct weft__ftpd_session *session;
	int fd;

	pthread_mutex_lock(&share.server->lock);
	session = weft_container_of(
		weft_list_first(&share.server->sessions), struct weft__ftpd_session, in_server);
	fd = weft_stream_fd(session->control);
	pthread_mutex_unlock(&share.server->lock);
	return fd;
}

CHECK_CASE_IN_TIME(the_control_connection_is_kept_alive_and_not_called_idle_while_data_flows)
{
	struct weft_stream *data;
	struct talk talk;
	int fd, value = 0;
	socklen_t len = sizeof(value);

	share.options.idle_timeout_ns = WEFT_MILLISECONDS(250) * check_stretch;
	share.options.data_timeout_ns = WEFT_MILLISECONDS(300) * check_stretch;
	share_open();
	talk = log_in();
	data = call_data(&talk);
	CHECK_INT(say(&talk, "STOR a"), ==, 150);
	fd = server_control();
	CHECK_INT(getsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &value, &len), ==, 0);
	CHECK_INT(value, ==, 1);
	CHECK_INT(getsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &value, &len), ==, 0);
	CHECK_INT(value, ==, WEFT__FTPD_KEEPALIVE_IDLE_S);
	CHECK_INT(hear(&talk), ==, 426); /* of the data; the command's time would be up before */
	weft_stream_free(data);
	weft_stream_free(talk.control);
	share_close();
}

static bool stays(const struct weft_files_visitor *visitor, void *arg)
{
	return visitor && !arg;
}

/* From here on no packet comes to him, so that the kernel gives the connection up: ETIMEDOUT. */
static void fall_silent(const struct talk *talk)
{
	struct sock_filter drop_all = {.code = BPF_RET | BPF_K, .k = 0};
	const struct sock_fprog program = {1, &drop_all};
	const unsigned soon_ms = 50;

	CHECK_INT(setsockopt(server_control(), IPPROTO_TCP, TCP_USER_TIMEOUT, &soon_ms,
			  sizeof(soon_ms)),
		==, 0);
	if (setsockopt(weft_stream_fd(talk->control), SOL_SOCKET, SO_ATTACH_FILTER, &program,
		    sizeof(program)) < 0) {
		CHECK_INT(errno, ==, EPERM);
		check_skip("this kernel lets root only filter packets");
	}
}

CHECK_CASE(a_control_connection_that_the_network_has_lost_ends_the_transfer)
{
	weft_ftp_may_stay_fn *const asked[] = {NULL, stays};

	for (size_t i = 0; i < 2; i++) {
		struct weft_ftp_counts counts;
		struct weft_stream *data;
		struct talk talk;

		share.options.may_stay = asked[i];
		share_open();
		put_endless("a");
		talk = log_in();
		data = call_data(&talk);
		CHECK_INT(say(&talk, "RETR a"), ==, 150);
		fall_silent(&talk);
		send_bytes(&talk, "STAT\r\n", 6);
		do {
			weft_sleep(WEFT_MILLISECONDS(1));
			weft_ftp_server_counts(share.server, &counts);
		} while (counts.sessions > 0);
		CHECK_INT(counts.transfers_failed, ==, 1);
		weft_stream_free(data);
		weft_stream_free(talk.control);
		share_close();
	}
}

/* ---- Ends ------------------------------------------------------------------------------------ */

/* Closes the control connection; the kernel that is at the server's end knows of it. That of the
 * data, which is closed then, may else be seen first: each processor has a queue of packets. */
static void leave(struct talk *talk)
{
	struct tcp_info info = {0};
	socklen_t len = sizeof(info);
	int fd = weft_stream_fd(talk->control);

	CHECK_INT(weft_stream_shutdown_write(talk->control), ==, 0);
	do
		CHECK_INT(getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &len), ==, 0);
	while (info.tcpi_state == TCP_FIN_WAIT1);
	weft_stream_free(talk->control);
}

CHECK_CASE(who_is_gone_has_not_sent_all_that_he_wanted_to)
{
	struct weft_ftp_counts counts = {0};
	struct weft_stream *data;
	struct talk talk;

	share_open();
	share_put("a", "old", 3);
	talk = log_in();
	data = begin_upload(&talk, "STOR a", 1000);
	/* As the kernel does for a process that is killed: the data's end may come first. */
	leave(&talk);
	weft_stream_free(data);
	while (counts.transfers_failed == 0) {
		weft_sleep(WEFT_MILLISECONDS(1));
		weft_ftp_server_counts(share.server, &counts);
	}
	CHECK(share_has("a", "old"));
	share_close();
}

/* Where a sync takes no time, there is no time to see the other connection's end. */
CHECK_CASE(nor_has_he_where_the_disk_is_fast)
{
	enum { COUNT = 10 };
	struct weft_ftp_counts counts = {0};

	share.base = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : NULL;
	share_open();
	for (int i = 0; i < COUNT; i++) {
		struct talk talk = log_in();
		struct weft_stream *data = begin_upload(&talk, "STOR a", 1000);

		leave(&talk);
		weft_stream_free(data);
	}
	while (counts.transfers_failed + counts.uploads < COUNT) {
		weft_sleep(WEFT_MILLISECONDS(1));
		weft_ftp_server_counts(share.server, &counts);
	}
	CHECK_INT(counts.uploads, ==, 0);
	share_close();
}

CHECK_CASE(who_has_said_quit_may_go_before_his_upload_is_done)
{
	struct weft_ftp_counts counts = {0};
	struct weft_stream *data;
	struct talk talk;

	share_open();
	talk = log_in();
	data = begin_upload(&talk, "STOR a", 1000);
	send_bytes(&talk, "QUIT\r\n", 6);
	CHECK_INT(weft_stream_shutdown_write(talk.control), ==, 0);
	weft_stream_free(data);
	CHECK_INT(hear(&talk), ==, 226);
	CHECK_INT(hear(&talk), ==, 221);
	weft_stream_free(talk.control);
	weft_ftp_server_counts(share.server, &counts);
	CHECK_INT(counts.uploads, ==, 1);
	CHECK(share_has_pattern("a", 1000));
	share_close();
}

CHECK_CASE(a_transfer_that_stands_still_is_ended)
{
	struct weft_stream *data;
	struct talk talk;

	share.options.data_timeout_ns = WEFT_MILLISECONDS(60);
	share_open();
	put_endless("big");
	talk = log_in();
	data = call_data(&talk);
	CHECK_INT(say(&talk, "STOR a"), ==, 150);
	CHECK_INT(hear(&talk), ==, 426);
	weft_stream_free(data);
	data = call_data(&talk);
	CHECK_INT(say(&talk, "RETR big"), ==, 150);
	CHECK_INT(hear(&talk), ==, 426);
	weft_stream_free(data);
	CHECK_INT(say(&talk, "NOOP"), ==, 200);
	talk_end(&talk);
	share_close();
}

CHECK_CASE(a_stop_waits_for_transfers)
{
	struct weft_stream *data;
	struct talk talk;

	share_open();
	talk = log_in();
	data = begin_upload(&talk, "STOR a", 1000);
	weft_ftp_server_stop(share.server);
	weft_stream_free(data);
	CHECK_INT(hear(&talk), ==, 226);
	CHECK_INT(hear(&talk), ==, 421);
	CHECK_INT(hear(&talk), ==, 0);
	CHECK(share_has_pattern("a", 1000));
	weft_stream_free(talk.control);
	share_close();
}

CHECK_CASE(a_stop_ends_transfers_when_the_grace_time_is_over)
{
	struct weft_stream *data;
	struct talk talk;

	share.options.grace_ns = WEFT_MILLISECONDS(20);
	share_open();
	talk = log_in();
	data = begin_upload(&talk, "STOR a", 1000);
	weft_ftp_server_stop(share.server);
	CHECK_INT(hear(&talk), ==, 421);
	CHECK_INT(hear(&talk), ==, 0);
	CHECK_INT(count_names(), ==, 0);
	weft_stream_free(data);
	weft_stream_free(talk.control);
	share_close();
}

CHECK_MAIN()
