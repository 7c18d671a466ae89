/* SPDX-License-Identifier: Apache-2.0 */
/* The engine without a store over it: what it sends when its time is over, and in which order it takes over.
 */
#include "pair.h"

/* A list of ${count} transactions, each with one key of its own. */
static void
make_list(struct commit *list, struct write_entry *writes, size_t count)
{
	char name[24];

	for (size_t i = 0; i < count; i++) {
		snprintf(name, sizeof(name), "k%zu", i);
		writes[i] = (struct write_entry){ .key = key_of(name), .value = bytes_str("value") };
		list[i] = (struct commit){
			.next = i + 1 < count ? &list[i + 1] : NULL, .writes = &writes[i], .write_count = 1
		};
	}
}

/* ---- when the time is over ---- */

static void
take_long(void *arg UNUSED, const struct change *changes UNUSED, size_t count UNUSED)
{
	sleep(13); /* longer than all the batches of a list may take */
}

Test(pg_engine, what_is_sent_too_late_to_hear_of_is_not_sent, .timeout = 60)
{
	enum { MANY = 60 }; /* more than go down at once */
	struct write_entry writes[MANY];
	struct commit list[MANY];
	struct pair p;

	NEEDS_SERVER();
	open_pair(&p);
	engine_postgresql.listen(p.a, take_long, NULL);
	make_list(list, writes, MANY);
	engine_postgresql.apply(p.a, list);
	cr_assert_eq(list[0].rc, RC_OK);
	cr_assert_eq(list[MANY - 1].rc, RC_UNAVAILABLE);
	engine_postgresql.follow(p.b);
	cr_assert(has_key(p.b, "k0"));
	cr_assert_not(has_key(p.b, "k59"));
	close_pair(&p);
}

/* ---- what all nodes must hold ---- */

struct carried {
	struct engine *reader; /* who asks whether the value can be read already */
	unsigned taken;
	bool was_early;
	enum rc given;
};

static enum rc
take(void *arg, struct bytes shared UNUSED)
{
	struct carried *c = arg;

	c->taken++;
	if (c->reader != NULL)
		c->was_early = c->was_early || has_key(c->reader, "k0");
	return RC_OK;
}

static enum rc
give(void *arg, struct bytes *out)
{
	const struct carried *c = arg;

	*out = bytes_str("what all must hold");
	return c->given;
}

static void
given(void *arg)
{
	struct carried *c = arg;

	c->given = RC_NOT_FOUND;
}

static void
carry(struct engine *e, struct carried *c)
{
	const struct engine_carrier carrier = { .take = take, .give = give, .given = given, .arg = c };

	cr_assert_eq(engine_postgresql.carry(e, &carrier), RC_OK);
	c->taken = 0;
}

Test(pg_engine, a_value_is_readable_only_after_its_key_was_taken, .timeout = 60)
{
	struct carried a = { .given = RC_OK }, b = { .given = RC_NOT_FOUND };
	struct write_entry write;
	struct commit one;
	struct pair p;

	NEEDS_SERVER();
	open_pair(&p);
	b.reader = p.b;
	carry(p.a, &a);
	carry(p.b, &b);
	make_list(&one, &write, 1);
	engine_postgresql.apply(p.a, &one);
	cr_assert_eq(one.rc, RC_OK);
	engine_postgresql.follow(p.b);
	cr_assert_eq(b.taken, 1);
	cr_assert_not(b.was_early);
	cr_assert(has_key(p.b, "k0"));
	close_pair(&p);
}

static void
never_early(void *arg, const struct change *changes UNUSED, size_t count UNUSED)
{
	struct carried *c = arg;

	c->was_early = c->was_early || c->taken == 0;
}

/* Two thousand keys and more: they come in chunks, of which the first does not hold what all need. */
Test(pg_engine, comparing_takes_the_keys_before_what_they_seal, .timeout = 60)
{
	enum { MANY = 100 };
	struct carried a = { .given = RC_OK }, b = { .given = RC_NOT_FOUND };
	struct write_entry writes[MANY];
	struct commit list[MANY];
	struct pair p;

	NEEDS_SERVER();
	open_pair(&p);
	carry(p.a, &a);
	carry(p.b, &b);
	engine_postgresql.listen(p.b, never_early, &b);
	for (unsigned round = 0; round < 25; round++) {
		make_list(list, writes, MANY);
		for (unsigned i = 0; i < MANY; i++) {
			writes[i].key = key_of("A");
			key_add_u64(&writes[i].key, (uint64_t)round * MANY + i + 1);
		}
		engine_postgresql.apply(p.a, list);
		cr_assert_eq(list[MANY - 1].rc, RC_OK);
	}
	postgres_run(p.nodes.a.conninfo, "DELETE FROM menedek_changes");
	postgres_run(p.nodes.a.conninfo, "UPDATE menedek_meta SET value = '999999999' WHERE name = 'pruned'");
	engine_postgresql.follow(p.b);
	cr_assert_eq(b.taken, 1);
	cr_assert_not(b.was_early);
	/* a comparison that finds nothing new leaves it alone */
	postgres_run(
	    p.nodes.a.conninfo, "UPDATE menedek_meta SET value = '9999999999' WHERE name = 'pruned'");
	engine_postgresql.follow(p.b);
	cr_assert_eq(b.taken, 1);
	close_pair(&p);
}

Test(pg_engine, what_needs_a_key_that_cannot_be_given_is_not_committed, .timeout = 60)
{
	struct carried a = { .given = RC_UNAVAILABLE };
	struct write_entry write;
	struct commit one;
	struct pair p;

	NEEDS_SERVER();
	open_pair(&p);
	carry(p.a, &a);
	make_list(&one, &write, 1);
	engine_postgresql.apply(p.a, &one);
	cr_assert_eq(one.rc, RC_UNAVAILABLE);
	cr_assert_not(has_key(p.a, "k0"));
	a.given = RC_OK;
	engine_postgresql.apply(p.a, &one);
	cr_assert_eq(one.rc, RC_OK);
	close_pair(&p);
}
