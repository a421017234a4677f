/*
 * test_tree.c - base/tree.c: random changes against a set of flags, the rules of an AVL
 * tree after each, and every walk against the shape the tree really has.
 */
#include "weft/tree.h"

#include "base/prng.h"
#include "check.h"

#define KEYS_MAX 4096

struct item {
	int key;
	bool present; /* the model */
	int height;   /* found by check_shape() */
	struct weft_tree_node node;
};

static struct item items[KEYS_MAX];
static unsigned compared;

static struct item *item_of(const struct weft_tree_node *node)
{
	return weft_tree_entry(node, struct item, node);
}

static int by_key(const void *key, const struct weft_tree_node *node, void *context)
{
	int a = *(const int *)key, b = item_of(node)->key;

	CHECK(context == items);
	compared++;
	return (a > b) - (a < b);
}

static void init_tree(struct weft_tree *tree)
{
	weft_tree_init(tree, by_key, items);
	for (int i = 0; i < KEYS_MAX; i++)
		items[i] = (struct item){.key = i};
}

static int height_of(const struct weft_tree_node *node)
{
	return node ? item_of(node)->height : 0;
}

/* Parents, order, heights and balances; returns the number of nodes. Recursive on purpose. */
static size_t check_shape(const struct weft_tree_node *node, int low, int high)
{
	struct item *item = item_of(node);
	int before, after;
	size_t count = 1;

	CHECK(item->present);
	CHECK_INT(item->key, >=, low);
	CHECK_INT(item->key, <, high);
	for (int side = 0; side < 2; side++) {
		if (!node->child[side])
			continue;
		CHECK(node->child[side]->parent == node);
		count += check_shape(
			node->child[side], side ? item->key + 1 : low, side ? high : item->key);
	}
	before = height_of(node->child[0]);
	after = height_of(node->child[1]);
	CHECK_INT(after - before, ==, node->balance);
	CHECK_INT(abs(after - before), <=, 1);
	item->height = 1 + (before > after ? before : after);
	return count;
}

static void check_tree(const struct weft_tree *tree)
{
	size_t present = 0;

	for (int i = 0; i < KEYS_MAX; i++)
		present += items[i].present;
	CHECK_INT(tree->count, ==, present);
	CHECK_INT(tree->root ? check_shape(tree->root, 0, KEYS_MAX) : 0, ==, present);
	CHECK(!tree->root || !tree->root->parent);
}

static void insert(struct weft_tree *tree, int key)
{
	struct item *item = &items[key];

	if (item->present) {
		struct weft_tree_node twin;

		CHECK_ERRNO(weft_tree_insert(tree, &key, &twin), EEXIST);
		return;
	}
	memset(&item->node, 0xa5, sizeof(item->node));
	CHECK_INT(weft_tree_insert(tree, &key, &item->node), ==, 0);
	item->present = true;
}

static void erase(struct weft_tree *tree, int key)
{
	weft_tree_remove(tree, &items[key].node);
	items[key].present = false;
	memset(&items[key].node, 0xa5, sizeof(items[key].node)); /* nobody may look again */
}

/* The first present key from key on upwards (step 1) or downwards (-1), as a node. */
static const struct weft_tree_node *nearest(int key, int step, int keys)
{
	for (; key >= 0 && key < keys; key += step)
		if (items[key].present)
			return &items[key].node;
	return NULL;
}

static void check_search(const struct weft_tree *tree, int key, int keys)
{
	bool present = key >= 0 && key < keys && items[key].present;

	CHECK(weft_tree_find(tree, &key) == (present ? &items[key].node : NULL));
	CHECK(weft_tree_lower_bound(tree, &key) == nearest(key < 0 ? 0 : key, 1, keys));
	CHECK(weft_tree_upper_bound(tree, &key) == nearest(key + 1, 1, keys));
	CHECK(weft_tree_floor(tree, &key) == nearest(key < keys ? key : keys - 1, -1, keys));
}

static void change_at_random(struct prng *prng, struct weft_tree *tree, int keys, unsigned changes)
{
	while (changes-- > 0) {
		int key = (int)prng_below(prng, (uint64_t)keys);

		if (items[key].present && prng_below(prng, 2))
			erase(tree, key);
		else
			insert(tree, key);
	}
}

CHECK_CASE(random_changes_keep_the_rules_and_the_answers_of_a_set)
{
	for (unsigned seed = 0; seed < check_rounds(60); seed++) {
		struct prng prng = {seed};
		int keys = 1 + (int)prng_below(&prng, 60);
		struct weft_tree tree;

		init_tree(&tree);
		for (int round = 0; round < 100; round++) {
			change_at_random(&prng, &tree, keys, 3);
			check_tree(&tree);
			check_search(&tree, (int)prng_below(&prng, (uint64_t)keys + 2) - 1, keys);
		}
	}
}

CHECK_CASE(a_large_tree_stays_shallow_whatever_the_order_of_insertion)
{
	for (int order = 0; order < 3; order++) {
		struct prng prng = {7};
		struct weft_tree tree;

		init_tree(&tree);
		for (int i = 0; i < KEYS_MAX; i++)
			insert(&tree, order == 0   ? i
				      : order == 1 ? KEYS_MAX - 1 - i
						   : i * 5 % KEYS_MAX);
		change_at_random(&prng, &tree, KEYS_MAX, 4 * KEYS_MAX);
		check_tree(&tree);
		CHECK_INT(height_of(tree.root), <=, 18); /* 1.45 * 12 + 1 */
		for (int key = -1; key <= KEYS_MAX; key++) {
			compared = 0;
			weft_tree_find(&tree, &key);
			CHECK_INT(compared, <=, 18);
		}
		for (int key = -1; key <= KEYS_MAX; key += 17)
			check_search(&tree, key, KEYS_MAX);
	}
}

