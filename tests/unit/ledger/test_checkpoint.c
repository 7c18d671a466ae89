/* SPDX-License-Identifier: Apache-2.0 */
/* Signed checkpoints: their texts, who may have signed them, and the trail in the store that they speak of.
 */
#include "ledger/checkpoint.h"

#include "../store_fixture.h"
#include "crypto/digest.h"
#include "ledger/tree.h"

static struct fixture x;
static struct signing_key *key, *public_key;
static struct signer signer, reader;

static void
set_up(void)
{
	struct pem private, public;

	fixture_new(&x, &engine_memory);
	cr_assert_eq(signing_new(&private, &public), RC_OK);
	cr_assert_eq(signing_load(&private, true, &key), RC_OK);
	cr_assert_eq(signing_load(&public, false, &public_key), RC_OK);
	cr_assert_eq(signer_init(&signer, "registry.example.hu", key), RC_OK);
	cr_assert_eq(signer_init(&reader, "registry.example.hu", public_key), RC_OK);
}

static void
tear_down(void)
{
	signing_free(key);
	signing_free(public_key);
	fixture_free(&x);
}

TestSuite(checkpoint, .init = set_up, .fini = tear_down, .timeout = 60);

/* ---- texts ---- */

static struct checkpoint
signed_one(void)
{
	struct checkpoint c = { .number = 7, .size = 1234, .at = 1795244400 };

	memset(c.root, 0x11, sizeof(c.root));
	memset(c.head, 0xfe, sizeof(c.head));
	cr_assert_eq(checkpoint_sign(&signer, &c), RC_OK);
	return c;
}

Test(checkpoint, the_note_is_the_documented_text)
{
	static const char body[] = "registry.example.hu/audit\n1234\n"
				   "ERERERERERERERERERERERERERERERERERERERERERE=\n"
				   "head /v7+/v7+/v7+/v7+/v7+/v7+/v7+/v7+/v7+/v7+/v4=\n"
				   "number 7\ntime 2026-11-21T07:00:00Z\n"
				   "\n\xe2\x80\x94 registry.example.hu/audit ";
	const struct checkpoint c = signed_one();
	char note[CHECKPOINT_TEXT];

	(void)checkpoint_note(&reader, &c, note);
	cr_expect_eq(strncmp(note, body, strlen(body)), 0, "%s", note);
	cr_expect_eq(note[strlen(note) - 1], '\n');
}

Test(checkpoint, the_public_key_alone_checks_it)
{
	struct checkpoint c = signed_one();

	cr_expect(checkpoint_verify(&reader, &c));
	cr_expect_neq(checkpoint_sign(&reader, &c), RC_OK, "a public key signs nothing");
}

Test(checkpoint, any_change_breaks_the_signature)
{
	const struct checkpoint good = signed_one();
	struct checkpoint c = good;
	struct signer other = reader;

	c.size++;
	cr_expect_not(checkpoint_verify(&reader, &c));
	c = good;
	c.number--;
	cr_expect_not(checkpoint_verify(&reader, &c));
	c = good;
	c.at++;
	cr_expect_not(checkpoint_verify(&reader, &c));
	for (unsigned i = 0; i < 32; i++) {
		c = good;
		c.root[i] ^= 1;
		cr_expect_not(checkpoint_verify(&reader, &c));
		c = good;
		c.head[i] ^= 1;
		cr_expect_not(checkpoint_verify(&reader, &c));
	}
	for (unsigned i = 0; i < SIGNATURE_BYTES; i++) {
		c = good;
		c.signature[i] ^= 1;
		cr_expect_not(checkpoint_verify(&reader, &c));
	}
	cr_assert_eq(signer_init(&other, "registry.example.org", public_key), RC_OK);
	cr_expect_not(checkpoint_verify(&other, &good), "another registry's name");
}

Test(checkpoint, a_foreign_key_is_refused)
{
	const struct checkpoint c = signed_one();
	struct pem private, public;
	struct signing_key *foreign;
	struct signer other;

	cr_assert_eq(signing_new(&private, &public), RC_OK);
	cr_assert_eq(signing_load(&public, false, &foreign), RC_OK);
	cr_assert_eq(signer_init(&other, "registry.example.hu", foreign), RC_OK);
	cr_expect_not(checkpoint_verify(&other, &c));
	cr_expect_eq(signing_load(&public, true, &foreign), RC_INVALID, "a public key is no private one");
	cr_assert_eq(ca_key_new(&private), RC_OK);
	cr_expect_eq(signing_load(&private, true, &foreign), RC_INVALID, "P-256 is not Ed25519");
}

static bool
reads(const char *line, struct checkpoint *out)
{
	return checkpoint_read_line(&reader, bytes_str(line), out);
}

