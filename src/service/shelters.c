/* SPDX-License-Identifier: Apache-2.0 */
/* Profiles and units.  A change of a unit goes through the capacity record, so it can never pass a booking of
 * it. */
#include <string.h>

#include "crypto/digest.h"
#include "domain/rank.h"
#include "service/accounts.h"
#include "service/code_names.h"
#include "service/etag.h"
#include "service/scan.h"
#include "service/shelters.h"

enum rc
shelter_tell(struct ctx *c, const struct id *shelter, bool frees)
{
	const struct event ev = { .kind = EVENT_UNIT_CHANGED,
		.shelter = *shelter,
		.subject = *shelter,
		.at = c->now,
		.frees = frees };

	return feed_emit(c->txn, &ev);
}

/* Write ${s}, which stood there as ${before} (NULL: it is new). */
static enum rc
put_profile(struct ctx *c, const struct shelter *before, const struct shelter *s)
{
	struct key key = record_key(KIND_SHELTER, &s->id), hk = record_key(KIND_HOUSE, &s->id);
	struct house *h = arena_alloc(c->arena, sizeof(*h));
	enum rc rc;

	if (!h)
		return RC_UNAVAILABLE;
	if ((rc = record_get(c->txn, KIND_HOUSE, &hk, h)) != RC_OK)
		return rc;
	if (!house_is_sound(h, s, ctx_sure(c))) /* a licence below what is promised already (H3) */
		return fault_set(c->fault, RC_STATE_CONFLICT, MSG_UNIT_IN_USE, NULL, 0, NULL);
	if ((rc = code_name_claim(c, before, s)) != RC_OK)
		return rc;
	ctx_note(c, &s->id, &s->id, NULL);
	return record_put(c->txn, KIND_SHELTER, &key, s);
}

enum rc
shelter_save(struct ctx *c, const struct shelter *s)
{
	struct key key = record_key(KIND_SHELTER, &s->id);
	struct shelter before;
	enum rc rc;

	if ((rc = record_get(c->txn, KIND_SHELTER, &key, &before)) != RC_OK)
		return rc;
	if (before.retired && !s->retired && /* it would come back for nobody to answer */
	    (rc = org_answers(c, &s->org, RC_STATE_CONFLICT, MSG_ORG_RETIRED)) != RC_OK)
		return rc;
	if ((rc = code_name_is_free(c, &before, s)) != RC_OK || (rc = put_profile(c, &before, s)) != RC_OK)
		return rc;
	return shelter_tell(
	    c, &s->id, true); /* it may take whom it did not: a house that opens, a wider rule */
}

enum rc
shelter_create(struct ctx *c, struct shelter *s)
{
	const enum rc rc = code_name_is_free(c, NULL, s);

	return rc == RC_OK ? shelter_add(c, s) : rc;
}

enum rc
shelter_add(struct ctx *c, struct shelter *s)
{
	struct house *h = arena_alloc(c->arena, sizeof(*h));
	struct key org_key = record_key(KIND_ORG, &s->org), key;
	struct org org;
	enum rc rc;

	if (!h)
		return RC_UNAVAILABLE;
	rc = who_manages_org(c, &s->org) ? record_get(c->txn, KIND_ORG, &org_key, &org) : RC_NOT_FOUND;
	if (rc == RC_NOT_FOUND || (rc == RC_OK && (org.retired || org.kind != ORG_SHELTER_OPERATOR)))
		return fault_set(c->fault, RC_INVALID, MSG_ORG_UNKNOWN, "/org", 0, NULL);
	if (rc != RC_OK)
		return rc;
	s->id = ctx_id(c);
	s->created_at = c->now;
	model_clear(&model_house, h);
	h->shelter = s->id;
	key = record_key(KIND_HOUSE, &s->id);
	if ((rc = record_put(c->txn, KIND_HOUSE, &key, h)) != RC_OK)
		return rc;
	return put_profile(c, NULL, s);
}

static bool
any_record(const struct ctx *c, const void *record)
{
	(void)c;
	(void)record;
	return true;
}

/* The first of the person's houses behind ${after} in the order of ids, which is that of pages: the person
 * has them in the order in which they were given.  NULL: there is none. */
static const struct id *
next_house(const struct user *person, const struct id *after)
{
	const struct id *next = NULL;

	for (unsigned i = 0; i < person->shelter_count; i++) {
		const struct id *id = &person->shelters[i];

		if (memcmp(id->b, after->b, ID_BYTES) > 0 &&
		    (next == NULL || memcmp(id->b, next->b, ID_BYTES) < 0))
			next = id;
	}
	return next;
}

