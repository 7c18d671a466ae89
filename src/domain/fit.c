/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The rules of fit.h: a row for each type of shelter (DOMAIN 2) and a table of rules, walked in order, each
 * with its reason and source.  Does not know what is free: that is units.c.
 */
#include "domain/fit.h"

#include "base/bytes.h"
#include "domain/units.h"
#include "domain/veil.h"

#define CASE_BIT(c) (1u << (c))
#define VIOLENCE \
	(CASE_BIT(CASE_PARTNER_VIOLENCE) | CASE_BIT(CASE_CHILD_ABUSE) | CASE_BIT(CASE_DANGER_TO_LIFE))

/* Does a type take an adult sibling, or a partner? */
enum company {
	COMPANY_NEVER,        /* the source names none */
	COMPANY_IF_HOUSE,     /* the source is silent: as the house says (ours) */
	COMPANY_IF_SEPARATED, /* as the house says, and only where the child would otherwise be separated */
};

struct type_row {
	uint8_t cases; /* CASE_BITs; 0 = never a candidate */
	bool needs_danger, needs_step_out, needs_child;
	bool takes_family_support; /* also asked for by family-support services, not by the helpline only */
	bool is_address_public;
	uint8_t sibling, partner; /* enum company */
};

/* DOMAIN 2, a column of its table each.  A type without a row is off: its group is not ours to place. */
static const struct type_row types[TYPE_COUNT] = {
	[TYPE_CRISIS_CENTRE] = { .cases = VIOLENCE, .sibling = COMPANY_IF_HOUSE },
	[TYPE_SECRET_HOUSE] = { .cases = VIOLENCE | CASE_BIT(CASE_TRAFFICKING),
	    .needs_danger = true,
	    .sibling = COMPANY_IF_HOUSE },
	[TYPE_HALFWAY_HOUSE] = { .cases = VIOLENCE | CASE_BIT(CASE_TRAFFICKING),
	    .needs_step_out = true,
	    .sibling = COMPANY_IF_HOUSE,
	    .partner = COMPANY_IF_HOUSE },
	[TYPE_PROTECTED_SHELTER] = { .cases = CASE_BIT(CASE_TRAFFICKING) },
	[TYPE_FAMILY_HOME] = { .cases = VIOLENCE | CASE_BIT(CASE_HOMELESSNESS),
	    .needs_child = true,
	    .takes_family_support = true,
	    .is_address_public = true,
	    .sibling = COMPANY_IF_SEPARATED,
	    .partner = COMPANY_IF_SEPARATED },
};

/* What a rule looks at. */
struct question {
	const struct shelter *s;
	const struct household *who;
	const struct type_row *type;
	enum path_in path;
};

/*@ predicate asked{L}(struct question *q) = \valid_read(q) && \valid_read(q->s) && \valid_read(q->who) &&
    \valid_read(q->type) && q->who->case_type < CASE_COUNT;
  predicate family{L}(struct household *w) = w->child_count > 0 || w->pregnant;
  predicate in_danger{L}(struct household *w) = w->danger_to_life || w->case_type == CASE_DANGER_TO_LIFE;
  predicate unwelcome{L}(struct question *q, integer company, integer admits) = company == COMPANY_NEVER ||
    admits == 0 || (company == COMPANY_IF_SEPARATED && !q->who->would_be_separated);
*/

/*@ requires \valid_read(who);
    assigns \nothing;
    ensures \result <==> family(who);
*/
static bool
is_family(const struct household *who)
{
	return who->child_count > 0 || who->pregnant;
}

/*@ requires \valid_read(who);
    assigns \nothing;
    ensures \result <==> in_danger(who);
*/
static bool
is_in_danger(const struct household *who)
{
	return who->danger_to_life || who->case_type == CASE_DANGER_TO_LIFE;
}

/*@ requires asked(q);
    assigns \nothing;
    ensures \result <==> ((q->type->cases & (unsigned)(1 << q->who->case_type)) == 0);
*/
static bool
is_other_case(const struct question *q)
{
	return (q->type->cases & CASE_BIT(q->who->case_type)) == 0;
}

