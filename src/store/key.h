/* SPDX-License-Identifier: Apache-2.0 */
/* A key of the store: one byte of kind, then ids, digests and big-endian numbers.  Never a name: keys are not
 * sealed. */
#ifndef MENEDEK_KEY_H
#define MENEDEK_KEY_H

#include "base/bytes.h"
#include "base/id.h"
#include "base/limits.h"

struct key {
	uint8_t len;
	uint8_t b[LIMIT_KEY];
};

struct key key_kind(uint8_t kind); /* the prefix of all keys of a kind */
void key_add_id(struct key *key, const struct id *id);
void key_add_bytes(struct key *key, const void *p, size_t len); /* past LIMIT_KEY: aborts, keys are ours */
void key_add_u64(struct key *key, uint64_t v);
int key_compare(const struct key *a, const struct key *b); /* bytewise, shorter first */

/** For tables of keys in memory (FNV-1a).  Keys are our own: nobody chooses them to collide. */
size_t key_hash(const struct key *key);

#endif
