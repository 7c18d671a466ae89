/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <stdlib.h>

#include "models.h"

#define ROUNDS    2000u
#define MUTATIONS 200000u

static uint8_t object[MODEL_MAX_SIZE], again[MODEL_MAX_SIZE], record[LIMIT_VALUE];

static size_t
encode(const struct model *m, const void *obj)
{
	size_t len;

	cr_assert_eq(model_encode(m, obj, record, sizeof(record), &len), RC_OK);
	return len;
}

static enum rc
decode(const struct model *m, const void *p, size_t len)
{
	return model_decode(m, (struct bytes){ p, len }, again);
}

Test(codec, every_model_comes_back_as_it_went)
{
	uint64_t seed = 1;

	for (unsigned round = 0; round < ROUNDS; round++) {
		const struct model *m = stored_models[round % COUNT_OF(stored_models)];

		fill_model(m, object, &seed, false);
		cr_assert_eq(decode(m, record, encode(m, object)), RC_OK);
		cr_assert_arr_eq(
		    object, again, m->size, "model %u", round % (unsigned)COUNT_OF(stored_models));
	}
}

/* Two kinds of one byte would be taken for each other, and the one purged with the other. */
Test(codec, each_kind_has_a_first_byte_of_its_own)
{
	bool taken[256] = { ['A'] = true, ['H'] = true, ['i'] = true }; /* logs; api/idem.c */
	const struct id id = { { 0 } };

	for (unsigned kind = 0; kind < KIND_COUNT; kind++) {
		const struct key key = record_key((enum kind)kind, &id);

		cr_expect(!taken[key.b[0]], "'%c' stands twice", key.b[0]);
		taken[key.b[0]] = true;
	}
}

Test(codec, the_fullest_object_of_each_kind_comes_back_and_fits_a_record)
{
	uint64_t seed = 2;

	for (unsigned kind = 0; kind < KIND_COUNT; kind++) {
		const struct model *m = kind_model((enum kind)kind);
		size_t len;

		fill_model(m, object, &seed, true);
		len = encode(m, object);
		cr_expect_leq(len, RECORD_MAX);
		cr_assert_eq(decode(m, record, len), RC_OK);
		cr_assert_arr_eq(object, again, m->size);
	}
}

Test(codec, an_empty_object_takes_next_to_nothing)
{
	model_clear(&model_reservation, object);
	cr_assert_eq(encode(&model_reservation, object), 0);
	cr_assert_eq(decode(&model_reservation, record, 0), RC_OK);
	cr_assert_eq(((struct reservation *)again)->reason, CODE_NONE);
}

Test(codec, the_record_form_is_the_documented_one)
{
	static const uint8_t golden[] = { 2, 1, 0, 3, 2, 0xc5, 0x91, 5, 2, 1, 0, 6, 1, 7 };
	struct org o = { .kind = ORG_HELPLINE, .name = "ő", .created_at = 256, .version = 7 };
	size_t len = encode(&model_org, &o);

	cr_assert_eq(len, sizeof(golden));
	cr_assert_arr_eq(record, golden, sizeof(golden));
}

Test(codec, a_record_that_does_not_fit_is_too_big)
{
	uint64_t seed = 3;
	size_t len, got;

	fill_model(&model_house, object, &seed, true);
	len = encode(&model_house, object);
	for (size_t cap = 0; cap < len; cap += 37)
		cr_assert_eq(model_encode(&model_house, object, record, cap, &got), RC_TOO_BIG);
	cr_assert_eq(model_encode(&model_house, object, record, len, &got), RC_OK);
}

Test(codec, unknown_tags_are_skipped)
{
	static const uint8_t newer[] = { 200, 3, 'x', 'y', 'z', 2, 1, 3, 99, 0 };

	cr_assert_eq(decode(&model_org, newer, sizeof(newer)), RC_OK);
	cr_assert_eq(((struct org *)again)->kind, ORG_FAMILY_SUPPORT);
}

