/*
 * test_confine.c - what a process that is confined still can, and what it can't any more.
 *
 * Each case confines its own process, which is a child of the test's.
 */
#include <arpa/inet.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>

#include "check.h"
#include "hub/confine.h"
#include "hub/user.h"

/* The search for leaks reads /proc/self/task at the end, which nobody has left here. */
/* tidy: allow names, because they are AddressSanitizer's */
const char *__lsan_default_options(void);

/* tidy: allow names, because they are AddressSanitizer's */
__attribute__((visibility("default"))) const char *__lsan_default_options(void)
{
	return "detect_leaks=0";
}

static char top[] = "/tmp/weft-confine-XXXXXX";
static char in_top[8][64];

/* A path below the folder of the case. */
static const char *at(const char *name)
{
	static unsigned turn;
	char *path = in_top[turn++ % 8];

	snprintf(path, sizeof in_top[0], "%s/%s", top, name);
	return path;
}

static void write_file(const char *path, const char *text)
{
	FILE *file = fopen(path, "we");

	CHECK(file);
	CHECK(fputs(text, file) >= 0);
	CHECK(fclose(file) == 0);
}

/* shared/a.txt, shared/sub/, log/old.log, other/secret; all of them, at what the case allows. */
static void make_tree(void)
{
	CHECK(mkdtemp(top));
	CHECK(mkdir(at("shared"), 0700) == 0);
	CHECK(mkdir(at("shared/sub"), 0700) == 0);
	CHECK(mkdir(at("log"), 0700) == 0);
	CHECK(mkdir(at("other"), 0700) == 0);
	write_file(at("shared/a.txt"), "hello");
	write_file(at("log/old.log"), "a line");
	write_file(at("other/secret"), "secret");
}

/* The tree is removed when this process is gone, by one that is not confined. */
static void begin(void)
{
	int ends[2];
	pid_t cleaner;

	make_tree();
	CHECK(pipe(ends) == 0);
	cleaner = fork();
	CHECK(cleaner >= 0);
	if (cleaner == 0) {
		char byte, command[128];

		setpgid(0, 0);
		close(ends[1]);
		close(STDOUT_FILENO);
		while (read(ends[0], &byte, 1) > 0)
			;
		snprintf(command, sizeof command, "rm -rf '%s'", top);
		_exit(system(command) != 0);
	}
	/* Before the case ends, and its group with it, however late that one gets to it. */
	CHECK(setpgid(cleaner, cleaner) == 0);
	close(ends[0]);
}

static struct hub_confine_facts facts;

static void confine(const struct hub_confine_options *options)
{
	CHECK_INT(weft__hub_confine_files(options, &facts), ==, 0);
	if (!facts.landlock)
		check_skip(facts.why_not_files);
}

