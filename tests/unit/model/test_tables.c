/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>

#include "models.h"

#define EACH_FIELD(models, f, body)                                        \
	for (size_t m_ = 0; m_ < COUNT_OF(models); m_++)                   \
		for (unsigned i_ = 0; i_ < (models)[m_]->count; i_++) {    \
			const struct field *f = &(models)[m_]->fields[i_]; \
			body                                               \
		}

/* The size in a row is what its type needs; 0: any. */
static size_t
size_of_type(const struct field *f)
{
	static const size_t sizes[] = {
		[F_BOOL] = sizeof(bool),
		[F_U8] = 1,
		[F_U16] = 2,
		[F_U32] = 4,
		[F_U64] = 8,
		[F_TIME] = 8,
		[F_DAY] = 4,
		[F_ID] = sizeof(struct id),
		[F_CODE] = 1,
		[F_CODES] = 4,
		[F_ARRAY] = sizeof(void *),
		[F_STRING] = sizeof(char *),
		[F_RAW] = sizeof(struct bytes),
	};

	if (f->type == F_OBJECT)
		return f->sub->size;
	return f->type < COUNT_OF(sizes) ? sizes[f->type] : 0;
}

static void
check_row(const struct field *f)
{
	const bool is_nested = f->type == F_OBJECT || f->type == F_LIST || f->type == F_ARRAY;

	cr_expect(size_of_type(f) == 0 || size_of_type(f) == f->size, "%s: size", f->name);
	cr_expect_eq(is_nested, f->sub != NULL, "%s: sub-model", f->name);
	cr_expect((f->type != F_CODES && f->type != F_CODE_LIST) || f->codes != NULL, "%s: codes", f->name);
	cr_expect_eq(f->tag == 0, (f->flags & FIELD_VIEW) != 0, "%s: a tag or FIELD_VIEW", f->name);
}

Test(tables, every_row_suits_its_type){ EACH_FIELD(stored_models, f, { check_row(f); })
	    EACH_FIELD(body_models, f, { check_row(f); }) }

Test(tables, no_tag_and_no_name_is_given_twice){ EACH_FIELD(stored_models, f,
    {
	    for (unsigned j = 0; j < i_; j++) {
		    const struct field *other = &stored_models[m_]->fields[j];

		    cr_expect_str_neq(f->name, other->name);
		    cr_expect(f->tag == 0 || f->tag != other->tag, "%s and %s", f->name, other->name);
	    }
    }) }

Test(tables, a_code_that_people_see_has_its_list){ EACH_FIELD(stored_models, f,
    { cr_expect(f->type != F_CODE || f->codes != NULL || (f->flags & FIELD_SECRET), "%s", f->name); })
	    EACH_FIELD(body_models, f, { cr_expect(f->type != F_CODE || f->codes != NULL, "%s", f->name); }) }

/* What must never be in JSON, whatever a schema says. */
Test(tables, keys_and_hashes_are_secret)
{
	static const struct {
		const struct model *m;
		const char *name;
	} rows[] = {
		{ &model_user, "verifier" },
		{ &model_user, "tokens_from" },
		{ &model_user, "kept_token" },
		{ &model_user, "token_round" },
		{ &model_factor, "secret" },
		{ &model_factor, "backup" },
		{ &model_device, "fingerprint" },
		{ &model_sealed_location, "sealed" },
		{ &model_episode, "order" },
		{ &model_episode, "opener_user" },
		{ &model_episode, "desk_user" },
		{ &model_episode, "declined" },
		{ &model_reservation, "units" },
		{ &model_disclosure, "reservation" },
	};

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		unsigned at = 0;

		while (at < rows[i].m->count && strcmp(rows[i].m->fields[at].name, rows[i].name) != 0)
			at++;
		cr_assert_lt(at, rows[i].m->count, "%s", rows[i].name);
		cr_expect(rows[i].m->fields[at].flags & FIELD_SECRET, "%s", rows[i].name);
	}
}

Test(tables, every_kind_has_its_own_byte)
{
	for (unsigned kind = 0; kind < KIND_COUNT; kind++) {
		const struct key key = record_key_bytes((enum kind)kind, "", 0);

		cr_expect_eq(key.len, 1);
		cr_expect_eq(kind_of_byte(key.b[0]), kind);
	}
	cr_expect_eq(kind_of_byte('A'), KIND_COUNT);
	cr_expect_eq(kind_of_byte('H'), KIND_COUNT);
}

Test(tables, keys_hold_the_kind_and_then_the_ids)
{
	const struct id a = { { 1, 2, 3 } }, b = { { 4, 5, 6 } };
	const struct key key = record_key2(KIND_RES_HOUSE, &a, &b);

	cr_assert_eq(key.len, 1 + 2 * ID_BYTES);
	cr_assert_eq(key.b[0], 'h');
	cr_assert_arr_eq(key.b + 1, a.b, ID_BYTES);
	cr_assert_arr_eq(key.b + 1 + ID_BYTES, b.b, ID_BYTES);
}
