/* SPDX-License-Identifier: Apache-2.0 */
/* The watch of the trail where entries are odd, damaged or late, the disk fails or there is no memory: it
 * starts and counts what can be read, or does not start. */
#include "../famine.h"
#include "breadth_scene.h"

TestSuite(breadth_watch_hurt, .init = set_up, .fini = tear_down, .timeout = 60);

/* ---- entries that do not count, and some that cannot be read ---- */

Test(breadth_watch_hurt, what_nobody_did_and_what_is_no_operation_counts_for_nobody)
{
	static const struct id nobody;
	struct breadth_alert alert;

	for (unsigned i = 0; i < 5; i++) {
		tell(&nobody, NOON);
		record(&anna, "orgs_read", RC_OK, NOON);
	}
	cr_expect_not(is_due(&alert));
	cr_expect_eq(enter(&nobody, NOON), RC_OK);
	cr_expect_eq(enter(&anna, NOON), RC_OK);
}

Test(breadth_watch_hurt, an_alert_in_other_words_is_none)
{
	static const char *const reasons[] = { "", "disclosure", "disclosure.", ".hour", "disclosure.never",
		"nothing.hour", "disclosure hour" };
	struct breadth_alert seen[4];

	for (unsigned i = 0; i < COUNT_OF(reasons); i++) {
		struct audit_entry e = { .at = NOON, .action = BREADTH_ALERT_ACTION, .subject = anna };

		str_copy(e.reason, sizeof(e.reason), reasons[i]);
		cr_assert_eq(fixture_update(&x, write_entry_txn, &e), RC_OK);
	}
	cr_expect_eq(breadth_watch_alerts(watch, NULL, NOON, seen, 4), 0);
}

struct slipped {
	enum store_log log;
	struct bytes text;
};

static enum rc
slip_in(struct txn *t, void *arg)
{
	const struct slipped *s = arg;
	const uint8_t leaf[LOG_LEAF] = { 1 };

	return txn_append(t, s->log, leaf, KEY_AUDIT, s->text);
}

Test(breadth_watch_hurt, an_entry_that_is_none_is_passed_over)
{
	struct slipped none = { LOG_AUDIT, bytes_str("x") }, event = { LOG_EVENT, bytes_str("x") };
	struct org org = { .id = desk, .version = 1 };

	tell(&anna, NOON);
	fixture_put(&x, KIND_ORG, &desk, &org);
	cr_assert_eq(fixture_update(&x, slip_in, &none), RC_OK);
	cr_assert_eq(fixture_update(&x, slip_in, &event), RC_OK);
	tell(&anna, NOON);
	tell(&anna, NOON);
	cr_expect_eq(enter(&anna, NOON), RC_TOO_BROAD);
}

static bool must_lose_key;

/* Between the commit and the watch that follows. */
static void
lose_key(void *arg, const struct change *changes, size_t count)
{
	const uint32_t old = keyring_current(x.ring, KEY_AUDIT);
	struct fault f = { 0 };

	(void)arg;
	(void)changes;
	(void)count;
	if (!must_lose_key)
		return;
	must_lose_key = false;
	cr_expect_eq(keyring_renew(x.ring, KEY_AUDIT, &f), RC_OK);
	cr_expect_eq(keyring_retire(x.ring, &old, 1, &f), RC_OK);
}

Test(breadth_watch_hurt, an_entry_whose_key_is_gone_is_not_counted_and_the_next_one_is)
{
	store_watch(x.store, lose_key, NULL);
	restart(NOON);
	must_lose_key = true;
	tell(&anna, NOON);
	cr_assert_not(must_lose_key);
	tell(&anna, NOON);
	tell(&anna, NOON);
	cr_assert_eq(enter(&anna, NOON), RC_OK, "two that could be read");
	leave(&anna);
	tell(&anna, NOON);
	cr_expect_eq(enter(&anna, NOON), RC_TOO_BROAD);
}

/* ---- the start ---- */

static enum rc
start(int64_t now)
{
	struct fault f = { 0 };
	struct breadth_watch *w;
	const enum rc rc = breadth_watch_new(x.store, &rules, now, &w, &f);

	cr_expect_eq(w != NULL, rc == RC_OK);
	cr_expect_eq(f.count, rc != RC_OK);
	if (rc == RC_OK) {
		before[restarts++] = watch;
		watch = w;
	}
	return rc;
}

Test(breadth_watch_hurt, a_disk_that_fails_at_the_start_is_not_taken_for_an_empty_trail)
{
	unsigned n = 1;
	enum rc rc;

	for (int i = 0; i < 20; i++)
		tell(&dora, NOON - 2 * DAY + i);
	for (int i = 0; i < 3; i++)
		tell(&anna, NOON);
	for (;; n++) {
		atomic_store(&fixture_read_fails, n);
		rc = start(NOON);
		if (atomic_exchange(&fixture_read_fails, 0) > 0)
			break;
		cr_assert_eq(rc, RC_UNAVAILABLE, "read %u fails: %d", n, rc);
	}
	cr_expect(rc == RC_OK && n > 5);
	cr_expect_eq(enter(&anna, NOON), RC_TOO_BROAD);
	breadth_watch_free(NULL);
}

/* Entry ${n} does not open any more. */
static void
break_entry(uint64_t n)
{
	const struct key at = log_key(LOG_AUDIT, n);
	struct bytes raw = fixture_raw_get(&at);

	((uint8_t *)(uintptr_t)raw.p)[raw.len - 1] ^= 1;
	fixture_raw_put(&at, raw);
	free((void *)(uintptr_t)raw.p);
}

