/*
 * weft/account.h - the people a server knows: accounts, passwords, sessions, rights, quotas.
 *
 *	struct weft_accounts *accounts = weft_accounts_open(
 *		&(struct weft_accounts_options){.dir = "/var/lib/weft"});
 *	struct weft_account_call call = {.address = "192.0.2.7", .door = "http"};
 *	struct weft_account_who *who;
 *
 *	if (weft_account_login(accounts, &call, "mia", password, &who) < 0)
 *		...weft_account_fault_text(call.fault), and when to try again: call.wait_ns...
 *	else if (weft_account_rights(who, "letters") & WEFT_ACCOUNT_READ)
 *		...
 *	weft_account_who_free(who);
 *
 * Every door (web, FTP, chat, the command) calls the same functions, so that none can forget the
 * throttle, the rights or the audit log. They take a call: who asks, from where, by which door;
 * and say in it, besides errno, why they refused. What may only be done by administrators, or by a
 * person about herself, is refused in here (EACCES). Sessions, tokens and links are in
 * weft/account_session.h; the files of who goes in weft/account_estate.h; docs/accounts.md is the
 * guide.
 *
 * The data is one SQLite database, `accounts.db` in the state folder, which several processes may
 * have open at once: the command works on it while a server runs. When a call that changes
 * something has returned 0, the change survives a crash of the machine (what says "lazily": of the
 * process only); when it has failed, nothing has changed. A process that was forked from the one
 * that opened must open for itself.
 *
 * No call holds up a worker: the database and the hashing run on threads, and the fiber is parked;
 * outside a fiber the calling thread is blocked. All obey the ambient scope (weft/scope.h);
 * a change that has begun is waited for, so that its result is known. Safe from any thread, but
 * for a struct weft_account_call, which is for one call at a time.
 *
 * Times are seconds since 1970. Names are given as people type them; they are normalised here.
 * Errors: -1 or NULL with errno set; common to all: ETIMEDOUT, ECANCELED, ENOMEM, EIO; EBUSY
 * (another process has held the database for too long), EACCES (not allowed), EBADMSG (the
 * database is damaged), ENOSPC, EROFS, and ENOSYS in a weft built without SQLite or libsodium.
 */
#ifndef WEFT_ACCOUNT_H
#define WEFT_ACCOUNT_H

#include "weft/api.h"

WEFT_BEGIN

struct weft_accounts; /* opaque: src/account/accounts.c */

/** Bounds, in bytes without the NUL. A name has at most 32 characters, too. */
#define WEFT_ACCOUNT_NAME_MAX         64
#define WEFT_ACCOUNT_DISPLAY_NAME_MAX 128
#define WEFT_ACCOUNT_PATH_MAX         1023
#define WEFT_ACCOUNT_LABEL_MAX        128
#define WEFT_ACCOUNT_ADDRESS_MAX      63

/** A password's length in characters; in bytes at most four times as many. */
#define WEFT_ACCOUNT_PASSWORD_MIN 8
#define WEFT_ACCOUNT_PASSWORD_MAX 128

/** Room for a secret as text, NUL included: a session, token, link or one-time password. */
#define WEFT_ACCOUNT_SECRET_SIZE 64

/** Room for an account as its files tell it (weft/files.h), NUL included. */
#define WEFT_ACCOUNT_OWNER_SIZE 48

/** Rows of one page at most, and where a query's limit is 0. */
#define WEFT_ACCOUNT_PAGE_MAX     1000
#define WEFT_ACCOUNT_PAGE_DEFAULT 100

/* ---- Why not -------------------------------------------------------------------------------- */

/** Why a call failed, more exactly than errno. The last column is that errno. */
enum weft_account_fault {
	WEFT_ACCOUNT_FAULT_NONE, /* nothing more to say than errno does */

	/* Names: EINVAL */
	WEFT_ACCOUNT_NAME_EMPTY,
	WEFT_ACCOUNT_NAME_TOO_LONG,
	WEFT_ACCOUNT_NAME_NOT_UTF8,
	WEFT_ACCOUNT_NAME_BAD_START,     /* it begins with neither a letter nor a digit */
	WEFT_ACCOUNT_NAME_BAD_CHARACTER, /* neither letter, mark, digit nor one of . _ - + @ */
	WEFT_ACCOUNT_NAME_MIXED_SCRIPTS, /* Latin, Greek, Cyrillic... in one name */
	WEFT_ACCOUNT_NAME_RESERVED,      /* "server", "everyone"; "admin" but for administrators */
	WEFT_ACCOUNT_NAME_TAKEN,         /* EEXIST */
	WEFT_ACCOUNT_NAME_LOOKALIKE,     /* EEXIST: of a name that is taken */
	WEFT_ACCOUNT_NAME_UNKNOWN,       /* ENOENT */

