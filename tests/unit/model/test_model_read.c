/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>

#include "models.h"

static struct fault fault;

static enum rc
read_text(const struct model *m, const char *text, void *obj)
{
	json *tree;
	enum rc rc;

	cr_assert_eq(json_parse(bytes_str(text), &tree, &fault), RC_OK, "%s", text);
	rc = model_read(m, tree, obj, &fault);
	json_free(tree);
	return rc;
}

Test(model_read, a_household_is_read_member_by_member)
{
	static const char body[] =
	    "{\"channel\":\"chat\",\"household\":{\"case_type\":\"child_abuse\",\"women\":1,\"men\":0,"
	    "\"pregnant\":true,\"children\":[{\"sex\":\"male\",\"band\":\"14-15\"},"
	    "{\"sex\":\"female\",\"band\":\"0-2\"}],\"languages\":[\"uk\",\"hu\"],"
	    "\"danger_counties\":[\"HU333\"],\"earliest_arrival\":\"2026-11-21T03:04:05Z\"}}";
	struct episode_new in;

	model_clear(&model_episode_new, &in);
	cr_assert_eq(read_text(&model_episode_new, body, &in), RC_OK);
	cr_expect_eq(in.channel, CHANNEL_CHAT);
	cr_expect_eq(in.household.case_type, CASE_CHILD_ABUSE);
	cr_expect_eq(in.household.women, 1);
	cr_expect(in.household.pregnant);
	cr_expect(!in.household.partner);
	cr_expect_eq(in.household.child_count, 2);
	cr_expect_eq(in.household.children[0].band, BAND_14_15);
	cr_expect_eq(in.household.children[1].sex, SEX_FEMALE);
	cr_expect_eq(in.household.languages, 1u << TONGUE_UK | 1u << TONGUE_HU);
	cr_expect_eq(in.household.danger_counties, 1u << COUNTY_CSONGRAD);
	cr_expect_eq(in.household.sibling, CODE_NONE);
	cr_expect_eq(in.household.home_county, CODE_NONE);
	cr_expect_eq(in.household.earliest_arrival, 1795230245);
}

Test(model_read, members_that_are_absent_keep_their_value)
{
	struct shelter s;

	model_clear(&model_shelter, &s);
	s.type = TYPE_SECRET_HOUSE;
	s.licensed_capacity = 20;
	s.admission.pets = true;
	s.admission.boy_max_age = 13;
	cr_assert_eq(
	    read_text(&model_shelter, "{\"is_open\":true,\"admission\":{\"boy_max_age\":15}}", &s), RC_OK);
	cr_expect(s.is_open);
	cr_expect_eq(s.type, TYPE_SECRET_HOUSE);
	cr_expect_eq(s.licensed_capacity, 20);
	cr_expect(s.admission.pets);
	cr_expect_eq(s.admission.boy_max_age, 15);
}

Test(model_read, what_is_read_only_or_secret_is_not_set)
{
	struct user u;

	model_clear(&model_user, &u);
	cr_assert_eq(read_text(&model_user,
			 "{\"id\":\"01234567890123456789abcdef\",\"verifier\":\"x\",\"must_change\":true,"
			 "\"version\":9,"
			 "\"name\":\"anna\"}",
			 &u),
	    RC_OK);
	cr_expect(id_is_zero(&u.id));
	cr_expect_str_empty(u.verifier);
	cr_expect(!u.must_change);
	cr_expect_eq(u.version, 0);
	cr_expect_str_eq(u.name, "anna");
}

Test(model_read, null_clears)
{
	struct household h;

	model_clear(&model_household, &h);
	h.home_county = COUNTY_PEST;
	h.earliest_arrival = 5;
	h.child_count = 1;
	cr_assert_eq(read_text(&model_household,
			 "{\"home_county\":null,\"earliest_arrival\":null,\"children\":null}", &h),
	    RC_OK);
	cr_expect_eq(h.home_county, CODE_NONE);
	cr_expect_eq(h.earliest_arrival, 0);
	cr_expect_eq(h.child_count, 0);
}

Test(model_read, a_list_is_replaced_whole)
{
	struct user u;

	model_clear(&model_user, &u);
	u.shelter_count = 2;
	memset(u.shelters, 7, 2 * sizeof(struct id));
	cr_assert_eq(read_text(&model_user, "{\"shelters\":[\"00000000000000000000000001\"]}", &u), RC_OK);
	cr_expect_eq(u.shelter_count, 1);
	cr_expect_eq(u.shelters[0].b[15], 1);
	cr_expect(id_is_zero(&u.shelters[1]));
}

