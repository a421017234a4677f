/*
 * rules.c - see rules.h: loading the picture of a person, and answering what she may.
 *
 *	path "a/b/c", grants at "", "a" and "a/b":   the longest that leads there decides;
 *	                                             in one folder: her own > groups' > role's
 *
 * Entry points: weft__who_load(), weft_account_rights().
 * Never: gives a right because a path is written in an odd way.
 */
#include "account/rules.h"

#include "account/owner.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* ---- Loading -------------------------------------------------------------------------------- */

struct weft__load weft__load_begin(struct weft_accounts *accounts)
{
	return (struct weft__load){
		accounts, weft__accounts_now_ns(accounts), atomic_load(&accounts->changes)};
}

static void rules_free(struct weft__account_rules *rules)
{
	for (size_t i = 0; i < rules->count; i++)
		free(rules->rules[i].folder);
	free(rules->rules);
	free(rules->token_folder);
	free(rules);
}

static int take_grant(const struct weft__value *columns, void *arg)
{
	struct weft__account_rules *rules = arg;
	void *list = rules->rules;
	struct weft__rule *rule;

	if (rules->count == WEFT__RULES_MAX) {
		errno = EOVERFLOW;
		return -1;
	}
	rule = weft__list_grow(&list, &rules->count, sizeof(*rule));
	rules->rules = list;
	if (!rule)
		return -1;
	*rule = (struct weft__rule){.folder = weft__folder_normal(columns[1].bytes),
		.level = (unsigned)columns[0].number,
		.rights = (unsigned)columns[2].number};
	if (!rule->folder)
		return -1; /* it is one of the list all the same, and freed with it */
	rule->len = strlen(rule->folder);
	rules->is_wide |= weft__folder_is_wide(rule->folder);
	return 0;
}

static int load_grants(
	struct weft__tx *tx, struct weft__account_rules *rules, const struct weft__user_row *row)
{
	static const char sql[] = "SELECT 3, folder, rights FROM grants WHERE user_id = ?1"
				  " UNION ALL SELECT 2, g.folder, g.rights FROM members m"
				  " JOIN grants g ON g.group_id = m.group_id WHERE m.user_id = ?1"
				  " UNION ALL SELECT 1, folder, rights FROM grants WHERE role = ?2";

	return weft__tx_read(tx, (struct weft__reader){take_grant, rules}, sql, "it", row->user.id,
		       row->user.role) < 0
		       ? -1
		       : 0;
}

static int set_token(struct weft__account_rules *rules, const struct weft__token_scope *token)
{
	rules->who.token = token->id;
	rules->token_rights = token->rights;
	rules->token_powers = token->powers;
	rules->who.powers &= token->powers;
	if (!*token->folder)
		return 0;
	rules->token_folder = weft__folder_normal(token->folder);
	rules->is_wide |= weft__folder_is_wide(token->folder);
	return rules->token_folder ? 0 : -1;
}

struct weft_account_who *weft__who_load(struct weft__tx *tx, const struct weft__load *load,
	const struct weft__user_row *row, const struct weft__entry *entry)
{
	struct weft__account_rules *rules = calloc(1, sizeof(*rules));
	int kept;

	if (!rules)
		return NULL;
	atomic_init(&rules->refs, 1);
	rules->epoch = row->epoch;
	rules->loaded_ns = load->began_ns;
	rules->changes = load->changes;
	rules->token_rights = ~0u;
	rules->token_powers = ~0u;
	rules->who.user = row->user;
	weft__account_owner_write(&row->user, rules->who.owner);
	rules->who.powers = row->user.must_change ? 0 : row->powers;
	rules->who.session = entry->session;
	rules->who.accounts = load->accounts;
	rules->who.rules = rules;
	if (load_grants(tx, rules, row) == 0 &&
		(!entry->token || set_token(rules, entry->token) == 0))
		return &rules->who;
	kept = errno;
	rules_free(rules);
	errno = kept;
	return NULL;
}

/* ---- Life ----------------------------------------------------------------------------------- */

struct weft_account_who *weft_account_who_keep(struct weft_account_who *who)
{
	atomic_fetch_add_explicit(&who->rules->refs, 1, memory_order_relaxed);
	return who;
}

