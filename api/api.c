/* SPDX-License-Identifier: Apache-2.0 */
/* One process's api: schemas compiled per route, views, limiter, counters; and the clock's work. */
#include "gate.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "service/alerts.h"
#include "service/attempts.h"
#include "service/capacity.h"
#include "service/grants.h"
#include "service/duty_watch.h"
#include "service/sweep.h"

#define IDEM_SWEEP_EVERY 600 /* seconds */

/* Which struct a route answers with: its response schema's name leads to the model. */
static const struct model *const answer_models[] = { &model_token_reply, &model_grant_view, &model_grant_list,
	&model_totp_reply, &model_backup_codes, &model_me_reply, &model_org, &model_org_list, &model_user,
	&model_user_list, &model_passphrase_reply, &model_device, &model_device_list, &model_device_reply,
	&model_device_kit, &model_shelter, &model_shelter_list, &model_unit_view, &model_units_reply,
	&model_availability_reply, &model_location_reply, &model_look_list, &model_episode,
	&model_episode_list, &model_search_reply, &model_reservation_view, &model_reservation_list,
	&model_sheet_reply, &model_disclosure_reply, &model_break_glass_view, &model_break_glass_list,
	&model_capacity_reply, &model_audit_list, &model_alert_list, &model_statistics_reply,
	&model_checkpoint_list, &model_inclusion_reply, &model_consistency_reply, &model_audit_state };

/* Bodies that their handlers write themselves, so that no view of them is needed. */
static const char *const by_hand[] = { "codes" };

static bool
is_by_hand(const char *name)
{
	for (unsigned i = 0; i < COUNT_OF(by_hand); i++)
		if (strcmp(by_hand[i], name) == 0)
			return true;
	return false;
}

static const struct model *
model_named(const char *name)
{
	for (unsigned i = 0; i < COUNT_OF(answer_models); i++)
		if (strcmp(answer_models[i]->name, name) == 0)
			return answer_models[i];
	return NULL;
}

static enum rc
load_route(struct api *api, unsigned i, struct fault *f)
{
	struct schemas *all = api->parts->schemas;
	const struct route *r = &routes[i];
	const struct schema *out;
	const struct model *m;

	if (r->body_in && !(api->in[i] = schema_find(all, r->body_in)))
		return fault_set(f, RC_INTERNAL, MSG_SCHEMA_MISSING, NULL, 0, r->body_in);
	if (!r->body_out || is_by_hand(r->body_out))
		return RC_OK;
	if (!(m = model_named(r->body_out))) /* without one the route would answer {} */
		return fault_set(f, RC_INTERNAL, MSG_ANSWER_MISSING, NULL, 0, r->body_out);
	if (!(out = schema_find(all, r->body_out)))
		return fault_set(f, RC_INTERNAL, MSG_SCHEMA_MISSING, NULL, 0, r->body_out);
	return schema_view(all, out, m, &api->out[i], f);
}

static enum rc
load_routes(struct api *api, struct fault *f)
{
	const struct schema *candidate = schema_find(api->parts->schemas, "candidate");
	enum rc rc;

	api->in = calloc(route_count, sizeof(*api->in));
	api->out = calloc(route_count, sizeof(*api->out));
	api->served = calloc((size_t)route_count * 5, sizeof(*api->served));
	api->took = calloc(route_count, sizeof(*api->took));
	if (!api->in || !api->out || !api->served || !api->took)
		return RC_UNAVAILABLE;
	for (unsigned i = 0; i < route_count; i++)
		if ((rc = load_route(api, i, f)) != RC_OK)
			return rc;
	if (!candidate)
		return fault_set(f, RC_INTERNAL, MSG_SCHEMA_MISSING, NULL, 0, "candidate");
	return schema_view(api->parts->schemas, candidate, &model_candidate, &api->candidate_view, f);
}

enum rc
api_new(struct parts *parts, struct api **out, struct fault *f)
{
	struct api *api = calloc(1, sizeof(*api));
	enum rc rc;

	*out = NULL;
	if (!api)
		return RC_UNAVAILABLE;
	api->parts = parts;
	api->started_at = clock_now();
	if ((rc = load_routes(api, f)) == RC_OK && (rc = limiter_new(&api->limiter)) == RC_OK &&
	    (rc = console_new(&api->console)) == RC_OK &&
	    (rc = capacity_cache_new(&api->capacity)) == RC_OK) {
		*out = api;
		return RC_OK;
	}
	api_free(api);
	return rc;
}

void
api_free(struct api *api)
{
	if (!api)
		return;
	capacity_cache_free(api->capacity);
	console_free(api->console);
	limiter_free(api->limiter);
	free(api->took);
	free(api->served);
	free(api->out);
	free(api->in);
	free(api);
}

void
api_tick(struct api *api, int64_t now)
{
	feed_tick(api->parts->feed);
	duty_watch_tick(api->parts, now);
	sweep_run(api->parts, now);
	alerts_raise(api->parts, now);
	if (now - api->swept_at < IDEM_SWEEP_EVERY && now >= api->swept_at)
		return;
	api->swept_at = now;
	idem_sweep(api->parts, now);
	attempts_sweep(api->parts, now);
	grants_sweep(api->parts, now);
}
