/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The reference engine: a sorted table in memory, each key with its versions, newest first.  A snapshot is a
 * revision; what no snapshot can see is freed when its key is written again.  Keeps nothing after close.
 */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "store/engine.h"

struct version {
	struct version *older;
	uint64_t rev;
	bool is_delete;
	size_t len;
	uint8_t value[];
};

struct row {
	struct key key;
	struct version *newest;
};

struct engine {
	pthread_mutex_t lock; /* guards all below */
	struct row *rows;     /* sorted by key */
	size_t count, cap;
	uint64_t rev;               /* of the last commit */
	struct snapshot *snapshots; /* oldest first */
	struct snapshot *last;
};

struct snapshot {
	struct engine *engine;
	struct snapshot *next, *prev;
	uint64_t rev;
};

static enum rc
memory_open(const char *path UNUSED, unsigned map_mib UNUSED, struct engine **out, struct fault *f)
{
	struct engine *e = calloc(1, sizeof(*e));

	*out = NULL;
	if (e == NULL || pthread_mutex_init(&e->lock, NULL) != 0) {
		free(e);
		return fault_set(f, RC_UNAVAILABLE, MSG_STORE_OPEN, NULL, 0, "memory");
	}
	*out = e;
	return RC_OK;
}

static void
free_versions(struct version *v)
{
	while (v != NULL) {
		struct version *older = v->older;

		free(v);
		v = older;
	}
}

static void
memory_close(struct engine *e)
{
	if (e == NULL)
		return;
	for (size_t i = 0; i < e->count; i++)
		free_versions(e->rows[i].newest);
	free(e->rows);
	pthread_mutex_destroy(&e->lock);
	free(e);
}

static enum rc
memory_snapshot(struct engine *e, struct snapshot **out)
{
	struct snapshot *s = calloc(1, sizeof(*s));

	*out = s;
	if (s == NULL)
		return RC_UNAVAILABLE;
	s->engine = e;
	pthread_mutex_lock(&e->lock);
	s->rev = e->rev;
	s->prev = e->last;
	*(e->last == NULL ? &e->snapshots : &e->last->next) = s;
	e->last = s;
	pthread_mutex_unlock(&e->lock);
	return RC_OK;
}

static void
memory_release(struct snapshot *s)
{
	struct engine *e = s->engine;

	pthread_mutex_lock(&e->lock);
	*(s->prev == NULL ? &e->snapshots : &s->prev->next) = s->next;
	*(s->next == NULL ? &e->last : &s->next->prev) = s->prev;
	pthread_mutex_unlock(&e->lock);
	free(s);
}

