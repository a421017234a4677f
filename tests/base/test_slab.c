/*
 * test_slab.c - tests src/base/slab.c: objects of one size.
 */
#include "check.h"

#include <sys/mman.h>

#include "base/slab.h"

#define SIZE  1000
#define COUNT 1000

CHECK_CASE(objects_are_apart_from_each_other)
{
	static unsigned char *objects[COUNT];
	struct weft__slab slab;

	weft__slab_init(&slab, SIZE);
	for (int round = 0; round < 3; round++) {
		for (size_t i = 0; i < COUNT; i++) {
			objects[i] = weft__slab_take(&slab);
			CHECK(objects[i] != NULL && (uintptr_t)objects[i] % 16 == 0);
			memset(objects[i], (int)(i & 255), SIZE);
		}
		for (size_t i = 0; i < COUNT; i++)
			for (size_t at = 0; at < SIZE; at += SIZE - 1)
				CHECK_INT(objects[i][at], ==, i & 255);
		/* Forwards, backwards, and every other one first. */
		for (size_t i = 0; i < COUNT; i++)
			weft__slab_give(&slab, objects[round == 0      ? i
						       : round == 1    ? COUNT - 1 - i
						       : i < COUNT / 2 ? 2 * i
								       : 2 * (i - COUNT / 2) + 1]);
		CHECK_INT(slab.empty_count, ==, 1);
	}
	weft__slab_fini(&slab);
}

CHECK_CASE(a_block_that_is_empty_goes_back)
{
	static void *objects[COUNT];
	struct weft__slab slab;
	unsigned char resident;
	void *block;

	weft__slab_init(&slab, SIZE);
	for (size_t i = 0; i < COUNT; i++)
		objects[i] = weft__slab_take(&slab);
	block = (void *)((uintptr_t)objects[0] & ~(uintptr_t)(WEFT__SLAB_BLOCK - 1));
	CHECK_INT(mincore(block, 4096, &resident), ==, 0);
	for (size_t i = COUNT; i-- > 1;)
		weft__slab_give(&slab, objects[i]);
	CHECK_INT(mincore(block, 4096, &resident), ==, 0); /* one is still in it */
	CHECK_INT(slab.empty_count, ==, 1);
	weft__slab_give(&slab, objects[0]);
	CHECK_INT(slab.empty_count, ==, 1);
	CHECK_ERRNO(mincore(block, 4096, &resident), ENOMEM); /* not mapped any more */
	weft__slab_fini(&slab);
	CHECK_INT(slab.empty_count, ==, 0);
}

CHECK_CASE(one_that_comes_and_goes_costs_no_system_call)
{
	struct weft__slab slab;
	void *first, *again;

	weft__slab_init(&slab, SIZE);
	first = weft__slab_take(&slab);
	weft__slab_give(&slab, first);
	again = weft__slab_take(&slab);
	CHECK(again == first);
	weft__slab_give(&slab, again);
	weft__slab_fini(&slab);
}

CHECK_MAIN()
