/* SPDX-License-Identifier: Apache-2.0 */
/* Keys and sealed texts where memory, disk or descriptor fail: nothing half made, nothing sealed uncounted.
 */
#include "../famine.h"
#include "../refusal.h"
#include "ring.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/time.h>

#include "crypto/envelope.h"
#include "crypto/keyfile.h"

REFUSABLE(int, pthread_mutex_init, (pthread_mutex_t * m, const pthread_mutexattr_t *a), (m, a), ENOMEM)

TestSuite(sealing_refused, .timeout = 60);

/* ---- rings ---- */

static enum rc
open_ring(void *arg)
{
	struct ring *r = arg;
	struct keyring *k;
	struct fault f = { 0 };
	const enum rc rc = keyring_open(scratch_path(&r->s, "ring"), r->root, &k, &f);

	cr_expect_eq(k != NULL, rc == RC_OK);
	cr_expect_eq(f.count, rc != RC_OK);
	keyring_free(k);
	return rc;
}

static enum rc
change_ring(void *arg)
{
	struct ring *r = arg;
	uint8_t sealed[5 + SEAL_OVERHEAD];
	struct fault f = { 0 };
	enum rc rc = keyring_rotate(r->keyring, r->root, &f);

	if (rc == RC_OK)
		rc = keyring_renew(r->keyring, KEY_EVENT, &f);
	if (rc == RC_OK)
		rc = keyring_seal(r->keyring, KEY_EVENT, bytes_str("key"), bytes_str("plain"), sealed);
	return rc;
}

static enum rc
create_ring(void *arg)
{
	struct ring *r = arg;
	struct fault f = { 0 };
	char path[300];

	snprintf(path, sizeof(path), "%s/another", r->s.dir);
	unlink(path);
	return keyring_create(path, r->root, &f);
}

static enum rc
copy_ring(void *arg)
{
	struct ring *r = arg;
	struct keyring_mark mark;
	char *text = NULL;
	size_t len = 0;
	enum rc rc = keyring_export(r->keyring, &text, &len, &mark);

	free(text);
	return rc;
}

static enum rc
reload_ring(void *arg)
{
	struct ring *r = arg;
	struct fault f = { 0 };
	const uint32_t id = keyring_current(r->keyring, KEY_RECORD);
	enum rc rc;

	/* as if it were written a moment later */
	cr_assert_eq(utimensat(AT_FDCWD, scratch_path(&r->s, "ring"), NULL, 0), 0);
	rc = keyring_reload(r->keyring, &f);
	cr_expect_eq(keyring_current(r->keyring, KEY_RECORD), id);
	return rc;
}

Test(sealing_refused, without_memory_a_ring_neither_opens_nor_changes_and_stays_what_it_was)
{
	uint8_t sealed[5 + SEAL_OVERHEAD];
	struct ring r;

	NEEDS_FAMINE();
	ring_open(&r);
	seal(r.keyring, KEY_RECORD, "key", sealed);
	cr_expect_geq(famine_each(open_ring, &r, RC_CORRUPT), 4);
	cr_expect_geq(famine_each(create_ring, &r, RC_UNAVAILABLE), 2);
	cr_expect_geq(famine_each(copy_ring, &r, RC_UNAVAILABLE), 1);
	cr_expect_geq(famine_each(reload_ring, &r, RC_UNAVAILABLE), 1);
	cr_expect_geq(famine_each(change_ring, &r, RC_UNAVAILABLE), 3);
	cr_expect_eq(open_as(r.keyring, "key", sealed), RC_OK);
	ring_close(&r);
}

Test(sealing_refused, without_a_lock_no_ring_opens)
{
	struct ring r;

	ring_open(&r);
	refuse_pthread_mutex_init = 1;
	cr_expect_eq(open_ring(&r), RC_UNAVAILABLE);
	cr_expect_eq(refuse_pthread_mutex_init, 0);
	ring_close(&r);
}

/* ---- files that nobody of us wrote, but under our root ---- */

static void
break_seed(struct keyfile *kf)
{
	kf->entries[0].wrapped[0] ^= 1;
}

static void
break_key(struct keyfile *kf)
{
	kf->entries[2].wrapped[0] ^= 1;
}

static void
drop_seed(struct keyfile *kf)
{
	keyfile_remove(kf, 0);
}

static void
drop_all(struct keyfile *kf)
{
	while (kf->count > 0)
		keyfile_remove(kf, 0);
}

static void
misuse_seed(struct keyfile *kf)
{
	kf->entries[0].use = KEY_RECORD;
}

static void
misuse_key(struct keyfile *kf)
{
	kf->entries[1].use = KEY_USES;
}

static void
swap_ids(struct keyfile *kf)
{
	kf->entries[2].id = kf->entries[1].id;
}

static void
number_ahead(struct keyfile *kf)
{
	kf->entries[kf->count - 1].id = kf->next_id;
}

