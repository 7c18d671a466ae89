/* SPDX-License-Identifier: Apache-2.0 */
/* A registry in a directory of its own with one house, and details to be kept or removed: requests,
 * reservations in any state, answers to repeats. */
#ifndef MENEDEK_TEST_DETAILS_H
#define MENEDEK_TEST_DETAILS_H

#include <criterion/criterion.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "service/retention.h"

#define HOUR  3600
#define DAY   (24 * HOUR)
#define START INT64_C(1795780800) /* 2026-11-27 12:00 UTC: the middle of a quarter */

#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/lsan_interface.h>
#define assert_no_leak() cr_assert_eq(__lsan_do_recoverable_leak_check(), 0)
#else
#define assert_no_leak() ((void)0)
#endif

struct details {
	char dir[64];
	struct secret *root;
	struct parts parts;
	struct arena *arena;
	struct shelter shelter;
	struct fault fault;
};

struct detail_put {
	enum kind kind;
	struct key key;
	const void *obj; /* NULL: raw */
	enum key_use use;
	struct bytes raw;
};

static inline enum rc
detail_put_txn(struct txn *t, void *arg)
{
	const struct detail_put *p = arg;

	if (p->obj != NULL)
		return record_put(t, p->kind, &p->key, p->obj);
	return txn_put(t, &p->key, p->use, p->raw);
}

static inline void
details_put(struct details *x, enum kind kind, const struct key *key, const void *obj)
{
	struct detail_put p = { .kind = kind, .key = *key, .obj = obj };

	cr_assert_eq(store_update(x->parts.store, x->arena, detail_put_txn, &p), RC_OK);
	arena_rewind(x->arena, 0);
}

static inline void
details_put_raw(struct details *x, const struct key *key, enum key_use use, struct bytes raw)
{
	struct detail_put p = { .key = *key, .use = use, .raw = raw };

	cr_assert_eq(store_update(x->parts.store, x->arena, detail_put_txn, &p), RC_OK);
	arena_rewind(x->arena, 0);
}

struct detail_get {
	const struct key *key;
	uint8_t out[4096];
	size_t len;
	enum rc rc;
};

static inline enum rc
detail_get_txn(struct txn *t, void *arg)
{
	struct detail_get *g = arg;
	struct bytes value;

	g->rc = txn_peek(t, g->key, &value);
	g->len = g->rc == RC_OK ? value.len : 0;
	cr_assert_leq(g->len, sizeof(g->out));
	if (g->len > 0)
		memcpy(g->out, value.p, g->len);
	return RC_OK;
}

/* What reading ${key} gives now. */
static inline enum rc
details_read(struct details *x, const struct key *key)
{
	struct detail_get g = { .key = key };

	cr_assert_eq(store_view(x->parts.store, x->arena, detail_get_txn, &g), RC_OK);
	arena_rewind(x->arena, 0);
	return g.rc;
}

static inline enum rc
details_reading(struct details *x, enum kind kind, const struct id *id)
{
	const struct key key = record_key(kind, id);

	return details_read(x, &key);
}

static inline void
details_make_house(struct details *x)
{
	struct house *h = calloc(1, sizeof(*h));
	struct key key;

	model_clear(&model_shelter, &x->shelter);
	x->shelter.id = id_new();
	x->shelter.org = id_new();
	x->shelter.type = TYPE_SECRET_HOUSE;
	x->shelter.county = COUNTY_ZALA;
	(void)str_copy(x->shelter.code_name, sizeof(x->shelter.code_name), "Nyugat 9");
	key = record_key(KIND_SHELTER, &x->shelter.id);
	details_put(x, KIND_SHELTER, &key, &x->shelter);
	h->shelter = x->shelter.id;
	key = record_key(KIND_HOUSE, &x->shelter.id);
	details_put(x, KIND_HOUSE, &key, h);
	free(h);
}

static inline void
details_path(const struct details *x, const char *name, char out[160])
{
	(void)snprintf(out, 160, "%s/%s", x->dir, name);
}

static inline void
details_open_parts(struct details *x)
{
	struct paths paths;

	cr_assert(paths_of(&paths, x->dir, NULL));
	cr_assert_eq(
	    parts_open(&x->parts, &paths, &(const struct parts_wish){ .extent = PARTS_RECORDS }, &x->fault),
	    RC_OK);
}

