/* SPDX-License-Identifier: Apache-2.0 */
/* Requests and replies as structs; each model bears the name of its schema.  Replies borrow from the
 * request's arena. */
#ifndef MENEDEK_BODIES_H
#define MENEDEK_BODIES_H

#include "model/records.h"

/* ---- requests ---- */
struct sign_in {
	char user[32];
	char passphrase[LIMIT_PASSPHRASE + 1];
	char code[LIMIT_CODE + 1]; /* of the second factor, or a backup code */
};
struct totp_new {
	char passphrase[LIMIT_PASSPHRASE + 1];
};
struct totp_code_body {
	char code[LIMIT_CODE + 1];
};
struct totp_removal {
	char passphrase[LIMIT_PASSPHRASE + 1];
	char code[LIMIT_CODE + 1];
};
struct passphrase_change {
	char old_passphrase[LIMIT_PASSPHRASE + 1];
	char new_passphrase[LIMIT_PASSPHRASE + 1];
};
struct device_new {
	struct id org;
	char name[LIMIT_NAME];
	const char *csr; /* F_STRING in */
	bool old_device; /* the kit is to open on one that knows only what is weak */
};
struct unit_report_item {
	struct id unit;
	uint8_t state;
	uint8_t free_places;
};
struct availability_change {
	uint8_t unit_count;
	struct unit_report_item units[LIMIT_UNITS];
};
struct episode_new {
	uint8_t channel;
	struct household household;
};
struct episode_close {
	uint8_t outcome;
};
struct reservation_new {
	struct id episode;
	const char *candidate;
	bool consent;
	uint8_t need;
	uint8_t contact_channel;
};
struct reason_decline {
	uint8_t reason;
};
struct reason_client {
	uint8_t reason;
};
struct reason_cancel {
	uint8_t reason;
};
struct reason_disclose {
	uint8_t reason;
};
struct reason_glass {
	uint8_t reason;
};
struct reason_leave {
	uint8_t reason;
};
struct extension {
	day_number until;
	uint8_t reason;
};

/* ---- replies ---- */
struct token_reply {
	const char *access_token;
	const char *token_type;
	uint32_t expires_in;
	bool must_change;
};
struct me_reply {
	struct id user, org, device;
	const char *name, *org_name;
	uint8_t org_kind;
	uint32_t roles;
	uint8_t shelter_count;
	struct id shelters[USER_SHELTERS];
	struct bytes permissions; /* F_RAW: array of names */
	int64_t expires_at, device_until;
	bool second_factor, demo;
	uint8_t backup_codes_left;
};
struct totp_reply {
	const char *secret, *uri;
};
struct backup_codes {
	struct bytes backup_codes; /* F_RAW: array of texts, shown once */
};
struct passphrase_reply {
	struct id user;
	const char *passphrase; /* NULL: it is made when a second person agrees */
	struct id grant;        /* what waits for a second person, or zero */
};                              /* shown once */
struct grant_view {
	struct id id;
	uint8_t kind, state;
	struct id user, org;
	char name[32];
	uint32_t roles;
	uint8_t shelter_count;
	struct id shelters[USER_SHELTERS];
	struct id asked_by, decided_by;
	int64_t asked_at, until, decided_at;
	const char *passphrase; /* of a reset, to who agreed, once */
};
struct device_reply {
	struct device device;
	const char *certificate, *ca_certificate;
};
#define LIMIT_P12_TEXT 8192u
struct device_kit {
	struct device device;
	const char *p12, *passphrase; /* NULL: told once already */
};
struct unit_view {
	struct id id;
	const char *name;
	uint8_t adult_beds, child_beds, cots, places;
	bool shared, step_free, own_rooms;
	uint8_t join_group;
	uint8_t state; /* enum unit_state at the time of the answer */
	uint8_t free_places;
	uint8_t freshness; /* enum freshness */
	int64_t confirmed_at;
	char etag[24]; /* for If-Match on this unit */
};
struct availability_reply {
	struct id shelter;
	const char *code_name;
	int64_t at;
	uint16_t licensed_capacity, persons;
	const struct unit_view *units;
	uint32_t count;
};
struct units_reply {
	struct id shelter;
	const struct unit_view *units;
	uint32_t count;
};
struct candidate {
	const char *candidate; /* sealed, for this episode and desk, short-lived: what a hold takes */
	const char *code_name;
	uint8_t type, zone, answer, freshness;
	uint8_t unit_count, places, spare;
	bool step_free, address_unprotected;
	int64_t confirmed_at;
};
struct near_miss {
	const char *code_name;
	uint8_t type, zone, freshness;
	uint8_t reason_count;
	uint8_t reasons[LIMIT_REASONS];
};
struct blocked_reason {
	uint8_t reason;
	uint8_t share;
}; /* share: enum banded reused: yes = most, maybe = some, no = few */
struct search_reply {
	struct id episode;
	int64_t at;
	const struct candidate *candidates;
	uint32_t candidate_count;
	const struct near_miss *near_misses;
	uint32_t near_count;
	const struct blocked_reason *blocked;
	uint32_t blocked_count;
	uint16_t fits, full, unknown;
};
struct reservation_view {
	struct id id, episode, shelter;
	const char *number, *check_word, *code_name;
	uint8_t state, type, zone, contact_channel, need, reason_count;
	const char *reason;      /* code of the list that the state's event uses */
	struct bytes unit_names; /* F_RAW: array of strings; the house's own words */
	uint8_t adults, children, babies, band_count;
	uint8_t bands[LIMIT_CHILDREN];
	bool step_free, pet, pregnant, renewed, overstay;
	uint32_t languages;
	int64_t held_at, expires_at, requested_at, answered_at, arrived_at, ended_at, earliest_arrival;
	uint8_t disclosures_left, escalation, extensions;
	int64_t disclose_until;
	day_number stay_start, stay_end, next_review;
	const struct candidate *next; /* after a decline or expiry: the next best, for the desk */
	uint32_t next_count;          /* 0 or 1: F_ARRAY "next" */
	char etag[24];
};
struct sheet_reply {
	const char *number, *check_word, *code_name;
	uint8_t type, zone, contact_channel, adults, children, babies;
	int64_t printed_at, expires_at;
	const char *helpline;
};
struct location_reply {
	struct id shelter;
	const char *address, *intake_phone, *travel_notes;
	int64_t updated_at;
};
struct disclosure_reply {
	const char *address, *intake_phone, *travel_notes;
	int64_t until;
	uint8_t disclosures_left;
};
struct capacity_row {
	uint8_t type, zone, answer;
};
struct capacity_reply {
	int64_t at;
	const struct capacity_row *rows;
	uint32_t count;
};
struct audit_row {
	uint64_t number;
	int64_t at;
	const char *action;  /* "reservations.hold" */
	const char *outcome; /* "ok" or the code of the refusal */
	const char *reason;  /* reason code, or NULL */
	uint32_t roles;      /* of the actor at that time */
	char actor[27];      /* the user, or a pseudonym of it, by reader */
	char subject[27];    /* likewise */
	char shelter[27];
};
struct alert_row {
	int64_t at;
	uint8_t class, window;
	uint32_t last_hour, last_day; /* of this class, by now */
	char actor[ID_TEXT + 1];      /* the user, or a pseudonym of it, by reader */
	const char *person;
};
struct look_row {
	int64_t at, until;
	uint8_t kind;
	const char *person, *second; /* sign-in names; the second of a break-glass */
	const char *org, *org_kind;
	const char *reason; /* code of the list that ${kind} uses */
	struct id reservation;
};
struct break_glass_view {
	struct id id, reservation;
	uint8_t state, reason;
	const char *person, *second; /* sign-in names */
	int64_t asked_at, approved_at, until;
};
struct statistics_row {
	const char *key;
	const char *column;
	uint32_t value;
	bool withheld;
};
struct statistics_reply {
	const char *table;
	char period[8]; /* PERIOD_TEXT */
	day_number from, to;
	const struct statistics_row *rows;
	uint32_t count;
};

