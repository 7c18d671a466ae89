/* SPDX-License-Identifier: Apache-2.0 */
/* Checkpoints are made and proofs are taken from here; nobody else writes the two kinds. */
#include "ledger/tree.h"

#include <string.h>

#define KEPT_LEVEL 8u    /* from here up nodes are kept; below they are made of at most 256 leaves */
#define STEP       4096u /* leaves in one transaction: at most 16 + 8 + 4 + ... nodes */

_Static_assert(2 * (STEP >> KEPT_LEVEL) + MERKLE_DEPTH + 2 <= LIMIT_TXN_KEYS, "a step is one transaction");

/* ---- signing ---- */

struct step {
	const struct signer *signer;
	int64_t now;
	struct checkpoint latest;
	struct merkle_range range;
	struct txn *txn;
	bool is_behind; /* there is more */
	enum rc rc;
};

static void
keep_node(void *arg, unsigned level, uint64_t index, const uint8_t hash[MERKLE_HASH])
{
	struct step *s = arg;
	const struct key key = tree_node_key(level, index);
	struct tree_node node;

	if (level < KEPT_LEVEL || s->rc != RC_OK)
		return;
	memcpy(node.hash, hash, sizeof(node.hash));
	s->rc = record_put(s->txn, KIND_TREE_NODE, &key, &node);
}

static enum rc
add_leaves(struct step *s, uint64_t end, uint8_t head[32])
{
	s->rc = RC_OK;
	while (s->range.size < end && s->rc == RC_OK) {
		const uint64_t number = s->range.size + 1;
		uint8_t leaf[LOG_LEAF];

		if ((s->rc = txn_log_leaf(s->txn, LOG_AUDIT, number, leaf)) != RC_OK)
			break;
		log_chain(head, number, leaf);
		merkle_add(&s->range, leaf, keep_node, s);
	}
	return s->rc == RC_NOT_FOUND ? RC_CORRUPT : s->rc;
}

static enum rc
put_checkpoint(struct step *s)
{
	const uint64_t numbers[] = { s->latest.number, 0 };
	enum rc rc = checkpoint_sign(s->signer, &s->latest);

	for (unsigned i = 0; i < COUNT_OF(numbers) && rc == RC_OK; i++) {
		const struct key key = checkpoint_key(numbers[i]);
		rc = record_put(s->txn, KIND_CHECKPOINT, &key, &s->latest);
	}
	return rc;
}

static enum rc
sign_step(struct txn *t, void *arg)
{
	const struct key key = checkpoint_key(0);
	struct step *s = arg;
	struct log_head head;
	uint64_t end;
	enum rc rc = record_get(t, KIND_CHECKPOINT, &key, &s->latest);

	s->txn = t;
	if (rc == RC_NOT_FOUND)
		memset(&s->latest, 0, sizeof(s->latest));
	else if (rc != RC_OK)
		return rc;
	if ((rc = txn_log_head(t, LOG_AUDIT, &head)) != RC_OK ||
	    (rc = checkpoint_range(&s->latest, &s->range)) != RC_OK)
		return rc;
	s->is_behind = false;
	if (head.count <= s->latest.size)
		return head.count == s->latest.size ? RC_OK : RC_CORRUPT;
	end = head.count - s->latest.size > STEP ? s->latest.size + STEP : head.count;
	s->is_behind = end < head.count;
	if ((rc = add_leaves(s, end, s->latest.head)) != RC_OK)
		return rc;
	if (!s->is_behind && memcmp(s->latest.head, head.head, sizeof(head.head)) != 0)
		return RC_CORRUPT;
	s->latest.number++;
	s->latest.at = s->now;
	checkpoint_set_range(&s->latest, &s->range);
	return put_checkpoint(s);
}

enum rc
tree_sign(struct store *store, struct arena *arena, const struct signer *signer, int64_t now,
    struct checkpoint *latest)
{
	struct step s = { .signer = signer, .now = now };
	const size_t mark = arena_mark(arena);
	enum rc rc;

	do {
		rc = store_update(store, arena, sign_step, &s);
		arena_rewind(arena, mark);
	} while (rc == RC_OK && s.is_behind);
	*latest = s.latest;
	return rc;
}

bool
tree_is_newest(const struct key *key)
{
	const struct key newest = checkpoint_key(0);

	return key_compare(key, &newest) == 0;
}

/* ---- proofs ---- */

enum rc
tree_checkpoint(struct txn *t, uint64_t number, struct checkpoint *out)
{
	const struct key key = checkpoint_key(number);

	return record_peek(t, KIND_CHECKPOINT, &key, out);
}

static enum rc
make_node(struct txn *t, unsigned level, uint64_t index, uint8_t hash[MERKLE_HASH])
{
	struct merkle_range range = { .size = 0 };
	const uint64_t begin = index << level;
	enum rc rc = RC_OK;

	for (uint64_t i = 0; i < (uint64_t)1 << level && rc == RC_OK; i++) {
		uint8_t leaf[LOG_LEAF];

		if ((rc = txn_log_leaf(t, LOG_AUDIT, begin + i + 1, leaf)) == RC_OK)
			merkle_add(&range, leaf, NULL, NULL);
	}
	merkle_root(&range, hash);
	return rc;
}

static enum rc
find_node(void *arg, unsigned level, uint64_t index, uint8_t hash[MERKLE_HASH])
{
	struct txn *t = arg;
	struct tree_node node;
	struct key key;
	enum rc rc;

	if (level < KEPT_LEVEL)
		return make_node(t, level, index, hash);
	key = tree_node_key(level, index);
	if ((rc = record_peek(t, KIND_TREE_NODE, &key, &node)) == RC_OK)
		memcpy(hash, node.hash, sizeof(node.hash));
	return rc;
}

/* Nodes are kept as far as the latest checkpoint goes. */
static enum rc
check_size(struct txn *t, uint64_t size)
{
	struct checkpoint latest;
	enum rc rc = tree_checkpoint(t, 0, &latest);

	return rc == RC_OK && size > latest.size ? RC_NOT_FOUND : rc;
}

enum rc
tree_inclusion(struct txn *t, uint64_t entry, uint64_t size, struct merkle_proof *out)
{
	enum rc rc = check_size(t, size);

	if (rc == RC_OK && (entry == 0 || entry > size))
		rc = RC_NOT_FOUND;
	return rc == RC_OK ? merkle_inclusion(entry - 1, size, find_node, t, out) : rc;
}

enum rc
tree_consistency(struct txn *t, uint64_t first, uint64_t second, struct merkle_proof *out)
{
	enum rc rc = check_size(t, second);

	if (rc == RC_OK && (first == 0 || first > second))
		rc = RC_NOT_FOUND;
	return rc == RC_OK ? merkle_consistency(first, second, find_node, t, out) : rc;
}

enum rc
tree_root(struct txn *t, uint64_t size, uint8_t root[MERKLE_HASH])
{
	enum rc rc = check_size(t, size);

	return rc == RC_OK ? merkle_root_at(size, find_node, t, root) : rc;
}
