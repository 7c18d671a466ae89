/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The comparison takes the trail into a table (last tag of each key), then walks the store against the table.
 * The table grows as it fills; when it may not grow any more, the digests are cut in half and only the lower
 * part is taken: the rest comes in a later round, with a walk of its own over the trail.
 */
#include "ledger/tags.h"

#include <stdlib.h>
#include <string.h>

#include "crypto/digest.h"

#define KEY_DIGEST 8u
#define VALUE_TAG  16u
#ifdef MENEDEK_DEBUG
#define SLOTS_FIRST 64u /* so that tests come to a larger table, and to the second round */
#define SLOTS_MOST  256u
#else
#define SLOTS_FIRST (1u << 14) /* of 48 bytes */
#define SLOTS_MOST  (1u << 21)
#endif

_Static_assert(1 + KEY_DIGEST + VALUE_TAG == TAG_BYTES, "a tag is kind, key, value");

/* Kinds that vouch for themselves; see the header. */
static const uint8_t uncovered[] = { 'A', 'H', 'k', 'v' };

bool
tags_cover(uint8_t kind)
{
	return memchr(uncovered, kind, sizeof(uncovered)) == NULL;
}

void
tag_write(const struct key *key, struct bytes sealed, uint8_t out[TAG_BYTES])
{
	uint8_t hash[DIGEST_BYTES];

	out[0] = key->b[0];
	digest((struct bytes){ key->b, key->len }, hash);
	memcpy(out + 1, hash, KEY_DIGEST);
	memset(out + 1 + KEY_DIGEST, 0, VALUE_TAG);
	if (sealed.len == 0)
		return;
	digest(sealed, hash);
	memcpy(out + 1 + KEY_DIGEST, hash, VALUE_TAG);
}

const char *
tag_trouble_text(enum tag_trouble trouble)
{
	static const char *const texts[TAG_TROUBLES] = {
		[TAG_OLD] = "an older value was put back",
		[TAG_ALTERED] = "a value that was never written here",
		[TAG_REMOVED] = "a value was removed",
		[TAG_REVIVED] = "a deleted value was put back",
		[TAG_UNKNOWN] = "a value that no entry tells of",
	};

	return texts[trouble];
}

/* ---- the table ---- */

struct slot {
	uint64_t entry; /* 0: empty */
	uint8_t tag[TAG_BYTES];
	bool is_seen;
};

struct tags_check {
	struct txn *txn;
	struct slot *slots;
	size_t slot_count, used;
	enum rc rc;           /* of taking: RC_TOO_BIG when the table is full; of looking back */
	uint64_t first, last; /* digests of this round, both inclusive */
	tags_found_fn *fn;
	void *arg;
	struct tags_report *report;
	/* instead of findings: keys whose last writer is this entry or an older one */
	uint64_t stale_upto;
	struct key *stale;
	size_t stale_most, stale_count;
};

static bool
is_delete(const uint8_t tag[TAG_BYTES])
{
	static const uint8_t none[VALUE_TAG];

	return memcmp(tag + 1 + KEY_DIGEST, none, VALUE_TAG) == 0;
}

static bool
is_of_this_round(const struct tags_check *k, const uint8_t tag[TAG_BYTES])
{
	const uint64_t digest_of_key = get_u64(tag + 1);

	return digest_of_key >= k->first && digest_of_key <= k->last;
}

/* The slot of the tag's key, or the empty one where it belongs.  There is always one that is empty. */
static struct slot *
find_slot(const struct tags_check *k, const uint8_t tag[TAG_BYTES])
{
	size_t at = get_u64(tag + 1) % k->slot_count;

	while (k->slots[at].entry != 0 && memcmp(k->slots[at].tag, tag, 1 + KEY_DIGEST) != 0)
		at = (at + 1) % k->slot_count;
	return &k->slots[at];
}

static bool
is_full(const struct tags_check *k)
{
	return k->used >= k->slot_count / 4 * 3;
}

