/* SPDX-License-Identifier: Apache-2.0 */
/* The tree, without recursion: every walk goes down or up one path of at most 64 steps. */
#include "ledger/merkle.h"

#include <string.h>

#include "crypto/digest.h"

_Static_assert(MERKLE_HASH == DIGEST_BYTES, "nodes are SHA-256");

static void
join(const uint8_t left[MERKLE_HASH], const uint8_t right[MERKLE_HASH], uint8_t out[MERKLE_HASH])
{
	uint8_t text[1 + 2 * MERKLE_HASH] = { 0x01 };

	memcpy(text + 1, left, MERKLE_HASH);
	memcpy(text + 1 + MERKLE_HASH, right, MERKLE_HASH);
	digest(BYTES_OF(text), out);
}

/* ---- roots ---- */

unsigned
merkle_count(const struct merkle_range *range)
{
	unsigned count = 0;

	for (uint64_t size = range->size; size != 0; size &= size - 1)
		count++;
	return count;
}

void
merkle_add(struct merkle_range *range, const uint8_t leaf[MERKLE_HASH], merkle_made_fn *made, void *arg)
{
	unsigned count = merkle_count(range), level = 0;
	uint8_t hash[MERKLE_HASH];

	memcpy(hash, leaf, sizeof(hash));
	if (made != NULL)
		made(arg, 0, range->size, hash);
	/* as in adding one to a binary number: each bit that is set is joined and carried */
	for (uint64_t size = range->size; (size & 1) != 0; size >>= 1) {
		join(range->node[--count], hash, hash);
		level++;
		if (made != NULL)
			made(arg, level, range->size >> level, hash);
	}
	memcpy(range->node[count], hash, sizeof(hash));
	range->size++;
}

/* Hash of what ${count} subtrees, the largest first, make together; of none, that of nothing. */
static void
fold(uint8_t (*node)[MERKLE_HASH], unsigned count, uint8_t root[MERKLE_HASH])
{
	if (count == 0) {
		digest((struct bytes){ NULL, 0 }, root);
		return;
	}
	memcpy(root, node[count - 1], MERKLE_HASH);
	for (unsigned i = count - 1; i > 0; i--)
		join(node[i - 1], root, root);
}

void
merkle_root(const struct merkle_range *range, uint8_t root[MERKLE_HASH])
{
	struct merkle_range copy = *range;

	fold(copy.node, merkle_count(range), root);
}

/* ---- making proofs ---- */

/* The largest power of two that is at most ${n}, as its exponent. */
static unsigned
log2_floor(uint64_t n)
{
	unsigned level = 0;

	while ((n >>= 1) != 0)
		level++;
	return level;
}

/* The largest power of two that is below ${n}: where the RFC splits a tree of ${n} > 1 leaves. */
static uint64_t
split_of(uint64_t n)
{
	return (uint64_t)1 << log2_floor(n - 1);
}

/* Hash of the leaves [begin, end) where begin is a multiple of the largest subtree that fits. */
static enum rc
subtree(uint64_t begin, uint64_t end, merkle_node_fn *node, void *arg, uint8_t out[MERKLE_HASH])
{
	uint8_t nodes[MERKLE_DEPTH][MERKLE_HASH];
	unsigned count = 0;

	while (begin < end) {
		const unsigned level = log2_floor(end - begin);
		const enum rc rc = node(arg, level, begin >> level, nodes[count++]);

		if (rc != RC_OK)
			return rc;
		begin += (uint64_t)1 << level;
	}
	fold(nodes, count, out);
	return RC_OK;
}

enum rc
merkle_root_at(uint64_t size, merkle_node_fn *node, void *arg, uint8_t root[MERKLE_HASH])
{
	return subtree(0, size, node, arg, root);
}

static void
reverse(struct merkle_proof *proof)
{
	uint8_t kept[MERKLE_HASH];

	for (unsigned i = 0; i < proof->count / 2; i++) {
		uint8_t *a = proof->hash[i], *b = proof->hash[proof->count - 1 - i];

		memcpy(kept, a, MERKLE_HASH);
		memcpy(a, b, MERKLE_HASH);
		memcpy(b, kept, MERKLE_HASH);
	}
}

