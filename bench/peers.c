/*
 * peers.c - other people's servers, as far as they are installed here.
 *
 * Entry points: peers_find(), peer_room_init(), peer_room_fini().
 * bench/peers/build makes programs of their sources in build/peers/; what can't be built
 * or found is not listed. Never: a download, or a file outside build/ and the room.
 */
#include "bench.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define PYTHON "/usr/bin/python3" /* Debian's: the one that python3-gevent is for */

/* ---- The room ---------------------------------------------------------------------- */

static int write_file(const char *dir, const char *name, const char *text)
{
	char path[PATH_MAX + 32];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	file = fopen(path, "we");
	if (file == NULL)
		return -1;
	fputs(text, file);
	return fclose(file);
}

static int write_large(const char *dir)
{
	static char large[BENCH_LARGE + 1];

	memset(large, 'x', BENCH_LARGE);
	return write_file(dir, "large.bin", large);
}

int peer_room_init(struct peer_room *room, const struct bench *bench)
{
	/* Below build/: what an interrupted run leaves behind goes with make clean. */
	snprintf(room->dir, sizeof(room->dir), "%s/bench-XXXXXX", bench->build_dir);
	if (mkdtemp(room->dir) == NULL) {
		fprintf(stderr, "weft-bench: %s: %s\n", room->dir, strerror(errno));
		return -1;
	}
	/* Servers that drop root's rights must still get in. */
	chmod(room->dir, 0755);
	memcpy(room->docs_dir, room->dir, sizeof(room->dir));
	strncat(room->docs_dir, "/docs", sizeof(room->docs_dir) - strlen(room->docs_dir) - 1);
	if (mkdir(room->docs_dir, 0755) < 0 ||
		write_file(room->docs_dir, "hello.txt", BENCH_BODY) < 0 ||
		write_large(room->docs_dir) < 0) {
		fprintf(stderr, "weft-bench: %s: %s\n", room->docs_dir, strerror(errno));
		peer_room_fini(room);
		return -1;
	}
	/* What has just changed has another, weak tag, and so answers of another length. */
	nanosleep(&(struct timespec){.tv_nsec = 200 * 1000 * 1000}, NULL);
	return 0;
}

void peer_room_fini(struct peer_room *room)
{
	static const char *const names[] = {"docs/hello.txt", "docs/large.bin", "docs",
		"nginx.conf", "nginx-cached.conf", "nginx.pid", "tmp", "access.log", "weft.log",
		"cert.pem", "key.pem"};
	char path[PATH_MAX + 32];

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		snprintf(path, sizeof(path), "%s/%s", room->dir, names[i]);
		remove(path);
	}
	rmdir(room->dir);
}

/* ---- nginx --------------------------------------------------------------------------- */

/* How the nginx of one subject differs. */
struct nginx_variant {
	const char *name, *config_name;
	const char *lines;  /* of the http block */
	const char *listen; /* behind the address */
};

static const char nginx_config[] = "daemon off;\n"
				   "master_process off;\n" /* one process: one CPU clock */
				   "worker_processes 1;\n"
				   "worker_rlimit_nofile 210000;\n"
				   "pid nginx.pid;\n"
				   "error_log /dev/null;\n"
				   "events { worker_connections 110000; }\n"
				   "http {\n"
				   "	default_type text/plain;\n"
				   "	tcp_nodelay on;\n"
				   "	keepalive_requests 1000000000;\n"
				   "	keepalive_timeout 600s;\n"
				   "	client_body_temp_path tmp;\n"
				   "	proxy_temp_path tmp;\n"
				   "	fastcgi_temp_path tmp;\n"
				   "	uwsgi_temp_path tmp;\n"
				   "	scgi_temp_path tmp;\n"
				   "	%s\n"
				   "	server { listen 127.0.0.1:%u%s; root docs; }\n"
				   "}\n";

/*
 * The settings are nginx's best of those tried for a file this small (bench/README.md):
 * with sendfile, head and body are two writes. A weaker rival would be easier to beat.
 */
#define SMALL "sendfile off;"
#define QUIET "access_log off;"
#define TLS                                                                             \
	"ssl_certificate cert.pem; ssl_certificate_key key.pem; ssl_protocols TLSv1.3;" \
	"ssl_conf_command Options KTLS;" /* sendfile, where the kernel encrypts */

static const struct nginx_variant nginx_variants[] = {
	[PEER_HTTP] = {"nginx", "nginx.conf", SMALL QUIET, ""},
	[PEER_LOGGED] = {"nginx", "nginx.conf", SMALL "access_log access.log;", ""},
	[PEER_LARGE] = {"nginx", "nginx.conf", "sendfile on; tcp_nopush on;" QUIET, ""},
	[PEER_TLS] = {"nginx", "nginx.conf", "sendfile on;" QUIET TLS, " ssl"},
};

/* Files kept open between requests, which nginx does not do unless told. */
static const struct nginx_variant nginx_cached = {
	"nginx-cached", "nginx-cached.conf", SMALL QUIET "open_file_cache max=100;", ""};

static bool nginx_prepare(
	const struct peer_room *room, struct peer *peer, const struct nginx_variant *variant)
{
	const char *const argv[] = {peer->path, "-p", room->dir, "-c", variant->config_name, NULL};
	char config[sizeof(nginx_config) + 512];

	peer->name = variant->name;
	snprintf(peer->path, sizeof(peer->path), "/usr/sbin/nginx");
	if (access(peer->path, X_OK) < 0)
		return false;
	peer->port = server_free_port();
	snprintf(config, sizeof(config), nginx_config, variant->lines, peer->port, variant->listen);
	memcpy(peer->program.argv, argv, sizeof(argv));
	return peer->port != 0 && write_file(room->dir, variant->config_name, config) == 0;
}