	/* Passwords: EINVAL */
	WEFT_ACCOUNT_PASSWORD_TOO_SHORT,
	WEFT_ACCOUNT_PASSWORD_TOO_LONG,
	WEFT_ACCOUNT_PASSWORD_NOT_UTF8, /* or with control characters */
	WEFT_ACCOUNT_PASSWORD_COMMON,   /* or a walk over the keyboard, a repeated letter... */
	WEFT_ACCOUNT_PASSWORD_IS_NAME,  /* or the site's */
	WEFT_ACCOUNT_PASSWORD_SAME,     /* as before */

	/* Logging in */
	WEFT_ACCOUNT_WRONG,           /* EKEYREJECTED: name or password, nobody says which */
	WEFT_ACCOUNT_LOCKED,          /* EPERM; only told to who knows the password */
	WEFT_ACCOUNT_THROTTLED,       /* EAGAIN: too many failures; call.wait_ns says how long */
	WEFT_ACCOUNT_BUSY,            /* EAGAIN: too many log in at this moment; call.wait_ns */
	WEFT_ACCOUNT_EXPIRED,         /* EKEYEXPIRED: the session, token or link */
	WEFT_ACCOUNT_REVOKED,         /* EKEYREJECTED: it is not known, or not any more */
	WEFT_ACCOUNT_MUST_CHANGE,     /* EACCES: the password is to be changed first */
	WEFT_ACCOUNT_NO_PASSWORD_YET, /* EINVAL: no old one to give; a link sets the first */

	/* What may be done */
	WEFT_ACCOUNT_NOT_ALLOWED,    /* EACCES */
	WEFT_ACCOUNT_LAST_ADMIN,     /* EBUSY: nobody would be left who may manage accounts */
	WEFT_ACCOUNT_ONESELF,        /* EBUSY: nobody locks or removes herself */
	WEFT_ACCOUNT_ROLE_UNKNOWN,   /* ENOENT */
	WEFT_ACCOUNT_ROLE_IN_USE,    /* EBUSY */
	WEFT_ACCOUNT_GROUP_UNKNOWN,  /* ENOENT */
	WEFT_ACCOUNT_BAD_PATH,       /* EINVAL: of a folder */
	WEFT_ACCOUNT_BAD_TEXT,       /* EINVAL: a display name, label or detail */
	WEFT_ACCOUNT_BAD_NUMBER,     /* EINVAL: a quota, rights or a time out of range */
	WEFT_ACCOUNT_QUOTA_EXCEEDED, /* EDQUOT */
	WEFT_ACCOUNT_TOO_MANY,       /* ENOSPC: tokens, grants, groups of one person */
	WEFT_ACCOUNT_BAD_CSV,        /* EBADMSG: the report says which lines */
	WEFT_ACCOUNT_NEWER_DATABASE, /* ENOTSUP: a newer weft has written it */
	WEFT_ACCOUNT_FAULTS          /* how many there are */
};

/** A sentence for a person, without a final dot: "this name is taken". Never NULL. */
WEFT_API const char *weft_account_fault_text(enum weft_account_fault fault);

/** A word for programs: "name-taken"; "" for WEFT_ACCOUNT_FAULT_NONE. */
WEFT_API const char *weft_account_fault_word(enum weft_account_fault fault);

/* ---- Life ----------------------------------------------------------------------------------- */

struct weft_account_call; /* below */

struct weft_accounts_options {
	const char *dir;  /* the state folder, made with mode 0700 if it isn't there */
	const char *site; /* the site's name, which can't be a password; NULL: none */

	/* What a password costs to guess. At least what the database says it was at once. */
	unsigned hash_kib;     /* memory of one hash; 0: WEFT_ACCOUNT_HASH_KIB */
	unsigned hash_passes;  /* 0: WEFT_ACCOUNT_HASH_PASSES */
	bool is_weak;          /* less than the defaults is fine: tests only */
	bool tunes;            /* raise it to what takes this machine some 100 ms: for servers; that
				* is found out by a thread of its own, after the opening */
	unsigned hash_threads; /* hashes at a time; 0: half the cores, at least 1, at most 4 */
	unsigned hash_queue;   /* logins that may wait for one; beyond: EAGAIN; 0: 64 */

	/* Sessions */
	int64_t session_idle_s; /* 0: 7 days */
	int64_t session_age_s;  /* however busy; 0: 30 days */
	int64_t who_fresh_ns;   /* how long a look at the database is good for; 0: 1 s */