/*@ requires asked(q);
    assigns \nothing;
    ensures \result <==> (q->type->needs_step_out && !q->who->step_out);
*/
static bool
is_emergency(const struct question *q)
{
	return q->type->needs_step_out && !q->who->step_out;
}

/*@ requires asked(q);
    assigns \nothing;
    ensures \result <==> (q->path != PATH_HELPLINE && !q->type->takes_family_support);
*/
static bool
is_other_path(const struct question *q)
{
	return q->path != PATH_HELPLINE && !q->type->takes_family_support;
}

/*@ requires asked(q);
    assigns \nothing;
    ensures \result <==> (q->type->needs_danger && !in_danger(q->who));
*/
static bool
is_danger_unstated(const struct question *q)
{
	return q->type->needs_danger && !is_in_danger(q->who);
}

/*@ requires asked(q);
    assigns \nothing;
    ensures \result <==> (!q->s->is_open || q->s->retired);
*/
static bool
is_closed(const struct question *q)
{
	return !q->s->is_open || q->s->retired;
}

/*@ requires asked(q);
    assigns \nothing;
    ensures \result <==> ((q->who->danger_counties & (uint32_t)counties_seen(q->s->type, q->s->county)) != 0);
*/
static bool
is_danger_county(const struct question *q)
{
	return q->who->danger_counties != 0 && (q->who->danger_counties & veil_counties(q->s)) != 0;
}

/*@ requires asked(q);
    assigns \nothing;
    ensures \result <==> (q->who->home_county < COUNTY_COUNT && !q->s->admission.own_county &&
      (((uint32_t)counties_seen(q->s->type, q->s->county) >> q->who->home_county) & 1) != 0);
*/
static bool
is_own_county(const struct question *q)
{
	if (q->who->home_county >= COUNTY_COUNT || q->s->admission.own_county)
		return false;
	return (veil_counties(q->s) >> q->who->home_county & 1u) != 0;
}

/*@ requires asked(q);
    assigns \nothing;
    ensures \result <==> (q->who->men > 0 && !family(q->who) && !q->s->admission.men);
*/
static bool
has_lone_man(const struct question *q)
{
	return q->who->men > 0 && !is_family(q->who) && !q->s->admission.men;
}

/*@ requires asked(q);
    assigns \nothing;
    ensures \result <==> (q->who->men > 0 && family(q->who) && !q->s->admission.fathers);
*/
static bool
has_father(const struct question *q)
{
	return q->who->men > 0 && is_family(q->who) && !q->s->admission.fathers;
}

/*@ requires asked(q);
    assigns \nothing;
    ensures \result <==> (!family(q->who) && (q->type->needs_child || (q->who->women > 0 &&
   !q->s->admission.women_alone)));
*/
static bool
has_no_child(const struct question *q)
{
	if (is_family(q->who))
		return false;
	return q->type->needs_child || (q->who->women > 0 && !q->s->admission.women_alone);
}

/*@ requires asked(q);
    assigns \nothing;
    ensures \result <==> (\exists integer k; 0 <= k < children_of(q->who) && q->who->children[k].sex ==
   SEX_MALE && last_age(q->who->children[k].band) > q->s->admission.boy_max_age);
*/
static bool
has_old_boy(const struct question *q)
{
	/*@ loop invariant 0 <= i <= children_of(q->who);
	    loop invariant \forall integer k; 0 <= k < i && q->who->children[k].sex == SEX_MALE ==>
	      last_age(q->who->children[k].band) <= q->s->admission.boy_max_age;
	    loop assigns i;
	    loop variant children_of(q->who) - i;
	*/
	for (unsigned i = 0; i < household_children(q->who); i++) {
		const struct child *c = &q->who->children[i];

		/* of a band we know its last age only: a family must not be sent away at the door */
		if (c->sex == SEX_MALE && band_last_age((enum age_band)c->band) > q->s->admission.boy_max_age)
			return true;
	}
	return false;
}

