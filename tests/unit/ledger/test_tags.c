/* SPDX-License-Identifier: Apache-2.0 */
/* S3: whatever a thief of the disk puts into the store, old values of ours too, is found and named by the
 * entry that should stand there. */
#include "ledger/tags.h"

#include <signal.h>

#include "../store_fixture.h"

static struct fixture x;

static void
set_up(void)
{
	fixture_new(&x, &engine_lmdb);
}

static void
tear_down(void)
{
	fixture_free(&x);
}

TestSuite(tags, .init = set_up, .fini = tear_down, .timeout = 60);

/* ---- writing as the gate does ---- */

#define BATCH 6u

struct change_of {
	unsigned first, count; /* organisations */
	uint32_t version;      /* 0 deletes */
};

static struct id
id_of(unsigned i)
{
	struct id id = { { 0x77 } };

	put_u32(id.b + 8, i + 1);
	return id;
}

static struct key
key_of(unsigned i)
{
	const struct id id = id_of(i);

	return record_key(KIND_ORG, &id);
}

static enum rc
write_some(struct txn *t, void *arg)
{
	const struct change_of *w = arg;
	struct audit_entry e = { .at = 1000, .action = "orgs_change" };

	for (unsigned i = w->first; i < w->first + w->count; i++) {
		const struct key key = key_of(i);
		struct org org = { .id = id_of(i), .version = w->version };
		const enum rc rc =
		    w->version == 0 ? txn_delete(t, &key) : record_put(t, KIND_ORG, &key, &org);

		if (rc != RC_OK)
			return rc;
	}
	memset(e.salt, 5, sizeof(e.salt));
	return ledger_record(t, &e);
}

static void
put(unsigned first, unsigned count, uint32_t version)
{
	struct change_of w = { first, count, version };

	cr_assert_eq(fixture_update(&x, write_some, &w), RC_OK);
}

/* ---- checking ---- */

struct found {
	struct tags_report report;
	struct tag_finding first;
	struct key key;
};

static void
see(void *arg, const struct tag_finding *finding)
{
	struct found *f = arg;

	if (f->first.kind != 0)
		return;
	f->first = *finding;
	if (finding->key != NULL)
		f->key = *finding->key;
}

static enum rc
check(struct txn *t, void *arg)
{
	struct found *f = arg;

	return tags_check(t, see, f, &f->report);
}

static struct found
found(void)
{
	struct found f = { .first = { .kind = 0 } };

	cr_assert_eq(fixture_view(&x, check, &f), RC_OK);
	return f;
}

static void
expect(enum tag_trouble trouble, uint64_t last, uint64_t put_back)
{
	const struct found f = found();

	cr_expect_eq(f.report.findings, 1, "%u findings", (unsigned)f.report.findings);
	cr_expect_eq(f.first.trouble, trouble, "said: %s", tag_trouble_text(f.first.trouble));
	cr_expect_eq(f.first.kind, 'o');
	cr_expect_eq(f.first.last, last, "last written by %u", (unsigned)f.first.last);
	cr_expect_eq(f.first.put_back, put_back);
}

Test(tags, an_untouched_store_is_as_its_trail_says)
{
	struct found f = found();

	cr_expect_eq(f.report.findings, 0);
	put(0, 3, 1);
	put(1, 1, 2);
	put(2, 1, 0);
	f = found();
	cr_expect_eq(f.report.findings, 0);
	cr_expect_eq(f.report.compared, 2, "the deleted one is nowhere");
}

Test(tags, an_old_value_put_back_is_named_with_both_entries)
{
	const struct key key = key_of(1);
	struct bytes old;
	struct found f;

	put(0, 3, 1);
	old = fixture_raw_get(&key);
	put(1, 1, 2);
	put(2, 1, 2);
	fixture_raw_put(&key, old);
	expect(TAG_OLD, 2, 1);
	f = found();
	cr_expect_eq(key_compare(&f.key, &key), 0);
	free((void *)(uintptr_t)old.p);
}

Test(tags, a_removed_value_is_named)
{
	const struct key key = key_of(1);

	put(0, 2, 1);
	put(1, 1, 2);
	fixture_raw_put(&key, (struct bytes){ NULL, 0 });
	expect(TAG_REMOVED, 2, 0);
}

Test(tags, a_deleted_value_put_back_is_named)
{
	const struct key key = key_of(1);
	struct bytes old;

	put(0, 2, 1);
	old = fixture_raw_get(&key);
	put(1, 1, 0);
	fixture_raw_put(&key, old);
	expect(TAG_REVIVED, 2, 0);
	free((void *)(uintptr_t)old.p);
}

