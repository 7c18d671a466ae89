/* SPDX-License-Identifier: Apache-2.0 */
/*
 * That what was purged cannot be given back: not by free pages of the live file, not by a compacted copy, not
 * by yesterday's backup with the keyring of today.  Each time it is shown first that the search can find it,
 * and that the key of yesterday would open it.
 */
#include <lmdb.h>

#include "details.h"
#include "store/lmdb_pages.h"
#include "store/logs.h"

static struct details x;

static void
set_up(void)
{
	details_open(&x);
}

static void
tear_down(void)
{
	details_close(&x);
}

TestSuite(erasure, .init = set_up, .fini = tear_down, .timeout = 120);

/* ---- files, as a thief has them ---- */

struct loot {
	uint8_t *p;
	size_t len;
};

static void
copy_file(const char *from, const char *to)
{
	char *text;
	size_t len;

	cr_assert_eq(file_read(from, 256u << 20, &text, &len, &x.fault), RC_OK, "%s", from);
	cr_assert_eq(file_write(to, (struct bytes){ (const uint8_t *)text, len }, 0600, &x.fault), RC_OK);
	free(text);
}

static struct loot
steal(const char *path)
{
	struct loot loot;
	char *text;

	cr_assert_eq(file_read(path, 256u << 20, &text, &loot.len, &x.fault), RC_OK);
	loot.p = (uint8_t *)text;
	return loot;
}

/* A store's file in a directory of its own, so that it can be opened beside the live one. */
static void
back_up(const char *name, char store[160])
{
	char from[160], to[200];

	details_path(&x, name, store);
	cr_assert_eq(dir_make(store, 0700, &x.fault), RC_OK);
	details_path(&x, "store/data.mdb", from);
	(void)snprintf(to, sizeof(to), "%s/data.mdb", store);
	copy_file(from, to);
}

static MDB_env *
open_env(const char *store)
{
	MDB_env *env;

	cr_assert_eq(mdb_env_create(&env), 0);
	cr_assert_eq(mdb_env_set_mapsize(env, (size_t)1 << 30), 0);
	cr_assert_eq(mdb_env_open(env, store, MDB_NOTLS, 0600), 0);
	return env;
}

/* The sealed value under ${key} in the copy at ${store}; len 0 if there is none. */
static struct loot
value_in(const char *store, const struct key *key)
{
	MDB_env *env = open_env(store);
	MDB_val k = { key->len, (void *)(uintptr_t)key->b }, v;
	struct loot out = { NULL, 0 };
	MDB_txn *txn;
	MDB_dbi tree;

	cr_assert_eq(mdb_txn_begin(env, NULL, MDB_RDONLY, &txn), 0);
	cr_assert_eq(mdb_dbi_open(txn, NULL, 0, &tree), 0);
	if (mdb_get(txn, tree, &k, &v) == 0 && v.mv_size > 8) { /* after the revision */
		out.len = v.mv_size - 8;
		out.p = malloc(out.len);
		memcpy(out.p, (const uint8_t *)v.mv_data + 8, out.len);
	}
	mdb_txn_abort(txn);
	mdb_env_close(env);
	return out;
}

static MDB_val
val_of(const struct key *key)
{
	return (MDB_val){ key->len, (void *)(uintptr_t)key->b };
}

/* Put ${bytes} in place of what stands under ${key}. */
static void
replace(MDB_txn *txn, MDB_dbi tree, const struct key *key, const uint8_t *bytes, size_t len)
{
	MDB_val k = val_of(key), v = { len, (void *)(uintptr_t)bytes };

	cr_assert_eq(mdb_put(txn, tree, &k, &v, 0), 0);
}

