/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The rules of fit.h: a row for each type of shelter (DOMAIN 2) and a table of rules, walked in order, each
 * with its reason and source.  Does not know what is free: that is units.c.
 */
#include "domain/fit.h"

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

static bool
is_family(const struct household *who)
{
	return who->child_count > 0 || who->pregnant;
}

static bool
is_in_danger(const struct household *who)
{
	return who->danger_to_life || who->case_type == CASE_DANGER_TO_LIFE;
}

static bool
is_other_case(const struct question *q)
{
	return (q->type->cases & CASE_BIT(q->who->case_type)) == 0;
}

static bool
is_emergency(const struct question *q)
{
	return q->type->needs_step_out && !q->who->step_out;
}

static bool
is_other_path(const struct question *q)
{
	return q->path != PATH_HELPLINE && !q->type->takes_family_support;
}

static bool
is_danger_unstated(const struct question *q)
{
	return q->type->needs_danger && !is_in_danger(q->who);
}

static bool
is_closed(const struct question *q)
{
	return !q->s->is_open || q->s->retired;
}

static bool
is_danger_county(const struct question *q)
{
	return (q->who->danger_counties & veil_counties(q->s)) != 0;
}

static bool
is_own_county(const struct question *q)
{
	if (q->who->home_county >= COUNTY_COUNT || q->s->admission.own_county)
		return false;
	return (veil_counties(q->s) >> q->who->home_county & 1u) != 0;
}

static bool
has_lone_man(const struct question *q)
{
	return q->who->men > 0 && !is_family(q->who) && !q->s->admission.men;
}

static bool
has_father(const struct question *q)
{
	return q->who->men > 0 && is_family(q->who) && !q->s->admission.fathers;
}

static bool
has_no_child(const struct question *q)
{
	if (is_family(q->who))
		return false;
	return q->type->needs_child || (q->who->women > 0 && !q->s->admission.women_alone);
}

static bool
has_old_boy(const struct question *q)
{
	for (unsigned i = 0; i < q->who->child_count && i < LIMIT_CHILDREN; i++) {
		const struct child *c = &q->who->children[i];

		/* of a band we know its last age only: a family must not be sent away at the door */
		if (c->sex == SEX_MALE && band_last_age((enum age_band)c->band) > q->s->admission.boy_max_age)
			return true;
	}
	return false;
}

static bool
has_many_children(const struct question *q)
{
	return q->s->admission.max_children > 0 && q->who->child_count > q->s->admission.max_children;
}

static bool
is_unwelcome(const struct question *q, uint8_t company, bool house_admits)
{
	if (company == COMPANY_NEVER || !house_admits)
		return true;
	return company == COMPANY_IF_SEPARATED && !q->who->would_be_separated;
}

static bool
has_sibling(const struct question *q)
{
	return q->who->siblings > 0 && is_unwelcome(q, q->type->sibling, q->s->admission.adult_sibling);
}

static bool
has_partner(const struct question *q)
{
	return q->who->partner && is_unwelcome(q, q->type->partner, q->s->admission.partner);
}

static bool
has_pet(const struct question *q)
{
	return q->who->pet && !q->s->admission.pets;
}

static bool
has_other_tongue(const struct question *q)
{
	uint32_t hungarian = 1u << TONGUE_HU;
	uint32_t spoken = q->who->languages == 0 ? hungarian : q->who->languages;

	return (spoken & (q->s->admission.languages | hungarian)) == 0;
}

static bool
is_acute_addiction(const struct question *q)
{
	return q->who->acute_addiction && !q->s->admission.acute_addiction;
}

static bool
is_acute_psychiatric(const struct question *q)
{
	return q->who->acute_psychiatric && !q->s->admission.acute_psychiatric;
}

/* In the order in which a counsellor would name them, most basic first. */
static const struct {
	bool (*is_broken)(const struct question *q);
	enum fit_reason reason;
} rules[] = {
	{ is_other_case, FIT_TYPE_NOT_FOR_CASE },     /* DOMAIN 2: who */
	{ is_emergency, FIT_NOT_EMERGENCY },          /* DOMAIN 2: path in, halfway house */
	{ is_other_path, FIT_HELPLINE_ONLY },         /* DOMAIN 2: path in */
	{ is_danger_unstated, FIT_NOT_YET_STATED },   /* DOMAIN 2: path in, secret house */
	{ is_danger_county, FIT_DANGER_COUNTY },      /* DOMAIN 2, rules for all: a hard exclusion */
	{ is_own_county, FIT_OWN_COUNTY },            /* DOMAIN 2, rules for all: own neighbourhood */
	{ is_closed, FIT_CLOSED },                    /* the house */
	{ has_lone_man, FIT_NO_MEN },                 /* DOMAIN 7: where the house says so */
	{ has_father, FIT_NO_FATHERS },               /* DOMAIN 7 */
	{ has_no_child, FIT_NO_WOMEN_ALONE },         /* DOMAIN 2: household; and the house */
	{ has_old_boy, FIT_BOY_TOO_OLD },             /* DOMAIN 3: per house */
	{ has_many_children, FIT_TOO_MANY_CHILDREN }, /* DOMAIN 3: per house */
	{ has_sibling, FIT_SIBLING },                 /* DOMAIN 2: household, family home */
	{ has_partner, FIT_PARTNER },                 /* DOMAIN 2: household, family home */
	{ has_pet, FIT_NO_PETS },                     /* DOMAIN 3; assistance animals are always admitted */
	{ has_other_tongue, FIT_LANGUAGE },           /* DOMAIN 3 */
	{ is_acute_addiction, FIT_ACUTE_ADDICTION },  /* DOMAIN 3: house policy */
	{ is_acute_psychiatric, FIT_ACUTE_PSYCHIATRIC },
};

static void
add_reason(struct fit *out, enum fit_reason reason)
{
	if (out->reason_count < LIMIT_REASONS)
		out->reasons[out->reason_count++] = (uint8_t)reason;
}

void
fit_rules(const struct shelter *s, const struct household *who, enum path_in path, struct fit *out)
{
	const struct question q = { s, who, &types[s->type], path };

	*out = (struct fit){ 0 };
	for (unsigned i = 0; i < COUNT_OF(rules); i++) {
		if (rules[i].is_broken(&q))
			add_reason(out, rules[i].reason);
	}
	if (out->reason_count > 0) {
		out->answer = ANSWER_NO_CAPACITY;
		return;
	}
	out->answer = s->admission.assessment_first ? ANSWER_ASSESSMENT : ANSWER_CAPACITY;
	out->address_unprotected =
	    q.type->is_address_public && ((CASE_BIT(who->case_type) & VIOLENCE) != 0 || who->danger_to_life);
}

void
fit_house(const struct shelter *s, const struct house *h, const struct household *who, enum path_in path,
    int64_t now, struct fit *out)
{
	struct unit_choice choice;

	fit_rules(s, who, path, out);
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