static const struct {
	const char *what;
	const struct model *m;
	uint8_t bytes[24];
	size_t len;
} corrupt[] = {
	{ "length without payload", &model_org, { 2, 1 }, 2 },
	{ "tag without length", &model_org, { 2 }, 1 },
	{ "length longer than the rest", &model_org, { 3, 9, 'a' }, 3 },
	{ "endless length", &model_org, { 3, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff }, 7 },
	{ "code of no list", &model_org, { 2, 1, 7 }, 3 },
	{ "code that stands for none", &model_org, { 2, 1, 0xff }, 3 },
	{ "empty number", &model_org, { 2, 0 }, 2 },
	{ "leading zero", &model_org, { 2, 2, 0, 1 }, 4 },
	{ "boolean of two", &model_org, { 4, 1, 2 }, 3 },
	{ "number over its width", &model_org, { 6, 5, 1, 0, 0, 0, 0 }, 7 },
	{ "number of nine bytes", &model_org, { 5, 9, 1, 0, 0, 0, 0, 0, 0, 0, 0 }, 11 },
	{ "id of 15 bytes", &model_org, { 1, 15, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15 }, 17 },
	{ "text that is not UTF-8", &model_org, { 3, 2, 0xc5, 0x41 }, 4 },
	{ "text with NUL", &model_org, { 3, 3, 'a', 0, 'b' }, 5 },
	{ "unknown role", &model_user, { 5, 2, 1, 0 }, 4 },
	{ "list of half an id", &model_user, { 6, 8, 1, 2, 3, 4, 5, 6, 7, 8 }, 10 },
	{ "nested record cut short", &model_shelter, { 10, 2, 1, 1 }, 4 },
};

Test(codec, what_no_encoder_wrote_is_corrupt)
{
	for (size_t i = 0; i < COUNT_OF(corrupt); i++)
		cr_expect_eq(decode(corrupt[i].m, corrupt[i].bytes, corrupt[i].len), RC_CORRUPT, "%s",
		    corrupt[i].what);
}

Test(codec, a_list_longer_than_its_array_is_corrupt)
{
	uint8_t *p = record;

	for (unsigned i = 0; i <= LIMIT_CHILDREN; i++, p += 2) {
		p[0] = 11;
		p[1] = 0;
	}
	cr_assert_eq(decode(&model_household, record, 2 * LIMIT_CHILDREN), RC_OK);
	cr_assert_eq(((struct household *)again)->child_count, LIMIT_CHILDREN);
	cr_assert_eq(decode(&model_household, record, 2 * LIMIT_CHILDREN + 2), RC_CORRUPT);
}

/* Whatever is decoded may be encoded again: no code or length in it leads outside. */
static void
decode_and_use(const struct model *m, const uint8_t *p, size_t len)
{
	static uint8_t out[LIMIT_VALUE];
	uint8_t *exact = malloc(len + 1); /* so that the sanitizer sees the very end */
	size_t got;

	memcpy(exact, p, len);
	if (decode(m, exact, len) == RC_OK)
		cr_assert_eq(model_encode(m, again, out, sizeof(out), &got), RC_OK);
	free(exact);
}

static void
mutate(uint8_t *p, size_t *len, uint64_t *seed)
{
	for (unsigned n = 1 + dice(seed) % 4; n > 0 && *len > 0; n--) {
		const size_t at = dice(seed) % *len;

		if (dice(seed) % 8 == 0)
			*len = at;
		else if (dice(seed) % 2 == 0)
			p[at] ^= (uint8_t)(1u << dice(seed) % 8);
		else
			p[at] = (uint8_t)dice(seed);
	}
}

Test(codec, damaged_records_never_crash, .timeout = 120)
{
	static uint8_t broken[LIMIT_VALUE];
	uint64_t seed = 4;

	for (unsigned round = 0; round < MUTATIONS / 50; round++) {
		const struct model *m = stored_models[round % COUNT_OF(stored_models)];
		size_t len;

		fill_model(m, object, &seed, false);
		len = encode(m, object);
		for (unsigned i = 0; i < 50; i++) {
			size_t broken_len = len;

			memcpy(broken, record, len);
			mutate(broken, &broken_len, &seed);
			decode_and_use(m, broken, broken_len);
		}
	}
}

Test(codec, every_prefix_of_a_record_is_decoded_or_refused)
{
	uint64_t seed = 5;

	for (size_t i = 0; i < COUNT_OF(stored_models); i++) {
		size_t len;

		fill_model(stored_models[i], object, &seed, false);
		len = encode(stored_models[i], object);
		for (size_t cut = 0; cut < len && cut < 2048; cut++)
			decode_and_use(stored_models[i], record, cut);
	}
}
