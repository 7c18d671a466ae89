/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <string.h>

#include "domain/codes.h"

Test(codes, every_row_of_every_list_is_found_under_its_own_code)
{
	unsigned lists = 0;

	for (const struct code_list *const *l = code_lists; (*l)->name != NULL; l++, lists++) {
		cr_assert((*l)->count > 0 && (*l)->count < CODE_NONE, "%s", (*l)->name);
		for (unsigned i = 0; i < (*l)->count; i++) {
			const char *code = (*l)->rows[i].code;

			cr_assert_eq(code_find(*l, code, strlen(code)), (int)i, "%s %s", (*l)->name, code);
			/* model_write writes it as it stands */
			cr_assert_eq(strcspn(code, "\"\\"), strlen(code), "%s %s", (*l)->name, code);
			for (const char *c = code; *c != '\0'; c++)
				cr_assert(*c >= 0x20, "%s %s", (*l)->name, code);
		}
	}
	cr_assert_eq(lists, 36);
}

Test(codes, every_row_has_a_label_in_both_languages)
{
	for (const struct code_list *const *l = code_lists; (*l)->name != NULL; l++) {
		for (unsigned i = 0; i < (*l)->count; i++) {
			cr_assert(strlen((*l)->rows[i].label[LANG_HU]) > 0, "%s %u", (*l)->name, i);
			cr_assert(strlen((*l)->rows[i].label[LANG_EN]) > 0, "%s %u", (*l)->name, i);
		}
	}
}

Test(codes, a_code_is_found_whole_or_not_at_all)
{
	cr_assert_eq(code_find(&codes_sex, "female", 6), SEX_FEMALE);
	cr_assert_eq(code_find(&codes_sex, "femal", 5), -1);
	cr_assert_eq(code_find(&codes_sex, "females", 7), -1);
	cr_assert_eq(code_find(&codes_sex, "Female", 6), -1);
	cr_assert_eq(code_find(&codes_sex, "", 0), -1);
}

Test(codes, the_zone_of_a_county_follows_its_nuts_code)
{
	static const struct {
		const char *start;
		enum zone zone;
	} regions[] = { { "HU1", ZONE_CENTRE }, { "HU2", ZONE_WEST }, { "HU31", ZONE_NORTH_EAST },
		{ "HU32", ZONE_NORTH_EAST }, { "HU33", ZONE_SOUTH_EAST } };
	unsigned seen = 0;

	for (unsigned c = 0; c < COUNTY_COUNT; c++) {
		for (unsigned r = 0; r < COUNT_OF(regions); r++) {
			size_t len = strlen(regions[r].start);

			if (strncmp(codes_county.rows[c].code, regions[r].start, len) != 0)
				continue;
			cr_assert_eq(
			    county_zone((enum county)c), regions[r].zone, "%s", codes_county.rows[c].code);
			seen++;
		}
	}
	cr_assert_eq(seen, 20);
}

Test(codes, the_bands_follow_one_another_from_birth_to_seventeen)
{
	unsigned next = 0;

	for (unsigned b = 0; b < BAND_COUNT; b++) {
		cr_assert_eq(band_first_age((enum age_band)b), next);
		cr_assert_geq(band_last_age((enum age_band)b), next);
		next = band_last_age((enum age_band)b) + 1;
	}
	cr_assert_eq(next, 18);
}
