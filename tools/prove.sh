#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Prove the contracts (/*@ ... */) of the field's rules with Frama-C's WP: for each file "proved N / N", or which goals are not.
#   tools/prove.sh [FILE]            every file of the table, or one
#   tools/prove.sh mutants [FUNCTION]  a guard taken out of a copy must leave a goal that cannot be proved
#   SECONDS_EACH=60           what a prover may take for one goal
#   PROVERS=2                 how many run at a time
set -uo pipefail
cd "$(dirname "$0")/.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export HOME=$work # the provers' settings are made anew: nothing of this machine's decides
why3 config detect >/dev/null 2>&1
limit=${SECONDS_EACH:-60}

# a file, and its functions that are proved (all: every one); docs/proof.md says why others are not
proofs='
src/domain/policy.c       all
src/domain/beds.c         all
src/domain/house.c        unit_places,unit_others,unit_beds,unit_beds_left,with_share,use_of,beds_left_in,smaller,is_one_unit,set_others,booked_persons,house_persons,is_unit_sound,house_is_sound,house_find_unit,house_find_allocation,house_can_join,is_room_in,is_room_for,house_take,house_release,house_set_expiry
src/domain/allocations.c  all
src/domain/reservation.c  reservation_next,reservation_has_expired,reservation_keeps_units,reservation_is_over,on_renew,on_request,on_confirm,on_decline,on_expire,on_disclose,on_arrive,is_too_late,end,reservation_escalation
src/domain/shares.c       sum_of,is_small,hide_a_second,shares_of
src/domain/suppress.c     cell_at,add_to,fill_totals,is_small,withhold_if_small,withhold_in_rows,withhold_below_columns,is_negative,step_cost,vertices_of,cell_between,edge_cost,nearest,go_on,find_ways,withhold_way,protect,settle_cell
src/domain/terms.c        terms_for,has_end,term_end,school_year_end,extend_by_review,term_extend,term_next_review,term_is_overstay
src/domain/household.c    household_children,household_persons,household_adults,household_babies,has_unknown_case,has_no_adult,has_too_many_adults,has_too_many_children,is_pregnant_without_woman,has_partner_of_nobody,has_sibling_of_nobody,has_sibling_without_band,has_unknown_sibling_band,has_band_without_sibling,has_unknown_language,has_unknown_danger_county,has_unknown_home_county,arrives_before_time,check_rules,household_check
src/domain/fit.c          is_family,is_in_danger,is_unwelcome,is_other_case,is_emergency,is_other_path,is_danger_unstated,is_danger_county,is_own_county,is_closed,has_lone_man,has_father,has_no_child,has_old_boy,has_many_children,has_sibling,has_partner,has_pet,has_other_tongue,is_acute_addiction,is_acute_psychiatric,add_reason,fit_units
'

# what is not proved, and why; what guards it instead stands in docs/proof.md
unproved='
sound after house_take         H1 to H3 over all units in one goal are too much; its sums, room in each unit and house_persons are proved
house_report, check_report     a report writes the counts of the others in the memory that the sums read; set_others and house_is_sound are proved
house_use, house_unit_state    they only call use_of and unit_beds_left, which are proved, for each unit or to name a state
fit_rules, fit_ask             the rules and whom they concern are called through a table; each rule on its own is proved
units_choose                   its search is over the subsets of a group: which set is the best is no matter of safety, house_take asks again
reservation_apply              it calls the effects through a table; each effect, the table, house_release and house_set_expiry are proved
refuse_child                   a text only
units.c                        its functions have no contracts yet, but units_choose that of what it writes
suppress, suppress_table       that no cell follows from the others is a theorem about cycles in a graph; that what was marked as small is still so after all cycles ran into the time limit
suppress_year, set_free        the rounds over five tables: each settle_cell is proved; that the rounds end is not, nor that those of find_ways and withhold_way do
civil.c                        nests of divisions; the test walks all days of 400 years
fault_set, id_equal            of src/base: assumed to change only what their prototypes name
'