#define HASH_TEXT 65u /* SHA-256 in hex */

struct checkpoint_row {
	uint64_t number, size;
	int64_t at;
	char root[HASH_TEXT], head[HASH_TEXT];
	const char *note; /* the signed text */
};
struct audit_state_reply {
	int64_t at;
	uint64_t entries, first_bad;
	uint8_t finding;
	const char *key;                  /* hex: who signs */
	struct checkpoint_row checkpoint; /* number 0: none that could be read */
	int64_t checked_at;               /* the last self-check; 0: none yet */
	uint64_t checked_entries;
};
struct inclusion_reply {
	uint64_t entry, size;
	char public[193], hidden[HASH_TEXT]; /* hex; "" when retention has erased the entry */
	char leaf[HASH_TEXT], root[HASH_TEXT];
	struct bytes proof; /* F_RAW: array of hashes */
};
struct consistency_reply {
	uint64_t first, second;
	char first_root[HASH_TEXT], second_root[HASH_TEXT];
	struct bytes proof; /* F_RAW: array of hashes */
};

/** Any list: data of one model, a cursor for the next page. */
struct list_reply {
	const void *data;
	uint32_t count;
	uint16_t limit;
	char next_cursor[96];
};

extern const struct model model_totp_new, model_totp_code_body, model_totp_removal, model_totp_reply,
    model_backup_codes, model_grant_view, model_grant_list, model_device_kit_new, model_device_kit;
extern const struct model model_sign_in, model_passphrase_change, model_device_new, model_unit_report_item,
    model_availability_change, model_episode_new, model_episode_close, model_reservation_new,
    model_reason_decline, model_reason_client, model_reason_cancel, model_reason_disclose, model_reason_leave,
    model_extension, model_token_reply, model_me_reply, model_passphrase_reply, model_device_reply,
    model_unit_view, model_units_reply, model_availability_reply, model_candidate, model_near_miss,
    model_blocked_reason, model_search_reply, model_reservation_view, model_sheet_reply, model_location_reply,
    model_disclosure_reply, model_capacity_row, model_capacity_reply, model_audit_row, model_look_row,
    model_statistics_row, model_statistics_reply, model_org_list, model_user_list, model_device_list,
    model_shelter_list, model_episode_list, model_reservation_list, model_audit_list, model_look_list,
    model_alert_row, model_alert_list, model_reason_glass, model_break_glass_view, model_break_glass_list,
    model_checkpoint_row, model_checkpoint_list, model_audit_state, model_inclusion_reply,
    model_consistency_reply;

#endif