/* Turn over the last byte under ${key} as one who knows the store: the sum of all pairs fits afterwards. */
static void
hurt_value(const char *store, const struct key *key)
{
	const struct key total = log_revision_key();
	const struct bytes name = { key->b, key->len };
	MDB_env *env = open_env(store);
	MDB_val k = val_of(key), t = val_of(&total), v, sum;
	uint8_t value[16384], sums[8 + LMDB_SUM_BYTES];
	uint64_t change;
	MDB_txn *txn;
	MDB_dbi tree;

	cr_assert_eq(mdb_txn_begin(env, NULL, 0, &txn), 0);
	cr_assert_eq(mdb_dbi_open(txn, NULL, 0, &tree), 0);
	cr_assert_eq(mdb_get(txn, tree, &k, &v), 0);
	cr_assert_eq(mdb_get(txn, tree, &t, &sum), 0);
	cr_assert(v.mv_size <= sizeof(value) && sum.mv_size == sizeof(sums));
	memcpy(value, v.mv_data, v.mv_size);
	memcpy(sums, sum.mv_data, sizeof(sums));
	value[v.mv_size - 1] ^= 1;
	change = lmdb_sum_of(name, (struct bytes){ value, v.mv_size }) -
	    lmdb_sum_of(name, (struct bytes){ v.mv_data, v.mv_size });
	put_u64(sums + 16, get_u64(sums + 16) + change);
	replace(txn, tree, key, value, v.mv_size);
	replace(txn, tree, &total, sums, sizeof(sums));
	cr_assert_eq(mdb_txn_commit(txn), 0);
	mdb_env_close(env);
}

static void
compact(const char *store, char to[160])
{
	MDB_env *env = open_env(store);

	details_path(&x, "compact", to);
	cr_assert_eq(dir_make(to, 0700, &x.fault), RC_OK);
	cr_assert_eq(mdb_env_copy2(env, to, MDB_CP_COMPACT), 0);
	mdb_env_close(env);
}

/* ---- keys ---- */

/* Does ${sealed} open for the reservation under the keyring at ${path}, and say what it said? */
static bool
opens_with(const char *path, const struct key *key, struct loot sealed)
{
	struct keyring *ring;
	uint8_t *plain = malloc(sealed.len);
	size_t len = 0;
	bool says;
	enum rc rc;

	cr_assert_eq(keyring_open(path, x.root, &ring, &x.fault), RC_OK);
	rc = keyring_open_sealed(
	    ring, (struct bytes){ key->b, key->len }, (struct bytes){ sealed.p, sealed.len }, plain, &len);
	says = rc == RC_OK && memmem(plain, len, SAYS, strlen(SAYS)) != NULL;
	cr_expect(rc == RC_OK || rc == RC_CORRUPT);
	keyring_free(ring);
	free(plain);
	return says;
}

static bool
holds(struct loot file, struct loot what)
{
	return memmem(file.p, file.len, what.p, what.len) != NULL;
}

/* Every value of a stolen store that opens under ${path} and says what must not come back. */
static unsigned
told_by(const char *store, const char *path)
{
	MDB_env *env = open_env(store);
	struct key key = { .len = 0 };
	unsigned told = 0;
	MDB_cursor *cursor;
	MDB_val k, v;
	MDB_txn *txn;
	MDB_dbi tree;

	cr_assert_eq(mdb_txn_begin(env, NULL, MDB_RDONLY, &txn), 0);
	cr_assert_eq(mdb_dbi_open(txn, NULL, 0, &tree), 0);
	cr_assert_eq(mdb_cursor_open(txn, tree, &cursor), 0);
	for (int e = mdb_cursor_get(cursor, &k, &v, MDB_FIRST); e == 0;
	     e = mdb_cursor_get(cursor, &k, &v, MDB_NEXT)) {
		key.len = (uint8_t)k.mv_size;
		memcpy(key.b, k.mv_data, k.mv_size);
		told += v.mv_size > 8 + SEAL_OVERHEAD &&
		    opens_with(path, &key, (struct loot){ (uint8_t *)v.mv_data + 8, v.mv_size - 8 });
	}
	mdb_cursor_close(cursor);
	mdb_txn_abort(txn);
	mdb_env_close(env);
	return told;
}

/* ---- the proof ---- */

