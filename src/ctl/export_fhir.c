/* SPDX-License-Identifier: Apache-2.0 */
/*
 * HL7 FHIR R4: a collection Bundle with a Location for each county (a jurisdiction, never a house) and a
 * HealthcareService for each type in it, whose characteristic answers whether there is a chance of a place:
 * yes, maybe or no, as family-support services are answered.  No numbers.
 */
#include <stdio.h>

#include "ctl/export.h"

#define SYSTEM "urn:menedek:codes:"

/* "Name": [ { "coding": [ { system, code, display } ] } ], or without the outer list. */
static void
write_concept(struct jw *w, const char *name, bool is_list, const struct code_list *list, unsigned at)
{
	char system[64];

	(void)snprintf(system, sizeof(system), SYSTEM "%s", list->name);
	jw_name(w, name);
	if (is_list)
		jw_open(w, '[');
	jw_open(w, '{');
	jw_name(w, "coding");
	jw_open(w, '[');
	jw_open(w, '{');
	jw_field_string(w, "system", system);
	jw_field_string(w, "code", list->rows[at].code);
	jw_field_string(w, "display", list->rows[at].label[LANG_EN]);
	jw_close(w, '}');
	jw_close(w, ']');
	jw_close(w, '}');
	if (is_list)
		jw_close(w, ']');
}

static void
open_entry(struct jw *w, const char *type, const char *id, const struct inventory *inv)
{
	char url[64];

	(void)snprintf(url, sizeof(url), "urn:uuid:%s", id);
	jw_open(w, '{');
	jw_field_string(w, "fullUrl", url);
	jw_name(w, "resource");
	jw_open(w, '{');
	jw_field_string(w, "resourceType", type);
	jw_field_string(w, "id", id);
	jw_name(w, "meta");
	jw_open(w, '{');
	jw_field_time(w, "lastUpdated", export_time(inv));
	jw_close(w, '}');
}

static void
close_entry(struct jw *w)
{
	jw_close(w, '}');
	jw_close(w, '}');
}

static void
write_location(struct jw *w, const struct inventory *inv, unsigned county)
{
	char id[EXPORT_UUID];

	export_uuid("location", county, 0, id);
	open_entry(w, "Location", id, inv);
	jw_name(w, "identifier");
	jw_open(w, '[');
	jw_open(w, '{');
	jw_field_string(w, "system", "http://data.europa.eu/nuts/code");
	jw_field_string(w, "value", codes_county.rows[county].code);
	jw_close(w, '}');
	jw_close(w, ']');
	jw_field_string(w, "status", "active");
	jw_field_string(w, "mode", "kind");
	jw_field_string(w, "name", codes_county.rows[county].label[LANG_HU]);
	jw_name(w, "physicalType");
	jw_open(w, '{');
	jw_name(w, "coding");
	jw_open(w, '[');
	jw_open(w, '{');
	jw_field_string(w, "system", "http://terminology.hl7.org/CodeSystem/location-physical-type");
	jw_field_string(w, "code", "jdn");
	jw_field_string(w, "display", "Jurisdiction");
	jw_close(w, '}');
	jw_close(w, ']');
	jw_close(w, '}');
	close_entry(w);
}

static void
write_service(struct jw *w, const struct inventory *inv, unsigned county, unsigned type)
{
	char id[EXPORT_UUID], at[EXPORT_UUID], url[64];

	export_uuid("healthcareservice", county, type, id);
	export_uuid("location", county, 0, at);
	(void)snprintf(url, sizeof(url), "urn:uuid:%s", at);
	open_entry(w, "HealthcareService", id, inv);
	jw_field_bool(w, "active", true);
	write_concept(w, "type", true, &codes_shelter_type, type);
	jw_name(w, "coverageArea");
	jw_open(w, '[');
	jw_open(w, '{');
	jw_field_string(w, "reference", url);
	jw_close(w, '}');
	jw_close(w, ']');
	jw_field_string(w, "name", codes_shelter_type.rows[type].label[LANG_HU]);
	write_concept(w, "characteristic", true, &codes_banded, inv->county[county][type].answer);
	jw_field_bool(w, "appointmentRequired", true);
	close_entry(w);
}

static void
write_county(struct jw *w, const struct inventory *inv, unsigned county)
{
	bool is_there = false;

	for (unsigned j = 0; j < INVENTORY_TYPES; j++)
		is_there |= export_shows(inv, county, j);
	if (!is_there)
		return;
	write_location(w, inv, county);
	for (unsigned j = 0; j < INVENTORY_TYPES; j++)
		if (export_shows(inv, county, j))
			write_service(w, inv, county, j);
}

bool
export_fhir(const struct inventory *inv, char *buf, size_t cap, size_t *len)
{
	struct jw w;

	jw_init(&w, buf, cap);
	jw_open(&w, '{');
	jw_field_string(&w, "resourceType", "Bundle");
	jw_field_string(&w, "type", "collection");
	jw_field_time(&w, "timestamp", export_time(inv));
	jw_name(&w, "entry");
	jw_open(&w, '[');
	for (unsigned i = 0; i < COUNTY_COUNT; i++)
		write_county(&w, inv, i);
	jw_close(&w, ']');
	jw_close(&w, '}');
	*len = w.len;
	return !w.overflow;
}
