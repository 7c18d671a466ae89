/* SPDX-License-Identifier: Apache-2.0 */
/* The field tables of requests and replies.  None of them is stored, so none has tags. */
#include "model/bodies.h"

#define V(s, m, type)              ROW(s, m, 0, type, FIELD_VIEW)
#define V_CODED(s, m, type, codes) ROW_CODED(s, m, 0, type, FIELD_VIEW, codes)
#define V_OBJECT(s, m, sub)        ROW_OBJECT(s, m, 0, FIELD_VIEW, sub)

/* ---- requests ---- */

static const struct field sign_in_rows[] = {
	V(struct sign_in, user, F_TEXT),
	V(struct sign_in, passphrase, F_TEXT),
	V(struct sign_in, code, F_TEXT),
};
MODEL(model_sign_in, "sign-in", struct sign_in, sign_in_rows);

static const struct field totp_new_rows[] = {
	V(struct totp_new, passphrase, F_TEXT),
};
MODEL(model_totp_new, "totp-new", struct totp_new, totp_new_rows);

static const struct field totp_code_rows[] = {
	V(struct totp_code_body, code, F_TEXT),
};
MODEL(model_totp_code_body, "totp-code", struct totp_code_body, totp_code_rows);

static const struct field totp_removal_rows[] = {
	V(struct totp_removal, passphrase, F_TEXT),
	V(struct totp_removal, code, F_TEXT),
};
MODEL(model_totp_removal, "totp-removal", struct totp_removal, totp_removal_rows);

static const struct field passphrase_change_rows[] = {
	V(struct passphrase_change, old_passphrase, F_TEXT),
	V(struct passphrase_change, new_passphrase, F_TEXT),
};
MODEL(model_passphrase_change, "passphrase-change", struct passphrase_change, passphrase_change_rows);

static const struct field device_new_rows[] = {
	V(struct device_new, org, F_ID),
	V(struct device_new, name, F_TEXT),
	V(struct device_new, csr, F_STRING),
};
MODEL(model_device_new, "device-new", struct device_new, device_new_rows);
static const struct field device_kit_new_rows[] = {
	V(struct device_new, org, F_ID),
	V(struct device_new, name, F_TEXT),
	V(struct device_new, old_device, F_BOOL),
};
MODEL(model_device_kit_new, "device-kit-new", struct device_new, device_kit_new_rows);

/* Without ${unit} where the path names it. */
static const struct field unit_report_rows[] = {
	V(struct unit_report_item, unit, F_ID),
	V_CODED(struct unit_report_item, state, F_CODE, codes_unit_state),
	V(struct unit_report_item, free_places, F_U8),
};
MODEL(model_unit_report_item, "unit-report", struct unit_report_item, unit_report_rows);

static const struct field availability_change_rows[] = {
	ROW_LIST(struct availability_change, units, unit_count, 0, FIELD_VIEW, model_unit_report_item),
};
MODEL(model_availability_change, "availability-change", struct availability_change, availability_change_rows);

static const struct field episode_new_rows[] = {
	V_CODED(struct episode_new, channel, F_CODE, codes_channel),
	V_OBJECT(struct episode_new, household, model_household),
};
MODEL(model_episode_new, "episode-new", struct episode_new, episode_new_rows);

static const struct field episode_close_rows[] = {
	V_CODED(struct episode_close, outcome, F_CODE, codes_outcome),
};
MODEL(model_episode_close, "episode-close", struct episode_close, episode_close_rows);

static const struct field reservation_new_rows[] = {
	V(struct reservation_new, episode, F_ID),
	V(struct reservation_new, candidate, F_STRING),
	V(struct reservation_new, consent, F_BOOL),
	V_CODED(struct reservation_new, need, F_CODE, codes_need),
	V_CODED(struct reservation_new, contact_channel, F_CODE, codes_contact_channel),
};
MODEL(model_reservation_new, "reservation-new", struct reservation_new, reservation_new_rows);

static const struct field reason_decline_rows[] = {
	V_CODED(struct reason_decline, reason, F_CODE, codes_decline_reason),
};
MODEL(model_reason_decline, "reason-decline", struct reason_decline, reason_decline_rows);

