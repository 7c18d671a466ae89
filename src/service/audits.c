/* SPDX-License-Identifier: Apache-2.0 */
/* Filtering and masking the trail for its reader. */
#include <string.h>

#include "crypto/digest.h"
#include "service/audits.h"

#define WINDOW                                                                                               \
	5000u /* entries looked at for one page: a reader with few entries cannot make us walk years at once \
	       */

struct page {
	struct ctx *c;
	struct audit_row *out;
	unsigned count;
};

static bool
is_own_house(const struct ctx *c, const struct audit_entry *e)
{
	return !id_is_zero(&e->shelter) && principal_has_shelter(c->who, &e->shelter);
}

static bool
may_see(const struct ctx *c, const struct audit_entry *e)
{
	if (e->is_erased)
		return false;
	if (who_is(c, ROLE_AUDITOR) || who_is(c, ROLE_ADMIN))
		return true;
	if (who_is(c, ROLE_SHIFT_LEAD) && id_equal(&e->org, &c->who->org.id))
		return true;
	return id_equal(&e->user, &c->who->user.id) || is_own_house(c, e);
}

void
audit_pseudonym(const struct ctx *c, const struct id *id, char out[ID_TEXT + 1])
{
	uint8_t in[2 * ID_BYTES], mac[DIGEST_BYTES];
	struct id masked;

	if (id_is_zero(id)) {
		out[0] = '\0';
		return;
	}
	memcpy(in, id->b, ID_BYTES);
	memcpy(in + ID_BYTES, c->who->user.id.b, ID_BYTES);
	digest_hmac(BYTES_OF(c->parts->cursor_key), BYTES_OF(in), mac);
	memcpy(masked.b, mac, ID_BYTES);
	id_format(&masked, out);
}

static void
show_ids(const struct ctx *c, const struct audit_entry *e, struct audit_row *row)
{
	bool own = id_equal(&e->user, &c->who->user.id);

	if (who_is(c, ROLE_ADMIN) && !own)
		return; /* integrity only */
	if (own)
		id_format(&e->user, row->actor);
	else
		audit_pseudonym(c, &e->user, row->actor);
	if (own && !who_is(c, ROLE_AUDITOR) && !id_is_zero(&e->subject))
		id_format(&e->subject, row->subject);
	else
		audit_pseudonym(c, &e->subject, row->subject);
	if (is_own_house(c, e))
		id_format(&e->shelter, row->shelter);
	else if (who_is(c, ROLE_AUDITOR))
		audit_pseudonym(c, &e->shelter, row->shelter);
}

static void
show(struct page *p, const struct audit_entry *e)
{
	struct audit_row *row = &p->out[p->count++];

	memset(row, 0, sizeof(*row));
	row->number = e->number;
	row->at = e->at;
	row->roles = e->roles;
	row->action = arena_strndup(p->c->arena, e->action, strlen(e->action));
	row->outcome = rc_code((enum rc)e->outcome);
	row->reason = e->reason[0] ? arena_strndup(p->c->arena, e->reason, strlen(e->reason)) : NULL;
	show_ids(p->c, e, row);
}

static bool
take_one(void *arg, const struct audit_entry *e)
{
	struct page *p = arg;

	if (may_see(p->c, e))
		show(p, e);
	return false; /* one entry a call: the log is walked backwards */
}

enum rc
audit_page(struct ctx *c, uint64_t before, unsigned limit, void *out, unsigned *count, uint64_t *next)
{
	struct page p = { .c = c, .out = out };
	struct log_head head = { .count = 0 };
	enum rc rc = txn_log_head(c->txn, LOG_AUDIT, &head);
	uint64_t number, end;

	number = before > 0 && before <= head.count ? before - 1 : head.count;
	end = number > WINDOW ? number - WINDOW : 0;
	for (; rc == RC_OK && number > end && p.count < limit; number--)
		rc = ledger_read(c->txn, number, take_one, &p);
	*count = p.count;
	*next = number > 0 ? number + 1 : 0;
	return rc;
}
