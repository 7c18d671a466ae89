/* SPDX-License-Identifier: Apache-2.0 */
/* Entries that nobody waits for, on a machine that refuses; and a trail with texts that are none of ours. */
#include "../famine.h"
#include "signed_trail.h"
#include "thread_refusal.h"

#define PATIENCE 3000u /* times ten milliseconds: only a failure waits so long */

TestSuite(ledger_refused, .init = trail_open, .fini = trail_close, .timeout = 120);

static struct ledger *ledger;

static enum rc
start_and_stop(void *arg)
{
	const enum rc rc = ledger_new(x.store, &ledger);

	(void)arg;
	cr_expect_eq(ledger != NULL, rc == RC_OK);
	ledger_free(ledger);
	return rc;
}

Test(ledger_refused, without_a_thread_or_memory_there_is_no_queue)
{
	threads_refused(start_and_stop, NULL);
}

Test(ledger_refused, without_memory_there_is_no_queue)
{
	NEEDS_FAMINE();
	cr_expect_geq(famine_each(start_and_stop, NULL, RC_UNAVAILABLE), 10);
}

static uint64_t
written(void)
{
	struct store_stats stats;

	store_stats(x.store, &stats);
	return stats.commits;
}

static const struct audit_entry entry = { .at = 1, .action = "searches_create" };

static bool
is_written(uint64_t commits)
{
	for (unsigned i = 0; i < PATIENCE && written() < commits; i++)
		usleep(10000);
	return written() >= commits;
}

Test(ledger_refused, a_store_that_gives_no_snapshot_gets_the_entries_later)
{
	atomic_store(&hasty_ms, 5);
	cr_assert_eq(ledger_new(x.store, &ledger), RC_OK);
	atomic_store(&fixture_read_fails, 1);
	cr_assert_eq(ledger_record_later(ledger, &entry), RC_OK);
	cr_expect(is_written(1));
	cr_expect_eq(atomic_load(&fixture_read_fails), 0);
	ledger_free(ledger);
}

Test(ledger_refused, at_the_end_a_disk_that_still_fails_is_not_waited_for)
{
	cr_assert_eq(ledger_new(x.store, &ledger), RC_OK);
	atomic_store(&fixture_disk_fails, true);
	cr_assert_eq(ledger_record_later(ledger, &entry), RC_OK);
	ledger_free(ledger);
	atomic_store(&fixture_disk_fails, false);
	cr_expect_eq(written(), 0);
}

static void *
put_something(void *arg)
{
	const struct id id = { { 5 } };
	struct org org = { .id = id };

	(void)arg;
	fixture_put(&x, KIND_ORG, &id, &org);
	return NULL;
}

static bool
are_waiting(unsigned count)
{
	struct store_stats stats = { .waiting = 0 };

	for (unsigned i = 0; i < PATIENCE && stats.waiting < count; i++) {
		usleep(10000);
		store_stats(x.store, &stats);
	}
	return stats.waiting >= count;
}

Test(ledger_refused, a_key_replaced_while_entries_wait_for_the_disk_seals_them_anew)
{
	struct fault f = { 0 };
	pthread_t thread;

	cr_assert_eq(ledger_new(x.store, &ledger), RC_OK);
	pthread_mutex_lock(&fixture_disk);
	cr_assert_eq(pthread_create(&thread, NULL, put_something, NULL), 0);
	cr_assert(are_waiting(1));
	cr_assert_eq(ledger_record_later(ledger, &entry), RC_OK);
	cr_assert(are_waiting(2));
	cr_assert_eq(keyring_renew(x.ring, KEY_AUDIT, &f), RC_OK);
	pthread_mutex_unlock(&fixture_disk);
	pthread_join(thread, NULL);
	ledger_free(ledger);
	cr_expect_eq(written(), 2);
}

/* ---- texts that are none of ours ---- */

static bool
count_one(void *arg, const struct audit_entry *e)
{
	(void)e;
	++*(unsigned *)arg;
	return true;
}

static enum rc
read_all(struct txn *t, void *arg)
{
	*(unsigned *)arg = 0;
	return ledger_read(t, 1, count_one, arg);
}

static enum rc
verify(struct txn *t, void *arg)
{
	return ledger_verify(t, NULL, NULL, arg);
}

Test(ledger_refused, a_text_that_is_no_entry_is_an_alteration_though_it_opens)
{
	struct ledger_report report;
	unsigned count;

	trail_fill(2);
	trail_slip_in(LOG_AUDIT, (const uint8_t *)"x", 1);
	cr_expect_eq(fixture_view(&x, read_all, &count), RC_CORRUPT);
	cr_expect_eq(count, 2);
	cr_expect_geq(fixture_update_starved(&x, verify, &report), 2);
	cr_expect_eq(report.first_bad, 3);
	cr_expect_str_eq(report.finding, "altered");
}

Test(ledger_refused, a_disk_that_fails_over_a_broken_entry_is_no_finding)
{
	const struct key third = log_key(LOG_AUDIT, 3);
	struct ledger_report report;

	trail_fill(4);
	trail_break(&third);
	cr_expect_geq(fixture_update_starved(&x, verify, &report), 3);
	cr_expect_eq(report.first_bad, 3);
}

/* ---- signing ---- */

static enum rc
prove(struct txn *t, void *arg)
{
	return tree_inclusion(t, 3, 600, arg);
}

Test(ledger_refused, signing_goes_on_where_it_was_when_disk_or_memory_failed)
{
	static struct merkle_proof proof;
	struct checkpoint c;
	enum rc rc;
	unsigned n = 1;

	trail_fill(600);
	for (;; n++) {
		atomic_store(&fixture_read_fails, n);
		rc = tree_sign(x.store, x.arena, &signer, 2000, &c);
		arena_rewind(x.arena, 0);
		if (atomic_exchange(&fixture_read_fails, 0) > 0)
			break;
		cr_assert_eq(rc, RC_UNAVAILABLE, "read %u fails: %d", n, rc);
	}
	cr_expect(rc == RC_OK && n > 600 && c.number == 1 && c.size == 600);
	cr_expect_geq(fixture_update_starved(&x, prove, &proof), 5);
	trail_fill(600);
	for (size_t cap = 0; cap < FIXTURE_ARENA; cap += 256) {
		struct arena *small = arena_new(cap);

		rc = tree_sign(x.store, small, &signer, 2000, &c);
		arena_free(small);
		if (rc == RC_OK)
			break;
		cr_assert(rc == RC_UNAVAILABLE || rc == RC_TOO_BIG, "%zu bytes: %d", cap, rc);
	}
	cr_expect(rc == RC_OK && c.number == 2 && c.size == 1200);
}

Test(ledger_refused, a_checkpoint_whose_range_is_not_its_root_s_is_not_gone_on_from)
{
	struct checkpoint c;

	trail_fill(5);
	c = trail_sign();
	c.range_len -= 32;
	trail_put(&c);
	trail_fill(1);
	cr_expect_eq(tree_sign(x.store, x.arena, &signer, 3000, &c), RC_CORRUPT);
}
