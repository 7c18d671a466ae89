/* SPDX-License-Identifier: Apache-2.0 */
/* Handlers: episodes, searches, reservations. */
#include "gate.h"

#include <string.h>

#include "service/episodes.h"
#include "service/reservations.h"
#include "service/searches.h"

#define HELPLINE_NUMBER "+36 80 20 55 20" /* OKIT, public, 24/7 */

/*
 * What the ETag stands for: all that this reader sees, and nothing else.  A request's version moves with
 * every try at a house, which its opener elsewhere must not count (DOMAIN 5).
 */
static uint64_t
episode_tag(const struct call *c, const struct episode *e)
{
	if (who_is(&c->ctx, ROLE_COUNSELLOR) || who_is(&c->ctx, ROLE_SHIFT_LEAD))
		return (uint64_t)e->version << 8 | (uint64_t)e->state << 1 | e->arranged;
	return UINT64_C(1) << 63 | (uint64_t)e->state << 16 | (uint64_t)e->outcome << 8 | e->arranged;
}

static enum rc
answer_episode(struct call *c, unsigned status, struct episode *e)
{
	enum rc rc;

	if ((rc = episode_describe(&c->ctx, e)) != RC_OK ||
	    (rc = call_etag(c, &e->id, episode_tag(c, e))) != RC_OK)
		return rc;
	return call_answer(c, status, &model_episode, e);
}

enum rc
episodes_list(struct call *c)
{
	return call_list(c, &model_episode_list, sizeof(struct episode), episode_list);
}

enum rc
episodes_create(struct call *c)
{
	struct episode_new in;
	struct episode e;
	enum rc rc;

	model_clear(&model_episode_new, &in);
	if ((rc = call_read(c, &model_episode_new, &in)) != RC_OK)
		return rc;
	if ((rc = episode_open(&c->ctx, &in.household, in.channel, &e)) != RC_OK)
		return rc;
	return answer_episode(c, 201, &e);
}

enum rc
episodes_read(struct call *c)
{
	struct episode e;
	enum rc rc = access_episode(&c->ctx, call_param(c, 0), &e);

	if (rc != RC_OK || (rc = episode_describe(&c->ctx, &e)) != RC_OK)
		return rc;
	return call_not_modified(c, &e.id, episode_tag(c, &e)) ? call_answer_empty(c, 304)
							       : answer_episode(c, 200, &e);
}

enum rc
episodes_take_over(struct call *c)
{
	struct episode e;
	enum rc rc = episode_take_over(&c->ctx, call_param(c, 0), &e);

	return rc == RC_OK ? answer_episode(c, 200, &e) : rc;
}

enum rc
episodes_close(struct call *c)
{
	struct episode_close in;
	struct episode e;
	enum rc rc;

	if ((rc = call_read(c, &model_episode_close, &in)) != RC_OK)
		return rc;
	rc = episode_close(&c->ctx, call_param(c, 0), in.outcome, &e);
	return rc == RC_OK ? answer_episode(c, 200, &e) : rc;
}

enum rc
searches_create(struct call *c)
{
	struct search_reply out;
	struct episode e;
	enum rc rc;

	if ((rc = access_open_episode(&c->ctx, call_param(c, 0), &e)) != RC_OK)
		return rc;
	rc = search_run(&c->ctx, &e, &out);
	return rc == RC_OK ? call_answer(c, 200, &model_search_reply, &out) : rc;
}

/* ---- reservations ---- */

static enum rc
answer_reservation(struct call *c, unsigned status, const struct reservation *r)
{
	struct reservation_view *view = arena_alloc(c->arena, sizeof(*view));
	enum rc rc;

	if (!view)
		return RC_UNAVAILABLE;
	if ((rc = reservation_show(&c->ctx, r, view)) != RC_OK ||
	    (rc = call_etag(c, &r->id, r->version)) != RC_OK)
		return rc;
	return call_answer(c, status, &model_reservation_view, view);
}

/* A lost race is answered with the next best, so that the counsellor goes on with one key. */
static void
propose_next(struct call *c, const struct id *episode, const struct id *lost)
{
	struct key key = record_key(KIND_EPISODE, episode);
	struct candidate next;
	struct episode e;

	if (record_peek(c->txn, KIND_EPISODE, &key, &e) == RC_OK && search_next(&c->ctx, &e, lost, &next))
		call_extra(c, "next", &model_candidate, &next, c->api->candidate_view);
}

enum rc
reservations_create(struct call *c)
{
	struct reservation_new in;
	struct reservation r;
	struct id shelter;
	enum rc rc;

	model_clear(&model_reservation_new, &in);
	if ((rc = call_read(c, &model_reservation_new, &in)) != RC_OK)
		return rc;
	rc = reservation_hold(&c->ctx, &in, &r, &shelter);
	if (rc == RC_NO_PLACE_LEFT)
		propose_next(c, &in.episode, &shelter);
	return rc == RC_OK ? answer_reservation(c, 201, &r) : rc;
}

