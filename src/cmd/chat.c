/*
 * chat.c - `weft chat`: talk in a hub's rooms (chat.h says which file does what).
 *
 * Entry point: weft__cmd_chat().
 *
 * Never: takes a password from the command line, where everybody on the machine can read it.
 */
#include "chat.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <langinfo.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "account.h"
#include "service.h"
#include "weft/utf8.h"

/** Older messages that a room begins with, on a terminal. */
#define SCREEN_HISTORY 50

/** Without a connection, in a pipe; people on a terminal decide themselves. */
#define PATIENCE_NS WEFT_SECONDS(60)

#define HISTORY_MAX 1000

/** Passwords that are asked for, where one is wrong. */
#define PASSWORDS_MAX 3

static const char help[] =
	"usage: weft chat [HOST[:PORT]] [OPTION]...\n"
	"\n"
	"Talk in a hub's rooms, on a terminal or in a pipe. Without HOST, hubs on the local\n"
	"network are looked for.\n"
	"\n"
	"  weft chat hub.example                     on a terminal: /help tells the commands\n"
	"  echo done | weft chat hub.example --room builds\n"
	"  weft chat hub.example --room builds --follow --json\n"
	"\n"
	"  HOST                 host or address, tls://HOST, unix:/PATH (ports: " CHAT_PORT
	", " CHAT_PORT_TLS ")\n"
	"  --room NAME          be in this room (default: " CHAT_ROOM "); again for more\n"
	"  --user NAME          come in with this account; its password is asked for (on a\n"
	"                       terminal three times), or taken from $WEFT_CHAT_PASSWORD\n"
	"  --token-file FILE    come in by the token in FILE (or in $WEFT_TOKEN, with -)\n"
	"  --guest NAME         come in as a guest of that name (default: it is asked for, or\n"
	"                       $USER)\n"
	"  --follow             print what is said, as lines, until Ctrl-C\n"
	"  --plain              lines in, lines out, on a terminal too\n"
	"  --bell WHEN          ring it: calls (of your name, and what is said to you alone),\n"
	"                       all, never (default: calls)\n"
	"  --last N             begin with the last N messages (default: 50; in a pipe 0)\n"
	"  --json               print objects, one a line: with --follow messages, else answers\n"
	"  --patience SECONDS   in a pipe: give up after so long without the hub (default: 60)\n"
	"  --tls-ca FILE        the authorities that vouch for the hub (default: the system's)\n"
	"  --insecure           with tls://: whoever the hub is\n"
	"  --insecure-auth      send passwords and tokens over networks in the clear, too\n"
	"  --help               this text\n"
	"\n"
	"Exit status: 0 done (in a pipe: all was accepted), 1 failed, 2 wrong usage.\n";

static int take_options(struct chat *chat, int argc, char **argv)
{
	static const struct cmd_syntax syntax = {
		.name = CHAT, .help = help, .operands_max = 1, .operands = "one hub at a time"};
	static const char *const bells[] = {[CHAT_BELL_CALLS] = "calls",
		[CHAT_BELL_ALL] = "all",
		[CHAT_BELL_NEVER] = "never",
		NULL};
	const struct cmd_option options[] = {
		CMD_OPTION("room", CMD_TEXTS, &chat->rooms),
		CMD_OPTION("user", CMD_TEXT, &chat->user),
		CMD_OPTION("token-file", CMD_TEXT, &chat->token_file),
		CMD_OPTION("guest", CMD_TEXT, &chat->guest),
		CMD_OPTION("follow", CMD_FLAG, &chat->follows),
		CMD_OPTION("plain", CMD_FLAG, &chat->is_plain),
		CMD_OPTION("bell", CMD_CHOICE, &chat->bell, .choices = bells),
		CMD_OPTION("last", CMD_COUNT, &chat->last, .max = HISTORY_MAX,
			.ret_is_given = &chat->has_last),
		CMD_OPTION("json", CMD_FLAG, &chat->is_json),
		CMD_OPTION("patience", CMD_SECONDS, &chat->patience_ns),
		CMD_OPTION("tls-ca", CMD_TEXT, &chat->issuers),
		CMD_OPTION("insecure", CMD_FLAG, &chat->is_insecure),
		CMD_OPTION("insecure-auth", CMD_FLAG, &chat->allows_plain_secrets),
		CMD_OPTIONS_END,
	};
	int status = weft__cmd_parse(&syntax, options, argc, argv);

	if (status)
		return status;
	chat->place = optind < argc ? argv[optind] : NULL;
	if ((chat->user != NULL) + (chat->guest != NULL) + (chat->token_file != NULL) > 1)
		return weft__cmd_usage(CHAT, "one of --user, --guest and --token-file.");
	if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO) || chat->follows || chat->is_json)
		chat->is_plain = true;
	if (!chat->is_plain && !weft__cmd_chat_can_paint()) {
		chat->is_plain = true;
		fputs("There is no painting on this terminal: what you type is said, a line each; "
		      "Ctrl-D leaves.\n",
			stderr);
	}
	/* Who types on a terminal wants to see what the others say. */
	if (isatty(STDIN_FILENO))
		chat->follows = chat->is_typed = true;
	if (chat->rooms.count == 0)
		chat->rooms = (struct cmd_texts){.items = {CHAT_ROOM}, .count = 1};
	return CMD_DONE;
}

