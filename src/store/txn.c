/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One transaction: a snapshot, the set of what was read, and what is to be written.  At most LIMIT_TXN_KEYS
 * of each, so looking a key up is a walk; a wide one has tables for it, and so many in each of its parts.
 */
#include <string.h>

#include "base/log.h"
#include "store/key_table.h"
#include "store/seal.h"
#include "store/store_parts.h"

/* The arrays where a part of a wide transaction begins. */
struct part {
	unsigned reads, writes, appends;
};

struct txn {
	struct store *store;
	struct arena *arena;
	struct arena *scratch; /* for opened values: ${arena}, or of a wide one what each part may drop */
	bool is_wide;
	struct part part;
	struct key_table reads, writes; /* of a wide one */
	struct snapshot *snapshot;      /* NULL once it was given back */
	unsigned read_cap, write_cap, append_cap;
	bool is_frozen;
	struct commit commit;
	txn_done_fn *done;
	void *done_arg;
};

static enum rc
begin(struct store *store, struct arena *arena, struct arena *scratch, struct txn **out)
{
	struct txn *t = arena_alloc(arena, sizeof(*t));

	*out = NULL;
	if (t == NULL)
		return RC_TOO_BIG;
	*t = (struct txn){ .store = store, .arena = arena, .scratch = scratch, .is_wide = arena != scratch };
	*out = t;
	return txn_restart(t);
}

enum rc
txn_begin(struct store *store, struct arena *arena, struct txn **out)
{
	return begin(store, arena, arena, out);
}

enum rc
txn_begin_wide(struct store *store, struct arena *arena, struct arena *scratch, struct txn **out)
{
	return begin(store, arena, scratch, out);
}

static void
give_back(struct txn *t)
{
	if (t->snapshot != NULL)
		t->store->ops->release(t->snapshot);
	t->snapshot = NULL;
}

enum rc
txn_restart(struct txn *t)
{
	give_back(t);
	t->commit.read_count = t->commit.write_count = t->commit.append_count = 0;
	t->part = (struct part){ 0 };
	t->reads = t->writes = (struct key_table){ 0 };
	t->is_frozen = false;
	return t->store->ops->snapshot(t->store->engine, &t->snapshot);
}

void
txn_end(struct txn *t)
{
	if (t != NULL)
		give_back(t);
}

/* Room for one more item in one of the three arrays, of which the part has those from ${from} on; NULL past
 * LIMIT_TXN_KEYS or the arena's cap. */
static void *
grow(struct txn *t, void *items, unsigned from, unsigned count, unsigned *cap, size_t size)
{
	unsigned wanted = *cap == 0 ? 8 : 2 * *cap;
	void *grown;

	if (count - from >= LIMIT_TXN_KEYS)
		return NULL;
	if (count < *cap)
		return items;
	if (wanted > UINT32_MAX / 2 || (grown = arena_calloc(t->arena, wanted, size)) == NULL)
		return NULL;
	if (items != NULL)
		memcpy(grown, items, count * size);
	*cap = wanted;
	return grown;
}

static struct read_entry *
find_read(const struct txn *t, const struct key *key)
{
	if (t->is_wide)
		return key_table_find(&t->reads, t->commit.reads, sizeof(*t->commit.reads), key);
	for (unsigned i = 0; i < t->commit.read_count; i++)
		if (key_compare(&t->commit.reads[i].key, key) == 0)
			return &t->commit.reads[i];
	return NULL;
}

static struct write_entry *
find_write(const struct txn *t, const struct key *key)
{
	if (t->is_wide)
		return key_table_find(&t->writes, t->commit.writes, sizeof(*t->commit.writes), key);
	for (unsigned i = 0; i < t->commit.write_count; i++)
		if (key_compare(&t->commit.writes[i].key, key) == 0)
			return &t->commit.writes[i];
	return NULL;
}

static enum rc
add_read(struct txn *t, const struct key *key, uint64_t rev)
{
	struct commit *c = &t->commit;
	struct read_entry *grown;

	if (find_read(t, key) != NULL)
		return RC_OK; /* one snapshot: the revision is the same */
	if ((grown = grow(t, c->reads, t->part.reads, c->read_count, &t->read_cap, sizeof(*grown))) == NULL)
		return RC_TOO_BIG;
	c->reads = grown;
	c->reads[c->read_count++] = (struct read_entry){ .key = *key, .rev = rev };
	if (t->is_wide && !key_table_add(&t->reads, t->arena, c->reads, sizeof(*grown), c->read_count))
		return RC_TOO_BIG;
	return RC_OK;
}

/* The entry that a write of ${key} goes to: the one it replaces, or a new one.  NULL past the limits.  What
 * an earlier part wrote stays, since that part's record tells of it; the later write is applied after it. */
