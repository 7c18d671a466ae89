/* SPDX-License-Identifier: Apache-2.0 */
/* What the trail promises: it is read back as it was written, and no change to what is stored goes unseen. */
#include "ledger/ledger.h"

#include "../store_fixture.h"
#include "crypto/digest.h"

static struct fixture x;

static void
set_up(void)
{
	fixture_new(&x, &engine_memory);
}

static void
tear_down(void)
{
	fixture_free(&x);
}

TestSuite(ledger, .init = set_up, .fini = tear_down, .timeout = 30);

static struct audit_entry
entry_of(unsigned i)
{
	struct audit_entry e = {
		.at = 1000 + i, .action = "reservations_create", .outcome = RC_OK, .roles = 1u << i
	};

	memset(e.salt, (int)i + 1, sizeof(e.salt));
	memset(e.user.b, 0x11, sizeof(e.user.b));
	memset(e.shelter.b, (int)i, sizeof(e.shelter.b));
	return e;
}

static enum rc
record(struct txn *t, void *arg)
{
	return ledger_record(t, arg);
}

static void
fill(unsigned count)
{
	for (unsigned i = 1; i <= count; i++) {
		struct audit_entry e = entry_of(i);
		cr_assert_eq(fixture_update(&x, record, &e), RC_OK);
	}
}

static enum rc
verify(struct txn *t, void *arg)
{
	return ledger_verify(t, NULL, NULL, arg);
}

static struct ledger_report
report(void)
{
	struct ledger_report r;

	cr_assert_eq(fixture_view(&x, verify, &r), RC_OK);
	return r;
}

static void
expect_finding(uint64_t first_bad, const char *finding)
{
	const struct ledger_report r = report();

	cr_expect_eq(r.first_bad, first_bad, "first bad is %llu", (unsigned long long)r.first_bad);
	cr_assert_not_null(r.finding);
	cr_expect_str_eq(r.finding, finding);
}

/* ---- the good case ---- */

struct seen {
	unsigned count, most;
	struct audit_entry last;
};

static bool
see(void *arg, const struct audit_entry *e)
{
	struct seen *s = arg;

	s->last = *e;
	return ++s->count < s->most;
}

static enum rc
read_from_third(struct txn *t, void *arg)
{
	return ledger_read(t, 3, see, arg);
}

static enum rc
read_all(struct txn *t, void *arg)
{
	return ledger_read(t, 0, see, arg);
}

Test(ledger, entries_are_read_back_whole_and_numbered)
{
	struct seen s = { .most = 100 };
	struct audit_entry wanted = entry_of(5);

	fill(5);
	cr_assert_eq(fixture_view(&x, read_all, &s), RC_OK);
	cr_assert_eq(ledger_leaf(&wanted, wanted.leaf), RC_OK);
	wanted.number = 5;
	cr_expect_eq(s.count, 5);
	cr_expect_arr_eq(&s.last, &wanted, sizeof(wanted));
}

Test(ledger, reading_begins_and_stops_where_the_reader_says)
{
	struct seen s = { .most = 2 };

	fill(6);
	cr_assert_eq(fixture_view(&x, read_from_third, &s), RC_OK);
	cr_expect_eq(s.count, 2);
	cr_expect_eq(s.last.number, 4);
}

Test(ledger, an_untouched_trail_is_good)
{
	struct ledger_report r;

	cr_expect_eq(report().first_bad, 0, "an empty trail is good");
	fill(7);
	r = report();
	cr_expect_eq(r.first_bad, 0);
	cr_expect_eq(r.entries, 7);
}