/* ---- Who one is ------------------------------------------------------------------------- */

/* A word of a line, as the protocol has them. */
static int check_word(const struct chat *chat, const char *what, const char *word, size_t max)
{
	bool is_word = word[0] && strlen(word) <= max && weft_utf8_is_valid(word, strlen(word));

	for (const char *at = word; *at; at++)
		is_word = is_word && (unsigned char)*at > ' ' && *at != 0x7f;
	return is_word ? CMD_DONE
		       : weft__cmd_usage(chat->command,
				 "\"%s\" can't be %s: that is one word of 1 to %zu bytes.", word,
				 what, max);
}

static char *ask_name(void)
{
	char line[256];

	fputs("Your name, as a guest: ", stdout);
	fflush(stdout);
	if (!fgets(line, sizeof(line), stdin))
		return NULL;
	line[strcspn(line, "\r\n")] = '\0';
	return strdup(line);
}

static int take_guest(struct chat *chat)
{
	const char *user = getenv("USER");

	if (chat->guest)
		chat->name = strdup(chat->guest);
	else if (!chat->is_plain)
		chat->name = ask_name();
	else
		chat->name = strdup(user && user[0] ? user : "guest");
	if (!chat->name || !chat->name[0])
		return weft__cmd_usage(chat->command, "who are you? --guest NAME or --user NAME.");
	if (chat->name[0] == '~')
		memmove(chat->name, chat->name + 1, strlen(chat->name));
	return check_word(chat, "a name", chat->name, WEFT_CHAT_NAME_MAX);
}

static int ask_password(struct chat *chat)
{
	struct account account = {0};
	char *question;
	int status;

	snprintf(account.name, sizeof(account.name), "%s", chat->command);
	if (asprintf(&question, "Password of %s: ", chat->user) < 0)
		return CMD_FAILED;
	weft__cmd_account_forget(chat->secret);
	status = weft__cmd_account_prompt(&account, question, false, &chat->secret);
	free(question);
	chat->is_asked = true;
	return status;
}

static int take_user(struct chat *chat)
{
	const char *given = getenv("WEFT_CHAT_PASSWORD");
	int status = check_word(chat, "a name", chat->user, WEFT_CHAT_NAME_MAX), fd;

	chat->name = strdup(chat->user);
	if (status || !chat->name)
		return status ? status : CMD_FAILED;
	if (given) {
		chat->secret = strdup(given);
		/* Nobody whom we start is to inherit it. */
		unsetenv("WEFT_CHAT_PASSWORD");
		return chat->secret ? CMD_DONE : CMD_FAILED;
	}
	fd = open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (fd < 0)
		return weft__cmd_usage(chat->command,
			"there is no terminal to ask for a password: set WEFT_CHAT_PASSWORD.");
	close(fd);
	return ask_password(chat);
}

static int take_token(struct chat *chat)
{
	bool is_variable = strcmp(chat->token_file, "-") == 0;
	struct account account = {.token_file = is_variable ? NULL : chat->token_file};
	int status;

	snprintf(account.name, sizeof(account.name), "%s", chat->command);
	status = weft__cmd_account_take_token(&account);
	chat->token = account.token;
	return status;
}

int weft__cmd_chat_take_identity(struct chat *chat)
{
	if (chat->token_file)
		return take_token(chat);
	return chat->user ? take_user(chat) : take_guest(chat);
}

void weft__cmd_chat_forget(struct chat *chat)
{
	weft_tls_free(chat->tls);
	weft__cmd_account_forget(chat->secret);
	weft__cmd_account_forget(chat->token);
	free(chat->name);
	free(chat->host_port);
}

