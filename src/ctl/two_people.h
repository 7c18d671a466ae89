/* SPDX-License-Identifier: Apache-2.0 */
/* What nobody may decide alone, decided at a terminal of the machine: two people, one of them an
 * administrator. */
#ifndef MENEDEK_TWO_PEOPLE_H
#define MENEDEK_TWO_PEOPLE_H

#include "base/limits.h"
#include "ctl/offline.h"
#include "service/accounts.h"

#define TWO_PEOPLE      2u
#define TWO_PEOPLE_LINE (LIMIT_PASSPHRASE + 2u)

struct two_people {
	char name[TWO_PEOPLE][TWO_PEOPLE_LINE], passphrase[TWO_PEOPLE][TWO_PEOPLE_LINE];
	struct user user[TWO_PEOPLE]; /* out: who they are */
	const char *refused;          /* out: why not, or NULL */
};

/**
 * Read name, passphrase, name, passphrase, a line each, and look both up in ${o}: two different people,
 * administrators or auditors, one of them an administrator.  Says why not.  The caller wipes ${a}.
 */
MUST_USE enum status two_people_agree(struct offline *o, const char *doing, struct two_people *a);

#endif
