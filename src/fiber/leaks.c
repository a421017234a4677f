/*
 * leaks.c - what a run leaves behind, told at its end when that was asked for
 * (weft_run_options.report_leaks).
 *
 * A descriptor knows in which run it was made: in the upper half of its traits (fds.h).
 *
 * Must never: close or free anything. It may be meant to outlive the run.
 */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "fiber/driver/fds.h"
#include "fiber/dump.h"
#include "fiber/runtime.h"

static size_t fibers_print(const struct weft__fiber *first, FILE *out)
{
	size_t count = 0;

	for (uint32_t slot = 0; slot < weft__slot_count(); slot++) {
		struct weft__fiber *fiber = weft__slot_at(slot);

		if (!(atomic_load(&fiber->control) & WEFT__ENDED) || fiber == first)
			continue; /* weft_run() itself waited for the first one */
		fputs("\tfiber ", out);
		weft__fiber_describe(fiber, out);
		fputs(" was neither joined nor detached\n", out);
		count++;
	}
	return count;
}

static size_t descriptors_print(FILE *out)
{
	size_t count = 0;

	for (int fd = weft__fd_next_of_run(-1); fd >= 0; fd = weft__fd_next_of_run(fd)) {
		fputs("\t", out);
		weft__descriptor_describe(fd, out);
		fputs(" was not closed by weft_close()\n", out);
		count++;
	}
	return count;
}

void weft__leaks_report(const struct weft__runtime *runtime)
{
	char *text = NULL;
	size_t len, count;
	FILE *out = open_memstream(&text, &len);

	if (!out)
		return;
	fputs("weft: left behind by weft_run():\n", out);
	count = fibers_print(runtime->main_fiber, out) + descriptors_print(out);
	if (fclose(out) == 0 && count > 0 && write(STDERR_FILENO, text, len) < 0)
		errno = 0; /* nobody reads it */
	free(text);
}
