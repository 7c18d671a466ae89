/* SPDX-License-Identifier: Apache-2.0 */
/* The ring that nodes share: notes of older releases, more lost answers than are remembered, copies and
 * servers that fail as somebody would keep it. */
#include "mishap.h"

#include "rings.h"

/* ---- notes ---- */

Test(pg_ring_odd, a_note_of_the_id_alone_is_a_claim_all_the_same, .timeout = 60)
{
	struct shared_ring *a = NULL;
	struct pair p;
	struct stat st;
	char path[160];

	NEEDS_SERVER();
	open_pair(&p);
	fixture_path(&p.nodes.a, "db/keeper", path);
	cr_assert_eq(truncate(path, ID_BYTES), 0);
	cr_assert_eq(open_ring(&p.nodes.a, p.a, false, &a), RC_OK);
	cr_expect(shared_ring_is_kept_here(a));
	renew(&p.nodes.a);
	cr_assert_eq(write_one(p.a, "ka", "value"), RC_OK);
	cr_assert_eq(stat(path, &st), 0);
	cr_expect_eq(st.st_size, ID_BYTES + 4, "and what it has published is noted from now on");
	close_all(&p, a, NULL);
}

/* ---- answers that are lost ---- */

/* More rings than are remembered go down and come to nothing: the keeper still knows the one that does. */
Test(pg_ring_odd, a_keeper_knows_its_ring_however_many_came_to_nothing, .timeout = 60)
{
	struct shared_ring *a = NULL, *b = NULL;
	struct pair p;

	NEEDS_SERVER();
	open_pair(&p);
	cr_assert_eq(open_ring(&p.nodes.a, p.a, false, &a), RC_OK);
	postgres_run(p.nodes.a.conninfo,
	    "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS "
	    "'BEGIN RAISE EXCEPTION ''not now'' USING ERRCODE = ''53100''; END';"
	    "CREATE TRIGGER refuse BEFORE INSERT ON menedek_kv FOR EACH ROW EXECUTE FUNCTION refuse()");
	for (unsigned i = 0; i < 12; i++) {
		renew(&p.nodes.a);
		cr_assert_eq(write_one(p.a, "ka", "never"), RC_UNAVAILABLE);
	}
	postgres_run(p.nodes.a.conninfo, "DROP TRIGGER refuse ON menedek_kv");
	cr_assert_eq(write_one(p.a, "ka", "value"), RC_OK);
	p.a->snapshot[0] = '\0'; /* it meets its own ring as another's */
	follow_now(p.a);
	cr_expect_not(engine_postgresql.is_broken(p.a));
	cr_expect(shared_ring_is_kept_here(a));
	follow_now(p.b);
	cr_assert_eq(open_ring(&p.nodes.b, p.b, false, &b), RC_OK);
	cr_expect_eq(
	    keyring_current(p.nodes.a.keyring, KEY_RECORD), keyring_current(p.nodes.b.keyring, KEY_RECORD));
	close_all(&p, a, b);
}

/* ---- what fails as somebody would keep it ---- */

/* Node b as one that has never kept the ring. */
static void
start_as_stranger(struct pair *p, struct shared_ring **b)
{
	char path[160];

	fixture_path(&p->nodes.b, "db/keeper", path);
	cr_assert(unlink(path) == 0 || errno == ENOENT);
	start_anew(&p->nodes.b, &p->b, b);
}

Test(pg_ring_odd, who_cannot_read_its_copy_neither_follows_nor_keeps, .timeout = 120)
{
	struct shared_ring *b = NULL;
	struct pair p;

	NEEDS_SERVER();
	open_pair(&p);
	for (unsigned must_keep = 0; must_keep < 2; must_keep++) {
		bool came = true;
		unsigned n;

		for (n = 1; came; n++) {
			enum rc rc;

			start_as_stranger(&p, &b);
			mishap_in(BAD_COPY, n);
			rc = open_ring(&p.nodes.b, p.b, must_keep == 1, &b);
			came = mishap_over();
			cr_assert(
			    rc == RC_OK || rc == RC_UNAVAILABLE || rc == RC_UNKNOWN, "at %u: %d", n, (int)rc);
			cr_assert_eq(b != NULL, rc == RC_OK);
			cr_assert(came || rc == RC_OK);
			cr_assert(rc != RC_OK || shared_ring_is_kept_here(b) == (must_keep == 1));
		}
		cr_expect_gt(n, 2);
	}
	close_all(&p, NULL, b);
}

Test(pg_ring_odd, without_a_server_nobody_takes_the_keeping_over, .timeout = 60)
{
	struct shared_ring *a = NULL, *b = NULL;
	struct pair p;

	NEEDS_SERVER();
	open_pair(&p);
	(void)shutdown(PQsocket(p.b->link.conn), SHUT_RDWR);
	(void)PQconsumeInput(p.b->link.conn);
	snprintf(p.b->link.hosts[0], sizeof(p.b->link.hosts[0]), "/nowhere");
	cr_expect_eq(open_ring(&p.nodes.b, p.b, true, &b), RC_UNAVAILABLE);
	cr_expect_null(b);
	cr_assert_eq(open_ring(&p.nodes.a, p.a, false, &a), RC_OK);
	renew(&p.nodes.a);
	cr_expect_eq(write_one(p.a, "ka", "goes on"), RC_OK);
	cr_expect(shared_ring_is_kept_here(a));
	start_as_stranger(&p, &b);
	cr_assert_eq(open_ring(&p.nodes.b, p.b, false, &b), RC_OK);
	cr_expect_not(shared_ring_is_kept_here(b));
	close_all(&p, a, b);
}
