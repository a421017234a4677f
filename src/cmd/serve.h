/*
 * serve.h - `weft serve`, in parts.
 *
 *	serve.c           from the options to the server's end
 *	serve_options.c   the help, and the table of options: a new one has its line in both
 *	serve_whole.c     all doors at once: what it is when nobody says what it is to be
 *	serve_certificate.c  the certificate that it makes for itself: --lan
 *	serve_control.c   its control socket, and what is counted for it
 *	serve_door.c      what it listens on: HTTP, HTTPS, metrics; each in a fiber
 *	serve_auth.c      who may come in: --auth-file
 *	serve_accounts.c  the same, and what they may: --state; and the API of accounts
 *	serve_attend.c    who asks for files then, and whether she still may
 *	serve_events.c    who signs in, and what is done to accounts, for the log
 *	serve_users.c     that file, and the checking of passwords
 *	serve_ftp.c       the FTP server of the folder
 *	serve_chat.c      rooms where people talk
 *	serve_console.c   what the administrator types where it runs
 *	serve_announce.c  what the local networks are told of it
 *	serve_chat_web.c  the same, in a browser: --chat-web
 *	serve_page.c      the page of the hub: --page; and what stands before the files
 *	serve_hosts.c     the names it goes by, the proxies it trusts
 *	serve_check.c     options that would do nothing, or not what was meant
 *	serve_inspect.c   what a start would find wrong: weft config check
 *	serve_private.c   keys, users and log that would be shared themselves
 *	serve_reload.c    what has changed: certificates, users, log
 *	serve_limits.c    and limits
 *	serve_confine.c   whose process it is, and what it can do at all
 *	serve_say.c       what is printed at the start
 *	serve_welcome.c   the same of the whole hub, for people
 *	serve_code.c      an address as a picture, for telephones
 */
#ifndef WEFT_SRC_CMD_SERVE_H
#define WEFT_SRC_CMD_SERVE_H

#include "options.h"
#include "service.h"
#include "settings.h"
#include "weft/account.h"
#include "weft/files.h"
#include "weft/ftp.h"
#include "weft/http_files.h"
#include "weft/http_metrics.h"
#include "weft/tls.h"

#define NAME "serve"

/** Where it listens, unless it is told, if it is for the web alone. */
#define SERVE_DEFAULT_HTTP "127.0.0.1:8080"

/** Listeners at most: six options that may be given CMD_TEXTS_MAX times, and two. */
#define SERVE_DOORS_MAX (6 * CMD_TEXTS_MAX + 2)

/** Names that it goes by: those of two options, and three of the machine. */
#define SERVE_HOSTS_MAX (2 * CMD_TEXTS_MAX + 3)

/** Longest name of a host, with its NUL. */
#define SERVE_HOST_SIZE 256

enum serve_door_kind {
	SERVE_HTTP,
	SERVE_HTTPS,
	SERVE_METRICS,
	SERVE_FTP,
	SERVE_FTPS,
	SERVE_CHAT,
	SERVE_CHAT_TLS,
};

/** One listener, and who serves it. */
struct serve_door {
	enum serve_door_kind kind;
	const char *text;  /* as the option has it */
	bool is_for_admin; /* of chat, in the state folder, which nobody has named */
	struct weft_listener *listener;
	struct weft_http_server *server;
	struct hub_chat_udp *datagrams; /* of chat, at the same address; NULL: none */
	struct serve *serve;
	weft_fiber_id fiber;
};

struct hub_status;     /* ../hub/status.h */
struct hub_log;        /* ../hub/control_log.h */
struct weft_str;       /* weft/str.h */
struct weft_ledger;    /* weft/ledger.h */
struct serve_auth;     /* serve_auth.c */
struct serve_accounts; /* serve_accounts.c */
struct serve_confined; /* serve_confine.c */
struct serve_disks;    /* serve_disk.c */
struct serve_control;  /* serve_control.c */
struct serve_reloader; /* serve_reload.c */

