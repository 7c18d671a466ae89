/* SPDX-License-Identifier: Apache-2.0 */
/* Collects the lines of the report from the statistics and the inventory; decides nothing about secrecy. */
#include "service/report.h"

#include <stdio.h>
#include <string.h>

#include "service/cases.h"

const struct report_section report_sections[] = {
	{ "placements", REPORT_CASES, { "Elhelyezések", "Placements" },
	    { "Megérkezett háztartások az ellátás típusa és zóna szerint.",
		"Households that arrived, by type of shelter and zone." } },
	{ "outcomes", REPORT_CASES, { "A kérések kimenetele", "Outcomes of requests" },
	    { "Lezárt kérések; a nem elhelyezettek az elutasítottak, okuk szerint.",
		"Closed requests; those not placed were turned away, by reason." } },
	{ "declines", REPORT_CASES, { "Az intézmények elutasításai", "Refusals by houses" },
	    { "Az intézmény által visszautasított foglalások ok és típus szerint.",
		"Reservations that a house declined, by reason and type." } },
	{ "ends", REPORT_PERCENT, { "Mi lett a foglalásokból", "What became of reservations" },
	    { "Az összes lezárult vagy megérkezéssel végződő foglalás százalékában, 5-re kerekítve.",
		"Share of all reservations that ended or led to an arrival, in steps of 5 per cent." } },
	{ "offers", REPORT_PERCENT,
	    { "A kérés megnyitásától az első ajánlott helyig", "From opening a request to the first place" },
	    { "Hány kérés kapott ennyi időn belül helyet, azok százalékában, amelyek kaptak; ami a ház "
	      "megkérdezése előtt telt el.",
		"How soon the first place was held for a request, as a share of those for which one was." } },
	{ "answers", REPORT_PERCENT, { "A kéréstől a válaszig", "From request to answer" },
	    { "Az intézmény válaszának ideje, az összes válasz százalékában.",
		"How soon the house answered, as a share of all answers." } },
	{ "arrivals", REPORT_PERCENT, { "A választól az érkezésig", "From answer to arrival" },
	    { "Az összes érkezés százalékában.", "As a share of all arrivals." } },
	{ "stays", REPORT_PERCENT, { "A tartózkodás hossza", "Length of stay" },
	    { "Az évben véget ért tartózkodások százalékában.",
		"As a share of the stays that ended in the year." } },
	{ "places", REPORT_PLACES, { "Férőhelyek és családi helyek", "Places and family places" },
	    { "Két külön mérték ugyanazokról a szobákról, nem adhatók össze: férőhely = engedélyezett "
	      "személyek; "
	      "családi hely = egyszerre ott élhető háztartások.",
		"Two measures of the same rooms, never to be added: places are persons as licensed, family "
		"places "
		"are households that can live there at once." } },
	{ "per_10000", REPORT_PER_10000, { "Tízezer lakosra", "Per 10,000 inhabitants" },
	    { "Külön a férőhely és külön a családi hely.", "Places and family places apart." } },
	{ "freshness", REPORT_PERCENT_OF_DAY, { "Mennyire frissek az adatok", "How fresh the data are" },
	    { "A nyitott intézmények százalékában, 5-re kerekítve, aszerint, hogy legrégebben megerősített "
	      "szobájuk állapota mennyire friss.",
		"Share of the open houses, in steps of 5 per cent, by how fresh the state of the room is "
		"that "
		"they confirmed longest ago." } },
};

/* DOMAIN 4 names what regulators ask for; of these figures a reader shall not take silence for zero. */
const struct report_gap report_gaps[] = {
	{ "days_without_place", "not_recorded",
	    { "Hány napon nem volt megfelelő hely zónánként és háztartástípusonként: a keresések nem hagynak "
	      "háztartást maguk után, a kérések háztartása pedig lezárásuk után törlődik. Ami marad: hány "
	      "kérés "
	      "zárult hely nélkül (A kérések kimenetele).",
		"On how many days there was no fitting place, by zone and kind of household: searches leave "
		"no "
		"household behind, and a request's household is deleted once it is closed. What remains is "
		"how "
		"many requests were closed without a place (Outcomes of requests)." } },
	{ "redirected", "not_recorded",
	    { "Hány háztartás került másik zónába: a kérés azt mondja meg, hol veszélyes, és nem azt, hová "
	      "szeretnének menni, ezért nincs mihez mérni.",
		"How many households were redirected to another zone: a request says where it is dangerous, "
		"not "
		"where they would like to be, so there is nothing to compare with." } },
	{ "freshness_per_house", "would_identify",
	    { "Az adatok frissessége házanként: egyetlen házra mutatna. Országos arányként szerepel.",
		"Freshness house by house: it would point at one house. It is told as a share of the "
		"country." } },
};
const unsigned report_gap_count = COUNT_OF(report_gaps);
const unsigned report_section_count = COUNT_OF(report_sections);

