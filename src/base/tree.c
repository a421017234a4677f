/*
 * base/tree.c - the ordered tree; the manual is weft/tree.h.
 *
 * Entry points: weft_tree_insert(), weft_tree_remove(), weft_tree_find() and the
 * bounds; the walks, weft_tree_first() and weft_tree_next() and their like.
 *
 * AVL, not red-black: weft's trees are searched far more often than they change, and
 * an AVL tree is the shallower one (1.45 * log2(n) levels against 2 * log2(n)). Its
 * rules are also the shorter ones: two mirrored sides are one case here, as children
 * are indexed by side, and one rotation serves insertion and removal.
 *
 * Never: allocation, recursion, or a write to any node while searching or walking.
 */
#include "weft/tree.h"

#include <assert.h>
#include <errno.h>

enum { BEFORE = 0, AFTER = 1 };

void weft_tree_init(struct weft_tree *tree, weft_tree_compare_fn *compare, void *context)
{
	*tree = (struct weft_tree){.compare = compare, .context = context};
}

/* ---- Shape ------------------------------------------------------------------------ */

static int side_of(const struct weft_tree_node *node)
{
	return node->parent->child[AFTER] == node;
}

/* Let child, which may be NULL, hang where node hangs: below its parent or at the root. */
static void replace(
	struct weft_tree *tree, const struct weft_tree_node *node, struct weft_tree_node *child)
{
	if (child)
		child->parent = node->parent;
	if (node->parent)
		node->parent->child[side_of(node)] = child;
	else
		tree->root = child;
}

/*
 * The child on the other side comes up, node goes down to `side` (AFTER drawn). The
 * order a X b Y c is kept; balances are the caller's to mend.
 *
 *	      Y               X
 *	    X   c    ->     a   Y
 *	   a b                 b c
 */
static struct weft_tree_node *rotate(struct weft_tree *tree, struct weft_tree_node *node, int side)
{
	struct weft_tree_node *up = node->child[!side], *inner = up->child[side];

	replace(tree, node, up);
	up->child[side] = node;
	node->parent = up;
	node->child[!side] = inner;
	if (inner)
		inner->parent = node;
	return up;
}

/*
 * Mend a node whose child on `side` has become two levels higher than the other, and
 * return the root of what it was the root of. `lean` is the balance towards side.
 * The subtree is one level lower afterwards, except where the high child was even,
 * which happens on removal only.
 */
static struct weft_tree_node *mend(struct weft_tree *tree, struct weft_tree_node *node, int side)
{
	struct weft_tree_node *high = node->child[side], *inner;
	int lean = side == AFTER ? 1 : -1;

	assert(high);
	if (high->balance != -lean) {
		bool even = high->balance == 0;

		node->balance = even ? lean : 0;
		high->balance = even ? -lean : 0;
		return rotate(tree, node, !side);
	}
	/* The high child leans inwards: its inner child goes up over both. */
	inner = high->child[!side];
	node->balance = inner->balance == lean ? -lean : 0;
	high->balance = inner->balance == -lean ? lean : 0;
	inner->balance = 0;
	rotate(tree, high, side);
	return rotate(tree, node, !side);
}

/* The subtree on `side` of node has grown a level: mend upwards until the height is as before. */
static void has_grown(struct weft_tree *tree, struct weft_tree_node *node, int side)
{
	for (;;) {
		int lean = side == AFTER ? 1 : -1;

		if (node->balance == lean) {
			mend(tree, node, side);
			return;
		}
		node->balance += lean;
		if (node->balance == 0 || !node->parent)
			return;
		side = side_of(node);
		node = node->parent;
	}
}

/* The subtree on `side` of node has shrunk by a level: likewise. */
static void has_shrunk(struct weft_tree *tree, struct weft_tree_node *node, int side)
{
	for (;;) {
		int lean = side == AFTER ? 1 : -1;

		if (node->balance == 0) {
			node->balance = -lean;
			return;
		}
		if (node->balance == -lean) {
			node = mend(tree, node, !side);
			if (node->balance != 0)
				return;
		} else {
			node->balance = 0;
		}
		if (!node->parent)
			return;
		side = side_of(node);
		node = node->parent;
	}
}

