/*
 * weft/tree.h - an intrusive ordered tree: the caller's structs carry the nodes.
 *
 *	struct arena {
 *		uintptr_t start;
 *		struct weft_tree_node node;
 *	};
 *
 *	static int by_start(const void *key, const struct weft_tree_node *node, void *context)
 *	{
 *		uintptr_t start = weft_tree_entry(node, struct arena, node)->start;
 *		return (*(const uintptr_t *)key > start) - (*(const uintptr_t *)key < start);
 *	}
 *
 *	weft_tree_init(&tree, by_start, NULL);
 *	weft_tree_insert(&tree, &arena->start, &arena->node);
 *	node = weft_tree_floor(&tree, &address); // the last arena that starts at or before it
 *
 * It is an AVL tree: at most 1.45 * log2(count) + 1 levels, so finding, inserting and
 * removing are O(log count). Nothing allocates or recurses. The nodes are the
 * caller's: they stay where they are while they are in a tree, and each is in one
 * tree at a time. Errno is left alone but where an error is named.
 * Threads: any number may read while none writes. Reading is safe in a signal
 * handler that can't have interrupted a writer.
 */
#ifndef WEFT_TREE_H
#define WEFT_TREE_H

#include "weft/api.h"

WEFT_BEGIN

/** Room in the caller's struct; the fields are weft's. Needs no initialisation. */
struct weft_tree_node {
	struct weft_tree_node *parent;
	struct weft_tree_node *child[2]; /* before, after */
	int balance;                     /* height of child[1] less that of child[0]: -1, 0 or 1 */
};

/**
 * Less than 0, 0 or more than 0 as key comes before the node's own key, is equal to
 * it or comes after it. context is the tree's.
 */
typedef int weft_tree_compare_fn(const void *key, const struct weft_tree_node *node, void *context);

/** The fields are weft's; count may be read. */
struct weft_tree {
	struct weft_tree_node *root;
	weft_tree_compare_fn *compare;
	void *context;
	size_t count;
};

/** The struct of the given type whose member the node is. */
#define weft_tree_entry(node, type, member) ((type *)((char *)(node)-offsetof(type, member)))

/* ---- Life ------------------------------------------------------------------------- */

/** An empty tree. Nothing to undo: a tree that is no longer used is just forgotten. */
WEFT_API void weft_tree_init(struct weft_tree *tree, weft_tree_compare_fn *compare, void *context);

/* ---- Change ----------------------------------------------------------------------- */

/**
 * Put node in its place by key, which must be the one the node carries. Returns 0.
 * Errors: EEXIST (a node with an equal key is there already; nothing is changed).
 */
WEFT_API int weft_tree_insert(struct weft_tree *tree, const void *key, struct weft_tree_node *node);

/** Take node, which must be in this tree, out of it. All other nodes stay valid. */
WEFT_API void weft_tree_remove(struct weft_tree *tree, struct weft_tree_node *node);

/* ---- Search: the node, or NULL ---------------------------------------------------- */

/** The node whose key equals key. */
WEFT_API struct weft_tree_node *weft_tree_find(const struct weft_tree *tree, const void *key);

/** The first node not before key. */
WEFT_API struct weft_tree_node *weft_tree_lower_bound(
	const struct weft_tree *tree, const void *key);

/** The first node after key. */
WEFT_API struct weft_tree_node *weft_tree_upper_bound(
	const struct weft_tree *tree, const void *key);

/** The last node not after key. */
WEFT_API struct weft_tree_node *weft_tree_floor(const struct weft_tree *tree, const void *key);

/* ---- Walks ------------------------------------------------------------------------ */

/*
 * Each walk visits every node once, and needs no memory:
 *
 *	for (node = weft_tree_first(&tree); node; node = weft_tree_next(node))
 *
 * The tree must not change meanwhile, but for what a walk says. Whole walks are
 * O(count); so is a level-order one but for lopsided trees: O(count * log(count)).
 */

/** In order: ascending. A node may be removed once its next one is known. */
WEFT_API struct weft_tree_node *weft_tree_first(const struct weft_tree *tree);
WEFT_API struct weft_tree_node *weft_tree_next(const struct weft_tree_node *node);

/** In order, from the end: descending. */
WEFT_API struct weft_tree_node *weft_tree_last(const struct weft_tree *tree);
WEFT_API struct weft_tree_node *weft_tree_prev(const struct weft_tree_node *node);

/** Each node before its children: the order in which a copy of the tree is built. */
WEFT_API struct weft_tree_node *weft_tree_preorder_first(const struct weft_tree *tree);
WEFT_API struct weft_tree_node *weft_tree_preorder_next(const struct weft_tree_node *node);

/**
 * Each node after its children: the order in which a tree is freed. Once its next
 * one is known a node isn't looked at again, and may be freed without removing it;
 * the tree is to be initialised anew afterwards.
 */
WEFT_API struct weft_tree_node *weft_tree_postorder_first(const struct weft_tree *tree);
WEFT_API struct weft_tree_node *weft_tree_postorder_next(const struct weft_tree_node *node);

/** The root, then its children, then theirs; each level from its least node to its greatest. */
WEFT_API struct weft_tree_node *weft_tree_levelorder_first(const struct weft_tree *tree);
WEFT_API struct weft_tree_node *weft_tree_levelorder_next(const struct weft_tree_node *node);

WEFT_END

#endif