/** Of this machine; empty: it has none. */
struct serve_own_names {
	char whole[SERVE_HOST_SIZE], first[SERVE_HOST_SIZE], local[SERVE_HOST_SIZE + 8];
};

/** FTP: what the command line says, and what is made of it. */
struct serve_ftp {
	struct cmd_texts plain, implicit; /* HOST:PORT, by --ftp and --ftps */
	bool is_closed;                   /* by "none": what is told of FTP besides is no mistake */
	const char *passive;              /* LOW-HIGH */
	const char *log_path;
	uint64_t rate, rate_per_client, rate_per_user; /* bytes a second; 0: any */
	struct weft_ftp_server_options options;
	struct weft_tls *tls; /* without HTTP's protocols in it */
	struct weft_ftp_log *log;
	struct weft_ftp_server *server; /* NULL: there is no such door */
};

/** Chat: the same. */
struct serve_chat {
	struct cmd_texts plain, by_tls; /* HOST:PORT, unix:/PATH; HOST:PORT */
	bool is_closed;                 /* by "none", as FTP */
	bool no_guests, guests_make, has_web;
	const char *announced_as; /* NULL: by the machine's name */
	bool no_announce;
	unsigned rate; /* commands a second of one client; 0: the default */
	struct weft_tls *tls;
	const struct weft_files_visitor *strangers; /* with accounts: what guests may see */
	struct hub_chat *chat;                      /* ../hub/chat.h; NULL: there is no such door */
	struct hub_chat_tcp *door;
	uint8_t key[32];                 /* secret, of sealed datagrams */
	char fingerprint[64];            /* of the public one; "": there is none */
	struct serve_console *console;   /* NULL: no terminal */
	struct serve_announce *announce; /* NULL: nobody is told */
	struct hub_chat_web *web;        /* ../hub/chat_web.h; NULL: not by HTTP */
};

struct serve {
	/* What the command line says. */
	const char *dir;
	const char *config;           /* read before: settings.path */
	struct cmd_settings settings; /* which holds the texts of all that follow */
	bool shows_settings;          /* once they are read */
	bool inspects;                /* all that is wrong is told, and nothing is served */
	bool is_whole;                /* nobody has said what it is to be: all of it */
	bool is_again;                /* read while it serves: serve_limits.c */
	bool has_no_file;             /* then: there was none at the start */
	int argc;
	char **argv;
	bool is_lan;                  /* all of it, for the local network */
	struct cmd_texts http, https; /* HOST:PORT, unix:/PATH */
	bool https_is_closed;         /* by "none" */
	const char *metrics_at;       /* HOST:PORT; NULL: nowhere */
	const char *control_at;       /* a path, "none"; NULL: where it is found without */
	const char *unix_mode;        /* octal; NULL: the owner's alone */
	struct weft_listener_options listener_options;
	struct cmd_texts certificates, keys;
	struct cmd_texts host_names, proxies;
	bool redirects; /* HTTP to HTTPS */
	unsigned hsts_days;
	int64_t watch_ns;      /* between looks at those files; negative: none */
	const char *auth_file; /* NULL: everybody may come in */
	bool allows_plain_auth;
	const char *state;      /* a folder; NULL, "none": no accounts */
	unsigned hash_cost;     /* 0: tuned to the machine, 1: as low as is allowed */
	const char *access_log; /* path, "-", "none"; NULL: "-" on a terminal */
	unsigned log_format;
	bool has_log_format; /* it was given */
	struct weft_run_options run;
	struct weft_http_server_options server_options;
	struct weft_http_files_options files_options;
	uint64_t upload_max;
	weft_fiber_id tidy;        /* 0: nothing has to be */
	struct serve_disks *disks; /* NULL: none is watched */
	unsigned trash_days;       /* 0: 30 */
	bool no_trash;
	struct cmd_texts index_names, cache_rules, types, downloads; /* of files_options */
	unsigned links, model;
	unsigned per_host; /* connections of one host, over all doors; 0: any number */
	const char *user;  /* whose process it is to be: NAME, NAME:GROUP; NULL: the one it is */
	unsigned confine;  /* auto, no, strict */
	bool allows_dumps; /* of its memory */
	bool is_json;
	struct serve_ftp ftp;
	struct serve_chat chat;
	bool has_page;

