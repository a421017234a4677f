/*
 * test_durable_order.c - `weft serve`, seen from the kernel: before a byte of "201" or "226" goes
 * out, the file is synced, then named, then its folder is synced; for one, and for many at once.
 *
 * check: waits
 *
 * The server is traced (traced.h): its writes, syncs, names and replies are put in one order. Which
 * reply is whose is known by the request that came on the same connection before it.
 */
#include <arpa/inet.h>
#include <pthread.h>

#include "io/place.h"
#include "traced.h"

#define FILES_MAX 64

static const char *shared(const char *name)
{
	static char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/%s", place("shared"), name);
	return path;
}

/* ---- What has happened, by the count of stops -------------------------------------------------
 */

static int64_t now;

/** A file, by its inode: when it was last written to, and when the last sync of that began. */
static struct content {
	ino_t ino;
	int64_t written, synced;
} contents[4 * FILES_MAX];

/** A name in the shared folder. */
static struct named {
	char name[32];
	int64_t named;         /* 0: not yet */
	int64_t folder_synced; /* behind that */
	bool was_told;
} names[FILES_MAX];

/** By descriptor of the server: what its peer puts. */
static char puts_on[1024][32];

static int folder_syncs, shared_syncs;

static struct content *content_of(ino_t ino)
{
	struct content *content = contents;

	while (content->ino && content->ino != ino)
		content++;
	CHECK(content < contents + 4 * FILES_MAX - 1);
	content->ino = ino;
	return content;
}

static struct named *name_of(const char *name)
{
	struct named *named = names;

	while (named->name[0] && strcmp(named->name, name) != 0)
		named++;
	CHECK(named < names + FILES_MAX - 1);
	snprintf(named->name, sizeof(named->name), "%s", name);
	return named;
}

/* ---- The server's calls ------------------------------------------------------------------------
 */

/** The entry of each thread's call. */
static struct entry {
	pid_t thread;
	int64_t at;
	struct traced_stop stop;
} entries[TRACED_THREADS_MAX];

static struct entry *entry_of(pid_t thread)
{
	struct entry *entry = entries;

	while (entry->thread && entry->thread != thread)
		entry++;
	CHECK(entry < entries + TRACED_THREADS_MAX - 1);
	entry->thread = thread;
	return entry;
}

/* Of the server's memory. Returns how much there is, with a NUL behind it. */
static size_t peek(pid_t server, uint64_t address, char *ret_text, size_t size)
{
	struct iovec here = {ret_text, size - 1}, there = {(void *)(uintptr_t)address, size - 1};
	ssize_t len = process_vm_readv(server, &here, 1, &there, 1, 0);

	while (len <= 0 && there.iov_len > 1) { /* the end of its memory */
		here.iov_len = there.iov_len /= 2;
		len = process_vm_readv(server, &here, 1, &there, 1, 0);
	}
	ret_text[len > 0 ? len : 0] = '\0';
	return len > 0 ? (size_t)len : 0;
}

static bool stat_fd(pid_t server, uint64_t fd, struct stat *ret_stat)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/fd/%d", (int)server, (int)fd);
	return stat(path, ret_stat) == 0;
}

/* "PUT /a HTTP/1.1", "STOR a": the connection's next reply is about a. */
static void see_request(pid_t server, const struct traced_stop *stop, int64_t len)
{
	char text[64] = "", name[32] = "";

	if (len <= 0 || stop->args[0] >= 1024)
		return;
	peek(server, stop->args[1], text, (size_t)len < 63 ? (size_t)len + 1 : 64);
	if (sscanf(text, "PUT /%31[^ ] ", name) == 1 || sscanf(text, "STOR %31[^ \r\n]", name) == 1)
		memcpy(puts_on[stop->args[0]], name, sizeof(name));
}

static void see_reply(pid_t server, uint64_t fd, uint64_t address)
{
	char text[16];
	struct named *named;

	peek(server, address, text, sizeof(text));
	if (strncmp(text, "HTTP/1.1 201", 12) != 0 && strncmp(text, "HTTP/1.1 204", 12) != 0 &&
		strncmp(text, "226 ", 4) != 0)
		return;
	CHECK(fd < 1024 && puts_on[fd][0]);
	named = name_of(puts_on[fd]);
	CHECK(named->named > 0);
	CHECK(named->folder_synced > named->named);
	named->was_told = true;
}

static void see_name(pid_t server, uint64_t address)
{
	char path[128];
	struct content *content;
	struct named *named;
	struct stat stat;

	peek(server, address, path, sizeof(path));
	if (path[0] == '.' || strchr(path, '/') || strncmp(path, "put-", 4) != 0)
		return;
	CHECK_INT(lstat(shared(path), &stat), ==, 0);
	content = content_of(stat.st_ino);
	CHECK_INT(content->written, >, 0);
	CHECK_INT(content->synced, >, content->written);
	named = name_of(path);
	named->named = now;
	named->folder_synced = 0;
}

