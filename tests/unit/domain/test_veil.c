/* SPDX-License-Identifier: Apache-2.0 */
/* The attacker may choose any danger counties, any home county and any household, as often as he likes: all
 * that he can learn of where a secret address is must be the same for every county of its region. */
#include <criterion/criterion.h>
#include <string.h>

#include "domain/rank.h"
#include "domain/veil.h"
#include "shelters.h"

static const enum shelter_type secret[] = { TYPE_CRISIS_CENTRE, TYPE_SECRET_HOUSE, TYPE_HALFWAY_HOUSE,
	TYPE_PROTECTED_SHELTER };

static unsigned
count_bits(uint32_t bits)
{
	unsigned n = 0;

	for (; bits != 0; bits &= bits - 1)
		n++;
	return n;
}

Test(veil, a_region_has_three_counties_of_one_zone_and_the_capital_two)
{
	for (unsigned county = 0; county < COUNTY_COUNT; county++) {
		struct shelter s = { .type = TYPE_SECRET_HOUSE, .county = (uint8_t)county };
		const uint32_t bits = veil_counties(&s);
		cr_assert(bits >> county & 1u);
		cr_assert_eq(count_bits(bits), county_zone(county) == ZONE_CENTRE ? 2 : 3);
		for (unsigned other = 0; other < COUNTY_COUNT; other++) {
			struct shelter t = { .type = TYPE_SECRET_HOUSE, .county = (uint8_t)other };
			if ((bits >> other & 1u) == 0)
				continue;
			cr_assert_eq(
			    county_zone(other), county_zone(county), "a zone must not split a region");
			cr_assert_eq(veil_counties(&t), bits, "who is in a region has that region");
		}
	}
}

/* NUTS-2: "HU21" of "HU211".  Budapest and Pest, HU11 and HU12, are taken as one. */
Test(veil, a_region_is_the_code_of_a_county_without_its_last_digit)
{
	for (unsigned county = 0; county < COUNTY_COUNT; county++) {
		const struct shelter s = { .type = TYPE_SECRET_HOUSE, .county = (uint8_t)county };
		const char *code = codes_county.rows[county].code;
		const size_t len = code[2] == '1' ? 3 : 4;

		for (unsigned other = 0; other < COUNTY_COUNT; other++)
			cr_assert_eq(veil_counties(&s) >> other & 1u,
			    strncmp(codes_county.rows[other].code, code, len) == 0, "%s, %s", code,
			    codes_county.rows[other].code);
	}
}

Test(veil, a_public_address_is_matched_by_its_county)
{
	const struct shelter s = { .type = TYPE_FAMILY_HOME, .county = COUNTY_ZALA };

	cr_assert_eq(veil_counties(&s), 1u << COUNTY_ZALA);
}

/* One question to the matcher, and all that it answers. */
static void
ask(enum shelter_type type, unsigned county, uint32_t danger, uint8_t home, bool own_county, struct fit *out)
{
	struct shelter s = shelter_of(type);
	struct household who = mother_with(2);
	struct house h = { .shelter = s.id };

	add_unit(&h, 2, 2, 1);
	s.county = (uint8_t)county;
	s.admission.own_county = own_county;
	who.case_type = type == TYPE_PROTECTED_SHELTER ? CASE_TRAFFICKING : CASE_PARTNER_VIOLENCE;
	who.danger_to_life = who.step_out = true;
	who.danger_counties = danger;
	who.home_county = home;
	fit_house(&s, &h, &who, PATH_HELPLINE, NOON, out);
}

static bool
is_same(const struct fit *a, const struct fit *b)
{
	return a->answer == b->answer && a->reason_count == b->reason_count &&
	    memcmp(a->reasons, b->reasons, sizeof(a->reasons)) == 0 && a->units == b->units &&
	    a->spare == b->spare;
}

/* How many answers tell two counties of one region apart, over single danger counties, sets of them and home
 * counties. */
