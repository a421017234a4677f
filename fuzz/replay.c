/*
 * replay.c - runs a fuzz target over the inputs that are kept, without libFuzzer.
 *
 * Entry point: main. Linked with one fuzz/fuzz_NAME.c, it gives LLVMFuzzerTestOneInput
 * the empty input, then every file of fuzz/corpus/NAME and of fuzz/regressions/NAME,
 * and prints TAP: a case per folder, naming the inputs that crash or hang. NAME comes
 * from the program's own name. With arguments, it runs just those files, unforked
 * (for a debugger).
 *
 * Each input has a process and an alarm of its own. Never: a search for new inputs.
 */
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define INPUT_SIZE_MAX  (1 << 20)
#define INPUT_TIMEOUT_S 20

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

/* In a block of its own size, so that a sanitizer sees a read past the end. */
static void run_input(const uint8_t *data, size_t len)
{
	uint8_t *copy = malloc(len ? len : 1);

	if (!copy)
		exit(1);
	memcpy(copy, data, len);
	LLVMFuzzerTestOneInput(copy, len);
	free(copy);
}

static void run_file(const char *path)
{
	static uint8_t input[INPUT_SIZE_MAX];
	FILE *file = fopen(path, "rb");
	size_t len;

	if (!file) {
		printf("# %s: %s\n", path, strerror(errno));
		exit(1);
	}
	len = fread(input, 1, sizeof(input), file);
	fclose(file);
	run_input(input, len);
}

/* A NULL path is the empty input. */
static bool survives(const char *path)
{
	int status = 0;
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		alarm(INPUT_TIMEOUT_S);
		if (path)
			run_file(path);
		else
			run_input((const uint8_t *)"", 0);
		exit(0);
	}
	while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return pid > 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static int is_visible(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

static bool run_folder(int number, const char *folder)
{
	struct dirent **entries;
	int count = scandir(folder, &entries, is_visible, alphasort);
	int failed = 0;

	for (int i = 0; i < count; i++) {
		char path[PATH_MAX + NAME_MAX + 1];

		snprintf(path, sizeof(path), "%s/%s", folder, entries[i]->d_name);
		if (!survives(path)) {
			printf("# fails on %s\n", path);
			failed++;
		}
		free(entries[i]);
	}
	free(entries);
	printf("%s %d - %s: %d inputs\n", failed ? "not ok" : "ok", number, folder, count);
	return failed == 0;
}

int main(int argc, char **argv)
{
	const char *base = strrchr(argv[0], '/');
	const char *name = base ? base + 1 : argv[0];
	char corpus[PATH_MAX], regressions[PATH_MAX];
	bool has_corpus, has_regressions, passed;

	if (strncmp(name, "fuzz_", 5) == 0)
		name += 5;
	for (int i = 1; i < argc; i++)
		run_file(argv[i]);
	if (argc > 1)
		return 0;
	snprintf(corpus, sizeof(corpus), "fuzz/corpus/%s", name);
	snprintf(regressions, sizeof(regressions), "fuzz/regressions/%s", name);
	has_corpus = access(corpus, R_OK | X_OK) == 0;
	has_regressions = access(regressions, R_OK | X_OK) == 0;
	printf("1..%d\n", 1 + has_corpus + has_regressions);
	passed = survives(NULL);
	printf("%s 1 - %s: the empty input\n", passed ? "ok" : "not ok", name);
	if (has_corpus)
		passed &= run_folder(2, corpus);
	if (has_regressions)
		passed &= run_folder(2 + has_corpus, regressions);
	return passed ? 0 : 1;
}