/* All that was written before it began is on the disk. */
static void see_sync(int64_t begun, ino_t folder, ino_t file)
{
	for (struct content *content = contents; content->ino; content++)
		if (!file || content->ino == file)
			content->synced = begun > content->written ? begun : content->synced;
	for (struct named *named = names; named->name[0]; named++)
		if (folder && named->named && begun > named->named)
			named->folder_synced = begun;
}

static void see_fsync(pid_t server, const struct entry *entry)
{
	struct stat stat;

	if (entry->stop.number == SYS_syncfs) {
		shared_syncs++;
		see_sync(entry->at, 1, 0);
	} else if (stat_fd(server, entry->stop.args[0], &stat) && S_ISDIR(stat.st_mode)) {
		folder_syncs++;
		see_sync(entry->at, stat.st_ino, (ino_t)-1);
	} else {
		see_sync(entry->at, 0, stat.st_ino);
	}
}

static void see_entry(pid_t server, const struct traced_stop *stop)
{
	char pointers[sizeof(struct msghdr) + 1];
	struct iovec part;

	switch (stop->number) {
	case SYS_write:
	case SYS_sendto:
		see_reply(server, stop->args[0], stop->args[1]);
		break;
	case SYS_writev:
		if (peek(server, stop->args[1], pointers, sizeof(part) + 1) == sizeof(part)) {
			memcpy(&part, pointers, sizeof(part));
			see_reply(server, stop->args[0], (uintptr_t)part.iov_base);
		}
		break;
	case SYS_sendmsg:
		if (peek(server, stop->args[1], pointers, sizeof(pointers)) ==
			sizeof(struct msghdr)) {
			struct msghdr message;

			memcpy(&message, pointers, sizeof(message));
			peek(server, (uintptr_t)message.msg_iov, pointers, sizeof(part) + 1);
			memcpy(&part, pointers, sizeof(part));
			see_reply(server, stop->args[0], (uintptr_t)part.iov_base);
		}
		break;
	default:
		break;
	}
}

static void see_exit(pid_t server, const struct entry *entry, int64_t result)
{
	const struct traced_stop *stop = &entry->stop;
	struct stat stat;

	if (result < 0)
		return;
	switch (stop->number) {
	case SYS_read:
	case SYS_recvfrom:
		see_request(server, stop, result);
		break;
	case SYS_write:
	case SYS_pwrite64:
	case SYS_ftruncate:
	case SYS_fchmod:
		if (stat_fd(server, stop->args[0], &stat) && S_ISREG(stat.st_mode))
			content_of(stat.st_ino)->written = now;
		break;
	case SYS_fsync:
	case SYS_fdatasync:
	case SYS_syncfs:
		see_fsync(server, entry);
		break;
	case SYS_linkat:
	case SYS_renameat2:
#ifdef SYS_renameat
	case SYS_renameat:
#endif
		see_name(server, stop->args[3]);
		break;
	default:
		break;
	}
}

/* ---- The server, and who puts ------------------------------------------------------------------
 */

static int facts[2]; /* a pipe: what the server prints of itself */

static void set_up(void *arg)
{
	(void)arg;
	/* Looking for leaks is by ptrace(2), too, and only one can. */
	setenv("ASAN_OPTIONS", "detect_leaks=0:detect_stack_use_after_return=0", 1);
	dup2(facts[1], 1);
}

static struct sockaddr_in address_of(const char *text, const char *key)
{
	struct sockaddr_in address = {.sin_family = AF_INET};
	char *port = strstr(text, key);

	CHECK(port != NULL);
	port = strstr(port, "127.0.0.1:");
	CHECK(port != NULL);
	address.sin_port = htons((uint16_t)strtoul(port + strlen("127.0.0.1:"), NULL, 10));
	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	return address;
}

static int dial(struct sockaddr_in address)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	CHECK_INT(connect(fd, (struct sockaddr *)&address, sizeof(address)), ==, 0);
	return fd;
}

static void say(int fd, const char *text)
{
	CHECK_INT(send(fd, text, strlen(text), MSG_NOSIGNAL), ==, strlen(text));
}

/* A reply's line, or lines, up to what ends with CRLF. */
static char *hear(int fd, const char *status)
{
	static __thread char text[4096];
	size_t len = 0;

	do {
		ssize_t more = recv(fd, text + len, sizeof(text) - 1 - len, 0);

		CHECK_INT(more, >, 0);
		len += (size_t)more;
		text[len] = '\0';
	} while (!strstr(text, "\r\n"));
	if (!strstr(text, status))
		check_fail(__FILE__, __LINE__, "%s instead of %s", text, status);
	return text;
}

struct putting {
	struct sockaddr_in http;
	int number, version;
};

static void *put(void *arg)
{
	const struct putting *putting = arg;
	int fd = dial(putting->http);
	char text[200];

	snprintf(text, sizeof(text),
		"PUT /put-%d HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 10\r\n\r\n"
		"content %2d",
		putting->number, putting->version);
	say(fd, text);
	hear(fd, putting->version ? "204" : "201");
	close(fd);
	return NULL;
}

