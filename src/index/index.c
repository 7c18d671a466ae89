/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The fold from commits to views.  One writer (the committer's thread) replaces entries and the array that
 * points to them; what was replaced is freed when no reader can still hold it.  Knows no rule of the field
 * but "retired".
 *
 * How a reader is known to hold nothing old: it writes the epoch into its slot, then takes the view; the
 * writer puts the new view up, then moves the epoch on, then looks at the slots.  A slot that shows a later
 * epoch was written after the new view was up; a slot that was empty when looked at takes the new view too.
 * All four steps are sequentially consistent, and this needs no more than that.
 */
#include "index/index.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"

#define READERS     64u
#define CACHE_LINE  64u
#define NODES_FIRST 256u
#define ARENA       (256u * 1024) /* one record opened at a time */
#define NO_EPOCH    UINT64_MAX

/** First member of what readers may hold.  Freed once all of them are past ${epoch}. */
struct limbo {
	struct limbo *next;
	uint64_t epoch;
};

struct entry {
	struct limbo limbo;
	struct index_entry shown;
};

struct block {
	struct limbo limbo;
	struct index_view view;
	const struct index_entry *entries[];
};

struct slot {
	_Alignas(CACHE_LINE) atomic_uint_fast64_t epoch; /* 0 = the thread holds no view */
	atomic_bool is_claimed;
};

/** What the writer knows of one house; never forgotten, retired houses are few. */
struct node {
	struct id id;
	struct entry *entry; /* the newest */
	uint64_t
	    made_at; /* epoch of the batch that made it: in that batch it may still be changed in place */
	bool has_shelter, has_house;
};

struct index {
	struct store *store;
	pthread_key_t slot_key; /* this thread's slot */
	_Atomic(struct block *) current;
	atomic_uint_fast64_t epoch; /* from 1 on */
	struct slot slots[READERS];

	/* the writer's own */
	struct arena *arena;
	struct node *nodes;
	size_t node_count, node_cap;
	uint32_t *places; /* hash of nodes by id: their number + 1; twice node_cap of them */
	struct limbo *oldest, **newest_end;
};

/* ---- memory ---- */

/* The committer cannot tell anybody that a view could not be made, and an index that is behind for ever is
 * worse than a restart. */
static void *
must_alloc(size_t count, size_t size)
{
	void *p = calloc(count, size);

	if (!p) {
		log_world("index_without_memory", "bytes=%zu", count * size);
		abort();
	}
	return p;
}

static void
retire(struct index *index, struct limbo *old)
{
	old->next = NULL;
	old->epoch = atomic_load(&index->epoch);
	*index->newest_end = old;
	index->newest_end = &old->next;
}

static uint64_t
oldest_reader(struct index *index)
{
	uint64_t oldest = NO_EPOCH;

	for (unsigned i = 0; i < READERS; i++) {
		const uint64_t epoch = atomic_load(&index->slots[i].epoch);
		if (epoch != 0 && epoch < oldest)
			oldest = epoch;
	}
	return oldest;
}

/* Frees what was retired before ${epoch}: the list is in order of retirement. */
static void
reclaim(struct index *index, uint64_t epoch)
{
	struct limbo *old;

	while ((old = index->oldest) && old->epoch < epoch) {
		if (!(index->oldest = old->next))
			index->newest_end = &index->oldest;
		free(old);
	}
}

/* ---- houses by id ---- */

static uint32_t *
place_of(const struct index *index, const struct id *id)
{
	const size_t mask = 2 * index->node_cap - 1;
	size_t i = (size_t)get_u64(id->b) & mask; /* ids are random bits already */

	while (index->places[i] != 0 && memcmp(&index->nodes[index->places[i] - 1].id, id, sizeof(*id)) != 0)
		i = (i + 1) & mask;
	return &index->places[i];
}

static void
grow(struct index *index)
{
	const size_t cap = index->node_cap ? 2 * index->node_cap : NODES_FIRST;
	struct node *nodes = must_alloc(cap, sizeof(*nodes));

	if (index->node_count > 0)
		memcpy(nodes, index->nodes, index->node_count * sizeof(*nodes));
	free(index->nodes);
	free(index->places);
	index->nodes = nodes;
	index->node_cap = cap;
	index->places = must_alloc(2 * cap, sizeof(*index->places));
	for (size_t i = 0; i < index->node_count; i++)
		*place_of(index, &nodes[i].id) = (uint32_t)(i + 1);
}

static struct node *
node_of(struct index *index, const struct id *id)
{
	uint32_t *place = place_of(index, id);

	if (*place == 0) {
		if (index->node_count == index->node_cap) {
			grow(index);
			place = place_of(index, id);
		}
		index->nodes[index->node_count].id = *id;
		*place = (uint32_t)++index->node_count;
	}
	return &index->nodes[*place - 1];
}

/* An entry of ${node} that no reader has seen yet, alike the newest. */
static struct index_entry *
open_entry(struct index *index, struct node *node)
{
	const uint64_t now = atomic_load(&index->epoch);
	struct entry *fresh;

	if (node->entry && node->made_at == now)
		return &node->entry->shown;
	fresh = must_alloc(1, sizeof(*fresh));
	if (node->entry) {
		fresh->shown = node->entry->shown;
		retire(index, &node->entry->limbo);
	}
	node->entry = fresh;
	node->made_at = now;
	return &fresh->shown;
}

/* ---- the fold ---- */

static bool
is_ours(enum kind kind, const struct key *key)
{
	return (kind == KIND_SHELTER || kind == KIND_HOUSE) && key->len == 1 + ID_BYTES;
}

/* ${value} NULL: deleted, or it does not open, and what cannot be read is not proposed. */
static void
fold(struct index *index, enum kind kind, const struct key *key, const struct bytes *value)
{
	struct index_entry *entry;
	struct node *node;
	struct id id;
	bool is_there = value != NULL;

	memcpy(id.b, key->b + 1, ID_BYTES);
	node = node_of(index, &id);
	entry = open_entry(index, node);
	if (is_there) {
		void *part = kind == KIND_SHELTER ? (void *)&entry->shelter : (void *)&entry->house;
		if (!(is_there = record_decode(kind, *value, part) == RC_OK))
			log_world("index_unreadable", "kind=%c", key->b[0]);
	}
	if (kind == KIND_SHELTER)
		node->has_shelter = is_there;
	else
		node->has_house = is_there;
}

static void
publish(struct index *index)
{
	const size_t room = index->node_count * sizeof(struct index_entry *);
	struct block *block = must_alloc(1, sizeof(*block) + room), *old;

	for (size_t i = 0; i < index->node_count; i++) {
		const struct node *node = &index->nodes[i];
		if (!node->has_shelter || !node->has_house || node->entry->shown.shelter.retired)
			continue;
		block->entries[block->view.count++] = &node->entry->shown;
		block->view.is_demo |= node->entry->shown.shelter.is_sample;
	}
	block->view.entries = block->entries;
	old = atomic_exchange(&index->current, block);
	if (old)
		retire(index, &old->limbo);
	atomic_fetch_add(&index->epoch, 1);
	reclaim(index, oldest_reader(index));
}

static void
follow_one(struct index *index, enum kind kind, const struct change *change)
{
	struct bytes value;
	enum rc rc;

	if (change->is_delete) {
		fold(index, kind, &change->key, NULL);
		return;
	}
	rc = store_unseal(index->store, &change->key, change->sealed, index->arena, &value);
	if (rc != RC_OK)
		log_world("index_cannot_open", "code=%s", rc_code(rc));
	fold(index, kind, &change->key, rc == RC_OK ? &value : NULL);
	arena_rewind(index->arena, 0);
}

static void
follow(void *arg, const struct change *changes, size_t count)
{
	struct index *index = arg;
	bool is_changed = false;

	for (size_t i = 0; i < count; i++) {
		const enum kind kind = kind_of_byte(changes[i].key.b[0]);
		if (!is_ours(kind, &changes[i].key))
			continue;
		follow_one(index, kind, &changes[i]);
		is_changed = true;
	}
	if (is_changed)
		publish(index);
}

/* ---- building ---- */

static bool
load_one(void *arg, const struct key *key, struct bytes value, uint64_t rev)
{
	const enum kind kind = kind_of_byte(key->b[0]);

	(void)rev;
	if (is_ours(kind, key))
		fold(arg, kind, key, &value);
	return true;
}

static enum rc
load(struct txn *t, void *arg)
{
	static const enum kind kinds[] = { KIND_SHELTER, KIND_HOUSE };
	enum rc rc = RC_OK;

	for (unsigned i = 0; i < COUNT_OF(kinds) && rc == RC_OK; i++) {
		const struct key prefix = record_key_bytes(kinds[i], "", 0);
		rc = txn_scan(t, &prefix, NULL, load_one, arg);
	}
	return rc;
}

/* A thread that ends gives its slot to the next. */
static void
leave_slot(void *arg)
{
	struct slot *slot = arg;

	atomic_store(&slot->epoch, 0);
	atomic_store(&slot->is_claimed, false);
}

enum rc
index_new(struct store *store, struct index **out, struct fault *f)
{
	struct index *index = aligned_alloc(CACHE_LINE, sizeof(*index));
	enum rc rc;

	*out = NULL;
	if (!index)
		return fault_set(f, RC_UNAVAILABLE, MSG_NO_MEMORY, NULL, 0, NULL);
	memset(index, 0, sizeof(*index));
	index->store = store;
	index->newest_end = &index->oldest;
	atomic_store(&index->epoch, 1);
	index->arena = arena_new(ARENA);
	if (!index->arena || pthread_key_create(&index->slot_key, leave_slot) != 0) {
		arena_free(index->arena);
		free(index);
		return fault_set(f, RC_UNAVAILABLE, MSG_NO_MEMORY, NULL, 0, NULL);
	}
	grow(index);
	rc = store_view(store, index->arena, load, index);
	arena_rewind(index->arena, 0);
	publish(index);
	if (rc != RC_OK) {
		index_free(index);
		return fault_set(
		    f, rc, rc == RC_CORRUPT ? MSG_STORE_DAMAGED : MSG_STORE_OPEN, NULL, 0, "shelters");
	}
	store_watch(store, follow, index);
	*out = index;
	return RC_OK;
}

void
index_free(struct index *index)
{
	if (!index)
		return;
	pthread_key_delete(index->slot_key);
	reclaim(index, NO_EPOCH);
	for (size_t i = 0; i < index->node_count; i++)
		free(index->nodes[i].entry);
	free(atomic_load(&index->current));
	free(index->nodes);
	free(index->places);
	arena_free(index->arena);
	free(index);
}

/* ---- readers ---- */

static struct slot *
claim_slot(struct index *index)
{
	for (unsigned i = 0; i < READERS; i++) {
		bool is_claimed = false;
		if (!atomic_compare_exchange_strong(&index->slots[i].is_claimed, &is_claimed, true))
			continue;
		if (pthread_setspecific(index->slot_key, &index->slots[i]) != 0)
			break;
		return &index->slots[i];
	}
	log_bug("index_without_slot", "readers=%u", READERS);
	abort(); /* a reader that nobody waits for would read freed houses */
}

const struct index_view *
index_enter(struct index *index)
{
	struct slot *slot = pthread_getspecific(index->slot_key);

	if (!slot)
		slot = claim_slot(index);
	atomic_store(&slot->epoch, atomic_load(&index->epoch));
	return &atomic_load(&index->current)->view;
}

void
index_leave(struct index *index)
{
	struct slot *slot = pthread_getspecific(index->slot_key);

	if (slot)
		atomic_store_explicit(&slot->epoch, 0, memory_order_release);
}
