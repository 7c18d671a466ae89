/* SPDX-License-Identifier: Apache-2.0 */
/* Clocks of nodes that differ, as their beats tell of them: who goes by whose time. */
#include "mishap.h"

#include "base/clock.h"
#include "pair.h"
#include "store/pg_parts.h"

#define FAR  100 /* seconds that a clock is wrong */
#define NEAR 5   /* what a beat and rounding may take */

/* The beats of ${count} other nodes, written now by clocks that are so many seconds ahead. */
static void
write_beats(struct pair *p, const int *ahead, unsigned count)
{
	char sql[256];

	postgres_run(p->nodes.a.conninfo, "DELETE FROM menedek_nodes");
	for (unsigned i = 0; i < count; i++) {
		(void)snprintf(sql, sizeof(sql),
		    "INSERT INTO menedek_nodes VALUES ('node%u', now(), extract(epoch FROM now())::bigint + "
		    "%d)",
		    i, ahead[i]);
		postgres_run(p->nodes.a.conninfo, sql);
	}
}

/* Node a beats while the others' beats still count, which they do for five seconds. */
static void
hear_beats(struct pair *p, const int *ahead, unsigned count)
{
	for (unsigned i = 0; i < 100; i++) {
		write_beats(p, ahead, count);
		p->a->beat_at = p->a->retry_at = 0;
		engine_postgresql.follow(p->a);
		if ((unsigned)atoi(postgres_run(p->nodes.a.conninfo,
			"SELECT count(*) FROM menedek_nodes WHERE at > now() - interval '5 seconds'")) ==
		    count + 1)
			return;
	}
	cr_assert_fail("no beat in time");
}

static bool
is_near(int64_t a, int64_t b)
{
	return a - b <= NEAR && b - a <= NEAR;
}

static const struct clocks_row {
	int others[4];
	unsigned count;
	int64_t ahead, now, sure,
	    common; /* of node a: what is told, and how far its times are from its clock */
} clocks[] = {
	{ { 0 }, 0, 0, 0, 0, 0 },
	/* of two nobody knows who is right: nothing ends before both say so */
	{ { FAR }, 1, 0, 0, 0, 0 },
	{ { -FAR }, 1, FAR, 0, -FAR, -FAR },
	{ { 0 }, 1, 0, 0, 0, 0 },
	/* of three two are right */
	{ { -FAR, -FAR }, 2, FAR, -FAR, -FAR, -FAR },
	/* ... and what the third begins lasts by theirs; what it ends it ends by its own, late */
	{ { FAR, FAR }, 2, -FAR, FAR, 0, FAR },
	{ { 0, FAR }, 2, 0, 0, 0, 0 },
	{ { -FAR, 0 }, 2, 0, 0, 0, 0 },
	/* all of three differ: the middle one, which is none; what they count together goes by it */
	{ { -FAR, FAR }, 2, 0, 0, 0, 0 },
	{ { -2 * FAR, -FAR }, 2, FAR, 0, -FAR, -FAR },
	{ { FAR, 2 * FAR }, 2, -FAR, 0, 0, FAR },
};

Test(pg_clock, who_is_ahead_of_most_goes_by_their_time_and_nothing_ends_early, .timeout = 120)
{
	struct pair p;

	NEEDS_SERVER();
	open_pair(&p);
	for (size_t i = 0; i < COUNT_OF(clocks); i++) {
		const struct clocks_row *r = &clocks[i];
		struct engine_standing standing;
		int64_t own;

		hear_beats(&p, r->others, r->count);
		engine_postgresql.standing(p.a, &standing);
		own = clock_now();
		cr_expect(is_near(standing.clock_ahead, r->ahead), "row %zu: %ld ahead", i,
		    (long)standing.clock_ahead);
		cr_expect(
		    is_near(standing.now - own, r->now), "row %zu: now %ld", i, (long)(standing.now - own));
		cr_expect(is_near(standing.sure - own, r->sure), "row %zu: sure %ld", i,
		    (long)(standing.sure - own));
		cr_expect(is_near(standing.common - own, r->common), "row %zu: common %ld", i,
		    (long)(standing.common - own));
	}
	close_pair(&p);
}