static const struct field reason_client_rows[] = {
	V_CODED(struct reason_client, reason, F_CODE, codes_client_reason),
};
MODEL(model_reason_client, "reason-client", struct reason_client, reason_client_rows);

static const struct field reason_cancel_rows[] = {
	V_CODED(struct reason_cancel, reason, F_CODE, codes_cancel_reason),
};
MODEL(model_reason_cancel, "reason-cancel", struct reason_cancel, reason_cancel_rows);

static const struct field reason_disclose_rows[] = {
	V_CODED(struct reason_disclose, reason, F_CODE, codes_disclose_reason),
};
MODEL(model_reason_disclose, "reason-disclose", struct reason_disclose, reason_disclose_rows);

static const struct field reason_glass_rows[] = {
	V_CODED(struct reason_glass, reason, F_CODE, codes_break_glass_reason),
};
MODEL(model_reason_glass, "reason-break-glass", struct reason_glass, reason_glass_rows);

static const struct field reason_leave_rows[] = {
	V_CODED(struct reason_leave, reason, F_CODE, codes_leave_reason),
};
MODEL(model_reason_leave, "reason-leave", struct reason_leave, reason_leave_rows);

static const struct field extension_rows[] = {
	V(struct extension, until, F_DAY),
	V_CODED(struct extension, reason, F_CODE, codes_extend_reason),
};
MODEL(model_extension, "extension", struct extension, extension_rows);

/* ---- replies: people and devices ---- */

static const struct field token_rows[] = {
	V(struct token_reply, access_token, F_STRING),
	V(struct token_reply, token_type, F_STRING),
	V(struct token_reply, expires_in, F_U32),
	V(struct token_reply, must_change, F_BOOL),
};
MODEL(model_token_reply, "token", struct token_reply, token_rows);

static const struct field me_rows[] = {
	V(struct me_reply, user, F_ID),
	V(struct me_reply, org, F_ID),
	V(struct me_reply, device, F_ID),
	V(struct me_reply, name, F_STRING),
	V(struct me_reply, org_name, F_STRING),
	V_CODED(struct me_reply, org_kind, F_CODE, codes_org_kind),
	V_CODED(struct me_reply, roles, F_CODES, codes_role),
	ROW_ID_LIST(struct me_reply, shelters, shelter_count, 0, FIELD_VIEW),
	V(struct me_reply, permissions, F_RAW),
	V(struct me_reply, expires_at, F_TIME),
	V(struct me_reply, device_until, F_TIME),
	V(struct me_reply, second_factor, F_BOOL),
	V(struct me_reply, backup_codes_left, F_U8),
	V(struct me_reply, demo, F_BOOL),
};
MODEL(model_me_reply, "me", struct me_reply, me_rows);

static const struct field totp_rows[] = {
	V(struct totp_reply, secret, F_STRING),
	V(struct totp_reply, uri, F_STRING),
};
MODEL(model_totp_reply, "totp", struct totp_reply, totp_rows);

static const struct field backup_codes_rows[] = {
	V(struct backup_codes, backup_codes, F_RAW),
};
MODEL(model_backup_codes, "backup-codes", struct backup_codes, backup_codes_rows);

static const struct field passphrase_rows[] = {
	V(struct passphrase_reply, user, F_ID),
	V(struct passphrase_reply, passphrase, F_STRING),
	V(struct passphrase_reply, grant, F_ID),
};
MODEL(model_passphrase_reply, "passphrase", struct passphrase_reply, passphrase_rows);

static const struct field grant_view_rows[] = {
	V(struct grant_view, id, F_ID),
	V_CODED(struct grant_view, kind, F_CODE, codes_grant_kind),
	V_CODED(struct grant_view, state, F_CODE, codes_grant_state),
	V(struct grant_view, user, F_ID),
	V(struct grant_view, org, F_ID),
	V(struct grant_view, name, F_TEXT),
	V_CODED(struct grant_view, roles, F_CODES, codes_role),
	ROW_ID_LIST(struct grant_view, shelters, shelter_count, 0, FIELD_VIEW),
	V(struct grant_view, asked_by, F_ID),
	V(struct grant_view, decided_by, F_ID),
	V(struct grant_view, asked_at, F_TIME),
	V(struct grant_view, until, F_TIME),
	V(struct grant_view, decided_at, F_TIME),
	V(struct grant_view, passphrase, F_STRING),
};
MODEL(model_grant_view, "grant", struct grant_view, grant_view_rows);

