/*
 * test_tls.c - TLS on streams: what both sides agree on, and whom they refuse.
 *
 * check: drivers valgrind tsan
 */
#include "io/tls_pair.h"

/* ---- What is agreed on --------------------------------------------------------------- */

BOTH_CASE(a_line_goes_there_and_back_encrypted)
{
	struct pair pair;
	const struct weft_tls_facts *facts;

	pair_make(&pair, NULL, NULL);
	say(pair.client, "hello\n");
	hear(pair.client, "hello\n");
	facts = weft_stream_tls(pair.client);
	CHECK_STR(facts->version, "TLSv1.3");
	CHECK_STR(facts->peer, "CN=weft test");
	CHECK_INT(strlen(facts->fingerprint), ==, 64);
	CHECK_STR(facts->protocol, "");
	CHECK(facts->is_verified && !facts->is_resumed);
	CHECK_INT(weft_stream_tls_fault(pair.client)->kind, ==, WEFT_TLS_NO_FAULT);
	pair_end(&pair);
	CHECK_INT(pair.result, ==, 0);
	CHECK_STR(pair.facts.version, "TLSv1.3");
	CHECK_STR(pair.facts.peer, "");
	CHECK(!pair.facts.is_verified);
}

BOTH_CASE(tls_1_2_is_spoken_too)
{
	struct pair pair;

	pair_make(&pair, &(struct weft_tls_server_options){.version_max = WEFT_TLS_1_2}, NULL);
	say(pair.client, "hello\n");
	hear(pair.client, "hello\n");
	CHECK_STR(weft_stream_tls(pair.client)->version, "TLSv1.2");
	pair_end(&pair);
	CHECK_INT(pair.result, ==, 0);
}

CHECK_CASE(the_server_s_first_protocol_that_the_client_offers_is_chosen)
{
	static const char *const ours[] = {"h2", "http/1.1", NULL};
	static const char *const theirs[] = {"x", "http/1.1", "h2", NULL};
	struct pair pair;

	pair_make(&pair, &(struct weft_tls_server_options){.protocols = ours},
		&(struct weft_tls_client_options){.protocols = theirs});
	CHECK_STR(weft_stream_tls(pair.client)->protocol, "h2");
	say(pair.client, "hello\n");
	hear(pair.client, "hello\n");
	pair_end(&pair);
	CHECK_STR(pair.facts.protocol, "h2");
}

CHECK_CASE(a_client_that_offers_other_protocols_only_is_refused)
{
	static const char *const ours[] = {"h2", NULL};
	static const char *const theirs[] = {"x", NULL};
	struct weft_tls_fault fault;
	struct pair pair;

	pair_prepare(&pair);
	pair_start(&pair, &(struct weft_tls_server_options){.protocols = ours},
		&(struct weft_tls_client_options){.protocols = theirs});
	fault = pair_refuse(&pair);
	CHECK_INT(fault.kind, ==, WEFT_TLS_NOTHING_SHARED);
	pair_end(&pair);
	CHECK_INT(pair.code, ==, EPROTO);
	CHECK_INT(pair.fault.kind, ==, WEFT_TLS_NOTHING_SHARED);
}

CHECK_CASE(no_common_version_is_told_to_both)
{
	struct weft_tls_fault fault;
	struct pair pair;

	pair_prepare(&pair);
	pair_start(&pair, &(struct weft_tls_server_options){.version_min = WEFT_TLS_1_3},
		&(struct weft_tls_client_options){.version_max = WEFT_TLS_1_2});
	fault = pair_refuse(&pair);
	CHECK_INT(fault.kind, ==, WEFT_TLS_NOTHING_SHARED);
	pair_end(&pair);
	CHECK_INT(pair.fault.kind, ==, WEFT_TLS_NOTHING_SHARED);
}

/* ---- Who the server is ----------------------------------------------------------------- */

/* Connects to a server whose certificate is `what`, and is refused. */
static struct weft_tls_fault refuse_certificate(const struct certificate *what)
{
	struct weft_tls_fault fault;
	struct pair pair;

	pair_prepare(&pair);
	certificate_make(&pair.authority, "server", what);
	pair_start(&pair, NULL, NULL);
	fault = pair_refuse(&pair);
	pair_end(&pair);
	/* The server is told, too: by an alert. */
	CHECK_INT(pair.code, ==, EPROTO);
	CHECK_INT(pair.fault.kind, ==, WEFT_TLS_REFUSED);
	return fault;
}

