/* SPDX-License-Identifier: Apache-2.0 */
/* How faults gather, and every sentence of msg.def in both languages. */
#include <criterion/criterion.h>
#include <string.h>

#include "base/bytes.h"
#include "base/fault.h"

Test(fault, items_of_one_error_gather_up_to_the_limit)
{
	struct fault f = { 0 };

	for (long i = 0; i < LIMIT_FAULTS + 3; i++)
		cr_assert_eq(fault_set(&f, RC_INVALID, MSG_FIELD_MIN, "/beds", i, NULL), RC_INVALID);
	cr_assert_eq(f.rc, RC_INVALID);
	cr_assert_eq(f.count, LIMIT_FAULTS);
	cr_assert_eq(f.item[LIMIT_FAULTS - 1].number, (long)LIMIT_FAULTS - 1);
	cr_assert_str_eq(f.item[0].pointer, "/beds");
	cr_assert_str_eq(f.item[0].word, "");
}

Test(fault, another_error_replaces_what_was_there)
{
	struct fault f = { 0 };

	fault_set(&f, RC_INVALID, MSG_FIELD_MIN, "/beds", 1, "x");
	fault_set(&f, RC_INVALID, MSG_FIELD_MAX, "/beds", 2, "x");
	cr_assert_eq(fault_set(&f, RC_BUSY, MSG_BUSY, NULL, 0, NULL), RC_BUSY);
	cr_assert_eq(f.count, 1u);
	cr_assert_eq(f.item[0].msg, MSG_BUSY);
	cr_assert_str_eq(f.item[0].pointer, "");
	fault_clear(&f);
	cr_assert_eq(f.rc, RC_OK);
	cr_assert_eq(f.count, 0u);
}

Test(fault, nobody_has_to_listen)
{
	cr_assert_eq(fault_set(NULL, RC_STALE, MSG_STALE, "/x", 0, "x"), RC_STALE);
}

Test(fault, long_words_are_cut_between_characters)
{
	struct fault f = { 0 };
	char word[200] = "";

	for (unsigned i = 0; i < 60; i++)
		strcat(word, "\xc3\xa1");
	fault_set(&f, RC_INVALID, MSG_FIELD_UNKNOWN, word, 0, word);
	cr_assert_eq(strlen(f.item[0].word), FAULT_WORD - 2); /* 47 bytes of room, two for each letter */
	cr_assert_eq(strlen(f.item[0].pointer), FAULT_POINTER - 2);
	cr_assert(utf8_is_valid(f.item[0].word, strlen(f.item[0].word)));
}

Test(fault, places_are_filled)
{
	const struct fault_item item = { .msg = MSG_FIELD_UNKNOWN, .word = "beds" };
	const struct fault_item number = { .msg = MSG_JSON_SYNTAX, .number = 17 };
	const struct fault_item plain = { .msg = MSG_NO_TOKEN, .number = 17, .word = "beds" };
	char text[128];

	cr_assert_str_eq(fault_text(&item, LANG_EN, text, sizeof(text)), "Unknown member: beds");
	cr_assert_str_eq(fault_text(&item, LANG_HU, text, sizeof(text)), "Ismeretlen mező: beds");
	cr_assert_str_eq(fault_text(&number, LANG_EN, text, sizeof(text)), "Not valid JSON at byte 17");
	cr_assert_str_eq(fault_text(&plain, LANG_EN, text, sizeof(text)), "Signing in is required");
}

Test(fault, a_word_that_looks_like_a_place_is_left_alone)
{
	const struct fault_item item = { .msg = MSG_FIELD_UNKNOWN, .number = 5, .word = "{n}{s}{" };
	char text[64];

	cr_assert_str_eq(fault_text(&item, LANG_EN, text, sizeof(text)), "Unknown member: {n}{s}{");
}

Test(fault, a_cut_sentence_ends_between_characters)
{
	const struct fault_item item = { .msg = MSG_FIELD_UNKNOWN, .word = "\xc5\xb1rlap" };
	char whole[64], text[64];

	fault_text(&item, LANG_HU, whole, sizeof(whole));
	for (size_t cap = 1; cap <= strlen(whole) + 1; cap++) {
		memset(text, 0x55, sizeof(text));
		fault_text(&item, LANG_HU, text, cap);
		cr_assert_lt(strlen(text), cap);
		cr_assert_geq(strlen(text) + 2, cap);
		cr_assert(utf8_is_valid(text, strlen(text)));
		cr_assert_eq(strncmp(whole, text, strlen(text)), 0);
		cr_assert_eq(text[cap], 0x55);
	}
	fault_text(&item, LANG_HU, text, 0);
}

Test(fault, every_sentence_stands_in_both_languages_with_the_same_places)
{
	for (int msg = MSG_NONE + 1; msg < MSG_COUNT; msg++) {
		const char *hu = msg_text((enum msg)msg, LANG_HU);
		const char *en = msg_text((enum msg)msg, LANG_EN);

		cr_assert(hu[0] != '\0' && en[0] != '\0', "row %d", msg);
		cr_assert(utf8_is_valid(hu, strlen(hu)) && utf8_is_valid(en, strlen(en)), "%s", en);
		cr_assert_eq(strstr(hu, "{n}") != NULL, strstr(en, "{n}") != NULL, "%s", en);
		cr_assert_eq(strstr(hu, "{s}") != NULL, strstr(en, "{s}") != NULL, "%s", en);
	}
	cr_assert_str_eq(msg_text(MSG_NONE, LANG_HU), "");
}

Test(fault, every_error_has_a_title_without_places)
{
	for (int rc = RC_OK; rc < RC_COUNT; rc++)
		for (int lang = LANG_HU; lang < LANG_COUNT; lang++) {
			const char *title = rc_title((enum rc)rc, (enum lang)lang);

			cr_assert_neq(title[0], '\0', "rc %d", rc);
			cr_assert_null(strchr(title, '{'), "%s", title);
		}
	cr_assert_str_eq(rc_title(RC_NO_PLACE_LEFT, LANG_EN), "Somebody else has just taken it");
}
