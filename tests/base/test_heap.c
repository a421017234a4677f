/* test_heap.c - weft/heap.h against a plain array that is searched for its smallest key. */
#include "weft/heap.h"

#include "base/hostile.h"
#include "base/prng.h"

#define ITEMS_MAX 300

/* No entry is smaller than its parent, whatever the arity: a pop of all is sorted. */
static void check_pops_sorted(struct weft_heap *heap, size_t count)
{
	int64_t last = INT64_MIN;

	for (size_t i = 0; i < count; i++) {
		struct weft_heap_node *node = weft_heap_min(heap);

		CHECK(node != NULL);
		CHECK_INT(node->key, >=, last);
		last = node->key;
		CHECK(weft_heap_pop(heap) == node);
		CHECK(!weft_heap_is_linked(node));
	}
	CHECK_INT(weft_heap_len(heap), ==, 0);
	CHECK(weft_heap_pop(heap) == NULL);
}

/* Every entry and its node agree on key and place. */
static void check_consistent(const struct weft_heap *heap)
{
	for (size_t i = 0; i < heap->len; i++) {
		CHECK_INT(heap->entries[i].node->index, ==, i);
		CHECK_INT(heap->entries[i].node->key, ==, heap->entries[i].key);
	}
}

CHECK_CASE(an_empty_heap_gives_nothing)
{
	struct weft_heap heap;
	struct weft_heap_node node;

	weft_heap_init(&heap);
	weft_heap_node_init(&node);
	CHECK(weft_heap_min(&heap) == NULL);
	CHECK(weft_heap_pop(&heap) == NULL);
	CHECK_INT(weft_heap_len(&heap), ==, 0);
	weft_heap_remove(&heap, &node);
	CHECK(!weft_heap_is_linked(&node));
	weft_heap_fini(&heap);
}

CHECK_CASE(the_extreme_keys_and_equal_keys_are_in_order)
{
	static const int64_t keys[] = {
		0, INT64_MAX, -1, INT64_MIN, 1, 0, INT64_MAX, INT64_MIN, 0, -1, 1, 0};
	struct weft_heap_node nodes[12];
	struct weft_heap heap;

	weft_heap_init(&heap);
	for (size_t i = 0; i < 12; i++) {
		weft_heap_node_init(&nodes[i]);
		CHECK_INT(weft_heap_push(&heap, &nodes[i], keys[i]), ==, 0);
		CHECK_INT(nodes[i].key, ==, keys[i]);
	}
	CHECK_INT(weft_heap_min(&heap)->key, ==, INT64_MIN);
	check_pops_sorted(&heap, 12);
	weft_heap_fini(&heap);
}

static struct weft_heap_node *nodes_new(size_t count)
{
	struct weft_heap_node *nodes = malloc(count * sizeof(*nodes));

	CHECK(nodes != NULL);
	for (size_t i = 0; i < count; i++)
		weft_heap_node_init(&nodes[i]);
	return nodes;
}

CHECK_CASE(every_node_of_every_small_heap_can_be_removed)
{
	struct weft_heap_node *nodes = nodes_new(40);
	struct prng prng = {7};
	struct weft_heap heap;

	weft_heap_init(&heap);
	for (size_t count = 1; count <= 40; count++) {
		for (size_t victim = 0; victim < count; victim++) {
			for (size_t i = 0; i < count; i++)
				CHECK_INT(weft_heap_push(
						  &heap, &nodes[i], (int64_t)prng_below(&prng, 20)),
					==, 0);
			weft_heap_remove(&heap, &nodes[victim]);
			CHECK(!weft_heap_is_linked(&nodes[victim]));
			check_consistent(&heap);
			check_pops_sorted(&heap, count - 1);
		}
	}
	weft_heap_fini(&heap);
	free(nodes);
}

/* ---- Against a model ---------------------------------------------------------- */

static int64_t smallest_linked(const struct weft_heap_node *nodes, size_t count, size_t *ret_linked)
{
	int64_t smallest = INT64_MAX;

	*ret_linked = 0;
	for (size_t i = 0; i < count; i++) {
		if (!weft_heap_is_linked(&nodes[i]))
			continue;
		++*ret_linked;
		if (nodes[i].key < smallest)
			smallest = nodes[i].key;
	}
	return smallest;
}

