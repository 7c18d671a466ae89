/* SPDX-License-Identifier: Apache-2.0 */
/* What people who look after a shared store are shown of its database, and of what this machine remembers. */
#include "mishap.h"

#include <fcntl.h>
#include <sys/file.h>

#include "pair.h"
#include "store/database.h"
#include "store/lmdb_mirror.h"
#include "store/pg_parts.h"

static void
path_of(const struct fixture *x, char path[160])
{
	fixture_path(x, "db", path);
}

static enum rc
look_at(const struct fixture *x, struct database_look *look)
{
	struct fault f = { 0 };
	char path[160];

	path_of(x, path);
	return database_look_at(path, look, &f);
}

static void
write_conninfo(const struct fixture *x, const char *text)
{
	char path[160];
	FILE *file;

	fixture_path(x, "db/postgresql", path);
	cr_assert((file = fopen(path, "w")) != NULL && fputs(text, file) >= 0);
	fclose(file);
}

/* ---- a server that answers ---- */

Test(pg_look, the_leader_is_shown_with_what_this_node_remembers_of_it, .timeout = 60)
{
	struct database_look look;
	struct pair p;
	char path[160];

	NEEDS_SERVER();
	open_pair(&p);
	path_of(&p.nodes.a, path);
	cr_expect(database_is(path));
	cr_expect_not(database_is(p.nodes.a.dir));
	engine_postgresql.follow(p.b); /* it beats: one node is there, and is so for as long as this takes */
	postgres_run(p.nodes.a.conninfo, "UPDATE menedek_nodes SET at = now() + interval '1 hour'");
	engine_postgresql.close(p.a);
	p.a = NULL;
	cr_assert_eq(look_at(&p.nodes.a, &look), RC_OK);
	cr_expect_eq(look.count, 1);
	cr_assert_eq(look.leader, &look.servers[0]);
	cr_expect(look.leader->answers && look.leader->leads && !look.leader->follows && !look.leader->waits);
	cr_expect_eq(look.leader->timeline, 1);
	cr_expect_gt(look.leader->at, 0);
	cr_expect_eq(look.leader->behind, 0);
	cr_expect_eq(look.leader->nodes, 1);
	cr_expect_str_eq(look.leader->registry, p.b->link.registry);
	cr_expect_str_eq(look.leader->system, p.b->link.system);
	cr_expect_str_eq(look.followed, p.b->link.registry);
	cr_expect_str_eq(look.system, p.b->link.system);
	cr_expect_eq(look.seen, 1);
	cr_expect(look.keeps_keys);
	cr_expect_not(database_is_refused(&look));
	engine_postgresql.close(p.b);
	p.b = NULL;
	cr_assert_eq(look_at(&p.nodes.b, &look), RC_OK);
	cr_expect_not(look.keeps_keys);
	close_pair(&p);
}

/* ---- what this machine remembers ---- */

/* Changes in the copy of a node whose engine is closed. */
static void
change_copy(const struct fixture *x, const struct change *change)
{
	struct engine *copy;
	struct fault f = { 0 };
	char path[160];

	path_of(x, path);
	cr_assert_eq(engine_lmdb.open(path, MAP_MIB, &copy, &f), RC_OK);
	cr_assert_eq(lmdb_mirror(copy, change, 1, bytes_str("registry 3 5:5: system")), RC_OK);
	engine_lmdb.close(copy);
}

static void
write_note(const struct fixture *x, const uint8_t *text, size_t len)
{
	char path[160];
	FILE *file;

	fixture_path(x, "db/keeper", path);
	cr_assert((file = fopen(path, "w")) != NULL && fwrite(text, 1, len, file) == len);
	fclose(file);
}

