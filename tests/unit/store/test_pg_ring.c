/* SPDX-License-Identifier: Apache-2.0 */
/* Who keeps the ring when answers are lost, disks fail, and others were quicker. */
#include "mishap.h"

#include "rings.h"

/* ---- answers that are lost ---- */

#define VERSION "SELECT ver FROM menedek_kv WHERE %1$s"

/* A failover that takes longer than a commit waits, and a key that is made meanwhile. */
Test(pg_ring, a_keeper_knows_its_own_ring_though_its_answer_was_lost, .timeout = 60)
{
	struct shared_ring *a = NULL, *b = NULL;
	struct pair p;
	char before[32];

	NEEDS_SERVER();
	open_pair(&p);
	cr_assert_eq(open_ring(&p.nodes.a, p.a, false, &a), RC_OK);
	renew(&p.nodes.a);
	snprintf(before, sizeof(before), "%s", at_shared(&p, VERSION));
	mishap_in(GARBLED, 2); /* after BEGIN's, the commit's */
	mishap.then = LATE;
	mishap.after = 1;
	cr_assert_eq(write_one(p.a, "ka", "one"), RC_UNKNOWN);
	cr_assert(mishap_over());
	for (unsigned i = 0; i < 3000 && strcmp(at_shared(&p, VERSION), before) == 0; i++)
		usleep(10000);
	cr_assert_str_neq(at_shared(&p, VERSION), before, "it did not happen: no verdict");
	renew(&p.nodes.a);
	cr_assert_eq(write_one(p.a, "ka", "two"), RC_OK);
	cr_assert_not(engine_postgresql.is_broken(p.a));
	cr_assert(shared_ring_is_kept_here(a));
	follow_now(p.b);
	cr_assert_eq(open_ring(&p.nodes.b, p.b, false, &b), RC_OK);
	cr_assert_not(shared_ring_is_kept_here(b));
	cr_assert_eq(
	    keyring_current(p.nodes.a.keyring, KEY_RECORD), keyring_current(p.nodes.b.keyring, KEY_RECORD));
	close_all(&p, a, b);
}

/* What it once gave, and has replaced since, may not come back: other nodes would lack what it has. */
Test(pg_ring, a_ring_of_the_past_ends_its_keeper, .timeout = 60)
{
	struct shared_ring *a = NULL;
	struct pair p;

	NEEDS_SERVER();
	open_pair(&p);
	cr_assert_eq(open_ring(&p.nodes.a, p.a, false, &a), RC_OK);
	renew(&p.nodes.a);
	cr_assert_eq(write_one(p.a, "ka", "one"), RC_OK);
	at_shared(&p, "CREATE TABLE past AS SELECT * FROM menedek_kv WHERE %1$s");
	renew(&p.nodes.a);
	cr_assert_eq(write_one(p.a, "ka", "two"), RC_OK);
	at_shared(&p, "UPDATE menedek_kv SET ver = ver + 1, v = (SELECT v FROM past) WHERE %1$s");
	p.a->snapshot[0] = '\0';
	follow_now(p.a);
	cr_assert(engine_postgresql.is_broken(p.a));
	postgres_run(p.nodes.a.conninfo, "DROP TABLE past");
	close_all(&p, a, NULL);
}

/* ---- two that want it ---- */

/* A copy of the keeper's directory publishes before the keeper itself has anything to give. */
Test(pg_ring, a_keeper_that_has_given_nothing_ends_when_its_double_does, .timeout = 60)
{
	struct shared_ring *a = NULL;
	struct pair p;

	NEEDS_SERVER();
	open_pair(&p);
	cr_assert_eq(open_ring(&p.nodes.a, p.a, false, &a), RC_OK);
	at_shared(&p, "UPDATE menedek_kv SET ver = ver + 1, v = v || '\\x01' WHERE %1$s");
	p.a->snapshot[0] = '\0';
	follow_now(p.a);
	cr_assert(engine_postgresql.is_broken(p.a));
	cr_assert_neq(write_one(p.a, "ka", "no more"), RC_OK);
	close_all(&p, a, NULL);
}

Test(pg_ring, a_keeper_ends_when_another_takes_the_keeping_over, .timeout = 60)
{
	struct shared_ring *a = NULL, *b = NULL;
	struct pair p;

	NEEDS_SERVER();
	open_pair(&p);
	cr_assert_eq(open_ring(&p.nodes.a, p.a, false, &a), RC_OK);
	cr_assert_eq(open_ring(&p.nodes.b, p.b, true, &b), RC_OK);
	cr_assert(shared_ring_is_kept_here(b));
	follow_now(p.a);
	cr_assert(engine_postgresql.is_broken(p.a));
	cr_assert_eq(write_one(p.b, "ka", "goes on"), RC_OK);
	close_all(&p, a, b);
}

