/*
 * slab.c - see slab.h.
 *
 *	block:	[ header | object | object | ... ]	at a multiple of its size
 *
 * An object's block is found by its address. Objects that were given back are taken first; those
 * that never were used are not touched, so that a block costs the pages that it needs.
 *
 * Never: keeps more than one block in which nothing is.
 */
#include "base/slab.h"

#include <assert.h>
#include <stdint.h>
#include <sys/mman.h>

#define ALIGNMENT 16

/* What is not in use may not be touched, but for the link at its beginning: AddressSanitizer. */
#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/asan_interface.h>
#define LOCK(at, size)   ASAN_POISON_MEMORY_REGION((char *)(at) + ALIGNMENT, (size)-ALIGNMENT)
#define UNLOCK(at, size) ASAN_UNPOISON_MEMORY_REGION((at), (size))
#else
#define LOCK(at, size)   ((void)(at))
#define UNLOCK(at, size) ((void)(at))
#endif

struct block {
	struct weft_list_node node; /* in the slab's list, while there is room */
	void *given;                /* objects given back, each with the next one in it */
	size_t fresh_at;            /* where the next one that was never used begins */
	size_t count;               /* in use */
};

#define FIRST_AT ((sizeof(struct block) + ALIGNMENT - 1) & ~(size_t)(ALIGNMENT - 1))

void weft__slab_init(struct weft__slab *slab, size_t size)
{
	size = (size + ALIGNMENT - 1) & ~(size_t)(ALIGNMENT - 1);
	assert(size >= sizeof(void *) && size <= WEFT__SLAB_BLOCK / 9);
	*slab = (struct weft__slab){.size = size};
	weft_list_init(&slab->free);
}

static void block_free(struct weft__slab *slab, struct block *block)
{
	weft_list_remove(&block->node);
	slab->empty_count--;
	UNLOCK(block, WEFT__SLAB_BLOCK);
	munmap(block, WEFT__SLAB_BLOCK);
}

void weft__slab_fini(struct weft__slab *slab)
{
	struct weft_list_node *node;

	while ((node = weft_list_first(&slab->free)) != NULL) {
		struct block *block = weft_container_of(node, struct block, node);

		assert(block->count == 0);
		block_free(slab, block);
	}
}

/* The kernel aligns to pages only: map twice as much, and give back what is around it. */
static struct block *map_aligned(void)
{
	char *memory = mmap(NULL, 2 * WEFT__SLAB_BLOCK, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	size_t before;

	if (memory == MAP_FAILED)
		return NULL;
	before = -(uintptr_t)memory & (WEFT__SLAB_BLOCK - 1);
	if (before > 0)
		munmap(memory, before);
	munmap(memory + before + WEFT__SLAB_BLOCK, WEFT__SLAB_BLOCK - before);
	return (struct block *)(memory + before);
}

static struct block *block_new(struct weft__slab *slab)
{
	struct block *block = map_aligned();

	if (!block)
		return NULL;
	block->given = NULL;
	block->fresh_at = FIRST_AT;
	block->count = 0;
	weft_list_push_front(&slab->free, &block->node);
	slab->empty_count++;
	return block;
}

static bool is_full(const struct weft__slab *slab, const struct block *block)
{
	return !block->given && WEFT__SLAB_BLOCK - block->fresh_at < slab->size;
}

void *weft__slab_take(struct weft__slab *slab)
{
	struct block *block;
	void *object;

	if (weft_list_is_empty(&slab->free) && !block_new(slab))
		return NULL;
	block = weft_container_of(weft_list_first(&slab->free), struct block, node);
	slab->empty_count -= block->count++ == 0;
	object = block->given;
	if (object) {
		block->given = *(void **)object;
	} else {
		object = (char *)block + block->fresh_at;
		block->fresh_at += slab->size;
	}
	if (is_full(slab, block))
		weft_list_remove(&block->node);
	UNLOCK(object, slab->size);
	return object;
}

void weft__slab_give(struct weft__slab *slab, void *object)
{
	struct block *block = (void *)((uintptr_t)object & ~(uintptr_t)(WEFT__SLAB_BLOCK - 1));

	if (is_full(slab, block))
		weft_list_push_front(&slab->free, &block->node);
	*(void **)object = block->given;
	block->given = object;
	LOCK(object, slab->size);
	if (--block->count > 0)
		return;
	slab->empty_count++;
	if (slab->empty_count > 1)
		block_free(slab, block);
}
