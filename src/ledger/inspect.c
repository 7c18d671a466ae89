/* SPDX-License-Identifier: Apache-2.0 */
/* Both ways of looking, and the words for what is found.  Trusts nothing that is stored but the key it signs
 * with. */
#include "ledger/inspect.h"

#include <string.h>

#include "ledger/review.h"

#define NEWEST_MAX 4096u /* entries after a checkpoint that are walked at once: a step of tree_sign */

static enum rc
found(struct inspection *out, enum audit_finding finding, uint64_t first)
{
	out->finding = (uint8_t)finding;
	out->first = first;
	return RC_OK;
}

/* ---- the newest ---- */

/* Absent and unreadable are findings; a disk that does not answer is not. */
static bool
is_damage(enum rc rc)
{
	return rc == RC_NOT_FOUND || rc == RC_CORRUPT;
}

/* The copy that is read first must be the last of the numbered ones: an older one put back is valid in
 * itself.
 */
static enum rc
check_copies(struct txn *t, const struct checkpoint *latest, struct inspection *out)
{
	struct checkpoint other;
	enum rc rc = tree_checkpoint(t, latest->number + 1, &other);

	if (rc == RC_OK)
		return found(out, AUDIT_CHECKPOINT, 0);
	if (rc != RC_NOT_FOUND)
		return is_damage(rc) ? found(out, AUDIT_CHECKPOINT, 0) : rc;
	rc = tree_checkpoint(t, latest->number, &other);
	if (is_damage(rc))
		return found(out, AUDIT_CHECKPOINT, 0);
	if (rc == RC_OK && !bytes_equal(BYTES_OF(other.signature), BYTES_OF(latest->signature)))
		return found(out, AUDIT_CHECKPOINT, 0);
	return rc;
}

/* The latest does not come, for ${why}: because nothing was ever signed? */
static enum rc
check_absent(struct txn *t, enum rc why, struct checkpoint *latest, struct inspection *out)
{
	const enum rc rc = why == RC_NOT_FOUND ? tree_checkpoint(t, 1, latest) : why;

	latest->number = 0;
	if (rc == RC_NOT_FOUND)
		return found(out, AUDIT_UNSIGNED, 0);
	return rc == RC_OK || is_damage(rc) ? found(out, AUDIT_CHECKPOINT, 0) : rc;
}

static enum rc
check_root(struct txn *t, const struct checkpoint *latest, struct inspection *out)
{
	uint8_t root[MERKLE_HASH];
	enum rc rc = tree_root(t, latest->size, root);

	if (is_damage(rc))
		return found(out, AUDIT_ROOT, 0);
	if (rc == RC_OK && memcmp(root, latest->root, sizeof(root)) != 0)
		return found(out, AUDIT_ROOT, 0);
	return rc;
}

static enum rc
check_chain(
    struct txn *t, const struct checkpoint *latest, const struct log_head *head, struct inspection *out)
{
	uint8_t chain[32], leaf[LOG_LEAF];

	if (head->count - latest->size > NEWEST_MAX)
		return RC_OK; /* behind by so much after a long silence only: inspect_all sees it */
	memcpy(chain, latest->head, sizeof(chain));
	for (uint64_t n = latest->size + 1; n <= head->count; n++) {
		const enum rc rc = txn_log_leaf(t, LOG_AUDIT, n, leaf);

		if (rc == RC_NOT_FOUND)
			return found(out, AUDIT_MISSING, n);
		if (rc != RC_OK)
			return is_damage(rc) ? found(out, AUDIT_ALTERED, n) : rc;
		log_chain(chain, n, leaf);
	}
	if (memcmp(chain, head->head, sizeof(chain)) != 0)
		return found(out, AUDIT_ALTERED, head->count > latest->size ? latest->size + 1 : 0);
	return RC_OK;
}

enum rc
inspect_newest(struct txn *t, const struct signer *signer, struct checkpoint *latest, struct inspection *out)
{
	struct log_head head;
	enum rc rc = txn_log_head(t, LOG_AUDIT, &head);

	*out = (struct inspection){ .entries = head.count, .finding = AUDIT_IN_ORDER };
	memset(latest, 0, sizeof(*latest));
	if (rc != RC_OK)
		return rc;
	if ((rc = tree_checkpoint(t, 0, latest)) != RC_OK)
		return check_absent(t, rc, latest, out);
	if (!checkpoint_verify(signer, latest))
		return found(out, AUDIT_SIGNATURE, 0);
	if (head.count < latest->size)
		return found(out, AUDIT_CUT, head.count + 1);
	rc = check_copies(t, latest, out);
	if (rc == RC_OK && out->finding == AUDIT_IN_ORDER)
		rc = check_root(t, latest, out);
	if (rc == RC_OK && out->finding == AUDIT_IN_ORDER)
		rc = check_chain(t, latest, &head, out);
	return rc;
}

/* ---- all ---- */

/* What transcript.h and ledger.h say, in words for people.  What is not here is an alteration. */
static const struct {
	const char *text;
	enum audit_finding finding;
} words[] = {
	{ "missing", AUDIT_MISSING },
	{ "content is gone, but not by retention", AUDIT_GONE },
	{ "head does not match", AUDIT_ROOT },
	{ "not what was signed", AUDIT_ROOT },
	{ "signature does not hold", AUDIT_SIGNATURE },
	{ "a checkpoint was altered", AUDIT_CHECKPOINT },
	{ "checkpoint missing or out of order", AUDIT_CHECKPOINT },
	{ "cut off", AUDIT_CUT },
	{ "rolled back or cut off", AUDIT_CUT },
};

static enum audit_finding
finding_of(const char *text)
{
	for (size_t i = 0; i < COUNT_OF(words); i++)
		if (strcmp(words[i].text, text) == 0)
			return words[i].finding;
	return AUDIT_ALTERED;
}

enum rc
inspect_all(struct txn *t, struct arena *arena, const struct signer *signer, const atomic_bool *stop,
    struct inspection *out)
{
	struct review r = {
		.signatures = { .signer = signer, .may_be_ahead = true }, .stop = stop, .arena = arena
	};
	struct log_head head;
	enum rc rc = txn_log_head(t, LOG_AUDIT, &head);

	*out = (struct inspection){ .finding = AUDIT_IN_ORDER };
	if (rc != RC_OK)
		return rc;
	out->entries = head.count;
	if ((rc = review_trail(t, &r)) != RC_OK)
		return rc;
	if (r.ledger.first_bad != 0)
		return found(out, finding_of(r.ledger.finding), r.ledger.first_bad);
	if (r.signatures.finding != NULL)
		return found(out, finding_of(r.signatures.finding), r.signatures.first);
	return RC_OK;
}