/* Twice as many slots, with what stood in the old ones. */
static enum rc
grow(struct tags_check *k)
{
	struct slot *old = k->slots;
	const size_t count = k->slot_count;

	if (count >= SLOTS_MOST)
		return RC_TOO_BIG;
	if ((k->slots = calloc(2 * count, sizeof(*k->slots))) == NULL) {
		k->slots = old;
		return RC_UNAVAILABLE;
	}
	k->slot_count = 2 * count;
	for (size_t i = 0; i < count; i++)
		if (old[i].entry != 0)
			*find_slot(k, old[i].tag) = old[i];
	free(old);
	return RC_OK;
}

static bool
take_tag(struct tags_check *k, const uint8_t *tag, uint64_t entry)
{
	struct slot *slot = find_slot(k, tag);

	if (slot->entry == 0 && is_full(k)) {
		if ((k->rc = grow(k)) != RC_OK)
			return false;
		slot = find_slot(k, tag);
	}
	k->used += slot->entry == 0;
	slot->entry = entry;
	memcpy(slot->tag, tag, TAG_BYTES);
	return true;
}

static bool
take_entry(void *arg, const struct audit_entry *e)
{
	struct tags_check *k = arg;

	for (size_t at = 0; at < e->tags.len && k->rc == RC_OK; at += TAG_BYTES)
		if (is_of_this_round(k, e->tags.p + at))
			(void)take_tag(k, e->tags.p + at, e->number);
	return k->rc == RC_OK;
}

void
tags_take(struct tags_check *k, const struct audit_entry *e)
{
	(void)take_entry(k, e);
}

/* Fill the table anew with as many digests from ${k->first} on as it holds; leaves the last of them. */
static enum rc
fill_table(struct tags_check *k)
{
	enum rc rc;

	for (k->last = UINT64_MAX;; k->last = k->first + (k->last - k->first) / 2) {
		memset(k->slots, 0, k->slot_count * sizeof(*k->slots));
		k->used = 0;
		k->rc = RC_OK;
		rc = ledger_read(k->txn, 1, take_entry, k);
		if (rc != RC_OK || k->rc != RC_TOO_BIG)
			return rc != RC_OK ? rc : k->rc;
		if (k->first == k->last)
			return RC_TOO_BIG; /* digests do not collide so often */
	}
}

/* ---- findings ---- */

static void
find(struct tags_check *k, struct tag_finding finding)
{
	k->report->findings++;
	k->fn(k->arg, &finding);
}

struct history {
	const uint8_t *tag;
	uint64_t entry;
};

static bool
look_back(void *arg, const struct audit_entry *e)
{
	struct history *h = arg;

	for (size_t at = 0; at < e->tags.len; at += TAG_BYTES)
		if (memcmp(e->tags.p + at, h->tag, TAG_BYTES) == 0)
			h->entry = e->number;
	return true;
}

/* The entry that wrote exactly this, or 0; of a trail that cannot be read k->rc tells. */
static uint64_t
written_by(struct tags_check *k, const uint8_t tag[TAG_BYTES])
{
	struct history h = { .tag = tag };

	k->rc = ledger_read(k->txn, 1, look_back, &h);
	return h.entry;
}

static void
find_wrong(struct tags_check *k, const struct key *key, const struct slot *slot, const uint8_t tag[TAG_BYTES])
{
	struct tag_finding f = { .kind = key->b[0], .key = key, .last = slot->entry };

	if (slot->entry == 0) {
		f.trouble = TAG_UNKNOWN;
	} else if (is_delete(slot->tag)) {
		f.trouble = TAG_REVIVED;
	} else {
		f.put_back = written_by(k, tag);
		if (k->rc != RC_OK)
			return; /* altered and put back are not told apart by guessing */
		f.trouble = f.put_back != 0 ? TAG_OLD : TAG_ALTERED;
	}
	find(k, f);
}

static bool
take_stale(struct tags_check *k, const struct key *key, const struct slot *slot)
{
	if (slot->entry != 0 && slot->entry <= k->stale_upto && k->stale_count < k->stale_most)
		k->stale[k->stale_count++] = *key;
	return k->stale_count < k->stale_most;
}