/* The keeper lives, and has published what the other has not seen when it takes over. */
Test(pg_ring, one_who_would_take_over_what_it_has_not_seen_is_refused, .timeout = 60)
{
	struct shared_ring *a = NULL, *b = NULL;
	struct pair p;

	NEEDS_SERVER();
	open_pair(&p);
	cr_assert_eq(open_ring(&p.nodes.a, p.a, false, &a), RC_OK);
	renew(&p.nodes.a);
	cr_assert_eq(write_one(p.a, "ka", "one"), RC_OK);
	cr_assert_eq(open_ring(&p.nodes.b, p.b, true, &b), RC_TAKEN);
	start_anew(&p.nodes.b, &p.b, &b);
	cr_assert_eq(open_ring(&p.nodes.b, p.b, false, &b), RC_OK);
	cr_assert_not(shared_ring_is_kept_here(b));
	cr_assert_eq(write_one(p.a, "ka", "two"), RC_OK);
	cr_assert(shared_ring_is_kept_here(a));
	close_all(&p, a, b);
}

/* Nobody keeps it, as when it is new. */
static void
forget_keeper(struct pair *p)
{
	char path[160];

	at_shared(p, "DELETE FROM menedek_kv WHERE %1$s");
	fixture_path(&p->nodes.a, "db/keeper", path);
	cr_assert(unlink(path) == 0 || errno == ENOENT);
	p->a->snapshot[0] = p->b->snapshot[0] = '\0';
	follow_now(p->a);
	follow_now(p->b);
}

Test(pg_ring, of_two_that_claim_it_at_once_the_slower_follows, .timeout = 60)
{
	struct shared_ring *a = NULL, *b = NULL;
	struct pair p;

	NEEDS_SERVER();
	open_pair(&p);
	forget_keeper(&p);
	cr_assert_eq(open_ring(&p.nodes.b, p.b, true, &b), RC_OK);
	cr_assert(shared_ring_is_kept_here(b));
	cr_assert_eq(open_ring(&p.nodes.a, p.a, false, &a), RC_OK);
	cr_assert_not(shared_ring_is_kept_here(a));
	cr_assert_not(engine_postgresql.is_broken(p.a));
	close_all(&p, a, b);
}

/* ---- what stands there, here and at the server ---- */

Test(pg_ring, what_cannot_be_a_ring_is_not_followed, .timeout = 60)
{
	struct shared_ring *a = NULL, *b = NULL;
	struct pair p;

	NEEDS_SERVER();
	open_pair(&p);
	at_shared(&p, "UPDATE menedek_kv SET ver = ver + 1, v = substr(v, 1, 16) || 'nonsense' WHERE %1$s");
	p.a->snapshot[0] = p.b->snapshot[0] = '\0';
	follow_now(p.a);
	follow_now(p.b);
	/* its keeper has what it needs, and publishes it with the next key */
	cr_assert_eq(open_ring(&p.nodes.a, p.a, false, &a), RC_OK);
	cr_assert_eq(open_ring(&p.nodes.b, p.b, false, &b), RC_CORRUPT);
	renew(&p.nodes.a);
	cr_assert_eq(write_one(p.a, "ka", "one"), RC_OK);
	start_anew(&p.nodes.b, &p.b, &b);
	cr_assert_eq(open_ring(&p.nodes.b, p.b, false, &b), RC_OK);
	at_shared(&p, "UPDATE menedek_kv SET ver = ver + 1, v = substr(v, 1, 16) WHERE %1$s");
	p.b->snapshot[0] = '\0';
	follow_now(p.b);
	cr_assert(engine_postgresql.is_broken(p.b), "no ring at all");
	close_all(&p, a, b);
}

Test(pg_ring, a_claim_that_cannot_be_read_is_none, .timeout = 60)
{
	struct shared_ring *a = NULL;
	struct pair p;
	char path[160];
	FILE *file;

	NEEDS_SERVER();
	open_pair(&p);
	fixture_path(&p.nodes.a, "db/keeper", path);
	cr_assert((file = fopen(path, "w")) != NULL && fputs("short", file) >= 0);
	fclose(file);
	cr_assert_eq(open_ring(&p.nodes.a, p.a, false, &a), RC_OK);
	cr_assert_not(shared_ring_is_kept_here(a));
	cr_assert(shared_ring_is_kept_here(NULL), "nobody else could");
	close_all(&p, a, NULL);
}

Test(pg_ring, an_engine_of_one_machine_has_no_keeping_to_take_over)
{
	struct store_options options = { .path = "/nowhere", .must_keep_keys = true };
	struct fault f = { 0 };
	struct shared_ring *s;
	char path[600];

	cr_assert_eq(shared_ring_open(&engine_lmdb, NULL, &options, &s, &f), RC_TAKEN);
	cr_assert_null(s);
	options.must_keep_keys = false;
	cr_assert_eq(shared_ring_open(&engine_lmdb, NULL, &options, &s, &f), RC_OK);
	cr_assert_eq(
	    shared_ring_open(&engine_postgresql, NULL, &options, &s, &f), RC_OK, "no ring, none to share");
	cr_assert_null(s);
	memset(path, 'x', sizeof(path) - 1);
	path[sizeof(path) - 1] = '\0';
	options.path = path;
	options.keyring = (struct keyring *)path; /* is not looked at */
	cr_assert_eq(shared_ring_open(&engine_postgresql, NULL, &options, &s, &f), RC_UNAVAILABLE);
}

