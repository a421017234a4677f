/*
 * chat_say.c - says a line in the lobby of `weft serve --chat`, by sealed datagrams, and prints
 * what comes, until the server ends or somebody interrupts it.
 *
 *	weft serve --chat 127.0.0.1:7070
 *	./chat_say 127.0.0.1:7070 mia 'hello all'
 *
 * The lines are those of docs/chat-protocol.md; the link below them keeps them whole and in order,
 * also when the network loses some or this machine gets another address. The server prints its
 * key's fingerprint: compare. Who has an account and the server's key from somewhere he trusts
 * puts that into server_key, and a password into login.
 */
#include <stdio.h>
#include <string.h>
#include <weft/chat_port.h>
#include <weft/fiber.h>

#define MESSAGE_MAX 65536 /* what the server may say at once */

static const char *server, *name, *text;

static int say(struct weft_chat_session *session)
{
	char line[2000];
	int len = snprintf(line, sizeof(line), "SAY lobby %s\n", text);

	if (len >= (int)sizeof(line) || weft_chat_session_send(session, "JOIN lobby\n", 11) < 0)
		return -1;
	return weft_chat_session_send(session, line, (size_t)len);
}

static void talk(struct weft_chat_session *session)
{
	static char message[MESSAGE_MAX];
	char key[WEFT_CHAT_LINK_FINGERPRINT_SIZE];
	struct weft_chat_ending ending;
	ssize_t len;

	weft_chat_session_ending(session, &ending);
	weft_chat_link_key_print(ending.peer_key, key);
	printf("server %s\n", key);
	if (say(session) == 0)
		while ((len = weft_chat_session_receive(session, message, sizeof(message))) >= 0) {
			fwrite(message, 1, (size_t)len, stdout);
			fflush(stdout);
		}
	weft_chat_session_ending(session, &ending);
	printf("%s\n", weft_chat_link_why_text(ending.why));
}

static int run(void *arg)
{
	struct weft_chat_link_connect_options options = {.login = {.name = name}};
	struct weft_chat_session *session = NULL;
	struct weft_chat_ending ending = {.why = WEFT_CHAT_LINK_NOT_OVER};
	struct weft_chat_port *port = NULL;
	struct weft_address address;

	(void)arg;
	if (weft_address_resolve(&address, 1, server) > 0)
		port = weft_chat_port_new(
			weft_udp_new(
				address.any.sa_family == AF_INET ? "0.0.0.0:0" : "[::]:0", NULL),
			NULL);
	if (port)
		session = weft_chat_port_connect(port, &address, &options, &ending);
	if (session)
		talk(session);
	else if (ending.why)
		fprintf(stderr, "%s: %s\n", weft_chat_link_why_text(ending.why), ending.reason);
	else
		perror(server);
	weft_chat_session_free(session);
	weft_chat_port_free(port);
	return session ? 0 : -1;
}

int main(int argc, char **argv)
{
	if (argc != 4) {
		fprintf(stderr, "usage: chat_say HOST:PORT NAME TEXT\n");
		return 2;
	}
	server = argv[1];
	name = argv[2];
	text = argv[3];
	return weft_run(NULL, run, NULL) == 0 ? 0 : 1;
}
