/*
 * admin.c - `weft admin`: who runs a hub asks it, and tells it, over the line protocol of chat.
 *
 * Entry point: weft__cmd_admin().
 *
 * Never: takes a password from the command line.
 */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "account.h"
#include "chat.h"
#include "chat_text.h"
#include "service.h"
#include "weft/scope.h"
#include "weft/stream.h"

#define ADMIN "admin"

/** For one answer. */
#define PATIENCE_NS WEFT_SECONDS(30)

#define FIELDS_MAX 8

static const char help[] =
	"usage: weft admin COMMAND [OPTION]...\n"
	"\n"
	"Ask a hub that runs, or tell it something, as an administrator. By its Unix socket, root\n"
	"and the user that the hub runs as are that, without more words; others come in with an\n"
	"account.\n"
	"\n"
	"  who                        who is connected, and from where\n"
	"  rooms                      all rooms\n"
	"  stats                      what was done so far, as numbers\n"
	"  say TEXT                   to everybody, in all rooms\n"
	"  kick NAME [WHY]            out of all rooms\n"
	"  ban NAME [SECONDS [WHY]]   and not in again (default: for good)\n"
	"  unban NAME\n"
	"\n"
	"  --at PLACE           the hub: unix:/PATH, HOST:PORT, tls://HOST:PORT\n"
	"                       (default: unix:STATE/chat.sock, which a hub with accounts and\n"
	"                       chat has)\n"
	"  --socket PATH        the same as --at unix:PATH\n"
	"  --state DIR          where that is (default: as weft serve has it)\n"
	"  --user NAME          come in with this account; its password is asked for, or taken\n"
	"                       from $WEFT_CHAT_PASSWORD\n"
	"  --token-file FILE    come in by the token in FILE (else: by the one in $WEFT_TOKEN)\n"
	"  --tls-ca FILE        the authorities that vouch for the hub (default: the system's)\n"
	"  --insecure           with tls://: whoever the hub is\n"
	"  --json               print an object for each row\n"
	"  --help               this text\n"
	"\n"
	"Exit status: 0 done, 1 failed or refused, 2 wrong usage.\n";

struct admin {
	struct chat chat;
	const char *state, *socket;
	char *state_dir; /* whose socket is meant; NULL: another place was said */
	char **words;
	int word_count;
	struct weft_stream *stream;
	bool is_by_user; /* of this machine, whom the hub is told by the kernel */
	uint64_t rows;
	char last_room[WEFT_CHAT_ROOM_MAX + 1];
	struct chat_heard heard;
};

/* ---- Commands --------------------------------------------------------------------------- */

/* The command as a line of the protocol; fields are the row's. */
static const struct deed {
	const char *word, *verb;
	int words_min, words_max; /* behind it; the last one may be a text */
	const char *fields[FIELDS_MAX];
} deeds[] = {
	{"who", "WHO", 0, 0, {"number", "name", "address", "door", "since", "rooms", "behind"}},
	{"rooms", "ROOMS", 0, 0, {NULL}},
	{"stats", "STATS", 0, 0, {"name", "number"}},
	{"say", "ANNOUNCE", 1, 1, {NULL}},
	{"kick", "KICK *", 1, 2, {NULL}},
	{"ban", "BAN *", 1, 3, {NULL}},
	{"unban", "UNBAN *", 1, 1, {NULL}},
};

static void offer_deeds(const struct cmd_question *question)
{
	for (size_t i = 0; i < sizeof(deeds) / sizeof(deeds[0]); i++)
		weft__cmd_offer(question, deeds[i].word, NULL);
}

static const struct deed *find_deed(const char *word)
{
	for (size_t i = 0; i < sizeof(deeds) / sizeof(deeds[0]); i++)
		if (strcmp(deeds[i].word, word) == 0)
			return &deeds[i];
	return NULL;
}

static bool is_word(const char *text)
{
	return text[0] && strcspn(text, " \t\r\n") == strlen(text);
}

