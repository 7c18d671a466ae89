/* SPDX-License-Identifier: Apache-2.0 */
/* The index shows what is committed, whole, and only that; a view stays as it was for as long as it is held.
 */
#include "index/index.h"

#include <pthread.h>

#include "../store_fixture.h"
#include "houses.h"

static struct fixture x;
static struct index *houses;

static void
open_index(void)
{
	struct fault f = { 0 };

	cr_assert_eq(index_new(x.store, &houses, &f), RC_OK);
}

static void
set_up(void)
{
	fixture_new(&x, &engine_memory);
	open_index();
}

static void
close_all(void)
{
	fixture_close_store(&x);
	index_free(houses);
	houses = NULL;
	fixture_free(&x);
}

TestSuite(index, .init = set_up, .fini = close_all, .timeout = 60);

static void
put_house(unsigned n, unsigned mark)
{
	const struct house h = house_of(n, mark);

	fixture_put(&x, KIND_HOUSE, &h.shelter, &h);
}

static void
put_shelter(unsigned n, bool retired)
{
	struct shelter s = shelter_of(n);

	s.retired = retired;
	fixture_put(&x, KIND_SHELTER, &s.id, &s);
}

static const struct index_entry *
find(const struct index_view *view, unsigned n)
{
	const struct id id = house_id(n);

	struct index_walk walk = { .view = view };
	const struct index_entry *e;

	while ((e = index_next(&walk)) != NULL && !id_equal(&e->shelter.id, &id))
		continue;
	return e;
}

static unsigned
count_shown(void)
{
	const unsigned count = index_enter(houses)->count;

	index_leave(houses);
	return count;
}

Test(index, an_empty_store_shows_no_house)
{
	cr_expect_eq(count_shown(), 0);
}

Test(index, a_house_is_shown_once_both_its_halves_are_there)
{
	const struct index_entry *e;

	put_house(1, 5);
	cr_expect_eq(count_shown(), 0);
	put_shelter(1, false);
	e = find(index_enter(houses), 1);
	cr_assert_not_null(e);
	cr_expect_str_eq(e->shelter.code_name, "House 1");
	cr_expect_eq(e->units[1].version, 5);
	index_leave(houses);
}

Test(index, a_commit_is_shown_before_its_submitter_hears_of_it)
{
	put_shelter(1, false);
	for (unsigned mark = 1; mark < 50; mark++) {
		put_house(1, mark);
		cr_expect_eq(find(index_enter(houses), 1)->units[0].version, mark);
		index_leave(houses);
	}
}

Test(index, a_view_in_use_does_not_change)
{
	const struct index_view *view;
	const struct index_entry *e;

	put_shelter(1, false);
	put_house(1, 1);
	view = index_enter(houses);
	e = find(view, 1);
	for (unsigned mark = 2; mark < 20; mark++)
		put_house(1, mark);
	put_shelter(2, false);
	put_house(2, 1);
	cr_expect_eq(view->count, 1);
	cr_expect_eq(e->units[0].version, 1);
	cr_expect_eq(e, find(view, 1));
	index_leave(houses);
	cr_expect_eq(count_shown(), 2);
}

Test(index, a_retired_house_is_left_out_and_comes_back)
{
	put_house(1, 1);
	put_shelter(1, false);
	put_shelter(1, true);
	cr_expect_eq(count_shown(), 0);
	put_shelter(1, false);
	cr_expect_eq(count_shown(), 1);
}

static struct org
org_of(unsigned n, bool retired)
{
	struct org o;

	model_clear(&model_org, &o);
	o.id = house_id(1000 + n);
	o.kind = ORG_SHELTER_OPERATOR;
	o.retired = retired;
	return o;
}

static void
put_org(unsigned n, bool retired)
{
	const struct org o = org_of(n, retired);

	fixture_put(&x, KIND_ORG, &o.id, &o);
}

/* House ${n} of organisation ${org}. */
static void
put_owned(unsigned n, unsigned org)
{
	struct shelter s = shelter_of(n);

	s.org = org_of(org, false).id;
	fixture_put(&x, KIND_SHELTER, &s.id, &s);
	put_house(n, 1);
}

