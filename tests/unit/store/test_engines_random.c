/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Random operations on all engines and on a model that a child could check: a table of keys, copied whole
 * for each snapshot.  They must agree at every step.  MENEDEK_SEED repeats a run.
 */
#include <inttypes.h>

#include "base/id.h"
#include "fixture.h"

#define KEYS      24u
#define SNAPSHOTS 4u
#define BATCH     4u
#define TOUCHES   5u
#define STEPS     1500u
#define LOG_MOST  (STEPS * BATCH * 2u)

enum { MEMORY, LMDB, POSTGRESQL, ENGINES };

struct cell {
	uint64_t rev; /* 0 = absent */
	uint32_t content;
};

struct model {
	uint64_t rev;
	struct cell cell[KEYS];
	struct log_head head[STORE_LOGS];
};

struct world {
	uint64_t seed, random;
	struct fixture x; /* for its directory */
	const struct engine_ops *ops[ENGINES];
	struct engine *engine[ENGINES];
	struct model now;
	uint32_t log[STORE_LOGS][LOG_MOST];
	unsigned engines;                          /* PostgreSQL is the last, and only there if a server is */
	uint64_t revs[ENGINES][STEPS * BATCH + 1]; /* what each engine made of the model's revisions */
	char conninfo[512];
	struct {
		bool is_held;
		struct model model;
		struct snapshot *snapshot[ENGINES];
	} held[SNAPSHOTS];
	unsigned conflicts, commits, reopened;
};

/* one commit with what its arrays point to */
struct draft {
	struct commit commit;
	struct read_entry reads[TOUCHES];
	struct write_entry writes[TOUCHES];
	struct append_entry appends[2];
	uint8_t content[TOUCHES][4], entry[2][4];
};

static uint32_t
dice(struct world *w, uint32_t sides)
{
	w->random ^= w->random << 13;
	w->random ^= w->random >> 7;
	w->random ^= w->random << 17;
	return (uint32_t)((w->random >> 16) % sides);
}

/* Keys of several lengths, some a prefix of others. */
static struct key
key_number(unsigned i)
{
	struct key key = key_kind((uint8_t)('a' + i % 3));

	for (unsigned n = i / 3; n > 0; n /= 2)
		key_add_bytes(&key, n % 2 ? "y" : "x", 1);
	return key;
}

static void
open_engine(struct world *w, unsigned which)
{
	struct fault f = { 0 };
	char path[160];

	fixture_path(&w->x, which == POSTGRESQL ? "pg" : "db", path);
	cr_assert_eq(w->ops[which]->open(path, MAP_MIB, &w->engine[which], &f), RC_OK);
}

static void
begin_postgresql(struct world *w)
{
	char path[160];

	fixture_path(&w->x, "pg", path);
	postgres_make(path, w->conninfo);
	w->ops[POSTGRESQL] = &engine_postgresql;
	w->engines = ENGINES;
}

static void
end_postgresql(struct world *w)
{
	static const char *const names[] = { "pg/data.mdb", "pg/lock.mdb", "pg/serving.lock",
		"pg/postgresql" };
	char path[160];

	postgres_remove(w->conninfo);
	for (size_t i = 0; i < COUNT_OF(names); i++) {
		fixture_path(&w->x, names[i], path);
		unlink(path);
	}
	fixture_path(&w->x, "pg", path);
	rmdir(path);
}

static void
hold(struct world *w, unsigned slot)
{
	w->held[slot].is_held = true;
	w->held[slot].model = w->now;
	for (unsigned e = 0; e < w->engines; e++)
		cr_assert_eq(w->ops[e]->snapshot(w->engine[e], &w->held[slot].snapshot[e]), RC_OK);
}

static void
let_go(struct world *w, unsigned slot)
{
	for (unsigned e = 0; e < w->engines && w->held[slot].is_held; e++)
		w->ops[e]->release(w->held[slot].snapshot[e]);
	w->held[slot].is_held = false;
}

/* The same draft for each engine; the reads are true for a held snapshot, so perhaps no longer for the store.
 */
static void
draw(struct world *w, struct draft *d)
{
	unsigned slot = dice(w, SNAPSHOTS);
	const struct model *seen = w->held[slot].is_held ? &w->held[slot].model : &w->now;

	memset(d, 0, sizeof(*d));
	d->commit.reads = d->reads;
	d->commit.writes = d->writes;
	d->commit.appends = d->appends;
	d->commit.read_count = dice(w, TOUCHES);
	d->commit.write_count = dice(w, TOUCHES);
	d->commit.append_count = dice(w, 3);
	for (unsigned i = 0; i < d->commit.read_count; i++) {
		unsigned k = dice(w, KEYS);

		d->reads[i] = (struct read_entry){ .key = key_number(k), .rev = seen->cell[k].rev };
	}
	for (unsigned i = 0; i < d->commit.write_count; i++) {
		put_u32(d->content[i], dice(w, UINT32_MAX));
		d->writes[i].key = key_number(i * 5 + dice(w, 5)); /* never one key twice */
		d->writes[i].is_delete = dice(w, 4) == 0;
		if (!d->writes[i].is_delete)
			d->writes[i].value = BYTES_OF(d->content[i]);
	}
	for (unsigned i = 0; i < d->commit.append_count; i++) {
		put_u32(d->entry[i], dice(w, UINT32_MAX));
		d->appends[i].value = BYTES_OF(d->entry[i]);
		d->appends[i].log = (uint8_t)dice(w, STORE_LOGS);
		memcpy(d->appends[i].leaf, d->entry[i], sizeof(d->entry[i]));
	}
}

