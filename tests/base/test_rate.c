/*
 * test_rate.c - base/rate.c: token buckets by key, in bounded memory, for threads and processes.
 *
 * check: tsan
 */
#include <pthread.h>

#include "check.h"
#include "weft/rate.h"

#define NOW WEFT_SECONDS(1000)

static struct weft_rate *rate_of(double per_second, unsigned burst, size_t keys_max)
{
	struct weft_rate *rate = weft_rate_new(&(struct weft_rate_options){
		.per_second = per_second, .burst = burst, .keys_max = keys_max});

	CHECK(rate);
	return rate;
}

static int64_t take(struct weft_rate *rate, const char *key, int64_t now_ns)
{
	return weft_rate_take(rate, key, strlen(key), now_ns);
}

CHECK_CASE(a_bucket_holds_its_burst_and_fills_up_by_the_rate)
{
	struct weft_rate *rate = rate_of(10, 3, 0);

	for (int i = 0; i < 3; i++)
		CHECK_INT(take(rate, "a", NOW), ==, 0);
	CHECK_INT(take(rate, "a", NOW), ==, WEFT_MILLISECONDS(100));
	CHECK_INT(take(rate, "a", NOW + WEFT_MILLISECONDS(60)), ==, WEFT_MILLISECONDS(40));
	CHECK_INT(take(rate, "a", NOW + WEFT_MILLISECONDS(100)), ==, 0);
	CHECK_INT(take(rate, "a", NOW + WEFT_MILLISECONDS(100)), ==, WEFT_MILLISECONDS(100));
	/* Full again, and no fuller than that. */
	for (int i = 0; i < 3; i++)
		CHECK_INT(take(rate, "a", NOW + WEFT_SECONDS(100)), ==, 0);
	CHECK_INT(take(rate, "a", NOW + WEFT_SECONDS(100)), >, 0);
	weft_rate_free(rate);
}

CHECK_CASE(another_rate_holds_at_once_and_what_was_taken_stays_taken)
{
	struct weft_rate *rate = rate_of(10, 3, 0);

	for (int i = 0; i < 3; i++)
		CHECK_INT(take(rate, "a", NOW), ==, 0);
	CHECK_INT(take(rate, "a", NOW), ==, WEFT_MILLISECONDS(100));
	CHECK_INT(weft_rate_adjust(rate, 10, 5), ==, 0);
	CHECK_INT(take(rate, "a", NOW), ==, 0);
	CHECK_INT(take(rate, "a", NOW), ==, 0);
	CHECK_INT(take(rate, "a", NOW), ==, WEFT_MILLISECONDS(100));
	CHECK_INT(weft_rate_adjust(rate, 1, 0), ==, 0);
	CHECK_INT(take(rate, "b", NOW), ==, 0);
	CHECK_INT(take(rate, "b", NOW), ==, WEFT_SECONDS(1));
	CHECK_ERRNO(weft_rate_adjust(rate, 0, 1), EINVAL);
	CHECK_INT(take(rate, "c", NOW), ==, 0);
	weft_rate_free(rate);
}

CHECK_CASE(keys_have_buckets_of_their_own)
{
	struct weft_rate *rate = rate_of(1, 1, 0);

	CHECK_INT(take(rate, "a", NOW), ==, 0);
	CHECK_INT(take(rate, "b", NOW), ==, 0);
	CHECK_INT(take(rate, "", NOW), ==, 0);
	CHECK_INT(take(rate, "a", NOW), ==, WEFT_SECONDS(1));
	CHECK_INT(take(rate, "", NOW), ==, WEFT_SECONDS(1));
	weft_rate_free(rate);
}

CHECK_CASE(to_ask_how_long_takes_nothing)
{
	struct weft_rate *rate = rate_of(1, 2, 0);

	for (int i = 0; i < 5; i++)
		CHECK_INT(weft_rate_wait(rate, "a", 1, NOW), ==, 0);
	CHECK_INT(take(rate, "a", NOW), ==, 0);
	CHECK_INT(weft_rate_wait(rate, "a", 1, NOW), ==, 0);
	CHECK_INT(take(rate, "a", NOW), ==, 0);
	CHECK_INT(weft_rate_wait(rate, "a", 1, NOW), ==, WEFT_SECONDS(1));
	weft_rate_free(rate);
}

CHECK_CASE(a_crowd_of_keys_does_not_let_the_busiest_go_on)
{
	struct weft_rate *rate = rate_of(1, 100, 1024);
	int64_t now_ns = NOW;

	for (int i = 0; i < 100; i++)
		CHECK_INT(take(rate, "busy", now_ns), ==, 0);
	for (unsigned i = 0; i < 100000; i++)
		CHECK_INT(weft_rate_take(rate, &i, sizeof(i), now_ns), ==, 0);
	CHECK_INT(take(rate, "busy", now_ns), >, 0);
	weft_rate_free(rate);
}

CHECK_CASE(what_makes_no_rate_is_refused)
{
	static const struct weft_rate_options bad[] = {
		{.per_second = 0},
		{.per_second = -1},
		{.per_second = 2e9},
		{.per_second = 1e-6},
		{.per_second = 1, .keys_max = WEFT_RATE_KEYS_MAX + 1},
		{.per_second = 0.001, .burst = UINT32_MAX},
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		CHECK_ERRNO(weft_rate_new(&bad[i]), EINVAL);
}

#define THREADS 4
#define TRIES   20000

static void *take_often(void *arg)
{
	struct weft_rate *rate = arg;
	intptr_t taken = 0;

	for (int i = 0; i < TRIES; i++)
		taken += take(rate, "shared", NOW) == 0;
	return (void *)taken;
}

CHECK_CASE(threads_together_get_no_more_than_the_burst)
{
	struct weft_rate *rate = rate_of(1, THREADS * TRIES / 2, 0);
	pthread_t threads[THREADS];
	intptr_t taken = 0;

	CHECK_INT(take(rate, "shared", NOW), ==, 0); /* it has its place */
	for (int i = 0; i < THREADS; i++)
		CHECK_INT(pthread_create(&threads[i], NULL, take_often, rate), ==, 0);
	for (int i = 0; i < THREADS; i++) {
		void *result;

		CHECK_INT(pthread_join(threads[i], &result), ==, 0);
		taken += (intptr_t)result;
	}
	CHECK_INT(taken, ==, THREADS * TRIES / 2 - 1);
	weft_rate_free(rate);
}

CHECK_CASE(a_child_takes_from_its_parents_bucket)
{
	struct weft_rate *rate = rate_of(1, 1, 0);
	pid_t child = fork();
	int status;

	CHECK_INT(child, >=, 0);
	if (child == 0)
		_exit(take(rate, "a", NOW) == 0 ? 0 : 1);
	CHECK_INT(waitpid(child, &status, 0), ==, child);
	CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	CHECK_INT(take(rate, "a", NOW), >, 0);
	weft_rate_free(rate);
}

CHECK_MAIN()
