/* SPDX-License-Identifier: Apache-2.0 */
/* The rows of the code lists as data, and what a code implies: the zone of a county, the ages of a band. */
#include "domain/codes.h"

#include <string.h>

#define CODE_ROW(constant, text, hu, en) { text, { [LANG_HU] = (hu), [LANG_EN] = (en) } },
#define CODE_LIST(name, codes)                                        \
	static const struct code name##_rows[] = { codes(CODE_ROW) }; \
	const struct code_list codes_##name = { #name, name##_rows, COUNT_OF(name##_rows) };
CODE_LISTS(CODE_LIST)

static const struct code_list end_of_lists = { NULL, NULL, 0 };

#define CODE_LIST_POINTER(name, codes) &codes_##name,
/* clang-format off */
const struct code_list *const code_lists[] = { CODE_LISTS(CODE_LIST_POINTER) &end_of_lists };
/* clang-format on */

/* DOMAIN 6, ours: west HU2x, centre HU1x, north-east HU31x and HU32x, south-east HU33x */
static const uint8_t zones[COUNTY_COUNT] = {
	[COUNTY_BUDAPEST] = ZONE_CENTRE,
	[COUNTY_PEST] = ZONE_CENTRE,
	[COUNTY_FEJER] = ZONE_WEST,
	[COUNTY_KOMAROM] = ZONE_WEST,
	[COUNTY_VESZPREM] = ZONE_WEST,
	[COUNTY_GYOR] = ZONE_WEST,
	[COUNTY_VAS] = ZONE_WEST,
	[COUNTY_ZALA] = ZONE_WEST,
	[COUNTY_BARANYA] = ZONE_WEST,
	[COUNTY_SOMOGY] = ZONE_WEST,
	[COUNTY_TOLNA] = ZONE_WEST,
	[COUNTY_BORSOD] = ZONE_NORTH_EAST,
	[COUNTY_HEVES] = ZONE_NORTH_EAST,
	[COUNTY_NOGRAD] = ZONE_NORTH_EAST,
	[COUNTY_HAJDU] = ZONE_NORTH_EAST,
	[COUNTY_SZOLNOK] = ZONE_NORTH_EAST,
	[COUNTY_SZABOLCS] = ZONE_NORTH_EAST,
	[COUNTY_BACS] = ZONE_SOUTH_EAST,
	[COUNTY_BEKES] = ZONE_SOUTH_EAST,
	[COUNTY_CSONGRAD] = ZONE_SOUTH_EAST,
};

static const struct {
	uint8_t first, last;
} ages[BAND_COUNT] = {
	[BAND_0_2] = { 0, 2 },
	[BAND_3_9] = { 3, 9 },
	[BAND_10_13] = { 10, 13 },
	[BAND_14_15] = { 14, 15 },
	[BAND_16_17] = { 16, 17 },
};

int
code_find(const struct code_list *list, const char *text, size_t len)
{
	for (unsigned i = 0; i < list->count; i++) {
		if (strlen(list->rows[i].code) == len && memcmp(list->rows[i].code, text, len) == 0)
			return (int)i;
	}
	return -1;
}

enum zone
county_zone(enum county county)
{
	return (enum zone)zones[county];
}

unsigned
band_first_age(enum age_band band)
{
	return ages[band].first;
}

unsigned
band_last_age(enum age_band band)
{
	return ages[band].last;
}
