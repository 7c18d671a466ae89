/* SPDX-License-Identifier: Apache-2.0 */
/* Encodings against the vectors of their RFCs, and each way to write one value a second time. */
#include <criterion/criterion.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/bytes.h"

static size_t
encode(uint32_t code, char out[4])
{
	if (code < 0x80) {
		out[0] = (char)code;
		return 1;
	}
	if (code < 0x800) {
		out[0] = (char)(0xc0 | code >> 6);
		out[1] = (char)(0x80 | (code & 63));
		return 2;
	}
	if (code < 0x10000) {
		out[0] = (char)(0xe0 | code >> 12);
		out[1] = (char)(0x80 | (code >> 6 & 63));
		out[2] = (char)(0x80 | (code & 63));
		return 3;
	}
	out[0] = (char)(0xf0 | code >> 18);
	out[1] = (char)(0x80 | (code >> 12 & 63));
	out[2] = (char)(0x80 | (code >> 6 & 63));
	out[3] = (char)(0x80 | (code & 63));
	return 4;
}

Test(bytes, utf8_takes_every_character_but_nul_and_surrogates)
{
	for (uint32_t code = 0; code < 0x120000; code++) {
		const bool is_character = code > 0 && code < 0x110000 && (code < 0xd800 || code > 0xdfff);
		char text[4];
		size_t len = encode(code, text);

		cr_assert_eq(utf8_is_valid(text, len), is_character, "U+%04x", code);
		if (len > 1)
			cr_assert_not(utf8_is_valid(text, len - 1), "U+%04x cut", code);
	}
}

Test(bytes, utf8_refuses_overlong_and_stray_bytes)
{
	static const char *const texts[] = {
		"\x80",
		"\xbf",
		"\xc0\x80",
		"\xc1\xbf",
		"\xe0\x80\x80",
		"\xe0\x9f\xbf",
		"\xf0\x80\x80\x80",
		"\xf0\x8f\xbf\xbf",
		"\xf8\x88\x80\x80\x80",
		"\xfe",
		"\xff",
		"a\xc3",
		"\xc3(",
		"\xe2\x82(",
		"\xf0\x9f\x98(",
	};

	for (size_t i = 0; i < COUNT_OF(texts); i++)
		cr_assert_not(utf8_is_valid(texts[i], strlen(texts[i])), "row %zu", i);
}

Test(bytes, utf8_prefix_ends_before_a_broken_or_cut_character)
{
	cr_assert_eq(utf8_prefix("", 0), 0u);
	cr_assert_eq(utf8_prefix("a\xc3\xa1z", 4), 4u);
	cr_assert_eq(utf8_prefix("a\xc3\xa1z", 2), 1u);
	cr_assert_eq(utf8_prefix("ab\xff"
				 "c",
			 4),
	    2u);
	cr_assert_eq(utf8_prefix("ab\0c", 4), 2u);
}

Test(bytes, a_tame_text_sends_nothing_to_a_terminal_and_keeps_its_letters)
{
	static const char *const rows[][2] = {
		{ "Nyugat 1, \xc5\x91si ház", "Nyugat 1, \xc5\x91si ház" },
		{ "\x1b]52;c;aGk=\x07", "?]52;c;aGk=?" },
		{ "a\xc2\x9b"
		  "2Jb\nc\x7f",
		    "a??2Jb?c?" },
		{ "cut \xc5", "cut ?" },
		{ "", "" },
	};

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		char text[64];

		(void)str_copy(text, sizeof(text), rows[i][0]);
		text_tame(text);
		cr_expect_str_eq(text, rows[i][1], "row %zu", i);
	}
}

Test(bytes, hex_is_lower_case_and_comes_back)
{
	static const uint8_t raw[] = { 0x00, 0x0f, 0xa5, 0xff };
	uint8_t back[4] = { 1, 1, 1, 1 };
	char text[9];

	hex_format(raw, sizeof(raw), text);
	cr_assert_str_eq(text, "000fa5ff");
	cr_assert(hex_parse(text, 8, back, sizeof(back)));
	cr_assert_eq(memcmp(raw, back, sizeof(raw)), 0);
}

Test(bytes, hex_refuses_other_texts)
{
	static const char *const texts[] = { "", "0", "000fa5f", "000fa5ff0", "000fa5ff00", "000FA5FF",
		"000fa5fg", " 00fa5ff" };
	uint8_t out[4];

	for (size_t i = 0; i < COUNT_OF(texts); i++)
		cr_assert_not(hex_parse(texts[i], strlen(texts[i]), out, sizeof(out)), "%s", texts[i]);
}

Test(bytes, base64url_matches_rfc_4648)
{
	static const char *const rows[][2] = {
		{ "", "" },
		{ "f", "Zg" },
		{ "fo", "Zm8" },
		{ "foo", "Zm9v" },
		{ "foob", "Zm9vYg" },
		{ "fooba", "Zm9vYmE" },
		{ "foobar", "Zm9vYmFy" },
		{ "\xfb\xff\xfe", "-__-" },
	};

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		const size_t len = strlen(rows[i][0]);
		uint8_t back[8];
		char text[16];
		size_t got;

		cr_assert_eq(base64url_format((const uint8_t *)rows[i][0], len, text), BASE64URL_LEN(len));
		cr_assert_str_eq(text, rows[i][1]);
		cr_assert(base64url_parse(text, strlen(text), back, len, &got));
		cr_assert_eq(got, len);
		cr_assert_eq(memcmp(back, rows[i][0], len), 0);
	}
}

