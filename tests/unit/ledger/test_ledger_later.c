/* SPDX-License-Identifier: Apache-2.0 */
/* Entries that nobody waits for: soon there, in order, never dropped, and refused while they cannot be kept.
 */
#include <pthread.h>

#include "../store_fixture.h"
#include "base/clock.h"
#include "ledger/ledger.h"

static struct fixture x;
static struct ledger *ledger;

static void
set_up(void)
{
	fixture_new(&x, &engine_memory);
	cr_assert_eq(ledger_new(x.store, &ledger), RC_OK);
}

static void
tear_down(void)
{
	ledger_free(ledger);
	ledger = NULL;
	fixture_free(&x);
}

TestSuite(ledger_later, .init = set_up, .fini = tear_down, .timeout = 60);

static struct audit_entry
entry_of(unsigned i)
{
	return (struct audit_entry){ .at = i, .action = "searches_create" };
}

#define PATIENCE_MS 30000 /* for what has to come: only a failure waits so long */

static enum rc
verify(struct txn *t, void *arg)
{
	return ledger_verify(t, NULL, NULL, arg);
}

static uint64_t
written(void)
{
	struct ledger_report r;

	cr_assert_eq(fixture_view(&x, verify, &r), RC_OK);
	cr_assert_eq(r.first_bad, 0);
	return r.entries;
}

static bool
are_written(uint64_t count, int64_t within_ms)
{
	const int64_t end = clock_mono_ms() + within_ms;

	while (written() < count) {
		if (clock_mono_ms() > end)
			return false;
		usleep(5000);
	}
	return true;
}

struct order {
	int64_t at;
	bool is_kept;
};

static bool
look(void *arg, const struct audit_entry *e)
{
	struct order *o = arg;

	o->is_kept &= e->at == ++o->at;
	return true;
}

static enum rc
read_order(struct txn *t, void *arg)
{
	return ledger_read(t, 1, look, arg);
}

Test(ledger_later, an_entry_is_there_within_a_second)
{
	const struct audit_entry e = entry_of(1);
	bool is_soon = false;

	for (unsigned i = 1; i <= 3 && !is_soon; i++) { /* the machine may do other things, too */
		cr_assert_eq(ledger_record_later(ledger, &e), RC_OK);
		is_soon = are_written(i, 1000);
		cr_assert(are_written(i, PATIENCE_MS));
	}
	cr_expect(is_soon);
}

Test(ledger_later, many_entries_keep_their_order_and_share_commits)
{
	struct order o = { .is_kept = true };
	struct store_stats stats;

	for (unsigned i = 1; i <= 1000; i++) {
		const struct audit_entry e = entry_of(i);
		cr_assert_eq(ledger_record_later(ledger, &e), RC_OK);
	}
	cr_assert(are_written(1000, PATIENCE_MS));
	cr_assert_eq(fixture_view(&x, read_order, &o), RC_OK);
	cr_expect(o.is_kept && o.at == 1000);
	store_stats(x.store, &stats);
	cr_expect_lt(stats.commits, 1000);
}

Test(ledger_later, ending_writes_what_waits)
{
	for (unsigned i = 1; i <= 300; i++) {
		const struct audit_entry e = entry_of(i);
		cr_assert_eq(ledger_record_later(ledger, &e), RC_OK);
	}
	ledger_free(ledger);
	ledger = NULL;
	cr_expect_eq(written(), 300);
	tear_down();
	cr_expect_eq(FIXTURE_LEAKS(), 0);
}

static bool
is_refused_within(int64_t ms)
{
	const struct audit_entry e = entry_of(9);
	const int64_t end = clock_mono_ms() + ms;

	while (ledger_record_later(ledger, &e) == RC_OK) {
		if (clock_mono_ms() > end)
			return false;
		usleep(2000);
	}
	return true;
}

Test(ledger_later, a_failing_disk_refuses_new_entries_and_loses_none)
{
	const struct audit_entry e = entry_of(1);
	const int64_t end = clock_mono_ms() + PATIENCE_MS;
	uint64_t before;

	cr_assert_eq(ledger_record_later(ledger, &e), RC_OK);
	cr_assert(are_written(1, PATIENCE_MS));
	atomic_store(&fixture_disk_fails, true);
	cr_assert(is_refused_within(PATIENCE_MS));
	usleep(50000);
	cr_expect_eq(ledger_record_later(ledger, &e), RC_UNAVAILABLE, "it stays refused");
	cr_expect_eq(written(), 1);
	before = written();
	atomic_store(&fixture_disk_fails, false);
	cr_expect(are_written(before + 1, PATIENCE_MS), "what waited is written when the disk is back");
	while (ledger_record_later(ledger, &e) != RC_OK && clock_mono_ms() < end)
		usleep(5000);
	cr_expect_lt(clock_mono_ms(), end, "and new entries are taken again");
}

/* A reading would be refused for what was proposed beside it, or the proposal be missing in the trail. */
Test(ledger_later, what_was_promised_a_record_before_the_disk_failed_gets_it)
{
	const struct audit_entry e = entry_of(1);
	uint64_t before;

	cr_assert(ledger_is_recording(ledger));
	atomic_store(&fixture_disk_fails, true);
	cr_assert(is_refused_within(PATIENCE_MS));
	cr_assert_not(ledger_is_recording(ledger));
	before = written();
	cr_expect_eq(ledger_record_promised(ledger, &e), RC_OK);
	atomic_store(&fixture_disk_fails, false);
	cr_expect(are_written(before + 2, PATIENCE_MS), "what had failed, and this one");
}

Test(ledger_later, more_than_8192_that_wait_are_refused)
{
	const struct audit_entry e = entry_of(1);
	unsigned taken = 0;

	pthread_mutex_lock(&fixture_disk);
	while (taken < 10000 && ledger_record_later(ledger, &e) == RC_OK)
		taken++;
	cr_expect_geq(taken, 8192);
	cr_expect_leq(taken, 8192 + 512, "no more than wait and are on their way");
	pthread_mutex_unlock(&fixture_disk);
	ledger_free(ledger);
	ledger = NULL;
	cr_expect_eq(written(), taken, "the end writes all that was taken");
}

Test(ledger_later, an_entry_that_can_never_be_written_does_not_hold_up_others)
{
	struct audit_entry bad = entry_of(1);
	const struct audit_entry good = entry_of(1);

	memset(bad.reason, 'r', sizeof(bad.reason));
	cr_expect_eq(ledger_record_later(ledger, &bad), RC_INTERNAL);
	cr_assert_eq(ledger_record_later(ledger, &good), RC_OK);
	cr_expect(are_written(1, PATIENCE_MS));
}

static void *
record_hundred(void *arg)
{
	unsigned *refused = arg;

	for (unsigned i = 0; i < 100; i++) {
		const struct audit_entry e = entry_of(i);
		*refused += ledger_record_later(ledger, &e) != RC_OK;
	}
	return NULL;
}

Test(ledger_later, threads_may_record_at_once)
{
	unsigned refused[4] = { 0 };
	pthread_t threads[4];

	for (unsigned i = 0; i < 4; i++)
		cr_assert_eq(pthread_create(&threads[i], NULL, record_hundred, &refused[i]), 0);
	for (unsigned i = 0; i < 4; i++) {
		pthread_join(threads[i], NULL);
		cr_expect_eq(refused[i], 0);
	}
	cr_expect(are_written(400, PATIENCE_MS));
}
