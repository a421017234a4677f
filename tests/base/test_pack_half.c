/*
 * test_pack_half.c - base/pack's half floats: every one of them, and all the places between two.
 *
 * check: aarch64
 */
#include "base/pack.h"

#include <math.h>

#include "check.h"

CHECK_CASE(every_half_float_comes_back_from_double)
{
	for (unsigned bits = 0; bits <= 0xffff; bits++) {
		double number = weft__half_to_double((uint16_t)bits);
		uint16_t back;

		CHECK(weft__half_from_double(number, &back));
		if (isnan(number))
			CHECK((bits & 0x7c00) == 0x7c00 && (bits & 0x3ff) != 0 &&
				(back & 0x7e00) == 0x7e00);
		else
			CHECK_INT(back, ==, bits);
	}
}

/* The double next to number, away from zero (+1) or towards it (-1); libm isn't linked. */
static double neighbour(double number, int step)
{
	uint64_t bits;

	memcpy(&bits, &number, sizeof(bits));
	bits += (uint64_t)(int64_t)step;
	memcpy(&number, &bits, sizeof(number));
	return number;
}

CHECK_CASE(a_double_between_two_halves_goes_to_the_nearer_or_the_even_one)
{
	for (unsigned bits = 0; bits < 0x7bff; bits++) {
		double low = weft__half_to_double((uint16_t)bits);
		double high = weft__half_to_double((uint16_t)(bits + 1));
		double middle = (low + high) / 2;
		uint16_t got;

		CHECK(weft__half_from_double(middle, &got));
		CHECK_INT(got, ==, bits + (bits & 1));
		CHECK(weft__half_from_double(neighbour(middle, -1), &got));
		CHECK_INT(got, ==, bits);
		CHECK(weft__half_from_double(-neighbour(middle, +1), &got));
		CHECK_INT(got, ==, 0x8000 | (bits + 1));
	}
}

CHECK_CASE(what_would_round_to_infinity_is_refused_and_infinity_is_not)
{
	uint16_t bits = 0x1234;

	CHECK(!weft__half_from_double(65520.0, &bits));
	CHECK(!weft__half_from_double(-1e300, &bits));
	CHECK_INT(bits, ==, 0x1234);
	CHECK(weft__half_from_double(neighbour(65520.0, -1), &bits));
	CHECK_INT(bits, ==, 0x7bff);
	CHECK(weft__half_from_double(-(double)INFINITY, &bits));
	CHECK_INT(bits, ==, 0xfc00);
}

CHECK_CASE(what_is_too_small_becomes_zero_of_its_sign)
{
	uint16_t bits;

	CHECK(weft__half_from_double(0x1p-25, &bits));
	CHECK_INT(bits, ==, 0);
	CHECK(weft__half_from_double(-0x1p-1074, &bits));
	CHECK_INT(bits, ==, 0x8000);
	CHECK(weft__half_from_double(neighbour(0x1p-25, +1), &bits));
	CHECK_INT(bits, ==, 1);
}

CHECK_MAIN()
