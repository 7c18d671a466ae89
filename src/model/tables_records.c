/* SPDX-License-Identifier: Apache-2.0 */
/* The field tables of what is stored.  Tags are for ever: a row may go, its tag is not given again. */
#include "model/records.h"

#define SECRET    FIELD_SECRET
#define READ_ONLY FIELD_READ_ONLY

/* ---- people and devices ---- */

static const struct field org_rows[] = {
	ROW(struct org, id, 1, F_ID, READ_ONLY),
	ROW_CODED(struct org, kind, 2, F_CODE, 0, codes_org_kind),
	ROW(struct org, name, 3, F_TEXT, 0),
	ROW(struct org, retired, 4, F_BOOL, 0),
	ROW(struct org, created_at, 5, F_TIME, READ_ONLY),
	ROW(struct org, version, 6, F_U32, SECRET),
};
MODEL(model_org, "org", struct org, org_rows);

static const struct field user_rows[] = {
	ROW(struct user, id, 1, F_ID, READ_ONLY),
	ROW(struct user, org, 2, F_ID, 0),
	ROW(struct user, name, 3, F_TEXT, 0),
	ROW(struct user, verifier, 4, F_TEXT, SECRET),
	ROW_CODED(struct user, roles, 5, F_CODES, 0, codes_role),
	ROW_ID_LIST(struct user, shelters, shelter_count, 6, 0),
	ROW(struct user, must_change, 7, F_BOOL, READ_ONLY),
	ROW(struct user, retired, 8, F_BOOL, 0),
	ROW(struct user, tokens_from, 9, F_TIME, SECRET),
	ROW(struct user, created_at, 10, F_TIME, READ_ONLY),
	ROW(struct user, version, 11, F_U32, SECRET),
	ROW(struct user, second_factor, 12, F_BOOL, READ_ONLY),
	ROW(struct user, pending, 13, F_ID, READ_ONLY),
	ROW(struct user, kept_token, 14, F_ID, SECRET),
	ROW(struct user, token_round, 15, F_U32, SECRET),
};
MODEL(model_user, "user", struct user, user_rows);

static const struct field device_rows[] = {
	ROW(struct device, id, 1, F_ID, READ_ONLY),
	ROW(struct device, org, 2, F_ID, READ_ONLY),
	ROW(struct device, name, 3, F_TEXT, READ_ONLY),
	ROW(struct device, fingerprint, 4, F_BYTES, SECRET),
	ROW(struct device, not_after, 5, F_TIME, READ_ONLY),
	ROW(struct device, enrolled_at, 6, F_TIME, READ_ONLY),
	ROW(struct device, revoked_at, 7, F_TIME, READ_ONLY),
	ROW(struct device, version, 8, F_U32, SECRET),
};
MODEL(model_device, "device", struct device, device_rows);

static const struct field reference_rows[] = { ROW(struct reference, id, 1, F_ID, SECRET) };
MODEL(model_reference, NULL, struct reference, reference_rows);

static const struct field revoked_token_rows[] = { ROW(struct revoked_token, until, 1, F_TIME, SECRET) };
MODEL(model_revoked_token, NULL, struct revoked_token, revoked_token_rows);

static const struct field attempts_rows[] = {
	ROW(struct attempts, failures, 1, F_U16, SECRET),
	ROW(struct attempts, last_at, 2, F_TIME, SECRET),
	ROW(struct attempts, welcome_at, 3, F_TIME, SECRET),
};
MODEL(model_attempts, NULL, struct attempts, attempts_rows);

static const struct field factor_rows[] = {
	ROW(struct factor, secret, 1, F_BYTES, SECRET),
	ROW(struct factor, last_step, 2, F_U64, SECRET),
	ROW(struct factor, backup, 3, F_BYTES, SECRET),
	ROW(struct factor, since, 4, F_TIME, SECRET),
};
MODEL(model_factor, NULL, struct factor, factor_rows);

static const struct field grant_rows[] = {
	ROW(struct grant, id, 1, F_ID, SECRET),
	ROW_CODED(struct grant, kind, 2, F_CODE, SECRET, codes_grant_kind),
	ROW_CODED(struct grant, state, 3, F_CODE, SECRET, codes_grant_state),
	ROW(struct grant, user, 4, F_ID, SECRET),
	ROW(struct grant, org, 5, F_ID, SECRET),
	ROW_CODED(struct grant, roles, 6, F_CODES, SECRET, codes_role),
	ROW_ID_LIST(struct grant, shelters, shelter_count, 7, SECRET),
	ROW(struct grant, asked_by, 8, F_ID, SECRET),
	ROW(struct grant, asked_device, 9, F_ID, SECRET),
	ROW(struct grant, decided_by, 10, F_ID, SECRET),
	ROW(struct grant, asked_at, 11, F_TIME, SECRET),
	ROW(struct grant, until, 12, F_TIME, SECRET),
	ROW(struct grant, decided_at, 13, F_TIME, SECRET),
};
MODEL(model_grant, NULL, struct grant, grant_rows);