static bool
compare_one(void *arg, const struct key *key, struct bytes sealed, uint64_t rev)
{
	struct tags_check *k = arg;
	uint8_t tag[TAG_BYTES];
	struct slot *slot;

	(void)rev;
	tag_write(key, sealed, tag);
	if (!is_of_this_round(k, tag))
		return true;
	slot = find_slot(k, tag);
	if (k->stale != NULL)
		return take_stale(k, key, slot);
	slot->is_seen = slot->entry != 0;
	if (slot->entry != 0 && memcmp(slot->tag, tag, TAG_BYTES) == 0)
		k->report->compared++;
	else
		find_wrong(k, key, slot, tag);
	return k->rc == RC_OK;
}

static void
find_removed(struct tags_check *k)
{
	for (size_t i = 0; i < k->slot_count; i++) {
		const struct slot *slot = &k->slots[i];

		if (slot->entry != 0 && !slot->is_seen && !is_delete(slot->tag) && tags_cover(slot->tag[0]))
			find(k,
			    (struct tag_finding){
				.trouble = TAG_REMOVED, .kind = slot->tag[0], .last = slot->entry });
	}
}

static enum rc
compare_round(struct tags_check *k)
{
	enum rc rc = RC_OK;

	for (unsigned kind = 0; kind <= UINT8_MAX && rc == RC_OK; kind++) {
		const struct key prefix = key_kind((uint8_t)kind);

		if (tags_cover((uint8_t)kind))
			rc = txn_scan_sealed(k->txn, &prefix, compare_one, k);
		if (rc == RC_OK)
			rc = k->rc;
	}
	if (rc == RC_OK && k->stale == NULL)
		find_removed(k);
	return rc;
}

static bool
wants_more(const struct tags_check *k)
{
	return k->first != 0 && (k->stale == NULL || k->stale_count < k->stale_most);
}

/* Rounds until no digest is left; the first goes with what was taken already, if that was all. */
static enum rc
run_rounds(struct tags_check *k, bool is_filled)
{
	enum rc rc = RC_OK;

	do {
		if (!is_filled)
			rc = fill_table(k);
		if (rc == RC_OK)
			rc = compare_round(k);
		is_filled = false;
		k->first = k->last + 1; /* 0 after the last round */
	} while (rc == RC_OK && wants_more(k));
	return rc;
}

enum rc
tags_begin(struct tags_check **out)
{
	struct tags_check *k = calloc(1, sizeof(*k));

	*out = k;
	if (k == NULL)
		return RC_UNAVAILABLE;
	k->slot_count = SLOTS_FIRST;
	k->last = UINT64_MAX;
	k->rc = RC_OK;
	if ((k->slots = calloc(k->slot_count, sizeof(*k->slots))) == NULL)
		return RC_UNAVAILABLE;
	return RC_OK;
}

void
tags_end(struct tags_check *k)
{
	if (k != NULL)
		free(k->slots);
	free(k);
}

enum rc
tags_compare(struct tags_check *k, struct txn *t, tags_found_fn *fn, void *arg, struct tags_report *out)
{
	*out = (struct tags_report){ 0 };
	k->txn = t;
	k->fn = fn;
	k->arg = arg;
	k->report = out;
	if (k->rc != RC_OK && k->rc != RC_TOO_BIG)
		return k->rc;
	return run_rounds(k, k->rc == RC_OK);
}

enum rc
tags_check(struct txn *t, tags_found_fn *fn, void *arg, struct tags_report *out)
{
	struct tags_check *k;
	enum rc rc = tags_begin(&k);

	if (rc == RC_OK)
		rc = ledger_read(t, 1, take_entry, k);
	if (rc == RC_OK)
		rc = tags_compare(k, t, fn, arg, out);
	tags_end(k);
	return rc;
}

enum rc
tags_stale(struct txn *t, uint64_t upto, struct key *out, size_t most, size_t *count)
{
	struct tags_check *k;
	enum rc rc = tags_begin(&k);

	*count = 0;
	if (rc == RC_OK) {
		k->txn = t;
		k->stale_upto = upto;
		k->stale = out;
		k->stale_most = most;
		rc = run_rounds(k, false);
		*count = k->stale_count;
	}
	tags_end(k);
	return rc;
}