Test(breadth_watch_hurt, a_damaged_trail_stops_no_start_and_what_comes_is_counted)
{
	for (int i = 0; i < 3; i++)
		tell(&anna, NOON);
	break_entry(3);
	cr_assert_eq(start(NOON), RC_OK);
	cr_expect_eq(enter(&anna, NOON), RC_OK, "two before the damage");
	leave(&anna);
	tell(&anna, NOON);
	cr_expect_eq(enter(&anna, NOON), RC_TOO_BROAD);
	cr_expect_eq(start(NOON), RC_OK, "where the search for the first of the day looks");
	cr_expect_eq(enter(&anna, NOON), RC_OK);
}

Test(breadth_watch_hurt, an_entry_that_came_late_counts_by_its_own_time)
{
	const int64_t now = NOON + 300, from = now - DAY; /* amid a slot of ten minutes */
	struct breadth_alert alert;

	rules.rule[BREADTH_DISCLOSURE].day = 3;
	tell(&anna, from + 1);
	tell(&anna, from + 2);
	tell(&anna, from - 1);
	cr_assert_eq(start(now), RC_OK);
	cr_assert_eq(enter(&anna, now), RC_OK);
	cr_expect_not(is_due(&alert), "two within a day");
	cr_assert_eq(enter(&anna, now), RC_TOO_BROAD, "with the one that is under way three");
	cr_expect(is_due(&alert) && alert.window == BREADTH_DAY);
	leave(&anna);
	cr_assert_eq(start(now + DAY), RC_OK, "all are older");
	cr_expect_eq(enter(&anna, now + DAY), RC_OK);
	cr_expect_not(is_due(&alert));
}

/* Entries with many tags are large, and a trail may hold nothing else. */
Test(breadth_watch_hurt, the_search_for_the_first_of_the_day_needs_the_memory_of_one_entry_not_of_all)
{
	static uint8_t text[2 + 512 + 1200 * TAG_BYTES];
	const struct audit_entry e = { .at = NOON - 2 * DAY, .action = "orgs_read" };
	struct slipped large = { .log = LOG_AUDIT };
	size_t len = 0;

	cr_assert_eq(model_encode(&model_audit_entry, &e, text + 2, 512, &len), RC_OK);
	text[0] = (uint8_t)(len >> 8);
	text[1] = (uint8_t)len;
	large.text = (struct bytes){ text, 2 + len + 1200 * TAG_BYTES };
	for (unsigned i = 0; i < 32; i++)
		cr_assert_eq(fixture_update(&x, slip_in, &large), RC_OK);
	for (int i = 0; i < 3; i++)
		tell(&anna, NOON);
	cr_assert_eq(start(NOON), RC_OK);
	cr_expect_eq(enter(&anna, NOON), RC_TOO_BROAD);
}

/* ---- without memory ---- */

static enum rc
start_at_noon(void *arg)
{
	(void)arg;
	return start(NOON);
}

Test(breadth_watch_hurt, without_memory_it_does_not_start)
{
	NEEDS_FAMINE();
	cr_expect_geq(famine_each(start_at_noon, NULL, RC_UNAVAILABLE), 2);
}

Test(breadth_watch_hurt, without_memory_nobody_is_let_through_uncounted)
{
	NEEDS_FAMINE();
	famine_in = 1;
	cr_expect_eq(enter(&anna, NOON), RC_UNAVAILABLE);
	cr_expect_eq(famine_in, 0);
	breadth_watch_leave(watch, &anna, BREADTH_DISCLOSURE); /* which never entered */
	for (unsigned i = 0; i < 3; i++)
		cr_expect_eq(enter(&anna, NOON), RC_OK);
	cr_expect_eq(enter(&anna, NOON), RC_TOO_BROAD);
}

static atomic_uint refuse_next, refused;

/* Told before the watch, on the thread that will tell it. */
static void
starve_watch(void *arg, const struct change *changes, size_t count)
{
	(void)arg;
	(void)changes;
	(void)count;
	famine_in = atomic_exchange(&refuse_next, 0);
}

/* And after it. */
static void
feed_watch(void *arg, const struct change *changes, size_t count)
{
	(void)arg;
	(void)changes;
	(void)count;
	atomic_store(&refused, famine_in == 0);
	famine_in = 0;
}

Test(breadth_watch_hurt, the_registry_goes_on_when_there_is_no_memory_to_count)
{
	struct breadth_alert alert = { .user = dora, .org = desk, .class = BREADTH_DISCLOSURE, .at = NOON },
			     seen[4];

	NEEDS_FAMINE();
	store_watch(x.store, starve_watch, NULL);
	cr_assert_eq(start(NOON), RC_OK);
	store_watch(x.store, feed_watch, NULL);
	record(&dora, "orgs_read", RC_OK, NOON); /* its arena has its memory from here on */
	atomic_store(&refuse_next, 1);
	tell(&anna, NOON);
	cr_assert_eq(atomic_load(&refused), 1);
	for (unsigned i = 0; i < 2; i++)
		tell(&anna, NOON);
	cr_assert_eq(enter(&anna, NOON), RC_OK, "the first was not counted");
	leave(&anna);
	atomic_store(&refuse_next, 1);
	cr_assert_eq(fixture_update(&x, write_alert_txn, &alert), RC_OK);
	cr_assert_eq(atomic_load(&refused), 1);
	cr_assert_eq(breadth_watch_alerts(watch, NULL, NOON, seen, 4), 1);
	cr_expect(id_equal(&seen[0].user, &dora) && seen[0].counts.day == 0);
	tell(&anna, NOON);
	cr_expect_eq(enter(&anna, NOON), RC_TOO_BROAD);
}