static const struct field device_reply_rows[] = {
	V_OBJECT(struct device_reply, device, model_device),
	V(struct device_reply, certificate, F_STRING),
	V(struct device_reply, ca_certificate, F_STRING),
};
MODEL(model_device_reply, "device-certificate", struct device_reply, device_reply_rows);

static const struct field device_kit_rows[] = {
	V_OBJECT(struct device_kit, device, model_device),
	V(struct device_kit, p12, F_STRING),
	V(struct device_kit, passphrase, F_STRING),
};
MODEL(model_device_kit, "device-kit", struct device_kit, device_kit_rows);

/* ---- replies: houses ---- */

static const struct field unit_view_rows[] = {
	V(struct unit_view, id, F_ID),
	V(struct unit_view, name, F_STRING),
	V(struct unit_view, adult_beds, F_U8),
	V(struct unit_view, child_beds, F_U8),
	V(struct unit_view, cots, F_U8),
	V(struct unit_view, places, F_U8),
	V(struct unit_view, shared, F_BOOL),
	V(struct unit_view, step_free, F_BOOL),
	V(struct unit_view, own_rooms, F_BOOL),
	V(struct unit_view, join_group, F_U8),
	V_CODED(struct unit_view, state, F_CODE, codes_unit_state),
	V(struct unit_view, free_places, F_U8),
	V_CODED(struct unit_view, freshness, F_CODE, codes_freshness),
	V(struct unit_view, confirmed_at, F_TIME),
	V(struct unit_view, etag, F_TEXT),
};
MODEL(model_unit_view, "unit", struct unit_view, unit_view_rows);

static const struct field availability_rows[] = {
	V(struct availability_reply, shelter, F_ID),
	V(struct availability_reply, code_name, F_STRING),
	V(struct availability_reply, at, F_TIME),
	V(struct availability_reply, licensed_capacity, F_U16),
	V(struct availability_reply, persons, F_U16),
	ROW_ARRAY(struct availability_reply, units, count, model_unit_view),
};
MODEL(model_availability_reply, "availability", struct availability_reply, availability_rows);

static const struct field units_reply_rows[] = {
	V(struct units_reply, shelter, F_ID),
	ROW_ARRAY(struct units_reply, units, count, model_unit_view),
};
MODEL(model_units_reply, "units", struct units_reply, units_reply_rows);

static const struct field location_reply_rows[] = {
	V(struct location_reply, shelter, F_ID),
	V(struct location_reply, address, F_STRING),
	V(struct location_reply, intake_phone, F_STRING),
	V(struct location_reply, travel_notes, F_STRING),
	V(struct location_reply, updated_at, F_TIME),
};
MODEL(model_location_reply, "location", struct location_reply, location_reply_rows);

static const struct field capacity_row_rows[] = {
	V_CODED(struct capacity_row, type, F_CODE, codes_shelter_type),
	V_CODED(struct capacity_row, zone, F_CODE, codes_zone),
	V_CODED(struct capacity_row, answer, F_CODE, codes_banded),
};
MODEL(model_capacity_row, NULL, struct capacity_row, capacity_row_rows);

static const struct field capacity_rows[] = {
	V(struct capacity_reply, at, F_TIME),
	ROW_ARRAY(struct capacity_reply, rows, count, model_capacity_row),
};
MODEL(model_capacity_reply, "capacity", struct capacity_reply, capacity_rows);

/* ---- replies: searches ---- */

