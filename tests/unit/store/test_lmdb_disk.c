/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A disk that fails in the middle of a commit.  LMDB calls the two functions below instead of the C
 * library's; they fail when told.
 */
#include <errno.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "fixture.h"

#define META_BYTES 120 /* what LMDB 0.9 writes of its meta page: the last write of a commit */

static bool fails_meta, fails_sync;
static unsigned failures;

/* the library must find it in this program */
#define EXPORTED __attribute__((visibility("default")))

EXPORTED ssize_t
pwrite(int fd, const void *buf, size_t count, off_t offset)
{
	if (fails_meta && count == META_BYTES) {
		failures++;
		errno = EIO;
		return -1;
	}
	return syscall(SYS_pwrite64, fd, buf, count, offset);
}

EXPORTED int
fdatasync(int fd)
{
	if (fails_sync) {
		failures++;
		errno = EIO;
		return -1;
	}
	return (int)syscall(SYS_fdatasync, fd);
}

static enum rc
try_put(struct fixture *x, const char *text)
{
	struct key k = key_of("ka");
	struct txn *t = begin(x);

	cr_assert_eq(txn_put(t, &k, KEY_RECORD, bytes_str(text)), RC_OK);
	return commit_now(t);
}

Test(lmdb_disk, a_failed_sync_changes_nothing_and_the_store_goes_on)
{
	struct store_stats stats;
	struct fixture x;
	char text[64];

	fixture_open(&x, &engine_lmdb);
	cr_assert_eq(try_put(&x, "before"), RC_OK);
	fails_sync = true;
	cr_assert_eq(try_put(&x, "during"), RC_UNAVAILABLE);
	fails_sync = false;
	cr_assert_gt(failures, 0);
	store_stats(x.store, &stats);
	cr_assert_gt(stats.refused_ms, 0);
	cr_assert_eq(get_text(&x, "ka", text, NULL), RC_OK);
	cr_assert_str_eq(text, "before");
	cr_assert_eq(try_put(&x, "after"), RC_OK);
	store_stats(x.store, &stats);
	cr_assert_eq(stats.refused_ms, 0);
	cr_assert_eq(stats.failed, 1);
	cr_assert_not(stats.is_broken);
	fixture_close(&x);
}

Test(lmdb_disk, a_failed_last_write_is_unknown_and_ends_all_work_until_reopened)
{
	struct store_stats stats;
	struct fixture x;
	struct txn *t;
	char text[64];

	fixture_open(&x, &engine_lmdb);
	cr_assert_eq(try_put(&x, "before"), RC_OK);
	fails_meta = true;
	cr_assert_eq(try_put(&x, "during"), RC_UNKNOWN);
	fails_meta = false;
	cr_assert_gt(failures, 0);
	cr_assert_eq(txn_begin(x.store, x.arena, &t), RC_UNAVAILABLE);
	txn_end(t);
	store_stats(x.store, &stats);
	cr_assert(stats.is_broken);
	fixture_reopen(&x);
	cr_assert_eq(get_text(&x, "ka", text, NULL), RC_OK);
	cr_assert(strcmp(text, "before") == 0 || strcmp(text, "during") == 0);
	cr_assert_eq(try_put(&x, "after"), RC_OK);
	fixture_close(&x);
}
