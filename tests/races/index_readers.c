/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The index under ThreadSanitizer, which Criterion does not survive: readers and a writer for two seconds,
 * longer on a machine that stood still meanwhile.  Prints one line; exit 1 when a reader saw a torn house.
 * Threads come and go, so that slots change hands.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "houses.h"
#include "index/index.h"

#define READERS 4u
#define HOUSES  8u
#define LEAST   20u   /* writes and looks, or nothing was proved */
#define MOST_MS 60000 /* for these to come */

static struct index *houses;
static atomic_bool is_over;
static atomic_uint looks, wrong;

static void
must(enum rc rc, const char *what)
{
	if (rc == RC_OK)
		return;
	fprintf(stderr, "%s: %s\n", what, rc_code(rc));
	exit(2);
}

static void *
look(void *arg)
{
	(void)arg;
	for (unsigned n = 0; n < 500 && !atomic_load(&is_over); n++) {
		struct index_walk walk = { .view = index_enter(houses) };
		for (const struct index_entry *e; (e = index_next(&walk)) != NULL;)
			if (e->units[0].version != e->units[1].version)
				atomic_fetch_add(&wrong, 1);
		index_leave(houses);
		atomic_fetch_add(&looks, 1);
	}
	return NULL;
}

static void *
keep_looking(void *arg)
{
	while (!atomic_load(&is_over)) {
		pthread_t thread;
		if (pthread_create(&thread, NULL, look, arg) != 0)
			break;
		pthread_join(thread, NULL);
	}
	return NULL;
}

static enum rc
change(struct txn *t, void *arg)
{
	const unsigned mark = *(unsigned *)arg;
	const struct shelter s = shelter_of(mark % HOUSES);
	const struct house h = house_of(mark % HOUSES, mark);
	const struct key shelter = record_key(KIND_SHELTER, &s.id), house = record_key(KIND_HOUSE, &s.id);
	enum rc rc = record_put(t, KIND_SHELTER, &shelter, &s);

	return rc == RC_OK ? record_put(t, KIND_HOUSE, &house, &h) : rc;
}

static char dir[] = "/tmp/menedek-race-XXXXXX", path[64];

/* The file stays until the end: seals are counted in it, and what cannot be counted is not sealed. */
static struct keyring *
make_ring(struct secret *root)
{
	struct keyring *ring = NULL;
	struct fault f = { 0 };

	random_fill(secret_bytes(root), secret_len(root));
	if (!mkdtemp(dir))
		exit(2);
	snprintf(path, sizeof(path), "%s/keyring", dir);
	must(keyring_create(path, root, &f), "keyring_create");
	must(keyring_open(path, root, &ring, &f), "keyring_open");
	return ring;
}

/* Is it over, after ${ms}?  Not before enough was done. */
static bool
may_end(int64_t begun, int64_t ms, unsigned writes)
{
	const int64_t gone = clock_mono_ms() - begun;

	return gone >= MOST_MS || (gone >= ms && writes >= LEAST && atomic_load(&looks) >= LEAST);
}

static unsigned
write_for(struct store *store, int64_t ms)
{
	struct arena *arena = arena_new(256u * 1024);
	const int64_t begun = clock_mono_ms();
	unsigned mark = 0;

	if (!arena)
		exit(2);
	for (; !may_end(begun, ms, mark); mark++) {
		must(store_update(store, arena, change, &mark), "store_update");
		arena_rewind(arena, 0);
	}
	arena_free(arena);
	return mark;
}

int
main(void)
{
	struct secret *root = secret_new(32);
	struct store_options options = { .engine = &engine_memory, .path = "race" };
	struct store *store = NULL;
	struct fault f = { 0 };
	pthread_t readers[READERS];
	unsigned writes;

	if (!root)
		return 2;
	options.keyring = make_ring(root);
	must(store_open(&options, &store, &f), "store_open");
	must(index_new(store, &houses, &f), "index_new");
	for (unsigned i = 0; i < READERS; i++)
		if (pthread_create(&readers[i], NULL, keep_looking, NULL) != 0)
			return 2;
	writes = write_for(store, 2000);
	atomic_store(&is_over, true);
	for (unsigned i = 0; i < READERS; i++)
		pthread_join(readers[i], NULL);
	store_close(store);
	index_free(houses);
	keyring_free(options.keyring);
	secret_free(root);
	(void)unlink(path);
	(void)rmdir(dir);
	printf("index_readers: %u writes, %u looks, %u wrong\n", writes, atomic_load(&looks),
	    atomic_load(&wrong));
	return atomic_load(&wrong) != 0 || writes < LEAST || atomic_load(&looks) < LEAST;
}
