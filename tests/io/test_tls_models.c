/*
 * test_tls_models.c - a TLS listener under every model of serving: the same handler, which
 * knows of neither.
 */
#include "io/tls_pair.h"

enum { VISITS = 5 };

/* A server in a process of its own: one that forks must not do so in our midst. */
static pid_t serve_in_process(struct pair *pair, const char *model)
{
	const struct weft_serve_options options = {.model = model, .size = 2, .workers = 2};
	pid_t pid = fork();

	CHECK_INT(pid, >=, 0);
	if (pid == 0)
		_exit(weft_serve(pair->listener, echo, NULL, &options) < 0 ? errno : 0);
	return pid;
}

static void visit(struct pair *pair, bool is_first)
{
	const char *line;

	pair_connect(pair);
	/* Whichever process, or thread, made the ticket, and whichever sees it. */
	CHECK_INT(weft_stream_tls(pair->client)->is_resumed, ==, !is_first);
	say(pair->client, "hello\n");
	hear(pair->client, "hello\n");
	CHECK_INT(weft_stream_shutdown_write(pair->client), ==, 0);
	CHECK_INT(weft_stream_readline(pair->client, &line), ==, 0);
	weft_stream_free(pair->client);
	pair->client = NULL;
}

static void serve_with(const char *model, bool asks_for_certificates)
{
	struct weft_tls_server_options options = {0};
	struct pair pair;
	int status;
	pid_t server;

	pair_prepare(&pair);
	if (asks_for_certificates)
		options.client_issuers = path_of("authority.pem");
	pair.server_tls = server_tls(&options);
	pair.client_tls = client_tls(NULL);
	CHECK_INT(weft_listener_use_tls(pair.listener, pair.server_tls), ==, 0);
	server = serve_in_process(&pair, model);
	for (int i = 0; i < VISITS; i++)
		visit(&pair, i == 0);
	weft_serve_stop(pair.listener);
	CHECK_INT(waitpid(server, &status, 0), ==, server);
	CHECK_INT(status, ==, 0);
	weft_tls_free(pair.server_tls);
	weft_tls_free(pair.client_tls);
	weft_listener_free(pair.listener);
	authority_end(&pair.authority);
}

static void serve_by(const char *model)
{
	serve_with(model, false);
}

CHECK_CASE(fibers_serve_tls)
{
	serve_by("fiber");
}

CHECK_CASE(a_loop_serves_tls)
{
	serve_by("loop");
}

CHECK_CASE(threads_serve_tls)
{
	serve_by("thread");
}

CHECK_CASE(a_pool_of_threads_serves_tls)
{
	serve_by("pool");
}

CHECK_CASE(a_process_for_each_connection_serves_tls_and_resumes_another_one_s_session)
{
	serve_by("fork");
}

CHECK_CASE(a_pool_of_processes_serves_tls_and_resumes_another_one_s_session)
{
	serve_by("prefork");
}

CHECK_CASE(processes_that_ask_for_certificates_resume_each_other_s_sessions_too)
{
	serve_with("fork", true);
}

CHECK_MAIN()
