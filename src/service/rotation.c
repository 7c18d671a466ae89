/* SPDX-License-Identifier: Apache-2.0 */
/* The phases of a rotation.  Each ends with a commit that says so, and each may be run again from its start.
 */
#include "service/rotation.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "service/locations.h"

#define ACTION "keys_rotation"

/* Stored: rows are only added. */
enum phase {
	PHASE_REST,
	PHASE_KEYS,
	PHASE_RECORDS,
	PHASE_LOCATION_KEYS,
	PHASE_LOCATIONS,
	PHASE_LOCATION_PRUNE,
	PHASE_RETIRE,
	PHASES
};

static const char *const phase_names[PHASES] = { "done", "keys", "records", "location keys", "locations",
	"old location keys", "old keys" };

/* ---- which keys are old ---- */

static bool
is_old(const struct upkeep *u, const struct key_info *key)
{
	return key->id <= u->state.newest_before;
}

/* Candidates and cursors of the last minutes are still in people's hands, sealed under the token key of
 * before. */
static bool
is_spent(const struct upkeep *u, const struct key_info *key)
{
	uint32_t last = 0;

	if (!is_old(u, key) || key->use != KEY_TOKEN)
		return is_old(u, key);
	for (size_t i = 0; i < u->key_count; i++)
		if (u->keys[i].use == KEY_TOKEN && is_old(u, &u->keys[i]))
			last = u->keys[i].id;
	return key->id != last;
}

static unsigned
count_old(const struct upkeep *u)
{
	unsigned count = 0;

	for (size_t i = 0; i < u->key_count; i++)
		count += is_old(u, &u->keys[i]);
	return count;
}

/* ---- phases ---- */

static enum rc
begin(struct ctx *c, struct maintenance *m, void *arg)
{
	const struct upkeep *u = arg;

	(void)c;
	if (m->phase != PHASE_REST) {
		m->interruptions++;
		return RC_OK;
	}
	*m = (struct maintenance){ .phase = PHASE_KEYS, .runs = m->runs + 1, .started_at = u->now };
	m->newest_before = u->keys[u->key_count - 1].id;
	m->held_before = (uint32_t)u->key_count;
	return RC_OK;
}

static enum rc
enter(struct ctx *c, struct maintenance *m, void *arg)
{
	const enum phase *phase = arg;

	m->phase = (uint8_t)*phase;
	m->cursor_len = 0;
	(void)snprintf(c->audit.reason, sizeof(c->audit.reason), "%s", phase_names[*phase]);
	return RC_OK;
}

static enum rc
make_keys(struct upkeep *u)
{
	enum rc rc = RC_OK;

	for (unsigned use = 0; use < KEY_USES && rc == RC_OK; use++)
		if (keyring_current(u->parts->keyring, (enum key_use)use) <= u->state.newest_before)
			rc = keyring_renew(u->parts->keyring, (enum key_use)use, u->fault);
	return rc == RC_OK ? upkeep_list_keys(u) : rc;
}

static enum rc
seal_records(struct upkeep *u)
{
	return upkeep_reseal(u, JOB_ROTATION, ACTION, is_old);
}

/* ---- locations ---- */

#define HOUSES 20u /* a transaction: a location is read and written, up to 1,600 bytes */

struct houses {
	struct upkeep *u;
	struct id id[HOUSES];
	unsigned count, most, used;
	struct key next;
	bool has_next;
	enum rc rc;
};

static bool
collect_house(void *arg, const struct key *key, uint32_t key_id)
{
	struct houses *h = arg;

	(void)key_id;
	if (h->count == HOUSES) {
		h->next = *key;
		h->has_next = true;
		return false;
	}
	memcpy(h->id[h->count++].b, key->b + 1, ID_BYTES);
	return true;
}

static enum rc
collect_houses(struct txn *t, void *arg)
{
	struct houses *h = arg;
	const struct maintenance *m = &h->u->state;
	const struct key prefix = record_key_bytes(KIND_LOCATION, "", 0);
	struct key from = { .len = (uint8_t)m->cursor_len };

	memcpy(from.b, m->cursor, from.len);
	h->count = 0;
	h->has_next = false;
	return txn_census(t, &prefix, from.len == 0 ? NULL : &from, collect_house, h);
}

/* A location that does not open could not be told before either; `menedek check` names it. */
static enum rc
seal_houses(struct ctx *c, struct maintenance *m, void *arg)
{
	struct houses *h = arg;
	const bool is_all = h->most >= h->count;
	struct key next = is_all ? h->next : record_key(KIND_LOCATION, &h->id[h->most]);
	enum rc rc = RC_OK;

	h->used = is_all ? h->count : h->most;
	m->cursor_len = is_all && !h->has_next ? 0 : next.len;
	memcpy(m->cursor, next.b, m->cursor_len);
	for (unsigned i = 0; i < h->used && rc == RC_OK; i++) {
		rc = location_seal_again(c, &h->id[i]);
		m->locations += rc == RC_OK;
		if (rc == RC_NOT_FOUND || rc == RC_CORRUPT)
			rc = RC_OK;
	}
	(void)snprintf(c->audit.reason, sizeof(c->audit.reason), "%u locations sealed anew", h->used);
	return rc;
}

static void
tell_locations(struct upkeep *u)
{
	char buf[192];
	struct jw w;

	upkeep_line(&w, buf, sizeof(buf), ACTION, phase_names[PHASE_LOCATIONS]);
	jw_field_int(&w, "locations_sealed_anew", (int64_t)u->state.locations);
	upkeep_tell(u, &w);
}

