/* SPDX-License-Identifier: Apache-2.0 */
/* What the server says of a statement, by its SQLSTATE: lost a race, refused, or nobody knows; and warnings,
 * after which nothing that it says is a promise. */
#include "base/clock.h"
#include "pair.h"
#include "store/pg_parts.h"

/* A trigger of ${table} that raises ${what} the first ${times} that it is asked. */
static void
raise_at(struct pair *p, const char *table, unsigned times, const char *what)
{
	char sql[512];

	(void)snprintf(sql, sizeof(sql),
	    "CREATE SEQUENCE IF NOT EXISTS asked; SELECT setval('asked', 1, false);"
	    "CREATE OR REPLACE FUNCTION say() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
	    "IF nextval('asked') <= %u THEN RAISE %s; END IF; RETURN new; END $$;"
	    "CREATE OR REPLACE TRIGGER say BEFORE INSERT ON %s FOR EACH ROW EXECUTE FUNCTION say()",
	    times, what, table);
	postgres_run(p->nodes.a.conninfo, sql);
}

static unsigned
number_at(struct pair *p, const char *sql)
{
	return (unsigned)atoi(postgres_run(p->nodes.a.conninfo, sql));
}

#define TIMES_ASKED   "SELECT last_value FROM asked"
#define BATCHES_THERE "SELECT count(*) FROM menedek_changes"
#define FENCES        "SELECT count(*) FROM menedek_nodes" /* each leaves its node's mark */

/* ---- errors ---- */

static const struct state_row {
	const char *state;
	unsigned times, asked; /* to fail, and how often it is tried */
	enum rc rc;
	unsigned fences;
} states[] = {
	{ "40001", 3, 4, RC_OK, 0 },          /* not serializable */
	{ "40P01", 3, 4, RC_OK, 0 },          /* deadlock */
	{ "23505", 3, 4, RC_OK, 0 },          /* a key that is there already */
	{ "57014", 1, 2, RC_OK, 1 },          /* cancelled: what became of it is asked for */
	{ "08006", 1, 2, RC_OK, 1 },          /* a connection that failed */
	{ "53100", 1, 1, RC_UNAVAILABLE, 0 }, /* a full disk */
};

Test(pg_states, by_its_state_a_commit_is_tried_again_asked_for_or_refused, .timeout = 120)
{
	struct pair p;
	char what[80], name[16];

	NEEDS_SERVER();
	open_pair(&p);
	for (size_t i = 0; i < COUNT_OF(states); i++) {
		const struct state_row *r = &states[i];

		(void)snprintf(name, sizeof(name), "k%zu", i);
		(void)snprintf(what, sizeof(what), "EXCEPTION 'no' USING ERRCODE = '%s'", r->state);
		raise_at(&p, "menedek_kv", r->times, what);
		postgres_run(p.nodes.a.conninfo, "DELETE FROM menedek_nodes");
		cr_expect_eq(write_one(p.a, name, "value"), r->rc, "%s", r->state);
		cr_expect_eq(number_at(&p, TIMES_ASKED), r->asked, "%s", r->state);
		cr_expect_eq(number_at(&p, FENCES), r->fences, "%s", r->state);
		cr_expect_eq(has_key(p.a, name), r->rc == RC_OK, "%s", r->state);
		engine_postgresql.follow(p.b);
		cr_expect_eq(has_key(p.b, name), r->rc == RC_OK, "%s", r->state);
	}
	cr_expect_eq(write_one(p.a, "k5", "the next try"), RC_OK);
	close_pair(&p);
}

/* ---- warnings ---- */

static const struct warning_row {
	const char *what, *table;
	unsigned times, fences;
} warnings[] = {
	{ "INFO 'a word by the way'", "menedek_kv", 1, 0 },
	{ "WARNING 'canceling wait for synchronous replication'", "menedek_kv", 1, 1 },
	/* the batch's own row, then the fence's: it is asked for until a server has nothing to add */
	{ "WARNING 'canceling wait for synchronous replication'", "menedek_changes", 2, 1 },
};

