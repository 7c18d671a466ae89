/* SPDX-License-Identifier: Apache-2.0 */
/* The root key in memory.  Its schedule leaves the thread's context after each use: it opens everything. */
#include "crypto/rootkey.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"

struct rootkey {
	atomic_uint owners;
	struct secret *bytes;
};

enum rc
rootkey_new(const struct secret *bytes, struct rootkey **out, struct fault *f)
{
	struct rootkey *key;

	*out = NULL;
	if (secret_len(bytes) != AEAD_KEY)
		return fault_set(f, RC_INVALID, MSG_KEY_LENGTH, NULL, AEAD_KEY, "root");
	if ((key = calloc(1, sizeof(*key))) == NULL)
		return fault_set(f, RC_UNAVAILABLE, MSG_UNAVAILABLE, NULL, 0, NULL);
	if ((key->bytes = secret_new(AEAD_KEY)) == NULL) {
		free(key);
		return fault_set(f, RC_UNAVAILABLE, MSG_NO_LOCKED_MEMORY, NULL, 0, "root");
	}
	memcpy(secret_bytes(key->bytes), secret_view(bytes), AEAD_KEY);
	atomic_init(&key->owners, 1);
	*out = key;
	return RC_OK;
}

enum rc
rootkey_load(const char *path, struct rootkey **out, struct fault *f)
{
	struct secret *bytes = NULL;
	enum rc rc;

	*out = NULL;
	if ((rc = file_read_secret(path, AEAD_KEY, &bytes, f)) != RC_OK)
		return rc;
	if (secret_len(bytes) == AEAD_KEY)
		rc = rootkey_new(bytes, out, f);
	else
		rc = fault_set(f, RC_CORRUPT, MSG_KEY_LENGTH, NULL, AEAD_KEY, strrchr(path, '/') + 1);
	secret_free(bytes);
	return rc;
}

struct rootkey *
rootkey_share(struct rootkey *key)
{
	atomic_fetch_add(&key->owners, 1);
	return key;
}

void
rootkey_free(struct rootkey *key)
{
	if (key == NULL || atomic_fetch_sub(&key->owners, 1) > 1)
		return;
	secret_free(key->bytes);
	free(key);
}

enum rc
rootkey_seal(
    struct rootkey *key, struct bytes bound, struct bytes plain, uint8_t nonce[AEAD_NONCE], uint8_t *out)
{
	enum rc rc;

	if (plain.len > ROOTKEY_TEXT || bound.len > ROOTKEY_BOUND)
		return RC_TOO_BIG;
	rc = aead_seal(secret_view(key->bytes), bound, plain, nonce, out);
	aead_forget();
	return rc;
}

enum rc
rootkey_open(struct rootkey *key, const uint8_t nonce[AEAD_NONCE], struct bytes bound, struct bytes sealed,
    uint8_t *out)
{
	enum rc rc;

	if (sealed.len > ROOTKEY_TEXT + AEAD_TAG || bound.len > ROOTKEY_BOUND)
		return RC_TOO_BIG;
	rc = aead_open(secret_view(key->bytes), nonce, bound, sealed, out);
	aead_forget();
	return rc;
}
