/* SPDX-License-Identifier: Apache-2.0 */
/* Marks tell their reader nothing and open for nobody else. */
#include "feed/marks.h"

#include "../store_fixture.h"

static struct fixture x;
static struct mark_reader reader;

static void
set_up(void)
{
	fixture_new(&x, &engine_memory);
	reader = (struct mark_reader){ x.ring, { { 1 } }, { { 2 } } };
}

static void
tear_down(void)
{
	fixture_close_store(&x);
	fixture_free(&x);
}

TestSuite(marks, .init = set_up, .fini = tear_down, .timeout = 60);

static bool
opens_for(struct id user, struct id device, const char *mark)
{
	const struct mark_reader other = { x.ring, user, device };
	uint64_t number;
	int64_t at;

	return mark_open(&other, mark, 1000, &number, &at);
}

Test(marks, a_mark_gives_its_number_back_to_its_reader_alone)
{
	const struct id user = { { 1 } }, device = { { 2 } }, other = { { 3 } };
	char mark[MARK_TEXT];
	uint64_t number;
	int64_t at;

	cr_assert_eq(mark_make(&reader, UINT64_C(1) << 40, 1000, mark), RC_OK);
	cr_assert(mark_open(&reader, mark, 1000, &number, &at));
	cr_expect_eq(at, 1000);
	cr_expect_eq(number, UINT64_C(1) << 40);
	cr_expect(opens_for(user, device, mark));
	cr_expect_not(opens_for(other, device, mark), "another person");
	cr_expect_not(opens_for(user, other, mark), "another device");
	cr_expect_not(opens_for(device, user, mark), "the two exchanged");
}

Test(marks, all_have_one_length_and_no_two_are_alike)
{
	char first[MARK_TEXT], second[MARK_TEXT];

	cr_assert_eq(mark_make(&reader, 1, 1000, first), RC_OK);
	cr_assert_eq(mark_make(&reader, 1, 1000, second), RC_OK);
	cr_expect_str_neq(first, second, "the same event");
	cr_assert_eq(mark_make(&reader, UINT64_MAX - 1, INT64_MAX / 2, second), RC_OK);
	cr_expect_eq(strlen(first), strlen(second));
	cr_expect_eq(strlen(first), MARK_TEXT - 1);
}

Test(marks, a_mark_is_good_for_an_hour)
{
	char mark[MARK_TEXT];
	uint64_t number;
	int64_t at;

	cr_assert_eq(mark_make(&reader, 7, 1000, mark), RC_OK);
	cr_expect(mark_open(&reader, mark, 1000 + MARK_LIFE - 1, &number, &at));
	cr_expect_not(mark_open(&reader, mark, 1000 + MARK_LIFE, &number, &at));
}

Test(marks, no_altered_or_cut_mark_opens)
{
	char mark[MARK_TEXT], bad[MARK_TEXT];
	uint64_t number;
	int64_t at;

	cr_assert_eq(mark_make(&reader, 7, 1000, mark), RC_OK);
	for (size_t i = 0; i < sizeof(mark) - 2; i++) { /* the last character has bits of no byte */
		memcpy(bad, mark, sizeof(bad));
		bad[i] = bad[i] == 'A' ? 'B' : 'A';
		cr_expect_not(mark_open(&reader, bad, 1000, &number, &at), "character %zu", i);
		memcpy(bad, mark, sizeof(bad));
		bad[i] = '\0';
		cr_expect_not(mark_open(&reader, bad, 1000, &number, &at), "cut at %zu", i);
	}
}
