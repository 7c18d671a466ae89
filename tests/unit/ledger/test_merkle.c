/* SPDX-License-Identifier: Apache-2.0 */
/* The tree against the vectors of RFC 6962's reference implementation, against a plain reading of the RFC's
 * recursive definition for every size to 130, and against forged proofs. */
#include "ledger/merkle.h"

#include <criterion/criterion.h>
#include <string.h>

#include "crypto/digest.h"

#define SIZES 130u

TestSuite(merkle, .timeout = 60);

static uint8_t leaves[SIZES + 1][MERKLE_HASH];

/* ---- the RFC's definition, word by word ---- */

static void
pair(const uint8_t *a, const uint8_t *b, uint8_t out[MERKLE_HASH])
{
	static const uint8_t one = 0x01;

	digest_parts((struct bytes[]){ { &one, 1 }, { a, MERKLE_HASH }, { b, MERKLE_HASH } }, 3, out);
}

static uint64_t
below(uint64_t n)
{
	uint64_t k = 1;

	while (k * 2 < n)
		k *= 2;
	return k;
}

static void
mth(uint64_t begin, uint64_t end, uint8_t out[MERKLE_HASH])
{
	uint8_t left[MERKLE_HASH], right[MERKLE_HASH];

	if (end - begin == 1) {
		memcpy(out, leaves[begin], MERKLE_HASH);
		return;
	}
	mth(begin, begin + below(end - begin), left);
	mth(begin + below(end - begin), end, right);
	pair(left, right, out);
}

static void
add(struct merkle_proof *p, uint64_t begin, uint64_t end)
{
	mth(begin, end, p->hash[p->count++]);
}

static void
path(uint64_t m, uint64_t begin, uint64_t end, struct merkle_proof *p)
{
	const uint64_t k = end - begin > 1 ? below(end - begin) : 0;

	if (k == 0)
		return;
	if (m < k) {
		path(m, begin, begin + k, p);
		add(p, begin + k, end);
	} else {
		path(m - k, begin + k, end, p);
		add(p, begin, begin + k);
	}
}

static void
subproof(uint64_t m, uint64_t begin, uint64_t end, bool is_whole, struct merkle_proof *p)
{
	const uint64_t n = end - begin, k = n > 1 ? below(n) : 0;

	if (m == n) {
		if (!is_whole)
			add(p, begin, end);
	} else if (m <= k) {
		subproof(m, begin, begin + k, is_whole, p);
		add(p, begin + k, end);
	} else {
		subproof(m - k, begin + k, end, false, p);
		add(p, begin, begin + k);
	}
}

/* ---- ours ---- */

static void
set_up(void)
{
	for (unsigned i = 0; i <= SIZES; i++) {
		const uint8_t text[2] = { 0x00, (uint8_t)i };
		digest(BYTES_OF(text), leaves[i]);
	}
}

static enum rc
node(void *arg, unsigned level, uint64_t index, uint8_t hash[MERKLE_HASH])
{
	const uint64_t *size = arg;

	cr_assert_leq((index + 1) << level, *size, "only complete subtrees are asked for");
	mth(index << level, (index + 1) << level, hash);
	return RC_OK;
}

static struct merkle_range
range_of(uint64_t size)
{
	struct merkle_range range = { .size = 0 };

	for (uint64_t i = 0; i < size; i++)
		merkle_add(&range, leaves[i], NULL, NULL);
	return range;
}

static void
expect_hex(const uint8_t hash[MERKLE_HASH], const char *wanted)
{
	char hex[2 * MERKLE_HASH + 1];

	hex_format(hash, MERKLE_HASH, hex);
	cr_expect_str_eq(hex, wanted);
}

