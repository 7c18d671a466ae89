/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fingerprints of enrolled certificates in an open-addressing table.  One writer (the committer's thread)
 * adds slots and turns their states; readers take the table by one atomic load.  A slot is never emptied: a
 * certificate that was revoked stays known as such.  Tables that were outgrown stay until the end, together
 * smaller than the present one.
 */
#include "feed/trust.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"

#define FINGERPRINT 32u
#define FIRST_SLOTS 256u
#define ARENA       (64u * 1024)

struct slot {
	atomic_uchar state; /* enum trust_state; TRUST_UNKNOWN = empty; set after the rest */
	uint8_t fingerprint[FINGERPRINT];
	struct id device; /* the writer's */
};

struct table {
	struct table *older;
	size_t cap, used; /* cap is a power of two; used is the writer's */
	struct slot slots[];
};

struct trust {
	struct store *store;
	struct arena *arena; /* the committer's */
	_Atomic(struct table *) table;
	atomic_uint_fast64_t generation;
};

/* ---- the table ---- */

/* The slot of ${fingerprint}, or the empty one where it would go.  A table is never full. */
static const struct slot *
find(const struct table *table, const uint8_t fingerprint[FINGERPRINT])
{
	size_t i = (size_t)get_u64(fingerprint); /* a digest: its bits are as good as a hash's */

	for (;; i++) {
		const struct slot *slot = &table->slots[i & (table->cap - 1)];
		if (atomic_load_explicit(&slot->state, memory_order_acquire) == TRUST_UNKNOWN)
			return slot;
		if (memcmp(slot->fingerprint, fingerprint, FINGERPRINT) == 0)
			return slot;
	}
}

static void
set(struct table *table, const struct slot *at, const struct id *device,
    const uint8_t fingerprint[FINGERPRINT], enum trust_state state)
{
	struct slot *slot = &table->slots[at - table->slots];

	if (atomic_load(&slot->state) == TRUST_UNKNOWN) {
		memcpy(slot->fingerprint, fingerprint, FINGERPRINT);
		table->used++;
	}
	slot->device = *device;
	atomic_store_explicit(&slot->state, (unsigned char)state, memory_order_release);
}

static struct table *
table_new(size_t cap)
{
	struct table *table = calloc(1, sizeof(*table) + cap * sizeof(struct slot));

	if (!table)
		return NULL;
	table->cap = cap;
	return table;
}

/* A table that does not take a revocation would let a revoked device in: without memory the process ends. */
static struct table *
with_room(struct trust *trust)
{
	struct table *old = atomic_load(&trust->table), *table;

	if (2 * (old->used + 1) <= old->cap)
		return old;
	if (!(table = table_new(2 * old->cap))) {
		log_world("trust_without_memory", "slots=%zu", 2 * old->cap);
		abort();
	}
	for (size_t i = 0; i < old->cap; i++) {
		const struct slot *slot = &old->slots[i];
		const unsigned char state = atomic_load(&slot->state);
		if (state != TRUST_UNKNOWN)
			set(table, find(table, slot->fingerprint), &slot->device, slot->fingerprint,
			    (enum trust_state)state);
	}
	table->older = old;
	atomic_store_explicit(&trust->table, table, memory_order_release);
	return table;
}

/* What ${device} had before counts no more, whatever its record says now. */
static void
forget_others(struct table *table, const struct id *device, const uint8_t *but)
{
	for (size_t i = 0; i < table->cap; i++) {
		struct slot *slot = &table->slots[i];
		if (atomic_load(&slot->state) != TRUST_ACTIVE ||
		    memcmp(&slot->device, device, sizeof(*device)) != 0)
			continue;
		if (!but || memcmp(slot->fingerprint, but, FINGERPRINT) != 0)
			atomic_store_explicit(&slot->state, TRUST_REVOKED, memory_order_release);
	}
}

static void
fold(struct trust *trust, const struct device *device)
{
	struct table *table = with_room(trust);
	const enum trust_state state = device->revoked_at == 0 ? TRUST_ACTIVE : TRUST_REVOKED;

	set(table, find(table, device->fingerprint), &device->id, device->fingerprint, state);
}

/* ---- the fold ---- */

/* A device that cannot be read is not trusted. */
static void
follow_device(struct trust *trust, const struct change *change)
{
	struct table *table = atomic_load(&trust->table);
	struct device device;
	struct bytes value;
	struct id id;
	enum rc rc;

	if (change->key.len != 1 + ID_BYTES)
		return;
	memcpy(id.b, change->key.b + 1, ID_BYTES);
	if (change->is_delete) {
		forget_others(table, &id, NULL);
		return;
	}
	rc = store_unseal(trust->store, &change->key, change->sealed, trust->arena, &value);
	if (rc == RC_OK)
		rc = record_decode(KIND_DEVICE, value, &device);
	arena_rewind(trust->arena, 0);
	if (rc != RC_OK) {
		log_world("device_unreadable", "code=%s", rc_code(rc));
		forget_others(table, &id, NULL);
		return;
	}
	forget_others(table, &id, device.fingerprint);
	fold(trust, &device);
}

static void
follow(void *arg, const struct change *changes, size_t count)
{
	struct trust *trust = arg;
	bool is_moved = false;

	for (size_t i = 0; i < count; i++) {
		const enum kind kind = kind_of_byte(changes[i].key.b[0]);
		if (kind == KIND_DEVICE)
			follow_device(trust, &changes[i]);
		is_moved |= kind == KIND_DEVICE || kind == KIND_ORG || kind == KIND_USER ||
		    kind == KIND_REVOKED_TOKEN;
	}
	if (is_moved) /* after the table: who sees the new number sees the new states */
		atomic_fetch_add_explicit(&trust->generation, 1, memory_order_release);
}

/* ---- building ---- */

struct loading {
	struct trust *trust;
	enum rc rc;
};

static bool
load_one(void *arg, const struct key *key, struct bytes value, uint64_t rev)
{
	struct loading *loading = arg;
	struct device device;

	(void)key;
	(void)rev;
	if ((loading->rc = record_decode(KIND_DEVICE, value, &device)) != RC_OK)
		return false;
	fold(loading->trust, &device);
	return true;
}

static enum rc
load(struct txn *t, void *arg)
{
	struct loading loading = { .trust = arg, .rc = RC_OK };
	const struct key prefix = record_key_bytes(KIND_DEVICE, "", 0);
	const enum rc rc = txn_scan(t, &prefix, NULL, load_one, &loading);

	return rc == RC_OK ? loading.rc : rc;
}

enum rc
trust_new(struct store *store, struct trust **out, struct fault *f)
{
	struct trust *trust = calloc(1, sizeof(*trust));
	struct table *table = table_new(FIRST_SLOTS);
	enum rc rc;

	*out = NULL;
	if (!trust || !table || !(trust->arena = arena_new(ARENA))) {
		free(table);
		free(trust);
		return fault_set(f, RC_UNAVAILABLE, MSG_NO_MEMORY, NULL, 0, NULL);
	}
	trust->store = store;
	atomic_store(&trust->table, table);
	atomic_store(&trust->generation, 1);
	rc = store_view(store, trust->arena, load, trust);
	arena_rewind(trust->arena, 0);
	if (rc != RC_OK) {
		trust_free(trust);
		return fault_set(
		    f, rc, rc == RC_CORRUPT ? MSG_STORE_DAMAGED : MSG_STORE_OPEN, NULL, 0, "devices");
	}
	store_watch(store, follow, trust);
	*out = trust;
	return RC_OK;
}

void
trust_free(struct trust *trust)
{
	struct table *table, *older;

	if (!trust)
		return;
	for (table = atomic_load(&trust->table); table; table = older) {
		older = table->older;
		free(table);
	}
	arena_free(trust->arena);
	free(trust);
}

/* ---- readers ---- */

enum trust_state
trust_lookup(const struct trust *trust, const uint8_t fingerprint[32])
{
	const struct table *table = atomic_load_explicit(&trust->table, memory_order_acquire);

	return (enum trust_state)atomic_load_explicit(&find(table, fingerprint)->state, memory_order_acquire);
}

void
trust_moved(struct trust *trust)
{
	atomic_fetch_add_explicit(&trust->generation, 1, memory_order_release);
}

uint64_t
trust_generation(const struct trust *trust)
{
	return atomic_load_explicit(&trust->generation, memory_order_acquire);
}
