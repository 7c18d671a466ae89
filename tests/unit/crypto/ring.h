/* SPDX-License-Identifier: Apache-2.0 */
/* A ring in a directory of its own, and a value sealed and opened under it. */
#ifndef MENEDEK_TEST_RING_H
#define MENEDEK_TEST_RING_H

#include <sys/stat.h>

#include "scratch.h"

#include "crypto/keyring.h"

struct ring {
	struct scratch s;
	struct secret *root;
	struct keyring *keyring;
};

static inline void
ring_open(struct ring *r)
{
	struct fault f = { 0 };

	r->s = scratch_new();
	r->root = root_of(1);
	cr_assert_eq(keyring_create(scratch_path(&r->s, "ring"), r->root, &f), RC_OK);
	cr_assert_eq(keyring_open(scratch_path(&r->s, "ring"), r->root, &r->keyring, &f), RC_OK);
}

static inline void
ring_close(struct ring *r)
{
	keyring_free(r->keyring);
	secret_free(r->root);
	scratch_remove(&r->s);
	assert_no_leak();
}

static inline void
seal(struct keyring *k, enum key_use use, const char *bound, uint8_t out[5 + SEAL_OVERHEAD])
{
	cr_assert_eq(keyring_seal(k, use, bytes_str(bound), bytes_str("plain"), out), RC_OK);
}

#define DAY     86400
#define NOON(n) ((n) * (int64_t)DAY + DAY / 2)

/* What the next file is written to first is a directory with something in it: no write can succeed. */
static inline void
block_writes(struct scratch *s)
{
	cr_assert_eq(mkdir(scratch_path(s, "ring.tmp"), 0700), 0);
	cr_assert_eq(mkdir(scratch_path(s, "ring.tmp/x"), 0700), 0);
}

static inline void
allow_writes(struct scratch *s)
{
	cr_assert_eq(rmdir(scratch_path(s, "ring.tmp/x")), 0);
	cr_assert_eq(rmdir(scratch_path(s, "ring.tmp")), 0);
}

static inline enum rc
open_as(struct keyring *k, const char *bound, const uint8_t sealed[5 + SEAL_OVERHEAD])
{
	uint8_t plain[5];
	size_t len;
	enum rc rc = keyring_open_sealed(
	    k, bytes_str(bound), (struct bytes){ sealed, 5 + SEAL_OVERHEAD }, plain, &len);

	cr_assert_eq(len, rc == RC_OK ? 5 : 0);
	cr_assert(rc != RC_OK || memcmp(plain, "plain", 5) == 0);
	return rc;
}

#endif
