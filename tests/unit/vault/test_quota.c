/* SPDX-License-Identifier: Apache-2.0 */
/* An hour is an hour: rolling, counted on disk, spent when in doubt. */
#include "scene.h"

#include "vault/quota.h"

#define NOW INT64_C(1800000000)

static struct scene x;
static struct vaultring *ring;
static char path[128];

static void
begin(void)
{
	char file[128];
	struct fault f = { .count = 0 };

	scene_keys(&x);
	cr_assert(path_join(file, sizeof(file), x.options.dir, "ring"));
	cr_assert(path_join(path, sizeof(path), x.options.dir, "quota"));
	cr_assert_eq(vaultring_open(file, x.root, &ring, &f), RC_OK);
}

static void
end(void)
{
	vaultring_free(ring);
	scene_free(&x);
}

TestSuite(quota, .init = begin, .fini = end);

static struct quota *
open_at(int64_t now, const struct quota_limits *limits)
{
	struct fault f = { .count = 0 };
	struct quota *q;

	cr_assert_eq(quota_open(path, ring, limits, now, &q, &f), RC_OK);
	return q;
}

static enum rc
take(struct quota *q, int64_t now, enum quota_class class)
{
	struct id house = { { 1 } }, disclosure = id_new();

	return quota_take(q, now, class, &house, &disclosure);
}

Test(quota, the_hour_rolls)
{
	struct quota *q = open_at(NOW, &(struct quota_limits){ 2, 1, 1 });

	cr_assert_eq(take(q, NOW, QUOTA_DESK), RC_OK);
	cr_assert_eq(take(q, NOW + 1800, QUOTA_DESK), RC_OK);
	cr_assert_eq(take(q, NOW + 3599, QUOTA_DESK), RC_SLOW_DOWN);
	cr_assert_eq(take(q, NOW + 3600, QUOTA_DESK), RC_OK, "the first one's hour is over");
	cr_assert_eq(take(q, NOW + 3601, QUOTA_DESK), RC_SLOW_DOWN, "the second one's is not");
	cr_assert_eq(take(q, NOW + 3601, QUOTA_OWN), RC_OK, "classes do not share");
	quota_free(q);
}

Test(quota, a_clock_that_is_set_back_opens_no_new_hour)
{
	struct quota *q = open_at(NOW, &(struct quota_limits){ 1, 1, 1 });

	cr_assert_eq(take(q, NOW, QUOTA_DESK), RC_OK);
	cr_assert_eq(take(q, NOW - 7200, QUOTA_DESK), RC_SLOW_DOWN);
	quota_free(q);
}

Test(quota, what_a_clock_that_ran_ahead_counted_is_over_an_hour_after_it_was_put_back)
{
	const int64_t ahead = NOW + 10 * 86400;
	const struct id house = { { 1 } }, told = id_new();
	struct quota *q = open_at(ahead, &(struct quota_limits){ 1, 1, 1 });

	cr_assert_eq(quota_take(q, ahead, QUOTA_DESK, &house, &told), RC_OK);
	cr_assert_eq(take(q, NOW, QUOTA_DESK), RC_SLOW_DOWN);
	cr_assert_eq(take(q, NOW + 3599, QUOTA_DESK), RC_SLOW_DOWN);
	cr_assert_eq(take(q, NOW + 3600, QUOTA_DESK), RC_OK, "not ten days later");
	cr_expect(quota_has(q, &told), "its disclosure will be good again in ten days");
	cr_assert_eq(take(q, NOW + 3601, QUOTA_DESK), RC_SLOW_DOWN);
	cr_assert_eq(take(q, ahead, QUOTA_DESK), RC_OK, "nor once more when they are over");
	quota_free(q);
}

Test(quota, an_hour_that_was_spent_by_a_clock_that_ran_ahead_ends_when_it_is_seen_to_be_over)
{
	const int64_t ahead = NOW + 10 * 86400;
	struct quota *q;

	cr_assert_eq(unlink(path), 0);
	quota_free(open_at(ahead, &QUOTA_DEFAULT)); /* missing then: a spent hour */
	q = open_at(NOW, &QUOTA_DEFAULT);
	cr_assert_eq(quota_used(q, NOW, QUOTA_DESK), QUOTA_DEFAULT.desk);
	cr_assert_eq(take(q, NOW + 3599, QUOTA_DESK), RC_SLOW_DOWN);
	cr_assert_eq(quota_used(q, NOW + 3600, QUOTA_DESK), 0);
	cr_assert_eq(take(q, NOW + 3600, QUOTA_DESK), RC_OK);
	quota_free(q);
}

