/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <stdio.h>

#include "models.h"
#include "model/schema_node.h"

static struct schemas *all;
static struct fault fault;

static void
load(void)
{
	const enum rc rc = schemas_load(&all, &fault);

	cr_assert_eq(rc, RC_OK, "%s %s", fault.item[0].pointer, fault.item[0].word);
}

static void
unload(void)
{
	schemas_free(all);
}

static enum rc
check_text(const char *schema, const char *text)
{
	const struct schema *s = schema_find(all, schema);
	json *body;
	enum rc rc;

	cr_assert_not_null(s, "%s", schema);
	cr_assert_eq(json_parse(bytes_str(text), &body, &fault), RC_OK, "%s", text);
	rc = schema_check(s, body, &fault);
	json_free(body);
	return rc;
}

#define ID        "01234567890123456789abcdef"
#define CANDIDATE "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
#define HOUSEHOLD "\"household\":{\"case_type\":\"partner_violence\",\"women\":1,\"men\":0"
#define HOLD      "{\"episode\":\"" ID "\",\"candidate\":\"" CANDIDATE "\",\"need\":\"other_help_failed\","

static const struct {
	const char *schema, *body;
} accepted[] = {
	{ "sign-in", "{\"user\":\"anna.k\",\"passphrase\":\"x\"}" },
	{ "org-change", "{}" },
	{ "org-new", "{\"kind\":\"helpline\",\"name\":\"Őrház\"}" },
	{ "user-new", "{\"name\":\"a-1\",\"roles\":[\"admin\",\"auditor\"]}" },
	{ "unit-report", "{\"state\":\"partly_free\",\"free_places\":2}" },
	{ "episode-new", "{\"channel\":\"phone\"," HOUSEHOLD "}}" },
	{ "episode-new",
	    "{\"channel\":\"phone\"," HOUSEHOLD ",\"children\":[{\"sex\":\"male\",\"band\":\"0-2\"}],"
	    "\"danger_counties\":[\"HU110\"],\"earliest_arrival\":\"2026-11-21T20:00:00Z\"}}" },
	{ "reservation-new", HOLD "\"consent\":true,\"contact_channel\":\"client_calls_house\"}" },
	{ "extension", "{\"until\":\"2028-02-29\",\"reason\":\"health\"}" },
	{ "location-new", "{\"address\":\"Fő utca 1.\\n2. emelet\",\"intake_phone\":\"+36 1 234-5678\"}" },
};

