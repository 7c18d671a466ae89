/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Checking the trail as an outsider: one pass, a few kilobytes of memory.  A line is believed only if writing
 * what was understood gives the same bytes again.
 */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "ledger/transcript_text.h"

#define ENTRY_FIELDS  9u
#define ERASED_FIELDS 3u

/* ---- findings ---- */

static bool
found(struct transcript_check *k, const char *what, uint64_t first, uint64_t last)
{
	if (k->finding == NULL) {
		k->finding = what;
		k->first = first;
		k->last = last;
	}
	return false;
}

static bool
found_by(struct transcript_check *k, uint64_t checkpoint, const char *what, uint64_t first, uint64_t last)
{
	if (k->finding == NULL)
		k->checkpoint = checkpoint;
	return found(k, what, first, last);
}

/* ---- reading lines ---- */

static bool
read_text(const char *text, char *out, size_t cap)
{
	size_t n = 0;

	out[0] = '\0';
	if (strcmp(text, "-") == 0)
		return true;
	for (; *text != '\0'; text++) {
		uint8_t byte = (uint8_t)*text;

		if (n + 1 >= cap)
			return false;
		if (*text == '%') {
			char hex[3] = "";

			for (unsigned i = 0; i < 2 && text[i + 1] != '\0'; i++)
				hex[i] = text[i + 1] >= 'A' && text[i + 1] <= 'F' ? (char)(text[i + 1] + 32)
										  : text[i + 1];
			if (!hex_parse(hex, strlen(hex), &byte, 1) || byte == 0)
				return false;
			text += 2;
		}
		out[n++] = (char)byte;
	}
	out[n] = '\0';
	return true;
}

struct line {
	struct audit_entry e;
	uint8_t hidden[32];
};

static bool
read_entry(char **field, struct line *out)
{
	uint64_t outcome, roles;

	if (!text_number(field[1], UINT64_MAX, &out->e.number) ||
	    !time_parse(field[2], strlen(field[2]), &out->e.at) ||
	    !read_text(field[3], out->e.action, sizeof(out->e.action)) ||
	    !text_number(field[4], UINT16_MAX, &outcome) || !text_number(field[5], UINT32_MAX, &roles) ||
	    !read_text(field[6], out->e.reason, sizeof(out->e.reason)) ||
	    !hex_parse(field[7], strlen(field[7]), out->hidden, sizeof(out->hidden)) ||
	    !hex_parse(field[8], strlen(field[8]), out->e.leaf, sizeof(out->e.leaf)))
		return false;
	out->e.outcome = (uint16_t)outcome;
	out->e.roles = (uint32_t)roles;
	return true;
}

/* Both forms of an entry; false if it was not written just so. */
static bool
read_line(const char *line, size_t len, struct line *out)
{
	char copy[TRANSCRIPT_LINE], again[TRANSCRIPT_LINE], *field[ENTRY_FIELDS];
	size_t n;

	memset(out, 0, sizeof(*out));
	memcpy(copy, line, len);
	copy[len] = '\0';
	out->e.is_erased = line[0] == 'f';
	if (!out->e.is_erased) {
		if (!text_split(copy, field, ENTRY_FIELDS) || !read_entry(field, out))
			return false;
		n = transcript_entry(&out->e, out->hidden, out->e.leaf, again);
	} else {
		if (!text_split(copy, field, ERASED_FIELDS) ||
		    !text_number(field[1], UINT64_MAX, &out->e.number) ||
		    !hex_parse(field[2], strlen(field[2]), out->e.leaf, sizeof(out->e.leaf)))
			return false;
		n = transcript_erased(out->e.number, out->e.leaf, again);
	}
	return n == len && memcmp(again, line, len) == 0;
}

/* ---- checkpoints ---- */

/* What was signed at this size against what is here. */
static bool
compare(struct transcript_check *k, uint64_t number, const uint8_t root[32], const uint8_t head[32])
{
	uint8_t ours[MERKLE_HASH];

	merkle_root(&k->range, ours);
	if (memcmp(ours, root, sizeof(ours)) == 0 && memcmp(k->head, head, sizeof(k->head)) == 0) {
		k->covered = k->range.size;
		return true;
	}
	return found_by(k, number, "not what was signed", k->covered + 1, k->range.size);
}

