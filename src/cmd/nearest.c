/*
 * nearest.c - how far two words are from each other: what may have been meant by a mistyped one.
 *
 * Entry point: weft__cmd_distance().
 */
#include "cmd.h"

#include <stdint.h>
#include <string.h>

/* Damerau and Levenshtein, with neighbours swapped once at most. */
size_t weft__cmd_distance(const char *one, const char *other)
{
	enum { NAME_MAX_LEN = 40 };
	size_t rows = strlen(one), columns = strlen(other);
	size_t cost[NAME_MAX_LEN + 1][NAME_MAX_LEN + 1];

	if (rows > NAME_MAX_LEN || columns > NAME_MAX_LEN)
		return SIZE_MAX;
	for (size_t i = 0; i <= rows; i++)
		for (size_t j = 0; j <= columns; j++) {
			size_t least = i > 0 ? cost[i - 1][j] + 1 : j;

			if (i > 0 && j > 0) {
				size_t change = cost[i - 1][j - 1] + (one[i - 1] != other[j - 1]);

				if (cost[i][j - 1] + 1 < least)
					least = cost[i][j - 1] + 1;
				if (change < least)
					least = change;
				if (i > 1 && j > 1 && one[i - 1] == other[j - 2] &&
					one[i - 2] == other[j - 1] &&
					cost[i - 2][j - 2] + 1 < least)
					least = cost[i - 2][j - 2] + 1;
			}
			cost[i][j] = least;
		}
	return cost[rows][columns];
}
