/*
 * serve_confine.c - `weft serve` can do no more than it was started for: --user, --confine,
 * --allow-dumps.
 *
 *	weft__serve_be_user()         before anything is opened: what she may not open is told then
 *	weft__serve_confine_files()   the folder is open, and no thread is there yet
 *	weft__serve_raise_ports()     while a door opens
 *	weft__serve_confine_calls()   all is open
 *	weft__serve_print_confined()  what is in force
 *
 * What needs a file or a port later has its line in add_paths() or add_ports(); docs/security.md
 * says the same for people.
 *
 * Never: lets a server start with less than was asked for by --confine=strict.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../hub/confine.h"
#include "../hub/user.h"
#include "account.h"
#include "control.h"
#include "serve.h"

enum {
	CONFINE_AUTO,
	CONFINE_NO,
	CONFINE_STRICT,
};

/** Ports that a door of its own accord goes on to: serve_whole.c. */
#define DEFAULT_PORTS 20

/** Whoever names more ports of FTP than these may use any: a rule for each costs a start. */
#define PASSIVE_RULES_MAX 4096

/** Of a log that is made: as the library makes it. */
#define LOG_MODE 0640

struct serve_confined {
	struct hub_user user;
	struct hub_confine_facts facts;
	struct hub_confine_options options;
	struct hub_confine_path *paths; /* whose texts are its own */
	size_t path_count, path_room;
	uint16_t *ports;
	size_t port_count, port_room;
	char *temporary; /* a folder for rooms that are to be forgotten; NULL: there is none */
	bool lacks_memory;
};

static bool is_left_out(const struct serve *serve)
{
	return serve->confine == CONFINE_NO || weft__hub_confine_is_sanitized();
}

/* ---- Whose process it is ------------------------------------------------------------------ */

/* A service's name may be that of any port. */
static bool is_low(const char *text)
{
	const char *colon = strrchr(text, ':');
	unsigned long port;

	if (strncmp(text, "unix:", 5) == 0 || weft__cmd_is_handed(text) || !colon)
		return false;
	port = strtoul(colon + 1, NULL, 10);
	return port < 1024 && strcmp(colon, ":0") != 0;
}

static bool has_low_port(const struct serve *serve)
{
	const struct cmd_texts *doors[] = {&serve->http, &serve->https, &serve->ftp.plain,
		&serve->ftp.implicit, &serve->chat.plain, &serve->chat.by_tls};

	for (size_t i = 0; i < sizeof(doors) / sizeof(doors[0]); i++)
		for (unsigned k = 0; k < doors[i]->count; k++)
			if (is_low(doors[i]->items[k]))
				return true;
	return serve->metrics_at && is_low(serve->metrics_at);
}

static bool has_state(const struct serve *serve)
{
	return serve->state && strcmp(serve->state, "none") != 0;
}

/* /var/lib/weft is root's to make, and the user's to have. */
static void hand_state(const struct serve *serve, const struct hub_user *user)
{
	bool is_usual = has_state(serve) ? strcmp(serve->state, "default") == 0
					 : serve->own_certificate != NULL;
	char *dir;

	if (!is_usual || getenv("STATE_DIRECTORY"))
		return;
	dir = weft__cmd_state_dir(NAME, NULL, true);
	if (dir && mkdir(dir, 0700) == 0 && chown(dir, user->uid, user->gid) < 0)
		rmdir(dir);
	/* Found by her, too, who is not root any more. */
	if (dir)
		setenv("STATE_DIRECTORY", dir, 1);
	free(dir);
}

int weft__serve_fail_user(const struct serve *serve)
{
	return weft__cmd_usage(
		NAME, "--user takes NAME or NAME:GROUP; there is no \"%s\".", serve->user);
}

static int become(struct serve *serve, struct hub_user *user)
{
	if (weft__hub_user_find(serve->user, user) < 0)
		return errno == ENOENT ? weft__serve_fail_user(serve)
				       : weft__cmd_fail(NAME, "can't look up the user \"%s\": %s.",
						 serve->user, strerror(errno));
	if (geteuid() == 0) {
		hand_state(serve, user);
		/* At a reload she reads what root has read. */
		setenv("CONFIGURATION_DIRECTORY", CMD_SETTINGS_FOLDER, 0);
	}
	if (weft__hub_user_become(user, has_low_port(serve)) == 0)
		return CMD_DONE;
	if (errno == EPERM)
		return weft__cmd_fail(NAME,
			"--user %s: only root can become another user; you are not.", serve->user);
	return weft__cmd_fail(NAME, "can't become %s: %s.", serve->user, strerror(errno));
}

