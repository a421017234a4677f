/*
 * parse_lines.c - yardstick: the least that a parser of HTTP heads has to do, by the C library.
 *
 * Finds each line's end and each name's colon with memchr(3), and keeps where they are; it
 * checks no character and understands nothing. Prints GB/s, and ns for a head.
 */
#include <string.h>

#include "../browser_request.h"
#include "timed.h"

#define ROUNDS (1000 * 1000)
#define LINES  64

struct line {
	unsigned at, name_len, len;
};

static unsigned take_lines(const char *data, size_t len, struct line lines[LINES])
{
	const char *at = data, *end = data + len;
	unsigned count = 0;

	while (at < end && count < LINES) {
		const char *feed = memchr(at, '\n', (size_t)(end - at)), *colon;

		if (feed == NULL || feed - at < 2)
			break;
		colon = memchr(at, ':', (size_t)(feed - at));
		lines[count].at = (unsigned)(at - data);
		lines[count].len = (unsigned)(feed - at);
		lines[count++].name_len = colon != NULL ? (unsigned)(colon - at) : 0;
		at = feed + 1;
	}
	return count;
}

int main(void)
{
	static struct line lines[LINES];
	size_t len = sizeof(browser_request) - 1;
	unsigned sum = 0;
	int64_t start, spent;

	for (int warm = 0; warm < 2; warm++) {
		start = limit_cpu();
		for (unsigned i = 0; i < ROUNDS; i++) {
			sum += take_lines(browser_request, len, lines);
			__asm__ volatile("" : : "r"(lines) : "memory");
		}
		spent = limit_cpu() - start;
	}
	if (sum != 2U * ROUNDS * 17)
		return 1;
	printf("%.4f %.4f\n", (double)len * ROUNDS / (double)spent, (double)spent / ROUNDS);
	return 0;
}
