/*
 * name.c - names that nothing has (include/weft/files.h).
 *
 * Entry points: weft_files_unique_name(); weft__name_next(), weft__name_by_turns().
 *
 * Never: a name kept for somebody; who takes it first has it.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "files/files.h"
#include "files/store.h"
#include "weft/fiber.h"
#include "weft/offload.h"

static int fail(int code)
{
	errno = code;
	return -1;
}

#define LETTERS     6
#define LETTERS_ALL "abcdefghijkmnpqrstuvwxyz23456789" /* 32, none like another */

/** How often new letters are drawn. */
#define TRIES 16

/** Numbers that are tried. */
#define NUMBERS 1000

/* Where the ending of a name begins: ".txt", ".tar.gz"; at its end where it has none. */
static size_t stem_len_of(const char *name)
{
	const char *dot = strrchr(name, '.');
	size_t len = strlen(name);

	if (!dot || dot == name)
		return len;
	len = (size_t)(dot - name);
	return len > 4 && memcmp(name + len - 4, ".tar", 4) == 0 ? len - 4 : len;
}

/* So much of a name as fits in size bytes, whole characters. */
static size_t cut(const char *name, size_t len, size_t size)
{
	if (len <= size)
		return len;
	while (size > 0 && ((unsigned char)name[size] & 0xc0) == 0x80)
		size--;
	return size;
}

/* " (7)" at the end of a stem: its number, and *len without it; else 1. */
static unsigned take_number(const char *name, size_t *len)
{
	size_t at = *len;
	unsigned number = 0;

	if (at < 5 || name[at - 1] != ')')
		return 1;
	for (at--; at > 2 && name[at - 1] >= '0' && name[at - 1] <= '9'; at--)
		;
	if (at + 1 == *len || *len - at > 5 || name[at - 1] != '(' || name[at - 2] != ' ')
		return 1;
	for (size_t i = at; i + 1 < *len; i++)
		number = number * 10 + (unsigned)(name[i] - '0');
	*len = at - 2;
	return number;
}

int weft__name_next(const char *like, unsigned *number, char ret_name[WEFT_FILES_NAME_SIZE])
{
	size_t whole_len = stem_len_of(like), stem_len = whole_len, ending_len;
	const char *ending = like + whole_len;
	unsigned first = take_number(like, &stem_len) + 1;
	char digits[16];
	int digits_len;

	*number = *number < first ? first : *number + 1;
	if (*number > first + NUMBERS)
		return fail(EEXIST);
	digits_len = snprintf(digits, sizeof(digits), " (%u)", *number);
	ending_len = strlen(ending);
	if (ending_len + (size_t)digits_len >= NAME_MAX)
		return fail(ENAMETOOLONG);
	stem_len = cut(like, stem_len, NAME_MAX - ending_len - (size_t)digits_len);
	memcpy(ret_name, like, stem_len);
	memcpy(ret_name + stem_len, digits, (size_t)digits_len);
	memcpy(ret_name + stem_len + (size_t)digits_len, ending, ending_len + 1);
	return 0;
}

/* The name before its ending, some letters, its ending: "a-k3f7q2.txt". */
static int draw_name(const char *like, char *ret_name)
{
	const char *dot = strrchr(like, '.'), *ending = dot && dot != like ? dot : "";
	size_t stem_len = strlen(like) - strlen(ending);
	char letters[LETTERS + 1] = "";
	uint64_t random = weft_random();
	int len;

	for (int i = 0; i < LETTERS; i++)
		letters[i] = LETTERS_ALL[(random >> (5 * i)) & 31];
	len = snprintf(ret_name, WEFT_FILES_NAME_SIZE, "%.*s%s%s%s", (int)stem_len, like,
		stem_len ? "-" : "", letters, ending);
	return len > NAME_MAX ? fail(ENAMETOOLONG) : 0;
}

struct naming {
	struct weft__view view;
	const char *like;
	char *name;
};

/* Whether nothing has the name: 1, 0, -1. */
static int is_free(int folder_fd, const char *name)
{
	struct stat stat;

	if (fstatat(folder_fd, name, &stat, AT_SYMLINK_NOFOLLOW) == 0)
		return 0;
	return errno == ENOENT ? 1 : -1;
}

