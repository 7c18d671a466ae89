/* SPDX-License-Identifier: Apache-2.0 */
/* A root key in memory, or in a token.  In memory its schedule leaves the thread's context after each use: it
 * opens everything. */
#include "crypto/rootkey.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "crypto/pkcs11.h"

#define PATH_CAP 512u

struct rootkey {
	atomic_uint owners;
	struct secret *bytes; /* NULL: in the token */
	struct pkcs11 *token;
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

static enum rc
load_bytes(const char *path, struct rootkey **out, struct fault *f)
{
	struct secret *bytes = NULL;
	enum rc rc;

	if ((rc = file_read_secret(path, AEAD_KEY, &bytes, f)) != RC_OK)
		return rc;
	if (secret_len(bytes) == AEAD_KEY)
		rc = rootkey_new(bytes, out, f);
	else
		rc = fault_set(f, RC_CORRUPT, MSG_KEY_LENGTH, NULL, AEAD_KEY, path_name(path));
	secret_free(bytes);
	return rc;
}

static enum rc
load_token(const char *path, struct rootkey **out, struct fault *f)
{
	struct rootkey *key = calloc(1, sizeof(*key));
	enum rc rc;

	if (key == NULL)
		return fault_set(f, RC_UNAVAILABLE, MSG_UNAVAILABLE, NULL, 0, NULL);
	atomic_init(&key->owners, 1);
	if ((rc = pkcs11_open(path, &key->token, f)) != RC_OK) {
		free(key);
		return rc;
	}
	*out = key;
	return RC_OK;
}

/* NAME.root -> NAME.pkcs11 */
static bool
token_path(const char *path, char out[PATH_CAP])
{
	const size_t len = strlen(path);

	if (len < sizeof(".root") || strcmp(path + len - 5, ".root") != 0 ||
	    len - 5 + sizeof(".pkcs11") > PATH_CAP)
		return false;
	memcpy(out, path, len - 5);
	memcpy(out + len - 5, ".pkcs11", sizeof(".pkcs11"));
	return true;
}

bool
rootkey_has_token(const char *path)
{
	char token[PATH_CAP];

	return token_path(path, token) && file_exists(token);
}

enum rc
rootkey_load(const char *path, struct rootkey **out, struct fault *f)
{
	char token[PATH_CAP];

	*out = NULL;
	if (!token_path(path, token) || !file_exists(token))
		return load_bytes(path, out, f);
	if (file_exists(path))
		return fault_set(f, RC_STATE_CONFLICT, MSG_ROOT_TWICE, NULL, 0, path_name(path));
	return load_token(token, out, f);
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
	pkcs11_close(key->token);
	secret_free(key->bytes);
	free(key);
}

const char *
rootkey_path(const struct rootkey *key, unsigned i)
{
	return key->token == NULL ? NULL : pkcs11_path(key->token, i);
}

bool
rootkey_is_in_token(const struct rootkey *key)
{
	return key->token != NULL;
}

enum rc
rootkey_seal(
    struct rootkey *key, struct bytes bound, struct bytes plain, uint8_t nonce[AEAD_NONCE], uint8_t *out)
{
	enum rc rc;

	if (plain.len > ROOTKEY_TEXT || bound.len > ROOTKEY_BOUND)
		return RC_TOO_BIG;
	if (key->token != NULL)
		return pkcs11_seal(key->token, bound, plain, nonce, out);
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
	if (key->token != NULL)
		return pkcs11_unseal(key->token, nonce, bound, sealed, out);
	rc = aead_open(secret_view(key->bytes), nonce, bound, sealed, out);
	aead_forget();
	return rc;
}
