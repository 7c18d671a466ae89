/* SPDX-License-Identifier: Apache-2.0 */
/* libFuzzer: a request head, a line for each field: method, version, target, then name and value in turn. */
#include <string.h>

#include "server/guard.h"

#define FIELDS 40u

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t len);

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t len)
{
	static char text[4096];
	struct guard_field fields[FIELDS];
	struct call_head head = { 0 };
	const char *words[3 + 2 * FIELDS];
	size_t n = 0;

	if (len >= sizeof(text))
		return 0;
	memcpy(text, p, len);
	text[len] = '\0';
	for (char *at = text; at != NULL && n < COUNT_OF(words); n++) {
		char *end = strchr(at, '\n');

		words[n] = at;
		if (end != NULL)
			*end = '\0';
		at = end == NULL ? NULL : end + 1;
	}
	if (n < 3)
		return 0;
	for (size_t i = 0; 4 + 2 * i < n; i++)
		fields[i] = (struct guard_field){ .name = words[3 + 2 * i],
			.value = words[4 + 2 * i],
			.name_len = strlen(words[3 + 2 * i]),
			.value_len = strlen(words[4 + 2 * i]),
			.spaces = 1 };
	struct guard_request request = { .method = words[0],
		.version = words[1],
		.target = text + (words[2] - text),
		.fields = fields,
		.count = (n - 3) / 2,
		.head_bytes = len };
	(void)!guard_check(&request, &head);
	return 0;
}