static bool
is_shown(unsigned n)
{
	const bool is = find(index_enter(houses), n) != NULL;

	index_leave(houses);
	return is;
}

/* Its people get in no more: a family would be held where nobody answers. */
Test(index, the_houses_of_a_retired_organisation_are_left_out_and_come_back)
{
	put_org(1, false);
	put_org(2, false);
	for (unsigned n = 0; n < 6; n++)
		put_owned(n, 1 + n % 2);
	cr_assert_eq(count_shown(), 6);
	for (unsigned again = 0; again < 2; again++) {
		put_org(1, true);
		cr_expect_eq(count_shown(), 3);
		cr_expect(!is_shown(0) && is_shown(1));
	}
	put_owned(6, 1);
	put_house(2, 9);
	cr_expect_eq(count_shown(), 3, "nor one that is new or has changed");
	put_org(2, true);
	cr_expect_eq(count_shown(), 0);
	put_org(1, false);
	cr_expect_eq(count_shown(), 4);
	cr_expect_eq(find(index_enter(houses), 2)->units[0].version, 9, "as it is now");
	index_leave(houses);
	put_org(2, false);
	cr_expect_eq(count_shown(), 7);
}

Test(index, more_organisations_than_the_first_table_holds_are_retired)
{
	for (unsigned n = 0; n < 40; n++) {
		put_owned(n, n);
		put_org(n, n != 20);
	}
	cr_expect_eq(count_shown(), 1);
	cr_expect(is_shown(20));
}

Test(index, an_invented_house_makes_it_a_demo_until_it_is_retired)
{
	struct shelter s = shelter_of(2);

	put_house(1, 1);
	put_shelter(1, false);
	put_house(2, 1);
	cr_expect_not(index_enter(houses)->is_demo);
	index_leave(houses);
	s.is_sample = true;
	fixture_put(&x, KIND_SHELTER, &s.id, &s);
	cr_expect(index_enter(houses)->is_demo);
	index_leave(houses);
	s.retired = true;
	fixture_put(&x, KIND_SHELTER, &s.id, &s);
	cr_expect_not(index_enter(houses)->is_demo);
	index_leave(houses);
}

Test(index, a_deleted_house_is_left_out)
{
	const struct id id = house_id(1);

	put_house(1, 1);
	put_shelter(1, false);
	fixture_put(&x, KIND_HOUSE, &id, NULL);
	cr_expect_eq(count_shown(), 0);
}

Test(index, other_records_change_nothing)
{
	struct org o;

	model_clear(&model_org, &o);
	o.id = id_new();
	o.kind = ORG_OPERATOR;
	fixture_put(&x, KIND_ORG, &o.id, &o);
	cr_expect_eq(count_shown(), 0);
}

/* Both halves of ${arg} houses in one transaction: one batch, one view. */
static enum rc
put_some(struct txn *t, void *arg)
{
	enum rc rc = RC_OK;

	for (unsigned n = 0; n < *(unsigned *)arg && rc == RC_OK; n++) {
		const struct shelter s = shelter_of(n);
		const struct house h = house_of(n, n);
		const struct key shelter = record_key(KIND_SHELTER, &s.id),
				 house = record_key(KIND_HOUSE, &s.id);
		if ((rc = record_put(t, KIND_SHELTER, &shelter, &s)) == RC_OK)
			rc = record_put(t, KIND_HOUSE, &house, &h);
	}
	return rc;
}

Test(index, halves_in_one_transaction_make_whole_houses)
{
	unsigned count = 40;

	cr_assert_eq(fixture_update(&x, put_some, &count), RC_OK);
	cr_expect_eq(count_shown(), 40);
}

Test(index, more_houses_than_the_first_table_holds_are_all_found)
{
	const struct index_view *view;

	for (unsigned n = 0; n < 700; n++) {
		put_shelter(n, false);
		put_house(n, n);
	}
	view = index_enter(houses);
	cr_assert_eq(view->count, 700);
	for (unsigned n = 0; n < 700; n++) {
		const struct index_entry *e = find(view, n);
		cr_assert_not_null(e);
		cr_expect(e->units[0].version == n);
	}
	index_leave(houses);
}

