/* SPDX-License-Identifier: Apache-2.0 */
/* Regions, names for one request, and coarse facts.  Pure. */
#include "domain/veil.h"

#include <string.h>

#include "base/bytes.h"
#include "domain/reservation.h"

#define SPARE_SHOWN 2u
#define HOUR        3600

#define COUNTY_BIT(c) (1u << (c))

/* NUTS-2 (Regulation (EC) 1059/2003) is the code of a county without its last digit; Budapest and Pest, each
 * a region of its own, are taken as one (ours: two are more than one). */
static const uint32_t regions[] = {
	COUNTY_BIT(COUNTY_BUDAPEST) | COUNTY_BIT(COUNTY_PEST),                               /* HU1 */
	COUNTY_BIT(COUNTY_FEJER) | COUNTY_BIT(COUNTY_KOMAROM) | COUNTY_BIT(COUNTY_VESZPREM), /* HU21 */
	COUNTY_BIT(COUNTY_GYOR) | COUNTY_BIT(COUNTY_VAS) | COUNTY_BIT(COUNTY_ZALA),          /* HU22 */
	COUNTY_BIT(COUNTY_BARANYA) | COUNTY_BIT(COUNTY_SOMOGY) | COUNTY_BIT(COUNTY_TOLNA),   /* HU23 */
	COUNTY_BIT(COUNTY_BORSOD) | COUNTY_BIT(COUNTY_HEVES) | COUNTY_BIT(COUNTY_NOGRAD),    /* HU31 */
	COUNTY_BIT(COUNTY_HAJDU) | COUNTY_BIT(COUNTY_SZOLNOK) | COUNTY_BIT(COUNTY_SZABOLCS), /* HU32 */
	COUNTY_BIT(COUNTY_BACS) | COUNTY_BIT(COUNTY_BEKES) | COUNTY_BIT(COUNTY_CSONGRAD),    /* HU33 */
};

bool
veil_hides_address(enum shelter_type type)
{
	return type != TYPE_FAMILY_HOME;
}

uint32_t
veil_counties(const struct shelter *s)
{
	const uint32_t own = COUNTY_BIT(s->county);

	for (unsigned i = 0; veil_hides_address((enum shelter_type)s->type) && i < COUNT_OF(regions); i++)
		if ((regions[i] & own) != 0)
			return regions[i];
	return own;
}

/* DOMAIN 1: 8 secret houses and 24 places for trafficking in the whole country. */
bool
veil_hides_name(enum shelter_type type)
{
	return type == TYPE_SECRET_HOUSE || type == TYPE_PROTECTED_SHELTER;
}

void
veil_name(const uint8_t random[8], enum zone zone, char out[LIMIT_NAME])
{
	char word[16], number[8];
	/* the whole number: two houses of one request must not share a name */
	const char *const parts[] = { codes_zone.rows[zone].label[LANG_HU], " ", word, " ", number };
	size_t len = 0;

	reservation_words(random, word, number);
	memset(out, 0, LIMIT_NAME);
	for (unsigned i = 0; i < COUNT_OF(parts); i++) {
		if (!str_copy(out + len, LIMIT_NAME - len, parts[i]))
			return;
		len += strlen(parts[i]);
	}
}

void
veil_fit(enum shelter_type type, unsigned persons, struct fit *fit)
{
	if (!veil_hides_name(type))
		return;
	if (fit->unit_count > 0) {
		fit->spare = fit->spare < SPARE_SHOWN ? fit->spare : SPARE_SHOWN;
		fit->places = (uint8_t)(persons + fit->spare);
	}
	fit->confirmed_at -= fit->confirmed_at > 0 ? fit->confirmed_at % HOUR : 0;
}
