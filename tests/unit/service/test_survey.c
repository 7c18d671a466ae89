/* SPDX-License-Identifier: Apache-2.0 */
/* What a search finds against a plain look at every house, over random networks and households. */
#include "service/survey.h"

#include <stdlib.h>

#include "../store_fixture.h"
#include "domain/veil.h"
#include "networks.h"

#define HOUSES 1500u
#define MOST   (LIMIT_LOOKS + 300u)

static struct fixture x;
static struct index *houses;
static struct parts parts;
static struct ctx ctx;
static unsigned house_count;

static struct shelter shelters[MOST];
static struct house stock[MOST];

struct range {
	unsigned from, to;
};

static enum rc
put_some(struct txn *t, void *arg)
{
	const struct range *r = arg;
	enum rc rc = RC_OK;

	for (unsigned n = r->from; n < r->to && rc == RC_OK; n++) {
		const struct key s = record_key(KIND_SHELTER, &shelters[n].id),
				 h = record_key(KIND_HOUSE, &shelters[n].id);
		if ((rc = record_put(t, KIND_SHELTER, &s, &shelters[n])) == RC_OK)
			rc = record_put(t, KIND_HOUSE, &h, &stock[n]);
	}
	return rc;
}

static void
open_stock(unsigned count)
{
	struct fault f = { 0 };

	house_count = count;
	fixture_new(&x, &engine_memory);
	cr_assert_eq(index_new(x.store, &houses, &f), RC_OK);
	for (unsigned n = 0; n < count; n += 40) {
		struct range r = { n, n + 40 < count ? n + 40 : count };
		cr_assert_eq(fixture_update(&x, put_some, &r), RC_OK);
	}
	ctx.parts = &parts;
	ctx.now = NETWORK_NOW;
}

static void
open_network(const struct network *w, unsigned count)
{
	for (unsigned n = 0; n < count; n++) {
		shelters[n] = network_shelter(w, n);
		stock[n] = network_house(w, n);
	}
	open_stock(count);
}

static void
close_network(void)
{
	fixture_close_store(&x);
	index_free(houses);
	fixture_free(&x);
}

/* ---- the plain way ---- */

struct found {
	struct id id;
	uint32_t score;
	struct fit fit;
};

static struct found found[MOST];
static unsigned found_count, waiting, fits, full, unknown, blocked[FIT_COUNT];

static bool
is_near(const struct fit *f)
{
	for (unsigned i = 0; i < f->reason_count; i++)
		if (f->reasons[i] < FIT_NOT_STEP_FREE)
			return false;
	return true;
}

static int
by_score(const void *pa, const void *pb)
{
	const struct found *a = pa, *b = pb;

	return a->score < b->score ? -1 : a->score > b->score;
}

static void
look_plainly(const struct household *who)
{
	found_count = waiting = fits = full = unknown = 0;
	memset(blocked, 0, sizeof(blocked));
	for (unsigned n = 0; n < house_count; n++) {
		const struct shelter *s = &shelters[n];
		struct found one = { .id = s->id };

		fit_house(s, &stock[n], who, PATH_HELPLINE, NETWORK_NOW, &one.fit);
		veil_fit((enum shelter_type)s->type, household_persons(who), &one.fit);
		for (unsigned i = 0; i < one.fit.reason_count; i++)
			blocked[one.fit.reasons[i]]++;
		if (one.fit.answer == ANSWER_NO_CAPACITY) {
			full += is_near(&one.fit);
			continue;
		}
		waiting += one.fit.answer == ANSWER_WAITLIST;
		fits += one.fit.answer != ANSWER_WAITLIST;
		unknown += one.fit.answer != ANSWER_WAITLIST &&
		    freshness_of(one.fit.confirmed_at, NETWORK_NOW, &parts_tuning(&parts)->freshness) ==
			FRESH_UNKNOWN;
		one.score = rank_score(
		    &one.fit, (enum shelter_type)s->type, who, NETWORK_NOW, &parts_tuning(&parts)->freshness);
		found[found_count++] = one;
	}
	if (found_count > 0)
		qsort(found, found_count, sizeof(found[0]), by_score);
}

