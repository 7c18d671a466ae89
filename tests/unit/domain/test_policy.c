/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <string.h>

#include "domain/policy.h"

#define ALL_ROLES ((1u << ROLE_COUNT) - 1)

Test(policy, nobody_holds_the_empty_permission)
{
	cr_assert_not(policy_allows(ALL_ROLES, PERM_NONE));
	cr_assert_not(policy_allows(ALL_ROLES, PERM_COUNT));
	cr_assert_eq(policy_roles(PERM_COUNT), 0);
}

Test(policy, a_person_without_a_role_may_do_nothing)
{
	for (unsigned p = 0; p < PERM_COUNT; p++)
		cr_assert_not(policy_allows(0, (enum permission)p), "%s", policy_name((enum permission)p));
}

/* DOMAIN 5, the column "admin": no content, no location. */
Test(policy, an_administrator_sees_no_place_and_no_reservation)
{
	static const enum permission never[] = { PERM_SEARCH, PERM_BOOK, PERM_DISCLOSE, PERM_LOCATION_OWN,
		PERM_RESERVATION_READ, PERM_AVAILABILITY_READ, PERM_EPISODE_READ, PERM_STATISTICS };

	for (unsigned i = 0; i < COUNT_OF(never); i++)
		cr_assert_not(policy_allows(ROLE_BIT(ROLE_ADMIN), never[i]), "%s", policy_name(never[i]));
}

/* DOMAIN 5: searches and disclosures are the helpline's alone. */
Test(policy, only_the_helpline_searches_books_and_learns_a_location)
{
	static const enum permission desk[] = { PERM_SEARCH, PERM_BOOK, PERM_DISCLOSE };

	for (unsigned i = 0; i < COUNT_OF(desk); i++)
		cr_assert_eq(policy_roles(desk[i]), ROLE_BIT(ROLE_COUNSELLOR) | ROLE_BIT(ROLE_SHIFT_LEAD));
}

Test(policy, a_statistician_sees_statistics_and_herself_only)
{
	for (unsigned p = 0; p < PERM_COUNT; p++)
		cr_assert_eq(policy_allows(ROLE_BIT(ROLE_STATISTICIAN), (enum permission)p),
		    p == PERM_STATISTICS || p == PERM_SELF, "%s", policy_name((enum permission)p));
}

Test(policy, several_roles_add_up)
{
	uint32_t both = ROLE_BIT(ROLE_AUDITOR) | ROLE_BIT(ROLE_SHELTER_STAFF);

	cr_assert(policy_allows(both, PERM_AUDIT_READ));
	cr_assert(policy_allows(both, PERM_ANSWER));
	cr_assert_not(policy_allows(both, PERM_SEARCH));
}

Test(policy, each_role_has_its_kind_of_organisation)
{
	static const struct {
		enum org_kind kind;
		const char *roles;
	} rows[] = {
		{ ORG_HELPLINE, "counsellor shift_lead " },
		{ ORG_CHILD_LINE, "counsellor shift_lead " },
		{ ORG_SHELTER_OPERATOR, "shelter_staff shelter_manager " },
		{ ORG_FAMILY_SUPPORT, "family_support " },
		{ ORG_VICTIM_SUPPORT, "family_support " },
		{ ORG_MINISTRY, "auditor statistician " },
		{ ORG_OPERATOR, "admin " },
	};

	cr_assert_eq(COUNT_OF(rows), ORG_COUNT);
	for (unsigned i = 0; i < COUNT_OF(rows); i++) {
		char found[256] = "";

		for (unsigned r = 0; r < ROLE_COUNT; r++) {
			if (!policy_role_fits(rows[i].kind, (enum role)r))
				continue;
			strncat(found, codes_role.rows[r].code, 64);
			strncat(found, " ", 2);
		}
		cr_assert_str_eq(found, rows[i].roles);
	}
	cr_assert_not(policy_role_fits(ORG_COUNT, ROLE_ADMIN));
	cr_assert_not(policy_role_fits(ORG_OPERATOR, ROLE_COUNT));
}

/* A code that a damaged record brings must not be looked up behind the table. */
Test(policy, an_unknown_kind_or_role_fits_nothing)
{
	for (unsigned r = 0; r <= ROLE_COUNT; r++)
		cr_assert_not(policy_role_fits(ORG_COUNT, (enum role)r));
	for (unsigned k = 0; k <= ORG_COUNT; k++) {
		cr_assert_not(policy_role_fits((enum org_kind)k, ROLE_COUNT));
		cr_assert_not(policy_role_fits((enum org_kind)k, (enum role)31));
	}
	cr_assert_not(policy_role_fits((enum org_kind)(ORG_COUNT + 1000), ROLE_ADMIN));
}

Test(policy, an_unknown_permission_is_held_by_nobody_and_named_so)
{
	for (unsigned beyond = 0; beyond < 3; beyond++) {
		cr_assert_eq(policy_roles((enum permission)(PERM_COUNT + beyond)), 0);
		cr_assert_str_eq(policy_name((enum permission)(PERM_COUNT + beyond)), "NONE");
	}
}

Test(policy, every_permission_has_a_name)
{
	for (unsigned p = 0; p < PERM_COUNT; p++)
		cr_assert(strlen(policy_name((enum permission)p)) > 2);
}
