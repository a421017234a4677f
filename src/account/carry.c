/*
 * carry.c - a file or folder gets another path: grants, homes and tokens' folders go along
 * (weft_files_carrier).
 *
 *	begin: the grants at the old path, for the new one as well   --> the rename
 *	end:   homes and tokens' folders are at the new path, the grants at the old one go
 *
 * So in between, and for ever where the process is killed there, a grant that takes something away
 * holds at both. What is left so stands for a path where nothing is.
 *
 * Entry points: weft_account_files_carry_asks(), _begin(), _end().
 * Never: more rights at the new path than a grant gives that is there already.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "account/inside.h"
#include "account/rules.h"
#include "weft/scope.h"

static int fail(int code)
{
	errno = code;
	return -1;
}

#define SEES (WEFT_ACCOUNT_READ | WEFT_ACCOUNT_LIST)

/** Grants of one subject, while they hold at both paths; of a copy, and else: as grants.c says. */
#define GRANTS_MAX (WEFT__RULES_MAX / 128)

/* A grant that holds for the old path or below. */
struct row {
	int64_t user, group; /* 0: not of one */
	char role[WEFT_ACCOUNT_NAME_MAX * 4 + 1];
	char *folder; /* as it is kept */
	char *to;     /* where it is to hold as well */
	unsigned rights;
	unsigned made; /* what it became there */
	int before;    /* what was there; -1: nothing */
};

/* What has a path of its own, and one only. */
struct place {
	int64_t id;
	char *path;
};

struct work {
	const char *from, *to; /* in NFC */
	char *like;            /* what texts at and below from begin with, and maybe others */
	bool is_copy, is_closed;
	struct row *rows;
	size_t count;
	struct place *places;
	size_t place_count;
	const char *raw; /* from as homes have it: byte for byte */
	bool is_found;
};

struct state {
	struct weft_account_who *who;
	char *from, *to; /* byte for byte */
	char *normal_from, *normal_to;
	struct work work;
};

/* ---- Paths --------------------------------------------------------------------------------- */

static bool is_at(const char *path, const char *folder)
{
	size_t len = strlen(folder);

	return strncmp(path, folder, len) == 0 && (path[len] == '/' || path[len] == '\0');
}

/* path, which is at or below from, as it is at or below to. NULL. */
static char *moved(const char *path, const char *from, const char *to)
{
	char *text = NULL;

	if (asprintf(&text, "%s%s", to, path + strlen(from)) < 0) {
		errno = ENOMEM;
		return NULL;
	}
	if (strlen(text) <= WEFT_ACCOUNT_PATH_MAX)
		return text;
	free(text);
	errno = ENAMETOOLONG;
	return NULL;
}

/* For LIKE: up to the first letter that could be written in two ways. NULL. */
static char *make_like(const char *from)
{
	char *like = malloc(2 * strlen(from) + 2), *end = like;

	if (!like)
		return NULL;
	for (; *from && !(*from & 0x80); from++) {
		if (from[1] & 0x80)
			break; /* with an accent it may be one letter */
		if (*from == '%' || *from == '_' || *from == '\\')
			*end++ = '\\';
		*end++ = *from;
	}
	*end++ = '%';
	*end = '\0';
	return like;
}

/* ---- What is there ------------------------------------------------------------------------- */

static void drop_rows(struct work *work)
{
	for (size_t i = 0; i < work->count; i++) {
		free(work->rows[i].folder);
		free(work->rows[i].to);
	}
	free(work->rows);
	work->rows = NULL;
	work->count = 0;
	work->is_closed = false;
}

static void drop_places(struct work *work)
{
	for (size_t i = 0; i < work->place_count; i++)
		free(work->places[i].path);
	free(work->places);
	work->places = NULL;
	work->place_count = 0;
}

static int fill_row(struct row *row, const struct weft__value *columns, const struct work *work)
{
	char *normal = weft__folder_normal(columns[3].bytes);

	if (!normal)
		return -1;
	row->folder = strdup(columns[3].bytes);
	row->to = row->folder ? moved(normal, work->from, work->to) : NULL;
	free(normal);
	return row->to ? 0 : -1;
}