enum rc
reservations_list(struct call *c)
{
	struct reservation *rows = arena_calloc(c->arena, LIMIT_PAGE, sizeof(*rows));
	struct reservation_view *views = arena_calloc(c->arena, LIMIT_PAGE, sizeof(*views));
	struct page_request page;
	unsigned n;
	enum rc rc;

	if (!rows || !views)
		return RC_UNAVAILABLE;
	if ((rc = call_page(c, &page)) != RC_OK)
		return rc;
	if (page.limit > 20)
		page.limit = 20; /* each reads its house: a desk's page stays within one transaction's keys */
	if ((rc = reservation_list(&c->ctx, &page.after, page.limit, rows, &n)) != RC_OK)
		return rc;
	for (unsigned i = 0; i < n; i++)
		if ((rc = reservation_show(&c->ctx, &rows[i], &views[i])) != RC_OK)
			return rc;
	return call_answer_page(
	    c, &model_reservation_list, views, n, &page, n == page.limit ? &rows[n - 1].id : NULL, 0);
}

enum rc
reservations_read(struct call *c)
{
	enum reservation_actor actor;
	struct reservation r;
	enum rc rc = access_reservation(&c->ctx, call_param(c, 0), &r, &actor);

	return rc == RC_OK ? answer_reservation(c, 200, &r) : rc;
}

enum rc
reservations_sheet(struct call *c)
{
	struct reservation_view *v = arena_alloc(c->arena, sizeof(*v));
	enum reservation_actor actor;
	struct reservation r;
	enum rc rc;

	if (!v)
		return RC_UNAVAILABLE;
	if ((rc = access_reservation(&c->ctx, call_param(c, 0), &r, &actor)) != RC_OK)
		return rc;
	if ((rc = reservation_show(&c->ctx, &r, v)) != RC_OK)
		return rc;
	struct sheet_reply out = { .number = v->number,
		.check_word = v->check_word,
		.code_name = v->code_name,
		.type = v->type,
		.zone = v->zone,
		.contact_channel = v->contact_channel,
		.adults = v->adults,
		.children = v->children,
		.babies = v->babies,
		.printed_at = c->ctx.now,
		.expires_at = v->expires_at,
		.helpline = HELPLINE_NUMBER };
	return call_answer(c, 200, &model_sheet_reply, &out);
}

static enum rc
event(struct call *c, enum reservation_event ev, const struct reservation_detail *detail)
{
	struct reservation r;
	enum rc rc = reservation_event(&c->ctx, call_param(c, 0), ev, detail, &r);

	return rc == RC_OK ? answer_reservation(c, 200, &r) : rc;
}

static enum rc
event_bare(struct call *c, enum reservation_event ev)
{
	const struct reservation_detail none = { .reason = CODE_NONE };

	return event(c, ev, &none);
}

/* All reason bodies have one shape: a code of the list that their model names. */
static enum rc
event_reason(struct call *c, enum reservation_event ev, const struct model *m)
{
	struct reason_decline in = { .reason = CODE_NONE };
	enum rc rc;

	if ((rc = call_read(c, m, &in)) != RC_OK)
		return rc;
	return event(c, ev, &(struct reservation_detail){ .reason = in.reason });
}

enum rc
reservations_renew(struct call *c)
{
	return event_bare(c, EV_RENEW);
}

enum rc
reservations_take_over(struct call *c)
{
	return event_bare(c, EV_TAKE_OVER);
}

enum rc
reservations_request(struct call *c)
{
	return event_bare(c, EV_REQUEST);
}

enum rc
reservations_confirm(struct call *c)
{
	return event_bare(c, EV_CONFIRM);
}

enum rc
reservations_decline(struct call *c)
{
	return event_reason(c, EV_DECLINE, &model_reason_decline);
}

enum rc
reservations_client_decline(struct call *c)
{
	return event_reason(c, EV_CLIENT_DECLINE, &model_reason_client);
}

enum rc
reservations_cancel(struct call *c)
{
	return event_reason(c, EV_CANCEL, &model_reason_cancel);
}

enum rc
reservations_arrive(struct call *c)
{
	return event_bare(c, EV_ARRIVE);
}

enum rc
reservations_leave(struct call *c)
{
	return event_reason(c, EV_LEAVE, &model_reason_leave);
}

enum rc
reservations_no_show(struct call *c)
{
	return event_bare(c, EV_NO_SHOW);
}

enum rc
reservations_extend(struct call *c)
{
	struct extension in;
	enum rc rc;

	model_clear(&model_extension, &in);
	if ((rc = call_read(c, &model_extension, &in)) != RC_OK)
		return rc;
	return event(c, EV_EXTEND, &(struct reservation_detail){ .reason = in.reason, .until = in.until });
}