/* The inputs and roots of the reference implementation of RFC 6962 (its merkle tree test). */
Test(merkle, roots_are_those_of_the_reference_implementation)
{
	static const char *const inputs[] = { "", "00", "10", "2021", "3031", "40414243", "5051525354555657",
		"606162636465666768696a6b6c6d6e6f" };
	static const char *const roots[] = {
		"6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
		"fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
		"aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
		"d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
		"4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
		"76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
		"ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
		"5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
	};
	struct merkle_range range = { .size = 0 };
	uint8_t root[MERKLE_HASH];

	merkle_root(&range, root);
	expect_hex(root, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
	for (unsigned i = 0; i < COUNT_OF(inputs); i++) {
		uint8_t text[33] = { 0x00 }, leaf[MERKLE_HASH];
		const size_t len = strlen(inputs[i]) / 2;

		cr_assert(hex_parse(inputs[i], 2 * len, text + 1, len));
		digest((struct bytes){ text, len + 1 }, leaf);
		merkle_add(&range, leaf, NULL, NULL);
		merkle_root(&range, root);
		expect_hex(root, roots[i]);
	}
}

Test(merkle, every_root_is_as_the_definition_says, .init = set_up)
{
	for (uint64_t n = 1; n <= SIZES; n++) {
		struct merkle_range range = range_of(n);
		uint8_t root[MERKLE_HASH], wanted[MERKLE_HASH];

		merkle_root(&range, root);
		mth(0, n, wanted);
		cr_expect_arr_eq(root, wanted, MERKLE_HASH, "size %u", (unsigned)n);
	}
}

static void
expect_same(const struct merkle_proof *ours, const struct merkle_proof *wanted, unsigned a, unsigned n)
{
	cr_assert_eq(ours->count, wanted->count, "%u of %u", a, n);
	cr_assert_arr_eq(ours->hash, wanted->hash, ours->count * MERKLE_HASH, "%u of %u", a, n);
}

Test(merkle, every_inclusion_proof_is_the_definitions_and_holds, .init = set_up)
{
	for (uint64_t n = 1; n <= SIZES; n++) {
		uint8_t root[MERKLE_HASH];

		mth(0, n, root);
		for (uint64_t i = 0; i < n; i++) {
			struct merkle_proof ours, wanted = { .count = 0 };

			cr_assert_eq(merkle_inclusion(i, n, node, &n, &ours), RC_OK);
			path(i, 0, n, &wanted);
			expect_same(&ours, &wanted, (unsigned)i, (unsigned)n);
			cr_assert(merkle_check_inclusion(leaves[i], i, n, &ours, root));
			cr_assert_not(merkle_check_inclusion(leaves[i + 1], i, n, &ours, root));
			if (n > 1)
				cr_assert_not(merkle_check_inclusion(leaves[i], (i + 1) % n, n, &ours, root));
		}
	}
}

Test(merkle, every_consistency_proof_is_the_definitions_and_holds, .init = set_up)
{
	for (uint64_t n = 1; n <= SIZES; n++)
		for (uint64_t m = 1; m <= n; m++) {
			struct merkle_proof ours, wanted = { .count = 0 };
			uint8_t old[MERKLE_HASH], new[MERKLE_HASH];

			cr_assert_eq(merkle_consistency(m, n, node, &n, &ours), RC_OK);
			subproof(m, 0, n, true, &wanted);
			expect_same(&ours, &wanted, (unsigned)m, (unsigned)n);
			mth(0, m, old);
			mth(0, n, new);
			cr_assert(merkle_check_consistency(m, old, n, new, &ours));
			old[0] ^= 1;
			cr_assert_not(merkle_check_consistency(m, old, n, new, &ours));
			old[0] ^= 1;
			new[31] ^= 1;
			cr_assert_not(merkle_check_consistency(m, old, n, new, &ours));
		}
}

Test(merkle, a_forged_proof_does_not_hold, .init = set_up)
{
	uint64_t n = 100;
	uint8_t root[MERKLE_HASH], old[MERKLE_HASH];
	struct merkle_proof p;

	mth(0, n, root);
	mth(0, 37, old);
	cr_assert_eq(merkle_inclusion(42, n, node, &n, &p), RC_OK);
	for (unsigned i = 0; i < p.count; i++) {
		p.hash[i][i] ^= 0x80;
		cr_expect_not(merkle_check_inclusion(leaves[42], 42, n, &p, root), "hash %u", i);
		p.hash[i][i] ^= 0x80;
	}
	p.count--;
	cr_expect_not(merkle_check_inclusion(leaves[42], 42, n, &p, root), "one too few");
	p.count += 2;
	memset(p.hash[p.count - 1], 0, MERKLE_HASH);
	cr_expect_not(merkle_check_inclusion(leaves[42], 42, n, &p, root), "one too many");
	p.count = 0;
	cr_expect_not(merkle_check_inclusion(root, 0, n, &p, root), "a root is no leaf");
	cr_assert_eq(merkle_consistency(37, n, node, &n, &p), RC_OK);
	cr_expect(merkle_check_consistency(37, old, n, root, &p));
	for (unsigned i = 0; i < p.count; i++) {
		p.hash[i][i] ^= 0x80;
		cr_expect_not(merkle_check_consistency(37, old, n, root, &p), "hash %u", i);
		p.hash[i][i] ^= 0x80;
	}
	p.count--;
	cr_expect_not(merkle_check_consistency(37, old, n, root, &p), "one too few");
	p.count += 2;
	memset(p.hash[p.count - 1], 0, MERKLE_HASH);
	cr_expect_not(merkle_check_consistency(37, old, n, root, &p), "one too many");
	p.count = 0;
	cr_expect_not(merkle_check_consistency(37, old, n, root, &p), "none");
	p.count = 1;
	cr_expect_not(merkle_check_consistency(n, root, n, root, &p), "the same tree needs none");
}

Test(merkle, what_does_not_exist_has_no_proof, .init = set_up)
{
	uint64_t n = 9;
	struct merkle_proof p;
	uint8_t root[MERKLE_HASH];

	mth(0, n, root);
	cr_expect_eq(merkle_inclusion(9, 9, node, &n, &p), RC_INVALID);
	cr_expect_eq(merkle_inclusion(0, 0, node, &n, &p), RC_INVALID);
	cr_expect_eq(merkle_consistency(0, 9, node, &n, &p), RC_INVALID);
	cr_expect_eq(merkle_consistency(10, 9, node, &n, &p), RC_INVALID);
	p.count = 0;
	cr_expect_not(merkle_check_inclusion(leaves[0], 9, 9, &p, root));
	cr_expect_not(merkle_check_inclusion(leaves[0], 0, 0, &p, root));
	cr_expect_not(merkle_check_consistency(0, root, 9, root, &p));
	cr_expect_not(merkle_check_consistency(10, root, 9, root, &p));
	cr_expect(merkle_check_consistency(9, root, 9, root, &p));
}

struct made {
	unsigned count;
	bool is_right;
};

static void
see_made(void *arg, unsigned level, uint64_t index, const uint8_t hash[MERKLE_HASH])
{
	struct made *m = arg;
	uint8_t wanted[MERKLE_HASH];

	mth(index << level, (index + 1) << level, wanted);
	m->is_right = m->is_right && memcmp(wanted, hash, MERKLE_HASH) == 0;
	m->count++;
}

Test(merkle, every_complete_subtree_is_told_once, .init = set_up)
{
	struct made m = { .is_right = true };
	struct merkle_range range = { .size = 0 };

	for (unsigned i = 0; i < 128; i++)
		merkle_add(&range, leaves[i], see_made, &m);
	cr_expect(m.is_right);
	cr_expect_eq(m.count, 255, "a complete tree of 128 leaves has 255 nodes, told are %u", m.count);
}
