/* SPDX-License-Identifier: Apache-2.0 */
/* What every use case shares: fresh ids that stay the same when the transaction runs again, notes for the
 * audit. */
#include <string.h>

#include "service/access.h"

#include "base/log.h"

struct id
ctx_id(struct ctx *c)
{
	if (c->ids_used == CTX_IDS) {
		/* a use case that needs more ids than CTX_IDS is a bug that the first test of it shows */
		log_bug("ctx_ids", "more than %u ids in one use case", CTX_IDS);
		return (struct id){ { 0 } };
	}
	if (id_is_zero(&c->ids[c->ids_used]))
		c->ids[c->ids_used] = id_new();
	return c->ids[c->ids_used++];
}

const uint8_t *
ctx_random(struct ctx *c)
{
	if (!c->has_random)
		random_fill(c->random, sizeof(c->random));
	c->has_random = true;
	return c->random;
}

int64_t
ctx_sure(const struct ctx *c)
{
	return c->sure != 0 && c->sure < c->now ? c->sure : c->now;
}

int64_t
ctx_common(const struct ctx *c)
{
	return c->common != 0 ? c->common : c->now;
}

void
ctx_note(struct ctx *c, const struct id *subject, const struct id *shelter, const char *reason)
{
	if (subject)
		c->audit.subject = *subject;
	if (shelter)
		c->audit.shelter = *shelter;
	if (reason)
		str_copy(c->audit.reason, sizeof(c->audit.reason), reason);
}

void
ctx_refuse(struct ctx *c, enum rc rc)
{
	c->refused = rc;
}

const char *
code_text(const struct code_list *list, unsigned position)
{
	return position < list->count ? list->rows[position].code : NULL;
}
