/* SPDX-License-Identifier: Apache-2.0 */
/* When an organisation may be retired: its devices are refused from then on. */
#include "desk.h"
#include "service/accounts.h"

static struct org operator;

static void
set_up(void)
{
	desk_open();
	model_clear(&model_org, &operator);
	operator.id = house_org;
	operator.kind = ORG_SHELTER_OPERATOR;
	fixture_put(&x, KIND_ORG, &house_org, &operator);
	be(&opener_org, &holder, &one_device, ROLE_BIT(ROLE_ADMIN));
}

TestSuite(orgs, .init = set_up, .fini = desk_close, .timeout = 120);

static enum rc
retire_txn(struct txn *t, void *arg)
{
	struct org o = operator;

	(void)arg;
	o.retired = true;
	return org_save(desk_run(t), &o);
}

static void
close_house(void)
{
	shelter.retired = true;
	fixture_put(&x, KIND_SHELTER, &the_house, &shelter);
}

static void
expire_share_at(int64_t at)
{
	house.allocations[0].expires_at = at;
	fixture_put(&x, KIND_HOUSE, &the_house, &house);
}

Test(orgs, one_is_retired_after_its_houses)
{
	house.allocation_count = 0;
	fixture_put(&x, KIND_HOUSE, &the_house, &house);
	cr_assert_eq(fixture_update(&x, retire_txn, NULL), RC_STATE_CONFLICT);
	cr_expect_eq(fault.item[0].msg, MSG_ORG_HOUSES);
	close_house();
	cr_expect_eq(fixture_update(&x, retire_txn, NULL), RC_OK);
}

/* Nobody could confirm, record an arrival or end a stay any more. */
Test(orgs, none_is_retired_while_somebody_is_held_awaited_or_lives_in_a_house_of_it_that_closed)
{
	close_house();
	cr_assert_eq(fixture_update(&x, retire_txn, NULL), RC_STATE_CONFLICT, "confirmed, or lived in");
	cr_expect_eq(fault.item[0].msg, MSG_ORG_FAMILIES);
	expire_share_at(NOW + 1);
	cr_expect_eq(fixture_update(&x, retire_txn, NULL), RC_STATE_CONFLICT, "held or asked for");
	expire_share_at(NOW);
	ctx.now = NOW + 60;
	ctx.sure = NOW - 1;
	cr_expect_eq(fixture_update(&x, retire_txn, NULL), RC_STATE_CONFLICT, "over by one clock alone");
	ctx.sure = NOW;
	cr_expect_eq(fixture_update(&x, retire_txn, NULL), RC_OK);
}

Test(orgs, what_is_live_in_others_houses_is_theirs)
{
	shelter.org = other_desk;
	close_house();
	cr_expect_eq(fixture_update(&x, retire_txn, NULL), RC_OK);
}

/* The houses cannot be read whole: it stays. */
Test(orgs, one_whose_houses_cannot_be_read_is_not_retired)
{
	close_house();
	fixture_put(&x, KIND_HOUSE, &the_house, NULL);
	cr_expect_eq(fixture_update(&x, retire_txn, NULL), RC_CORRUPT);
	house.allocation_count = 0;
	fixture_put(&x, KIND_HOUSE, &the_house, &house);
	cr_expect_geq(fixture_update_starved(&x, retire_txn, NULL), 3);
}
