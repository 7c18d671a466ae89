/* SPDX-License-Identifier: Apache-2.0 */
/* A server that is gone for longer than a commit waits, turns that no batch comes of, and keys that come with
 * a turn: what is said of a commit is so, and the node goes on as soon as it can. */
#include "mishap.h"

#include "base/clock.h"
#include "pair.h"
#include "store/pg_parts.h"

/* Nobody waits here: only LATE ends what would go on. */
int
usleep(useconds_t us UNUSED)
{
	return 0;
}

/* ---- a server that is gone ---- */

static char address[256];

/* At the address that ${e} knows there is nobody any more, and the line is dead, which ${is_known} or not
 * yet. */
static void
go_away(struct engine *e, bool is_known)
{
	memcpy(address, e->link.hosts[0], sizeof(address));
	(void)snprintf(e->link.hosts[0], sizeof(e->link.hosts[0]), "/nowhere");
	(void)shutdown(PQsocket(e->link.conn), SHUT_RDWR);
	if (is_known)
		cr_assert_eq(PQconsumeInput(e->link.conn), 0);
}

static void
come_back(struct engine *e)
{
	memcpy(e->link.hosts[0], address, sizeof(address));
	e->turns_until = 0;
	follow_now(e);
	follow_now(e);
	cr_assert_not_null(e->link.conn);
}

static bool
is_at_server(struct pair *p, const char *name)
{
	char sql[128];

	(void)snprintf(sql, sizeof(sql), "SELECT count(*) FROM menedek_kv WHERE k = '%s'", name);
	return strcmp(postgres_run(p->nodes.a.conninfo, sql), "0") != 0;
}

/* More than go down as one statement, each with a key of its own. */
#define MANY 60u

struct list {
	struct commit commits[MANY];
	struct write_entry writes[MANY];
	char names[MANY][16];
};

static void
make_list(struct list *l, unsigned round)
{
	for (unsigned i = 0; i < MANY; i++) {
		(void)snprintf(l->names[i], sizeof(l->names[i]), "k%uof%u", i, round);
		l->writes[i] =
		    (struct write_entry){ .key = key_of(l->names[i]), .value = bytes_str("value") };
		l->commits[i] = (struct commit){ .next = i + 1 < MANY ? &l->commits[i + 1] : NULL,
			.writes = &l->writes[i],
			.write_count = 1 };
	}
}

/* What was said of each is so, of the first and of the last batch. */
static void
check_list(struct pair *p, struct list *l, unsigned round)
{
	static const unsigned looked_at[] = { 0, MANY - 1 };

	for (size_t i = 0; i < COUNT_OF(looked_at); i++) {
		const unsigned n = looked_at[i];
		const enum rc rc = l->commits[n].rc;

		cr_assert(rc == RC_OK || rc == RC_UNAVAILABLE || rc == RC_UNKNOWN || rc == RC_BUSY,
		    "round %u, %u: %d", round, n, (int)rc);
		cr_assert(rc == RC_UNKNOWN || is_at_server(p, l->names[n]) == (rc == RC_OK),
		    "round %u, %u: %d", round, n, (int)rc);
	}
}

/* When it goes: before the list, or as the first batch is told of; and a minute passes before the Nth look at
 * the clock from then on (0: never). */
static struct leaving {
	bool is_known, has_turn, is_before;
	unsigned late;
	bool is_told;
	struct engine *e;
} leaving;

static void
leave(void *arg UNUSED, const struct change *changes UNUSED, size_t count UNUSED)
{
	if (leaving.is_told || leaving.e == NULL)
		return;
	leaving.is_told = true;
	if (leaving.has_turn)
		leaving.e->turns_until = INT64_MAX;
	go_away(leaving.e, leaving.is_known);
	mishap_in(leaving.late > 0 ? LATE : NO_MISHAP, leaving.late);
}

