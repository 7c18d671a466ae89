/* SPDX-License-Identifier: Apache-2.0 */
/*
 * OpenSSL fails in the middle of a cipher: nothing half sealed is kept, nothing half opened is shown, keys
 * and their files stay what they were, and the next try succeeds.  Sealing that fails is a bug of somebody's,
 * so that a debug build ends there (log_bug).
 */
#include "../refusal.h"
#include "ring.h"

#include <limits.h>
#include <sys/mman.h>

#include "crypto/envelope.h"
#include "crypto/ossl.h"
#include "crypto/vaultcard.h"

REFUSABLE(int, EVP_CipherInit_ex,
    (EVP_CIPHER_CTX * c, const EVP_CIPHER *cipher, ENGINE *engine, const unsigned char *key,
	const unsigned char *nonce, int way),
    (c, cipher, engine, key, nonce, way), 0)
REFUSABLE(int, EVP_CipherUpdate,
    (EVP_CIPHER_CTX * c, unsigned char *out, int *n, const unsigned char *in, int len), (c, out, n, in, len),
    0)
REFUSABLE(int, EVP_CipherFinal_ex, (EVP_CIPHER_CTX * c, unsigned char *out, int *n), (c, out, n), 0)
REFUSABLE(int, EVP_CIPHER_CTX_ctrl, (EVP_CIPHER_CTX * c, int type, int n, void *p), (c, type, n, p), 0)

static const uint8_t key[AEAD_KEY] = { 1, 2, 3 };

/* The way on any processor: our own cipher asks nobody. */
static void
set_up(void)
{
	ossl_contexts()->is_fast = false;
}

TestSuite(cipher_refused, .init = set_up, .timeout = 60);

typedef enum rc try_fn(void *arg);

/* ${fn} with the Nth call of each function refused, for each N: it must fail every time, and then succeed.
 * Returns how many calls were refused. */
static unsigned
each_refused(try_fn *fn, void *arg)
{
	static atomic_uint *const refuse[] = { &refuse_EVP_CipherInit_ex, &refuse_EVP_CipherUpdate,
		&refuse_EVP_CipherFinal_ex, &refuse_EVP_CIPHER_CTX_ctrl };
	unsigned count = 0;

	for (unsigned i = 0; i < COUNT_OF(refuse); i++)
		for (unsigned n = 1;; n++, count++) {
			enum rc rc;

			atomic_store(refuse[i], n);
			rc = fn(arg);
			if (atomic_exchange(refuse[i], 0) > 0) {
				cr_assert_eq(rc, RC_OK, "left alone: %d", rc);
				break;
			}
			cr_assert(
			    rc == RC_INTERNAL || rc == RC_CORRUPT, "function %u, call %u: %d", i, n, rc);
		}
	return count;
}

struct text {
	uint8_t nonce[AEAD_NONCE], sealed[5 + AEAD_TAG];
};

static enum rc
open_text(void *arg)
{
	static const uint8_t nothing[5];
	const struct text *t = arg;
	uint8_t plain[5];
	enum rc rc;

	memset(plain, 'x', sizeof(plain));
	rc = aead_open(key, t->nonce, bytes_str("bound"), BYTES_OF(t->sealed), plain);
	cr_expect_arr_eq(plain, rc == RC_OK ? (const uint8_t *)"plain" : nothing, sizeof(plain));
	return rc;
}

Test(cipher_refused, of_what_is_opened_halfway_nothing_is_shown)
{
	const struct bytes endless = { key, (size_t)INT_MAX + 1 };
	struct text t;
	uint8_t plain[5];

	cr_assert_eq(aead_seal(key, bytes_str("bound"), bytes_str("plain"), t.nonce, t.sealed), RC_OK);
	cr_expect_eq(each_refused(open_text, &t), 5);
	cr_expect_eq(aead_open(key, t.nonce, endless, BYTES_OF(t.sealed), plain), RC_CORRUPT);
}

#ifndef MENEDEK_DEBUG

static enum rc
seal_text(void *arg)
{
	struct text *t = arg;

	return aead_seal(key, bytes_str("bound"), bytes_str("plain"), t->nonce, t->sealed);
}

Test(cipher_refused, what_is_sealed_halfway_is_an_error)
{
	const struct bytes endless = { key, (size_t)INT_MAX + 1 };
	struct text t;

	cr_expect_eq(each_refused(seal_text, &t), 5);
	cr_expect_eq(open_text(&t), RC_OK);
	cr_expect_eq(aead_seal(key, endless, bytes_str("plain"), t.nonce, t.sealed), RC_INTERNAL);
	cr_expect_eq(aead_seal(key, bytes_str("bound"), endless, t.nonce, t.sealed), RC_INTERNAL);
	assert_no_leak();
}

