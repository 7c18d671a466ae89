/* SPDX-License-Identifier: Apache-2.0 */
/* The schedule at work: one rule a class says whose keys to walk and what is due; the rest is common. */
#include "service/retention.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "service/cases.h"
#include "service/sweep.h"
#include "service/trail_expiry.h"

#define ACTION      "purge"
#define DAY         86400
#define BATCH       9u  /* a case reads its record and a tally in each table at most, and writes as many */
#define PREFIX_IDEM 'i' /* api/idem.c: time 8, then what was answered */

_Static_assert(
    BATCH *(1 + CASE_TABLES) < LIMIT_TXN_KEYS, "a batch and what the job notes of itself must fit");

enum phase { PHASE_REST, PHASE_REMOVE, PHASE_CARRY };

/* ---- what is due ---- */

struct rule;

/* ${keep} is the class's time; RC_OK with *due, or what kept it from being read. */
typedef enum rc due_fn(struct ctx *c, const struct rule *rule, struct bytes value, int64_t keep, bool *due);

struct rule {
	enum kind kind;
	size_t since;               /* without ${is_due}: the record's own time, from which it is kept */
	due_fn *is_due;             /* NULL: when that time is over */
	struct key (*prefix)(void); /* NULL: all of ${kind} */
	bool is_counted;            /* in the statistics, as ${kind} */
};

static enum rc
request_is_due(struct ctx *c, const struct rule *rule, struct bytes value, int64_t keep, bool *due)
{
	struct episode e;
	const enum rc rc = record_decode(rule->kind, value, &e);

	*due = rc == RC_OK && e.state != EPISODE_OPEN && e.opened_at + keep <= c->now;
	return rc;
}

/* What the house still counts on stays, whatever the record says: a place given twice is worse than a day
 * more. */
static bool
is_counted_on(struct ctx *c, const struct reservation *r)
{
	const struct key key = record_key(KIND_HOUSE, &r->shelter);
	struct house *h = arena_alloc(c->arena, sizeof(*h));
	const enum rc rc = h == NULL ? RC_UNAVAILABLE : record_peek(c->txn, KIND_HOUSE, &key, h);

	if (rc == RC_NOT_FOUND)
		return false;
	return rc != RC_OK || house_find_allocation(h, &r->id) >= 0;
}

static enum rc
reservation_is_due(struct ctx *c, const struct rule *rule, struct bytes value, int64_t keep, bool *due)
{
	struct reservation r;
	const enum rc rc = record_decode(rule->kind, value, &r);

	*due = rc == RC_OK && reservation_is_over((enum reservation_state)r.state) && r.ended_at != 0 &&
	    r.ended_at + keep <= c->now && !is_counted_on(c, &r);
	return rc;
}

static enum rc
repeat_is_due(struct ctx *c, const struct rule *rule UNUSED, struct bytes value, int64_t keep, bool *due)
{
	*due = value.len >= 8 && (int64_t)get_u64(value.p) + keep <= c->now;
	return RC_OK;
}

/* One of a clock that ran far ahead goes too, whenever it was: who did not hear of it is told to look anew.
 */
static enum rc
event_is_due(struct ctx *c, const struct rule *rule UNUSED, struct bytes value, int64_t keep, bool *due)
{
	struct event e = { 0 };
	enum rc rc = RC_CORRUPT;

	if (value.len >= LOG_LEAF)
		rc = model_decode(
		    &model_event, (struct bytes){ value.p + LOG_LEAF, value.len - LOG_LEAF }, &e);
	*due = rc == RC_OK && (e.at + keep <= c->now || e.at > c->now + keep);
	return rc;
}

