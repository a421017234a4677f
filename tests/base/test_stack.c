/* test_stack.c - weft/stack.h: last in, first out, within its bound. */
#include "weft/stack.h"

#include "base/hostile.h"
#include "base/prng.h"

#define LEN_MAX 100

CHECK_CASE(an_empty_stack_gives_nothing)
{
	struct weft_stack stack;
	int item = 7;

	weft_stack_init(&stack, sizeof(int), 10);
	CHECK_INT(weft_stack_len(&stack), ==, 0);
	CHECK(weft_stack_top(&stack) == NULL);
	CHECK(!weft_stack_pop(&stack, &item));
	CHECK(!weft_stack_pop(&stack, NULL));
	CHECK_INT(item, ==, 7);
	weft_stack_fini(&stack);
}

CHECK_CASE(a_stack_takes_its_bound_and_not_an_item_more)
{
	struct weft_stack stack;
	char item = 'a';

	for (size_t bound = 0; bound < 20; bound++) {
		weft_stack_init(&stack, 1, bound);
		for (size_t i = 0; i < bound; i++)
			CHECK_INT(weft_stack_push(&stack, &item), ==, 0);
		CHECK_ERRNO(weft_stack_push(&stack, &item), ENOBUFS);
		CHECK_INT(weft_stack_len(&stack), ==, bound);
		weft_stack_fini(&stack);
		CHECK_INT(weft_stack_len(&stack), ==, 0);
	}
}

CHECK_CASE(an_item_size_that_overflows_is_out_of_memory)
{
	struct weft_stack stack;

	weft_stack_init(&stack, SIZE_MAX / 2, SIZE_MAX);
	CHECK_ERRNO(weft_stack_push(&stack, "x"), ENOMEM);
	CHECK(weft_stack_top(&stack) == NULL);
	CHECK_DIES(weft_stack_init(&stack, 0, 1));
}

CHECK_CASE(pointers_come_back_in_reverse_order)
{
	struct weft_stack stack;
	int things[3];
	int *pointer;

	weft_stack_init(&stack, sizeof(pointer), 3);
	for (int i = 0; i < 3; i++) {
		pointer = &things[i];
		CHECK_INT(weft_stack_push(&stack, &pointer), ==, 0);
		CHECK(*(int **)weft_stack_top(&stack) == pointer);
	}
	for (int i = 2; i >= 0; i--) {
		CHECK(weft_stack_pop(&stack, &pointer));
		CHECK(pointer == &things[i]);
	}
	weft_stack_fini(&stack);
}

CHECK_CASE(any_sequence_of_calls_does_what_an_array_does)
{
	struct prng prng = {8};
	struct weft_stack stack;
	uint64_t model[LEN_MAX], item;
	size_t len = 0;

	weft_stack_init(&stack, sizeof(item), LEN_MAX);
	for (unsigned round = 0; round < check_rounds(50000); round++) {
		bool is_pushing = prng_below(&prng, 64) < (round / 500 % 2 ? 20 : 44);

		if (is_pushing) {
			item = prng_next(&prng);
			CHECK_INT(weft_stack_push(&stack, &item), ==, len < LEN_MAX ? 0 : -1);
			if (len < LEN_MAX)
				model[len++] = item;
		} else {
			CHECK_INT(weft_stack_pop(&stack, &item), ==, len > 0);
			if (len > 0)
				CHECK(item == model[--len]);
		}
		CHECK_INT(weft_stack_len(&stack), ==, len);
		CHECK(len == 0 || *(uint64_t *)weft_stack_top(&stack) == model[len - 1]);
	}
	weft_stack_fini(&stack);
}

CHECK_MAIN()