# a file, the function whose proof must fail, and the edit that takes a guard out of it
mutants='
src/domain/policy.c       policy_roles        s/(unsigned)perm < PERM_COUNT ? \(permissions\[perm\].roles\) : 0/\1/
src/domain/policy.c       policy_roles        s/perm < PERM_COUNT ? permissions.perm..roles/perm <= PERM_COUNT ? permissions[perm].roles/
src/domain/policy.c       policy_role_fits    s/ || (unsigned)role >= ROLE_COUNT//
src/domain/policy.c       policy_role_fits    s/(roles_of_kind\[kind\] & ROLE_BIT(role)) != 0/true/
src/domain/policy.def     policy_allows       s/^P(DISCLOSE, /P(DISCLOSE, R(ADMIN) | /
src/domain/beds.c         beds_hold           s/ \&\& adults <= b.adult//
src/domain/beds.c         beds_hold           s/babies <= b.cots \&\& //
src/domain/beds.c         minus               s/return a > b ? a - b : 0/return a - b/
src/domain/beds.c         beds_without        s/adults + children - in_child_beds/adults/
src/domain/house.c        unit_beds_left      s/use->shares > 0 || unit_others(u) > 0/use->shares > 0/
src/domain/house.c        unit_beds_left      s/if (u->out_of_use || u->retired)/if (u->retired)/
src/domain/house.c        unit_beds_left      s/0u + use->adults + u->other_adults,/0u + use->adults,/
src/domain/house.c        set_others          s/smaller(others, left.adult)/others/
src/domain/house.c        is_unit_sound       s/: 0u) <= 1;/: 0u) <= 2;/
src/domain/allocations.h  allocations_is_live  s/a->expires_at > now/a->expires_at >= now/
src/domain/house.c        use_of              s/allocations_is_live(a, now) \&\& //
src/domain/house.c        house_persons       s/if (!h->units.i..retired)/if (true)/
src/domain/house.c        house_persons       s/smaller(unit_others(\(.*\)), unit_places.*/unit_others(\1);/
src/domain/house.c        house_is_sound      s/if (booked_persons(h, now) > s->licensed_capacity)/if (false)/
src/domain/house.c        house_is_sound      s/if (!is_unit_sound(/if (i > 0 \&\& !is_unit_sound(/
src/domain/house.c        is_room_in          s/if (beds_count(left) == 0)/if (false)/
src/domain/house.c        is_room_in          s/return !h->units.i..shared ||.*/return true;/
src/domain/house.c        is_room_for         s/if (!is_room_in(h, i, a, now))/if (false)/
src/domain/house.c        house_take          s/allocations_add(h, a).*;/allocations_add(h, a) \/*@ ghost (now) *\/; allocations_add(h, a) \/*@ ghost (now) *\/;/
src/domain/allocations.c  allocations_add     s/h->allocations.n. = .a;/h->allocations[0] = *a;/
src/domain/allocations.c  allocations_remove  s/h->allocations.k. = h->allocations.last.;//
src/domain/allocations.c  allocations_drop_expired  s/if (!allocations_is_live(&h->allocations.k - 1., now))/if (true)/
src/domain/house.c        house_release       s/allocations_remove(h, (unsigned)k).*;//
src/domain/house.c        house_set_expiry    s/ || !allocations_is_live(\&h->allocations.k., now))/)/
src/domain/household.c    check_rules         s/{ has_partner_of_nobody(h), .*//
src/domain/household.c    check_rules         s/for (unsigned i = 0; i < COUNT_OF(rules)/for (unsigned i = 1; i < COUNT_OF(rules)/
src/domain/household.c    household_check     s/if (h->children.i..band >= BAND_COUNT)/if (h->children[i].band > BAND_COUNT)/
src/domain/household.c    has_too_many_adults s/return household_adults(h) > LIMIT_ADULTS/return household_adults(h) > 1 + LIMIT_ADULTS/
src/domain/household.c    household_children  s/h->child_count < LIMIT_CHILDREN ? h->child_count : LIMIT_CHILDREN/h->child_count/
src/domain/household.c    household_babies    s/BAND_0_2/BAND_3_9/
src/domain/fit.c          is_danger_county    s/ \&\& (q->who->danger_counties \& veil_counties(q->s)) != 0//
src/domain/fit.c          is_danger_unstated  s/return q->type->needs_danger \&\& /return /
src/domain/fit.c          has_old_boy         s/ > q->s->admission.boy_max_age/ > 1 + q->s->admission.boy_max_age/
src/domain/fit.c          is_closed           s/return !q->s->is_open || q->s->retired/return !q->s->is_open/
src/domain/fit.c          fit_units           s/if (out->reason_count > 0)/if (false)/
src/domain/reservation.c  reservation_next    s/(unsigned)from >= RES_STATES || //
src/domain/reservation.c  reservation_next    s/cell.by != 1u + (unsigned)actor/false/
src/domain/reservation.c  reservation_next    s/BY(CLOCK, EXPIRED)/BY(CLOCK, CONFIRMED)/
src/domain/reservation.c  reservation_next    s/BY(HOUSE, LEFT)/BY(CLOCK, LEFT)/
src/domain/reservation.c  on_disclose         s/r->disclosures >= rules->disclosures/false/
src/domain/reservation.c  on_disclose         s/now >= r->disclose_until/now > r->disclose_until/
src/domain/reservation.c  on_renew            s/if (r->renewed)/if (false)/
src/domain/reservation.c  on_renew            s/if (r->expires_at < now + rules->hold)/if (true)/
src/domain/reservation.c  on_decline          s/if (r->answered_at == 0)/if (true)/
src/domain/reservation.c  is_too_late         s/return ev != EV_EXPIRE \&\& /return /
src/domain/shares.c       is_small            s/ || c->houses < SUPPRESS_MIN_HOUSES//
src/domain/shares.c       hide_a_second       s/if (withheld == 1 \&\& best < count)/if (false)/
src/domain/shares.c       shares_of           s/if (!out.i..withheld \&\& sum > 0)/if (sum > 0)/
src/domain/suppress.c     is_small            s/ || c->houses < SUPPRESS_MIN_HOUSES//
src/domain/suppress.c     withhold_in_rows    s/j < t->columns; j++)/j + 1 < t->columns; j++)/
src/domain/suppress.c     settle_cell         s/(withheld > 1 \&\& cases > withheld)/withheld > 1/
src/domain/suppress.c     cell_between        s/b - t->rows - 1)/b - t->rows)/
src/domain/terms.c        terms_for           s/ || rule->valid_from > day)/)/
src/domain/terms.c        terms_for           s/rule->valid_from > best->valid_from)/rule->valid_from < best->valid_from)/
src/domain/terms.c        school_year_end     s/return day < civil/return day <= civil/
src/domain/terms.c        extend_by_review    s/until > due + rule/until > due + 2 * rule/
src/domain/terms.c        term_extend         s/done >= rule->extensions/done > rule->extensions/
src/domain/terms.c        term_extend         s/if (until > limit)/if (false)/
src/domain/terms.c        term_extend         s/if (until <= end)/if (until < end)/
src/domain/terms.c        term_extend         s/(reason == EXTEND_REVIEW) != is_review/false/
src/domain/terms.c        term_next_review    s/review_days + 1)/review_days)/
src/domain/terms.c        term_is_overstay    s/today > end/today >= end/
'

