/*
 * same_words.c - do two files hold the same words? As soon as they differ, the answer is known.
 *
 *	same_words FILE FILE
 *
 * Each file's words go into an ordered tree. Its in-order walk is a plain recursive
 * function; as a generator it hands out one word at a time, so that two walks, which no
 * recursion could do side by side, advance together.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <weft/gen.h>
#include <weft/tree.h>

#define WORD_MAX 63

struct word {
	struct weft_tree_node node;
	char text[WORD_MAX + 1];
};

static int compare(const void *key, const struct weft_tree_node *node, void *context)
{
	(void)context;
	return strcmp(key, weft_tree_entry(node, struct word, node)->text);
}

static int read_words(struct weft_tree *words, const char *path)
{
	FILE *file = fopen(path, "re");
	char text[WORD_MAX + 1];

	if (!file)
		return -1;
	while (fscanf(file, "%63s", text) == 1) {
		struct word *word = malloc(sizeof(*word));

		if (!word)
			break;
		memcpy(word->text, text, sizeof(text));
		if (weft_tree_insert(words, text, &word->node) < 0)
			free(word); /* it is there already */
	}
	fclose(file);
	return 0;
}

/* The walk, as one would write it on paper. */
static int walk(struct weft_gen *gen, struct weft_tree_node *node)
{
	if (!node)
		return 0;
	if (walk(gen, node->child[0]) < 0)
		return -1;
	if (weft_gen_yield(gen, weft_tree_entry(node, struct word, node)->text) < 0)
		return -1; /* nobody wants the rest */
	return walk(gen, node->child[1]);
}

static int in_order(struct weft_gen *gen, void *tree)
{
	return walk(gen, ((struct weft_tree *)tree)->root);
}

static void free_words(struct weft_tree *words)
{
	struct weft_tree_node *node = weft_tree_postorder_first(words), *next;

	for (; node; node = next) {
		next = weft_tree_postorder_next(node);
		free(weft_tree_entry(node, struct word, node));
	}
}

/* Prints the first difference. */
static int differ(struct weft_tree *left, struct weft_tree *right)
{
	struct weft_gen *of_left = weft_gen_new(in_order, left, NULL);
	struct weft_gen *of_right = weft_gen_new(in_order, right, NULL);
	void *a = NULL, *b = NULL;

	while (of_left && of_right) {
		if (!weft_gen_next(of_left, &a))
			a = NULL;
		if (!weft_gen_next(of_right, &b))
			b = NULL;
		if (!a || !b || strcmp(a, b) != 0)
			break;
	}
	if (a || b) {
		int order = !a ? 1 : !b ? -1 : strcmp(a, b);

		printf("only in the %s file: %s\n", order < 0 ? "first" : "second",
			(char *)(order < 0 ? a : b));
	}
	weft_gen_free(of_left);
	weft_gen_free(of_right);
	return a || b;
}

int main(int argc, char **argv)
{
	struct weft_tree words[2];
	int result = 2;

	if (argc != 3) {
		fprintf(stderr, "usage: %s FILE FILE\n", argv[0]);
		return 2;
	}
	weft_tree_init(&words[0], compare, NULL);
	weft_tree_init(&words[1], compare, NULL);
	if (read_words(&words[0], argv[1]) < 0)
		fprintf(stderr, "%s: %s\n", argv[1], strerror(errno));
	else if (read_words(&words[1], argv[2]) < 0)
		fprintf(stderr, "%s: %s\n", argv[2], strerror(errno));
	else
		result = differ(&words[0], &words[1]);
	free_words(&words[0]);
	free_words(&words[1]);
	return result;
}
