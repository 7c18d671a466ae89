/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The walk over LMDB 0.9's file format: two meta pages, the newer of which names the roots of two trees, the
 * free pages and ours.  Its own reader of the format on purpose: what LMDB would trust is what is in doubt.
 */
#include "store/lmdb_pages.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/key.h"
#include "store/logs.h"

#define MAGIC      0xbeefc0deu
#define VERSION    1u
#define PAGE_MIN   512u
#define PAGE_MAX   32768u
#define HEAD       16u /* of a page, before its node pointers */
#define NODE       8u  /* of a node, before its key */
#define META_BYTES 136u
#define DEPTH      32u
#define KEY_MAX    511u
#define NO_ROOT    UINT64_MAX
#define INTEGERKEY 0x08u
#define REV_BYTES  8u

enum { BRANCH = 1, LEAF = 2, OVERFLOW_PAGE = 4, META = 8 };
enum { BIGDATA = 1 };

struct tree {
	uint16_t flags, depth;
	uint64_t pages[3]; /* branch, leaf, overflow */
	uint64_t entries, root;
};

struct meta {
	uint32_t page_size;
	uint64_t last, txn;
	struct tree trees[2]; /* free pages, ours */
};

struct level {
	uint8_t *page;
	uint64_t number;
	unsigned next, count;
};

struct walk {
	struct lmdb_pages *out;
	int fd;
	uint64_t size;
	struct meta meta;
	uint8_t *seen; /* a bit for each page that has an owner */
	uint8_t *room; /* DEPTH pages */
	const struct tree *tree;
	struct tree counted;
	uint8_t *big; /* an overflow value */
	struct level levels[DEPTH];
	unsigned depth;
	uint8_t key[KEY_MAX], floor[KEY_MAX]; /* the last key, and what the next one must not be below */
	size_t key_len, floor_len;
	bool has_key, has_stored;
	struct lmdb_sum stored;
};

/* the file is little-endian, as is every machine that LMDB's files may be carried to from here */
static uint64_t
get(const uint8_t *p, unsigned bytes)
{
	uint64_t v = 0;

	while (bytes-- > 0)
		v = v << 8 | p[bytes];
	return v;
}

uint64_t
lmdb_sum_of(struct bytes key, struct bytes data)
{
	const struct bytes parts[] = { key, data };
	uint64_t h = key.len;

	/* each step can be undone, so no single change of a pair goes without a change of its number */
	for (unsigned part = 0; part < COUNT_OF(parts); part++) {
		const uint8_t *p = parts[part].p;
		size_t left = parts[part].len;

		for (; left >= 8; left -= 8, p += 8) {
			h = (h ^ get(p, 8)) * UINT64_C(0x9e3779b97f4a7c15);
			h ^= h >> 32;
		}
		h = (h ^ get(p, (unsigned)left) ^ (uint64_t)parts[part].len << 48) *
		    UINT64_C(0xc2b2ae3d27d4eb4f);
		h ^= h >> 29;
	}
	return h;
}

static enum rc
bad(struct walk *w, uint64_t page, const char *what)
{
	w->out->page = page;
	w->out->what = what;
	return RC_CORRUPT;
}

/* Pages that own() has found to lie within the file. */
static enum rc
read_at(struct walk *w, uint64_t page, uint64_t count, uint8_t *to)
{
	const uint64_t size = w->meta.page_size;
	size_t len = (size_t)(count * size), done = 0;

	while (done < len) {
		const ssize_t n = pread(w->fd, to + done, len - done, (off_t)(page * size + done));

		if (n <= 0) {
			(void)bad(w, page, "the disk does not read it");
			return RC_UNAVAILABLE;
		}
		done += (size_t)n;
	}
	return RC_OK;
}

/* ${count}, which is not 0, pages from ${page} on: are they there, and nobody else's? */
static enum rc
own(struct walk *w, uint64_t page, uint64_t count)
{
	if (page < 2 || page > w->meta.last || count > w->meta.last - page + 1)
		return bad(w, page, "there is no such page");
	for (uint64_t p = page; p < page + count; p++) {
		if (((unsigned)w->seen[p / 8] >> (p % 8) & 1u) != 0)
			return bad(w, p, "it has two owners");
		w->seen[p / 8] = (uint8_t)(w->seen[p / 8] | 1u << (p % 8));
	}
	return RC_OK;
}