static int take_row(const struct weft__value *columns, void *arg)
{
	struct work *work = arg;
	void *items = work->rows;
	char *normal = weft__folder_normal(columns[3].bytes);
	bool is_meant;
	struct row *row;

	if (!normal)
		return -1;
	is_meant = is_at(normal, work->from);
	free(normal);
	if (!is_meant)
		return 0;
	row = weft__list_grow(&items, &work->count, sizeof(*row));
	work->rows = items;
	if (!row)
		return -1;
	*row = (struct row){.user = columns[0].number,
		.group = columns[1].number,
		.rights = (unsigned)columns[4].number,
		.before = -1};
	weft__value_text(&columns[2], row->role, sizeof(row->role));
	work->is_closed |= (row->rights & SEES) != SEES;
	return fill_row(row, columns, work);
}

static int read_rows(struct weft__tx *tx, struct work *work)
{
	drop_rows(work);
	if (weft__tx_read(tx, (struct weft__reader){take_row, work},
		    "SELECT coalesce(user_id, 0), coalesce(group_id, 0), coalesce(role, ''), "
		    "folder,"
		    " rights FROM grants WHERE folder LIKE ?1 ESCAPE '\\'",
		    "t", work->like) < 0)
		return -1;
	if (work->is_copy && !work->is_closed)
		drop_rows(work);
	return 0;
}

static int take_home(const struct weft__value *columns, void *arg)
{
	struct work *work = arg;
	void *items = work->places;
	struct place *place;

	if (!is_at(columns[1].bytes, work->raw))
		return 0;
	place = weft__list_grow(&items, &work->place_count, sizeof(*place));
	work->places = items;
	if (!place)
		return -1;
	*place = (struct place){.id = columns[0].number, .path = strdup(columns[1].bytes)};
	return place->path ? 0 : -1;
}

static int take_token(const struct weft__value *columns, void *arg)
{
	struct work *work = arg;
	void *items = work->places;
	char *normal = weft__folder_normal(columns[1].bytes);
	struct place *place;

	if (!normal)
		return -1;
	if (!is_at(normal, work->from)) {
		free(normal);
		return 0;
	}
	place = weft__list_grow(&items, &work->place_count, sizeof(*place));
	work->places = items;
	if (!place) {
		free(normal);
		return -1;
	}
	*place = (struct place){.id = columns[0].number, .path = normal};
	return 0;
}

static int read_homes(struct weft__tx *tx, struct work *work)
{
	drop_places(work);
	return weft__tx_read(tx, (struct weft__reader){take_home, work},
		       "SELECT id, home FROM users WHERE home LIKE ?1 ESCAPE '\\'", "t",
		       work->like) < 0
		       ? -1
		       : 0;
}

static int read_tokens(struct weft__tx *tx, struct work *work)
{
	drop_places(work);
	return weft__tx_read(tx, (struct weft__reader){take_token, work},
		       "SELECT id, folder FROM tokens WHERE folder LIKE ?1 ESCAPE '\\'", "t",
		       work->like) < 0
		       ? -1
		       : 0;
}

static int ask(struct weft__tx *tx, struct weft__deed *deed)
{
	struct work *work = deed->arg;

	if (read_rows(tx, work) < 0)
		return -1;
	work->is_found = work->count > 0;
	if (work->is_found || work->is_copy)
		return 0;
	if (read_homes(tx, work) < 0)
		return -1;
	work->is_found = work->place_count > 0;
	if (work->is_found)
		return 0;
	if (read_tokens(tx, work) < 0)
		return -1;
	work->is_found = work->place_count > 0;
	return 0;
}

int weft_account_files_carry_asks(struct weft_accounts *accounts, const char *from, bool is_copy)
{
	char *normal = weft__folder_normal(from), *like = normal ? make_like(normal) : NULL;
	struct work work = {
		.from = normal, .to = "", .raw = from, .like = like, .is_copy = is_copy};
	struct weft_account_call call = {.is_local = true};
	struct weft__deed deed = {.accounts = accounts, .call = &call, .fn = ask, .arg = &work};
	int result = like ? weft__deed_look(&deed) : fail(ENOMEM), code = errno;

	drop_rows(&work);
	drop_places(&work);
	free(like);
	free(normal);
	errno = code;
	return result < 0 ? -1 : work.is_found;
}

/* ---- At both ------------------------------------------------------------------------------- */