static void
share_slot(struct keyfile *kf)
{
	kf->entries[kf->count - 1].id = kf->entries[1].id + KEYRING_KEYS;
	kf->next_id = 3 * KEYRING_KEYS;
}

static void
drop_use(struct keyfile *kf)
{
	keyfile_remove(kf, kf->count - 1);
}

Test(sealing_refused, a_file_under_our_root_that_is_no_sound_ring_is_damage)
{
	static void (*const hurt[])(struct keyfile *) = { break_seed, break_key, drop_seed, drop_all,
		misuse_seed, misuse_key, swap_ids, number_ahead, share_slot, drop_use };
	struct fault f = { 0 };
	struct rootkey *root;
	struct keyfile kf;
	struct ring r;

	for (unsigned i = 0; i < COUNT_OF(hurt); i++) {
		ring_open(&r);
		cr_assert_eq(rootkey_new(r.root, &root, &f), RC_OK);
		cr_assert_eq(keyfile_load(scratch_path(&r.s, "ring"), KEYFILE_RECORDS, root, &kf, &f), RC_OK);
		hurt[i](&kf);
		cr_assert_eq(keyfile_save(r.s.path, &kf, root, &f), RC_OK);
		keyfile_fini(&kf);
		rootkey_free(root);
		f.count = 0;
		cr_expect_eq(open_ring(&r), RC_CORRUPT, "row %u", i);
		/* the seed is read once, at the start */
		cr_expect_eq(keyring_reload(r.keyring, &f), i == 0 ? RC_OK : RC_CORRUPT, "row %u", i);
		cr_expect_eq(keyring_count(r.keyring), KEY_USES);
		ring_close(&r);
	}
}

Test(sealing_refused, a_damaged_file_takes_no_key_away)
{
	uint8_t old[5 + SEAL_OVERHEAD];
	struct fault f = { 0 };
	struct rootkey *root;
	struct keyfile kf;
	struct ring r;

	ring_open(&r);
	seal(r.keyring, KEY_RECORD, "key", old);
	cr_assert_eq(keyring_renew(r.keyring, KEY_RECORD, &f), RC_OK);
	cr_assert_eq(rootkey_new(r.root, &root, &f), RC_OK);
	cr_assert_eq(keyfile_load(scratch_path(&r.s, "ring"), KEYFILE_RECORDS, root, &kf, &f), RC_OK);
	cr_assert_eq(kf.entries[1].id, sealed_key_id(BYTES_OF(old)));
	keyfile_remove(&kf, 1);
	break_key(&kf);
	cr_assert_eq(keyfile_save(r.s.path, &kf, root, &f), RC_OK);
	keyfile_fini(&kf);
	rootkey_free(root);
	cr_expect_eq(keyring_reload(r.keyring, &f), RC_CORRUPT);
	cr_expect_eq(open_as(r.keyring, "key", old), RC_OK);
	ring_close(&r);
}

Test(sealing_refused, an_id_is_never_given_out_behind_the_last)
{
	static const struct id nobody;
	const uint8_t key[AEAD_KEY] = { 1 };
	struct fault f = { 0 };
	struct rootkey *root, *other;
	struct secret *secret = root_of(9);
	struct keyfile kf;
	struct ring r;

	ring_open(&r);
	cr_assert_eq(rootkey_new(r.root, &root, &f), RC_OK);
	cr_assert_eq(rootkey_new(secret, &other, &f), RC_OK);
	cr_assert_eq(keyfile_load(scratch_path(&r.s, "ring"), KEYFILE_RECORDS, root, &kf, &f), RC_OK);
	cr_expect_eq(keyfile_rewrap(&kf, other, root), RC_CORRUPT, "another root opens none of them");
	kf.next_id = UINT32_MAX;
	cr_expect_eq(keyfile_insert(&kf, kf.count, &nobody, KEY_EVENT, root, key), RC_TOO_BIG);
	cr_assert_eq(keyfile_save(r.s.path, &kf, root, &f), RC_OK);
	keyfile_fini(&kf);
	cr_assert_eq(keyring_reload(r.keyring, &f), RC_OK);
	cr_expect_eq(keyring_renew(r.keyring, KEY_EVENT, &f), RC_TOO_BIG);
	rootkey_free(root);
	rootkey_free(other);
	secret_free(secret);
	ring_close(&r);
}

Test(sealing_refused, a_ring_whose_file_is_gone_or_of_another_ring_goes_on_with_what_it_has)
{
	uint8_t sealed[5 + SEAL_OVERHEAD];
	struct keyring *none;
	struct fault f = { 0 };
	struct ring r;

	ring_open(&r);
	seal(r.keyring, KEY_RECORD, "key", sealed);
	cr_assert_eq(unlink(scratch_path(&r.s, "ring")), 0);
	cr_expect_neq(keyring_reload(r.keyring, &f), RC_OK);
	cr_expect_eq(keyring_open(r.s.path, r.root, &none, &f), RC_NOT_FOUND);
	cr_assert_eq(keyring_create(r.s.path, r.root, &f), RC_OK);
	cr_expect_eq(keyring_reload(r.keyring, &f), RC_CORRUPT, "another ring of the same root");
	cr_expect_eq(open_as(r.keyring, "key", sealed), RC_OK);
	ring_close(&r);
}

