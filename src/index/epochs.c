/* SPDX-License-Identifier: Apache-2.0 */
/* The epochs of epochs.h.  Knows nothing of what it frees. */
#include "index/epochs.h"

#include <stdlib.h>

#include "base/log.h"

#define NO_EPOCH UINT64_MAX

/* A thread that ends gives its slot to the next. */
static void
leave_slot(void *arg)
{
	struct epoch_slot *slot = arg;

	atomic_store(&slot->epoch, 0);
	atomic_store(&slot->is_claimed, false);
}

bool
epochs_init(struct epochs *epochs)
{
	epochs->oldest = NULL;
	epochs->newest_end = &epochs->oldest;
	atomic_store(&epochs->now, 1);
	return pthread_key_create(&epochs->slot_key, leave_slot) == 0;
}

/* The writer cannot tell anybody that a view could not be made, and an index that is behind for ever is worse
 * than a restart. */
void *
epochs_alloc(struct epochs *epochs, size_t size)
{
	struct limbo *made = calloc(1, size);

	if (!made) {
		log_world("index_without_memory", "bytes=%zu", size);
		abort();
	}
	made->epoch = atomic_load(&epochs->now);
	return made;
}

bool
epochs_is_own(struct epochs *epochs, const struct limbo *x)
{
	return x->epoch == atomic_load(&epochs->now);
}

void
epochs_retire(struct epochs *epochs, struct limbo *old)
{
	if (!old)
		return;
	if (epochs_is_own(epochs, old)) {
		free(old);
		return;
	}
	old->next = NULL;
	old->epoch = atomic_load(&epochs->now);
	*epochs->newest_end = old;
	epochs->newest_end = &old->next;
}

static uint64_t
oldest_reader(struct epochs *epochs)
{
	uint64_t oldest = NO_EPOCH;

	for (unsigned i = 0; i < EPOCH_READERS; i++) {
		const uint64_t epoch = atomic_load(&epochs->slots[i].epoch);
		if (epoch != 0 && epoch < oldest)
			oldest = epoch;
	}
	return oldest;
}

/* Frees what was retired before ${epoch}: the list is in order of retirement. */
static void
reclaim(struct epochs *epochs, uint64_t epoch)
{
	struct limbo *old;

	while ((old = epochs->oldest) && old->epoch < epoch) {
		if (!(epochs->oldest = old->next))
			epochs->newest_end = &epochs->oldest;
		free(old);
	}
}

void
epochs_turn(struct epochs *epochs)
{
	atomic_fetch_add(&epochs->now, 1);
	reclaim(epochs, oldest_reader(epochs));
}

void
epochs_fini(struct epochs *epochs)
{
	pthread_key_delete(epochs->slot_key);
	reclaim(epochs, NO_EPOCH);
}

static struct epoch_slot *
claim_slot(struct epochs *epochs)
{
	for (unsigned i = 0; i < EPOCH_READERS; i++) {
		bool is_claimed = false;
		if (!atomic_compare_exchange_strong(&epochs->slots[i].is_claimed, &is_claimed, true))
			continue;
		if (pthread_setspecific(epochs->slot_key, &epochs->slots[i]) != 0)
			break;
		return &epochs->slots[i];
	}
	log_bug("index_without_slot", "readers=%u", EPOCH_READERS);
	abort(); /* a reader that nobody waits for would read freed houses */
}

void
epochs_enter(struct epochs *epochs)
{
	struct epoch_slot *slot = pthread_getspecific(epochs->slot_key);

	if (!slot)
		slot = claim_slot(epochs);
	atomic_store(&slot->epoch, atomic_load(&epochs->now));
}

void
epochs_leave(struct epochs *epochs)
{
	struct epoch_slot *slot = pthread_getspecific(epochs->slot_key);

	if (slot)
		atomic_store_explicit(&slot->epoch, 0, memory_order_release);
}