static enum rc
seal_locations(struct upkeep *u)
{
	struct houses h = { .u = u, .most = HOUSES };
	enum rc rc;

	do {
		arena_rewind(u->arena, 0);
		if ((rc = store_view(u->parts->store, u->arena, collect_houses, &h)) != RC_OK || h.count == 0)
			return rc;
		if ((rc = upkeep_try(u, JOB_ROTATION, ACTION, seal_houses, &h, &h.most)) != RC_OK)
			return rc;
		if (h.most > HOUSES)
			h.most = HOUSES;
		tell_locations(u);
	} while (u->state.cursor_len != 0);
	return RC_OK;
}

static enum rc
renew_location_keys(struct upkeep *u)
{
	return location_renew_keys(u->parts);
}

/* What is stored now is under the newest keys, and stays so: see location_write. */
static enum rc
prune_locations(struct upkeep *u)
{
	return location_prune_keys(u->parts);
}

/* ---- the end of the old ones ---- */

static enum rc
retire(struct upkeep *u)
{
	unsigned kept;
	enum rc rc = upkeep_retire(u, is_spent, &kept);

	return rc == RC_OK ? upkeep_list_keys(u) : rc;
}

/* By what is left of the old ones, so that it is right however often the phase began. */
static enum rc
finish(struct ctx *c, struct maintenance *m, void *arg)
{
	const struct upkeep *u = arg;

	m->phase = PHASE_REST;
	m->cursor_len = 0;
	m->finished_at = u->now + upkeep_seconds(u);
	m->retired = m->held_before - count_old(u);
	(void)snprintf(c->audit.reason, sizeof(c->audit.reason),
	    "%" PRIu64 " sealed anew, %" PRIu32 " destroyed", m->resealed, m->retired);
	return RC_OK;
}

static const struct {
	enum rc (*run)(struct upkeep *u);
	enum phase next;
} phases[PHASES] = {
	[PHASE_KEYS] = { make_keys, PHASE_RECORDS },
	[PHASE_RECORDS] = { seal_records, PHASE_LOCATION_KEYS },
	[PHASE_LOCATION_KEYS] = { renew_location_keys, PHASE_LOCATIONS },
	[PHASE_LOCATIONS] = { seal_locations, PHASE_LOCATION_PRUNE },
	[PHASE_LOCATION_PRUNE] = { prune_locations, PHASE_RETIRE },
	[PHASE_RETIRE] = { retire, PHASE_REST },
};

static void
tell_phase(struct upkeep *u)
{
	char buf[128];
	struct jw w;

	upkeep_line(&w, buf, sizeof(buf), ACTION, phase_names[u->state.phase]);
	jw_field_int(&w, "interruptions", u->state.interruptions);
	upkeep_tell(u, &w);
}

static enum rc
run_phases(struct upkeep *u)
{
	enum rc rc = RC_OK;

	while (rc == RC_OK && u->state.phase != PHASE_REST) {
		enum phase next;

		if (u->state.phase >= PHASES)
			return RC_CORRUPT;
		tell_phase(u);
		if ((rc = phases[u->state.phase].run(u)) != RC_OK)
			break;
		next = phases[u->state.phase].next;
		rc = next == PHASE_REST ? upkeep_step(u, JOB_ROTATION, "keys_rotation_finished", finish, u)
					: upkeep_step(u, JOB_ROTATION, ACTION, enter, &next);
	}
	return rc;
}

/* ---- the whole ---- */

static enum rc
rotate(struct upkeep *u)
{
	const bool resumes = u->state.phase != PHASE_REST;
	enum rc rc = upkeep_list_keys(u);

	if (rc == RC_OK)
		rc = upkeep_step(
		    u, JOB_ROTATION, resumes ? "keys_rotation_resumed" : "keys_rotation_started", begin, u);
	return rc == RC_OK ? run_phases(u) : rc;
}

enum rc
rotation_run(struct upkeep *u, struct rotation_report *out)
{
	enum rc rc = upkeep_begin(u, JOB_ROTATION);

	memset(out, 0, sizeof(*out));
	if (rc != RC_OK)
		return rc;
	rc = rotate(u);
	*out = (struct rotation_report){ .run = u->state.runs,
		.resealed = u->state.resealed,
		.locations = u->state.locations,
		.retired = u->state.retired,
		.keys = keyring_count(u->parts->keyring),
		.interruptions = u->state.interruptions,
		.started_at = u->state.started_at,
		.finished_at = u->state.finished_at };
	upkeep_end(u);
	if (rc == RC_OK)
		log_note("keys_rotated", "run=%u records=%" PRIu64 " retired=%u interruptions=%u", out->run,
		    out->resealed, out->retired, out->interruptions);
	return rc;
}

void
rotation_write(struct jw *w, const struct rotation_report *r)
{
	jw_field_int(w, "run", r->run);
	jw_field_int(w, "records_sealed_anew", (int64_t)r->resealed);
	jw_field_int(w, "locations_sealed_anew", (int64_t)r->locations);
	jw_field_int(w, "keys_destroyed", r->retired);
	jw_field_int(w, "keys", r->keys);
	jw_field_int(w, "interruptions", r->interruptions);
	jw_field_time(w, "started_at", r->started_at);
	if (r->finished_at != 0)
		jw_field_time(w, "finished_at", r->finished_at);
}

enum rc
rotation_is_unfinished(struct parts *parts, bool *out)
{
	struct maintenance m;
	const enum rc rc = upkeep_status(parts, JOB_ROTATION, &m);

	*out = rc == RC_OK && m.phase != PHASE_REST;
	return rc;
}
