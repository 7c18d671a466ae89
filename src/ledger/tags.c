/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The comparison walks the trail into a table (last tag of each key), then the store against the table.  When
 * the table fills up, the digests are cut in half and only the lower part is taken: the rest comes in a later
 * round.
 */
#include "ledger/tags.h"

#include <stdlib.h>
#include <string.h>

#include "crypto/digest.h"

#define KEY_DIGEST 8u
#define VALUE_TAG  16u
#ifdef MENEDEK_DEBUG
#define SLOTS 256u /* so that tests come to the second round */
#else
#define SLOTS (1u << 18) /* of 48 bytes */
#endif
#define SLOTS_FULL (SLOTS / 4 * 3)

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

struct check {
	struct txn *txn;
	struct slot *slots;
	unsigned used;
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
is_of_this_round(const struct check *k, const uint8_t tag[TAG_BYTES])
{
	const uint64_t digest_of_key = get_u64(tag + 1);

	return digest_of_key >= k->first && digest_of_key <= k->last;
}

/* The slot of the tag's key, or the empty one where it belongs.  There is always one that is empty. */
static struct slot *
find_slot(const struct check *k, const uint8_t tag[TAG_BYTES])
{
	size_t at = get_u64(tag + 1) % SLOTS;

	while (k->slots[at].entry != 0 && memcmp(k->slots[at].tag, tag, 1 + KEY_DIGEST) != 0)
		at = (at + 1) % SLOTS;
	return &k->slots[at];
}

static bool
take_entry(void *arg, const struct audit_entry *e)
{
	struct check *k = arg;

	for (size_t at = 0; at < e->tags.len; at += TAG_BYTES) {
		const uint8_t *tag = e->tags.p + at;
		struct slot *slot;

		if (!is_of_this_round(k, tag))
			continue;
		slot = find_slot(k, tag);
		if (slot->entry == 0 && ++k->used > SLOTS_FULL)
			return false;
		slot->entry = e->number;
		memcpy(slot->tag, tag, TAG_BYTES);
	}
	return true;
}

/* Fill the table with as many digests from ${k->first} on as it holds; leaves the last of them. */
static enum rc
fill_table(struct check *k)
{
	enum rc rc;

	for (k->last = UINT64_MAX;; k->last = k->first + (k->last - k->first) / 2) {
		memset(k->slots, 0, SLOTS * sizeof(*k->slots));
		k->used = 0;
		if ((rc = ledger_read(k->txn, 1, take_entry, k)) != RC_OK || k->used <= SLOTS_FULL)
			return rc;
		if (k->first == k->last)
			return RC_TOO_BIG; /* digests do not collide so often */
	}
}

/* ---- findings ---- */

static void
find(struct check *k, struct tag_finding finding)
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

/* The entry that wrote exactly this, or 0. */
static uint64_t
written_by(struct check *k, const uint8_t tag[TAG_BYTES])
{
	struct history h = { .tag = tag };

	return ledger_read(k->txn, 1, look_back, &h) == RC_OK ? h.entry : 0;
}

static void
find_wrong(struct check *k, const struct key *key, const struct slot *slot, const uint8_t tag[TAG_BYTES])
{
	struct tag_finding f = { .kind = key->b[0], .key = key, .last = slot->entry };

	if (slot->entry == 0) {
		f.trouble = TAG_UNKNOWN;
	} else if (is_delete(slot->tag)) {
		f.trouble = TAG_REVIVED;
	} else {
		f.put_back = written_by(k, tag);
		f.trouble = f.put_back != 0 ? TAG_OLD : TAG_ALTERED;
	}
	find(k, f);
}

static bool
take_stale(struct check *k, const struct key *key, const struct slot *slot)
{
	if (slot->entry != 0 && slot->entry <= k->stale_upto && k->stale_count < k->stale_most)
		k->stale[k->stale_count++] = *key;
	return k->stale_count < k->stale_most;
}

static bool
compare_one(void *arg, const struct key *key, struct bytes sealed, uint64_t rev)
{
	struct check *k = arg;
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
	return true;
}

static void
find_removed(struct check *k)
{
	for (unsigned i = 0; i < SLOTS; i++) {
		const struct slot *slot = &k->slots[i];

		if (slot->entry != 0 && !slot->is_seen && !is_delete(slot->tag) && tags_cover(slot->tag[0]))
			find(k,
			    (struct tag_finding){
				.trouble = TAG_REMOVED, .kind = slot->tag[0], .last = slot->entry });
	}
}

static enum rc
compare_round(struct check *k)
{
	enum rc rc = fill_table(k);

	for (unsigned kind = 0; kind <= UINT8_MAX && rc == RC_OK; kind++) {
		const struct key prefix = key_kind((uint8_t)kind);

		if (tags_cover((uint8_t)kind))
			rc = txn_scan_sealed(k->txn, &prefix, compare_one, k);
	}
	if (rc == RC_OK && k->stale == NULL)
		find_removed(k);
	return rc;
}

static enum rc
run_rounds(struct check *k)
{
	enum rc rc;

	if ((k->slots = calloc(SLOTS, sizeof(*k->slots))) == NULL)
		return RC_UNAVAILABLE;
	do {
		rc = compare_round(k);
		k->first = k->last + 1; /* 0 after the last round */
	} while (rc == RC_OK && k->first != 0 && (k->stale == NULL || k->stale_count < k->stale_most));
	free(k->slots);
	return rc;
}

enum rc
tags_check(struct txn *t, tags_found_fn *fn, void *arg, struct tags_report *out)
{
	struct check k = { .txn = t, .fn = fn, .arg = arg, .report = out };

	*out = (struct tags_report){ 0 };
	return run_rounds(&k);
}

enum rc
tags_stale(struct txn *t, uint64_t upto, struct key *out, size_t most, size_t *count)
{
	struct check k = { .txn = t, .stale_upto = upto, .stale = out, .stale_most = most };
	const enum rc rc = run_rounds(&k);

	*count = k.stale_count;
	return rc;
}
