/* SPDX-License-Identifier: Apache-2.0 */
/* Building and comparing keys.  A key that does not fit is a bug of ours, so it ends the process. */
#include "store/key.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"

struct key
key_kind(uint8_t kind)
{
	return (struct key){ .len = 1, .b = { kind } };
}

void
key_add_bytes(struct key *key, const void *p, size_t len)
{
	if (len > LIMIT_KEY - key->len) {
		log_bug("key_too_long", "kind=%u len=%zu", key->b[0], key->len + len);
		abort();
	}
	memcpy(key->b + key->len, p, len);
	key->len = (uint8_t)(key->len + len);
}

void
key_add_id(struct key *key, const struct id *id)
{
	key_add_bytes(key, id->b, sizeof(id->b));
}

void
key_add_u64(struct key *key, uint64_t v)
{
	uint8_t b[8];

	put_u64(b, v);
	key_add_bytes(key, b, sizeof(b));
}

int
key_compare(const struct key *a, const struct key *b)
{
	int order = memcmp(a->b, b->b, a->len < b->len ? a->len : b->len);

	return order != 0 ? order : (int)a->len - (int)b->len;
}

size_t
key_hash(const struct key *key)
{
	uint64_t h = 14695981039346656037u;

	for (unsigned i = 0; i < key->len; i++)
		h = (h ^ key->b[i]) * 1099511628211u;
	return (size_t)(h ^ (h >> 32));
}
