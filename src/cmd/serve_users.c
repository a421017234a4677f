/*
 * serve_users.c - see serve_users.h.
 *
 * Never: tells by the time it takes whether a user exists, or shows a hash to anybody.
 */
#include "serve_users.h"

#include <crypt.h>
#include <errno.h>
#include <openssl/crypto.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "weft/http_auth.h"
#include "weft/map.h"
#include "weft/utf8.h"

/** Longest line, and users of one file. */
#define LINE_MAX_BYTES 1024
#define USERS_MAX      10000

/** What an unknown user's password is compared to, in a file without users. */
#define NOBODYS_HASH "$2y$10$abcdefghijklmnopqrstuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuu"

struct user {
	char *name, *hash; /* one piece of memory: name */
};

struct serve_users {
	atomic_uint refs;
	struct weft_map *by_name;
	const char *first_hash; /* of the kind that the others are, so that all take as long */
};

/* ---- Life --------------------------------------------------------------------------------- */

static void user_free(struct user *user)
{
	if (!user)
		return;
	OPENSSL_cleanse(user->hash, strlen(user->hash));
	free(user->name);
	free(user);
}

static void users_free(struct serve_users *users)
{
	const struct weft_map_entry *entry;
	size_t cursor = 0;

	while (users->by_name && (entry = weft_map_next(users->by_name, &cursor)))
		user_free(entry->value);
	weft_map_free(users->by_name);
	free(users);
}

struct serve_users *weft__serve_users_keep(struct serve_users *users)
{
	atomic_fetch_add(&users->refs, 1);
	return users;
}

void weft__serve_users_drop(struct serve_users *users)
{
	if (users && atomic_fetch_sub(&users->refs, 1) == 1)
		users_free(users);
}

/* ---- Reading ------------------------------------------------------------------------------ */

/* NULL: it is fine. */
static const char *judge_name(const char *name)
{
	size_t len = strlen(name);

	if (len == 0 || len > WEFT_HTTP_USER_MAX)
		return "has a name that is empty or too long";
	for (size_t i = 0; i < len; i++)
		if ((unsigned char)name[i] < 0x20 || name[i] == 0x7f)
			return "has a control character in the name";
	return weft_utf8_is_valid(name, len) ? NULL : "has a name that is not UTF-8";
}

static const char *judge_hash(const char *hash)
{
	switch (crypt_checksalt(hash)) {
	case CRYPT_SALT_OK:
	case CRYPT_SALT_TOO_CHEAP:
		return NULL;
	case CRYPT_SALT_METHOD_LEGACY:
		return "has a hash of an old kind, which is guessed too fast; htpasswd -B makes a "
		       "good one";
	default:
		return "has no hash that crypt(3) knows; htpasswd -B and mkpasswd make such";
	}
}

static const char *add_user(struct serve_users *users, const char *line, size_t name_len)
{
	struct user *user = calloc(1, sizeof(*user));
	char *name = strdup(line);
	const char *why;
	void *old = NULL;

	if (!user || !name) {
		free(user);
		free(name);
		return "finds no memory";
	}
	name[name_len] = '\0';
	*user = (struct user){name, name + name_len + 1};
	why = judge_name(user->name);
	if (!why)
		why = judge_hash(user->hash);
	if (!why && weft_map_get(users->by_name, name, name_len))
		why = "names a user once more";
	if (!why && weft_map_put(users->by_name, name, name_len, user, &old) < 0)
		why = errno == ENOSPC ? "is one user too many" : "finds no memory";
	if (why)
		user_free(user);
	else if (!users->first_hash)
		users->first_hash = user->hash;
	return why;
}

/* NULL: fine; else what the line does wrong. */
static const char *take_line(struct serve_users *users, char *line)
{
	size_t len = strlen(line);
	const char *colon;

	if (len > 0 && line[len - 1] == '\n')
		line[--len] = '\0';
	else if (len == LINE_MAX_BYTES - 1)
		return "is too long";
	while (len > 0 && (line[len - 1] == ' ' || line[len - 1] == '\r'))
		line[--len] = '\0';
	if (len == 0 || line[0] == '#')
		return NULL;
	colon = strchr(line, ':');
	if (!colon)
		return "is not NAME:HASH";
	return add_user(users, line, (size_t)(colon - line));
}

static const char *take_lines(struct serve_users *users, FILE *file, unsigned *ret_number)
{
	char line[LINE_MAX_BYTES];
	const char *why = NULL;

	while (!why && fgets(line, sizeof(line), file)) {
		(*ret_number)++;
		why = take_line(users, line);
	}
	OPENSSL_cleanse(line, sizeof(line));
	return why;
}

struct serve_users *weft__serve_users_read(const char *path, char ret_fault[SERVE_USERS_FAULT_MAX])
{
	struct serve_users *users = calloc(1, sizeof(*users));
	FILE *file = fopen(path, "re");
	unsigned number = 0;
	const char *why = NULL;

	if (users) {
		atomic_init(&users->refs, 1);
		users->by_name = weft_map_new(&(struct weft_map_options){.count_max = USERS_MAX});
	}
	if (!file)
		snprintf(ret_fault, SERVE_USERS_FAULT_MAX, "can't open %s: %s.", path,
			strerror(errno));
	else if (!users || !users->by_name)
		snprintf(ret_fault, SERVE_USERS_FAULT_MAX, "%s.", strerror(ENOMEM));
	else if ((why = take_lines(users, file, &number)))
		snprintf(ret_fault, SERVE_USERS_FAULT_MAX, "line %u of %s %s.", number, path, why);
	else if (ferror(file))
		snprintf(ret_fault, SERVE_USERS_FAULT_MAX, "can't read %s.", path);
	else
		ret_fault[0] = '\0';
	if (file)
		fclose(file);
	if (!ret_fault[0])
		return users;
	if (users)
		users_free(users);
	return NULL;
}

/* ---- Checking ----------------------------------------------------------------------------- */

bool weft__serve_users_are_none(const struct serve_users *users)
{
	return weft_map_count(users->by_name) == 0;
}

const char *weft__serve_users_hash(const struct serve_users *users, const char *name)
{
	const struct user *user = weft_map_get(users->by_name, name, strlen(name));

	return user ? user->hash : NULL;
}

bool weft__serve_users_check(
	const struct serve_users *users, const char *name, const char *password)
{
	const char *hash = weft__serve_users_hash(users, name);
	const char *compared = hash ? hash : users->first_hash;
	struct crypt_data *data = calloc(1, sizeof(*data)); /* 32 KiB: not for a stack */
	const char *result;
	bool is_equal = false;

	if (!data)
		return false;
	if (!compared)
		compared = NOBODYS_HASH;
	result = crypt_r(password, compared, data);
	if (result && strlen(result) == strlen(compared))
		is_equal = CRYPTO_memcmp(result, compared, strlen(compared)) == 0;
	OPENSSL_cleanse(data, sizeof(*data));
	free(data);
	return is_equal && hash;
}
