/* SPDX-License-Identifier: Apache-2.0 */
#include <sys/stat.h>

#include "scratch.h"

#include "base/file.h"
#include "crypto/keyring.h"
#include "crypto/vaultring.h"

#define TEXT   "Fictional street 1"
#define SEALED (sizeof(TEXT) - 1 + VAULT_OVERHEAD)

static struct rootkey *
rootkey_of(uint8_t byte)
{
	struct secret *bytes = root_of(byte);
	struct rootkey *key;
	struct fault f = { 0 };

	cr_assert_eq(rootkey_new(bytes, &key, &f), RC_OK);
	secret_free(bytes);
	return key;
}

struct vault {
	struct scratch s;
	struct rootkey *root;
	struct vaultring *ring;
};

static void
vault_open(struct vault *v)
{
	struct fault f = { 0 };

	v->s = scratch_new();
	v->root = rootkey_of(1);
	cr_assert_eq(vaultring_create(scratch_path(&v->s, "vault"), v->root, &f), RC_OK);
	cr_assert_eq(vaultring_open(scratch_path(&v->s, "vault"), v->root, &v->ring, &f), RC_OK);
}

static void
vault_reopen(struct vault *v)
{
	struct fault f = { 0 };

	vaultring_free(v->ring);
	cr_assert_eq(vaultring_open(scratch_path(&v->s, "vault"), v->root, &v->ring, &f), RC_OK);
}

static void
vault_close(struct vault *v)
{
	vaultring_free(v->ring);
	rootkey_free(v->root);
	scratch_remove(&v->s);
	assert_no_leak();
}

static enum rc
unseal(struct vault *v, const struct id *house, const uint8_t sealed[SEALED])
{
	uint8_t plain[SEALED];
	size_t len;
	enum rc rc = vaultring_unseal(v->ring, house, (struct bytes){ sealed, SEALED }, plain, &len);

	cr_assert(rc != RC_OK || bytes_equal((struct bytes){ plain, len }, bytes_str(TEXT)));
	return rc;
}

Test(vaultring, a_location_opens_for_its_house_only_also_after_reopening)
{
	enum { HOUSES = 40 };
	uint8_t sealed[HOUSES][SEALED];
	struct id house[HOUSES];
	struct vault v;

	vault_open(&v);
	for (int i = 0; i < HOUSES; i++) {
		house[i] = id_new();
		cr_assert_eq(vaultring_seal(v.ring, &house[i], bytes_str(TEXT), sealed[i]), RC_OK);
	}
	vault_reopen(&v);
	for (int i = 0; i < HOUSES; i++) {
		cr_assert_eq(unseal(&v, &house[i], sealed[i]), RC_OK);
		cr_assert_neq(unseal(&v, &house[(i + 1) % HOUSES], sealed[i]), RC_OK);
	}
	vault_close(&v);
}

Test(vaultring, every_byte_of_a_sealed_location_counts)
{
	struct id house = id_new();
	uint8_t sealed[SEALED];
	struct vault v;

	vault_open(&v);
	cr_assert_eq(vaultring_seal(v.ring, &house, bytes_str(TEXT), sealed), RC_OK);
	for (size_t i = 0; i < SEALED; i++) {
		sealed[i] ^= 1;
		cr_assert_neq(unseal(&v, &house, sealed), RC_OK, "byte %zu", i);
		sealed[i] ^= 1;
	}
	cr_assert_eq(unseal(&v, &house, sealed), RC_OK);
	vault_close(&v);
}

Test(vaultring, destroying_a_key_erases_one_location_and_spares_the_others)
{
	struct id gone = id_new(), stays = id_new(), unknown = id_new();
	uint8_t sealed_gone[SEALED], sealed_stays[SEALED], again[SEALED];
	struct fault f = { 0 };
	struct vault v;

	vault_open(&v);
	cr_assert_eq(vaultring_seal(v.ring, &gone, bytes_str(TEXT), sealed_gone), RC_OK);
	cr_assert_eq(vaultring_seal(v.ring, &stays, bytes_str(TEXT), sealed_stays), RC_OK);
	cr_assert_eq(vaultring_destroy(v.ring, &unknown, &f), RC_NOT_FOUND);
	cr_assert_eq(vaultring_destroy(v.ring, &gone, &f), RC_OK);
	cr_assert_eq(vaultring_destroy(v.ring, &gone, &f), RC_NOT_FOUND);
	cr_assert_eq(unseal(&v, &gone, sealed_gone), RC_NOT_FOUND);
	vault_reopen(&v);
	cr_assert_eq(unseal(&v, &gone, sealed_gone), RC_NOT_FOUND);
	cr_assert_eq(unseal(&v, &stays, sealed_stays), RC_OK);
	/* a location written later has a new key, which does not bring the old one back */
	cr_assert_eq(vaultring_seal(v.ring, &gone, bytes_str(TEXT), again), RC_OK);
	cr_assert_eq(unseal(&v, &gone, again), RC_OK);
	cr_assert_eq(unseal(&v, &gone, sealed_gone), RC_NOT_FOUND);
	vault_close(&v);
}

