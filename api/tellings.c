/* SPDX-License-Identifier: Apache-2.0 */
/* Handlers: telling a location to who handles the reservation, and by break-glass. */
#include "gate.h"

#include "service/disclosures.h"

/* After the commit of the disclosure. */
static enum rc
tell_location(struct call *c, void *arg)
{
	const struct telling *t = arg;
	struct location *place;
	enum rc rc = location_tell(c->api->parts, c->arena, t, &place);

	if (rc != RC_OK)
		return rc;
	return call_answer(c, 200, &model_disclosure_reply,
	    &(struct disclosure_reply){ .address = place->address,
		.intake_phone = place->intake_phone,
		.travel_notes = place->travel_notes,
		.until = t->until,
		.disclosures_left = t->left });
}

enum rc
reservations_disclose(struct call *c)
{
	struct telling *t = arena_alloc(c->arena, sizeof(*t));
	struct reason_disclose in = { .reason = CODE_NONE };
	enum rc rc;

	if (!t)
		return RC_UNAVAILABLE;
	if ((rc = call_read(c, &model_reason_disclose, &in)) != RC_OK)
		return rc;
	if ((rc = reservation_disclose(&c->ctx, call_param(c, 0), in.reason, t)) == RC_OK)
		call_after(c, t->at, tell_location, t);
	return rc;
}

/* ---- break-glass ---- */

static enum rc
answer_glass(struct call *c, unsigned status, const struct break_glass *b)
{
	struct break_glass_view view;
	enum rc rc = glass_show(&c->ctx, b, &view);

	return rc == RC_OK ? call_answer(c, status, &model_break_glass_view, &view) : rc;
}

enum rc
break_glass_create(struct call *c)
{
	struct reason_glass in = { .reason = CODE_NONE };
	struct break_glass b;
	enum rc rc;

	if ((rc = call_read(c, &model_reason_glass, &in)) != RC_OK)
		return rc;
	if ((rc = glass_ask(&c->ctx, call_param(c, 0), in.reason, &b)) != RC_OK)
		return rc;
	return answer_glass(c, 201, &b);
}

enum rc
break_glass_approve(struct call *c)
{
	struct break_glass b;
	enum rc rc = glass_approve(&c->ctx, call_param(c, 0), &b);

	return rc == RC_OK ? answer_glass(c, 200, &b) : rc;
}

enum rc
break_glass_disclose(struct call *c)
{
	struct telling *t = arena_alloc(c->arena, sizeof(*t));
	enum rc rc;

	if (!t)
		return RC_UNAVAILABLE;
	if ((rc = glass_disclose(&c->ctx, call_param(c, 0), t)) == RC_OK)
		call_after(c, t->at, tell_location, t);
	return rc;
}

enum rc
break_glass_list(struct call *c)
{
	struct break_glass *rows = arena_calloc(c->arena, LIMIT_PAGE + 1, sizeof(*rows));
	struct break_glass_view *views = arena_calloc(c->arena, LIMIT_PAGE, sizeof(*views));
	struct page_request page;
	unsigned n;
	enum rc rc;

	if (!rows || !views)
		return RC_UNAVAILABLE;
	if ((rc = call_page(c, &page)) != RC_OK)
		return rc;
	if ((rc = glass_open_ones(&c->ctx, page.limit, rows, &n)) != RC_OK)
		return rc;
	for (unsigned i = 0; i < n; i++)
		if ((rc = glass_show(&c->ctx, &rows[i], &views[i])) != RC_OK)
			return rc;
	return call_answer_page(c, &model_break_glass_list, views, n, &page, NULL, 0);
}
