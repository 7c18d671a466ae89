/* SPDX-License-Identifier: Apache-2.0 */
/* What the jobs of upkeep have in common: steps, batches, and how keys come to their end. */
#include "service/upkeep.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/log.h"

#define ARENA    (16u * 1024 * 1024) /* a batch of the largest records, opened and sealed */
#define TRIES    200u                /* of batches that lose their races, before the job gives up for now */
#define PAUSE_US 2000u
#define SLICE_MS 50u

static struct key
state_key(enum upkeep_job job)
{
	const uint8_t which = (uint8_t)job;

	return record_key_bytes(KIND_MAINTENANCE, &which, 1);
}

enum rc
upkeep_load(struct txn *t, enum upkeep_job job, struct maintenance *out)
{
	const struct key key = state_key(job);
	enum rc rc = record_get(t, KIND_MAINTENANCE, &key, out);

	if (rc != RC_NOT_FOUND)
		return rc;
	model_clear(&model_maintenance, out);
	return RC_OK;
}

struct loading {
	enum upkeep_job job;
	struct maintenance *out;
};

static enum rc
load(struct txn *t, void *arg)
{
	const struct loading *l = arg;

	return upkeep_load(t, l->job, l->out);
}

enum rc
upkeep_status(struct parts *parts, enum upkeep_job job, struct maintenance *out)
{
	struct loading l = { job, out };
	struct arena *arena = arena_new(LIMIT_ARENA);
	const enum rc rc = arena == NULL ? RC_UNAVAILABLE : store_view(parts->store, arena, load, &l);

	arena_free(arena);
	return rc;
}

enum rc
upkeep_begin(struct upkeep *u, enum upkeep_job job)
{
	struct loading l = { job, &u->state };
	enum rc rc = RC_UNAVAILABLE;

	u->keys = NULL;
	u->arena = NULL;
	if (keyring_is_node(u->parts->keyring))
		return fault_set(u->fault, rc, MSG_KEYS_ELSEWHERE, NULL, 0, NULL);
	u->began_ms = clock_mono_ms();
	u->keys = calloc(KEYRING_KEYS, sizeof(*u->keys));
	u->arena = arena_new(ARENA);
	if (u->keys != NULL && u->arena != NULL)
		rc = store_view(u->parts->store, u->arena, load, &l);
	else
		(void)fault_set(u->fault, rc, MSG_NO_MEMORY, NULL, 0, NULL);
	if (rc != RC_OK)
		upkeep_end(u);
	return rc;
}

void
upkeep_end(struct upkeep *u)
{
	free(u->keys);
	arena_free(u->arena);
	u->keys = NULL;
	u->arena = NULL;
}

int64_t
upkeep_seconds(const struct upkeep *u)
{
	return (clock_mono_ms() - u->began_ms + 999) / 1000;
}

/* ---- telling ---- */

void
upkeep_line(struct jw *w, char *buf, size_t cap, const char *job, const char *step)
{
	jw_init(w, buf, cap);
	jw_open(w, '{');
	jw_field_string(w, "job", job);
	jw_field_string(w, "step", step);
}

void
upkeep_tell(struct upkeep *u, struct jw *w)
{
	jw_close(w, '}');
	if (u->say != NULL && !w->overflow)
		u->say(u->say_arg, w->buf, w->len);
}

static void
write_number(struct jw *w, const char *job, const char *what, uint64_t value)
{
	char name[48];

	(void)snprintf(name, sizeof(name), "%s_%s", job, what);
	jw_field_int(w, name, (int64_t)value);
}

static void
write_time(struct jw *w, const char *job, const char *what, int64_t at)
{
	char name[48];

	(void)snprintf(name, sizeof(name), "%s_%s", job, what);
	jw_field_time(w, name, at);
}

