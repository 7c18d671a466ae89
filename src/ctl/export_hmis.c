/* SPDX-License-Identifier: Apache-2.0 */
/*
 * HUD HMIS CSV, Inventory.csv (data element 2.07, Bed and Unit Inventory): a row for each type in a county.
 * There is no HUD project behind it, so ProjectID names type and county, and CoCCode is the NUTS-3 code in
 * the form of a CoC's.  Beds that are set aside for a subpopulation there are none.
 */
#include "ctl/export.h"
#include "base/textbuf.h"

/* The format's own codes. */
#define HOUSEHOLD_ADULTS   1 /* without children */
#define HOUSEHOLD_FAMILIES 3 /* at least one adult and one child */
#define AVAILABLE_ALL_YEAR 1
#define BED_IN_FACILITY    1

static void
write_row(struct textbuf *t, const struct inventory *inv, unsigned county, unsigned type)
{
	const struct inventory_cell *cell = &inv->county[county][type];
	const char *nuts = codes_county.rows[county].code, *kind = codes_shelter_type.rows[type].code;
	const int household = type == TYPE_FAMILY_HOME ? HOUSEHOLD_FAMILIES : HOUSEHOLD_ADULTS;
	char day[11];

	day_format(inv->day, day);
	textbuf_add(t,
	    "%s-%s-%d,%s-%s,%.2s-%s,%d,%d,%u,%u,0,0,0,0,0,0,%u,%d,%s,,%s 00:00:00,%s "
	    "00:00:00,menedek,,%s\r\n",
	    nuts, kind, household, nuts, kind, nuts, nuts + 2, household, AVAILABLE_ALL_YEAR, cell->families,
	    cell->places, cell->places, BED_IN_FACILITY, day, day, day, day);
}

bool
export_hmis(const struct inventory *inv, char *buf, size_t cap, size_t *len)
{
	struct textbuf t = { .buf = buf, .cap = cap };

	textbuf_add(&t,
	    "InventoryID,ProjectID,CoCCode,HouseholdType,Availability,UnitInventory,BedInventory,"
	    "CHVetBedInventory,YouthVetBedInventory,VetBedInventory,CHYouthBedInventory,"
	    "YouthBedInventory,CHBedInventory,OtherBedInventory,ESBedType,InventoryStartDate,"
	    "InventoryEndDate,DateCreated,DateUpdated,UserID,DateDeleted,ExportID\r\n");
	for (unsigned i = 0; i < COUNTY_COUNT; i++)
		for (unsigned j = 0; j < INVENTORY_TYPES; j++)
			if (export_shows(inv, i, j))
				write_row(&t, inv, i, j);
	*len = t.len;
	return !t.overflow;
}