Test(vaultring, the_file_that_held_a_destroyed_key_is_overwritten)
{
	struct id house = id_new();
	uint8_t sealed[SEALED], byte;
	struct fault f = { 0 };
	struct vault v;
	FILE *before;

	vault_open(&v);
	cr_assert_eq(vaultring_seal(v.ring, &house, bytes_str(TEXT), sealed), RC_OK);
	cr_assert((before = fopen(scratch_path(&v.s, "vault"), "rb")) != NULL); /* keeps the old file alive */
	cr_assert_eq(vaultring_destroy(v.ring, &house, &f), RC_OK);
	while (fread(&byte, 1, 1, before) == 1)
		cr_assert_eq(byte, 0);
	fclose(before);
	vault_close(&v);
}

Test(vaultring, after_rewrapping_only_the_new_root_opens_it)
{
	struct id house = id_new();
	struct rootkey *next = rootkey_of(2);
	struct vaultring *none;
	uint8_t sealed[SEALED];
	struct fault f = { 0 };
	struct vault v;

	vault_open(&v);
	cr_assert_eq(vaultring_seal(v.ring, &house, bytes_str(TEXT), sealed), RC_OK);
	cr_assert_eq(vaultring_rewrap(v.ring, next, &f), RC_OK);
	cr_assert_eq(unseal(&v, &house, sealed), RC_OK);
	cr_assert_eq(vaultring_open(scratch_path(&v.s, "vault"), v.root, &none, &f), RC_CORRUPT);
	rootkey_free(v.root);
	v.root = next;
	vault_reopen(&v);
	cr_assert_eq(unseal(&v, &house, sealed), RC_OK);
	vault_close(&v);
}

Test(vaultring, a_keyring_is_no_vault_and_a_vault_no_keyring)
{
	struct vaultring *vault;
	struct keyring *ring;
	struct secret *same = root_of(1);
	struct fault f = { 0 };
	struct vault v;

	vault_open(&v);
	cr_assert_eq(keyring_open(scratch_path(&v.s, "vault"), same, &ring, &f), RC_CORRUPT);
	cr_assert_eq(keyring_create(scratch_path(&v.s, "ring"), same, &f), RC_OK);
	cr_assert_eq(vaultring_open(scratch_path(&v.s, "ring"), v.root, &vault, &f), RC_CORRUPT);
	secret_free(same);
	vault_close(&v);
}

Test(vaultring, what_cannot_be_written_is_not_sealed)
{
	struct id house = id_new();
	uint8_t sealed[SEALED] = { 1 };
	struct vault v;

	vault_open(&v);
	scratch_remove(&v.s); /* the directory is gone: a key that would be lost must not be used */
	cr_assert_neq(vaultring_seal(v.ring, &house, bytes_str(TEXT), sealed), RC_OK);
	cr_assert_neq(unseal(&v, &house, sealed), RC_OK);
	vault_close(&v);
}

static enum rc
prune(struct vault *v, const struct id *house, uint32_t key)
{
	const struct vaultring_use use = { *house, key };
	struct fault f = { 0 };

	return vaultring_prune(v->ring, &use, 1, &f);
}