static int hold_row(struct weft__tx *tx, struct row *row)
{
	static const char look[] = "SELECT rights FROM grants WHERE folder = ?4"
				   " AND (user_id = ?1 OR group_id = ?2 OR role = ?3)";
	static const char insert[] =
		"INSERT INTO grants (user_id, group_id, role, folder, rights)"
		" VALUES (nullif(?1, 0), nullif(?2, 0), nullif(?3, ''), ?4, ?5)";
	static const char narrow[] = "UPDATE grants SET rights = ?5 WHERE folder = ?4"
				     " AND (user_id = ?1 OR group_id = ?2 OR role = ?3)";
	int64_t there = 0;
	int found = weft__tx_number(
		tx, &there, look, "iitt", row->user, row->group, row->role, row->to);

	if (found < 0)
		return -1;
	row->before = found ? (int)there : -1;
	row->made = found ? row->rights & (unsigned)there : row->rights;
	return weft__tx_run(tx, found ? narrow : insert, "iitti", row->user, row->group, row->role,
		       row->to, (int64_t)row->made) < 0
		       ? -1
		       : 0;
}

static int hold_rows(struct weft__tx *tx, struct work *work)
{
	for (size_t i = 0; i < work->count; i++)
		if (hold_row(tx, &work->rows[i]) < 0)
			return -1;
	return 0;
}

/* Nobody gets so many that they could not be read any more. */
static int check_counts(struct weft__tx *tx, const struct work *work)
{
	int64_t max = work->is_copy ? GRANTS_MAX : 2 * GRANTS_MAX, count = 0;

	for (size_t i = 0; i < work->count; i++) {
		const struct row *row = &work->rows[i];

		if (weft__tx_number(tx, &count,
			    "SELECT count(*) FROM grants"
			    " WHERE user_id = ?1 OR group_id = ?2 OR role = ?3",
			    "iit", row->user, row->group, row->role) < 0)
			return -1;
		if (count > max)
			return fail(E2BIG);
	}
	return 0;
}

/* Each of the list has room for its path at the other place. */
static int check_places(const struct work *work)
{
	for (size_t i = 0; i < work->place_count; i++) {
		char *path = moved(work->places[i].path, work->from, work->to);

		if (!path)
			return -1;
		free(path);
	}
	return 0;
}

/* Homes byte for byte: a work for them has other paths. */
static struct work for_homes(const struct state *state)
{
	return (struct work){
		.from = state->from, .to = state->to, .raw = state->from, .like = state->work.like};
}

static int check_homes(struct weft__tx *tx, const struct state *state)
{
	struct work homes = for_homes(state);
	int result = read_homes(tx, &homes), code;

	if (result == 0)
		result = check_places(&homes);
	code = errno;
	drop_places(&homes);
	errno = code;
	return result;
}

static int begin(struct weft__tx *tx, struct weft__deed *deed)
{
	struct state *state = deed->arg;
	struct work *work = &state->work;

	if (read_rows(tx, work) < 0 || hold_rows(tx, work) < 0 || check_counts(tx, work) < 0)
		return -1;
	if (work->is_copy)
		return 0;
	if (read_tokens(tx, work) < 0 || check_places(work) < 0)
		return -1;
	return check_homes(tx, state);
}

static void free_state(struct state *state)
{
	int code = errno;

	drop_rows(&state->work);
	drop_places(&state->work);
	weft_account_who_free(state->who);
	free(state->work.like);
	free(state->normal_from);
	free(state->normal_to);
	free(state->from);
	free(state->to);
	free(state);
	errno = code;
}

static struct state *make_state(const struct weft_account_carry *carry)
{
	struct state *state = calloc(1, sizeof(*state));

	if (!state)
		return NULL;
	if (carry->who)
		state->who = weft_account_who_keep((struct weft_account_who *)carry->who);
	state->from = strdup(carry->from);
	state->to = strdup(carry->to);
	state->normal_from = weft__folder_normal(carry->from);
	state->normal_to = weft__folder_normal(carry->to);
	if (state->normal_from)
		state->work.like = make_like(state->normal_from);
	state->work.from = state->normal_from;
	state->work.to = state->normal_to;
	state->work.raw = state->from;
	state->work.is_copy = carry->is_copy;
	if (state->from && state->to && state->normal_to && state->work.like)
		return state;
	free_state(state);
	errno = ENOMEM;
	return NULL;
}

int weft_account_files_carry_begin(
	struct weft_accounts *accounts, const struct weft_account_carry *carry, void **ret_state)
{
	struct weft_account_call call = {.is_local = true};
	struct weft__deed deed = {.accounts = accounts, .call = &call, .fn = begin};
	struct state *state;

