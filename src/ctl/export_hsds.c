/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Open Referral's Human Services Data Specification 3.1: a page of services, each a type in a county, with
 * what it has of two units that are never added: family places and places for persons.  No organisation,
 * house, address or telephone is in it: the registry speaks for all of them.
 */
#include <stdio.h>

#include "ctl/export.h"

/* What a capacity counts. */
struct measure {
	const char *slug, *name, *description;
};

static const struct measure measures[] = {
	{ "family-place", "family place",
	    "Households that can live there. Available: at least so many, told in steps of 5." },
	{ "place", "place (person)",
	    "Persons, as licensed. Available: at least so many, told in steps of 5." },
};

static void
write_unit(struct jw *w, const struct measure *m)
{
	char id[EXPORT_UUID];

	export_uuid(m->slug, 0, 0, id);
	jw_name(w, "unit");
	jw_open(w, '{');
	jw_field_string(w, "id", id);
	jw_field_string(w, "name", m->name);
	jw_close(w, '}');
}

static void
write_capacity(struct jw *w, const struct inventory *inv, unsigned county, unsigned type, unsigned which)
{
	const struct inventory_cell *cell = &inv->county[county][type];
	const struct measure *m = &measures[which];
	char id[EXPORT_UUID], slug[32];

	(void)snprintf(slug, sizeof(slug), "capacity/%s", m->slug);
	export_uuid(slug, county, type, id);
	jw_open(w, '{');
	jw_field_string(w, "id", id);
	write_unit(w, m);
	jw_field_int(w, "available", which == 0 ? cell->free_families : cell->free_places);
	jw_field_int(w, "maximum", which == 0 ? cell->families : cell->places);
	jw_field_string(w, "description", m->description);
	jw_field_time(w, "updated", export_time(inv));
	jw_close(w, '}');
}

static void
write_organization(struct jw *w)
{
	char id[EXPORT_UUID];

	export_uuid("organization", 0, 0, id);
	jw_name(w, "organization");
	jw_open(w, '{');
	jw_field_string(w, "id", id);
	jw_field_string(w, "name", "Menedék");
	jw_field_string(w, "description",
	    "The registry of shelter places. It answers for all houses of a county together; places are "
	    "given by "
	    "the helpline and the family-support services.");
	jw_close(w, '}');
}

static void
write_area(struct jw *w, unsigned county, unsigned type)
{
	const struct code *row = &codes_county.rows[county];
	char id[EXPORT_UUID], uri[64];

	export_uuid("area", county, type, id);
	(void)snprintf(uri, sizeof(uri), "http://data.europa.eu/nuts/code/%s", row->code);
	jw_name(w, "service_areas");
	jw_open(w, '[');
	jw_open(w, '{');
	jw_field_string(w, "id", id);
	jw_field_string(w, "name", row->label[LANG_HU]);
	jw_field_string(w, "uri", uri);
	jw_close(w, '}');
	jw_close(w, ']');
}

static void
write_service(struct jw *w, const struct inventory *inv, unsigned county, unsigned type)
{
	const struct code *kind = &codes_shelter_type.rows[type], *where = &codes_county.rows[county];
	char id[EXPORT_UUID], name[192], other[192], day[11];

	export_uuid("service", county, type, id);
	day_format(inv->day, day);
	(void)snprintf(name, sizeof(name), "%s, %s", kind->label[LANG_HU], where->label[LANG_HU]);
	(void)snprintf(other, sizeof(other), "%s, %s", kind->label[LANG_EN], where->label[LANG_EN]);
	jw_open(w, '{');
	jw_field_string(w, "id", id);
	jw_field_string(w, "name", name);
	jw_field_string(w, "alternate_name", other);
	jw_field_string(w, "status", "active");
	jw_field_string(w, "assured_date", day);
	write_organization(w);
	write_area(w, county, type);
	jw_name(w, "capacities");
	jw_open(w, '[');
	for (unsigned i = 0; i < COUNT_OF(measures); i++)
		write_capacity(w, inv, county, type, i);
	jw_close(w, ']');
	jw_close(w, '}');
}

static unsigned
count_shown(const struct inventory *inv)
{
	unsigned n = 0;

	for (unsigned i = 0; i < COUNTY_COUNT; i++)
		for (unsigned j = 0; j < INVENTORY_TYPES; j++)
			n += export_shows(inv, i, j);
	return n;
}

bool
export_hsds(const struct inventory *inv, char *buf, size_t cap, size_t *len)
{
	const unsigned count = count_shown(inv);
	struct jw w;

	jw_init(&w, buf, cap);
	jw_open(&w, '{');
	jw_field_int(&w, "total_items", count);
	jw_field_int(&w, "total_pages", 1);
	jw_field_int(&w, "page_number", 1);
	jw_field_int(&w, "size", count);
	jw_field_bool(&w, "first_page", true);
	jw_field_bool(&w, "last_page", true);
	jw_field_bool(&w, "empty", count == 0);
	jw_name(&w, "contents");
	jw_open(&w, '[');
	for (unsigned i = 0; i < COUNTY_COUNT; i++)
		for (unsigned j = 0; j < INVENTORY_TYPES; j++)
			if (export_shows(inv, i, j))
				write_service(&w, inv, i, j);
	jw_close(&w, ']');
	jw_close(&w, '}');
	*len = w.len;
	return !w.overflow;
}
