/* SPDX-License-Identifier: Apache-2.0 */
/* Static slots of a few sizes, each size with a list of its free ones.  Allocates nothing, logs nothing. */
#include "base/reserve.h"

#include <pthread.h>

#include "base/attr.h"

#define SMALL  256u
#define MIDDLE 4096u
#define LARGE  (20u * 1024) /* a TLS record with its frame */

struct slot {
	struct slot *next;
};

static _Alignas(16) uint8_t small[SMALL * 4096], middle[MIDDLE * 256], large[LARGE * 32];

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* guards all below */
static struct pool {
	uint8_t *base;
	size_t slot, count;
	size_t used; /* slots that were ever given: those behind are free without standing in the list */
	struct slot *freed;
} pools[] = {
	{ small, SMALL, sizeof(small) / SMALL, 0, NULL },
	{ middle, MIDDLE, sizeof(middle) / MIDDLE, 0, NULL },
	{ large, LARGE, sizeof(large) / LARGE, 0, NULL },
};
static uint64_t uses;

static void *
take_from(struct pool *pool)
{
	struct slot *slot = pool->freed;

	if (slot != NULL) {
		pool->freed = slot->next;
		return slot;
	}
	if (pool->used == pool->count)
		return NULL;
	return pool->base + pool->slot * pool->used++;
}

void *
reserve_take(size_t len)
{
	void *p = NULL;

	(void)pthread_mutex_lock(&lock);
	for (size_t i = 0; i < COUNT_OF(pools) && p == NULL; i++) {
		if (len <= pools[i].slot)
			p = take_from(&pools[i]);
	}
	uses += p != NULL;
	(void)pthread_mutex_unlock(&lock);
	return p;
}

/* What never changes of a pool may be read without the lock. */
static struct pool *
pool_of(const void *p)
{
	const uintptr_t at = (uintptr_t)p;

	for (size_t i = 0; i < COUNT_OF(pools); i++) {
		const uintptr_t base = (uintptr_t)pools[i].base;

		if (at >= base && at < base + pools[i].slot * pools[i].count)
			return &pools[i];
	}
	return NULL;
}

bool
reserve_has(const void *p)
{
	return pool_of(p) != NULL;
}

size_t
reserve_len(const void *p)
{
	const struct pool *pool = pool_of(p);

	return pool == NULL ? 0 : pool->slot;
}

void
reserve_give(void *p)
{
	struct pool *pool = pool_of(p);
	struct slot *slot = p;

	if (pool == NULL)
		return;
	(void)pthread_mutex_lock(&lock);
	slot->next = pool->freed;
	pool->freed = slot;
	(void)pthread_mutex_unlock(&lock);
}

uint64_t
reserve_uses(void)
{
	uint64_t n;

	(void)pthread_mutex_lock(&lock);
	n = uses;
	(void)pthread_mutex_unlock(&lock);
	return n;
}