static const struct {
	const char *schema, *body, *pointer;
	enum msg msg;
} refused[] = {
	{ "sign-in", "[]", "", MSG_FIELD_TYPE },
	{ "sign-in", "null", "", MSG_FIELD_TYPE },
	{ "sign-in", "{\"user\":\"anna\"}", "/passphrase", MSG_FIELD_MISSING },
	{ "sign-in", "{\"user\":\"anna\",\"passphrase\":\"\"}", "/passphrase", MSG_FIELD_SHORT },
	{ "sign-in", "{\"user\":7,\"passphrase\":\"x\"}", "/user", MSG_FIELD_TYPE },
	{ "sign-in", "{\"user\":\"Anna\",\"passphrase\":\"x\"}", "/user", MSG_FIELD_FORMAT },
	{ "org-change", "{\"kind\":\"helpline\"}", "/kind", MSG_FIELD_UNKNOWN },
	{ "org-change", "{\"a/b~c\":1}", "/a~1b~0c", MSG_FIELD_UNKNOWN },
	{ "org-change", "{\"name\":\"   \"}", "/name", MSG_FIELD_FORMAT },
	{ "org-change", "{\"name\":\"a\\nb\"}", "/name", MSG_FIELD_FORMAT },
	{ "org-change", "{\"retired\":1}", "/retired", MSG_FIELD_TYPE },
	{ "org-new", "{\"kind\":\"police\",\"name\":\"x\"}", "/kind", MSG_FIELD_ENUM },
	{ "user-new", "{\"name\":\"ab\",\"roles\":[]}", "/roles", MSG_FIELD_FEW },
	{ "user-new", "{\"name\":\"ab\",\"roles\":[\"admin\",\"admin\"]}", "/roles/1", MSG_FIELD_REPEATED },
	{ "user-new", "{\"name\":\"ab\",\"roles\":[\"admin\",\"root\"]}", "/roles/1", MSG_FIELD_ENUM },
	{ "user-change", "{\"shelters\":[\"81234567890123456789abcdef\"]}", "/shelters/0", MSG_FIELD_FORMAT },
	{ "user-change", "{\"shelters\":[\"x\"]}", "/shelters/0", MSG_FIELD_SHORT },
	{ "unit-report", "{\"state\":\"held\"}", "/state", MSG_FIELD_ENUM },
	{ "unit-report", "{\"state\":\"free\",\"free_places\":-1}", "/free_places", MSG_FIELD_MIN },
	{ "unit-report", "{\"state\":\"free\",\"free_places\":41}", "/free_places", MSG_FIELD_MAX },
	{ "unit-report", "{\"state\":\"free\",\"free_places\":1.5}", "/free_places", MSG_FIELD_TYPE },
	{ "availability-change", "{\"units\":[{\"unit\":\"" ID "\"}]}", "/units/0/state", MSG_FIELD_MISSING },
	{ "episode-new", "{\"channel\":\"phone\"," HOUSEHOLD ",\"name\":\"Kis Anna\"}}", "/household/name",
	    MSG_FIELD_UNKNOWN },
	{ "episode-new",
	    "{\"channel\":\"phone\"," HOUSEHOLD ",\"children\":[{\"sex\":\"male\",\"band\":\"18\"}]}}",
	    "/household/children/0/band", MSG_FIELD_ENUM },
	{ "episode-new",
	    "{\"channel\":\"phone\"," HOUSEHOLD ",\"earliest_arrival\":\"2026-11-21T20:00:00+01:00\"}}",
	    "/household/earliest_arrival", MSG_FIELD_LONG },
	{ "episode-new",
	    "{\"channel\":\"phone\"," HOUSEHOLD ",\"earliest_arrival\":\"2026-02-30T20:00:00Z\"}}",
	    "/household/earliest_arrival", MSG_FIELD_FORMAT },
	{ "reservation-new", HOLD "\"consent\":false,\"contact_channel\":\"client_calls_house\"}", "/consent",
	    MSG_FIELD_CONST },
	{ "reservation-new", HOLD "\"contact_channel\":\"client_calls_house\"}", "/consent",
	    MSG_FIELD_MISSING },
	{ "reservation-new", HOLD "\"consent\":\"true\",\"contact_channel\":\"client_calls_house\"}",
	    "/consent", MSG_FIELD_CONST },
	{ "extension", "{\"until\":\"2027-02-29\",\"reason\":\"health\"}", "/until", MSG_FIELD_FORMAT },
	{ "location-new", "{\"address\":\"a\",\"intake_phone\":\"hívjon\"}", "/intake_phone",
	    MSG_FIELD_FORMAT },
	{ "location-new", "{\"address\":\"a\\tb\",\"intake_phone\":\"+36 1\"}", "/address",
	    MSG_FIELD_FORMAT },
};

TestSuite(schema, .init = load, .fini = unload);

Test(schema, bodies_that_keep_the_rules_are_accepted)
{
	for (size_t i = 0; i < COUNT_OF(accepted); i++)
		cr_expect_eq(check_text(accepted[i].schema, accepted[i].body), RC_OK, "%s: %s",
		    accepted[i].body, fault.item[0].pointer);
}

Test(schema, what_breaks_a_rule_is_refused_with_its_place)
{
	for (size_t i = 0; i < COUNT_OF(refused); i++) {
		cr_expect_eq(
		    check_text(refused[i].schema, refused[i].body), RC_INVALID, "%s", refused[i].body);
		cr_expect_str_eq(fault.item[0].pointer, refused[i].pointer, "%s", refused[i].body);
		cr_expect_eq(fault.item[0].msg, refused[i].msg, "%s: %u", refused[i].body, fault.item[0].msg);
		cr_expect_eq(fault.count, 1, "%s", refused[i].body);
	}
}

Test(schema, all_that_is_wrong_is_told_at_once)
{
	cr_assert_eq(check_text("org-new", "{\"kind\":\"police\",\"name\":\"\",\"town\":1}"), RC_INVALID);
	cr_expect_eq(fault.count, 3);
}

Test(schema, no_more_faults_than_the_limit_are_kept)
{
	cr_assert_eq(check_text("user-change",
			 "{\"a\":1,\"b\":1,\"c\":1,\"d\":1,\"e\":1,\"f\":1,\"g\":1,\"h\":1,\"i\":1}"),
	    RC_INVALID);
	cr_expect_eq(fault.count, LIMIT_FAULTS);
}

Test(schema, an_earlier_fault_does_not_remain)
{
	cr_assert_eq(check_text("org-change", "{\"x\":1}"), RC_INVALID);
	cr_assert_eq(check_text("org-change", "{}"), RC_OK);
	cr_expect_eq(fault.count, 0);
}