enum rc
shelter_list(struct ctx *c, const struct id *after, unsigned limit, void *out, unsigned *count)
{
	const struct user *person = &c->who->user;
	struct shelter *rows = out;
	enum rc rc = RC_OK;

	if (who_is(c, ROLE_ADMIN))
		return scan_page(
		    c, KIND_SHELTER, sizeof(struct shelter), after, any_record, limit, out, count);
	*count = 0;
	while (rc == RC_OK && *count < limit && (after = next_house(person, after)) != NULL) {
		struct key key = record_key(KIND_SHELTER, after);
		rc = record_get(c->txn, KIND_SHELTER, &key, &rows[*count]);
		if (rc == RC_OK)
			(*count)++;
		else if (rc == RC_NOT_FOUND)
			rc = RC_OK;
	}
	return rc;
}

/* ---- units ---- */

static unsigned
free_places(const struct house *h, int64_t now)
{
	unsigned n = 0;

	for (unsigned i = 0; i < h->unit_count; i++)
		n += house_unit_free_places(h, i, now);
	return n;
}

/* ${had}: free places before the change. */
static enum rc
save_house(struct ctx *c, const struct house *h, unsigned had)
{
	struct key key = record_key(KIND_HOUSE, &h->shelter);
	enum rc rc;

	if ((rc = record_put(c->txn, KIND_HOUSE, &key, h)) != RC_OK)
		return rc;
	return shelter_tell(c, &h->shelter, free_places(h, ctx_sure(c)) > had);
}

static enum rc
load_house(struct ctx *c, const struct id *shelter, bool admin_too, struct house *h)
{
	struct key key = record_key(KIND_HOUSE, shelter);
	struct shelter s;
	enum rc rc;

	if ((rc = access_shelter(c, shelter, admin_too, &s)) != RC_OK)
		return rc;
	return record_get(c->txn, KIND_HOUSE, &key, h);
}

/* The choice of joined units tries all subsets of a group, so a group is bounded: of a larger one only the
 * first are looked at, and there would be no place while there is one.  ${u} is to come into its group. */
static enum rc
check_group(struct ctx *c, const struct house *h, const struct unit *u)
{
	unsigned others = 0;

	for (unsigned i = 0; i < h->unit_count && u->join_group != 0; i++)
		others += h->units[i].join_group == u->join_group && !h->units[i].retired &&
		    !id_equal(&h->units[i].id, &u->id);
	if (others < JOIN_GROUP_UNITS)
		return RC_OK;
	return fault_set(c->fault, RC_INVALID, MSG_GROUP_FULL, "/join_group", JOIN_GROUP_UNITS, NULL);
}

/* As an import has it: staff can say of so many places how they stand (unit-report), and four joined rooms of
 * more would leave the byte that counts places of a candidate. */
static enum rc
check_places(struct ctx *c, const struct unit *u)
{
	if (unit_places(u) <= LIMIT_PLACES)
		return RC_OK;
	return fault_set(c->fault, RC_INVALID, MSG_FIELD_MAX, "/adult_beds", LIMIT_PLACES, NULL);
}

enum rc
unit_create(struct ctx *c, const struct id *shelter, struct unit *u)
{
	struct house *h = arena_alloc(c->arena, sizeof(*h));
	unsigned had;
	enum rc rc;

	if (!h)
		return RC_UNAVAILABLE;
	if ((rc = load_house(c, shelter, true, h)) != RC_OK)
		return rc;
	if (h->unit_count == LIMIT_UNITS)
		return fault_set(c->fault, RC_INVALID, MSG_UNITS_FULL, NULL, LIMIT_UNITS, NULL);
	u->id = ctx_id(c);
	if ((rc = check_places(c, u)) != RC_OK || (rc = check_group(c, h, u)) != RC_OK)
		return rc;
	had = free_places(h, ctx_sure(c));
	u->version = 1;
	h->units[h->unit_count++] = *u;
	ctx_note(c, &u->id, shelter, NULL);
	return save_house(c, h, had);
}

enum rc
unit_load(struct ctx *c, const struct id *shelter, const struct id *unit, struct house *h, int *index)
{
	enum rc rc;

	if ((rc = load_house(c, shelter, true, h)) != RC_OK)
		return rc;
	*index = house_find_unit(h, unit);
	return *index < 0 ? fault_set(c->fault, RC_NOT_FOUND, MSG_NOT_FOUND, NULL, 0, NULL) : RC_OK;
}

static bool
unit_has_share(const struct house *h, unsigned i, int64_t now)
{
	for (unsigned a = 0; a < h->allocation_count; a++) {
		const struct allocation *x = &h->allocations[a];
		bool is_live = x->expires_at == 0 || x->expires_at > now;
		if (is_live && (x->units >> i & 1))
			return true;
	}
	return false;
}