/* Of all others their own time decides. */
static enum rc
time_is_over(struct ctx *c, const struct rule *rule, struct bytes value, int64_t keep, bool *due)
{
	union {
		struct revoked_token token;
		struct opened opened;
		struct disclosure look;
		struct break_glass glass;
		uint8_t b[1];
	} record;
	const enum rc rc = record_decode(rule->kind, value, &record);
	int64_t since = 0;

	memcpy(&since, record.b + rule->since, sizeof(since));
	*due = rc == RC_OK && since + keep <= c->now;
	return rc;
}

static struct key
prefix_repeats(void)
{
	return key_kind(PREFIX_IDEM);
}

static struct key
prefix_events(void)
{
	struct key key = log_key(LOG_EVENT, 0);

	key.len = (uint8_t)(key.len - sizeof(uint64_t));
	return key;
}

static const struct rule rules[RETAIN_COUNT] = {
	[RETAIN_REQUESTS] = { KIND_EPISODE, .is_due = request_is_due, .is_counted = true },
	[RETAIN_RESERVATIONS] = { KIND_RESERVATION, .is_due = reservation_is_due, .is_counted = true },
	[RETAIN_REPEATS] = { KIND_COUNT, .is_due = repeat_is_due, .prefix = prefix_repeats },
	[RETAIN_TOKENS] = { KIND_REVOKED_TOKEN, offsetof(struct revoked_token, until) },
	[RETAIN_EVENTS] = { KIND_COUNT, .is_due = event_is_due, .prefix = prefix_events },
	[RETAIN_OPENED] = { KIND_OPENED, offsetof(struct opened, at) },
	[RETAIN_LOOKS] = { KIND_DISCLOSURE, offsetof(struct disclosure, at) },
	[RETAIN_GLASS] = { KIND_BREAK_GLASS, offsetof(struct break_glass, asked_at) },
};

static enum rc
is_due(struct ctx *c, const struct rule *rule, struct bytes value, int64_t keep, bool *due)
{
	return (rule->is_due != NULL ? rule->is_due : time_is_over)(c, rule, value, keep, due);
}

static struct key
prefix_of(const struct rule *rule)
{
	return rule->prefix != NULL ? rule->prefix() : record_key_bytes(rule->kind, "", 0);
}

/* ---- collecting ---- */

struct walk {
	struct upkeep *u;
	enum retention_class class;
	struct ctx ctx;
	struct key item[BATCH];
	unsigned count, most;
	bool counts_only;
	uint64_t due;
	struct key next; /* where the next walk begins */
	bool has_next;
	uint64_t removed; /* by the last batch, which looked at ${used} of the items */
	unsigned used;
	uint64_t uncounted; /* of the last batch: left, since what they count for cannot be read */
	uint64_t unreadable;
};

static int64_t
keep_of(const struct walk *w)
{
	return w->u->parts->schedule.keep[w->class];
}

/* What cannot be read is left alone, but nothing behind it is: `menedek check` names it. */
static void
pass_by(void *arg, const struct key *key)
{
	struct walk *w = arg;

	(void)key;
	w->unreadable++;
}

static bool
collect_one(void *arg, const struct key *key, struct bytes value, uint64_t rev)
{
	struct walk *w = arg;
	const size_t mark = arena_mark(w->ctx.arena);
	bool due = false;
	enum rc rc;

	(void)rev;
	if (w->count == w->most && !w->counts_only) {
		w->next = *key;
		w->has_next = true;
		return false;
	}
	rc = is_due(&w->ctx, &rules[w->class], value, keep_of(w), &due);
	arena_rewind(w->ctx.arena, mark);
	if (rc != RC_OK)
		return true;
	w->due += due;
	if (due && !w->counts_only)
		w->item[w->count++] = *key;
	return true;
}

static enum rc
collect(struct txn *t, void *arg)
{
	struct walk *w = arg;
	const struct key prefix = prefix_of(&rules[w->class]), from = w->has_next ? w->next : prefix;

	w->ctx.txn = t;
	w->count = 0;
	w->due = 0;
	w->has_next = false;
	return txn_scan_past(t, &prefix, &from, collect_one, pass_by, w);
}

