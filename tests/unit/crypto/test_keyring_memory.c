/* SPDX-License-Identifier: Apache-2.0 */
/* Threads that seal while keys end, and what is left of such a key in this process's memory. */
#include "ring.h"

#include <fcntl.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>

#include "crypto/keyfile.h"

static atomic_bool is_over;

/* Whatever happens to the keys: what is sealed opens, or its key is gone; never a wrong text. */
static void *
seal_and_look(void *arg)
{
	uint8_t sealed[5 + SEAL_OVERHEAD];

	while (!atomic_load(&is_over)) {
		seal(arg, KEY_DETAIL, "key", sealed);
		(void)open_as(arg, "key", sealed);
	}
	return NULL;
}

Test(keyring_memory, sealing_and_opening_go_on_while_days_pass_and_keys_are_retired)
{
	struct fault f = { 0 };
	pthread_t threads[3];
	struct ring r;
	uint32_t gone;

	ring_open(&r);
	for (size_t i = 0; i < 3; i++)
		cr_assert_eq(pthread_create(&threads[i], NULL, seal_and_look, r.keyring), 0);
	for (int day = 1; day < 200; day++) {
		gone = keyring_current(r.keyring, KEY_DETAIL);
		cr_assert_eq(keyring_day(r.keyring, NOON(day), &f), RC_OK);
		cr_assert_eq(keyring_retire(r.keyring, &gone, 1, &f), RC_OK);
	}
	atomic_store(&is_over, true);
	for (size_t i = 0; i < 3; i++)
		pthread_join(threads[i], NULL);
	ring_close(&r);
}

/* ---- what is left in this process's memory ---- */

#define MASK 0x5a

/* Key ${id} out of the file, masked, so that the test's own copy is not what it finds. */
static void
masked_key(struct ring *r, uint32_t id, uint8_t out[AEAD_KEY])
{
	struct rootkey *root;
	struct keyfile kf;
	struct fault f = { 0 };
	size_t i = 0;

	cr_assert_eq(rootkey_new(r->root, &root, &f), RC_OK);
	cr_assert_eq(keyfile_load(scratch_path(&r->s, "ring"), KEYFILE_RECORDS, root, &kf, &f), RC_OK);
	while (i < kf.count && kf.entries[i].id != id)
		i++;
	cr_assert_lt(i, kf.count);
	cr_assert_eq(keyfile_unwrap(&kf, i, root, out), RC_OK);
	for (i = 0; i < AEAD_KEY; i++)
		out[i] ^= MASK;
	keyfile_fini(&kf);
	rootkey_free(root);
}

static bool
is_at(const uint8_t *p, const uint8_t masked[AEAD_KEY])
{
	for (size_t i = 0; i < AEAD_KEY; i++)
		if ((p[i] ^ MASK) != masked[i])
			return false;
	return true;
}

/* How often the key stands between ${from} and ${to}.  The window is wiped before it is filled, or it would
 * find itself. */
static unsigned
count_between(int mem, unsigned long from, unsigned long to, const uint8_t masked[AEAD_KEY])
{
	static uint8_t window[1 << 16];
	unsigned found = 0;

	while (from + AEAD_KEY <= to) {
		const size_t room = to - from < sizeof(window) ? to - from : sizeof(window);
		ssize_t n;

		wipe(window, sizeof(window));
		if ((n = pread(mem, window, room, (off_t)from)) < (ssize_t)AEAD_KEY)
			break;
		for (size_t i = 0; i + AEAD_KEY <= (size_t)n; i++)
			if (is_at(window + i, masked))
				found++;
		from += (size_t)n - AEAD_KEY + 1;
	}
	wipe(window, sizeof(window));
	return found;
}

static unsigned
count_in_memory(const uint8_t masked[AEAD_KEY])
{
	FILE *maps = fopen("/proc/self/maps", "r");
	int mem = open("/proc/self/mem", O_RDONLY | O_CLOEXEC);
	unsigned long from, to;
	unsigned found = 0;
	char line[512], rights[8];

	cr_assert(maps != NULL && mem >= 0);
	while (fgets(line, sizeof(line), maps) != NULL)
		if (sscanf(line, "%lx-%lx %7s", &from, &to, rights) == 3 && rights[0] == 'r' &&
		    rights[1] == 'w')
			found += count_between(mem, from, to, masked);
	fclose(maps);
	close(mem);
	return found;
}

static sem_t has_sealed, may_end;

/* A thread whose last seal was under the key, and which then does nothing. */
static void *
seal_once(void *arg)
{
	uint8_t sealed[5 + SEAL_OVERHEAD];

	seal(arg, KEY_DETAIL, "key", sealed);
	sem_post(&has_sealed);
	sem_wait(&may_end);
	return NULL;
}

#ifdef __SANITIZE_ADDRESS__
#define IS_SANITIZED true /* its shadow memory is too much to read, and freed memory is kept */
#else
#define IS_SANITIZED false
#endif

Test(keyring_memory, a_retired_key_is_nowhere_in_memory_not_even_with_threads_that_sleep,
    .disabled = IS_SANITIZED)
{
	uint8_t masked[AEAD_KEY], root[AEAD_KEY];
	struct fault f = { 0 };
	pthread_t thread;
	uint32_t gone;
	struct ring r;

	ring_open(&r);
	cr_assert(sem_init(&has_sealed, 0, 0) == 0 && sem_init(&may_end, 0, 0) == 0);
	cr_assert_eq(pthread_create(&thread, NULL, seal_once, r.keyring), 0);
	sem_wait(&has_sealed);
	gone = keyring_current(r.keyring, KEY_DETAIL);
	masked_key(&r, gone, masked);
	cr_assert_geq(count_in_memory(masked), 2, "the search must find the ring's and the thread's copy");
	cr_assert_eq(keyring_day(r.keyring, NOON(1), &f), RC_OK);
	cr_assert_eq(keyring_retire(r.keyring, &gone, 1, &f), RC_OK);
	cr_assert_eq(count_in_memory(masked), 0);
	/* the root key: in its locked page and in the test's, and nowhere after */
	for (size_t i = 0; i < AEAD_KEY; i++)
		root[i] = secret_view(r.root)[i] ^ MASK;
	cr_assert_eq(count_in_memory(root), 2);
	sem_post(&may_end);
	pthread_join(thread, NULL);
	ring_close(&r);
}
