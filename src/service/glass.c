/* SPDX-License-Identifier: Apache-2.0 */
/* Break-glass: load, decide by the domain, save, tell desk and house; and who may see what is open. */
#include <string.h>

#include "service/disclosures.h"

static enum rc
tell(struct ctx *c, const struct break_glass *b, enum event_kind kind)
{
	struct event ev = { .kind = (uint8_t)kind,
		.shelter = b->shelter,
		.desk_org = b->org,
		.subject = b->reservation,
		.at = c->now };

	return feed_emit(c->txn, &ev);
}

static enum rc
save(struct ctx *c, const struct break_glass *b, enum event_kind kind)
{
	struct key key = record_key2(KIND_BREAK_GLASS, &b->org, &b->id);
	enum rc rc = record_put(c->txn, KIND_BREAK_GLASS, &key, b);

	return rc == RC_OK ? tell(c, b, kind) : rc;
}

/* The desk is in the key: another desk's is not there. */
static enum rc
load(struct ctx *c, const struct id *id, struct break_glass *out)
{
	struct key key = record_key2(KIND_BREAK_GLASS, &c->who->org.id, id);
	enum rc rc = record_get(c->txn, KIND_BREAK_GLASS, &key, out);

	if (rc == RC_OK)
		ctx_note(
		    c, &out->reservation, &out->shelter, code_text(&codes_break_glass_reason, out->reason));
	return rc;
}

static enum rc
load_reservation(struct ctx *c, const struct id *id, struct reservation *r)
{
	enum reservation_actor actor;
	enum rc rc = access_reservation(c, id, r, &actor);

	return rc == RC_OK ? break_glass_check(r, c->now, c->fault) : rc;
}

enum rc
glass_ask(struct ctx *c, const struct id *reservation, uint8_t reason, struct break_glass *out)
{
	struct reservation r;
	enum rc rc;

	if ((rc = load_reservation(c, reservation, &r)) != RC_OK)
		return rc;
	*out = (struct break_glass){ .id = ctx_id(c),
		.reservation = r.id,
		.shelter = r.shelter,
		.org = c->who->org.id,
		.user = c->who->user.id,
		.device = c->who->device.id,
		.reason = reason,
		.asked_at = c->now,
		.version = 1 };
	ctx_note(c, &r.id, &r.shelter, code_text(&codes_break_glass_reason, reason));
	return save(c, out, EVENT_GLASS_ASKED);
}

enum rc
glass_approve(struct ctx *c, const struct id *id, struct break_glass *out)
{
	struct reservation r;
	enum rc rc;

	if ((rc = load(c, id, out)) != RC_OK)
		return rc;
	rc = break_glass_agree(out, &c->who->user.id, &c->who->device.id, c->now, c->fault);
	if (rc != RC_OK || (rc = load_reservation(c, &out->reservation, &r)) != RC_OK)
		return rc;
	ctx_note(c, &out->user, NULL, NULL); /* the trail names both: one as actor, the other as subject */
	return save(c, out, EVENT_GLASS_APPROVED);
}

enum rc
glass_disclose(struct ctx *c, const struct id *id, struct telling *out)
{
	struct disclosure d = { .id = ctx_id(c) };
	struct break_glass b;
	struct reservation r;
	enum rc rc;

	if ((rc = load(c, id, &b)) != RC_OK)
		return rc;
	rc = break_glass_use(&b, &c->who->user.id, &d.id, c->now, c->fault);
	if (rc != RC_OK || (rc = load_reservation(c, &b.reservation, &r)) != RC_OK)
		return rc;
	d.reservation = b.reservation;
	d.shelter = b.shelter;
	d.user = b.user;
	d.org = b.org;
	d.device = c->who->device.id;
	d.reason = CODE_NONE; /* the break-glass has it */
	d.at = b.told_at;     /* the vault compares them */
	d.until = b.approved_at + BREAK_GLASS_USE;
	d.break_glass = b.id;
	ctx_note(c, &b.second, NULL, NULL);
	if ((rc = save(c, &b, EVENT_GLASS_TOLD)) != RC_OK)
		return rc;
	return disclosure_record(c, &d, out);
}

/* ---- reading ---- */

struct open_ones {
	int64_t now;
	struct break_glass *out;
	unsigned count, limit;
	enum rc rc;
};

/* They live for minutes, so those open at one moment are few; what is over is passed by. */
static bool
take_open(void *arg, const struct key *key, struct bytes value, uint64_t rev)
{
	struct open_ones *o = arg;
	struct break_glass b;
	unsigned at = o->count;

	(void)key;
	(void)rev;
	if ((o->rc = record_decode(KIND_BREAK_GLASS, value, &b)) != RC_OK)
		return false;
	if (break_glass_until(&b, o->now) == 0)
		return true;
	while (at > 0 && o->out[at - 1].asked_at < b.asked_at)
		at--;
	memmove(&o->out[at + 1], &o->out[at], (o->count - at) * sizeof(b));
	o->out[at] = b;
	return ++o->count < o->limit;
}

enum rc
glass_open_ones(struct ctx *c, unsigned limit, struct break_glass *out, unsigned *count)
{
	struct key prefix = record_key(KIND_BREAK_GLASS, &c->who->org.id);
	struct open_ones o = { .now = c->now, .out = out, .limit = limit };
	enum rc rc = txn_scan(c->txn, &prefix, NULL, take_open, &o);

	*count = rc == RC_OK && o.rc == RC_OK ? o.count : 0;
	return rc == RC_OK ? o.rc : rc;
}

enum rc
glass_show(struct ctx *c, const struct break_glass *b, struct break_glass_view *out)
{
	enum rc rc;

	*out = (struct break_glass_view){ .id = b->id,
		.reservation = b->reservation,
		.state = (uint8_t)break_glass_state(b, c->now),
		.reason = b->reason,
		.asked_at = b->asked_at,
		.approved_at = b->approved_at,
		.until = break_glass_until(b, c->now) };
	if ((rc = access_name(c, &b->user, &out->person)) != RC_OK || id_is_zero(&b->second))
		return rc;
	return access_name(c, &b->second, &out->second);
}
