/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every call that the engine makes goes wrong once, in each way it can: what was said to be committed is
 * there once, what was said not to be is not, and the node goes on as soon as it can.
 */
#include "mishap.h"

#include "base/clock.h"
#include "pair.h"
#include "store/pg_parts.h"

/* Enough of a kind to be sure that it was met: a walk that finds fewer has tested nothing. */
struct walk_row {
	enum mishap kind;
	unsigned least;
};

/* Where the database is; a node whose copy failed is started anew, one whose link is dead hears of it first.
 */
static void
recover(struct pair *p)
{
	struct snapshot *s = NULL;

	if (engine_postgresql.is_broken(p->a)) {
		engine_postgresql.close(p->a);
		cr_assert_eq(open_engine(&p->nodes.a, &p->a), RC_OK);
	}
	for (unsigned i = 0; i < 3; i++) {
		p->a->retry_at = p->a->beat_at = 0;
		engine_postgresql.follow(p->a);
		cr_assert_not(engine_postgresql.is_broken(p->a));
		if (p->a->link.conn == NULL)
			continue;
		cr_assert_eq(engine_postgresql.snapshot(p->a, &s), RC_OK);
		engine_postgresql.release(s);
		return;
	}
	cr_assert_fail("it does not come back");
}

/* ---- a commit ---- */

struct due {
	enum mishap kind, then;
	unsigned in, after;
};

static unsigned
counter_at_server(struct pair *p)
{
	return (unsigned)atoi(postgres_run(p->nodes.a.conninfo,
	    "SELECT coalesce((SELECT convert_from(v, 'UTF8') FROM menedek_kv WHERE k = 'counter'), '0')"));
}

/* One more, at node a; what it reads there is what it rests on.  The mishap is due from then on. */
static enum rc
count_one(struct pair *p, const struct due *due, unsigned *before)
{
	const struct key key = key_of("counter");
	struct read_entry read = { .key = key };
	struct write_entry write = { .key = key };
	struct commit one = { .reads = &read, .writes = &write, .read_count = 1, .write_count = 1 };
	struct snapshot *s;
	struct bytes value;
	char text[16];

	cr_assert_eq(engine_postgresql.snapshot(p->a, &s), RC_OK);
	*before = 0;
	if (engine_postgresql.get(s, &key, &value, &read.rev) == RC_OK) {
		snprintf(text, sizeof(text), "%.*s", (int)value.len, (const char *)value.p);
		*before = (unsigned)atoi(text);
	}
	engine_postgresql.release(s);
	snprintf(text, sizeof(text), "%u", *before + 1);
	write.value = bytes_str(text);
	mishap_in(due->kind, due->in);
	mishap.then = due->then;
	mishap.after = due->after;
	engine_postgresql.apply(p->a, &one);
	return one.rc;
}

/* A commit while a mishap is due, and what came of it; false: there was none any more. */
static bool
count_through(struct pair *p, const struct due *due)
{
	unsigned before, now;
	enum rc rc;
	bool came;

	recover(p);
	cr_assert_eq(write_one(p->b, "other", "something for the look to find"), RC_OK);
	recover(p);
	p->a->turns_until =
	    clock_mono_ms() + 30000; /* whatever the machine does meanwhile, but not if it is LATE */
	rc = count_one(p, due, &before);
	came = mishap_over();
	now = counter_at_server(p);
	cr_assert(rc == RC_OK || rc == RC_UNAVAILABLE || rc == RC_UNKNOWN || rc == RC_BUSY,
	    "mishap %d at %u, then %d at %u: %d", (int)due->kind, due->in, (int)due->then, due->after,
	    (int)rc);
	cr_assert(rc == RC_UNKNOWN || now == before + (rc == RC_OK), "mishap %d at %u: rc %d, %u became %u",
	    (int)due->kind, due->in, (int)rc, before, now);
	cr_assert_leq(now, before + 1);
	cr_assert(came || rc == RC_OK, "left alone: %d", (int)rc);
	cr_assert(!engine_postgresql.is_broken(p->a) || due->kind == BAD_COPY);
	return came;
}

Test(pg_mishap, a_commit_counts_once_or_not_at_all, .timeout = 300)
{
	static const struct walk_row rows[] = { { REFUSED_CALL, 20 }, { CUT, 10 }, { GARBLED, 8 },
		{ NO_ROWS, 3 }, { SILENCE, 1 }, { LATE, 5 }, { BAD_COPY, 2 } };
	struct pair p;

	NEEDS_SERVER();
	open_pair(&p);
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct due due = { .kind = rows[i].kind, .in = 1 };

		while (count_through(&p, &due))
			due.in++;
		cr_assert_gt(due.in, rows[i].least, "mishap %d: only %u", (int)due.kind, due.in - 1);
	}
	close_pair(&p);
}

/* The answers before a commit's own are those of its turn, six, of the look then, two, and of its BEGIN. */
#define LOST_ROW 10

