/*
 * server_command.c - see server_command.h.
 *
 * Entry point: weft__ftpd_line_take().
 *
 *	"\xff\xf4\xff\xf2ABOR\r\n"	ABOR		IAC IP, IAC DM before it
 *	"stor  a b\r\n"			STOR, " a b"	names begin and end with what they like
 *	"CWD a\rDELE b\r\n"		bad		others could read two lines in it
 *
 * Never: looks behind the line's end, or decides on half a line.
 */
#include "ftp/server_command.h"

#include <string.h>

/* RFC 854, "TELNET COMMAND STRUCTURE". */
#define IAC  0xff
#define WILL 0xfb /* WILL, WONT, DO and DONT have an option behind them */
#define DONT 0xfe

/* A line that is being taken. */
struct taking {
	const unsigned char *data;
	size_t len, at;
	size_t out; /* bytes of text */
	bool has_telnet, is_bad;
};

static void put(struct taking *taking, struct weft__ftpd_line *line, unsigned char byte)
{
	taking->is_bad |= byte == '\0';
	if (taking->out < WEFT__FTPD_LINE_MAX)
		line->argument[taking->out++] = (char)byte;
}

/* Behind an IAC. False: the rest of it is still to come. */
static bool take_telnet(struct taking *taking, struct weft__ftpd_line *line)
{
	size_t left = taking->len - taking->at;
	unsigned char command;

	if (left < 2)
		return false;
	command = taking->data[taking->at + 1];
	if (command >= WILL && command <= DONT) {
		if (left < 3)
			return false;
		taking->at++;
	}
	if (command == IAC)
		put(taking, line, IAC);
	else
		taking->has_telnet = true;
	taking->at += 2;
	return true;
}

/* The text up to the newline, which is taken. False: it is not there. */
static bool take_text(struct taking *taking, struct weft__ftpd_line *line)
{
	while (taking->at < taking->len && taking->at <= WEFT__FTPD_LINE_MAX) {
		unsigned char byte = taking->data[taking->at];

		if (byte == IAC) {
			if (!take_telnet(taking, line))
				return false;
			continue;
		}
		taking->at++;
		if (byte == '\n')
			return true;
		put(taking, line, byte);
	}
	return false;
}

static bool is_verb_byte(char c)
{
	return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

/* Part the text, which is in the argument's place, in two. */
static void part(struct weft__ftpd_line *line, size_t len)
{
	size_t verb_len = 0;

	while (verb_len < len && is_verb_byte(line->argument[verb_len]))
		verb_len++;
	line->has_argument = verb_len < len && line->argument[verb_len] == ' ';
	if (verb_len >= WEFT__FTPD_VERB_SIZE || (verb_len < len && !line->has_argument))
		verb_len = 0;
	for (size_t i = 0; i < verb_len; i++) {
		char c = line->argument[i];

		line->verb[i] = (char)(c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c);
	}
	line->verb[verb_len] = '\0';
	if (verb_len > 0)
		verb_len += line->has_argument;
	memmove(line->argument, line->argument + verb_len, len - verb_len + 1);
}

enum weft__ftpd_verdict weft__ftpd_line_take(
	const char *data, size_t len, struct weft__ftpd_line *ret_line)
{
	struct taking taking = {.data = (const unsigned char *)data, .len = len};

	if (!take_text(&taking, ret_line))
		return taking.at > WEFT__FTPD_LINE_MAX ? WEFT__FTPD_TOO_LONG : WEFT__FTPD_MORE;
	ret_line->used = taking.at;
	if (taking.out > 0 && ret_line->argument[taking.out - 1] == '\r')
		taking.out--;
	ret_line->argument[taking.out] = '\0';
	if (taking.is_bad || memchr(ret_line->argument, '\r', taking.out))
		return WEFT__FTPD_BAD;
	if (taking.out == 0 && taking.has_telnet)
		return WEFT__FTPD_EMPTY;
	part(ret_line, taking.out);
	return WEFT__FTPD_LINE;
}

bool weft__ftpd_line_is_http(const struct weft__ftpd_line *line)
{
	static const char *const verbs[] = {
		"GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH", "CONNECT", "TRACE"};

	for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++)
		if (strcmp(line->verb, verbs[i]) == 0)
			return true;
	/* The first line may have been of a kind that is none of ours: "PRI * HTTP/2.0". */
	return strstr(line->argument, " HTTP/1.") || strstr(line->argument, " HTTP/2.");
}

bool weft__ftpd_number_read(const char *text, long long *ret_number)
{
	long long number = 0;
	size_t len = strlen(text);

	if (len == 0 || len > 18 || strspn(text, "0123456789") != len)
		return false;
	for (size_t i = 0; i < len; i++)
		number = number * 10 + (text[i] - '0');
	*ret_number = number;
	return true;
}
