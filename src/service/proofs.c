/* SPDX-License-Identifier: Apache-2.0 */
/* Checkpoints and proofs as bodies: hashes in hex. */
#include "service/proofs.h"

#include <string.h>

static enum rc
show_checkpoint(struct ctx *c, uint64_t number, struct checkpoint_row *row)
{
	char note[CHECKPOINT_TEXT];
	struct checkpoint k;
	size_t len;
	enum rc rc = tree_checkpoint(c->txn, number, &k);

	if (rc != RC_OK)
		return rc;
	*row = (struct checkpoint_row){ .number = k.number, .size = k.size, .at = k.at };
	hex_format(k.root, sizeof(k.root), row->root);
	hex_format(k.head, sizeof(k.head), row->head);
	len = checkpoint_note(&c->parts->signer, &k, note);
	row->note = arena_strndup(c->arena, note, len);
	return row->note == NULL ? RC_TOO_BIG : RC_OK;
}

/* ---- the state ---- */

static bool
is_rolled_back(const struct parts *p)
{
	return p->notary != NULL && notary_is_rolled_back(p->notary);
}

static void
show_latest(const struct checkpoint *latest, struct checkpoint_row *row)
{
	*row = (struct checkpoint_row){ .number = latest->number, .size = latest->size, .at = latest->at };
	if (latest->number > 0)
		hex_format(latest->root, sizeof(latest->root), row->root);
}

enum rc
audit_state(struct ctx *c, struct audit_state_reply *out)
{
	struct inspection newest, whole = { .finding = AUDIT_IN_ORDER };
	uint8_t id[CHECKPOINT_KEY_ID];
	char *key = arena_alloc(c->arena, 2 * sizeof(id) + 1);
	struct checkpoint latest;
	enum rc rc;

	if (key == NULL)
		return RC_TOO_BIG;
	if ((rc = inspect_newest(c->txn, &c->parts->signer, &latest, &newest)) != RC_OK)
		return rc;
	if (c->parts->inspector != NULL)
		inspector_last(c->parts->inspector, &whole);
	signer_key_id(&c->parts->signer, id);
	hex_format(id, sizeof(id), key);
	*out = (struct audit_state_reply){ .at = c->now,
		.entries = newest.entries,
		.finding = newest.finding,
		.first_bad = newest.first,
		.key = key,
		.checked_at = whole.at,
		.checked_entries = whole.entries };
	show_latest(&latest, &out->checkpoint);
	if (newest.finding == AUDIT_IN_ORDER || newest.finding == AUDIT_UNSIGNED) {
		out->finding =
		    (uint8_t)inspection_judge(&whole, is_rolled_back(c->parts), latest.number > 0, c->now);
		out->first_bad = whole.first;
	}
	return RC_OK;
}

/* ---- proofs ---- */

/* The size of the latest checkpoint in place of 0. */
static enum rc
or_latest(struct ctx *c, uint64_t *size)
{
	struct checkpoint latest;
	enum rc rc = *size == 0 ? tree_checkpoint(c->txn, 0, &latest) : RC_OK;

	if (rc == RC_OK && *size == 0)
		*size = latest.size;
	return rc;
}

enum rc
checkpoint_page(struct ctx *c, uint64_t before, unsigned limit, void *out, unsigned *count, uint64_t *next)
{
	struct checkpoint_row *rows = out;
	struct checkpoint latest;
	enum rc rc = tree_checkpoint(c->txn, 0, &latest);
	uint64_t number;

	*count = 0;
	*next = 0;
	if (rc != RC_OK)
		return rc == RC_NOT_FOUND ? RC_OK : rc;
	number = before > 0 && before <= latest.number ? before - 1 : latest.number;
	for (; rc == RC_OK && number > 0 && *count < limit; number--)
		if ((rc = show_checkpoint(c, number, &rows[*count])) == RC_OK)
			++*count;
	*next = number > 0 ? number + 1 : 0;
	return rc;
}

/* A JSON array of the hashes. */
static enum rc
show_proof(struct ctx *c, const struct merkle_proof *proof, struct bytes *out)
{
	const size_t cap = 2 + (size_t)proof->count * (HASH_TEXT + 2);
	char *text = arena_alloc(c->arena, cap), hash[HASH_TEXT];
	struct jw w;

	if (text == NULL)
		return RC_TOO_BIG;
	jw_init(&w, text, cap);
	jw_open(&w, '[');
	for (unsigned i = 0; i < proof->count; i++) {
		hex_format(proof->hash[i], MERKLE_HASH, hash);
		jw_string(&w, hash);
	}
	jw_close(&w, ']');
	*out = (struct bytes){ (const uint8_t *)text, w.len };
	return w.overflow ? RC_INTERNAL : RC_OK;
}

static bool
show_entry(void *arg, const struct audit_entry *e)
{
	struct inclusion_reply *out = arg;
	uint8_t public[LEDGER_PUBLIC_MAX], hidden[MERKLE_HASH];
	size_t len;

	hex_format(e->leaf, sizeof(e->leaf), out->leaf);
	if (e->is_erased || ledger_public(e, public, &len) != RC_OK)
		return false;
	ledger_hidden(e, hidden);
	hex_format(hidden, sizeof(hidden), out->hidden);
	hex_format(public, len, out->public);
	return false;
}

enum rc
proof_of_inclusion(struct ctx *c, uint64_t entry, uint64_t size, struct inclusion_reply *out)
{
	struct merkle_proof proof;
	uint8_t root[MERKLE_HASH];
	enum rc rc = or_latest(c, &size);

	*out = (struct inclusion_reply){ .entry = entry, .size = size };
	if (rc == RC_OK)
		rc = tree_inclusion(c->txn, entry, size, &proof);
	if (rc == RC_OK)
		rc = tree_root(c->txn, size, root);
	if (rc == RC_OK)
		rc = ledger_read(c->txn, entry, show_entry, out);
	if (rc != RC_OK)
		return rc;
	hex_format(root, sizeof(root), out->root);
	return show_proof(c, &proof, &out->proof);
}

enum rc
proof_of_consistency(struct ctx *c, uint64_t first, uint64_t second, struct consistency_reply *out)
{
	struct merkle_proof proof;
	uint8_t root[MERKLE_HASH];
	enum rc rc = or_latest(c, &second);

	*out = (struct consistency_reply){ .first = first, .second = second };
	if (rc == RC_OK)
		rc = tree_consistency(c->txn, first, second, &proof);
	if (rc == RC_OK && (rc = tree_root(c->txn, first, root)) == RC_OK)
		hex_format(root, sizeof(root), out->first_root);
	if (rc == RC_OK && (rc = tree_root(c->txn, second, root)) == RC_OK)
		hex_format(root, sizeof(root), out->second_root);
	return rc == RC_OK ? show_proof(c, &proof, &out->proof) : rc;
}
