/* test_buf.c - weft/buf.h against the stream of bytes that went in. */
/* check: valgrind */
#include "weft/buf.h"

#include "base/hostile.h"
#include "base/prng.h"

CHECK_CASE(an_empty_buffer_holds_nothing_and_consumes_nothing)
{
	struct weft_buf buf;

	weft_buf_init(&buf, 100);
	CHECK_INT(weft_buf_len(&buf), ==, 0);
	CHECK_INT(weft_buf_room(&buf), ==, 100);
	CHECK(weft_buf_data(&buf) == NULL);
	weft_buf_consume(&buf, 0);
	CHECK_INT(weft_buf_append(&buf, NULL, 0), ==, 0);
	CHECK(weft_buf_reserve(&buf, 0) != NULL);
	CHECK_INT(weft_buf_len(&buf), ==, 0);
	CHECK_DIES(weft_buf_consume(&buf, 1));
	weft_buf_fini(&buf);
}

CHECK_CASE(a_buffer_holds_its_bound_and_not_a_byte_more)
{
	static const size_t bounds[] = {0, 1, 511, 512, 513, 5000};
	struct weft_buf buf;

	for (size_t i = 0; i < sizeof(bounds) / sizeof(bounds[0]); i++) {
		weft_buf_init(&buf, bounds[i]);
		for (size_t len = 0; len < bounds[i]; len++)
			CHECK_INT(weft_buf_append(&buf, "x", 1), ==, 0);
		CHECK_ERRNO(weft_buf_append(&buf, "x", 1), ENOBUFS);
		CHECK_ERRNO(weft_buf_reserve(&buf, 1), ENOBUFS);
		CHECK_INT(weft_buf_len(&buf), ==, bounds[i]);
		CHECK(weft_buf_reserve(&buf, 0) != NULL);
		weft_buf_fini(&buf);
	}
}

CHECK_CASE(consumed_bytes_make_room_under_the_bound_again)
{
	struct weft_buf buf;

	weft_buf_init(&buf, 4);
	for (int round = 0; round < 5000; round++) {
		CHECK_INT(weft_buf_append(&buf, "abcd", 4), ==, 0);
		weft_buf_consume(&buf, 1);
		CHECK_INT(weft_buf_append(&buf, "e", 1), ==, 0);
		CHECK_MEM(weft_buf_data(&buf), "bcde", 4);
		weft_buf_consume(&buf, 4);
	}
	weft_buf_fini(&buf);
}

CHECK_CASE(sizes_near_the_end_of_memory_fail_and_change_nothing)
{
	struct weft_buf buf;

	weft_buf_init(&buf, 1000);
	CHECK_INT(weft_buf_append(&buf, "kept", 4), ==, 0);
	CHECK_ERRNO(weft_buf_reserve(&buf, SIZE_MAX), ENOBUFS);
	CHECK_ERRNO(weft_buf_reserve(&buf, SIZE_MAX - 3), ENOBUFS);
	CHECK_ERRNO(weft_buf_append(&buf, "x", SIZE_MAX / 2), ENOBUFS);
	weft_buf_fini(&buf);

	weft_buf_init(&buf, SIZE_MAX);
	CHECK_INT(weft_buf_room(&buf), ==, WEFT_BUF_LEN_MAX);
	CHECK_INT(weft_buf_append(&buf, "kept", 4), ==, 0);
	CHECK_ERRNO(weft_buf_reserve(&buf, WEFT_BUF_LEN_MAX), ENOBUFS);
	CHECK_ERRNO(weft_buf_reserve(&buf, WEFT_BUF_LEN_MAX - 4), ENOMEM);
	CHECK_ERRNO(weft_buf_reserve(&buf, HOSTILE_SIZE), ENOMEM);
	CHECK_INT(weft_buf_len(&buf), ==, 4);
	CHECK_MEM(weft_buf_data(&buf), "kept", 4);
	weft_buf_fini(&buf);
}

