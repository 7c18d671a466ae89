/* SPDX-License-Identifier: Apache-2.0 */
/* Sealing at the store line: above plaintext, below ciphertext that opens at its own place only. */
#include "store/seal.h"

#include <string.h>

#define ENTRY_BOUND (2u + LOG_LEAF)

/* No record is bound to this: records of the entries' kind cannot be put. */
static void
put_entry_bound(uint8_t kind, uint8_t log, const uint8_t *leaf, uint8_t out[ENTRY_BOUND])
{
	out[0] = kind;
	out[1] = log;
	memcpy(out + 2, leaf, LOG_LEAF);
}

enum rc
seal_record(struct keyring *ring, struct arena *arena, const struct key *key, enum key_use use,
    struct bytes plain, struct bytes *out)
{
	uint8_t *p;

	if (plain.len > LIMIT_VALUE || (p = arena_alloc(arena, plain.len + SEAL_OVERHEAD)) == NULL)
		return RC_TOO_BIG;
	*out = (struct bytes){ p, plain.len + SEAL_OVERHEAD };
	return keyring_seal(ring, use, (struct bytes){ key->b, key->len }, plain, p);
}

enum rc
seal_entry(struct keyring *ring, struct arena *arena, enum store_log log, const uint8_t leaf[LOG_LEAF],
    enum key_use use, struct bytes plain, struct bytes *out)
{
	struct key key = log_key(log, 0);
	uint8_t bound[ENTRY_BOUND];
	uint8_t *p;

	if (plain.len > LIMIT_VALUE || (p = arena_alloc(arena, LOG_LEAF + plain.len + SEAL_OVERHEAD)) == NULL)
		return RC_TOO_BIG;
	*out = (struct bytes){ p, LOG_LEAF + plain.len + SEAL_OVERHEAD };
	memcpy(p, leaf, LOG_LEAF);
	put_entry_bound(key.b[0], key.b[1], leaf, bound);
	return keyring_seal(ring, use, BYTES_OF(bound), plain, p + LOG_LEAF);
}

size_t
seal_opened_size(struct bytes stored)
{
	if (stored.len == LOG_LEAF)
		return LOG_LEAF; /* an erased log entry; of a record it is too short to open */
	return stored.len < SEAL_OVERHEAD ? 0 : stored.len - SEAL_OVERHEAD;
}

enum rc
seal_open(struct keyring *ring, const struct key *key, struct bytes stored, uint8_t *out, size_t *out_len)
{
	uint8_t bound[ENTRY_BOUND];
	enum rc rc;

	*out_len = 0;
	if (!key_is_log_entry(key))
		return keyring_open_sealed(ring, (struct bytes){ key->b, key->len }, stored, out, out_len);
	if (stored.len == LOG_LEAF) {
		memcpy(out, stored.p, LOG_LEAF);
		*out_len = LOG_LEAF;
		return RC_OK;
	}
	if (key->len < 2 || stored.len < LOG_LEAF + SEAL_OVERHEAD)
		return RC_CORRUPT;
	put_entry_bound(key->b[0], key->b[1], stored.p, bound);
	rc = keyring_open_sealed(ring, BYTES_OF(bound),
	    (struct bytes){ stored.p + LOG_LEAF, stored.len - LOG_LEAF }, out + LOG_LEAF, out_len);
	if (rc != RC_OK)
		return rc;
	memcpy(out, stored.p, LOG_LEAF);
	*out_len += LOG_LEAF;
	return RC_OK;
}
