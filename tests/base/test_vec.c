/* test_vec.c - weft/vec.h against a plain array. */
#include "weft/vec.h"

#include "base/hostile.h"
#include "base/prng.h"

#define MODEL_MAX 200

CHECK_CASE(an_empty_vector_has_no_items)
{
	struct weft_vec vec;
	int item = 7;

	weft_vec_init(&vec, sizeof(int));
	CHECK_INT(weft_vec_len(&vec), ==, 0);
	CHECK(!weft_vec_pop(&vec, &item));
	CHECK_INT(item, ==, 7);
	weft_vec_truncate(&vec, 0);
	weft_vec_each (int, each, &vec)
		CHECK(each == NULL);
	CHECK_INT(weft_vec_reserve(&vec, 0), ==, 0);
	weft_vec_fini(&vec);
}

CHECK_CASE(an_index_out_of_range_is_caught)
{
	struct weft_vec vec;
	int item = 1;

	weft_vec_init(&vec, sizeof(int));
	CHECK_DIES(weft_vec_at(&vec, 0));
	CHECK_DIES(weft_vec_remove(&vec, 0));
	CHECK_INT(weft_vec_push(&vec, &item), ==, 0);
	CHECK_DIES(weft_vec_at(&vec, 1));
	CHECK_DIES(weft_vec_at(&vec, SIZE_MAX));
	CHECK_DIES((void)weft_vec_insert(&vec, 2, &item));
	CHECK_DIES(weft_vec_init(&vec, 0));
	weft_vec_fini(&vec);
}

CHECK_CASE(sizes_that_overflow_fail_and_change_nothing)
{
	static const struct {
		size_t item_size, capacity;
	} hostile[] = {
		{1, SIZE_MAX},
		{1, HOSTILE_SIZE},
		{2, SIZE_MAX / 2 + 1},
		{16, SIZE_MAX / 16 + 2},
		{SIZE_MAX, 2},
		{SIZE_MAX / 2 + 1, 2},
		{(size_t)1 << 32, (size_t)1 << 32},
	};
	struct weft_vec vec;

	for (size_t i = 0; i < sizeof(hostile) / sizeof(hostile[0]); i++) {
		weft_vec_init(&vec, hostile[i].item_size);
		CHECK_ERRNO(weft_vec_reserve(&vec, hostile[i].capacity), ENOMEM);
		CHECK(vec.items == NULL && vec.capacity == 0);
	}
	weft_vec_init(&vec, SIZE_MAX / 2);
	CHECK_ERRNO(weft_vec_push_slot(&vec), ENOMEM);
	CHECK_ERRNO(weft_vec_push(&vec, "x"), ENOMEM);
	CHECK_ERRNO(weft_vec_insert(&vec, 0, "x"), ENOMEM);
	CHECK_INT(weft_vec_len(&vec), ==, 0);
}

CHECK_CASE(a_failed_growth_keeps_the_items)
{
	struct weft_vec vec;
	int item = 42;

	weft_vec_init(&vec, sizeof(int));
	CHECK_INT(weft_vec_push(&vec, &item), ==, 0);
	CHECK_ERRNO(weft_vec_reserve(&vec, HOSTILE_SIZE), ENOMEM);
	CHECK_INT(weft_vec_len(&vec), ==, 1);
	CHECK_INT(*weft_vec_get(&vec, int, 0), ==, 42);
	weft_vec_fini(&vec);
}

CHECK_CASE(after_a_reserve_nothing_moves)
{
	struct weft_vec vec;
	int *first;

	weft_vec_init(&vec, sizeof(int));
	CHECK_INT(weft_vec_reserve(&vec, 1000), ==, 0);
	first = weft_vec_push_slot(&vec);
	for (int i = 1; i < 1000; i++)
		CHECK_INT(weft_vec_push(&vec, &i), ==, 0);
	CHECK(weft_vec_at(&vec, 0) == first);
	weft_vec_fini(&vec);
}

CHECK_CASE(items_of_odd_sizes_lie_next_to_each_other)
{
	struct weft_vec vec;
	char item[37];

	for (size_t size = 1; size <= sizeof(item); size++) {
		weft_vec_init(&vec, size);
		for (int i = 0; i < 50; i++) {
			memset(item, i, sizeof(item));
			CHECK_INT(weft_vec_push(&vec, item), ==, 0);
		}
		for (size_t i = 0; i < 50 * size; i++)
			CHECK_INT(((char *)vec.items)[i], ==, i / size);
		weft_vec_fini(&vec);
	}
}

/* ---- Against a model ---------------------------------------------------------- */

struct model {
	uint32_t items[MODEL_MAX + 1];
	size_t len;
};

static void check_same(const struct weft_vec *vec, const struct model *model)
{
	size_t i = 0;

	CHECK_INT(weft_vec_len(vec), ==, model->len);
	weft_vec_each (uint32_t, item, vec)
		CHECK_INT(*item, ==, model->items[i++]);
	CHECK_INT(i, ==, model->len);
}

static void add(struct weft_vec *vec, struct model *model, struct prng *prng)
{
	size_t index = prng_below(prng, 2) ? model->len : prng_below(prng, model->len + 1);
	uint32_t item = (uint32_t)prng_next(prng);

	if (index == model->len && prng_below(prng, 2))
		CHECK_INT(weft_vec_push(vec, &item), ==, 0);
	else
		CHECK_INT(weft_vec_insert(vec, index, &item), ==, 0);
	memmove(model->items + index + 1, model->items + index,
		(model->len - index) * sizeof(item));
	model->items[index] = item;
	model->len++;
}

static void take(struct weft_vec *vec, struct model *model, struct prng *prng)
{
	size_t index = prng_below(prng, model->len);
	uint32_t item = 0;

	switch (prng_below(prng, 8)) {
	case 0:
		weft_vec_truncate(vec, index + 1);
		model->len = index + 1;
		weft_vec_truncate(vec, MODEL_MAX);
		break;
	case 1:
	case 2:
	case 3:
		CHECK(weft_vec_pop(vec, prng_below(prng, 2) ? &item : NULL));
		model->len--;
		CHECK(item == 0 || item == model->items[model->len]);
		break;
	default:
		weft_vec_remove(vec, index);
		model->len--;
		memmove(model->items + index, model->items + index + 1,
			(model->len - index) * sizeof(item));
	}
}

CHECK_CASE(any_sequence_of_calls_does_what_an_array_does)
{
	struct prng prng = {31};
	struct model model = {.len = 0};
	struct weft_vec vec;

	weft_vec_init(&vec, sizeof(uint32_t));
	for (unsigned round = 0; round < check_rounds(20000); round++) {
		bool is_adding = prng_below(&prng, 3) > 0;

		if (model.len == 0 || (is_adding && model.len < MODEL_MAX))
			add(&vec, &model, &prng);
		else
			take(&vec, &model, &prng);
		check_same(&vec, &model);
	}
	weft_vec_fini(&vec);
	CHECK_INT(weft_vec_len(&vec), ==, 0);
}

CHECK_MAIN()