static unsigned
number_of(const struct key *key)
{
	for (unsigned i = 0; i < KEYS; i++) {
		struct key k = key_number(i);

		if (key_compare(&k, key) == 0)
			return i;
	}
	return KEYS;
}

/* The rule, in the plainest words. */
static void
model_apply(struct world *w, const struct draft *d, enum rc *rc, uint64_t *rev)
{
	struct model *m = &w->now;

	*rev = 0;
	*rc = RC_CONFLICT;
	for (unsigned i = 0; i < d->commit.read_count; i++)
		if (m->cell[number_of(&d->reads[i].key)].rev != d->reads[i].rev)
			return;
	*rc = RC_OK;
	*rev = ++m->rev;
	for (unsigned i = 0; i < d->commit.write_count; i++) {
		struct cell *c = &m->cell[number_of(&d->writes[i].key)];

		c->rev = d->writes[i].is_delete ? 0 : *rev;
		c->content = get_u32(d->content[i]);
	}
	for (unsigned i = 0; i < d->commit.append_count; i++) {
		struct log_head *head = &m->head[d->appends[i].log];

		w->log[d->appends[i].log][head->count++] = get_u32(d->entry[i]);
		log_chain(head->head, head->count, d->appends[i].leaf);
	}
}

static void
step_commit(struct world *w)
{
	static struct draft drawn[BATCH], drafts[ENGINES][BATCH];
	unsigned n = 1 + dice(w, BATCH);
	uint64_t rev;
	enum rc rc;

	for (unsigned i = 0; i < n; i++)
		draw(w, &drawn[i]);
	for (unsigned e = 0; e < w->engines; e++) {
		for (unsigned i = 0; i < n; i++) {
			drafts[e][i].commit = drawn[i].commit;
			memcpy(drafts[e][i].appends, drawn[i].appends, sizeof(drawn[i].appends));
			memcpy(drafts[e][i].reads, drawn[i].reads, sizeof(drawn[i].reads));
			for (unsigned r = 0; r < drawn[i].commit.read_count; r++)
				drafts[e][i].reads[r].rev = w->revs[e][drawn[i].reads[r].rev];
			drafts[e][i].commit.reads = drafts[e][i].reads;
			drafts[e][i].commit.appends = drafts[e][i].appends; /* they carry a result */
			drafts[e][i].commit.next = i + 1 < n ? &drafts[e][i + 1].commit : NULL;
		}
		w->ops[e]->apply(w->engine[e], &drafts[e][0].commit);
	}
	for (unsigned i = 0; i < n; i++) {
		model_apply(w, &drawn[i], &rc, &rev);
		w->commits += rc == RC_OK;
		w->conflicts += rc == RC_CONFLICT;
		for (unsigned e = 0; e < w->engines; e++) {
			cr_assert_eq(drafts[e][i].commit.rc, rc, "seed %" PRIu64, w->seed);
			if (rc != RC_OK)
				continue;
			w->revs[e][rev] = drafts[e][i].commit.rev;
			if (e == POSTGRESQL)
				cr_assert_geq(
				    drafts[e][i].commit.rev, w->revs[e][rev - 1], "seed %" PRIu64, w->seed);
			else
				cr_assert_eq(drafts[e][i].commit.rev, rev, "seed %" PRIu64, w->seed);
		}
	}
}

static void
check_cell(const struct world *w, unsigned e, const struct model *m, unsigned i, enum rc rc,
    struct bytes value, uint64_t rev)
{
	cr_assert_eq(rev, w->revs[e][m->cell[i].rev], "key %u seed %" PRIu64, i, w->seed);
	cr_assert_eq(rc, rev == 0 ? RC_NOT_FOUND : RC_OK, "seed %" PRIu64, w->seed);
	if (rc == RC_OK)
		cr_assert(value.len == 4 && get_u32(value.p) == m->cell[i].content, "seed %" PRIu64, w->seed);
}

struct expected {
	const struct world *w;
	unsigned engine;
	const struct model *m;
	struct key last;
	unsigned seen, most;
};

static bool
check_pair(void *arg, const struct key *key, struct bytes value, uint64_t rev)
{
	struct expected *x = arg;

	cr_assert_lt(key_compare(&x->last, key), 0, "seed %" PRIu64, x->w->seed);
	x->last = *key;
	x->seen++;
	check_cell(x->w, x->engine, x->m, number_of(key), RC_OK, value, rev);
	return x->seen < x->most;
}