static bool
compare_kept(struct transcript_check *k)
{
	while (k->kept != NULL && k->next_kept < k->kept->count &&
	    k->kept->items[k->next_kept].size == k->range.size) {
		const struct checkpoint_brief *c = &k->kept->items[k->next_kept++];

		if (!compare(k, c->number, c->root, c->head))
			return false;
	}
	return true;
}

bool
transcript_take_checkpoint(struct transcript_check *k, const struct checkpoint *c)
{
	if (!checkpoint_verify(k->signer, c))
		return found_by(k, c->number, "signature does not hold", k->covered + 1, c->size);
	if (c->number != k->checkpoints + 1)
		return found_by(k, k->checkpoints + 1, "checkpoint missing or out of order", 0, 0);
	if (c->size != k->range.size)
		return found_by(k, c->number, "not what was signed", k->covered + 1, c->size);
	k->checkpoints++;
	return compare(k, c->number, c->root, c->head);
}

bool
transcript_take_newest(struct transcript_check *k, const struct checkpoint *newest)
{
	const uint64_t absent = newest->number > k->checkpoints ? k->checkpoints + 1 : k->checkpoints;

	if (newest->number > 0 && !checkpoint_verify(k->signer, newest))
		return found_by(k, newest->number, "signature does not hold", 0, 0);
	if (newest->size > k->range.size)
		return found_by(k, newest->number, "cut off", k->range.size + 1, newest->size);
	if (newest->number != k->checkpoints)
		return found_by(k, absent, "checkpoint missing or out of order", 0, 0);
	return true;
}

void
transcript_lost_checkpoint(struct transcript_check *k, uint64_t number)
{
	(void)found_by(k, number, "a checkpoint was altered", 0, 0);
}

static bool
take_checkpoint_line(struct transcript_check *k, const char *line, size_t len)
{
	struct checkpoint c;

	if (!checkpoint_read_line(k->signer, (struct bytes){ (const uint8_t *)line, len }, &c))
		return found(k, "a checkpoint was altered", k->range.size, k->range.size);
	return transcript_take_checkpoint(k, &c);
}

/* ---- entries ---- */

static bool
take_order(struct transcript_check *k, uint64_t number)
{
	const uint64_t expected = k->range.size + 1;

	if (number > expected)
		return found(k, "missing", expected, number - 1);
	if (number < expected)
		return found(k, "out of order, or there twice", number, number);
	return true;
}

static void
note_erased(struct transcript_check *k, const struct audit_entry *e)
{
	if (e->is_erased)
		k->erased = e->number;
	else if (ledger_erased_to(e) > k->may_be_erased)
		k->may_be_erased = ledger_erased_to(e);
}

bool
transcript_take_entry(struct transcript_check *k, const struct audit_entry *e)
{
	note_erased(k, e);
	log_chain(k->head, e->number, e->leaf);
	merkle_add(&k->range, e->leaf, NULL, NULL);
	return compare_kept(k);
}

static bool
take_entry_line(struct transcript_check *k, const char *line, size_t len)
{
	const uint64_t expected = k->range.size + 1;
	uint8_t leaf[32];
	struct line l;

	if (!read_line(line, len, &l))
		return found(k, "altered", expected, expected);
	if (!take_order(k, l.e.number))
		return false;
	if (!l.e.is_erased &&
	    (ledger_leaf_of(&l.e, l.hidden, leaf) != RC_OK || memcmp(leaf, l.e.leaf, sizeof(leaf)) != 0))
		return found(k, "altered", expected, expected);
	return transcript_take_entry(k, &l.e);
}

void
transcript_begin_opened(struct transcript_check *k)
{
	k->has_begun = k->has_ended = true; /* by the walk, which knows where the trail begins and ends */
}

