/* SPDX-License-Identifier: Apache-2.0 */
/* The keys of locations as they change: sealed anew, carried between nodes, taken into the ring and out. */
#include "patient_poll.h"
#include "scene.h"

static struct scene x;

static void
open_scene(void)
{
	scene_new(&x);
}

static void
close_scene(void)
{
	scene_free(&x);
}

TestSuite(vault_keys, .init = open_scene, .fini = close_scene);

static void
seal_anew(void)
{
	struct sealed_location old, next;
	struct key key = record_key(KIND_LOCATION, &x.house);
	struct txn *t;
	size_t len;

	cr_assert_eq(txn_begin(x.store, x.arena, &t), RC_OK);
	cr_assert_eq(record_get(t, KIND_LOCATION, &key, &old), RC_OK);
	txn_end(t);
	cr_assert_eq(
	    vault_reseal(x.vault, &x.house, (struct bytes){ old.sealed, old.len }, next.sealed, &len), RC_OK);
	next.len = (uint16_t)len;
	cr_assert_neq(memcmp(old.sealed, next.sealed, old.len), 0);
	scene_put(&x, KIND_LOCATION, &x.house, &next);
}

Test(vault_keys, new_keys_replace_old_ones_and_the_quota_survives)
{
	struct vault_status s;

	scene_commit(&x, &x.disclosure);
	cr_assert_eq(scene_unseal(&x), RC_OK);
	cr_assert_eq(vault_renew(x.vault), RC_OK);
	cr_assert_eq(vault_status(x.vault, &s), RC_OK);
	cr_assert_eq(s.keys, s.houses + 1, "the house has two keys, the quota one");
	seal_anew();
	cr_assert_eq(vault_prune(x.vault), RC_OK);
	cr_assert_eq(vault_rewrap(x.vault), RC_OK);
	scene_restart(&x);
	cr_assert_eq(vault_status(x.vault, &s), RC_OK);
	cr_assert_eq(s.keys, s.houses);
	cr_assert_eq(s.desk_used, 1);
	x.disclosure.id = id_new();
	scene_commit(&x, &x.disclosure);
	cr_assert_eq(scene_unseal(&x), RC_OK);
}

/* The vault of another node: the same keys, a ring of its own that knows no house. */
static void
be_another_node(void)
{
	struct fault f = { .count = 0 };
	char name[128];

	scene_close(&x);
	cr_assert(path_join(name, sizeof(name), x.options.dir, "ring"));
	cr_assert_eq(unlink(name), 0);
	cr_assert(path_join(name, sizeof(name), x.options.dir, "quota"));
	cr_assert_eq(unlink(name), 0);
	cr_assert_eq(vault_create(x.options.dir, x.root, &f), RC_OK);
	scene_start(&x);
	scene_open(&x);
}

/* As the store of several nodes is known: by the database's name in its directory. */
static void
share_store(void)
{
	struct fault f = { .count = 0 };
	char name[128];

	cr_assert(path_join(name, sizeof(name), x.options.store, PG_CONNINFO));
	cr_assert_eq(file_write(name, bytes_str("host=nowhere"), 0600, &f), RC_OK);
	scene_restart(&x);
}

static void
unshare_store(void)
{
	char name[128];

	cr_assert(path_join(name, sizeof(name), x.options.store, PG_CONNINFO));
	cr_assert_eq(unlink(name), 0);
	scene_restart(&x);
}

Test(vault_keys, of_several_nodes_each_opens_what_any_has_sealed)
{
	struct vault_status s;

	share_store();
	scene_location(&x, &x.house);
	be_another_node();
	cr_assert_eq(vault_status(x.vault, &s), RC_OK);
	cr_assert_eq(s.keys, 1, "the quota's alone");
	scene_commit(&x, &x.disclosure);
	cr_assert_eq(scene_unseal(&x), RC_OK);
	cr_assert_eq(scene_unseal(&x), RC_WITHHELD, "told once, by this vault");
}

Test(vault_keys, without_several_nodes_no_key_leaves_the_ring)
{
	scene_location(&x, &x.house);
	be_another_node();
	scene_commit(&x, &x.disclosure);
	cr_assert_eq(scene_unseal(&x), RC_WITHHELD);
}

Test(vault_keys, a_rotation_takes_locations_out_of_the_ring_and_back)
{
	struct vault_status s;

	scene_commit(&x, &x.disclosure);
	share_store();
	cr_assert_eq(vault_renew(x.vault), RC_OK);
	seal_anew();
	cr_assert_eq(vault_prune(x.vault), RC_OK);
	cr_assert_eq(vault_status(x.vault, &s), RC_OK);
	cr_assert_eq(s.keys, 1, "the location carries its key, the ring holds the quota's alone");
	seal_anew();
	cr_assert_eq(scene_unseal(&x), RC_OK);
	unshare_store();
	seal_anew();
	cr_assert_eq(vault_prune(x.vault), RC_OK);
	cr_assert_eq(vault_status(x.vault, &s), RC_OK);
	cr_assert_eq(s.keys, 2, "one machine again: a key in the ring");
	x.disclosure.id = id_new();
	scene_commit(&x, &x.disclosure);
	cr_assert_eq(scene_unseal(&x), RC_OK);
	be_another_node();
	x.disclosure.id = id_new();
	scene_commit(&x, &x.disclosure);
	cr_assert_eq(scene_unseal(&x), RC_WITHHELD);
}

