/* SPDX-License-Identifier: Apache-2.0 */
/* Telling a location: the state machine's event, the disclosure record and the audit entry are one
 * transaction. */
#include "service/reservations.h"

/* The person who handles it, or a shift lead of the same desk (DOMAIN 5). */
static enum rc
check_teller(struct ctx *c, const struct reservation *r)
{
	if (id_equal(&r->desk_user, &c->who->user.id) || who_is(c, ROLE_SHIFT_LEAD))
		return RC_OK;
	return fault_set(c->fault, RC_FORBIDDEN, MSG_NOT_YOURS_TO_DISCLOSE, NULL, 0, NULL);
}

static enum rc
record(struct ctx *c, const struct reservation *r, uint8_t reason, struct telling *out)
{
	struct disclosure d = { .id = ctx_id(c),
		.reservation = r->id,
		.shelter = r->shelter,
		.user = c->who->user.id,
		.org = c->who->org.id,
		.device = c->who->device.id,
		.reason = reason,
		.at = c->now,
		.until = r->disclose_until };
	struct key key = record_key2(KIND_DISCLOSURE, &r->shelter, &d.id);
	struct event ev = {
		.kind = EVENT_LOCATION_READ, .shelter = r->shelter, .subject = r->id, .at = c->now
	};
	enum rc rc;

	*out = (struct telling){ .shelter = r->shelter,
		.disclosure = d.id,
		.until = d.until,
		.left = (uint8_t)(c->parts->booking.disclosures - r->disclosures) };
	if ((rc = record_put(c->txn, KIND_DISCLOSURE, &key, &d)) != RC_OK)
		return rc;
	return feed_emit(c->txn, &ev);
}

static enum rc
check_again(struct ctx *c, const struct reservation *r)
{
	if (r->state != RES_CONFIRMED || r->disclosures == 0 || r->disclose_until <= c->now)
		return fault_set(c->fault, RC_STATE_CONFLICT, MSG_STATE_CONFLICT, NULL, 0, NULL);
	return RC_OK;
}

enum rc
reservation_disclose(struct ctx *c, const struct id *id, uint8_t reason, bool again, struct telling *out)
{
	const struct reservation_detail detail = { .reason = reason };
	enum reservation_actor actor;
	struct reservation r;
	enum rc rc;

	if ((rc = access_reservation(c, id, &r, &actor)) != RC_OK || (rc = check_teller(c, &r)) != RC_OK)
		return rc;
	rc = again ? check_again(c, &r) : reservation_event(c, id, EV_DISCLOSE, &detail, &r);
	if (rc != RC_OK || (rc = record(c, &r, reason, out)) != RC_OK)
		return rc;
	ctx_note(c, NULL, NULL,
	    code_text(&codes_disclose_reason, reason)); /* a repeated telling has its reason too */
	rc = location_exists(c, &r.shelter);
	return rc == RC_NOT_FOUND ? fault_set(c->fault, RC_STATE_CONFLICT, MSG_NO_LOCATION, NULL, 0, NULL)
				  : rc;
}