static void
write_job(struct jw *w, const char *name, const struct maintenance *m)
{
	write_number(w, name, "run", m->runs);
	write_time(w, name, "started_at", m->started_at);
	if (m->phase == 0)
		write_time(w, name, "finished_at", m->finished_at);
	write_number(w, name, "removed", m->removed);
	write_number(w, name, "sealed_anew", m->resealed);
	write_number(w, name, "keys_destroyed", m->retired);
	write_number(w, name, "interruptions", m->interruptions);
}

void
upkeep_write_status(struct jw *w, struct parts *parts)
{
	static const char *const names[JOB_COUNT] = { "rotation", "purge" };
	struct maintenance m;

	jw_field_int(w, "keys", keyring_count(parts->keyring));
	for (unsigned i = 0; i < JOB_COUNT; i++)
		if (upkeep_status(parts, (enum upkeep_job)i, &m) == RC_OK && m.runs > 0)
			write_job(w, names[i], &m);
}

/* ---- steps ---- */

struct step {
	struct ctx ctx;
	struct upkeep *u;
	enum upkeep_job job;
	struct maintenance next;
	upkeep_fn *fn;
	void *arg;
};

static enum rc
run_step(struct txn *t, void *arg)
{
	struct step *s = arg;
	const struct key key = state_key(s->job);
	enum rc rc = RC_OK;

	s->ctx.txn = t;
	s->ctx.ids_used = 0;
	s->ctx.audit.reason[0] = '\0';
	s->next = s->u->state;
	if (s->fn != NULL)
		rc = s->fn(&s->ctx, &s->next, s->arg);
	if (rc == RC_OK)
		rc = record_put(t, KIND_MAINTENANCE, &key, &s->next);
	return rc == RC_OK ? ledger_record(t, &s->ctx.audit) : rc;
}

static bool
is_stopping(const struct upkeep *u)
{
	return u->stop != NULL && atomic_load(u->stop);
}

enum rc
upkeep_step(struct upkeep *u, enum upkeep_job job, const char *action, upkeep_fn *fn, void *arg)
{
	const struct principal nobody = { 0 };
	struct step s = { .u = u, .job = job, .fn = fn, .arg = arg };
	enum rc rc;

	if (is_stopping(u))
		return RC_UNAVAILABLE;
	s.ctx = (struct ctx){
		.parts = u->parts, .arena = u->arena, .who = &nobody, .now = u->now, .fault = u->fault
	};
	s.ctx.audit.at = u->now;
	(void)str_copy(s.ctx.audit.action, sizeof(s.ctx.audit.action), action);
	random_fill(s.ctx.audit.salt, sizeof(s.ctx.audit.salt));
	arena_rewind(u->arena, 0);
	rc = store_update(u->parts->store, u->arena, run_step, &s);
	arena_rewind(u->arena, 0);
	if (rc == RC_OK)
		u->state = s.next;
	return rc;
}

enum rc
upkeep_try(
    struct upkeep *u, enum upkeep_job job, const char *action, upkeep_fn *fn, void *arg, unsigned *most)
{
	const struct timespec pause = { 0, PAUSE_US * 1000L };
	enum rc rc = upkeep_step(u, job, action, fn, arg);

	for (unsigned i = 1; rc == RC_BUSY && i < TRIES; i++) {
		*most = *most > 1 ? *most / 2 : 1;
		(void)nanosleep(&pause, NULL);
		rc = upkeep_step(u, job, action, fn, arg);
	}
	if (rc == RC_OK && *most < UPKEEP_BATCH)
		++*most;
	return rc;
}

/* ---- keys ---- */

enum rc
upkeep_list_keys(struct upkeep *u)
{
	u->key_count = keyring_list(u->parts->keyring, u->keys, KEYRING_KEYS);
	if (u->key_count <= KEYRING_KEYS)
		return RC_OK;
	log_bug("too_many_keys", "held=%zu", u->key_count);
	return RC_INTERNAL;
}

