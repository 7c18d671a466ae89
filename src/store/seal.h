/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How a value looks in the store.  A record is sealed with its key as associated data; a log entry, whose
 * number is not known yet, with its log and leaf, and carries the leaf in front.  Only for the files of this
 * directory.
 */
#ifndef MENEDEK_SEAL_H
#define MENEDEK_SEAL_H

#include "base/arena.h"
#include "crypto/keyring.h"
#include "store/logs.h"

/** Seal a record into ${arena}.  RC_TOO_BIG over LIMIT_VALUE or the arena. */
MUST_USE enum rc seal_record(struct keyring *ring, struct arena *arena, const struct key *key,
    enum key_use use, struct bytes plain, struct bytes *out);
MUST_USE enum rc seal_entry(struct keyring *ring, struct arena *arena, enum store_log log,
    const uint8_t leaf[LOG_LEAF], enum key_use use, struct bytes plain, struct bytes *out);

/** How long the opened form of ${stored} at most is. */
size_t seal_opened_size(struct bytes stored);

/**
 * Open what stands at ${key} into ${out}, which holds seal_opened_size(stored).  A log entry gives leaf ||
 * text; one whose text was erased is its leaf, unsealed, and gives that. RC_CORRUPT if it is not what was
 * sealed for that place.
 */
MUST_USE enum rc seal_open(
    struct keyring *ring, const struct key *key, struct bytes stored, uint8_t *out, size_t *out_len);

#endif
