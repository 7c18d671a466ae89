/* SPDX-License-Identifier: Apache-2.0 */
/* Telling a location: the state machine's event, the disclosure record and the audit entry are one
 * transaction. */
#include "service/disclosures.h"

/* A shift lead too only after taking it over, which the trail, the desk and the house see (DOMAIN 5). */
static enum rc
check_teller(struct ctx *c, const struct reservation *r)
{
	if (id_equal(&r->desk_user, &c->who->user.id))
		return RC_OK;
	return fault_set(c->fault, RC_FORBIDDEN, MSG_NOT_YOURS_TO_DISCLOSE, NULL, 0, NULL);
}

enum rc
disclosure_record(struct ctx *c, const struct disclosure *d, struct telling *out)
{
	struct key key = record_key2(KIND_DISCLOSURE, &d->shelter, &d->id);
	struct event ev = {
		.kind = EVENT_LOCATION_READ, .shelter = d->shelter, .subject = d->reservation, .at = c->now
	};
	enum rc rc = location_exists(c, &d->shelter);

	if (rc != RC_OK)
		return rc == RC_NOT_FOUND
		    ? fault_set(c->fault, RC_STATE_CONFLICT, MSG_NO_LOCATION, NULL, 0, NULL)
		    : rc;
	*out = (struct telling){ .shelter = d->shelter, .disclosure = d->id, .at = d->at, .until = d->until };
	if ((rc = record_put(c->txn, KIND_DISCLOSURE, &key, d)) != RC_OK)
		return rc;
	return feed_emit(c->txn, &ev);
}

enum rc
reservation_disclose(struct ctx *c, const struct id *id, uint8_t reason, struct telling *out)
{
	const struct reservation_detail detail = { .reason = reason };
	enum reservation_actor actor;
	struct reservation r;
	struct disclosure d;
	unsigned most;
	enum rc rc;

	if ((rc = access_reservation(c, id, &r, &actor)) != RC_OK || (rc = check_teller(c, &r)) != RC_OK)
		return rc;
	if ((rc = reservation_event(c, id, EV_DISCLOSE, &detail, &r)) != RC_OK)
		return rc;
	d = (struct disclosure){ .id = ctx_id(c),
		.reservation = r.id,
		.shelter = r.shelter,
		.user = c->who->user.id,
		.org = c->who->org.id,
		.device = c->who->device.id,
		.reason = reason,
		.at = c->now,
		.until = r.disclose_until };
	rc = disclosure_record(c, &d, out);
	most = parts_tuning(c->parts)->booking.disclosures; /* it may just have been lowered */
	out->left = (uint8_t)(most > r.disclosures ? most - r.disclosures : 0);
	return rc;
}