enum rc
merkle_inclusion(uint64_t index, uint64_t size, merkle_node_fn *node, void *arg, struct merkle_proof *out)
{
	uint64_t begin = 0, end = size;
	enum rc rc = index < size ? RC_OK : RC_INVALID;

	out->count = 0;
	while (rc == RC_OK && end - begin > 1) {
		const uint64_t middle = begin + split_of(end - begin);
		uint8_t *sibling = out->hash[out->count++];

		if (index < middle) {
			rc = subtree(middle, end, node, arg, sibling);
			end = middle;
		} else {
			rc = subtree(begin, middle, node, arg, sibling);
			begin = middle;
		}
	}
	reverse(out); /* the RFC's order: from the leaf up */
	return rc;
}

enum rc
merkle_consistency(uint64_t first, uint64_t second, merkle_node_fn *node, void *arg, struct merkle_proof *out)
{
	uint64_t begin = 0, end = second;
	enum rc rc = first > 0 && first <= second ? RC_OK : RC_INVALID;

	out->count = 0;
	while (rc == RC_OK && end != first) {
		const uint64_t middle = begin + split_of(end - begin);
		uint8_t *sibling = out->hash[out->count++];

		if (first <= middle) {
			rc = subtree(middle, end, node, arg, sibling);
			end = middle;
		} else {
			rc = subtree(begin, middle, node, arg, sibling);
			begin = middle;
		}
	}
	/* the old tree's own root is known to who asks; any other subtree must be told */
	if (rc == RC_OK && begin != 0)
		rc = subtree(begin, end, node, arg, out->hash[out->count++]);
	reverse(out);
	return rc;
}

/* ---- checking proofs ---- */

static bool
same(const uint8_t a[MERKLE_HASH], const uint8_t b[MERKLE_HASH])
{
	return memcmp(a, b, MERKLE_HASH) == 0;
}

bool
merkle_check_inclusion(const uint8_t leaf[MERKLE_HASH], uint64_t index, uint64_t size,
    const struct merkle_proof *proof, const uint8_t root[MERKLE_HASH])
{
	uint64_t at = index, last = size - 1;
	uint8_t hash[MERKLE_HASH];

	if (index >= size)
		return false;
	memcpy(hash, leaf, sizeof(hash));
	for (unsigned i = 0; i < proof->count; i++) {
		if (last == 0)
			return false; /* longer than the tree is deep */
		if ((at & 1) != 0 || at == last) {
			join(proof->hash[i], hash, hash);
			while ((at & 1) == 0) { /* ends: even, it is the last one, and that is not 0 */
				at >>= 1;
				last >>= 1;
			}
		} else {
			join(hash, proof->hash[i], hash);
		}
		at >>= 1;
		last >>= 1;
	}
	return last == 0 && same(hash, root);
}

bool
merkle_check_consistency(uint64_t first, const uint8_t first_root[MERKLE_HASH], uint64_t second,
    const uint8_t second_root[MERKLE_HASH], const struct merkle_proof *proof)
{
	uint64_t at = first - 1, last = second - 1;
	uint8_t old[MERKLE_HASH], new[MERKLE_HASH];
	unsigned i = 0;

	if (first == 0 || first > second)
		return false;
	if (first == second)
		return proof->count == 0 && same(first_root, second_root);
	for (; (at & 1) != 0; at >>= 1)
		last >>= 1;
	if (at != 0 && proof->count == 0)
		return false;
	/* a complete old tree is itself the first node */
	memcpy(old, at != 0 ? proof->hash[i++] : first_root, sizeof(old));
	memcpy(new, old, sizeof(new));
	for (; i < proof->count; i++) {
		if (last == 0)
			return false;
		if ((at & 1) != 0 || at == last) {
			join(proof->hash[i], old, old);
			join(proof->hash[i], new, new);
			while ((at & 1) == 0) { /* ends: even, it is the last one, and that is not 0 */
				at >>= 1;
				last >>= 1;
			}
		} else {
			join(new, proof->hash[i], new);
		}
		at >>= 1;
		last >>= 1;
	}
	return last == 0 && same(old, first_root) && same(new, second_root);
}
