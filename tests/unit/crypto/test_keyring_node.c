/* SPDX-License-Identifier: Apache-2.0 */
/* One ring on two nodes: the keeper makes and destroys keys, the other takes over what is published. */
#include "ring.h"

#include "base/file.h"

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