static struct write_entry *
write_slot(struct txn *t, const struct key *key)
{
	struct commit *c = &t->commit;
	struct write_entry *w = find_write(t, key);
	struct write_entry *grown;

	if (w != NULL && w - c->writes >= (ptrdiff_t)t->part.writes)
		return w;
	if ((grown = grow(t, c->writes, t->part.writes, c->write_count, &t->write_cap, sizeof(*grown))) ==
	    NULL)
		return NULL;
	c->writes = grown;
	w = &c->writes[c->write_count++];
	*w = (struct write_entry){ .key = *key, .is_delete = true };
	if (t->is_wide && !key_table_add(&t->writes, t->arena, c->writes, sizeof(*grown), c->write_count))
		return NULL;
	return w;
}

static enum rc
open_value(
    struct keyring *ring, struct arena *arena, const struct key *key, struct bytes stored, struct bytes *out)
{
	uint8_t *p = arena_alloc(arena, seal_opened_size(stored));
	enum rc rc;

	if (p == NULL)
		return RC_TOO_BIG;
	out->p = p;
	if ((rc = seal_open(ring, key, stored, p, &out->len)) == RC_CORRUPT)
		log_world("seal_broken", "kind=%u", key->b[0]);
	return rc;
}

static enum rc
own_write(struct txn *t, const struct write_entry *w, struct bytes *out)
{
	if (w->is_delete)
		return RC_NOT_FOUND;
	return open_value(t->store->keyring, t->scratch, &w->key, w->value, out);
}

enum rc
txn_peek(struct txn *t, const struct key *key, struct bytes *out)
{
	const struct write_entry *w = find_write(t, key);
	struct bytes stored;
	uint64_t rev;
	enum rc rc;

	*out = (struct bytes){ NULL, 0 };
	if (w != NULL)
		return own_write(t, w, out);
	if ((rc = t->store->ops->get(t->snapshot, key, &stored, &rev)) != RC_OK)
		return rc;
	return open_value(t->store->keyring, t->scratch, key, stored, out);
}

enum rc
txn_get(struct txn *t, const struct key *key, struct bytes *out)
{
	const struct write_entry *w = find_write(t, key);
	struct bytes stored;
	uint64_t rev;
	enum rc rc, limit;

	*out = (struct bytes){ NULL, 0 };
	if (w != NULL)
		return own_write(t, w, out);
	rc = t->store->ops->get(t->snapshot, key, &stored, &rev);
	if (rc != RC_OK && rc != RC_NOT_FOUND)
		return rc;
	if ((limit = add_read(t, key, rev)) != RC_OK)
		return limit;
	return rc == RC_OK ? open_value(t->store->keyring, t->scratch, key, stored, out) : rc;
}

uint64_t
txn_rev(const struct txn *t, const struct key *key)
{
	const struct read_entry *r = find_read(t, key);

	return r == NULL ? 0 : r->rev;
}

/* May ${key} be written now?  Both refusals are bugs of ours. */
static bool
may_write(const struct txn *t, const struct key *key, bool is_forbidden)
{
	if (is_forbidden)
		log_bug("write_in_log", "kind=%u", key->b[0]);
	else if (t->is_frozen)
		log_bug("write_after_record", "kind=%u", key->b[0]);
	return !is_forbidden && !t->is_frozen;
}

enum rc
txn_put(struct txn *t, const struct key *key, enum key_use use, struct bytes value)
{
	struct write_entry *w;
	struct bytes sealed;
	enum rc rc;

	if (!may_write(t, key, key_is_log_entry(key) || key_is_bookkeeping(key)))
		return RC_INTERNAL;
	if ((rc = seal_record(t->store->keyring, t->arena, key, use, value, &sealed)) != RC_OK)
		return rc;
	if ((w = write_slot(t, key)) == NULL)
		return RC_TOO_BIG;
	w->value = sealed;
	w->is_delete = false;
	return RC_OK;
}

enum rc
txn_delete(struct txn *t, const struct key *key)
{
	struct write_entry *w;

	if (!may_write(t, key, key_is_bookkeeping(key)))
		return RC_INTERNAL;
	if ((w = write_slot(t, key)) == NULL)
		return RC_TOO_BIG;
	w->value = (struct bytes){ NULL, 0 };
	w->is_delete = true;
	return RC_OK;
}

enum rc
txn_append(
    struct txn *t, enum store_log log, const uint8_t leaf[LOG_LEAF], enum key_use use, struct bytes value)
{
	struct commit *c = &t->commit;
	struct append_entry *grown, *a;
	struct bytes sealed;
	enum rc rc;