/* Oldest first, so by id. */
static const struct key_info *
find_key(const struct upkeep *u, uint32_t id)
{
	size_t low = 0, high = u->key_count;

	while (low < high) {
		const size_t middle = (low + high) / 2;
		if (u->keys[middle].id < id)
			low = middle + 1;
		else
			high = middle;
	}
	return low < u->key_count && u->keys[low].id == id ? &u->keys[low] : NULL;
}

/* ---- sealing anew ---- */

struct reseal {
	struct upkeep *u;
	upkeep_key_fn *is_doomed;
	struct {
		struct key key;
		enum key_use use;
	} item[UPKEEP_BATCH];
	unsigned count, most, used;
	struct key next; /* where the batch after this one begins */
	bool has_next;
};

static bool
collect_one(void *arg, const struct key *key, uint32_t key_id)
{
	struct reseal *r = arg;
	const struct key_info *info = find_key(r->u, key_id);

	if (info == NULL || key_is_log_entry(key) || !r->is_doomed(r->u, info))
		return true;
	if (r->count == r->most) {
		r->next = *key;
		r->has_next = true;
		return false;
	}
	r->item[r->count].key = *key;
	r->item[r->count++].use = info->use;
	return true;
}

static enum rc
collect(struct txn *t, void *arg)
{
	const struct key all = { .len = 0 };
	struct reseal *r = arg;
	struct key from = { .len = (uint8_t)r->u->state.cursor_len };

	memcpy(from.b, r->u->state.cursor, from.len);
	r->count = 0;
	r->has_next = false;
	return txn_census(t, &all, from.len == 0 ? NULL : &from, collect_one, r);
}

/* A value is bound to its key, not to its sealing: putting it back as it is seals it under the current key.
 */
static enum rc
seal_again(struct ctx *c, const struct reseal *r, unsigned i, struct maintenance *m)
{
	struct bytes value;
	enum rc rc = txn_get(c->txn, &r->item[i].key, &value);

	if (rc == RC_NOT_FOUND || rc == RC_CORRUPT)
		return RC_OK;
	if (rc == RC_OK)
		rc = txn_put(c->txn, &r->item[i].key, r->item[i].use, value);
	m->resealed += rc == RC_OK;
	return rc;
}

static enum rc
seal_batch(struct ctx *c, struct maintenance *m, void *arg)
{
	struct reseal *r = arg;
	const bool is_all = r->most >= r->count;
	const struct key *next = is_all ? &r->next : &r->item[r->most].key;
	enum rc rc = RC_OK;

	r->used = is_all ? r->count : r->most;
	m->cursor_len = is_all && !r->has_next ? 0 : next->len;
	memcpy(m->cursor, next->b, m->cursor_len);
	for (unsigned i = 0; i < r->used && rc == RC_OK; i++)
		rc = seal_again(c, r, i, m);
	(void)snprintf(c->audit.reason, sizeof(c->audit.reason), "%u sealed anew", r->used);
	return rc;
}

static void
tell_reseal(struct upkeep *u, const char *action)
{
	char buf[192];
	struct jw w;

	upkeep_line(&w, buf, sizeof(buf), action, "reseal");
	jw_field_int(&w, "records_sealed_anew", (int64_t)u->state.resealed);
	upkeep_tell(u, &w);
}

enum rc
upkeep_reseal(struct upkeep *u, enum upkeep_job job, const char *action, upkeep_key_fn *is_doomed)
{
	struct reseal *r = calloc(1, sizeof(*r));
	enum rc rc = r == NULL ? RC_UNAVAILABLE : RC_OK;

	if (r != NULL) {
		r->u = u;
		r->is_doomed = is_doomed;
		r->most = UPKEEP_BATCH;
	}
	while (rc == RC_OK) {
		arena_rewind(u->arena, 0);
		if ((rc = store_view(u->parts->store, u->arena, collect, r)) != RC_OK || r->count == 0)
			break;
		if ((rc = upkeep_try(u, job, action, seal_batch, r, &r->most)) != RC_OK)
			break;
		tell_reseal(u, action);
		if (u->state.cursor_len == 0)
			break;
	}
	free(r);
	return rc;
}