static int choose_name(struct naming *naming, int folder_fd)
{
	int result = 0;

	if (naming->like[0]) {
		snprintf(naming->name, WEFT_FILES_NAME_SIZE, "%s", naming->like);
		result = is_free(folder_fd, naming->name);
	}
	for (int i = 0; result == 0 && i < TRIES; i++) {
		if (draw_name(naming->like, naming->name) < 0)
			return -1;
		result = is_free(folder_fd, naming->name);
	}
	return result > 0 ? 0 : result < 0 ? -1 : fail(EEXIST);
}

static int name_there(void *arg)
{
	struct naming *naming = arg;
	int fd, result, code;

	if (weft__view_enter(&naming->view) < 0 ||
		(naming->like[0] && weft__store_check_name(&naming->view.root, naming->like) < 0))
		return -1;
	fd = weft__store_open_folder(&naming->view.root, naming->view.path);
	if (fd < 0)
		return -1;
	result = choose_name(naming, fd);
	code = errno;
	close(fd);
	errno = code;
	return result;
}

int weft_files_unique_name(struct weft_files *files, const struct weft_files_visitor *visitor,
	const char *folder, const char *like, char ret_name[WEFT_FILES_NAME_SIZE])
{
	char name[WEFT_FILES_NAME_SIZE];
	struct naming naming = {.like = like ? like : "", .name = name};
	int result;

	if (weft__view_make(&naming.view, files, visitor, folder) < 0)
		return -1;
	result = weft__view_need(&naming.view, WEFT_FILES_WRITE);
	if (result == 0)
		result = weft_offload_as(WEFT_OFFLOAD_FILE, name_there, &naming);
	weft__view_leave(&naming.view);
	if (result == 0)
		memcpy(ret_name, name, sizeof(name));
	return result;
}

/* ---- By turns -------------------------------------------------------------------------------- */

/* The last name of a path, without slashes behind it. -1: ENAMETOOLONG. */
static int take_name(const char *path, char ret_name[WEFT_FILES_NAME_SIZE], size_t *ret_at)
{
	size_t len = strlen(path), at;

	while (len > 0 && path[len - 1] == '/')
		len--;
	for (at = len; at > 0 && path[at - 1] != '/'; at--)
		;
	if (len - at >= WEFT_FILES_NAME_SIZE)
		return fail(ENAMETOOLONG);
	memcpy(ret_name, path + at, len - at);
	ret_name[len - at] = '\0';
	*ret_at = at;
	return 0;
}

/* Whether what is in the way is another thing of that name. */
static bool is_taken(int code)
{
	return code == EEXIST || code == EISDIR || code == ENODEV;
}

int weft__name_by_turns(weft__files_move_fn *fn, struct weft_files *files,
	const struct weft_files_visitor *visitor, const struct weft_files_move *move,
	struct weft_files_moved *ret_moved)
{
	char like[WEFT_FILES_NAME_SIZE] = "", name[WEFT_FILES_NAME_SIZE];
	struct weft_files_moved moved = {.has_source = false};
	struct weft_files_move tried = *move;
	unsigned number = 0;
	size_t at = 0;
	char *path = NULL;
	int result = take_name(move->to, like, &at), code;

	if (result < 0)
		return -1;
	memcpy(name, like, sizeof(name));
	tried.is_unique = false;
	tried.may_replace = move->may_replace && !move->is_unique;
	for (;;) {
		result = fn(files, visitor, &tried, &moved);
		code = errno;
		free(path);
		path = NULL;
		errno = code;
		/* A folder is no file to be copied, whatever its copy were called. */
		if (result == 0 || !move->is_unique || !is_taken(code) ||
			(moved.is_folder && code == EISDIR))
			break;
		if (weft__name_next(like, &number, name) < 0)
			break;
		if (asprintf(&path, "%.*s%s", (int)at, move->to, name) < 0)
			return fail(ENOMEM);
		tried.to = path;
	}
	memcpy(moved.name, name, sizeof(name));
	if (ret_moved)
		*ret_moved = moved;
	return result;
}