Test(vault_keys, follows_new_keys_of_the_records_without_a_restart)
{
	struct fault f = { .count = 0 };

	cr_assert_eq(keyring_renew(x.ring, KEY_AUDIT, &f), RC_OK);
	cr_assert_eq(keyring_day(x.ring, clock_now() + 86400, &f), RC_OK);
	scene_records(&x);
	scene_commit(&x, &x.disclosure);
	cr_assert_eq(scene_unseal(&x), RC_OK);
}

/* What a node finds that was the keeper, and had keys that nobody else ever saw: the successor's ring, which
 * has given out fewer ids, some of them those of its own. */
static void
be_deposed(struct keyring *successor, uint32_t known)
{
	struct keyring_mark mark;
	char *text;
	size_t len;

	cr_assert_eq(keyring_export(successor, &text, &len, &mark), RC_OK);
	cr_assert_eq(
	    keyring_import(x.ring, (struct bytes){ (const uint8_t *)text, len }, true, known), RC_OK);
	free(text);
}

static struct keyring *
make_successor(uint32_t *known)
{
	struct secret *root = NULL;
	struct keyring_mark mark;
	struct keyring *ring;
	struct fault f = { .count = 0 };
	char path[96], *text;
	size_t len;

	(void)snprintf(path, sizeof(path), "%s/successor", x.dir);
	cr_assert_eq(keyring_export(x.ring, &text, &len, &mark), RC_OK);
	cr_assert_eq(file_write(path, (struct bytes){ (const uint8_t *)text, len }, 0600, &f), RC_OK);
	free(text);
	cr_assert_eq(file_read_secret(x.path[3], AEAD_KEY, &root, &f), RC_OK);
	cr_assert_eq(keyring_open(path, root, &ring, &f), RC_OK);
	secret_free(root);
	*known = mark.next_id;
	return ring;
}

/* The vault is forked before the store is opened, and so before the service learns it. */
Test(vault_keys, of_a_deposed_keeper_opens_what_its_successor_sealed)
{
	struct keyring *successor;
	struct fault f = { .count = 0 };
	uint32_t known;

	scene_close(&x);
	successor = make_successor(&known);
	for (unsigned i = 0; i < 3; i++)
		cr_assert_eq(keyring_renew(x.ring, KEY_RECORD, &f), RC_OK);
	cr_assert_eq(keyring_renew(successor, KEY_RECORD, &f), RC_OK);
	cr_assert_eq(keyring_renew(successor, KEY_DETAIL, &f), RC_OK);
	scene_start(&x);
	be_deposed(successor, known);
	keyring_free(successor);
	scene_open(&x);
	scene_records(&x);
	scene_commit(&x, &x.disclosure);
	cr_assert_eq(scene_unseal(&x), RC_OK);
}

/* From then on an older file is an old one that somebody put back. */
Test(vault_keys, are_not_taken_from_an_older_file_once_the_store_is_open)
{
	struct keyring *older;
	struct fault f = { .count = 0 };
	uint32_t known;

	older = make_successor(&known);
	for (unsigned i = 0; i < 2; i++)
		cr_assert_eq(keyring_renew(x.ring, KEY_RECORD, &f), RC_OK);
	scene_records(&x);
	scene_commit(&x, &x.disclosure);
	cr_assert_eq(scene_unseal(&x), RC_OK);
	x.disclosure.id = id_new();
	scene_commit(&x, &x.disclosure);
	cr_assert_eq(keyring_renew(older, KEY_RECORD, &f), RC_OK);
	be_deposed(older, known);
	keyring_free(older);
	cr_assert_eq(scene_unseal(&x), RC_OK, "with the keys that it had");
}

/* The vault reads its keys before the service has the store's lock, which another may give up only then. */
Test(vault_keys, and_tellings_of_who_had_the_store_until_then_are_kept)
{
	struct id second = id_new(), third = id_new();
	struct vault *next;
	struct vault_status s;

	scene_close(&x);
	scene_start(&x);
	next = x.vault;
	scene_start(&x);
	scene_open(&x);
	scene_location(&x, &second);
	scene_commit(&x, &x.disclosure);
	cr_assert_eq(scene_unseal(&x), RC_OK);
	cr_assert_eq(vault_renew(x.vault), RC_OK);
	scene_close(&x);

	x.vault = next;
	scene_open(&x);
	cr_assert_eq(vault_status(x.vault, &s), RC_OK);
	cr_expect_eq(s.houses, 3, "the quota's own, the first and the second");
	cr_expect_eq(s.keys, 5, "of each house two");
	cr_expect_eq(s.desk_used, 1);
	cr_expect_eq(scene_unseal(&x), RC_WITHHELD, "it was told once");
	scene_location(&x, &third);
	scene_restart(&x);
	cr_assert_eq(vault_status(x.vault, &s), RC_OK);
	cr_expect_eq(s.houses, 4, "no key was written over");
	cr_expect_eq(s.desk_used, 1);
}

/* Who is refused the store may have read the ring while it was between one key and the next. */
Test(vault_keys, of_who_does_not_get_the_store_touch_no_file)
{
	struct stat before, after;
	char path[96];

	(void)snprintf(path, sizeof(path), "%s/quota", x.options.dir);
	scene_close(&x);
	cr_assert_eq(truncate(path, 5), 0);
	cr_assert_eq(stat(path, &before), 0);
	scene_start(&x);
	vault_stop(x.vault);
	x.vault = NULL;
	cr_assert_eq(stat(path, &after), 0);
	cr_expect_eq(after.st_ino, before.st_ino);
	cr_expect_eq(after.st_size, 5, "the quota is whose who serves");
}
