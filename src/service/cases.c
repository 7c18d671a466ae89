/* SPDX-License-Identifier: Apache-2.0 */
/* One row per table of the statistics: which records it counts and under which row and column code. */
#include "service/cases.h"

#include <string.h>

#include "crypto/digest.h"
#include "domain/shares.h"

static enum rc
load_shelter(struct txn *t, const struct id *id, struct shelter *s)
{
	struct key key = record_key(KIND_SHELTER, id);

	return record_peek(t, KIND_SHELTER, &key, s);
}

/* What is heard of when its quarter is over counts when it is heard of: a quarter stays as it was told. */
static day_number
counted_on(int64_t at, day_number heard)
{
	return heard != 0 ? heard : budapest_day(at);
}

static enum rc
place_placement(struct txn *t, const void *record, struct case_cell *out)
{
	const struct reservation *r = record;
	struct shelter s;
	enum rc rc;

	if (r->arrived_at == 0)
		return RC_NOT_FOUND;
	if ((rc = load_shelter(t, &r->shelter, &s)) != RC_OK)
		return rc;
	*out = (struct case_cell){ counted_on(r->arrived_at, r->arrival_heard), s.type,
		r->came_to_zone != CODE_NONE ? r->came_to_zone : county_zone(s.county), s.id };
	return RC_OK;
}

static enum rc
place_decline(struct txn *t, const void *record, struct case_cell *out)
{
	const struct reservation *r = record;
	struct shelter s;
	enum rc rc;

	if (r->state != RES_DECLINED_BY_HOUSE || r->ended_at == 0)
		return RC_NOT_FOUND;
	if ((rc = load_shelter(t, &r->shelter, &s)) != RC_OK)
		return rc;
	*out = (struct case_cell){ counted_on(r->ended_at, r->end_heard), r->reason, s.type, s.id };
	return RC_OK;
}

static enum rc
place_outcome(struct txn *t, const void *record, struct case_cell *out)
{
	const struct episode *e = record;

	(void)t;
	if (e->state != EPISODE_CLOSED || e->closed_at == 0)
		return RC_NOT_FOUND;
	*out = (struct case_cell){ budapest_day(e->closed_at), e->outcome, e->channel, { { 0 } } };
	return RC_OK;
}

/* How a reservation that was asked for went: it counts on the day it was over, or the household came. */
static enum rc
place_end(struct txn *t, const void *record, struct case_cell *out)
{
	const struct reservation *r = record;
	const bool has_come = r->arrived_at != 0;

	(void)t;
	if (!has_come && (r->ended_at == 0 || !reservation_is_over((enum reservation_state)r->state)))
		return RC_NOT_FOUND;
	*out = (struct case_cell){ has_come ? counted_on(r->arrived_at, r->arrival_heard)
					    : counted_on(r->ended_at, r->end_heard),
		has_come ? RES_IN_STAY : r->state, 0, r->shelter };
	return RC_OK;
}

static enum rc
place_answer(struct txn *t, const void *record, struct case_cell *out)
{
	const struct reservation *r = record;

	(void)t;
	if (r->requested_at == 0 || r->answered_at == 0)
		return RC_NOT_FOUND;
	*out = (struct case_cell){ counted_on(r->answered_at, r->answer_heard),
		band_of_waiting(r->answered_at - r->requested_at), 0, r->shelter };
	return RC_OK;
}

/* How soon a request was offered its first place. */
static enum rc
place_offer(struct txn *t, const void *record, struct case_cell *out)
{
	const struct reservation *r = record;

	(void)t;
	if (r->request_opened_at == 0)
		return RC_NOT_FOUND;
	*out = (struct case_cell){ budapest_day(r->held_at),
		band_of_waiting(r->held_at - r->request_opened_at), 0, r->shelter };
	return RC_OK;
}

static enum rc
place_arrival(struct txn *t, const void *record, struct case_cell *out)
{
	const struct reservation *r = record;

	(void)t;
	if (r->answered_at == 0 || r->arrived_at == 0)
		return RC_NOT_FOUND;
	*out = (struct case_cell){ counted_on(r->arrived_at, r->arrival_heard),
		band_of_waiting(r->arrived_at - r->answered_at), 0, r->shelter };
	return RC_OK;
}

static enum rc
place_stay(struct txn *t, const void *record, struct case_cell *out)
{
	const struct reservation *r = record;

	(void)t;
	if (r->state != RES_LEFT || r->arrived_at == 0 || r->ended_at == 0)
		return RC_NOT_FOUND;
	*out = (struct case_cell){ counted_on(r->ended_at, r->end_heard),
		band_of_stay(r->ended_at - r->arrived_at), 0, r->shelter };
	return RC_OK;
}

static const struct code one_row[] = { { "all", { "összes", "all" } } };
static const struct code_list one_column = { "all", one_row, 1 };

const struct case_table case_tables[CASE_TABLES] = {
	{ "placements", KIND_RESERVATION, &codes_shelter_type, &codes_zone, false, place_placement },
	{ "outcomes", KIND_EPISODE, &codes_outcome, &codes_channel, false, place_outcome },
	{ "declines", KIND_RESERVATION, &codes_decline_reason, &codes_shelter_type, false, place_decline },
	{ "ends", KIND_RESERVATION, &codes_reservation_state, &one_column, true, place_end },
	{ "answers", KIND_RESERVATION, &bands_of_waiting, &one_column, true, place_answer },
	{ "arrivals", KIND_RESERVATION, &bands_of_waiting, &one_column, true, place_arrival },
	{ "stays", KIND_RESERVATION, &bands_of_stay, &one_column, true, place_stay },
	{ "offers", KIND_RESERVATION, &bands_of_waiting, &one_column, true, place_offer },
};

