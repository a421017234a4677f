/*
 * sync_min.c - yardstick: the least that a lock and a queue between two cost.
 *
 *	sync_min lock		one compare-and-swap and one store
 *	sync_min chan		an item into a ring and out of it, each under such a lock; the
 *				same three times, for want of anything to switch to
 *	sync_min chan-across	two threads, a ring under a mutex with two conditions: of one
 *				place, then of 64
 *
 * Prints nanoseconds per lock and unlock, or per item.
 */
#include "timed.h"

#include <pthread.h>
#include <string.h>

#define ROUNDS       (10 * 1000 * 1000)
#define ITEMS_ACROSS (20 * 1000)
#define CAPACITY     64

static uint32_t word;
static uint64_t ring[CAPACITY], head, tail, capacity;

static inline void lock(void)
{
	uint32_t zero = 0;

	while (!__atomic_compare_exchange_n(&word, &zero, 1, 0, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
		zero = 0;
}

static inline void unlock(void)
{
	__atomic_store_n(&word, 0, __ATOMIC_RELEASE);
}

static double time_locks(void)
{
	int64_t start = limit_cpu();

	for (int i = 0; i < ROUNDS; i++) {
		lock();
		unlock();
	}
	return (double)(limit_cpu() - start) / ROUNDS;
}

static double time_ring(void)
{
	int64_t start = limit_cpu();
	uint64_t sum = 0;

	for (uint64_t i = 0; i < ROUNDS; i++) {
		lock();
		ring[tail++ % CAPACITY] = i;
		unlock();
		lock();
		sum += ring[head++ % CAPACITY];
		unlock();
	}
	__asm__ volatile("" : : "r"(sum));
	return (double)(limit_cpu() - start) / ROUNDS;
}

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t filled = PTHREAD_COND_INITIALIZER, emptied = PTHREAD_COND_INITIALIZER;

static void *send_items(void *count)
{
	for (uint64_t i = 0; i < *(uint64_t *)count; i++) {
		pthread_mutex_lock(&mutex);
		while (tail - head == capacity)
			pthread_cond_wait(&emptied, &mutex);
		ring[tail++ % CAPACITY] = i;
		pthread_cond_signal(&filled);
		pthread_mutex_unlock(&mutex);
	}
	return NULL;
}

static double time_across(uint64_t places, uint64_t count)
{
	int64_t start = limit_now();
	uint64_t sum = 0;
	pthread_t sender;

	capacity = places;
	if (pthread_create(&sender, NULL, send_items, &count) != 0)
		exit(1);
	for (uint64_t i = 0; i < count; i++) {
		pthread_mutex_lock(&mutex);
		while (tail == head)
			pthread_cond_wait(&filled, &mutex);
		sum += ring[head++ % CAPACITY];
		pthread_cond_signal(&emptied);
		pthread_mutex_unlock(&mutex);
	}
	pthread_join(sender, NULL);
	__asm__ volatile("" : : "r"(sum));
	return (double)(limit_now() - start) / (double)count;
}

int main(int argc, char **argv)
{
	double one, other;

	if (argc == 2 && strcmp(argv[1], "lock") == 0) {
		one = time_locks();
		printf("%.4f %.4f\n", one, one);
	} else if (argc == 2 && strcmp(argv[1], "chan") == 0) {
		one = time_ring();
		printf("%.4f %.4f %.4f\n", one, one, one);
	} else if (argc == 2 && strcmp(argv[1], "chan-across") == 0) {
		one = time_across(1, ITEMS_ACROSS);
		other = time_across(CAPACITY, 10 * ITEMS_ACROSS);
		printf("%.4f %.4f\n", one, other);
	} else {
		fprintf(stderr, "usage: %s lock|chan|chan-across\n", argv[0]);
		return 2;
	}
	return 0;
}