/* ---- houses ---- */

static const struct field admission_rows[] = {
	ROW(struct admission, women_alone, 1, F_BOOL, 0),
	ROW(struct admission, men, 2, F_BOOL, 0),
	ROW(struct admission, fathers, 3, F_BOOL, 0),
	ROW(struct admission, boy_max_age, 4, F_U8, 0),
	ROW(struct admission, own_room_boy_age, 5, F_U8, 0),
	ROW(struct admission, max_children, 6, F_U8, 0),
	ROW(struct admission, adult_sibling, 7, F_BOOL, 0),
	ROW(struct admission, partner, 8, F_BOOL, 0),
	ROW(struct admission, pets, 9, F_BOOL, 0),
	ROW(struct admission, acute_addiction, 10, F_BOOL, 0),
	ROW(struct admission, acute_psychiatric, 11, F_BOOL, 0),
	ROW(struct admission, own_county, 12, F_BOOL, 0),
	ROW(struct admission, assessment_first, 13, F_BOOL, 0),
	ROW(struct admission, waitlist, 14, F_BOOL, 0),
	ROW_CODED(struct admission, languages, 15, F_CODES, 0, codes_language),
};
MODEL(model_admission, NULL, struct admission, admission_rows);

static const struct field shelter_rows[] = {
	ROW(struct shelter, id, 1, F_ID, READ_ONLY),
	ROW(struct shelter, org, 2, F_ID, 0),
	ROW_CODED(struct shelter, type, 3, F_CODE, 0, codes_shelter_type),
	ROW_CODED(struct shelter, county, 4, F_CODE, 0, codes_county),
	ROW(struct shelter, code_name, 5, F_TEXT, 0),
	ROW(struct shelter, licensed_capacity, 6, F_U16, 0),
	ROW(struct shelter, is_open, 7, F_BOOL, 0),
	ROW(struct shelter, retired, 8, F_BOOL, 0),
	ROW(struct shelter, is_sample, 9, F_BOOL, READ_ONLY),
	ROW_OBJECT(struct shelter, admission, 10, 0, model_admission),
	ROW(struct shelter, created_at, 11, F_TIME, READ_ONLY),
};
MODEL(model_shelter, "shelter", struct shelter, shelter_rows);

/* Read from unit-new and unit-change; written to people as model_unit_view. */
static const struct field unit_rows[] = {
	ROW(struct unit, id, 1, F_ID, SECRET),
	ROW(struct unit, name, 2, F_TEXT, 0),
	ROW(struct unit, adult_beds, 3, F_U8, 0),
	ROW(struct unit, child_beds, 4, F_U8, 0),
	ROW(struct unit, cots, 5, F_U8, 0),
	ROW(struct unit, shared, 6, F_BOOL, 0),
	ROW(struct unit, step_free, 7, F_BOOL, 0),
	ROW(struct unit, own_rooms, 8, F_BOOL, 0),
	ROW(struct unit, retired, 9, F_BOOL, 0),
	ROW(struct unit, join_group, 10, F_U8, 0),
	ROW(struct unit, out_of_use, 11, F_BOOL, SECRET),
	ROW(struct unit, other_adults, 12, F_U8, SECRET),
	ROW(struct unit, other_children, 13, F_U8, SECRET),
	ROW(struct unit, other_babies, 14, F_U8, SECRET),
	ROW(struct unit, confirmed_at, 15, F_TIME, SECRET),
	ROW(struct unit, version, 16, F_U32, SECRET),
};
MODEL(model_unit, "unit-change", struct unit, unit_rows);

static const struct field allocation_rows[] = {
	ROW(struct allocation, reservation, 1, F_ID, SECRET),
	ROW(struct allocation, units, 2, F_U64, SECRET),
	ROW(struct allocation, adults, 3, F_U8, SECRET),
	ROW(struct allocation, children, 4, F_U8, SECRET),
	ROW(struct allocation, babies, 5, F_U8, SECRET),
	ROW(struct allocation, expires_at, 6, F_TIME, SECRET),
};
MODEL(model_allocation, NULL, struct allocation, allocation_rows);

