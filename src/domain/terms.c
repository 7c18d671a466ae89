/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How long a stay may last: the dated rows and the arithmetic on them.  The day on which a term begins does
 * not count (Civil Code 8:3), so 4 weeks from the 1st end on the 29th.  Overstay is a flag here and never an
 * action.
 */
#include "domain/terms.h"

#define ANY_NUMBER 255u

/* "To the end of the school year": the last teaching day is about 15 June, the first one 1 September. */
#define SCHOOL_END_MONTH   6
#define SCHOOL_END_DAY     15
#define SCHOOL_START_MONTH 9

static const struct {
	uint8_t type;
	struct civil valid_from;
	uint16_t base_months, base_days;
	uint8_t extensions;
	uint16_t extension_months, extension_days;
	bool to_school_year_end;
	uint16_t review_days;
} built_in[] = {
#define T(type, year, month, day, base_m, base_d, count, ext_m, ext_d, school, review) \
	{ type, { year, month, day }, base_m, base_d, count, ext_m, ext_d, school, review },
#include "domain/terms.def"
#undef T
};

_Static_assert(COUNT_OF(built_in) <= TERM_RULES_MAX, "struct term_rules holds the built-in rows");

void
terms_default(struct term_rules *out)
{
	*out = (struct term_rules){ .count = COUNT_OF(built_in) };
	for (unsigned i = 0; i < COUNT_OF(built_in); i++) {
		out->rule[i] = (struct term_rule){
			.type = built_in[i].type,
			.valid_from = civil_to_day(built_in[i].valid_from),
			.base_months = built_in[i].base_months,
			.base_days = built_in[i].base_days,
			.extensions = built_in[i].extensions,
			.extension_months = built_in[i].extension_months,
			.extension_days = built_in[i].extension_days,
			.to_school_year_end = built_in[i].to_school_year_end,
			.review_days = built_in[i].review_days,
		};
	}
}

const struct term_rule *
terms_for(const struct term_rules *rules, enum shelter_type type, day_number day)
{
	const struct term_rule *best = NULL;

	/*@ loop invariant 0 <= i <= rules->count;
	    loop invariant best == \null ==> \forall integer k; 0 <= k < i ==> !row_for(rules, k, type, day);
	    loop invariant best != \null ==>
	      \exists integer k; 0 <= k < i && row_for(rules, k, type, day) && best == &rules->rule[k];
	    loop invariant best != \null ==> \forall integer k; 0 <= k < i && row_for(rules, k, type, day) ==>
	      rules->rule[k].valid_from <= best->valid_from;
	    loop assigns i, best;
	    loop variant rules->count - i;
	*/
	for (unsigned i = 0; i < rules->count; i++) {
		const struct term_rule *rule = &rules->rule[i];

		if (rule->type != type || rule->valid_from > day)
			continue;
		if (best == NULL || rule->valid_from > best->valid_from)
			best = rule;
	}
	return best;
}

/*@ requires \valid_read(rule);
    assigns \nothing;
    ensures \result <==> ends(rule);
*/
static bool
has_end(const struct term_rule *rule)
{
	return rule->base_months != 0 || rule->base_days != 0;
}

day_number
term_end(const struct term_rule *rule, day_number start)
{
	if (!has_end(rule))
		return 0;
	return day_add_months(start, rule->base_months) + rule->base_days;
}

/* The last day of the school year that ${day} is in, or 0 in the summer. */
/*@ requires sane_day(day);
    assigns \nothing;
    ensures \result == 0 || (\result > day && \exists integer year; \result == day_of(year, 6, 15));
*/
static day_number
school_year_end(day_number day)
{
	struct civil c = civil_from_day(day);
	struct civil end = { c.year, SCHOOL_END_MONTH, SCHOOL_END_DAY };

	if (c.month >= SCHOOL_START_MONTH)
		end.year++;
	return day < civil_to_day(end) ? civil_to_day(end) : 0;
}

/* A review moves the day of the next one, from the one that is due, by one period at most. */
/*@ requires \valid_read(rule) && sane_day(start) && sane_day(end) && \separated(rule, f);
    assigns *f;
    ensures \result == RC_OK || \result == RC_INVALID;
    ensures \result == RC_OK ==> until > (end != 0 ? end : start) &&
      until <= (end != 0 ? end : start + rule->review_days) + rule->review_days;
*/
static enum rc
extend_by_review(
    const struct term_rule *rule, day_number start, day_number end, day_number until, struct fault *f)
{
	day_number due = end != 0 ? end : start + rule->review_days;

	if (until <= (end != 0 ? end : start))
		return fault_set(f, RC_INVALID, MSG_EXTEND_LATER, "/until", 0, NULL);
	if (until > due + rule->review_days)
		return fault_set(f, RC_INVALID, MSG_EXTEND_SHORTER, "/until", 0, NULL);
	return RC_OK;
}

enum rc
term_extend(const struct term_rule *rule, day_number start, day_number end, unsigned done, day_number until,
    enum extend_reason reason, struct fault *f)
{
	bool is_review = rule->review_days != 0 && !has_end(rule);
	day_number limit;

	if (rule->extensions == 0 || (rule->extensions != ANY_NUMBER && done >= rule->extensions))
		return fault_set(f, RC_STATE_CONFLICT, MSG_NO_EXTENSION, NULL, 0, NULL);
	if ((reason == EXTEND_REVIEW) != is_review)
		return fault_set(f, RC_INVALID, MSG_EXTEND_REASON, "/reason", 0, NULL);
	if (is_review)
		return extend_by_review(rule, start, end, until, f);
	limit = day_add_months(end, rule->extension_months) + rule->extension_days;
	if (reason == EXTEND_SCHOOL_YEAR)
		limit = rule->to_school_year_end ? school_year_end(end) : 0;
	if (limit == 0)
		return fault_set(f, RC_INVALID, MSG_EXTEND_REASON, "/reason", 0, NULL);
	if (until <= end)
		return fault_set(f, RC_INVALID, MSG_EXTEND_LATER, "/until", 0, NULL);
	if (until > limit)
		return fault_set(f, RC_INVALID, MSG_EXTEND_SHORTER, "/until", 0, NULL);
	return RC_OK;
}

day_number
term_next_review(const struct term_rule *rule, day_number start, day_number today)
{
	if (rule->review_days == 0)
		return 0;
	if (today < start)
		return start + rule->review_days;
	return start + ((today - start) / rule->review_days + 1) * rule->review_days;
}

bool
term_is_overstay(day_number end, day_number today)
{
	return end != 0 && today > end;
}
