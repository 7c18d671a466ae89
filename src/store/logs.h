/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The append-only logs: keys, chain, head.  Kinds 'A' and 'H' belong to them: records use other kinds.  An
 * entry is kept as leaf || sealed text, because the leaf, unlike the number, is known when the entry is
 * sealed; so whoever reads one through a transaction gets leaf || text.
 */
#ifndef MENEDEK_LOGS_H
#define MENEDEK_LOGS_H

#include "store/key.h"

#define LOG_LEAF       32u
#define LOG_HEAD_BYTES 40u

/** Logs whose entries get their number at commit.  Their keys are kind 'A' + log byte + number. */
enum store_log { LOG_AUDIT, LOG_EVENT, STORE_LOGS };

/** State of a log: how many entries, and the chain's head over the entries so far. */
struct log_head {
	uint64_t count;
	uint8_t head[32];
};

/** The key of entry ${number} of ${log}; numbers start at 1. */
struct key log_key(enum store_log log, uint64_t number);

/** The number in such a key. */
uint64_t log_key_number(const struct key *key);

/** Where the engines keep the head of ${log}, unsealed: it is a digest of digests. */
struct key log_head_key(enum store_log log);

/** Where an engine may keep its own last revision. */
struct key log_revision_key(void);

/** Where a copy of another store keeps how far it has followed it. */
struct key log_bookmark_key(void);

/** Where nodes that share a store keep what all of them must hold beside it: the keyring. */
struct key log_shared_key(void);

/** Is ${key} that of a log entry?  Is it one of the store's own bookkeeping? */
bool key_is_log_entry(const struct key *key);
bool key_is_bookkeeping(const struct key *key);

/** The chain's rule: head' = SHA-256(0x01 || head || number as u64 || leaf).  The first head is 32 zero
 * bytes. */
void log_chain(uint8_t head[32], uint64_t number, const uint8_t leaf[LOG_LEAF]);

/** Chain one more leaf; returns its number. */
uint64_t log_head_advance(struct log_head *head, const uint8_t leaf[LOG_LEAF]);

void log_head_write(const struct log_head *head, uint8_t out[LOG_HEAD_BYTES]);
MUST_USE bool log_head_read(struct bytes text, struct log_head *out); /* false if the length is wrong */

#endif
