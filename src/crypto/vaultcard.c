/* SPDX-License-Identifier: Apache-2.0 */
/* One key for one sealing, so two nodes never need to agree on one. */
#include "crypto/vaultcard.h"

#include <string.h>

#define VERSION 2u
#define WRAPPED (AEAD_KEY + AEAD_TAG)
#define HEAD    (1u + AEAD_NONCE + WRAPPED + AEAD_NONCE)

/* Apart from what the ring binds, which begins with 'L': neither passes for the other. */
static const uint8_t purpose[] = "menedek card";

#define BOUND (sizeof(purpose) + 1u + ID_BYTES)

_Static_assert(BOUND <= ROOTKEY_BOUND, "a root key binds no more");
_Static_assert(AEAD_KEY <= ROOTKEY_TEXT, "nor seals more");

static void
put_bound(const struct id *house, uint8_t out[BOUND])
{
	memcpy(out, purpose, sizeof(purpose));
	out[sizeof(purpose)] = VERSION;
	memcpy(out + sizeof(purpose) + 1, house->b, ID_BYTES);
}

bool
vaultcard_is(struct bytes sealed)
{
	return sealed.len >= VAULTCARD_OVERHEAD && sealed.p[0] == VERSION;
}

enum rc
vaultcard_seal(struct rootkey *root, const struct id *house, struct bytes plain, uint8_t *out)
{
	uint8_t key[AEAD_KEY], bound[BOUND];
	uint8_t *wrapped = out + 1 + AEAD_NONCE, *nonce = wrapped + WRAPPED;
	enum rc rc;

	out[0] = VERSION;
	put_bound(house, bound);
	random_fill(key, sizeof(key));
	rc = rootkey_seal(root, BYTES_OF(bound), BYTES_OF(key), out + 1, wrapped);
	if (rc == RC_OK)
		rc = aead_seal(key, BYTES_OF(bound), plain, nonce, out + HEAD);
	aead_forget();
	wipe(key, sizeof(key));
	return rc;
}

enum rc
vaultcard_open(
    struct rootkey *root, const struct id *house, struct bytes sealed, uint8_t *out, size_t *out_len)
{
	uint8_t key[AEAD_KEY] = { 0 }, bound[BOUND];
	const uint8_t *wrapped = sealed.p + 1 + AEAD_NONCE, *nonce = wrapped + WRAPPED;
	enum rc rc;

	*out_len = 0;
	if (!vaultcard_is(sealed))
		return RC_CORRUPT;
	put_bound(house, bound);
	rc = rootkey_open(root, sealed.p + 1, BYTES_OF(bound), (struct bytes){ wrapped, WRAPPED }, key);
	if (rc == RC_OK)
		rc = aead_open(
		    key, nonce, BYTES_OF(bound), (struct bytes){ sealed.p + HEAD, sealed.len - HEAD }, out);
	aead_forget();
	wipe(key, sizeof(key));
	if (rc == RC_OK)
		*out_len = sealed.len - VAULTCARD_OVERHEAD;
	return rc;
}
