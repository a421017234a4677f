/*
 * serve_code.c - an address as a picture on the terminal, which a telephone's camera reads: a QR
 * code.
 *
 * Entry point: weft__serve_print_code().
 *
 * Two rows of it are one line: half blocks. Both colours are told, so that it is dark on light
 * wherever it is shown. Where it would be no help, there is none: no terminal, one that is not for
 * UTF-8, or has too few columns, and a weft that was built without libqrencode.
 */
#include "serve.h"

#ifdef WEFT_HAS_QRENCODE

#include <qrencode.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

/** Light modules around it, which a camera needs. The standard has four; two do. */
#define MARGIN 2

/** Columns before it, as before the text. */
#define INDENT 2

/* Black on white, of the colours that no theme changes. */
#define BEGIN "\033[38;5;16;48;5;231m"
#define END   "\033[0m"

/* ---- The terminal ------------------------------------------------------------------------- */

/* As setlocale(3) would find it, for text. */
static bool is_for_utf8(void)
{
	static const char *const names[] = {"LC_ALL", "LC_CTYPE", "LANG"};
	const char *locale = NULL;

	for (unsigned i = 0; i < 3 && !(locale && locale[0]); i++)
		locale = getenv(names[i]);
	return locale && (strcasestr(locale, "utf-8") || strcasestr(locale, "utf8"));
}

static bool can_show(int columns)
{
	const char *term = getenv("TERM");
	struct winsize size = {0};

	return isatty(STDOUT_FILENO) && term && strcmp(term, "dumb") != 0 && is_for_utf8() &&
	       (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) < 0 || size.ws_col == 0 ||
		       columns <= size.ws_col);
}

/* ---- The picture -------------------------------------------------------------------------- */

/* Outside of it, all is light. */
static bool is_dark(const QRcode *code, int x, int y)
{
	return x >= 0 && y >= 0 && x < code->width && y < code->width &&
	       (code->data[y * code->width + x] & 1);
}

static void print_lines(const QRcode *code)
{
	/* By whether the upper one is dark, and the lower one. */
	static const char *const blocks[2][2] = {{" ", "\u2584"}, {"\u2580", "\u2588"}};

	for (int y = -MARGIN; y < code->width + MARGIN; y += 2) {
		printf("%*s" BEGIN, INDENT, "");
		for (int x = -MARGIN; x < code->width + MARGIN; x++)
			fputs(blocks[is_dark(code, x, y)][is_dark(code, x, y + 1)], stdout);
		puts(END);
	}
	putchar('\n');
}

void weft__serve_print_code(const char *text)
{
	QRcode *code = QRcode_encodeString8bit(text, 0, QR_ECLEVEL_L);

	if (code && can_show(INDENT + 2 * MARGIN + code->width))
		print_lines(code);
	QRcode_free(code);
}

#else

void weft__serve_print_code(const char *text)
{
	(void)text;
}

#endif
