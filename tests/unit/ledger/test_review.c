/* SPDX-License-Identifier: Apache-2.0 */
/* One walk over the trail for all who check it, as `menedek check` does: each finds what is its own to find,
 * whatever the others found. */
#include "ledger/review.h"

#include "signed_trail.h"

static const struct id first = { { 1 } }, second = { { 2 } };

static enum rc
write_org(struct txn *t, void *arg)
{
	const struct org *org = arg;
	const struct audit_entry e = { .at = 1000, .action = "orgs_change" };
	const struct key at = record_key(KIND_ORG, &org->id);
	enum rc rc = record_put(t, KIND_ORG, &at, org);

	return rc == RC_OK ? ledger_record(t, &e) : rc;
}

static void
put(const struct id *id, uint32_t version)
{
	struct org org = { .id = *id, .version = version };

	cr_assert_eq(fixture_update(&x, write_org, &org), RC_OK);
}

static void
set_up(void)
{
	trail_open();
	put(&first, 1);
	put(&second, 1);
	(void)trail_sign();
	put(&first, 2);
	(void)trail_sign();
}

TestSuite(review, .init = set_up, .fini = trail_close, .timeout = 120);

struct reviewed {
	struct ledger_report ledger;
	struct transcript_check signatures;
	struct tags_report tags;
	enum tag_trouble trouble; /* of the last finding */
	uint64_t last;
};

static void
see(void *arg, const struct tag_finding *f)
{
	struct reviewed *out = arg;

	out->trouble = f->trouble;
	out->last = f->last;
}

static enum rc
review(struct txn *t, void *arg)
{
	struct review r = { .signatures = { .signer = &signer, .may_be_ahead = true }, .arena = x.arena };
	struct reviewed *out = arg;
	enum rc rc = tags_begin(&r.tags);

	*out = (struct reviewed){ .trouble = TAG_TROUBLES };
	if (rc == RC_OK)
		rc = review_trail(t, &r);
	out->ledger = r.ledger;
	out->signatures = r.signatures;
	if (rc == RC_OK)
		rc = tags_compare(r.tags, t, see, out, &out->tags);
	tags_end(r.tags);
	return rc;
}

static struct reviewed
reviewed(void)
{
	struct reviewed out;

	cr_assert_eq(fixture_view(&x, review, &out), RC_OK);
	cr_expect_eq(out.ledger.first_bad, 0);
	return out;
}

Test(review, of_a_sound_trail_and_store_there_is_nothing_to_say)
{
	struct reviewed r;

	cr_expect_geq(fixture_update_starved(&x, review, &r), 10);
	cr_expect(r.ledger.first_bad == 0 && r.ledger.entries == 3);
	cr_expect_null(r.signatures.finding);
	cr_expect(r.signatures.checkpoints == 2 && r.signatures.covered == 3);
	cr_expect(r.tags.compared == 2 && r.tags.findings == 0);
}

Test(review, a_value_that_was_put_back_is_found_though_every_signature_holds)
{
	const struct key at = record_key(KIND_ORG, &first);
	struct bytes old = fixture_raw_get(&at);
	struct reviewed r;

	put(&first, 3);
	(void)trail_sign();
	fixture_raw_put(&at, old);
	free((void *)(uintptr_t)old.p);
	r = reviewed();
	cr_expect_null(r.signatures.finding);
	cr_expect(r.tags.findings == 1 && r.trouble == TAG_OLD && r.last == 4);
}

/* As who has the file and no key leaves it: the last entry gone, the head that of the one before; perhaps
 * with the copy of the newest checkpoint, or the newest itself. */
Test(review, a_trail_that_is_shorter_than_what_was_signed_is_no_whole_one)
{
	const struct key head = log_head_key(LOG_AUDIT), last = log_key(LOG_AUDIT, 4);
	const struct key newest = checkpoint_key(0), third = checkpoint_key(3);
	struct bytes short_head = fixture_raw_get(&head), second_newest = fixture_raw_get(&newest), kept;
	struct reviewed r;

	trail_add((struct audit_entry){ .at = 1000, .action = "searches_create" });
	(void)trail_sign();
	trail_remove(&last);
	fixture_raw_put(&head, short_head);
	for (unsigned i = 0; i < 3; i++) {
		r = reviewed();
		cr_assert_not_null(r.signatures.finding, "%u", i);
		cr_expect_str_eq(r.signatures.finding, "cut off");
		cr_expect(r.signatures.checkpoint == 3 && r.signatures.first == 4 && r.signatures.last == 4);
		if (i == 0) {
			kept = fixture_raw_get(&newest);
			fixture_raw_put(&newest, second_newest);
		} else if (i == 1) {
			trail_remove(&third);
			fixture_raw_put(&newest, kept);
			free((void *)(uintptr_t)kept.p);
		}
	}
	free((void *)(uintptr_t)short_head.p);
	free((void *)(uintptr_t)second_newest.p);
}

Test(review, a_checkpoint_that_is_gone_is_missed_whichever_it_was)
{
	for (uint64_t number = 0; number <= 2; number++) {
		const struct key at = checkpoint_key(number);
		struct bytes kept = fixture_raw_get(&at);
		struct reviewed r;

		trail_remove(&at);
		r = reviewed();
		cr_assert_not_null(r.signatures.finding, "%u", (unsigned)number);
		cr_expect_str_eq(r.signatures.finding, "checkpoint missing or out of order");
		cr_expect_eq(r.signatures.checkpoint, number == 0 ? 2 : number);
		fixture_raw_put(&at, kept);
		free((void *)(uintptr_t)kept.p);
	}
	cr_expect_null(reviewed().signatures.finding);
}

Test(review, the_copy_of_the_newest_checkpoint_that_is_none_is_found)
{
	const struct key newest = checkpoint_key(0);
	struct reviewed r;
	struct checkpoint c;

	put(&first, 3);
	c = trail_sign();
	c.signature[0] ^= 1;
	fixture_put_at(&x, KIND_CHECKPOINT, &newest, &c);
	r = reviewed();
	cr_assert_not_null(r.signatures.finding);
	cr_expect_str_eq(r.signatures.finding, "signature does not hold");
	trail_break(&newest);
	r = reviewed();
	cr_assert_not_null(r.signatures.finding);
	cr_expect_str_eq(r.signatures.finding, "a checkpoint was altered");
	cr_expect_eq(r.signatures.checkpoint, 3);
}

/* Entries come while the last checkpoint is a minute old, and at first there is none. */
Test(review, a_trail_that_grew_since_it_was_signed_is_a_whole_one)
{
	struct reviewed r;

	put(&first, 3);
	r = reviewed();
	cr_expect_null(r.signatures.finding);
	cr_expect(r.signatures.checkpoints == 2 && r.signatures.covered == 3);
	for (uint64_t number = 0; number <= 2; number++) {
		const struct key at = checkpoint_key(number);

		trail_remove(&at);
	}
	r = reviewed();
	cr_expect_null(r.signatures.finding);
	cr_expect_eq(r.signatures.checkpoints, 0);
}

Test(review, what_is_wrong_with_a_checkpoint_hides_nothing_that_is_wrong_with_a_value)
{
	const struct key at = record_key(KIND_ORG, &second), checkpoint = checkpoint_key(1);
	struct reviewed r;

	trail_break(&checkpoint);
	trail_remove(&at);
	r = reviewed();
	cr_expect_str_eq(r.signatures.finding, "a checkpoint was altered");
	cr_expect(r.tags.findings == 1 && r.trouble == TAG_REMOVED && r.last == 2);
}
