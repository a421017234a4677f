/*
 * program.c - start the contenders: programs that time themselves, and servers.
 *
 * Entry points: program_time(), program_output(), server_start(), server_stop(),
 * server_free_port(). Never: a program that outlives weft-bench (the kernel kills it with its
 * parent).
 */
#include "bench.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define OUTPUT_MAX        PROGRAM_OUTPUT_MAX
#define START_TRIES       1000
#define STOP_TRIES        400
#define TRY_INTERVAL_NS   (5 * 1000 * 1000)
#define EXIT_CANNOT_START 127

static void pause_briefly(void)
{
	struct timespec interval = {.tv_nsec = TRY_INTERVAL_NS};

	nanosleep(&interval, NULL);
}

/* In the child: its CPUs, its output, its end with ours. */
static void become(const struct program *program, int output_fd)
{
	char *const *argv = (char *const *)program->argv;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (program->cpus != NULL)
		sched_setaffinity(0, sizeof(*program->cpus), program->cpus);
	dup2(output_fd, STDOUT_FILENO);
	execvp(argv[0], argv);
	fprintf(stderr, "weft-bench: %s: %s\n", argv[0], strerror(errno));
	_exit(EXIT_CANNOT_START);
}

/*
 * The output goes to memory, not to a pipe: a server that logs each request could
 * fill a pipe and stop, and a reader of it would take CPU from the client.
 */
static pid_t start(const struct program *program, int *ret_output_fd)
{
	int output_fd = memfd_create("weft-bench-output", MFD_CLOEXEC);
	pid_t pid;

	if (output_fd < 0)
		return -1;
	fflush(NULL);
	pid = fork();
	if (pid == 0)
		become(program, output_fd);
	if (pid < 0) {
		close(output_fd);
		return -1;
	}
	*ret_output_fd = output_fd;
	return pid;
}

static void read_output(int fd, char output[OUTPUT_MAX])
{
	ssize_t len = pread(fd, output, OUTPUT_MAX - 1, 0);

	output[len > 0 ? len : 0] = '\0';
}

int program_output(const struct program *program, char ret_output[PROGRAM_OUTPUT_MAX])
{
	int fd, status;
	pid_t pid = start(program, &fd);

	if (pid < 0)
		return -1;
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	read_output(fd, ret_output);
	close(fd);
	return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : -1;
}

int program_time(const struct program *program, double *ret_numbers, size_t count)
{
	char output[OUTPUT_MAX], *at = output, *end;

	if (program_output(program, output) < 0)
		return -1;
	for (size_t i = 0; i < count; i++, at = end) {
		ret_numbers[i] = strtod(at, &end);
		if (end == at)
			return -1;
	}
	return 0;
}

/* A port alone on a complete line, or in http://HOST:PORT/; 0 when there is none yet. */
static uint16_t find_port(const char *output)
{
	const char *url = strstr(output, "http://"), *colon;
	char *end;
	unsigned long port;

	if (url != NULL) {
		size_t host_len = strcspn(url + 7, "/ \n");

		colon = memrchr(url + 7, ':', host_len);
		port = colon != NULL ? strtoul(colon + 1, &end, 10) : 0;
		return colon != NULL && *end != '\0' && port <= UINT16_MAX ? (uint16_t)port : 0;
	}
	port = strtoul(output, &end, 10);
	return end != output && *end == '\n' && port <= UINT16_MAX ? (uint16_t)port : 0;
}

static bool can_connect(uint16_t port)
{
	struct sockaddr_in address = {.sin_family = AF_INET,
		.sin_port = htons(port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bool is_connected =
		fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0;

	if (fd >= 0)
		close(fd);
	return is_connected;
}

uint16_t server_free_port(void)
{
	struct sockaddr_in address = {
		.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(address);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return 0;
	if (bind(fd, (struct sockaddr *)&address, len) < 0 ||
		getsockname(fd, (struct sockaddr *)&address, &len) < 0)
		address.sin_port = 0;
	close(fd);
	return ntohs(address.sin_port);
}

int server_start(struct server *server, const struct program *program, uint16_t port)
{
	char output[OUTPUT_MAX];

	server->pid = start(program, &server->output_fd);
	if (server->pid < 0)
		return -1;
	for (int i = 0; i < START_TRIES; i++) {
		read_output(server->output_fd, output);
		server->port = port ? port : find_port(output);
		if (server->port != 0 && can_connect(server->port)) {
			if (clock_getcpuclockid(server->pid, &server->cpu_clock) == 0)
				return 0;
			break;
		}
		if (waitpid(server->pid, NULL, WNOHANG) == server->pid) {
			server->pid = -1;
			break;
		}
		pause_briefly();
	}
	server_stop(server);
	return -1;
}

void server_stop(struct server *server)
{
	close(server->output_fd);
	if (server->pid <= 0)
		return;
	kill(server->pid, SIGTERM);
	for (int i = 0; i < STOP_TRIES; i++) {
		if (waitpid(server->pid, NULL, WNOHANG) == server->pid)
			return;
		pause_briefly();
	}
	kill(server->pid, SIGKILL);
	waitpid(server->pid, NULL, 0);
}
