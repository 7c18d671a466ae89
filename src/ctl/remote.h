/* SPDX-License-Identifier: Apache-2.0 */
/* What the commands that speak to a registry elsewhere share: a signed-in client, and its problems as words.
 */
#ifndef MENEDEK_REMOTE_H
#define MENEDEK_REMOTE_H

#include "ctl/profile.h"
#include "menedek.h"

struct remote {
	const struct args *args;
	struct profile profile;
	struct menedek *client;
	struct menedek_problem problem; /* of the last call */
	char house[MENEDEK_ID];         /* remote_house fills it */
};

/** Read the profile, open the keys, sign in.  After STATUS_OK and after a failure: remote_close. */
MUST_USE enum status remote_open(const struct args *args, struct remote *out);
void remote_close(struct remote *r); /* signs out */

/** The profile's house, or the first of who signed in. */
MUST_USE enum status remote_house(struct remote *r);

/** Say what r->problem is, where there is one; the exit status of ${outcome}. */
MUST_USE enum status remote_status(struct remote *r, enum menedek_outcome outcome);

#endif