/* meta pages */

static void
read_tree(const uint8_t *p, struct tree *t)
{
	*t = (struct tree){ .flags = (uint16_t)get(p + 4, 2),
		.depth = (uint16_t)get(p + 6, 2),
		.pages = { get(p + 8, 8), get(p + 16, 8), get(p + 24, 8) },
		.entries = get(p + 32, 8),
		.root = get(p + 40, 8) };
}

static bool
read_meta(struct walk *w, uint64_t at, struct meta *m)
{
	uint8_t p[HEAD + META_BYTES];

	if (pread(w->fd, p, sizeof(p), (off_t)at) != (ssize_t)sizeof(p))
		return false;
	*m = (struct meta){ .page_size = (uint32_t)get(p + HEAD + 24, 4),
		.last = get(p + HEAD + 120, 8),
		.txn = get(p + HEAD + 128, 8) };
	read_tree(p + HEAD + 24, &m->trees[0]);
	read_tree(p + HEAD + 72, &m->trees[1]);
	return get(p + 10, 2) == META && get(p + HEAD, 4) == MAGIC && get(p + HEAD + 4, 4) == VERSION &&
	    m->page_size >= PAGE_MIN && m->page_size <= PAGE_MAX && (m->page_size & (m->page_size - 1)) == 0;
}

/* The newer one counts.  Commits write them in turn, so their numbers follow each other. */
static enum rc
choose_meta(struct walk *w)
{
	struct meta m[2];
	unsigned newer;

	if (!read_meta(w, 0, &m[0]))
		return bad(w, 0, "it is no meta page");
	if (!read_meta(w, m[0].page_size, &m[1]) || m[1].page_size != m[0].page_size)
		return bad(w, 1, "it is no meta page");
	newer = m[0].txn < m[1].txn ? 1 : 0;
	w->meta = m[newer];
	if ((m[0].txn != 0 || m[1].txn != 0) &&
	    (m[newer].txn - m[1 - newer].txn != 1 || (m[newer].txn & 1) != newer))
		return bad(w, newer, "its number does not follow the other's");
	if (w->meta.trees[0].flags != INTEGERKEY || w->meta.trees[1].flags != 0)
		return bad(w, newer, "its trees are of another kind");
	if (w->meta.last < 1 || w->meta.last >= w->size / w->meta.page_size)
		return bad(w, newer, "it knows of more pages than there are");
	return RC_OK;
}

/* keys */

static int
compare(const struct walk *w, const uint8_t *a, size_t a_len, const uint8_t *b, size_t b_len)
{
	const size_t len = a_len < b_len ? a_len : b_len;
	int diff;

	if (w->tree->flags == INTEGERKEY) {
		const uint64_t x = get(a, 8), y = get(b, 8);

		return x < y ? -1 : x > y;
	}
	diff = memcmp(a, b, len);
	return diff != 0 ? diff : a_len < b_len ? -1 : a_len > b_len;
}

static bool
is_key_len(const struct walk *w, size_t len)
{
	return w->tree->flags == INTEGERKEY ? len == 8 : len > 0 && len <= KEY_MAX;
}

/* nodes */

static enum rc
check_shape(struct walk *w, const struct level *l, unsigned want)
{
	const uint8_t *p = l->page;
	const unsigned lower = (unsigned)get(p + 12, 2), upper = (unsigned)get(p + 14, 2);

	if (get(p, 8) != l->number)
		return bad(w, l->number, "it is another page");
	if (get(p + 10, 2) != want)
		return bad(w, l->number, "it is of another kind");
	if (lower < HEAD || lower > upper || upper > w->meta.page_size || lower % 2 != 0)
		return bad(w, l->number, "its bounds are wrong");
	if (l->count == 0 || (want == BRANCH && l->count < 2))
		return bad(w, l->number, "it is empty");
	for (unsigned i = 0; i < l->count; i++) {
		const unsigned at = (unsigned)get(p + HEAD + 2 * i, 2);

		if (at < upper || at % 2 != 0 || at + NODE > w->meta.page_size ||
		    at + NODE + get(p + at + 6, 2) > w->meta.page_size)
			return bad(w, l->number, "an entry lies outside");
	}
	return RC_OK;
}