static const struct found *
plain(const struct id *id)
{
	for (unsigned i = 0; i < found_count; i++)
		if (id_equal(&found[i].id, id))
			return &found[i];
	return NULL;
}

/* ---- one search, both ways ---- */

static struct episode
episode_of(uint64_t *seed)
{
	struct episode e = { .household = network_household(seed) };

	for (unsigned i = 0; i < 8; i++)
		e.order = e.order << 8 | network_random(seed, 256);
	return e;
}

static void
search(const struct episode *e, struct survey *out)
{
	look_plainly(&e->household);
	survey_run(&ctx, index_enter(houses), e, out);
}

static void
expect_sound(const struct survey *s, const char *what, unsigned run)
{
	for (unsigned i = 0; i < s->best_count; i++) {
		const struct found *p = plain(&s->best[i].entry->shelter.id);

		cr_assert_not_null(p, "%s %u: a house that does not fit is shown", what, run);
		cr_assert_eq(p->score, s->best[i].score, "%s %u", what, run);
		cr_assert_eq(p->fit.units, s->best[i].fit.units, "%s %u", what, run);
		cr_assert(i == 0 || s->best[i - 1].score <= s->best[i].score, "%s %u: order", what, run);
		for (unsigned k = 0; k < i; k++)
			cr_assert_neq(s->best[k].entry, s->best[i].entry, "%s %u: shown twice", what, run);
	}
	for (unsigned i = 0; i < s->near_count; i++)
		cr_assert(
		    !plain(&s->near[i].entry->shelter.id) && is_near(&s->near[i].fit), "%s %u", what, run);
}

static void
expect_exact(const struct survey *s, const char *what, unsigned run)
{
	const unsigned most = found_count < LIMIT_CANDIDATES ? found_count : LIMIT_CANDIDATES;

	cr_assert_eq(s->best_count, most, "%s %u: %u of %u", what, run, s->best_count, most);
	for (unsigned i = 0; i < most; i++)
		cr_assert_eq(s->best[i].score, found[i].score, "%s %u: place %u", what, run, i);
	cr_assert(s->fits == fits && s->full == full && s->unknown == unknown, "%s %u", what, run);
	cr_assert_eq(s->seen, house_count);
	cr_assert_eq(s->near_count, full < SURVEY_NEAR ? full : SURVEY_NEAR);
	for (unsigned i = 0; i < FIT_COUNT; i++)
		cr_assert_eq(s->blocked[i], blocked[i], "%s %u: reason %u", what, run, i);
}

Test(survey, a_network_of_the_countrys_size_is_looked_at_whole, .timeout = 60)
{
	uint64_t seed = 1;

	for (unsigned run = 0; run < 40; run++) {
		const struct network w = { .seed = run * 7919u, .kinds = run % 3 * 20, .taken = run % 11 };
		open_network(&w, run < 3 ? run : 1 + network_random(&seed, LIMIT_SURVEY));
		for (unsigned i = 0; i < 60; i++) {
			const struct episode e = episode_of(&seed);
			struct survey s;
			search(&e, &s);
			expect_sound(&s, "run", run);
			expect_exact(&s, "run", run);
			index_leave(houses);
		}
		close_network();
	}
}

/* Of a larger one a draw: nothing wrong is shown, and never nothing while there is something. */
Test(survey, in_a_larger_network_what_is_shown_fits_and_who_can_be_placed_is, .timeout = 120)
{
	uint64_t seed = 2;

	for (unsigned run = 0; run < 12; run++) {
		const unsigned kinds[] = { 1, 20, 90, 0 }, taken[] = { 3, 9, 10 };
		const struct network w = {
			.seed = run * 104729u, .kinds = kinds[run % 4], .taken = taken[run % 3]
		};
		open_network(&w, LIMIT_SURVEY + 1 + network_random(&seed, HOUSES - LIMIT_SURVEY - 1));
		for (unsigned i = 0; i < 60; i++) {
			const struct episode e = episode_of(&seed);
			struct survey s;
			search(&e, &s);
			expect_sound(&s, "run", run);
			cr_assert(fits == 0 || s.fits > 0, "run %u: %u fit, none is shown", run, fits);
			cr_assert(s.fits >= (fits < LIMIT_CANDIDATES ? fits : LIMIT_CANDIDATES),
			    "run %u: %u of %u", run, s.fits, fits);
			cr_assert(full == 0 || s.best_count > 0 || s.near_count > 0, "run %u", run);
			index_leave(houses);
		}
		close_network();
	}
}

