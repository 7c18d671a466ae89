/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Many transactions as one statement.  Each is judged alone against this node's copy first: what is stale
 * there can never commit, since a revision does not come back, so one loser does not cost its neighbours
 * their turn.
 */
#include <stdlib.h>
#include <string.h>

#include "store/pg_parts.h"

#define MOST_COMMITS 48u
#define MOST_BYTES   (4u << 20)

/* ---- what the batch reads and writes, by key ---- */

/* The slot of ${key}, or the free one where it belongs. */
static uint32_t *
slot_of(struct pg_batch *b, const struct key *key)
{
	size_t i = key_hash(key) & (b->slot_count - 1);

	while (b->slots[i] != 0 && key_compare(&b->entries[b->slots[i] - 1].key, key) != 0)
		i = (i + 1) & (b->slot_count - 1);
	return &b->slots[i];
}

/* What the batch has to do with ${key}, NULL: nothing.  Without slots there was no memory for them, whatever
 * else there was some for. */
static struct batch_entry *
find(struct pg_batch *b, const struct key *key)
{
	const uint32_t *slot = b->slots == NULL ? NULL : slot_of(b, key);

	return slot == NULL || *slot == 0 ? NULL : &b->entries[*slot - 1];
}

static bool
grow(struct pg_batch *b)
{
	const size_t cap = b->cap == 0 ? 512 : 2 * b->cap;
	struct batch_entry *entries = reallocarray(b->entries, cap, sizeof(*entries));
	uint32_t *slots, *writes;

	if (entries == NULL)
		return false;
	b->entries = entries;
	if ((writes = reallocarray(b->writes, cap, sizeof(*writes))) == NULL)
		return false;
	b->writes = writes;
	if ((slots = calloc(4 * cap, sizeof(*slots))) == NULL)
		return false;
	free(b->slots);
	b->slots = slots;
	b->slot_count = 4 * cap;
	b->cap = cap;
	for (size_t i = 0; i < b->count; i++)
		*slot_of(b, &b->entries[i].key) = (uint32_t)(i + 1);
	return true;
}

/* A new entry for ${key}, of which there is none.  NULL: no memory. */
static struct batch_entry *
add(struct pg_batch *b, const struct key *key, uint64_t rev)
{
	if ((b->entries == NULL || b->count == b->cap) && !grow(b))
		return NULL;
	b->entries[b->count] = (struct batch_entry){ .key = *key, .rev = rev };
	*slot_of(b, key) = (uint32_t)++b->count;
	return &b->entries[b->count - 1];
}

static bool
read_key(struct pg_batch *b, const struct key *key, uint64_t rev)
{
	struct batch_entry *w = find(b, key);

	if (w != NULL && w->is_written)
		return true; /* depends on the batch alone, not on what stands there now */
	if (w == NULL && (w = add(b, key, rev)) == NULL)
		return false;
	w->is_read = true;
	return true;
}

/* ${value} NULL: delete it.  ${s} NULL: nothing stands there. */
static bool
write_key(struct pg_batch *b, struct snapshot *s, const struct key *key, const struct bytes *value)
{
	struct batch_entry *w = find(b, key);
	struct bytes old;
	uint64_t rev = 0;

	if (w == NULL && s != NULL)
		(void)engine_lmdb.get(s, key, &old, &rev);
	if (w == NULL && (w = add(b, key, rev)) == NULL)
		return false;
	if (!w->is_written)
		b->writes[b->write_count++] = (uint32_t)(w - b->entries);
	w->is_written = true;
	w->is_delete = value == NULL;
	w->value = value == NULL ? (struct bytes){ NULL, 0 } : *value;
	b->bytes += key->len + w->value.len;
	return true;
}

/* ---- one transaction ---- */

