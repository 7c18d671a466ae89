/* SPDX-License-Identifier: Apache-2.0 */
/* What an inspection says when somebody has been at the trail or at what was signed of it: each way of damage
 * has its word, and a whole trail has none. */
#include "ledger/inspector.h"

#include "../store_fixture.h"

#define ENTRIES 20u
#define SIGNED  12u /* of them; then again 16 */

static struct fixture x;
static struct signing_key *key;
static struct signer signer;
static struct inspection newest, whole;
static struct checkpoint latest;
static atomic_bool stop;

static enum rc
append(struct txn *t, void *arg)
{
	struct audit_entry e = { .at = 1000, .action = "orgs_read" };

	(void)arg;
	random_fill(e.salt, sizeof(e.salt));
	return ledger_record(t, &e);
}

static void
fill(unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		cr_assert_eq(fixture_update(&x, append, NULL), RC_OK);
}

static void
sign(void)
{
	struct checkpoint c;

	cr_assert_eq(tree_sign(x.store, x.arena, &signer, 2000, &c), RC_OK);
}

static void
set_up(void)
{
	struct pem private, public;

	fixture_new(&x, &engine_lmdb);
	cr_assert_eq(signing_new(&private, &public), RC_OK);
	cr_assert_eq(signing_load(&private, true, &key), RC_OK);
	cr_assert_eq(signer_init(&signer, "localhost", key), RC_OK);
	fill(SIGNED);
	sign();
	fill(4);
	sign();
	fill(ENTRIES - SIGNED - 4);
}

static void
tear_down(void)
{
	signing_free(key);
	fixture_free(&x);
}

TestSuite(inspect, .init = set_up, .fini = tear_down, .timeout = 60);

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
	return inspect_all(t, x.arena, &signer, &stop, &whole);
}

static void
look(void)
{
	cr_assert_eq(fixture_view(&x, look_newest, NULL), RC_OK);
	cr_assert_eq(fixture_view(&x, look_all, NULL), RC_OK);
}

