/*
 * ipc_min.c - messages of 64 bytes between processes, as the kernel passes them, and as Python
 *does.
 *
 *	ipc_min pipe|socketpair|mq|python	messages a second: one to one, and four to four
 *	ipc_min trip	there and back by a futex, and by pipes, both twice: in ns
 *	ipc_min pass	a byte there and back over pipes, and 1 MiB through one: in ns
 */
#include <fcntl.h>
#include <linux/futex.h>
#include <mqueue.h>
#include <stdatomic.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "timed.h"

#define MESSAGES     400000
#define MESSAGE_SIZE 64
#define TRIPS        20000
#define BLOCKS       500
#define BLOCK_SIZE   (1 << 20)

static void fail(const char *what)
{
	perror(what);
	exit(1);
}

/* ---- Kinds ---------------------------------------------------------------------------- */

struct way {
	int in, out;
	int is_mq;
};

static void way_open(struct way *way, const char *kind)
{
	int fds[2];

	way->is_mq = strcmp(kind, "mq") == 0;
	if (way->is_mq) {
		struct mq_attr attr = {.mq_maxmsg = 10, .mq_msgsize = MESSAGE_SIZE};
		char name[40];

		snprintf(name, sizeof name, "/ipc_min-%d", (int)getpid());
		way->in = way->out = mq_open(name, O_RDWR | O_CREAT | O_EXCL, 0600, &attr);
		mq_unlink(name);
	} else if (strcmp(kind, "pipe") == 0) {
		if (pipe(fds) < 0)
			fail("pipe");
		way->in = fds[1];
		way->out = fds[0];
	} else {
		if (socketpair(AF_UNIX, SOCK_SEQPACKET, 0, fds) < 0)
			fail("socketpair");
		way->in = fds[1];
		way->out = fds[0];
	}
	if (way->in < 0)
		fail(kind);
}

static void put_all(const struct way *way, int count)
{
	char message[MESSAGE_SIZE] = "";

	for (int i = 0; i < count; i++) {
		ssize_t put = way->is_mq ? mq_send(way->in, message, sizeof message, 0)
					 : write(way->in, message, sizeof message);

		if (put < 0)
			fail("put");
	}
}

static void get_all(const struct way *way, int count)
{
	char message[MESSAGE_SIZE];

	for (int i = 0; i < count; i++) {
		ssize_t got = way->is_mq ? mq_receive(way->out, message, sizeof message, NULL)
					 : read(way->out, message, sizeof message);

		if (got != MESSAGE_SIZE)
			fail("get");
	}
}

static double rate(const char *kind, int pairs)
{
	struct way way;
	int64_t start;

	way_open(&way, kind);
	start = limit_now();
	for (int i = 0; i < 2 * pairs; i++) {
		pid_t pid = fork();

		if (pid < 0)
			fail("fork");
		if (pid > 0)
			continue;
		if (i % 2)
			put_all(&way, MESSAGES / pairs);
		else
			get_all(&way, MESSAGES / pairs);
		_exit(0);
	}
	for (int i = 0; i < 2 * pairs; i++)
		wait(NULL);
	start = limit_now() - start;
	close(way.in);
	if (!way.is_mq)
		close(way.out);
	return MESSAGES * 1e9 / (double)start;
}

/* ---- Python ----------------------------------------------------------------------------- */

static const char script[] = "import multiprocessing as m, time\n"
			     "def put(q, n):\n"
			     "    for i in range(n): q.put(b'x' * 64)\n"
			     "def get(q, n):\n"
			     "    for i in range(n): q.get()\n"
			     "def rate(pairs):\n"
			     "    n, q = 20000, m.Queue()\n"
			     "    all = [m.Process(target=f, args=(q, n // pairs))\n"
			     "        for f in (put, get) for i in range(pairs)]\n"
			     "    start = time.monotonic()\n"
			     "    for p in all: p.start()\n"
			     "    for p in all: p.join()\n"
			     "    return n / (time.monotonic() - start)\n"
			     "print(rate(1), rate(4))\n";

/* ---- There and back ---------------------------------------------------------------------- */

static void read_whole(int fd, char *buffer, size_t size)
{
	for (size_t done = 0; done < size;) {
		ssize_t got = read(fd, buffer + done, size - done);

		if (got <= 0)
			fail("read");
		done += (size_t)got;
	}
}

/* count times size bytes there, and one back. In ns for each. */
static double pass(size_t size, int count)
{
	char *block = calloc(1, size);
	int there[2], back[2];
	int64_t start;
	pid_t pid;

	if (!block || pipe(there) < 0 || pipe(back) < 0)
		fail("pass");
	pid = fork();
	if (pid == 0) {
		for (int i = 0; i < count; i++) {
			read_whole(there[0], block, size);
			if (write(back[1], block, 1) < 0)
				fail("write");
		}
		_exit(0);
	}
	start = limit_now();
	for (int i = 0; i < count; i++) {
		if (write(there[1], block, size) < 0)
			fail("write");
		read_whole(back[0], block, 1);
	}
	start = limit_now() - start;
	wait(NULL);
	free(block);
	return (double)start / count;
}

/* ---- By a word -------------------------------------------------------------------------- */

static void word_set(_Atomic uint32_t *word)
{
	atomic_store(word, 1);
	syscall(SYS_futex, word, FUTEX_WAKE, 1, NULL, NULL, 0);
}

static void word_take(_Atomic uint32_t *word)
{
	while (!atomic_exchange(word, 0))
		syscall(SYS_futex, word, FUTEX_WAIT, 0, NULL, NULL, 0);
}

/* By two words, each on a line of its own. */
static double futex_trip(int count)
{
	_Atomic uint32_t *words =
		mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	_Atomic uint32_t *there = words, *back = words + 64;
	int64_t start;

	if (words == MAP_FAILED)
		fail("mmap");
	if (fork() == 0) {
		for (int i = 0; i < count; i++) {
			word_take(there);
			word_set(back);
		}
		_exit(0);
	}
	start = limit_now();
	for (int i = 0; i < count; i++) {
		word_set(there);
		word_take(back);
	}
	start = limit_now() - start;
	wait(NULL);
	munmap(words, 4096);
	return (double)start / count;
}

int main(int argc, char **argv)
{
	const char *kind = argc > 1 ? argv[1] : "pipe";

	if (strcmp(kind, "pass") == 0) {
		printf("%.1f %.1f\n", pass(1, TRIPS), pass(BLOCK_SIZE, BLOCKS));
		return 0;
	}
	if (strcmp(kind, "trip") == 0) {
		double word = futex_trip(TRIPS), byte = pass(1, TRIPS);

		printf("%.1f %.1f %.1f %.1f\n", word, byte, word, byte);
		return 0;
	}
	if (strcmp(kind, "python") == 0) {
		execlp("python3", "python3", "-c", script, NULL);
		fail("python3");
	}
	printf("%.1f %.1f\n", rate(kind, 1), rate(kind, 4));
	return 0;
}