	*ret_state = NULL;
	/* Into itself, which is refused by the rename. */
	if (is_at(carry->to, carry->from))
		return 0;
	state = make_state(carry);
	if (!state)
		return -1;
	deed.arg = state;
	/* The same name, written in another way: grants are for both already. */
	if (strcmp(state->normal_from, state->normal_to) != 0 && weft__deed_do(&deed) < 0) {
		free_state(state);
		return -1;
	}
	*ret_state = state;
	return 0;
}

/* ---- The end ------------------------------------------------------------------------------- */

static int undo(struct weft__tx *tx, struct weft__deed *deed)
{
	static const char away[] = "DELETE FROM grants WHERE folder = ?4 AND rights = ?5"
				   " AND (user_id = ?1 OR group_id = ?2 OR role = ?3)";
	static const char back[] = "UPDATE grants SET rights = ?6 WHERE folder = ?4 AND rights = ?5"
				   " AND (user_id = ?1 OR group_id = ?2 OR role = ?3)";
	const struct state *state = deed->arg;

	for (size_t i = state->work.count; i > 0; i--) {
		const struct row *row = &state->work.rows[i - 1];

		if ((row->before < 0 ? weft__tx_run(tx, away, "iitti", row->user, row->group,
					       row->role, row->to, (int64_t)row->made)
				     : weft__tx_run(tx, back, "iittii", row->user, row->group,
					       row->role, row->to, (int64_t)row->made,
					       (int64_t)row->before)) < 0)
			return -1;
	}
	return 0;
}

static int put_places(struct weft__tx *tx, const struct work *work, const char *sql)
{
	for (size_t i = 0; i < work->place_count; i++) {
		char *path = moved(work->places[i].path, work->from, work->to);
		int64_t put;

		if (!path && errno == ENAMETOOLONG)
			continue; /* one of this moment: it was not there to be asked for */
		put = path ? weft__tx_run(tx, sql, "it", work->places[i].id, path) : -1;
		free(path);
		if (put < 0)
			return -1;
	}
	return 0;
}

static int move_homes(struct weft__tx *tx, const struct state *state)
{
	struct work homes = for_homes(state);
	int result = read_homes(tx, &homes), code;

	if (result == 0)
		result = put_places(tx, &homes, "UPDATE users SET home = ?2 WHERE id = ?1");
	code = errno;
	drop_places(&homes);
	errno = code;
	return result;
}

static int take_away(struct weft__tx *tx, const struct work *work)
{
	for (size_t i = 0; i < work->count; i++) {
		const struct row *row = &work->rows[i];

		if (weft__tx_run(tx,
			    "DELETE FROM grants WHERE folder = ?4"
			    " AND (user_id = ?1 OR group_id = ?2 OR role = ?3)",
			    "iitt", row->user, row->group, row->role, row->folder) < 0)
			return -1;
	}
	return 0;
}

struct ending {
	struct state *state;
	bool keeps_old;
};

/* What was granted meanwhile for the old path goes along as well. */
static int finish(struct weft__tx *tx, struct weft__deed *deed)
{
	const struct ending *ending = deed->arg;
	struct state *state = ending->state;
	struct work *work = &state->work;

	if (work->is_copy)
		return 0;
	if (strcmp(work->from, work->to) != 0 &&
		(read_rows(tx, work) < 0 || hold_rows(tx, work) < 0 ||
			(!ending->keeps_old && take_away(tx, work) < 0) ||
			read_tokens(tx, work) < 0 ||
			put_places(tx, work, "UPDATE tokens SET folder = ?2 WHERE id = ?1") < 0))
		return -1;
	return move_homes(tx, state);
}

void weft_account_files_carry_end(struct weft_accounts *accounts, void *arg, int how)
{
	static const struct weft_account_who nobody = {.session = 0};
	struct state *state = arg;
	struct ending ending = {state, how == 1};
	/* Whoever she is by now, and whatever she may: it was done. */
	struct weft_account_call call = {
		.is_local = true, .who = state->who ? state->who : &nobody, .door = "files"};
	struct weft__deed deed = {.accounts = accounts,
		.call = &call,
		.fn = how == 2 ? undo : finish,
		.arg = how == 2 ? (void *)state : &ending,
		.action = how == 2              ? NULL
			  : state->work.is_copy ? "grant.copy"
						: "grant.move",
		.target = state->from,
		.detail = state->to};
	int code = errno;

	/* Else both hold, which is safe. */
	WEFT_SHIELDED
		weft__deed_do(&deed);
	free_state(state);
	errno = code;
}
