/* SPDX-License-Identifier: Apache-2.0 */
/* The timer's work on a registry that is not whole. */
#include "details.h"
#include "domain/lockout.h"
#include "service/attempts.h"
#include "service/grants.h"
#include "service/sweep.h"

static struct details x;

static void
set_up(void)
{
	details_open(&x);
}

static void
tear_down(void)
{
	details_close(&x);
}

TestSuite(sweep, .init = set_up, .fini = tear_down, .timeout = 60);

static void
put_row(const struct id *org, const struct id *episode)
{
	const struct key key = record_key2(KIND_EPISODE_DESK, org, episode);
	const struct reference row = { *episode };

	details_put(&x, KIND_EPISODE_DESK, &key, &row);
}

Test(sweep, a_row_that_does_not_open_keeps_no_later_request_from_running_out)
{
	const struct id first = { { 0 } }, org = id_new();
	struct id episode;

	put_row(&first, &first);
	details_lose_key(&x);
	episode = details_episode(&x, EPISODE_OPEN, START);
	put_row(&org, &episode);
	cr_assert_eq(sweep_run(&x.parts, START + LIMIT_EPISODE_LIFE), 1);
	cr_expect_eq(sweep_run(&x.parts, START + LIMIT_EPISODE_LIFE), 0, "once");
	assert_no_leak();
}

Test(sweep, a_row_that_is_none_keeps_no_later_request_from_running_out)
{
	const struct id first = { { 0 } }, org = id_new();
	const struct key key = record_key2(KIND_EPISODE_DESK, &first, &first);
	const uint8_t noise[] = "no row";
	struct id episode;

	details_put_raw(&x, &key, KEY_DETAIL, BYTES_OF(noise));
	episode = details_episode(&x, EPISODE_OPEN, START);
	put_row(&org, &episode);
	cr_assert_eq(sweep_run(&x.parts, START + LIMIT_EPISODE_LIFE), 1);
}

/* As many rows as a round settles, to a request that has ${place} and whose time is over by ${now}, and
 * behind them one to a request that ends then.  Whose rows they are is not looked at. */
static void
put_many_before_one(const struct id *place, int64_t now)
{
	const struct id last = { { 0xff } };
	struct episode kept;
	struct key key;
	struct id over;

	model_clear(&model_episode, &kept);
	kept.id = (struct id){ { 7 } };
	kept.opener_org = kept.desk_org = (struct id){ { 8 } };
	kept.state = EPISODE_OPEN;
	kept.outcome = CODE_NONE;
	kept.reservation = *place;
	kept.opened_at = START;
	kept.expires_at = now;
	key = record_key(KIND_EPISODE, &kept.id);
	details_put(&x, KIND_EPISODE, &key, &kept);
	for (unsigned i = 0; i < 256; i++) {
		const struct id org = { { 1, (uint8_t)i } };

		put_row(&org, &kept.id);
	}
	over = details_episode(&x, EPISODE_OPEN, START);
	put_row(&last, &over);
}

/* Places that were promised and never ended by anybody gather in a large network. */
Test(sweep, requests_that_a_promised_place_keeps_open_keep_no_other_from_running_out)
{
	const int64_t now = START + LIMIT_EPISODE_LIFE;
	const struct id place = details_reservation(&x, RES_CONFIRMED, 0);

	put_many_before_one(&place, now);
	cr_assert_eq(sweep_run(&x.parts, now), 1);
	cr_expect_eq(sweep_run(&x.parts, now), 0, "once");
}

Test(sweep, requests_whose_place_cannot_be_read_keep_no_other_from_running_out)
{
	const int64_t now = START + LIMIT_EPISODE_LIFE;
	const struct id place = { { 9 } };
	const struct key key = record_key(KIND_RESERVATION, &place);
	const uint8_t noise[] = "no reservation";

	details_put_raw(&x, &key, KEY_DETAIL, BYTES_OF(noise));
	put_many_before_one(&place, now);
	cr_assert_eq(sweep_run(&x.parts, now), 1);
	cr_expect_eq(sweep_run(&x.parts, now), 0, "once");
}

/* ---- what the clock does beside it ---- */

static struct key
attempts_key(uint8_t first)
{
	const struct id device = { { first } };
	const uint8_t place[2] = { 0 };
	struct key key = record_key(KIND_ATTEMPTS, &device);

	key_add_bytes(&key, place, sizeof(place));
	return key;
}

Test(sweep, a_damaged_count_of_wrong_passphrases_keeps_no_later_one_from_being_forgotten)
{
	const struct key hurt = attempts_key(1), later = attempts_key(2);
	const struct attempts spent = { .failures = 3, .last_at = START };
	const uint8_t noise[] = "no count";

	details_put_raw(&x, &hurt, KEY_RECORD, BYTES_OF(noise));
	details_put(&x, KIND_ATTEMPTS, &later, &spent);
	attempts_sweep(&x.parts, START + 100 * DAY);
	cr_expect_eq(details_read(&x, &later), RC_NOT_FOUND);
	cr_expect_eq(details_read(&x, &hurt), RC_OK, "what is hurt stays, to be named by the check");
}

static struct grant
waiting(uint8_t number, const struct id *user)
{
	struct grant g;

	model_clear(&model_grant, &g);
	g.id = (struct id){ { number } };
	g.user = *user;
	g.state = GRANT_PENDING;
	g.asked_at = START;
	g.until = START + DAY;
	return g;
}

static void
put_grant(const struct grant *g)
{
	const struct key key = record_key(KIND_GRANT, &g->id);

	details_put(&x, KIND_GRANT, &key, g);
}

Test(sweep, a_damaged_grant_and_a_damaged_person_keep_no_later_grant_from_ending)
{
	const struct id hurt = { { 1 } }, person = id_new(), nobody = id_new();
	const struct key hurt_key = record_key(KIND_GRANT, &hurt),
			 person_key = record_key(KIND_USER, &person);
	const struct grant of_hurt = waiting(2, &person), later = waiting(3, &nobody),
			   last = waiting(4, &nobody);
	const uint8_t noise[] = "no record";

	details_put_raw(&x, &hurt_key, KEY_RECORD, BYTES_OF(noise));
	details_put_raw(&x, &person_key, KEY_RECORD, BYTES_OF(noise));
	put_grant(&of_hurt);
	put_grant(&later);
	put_grant(&last);
	grants_sweep(&x.parts, START + 40 * DAY);
	cr_expect_eq(details_reading(&x, KIND_GRANT, &later.id), RC_NOT_FOUND);
	cr_expect_eq(details_reading(&x, KIND_GRANT, &last.id), RC_NOT_FOUND);
	cr_expect_eq(details_reading(&x, KIND_GRANT, &of_hurt.id), RC_OK, "its person cannot be released");
	grants_sweep(&x.parts, START + 40 * DAY); /* and ends */
	assert_no_leak();
}