enum rc
unit_save(struct ctx *c, const struct id *shelter, const struct unit *u)
{
	struct house *h = arena_alloc(c->arena, sizeof(*h));
	struct shelter s;
	int i;
	unsigned had;
	enum rc rc;

	if (!h)
		return RC_UNAVAILABLE;
	if ((rc = access_shelter(c, shelter, true, &s)) != RC_OK)
		return rc;
	if ((rc = unit_load(c, shelter, &u->id, h, &i)) != RC_OK)
		return rc;
	if (unit_has_share(h, (unsigned)i, ctx_sure(c)))
		return fault_set(c->fault, RC_STATE_CONFLICT, MSG_UNIT_IN_USE, NULL, 0, NULL);
	if (!u->retired && (u->join_group != h->units[i].join_group || h->units[i].retired) &&
	    (rc = check_group(c, h, u)) != RC_OK)
		return rc;
	if (unit_places(u) > unit_places(&h->units[i]) && (rc = check_places(c, u)) != RC_OK)
		return rc;
	had = free_places(h, ctx_sure(c));
	h->units[i] = *u;
	h->units[i].version++;
	if (!house_is_sound(h, &s, ctx_sure(c))) /* fewer beds than people in them (H2) */
		return fault_set(c->fault, RC_STATE_CONFLICT, MSG_UNIT_IN_USE, NULL, 0, NULL);
	ctx_note(c, &u->id, shelter, NULL);
	return save_house(c, h, had);
}

uint64_t
unit_version(const struct ctx *c, const struct house *h, unsigned i)
{
	const struct unit *u = &h->units[i];
	const uint8_t seen[] = { u->adult_beds, u->child_beds, u->cots, u->shared, u->step_free, u->own_rooms,
		u->join_group, u->retired };
	uint8_t print[DIGEST_BYTES];

	if (principal_has_shelter(c->who, &h->shelter))
		return u->version;
	digest_parts((struct bytes[]){ BYTES_OF(seen), bytes_str(u->name) }, 2, print);
	return get_u64(print);
}

void
unit_show(struct ctx *c, const struct house *h, unsigned i, struct unit_view *out)
{
	const struct unit *u = &h->units[i];

	*out = (struct unit_view){ .id = u->id,
		.name = u->name,
		.adult_beds = u->adult_beds,
		.child_beds = u->child_beds,
		.cots = u->cots,
		.places = (uint8_t)unit_places(u),
		.shared = u->shared,
		.step_free = u->step_free,
		.own_rooms = u->own_rooms,
		.join_group = u->join_group,
		.state = (uint8_t)house_unit_state(h, i, ctx_sure(c)),
		.free_places = (uint8_t)house_unit_free_places(h, i, ctx_sure(c)),
		.freshness =
		    (uint8_t)freshness_of(u->confirmed_at, c->now, &parts_tuning(c->parts)->freshness),
		.confirmed_at = u->confirmed_at };
	etag_make(c->parts, &u->id, unit_version(c, h, i), out->etag);
}

static uint32_t
show_units(struct ctx *c, const struct house *h, struct unit_view *out)
{
	uint32_t n = 0;

	for (unsigned i = 0; i < h->unit_count; i++)
		if (!h->units[i].retired)
			unit_show(c, h, i, &out[n++]);
	return n;
}

enum rc
unit_list(struct ctx *c, const struct id *shelter, struct units_reply *out)
{
	struct house *h = arena_alloc(c->arena, sizeof(*h));
	struct unit_view *units = arena_calloc(c->arena, LIMIT_UNITS, sizeof(*units));
	enum rc rc;

	if (!h || !units)
		return RC_UNAVAILABLE;
	if ((rc = load_house(c, shelter, true, h)) != RC_OK)
		return rc;
	*out = (struct units_reply){ .shelter = *shelter, .units = units, .count = show_units(c, h, units) };
	return RC_OK;
}

/* ---- availability ---- */

/* A house of the caller's, as it is. */
static enum rc
load_own(struct ctx *c, const struct id *shelter, struct shelter **s, struct house **h)
{
	*s = arena_alloc(c->arena, sizeof(**s));
	*h = arena_alloc(c->arena, sizeof(**h));
	return *s && *h ? access_house(c, shelter, *s, *h) : RC_UNAVAILABLE;
}

