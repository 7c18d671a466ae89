/* SPDX-License-Identifier: Apache-2.0 */
/*
 * menedek keep-keys: of several nodes over one database this one makes and destroys keys from now on
 * (store/shared_ring.h).  For when the node that did is dead for ever; one that is not ends and follows.
 */
#include <stdio.h>

#include "base/clock.h"
#include "ctl/offline.h"

static enum rc
write_entry(struct txn *txn, void *arg)
{
	return ledger_record(txn, arg);
}

static enum rc
record(struct offline *o)
{
	struct audit_entry e = {
		.at = clock_now(), .outcome = RC_OK, .roles = o->who.roles, .action = "cli_keep_keys"
	};

	random_fill(e.salt, sizeof(e.salt));
	return store_update(o->parts.store, o->arena, write_entry, &e);
}

enum status
cmd_keep_keys(const struct args *args)
{
	struct offline o;
	enum status status = offline_open_to_keep_keys(args, &o);

	if (status == STATUS_OK)
		status = talk_failure("keep-keys", record(&o), &o.fault);
	if (status == STATUS_OK && args_has(args, OPT_JSON))
		(void)printf("{\"keeper\":true}\n");
	else if (status == STATUS_OK)
		(void)printf("this node keeps the keys of all nodes from now on\n");
	if (status == STATUS_OK)
		talk(args,
		    "If the node that kept them comes back, it follows this one; should its log say "
		    "keyring_refused, set it up anew from a copy of this one.");
	offline_close(&o);
	return status;
}
