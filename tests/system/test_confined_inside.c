/*
 * test_confined_inside.c - a server that serves is made to call what an intruder would: to read
 * /etc/passwd, to run a program, to connect, to look into others. None of it is done.
 *
 * The calls are put into its main thread by ptrace(2), at an instruction of its own: it is the
 * process that is refused, not this test. With --confine=no the same calls are done, so that it is
 * the confinement that refuses.
 */
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>

#include "check.h"

#if defined(__x86_64__)

#define SYSCALL_LEN 2 /* 0f 05 */

/** What a server is started with; NULL behind the last. */
#define WORDS_MAX 8

struct server {
	pid_t pid;
	FILE *out;
	char facts[4096]; /* its first line */
	char folder[32];
};

/* ---- The server --------------------------------------------------------------------------- */

static void run_weft(const char *folder, const char *const *words, int out_fd)
{
	const char *build = getenv("WEFT_BUILD");
	const char *line[12 + WORDS_MAX] = {"weft", "serve", folder, "--http", "127.0.0.1:0",
		"--json", "--workers", "1", "--config", "none", "--allow-dumps"};
	char path[512];

	for (size_t i = 0; words[i]; i++)
		line[11 + i] = words[i];
	snprintf(path, sizeof path, "%s/weft", build ? build : "build");
	dup2(out_fd, STDOUT_FILENO);
	execv(path, (char *const *)(uintptr_t)line);
	_exit(127);
}

static void start_with(struct server *server, const char *const *words)
{
	int ends[2];

	snprintf(server->folder, sizeof server->folder, "/tmp/weft-inside-XXXXXX");
	CHECK(mkdtemp(server->folder));
	CHECK(pipe2(ends, O_CLOEXEC) == 0);
	server->pid = fork();
	CHECK(server->pid >= 0);
	if (server->pid == 0)
		run_weft(server->folder, words, ends[1]);
	close(ends[1]);
	server->out = fdopen(ends[0], "r");
	CHECK(server->out);
	CHECK(fgets(server->facts, sizeof server->facts, server->out));
}

static void start(struct server *server, const char *confine)
{
	start_with(server, (const char *const[]){"--confine", confine, NULL});
}

static void stop(struct server *server)
{
	int status;

	CHECK(kill(server->pid, SIGTERM) == 0);
	CHECK(waitpid(server->pid, &status, 0) == server->pid);
	CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	fclose(server->out);
	rmdir(server->folder);
}

static bool is_confined(const struct server *server)
{
	return strstr(server->facts, "\"files\": true") && !strstr(server->facts, "\"calls\": 0}");
}

/* ---- Calls of its own --------------------------------------------------------------------- */

/* The signal that has stopped it. */
static int await_stop(pid_t pid)
{
	int status;

	CHECK(waitpid(pid, &status, __WALL) == pid);
	CHECK(WIFSTOPPED(status));
	return WSTOPSIG(status);
}

/* Whether it stands behind such an instruction, as who waits in a call does. */
static bool is_in_call(const struct server *server)
{
	struct user_regs_struct regs;
	long word;

	CHECK(ptrace(PTRACE_GETREGS, server->pid, NULL, &regs) == 0);
	errno = 0;
	word = ptrace(PTRACE_PEEKTEXT, server->pid, regs.rip - SYSCALL_LEN, NULL);
	return errno == 0 && (word & 0xffff) == 0x050f;
}

static void seize(const struct server *server)
{
	const struct timespec pause = {.tv_nsec = 1000000};

	if (ptrace(PTRACE_SEIZE, server->pid, NULL, NULL) < 0)
		check_skip("this user may not look into the server");
	for (;;) {
		CHECK(ptrace(PTRACE_INTERRUPT, server->pid, NULL, NULL) == 0);
		await_stop(server->pid);
		if (is_in_call(server))
			return;
		/* It is on its way there: the case's own limit ends that. */
		CHECK(ptrace(PTRACE_CONT, server->pid, NULL, NULL) == 0);
		nanosleep(&pause, NULL);
	}
}

/* Bytes of its stack, below what is used. */
static unsigned long put(const struct server *server, const void *data, size_t len)
{
	struct user_regs_struct regs;
	unsigned long place;

	CHECK(ptrace(PTRACE_GETREGS, server->pid, NULL, &regs) == 0);
	place = (regs.rsp - 1024) & ~15UL;
	for (size_t i = 0; i < len; i += sizeof(long)) {
		long word = 0;

		memcpy(&word, (const char *)data + i,
			len - i < sizeof word ? len - i : sizeof word);
		CHECK(ptrace(PTRACE_POKEDATA, server->pid, place + i, word) == 0);
	}
	return place;
}