static const struct field candidate_rows[] = {
	V(struct candidate, candidate, F_STRING),
	V(struct candidate, code_name, F_STRING),
	V_CODED(struct candidate, type, F_CODE, codes_shelter_type),
	V_CODED(struct candidate, zone, F_CODE, codes_zone),
	V_CODED(struct candidate, answer, F_CODE, codes_answer),
	V_CODED(struct candidate, freshness, F_CODE, codes_freshness),
	V(struct candidate, unit_count, F_U8),
	V(struct candidate, places, F_U8),
	V(struct candidate, spare, F_U8),
	V(struct candidate, step_free, F_BOOL),
	V(struct candidate, address_unprotected, F_BOOL),
	V(struct candidate, confirmed_at, F_TIME),
};
MODEL(model_candidate, "candidate", struct candidate, candidate_rows);

static const struct field near_miss_rows[] = {
	V(struct near_miss, code_name, F_STRING),
	V_CODED(struct near_miss, type, F_CODE, codes_shelter_type),
	V_CODED(struct near_miss, zone, F_CODE, codes_zone),
	V_CODED(struct near_miss, freshness, F_CODE, codes_freshness),
	ROW_CODE_LIST(struct near_miss, reasons, reason_count, 0, FIELD_VIEW, codes_fit_reason),
};
MODEL(model_near_miss, NULL, struct near_miss, near_miss_rows);

static const struct field blocked_reason_rows[] = {
	V_CODED(struct blocked_reason, reason, F_CODE, codes_fit_reason),
	V_CODED(struct blocked_reason, share, F_CODE, codes_banded),
};
MODEL(model_blocked_reason, NULL, struct blocked_reason, blocked_reason_rows);

static const struct field search_rows[] = {
	V(struct search_reply, episode, F_ID),
	V(struct search_reply, at, F_TIME),
	ROW_ARRAY(struct search_reply, candidates, candidate_count, model_candidate),
	ROW_ARRAY(struct search_reply, near_misses, near_count, model_near_miss),
	ROW_ARRAY(struct search_reply, blocked, blocked_count, model_blocked_reason),
	V(struct search_reply, fits, F_U16),
	V(struct search_reply, full, F_U16),
	V(struct search_reply, unknown, F_U16),
};
MODEL(model_search_reply, "search", struct search_reply, search_rows);

/* ---- replies: reservations ---- */

static const struct field reservation_view_rows[] = {
	V(struct reservation_view, id, F_ID),
	V(struct reservation_view, episode, F_ID),
	V(struct reservation_view, shelter, F_ID),
	V(struct reservation_view, number, F_STRING),
	V(struct reservation_view, check_word, F_STRING),
	V(struct reservation_view, code_name, F_STRING),
	V_CODED(struct reservation_view, state, F_CODE, codes_reservation_state),
	V_CODED(struct reservation_view, type, F_CODE, codes_shelter_type),
	V_CODED(struct reservation_view, zone, F_CODE, codes_zone),
	V_CODED(struct reservation_view, contact_channel, F_CODE, codes_contact_channel),
	V_CODED(struct reservation_view, need, F_CODE, codes_need),
	V(struct reservation_view, reason, F_STRING),
	V(struct reservation_view, unit_names, F_RAW),
	V(struct reservation_view, adults, F_U8),
	V(struct reservation_view, children, F_U8),
	V(struct reservation_view, babies, F_U8),
	ROW_CODE_LIST(struct reservation_view, bands, band_count, 0, FIELD_VIEW, codes_age_band),
	V(struct reservation_view, step_free, F_BOOL),
	V(struct reservation_view, pet, F_BOOL),
	V(struct reservation_view, pregnant, F_BOOL),
	V(struct reservation_view, renewed, F_BOOL),
	V(struct reservation_view, overstay, F_BOOL),
	V_CODED(struct reservation_view, languages, F_CODES, codes_language),
	V(struct reservation_view, held_at, F_TIME),
	V(struct reservation_view, expires_at, F_TIME),
	V(struct reservation_view, requested_at, F_TIME),
	V(struct reservation_view, answered_at, F_TIME),
	V(struct reservation_view, arrived_at, F_TIME),
	V(struct reservation_view, ended_at, F_TIME),
	V(struct reservation_view, earliest_arrival, F_TIME),
	V(struct reservation_view, disclosures_left, F_U8),
	V(struct reservation_view, disclose_until, F_TIME),
	V(struct reservation_view, escalation, F_U8),
	V(struct reservation_view, extensions, F_U8),
	V(struct reservation_view, stay_start, F_DAY),
	V(struct reservation_view, stay_end, F_DAY),
	V(struct reservation_view, next_review, F_DAY),
	ROW_ARRAY(struct reservation_view, next, next_count, model_candidate),
	V(struct reservation_view, etag, F_TEXT),
};
MODEL(model_reservation_view, "reservation", struct reservation_view, reservation_view_rows);

