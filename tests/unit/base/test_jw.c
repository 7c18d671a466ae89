/* SPDX-License-Identifier: Apache-2.0 */
/* The writer against golden texts and against our own reader. */
#include <criterion/criterion.h>
#include <string.h>

#include "base/json.h"
#include "base/jw.h"

static void
write_sample(struct jw *w)
{
	static const struct id id = { .b = { [15] = 1 } };

	jw_open(w, '{');
	jw_field_string(w, "s", "a\"b");
	jw_field_int(w, "n", INT64_MIN);
	jw_field_bool(w, "t", true);
	jw_field_id(w, "id", &id);
	jw_field_time(w, "at", 0);
	jw_name(w, "list");
	jw_open(w, '[');
	jw_int(w, 1);
	jw_null(w);
	jw_open(w, '{');
	jw_close(w, '}');
	jw_bool(w, false);
	jw_close(w, ']');
	jw_name(w, "raw");
	jw_raw(w, "{\"x\":1}", 7);
	jw_name(w, "empty");
	jw_open(w, '[');
	jw_close(w, ']');
	jw_opening(w, "\"plain\":", 8);
	jw_open(w, '[');
	jw_plain(w, "", 0);
	jw_plain(w, "a_b", 3);
	jw_close(w, ']');
	jw_opening(w, "\"last\":", 7);
	jw_plain(w, "z", 1);
	jw_close(w, '}');
}

static const char sample[] = "{\"s\":\"a\\\"b\",\"n\":-9223372036854775808,\"t\":true,"
			     "\"id\":\"00000000000000000000000001\",\"at\":\"1970-01-01T00:00:00Z\","
			     "\"list\":[1,null,{},false],\"raw\":{\"x\":1},\"empty\":[],"
			     "\"plain\":[\"\",\"a_b\"],\"last\":\"z\"}";

Test(jw, commas_stand_between_values_only)
{
	char buf[512];
	struct jw w;

	jw_init(&w, buf, sizeof(buf));
	write_sample(&w);
	cr_assert_not(w.overflow);
	cr_assert_eq(w.len, sizeof(sample) - 1);
	cr_assert_eq(memcmp(buf, sample, w.len), 0, "%.*s", (int)w.len, buf);
}

Test(jw, every_size_that_is_too_small_overflows_and_stays_inside)
{
	char buf[512];
	struct jw w;

	for (size_t cap = 0; cap < sizeof(sample) - 1; cap++) {
		memset(buf, 0x55, sizeof(buf));
		jw_init(&w, buf, cap);
		write_sample(&w);
		cr_assert(w.overflow, "cap %zu", cap);
		cr_assert_leq(w.len, cap);
		for (size_t i = cap; i < sizeof(buf); i++)
			cr_assert_eq(buf[i], 0x55, "cap %zu wrote at %zu", cap, i);
	}
	jw_init(&w, buf, sizeof(sample) - 1);
	write_sample(&w);
	cr_assert_not(w.overflow);
}

Test(jw, nothing_is_written_after_an_overflow)
{
	char buf[4];
	struct jw w;

	jw_init(&w, buf, sizeof(buf));
	jw_string(&w, "too long");
	const size_t len = w.len;

	jw_int(&w, 1);
	cr_assert_eq(w.len, len);
	cr_assert(w.overflow);
}

Test(jw, strings_come_back_as_they_were)
{
	char all[0x80 + 16], buf[1024];
	size_t len = 0;
	struct fault f;
	struct jw w;
	json *tree;

	for (char c = 1; c != 0x7f; c++)
		all[len++] = c;
	memcpy(all + len, "\x7f\xc3\xa1\xf0\x9f\x98\x80", 8);
	jw_init(&w, buf, sizeof(buf));
	jw_string(&w, all);
	cr_assert_not(w.overflow);
	cr_assert_eq(json_parse((struct bytes){ (const uint8_t *)buf, w.len }, &tree, &f), RC_OK);
	cr_assert_str_eq(json_string(tree), all);
	json_free(tree);
}

Test(jw, a_string_of_given_length_may_hold_nul)
{
	char buf[32];
	struct jw w;

	jw_init(&w, buf, sizeof(buf));
	jw_string_n(&w, "a\0\x1f", 3);
	cr_assert_eq(w.len, 15u);
	cr_assert_eq(memcmp(buf, "\"a\\u0000\\u001f\"", 15), 0);
}

Test(jw, sixteen_digit_integers_are_exact)
{
	char buf[32];
	struct jw w;

	jw_init(&w, buf, sizeof(buf));
	jw_int(&w, INT64_C(9007199254740991));
	cr_assert_eq(w.len, 16u);
	cr_assert_eq(memcmp(buf, "9007199254740991", 16), 0);
}

Test(jw, what_must_be_escaped_is_found_at_every_place_and_nothing_else_is)
{
	char text[24], buf[64];

	for (unsigned c = 1; c < 256; c++) {
		const bool is_escaped = c < 0x20 || c == '"' || c == '\\';

		for (size_t at = 0; at < sizeof(text); at++) {
			struct jw w;

			memset(text, 0xc3, sizeof(text));
			text[at] = (char)c;
			jw_init(&w, buf, sizeof(buf));
			jw_string_n(&w, text, sizeof(text));
			cr_assert_eq(
			    memchr(buf + 1, '\\', w.len) != NULL, is_escaped, "byte %u at %zu", c, at);
			if (!is_escaped)
				cr_assert_eq(memcmp(buf + 1, text, sizeof(text)), 0);
		}
	}
}