/* A scan from a random key within a random prefix of it must give what the model has there, and stop when
 * told. */
static void
check_scan(struct world *w, const struct model *m, struct snapshot *const s[ENGINES])
{
	struct key from = key_number(dice(w, KEYS));
	unsigned prefix = 1 + dice(w, from.len), most = 1 + dice(w, KEYS), count = 0;

	for (unsigned i = 0; i < KEYS; i++) {
		struct key k = key_number(i);

		count += m->cell[i].rev != 0 && key_compare(&k, &from) >= 0 && k.len >= prefix &&
		    memcmp(k.b, from.b, prefix) == 0;
	}
	for (unsigned e = 0; e < w->engines; e++) {
		struct expected x = { .w = w, .engine = e, .m = m, .most = most };

		cr_assert_eq(w->ops[e]->scan(s[e], &from, prefix, check_pair, &x), RC_OK);
		cr_assert_eq(x.seen, count < most ? count : most, "seed %" PRIu64, w->seed);
	}
}

static void
check_log(struct world *w, const struct model *m, struct snapshot *s, unsigned e)
{
	enum store_log log = (enum store_log)dice(w, STORE_LOGS);
	uint64_t count = m->head[log].count, number = 1 + dice(w, (uint32_t)count + 1);
	struct key head_key = log_head_key(log), key = log_key(log, number);
	struct log_head head = { 0 };
	struct bytes value;
	uint64_t rev;
	enum rc rc = w->ops[e]->get(s, &head_key, &value, &rev);

	cr_assert_eq(rc, count == 0 ? RC_NOT_FOUND : RC_OK);
	cr_assert(count == 0 || log_head_read(value, &head));
	cr_assert_eq(head.count, count, "seed %" PRIu64, w->seed);
	cr_assert_arr_eq(head.head, m->head[log].head, 32);
	rc = w->ops[e]->get(s, &key, &value, &rev);
	cr_assert_eq(rc, number > count ? RC_NOT_FOUND : RC_OK, "seed %" PRIu64, w->seed);
	if (rc == RC_OK)
		cr_assert_eq(get_u32(value.p), w->log[log][number - 1], "seed %" PRIu64, w->seed);
}

static void
step_check(struct world *w)
{
	unsigned slot = dice(w, SNAPSHOTS), i = dice(w, KEYS);
	const struct model *m = &w->held[slot].model;
	struct key key = key_number(i);

	if (!w->held[slot].is_held)
		return;
	for (unsigned e = 0; e < w->engines; e++) {
		struct bytes value;
		uint64_t rev;
		enum rc rc = w->ops[e]->get(w->held[slot].snapshot[e], &key, &value, &rev);

		check_cell(w, e, m, i, rc, value, rev);
		check_log(w, m, w->held[slot].snapshot[e], e);
	}
	check_scan(w, m, w->held[slot].snapshot);
}

static void
step_hold(struct world *w)
{
	unsigned slot = dice(w, SNAPSHOTS);

	if (w->held[slot].is_held)
		let_go(w, slot);
	else
		hold(w, slot);
}

static void
step_reopen(struct world *w)
{
	if (dice(w, 40) != 0)
		return;
	for (unsigned i = 0; i < SNAPSHOTS; i++)
		let_go(w, i);
	for (unsigned e = LMDB; e < w->engines; e++) {
		w->ops[e]->close(w->engine[e]);
		open_engine(w, e);
	}
	w->reopened++;
}

static void (*const steps[])(
    struct world *) = { step_commit, step_commit, step_check, step_check, step_hold, step_reopen };

Test(engines_random, all_engines_agree_with_the_model_at_every_step, .timeout = 120)
{
	static struct world w;
	const char *given = getenv("MENEDEK_SEED");

	w.ops[MEMORY] = &engine_memory;
	w.ops[LMDB] = &engine_lmdb;
	w.engines = POSTGRESQL;
	fixture_open(&w.x, &engine_lmdb);
	store_close(w.x.store);
	w.x.store = NULL;
	if (postgres_server() != NULL)
		begin_postgresql(&w);
	random_fill(&w.seed, sizeof(w.seed));
	if (given != NULL)
		w.seed = strtoull(given, NULL, 10);
	w.random = w.seed | 1;
	for (unsigned e = 0; e < w.engines; e++)
		open_engine(&w, e);
	for (unsigned i = 0; i < STEPS; i++)
		steps[dice(&w, COUNT_OF(steps))](&w);
	for (unsigned i = 0; i < SNAPSHOTS; i++)
		let_go(&w, i);
	for (unsigned e = 0; e < w.engines; e++)
		w.ops[e]->close(w.engine[e]);
	if (w.engines > POSTGRESQL)
		end_postgresql(&w);
	fixture_close(&w.x);
	/* a run in which nothing happened proves nothing */
	cr_assert_gt(w.commits, 200, "seed %" PRIu64, w.seed);
	cr_assert_gt(w.conflicts, 50, "seed %" PRIu64, w.seed);
	cr_assert_gt(w.reopened, 0, "seed %" PRIu64, w.seed);
}