static const struct field house_rows[] = {
	ROW(struct house, shelter, 1, F_ID, SECRET),
	ROW_LIST(struct house, units, unit_count, 2, SECRET, model_unit),
	ROW_LIST(struct house, allocations, allocation_count, 3, SECRET, model_allocation),
};
MODEL(model_house, NULL, struct house, house_rows);

static const struct field location_rows[] = {
	ROW(struct location, address, 1, F_TEXT, 0),
	ROW(struct location, intake_phone, 2, F_TEXT, 0),
	ROW(struct location, travel_notes, 3, F_TEXT, 0),
	ROW(struct location, updated_at, 4, F_TIME, SECRET),
};
MODEL(model_location, "location-new", struct location, location_rows);

static const struct field sealed_location_rows[] = {
	ROW_BLOB(struct sealed_location, sealed, len, 1, SECRET),
};
MODEL(model_sealed_location, NULL, struct sealed_location, sealed_location_rows);

static const struct field disclosure_rows[] = {
	ROW(struct disclosure, id, 1, F_ID, SECRET),
	ROW(struct disclosure, reservation, 2, F_ID, SECRET),
	ROW(struct disclosure, shelter, 3, F_ID, SECRET),
	ROW(struct disclosure, user, 4, F_ID, SECRET),
	ROW(struct disclosure, org, 5, F_ID, SECRET),
	ROW(struct disclosure, device, 6, F_ID, SECRET),
	ROW_CODED(struct disclosure, reason, 7, F_CODE, SECRET, codes_disclose_reason),
	ROW(struct disclosure, at, 8, F_TIME, SECRET),
	ROW(struct disclosure, until, 9, F_TIME, SECRET),
	ROW(struct disclosure, break_glass, 10, F_ID, SECRET),
};
MODEL(model_disclosure, NULL, struct disclosure, disclosure_rows);

static const struct field break_glass_rows[] = {
	ROW(struct break_glass, id, 1, F_ID, SECRET),
	ROW(struct break_glass, reservation, 2, F_ID, SECRET),
	ROW(struct break_glass, shelter, 3, F_ID, SECRET),
	ROW(struct break_glass, org, 4, F_ID, SECRET),
	ROW(struct break_glass, user, 5, F_ID, SECRET),
	ROW(struct break_glass, device, 6, F_ID, SECRET),
	ROW(struct break_glass, second, 7, F_ID, SECRET),
	ROW(struct break_glass, second_device, 8, F_ID, SECRET),
	ROW(struct break_glass, disclosure, 9, F_ID, SECRET),
	ROW_CODED(struct break_glass, reason, 10, F_CODE, SECRET, codes_break_glass_reason),
	ROW(struct break_glass, asked_at, 11, F_TIME, SECRET),
	ROW(struct break_glass, approved_at, 12, F_TIME, SECRET),
	ROW(struct break_glass, told_at, 13, F_TIME, SECRET),
	ROW(struct break_glass, version, 14, F_U32, SECRET),
};
MODEL(model_break_glass, NULL, struct break_glass, break_glass_rows);

static const struct field opened_rows[] = {
	ROW(struct opened, reservation, 1, F_ID, SECRET),
	ROW(struct opened, shelter, 2, F_ID, SECRET),
	ROW(struct opened, user, 3, F_ID, SECRET),
	ROW(struct opened, org, 4, F_ID, SECRET),
	ROW(struct opened, device, 5, F_ID, SECRET),
	ROW_CODED(struct opened, need, 6, F_CODE, SECRET, codes_need),
	ROW(struct opened, at, 7, F_TIME, SECRET),
};
MODEL(model_opened, NULL, struct opened, opened_rows);

/* ---- episodes and reservations ---- */

static const struct field child_rows[] = {
	ROW_CODED(struct child, sex, 1, F_CODE, 0, codes_sex),
	ROW_CODED(struct child, band, 2, F_CODE, 0, codes_age_band),
};
MODEL(model_child, NULL, struct child, child_rows);

