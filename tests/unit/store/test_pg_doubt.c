/* SPDX-License-Identifier: Apache-2.0 */
/* What a node asks a server for before it goes on there: the last batch that was acknowledged here, without
 * which it is refused, and the last change that was read, without which the copy is doubted. */
#include "mishap.h"

#include "pair.h"
#include "store/database.h"
#include "store/pg_parts.h"

struct heard {
	unsigned count;
};

static void
hear(void *arg, const struct change *changes UNUSED, size_t count)
{
	((struct heard *)arg)->count += (unsigned)count;
}

static bool
value_is(struct engine *e, const char *name, const char *wanted)
{
	const struct key key = key_of(name);
	struct snapshot *s;
	struct bytes value;
	uint64_t rev;
	bool is_so;

	cr_assert_eq(engine_postgresql.snapshot(e, &s), RC_OK);
	is_so =
	    engine_postgresql.get(s, &key, &value, &rev) == RC_OK && bytes_equal(value, bytes_str(wanted));
	engine_postgresql.release(s);
	return is_so;
}

static void
forget_last(struct pair *p, const struct engine *e)
{
	char sql[160];

	snprintf(sql, sizeof(sql), "DELETE FROM menedek_changes WHERE id = '\\x%.32s'", e->link.last);
	postgres_run(p->nodes.a.conninfo, sql);
}

static enum rc
connect_anew(struct engine *e, char word[64])
{
	struct fault f = { 0 };
	enum rc rc;

	pg_link_drop(&e->link);
	rc = pg_ready(e, &f);
	snprintf(word, 64, "%s", f.count > 0 ? f.item[0].word : "");
	return rc;
}

Test(pg_doubt, what_was_acknowledged_in_another_registry_is_not_asked_for, .timeout = 60)
{
	char word[64];
	struct pair p;

	NEEDS_SERVER();
	open_pair(&p);
	engine_postgresql.close(p.a);
	set_bookmark(&p.nodes.a, "another 1 999999:999999: 1 00112233445566778899aabbccddeeff:999999999");
	cr_assert_eq(open_engine(&p.nodes.a, &p.a), RC_OK);
	cr_expect_eq(connect_anew(p.a, word), RC_OK, "refused: %s", word);
	close_pair(&p);
}

Test(pg_doubt, no_answer_to_what_was_acknowledged_last_is_no_loss, .timeout = 60)
{
	char word[64];
	struct pair p;

	NEEDS_SERVER();
	open_pair(&p);
	cr_assert_eq(write_one(p.a, "acknowledged", "and there"), RC_OK);
	postgres_run(p.nodes.a.conninfo, "ALTER TABLE menedek_changes RENAME TO hidden");
	cr_expect_eq(connect_anew(p.a, word), RC_UNAVAILABLE);
	cr_expect_str_neq(word, "changes_lost");
	postgres_run(p.nodes.a.conninfo, "ALTER TABLE hidden RENAME TO menedek_changes");
	cr_expect_eq(connect_anew(p.a, word), RC_OK, "refused: %s", word);
	close_pair(&p);
}

/* Whoever only read of it is not asked, and must not keep what nobody else has. */
Test(pg_doubt, what_the_leader_does_not_have_any_more_goes_from_the_copy_of_who_read_it, .timeout = 60)
{
	char word[64];
	struct pair p;

	NEEDS_SERVER();
	open_pair(&p);
	cr_assert_eq(write_one(p.a, "earlier", "stays"), RC_OK);
	cr_assert_eq(write_one(p.a, "lost", "with its leader"), RC_OK);
	follow_now(p.b);
	cr_assert(has_key(p.b, "lost"));
	forget_last(&p, p.a);
	postgres_run(p.nodes.a.conninfo, "DELETE FROM menedek_kv WHERE k = 'lost'");
	cr_expect_eq(connect_anew(p.b, word), RC_OK, "refused: %s", word);
	follow_now(p.b); /* lets go of it */
	follow_now(p.b);
	cr_expect(has_key(p.b, "earlier"));
	cr_expect_not(has_key(p.b, "lost"));
	close_pair(&p);
}

/* Another server of the same timeline, which gave out the same numbers for something else: the database after
 * what node b was told of, changed beneath it. */
static void
be_the_other_server(struct pair *p)
{
	char sql[512];

	cr_assert_eq(write_one(p->a, "untouched", "the same at both"), RC_OK);
	cr_assert_eq(write_one(p->a, "number", "of the first server"), RC_OK);
	follow_now(p->b);
	cr_assert(value_is(p->b, "number", "of the first server"));
	snprintf(sql, sizeof(sql),
	    "UPDATE menedek_changes SET id = '\\x00112233445566778899aabbccddeeff' WHERE id = '\\x%.32s';"
	    "UPDATE menedek_kv SET v = 'of the second' WHERE k = 'number'",
	    p->a->link.last);
	postgres_run(p->nodes.a.conninfo, sql);
}

