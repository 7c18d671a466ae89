/* SPDX-License-Identifier: Apache-2.0 */
/* A store on any engine in a directory of its own, with a fresh keyring; and short ways to write and read
 * it. */
#ifndef MENEDEK_TEST_STORE_H
#define MENEDEK_TEST_STORE_H

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <criterion/criterion.h>
#include <criterion/parameterized.h>

#include "base/clock.h"
#include "base/secret.h"
#include "postgres.h"
#include "store/store.h"

#define MAP_MIB 64u

/* Criterion's processes end without the leak check, so a test that leaks must be told so. */
#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/lsan_interface.h>
#define assert_no_leak() cr_assert_eq(__lsan_do_recoverable_leak_check(), 0)
#else
#define assert_no_leak() ((void)0)
#endif

struct fixture {
	const struct engine_ops *ops;
	char dir[96];
	struct keyring *keyring;
	struct store *store;
	struct arena *arena;
	char conninfo[512]; /* of engine_postgresql */
	bool must_keep_keys;
};

static inline void
fixture_path(const struct fixture *x, const char *name, char out[160])
{
	snprintf(out, 160, "%s/%s", x->dir, name);
}

/* A node does not wait for its servers for longer at its start: was that how it ended?  On a machine that
 * stands still it says nothing about the one or the others. */
static inline bool
fixture_ran_out_of_time(const struct fault *f, int64_t begun)
{
	return f != NULL && f->count > 0 && f->item[f->count - 1].msg == MSG_PG_UNREACHABLE &&
	    clock_mono_ms() - begun >= 2000;
}

static inline enum rc
fixture_open_store(struct fixture *x, struct store **out, struct fault *f)
{
	char path[160];
	struct store_options options = { .engine = x->ops,
		.path = path,
		.keyring = x->keyring,
		.map_mib = MAP_MIB,
		.must_keep_keys = x->must_keep_keys };
	enum rc rc = RC_UNAVAILABLE;

	fixture_path(x, "db", path);
	for (unsigned i = 0; i < 5; i++) {
		const int64_t begun = clock_mono_ms();

		if ((rc = store_open(&options, out, f)) == RC_OK || !fixture_ran_out_of_time(f, begun))
			break;
		fault_clear(f);
	}
	return rc;
}

/* In a directory of its own below ${base}. */
static inline void
fixture_open_in(struct fixture *x, const struct engine_ops *ops, const char *base)
{
	struct secret *root = secret_new(32);
	struct fault f = { 0 };
	char path[160];

	*x = (struct fixture){ .ops = ops };
	(void)snprintf(x->dir, sizeof(x->dir), "%s/menedek-XXXXXX", base);
	cr_assert(root != NULL && mkdtemp(x->dir) != NULL);
	fixture_path(x, "db", path);
	if (ops == &engine_postgresql)
		postgres_make(path, x->conninfo);
	fixture_path(x, "ring", path);
	cr_assert_eq(keyring_create(path, root, &f), RC_OK);
	cr_assert_eq(keyring_open(path, root, &x->keyring, &f), RC_OK);
	secret_free(root);
	cr_assert_eq(fixture_open_store(x, &x->store, &f), RC_OK);
	cr_assert((x->arena = arena_new(8u << 20)) != NULL);
}

static inline void
fixture_open(struct fixture *x, const struct engine_ops *ops)
{
	fixture_open_in(x, ops, P_tmpdir);
}

static inline void
fixture_reopen(struct fixture *x)
{
	struct fault f = { 0 };

	store_close(x->store);
	cr_assert_eq(fixture_open_store(x, &x->store, &f), RC_OK);
}

static inline void
fixture_close(struct fixture *x)
{
	static const char *const names[] = { "db/data.mdb", "db/lock.mdb", "db/serving.lock", "db/postgresql",
		"db/keeper", "db/node", "ring" };
	char path[160];

	store_close(x->store);
	keyring_free(x->keyring);
	arena_free(x->arena);
	if (x->ops == &engine_postgresql)
		postgres_remove(x->conninfo);
	assert_no_leak();
	for (size_t i = 0; i < COUNT_OF(names); i++) {
		fixture_path(x, names[i], path);
		unlink(path);
	}
	fixture_path(x, "db", path);
	rmdir(path);
	rmdir(x->dir);
}

static inline struct key
key_of(const char *text)
{
	struct key key = key_kind((uint8_t)text[0]);

	key_add_bytes(&key, text + 1, strlen(text + 1));
	return key;
}

/* For a scan or a walk: how many there are, in an unsigned. */
static inline bool
count_row(void *arg, const struct key *key UNUSED, struct bytes value UNUSED, uint64_t rev UNUSED)
{
	++*(unsigned *)arg;
	return true;
}

static inline void
read_file(const char *path, uint8_t **out, size_t *len)
{
	FILE *f = fopen(path, "rb");
	long size = -1;

	cr_assert(f != NULL && fseek(f, 0, SEEK_END) == 0 && (size = ftell(f)) >= 0);
	*len = (size_t)size;
	cr_assert((*out = malloc(*len + 1)) != NULL && fseek(f, 0, SEEK_SET) == 0);
	cr_assert_eq(fread(*out, 1, *len, f), *len);
	fclose(f);
}

/* Wait for a commit that the test submits itself. */
struct waiter {
	pthread_mutex_t lock;
	pthread_cond_t is_told;
	bool is_done;
	enum rc rc;
};

static inline void
waiter_wake(void *arg, enum rc rc)
{
	struct waiter *w = arg;

	pthread_mutex_lock(&w->lock);
	w->rc = rc;
	w->is_done = true;
	pthread_cond_signal(&w->is_told);
	pthread_mutex_unlock(&w->lock);
}

static inline enum rc
commit_now(struct txn *t)
{
	struct waiter w = { .lock = PTHREAD_MUTEX_INITIALIZER, .is_told = PTHREAD_COND_INITIALIZER };

	txn_commit(t, waiter_wake, &w);
	pthread_mutex_lock(&w.lock);
	while (!w.is_done)
		pthread_cond_wait(&w.is_told, &w.lock);
	pthread_mutex_unlock(&w.lock);
	txn_end(t);
	return w.rc;
}

static inline struct txn *
begin(struct fixture *x)
{
	struct txn *t;

	cr_assert_eq(txn_begin(x->store, x->arena, &t), RC_OK);
	return t;
}

static inline void
put_text(struct fixture *x, const char *key, const char *text)
{
	struct txn *t = begin(x);
	struct key k = key_of(key);

	cr_assert_eq(txn_put(t, &k, KEY_RECORD, bytes_str(text)), RC_OK);
	cr_assert_eq(commit_now(t), RC_OK);
}

static inline enum rc
get_text(struct fixture *x, const char *key, char out[64], uint64_t *rev)
{
	struct txn *t = begin(x);
	struct key k = key_of(key);
	struct bytes value;
	enum rc rc = txn_get(t, &k, &value);

	snprintf(out, 64, "%.*s", (int)value.len, rc == RC_OK ? (const char *)value.p : "");
	if (rev != NULL)
		*rev = txn_rev(t, &k);
	txn_end(t);
	return rc;
}

#endif
