/* SPDX-License-Identifier: Apache-2.0 */
/* libFuzzer: what the strict check lets through the reader reads, and every request schema stands it. */
#include <stdlib.h>

#include "base/json.h"
#include "model/schema.h"

static const char *const names[] = { "episode-new", "reservation-new", "availability-change", "unit-new",
	"shelter-new", "location-new", "user-change", "extension" };

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t len);

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t len)
{
	static struct schemas *all;
	const struct bytes text = { p, len };
	struct fault f = { 0 };
	json *tree = NULL;

	if (all == NULL && schemas_load(&all, &f) != RC_OK)
		abort();
	if (json_check(text, &f) != RC_OK)
		return 0;
	if (json_parse(text, &tree, &f) != RC_OK)
		return 0; /* a name twice in an object is seen here only */
	for (unsigned i = 0; i < COUNT_OF(names); i++) {
		struct fault g = { 0 };

		(void)!schema_check(schema_find(all, names[i]), tree, &g);
	}
	json_free(tree);
	return 0;
}
