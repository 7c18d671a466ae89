/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The walk over the file, told one lie at a time: each in a copy of a sound file with branches, values on
 * pages of their own and a list of free pages, and each must be called by its name.
 */
#include <fcntl.h>

#include "fixture.h"
#include "store/lmdb_pages.h"

#define PAGE 4096u
#define HEAD 16u
#define NODE 8u

/* Where an edit lies: offsets count from there. */
enum where {
	META,      /* the newer meta page */
	OTHER,     /* the older one */
	SECOND,    /* the second of the file */
	ROOT,      /* a branch page */
	ROOT_NODE, /* its second */
	LEAF,      /* the first page of ours */
	LEAF_NODE, /* its lowest, so that a good deal of page lies behind it */
	BIG_NODE,  /* leads to a value on pages of its own */
	BIG_PLACE, /* where it says which */
	BIG,       /* these */
	FREE_NODE, /* of the list of free pages: the lowest */
	FREE_NEXT, /* and the second in order */
	PLACES
};

/* meta page, from its begin: the trees are at 40 (free pages) and 88 (ours) */
enum {
	PAGE_SIZE = 40,
	OUR_DEPTH = 94,
	OUR_BRANCHES = 96,
	OUR_ENTRIES = 120,
	OUR_ROOT = 128,
	LAST = 136,
	TXN = 144,
};

/* page and node */
enum { NUMBER = 0, KIND = 10, LOWER = 12, SIZE_OF_KEY = 6, POINTER = HEAD, KEY = NODE };

struct image {
	uint8_t *b;
	size_t len, at[PLACES];
};

static uint64_t
get(const struct image *im, size_t at, unsigned bytes)
{
	uint64_t v = 0;

	while (bytes-- > 0)
		v = v << 8 | im->b[at + bytes];
	return v;
}

static void
set(struct image *im, size_t at, unsigned bytes, uint64_t v)
{
	for (; bytes-- > 0; v >>= 8)
		im->b[at++] = (uint8_t)v;
}

static unsigned
count_nodes(const struct image *im, size_t page)
{
	return ((unsigned)get(im, page + LOWER, 2) - HEAD) / 2;
}

static size_t
node_at(const struct image *im, size_t page, unsigned i)
{
	return page + get(im, page + HEAD + 2 * (size_t)i, 2);
}

static size_t
lowest_node(const struct image *im, size_t page)
{
	size_t low = page + PAGE;

	for (unsigned i = 0; i < count_nodes(im, page); i++)
		low = node_at(im, page, i) < low ? node_at(im, page, i) : low;
	return low;
}

static void
find_big(struct image *im)
{
	for (unsigned child = 0; child < count_nodes(im, im->at[ROOT]); child++) {
		const size_t page = get(im, node_at(im, im->at[ROOT], child), 4) * PAGE;

		for (unsigned i = 0; i < count_nodes(im, page); i++) {
			const size_t node = node_at(im, page, i);

			if (get(im, node + 4, 2) == 0)
				continue;
			im->at[BIG_NODE] = node;
			im->at[BIG_PLACE] = node + NODE + get(im, node + SIZE_OF_KEY, 2);
			im->at[BIG] = get(im, im->at[BIG_PLACE], 8) * PAGE;
		}
	}
}

static void
find_places(struct image *im)
{
	size_t free_root;

	im->at[SECOND] = PAGE;
	im->at[META] = get(im, TXN, 8) < get(im, PAGE + TXN, 8) ? PAGE : 0;
	im->at[OTHER] = PAGE - im->at[META];
	cr_assert_eq(get(im, im->at[META] + OUR_DEPTH, 2), 2);
	im->at[ROOT] = get(im, im->at[META] + OUR_ROOT, 8) * PAGE;
	im->at[ROOT_NODE] = node_at(im, im->at[ROOT], 1);
	im->at[LEAF] = get(im, node_at(im, im->at[ROOT], 0), 4) * PAGE;
	im->at[LEAF_NODE] = lowest_node(im, im->at[LEAF]);
	find_big(im);
	cr_assert_gt(im->at[BIG], PAGE);
	free_root = get(im, im->at[META] + 80, 8) * PAGE;
	cr_assert_geq(count_nodes(im, free_root), 2);
	im->at[FREE_NODE] = lowest_node(im, free_root);
	im->at[FREE_NEXT] = node_at(im, free_root, 1);
}