Test(checkpoint, a_line_is_read_back_whatever_a_log_puts_before_it)
{
	const struct checkpoint c = signed_one();
	char line[CHECKPOINT_TEXT], logged[2 * CHECKPOINT_TEXT];
	struct checkpoint back;

	cr_assert_eq(checkpoint_line(&signer, &c, line), strlen(line));
	cr_assert(reads(line, &back));
	cr_expect_eq(back.size, 1234);
	cr_expect_eq(back.number, 7);
	cr_expect(checkpoint_verify(&reader, &back));
	snprintf(logged, sizeof(logged), "Nov 21 07:00:00 host menedek[77]: %s\r\n", line);
	cr_assert(reads(logged, &back));
	cr_expect(checkpoint_verify(&reader, &back));
}

Test(checkpoint, a_line_that_was_not_written_just_so_is_none)
{
	const struct checkpoint c = signed_one();
	char line[CHECKPOINT_TEXT], bad[CHECKPOINT_TEXT + 8];
	struct checkpoint back;
	size_t len = checkpoint_line(&signer, &c, line);

	for (size_t i = 0; i < len; i++) {
		memcpy(bad, line, len + 1);
		bad[i] = bad[i] == 'x' ? 'y' : 'x';
		cr_expect_not(reads(bad, &back) && checkpoint_verify(&reader, &back), "byte %zu", i);
		memcpy(bad, line, i);
		bad[i] = '\0';
		cr_expect_not(reads(bad, &back), "cut at %zu", i);
	}
	snprintf(bad, sizeof(bad), "%s ", line);
	cr_expect_not(reads(bad, &back));
	snprintf(bad, sizeof(bad), "%s x", line);
	cr_expect_not(reads(bad, &back));
	snprintf(bad, sizeof(bad), "menedek-checkpoint  %s", line + 19);
	cr_expect_not(reads(bad, &back));
}

Test(checkpoint, a_line_or_a_word_longer_than_any_is_none)
{
	const struct checkpoint c = signed_one();
	char line[CHECKPOINT_TEXT], bad[2 * CHECKPOINT_TEXT], padding[CHECKPOINT_TEXT];
	struct checkpoint back;

	(void)checkpoint_line(&signer, &c, line);
	memset(padding, 'A', 100);
	snprintf(bad, sizeof(bad), "%.*s%.100s", (int)(strrchr(line, ' ') + 1 - line), line, padding);
	cr_expect_not(reads(bad, &back), "more than a signature");
	memset(padding, '\n', sizeof(padding) - 1);
	padding[sizeof(padding) - 1] = '\0';
	snprintf(bad, sizeof(bad), "%s%s", line, padding);
	cr_expect_not(reads(bad, &back), "longer than any line");
	bad[strlen(line) + 9] = '\0';
	cr_expect(reads(bad, &back));
	cr_expect_not(reads("menedek-checkpoint \n\n", &back), "nothing but the word");
}

Test(checkpoint, a_kept_range_that_is_not_the_root_s_is_damage)
{
	struct checkpoint c = { .number = 1 };
	struct merkle_range range = { .size = 0 };
	const uint8_t leaf[32] = { 7 };

	for (unsigned i = 0; i < 5; i++)
		merkle_add(&range, leaf, NULL, NULL);
	checkpoint_set_range(&c, &range);
	cr_expect_eq(checkpoint_range(&c, &range), RC_OK);
	c.root[31] ^= 1;
	cr_expect_eq(checkpoint_range(&c, &range), RC_CORRUPT);
	c.root[31] ^= 1;
	c.range[40] ^= 1;
	cr_expect_eq(checkpoint_range(&c, &range), RC_CORRUPT);
	c.range[40] ^= 1;
	c.range_len -= 32;
	cr_expect_eq(checkpoint_range(&c, &range), RC_CORRUPT);
}

