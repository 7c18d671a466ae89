/* SPDX-License-Identifier: Apache-2.0 */
/* Locations that carry their key: what one vault seals another opens, with the root and nothing else. */
#include "scratch.h"

#include "crypto/vaultcard.h"
#include "crypto/vaultring.h"

#define TEXT   "Fictional street 1"
#define SEALED (sizeof(TEXT) - 1 + VAULTCARD_OVERHEAD)

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

static enum rc
open_card(struct rootkey *root, const struct id *house, struct bytes sealed)
{
	uint8_t plain[SEALED];
	size_t len;
	enum rc rc = vaultcard_open(root, house, sealed, plain, &len);

	cr_assert(rc != RC_OK || bytes_equal((struct bytes){ plain, len }, bytes_str(TEXT)));
	cr_assert(rc == RC_OK || len == 0);
	return rc;
}

Test(vaultcard, opens_with_the_root_alone_for_its_house_only)
{
	struct rootkey *here = rootkey_of(1), *there = rootkey_of(1), *other = rootkey_of(2);
	const struct id house = id_new(), stranger = id_new();
	uint8_t sealed[SEALED], again[SEALED];

	cr_assert_eq(vaultcard_seal(here, &house, bytes_str(TEXT), sealed), RC_OK);
	cr_assert_eq(vaultcard_seal(here, &house, bytes_str(TEXT), again), RC_OK);
	cr_assert(vaultcard_is(BYTES_OF(sealed)));
	cr_assert_neq(memcmp(sealed, again, SEALED), 0, "a key of its own each time");
	cr_assert_eq(open_card(there, &house, BYTES_OF(sealed)), RC_OK);
	cr_assert_neq(open_card(there, &stranger, BYTES_OF(sealed)), RC_OK);
	cr_assert_neq(open_card(other, &house, BYTES_OF(sealed)), RC_OK);
	rootkey_free(here);
	rootkey_free(there);
	rootkey_free(other);
}

Test(vaultcard, every_byte_counts_and_so_does_the_length)
{
	struct rootkey *root = rootkey_of(1);
	const struct id house = id_new();
	uint8_t sealed[SEALED];

	cr_assert_eq(vaultcard_seal(root, &house, bytes_str(TEXT), sealed), RC_OK);
	for (size_t i = 0; i < SEALED; i++) {
		sealed[i] ^= 1;
		cr_assert_neq(open_card(root, &house, BYTES_OF(sealed)), RC_OK, "byte %zu", i);
		sealed[i] ^= 1;
		cr_assert_neq(open_card(root, &house, (struct bytes){ sealed, i }), RC_OK, "length %zu", i);
	}
	cr_assert_eq(open_card(root, &house, BYTES_OF(sealed)), RC_OK);
	rootkey_free(root);
}

/* The ring must not take a card for its own, nor give one a meaning to whoever prunes keys. */
Test(vaultcard, is_no_value_of_the_ring_and_the_ring_s_is_no_card)
{
	struct scratch s = scratch_new();
	struct rootkey *root = rootkey_of(1);
	const struct id house = id_new();
	uint8_t card[SEALED], own[sizeof(TEXT) - 1 + VAULT_OVERHEAD], plain[SEALED];
	struct vaultring *ring;
	struct fault f = { 0 };
	size_t len;

	cr_assert_eq(vaultring_create(scratch_path(&s, "vault"), root, &f), RC_OK);
	cr_assert_eq(vaultring_open(scratch_path(&s, "vault"), root, &ring, &f), RC_OK);
	cr_assert_eq(vaultring_seal(ring, &house, bytes_str(TEXT), own), RC_OK);
	cr_assert_eq(vaultcard_seal(root, &house, bytes_str(TEXT), card), RC_OK);
	cr_assert_not(vaultcard_is(BYTES_OF(own)));
	cr_assert_eq(vault_sealed_id(BYTES_OF(card)), 0);
	cr_assert_eq(vaultring_unseal(ring, &house, BYTES_OF(card), plain, &len), RC_CORRUPT);
	vaultring_free(ring);
	rootkey_free(root);
	scratch_remove(&s);
	assert_no_leak();
}