static bool
is_valid(struct engine *e, struct snapshot *s, const struct commit *c)
{
	struct bytes value;
	uint64_t rev;

	for (unsigned i = 0; i < c->read_count; i++) {
		const struct read_entry *r = &c->reads[i];
		const struct batch_entry *w = find(&e->batch, &r->key);

		if (w != NULL && w->is_written && !(w->is_delete && r->rev == 0))
			return false;
		if (w != NULL && w->is_written)
			continue; /* it was absent, and is again */
		if (w != NULL)
			rev = w->rev;
		else
			(void)engine_lmdb.get(s, &r->key, &value, &rev);
		if (rev != r->rev)
			return false;
	}
	return true;
}

static bool
load_head(struct pg_batch *b, struct snapshot *s, uint8_t log)
{
	const struct key key = log_head_key(log);
	struct bytes value;

	if (b->is_loaded[log])
		return true;
	b->is_loaded[log] = true;
	b->heads[log] = (struct log_head){ 0 };
	if (engine_lmdb.get(s, &key, &value, &b->head_revs[log]) == RC_OK)
		return log_head_read(value, &b->heads[log]);
	return b->head_revs[log] == 0;
}

static bool
add_commit(struct pg_batch *b, struct snapshot *s, struct commit *c)
{
	for (unsigned i = 0; i < c->read_count; i++)
		if (!read_key(b, &c->reads[i].key, c->reads[i].rev))
			return false;
	for (unsigned i = 0; i < c->write_count; i++) {
		const struct write_entry *w = &c->writes[i];

		if (!write_key(b, s, &w->key, w->is_delete ? NULL : &w->value))
			return false;
	}
	for (unsigned i = 0; i < c->append_count; i++) {
		struct append_entry *a = &c->appends[i];
		struct key key;

		if (!load_head(b, s, a->log))
			return false;
		a->number = log_head_advance(&b->heads[a->log], a->leaf);
		b->is_appended[a->log] = true;
		key = log_key(a->log, a->number);
		if (!write_key(b, NULL, &key, &a->value))
			return false;
	}
	b->commits++;
	return true;
}

/* ---- the whole ---- */

#define ARRAYS(b)                                                                                           \
	&(b)->read_keys, &(b)->read_revs, &(b)->new_keys, &(b)->new_values, &(b)->put_keys, &(b)->put_revs, \
	    &(b)->put_values, &(b)->deletes, &(b)->changed

static void
start(struct pg_batch *b)
{
	struct pg_array *const all[] = { ARRAYS(b) };

	b->count = b->write_count = b->bytes = b->commits = 0;
	if (b->slots != NULL)
		memset(b->slots, 0, b->slot_count * sizeof(*b->slots));
	memset(b->is_loaded, 0, sizeof(b->is_loaded));
	memset(b->is_appended, 0, sizeof(b->is_appended));
	for (size_t i = 0; i < COUNT_OF(all); i++)
		pg_array_start(
		    all[i], all[i] == &b->read_revs || all[i] == &b->put_revs ? PG_BIGINT : PG_BYTEA);
}

/* Whoever else appended meanwhile has changed the head that the numbers rest on. */
static bool
add_heads(struct pg_batch *b, struct snapshot *s)
{
	for (enum store_log log = 0; log < STORE_LOGS; log++) {
		const struct key key = log_head_key(log);
		const struct bytes text = BYTES_OF(b->head_text[log]);

		if (!b->is_appended[log])
			continue;
		log_head_write(&b->heads[log], b->head_text[log]);
		if (!read_key(b, &key, b->head_revs[log]) || !write_key(b, s, &key, &text))
			return false;
	}
	return true;
}

/* Whoever else put one there meanwhile makes the batch fail: it may have been sealed with what is no more. */
static bool
add_shared(struct engine *e, struct snapshot *s)
{
	const struct key key = log_shared_key();
	struct pg_batch *b = &e->batch;
	struct bytes value, old;
	uint64_t rev;
	enum rc rc;

	e->is_giving = false;
	if (e->carrier.give == NULL)
		return true;
	rc = e->carrier.give(e->carrier.arg, &value);
	if (rc != RC_OK && rc != RC_NOT_FOUND)
		return false;
	e->is_giving = rc == RC_OK;
	(void)engine_lmdb.get(s, &key, &old, &rev);
	return read_key(b, &key, rev) && (!e->is_giving || write_key(b, s, &key, &value));
}