/* Without its own beat among them it knows nothing of others, and goes by its own clock. */
Test(pg_clock, who_hears_of_no_clock_goes_by_its_own, .timeout = 60)
{
	static const int others[] = { -FAR, -FAR };
	struct engine_standing standing;
	struct pair p;

	NEEDS_SERVER();
	open_pair(&p);
	hear_beats(&p, others, COUNT_OF(others));
	engine_postgresql.standing(p.a, &standing);
	cr_assert(is_near(standing.now - clock_now(), -FAR));
	p.a->beat_at = 0;
	mishap_in(NO_ROWS, 2); /* after the look's, the clocks' */
	engine_postgresql.follow(p.a);
	cr_assert(mishap_over());
	engine_postgresql.standing(p.a, &standing);
	cr_expect_eq(standing.clock_ahead, 0);
	cr_expect(is_near(standing.now, clock_now()));
	cr_expect(is_near(standing.sure, clock_now()));
	close_pair(&p);
}

/* After an outage the beats of before count no more, and one node is the first. */
Test(pg_clock, who_beats_first_after_an_outage_goes_by_what_was_agreed_on, .timeout = 60)
{
	static const int others[] = { -FAR, -FAR };
	struct engine_standing standing;
	struct pair p;

	NEEDS_SERVER();
	open_pair(&p);
	hear_beats(&p, others, COUNT_OF(others));
	postgres_run(p.nodes.a.conninfo, "UPDATE menedek_nodes SET at = at - interval '6 seconds'");
	p.a->beat_at = p.a->retry_at = 0;
	engine_postgresql.follow(p.a);
	engine_postgresql.standing(p.a, &standing);
	cr_expect(is_near(standing.clock_ahead, FAR));
	cr_expect(is_near(standing.now - clock_now(), -FAR), "it would end what has not ended");
	cr_expect(is_near(standing.sure - clock_now(), -FAR));
	hear_beats(&p, others, COUNT_OF(others));
	cr_expect_eq(p.a->alone_at, 0, "they are back");
	/* and now nobody comes back for ten minutes */
	write_beats(&p, NULL, 0);
	for (unsigned i = 0; i < 2; i++) {
		engine_postgresql.standing(p.a, &standing);
		cr_expect(is_near(standing.sure - clock_now(), -FAR));
		p.a->beat_at = 0;
		engine_postgresql.follow(p.a);
		p.a->alone_at -= 300000;
	}
	p.a->beat_at = 0;
	engine_postgresql.follow(p.a);
	engine_postgresql.standing(p.a, &standing);
	cr_expect_eq(standing.clock_ahead, 0);
	cr_expect(is_near(standing.sure, clock_now()));
	close_pair(&p);
}

static void
expect_times(const struct pair *p, int64_t now, int64_t sure)
{
	struct engine_standing standing;
	int64_t own;

	engine_postgresql.standing(p->a, &standing);
	own = clock_now();
	cr_expect(is_near(standing.now - own, now), "now %ld", (long)(standing.now - own));
	cr_expect(is_near(standing.sure - own, sure), "sure %ld", (long)(standing.sure - own));
}

/* ${e} beats; how many have. */
static const char *
nodes_after_beat(struct pair *p, struct engine *e)
{
	e->beat_at = e->retry_at = 0;
	engine_postgresql.follow(e);
	return postgres_run(p->nodes.a.conninfo, "SELECT count(*) FROM menedek_nodes");
}

/* Else it would be two of three with its last beat of before, and end what the other holds. */
Test(pg_clock, a_node_that_is_started_again_does_not_vote_twice, .timeout = 60)
{
	struct pair p;

	NEEDS_SERVER();
	open_pair(&p);
	postgres_run(p.nodes.a.conninfo, "DELETE FROM menedek_nodes");
	cr_assert_str_eq(nodes_after_beat(&p, p.a), "1");
	cr_assert_str_eq(nodes_after_beat(&p, p.b), "2");
	engine_postgresql.close(p.a);
	cr_assert_eq(open_engine(&p.nodes.a, &p.a), RC_OK);
	cr_expect_str_eq(nodes_after_beat(&p, p.a), "2");
	close_pair(&p);
}