	int64_t busy_timeout_ns; /* how long another process may hold the database; 0: 5 s */

	/** The clock: nanoseconds since 1970. NULL: weft_wall_now(). For tests. */
	int64_t (*wall_now)(void *arg);
	void *arg;

	/**
	 * Told of a password that was not tried for too many failures, which no audit log keeps: by
	 * whose call, and whose account's; "": nobody's, for it may be a password in the wrong
	 * field. Any thread; it must not wait. NULL: nobody is told.
	 */
	void (*on_throttled)(const struct weft_account_call *call, const char *name, void *arg);
	void *on_throttled_arg;
};

/** Cost of a hash by argon2id, in KiB and passes, with one lane. */
#define WEFT_ACCOUNT_HASH_KIB    19456
#define WEFT_ACCOUNT_HASH_PASSES 2

/**
 * Open the accounts of a state folder, making the database or bringing it to today's form as
 * needed; the folder is closed to others (0700). End it with weft_accounts_close(). Errors: those
 * of open(2) and mkdir(2); EPERM (the folder or the file belongs to somebody else, or others may
 * write to it); ENOTSUP (a newer weft has written it), EINVAL (a cost below the defaults), EBADMSG
 * (the database is damaged, or is none), ENODATA (there were accounts, says the file
 * "accounts-were-here" of the folder, but accounts.db is gone or empty: it is not begun anew).
 */
WEFT_API struct weft_accounts *weft_accounts_open(const struct weft_accounts_options *options);

/** Nobody may be in a call, and every who is freed before. NULL is fine. Keeps errno. */
WEFT_API void weft_accounts_close(struct weft_accounts *accounts);

struct weft_account_call;

/**
 * Copy the database, while it is in use, to path, which must not be there yet (mode 0600): one
 * consistent moment of it. Powers: BACKUP. Errors: EEXIST, those of open(2).
 */
WEFT_API int weft_accounts_backup(
	struct weft_accounts *accounts, struct weft_account_call *call, const char *path);

/**
 * The first run: where nobody may manage accounts yet, make an administrator of this name (NULL:
 * "admin"), with a one-time password that must be changed. Returns 1 with the password, 0 when
 * there is an administrator already. Of several processes at once, one gets the 1.
 */
WEFT_API int weft_accounts_first_run(struct weft_accounts *accounts, struct weft_account_call *call,
	const char *name, char ret_password[WEFT_ACCOUNT_SECRET_SIZE]);

struct weft_accounts_facts {
	unsigned hash_kib, hash_passes; /* what a new password costs */
	unsigned hash_threads, hash_queue;
	unsigned hashes_waiting;
	uint64_t hashes_done, logins_throttled, logins_busy;
	int schema; /* the database's form, counted from 1 */
	int64_t users;
};

/** For status pages and metrics. */
WEFT_API int weft_accounts_facts(
	struct weft_accounts *accounts, struct weft_accounts_facts *ret_facts);

/* ---- Rights and powers ---------------------------------------------------------------------- */

/** What may be done in a folder: the bits of enum weft_files_right (weft/files.h). */
enum weft_account_right {
	WEFT_ACCOUNT_READ = 1,
	WEFT_ACCOUNT_LIST = 2,
	WEFT_ACCOUNT_WRITE = 4,
	WEFT_ACCOUNT_REPLACE = 8,
	WEFT_ACCOUNT_DELETE = 16,
	WEFT_ACCOUNT_MANAGE_FOLDER = 32, /* say what others may in it */
	WEFT_ACCOUNT_ALL_RIGHTS = 63,
};

/** What a role may do besides. */
enum weft_account_power {
	WEFT_ACCOUNT_MANAGES = 1,   /* people, groups, roles, rights */
	WEFT_ACCOUNT_AUDITS = 2,    /* read the audit log */
	WEFT_ACCOUNT_BACKS_UP = 4,  /* copy the database */
	WEFT_ACCOUNT_MODERATES = 8, /* chat: kick, ban, mute */
	WEFT_ACCOUNT_OPERATES = 16, /* the server: reload, stop, statistics */
	WEFT_ACCOUNT_ALL_POWERS = 31,
};

enum weft_account_state {
	WEFT_ACCOUNT_ACTIVE = 1,
	WEFT_ACCOUNT_IS_LOCKED = 2,  /* can't log in; nothing else changes */
	WEFT_ACCOUNT_IS_REMOVED = 4, /* only the name is left, so that nobody takes it over */
};

/* ---- Who asks ------------------------------------------------------------------------------- */