/* The answer to a commit that happened is lost, and then something goes wrong as it is asked for. */
Test(pg_mishap, what_became_of_a_commit_is_found_out_whatever_happens_meanwhile, .timeout = 300)
{
	static const struct walk_row rows[] = { { REFUSED_CALL, 20 }, { CUT, 10 }, { GARBLED, 20 },
		{ NO_ROWS, 2 }, { LATE, 5 } };
	struct pair p;

	NEEDS_SERVER();
	open_pair(&p);
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct due due = { .kind = GARBLED, .in = LOST_ROW, .then = rows[i].kind, .after = 1 };

		while (count_through(&p, &due))
			due.after++;
		cr_assert_gt(due.after, rows[i].least, "mishap %d: only %u", (int)due.then, due.after - 1);
	}
	close_pair(&p);
}

/* The calls before a batch goes out at which a connection may be cut: the three points of its turn and of the
 * look then, and thirteen for their answers. */
#define UNSENT_CALL 17

/* It never arrived, and the answer to what was put in its stead is lost, too: that one stands there then
 * under the batch's id, and is not the batch. */
Test(pg_mishap, what_never_arrived_is_not_found_to_have_happened_whatever_happens_meanwhile, .timeout = 300)
{
	static const struct walk_row rows[] = { { CUT, 10 }, { GARBLED, 20 }, { NO_ROWS, 2 } };
	struct pair p;

	NEEDS_SERVER();
	open_pair(&p);
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct due due = { .kind = CUT, .in = UNSENT_CALL, .then = rows[i].kind, .after = 1 };

		while (count_through(&p, &due))
			due.after++;
		cr_assert_gt(due.after, rows[i].least, "mishap %d: only %u", (int)due.then, due.after - 1);
	}
	close_pair(&p);
}

/* ---- following, and comparing ---- */

static void
follow_through(struct pair *p, const struct walk_row *row, bool must_compare)
{
	bool came = true;
	char name[24];
	unsigned n;

	for (n = 1; came; n++) {
		recover(p);
		snprintf(name, sizeof(name), "k%dat%u", (int)row->kind, n);
		cr_assert_eq(write_one(p->b, name, "value"), RC_OK);
		cr_assert_eq(write_one(p->b, "zz", n % 2 ? "last" : NULL), RC_OK);
		p->a->beat_at = p->a->prune_at = p->a->retry_at = 0;
		if (must_compare)
			p->a->snapshot[0] = '\0';
		mishap_in(row->kind, n);
		engine_postgresql.follow(p->a);
		came = mishap_over();
		recover(p);
		cr_assert(has_key(p->a, name), "mishap %d at %u", (int)row->kind, n);
		cr_assert_eq(has_key(p->a, "zz"), n % 2 == 1, "mishap %d at %u", (int)row->kind, n);
	}
	cr_assert_gt(n - 1, row->least, "mishap %d: only %u", (int)row->kind, n - 2);
}

Test(pg_mishap, no_change_is_missed_by_one_who_follows, .timeout = 300)
{
	static const struct walk_row rows[] = { { REFUSED_CALL, 10 }, { CUT, 5 }, { GARBLED, 5 },
		{ NO_ROWS, 2 }, { SILENCE, 1 }, { LATE, 3 }, { BAD_COPY, 1 } };
	struct pair p;

	NEEDS_SERVER();
	open_pair(&p);
	for (size_t i = 0; i < COUNT_OF(rows); i++)
		follow_through(&p, &rows[i], false);
	close_pair(&p);
}

Test(pg_mishap, no_difference_is_missed_by_one_who_compares, .timeout = 300)
{
	static const struct walk_row rows[] = { { REFUSED_CALL, 20 }, { CUT, 10 }, { GARBLED, 10 },
		{ LATE, 10 }, { BAD_COPY, 3 } };
	struct pair p;

	NEEDS_SERVER();
	open_pair(&p);
	for (size_t i = 0; i < COUNT_OF(rows); i++)
		follow_through(&p, &rows[i], true);
	close_pair(&p);
}

/* ---- opening ---- */

Test(pg_mishap, a_node_opens_whole_or_says_why_not, .timeout = 300)
{
	static const struct walk_row rows[] = { { REFUSED_CALL, 40 }, { CUT, 20 }, { GARBLED, 20 },
		{ NO_ROWS, 3 }, { SILENCE, 15 }, { LATE, 10 }, { BAD_COPY, 2 } };
	struct pair p;

	NEEDS_SERVER();
	open_pair(&p);
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		enum rc rc, last = RC_OK;
		bool came = true;
		unsigned n;

		for (n = 1; came; n++, last = came ? rc : last) {
			struct engine *e;

			engine_postgresql.close(p.a);
			mishap_in(rows[i].kind, n);
			rc = open_engine(&p.nodes.a, &e);
			came = mishap_over();
			cr_assert_eq(e == NULL, rc != RC_OK);
			cr_assert(came || rc == RC_OK);
			if (rc == RC_OK)
				engine_postgresql.close(e);
			cr_assert_eq(open_engine(&p.nodes.a, &p.a), RC_OK);
		}
		cr_assert_gt(n - 1, rows[i].least, "mishap %d: only %u", (int)rows[i].kind, n - 2);
		/* the last answers are those to its look: what it missed may never come as one */
		cr_assert(last == RC_OK || (rows[i].kind != GARBLED && rows[i].kind != NO_ROWS));
	}
	close_pair(&p);
}
