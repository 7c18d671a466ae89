/* SPDX-License-Identifier: Apache-2.0 */
/* Every model there is, and objects filled at random within what its table allows. */
#ifndef MENEDEK_TEST_MODELS_H
#define MENEDEK_TEST_MODELS_H

#include <string.h>

#include "model/bodies.h"
#include "model/field.h"

#define MODEL_MAX_SIZE (64u * 1024)

static const struct model *const stored_models[] = {
	&model_org,
	&model_user,
	&model_device,
	&model_reference,
	&model_revoked_token,
	&model_attempts,
	&model_factor,
	&model_grant,
	&model_shelter,
	&model_admission,
	&model_unit,
	&model_allocation,
	&model_house,
	&model_household,
	&model_child,
	&model_episode,
	&model_reservation,
	&model_location,
	&model_sealed_location,
	&model_disclosure,
	&model_event,
};

static const struct model *const body_models[] = {
	&model_sign_in,
	&model_passphrase_change,
	&model_device_new,
	&model_device_kit_new,
	&model_unit_report_item,
	&model_availability_change,
	&model_episode_new,
	&model_episode_close,
	&model_reservation_new,
	&model_reason_decline,
	&model_reason_client,
	&model_reason_cancel,
	&model_reason_disclose,
	&model_reason_leave,
	&model_extension,
	&model_token_reply,
	&model_me_reply,
	&model_passphrase_reply,
	&model_device_reply,
	&model_device_kit,
	&model_unit_view,
	&model_availability_reply,
	&model_candidate,
	&model_near_miss,
	&model_blocked_reason,
	&model_search_reply,
	&model_reservation_view,
	&model_sheet_reply,
	&model_location_reply,
	&model_disclosure_reply,
	&model_capacity_row,
	&model_capacity_reply,
	&model_audit_row,
	&model_look_row,
	&model_statistics_row,
	&model_statistics_reply,
	&model_org_list,
	&model_user_list,
	&model_device_list,
	&model_shelter_list,
	&model_episode_list,
	&model_reservation_list,
	&model_audit_list,
	&model_look_list,
};

/* A small generator of our own, so that a seed gives the same objects everywhere. */
static inline uint32_t
dice(uint64_t *seed)
{
	*seed = *seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (uint32_t)(*seed >> 33);
}

static inline uint64_t
dice_number(uint64_t *seed, uint64_t max)
{
	const uint64_t v = (uint64_t)dice(seed) << 31 ^ dice(seed);
	const unsigned shift = dice(seed) % 64;

	return max == UINT64_MAX ? v >> shift : (v >> shift) % (max + 1);
}

static inline void fill_model(const struct model *m, void *obj, uint64_t *seed, bool full);

static inline void
fill_text(const struct field *f, void *obj, uint64_t *seed, bool full)
{
	static const char *const letters[] = { "a", "9", " ", "á", "ő", "–", "\n", "\"", "𝄞" };
	char *text = field_at(f, obj);
	const size_t room = full ? f->size - 1u : dice(seed) % f->size;
	size_t len = 0;

	for (;;) {
		const char *letter = letters[dice(seed) % COUNT_OF(letters)];

		if (len + strlen(letter) > room)
			break;
		memcpy(text + len, letter, strlen(letter) + 1);
		len += strlen(letter);
	}
}

static inline void
fill_items(const struct field *f, void *obj, uint64_t *seed, bool full)
{
	const size_t count = full ? f->size : dice(seed) % (f->size + 1u);
	uint8_t *bytes = field_at(f, obj);

	field_set_count(f, obj, count);
	for (size_t i = 0; i < count; i++) {
		if (f->type == F_LIST)
			fill_model(f->sub, field_item(f, obj, i), seed, full);
		else if (f->type == F_ID_LIST)
			memset(bytes + i * sizeof(struct id), (int)(dice(seed) % 256), sizeof(struct id));
		else
			bytes[i] = (uint8_t)(dice(seed) % (f->type == F_BLOB ? 256 : f->codes->count));
	}
}

static inline void
fill_bytes(const struct field *f, void *obj, uint64_t *seed)
{
	uint8_t *bytes = field_at(f, obj);

	for (size_t i = 0; i < f->size; i++)
		bytes[i] = (uint8_t)dice(seed);
}

static inline void
fill_field(const struct field *f, void *obj, uint64_t *seed, bool full)
{
	switch ((enum field_type)f->type) {
	case F_TEXT:
		fill_text(f, obj, seed, full);
		break;
	case F_ID:
	case F_BYTES:
		fill_bytes(f, obj, seed);
		break;
	case F_OBJECT:
		fill_model(f->sub, field_at(f, obj), seed, full);
		break;
	case F_LIST:
	case F_CODE_LIST:
	case F_ID_LIST:
	case F_BLOB:
		fill_items(f, obj, seed, full);
		break;
	case F_BOOL:
	case F_U8:
	case F_U16:
	case F_U32:
	case F_U64:
	case F_TIME:
	case F_DAY:
	case F_CODE:
	case F_CODES:
		field_store(f, obj, full ? field_max(f) : dice_number(seed, field_max(f)));
		break;
	case F_ARRAY:
	case F_STRING:
	case F_RAW:
		break;
	}
}

/* ${full}: every field at its largest; else each is left at "none" now and then. */
static inline void
fill_model(const struct model *m, void *obj, uint64_t *seed, bool full)
{
	model_clear(m, obj);
	for (unsigned i = 0; i < m->count; i++)
		if (!(m->fields[i].flags & FIELD_VIEW) && (full || dice(seed) % 4 != 0))
			fill_field(&m->fields[i], obj, seed, full);
}

#endif