/** One account, as it was at one moment. */
struct weft_account_user {
	int64_t id;                           /* of its own for ever; a name can be changed */
	char name[WEFT_ACCOUNT_NAME_MAX + 1]; /* normalised */
	char display_name[WEFT_ACCOUNT_DISPLAY_NAME_MAX + 1]; /* as it is shown; "" */
	char role[WEFT_ACCOUNT_NAME_MAX + 1];
	char home[WEFT_ACCOUNT_PATH_MAX + 1]; /* folder that is her "/"; "": the whole */
	enum weft_account_state state;
	bool has_password; /* false: invited, the link has not been used */
	bool must_change;  /* the password, before anything else */
	int64_t created_s;
	int64_t seen_s;      /* last login or use of a session, to some minutes; 0: never */
	int64_t quota_bytes; /* 0: no bound */
	int64_t used_bytes;  /* what is reserved at this moment not included */
};

struct weft__account_rules; /* opaque: src/account/rules.h */

/**
 * Somebody who was let in, with what she may do: a picture of one moment, which no later change
 * of the database changes. To be read only; from any thread.
 */
struct weft_account_who {
	struct weft_account_user user; /* id 0, name "": a stranger */
	unsigned powers;               /* enum weft_account_power; 0 until must_change is done */
	int64_t session;               /* its id, if it was a session that let her in */
	int64_t token;                 /* the same of a token */
	char owner[WEFT_ACCOUNT_OWNER_SIZE]; /* weft_files_visitor.owner; "" of a stranger */
	struct weft_accounts *accounts;
	struct weft__account_rules *rules;
};

/** Who asks for something, from where; and after a failure why it was refused. */
struct weft_account_call {
	const struct weft_account_who *who; /* NULL: nobody has logged in */
	bool is_local;       /* whoever can write to the database: may do everything */
	const char *address; /* where she comes from, without the port; NULL: this machine */
	const char *door;    /* "http", "ftp", "command"...: for the audit log; NULL: "" */
	enum weft_account_fault fault;
	int64_t wait_ns; /* after EAGAIN: when to try again */
};

/** Another reference to the same; lets go of one (NULL is fine, errno is kept). */
WEFT_API struct weft_account_who *weft_account_who_keep(struct weft_account_who *who);
WEFT_API void weft_account_who_free(struct weft_account_who *who);

/**
 * The same person as she is now, for connections that last: a new picture, or the same with one
 * more reference where it is fresh. It is cheap to ask before each command.
 * Errors: EKEYREJECTED, EKEYEXPIRED (the session or token is over), EPERM (locked or removed;
 * or her password has changed since).
 */
WEFT_API int weft_account_who_refresh(
	struct weft_account_who *who, struct weft_account_who **ret_who);

/** Somebody who has not logged in: role "stranger", which may nothing unless rights are granted. */
WEFT_API int weft_account_stranger(
	struct weft_accounts *accounts, struct weft_account_who **ret_who);

/**
 * The rights at a path below the shared folder ("": the folder itself), which need not exist. The
 * nearest folder upwards with a grant for her decides; there, a grant to her own account counts
 * more than those to her groups (taken together), and these more than her role's. Folders are
 * compared in NFC: a name on disk is bytes, but those who read it see one name. A token's are
 * cut to its scope. Never waits.
 */
WEFT_API unsigned weft_account_rights(const struct weft_account_who *who, const char *path);

/* ---- Logging in ----------------------------------------------------------------------------- */

/**
 * Let somebody in by name and password. To be freed with weft_account_who_free(). A name that
 * nobody has costs what a wrong password does. Failures are counted by name and by
 * address, over all doors; after some of them each address has to wait between two tries, and is
 * then let try, whatever others do meanwhile. An address from which the account was logged in to
 * before does not wait for the failures of strangers.
 * A password that was right within the last minute, from the same address, is known again without
 * hashing: so that HTTP Basic, which sends it each time, costs little. Errors: EKEYREJECTED, EPERM
 * (locked), EAGAIN (wait).
 */
WEFT_API int weft_account_login(struct weft_accounts *accounts, struct weft_account_call *call,
	const char *name, const char *password, struct weft_account_who **ret_who);

/* ---- Passwords ------------------------------------------------------------------------------ */

/**
 * Change a password. By the person herself with the old one (which is throttled as a login is);
 * local callers give NULL for it. All sessions are over after that, but tokens are not; the caller
 * logs in anew. Errors: EINVAL (call.fault says what is wrong with the new one), EKEYREJECTED.
 */
WEFT_API int weft_account_set_password(struct weft_accounts *accounts,
	struct weft_account_call *call, const char *name, const char *old_password,
	const char *new_password);

