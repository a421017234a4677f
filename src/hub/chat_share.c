/*
 * chat_share.c - SHARE: a file of the folder becomes a message with a link to it.
 *
 *	path --> may she read it, as her door of files would have it? --> name, size, type, address
 *
 * The rights are of the file: who follows the link is asked who he is, as ever. The address is that
 * below the root of the folder; who has a home below it may know the file by a shorter one.
 *
 * Entry point: weft__chat_share().
 *
 * Never: tells whether a file is there that she may not read.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "chat_session.h"
#include "weft/http_escape.h"
#include "weft/utf8.h"

static int refuse(struct hub_chat_session *session, const struct weft_chat_command *command,
	const char *word, const char *text)
{
	return weft__chat_no(
		session, &(struct chat_refusal){.tag = command->tag, .word = word, .text = text});
}

/* Append it without doubled slashes and dots, which the folder passes over. -1: it leads out. */
static int append_path(struct weft_str *str, const char *path)
{
	for (size_t len; *path; path += len) {
		path += strspn(path, "/");
		len = strcspn(path, "/");
		if (len == 2 && memcmp(path, "..", 2) == 0)
			return -1;
		if (len == 0 || (len == 1 && *path == '.'))
			continue;
		weft_str_append(str, "/");
		weft_http_escape_path(str, path, len);
	}
	return 0;
}

/* What is there: 0, or -1 with errno. Opened, as a reader would: that asks for all rights. */
static int look(const struct hub_chat_folder *folder, const struct weft_files_visitor *visitor,
	const char *path, struct stat *ret_stat)
{
	size_t len = strlen(path);
	int fd;

	/* A path with a slash at its end is a folder's, as in an address. */
	if (len == 0 || path[len - 1] == '/' ||
		!(weft_files_rights(visitor, path) & WEFT_FILES_READ)) {
		errno = EACCES;
		return -1;
	}
	fd = weft_files_open(folder->files, visitor, path, ret_stat);
	if (fd < 0)
		return -1;
	close(fd);
	return 0;
}

static int post(struct hub_chat_session *session, const struct weft_chat_command *command,
	const struct weft_chat_file *file)
{
	size_t len = weft_chat_file_write(file, NULL, 0);
	struct weft_room_post what = {
		.id = command->tag[0] ? command->tag : NULL, .len = len, .is_file = true};
	char *text;
	int result;

	if (len == 0 || len > WEFT_CHAT_TEXT_MAX)
		return refuse(session, command, "bad-name",
			"a file of this name can't be shared: it can't be shown, or is too long");
	if (weft__chat_pace_guest(session, len) < 0)
		return -1;
	text = malloc(len);
	if (!text)
		return -1;
	weft_chat_file_write(file, text, len);
	what.text = text;
	result = weft_room_post(session->client, command->room, &what);
	if (result < 0)
		result = weft__chat_no_room(session, command);
	free(text);
	return result;
}

/* It is there, and she may read it. */
static int share(struct hub_chat_session *session, const struct weft_chat_command *command,
	const struct weft_files_visitor *visitor, const struct stat *stat)
{
	const struct hub_chat_folder *folder = &session->chat->options.folder;
	const char *slash = strrchr(command->text, '/');
	const char *name = slash ? slash + 1 : command->text;
	struct weft_chat_file file = {
		.name = name, .name_len = strlen(name), .size = stat->st_size};
	struct weft_str address;
	int result = -1;

	file.type = folder->type_of(folder->arg, name);
	file.type_len = strcspn(file.type, "; ");
	weft_str_init(&address, WEFT_CHAT_TEXT_MAX);
	append_path(&address, visitor->home ? visitor->home : "");
	append_path(&address, command->text);
	file.path = weft_str_text(&address);
	file.path_len = weft_str_len(&address);
	if (weft_str_error(&address) == 0)
		result = post(session, command, &file);
	weft_str_fini(&address);
	return result;
}

int weft__chat_share(struct hub_chat_session *session, const struct weft_chat_command *command)
{
	const struct hub_chat_folder *folder = &session->chat->options.folder;
	const struct hub_chat_looker looker = {session->who, session->peer.door};
	struct weft_files_visitor visitor = {.name = NULL};
	struct stat stat;
	int meets;

	if (!folder->files)
		return refuse(session, command, "no-folder", "no files are shared here");
	meets = weft__chat_meets(session, command);
	if (meets <= 0)
		return meets;
	folder->visit(folder->arg, &looker, &visitor);
	if (look(folder, &visitor, command->text, &stat) < 0) {
		if (errno == ECANCELED || errno == ETIMEDOUT)
			return -1;
		return refuse(
			session, command, "no-file", "there is no such file, or it is not for you");
	}
	if (S_ISDIR(stat.st_mode))
		return refuse(session, command, "no-file", "this is a folder, not a file");
	return share(session, command, &visitor, &stat);
}
