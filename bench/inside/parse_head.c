/*
 * parse_head.c - weft's parser alone, on a browser's request; its time by its own CPU clock.
 *
 * The one measured thing that no public header shows: so it stands outside weft-bench, which
 * sees include/weft/ only. Prints GB/s, and ns for a head. Never: anything but the parser.
 */
#include "../browser_request.h"
#include "../limit/timed.h"
#include "http/parse.h" /* tidy: allow floors, because the parser has no public header */

#define ROUNDS (1000 * 1000)

int main(void)
{
	static struct weft__http_head head;
	size_t len = sizeof(browser_request) - 1;
	int64_t start = 0, spent = 0;

	for (int warm = 0; warm < 2; warm++) {
		start = limit_cpu();
		for (unsigned i = 0; i < ROUNDS; i++) {
			weft__http_head_reset(&head);
			if (weft__http_parse(&head, browser_request, len) != WEFT__HTTP_DONE)
				return 1;
			__asm__ volatile("" : : "r"(&head) : "memory");
		}
		spent = limit_cpu() - start;
	}
	printf("%.4f %.4f\n", (double)len * ROUNDS / (double)spent, (double)spent / ROUNDS);
	return head.field_count == 16 ? 0 : 1;
}