	/* What is made of it. */
	char *folder;          /* dir's absolute path */
	char *own_certificate; /* the file that it makes; NULL: it has been given others, or none */
	char *admin_socket;    /* unix:STATE/chat.sock; NULL: there is none */
	const char *hosts[SERVE_HOSTS_MAX + 1];
	struct serve_own_names own_names;
	char door_names[CMD_TEXTS_MAX][SERVE_HOST_SIZE];
	struct weft_files *engine; /* of the files, for all doors; NULL: HTTP has its own */
	struct weft_http_files *files;
	struct weft_http_log *log;
	struct weft_tls *tls;
	struct serve_auth *auth;
	struct serve_accounts *accounts;
	struct serve_confined *confined;
	struct serve_control *control;
	struct serve_reloader *reloader;
	struct weft_ledger *ledger;          /* of connections by host; NULL: none bounds them */
	struct weft_http_metrics *metrics;   /* the control's */
	struct weft_http_service front;      /* what stands before the files */
	struct weft_http_router *router;     /* of it; without accounts, which have one */
	struct hub_page *page;               /* ../hub/page.h; NULL: there is none */
	struct weft_http_server *server;     /* of the folder */
	struct weft_http_server *redirector; /* with redirects: of HTTP */
	struct weft_http_server *counter;    /* of the metrics */
	struct weft_http_to_https to_https;
	struct serve_door doors[SERVE_DOORS_MAX];
	unsigned door_count;
};

/** Read the command line. Returns as weft__cmd_parse(). */
int weft__serve_take_options(struct serve *serve, int argc, char **argv);

/* ---- The whole hub ------------------------------------------------------------------------ */

/** Whether something was told that makes it a server of the web: its address, --auth-file... */
bool weft__serve_is_told(const struct serve *serve, const struct cmd_option *options);

/** All that was not told: doors, accounts, the page. Returns a status. */
int weft__serve_take_whole(struct serve *serve);

/** Whether it is the address of a door that nobody has named; and its port. */
bool weft__serve_is_default(const char *text);
unsigned weft__serve_default_port(const char *text);

/** Listen there, or at the next port that is free. Returns a status, and has said what is wrong. */
int weft__serve_open_default(struct serve_door *door, const char *option);

/** The file of the certificate that is made for --lan, where none is given. Returns a status. */
int weft__serve_take_certificate(struct serve *serve);

/** Make it, if there is none that is good for this machine and for a while. Returns a status. */
int weft__serve_make_certificate(const struct serve *serve);

/** SHA-256 of the first certificate, as AA:BB:..., and its last day, 2027-12-31. false: none. */
#define SERVE_FINGERPRINT_SIZE 96
bool weft__serve_fingerprint(
	const struct serve *serve, char ret_text[SERVE_FINGERPRINT_SIZE], char ret_until[16]);

/** An address of IPv4 by which others get to this machine, the one of its way out first. */
bool weft__serve_own_address(char ret_host[16]);

/** text as a picture for telephones on the standard output, if that is a terminal that can. */
void weft__serve_print_code(const char *text);

/** The names that it goes by, and the proxies, into its server_options. Returns a status. */
int weft__serve_take_hosts(struct serve *serve);

/* ---- Doors: each returns a status, and has said what went wrong -------------------------- */

/** Whether the options for doors go together. */
int weft__serve_check_doors(struct serve *serve);

/** Read the certificates, if there are any. */
int weft__serve_open_tls(struct serve *serve);

/** The same for other protocols (ALPN; NULL: none), as what. */
int weft__serve_make_tls(struct serve *serve, const char *what, const char *const *protocols,
	struct weft_tls **ret_tls);

/** The servers of the doors; the folder's options are filled in. */
int weft__serve_make_servers(struct serve *serve);
void weft__serve_free_servers(struct serve *serve);

/** Listen. In a fiber. */
int weft__serve_open_doors(struct serve *serve);
void weft__serve_close_doors(struct serve *serve);