Test(pg_look, who_does_not_keep_the_ring_is_not_said_to, .timeout = 60)
{
	static const uint8_t other[100] = { 1 };
	struct change change = { .key = log_shared_key(), .rev = 9 };
	struct database_look look;
	struct pair p;
	uint8_t *note;
	size_t len;
	char path[160];

	NEEDS_SERVER();
	open_pair(&p);
	engine_postgresql.close(p.a);
	p.a = NULL;
	fixture_path(&p.nodes.a, "db/keeper", path);
	read_file(path, &note, &len);
	const struct note_row {
		const uint8_t *text;
		size_t len;
		bool is_kept;
	} rows[] = { { note, len, true }, { note, ID_BYTES, true }, { note, ID_BYTES - 1, false },
		{ other, ID_BYTES, false }, { other, sizeof(other), false } };
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		write_note(&p.nodes.a, rows[i].text, rows[i].len);
		cr_assert_eq(look_at(&p.nodes.a, &look), RC_OK);
		cr_expect_eq(look.keeps_keys, rows[i].is_kept, "row %zu", i);
	}
	/* its own note, and in the copy no more than the id, then nothing */
	write_note(&p.nodes.a, note, len);
	change.sealed = (struct bytes){ note, ID_BYTES };
	change_copy(&p.nodes.a, &change);
	cr_assert_eq(look_at(&p.nodes.a, &look), RC_OK);
	cr_expect_not(look.keeps_keys);
	cr_expect_eq(look.seen, 3);
	cr_expect_str_eq(look.followed, "registry");
	cr_expect_str_eq(look.system, "system");
	cr_expect(database_is_refused(&look), "a later timeline was seen");
	change.is_delete = true;
	change_copy(&p.nodes.a, &change);
	cr_assert_eq(look_at(&p.nodes.a, &look), RC_OK);
	cr_expect_not(look.keeps_keys);
	free(note);
	close_pair(&p);
}

static const struct refusal_row {
	uint32_t seen, timeline;
	const char *followed, *system, *registry, *servers_system;
	bool is_refused;
} refusals[] = {
	{ 1, 1, "one", "7", "one", "7", false },
	{ 1, 2, "one", "7", "one", "7", false },
	{ 2, 1, "one", "7", "one", "7", true },
	{ 1, 1, "one", "7", "one", "8", true },
	{ 1, 1, "one", "7", "two", "8", false },
	{ 1, 1, "one", "", "one", "8", false },
};

Test(pg_look, a_leader_is_refused_that_is_behind_or_counted_anew)
{
	struct database_look look = { .seen = 9 };

	cr_expect_not(database_is_refused(&look), "nobody leads");
	for (size_t i = 0; i < COUNT_OF(refusals); i++) {
		const struct refusal_row *r = &refusals[i];

		look = (struct database_look){ .seen = r->seen, .leader = &look.servers[0] };
		look.servers[0].timeline = r->timeline;
		(void)snprintf(look.followed, sizeof(look.followed), "%s", r->followed);
		(void)snprintf(look.system, sizeof(look.system), "%s", r->system);
		(void)snprintf(look.servers[0].registry, sizeof(look.servers[0].registry), "%s", r->registry);
		(void)snprintf(
		    look.servers[0].system, sizeof(look.servers[0].system), "%s", r->servers_system);
		cr_expect_eq(database_is_refused(&look), r->is_refused, "row %zu", i);
	}
}

/* ---- what goes wrong ---- */

/* It shows less, and never what is not so. */
Test(pg_look, whatever_goes_wrong_a_look_is_only_shorter, .timeout = 120)
{
	static const enum mishap kinds[] = { REFUSED_CALL, CUT, GARBLED, NO_ROWS, SILENCE, LATE, BAD_COPY };
	struct database_look look;
	struct pair p;

	NEEDS_SERVER();
	open_pair(&p);
	engine_postgresql.close(p.a);
	p.a = NULL;
	for (size_t i = 0; i < COUNT_OF(kinds); i++) {
		bool came = true;

		for (unsigned n = 1; came; n++) {
			mishap_in(kinds[i], n);
			cr_assert_eq(look_at(&p.nodes.a, &look), RC_OK);
			came = mishap_over();
			cr_assert_eq(look.count, 1);
			cr_assert_eq(look.leader != NULL, look.servers[0].answers);
			cr_assert(look.servers[0].registry[0] == '\0' ||
			    strcmp(look.servers[0].registry, p.b->link.registry) == 0);
			cr_assert(look.followed[0] == '\0' || strcmp(look.followed, p.b->link.registry) == 0);
			cr_assert(came ||
			    (look.leader != NULL && look.keeps_keys && look.followed[0] != '\0' &&
				look.servers[0].registry[0] != '\0'));
			cr_assert(!came || n < 100);
		}
	}
	close_pair(&p);
}

