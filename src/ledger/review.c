/* SPDX-License-Identifier: Apache-2.0 */
/* The walk: entries come from ledger_verify, checkpoints are read beside them. */
#include "ledger/review.h"

struct walk {
	struct review *review;
	struct txn *txn;
	struct checkpoint next; /* the one to come; number 0: there is no more */
	enum rc rc;
};

static bool
is_stopped(const struct review *r)
{
	return r->stop != NULL && atomic_load(r->stop);
}

static void
find_next(struct walk *w)
{
	const uint64_t number = w->next.number + 1;
	const size_t mark = arena_mark(w->review->arena);
	const enum rc rc = tree_checkpoint(w->txn, number, &w->next);

	arena_rewind(w->review->arena, mark);
	if (rc == RC_OK)
		return;
	w->next = (struct checkpoint){ .number = 0 };
	if (rc == RC_CORRUPT)
		transcript_lost_checkpoint(&w->review->signatures, number);
	else if (rc != RC_NOT_FOUND)
		w->rc = rc;
}

static bool
take(void *arg, const struct audit_entry *e)
{
	struct walk *w = arg;
	struct transcript_check *k = &w->review->signatures;

	/* after the first finding of the signatures the ledger and the tags go on alone */
	if (k->finding == NULL)
		(void)transcript_take_entry(k, e);
	while (w->rc == RC_OK && k->finding == NULL && w->next.number > 0 && w->next.size <= e->number)
		if (transcript_take_checkpoint(k, &w->next))
			find_next(w);
	if (w->review->tags != NULL)
		tags_take(w->review->tags, e);
	return w->rc == RC_OK && !is_stopped(w->review);
}

/* What was signed and the walk did not come to: a checkpoint beyond the last entry is still waiting, and that
 * one is missing the copy of the newest tells. */
static enum rc
compare_newest(struct walk *w)
{
	struct transcript_check *k = &w->review->signatures;
	const size_t mark = arena_mark(w->review->arena);
	struct checkpoint newest = w->next;
	enum rc rc = newest.number > 0 ? RC_OK : tree_checkpoint(w->txn, 0, &newest);

	arena_rewind(w->review->arena, mark);
	if (rc == RC_CORRUPT) {
		transcript_lost_checkpoint(k, k->checkpoints);
		return RC_OK;
	}
	if (rc == RC_NOT_FOUND)
		newest = (struct checkpoint){ .number = 0 };
	else if (rc != RC_OK)
		return rc;
	(void)transcript_take_newest(k, &newest);
	return RC_OK;
}

enum rc
review_trail(struct txn *t, struct review *r)
{
	struct walk w = { .review = r, .txn = t, .rc = RC_OK };
	enum rc rc;

	transcript_begin_opened(&r->signatures);
	find_next(&w);
	if (w.rc != RC_OK)
		return w.rc;
	rc = ledger_verify(t, take, &w, &r->ledger);
	if (rc == RC_OK)
		rc = is_stopped(r) ? RC_UNAVAILABLE : w.rc;
	if (rc == RC_OK && r->ledger.first_bad == 0 && transcript_end(&r->signatures))
		rc = compare_newest(&w);
	return rc;
}