Test(pg_doubt, a_number_that_two_servers_gave_out_says_nothing_to_who_read_at_both, .timeout = 60)
{
	struct heard heard = { .count = 0 };
	char word[64];
	struct pair p;

	NEEDS_SERVER();
	open_pair(&p);
	be_the_other_server(&p);
	engine_postgresql.listen(p.b, hear, &heard);
	cr_expect_eq(connect_anew(p.b, word), RC_OK, "refused: %s", word);
	cr_expect(value_is(p.b, "number", "of the second"));
	cr_expect(value_is(p.b, "untouched", "the same at both"));
	cr_expect_eq(heard.count, 1, "told of %u changes, where one value differs", heard.count);
	/* what was judged by the other's value is committed by nobody */
	cr_expect(engine_postgresql.is_broken(p.b));
	cr_expect_eq(write_one(p.b, "judged", "before"), RC_UNAVAILABLE);
	engine_postgresql.close(p.b);
	cr_assert_eq(open_engine(&p.nodes.b, &p.b), RC_OK);
	cr_expect(value_is(p.b, "number", "of the second"));
	cr_expect_eq(write_one(p.b, "judged", "after"), RC_OK);
	close_pair(&p);
}

/* Wherever the line is cut while it compares, and even if the process ends with it. */
Test(pg_doubt, who_is_in_doubt_stays_so_until_all_is_compared, .timeout = 120)
{
	bool is_whole = false;
	struct pair p;

	NEEDS_SERVER();
	open_pair(&p);
	be_the_other_server(&p);
	pg_link_drop(&p.b->link);
	for (unsigned n = 1; !is_whole; n++) {
		mishap_in(CUT, n);
		is_whole = pg_ready(p.b, NULL) == RC_OK;
		(void)mishap_over();
		if (!is_whole && p.b->link.conn == NULL && strcmp(p.b->link.seen, PG_DOUBTED) == 0) {
			struct engine left = { .mirror = p.b->mirror };

			cr_assert_eq(pg_bookmark_read(&left), RC_OK);
			cr_expect(left.snapshot[0] != '\0' || strcmp(left.link.seen, PG_DOUBTED) == 0,
			    "cut at call %u: the doubt is forgotten", n);
		}
	}
	cr_expect(value_is(p.b, "number", "of the second"));
	engine_postgresql.close(p.b);
	cr_assert_eq(open_engine(&p.nodes.b, &p.b), RC_OK);
	cr_expect(value_is(p.b, "number", "of the second"));
	close_pair(&p);
}

/* Between two servers that were both promoted: what came of one before the line was cut is not the other's.
 */
Test(pg_doubt, what_a_comparison_took_before_it_was_broken_off_is_asked_for, .timeout = 120)
{
	static const char to_second[] = "UPDATE menedek_changes SET id = '\\x%032x' WHERE id = '\\x%.32s';"
					"UPDATE menedek_kv SET v = 'of the second' WHERE k = '%s'",
			  to_first[] = "UPDATE menedek_changes SET id = '\\x%.32s' WHERE id = '\\x%032x';"
				       "UPDATE menedek_kv SET v = 'of the first' WHERE k = '%s'";
	char sql[512], name[16];
	bool is_whole = false;
	struct pair p;

	NEEDS_SERVER();
	open_pair(&p);
	for (unsigned n = 1; !is_whole; n++) {
		snprintf(name, sizeof(name), "k%u", n);
		cr_assert_eq(write_one(p.a, name, "of the first"), RC_OK);
		snprintf(sql, sizeof(sql), to_second, n, p.a->link.last, name);
		postgres_run(p.nodes.a.conninfo, sql);
		pg_link_drop(&p.b->link);
		p.b->snapshot[0] = '\0';
		mishap_in(CUT, n);
		is_whole = pg_ready(p.b, NULL) == RC_OK;
		(void)mishap_over();
		snprintf(sql, sizeof(sql), to_first, p.a->link.last, n, name);
		postgres_run(p.nodes.a.conninfo, sql);
		pg_link_drop(&p.b->link);
		cr_assert_eq(pg_ready(p.b, NULL), RC_OK);
		cr_expect(value_is(p.b, name, "of the first"), "cut at call %u", n);
	}
	close_pair(&p);
}

/* A transaction that somebody else has under way. */
static PGconn *
begin_change(const struct pair *p)
{
	PGconn *conn = PQconnectdb(p->nodes.a.conninfo);

	PQclear(PQexec(conn, "BEGIN; SELECT pg_current_xact_id()"));
	return conn;
}

