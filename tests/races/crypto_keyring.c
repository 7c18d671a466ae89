/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Readers of the keyring take no lock: several threads seal and open while days pass, keys are retired and
 * rotated, and another ring follows the file.  ThreadSanitizer watches; what is sealed opens, or its key is
 * gone, and never opens to another text.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "crypto/keyring.h"

#define READERS 3
#define DAYS    60
#define WAITS   6000 /* of ten milliseconds: only a failure waits so long */

static atomic_bool is_over;
static atomic_uint opened, gone;

static void
must(bool is_true, const char *what)
{
	if (is_true)
		return;
	fprintf(stderr, "crypto_keyring: %s\n", what);
	exit(1);
}

static void *
seal_and_open(void *arg)
{
	static const char text[] = "plain text";
	uint8_t sealed[sizeof(text) + SEAL_OVERHEAD], plain[sizeof(text)];
	struct keyring *ring = arg;
	size_t len;

	while (!atomic_load(&is_over)) {
		enum rc rc = keyring_seal(ring, KEY_DETAIL, bytes_str("key"), BYTES_OF(text), sealed);

		must(rc == RC_OK, "a seal was refused");
		rc = keyring_open_sealed(ring, bytes_str("key"), BYTES_OF(sealed), plain, &len);
		must(rc != RC_OK || memcmp(plain, text, sizeof(text)) == 0, "it opened to another text");
		atomic_fetch_add(rc == RC_OK ? &opened : &gone, 1);
	}
	return NULL;
}

static void *
follow(void *arg)
{
	struct key_info rows[KEYRING_KEYS];
	struct fault f = { 0 };

	while (!atomic_load(&is_over)) {
		must(keyring_reload(arg, &f) == RC_OK, "the follower lost the file");
		must(keyring_list(arg, rows, KEYRING_KEYS) >= KEY_USES, "the follower lost keys");
	}
	return NULL;
}

static void
pass_days(struct keyring *ring, const struct secret *root)
{
	struct fault f = { 0 };

	for (int day = 1; day <= DAYS; day++) {
		const uint32_t before = keyring_current(ring, KEY_DETAIL);

		must(keyring_day(ring, day * (int64_t)86400, &f) == RC_OK, "keyring_day");
		must(keyring_retire(ring, &before, 1, &f) == RC_OK, "keyring_retire");
		if (day % 10 == 0)
			must(keyring_rotate(ring, root, &f) == RC_OK, "keyring_rotate");
	}
}

int
main(void)
{
	char dir[] = "/tmp/crypto_keyring.XXXXXX", path[64];
	struct secret *root = secret_new(32);
	struct keyring *ring, *follower;
	pthread_t threads[READERS + 1];
	struct fault f = { 0 };

	must(root != NULL && mkdtemp(dir) != NULL, "no room");
	(void)snprintf(path, sizeof(path), "%s/ring", dir);
	must(keyring_create(path, root, &f) == RC_OK, "keyring_create");
	must(keyring_open(path, root, &ring, &f) == RC_OK, "keyring_open");
	must(keyring_open_follower(path, root, &follower, &f) == RC_OK, "keyring_open_follower");
	for (int i = 0; i <= READERS; i++)
		must(pthread_create(&threads[i], NULL, i < READERS ? seal_and_open : follow,
			 i < READERS ? ring : follower) == 0,
		    "no thread");
	for (int i = 0; i < WAITS && atomic_load(&opened) == 0; i++)
		usleep(10000); /* days that pass before they read prove nothing */
	pass_days(ring, root);
	atomic_store(&is_over, true);
	for (int i = 0; i <= READERS; i++)
		(void)pthread_join(threads[i], NULL);
	must(atomic_load(&opened) > 0, "nothing was opened");
	printf("crypto_keyring: %u opened, %u of keys just retired, %d days\n", atomic_load(&opened),
	    atomic_load(&gone), DAYS);
	keyring_free(follower);
	keyring_free(ring);
	secret_free(root);
	(void)unlink(path);
	(void)rmdir(dir);
	return 0;
}
