/* SPDX-License-Identifier: Apache-2.0 */
/* Keys and chain of the append-only logs.  Knows nothing of what an entry says. */
#include "store/logs.h"

#include <string.h>

#include "crypto/digest.h"

#define KIND_ENTRY 'A'
#define KIND_HEAD  'H'
#define REVISION   0xffu /* no log has this number */
#define BOOKMARK   0xfeu /* nor this */
#define SHARED     0xfdu
#define NUMBER_AT  2u /* in an entry's key: after kind and log */

struct key
log_key(enum store_log log, uint64_t number)
{
	struct key key = key_kind(KIND_ENTRY);
	uint8_t which = (uint8_t)log;

	key_add_bytes(&key, &which, 1);
	key_add_u64(&key, number);
	return key;
}

uint64_t
log_key_number(const struct key *key)
{
	return get_u64(key->b + NUMBER_AT);
}

static struct key
head_key(uint8_t which)
{
	struct key key = key_kind(KIND_HEAD);

	key_add_bytes(&key, &which, 1);
	return key;
}

struct key
log_head_key(enum store_log log)
{
	return head_key((uint8_t)log);
}

struct key
log_revision_key(void)
{
	return head_key(REVISION);
}

struct key
log_bookmark_key(void)
{
	return head_key(BOOKMARK);
}

struct key
log_shared_key(void)
{
	return head_key(SHARED);
}

bool
key_is_log_entry(const struct key *key)
{
	return key->len > 0 && key->b[0] == KIND_ENTRY;
}

bool
key_is_bookkeeping(const struct key *key)
{
	return key->len > 0 && key->b[0] == KIND_HEAD;
}

void
log_chain(uint8_t head[32], uint64_t number, const uint8_t leaf[LOG_LEAF])
{
	uint8_t text[1 + 32 + 8 + LOG_LEAF] = { 0x01 };

	memcpy(text + 1, head, 32);
	put_u64(text + 33, number);
	memcpy(text + 41, leaf, LOG_LEAF);
	digest(BYTES_OF(text), head);
}

uint64_t
log_head_advance(struct log_head *head, const uint8_t leaf[LOG_LEAF])
{
	head->count++;
	log_chain(head->head, head->count, leaf);
	return head->count;
}

void
log_head_write(const struct log_head *head, uint8_t out[LOG_HEAD_BYTES])
{
	put_u64(out, head->count);
	memcpy(out + 8, head->head, sizeof(head->head));
}

bool
log_head_read(struct bytes text, struct log_head *out)
{
	if (text.len != LOG_HEAD_BYTES)
		return false;
	out->count = get_u64(text.p);
	memcpy(out->head, text.p + 8, sizeof(out->head));
	return true;
}
