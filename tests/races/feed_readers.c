/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Feed and trust under ThreadSanitizer: subscribers come, read and go, devices are looked up, while both are
 * written for two seconds, longer on a machine that stood still meanwhile.  Prints one line; exit 1 when an
 * active device was not found or a wake came after leaving.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "feed/feed.h"
#include "feed/trust.h"

#define THREADS 3u
#define LEAST   20u   /* writes and tellings, or nothing was proved */
#define MOST_MS 60000 /* for these to come */

static const struct id house = { { 1 } };
static struct feed *feed;
static struct keyring *ring;
static struct trust *trust;
static atomic_bool is_over;
static atomic_uint told, wrong;

struct listener {
	bool is_listening; /* plain on purpose: a wake after feed_unsubscribe would race with it */
	unsigned wakes;
};

static void
must(enum rc rc, const char *what)
{
	if (rc == RC_OK)
		return;
	fprintf(stderr, "%s: %s\n", what, rc_code(rc));
	exit(2);
}

static void
wake(void *arg)
{
	struct listener *l = arg;

	l->wakes++;
	if (!l->is_listening)
		atomic_fetch_add(&wrong, 1);
}

static void *
listen_in(void *arg)
{
	const struct feed_scope scope = {
		.shelter_count = 1, .shelters = { house }, .reader = { .ring = ring }
	};
	char buf[512];

	(void)arg;
	while (!atomic_load(&is_over)) {
		struct listener l = { .is_listening = true };
		struct subscription *s;
		must(feed_subscribe(feed, &scope, 0, wake, &l, &s), "feed_subscribe");
		for (unsigned i = 0; i < 50; i++)
			atomic_fetch_add(&told, feed_read(s, buf, sizeof(buf)) > 0);
		feed_unsubscribe(s);
		l.is_listening = false;
	}
	return NULL;
}

static struct device
device_of(unsigned n)
{
	struct device d;

	model_clear(&model_device, &d);
	put_u32(d.id.b, n + 1);
	put_u64(d.fingerprint, (uint64_t)(n + 1) * UINT64_C(0x9e3779b97f4a7c15));
	return d;
}

static void *
look_up(void *arg)
{
	const struct device first = device_of(0);
	uint64_t generation = 0;

	(void)arg;
	while (!atomic_load(&is_over)) {
		const uint64_t now = trust_generation(trust);
		if (now < generation || trust_lookup(trust, first.fingerprint) != TRUST_ACTIVE)
			atomic_fetch_add(&wrong, 1);
		generation = now;
	}
	return NULL;
}

static enum rc
change(struct txn *t, void *arg)
{
	const struct device d = device_of(*(unsigned *)arg);
	const struct event e = { .kind = EVENT_UNIT_CHANGED, .shelter = house, .subject = d.id, .at = 1 };
	const struct key key = record_key(KIND_DEVICE, &d.id);
	enum rc rc = record_put(t, KIND_DEVICE, &key, &d);

	return rc == RC_OK ? feed_emit(t, &e) : rc;
}

static char dir[] = "/tmp/menedek-race-XXXXXX", path[64];

/* The file stays until the end: seals are counted in it, and what cannot be counted is not sealed. */
static struct keyring *
make_ring(struct secret *root)
{
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

	return gone >= MOST_MS || (gone >= ms && writes >= LEAST && atomic_load(&told) >= LEAST);
}

/* One device from the start (${ms} 0), then new ones until the time is up, so that the table grows beneath
 * its readers. */
static unsigned
write_for(struct store *store, int64_t ms, unsigned from)
{
	struct arena *arena = arena_new(256u * 1024);
	const int64_t begun = clock_mono_ms();
	unsigned n = from;

	if (!arena)
		exit(2);
	do {
		must(store_update(store, arena, change, &n), "store_update");
		arena_rewind(arena, 0);
		n++;
	} while (ms > 0 && !may_end(begun, ms, n - from));
	arena_free(arena);
	return n;
}

int
main(void)
{
	struct secret *root = secret_new(32);
	struct store_options options = { .engine = &engine_memory, .path = "race" };
	struct store *store = NULL;
	struct fault f = { 0 };
	pthread_t threads[2 * THREADS];
	unsigned writes;

	if (!root)
		return 2;
	options.keyring = make_ring(root);
	must(store_open(&options, &store, &f), "store_open");
	must(trust_new(store, &trust, &f), "trust_new");
	must(feed_new(store, &feed, &f), "feed_new");
	writes = write_for(store, 0, 0);
	for (unsigned i = 0; i < 2 * THREADS; i++)
		if (pthread_create(&threads[i], NULL, i < THREADS ? listen_in : look_up, NULL) != 0)
			return 2;
	writes = write_for(store, 2000, writes);
	atomic_store(&is_over, true);
	for (unsigned i = 0; i < 2 * THREADS; i++)
		pthread_join(threads[i], NULL);
	store_close(store);
	feed_free(feed);
	trust_free(trust);
	keyring_free(options.keyring);
	secret_free(root);
	(void)unlink(path);
	(void)rmdir(dir);
	printf(
	    "feed_readers: %u writes, %u told, %u wrong\n", writes, atomic_load(&told), atomic_load(&wrong));
	return atomic_load(&wrong) != 0 || writes < LEAST || atomic_load(&told) < LEAST;
}