static enum rc
enter(struct walk *w, uint64_t number)
{
	const unsigned want = w->depth + 1 == w->tree->depth ? LEAF : BRANCH;
	struct level *l = &w->levels[w->depth];
	enum rc rc;

	l->number = number;
	l->page = w->room + (size_t)w->depth * w->meta.page_size;
	if ((rc = own(w, number, 1)) != RC_OK || (rc = read_at(w, number, 1, l->page)) != RC_OK)
		return rc;
	l->next = 0;
	l->count = get(l->page + 12, 2) < HEAD ? 0 : (unsigned)(get(l->page + 12, 2) - HEAD) / 2;
	if (l->count > (w->meta.page_size - HEAD) / 2)
		return bad(w, number, "its bounds are wrong");
	w->counted.pages[want == LEAF ? 1 : 0]++;
	w->depth++;
	return check_shape(w, l, want);
}

static enum rc
descend(struct walk *w, const struct level *l, const uint8_t *node)
{
	const size_t len = (size_t)get(node + 6, 2);

	if (l->next > 1) {
		if (!is_key_len(w, len))
			return bad(w, l->number, "a key has a wrong length");
		/* there is a last key: no page before this one was empty */
		if (compare(w, w->key, w->key_len, node + NODE, len) >= 0)
			return bad(w, l->number, "its keys are out of order");
		memcpy(w->floor, node + NODE, len);
		w->floor_len = len;
	}
	return enter(w, get(node, 4) | get(node + 4, 2) << 32);
}

/* The value of a node, in its page or on pages of its own. */
static enum rc
value_of(struct walk *w, const struct level *l, const uint8_t *node, struct bytes *out)
{
	const uint8_t *data = node + NODE + get(node + 6, 2);
	const uint64_t len = get(node, 4), flags = get(node + 4, 2);
	const uint64_t stored = flags == BIGDATA ? 8 : len;
	uint64_t page, count;
	enum rc rc;

	if (flags > BIGDATA || stored > w->meta.page_size ||
	    (uint64_t)(data - l->page) + stored > w->meta.page_size)
		return bad(w, l->number, "a value lies outside");
	*out = (struct bytes){ data, (size_t)len };
	if (flags != BIGDATA)
		return RC_OK;
	page = get(data, 8);
	count = (HEAD - 1 + len) / w->meta.page_size + 1;
	if ((rc = own(w, page, count)) != RC_OK)
		return rc;
	free(w->big);
	if ((w->big = malloc((size_t)(count * w->meta.page_size))) == NULL)
		return RC_UNAVAILABLE;
	if ((rc = read_at(w, page, count, w->big)) != RC_OK)
		return rc;
	if (get(w->big, 8) != page || get(w->big + 10, 2) != OVERFLOW_PAGE || get(w->big + 12, 4) != count)
		return bad(w, page, "it is another page");
	w->counted.pages[2] += count;
	*out = (struct bytes){ w->big + HEAD, (size_t)len };
	return RC_OK;
}

/* What the tree of free pages says is free may be overwritten by the next commit. */
static enum rc
check_free_list(struct walk *w, const struct level *l, struct bytes list)
{
	const uint64_t count = list.len < 8 ? 0 : get(list.p, 8);
	enum rc rc = RC_OK;

	if (list.len < 8 || count != list.len / 8 - 1 || list.len % 8 != 0)
		return bad(w, l->number, "its list of free pages is wrong");
	for (uint64_t i = 0; i < count && rc == RC_OK; i++)
		rc = own(w, get(list.p + 8 * (i + 1), 8), 1);
	return rc;
}

