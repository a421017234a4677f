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
		write_file(room->docs_dir, "hello.txt", BENCH_BODY) < 0) {
		fprintf(stderr, "weft-bench: %s: %s\n", room->docs_dir, strerror(errno));
		peer_room_fini(room);
		return -1;
	}
	return 0;
}

void peer_room_fini(struct peer_room *room)
{
	static const char *const names[] = {
		"docs/hello.txt", "docs", "nginx.conf", "nginx-cached.conf", "nginx.pid", "tmp"};
	char path[PATH_MAX + 32];

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		snprintf(path, sizeof(path), "%s/%s", room->dir, names[i]);
		remove(path);
	}
	rmdir(room->dir);
}

/* ---- nginx --------------------------------------------------------------------------- */

/*
 * The settings are nginx's best of those tried for a file this small (bench/README.md):
 * with sendfile, head and body are two writes. A weaker rival would be easier to beat.
 */
static const char nginx_config[] = "daemon off;\n"
				   "master_process off;\n" /* one process: one CPU clock */
				   "worker_processes 1;\n"
				   "pid nginx.pid;\n"
				   "error_log /dev/null;\n"
				   "events { worker_connections 2048; }\n"
				   "http {\n"
				   "	access_log off;\n"
				   "	default_type text/plain;\n"
				   "	sendfile off;\n"
				   "	tcp_nodelay on;\n"
				   "	keepalive_requests 1000000000;\n"
				   "	client_body_temp_path tmp;\n"
				   "	proxy_temp_path tmp;\n"
				   "	fastcgi_temp_path tmp;\n"
				   "	uwsgi_temp_path tmp;\n"
				   "	scgi_temp_path tmp;\n"
				   "	%s\n"
				   "	server { listen 127.0.0.1:%u; root docs; }\n"
				   "}\n";

static bool nginx_prepare(
	const struct peer_room *room, struct peer *peer, const char *config_name, const char *extra)
{
	const char *const argv[] = {peer->path, "-p", room->dir, "-c", peer->argument, NULL};
	char config[sizeof(nginx_config) + 256];

	snprintf(peer->path, sizeof(peer->path), "/usr/sbin/nginx");
	if (access(peer->path, X_OK) < 0)
		return false;
	peer->port = server_free_port();
	snprintf(config, sizeof(config), nginx_config, extra, peer->port);
	snprintf(peer->argument, sizeof(peer->argument), "%s", config_name);
	memcpy(peer->program.argv, argv, sizeof(argv));
	return peer->port != 0 && write_file(room->dir, config_name, config) == 0;
}

static bool prepare_nginx(
	const struct bench *bench, const struct peer_room *room, struct peer *peer)
{
	(void)bench;
	peer->name = "nginx";
	return nginx_prepare(room, peer, "nginx.conf", "");
}

/* Files kept open between requests, which nginx does not do unless told. */
static bool prepare_nginx_cached(
	const struct bench *bench, const struct peer_room *room, struct peer *peer)
{
	(void)bench;
	peer->name = "nginx-cached";
	return nginx_prepare(room, peer, "nginx-cached.conf", "open_file_cache max=100;");
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

static bool prepare_libuv_echo(
	const struct bench *bench, const struct peer_room *room, struct peer *peer)
{
	(void)room;
	peer->name = "libuv";
	return built_prepare(bench, peer, "libuv_echo", "");
}

static bool prepare_libevent_echo(
	const struct bench *bench, const struct peer_room *room, struct peer *peer)
{
	(void)room;
	peer->name = "libevent";
	return built_prepare(bench, peer, "libevent_peer", "echo");
}

static bool prepare_libevent_http(
	const struct bench *bench, const struct peer_room *room, struct peer *peer)
{
	(void)room;
	peer->name = "libevent";
	return built_prepare(bench, peer, "libevent_peer", "http");
}

static bool prepare_go_echo(
	const struct bench *bench, const struct peer_room *room, struct peer *peer)
{
	(void)room;
	peer->name = "go";
	return built_prepare(bench, peer, "go_peer", "echo");
}

static bool prepare_go_http(
	const struct bench *bench, const struct peer_room *room, struct peer *peer)
{
	peer->name = "go";
	return built_prepare(bench, peer, "go_peer", room->docs_dir);
}

/* build/peers/gevent_peer.py stands there when gevent can be imported. */
static bool gevent_prepare(const struct bench *bench, struct peer *peer, const char *argument)
{
	peer->name = "gevent";
	if (!built_prepare(bench, peer, "gevent_peer.py", argument))
		return false;
	peer->program.argv[0] = PYTHON;
	peer->program.argv[1] = peer->path;
	peer->program.argv[2] = peer->argument;
	peer->program.argv[3] = NULL;
	return true;
}

static bool prepare_gevent_echo(
	const struct bench *bench, const struct peer_room *room, struct peer *peer)
{
	(void)room;
	return gevent_prepare(bench, peer, "echo");
}

static bool prepare_gevent_http(
	const struct bench *bench, const struct peer_room *room, struct peer *peer)
{
	return gevent_prepare(bench, peer, room->docs_dir);
}

/* ---- The list ----------------------------------------------------------------------------- */

typedef bool prepare_fn(const struct bench *bench, const struct peer_room *room, struct peer *peer);

static prepare_fn *const echo_peers[] = {
	prepare_libuv_echo,
	prepare_libevent_echo,
	prepare_go_echo,
	prepare_gevent_echo,
	NULL,
};

static prepare_fn *const http_peers[] = {
	prepare_nginx,
	prepare_nginx_cached,
	prepare_libevent_http,
	prepare_go_http,
	prepare_gevent_http,
	NULL,
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
	prepare_fn *const *prepare = work == PEER_ECHO ? echo_peers : http_peers;
	size_t count = 0;

	peers_build(bench);
	for (; *prepare != NULL && count < max; prepare++) {
		memset(&ret_peers[count], 0, sizeof(ret_peers[count]));
		count += (*prepare)(bench, room, &ret_peers[count]);
	}
	return count;
}
