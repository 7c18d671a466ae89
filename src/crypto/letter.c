/* SPDX-License-Identifier: Apache-2.0 */
/* X25519 and scrypt on OpenSSL; the rest is aead and digest.  Costs stand in the key's text and are fixed: a
 * text that asks for others is refused, so nobody can make opening exhaust a machine. */
#include "crypto/letter.h"

#include <stdio.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/evp.h>

#include "base/id.h"
#include "base/limits.h"
#include "crypto/aead.h"
#include "crypto/digest.h"
#include "crypto/passphrase.h"

#define COST   "scrypt$17$8$1$"
#define LOG_N  17u
#define SALT   16u
#define POINT  32u
#define HEADER 128u /* a key's line and a point, at most */

struct reader_key {
	uint8_t salt[SALT], public[POINT];
};

static bool
parse(const char *text, size_t len, struct reader_key *out)
{
	const size_t cost = sizeof(COST) - 1;
	const char *dollar;
	size_t salt, point;

	if (len <= cost || strncmp(text, COST, cost) != 0 ||
	    (dollar = memchr(text + cost, '$', len - cost)) == NULL)
		return false;
	return base64url_parse(text + cost, (size_t)(dollar - text) - cost, out->salt, SALT, &salt) &&
	    salt == SALT &&
	    base64url_parse(dollar + 1, len - (size_t)(dollar - text) - 1, out->public, POINT, &point) &&
	    point == POINT;
}

bool
letter_key_is_good(const char *key)
{
	struct reader_key read;

	return parse(key, strnlen(key, LETTER_KEY), &read);
}

/* The private key that ${passphrase} is. */
static enum rc
derive(struct bytes passphrase, const uint8_t salt[SALT], EVP_PKEY **out)
{
	uint8_t raw[POINT];
	enum rc rc = passphrase_derive(passphrase, LOG_N, salt, raw);

	*out = NULL;
	if (rc == RC_OK)
		*out = EVP_PKEY_new_raw_private_key(EVP_PKEY_X25519, NULL, raw, sizeof(raw));
	wipe(raw, sizeof(raw));
	return rc != RC_OK ? rc : *out == NULL ? RC_UNAVAILABLE : RC_OK;
}

static bool
public_of(const EVP_PKEY *key, uint8_t out[POINT])
{
	size_t len = POINT;

	return EVP_PKEY_get_raw_public_key(key, out, &len) == 1 && len == POINT;
}

enum rc
letter_key(struct bytes passphrase, char out[LETTER_KEY])
{
	char salt[BASE64URL_LEN(SALT) + 1], point[BASE64URL_LEN(POINT) + 1];
	struct reader_key key;
	EVP_PKEY *private;
	enum rc rc;

	if (passphrase.len == 0 || passphrase.len > LIMIT_PASSPHRASE)
		return RC_INVALID;
	random_fill(key.salt, SALT);
	if ((rc = derive(passphrase, key.salt, &private)) != RC_OK)
		return rc;
	rc = public_of(private, key.public) ? RC_OK : RC_INTERNAL;
	EVP_PKEY_free(private);
	base64url_format(key.salt, SALT, salt);
	base64url_format(key.public, POINT, point);
	(void)snprintf(out, LETTER_KEY, COST "%s$%s", salt, point);
	return rc;
}

/* The content key: of what both ends can compute, and nobody else.  A point of small order is refused by
 * OpenSSL, since the shared secret would be zero. */
static enum rc
agree(EVP_PKEY *own, const uint8_t point[POINT], uint8_t key[AEAD_KEY])
{
	EVP_PKEY *other = EVP_PKEY_new_raw_public_key(EVP_PKEY_X25519, NULL, point, POINT);
	EVP_PKEY_CTX *c = other == NULL ? NULL : EVP_PKEY_CTX_new(own, NULL);
	uint8_t shared[POINT];
	size_t len = sizeof(shared);
	const bool is_fine = c != NULL && EVP_PKEY_derive_init(c) == 1 &&
	    EVP_PKEY_derive_set_peer(c, other) == 1 && EVP_PKEY_derive(c, shared, &len) == 1 &&
	    len == sizeof(shared);

	if (is_fine)
		digest_hkdf(BYTES_OF(shared), "menedek letter", key);
	wipe(shared, sizeof(shared));
	EVP_PKEY_CTX_free(c);
	EVP_PKEY_free(other);
	ERR_clear_error();
	return is_fine ? RC_OK : RC_BAD_LOGIN;
}

enum rc
letter_seal(const char *key, struct bytes plain, uint8_t *out, size_t *len)
{
	const size_t line = strnlen(key, LETTER_KEY), head = line + 1 + POINT;
	uint8_t content[AEAD_KEY];
	struct reader_key reader;
	EVP_PKEY *once;
	enum rc rc;

	if (line == LETTER_KEY || !parse(key, line, &reader))
		return RC_MALFORMED;
	if ((once = EVP_PKEY_Q_keygen(NULL, NULL, "X25519")) == NULL)
		return RC_UNAVAILABLE;
	memcpy(out, key, line);
	out[line] = '\n';
	rc = public_of(once, out + line + 1) ? agree(once, reader.public, content) : RC_INTERNAL;
	EVP_PKEY_free(once);
	if (rc == RC_OK)
		rc = aead_seal(
		    content, (struct bytes){ out, head }, plain, out + head, out + head + AEAD_NONCE);
	wipe(content, sizeof(content));
	aead_forget();
	*len = head + AEAD_NONCE + plain.len + AEAD_TAG;
	return rc;
}

enum rc
letter_open(struct bytes passphrase, struct bytes letter, uint8_t *out, size_t *len)
{
	const size_t most = letter.len < HEADER ? letter.len : HEADER;
	const uint8_t *end = memchr(letter.p, '\n', most);
	const size_t line = end == NULL ? 0 : (size_t)(end - letter.p), head = line + 1 + POINT;
	uint8_t content[AEAD_KEY];
	struct reader_key reader;
	EVP_PKEY *own;
	enum rc rc;

	if (end == NULL || !parse((const char *)letter.p, line, &reader) ||
	    letter.len < head + AEAD_NONCE + AEAD_TAG)
		return RC_MALFORMED;
	if (passphrase.len == 0 || passphrase.len > LIMIT_PASSPHRASE)
		return RC_BAD_LOGIN;
	if ((rc = derive(passphrase, reader.salt, &own)) != RC_OK)
		return rc;
	rc = agree(own, letter.p + line + 1, content);
	EVP_PKEY_free(own);
	*len = letter.len - head - AEAD_NONCE - AEAD_TAG;
	if (rc == RC_OK &&
	    aead_open(content, letter.p + head, (struct bytes){ letter.p, head },
		(struct bytes){ letter.p + head + AEAD_NONCE, *len + AEAD_TAG }, out) != RC_OK)
		rc = RC_BAD_LOGIN;
	wipe(content, sizeof(content));
	aead_forget();
	return rc;
}