static void confine_calls(const struct hub_confine_options *options)
{
	if (weft__hub_confine_is_sanitized())
		check_skip("a sanitizer needs more system calls than a server");
	CHECK(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
	CHECK_INT(weft__hub_confine_calls(options, &facts), ==, 0);
	if (!facts.calls)
		check_skip(facts.why_not_calls);
}

static int opens(const char *path, int flags)
{
	int fd = open(path, flags | O_CLOEXEC, 0600);

	if (fd < 0)
		return errno;
	close(fd);
	return 0;
}

#define CHECK_OPENS(path, flags, code) CHECK_INT(opens(path, flags), ==, code)

/* ---- Files -------------------------------------------------------------------------------- */

CHECK_CASE(what_is_not_named_is_not_there_to_be_read)
{
	begin();
	CHECK_OPENS("/etc/passwd", O_RDONLY, 0);
	const struct hub_confine_path paths[] = {{at("shared"), HUB_CONFINE_READ}};

	confine(&(struct hub_confine_options){.paths = paths, .path_count = 1});
	CHECK_OPENS("/etc/passwd", O_RDONLY, EACCES);
	CHECK_OPENS(at("other/secret"), O_RDONLY, EACCES);
	CHECK_OPENS(top, O_RDONLY | O_DIRECTORY, EACCES);
	CHECK_OPENS(at("shared/a.txt"), O_RDONLY, 0);
	CHECK_OPENS(at("shared/../other/secret"), O_RDONLY, EACCES);
}

CHECK_CASE(a_folder_that_is_read_is_not_changed)
{
	begin();
	const struct hub_confine_path paths[] = {{at("shared"), HUB_CONFINE_READ}};

	confine(&(struct hub_confine_options){.paths = paths, .path_count = 1});
	CHECK_OPENS(at("shared/a.txt"), O_WRONLY, EACCES);
	CHECK_OPENS(at("shared/new"), O_WRONLY | O_CREAT, EACCES);
	CHECK(mkdir(at("shared/new"), 0700) < 0 && errno == EACCES);
	CHECK(unlink(at("shared/a.txt")) < 0 && errno == EACCES);
	CHECK(rename(at("shared/a.txt"), at("shared/b.txt")) < 0 && errno == EACCES);
}

CHECK_CASE(a_folder_that_is_changed_is_changed_in_every_way_and_no_other)
{
	begin();
	const struct hub_confine_path paths[] = {{at("shared"), HUB_CONFINE_CHANGE}};

	confine(&(struct hub_confine_options){.paths = paths, .path_count = 1});
	CHECK_OPENS(at("shared/new"), O_RDWR | O_CREAT | O_TRUNC, 0);
	CHECK(rename(at("shared/new"), at("shared/sub/moved")) == 0);
	CHECK(link(at("shared/sub/moved"), at("shared/linked")) == 0);
	CHECK(symlink("a.txt", at("shared/pointer")) == 0);
	CHECK(rename(at("shared/pointer"), at("shared/sub/pointer")) == 0);
	CHECK(unlink(at("shared/sub/pointer")) == 0);
	CHECK(unlink(at("shared/sub/moved")) == 0 && rmdir(at("shared/sub")) == 0);
	CHECK_OPENS(at("shared"), O_TMPFILE | O_RDWR, 0);
	CHECK(rename(at("shared/a.txt"), at("other/a.txt")) < 0);
	CHECK_OPENS(at("other/new"), O_WRONLY | O_CREAT, EACCES);
	CHECK(mknod(at("shared/null"), S_IFCHR | 0600, 0x103) < 0);
}

CHECK_CASE(a_log_is_written_and_not_read)
{
	begin();
	const struct hub_confine_path paths[] = {{at("log"), HUB_CONFINE_APPEND}};

	confine(&(struct hub_confine_options){.paths = paths, .path_count = 1});
	CHECK_OPENS(at("log/old.log"), O_WRONLY | O_APPEND, 0);
	CHECK_OPENS(at("log/new.log"), O_WRONLY | O_APPEND | O_CREAT, 0);
	CHECK_OPENS(at("log/old.log"), O_RDONLY, EACCES);
	CHECK(unlink(at("log/old.log")) < 0 && errno == EACCES);
}

CHECK_CASE(a_rule_for_a_file_is_for_that_file)
{
	begin();
	const struct hub_confine_path paths[] = {
		{at("other/secret"), HUB_CONFINE_READ}, {at("not there"), HUB_CONFINE_CHANGE}};

	confine(&(struct hub_confine_options){.paths = paths, .path_count = 2});
	CHECK_OPENS(at("other/secret"), O_RDONLY, 0);
	CHECK_OPENS(at("other/secret"), O_WRONLY, EACCES);
	CHECK_OPENS(at("other/more"), O_WRONLY | O_CREAT, EACCES);
	CHECK_OPENS(at("not there"), O_WRONLY | O_CREAT, EACCES);
}

CHECK_CASE(a_pipe_by_its_name_is_no_fault)
{
	char name[64];
	int ends[2];

	CHECK(pipe(ends) == 0);
	snprintf(name, sizeof name, "/proc/self/fd/%d", ends[1]);
	const struct hub_confine_path paths[] = {
		{name, HUB_CONFINE_APPEND}, {"/proc/self", HUB_CONFINE_READ}};

	confine(&(struct hub_confine_options){.paths = paths, .path_count = 2});
	CHECK_OPENS(name, O_WRONLY | O_APPEND, 0);
}

CHECK_CASE(nothing_is_run)
{
	char *const argv[] = {"true", NULL};
	/* Everything is to be read, so that it is no file's fault. */
	const struct hub_confine_path paths[] = {{"/", HUB_CONFINE_CHANGE}};

	confine(&(struct hub_confine_options){.paths = paths, .path_count = 1});
	CHECK(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1);
	CHECK_OPENS("/bin/true", O_RDONLY, 0);
	execv("/bin/true", argv);
	CHECK_INT(errno, ==, EACCES);
}

static void *wait_for_ever(void *arg)
{
	for (;;)
		pause();
	return arg;
}

CHECK_CASE(with_a_second_thread_nothing_is_confined)
{
	pthread_t thread;

	CHECK(pthread_create(&thread, NULL, wait_for_ever, NULL) == 0);
	if (weft__hub_confine_files(&(struct hub_confine_options){.paths = NULL}, &facts) == 0)
		check_skip(facts.why_not_files);
	CHECK_INT(errno, ==, EBUSY);
	CHECK_OPENS("/etc/passwd", O_RDONLY, 0);
}

/* ---- The network -------------------------------------------------------------------------- */

static struct sockaddr_in loopback(unsigned port)
{
	return (struct sockaddr_in){.sin_family = AF_INET,
		.sin_port = htons((uint16_t)port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
}

static int tcp_socket(void)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	CHECK(fd >= 0);
	return fd;
}

/* Its errno, or 0. */
static int binds(unsigned port)
{
	const struct sockaddr_in address = loopback(port);

	return bind(tcp_socket(), (const void *)&address, sizeof address) < 0 ? errno : 0;
}

static int connects(unsigned port)
{
	const struct sockaddr_in address = loopback(port);

	return connect(tcp_socket(), (const void *)&address, sizeof address) < 0 ? errno : 0;
}

/* Somebody listens there. */
static unsigned listening_port(void)
{
	struct sockaddr_in address = loopback(0);
	socklen_t len = sizeof address;
	int fd = tcp_socket();

	CHECK(bind(fd, (const void *)&address, sizeof address) == 0 && listen(fd, 1) == 0);
	CHECK(getsockname(fd, (void *)&address, &len) == 0);
	return ntohs(address.sin_port);
}

CHECK_CASE(a_connection_is_refused_and_a_port_that_is_not_named)
{
	unsigned port = listening_port(), free_port = listening_port();
	const uint16_t ports[] = {0};

	CHECK_INT(connects(port), ==, 0);
	confine(&(struct hub_confine_options){.bind_ports = ports, .bind_count = 1});
	if (!facts.bounds_connect)
		check_skip("this kernel's Landlock has no ports");
	CHECK_INT(connects(port), ==, EACCES);
	CHECK_INT(binds(0), ==, 0);
	CHECK_INT(binds(free_port), ==, EACCES);
}

CHECK_CASE(who_has_to_may_connect_anywhere)
{
	unsigned port = listening_port();

	confine(&(struct hub_confine_options){.connects_anywhere = true, .binds_anywhere = true});
	CHECK(!facts.bounds_connect && !facts.bounds_bind);
	CHECK_INT(connects(port), ==, 0);
	CHECK_INT(binds(0), ==, 0);
}

CHECK_CASE(no_process_outside_gets_a_signal)
{
	pid_t other = fork();

	CHECK(other >= 0);
	if (other == 0)
		wait_for_ever(NULL);
	confine(&(struct hub_confine_options){.paths = NULL});
	if (!facts.bounds_signals)
		check_skip("this kernel's Landlock knows nothing of signals");
	/* The child was made before, and so is outside. It goes with the case's process group. */
	CHECK(kill(other, SIGTERM) < 0 && errno == EPERM);
}

/* ---- System calls ------------------------------------------------------------------------- */

static void *look_at_the_filter(void *arg)
{
	pthread_barrier_wait(arg);
	pthread_barrier_wait(arg);
	return (void *)(intptr_t)prctl(PR_GET_SECCOMP, 0, 0, 0, 0);
}

CHECK_CASE(harm_is_not_permitted_and_the_unknown_is_not_there)
{
	char *const argv[] = {"true", NULL};

	confine_calls(&(struct hub_confine_options){.paths = NULL});
	CHECK(execv("/bin/true", argv) < 0 && errno == EPERM);
	CHECK(ptrace(PTRACE_TRACEME, 0, NULL, NULL) < 0 && errno == EPERM);
	CHECK(unshare(CLONE_NEWUSER) < 0 && errno == EPERM);
	CHECK(setuid(getuid()) < 0 && errno == EPERM);
	CHECK(syscall(SYS_process_vm_readv, getpid(), NULL, 0, NULL, 0, 0) < 0 && errno == EPERM);
	CHECK(syscall(100000) < 0 && errno == ENOSYS);
	CHECK(socket(AF_INET, SOCK_RAW, IPPROTO_ICMP) < 0 && errno == ENOSYS);
	CHECK(socket(AF_PACKET, SOCK_DGRAM, 0) < 0 && errno == ENOSYS);
	CHECK(syscall(SYS_io_uring_setup, 1, NULL) < 0 && errno == ENOSYS);
	CHECK_INT(connects(1), ==, EPERM);
}

CHECK_CASE(all_threads_are_under_the_filter_and_more_can_be_made_but_no_process)
{
	pthread_barrier_t barrier;
	pthread_t before, after;
	void *mode = NULL;

	pthread_barrier_init(&barrier, NULL, 2);
	CHECK(pthread_create(&before, NULL, look_at_the_filter, &barrier) == 0);
	pthread_barrier_wait(&barrier);
	confine_calls(&(struct hub_confine_options){.paths = NULL});
	pthread_barrier_wait(&barrier);
	CHECK(pthread_join(before, &mode) == 0 && (intptr_t)mode == 2 /* a filter */);
	CHECK(pthread_create(&after, NULL, look_at_the_filter, &barrier) == 0);
	pthread_barrier_wait(&barrier);
	pthread_barrier_wait(&barrier);
	CHECK(pthread_join(after, &mode) == 0 && (intptr_t)mode == 2 /* a filter */);
	CHECK(fork() < 0 && errno == ENOSYS);
	/* What wakes threads: of this process, and of no other. */
	CHECK_INT(pthread_sigqueue(pthread_self(), 0, (union sigval){0}), ==, 0);
	CHECK_INT(pthread_kill(pthread_self(), 0), ==, 0);
	CHECK(syscall(SYS_tgkill, getppid(), getppid(), 0) < 0 && errno == ENOSYS);
	CHECK(kill(getppid(), SIGTERM) < 0 && errno == ENOSYS);
}

CHECK_CASE(who_serves_by_processes_makes_them_but_they_run_nothing_else)
{
	char *const argv[] = {"true", NULL};
	int status;
	pid_t child;

	confine_calls(&(struct hub_confine_options){.forks = true});
	child = fork();
	CHECK(child >= 0);
	if (child == 0)
		_exit(execv("/bin/true", argv) < 0 && errno == EPERM ? 42 : 0);
	CHECK(waitpid(child, &status, 0) == child);
	CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 42);
	CHECK(syscall(SYS_clone, CLONE_NEWUSER | SIGCHLD, NULL, NULL, NULL, 0) < 0);
}

CHECK_CASE(no_memory_is_written_and_run)
{
	long page = sysconf(_SC_PAGESIZE);
	void *memory;

	confine_calls(&(struct hub_confine_options){.paths = NULL});
	memory = mmap(
		NULL, (size_t)page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	CHECK(memory != MAP_FAILED);
	CHECK(mprotect(memory, (size_t)page, PROT_READ | PROT_EXEC) < 0);
	CHECK(mmap(NULL, (size_t)page, PROT_READ | PROT_WRITE | PROT_EXEC,
		      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED);
}

/* ---- Whose process it is ------------------------------------------------------------------ */

/* The line of /proc/self/status that begins so. */
static void status_line(const char *begin, char *ret_line, size_t size)
{
	FILE *file = fopen("/proc/self/status", "re");

	CHECK(file);
	while (fgets(ret_line, (int)size, file))
		if (strncmp(ret_line, begin, strlen(begin)) == 0)
			break;
	fclose(file);
}

static unsigned long long number_in_status(const char *begin)
{
	char line[128] = "";

	status_line(begin, line, sizeof line);
	return strtoull(line + strlen(begin), NULL, 16);
}

/* As containers have it: no right is needed for any port. */
static bool low_ports_are_anybodys(void)
{
	FILE *file = fopen("/proc/sys/net/ipv4/ip_unprivileged_port_start", "re");
	char line[16] = "1024";

	if (file && !fgets(line, sizeof line, file))
		line[0] = '\0';
	if (file)
		fclose(file);
	return strtoul(line, NULL, 10) <= 1;
}

CHECK_CASE(root_becomes_nobody_for_good_and_opens_low_ports_until_that_is_over)
{
	struct hub_user user, now;

	if (geteuid() != 0)
		check_skip("only root can become another");
	CHECK(weft__hub_user_find("nobody", &user) == 0);
	CHECK(weft__hub_user_become(&user, true) == 0);
	weft__hub_user_now(&now);
	CHECK(now.uid == user.uid && getuid() == user.uid && getegid() == user.gid);
	CHECK_INT(number_in_status("CapEff:"), ==, 0);
	CHECK(setuid(0) < 0);
	CHECK_OPENS("/etc/shadow", O_RDONLY, EACCES);
	if (low_ports_are_anybodys())
		check_skip("here low ports are anybody's");
	weft__hub_user_raise_ports();
	CHECK_INT(binds(1), !=, EACCES); /* another test may have it just now: EADDRINUSE */
	weft__hub_user_rest_ports();
	CHECK_INT(binds(1), ==, EACCES);
	weft__hub_user_drop_ports();
	weft__hub_user_raise_ports();
	CHECK_INT(binds(1), ==, EACCES);
	CHECK_INT(number_in_status("CapPrm:"), ==, 0);
}

CHECK_CASE(root_who_stays_root_keeps_what_files_need_and_no_more)
{
	if (geteuid() != 0)
		check_skip("for root");
	CHECK(weft__hub_user_keep_least(true) == 0);
	/* chown, dac_override, dac_read_search, fowner, fsetid, net_bind_service; as far as it had
	 * them. */
	CHECK_INT(number_in_status("CapPrm:") & ~0x41fULL, ==, 0);
	CHECK_INT(number_in_status("CapEff:"), ==, number_in_status("CapPrm:"));
}

CHECK_CASE(who_is_not_there_is_not_found)
{
	struct hub_user user;

	CHECK(weft__hub_user_find("no such user", &user) < 0 && errno == ENOENT);
	CHECK(weft__hub_user_find("root:no such group", &user) < 0 && errno == ENOENT);
	CHECK(weft__hub_user_find("", &user) < 0 && errno == ENOENT);
	CHECK(weft__hub_user_find("0:0", &user) == 0 && user.uid == 0 && user.gid == 0);
	CHECK_STR(user.name, "root");
}

CHECK_CASE(memory_is_not_dumped)
{
	struct rlimit limit;

	CHECK(weft__hub_confine_dumps() == 0);
	CHECK_INT(prctl(PR_GET_DUMPABLE, 0, 0, 0, 0), ==, 0);
	CHECK(getrlimit(RLIMIT_CORE, &limit) == 0 && limit.rlim_max == 0);
}

CHECK_MAIN()
