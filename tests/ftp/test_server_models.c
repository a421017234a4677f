/*
 * test_server_models.c - the same FTP sessions by every model of serving.
 *
 * check: tsan
 */
#include "share.h"

static void visit(void)
{
	static char bytes[200000];
	struct weft_stream *data;
	struct talk talk = log_in();

	memset(bytes, 'x', sizeof(bytes));
	CHECK_INT(store(&talk, "STOR a", bytes, sizeof(bytes)), ==, 226);
	CHECK_INT(fetch(&talk, "RETR a"), ==, 226);
	CHECK_INT(talk.len, ==, sizeof(bytes));
	CHECK_INT(fetch(&talk, "NLST"), ==, 226);
	CHECK_STR(talk.data, "a\r\n");
	/* The control connection is read while data flows, on whatever there is. */
	data = call_data(&talk);
	CHECK_INT(say(&talk, "STOR b"), ==, 150);
	CHECK_INT(say(&talk, "STAT"), ==, 213);
	send_bytes(&talk, "ABOR\r\n", 6);
	CHECK_INT(hear(&talk), ==, 426);
	CHECK_INT(hear(&talk), ==, 226);
	weft_stream_free(data);
	CHECK_INT(say(&talk, "SIZE b"), ==, 550);
	talk_end(&talk);
}

static void try_model(const char *model)
{
	struct weft_ftp_counts counts;
	struct talk waiting;

	share.options.model = model;
	share.options.size = 2;
	if (strcmp(model, "pool") != 0 && strcmp(model, "prefork") != 0)
		share.options.size = 0;
	share_open();
	visit();
	visit();
	waiting = log_in();
	weft_ftp_server_stop(share.server);
	CHECK_INT(hear(&waiting), ==, 421);
	CHECK_INT(hear(&waiting), ==, 0);
	weft_stream_free(waiting.control);
	weft_ftp_server_counts(share.server, &counts); /* those of processes, too */
	CHECK_INT(counts.logins, ==, 3);
	CHECK_INT(counts.uploads, ==, 2);
	CHECK_INT(counts.transfers_failed, ==, 2);
	share_close();
}

CHECK_CASE(fibers_serve_sessions)
{
	try_model("fiber");
}

CHECK_CASE(one_thread_serves_them_one_after_the_other)
{
	try_model("loop");
}

CHECK_CASE(threads_serve_sessions)
{
	try_model("thread");
}

CHECK_CASE(a_pool_of_threads_serves_sessions)
{
	try_model("pool");
}

/* Processes are forked from a process of several threads, which ThreadSanitizer does not bear. */
#ifndef __SANITIZE_THREAD__
CHECK_CASE(processes_serve_sessions)
{
	try_model("fork");
}

CHECK_CASE(a_pool_of_processes_serves_sessions)
{
	try_model("prefork");
}
#endif

CHECK_MAIN()