Test(index, a_reopened_store_on_disk_shows_the_same_houses)
{
	close_all();
	fixture_new(&x, &engine_lmdb);
	open_index();
	put_shelter(1, false);
	put_house(1, 7);
	put_shelter(2, true);
	put_house(2, 1);
	put_org(3, true);
	put_owned(3, 3);
	fixture_close_store(&x);
	index_free(houses);
	fixture_open_store(&x, &engine_lmdb);
	open_index();
	cr_assert_eq(count_shown(), 1);
	cr_expect_eq(find(index_enter(houses), 1)->units[1].version, 7);
	index_leave(houses);
}

Test(index, a_store_with_a_broken_house_is_not_opened)
{
	const struct id id = house_id(1);
	const struct key key = record_key(KIND_HOUSE, &id);
	struct index *other;
	struct fault f = { 0 };

	put_house(1, 1);
	fixture_raw_put(&key, bytes_str("nothing that opens, and longer than a seal is"));
	cr_expect_eq(index_new(x.store, &other, &f), RC_CORRUPT);
	cr_expect_null(other);
}

/* What it says is not known, and its houses are not hurt. */
Test(index, a_broken_organisation_withdraws_nothing)
{
	const struct id id = org_of(1, true).id;
	const struct key key = record_key(KIND_ORG, &id);

	close_all();
	fixture_new(&x, &engine_lmdb);
	open_index();
	for (unsigned n = 0; n < 3; n++) {
		put_owned(n, n);
		put_org(n, true);
	}
	fixture_raw_put(&key, bytes_str("nothing that opens, and longer than a seal is"));
	fixture_close_store(&x);
	index_free(houses);
	fixture_open_store(&x, &engine_lmdb);
	open_index();
	cr_expect_eq(count_shown(), 1);
	cr_expect(is_shown(1));
}

/* ---- many threads ---- */

static void *
look_once(void *arg)
{
	*(unsigned *)arg = index_enter(houses)->count;
	index_leave(houses);
	return NULL;
}

Test(index, ended_threads_give_their_slots_back)
{
	put_shelter(1, false);
	put_house(1, 1);
	for (unsigned i = 0; i < 200; i++) {
		pthread_t thread;
		unsigned seen = 0;
		cr_assert_eq(pthread_create(&thread, NULL, look_once, &seen), 0);
		pthread_join(thread, NULL);
		cr_assert_eq(seen, 1);
	}
}

#define READERS 4u
#define HOUSES  8u

static atomic_bool is_over;

/* Returns how many torn or lost houses it saw. */
static void *
look_long(void *arg)
{
	unsigned *wrong = arg;

	while (!atomic_load(&is_over)) {
		const struct index_view *view = index_enter(houses);
		*wrong += view->count != HOUSES;
		struct index_walk walk = { .view = view };
		for (const struct index_entry *e; (e = index_next(&walk)) != NULL;)
			*wrong += e->units[0].version != e->units[1].version;
		index_leave(houses);
	}
	return NULL;
}

Test(index, readers_never_see_a_torn_or_freed_house)
{
	unsigned count = HOUSES, wrong[READERS] = { 0 };
	pthread_t readers[READERS];

	cr_assert_eq(fixture_update(&x, put_some, &count), RC_OK);
	for (unsigned i = 0; i < READERS; i++)
		cr_assert_eq(pthread_create(&readers[i], NULL, look_long, &wrong[i]), 0);
	for (unsigned mark = 0; mark < 2000; mark++)
		put_house(mark % HOUSES, mark);
	atomic_store(&is_over, true);
	for (unsigned i = 0; i < READERS; i++) {
		pthread_join(readers[i], NULL);
		cr_expect_eq(wrong[i], 0);
	}
}

Test(index, what_was_replaced_is_freed_at_last)
{
	put_shelter(1, false);
	for (unsigned mark = 0; mark < 100; mark++)
		put_house(1, mark);
	close_all();
	cr_expect_eq(FIXTURE_LEAKS(), 0);
}
