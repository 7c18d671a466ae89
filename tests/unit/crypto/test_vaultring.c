/* SPDX-License-Identifier: Apache-2.0 */
#include "scratch.h"

#include "crypto/keyring.h"
#include "crypto/vaultring.h"

#define TEXT   "Fictional street 1"
#define SEALED (sizeof(TEXT) - 1 + VAULT_OVERHEAD)

struct vault {
	struct scratch s;
	struct secret *root;
	struct vaultring *ring;
};

static void
vault_open(struct vault *v)
{
	struct fault f = { 0 };

	v->s = scratch_new();
	v->root = root_of(1);
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
	secret_free(v->root);
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
	struct secret *next = root_of(2);
	struct vaultring *none;
	uint8_t sealed[SEALED];
	struct fault f = { 0 };
	struct vault v;

	vault_open(&v);
	cr_assert_eq(vaultring_seal(v.ring, &house, bytes_str(TEXT), sealed), RC_OK);
	cr_assert_eq(vaultring_rewrap(v.ring, next, &f), RC_OK);
	cr_assert_eq(unseal(&v, &house, sealed), RC_OK);
	cr_assert_eq(vaultring_open(scratch_path(&v.s, "vault"), v.root, &none, &f), RC_CORRUPT);
	secret_free(v.root);
	v.root = next;
	vault_reopen(&v);
	cr_assert_eq(unseal(&v, &house, sealed), RC_OK);
	vault_close(&v);
}

Test(vaultring, a_keyring_is_no_vault_and_a_vault_no_keyring)
{
	struct vaultring *vault;
	struct keyring *ring;
	struct fault f = { 0 };
	struct vault v;

	vault_open(&v);
	cr_assert_eq(keyring_open(scratch_path(&v.s, "vault"), v.root, &ring, &f), RC_CORRUPT);
	cr_assert_eq(keyring_create(scratch_path(&v.s, "ring"), v.root, &f), RC_OK);
	cr_assert_eq(vaultring_open(scratch_path(&v.s, "ring"), v.root, &vault, &f), RC_CORRUPT);
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
	cr_assert_eq(unseal(&v, &house, sealed), RC_NOT_FOUND);
	vault_close(&v);
}
