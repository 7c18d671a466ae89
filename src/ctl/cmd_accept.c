/* SPDX-License-Identifier: Apache-2.0 */
/*
 * menedek accept-rollback: a store that is older than its own past does not serve until two people have said,
 * each with a passphrase, that what is lost is lost.  It is on record with both of them, and holds for this
 * one checkpoint only.
 */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/file.h"
#include "ctl/two_people.h"

struct accepting {
	struct checkpoint sent, ours;
	bool is_known;
	struct two_people by;
};

/* ---- what is lost ---- */

static enum rc
look(struct ctx *c, void *arg)
{
	struct accepting *a = arg;
	enum rc rc = tree_checkpoint(c->txn, 0, &a->ours);

	if (rc == RC_NOT_FOUND || rc == RC_CORRUPT)
		a->ours.number = a->ours.size = 0;
	else if (rc != RC_OK)
		return rc;
	return notary_knows(c->txn, &a->sent, &a->is_known);
}

static enum status
read_sent(const struct args *args, struct offline *o, struct accepting *a)
{
	const char *path = args->value[OPT_CHECKPOINTS];
	struct outlet *outlet = NULL;
	enum rc rc;

	if (!file_exists(path)) {
		talk_error("there is no file %s", path);
		return STATUS_NOT_FOUND;
	}
	if ((rc = parts_open_signer(&o->parts, &o->fault)) == RC_OK &&
	    (rc = outlet_file(path, &o->parts.signer, &outlet, &o->fault)) == RC_OK) {
		outlet_last(outlet, &a->sent);
		rc = offline_view(o, look, a);
	}
	outlet_free(outlet);
	return talk_failure("accept-rollback", rc, &o->fault);
}

/* ---- the record of it ---- */

/* An entry tells of a write: the first one's record is sealed anew, unchanged. */
static enum rc
record(struct ctx *c, void *arg)
{
	struct accepting *a = arg;
	const struct key key = record_key(KIND_USER, &a->by.user[0].id);
	struct user u;
	enum rc rc = record_get(c->txn, KIND_USER, &key, &u);

	c->audit.user = a->by.user[0].id;
	c->audit.subject = a->by.user[1].id;
	notary_acceptance(&a->sent, c->audit.reason);
	return rc == RC_OK ? record_put(c->txn, KIND_USER, &key, &u) : rc;
}

static enum status
decide(const struct args *args, struct offline *o, struct accepting *a)
{
	enum status status;
	char at[21];

	if (a->sent.number == 0 || a->is_known) {
		talk(args, "Nothing to accept: the store knows all that was signed.");
		return STATUS_OK;
	}
	time_format(a->sent.at, at);
	talk_warning(
	    "signed on %s: %llu entries; this store is signed up to entry %llu: what lies between is lost",
	    at, (unsigned long long)a->sent.size, (unsigned long long)a->ours.size);
	if ((status = two_people_agree(o, "accept-rollback", &a->by)) != STATUS_OK)
		return status;
	if ((status = talk_failure(
		 "accept-rollback", offline_update(o, NOTARY_ACCEPTED, record, a), &o->fault)) == STATUS_OK) {
		talk_step(args, "Accepted by %s and %s", a->by.user[0].name, a->by.user[1].name);
		talk(args,
		    "  now: revoke again who and what was revoked in that time (menedek device revoke, user "
		    "retire), enter what stands on paper (menedek reconcile), look at every room and every "
		    "arrival of it, then start the service");
	}
	return status;
}

enum status
cmd_accept_rollback(const struct args *args)
{
	struct accepting a = { .is_known = false };
	struct offline o;
	enum status status = offline_open(args, false, &o);

	if (status == STATUS_OK)
		status = read_sent(args, &o, &a);
	if (status == STATUS_OK)
		status = decide(args, &o, &a);
	offline_close(&o);
	wipe(&a, sizeof(a));
	return status;
}
