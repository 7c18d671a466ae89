/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A file of data keys, each wrapped (AES-256-GCM) under a root key that lives elsewhere; what keyring and
 * vaultring have in common.  An entry is bound to its file, owner, use and id, so it cannot be moved; a seal
 * over the whole file shows that none was dropped.  Not thread-safe.  Only for the files of this directory.
 *
 *   "MNDK" kind version 0 0 | file id 16 | next id 4 | count 4 | count x (owner 16, use 1, id 4, day 4,
 *   seals 8, nonce 12, wrapped 48) | nonce 12 | tag 16                       all numbers big-endian
 */
#ifndef MENEDEK_KEYFILE_H
#define MENEDEK_KEYFILE_H

#include "base/bytes.h"
#include "base/fault.h"
#include "base/id.h"
#include "crypto/rootkey.h"

#define KEYFILE_ENTRIES 65536u /* 6 MiB of file; far above the houses of any country */

enum keyfile_kind { KEYFILE_RECORDS = 'R', KEYFILE_LOCATIONS = 'L' };

struct keyfile_entry {
	struct id owner; /* zero where the file has no owners */
	uint32_t id;     /* never used twice in one file */
	uint32_t day;    /* the key's own UTC day, counted from 1970; 0 where keys have none */
	uint64_t seals; /* no more than so many were made under it; the file's seal covers it, not the wrap */
	uint8_t use;
	uint8_t nonce[AEAD_NONCE];
	uint8_t wrapped[AEAD_KEY + AEAD_TAG];
};

struct keyfile {
	enum keyfile_kind kind;
	struct id file_id;
	uint32_t next_id;
	size_t count, cap;
	struct keyfile_entry *entries;
};

/** An empty file in memory, with a new file id; ids start at ${first_id}. */
void keyfile_init(struct keyfile *kf, enum keyfile_kind kind, uint32_t first_id);
void keyfile_fini(struct keyfile *kf);

/** A copy that owns its entries: what a change is tried on.  RC_UNAVAILABLE without memory. */
MUST_USE enum rc keyfile_copy(const struct keyfile *from, struct keyfile *out);

/** Read and check.  RC_CORRUPT with a sentence if it is damaged, of another kind, or not under ${root}. */
MUST_USE enum rc keyfile_load(
    const char *path, enum keyfile_kind kind, struct rootkey *root, struct keyfile *out, struct fault *f);

/** As keyfile_load of a file that holds ${text}; ${name} is for the sentence. */
MUST_USE enum rc keyfile_parse(const char *name, enum keyfile_kind kind, struct rootkey *root,
    struct bytes text, struct keyfile *out, struct fault *f);

/** Write atomically and synced, sealed under ${root}: the root that all entries are wrapped under.  What the
 * file held before is overwritten (base/shred.h). */
MUST_USE enum rc keyfile_save(
    const char *path, const struct keyfile *kf, struct rootkey *root, struct fault *f);

/** Insert ${key} wrapped under ${root} at place ${at} with the next id.  RC_TOO_BIG when the file is full. */
MUST_USE enum rc keyfile_insert(struct keyfile *kf, size_t at, const struct id *owner, uint8_t use,
    struct rootkey *root, const uint8_t key[AEAD_KEY]);
void keyfile_remove(struct keyfile *kf, size_t at);

/** Unwrap entry ${at} to ${key}, which the caller wipes. */
MUST_USE enum rc keyfile_unwrap(
    const struct keyfile *kf, size_t at, struct rootkey *root, uint8_t key[AEAD_KEY]);

/** Wrap all entries anew, from ${old} to ${root}. */
MUST_USE enum rc keyfile_rewrap(struct keyfile *kf, struct rootkey *old, struct rootkey *root);

#endif
