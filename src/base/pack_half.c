/*
 * pack_half.c - IEEE 754 half floats (binary16) to and from double, by integer arithmetic.
 *
 * Entry points: weft__half_from_double(), weft__half_to_double().
 *
 *	half    s eeeee ffffffffff             value (-1)^s * 2^(e-15) * 1.f
 *	double  s eeeeeeeeeee ffff...f (52)    value (-1)^s * 2^(e-1023) * 1.f
 *
 * Never: use the compiler's _Float16, which not every target has, or go through
 * float, which would round twice.
 */
#include "base/pack.h"

#include <string.h>

#define HALF_INFINITY     0x7c00
#define HALF_NAN          0x7e00
#define DOUBLE_FRACTION   52
#define HALF_FRACTION     10
#define HALF_EXPONENT_MIN (-14) /* of normal numbers; below it halves are subnormal */

bool weft__half_from_double(double number, uint16_t *ret_bits)
{
	uint64_t bits, significand, kept, rest, middle;
	unsigned sign, shift = DOUBLE_FRACTION - HALF_FRACTION;
	int exponent;

	memcpy(&bits, &number, sizeof(bits));
	sign = (unsigned)(bits >> 63) << 15;
	exponent = (int)(bits >> DOUBLE_FRACTION & 0x7ff) - 1023;
	significand = bits & ((UINT64_C(1) << DOUBLE_FRACTION) - 1);
	if (exponent == 1024) {
		*ret_bits = (uint16_t)(sign | (significand ? HALF_NAN : HALF_INFINITY));
		return true;
	}
	if (exponent > 15)
		return false;
	if (exponent < -25) { /* under half of the smallest: also all of double's subnormals */
		*ret_bits = (uint16_t)sign;
		return true;
	}
	significand |= UINT64_C(1) << DOUBLE_FRACTION;
	if (exponent < HALF_EXPONENT_MIN)
		shift += (unsigned)(HALF_EXPONENT_MIN - exponent);
	kept = significand >> shift;
	rest = significand & ((UINT64_C(1) << shift) - 1);
	middle = UINT64_C(1) << (shift - 1);
	if (rest > middle || (rest == middle && (kept & 1)))
		kept++;
	/* A carry out of the fraction raises the exponent, which is what it should do. */
	if (exponent >= HALF_EXPONENT_MIN)
		kept += (uint64_t)(exponent - HALF_EXPONENT_MIN) << HALF_FRACTION;
	if (kept >= HALF_INFINITY)
		return false;
	*ret_bits = (uint16_t)(sign | kept);
	return true;
}

double weft__half_to_double(uint16_t half)
{
	uint64_t sign = (uint64_t)(half >> 15) << 63;
	uint64_t exponent = half >> HALF_FRACTION & 0x1f;
	uint64_t fraction = half & 0x3ff;
	uint64_t bits;
	double number;

	if (exponent == 0) {
		number = (double)fraction * 0x1p-24;
		return sign ? -number : number;
	}
	exponent = exponent == 0x1f ? 0x7ff : exponent - 15 + 1023;
	bits = sign | exponent << DOUBLE_FRACTION | fraction << (DOUBLE_FRACTION - HALF_FRACTION);
	memcpy(&number, &bits, sizeof(number));
	return number;
}