Test(vaultring, a_location_sealed_anew_is_under_a_fresh_key_and_the_old_one_opens_until_it_is_pruned)
{
	struct id house = id_new(), other = id_new();
	uint8_t old[SEALED], new[SEALED], others[SEALED];
	size_t houses, keys;
	struct vault v;

	vault_open(&v);
	cr_assert_eq(vaultring_seal(v.ring, &house, bytes_str(TEXT), old), RC_OK);
	cr_assert_eq(vaultring_seal(v.ring, &other, bytes_str(TEXT), others), RC_OK);
	cr_assert_eq(vaultring_reseal(v.ring, &house, BYTES_OF(old), new), RC_OK);
	cr_assert_neq(vault_sealed_id(BYTES_OF(new)), vault_sealed_id(BYTES_OF(old)));
	vault_reopen(&v);
	cr_assert_eq(unseal(&v, &house, old), RC_OK);
	cr_assert_eq(unseal(&v, &house, new), RC_OK);
	vaultring_count(v.ring, &houses, &keys);
	cr_assert(houses == 2 && keys == 3);
	cr_assert_eq(prune(&v, &house, vault_sealed_id(BYTES_OF(others))), RC_OK, "not a key of this house");
	cr_assert_eq(unseal(&v, &house, old), RC_OK);
	cr_assert_eq(prune(&v, &house, vault_sealed_id(BYTES_OF(new))), RC_OK);
	cr_assert_eq(unseal(&v, &house, old), RC_NOT_FOUND);
	vault_reopen(&v);
	cr_assert_eq(unseal(&v, &house, old), RC_NOT_FOUND);
	cr_assert_eq(unseal(&v, &house, new), RC_OK);
	cr_assert_eq(unseal(&v, &other, others), RC_OK);
	cr_assert_eq(prune(&v, &house, 0), RC_OK, "its location carries its own key now");
	cr_assert_eq(unseal(&v, &house, new), RC_NOT_FOUND);
	cr_assert_eq(unseal(&v, &other, others), RC_OK);
	vault_close(&v);
}

Test(vaultring, after_a_renewal_sealing_anew_writes_nothing_and_new_locations_use_the_new_key)
{
	enum { HOUSES = 9 };
	uint8_t old[HOUSES][SEALED], new[SEALED], fresh[SEALED];
	struct id house[HOUSES];
	struct fault f = { 0 };
	struct stat st[2];
	struct vault v;

	vault_open(&v);
	for (int i = 0; i < HOUSES; i++) {
		house[i] = id_new();
		cr_assert_eq(vaultring_seal(v.ring, &house[i], bytes_str(TEXT), old[i]), RC_OK);
	}
	cr_assert_eq(vaultring_renew(v.ring, &f), RC_OK);
	cr_assert_eq(stat(scratch_path(&v.s, "vault"), &st[0]), 0);
	for (int i = 0; i < HOUSES; i++) {
		cr_assert_eq(vaultring_reseal(v.ring, &house[i], BYTES_OF(old[i]), new), RC_OK);
		cr_assert_eq(vaultring_seal(v.ring, &house[i], bytes_str(TEXT), fresh), RC_OK);
		cr_assert_neq(vault_sealed_id(BYTES_OF(new)), vault_sealed_id(BYTES_OF(old[i])));
		cr_assert_eq(vault_sealed_id(BYTES_OF(new)), vault_sealed_id(BYTES_OF(fresh)));
		cr_assert_eq(unseal(&v, &house[i], new), RC_OK);
	}
	cr_assert_eq(stat(scratch_path(&v.s, "vault"), &st[1]), 0);
	cr_assert_eq(st[0].st_ino, st[1].st_ino);
	vault_close(&v);
}

static int
by_house(const void *a, const void *b)
{
	return memcmp(a, b, ID_BYTES);
}

Test(vaultring, one_write_prunes_all_houses_that_are_named)
{
	enum { HOUSES = 9 };
	uint8_t old[HOUSES][SEALED], new[HOUSES][SEALED];
	struct vaultring_use use[HOUSES];
	struct fault f = { 0 };
	struct stat st[2];
	size_t houses, keys;
	struct vault v;

	vault_open(&v);
	for (int i = 0; i < HOUSES; i++)
		use[i].house = id_new();
	qsort(use, HOUSES, sizeof(use[0]), by_house);
	for (int i = 0; i < HOUSES; i++) {
		cr_assert_eq(vaultring_seal(v.ring, &use[i].house, bytes_str(TEXT), old[i]), RC_OK);
		cr_assert_eq(vaultring_reseal(v.ring, &use[i].house, BYTES_OF(old[i]), new[i]), RC_OK);
		use[i].key = vault_sealed_id(BYTES_OF(new[i]));
	}
	use[0].key = 1000;                                                 /* that it does not have */
	cr_assert_eq(vaultring_prune(v.ring, use, HOUSES - 1, &f), RC_OK); /* the last is not named */
	vault_reopen(&v);
	vaultring_count(v.ring, &houses, &keys);
	cr_assert(houses == HOUSES && keys == HOUSES + 2);
	for (int i = 0; i < HOUSES; i++) {
		cr_assert_eq(unseal(&v, &use[i].house, new[i]), RC_OK);
		cr_assert_eq(
		    unseal(&v, &use[i].house, old[i]), i == 0 || i == HOUSES - 1 ? RC_OK : RC_NOT_FOUND);
	}
	cr_assert_eq(stat(scratch_path(&v.s, "vault"), &st[0]), 0);
	cr_assert_eq(vaultring_prune(v.ring, use, HOUSES - 1, &f), RC_OK);
	cr_assert_eq(stat(scratch_path(&v.s, "vault"), &st[1]), 0);
	cr_assert_eq(st[0].st_ino, st[1].st_ino, "nothing to destroy, nothing written");
	vault_close(&v);
}