Test(pg_look, a_store_without_a_server_or_a_copy_or_a_string_is_said_to_be_so, .timeout = 60)
{
	static char path[600];
	struct fixture x = { .dir = P_tmpdir "/menedek-XXXXXX" };
	struct database_look look;
	struct fault f = { 0 };
	char text[160], db[160];
	int port;
	const int fd = closed_port(&port);

	cr_assert_not_null(mkdtemp(x.dir));
	fixture_path(&x, "db", db);
	cr_assert_eq(mkdir(db, 0700), 0);
	cr_expect_neq(look_at(&x, &look), RC_OK, "no string");
	write_conninfo(&x, "nonsense\n");
	cr_expect_eq(look_at(&x, &look), RC_INVALID);
	(void)snprintf(text, sizeof(text), "hostaddr=127.0.0.1 port=%d sslmode=verify-full\n", port);
	write_conninfo(&x, text);
	cr_expect_eq(look_at(&x, &look), RC_OK);
	cr_expect_eq(look.count, 1);
	cr_expect_str_eq(look.servers[0].name, "127.0.0.1");
	cr_expect_not(look.servers[0].answers);
	cr_expect_null(look.leader);
	cr_expect_str_eq(look.followed, "");
	cr_expect_not(look.keeps_keys);
	memset(path, 'd', sizeof(path) - 1);
	cr_expect_eq(database_look_at(path, &look, &f), RC_INVALID);
	cr_expect_eq(look.count, 0);
	close(fd);
	fixture_path(&x, "db/postgresql", text);
	unlink(text);
	rmdir(db);
	cr_expect_eq(rmdir(x.dir), 0);
}

/* ---- several servers ---- */

/* ${x} asks the server twice, under two names; of the sessions, which_session() says which one it is. */
static void
ask_twice(struct pair *p, const char *function)
{
	const char *rest = p->nodes.a.conninfo + strlen("host=");
	const int len = (int)strcspn(rest, " ");
	char text[1200];

	postgres_run(p->nodes.a.conninfo,
	    "CREATE SEQUENCE IF NOT EXISTS sessions;"
	    "SELECT setval('sessions', 1, false);"
	    "CREATE OR REPLACE FUNCTION which_session() RETURNS bigint LANGUAGE plpgsql AS $$ BEGIN "
	    "IF coalesce(pg_catalog.current_setting('look.session', true), '') = '' THEN "
	    "PERFORM set_config('look.session', nextval('sessions')::text, false); END IF; "
	    "RETURN pg_catalog.current_setting('look.session')::bigint; END $$");
	postgres_run(p->nodes.a.conninfo, function);
	(void)snprintf(text, sizeof(text), "host=%.*s,%.*s%.*s,pg_catalog'\n", len, rest, len, rest,
	    (int)strlen(rest + len) - 1, rest + len);
	write_conninfo(&p->nodes.a, text);
}

#define RECOVERY(of)                                                                \
	"CREATE OR REPLACE FUNCTION pg_is_in_recovery() RETURNS bool LANGUAGE sql " \
	"AS 'SELECT which_session() = " of "';"
#define TIMELINE(of)                                                                    \
	RECOVERY("0")                                                                   \
	"CREATE OR REPLACE FUNCTION pg_walfile_name(pg_lsn) RETURNS text LANGUAGE sql " \
	"AS 'SELECT CASE WHEN which_session() = " of " THEN ''00000007'' ELSE ''00000003'' END'"

static const struct two_row {
	const char *function;
	unsigned leaders;
	bool is_behind; /* the other than the leader */
} twos[] = {
	{ RECOVERY("2"), 1, true },
	{ RECOVERY("1"), 1, true },
	{ RECOVERY("1") "CREATE FUNCTION pg_last_wal_replay_lsn() RETURNS pg_lsn LANGUAGE sql AS "
			"'SELECT ''FFFF/0''::pg_lsn'",
	    1, false },
	{ TIMELINE("1"), 2, false },
	{ TIMELINE("2"), 2, false },
};

static void
expect_two(const struct database_look *look, const struct two_row *r)
{
	const struct database_server *s = look->servers, *other;

	cr_assert_eq(look->count, 2);
	cr_assert_not_null(look->leader);
	cr_assert(s[0].answers && s[1].answers);
	cr_expect_eq(s[0].leads + s[1].leads, r->leaders);
	other = look->leader == &s[0] ? &s[1] : &s[0];
	cr_expect(look->leader->leads && look->leader->timeline > other->timeline);
	cr_expect_eq(other->behind, r->is_behind ? look->leader->at : 0);
	cr_expect_eq(other->registry[0] != '\0', other->leads);
}

static void
need_a_socket(void)
{
	if (strncmp(postgres_server(), "host=/", 6) != 0)
		cr_skip_test("the server is not on a socket of its own");
}

Test(pg_look, of_several_servers_the_latest_leads_and_the_others_are_behind_it, .timeout = 60)
{
	struct database_look look;
	struct pair p;

	NEEDS_SERVER();
	need_a_socket();
	open_pair(&p);
	for (size_t i = 0; i < COUNT_OF(twos); i++) {
		ask_twice(&p, twos[i].function);
		cr_assert_eq(look_at(&p.nodes.a, &look), RC_OK);
		expect_two(&look, &twos[i]);
	}
	close_pair(&p);
}