static void
copy_file(const struct fixture *from, const struct fixture *to, const char *name)
{
	char path[160];
	uint8_t *text;
	size_t len;
	FILE *file;

	fixture_path(from, name, path);
	read_file(path, &text, &len);
	fixture_path(to, name, path);
	cr_assert((file = fopen(path, "w")) != NULL && fwrite(text, 1, len, file) == len);
	fclose(file);
	free(text);
}

/* Two that count as one would hear each other's clock for their own. */
Test(pg_clock, a_node_that_was_set_up_as_a_copy_of_another_is_not_that_one, .timeout = 60)
{
	struct pair p;

	NEEDS_SERVER();
	open_pair(&p);
	postgres_run(p.nodes.a.conninfo, "DELETE FROM menedek_nodes");
	cr_assert_str_eq(nodes_after_beat(&p, p.a), "1");
	copy_file(&p.nodes.a, &p.nodes.b, "db/node");
	cr_expect_str_eq(nodes_after_beat(&p, p.b), "2");
	close_pair(&p);
}

/* It goes on: it is no more than a second witness for five seconds. */
Test(pg_clock, a_node_that_cannot_keep_its_number_serves_all_the_same, .timeout = 60)
{
	char path[160];
	struct pair p;

	NEEDS_SERVER();
	open_pair(&p);
	postgres_run(p.nodes.a.conninfo, "DELETE FROM menedek_nodes");
	fixture_path(&p.nodes.a, "db/node", path);
	cr_assert_eq(mkdir(path, 0700), 0);
	cr_expect_str_eq(nodes_after_beat(&p, p.a), "1");
	cr_expect_str_eq(nodes_after_beat(&p, p.a), "1");
	cr_assert_eq(rmdir(path), 0);
	close_pair(&p);
}

/* What it began by its own clock meanwhile would be over as soon as the third is back. */
Test(pg_clock, who_is_behind_stays_with_most_nodes_time_while_one_of_three_is_started_again, .timeout = 60)
{
	static const int others[] = { FAR, FAR };
	struct pair p;

	NEEDS_SERVER();
	open_pair(&p);
	hear_beats(&p, others, 2);
	expect_times(&p, FAR, 0);
	hear_beats(&p, others, 1);
	expect_times(&p, FAR, 0);
	hear_beats(&p, others, 2);
	cr_expect_eq(p.a->alone_at, 0, "it is back");
	/* and now it does not come back for ten minutes: of two nobody knows who is right */
	hear_beats(&p, others, 1);
	p.a->alone_at -= 600000;
	hear_beats(&p, others, 1);
	expect_times(&p, 0, 0);
	hear_beats(&p, others, 1);
	expect_times(&p, 0, 0);
	close_pair(&p);
}

/* Who asks what became of a commit writes, too, but does not say what the time is. */
Test(pg_clock, a_fence_makes_no_clock_look_late, .timeout = 60)
{
	static const char age[] =
	    "UPDATE menedek_nodes SET at = at - interval '100 seconds', clock = clock - 100";
	static const char ahead[] = "SELECT clock - extract(epoch FROM at)::bigint FROM menedek_nodes";
	const int64_t until = clock_mono_ms() + 5000;
	struct pair p;
	PGresult *res;

	NEEDS_SERVER();
	open_pair(&p);
	hear_beats(&p, NULL, 0);
	postgres_run(p.nodes.a.conninfo, age);
	for (unsigned i = 0; i < 2; i++) {
		const struct pg_param params[] = {
			{ .p = "a batch's own id", .len = ID_BYTES },
			{ .p = p.a->node, .len = sizeof(p.a->node) },
			{ .p = "\0\0\1\0\0\0\0", .len = sizeof(uint64_t) },
		};

		cr_assert(
		    pg_send(&p.a->link, PG_FENCE, params, COUNT_OF(params)) && pg_send_sync(&p.a->link));
		res = pg_answer(&p.a->link, until);
		cr_assert_eq(PQresultStatus(res), PGRES_TUPLES_OK);
		PQclear(res);
		cr_assert(pg_answer_sync(&p.a->link, until));
		cr_expect(is_near(atoi(postgres_run(p.nodes.a.conninfo, ahead)), 0));
	}
	close_pair(&p);
}

