/* SPDX-License-Identifier: Apache-2.0 */
/* One ring for all nodes: a key arrives before what it seals, and one keeper alone makes keys. */
#include "nodes.h"
#include "store/logs.h"

Test(pg_keys, a_key_comes_to_every_node_before_what_it_seals, .timeout = 60)
{
	struct fault f = { 0 };
	struct told told = { .lock = PTHREAD_MUTEX_INITIALIZER };
	struct nodes n;

	NEEDS_SERVER();
	open_nodes(&n);
	store_watch(n.b.store, count_told, &told);
	store_follow(n.b.store);
	cr_assert_not(keyring_is_node(n.a.keyring));
	cr_assert(keyring_is_node(n.b.keyring));
	for (unsigned i = 0; i < 5; i++) {
		char text[16];

		cr_assert_eq(keyring_renew(n.a.keyring, KEY_RECORD, &f), RC_OK);
		snprintf(text, sizeof(text), "under key %u", i);
		put_text(&n.a, "ka", text);
		cr_assert(sees(&n.b, "ka", text));
		cr_assert_eq(
		    keyring_current(n.a.keyring, KEY_RECORD), keyring_current(n.b.keyring, KEY_RECORD));
		put_text(&n.b, "kb", text);
		put_text(&n.a, "kc", text); /* whatever it commits brings what the other did */
		cr_assert(sees(&n.a, "kb", text));
	}
	cr_assert_eq(keyring_renew(n.b.keyring, KEY_RECORD, &f), RC_UNAVAILABLE);
	cr_assert_eq(keyring_day(n.b.keyring, 1800000000, &f), RC_OK);
	close_nodes(&n);
}

/* The last value was sealed before this node heard of the new key: it is sealed anew, never left under the
 * old one. */
Test(pg_keys, what_was_sealed_with_an_old_key_is_refused_at_every_node, .timeout = 60)
{
	struct key k = key_of("ka");
	struct fault f = { 0 };
	struct nodes n;
	struct txn *t;

	NEEDS_SERVER();
	open_nodes(&n); /* nobody follows */
	t = begin(&n.b);
	cr_assert_eq(txn_put(t, &k, KEY_RECORD, bytes_str("old key")), RC_OK);
	cr_assert_eq(keyring_renew(n.a.keyring, KEY_RECORD, &f), RC_OK);
	put_text(&n.a, "kb", "new key");
	cr_assert_neq(commit_now(t), RC_OK);
	put_text(&n.b, "ka", "again");
	close_nodes(&n);
}

/* A directory that was copied with its claim to the keys must not make keys beside the keeper. */
Test(pg_keys, of_two_keepers_the_second_ends, .timeout = 60)
{
	struct fault f = { 0 };
	struct store_stats stats;
	struct nodes n;
	char from[160], to[160];
	uint8_t *text;
	size_t len;
	FILE *file;
	struct txn *t;
	struct key k = key_of("ka");

	NEEDS_SERVER();
	open_nodes(&n);
	store_close(n.b.store);
	fixture_path(&n.a, "db/keeper", from);
	fixture_path(&n.b, "db/keeper", to);
	read_file(from, &text, &len);
	cr_assert((file = fopen(to, "w")) != NULL && fwrite(text, 1, len, file) == len);
	fclose(file);
	free(text);
	keyring_free(n.b.keyring);
	copy_ring(&n);
	cr_assert_eq(fixture_open_store(&n.b, &n.b.store, &f), RC_OK);
	cr_assert_eq(keyring_renew(n.a.keyring, KEY_RECORD, &f), RC_OK);
	put_text(&n.a, "kb", "first");
	cr_assert_eq(keyring_renew(n.b.keyring, KEY_RECORD, &f), RC_OK);
	t = begin(&n.b);
	cr_assert_eq(txn_put(t, &k, KEY_RECORD, bytes_str("lost key")), RC_OK);
	cr_assert_neq(commit_now(t), RC_OK);
	store_stats(n.b.store, &stats);
	cr_assert(stats.is_broken);
	put_text(&n.a, "kc", "goes on");
	close_nodes(&n);
}

/* The keeper dies with keys that nobody has seen, and who takes its place gives out the same ids. */
static void
depose_with_unpublished(unsigned unpublished)
{
	struct fault f = { 0 };
	struct nodes n;

	open_nodes(&n);
	put_text(&n.a, "ka", "of the first");
	for (unsigned i = 0; i < unpublished; i++)
		cr_assert_eq(keyring_renew(n.a.keyring, KEY_RECORD, &f), RC_OK);
	store_close(n.a.store);
	store_close(n.b.store);
	n.b.must_keep_keys = true;
	cr_assert_eq(fixture_open_store(&n.b, &n.b.store, &f), RC_OK);
	cr_assert_eq(keyring_renew(n.b.keyring, KEY_RECORD, &f), RC_OK);
	put_text(&n.b, "kb", "of the second");
	cr_assert_eq(fixture_open_store(&n.a, &n.a.store, &f), RC_OK);
	cr_assert(keyring_is_node(n.a.keyring));
	cr_assert(sees(&n.a, "ka", "of the first"));
	cr_assert(sees(&n.a, "kb", "of the second"));
	cr_assert_eq(keyring_current(n.a.keyring, KEY_RECORD), keyring_current(n.b.keyring, KEY_RECORD));
	put_text(&n.a, "kc", "of the first again");
	store_follow(n.b.store);
	cr_assert(sees(&n.b, "kc", "of the first again"));
	close_nodes(&n);
}

