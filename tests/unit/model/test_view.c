/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>

#include "models.h"
#include "domain/policy.h"
#include "model/schema.h"

static struct schemas *all;
static char text[LIMIT_REPLY];
static json *reply;

static void
load(void)
{
	cr_assert_eq(schemas_load(&all, NULL), RC_OK);
}

static void
unload(void)
{
	json_free(reply);
	schemas_free(all);
}

TestSuite(view, .init = load, .fini = unload);

/* What a person with ${roles} gets, as a tree. */
static const json *
show(const struct model *m, const void *obj, uint32_t roles)
{
	const struct view *view;
	struct fault f = { .rc = RC_OK };
	struct jw w;

	cr_assert_eq(schema_view(all, schema_find(all, m->name), m, &view, &f), RC_OK);
	jw_init(&w, text, sizeof(text));
	model_write(&w, m, obj, view, roles | VIEW_ANY);
	cr_assert(!w.overflow);
	json_free(reply);
	cr_assert_eq(json_parse((struct bytes){ (const uint8_t *)text, w.len }, &reply, &f), RC_OK, "%.*s",
	    (int)w.len, text);
	return reply;
}

static bool
has(const json *object, const char *name)
{
	return json_get(object, name) != NULL;
}

static const struct candidate next_best = {
	.candidate = "c", .code_name = "Kelet 1", .type = TYPE_CRISIS_CENTRE
};

/* A reservation with every member set. */
static struct reservation_view
full_reservation(void)
{
	return (struct reservation_view){ .id = { { 1 } },
		.episode = { { 2 } },
		.shelter = { { 3 } },
		.number = "4127-86",
		.check_word = "nyárfa",
		.code_name = "Nyugat 2",
		.state = RES_DECLINED_BY_HOUSE,
		.type = TYPE_CRISIS_CENTRE,
		.zone = ZONE_WEST,
		.contact_channel = CONTACT_CLIENT_CALLS,
		.need = NEED_NO_SAFE_PLACE,
		.reason = "taken_meanwhile",
		.unit_names = bytes_str("[\"1. szoba\"]"),
		.adults = 1,
		.children = 1,
		.babies = 1,
		.band_count = 2,
		.bands = { BAND_0_2, BAND_3_9 },
		.languages = 1u << TONGUE_HU | 1u << TONGUE_ROM,
		.held_at = 1,
		.expires_at = 2,
		.requested_at = 3,
		.answered_at = 4,
		.arrived_at = 5,
		.ended_at = 6,
		.earliest_arrival = 7,
		.disclosures_left = 3,
		.disclose_until = 8,
		.stay_start = 20000,
		.stay_end = 20028,
		.next_review = 20010,
		.next = &next_best,
		.next_count = 1,
		.etag = "\"abc\"" };
}

/* Who sees a member of a full reservation: desk, house, both.  All members are here. */
static const struct {
	const char *name;
	bool desk, house;
} reservation_members[] = {
	{ "id", true, true },
	{ "episode", true, false },
	{ "shelter", false, true },
	{ "number", true, true },
	{ "check_word", true, true },
	{ "code_name", true, false },
	{ "state", true, true },
	{ "type", true, false },
	{ "zone", true, false },
	{ "contact_channel", true, true },
	{ "need", true, false },
	{ "reason", true, true },
	{ "unit_names", false, true },
	{ "adults", true, true },
	{ "children", true, true },
	{ "babies", true, true },
	{ "bands", false, true },
	{ "step_free", false, true },
	{ "pet", false, true },
	{ "pregnant", false, true },
	{ "renewed", true, false },
	{ "overstay", false, true },
	{ "languages", false, true },
	{ "held_at", true, true },
	{ "expires_at", true, true },
	{ "requested_at", true, true },
	{ "answered_at", true, true },
	{ "arrived_at", true, true },
	{ "ended_at", true, true },
	{ "earliest_arrival", true, true },
	{ "disclosures_left", true, false },
	{ "disclose_until", true, false },
	{ "escalation", true, false },
	{ "extensions", false, true },
	{ "stay_start", false, true },
	{ "stay_end", false, true },
	{ "next_review", false, true },
	{ "next", true, false },
	{ "etag", true, true },
};

Test(view, desk_and_house_see_their_own_side_of_a_reservation)
{
	static const enum role desk[] = { ROLE_COUNSELLOR, ROLE_SHIFT_LEAD };
	static const enum role house[] = { ROLE_SHELTER_STAFF, ROLE_SHELTER_MANAGER };
	const struct reservation_view r = full_reservation();

	cr_assert_eq(COUNT_OF(reservation_members), model_reservation_view.count);
	for (unsigned side = 0; side < 4; side++) {
		const bool is_desk = side < 2;
		const enum role role = is_desk ? desk[side] : house[side - 2];
		const json *seen = show(&model_reservation_view, &r, ROLE_BIT(role));

		for (size_t i = 0; i < COUNT_OF(reservation_members); i++)
			cr_expect_eq(has(seen, reservation_members[i].name),
			    is_desk ? reservation_members[i].desk : reservation_members[i].house,
			    "role %u: %s", role, reservation_members[i].name);
	}
}

Test(view, nobody_else_sees_anything_of_a_reservation)
{
	const struct reservation_view r = full_reservation();
	const uint32_t others = ROLE_BIT(ROLE_FAMILY_SUPPORT) | ROLE_BIT(ROLE_ADMIN) |
	    ROLE_BIT(ROLE_AUDITOR) | ROLE_BIT(ROLE_STATISTICIAN);

	cr_expect_eq(json_count(show(&model_reservation_view, &r, others)), 0);
	cr_expect_eq(json_count(show(&model_reservation_view, &r, 0)), 0);
}

