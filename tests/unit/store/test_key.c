/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <string.h>

#include "crypto/digest.h"
#include "store/logs.h"

static struct key
of(const char *text)
{
	struct key key = { .len = 0 };

	key_add_bytes(&key, text, strlen(text));
	return key;
}

Test(key, order_is_bytewise_and_a_prefix_comes_first)
{
	static const char *const sorted[] = { "", "A", "a", "aa", "ab", "b", "\xff" };

	for (size_t i = 0; i < COUNT_OF(sorted); i++)
		for (size_t j = 0; j < COUNT_OF(sorted); j++) {
			struct key a = of(sorted[i]), b = of(sorted[j]);
			int order = key_compare(&a, &b);

			cr_assert_eq(order < 0, i < j);
			cr_assert_eq(order == 0, i == j);
		}
}

Test(key, numbers_sort_as_numbers)
{
	struct key small = log_key(LOG_AUDIT, 255), large = log_key(LOG_AUDIT, 256),
		   other = log_key(LOG_EVENT, 1);

	cr_assert_lt(key_compare(&small, &large), 0);
	cr_assert_lt(key_compare(&large, &other), 0);
}

Test(key, a_log_head_is_no_entry_and_no_record)
{
	struct key head = log_head_key(LOG_AUDIT), entry = log_key(LOG_AUDIT, 1), record = key_kind('s');

	cr_assert(key_is_bookkeeping(&head) && !key_is_log_entry(&head));
	cr_assert(key_is_log_entry(&entry) && !key_is_bookkeeping(&entry));
	cr_assert(!key_is_log_entry(&record) && !key_is_bookkeeping(&record));
}

/* The rule as the header states it, spelled out with other means. */
Test(logs, the_chain_is_the_digest_of_head_number_and_leaf)
{
	uint8_t head[32] = { 1, 2, 3 }, expected[32], leaf[LOG_LEAF] = { 9 };
	static const uint8_t tag[] = { 0x01 }, number[] = { 0, 0, 0, 0, 0, 0, 1, 2 };
	struct bytes parts[] = { BYTES_OF(tag), BYTES_OF(head), BYTES_OF(number), BYTES_OF(leaf) };

	digest_parts(parts, COUNT_OF(parts), expected);
	log_chain(head, 258, leaf);
	cr_assert_arr_eq(head, expected, 32);
}

Test(logs, a_head_survives_its_text_form)
{
	struct log_head head = { .count = 0 }, back;
	uint8_t leaf[LOG_LEAF] = { 9 }, text[LOG_HEAD_BYTES];

	cr_assert_eq(log_head_advance(&head, leaf), 1);
	cr_assert_eq(log_head_advance(&head, leaf), 2);
	log_head_write(&head, text);
	cr_assert(log_head_read(BYTES_OF(text), &back));
	cr_assert_eq(back.count, 2);
	cr_assert_arr_eq(back.head, head.head, 32);
	cr_assert_not(log_head_read((struct bytes){ text, LOG_HEAD_BYTES - 1 }, &back));
}