/* What comes behind the verb: words, and a text. False: it can't be said so. */
static bool append_words(const struct admin *admin, const struct deed *deed, struct weft_str *line)
{
	bool is_ban = strcmp(deed->word, "ban") == 0;
	char escaped[WEFT_CHAT_LINE_MAX];

	for (int i = 0; i < admin->word_count; i++) {
		const char *word = admin->words[i];
		bool is_text = i == deed->words_max - 1 && strcmp(deed->word, "unban") != 0;
		size_t len = weft_chat_line_escape(word, strlen(word), escaped, sizeof(escaped));

		if (len > sizeof(escaped) || (!is_text && !is_word(word)))
			return false;
		weft_str_append_char(line, ' ');
		weft_str_append_bytes(line, escaped, len);
	}
	if (is_ban && admin->word_count == 1)
		weft_str_append(line, " 0");
	return weft_str_error(line) == 0;
}

/* ---- Rows ------------------------------------------------------------------------------- */

static bool is_number(const char *text)
{
	return text[0] && strspn(text, "0123456789") == strlen(text) && strlen(text) < 19;
}

static void print_field(
	const struct admin *admin, const char *name, const char *value, bool is_first)
{
	if (!admin->chat.is_json) {
		fputs(is_first ? "" : "  ", stdout);
		weft__cmd_print_visible(value, 12);
		return;
	}
	printf("%s\"%s\":", is_first ? "" : ",", name);
	if (is_number(value))
		fputs(value, stdout);
	else
		weft__cmd_print_json_text(value);
}

static void print_fields(const struct admin *admin, const struct deed *deed, char *text)
{
	char *rest = text;

	for (size_t i = 0; i < FIELDS_MAX && deed->fields[i]; i++) {
		const char *value = strsep(&rest, " ");

		print_field(admin, deed->fields[i], value ? value : "", i == 0);
	}
}

static void print_room(struct admin *admin)
{
	const struct chat_heard *heard = &admin->heard;
	char number[24];

	memcpy(admin->last_room, heard->room, sizeof(admin->last_room));
	print_field(admin, "name", heard->room, true);
	snprintf(number, sizeof(number), "%" PRIu64, heard->count);
	print_field(admin, "people", number, false);
	snprintf(number, sizeof(number), "%" PRIu64, heard->seq);
	print_field(admin, "last", number, false);
	print_field(admin, "flags", heard->word, false);
	print_field(admin, "topic", heard->text, false);
}

static void print_row(struct admin *admin, const struct deed *deed)
{
	admin->rows++;
	if (admin->chat.is_json)
		putchar('{');
	if (admin->heard.kind == CHAT_HEARD_ROOM)
		print_room(admin);
	else
		print_fields(admin, deed, admin->heard.text);
	puts(admin->chat.is_json ? "}" : "");
}

/* ---- Talking ---------------------------------------------------------------------------- */

static int fail_stream(const struct admin *admin)
{
	return weft__cmd_fail(ADMIN, "%s: %s.", admin->chat.host_port,
		errno == EPROTO ? weft_stream_tls_fault(admin->stream)->text
		: errno         ? strerror(errno)
				: "the hub has closed the connection");
}

static int refuse(const struct admin *admin)
{
	if (admin->is_by_user && strcmp(admin->heard.word, "not-allowed") == 0)
		return weft__cmd_fail(ADMIN,
			"without --user or --token-file this is for root and the user that the "
			"hub runs as; you are neither.");
	return weft__cmd_fail(
		ADMIN, "the hub refuses: %s (%s).", admin->heard.text, admin->heard.word);
}

/* Send a line, and take what answers it. 0: OK, and what follows is in heard. */
static int ask(struct admin *admin, const struct deed *deed, const char *line)
{
	const char *bytes;
	ssize_t len;

	errno = 0;
	if (weft_stream_printf(admin->stream, "#a %s\n", line) < 0 ||
		weft_stream_flush(admin->stream) < 0)
		return fail_stream(admin);
	while ((len = weft_stream_readline(admin->stream, &bytes)) > 0) {
		if (!weft__heard_read(&admin->heard, bytes, (size_t)len) ||
			strcmp(admin->heard.tag, "a") != 0)
			continue;
		if (admin->heard.kind == CHAT_HEARD_OK)
			return CMD_DONE;
		if (admin->heard.kind == CHAT_HEARD_NO)
			return refuse(admin);
		if (deed)
			print_row(admin, deed);
	}
	return fail_stream(admin);
}

