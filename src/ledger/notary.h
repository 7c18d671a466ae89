/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Signs the trail while it grows: a checkpoint after every so many entries and, if anything was added, after
 * so many seconds; at the start and at the end too, so that what a program wrote meanwhile is covered.  Each
 * goes at once to the outlets; one that could not leave is tried again, in order, for ever.  Of several nodes
 * the one signs that wrote; the others send what it signed, and sign only what it has left for a second.  One
 * thread of its own: a slow disk of others must not hold up entries.
 */
#ifndef MENEDEK_NOTARY_H
#define MENEDEK_NOTARY_H

#include "ledger/ledger.h"
#include "ledger/outlet.h"

struct notary_options {
	unsigned entries, seconds; /* 0: 256 and 300 */
	const char *file;          /* append here; NULL: nowhere */
	const char *socket;        /* of a syslog daemon; NULL: none */
};

struct notary;

/** Open the outlets: before the process is confined.  ${signer} is copied, its key outlives the notary. */
MUST_USE enum rc notary_open(
    const struct signer *signer, const struct notary_options *options, struct notary **out, struct fault *f);

/**
 * Start: before the first commit, since it watches them.  RC_STATE_CONFLICT: the store is older than what the
 * file says was signed, so somebody put back an old one, and no entry of its trail says that two people gave
 * that checkpoint up: it would give away rooms again that are taken, and let in again who was shut out.
 */
MUST_USE enum rc notary_start(struct notary *notary, struct store *store, struct fault *f);

/** The action and the reason of the entry by which two people give up ${lost} and what it covers. */
#define NOTARY_ACCEPTED "cli_accept_rollback"
void notary_acceptance(const struct checkpoint *lost, char out[AUDIT_REASON]);

/** Does the store know ${sent}, a checkpoint that went out?  If not, it is older than its own past. */
MUST_USE enum rc notary_knows(struct txn *t, const struct checkpoint *sent, bool *is_known);

/** Has what went out before shown that the store is older than its own past?  Stays true until the end. */
bool notary_is_rolled_back(const struct notary *notary);

/** Sign what is left and end the thread: after the last entry, before the store is closed.  NULL-safe. */
void notary_stop(struct notary *notary);
void notary_free(struct notary *notary); /* after the store was closed; NULL-safe */

#endif
