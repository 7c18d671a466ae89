/* SPDX-License-Identifier: Apache-2.0 */
/* One ring on two nodes: the keeper makes and destroys keys, the other takes over what is published. */
#include "ring.h"

#include "base/file.h"
#include "crypto/keyfile.h"

static struct ring r;
static struct keyring *node; /* over a copy of the keeper's first file */

static struct bytes
published(struct keyring *k)
{
	struct keyring_mark mark;
	char *text;
	size_t len;

	cr_assert_eq(keyring_export(k, &text, &len, &mark), RC_OK);
	cr_assert_eq(mark.generation, keyring_generation(k));
	return (struct bytes){ (uint8_t *)text, len };
}

static enum rc
take_over(struct bytes text, bool is_node, uint32_t known)
{
	const enum rc rc = keyring_import(node, text, is_node, known);

	free((void *)(uintptr_t)text.p);
	return rc;
}

static void
set_up(void)
{
	struct fault f = { 0 };
	struct bytes text;

	ring_open(&r);
	text = published(r.keyring);
	cr_assert_eq(file_write(scratch_path(&r.s, "node"), text, 0600, &f), RC_OK);
	free((void *)(uintptr_t)text.p);
	cr_assert_eq(keyring_open(r.s.path, r.root, &node, &f), RC_OK);
}

static void
tear_down(void)
{
	keyring_free(node);
	ring_close(&r);
}

TestSuite(keyring_node, .init = set_up, .fini = tear_down, .timeout = 60);

Test(keyring_node, it_seals_with_the_keeper_s_keys_and_makes_none_of_its_own)
{
	uint8_t sealed[5 + SEAL_OVERHEAD];
	struct fault f = { 0 };

	cr_assert_eq(take_over(published(r.keyring), true, 0), RC_OK, "what it has already");
	cr_expect(keyring_is_node(node));
	cr_assert_eq(keyring_day(r.keyring, NOON(3), &f), RC_OK);
	cr_assert_eq(take_over(published(r.keyring), true, 0), RC_OK);
	cr_expect_eq(keyring_current(node, KEY_DETAIL), keyring_current(r.keyring, KEY_DETAIL));
	for (unsigned i = 0; i < 3000; i++) /* more than the keeper's file reserves for it */
		seal(node, KEY_RECORD, "key", sealed);
	cr_expect_eq(open_as(r.keyring, "key", sealed), RC_OK);
	cr_expect_eq(keyring_renew(node, KEY_RECORD, &f), RC_UNAVAILABLE);
	cr_expect_eq(f.item[0].msg, MSG_KEYS_ELSEWHERE);
	cr_expect_eq(keyring_day(node, NOON(4), &f), RC_OK, "the keeper's to make");
	cr_expect_eq(keyring_count(node), KEY_USES + 1);
	cr_expect_eq(keyring_day(r.keyring, -1, &f), RC_OK, "a clock before all days");
}

Test(keyring_node, what_is_no_later_file_of_the_same_ring_is_refused)
{
	struct bytes first = published(r.keyring), cut;
	struct keyring *stranger;
	struct fault f = { 0 };

	cut = published(r.keyring);
	cut.len--;
	cr_expect_eq(take_over(cut, true, 0), RC_CORRUPT);
	cr_assert_eq(keyring_create(scratch_path(&r.s, "stranger"), r.root, &f), RC_OK);
	cr_assert_eq(keyring_open(r.s.path, r.root, &stranger, &f), RC_OK);
	cr_expect_eq(take_over(published(stranger), true, 0), RC_CORRUPT, "another ring of the same root");
	keyring_free(stranger);
	cr_assert_eq(keyring_day(r.keyring, NOON(3), &f), RC_OK);
	cr_assert_eq(take_over(published(r.keyring), true, 0), RC_OK);
	cr_expect_eq(take_over(first, true, 0), RC_CORRUPT, "an older one");
	cr_expect_not(keyring_is_node(r.keyring));
}

Test(keyring_node, who_keeps_the_keys_takes_over_newer_ones_only)
{
	uint8_t sealed[5 + SEAL_OVERHEAD];
	struct fault f = { 0 };
	uint32_t gone = keyring_current(r.keyring, KEY_DETAIL);
	struct bytes before;

	cr_assert_eq(keyring_day(r.keyring, NOON(3), &f), RC_OK);
	cr_expect_eq(take_over(published(r.keyring), false, 0), RC_OK, "newer");
	cr_expect_eq(keyring_count(node), KEY_USES + 1);
	seal(node, KEY_RECORD, "key", sealed);
	cr_expect_eq(
	    take_over(published(r.keyring), false, 0), RC_OK, "the same keys, its own file counts more");
	before = published(r.keyring);
	cr_assert_eq(keyring_retire(r.keyring, &gone, 1, &f), RC_OK);
	cr_expect_eq(take_over(published(r.keyring), false, 0), RC_OK, "one is destroyed");
	cr_expect_eq(keyring_count(node), KEY_USES);
	cr_expect_eq(take_over(before, false, 0), RC_CORRUPT, "and does not come back");
	cr_expect_eq(keyring_count(node), KEY_USES);
}

Test(keyring_node, a_node_that_lost_its_file_takes_what_is_published_and_has_one_again)
{
	struct bytes text = published(r.keyring);

	cr_assert_eq(unlink(scratch_path(&r.s, "node")), 0);
	cr_expect_eq(take_over(text, true, 0), RC_OK);
	text = published(node);
	cr_expect_eq(take_over(text, true, 0), RC_OK);
}