/* Who were shown the other would accept what lacks it, and put the copy aside that knows so. */
static const struct lack_row {
	const char *function, *has;
	uint32_t seen;
	bool is_refused;
} lacks[] = {
	{ RECOVERY("0"), "1", 1, false },
	{ RECOVERY("0"), "2", 1, false },
	{ TIMELINE("1"), "1", 1, false },
	{ TIMELINE("1"), "2", 1, false },
	{ TIMELINE("2"), "1", 1, false },
	{ TIMELINE("2"), "1", 9, true },
};

/* What ${x}, which is closed, remembers of the highest timeline. */
static void
remember_timeline(const struct fixture *x, const struct pg_link *l, uint32_t seen)
{
	struct engine *copy;
	struct fault f = { 0 };
	char path[160], text[300];

	path_of(x, path);
	(void)snprintf(text, sizeof(text), "%s %u 5:5: %s %s", l->registry, seen, l->system, l->last);
	cr_assert_eq(engine_lmdb.open(path, MAP_MIB, &copy, &f), RC_OK);
	cr_assert_eq(lmdb_mirror(copy, NULL, 0, bytes_str(text)), RC_OK);
	engine_lmdb.close(copy);
}

Test(pg_look, of_two_leaders_the_one_that_has_what_was_acknowledged_last_is_shown, .timeout = 60)
{
	struct pg_link past;
	struct database_look look;
	char sql[200];
	struct pair p;

	NEEDS_SERVER();
	need_a_socket();
	open_pair(&p);
	cr_assert_eq(write_one(p.a, "ka", "acknowledged"), RC_OK);
	past = p.a->link; /* its words */
	engine_postgresql.close(p.a);
	p.a = NULL;
	ask_twice(&p, RECOVERY("0"));
	postgres_run(p.nodes.a.conninfo, "ALTER TABLE menedek_changes RENAME TO changes_kept");
	for (size_t i = 0; i < COUNT_OF(lacks); i++) {
		ask_twice(&p, lacks[i].function);
		(void)snprintf(sql, sizeof(sql),
		    "CREATE OR REPLACE VIEW menedek_changes AS SELECT * FROM changes_kept WHERE "
		    "which_session() = %s",
		    lacks[i].has);
		postgres_run(p.nodes.a.conninfo, sql);
		remember_timeline(&p.nodes.a, &past, lacks[i].seen);
		cr_assert_eq(look_at(&p.nodes.a, &look), RC_OK);
		cr_assert(look.servers[0].leads && look.servers[1].leads, "row %zu", i);
		cr_expect_neq(look.servers[0].lacks_last, look.servers[1].lacks_last, "row %zu", i);
		cr_expect_not(look.leader->lacks_last, "row %zu", i);
		cr_expect_eq(database_is_refused(&look), lacks[i].is_refused, "row %zu", i);
	}
	close_pair(&p);
}

/* A standby is named in the settings, and one session does not wait for it. */
Test(pg_look, a_leader_that_waits_for_a_standby_is_told_from_one_that_does_not, .timeout = 60)
{
	struct database_look look;
	struct pair p;

	NEEDS_SERVER();
	need_a_socket();
	open_pair(&p);
	ask_twice(&p,
	    "CREATE FUNCTION current_setting(text) RETURNS text LANGUAGE sql AS $$"
	    " SELECT CASE WHEN $1 = 'synchronous_standby_names' THEN 'other'"
	    " WHEN which_session() = 2 AND $1 = 'synchronous_commit' THEN 'local'"
	    " ELSE pg_catalog.current_setting($1) END $$");
	cr_assert_eq(look_at(&p.nodes.a, &look), RC_OK);
	cr_assert(look.servers[0].answers && look.servers[1].answers);
	cr_expect_str_eq(look.servers[0].awaited, "other");
	cr_expect_str_eq(look.servers[1].awaited, "other");
	cr_expect_eq(look.servers[0].waits + look.servers[1].waits, 1);
	close_pair(&p);
}

Test(pg_look, a_server_that_is_gone_is_no_standby, .timeout = 60)
{
	const char *rest;
	struct database_look look;
	struct pair p;
	char text[1200];
	int len;

	NEEDS_SERVER();
	need_a_socket();
	open_pair(&p);
	rest = p.nodes.a.conninfo + strlen("host=");
	len = (int)strcspn(rest, " ");
	(void)snprintf(text, sizeof(text), "host=%.*s,/nowhere%s\n", len, rest, rest + len);
	write_conninfo(&p.nodes.a, text);
	cr_assert_eq(look_at(&p.nodes.a, &look), RC_OK);
	cr_assert_eq(look.leader, &look.servers[0]);
	cr_expect_not(look.servers[1].answers);
	cr_expect_eq(look.servers[1].behind, 0);
	cr_expect_str_eq(look.servers[1].name, "/nowhere");
	close_pair(&p);
}

