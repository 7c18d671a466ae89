/* SPDX-License-Identifier: Apache-2.0 */
/* Edits between two short names; a longer one is near to nothing. */
#include "base/nearest.h"

#include <string.h>

#define NAME_MAX_LEN 40u

static size_t
least(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* Edits that turn a into b; a swap of neighbours counts one (Damerau's optimal string alignment). */
static size_t
distance(const char *a, const char *b)
{
	size_t before[NAME_MAX_LEN + 1] = { 0 }, above[NAME_MAX_LEN + 1], row[NAME_MAX_LEN + 1];
	size_t n = strlen(a), m = strlen(b);

	if (n > NAME_MAX_LEN || m > NAME_MAX_LEN)
		return NAME_MAX_LEN;
	for (size_t j = 0; j <= m; j++)
		above[j] = j;
	for (size_t i = 1; i <= n; i++) {
		row[0] = i;
		for (size_t j = 1; j <= m; j++) {
			row[j] =
			    least(above[j - 1] + (a[i - 1] != b[j - 1]), least(above[j], row[j - 1]) + 1);
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
				row[j] = least(row[j], before[j - 2] + 1);
		}
		memcpy(before, above, sizeof(before));
		memcpy(above, row, (m + 1) * sizeof(row[0]));
	}
	return above[m];
}

const char *
nearest_name(const char *typed, const char *const *names, unsigned count)
{
	const char *best = NULL;
	size_t best_distance = NAME_MAX_LEN;

	for (unsigned i = 0; i < count; i++) {
		size_t d = distance(typed, names[i]);
		if (d < best_distance && d <= (strlen(names[i]) + 2) / 3) {
			best = names[i];
			best_distance = d;
		}
	}
	return best;
}