Test(erasure, neither_free_pages_nor_a_compacted_copy_nor_a_backup_give_it_back)
{
	char yesterday[160], today[160], compacted[160], old_ring[160], path[200];
	const struct id left = details_reservation(&x, RES_LEFT, START + 8 * HOUR);
	const struct id lives = details_reservation(&x, RES_IN_STAY, 0);
	const struct key key = record_key(KIND_RESERVATION, &left);
	struct loot sealed, live_file, compact_file, backup_file;
	struct txn *reader;

	/* yesterday's backup: the store and, kept apart, the keyring */
	back_up("yesterday", yesterday);
	details_path(&x, "yesterday.keyring", old_ring);
	copy_file(x.parts.paths.keyring, old_ring);
	sealed = value_in(yesterday, &key);
	cr_assert_gt(sealed.len, 0);
	cr_assert(opens_with(old_ring, &key, sealed), "yesterday it could be read");

	/* a reader keeps the old pages from being written again: the worst case of free pages */
	cr_assert_eq(txn_begin(x.parts.store, x.arena, &reader), RC_OK);
	{
		struct upkeep u = { .parts = &x.parts, .now = START + 2 * DAY, .fault = &x.fault };
		struct purge_report r;
		cr_assert_eq(retention_purge(&u, false, &r), RC_OK);
		cr_assert_eq(r.removed[RETAIN_RESERVATIONS], 1);
	}
	txn_end(reader);
	arena_rewind(x.arena, 0);
	cr_expect_eq(details_reading(&x, KIND_RESERVATION, &left), RC_NOT_FOUND);
	cr_expect_eq(details_reading(&x, KIND_RESERVATION, &lives), RC_OK);
	back_up("today", today);
	(void)snprintf(path, sizeof(path), "%s/data.mdb", today);
	live_file = steal(path);
	(void)snprintf(path, sizeof(path), "%s/data.mdb", yesterday);
	backup_file = steal(path);
	compact(today, compacted);
	(void)snprintf(path, sizeof(path), "%s/data.mdb", compacted);
	compact_file = steal(path);

	/* it can be found, and in yesterday's hands it opens: the search is no blind one */
	cr_expect(holds(live_file, sealed), "in a free page of the live file");
	cr_expect(holds(backup_file, sealed), "in the backup");
	cr_expect_eq(told_by(yesterday, old_ring), 2);

	/* with the keyring of today nothing of it opens, wherever it lies */
	cr_expect_not(opens_with(x.parts.paths.keyring, &key, sealed));
	cr_expect_eq(told_by(yesterday, x.parts.paths.keyring), 0, "not from the backup");
	cr_expect_not(holds(compact_file, sealed), "not in a compacted copy");
	cr_expect_eq(told_by(today, x.parts.paths.keyring), 1, "what lives is read on");
	cr_expect_eq(told_by(compacted, x.parts.paths.keyring), 1);
	cr_expect_eq(told_by(today, old_ring), 0, "and is under a key that yesterday's keyring lacks");
	free(sealed.p);
	free(live_file.p);
	free(backup_file.p);
	free(compact_file.p);
}

Test(erasure, no_key_of_details_survives_a_purge)
{
	struct key_info before[16], after[16];
	size_t had, has;
	unsigned kept = 0;

	(void)details_reservation(&x, RES_CANCELLED, START);
	had = keyring_list(x.parts.keyring, before, COUNT_OF(before));
	(void)details_purge(&x, START + 2 * DAY);
	has = keyring_list(x.parts.keyring, after, COUNT_OF(after));
	cr_assert(had <= COUNT_OF(before) && has <= COUNT_OF(after));
	for (size_t i = 0; i < had; i++)
		for (size_t j = 0; j < has; j++)
			kept += before[i].use == KEY_DETAIL && after[j].id == before[i].id;
	cr_expect_eq(kept, 0);
}

Test(erasure, one_damaged_value_does_not_keep_a_key_alive)
{
	const struct id broken = details_reservation(&x, RES_IN_STAY, 0);
	const struct id fine = details_reservation(&x, RES_IN_STAY, 0);
	const struct key key = record_key(KIND_RESERVATION, &broken);
	struct purge_report r;
	char store[160];

	parts_close(&x.parts);
	details_path(&x, "store", store);
	hurt_value(store, &key);
	details_open_parts(&x);
	cr_assert_eq(details_reading(&x, KIND_RESERVATION, &broken), RC_CORRUPT);

	r = details_purge(&x, START + 2 * DAY);
	cr_expect_eq(r.kept, 0);
	cr_expect_eq(details_reading(&x, KIND_RESERVATION, &fine), RC_OK);
	cr_expect_eq(details_reading(&x, KIND_RESERVATION, &broken), RC_CORRUPT, "it is still named");
}