	if (c->append_count - t->part.appends >= LIMIT_TXN_KEYS)
		return RC_TOO_BIG;
	if ((rc = seal_entry(t->store->keyring, t->arena, log, leaf, use, value, &sealed)) != RC_OK)
		return rc;
	if ((grown = grow(t, c->appends, t->part.appends, c->append_count, &t->append_cap, sizeof(*grown))) ==
	    NULL)
		return RC_TOO_BIG;
	c->appends = grown;
	a = &c->appends[c->append_count++];
	*a = (struct append_entry){ .log = (uint8_t)log, .value = sealed };
	memcpy(a->leaf, leaf, LOG_LEAF);
	return RC_OK;
}

enum rc
txn_log_erase(struct txn *t, enum store_log log, uint64_t number)
{
	const struct key key = log_key(log, number);
	uint8_t *leaf = arena_alloc(t->arena, LOG_LEAF);
	struct write_entry *w;
	enum rc rc;

	if (leaf == NULL || !may_write(t, &key, false))
		return leaf == NULL ? RC_TOO_BIG : RC_INTERNAL;
	if ((rc = txn_log_leaf(t, log, number, leaf)) != RC_OK)
		return rc;
	if ((w = write_slot(t, &key)) == NULL)
		return RC_TOO_BIG;
	w->value = (struct bytes){ leaf, LOG_LEAF };
	w->is_delete = false;
	return RC_OK;
}

/* One walk: opens each value into a piece of arena that is used again and again. */
struct walk {
	struct txn *txn;
	txn_scan_fn *fn;
	txn_broken_fn *broken; /* NULL: what does not open ends the walk */
	void *arg;
	uint8_t *room;
	size_t cap;
	size_t below, above; /* the arena's fill levels around the room */
	enum rc rc;
};

/* So that walks one after another need the room of one; not if ${fn} took memory that lies above it. */
static void
walk_give_back(struct walk *w)
{
	struct arena *arena = w->txn->scratch;

	if (w->room == NULL)
		return;
	if (arena_mark(arena) == w->above)
		arena_rewind(arena, w->below);
	else
		wipe(w->room, w->cap); /* the arena may live on for long */
}

static enum rc
walk_reserve(struct walk *w, size_t need)
{
	size_t cap = w->cap == 0 ? 1024 : w->cap;

	if (w->room != NULL && need <= w->cap)
		return RC_OK;
	while (cap < need)
		cap *= 2;
	walk_give_back(w);
	w->cap = cap;
	w->below = arena_mark(w->txn->scratch);
	w->room = arena_alloc(w->txn->scratch, cap);
	w->above = arena_mark(w->txn->scratch);
	return w->room == NULL ? RC_TOO_BIG : RC_OK;
}

static bool
walk_one(void *arg, const struct key *key, struct bytes stored, uint64_t rev)
{
	struct walk *w = arg;
	size_t len;

	if (key_is_bookkeeping(key))
		return true; /* not sealed, not a record */
	if ((w->rc = walk_reserve(w, seal_opened_size(stored))) != RC_OK)
		return false;
	w->rc = seal_open(w->txn->store->keyring, key, stored, w->room, &len);
	if (w->rc == RC_CORRUPT && w->broken != NULL) {
		w->rc = RC_OK;
		w->broken(w->arg, key);
		return true;
	}
	if (w->rc != RC_OK) {
		log_world("seal_broken", "kind=%u", key->b[0]);
		return false;
	}
	return w->fn(w->arg, key, (struct bytes){ w->room, len }, rev);
}

static enum rc
walk(struct walk *w, const struct key *prefix, const struct key *from)
{
	struct txn *t = w->txn;
	enum rc rc;

	if (from != NULL && (from->len < prefix->len || memcmp(from->b, prefix->b, prefix->len) != 0)) {
		log_bug("scan_from_elsewhere", "kind=%u", prefix->b[0]);
		return RC_INTERNAL;
	}
	rc = t->store->ops->scan(t->snapshot, from == NULL ? prefix : from, prefix->len, walk_one, w);
	walk_give_back(w);
	return rc != RC_OK ? rc : w->rc;
}

enum rc
txn_scan(struct txn *t, const struct key *prefix, const struct key *from, txn_scan_fn *fn, void *arg)
{
	struct walk w = { .txn = t, .fn = fn, .arg = arg, .rc = RC_OK };

	return walk(&w, prefix, from);
}

void
txn_pass_by(void *arg UNUSED, const struct key *key UNUSED)
{
}

enum rc
txn_scan_past(struct txn *t, const struct key *prefix, const struct key *from, txn_scan_fn *fn,
    txn_broken_fn *broken, void *arg)
{
	struct walk w = { .txn = t, .fn = fn, .broken = broken, .arg = arg, .rc = RC_OK };

	return walk(&w, prefix, from);
}

struct census {
	txn_census_fn *fn;
	void *arg;
};