Test(view, a_person_with_two_roles_sees_what_either_sees)
{
	const struct reservation_view r = full_reservation();
	const json *seen =
	    show(&model_reservation_view, &r, ROLE_BIT(ROLE_COUNSELLOR) | ROLE_BIT(ROLE_SHELTER_STAFF));

	cr_expect_eq(json_count(seen), COUNT_OF(reservation_members));
}

Test(view, family_support_learns_only_how_its_episode_stands)
{
	static const char *const shown[] = { "id", "state", "outcome", "arranged", "opened_at",
		"expires_at" };
	uint64_t seed = 9;
	struct episode e;
	const json *seen;

	fill_model(&model_episode, &e, &seed, true);
	e.opened_at = e.expires_at = e.closed_at = e.household.earliest_arrival = 1000;
	seen = show(&model_episode, &e, ROLE_BIT(ROLE_FAMILY_SUPPORT));
	cr_expect_eq(json_count(seen), COUNT_OF(shown));
	for (size_t i = 0; i < COUNT_OF(shown); i++)
		cr_expect(has(seen, shown[i]), "%s", shown[i]);
	seen = show(&model_episode, &e, ROLE_BIT(ROLE_COUNSELLOR));
	cr_expect(has(json_get(seen, "household"), "danger_counties"));
	cr_expect(!has(seen, "opener_user"));
}

Test(view, an_admin_sees_a_unit_but_not_how_it_stands)
{
	const struct unit_view u = {
		.id = { { 1 } }, .name = "1. szoba", .state = UNIT_FREE, .confirmed_at = 1
	};
	const json *seen = show(&model_unit_view, &u, ROLE_BIT(ROLE_ADMIN));

	cr_expect(has(seen, "name"));
	cr_expect(!has(seen, "state"));
	cr_expect(!has(seen, "free_places"));
	cr_expect(!has(seen, "confirmed_at"));
	cr_expect(has(show(&model_unit_view, &u, ROLE_BIT(ROLE_SHELTER_STAFF)), "state"));
}

Test(view, a_list_hides_in_its_items_what_the_items_hide)
{
	const struct reservation_view r = full_reservation();
	const struct list_reply list = { .data = &r, .count = 1, .limit = 50, .next_cursor = "abc" };
	const json *seen = show(&model_reservation_list, &list, ROLE_BIT(ROLE_SHELTER_STAFF));
	const json *item = json_first(json_get(seen, "data"));

	cr_expect_str_eq(json_string(json_get(seen, "next_cursor")), "abc");
	cr_expect(has(item, "shelter"));
	cr_expect(!has(item, "episode"));
	cr_expect(!has(item, "next"));
}

Test(view, a_token_is_shown_to_a_device_without_a_person)
{
	const struct token_reply t = { .access_token = "x", .token_type = "Bearer", .expires_in = 900 };

	cr_expect_eq(json_count(show(&model_token_reply, &t, 0)), 4);
}

Test(view, nothing_is_shown_without_a_view)
{
	const struct token_reply t = { .access_token = "x" };
	struct jw w;

	jw_init(&w, text, sizeof(text));
	model_write(&w, &model_token_reply, &t, NULL, UINT32_MAX);
	cr_expect_eq(w.len, 2);
}

/* ---- default deny ---- */

static const struct {
	const char *what, *schema;
	bool is_shown;
} declarations[] = {
	{ "property without x-visible", "{\"properties\":{\"reason\":{}}}", false },
	{ "no property", "{\"x-visible\":\"any\",\"properties\":{}}", false },
	{ "empty list of roles", "{\"x-visible\":\"any\",\"properties\":{\"reason\":{\"x-visible\":[]}}}",
	    false },
	{ "another role", "{\"properties\":{\"reason\":{\"x-visible\":[\"admin\"]}}}", false },
	{ "own role", "{\"properties\":{\"reason\":{\"x-visible\":[\"auditor\"]}}}", true },
	{ "the object's role", "{\"x-visible\":[\"auditor\"],\"properties\":{\"reason\":{}}}", true },
	{ "the property overrules the object",
	    "{\"x-visible\":[\"admin\"],\"properties\":{\"reason\":{\"x-visible\":[\"auditor\"]}}}", true },
	{ "what a reference says",
	    "{\"properties\":{\"reason\":{\"$ref\":\"#/$defs/"
	    "r\"}},\"$defs\":{\"r\":{\"x-visible\":\"any\"}}}",
	    true },
};

Test(view_rules, what_nobody_declared_nobody_sees)
{
	for (size_t i = 0; i < COUNT_OF(declarations); i++) {
		const struct schema_source source = { "x.json", bytes_str(declarations[i].schema) };
		const struct reason_leave body = { .reason = LEAVE_RELATIVES };
		const struct view *view;
		struct schemas *one;
		struct jw w;

		cr_assert_eq(schemas_compile(&source, 1, &one, NULL), RC_OK);
		cr_assert_eq(
		    schema_view(one, schema_find(one, "x"), &model_reason_leave, &view, NULL), RC_OK);
		jw_init(&w, text, sizeof(text));
		model_write(&w, &model_reason_leave, &body, view, ROLE_BIT(ROLE_AUDITOR) | VIEW_ANY);
		cr_expect_eq(w.len > 2, declarations[i].is_shown, "%s", declarations[i].what);
		schemas_free(one);
	}
}
