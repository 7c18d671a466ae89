/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <string.h>

#include "base/bytes.h"
#include "domain/reservation.h"

static char words[256][16];

static void
setup(void)
{
	for (unsigned i = 0; i < 256; i++) {
		uint8_t random[8] = { (uint8_t)i };
		char number[8];

		reservation_words(random, words[i], number);
	}
}

TestSuite(words, .init = setup);

/* The letters without their accents, as a bad telephone line carries them. */
static size_t
fold(const char *word, char out[16])
{
	static const char *const accents[] = { "áa", "ée", "íi", "óo", "öo", "őo", "úu", "üu", "űu" };
	size_t len = 0;

	while (*word != '\0') {
		char plain = *word;
		size_t step = 1;

		for (size_t i = 0; i < COUNT_OF(accents); i++) {
			if (strncmp(word, accents[i], 2) == 0) {
				plain = accents[i][2];
				step = 2;
			}
		}
		out[len++] = plain;
		word += step;
	}
	out[len] = '\0';
	return len;
}

static unsigned
least(unsigned a, unsigned b, unsigned c)
{
	unsigned ab = a < b ? a : b;

	return ab < c ? ab : c;
}

/* Letters to add, drop or change to turn one word into the other. */
static unsigned
distance(const char *a, const char *b)
{
	unsigned row[17], len_b = (unsigned)strlen(b);

	for (unsigned j = 0; j <= len_b; j++)
		row[j] = j;
	for (unsigned i = 1; a[i - 1] != '\0'; i++) {
		unsigned corner = row[0];

		row[0] = i;
		for (unsigned j = 1; j <= len_b; j++) {
			unsigned above = row[j];

			row[j] = least(above + 1, row[j - 1] + 1, corner + (a[i - 1] != b[j - 1]));
			corner = above;
		}
	}
	return row[len_b];
}

Test(words, each_is_short_lower_case_text)
{
	for (unsigned i = 0; i < 256; i++) {
		char plain[16];
		size_t len = fold(words[i], plain);

		cr_assert(strlen(words[i]) >= 3 && strlen(words[i]) <= 14, "%s", words[i]);
		cr_assert(utf8_is_valid(words[i], strlen(words[i])));
		cr_assert_eq(strspn(plain, "abcdefghijklmnopqrstuvwxyz"), len, "%s", words[i]);
	}
}

Test(words, any_two_are_told_apart_on_a_bad_line)
{
	for (unsigned i = 0; i < 256 * 256; i++) {
		char a[16], b[16];

		if (i / 256 >= i % 256)
			continue;
		fold(words[i / 256], a);
		fold(words[i % 256], b);
		cr_assert_geq(distance(a, b), 2, "%s, %s", a, b);
		cr_assert_neq(strncmp(a, b, 4), 0, "%s, %s", a, b);
	}
}

Test(words, the_number_is_four_digits_a_dash_and_two_digits)
{
	static const struct {
		uint8_t random[8];
		const char *number;
	} rows[] = {
		{ { 0, 0, 0, 0, 0, 0, 0, 0 }, "0000-00" },
		{ { 0, 0, 0, 0, 0, 6, 0x4c, 0x3e }, "4127-34" },
		{ { 0, 0, 0, 0, 0, 0x0f, 0x42, 0x3f }, "9999-99" },
		{ { 0, 0, 0, 0, 0, 0x0f, 0x42, 0x40 }, "0000-00" },
		{ { 9, 255, 255, 255, 255, 255, 255, 255 }, "9279-35" },
	};

	for (unsigned i = 0; i < COUNT_OF(rows); i++) {
		char word[16], number[8];

		reservation_words(rows[i].random, word, number);
		cr_assert_str_eq(number, rows[i].number);
	}
}
