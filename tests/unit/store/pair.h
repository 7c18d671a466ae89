/* SPDX-License-Identifier: Apache-2.0 */
/* Two nodes' engines over one schema, without stores over them: what they do happens on the test's thread. */
#ifndef MENEDEK_TEST_PAIR_H
#define MENEDEK_TEST_PAIR_H

#include "nodes.h"
#include "store/lmdb_mirror.h"
#include "store/pg_parts.h"

/* Two nodes' engines over one schema; the stores that made it are closed. */
struct pair {
	struct nodes nodes;
	struct engine *a, *b;
};

static inline enum rc
open_engine(const struct fixture *x, struct engine **out)
{
	struct fault f = { 0 };
	char path[160];

	fixture_path(x, "db", path);
	return engine_postgresql.open(path, MAP_MIB, out, &f);
}

static inline void
open_pair(struct pair *p)
{
	open_nodes(&p->nodes);
	store_close(p->nodes.a.store);
	store_close(p->nodes.b.store);
	p->nodes.a.store = p->nodes.b.store = NULL;
	cr_assert_eq(open_engine(&p->nodes.a, &p->a), RC_OK);
	cr_assert_eq(open_engine(&p->nodes.b, &p->b), RC_OK);
}

static inline void
close_pair(struct pair *p)
{
	engine_postgresql.close(p->a);
	engine_postgresql.close(p->b);
	close_nodes(&p->nodes);
}

static inline bool
has_key(struct engine *e, const char *name)
{
	const struct key key = key_of(name);
	struct snapshot *s;
	struct bytes value;
	uint64_t rev;
	bool is_there;

	cr_assert_eq(engine_postgresql.snapshot(e, &s), RC_OK);
	is_there = engine_postgresql.get(s, &key, &value, &rev) == RC_OK;
	engine_postgresql.release(s);
	return is_there;
}

/* One transaction: ${name} is put, or with ${value} NULL deleted. */
static inline enum rc
write_one(struct engine *e, const char *name, const char *value)
{
	struct write_entry write = { .key = key_of(name),
		.value = bytes_str(value == NULL ? "" : value),
		.is_delete = value == NULL };
	struct commit one = { .writes = &write, .write_count = 1 };

	engine_postgresql.apply(e, &one);
	return one.rc;
}

/* Without waiting after a failure. */
static inline void
follow_now(struct engine *e)
{
	e->retry_at = 0;
	engine_postgresql.follow(e);
}

/* What a copy that is not open remembers. */
static inline void
set_bookmark(struct fixture *x, const char *bookmark)
{
	struct engine *copy;
	struct fault f = { 0 };
	char path[160];

	fixture_path(x, "db", path);
	cr_assert_eq(engine_lmdb.open(path, MAP_MIB, &copy, &f), RC_OK);
	cr_assert_eq(lmdb_mirror(copy, NULL, 0, bytes_str(bookmark)), RC_OK);
	engine_lmdb.close(copy);
}

#endif