Test(pg_keys, a_key_that_only_the_dead_keeper_knew_gives_way_to_its_successors, .timeout = 60)
{
	NEEDS_SERVER();
	depose_with_unpublished(1);
}

Test(pg_keys, a_deposed_keeper_with_more_keys_than_its_successor_follows, .timeout = 60)
{
	NEEDS_SERVER();
	depose_with_unpublished(3);
}

static void
forget_shared(const struct fixture *x)
{
	const struct key key = log_shared_key();
	char sql[160];

	cr_assert_eq(key.len, 2);
	snprintf(sql, sizeof(sql), "DELETE FROM menedek_kv WHERE k = '\\x%02x%02x' RETURNING ver", key.b[0],
	    key.b[1]);
	cr_assert_str_not_empty(postgres_run(x->conninfo, sql));
}

/* What it had published is still asked of whoever keeps the ring. */
Test(pg_keys, a_ring_with_less_than_was_published_is_not_followed, .timeout = 60)
{
	struct fault f = { 0 };
	struct nodes n;

	NEEDS_SERVER();
	open_nodes(&n);
	store_close(n.b.store);
	cr_assert_eq(keyring_renew(n.a.keyring, KEY_RECORD, &f), RC_OK);
	put_text(&n.a, "ka", "published");
	store_close(n.a.store);
	forget_shared(&n.a);
	n.b.must_keep_keys = true;
	cr_assert_eq(fixture_open_store(&n.b, &n.b.store, &f), RC_OK);
	cr_assert_neq(fixture_open_store(&n.a, &n.a.store, &f), RC_OK);
	n.a.store = NULL;
	close_nodes(&n);
}

/* Its ring's file cannot be read at the moment: what is sealed under its newest key must wait. */
Test(pg_keys, nothing_is_committed_under_a_key_that_could_not_be_given, .timeout = 60)
{
	struct fault f = { 0 };
	struct nodes n;
	struct txn *t;
	struct key k = key_of("ka");
	char path[160], away[160];

	NEEDS_SERVER();
	open_nodes(&n);
	store_follow(n.b.store);
	fixture_path(&n.a, "ring", path);
	fixture_path(&n.a, "away", away);
	cr_assert_eq(keyring_renew(n.a.keyring, KEY_RECORD, &f), RC_OK);
	cr_assert_eq(rename(path, away), 0);
	t = begin(&n.a);
	cr_assert_eq(txn_put(t, &k, KEY_RECORD, bytes_str("unreadable")), RC_OK);
	cr_assert_eq(commit_now(t), RC_UNAVAILABLE);
	cr_assert_eq(rename(away, path), 0);
	put_text(&n.a, "ka", "readable");
	cr_assert(sees(&n.b, "ka", "readable"));
	close_nodes(&n);
}

static void
write_ring(const struct fixture *x, const uint8_t *text, size_t len)
{
	char path[160];
	FILE *file;

	fixture_path(x, "ring", path);
	cr_assert((file = fopen(path, "w")) != NULL && fwrite(text, 1, len, file) == len);
	fclose(file);
}

static void
reopen_ring(struct fixture *x)
{
	struct secret *root = secret_new(32);
	struct fault f = { 0 };
	char path[160];

	keyring_free(x->keyring);
	fixture_path(x, "ring", path);
	cr_assert_eq(keyring_open(path, root, &x->keyring, &f), RC_OK);
	secret_free(root);
}

/* The keeper's machine comes back from an image that was taken before a key was destroyed. */
Test(pg_keys, a_keeper_from_an_old_image_brings_no_destroyed_key_back, .timeout = 60)
{
	struct fault f = { 0 };
	struct nodes n;
	uint32_t old;
	uint8_t *image;
	size_t len;
	unsigned left;
	char path[160];

	NEEDS_SERVER();
	open_nodes(&n);
	store_follow(n.b.store);
	old = keyring_current(n.a.keyring, KEY_TOKEN);
	cr_assert_eq(keyring_renew(n.a.keyring, KEY_TOKEN, &f), RC_OK);
	put_text(&n.a, "ka", "before");
	fixture_path(&n.a, "ring", path);
	read_file(path, &image, &len);
	cr_assert_eq(keyring_retire(n.a.keyring, &old, 1, &f), RC_OK);
	left = keyring_count(n.a.keyring);
	put_text(&n.a, "ka", "destroyed");
	cr_assert(sees(&n.b, "ka", "destroyed"));
	store_close(n.a.store);
	write_ring(&n.a, image, len);
	free(image);
	reopen_ring(&n.a);
	cr_assert_eq(keyring_count(n.a.keyring), left + 1);
	cr_assert_eq(fixture_open_store(&n.a, &n.a.store, &f), RC_OK);
	put_text(&n.a, "ka", "after");
	cr_assert(sees(&n.b, "ka", "after"));
	cr_assert(!keyring_is_node(n.a.keyring));
	cr_assert_eq(keyring_count(n.a.keyring), left);
	cr_assert_eq(keyring_count(n.b.keyring), left);
	close_nodes(&n);
}
