/* SPDX-License-Identifier: Apache-2.0 */
/* The parser between the service and the vault: what it lets through it would have written itself. */
#include <criterion/criterion.h>
#include <string.h>

#include "../../fuzz/vault_message.h"

#define ROUNDS 200000u

static struct vault_message
question(void)
{
	return (struct vault_message){
		.kind = VAULT_UNSEAL, .sequence = 42, .house = id_new(), .disclosure = id_new()
	};
}

Test(vault_message, reads_what_it_wrote)
{
	struct vault_message m = question(), got;
	uint8_t room[VAULT_HEAD_BYTES];

	cr_assert(vault_message_write(&m, room));
	cr_assert(vault_message_read(BYTES_OF(room), false, &got));
	cr_assert_eq(got.sequence, 42);
	cr_assert(id_equal(&got.house, &m.house) && id_equal(&got.disclosure, &m.disclosure));
	cr_assert_not(vault_message_read(BYTES_OF(room), true, &got), "a question is no answer");
}

Test(vault_message, refuses_every_single_byte_too_few_or_too_many)
{
	struct vault_message m = question(), got;
	uint8_t room[VAULT_MESSAGE + 1] = { 0 };

	cr_assert(vault_message_write(&m, room));
	for (size_t len = 0; len <= sizeof(room); len++)
		cr_expect_eq(vault_message_read((struct bytes){ room, len }, false, &got),
		    len == VAULT_HEAD_BYTES, "%zu bytes", len);
}

Test(vault_message, a_kind_names_what_it_needs_and_nothing_else)
{
	struct vault_message m = { .kind = VAULT_STATUS, .house = id_new() };
	uint8_t room[VAULT_HEAD_BYTES];

	cr_assert_not(vault_message_write(&m, room), "a house that is not asked about");
	m = question();
	m.disclosure = (struct id){ { 0 } };
	cr_assert_not(vault_message_write(&m, room), "no disclosure");
	m = question();
	m.text = bytes_str("x");
	cr_assert_not(vault_message_write(&m, room), "a text that is not asked for");
}

Test(vault_message, a_refusal_carries_nothing)
{
	struct vault_message m = { .kind = VAULT_UNSEAL, .outcome = VAULT_REFUSED, .text = bytes_str("x") };
	uint8_t room[VAULT_HEAD_BYTES];

	cr_assert_not(vault_message_write(&m, room));
	m.outcome = VAULT_DONE;
	cr_assert(vault_message_write(&m, room));
}

static uint64_t state = UINT64_C(0x9e3779b97f4a7c15); /* the same messages in every run */

static uint32_t
next(uint32_t bound)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (uint32_t)(state >> 33) % bound;
}

Test(vault_message, two_hundred_thousand_random_and_mutated_messages_keep_its_promises, .timeout = 120)
{
	static uint8_t p[VAULT_MESSAGE + 32];
	unsigned good = 0;

	for (unsigned i = 0; i < ROUNDS; i++) {
		struct vault_message m = { .kind = (enum vault_kind)(1 + next(VAULT_KIND_COUNT - 1)),
			.sequence = i,
			.house = id_new(),
			.disclosure = { { next(2) == 0 } } };
		size_t len = next(4) == 0 ? next(sizeof(p)) : VAULT_HEAD_BYTES + next(3);

		for (size_t k = 0; k < len; k++)
			p[k] = (uint8_t)next(256);
		if (next(8) != 0 && len >= VAULT_HEAD_BYTES && vault_message_write(&m, p))
			for (uint32_t k = next(4); k > 0; k--)
				p[next(VAULT_HEAD_BYTES)] ^= (uint8_t)(1u << next(8));
		good += fuzz_vault_message(p, len);
	}
	cr_assert_gt(good, ROUNDS / 200, "only %u were let through: the test saw nothing", good);
}
