/*
 * test_tls_peers.c - TLS with what others have written: openssl's client and server, curl,
 * Python's ssl module.
 *
 * check: drivers
 */
#include <fcntl.h>
#include <stdarg.h>

#include "io/tls_pair.h"

enum { OUTPUT_MAX = 1 << 16 };

static char output[OUTPUT_MAX];

/* Run a shell command to its end; `output` has what it printed. Its exit status. */
__attribute__((format(printf, 1, 2))) static int tool(const char *format, ...)
{
	char command[2048], line[4096 + 64];
	size_t len = 0, count;
	va_list args;
	FILE *pipe;
	int status;

	va_start(args, format);
	vsnprintf(command, sizeof(command), format, args);
	va_end(args);
	snprintf(line, sizeof(line), "cd %s && { %s\n} 2>&1", certificates_folder, command);
	pipe = popen(line, "re");
	CHECK(pipe != NULL);
	while ((count = fread(output + len, 1, OUTPUT_MAX - 1 - len, pipe)) > 0)
		len += count;
	output[len] = '\0';
	status = pclose(pipe);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

#define CHECK_OUTPUT(text)                                                                  \
	do {                                                                                \
		if (!strstr(output, (text)))                                                \
			check_fail(__FILE__, __LINE__, "no \"%s\" in: %s", (text), output); \
	} while (0)

#define CHECK_NO_OUTPUT(text)                                                            \
	do {                                                                             \
		if (strstr(output, (text)))                                              \
			check_fail(__FILE__, __LINE__, "\"%s\" in: %s", (text), output); \
	} while (0)

/* ---- Our server ----------------------------------------------------------------------------- */

/* A line is echoed, then it is over; a request is answered with the file named "page". */
static int answer(struct weft_stream *peer, void *arg)
{
	const char *line;
	ssize_t len = weft_stream_readline(peer, &line);
	struct stat status;
	bool is_http;
	int fd, result;

	(void)arg;
	if (len <= 0)
		return (int)len;
	is_http = len > 4 && memcmp(line, "GET ", 4) == 0;
	if (!is_http)
		return weft_stream_write_all(peer, line, (size_t)len) < 0 ||
				       weft_stream_flush(peer) < 0
			       ? -1
			       : 0;
	while (len > 2)
		len = weft_stream_readline(peer, &line);
	fd = open(path_of("page"), O_RDONLY);
	CHECK(fd >= 0 && fstat(fd, &status) == 0);
	weft_stream_printf(peer, "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n");
	result = weft_stream_sendfile(peer, fd, 0, (size_t)status.st_size);
	close(fd);
	return result < 0 ? -1 : weft_stream_shutdown_write(peer);
}

static void serve_tools(
	struct pair *pair, unsigned connections, const struct weft_tls_server_options *options)
{
	pair_prepare(pair);
	pair->connections = connections;
	pair->handler = answer;
	pair_start(pair, options, NULL);
}

static int s_client(const struct pair *pair, const char *input, const char *options)
{
	return tool("printf '%s' | timeout 100 openssl s_client -connect %s -CAfile authority.pem "
		    "-verify_return_error -ign_eof %s",
		input, pair->address, options);
}

CHECK_CASE(openssl_s_client_talks_to_us_in_both_versions)
{
	static const char *const versions[] = {"-tls1_3", "-tls1_2"};
	static const char *const names[] = {"TLSv1.3", "TLSv1.2"};

	for (int i = 0; i < 2; i++) {
		struct pair pair;

		serve_tools(&pair, 1, NULL);
		CHECK_INT(s_client(&pair, "hello you\\n", versions[i]), ==, 0);
		CHECK_OUTPUT("hello you");
		CHECK_OUTPUT("Verification: OK");
		CHECK_OUTPUT(names[i]);
		/* Ended by close_notify, not just so. */
		CHECK_NO_OUTPUT("unexpected eof");
		pair_end(&pair);
		CHECK_INT(pair.result, ==, 0);
		CHECK_STR(pair.facts.version, names[i]);
	}
}

CHECK_CASE(tls_1_1_is_too_old)
{
	struct pair pair;

	serve_tools(&pair, 1, NULL);
	CHECK(s_client(&pair, "", "-tls1_1 -cipher DEFAULT@SECLEVEL=0") != 0);
	CHECK_OUTPUT("alert protocol version");
	pair_end(&pair);
	CHECK_INT(pair.code, ==, EPROTO);
	CHECK_INT(pair.fault.kind, ==, WEFT_TLS_NOTHING_SHARED);
}

CHECK_CASE(a_cipher_without_forward_secrecy_is_refused)
{
	struct pair pair;

	serve_tools(&pair, 1, NULL);
	CHECK(s_client(&pair, "", "-tls1_2 -cipher AES128-SHA:ECDHE-ECDSA-AES128-SHA") != 0);
	pair_end(&pair);
	CHECK_INT(pair.fault.kind, ==, WEFT_TLS_NOTHING_SHARED);
}

CHECK_CASE(openssl_s_client_is_shown_the_certificate_and_protocol_it_asks_for)
{
	static const char *const protocols[] = {"h2", "http/1.1", NULL};
	struct weft_tls_identity other;
	struct pair pair;

	pair_prepare(&pair);
	certificate_make(&pair.authority, "two",
		&(struct certificate){.name = "number two", .hosts = "DNS:two.test"});
	other = (struct weft_tls_identity){path_of("two.pem"), NULL};
	pair.handler = answer;
	pair_start(&pair,
		&(struct weft_tls_server_options){
			.others = &other, .others_count = 1, .protocols = protocols},
		NULL);
	CHECK_INT(s_client(&pair, "x\\n",
			  "-servername two.test -verify_hostname two.test -alpn http/1.1"),
		==, 0);
	CHECK_OUTPUT("subject=CN = number two");
	CHECK_OUTPUT("ALPN protocol: http/1.1");
	pair_end(&pair);
	CHECK_STR(pair.facts.server_name, "two.test");
}

CHECK_CASE(openssl_s_client_resumes_its_session)
{
	static const char *const versions[] = {"-tls1_3", "-tls1_2"};
	char options[64];

	for (int i = 0; i < 2; i++) {
		struct pair pair;

		serve_tools(&pair, 2, NULL);
		snprintf(options, sizeof(options), "%s -sess_out session", versions[i]);
		CHECK_INT(s_client(&pair, "x\\n", options), ==, 0);
		CHECK_OUTPUT("New, TLSv1.");
		snprintf(options, sizeof(options), "%s -sess_in session", versions[i]);
		CHECK_INT(s_client(&pair, "x\\n", options), ==, 0);
		CHECK_OUTPUT("Reused, TLSv1.");
		pair_end(&pair);
		CHECK(pair.facts.is_resumed);
	}
}

CHECK_CASE(renegotiation_is_refused)
{
	struct pair pair;

	serve_tools(&pair, 1, NULL);
	/* The standard input stays open, and says only "renegotiate". */
	CHECK(tool("mkfifo input && exec 3<>input && echo R >&3 && timeout 100 openssl s_client "
		   "-connect %s -tls1_2 <&3",
		      pair.address) != 0);
	CHECK_OUTPUT("no renegotiation");
	pair_end(&pair);
	CHECK_STR(pair.facts.version, "TLSv1.2");
}

/* ---- curl ---------------------------------------------------------------------------------------
 */

static void make_page(void)
{
	enum { LEN = 3000001 };
	char *data = malloc(LEN);
	FILE *file = fopen(path_of("page"), "w");

	fill_pattern(data, LEN);
	CHECK(file && fwrite(data, 1, LEN, file) == LEN);
	CHECK_INT(fclose(file), ==, 0);
	free(data);
}

CHECK_CASE(curl_fetches_a_file_of_megabytes_whole)
{
	struct pair pair;

	serve_tools(&pair, 2, NULL);
	make_page();
	CHECK_INT(tool("timeout 100 curl -sS --cacert authority.pem https://%s/ -o copy && "
		       "cmp page copy",
			  pair.address),
		==, 0);
	CHECK_INT(tool("timeout 100 curl -sS --tls-max 1.2 --cacert authority.pem https://%s/ "
		       "-o copy && cmp page copy",
			  pair.address),
		==, 0);
	pair_end(&pair);
	CHECK_STR(pair.facts.version, "TLSv1.2");
}

CHECK_CASE(curl_refuses_a_server_that_it_does_not_know)
{
	struct pair pair;

	serve_tools(&pair, 1, NULL);
	make_page();
	CHECK_INT(tool("timeout 100 curl -sS https://%s/ -o copy", pair.address), ==, 60);
	pair_end(&pair);
	CHECK_INT(pair.fault.kind, ==, WEFT_TLS_REFUSED);
}

CHECK_CASE(curl_shows_its_certificate)
{
	struct pair pair;

	pair_prepare(&pair);
	certificate_make(&pair.authority, "ann", &(struct certificate){.name = "ann"});
	make_page();
	pair.handler = answer;
	pair_start(&pair,
		&(struct weft_tls_server_options){.client_issuers = path_of("authority.pem"),
			.needs_client_certificate = true},
		NULL);
	CHECK_INT(tool("timeout 100 curl -sS --cacert authority.pem --cert ann.pem https://%s/ "
		       "-o copy && cmp page copy",
			  pair.address),
		==, 0);
	pair_end(&pair);
	CHECK_STR(pair.facts.peer, "CN=ann");
}

CHECK_CASE(curl_speaking_plain_http_is_recognized)
{
	struct pair pair;

	serve_tools(&pair, 1, NULL);
	CHECK(tool("timeout 100 curl -sS http://%s/", pair.address) != 0);
	pair_end(&pair);
	CHECK_INT(pair.fault.kind, ==, WEFT_TLS_NOT_TLS);
	CHECK_STR(pair.fault.text, "the peer speaks HTTP without TLS");
}

/* ---- Python
 * --------------------------------------------------------------------------------------- */

#define PYTHON_CLIENT                                                    \
	"import socket, ssl, sys\n"                                      \
	"host, port = sys.argv[1].split(':')\n"                          \
	"context = ssl.create_default_context(cafile='authority.pem')\n" \
	"plain = socket.create_connection((host, int(port)))\n"          \
	"peer = context.wrap_socket(plain, server_hostname=host,\n"      \
	"                           suppress_ragged_eofs=False)\n"       \
	"peer.sendall(b'hello from Python\\n')\n"

static int python(const struct pair *pair, const char *script)
{
	FILE *file = fopen(path_of("script.py"), "w");

	CHECK(file != NULL);
	fputs(script, file);
	CHECK_INT(fclose(file), ==, 0);
	return tool("timeout 100 python3 script.py %s", pair->address);
}

CHECK_CASE(python_sees_the_end_that_we_tell_it)
{
	struct pair pair;

	serve_tools(&pair, 1, NULL);
	CHECK_INT(python(&pair, PYTHON_CLIENT "print(peer.recv(100), peer.recv(100))\n"), ==, 0);
	CHECK_OUTPUT("b'hello from Python\\n' b''");
	pair_end(&pair);
}

CHECK_CASE(we_see_the_end_that_python_tells_us)
{
	struct pair pair;

	serve_tools(&pair, 1, NULL);
	pair.handler = NULL;
	CHECK_INT(python(&pair, PYTHON_CLIENT "print(peer.recv(100))\npeer.unwrap()\n"), ==, 0);
	CHECK_OUTPUT("hello from Python");
	pair_end(&pair);
	CHECK_INT(pair.result, ==, 0);
}

CHECK_CASE(we_see_that_python_just_left)
{
	struct pair pair;

	serve_tools(&pair, 1, NULL);
	pair.handler = NULL;
	CHECK_INT(python(&pair, PYTHON_CLIENT "print(peer.recv(100))\nplain.close()\n"
					      "peer.close()\n"),
		==, 0);
	pair_end(&pair);
	CHECK_INT(pair.code, ==, EPROTO);
	CHECK_INT(pair.fault.kind, ==, WEFT_TLS_CUT_OFF);
}

/* ---- Our client
 * --------------------------------------------------------------------------------------- */

/* Start a server; the line that it prints with a port in it becomes the pair's address. */
static FILE *start_tool_server(struct pair *pair, const char *command)
{
	char line[512], *port;
	FILE *pipe;

	snprintf(line, sizeof(line), "cd %s && exec timeout 100 %s 2>&1", certificates_folder,
		command);
	pipe = popen(line, "re");
	CHECK(pipe != NULL);
	do {
		CHECK(fgets(line, sizeof(line), pipe) != NULL);
		port = strstr(line, "127.0.0.1:");
	} while (!port);
	port[strcspn(port, "\n")] = '\0';
	snprintf(pair->address, sizeof(pair->address), "%s", port);
	return pipe;
}

static void meet_s_server(struct pair *pair, const char *options, const char *version)
{
	char command[300];
	FILE *server;

	snprintf(command, sizeof(command),
		"openssl s_server -accept 127.0.0.1:0 -naccept 2 -cert server.pem -rev %s",
		options);
	server = start_tool_server(pair, command);
	for (int i = 0; i < 2; i++) {
		pair_connect(pair);
		CHECK_STR(weft_stream_tls(pair->client)->version, version);
		CHECK(weft_stream_tls(pair->client)->is_verified);
		CHECK_INT(weft_stream_tls(pair->client)->is_resumed, ==, i > 0);
		say(pair->client, "abcdef\n");
		hear(pair->client, "fedcba\n");
		weft_stream_free(pair->client);
	}
	pclose(server);
}

BOTH_CASE(we_talk_to_openssl_s_server_and_resume)
{
	struct pair pair;

	pair_prepare(&pair);
	pair.client_tls = client_tls(NULL);
	meet_s_server(&pair, "-tls1_3", "TLSv1.3");
	weft_tls_reload(pair.client_tls, NULL);
	meet_s_server(&pair, "-tls1_2", "TLSv1.2");
	weft_tls_free(pair.client_tls);
	weft_listener_free(pair.listener);
	authority_end(&pair.authority);
}

#define PYTHON_SERVER                                                     \
	"import socket, ssl, sys\n"                                       \
	"context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)\n"             \
	"context.load_cert_chain('server.pem')\n"                         \
	"context.set_alpn_protocols(['b', 'a'])\n"                        \
	"listener = socket.create_server(('127.0.0.1', 0))\n"             \
	"print('127.0.0.1:%d' % listener.getsockname()[1], flush=True)\n" \
	"plain = listener.accept()[0]\n"                                  \
	"peer = context.wrap_socket(plain, server_side=True)\n"           \
	"got = peer.recv(100)\n"                                          \
	"peer.sendall(got * 2 if got else b'nothing')\n"

/* What comes behind the doubled line "ab" when the server ends so. */
static ssize_t meet_python(struct pair *pair, const char *script)
{
	static const char *const protocols[] = {"a", "b", NULL};
	FILE *file, *server;
	const char *line;
	ssize_t len;

	pair_prepare(pair);
	file = fopen(path_of("script.py"), "w");
	CHECK(file != NULL);
	fputs(script, file);
	CHECK_INT(fclose(file), ==, 0);
	server = start_tool_server(pair, "python3 script.py");
	pair->client_tls = client_tls(&(struct weft_tls_client_options){.protocols = protocols});
	pair_connect(pair);
	CHECK_STR(weft_stream_tls(pair->client)->protocol, "b");
	say(pair->client, "ab\n");
	hear(pair->client, "ab\n");
	hear(pair->client, "ab\n");
	len = weft_stream_readline(pair->client, &line);
	pair->code = len < 0 ? errno : 0;
	pair->fault = *weft_stream_tls_fault(pair->client);
	weft_stream_free(pair->client);
	pclose(server);
	weft_tls_free(pair->client_tls);
	weft_listener_free(pair->listener);
	authority_end(&pair->authority);
	return len;
}

CHECK_CASE(a_python_server_that_says_goodbye_has_ended)
{
	struct pair pair;

	CHECK_INT(meet_python(&pair, PYTHON_SERVER "peer.unwrap()\n"), ==, 0);
}

CHECK_CASE(a_python_server_that_just_leaves_has_not)
{
	struct pair pair;

	CHECK_INT(meet_python(&pair, PYTHON_SERVER "peer.close()\n"), ==, -1);
	CHECK_INT(pair.code, ==, EPROTO);
	CHECK_INT(pair.fault.kind, ==, WEFT_TLS_CUT_OFF);
}

CHECK_MAIN()
