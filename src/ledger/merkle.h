/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The Merkle tree of RFC 6962 (2.1, the same in RFC 9162) over leaf hashes: roots, proofs, and checking them.
 * Pure: where hashes of older parts of the tree come from is the caller's business.  An inner node is
 * SHA-256(0x01 || left || right); the ledger's leaves are SHA-256(0x00 || ...) as the RFC wants them.
 */
#ifndef MENEDEK_MERKLE_H
#define MENEDEK_MERKLE_H

#include "base/bytes.h"
#include "base/rc.h"

#define MERKLE_HASH  32u
#define MERKLE_DEPTH 64u /* levels of a tree whose size is a u64 */

/** The roots of the complete subtrees that a tree of ${size} leaves falls into, the largest first: all that
 * is needed to add leaves and to tell the root.  Zero it to begin. */
struct merkle_range {
	uint64_t size;
	uint8_t node[MERKLE_DEPTH][MERKLE_HASH]; /* one for each bit that is set in ${size} */
};

/** Told of each complete subtree when its last leaf came; ${level} 0 is the leaf itself, and the subtree
 * covers the leaves from ${index} << level on. */
typedef void merkle_made_fn(void *arg, unsigned level, uint64_t index, const uint8_t hash[MERKLE_HASH]);

/** Add a leaf; ${made} may be NULL. */
void merkle_add(struct merkle_range *range, const uint8_t leaf[MERKLE_HASH], merkle_made_fn *made, void *arg);

/** How many nodes ${range} holds. */
unsigned merkle_count(const struct merkle_range *range);

/** Root of the tree; of an empty one SHA-256 of nothing. */
void merkle_root(const struct merkle_range *range, uint8_t root[MERKLE_HASH]);

/** The hash of the complete subtree of ${level} at ${index}; the error ends the making of the proof. */
typedef enum rc merkle_node_fn(void *arg, unsigned level, uint64_t index, uint8_t hash[MERKLE_HASH]);

/** Root of the tree of the first ${size} leaves. */
MUST_USE enum rc merkle_root_at(uint64_t size, merkle_node_fn *node, void *arg, uint8_t root[MERKLE_HASH]);

struct merkle_proof {
	unsigned count;
	uint8_t hash[MERKLE_DEPTH + 1][MERKLE_HASH];
};

/** That leaf ${index} (from 0) stands in the tree of ${size} leaves.  RC_INVALID unless index < size. */
MUST_USE enum rc merkle_inclusion(
    uint64_t index, uint64_t size, merkle_node_fn *node, void *arg, struct merkle_proof *out);

/** That the tree of ${first} leaves is the beginning of that of ${second}.  RC_INVALID unless 0 < first <=
 * second. */
MUST_USE enum rc merkle_consistency(
    uint64_t first, uint64_t second, merkle_node_fn *node, void *arg, struct merkle_proof *out);

/** As RFC 9162, 2.1.3.2 and 2.1.4.2, check them. */
MUST_USE bool merkle_check_inclusion(const uint8_t leaf[MERKLE_HASH], uint64_t index, uint64_t size,
    const struct merkle_proof *proof, const uint8_t root[MERKLE_HASH]);
MUST_USE bool merkle_check_consistency(uint64_t first, const uint8_t first_root[MERKLE_HASH], uint64_t second,
    const uint8_t second_root[MERKLE_HASH], const struct merkle_proof *proof);

#endif
