/* SPDX-License-Identifier: Apache-2.0 */
/* Handlers: shelters, units, availability, locations, looks. */
#include "gate.h"

#include <string.h>

#include "service/calendar.h"
#include "service/locations.h"
#include "service/looks.h"
#include "service/shelters.h"

/* A profile has no counter of its own: its revision in the store is its version. */
static uint64_t
shelter_version(struct call *c, const struct id *id)
{
	struct key key = record_key(KIND_SHELTER, id);

	return txn_rev(c->txn, &key);
}

enum rc
shelters_list(struct call *c)
{
	return call_list(c, &model_shelter_list, sizeof(struct shelter), shelter_list);
}

enum rc
shelters_create(struct call *c)
{
	struct shelter s;
	enum rc rc;

	model_clear(&model_shelter, &s);
	s.org = c->who.org.id;
	if ((rc = call_read(c, &model_shelter, &s)) != RC_OK || (rc = shelter_create(&c->ctx, &s)) != RC_OK)
		return rc;
	return call_answer(c, 201, &model_shelter, &s);
}

enum rc
shelters_read(struct call *c)
{
	struct shelter s;
	enum rc rc;

	if ((rc = access_shelter(&c->ctx, call_param(c, 0), true, &s)) != RC_OK)
		return rc;
	uint64_t version = shelter_version(c, &s.id);
	if (call_not_modified(c, &s.id, version))
		return call_answer_empty(c, 304);
	if ((rc = call_etag(c, &s.id, version)) != RC_OK)
		return rc;
	return call_answer(c, 200, &model_shelter, &s);
}

enum rc
shelters_change(struct call *c)
{
	struct shelter s;
	enum rc rc;

	if ((rc = access_shelter(&c->ctx, call_param(c, 0), true, &s)) != RC_OK)
		return rc;
	if ((rc = call_match(c, &s.id, shelter_version(c, &s.id), &model_shelter, &s)) != RC_OK)
		return rc;
	if ((rc = call_read(c, &model_shelter, &s)) != RC_OK || (rc = shelter_save(&c->ctx, &s)) != RC_OK)
		return rc;
	return call_answer(c, 200, &model_shelter, &s); /* its new version is known only after the commit */
}

/* ---- units ---- */

static enum rc
answer_unit(struct call *c, unsigned status, const struct house *h, unsigned i)
{
	struct unit_view view;

	unit_show(&c->ctx, h, i, &view);
	enum rc rc = call_etag(c, &h->units[i].id, unit_version(&c->ctx, h, i));
	return rc == RC_OK ? call_answer(c, status, &model_unit_view, &view) : rc;
}

static enum rc
match_unit(struct call *c, const struct house *h, unsigned i)
{
	struct unit_view view;

	unit_show(&c->ctx, h, i, &view);
	return call_match(c, &h->units[i].id, unit_version(&c->ctx, h, i), &model_unit_view, &view);
}

static enum rc
answer_stored_unit(struct call *c, unsigned status, const struct id *unit)
{
	struct house *h = arena_alloc(c->arena, sizeof(*h));
	int i;
	enum rc rc;

	if (!h)
		return RC_UNAVAILABLE;
	if ((rc = unit_load(&c->ctx, call_param(c, 0), unit, h, &i)) != RC_OK)
		return rc;
	return answer_unit(c, status, h, (unsigned)i);
}

enum rc
units_list(struct call *c)
{
	struct units_reply out;
	enum rc rc = unit_list(&c->ctx, call_param(c, 0), &out);

	return rc == RC_OK ? call_answer(c, 200, &model_units_reply, &out) : rc;
}

enum rc
units_create(struct call *c)
{
	struct unit u;
	enum rc rc;

	model_clear(&model_unit, &u);
	if ((rc = call_read(c, &model_unit, &u)) != RC_OK)
		return rc;
	if ((rc = unit_create(&c->ctx, call_param(c, 0), &u)) != RC_OK)
		return rc;
	return answer_stored_unit(c, 201, &u.id);
}

enum rc
units_change(struct call *c)
{
	struct house *h = arena_alloc(c->arena, sizeof(*h));
	struct unit u;
	int i;
	enum rc rc;

	if (!h)
		return RC_UNAVAILABLE;
	if ((rc = unit_load(&c->ctx, call_param(c, 0), call_param(c, 1), h, &i)) != RC_OK)
		return rc;
	if ((rc = match_unit(c, h, (unsigned)i)) != RC_OK)
		return rc;
	u = h->units[i];
	if ((rc = call_read(c, &model_unit, &u)) != RC_OK)
		return rc;
	if ((rc = unit_save(&c->ctx, call_param(c, 0), &u)) != RC_OK)
		return rc;
	return answer_stored_unit(c, 200, &u.id);
}