/* House ${n}: one room for one woman, held for a minute more. */
static void
hold_house(unsigned n)
{
	const struct network w = { 0 };
	struct shelter *s = &shelters[n];
	struct house *h = &stock[n];

	*s = network_shelter(&w, n);
	s->type = TYPE_CRISIS_CENTRE;
	s->is_open = s->admission.women_alone = true;
	s->licensed_capacity = 1;
	model_clear(&model_house, h);
	h->shelter = s->id;
	h->unit_count = h->allocation_count = 1;
	model_clear(&model_unit, &h->units[0]);
	h->units[0].id = network_id(n, 1);
	h->units[0].adult_beds = 1;
	h->units[0].confirmed_at = NETWORK_NOW;
	h->allocations[0] = (struct allocation){
		.reservation = network_id(n, 2), .units = 1, .adults = 1, .expires_at = NETWORK_NOW + 60
	};
}

Test(survey, the_one_free_place_among_thousands_that_are_held_is_found, .timeout = 60)
{
	uint64_t seed = 6;

	for (unsigned n = 0; n < MOST; n++)
		hold_house(n);
	stock[MOST / 2].allocation_count = 0;
	open_stock(MOST);
	for (unsigned i = 0; i < 100; i++) {
		struct episode e = episode_of(&seed);
		struct survey s;
		e.household = (struct household){ .case_type = CASE_PARTNER_VIOLENCE,
			.women = 1,
			.sibling = CODE_NONE,
			.home_county = CODE_NONE };
		survey_run(&ctx, index_enter(houses), &e, &s);
		cr_assert_eq(s.fits, 1, "search %u", i);
		cr_assert(id_equal(&s.best[0].entry->shelter.id, &shelters[MOST / 2].id));
		index_leave(houses);
	}
	close_network();
}

/* House ${n}: a free room for a woman and her child; rules that no other house has. */
static void
free_house(unsigned n, enum shelter_type type)
{
	hold_house(n);
	shelters[n].type = (uint8_t)type;
	shelters[n].county = COUNTY_ZALA;
	shelters[n].licensed_capacity = 2;
	shelters[n].admission = (struct admission){ .women_alone = true,
		.boy_max_age = (uint8_t)(12 + n % 6),
		.pets = n / 6 % 2 == 1,
		.partner = n / 12 % 2 == 1,
		.adult_sibling = n / 24 % 2 == 1,
		.max_children = (uint8_t)(1 + n / 48 % 10),
		.languages = 1u << TONGUE_HU | (n / 480) << 1 };
	stock[n].allocation_count = 0;
	stock[n].units[0].child_beds = 1;
}

static void
search_for_flight(uint64_t *seed, struct survey *out)
{
	struct episode e = episode_of(seed);

	e.household = (struct household){ .case_type = CASE_PARTNER_VIOLENCE,
		.women = 1,
		.danger_to_life = true,
		.child_count = 1,
		.children = { { SEX_FEMALE, BAND_3_9 } },
		.sibling = CODE_NONE,
		.home_county = CODE_NONE };
	survey_run(&ctx, index_enter(houses), &e, out);
	index_leave(houses);
}

static void
expect_classes(unsigned count)
{
	cr_assert_eq(index_enter(houses)->class_count, count);
	index_leave(houses);
}

#define TOGETHER 512u /* classes that are judged together */