/*
 * What stands in the copy is updated, what does not is inserted: cheaper by a lock and a record of the WAL
 * for each key than to let the server find out.  So the copy must be right about it: the revision of what is
 * updated is checked, read or not, and an insertion fails where something stands.
 */
static void
add_entry(struct pg_batch *b, const struct batch_entry *w)
{
	const struct bytes key = { w->key.b, w->key.len };
	const bool is_put = w->is_written && !w->is_delete, is_new = is_put && w->rev == 0;

	if (!is_new && (w->is_read || is_put)) {
		pg_array_add(&b->read_keys, key);
		pg_array_add_number(&b->read_revs, w->rev);
	}
	if (w->is_written && w->is_delete)
		pg_array_add(&b->deletes, key);
	if (!is_put)
		return;
	pg_array_add(is_new ? &b->new_keys : &b->put_keys, key);
	pg_array_add(is_new ? &b->new_values : &b->put_values, w->value);
	if (!is_new)
		pg_array_add_number(&b->put_revs, w->rev);
}

static bool
finish(struct pg_batch *b)
{
	const struct pg_array *const all[] = { ARRAYS(b) };

	for (size_t i = 0; i < b->count; i++)
		add_entry(b, &b->entries[i]);
	for (size_t i = 0; i < b->write_count; i++) {
		const struct key *key = &b->entries[b->writes[i]].key;

		pg_array_add(&b->changed, (struct bytes){ key->b, key->len });
	}
	for (size_t i = 0; i < COUNT_OF(all); i++)
		if (all[i]->is_short)
			return false;
	return true;
}

struct commit *
pg_batch_build(struct engine *e, struct commit *first, const struct commit *end, enum rc *rc)
{
	struct pg_batch *b = &e->batch;
	struct commit *c = first;
	struct snapshot *s;
	bool is_whole = true;

	start(b);
	b->look = e->look;
	if ((*rc = engine_lmdb.snapshot(e->mirror, &s)) != RC_OK)
		return first;
	for (; c != end && is_whole && b->commits < MOST_COMMITS && b->bytes < MOST_BYTES; c = c->next) {
		c->rc = is_valid(e, s, c) ? RC_OK : RC_CONFLICT;
		if (c->rc == RC_OK)
			is_whole = add_commit(b, s, c);
	}
	is_whole = is_whole && add_shared(e, s) && add_heads(b, s);
	engine_lmdb.release(s);
	*rc = is_whole && finish(b) ? RC_OK : RC_UNAVAILABLE;
	return c;
}

const char *
pg_batch_judged(const struct engine *e)
{
	return e->batch.look == e->look && e->snapshot[0] != '\0' ? e->snapshot : NULL;
}

void
pg_batch_changes(const struct pg_batch *b, uint64_t rev, struct change *out)
{
	for (size_t i = 0; i < b->write_count; i++) {
		const struct batch_entry *w = &b->entries[b->writes[i]];

		out[i] = (struct change){
			.key = w->key,
			.sealed = w->value,
			.rev = w->is_delete ? 0 : rev,
			.is_delete = w->is_delete,
			.is_append = key_is_log_entry(&w->key) && w->value.len > LOG_LEAF,
		};
	}
}

bool
pg_batch_has(struct pg_batch *b, uint64_t rev, const struct change *row)
{
	const struct batch_entry *w = row->is_delete || row->rev == rev ? find(b, &row->key) : NULL;

	return w != NULL && w->is_written && w->is_delete == row->is_delete;
}

void
pg_batch_fini(struct pg_batch *b)
{
	struct pg_array *const all[] = { ARRAYS(b) };

	free(b->entries);
	free(b->slots);
	free(b->writes);
	for (size_t i = 0; i < COUNT_OF(all); i++)
		pg_array_fini(all[i]);
}
