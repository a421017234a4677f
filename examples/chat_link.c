/*
 * chat_link.c - sealed, reliable messages over UDP: a server that shouts back, and a client.
 *
 *	chat_link serve ADDRESS PASSWORD
 *	chat_link ask ADDRESS PASSWORD WORD...
 *
 *	./chat_link serve 127.0.0.1:7777 secret &
 *	./chat_link ask 127.0.0.1:7777 secret hello there
 *
 * The server prints its key; a client that trusts nobody at first sight would compare it with
 * what it kept. Here the key is another one in each life; a real server keeps it in a file.
 */
#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <weft/chat_port.h>
#include <weft/fiber.h>

static char **words;
static int word_count;

/* ---- The server ---------------------------------------------------------------------------- */

static int shout(void *arg)
{
	struct weft_chat_session *session = arg;
	const struct weft_chat_link_login *login = weft_chat_session_login(session);
	char text[1000];
	ssize_t len;

	if (login && strcmp(login->secret, words[1]) == 0)
		weft_chat_session_welcome(session, "say something");
	else
		weft_chat_session_refuse(session, "that is not the password");
	while ((len = weft_chat_session_receive(session, text, sizeof(text))) >= 0) {
		for (ssize_t i = 0; i < len; i++)
			text[i] = (char)toupper((unsigned char)text[i]);
		weft_chat_session_send(session, text, (size_t)len);
	}
	weft_chat_session_free(session);
	return 0;
}

static int serve(void *arg)
{
	uint8_t secret[WEFT_CHAT_LINK_KEY_SIZE], key[WEFT_CHAT_LINK_KEY_SIZE];
	char text[WEFT_CHAT_LINK_FINGERPRINT_SIZE];
	struct weft_chat_endpoint_options endpoint = {.secret_key = secret};
	struct weft_chat_port_options options = {.endpoint = &endpoint};
	struct weft_chat_session *session;
	struct weft_chat_port *port;

	(void)arg;
	if (weft_chat_link_key_new(secret) < 0 || weft_chat_link_key_public(secret, key) < 0 ||
		weft_chat_link_key_print(key, text) < 0)
		return -1;
	port = weft_chat_port_new(weft_udp_new(words[0], NULL), &options);
	if (!port)
		return -1;
	printf("%s\n", text);
	fflush(stdout);
	while ((session = weft_chat_port_accept(port)))
		weft_detach(weft_spawn(shout, session));
	return -1;
}

/* ---- The client ---------------------------------------------------------------------------- */

static int say(struct weft_chat_session *session)
{
	char text[1000];

	for (int i = 2; i < word_count; i++)
		if (weft_chat_session_send(session, words[i], strlen(words[i])) < 0)
			return -1;
	for (int i = 2; i < word_count; i++) {
		ssize_t len = weft_chat_session_receive(session, text, sizeof(text));

		if (len < 0)
			return -1;
		printf("%.*s\n", (int)len, text);
	}
	return weft_chat_session_close(session, "bye");
}

static int ask(void *arg)
{
	struct weft_chat_link_connect_options login = {
		.login = {"somebody", words[1], WEFT_CHAT_LINK_PASSWORD}};
	struct weft_chat_session *session = NULL;
	struct weft_chat_ending ending;
	struct weft_address address;
	struct weft_chat_port *port;
	int result = -1;

	(void)arg;
	if (weft_address_resolve(&address, 1, words[0]) < 0)
		return -1;
	port = weft_chat_port_new(weft_udp_new("0.0.0.0:0", NULL), NULL);
	if (port)
		session = weft_chat_port_connect(port, &address, &login, &ending);
	if (session)
		result = say(session);
	else if (port && ending.why)
		fprintf(stderr, "%s: %s\n", weft_chat_link_why_text(ending.why), ending.reason);
	weft_chat_session_free(session);
	weft_chat_port_free(port);
	return result;
}

int main(int argc, char **argv)
{
	bool is_server = argc == 4 && strcmp(argv[1], "serve") == 0;

	words = argv + 2;
	word_count = argc - 2;
	if (!is_server && (argc < 5 || strcmp(argv[1], "ask") != 0)) {
		fprintf(stderr, "usage: chat_link serve ADDRESS PASSWORD\n"
				"       chat_link ask ADDRESS PASSWORD WORD...\n");
		return 2;
	}
	if (weft_run(NULL, is_server ? serve : ask, NULL) == 0)
		return 0;
	perror("chat_link");
	return 1;
}
