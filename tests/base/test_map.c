/*
 * test_map.c - base/map.c: random use against a plain list in the order of insertion,
 * and each promise of weft/map.h by itself.
 */
#include "weft/map.h"

#include <sys/resource.h>

#include "base/prng.h"
#include "check.h"

static const uint8_t seed_a[WEFT_MAP_SEED_SIZE] = {1};
static const uint8_t seed_b[WEFT_MAP_SEED_SIZE] = {2};

static struct weft_map *new_map(const uint8_t *seed, size_t count_max)
{
	const struct weft_map_options options = {seed, count_max};
	struct weft_map *map = weft_map_new(&options);

	CHECK(map);
	return map;
}

/* ---- Random use ------------------------------------------------------------------- */

#define KEYS_MAX 3000

/* Key i is KEY_LEN(i) bytes of text[i]: some are each other's beginnings, one is empty. */
#define KEY_LEN(i) ((size_t)(i) % 37)

static char text[KEYS_MAX][37];

/* The model: present keys in the order of insertion. */
struct model {
	int key[KEYS_MAX];
	void *value[KEYS_MAX];
	size_t count;
};

static void make_keys(void)
{
	for (int i = 0; i < KEYS_MAX; i++) {
		memset(text[i], i % 3 ? 'x' : 0, sizeof(text[i]));
		/* Number and length make keys distinct, but some of the shortest are equal. */
		for (size_t at = 0; at < 2 && at < KEY_LEN(i); at++)
			text[i][at] = (char)(i >> (8 * at));
	}
}

static bool equal_keys(int a, int b)
{
	return KEY_LEN(a) == KEY_LEN(b) && memcmp(text[a], text[b], KEY_LEN(a)) == 0;
}

static size_t model_find(const struct model *model, int key)
{
	size_t i = 0;

	while (i < model->count && !equal_keys(model->key[i], key))
		i++;
	return i;
}

static void put_both(struct model *model, struct weft_map *map, int key, void *value)
{
	size_t at = model_find(model, key);
	void *old = map;

	CHECK_INT(weft_map_put(map, text[key], KEY_LEN(key), value, &old), ==, 0);
	if (at == model->count) {
		CHECK(!old);
		model->count++;
	} else {
		CHECK(old == model->value[at]);
	}
	model->key[at] = key;
	model->value[at] = value;
}

static void remove_both(struct model *model, struct weft_map *map, int key)
{
	size_t at = model_find(model, key);
	void *old = weft_map_remove(map, text[key], KEY_LEN(key));

	if (at == model->count) {
		CHECK(!old);
		return;
	}
	CHECK(old == model->value[at]);
	model->count--;
	for (; at < model->count; at++) {
		model->key[at] = model->key[at + 1];
		model->value[at] = model->value[at + 1];
	}
}

static void check_same(const struct model *model, const struct weft_map *map)
{
	const struct weft_map_entry *entry;
	size_t cursor = 0, i = 0;

	CHECK_INT(weft_map_count(map), ==, model->count);
	for (; (entry = weft_map_next(map, &cursor)); i++) {
		CHECK_INT(i, <, model->count);
		CHECK(entry->key == text[model->key[i]]); /* the very bytes put last */
		CHECK_INT(entry->len, ==, KEY_LEN(model->key[i]));
		CHECK(entry->value == model->value[i]);
		CHECK(weft_map_get(map, entry->key, entry->len) == entry->value);
	}
	CHECK_INT(i, ==, model->count);
	CHECK(!weft_map_next(map, &cursor));
}

static void use_at_random(unsigned seed)
{
	static struct model model;
	struct prng prng = {seed};
	int keys = 1 + (int)prng_below(&prng, seed % 8 ? 100 : KEYS_MAX);
	struct weft_map *map = new_map(seed % 2 ? seed_a : seed_b, 0);

	model.count = 0;
	for (int phase = 0; phase < 6; phase++) {
		unsigned puts_of_8 = 1 + (unsigned)prng_below(&prng, 7); /* it grows or shrinks */

		for (int i = 0; i < 2 * keys; i++) {
			int key = (int)prng_below(&prng, (uint64_t)keys);
			size_t at = model_find(&model, key);

			if (prng_below(&prng, 8) < puts_of_8)
				put_both(&model, map, key, &text[prng_below(&prng, KEYS_MAX)]);
			else
				remove_both(&model, map, key);
			key = (int)prng_below(&prng, (uint64_t)keys);
			at = model_find(&model, key);
			CHECK(weft_map_get(map, text[key], KEY_LEN(key)) ==
				(at < model.count ? model.value[at] : NULL));
		}
		check_same(&model, map);
	}
	weft_map_reset(map);
	model.count = 0;
	check_same(&model, map);
	put_both(&model, map, 0, text);
	check_same(&model, map);
	weft_map_free(map);
}

