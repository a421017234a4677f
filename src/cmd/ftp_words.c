/*
 * ftp_words.c - a line of `weft ftp`, cut into words; and paths.
 *
 * Entry points: weft__cmd_ftp_split(), weft__cmd_ftp_join(), weft__cmd_ftp_base(),
 * weft__cmd_ftp_absolute(), weft__cmd_ftp_visible().
 *
 *	get "a file" b; put 'it''s' \;x		two commands
 */
#include <stdlib.h>
#include <string.h>

#include "ftp.h"
#include "weft/utf8.h"

/* ---- Words -------------------------------------------------------------------------- */

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

static bool is_end(char c)
{
	return c == '\0' || c == ';' || c == '\n';
}

/* One word from *at, its quotes undone, to *to. False: a quote has no end. */
static bool take_word(const char **at, char **to)
{
	const char *from = *at;

	while (!is_space(*from) && !is_end(*from)) {
		char quote = *from == '\'' || *from == '"' ? *from++ : '\0';

		if (!quote && *from == '\\' && from[1])
			from++;
		if (!quote) {
			*(*to)++ = *from++;
			continue;
		}
		while (*from && *from != quote)
			*(*to)++ = *from++;
		if (!*from)
			return false;
		from++;
	}
	*(*to)++ = '\0';
	*at = from;
	return true;
}

bool weft__cmd_ftp_split(const char **line, struct ftp_words *ret_words)
{
	const char *at = *line;
	struct ftp_words words = {0};
	char *to;

	words.text = malloc(strlen(at) + 2);
	words.words = calloc(FTP_WORDS_MAX + 1, sizeof(*words.words));
	to = words.text;
	if (!to || !words.words)
		goto fail;
	for (;;) {
		at += strspn(at, " \t\r");
		/* A comment goes up to the end of the line, whatever is in it. */
		if (*at == '#' && words.count == 0)
			at += strcspn(at, "\n");
		if (is_end(*at))
			break;
		if (words.count == FTP_WORDS_MAX)
			goto fail;
		words.words[words.count++] = to;
		if (!take_word(&at, &to))
			goto fail;
	}
	*line = at + (*at != '\0');
	*ret_words = words;
	return true;

fail:
	weft__cmd_ftp_words_fini(&words);
	return false;
}

void weft__cmd_ftp_words_fini(struct ftp_words *words)
{
	free(words->words);
	free(words->text);
	memset(words, 0, sizeof(*words));
}

/* ---- Paths -------------------------------------------------------------------------- */

char *weft__cmd_ftp_join(const char *folder, const char *name)
{
	size_t len = folder ? strlen(folder) : 0;
	char *path;

	if (asprintf(&path, "%s%s%s", len ? folder : "", len && folder[len - 1] != '/' ? "/" : "",
		    name) < 0)
		return NULL;
	return path;
}

const char *weft__cmd_ftp_base(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

char *weft__cmd_ftp_absolute(struct ftp *ftp, const char *path)
{
	const char *folder = path[0] == '/' ? NULL : weft_ftp_client_pwd(ftp->client);

	if (strcmp(path, ".") == 0)
		return strdup(folder ? folder : path);
	return weft__cmd_ftp_join(folder, path);
}

const char *weft__cmd_ftp_visible(const char *text)
{
	static char places[2][1024];
	static unsigned turn;
	char *place = places[turn++ % 2];
	struct weft_str str;
	size_t len = strlen(text);

	weft_str_init_in(&str, place, sizeof(places[0]));
	for (size_t at = 0; at < len && !weft_str_error(&str);) {
		size_t step = weft_utf8_read(text + at, len - at, NULL);

		step = step ? step : 1;
		weft_str_append_visible(&str, text + at, step);
		at += step;
	}
	return place;
}