struct edit {
	enum where where;
	unsigned offset, bytes;
	int64_t value; /* DELTA: added to what stands there */
	bool is_delta;
	enum where same; /* META, or else ${value} is the number of that page */
};

struct lie {
	const char *told, *what; /* what is wrong, and how it is called */
	struct edit edits[2];
};

/* clang-format off */
#define SET(where, offset, bytes, value) { where, offset, bytes, (int64_t)(value), false, META }
#define ADD(where, offset, bytes, value) { where, offset, bytes, value, true, META }
#define SAME(where, page)                { where, 0, 8, 0, false, page }
/* clang-format on */
#define IS_NONE(e) ((e)->bytes == 0)

static const struct lie lies[] = {
	{ "two sizes of page", "it is no meta page", { SET(SECOND, PAGE_SIZE, 4, 8192) } },
	{ "numbers that belong the other way round", "its number does not follow the other's",
	    { ADD(META, TXN, 8, 1), ADD(OTHER, TXN, 8, 1) } },
	{ "no pages", "it knows of more pages than there are", { SET(META, LAST, 8, 0) } },
	{ "too many pages", "it knows of more pages than there are", { SET(META, LAST, 8, 1u << 30) } },
	{ "a meta page as root", "there is no such page", { SET(META, OUR_ROOT, 8, 1) } },
	{ "a root behind the end", "there is no such page", { SET(META, OUR_ROOT, 8, 1u << 30) } },
	{ "no root, yet entries", "a tree has lost its root", { SET(META, OUR_ROOT, 8, -1) } },
	{ "a tree of no depth", "no tree is so deep", { SET(META, OUR_DEPTH, 2, 0) } },
	{ "a tree of any depth", "no tree is so deep", { SET(META, OUR_DEPTH, 2, 33) } },
	{ "a tree of less depth", "it is of another kind", { SET(META, OUR_DEPTH, 2, 1) } },
	{ "a tree of more depth", "it is of another kind", { SET(META, OUR_DEPTH, 2, 32) } },
	{ "an entry more", "the tree has more or fewer pages and entries than it says",
	    { ADD(META, OUR_ENTRIES, 8, 1) } },
	{ "a branch more", "the tree has more or fewer pages and entries than it says",
	    { ADD(META, OUR_BRANCHES, 8, 1) } },
	{ "another page's number", "it is another page", { ADD(ROOT, NUMBER, 8, 1) } },
	{ "a branch of one", "it is empty", { SET(ROOT, LOWER, 2, HEAD + 2) } },
	{ "a branch of none", "it is empty", { SET(ROOT, LOWER, 2, HEAD) } },
	{ "half an entry", "its bounds are wrong", { ADD(ROOT, LOWER, 2, 1) } },
	{ "bounds that cross", "its bounds are wrong", { SET(LEAF, LOWER, 2, PAGE - 2) } },
	{ "an odd place", "an entry lies outside", { ADD(LEAF, POINTER, 2, 1) } },
	{ "a branch without its key", "a key has a wrong length", { SET(ROOT_NODE, SIZE_OF_KEY, 2, 0) } },
	{ "a key of 600 bytes", "a key has a wrong length", { SET(LEAF_NODE, SIZE_OF_KEY, 2, 600) } },
	{ "a branch below what came before", "its keys are out of order", { SET(ROOT_NODE, KEY, 1, 1) } },
	{ "a branch above what it leads to", "its keys are out of order", { SET(ROOT_NODE, KEY, 1, 255) } },
	{ "a branch to a meta page", "there is no such page", { SET(ROOT_NODE, 0, 4, 1) } },
	{ "a value that ends behind the file", "there is no such page", { SET(BIG_NODE, 0, 4, 1 << 30) } },
	{ "a value on a meta page", "there is no such page", { SET(BIG_PLACE, 0, 8, 0) } },
	{ "a value on a page of the tree", "it has two owners", { SAME(BIG_PLACE, ROOT) } },
	{ "a value on another value's pages", "it is another page", { ADD(BIG, NUMBER, 8, 1) } },
	{ "a value on a page of entries", "it is another page", { SET(BIG, KIND, 2, 2) } },
	{ "a value of fewer pages", "it is another page", { ADD(BIG, LOWER, 4, 1) } },
	{ "a list with half a number", "its list of free pages is wrong", { ADD(FREE_NODE, 0, 4, 1) } },
	{ "a list with a meta page", "there is no such page", { SET(FREE_NODE, NODE + 16, 8, 1) } },
	{ "a list before the one before", "its keys are out of order", { SET(FREE_NEXT, KEY, 8, 0) } },
};