/* ---- availability ---- */

enum rc
availability_read(struct call *c)
{
	struct availability_reply out;
	enum rc rc = availability_show(&c->ctx, call_param(c, 0), &out);

	return rc == RC_OK ? call_answer(c, 200, &model_availability_reply, &out) : rc;
}

enum rc
availability_change(struct call *c)
{
	struct availability_change *in = arena_alloc(c->arena, sizeof(*in));
	struct availability_reply out;
	enum rc rc;

	if (!in)
		return RC_UNAVAILABLE;
	if ((rc = call_read(c, &model_availability_change, in)) != RC_OK)
		return rc;
	if ((rc = availability_report(&c->ctx, call_param(c, 0), in, &out)) != RC_OK)
		return rc;
	return call_answer(c, 200, &model_availability_reply, &out);
}

enum rc
availability_unit(struct call *c)
{
	struct availability_change *in = arena_alloc(c->arena, sizeof(*in));
	struct house *h = arena_alloc(c->arena, sizeof(*h));
	struct availability_reply house;
	int i;
	enum rc rc;

	if (!in || !h)
		return RC_UNAVAILABLE;
	if ((rc = unit_load(&c->ctx, call_param(c, 0), call_param(c, 1), h, &i)) != RC_OK)
		return rc;
	if ((rc = match_unit(c, h, (unsigned)i)) != RC_OK)
		return rc;
	if ((rc = call_read(c, &model_unit_report_item, &in->units[0])) != RC_OK)
		return rc;
	in->units[0].unit = *call_param(c, 1);
	in->unit_count = 1;
	if ((rc = availability_report(&c->ctx, call_param(c, 0), in, &house)) != RC_OK)
		return rc;
	return answer_stored_unit(c, 200, call_param(c, 1));
}

enum rc
availability_confirm(struct call *c)
{
	struct availability_reply out;
	enum rc rc = availability_still_true(&c->ctx, call_param(c, 0), &out);

	return rc == RC_OK ? call_answer(c, 200, &model_availability_reply, &out) : rc;
}

/* ---- locations ---- */

/* After the commit of its record. */
static enum rc
tell_own(struct call *c, void *arg)
{
	const struct telling *t = arg;
	struct location *place;
	enum rc rc = location_tell(c->api->parts, c->arena, t, &place);

	if (rc != RC_OK)
		return rc;
	return call_answer(c, 200, &model_location_reply,
	    &(struct location_reply){ .shelter = t->shelter,
		.address = place->address,
		.intake_phone = place->intake_phone,
		.travel_notes = place->travel_notes,
		.updated_at = place->updated_at });
}

enum rc
locations_read(struct call *c)
{
	struct telling *t = arena_alloc(c->arena, sizeof(*t));
	enum rc rc;

	if (!t)
		return RC_UNAVAILABLE;
	if ((rc = location_read(&c->ctx, call_param(c, 0), t)) == RC_OK)
		call_after(c, t->at, tell_own, t);
	return rc;
}

enum rc
locations_write(struct call *c)
{
	struct location *in = arena_alloc(c->arena, sizeof(*in));
	enum rc rc;

	if (!in)
		return RC_UNAVAILABLE;
	if ((rc = call_read(c, &model_location, in)) != RC_OK)
		return rc;
	rc = location_write(&c->ctx, call_param(c, 0), in);
	return rc == RC_OK ? call_answer_empty(c, 204) : rc;
}

enum rc
looks_list(struct call *c)
{
	struct look_row *rows = arena_calloc(c->arena, LIMIT_PAGE, sizeof(*rows));
	struct look_mark after, last = { .at = 0 };
	struct page_request page;
	unsigned n;
	enum rc rc;

	if (!rows)
		return RC_UNAVAILABLE;
	if ((rc = call_page(c, &page)) != RC_OK)
		return rc;
	after = (struct look_mark){ (int64_t)page.number, page.after };
	if ((rc = look_page(&c->ctx, call_param(c, 0), &after, page.limit, rows, &n, &last)) != RC_OK)
		return rc;
	return call_answer_page(c, &model_look_list, rows, n, &page, n == page.limit ? &last.id : NULL,
	    n == page.limit ? (uint64_t)last.at : 0);
}

enum rc
calendar_read(struct call *c)
{
	struct bytes text;
	enum rc rc = calendar_make(&c->ctx, call_param(c, 0), c->lang, &text);

	return rc == RC_OK ? call_answer_raw(c, "text/calendar; charset=utf-8", text) : rc;
}
