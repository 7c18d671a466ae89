/* SPDX-License-Identifier: Apache-2.0 */
/* A node's copy against what a database may hold and a bookmark may say: whatever it is, the copy becomes
 * what the database is, or answers nothing. */
#include "mishap.h"

#include "pair.h"
#include "store/pg_parts.h"

/* It has lost its place, and compares. */
static void
compare_now(struct engine *e)
{
	e->snapshot[0] = '\0';
	follow_now(e);
}

static bool
answers(struct engine *e)
{
	struct snapshot *s;

	if (engine_postgresql.snapshot(e, &s) != RC_OK)
		return false;
	engine_postgresql.release(s);
	return true;
}

/* ---- the bookmark of a copy that is opened ---- */

static const struct bookmark_row {
	const char *format; /* %1$s registry, %2$s snapshot, %3$s system */
	const char *word;   /* why the database is refused; NULL: it is gone on from or compared with */
} bookmarks[] = {
	{ "%1$s 1 %2$s %3$s", NULL },              /* as it was written */
	{ "%1$s 1 %2$s", NULL },                   /* by a release that did not know the system */
	{ "%1$s 0 %2$s %3$s", NULL },              /* of another timeline */
	{ "another 1 999999:999999: 1", NULL },    /* of another registry, on another system */
	{ "%1$s 1 %2$s 4711", "restored" },        /* the same, counted anew */
	{ "%1$s 9 %2$s %3$s", "stale_primary" },   /* a later timeline was seen */
	{ "%1$s 1 %2$.0s %3$s", NULL },            /* of a comparison that was broken off */
	{ "%1$s 1 %2$.0s 4711", "restored" },      /* which forgets neither of these */
	{ "%1$s 9 %2$.0s %3$s", "stale_primary" }, /* nor this */
	{ "%1$s 1 %2$s %3$s 00112233445566778899aabbccddeeff:5", "changes_lost" }, /* a batch that is gone */
	{ "%1$s 1 %2$.0s %3$s 00112233445566778899aabbccddeeff:5",
	    "changes_lost" }, /* also while comparing */
	{ "%1$s 1 %2$s %3$s 00112233445566778899aabbccddeeff:0",
	    NULL },                                                    /* it was thrown away with its hour */
	{ "%1$s 1 %2$s %3$s 00112233445566778899aabbccddeeff", NULL }, /* none: without a transaction */
	{ "%1$s 1 %2$s %3$s 00');:5", NULL },                          /* nor are these words */
	{ "%1$s 1 %2$.0s999999:999999: %3$s  00112233445566778899aabbccddeeff:999999",
	    NULL },                                                       /* of a server that had seen more */
	{ "%1$s 1 %2$s %3$s  00112233445566778899aabbccddeeff:5", NULL }, /* or other changes */
	{ "%1$s 1 %2$s %3$s  00112233445566778899aabbccddeeff:0", NULL }, /* thrown away with their hour */
	{ "%1$s 1 %2$.0s %3$s  ?", NULL },                   /* of a doubted copy's comparison, broken off */
	{ "%1$s 1 %2$s %3$s and some more", NULL },          /* too many words */
	{ "%1$s 1", NULL },                                  /* and too few */
	{ "", NULL }, { "%1$s 1 %2$s %3$s%4$05000d", NULL }, /* longer than any */
};

static void
write_bookmark(
    struct pair *p, const char *format, const char *registry, const char *snapshot, const char *system)
{
	static char text[8000];

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
#pragma GCC diagnostic ignored "-Wformat-extra-args"
	(void)snprintf(text, sizeof(text), format, registry, snapshot, system, 0);
#pragma GCC diagnostic pop
	set_bookmark(&p->nodes.a, text);
}

