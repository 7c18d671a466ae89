/* SPDX-License-Identifier: Apache-2.0 */
/* A store for the tests of what is built over it: in memory or on disk, with a ring of its own, and a back
 * door to the engine through which a test does what a thief or a broken disk would do. */
#ifndef TEST_STORE_FIXTURE_H
#define TEST_STORE_FIXTURE_H

#include <criterion/criterion.h>
#include <ftw.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/secret.h"
#include "model/records.h"

#define FIXTURE_ARENA (1024u * 1024)

struct fixture {
	char dir[64];
	struct secret *root;
	struct keyring *ring;
	struct store *store;
	struct arena *arena; /* rewound by each fixture_update and fixture_view */
};

/* ---- the back door: the engine last opened, and whether its disk fails ---- */

static const struct engine_ops *fixture_below;
static struct engine *fixture_engine;
static atomic_bool fixture_disk_fails;
static pthread_mutex_t fixture_disk = PTHREAD_MUTEX_INITIALIZER; /* who holds it makes the disk hang */
static atomic_bool fixture_disk_waits;                           /* and something does wait for it */
static atomic_uint fixture_read_fails; /* so many reads from now the disk fails, once; 0: it does not */

static inline enum rc
fixture_open_engine(const char *path, unsigned map_mib, struct engine **out, struct fault *f)
{
	enum rc rc = fixture_below->open(path, map_mib, out, f);

	fixture_engine = *out;
	return rc;
}

static inline bool
fixture_is_its_turn(void)
{
	unsigned left = atomic_load(&fixture_read_fails);

	return left > 0 && atomic_fetch_sub(&fixture_read_fails, 1) == 1;
}

static inline enum rc
fixture_snapshot(struct engine *engine, struct snapshot **out)
{
	return fixture_is_its_turn() ? RC_UNAVAILABLE : fixture_below->snapshot(engine, out);
}

static inline enum rc
fixture_get(struct snapshot *s, const struct key *key, struct bytes *value, uint64_t *rev)
{
	return fixture_is_its_turn() ? RC_UNAVAILABLE : fixture_below->get(s, key, value, rev);
}

static inline enum rc
fixture_scan(struct snapshot *s, const struct key *from, unsigned prefix_len, engine_scan_fn *fn, void *arg)
{
	return fixture_is_its_turn() ? RC_UNAVAILABLE : fixture_below->scan(s, from, prefix_len, fn, arg);
}

static inline void
fixture_apply(struct engine *engine, struct commit *list)
{
	if (!atomic_load(&fixture_disk_fails)) {
		atomic_store(&fixture_disk_waits, true);
		pthread_mutex_lock(&fixture_disk);
		atomic_store(&fixture_disk_waits, false);
		fixture_below->apply(engine, list);
		pthread_mutex_unlock(&fixture_disk);
		return;
	}
	for (; list; list = list->next)
		list->rc = RC_UNAVAILABLE;
}

/* Read what stands at ${key} as the engine has it; malloc'd. */
static inline struct bytes
fixture_raw_get(const struct key *key)
{
	struct snapshot *snapshot;
	struct bytes value;
	uint8_t *copy;
	uint64_t rev;

	cr_assert_eq(fixture_below->snapshot(fixture_engine, &snapshot), RC_OK);
	cr_assert_eq(fixture_below->get(snapshot, key, &value, &rev), RC_OK);
	copy = malloc(value.len + 1);
	memcpy(copy, value.p, value.len);
	value.p = copy;
	fixture_below->release(snapshot);
	return value;
}

/* Write (or, with value.p NULL, delete) behind the store's back. */
static inline void
fixture_raw_put(const struct key *key, struct bytes value)
{
	struct write_entry write = { .key = *key, .value = value, .is_delete = value.p == NULL };
	struct commit commit = { .writes = &write, .write_count = 1 };

	fixture_below->apply(fixture_engine, &commit);
	cr_assert_eq(commit.rc, RC_OK);
}

/* ---- leaks: to be asserted at the end of a test's body, nobody hears of them later ---- */

#ifdef __SANITIZE_ADDRESS__
int __lsan_do_recoverable_leak_check(void);
#define FIXTURE_LEAKS() __lsan_do_recoverable_leak_check()
#else
#define FIXTURE_LEAKS() 0
#endif

/* ---- life ---- */