static int log_in(struct admin *admin)
{
	const struct chat *chat = &admin->chat;
	const char *secret = chat->token ? chat->token : chat->secret;
	char escaped[WEFT_CHAT_TEXT_MAX], line[WEFT_CHAT_LINE_MAX];
	size_t len;
	int status;

	if (admin->is_by_user)
		return ask(admin, NULL, "ADMIN");
	len = weft_chat_line_escape(secret, strlen(secret), escaped, sizeof(escaped));
	len = len < sizeof(escaped) ? len : sizeof(escaped);
	snprintf(line, sizeof(line), "%s%s%s %.*s", chat->token ? "TOKEN" : "LOGIN",
		chat->token ? "" : " ", chat->token ? "" : chat->name, (int)len, escaped);
	status = ask(admin, NULL, line);
	explicit_bzero(escaped, sizeof(escaped));
	explicit_bzero(line, sizeof(line));
	return status;
}

static int carry_out(struct admin *admin, const struct deed *deed)
{
	struct weft_str line;
	int status;
	bool is_more;

	weft_str_init(&line, WEFT_CHAT_LINE_MAX);
	weft_str_append(&line, deed->verb);
	if (!append_words(admin, deed, &line)) {
		weft_str_fini(&line);
		return weft__cmd_usage(ADMIN, "a name is one word.");
	}
	do {
		uint64_t before = admin->rows;

		status = ask(admin, deed, weft_str_text(&line));
		is_more = status == CMD_DONE && admin->last_room[0] && admin->rows > before &&
			  strcmp(admin->heard.text, "more") == 0;
		weft_str_reset(&line);
		weft_str_appendf(&line, "%s %s", deed->verb, admin->last_room);
	} while (is_more);
	weft_str_fini(&line);
	return status;
}

/* Nobody has said where the hub is: then neither does its address help anybody. */
static int fail_connect(const struct admin *admin)
{
	const char *path = admin->chat.host_port + strlen("unix:");
	struct stat stat_of;
	int code;

	if (!admin->state_dir)
		return weft__cmd_fail(
			ADMIN, "%s: %s.", admin->chat.host_port, admin->chat.caller.why);
	code = stat(path, &stat_of) < 0 || access(path, W_OK) < 0 ? errno : 0;
	if (code == ENOENT || code == ENOTDIR)
		return weft__cmd_fail(ADMIN,
			"no hub with chat has its state in %s. Another state: --state DIR; a "
			"socket "
			"of chat: --socket PATH; from elsewhere: --at HOST:PORT --user NAME.",
			admin->state_dir);
	if (code == EACCES)
		return weft__cmd_fail(ADMIN,
			"%s is for root and the user that the hub runs as. As somebody else: "
			"--at HOST:PORT --user NAME.",
			path);
	return weft__cmd_fail(ADMIN,
		"the hub with its state in %s does not run any more (%s: %s). Another one: --state "
		"DIR, --socket PATH, or --at HOST:PORT --user NAME.",
		admin->state_dir, path, admin->chat.caller.why);
}

static int run(void *arg)
{
	struct admin *admin = arg;
	int status;

	admin->stream = weft__cmd_chat_connect(&admin->chat);
	if (!admin->stream)
		return fail_connect(admin);
	WEFT_WITH_TIMEOUT (PATIENCE_NS) {
		status = log_in(admin);
		if (status == CMD_DONE)
			status = carry_out(admin, find_deed(admin->chat.place));
	}
	weft_stream_free(admin->stream);
	return status;
}

/* ---- The command line ------------------------------------------------------------------- */