Test(keyring_node, what_cannot_be_written_is_not_taken_over)
{
	struct fault f = { 0 };

	cr_assert_eq(keyring_day(r.keyring, NOON(3), &f), RC_OK);
	cr_assert_eq(mkdir(scratch_path(&r.s, "node.tmp"), 0700), 0);
	cr_assert_eq(mkdir(scratch_path(&r.s, "node.tmp/x"), 0700), 0);
	cr_expect_neq(take_over(published(r.keyring), true, 0), RC_OK);
	cr_expect(keyring_count(node) == KEY_USES && !keyring_is_node(node));
	cr_assert_eq(rmdir(r.s.path), 0);
	cr_assert_eq(rmdir(scratch_path(&r.s, "node.tmp")), 0);
	cr_expect_eq(take_over(published(r.keyring), true, 0), RC_OK);
	cr_expect(keyring_count(node) == KEY_USES + 1 && keyring_is_node(node));
}

Test(keyring_node, keys_that_nobody_else_ever_saw_are_lost_with_the_keeping)
{
	uint8_t mine[5 + SEAL_OVERHEAD], theirs[5 + SEAL_OVERHEAD];
	struct keyring_mark mark;
	struct fault f = { 0 };
	char *text;
	size_t len;

	cr_assert_eq(keyring_export(r.keyring, &text, &len, &mark), RC_OK);
	free(text);
	cr_assert_eq(keyring_renew(node, KEY_EVENT, &f), RC_OK);
	seal(node, KEY_EVENT, "key", mine);
	cr_assert_eq(keyring_day(r.keyring, NOON(3), &f), RC_OK);
	seal(r.keyring, KEY_DETAIL, "key", theirs);
	cr_assert_eq(sealed_key_id(BYTES_OF(mine)), sealed_key_id(BYTES_OF(theirs)), "two of one id");
	cr_assert_eq(take_over(published(r.keyring), true, mark.next_id), RC_OK);
	cr_expect_eq(open_as(node, "key", theirs), RC_OK);
	cr_expect_eq(open_as(node, "key", mine), RC_CORRUPT);
	cr_expect_eq(keyring_current(node, KEY_DETAIL), sealed_key_id(BYTES_OF(theirs)));
	cr_expect_lt(keyring_current(node, KEY_EVENT), sealed_key_id(BYTES_OF(theirs)));
}

/* As a node that starts with a file under whose keys so much was sealed. */
static void
start_node_after(uint64_t seals)
{
	struct rootkey *root;
	struct keyfile kf;
	struct fault f = { 0 };

	keyring_free(node);
	cr_assert_eq(rootkey_new(r.root, &root, &f), RC_OK);
	cr_assert_eq(keyfile_load(scratch_path(&r.s, "node"), KEYFILE_RECORDS, root, &kf, &f), RC_OK);
	for (size_t i = 0; i < kf.count; i++)
		kf.entries[i].seals = seals;
	cr_assert_eq(keyfile_save(r.s.path, &kf, root, &f), RC_OK);
	keyfile_fini(&kf);
	rootkey_free(root);
	cr_assert_eq(keyring_open(r.s.path, r.root, &node, &f), RC_OK);
	cr_assert_eq(take_over(published(node), true, 0), RC_OK);
}

/* The keeper renews long before; where none does, a node must not go on for ever. */
Test(keyring_node, no_node_seals_past_its_part_of_the_limit)
{
	uint8_t sealed[5 + SEAL_OVERHEAD];

	start_node_after((UINT64_C(1) << 28) - 2);
	seal(node, KEY_RECORD, "key", sealed);
	start_node_after(UINT64_C(1) << 28);
	cr_expect_eq(
	    keyring_seal(node, KEY_RECORD, bytes_str("key"), bytes_str("plain"), sealed), RC_UNAVAILABLE);
	cr_expect_eq(
	    keyring_seal(node, KEY_RECORD, bytes_str("key"), bytes_str("plain"), sealed), RC_UNAVAILABLE);
}

static unsigned
count_said(const char *path, const char *word)
{
	struct fault f = { 0 };
	unsigned n = 0;
	char *text;
	size_t len;

	cr_assert_eq(file_read(path, 1 << 20, &text, &len, &f), RC_OK);
	for (const char *at = text; (at = memmem(at, len - (size_t)(at - text), word, strlen(word))) != NULL;
	     at++)
		n++;
	free(text);
	return n;
}

/* The keeper renews by its own count alone, and all desks may be at this node. */
Test(keyring_node, one_that_seals_more_than_its_keeper_goes_on_and_says_that_the_key_is_worn)
{
	uint8_t sealed[5 + SEAL_OVERHEAD];
	char said[400];

	snprintf(said, sizeof(said), "%s", scratch_path(&r.s, "said"));
	cr_assert_not_null(freopen(said, "w", stderr));
	setvbuf(stderr, NULL, _IONBF, 0);
	start_node_after((UINT64_C(1) << 24) - 2);
	seal(node, KEY_TOKEN, "key", sealed);
	cr_expect_eq(count_said(said, "key_worn"), 0);
	start_node_after(UINT64_C(1) << 24);
	for (unsigned i = 0; i < 3; i++)
		seal(node, KEY_TOKEN, "key", sealed);
	cr_expect_eq(count_said(said, "key_worn"), 1, "not with each seal");
	start_node_after(UINT64_C(1) << 28);
	cr_expect_eq(
	    keyring_seal(node, KEY_TOKEN, bytes_str("key"), bytes_str("plain"), sealed), RC_UNAVAILABLE);
	cr_expect_eq(count_said(said, "rc=unavailable"), 1);
	unlink(said);
}