/* ---- Change ----------------------------------------------------------------------- */

int weft_tree_insert(struct weft_tree *tree, const void *key, struct weft_tree_node *node)
{
	struct weft_tree_node *parent = NULL, *at = tree->root;
	int side = BEFORE;

	while (at) {
		int order = tree->compare(key, at, tree->context);

		if (order == 0) {
			errno = EEXIST;
			return -1;
		}
		parent = at;
		side = order > 0 ? AFTER : BEFORE;
		at = at->child[side];
	}
	*node = (struct weft_tree_node){.parent = parent};
	tree->count++;
	if (!parent) {
		tree->root = node;
		return 0;
	}
	parent->child[side] = node;
	has_grown(tree, parent, side);
	return 0;
}

static struct weft_tree_node *outermost(const struct weft_tree_node *node, int side)
{
	while (node && node->child[side])
		node = node->child[side];
	return (struct weft_tree_node *)node;
}

/*
 * Exchange node with its next one, which sits at the near end of its AFTER side and
 * so has no child BEFORE. Only links and balances move: the caller's structs stay put.
 */
static void exchange_with_next(struct weft_tree *tree, struct weft_tree_node *node)
{
	struct weft_tree_node *next = outermost(node->child[AFTER], BEFORE);
	struct weft_tree_node old = *next;

	replace(tree, node, next);
	next->balance = node->balance;
	next->child[BEFORE] = node->child[BEFORE];
	next->child[BEFORE]->parent = next;
	if (old.parent == node) {
		next->child[AFTER] = node;
		node->parent = next;
	} else {
		next->child[AFTER] = node->child[AFTER];
		next->child[AFTER]->parent = next;
		old.parent->child[BEFORE] = node;
		node->parent = old.parent;
	}
	node->balance = old.balance;
	node->child[BEFORE] = NULL;
	node->child[AFTER] = old.child[AFTER];
	if (old.child[AFTER])
		old.child[AFTER]->parent = node;
}

void weft_tree_remove(struct weft_tree *tree, struct weft_tree_node *node)
{
	struct weft_tree_node *parent;
	int side;

	if (node->child[BEFORE] && node->child[AFTER])
		exchange_with_next(tree, node);
	parent = node->parent;
	side = parent ? side_of(node) : BEFORE;
	replace(tree, node, node->child[BEFORE] ? node->child[BEFORE] : node->child[AFTER]);
	tree->count--;
	if (parent)
		has_shrunk(tree, parent, side);
}

/* ---- Search ----------------------------------------------------------------------- */

struct weft_tree_node *weft_tree_find(const struct weft_tree *tree, const void *key)
{
	struct weft_tree_node *node = tree->root;

	while (node) {
		int order = tree->compare(key, node, tree->context);

		if (order == 0)
			return node;
		node = node->child[order > 0];
	}
	return NULL;
}

/*
 * Where the nodes with compare(key, node) of at least `least` end: the last of them,
 * and the first of the others.
 */
static void find_edge(const struct weft_tree *tree, const void *key, int least,
	struct weft_tree_node *ret_edge[2])
{
	struct weft_tree_node *node = tree->root;

	ret_edge[BEFORE] = ret_edge[AFTER] = NULL;
	while (node) {
		bool passed = tree->compare(key, node, tree->context) >= least;

		ret_edge[passed ? BEFORE : AFTER] = node;
		node = node->child[passed ? AFTER : BEFORE];
	}
}

struct weft_tree_node *weft_tree_lower_bound(const struct weft_tree *tree, const void *key)
{
	struct weft_tree_node *edge[2];

	find_edge(tree, key, 1, edge);
	return edge[AFTER];
}

struct weft_tree_node *weft_tree_upper_bound(const struct weft_tree *tree, const void *key)
{
	struct weft_tree_node *edge[2];