/** What is wrong with it as a password of that name (NULL: any); nothing is asked or kept. */
WEFT_API enum weft_account_fault weft_account_password_judge(
	const struct weft_accounts *accounts, const char *name, const char *password);

/* ---- Accounts ------------------------------------------------------------------------------- */

struct weft_account_new {
	const char *name;
	const char *display_name; /* NULL: "" */
	const char *role;         /* NULL: "member" */
	const char *home;         /* folder below the shared one; NULL: "" */
	const char *password;     /* local callers only; NULL: none, a link sets it */
	bool must_change;
	int64_t quota_bytes; /* 0: no bound */
};

/**
 * Make an account. Powers: MANAGES; and nobody gives a role that may do more than she herself may.
 * ret_user may be NULL. Errors: EEXIST, EINVAL, ENOENT (the role).
 */
WEFT_API int weft_account_add(struct weft_accounts *accounts, struct weft_account_call *call,
	const struct weft_account_new *account, struct weft_account_user *ret_user);

/** One account. By herself, or MANAGES. Errors: ENOENT. */
WEFT_API int weft_account_get(struct weft_accounts *accounts, struct weft_account_call *call,
	const char *name, struct weft_account_user *ret_user);

struct weft_account_query {
	const char *part;  /* of the name or display name, in any case; NULL: any */
	const char *role;  /* NULL: any */
	const char *group; /* NULL: any */
	unsigned states;   /* enum weft_account_state; 0: those that are not removed */
	const char *after; /* the last name of the page before; NULL: the first page */
	unsigned limit;    /* 0: WEFT_ACCOUNT_PAGE_DEFAULT */
};

struct weft_account_page {
	struct weft_account_user *users; /* by name */
	size_t count;
	bool has_more;
};

/** Find accounts, a page at a time. Powers: MANAGES. query may be NULL. */
WEFT_API int weft_account_find(struct weft_accounts *accounts, struct weft_account_call *call,
	const struct weft_account_query *query, struct weft_account_page *ret_page);
WEFT_API void weft_account_page_fini(struct weft_account_page *page);

/** What is NULL, or negative, stays as it is. */
struct weft_account_change {
	const char *name;
	const char *display_name; /* the only one that a person may change herself */
	const char *role;
	const char *home;
	int64_t quota_bytes; /* -1: as it is */
	int64_t used_bytes;  /* -1: as it is; what a recount has found */
	int must_change;     /* -1: as it is */
};

/** A change of nothing, to begin with. */
#define WEFT_ACCOUNT_NO_CHANGE \
	((struct weft_account_change){.quota_bytes = -1, .used_bytes = -1, .must_change = -1})

/**
 * Change an account. Powers: MANAGES, over somebody who may not do more than oneself. ret_user may
 * be NULL. Errors: ENOENT, EEXIST, EINVAL, EBUSY (the last administrator).
 */
WEFT_API int weft_account_change(struct weft_accounts *accounts, struct weft_account_call *call,
	const char *name, const struct weft_account_change *change,
	struct weft_account_user *ret_user);

/** Lock: no login, and what was let in is thrown out. Twice is fine. Errors: EBUSY (the last
 * administrator, or oneself). */
WEFT_API int weft_account_lock(
	struct weft_accounts *accounts, struct weft_account_call *call, const char *name);
WEFT_API int weft_account_unlock(
	struct weft_accounts *accounts, struct weft_account_call *call, const char *name);

/**
 * Remove: password, sessions, tokens, groups and grants are gone; the name stays taken, and shows
 * in the state IS_REMOVED; weft_account_unlock() brings the bare account back. purges: nothing but
 * the audit log knows the name any more, and it is free.
 */
WEFT_API int weft_account_remove(struct weft_accounts *accounts, struct weft_account_call *call,
	const char *name, bool purges);

/**
 * What a name becomes: NFC, case-folded. Returns 0, or -1 with EINVAL and *ret_fault (which may
 * be NULL). Never waits.
 */
WEFT_API int weft_account_name_normalise(const char *text, char ret_name[WEFT_ACCOUNT_NAME_MAX + 1],
	enum weft_account_fault *ret_fault);

/**
 * What lookalikes have in common: of a normalised name. Two names with one skeleton can't both be
 * accounts: chat and others ask it of the names of guests.
 */
WEFT_API int weft_account_name_skeleton(const char *name, char *ret_skeleton, size_t size);

/**
 * Whose account has this name, or one that looks like it: 1 with *ret_user (may be NULL; also one
 * that is locked or removed: the name is not free), 0: nobody's. For doors where people have names
 * without accounts: nobody's rights are asked. Errors: EINVAL (it can't be a name; call.fault).
 */
