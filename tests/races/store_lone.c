/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writers that commit on their own threads while they are alone, and meet the committer's when they are not:
 * by turns one writes and all do.  ThreadSanitizer watches the engine and a watcher that takes no lock; each
 * change is told once, in the order of revisions.  Runs until both ways were taken often, 20 s at most, in
 * memory where there is such a directory: who waits for a busy disk is not left to commit alone.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/id.h"
#include "store/store.h"

#define WRITERS 3
#define TURN    40
#define ENOUGH  200
#define MOST_MS 20000
#define ARENA   (1u << 20)

static struct store *store;
static pthread_mutex_t alone = PTHREAD_MUTEX_INITIALIZER;
static atomic_bool is_over;
static atomic_ulong here, elsewhere;

/* the watcher's, plain on purpose */
static unsigned long told;
static uint64_t last;

static void
must(bool is_true, const char *what)
{
	if (is_true)
		return;
	fprintf(stderr, "store_lone: %s\n", what);
	exit(1);
}

static void
watch(void *arg, const struct change *changes, size_t count)
{
	(void)arg;
	for (size_t i = 0; i < count; i++) {
		must(changes[i].rev > last, "a revision out of order");
		last = changes[i].rev;
		told++;
	}
}

struct outcome {
	pthread_t thread;
	_Atomic int rc;
};

static void
note(void *arg, enum rc rc)
{
	struct outcome *o = arg;

	o->thread = pthread_self();
	atomic_store(&o->rc, (int)rc);
}

static void
write_one(struct arena *arena)
{
	const struct id id = id_new();
	struct key key = key_kind('k');
	struct outcome o = { .rc = -1 };
	struct txn *t;

	key_add_bytes(&key, id.b, sizeof(id.b));
	must(txn_begin(store, arena, &t) == RC_OK, "a transaction");
	must(txn_put(t, &key, KEY_RECORD, bytes_str("value")) == RC_OK, "a write");
	txn_commit_here(t, note, &o);
	while (atomic_load(&o.rc) < 0)
		usleep(50);
	must(o.rc == RC_OK, "a commit");
	atomic_fetch_add(pthread_equal(o.thread, pthread_self()) ? &here : &elsewhere, 1);
	txn_end(t);
	arena_rewind(arena, 0);
}

static void *
write_on(void *arg)
{
	struct arena *arena = arena_new(ARENA);

	(void)arg;
	while (!atomic_load(&is_over)) {
		pthread_mutex_lock(&alone);
		for (unsigned i = 0; i < TURN; i++)
			write_one(arena);
		pthread_mutex_unlock(&alone);
		for (unsigned i = 0; i < TURN; i++)
			write_one(arena);
	}
	arena_free(arena);
	return NULL;
}

static void
work(void)
{
	const int64_t end = clock_mono_ms() + MOST_MS;
	pthread_t threads[WRITERS];
	struct store_stats stats;

	for (unsigned i = 0; i < WRITERS; i++)
		must(pthread_create(&threads[i], NULL, write_on, NULL) == 0, "no thread");
	while (clock_mono_ms() < end && (atomic_load(&here) < ENOUGH || atomic_load(&elsewhere) < ENOUGH)) {
		store_stats(store, &stats);
		usleep(1000);
	}
	atomic_store(&is_over, true);
	for (unsigned i = 0; i < WRITERS; i++)
		must(pthread_join(threads[i], NULL) == 0, "a thread");
	must(told == atomic_load(&here) + atomic_load(&elsewhere), "a change was not told, or twice");
	must(atomic_load(&here) > 0 && atomic_load(&elsewhere) > 0, "only one way was taken");
}

int
main(void)
{
	char dir[64] = "/dev/shm/menedek-lone-XXXXXX", path[96];
	static const char *const names[] = { "ring", "db/data.mdb", "db/lock.mdb", "db/serving.lock", "db" };
	struct store_options options = { .engine = &engine_lmdb, .path = path, .map_mib = 64 };
	struct secret *root = secret_new(32);
	struct keyring *ring = NULL;
	struct fault f = { 0 };

	if (access("/dev/shm", W_OK) != 0)
		(void)snprintf(dir, sizeof(dir), "/tmp/menedek-lone-XXXXXX");
	must(root != NULL && mkdtemp(dir) != NULL, "a directory");
	(void)snprintf(path, sizeof(path), "%s/ring", dir);
	must(keyring_create(path, root, &f) == RC_OK && keyring_open(path, root, &ring, &f) == RC_OK,
	    "a ring");
	secret_free(root);
	(void)snprintf(path, sizeof(path), "%s/db", dir);
	options.keyring = ring;
	must(store_open(&options, &store, &f) == RC_OK, "store_open");
	store_watch(store, watch, NULL);
	work();
	store_close(store);
	keyring_free(ring);
	for (unsigned i = 0; i < COUNT_OF(names); i++) {
		(void)snprintf(path, sizeof(path), "%s/%s", dir, names[i]);
		must(remove(path) == 0, path);
	}
	must(rmdir(dir) == 0, "the directory stayed");
	printf("store_lone: %lu committed by their writers, %lu by the committer\n", atomic_load(&here),
	    atomic_load(&elsewhere));
	return 0;
}