Test(pg_follow, whatever_a_copy_remembers_it_becomes_what_the_database_is_or_is_not_opened, .timeout = 120)
{
	char registry[PG_REGISTRY], snapshot[PG_SNAPSHOT], system[PG_SYSTEM];
	struct fault f = { 0 };
	char path[160], name[16];
	struct pair p;

	NEEDS_SERVER();
	open_pair(&p);
	fixture_path(&p.nodes.a, "db", path);
	for (size_t i = 0; i < COUNT_OF(bookmarks); i++) {
		enum rc rc;

		snprintf(registry, sizeof(registry), "%s", p.a->link.registry);
		snprintf(snapshot, sizeof(snapshot), "%s", p.a->snapshot);
		snprintf(system, sizeof(system), "%s", p.a->link.system);
		engine_postgresql.close(p.a);
		snprintf(name, sizeof(name), "k%zu", i);
		cr_assert_eq(write_one(p.b, name, "came meanwhile"), RC_OK);
		write_bookmark(&p, bookmarks[i].format, registry, snapshot, system);
		fault_clear(&f);
		rc = engine_postgresql.open(path, MAP_MIB, &p.a, &f);
		cr_expect_eq(rc, bookmarks[i].word == NULL ? RC_OK : RC_UNAVAILABLE, "row %zu", i);
		if (rc != RC_OK) {
			cr_expect_str_eq(f.item[0].word, bookmarks[i].word == NULL ? "" : bookmarks[i].word);
			set_bookmark(&p.nodes.a, "");
			cr_assert_eq(open_engine(&p.nodes.a, &p.a), RC_OK);
		}
		cr_expect(has_key(p.a, name), "row %zu", i);
	}
	close_pair(&p);
}

/* Who takes a backup of it reads the copy beside its node. */
Test(pg_follow, a_copy_that_is_being_compared_is_not_called_whole, .timeout = 60)
{
	static const struct {
		const char *bookmark;
		bool is_whole;
	} rows[] = { { "", true }, { "registry 1 5:5: 17", true }, { "registry 1 5:5:", true },
		{ "registry 1  17", false }, { "registry 1 ", false } };
	char path[160];
	struct fault f = { 0 };
	struct store *reader;
	struct pair p;

	NEEDS_SERVER();
	open_pair(&p);
	fixture_path(&p.nodes.a, "db", path);
	const struct store_options options = {
		.engine = &engine_lmdb, .path = path, .keyring = p.nodes.a.keyring, .map_mib = MAP_MIB
	};
	engine_postgresql.close(p.a);
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		set_bookmark(&p.nodes.a, rows[i].bookmark);
		cr_assert_eq(store_open_reader(&options, &reader, &f), RC_OK);
		cr_expect_eq(store_is_whole(reader), rows[i].is_whole, "row %zu", i);
		store_close(reader);
	}
	set_bookmark(&p.nodes.a, "");
	cr_assert_eq(open_engine(&p.nodes.a, &p.a), RC_OK);
	close_pair(&p);
}

/* As a process that is killed then leaves it. */
Test(pg_follow, a_comparison_that_is_broken_off_forgets_no_database, .timeout = 120)
{
	bool is_whole = false;
	char name[16];
	struct pair p;

	NEEDS_SERVER();
	open_pair(&p);
	for (unsigned n = 1; !is_whole; n++) {
		struct engine left = { .mirror = p.a->mirror };

		snprintf(name, sizeof(name), "k%u", n);
		cr_assert_eq(write_one(p.b, name, "came meanwhile"), RC_OK);
		p.a->snapshot[0] = '\0';
		mishap_in(CUT, n);
		is_whole = pg_ready(p.a, NULL) == RC_OK;
		(void)mishap_over();
		cr_assert_eq(pg_bookmark_read(&left), RC_OK);
		cr_expect_str_eq(left.link.registry, p.a->link.registry, "cut at call %u", n);
		cr_expect_str_eq(left.link.system, p.a->link.system, "cut at call %u", n);
		cr_expect_eq(left.link.highest, p.a->link.highest, "cut at call %u", n);
	}
	close_pair(&p);
}

/* A pair that no commit of ours put there, past all bookkeeping. */
static void
alter_copy(const struct fixture *x, const char *name)
{
	static char text[] = "12345678 and what somebody put there";
	const struct key key = key_of(name);
	MDB_val k = { key.len, (void *)(uintptr_t)key.b }, data = { sizeof(text), text };
	char path[160];
	MDB_env *env;
	MDB_txn *txn;
	MDB_dbi tree;

	fixture_path(x, "db", path);
	cr_assert_eq(mdb_env_create(&env), 0);
	cr_assert_eq(mdb_env_set_mapsize(env, (size_t)MAP_MIB << 20), 0);
	cr_assert_eq(mdb_env_open(env, path, 0, 0600), 0);
	cr_assert_eq(mdb_txn_begin(env, NULL, 0, &txn), 0);
	cr_assert_eq(mdb_dbi_open(txn, NULL, 0, &tree), 0);
	cr_assert_eq(mdb_put(txn, tree, &k, &data, 0), 0);
	cr_assert_eq(mdb_txn_commit(txn), 0);
	mdb_env_close(env);
}