int weft__serve_be_user(struct serve *serve)
{
	struct serve_confined *own = serve->confined = calloc(1, sizeof(*own));

	if (!own)
		return weft__cmd_fail(NAME, "can't start: %s.", strerror(errno));
	if (serve->user)
		return become(serve, &own->user);
	if (!is_left_out(serve) && weft__hub_user_keep_least(has_low_port(serve)) < 0 &&
		serve->confine == CONFINE_STRICT)
		return weft__cmd_fail(NAME, "can't give up privileges: %s.", strerror(errno));
	weft__hub_user_now(&own->user);
	return CMD_DONE;
}

/* ---- Files -------------------------------------------------------------------------------- */

static void *grow(struct serve_confined *own, void *items, size_t *room, size_t size)
{
	void *more = reallocarray(items, *room ? *room * 2 : 64, size);

	if (!more) {
		own->lacks_memory = true;
		return items;
	}
	*room = *room ? *room * 2 : 64;
	return more;
}

static void add_path(struct serve_confined *own, const char *path, unsigned rights)
{
	struct hub_confine_path *place;

	if (own->path_count == own->path_room)
		own->paths = grow(own, own->paths, &own->path_room, sizeof(*own->paths));
	if (own->path_count == own->path_room)
		return;
	place = &own->paths[own->path_count];
	*place = (struct hub_confine_path){strdup(path), rights};
	if (place->path)
		own->path_count++;
	else
		own->lacks_memory = true;
}

/* A folder that holds everybody's things: what lies there is not the server's. */
static bool is_common(const char *folder)
{
	static const char *const common[] = {"/", "/bin", "/boot", "/dev", "/dev/pts", "/dev/shm",
		"/etc", "/home", "/mnt", "/opt", "/proc", "/root", "/run", "/srv", "/sys", "/tmp",
		"/usr", "/usr/local", "/var", "/var/lib", "/var/tmp"};
	const char *home = getenv("HOME");

	for (size_t i = 0; i < sizeof(common) / sizeof(common[0]); i++)
		if (strcmp(folder, common[i]) == 0)
			return true;
	return home && strcmp(folder, home) == 0;
}

/* The folder a path is in, real. malloc(3); NULL: it is not there. */
static char *folder_of(const char *path)
{
	char *copy = strdup(path), *slash = copy ? strrchr(copy, '/') : NULL, *real;

	if (slash)
		slash[slash == copy] = '\0';
	real = copy ? realpath(slash ? copy : ".", NULL) : NULL;
	free(copy);
	return real;
}

/*
 * A file that others replace by a new one, which has another inode: so its folder is allowed, and
 * that of the file it leads to, but none that holds other things: there, it is that file alone.
 */
static void add_file(struct serve_confined *own, const char *path, unsigned rights)
{
	char *real = realpath(path, NULL), *places[] = {folder_of(path), NULL};

	if (real)
		places[1] = folder_of(real);
	for (size_t i = 0; i < 2; i++)
		if (places[i] && !is_common(places[i]))
			add_path(own, places[i], rights);
		else
			add_path(own, path, rights);
	free(places[0]);
	free(places[1]);
	free(real);
}

static void add_files(struct serve_confined *own, const struct cmd_texts *texts)
{
	for (unsigned i = 0; i < texts->count; i++)
		add_file(own, texts->items[i], HUB_CONFINE_READ);
}

/* A rule for a file alone needs the file. If it can't be made, who opens it says why. */
static void make_log(const char *path)
{
	char *folder = folder_of(path);
	int fd = -1;

	if (folder && is_common(folder))
		fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK,
			LOG_MODE);
	if (fd >= 0)
		close(fd);
	free(folder);
}

static void add_log(struct serve_confined *own, const char *path)
{
	if (!path || strcmp(path, "-") == 0 || strcmp(path, "none") == 0)
		return;
	make_log(path);
	add_file(own, path, HUB_CONFINE_APPEND);
}