void weft_account_who_free(struct weft_account_who *who)
{
	int kept = errno;

	if (who && atomic_fetch_sub(&who->rules->refs, 1) == 1)
		rules_free(who->rules);
	errno = kept;
}

bool weft__who_is_fresh(const struct weft_account_who *who)
{
	const struct weft__account_rules *rules = who->rules;
	int64_t age = weft__accounts_now_ns(who->accounts) - rules->loaded_ns;

	return age >= 0 && age < who->accounts->who_fresh_ns &&
	       rules->changes == atomic_load(&who->accounts->changes);
}

/* ---- Rights --------------------------------------------------------------------------------- */

/* Whether the folder is the path itself, or above it. */
static bool leads_to(const char *folder, size_t len, const char *path)
{
	if (len == 0)
		return true;
	return strncmp(folder, path, len) == 0 && (path[len] == '/' || path[len] == '\0');
}

/* No piece of it is empty, "." or "..": such a path would be compared to the wrong grants. */
static bool is_plain(const char *path)
{
	if (!*path)
		return true;
	for (;;) {
		size_t part = strcspn(path, "/");

		if (part == 0 || (part == 1 && path[0] == '.') ||
			(part == 2 && path[0] == '.' && path[1] == '.'))
			return false;
		if (!path[part])
			return true;
		path += part + 1;
	}
}

unsigned weft__rules_at(const struct weft__rule *rules, size_t count, const char *path)
{
	unsigned rights = 0, level = 0;
	size_t nearest = 0;

	for (size_t i = 0; i < count; i++) {
		const struct weft__rule *rule = &rules[i];
		bool is_nearer;

		if ((level && rule->len < nearest) || !leads_to(rule->folder, rule->len, path))
			continue;
		is_nearer = !level || rule->len > nearest || rule->level > level;
		if (is_nearer)
			rights = rule->rights;
		else if (rule->level == level)
			rights |= rule->rights;
		if (is_nearer) {
			nearest = rule->len;
			level = rule->level;
		}
	}
	return rights;
}

/* path: in the form that the rules have. */
static unsigned rights_at(const struct weft__account_rules *rules, const char *path)
{
	if (rules->token_folder &&
		!leads_to(rules->token_folder, strlen(rules->token_folder), path))
		return 0;
	return weft__rules_at(rules->rules, rules->count, path) & rules->token_rights;
}

unsigned weft_account_rights(const struct weft_account_who *who, const char *path)
{
	const struct weft__account_rules *rules = who->rules;
	unsigned rights = 0;
	char *normal;

	if (who->user.must_change || !is_plain(path))
		return 0;
	if (!rules->is_wide || !weft__folder_is_wide(path))
		return rights_at(rules, path);
	normal = weft__folder_normal(path);
	if (normal) /* else there is no memory, and no right */
		rights = rights_at(rules, normal);
	free(normal);
	return rights;
}

unsigned weft_account_files_rights_at(void *who, const char *path)
{
	return weft_account_rights(who, path);
}

/* ---- Strangers ------------------------------------------------------------------------------ */

struct stranger_work {
	struct weft__load load;
	struct weft_account_who *who;
};

static int load_stranger(struct weft__tx *tx, void *arg)
{
	struct stranger_work *work = arg;
	struct weft__user_row row = {.user = {.role = "stranger", .state = WEFT_ACCOUNT_ACTIVE}};
	int64_t powers = 0;

	weft_account_who_free(work->who);
	work->who = NULL;
	if (weft__tx_number(tx, &powers, "SELECT powers FROM roles WHERE name = ?1", "t",
		    row.user.role) < 0)
		return -1;
	row.powers = (unsigned)powers;
	work->who = weft__who_load(tx, &work->load, &row, &(struct weft__entry){0});
	return work->who ? 0 : -1;
}

int weft_account_stranger(struct weft_accounts *accounts, struct weft_account_who **ret_who)
{
	struct stranger_work work = {.load = weft__load_begin(accounts)};

	if (weft__store_transact(accounts->store, WEFT__TX_READ, load_stranger, &work) < 0) {
		weft_account_who_free(work.who);
		return -1;
	}
	*ret_who = work.who;
	return 0;
}