Test(pg_follow, a_copy_that_somebody_altered_is_made_anew, .timeout = 60)
{
	struct pair p;

	NEEDS_SERVER();
	open_pair(&p);
	cr_assert_eq(write_one(p.a, "ka", "stays"), RC_OK);
	engine_postgresql.close(p.a);
	alter_copy(&p.nodes.a, "kx");
	cr_assert_eq(open_engine(&p.nodes.a, &p.a), RC_OK);
	cr_expect(has_key(p.a, "ka"));
	cr_expect_not(has_key(p.a, "kx"));
	close_pair(&p);
}

/* ---- what a look brings ---- */

/* Node a comes in anew, to a server that says nothing of its timeline while the table "mood" says so. */
static void
meet_a_silent_server(struct pair *p)
{
	const char *conninfo = p->nodes.a.conninfo;
	char path[160];
	FILE *file;

	postgres_run(conninfo,
	    "CREATE TABLE mood AS SELECT false AS is_bad;"
	    "CREATE FUNCTION pg_walfile_name(pg_lsn) RETURNS text LANGUAGE sql AS $$"
	    " SELECT CASE WHEN (SELECT is_bad FROM mood) THEN 'none' ELSE pg_catalog.pg_walfile_name($1) END "
	    "$$");
	engine_postgresql.close(p->a);
	fixture_path(&p->nodes.a, "db/postgresql", path);
	cr_assert_not_null(file = fopen(path, "w"));
	fprintf(file, "%.*s,pg_catalog'\n", (int)strlen(conninfo) - 1, conninfo);
	fclose(file);
	cr_assert_eq(open_engine(&p->nodes.a, &p->a), RC_OK);
}

/* Its changes may be of another history: the copy is compared each time. */
Test(pg_follow, a_server_that_names_no_timeline_is_compared_with, .timeout = 60)
{
	static const char *const names[] = { "ka", "kb", "kc" };
	struct pair p;

	NEEDS_SERVER();
	open_pair(&p);
	meet_a_silent_server(&p);
	for (size_t i = 0; i < COUNT_OF(names); i++) {
		postgres_run(p.nodes.a.conninfo,
		    i < 2 ? "UPDATE mood SET is_bad = true" : "UPDATE mood SET is_bad = false");
		cr_assert_eq(write_one(p.b, names[i], "came"), RC_OK);
		follow_now(p.a);
		cr_expect(has_key(p.a, names[i]), "%s", names[i]);
		cr_expect_eq(p.a->timeline, i < 2 ? 0 : 1);
	}
	close_pair(&p);
}

/* Rows of changes that name what cannot be a key: they are not gone on from, the copy is compared. */
Test(pg_follow, a_change_of_what_is_no_key_loses_no_other, .timeout = 60)
{
	static const char *const keys[] = { "''::bytea", "repeat('k', 97)::bytea" };
	struct pair p;
	char sql[256], name[8];

	NEEDS_SERVER();
	open_pair(&p);
	for (size_t i = 0; i < COUNT_OF(keys); i++) {
		snprintf(name, sizeof(name), "k%zu", i);
		cr_assert_eq(write_one(p.b, name, "came"), RC_OK);
		snprintf(sql, sizeof(sql),
		    "INSERT INTO menedek_changes (xid, id, keys) VALUES (pg_current_xact_id()::text::bigint, "
		    "'x%zu', ARRAY[%s])",
		    i, keys[i]);
		postgres_run(p.nodes.a.conninfo, sql);
		follow_now(p.a);
		cr_expect_str_eq(p.a->snapshot, "", "it took half a look: %zu", i);
		follow_now(p.a);
		cr_expect(has_key(p.a, name), "key %zu", i);
		cr_expect_not(engine_postgresql.is_broken(p.a));
	}
	close_pair(&p);
}

/* After a crash the server gives out again the numbers that its disk does not know: the next change has one
 * that this node saw come to nothing. */
