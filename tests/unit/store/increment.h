/* SPDX-License-Identifier: Apache-2.0 */
/* A counter in the store that is read and written in one transaction, by one thread or by many. */
#ifndef MENEDEK_TEST_INCREMENT_H
#define MENEDEK_TEST_INCREMENT_H

#include "fixture.h"

/* One more, and with ${arg} an event that says so. */
static inline enum rc
increment(struct txn *t, void *arg)
{
	static const uint8_t leaf[LOG_LEAF] = { 9 };
	const bool *is_logged = arg;
	struct key key = key_of("counter");
	struct bytes value;
	uint8_t text[8] = { 0 };
	enum rc rc = txn_get(t, &key, &value);

	if (rc != RC_OK && rc != RC_NOT_FOUND)
		return rc;
	put_u64(text, rc == RC_OK ? get_u64(value.p) + 1 : 1);
	if (is_logged != NULL && *is_logged &&
	    (rc = txn_append(t, LOG_EVENT, leaf, KEY_EVENT, BYTES_OF(text))) != RC_OK)
		return rc;
	return txn_put(t, &key, KEY_RECORD, BYTES_OF(text));
}

static inline enum rc
increment_once(struct fixture *x)
{
	bool is_logged = true;

	return store_update(x->store, x->arena, increment, &is_logged);
}

struct incrementer {
	pthread_t thread;
	struct store *store;
	int times;
	bool is_logged;
};

static inline void *
increment_many(void *arg)
{
	struct incrementer *me = arg;
	struct arena *arena = arena_new(1u << 20);

	for (int i = 0; i < me->times;) {
		enum rc rc = store_update(me->store, arena, increment, &me->is_logged);

		arena_rewind(arena, 0);
		i += rc == RC_OK;
		if (rc != RC_OK && rc != RC_BUSY)
			break;
	}
	arena_free(arena);
	return NULL;
}

/* All of them at once, until each is done. */
static inline void
increment_together(struct incrementer *all, size_t count)
{
	for (size_t i = 0; i < count; i++)
		cr_assert_eq(pthread_create(&all[i].thread, NULL, increment_many, &all[i]), 0);
	for (size_t i = 0; i < count; i++)
		pthread_join(all[i].thread, NULL);
}

static inline uint64_t
counter_of(struct fixture *x)
{
	struct key key = key_of("counter");
	struct txn *t = begin(x);
	struct bytes value;
	uint64_t n;

	cr_assert_eq(txn_get(t, &key, &value), RC_OK);
	n = get_u64(value.p);
	txn_end(t);
	return n;
}

#endif