/* What it says points into ${s}. */
static enum rc
show_house(struct ctx *c, const struct shelter *s, const struct house *h, struct availability_reply *out)
{
	struct unit_view *units = arena_calloc(c->arena, h->unit_count, sizeof(*units));

	if (!units)
		return RC_UNAVAILABLE;
	*out = (struct availability_reply){ .shelter = s->id,
		.code_name = s->code_name,
		.at = c->now,
		.licensed_capacity = s->licensed_capacity,
		.persons = (uint16_t)house_persons(h, ctx_sure(c)),
		.units = units,
		.count = show_units(c, h, units) };
	return RC_OK;
}

enum rc
availability_show(struct ctx *c, const struct id *shelter, struct availability_reply *out)
{
	struct shelter *s;
	struct house *h;
	enum rc rc;

	if ((rc = load_own(c, shelter, &s, &h)) != RC_OK)
		return rc;
	return show_house(c, s, h, out);
}

static enum rc
report_one(struct ctx *c, struct house *h, const struct unit_report_item *item)
{
	const struct unit_report report = { .state = item->state, .free_places = item->free_places };
	int i = house_find_unit(h, &item->unit);
	enum rc rc;

	if (i < 0 || h->units[i].retired)
		return fault_set(c->fault, RC_INVALID, MSG_UNIT_UNKNOWN, "/units", 0, NULL);
	rc = house_report(h, (unsigned)i, &report, ctx_sure(c), c->fault);
	if (rc == RC_OK)
		h->units[i].confirmed_at = c->now; /* its freshness begins */
	return rc;
}

enum rc
availability_report(struct ctx *c, const struct id *shelter, const struct availability_change *in,
    struct availability_reply *out)
{
	struct shelter *s;
	struct house *h;
	unsigned had;
	enum rc rc;

	if ((rc = load_own(c, shelter, &s, &h)) != RC_OK)
		return rc;
	had = free_places(h, ctx_sure(c));
	for (unsigned i = 0; i < in->unit_count; i++)
		if ((rc = report_one(c, h, &in->units[i])) != RC_OK)
			return rc;
	if ((rc = save_house(c, h, had)) != RC_OK)
		return rc;
	return show_house(c, s, h, out);
}

/* By name where only one has it: nobody guesses which of two was meant, or the occupied one stays free. */
static enum rc
find_room(const struct house *h, const char *room, unsigned *out, struct fault *f)
{
	unsigned found = 0;

	*out = 0;
	for (unsigned i = 0; i < h->unit_count; i++) {
		if (h->units[i].retired || strcmp(h->units[i].name, room) != 0)
			continue;
		*out = i;
		found++;
	}
	if (found == 1)
		return RC_OK;
	return fault_set(f, RC_NOT_FOUND, found == 0 ? MSG_UNIT_UNKNOWN : MSG_UNIT_TWICE, NULL, 0, NULL);
}

enum rc
availability_enter_late(struct ctx *c, const struct id *shelter, const char *room,
    const struct unit_report *report, int64_t at, struct unit_report *was)
{
	struct key key = record_key(KIND_HOUSE, shelter);
	struct house *h = arena_alloc(c->arena, sizeof(*h));
	unsigned had, i;
	enum rc rc;

	if (!h)
		return RC_UNAVAILABLE;
	if ((rc = record_get(c->txn, KIND_HOUSE, &key, h)) != RC_OK)
		return rc;
	if ((rc = find_room(h, room, &i, c->fault)) != RC_OK)
		return rc;
	*was = (struct unit_report){ (uint8_t)house_unit_state(h, i, ctx_sure(c)),
		(uint8_t)house_unit_free_places(h, i, ctx_sure(c)) };
	if (h->units[i].confirmed_at == at && was->state == report->state &&
	    (report->state != UNIT_PARTLY || was->free_places == report->free_places))
		return RC_TAKEN;
	if (at <= h->units[i].confirmed_at && freshness_is_known(h->units[i].confirmed_at, c->now))
		return fault_set(c->fault, RC_STATE_CONFLICT, MSG_LATER_KNOWN, NULL, 0, NULL);
	had = free_places(h, ctx_sure(c));
	/* by what held then: a hold that ran out since may have been asked for in time, on paper, too */
	if ((rc = house_report(h, i, report, at, c->fault)) != RC_OK)
		return rc;
	ctx_note(c, &h->units[i].id, shelter, "downtime_room");
	return save_house(c, h, had);
}

enum rc
availability_still_true(struct ctx *c, const struct id *shelter, struct availability_reply *out)
{
	struct shelter *s;
	struct house *h;
	enum rc rc;

	if ((rc = load_own(c, shelter, &s, &h)) != RC_OK)
		return rc;
	house_confirm_all(h, c->now);
	if ((rc = save_house(c, h, free_places(h, ctx_sure(c)))) != RC_OK)
		return rc;
	return show_house(c, s, h, out);
}