/**
 * Serve all until weft__serve_stop(), each in a fiber; where one can't go on, all end. Join in any
 * case: what could be started of them.
 */
int weft__serve_start_doors(struct serve *serve);
int weft__serve_join_doors(struct serve *serve);
void weft__serve_stop(struct serve *serve);

/* ---- Who may come in ---------------------------------------------------------------------- */

/** Read the file of users, if there is one. Returns a status. */
int weft__serve_open_auth(struct serve *serve);
void weft__serve_close_auth(struct serve *serve);

/** Read it again. A status; what is wrong with it is said, and then the old one holds. */
int weft__serve_reload_auth(struct serve *serve);

/** Whether the password is the user's: 0, or -1 with errno, EACCES or EAGAIN. It takes a while. */
int weft__serve_check_user(struct serve *serve, const char *name, const char *password);

/** A service's authorise(); its arg is the struct serve. */
weft_http_handler_fn weft__serve_authorise;

/* Accounts: --state. Whether it goes with the other options; open them; close them. */
int weft__serve_check_accounts(struct serve *serve);
int weft__serve_open_accounts(struct serve *serve);
void weft__serve_close_accounts(struct serve *serve);

/** What strangers may, and who may stay, once the doors are open. Returns a status. */
int weft__serve_begin_accounts(struct serve *serve);

/**
 * The first run makes an administrator, when nothing can fail any more: so who has made one can
 * tell the password. Returns a status.
 */
int weft__serve_first_run(struct serve *serve);

/** What that has begun ends. In a fiber. */
void weft__serve_end_accounts(struct serve *serve);

/** Who asks, and the API, before the files: into server_options. Returns a status. */
int weft__serve_front_accounts(
	struct serve *serve, const struct weft_http_service *files, void *files_arg);

/** Her as a visitor of the files, as long as she is kept. */
void weft__serve_make_visitor(
	const struct weft_account_who *who, struct weft_files_visitor *ret_visitor);

/** Whether she still is who was let in: not locked, removed, logged out. It may wait. */
bool weft__serve_may_stay(struct weft_account_who *who);

/** The accounts; NULL: there are none. */
struct weft_accounts *weft__serve_accounts_of(const struct serve *serve);

/** Who has not logged in, whoever it is, with the rights of the moment; as long as the accounts. */
const struct weft_files_visitor *weft__serve_strangers(const struct serve *serve);

/** weft_files_options.carrier: rights go along with what is moved. The same arg. */
extern const struct weft_files_carrier weft__serve_carrier;

/** weft_files_options.freed, whose arg is the struct serve. */
void weft__serve_note_freed(void *arg, const char *owner, int64_t bytes);

/** To the standard output, within what weft__serve_print_facts() prints. */
void weft__serve_print_accounts(const struct serve *serve);

/** The first administrator's, if this was the first run and nobody else hears it; else NULL. */
const char *weft__serve_first_password(const struct serve *serve);

/** Whether this was the first run. */
bool weft__serve_is_first_run(const struct serve *serve);

/** The state folder; NULL: there are no accounts. */
const char *weft__serve_state_dir(const struct serve *serve);

/* ---- FTP ---------------------------------------------------------------------------------- */

/** Whether its options go together; into its server's. Returns a status. */
int weft__serve_ftp_take(struct serve *serve);

/** Its server and all that it needs, if there is a door of it. Returns a status. */
int weft__serve_ftp_open(struct serve *serve);
void weft__serve_ftp_close(struct serve *serve);

/* ---- Chat --------------------------------------------------------------------------------- */

/** Whether its options go together. Returns a status. */
int weft__serve_chat_take(struct serve *serve);

/** Whether there is a door of it. */
bool weft__serve_chat_has_door(const struct serve *serve);

/** The rooms, if there is a door of them. In a fiber that lasts. Returns a status. */
int weft__serve_chat_open(struct serve *serve);
void weft__serve_chat_close(struct serve *serve);

/** To the standard output, within what weft__serve_print_facts() prints: the key's fingerprint. */
void weft__serve_chat_print(const struct serve *serve);