/*@ requires asked(q);
    assigns \nothing;
    ensures \result <==> (q->s->admission.max_children > 0 && q->who->child_count >
   q->s->admission.max_children);
*/
static bool
has_many_children(const struct question *q)
{
	return q->s->admission.max_children > 0 && q->who->child_count > q->s->admission.max_children;
}

/*@ requires asked(q);
    assigns \nothing;
    ensures \result <==> unwelcome(q, company, house_admits);
*/
static bool
is_unwelcome(const struct question *q, uint8_t company, bool house_admits)
{
	if (company == COMPANY_NEVER || !house_admits)
		return true;
	return company == COMPANY_IF_SEPARATED && !q->who->would_be_separated;
}

/*@ requires asked(q);
    assigns \nothing;
    ensures \result <==> (q->who->siblings > 0 && unwelcome(q, q->type->sibling,
   q->s->admission.adult_sibling));
*/
static bool
has_sibling(const struct question *q)
{
	return q->who->siblings > 0 && is_unwelcome(q, q->type->sibling, q->s->admission.adult_sibling);
}

/*@ requires asked(q);
    assigns \nothing;
    ensures \result <==> (q->who->partner && unwelcome(q, q->type->partner, q->s->admission.partner));
*/
static bool
has_partner(const struct question *q)
{
	return q->who->partner && is_unwelcome(q, q->type->partner, q->s->admission.partner);
}

/*@ requires asked(q);
    assigns \nothing;
    ensures \result <==> (q->who->pet && !q->s->admission.pets);
*/
static bool
has_pet(const struct question *q)
{
	return q->who->pet && !q->s->admission.pets;
}

/*@ requires asked(q);
    assigns \nothing;
    ensures q->who->languages != 0 ==>
      (\result <==> (q->who->languages & (q->s->admission.languages | 1)) == 0);
*/
static bool
has_other_tongue(const struct question *q)
{
	uint32_t hungarian = 1u << TONGUE_HU;
	uint32_t spoken = q->who->languages == 0 ? hungarian : q->who->languages;

	return (spoken & (q->s->admission.languages | hungarian)) == 0;
}

/*@ requires asked(q);
    assigns \nothing;
    ensures \result <==> (q->who->acute_addiction && !q->s->admission.acute_addiction);
*/
static bool
is_acute_addiction(const struct question *q)
{
	return q->who->acute_addiction && !q->s->admission.acute_addiction;
}

/*@ requires asked(q);
    assigns \nothing;
    ensures \result <==> (q->who->acute_psychiatric && !q->s->admission.acute_psychiatric);
*/
static bool
is_acute_psychiatric(const struct question *q)
{
	return q->who->acute_psychiatric && !q->s->admission.acute_psychiatric;
}

/* ---- whom a rule concerns, whatever the house ---- */

static bool
concerns_all(const struct household *who, enum path_in path)
{
	(void)who;
	(void)path;
	return true;
}

static bool
concerns_emergency(const struct household *who, enum path_in path)
{
	(void)path;
	return !who->step_out;
}

static bool
concerns_family_support(const struct household *who, enum path_in path)
{
	(void)who;
	return path != PATH_HELPLINE;
}

static bool
concerns_no_danger(const struct household *who, enum path_in path)
{
	(void)path;
	return !is_in_danger(who);
}

static bool
concerns_danger_county(const struct household *who, enum path_in path)
{
	(void)path;
	return who->danger_counties != 0;
}

static bool
concerns_home(const struct household *who, enum path_in path)
{
	(void)path;
	return who->home_county < COUNTY_COUNT;
}

static bool
concerns_men(const struct household *who, enum path_in path)
{
	(void)path;
	return who->men > 0;
}

static bool
concerns_childless(const struct household *who, enum path_in path)
{
	(void)path;
	return !is_family(who);
}

static bool
concerns_children(const struct household *who, enum path_in path)
{
	(void)path;
	return who->child_count > 0;
}

static bool
concerns_siblings(const struct household *who, enum path_in path)
{
	(void)path;
	return who->siblings > 0;
}

static bool
concerns_partner(const struct household *who, enum path_in path)
{
	(void)path;
	return who->partner;
}

static bool
concerns_pet(const struct household *who, enum path_in path)
{
	(void)path;
	return who->pet;
}