static inline void
fixture_open_store(struct fixture *x, const struct engine_ops *engine)
{
	static struct engine_ops ops;
	struct store_options options = { .engine = &ops, .keyring = x->ring, .map_mib = 64 };
	struct fault f = { 0 };
	char path[80];

	snprintf(path, sizeof(path), "%s/store", x->dir);
	options.path = path;
	fixture_below = engine;
	ops = *engine;
	ops.open = fixture_open_engine;
	ops.apply = fixture_apply;
	ops.snapshot = fixture_snapshot;
	ops.get = fixture_get;
	ops.scan = fixture_scan;
	atomic_store(&fixture_disk_fails, false);
	atomic_store(&fixture_read_fails, 0);
	cr_assert_eq(store_open(&options, &x->store, &f), RC_OK);
}

static inline void
fixture_new(struct fixture *x, const struct engine_ops *engine)
{
	struct fault f = { 0 };
	char path[80];

	memset(x, 0, sizeof(*x));
	strcpy(x->dir, "/tmp/menedek-unit-XXXXXX");
	cr_assert_not_null(mkdtemp(x->dir));
	cr_assert_not_null(x->root = secret_new(32));
	random_fill(secret_bytes(x->root), 32);
	snprintf(path, sizeof(path), "%s/keyring", x->dir);
	cr_assert_eq(keyring_create(path, x->root, &f), RC_OK);
	cr_assert_eq(keyring_open(path, x->root, &x->ring, &f), RC_OK);
	cr_assert_not_null(x->arena = arena_new(FIXTURE_ARENA));
	fixture_open_store(x, engine);
}

static inline int
fixture_remove(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

/* Store first: what follows it is freed by the test between fixture_close_store and this. */
static inline void
fixture_close_store(struct fixture *x)
{
	store_close(x->store);
	x->store = NULL;
}

static inline void
fixture_free(struct fixture *x)
{
	fixture_close_store(x);
	keyring_free(x->ring);
	secret_free(x->root);
	arena_free(x->arena);
	if (x->dir[0] != '\0')
		nftw(x->dir, fixture_remove, 8, FTW_DEPTH | FTW_PHYS);
	memset(x, 0, sizeof(*x)); /* a test may do what its tear-down would */
}

/* ---- transactions ---- */

static inline enum rc
fixture_update(struct fixture *x, txn_fn *fn, void *arg)
{
	enum rc rc = store_update(x->store, x->arena, fn, arg);

	arena_rewind(x->arena, 0);
	return rc;
}

static inline enum rc
fixture_view(struct fixture *x, txn_fn *fn, void *arg)
{
	enum rc rc = store_view(x->store, x->arena, fn, arg);

	arena_rewind(x->arena, 0);
	return rc;
}

/*
 * ${fn} with the disk failing at its Nth read, for each N, and then with each amount of memory that is too
 * little: it must say so every time, and commit nothing.  At last it is left alone and must succeed.
 * Returns how many reads failed.
 */
static inline unsigned
fixture_update_starved(struct fixture *x, txn_fn *fn, void *arg)
{
	struct arena *whole = x->arena;
	unsigned n = 1;
	enum rc rc;

	for (;; n++) {
		atomic_store(&fixture_read_fails, n);
		rc = fixture_view(x, fn, arg);
		if (atomic_exchange(&fixture_read_fails, 0) > 0)
			break;
		cr_assert_eq(rc, RC_UNAVAILABLE, "read %u fails: %d", n, rc);
	}
	cr_assert_eq(rc, RC_OK, "left alone: %d", rc);
	for (size_t cap = 0; cap < FIXTURE_ARENA; cap += 48) {
		cr_assert_not_null(x->arena = arena_new(cap));
		rc = fixture_view(x, fn, arg);
		arena_free(x->arena);
		if (rc == RC_OK)
			break;
		cr_assert(rc == RC_UNAVAILABLE || rc == RC_TOO_BIG, "%zu bytes: %d", cap, rc);
	}
	x->arena = whole;
	cr_assert_eq(fixture_update(x, fn, arg), RC_OK);
	return n - 1;
}

struct fixture_record {
	enum kind kind;
	struct key key;
	const void *obj; /* NULL deletes */
};

static inline enum rc
fixture_put_txn(struct txn *t, void *arg)
{
	const struct fixture_record *r = arg;

	return r->obj ? record_put(t, r->kind, &r->key, r->obj) : txn_delete(t, &r->key);
}

/* Put (or delete) one record under its id, in a transaction of its own. */
static inline void
fixture_put(struct fixture *x, enum kind kind, const struct id *id, const void *obj)
{
	struct fixture_record r = { kind, record_key(kind, id), obj };

	cr_assert_eq(fixture_update(x, fixture_put_txn, &r), RC_OK);
}

static inline void
fixture_put_at(struct fixture *x, enum kind kind, const struct key *key, const void *obj)
{
	struct fixture_record r = { kind, *key, obj };

	cr_assert_eq(fixture_update(x, fixture_put_txn, &r), RC_OK);
}

#endif
