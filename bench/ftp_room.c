/*
 * ftp_room.c - a folder shared by vsftpd and by weft serve, and what they need beside it.
 *
 * Entry points: ftp_room_init(), ftp_serve(), ftp_stop(), ftp_room_fini(); ftp_find_vsftpd().
 *
 *	DIR/shared/		what is shared; large.bin of FTP_LARGE bytes
 *	DIR/own.pem, own.key	a certificate, for both
 *	DIR/users		weft's: anna, "secret", hashed as cheaply as can be
 *	DIR/vsftpd.conf, empty/	vsftpd's: it knows no users of its own, so who comes is a stranger
 *
 * On a disk (WEFT_BENCH_DIR, else /var/tmp): on a tmpfs there is nothing to sync.
 */
#include "ftp.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define CHUNK ((size_t)1 << 20)

enum path {
	CERTIFICATE,
	KEY,
	USERS,
	CONFIG,
	EMPTY,
};

static const char *const path_names[] = {[CERTIFICATE] = "own.pem",
	[KEY] = "own.key",
	[USERS] = "users",
	[CONFIG] = "vsftpd.conf",
	[EMPTY] = "empty"};

static const char users[] = "anna:$2b$04$7vDpurJCjBBKxzpAOYTXS.vhl.V74uuCGsr7Bvzm9l.A4hciAljsa\n";

/* Its sandbox is off, which costs it no more; nothing is logged, as by weft. */
static const char vsftpd_config[] = "listen=YES\n"
				    "listen_address=127.0.0.1\n"
				    "listen_port=%u\n"
				    "background=NO\n"
				    "anonymous_enable=YES\n"
				    "local_enable=NO\n"
				    "write_enable=YES\n"
				    "anon_upload_enable=YES\n"
				    "anon_umask=022\n"
				    "anon_root=%s\n"
				    "secure_chroot_dir=%s\n"
				    "seccomp_sandbox=NO\n"
				    "xferlog_enable=NO\n"
				    "max_clients=0\n"
				    "max_per_ip=0\n"
				    "ssl_enable=YES\n"
				    "allow_anon_ssl=YES\n"
				    "rsa_cert_file=%s\n"
				    "rsa_private_key_file=%s\n"
				    "ssl_ciphers=HIGH\n"
				    "require_ssl_reuse=NO\n"
				    "%s";

/* ---- Programs -------------------------------------------------------------------------- */

static bool find_program(const char *name, const char *more, char *ret_path, size_t size)
{
	char *places = NULL, *rest, *place;
	bool is_found = false;

	if (asprintf(&places, "%s%s", getenv("PATH") ? getenv("PATH") : "/usr/bin:/bin", more) < 0)
		return false;
	for (rest = places; !is_found && (place = strsep(&rest, ":"));)
		is_found = snprintf(ret_path, size, "%s/%s", place, name) < (int)size &&
			   access(ret_path, X_OK) == 0;
	free(places);
	return is_found;
}

const char *ftp_find_vsftpd(void)
{
	static char path[PATH_MAX];
	const char *named = getenv("WEFT_VSFTPD");

	if (named)
		return access(named, X_OK) == 0 ? named : NULL;
	return find_program("vsftpd", ":/usr/local/sbin:/usr/sbin", path, sizeof(path)) ? path
											: NULL;
}

bool ftp_has_program(const char *name)
{
	char path[PATH_MAX];

	return find_program(name, "", path, sizeof(path));
}

/* ---- The room --------------------------------------------------------------------------- */

static int write_text(const char *path, const char *text)
{
	FILE *file = fopen(path, "we");

	if (!file)
		return -1;
	fputs(text, file);
	return fclose(file);
}

static int write_large(const char *path)
{
	static char chunk[CHUNK];
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	int64_t left = FTP_LARGE;

	if (fd < 0)
		return -1;
	memset(chunk, 'x', sizeof(chunk));
	while (left > 0 && write(fd, chunk, sizeof(chunk)) == (ssize_t)sizeof(chunk))
		left -= (int64_t)sizeof(chunk);
	/* So that nobody has its blocks written while somebody is measured. */
	fsync(fd);
	close(fd);
	return left == 0 ? 0 : -1;
}

static int make_certificate(const struct ftp_room *room)
{
	char command[2 * PATH_MAX], output[PROGRAM_OUTPUT_MAX];
	const struct program shell = {.argv = {"/bin/sh", "-c", command}};

	snprintf(command, sizeof(command),
		"cd '%s' && openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 "
		"-nodes -subj /CN=localhost -days 30 -keyout own.key -out own.pem 2>/dev/null",
		room->dir);
	return program_output(&shell, output);
}

static int fill(struct ftp_room *room)
{
	const struct weft_tls_client_options anybody = {.accepts_anybody = true};

	if (mkdir(room->shared, 0755) < 0 || mkdir(room->paths[EMPTY], 0755) < 0 ||
		make_certificate(room) < 0 || write_text(room->paths[USERS], users) < 0 ||
		write_large(room->large) < 0)
		return -1;
	/* By vsftpd strangers write there; and mkdir(2) heeds the umask. */
	if (chmod(room->dir, 0755) < 0 || chmod(room->shared, 0777) < 0)
		return -1;
	room->tls = weft_tls_client_new(&anybody, NULL);
	return room->tls ? 0 : -1;
}

