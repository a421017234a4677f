/*
 * test_tls_faults.c - TLS: memory is refused at every place, ours and OpenSSL's.
 *
 * TLS_FAULTS_ALL=1 takes all of them, which lasts for a while.
 */
#include "faults.h"

#ifdef HAS_FAULTS

#include "io/tls_wire.h"

/* The first calls are ours, and each is refused; of OpenSSL's thousands one in STEP. */
#define OURS 60
#define STEP 41

/* A refusal inside of OpenSSL may reach us as a fault without a better reason. */
static bool is_refused(int code)
{
	return faults_is_defined(code) || code == EPROTO || code == ECONNRESET || code == EPIPE;
}

static int serve_one(void *arg)
{
	const char *line;
	ssize_t len;

	if (start_server(arg) < 0) {
		CHECK(is_refused(wire.server_errno));
	} else {
		len = weft_stream_readline(wire.server, &line);
		if (len > 0 && weft_stream_write_all(wire.server, line, (size_t)len) == 0)
			weft_stream_flush(wire.server);
	}
	weft_stream_free(wire.server);
	wire.server = NULL;
	return 0;
}

/* A handshake and an echo; true if all of it went well. */
static bool talk(void)
{
	weft_fiber_id server;
	const char *line;
	bool is_good = false;

	wire_open();
	faults_go_on();
	server = weft_spawn(serve_one, NULL);
	if (server == 0)
		goto out;
	if (weft_stream_start_tls(wire.client, wire.client_tls, "localhost") < 0) {
		CHECK(is_refused(errno));
	} else if (weft_stream_printf(wire.client, "hello\n") == 0 &&
		   weft_stream_flush(wire.client) == 0) {
		is_good = weft_stream_readline(wire.client, &line) == 6;
		CHECK(is_good || is_refused(errno) || errno == 0);
	}
out:
	faults_hold();
	weft_stream_free(wire.client);
	wire.client = NULL;
	if (server != 0)
		CHECK_INT(weft_join(server, NULL, WEFT_FOREVER), ==, 0);
	weft_stream_free(wire.server);
	wire.server = NULL;
	return is_good;
}

/* Refuse the n-th. Whether there was an n-th. */
static bool refuse_in_talk(int n)
{
	errno = 0;
	atomic_store(&faults_refused, 0);
	atomic_store(&faults_left, n);
	talk();
	atomic_store(&faults_left, 0);
	return atomic_load(&faults_refused) > 0;
}

static int next_of(int n)
{
	return n < OURS || getenv("TLS_FAULTS_ALL") ? n + 1 : n + STEP;
}

static int sweep_talk(void *arg)
{
	long in_use = 0;
	int n, open = 0;

	(void)arg;
	faults_hold();
	wire_tls();
	CHECK(talk());
	/* What is kept for later is there after the first sweeps. */
	for (int i = 0; i < 3; i++) {
		in_use = atomic_load(&faults_in_use);
		open = descriptors();
		for (n = 1; refuse_in_talk(n); n = next_of(n))
			;
		CHECK_INT(n, >, 100);
		CHECK(talk());
	}
	CHECK_INT(atomic_load(&faults_in_use), ==, in_use);
	CHECK_INT(descriptors(), ==, open);
	faults_go_on();
	return 0;
}

CHECK_CASE(a_connection_lacking_memory_ends_and_the_next_one_is_well)
{
	const struct weft_run_options options = {.workers = 1};

	CHECK_INT(weft_run(&options, sweep_talk, NULL), ==, 0);
	wire_forget();
}

CHECK_CASE(settings_lacking_memory_are_refused)
{
	struct weft_tls_fault fault;
	struct weft_tls *tls;
	int n = 1;

	wire_tls();
	do {
		struct weft_tls_server_options options = {.certificate = path_of("server.pem"),
			.client_issuers = path_of("authority.pem")};

		atomic_store(&faults_refused, 0);
		atomic_store(&faults_left, n);
		tls = weft_tls_server_new(&options, &fault);
		atomic_store(&faults_left, 0);
		CHECK(tls || is_refused(errno));
		weft_tls_free(tls);
		n = next_of(n);
	} while (atomic_load(&faults_refused) > 0);
	CHECK_INT(n, >, 100);
	wire_forget();
}

#else

CHECK_CASE(faults_are_met_in_the_release_build_only)
{
}

#endif

CHECK_MAIN()