# prove ROOT FILE FUNCTIONS: what Frama-C says goes to $work/log
prove() {
	local only=()
	[ "$3" = all ] || only=(-wp-fct "$3")
	(cd "$1" && nice -n 10 frama-c -c11 -cpp-extra-args="-D_GNU_SOURCE -Isrc" -wp -wp-rte -wp-par "${PROVERS:-2}" -wp-prover cvc4,z3 \
		-wp-timeout "$limit" "${only[@]}" "$2") >"$work/log" 2>&1
}
count() { sed -n 's/^\[wp\] Proved goals: *\([0-9]*\) *\/ *\([0-9]*\).*/\1 \2/p' "$work/log"; }

prove_all() {
	local file functions proved goals bad=0 began
	while read -r file functions; do
		[ -n "$file" ] || continue
		[ -z "$1" ] || [ "$1" = "$file" ] || continue
		began=$SECONDS
		prove . "$file" "$functions"
		read -r proved goals <<<"$(count)"
		printf '%-28s proved %4s / %-4s %4d s\n' "$file" "${proved:-0}" "${goals:-?}" $((SECONDS - began))
		if [ -z "${goals:-}" ] || [ "$proved" != "$goals" ]; then
			bad=1
			grep -E '\[(Failed|Timeout)\]|: (Failed|Timeout|Unknown)$|rror' "$work/log" | grep Goal | sort -u || tail -n 5 "$work/log"
		fi
		grep -h 'Neither code nor spec' "$work/log" | sed 's/.*function \([a-z_]*\),.*/    assumed to change only what its prototype names: \1/'
	done <<<"$proofs"
	[ -n "$1" ] || printf 'not proved, and why:%s' "$unproved"
	return $bad
}

prove_mutants() {
	local file function edit unit proved goals passed=0 failed=0
	limit=${SECONDS_EACH:-10}
	while read -r file function edit; do
		[ -n "$file" ] || continue
		[ -z "$1" ] || [ "$1" = "$function" ] || continue
		unit=${file%.*}.c
		rm -rf "$work/tree"
		mkdir "$work/tree"
		cp -r src "$work/tree/"
		sed -i "$edit" "$work/tree/$file"
		if cmp -s "$file" "$work/tree/$file"; then
			echo "Error: nothing to edit in $file: $edit"
			failed=$((failed + 1))
			continue
		fi
		prove "$work/tree" "$unit" "$function"
		read -r proved goals <<<"$(count)"
		if [ -n "${goals:-}" ] && [ "$proved" -lt "$goals" ]; then
			printf 'red   %-20s %s / %s   %s\n' "$function" "$proved" "$goals" "$edit"
			passed=$((passed + 1))
		else
			printf 'GREEN %-20s %s / %s   %s\n' "$function" "${proved:-?}" "${goals:-?}" "$edit"
			failed=$((failed + 1))
		fi
	done <<<"$mutants"
	echo "$passed passed, $failed failed"
	[ "$failed" -eq 0 ]
}

case ${1:-} in
'' | *.c) prove_all "${1:-}" ;;
mutants) prove_mutants "${2:-}" ;;
*)
	echo "prove.sh: there is no '$1'" >&2
	exit 2
	;;
esac