/* ---- destroying keys ---- */

struct needed {
	struct upkeep *u;
	upkeep_key_fn *is_doomed;
	struct txn *txn;
	uint64_t *values; /* of each of u->keys that is doomed */
};

/* One damaged value must not keep a key, and all that it once sealed, alive for ever. */
static bool
opens(struct needed *n, const struct key *key)
{
	const size_t mark = arena_mark(n->u->arena);
	struct bytes value;
	const enum rc rc = txn_peek(n->txn, key, &value);

	arena_rewind(n->u->arena, mark);
	return rc != RC_CORRUPT;
}

static bool
count_one(void *arg, const struct key *key, uint32_t key_id)
{
	struct needed *n = arg;
	const struct key_info *info = find_key(n->u, key_id);

	if (info != NULL && n->is_doomed(n->u, info) && (key_is_log_entry(key) || opens(n, key)))
		n->values[info - n->u->keys]++;
	return !is_stopping(n->u);
}

static enum rc
count_all(struct txn *t, void *arg)
{
	const struct key all = { .len = 0 };
	struct needed *n = arg;

	n->txn = t;
	return txn_census(t, &all, NULL, count_one, n);
}

/* Readers may still hold a snapshot of before, with values under these keys. */
static void
wait_for_readers(const struct upkeep *u)
{
	const struct timespec slice = { 0, SLICE_MS * 1000000L };

	for (unsigned waited = 0; waited < u->grace_ms && !is_stopping(u); waited += SLICE_MS)
		(void)nanosleep(&slice, NULL);
}

/* The vault has a copy of the ring in its memory, and takes over the file with whatever it is asked next. */
static enum rc
retire_everywhere(struct upkeep *u, const uint32_t *ids, size_t count)
{
	const enum rc rc = keyring_retire(u->parts->keyring, ids, count, u->fault);
	struct vault_status status;

	if (rc == RC_OK && u->parts->vault != NULL && vault_status(u->parts->vault, &status) != RC_OK)
		log_world(
		    "vault_keeps_keys", "it did not answer: destroyed keys stay in its memory until it does");
	return rc;
}

static enum rc
retire(struct upkeep *u, upkeep_key_fn *is_doomed, const uint64_t *values, uint32_t *ids, unsigned *kept)
{
	size_t count = 0;

	*kept = 0;
	for (size_t i = 0; i < u->key_count; i++) {
		if (u->keys[i].is_current || !is_doomed(u, &u->keys[i]))
			continue;
		if (values[i] == 0)
			ids[count++] = u->keys[i].id;
		else
			++*kept;
	}
	if (count == 0)
		return RC_OK;
	wait_for_readers(u);
	if (is_stopping(u))
		return RC_UNAVAILABLE;
	return retire_everywhere(u, ids, count);
}

enum rc
upkeep_retire(struct upkeep *u, upkeep_key_fn *is_doomed, unsigned *kept)
{
	struct needed n = { .u = u, .is_doomed = is_doomed };
	uint32_t *ids = calloc(KEYRING_KEYS, sizeof(*ids));
	enum rc rc = RC_UNAVAILABLE;

	n.values = calloc(KEYRING_KEYS, sizeof(*n.values));
	if (ids != NULL && n.values != NULL && (rc = upkeep_list_keys(u)) == RC_OK) {
		arena_rewind(u->arena, 0);
		rc = store_view(u->parts->store, u->arena, count_all, &n);
	}
	if (rc == RC_OK && is_stopping(u))
		rc = RC_UNAVAILABLE;
	if (rc == RC_OK)
		rc = retire(u, is_doomed, n.values, ids, kept);
	free(n.values);
	free(ids);
	return rc;
}