Test(pg_follow, a_number_that_came_to_nothing_may_be_anothers_after_a_crash, .timeout = 60)
{
	char sql[160], number[32];
	struct pair p;

	NEEDS_SERVER();
	open_pair(&p);
	for (unsigned round = 0; round < 2; round++) {
		const char *const name = round == 0 ? "ka" : "kb";

		cr_assert_eq(write_one(p.b, "kz", "on the disk"), RC_OK);
		snprintf(number, sizeof(number), "%s",
		    postgres_run(p.nodes.a.conninfo, "SELECT pg_current_xact_id()"));
		if (round == 0)
			follow_now(p.a);
		else
			compare_now(p.a);
		cr_assert_eq(write_one(p.b, name, "under the same number"), RC_OK);
		snprintf(sql, sizeof(sql),
		    "UPDATE menedek_changes SET xid = %s WHERE xid = (SELECT max(xid) FROM menedek_changes)",
		    number);
		postgres_run(p.nodes.a.conninfo, sql);
		follow_now(p.a);
		cr_expect(has_key(p.a, name), "it followed, or compared: %u", round);
	}
	close_pair(&p);
}

static void
count_changes(void *arg, const struct change *changes UNUSED, size_t count)
{
	*(unsigned *)arg += (unsigned)count;
}

/* Another batch names the same key without changing it: the node that wrote it has told of it already. */
Test(pg_follow, what_a_node_wrote_itself_is_told_once, .timeout = 60)
{
	unsigned told = 0;
	struct pair p;

	NEEDS_SERVER();
	open_pair(&p);
	postgres_run(p.nodes.a.conninfo,
	    "CREATE FUNCTION again() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
	    "IF pg_trigger_depth() < 2 THEN INSERT INTO menedek_changes (xid, id, keys) "
	    "VALUES (new.xid, new.id || 'x'::bytea, new.keys); END IF; RETURN new; END $$;"
	    "CREATE TRIGGER again BEFORE INSERT ON menedek_changes FOR EACH ROW EXECUTE FUNCTION again()");
	engine_postgresql.listen(p.a, count_changes, &told);
	cr_assert_eq(write_one(p.a, "ka", "value"), RC_OK);
	cr_expect_eq(told, 1);
	cr_assert_eq(write_one(p.a, "ka", NULL), RC_OK);
	cr_expect_eq(told, 2);
	cr_expect_not(has_key(p.a, "ka"));
	close_pair(&p);
}

/* ---- what all nodes must hold ---- */

struct carried {
	enum rc taking, giving;
	unsigned taken;
};

static enum rc
take(void *arg, struct bytes shared UNUSED)
{
	struct carried *c = arg;

	c->taken++;
	return c->taking;
}

static enum rc
give(void *arg, struct bytes *out)
{
	const struct carried *c = arg;

	*out = bytes_str("what all must hold");
	return c->giving;
}

static void
given(void *arg)
{
	struct carried *c = arg;

	c->giving = RC_NOT_FOUND;
}

static void
carry(struct engine *e, struct carried *c)
{
	const struct engine_carrier carrier = { .take = take, .give = give, .given = given, .arg = c };

	cr_assert_eq(engine_postgresql.carry(e, &carrier), RC_OK);
	c->taken = 0;
}

/* What came with a key that cannot be taken would be unreadable: the node stops before it. */
Test(pg_follow, what_comes_with_a_key_that_is_not_taken_is_not_read, .timeout = 60)
{
	const uint8_t leaf[LOG_LEAF] = { 1 };
	struct carried a = { .taking = RC_OK, .giving = RC_NOT_FOUND },
		       b = { .taking = RC_OK, .giving = RC_OK };
	struct write_entry write = { .key = key_of("ka"), .value = bytes_str("value") };
	struct append_entry append = { .log = LOG_EVENT, .value = bytes_str("leaf, then entry") };
	struct commit one = { .writes = &write, .write_count = 1, .appends = &append, .append_count = 1 };
	struct pair p;

	NEEDS_SERVER();
	memcpy(append.leaf, leaf, sizeof(leaf));
	open_pair(&p);
	carry(p.a, &a);
	carry(p.b, &b);
	cr_assert_eq(write_one(p.b, "kgone", "to be deleted"), RC_OK);
	follow_now(p.a);
	cr_expect_eq(a.taken, 1);
	cr_assert_eq(write_one(p.b, "kgone", NULL), RC_OK);
	follow_now(p.a);
	cr_expect_eq(a.taken, 1, "a deletion is nothing to take");
	cr_expect_not(has_key(p.a, "kgone"));
	b.giving = RC_OK;
	a.taking = RC_CORRUPT;
	engine_postgresql.apply(p.b, &one);
	cr_assert_eq(one.rc, RC_OK);
	follow_now(p.a);
	cr_expect_eq(a.taken, 2);
	cr_expect(engine_postgresql.is_broken(p.a));
	cr_expect(!answers(p.a) || !has_key(p.a, "ka"));
	engine_postgresql.close(p.a);
	cr_assert_eq(open_engine(&p.nodes.a, &p.a), RC_OK, "and is whole once it was started anew");
	cr_expect(has_key(p.a, "ka"));
	close_pair(&p);
}

