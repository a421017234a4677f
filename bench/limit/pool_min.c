/*
 * pool_min.c - yardstick: the least that work for other processes costs.
 *
 *	pool_min		two workers at a socketpair each; tasks are sent ahead, so that each
 *				worker has some, and replies are read by poll(2): tasks a second.
 *				Then the same numbers in messages of 512: items a second.
 *	pool_min python		multiprocessing.Pool: apply_async(), then map()
 *
 * A task is 8 bytes, and so is its result.
 */
#include "timed.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define TASKS   100000
#define ITEMS   2000000
#define WORKERS 2
#define AHEAD   3
#define CHUNK   512

static void fail(const char *what)
{
	perror(what);
	exit(1);
}

static void work(int fd)
{
	double numbers[CHUNK];
	ssize_t len;

	while ((len = read(fd, numbers, sizeof numbers)) > 0) {
		for (size_t i = 0; i < (size_t)len / sizeof *numbers; i++)
			numbers[i] *= numbers[i];
		if (write(fd, numbers, (size_t)len) != len)
			fail("write");
	}
	_exit(0);
}

static void start(struct pollfd workers[WORKERS])
{
	for (int i = 0; i < WORKERS; i++) {
		int fds[2];

		if (socketpair(AF_UNIX, SOCK_SEQPACKET, 0, fds) < 0)
			fail("socketpair");
		if (fork() == 0) {
			for (int k = 0; k < i; k++)
				close(workers[k].fd);
			close(fds[0]);
			work(fds[1]);
		}
		close(fds[1]);
		workers[i] = (struct pollfd){.fd = fds[0], .events = POLLIN};
	}
}

static double rate(int count, size_t chunk)
{
	struct pollfd workers[WORKERS];
	double numbers[CHUNK] = {0};
	int given[WORKERS] = {0}, sent = 0, done = 0, messages = count / (int)chunk;
	int64_t begun;

	start(workers);
	begun = limit_now();
	while (done < messages) {
		for (int i = 0; i < WORKERS; i++)
			for (; given[i] < AHEAD && sent < messages; given[i]++, sent++)
				if (write(workers[i].fd, numbers, chunk * sizeof *numbers) < 0)
					fail("write");
		if (poll(workers, WORKERS, -1) < 0)
			fail("poll");
		for (int i = 0; i < WORKERS; i++) {
			while (given[i] > 0 &&
				recv(workers[i].fd, numbers, sizeof numbers, MSG_DONTWAIT) > 0) {
				given[i]--;
				done++;
			}
		}
	}
	begun = limit_now() - begun;
	for (int i = 0; i < WORKERS; i++)
		close(workers[i].fd);
	while (wait(NULL) > 0)
		;
	return count * 1e9 / (double)begun;
}

static const char script[] =
	"import multiprocessing as m, time\n"
	"def square(x): return x * x\n"
	"with m.Pool(2) as pool:\n"
	"    pool.map(square, range(100))\n"
	"    start = time.monotonic()\n"
	"    for task in [pool.apply_async(square, (1.0,)) for i in range(20000)]: task.get()\n"
	"    tasks = 20000 / (time.monotonic() - start)\n"
	"    numbers = [float(i) for i in range(1000000)]\n"
	"    start = time.monotonic()\n"
	"    pool.map(square, numbers)\n"
	"    print(tasks, 1000000 / (time.monotonic() - start))\n";

int main(int argc, char **argv)
{
	(void)argv;
	if (argc > 1) {
		execlp("python3", "python3", "-c", script, NULL);
		fail("python3");
	}
	printf("%.1f %.1f\n", rate(TASKS, 1), rate(ITEMS, CHUNK));
	return 0;
}
