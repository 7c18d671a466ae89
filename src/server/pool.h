/* SPDX-License-Identifier: Apache-2.0 */
/* A few threads for work that would hold up an event loop (memory-hard hashing).  The queue is bounded: what
 * does not fit is refused at once, since waiting behind 256 hashes helps nobody. */
#ifndef MENEDEK_POOL_H
#define MENEDEK_POOL_H

#include <stdbool.h>

#include "base/attr.h"
#include "base/rc.h"

struct pool;

/** Embedded in what it is about; may be gone when ${run} returns. */
struct pool_job {
	struct pool_job *next;
	void (*run)(struct pool_job *job); /* on a thread of the pool */
};

/** Start ${threads} threads with room for ${room} waiting jobs. */
MUST_USE enum rc pool_new(unsigned threads, unsigned room, struct pool **out);

/** Run what is queued, then join the threads.  NULL-safe. */
void pool_free(struct pool *pool);

/** False if there is no room; ${job} is then untouched.  From any thread. */
MUST_USE bool pool_submit(struct pool *pool, struct pool_job *job);

/** Before all of those, and whatever room there is: false only when the pool stops.  From any thread. */
MUST_USE bool pool_submit_due(struct pool *pool, struct pool_job *job);

/** Jobs of both that wait now. */
unsigned pool_waiting(struct pool *pool);

#endif