static void add_sockets(struct serve_confined *own, const struct cmd_texts *texts)
{
	for (unsigned i = 0; i < texts->count; i++)
		if (strncmp(texts->items[i], "unix:", 5) == 0) {
			char *folder = folder_of(texts->items[i] + 5);

			if (folder)
				add_path(own, folder, HUB_CONFINE_SOCKET);
			free(folder);
		}
}

/* The control socket, and its name where all servers of this user are (serve_control.c). */
static void add_control(struct serve *serve)
{
	struct serve_confined *own = serve->confined;
	char *folder;

	if (serve->control_at && strcmp(serve->control_at, "none") == 0)
		return;
	folder = serve->control_at ? folder_of(serve->control_at) : NULL;
	if (folder)
		add_path(own, folder, HUB_CONFINE_SOCKET);
	free(folder);
	folder = weft__control_folder(true);
	if (folder)
		add_path(own, folder, HUB_CONFINE_CHANGE);
	free(folder);
}

static bool may_change(const struct serve *serve)
{
	const struct weft_http_files_options *files = &serve->files_options;

	return files->visitor || files->allow_upload || files->allow_overwrite ||
	       files->allow_change;
}

/* Made before it is confined, so that it is there to be allowed. A certificate of its own is in the
 * usual one where there is no other (serve_certificate.c). */
static int add_state(struct serve *serve)
{
	struct serve_confined *own = serve->confined;
	char *dir;

	if (!has_state(serve) && !serve->own_certificate)
		return CMD_DONE;
	dir = weft__cmd_state_dir(NAME, has_state(serve) ? serve->state : NULL, true);
	if (!dir)
		return CMD_FAILED;
	mkdir(dir, 0700); /* if it can't, who opens it says so */
	add_path(own, dir, HUB_CONFINE_CHANGE);
	free(dir);
	return CMD_DONE;
}

/* Rooms without accounts are in a folder below TMPDIR, which is everybody's: so that is another. */
static int add_temporary(struct serve *serve)
{
	struct serve_confined *own = serve->confined;
	const char *base = getenv("TMPDIR");

	if (!weft__serve_chat_has_door(serve) || has_state(serve))
		return CMD_DONE;
	if (!base || !base[0])
		base = "/tmp";
	if (asprintf(&own->temporary, "%s/weft-XXXXXX", base) < 0)
		own->temporary = NULL;
	if (own->temporary && mkdtemp(own->temporary) && setenv("TMPDIR", own->temporary, 1) == 0) {
		add_path(own, base, HUB_CONFINE_EMPTY); /* it goes at the end */
		add_path(own, own->temporary, HUB_CONFINE_CHANGE);
		return CMD_DONE;
	}
	free(own->temporary);
	own->temporary = NULL;
	return weft__cmd_fail(NAME, "can't make a folder in %s: %s.", base, strerror(errno));
}

/* What libraries look at: names and addresses, time, libraries that are loaded when needed, and
 * what a backtrace is made of. None of it tells about this machine's people. */
static void add_system(struct serve_confined *own)
{
	static const char *const read[] = {"/etc/hosts", "/etc/host.conf", "/etc/resolv.conf",
		"/etc/nsswitch.conf", "/etc/gai.conf", "/etc/services", "/etc/protocols",
		"/etc/localtime", "/etc/ld.so.cache", "/etc/ssl/openssl.cnf",
		"/run/systemd/resolve", "/usr/share/zoneinfo", "/usr/lib", "/usr/lib32",
		"/usr/lib64", "/usr/local/lib", "/lib", "/lib64", "/proc/self", "/proc/self/exe",
		"/proc/sys/vm", "/proc/sys/net/core", "/sys/devices/system/cpu", "/dev/urandom",
		"/dev/random", "/dev/zero"};

	for (size_t i = 0; i < sizeof(read) / sizeof(read[0]); i++)
		add_path(own, read[i], HUB_CONFINE_READ);
	add_path(own, "/dev/null", HUB_CONFINE_READ | HUB_CONFINE_CHANGE);
}