/* A person counts characters, a struct counts bytes: between the two model_read speaks. */
Test(schema, characters_are_counted_not_bytes)
{
	char body[256], name[128] = "";
	struct org o;
	json *tree;

	for (unsigned i = 0; i < 60; i++)
		strcat(name, "ő");
	(void)snprintf(body, sizeof(body), "{\"name\":\"%s\"}", name);
	cr_assert_eq(check_text("org-change", body), RC_OK);
	cr_assert_eq(json_parse(bytes_str(body), &tree, &fault), RC_OK);
	model_clear(&model_org, &o);
	cr_expect_eq(model_read(&model_org, tree, &o, &fault), RC_INVALID);
	cr_expect_str_eq(fault.item[0].pointer, "/name");
	cr_expect_eq(fault.item[0].msg, MSG_FIELD_BYTES);
	json_free(tree);
}

Test(schema, a_missing_body_is_no_object)
{
	cr_expect_eq(schema_check(schema_find(all, "org-change"), NULL, &fault), RC_INVALID);
}

Test(schema, only_whole_names_are_found)
{
	cr_expect_not_null(schema_find(all, "unit"));
	cr_expect_null(schema_find(all, "uni"));
	cr_expect_null(schema_find(all, "unit.json"));
	cr_expect_null(schema_find(all, "common.json#/$defs/id"));
}

/* ---- the compiler ---- */

static const struct {
	const char *text, *pointer, *word;
} faulty[] = {
	{ "{\"oneOf\":[]}", "x.json", "oneOf" },
	{ "{\"type\":\"objekt\"}", "x.json/type", "objekt" },
	{ "{\"type\":[]}", "x.json/type", "type" },
	{ "{\"properties\":{\"a\":{\"minimun\":1}}}", "x.json/properties/a", "minimun" },
	{ "{\"properties\":{\"a\":true}}", "x.json/properties/a", "" },
	{ "{\"properties\":{},\"required\":[\"a\"]}", "x.json/required", "a" },
	{ "{\"additionalProperties\":true}", "x.json/additionalProperties", "additionalProperties" },
	{ "{\"unevaluatedProperties\":{}}", "x.json/unevaluatedProperties", "unevaluatedProperties" },
	{ "{\"pattern\":\"^a$\"}", "x.json/pattern", "^a$" },
	{ "{\"format\":\"email\"}", "x.json/format", "email" },
	{ "{\"maxLength\":-1}", "x.json/maxLength", "maxLength" },
	{ "{\"enum\":[]}", "x.json/enum", "enum" },
	{ "{\"enum\":[{}]}", "x.json/enum", "enum" },
	{ "{\"const\":[]}", "x.json/const", "const" },
	{ "{\"type\":\"array\",\"uniqueItems\":true}", "x.json", "uniqueItems" },
	{ "{\"x-visible\":[\"root\"]}", "x.json/x-visible", "root" },
	{ "{\"x-visible\":true}", "x.json/x-visible", "x-visible" },
	{ "{\"$ref\":\"y.json\"}", "x.json", "y.json" },
	{ "{\"$ref\":\"#/$defs/a\"}", "x.json", "#/$defs/a" },
	{ "{\"$ref\":\"x.json\"}", "x.json", "x.json" },
	{ "{\"$ref\":\"#/$defs/a\",\"properties\":{},\"$defs\":{\"a\":{}}}", "x.json", "$ref" },
	{ "{\"properties\":{\"a\":{\"$defs\":{}}}}", "x.json/properties/a/$defs", "$defs" },
	{ "{\"a\":1,}", "x.json", "JSON" },
};

Test(schema_compiler, what_is_not_understood_is_refused_with_its_place)
{
	for (size_t i = 0; i < COUNT_OF(faulty); i++) {
		const struct schema_source source = { "x.json", bytes_str(faulty[i].text) };
		struct fault f = { .rc = RC_OK };
		struct schemas *out;

		cr_expect_eq(schemas_compile(&source, 1, &out, &f), RC_INVALID, "%s", faulty[i].text);
		cr_expect_null(out);
		cr_expect_str_eq(f.item[0].pointer, faulty[i].pointer, "%s", faulty[i].text);
		cr_expect_str_eq(f.item[0].word, faulty[i].word, "%s", faulty[i].text);
	}
}

Test(schema_compiler, files_may_refer_to_later_files)
{
	const struct schema_source sources[] = {
		{ "a.json", bytes_str("{\"properties\":{\"x\":{\"$ref\":\"b.json#/$defs/n\"}}}") },
		{ "b.json", bytes_str("{\"$defs\":{\"n\":{\"type\":\"integer\",\"maximum\":3}}}") },
	};
	struct fault f = { .rc = RC_OK };
	struct schemas *out;
	json *body;

	cr_assert_eq(schemas_compile(sources, COUNT_OF(sources), &out, &f), RC_OK);
	cr_assert_eq(json_parse(bytes_str("{\"x\":4}"), &body, &f), RC_OK);
	cr_expect_eq(schema_check(schema_find(out, "a"), body, &f), RC_INVALID);
	json_free(body);
	schemas_free(out);
}

