/* SPDX-License-Identifier: Apache-2.0 */
/* What is put together at the start: a route that could not answer must not come to be asked. */
#include <criterion/criterion.h>
#include <string.h>

#include "gate.h"

static struct parts parts;

static void
set_up(void)
{
	struct fault f = { .count = 0 };

	cr_assert_eq(schemas_load(&parts.schemas, &f), RC_OK);
}

static void
tear_down(void)
{
	schemas_free(parts.schemas);
}

TestSuite(answers, .init = set_up, .fini = tear_down);

Test(answers, every_route_with_a_body_has_what_it_is_written_by)
{
	struct fault f = { .count = 0 };
	struct api *api;

	cr_assert_eq(api_new(&parts, &api, &f), RC_OK, "%s", f.item[0].word);
	for (unsigned i = 0; i < route_count; i++) {
		const struct route *r = &routes[i];

		cr_expect_eq(api->in[i] != NULL, r->body_in != NULL, "%s in", r->operation);
		if (r->body_out != NULL && strcmp(r->body_out, "codes") != 0)
			cr_expect_not_null(api->out[i], "%s answers {}", r->operation);
	}
	api_free(api);
}