WEFT_API int weft_account_name_owner(struct weft_accounts *accounts, struct weft_account_call *call,
	const char *name, struct weft_account_user *ret_user);

/** Whether nobody may have it (server, everyone...), or only administrators (admin), or it looks
 * so. */
WEFT_API bool weft_account_name_is_reserved(const char *name);

/* ---- Roles, groups, grants ------------------------------------------------------------------- */

/** "admin", "member", "guest" and "stranger" are there from the start; the first can't be changed.
 */
struct weft_account_role {
	char name[WEFT_ACCOUNT_NAME_MAX + 1];
	unsigned powers;
};

struct weft_account_roles {
	struct weft_account_role *roles;
	size_t count;
};

/** All roles. From anybody. */
WEFT_API int weft_account_roles(struct weft_accounts *accounts, struct weft_account_call *call,
	struct weft_account_roles *ret_roles);
WEFT_API void weft_account_roles_fini(struct weft_account_roles *roles);

/** Make a role, or give one other powers. Powers: MANAGES, and all that it gives. */
WEFT_API int weft_account_role_put(struct weft_accounts *accounts, struct weft_account_call *call,
	const struct weft_account_role *role);

/** Errors: ENOENT, EBUSY (somebody has it, or it is one of those from the start). */
WEFT_API int weft_account_role_remove(
	struct weft_accounts *accounts, struct weft_account_call *call, const char *role);

struct weft_account_group {
	char name[WEFT_ACCOUNT_NAME_MAX + 1];
	int64_t members;
};

struct weft_account_groups {
	struct weft_account_group *groups;
	size_t count;
};

/** Make or remove a group. Powers: MANAGES. Errors: EEXIST; ENOENT. */
WEFT_API int weft_account_group_add(
	struct weft_accounts *accounts, struct weft_account_call *call, const char *group);
WEFT_API int weft_account_group_remove(
	struct weft_accounts *accounts, struct weft_account_call *call, const char *group);

/** Put somebody into a group, or take her out; twice is fine. Powers: MANAGES. Errors: ENOENT. */
WEFT_API int weft_account_group_join(struct weft_accounts *accounts, struct weft_account_call *call,
	const char *group, const char *name);
WEFT_API int weft_account_group_leave(struct weft_accounts *accounts,
	struct weft_account_call *call, const char *group, const char *name);

/** The groups of somebody (by herself, or MANAGES), or with NULL all (MANAGES). */
WEFT_API int weft_account_groups(struct weft_accounts *accounts, struct weft_account_call *call,
	const char *name, struct weft_account_groups *ret_groups);
WEFT_API void weft_account_groups_fini(struct weft_account_groups *groups);

enum weft_account_subject {
	WEFT_ACCOUNT_TO_USER = 1,
	WEFT_ACCOUNT_TO_GROUP,
	WEFT_ACCOUNT_TO_ROLE,
};

struct weft_account_grant {
	enum weft_account_subject to;
	char subject[WEFT_ACCOUNT_NAME_MAX + 1]; /* the name of that user, group or role */
	char folder[WEFT_ACCOUNT_PATH_MAX + 1];  /* below the shared folder; "": that itself */
	unsigned rights;                         /* 0: none, which is not the same as no grant */
};

struct weft_account_grants {
	struct weft_account_grant *grants;
	size_t count;
};

/**
 * Set the rights of one subject in one folder and below. Powers: MANAGES; or the right
 * MANAGE_FOLDER there, for rights that the caller has there herself. Not of a person, a role or a
 * group with somebody in it that may do more than the caller. Errors: ENOENT, EINVAL.
 */
WEFT_API int weft_account_grant(struct weft_accounts *accounts, struct weft_account_call *call,
	const struct weft_account_grant *grant);

/**
 * Take that grant away: the folders above decide again, which must give nobody more than the caller
 * has there, unless she MANAGES. Errors: ENOENT.
 */
WEFT_API int weft_account_grant_remove(struct weft_accounts *accounts,
	struct weft_account_call *call, const struct weft_account_grant *grant);

/** All grants, by folder; of one folder only, where folder is not NULL. Powers: as above. */
WEFT_API int weft_account_grants(struct weft_accounts *accounts, struct weft_account_call *call,
	const char *folder, struct weft_account_grants *ret_grants);
WEFT_API void weft_account_grants_fini(struct weft_account_grants *grants);

/* ---- For weft/files.h: a visitor whose arg is a who ------------------------------------------ */

/** weft_account_rights(). */
WEFT_API unsigned weft_account_files_rights_at(void *who, const char *path);