static void
add_pair(struct walk *w, struct bytes key, struct bytes data)
{
	const struct key revision = log_revision_key();

	if (key.len == revision.len && memcmp(key.p, revision.b, key.len) == 0) {
		w->has_stored = data.len == REV_BYTES + LMDB_SUM_BYTES;
		if (w->has_stored)
			w->stored =
			    (struct lmdb_sum){ get_u64(data.p + REV_BYTES), get_u64(data.p + REV_BYTES + 8) };
		return;
	}
	w->out->sum.count++;
	w->out->sum.sum += lmdb_sum_of(key, data);
}

static enum rc
take_leaf(struct walk *w, const struct level *l, const uint8_t *node)
{
	const struct bytes key = { node + NODE, (size_t)get(node + 6, 2) };
	struct bytes data;
	enum rc rc;

	if (!is_key_len(w, key.len))
		return bad(w, l->number, "a key has a wrong length");
	if ((w->has_key && compare(w, w->key, w->key_len, key.p, key.len) >= 0) ||
	    (w->floor_len > 0 && compare(w, w->floor, w->floor_len, key.p, key.len) > 0))
		return bad(w, l->number, "its keys are out of order");
	memcpy(w->key, key.p, key.len);
	w->key_len = key.len;
	w->has_key = true;
	w->floor_len = 0;
	w->counted.entries++;
	if ((rc = value_of(w, l, node, &data)) != RC_OK)
		return rc;
	if (w->tree->flags == INTEGERKEY)
		return check_free_list(w, l, data);
	add_pair(w, key, data);
	return RC_OK;
}

static enum rc
step(struct walk *w)
{
	struct level *l = &w->levels[w->depth - 1];
	const uint8_t *node;

	if (l->next == l->count) {
		w->depth--;
		return RC_OK;
	}
	node = l->page + get(l->page + HEAD + 2 * (size_t)l->next, 2);
	l->next++;
	return w->depth == w->tree->depth ? take_leaf(w, l, node) : descend(w, l, node);
}

static enum rc
walk_tree(struct walk *w, const struct tree *tree)
{
	enum rc rc = RC_OK;

	w->tree = tree;
	w->counted = (struct tree){ 0 };
	w->has_key = false;
	w->floor_len = 0;
	if (tree->root == NO_ROOT)
		return tree->entries == 0 ? RC_OK : bad(w, 0, "a tree has lost its root");
	if (tree->depth == 0 || tree->depth > DEPTH)
		return bad(w, tree->root, "no tree is so deep");
	rc = enter(w, tree->root);
	while (rc == RC_OK && w->depth > 0)
		rc = step(w);
	if (rc == RC_OK &&
	    (w->counted.entries != tree->entries ||
		memcmp(w->counted.pages, tree->pages, sizeof(tree->pages)) != 0))
		rc = bad(w, tree->root, "the tree has more or fewer pages and entries than it says");
	return rc;
}

static enum rc
look(struct walk *w)
{
	enum rc rc;

	if ((rc = choose_meta(w)) != RC_OK)
		return rc;
	w->seen = calloc((size_t)(w->meta.last / 8 + 1), 1);
	w->room = malloc((size_t)DEPTH * w->meta.page_size);
	if (w->seen == NULL || w->room == NULL)
		return RC_UNAVAILABLE;
	if ((rc = walk_tree(w, &w->meta.trees[1])) != RC_OK ||
	    (rc = walk_tree(w, &w->meta.trees[0])) != RC_OK)
		return rc;
	w->out->is_altered =
	    w->has_stored && (w->stored.count != w->out->sum.count || w->stored.sum != w->out->sum.sum);
	return RC_OK;
}

enum rc
lmdb_pages_check(const char *file, struct lmdb_pages *out)
{
	struct walk w = { .out = out, .fd = open(file, O_RDONLY | O_CLOEXEC) };
	struct stat st;
	enum rc rc = RC_UNAVAILABLE;

	*out = (struct lmdb_pages){ .what = NULL };
	if (w.fd >= 0 && fstat(w.fd, &st) == 0) {
		w.size = (uint64_t)st.st_size;
		rc = look(&w);
	}
	free(w.seen);
	free(w.room);
	free(w.big);
	if (w.fd >= 0)
		(void)close(w.fd);
	return rc;
}
