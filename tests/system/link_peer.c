/*
 * link_peer.c - a client of sealed chat for tests: what comes on its standard input, a socket, goes
 * through a link, a line a message, and back.
 *
 *	link_peer ADDRESS guest NAME
 *	link_peer ADDRESS password|token|session NAME SECRET
 *
 * The first line says "!open KEY", or "!no WHY: REASON"; the last "!over WHY: REASON". "!move" goes
 * on from another port, "!close" ends it.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "weft/chat_port.h"
#include "weft/fiber.h"
#include "weft/lock.h"
#include "weft/scope.h"
#include "weft/stream.h"

#define MESSAGE_MAX 65536

static char **words;
static struct weft_chat_port *port;
static struct weft_chat_session *session;
static struct weft_stream *test;
static struct weft_lock writing; /* both fibers do */

static void put(const char *bytes, size_t len)
{
	WEFT_SHIELDED {
		weft_lock_acquire(&writing);
		weft_stream_write_all(test, bytes, len);
		weft_stream_flush(test);
		weft_lock_release(&writing);
	}
}

static void say(const char *format, ...)
{
	char line[512];
	va_list args;

	va_start(args, format);
	vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	put(line, strlen(line));
}

static void move(void)
{
	weft_chat_port_move(port, weft_udp_new("127.0.0.1:0", NULL));
	say("!moved\n");
}

static int send_lines(void *arg)
{
	const char *line;
	ssize_t len;

	(void)arg;
	while ((len = weft_stream_readline(test, &line)) > 0) {
		if (len == 6 && memcmp(line, "!move\n", 6) == 0)
			move();
		else if (len == 7 && memcmp(line, "!close\n", 7) == 0)
			break;
		else if (weft_chat_session_send(session, line, (size_t)len) < 0)
			return 0;
	}
	weft_chat_session_close(session, "bye");
	return 0;
}

static void talk(void)
{
	static char message[MESSAGE_MAX];
	char key[WEFT_CHAT_LINK_FINGERPRINT_SIZE];
	struct weft_chat_ending ending;
	weft_fiber_id sender;
	ssize_t len;

	weft_chat_session_ending(session, &ending);
	weft_chat_link_key_print(ending.peer_key, key);
	say("!open %s\n", key);
	sender = weft_spawn(send_lines, NULL);
	while ((len = weft_chat_session_receive(session, message, sizeof(message))) >= 0)
		put(message, (size_t)len);
	weft_chat_session_ending(session, &ending);
	say("!over %s: %s\n", weft_chat_link_why_text(ending.why), ending.reason);
	weft_cancel(sender);
	weft_join(sender, NULL, WEFT_FOREVER);
}

static int run(void *arg)
{
	static const char *const kinds[] = {"guest", "password", "token", "session"};
	struct weft_chat_link_connect_options options = {.login = {.name = words[2]}};
	struct weft_chat_ending ending;
	struct weft_address address;

	(void)arg;
	for (int i = 0; i < 4; i++)
		if (strcmp(words[1], kinds[i]) == 0)
			options.login.kind = (enum weft_chat_link_secret)i;
	options.login.secret = options.login.kind ? words[3] : NULL;
	weft_lock_init(&writing, "what the test reads");
	test = weft_stream_new(dup(STDIN_FILENO));
	port = weft_chat_port_new(weft_udp_new("127.0.0.1:0", NULL), NULL);
	if (!test || !port || weft_address_resolve(&address, 1, words[0]) < 0)
		return -1;
	session = weft_chat_port_connect(port, &address, &options, &ending);
	if (session)
		talk();
	else
		say("!no %s: %s\n", weft_chat_link_why_text(ending.why), ending.reason);
	weft_chat_session_free(session);
	weft_chat_port_free(port);
	weft_stream_free(test);
	return 0;
}

int main(int argc, char **argv)
{
	words = argv + 1;
	if (argc < 4 || (strcmp(argv[2], "guest") != 0 && argc < 5))
		return 2;
	return weft_run(NULL, run, NULL) == 0 ? 0 : 1;
}