CHECK_CASE(random_use_gives_the_answers_and_the_order_of_a_list)
{
	make_keys();
	for (unsigned seed = 0; seed < check_rounds(48); seed++)
		use_at_random(seed);
}

/* ---- Promises --------------------------------------------------------------------- */

CHECK_CASE(a_new_map_is_empty_and_seeds_itself)
{
	struct weft_map *map = weft_map_new(NULL), *other = weft_map_new(NULL);
	size_t cursor = 0, other_cursor = 0;

	CHECK(map && other);
	CHECK_INT(weft_map_count(map), ==, 0);
	CHECK(!weft_map_get(map, "a", 1));
	CHECK(!weft_map_remove(map, "a", 1));
	CHECK(!weft_map_next(map, &cursor));
	for (uint64_t i = 0; i < 4; i++) {
		static const uint64_t numbers[4] = {0, 1, 2, 3};

		CHECK_INT(weft_map_put(map, &numbers[i], 8, map, NULL), ==, 0);
		CHECK_INT(weft_map_put(other, &numbers[i], 8, map, NULL), ==, 0);
	}
	cursor = 0;
	for (int same = 0, i = 0; i < 4; i++) {
		same += weft_map_next(map, &cursor)->hash ==
			weft_map_next(other, &other_cursor)->hash;
		CHECK_INT(same, <, 4); /* by chance once in 2^128 */
	}
	weft_map_free(map);
	weft_map_free(other);
	weft_map_free(NULL);
}

CHECK_CASE(the_seed_decides_the_hashes_and_not_the_order)
{
	static const uint64_t numbers[200] = {[7] = 1, [8] = 2};
	struct weft_map *map[3] = {new_map(seed_a, 0), new_map(seed_b, 0), new_map(seed_a, 0)};
	size_t cursor[3] = {0, 0, 0}, differ = 0;

	for (int i = 0; i < 3; i++)
		for (size_t len = 0; len < sizeof(numbers); len++)
			CHECK_INT(weft_map_put(map[i], numbers, len, map, NULL), ==, 0);
	for (size_t len = 0; len < sizeof(numbers); len++) {
		const struct weft_map_entry *a = weft_map_next(map[0], &cursor[0]);
		const struct weft_map_entry *b = weft_map_next(map[1], &cursor[1]);
		const struct weft_map_entry *c = weft_map_next(map[2], &cursor[2]);

		CHECK(a->len == len && b->len == len && c->len == len);
		CHECK(a->hash == c->hash);
		differ += a->hash != b->hash;
	}
	CHECK_INT(differ, >=, sizeof(numbers) - 2);
	for (int i = 0; i < 3; i++)
		weft_map_free(map[i]);
}

CHECK_CASE(a_put_of_a_key_that_is_there_takes_over_the_new_bytes)
{
	struct weft_map *map = new_map(seed_a, 0);
	char first[] = "key", second[] = "key", *old;

	CHECK_INT(weft_map_put(map, first, 3, first, (void **)&old), ==, 0);
	CHECK(!old);
	CHECK_INT(weft_map_put(map, second, 3, second, (void **)&old), ==, 0);
	CHECK(old == first);
	memset(first, 0xff, sizeof(first)); /* as if it had been freed */
	CHECK(weft_map_get(map, "key", 3) == second);
	CHECK_INT(weft_map_count(map), ==, 1);
	weft_map_free(map);
}

CHECK_CASE(a_full_map_says_so_and_stays_as_it_is)
{
	static const uint32_t numbers[101];
	struct weft_map *map = new_map(NULL, 100);
	void *old = map;

	for (size_t i = 0; i < 100; i++)
		CHECK_INT(weft_map_put(map, numbers, i, map, NULL), ==, 0);
	CHECK_ERRNO(weft_map_put(map, numbers, 100, map, &old), ENOSPC);
	CHECK(old == map);
	CHECK_INT(weft_map_put(map, numbers, 50, &old, NULL), ==, 0); /* that one is there */
	CHECK_INT(weft_map_count(map), ==, 100);
	CHECK(weft_map_get(map, numbers, 99) == map);
	CHECK(weft_map_remove(map, numbers, 0) == map);
	CHECK_INT(weft_map_put(map, numbers, 100, map, NULL), ==, 0);
	weft_map_free(map);
}

CHECK_CASE(wrong_arguments_are_refused)
{
	const struct weft_map_options too_many = {NULL, WEFT_MAP_COUNT_MAX + 1};
	struct weft_map *map = new_map(seed_a, 0);
	void *old = map;

	CHECK_ERRNO(weft_map_new(&too_many), EINVAL);
	CHECK_ERRNO(weft_map_put(map, "a", 1, NULL, &old), EINVAL);
	CHECK_ERRNO(weft_map_put(map, "a", WEFT_MAP_KEY_MAX + 1, map, &old), EMSGSIZE);
	CHECK(old == map);
	CHECK_INT(weft_map_count(map), ==, 0);
	weft_map_free(map);
}

