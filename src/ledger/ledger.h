/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The audit trail.  An entry commits with the change it records (append in the same transaction), so an
 * unrecorded change or disclosure cannot happen.  Each entry has a public part (time, action, outcome, roles)
 * and a private part (who, what, which house, and tags of all that its transaction wrote) with a random salt;
 * the chain covers SHA-256(0x00 || public || SHA-256(salt || private)), so that an outsider can check the
 * chain on an export that shows no house.  All numbers big-endian:
 *
 *   public  = at 8 | outcome 2 | roles 4 | length of action 1 | action | length of reason 1 | reason
 *   private = user 16 | org 16 | device 16 | subject 16 | shelter 16 | tags   absent ids are zero
 *   tag     = first byte of the store key 1 | first bytes of SHA-256 of the store key 8 |
 *             first bytes of SHA-256 of the sealed value as it is stored 16, zero for a delete
 *
 * salt is 16 bytes.  By the tags the trail knows the last value of every record: one that was put back,
 * exchanged, removed or slipped in behind the registry's back is found (tags.h).
 *
 * The trail is LOG_AUDIT of the store, chained by log_chain (store.h).  An entry's text there, sealed, is
 * length of the record form 2 | record form | tags; of an erased entry (ledger_erase) only its leaf is
 * stored.
 */
#ifndef MENEDEK_LEDGER_H
#define MENEDEK_LEDGER_H

#include "model/records.h"

#define TAG_BYTES    25u
#define AUDIT_REASON 40u

struct audit_entry {
	uint64_t number;  /* set when read back */
	int64_t at;       /* seconds */
	char action[32];  /* operation of the API ("reservations_create") or of the program ("cli_import") */
	uint16_t outcome; /* enum rc */
	uint32_t roles;   /* roles of the actor, bits */
	char reason[AUDIT_REASON]; /* reason code or "" */
	/* private part */
	uint8_t salt[16];
	struct id user, org, device, subject, shelter;
	/* set when read back, else left empty */
	struct bytes tags; /* a view that ends with the call */
	uint8_t leaf[32];  /* as it is stored */
	bool is_erased;    /* retention took all but number and leaf */
};

/** The action by which retention says what it erased; the reason is "to NUMBER". */
#define LEDGER_ERASED "clock_erase_audit"

extern const struct model model_audit_entry;

/**
 * Append ${e} to ${t} with tags of what ${t} wrote so far; nothing can be written after it (txn_freeze),
 * since no entry would tell of it.  ${e->salt} must be fresh random (random_fill) before the first run of the
 * transaction.
 */
MUST_USE enum rc ledger_record(struct txn *t, const struct audit_entry *e);

/**
 * Retention (DOMAIN 5): erase the texts of entries ${from} to ${to}, at most LEDGER_ERASE_MOST, and make
 * ${e}, which the caller records in the same transaction, say so (action and reason).  Leaves stay, and with
 * them chain, tree, checkpoints and proofs.  Entries go from the first on without a gap: content that is gone
 * anywhere else is a finding.  With them go their tags, so values that they were the last to write must be
 * written again before (tags_stale), else nothing vouches for these and they are findings.
 */
#define LEDGER_ERASE_MOST 64u
MUST_USE enum rc ledger_erase(struct txn *t, uint64_t from, uint64_t to, struct audit_entry *e);

/** Up to which number ${e} says that entries were erased, else 0. */
uint64_t ledger_erased_to(const struct audit_entry *e);

struct ledger;

/** For entries that need not make anybody wait (searches, looks that disclose nothing, refusals). */
MUST_USE enum rc ledger_new(struct store *store, struct ledger **out);
void ledger_free(struct ledger *ledger); /* waits for what is under way; NULL-safe */

/**
 * Record ${e} soon (a second at most).  RC_UNAVAILABLE when entries could not be written lately or more than
 * 8,192 wait: what is not recorded must not happen, so the caller refuses.  Entries that could not be written
 * stay and are tried again each second; after an unknown outcome one may stand in the trail twice, but is
 * never left out.
 */
MUST_USE enum rc ledger_record_later(struct ledger *ledger, const struct audit_entry *e);

/** Would it be recorded now?  For what may as well be left out. */
bool ledger_is_recording(struct ledger *ledger);

/** ledger_record_later for what was told because ledger_is_recording said so: when a write failed since it
 * waits with those that were taken before.  RC_UNAVAILABLE only when more than 8,192 do. */
MUST_USE enum rc ledger_record_promised(struct ledger *ledger, const struct audit_entry *e);

/** Entries ${from} (1 or more) and on, in order, until ${fn} returns false or the end.  RC_CORRUPT ends the
 * walk. */
typedef bool ledger_fn(void *arg, const struct audit_entry *e);
MUST_USE enum rc ledger_read(struct txn *t, uint64_t from, ledger_fn *fn, void *arg);

/** For who follows the commit stream: is ${key} an entry of the trail, and what is in it once it is unsealed.
 */
bool ledger_is_entry(const struct key *key);
MUST_USE enum rc ledger_decode(const struct key *key, struct bytes value, struct audit_entry *out);

/**
 * Walk the whole chain: every seal opens, numbers have no gap, leaves match contents, the head is the stored
 * head.  The walk ends at the first finding.  RC_OK whatever it found; else the store could not be read.
 * ${fn} (or NULL) gets each entry once it was found good, so that one walk serves whoever else looks at them;
 * when it returns false the walk ends there, the head is not compared.
 */
struct ledger_report {
	uint64_t entries; /* that were good */
	uint64_t
	    first_bad; /* 0 = all good; of a head that does not match, the last number that it could cover */
	const char *finding; /* what is wrong with it: "missing", "altered", "head does not match"; static */
	uint8_t head[32];
	uint64_t erased, may_be_erased; /* the last entry without content; up to where retention said so */
};
MUST_USE enum rc ledger_verify(struct txn *t, ledger_fn *fn, void *arg, struct ledger_report *out);

/** The leaf of an entry.  RC_INTERNAL if a text has no end. */
MUST_USE enum rc ledger_leaf(const struct audit_entry *e, uint8_t leaf[32]);

/** SHA-256(salt || private): all that an outsider gets of the private part. */
void ledger_hidden(const struct audit_entry *e, uint8_t out[32]);

/** The leaf of an entry of whose private part only ${hidden} is known. */
MUST_USE enum rc ledger_leaf_of(const struct audit_entry *e, const uint8_t hidden[32], uint8_t leaf[32]);

/** The public part as its bytes, as the leaf covers them; RC_INTERNAL as ledger_leaf. */
#define LEDGER_PUBLIC_MAX 96u
MUST_USE enum rc ledger_public(const struct audit_entry *e, uint8_t out[LEDGER_PUBLIC_MAX], size_t *len);

#endif