/* The first row whose key is not below ${key}. */
static size_t
lower_bound(const struct engine *e, const struct key *key)
{
	size_t low = 0, high = e->count;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (key_compare(&e->rows[mid].key, key) < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

static struct row *
find(struct engine *e, const struct key *key)
{
	size_t at = lower_bound(e, key);

	return at < e->count && key_compare(&e->rows[at].key, key) == 0 ? &e->rows[at] : NULL;
}

/* What a snapshot of revision ${rev} sees of ${row}; NULL when it is absent there. */
static const struct version *
version_at(const struct row *row, uint64_t rev)
{
	const struct version *v = row == NULL ? NULL : row->newest;

	while (v != NULL && v->rev > rev)
		v = v->older;
	return v == NULL || v->is_delete ? NULL : v;
}

static enum rc
memory_get(struct snapshot *s, const struct key *key, struct bytes *value, uint64_t *rev)
{
	const struct version *v;

	pthread_mutex_lock(&s->engine->lock);
	v = version_at(find(s->engine, key), s->rev);
	pthread_mutex_unlock(&s->engine->lock);
	*value = v == NULL ? (struct bytes){ NULL, 0 } : (struct bytes){ v->value, v->len };
	*rev = v == NULL ? 0 : v->rev;
	return v == NULL ? RC_NOT_FOUND : RC_OK;
}

/* The first pair at or after ${key} (after it, if ${is_past}) that ${s} sees.  Copies the key: rows move. */
static const struct version *
next_pair(struct snapshot *s, struct key *key, bool is_past)
{
	struct engine *e = s->engine;
	const struct version *v = NULL;
	size_t i;

	pthread_mutex_lock(&e->lock);
	i = lower_bound(e, key);
	if (is_past)
		i++; /* it stands there: no row is ever taken out */
	while (i < e->count && (v = version_at(&e->rows[i], s->rev)) == NULL)
		i++;
	if (v != NULL)
		*key = e->rows[i].key;
	pthread_mutex_unlock(&e->lock);
	return v;
}

static enum rc
memory_scan(struct snapshot *s, const struct key *from, unsigned prefix_len, engine_scan_fn *fn, void *arg)
{
	struct key key = *from;
	const struct version *v = next_pair(s, &key, false);

	while (v != NULL && key.len >= prefix_len && memcmp(key.b, from->b, prefix_len) == 0) {
		if (!fn(arg, &key, (struct bytes){ v->value, v->len }, v->rev))
			break;
		v = next_pair(s, &key, true);
	}
	return RC_OK;
}

static struct version *
version_new(struct bytes value, bool is_delete, uint64_t rev)
{
	struct version *v = malloc(sizeof(*v) + value.len);

	if (v == NULL)
		return NULL;
	*v = (struct version){ .rev = rev, .is_delete = is_delete, .len = value.len };
	if (value.len > 0)
		memcpy(v->value, value.p, value.len);
	return v;
}

/* Free what neither the oldest snapshot nor any later one can see. */
static void
prune(struct engine *e, struct row *row)
{
	uint64_t oldest = e->snapshots == NULL ? e->rev : e->snapshots->rev;
	struct version *v = row->newest;

	while (v->older != NULL && v->rev > oldest)
		v = v->older;
	free_versions(v->older);
	v->older = NULL;
}

/* There is room for the row: apply_one has made it. */
static void
put(struct engine *e, const struct key *key, struct version *v)
{
	size_t at = lower_bound(e, key);
	struct row *row = &e->rows[at];

	if (at == e->count || key_compare(&row->key, key) != 0) {
		memmove(row + 1, row, (e->count - at) * sizeof(*row));
		*row = (struct row){ .key = *key };
		e->count++;
	}
	v->older = row->newest;
	row->newest = v;
	prune(e, row);
}

static enum rc
check_reads(struct engine *e, const struct commit *c)
{
	for (unsigned i = 0; i < c->read_count; i++) {
		const struct version *v = version_at(find(e, &c->reads[i].key), e->rev);

		if (c->reads[i].rev != (v == NULL ? 0 : v->rev))
			return RC_CONFLICT;
	}
	return RC_OK;
}

static enum rc
reserve(struct engine *e, size_t more)
{
	size_t cap = e->cap == 0 ? 64 : e->cap;
	struct row *grown;

	if (e->count + more <= e->cap)
		return RC_OK;
	while (cap < e->count + more)
		cap *= 2;
	if ((grown = reallocarray(e->rows, cap, sizeof(*grown))) == NULL)
		return RC_UNAVAILABLE;
	e->rows = grown;
	e->cap = cap;
	return RC_OK;
}

/* Everything a commit writes, allocated before the first row changes, so that it happens whole or not at all.
 */
struct plan {
	unsigned count;
	struct step {
		struct key key;
		struct version *version;
	} * step;
};

static bool
plan_add(struct plan *p, const struct key *key, struct bytes value, bool is_delete, uint64_t rev)
{
	struct version *v = version_new(value, is_delete, rev);

	if (v == NULL)
		return false;
	p->step[p->count].key = *key;
	p->step[p->count++].version = v;
	return true;
}

static bool
plan_appends(struct plan *p, struct engine *e, struct commit *c, uint64_t rev)
{
	struct log_head heads[STORE_LOGS] = { 0 };
	bool is_touched[STORE_LOGS] = { false };
	uint8_t text[LOG_HEAD_BYTES];
	struct key key;

	for (unsigned i = 0; i < c->append_count; i++) {
		struct append_entry *a = &c->appends[i];
		struct log_head *head = &heads[a->log];
		const struct version *v;

		key = log_head_key(a->log);
		if (!is_touched[a->log] && (v = version_at(find(e, &key), e->rev)) != NULL &&
		    !log_head_read((struct bytes){ v->value, v->len }, head))
			return false;
		is_touched[a->log] = true;
		a->number = log_head_advance(head, a->leaf);
		key = log_key(a->log, a->number);
		if (!plan_add(p, &key, a->value, false, rev))
			return false;
	}
	for (enum store_log log = 0; log < STORE_LOGS; log++) {
		key = log_head_key(log);
		log_head_write(&heads[log], text);
		if (is_touched[log] && !plan_add(p, &key, BYTES_OF(text), false, rev))
			return false;
	}
	return true;
}

/* All of ${c} into ${p}; false without memory, and ${p} holds what was allocated so far. */
static bool
plan_commit(struct plan *p, struct engine *e, struct commit *c, uint64_t rev)
{
	const size_t most = (size_t)c->write_count + c->append_count + STORE_LOGS;

	if ((p->step = calloc(most, sizeof(*p->step))) == NULL)
		return false;
	for (unsigned i = 0; i < c->write_count; i++) {
		const struct write_entry *w = &c->writes[i];

		if (!plan_add(p, &w->key, w->value, w->is_delete, rev))
			return false;
	}
	return plan_appends(p, e, c, rev) && reserve(e, p->count) == RC_OK;
}

static enum rc
apply_one(struct engine *e, struct commit *c)
{
	uint64_t rev = e->rev + 1;
	struct plan plan = { .count = 0 };
	enum rc rc = check_reads(e, c);

	if (rc == RC_OK && !plan_commit(&plan, e, c, rev)) {
		for (unsigned i = 0; i < plan.count; i++)
			free(plan.step[i].version);
		plan.count = 0;
		rc = RC_UNAVAILABLE;
	}
	if (rc == RC_OK)
		c->rev = e->rev = rev;
	for (unsigned i = 0; i < plan.count; i++)
		put(e, &plan.step[i].key, plan.step[i].version);
	free(plan.step);
	return rc;
}

static void
memory_apply(struct engine *e, struct commit *list)
{
	pthread_mutex_lock(&e->lock);
	for (struct commit *c = list; c != NULL; c = c->next)
		c->rc = apply_one(e, c);
	pthread_mutex_unlock(&e->lock);
}

/* It has no disk that could fail or lie. */
static bool
memory_is_broken(const struct engine *e UNUSED)
{
	return false;
}

static void
memory_room(struct engine *e UNUSED, uint64_t *most, uint64_t *used)
{
	*most = *used = 0;
}

const struct engine_ops engine_memory = {
	.name = "memory",
	.open = memory_open,
	.close = memory_close,
	.snapshot = memory_snapshot,
	.get = memory_get,
	.scan = memory_scan,
	.release = memory_release,
	.apply = memory_apply,
	.is_broken = memory_is_broken,
	.is_altered = memory_is_broken,
	.room = memory_room,
};
