/* SPDX-License-Identifier: Apache-2.0 */
/* After five years the trail says nothing of what it said, and still proves and vouches for all that stands.
 */
#include "service/trail_expiry.h"

#include "details.h"
#include "ledger/tags.h"
#include "ledger/transcript.h"

#define YEAR (365 * (int64_t)DAY)

static struct details x;
static struct signing_key *key;
static struct signer signer;

static void
set_up(void)
{
	struct pem private, public;

	details_open(&x);
	cr_assert_eq(signing_new(&private, &public), RC_OK);
	cr_assert_eq(signing_load(&private, true, &key), RC_OK);
	cr_assert_eq(signer_init(&signer, "localhost", key), RC_OK);
}

static void
tear_down(void)
{
	signing_free(key);
	details_close(&x);
}

TestSuite(trail_expiry, .init = set_up, .fini = tear_down, .timeout = 120);

/* ---- entries ---- */

struct writing {
	unsigned org; /* 0: none */
	uint32_t version;
	int64_t at;
};

static struct id
org_id(unsigned i)
{
	struct id id = { { 0x33 } };

	put_u32(id.b + 4, i);
	return id;
}

static enum rc
write_txn(struct txn *t, void *arg)
{
	const struct writing *w = arg;
	struct audit_entry e = { .at = w->at, .action = "orgs_change" };
	const struct id id = org_id(w->org);
	const struct key at = record_key(KIND_ORG, &id);
	struct org org = { .id = id, .version = w->version };
	enum rc rc = w->org == 0 ? RC_OK : record_put(t, KIND_ORG, &at, &org);

	memset(e.salt, 9, sizeof(e.salt));
	memset(e.user.b, 0xab, sizeof(e.user.b));
	return rc == RC_OK ? ledger_record(t, &e) : rc;
}

static void
put(unsigned org, uint32_t version, int64_t at)
{
	struct writing w = { org, version, at };

	cr_assert_eq(store_update(x.parts.store, x.arena, write_txn, &w), RC_OK);
	arena_rewind(x.arena, 0);
}

/* ---- looking ---- */

struct looked {
	struct ledger_report ledger;
	struct tags_report tags;
	struct transcript_check check;
	unsigned erased, readable;
};

static void
ignore(void *arg, const struct tag_finding *f)
{
	(void)arg;
	/* the fixture's own house was written without an entry */
	cr_assert(f->trouble == TAG_UNKNOWN, "kind %c: %s", f->kind, tag_trouble_text(f->trouble));
}

static bool
count_entry(void *arg, const struct audit_entry *e)
{
	struct looked *l = arg;

	l->erased += e->is_erased;
	l->readable += !e->is_erased;
	return true;
}

static bool
take(void *arg, const char *line, size_t len)
{
	return transcript_take(arg, line, len);
}

static enum rc
look_txn(struct txn *t, void *arg)
{
	struct looked *l = arg;
	enum rc rc;

	l->check.signer = &signer;
	l->check.may_be_ahead = true;
	if ((rc = ledger_verify(t, NULL, NULL, &l->ledger)) != RC_OK ||
	    (rc = tags_check(t, ignore, l, &l->tags)) != RC_OK ||
	    (rc = ledger_read(t, 1, count_entry, l)) != RC_OK)
		return rc;
	rc = transcript_write(t, x.arena, &signer, 0, take, &l->check);
	(void)transcript_end(&l->check);
	return rc;
}

static struct looked
look_at(void)
{
	struct looked l = { .erased = 0 };

	cr_assert_eq(store_view(x.parts.store, x.arena, look_txn, &l), RC_OK);
	arena_rewind(x.arena, 0);
	return l;
}

static void
expect_sound(const struct looked *l)
{
	cr_expect_eq(l->ledger.first_bad, 0, "%s", l->ledger.finding);
	cr_expect_null(l->check.finding, "%s", l->check.finding);
}

static void
sign(void)
{
	struct checkpoint latest;

	cr_assert_eq(tree_sign(x.parts.store, x.arena, &signer, START, &latest), RC_OK);
	arena_rewind(x.arena, 0);
}

static void
expire(int64_t now)
{
	struct upkeep u = { .parts = &x.parts, .now = now, .fault = &x.fault };

	cr_assert_eq(upkeep_begin(&u, JOB_PURGE), RC_OK);
	cr_assert_eq(trail_expire(&u, JOB_PURGE, 5 * YEAR), RC_OK);
	upkeep_end(&u);
}