static unsigned
count_told_apart(enum shelter_type type)
{
	uint64_t seed = 42;
	unsigned found = 0;

	for (unsigned n = 0; n < 2000; n++) {
		const uint32_t danger =
		    n < COUNTY_COUNT ? 1u << n : random_up_to(&seed, (1u << COUNTY_COUNT) - 1);
		const unsigned county = random_up_to(&seed, COUNTY_COUNT);
		const uint8_t home = (uint8_t)random_up_to(&seed, COUNTY_COUNT);
		const bool own_county = n % 2 == 0;
		struct shelter s = { .type = TYPE_SECRET_HOUSE, .county = (uint8_t)county };
		struct fit here, there;

		ask(type, county, danger, home, own_county, &here);
		for (unsigned other = 0; other < COUNTY_COUNT; other++) {
			if ((veil_counties(&s) >> other & 1u) == 0)
				continue;
			ask(type, other, danger, home, own_county, &there);
			found += !is_same(&here, &there);
		}
	}
	return found;
}

Test(veil, no_danger_or_home_county_tells_a_secret_county_from_its_neighbours)
{
	for (unsigned i = 0; i < COUNT_OF(secret); i++)
		cr_expect_eq(count_told_apart(secret[i]), 0, "type %u", secret[i]);
	cr_expect_gt(count_told_apart(TYPE_FAMILY_HOME), 100, "this test is blind");
}

Test(veil, spare_places_and_minutes_are_coarse_where_there_is_no_name)
{
	for (unsigned spare = 0; spare < 20; spare++) {
		struct fit f = { .unit_count = 1,
			.spare = (uint8_t)spare,
			.places = (uint8_t)(3 + spare),
			.confirmed_at = NOON + 1234 };
		struct fit g = f;
		veil_fit(TYPE_SECRET_HOUSE, 3, &f);
		cr_assert_eq(f.spare, spare < 2 ? spare : 2);
		cr_assert_eq(f.places, 3 + f.spare);
		cr_assert_eq(f.confirmed_at % 3600, 0);
		cr_assert(f.confirmed_at <= NOON + 1234 && f.confirmed_at > NOON + 1234 - 3600);
		veil_fit(TYPE_CRISIS_CENTRE, 3, &g);
		cr_assert(g.spare == spare && g.confirmed_at == NOON + 1234);
	}
}

Test(veil, what_was_never_confirmed_stays_so)
{
	struct fit f = { .confirmed_at = 0 };

	veil_fit(TYPE_SECRET_HOUSE, 3, &f);
	cr_assert_eq(f.confirmed_at, 0);
}

Test(veil, a_name_begins_with_its_zone_and_differs_with_each_request)
{
	char first[LIMIT_NAME], second[LIMIT_NAME];

	veil_name((const uint8_t[8]){ 1, 2, 3, 4, 5, 6, 7, 8 }, ZONE_WEST, first);
	veil_name((const uint8_t[8]){ 2, 2, 3, 4, 5, 6, 7, 9 }, ZONE_WEST, second);
	cr_assert_eq(strncmp(first, "Nyugat ", 7), 0, "%s", first);
	cr_assert_str_neq(first, second);
	for (unsigned zone = 0; zone < ZONE_COUNT; zone++) {
		uint8_t random[8] = { 0 };
		for (unsigned word = 0; word < 256; word++) {
			random[0] = (uint8_t)word;
			veil_name(random, (enum zone)zone, first);
			cr_assert(strlen(first) > 8 && strlen(first) < LIMIT_NAME);
			cr_assert_eq(first[strlen(first) - 3], '-');
		}
	}
}

Test(veil, few_houses_have_no_name_of_their_own)
{
	for (unsigned type = 0; type < TYPE_COUNT; type++)
		cr_assert_eq(veil_hides_name((enum shelter_type)type),
		    type == TYPE_SECRET_HOUSE || type == TYPE_PROTECTED_SHELTER, "type %u", type);
}