static bool
census_one(void *arg, const struct key *key, struct bytes stored, uint64_t rev)
{
	const struct census *c = arg;
	const size_t lead = key_is_log_entry(key) ? LOG_LEAF : 0;

	(void)rev;
	if (key_is_bookkeeping(key))
		return true;
	if (stored.len < lead)
		return c->fn(c->arg, key, 0);
	return c->fn(c->arg, key, sealed_key_id((struct bytes){ stored.p + lead, stored.len - lead }));
}

enum rc
txn_census(struct txn *t, const struct key *prefix, const struct key *from, txn_census_fn *fn, void *arg)
{
	struct census c = { fn, arg };

	return t->store->ops->scan(t->snapshot, from == NULL ? prefix : from, prefix->len, census_one, &c);
}

/* A walk over what stands there, without the store's own bookkeeping. */
struct sealed_walk {
	txn_scan_fn *fn;
	void *arg;
};

static bool
walk_sealed(void *arg, const struct key *key, struct bytes stored, uint64_t rev)
{
	const struct sealed_walk *w = arg;

	return key_is_bookkeeping(key) || w->fn(w->arg, key, stored, rev);
}

enum rc
txn_scan_sealed(struct txn *t, const struct key *prefix, txn_scan_fn *fn, void *arg)
{
	struct sealed_walk w = { fn, arg };

	return t->store->ops->scan(t->snapshot, prefix, prefix->len, walk_sealed, &w);
}

enum rc
txn_log_leaf(struct txn *t, enum store_log log, uint64_t number, uint8_t leaf[LOG_LEAF])
{
	const struct key key = log_key(log, number);
	struct bytes stored;
	uint64_t rev;
	enum rc rc = t->store->ops->get(t->snapshot, &key, &stored, &rev);

	if (rc == RC_OK && stored.len < LOG_LEAF)
		rc = RC_CORRUPT;
	if (rc == RC_OK)
		memcpy(leaf, stored.p, LOG_LEAF);
	return rc;
}

const struct write_entry *
txn_writes(const struct txn *t, unsigned *count)
{
	*count = t->commit.write_count - t->part.writes;
	return *count == 0 ? NULL : t->commit.writes + t->part.writes;
}

void
txn_freeze(struct txn *t)
{
	t->is_frozen = true;
}

void
txn_next_part(struct txn *t)
{
	const struct commit *c = &t->commit;

	if (t->is_wide)
		t->part = (struct part){ c->read_count, c->write_count, c->append_count };
	else
		log_bug("part_of_a_small_one", "writes=%u", c->write_count);
	t->is_frozen = false;
}

enum rc
txn_log_head(struct txn *t, enum store_log log, struct log_head *out)
{
	struct key key = log_head_key(log);
	struct bytes stored;
	uint64_t rev;
	enum rc rc = t->store->ops->get(t->snapshot, &key, &stored, &rev);

	*out = (struct log_head){ 0 };
	if (rc == RC_NOT_FOUND)
		return RC_OK;
	if (rc == RC_OK && !log_head_read(stored, out))
		return RC_CORRUPT;
	return rc;
}

bool
txn_is_writing(const struct txn *t)
{
	return t->commit.write_count + t->commit.append_count > t->part.writes + t->part.appends;
}

/* Has any part of it? */
static bool
has_written(const struct txn *t)
{
	return t->commit.write_count + t->commit.append_count > 0;
}

static void
committed(struct commit *c)
{
	struct txn *t = c->arg;

	t->done(t->done_arg, c->rc);
}

typedef void submit_fn(struct committer *c, struct commit *commit);

static void
commit_by(submit_fn *submit, struct txn *t, txn_done_fn *done, void *arg)
{
	give_back(t);
	if (!has_written(t)) {
		done(arg, RC_OK); /* what it read was one snapshot: nothing to check */
		return;
	}
	if (t->store->committer == NULL) { /* opened for reading */
		log_bug("commit_of_reader", "writes=%u", t->commit.write_count);
		done(arg, RC_INTERNAL);
		return;
	}
	t->done = done;
	t->done_arg = arg;
	t->commit.done = committed;
	t->commit.arg = t;
	submit(t->store->committer, &t->commit); /* from here on it is the committer's */
}

void
txn_commit(struct txn *t, txn_done_fn *done, void *arg)
{
	commit_by(committer_submit, t, done, arg);
}

void
txn_commit_here(struct txn *t, txn_done_fn *done, void *arg)
{
	commit_by(committer_submit_here, t, done, arg);
}

uint64_t
txn_append_number(const struct txn *t, unsigned i)
{
	return i < t->commit.append_count ? t->commit.appends[i].number : 0;
}

enum rc
store_unseal(
    struct store *store, const struct key *key, struct bytes sealed, struct arena *arena, struct bytes *out)
{
	*out = (struct bytes){ NULL, 0 };
	return open_value(store->keyring, arena, key, sealed, out);
}