BOTH_CASE(an_expired_certificate_is_refused)
{
	struct weft_tls_fault fault =
		refuse_certificate(&(struct certificate){.from_s = -20 * DAY_S, .until_s = -DAY_S});

	CHECK_INT(fault.kind, ==, WEFT_TLS_EXPIRED);
	CHECK(strstr(fault.text, "CN=weft test expired at 20") != NULL);
}

CHECK_CASE(a_certificate_that_is_not_valid_yet_is_refused)
{
	struct weft_tls_fault fault =
		refuse_certificate(&(struct certificate){.from_s = DAY_S, .until_s = 20 * DAY_S});

	CHECK_INT(fault.kind, ==, WEFT_TLS_NOT_YET_VALID);
}

CHECK_CASE(a_certificate_for_another_host_is_refused_by_name)
{
	struct weft_tls_fault fault;
	struct weft_stream *stream;
	struct pair pair;

	pair_prepare(&pair);
	certificate_make(&pair.authority, "server",
		&(struct certificate){.hosts = "DNS:a.test,DNS:*.b.test"});
	pair_start(&pair, NULL, NULL);
	stream = weft_stream_connect(pair.address);
	CHECK_ERRNO(weft_stream_start_tls(stream, pair.client_tls, "x.y.b.test"), EPROTO);
	fault = *weft_stream_tls_fault(stream);
	weft_stream_free(stream);
	CHECK_INT(fault.kind, ==, WEFT_TLS_WRONG_HOST);
	CHECK_STR(fault.text, "the certificate is for a.test, *.b.test, not for x.y.b.test");
	pair_end(&pair);
}

CHECK_CASE(an_address_with_a_zone_is_looked_for_without_it)
{
	struct weft_stream *stream;
	struct pair pair;

	pair_prepare(&pair);
	certificate_make(&pair.authority, "server", &(struct certificate){.hosts = "IP:fe80::1"});
	pair_start(&pair, NULL, NULL);
	stream = weft_stream_connect(pair.address);
	CHECK_INT(weft_stream_start_tls(stream, pair.client_tls, "fe80::1%eth0"), ==, 0);
	weft_stream_free(stream);
	pair_end(&pair);
}

CHECK_CASE(a_certificate_for_another_address_is_refused)
{
	struct weft_tls_fault fault =
		refuse_certificate(&(struct certificate){.hosts = "IP:127.0.0.2,DNS:localhost"});

	CHECK_INT(fault.kind, ==, WEFT_TLS_WRONG_HOST);
	CHECK(strstr(fault.text, "127.0.0.2") != NULL);
}

CHECK_CASE(a_name_inside_a_wildcard_and_with_a_dot_behind_is_accepted)
{
	struct pair pair;

	pair_prepare(&pair);
	certificate_make(&pair.authority, "server", &(struct certificate){.hosts = "DNS:*.b.test"});
	pair_start(&pair, NULL, NULL);
	pair.client = weft_stream_connect(pair.address);
	CHECK_INT(weft_stream_start_tls(pair.client, pair.client_tls, "x.b.test."), ==, 0);
	CHECK_STR(weft_stream_tls(pair.client)->server_name, "x.b.test");
	say(pair.client, "hello\n");
	hear(pair.client, "hello\n");
	pair_end(&pair);
	CHECK_STR(pair.facts.server_name, "x.b.test");
}

CHECK_CASE(an_address_of_ip_6_is_checked_without_its_brackets)
{
	struct weft_listener *listener = weft_listener_new("[::1]:0", NULL);
	struct pair pair;

	if (!listener) {
		printf("# no IPv6 here\n");
		return;
	}
	pair_prepare(&pair);
	weft_listener_free(pair.listener);
	pair.listener = listener;
	weft_address_print(weft_listener_address(listener), pair.address, sizeof(pair.address));
	certificate_make(&pair.authority, "server", &(struct certificate){.hosts = "IP:::1"});
	pair_start(&pair, NULL, NULL);
	pair_connect(&pair);
	CHECK(weft_stream_tls(pair.client)->is_verified);
	say(pair.client, "hello\n");
	hear(pair.client, "hello\n");
	pair_end(&pair);
	CHECK_STR(pair.facts.server_name, "");
}

BOTH_CASE(a_self_signed_certificate_is_refused)
{
	struct weft_tls_fault fault =
		refuse_certificate(&(struct certificate){.is_self_signed = true});

	CHECK_INT(fault.kind, ==, WEFT_TLS_SELF_SIGNED);
}

