/* SPDX-License-Identifier: Apache-2.0 */
/* Texts in the spirit of the public JSON parsing suites: what must be read, what must be refused, and how it
 * says so. */
#include <cjson/cJSON.h>
#include <criterion/criterion.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../starving.h"
#include "base/json.h"

#define S(text) text, sizeof(text) - 1

struct text {
	const char *p;
	size_t len;
};

static enum rc
parse(const char *p, size_t len, json **tree, struct fault *f)
{
	fault_clear(f);
	return json_parse((struct bytes){ (const uint8_t *)p, len }, tree, f);
}

static const struct text good[] = {
	{ S("null") },
	{ S("true") },
	{ S("false") },
	{ S(" \t\r\n0 \t\r\n") },
	{ S("-0") },
	{ S("-1") },
	{ S("10") },
	{ S("0.5") },
	{ S("-0.0e-0") },
	{ S("1e5") },
	{ S("1E+5") },
	{ S("1.25e-3") },
	{ S("9007199254740991") },
	{ S("-9007199254740991") },
	{ S("1e22") },
	{ S("1.7976931348623157e308") },
	{ S("0.00000000000000000000000000000000000001") },
	{ S("\"\"") },
	{ S("\"a\"") },
	{ S("\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"") },
	{ S("\"\\u0041\\u00e1\\u20AC\"") },
	{ S("\"\\ud83d\\ude00\"") },
	{ S("\"\\uDBFF\\uDFFF\"") },
	{ S("\"\\uE000\\uFFFF\"") },
	{ S("\"\xc3\xa1rv\xc3\xadz\"") },
	{ S("\"\xe2\x82\xac\xf0\x9f\x98\x80\"") },
	{ S("\"\xf4\x8f\xbf\xbf\"") },
	{ S("\"\xef\xbf\xbe\"") },
	{ S("\"\x7f\"") },
	{ S("\"/ * no comment\"") },
	{ S("[]") },
	{ S("[ ]") },
	{ S("{}") },
	{ S("{ }") },
	{ S("[1,2 , 3]") },
	{ S("[[],{},[{}]]") },
	{ S("{\"\":0}") },
	{ S("{\"a\":1,\"A\":2}") },
	{ S("{\"a\":{\"a\":{\"a\":null}}}") },
	{ S("[{\"a\":1},{\"a\":1}]") },
	{ S("[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]") },
};

Test(json, valid_texts_are_read)
{
	for (size_t i = 0; i < COUNT_OF(good); i++) {
		struct fault f;
		json *tree;

		cr_assert_eq(parse(good[i].p, good[i].len, &tree, &f), RC_OK, "%s", good[i].p);
		cr_assert_not_null(tree);
		json_free(tree);
	}
}

static const struct text bad[] = {
	{ S("") },
	{ S(" ") },
	{ S("nul") },
	{ S("nulll") },
	{ S("NULL") },
	{ S("True") },
	{ S("tru") },
	{ S("true false") },
	{ S("NaN") },
	{ S("Infinity") },
	{ S("-Infinity") },
	{ S("undefined") },
	{ S("+1") },
	{ S("-") },
	{ S("--1") },
	{ S("- 1") },
	{ S("01") },
	{ S("-01") },
	{ S("00") },
	{ S("1.") },
	{ S(".5") },
	{ S("-.5") },
	{ S("1.e1") },
	{ S("1e") },
	{ S("1e+") },
	{ S("1e-+1") },
	{ S("1e1.5") },
	{ S("1eE1") },
	{ S("0x10") },
	{ S("1_000") },
	{ S("1 000") },
	{ S("1a") },
	{ S("\xef\xbc\x91") },
	{ S("\"") },
	{ S("\"a") },
	{ S("'a'") },
	{ S("a") },
	{ S("\"a\"b") },
	{ S("\"a\"\"b\"") },
	{ S("\"\\\"") },
	{ S("\"\\") },
	{ S("\"\\a\"") },
	{ S("\"\\x41\"") },
	{ S("\"\\'\"") },
	{ S("\"\\\0\"") },
	{ S("\"\\u\"") },
	{ S("\"\\u004\"") },
	{ S("\"\\u004g\"") },
	{ S("\"\\U0041\"") },
	{ S("\"\\u 041\"") },
	{ S("\"\\u+041\"") },
	{ S("\"\\u0000\"") },
	{ S("\"\\ud800\"") },
	{ S("\"\\udc00\"") },
	{ S("\"\\ud800a\"") },
	{ S("\"\\ud800\\n\"") },
	{ S("\"\\ud800\\u0041\"") },
	{ S("\"\\ud800\\ud800\"") },
	{ S("\"\\udc00\\ud800\"") },
	{ S("\"\\ud83d\\u\"") },
	{ S("\"\t\"") },
	{ S("\"\n\"") },
	{ S("\"\x1f\"") },
	{ S("\"a\0b\"") },
	{ S("1\0") },
	{ S("\0") },
	{ S("[") },
	{ S("]") },
	{ S("{") },
	{ S("}") },
	{ S("[1") },
	{ S("[1,") },
	{ S("[1,]") },
	{ S("[,1]") },
	{ S("[,]") },
	{ S("[1,,2]") },
	{ S("[1 2]") },
	{ S("[1]]") },
	{ S("[1}") },
	{ S("{]") },
	{ S("[1:2]") },
	{ S("[\"a\":1]") },
	{ S("{\"a\"}") },
	{ S("{\"a\":}") },
	{ S("{\"a\":1,}") },
	{ S("{,\"a\":1}") },
	{ S("{\"a\":1 \"b\":2}") },
	{ S("{\"a\" 1}") },
	{ S("{\"a\"::1}") },
	{ S("{\"a\",1}") },
	{ S("{a:1}") },
	{ S("{'a':1}") },
	{ S("{1:1}") },
	{ S("{null:1}") },
	{ S("{\"a\":1}}") },
	{ S("{\"a\":1},") },
	{ S("{}{}") },
	{ S("[][]") },
	{ S("// c\n1") },
	{ S("1 // c") },
	{ S("/* c */1") },
	{ S("1#") },
	{ S("\xef\xbb\xbf{}") },
	{ S("\xc2\xa0"
	    "1") },
	{ S("\x0c"
	    "1") },
	{ S("\v1") },
};

Test(json, invalid_texts_are_refused_as_malformed)
{
	for (size_t i = 0; i < COUNT_OF(bad); i++) {
		struct fault f;
		json *tree;

		cr_assert_eq(
		    parse(bad[i].p, bad[i].len, &tree, &f), RC_MALFORMED, "row %zu: %s", i, bad[i].p);
		cr_assert_null(tree);
		cr_assert_eq(f.count, 1u);
		cr_assert_eq(f.item[0].msg, MSG_JSON_SYNTAX, "row %zu: %s", i, bad[i].p);
	}
}

/* An exact prefix in memory of its own: one byte read too far is seen by the address sanitizer. */
Test(json, every_prefix_of_a_text_is_refused_without_reading_past_it)
{
	static const char text[] = "{\"a\":[1.5e+3,\"\\ud83d\\ude00\xc3\xa1\\n\",true,null,{\"b\":false}]}";

	for (size_t len = 0; len < sizeof(text) - 1; len++) {
		char *exact = malloc(len + (len == 0));
		struct fault f;
		json *tree;

		memcpy(exact, text, len);
		cr_assert_eq(parse(exact, len, &tree, &f), RC_MALFORMED, "%zu bytes", len);
		free(exact);
	}
}

static const struct {
	const char *p;
	size_t len;
	enum msg msg;
	long number;
} told[] = {
	{ S("[1,]"), MSG_JSON_SYNTAX, 4 },
	{ S("[1"), MSG_JSON_SYNTAX, 3 },
	{ S("\"\xc0\xaf\""), MSG_JSON_UTF8, 2 },
	{ S("\"\xed\xa0\x80\""), MSG_JSON_UTF8, 2 },
	{ S("\"\xf4\x90\x80\x80\""), MSG_JSON_UTF8, 2 },
	{ S("\"\xf5\x80\x80\x80\""), MSG_JSON_UTF8, 2 },
	{ S("\"a\xe2\x82\""), MSG_JSON_UTF8, 3 },
	{ S("\"\x80\""), MSG_JSON_UTF8, 2 },
	{ S("[1]\xff"), MSG_JSON_UTF8, 4 },
	{ S("\xff\xfe{\0}\0"), MSG_JSON_UTF8, 1 },
	{ S("[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]"), MSG_JSON_DEPTH, LIMIT_JSON_DEPTH },
	{ S("9007199254740992"), MSG_JSON_NUMBER, 17 },
	{ S("-9007199254740993"), MSG_JSON_NUMBER, 18 },
	{ S("123456789012345678901234567890"), MSG_JSON_NUMBER, 31 },
	{ S("1e400"), MSG_JSON_NUMBER, 6 },
	{ S("-1e400"), MSG_JSON_NUMBER, 7 },
	{ S("1e-400"), MSG_JSON_NUMBER, 7 },
	{ S("0.000000000000000000000000000000000000001"), MSG_JSON_NUMBER, 42 },
	{ S("{\"a\":1,\"a\":1}"), MSG_JSON_DUPLICATE, 0 },
	{ S("{\"a\":1,\"b\":2,\"\\u0061\":3}"), MSG_JSON_DUPLICATE, 0 },
	{ S("[0,{\"x\":{\"a\":1,\"a\":2}}]"), MSG_JSON_DUPLICATE, 0 },
	{ S("[[{\"b\":1}],{\"a\":[],\"a\":[]}]"), MSG_JSON_DUPLICATE, 0 },
};

Test(json, refusals_say_what_and_where)
{
	for (size_t i = 0; i < COUNT_OF(told); i++) {
		struct fault f;
		json *tree;

		cr_assert_eq(parse(told[i].p, told[i].len, &tree, &f), RC_MALFORMED, "%s", told[i].p);
		cr_assert_eq(f.item[0].msg, told[i].msg, "%s", told[i].p);
		cr_assert_eq(f.item[0].number, told[i].number, "%s: %ld", told[i].p, f.item[0].number);
	}
}

Test(json, a_duplicate_is_named)
{
	struct fault f;
	json *tree;

	cr_assert_eq(parse(S("{\"beds\":1,\"b\\u0065ds\":2}"), &tree, &f), RC_MALFORMED);
	cr_assert_str_eq(f.item[0].word, "beds");
}

/* ${members} members with names of their own. */
static size_t
wide_object(char *out, size_t cap, unsigned members)
{
	size_t len = 0;

	out[len++] = '{';
	for (unsigned i = 0; i < members; i++)
		len += (size_t)snprintf(out + len, cap - len, "%s\"m%u\":%u", i == 0 ? "" : ",", i, i);
	out[len++] = '}';
	return len;
}

Test(json, members_are_bounded)
{
	char text[8192];
	struct fault f;
	json *tree;

	cr_assert_eq(parse(text, wide_object(text, sizeof(text), LIMIT_JSON_MEMBERS), &tree, &f), RC_OK);
	cr_assert_eq(json_count(tree), LIMIT_JSON_MEMBERS);
	json_free(tree);
	cr_assert_eq(
	    parse(text, wide_object(text, sizeof(text), LIMIT_JSON_MEMBERS + 1), &tree, &f), RC_MALFORMED);
	cr_assert_eq(f.item[0].msg, MSG_JSON_MEMBERS);
}

Test(json, a_hundred_thousand_brackets_are_refused_without_a_deep_stack)
{
	const size_t len = 100000;
	char *text = malloc(len);
	struct fault f;
	json *tree;

	memset(text, '[', len);
	cr_assert_eq(parse(text, len, &tree, &f), RC_MALFORMED);
	cr_assert_eq(f.item[0].msg, MSG_JSON_DEPTH);
	free(text);
}

static const struct {
	const char *text;
	enum json_type type;
} types[] = {
	{ "null", JSON_NULL },
	{ "true", JSON_BOOL },
	{ "false", JSON_BOOL },
	{ "0", JSON_INTEGER },
	{ "-0", JSON_INTEGER },
	{ "9007199254740991", JSON_INTEGER },
	{ "1.0", JSON_INTEGER },
	{ "1e2", JSON_INTEGER },
	{ "-9007199254740991", JSON_INTEGER },
	{ "1.5", JSON_REAL },
	{ "1e300", JSON_REAL },
	{ "-1e300", JSON_REAL },
	{ "9007199254740992.0", JSON_REAL },
	{ "1e-300", JSON_REAL },
	{ "\"\"", JSON_STRING },
	{ "[]", JSON_ARRAY },
	{ "{}", JSON_OBJECT },
};

Test(json, types_are_those_of_json_schema)
{
	for (size_t i = 0; i < COUNT_OF(types); i++) {
		struct fault f;
		json *tree;

		cr_assert_eq(
		    parse(types[i].text, strlen(types[i].text), &tree, &f), RC_OK, "%s", types[i].text);
		cr_assert_eq(json_type(tree), types[i].type, "%s", types[i].text);
		json_free(tree);
	}
	cr_assert_str_eq(json_type_name(JSON_BOOL), "boolean");
	cr_assert_str_eq(json_type_name(JSON_REAL), "number");
}

Test(json, the_tree_can_be_read)
{
	struct fault f;
	json *tree;
	const json *list;

	cr_assert_eq(
	    parse(S("{\"n\":-42,\"s\":\"\\u00e1\\n\",\"t\":true,\"l\":[1,\"x\"],\"z\":null}"), &tree, &f),
	    RC_OK);
	cr_assert_eq((long)json_number(json_get(tree, "n")), -42);
	cr_assert_str_eq(json_string(json_get(tree, "s")), "\xc3\xa1\n");
	cr_assert(json_bool(json_get(tree, "t")));
	cr_assert_eq(json_type(json_get(tree, "z")), JSON_NULL);
	cr_assert_str_eq(json_name(json_next(json_first(tree))), "s");
	list = json_get(tree, "l");
	cr_assert_eq(json_count(list), 2u);
	cr_assert_str_eq(json_string(json_next(json_first(list))), "x");
	cr_assert_null(json_next(json_next(json_first(list))));
	json_free(tree);
}

Test(json, names_are_case_sensitive)
{
	struct fault f;
	json *tree;

	cr_assert_eq(parse(S("{\"Role\":\"admin\"}"), &tree, &f), RC_OK);
	cr_assert_null(json_get(tree, "role"));
	json_free(tree);
}

Test(json, values_of_another_type_read_as_nothing)
{
	struct fault f;
	json *tree;

	cr_assert_eq(parse(S("[\"1\",1]"), &tree, &f), RC_OK);
	cr_assert_eq((int)json_number(json_first(tree)), 0);
	cr_assert_str_eq(json_string(json_next(json_first(tree))), "");
	cr_assert_not(json_bool(json_next(json_first(tree))));
	cr_assert_null(json_get(tree, "a"));
	cr_assert_str_eq(json_name(json_first(tree)), "");
	json_free(tree);
	json_free(NULL);
	cr_assert_null(json_next(NULL));
	cr_assert_null(json_get(NULL, "a"));
	cr_assert_null(json_first(NULL));
	cr_assert_eq(json_type(NULL), JSON_NULL);
	cr_assert_eq(json_count(NULL), 0u);
	cr_assert_str_eq(json_string(NULL), "");
	cr_assert_str_eq(json_name(NULL), "");
}

static unsigned strings_seen, secrets_seen;

static void
inspecting_free(void *p)
{
	if (p != NULL) {
		strings_seen++;
		secrets_seen += memmem(p, malloc_usable_size(p), "passphrase", 10) != NULL;
	}
	free(p);
}

Test(json, strings_are_wiped_before_their_memory_is_freed)
{
	cJSON_Hooks hooks = { malloc, inspecting_free };
	struct fault f;
	json *tree;

	cJSON_InitHooks(&hooks);
	cr_assert_eq(
	    parse(S("[\"my passphrase\",{\"a\":[\"passphrase\"]},\"passphrase\"]"), &tree, &f), RC_OK);
	json_free(tree);
	cJSON_InitHooks(NULL);
	cr_assert_gt(strings_seen, 6u);
	cr_assert_eq(secrets_seen, 0u);
}

/* Whatever the check lets through, cJSON must read: else a caller would take bad syntax for lack of memory.
 */
Test(json, mutated_texts_never_pass_the_check_and_fail_in_the_parser)
{
	static const char seed_text[] =
	    "{\"a\":[1.5e+3,\"\\ud83d\\ude00\xc3\xa1\\n\",true,null,{\"b\":-0,\"c\":[]}]}";
	static const char letters[] = "{}[]\",:\\u0d8ce+-.129 \ntf\xc3\xa1\x01";
	unsigned accepted = 0;
	uint64_t seed = 20261121;

	for (unsigned round = 0; round < 30000; round++) {
		char text[sizeof(seed_text)];
		struct bytes view = { (const uint8_t *)text, sizeof(text) - 1 };
		struct fault f = { 0 };
		json *tree;
		enum rc rc;

		memcpy(text, seed_text, sizeof(text));
		for (unsigned i = 0; i <= round % 3; i++) {
			seed = seed * 6364136223846793005u + 1442695040888963407u;
			text[(seed >> 33) % view.len] = letters[(seed >> 48) % (sizeof(letters) - 1)];
		}
		rc = json_check(view, &f);
		if (rc != RC_OK)
			continue;
		rc = json_parse(view, &tree, &f);
		cr_assert(
		    rc == RC_OK || (rc == RC_MALFORMED && f.item[0].msg == MSG_JSON_DUPLICATE), "%s", text);
		json_free(tree);
		accepted++;
	}
	cr_assert_gt(accepted, 100u);
}

/* The check lets none through that is so deep; who frees one all the same must not write behind its path. */
Test(json, a_tree_deeper_than_any_text_is_freed)
{
	cJSON *tree = cJSON_CreateArray(), *at = tree;

	for (unsigned i = 0; i < 3 * LIMIT_JSON_DEPTH; i++) {
		cJSON *inner = cJSON_CreateArray();

		cr_assert(cJSON_AddItemToArray(at, inner));
		at = inner;
	}
	json_free(tree);
}

Test(json, without_memory_nothing_is_parsed)
{
	json *tree;
	enum rc rc;
	struct morsel *taken;

	NEEDS_HUNGER();
	taken = starve();
	rc = json_parse(bytes_str("{\"a\":1}"), &tree, NULL);
	feed(taken);
	cr_assert_eq(rc, RC_BUSY);
	cr_assert_null(tree);
}