/* ---- comparing ---- */

/* One key is the beginning of another, in the copy and in the database. */
Test(pg_follow, keys_that_begin_alike_are_told_apart, .timeout = 60)
{
	static const char *const before[] = { "kaa", "kb", "kcc", "kd" },
				 *const after[] = { "ka", "kbb", "kcc", "kc" };
	struct pair p;

	NEEDS_SERVER();
	open_pair(&p);
	for (size_t i = 0; i < COUNT_OF(before); i++)
		cr_assert_eq(write_one(p.b, before[i], "value"), RC_OK);
	follow_now(p.a);
	for (size_t i = 0; i < COUNT_OF(before); i++)
		cr_assert_eq(write_one(p.b, before[i], NULL), RC_OK);
	for (size_t i = 0; i < COUNT_OF(after); i++)
		cr_assert_eq(write_one(p.b, after[i], "value"), RC_OK);
	compare_now(p.a);
	for (size_t i = 0; i < COUNT_OF(before); i++)
		cr_expect_eq(has_key(p.a, before[i]), strcmp(before[i], "kcc") == 0, "%s", before[i]);
	for (size_t i = 0; i < COUNT_OF(after); i++)
		cr_expect(has_key(p.a, after[i]), "%s", after[i]);
	close_pair(&p);
}

/* More than room is made for at once is gone, and nothing else. */
Test(pg_follow, of_many_that_are_gone_none_stays, .timeout = 60)
{
	enum { MANY = 600 };
	struct pair p;
	unsigned seen = 0;
	struct key prefix = key_kind('m');
	struct snapshot *s;

	NEEDS_SERVER();
	open_pair(&p);
	cr_assert_eq(write_one(p.b, "ka", "stays"), RC_OK);
	postgres_run(p.nodes.a.conninfo,
	    "INSERT INTO menedek_kv SELECT ('m' || i)::bytea, 1, 'v' FROM generate_series(1000, 1599) AS i");
	compare_now(p.a);
	cr_assert_eq(engine_postgresql.snapshot(p.a, &s), RC_OK);
	cr_assert_eq(engine_postgresql.scan(s, &prefix, 1, count_row, &seen), RC_OK);
	engine_postgresql.release(s);
	cr_expect_eq(seen, MANY);
	postgres_run(p.nodes.a.conninfo, "DELETE FROM menedek_kv WHERE k >= 'm1000' AND k < 'm1599'");
	compare_now(p.a);
	seen = 0;
	cr_assert_eq(engine_postgresql.snapshot(p.a, &s), RC_OK);
	cr_assert_eq(engine_postgresql.scan(s, &prefix, 1, count_row, &seen), RC_OK);
	engine_postgresql.release(s);
	cr_expect_eq(seen, 1);
	cr_expect(has_key(p.a, "ka"));
	close_pair(&p);
}

/* As many as come at once: the last answer has none. */
Test(pg_follow, a_database_of_just_one_chunk_is_compared_to_its_end, .timeout = 60)
{
	struct pair p;

	NEEDS_SERVER();
	open_pair(&p);
	postgres_run(p.nodes.a.conninfo,
	    "INSERT INTO menedek_kv SELECT ('m' || i)::bytea, 1, 'v' FROM generate_series(1000, 2999 - "
	    "(SELECT count(*) FROM menedek_kv)) AS i");
	cr_assert_str_eq(postgres_run(p.nodes.a.conninfo, "SELECT count(*) FROM menedek_kv"), "2000");
	compare_now(p.a);
	cr_expect(has_key(p.a, "m1000"));
	cr_expect(has_key(p.a, "m1900"));
	close_pair(&p);
}