/** What else there is at the address of a door of chat: datagrams. Returns a status. */
int weft__serve_chat_listen(struct serve_door *door);

/** The same: 0, or -1 with errno, and nothing is said. */
int weft__serve_chat_bind(struct serve_door *door);
void weft__serve_chat_unlisten(struct serve_door *door);

/** Serve one of its doors until it is stopped: 0, or -1 with errno. */
int weft__serve_chat_run(struct serve_door *door);
void weft__serve_chat_stop(struct serve *serve);

/** Take what is typed at the terminal, if there is one; NULL: there is none. NULL is fine. */
struct weft_rooms;
struct serve_console *weft__serve_console_begin(struct weft_rooms *rooms);
void weft__serve_console_end(struct serve_console *console);

/** --announce: whether it goes with the other options. Returns a status. */
int weft__serve_announce_take(const struct serve *serve);

/** serve_tidy.c: what has expired goes, now and then; on a fiber. */
void weft__serve_tidy_begin(struct serve *serve);
void weft__serve_tidy_end(struct serve *serve);

/** serve_disk.c: a disk that is full is told of, and when it isn't any more; on a fiber. */
void weft__serve_disk_begin(struct serve *serve);
void weft__serve_disk_end(struct serve *serve);

/** serve_recount.c: what a server that was killed has not charged; on a fiber. */
void weft__serve_recount_begin(struct serve *serve);
void weft__serve_recount_end(struct serve *serve);

/** Tell the local networks of the rooms, once their doors are open. In a fiber. A status. */
int weft__serve_announce_begin(struct serve *serve);
void weft__serve_announce_end(struct serve *serve);

/** To the standard output, within what weft__serve_print_facts() prints. */
void weft__serve_print_announce(const struct serve *serve);

/** --chat-web: whether it goes with the other options. Returns a status. */
int weft__serve_chat_web_take(const struct serve *serve);

/** By HTTP, beside what the router has. 0 or -1. */
int weft__serve_chat_web_mount(struct serve *serve, struct weft_http_router *router);

/** The rooms are open; no server runs any more. In a fiber. Returns a status. */
int weft__serve_chat_web_start(struct serve *serve);
void weft__serve_chat_web_stop(struct serve *serve);
void weft__serve_chat_web_free(struct serve *serve);

/** To the standard output: where the page is. */
void weft__serve_print_chat_web(const struct serve *serve);

/* ---- The page of the hub ------------------------------------------------------------------ */

/** --page: whether it goes with the other options; into the files'. Returns a status. */
int weft__serve_page_take(struct serve *serve);

/** By HTTP, beside what the router has. 0 or -1. */
int weft__serve_page_mount(struct serve *serve, struct weft_http_router *router);

/** Without accounts: a router of chat, page and files before the files. Returns a status. */
int weft__serve_page_front(struct serve *serve, const struct weft_http_service *files);

/** The doors are open: what the page tells of them. Returns a status. */
int weft__serve_page_start(struct serve *serve);
void weft__serve_page_free(struct serve *serve);

/* ---- The control socket ------------------------------------------------------------------- */

/** What is counted for it, before anything is made that counts. Returns a status. */
int weft__serve_control_open(struct serve *serve);

/** No server and no fiber is left. */
void weft__serve_control_close(struct serve *serve);

/** The doors are open: stop(serve) is how they are shut. In a fiber. Returns a status. */
int weft__serve_control_begin(struct serve *serve, void (*stop)(void *arg));
void weft__serve_control_end(struct serve *serve);

/** For the API of accounts; NULL: there is none. */
struct hub_status *weft__serve_status_of(const struct serve *serve);

/** What weft log reads: ../hub/control_log.h. */
struct hub_log *weft__serve_log_of(const struct serve *serve);

/** What is said on stderr by the calling thread goes into text, too; NULL: no more. Where to it
 * went before. */
struct weft_str *weft__serve_collect_complaints(struct weft_str *text);