static struct rootkey *root;

static void
make_root(void)
{
	struct secret *bytes = root_of(3);
	struct fault f = { 0 };

	set_up();
	cr_assert_eq(rootkey_new(bytes, &root, &f), RC_OK);
	secret_free(bytes);
}

static enum rc
seal_card(void *arg)
{
	const struct id house = { { 7 } };
	uint8_t sealed[5 + VAULTCARD_OVERHEAD], plain[5];
	size_t len = 0;
	enum rc rc = vaultcard_seal(root, &house, bytes_str("plain"), sealed);

	(void)arg;
	if (rc == RC_OK)
		rc = vaultcard_open(root, &house, BYTES_OF(sealed), plain, &len);
	cr_expect_eq(len, rc == RC_OK ? 5 : 0);
	return rc;
}

Test(cipher_refused, a_location_is_sealed_whole_or_not, .init = make_root)
{
	cr_expect_eq(each_refused(seal_card, NULL), 20);
	rootkey_free(root);
}

static enum rc
write_and_read(void *arg)
{
	const int fd = *(const int *)arg;
	struct envelope *e = NULL;
	uint8_t out[5];
	enum rc rc;

	cr_assert(ftruncate(fd, 0) == 0 && lseek(fd, 0, SEEK_SET) == 0);
	rc = envelope_begin(fd, root, &e);
	if (rc == RC_OK && (rc = envelope_write(e, bytes_str("plain"))) == RC_OK)
		rc = envelope_finish(e);
	envelope_free(e);
	e = NULL;
	cr_assert_eq(lseek(fd, 0, SEEK_SET), 0);
	if (rc == RC_OK && (rc = envelope_open(fd, root, &e)) == RC_OK)
		rc = envelope_read(e, out, sizeof(out));
	envelope_free(e);
	return rc;
}

Test(cipher_refused, an_envelope_says_so, .init = make_root)
{
	int fd = memfd_create("envelope", 0);

	cr_expect_eq(each_refused(write_and_read, &fd), 20);
	rootkey_free(root);
	assert_no_leak();
}

/* ---- rings ---- */

static enum rc
create_ring(void *arg)
{
	struct ring *r = arg;
	struct fault f = { 0 };
	char path[300];
	enum rc rc;

	snprintf(path, sizeof(path), "%s/another", r->s.dir);
	unlink(path);
	rc = keyring_create(path, r->root, &f);
	cr_expect_eq(access(path, F_OK) == 0, rc == RC_OK, "a file only when it is whole");
	return rc;
}

static enum rc
open_ring(void *arg)
{
	struct ring *r = arg;
	struct keyring *k;
	struct fault f = { 0 };
	const enum rc rc = keyring_open(scratch_path(&r->s, "ring"), r->root, &k, &f);

	cr_expect_eq(k != NULL, rc == RC_OK);
	keyring_free(k);
	return rc;
}

/* What the ring seals now opens with the file as it stands. */
static void
expect_at_one(struct ring *r)
{
	uint8_t sealed[5 + SEAL_OVERHEAD];
	struct keyring *k;
	struct fault f = { 0 };

	for (enum key_use use = 0; use < KEY_USES; use++) {
		seal(r->keyring, use, "key", sealed);
		cr_assert_eq(keyring_open(scratch_path(&r->s, "ring"), r->root, &k, &f), RC_OK);
		cr_expect_eq(open_as(k, "key", sealed), RC_OK, "use %d", (int)use);
		keyring_free(k);
	}
}

static enum rc
rotate_ring(void *arg)
{
	struct ring *r = arg;
	struct fault f = { 0 };
	const unsigned count = keyring_count(r->keyring);
	const uint64_t generation = keyring_generation(r->keyring);
	const enum rc rc = keyring_rotate(r->keyring, r->root, &f);

	cr_expect_eq(keyring_count(r->keyring), count + (rc == RC_OK ? KEY_USES : 0));
	cr_expect_eq(keyring_generation(r->keyring), generation + (rc == RC_OK));
	cr_expect_eq(f.count, rc != RC_OK);
	return rc;
}

Test(cipher_refused, a_ring_and_its_file_stay_at_one_when_a_change_breaks_off)
{
	uint8_t old[5 + SEAL_OVERHEAD];
	struct ring r;

	ring_open(&r);
	seal(r.keyring, KEY_RECORD, "key", old);
	cr_expect_geq(each_refused(create_ring, &r), 5 * KEY_USES);
	cr_expect_geq(each_refused(open_ring, &r), 5 * KEY_USES);
	cr_expect_geq(each_refused(rotate_ring, &r), 10 * KEY_USES);
	expect_at_one(&r);
	cr_expect_eq(open_as(r.keyring, "key", old), RC_OK);
	ring_close(&r);
}

#endif