static void
end_change(PGconn *conn, const char *id, const char *name)
{
	char sql[512];
	PGresult *res;

	snprintf(sql, sizeof(sql),
	    "INSERT INTO menedek_changes (xid, id, keys) SELECT pg_current_xact_id()::text::bigint, '\\x%s',"
	    " ARRAY['%s'::bytea];"
	    "INSERT INTO menedek_kv (k, ver, v) SELECT '%s', pg_current_xact_id()::text::bigint, 'late';"
	    "COMMIT",
	    id, name, name);
	res = PQexec(conn, sql);
	cr_assert_eq(PQresultStatus(res), PGRES_COMMAND_OK, "%s", PQerrorMessage(conn));
	PQclear(res);
	PQfinish(conn);
}

/* Numbers are given when a transaction begins. */
Test(pg_doubt, what_was_committed_last_is_asked_for_whatever_its_number, .timeout = 60)
{
	PGconn *earlier, *later;
	char word[64];
	struct pair p;

	NEEDS_SERVER();
	open_pair(&p);
	earlier = begin_change(&p);
	later = begin_change(&p);
	end_change(later, "00000000000000000000000000000002", "k2");
	follow_now(p.b);
	end_change(earlier, "00000000000000000000000000000001", "k1");
	follow_now(p.b);
	cr_assert(has_key(p.b, "k1") && has_key(p.b, "k2"));
	/* a server that was promoted in between */
	postgres_run(p.nodes.a.conninfo,
	    "DELETE FROM menedek_changes WHERE id = '\\x00000000000000000000000000000001';"
	    "DELETE FROM menedek_kv WHERE k = 'k1'");
	cr_expect_eq(connect_anew(p.b, word), RC_OK, "refused: %s", word);
	cr_expect_not(has_key(p.b, "k1"));
	cr_expect(has_key(p.b, "k2"));
	close_pair(&p);
}

Test(pg_doubt, a_server_that_cannot_be_used_casts_no_doubt, .timeout = 60)
{
	char word[64], seen[PG_LAST];
	struct pair p;

	NEEDS_SERVER();
	open_pair(&p);
	be_the_other_server(&p);
	memcpy(seen, p.b->link.seen, sizeof(seen));
	postgres_run(p.nodes.a.conninfo, "ALTER TABLE menedek_nodes RENAME COLUMN at TO hidden");
	cr_expect_eq(connect_anew(p.b, word), RC_UNAVAILABLE);
	cr_expect_str_eq(p.b->link.seen, seen);
	postgres_run(p.nodes.a.conninfo, "ALTER TABLE menedek_nodes RENAME COLUMN hidden TO at");
	close_pair(&p);
}

Test(pg_doubt, what_another_registry_calls_by_the_same_number_is_not_taken_for_ours, .timeout = 60)
{
	struct pair p;

	NEEDS_SERVER();
	open_pair(&p);
	be_the_other_server(&p);
	engine_postgresql.close(p.b);
	postgres_run(p.nodes.a.conninfo, "UPDATE menedek_meta SET value = 'another' WHERE name = 'registry'");
	cr_assert_eq(open_engine(&p.nodes.b, &p.b), RC_OK);
	cr_expect(value_is(p.b, "number", "of the second"));
	close_pair(&p);
}

Test(pg_doubt, a_leader_without_what_was_acknowledged_last_is_refused, .timeout = 120)
{
	struct database_look look;
	struct fault f = { 0 };
	char path[160], word[64];
	struct pair p;

	NEEDS_SERVER();
	open_pair(&p);
	cr_assert_eq(write_one(p.b, "earlier", "of the other node"), RC_OK);
	cr_assert_eq(write_one(p.a, "acknowledged", "lost with its leader"), RC_OK);
	cr_assert_eq(connect_anew(p.a, word), RC_OK, "it is there: %s", word);
	forget_last(&p, p.a);
	cr_expect_eq(connect_anew(p.a, word), RC_UNAVAILABLE);
	cr_expect_str_eq(word, "changes_lost");
	cr_expect_eq(connect_anew(p.b, word), RC_OK, "the other node acknowledged none of it: %s", word);
	/* nor does it after a restart */
	fixture_path(&p.nodes.a, "db", path);
	engine_postgresql.close(p.a);
	cr_assert_eq(engine_postgresql.open(path, MAP_MIB, &p.a, &f), RC_UNAVAILABLE);
	cr_expect_str_eq(f.item[0].word, "changes_lost");
	/* who asks people to accept it must see that it is refused */
	cr_assert_eq(database_look_at(path, &look, &f), RC_OK);
	cr_expect(database_is_refused(&look), "there would be nothing to accept");
	/* what was thrown away with its hour was there */
	postgres_run(
	    p.nodes.a.conninfo, "UPDATE menedek_meta SET value = '999999999999' WHERE name = 'pruned'");
	cr_assert_eq(open_engine(&p.nodes.a, &p.a), RC_OK);
	close_pair(&p);
}