Test(pg_states, after_a_warning_a_commit_is_believed_only_when_it_was_asked_for, .timeout = 120)
{
	struct pair p;
	char name[16], drop[64];

	NEEDS_SERVER();
	open_pair(&p);
	for (size_t i = 0; i < COUNT_OF(warnings); i++) {
		const unsigned before = number_at(&p, BATCHES_THERE);

		(void)snprintf(name, sizeof(name), "k%zu", i);
		raise_at(&p, warnings[i].table, warnings[i].times, warnings[i].what);
		postgres_run(p.nodes.a.conninfo, "DELETE FROM menedek_nodes");
		cr_expect_eq(write_one(p.a, name, "value"), RC_OK, "row %zu", i);
		cr_expect_eq(number_at(&p, FENCES), warnings[i].fences, "row %zu", i);
		cr_expect_eq(number_at(&p, BATCHES_THERE), before + 1, "row %zu: it happened once", i);
		cr_expect(has_key(p.a, name));
		(void)snprintf(drop, sizeof(drop), "DROP TRIGGER say ON %s", warnings[i].table);
		postgres_run(p.nodes.a.conninfo, drop);
	}
	close_pair(&p);
}

/* The batch failed, nobody knows how; the fence came to be on one server only, and is asked for again.  (The
 * trigger lets the batch's statement reach menedek_kv once and fail there as a lost connection would.) */
Test(pg_states, a_fence_that_is_met_again_is_not_taken_for_the_batch, .timeout = 120)
{
	struct pair p;

	NEEDS_SERVER();
	open_pair(&p);
	raise_at(&p, "menedek_kv", 1, "EXCEPTION 'no' USING ERRCODE = '08006'");
	postgres_run(p.nodes.a.conninfo,
	    "CREATE SEQUENCE fences; CREATE FUNCTION doubt() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
	    "IF NEW.keys = '{}' AND nextval('fences') = 1 THEN RAISE WARNING 'canceling wait'; END IF; "
	    "RETURN new; END $$;"
	    "CREATE TRIGGER doubt BEFORE INSERT ON menedek_changes FOR EACH ROW EXECUTE FUNCTION doubt()");
	cr_expect_eq(write_one(p.a, "ka", "value"), RC_OK);
	cr_expect(has_key(p.a, "ka"), "acknowledged, and not there");
	cr_expect_eq(number_at(&p, "SELECT count(*) FROM menedek_kv WHERE k = convert_to('ka', 'UTF8')"), 1);
	close_pair(&p);
}

Test(pg_states, a_beat_with_a_warning_proves_no_primary, .timeout = 60)
{
	struct pair p;

	NEEDS_SERVER();
	open_pair(&p);
	engine_postgresql.follow(p.a);
	raise_at(&p, "menedek_nodes", 1, "WARNING 'canceling wait for synchronous replication'");
	postgres_run(p.nodes.a.conninfo, "DELETE FROM menedek_nodes");
	atomic_store(&p.a->confirmed, 5);
	p.a->beat_at = 0;
	engine_postgresql.follow(p.a);
	cr_expect_null(p.a->link.conn);
	cr_expect_eq(atomic_load(&p.a->confirmed), 5);
	p.a->beat_at = 0;
	engine_postgresql.follow(p.a);
	cr_expect_not_null(p.a->link.conn);
	cr_expect_gt(atomic_load(&p.a->confirmed), 5);
	close_pair(&p);
}

/* libpq itself has a word to say now and then, without a state: no server spoke. */
Test(pg_states, what_libpq_remarks_itself_is_no_warning_of_the_server, .timeout = 60)
{
	struct pair p;
	PGresult *res;

	NEEDS_SERVER();
	open_pair(&p);
	cr_assert(pg_send_text(&p.a->link, "SELECT 1::bigint") && pg_send_sync(&p.a->link));
	res = pg_answer(&p.a->link, clock_mono_ms() + 60000);
	cr_assert_eq(PQresultStatus(res), PGRES_TUPLES_OK);
	cr_assert(pg_answer_sync(&p.a->link, clock_mono_ms() + 60000));
	cr_expect_null(PQgetvalue(res, 9, 0)); /* "row number 9 is out of range" */
	cr_expect_not(p.a->link.is_unsure);
	PQclear(res);
	cr_expect_eq(write_one(p.a, "ka", "value"), RC_OK);
	close_pair(&p);
}

/* A server's file that is read again changes sessions that last, but for what these have set themselves. */
Test(pg_states, what_waits_for_the_disk_goes_on_to_while_the_session_lasts, .timeout = 60)
{
	static const char own[] =
	    "SELECT 1 FROM pg_settings WHERE name = 'synchronous_commit' AND source = 'session'";
	const int64_t until = clock_mono_ms() + 5000;
	struct pair p;
	PGresult *res;

	NEEDS_SERVER();
	open_pair(&p);
	cr_assert(pg_send_text(&p.a->link, own) && pg_send_sync(&p.a->link));
	res = pg_answer(&p.a->link, until);
	cr_expect_eq(PQntuples(res), 1);
	PQclear(res);
	cr_assert(pg_answer_sync(&p.a->link, until));
	close_pair(&p);
}
