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