Test(model_read, a_shorter_text_leaves_nothing_of_the_old_one)
{
	struct org o, fresh;

	model_clear(&model_org, &o);
	model_clear(&model_org, &fresh);
	cr_assert_eq(read_text(&model_org, "{\"name\":\"Krízistelefon\"}", &o), RC_OK);
	cr_assert_eq(read_text(&model_org, "{\"name\":\"K\"}", &o), RC_OK);
	cr_assert_eq(read_text(&model_org, "{\"name\":\"K\"}", &fresh), RC_OK);
	cr_expect_arr_eq(o.name, fresh.name, sizeof(o.name));
}

Test(model_read, a_string_borrows_from_the_tree)
{
	struct reservation_new in;
	json *tree;

	model_clear(&model_reservation_new, &in);
	cr_assert_eq(json_parse(bytes_str("{\"candidate\":\"abc\",\"consent\":true}"), &tree, &fault), RC_OK);
	cr_assert_eq(model_read(&model_reservation_new, tree, &in, &fault), RC_OK);
	cr_expect_eq(in.candidate, json_string(json_get(tree, "candidate")));
	cr_expect(in.consent);
	json_free(tree);
}

/* Even a body that no schema has seen cannot write outside its struct. */
static const struct {
	const struct model *m;
	const char *body, *pointer;
	enum msg msg;
} unchecked[] = {
	{ &model_org, "[]", "", MSG_FIELD_TYPE },
	{ &model_org, "{\"kind\":3}", "/kind", MSG_FIELD_ENUM },
	{ &model_org, "{\"kind\":\"police\"}", "/kind", MSG_FIELD_ENUM },
	{ &model_org, "{\"name\":[1]}", "/name", MSG_FIELD_TYPE },
	{ &model_org, "{\"retired\":1}", "/retired", MSG_FIELD_TYPE },
	{ &model_user, "{\"name\":\"0123456789012345678901234567890x\"}", "/name", MSG_FIELD_BYTES },
	{ &model_user, "{\"roles\":\"admin\"}", "/roles", MSG_FIELD_TYPE },
	{ &model_user, "{\"roles\":[\"x\"]}", "/roles", MSG_FIELD_ENUM },
	{ &model_user, "{\"shelters\":[7]}", "/shelters/0", MSG_FIELD_FORMAT },
	{ &model_user, "{\"shelters\":[0,0,0,0,0,0,0,0,0]}", "/shelters", MSG_FIELD_MANY },
	{ &model_unit, "{\"cots\":256}", "/cots", MSG_FIELD_MAX },
	{ &model_unit, "{\"cots\":-1}", "/cots", MSG_FIELD_MIN },
	{ &model_unit, "{\"cots\":0.5}", "/cots", MSG_FIELD_TYPE },
	{ &model_unit, "{\"cots\":\"1\"}", "/cots", MSG_FIELD_TYPE },
	{ &model_extension, "{\"until\":\"tomorrow\"}", "/until", MSG_FIELD_FORMAT },
	{ &model_household, "{\"children\":{}}", "/children", MSG_FIELD_TYPE },
	{ &model_household, "{\"children\":[{\"sex\":1}]}", "/children/0/sex", MSG_FIELD_ENUM },
	{ &model_household, "{\"children\":[0]}", "/children/0", MSG_FIELD_TYPE },
	{ &model_household, "{\"earliest_arrival\":1}", "/earliest_arrival", MSG_FIELD_FORMAT },
};

Test(model_read, what_does_not_fit_the_struct_is_refused_with_its_place)
{
	static uint8_t object[MODEL_MAX_SIZE];

	for (size_t i = 0; i < COUNT_OF(unchecked); i++) {
		model_clear(unchecked[i].m, object);
		fault_clear(&fault);
		cr_expect_eq(read_text(unchecked[i].m, unchecked[i].body, object), RC_INVALID, "%s",
		    unchecked[i].body);
		cr_expect_str_eq(fault.item[0].pointer, unchecked[i].pointer, "%s", unchecked[i].body);
		cr_expect_eq(fault.item[0].msg, unchecked[i].msg, "%s", unchecked[i].body);
	}
}
