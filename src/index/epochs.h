/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory that readers may still hold: freed when none of them can.  One writer; up to EPOCH_READERS reading
 * threads, which never wait.
 *
 * How a reader is known to hold nothing old: it writes the epoch into its slot, then takes the view; the
 * writer puts the new view up, then moves the epoch on, then looks at the slots.  A slot that shows a later
 * epoch was written after the new view was up; a slot that was empty when looked at takes the new view too.
 * All four steps are sequentially consistent, and this needs no more than that.
 */
#ifndef MENEDEK_EPOCHS_H
#define MENEDEK_EPOCHS_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#define EPOCH_READERS    64u
#define EPOCH_CACHE_LINE 64u

/** First member of what readers may hold. */
struct limbo {
	struct limbo *next;
	uint64_t epoch; /* in which the writer made it, then in which it was replaced */
};

struct epoch_slot {
	_Alignas(EPOCH_CACHE_LINE) atomic_uint_fast64_t epoch; /* 0 = the thread holds no view */
	atomic_bool is_claimed;
};

struct epochs {
	pthread_key_t slot_key;   /* this thread's slot */
	atomic_uint_fast64_t now; /* from 1 on */
	struct epoch_slot slots[EPOCH_READERS];
	struct limbo *oldest, **newest_end; /* the writer's own */
};

/** False: the system has no room for one more key of threads. */
bool epochs_init(struct epochs *epochs);

/** Frees all that was retired; no reader may be left. */
void epochs_fini(struct epochs *epochs);

/** Memory for something readers will see, zeroed, marked with this epoch.  Never NULL: aborts. */
void *epochs_alloc(struct epochs *epochs, size_t size);

/** Did the writer make it since the last epochs_turn?  Then no reader has seen it, and it may be changed. */
bool epochs_is_own(struct epochs *epochs, const struct limbo *x);

/** Free ${old} when no reader can hold it, at once when none has seen it.  NULL: nothing. */
void epochs_retire(struct epochs *epochs, struct limbo *old);

/** After a new view was put up: the next epoch begins, and what nobody holds any more is freed. */
void epochs_turn(struct epochs *epochs);

/** Before this thread takes the view.  The thread that would be one too many aborts; calls are not nested. */
void epochs_enter(struct epochs *epochs);
void epochs_leave(struct epochs *epochs);

#endif