Test(quota, a_clock_that_is_set_back_for_a_moment_opens_no_new_hour)
{
	struct quota *q = open_at(NOW, &(struct quota_limits){ 1, 1, 1 });

	cr_assert_eq(take(q, NOW, QUOTA_DESK), RC_OK);
	cr_assert_eq(take(q, NOW - 86400, QUOTA_DESK), RC_SLOW_DOWN);
	cr_assert_eq(take(q, NOW + 1, QUOTA_DESK), RC_SLOW_DOWN);
	quota_free(q);
}

Test(quota, a_clock_that_is_set_back_for_a_moment_twice_opens_no_new_hour)
{
	struct quota *q = open_at(NOW, &(struct quota_limits){ 1, 1, 1 });

	cr_assert_eq(take(q, NOW, QUOTA_DESK), RC_OK);
	cr_assert_eq(take(q, NOW - 86400, QUOTA_DESK), RC_SLOW_DOWN);
	cr_assert_eq(take(q, NOW + 1, QUOTA_DESK), RC_SLOW_DOWN);
	cr_assert_eq(take(q, NOW - 10, QUOTA_DESK), RC_SLOW_DOWN, "it was right in between");
	cr_assert_eq(take(q, NOW + 3599, QUOTA_DESK), RC_SLOW_DOWN);
	cr_assert_eq(take(q, NOW + 3600, QUOTA_DESK), RC_OK);
	quota_free(q);
}

Test(quota, what_was_told_is_known_after_a_restart)
{
	struct quota *q = open_at(NOW, &QUOTA_DEFAULT);
	struct id house = { { 1 } }, told = id_new();

	cr_assert_eq(quota_take(q, NOW, QUOTA_DESK, &house, &told), RC_OK);
	quota_free(q);
	q = open_at(NOW + 10, &QUOTA_DEFAULT);
	cr_assert(quota_has(q, &told));
	cr_assert_eq(quota_used(q, NOW + 10, QUOTA_DESK), 1);
	quota_free(q);
}

Test(quota, a_missing_file_is_a_spent_hour_and_stays_one)
{
	struct quota *q;

	cr_assert_eq(unlink(path), 0);
	quota_free(open_at(NOW, &QUOTA_DEFAULT));
	q = open_at(NOW + 1000, &QUOTA_DEFAULT);
	cr_assert_eq(take(q, NOW + 1000, QUOTA_DESK), RC_SLOW_DOWN);
	cr_assert_eq(quota_used(q, NOW + 1000, QUOTA_DESK), QUOTA_DEFAULT.desk);
	cr_assert_eq(take(q, NOW + QUOTA_HOUR, QUOTA_DESK), RC_OK);
	quota_free(q);
}

Test(quota, the_file_of_another_registry_is_a_spent_hour)
{
	const struct scene first = x;
	struct vaultring *own = ring;
	struct quota *q;

	begin();
	cr_assert_eq(take(q = open_at(NOW, &QUOTA_DEFAULT), NOW, QUOTA_DESK), RC_OK);
	quota_free(q);
	q = NULL;
	struct fault f = { .count = 0 };
	cr_assert_eq(quota_open(path, own, &QUOTA_DEFAULT, NOW, &q, &f), RC_OK);
	cr_assert_eq(take(q, NOW, QUOTA_DESK), RC_SLOW_DOWN);
	quota_free(q);
	end();
	x = first;
	ring = own;
}

static enum rc
limits(const char *text, struct quota_limits *out)
{
	struct fault f = { .count = 0 };

	*out = QUOTA_DEFAULT;
	return quota_read_limits(bytes_str(text), out, &f);
}

Test(quota, limits_are_rows_that_replace_one_by_one)
{
	struct quota_limits l;

	cr_assert_eq(limits("name,per_hour\n# fewer at night\ndesk,5\n", &l), RC_OK);
	cr_assert_eq(l.desk, 5);
	cr_assert_eq(l.own, QUOTA_DEFAULT.own);
	cr_assert_eq(
	    limits("name,per_hour\ndesk,4085\nown,12\n", &l), RC_INVALID, "more than the file holds");
	cr_assert_eq(limits("name,per_hour\ndesks,5\n", &l), RC_INVALID);
	cr_assert_eq(limits("name,per_hour\ndesk,-5\n", &l), RC_INVALID);
	cr_assert_eq(limits("name,per_hour\ndesk,99999\n", &l), RC_INVALID);
	cr_assert_eq(limits("name,number\ndesk,5\n", &l), RC_INVALID);
	cr_assert_eq(l.desk, QUOTA_DEFAULT.desk, "nothing of what was refused holds");
}