/* ---- removing ---- */

/* Looked at again in the transaction: it may have changed since it was collected.  A case that cannot be
 * counted stays until what `menedek check` names is mended: removed, the statistics would never know of it.
 */
static enum rc
remove_one(struct ctx *c, struct walk *w, const struct key *key)
{
	const struct rule *rule = &rules[w->class];
	union {
		struct reservation reservation;
		struct episode episode;
	} record;
	struct bytes value;
	bool due = false;
	enum rc rc;

	if ((rc = txn_get(c->txn, key, &value)) != RC_OK)
		return rc == RC_NOT_FOUND || rc == RC_CORRUPT ? RC_OK : rc;
	if (is_due(c, rule, value, keep_of(w), &due) != RC_OK || !due)
		return RC_OK;
	if (rule->is_counted) {
		if ((rc = record_decode(rule->kind, value, &record)) != RC_OK)
			return rc;
		if ((rc = case_tally(c, rule->kind, &record)) == RC_CORRUPT) {
			w->uncounted++;
			return RC_OK;
		}
		if (rc != RC_OK)
			return rc;
	}
	w->removed++;
	return txn_delete(c->txn, key);
}

static enum rc
remove_batch(struct ctx *c, struct maintenance *m, void *arg)
{
	struct walk *w = arg;
	enum rc rc = RC_OK;

	w->removed = w->uncounted = 0;
	w->used = w->count < w->most ? w->count : w->most;
	for (unsigned i = 0; i < w->used && rc == RC_OK; i++)
		rc = remove_one(c, w, &w->item[i]);
	m->removed += w->removed;
	(void)snprintf(c->audit.reason, sizeof(c->audit.reason), "%" PRIu64 " removed", w->removed);
	return rc;
}

static enum rc
remove_collected(struct walk *w, uint64_t *removed)
{
	char action[sizeof(((struct audit_entry *)0)->action)];
	enum rc rc;

	(void)snprintf(action, sizeof(action), ACTION "_%s", schedule_name(w->class));
	rc = upkeep_try(w->u, JOB_PURGE, action, remove_batch, w, &w->most);
	if (w->most > BATCH)
		w->most = BATCH;
	if (rc != RC_OK)
		return rc;
	*removed += w->removed;
	w->unreadable += w->uncounted;
	if (w->used < w->count) { /* it was too many at once: the rest comes next */
		w->next = w->item[w->used];
		w->has_next = true;
	}
	return RC_OK;
}

static void
tell_removed(struct upkeep *u, const char *what, uint64_t removed)
{
	char buf[192];
	struct jw w;

	upkeep_line(&w, buf, sizeof(buf), ACTION, what);
	jw_field_int(&w, "removed", (int64_t)removed);
	upkeep_tell(u, &w);
}

static enum rc
remove_class(struct upkeep *u, enum retention_class class, bool dry_run, uint64_t *removed)
{
	struct walk *w = calloc(1, sizeof(*w));
	struct arena *arena = arena_new(LIMIT_ARENA);
	enum rc rc = w == NULL || arena == NULL ? RC_UNAVAILABLE : RC_OK;

	*removed = 0;
	if (rc == RC_OK) {
		*w = (struct walk){ .u = u, .class = class, .most = BATCH, .counts_only = dry_run };
		w->ctx = (struct ctx){ .parts = u->parts, .arena = arena, .now = u->now };
	}
	while (rc == RC_OK) {
		arena_rewind(arena, 0);
		if ((rc = store_view(u->parts->store, arena, collect, w)) != RC_OK)
			break;
		if (dry_run)
			*removed += w->due;
		else if (w->count > 0 && (rc = remove_collected(w, removed)) == RC_OK)
			tell_removed(u, schedule_name(class), *removed);
		if (!w->has_next)
			break;
	}
	if (w != NULL && w->unreadable > 0)
		log_world("purge_unreadable", "what=%s values=%" PRIu64 ": run menedek check",
		    schedule_name(class), w->unreadable);
	arena_free(arena);
	free(w);
	return rc;
}