Test(ledger, an_outsider_can_compute_the_leaf_from_the_documented_bytes)
{
	static const uint8_t public[] = { 0x00, 0, 0, 0, 0, 0, 0, 0x04, 0xd2, 0x01, 0x02, 0x80, 0, 0, 0x01, 4,
		'l', 'o', 'o', 'k', 1, 'r' };
	struct audit_entry e = {
		.at = 1234, .action = "look", .outcome = 0x0102, .roles = 0x80000001, .reason = "r"
	};
	uint8_t private[96], hidden[32], all[sizeof(public) + 32], wanted[32], leaf[32];

	memset(e.salt, 1, 16);
	memset(e.user.b, 2, 16);
	memset(e.org.b, 3, 16);
	memset(e.device.b, 4, 16);
	memset(e.subject.b, 5, 16);
	memset(e.shelter.b, 6, 16);
	for (unsigned i = 0; i < sizeof(private); i++)
	private[i] = (uint8_t)(1 + i / 16);
	digest(BYTES_OF(private), hidden);
	memcpy(all, public, sizeof(public));
	memcpy(all + sizeof(public), hidden, sizeof(hidden));
	digest(BYTES_OF(all), wanted);
	cr_assert_eq(ledger_leaf(&e, leaf), RC_OK);
	cr_expect_arr_eq(leaf, wanted, sizeof(leaf));
}

Test(ledger, every_field_moves_the_leaf)
{
	const struct audit_entry base = entry_of(1);
	uint8_t first[32], leaf[32];
	struct audit_entry e = base;

	cr_assert_eq(ledger_leaf(&e, first), RC_OK);
	for (size_t at = offsetof(struct audit_entry, at); at < offsetof(struct audit_entry, tags); at++) {
		const bool is_text = (at >= offsetof(struct audit_entry, action) &&
					 at < offsetof(struct audit_entry, action) + sizeof(e.action)) ||
		    (at >= offsetof(struct audit_entry, reason) &&
			at < offsetof(struct audit_entry, reason) + sizeof(e.reason));
		if (is_text ||
		    (at >= offsetof(struct audit_entry, outcome) + 2 &&
			at < offsetof(struct audit_entry, roles)))
			continue; /* texts below; padding */
		e = base;
		((uint8_t *)&e)[at] ^= 0x40;
		cr_assert_eq(ledger_leaf(&e, leaf), RC_OK);
		cr_expect_arr_neq(leaf, first, sizeof(leaf), "byte %zu", at);
	}
	e = base;
	e.action[0] = 'x';
	cr_assert_eq(ledger_leaf(&e, leaf), RC_OK);
	cr_expect_arr_neq(leaf, first, sizeof(leaf));
	e = base;
	strcpy(e.reason, "x");
	cr_assert_eq(ledger_leaf(&e, leaf), RC_OK);
	cr_expect_arr_neq(leaf, first, sizeof(leaf));
	e = base;
	e.tags = bytes_str("t");
	cr_assert_eq(ledger_leaf(&e, leaf), RC_OK);
	cr_expect_arr_neq(leaf, first, sizeof(leaf));
}

Test(ledger, a_text_without_an_end_is_refused)
{
	struct audit_entry e = entry_of(1);

	memset(e.action, 'a', sizeof(e.action));
	cr_expect_eq(fixture_update(&x, record, &e), RC_INTERNAL);
	cr_expect_eq(report().entries, 0);
}

/* ---- what a thief would do ---- */

static void
delete_entry(uint64_t number)
{
	const struct key key = log_key(LOG_AUDIT, number);

	fixture_raw_put(&key, (struct bytes){ NULL, 0 });
}

Test(ledger, a_deleted_entry_is_missed)
{
	fill(6);
	delete_entry(3);
	expect_finding(3, "missing");
}

Test(ledger, an_entry_whose_text_is_gone_though_nobody_erased_it_is_named)
{
	const struct key third = log_key(LOG_AUDIT, 3);
	struct bytes raw;

	fill(6);
	raw = fixture_raw_get(&third);
	fixture_raw_put(&third, (struct bytes){ raw.p, LOG_LEAF }); /* with its leaf the chain is whole */
	expect_finding(1, "content is gone, but not by retention");
	free((void *)(uintptr_t)raw.p);
}

Test(ledger, a_cut_tail_is_missed)
{
	fill(6);
	delete_entry(5);
	delete_entry(6);
	expect_finding(5, "missing");
}

Test(ledger, a_deleted_trail_is_missed)
{
	fill(2);
	delete_entry(1);
	delete_entry(2);
	expect_finding(1, "missing");
}