static void
tell(struct image *im, const struct edit *e)
{
	const size_t at = im->at[e->where] + e->offset;

	if (e->same != META)
		set(im, at, e->bytes, im->at[e->same] / PAGE);
	else if (!IS_NONE(e))
		set(im, at, e->bytes, (e->is_delta ? get(im, at, e->bytes) : 0) + (uint64_t)e->value);
}

static void
put_number(struct fixture *x, unsigned n, size_t len)
{
	static uint8_t text[9000];
	struct txn *t = begin(x);
	char name[16];
	struct key k;

	(void)snprintf(name, sizeof(name), "k%04u", n);
	k = key_of(name);
	cr_assert_eq(txn_put(t, &k, KEY_RECORD, (struct bytes){ text, len }), RC_OK);
	cr_assert_eq(commit_now(t), RC_OK);
	arena_rewind(x->arena, 0);
}

/* A sound file that has everything there is to lie about. */
static void
make_image(struct fixture *x, struct image *im)
{
	char path[160];

	fixture_open(x, &engine_lmdb);
	for (unsigned i = 0; i < 60; i++)
		put_number(x, i, i % 20 == 7 ? 9000 : 400);
	for (unsigned i = 0; i < 60; i += 2)
		put_number(x, i, 300);
	store_close(x->store);
	x->store = NULL;
	fixture_path(x, "db/data.mdb", path);
	read_file(path, &im->b, &im->len);
	find_places(im);
}

static enum rc
look(const struct fixture *x, const struct image *im, struct lmdb_pages *found)
{
	char path[160];
	enum rc rc;
	int fd;

	fixture_path(x, "copy", path);
	fd = open(path, O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0600);
	cr_assert_geq(fd, 0);
	cr_assert_eq(write(fd, im->b, im->len), (ssize_t)im->len);
	(void)close(fd);
	rc = lmdb_pages_check(path, found);
	(void)unlink(path);
	return rc;
}

Test(lmdb_hurt, every_lie_is_called_by_its_name, .timeout = 120)
{
	struct lmdb_pages found;
	struct image im;
	struct fixture x;
	uint8_t *sound;

	make_image(&x, &im);
	cr_assert_not_null(sound = malloc(im.len));
	memcpy(sound, im.b, im.len);
	cr_assert_eq(look(&x, &im, &found), RC_OK);
	for (size_t i = 0; i < COUNT_OF(lies); i++) {
		memcpy(im.b, sound, im.len);
		tell(&im, &lies[i].edits[0]);
		tell(&im, &lies[i].edits[1]);
		cr_expect_eq(look(&x, &im, &found), RC_CORRUPT, "%s", lies[i].told);
		cr_expect(found.what != NULL && strcmp(found.what, lies[i].what) == 0, "%s: %s", lies[i].told,
		    found.what == NULL ? "nothing" : found.what);
	}
	free(sound);
	free(im.b);
	fixture_close(&x);
}

Test(lmdb_hurt, what_is_not_there_or_no_file_is_not_called_hurt)
{
	struct lmdb_pages found;
	struct fixture x;
	char path[160];

	fixture_open(&x, &engine_lmdb);
	fixture_path(&x, "nothing", path);
	cr_expect_eq(lmdb_pages_check(path, &found), RC_UNAVAILABLE);
	cr_expect_null(found.what);
	fixture_close(&x);
}
