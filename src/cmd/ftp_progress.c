/*
 * ftp_progress.c - bars of `weft ftp`: a line for each file on its way, below what was printed.
 *
 * Entry points: weft__cmd_ftp_progress_new(), _expect(), _begin(), _tell(), _end(), _hide(),
 * _show(), _free().
 *
 *	june.txt    [=========>          ]  45%   1.2 MB  3.4 MB/s   0:12
 *	July.txt    [==>                 ]  12%   ...
 *	3 of 31 files                      32%    12 MB   9.8 MB/s   1:02
 *
 * They are drawn anew over themselves, some times a second, on stderr, and only if that is a
 * terminal; else there are no bars, and one line for each file that is done (ftp_work.c).
 *
 * Never: a line that is wider than the window: it would be two, and one of them would stay. Nor
 * a fiber or a timer: who tells of progress draws, if the last time was long enough ago.
 */
#include <locale.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <wchar.h>

#include "ftp.h"
#include "weft/utf8.h"

#define EVERY_NS WEFT_MILLISECONDS(200)

/** A speed follows what is moved, by so much behind it. */
#define SMOOTH_NS WEFT_SECONDS(3)

/** Columns of a bar, and of the numbers behind it; from which width on there is a bar. */
#define BAR_LEN     20
#define NUMBERS_LEN 33
#define BAR_WIDTH   70

struct speed {
	int64_t at_ns, moved; /* when it was last reckoned, and how much there was then */
	double rate;          /* bytes a second; 0: not known so far */
};

struct slot {
	const char *name; /* NULL: free */
	int64_t done, total;
	bool has_told; /* what was there before the first word of it was not moved */
	struct speed speed;
};

struct ftp_progress {
	struct slot slots[FTP_PARALLEL_MAX];
	size_t ended, count;           /* files */
	int64_t done, expected, moved; /* bytes of files that are through, of all; now */
	struct speed speed;            /* of all */
	int64_t drawn_ns;
	int lines; /* that are on the screen now */
	int hidden;
	locale_t locale; /* that knows how wide characters are; 0: there is none */
};

struct ftp_progress *weft__cmd_ftp_progress_new(void)
{
	const char *kind = getenv("TERM");
	struct ftp_progress *progress;

	if (!isatty(STDERR_FILENO) || !kind || strcmp(kind, "dumb") == 0)
		return NULL;
	progress = calloc(1, sizeof(*progress));
	if (progress)
		progress->locale = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0);
	return progress;
}

void weft__cmd_ftp_progress_free(struct ftp_progress *progress)
{
	if (!progress)
		return;
	weft__cmd_ftp_progress_hide(progress);
	if (progress->locale)
		freelocale(progress->locale);
	free(progress);
}

/* ---- Lines -------------------------------------------------------------------------- */

/* One line, as far as the window goes. */
struct line {
	struct weft_str *str;
	int left; /* columns */
};

static int width_of(uint32_t character)
{
	int width = wcwidth((wchar_t)character);

	return width < 0 ? 1 : width;
}

/* As many characters as fit, and blanks up to width; 0: no more than there are. */
static void add_text(struct line *line, const char *text, int width)
{
	int room = width && width < line->left ? width : line->left;
	size_t len = strlen(text);

	line->left -= width ? room : 0;
	while (len > 0) {
		uint32_t character = '?';
		size_t step = weft_utf8_read(text, len, &character);
		int columns = width_of(character);

		step = step ? step : 1;
		if (columns > room)
			break;
		weft_str_append_bytes(line->str, text, step);
		text += step;
		len -= step;
		room -= columns;
		line->left -= width ? 0 : columns;
	}
	while (width && room-- > 0)
		weft_str_append_char(line->str, ' ');
}

__attribute__((format(printf, 2, 3))) static void add(struct line *line, const char *format, ...)
{
	char text[128];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	add_text(line, text, 0);
}

static void add_bar(struct line *line, int percent)
{
	int filled = percent * BAR_LEN / 100;

	add(line, " [");
	for (int i = 0; i < BAR_LEN; i++)
		add(line, "%c", i < filled ? '=' : i == filled && percent >= 0 ? '>' : ' ');
	add(line, "]");
}

static void add_left(struct line *line, int64_t left_bytes, double rate)
{
	double left = rate >= 1 ? (double)left_bytes / rate : -1;

	if (left < 0)
		return;
	if (left >= 3600 * 100)
		add(line, "   long");
	else if (left >= 3600)
		add(line, " %2d:%02dh", (int)left / 3600, (int)left / 60 % 60);
	else
		add(line, "  %2d:%02d", (int)left / 60, (int)left % 60);
}

/* Of how much how much is there, how fast it goes and how long it takes. */
static void add_numbers(struct line *line, int64_t done, int64_t total, const struct speed *speed)
{
	if (total > 0 && done <= total)
		add(line, " %3d%%", (int)((double)done * 100.0 / (double)total));
	else
		add(line, "     ");
	add(line, " %8s", weft__cmd_ftp_bytes(done));
	if (speed->rate < 1)
		return;
	add(line, " %8s/s", weft__cmd_ftp_bytes((int64_t)speed->rate));
	if (total >= done)
		add_left(line, total - done, speed->rate);
}

/* ---- Drawing ------------------------------------------------------------------------ */

