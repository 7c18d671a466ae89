/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The engine for several nodes over one PostgreSQL (docs/design.md, x).  Commits are decided there; reads are
 * answered from this node's copy, an LMDB tree of the same ciphertext that may be thrown away at any time.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "store/lmdb_mirror.h"
#include "store/pg_parts.h"

#define CONNINFO_CAP 4096u
#define STALE_MS     10000 /* longer than a failover takes */
#define NODE_FILE    "node"

static void pg_close(struct engine *e);

/* ---- opening ---- */

static enum rc
read_conninfo(struct engine *e, const char *dir, struct fault *f)
{
	char name[512], *text;
	size_t len;
	enum rc rc;

	if (!path_join(name, sizeof(name), dir, PG_CONNINFO) ||
	    !path_join(e->node_file, sizeof(e->node_file), dir, NODE_FILE))
		return fault_set(f, RC_INVALID, MSG_STORE_OPEN, NULL, 0, "path");
	if ((rc = file_read(name, CONNINFO_CAP, &text, &len, f)) != RC_OK)
		return rc;
	text[strcspn(text, "\n")] = '\0';
	rc = pg_link_init(&e->link, text, f);
	wipe(text, len);
	free(text);
	return rc;
}

static bool
is_hurt(const struct engine *e, enum rc rc)
{
	return rc == RC_CORRUPT || (rc == RC_OK && engine_lmdb.is_altered(e->mirror));
}

static void
leave_copy(struct engine *e, struct fault *f)
{
	engine_lmdb.close(e->mirror);
	e->mirror = NULL;
	fault_clear(f);
}

/* What a hurt copy followed counts until there is another: after a night without power it may be hurt and the
 * database not put back yet.  One that cannot be read has followed something all the same. */
static enum rc
meet_database(struct engine *e, struct fault *f)
{
	if (e->mirror != NULL)
		(void)!pg_bookmark_read(e);
	leave_copy(e, f);
	e->snapshot[0] = '\0';
	if (e->link.registry[0] == '\0')
		(void)str_copy(e->link.registry, sizeof(e->link.registry), "unknown");
	return pg_link_up(&e->link, f);
}

/* It is a copy: one that a power cut hurt is made anew, once there is something to make it of. */
static enum rc
open_copy(struct engine *e, const char *dir, unsigned map_mib, struct fault *f)
{
	enum rc rc = engine_lmdb.open(dir, map_mib, &e->mirror, f);

	if (is_hurt(e, rc)) {
		log_world("pg_copy_hurt", "made anew from the database");
		if ((rc = meet_database(e, f)) != RC_OK)
			return rc;
		/* nobody had its lock meanwhile: it may be another's by now, or sound */
		rc = lmdb_open_anew(dir, map_mib, &e->mirror, f);
	}
	if (rc == RC_OK)
		lmdb_need_not_last(e->mirror);
	return rc;
}

/* Where that takes too long the copy is compared at once: nobody answers from it yet. */
static enum rc
look_first(struct engine *e, struct fault *f)
{
	enum rc rc = pg_ready(e, f);

	if (rc != RC_OK)
		return rc;
	e->unheard = PG_UNHEARD - 1;
	if ((rc = pg_poll(e, clock_mono_ms() + STALE_MS)) != RC_OK && e->snapshot[0] == '\0')
		rc = pg_ready(e, f);
	if (rc == RC_OK || f->count > 0)
		return rc;
	return fault_set(f, rc, MSG_STORE_OPEN, NULL, 0, "postgresql");
}

static enum rc
pg_open(const char *path, unsigned map_mib, struct engine **out, struct fault *f)
{
	struct engine *e = calloc(1, sizeof(*e));
	enum rc rc;

	*out = NULL;
	if (e == NULL)
		return fault_set(f, RC_UNAVAILABLE, MSG_STORE_OPEN, NULL, 0, "memory");
	random_fill(e->node, sizeof(e->node));
	if ((rc = read_conninfo(e, path, f)) == RC_OK && (rc = open_copy(e, path, map_mib, f)) == RC_OK &&
	    (rc = pg_bookmark_read(e)) == RC_OK)
		rc = look_first(e, f);
	if (rc != RC_OK) {
		pg_close(e);
		return rc;
	}
	*out = e;
	return RC_OK;
}

