/* SPDX-License-Identifier: Apache-2.0 */
/* Making one statement of many transactions, without a server: what depends on what, how much goes down at
 * once, and memory that runs out at every step. */
#include "../famine.h"

#include "fixture.h"
#include "store/lmdb_mirror.h"
#include "store/pg_parts.h"

static struct engine engine;
static char dir[96];

static void
set_up(void)
{
	struct fault f = { 0 };

	snprintf(dir, sizeof(dir), P_tmpdir "/menedek-XXXXXX");
	cr_assert_not_null(mkdtemp(dir));
	engine = (struct engine){ .is_giving = false };
	cr_assert_eq(engine_lmdb.open(dir, MAP_MIB, &engine.mirror, &f), RC_OK);
}

static void
tear_down(void)
{
	static const char *const names[] = { "data.mdb", "lock.mdb", "serving.lock" };
	char path[160];

	pg_batch_fini(&engine.batch);
	engine_lmdb.close(engine.mirror);
	for (size_t i = 0; i < COUNT_OF(names); i++) {
		snprintf(path, sizeof(path), "%s/%s", dir, names[i]);
		unlink(path);
	}
	rmdir(dir);
}

TestSuite(pg_batch, .init = set_up, .fini = tear_down, .timeout = 60);

/* A list of ${count} from ${list}, built; returns how many the batch took up. */
static size_t
build(struct commit *list, size_t count, enum rc *rc)
{
	struct commit *rest;

	for (size_t i = 0; i < count; i++)
		list[i].next = i + 1 < count ? &list[i + 1] : NULL;
	rest = pg_batch_build(&engine, list, NULL, rc);
	return rest == NULL ? count : (size_t)(rest - list);
}

/* ---- one after the other in a batch ---- */

/* Where the copy went on since, reads that hold there now may not have held where they were judged. */
Test(pg_batch, what_it_was_judged_in_is_said_only_while_the_copy_is_there)
{
	const struct key a = key_of("ka");
	struct write_entry put = { .key = a, .value = bytes_str("v") };
	struct commit one = { .writes = &put, .write_count = 1 };
	enum rc rc;

	cr_assert_eq(build(&one, 1, &rc), 1);
	cr_assert_null(pg_batch_judged(&engine), "it equals nothing yet");
	(void)strcpy(engine.snapshot, "5:5:");
	cr_assert_str_eq(pg_batch_judged(&engine), "5:5:");
	engine.look++;
	cr_assert_null(pg_batch_judged(&engine), "it was brought further");
	cr_assert_eq(build(&one, 1, &rc), 1);
	cr_assert_str_eq(pg_batch_judged(&engine), "5:5:");
}

Test(pg_batch, a_later_one_rests_on_what_an_earlier_one_leaves)
{
	const struct key a = key_of("ka");
	struct read_entry absent = { .key = a };
	struct write_entry gone = { .key = a, .is_delete = true },
			   put = { .key = a, .value = bytes_str("v") };
	struct commit list[] = {
		{ .writes = &gone, .write_count = 1 },
		{ .reads = &absent, .read_count = 1 },
		{ .reads = &absent, .writes = &put, .read_count = 1, .write_count = 1 },
		{ .reads = &absent, .read_count = 1 }, /* there by then */
		{ .writes = &put, .write_count = 1 },
	};
	struct change out[4];
	enum rc rc;

	cr_assert_eq(build(list, COUNT_OF(list), &rc), COUNT_OF(list));
	cr_assert_eq(rc, RC_OK);
	cr_assert_eq(list[1].rc, RC_OK);
	cr_assert_eq(list[2].rc, RC_OK);
	cr_assert_eq(list[3].rc, RC_CONFLICT);
	cr_assert_eq(list[4].rc, RC_OK);
	cr_assert_eq(engine.batch.write_count, 1, "one key, one change");
	pg_batch_changes(&engine.batch, 7, out);
	cr_assert(!out[0].is_delete && out[0].rev == 7);
}

/* Of its own keys a look tells again only what is as the batch left it. */
Test(pg_batch, a_row_is_its_own_only_if_it_says_the_same)
{
	struct read_entry read = { .key = key_of("kr") };
	struct write_entry writes[] = { { .key = key_of("ka"), .value = bytes_str("v") },
		{ .key = key_of("kb"), .is_delete = true } };
	struct commit one = { .reads = &read, .writes = writes, .read_count = 1, .write_count = 2 };
	const struct {
		struct change row;
		bool is_own;
	} rows[] = {
		{ { .key = key_of("ka"), .rev = 7 }, true },
		{ { .key = key_of("ka"), .rev = 8 }, false },
		{ { .key = key_of("ka"), .is_delete = true }, false },
		{ { .key = key_of("kb"), .is_delete = true }, true },
		{ { .key = key_of("kr"), .is_delete = true }, false },
		{ { .key = key_of("kx"), .rev = 7 }, false },
	};
	enum rc rc;

	cr_assert_not(pg_batch_has(&engine.batch, 7, &rows[0].row), "nothing is in it");
	build(&one, 1, &rc);
	cr_assert_eq(rc, RC_OK);
	for (size_t i = 0; i < COUNT_OF(rows); i++)
		cr_assert_eq(pg_batch_has(&engine.batch, 7, &rows[i].row), rows[i].is_own, "row %zu", i);
}