/**
 * Take bytes of the person's quota before they are written. Lazily; what a process has reserved
 * and not settled is free again when it has died. Returns 0. Errors: EDQUOT.
 */
WEFT_API int weft_account_files_reserve(void *who, int64_t bytes);

/** Give back what was reserved, and note what is used in the end (negative: freed). Lazily. Never
 * fails for want of time: neither deadline nor cancellation ends it. */
WEFT_API void weft_account_files_settle(void *who, int64_t reserved, int64_t used);

/**
 * What the person uses and may use, in bytes, as the database has it now: weft_files_visitor.quota.
 * Errors: ENODATA (she has no quota, or is a stranger).
 */
WEFT_API int weft_account_files_quota(void *who, int64_t *ret_used, int64_t *ret_max);

/**
 * So many bytes of a file's owner are gone, whoever removed it: weft_files_options.freed, whose arg
 * is the accounts. Lazily. An owner that is no account of this database is nobody.
 */
WEFT_API void weft_account_files_freed(void *accounts, const char *owner, int64_t bytes);

/* A struct weft_files_carrier, whose arg is the accounts; who: the visitor's, or NULL. */

/**
 * Whether grants, homes or tokens' folders are at from or below it. Of a copy: whether a grant is,
 * that takes away reading or listing. 1, 0, or -1.
 */
WEFT_API int weft_account_files_carry_asks(
	struct weft_accounts *accounts, const char *from, bool is_copy);

/** What gets another path: both below the shared folder. */
struct weft_account_carry {
	const struct weft_account_who *who; /* who does it; NULL: nobody that is known */
	const char *from, *to;
	bool is_copy;
};

/**
 * Grants at from and below hold at to and below as well; where one is there for the same subject,
 * what both give. Of a copy: where it asks for that. *ret_state is for the end; NULL: there is none
 * to be called. Errors: E2BIG (more grants than somebody can have), ENAMETOOLONG.
 */
WEFT_API int weft_account_files_carry_begin(
	struct weft_accounts *accounts, const struct weft_account_carry *carry, void **ret_state);

/**
 * how as enum weft_files_carried: 0: they hold no more at from, and homes and tokens' folders go
 * along; 1: homes and tokens' folders go along; 2: all is as before. In the audit log as grant.move
 * or grant.copy, but for 2. Neither deadline nor cancellation ends it.
 */
WEFT_API void weft_account_files_carry_end(struct weft_accounts *accounts, void *state, int how);

/** What one account uses, as it is said to and as it was found. */
struct weft_account_use {
	int64_t id, created_s;
	char name[WEFT_ACCOUNT_NAME_MAX + 1];
	int64_t before, found;
	int64_t settled; /* how often it was changed: by that a change meanwhile is noticed */
	bool is_busy;    /* it is not set right: something of hers is under way */
};

struct weft_account_uses {
	struct weft_account_use *uses; /* by id; removed accounts, too */
	size_t count;
	int64_t others; /* found, and nobody's who is known here */

	/**
	 * For who counts by the engine that all changes go through, which waits for those that are
	 * under way: what this process has reserved is for bytes that were not seen, and will be
	 * charged later.
	 */
	bool is_settled;
};

/**
 * To count anew what accounts use: ask for all of them, count the files (weft_files_owners()) and
 * add each to its owner, then set them right. An account whose use has changed meanwhile, or who
 * has reserved bytes, stays as it is, and is busy: of her it is not known. Powers: MANAGES.
 */
WEFT_API int weft_account_uses(struct weft_accounts *accounts, struct weft_account_call *call,
	struct weft_account_uses *ret_uses);
WEFT_API void weft_account_uses_add(
	struct weft_account_uses *uses, const char *owner, int64_t bytes, bool is_busy);
WEFT_API int weft_account_recount(struct weft_accounts *accounts, struct weft_account_call *call,
	struct weft_account_uses *uses);
WEFT_API void weft_account_uses_fini(struct weft_account_uses *uses);

/**
 * This process will change files below that shared folder (by its real path), and charge for them:
 * that is noted on the disk until weft_account_charging_end(), or, where it is killed, for ever:
 * then something may have changed that was never charged. *ret_is_unsure: so it is by now, because
 * of another that does not live any more (or a backup of its time was put back): all is to be
 * counted anew, as above, which may be done while files are changed; then
 * weft_account_charging_sure(). Before the first change.
 */
WEFT_API int weft_account_charging_begin(
	struct weft_accounts *accounts, const char *folder, bool *ret_is_unsure);

/** What accounts use was counted anew in that folder, and is right. */
WEFT_API int weft_account_charging_sure(struct weft_accounts *accounts, const char *folder);