	find_edge(tree, key, 0, edge);
	return edge[AFTER];
}

struct weft_tree_node *weft_tree_floor(const struct weft_tree *tree, const void *key)
{
	struct weft_tree_node *edge[2];

	find_edge(tree, key, 0, edge);
	return edge[BEFORE];
}

/* ---- Walks in order --------------------------------------------------------------- */

/* The neighbour on `side` in order. */
static struct weft_tree_node *neighbour(const struct weft_tree_node *node, int side)
{
	if (node->child[side])
		return outermost(node->child[side], !side);
	while (node->parent && side_of(node) == side)
		node = node->parent;
	return node->parent;
}

struct weft_tree_node *weft_tree_first(const struct weft_tree *tree)
{
	return outermost(tree->root, BEFORE);
}

struct weft_tree_node *weft_tree_next(const struct weft_tree_node *node)
{
	return neighbour(node, AFTER);
}

struct weft_tree_node *weft_tree_last(const struct weft_tree *tree)
{
	return outermost(tree->root, AFTER);
}

struct weft_tree_node *weft_tree_prev(const struct weft_tree_node *node)
{
	return neighbour(node, BEFORE);
}

/* ---- Walks by shape --------------------------------------------------------------- */

struct weft_tree_node *weft_tree_preorder_first(const struct weft_tree *tree)
{
	return tree->root;
}

/*
 * The nearest AFTER child that hangs off the path from node up to the root, and not
 * on it; *level goes from node's level to that of the child.
 */
static struct weft_tree_node *next_branch(const struct weft_tree_node *node, int *level)
{
	for (; node->parent; node = node->parent, --*level)
		if (side_of(node) == BEFORE && node->parent->child[AFTER])
			return node->parent->child[AFTER];
	return NULL;
}

struct weft_tree_node *weft_tree_preorder_next(const struct weft_tree_node *node)
{
	int level = 0; /* from here; nobody asks */

	if (node->child[BEFORE])
		return node->child[BEFORE];
	return node->child[AFTER] ? node->child[AFTER] : next_branch(node, &level);
}

/* The first node of a subtree to have no children, which a post-order walk begins with. */
static struct weft_tree_node *first_leaf(const struct weft_tree_node *node)
{
	while (node && (node->child[BEFORE] || node->child[AFTER]))
		node = node->child[BEFORE] ? node->child[BEFORE] : node->child[AFTER];
	return (struct weft_tree_node *)node;
}

struct weft_tree_node *weft_tree_postorder_first(const struct weft_tree *tree)
{
	return first_leaf(tree->root);
}

struct weft_tree_node *weft_tree_postorder_next(const struct weft_tree_node *node)
{
	struct weft_tree_node *parent = node->parent;

	if (parent && side_of(node) == BEFORE && parent->child[AFTER])
		return first_leaf(parent->child[AFTER]);
	return parent;
}

struct weft_tree_node *weft_tree_levelorder_first(const struct weft_tree *tree)
{
	return tree->root;
}

/*
 * The first node of the wanted level, in pre-order from node (NULL: none) at its
 * level on. What lies deeper is not entered, so the search for the nodes of one level
 * costs no more than the levels up to it hold.
 */
static struct weft_tree_node *first_at_level(
	const struct weft_tree_node *node, int level, int wanted)
{
	while (node && level < wanted) {
		if (node->child[BEFORE] || node->child[AFTER]) {
			node = node->child[node->child[BEFORE] ? BEFORE : AFTER];
			level++;
		} else {
			node = next_branch(node, &level);
		}
	}
	return (struct weft_tree_node *)node;
}

struct weft_tree_node *weft_tree_levelorder_next(const struct weft_tree_node *node)
{
	const struct weft_tree_node *root = node;
	struct weft_tree_node *next;
	int level = 0, branch_level;

	for (; root->parent; root = root->parent)
		level++;
	branch_level = level;
	next = next_branch(node, &branch_level);
	next = first_at_level(next, branch_level, level);
	return next ? next : first_at_level(root, 0, level + 1);
}
