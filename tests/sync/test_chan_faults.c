/*
 * test_chan_faults.c - memory is refused to a channel: a defined error, and nothing lost.
 *
 * The program's own malloc stands before the C library's. Not in sanitized builds, whose
 * allocators stand there already.
 */
#include "fiber/sanitize.h"

#include "check.h"
#include "weft/chan.h"

#if !defined(WEFT_ASAN) && !defined(WEFT_TSAN)

static int countdown, in_use; /* countdown 0: nothing is refused */

static bool is_refused(void)
{
	return countdown > 0 && --countdown == 0;
}

void *__libc_malloc(size_t size);
void *__libc_realloc(void *old, size_t size);
void __libc_free(void *memory);

/* Visible, or the linker would leave the C library its own. */
#define IN_FRONT __attribute__((visibility("default")))

IN_FRONT void *malloc(size_t size)
{
	void *memory = is_refused() ? NULL : __libc_malloc(size);

	in_use += memory != NULL;
	if (!memory)
		errno = ENOMEM;
	return memory;
}

IN_FRONT void *reallocarray(void *old, size_t count, size_t size)
{
	void *memory = is_refused() ? NULL : __libc_realloc(old, count * size);

	in_use += memory != NULL && !old;
	if (!memory)
		errno = ENOMEM;
	return memory;
}

IN_FRONT void free(void *memory)
{
	in_use -= memory != NULL;
	__libc_free(memory);
}

CHECK_CASE(a_channel_is_whole_or_not_there)
{
	struct weft_chan *chan = NULL;
	int before = in_use, tries = 0;

	while (!chan) {
		countdown = ++tries;
		errno = 0;
		chan = weft_chan_new(16, 8, "faults");
		countdown = 0;
		if (!chan) {
			CHECK_INT(errno, ==, ENOMEM);
			CHECK_INT(in_use, ==, before);
		}
	}
	CHECK_INT(tries, ==, 3); /* the channel, its items; the third is not asked for */
	weft_chan_free(chan);
	CHECK_INT(in_use, ==, before);
}

#else

CHECK_CASE(faults_are_met_in_the_release_build_only)
{
}

#endif

CHECK_MAIN()