static enum rc
slip_in(struct txn *t, void *arg)
{
	const struct key key = key_of(9);
	struct org org = { .id = id_of(9), .version = 1 };

	(void)arg;
	return record_put(t, KIND_ORG, &key, &org);
}

Test(tags, a_value_sealed_with_the_right_key_but_without_an_entry_is_named)
{
	put(0, 2, 1);
	cr_assert_eq(fixture_update(&x, slip_in, NULL), RC_OK);
	expect(TAG_UNKNOWN, 0, 0);
}

Test(tags, every_flipped_or_missing_byte_is_named)
{
	const struct key key = key_of(0);
	struct bytes value;
	uint8_t *p;

	put(0, 1, 1);
	value = fixture_raw_get(&key);
	p = (uint8_t *)(uintptr_t)value.p;
	for (size_t i = 0; i < value.len; i++) {
		p[i] ^= 1;
		fixture_raw_put(&key, value);
		expect(TAG_ALTERED, 1, 0);
		p[i] ^= 1;
		fixture_raw_put(&key, (struct bytes){ p, i });
		expect(TAG_ALTERED, 1, 0);
	}
	free(p);
}

Test(tags, two_values_that_changed_places_are_both_named)
{
	const struct key a = key_of(0), b = key_of(1);
	struct bytes of_a, of_b;

	put(0, 2, 1);
	of_a = fixture_raw_get(&a);
	of_b = fixture_raw_get(&b);
	fixture_raw_put(&a, of_b);
	fixture_raw_put(&b, of_a);
	cr_expect_eq(found().report.findings, 2);
	cr_expect_eq(found().first.trouble, TAG_ALTERED);
	free((void *)(uintptr_t)of_a.p);
	free((void *)(uintptr_t)of_b.p);
}

Test(tags, more_keys_than_the_table_takes_are_compared_in_rounds)
{
	const struct key key = key_of(333);
	struct bytes old;
	struct found f;

	for (unsigned i = 0; i < 600; i += 60)
		put(i, 60, 1);
	old = fixture_raw_get(&key);
	put(333, 1, 2);
	f = found();
	cr_expect_eq(f.report.findings, 0);
	cr_expect_eq(f.report.compared, 600);
	fixture_raw_put(&key, old);
	expect(TAG_OLD, 11, 6);
	free((void *)(uintptr_t)old.p);
}

/* ---- what the entry tells is all that is written ---- */

static enum rc
write_after(struct txn *t, void *arg)
{
	const struct key key = key_of(8);
	enum rc rc = write_some(t, arg);

	return rc == RC_OK ? txn_delete(t, &key) : rc;
}

#ifndef MENEDEK_DEBUG /* there a bug of ours ends the process */
Test(tags, nothing_is_written_after_the_entry_that_tells_of_it)
{
	struct change_of w = { 0, 1, 1 };

	cr_expect_eq(fixture_update(&x, write_after, &w), RC_INTERNAL);
	cr_expect_eq(found().report.compared, 0);
}
#else
Test(tags, nothing_is_written_after_the_entry_that_tells_of_it, .signal = SIGABRT)
{
	struct change_of w = { 0, 1, 1 };

	(void)!fixture_update(&x, write_after, &w);
}
#endif

struct tagged {
	uint8_t tags[3 * TAG_BYTES];
	size_t len;
};

static bool
take_tags(void *arg, const struct audit_entry *e)
{
	struct tagged *out = arg;

	out->len = e->tags.len;
	if (e->tags.len <= sizeof(out->tags))
		memcpy(out->tags, e->tags.p, e->tags.len);
	return true;
}

static enum rc
read_tags(struct txn *t, void *arg)
{
	return ledger_read(t, 1, take_tags, arg);
}

Test(tags, an_entry_holds_one_tag_for_each_key_of_its_transaction)
{
	struct tagged out = { .len = 0 };
	uint8_t wanted[TAG_BYTES];
	struct key key = key_of(1);
	struct bytes raw;

	put(0, 3, 1);
	raw = fixture_raw_get(&key);
	cr_assert_eq(fixture_view(&x, read_tags, &out), RC_OK);
	cr_assert_eq(out.len, 3 * TAG_BYTES);
	tag_write(&key, raw, wanted);
	cr_expect_arr_eq(out.tags + TAG_BYTES, wanted, TAG_BYTES);
	free((void *)(uintptr_t)raw.p);
}