static int add_paths(struct serve *serve)
{
	struct serve_confined *own = serve->confined;
	int status = add_state(serve);

	if (!status)
		status = add_temporary(serve);
	if (status)
		return status;
	/* A link that is to be followed anywhere needs anywhere to be read. */
	if (serve->files_options.links == WEFT_HTTP_LINKS_ALL)
		add_path(own, "/", HUB_CONFINE_READ);
	add_path(own, serve->folder, may_change(serve) ? HUB_CONFINE_CHANGE : HUB_CONFINE_READ);
	add_files(own, &serve->certificates);
	add_files(own, &serve->keys);
	if (serve->auth_file)
		add_file(own, serve->auth_file, HUB_CONFINE_READ);
	if (serve->settings.path)
		add_file(own, serve->settings.path, HUB_CONFINE_READ);
	add_log(own, serve->access_log);
	add_log(own, serve->ftp.log_path);
	add_sockets(own, &serve->http);
	add_sockets(own, &serve->https);
	add_sockets(own, &serve->chat.plain);
	add_control(serve);
	add_system(own);
	return CMD_DONE;
}

/* ---- Ports -------------------------------------------------------------------------------- */

static void add_port(struct serve_confined *own, unsigned port)
{
	if (own->port_count == own->port_room)
		own->ports = grow(own, own->ports, &own->port_room, sizeof(*own->ports));
	if (own->port_count < own->port_room)
		own->ports[own->port_count++] = (uint16_t)port;
}

static void add_door(struct serve_confined *own, const char *text)
{
	const char *colon = strrchr(text, ':');
	char *end;
	unsigned long port;

	if (weft__cmd_is_handed(text) || strncmp(text, "unix:", 5) == 0 || !colon)
		return;
	port = strtoul(colon + 1, &end, 10);
	if (*end || end == colon + 1 || port > UINT16_MAX) {
		own->options.binds_anywhere = true; /* by a service's name: "localhost:http" */
		return;
	}
	for (unsigned i = 0; i < (weft__serve_is_default(text) ? DEFAULT_PORTS : 1); i++)
		add_port(own, (unsigned)port + i);
}

static void add_doors(struct serve_confined *own, const struct cmd_texts *texts)
{
	for (unsigned i = 0; i < texts->count; i++)
		add_door(own, texts->items[i]);
}

static bool has_ftp(const struct serve *serve)
{
	return serve->ftp.plain.count + serve->ftp.implicit.count > 0;
}

static void add_passive(struct serve *serve)
{
	struct serve_confined *own = serve->confined;
	unsigned low = serve->ftp.options.passive_low, high = serve->ftp.options.passive_high;

	if (!has_ftp(serve))
		return;
	/* Data of active mode goes where a client says that it listens: any port. */
	if (!serve->ftp.options.no_active)
		own->options.connects_anywhere = own->options.calls_connect = true;
	if (low == 0)
		add_port(own, 0);
	else if (high - low >= PASSIVE_RULES_MAX)
		own->options.binds_anywhere = true;
	for (unsigned port = low; low > 0 && port <= high && high - low < PASSIVE_RULES_MAX; port++)
		add_port(own, port);
}

static void add_ports(struct serve *serve)
{
	struct serve_confined *own = serve->confined;

	add_doors(own, &serve->http);
	add_doors(own, &serve->https);
	add_doors(own, &serve->ftp.plain);
	add_doors(own, &serve->ftp.implicit);
	add_doors(own, &serve->chat.plain);
	add_doors(own, &serve->chat.by_tls);
	if (serve->metrics_at)
		add_door(own, serve->metrics_at);
	add_passive(serve);
}

/* ---- Confining ---------------------------------------------------------------------------- */

static bool is_forking(const struct serve *serve)
{
	const char *model = serve->server_options.model;

	return strcmp(model, "fork") == 0 || strcmp(model, "prefork") == 0;
}

static int insist(const struct serve *serve, const char *why)
{
	if (serve->confine != CONFINE_STRICT || !why[0])
		return CMD_DONE;
	return weft__cmd_fail(NAME, "--confine=strict: %s.", why);
}

/* Sanitizers look into memory, other threads and files, at the end above all. */
static int leave_out(struct serve *serve)
{
	struct hub_confine_facts *facts = &serve->confined->facts;
	const char *why = serve->confine == CONFINE_NO
				  ? "--confine=no"
				  : "a build with a sanitizer, which needs more than a server";

	snprintf(facts->why_not_files, sizeof(facts->why_not_files), "%s", why);
	snprintf(facts->why_not_calls, sizeof(facts->why_not_calls), "%s", why);
	return insist(serve, why);
}

