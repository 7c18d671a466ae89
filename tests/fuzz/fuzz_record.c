/* SPDX-License-Identifier: Apache-2.0 */
/* libFuzzer: a sealed record as it comes out of the seal, of every kind. */
#include <stdlib.h>

#include "model/records.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t len);

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t len)
{
	enum kind kind;
	void *record;

	if (len < 1)
		return 0;
	kind = (enum kind)(p[0] % KIND_COUNT);
	if ((record = malloc(kind_model(kind)->size)) == NULL)
		abort();
	(void)!record_decode(kind, (struct bytes){ p + 1, len - 1 }, record);
	free(record);
	return 0;
}