/* A list while the server goes. */
static void
lose_server(struct pair *p, struct leaving how, unsigned round)
{
	static struct list l;

	make_list(&l, round);
	leaving = how;
	leaving.e = p->a;
	engine_postgresql.listen(p->a, leave, NULL);
	if (how.is_before)
		leave(NULL, NULL, 0);
	engine_postgresql.apply(p->a, l.commits);
	(void)mishap_over();
	leaving.e = NULL;
	cr_assert(leaving.is_told);
	cr_assert(how.is_before || l.commits[0].rc == RC_OK);
	cr_assert_neq(l.commits[MANY - 1].rc, RC_OK);
	come_back(p->a);
	check_list(p, &l, round);
	cr_assert_eq(write_one(p->a, "kagain", "goes on"), RC_OK);
}

/* It is known to be gone, so nothing is sent. */
Test(pg_gone, without_a_server_a_commit_is_refused_and_never_half_done, .timeout = 120)
{
	unsigned round = 0;
	struct pair p;

	NEEDS_SERVER();
	open_pair(&p);
	for (unsigned way = 0; way < 4; way++)
		for (unsigned late = 0; late < 12; late++)
			lose_server(&p,
			    (struct leaving){
				.is_known = true, .has_turn = way % 2, .is_before = way / 2, .late = late },
			    round++);
	close_pair(&p);
}

/* It is not known, so the batch is on its way, and nobody can be asked what became of it. */
Test(pg_gone, a_commit_of_which_nobody_can_be_asked_is_said_to_be_unknown, .timeout = 120)
{
	unsigned round = 0;
	struct pair p;

	NEEDS_SERVER();
	open_pair(&p);
	/* the first look says how long it may take */
	for (unsigned way = 0; way < 4; way++)
		for (unsigned late = 2; late < 24; late++)
			lose_server(&p,
			    (struct leaving){ .has_turn = way % 2, .is_before = way / 2, .late = late },
			    round++);
	close_pair(&p);
}

/* The line is lost with the Nth call, and then a minute passes; false: there are not so many calls. */
static bool
lose_line(struct pair *p, enum mishap kind, unsigned in, unsigned after)
{
	char name[24];
	bool came;
	enum rc rc;

	(void)snprintf(name, sizeof(name), "k%d.%u.%u", (int)kind, in, after);
	follow_now(p->a);
	follow_now(p->a);
	cr_assert_not_null(p->a->link.conn);
	p->a->turns_until = INT64_MAX;
	mishap_in(kind, in);
	mishap.then = LATE;
	mishap.after = after;
	rc = write_one(p->a, name, "value");
	came = mishap.kind != kind;
	(void)mishap_over();
	p->a->turns_until = 0;
	cr_assert(rc == RC_OK || rc == RC_UNAVAILABLE || rc == RC_UNKNOWN || rc == RC_BUSY, "%s: %d", name,
	    (int)rc);
	cr_assert(rc == RC_UNKNOWN || is_at_server(p, name) == (rc == RC_OK), "%s: %d", name, (int)rc);
	return came;
}

/* The line is lost somewhere in the middle, and then the time is over: one after the other for each place. */
Test(pg_gone, whatever_is_lost_and_however_late_it_is_a_commit_counts_once_or_not_at_all, .timeout = 280)
{
	static const enum mishap kinds[] = { REFUSED_CALL, GARBLED, CUT };
	struct pair p;

	NEEDS_SERVER();
	open_pair(&p);
	for (size_t i = 0; i < COUNT_OF(kinds); i++) {
		bool came = true;

		for (unsigned in = 1; came; in++)
			for (unsigned after = 1; after < 7; after += 2)
				came = lose_line(&p, kinds[i], in, after);
	}
	cr_assert_eq(write_one(p.a, "kagain", "goes on"), RC_OK);
	close_pair(&p);
}

/* ---- turns ---- */

static unsigned
count_locks(struct pair *p)
{
	const uint64_t lock = pg_turn_lock(p->a->link.registry);
	char sql[160];

	(void)snprintf(sql, sizeof(sql),
	    "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND classid::bigint = %llu"
	    " AND objid::bigint = %llu",
	    (unsigned long long)(lock >> 32), (unsigned long long)(lock & 0xffffffffu));
	return (unsigned)atoi(postgres_run(p->nodes.a.conninfo, sql));
}