CHECK_CASE(any_sequence_of_calls_keeps_the_smallest_key_in_front)
{
	struct weft_heap_node *nodes = nodes_new(ITEMS_MAX);
	struct prng prng = {99};
	struct weft_heap heap;
	size_t linked;

	weft_heap_init(&heap);
	for (unsigned round = 0; round < check_rounds(20000); round++) {
		struct weft_heap_node *node = &nodes[prng_below(&prng, ITEMS_MAX)];
		int64_t key = (int64_t)prng_next(&prng) >> prng_below(&prng, 64);
		int64_t smallest = smallest_linked(nodes, ITEMS_MAX, &linked);

		CHECK_INT(weft_heap_len(&heap), ==, linked);
		CHECK(linked == 0 || weft_heap_min(&heap)->key == smallest);
		if (!weft_heap_is_linked(node))
			CHECK_INT(weft_heap_push(&heap, node, key), ==, 0);
		else if (prng_below(&prng, 4) > 0)
			weft_heap_remove(&heap, node);
		else
			CHECK_INT(weft_heap_pop(&heap)->key, ==, smallest);
		check_consistent(&heap);
	}
	check_pops_sorted(&heap, weft_heap_len(&heap));
	weft_heap_fini(&heap);
	free(nodes);
}

/* ---- Memory --------------------------------------------------------------------- */

CHECK_CASE(the_array_grows_and_shrinks_with_what_is_in_it)
{
	size_t count = 100000;
	struct weft_heap_node *nodes = nodes_new(count);
	struct weft_heap heap;

	weft_heap_init(&heap);
	for (size_t i = 0; i < count; i++)
		CHECK_INT(weft_heap_push(&heap, &nodes[i], (int64_t)(count - i)), ==, 0);
	CHECK_INT(heap.capacity, <, 2 * count);
	for (size_t i = 0; i < count - 10; i++) {
		weft_heap_remove(&heap, &nodes[i]);
		CHECK_INT(heap.capacity, <=, heap.len < 16 ? 64 : 4 * heap.len);
	}
	check_pops_sorted(&heap, 10);
	weft_heap_fini(&heap);
	free(nodes);
}

CHECK_CASE(at_the_edge_of_a_size_pushing_and_popping_does_not_reallocate)
{
	struct weft_heap_node *nodes = nodes_new(1025);
	struct weft_heap heap;
	size_t capacity;

	weft_heap_init(&heap);
	for (size_t i = 0; i < 1025; i++)
		CHECK_INT(weft_heap_push(&heap, &nodes[i], (int64_t)i), ==, 0);
	capacity = heap.capacity;
	for (int i = 0; i < 10; i++) {
		struct weft_heap_node *node = weft_heap_pop(&heap);

		CHECK_INT(heap.capacity, ==, capacity);
		CHECK_INT(weft_heap_push(&heap, node, i), ==, 0);
		CHECK_INT(heap.capacity, ==, capacity);
	}
	weft_heap_fini(&heap);
	free(nodes);
}

CHECK_CASE(fini_takes_all_nodes_out)
{
	struct weft_heap_node *nodes = nodes_new(10);
	struct weft_heap heap;

	weft_heap_init(&heap);
	for (int round = 0; round < 2; round++) {
		for (int i = 0; i < 10; i++)
			CHECK_INT(weft_heap_push(&heap, &nodes[i], -i), ==, 0);
		weft_heap_fini(&heap);
		for (int i = 0; i < 10; i++)
			CHECK(!weft_heap_is_linked(&nodes[i]));
		CHECK(weft_heap_min(&heap) == NULL);
	}
	free(nodes);
}

CHECK_CASE(without_memory_a_push_fails_and_changes_nothing)
{
	struct weft_heap heap = {NULL, HOSTILE_SIZE / 16, HOSTILE_SIZE / 16};
	struct weft_heap_node node;

	weft_heap_node_init(&node);
	CHECK_ERRNO(weft_heap_push(&heap, &node, 5), ENOMEM);
	heap.len = heap.capacity = HOSTILE_SIZE; /* its size in bytes overflows */
	CHECK_ERRNO(weft_heap_push(&heap, &node, 5), ENOMEM);
	CHECK(!weft_heap_is_linked(&node));
	CHECK_INT(node.key, ==, 0);
	CHECK(heap.entries == NULL && heap.len == HOSTILE_SIZE && heap.capacity == HOSTILE_SIZE);
}

CHECK_CASE(a_node_pushed_twice_or_removed_from_another_heap_is_caught)
{
	struct weft_heap heap, other;
	struct weft_heap_node node;

	weft_heap_init(&heap);
	weft_heap_init(&other);
	weft_heap_node_init(&node);
	CHECK_INT(weft_heap_push(&heap, &node, 1), ==, 0);
	CHECK_DIES((void)weft_heap_push(&heap, &node, 2));
	CHECK_DIES(weft_heap_remove(&other, &node));
	weft_heap_fini(&heap);
}

CHECK_MAIN()
