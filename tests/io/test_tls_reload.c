/*
 * test_tls_reload.c - TLS: options and files that are wrong, certificates that change,
 * sessions that are resumed.
 *
 * check: valgrind tsan
 */
#include "io/tls.h"
#include "io/tls_pair.h"

/* ---- What is wrong with the options ------------------------------------------------------ */

static struct weft_tls_fault refuse_server(struct weft_tls_server_options options, int code)
{
	struct weft_tls_fault fault;

	CHECK_ERRNO(weft_tls_server_new(&options, &fault), code);
	CHECK(weft_tls_server_new(&options, NULL) == NULL);
	return fault;
}

static void write_file(const char *name, const char *text)
{
	FILE *file = fopen(path_of(name), "w");

	CHECK(file != NULL);
	fputs(text, file);
	CHECK_INT(fclose(file), ==, 0);
}

CHECK_CASE(options_that_can_not_be_are_einval)
{
	static const char *const empty[] = {"", NULL};
	const struct weft_tls_server_options bad[] = {
		{.certificate = NULL},
		{.certificate = "x", .others_count = WEFT_TLS_IDENTITIES_MAX},
		{.certificate = "x", .version_min = WEFT_TLS_1_3, .version_max = WEFT_TLS_1_2},
		{.certificate = "x", .needs_client_certificate = true},
		{.certificate = "x", .protocols = empty},
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		CHECK_INT(refuse_server(bad[i], EINVAL).kind, ==, WEFT_TLS_NO_FAULT);
	CHECK_ERRNO(
		weft_tls_client_new(&(struct weft_tls_client_options){.protocols = empty}, NULL),
		EINVAL);
}

CHECK_CASE(a_file_that_is_missing_or_no_certificate_is_named)
{
	struct weft_tls_fault fault;
	struct pair pair;

	pair_prepare(&pair);
	write_file("junk.pem", "what is this\n");
	fault = refuse_server(
		(struct weft_tls_server_options){.certificate = path_of("none.pem")}, EPROTO);
	CHECK_INT(fault.kind, ==, WEFT_TLS_FILE);
	CHECK(strstr(fault.text, "none.pem: No such file or directory") != NULL);
	fault = refuse_server(
		(struct weft_tls_server_options){.certificate = path_of("junk.pem")}, EPROTO);
	CHECK_INT(fault.kind, ==, WEFT_TLS_FILE);
	fault = refuse_server((struct weft_tls_server_options){.certificate = path_of("server.pem"),
				      .key = path_of("junk.pem")},
		EPROTO);
	CHECK_INT(fault.kind, ==, WEFT_TLS_FILE);
	CHECK(strstr(fault.text, "junk.pem") != NULL);
	fault = refuse_server((struct weft_tls_server_options){.certificate = path_of("server.pem"),
				      .client_issuers = path_of("junk.pem")},
		EPROTO);
	CHECK_INT(fault.kind, ==, WEFT_TLS_FILE);
	weft_listener_free(pair.listener);
	authority_end(&pair.authority);
}

CHECK_CASE(another_certificate_s_key_is_told_from_a_broken_one)
{
	struct weft_tls_fault fault;
	struct pair pair;

	pair_prepare(&pair);
	certificate_make(&pair.authority, "two", NULL);
	fault = refuse_server((struct weft_tls_server_options){.certificate = path_of("server.pem"),
				      .key = path_of("two.key")},
		EPROTO);
	CHECK_INT(fault.kind, ==, WEFT_TLS_KEY_MISMATCH);
	CHECK(strstr(fault.text, "two.key") != NULL);
	weft_listener_free(pair.listener);
	authority_end(&pair.authority);
}

CHECK_CASE(a_key_of_another_kind_than_the_certificate_s_is_a_mismatch)
{
	struct authority other = {.has_fixed_lengths = true};
	struct weft_tls_fault fault;
	struct pair pair;

	pair_prepare(&pair);
	authority_make(&other, "other");
	certificate_make(&other, "two", NULL);
	fault = refuse_server((struct weft_tls_server_options){.certificate = path_of("server.pem"),
				      .key = path_of("two.key")},
		EPROTO);
	CHECK_INT(fault.kind, ==, WEFT_TLS_KEY_MISMATCH);
	weft_listener_free(pair.listener);
	authority_end(&other);
	authority_end(&pair.authority);
}

static void lock_key(const char *path, EVP_PKEY *key)
{
	FILE *file = fopen(path, "w");

	CHECK(file != NULL);
	CHECK(PEM_write_PrivateKey(file, key, EVP_aes_128_cbc(), (const unsigned char *)"secret", 6,
		      NULL, NULL) == 1);
	CHECK_INT(fclose(file), ==, 0);
}

CHECK_CASE(a_locked_key_and_a_folder_are_called_what_they_are)
{
	struct weft_tls_fault fault;
	struct pair pair;

	pair_prepare(&pair);
	lock_key(path_of("locked.key"), pair.authority.key);
	fault = refuse_server((struct weft_tls_server_options){.certificate = path_of("server.pem"),
				      .key = path_of("locked.key")},
		EPROTO);
	CHECK_INT(fault.kind, ==, WEFT_TLS_FILE);
	CHECK(strstr(fault.text, "password") != NULL);
	fault = refuse_server((struct weft_tls_server_options){.certificate = path_of("server.pem"),
				      .key = path_of("")},
		EPROTO);
	CHECK(strstr(fault.text, "Is a directory") != NULL);
	fault = refuse_server(
		(struct weft_tls_server_options){.certificate = path_of("locked.key")}, EPROTO);
	CHECK(strstr(fault.text, "not a certificate") != NULL);
	CHECK(strstr(fault.text, "password") == NULL);
	weft_listener_free(pair.listener);
	authority_end(&pair.authority);
}

/* ---- Calls out of order --------------------------------------------------------------------- */

CHECK_CASE(a_stream_is_started_once_and_only_a_socket)
{
	struct weft_stream *pipe_end;
	struct pair pair;
	int fds[2];

	pair_make(&pair, NULL, NULL);
	CHECK_ERRNO(weft_stream_start_tls(pair.client, pair.client_tls, "localhost"), EALREADY);
	CHECK_INT(weft_pipe(fds), ==, 0);
	pipe_end = weft_stream_new(fds[0]);
	CHECK(weft_stream_tls(pipe_end) == NULL);
	CHECK_INT(weft_stream_tls_fault(pipe_end)->kind, ==, WEFT_TLS_NO_FAULT);
	CHECK_ERRNO(weft_stream_start_tls(pipe_end, pair.client_tls, "localhost"), ENOTSOCK);
	weft_stream_free(pipe_end);
	weft_close(fds[1]);
	pair_end(&pair);
}

CHECK_CASE(a_client_that_verifies_must_say_whom)
{
	char *host = malloc(300);
	struct weft_stream *stream;
	struct pair pair;
	int fds[2];

	memset(host, 'a', 299);
	host[299] = '\0';
	pair_make(&pair, NULL, NULL);
	CHECK_INT(weft_socketpair(AF_UNIX, SOCK_STREAM, 0, fds), ==, 0);
	stream = weft_stream_new(fds[0]);
	CHECK_ERRNO(weft_stream_start_tls(stream, pair.client_tls, NULL), EINVAL);
	CHECK_ERRNO(weft_stream_start_tls(stream, NULL, NULL), EINVAL);
	CHECK_ERRNO(weft_stream_start_tls(stream, pair.client_tls, ""), EINVAL);
	CHECK_ERRNO(weft_stream_start_tls(stream, pair.client_tls, host), EINVAL);
	CHECK_ERRNO(weft_stream_connect_tls("unix:/x", pair.client_tls, NULL), EINVAL);
	CHECK_ERRNO(weft_stream_connect_tls("127.0.0.1:1", NULL, NULL), EINVAL);
	CHECK_ERRNO(weft_stream_connect_tls("nothing", pair.client_tls, NULL), EINVAL);
	weft_stream_free(stream);
	weft_close(fds[1]);
	free(host);
	pair_end(&pair);
}

/* ---- Reloading ------------------------------------------------------------------------------ */

static const char *peer_now(struct pair *pair)
{
	static char name[64];
	struct weft_tls *fresh = client_tls(NULL);
	struct weft_stream *stream = weft_stream_connect_tls(pair->address, fresh, NULL);

	CHECK(stream != NULL);
	snprintf(name, sizeof(name), "%s", weft_stream_tls(stream)->peer);
	weft_stream_free(stream);
	weft_tls_free(fresh);
	return name;
}

CHECK_CASE(after_a_reload_new_connections_see_the_new_certificate_and_old_ones_go_on)
{
	struct weft_tls_fault fault;
	struct weft_stream *old;
	struct pair pair;
	pthread_t second;

	pair_make(&pair, NULL, NULL);
	say(pair.client, "before\n");
	hear(pair.client, "before\n");
	certificate_make(&pair.authority, "server", &(struct certificate){.name = "new"});
	CHECK_INT(weft_tls_reload(pair.server_tls, &fault), ==, 0);
	CHECK_INT(fault.kind, ==, WEFT_TLS_NO_FAULT);
	second = peer_start(pair_serve, &pair);
	CHECK_STR(peer_now(&pair), "CN=new");
	peer_end(second);
	old = pair.client;
	say(old, "after\n");
	hear(old, "after\n");
	CHECK_STR(weft_stream_tls(old)->peer, "CN=weft test");
	pair_end(&pair);
}

CHECK_CASE(a_bad_new_certificate_leaves_the_old_one_in_force)
{
	struct weft_tls_fault fault;
	struct pair pair;

	pair_prepare(&pair);
	pair.connections = 2;
	pair_start(&pair, NULL, NULL);
	write_file("server.pem", "-----BEGIN CERTIFICATE-----\nhalf of\n");
	CHECK_ERRNO(weft_tls_reload(pair.server_tls, &fault), EPROTO);
	CHECK_INT(fault.kind, ==, WEFT_TLS_FILE);
	CHECK_STR(peer_now(&pair), "CN=weft test");
	CHECK_INT(unlink(path_of("server.pem")), ==, 0);
	CHECK_ERRNO(weft_tls_reload(pair.server_tls, NULL), EPROTO);
	CHECK_STR(peer_now(&pair), "CN=weft test");
	pair_end(&pair);
}

CHECK_CASE(streams_outlive_what_they_were_started_with)
{
	struct pair pair;

	pair_make(&pair, NULL, NULL);
	say(pair.client, "before\n");
	hear(pair.client, "before\n");
	weft_tls_free(pair.server_tls);
	weft_tls_free(pair.client_tls);
	pair.server_tls = pair.client_tls = NULL;
	say(pair.client, "after\n");
	hear(pair.client, "after\n");
	pair_end(&pair);
}

static void *reload_often(void *arg)
{
	for (int i = 0; i < 20; i++)
		CHECK_INT(weft_tls_reload(arg, NULL), ==, 0);
	return NULL;
}

CHECK_CASE(reloading_while_others_connect_disturbs_nobody)
{
	struct pair pair;
	pthread_t reloader;

	pair_prepare(&pair);
	pair.connections = 20;
	pair_start(&pair, NULL, NULL);
	reloader = peer_start(reload_often, pair.server_tls);
	for (unsigned i = 0; i < pair.connections; i++) {
		if (i > 0)
			weft_stream_free(pair.client);
		pair_connect(&pair);
		say(pair.client, "hello\n");
		hear(pair.client, "hello\n");
	}
	peer_end(reloader);
	pair_end(&pair);
}

/* ---- Resumption --------------------------------------------------------------------------------
 */

/* One connection of the pair's client; whether it went on from an earlier one. */
static bool is_resumed(struct pair *pair)
{
	bool result;

	pair_connect(pair);
	result = weft_stream_tls(pair->client)->is_resumed;
	CHECK(weft_stream_tls(pair->client)->is_verified);
	/* Tickets come behind the handshake: with the first read. */
	say(pair->client, "hello\n");
	hear(pair->client, "hello\n");
	weft_stream_free(pair->client);
	pair->client = NULL;
	return result;
}

static void pair_many(struct pair *pair, unsigned connections,
	const struct weft_tls_server_options *server, const struct weft_tls_client_options *client)
{
	pair_prepare(pair);
	pair->connections = connections;
	pair_start(pair, server, client);
}

BOTH_CASE(the_second_connection_is_resumed)
{
	struct pair pair;

	pair_many(&pair, 3, NULL, NULL);
	CHECK(!is_resumed(&pair));
	CHECK(is_resumed(&pair));
	CHECK(is_resumed(&pair));
	pair_end(&pair);
	CHECK(pair.facts.is_resumed);
}

CHECK_CASE(the_second_connection_is_resumed_with_tls_1_2)
{
	struct pair pair;

	pair_many(&pair, 3, NULL, &(struct weft_tls_client_options){.version_max = WEFT_TLS_1_2});
	CHECK(!is_resumed(&pair));
	CHECK(is_resumed(&pair));
	CHECK(is_resumed(&pair));
	pair_end(&pair);
}

/* Two connections beside a first one: with its session, and as well checked. */
static void check_beside(const struct weft_tls_client_options *options)
{
	struct weft_stream *first, *other;
	struct pair pair;

	pair_many(&pair, 5, NULL, options);
	CHECK(!is_resumed(&pair));
	pair_connect(&pair);
	first = pair.client;
	CHECK(weft_stream_tls(first)->is_resumed);
	say(first, "hello\n");
	hear(first, "hello\n");
	/* The server has one connection at a time. */
	CHECK_INT(weft_stream_shutdown_write(first), ==, 0);
	/* A stranger to both goes on with what was kept of first: that takes nothing from it. */
	CHECK(is_resumed(&pair));
	for (int i = 0; i < 2; i++) {
		other = weft_stream_connect(pair.address);
		CHECK(other);
		CHECK_INT(weft_stream_start_tls_beside(other, first), ==, 0);
		CHECK(weft_stream_tls(other)->is_resumed && weft_stream_tls(other)->is_verified);
		/* Cut off, libssl would forget the session if it were first's own. */
		weft_shutdown(weft_stream_fd(other), SHUT_RDWR);
		weft_stream_free(other);
	}
	weft_stream_free(first);
	pair.client = NULL;
	pair_end(&pair);
}

CHECK_CASE(connections_beside_another_go_on_with_its_session)
{
	check_beside(NULL);
	check_beside(&(struct weft_tls_client_options){.version_max = WEFT_TLS_1_2});
}

CHECK_CASE(nobody_can_be_beside_a_stream_without_tls)
{
	struct weft_stream *streams[2];
	int fds[2];

	make_pair(SOCK_STREAM, fds);
	for (int i = 0; i < 2; i++)
		streams[i] = weft_stream_new(fds[i]);
	CHECK_ERRNO(weft_stream_start_tls_beside(streams[0], streams[1]), EINVAL);
	for (int i = 0; i < 2; i++)
		weft_stream_free(streams[i]);
}

CHECK_CASE(nothing_is_resumed_where_either_side_says_so)
{
	struct pair pair;

	pair_many(&pair, 2, &(struct weft_tls_server_options){.no_resumption = true}, NULL);
	CHECK(!is_resumed(&pair));
	CHECK(!is_resumed(&pair));
	pair_end(&pair);
	pair_many(&pair, 2, NULL, &(struct weft_tls_client_options){.no_resumption = true});
	CHECK(!is_resumed(&pair));
	CHECK(!is_resumed(&pair));
	pair_end(&pair);
}

CHECK_CASE(a_server_s_reload_keeps_its_tickets_and_a_client_s_forgets_them)
{
	struct pair pair;

	pair_many(&pair, 3, NULL, NULL);
	CHECK(!is_resumed(&pair));
	CHECK_INT(weft_tls_reload(pair.server_tls, NULL), ==, 0);
	CHECK(is_resumed(&pair));
	CHECK_INT(weft_tls_reload(pair.client_tls, NULL), ==, 0);
	CHECK(!is_resumed(&pair));
	pair_end(&pair);
}

CHECK_CASE(a_server_that_asks_for_certificates_forgets_its_tickets_with_a_reload)
{
	struct pair pair;

	pair_prepare(&pair);
	certificate_make(&pair.authority, "ann", NULL);
	pair.connections = 3;
	pair_start(&pair,
		&(struct weft_tls_server_options){.client_issuers = path_of("authority.pem"),
			.needs_client_certificate = true},
		&(struct weft_tls_client_options){.certificate = path_of("ann.pem")});
	CHECK(!is_resumed(&pair));
	CHECK(is_resumed(&pair));
	CHECK_INT(weft_tls_reload(pair.server_tls, NULL), ==, 0);
	CHECK(!is_resumed(&pair));
	pair_end(&pair);
	CHECK(pair.facts.is_verified);
}

static bool is_resumed_for(struct pair *pair, const char *host)
{
	struct weft_stream *stream = weft_stream_connect(pair->address);
	bool result;

	CHECK_INT(weft_stream_start_tls(stream, pair->client_tls, host), ==, 0);
	result = weft_stream_tls(stream)->is_resumed;
	say(stream, "hello\n");
	hear(stream, "hello\n");
	weft_stream_free(stream);
	return result;
}

CHECK_CASE(each_host_has_a_session_of_its_own)
{
	struct pair pair;

	pair_prepare(&pair);
	certificate_make(
		&pair.authority, "server", &(struct certificate){.hosts = "DNS:b.test,DNS:a.test"});
	pair.connections = 4;
	pair_start(&pair, NULL, NULL);
	CHECK(!is_resumed_for(&pair, "a.test"));
	CHECK(!is_resumed_for(&pair, "b.test"));
	CHECK(is_resumed_for(&pair, "a.test"));
	CHECK(is_resumed_for(&pair, "b.test"));
	pair_end(&pair);
}

CHECK_CASE(more_hosts_than_sessions_are_kept_push_the_oldest_out)
{
	struct weft_tls_client_options anybody = {.accepts_anybody = true};
	char host[32];
	struct pair pair;

	pair_many(&pair, WEFT__TLS_SESSIONS_MAX + 3, NULL, &anybody);
	for (int i = 0; i <= WEFT__TLS_SESSIONS_MAX; i++) {
		snprintf(host, sizeof(host), "h%d.test", i);
		CHECK(!is_resumed_for(&pair, host));
	}
	CHECK(!is_resumed_for(&pair, "h0.test"));
	CHECK(is_resumed_for(&pair, host));
	pair_end(&pair);
}

/* Makes the server's keys older by a whole life, as time does. */
static void age_keys(struct weft_tls *tls, int lives)
{
	for (int i = 0; i < 2; i++)
		if (tls->ticket_keys[i].born_ns != 0)
			tls->ticket_keys[i].born_ns -= lives * WEFT__TLS_TICKET_KEY_LIFE;
}

CHECK_CASE(a_ticket_lives_as_long_as_its_key_and_once_again)
{
	struct pair pair;

	pair_many(&pair, 6, NULL, NULL);
	CHECK(!is_resumed(&pair));
	age_keys(pair.server_tls, 1);
	CHECK(is_resumed(&pair));
	age_keys(pair.server_tls, 1);
	CHECK(is_resumed(&pair));
	age_keys(pair.server_tls, 2);
	CHECK(!is_resumed(&pair));
	age_keys(pair.server_tls, 5);
	CHECK(!is_resumed(&pair));
	CHECK(is_resumed(&pair));
	pair_end(&pair);
}

CHECK_CASE(servers_that_parted_resume_each_other_s_sessions)
{
	struct weft__tls_ticket_key first[2];
	struct pair pair;

	pair_many(&pair, 2, NULL, NULL);
	memcpy(first, pair.server_tls->ticket_keys, sizeof(first));
	CHECK(first[0].born_ns != 0);
	/* One process makes its next key for this ticket, ... */
	age_keys(pair.server_tls, 1);
	CHECK(!is_resumed(&pair));
	/* ...another one, who had the same first key, opens it with its own next. */
	memcpy(pair.server_tls->ticket_keys, first, sizeof(first));
	age_keys(pair.server_tls, 1);
	CHECK(is_resumed(&pair));
	pair_end(&pair);
}

CHECK_MAIN()