CHECK_CASE(a_certificate_by_an_unknown_authority_is_refused)
{
	struct authority other = {0};
	struct weft_tls_fault fault;
	struct pair pair;

	pair_prepare(&pair);
	authority_make(&other, "other");
	pair_start(&pair, NULL, &(struct weft_tls_client_options){.issuers = path_of("other.pem")});
	fault = pair_refuse(&pair);
	CHECK_INT(fault.kind, ==, WEFT_TLS_UNKNOWN_ISSUER);
	pair_end(&pair);
	authority_end(&other);
}

CHECK_CASE(the_system_s_authorities_do_not_know_ours)
{
	struct weft_tls_fault fault;
	struct pair pair;

	pair_prepare(&pair);
	pair_start(&pair, NULL, NULL);
	weft_tls_free(pair.client_tls);
	pair.client_tls = weft_tls_client_new(NULL, NULL);
	CHECK(pair.client_tls != NULL);
	fault = pair_refuse(&pair);
	CHECK_INT(fault.kind, ==, WEFT_TLS_UNKNOWN_ISSUER);
	pair_end(&pair);
}

CHECK_CASE(the_system_s_authorities_are_trusted)
{
	struct pair pair;

	pair_prepare(&pair);
	pair_start(&pair, NULL, NULL);
	weft_tls_free(pair.client_tls);
	/* Where the system keeps them is said in the environment, too: openssl-env(7). */
	CHECK_INT(setenv("SSL_CERT_FILE", path_of("authority.pem"), 1), ==, 0);
	pair.client_tls = weft_tls_client_new(NULL, NULL);
	CHECK(pair.client_tls != NULL);
	pair_connect(&pair);
	CHECK(weft_stream_tls(pair.client)->is_verified);
	pair_end(&pair);
}

CHECK_CASE(a_name_in_a_certificate_can_not_forge_a_line_of_a_log)
{
	struct weft_tls_fault fault = refuse_certificate(
		&(struct certificate){.name = "a\nb\033[2J\xc3\xa9", .is_self_signed = true});

	for (const char *byte = fault.text; *byte; byte++)
		CHECK(*byte >= ' ' && *byte <= '~');
}

CHECK_CASE(who_accepts_anybody_is_not_verified)
{
	struct pair pair;

	pair_prepare(&pair);
	certificate_make(&pair.authority, "server", &(struct certificate){.is_self_signed = true});
	pair_start(&pair, NULL, &(struct weft_tls_client_options){.accepts_anybody = true});
	pair.client = weft_stream_connect(pair.address);
	CHECK_INT(weft_stream_start_tls(pair.client, pair.client_tls, NULL), ==, 0);
	CHECK(!weft_stream_tls(pair.client)->is_verified);
	CHECK_STR(weft_stream_tls(pair.client)->server_name, "");
	say(pair.client, "hello\n");
	hear(pair.client, "hello\n");
	pair_end(&pair);
}

/* ---- Several certificates -------------------------------------------------------------- */

/* Whose certificate does the server show to who asks for the name? */
static void expect_identity(struct pair *pair, const char *name, const char *expected)
{
	struct weft_stream *stream = weft_stream_connect(pair->address);

	CHECK_INT(weft_stream_start_tls(stream, pair->client_tls, name), ==, 0);
	CHECK_STR(weft_stream_tls(stream)->peer, expected);
	/* Who leaves before the server is done may make its handshake fail. */
	say(stream, "hello\n");
	hear(stream, "hello\n");
	weft_stream_free(stream);
}

CHECK_CASE(the_name_asked_for_chooses_the_certificate)
{
	struct weft_tls_identity others[2];
	struct pair pair;

	pair_prepare(&pair);
	certificate_make(&pair.authority, "server",
		&(struct certificate){.name = "one", .hosts = "DNS:one.test"});
	certificate_make(&pair.authority, "two",
		&(struct certificate){.name = "two", .hosts = "DNS:two.test,DNS:*.two.test"});
	certificate_make(&pair.authority, "three",
		&(struct certificate){.name = "three", .hosts = "DNS:three.test"});
	others[0] = (struct weft_tls_identity){path_of("two.pem"), path_of("two.key")};
	others[1] = (struct weft_tls_identity){path_of("three.pem"), NULL};
	pair.connections = 4;
	pair_start(&pair, &(struct weft_tls_server_options){.others = others, .others_count = 2},
		NULL);
	expect_identity(&pair, "one.test", "CN=one");
	expect_identity(&pair, "two.test", "CN=two");
	expect_identity(&pair, "a.two.test", "CN=two");
	expect_identity(&pair, "three.test", "CN=three");
	pair_end(&pair);
}