/* Hungarian is understood in every house. */
static bool
concerns_other_tongue(const struct household *who, enum path_in path)
{
	(void)path;
	return who->languages != 0 && (who->languages & 1u << TONGUE_HU) == 0;
}

static bool
concerns_addiction(const struct household *who, enum path_in path)
{
	(void)path;
	return who->acute_addiction;
}

static bool
concerns_psychiatric(const struct household *who, enum path_in path)
{
	(void)path;
	return who->acute_psychiatric;
}

/* In the order in which a counsellor would name them, most basic first. */
static const struct {
	bool (*is_broken)(const struct question *q);
	enum fit_reason reason;
	bool (*concerns)(const struct household *who, enum path_in path); /* else it is never broken */
} rules[] = {
	{ is_other_case, FIT_TYPE_NOT_FOR_CASE, concerns_all },         /* DOMAIN 2: who */
	{ is_emergency, FIT_NOT_EMERGENCY, concerns_emergency },        /* DOMAIN 2: path in, halfway house */
	{ is_other_path, FIT_HELPLINE_ONLY, concerns_family_support },  /* DOMAIN 2: path in */
	{ is_danger_unstated, FIT_NOT_YET_STATED, concerns_no_danger }, /* DOMAIN 2: path in, secret house */
	{ is_danger_county, FIT_DANGER_COUNTY,
	    concerns_danger_county },                     /* DOMAIN 2, rules for all: a hard exclusion */
	{ is_own_county, FIT_OWN_COUNTY, concerns_home }, /* DOMAIN 2, rules for all: own neighbourhood */
	{ is_closed, FIT_CLOSED, concerns_all },          /* the house */
	{ has_lone_man, FIT_NO_MEN, concerns_men },       /* DOMAIN 7: where the house says so */
	{ has_father, FIT_NO_FATHERS, concerns_men },     /* DOMAIN 7 */
	{ has_no_child, FIT_NO_WOMEN_ALONE, concerns_childless }, /* DOMAIN 2: household; and the house */
	{ has_old_boy, FIT_BOY_TOO_OLD, concerns_children },      /* DOMAIN 3: per house */
	{ has_many_children, FIT_TOO_MANY_CHILDREN, concerns_children }, /* DOMAIN 3: per house */
	{ has_sibling, FIT_SIBLING, concerns_siblings }, /* DOMAIN 2: household, family home */
	{ has_partner, FIT_PARTNER, concerns_partner },  /* DOMAIN 2: household, family home */
	{ has_pet, FIT_NO_PETS, concerns_pet }, /* DOMAIN 3; assistance animals are always admitted */
	{ has_other_tongue, FIT_LANGUAGE, concerns_other_tongue },       /* DOMAIN 3 */
	{ is_acute_addiction, FIT_ACUTE_ADDICTION, concerns_addiction }, /* DOMAIN 3: house policy */
	{ is_acute_psychiatric, FIT_ACUTE_PSYCHIATRIC, concerns_psychiatric },
};

_Static_assert(COUNT_OF(rules) == FIT_RULES, "fit.h says how many there are");

/*@ requires \valid(out) && out->reason_count <= LIMIT_REASONS;
    assigns out->reason_count, out->reasons[0 .. LIMIT_REASONS - 1];
    ensures 0 < out->reason_count <= LIMIT_REASONS;
*/
static void
add_reason(struct fit *out, enum fit_reason reason)
{
	if (out->reason_count < LIMIT_REASONS)
		out->reasons[out->reason_count++] = (uint8_t)reason;
}

void
fit_ask(const struct household *who, enum path_in path, struct fit_asker *out)
{
	out->who = who;
	out->path = path;
	out->rule_count = 0;
	for (unsigned i = 0; i < COUNT_OF(rules); i++) {
		if (rules[i].concerns(who, path))
			out->rules[out->rule_count++] = (uint8_t)i;
	}
}

