/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who may do what (DOMAIN 5), in one table: policy.def has a row for each permission with the roles that hold
 * it. A role that is not named is refused.  Scope (own house, own desk) is decided where the record is read,
 * by policy_scope.
 */
#ifndef MENEDEK_POLICY_H
#define MENEDEK_POLICY_H

#include "domain/codes.h"

enum permission {
	PERM_NONE, /* no row may have it */
#define P(name, roles) PERM_##name,
#include "domain/policy.def"
#undef P
	PERM_COUNT
};

#define ROLE_BIT(role) (1u << (role))

/** Does any of ${roles} (bits) hold ${perm}? */
bool policy_allows(uint32_t roles, enum permission perm);

/** The roles that hold ${perm}. */
uint32_t policy_roles(enum permission perm);
const char *policy_name(enum permission perm);

/** May a person of an organisation of ${kind} be given ${role}? */
bool policy_role_fits(enum org_kind kind, enum role role);

#endif
