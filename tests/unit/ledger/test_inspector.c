/* SPDX-License-Identifier: Apache-2.0 */
/* The self-check's thread on a machine that refuses, and the inspections of what only a thief would leave. */
#include "ledger/inspector.h"

#include "../famine.h"
#include "signed_trail.h"
#include "thread_refusal.h"

TestSuite(inspector, .init = trail_open, .fini = trail_close, .timeout = 60);

/* ---- damage of the newest ---- */

static struct inspection newest, whole;
static struct checkpoint latest;

static enum rc
look_newest(struct txn *t, void *arg)
{
	(void)arg;
	return inspect_newest(t, &signer, &latest, &newest);
}

static enum rc
look_all(struct txn *t, void *arg)
{
	(void)arg;
	return inspect_all(t, x.arena, &signer, NULL, &whole);
}

static void
expect_newest(enum audit_finding finding, uint64_t first)
{
	cr_assert_eq(fixture_view(&x, look_newest, NULL), RC_OK);
	cr_expect_eq(newest.finding, finding, "%s", codes_audit_finding.rows[newest.finding].code);
	cr_expect_eq(newest.first, first);
}

Test(inspector, the_copies_of_the_latest_checkpoint_vouch_for_each_other)
{
	const struct key at = checkpoint_key(0), two = checkpoint_key(2), three = checkpoint_key(3);
	struct checkpoint c;

	trail_fill(3);
	(void)trail_sign();
	trail_fill(3);
	c = trail_sign();
	expect_newest(AUDIT_IN_ORDER, 0);
	fixture_raw_put(&three, bytes_str("nothing that opens"));
	expect_newest(AUDIT_CHECKPOINT, 0);
	trail_remove(&three);
	trail_break(&two);
	expect_newest(AUDIT_CHECKPOINT, 0);
	trail_break(&two);
	c.at++; /* signed, but not what stands under its number */
	cr_assert_eq(checkpoint_sign(&signer, &c), RC_OK);
	fixture_put_at(&x, KIND_CHECKPOINT, &at, &c);
	expect_newest(AUDIT_CHECKPOINT, 0);
}

Test(inspector, an_entry_after_the_latest_checkpoint_that_does_not_open_is_named)
{
	const struct key entry = log_key(LOG_AUDIT, 5);

	trail_fill(4);
	(void)trail_sign();
	trail_fill(3);
	fixture_raw_put(&entry, bytes_str("short"));
	expect_newest(AUDIT_ALTERED, 5);
}

static void
put_head(uint64_t count)
{
	const struct key at = log_head_key(LOG_AUDIT);
	const struct log_head other = { .count = count, .head = { 1 } };
	uint8_t text[LOG_HEAD_BYTES];

	log_head_write(&other, text);
	fixture_raw_put(&at, (struct bytes){ text, sizeof(text) });
}

Test(inspector, a_head_of_another_chain_is_an_alteration)
{
	trail_fill(4);
	(void)trail_sign();
	put_head(4);
	expect_newest(AUDIT_ALTERED, 0);
}

Test(inspector, a_head_of_another_chain_alters_what_came_since_the_checkpoint)
{
	trail_fill(4);
	(void)trail_sign();
	trail_fill(2);
	put_head(6);
	expect_newest(AUDIT_ALTERED, 5);
}

Test(inspector, after_a_long_silence_of_the_notary_the_whole_walk_sees_what_the_quick_one_leaves)
{
	const struct key entry = log_key(LOG_AUDIT, 4000);

	trail_fill(1);
	(void)trail_sign();
	trail_fill(4100);
	trail_break(&entry);
	expect_newest(AUDIT_IN_ORDER, 0);
	cr_assert_eq(fixture_view(&x, look_all, NULL), RC_OK);
	cr_expect_eq(whole.finding, AUDIT_ALTERED);
	cr_expect_eq(whole.first, 4000);
}

Test(inspector, a_disk_that_fails_is_no_finding)
{
	const struct key first = checkpoint_key(1);

	trail_fill(4);
	(void)trail_sign();
	cr_expect_geq(fixture_update_starved(&x, look_all, NULL), 4);
	cr_expect_eq(whole.finding, AUDIT_IN_ORDER);
	trail_remove(&first);
	cr_expect_geq(fixture_update_starved(&x, look_all, NULL), 4);
	cr_expect_eq(whole.finding, AUDIT_CHECKPOINT, "the copy of the newest says that there was one");
	cr_expect_geq(fixture_update_starved(&x, look_newest, NULL), 3);
}

/* ---- the thread ---- */

static enum rc
start_and_stop(void *arg)
{
	struct inspector *i;
	struct fault f = { 0 };
	const enum rc rc = inspector_start(x.store, &signer, &i, &f);

	(void)arg;
	cr_expect_eq(i != NULL, rc == RC_OK);
	cr_expect_eq(f.count, rc != RC_OK);
	inspector_stop(i);
	return rc;
}

Test(inspector, without_a_thread_it_does_not_start_and_leaves_nothing)
{
	threads_refused(start_and_stop, NULL);
	trail_close();
	cr_expect_eq(FIXTURE_LEAKS(), 0);
	trail_open();
}

Test(inspector, without_memory_it_does_not_start)
{
	NEEDS_FAMINE();
	cr_expect_geq(famine_each(start_and_stop, NULL, RC_UNAVAILABLE), 2);
}

static bool
comes(struct inspector *i)
{
	struct inspection found = { .at = 0 };

	for (unsigned n = 0; n < 1500 && found.at == 0; n++) {
		usleep(20000);
		inspector_last(i, &found);
	}
	return found.at != 0;
}

Test(inspector, a_store_that_could_not_be_read_is_looked_at_again)
{
	struct inspector *i;
	struct fault f = { 0 };

	trail_fill(3);
	atomic_store(&hasty_ms, 5);
	atomic_store(&fixture_read_fails, 1);
	cr_assert_eq(inspector_start(x.store, &signer, &i, &f), RC_OK);
	cr_expect(comes(i));
	cr_expect_eq(atomic_load(&fixture_read_fails), 0);
	inspector_stop(i);
}

/* ---- told to end in the middle of a walk ---- */

static atomic_bool is_in, is_joined;
static const struct engine_ops *honest;

static enum rc
slow_snapshot(struct engine *engine, struct snapshot **out)
{
	atomic_store(&is_in, true);
	for (unsigned i = 0; i < 3000 && !atomic_load(&is_joined); i++)
		usleep(10000);
	return honest->snapshot(engine, out);
}

/* The thread is told to end before it is joined. */
int
pthread_join(pthread_t thread, void **result)
{
	int (*real)(pthread_t, void **);

	atomic_store(&is_joined, true);
	REFUSAL_REAL(pthread_join, real);
	return real(thread, result);
}

Test(inspector, told_to_end_in_the_middle_of_its_walk_it_ends_without_a_result)
{
	struct engine_ops slow = *fixture_below;
	struct inspector *i;
	struct fault f = { 0 };

	trail_fill(3);
	honest = fixture_below;
	slow.snapshot = slow_snapshot;
	fixture_below = &slow;
	atomic_store(&is_joined, false);
	cr_assert_eq(inspector_start(x.store, &signer, &i, &f), RC_OK);
	for (unsigned n = 0; n < 3000 && !atomic_load(&is_in); n++)
		usleep(10000);
	cr_assert(atomic_load(&is_in));
	inspector_stop(i);
	fixture_below = honest;
	inspector_stop(NULL);
}