void
fit_rules(const struct shelter *s, const struct fit_asker *asker, struct fit *out)
{
	const struct household *who = asker->who;
	const struct question q = { s, who, &types[s->type], asker->path };

	*out = (struct fit){ 0 };
	for (unsigned i = 0; i < asker->rule_count; i++) {
		const unsigned rule = asker->rules[i];

		if (rules[rule].is_broken(&q))
			add_reason(out, rules[rule].reason);
	}
	if (out->reason_count > 0) {
		out->answer = ANSWER_NO_CAPACITY;
		return;
	}
	out->answer = s->admission.assessment_first ? ANSWER_ASSESSMENT : ANSWER_CAPACITY;
	out->address_unprotected =
	    q.type->is_address_public && ((CASE_BIT(who->case_type) & VIOLENCE) != 0 || who->danger_to_life);
}

/* Every member that a rule above reads; test_reach.c compares the answers of alike houses. */
void
fit_class(const struct shelter *s, uint8_t out[FIT_CLASS_BYTES])
{
	const struct admission *a = &s->admission;
	const bool flags[] = { a->women_alone, a->men, a->fathers, a->adult_sibling, a->partner, a->pets,
		a->acute_addiction, a->acute_psychiatric, a->own_county, a->assessment_first,
		s->is_open && !s->retired };
	uint32_t bits = 0;

	for (unsigned i = 0; i < COUNT_OF(flags); i++)
		bits |= (uint32_t)flags[i] << i;
	put_u32(out, veil_counties(s));
	put_u32(out + 4, a->languages);
	put_u32(out + 8, bits << 8 | s->type);
	out[12] = a->boy_max_age;
	out[13] = a->max_children;
}

/*@ requires \valid_read(s) && \valid_read(h) && \valid_read(who) && \valid(out);
    requires out->reason_count <= LIMIT_REASONS && out->units == 0;
    requires \separated(out, s) && \separated(out, h) && \separated(out, who);
    assigns *out;
    ensures out->reason_count <= LIMIT_REASONS;
    // nothing is offered where a rule of the house says no, and nothing by which no unit was found
    ensures \old(out->reason_count) > 0 ==> *out == \old(*out);
    ensures out->units != 0 ==> out->reason_count == 0 && out->answer == \old(out->answer);
    ensures \old(out->reason_count) == 0 && out->units == 0 ==>
      out->answer == ANSWER_WAITLIST || out->answer == ANSWER_NO_CAPACITY;
*/
void
fit_units(
    const struct shelter *s, const struct house *h, const struct household *who, int64_t now, struct fit *out)
{
	struct unit_choice choice;

	if (out->reason_count > 0)
		return;
	units_choose(h, s, who, now, &choice);
	out->confirmed_at = choice.confirmed_at;
	if (choice.units == 0) {
		add_reason(out, choice.why);
		/* nobody waits for a house that could not take them empty */
		out->answer =
		    s->admission.waitlist && choice.is_only_taken ? ANSWER_WAITLIST : ANSWER_NO_CAPACITY;
		return;
	}
	out->units = choice.units;
	out->unit_count = (uint8_t)choice.count;
	out->places = (uint8_t)choice.places;
	out->spare = (uint8_t)choice.spare;
}

void
fit_house(const struct shelter *s, const struct house *h, const struct household *who, enum path_in path,
    int64_t now, struct fit *out)
{
	struct fit_asker asker;

	fit_ask(who, path, &asker);
	fit_rules(s, &asker, out);
	fit_units(s, h, who, now, out);
}

uint64_t
fit_choose_units(const struct house *h, const struct shelter *s, const struct household *who, int64_t now,
    enum fit_reason *why)
{
	struct unit_choice choice;

	units_choose(h, s, who, now, &choice);
	*why = choice.why;
	return choice.units;
}

void
fit_allocation(const struct household *who, uint64_t units, const struct id *reservation, int64_t expires_at,
    struct allocation *out)
{
	unsigned babies = household_babies(who);

	*out = (struct allocation){
		.reservation = *reservation,
		.units = units,
		.adults = (uint8_t)household_adults(who),
		.children = (uint8_t)(household_persons(who) - household_adults(who) - babies),
		.babies = (uint8_t)babies,
		.expires_at = expires_at,
	};
}