Test(trail_expiry, an_entry_of_a_clock_that_was_years_behind_takes_no_young_one_with_it)
{
	struct looked l;

	/* the fifth of nine is the first that a search by halves would look at */
	for (unsigned i = 1; i <= 9; i++)
		put(i, 1, i == 5 ? DAY : START);
	sign();
	expire(START + DAY);
	l = look_at();
	expect_sound(&l);
	cr_expect_eq(l.erased, 0, "nothing is five years old");
	cr_expect_eq(l.readable, 9);
	expire(START + 5 * YEAR + DAY);
	l = look_at();
	expect_sound(&l);
	cr_expect_eq(l.erased, 9, "all of them go when they are");
}

Test(trail_expiry, an_entry_of_a_clock_that_ran_ahead_keeps_no_old_one_behind_it)
{
	struct looked l;

	for (unsigned i = 1; i <= 9; i++)
		put(i, 1, i == 5 || i == 9 ? START + 20 * YEAR : START);
	sign();
	expire(START + 5 * YEAR + DAY);
	l = look_at();
	expect_sound(&l);
	cr_expect_eq(l.erased, 8, "the last may be young");
}

Test(trail_expiry, old_entries_lose_their_text_and_the_trail_stays_whole_and_signed)
{
	struct looked l;
	uint64_t compared;

	for (unsigned i = 1; i <= 100; i++)
		put(i, 1, START);
	sign();
	for (unsigned i = 1; i <= 30; i++)
		put(i, 2, START + 4 * YEAR);
	sign();
	l = look_at();
	compared = l.tags.compared;
	cr_expect_eq(compared, 100);
	expire(START + 5 * YEAR + DAY);
	l = look_at();
	expect_sound(&l);
	cr_expect_eq(l.erased, 100);
	cr_expect_eq(l.check.checkpoints, 2);
	cr_expect_geq(l.tags.compared, compared, "the 70 that only old entries knew are vouched for anew");
	cr_expect_eq(l.tags.findings, 2, "only the fixture's own two");
	sign();
	expire(START + 20 * YEAR);
	l = look_at();
	expect_sound(&l);
	cr_expect_geq(l.tags.compared, compared);
}

Test(trail_expiry, nothing_is_erased_before_its_time)
{
	struct looked l;

	put(1, 1, START);
	expire(START + 5 * YEAR);
	l = look_at();
	cr_expect_eq(l.erased, 0);
	cr_expect_eq(l.readable, 1);
}

struct raw {
	const struct key *at;
	bool is_found;
};

static bool
find_text(void *arg, const struct key *at, struct bytes value, uint64_t rev)
{
	struct raw *r = arg;

	(void)rev;
	r->is_found |= key_compare(at, r->at) == 0 && value.len > LOG_LEAF;
	return true;
}

static enum rc
find_raw(struct txn *t, void *arg)
{
	const struct key prefix = key_kind('A');

	return txn_scan_sealed(t, &prefix, find_text, arg);
}

Test(trail_expiry, of_an_erased_entry_only_the_leaf_is_stored)
{
	const struct key first = log_key(LOG_AUDIT, 1);
	struct raw r = { .at = &first };

	put(1, 1, START);
	cr_assert_eq(store_view(x.parts.store, x.arena, find_raw, &r), RC_OK);
	cr_expect(r.is_found, "it has a text before");
	r.is_found = false;
	expire(START + 6 * YEAR);
	arena_rewind(x.arena, 0);
	cr_assert_eq(store_view(x.parts.store, x.arena, find_raw, &r), RC_OK);
	cr_expect_not(r.is_found);
}

/* ---- who erases on his own ---- */

static enum rc
erase_alone(struct txn *t, void *arg)
{
	return txn_log_erase(t, LOG_AUDIT, *(const uint64_t *)arg);
}

static enum rc
erase_and_lie(struct txn *t, void *arg)
{
	struct audit_entry e = { .at = START, .action = LEDGER_ERASED };
	const uint64_t *number = arg;
	enum rc rc = txn_log_erase(t, LOG_AUDIT, *number);

	(void)strcpy(e.reason, "to 3");
	return rc == RC_OK ? ledger_record(t, &e) : rc;
}

Test(trail_expiry, content_that_goes_without_retentions_word_is_a_finding)
{
	uint64_t number = 4;
	struct looked l;

	for (unsigned i = 1; i <= 6; i++)
		put(0, 0, START);
	cr_assert_eq(store_update(x.parts.store, x.arena, erase_alone, &number), RC_OK);
	l = look_at();
	cr_expect_neq(l.ledger.first_bad, 0);
	cr_expect_str_eq(l.ledger.finding, "content is gone, but not by retention");
	cr_assert_not_null(l.check.finding);
	cr_expect_str_eq(l.check.finding, "content is gone, but not by retention");
	cr_assert_eq(store_update(x.parts.store, x.arena, erase_and_lie, &number), RC_OK);
	l = look_at();
	cr_expect_eq(l.ledger.first_bad, 4, "its word goes up to 3 only");
}