Test(checkpoint, a_name_that_could_break_a_line_is_refused)
{
	char longest[CHECKPOINT_ORIGIN + 1];

	memset(longest, 'a', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = '\0';
	cr_expect_eq(signer_init(&reader, "two words", key), RC_INVALID);
	cr_expect_eq(signer_init(&reader, "two\nlines", key), RC_INVALID);
	cr_expect_eq(signer_init(&reader, longest, key), RC_INVALID);
}

/* ---- the trail in the store ---- */

static enum rc
append(struct txn *t, void *arg)
{
	const unsigned *i = arg;
	struct audit_entry e = { .at = 1000 + *i, .action = "orgs_read" };

	memcpy(e.salt, i, sizeof(*i));
	for (unsigned n = 0; n < 50; n++) {
		const enum rc rc = ledger_record(t, &e);
		if (rc != RC_OK)
			return rc;
	}
	return RC_OK;
}

/* ${count} times fifty entries. */
static void
fill(unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		cr_assert_eq(fixture_update(&x, append, &i), RC_OK);
}

static enum rc
sign(struct checkpoint *latest)
{
	arena_rewind(x.arena, 0);
	return tree_sign(x.store, x.arena, &signer, 5000, latest);
}

struct question {
	uint64_t a, b;
	struct merkle_proof proof;
	uint8_t root[32], older[32], leaf[32];
};

static enum rc
ask(struct txn *t, void *arg)
{
	struct question *q = arg;
	struct merkle_proof same;
	enum rc rc;

	if ((rc = tree_root(t, q->b, q->root)) != RC_OK || (rc = tree_root(t, q->a, q->older)) != RC_OK ||
	    (rc = txn_log_leaf(t, LOG_AUDIT, q->a, q->leaf)) != RC_OK ||
	    (rc = tree_consistency(t, q->a, q->b, &q->proof)) != RC_OK)
		return rc;
	cr_assert(merkle_check_consistency(q->a, q->older, q->b, q->root, &q->proof));
	if ((rc = tree_inclusion(t, q->a, q->b, &same)) == RC_OK)
		cr_assert(merkle_check_inclusion(q->leaf, q->a - 1, q->b, &same, q->root));
	return rc;
}

Test(checkpoint, proofs_of_any_two_sizes_hold_against_what_was_signed)
{
	static const uint64_t sizes[] = { 1, 2, 255, 256, 257, 511, 512, 513, 1000, 1024, 1499, 1500 };
	struct checkpoint c;

	fill(10);
	cr_assert_eq(sign(&c), RC_OK);
	cr_expect_eq(c.number, 1);
	cr_expect_eq(c.size, 500);
	fill(20);
	cr_assert_eq(sign(&c), RC_OK);
	cr_expect_eq(c.number, 2);
	cr_expect_eq(c.size, 1500);
	cr_expect(checkpoint_verify(&reader, &c));
	for (unsigned i = 0; i < COUNT_OF(sizes); i++)
		for (unsigned j = i; j < COUNT_OF(sizes); j++) {
			struct question q = { .a = sizes[i], .b = sizes[j] };

			cr_assert_eq(fixture_view(&x, ask, &q), RC_OK, "%u %u", i, j);
			if (q.b == 1500)
				cr_expect_arr_eq(q.root, c.root, 32);
		}
}

static enum rc
ask_beyond(struct txn *t, void *arg)
{
	struct merkle_proof p;

	(void)arg;
	cr_expect_eq(tree_inclusion(t, 0, 500, &p), RC_NOT_FOUND);
	cr_expect_eq(tree_inclusion(t, 501, 500, &p), RC_NOT_FOUND);
	cr_expect_eq(tree_inclusion(t, 501, 501, &p), RC_NOT_FOUND, "not signed yet");
	cr_expect_eq(tree_consistency(t, 0, 500, &p), RC_NOT_FOUND);
	cr_expect_eq(tree_consistency(t, 500, 499, &p), RC_NOT_FOUND);
	cr_expect_eq(tree_consistency(t, 1, UINT64_MAX, &p), RC_NOT_FOUND);
	return RC_OK;
}

Test(checkpoint, there_is_no_proof_of_what_was_not_signed)
{
	struct checkpoint c;

	fill(10);
	cr_assert_eq(sign(&c), RC_OK);
	fill(1);
	cr_expect_eq(fixture_view(&x, ask_beyond, NULL), RC_OK);
}

Test(checkpoint, nothing_new_is_nothing_signed)
{
	struct checkpoint c;

	cr_assert_eq(sign(&c), RC_OK);
	cr_expect_eq(c.number, 0, "an empty trail");
	fill(1);
	cr_assert_eq(sign(&c), RC_OK);
	cr_assert_eq(sign(&c), RC_OK);
	cr_expect_eq(c.number, 1);
}

Test(checkpoint, a_long_trail_is_signed_in_steps)
{
	struct checkpoint c;

	fill(100); /* 5,000 */
	cr_assert_eq(sign(&c), RC_OK);
	cr_expect_eq(c.number, 2);
	cr_expect_eq(c.size, 5000);
}

Test(checkpoint, a_trail_with_a_hole_a_foreign_leaf_or_an_older_end_is_not_signed)
{
	const struct key third = log_key(LOG_AUDIT, 3), head = log_head_key(LOG_AUDIT);
	struct bytes raw, before;
	struct checkpoint c;

	fill(1);
	raw = fixture_raw_get(&third);
	fixture_raw_put(&third, (struct bytes){ NULL, 0 });
	cr_expect_eq(sign(&c), RC_CORRUPT);
	((uint8_t *)(uintptr_t)raw.p)[0] ^= 1;
	fixture_raw_put(&third, raw);
	cr_expect_eq(sign(&c), RC_CORRUPT);
	((uint8_t *)(uintptr_t)raw.p)[0] ^= 1;
	fixture_raw_put(&third, raw);
	before = fixture_raw_get(&head);
	fill(1);
	cr_expect_eq(sign(&c), RC_OK);
	fixture_raw_put(&head, before);
	cr_expect_eq(sign(&c), RC_CORRUPT, "shorter than what was signed");
	free((void *)(uintptr_t)raw.p);
	free((void *)(uintptr_t)before.p);
}
