/* SPDX-License-Identifier: Apache-2.0 */
/* The trail while disk or memory fail, and entries as no writer of ours makes them: what cannot be read is no
 * finding, and what cannot be an entry is one. */
#include "ledger/inspect.h"
#include "ledger/ledger.h"
#include "ledger/tree.h"

#include "../store_fixture.h"

#define ENTRIES 12u
#define SIGNED  8u

static struct fixture x;
static struct signing_key *key;
static struct signer signer;

static struct audit_entry
entry_of(unsigned i)
{
	struct audit_entry e = { .at = 1000 + i, .action = "orgs_read" };

	memset(e.salt, (int)i + 1, sizeof(e.salt));
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

static void
set_up(void)
{
	struct pem private, public;
	struct checkpoint c;

	fixture_new(&x, &engine_memory);
	cr_assert_eq(signing_new(&private, &public), RC_OK);
	cr_assert_eq(signing_load(&private, true, &key), RC_OK);
	cr_assert_eq(signer_init(&signer, "localhost", key), RC_OK);
	fill(SIGNED);
	cr_assert_eq(tree_sign(x.store, x.arena, &signer, 2000, &c), RC_OK);
	arena_rewind(x.arena, 0);
	fill(ENTRIES - SIGNED);
}

static void
tear_down(void)
{
	signing_free(key);
	fixture_free(&x);
}

TestSuite(ledger_starved, .init = set_up, .fini = tear_down, .timeout = 120);

/* ---- failing disks and small memories ---- */

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

static enum rc
look_at_newest(struct txn *t, void *arg)
{
	struct checkpoint latest;

	return inspect_newest(t, &signer, &latest, arg);
}

static enum rc
prove_inclusion(struct txn *t, void *arg)
{
	return tree_inclusion(t, 3, SIGNED, arg);
}

static enum rc
prove_consistency(struct txn *t, void *arg)
{
	return tree_consistency(t, 5, SIGNED, arg);
}

static enum rc
take_root(struct txn *t, void *arg)
{
	return tree_root(t, SIGNED, arg);
}

Test(ledger_starved, a_trail_that_cannot_be_read_is_not_called_damaged)
{
	static struct merkle_proof proof;
	struct ledger_report r;
	struct inspection i;
	unsigned count = 0;
	uint8_t root[MERKLE_HASH];

	cr_expect_geq(fixture_update_starved(&x, read_all, &count), 2);
	cr_expect_eq(count, ENTRIES);
	cr_expect_geq(fixture_update_starved(&x, verify, &r), 3);
	cr_expect(r.first_bad == 0 && r.entries == ENTRIES);
	cr_expect_geq(fixture_update_starved(&x, look_at_newest, &i), 5);
	cr_expect_eq(i.finding, AUDIT_IN_ORDER);
	cr_expect_geq(fixture_update_starved(&x, prove_inclusion, &proof), 2);
	cr_expect_geq(fixture_update_starved(&x, prove_consistency, &proof), 2);
	cr_expect_geq(fixture_update_starved(&x, take_root, root), 2);
}

static enum rc
erase_two(struct txn *t, void *arg)
{
	struct audit_entry e = entry_of(100);
	enum rc rc = ledger_erase(t, 1, 2, &e);

	(void)arg;
	return rc == RC_OK ? ledger_record(t, &e) : rc;
}

Test(ledger_starved, erasing_happens_with_its_entry_or_not)
{
	struct ledger_report r;

	cr_expect_geq(fixture_update_starved(&x, erase_two, NULL), 2);
	cr_assert_eq(fixture_view(&x, verify, &r), RC_OK);
	cr_expect(r.first_bad == 0 && r.erased == 2 && r.may_be_erased == 2 && r.entries == ENTRIES + 1);
}

/* ---- what may be erased ---- */

struct range {
	uint64_t from, to;
	enum rc rc;
};

static enum rc
erase(struct txn *t, void *arg)
{
	const struct range *r = arg;
	struct audit_entry e = entry_of(1);

	return ledger_erase(t, r->from, r->to, &e);
}

Test(ledger_starved, a_range_to_erase_is_whole_and_bounded)
{
	static const struct range ranges[] = { { 1, 1, RC_OK }, { 3, 5, RC_OK }, { 0, 1, RC_INVALID },
		{ 2, 1, RC_INVALID }, { 1, LEDGER_ERASE_MOST + 1, RC_INVALID },
		{ 1, LEDGER_ERASE_MOST, RC_NOT_FOUND }, { ENTRIES + 1, ENTRIES + 1, RC_NOT_FOUND } };

	for (unsigned i = 0; i < COUNT_OF(ranges); i++) {
		struct range r = ranges[i];

		cr_expect_eq(fixture_view(&x, erase, &r), ranges[i].rc, "row %u", i);
	}
}

struct saying {
	const char *action, *reason;
	uint64_t number, upto;
};

/* Said by an entry of a thief's, it could cover what he took: only earlier ones, and only in these words. */
Test(ledger_starved, an_entry_vouches_for_what_was_erased_before_it_only)
{
	static const struct saying sayings[] = { { LEDGER_ERASED, "to 7", 9, 7 },
		{ LEDGER_ERASED, "to 8", 9, 8 }, { LEDGER_ERASED, "to 9", 9, 0 },
		{ LEDGER_ERASED, "to 10", 9, 0 },
		{ LEDGER_ERASED, "to 123456789012345678901234567890", 9, 0 }, { LEDGER_ERASED, "to ", 9, 0 },
		{ LEDGER_ERASED, "to 7x", 9, 0 }, { LEDGER_ERASED, "to /", 9, 0 },
		{ LEDGER_ERASED, "to :", 9, 0 }, { LEDGER_ERASED, "7", 9, 0 }, { LEDGER_ERASED, "", 9, 0 },
		{ "orgs_read", "to 7", 9, 0 } };

	for (unsigned i = 0; i < COUNT_OF(sayings); i++) {
		struct audit_entry e = { .number = sayings[i].number };

		(void)str_copy(e.action, sizeof(e.action), sayings[i].action);
		(void)str_copy(e.reason, sizeof(e.reason), sayings[i].reason);
		cr_expect_eq(ledger_erased_to(&e), sayings[i].upto, "row %u", i);
	}
}

/* ---- entries as nobody writes them ---- */

Test(ledger_starved, a_text_without_an_end_is_refused_and_not_read_on)
{
	uint8_t leaf[32], public[LEDGER_PUBLIC_MAX];
	struct audit_entry e = entry_of(1);
	size_t len;

	cr_expect_eq(ledger_public(&e, public, &len), RC_OK);
	memset(e.action, 'a', sizeof(e.action));
	cr_expect_eq(ledger_leaf(&e, leaf), RC_INTERNAL);
	cr_expect_eq(ledger_public(&e, public, &len), RC_INTERNAL);
	cr_expect_neq(fixture_update(&x, record, &e), RC_OK);
	e = entry_of(1);
	memset(e.reason, 'r', sizeof(e.reason));
	cr_expect_eq(ledger_leaf(&e, leaf), RC_INTERNAL);
	cr_expect_neq(fixture_update(&x, record, &e), RC_OK);
}

static enum rc
decode(const uint8_t *p, size_t len)
{
	const struct key at = log_key(LOG_AUDIT, 4);
	struct audit_entry e;
	uint8_t *copy = malloc(len + 1); /* of just that length, so that a sanitizer sees a read behind it */
	enum rc rc;

	cr_assert_not_null(copy);
	if (len > 0)
		memcpy(copy, p, len);
	rc = ledger_decode(&at, (struct bytes){ copy, len }, &e);
	free(copy);
	return rc;
}

Test(ledger_starved, an_entry_cut_anywhere_is_damage)
{
	uint8_t text[256] = { 0 };
	const struct key at = log_key(LOG_AUDIT, 4), no_key = { .len = 3 };
	struct audit_entry e;

	for (size_t len = 0; len < 32; len++)
		cr_expect_eq(decode(text, len), RC_CORRUPT, "%zu", len);
	cr_expect_eq(decode(text, 32), RC_OK, "a leaf alone: erased");
	cr_assert_eq(ledger_decode(&at, (struct bytes){ text, 32 }, &e), RC_OK);
	cr_expect(e.is_erased && e.number == 4);
	cr_expect_eq(ledger_decode(&no_key, (struct bytes){ text, 32 }, &e), RC_CORRUPT);
	cr_expect_eq(decode(text, 33), RC_CORRUPT);
	text[32] = 0xff; /* longer than what follows */
	cr_expect_eq(decode(text, 100), RC_CORRUPT);
	text[32] = 0;
	text[33] = 60; /* and six bytes, which are no tag */
	cr_expect_eq(decode(text, 100), RC_CORRUPT);
}

Test(ledger_starved, only_keys_of_the_trail_are_entries)
{
	const struct key entry = log_key(LOG_AUDIT, 9), event = log_key(LOG_EVENT, 9),
			 head = log_head_key(LOG_AUDIT);
	struct key cut = entry;

	cut.len--;
	cr_expect(ledger_is_entry(&entry));
	cr_expect_not(ledger_is_entry(&event));
	cr_expect_not(ledger_is_entry(&head));
	cr_expect_not(ledger_is_entry(&cut));
}

/* ---- heads ---- */

static void
expect_wrong_head(uint64_t first_bad)
{
	struct ledger_report r;

	cr_assert_eq(fixture_view(&x, verify, &r), RC_OK);
	cr_expect_eq(r.first_bad, first_bad);
	cr_expect_not_null(r.finding);
}

Test(ledger_starved, a_head_that_is_none_or_of_another_trail_is_a_finding)
{
	const struct key at = log_head_key(LOG_AUDIT);
	const struct log_head other = { .count = ENTRIES }, none = { .count = 0, .head = { 1 } };
	uint8_t text[LOG_HEAD_BYTES];

	fixture_raw_put(&at, bytes_str("short"));
	expect_wrong_head(ENTRIES);
	log_head_write(&other, text);
	fixture_raw_put(&at, (struct bytes){ text, sizeof(text) });
	expect_wrong_head(ENTRIES);
	for (uint64_t n = 1; n <= ENTRIES; n++) {
		const struct key entry = log_key(LOG_AUDIT, n);

		fixture_raw_put(&entry, (struct bytes){ NULL, 0 });
	}
	expect_wrong_head(1);
	log_head_write(&none, text);
	fixture_raw_put(&at, (struct bytes){ text, sizeof(text) });
	expect_wrong_head(1);
	fixture_raw_put(&at, bytes_str("short"));
	expect_wrong_head(1);
}