static const struct field household_rows[] = {
	ROW_CODED(struct household, case_type, 1, F_CODE, 0, codes_case_type),
	ROW(struct household, danger_to_life, 2, F_BOOL, 0),
	ROW(struct household, step_out, 3, F_BOOL, 0),
	ROW(struct household, women, 4, F_U8, 0),
	ROW(struct household, men, 5, F_U8, 0),
	ROW(struct household, pregnant, 6, F_BOOL, 0),
	ROW(struct household, partner, 7, F_BOOL, 0),
	ROW(struct household, siblings, 8, F_U8, 0),
	ROW_CODED(struct household, sibling, 9, F_CODE, 0, codes_sibling),
	ROW(struct household, would_be_separated, 10, F_BOOL, 0),
	ROW_LIST(struct household, children, child_count, 11, 0, model_child),
	ROW(struct household, step_free, 12, F_BOOL, 0),
	ROW(struct household, pet, 13, F_BOOL, 0),
	ROW(struct household, assistance_animal, 14, F_BOOL, 0),
	ROW(struct household, acute_addiction, 15, F_BOOL, 0),
	ROW(struct household, acute_psychiatric, 16, F_BOOL, 0),
	ROW_CODED(struct household, languages, 17, F_CODES, 0, codes_language),
	ROW_CODED(struct household, danger_counties, 18, F_CODES, 0, codes_county),
	ROW_CODED(struct household, home_county, 19, F_CODE, 0, codes_county),
	ROW(struct household, earliest_arrival, 20, F_TIME, 0),
};
MODEL(model_household, NULL, struct household, household_rows);

static const struct field episode_rows[] = {
	ROW(struct episode, id, 1, F_ID, READ_ONLY),
	ROW(struct episode, opener_org, 2, F_ID, SECRET),
	ROW(struct episode, opener_user, 3, F_ID, SECRET),
	ROW(struct episode, desk_org, 4, F_ID, SECRET),
	ROW(struct episode, desk_user, 5, F_ID, SECRET),
	ROW_CODED(struct episode, state, 6, F_CODE, READ_ONLY, codes_episode_state),
	ROW_CODED(struct episode, outcome, 7, F_CODE, READ_ONLY, codes_outcome),
	ROW_CODED(struct episode, channel, 8, F_CODE, READ_ONLY, codes_channel),
	ROW_OBJECT(struct episode, household, 9, READ_ONLY, model_household),
	ROW(struct episode, reservation, 10, F_ID, READ_ONLY),
	ROW(struct episode, attempts, 11, F_U8, READ_ONLY),
	ROW(struct episode, order, 12, F_U64, SECRET),
	ROW(struct episode, opened_at, 13, F_TIME, READ_ONLY),
	ROW(struct episode, expires_at, 14, F_TIME, READ_ONLY),
	ROW(struct episode, closed_at, 15, F_TIME, READ_ONLY),
	ROW(struct episode, version, 16, F_U32, SECRET),
	ROW_ID_LIST(struct episode, declined, declined_count, 17, SECRET),
	ROW(struct episode, waiting, 0, F_BOOL, FIELD_VIEW | READ_ONLY),
	ROW(struct episode, arranged, 0, F_BOOL, FIELD_VIEW | READ_ONLY),
};
MODEL(model_episode, "episode", struct episode, episode_rows);

/* Shown as model_reservation_view.  The list of a reason depends on the state, so its row names none. */
static const struct field reservation_rows[] = {
	ROW(struct reservation, id, 1, F_ID, SECRET),
	ROW(struct reservation, episode, 2, F_ID, SECRET),
	ROW(struct reservation, shelter, 3, F_ID, SECRET),
	ROW(struct reservation, desk_org, 4, F_ID, SECRET),
	ROW(struct reservation, desk_user, 5, F_ID, SECRET),
	ROW_CODED(struct reservation, state, 6, F_CODE, SECRET, codes_reservation_state),
	ROW_CODED(struct reservation, contact_channel, 7, F_CODE, SECRET, codes_contact_channel),
	ROW_CODED(struct reservation, need, 8, F_CODE, SECRET, codes_need),
	ROW(struct reservation, reason, 9, F_CODE, SECRET),
	ROW(struct reservation, renewed, 10, F_BOOL, SECRET),
	ROW(struct reservation, number, 11, F_TEXT, SECRET),
	ROW(struct reservation, check_word, 12, F_TEXT, SECRET),
	ROW(struct reservation, units, 13, F_U64, SECRET),
	ROW(struct reservation, adults, 14, F_U8, SECRET),
	ROW(struct reservation, children, 15, F_U8, SECRET),
	ROW(struct reservation, babies, 16, F_U8, SECRET),
	ROW(struct reservation, bands, 17, F_BYTES, SECRET),
	ROW(struct reservation, step_free, 18, F_BOOL, SECRET),
	ROW(struct reservation, pet, 19, F_BOOL, SECRET),
	ROW(struct reservation, pregnant, 20, F_BOOL, SECRET),
	ROW_CODED(struct reservation, languages, 21, F_CODES, SECRET, codes_language),
	ROW(struct reservation, held_at, 22, F_TIME, SECRET),
	ROW(struct reservation, expires_at, 23, F_TIME, SECRET),
	ROW(struct reservation, requested_at, 24, F_TIME, SECRET),
	ROW(struct reservation, answered_at, 25, F_TIME, SECRET),
	ROW(struct reservation, arrived_at, 26, F_TIME, SECRET),
	ROW(struct reservation, ended_at, 27, F_TIME, SECRET),
	ROW(struct reservation, earliest_arrival, 28, F_TIME, SECRET),
	ROW(struct reservation, disclosures, 29, F_U8, SECRET),
	ROW(struct reservation, disclose_until, 30, F_TIME, SECRET),
	ROW(struct reservation, stay_start, 31, F_DAY, SECRET),
	ROW(struct reservation, stay_end, 32, F_DAY, SECRET),
	ROW(struct reservation, extensions, 33, F_U8, SECRET),
	ROW_CODED(struct reservation, extend_reason, 34, F_CODE, SECRET, codes_extend_reason),
	ROW(struct reservation, version, 35, F_U32, SECRET),
	ROW(struct reservation, request_opened_at, 36, F_TIME, SECRET),
	ROW_CODED(struct reservation, came_to_zone, 37, F_CODE, SECRET, codes_zone),
	ROW(struct reservation, answer_heard, 38, F_DAY, SECRET),
	ROW(struct reservation, arrival_heard, 39, F_DAY, SECRET),
	ROW(struct reservation, end_heard, 40, F_DAY, SECRET),
};
MODEL(model_reservation, NULL, struct reservation, reservation_rows);

