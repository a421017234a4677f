/* test_list.c - weft/list.h against an array that holds the same numbers. */
#include "weft/list.h"

#include "base/prng.h"
#include "check.h"

#define ITEMS_MAX 64

struct item {
	int number;
	struct weft_list_node node;
};

static int number_of(const struct weft_list_node *node)
{
	return weft_container_of(node, struct item, node)->number;
}

/* The list holds exactly these numbers, read both ways. */
static void check_numbers(const struct weft_list *list, const int *numbers, size_t count)
{
	const struct weft_list_node *backward = list->head.prev;
	size_t i = 0;

	weft_list_each (node, list) {
		CHECK_INT(i, <, count);
		CHECK_INT(number_of(node), ==, numbers[i]);
		i++;
	}
	CHECK_INT(i, ==, count);
	for (i = count; i > 0; i--, backward = backward->prev)
		CHECK_INT(number_of(backward), ==, numbers[i - 1]);
	CHECK(backward == &list->head);
}

CHECK_CASE(an_empty_list_gives_nothing)
{
	struct weft_list list, other;

	weft_list_init(&list);
	weft_list_init(&other);
	CHECK(weft_list_is_empty(&list));
	CHECK(weft_list_first(&list) == NULL);
	CHECK(weft_list_last(&list) == NULL);
	CHECK(weft_list_pop_front(&list) == NULL);
	weft_list_splice_back(&list, &other);
	check_numbers(&list, NULL, 0);
	check_numbers(&other, NULL, 0);
}

CHECK_CASE(a_removed_node_is_unlinked_and_may_be_removed_again)
{
	struct weft_list list;
	struct item item = {1, {0}};

	weft_list_init(&list);
	weft_list_node_init(&item.node);
	CHECK(!weft_list_is_linked(&item.node));
	weft_list_remove(&item.node);
	weft_list_push_back(&list, &item.node);
	CHECK(weft_list_is_linked(&item.node));
	CHECK(weft_list_first(&list) == &item.node && weft_list_last(&list) == &item.node);
	weft_list_remove(&item.node);
	weft_list_remove(&item.node);
	CHECK(!weft_list_is_linked(&item.node));
	CHECK(weft_list_is_empty(&list));
	weft_list_push_front(&list, &item.node);
	CHECK(weft_list_pop_front(&list) == &item.node);
	CHECK(!weft_list_is_linked(&item.node));
}

CHECK_CASE(a_safe_walk_may_free_what_it_visits)
{
	struct weft_list list;
	int visited = 0;

	weft_list_init(&list);
	for (int i = 0; i < 10; i++) {
		struct item *item = malloc(sizeof(*item));

		CHECK(item != NULL);
		item->number = i;
		weft_list_push_back(&list, &item->node);
	}
	weft_list_each_safe (node, &list) {
		CHECK_INT(number_of(node), ==, visited);
		visited++;
		weft_list_remove(node);
		free(weft_container_of(node, struct item, node));
	}
	CHECK_INT(visited, ==, 10);
	CHECK(weft_list_is_empty(&list));
}

CHECK_CASE(a_splice_keeps_the_order_and_empties_the_other_list)
{
	struct weft_list to, from;
	struct item items[5];

	for (size_t to_len = 0; to_len <= 2; to_len++) {
		weft_list_init(&to);
		weft_list_init(&from);
		for (int i = 0; i < 5; i++) {
			items[i].number = i;
			weft_list_push_back((size_t)i < to_len ? &to : &from, &items[i].node);
		}
		weft_list_splice_back(&to, &from);
		check_numbers(&to, (const int[]){0, 1, 2, 3, 4}, 5);
		CHECK(weft_list_is_empty(&from));
	}
}

/* ---- Against a model ---------------------------------------------------------- */

struct model {
	int numbers[ITEMS_MAX];
	size_t len;
};

static void model_insert(struct model *model, size_t index, int number)
{
	memmove(model->numbers + index + 1, model->numbers + index,
		(model->len++ - index) * sizeof(int));
	model->numbers[index] = number;
}

static void model_remove(struct model *model, size_t index)
{
	memmove(model->numbers + index, model->numbers + index + 1,
		(--model->len - index) * sizeof(int));
}

static size_t model_find(const struct model *model, int number)
{
	size_t i = 0;

	while (model->numbers[i] != number)
		i++;
	return i;
}

static void add(struct weft_list *list, struct model *model, struct item *item, struct prng *prng)
{
	size_t index = prng_below(prng, model->len + 1);
	struct weft_list_node *place = &list->head;

	switch (prng_below(prng, 3)) {
	case 0:
		weft_list_push_back(list, &item->node);
		model_insert(model, model->len, item->number);
		break;
	case 1:
		weft_list_push_front(list, &item->node);
		model_insert(model, 0, item->number);
		break;
	default:
		for (size_t i = 0; i < index; i++)
			place = place->next;
		weft_list_insert_after(place, &item->node);
		model_insert(model, index, item->number);
	}
}

static void take(struct weft_list *list, struct model *model, struct item *item, struct prng *prng)
{
	if (prng_below(prng, 2)) {
		weft_list_remove(&item->node);
		model_remove(model, model_find(model, item->number));
	} else {
		CHECK_INT(number_of(weft_list_pop_front(list)), ==, model->numbers[0]);
		model_remove(model, 0);
	}
}

CHECK_CASE(any_sequence_of_calls_does_what_an_array_does)
{
	struct prng prng = {2024};
	struct item items[ITEMS_MAX];
	struct model model = {.len = 0};
	struct weft_list list;

	weft_list_init(&list);
	for (int i = 0; i < ITEMS_MAX; i++) {
		items[i].number = i;
		weft_list_node_init(&items[i].node);
	}
	for (unsigned round = 0; round < check_rounds(20000); round++) {
		struct item *item = &items[prng_below(&prng, ITEMS_MAX)];

		if (weft_list_is_linked(&item->node))
			take(&list, &model, item, &prng);
		else
			add(&list, &model, item, &prng);
		check_numbers(&list, model.numbers, model.len);
	}
}

CHECK_MAIN()