/* ---- One run ---------------------------------------------------------------------------- */

int weft__cmd_chat_make_tls(struct chat *chat)
{
	const struct weft_tls_client_options options = {
		.issuers = chat->issuers, .accepts_anybody = chat->is_insecure};
	struct weft_tls_fault fault = {.kind = WEFT_TLS_NO_FAULT};

	if (!chat->is_tls)
		return CMD_DONE;
	chat->tls = weft_tls_client_new(&options, &fault);
	if (chat->tls)
		return CMD_DONE;
	return weft__cmd_fail(chat->command, "%s", fault.kind ? fault.text : strerror(errno));
}

static int open_rooms(struct chat *chat)
{
	for (unsigned i = 0; i < chat->rooms.count; i++) {
		int status = check_word(chat, "a room", chat->rooms.items[i], WEFT_CHAT_ROOM_MAX);

		if (status)
			return status;
		if (!weft__caller_join(&chat->caller, chat->rooms.items[i]))
			return weft__cmd_usage(CHAT, "%d rooms at most.", CHAT_ROOMS_MAX);
	}
	return CMD_DONE;
}

static int begin(struct chat *chat)
{
	struct chat_caller_options options = {.name = chat->name,
		.secret = chat->secret,
		.token = chat->token,
		.prefix = chat->prefix,
		.own = chat->own,
		.history = chat->has_last   ? chat->last
			   : chat->is_plain ? 0
					    : SCREEN_HISTORY,
		.seed = weft_random(),
		.has_completion = !chat->is_plain};

	chat->is_ending = false;
	chat->tries = 0;
	snprintf(chat->prefix, sizeof(chat->prefix), "%016" PRIx64, weft_random());
	snprintf(chat->own, sizeof(chat->own), "%016" PRIx64 "%016" PRIx64, weft_random(),
		weft_random());
	if (chat->is_plain)
		weft__cmd_chat_plain_hooks(chat, &options.hooks);
	if (!chat->patience_ns)
		chat->patience_ns = chat->is_plain ? PATIENCE_NS : INT64_MAX / 2;
	chat->changed = weft_chan_new(sizeof(int), 1, "chat");
	if (!chat->changed)
		return weft__cmd_fail(CHAT, "%s.", strerror(errno));
	weft_event_init(&chat->has_out, "chat");
	weft__model_init(&chat->model);
	weft__caller_init(&chat->caller, &chat->model, &options);
	return open_rooms(chat);
}

static int run(void *arg)
{
	struct chat *chat = arg;
	int status = begin(chat);

	if (!status)
		status = chat->is_plain ? weft__cmd_chat_plain(chat) : weft__cmd_chat_screen(chat);
	weft__caller_fini(&chat->caller);
	weft__model_fini(&chat->model);
	weft_chan_free(chat->changed);
	return status;
}

/* Again, where who sits at the terminal has mistyped the password: what comes through a pipe is
 * lost with the first try. */
static int run_all(struct chat *chat)
{
	const struct weft_run_options one = {.workers = 1};
	int status = weft__cmd_run(CHAT, &one, run, chat);

	for (unsigned asked = 1; asked < PASSWORDS_MAX; asked++) {
		if (!chat->caller.is_wrong || !chat->is_asked || !chat->is_typed)
			break;
		status = ask_password(chat);
		if (status)
			break;
		status = weft__cmd_run(CHAT, &one, run, chat);
	}
	return status;
}

/* Widths are the locale's: without one of UTF-8, names and texts of the world have none. */
static void choose_locale(void)
{
	setlocale(LC_CTYPE, "");
	if (strcmp(nl_langinfo(CODESET), "UTF-8") != 0)
		setlocale(LC_CTYPE, "C.UTF-8");
}

int weft__cmd_chat(int argc, char **argv)
{
	static struct chat chat; /* it is large */
	int status;

	chat.command = CHAT;
	status = take_options(&chat, argc, argv);
	if (status)
		return status == CMD_HELPED ? CMD_DONE : status;
	choose_locale();
	status = chat.place ? weft__cmd_chat_take_place(&chat, chat.place)
			    : weft__cmd_chat_find(&chat);
	if (!status)
		status = weft__cmd_chat_take_identity(&chat);
	if (!status)
		status = weft__cmd_chat_make_tls(&chat);
	if (!status)
		status = run_all(&chat);
	weft__cmd_chat_forget(&chat);
	return status;
}
