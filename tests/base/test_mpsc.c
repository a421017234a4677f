/* test_mpsc.c - weft/mpsc.h: order, the promise of a wake, and no loss between threads. */
/* check: tsan valgrind */
#include "weft/mpsc.h"

#include <pthread.h>
#include <semaphore.h>

#include "check.h"
#include "weft/list.h"

#define PRODUCERS 4

struct item {
	struct weft_mpsc_node node;
	unsigned producer;
	unsigned number;
};

static struct item *item_of(struct weft_mpsc_node *node)
{
	return weft_container_of(node, struct item, node);
}

CHECK_CASE(an_empty_queue_gives_nothing)
{
	struct weft_mpsc queue;

	weft_mpsc_init(&queue);
	CHECK(weft_mpsc_is_empty(&queue));
	CHECK(weft_mpsc_take_all(&queue) == NULL);
}

CHECK_CASE(nodes_come_out_in_the_order_of_the_pushes)
{
	struct item items[100];
	struct weft_mpsc_node *node;
	struct weft_mpsc queue;

	weft_mpsc_init(&queue);
	for (unsigned i = 0; i < 100; i++) {
		items[i].number = i;
		weft_mpsc_push(&queue, &items[i].node);
	}
	CHECK(!weft_mpsc_is_empty(&queue));
	node = weft_mpsc_take_all(&queue);
	for (unsigned i = 0; i < 100; i++, node = node->next)
		CHECK_INT(item_of(node)->number, ==, i);
	CHECK(node == NULL);
	CHECK(weft_mpsc_is_empty(&queue));
}

CHECK_CASE(only_the_first_push_after_a_take_says_that_the_queue_was_empty)
{
	struct item items[3];
	struct weft_mpsc queue;

	weft_mpsc_init(&queue);
	for (int round = 0; round < 2; round++) {
		CHECK(weft_mpsc_push(&queue, &items[0].node));
		CHECK(!weft_mpsc_push(&queue, &items[1].node));
		CHECK(!weft_mpsc_push(&queue, &items[2].node));
		CHECK(weft_mpsc_take_all(&queue) == &items[0].node);
	}
}

CHECK_CASE(a_taken_node_may_be_pushed_again_while_the_rest_of_the_chain_is_walked)
{
	struct item items[4];
	struct weft_mpsc_node *node, *next;
	struct weft_mpsc queue;

	weft_mpsc_init(&queue);
	for (int i = 0; i < 4; i++)
		weft_mpsc_push(&queue, &items[i].node);
	for (int round = 0; round < 3; round++) {
		node = weft_mpsc_take_all(&queue);
		for (int i = 0; i < 4; i++, node = next) {
			next = node->next;
			CHECK(node == &items[i].node);
			weft_mpsc_push(&queue, node);
		}
		CHECK(node == NULL);
	}
}

/* ---- Between threads ------------------------------------------------------------ */

struct shared {
	struct weft_mpsc queue;
	sem_t wake;
	unsigned each; /* items of one producer */
};

struct producer {
	struct shared *shared;
	unsigned index;
	unsigned wakes;
};

/* Each item is freed by the consumer at once: a producer that looks at it again is caught. */
static void *produce(void *arg)
{
	struct producer *producer = arg;
	struct shared *shared = producer->shared;

	for (unsigned i = 0; i < shared->each; i++) {
		struct item *item = malloc(sizeof(*item));

		CHECK(item != NULL);
		item->producer = producer->index;
		item->number = i;
		if (weft_mpsc_push(&shared->queue, &item->node)) {
			producer->wakes++;
			CHECK_INT(sem_post(&shared->wake), ==, 0);
		}
	}
	return NULL;
}

/* Sleep until woken, once for each wake; hangs if a wake that is due never comes. */
static unsigned consume(struct shared *shared)
{
	unsigned next[PRODUCERS] = {0}, left = PRODUCERS * shared->each, wakes = 0;
	struct weft_mpsc_node *node, *after;

	while (left > 0) {
		while (sem_wait(&shared->wake) < 0)
			CHECK_INT(errno, ==, EINTR);
		wakes++;
		node = weft_mpsc_take_all(&shared->queue);
		CHECK(node != NULL);
		for (; node; node = after, left--) {
			struct item *item = item_of(node);

			after = node->next;
			CHECK_INT(item->producer, <, PRODUCERS);
			CHECK_INT(item->number, ==, next[item->producer]);
			next[item->producer]++;
			free(item);
		}
	}
	return wakes;
}

CHECK_CASE(threads_lose_nothing_keep_their_order_and_wake_the_consumer_once_a_batch)
{
	struct shared shared = {.each = check_rounds(20000)};
	struct producer producers[PRODUCERS];
	pthread_t threads[PRODUCERS];
	unsigned wakes, promised = 0;

	weft_mpsc_init(&shared.queue);
	CHECK_INT(sem_init(&shared.wake, 0, 0), ==, 0);
	for (unsigned i = 0; i < PRODUCERS; i++) {
		producers[i] = (struct producer){&shared, i, 0};
		CHECK_INT(pthread_create(&threads[i], NULL, produce, &producers[i]), ==, 0);
	}
	wakes = consume(&shared);
	for (unsigned i = 0; i < PRODUCERS; i++) {
		CHECK_INT(pthread_join(threads[i], NULL), ==, 0);
		promised += producers[i].wakes;
	}
	CHECK_INT(wakes, ==, promised);
	CHECK(weft_mpsc_is_empty(&shared.queue));
	sem_destroy(&shared.wake);
}

CHECK_MAIN()