CHECK_CASE(a_name_that_no_certificate_is_for_is_shown_the_first)
{
	struct weft_tls_identity other;
	struct pair pair;

	pair_prepare(&pair);
	certificate_make(&pair.authority, "two", &(struct certificate){.hosts = "DNS:two.test"});
	other = (struct weft_tls_identity){path_of("two.pem"), NULL};
	pair_start(&pair, &(struct weft_tls_server_options){.others = &other, .others_count = 1},
		&(struct weft_tls_client_options){.accepts_anybody = true});
	expect_identity(&pair, "nobody.test", "CN=weft test");
	pair_end(&pair);
	CHECK_STR(pair.facts.server_name, "nobody.test");
}

/* ---- Who the client is ------------------------------------------------------------------- */

static struct weft_tls_server_options asking(bool needs)
{
	return (struct weft_tls_server_options){
		.client_issuers = path_of("authority.pem"), .needs_client_certificate = needs};
}

CHECK_CASE(a_client_shows_its_certificate)
{
	struct weft_tls_server_options server;
	struct weft_tls_client_options client;
	struct pair pair;

	pair_prepare(&pair);
	certificate_make(&pair.authority, "ann", &(struct certificate){.name = "ann"});
	server = asking(true);
	client = (struct weft_tls_client_options){
		.certificate = path_of("ann.pem"), .key = path_of("ann.key")};
	pair_start(&pair, &server, &client);
	pair_connect(&pair);
	say(pair.client, "hello\n");
	hear(pair.client, "hello\n");
	pair_end(&pair);
	CHECK_STR(pair.facts.peer, "CN=ann");
	CHECK(pair.facts.is_verified);
}

CHECK_CASE(a_client_without_the_certificate_that_is_needed_is_refused)
{
	struct weft_tls_server_options server;
	const char *line;
	struct pair pair;

	pair_prepare(&pair);
	server = asking(true);
	pair_start(&pair, &server, NULL);
	/* Its handshake is done before the server has looked (RFC 8446, 4.4.2.4): it learns
	 * with its first read. */
	pair_connect(&pair);
	CHECK_ERRNO(weft_stream_readline(pair.client, &line), EPROTO);
	CHECK_INT(weft_stream_tls_fault(pair.client)->kind, ==, WEFT_TLS_REFUSED);
	CHECK_STR(weft_stream_tls_fault(pair.client)->text, "the peer needs a certificate of ours");
	pair_end(&pair);
	CHECK_INT(pair.code, ==, EPROTO);
	CHECK_INT(pair.fault.kind, ==, WEFT_TLS_NO_CERTIFICATE);
}

CHECK_CASE(a_client_may_do_without_a_certificate_that_is_only_asked_for)
{
	struct weft_tls_server_options server;
	struct pair pair;

	pair_prepare(&pair);
	server = asking(false);
	pair_start(&pair, &server, NULL);
	pair_connect(&pair);
	say(pair.client, "hello\n");
	hear(pair.client, "hello\n");
	pair_end(&pair);
	CHECK_STR(pair.facts.peer, "");
	CHECK(!pair.facts.is_verified);
}

CHECK_CASE(a_client_s_certificate_by_an_unknown_authority_is_refused)
{
	struct weft_tls_server_options server;
	struct weft_tls_client_options client;
	struct authority other = {0};
	const char *line;
	struct pair pair;

	pair_prepare(&pair);
	authority_make(&other, "other");
	certificate_make(&other, "eve", &(struct certificate){.name = "eve"});
	server = asking(false);
	client = (struct weft_tls_client_options){.certificate = path_of("eve.pem")};
	pair_start(&pair, &server, &client);
	pair_connect(&pair);
	CHECK_ERRNO(weft_stream_readline(pair.client, &line), EPROTO);
	CHECK_INT(weft_stream_tls_fault(pair.client)->kind, ==, WEFT_TLS_REFUSED);
	pair_end(&pair);
	CHECK_INT(pair.fault.kind, ==, WEFT_TLS_UNKNOWN_ISSUER);
	authority_end(&other);
}

CHECK_MAIN()