/* ---- events ---- */

static const struct field event_rows[] = {
	ROW(struct event, kind, 1, F_U8, SECRET),
	ROW(struct event, shelter, 2, F_ID, SECRET),
	ROW(struct event, desk_org, 3, F_ID, SECRET),
	ROW(struct event, opener_org, 4, F_ID, SECRET),
	ROW(struct event, subject, 5, F_ID, SECRET),
	ROW(struct event, at, 6, F_TIME, SECRET),
	ROW(struct event, frees, 7, F_BOOL, SECRET),
};
MODEL(model_event, NULL, struct event, event_rows);

/* ---- upkeep ---- */

static const struct field tally_rows[] = {
	ROW(struct case_count, quarter, 1, F_U16, SECRET),
	ROW(struct case_count, table, 2, F_U8, SECRET),
	ROW(struct case_count, row, 3, F_U8, SECRET),
	ROW(struct case_count, column, 4, F_U8, SECRET),
	ROW(struct case_count, house, 5, F_ID, SECRET),
	ROW(struct case_count, cases, 6, F_U32, SECRET),
};
MODEL(model_tally, NULL, struct case_count, tally_rows);

static const struct field maintenance_rows[] = {
	ROW(struct maintenance, phase, 1, F_U8, SECRET),
	ROW(struct maintenance, runs, 2, F_U32, SECRET),
	ROW(struct maintenance, started_at, 3, F_TIME, SECRET),
	ROW(struct maintenance, finished_at, 4, F_TIME, SECRET),
	ROW(struct maintenance, newest_before, 5, F_U32, SECRET),
	ROW(struct maintenance, held_before, 6, F_U32, SECRET),
	ROW_BLOB(struct maintenance, cursor, cursor_len, 7, SECRET),
	ROW(struct maintenance, resealed, 8, F_U64, SECRET),
	ROW(struct maintenance, removed, 9, F_U64, SECRET),
	ROW(struct maintenance, locations, 10, F_U64, SECRET),
	ROW(struct maintenance, retired, 11, F_U32, SECRET),
	ROW(struct maintenance, interruptions, 12, F_U32, SECRET),
};
MODEL(model_maintenance, NULL, struct maintenance, maintenance_rows);

/* ---- what is signed of the audit trail ---- */

static const struct field checkpoint_rows[] = {
	ROW(struct checkpoint, number, 1, F_U64, SECRET),
	ROW(struct checkpoint, size, 2, F_U64, SECRET),
	ROW(struct checkpoint, at, 3, F_TIME, SECRET),
	ROW(struct checkpoint, root, 4, F_BYTES, SECRET),
	ROW(struct checkpoint, head, 5, F_BYTES, SECRET),
	ROW(struct checkpoint, signature, 6, F_BYTES, SECRET),
	ROW_BLOB(struct checkpoint, range, range_len, 7, SECRET),
};
MODEL(model_checkpoint, NULL, struct checkpoint, checkpoint_rows);

static const struct field tree_node_rows[] = { ROW(struct tree_node, hash, 1, F_BYTES, SECRET) };
MODEL(model_tree_node, NULL, struct tree_node, tree_node_rows);