static int take_words(struct admin *admin, int argc, char **argv)
{
	const struct deed *deed;

	if (optind == argc)
		return weft__cmd_usage(ADMIN, "what is the hub to do?");
	admin->chat.place = argv[optind];
	admin->words = argv + optind + 1;
	admin->word_count = argc - optind - 1;
	deed = find_deed(admin->chat.place);
	if (!deed)
		return weft__cmd_usage(ADMIN, "there is no command \"%s\".", admin->chat.place);
	if (admin->word_count < deed->words_min || admin->word_count > deed->words_max)
		return weft__cmd_usage(ADMIN,
			"\"%s\" takes %d to %d words; a text is one, in quotes.", deed->word,
			deed->words_min, deed->words_max);
	if (admin->chat.user && admin->chat.token_file)
		return weft__cmd_usage(ADMIN, "one of --user and --token-file.");
	return CMD_DONE;
}

/* As what it comes in: what was said, $WEFT_TOKEN, or whoever runs this. */
static int take_identity(struct admin *admin)
{
	struct chat *chat = &admin->chat;
	const char *token = getenv("WEFT_TOKEN");
	bool is_unix = strncmp(chat->host_port, "unix:", 5) == 0;

	if (!chat->user && !chat->token_file && token && token[0])
		chat->token_file = "-";
	if (chat->user || chat->token_file)
		return weft__cmd_chat_take_identity(chat);
	if (!is_unix)
		return weft__cmd_usage(ADMIN, "who are you? --user NAME, --token-file FILE or "
					      "$WEFT_TOKEN; or --socket PATH on its machine.");
	admin->is_by_user = true;
	return CMD_DONE;
}

static int take_options(struct admin *admin, const char **ret_at, int argc, char **argv)
{
	static const struct cmd_syntax syntax = {.name = ADMIN,
		.help = help,
		.operands_max = 4,
		.operands = "a text is one word",
		.offer_words = offer_deeds};
	const struct cmd_option options[] = {
		CMD_OPTION("at", CMD_TEXT, ret_at),
		CMD_OPTION("socket", CMD_TEXT, &admin->socket),
		CMD_OPTION("state", CMD_TEXT, &admin->state),
		CMD_OPTION("user", CMD_TEXT, &admin->chat.user),
		CMD_OPTION("token-file", CMD_TEXT, &admin->chat.token_file),
		CMD_OPTION("tls-ca", CMD_TEXT, &admin->chat.issuers),
		CMD_OPTION("insecure", CMD_FLAG, &admin->chat.is_insecure),
		CMD_OPTION("json", CMD_FLAG, &admin->chat.is_json),
		CMD_OPTIONS_END,
	};
	int status = weft__cmd_parse(&syntax, options, argc, argv);

	return status ? status : take_words(admin, argc, argv);
}

/* The socket in the state's folder, unless another place is said. */
static int take_place(struct admin *admin, const char *at)
{
	char *place = NULL;
	int status = CMD_FAILED, len = -1;

	if (at && admin->socket)
		return weft__cmd_usage(ADMIN, "one of --at and --socket.");
	if (at)
		return weft__cmd_chat_take_place(&admin->chat, at);
	if (admin->socket)
		len = asprintf(&place, "unix:%s", admin->socket);
	else if ((admin->state_dir = weft__cmd_state_dir(ADMIN, admin->state, false)))
		len = asprintf(&place, "unix:%s/" CMD_CHAT_SOCKET, admin->state_dir);
	if (len >= 0) {
		status = weft__cmd_chat_take_place(&admin->chat, place);
		free(place);
	}
	return status;
}

int weft__cmd_admin(int argc, char **argv)
{
	const struct weft_run_options one = {.workers = 1};
	static struct admin admin; /* it is large */
	const char *at = NULL;
	int status;

	admin.chat.command = ADMIN;
	status = take_options(&admin, &at, argc, argv);
	if (status)
		return status == CMD_HELPED ? CMD_DONE : status;
	status = take_place(&admin, at);
	if (!status)
		status = take_identity(&admin);
	if (!status)
		status = weft__cmd_chat_make_tls(&admin.chat);
	if (!status)
		status = weft__cmd_run(ADMIN, &one, run, &admin);
	weft__cmd_chat_forget(&admin.chat);
	free(admin.state_dir);
	return status;
}