static enum rc
remove_all(struct upkeep *u, bool dry_run, struct purge_report *out)
{
	enum rc rc = RC_OK;

	for (unsigned i = 0; i < RETAIN_COUNT && rc == RC_OK; i++)
		rc = remove_class(u, (enum retention_class)i, dry_run, &out->removed[i]);
	return rc;
}

/* ---- the keys ---- */

/* All that were made before the run's own. */
static bool
is_past(const struct upkeep *u, const struct key_info *key)
{
	return key->use == KEY_DETAIL && key->id <= u->state.newest_before;
}

static unsigned
count_past(const struct upkeep *u, uint32_t newest)
{
	unsigned count = 0;

	for (size_t i = 0; i < u->key_count; i++)
		count += u->keys[i].use == KEY_DETAIL && u->keys[i].id <= newest;
	return count;
}

static enum rc
enter_carry(struct ctx *c, struct maintenance *m, void *arg)
{
	const struct upkeep *u = arg;

	m->phase = PHASE_CARRY;
	m->cursor_len = 0;
	m->newest_before = u->keys[u->key_count - 1].id;
	m->held_before = count_past(u, m->newest_before);
	(void)snprintf(c->audit.reason, sizeof(c->audit.reason), "fresh key");
	return RC_OK;
}

/* The day's own if it has none yet, else one more. */
static enum rc
make_key(struct upkeep *u)
{
	struct keyring *ring = u->parts->keyring;
	enum rc rc = keyring_day(ring, u->now, u->fault);

	if (rc == RC_OK && keyring_current(ring, KEY_DETAIL) <= u->state.newest_before)
		rc = keyring_renew(ring, KEY_DETAIL, u->fault);
	return rc;
}

static enum rc
destroy(struct upkeep *u, unsigned *kept)
{
	enum rc rc;

	if ((rc = upkeep_list_keys(u)) != RC_OK)
		return rc;
	if ((rc = upkeep_step(u, JOB_PURGE, ACTION "_keys", enter_carry, u)) != RC_OK)
		return rc;
	if ((rc = make_key(u)) != RC_OK)
		return rc;
	if ((rc = upkeep_list_keys(u)) != RC_OK)
		return rc;
	if ((rc = upkeep_reseal(u, JOB_PURGE, ACTION "_carry", is_past)) != RC_OK)
		return rc;
	/* whatever was sealed before the key was made is on disk, or refused, once this is on disk */
	if ((rc = upkeep_step(u, JOB_PURGE, ACTION "_keys", NULL, NULL)) != RC_OK)
		return rc;
	if ((rc = upkeep_retire(u, is_past, kept)) != RC_OK)
		return rc;
	return upkeep_list_keys(u);
}

/* ---- the whole ---- */

static enum rc
begin(struct ctx *c, struct maintenance *m, void *arg)
{
	const struct upkeep *u = arg;

	(void)c;
	if (m->phase != PHASE_REST) { /* from the start: what became due meanwhile goes with the same keys */
		m->phase = PHASE_REMOVE;
		m->interruptions++;
		return RC_OK;
	}
	*m = (struct maintenance){ .phase = PHASE_REMOVE, .runs = m->runs + 1, .started_at = u->now };
	return RC_OK;
}

static enum rc
finish(struct ctx *c, struct maintenance *m, void *arg)
{
	const struct upkeep *u = arg;

	m->phase = PHASE_REST;
	m->cursor_len = 0;
	m->finished_at = u->now + upkeep_seconds(u);
	m->retired = m->held_before - count_past(u, m->newest_before);
	(void)snprintf(c->audit.reason, sizeof(c->audit.reason),
	    "%" PRIu64 " removed, %" PRIu32 " keys destroyed", m->removed, m->retired);
	return RC_OK;
}