static bool prepare_nginx(const struct bench *bench, const struct peer_room *room,
	struct peer *peer, enum peer_work work)
{
	(void)bench;
	return nginx_prepare(room, peer, &nginx_variants[work]);
}

static bool prepare_nginx_cached(const struct bench *bench, const struct peer_room *room,
	struct peer *peer, enum peer_work work)
{
	(void)bench;
	(void)work;
	return nginx_prepare(room, peer, &nginx_cached);
}

/* ---- Programs of bench/peers ------------------------------------------------------------ */

/* build/peers/NAME ARGUMENT */
static bool built_prepare(
	const struct bench *bench, struct peer *peer, const char *program, const char *argument)
{
	const char *const argv[] = {peer->path, peer->argument, NULL};
	int len =
		snprintf(peer->path, sizeof(peer->path), "%s/peers/%s", bench->build_dir, program);

	snprintf(peer->argument, sizeof(peer->argument), "%s", argument);
	memcpy(peer->program.argv, argv, sizeof(argv));
	return len < (int)sizeof(peer->path) && access(peer->path, X_OK) == 0;
}

static bool prepare_libuv(const struct bench *bench, const struct peer_room *room,
	struct peer *peer, enum peer_work work)
{
	(void)room;
	(void)work;
	peer->name = "libuv";
	return built_prepare(bench, peer, "libuv_echo", "");
}

static bool prepare_libevent(const struct bench *bench, const struct peer_room *room,
	struct peer *peer, enum peer_work work)
{
	(void)room;
	peer->name = "libevent";
	return built_prepare(bench, peer, "libevent_peer", work == PEER_ECHO ? "echo" : "http");
}

static bool prepare_go(const struct bench *bench, const struct peer_room *room, struct peer *peer,
	enum peer_work work)
{
	const char *argument = work == PEER_ECHO       ? "echo"
			       : work == PEER_HANDLERS ? "handlers"
						       : room->docs_dir;

	peer->name = "go";
	return built_prepare(bench, peer, "go_peer", argument);
}

/* build/peers/gevent_peer.py stands there when gevent can be imported. */
static bool prepare_gevent(const struct bench *bench, const struct peer_room *room,
	struct peer *peer, enum peer_work work)
{
	peer->name = "gevent";
	if (!built_prepare(
		    bench, peer, "gevent_peer.py", work == PEER_ECHO ? "echo" : room->docs_dir))
		return false;
	peer->program.argv[0] = PYTHON;
	peer->program.argv[1] = peer->path;
	peer->program.argv[2] = peer->argument;
	peer->program.argv[3] = NULL;
	return true;
}

/* npm's, where tools/judge has put it. */
static bool prepare_ws(const struct bench *bench, const struct peer_room *room, struct peer *peer,
	enum peer_work work)
{
	static char modules[PATH_MAX + 32];

	(void)room;
	(void)work;
	peer->name = "ws";
	snprintf(modules, sizeof(modules), "%s/judge/node_modules", bench->build_dir);
	if (access(modules, R_OK) < 0 || !built_prepare(bench, peer, "ws_echo.cjs", modules))
		return false;
	peer->program.argv[0] = "node";
	peer->program.argv[1] = peer->path;
	peer->program.argv[2] = peer->argument;
	peer->program.argv[3] = NULL;
	return true;
}

/* ---- The list ----------------------------------------------------------------------------- */

typedef bool prepare_fn(const struct bench *bench, const struct peer_room *room, struct peer *peer,
	enum peer_work work);

#define PEERS_MAX 5

static prepare_fn *const peers_for[][PEERS_MAX + 1] = {
	[PEER_ECHO] = {prepare_libuv, prepare_libevent, prepare_go, prepare_gevent},
	[PEER_HTTP] = {prepare_nginx, prepare_nginx_cached, prepare_libevent, prepare_go,
		prepare_gevent},
	[PEER_LOGGED] = {prepare_nginx},
	[PEER_LARGE] = {prepare_nginx, prepare_go},
	[PEER_HANDLERS] = {prepare_libevent, prepare_go},
	[PEER_TLS] = {prepare_nginx},
	[PEER_WEBSOCKET] = {prepare_ws},
};

/* Sources are there only in a checkout: an installed weft-bench runs what build/peers/ has. */
void peers_build(const struct bench *bench)
{
	char script[PATH_MAX + 32], out_dir[PATH_MAX + 32];
	pid_t pid;

	snprintf(script, sizeof(script), "%s/../bench/peers/build", bench->build_dir);
	snprintf(out_dir, sizeof(out_dir), "%s/peers", bench->build_dir);
	if (access(script, X_OK) < 0)
		return;
	fflush(NULL);
	pid = fork();
	if (pid == 0) {
		dup2(STDERR_FILENO, STDOUT_FILENO);
		execl(script, script, out_dir, (char *)NULL);
		_exit(1);
	}
	while (pid > 0 && waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
}

size_t peers_find(const struct bench *bench, const struct peer_room *room, enum peer_work work,
	struct peer *ret_peers, size_t max)
{
	prepare_fn *const *prepare = peers_for[work];
	size_t count = 0;

	peers_build(bench);
	for (; *prepare != NULL && count < max; prepare++) {
		memset(&ret_peers[count], 0, sizeof(ret_peers[count]));
		count += (*prepare)(bench, room, &ret_peers[count], work);
	}
	return count;
}