/* A store asks its engine, or where nobody else is its own clock. */
Test(pg_clock, a_store_goes_by_its_engines_time, .timeout = 60)
{
	static const struct engine_ops *const engines[] = { &engine_memory, &engine_lmdb,
		&engine_postgresql };

	NEEDS_SERVER();
	for (size_t i = 0; i < COUNT_OF(engines); i++) {
		struct fixture x;

		fixture_open(&x, engines[i]);
		cr_expect(is_near(store_now(x.store), clock_now()), "engine %zu", i);
		cr_expect(is_near(store_sure_now(x.store), clock_now()), "engine %zu", i);
		cr_expect(is_near(store_common_now(x.store), clock_now()), "engine %zu", i);
		fixture_close(&x);
	}
}

static int64_t told_now, told_sure, told_common;

static void
tell_times(const struct engine *e UNUSED, struct engine_standing *out)
{
	*out = (struct engine_standing){ .now = told_now, .sure = told_sure, .common = told_common };
}

Test(pg_clock, now_and_sure_and_common_are_not_the_same)
{
	struct engine_ops ops = engine_memory;
	struct fixture x;

	ops.standing = tell_times;
	told_now = 200;
	told_sure = 100;
	told_common = 150;
	fixture_open(&x, &ops);
	cr_expect_eq(store_now(x.store), 200);
	cr_expect_eq(store_sure_now(x.store), 100);
	cr_expect_eq(store_common_now(x.store), 150);
	fixture_close(&x);
}

/* ---- how long a node has been without a word ---- */

/* What it was asked before, it would judge by a clock that may be hours ahead. */
Test(pg_clock, who_has_not_heard_what_the_time_is_answers_nothing, .timeout = 60)
{
	struct snapshot *s;
	struct pair p;

	NEEDS_SERVER();
	open_pair(&p);
	p.a->beat_at = INT64_MAX; /* the look comes, the beat does not */
	engine_postgresql.follow(p.a);
	cr_expect_eq(engine_postgresql.snapshot(p.a, &s), RC_UNAVAILABLE);
	p.a->beat_at = 0;
	engine_postgresql.follow(p.a);
	cr_assert_eq(engine_postgresql.snapshot(p.a, &s), RC_OK);
	engine_postgresql.release(s);
	close_pair(&p);
}

Test(pg_clock, a_copy_that_is_too_old_or_is_being_compared_answers_nothing, .timeout = 60)
{
	struct engine_standing standing;
	struct snapshot *s;
	struct pair p;

	NEEDS_SERVER();
	open_pair(&p);
	mishap_in(LATE, 1);
	engine_postgresql.standing(p.a, &standing);
	cr_expect_eq(standing.silent_ms, 0, "it does not follow yet");
	engine_postgresql.follow(p.a);
	cr_assert_eq(engine_postgresql.snapshot(p.a, &s), RC_OK);
	engine_postgresql.release(s);
	/* a minute later */
	mishap_in(LATE, 1);
	cr_expect_eq(engine_postgresql.snapshot(p.a, &s), RC_UNAVAILABLE);
	cr_expect_null(s);
	cr_expect(mishap_over());
	engine_postgresql.standing(p.a, &standing);
	cr_expect_geq(standing.silent_ms, 60000);
	p.a->retry_at = 0;
	engine_postgresql.follow(p.a);
	engine_postgresql.standing(p.a, &standing);
	cr_expect_lt(standing.silent_ms, 60000);
	cr_assert_eq(engine_postgresql.snapshot(p.a, &s), RC_OK);
	engine_postgresql.release(s);
	/* half compared it is of two times */
	p.a->snapshot[0] = '\0';
	p.a->beat_at = INT64_MAX;
	mishap_in(CUT, 2);
	engine_postgresql.follow(p.a);
	cr_expect(mishap_over());
	cr_expect_eq(engine_postgresql.snapshot(p.a, &s), RC_UNAVAILABLE);
	p.a->retry_at = 0;
	engine_postgresql.follow(p.a);
	cr_assert_eq(engine_postgresql.snapshot(p.a, &s), RC_OK);
	engine_postgresql.release(s);
	close_pair(&p);
}