/* Whichever answer it comes with: half a comparison is none, and is made again once it can be. */
Test(pg_follow, a_key_that_cannot_be_ours_ends_the_comparing, .timeout = 60)
{
	static const unsigned missing[] = { 0, 4 }; /* the answer with its value has no rows */
	struct pair p;

	NEEDS_SERVER();
	open_pair(&p);
	follow_now(p.a); /* it has heard what the time is */
	cr_assert_eq(write_one(p.b, "ka", "came"), RC_OK);
	for (size_t i = 0; i < COUNT_OF(missing); i++) {
		postgres_run(
		    p.nodes.a.conninfo, "INSERT INTO menedek_kv VALUES (repeat('z', 600)::bytea, 1, 'v')");
		p.a->beat_at = INT64_MAX;
		mishap_in(missing[i] > 0 ? NO_ROWS : NO_MISHAP, missing[i]);
		compare_now(p.a);
		cr_expect(mishap_over());
		cr_expect_not(answers(p.a), "%zu", i);
		postgres_run(p.nodes.a.conninfo, "DELETE FROM menedek_kv WHERE k = repeat('z', 600)::bytea");
		follow_now(p.a);
		cr_expect(has_key(p.a, "ka"));
	}
	close_pair(&p);
}

/* ---- a look that is too long ---- */

static enum rc
look_once(struct engine *e, unsigned patience_ms)
{
	cr_assert_eq(pg_ready(e, NULL), RC_OK);
	return pg_poll(e, clock_mono_ms() + patience_ms);
}

/* What a node missed in an hour under load is more than a server can say in a look's time: it would ask for
 * the same for ever. */
Test(pg_follow, who_is_never_told_in_time_what_it_missed_compares, .timeout = 120)
{
	struct pair p;

	NEEDS_SERVER();
	open_pair(&p);
	engine_postgresql.follow(p.a);
	cr_assert_eq(write_one(p.b, "missed", "value"), RC_OK);
	for (unsigned i = 0; i < PG_UNHEARD; i++) {
		cr_expect_neq(p.a->snapshot[0], '\0', "look %u", i);
		cr_expect_eq(look_once(p.a, 0), RC_UNAVAILABLE, "no time to hear it");
	}
	cr_expect_eq(p.a->snapshot[0], '\0', "it asks for the same again");
	follow_now(p.a);
	cr_expect(has_key(p.a, "missed"));
	close_pair(&p);
}

Test(pg_follow, looks_that_are_lost_now_and_then_are_no_reason_to_compare, .timeout = 120)
{
	struct pair p;

	NEEDS_SERVER();
	open_pair(&p);
	engine_postgresql.follow(p.a);
	for (unsigned i = 0; i < 2 * PG_UNHEARD; i++)
		cr_expect_eq(look_once(p.a, (i % 2) * 60000), i % 2 == 1 ? RC_OK : RC_UNAVAILABLE);
	/* nor is a line that is cut each time */
	for (unsigned i = 0; i < 2 * PG_UNHEARD; i++) {
		cr_assert_eq(pg_ready(p.a, NULL), RC_OK);
		mishap_in(CUT, 1);
		cr_expect_eq(pg_poll(p.a, clock_mono_ms() + 60000), RC_UNAVAILABLE);
		cr_assert(mishap_over());
	}
	cr_expect_neq(p.a->snapshot[0], '\0');
	close_pair(&p);
}

static void
let_a_minute_pass(void *arg, const struct change *changes UNUSED, size_t count UNUSED)
{
	unsigned *minutes = arg;

	late_s += 60;
	(*minutes)++;
}

/* After a failover, or where what was not seen was thrown away: what comes after it has its time, too. */
Test(pg_follow, who_has_compared_for_long_has_time_to_look_and_to_beat, .timeout = 60)
{
	static const char *const sql[] = {
		"SELECT 1",
		"UPDATE menedek_meta SET value = (SELECT max(xid) FROM menedek_changes) WHERE name = 'pruned'"
	};
	struct pair p;

	NEEDS_SERVER();
	open_pair(&p);
	follow_now(p.a);
	for (size_t i = 0; i < COUNT_OF(sql); i++) {
		unsigned minutes = 0;

		cr_assert_eq(write_one(p.b, i == 0 ? "ka" : "kb", "missed"), RC_OK);
		postgres_run(p.nodes.a.conninfo, sql[i]);
		if (i == 0)
			p.a->snapshot[0] = '\0';
		p.a->beat_at = 0;
		engine_postgresql.listen(p.a, let_a_minute_pass, &minutes);
		follow_now(p.a);
		engine_postgresql.listen(p.a, NULL, NULL);
		cr_expect_geq(minutes, 1, "%zu: nothing was compared", i);
		cr_expect_not_null(p.a->link.conn, "%zu: it drops its line", i);
		cr_expect_eq(p.a->unheard, 0, "%zu", i);
		follow_now(p.a);
		cr_expect(answers(p.a), "%zu", i);
	}
	close_pair(&p);
}