static inline void
details_open(struct details *x)
{
	struct paths paths;
	char path[160];

	memset(x, 0, sizeof(*x));
	(void)strcpy(x->dir, "/tmp/menedek-unit-XXXXXX");
	cr_assert_not_null(mkdtemp(x->dir));
	cr_assert(paths_of(&paths, x->dir, NULL));
	cr_assert_not_null(x->root = secret_new(32));
	random_fill(secret_bytes(x->root), 32);
	details_path(x, "keys", path);
	cr_assert_eq(dir_make(path, 0700, &x->fault), RC_OK);
	details_path(x, "keyring", path);
	cr_assert_eq(dir_make(path, 0700, &x->fault), RC_OK);
	cr_assert_eq(
	    file_write(paths.record_root, (struct bytes){ secret_view(x->root), 32 }, 0400, &x->fault),
	    RC_OK);
	cr_assert_eq(keyring_create(paths.keyring, x->root, &x->fault), RC_OK);
	cr_assert_not_null(x->arena = arena_new(1024 * 1024));
	details_open_parts(x);
	cr_assert_eq(keyring_day(x->parts.keyring, START, &x->fault), RC_OK);
	details_make_house(x);
}

static inline int
details_remove(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

static inline void
details_close(struct details *x)
{
	parts_close(&x->parts);
	secret_free(x->root);
	arena_free(x->arena);
	if (x->dir[0] != '\0')
		(void)nftw(x->dir, details_remove, 8, FTW_DEPTH | FTW_PHYS);
	memset(x, 0, sizeof(*x));
}

/* ---- details ---- */

#define SAYS "SZILVA-HOLLO" /* the check word of every reservation: what must not come back */

static inline struct id
details_reservation(struct details *x, enum reservation_state state, int64_t ended_at)
{
	struct reservation r;
	struct key key;

	model_clear(&model_reservation, &r);
	memset(r.bands, CODE_NONE, sizeof(r.bands));
	r.id = id_new();
	r.episode = id_new();
	r.shelter = x->shelter.id;
	r.desk_org = id_new();
	r.desk_user = id_new();
	r.state = (uint8_t)state;
	r.held_at = START - HOUR;
	r.arrived_at = state == RES_IN_STAY || state == RES_LEFT ? START : 0;
	r.reason = state == RES_DECLINED_BY_HOUSE ? DECLINE_NO_STAFF : CODE_NONE;
	r.ended_at = ended_at;
	(void)str_copy(r.check_word, sizeof(r.check_word), SAYS);
	key = record_key(KIND_RESERVATION, &r.id);
	details_put(x, KIND_RESERVATION, &key, &r);
	return r.id;
}

static inline struct id
details_episode(struct details *x, enum episode_state state, int64_t opened_at)
{
	struct episode e;
	struct key key;

	model_clear(&model_episode, &e);
	e.id = id_new();
	e.opener_org = e.desk_org = id_new();
	e.state = (uint8_t)state;
	e.outcome = state == EPISODE_CLOSED ? OUTCOME_NO_PLACE : CODE_NONE;
	e.channel = 0;
	e.opened_at = opened_at;
	e.expires_at = opened_at + LIMIT_EPISODE_LIFE;
	e.closed_at = state == EPISODE_OPEN ? 0 : opened_at + HOUR;
	key = record_key(KIND_EPISODE, &e.id);
	details_put(x, KIND_EPISODE, &key, &e);
	return e.id;
}

/* What is stored of details does not open any more: what a damaged page leaves behind. */
static inline void
details_lose_key(struct details *x)
{
	const uint32_t id = keyring_current(x->parts.keyring, KEY_DETAIL);

	cr_assert_eq(keyring_renew(x->parts.keyring, KEY_DETAIL, &x->fault), RC_OK);
	cr_assert_eq(keyring_retire(x->parts.keyring, &id, 1, &x->fault), RC_OK);
}

/* ---- purging ---- */

static inline enum rc
details_try_purge(struct details *x, int64_t now, const atomic_bool *stop, struct purge_report *out)
{
	struct upkeep u = { .parts = &x->parts, .now = now, .stop = stop, .fault = &x->fault };

	return retention_purge(&u, false, out);
}

static inline struct purge_report
details_purge(struct details *x, int64_t now)
{
	struct purge_report r;

	cr_assert_eq(details_try_purge(x, now, NULL, &r), RC_OK);
	return r;
}

#endif