/* Numbers 0 to count - 1 by their bytes, each its own value. */
static struct weft_map *map_of_numbers(uint32_t *numbers, uint32_t count)
{
	struct weft_map *map = new_map(seed_a, 0);

	for (uint32_t i = 0; i < count; i++) {
		numbers[i] = i;
		CHECK_INT(weft_map_put(map, &numbers[i], 4, &numbers[i], NULL), ==, 0);
	}
	return map;
}

CHECK_CASE(keys_may_be_removed_and_values_put_anew_while_stepping)
{
	enum { COUNT = 1000 };
	static uint32_t numbers[COUNT];
	struct weft_map *map = map_of_numbers(numbers, COUNT);
	const struct weft_map_entry *entry;
	size_t cursor = 0;
	uint32_t expected = 0;

	while ((entry = weft_map_next(map, &cursor))) {
		uint32_t *number = entry->value, last = COUNT - 1 - *number / 3;

		CHECK_INT(*number, ==, expected++);
		CHECK_INT(weft_map_put(map, number, 4, number, NULL), ==, 0);
		if (*number % 3)
			CHECK(weft_map_remove(map, number, 4) == number);
		else if (last > *number)
			CHECK(weft_map_remove(map, &last, 4) == &numbers[last]);
	}
	CHECK_INT(expected, ==, 750); /* from behind, every third step took one away */
	CHECK_INT(weft_map_count(map), ==, 250);
	weft_map_free(map);
}

CHECK_CASE(the_oldest_key_is_found_at_once_after_any_number_of_removals)
{
	enum { COUNT = 1000000 }; /* in quadratic time the alarm would end this */
	static uint32_t numbers[COUNT];
	struct weft_map *map = map_of_numbers(numbers, COUNT);

	for (uint32_t i = 0; i < COUNT; i++) {
		const struct weft_map_entry *oldest;
		size_t cursor = 0;

		oldest = weft_map_next(map, &cursor);
		CHECK(oldest && oldest->value == &numbers[i]);
		CHECK(weft_map_remove(map, oldest->key, oldest->len) == &numbers[i]);
	}
	CHECK_INT(weft_map_count(map), ==, 0);
	weft_map_free(map);
}

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SANITIZED 1
#endif
#endif

CHECK_CASE(a_map_used_as_a_queue_does_not_grow)
{
#ifndef SANITIZED /* they map far more than any limit */
	static uint32_t numbers[64];
	struct weft_map *map = map_of_numbers(numbers, 50);
	const struct rlimit little = {24 << 20, 24 << 20};

	CHECK_INT(setrlimit(RLIMIT_AS, &little), ==, 0);
	for (uint32_t i = 50; i < 2000000; i++) { /* 48 MB, were they all kept */
		CHECK(weft_map_remove(map, &numbers[(i - 50) % 64], 4) == &numbers[(i - 50) % 64]);
		numbers[i % 64] = i;
		CHECK_INT(weft_map_put(map, &numbers[i % 64], 4, &numbers[i % 64], NULL), ==, 0);
	}
	CHECK_INT(weft_map_count(map), ==, 50);
	weft_map_free(map);
#endif
}

CHECK_CASE(a_put_without_memory_says_so_and_changes_nothing)
{
#ifndef SANITIZED
	enum { COUNT = 2000000 };
	static uint32_t numbers[COUNT];
	struct weft_map *map = new_map(seed_a, 0);
	const struct rlimit little = {48 << 20, 48 << 20};
	uint32_t fit = 0;
	void *old = map;

	CHECK_INT(setrlimit(RLIMIT_AS, &little), ==, 0);
	for (; fit < COUNT; fit++) {
		numbers[fit] = fit;
		errno = 0;
		if (weft_map_put(map, &numbers[fit], 4, &numbers[fit], &old) < 0)
			break;
		CHECK(!old);
		old = map;
	}
	CHECK_INT(errno, ==, ENOMEM);
	CHECK(old == map);
	CHECK_INT(fit, >, 200000);
	CHECK_INT(weft_map_count(map), ==, fit);
	for (uint32_t i = 0; i < fit; i++)
		CHECK(weft_map_get(map, &i, 4) == &numbers[i]);
	CHECK(!weft_map_get(map, &fit, 4));
	CHECK(weft_map_remove(map, &numbers[0], 4) == &numbers[0]);
	weft_map_free(map);
#endif
}

CHECK_MAIN()