CHECK_CASE(a_tree_can_be_emptied_from_any_end_and_filled_again)
{
	struct weft_tree tree;

	init_tree(&tree);
	for (int end = 0; end < 3; end++) {
		for (int key = 0; key < 500; key++)
			insert(&tree, key);
		while (tree.count > 0) {
			struct weft_tree_node *node = end == 0   ? weft_tree_first(&tree)
						      : end == 1 ? weft_tree_last(&tree)
								 : tree.root;

			erase(&tree, item_of(node)->key);
			check_tree(&tree);
		}
		CHECK(!tree.root);
	}
}

/* ---- Walks ------------------------------------------------------------------------ */

struct visits {
	const struct weft_tree_node *node[KEYS_MAX];
	size_t count;
};

static void visit(struct visits *visits, const struct weft_tree_node *node)
{
	CHECK_INT(visits->count, <, KEYS_MAX);
	visits->node[visits->count++] = node;
}

enum walk { PRE, IN, POST };

/* What the walk should be, by its definition. */
static void walk_recursively(
	struct visits *visits, const struct weft_tree_node *node, enum walk walk)
{
	if (!node)
		return;
	if (walk == PRE)
		visit(visits, node);
	walk_recursively(visits, node->child[0], walk);
	if (walk == IN)
		visit(visits, node);
	walk_recursively(visits, node->child[1], walk);
	if (walk == POST)
		visit(visits, node);
}

static void walk_by_queue(struct visits *visits, const struct weft_tree_node *root)
{
	if (root)
		visit(visits, root);
	for (size_t i = 0; i < visits->count; i++)
		for (int side = 0; side < 2; side++)
			if (visits->node[i]->child[side])
				visit(visits, visits->node[i]->child[side]);
}

static void check_walk(const struct visits *visits, const struct weft_tree_node *node,
	struct weft_tree_node *(*next)(const struct weft_tree_node *))
{
	for (size_t i = 0; i < visits->count; i++, node = next(node))
		CHECK(node == visits->node[i]);
	CHECK(!node);
}

static void check_walks(const struct weft_tree *tree)
{
	static struct visits visits, backwards;

	visits.count = 0;
	walk_recursively(&visits, tree->root, PRE);
	check_walk(&visits, weft_tree_preorder_first(tree), weft_tree_preorder_next);
	visits.count = 0;
	walk_recursively(&visits, tree->root, POST);
	check_walk(&visits, weft_tree_postorder_first(tree), weft_tree_postorder_next);
	visits.count = 0;
	walk_recursively(&visits, tree->root, IN);
	check_walk(&visits, weft_tree_first(tree), weft_tree_next);
	backwards.count = 0;
	for (size_t i = visits.count; i > 0; i--)
		visit(&backwards, visits.node[i - 1]);
	check_walk(&backwards, weft_tree_last(tree), weft_tree_prev);
	visits.count = 0;
	walk_by_queue(&visits, tree->root);
	check_walk(&visits, weft_tree_levelorder_first(tree), weft_tree_levelorder_next);
}

CHECK_CASE(every_walk_is_what_its_definition_says)
{
	for (unsigned seed = 0; seed < check_rounds(300); seed++) {
		struct prng prng = {seed};
		int keys = 1 + (int)prng_below(&prng, seed % 10 ? 40 : 1000);
		struct weft_tree tree;

		init_tree(&tree);
		check_walks(&tree);
		change_at_random(&prng, &tree, keys, (unsigned)keys * 2);
		check_walks(&tree);
	}
}

CHECK_CASE(a_node_may_be_removed_once_its_next_one_is_known)
{
	struct weft_tree_node *next;
	struct weft_tree tree;
	int expected = 0;

	init_tree(&tree);
	for (int key = 0; key < 1000; key++)
		insert(&tree, key);
	for (struct weft_tree_node *node = weft_tree_first(&tree); node; node = next) {
		CHECK_INT(item_of(node)->key, ==, expected++);
		next = weft_tree_next(node);
		if (item_of(node)->key % 3)
			erase(&tree, item_of(node)->key);
	}
	CHECK_INT(expected, ==, 1000);
	CHECK_INT(tree.count, ==, 334);
	check_tree(&tree);
}

CHECK_CASE(a_postorder_walk_may_free_each_node_behind_it)
{
	struct weft_tree_node *next;
	struct weft_tree tree;
	size_t freed = 0;

	weft_tree_init(&tree, by_key, items);
	for (int key = 0; key < 1000; key++) {
		struct item *item = malloc(sizeof(*item));

		CHECK(item);
		item->key = key;
		CHECK_INT(weft_tree_insert(&tree, &key, &item->node), ==, 0);
	}
	for (struct weft_tree_node *node = weft_tree_postorder_first(&tree); node; node = next) {
		next = weft_tree_postorder_next(node);
		memset(node, 0xa5, sizeof(*node));
		free(item_of(node));
		freed++;
	}
	CHECK_INT(freed, ==, 1000);
}

CHECK_MAIN()