static const struct field sheet_rows[] = {
	V(struct sheet_reply, number, F_STRING),
	V(struct sheet_reply, check_word, F_STRING),
	V(struct sheet_reply, code_name, F_STRING),
	V_CODED(struct sheet_reply, type, F_CODE, codes_shelter_type),
	V_CODED(struct sheet_reply, zone, F_CODE, codes_zone),
	V_CODED(struct sheet_reply, contact_channel, F_CODE, codes_contact_channel),
	V(struct sheet_reply, adults, F_U8),
	V(struct sheet_reply, children, F_U8),
	V(struct sheet_reply, babies, F_U8),
	V(struct sheet_reply, printed_at, F_TIME),
	V(struct sheet_reply, expires_at, F_TIME),
	V(struct sheet_reply, helpline, F_STRING),
};
MODEL(model_sheet_reply, "sheet", struct sheet_reply, sheet_rows);

static const struct field disclosure_reply_rows[] = {
	V(struct disclosure_reply, address, F_STRING),
	V(struct disclosure_reply, intake_phone, F_STRING),
	V(struct disclosure_reply, travel_notes, F_STRING),
	V(struct disclosure_reply, until, F_TIME),
	V(struct disclosure_reply, disclosures_left, F_U8),
};
MODEL(model_disclosure_reply, "disclosure", struct disclosure_reply, disclosure_reply_rows);

/* ---- replies: audit and statistics ---- */

static const struct field audit_row_rows[] = {
	V(struct audit_row, number, F_U64),
	V(struct audit_row, at, F_TIME),
	V(struct audit_row, action, F_STRING),
	V(struct audit_row, outcome, F_STRING),
	V(struct audit_row, reason, F_STRING),
	V_CODED(struct audit_row, roles, F_CODES, codes_role),
	V(struct audit_row, actor, F_TEXT),
	V(struct audit_row, subject, F_TEXT),
	V(struct audit_row, shelter, F_TEXT),
};
MODEL(model_audit_row, NULL, struct audit_row, audit_row_rows);

static const struct field break_glass_view_rows[] = {
	V(struct break_glass_view, id, F_ID),
	V(struct break_glass_view, reservation, F_ID),
	V_CODED(struct break_glass_view, state, F_CODE, codes_break_glass_state),
	V_CODED(struct break_glass_view, reason, F_CODE, codes_break_glass_reason),
	V(struct break_glass_view, person, F_STRING),
	V(struct break_glass_view, second, F_STRING),
	V(struct break_glass_view, asked_at, F_TIME),
	V(struct break_glass_view, approved_at, F_TIME),
	V(struct break_glass_view, until, F_TIME),
};
MODEL(model_break_glass_view, "break-glass", struct break_glass_view, break_glass_view_rows);

static const struct field alert_row_rows[] = {
	V(struct alert_row, at, F_TIME),
	V_CODED(struct alert_row, class, F_CODE, codes_breadth_class),
	V_CODED(struct alert_row, window, F_CODE, codes_breadth_window),
	V(struct alert_row, last_hour, F_U32),
	V(struct alert_row, last_day, F_U32),
	V(struct alert_row, actor, F_TEXT),
	V(struct alert_row, person, F_STRING),
};
MODEL(model_alert_row, NULL, struct alert_row, alert_row_rows);

static const struct field checkpoint_row_rows[] = {
	V(struct checkpoint_row, number, F_U64),
	V(struct checkpoint_row, size, F_U64),
	V(struct checkpoint_row, at, F_TIME),
	V(struct checkpoint_row, root, F_TEXT),
	V(struct checkpoint_row, head, F_TEXT),
	V(struct checkpoint_row, note, F_STRING),
};
MODEL(model_checkpoint_row, NULL, struct checkpoint_row, checkpoint_row_rows);

