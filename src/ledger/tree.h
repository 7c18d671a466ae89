/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The tree over the trail in the store: signing it as it grows, and proofs from it.  Checkpoints keep the
 * nodes of complete subtrees from level 8 on, in the same transaction, so that a proof reads a few hundred
 * leaves and a few dozen nodes however long the trail is.  These two kinds of record have no audit entry of
 * their own (a checkpoint would call for the next one for ever): the signature and the leaves vouch for them.
 */
#ifndef MENEDEK_TREE_H
#define MENEDEK_TREE_H

#include "ledger/checkpoint.h"
#include "ledger/ledger.h"

/**
 * Sign the trail as it is now, if it has grown; ${latest} is the newest checkpoint then (number 0: the trail
 * is empty).  A trail that grew much gets several.  RC_CORRUPT: the trail is shorter than what was signed,
 * has a hole, or its chain has another head; then nothing is signed.  Waits for the disk.
 */
MUST_USE enum rc tree_sign(struct store *store, struct arena *arena, const struct signer *signer, int64_t now,
    struct checkpoint *latest);

/** Is it the key of the newest checkpoint, written anew with each? */
bool tree_is_newest(const struct key *key);

/** RC_NOT_FOUND: there is none of that number (0: none at all). */
MUST_USE enum rc tree_checkpoint(struct txn *t, uint64_t number, struct checkpoint *out);

/**
 * Proofs, numbers as the trail counts them: ${entry} from 1, sizes up to that of the latest checkpoint.
 * RC_NOT_FOUND beyond.
 */
MUST_USE enum rc tree_inclusion(struct txn *t, uint64_t entry, uint64_t size, struct merkle_proof *out);
MUST_USE enum rc tree_consistency(struct txn *t, uint64_t first, uint64_t second, struct merkle_proof *out);
MUST_USE enum rc tree_root(struct txn *t, uint64_t size, uint8_t root[MERKLE_HASH]);

#endif