/** "http", "ftps": the option of such a door. */
const char *weft__serve_door_name(enum serve_door_kind kind);

/* ---- What has changed --------------------------------------------------------------------- */

/**
 * A fiber that reads certificates and users again when their files have changed, and does so, and
 * opens the log again, at each SIGHUP. When
 * the terminal that it was started from is gone, it stops the server. 0 with errno when it can't.
 * End it with weft__cmd_unstop().
 */
weft_fiber_id weft__serve_on_hangup(struct serve *serve);

/**
 * The same at once; nobody else does it meanwhile. 0; or -1, and lines that say why. ret_told:
 * lines of what was taken up, and of what is odd about it. In a fiber.
 */
int weft__serve_reload_now(
	struct serve *serve, struct weft_str *ret_faults, struct weft_str *ret_told);

/** Within a reload: what follows is no fault, but is told; until it is what it was before. */
struct weft_str *weft__serve_only_tell(const struct serve *serve);

/** What both of these use: before them. Returns a status. */
int weft__serve_make_reloader(struct serve *serve);
void weft__serve_free_reloader(struct serve *serve);

/** Read the settings again, and set the limits that have changed; what else has is told. */
void weft__serve_reload_limits(struct serve *serve);

/* ---- What may not be meant ---------------------------------------------------------------- */

/** Whether each option has something to do. Returns a status. */
int weft__serve_check_useless(const struct serve *serve);

/** Say what is odd: certificates, folder and log are open. */
void weft__serve_warn(const struct serve *serve);

/** The same of the certificates that were read just now. */
void weft__serve_warn_of_certificates(const struct serve *serve);

/* ---- What must not be shared -------------------------------------------------------------- */

/** Whether keys, users and log lie outside of the folder, which is open. Returns a status. */
int weft__serve_check_private(const struct serve *serve);

/** The same of the state folder, which need not be there yet. */
int weft__serve_check_state(const struct serve *serve);

/** The folder is there: its real path. Returns a status. */
int weft__serve_open_folder(struct serve *serve);

/** What a start would find wrong, all of it, with nothing made or bound. Returns a status. */
int weft__serve_inspect(struct serve *serve);

/* ---- What it can do at all ---------------------------------------------------------------- */

/** There is no such user: it is said. Returns a status. */
int weft__serve_fail_user(const struct serve *serve);

/** Be the user of --user, before anything is opened. Returns a status, as the next ones do. */
int weft__serve_be_user(struct serve *serve);

/** To its files and ports, when the folder is open, and before there is a thread. */
int weft__serve_confine_files(struct serve *serve);

/** This thread may listen below port 1024, where --user allows it; or may not any more. */
void weft__serve_raise_ports(bool raises);

/** To its system calls: doors, rooms, accounts are open. In a fiber. */
int weft__serve_confine_calls(struct serve *serve);
void weft__serve_unconfine(struct serve *serve);

/** To the standard output, within what weft__serve_print_facts() prints. */
void weft__serve_print_confined(const struct serve *serve, int label_width);

/* ---- Saying ------------------------------------------------------------------------------- */

/** To the standard output: where, what and how, for people or as JSON. */
void weft__serve_print_facts(const struct serve *serve);

/** "Ctrl-C", and what else ends it: of the terminal that it has, the service manager, or neither.
 */
#define SERVE_STOP_SIZE 512
const char *weft__serve_how_to_stop(const struct serve *serve, char ret_text[SERVE_STOP_SIZE]);

/** The same of the whole hub, for people. */
void weft__serve_welcome(const struct serve *serve);

/** Of the connections of FTP one client has this part at most, where nobody said how many. */
#define SERVE_FTP_SHARE 4

/** Room for a URL of the server. */
#define SERVE_URL_SIZE 256

/** Where browsers come by, "https://10.0.0.5:8443". False: there is no page for them. */
bool weft__serve_page_url(const struct serve *serve, char ret_url[SERVE_URL_SIZE]);

/** What somebody may do in the folder who has not said who she is: enum weft_files_right. */
unsigned weft__serve_rights_of_strangers(const struct serve *serve);

#endif