static void
pg_close(struct engine *e)
{
	if (e == NULL)
		return;
	pg_link_fini(&e->link);
	pg_batch_fini(&e->batch);
	if (e->mirror != NULL)
		engine_lmdb.close(e->mirror);
	free(e);
}

/* ---- reading ---- */

/* Old places must not be offered for long, nor a revoked device let in, by a node that was cut off; and one
 * that has not heard yet what the time is by the others' clocks would end by its own what they hold. */
static enum rc
pg_snapshot(struct engine *e, struct snapshot **out)
{
	const bool is_stale = atomic_load(&e->is_following) &&
	    (atomic_load(&e->is_deaf) || clock_mono_ms() - atomic_load(&e->confirmed) > STALE_MS);

	*out = NULL;
	if (is_stale || atomic_load(&e->is_comparing)) {
		log_world("pg_stale", "the copy is too old to answer from");
		return RC_UNAVAILABLE;
	}
	return engine_lmdb.snapshot(e->mirror, out);
}

static enum rc
pg_get(struct snapshot *s, const struct key *key, struct bytes *value, uint64_t *rev)
{
	return engine_lmdb.get(s, key, value, rev);
}

static enum rc
pg_scan(struct snapshot *s, const struct key *from, unsigned prefix_len, engine_scan_fn *fn, void *arg)
{
	return engine_lmdb.scan(s, from, prefix_len, fn, arg);
}

static void
pg_release(struct snapshot *s)
{
	engine_lmdb.release(s);
}

/* ---- the rest ---- */

static bool
pg_is_broken(const struct engine *e)
{
	return atomic_load(&e->is_broken);
}

static bool
pg_is_altered(const struct engine *e UNUSED)
{
	return false; /* a copy that is not what it was is made anew */
}

static void
pg_room(struct engine *e, uint64_t *most, uint64_t *used)
{
	engine_lmdb.room(e->mirror, most, used);
}

/* The copy, which opening and following keep where the database is. */
static enum rc
pg_copy(struct engine *e, int fd)
{
	return engine_lmdb.copy(e->mirror, fd);
}

static void
pg_standing(const struct engine *e, struct engine_standing *out)
{
	out->timeline = atomic_load(&e->on_timeline);
	out->silent_ms = atomic_load(&e->is_following) ? clock_mono_ms() - atomic_load(&e->confirmed) : 0;
	pg_now(e, &out->now, &out->sure, &out->common);
	out->clock_ahead = atomic_load(&e->clock_ahead);
}

static enum rc
pg_carry(struct engine *e, const struct engine_carrier *carrier)
{
	const struct key key = log_shared_key();
	struct snapshot *s;
	struct bytes value;
	uint64_t rev;
	enum rc rc = engine_lmdb.snapshot(e->mirror, &s);

	e->carrier = *carrier;
	if (rc != RC_OK)
		return rc;
	if (engine_lmdb.get(s, &key, &value, &rev) == RC_OK)
		rc = carrier->take(carrier->arg, value);
	engine_lmdb.release(s);
	return rc;
}

static void
pg_listen(struct engine *e, engine_told_fn *told, void *arg)
{
	e->told = told;
	e->told_arg = arg;
}

/* What the first one brings is told before the clocks are heard, and who is told may read. */
static void
follow(struct engine *e)
{
	pg_follow(e);
	atomic_store(&e->is_deaf, !e->has_heard);
}

const struct engine_ops engine_postgresql = {
	.name = "postgresql",
	.is_far = true,
	.open = pg_open,
	.open_reader = NULL, /* its copy is read as engine_lmdb's */
	.close = pg_close,
	.snapshot = pg_snapshot,
	.get = pg_get,
	.scan = pg_scan,
	.release = pg_release,
	.apply = pg_apply,
	.is_broken = pg_is_broken,
	.is_altered = pg_is_altered,
	.room = pg_room,
	.listen = pg_listen,
	.carry = pg_carry,
	.is_alone = pg_is_alone,
	.follow = follow,
	.standing = pg_standing,
	.copy = pg_copy,
};
