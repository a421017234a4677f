/*
 * timer_min.c - yardstick: the least that a deadline costs.
 *
 *	timer_min pending COUNT	push a key into a binary heap of so many and remove it, with
 *				each key's place known; then one that is before all
 *	timer_min scope		a look at the clock, and another at the end
 *
 * Prints nanoseconds.
 */
#include "timed.h"

#include <string.h>

#define ROUNDS    (1000 * 1000)
#define LATEST    ((int64_t)3600 * 1000000000)
#define COUNT_MAX (100 * 1000 * 1000)

struct slot {
	int64_t key;
	uint32_t id;
};

static struct slot *heap;
static uint32_t *places; /* by id */
static size_t count;

static int64_t random_key(void)
{
	static uint64_t state = 1;

	state = state * 6364136223846793005 + 1442695040888963407;
	return (int64_t)((state >> 20) % LATEST);
}

static void put(size_t place, struct slot slot)
{
	heap[place] = slot;
	places[slot.id] = (uint32_t)place;
}

static void rise(size_t place, struct slot slot)
{
	for (; place > 0 && heap[(place - 1) / 2].key > slot.key; place = (place - 1) / 2)
		put(place, heap[(place - 1) / 2]);
	put(place, slot);
}

static void sink(size_t place, struct slot slot)
{
	for (size_t child; (child = 2 * place + 1) < count; place = child) {
		if (child + 1 < count && heap[child + 1].key < heap[child].key)
			child++;
		if (heap[child].key >= slot.key)
			break;
		put(place, heap[child]);
	}
	put(place, slot);
}

static void push(int64_t key, uint32_t id)
{
	rise(count++, (struct slot){key, id});
}

static void pull(uint32_t id)
{
	size_t place = places[id];
	struct slot last = heap[--count];

	if (place == count)
		return;
	if (place > 0 && heap[(place - 1) / 2].key > last.key)
		rise(place, last);
	else
		sink(place, last);
}

/* Keys that are so much less than they might be come before all others, or anywhere. */
static double time_pushes(int64_t less)
{
	uint32_t id = (uint32_t)count;
	int64_t start = limit_cpu();

	for (int i = 0; i < ROUNDS; i++) {
		push(random_key() - less, id);
		pull(id);
	}
	return (double)(limit_cpu() - start) / ROUNDS;
}

static void fill(size_t pending)
{
	heap = malloc((pending + 1) * sizeof(*heap));
	places = malloc((pending + 1) * sizeof(*places));
	if (!heap || !places)
		exit(1);
	while (count < pending)
		push(random_key(), (uint32_t)count);
}

static double time_scope(void)
{
	int64_t start = limit_cpu(), sum = 0;

	for (int i = 0; i < ROUNDS; i++)
		sum -= limit_now() - limit_now();
	__asm__ volatile("" : : "r"(sum));
	return (double)(limit_cpu() - start) / ROUNDS;
}

int main(int argc, char **argv)
{
	size_t pending = argc == 3 ? strtoul(argv[2], NULL, 10) : 0;
	double cost;

	if (argc == 3 && strcmp(argv[1], "pending") == 0 && pending <= COUNT_MAX) {
		fill(pending);
		cost = time_pushes(0);
		printf("%.4f %.4f\n", cost, time_pushes(LATEST));
	} else if (argc == 2 && strcmp(argv[1], "scope") == 0) {
		cost = time_scope();
		printf("%.4f %.4f %.4f\n", cost, cost, cost);
	} else {
		fprintf(stderr, "usage: %s pending COUNT|scope\n", argv[0]);
		return 2;
	}
	return 0;
}
