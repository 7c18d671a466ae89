/* SPDX-License-Identifier: Apache-2.0 */
/* Shares and bands.  Pure. */
#include "domain/shares.h"

#define HOUR 3600
#define DAY  86400

/*@ requires \valid_read(cells + (0 .. count - 1)) && count <= 1000;
    assigns \nothing;
    ensures \result <= count * UINT32_MAX;
*/
static uint64_t
sum_of(const struct stat_cell *cells, unsigned count)
{
	uint64_t sum = 0;

	/*@ loop invariant 0 <= i <= count && sum <= i * UINT32_MAX;
	    loop assigns i, sum;
	    loop variant count - i;
	*/
	for (unsigned i = 0; i < count; i++)
		sum += cells[i].cases;
	return sum;
}

/*@ requires \valid_read(c);
    assigns \nothing;
    ensures \result <==> small(c);
*/
static bool
is_small(const struct stat_cell *c)
{
	return c->cases > 0 && (c->cases < SUPPRESS_MIN_CASES || c->houses < SUPPRESS_MIN_HOUSES);
}

/* The only withheld share would be a hundred less the others. */
/*@ requires \valid_read(cells + (0 .. count - 1)) && \valid(out + (0 .. count - 1));
    requires \separated(cells + (0 .. count - 1), out + (0 .. count - 1));
    assigns out[0 .. count - 1].withheld;
    ensures \forall integer k; 0 <= k < count && \old(out[k].withheld) ==> out[k].withheld;
    ensures \forall integer k; 0 <= k < count && cells[k].cases == 0 && !\old(out[k].withheld) ==>
   !out[k].withheld; ensures none_stands_alone(cells, count, out);
*/
static void
hide_a_second(const struct stat_cell *cells, unsigned count, struct share *out)
{
	unsigned withheld = 0, best = count;

	/*@ loop invariant 0 <= i <= count && withheld <= i && best <= count;
	    loop invariant best < count ==> best < i && !out[best].withheld && cells[best].cases > 0;
	    loop invariant best == count ==>
	      \forall integer k; 0 <= k < i && !out[k].withheld ==> cells[k].cases == 0;
	    loop invariant withheld == 0 ==> \forall integer k; 0 <= k < i ==> !out[k].withheld;
	    loop invariant withheld == 1 ==> \exists integer p; 0 <= p < i && out[p].withheld &&
	      \forall integer k; 0 <= k < i && k != p ==> !out[k].withheld;
	    loop invariant withheld > 1 ==>
	      \exists integer p, q; 0 <= p < q < i && out[p].withheld && out[q].withheld;
	    loop assigns i, withheld, best;
	    loop variant count - i;
	*/
	for (unsigned i = 0; i < count; i++) {
		withheld += out[i].withheld;
		if (!out[i].withheld && cells[i].cases > 0 &&
		    (best == count || cells[i].cases < cells[best].cases))
			best = i;
	}
	if (withheld == 1 && best < count)
		out[best].withheld = true;
}

void
shares_of(const struct stat_cell *cells, unsigned count, struct share *out)
{
	const uint64_t sum = sum_of(cells, count), steps = 100 / SHARES_STEP;

	/*@ loop invariant 0 <= i <= count;
	    loop invariant \forall integer k; 0 <= k < i ==>
	      (out[k].withheld <==> small(cells + k)) && out[k].percent == 0;
	    loop assigns i, out[0 .. count - 1];
	    loop variant count - i;
	*/
	for (unsigned i = 0; i < count; i++)
		out[i] = (struct share){ .withheld = is_small(&cells[i]) };
	hide_a_second(cells, count, out);
	/*@ loop invariant 0 <= i <= count;
	    loop invariant \forall integer k; 0 <= k < count && out[k].withheld ==> out[k].percent == 0;
	    loop invariant \forall integer k; i <= k < count ==> out[k].percent == 0;
	    loop assigns i, out[0 .. count - 1].percent;
	    loop variant count - i;
	*/
	for (unsigned i = 0; i < count; i++)
		if (!out[i].withheld && sum > 0)
			out[i].percent =
			    (unsigned)((2 * steps * cells[i].cases + sum) / (2 * sum)) * SHARES_STEP;
}

/* ---- bands ---- */

struct band {
	int64_t below; /* seconds; 0: whatever is longer */
};

static const struct band waiting[] = { { 900 }, { 1800 }, { HOUR }, { 4 * HOUR }, { DAY }, { 0 } };
static const struct code waiting_rows[] = {
	{ "under_15_minutes", { "15 percen belül", "within 15 minutes" } },
	{ "under_30_minutes", { "15–30 perc", "15 to 30 minutes" } },
	{ "under_1_hour", { "30–60 perc", "30 to 60 minutes" } },
	{ "under_4_hours", { "1–4 óra", "1 to 4 hours" } },
	{ "under_1_day", { "4–24 óra", "4 to 24 hours" } },
	{ "longer", { "egy napnál hosszabb", "more than a day" } },
};
const struct code_list bands_of_waiting = { "waiting", waiting_rows, COUNT_OF(waiting_rows) };

static const struct band stay[] = { { 7 * DAY }, { 28 * DAY }, { 56 * DAY }, { 183 * DAY }, { 365 * DAY },
	{ 0 } };
static const struct code stay_rows[] = {
	{ "under_1_week", { "egy hétnél rövidebb", "less than a week" } },
	{ "under_4_weeks", { "1–4 hét", "1 to 4 weeks" } },
	{ "under_8_weeks", { "4–8 hét", "4 to 8 weeks" } },
	{ "under_6_months", { "8 hét – fél év", "8 weeks to half a year" } },
	{ "under_1_year", { "fél év – egy év", "half a year to a year" } },
	{ "longer", { "egy évnél hosszabb", "more than a year" } },
};
const struct code_list bands_of_stay = { "stay", stay_rows, COUNT_OF(stay_rows) };

static unsigned
find(const struct band *bands, int64_t seconds)
{
	unsigned i = 0;

	while (bands[i].below != 0 && seconds >= bands[i].below)
		i++;
	return i;
}

unsigned
band_of_waiting(int64_t seconds)
{
	return find(waiting, seconds);
}

unsigned
band_of_stay(int64_t seconds)
{
	return find(stay, seconds);
}
