/*
 * spawn_min.c - /bin/true started by posix_spawn(3) and waited for, and a bare fork(2) that ends at
 * once; each from a small parent, and from one that has touched 1 GiB.
 *
 * What it costs parent and child in CPU time: how long it takes depends on who else runs.
 *
 *	spawn_min	in us: program, program of a big parent, fork, fork of a big parent
 *	spawn_min python	the same by subprocess and os.fork()
 */
#include <spawn.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "timed.h"

#define STARTS   100
#define BIG_SIZE ((size_t)1 << 30)
#define BIG_PART 12 /* of a big parent, so many times fewer forks */

static void spawn_program(void)
{
	char *words[] = {"/bin/true", NULL};
	pid_t pid;

	if (posix_spawn(&pid, words[0], NULL, NULL, words, environ) != 0 ||
		waitpid(pid, NULL, 0) < 0)
		exit(1);
}

static void spawn_function(void)
{
	pid_t pid = fork();

	if (pid == 0)
		_exit(0);
	if (waitpid(pid, NULL, 0) < 0)
		exit(1);
}

static double measure(void (*start)(void), int count)
{
	int64_t began;

	start();
	began = limit_cpu_of_all();
	for (int i = 0; i < count; i++)
		start();
	return (double)(limit_cpu_of_all() - began) / count / 1000;
}

static const char script[] =
	"import mmap, os, resource, subprocess\n"
	"def cpu():\n"
	"    mine, theirs = (resource.getrusage(who) for who in (0, -1))\n"
	"    return mine.ru_utime + mine.ru_stime + theirs.ru_utime + theirs.ru_stime\n"
	"def program():\n"
	"    subprocess.run(['/bin/true'])\n"
	"def function():\n"
	"    pid = os.fork()\n"
	"    if pid == 0:\n"
	"        os._exit(0)\n"
	"    os.waitpid(pid, 0)\n"
	"def measure(start, count):\n"
	"    start()\n"
	"    began = cpu()\n"
	"    for _ in range(count):\n"
	"        start()\n"
	"    return (cpu() - began) / count * 1e6\n"
	"small = measure(program, 100), measure(function, 100)\n"
	"big = mmap.mmap(-1, 1 << 30, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)\n"
	"big.madvise(mmap.MADV_NOHUGEPAGE)\n"
	"for page in range(0, 1 << 30, 4096):\n"
	"    big[page] = 1\n"
	"print(small[0], measure(program, 100), small[1], measure(function, 8))\n";

int main(int argc, char **argv)
{
	double program, function;
	char *big;

	if (argc > 1 && strcmp(argv[1], "python") == 0) {
		execlp("python3", "python3", "-c", script, NULL);
		return 1;
	}
	program = measure(spawn_program, STARTS);
	function = measure(spawn_function, STARTS);
	big = mmap(NULL, BIG_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (big == MAP_FAILED)
		return 1;
	madvise(big, BIG_SIZE, MADV_NOHUGEPAGE);
	memset(big, 1, BIG_SIZE);
	printf("%.1f %.1f %.1f %.1f\n", program, measure(spawn_program, STARTS), function,
		measure(spawn_function, STARTS / BIG_PART));
	return 0;
}
