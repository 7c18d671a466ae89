/* SPDX-License-Identifier: Apache-2.0 */
/* The walk over the file: silent about sound ones, whatever was written and removed, and never about hurt
 * ones. */
#include <fcntl.h>
#include <unistd.h>

#include "fixture.h"
#include "store/lmdb_pages.h"

#define PAGE 4096

static void
fill(struct fixture *x, unsigned from, unsigned to, size_t len)
{
	static char text[9000];

	memset(text, 'x', sizeof(text));
	for (unsigned i = from; i < to; i++) {
		char name[16];
		struct key k;
		struct txn *t;

		(void)snprintf(name, sizeof(name), "k%04u", i);
		k = key_of(name);
		t = begin(x);
		if (i % 3 == 2) {
			cr_assert_eq(txn_delete(t, &k), RC_OK);
		} else {
			cr_assert_eq(
			    txn_put(t, &k, KEY_RECORD, (struct bytes){ (const uint8_t *)text, len }), RC_OK);
		}
		cr_assert_eq(commit_now(t), RC_OK);
	}
}

static enum rc
look(const struct fixture *x, struct lmdb_pages *found)
{
	char name[160];

	fixture_path(x, "db/data.mdb", name);
	return lmdb_pages_check(name, found);
}

Test(lmdb_pages, a_store_that_grew_shrank_and_changed_is_sound_and_adds_up)
{
	struct lmdb_pages found;
	struct fixture x;

	fixture_open(&x, &engine_lmdb);
	for (unsigned round = 0; round < 4; round++) {
		fill(&x, round * 50, 200,
		    round % 2 == 0 ? 100 : 8000); /* also values with pages of their own */
		fill(&x, 2, 200, 3000);
		cr_assert_eq(look(&x, &found), RC_OK, "page %lu: %s", (unsigned long)found.page, found.what);
		cr_assert_not(found.is_altered);
		cr_assert_gt(found.sum.count, 100);
	}
	fixture_close(&x);
}

Test(lmdb_pages, keys_of_which_one_begins_the_other_are_in_order)
{
	static const char *const names[] = { "k", "ka", "kaa", "kaaa", "kb" };
	struct lmdb_pages found;
	struct fixture x;

	fixture_open(&x, &engine_lmdb);
	for (size_t i = 0; i < COUNT_OF(names); i++)
		put_text(&x, names[i], "value");
	cr_assert_eq(look(&x, &found), RC_OK, "page %lu: %s", (unsigned long)found.page, found.what);
	cr_assert_not(found.is_altered);
	fixture_close(&x);
}

Test(lmdb_pages, every_single_byte_of_a_small_store_matters_or_is_not_used)
{
	struct lmdb_pages found;
	unsigned corrupt = 0, altered = 0;
	struct fixture x;
	char name[160];
	uint8_t old, bad;
	int fd;

	fixture_open(&x, &engine_lmdb);
	fill(&x, 0, 2, 40);
	fixture_path(&x, "db/data.mdb", name);
	fd = open(name, O_RDWR);
	cr_assert_geq(fd, 0);
	for (off_t at = 0; at < 8 * PAGE; at++) {
		cr_assert_eq(pread(fd, &old, 1, at), 1);
		bad = old ^ 0x10;
		cr_assert_eq(pwrite(fd, &bad, 1, at), 1);
		if (look(&x, &found) != RC_OK)
			corrupt++;
		else if (found.is_altered)
			altered++;
		cr_assert_eq(pwrite(fd, &old, 1, at), 1);
	}
	cr_assert_eq(look(&x, &found), RC_OK);
	cr_assert_not(found.is_altered);
	(void)close(fd);
	cr_assert_gt(corrupt, 50);
	cr_assert_gt(altered, 100, "only %u", altered);
	fixture_close(&x);
}