static int columns(void)
{
	struct winsize size;

	return ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

/* The names have what the numbers leave. */
static int name_width(int width)
{
	int left = width - 1 - NUMBERS_LEN - (width >= BAR_WIDTH ? BAR_LEN + 3 : 0);

	return left < 8 ? 8 : left > 40 ? 40 : left;
}

static void draw_slot(struct ftp_progress *progress, const struct slot *slot, struct line line)
{
	int width = line.left + 1;
	bool is_known = slot->total > 0 && slot->done <= slot->total;

	add_text(&line, weft__cmd_ftp_visible(slot->name), name_width(width));
	if (width >= BAR_WIDTH)
		add_bar(&line,
			is_known ? (int)((double)slot->done * 100.0 / (double)slot->total) : -1);
	add_numbers(&line, slot->done, slot->total, &slot->speed);
	weft_str_append(line.str, "\033[K\n");
	progress->lines++;
}

static void draw_total(struct ftp_progress *progress, struct line line)
{
	int width = line.left + 1;
	int64_t done = progress->done;
	char text[64];

	for (int i = 0; i < FTP_PARALLEL_MAX; i++)
		if (progress->slots[i].name)
			done += progress->slots[i].done;
	snprintf(text, sizeof(text), "%zu of %zu files", progress->ended, progress->count);
	add_text(&line, text, name_width(width) + (width >= BAR_WIDTH ? BAR_LEN + 3 : 0));
	add_numbers(&line, done, progress->expected, &progress->speed);
	weft_str_append(line.str, "\033[K\n");
	progress->lines++;
}

static void erase(struct ftp_progress *progress, struct weft_str *str)
{
	if (progress->lines > 0)
		weft_str_appendf(str, "\033[%dA\r\033[J", progress->lines);
	progress->lines = 0;
}

/* By one write: what is drawn bit by bit flickers. */
static void put_out(struct weft_str *str)
{
	fwrite(weft_str_text(str), 1, weft_str_len(str), stderr);
	fflush(stderr);
	weft_str_fini(str);
}

static void draw(struct ftp_progress *progress)
{
	struct weft_str str;
	struct line line = {.str = &str, .left = columns() - 1};
	locale_t old = progress->locale ? uselocale(progress->locale) : (locale_t)0;

	weft_str_init(&str, 65536);
	erase(progress, &str);
	for (int i = 0; i < FTP_PARALLEL_MAX; i++)
		if (progress->slots[i].name)
			draw_slot(progress, &progress->slots[i], line);
	if (progress->count > 1)
		draw_total(progress, line);
	if (old)
		uselocale(old);
	put_out(&str);
	progress->drawn_ns = weft_now();
}

void weft__cmd_ftp_progress_hide(struct ftp_progress *progress)
{
	struct weft_str str;

	if (!progress || progress->hidden++ > 0)
		return;
	weft_str_init(&str, 64);
	erase(progress, &str);
	put_out(&str);
}

void weft__cmd_ftp_progress_show(struct ftp_progress *progress)
{
	/* What was drawn before a line was printed is drawn behind it. */
	if (progress && --progress->hidden == 0 && progress->drawn_ns > 0)
		draw(progress);
}

/* ---- What happens ------------------------------------------------------------------- */

static void take_speed(struct speed *speed, int64_t moved, int64_t now_ns)
{
	int64_t passed_ns = now_ns - speed->at_ns;
	double rate;

	if (speed->at_ns == 0) {
		*speed = (struct speed){.at_ns = now_ns, .moved = moved};
		return;
	}
	if (passed_ns < EVERY_NS)
		return;
	rate = (double)(moved - speed->moved) * 1e9 / (double)passed_ns;
	if (speed->rate < 1)
		speed->rate = rate;
	else
		speed->rate +=
			(rate - speed->rate) * (double)passed_ns / (double)(passed_ns + SMOOTH_NS);
	speed->at_ns = now_ns;
	speed->moved = moved;
}

int weft__cmd_ftp_progress_begin(struct ftp_progress *progress, const char *name, int64_t total)
{
	for (int i = 0; progress && i < FTP_PARALLEL_MAX; i++) {
		if (progress->slots[i].name)
			continue;
		progress->slots[i] = (struct slot){.name = name, .total = total};
		return i;
	}
	return -1;
}

static int64_t known(int64_t bytes)
{
	return bytes > 0 ? bytes : 0;
}

void weft__cmd_ftp_progress_tell(
	struct ftp_progress *progress, int slot, int64_t done, int64_t total)
{
	int64_t now_ns = weft_now();
	struct slot *one;

	if (!progress || slot < 0)
		return;
	one = &progress->slots[slot];
	progress->expected += known(total) - known(one->total);
	progress->moved += one->has_told ? done - one->done : 0;
	one->has_told = true;
	one->done = done;
	one->total = total;
	take_speed(&one->speed, done, now_ns);
	take_speed(&progress->speed, progress->moved, now_ns);
	if (!progress->hidden && now_ns - progress->drawn_ns >= EVERY_NS)
		draw(progress);
}

void weft__cmd_ftp_progress_end(struct ftp_progress *progress, int slot)
{
	struct slot *one;

	if (!progress || slot < 0)
		return;
	one = &progress->slots[slot];
	progress->ended++;
	progress->done += one->done;
	/* What did not come is not to come any more. */
	progress->expected += one->done - known(one->total);
	one->name = NULL;
}

void weft__cmd_ftp_progress_expect(struct ftp_progress *progress, size_t count, int64_t bytes)
{
	if (!progress)
		return;
	progress->count += count;
	progress->expected += bytes;
}
