/*
 * server_path.c - names as clients send them, and paths as weft/files.h has them.
 *
 * Entry point: weft__ftpd_path_of().
 *
 *	folder "a/b"	"c"	-> "a/b/c"
 *			"../c"	-> "a/c"	".." of the home is the home (RFC 959: CDUP)
 *			"/c//d/." -> "c/d"
 *
 * A visitor sees one tree whose "/" is his home. ".." is taken out of the text before anything is
 * opened: what the engine gets has none, and would refuse it.
 *
 * Never: a path that begins or ends with a slash, or has two together.
 */
#include <errno.h>
#include <string.h>

#include "ftp/server.h"
#include "weft/utf8.h"

bool weft__ftpd_name_is_plain(const char *name)
{
	for (const char *at = name; *at; at++)
		if ((unsigned char)*at < 0x20 || *at == 0x7f)
			return false;
	return weft_utf8_is_valid(name, strlen(name));
}

/* One part behind the path, of *len bytes. False: it is too long then. */
static bool add_part(char *path, size_t *len, const char *part, size_t part_len)
{
	size_t slash = *len > 0;

	if (*len + slash + part_len >= WEFT__FTPD_PATH_SIZE)
		return false;
	if (slash)
		path[(*len)++] = '/';
	memcpy(path + *len, part, part_len);
	*len += part_len;
	return true;
}

static size_t parent_len(const char *path, size_t len)
{
	const char *slash = memrchr(path, '/', len);

	return slash ? (size_t)(slash - path) : 0;
}

int weft__ftpd_path_join(const char *folder, const char *name, char ret_path[WEFT__FTPD_PATH_SIZE])
{
	size_t len = 0;

	if (!weft__ftpd_name_is_plain(name)) {
		errno = EINVAL;
		return -1;
	}
	if (*name != '/') {
		len = strlen(folder);
		memcpy(ret_path, folder, len);
	}
	for (size_t part_len; *name; name += part_len) {
		name += strspn(name, "/");
		part_len = strcspn(name, "/");
		if (part_len == 2 && memcmp(name, "..", 2) == 0) {
			len = parent_len(ret_path, len);
		} else if (part_len > 0 && !(part_len == 1 && *name == '.') &&
			   !add_part(ret_path, &len, name, part_len)) {
			errno = ENAMETOOLONG;
			return -1;
		}
	}
	ret_path[len] = '\0';
	return 0;
}

int weft__ftpd_path_of(const struct weft__ftpd_session *session, const char *name,
	char ret_path[WEFT__FTPD_PATH_SIZE])
{
	return weft__ftpd_path_join(session->folder ? session->folder : "", name, ret_path);
}

void weft__ftpd_quote(const char *text, char *ret_quoted, size_t size)
{
	size_t out = 0;

	for (; *text && out + 2 < size; text++) {
		if (*text == '"')
			ret_quoted[out++] = '"';
		ret_quoted[out++] = *text;
	}
	ret_quoted[out] = '\0';
}
