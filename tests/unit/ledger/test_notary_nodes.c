/* SPDX-License-Identifier: Apache-2.0 */
/* Of several nodes the one signs that wrote, and all have what it signed; what a dead one has left is signed
 * too. */
#include "../store/nodes.h"
#include "ledger/checkpoint.h"
#include "ledger/notary.h"
#include "ledger/tree.h"

#define ENTRIES 10u
#define MANY    400u
#define ROUNDS  8u

/* A node with a notary. */
struct signing_node {
	struct fixture *x;
	struct notary *notary;
	char file[160];
};

static struct nodes n;
static struct signing_key *key;
static struct signer signer;

static void
open_all(void)
{
	struct pem private, public;

	open_nodes(&n);
	cr_assert_eq(signing_new(&private, &public), RC_OK);
	cr_assert_eq(signing_load(&private, true, &key), RC_OK);
	cr_assert_eq(signer_init(&signer, "localhost", key), RC_OK);
}

static void
start_with(struct signing_node *s, struct fixture *x, unsigned entries, unsigned seconds)
{
	const struct notary_options options = { .entries = entries, .seconds = seconds, .file = s->file };
	struct fault f = { 0 };

	s->x = x;
	fixture_path(x, "checkpoints", s->file);
	cr_assert_eq(notary_open(&signer, &options, &s->notary, &f), RC_OK);
	cr_assert_eq(notary_start(s->notary, x->store, &f), RC_OK);
}

static void
start(struct signing_node *s, struct fixture *x)
{
	start_with(s, x, ENTRIES, 3600);
}

static void
stop(struct signing_node *s)
{
	notary_stop(s->notary);
	unlink(s->file);
}

static void
close_all(struct signing_node *a, struct signing_node *b)
{
	close_nodes(&n);
	if (a != NULL)
		notary_free(a->notary);
	notary_free(b->notary);
	signing_free(key);
}

static enum rc
append(struct txn *t, void *arg UNUSED)
{
	struct audit_entry e = { .at = 1000, .action = "orgs_read" };

	random_fill(e.salt, sizeof(e.salt));
	return ledger_record(t, &e);
}

static void
fill(struct fixture *x, unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		arena_rewind(x->arena, 0);
		cr_assert_eq(store_update(x->store, x->arena, append, NULL), RC_OK);
	}
}

/* Entries that the newest checkpoint in its file covers. */
static uint64_t
covered(const struct signing_node *s)
{
	FILE *in = fopen(s->file, "r");
	char line[CHECKPOINT_TEXT];
	struct checkpoint c;
	uint64_t last = 0;

	while (in != NULL && fgets(line, sizeof(line), in) != NULL)
		if (checkpoint_read_line(&signer, bytes_str(line), &c))
			last = c.size;
	if (in != NULL)
		fclose(in);
	return last;
}

static bool
comes(const struct signing_node *s, uint64_t size)
{
	for (unsigned i = 0; i < 600 && covered(s) < size; i++)
		usleep(50000);
	return covered(s) >= size;
}

static uint64_t
commits_of(const struct fixture *x)
{
	struct store_stats stats;

	store_stats(x->store, &stats);
	return stats.commits + stats.conflicts + stats.failed;
}

Test(notary_nodes, who_wrote_signs_and_the_other_sends_it_too, .timeout = 60)
{
	struct signing_node a, b;
	bool is_left = false;
	unsigned rounds = 0;
	uint64_t before;

	NEEDS_SERVER();
	open_all();
	start(&a, &n.a);
	start(&b, &n.b);
	store_follow(n.a.store);
	store_follow(n.b.store);
	usleep(300000); /* what each begins with */
	/* a node that stood still for longer than the other waits has left it something to sign */
	for (unsigned i = 1; i <= ROUNDS && !is_left; i++) {
		before = commits_of(&n.b);
		fill(&n.a, MANY);
		cr_expect(comes(&a, i * MANY - ENTRIES) && comes(&b, i * MANY - ENTRIES));
		rounds = i;
		is_left = commits_of(&n.b) == before;
	}
	cr_expect(is_left, "it wrote nothing and need not sign");
	stop(&a);
	cr_expect(comes(&b, rounds * MANY), "what the first signed as it ended");
	stop(&b);
	close_all(&a, &b);
}

/* A comparison tells in the order of keys: entries that are younger than the checkpoint come before it. */
Test(notary_nodes, what_is_told_before_a_checkpoint_may_be_younger, .timeout = 60)
{
	struct checkpoint c;
	struct signing_node b;

	NEEDS_SERVER();
	open_all();
	start_with(&b, &n.b, 1000, 1);
	usleep(300000);
	fill(&n.a, 3);
	arena_rewind(n.a.arena, 0);
	cr_assert_eq(tree_sign(n.a.store, n.a.arena, &signer, 1000, &c), RC_OK);
	fill(&n.a, 2);
	postgres_run(n.a.conninfo,
	    "UPDATE menedek_meta SET value = (SELECT max(xid) FROM menedek_changes)::text"
	    " WHERE name = 'pruned'");
	store_follow(n.b.store);
	cr_expect(comes(&b, 5));
	stop(&b);
	close_all(NULL, &b);
}

Test(notary_nodes, what_nobody_signs_is_signed_by_another, .timeout = 60)
{
	struct signing_node b;

	NEEDS_SERVER();
	open_all();
	start(&b, &n.b);
	store_follow(n.b.store);
	fill(&n.a, 3 * ENTRIES);
	cr_expect(comes(&b, ENTRIES));
	stop(&b);
	close_all(NULL, &b);
}
