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