int weft__serve_confine_files(struct serve *serve)
{
	struct serve_confined *own = serve->confined;
	const char *notify = getenv("NOTIFY_SOCKET");
	int status;

	if (!serve->allows_dumps && !weft__hub_confine_is_sanitized() &&
		weft__hub_confine_dumps() < 0)
		return weft__cmd_fail(NAME, "can't turn core dumps off: %s.", strerror(errno));
	if (is_left_out(serve))
		return leave_out(serve);
	status = add_paths(serve);
	if (status)
		return status;
	add_ports(serve);
	own->options.has_abstract = notify && notify[0] == '@';
	own->options.calls_connect |= notify != NULL;
	own->options.forks = is_forking(serve);
	own->options.paths = own->paths;
	own->options.path_count = own->path_count;
	own->options.bind_ports = own->ports;
	own->options.bind_count = own->port_count;
	if (own->lacks_memory || weft__hub_confine_files(&own->options, &own->facts) < 0)
		return weft__cmd_fail(NAME, "can't confine it to its files: %s.",
			strerror(own->lacks_memory ? ENOMEM : errno));
	return insist(serve, own->facts.why_not_files);
}

void weft__serve_raise_ports(bool raises)
{
	if (raises)
		weft__hub_user_raise_ports();
	else
		weft__hub_user_rest_ports();
}

int weft__serve_confine_calls(struct serve *serve)
{
	struct serve_confined *own = serve->confined;

	weft__hub_user_drop_ports();
	if (is_left_out(serve))
		return CMD_DONE;
	own->options.uses_uring = strcmp(weft_driver_name(), "uring") == 0;
	if (weft__hub_confine_calls(&own->options, &own->facts) < 0)
		return weft__cmd_fail(NAME, "can't confine its system calls: %s.", strerror(errno));
	return insist(serve, own->facts.why_not_calls);
}

void weft__serve_unconfine(struct serve *serve)
{
	struct serve_confined *own = serve->confined;

	if (!own)
		return;
	if (own->temporary)
		rmdir(own->temporary);
	for (size_t i = 0; i < own->path_count; i++)
		free((char *)own->paths[i].path);
	free(own->paths);
	free(own->ports);
	free(own->temporary);
	free(own);
	serve->confined = NULL;
}

/* Whether connecting by TCP is refused: by Landlock, or as is connect(2) itself. */
static bool bounds_connect(const struct serve_confined *own)
{
	return own->facts.bounds_connect || (own->facts.calls && !own->options.calls_connect);
}

/* ---- Saying ------------------------------------------------------------------------------- */

static void print_json(const struct serve_confined *own)
{
	const struct hub_confine_facts *facts = &own->facts;

	fputs(", \"user\": ", stdout);
	weft__cmd_print_json_text(own->user.name);
	printf(", \"confined\": {\"files\": %s, \"landlock\": %d, \"bind\": %s, \"connect\": %s, "
	       "\"calls\": %u}",
		facts->landlock ? "true" : "false", facts->landlock,
		facts->bounds_bind ? "true" : "false", bounds_connect(own) ? "true" : "false",
		facts->calls);
}

void weft__serve_print_confined(const struct serve *serve, int label_width)
{
	const struct serve_confined *own = serve->confined;
	const struct hub_confine_facts *facts = &own->facts;

	if (serve->is_json) {
		print_json(own);
		return;
	}
	if (own->user.uid == 0)
		printf("  %-*s root; --user NAME makes it somebody else\n", label_width, "user");
	else if (serve->user)
		printf("  %-*s %s\n", label_width, "user", own->user.name);
	if (facts->landlock && facts->calls) {
		printf("  %-*s to its files and ports, and to %u system calls\n", label_width,
			"confined", facts->calls);
		if (own->options.connects_anywhere)
			printf("  %-*s but FTP connects to who asks for that: --ftp-no-active\n",
				label_width, "");
		return;
	}
	printf("  %-*s %s%s\n", label_width, "confined",
		facts->landlock ? "to its files" : "not to its files: ", facts->why_not_files);
	if (strcmp(facts->why_not_files, facts->why_not_calls) != 0)
		printf("  %-*s %s%s\n", label_width, "",
			facts->calls ? "to its system calls" : "not in its system calls: ",
			facts->why_not_calls);
}
