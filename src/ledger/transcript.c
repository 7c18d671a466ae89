/* SPDX-License-Identifier: Apache-2.0 */
/* Writing the trail as text.  What stands here an outsider reads: nothing private may come in. */
#include "ledger/transcript.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "ledger/transcript_text.h"

/* ---- one entry ---- */

static size_t
put_encoded(char *out, const char *text)
{
	static const char digits[] = "0123456789ABCDEF";
	size_t n = 0;

	if (*text == '\0')
		out[n++] = '-';
	for (const char *p = text; *p != '\0'; p++) {
		const uint8_t c = (uint8_t)*p;

		if (c > 0x20 && c < 0x7f && c != '%' && !(c == '-' && text[1] == '\0')) {
			out[n++] = *p;
			continue;
		}
		out[n++] = '%';
		out[n++] = digits[c >> 4];
		out[n++] = digits[c & 15];
	}
	out[n] = '\0';
	return n;
}

size_t
transcript_entry(
    const struct audit_entry *e, const uint8_t hidden[32], const uint8_t leaf[32], char out[TRANSCRIPT_LINE])
{
	char action[3 * sizeof(e->action) + 1], reason[3 * sizeof(e->reason) + 1], time[21];
	char hidden_hex[65], leaf_hex[65];

	(void)put_encoded(action, e->action);
	(void)put_encoded(reason, e->reason);
	time_format(e->at, time);
	hex_format(hidden, 32, hidden_hex);
	hex_format(leaf, 32, leaf_hex);
	/* fits: texts of at most 336, the rest below 200 */
	(void)snprintf(out, TRANSCRIPT_LINE, "e %" PRIu64 " %s %s %u %" PRIu32 " %s %s %s", e->number, time,
	    action, e->outcome, e->roles, reason, hidden_hex, leaf_hex);
	return strlen(out);
}

size_t
transcript_erased(uint64_t number, const uint8_t leaf[32], char out[TRANSCRIPT_LINE])
{
	char hex[65];

	hex_format(leaf, 32, hex);
	(void)snprintf(out, TRANSCRIPT_LINE, "f %" PRIu64 " %s", number, hex);
	return strlen(out);
}

/* ---- the whole ---- */

struct writer {
	struct txn *txn;
	struct arena *arena;
	const struct signer *signer;
	transcript_fn *fn;
	void *arg;
	struct checkpoint next; /* the one to come; number 0: there is no more */
	uint64_t entries, upto;
	enum rc rc;
	bool is_stopped;
};

static void
give(struct writer *w, const char *line, size_t len)
{
	w->is_stopped = w->is_stopped || !w->fn(w->arg, line, len); /* who stopped hears no more */
}

static void
find_next(struct writer *w, uint64_t number)
{
	const size_t mark = arena_mark(w->arena);
	const enum rc rc = tree_checkpoint(w->txn, number, &w->next);

	arena_rewind(w->arena, mark);
	if (rc == RC_NOT_FOUND)
		w->next = (struct checkpoint){ .number = 0 };
	else if (rc != RC_OK)
		w->rc = rc;
}

static void
give_checkpoints(struct writer *w)
{
	char line[CHECKPOINT_TEXT];

	while (w->rc == RC_OK && !w->is_stopped && w->next.number > 0 && w->next.size <= w->entries) {
		give(w, line, checkpoint_line(w->signer, &w->next, line));
		find_next(w, w->next.number + 1);
	}
}

static bool
write_entry(void *arg, const struct audit_entry *e)
{
	struct writer *w = arg;
	uint8_t hidden[32], leaf[32];
	char line[TRANSCRIPT_LINE];

	if (e->is_erased) {
		give(w, line, transcript_erased(e->number, e->leaf, line));
	} else {
		ledger_hidden(e, hidden);
		if ((w->rc = ledger_leaf_of(e, hidden, leaf)) == RC_OK)
			give(w, line, transcript_entry(e, hidden, leaf, line));
	}
	w->entries = e->number;
	give_checkpoints(w);
	return w->rc == RC_OK && !w->is_stopped && w->entries != w->upto;
}

enum rc
transcript_write(struct txn *t, struct arena *arena, const struct signer *signer, uint64_t upto,
    transcript_fn *fn, void *arg)
{
	struct writer w = {
		.upto = upto, .txn = t, .arena = arena, .signer = signer, .fn = fn, .arg = arg, .rc = RC_OK
	};
	char line[TRANSCRIPT_LINE];
	enum rc rc;
	int n = snprintf(line, sizeof(line), TRANSCRIPT_HEAD "%s", signer->origin);

	give(&w, line, (size_t)n);
	find_next(&w, 1);
	if (w.rc != RC_OK)
		return w.rc;
	if ((rc = ledger_read(t, 1, write_entry, &w)) != RC_OK || w.rc != RC_OK)
		return rc != RC_OK ? rc : w.rc;
	n = snprintf(line, sizeof(line), TRANSCRIPT_END "%" PRIu64, w.entries);
	give(&w, line, (size_t)n);
	return RC_OK;
}