const struct case_table *
case_table_find(const char *name)
{
	for (unsigned i = 0; i < CASE_TABLES; i++)
		if (!case_tables[i].is_shares && strcmp(case_tables[i].name, name) == 0)
			return &case_tables[i];
	return NULL;
}

uint16_t
case_quarter(day_number day)
{
	const struct civil c = civil_from_day(day);

	return (uint16_t)(c.year * 4 + (c.month - 1) / 3);
}

day_number
case_quarter_start(uint16_t quarter)
{
	return civil_to_day((struct civil){ quarter / 4, quarter % 4 * 3 + 1, 1 });
}

/* Keys are not sealed, and a house's id beside a type and a zone would tell what it is: the key is a MAC. */
static enum rc
tally_key(const struct keyring *ring, const struct case_count *t, struct key *out)
{
	uint8_t secret[32], what[5 + ID_BYTES], mac[DIGEST_BYTES];
	enum rc rc = keyring_derive(ring, "tally", secret);

	what[0] = (uint8_t)(t->quarter >> 8);
	what[1] = (uint8_t)t->quarter;
	what[2] = t->table;
	what[3] = t->row;
	what[4] = t->column;
	memcpy(what + 5, t->house.b, ID_BYTES);
	digest_hmac(BYTES_OF(secret), BYTES_OF(what), mac);
	wipe(secret, sizeof(secret));
	*out = record_key_bytes(KIND_TALLY, mac, ID_BYTES);
	return rc;
}

struct raised {
	struct key key;
	struct case_count count;
};

/* What the tally of ${one} is with it. */
static enum rc
raise(struct ctx *c, const struct case_count *one, struct raised *out)
{
	enum rc rc;

	if ((rc = tally_key(c->parts->keyring, one, &out->key)) != RC_OK)
		return rc;
	if ((rc = record_get(c->txn, KIND_TALLY, &out->key, &out->count)) == RC_NOT_FOUND) {
		out->count = *one;
		return RC_OK;
	}
	if (rc != RC_OK)
		return rc;
	if (out->count.cases == UINT32_MAX)
		return RC_TOO_BIG;
	out->count.cases++;
	return RC_OK;
}

/* RC_NOT_FOUND: it does not count in ${table}. */
static enum rc
raise_in(struct ctx *c, unsigned table, const void *record, struct raised *out)
{
	const struct case_table *t = &case_tables[table];
	struct case_cell cell;
	enum rc rc;

	if ((rc = t->place(c->txn, record, &cell)) != RC_OK)
		return rc;
	if (cell.row >= t->rows->count || cell.column >= t->columns->count)
		return RC_NOT_FOUND;
	return raise(c,
	    &(struct case_count){ .quarter = case_quarter(cell.day),
		.table = (uint8_t)table,
		.row = (uint8_t)cell.row,
		.column = (uint8_t)cell.column,
		.house = cell.house,
		.cases = 1 },
	    out);
}

enum rc
case_tally(struct ctx *c, enum kind kind, const void *record)
{
	struct raised raised[CASE_TABLES];
	unsigned count = 0;
	enum rc rc = RC_OK;

	for (unsigned i = 0; i < CASE_TABLES; i++) {
		if (case_tables[i].kind != kind)
			continue;
		if ((rc = raise_in(c, i, record, &raised[count])) == RC_OK)
			count++;
		else if (rc != RC_NOT_FOUND)
			return rc;
	}
	rc = RC_OK;
	for (unsigned i = 0; i < count && rc == RC_OK; i++)
		rc = record_put(c->txn, KIND_TALLY, &raised[i].key, &raised[i].count);
	return rc;
}

/* ---- a house that moves ---- */

#define PINNED 40u /* each is read and written, well below LIMIT_TXN_KEYS */

struct pinning {
	const struct id *house;
	struct key item[PINNED];
	unsigned count;
	struct key *next;
	bool has_next;
};

static bool
collect_stay(void *arg, const struct key *key, struct bytes value, uint64_t rev)
{
	struct pinning *p = arg;
	struct reservation r;

	(void)rev;
	if (record_decode(KIND_RESERVATION, value, &r) != RC_OK || !id_equal(&r.shelter, p->house) ||
	    r.arrived_at == 0 || r.came_to_zone != CODE_NONE)
		return true;
	if (p->count == PINNED) {
		*p->next = *key;
		p->has_next = true;
		return false;
	}
	p->item[p->count++] = *key;
	return true;
}

enum rc
case_pin_zone(struct ctx *c, const struct id *house, enum zone zone, struct key *from, bool *has_more)
{
	const struct key prefix = record_key_bytes(KIND_RESERVATION, "", 0);
	struct pinning *p = arena_calloc(c->arena, 1, sizeof(*p));
	struct reservation r;
	enum rc rc;

	*has_more = false;
	if (!p)
		return RC_UNAVAILABLE;
	*p = (struct pinning){ .house = house, .next = from };
	/* `menedek check` names it; nothing counts it either. */
	rc = txn_scan_past(c->txn, &prefix, from->len == 0 ? NULL : from, collect_stay, txn_pass_by, p);
	for (unsigned i = 0; i < p->count && rc == RC_OK; i++) {
		if ((rc = record_get(c->txn, KIND_RESERVATION, &p->item[i], &r)) != RC_OK)
			break;
		r.came_to_zone = (uint8_t)zone;
		rc = record_put(c->txn, KIND_RESERVATION, &p->item[i], &r);
	}
	*has_more = p->has_next;
	return rc;
}