static enum rc
purge(struct upkeep *u, struct purge_report *out)
{
	const char *action = u->state.phase == PHASE_REST ? ACTION "_started" : ACTION "_resumed";
	enum rc rc;

	while (sweep_run(u->parts, u->now) > 0)
		continue;
	if ((rc = upkeep_step(u, JOB_PURGE, action, begin, u)) != RC_OK)
		return rc;
	if ((rc = remove_all(u, false, out)) != RC_OK)
		return rc;
	if ((rc = trail_expire(u, JOB_PURGE, u->parts->schedule.keep[RETAIN_LOOKS])) != RC_OK)
		return rc;
	if ((rc = destroy(u, &out->kept)) != RC_OK)
		return rc;
	return upkeep_step(u, JOB_PURGE, ACTION "_finished", finish, u);
}

static void
note(const struct purge_report *r, uint64_t removed)
{
	log_note("purged", "run=%u removed=%" PRIu64 " carried=%" PRIu64 " keys_destroyed=%u keys_kept=%u",
	    r->run, removed, r->carried, r->retired, r->kept);
	if (r->kept > 0)
		log_world("purge_incomplete", "keys_kept=%u", r->kept);
}

enum rc
retention_purge(struct upkeep *u, bool dry_run, struct purge_report *out)
{
	enum rc rc = upkeep_begin(u, JOB_PURGE);

	memset(out, 0, sizeof(*out));
	if (rc != RC_OK)
		return rc;
	rc = dry_run ? remove_all(u, true, out) : purge(u, out);
	out->dry_run = dry_run;
	out->run = u->state.runs;
	out->carried = u->state.resealed;
	out->retired = dry_run ? 0 : u->state.retired;
	out->interruptions = u->state.interruptions;
	out->started_at = u->state.started_at;
	out->finished_at = u->state.finished_at;
	if (rc == RC_OK && !dry_run)
		note(out, u->state.removed);
	upkeep_end(u);
	return rc;
}

/* ---- when ---- */

static bool
has_older_key(struct keyring *ring, int64_t now)
{
	struct key_info *keys = calloc(KEYRING_KEYS, sizeof(*keys));
	const size_t count = keys == NULL ? 0 : keyring_list(ring, keys, KEYRING_KEYS);
	bool is_older = false;

	for (size_t i = 0; i < count && i < KEYRING_KEYS; i++)
		is_older |= keys[i].use == KEY_DETAIL && keys[i].day != 0 && keys[i].day < now / DAY;
	free(keys);
	return is_older;
}

/* Another day than the last one's, be that a later day: it went by a clock that ran ahead, and nothing would
 * be purged until its day has come. */
enum rc
retention_is_due(struct parts *parts, int64_t now, bool *out)
{
	struct maintenance m;
	const enum rc rc = upkeep_status(parts, JOB_PURGE, &m);

	*out = rc == RC_OK &&
	    (m.phase != PHASE_REST ||
		(m.started_at / DAY != now / DAY && has_older_key(parts->keyring, now)));
	return rc;
}

void
retention_write(struct jw *w, const struct purge_report *r)
{
	if (r->dry_run)
		jw_field_bool(w, "dry_run", true);
	else
		jw_field_int(w, "run", r->run);
	for (unsigned i = 0; i < RETAIN_COUNT; i++)
		jw_field_int(w, schedule_name((enum retention_class)i), (int64_t)r->removed[i]);
	if (r->dry_run)
		return;
	jw_field_int(w, "details_carried_on", (int64_t)r->carried);
	jw_field_int(w, "keys_destroyed", r->retired);
	jw_field_int(w, "keys_kept", r->kept);
	jw_field_int(w, "interruptions", r->interruptions);
	jw_field_time(w, "started_at", r->started_at);
	if (r->finished_at != 0)
		jw_field_time(w, "finished_at", r->finished_at);
}