/* ---- schemas and tables ---- */

static const struct schema *
object_of(const struct schema *s)
{
	while (s->ref != NULL || s->items != NULL)
		s = s->ref != NULL ? s->ref : s->items;
	return s;
}

static const struct field *
find_field(const struct model *m, const char *name)
{
	for (unsigned i = 0; i < m->count; i++)
		if (strcmp(m->fields[i].name, name) == 0 && !(m->fields[i].flags & FIELD_SECRET))
			return &m->fields[i];
	return NULL;
}

static const struct property *
find_property(const struct schema *s, const char *name)
{
	for (unsigned i = 0; i < s->property_count; i++)
		if (strcmp(s->properties[i].name, name) == 0)
			return &s->properties[i];
	return NULL;
}

static void
expect_properties_in_table(const char *name, const struct schema *s, const struct model *m, bool is_request)
{
	s = object_of(s);
	for (unsigned i = 0; i < s->property_count; i++) {
		const struct property *p = &s->properties[i];
		const struct field *f = find_field(m, p->name);

		cr_expect_not_null(f, "%s: no field for %s", name, p->name);
		if (f == NULL)
			continue;
		cr_expect(
		    !is_request || !(f->flags & FIELD_READ_ONLY), "%s: %s cannot be set", name, p->name);
		if (f->sub != NULL)
			expect_properties_in_table(name, p->schema, f->sub, is_request);
	}
}

static void
expect_fields_in_schema(const char *name, const struct schema *s, const struct model *m)
{
	s = object_of(s);
	for (unsigned i = 0; i < m->count; i++) {
		const struct field *f = &m->fields[i];
		const struct property *p = find_property(s, f->name);

		if (f->flags & FIELD_SECRET)
			continue;
		cr_expect_not_null(p, "%s: no property for %s", name, f->name);
		if (p != NULL && f->sub != NULL)
			expect_fields_in_schema(name, p->schema, f->sub);
	}
}

static const struct {
	const char *schema;
	const struct model *m;
	bool is_part; /* not every field of the model */
} requests[] = {
	{ "sign-in", &model_sign_in, false },
	{ "passphrase-change", &model_passphrase_change, false },
	{ "org-new", &model_org, true },
	{ "org-change", &model_org, true },
	{ "user-new", &model_user, true },
	{ "user-change", &model_user, true },
	{ "device-new", &model_device_new, false },
	{ "device-kit-new", &model_device_kit_new, false },
	{ "shelter-new", &model_shelter, true },
	{ "shelter-change", &model_shelter, true },
	{ "unit-new", &model_unit, true },
	{ "unit-change", &model_unit, false },
	{ "unit-report", &model_unit_report_item, true },
	{ "availability-change", &model_availability_change, false },
	{ "location-new", &model_location, false },
	{ "episode-new", &model_episode_new, false },
	{ "episode-close", &model_episode_close, false },
	{ "reservation-new", &model_reservation_new, false },
	{ "reason-decline", &model_reason_decline, false },
	{ "reason-client", &model_reason_client, false },
	{ "reason-cancel", &model_reason_cancel, false },
	{ "reason-disclose", &model_reason_disclose, false },
	{ "reason-leave", &model_reason_leave, false },
	{ "extension", &model_extension, false },
};

Test(schema, every_member_of_a_request_is_read)
{
	for (size_t i = 0; i < COUNT_OF(requests); i++) {
		const struct schema *s = schema_find(all, requests[i].schema);

		cr_assert_not_null(s, "%s", requests[i].schema);
		cr_expect(s->is_closed, "%s", requests[i].schema);
		expect_properties_in_table(requests[i].schema, s, requests[i].m, true);
		if (!requests[i].is_part)
			expect_fields_in_schema(requests[i].schema, s, requests[i].m);
	}
}

static bool
is_request(const struct model *m)
{
	for (size_t i = 0; i < COUNT_OF(requests); i++)
		if (strcmp(requests[i].schema, m->name) == 0)
			return true;
	return false;
}

static void
expect_agreement(const struct model *m)
{
	const struct schema *s;

	if (m->name == NULL || is_request(m))
		return;
	s = schema_find(all, m->name);
	cr_assert_not_null(s, "%s", m->name);
	cr_expect(s->is_closed, "%s", m->name);
	expect_properties_in_table(m->name, s, m, false);
	expect_fields_in_schema(m->name, s, m);
}

Test(schema, replies_and_tables_agree_both_ways)
{
	for (size_t i = 0; i < COUNT_OF(stored_models); i++)
		expect_agreement(stored_models[i]);
	for (size_t i = 0; i < COUNT_OF(body_models); i++)
		expect_agreement(body_models[i]);
}
