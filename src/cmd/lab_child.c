/*
 * lab_child.c - the processes that `weft lab` starts: servers and loads, of its own executable.
 *
 * Entry points: weft__lab_child_start(), _line(), _stop(); weft__lab_pause().
 *
 * A child is in a process group of its own, so that a Ctrl-C reaches the lab alone, which
 * then stops each child by its pid, in order; it is told to end when the lab is gone.
 * Never: a child that outlives the lab, or a signal to a process that the lab did not start.
 */
#include "lab.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "weft/api.h"

/** For a server to end after SIGTERM. */
#define STOP_PATIENCE_NS WEFT_SECONDS(3)

/** How often it is looked whether it has. */
#define STOP_TRY_NS WEFT_MILLISECONDS(2)

#define EXIT_CANNOT_START 127

/* ---- Signals ------------------------------------------------------------------------- */

int weft__lab_signals_init(struct lab *lab)
{
	sigset_t signals;

	sigemptyset(&signals);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGHUP);
	if (sigprocmask(SIG_BLOCK, &signals, NULL) < 0)
		return -1;
	lab->signal_fd = signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
	return lab->signal_fd < 0 ? -1 : 0;
}

/* Wait until one of the two is readable, or the time is over. True: the child's is. */
static bool wait_for(struct lab *lab, const struct lab_child *child, int64_t duration_ns)
{
	struct pollfd fds[] = {{.fd = lab->signal_fd, .events = POLLIN},
		{.fd = child ? child->out_fd : -1, .events = POLLIN}};
	struct timespec timeout = {
		.tv_sec = duration_ns / 1000000000, .tv_nsec = duration_ns % 1000000000};

	if (lab->is_stopped || duration_ns < 0 || ppoll(fds, 2, &timeout, NULL) <= 0)
		return false;
	if (fds[0].revents)
		lab->is_stopped = true;
	return fds[1].revents != 0;
}

void weft__lab_pause(struct lab *lab, const struct lab_child *child, int64_t duration_ns)
{
	wait_for(lab, child, duration_ns);
}

/* ---- Starting ------------------------------------------------------------------------ */

/* In the child. */
__attribute__((noreturn)) static void become(
	const struct lab_words *words, const cpu_set_t *cpus, int out_fd, int error_fd)
{
	sigset_t none;
	int null_fd = open("/dev/null", O_RDONLY);

	setpgid(0, 0);
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	sched_setaffinity(0, sizeof(*cpus), cpus);
	if (dup2(null_fd, STDIN_FILENO) < 0 || dup2(out_fd, STDOUT_FILENO) < 0 ||
		dup2(error_fd, STDERR_FILENO) < 0)
		_exit(EXIT_CANNOT_START);
	execv("/proc/self/exe", (char *const *)words->words);
	_exit(EXIT_CANNOT_START);
}

int weft__lab_child_start(
	struct lab_child *child, const struct lab_words *words, const cpu_set_t *cpus)
{
	int out[2], code;

	*child = (struct lab_child){.pid = 0, .out_fd = -1, .error_fd = -1};
	if (pipe2(out, O_CLOEXEC) < 0)
		return -1;
	child->out_fd = out[0];
	/* Memory, not a pipe: whoever complains a lot is not held up, and nobody needs to read. */
	child->error_fd = memfd_create("weft-lab-complaints", MFD_CLOEXEC);
	if (child->error_fd >= 0) {
		fflush(NULL);
		child->pid = fork();
		if (child->pid == 0)
			become(words, cpus, out[1], child->error_fd);
	}
	code = errno;
	close(out[1]);
	if (child->error_fd >= 0 && child->pid > 0)
		return 0;
	close(child->out_fd);
	if (child->error_fd >= 0)
		close(child->error_fd);
	*child = (struct lab_child){.pid = 0, .out_fd = -1, .error_fd = -1};
	errno = code;
	return -1;
}

/* ---- What it says -------------------------------------------------------------------- */

bool weft__lab_child_line(
	struct lab *lab, struct lab_child *child, char line[static 4096], int64_t timeout_ns)
{
	int64_t end_ns = weft__lab_now() + timeout_ns;
	size_t len = 0;
	ssize_t count;

	while (len < 4095) {
		char *newline;

		/* At the end of the pipe it is readable, too. */
		if (!wait_for(lab, child, end_ns - weft__lab_now()))
			return false;
		count = read(child->out_fd, line + len, 4095 - len);
		if (count <= 0)
			return false;
		len += (size_t)count;
		line[len] = '\0';
		newline = memchr(line, '\n', len);
		if (newline) {
			*newline = '\0';
			return true;
		}
	}
	return false;
}

bool weft__lab_child_is_over(const struct lab_child *child)
{
	siginfo_t info = {.si_pid = 0};

	return waitid(P_PID, (id_t)child->pid, &info, WEXITED | WNOHANG | WNOWAIT) == 0 &&
	       info.si_pid == child->pid;
}

void weft__lab_child_complaint(const struct lab_child *child, char text[static LAB_TEXT_MAX])
{
	char all[1024], *line = all;
	ssize_t len = pread(child->error_fd, all, sizeof(all) - 1, 0);

	all[len > 0 ? len : 0] = '\0';
	line[strcspn(line, "\n")] = '\0';
	if (strncmp(line, "weft ", 5) == 0)
		line += 5;
	snprintf(text, LAB_TEXT_MAX, "%.*s", LAB_TEXT_MAX - 1, line);
}

/* ---- Stopping ------------------------------------------------------------------------ */

/* Whether it is reaped now. */
static bool reap(const struct lab_child *child, int64_t patience_ns)
{
	int64_t end_ns = weft__lab_now() + patience_ns;
	struct timespec pause = {.tv_nsec = STOP_TRY_NS};

	for (;;) {
		pid_t pid = waitpid(child->pid, NULL, WNOHANG);

		if (pid == child->pid)
			return true;
		if ((pid < 0 && errno != EINTR) || weft__lab_now() > end_ns)
			return false;
		/* Also while the run is being stopped: no wait that a signal cuts short. */
		nanosleep(&pause, NULL);
	}
}

/* It has had its time. Its own children go with it: they are found before it is gone. */
static void kill_tree(const struct lab_child *child)
{
	pid_t *pids = malloc(LAB_TREE_MAX * sizeof(*pids));
	unsigned count = pids ? weft__lab_tree(child->pid, pids) : 0;

	kill(child->pid, SIGKILL);
	for (unsigned i = 0; i < count; i++)
		kill(pids[i], SIGKILL);
	free(pids);
	reap(child, STOP_PATIENCE_NS);
}

void weft__lab_child_stop(struct lab_child *child)
{
	if (child->pid <= 0)
		return;
	kill(child->pid, SIGTERM);
	if (!reap(child, STOP_PATIENCE_NS))
		kill_tree(child);
	close(child->out_fd);
	close(child->error_fd);
	*child = (struct lab_child){.pid = 0, .out_fd = -1, .error_fd = -1};
}