bool
transcript_take(struct transcript_check *k, const char *line, size_t len)
{
	static const char checkpoint[] = "menedek-checkpoint ";
	const uint64_t expected = k->range.size + 1;
	uint64_t count;
	char number[24];

	if (k->finding != NULL)
		return false;
	if (len == 0 || len >= TRANSCRIPT_LINE || memchr(line, '\0', len) != NULL || k->has_ended)
		return found(k, "altered", expected, expected);
	if (!k->has_begun) {
		k->has_begun = len == strlen(TRANSCRIPT_HEAD) + strlen(k->signer->origin) &&
		    strncmp(line, TRANSCRIPT_HEAD, strlen(TRANSCRIPT_HEAD)) == 0 &&
		    memcmp(line + strlen(TRANSCRIPT_HEAD), k->signer->origin, strlen(k->signer->origin)) == 0;
		if (!k->has_begun)
			return found(k, "not an export of this registry", 0, 0);
		return true;
	}
	if (len > 2 && (line[0] == 'e' || line[0] == 'f') && line[1] == ' ')
		return take_entry_line(k, line, len);
	if (len > strlen(checkpoint) && memcmp(line, checkpoint, strlen(checkpoint)) == 0)
		return take_checkpoint_line(k, line, len);
	if (len <= strlen(TRANSCRIPT_END) || len - strlen(TRANSCRIPT_END) >= sizeof(number) ||
	    memcmp(line, TRANSCRIPT_END, strlen(TRANSCRIPT_END)) != 0)
		return found(k, "altered", expected, expected);
	memcpy(number, line + strlen(TRANSCRIPT_END), len - strlen(TRANSCRIPT_END));
	number[len - strlen(TRANSCRIPT_END)] = '\0';
	k->has_ended = true;
	if (!text_number(number, UINT64_MAX, &count) || count < k->range.size)
		return found(k, "the end is altered", 0, 0);
	if (count > k->range.size)
		return found(k, "missing", expected, count);
	return true;
}

bool
transcript_end(struct transcript_check *k)
{
	if (k->finding != NULL)
		return false;
	if (!k->has_begun || !k->has_ended)
		return found(k, "cut off", k->range.size + 1, k->range.size + 1);
	if (k->kept != NULL && k->next_kept < k->kept->count) {
		const struct checkpoint_brief *last = &k->kept->items[k->kept->count - 1];

		return found_by(k, last->number, "rolled back or cut off", k->range.size + 1, last->size);
	}
	if (k->kept != NULL && k->kept->bad_line != 0)
		return found(k, "a checkpoint that was kept has no good signature", 0, 0);
	if (k->erased > k->may_be_erased)
		return found(k, "content is gone, but not by retention", k->may_be_erased + 1, k->erased);
	if (k->covered < k->range.size && !k->may_be_ahead)
		return found(k, "covered by no signature", k->covered + 1, k->range.size);
	return true;
}

/* ---- what was kept elsewhere ---- */

enum rc
kept_add(struct kept *kept, const struct signer *signer, struct bytes line, uint64_t number)
{
	struct checkpoint c;
	struct checkpoint_brief *grown;

	if (!checkpoint_read_line(signer, line, &c))
		return RC_OK;
	if (!checkpoint_verify(signer, &c)) {
		if (kept->bad_line == 0)
			kept->bad_line = number;
		return RC_OK;
	}
	if (kept->count == kept->cap) {
		const size_t cap = kept->cap == 0 ? 256 : 2 * kept->cap;

		if ((grown = reallocarray(kept->items, cap, sizeof(*grown))) == NULL)
			return RC_UNAVAILABLE;
		kept->items = grown;
		kept->cap = cap;
	}
	grown = &kept->items[kept->count++];
	*grown = (struct checkpoint_brief){ .number = c.number, .size = c.size };
	memcpy(grown->root, c.root, sizeof(grown->root));
	memcpy(grown->head, c.head, sizeof(grown->head));
	return RC_OK;
}

static int
by_size(const void *a, const void *b)
{
	const struct checkpoint_brief *x = a, *y = b;

	return x->size < y->size ? -1 : x->size > y->size;
}

void
kept_sort(struct kept *kept)
{
	if (kept->count > 1)
		qsort(kept->items, kept->count, sizeof(*kept->items), by_size);
}

void
kept_free(struct kept *kept)
{
	free(kept->items);
	*kept = (struct kept){ 0 };
}
