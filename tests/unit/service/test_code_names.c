/* SPDX-License-Identifier: Apache-2.0 */
/* No two houses sound alike: new ones, renamed ones, retired ones, and those of a registry older than the
 * rule. */
#include "desk.h"

#include "service/shelters.h"

TestSuite(code_names, .init = desk_open, .fini = desk_close, .timeout = 60);

static enum rc
create_txn(struct txn *t, void *arg)
{
	return shelter_create(desk_run(t), arg);
}

static enum rc
add_txn(struct txn *t, void *arg)
{
	return shelter_add(desk_run(t), arg);
}

static enum rc
save_txn(struct txn *t, void *arg)
{
	return shelter_save(desk_run(t), arg);
}

static struct shelter
house_called(const char *name)
{
	struct shelter s = shelter;

	s.id = id_new();
	cr_assert(str_copy(s.code_name, sizeof(s.code_name), name));
	return s;
}

static enum rc
put(txn_fn *fn, struct shelter *s)
{
	struct org org;

	model_clear(&model_org, &org);
	org.id = house_org;
	org.kind = ORG_SHELTER_OPERATOR;
	fixture_put(&x, KIND_ORG, &house_org, &org);
	be(&house_org, &nobody, &other_device, ROLE_BIT(ROLE_ADMIN));
	fault.count = 0;
	memset(ctx.ids, 0, sizeof(ctx.ids)); /* another request */
	return fixture_update(&x, fn, s);
}

static void
expect_refused(txn_fn *fn, struct shelter *s, const char *why)
{
	cr_expect_eq(put(fn, s), RC_TAKEN, "%s", why);
	cr_expect(fault.count == 1 && fault.item[0].msg == MSG_CODE_NAME_TAKEN &&
		strcmp(fault.item[0].pointer, "/code_name") == 0,
	    "%s", why);
}

Test(code_names, a_new_house_gets_none_that_sounds_like_anothers)
{
	struct shelter first = house_called("Nyugat 2"), again = house_called("NYUGAT-2"),
		       other = house_called("Nyugat 12");

	cr_assert_eq(put(create_txn, &first), RC_OK);
	expect_refused(create_txn, &again, "by its row and by a look");
	expect_refused(add_txn, &again, "by its row alone: two that come at once");
	cr_expect_eq(put(create_txn, &other), RC_OK);
}

Test(code_names, a_house_of_before_the_rule_is_found_too)
{
	struct shelter old = house_called("Nyugat 2"), fresh = house_called("nyugat 2");

	fixture_put(&x, KIND_SHELTER, &old.id, &old);
	expect_refused(create_txn, &fresh, "a name without a row");
}

Test(code_names, a_name_is_free_again_when_its_house_is_renamed_or_retired)
{
	struct shelter first = house_called("Nyugat 2"), second = house_called("Nyugat 2");

	cr_assert_eq(put(create_txn, &first), RC_OK);
	cr_assert(str_copy(first.code_name, sizeof(first.code_name), "Nyugat 3"));
	cr_assert_eq(put(save_txn, &first), RC_OK);
	cr_assert_eq(put(create_txn, &second), RC_OK);
	cr_assert(str_copy(first.code_name, sizeof(first.code_name), "Nyugat-2"));
	expect_refused(save_txn, &first, "renamed to another's");
	second.retired = true;
	cr_assert_eq(put(save_txn, &second), RC_OK);
	cr_assert_eq(put(save_txn, &first), RC_OK);
	second.retired = false;
	expect_refused(save_txn, &second, "taken up again");
	cr_assert(str_copy(second.code_name, sizeof(second.code_name), "Nyugat 4"));
	cr_expect_eq(put(save_txn, &second), RC_OK);
}

Test(code_names, whoever_keeps_a_name_may_write_it_otherwise_and_change_the_rest)
{
	struct shelter first = house_called("Nyugat 2"), twin = house_called("Nyugat 2"),
		       third = house_called("Nyugat 2");

	cr_assert_eq(put(create_txn, &first), RC_OK);
	cr_assert(str_copy(first.code_name, sizeof(first.code_name), "NYUGAT 2"));
	cr_expect_eq(put(save_txn, &first), RC_OK);
	/* of a registry that had two of a name: both can be worked on, and neither frees it for a third */
	fixture_put(&x, KIND_SHELTER, &twin.id, &twin);
	fixture_put(&x, KIND_HOUSE, &twin.id, &house);
	twin.licensed_capacity++;
	cr_expect_eq(put(save_txn, &twin), RC_OK);
	twin.retired = true;
	cr_expect_eq(put(save_txn, &twin), RC_OK);
	expect_refused(add_txn, &third, "the first one's row is still there");
}