Test(ledger, swapped_entries_do_not_match_the_head)
{
	const struct key third = log_key(LOG_AUDIT, 3), fourth = log_key(LOG_AUDIT, 4);
	struct bytes a, b;

	fill(6);
	a = fixture_raw_get(&third);
	b = fixture_raw_get(&fourth);
	fixture_raw_put(&third, b);
	fixture_raw_put(&fourth, a);
	expect_finding(6, "head does not match");
	free((void *)(uintptr_t)a.p);
	free((void *)(uintptr_t)b.p);
}

Test(ledger, a_flipped_bit_anywhere_in_an_entry_is_seen)
{
	const struct key key = log_key(LOG_AUDIT, 2);
	struct bytes value;
	uint8_t *p;

	fill(3);
	value = fixture_raw_get(&key);
	p = (uint8_t *)(uintptr_t)value.p;
	for (size_t i = 0; i < value.len; i++) {
		p[i] ^= 0x10;
		fixture_raw_put(&key, value);
		expect_finding(2, "altered");
		p[i] ^= 0x10;
	}
	fixture_raw_put(&key, value);
	cr_expect_eq(report().first_bad, 0, "and it is good again when it is as before");
	free(p);
}

Test(ledger, an_entry_before_a_broken_one_is_named_missing)
{
	const struct key fourth = log_key(LOG_AUDIT, 4);

	fill(6);
	delete_entry(3);
	fixture_raw_put(&fourth, bytes_str("nothing that opens"));
	expect_finding(3, "missing");
}

static enum rc
forge(struct txn *t, void *arg)
{
	const struct audit_entry *e = arg;
	struct audit_entry other = *e;
	uint8_t leaf[32], text[514];
	size_t len;

	other.roles ^= 1;
	if (ledger_leaf(e, leaf) != RC_OK)
		return RC_INTERNAL;
	if (model_encode(&model_audit_entry, &other, text + 2, sizeof(text) - 2, &len) != RC_OK)
		return RC_INTERNAL;
	text[0] = (uint8_t)(len >> 8);
	text[1] = (uint8_t)len;
	return txn_append(t, LOG_AUDIT, leaf, KEY_AUDIT, (struct bytes){ text, len + 2 });
}

Test(ledger, an_entry_that_says_other_than_its_leaf_is_altered)
{
	struct audit_entry e = entry_of(4);

	fill(3);
	cr_assert_eq(fixture_update(&x, forge, &e), RC_OK);
	expect_finding(4, "altered");
}

Test(ledger, an_older_head_put_back_does_not_match)
{
	const struct key key = log_head_key(LOG_AUDIT);
	struct bytes head;

	fill(3);
	head = fixture_raw_get(&key);
	fill(2);
	fixture_raw_put(&key, head);
	expect_finding(4, "head does not match");
	free((void *)(uintptr_t)head.p);
}

Test(ledger, an_entry_of_another_registry_is_altered)
{
	const struct key key = log_key(LOG_AUDIT, 2);
	struct fixture mine;
	struct bytes foreign;

	fill(3);
	foreign = fixture_raw_get(&key);
	mine = x;
	fixture_new(&x, &engine_memory);
	fill(3);
	fixture_raw_put(&key, foreign);
	expect_finding(2, "altered");
	free((void *)(uintptr_t)foreign.p);
	fixture_free(&mine);
}

Test(ledger, the_trail_on_disk_survives_and_grows_after_reopening)
{
	struct ledger_report before, after;

	fixture_free(&x);
	fixture_new(&x, &engine_lmdb);
	fill(4);
	before = report();
	fixture_close_store(&x);
	fixture_open_store(&x, &engine_lmdb);
	after = report();
	cr_expect_eq(after.entries, 4);
	cr_expect_arr_eq(before.head, after.head, 32);
	fill(2);
	cr_expect_eq(report().entries, 6);
	cr_expect_eq(report().first_bad, 0);
	delete_entry(6);
	expect_finding(6, "missing");
}