static const struct code measures[] = {
	{ "family_places", { "családi hely", "family places" } },
	{ "places", { "férőhely", "places" } },
};
static const struct code open_houses = { "open_houses", { "nyitott intézmények", "open houses" } };
static const struct code all_types = { "all", { "minden típus", "all types" } };

static enum rc
add(struct report *r, const struct report_line *line)
{
	if (r->count == REPORT_LINES)
		return RC_TOO_BIG;
	r->line[r->count] = *line;
	if (line->withheld)
		r->line[r->count].value = 0;
	r->count++;
	return RC_OK;
}

static enum rc
add_cases(struct ctx *c, const struct report_section *s, const struct case_table *t, struct report *r)
{
	struct statistics_reply reply;
	char period[PERIOD_TEXT];
	enum rc rc;

	period_format((struct period){ r->year, 0 }, period);
	rc = statistics_table(c, t->name, period, &reply);
	for (unsigned i = 0; rc == RC_OK && i < reply.count; i++)
		rc = add(r,
		    &(struct report_line){ .section = s,
			.row = &t->rows->rows[i / t->columns->count],
			.column = &t->columns->rows[i % t->columns->count],
			.value = reply.rows[i].value,
			.withheld = reply.rows[i].withheld });
	return rc;
}

static enum rc
add_shares(struct ctx *c, const struct report_section *s, const struct case_table *t, struct report *r)
{
	struct share shares[SUPPRESS_ROWS];
	enum rc rc = statistics_shares(c, t, r->year, shares);

	for (unsigned i = 0; rc == RC_OK && i < t->rows->count; i++)
		rc = add(r,
		    &(struct report_line){ .section = s,
			.row = &t->rows->rows[i],
			.column = &t->columns->rows[0],
			.value = shares[i].percent,
			.withheld = shares[i].withheld });
	return rc;
}

static enum rc
add_places(const struct report_section *s, const struct code *row, const struct inventory_cell *cell,
    struct report *r)
{
	const uint64_t counts[COUNT_OF(measures)] = { cell->families, cell->places };
	enum rc rc = RC_OK;

	for (unsigned i = 0; rc == RC_OK && i < COUNT_OF(measures); i++) {
		struct report_line line = { s, row, &measures[i], counts[i], cell->withheld };

		if (s->measure == REPORT_PER_10000)
			line.value = (counts[i] * 1000000 + r->inhabitants / 2) / r->inhabitants;
		rc = add(r, &line);
	}
	return rc;
}

/* All types together only when every type is told: else the sum would tell the one that is not. */
static enum rc
add_inventory(const struct report_section *s, const struct inventory *inv, struct report *r)
{
	struct inventory_cell sum = { 0 };
	bool is_told = true;
	enum rc rc = RC_OK;

	for (unsigned i = 0; rc == RC_OK && i < INVENTORY_TYPES; i++) {
		sum.families += inv->country[i].families;
		sum.places += inv->country[i].places;
		is_told = is_told && !inv->country[i].withheld;
		rc = add_places(s, &codes_shelter_type.rows[i], &inv->country[i], r);
	}
	sum.withheld = !is_told;
	return rc == RC_OK ? add_places(s, &all_types, &sum, r) : rc;
}

static enum rc
add_freshness(const struct report_section *s, const struct inventory *inv, struct report *r)
{
	enum rc rc = RC_OK;

	for (unsigned i = 0; rc == RC_OK && i < FRESHNESS_COUNT; i++)
		rc = add(r,
		    &(struct report_line){ .section = s,
			.row = &codes_freshness.rows[i],
			.column = &open_houses,
			.value = inv->freshness[i].percent,
			.withheld = inv->freshness[i].withheld });
	return rc;
}

static const struct case_table *
table_named(const char *name)
{
	for (unsigned i = 0; i < CASE_TABLES; i++)
		if (strcmp(case_tables[i].name, name) == 0)
			return &case_tables[i];
	return NULL;
}

enum rc
report_make(struct ctx *c, struct report *out)
{
	struct inventory *inv = arena_calloc(c->arena, 1, sizeof(*inv));
	enum rc rc = inv != NULL ? inventory_read(c, inv) : RC_UNAVAILABLE;

	if (rc != RC_OK)
		return rc;
	out->count = 0;
	out->day = inv->day;
	out->has_samples = inv->has_samples;
	for (unsigned i = 0; rc == RC_OK && i < report_section_count; i++) {
		const struct report_section *s = &report_sections[i];
		const struct case_table *t = table_named(s->name);

		if (s->measure == REPORT_PER_10000 && out->inhabitants == 0)
			continue;
		if (s->measure == REPORT_PERCENT_OF_DAY)
			rc = add_freshness(s, inv, out);
		else if (t == NULL)
			rc = add_inventory(s, inv, out);
		else
			rc = t->is_shares ? add_shares(c, s, t, out) : add_cases(c, s, t, out);
	}
	return rc;
}