CHECK_CASE(committing_more_than_was_reserved_is_caught)
{
	struct weft_buf buf;

	weft_buf_init(&buf, 10);
	CHECK_DIES(weft_buf_commit(&buf, 1));
	CHECK(weft_buf_reserve(&buf, 5) != NULL);
	CHECK_DIES(
		weft_buf_commit(&buf, 11)); /* there is memory for it, but the bound forbids it */
	CHECK_DIES(weft_buf_commit(&buf, SIZE_MAX));
	weft_buf_fini(&buf);
}

CHECK_CASE(clear_keeps_the_memory_and_fini_keeps_the_bound)
{
	struct weft_buf buf;
	const char *bytes;

	weft_buf_init(&buf, 10);
	CHECK_INT(weft_buf_append(&buf, "0123456789", 10), ==, 0);
	bytes = weft_buf_data(&buf);
	weft_buf_clear(&buf);
	CHECK_INT(weft_buf_append(&buf, "9876543210", 10), ==, 0);
	CHECK(weft_buf_data(&buf) == bytes);
	weft_buf_fini(&buf);
	CHECK_INT(weft_buf_len(&buf), ==, 0);
	CHECK_INT(weft_buf_append(&buf, "0123456789", 10), ==, 0);
	CHECK_ERRNO(weft_buf_append(&buf, "x", 1), ENOBUFS);
	weft_buf_fini(&buf);
}

/* ---- Against a model ---------------------------------------------------------- */

/* The byte at each position of the stream follows from the position alone. */
static char stream_byte(size_t position)
{
	return (char)((position * 2654435761u) >> 13);
}

static void append(struct weft_buf *buf, size_t position, size_t len)
{
	char *room = weft_buf_reserve(buf, len);

	CHECK(room != NULL);
	for (size_t i = 0; i < len; i++)
		room[i] = stream_byte(position + i);
	weft_buf_commit(buf, len);
}

static void check_bytes(const struct weft_buf *buf, size_t position, size_t len)
{
	const char *data = weft_buf_data(buf);

	CHECK_INT(weft_buf_len(buf), ==, len);
	for (size_t i = 0; i < len; i++)
		CHECK_INT(data[i], ==, stream_byte(position + i));
}

CHECK_CASE(bytes_come_out_as_they_went_in_however_reads_and_writes_fall)
{
	struct prng prng = {11};
	size_t written, consumed, len, bound;
	struct weft_buf buf;

	for (unsigned round = 0; round < check_rounds(200); round++) {
		written = consumed = 0;
		bound = 1 + (prng_next(&prng) & 0xfffff) % (1u << prng_below(&prng, 13));
		weft_buf_init(&buf, bound);
		for (int step = 0; step < 200; step++) {
			len = prng_below(&prng, bound - (written - consumed) + 1);
			append(&buf, written, len);
			written += len;
			len = prng_below(&prng, written - consumed + 1);
			weft_buf_consume(&buf, len);
			consumed += len;
			CHECK_INT(buf.capacity, <=, bound < 256 ? 512 : 2 * bound);
			if (step % 16 == 0)
				check_bytes(&buf, consumed, written - consumed);
		}
		weft_buf_fini(&buf);
	}
}

CHECK_CASE(a_nearly_full_buffer_is_moved_rarely)
{
	size_t bound = 1 << 20, moves = 0;
	struct weft_buf buf;

	/* Moving at each step would copy 64 GiB; the moves themselves are counted. */
	weft_buf_init(&buf, bound);
	append(&buf, 0, bound);
	for (size_t i = 0; i < (1 << 16); i++) {
		size_t start;

		weft_buf_consume(&buf, 100);
		start = buf.start;
		append(&buf, bound + i * 100, 100);
		moves += buf.start < start;
	}
	CHECK_INT(moves, <=, (1 << 16) * 100 / bound + 1);
	check_bytes(&buf, (1 << 16) * 100, bound);
	weft_buf_fini(&buf);
}

CHECK_MAIN()