/* ---- disks ---- */

/* Open ring ${x} with each write, flush and removal failing in turn: it opens, or says that it cannot now. */
static unsigned
open_on_a_bad_disk(
    struct fixture *x, struct engine **e, bool must_keep, void (*before)(struct pair *), struct pair *p)
{
	struct shared_ring *ring = NULL;
	bool came = true;
	unsigned n;

	for (n = 1; came; n++) {
		enum rc rc;

		start_anew(x, e, &ring);
		if (before != NULL)
			before(p);
		mishap_in(BAD_DISK, n);
		rc = open_ring(x, *e, must_keep, &ring);
		came = mishap_over();
		cr_assert(rc == RC_OK || rc == RC_UNAVAILABLE || rc == RC_UNKNOWN, "at %u: %d", n, (int)rc);
		cr_assert(came || rc == RC_OK);
		cr_assert(rc != RC_OK || shared_ring_is_kept_here(ring) == (must_keep || before != NULL));
	}
	start_anew(x, e, &ring);
	return n - 2;
}

static void
forget_claim_too(struct pair *p)
{
	forget_keeper(p);
}

Test(pg_ring, a_claim_that_is_not_on_the_disk_is_not_made, .timeout = 120)
{
	struct pair p;

	NEEDS_SERVER();
	open_pair(&p);
	cr_assert_gt(open_on_a_bad_disk(&p.nodes.a, &p.a, false, forget_claim_too, &p), 1);
	close_pair(&p);
}

Test(pg_ring, taking_the_keeping_over_waits_for_the_disk, .timeout = 120)
{
	struct pair p;

	NEEDS_SERVER();
	open_pair(&p);
	cr_assert_gt(open_on_a_bad_disk(&p.nodes.b, &p.b, true, NULL, &p), 0);
	close_pair(&p);
}

/* The deposed one takes over the other's ring, and forgets that it kept one. */
Test(pg_ring, a_deposed_keeper_follows_though_its_disk_fails, .timeout = 120)
{
	struct shared_ring *a = NULL, *b = NULL;
	struct pair p;

	NEEDS_SERVER();
	open_pair(&p);
	cr_assert_eq(open_ring(&p.nodes.a, p.a, false, &a), RC_OK);
	renew(&p.nodes.a);
	cr_assert_eq(write_one(p.a, "ka", "one"), RC_OK);
	follow_now(p.b);
	cr_assert_eq(open_ring(&p.nodes.b, p.b, true, &b), RC_OK);
	renew(&p.nodes.b);
	cr_assert_eq(write_one(p.b, "ka", "two"), RC_OK);
	shared_ring_free(a);
	cr_assert_gt(open_on_a_bad_disk(&p.nodes.a, &p.a, false, NULL, &p), 0);
	close_all(&p, NULL, b);
}

/* It only asks less of another's ring then, should it be deposed. */
Test(pg_ring, a_keeper_whose_note_is_not_written_commits_all_the_same, .timeout = 60)
{
	struct shared_ring *a = NULL;
	struct pair p;
	char path[160], away[160];

	NEEDS_SERVER();
	open_pair(&p);
	cr_assert_eq(open_ring(&p.nodes.a, p.a, false, &a), RC_OK);
	renew(&p.nodes.a);
	fixture_path(&p.nodes.a, "db/keeper", path);
	fixture_path(&p.nodes.a, "away", away);
	cr_assert(rename(path, away) == 0 && mkdir(path, 0700) == 0);
	cr_assert_eq(write_one(p.a, "ka", "one"), RC_OK);
	cr_assert_not(engine_postgresql.is_broken(p.a));
	cr_assert(rmdir(path) == 0 && rename(away, path) == 0);
	close_all(&p, a, NULL);
}

/* ---- the ring's own file ---- */

Test(pg_ring, a_ring_whose_file_is_gone_is_not_taken_over, .timeout = 60)
{
	struct shared_ring *b = NULL;
	struct pair p;
	char path[160], away[160];

	NEEDS_SERVER();
	open_pair(&p);
	fixture_path(&p.nodes.b, "ring", path);
	fixture_path(&p.nodes.b, "away", away);
	cr_assert_eq(open_ring(&p.nodes.b, p.b, false, &b), RC_OK);
	shared_ring_free(b);
	b = NULL;
	start_anew(&p.nodes.b, &p.b, &b);
	cr_assert_eq(rename(path, away), 0);
	/* carrying it makes the file anew, so take it away again behind the copy's back */
	cr_assert_neq(mkdir(path, 0700), -1);
	cr_assert_neq(open_ring(&p.nodes.b, p.b, true, &b), RC_OK);
	cr_assert(rmdir(path) == 0 && rename(away, path) == 0);
	start_anew(&p.nodes.b, &p.b, &b);
	cr_assert_eq(open_ring(&p.nodes.b, p.b, true, &b), RC_OK);
	close_all(&p, NULL, b);
}