/* ---- envelopes ---- */

static struct rootkey *root;
static int fd;

static enum rc
write_and_read(void *arg)
{
	struct envelope *e = NULL;
	uint8_t out[5];
	enum rc rc;

	(void)arg;
	cr_assert_eq(ftruncate(fd, 0), 0);
	cr_assert_eq(lseek(fd, 0, SEEK_SET), 0);
	rc = envelope_begin(fd, root, &e);
	if (rc == RC_OK && (rc = envelope_write(e, bytes_str("plain"))) == RC_OK)
		rc = envelope_finish(e);
	envelope_free(e);
	cr_assert_eq(lseek(fd, 0, SEEK_SET), 0);
	if (rc == RC_OK && (rc = envelope_open(fd, root, &e)) == RC_OK) {
		rc = envelope_read(e, out, sizeof(out));
		envelope_free(e);
	}
	return rc;
}

static void
make_root(void)
{
	struct secret *bytes = root_of(3);
	struct fault f = { 0 };

	cr_assert_eq(rootkey_new(bytes, &root, &f), RC_OK);
	secret_free(bytes);
	fd = memfd_create("envelope", 0);
}

Test(sealing_refused, an_envelope_needs_memory, .init = make_root)
{
	NEEDS_FAMINE();
	cr_expect_geq(famine_each(write_and_read, NULL, RC_UNAVAILABLE), 4);
	rootkey_free(root);
}

Test(sealing_refused, what_cannot_be_written_or_read_is_said, .init = make_root)
{
	static const uint8_t much[200000];
	const int directory = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct envelope *e;
	int ends[2];

	cr_assert_eq(pipe(ends), 0);
	signal(SIGPIPE, SIG_IGN);
	cr_assert_eq(envelope_begin(ends[1], root, &e), RC_OK);
	close(ends[0]);
	cr_expect_eq(envelope_write(e, BYTES_OF(much)), RC_UNAVAILABLE);
	cr_expect_eq(envelope_finish(e), RC_UNAVAILABLE);
	envelope_free(e);
	cr_expect_eq(envelope_begin(ends[1], root, &e), RC_UNAVAILABLE);
	cr_expect_null(e);
	cr_expect_eq(envelope_open(directory, root, &e), RC_UNAVAILABLE);
	cr_expect_null(e);
	close(ends[1]);
	close(directory);
	rootkey_free(root);
	assert_no_leak();
}

static int late[2];
static uint8_t wire[256];
static ssize_t wire_len;

static void
deliver(int number)
{
	(void)number;
	(void)!write(late[1], wire, (size_t)wire_len);
}

Test(sealing_refused, a_signal_while_it_waits_is_no_end, .init = make_root)
{
	const struct itimerval soon = { .it_value = { .tv_usec = 100000 } };
	const struct sigaction act = { .sa_handler = deliver }; /* without SA_RESTART */
	struct envelope *e;

	cr_assert_eq(write_and_read(NULL), RC_OK);
	cr_assert_gt(wire_len = pread(fd, wire, sizeof(wire), 0), 0);
	cr_assert_eq(pipe(late), 0);
	cr_assert_eq(sigaction(SIGALRM, &act, NULL), 0);
	cr_assert_eq(setitimer(ITIMER_REAL, &soon, NULL), 0);
	cr_expect_eq(envelope_open(late[0], root, &e), RC_OK);
	envelope_free(e);
	rootkey_free(root);
}

static enum rc
open_piece(uint32_t len)
{
	struct envelope *e = NULL;
	uint8_t text[4], out[5];
	enum rc rc;

	cr_assert_eq(write_and_read(NULL), RC_OK);
	put_u32(text, len);
	cr_assert_eq(pwrite(fd, text, sizeof(text), 8 + AEAD_NONCE + AEAD_KEY + AEAD_TAG), sizeof(text));
	cr_assert_eq(lseek(fd, 0, SEEK_SET), 0);
	cr_assert_eq(envelope_open(fd, root, &e), RC_OK);
	rc = envelope_read(e, out, sizeof(out));
	envelope_free(e);
	return rc;
}

Test(sealing_refused, a_piece_longer_than_any_is_not_read, .init = make_root)
{
	cr_expect_eq(open_piece(65537), RC_CORRUPT);
	cr_expect_eq(open_piece(0x80000000u | 65537), RC_CORRUPT);
	cr_expect_eq(open_piece(0), RC_CORRUPT);
	cr_expect_eq(open_piece(0x80000000u | 5), RC_OK);
	rootkey_free(root);
}