/* ---- how much ---- */

#define MANY 1200u /* keys: more than room is made for at once */

static void
make_many(struct write_entry writes[MANY])
{
	for (unsigned i = 0; i < MANY; i++) {
		writes[i] =
		    (struct write_entry){ .key = key_kind('m'), .value = bytes_str(i % 2 ? "v" : "") };
		key_add_u64(&writes[i].key, i);
	}
}

Test(pg_batch, a_wide_transaction_loses_none_of_its_keys)
{
	static struct write_entry writes[MANY];
	static struct change out[MANY];
	struct commit one = { .writes = writes, .write_count = MANY };
	enum rc rc;

	make_many(writes);
	build(&one, 1, &rc);
	cr_assert_eq(rc, RC_OK);
	cr_assert_eq(engine.batch.write_count, MANY);
	cr_assert_eq(engine.batch.new_keys.count, MANY);
	pg_batch_changes(&engine.batch, 7, out);
	for (unsigned i = 0; i < MANY; i++) {
		cr_assert_eq(key_compare(&out[i].key, &writes[i].key), 0);
		cr_assert(pg_batch_has(&engine.batch, 7, &out[i]));
	}
}

Test(pg_batch, what_is_too_much_for_one_batch_goes_with_the_next)
{
	enum { BIG = 3 << 20 };
	uint8_t *big = calloc(1, BIG);
	struct write_entry writes[3];
	struct commit list[3];
	enum rc rc;

	cr_assert_not_null(big);
	for (unsigned i = 0; i < 3; i++) {
		writes[i] = (struct write_entry){ .key = key_kind('b'), .value = { big, BIG } };
		key_add_u64(&writes[i].key, i);
		list[i] = (struct commit){ .writes = &writes[i], .write_count = 1 };
	}
	cr_assert_eq(build(list, 3, &rc), 2);
	cr_assert_eq(rc, RC_OK);
	free(big);
}

/* ---- what is not as it should be ---- */

Test(pg_batch, a_log_whose_head_is_hurt_is_not_appended_to)
{
	struct append_entry append = { .log = LOG_AUDIT, .value = bytes_str("leaf, then entry") };
	struct commit one = { .appends = &append, .append_count = 1 };
	const struct change head = { .key = log_head_key(LOG_AUDIT), .sealed = bytes_str("hurt"), .rev = 3 };
	enum rc rc;

	cr_assert_eq(lmdb_mirror(engine.mirror, &head, 1, bytes_str("")), RC_OK);
	build(&one, 1, &rc);
	cr_assert_eq(rc, RC_UNAVAILABLE);
}

/* ---- without memory ---- */

static enum rc
give(void *arg UNUSED, struct bytes *out)
{
	*out = bytes_str("what all must hold");
	return RC_OK;
}

struct scene {
	struct commit *list;
	size_t count;
};

/* And with memory again the next one is whole. */
static enum rc
build_anew(void *arg)
{
	struct scene *s = arg;
	enum rc rc, again;
	unsigned left;

	pg_batch_fini(&engine.batch);
	engine.batch = (struct pg_batch){ .count = 0 };
	(void)build(s->list, s->count, &rc);
	left = famine_in;
	famine_in = 0;
	cr_assert_eq(build(s->list, s->count, &again), s->count);
	cr_assert_eq(again, RC_OK);
	famine_in = left;
	return rc;
}

/* Entries grow by doubling; where the next growth falls, each kind of key comes to be the one without room.
 */
Test(pg_batch, without_memory_nothing_goes_down)
{
	static struct write_entry writes[MANY];
	struct append_entry append = { .log = LOG_AUDIT, .value = bytes_str("leaf, then entry") };
	struct read_entry read = { .key = key_of("kr") };
	struct commit list[] = { { .writes = writes }, { .reads = &read, .read_count = 1 },
		{ .appends = &append, .append_count = 1 } };
	struct scene scene = { list, COUNT_OF(list) };

	NEEDS_FAMINE();
	make_many(writes);
	for (unsigned is_giving = 0; is_giving < 2; is_giving++) {
		engine.carrier.give = is_giving ? give : NULL;
		for (unsigned count = 505; count < 515; count++) {
			list[0].write_count = count;
			cr_assert_gt(famine_each(build_anew, &scene, RC_UNAVAILABLE), 5);
		}
	}
}

static enum rc
fill_array(void *arg UNUSED)
{
	struct pg_array a = { .p = NULL };
	bool is_short;
	size_t count;

	pg_array_start(&a, PG_BYTEA);
	for (unsigned i = 0; i < 1000; i++)
		pg_array_add(&a, bytes_str(i % 3 ? "a value" : ""));
	is_short = a.is_short;
	count = a.count;
	pg_array_fini(&a);
	cr_assert(is_short || count == 1000);
	return is_short ? RC_UNAVAILABLE : RC_OK;
}

Test(pg_batch, an_array_without_memory_says_so_and_stays_so)
{
	NEEDS_FAMINE();
	cr_assert_gt(famine_each(fill_array, NULL, RC_UNAVAILABLE), 3);
}