/* A list that public addresses filled was full before the window of that one was met. */
Test(survey, a_protected_address_among_thousands_of_public_ones_is_found, .timeout = 60)
{
	const unsigned counts[] = { TOGETHER + 400, 3000, MOST };
	uint64_t seed = 7;

	for (unsigned size = 0; size < COUNT_OF(counts); size++) {
		const unsigned count = counts[size];

		for (unsigned n = 0; n < count; n++)
			free_house(n, n == count / 2 ? TYPE_SECRET_HOUSE : TYPE_FAMILY_HOME);
		open_stock(count);
		expect_classes(count);
		for (unsigned i = 0; i < 100; i++) {
			struct survey s;
			search_for_flight(&seed, &s);
			cr_assert_eq(s.best_count, LIMIT_CANDIDATES, "search %u of %u", i, count);
			cr_assert(id_equal(&s.best[0].entry->shelter.id, &shelters[count / 2].id),
			    "search %u of %u", i, count);
			cr_assert_lt(
			    s.fits + s.full, 100, "search %u of %u: %u looks", i, count, s.fits + s.full);
			cr_assert_leq(s.seen, count, "search %u of %u: a class is counted twice", i, count);
		}
		close_network();
	}
}

/* Every class is asked for a protected address, but of the houses no more are looked at. */
Test(
    survey, where_all_protected_addresses_are_full_public_ones_are_shown_and_few_are_looked_at, .timeout = 60)
{
	uint64_t seed = 8;

	for (unsigned n = 0; n < MOST; n++) {
		free_house(n, n % 2 == 0 ? TYPE_CRISIS_CENTRE : TYPE_FAMILY_HOME);
		stock[n].units[0].other_adults = n % 2 == 0;
	}
	open_stock(MOST);
	expect_classes(MOST);
	for (unsigned i = 0; i < 100; i++) {
		struct survey s;
		search_for_flight(&seed, &s);
		cr_assert_eq(s.best_count, LIMIT_CANDIDATES, "search %u", i);
		cr_assert_eq(s.near_count, SURVEY_NEAR, "search %u: near %u, fits %u, full %u", i,
		    s.near_count, s.fits, s.full);
		for (unsigned k = 0; k < s.best_count; k++)
			cr_assert(s.best[k].fit.address_unprotected, "search %u", i);
		cr_assert_eq(s.seen, MOST, "search %u", i);
		cr_assert_lt(s.fits + s.full, 100, "search %u: %u looks", i, s.fits + s.full);
	}
	close_network();
}

/* In each pass, however many windows it has gone through in vain. */
Test(survey, the_one_public_place_among_thousands_that_are_taken_is_found, .timeout = 60)
{
	uint64_t seed = 10;

	for (unsigned n = 0; n < MOST; n++) {
		free_house(n, n % 2 == 0 ? TYPE_CRISIS_CENTRE : TYPE_FAMILY_HOME);
		stock[n].units[0].other_adults = n != 1001;
	}
	open_stock(MOST);
	expect_classes(MOST);
	for (unsigned i = 0; i < 100; i++) {
		struct survey s;
		search_for_flight(&seed, &s);
		cr_assert(s.fits == 1 && s.best_count == 1, "search %u", i);
		cr_assert(id_equal(&s.best[0].entry->shelter.id, &shelters[1001].id), "search %u", i);
		cr_assert_eq(s.seen, MOST, "search %u", i);
	}
	close_network();
}

/* What most searches cost: one window of classes, and a list's worth of houses. */
Test(survey, where_protected_addresses_are_free_one_window_is_enough, .timeout = 60)
{
	uint64_t seed = 9;

	for (unsigned n = 0; n < MOST; n++)
		free_house(n, n % 4 == 0 ? TYPE_CRISIS_CENTRE : TYPE_FAMILY_HOME);
	open_stock(MOST);
	expect_classes(MOST);
	for (unsigned i = 0; i < 100; i++) {
		struct survey s;
		search_for_flight(&seed, &s);
		cr_assert_eq(s.best_count, LIMIT_CANDIDATES, "search %u", i);
		for (unsigned k = 0; k < s.best_count; k++)
			cr_assert_not(s.best[k].fit.address_unprotected, "search %u", i);
		cr_assert_leq(
		    s.seen, TOGETHER, "search %u: %u classes, %u fits", i, (unsigned)s.seen, s.fits);
		cr_assert_lt(s.fits + s.full, 60, "search %u: %u looks", i, s.fits + s.full);
	}
	close_network();
}