/* What the call returns there: a result, or an errno below 0. */
static long call(
	const struct server *server, long number, unsigned long a, unsigned long b, unsigned long c)
{
	struct user_regs_struct before, regs;

	CHECK(ptrace(PTRACE_GETREGS, server->pid, NULL, &before) == 0);
	regs = before;
	regs.rip -= SYSCALL_LEN;
	regs.rax = (unsigned long)number;
	regs.orig_rax = (unsigned long)-1;
	regs.rdi = a;
	regs.rsi = b;
	regs.rdx = c;
	regs.r10 = 0;
	CHECK(ptrace(PTRACE_SETREGS, server->pid, NULL, &regs) == 0);
	do
		CHECK(ptrace(PTRACE_SINGLESTEP, server->pid, NULL, NULL) == 0);
	while (await_stop(server->pid) != SIGTRAP);
	CHECK(ptrace(PTRACE_GETREGS, server->pid, NULL, &regs) == 0);
	CHECK_INT(regs.rip, ==, before.rip);
	CHECK(ptrace(PTRACE_SETREGS, server->pid, NULL, &before) == 0);
	return (long)regs.rax;
}

static long call_open(const struct server *server, const char *path, int flags)
{
	return call(server, SYS_openat, (unsigned long)AT_FDCWD,
		put(server, path, strlen(path) + 1), (unsigned long)flags);
}

/* To a port where somebody listens. */
static long call_connect(const struct server *server, const struct sockaddr_in *address)
{
	long fd = call(server, SYS_socket, AF_INET, SOCK_STREAM, 0);

	CHECK_INT(fd, >=, 0);
	return call(server, SYS_connect, (unsigned long)fd, put(server, address, sizeof *address),
		sizeof *address);
}

static struct sockaddr_in listening(void)
{
	struct sockaddr_in address = {
		.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof address;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	CHECK(fd >= 0 && bind(fd, (const void *)&address, sizeof address) == 0 &&
		listen(fd, 8) == 0 && getsockname(fd, (void *)&address, &len) == 0);
	return address;
}

static void is_refused(long result)
{
	CHECK(result == -EPERM || result == -EACCES);
}

CHECK_CASE(what_an_intruder_would_call_is_refused_and_the_server_serves_on)
{
	const struct sockaddr_in address = listening();
	struct server server;

	start(&server, "auto");
	if (!is_confined(&server)) {
		stop(&server);
		check_skip("this build, or this kernel, does not confine it");
	}
	seize(&server);
	is_refused(call_open(&server, "/etc/passwd", O_RDONLY));
	is_refused(call_open(&server, "/etc/shadow", O_RDONLY));
	is_refused(call_open(&server, "/tmp/weft-inside-new", O_WRONLY | O_CREAT));
	is_refused(call(&server, SYS_execve, put(&server, "/bin/true", 10), 0, 0));
	is_refused(call_connect(&server, &address));
	is_refused(call(&server, SYS_ptrace, PTRACE_TRACEME, 0, 0));
	is_refused(call(&server, SYS_setuid, 0, 0, 0));
	CHECK_INT(call(&server, SYS_vfork, 0, 0, 0), ==, -ENOSYS);
	CHECK_INT(call(&server, SYS_socket, AF_INET, SOCK_RAW, IPPROTO_ICMP), ==, -ENOSYS);
	/* And what it is for, it may. */
	CHECK_INT(call_open(&server, server.folder, O_RDONLY | O_DIRECTORY), >=, 0);
	CHECK(ptrace(PTRACE_DETACH, server.pid, NULL, NULL) == 0);
	stop(&server);
}

/* To where a client of active mode listens, if there is that mode. */
static void try_connect_of_ftp(bool is_active)
{
	static const char *const words[] = {
		"--ftp", "127.0.0.1:0", "--ftp-anonymous", "--ftp-no-active", NULL};
	const char *taken[WORDS_MAX + 1] = {
		words[0], words[1], words[2], is_active ? NULL : words[3]};
	const struct sockaddr_in address = listening();
	struct server server;

	start_with(&server, taken);
	if (!is_confined(&server)) {
		stop(&server);
		check_skip("this build, or this kernel, does not confine it");
	}
	CHECK(!strstr(server.facts, "\"connect\": true") == is_active);
	seize(&server);
	if (is_active)
		CHECK_INT(call_connect(&server, &address), ==, 0);
	else
		is_refused(call_connect(&server, &address));
	CHECK(ptrace(PTRACE_DETACH, server.pid, NULL, NULL) == 0);
	stop(&server);
}

CHECK_CASE(ftp_connects_in_active_mode_and_without_it_nowhere)
{
	try_connect_of_ftp(true);
	try_connect_of_ftp(false);
}

CHECK_CASE(without_confinement_the_same_calls_are_done)
{
	const struct sockaddr_in address = listening();
	struct server server;

	start(&server, "no");
	seize(&server);
	CHECK_INT(call_open(&server, "/etc/passwd", O_RDONLY), >=, 0);
	CHECK_INT(call_connect(&server, &address), ==, 0);
	CHECK_INT(call(&server, SYS_setuid, getuid(), 0, 0), ==, 0);
	CHECK(ptrace(PTRACE_DETACH, server.pid, NULL, NULL) == 0);
	stop(&server);
}

#else

CHECK_CASE(what_an_intruder_would_call_is_refused_and_the_server_serves_on)
{
	check_skip("for x86-64: the calls are put in by its registers");
}

#endif

CHECK_MAIN()