/* ---- the copy, put aside and back ---- */

Test(pg_look, a_copy_is_put_aside_and_back_and_not_while_it_is_served, .timeout = 60)
{
	struct fault f = { 0 };
	struct pair p;
	char path[160], lock[160];
	int fd;

	NEEDS_SERVER();
	open_pair(&p);
	path_of(&p.nodes.a, path);
	cr_assert_eq(write_one(p.a, "ka", "stays"), RC_OK);
	cr_expect_eq(database_copy_aside(path, &f), RC_BUSY);
	engine_postgresql.close(p.a);
	fixture_path(&p.nodes.a, "db/serving.lock", lock);
	cr_assert((fd = open(lock, O_RDWR | O_CREAT | O_CLOEXEC, 0600)) >= 0 && flock(fd, LOCK_EX) == 0);
	cr_expect_eq(database_copy_aside(path, &f), RC_BUSY);
	close(fd);
	cr_expect_eq(database_copy_back(path, &f), RC_UNAVAILABLE, "there is none aside");
	cr_expect_eq(database_copy_settle(path, &f), RC_UNAVAILABLE, "nor one to be settled");
	cr_expect_not(database_is_unsettled(path));
	cr_assert_eq(database_copy_aside(path, &f), RC_OK);
	cr_expect(database_is_unsettled(path));
	cr_expect_eq(database_copy_aside(path, &f), RC_TAKEN, "one is there");
	cr_assert_eq(database_copy_back(path, &f), RC_OK);
	cr_expect_not(database_is_unsettled(path));
	mishap_in(BAD_DISK, 1);
	cr_expect_eq(database_copy_aside(path, &f), RC_UNAVAILABLE, "it may not last");
	cr_expect(mishap_over());
	cr_assert_eq(database_copy_back(path, &f), RC_OK);
	cr_assert_eq(open_engine(&p.nodes.a, &p.a), RC_OK);
	cr_expect(has_key(p.a, "ka"));
	close_pair(&p);
}

/* Two databases are restored one after the other: the first copy alone has what was lost. */
Test(pg_look, a_copy_that_is_aside_is_not_written_over, .timeout = 60)
{
	struct fault f = { 0 };
	struct pair p;
	char path[160];

	NEEDS_SERVER();
	open_pair(&p);
	path_of(&p.nodes.a, path);
	engine_postgresql.close(p.a);
	cr_assert_eq(database_copy_aside(path, &f), RC_OK);
	cr_assert_eq(open_engine(&p.nodes.a, &p.a), RC_OK);
	engine_postgresql.close(p.a);
	fault_clear(&f);
	cr_expect_eq(database_copy_aside(path, &f), RC_TAKEN);
	cr_expect_eq(f.item[0].msg, MSG_STORE_ASIDE);
	cr_expect_eq(database_copy_back(path, &f), RC_OK);
	cr_assert_eq(database_copy_aside(path, &f), RC_OK, "once there is none aside");
	cr_assert_eq(database_copy_settle(path, &f), RC_OK);
	cr_expect_not(database_is_unsettled(path));
	cr_assert_eq(open_engine(&p.nodes.a, &p.a), RC_OK);
	engine_postgresql.close(p.a);
	p.a = NULL;
	cr_expect_eq(database_copy_aside(path, &f), RC_TAKEN, "it stays until people remove it");
	cr_expect_not(database_is_unsettled(path));
	cr_expect_eq(database_copy_back(path, &f), RC_UNAVAILABLE);
	close_pair(&p);
}

Test(pg_look, where_no_copy_can_be_none_is_put_aside)
{
	static char path[600];
	struct fault f = { 0 };

	cr_expect_eq(database_copy_aside("/nowhere", &f), RC_UNAVAILABLE);
	/* the lock's name fits, the copy's, the one aside: none, one, two of them */
	for (size_t len = 490; len < 520; len++) {
		const enum rc rc = len + strlen("/data.mdb.aside") < 512 ? RC_UNAVAILABLE : RC_INVALID;

		memset(path, 'd', len);
		path[len] = '\0';
		cr_expect_eq(database_copy_aside(path, &f), rc, "%zu", len);
		cr_expect_eq(database_copy_back(path, &f), rc, "%zu", len);
	}
}
