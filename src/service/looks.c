/* SPDX-License-Identifier: Apache-2.0 */
/* The newest looks out of a house's records of two kinds, then the names behind them. */
#include <string.h>

#include "service/looks.h"

/* What both kinds of record have in common. */
struct look {
	struct look_mark mark;
	struct id reservation, user, org, break_glass;
	int64_t until;
	uint8_t kind;
	const char *reason;
};

struct newest {
	struct look_mark after;
	struct look *look; /* newest first */
	unsigned count, limit;
	enum rc rc;
};

static bool
is_before(const struct look_mark *a, const struct look_mark *b)
{
	return a->at != b->at ? a->at < b->at : memcmp(a->id.b, b->id.b, ID_BYTES) < 0;
}

static void
keep(struct newest *n, const struct look *look)
{
	unsigned at = n->count;

	if (n->after.at != 0 && !is_before(&look->mark, &n->after))
		return;
	while (at > 0 && is_before(&n->look[at - 1].mark, &look->mark))
		at--;
	if (at == n->limit)
		return;
	if (n->count < n->limit)
		n->count++;
	memmove(&n->look[at + 1], &n->look[at], (n->count - 1 - at) * sizeof(*look));
	n->look[at] = *look;
}

static bool
take_disclosure(void *arg, const struct key *key, struct bytes value, uint64_t rev)
{
	struct newest *n = arg;
	struct disclosure d;

	(void)key;
	(void)rev;
	if ((n->rc = record_decode(KIND_DISCLOSURE, value, &d)) != RC_OK)
		return false;
	keep(n,
	    &(struct look){ .mark = { d.at, d.id },
		.reservation = d.reservation,
		.user = d.user,
		.org = d.org,
		.break_glass = d.break_glass,
		.until = d.until,
		.kind = !id_is_zero(&d.break_glass) ? LOOK_BREAK_GLASS
		    : !id_is_zero(&d.reservation)   ? LOOK_DISCLOSURE
						    : LOOK_OWN,
		.reason = code_text(&codes_disclose_reason, d.reason) });
	return true;
}

static bool
take_opened(void *arg, const struct key *key, struct bytes value, uint64_t rev)
{
	struct newest *n = arg;
	struct opened o;

	(void)key;
	(void)rev;
	if ((n->rc = record_decode(KIND_OPENED, value, &o)) != RC_OK)
		return false;
	keep(n,
	    &(struct look){ .mark = { o.at, o.reservation },
		.reservation = o.reservation,
		.user = o.user,
		.org = o.org,
		.kind = LOOK_CANDIDATE,
		.reason = code_text(&codes_need, o.need) });
	return true;
}

/* ---- names ---- */

static enum rc
name_org(struct ctx *c, const struct id *id, struct look_row *row)
{
	struct key key = record_key(KIND_ORG, id);
	struct org *org = arena_alloc(c->arena, sizeof(*org));
	enum rc rc;

	if (!org)
		return RC_UNAVAILABLE;
	if ((rc = record_peek(c->txn, KIND_ORG, &key, org)) != RC_OK)
		return rc == RC_NOT_FOUND ? RC_OK : rc;
	row->org = org->name;
	row->org_kind = code_text(&codes_org_kind, org->kind);
	return RC_OK;
}

static enum rc
name_second(struct ctx *c, const struct look *look, struct look_row *row)
{
	struct key key = record_key2(KIND_BREAK_GLASS, &look->org, &look->break_glass);
	struct break_glass b;
	enum rc rc;

	if (look->kind != LOOK_BREAK_GLASS)
		return RC_OK;
	if ((rc = record_peek(c->txn, KIND_BREAK_GLASS, &key, &b)) != RC_OK)
		return rc == RC_NOT_FOUND ? RC_OK : rc;
	row->reason = code_text(&codes_break_glass_reason, b.reason);
	return access_name(c, &b.second, &row->second);
}

static enum rc
show(struct ctx *c, const struct look *look, struct look_row *row)
{
	enum rc rc;

	*row = (struct look_row){ .at = look->mark.at,
		.until = look->until,
		.kind = look->kind,
		.reason = look->reason,
		.reservation = look->reservation };
	if ((rc = access_name(c, &look->user, &row->person)) != RC_OK ||
	    (rc = name_org(c, &look->org, row)) != RC_OK)
		return rc;
	return name_second(c, look, row);
}

enum rc
look_page(struct ctx *c, const struct id *shelter, const struct look_mark *after, unsigned limit,
    struct look_row *out, unsigned *count, struct look_mark *last)
{
	struct key told = record_key(KIND_DISCLOSURE, shelter), opened = record_key(KIND_OPENED, shelter);
	struct newest n = { .after = *after, .limit = limit };
	struct shelter s;
	enum rc rc;

	*count = 0;
	if (!(n.look = arena_calloc(c->arena, limit + 1, sizeof(*n.look))))
		return RC_UNAVAILABLE;
	if ((rc = access_shelter(c, shelter, false, &s)) != RC_OK)
		return rc;
	if ((rc = txn_scan(c->txn, &told, NULL, take_disclosure, &n)) != RC_OK || (rc = n.rc) != RC_OK)
		return rc;
	if ((rc = txn_scan(c->txn, &opened, NULL, take_opened, &n)) != RC_OK || (rc = n.rc) != RC_OK)
		return rc;
	for (unsigned i = 0; i < n.count && rc == RC_OK; i++)
		rc = show(c, &n.look[i], &out[i]);
	*count = rc == RC_OK ? n.count : 0;
	if (*count > 0)
		*last = n.look[n.count - 1].mark;
	return rc;
}
