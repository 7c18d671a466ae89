/* SPDX-License-Identifier: Apache-2.0 */
/* Writing a location over one that is damaged.  The vault is a real one beside a store of its own: it seals
 * for whoever asks. */
#include "../store_fixture.h"
#include "../vault/scene.h"
#include "service/locations.h"

static struct scene v;
static struct fixture x;
static struct parts parts;
static const struct location place = { .address = ADDRESS, .intake_phone = "+36 1 000 0000" };
static unsigned runs;

static void
set_up(void)
{
	scene_new(&v);
	fixture_new(&x, &engine_memory);
	memset(&parts, 0, sizeof(parts));
	parts.store = x.store;
	parts.vault = v.vault;
	runs = 0;
}

static void
tear_down(void)
{
	fixture_free(&x);
	scene_free(&v);
}

TestSuite(locations, .init = set_up, .fini = tear_down, .timeout = 120);

static enum rc
put_txn(struct txn *t, void *arg)
{
	struct ctx c = { .parts = &parts, .txn = t, .arena = x.arena, .now = clock_now() };

	(void)arg;
	runs++;
	return location_put(&c, &v.house, &place);
}

static enum rc
get_txn(struct txn *t, void *arg)
{
	const struct key key = record_key(KIND_LOCATION, &v.house);
	struct sealed_location there;

	(void)arg;
	return record_get(t, KIND_LOCATION, &key, &there);
}

static void
damage(void)
{
	const struct key key = record_key(KIND_LOCATION, &v.house);
	struct bytes sealed = fixture_raw_get(&key);
	uint8_t *copy = (uint8_t *)(uintptr_t)sealed.p;

	copy[sealed.len - 1] ^= 1;
	fixture_raw_put(&key, sealed);
	free(copy);
	cr_assert_eq(fixture_view(&x, get_txn, NULL), RC_CORRUPT);
}

Test(locations, one_that_is_damaged_is_written_anew)
{
	cr_assert_eq(fixture_update(&x, put_txn, NULL), RC_OK);
	damage();
	cr_assert_eq(fixture_update(&x, put_txn, NULL), RC_OK);
	cr_assert_eq(fixture_view(&x, get_txn, NULL), RC_OK);
}

/* As a rotation beside it would. */
static enum rc
put_beside_another_txn(struct txn *t, void *arg)
{
	struct arena *kept = x.arena;
	enum rc rc = put_txn(t, arg);

	if (runs == 1) {
		x.arena = arena_new(FIXTURE_ARENA);
		cr_assert_eq(fixture_update(&x, put_txn, NULL), RC_OK);
		arena_free(x.arena);
		x.arena = kept;
	}
	return rc;
}

Test(locations, one_that_is_damaged_is_not_written_over_what_came_between)
{
	cr_assert_eq(fixture_update(&x, put_txn, NULL), RC_OK);
	damage();
	runs = 0;
	cr_assert_eq(fixture_update(&x, put_beside_another_txn, NULL), RC_OK);
	cr_expect_eq(runs, 3, "it did not run again");
}

/* A disk that fails is not damage to write over. */
Test(locations, what_cannot_be_read_is_not_written)
{
	cr_assert_eq(fixture_update(&x, put_txn, NULL), RC_OK);
	cr_expect_gt(fixture_update_starved(&x, put_txn, NULL), 0);
}