int ftp_room_init(struct ftp_room *room)
{
	const char *base = getenv("WEFT_BENCH_DIR");

	memset(room, 0, sizeof(*room));
	snprintf(room->dir, sizeof(room->dir), "%s/weft-bench-XXXXXX", base ? base : "/var/tmp");
	if (!mkdtemp(room->dir)) {
		perror("weft-bench: a folder");
		return -1;
	}
	snprintf(room->shared, sizeof(room->shared), "%s/shared", room->dir);
	snprintf(room->large, sizeof(room->large), "%s/large.bin", room->shared);
	for (size_t i = 0; i < sizeof(path_names) / sizeof(*path_names); i++)
		snprintf(room->paths[i], sizeof(room->paths[i]), "%s/%s", room->dir, path_names[i]);
	if (fill(room) == 0)
		return 0;
	fprintf(stderr, "weft-bench: the folder %s can't be filled; is openssl installed?\n",
		room->dir);
	ftp_room_fini(room);
	return -1;
}

void ftp_room_fini(struct ftp_room *room)
{
	char output[PROGRAM_OUTPUT_MAX];
	const struct program rm = {.argv = {"rm", "-rf", "--", room->dir}};

	for (enum ftp_kind kind = 0; kind < FTP_KINDS; kind++)
		ftp_stop(room, kind);
	weft_tls_free(room->tls);
	chmod(room->dir, 0755);
	program_output(&rm, output);
}

/* ---- Who serves it --------------------------------------------------------------------- */

static int start_vsftpd(struct ftp_room *room, struct ftp_server *server, const struct bench *bench)
{
	char text[sizeof(vsftpd_config) + 4 * PATH_MAX];
	const struct program program = {
		.argv = {ftp_find_vsftpd(), room->paths[CONFIG]}, .cpus = &bench->server_cpu};
	uint16_t port = server_free_port();
	bool is_root = geteuid() == 0;

	server->name = "ftp";
	server->base = "CWD shared";
	snprintf(server->ftp, sizeof(server->ftp), "127.0.0.1:%u", port);
	snprintf(text, sizeof(text), vsftpd_config, port, room->dir, room->paths[EMPTY],
		room->paths[CERTIFICATE], room->paths[KEY],
		is_root ? "" : "run_as_launching_user=YES\n");
	/* The folder that strangers come in at must not be theirs. */
	if (write_text(room->paths[CONFIG], text) < 0 || (!is_root && chmod(room->dir, 0555) < 0))
		return -1;
	return server_start(&server->server, &program, port);
}

/* "HOST:PORT" from the line "address SCHEME://HOST:PORT/" of what weft serve has said. */
static int find_address(const char *said, const char *scheme, char ret_address[32])
{
	const char *at = strstr(said, scheme);
	size_t len = at ? strcspn(at + strlen(scheme), "/") : 0;

	if (len == 0 || len >= 32)
		return -1;
	snprintf(ret_address, 32, "%.*s", (int)len, at + strlen(scheme));
	return 0;
}

static int find_addresses(struct ftp_server *server)
{
	char said[PROGRAM_OUTPUT_MAX];
	ssize_t len = pread(server->server.output_fd, said, sizeof(said) - 1, 0);

	said[len > 0 ? len : 0] = '\0';
	if (find_address(said, " ftp://", server->ftp) == 0 &&
		find_address(said, " http://", server->http) == 0 &&
		find_address(said, " https://", server->https) == 0)
		return 0;
	server_stop(&server->server);
	return -1;
}

static int start_weft(struct ftp_room *room, struct ftp_server *server, const struct bench *bench,
	bool is_unsynced)
{
	static char any[] = "127.0.0.1:0";
	char path[PATH_MAX + 32];
	struct program program = {
		.argv = {"env", is_unsynced ? "LD_PRELOAD=libeatmydata.so" : "WEFT=", path, "serve",
			room->shared, "--ftp", any, "--http", any, "--https", any, "--tls-cert",
			room->paths[CERTIFICATE], "--tls-key", room->paths[KEY], "--auth-file",
			room->paths[USERS], "--allow-upload", "--insecure-auth", "--workers", "1",
			"--access-log", "none"},
		.cpus = &bench->server_cpu};

	snprintf(path, sizeof(path), "%s/weft", bench->build_dir);
	server->name = "anna";
	server->base = "";
	if (server_start(&server->server, &program, 0) < 0)
		return -1;
	return find_addresses(server);
}

int ftp_serve(struct ftp_room *room, const struct bench *bench, enum ftp_kind kind)
{
	static const char *const names[] = {"vsftpd", "weft serve", "weft serve, unsynced"};
	struct ftp_server *server = &room->servers[kind];
	int result;

	result = kind == FTP_VSFTPD ? start_vsftpd(room, server, bench)
				    : start_weft(room, server, bench, kind == FTP_WEFT_UNSYNCED);
	server->is_up = result == 0;
	if (result < 0)
		fprintf(stderr, "weft-bench: %s did not start\n", names[kind]);
	return result;
}

void ftp_stop(struct ftp_room *room, enum ftp_kind kind)
{
	if (room->servers[kind].is_up)
		server_stop(&room->servers[kind].server);
	room->servers[kind].is_up = false;
}
