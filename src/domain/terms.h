/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How long a stay may last (DOMAIN 2): base term, extensions and reviews per type, as dated rows.  A row
 * counts for stays that begin on or after its first day, until a later row of its type.  The built-in rows
 * are terms.def; `terms_read` takes a CSV of the same columns, so that a change of law is data.
 */
#ifndef MENEDEK_TERMS_H
#define MENEDEK_TERMS_H

#include "base/bytes.h"
#include "domain/civil.h"
#include "domain/codes.h"

struct term_rule {
	uint8_t type; /* enum shelter_type */
	day_number valid_from;
	uint16_t base_months, base_days; /* both 0: no end (review only) */
	uint8_t extensions;              /* how many; 255 = any number, each decided by an authority */
	uint16_t extension_months, extension_days; /* at most, each */
	bool to_school_year_end; /* an extension may instead run to the end of the school year (15 June) */
	uint16_t review_days;    /* 0 = none */
};

#define TERM_RULES_MAX 64u
struct term_rules {
	unsigned count;
	struct term_rule rule[TERM_RULES_MAX];
};

/*@ // for `make prove`
  predicate row_for{L}(struct term_rules *r, integer i, integer type, integer day) =
    0 <= i < r->count && r->rule[i].type == type && r->rule[i].valid_from <= day;
  predicate ends{L}(struct term_rule *r) = r->base_months != 0 || r->base_days != 0;
  predicate reviewed{L}(struct term_rule *r) = r->review_days != 0 && !ends(r);
  predicate may_extend{L}(struct term_rule *r, integer done) = r->extensions == 255 || done < r->extensions;
*/

/** The built-in rows. */
void terms_default(struct term_rules *out);

/**
 * Replace all rows from CSV (terms_csv.c).  Columns, all of them needed: type, valid_from, base_months,
 * base_days, extensions, extension_months, extension_days, to_school_year_end, review_days.  RC_MALFORMED or
 * RC_INVALID with
 * "/line/column" in ${f}, RC_UNAVAILABLE without memory; ${out} is then as it was.
 */
MUST_USE enum rc terms_read(struct bytes text, struct term_rules *out, struct fault *f);

/** The rule for a stay of ${type} that begins on ${day}, or NULL. */
/*@ requires \valid_read(rules) && rules->count <= TERM_RULES_MAX;
    assigns \nothing;
    ensures \result == \null <==> \forall integer i; !row_for(rules, i, type, day);
    ensures \result != \null ==> \exists integer i; row_for(rules, i, type, day) && \result ==
   &rules->rule[i];
    // the law of the day on which it began: no later row had come by then
    ensures \result != \null ==> \forall integer i; row_for(rules, i, type, day) ==>
      rules->rule[i].valid_from <= \result->valid_from;
*/
const struct term_rule *terms_for(const struct term_rules *rules, enum shelter_type type, day_number day);

/** Last day of the base term of a stay that begins on ${start}, which does not count; 0 = no legal end. */
/*@ requires \valid_read(rule) && sane_day(start);
    assigns \nothing;
    ensures !ends(rule) ==> \result == 0;
    ensures ends(rule) ==> \result == months_later(start, rule->base_months) + rule->base_days && \result >
   start;
*/
day_number term_end(const struct term_rule *rule, day_number start);

/**
 * May a stay that has been extended ${done} times and now ends on ${end} be extended to ${until} for
 * ${reason}? RC_OK, RC_STATE_CONFLICT (no extension left) or RC_INVALID (too long, not later than ${end},
 * reason does not allow). The limit counts from ${end}.  To the end of the school year means 15 June of the
 * one that ${end} is in. A type without a cap is extended by EXTEND_REVIEW only, and no other type is:
 * ${until} then is the day of the next review, at most one period after the one that is due (${end}, or the
 * first one when ${end} is 0).  Once kept as the stay's end, it flags a review that is overdue.
 */
/*@ requires \valid_read(rule) && sane_day(start) && sane_day(end) && \separated(rule, f);
    assigns *f;
    ensures \result == RC_OK || \result == RC_STATE_CONFLICT || \result == RC_INVALID;
    // never more often than the law says, never for another reason, always to a later day
    ensures !may_extend(rule, done) ==> \result == RC_STATE_CONFLICT;
    ensures \result == RC_OK ==> may_extend(rule, done) && rule->extensions > 0;
    ensures \result == RC_OK ==> (reason == EXTEND_REVIEW <==> reviewed(rule));
    ensures \result == RC_OK ==> until > end || (end == 0 && until > start);
    // never longer: one extension, the end of this school year, or one period of review
    ensures \result == RC_OK && reason != EXTEND_REVIEW && reason != EXTEND_SCHOOL_YEAR ==>
      until <= months_later(end, rule->extension_months) + rule->extension_days;
    ensures \result == RC_OK && reason == EXTEND_SCHOOL_YEAR ==> rule->to_school_year_end &&
      \exists integer year; until <= day_of(year, 6, 15);
    ensures \result == RC_OK && reason == EXTEND_REVIEW ==>
      until <= (end != 0 ? end : start + rule->review_days) + rule->review_days;
*/
MUST_USE enum rc term_extend(const struct term_rule *rule, day_number start, day_number end, unsigned done,
    day_number until, enum extend_reason reason, struct fault *f);

/** Next review day after ${today}; 0 = none. */
/*@ requires \valid_read(rule) && sane_day(start) && sane_day(today);
    assigns \nothing;
    ensures rule->review_days == 0 ==> \result == 0;
    ensures rule->review_days != 0 ==> \result > today && \result > start;
    ensures rule->review_days != 0 && today >= start ==> \result <= today + rule->review_days;
*/
day_number term_next_review(const struct term_rule *rule, day_number start, day_number today);

/** A flag, never an action: is the stay past its legal end? */
/*@ assigns \nothing;
    ensures \result <==> end != 0 && today > end;
*/
bool term_is_overstay(day_number end, day_number today);

#endif
