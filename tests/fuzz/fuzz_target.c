/* SPDX-License-Identifier: Apache-2.0 */
/* libFuzzer: a request target, path and query, as the guard lets it through: route, parameters, page, cursor.
 */
#include <string.h>

#include "gate.h"
#include "ring.h"

static const char *const verbs[] = { "GET", "POST", "PUT", "PATCH", "DELETE", "?" };
static const char *const names[] = { "limit", "cursor", "after", "state", "q", "" };

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t len);

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t len)
{
	static struct parts parts;
	static struct api api = { .parts = &parts };
	static struct arena *arena;
	struct id params[ROUTE_PARAMS];
	const struct route *route = NULL;
	struct call c = { .api = &api };
	struct page_request page;
	char text[2048], *query;
	unsigned allow;

	if (arena == NULL &&
	    ((arena = arena_new(1u << 16)) == NULL || (parts.keyring = fuzz_ring(NULL)) == NULL))
		abort();
	if (len < 1 || len >= sizeof(text))
		return 0;
	memcpy(text, p + 1, len - 1);
	text[len - 1] = '\0';
	if ((query = strchr(text, '?')) != NULL)
		*query++ = '\0';
	c.head.query = query;
	c.arena = arena;
	if (route_match(text, verbs[p[0] % COUNT_OF(verbs)], &route, params, &allow) == RC_OK)
		c.route = route;
	else
		c.route = &routes[p[0] % route_count];
	c.route_index = (unsigned)(c.route - routes);
	for (unsigned i = 0; i < COUNT_OF(names); i++)
		(void)call_query(&c, names[i]);
	(void)!call_page(&c, &page);
	arena_rewind(arena, 0);
	return 0;
}
