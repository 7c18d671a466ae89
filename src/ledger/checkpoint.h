/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A checkpoint says: the trail of this registry had so many entries, its tree this root, its chain this head.
 * What is signed is a text that a person can read, in the form of a transparency log's checkpoint (C2SP
 * tlog-checkpoint): origin, size and root, then three lines of ours:
 *
 *   HOST/audit                       origin: the registry's own name
 *   1234                             entries
 *   BASE64                           root of the tree over them (merkle.h)
 *   head BASE64                      head of the chain over them (store/logs.h)
 *   number 7                         checkpoints are numbered from 1
 *   time 2026-11-21T07:00:00Z
 *
 *   — HOST/audit BASE64              first bytes of SHA-256(origin | "\n" | 1 | public key) 4 | Ed25519 64
 *
 * The signature covers the lines above the empty one.  In files and logs a checkpoint is one line, of which
 * the same text can be made:
 *
 *   menedek-checkpoint ORIGIN SIZE ROOT HEAD NUMBER TIME SIGNATURE
 */
#ifndef MENEDEK_CHECKPOINT_H
#define MENEDEK_CHECKPOINT_H

#include "crypto/signing.h"
#include "ledger/merkle.h"
#include "model/records.h"

#define CHECKPOINT_ORIGIN 264u  /* a host's name and "/audit" */
#define CHECKPOINT_TEXT   1024u /* any form, with its NUL */

/** Who signs.  ${key} may be a public one, for checking; it outlives this. */
struct signer {
	char origin[CHECKPOINT_ORIGIN];
	const struct signing_key *key;
};

/** ${host} is the registry's own name.  RC_INVALID if it could not stand in a note. */
MUST_USE enum rc signer_init(struct signer *signer, const char *host, const struct signing_key *key);

/** The first bytes of SHA-256(origin | "\n" | 1 | public key): names the key in a note (C2SP signed-note). */
#define CHECKPOINT_KEY_ID 4u
void signer_key_id(const struct signer *signer, uint8_t id[CHECKPOINT_KEY_ID]);

/** Sign: sets ${c->signature}. */
MUST_USE enum rc checkpoint_sign(const struct signer *signer, struct checkpoint *c);
MUST_USE bool checkpoint_verify(const struct signer *signer, const struct checkpoint *c);

/** The signed note, or the one line without a line end; returns the length. */
size_t checkpoint_note(const struct signer *signer, const struct checkpoint *c, char out[CHECKPOINT_TEXT]);
size_t checkpoint_line(const struct signer *signer, const struct checkpoint *c, char out[CHECKPOINT_TEXT]);

/**
 * Read the line form; whatever stands before it in the line (a log's own prefix) is skipped.  Sets all but
 * range.  False if there is none of ${signer}'s origin, or it was not written just so.
 */
MUST_USE bool checkpoint_read_line(const struct signer *signer, struct bytes line, struct checkpoint *out);

/** The tree at the checkpoint, to go on from.  RC_CORRUPT if it does not have its root. */
MUST_USE enum rc checkpoint_range(const struct checkpoint *c, struct merkle_range *out);
void checkpoint_set_range(struct checkpoint *c, const struct merkle_range *range);

/** Keys of the store: checkpoint ${number} (0: the latest), and a node of the tree. */
struct key checkpoint_key(uint64_t number);
struct key tree_node_key(unsigned level, uint64_t index);

#endif