#define says(which, what, number)                                                                 \
	do {                                                                                      \
		cr_expect_eq((which).finding, what, #which " says %s",                            \
		    codes_audit_finding.rows[(which).finding].code);                              \
		cr_expect_eq((which).first, number, #which " names %u", (unsigned)(which).first); \
	} while (0)

static void
flip(const struct key *at)
{
	struct bytes raw = fixture_raw_get(at);

	((uint8_t *)(uintptr_t)raw.p)[raw.len - 1] ^= 1;
	fixture_raw_put(at, raw);
	free((void *)(uintptr_t)raw.p);
}

static struct checkpoint
newest_checkpoint(void)
{
	cr_assert_eq(fixture_view(&x, look_newest, NULL), RC_OK);
	return latest;
}

static void
put_latest(const struct checkpoint *c)
{
	const struct key at = checkpoint_key(0), numbered = checkpoint_key(c->number);

	fixture_put_at(&x, KIND_CHECKPOINT, &at, c);
	fixture_put_at(&x, KIND_CHECKPOINT, &numbered, c);
}

Test(inspect, a_whole_trail_is_in_order)
{
	look();
	says(newest, AUDIT_IN_ORDER, 0);
	says(whole, AUDIT_IN_ORDER, 0);
	cr_expect_eq(newest.entries, ENTRIES);
	cr_expect_eq(whole.entries, ENTRIES);
	cr_expect_eq(latest.number, 2);
	cr_expect_eq(latest.size, SIGNED + 4);
}

Test(inspect, a_long_trail_is_in_order_in_little_memory)
{
	fill(3000);
	sign();
	look();
	says(newest, AUDIT_IN_ORDER, 0);
	says(whole, AUDIT_IN_ORDER, 0);
}

Test(inspect, a_signature_of_another_hand_does_not_hold)
{
	struct checkpoint c = newest_checkpoint();

	c.signature[5] ^= 1;
	put_latest(&c);
	look();
	says(newest, AUDIT_SIGNATURE, 0);
	cr_expect_eq(whole.finding, AUDIT_SIGNATURE);
}

Test(inspect, a_root_signed_with_the_stolen_key_is_not_that_of_the_trail)
{
	struct checkpoint c = newest_checkpoint();

	c.root[0] ^= 1;
	cr_assert_eq(checkpoint_sign(&signer, &c), RC_OK);
	put_latest(&c);
	look();
	says(newest, AUDIT_ROOT, 0);
	cr_expect_eq(whole.finding, AUDIT_ROOT);
}

Test(inspect, an_older_checkpoint_put_back_as_the_latest)
{
	const struct key at = checkpoint_key(0);
	struct bytes old;

	sign();
	old = fixture_raw_get(&at);
	fill(3);
	sign();
	fixture_raw_put(&at, old);
	free((void *)(uintptr_t)old.p);
	look();
	says(newest, AUDIT_CHECKPOINT, 0);
}

Test(inspect, a_checkpoint_that_does_not_open)
{
	const struct key at = checkpoint_key(0), first = checkpoint_key(1);

	flip(&first);
	look();
	says(newest, AUDIT_IN_ORDER, 0);
	says(whole, AUDIT_CHECKPOINT, 0);
	flip(&at);
	look();
	says(newest, AUDIT_CHECKPOINT, 0);
	cr_expect_eq(latest.number, 0);
}

Test(inspect, a_latest_checkpoint_that_is_gone_is_not_taken_for_none)
{
	const struct key at = checkpoint_key(0);

	fixture_raw_put(&at, (struct bytes){ NULL, 0 });
	look();
	says(newest, AUDIT_CHECKPOINT, 0);
}

Test(inspect, a_trail_shorter_than_what_was_signed)
{
	struct checkpoint c = newest_checkpoint();

	c.size = ENTRIES + 1;
	cr_assert_eq(checkpoint_sign(&signer, &c), RC_OK);
	put_latest(&c);
	look();
	says(newest, AUDIT_CUT, ENTRIES + 1);
}

Test(inspect, an_entry_that_is_gone)
{
	const struct key late = log_key(LOG_AUDIT, ENTRIES - 1), early = log_key(LOG_AUDIT, 3);

	fixture_raw_put(&late, (struct bytes){ NULL, 0 });
	look();
	says(newest, AUDIT_MISSING, ENTRIES - 1);
	says(whole, AUDIT_MISSING, ENTRIES - 1);
	fixture_raw_put(&early, (struct bytes){ NULL, 0 });
	look();
	says(newest, AUDIT_ROOT, 0);
	says(whole, AUDIT_MISSING, 3);
}

Test(inspect, an_entry_that_was_altered)
{
	const struct key early = log_key(LOG_AUDIT, 5);

	flip(&early);
	look();
	says(whole, AUDIT_ALTERED, 5);
}

Test(inspect, nothing_signed_yet_is_no_alarm)
{
	tear_down();
	fixture_new(&x, &engine_lmdb);
	key = NULL;
	fill(2);
	cr_assert_eq(fixture_view(&x, look_newest, NULL), RC_OK);
	says(newest, AUDIT_UNSIGNED, 0);
}

Test(inspect, it_breaks_off_when_told)
{
	atomic_store(&stop, true);
	cr_expect_eq(fixture_view(&x, look_all, NULL), RC_UNAVAILABLE);
	atomic_store(&stop, false);
}

Test(inspect, the_worst_is_said)
{
	static const struct {
		struct inspection whole;
		bool is_rolled_back, is_signed;
		int64_t now;
		enum audit_finding says;
	} rows[] = {
		{ { 1000, 5, AUDIT_IN_ORDER, 0 }, false, true, 1000 + INSPECTION_LASTS, AUDIT_IN_ORDER },
		{ { 1000, 5, AUDIT_IN_ORDER, 0 }, false, true, 1001 + INSPECTION_LASTS, AUDIT_OVERDUE },
		{ { 0, 0, AUDIT_IN_ORDER, 0 }, false, true, 1000, AUDIT_NOT_CHECKED },
		{ { 1000, 5, AUDIT_IN_ORDER, 0 }, false, false, 1000, AUDIT_UNSIGNED },
		{ { 1000, 5, AUDIT_IN_ORDER, 0 }, true, false, 1000, AUDIT_ROLLED_BACK },
		{ { 1000, 5, AUDIT_ALTERED, 3 }, true, false, 999999, AUDIT_ALTERED },
	};

	for (size_t i = 0; i < COUNT_OF(rows); i++)
		cr_expect_eq(
		    inspection_judge(&rows[i].whole, rows[i].is_rolled_back, rows[i].is_signed, rows[i].now),
		    rows[i].says, "row %zu", i);
}

/* ---- the thread ---- */

static struct inspection
first_of(struct inspector *i)
{
	struct inspection last = { .at = 0 };

	for (unsigned n = 0; n < 1500 && last.at == 0; n++) {
		usleep(20000);
		inspector_last(i, &last);
	}
	return last;
}

Test(inspect, the_service_looks_at_its_start_and_ends_at_once)
{
	const struct key early = log_key(LOG_AUDIT, 5);
	struct inspector *i;
	struct fault f = { 0 };

	cr_assert_eq(inspector_start(x.store, &signer, &i, &f), RC_OK);
	whole = first_of(i);
	inspector_stop(i);
	cr_expect_neq(whole.at, 0);
	says(whole, AUDIT_IN_ORDER, 0);
	flip(&early);
	cr_assert_eq(inspector_start(x.store, &signer, &i, &f), RC_OK);
	whole = first_of(i);
	inspector_stop(i);
	says(whole, AUDIT_ALTERED, 5);
}
