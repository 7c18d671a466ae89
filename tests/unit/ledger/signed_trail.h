/* SPDX-License-Identifier: Apache-2.0 */
/* A store with a trail, and who signs it. */
#ifndef MENEDEK_TEST_SIGNED_TRAIL_H
#define MENEDEK_TEST_SIGNED_TRAIL_H

#include "ledger/tree.h"

#include "../store_fixture.h"
#include "ledger/ledger.h"

static struct fixture x;
static struct signing_key *key;
static struct signer signer;

static inline void
trail_open(void)
{
	struct pem private, public;

	fixture_new(&x, &engine_memory);
	cr_assert_eq(signing_new(&private, &public), RC_OK);
	cr_assert_eq(signing_load(&private, true, &key), RC_OK);
	cr_assert_eq(signer_init(&signer, "localhost", key), RC_OK);
}

static inline void
trail_close(void)
{
	signing_free(key);
	fixture_free(&x);
}

static inline enum rc
trail_record(struct txn *t, void *arg)
{
	return ledger_record(t, arg);
}

static inline void
trail_add(struct audit_entry e)
{
	random_fill(e.salt, sizeof(e.salt));
	cr_assert_eq(fixture_update(&x, trail_record, &e), RC_OK);
}

#define TRAIL_BATCH 60u

static inline enum rc
trail_record_some(struct txn *t, void *arg)
{
	struct audit_entry e = { .at = 1000, .action = "orgs_read" };
	enum rc rc = RC_OK;

	for (unsigned i = *(const unsigned *)arg; i > 0 && rc == RC_OK; i--)
		rc = ledger_record(t, &e);
	return rc;
}

/* ${count} entries of no interest. */
static inline void
trail_fill(unsigned count)
{
	while (count > 0) {
		unsigned some = count < TRAIL_BATCH ? count : TRAIL_BATCH;

		cr_assert_eq(fixture_update(&x, trail_record_some, &some), RC_OK);
		count -= some;
	}
}

static inline struct checkpoint
trail_sign(void)
{
	struct checkpoint latest;

	cr_assert_eq(tree_sign(x.store, x.arena, &signer, 2000, &latest), RC_OK);
	arena_rewind(x.arena, 0);
	return latest;
}

/* Put ${c} where the latest stands, and where its number does. */
static inline void
trail_put(const struct checkpoint *c)
{
	const struct key at = checkpoint_key(0), numbered = checkpoint_key(c->number);

	fixture_put_at(&x, KIND_CHECKPOINT, &at, c);
	fixture_put_at(&x, KIND_CHECKPOINT, &numbered, c);
}

static inline void
trail_remove(const struct key *at)
{
	fixture_raw_put(at, (struct bytes){ NULL, 0 });
}

/* What stands there does not open any more. */
static inline void
trail_break(const struct key *at)
{
	struct bytes raw = fixture_raw_get(at);

	((uint8_t *)(uintptr_t)raw.p)[raw.len - 1] ^= 1;
	fixture_raw_put(at, raw);
	free((void *)(uintptr_t)raw.p);
}

struct trail_text {
	uint8_t leaf[LOG_LEAF];
	const uint8_t *p;
	size_t len;
	enum store_log log;
};

static inline enum rc
trail_append(struct txn *t, void *arg)
{
	const struct trail_text *text = arg;

	return txn_append(t, text->log, text->leaf, KEY_AUDIT, (struct bytes){ text->p, text->len });
}

/* An entry as no writer of ours makes it, but sealed as ours are. */
static inline void
trail_slip_in(enum store_log log, const uint8_t *p, size_t len)
{
	struct trail_text text = { .p = p, .len = len, .log = log };

	cr_assert_eq(fixture_update(&x, trail_append, &text), RC_OK);
}

#endif