/* So many at once. */
static void put_all(struct sockaddr_in http, int count, int version)
{
	pthread_t threads[FILES_MAX];
	struct putting puttings[FILES_MAX];

	for (int i = 0; i < count; i++) {
		puttings[i] = (struct putting){http, i, version};
		CHECK_INT(pthread_create(&threads[i], NULL, put, &puttings[i]), ==, 0);
	}
	for (int i = 0; i < count; i++)
		CHECK_INT(pthread_join(threads[i], NULL), ==, 0);
}

static void store(struct sockaddr_in ftp)
{
	int control = dial(ftp), data;
	struct sockaddr_in passive = ftp;

	hear(control, "220");
	say(control, "USER ann\r\n");
	hear(control, "331");
	say(control, "PASS secret\r\n");
	hear(control, "230");
	say(control, "EPSV\r\n");
	passive.sin_port =
		htons((uint16_t)strtoul(strstr(hear(control, "229"), "|||") + 3, NULL, 10));
	data = dial(passive);
	say(control, "STOR put-ftp\r\n");
	hear(control, "150");
	say(data, "by ftp");
	close(data);
	hear(control, "226");
	close(control);
}

/* In a process of its own, which the tracer does not wait for but for this. */
typedef void client_fn(const char *told);

static pid_t start_client(client_fn *client, pid_t server)
{
	pid_t pid = fork();

	CHECK(pid >= 0);
	if (pid == 0) {
		char text[4096] = "";
		size_t len = 0;

		while (!strchr(text, '\n')) {
			ssize_t more = read(facts[0], text + len, sizeof(text) - 1 - len);

			CHECK_INT(more, >, 0);
			len += (size_t)more;
		}
		client(text);
		kill(server, SIGTERM);
		_exit(0);
	}
	return pid;
}

static void watch(char *const *options, client_fn *client)
{
	const char *build = getenv("WEFT_BUILD");
	char program[PATH_MAX], folder[PATH_MAX],
		*argv[32] = {program, "serve", folder, "--http", "127.0.0.1:0", "--json", "--host",
			"*", "--allow-upload", "--allow-overwrite", "--driver", "epoll"};
	struct traced traced;
	struct traced_stop stop;
	int count = 12;
	const char *why = traced_can();

	if (why)
		check_skip(why);
	CHECK_INT(mkdir(place("shared"), 0755), ==, 0);
	snprintf(folder, sizeof(folder), "%s", place("shared"));
	snprintf(program, sizeof(program), "%s/weft", build ? build : "build");
	if (access(program, X_OK) < 0)
		check_skip("there is no build/weft");
	while (options && *options)
		argv[count++] = *options++;
	CHECK_INT(pipe(facts), ==, 0);
	fflush(stdout);
	traced_exec(&traced, argv, set_up, NULL);
	start_client(client, traced.pid);
	while (traced_next(&traced, &stop)) {
		struct entry *entry = entry_of(stop.thread);

		now++;
		if (stop.is_exit) {
			see_exit(traced.pid, entry, stop.result);
			continue;
		}
		entry->stop = stop;
		entry->at = now;
		see_entry(traced.pid, &stop);
	}
	CHECK(WIFEXITED(traced.status));
	CHECK_INT(WEXITSTATUS(traced.status), ==, 0);
	CHECK_INT(traced.others_failed, ==, 0);
}

static int count_told(void)
{
	int count = 0;

	for (struct named *named = names; named->name[0]; named++)
		count += named->was_told;
	return count;
}

/* ---- Cases -------------------------------------------------------------------------------------
 */

static void put_one(const char *told)
{
	put_all(address_of(told, "\"http\""), 1, 0);
	put_all(address_of(told, "\"http\""), 1, 1); /* over the first */
}

CHECK_CASE(a_put_is_answered_behind_the_sync_of_its_file_its_name_and_its_folder)
{
	watch(NULL, put_one);
	CHECK_INT(count_told(), ==, 1);
	CHECK_STR(place_read("shared/put-0"), "content  1");
}

static void put_many(const char *told)
{
	for (int i = 0; i < 2; i++)
		put_all(address_of(told, "\"http\""), 24, i);
}

CHECK_CASE(so_are_many_that_share_their_syncs)
{
	watch(NULL, put_many);
	CHECK_INT(count_told(), ==, 24);
	printf("# 48 files: %d syncs of their folder, %d of the file system\n", folder_syncs,
		shared_syncs);
}

static void store_one(const char *told)
{
	store(address_of(told, "\"ftp\""));
}

CHECK_CASE(so_is_a_file_by_ftp)
{
	/* "secret" */
	static const char user[] =
		"ann:$6$weft$AcC.jrODjwiGT3JIaAd8WDME7SywBLTmAUKXtdpls6wa67LEDyL4go.ax."
		"pNyfkdzpE2P40bc3TSCmofdkuil1\n";
	static char file[PATH_MAX];
	char *options[] = {"--ftp", "127.0.0.1:0", "--auth-file", file, NULL};

	snprintf(file, sizeof(file), "%s", place("users"));
	place_write("users", user);
	watch(options, store_one);
	CHECK_INT(count_told(), ==, 1);
	CHECK_STR(place_read("shared/put-ftp"), "by ftp");
}

CHECK_MAIN()