/**
 * All that this process has changed is charged, and it changes nothing any more. Where a use could
 * not be written (weft_account_files_settle() can't say so), it stays noted.
 */
WEFT_API int weft_account_charging_end(struct weft_accounts *accounts);

/* ---- The audit log --------------------------------------------------------------------------- */

/** What was done: nothing of it can be changed or taken out. */
struct weft_account_event {
	int64_t id;
	int64_t at_s;
	char who[WEFT_ACCOUNT_NAME_MAX + 1];        /* "": nobody who was logged in */
	char address[WEFT_ACCOUNT_ADDRESS_MAX + 1]; /* "": this machine */
	char door[WEFT_ACCOUNT_ADDRESS_MAX + 1];
	char action[WEFT_ACCOUNT_NAME_MAX + 1]; /* "account.add", "login", "token.remove"... */
	char target[WEFT_ACCOUNT_NAME_MAX + 1]; /* on whom or what */
	char result[WEFT_ACCOUNT_NAME_MAX +
		    1]; /* "ok", or why not: a word of weft_account_fault_word() */
	char detail[WEFT_ACCOUNT_LABEL_MAX + 1];
};

struct weft_account_audit_query {
	const char *who;    /* NULL: anybody */
	const char *target; /* NULL: anything */
	const char *action; /* it begins with this: "login", "account."; NULL: any */
	int64_t since_s;    /* 0: from the start */
	int64_t until_s;    /* 0: to the end */
	int64_t before;     /* events older than this id: of the page before the last; 0: newest */
	unsigned limit;     /* 0: WEFT_ACCOUNT_PAGE_DEFAULT */
};

struct weft_account_events {
	struct weft_account_event *events; /* the newest first */
	size_t count;
	bool has_more;
};

/** Read the log. Powers: AUDITS. query may be NULL. */
WEFT_API int weft_account_audit(struct weft_accounts *accounts, struct weft_account_call *call,
	const struct weft_account_audit_query *query, struct weft_account_events *ret_events);
WEFT_API void weft_account_events_fini(struct weft_account_events *events);

/** Note what a door has done for the caller: "room.kick". result NULL: "ok"; detail may be NULL. */
struct weft_account_note {
	const char *action, *target, *result, *detail;
};
WEFT_API int weft_account_audit_note(struct weft_accounts *accounts, struct weft_account_call *call,
	const struct weft_account_note *note);

/* ---- CSV (RFC 4180) -------------------------------------------------------------------------- */

/** Called with parts of the text, in order. Returns 0, or -1 to stop with its errno. It may wait.
 */
typedef int weft_account_write_fn(const char *text, size_t len, void *arg);

/**
 * Write all accounts, a head line first: name, display_name, role, state, home, quota, groups
 * (apart by ';'), created, last_seen. A cell that a spreadsheet would take for a formula begins
 * with an apostrophe, which the import takes off again. Powers: MANAGES.
 */
WEFT_API int weft_accounts_export(struct weft_accounts *accounts, struct weft_account_call *call,
	weft_account_write_fn *write, void *arg);

/** Longest text of an import, and its lines at most. */
#define WEFT_ACCOUNT_IMPORT_LEN_MAX   (8 * 1024 * 1024)
#define WEFT_ACCOUNT_IMPORT_LINES_MAX 20000

struct weft_account_import_fault {
	size_t line;        /* from 1 on, where the record begins; the head line is the first */
	const char *column; /* "" where it is the whole line */
	enum weft_account_fault fault;
	const char *text; /* a sentence */
};

struct weft_account_import {
	const char *text;
	size_t len;
	bool skips_bad; /* import the good lines; else none where one is bad */
	bool updates;   /* accounts that are there are changed; else their lines are bad */
	bool is_trial;  /* say what would be, and change nothing */
	/** Called for each bad line, once it is known what comes of the whole. NULL: not told. */
	void (*report)(const struct weft_account_import_fault *fault, void *arg);
	void *arg;
};

struct weft_account_import_result {
	size_t added, changed, bad;
};

/**
 * Read accounts from a table whose head line names its columns, in any order: name, and any of
 * display_name, role, home, quota, groups; those that export adds are read over; others are a
 * fault. New ones have no password: invite them. All in one change. Powers: MANAGES. Errors:
 * EBADMSG (bad lines, and nothing was imported), EMSGSIZE (too long).
 */
WEFT_API int weft_accounts_import(struct weft_accounts *accounts, struct weft_account_call *call,
	const struct weft_account_import *import, struct weft_account_import_result *ret_result);

WEFT_END

#endif
