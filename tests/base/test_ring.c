/* test_ring.c - weft/ring.h: first in, first out, within its capacity, also past the wrap. */
#include "weft/ring.h"

#include "base/hostile.h"
#include "base/prng.h"

CHECK_CASE(an_empty_ring_gives_nothing)
{
	struct weft_ring ring;
	int item = 7;

	CHECK_INT(weft_ring_init(&ring, sizeof(int), 4), ==, 0);
	CHECK(weft_ring_is_empty(&ring) && !weft_ring_is_full(&ring));
	CHECK_INT(weft_ring_len(&ring), ==, 0);
	CHECK_INT(weft_ring_capacity(&ring), ==, 4);
	CHECK(weft_ring_front(&ring) == NULL);
	CHECK(!weft_ring_pop(&ring, &item));
	CHECK(!weft_ring_pop(&ring, NULL));
	CHECK_INT(item, ==, 7);
	CHECK_DIES(weft_ring_at(&ring, 0));
	weft_ring_fini(&ring);
}

CHECK_CASE(sizes_that_make_no_ring_are_refused)
{
	static const struct {
		size_t item_size, capacity;
		int error;
	} hostile[] = {
		{0, 4, EINVAL},
		{4, 0, EINVAL},
		{4, 3, EINVAL},
		{4, 1023, EINVAL},
		{4, SIZE_MAX, EINVAL},
		{2, SIZE_MAX / 2 + 1, ENOMEM}, /* 2^63 items: the bytes wrap to 0 */
		{1, SIZE_MAX / 2 + 1, ENOMEM},
		{SIZE_MAX, 2, ENOMEM},
		{16, HOSTILE_SIZE / 16, ENOMEM},
	};
	struct weft_ring ring;

	for (size_t i = 0; i < sizeof(hostile) / sizeof(hostile[0]); i++)
		CHECK_ERRNO(weft_ring_init(&ring, hostile[i].item_size, hostile[i].capacity),
			hostile[i].error);
}

CHECK_CASE(a_ring_takes_its_capacity_and_not_an_item_more)
{
	struct weft_ring ring;
	int item;

	for (size_t capacity = 1; capacity <= 64; capacity *= 2) {
		CHECK_INT(weft_ring_init(&ring, sizeof(int), capacity), ==, 0);
		for (item = 0; item < (int)capacity; item++)
			CHECK_INT(weft_ring_push(&ring, &item), ==, 0);
		CHECK(weft_ring_is_full(&ring));
		CHECK_ERRNO(weft_ring_push(&ring, &item), ENOBUFS);
		CHECK_ERRNO(weft_ring_push_slot(&ring), ENOBUFS);
		for (int i = 0; i < (int)capacity; i++) {
			CHECK(weft_ring_pop(&ring, &item));
			CHECK_INT(item, ==, i);
		}
		CHECK(weft_ring_is_empty(&ring));
		weft_ring_fini(&ring);
	}
}

/* The model: every item is its own number, so that head and tail say what is in the ring. */
static void run_against_model(struct weft_ring *ring, unsigned rounds)
{
	size_t capacity = weft_ring_capacity(ring);
	uint32_t added = 0, taken = 0, item = 0;
	struct prng prng = {capacity};

	for (unsigned round = 0; round < rounds; round++) {
		if (prng_below(&prng, 64) < (round / 100 % 2 ? 20 : 44)) {
			bool is_full = added - taken == capacity;

			CHECK_INT(weft_ring_push(ring, &added), ==, is_full ? -1 : 0);
			added += !is_full;
		} else {
			bool is_empty = added == taken;

			CHECK_INT(weft_ring_pop(ring, &item), ==, !is_empty);
			CHECK(is_empty || item == taken);
			taken += !is_empty;
		}
		CHECK_INT(weft_ring_len(ring), ==, added - taken);
		CHECK_INT(weft_ring_is_full(ring), ==, added - taken == capacity);
		CHECK_INT(weft_ring_is_empty(ring), ==, added == taken);
		for (uint32_t i = 0; i < added - taken; i++)
			CHECK_INT(*(uint32_t *)weft_ring_at(ring, i), ==, taken + i);
	}
}

CHECK_CASE(any_sequence_of_calls_does_what_a_queue_does)
{
	struct weft_ring ring;

	for (size_t capacity = 1; capacity <= 32; capacity *= 2) {
		CHECK_INT(weft_ring_init(&ring, sizeof(uint32_t), capacity), ==, 0);
		run_against_model(&ring, check_rounds(5000));
		weft_ring_fini(&ring);
	}
}

CHECK_CASE(counts_that_wrap_past_the_largest_size_change_nothing)
{
	struct weft_ring ring;

	for (size_t capacity = 1; capacity <= 32; capacity *= 2) {
		CHECK_INT(weft_ring_init(&ring, sizeof(uint32_t), capacity), ==, 0);
		ring.head = ring.tail = SIZE_MAX - 50;
		run_against_model(&ring, 1000); /* fewer might not get there */
		CHECK_INT(ring.tail, <, 1000);
		CHECK_INT(ring.tail, >=, 0);
		weft_ring_fini(&ring);
	}
}

CHECK_MAIN()