/* As a crash leaves it between the new file's name and the end of the old one. */
static void
leave_old_file(struct vault *v)
{
	struct fault f = { 0 };
	char *text;
	size_t len;

	cr_assert_eq(file_read(scratch_path(&v->s, "vault"), 65536, &text, &len, &f), RC_OK);
	cr_assert_eq(file_write(scratch_path(&v->s, "vault.old"),
			 (struct bytes){ (const uint8_t *)text, len }, 0600, &f),
	    RC_OK);
	free(text);
}

Test(vaultring, after_a_crash_pruning_and_destroying_again_end_the_old_file_too)
{
	struct id house = id_new();
	uint8_t old[SEALED], new[SEALED];
	struct fault f = { 0 };
	struct vault v;

	vault_open(&v);
	cr_assert_eq(vaultring_seal(v.ring, &house, bytes_str(TEXT), old), RC_OK);
	cr_assert_eq(vaultring_reseal(v.ring, &house, BYTES_OF(old), new), RC_OK);
	cr_assert_eq(prune(&v, &house, vault_sealed_id(BYTES_OF(new))), RC_OK);
	leave_old_file(&v);
	vault_reopen(&v);
	cr_assert_eq(prune(&v, &house, vault_sealed_id(BYTES_OF(new))), RC_OK, "as a rotation that goes on");
	cr_assert_neq(access(scratch_path(&v.s, "vault.old"), F_OK), 0, "the destroyed key is still there");
	cr_assert_eq(vaultring_destroy(v.ring, &house, &f), RC_OK);
	leave_old_file(&v);
	cr_assert_eq(vaultring_destroy(v.ring, &house, &f), RC_NOT_FOUND);
	cr_assert_neq(access(scratch_path(&v.s, "vault.old"), F_OK), 0);
	vault_close(&v);
}

Test(vaultring, destroying_a_house_takes_all_its_keys)
{
	struct id house = id_new();
	uint8_t old[SEALED], new[SEALED];
	struct fault f = { 0 };
	struct vault v;

	vault_open(&v);
	cr_assert_eq(vaultring_seal(v.ring, &house, bytes_str(TEXT), old), RC_OK);
	cr_assert_eq(vaultring_reseal(v.ring, &house, BYTES_OF(old), new), RC_OK);
	cr_assert_eq(vaultring_destroy(v.ring, &house, &f), RC_OK);
	vault_reopen(&v);
	cr_assert_eq(unseal(&v, &house, old), RC_NOT_FOUND);
	cr_assert_eq(unseal(&v, &house, new), RC_NOT_FOUND);
	vault_close(&v);
}

/* Whose ring was read before the other gave up the store's lock. */
Test(vaultring, one_that_is_read_again_loses_no_key_that_another_made)
{
	struct id theirs = id_new(), ours = id_new();
	uint8_t sealed[SEALED], other[SEALED];
	struct vaultring *first;
	struct fault f = { 0 };
	struct vault v;

	vault_open(&v);
	cr_assert_eq(vaultring_open(scratch_path(&v.s, "vault"), v.root, &first, &f), RC_OK);
	cr_assert_eq(vaultring_seal(first, &theirs, bytes_str(TEXT), sealed), RC_OK);
	vaultring_free(first);
	cr_assert_eq(vaultring_reload(v.ring, &f), RC_OK);
	cr_assert_eq(vaultring_seal(v.ring, &ours, bytes_str(TEXT), other), RC_OK);
	vault_reopen(&v);
	cr_assert_eq(unseal(&v, &theirs, sealed), RC_OK);
	cr_assert_eq(unseal(&v, &ours, other), RC_OK);
	vault_close(&v);
}

Test(vaultring, one_that_cannot_be_read_again_is_as_it_was)
{
	struct id house = id_new();
	uint8_t sealed[SEALED];
	struct fault f = { 0 };
	struct vault v;

	vault_open(&v);
	cr_assert_eq(vaultring_seal(v.ring, &house, bytes_str(TEXT), sealed), RC_OK);
	cr_assert_eq(truncate(scratch_path(&v.s, "vault"), 9), 0);
	cr_expect_eq(vaultring_reload(v.ring, &f), RC_CORRUPT);
	cr_expect_eq(unseal(&v, &house, sealed), RC_OK);
	vault_close(&v);
}