/* A share that is told as "most" must be most of them. */
Test(survey, what_blocks_is_told_of_the_whole_network, .timeout = 60)
{
	const struct network w = { .seed = 11, .kinds = 60, .taken = 8 };
	uint64_t seed = 3;

	open_network(&w, HOUSES);
	for (unsigned i = 0; i < 100; i++) {
		const struct episode e = episode_of(&seed);
		struct survey s;
		search(&e, &s);
		cr_assert_eq(s.seen, HOUSES);
		for (unsigned r = 0; r < FIT_NOT_STEP_FREE; r++)
			cr_assert_eq(s.blocked[r], blocked[r], "reason %u", r);
		for (unsigned r = FIT_NOT_STEP_FREE; r < FIT_COUNT; r++) {
			const unsigned far = s.blocked[r] > blocked[r] ? (unsigned)s.blocked[r] - blocked[r]
								       : blocked[r] - (unsigned)s.blocked[r];
			cr_assert_leq(far * 100 / HOUSES, 25, "search %u reason %u: %u, not %u", i, r,
			    (unsigned)s.blocked[r], blocked[r]);
		}
		index_leave(houses);
	}
	close_network();
}

/* Counsellors who search at the same time shall not all call the same house. */
Test(survey, another_episode_draws_other_houses, .timeout = 60)
{
	const struct network w = { .seed = 5, .kinds = 40, .taken = 2 };
	struct id first = { { 0 } };
	unsigned same = 0;
	uint64_t seed = 4;

	open_network(&w, HOUSES);
	for (unsigned i = 0; i < 100; i++) {
		struct episode e = episode_of(&seed);
		struct survey s;
		e.household = (struct household){ .case_type = CASE_PARTNER_VIOLENCE,
			.women = 1,
			.sibling = CODE_NONE,
			.home_county = CODE_NONE };
		survey_run(&ctx, index_enter(houses), &e, &s);
		cr_assert_eq(s.best_count, LIMIT_CANDIDATES);
		same += id_equal(&first, &s.best[0].entry->shelter.id);
		first = s.best[0].entry->shelter.id;
		index_leave(houses);
	}
	cr_expect_lt(same, 30);
	close_network();
}

/* Bookings, reports and new rules of a few houses. */
static void
change_some(struct network *w, uint64_t *seed)
{
	struct range r = { network_random(seed, house_count - 10), 0 };

	r.to = r.from + 1 + network_random(seed, 10);
	w->seed += 1 + network_chance(seed, 3);
	w->taken = network_random(seed, 11);
	for (unsigned n = r.from; n < r.to; n++) {
		stock[n] = network_house(w, n);
		if (network_chance(seed, 2))
			shelters[n] = network_shelter(w, n);
	}
	cr_assert_eq(fixture_update(&x, put_some, &r), RC_OK);
}

/* They move houses between classes and chunks; what is found stays as it is now. */
Test(survey, houses_that_change_are_found_as_they_are_now, .timeout = 120)
{
	static const unsigned counts[] = { 200, 600 };
	uint64_t seed = 5;

	for (unsigned size = 0; size < COUNT_OF(counts); size++) {
		struct network w = { .seed = 21, .kinds = 12, .taken = 10 };
		open_network(&w, counts[size]);
		for (unsigned run = 0; run < 400; run++) {
			change_some(&w, &seed);
			const struct episode e = episode_of(&seed);
			struct survey s;
			search(&e, &s);
			expect_sound(&s, "change", run);
			if (counts[size] <= LIMIT_SURVEY)
				expect_exact(&s, "change", run);
			cr_assert(s.fits >= (fits < LIMIT_CANDIDATES ? fits : LIMIT_CANDIDATES),
			    "change %u: %u of %u", run, s.fits, fits);
			index_leave(houses);
		}
		close_network();
	}
	cr_expect_eq(FIXTURE_LEAKS(), 0);
}
