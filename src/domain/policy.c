/* SPDX-License-Identifier: Apache-2.0 */
/* The rows of policy.def as data: what is not named there is refused. */
#include "domain/policy.h"

static const struct {
	const char *name;
	uint32_t roles;
} permissions[PERM_COUNT] = {
	[PERM_NONE] = { "NONE", 0 },
#define P(name, roles) [PERM_##name] = { #name, (roles) },
#include "domain/policy.def"
#undef P
};

/* DOMAIN 2, "Organisations": each kind has its own rights, so a role is given only where it belongs. */
static const uint32_t roles_of_kind[ORG_COUNT] = {
	[ORG_HELPLINE] = ROLE_BIT(ROLE_COUNSELLOR) | ROLE_BIT(ROLE_SHIFT_LEAD),
	[ORG_CHILD_LINE] = ROLE_BIT(ROLE_COUNSELLOR) | ROLE_BIT(ROLE_SHIFT_LEAD),
	[ORG_SHELTER_OPERATOR] = ROLE_BIT(ROLE_SHELTER_STAFF) | ROLE_BIT(ROLE_SHELTER_MANAGER),
	[ORG_FAMILY_SUPPORT] = ROLE_BIT(ROLE_FAMILY_SUPPORT),
	[ORG_VICTIM_SUPPORT] = ROLE_BIT(ROLE_FAMILY_SUPPORT),
	[ORG_MINISTRY] = ROLE_BIT(ROLE_AUDITOR) | ROLE_BIT(ROLE_STATISTICIAN),
	[ORG_OPERATOR] = ROLE_BIT(ROLE_ADMIN),
};

/*@ assigns \nothing;
    // the table and nothing but the table
    ensures \result <==> perm < PERM_COUNT && (roles & permissions[perm].roles) != 0;
    ensures roles == 0 ==> !\result;
    // nobody is given a location, a bed or a search but those who place people
    ensures perm == PERM_DISCLOSE &&
      (roles & (ROLE_BIT(ROLE_COUNSELLOR) | ROLE_BIT(ROLE_SHIFT_LEAD))) == 0 ==> !\result;
    ensures perm == PERM_SEARCH &&
      (roles & (ROLE_BIT(ROLE_COUNSELLOR) | ROLE_BIT(ROLE_SHIFT_LEAD))) == 0 ==> !\result;
    ensures perm == PERM_BOOK &&
      (roles & (ROLE_BIT(ROLE_COUNSELLOR) | ROLE_BIT(ROLE_SHIFT_LEAD))) == 0 ==> !\result;
    ensures perm == PERM_LOCATION_OWN && (roles & (ROLE_BIT(ROLE_SHELTER_STAFF) |
      ROLE_BIT(ROLE_SHELTER_MANAGER))) == 0 ==> !\result;
    ensures perm == PERM_BREAK_GLASS && (roles & ROLE_BIT(ROLE_SHIFT_LEAD)) == 0 ==> !\result;
    ensures perm == PERM_TAKE_OVER && (roles & ROLE_BIT(ROLE_SHIFT_LEAD)) == 0 ==> !\result;
    ensures (perm == PERM_NONE || perm == PERM_DEVICE) ==> !\result;
*/
bool
policy_allows(uint32_t roles, enum permission perm)
{
	return (roles & policy_roles(perm)) != 0;
}

/*@ assigns \nothing;
    ensures perm < PERM_COUNT ==> \result == permissions[perm].roles;
    ensures perm >= PERM_COUNT ==> \result == 0;
*/
uint32_t
policy_roles(enum permission perm)
{
	return (unsigned)perm < PERM_COUNT ? permissions[perm].roles : 0;
}

/*@ assigns \nothing;
    ensures \result != \null;
*/
const char *
policy_name(enum permission perm)
{
	return (unsigned)perm < PERM_COUNT ? permissions[perm].name : permissions[PERM_NONE].name;
}

/*@ assigns \nothing;
    ensures \result <==> kind < ORG_COUNT && role < ROLE_COUNT &&
      (roles_of_kind[kind] & (uint32_t)ROLE_BIT(role)) != 0;
*/
bool
policy_role_fits(enum org_kind kind, enum role role)
{
	if ((unsigned)kind >= ORG_COUNT || (unsigned)role >= ROLE_COUNT)
		return false;
	return (roles_of_kind[kind] & ROLE_BIT(role)) != 0;
}