/* What is read there has changed by the time of the turn: nothing goes down, and the turn is given back. */
static enum rc
conflict_in_turn(struct pair *p, const char *text)
{
	struct read_entry read = { .key = key_of("kread"), .rev = 1 };
	struct write_entry write = { .key = key_of("knever"), .value = bytes_str(text) };
	struct commit one = { .reads = &read, .writes = &write, .read_count = 1, .write_count = 1 };

	p->a->turns_until = INT64_MAX;
	engine_postgresql.apply(p->a, &one);
	p->a->turns_until = 0;
	return one.rc;
}

Test(pg_gone, a_turn_that_no_batch_came_of_is_given_back, .timeout = 120)
{
	static const enum mishap kinds[] = { REFUSED_CALL, GARBLED, CUT };
	struct pair p;

	NEEDS_SERVER();
	open_pair(&p);
	cr_expect_eq(conflict_in_turn(&p, "never"), RC_CONFLICT);
	cr_expect_not_null(p.a->link.conn);
	cr_expect_eq(count_locks(&p), 0);
	for (size_t i = 0; i < COUNT_OF(kinds); i++) {
		bool came = true;

		for (unsigned n = 1; came; n++) {
			enum rc rc;

			mishap_in(kinds[i], n);
			rc = conflict_in_turn(&p, "never");
			came = mishap_over();
			cr_assert(
			    rc == RC_CONFLICT || rc == RC_UNAVAILABLE || rc == RC_BUSY || rc == RC_UNKNOWN,
			    "mishap %d at %u: %d", (int)kinds[i], n, (int)rc);
			follow_now(p.a);
			follow_now(p.a);
			cr_assert_not(p.a->link.has_turn);
			for (unsigned k = 0; k < 1000 && count_locks(&p) > 0; k++)
				; /* a session that was left ends when its server hears of it */
			cr_assert_eq(count_locks(&p), 0, "mishap %d at %u", (int)kinds[i], n);
		}
	}
	cr_expect_not(is_at_server(&p, "knever"));
	close_pair(&p);
}

/* ---- keys that come with a turn ---- */

static enum rc
take(void *arg, struct bytes shared UNUSED)
{
	++*(unsigned *)arg;
	return RC_OK;
}

static enum rc
give(void *arg, struct bytes *out)
{
	*out = bytes_str("what all must hold");
	return *(bool *)arg ? RC_OK : RC_NOT_FOUND;
}

static enum rc
take_nothing(void *arg UNUSED, struct bytes shared UNUSED)
{
	return RC_OK;
}

static enum rc
give_nothing(void *arg UNUSED, struct bytes *out UNUSED)
{
	return RC_NOT_FOUND;
}

static void
given(void *arg)
{
	*(bool *)arg = false;
}

/* What waited was sealed under the old ones: it must be sealed anew, whether it came first or later. */
Test(pg_gone, what_was_sealed_before_a_key_that_comes_with_the_turn_is_not_committed, .timeout = 60)
{
	unsigned taken = 0;
	bool is_giving = true;
	const struct engine_carrier taker = { .take = take, .give = give_nothing, .arg = &taken },
				    giver = { .take = take_nothing,
					    .give = give,
					    .given = given,
					    .arg = &is_giving };
	static struct list l;
	struct pair p;

	NEEDS_SERVER();
	open_pair(&p);
	cr_assert_eq(engine_postgresql.carry(p.a, &taker), RC_OK);
	cr_assert_eq(engine_postgresql.carry(p.b, &giver), RC_OK);
	cr_assert_eq(write_one(p.b, "kb", "under a new key"), RC_OK);
	cr_assert_not(is_giving);
	taken = 0;
	make_list(&l, 0);
	p.a->turns_until = INT64_MAX;
	engine_postgresql.apply(p.a, l.commits);
	p.a->turns_until = 0;
	cr_expect_eq(taken, 1);
	for (unsigned i = 0; i < MANY; i++)
		cr_expect_eq(l.commits[i].rc, RC_CONFLICT);
	cr_expect_not(is_at_server(&p, l.names[0]));
	cr_expect_not(is_at_server(&p, l.names[MANY - 1]));
	cr_expect_eq(count_locks(&p), 0);
	engine_postgresql.apply(p.a, l.commits);
	cr_expect_eq(l.commits[0].rc, RC_OK);
	cr_expect(is_at_server(&p, l.names[MANY - 1]));
	close_pair(&p);
}
