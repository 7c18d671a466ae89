/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The fold from commits to views.  One writer (the committer's thread) replaces entries and what leads to
 * them; what was replaced is freed when no reader can still hold it (epochs.h).  Knows no rule of the field
 * but "retired".
 */
#include "index/index.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "index/classes.h"

#define NODES_FIRST 256u
#define ORGS_FIRST  16u
#define ARENA       (256u * 1024) /* one record opened at a time */

struct entry {
	struct limbo limbo;
	struct index_entry shown;
	struct unit units[]; /* then the allocations */
};

/** What the writer knows of one house; never forgotten, retired houses are few. */
struct node {
	struct id id;
	struct entry *entry; /* the newest */
	bool has_shelter, has_house;
};

struct index {
	struct epochs epochs;
	struct store *store;
	_Atomic(struct shown *) current;

	/* the writer's own */
	struct arena *arena;
	struct classes *classes;
	struct node *nodes;
	size_t node_count, node_cap;
	uint32_t *places;     /* hash of nodes by id: their number + 1; twice node_cap of them */
	struct id *withdrawn; /* organisations that are retired: few */
	size_t withdrawn_count, withdrawn_cap;
	struct shelter shelter; /* the one being folded, whole */
	struct house house;
};

/* ---- houses by id ---- */

static void *
must_alloc(size_t count, size_t size)
{
	void *p = calloc(count, size);

	if (!p) {
		log_world("index_without_memory", "bytes=%zu", count * size);
		abort(); /* as epochs_alloc */
	}
	return p;
}

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

/* ---- entries ---- */

void
index_house(const struct index_entry *e, struct house *out)
{
	out->shelter = e->shelter.id;
	out->unit_count = e->unit_count;
	memcpy(out->units, e->units, e->unit_count * sizeof(e->units[0]));
	out->allocation_count = e->allocation_count;
	memcpy(out->allocations, e->allocations, e->allocation_count * sizeof(struct allocation));
}

_Static_assert(sizeof(struct unit) % _Alignof(struct allocation) == 0, "allocations stand behind units");

static struct entry *
new_entry(struct index *index, const struct shelter *s, const struct house *h)
{
	const size_t units = h->unit_count * sizeof(h->units[0]),
		     allocations = h->allocation_count * sizeof(h->allocations[0]);
	struct entry *e = epochs_alloc(&index->epochs, sizeof(*e) + units + allocations);

	memcpy(e->units, h->units, units);
	memcpy(&e->units[h->unit_count], h->allocations, allocations);
	e->shown = (struct index_entry){ .shelter = *s,
		.unit_count = h->unit_count,
		.allocation_count = h->allocation_count,
		.units = e->units,
		.allocations = (const struct allocation *)(const void *)&e->units[h->unit_count] };
	return e;
}

/* ---- the fold ---- */

static bool
is_ours(enum kind kind, const struct key *key)
{
	return (kind == KIND_ORG || kind == KIND_SHELTER || kind == KIND_HOUSE) && key->len == 1 + ID_BYTES;
}

/* The half of the house that the change does not speak of: as it was. */
static void
open_node(struct index *index, const struct node *node)
{
	index->house.unit_count = index->house.allocation_count = 0;
	index->shelter = (struct shelter){ .id = node->id };
	if (!node->entry)
		return;
	index->shelter = node->entry->shown.shelter;
	index_house(&node->entry->shown, &index->house);
}

static struct id *
withdrawn_org(const struct index *index, const struct id *org)
{
	for (size_t i = 0; i < index->withdrawn_count; i++)
		if (id_equal(&index->withdrawn[i], org))
			return &index->withdrawn[i];
	return NULL;
}

/* Both halves, somebody who may answer for it, and a type and a county by which rules may look things up. */
static bool
can_be_shown(const struct index *index, const struct node *node, const struct shelter *s)
{
	return node->has_shelter && node->has_house && !s->retired && s->type < TYPE_COUNT &&
	    s->county < COUNTY_COUNT && withdrawn_org(index, &s->org) == NULL;
}

static void
close_node(struct index *index, struct node *node)
{
	const uint32_t n = (uint32_t)(node - index->nodes);
	struct entry *old = node->entry;

	node->entry = new_entry(index, &index->shelter, &index->house);
	if (can_be_shown(index, node, &index->shelter))
		classes_put(index->classes, n, &node->entry->shown, &index->house);
	else
		classes_remove(index->classes, n);
	epochs_retire(&index->epochs, old ? &old->limbo : NULL);
}

/* ${value} NULL: deleted, or it does not open, and what cannot be read is not proposed. */
static void
fold(struct index *index, enum kind kind, const struct key *key, const struct bytes *value)
{
	bool is_there = value != NULL;
	struct node *node;
	struct id id;

	memcpy(id.b, key->b + 1, ID_BYTES);
	node = node_of(index, &id);
	open_node(index, node);
	if (is_there) {
		void *part = kind == KIND_SHELTER ? (void *)&index->shelter : (void *)&index->house;
		if (!(is_there = record_decode(kind, *value, part) == RC_OK))
			log_world("index_unreadable", "kind=%c", key->b[0]);
	}
	if (!is_there && kind == KIND_HOUSE)
		index->house.unit_count = index->house.allocation_count = 0;
	if (kind == KIND_SHELTER)
		node->has_shelter = is_there;
	else
		node->has_house = is_there;
	close_node(index, node);
}

static void
withdraw(struct index *index, const struct id *org)
{
	if (index->withdrawn == NULL || index->withdrawn_count == index->withdrawn_cap) {
		const size_t cap = index->withdrawn_cap ? 2 * index->withdrawn_cap : ORGS_FIRST;
		struct id *grown = must_alloc(cap, sizeof(*grown));

		if (index->withdrawn != NULL)
			memcpy(grown, index->withdrawn, index->withdrawn_count * sizeof(*grown));
		free(index->withdrawn);
		index->withdrawn = grown;
		index->withdrawn_cap = cap;
	}
	index->withdrawn[index->withdrawn_count++] = *org;
}

/* Nobody of a retired organisation gets in, so nobody would answer for its houses.  ${value} NULL, or one
 * that does not open: nothing new is known of it. */
static void
fold_org(struct index *index, const struct key *key, const struct bytes *value)
{
	struct id *at, id;
	struct org org;

	if (value == NULL || record_decode(KIND_ORG, *value, &org) != RC_OK)
		return;
	memcpy(id.b, key->b + 1, ID_BYTES);
	at = withdrawn_org(index, &id);
	if (org.retired == (at != NULL))
		return;
	if (at != NULL)
		*at = index->withdrawn[--index->withdrawn_count];
	else
		withdraw(index, &id);
	for (size_t i = 0; i < index->node_count; i++) {
		struct node *node = &index->nodes[i];

		if (node->entry == NULL || !id_equal(&node->entry->shown.shelter.org, &id))
			continue;
		open_node(index, node);
		close_node(index, node);
	}
}

static void
fold_any(struct index *index, enum kind kind, const struct key *key, const struct bytes *value)
{
	if (kind == KIND_ORG)
		fold_org(index, key, value);
	else
		fold(index, kind, key, value);
}

static void
publish(struct index *index)
{
	struct shown *old = atomic_exchange(&index->current, classes_show(index->classes));

	epochs_retire(&index->epochs, old ? &old->limbo : NULL);
	epochs_turn(&index->epochs);
}

static void
follow_one(struct index *index, enum kind kind, const struct change *change)
{
	struct bytes value;
	enum rc rc;

	if (change->is_delete) {
		fold_any(index, kind, &change->key, NULL);
		return;
	}
	rc = store_unseal(index->store, &change->key, change->sealed, index->arena, &value);
	if (rc != RC_OK)
		log_world("index_cannot_open", "code=%s", rc_code(rc));
	fold_any(index, kind, &change->key, rc == RC_OK ? &value : NULL);
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
		fold_any(arg, kind, key, &value);
	return true;
}

static enum rc
load(struct txn *t, void *arg)
{
	static const enum kind kinds[] = { KIND_SHELTER, KIND_HOUSE };
	const struct key orgs = record_key_bytes(KIND_ORG, "", 0);
	/* An organisation that does not open withdraws no house, and menedek check names it. */
	enum rc rc = txn_scan_past(t, &orgs, NULL, load_one, txn_pass_by, arg);

	for (unsigned i = 0; i < COUNT_OF(kinds) && rc == RC_OK; i++) {
		const struct key prefix = record_key_bytes(kinds[i], "", 0);
		rc = txn_scan(t, &prefix, NULL, load_one, arg);
	}
	return rc;
}

enum rc
index_new(struct store *store, struct index **out, struct fault *f)
{
	struct index *index = aligned_alloc(EPOCH_CACHE_LINE, sizeof(*index));
	enum rc rc;

	*out = NULL;
	if (!index)
		return fault_set(f, RC_UNAVAILABLE, MSG_NO_MEMORY, NULL, 0, NULL);
	memset(index, 0, sizeof(*index));
	index->store = store;
	index->arena = arena_new(ARENA);
	index->classes = classes_new(&index->epochs);
	if (!index->arena || !index->classes || !epochs_init(&index->epochs)) {
		classes_free(index->classes);
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
	epochs_fini(&index->epochs);
	classes_free(index->classes);
	for (size_t i = 0; i < index->node_count; i++)
		free(index->nodes[i].entry);
	free(atomic_load(&index->current));
	free(index->nodes);
	free(index->places);
	free(index->withdrawn);
	arena_free(index->arena);
	free(index);
}

/* ---- readers ---- */

const struct index_view *
index_enter(struct index *index)
{
	epochs_enter(&index->epochs);
	return &atomic_load(&index->current)->view;
}

void
index_leave(struct index *index)
{
	epochs_leave(&index->epochs);
}

const struct index_entry *
index_next(struct index_walk *w)
{
	for (; w->class < w->view->class_count; w->class ++, w->chunk = 0) {
		const struct index_class *class = w->view->classes[w->class];

		for (; w->chunk < class->chunk_count; w->chunk++, w->house = 0)
			if (w->house < class->chunks[w->chunk].count)
				return class->chunks[w->chunk].houses[w->house++].entry;
	}
	return NULL;
}