static const struct field audit_state_rows[] = {
	V(struct audit_state_reply, at, F_TIME),
	V(struct audit_state_reply, entries, F_U64),
	V(struct audit_state_reply, first_bad, F_U64),
	V_CODED(struct audit_state_reply, finding, F_CODE, codes_audit_finding),
	V(struct audit_state_reply, key, F_STRING),
	V_OBJECT(struct audit_state_reply, checkpoint, model_checkpoint_row),
	V(struct audit_state_reply, checked_at, F_TIME),
	V(struct audit_state_reply, checked_entries, F_U64),
};
MODEL(model_audit_state, "audit-state", struct audit_state_reply, audit_state_rows);

static const struct field inclusion_rows[] = {
	V(struct inclusion_reply, entry, F_U64),
	V(struct inclusion_reply, size, F_U64),
	V(struct inclusion_reply, public, F_TEXT),
	V(struct inclusion_reply, hidden, F_TEXT),
	V(struct inclusion_reply, leaf, F_TEXT),
	V(struct inclusion_reply, root, F_TEXT),
	V(struct inclusion_reply, proof, F_RAW),
};
MODEL(model_inclusion_reply, "inclusion-proof", struct inclusion_reply, inclusion_rows);

static const struct field consistency_rows[] = {
	V(struct consistency_reply, first, F_U64),
	V(struct consistency_reply, second, F_U64),
	V(struct consistency_reply, first_root, F_TEXT),
	V(struct consistency_reply, second_root, F_TEXT),
	V(struct consistency_reply, proof, F_RAW),
};
MODEL(model_consistency_reply, "consistency-proof", struct consistency_reply, consistency_rows);

static const struct field look_row_rows[] = {
	V(struct look_row, at, F_TIME),
	V(struct look_row, until, F_TIME),
	V_CODED(struct look_row, kind, F_CODE, codes_look_kind),
	V(struct look_row, person, F_STRING),
	V(struct look_row, second, F_STRING),
	V(struct look_row, org, F_STRING),
	V(struct look_row, org_kind, F_STRING),
	V(struct look_row, reason, F_STRING),
	V(struct look_row, reservation, F_ID),
};
MODEL(model_look_row, NULL, struct look_row, look_row_rows);

static const struct field statistics_row_rows[] = {
	V(struct statistics_row, key, F_STRING),
	V(struct statistics_row, column, F_STRING),
	V(struct statistics_row, value, F_U32),
	V(struct statistics_row, withheld, F_BOOL),
};
MODEL(model_statistics_row, NULL, struct statistics_row, statistics_row_rows);

static const struct field statistics_rows[] = {
	V(struct statistics_reply, table, F_STRING),
	V(struct statistics_reply, period, F_TEXT),
	V(struct statistics_reply, from, F_DAY),
	V(struct statistics_reply, to, F_DAY),
	ROW_ARRAY(struct statistics_reply, rows, count, model_statistics_row),
};
MODEL(model_statistics_reply, "statistics", struct statistics_reply, statistics_rows);

/* ---- lists ---- */

#define LIST(variable, schema, item)                             \
	static const struct field variable##_rows[] = {          \
		ROW_ARRAY(struct list_reply, data, count, item), \
		V(struct list_reply, limit, F_U16),              \
		V(struct list_reply, next_cursor, F_TEXT),       \
	};                                                       \
	MODEL(variable, schema, struct list_reply, variable##_rows)

LIST(model_org_list, "org-list", model_org);
LIST(model_user_list, "user-list", model_user);
LIST(model_grant_list, "grant-list", model_grant_view);
LIST(model_device_list, "device-list", model_device);
LIST(model_shelter_list, "shelter-list", model_shelter);
LIST(model_episode_list, "episode-list", model_episode);
LIST(model_reservation_list, "reservation-list", model_reservation_view);
LIST(model_audit_list, "audit-list", model_audit_row);
LIST(model_break_glass_list, "break-glass-list", model_break_glass_view);
LIST(model_checkpoint_list, "checkpoint-list", model_checkpoint_row);
LIST(model_alert_list, "alert-list", model_alert_row);
LIST(model_look_list, "look-list", model_look_row);