Test(bytes, base64url_has_one_text_for_each_value)
{
	static const char *const texts[] = { "Zg==", "Zg=", "Zh", "Zm9=", "Zm9", "+//+", "Z", "Zm9vY", "Zg\n",
		" Zg", "Z\xc3", "{g" };
	uint8_t out[8];
	size_t len;

	for (size_t i = 0; i < COUNT_OF(texts); i++)
		cr_assert_not(
		    base64url_parse(texts[i], strlen(texts[i]), out, sizeof(out), &len), "%s", texts[i]);
}

Test(bytes, a_number_is_written_in_digits)
{
	static const uint64_t values[] = { 0, 9, 10, 2000, UINT32_MAX, UINT64_MAX };
	char text[DECIMAL_MAX + 1], expected[32];

	for (size_t i = 0; i < COUNT_OF(values); i++) {
		int len = snprintf(expected, sizeof(expected), "%" PRIu64, values[i]);

		memset(text, 'x', sizeof(text));
		cr_assert_eq(decimal_format(values[i], text), (size_t)len);
		cr_assert_str_eq(text, expected);
	}
}

Test(bytes, base64url_stops_at_the_room_given)
{
	uint8_t out[3] = { 0, 0, 0x55 };
	size_t len;

	cr_assert_not(base64url_parse("Zm9v", 4, out, 2, &len));
	cr_assert_eq(len, 0u);
	cr_assert_eq(out[2], 0x55);
}

Test(bytes, equal_compares_length_and_every_byte)
{
	cr_assert(bytes_equal(bytes_str("abc"), bytes_str("abc")));
	cr_assert(bytes_equal(bytes_str(""), (struct bytes){ NULL, 0 }));
	cr_assert_not(bytes_equal(bytes_str("abc"), bytes_str("abd")));
	cr_assert_not(bytes_equal(bytes_str("abc"), bytes_str("bbc")));
	cr_assert_not(bytes_equal(bytes_str("abc"), bytes_str("ab")));
}

Test(bytes, sizes_do_not_wrap)
{
	size_t out;

	cr_assert(size_add(1, 2, &out));
	cr_assert_eq(out, 3u);
	cr_assert_not(size_add(SIZE_MAX, 1, &out));
	cr_assert(size_mul(6, 7, &out));
	cr_assert_eq(out, 42u);
	cr_assert_not(size_mul(SIZE_MAX / 2 + 1, 2, &out));
}

Test(bytes, numbers_are_digits_within_their_bound)
{
	static const struct {
		const char *text;
		uint64_t most, value;
		bool is_good;
	} rows[] = {
		{ "0", 0, 0, true },
		{ "5", 5, 5, true },
		{ "6", 5, 0, false },
		{ "9", 1, 0, false },
		{ "65535", UINT16_MAX, 65535, true },
		{ "65536", UINT16_MAX, 0, false },
		{ "18446744073709551615", UINT64_MAX, UINT64_MAX, true },
		{ "18446744073709551616", UINT64_MAX, 0, false },
		{ "99999999999999999999", UINT64_MAX, 0, false },
		{ "", 5, 0, false },
		{ "-1", 5, 0, false },
		{ " 1", 5, 0, false },
		{ "1 ", 5, 0, false },
	};

	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		uint64_t value;

		cr_expect_eq(text_number(rows[i].text, rows[i].most, &value), rows[i].is_good, "row %u", i);
		if (rows[i].is_good)
			cr_expect_eq(value, rows[i].value, "row %u", i);
	}
}

Test(bytes, a_line_has_exactly_so_many_fields)
{
	char three[] = "a  c", two[] = "a b", one[] = "";
	char *field[3];

	cr_assert(text_split(three, field, 3));
	cr_assert_str_eq(field[0], "a");
	cr_assert_str_eq(field[1], "");
	cr_assert_str_eq(field[2], "c");
	cr_assert_not(text_split(two, field, 3));
	cr_assert(text_split(one, field, 1));
	cr_assert_str_eq(field[0], "");
	(void)strcpy(three, "a b");
	cr_assert_not(text_split(three, field, 1));
}

Test(bytes, copies_are_cut_and_ended)
{
	char out[4];

	cr_assert(str_copy(out, sizeof(out), "abc"));
	cr_assert_str_eq(out, "abc");
	cr_assert_not(str_copy(out, sizeof(out), "wxyz"));
	cr_assert_str_eq(out, "wxy");
	cr_assert_not(str_copy(out, 0, "1"));
	cr_assert_str_eq(out, "wxy");
}

Test(bytes, integers_are_big_endian)
{
	static const uint8_t wanted[] = { 0x01, 0x02, 0x03, 0x04, 0x85, 0x06, 0x07, 0x08 };
	uint8_t out[8];

	put_u64(out, 0x0102030485060708u);
	cr_assert_eq(memcmp(out, wanted, 8), 0);
	cr_assert_eq(get_u64(out), 0x0102030485060708u);
	cr_assert_eq(get_u32(out + 4), 0x85060708u);
	put_u32(out, UINT32_MAX);
	cr_assert_eq(get_u32(out), UINT32_MAX);
}

Test(bytes, wipe_leaves_zeros)
{
	char text[] = "secret";

	wipe(text, sizeof(text));
	for (size_t i = 0; i < sizeof(text); i++)
		cr_assert_eq(text[i], 0);
	wipe(NULL, 0);
}
