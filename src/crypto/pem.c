/* SPDX-License-Identifier: Apache-2.0 */
/* PEM in and out, what a certificate says of itself, and the bundle for browsers. */
#include "crypto/pem.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <openssl/err.h>
#include <openssl/pkcs12.h>

#define PKCS12_ROUNDS 100000 /* of PBKDF2; the bundle leaves the machine */

/* Without it OpenSSL would ask on the terminal. */
static int
no_passphrase(char *buf UNUSED, int size UNUSED, int is_writing UNUSED, void *arg UNUSED)
{
	return -1;
}

static BIO *
reader(const char *text, size_t len)
{
	return len > INT_MAX ? NULL : BIO_new_mem_buf(text, (int)len);
}

EVP_PKEY *
pem_read_key(const struct pem *key)
{
	BIO *bio = reader(key->text, strnlen(key->text, sizeof(key->text)));
	EVP_PKEY *pkey = bio == NULL ? NULL : PEM_read_bio_PrivateKey(bio, NULL, no_passphrase, NULL);

	BIO_free(bio);
	return pkey;
}

EVP_PKEY *
pem_read_public(const struct pem *key)
{
	BIO *bio = reader(key->text, strnlen(key->text, sizeof(key->text)));
	EVP_PKEY *pkey = bio == NULL ? NULL : PEM_read_bio_PUBKEY(bio, NULL, no_passphrase, NULL);

	BIO_free(bio);
	return pkey;
}

X509 *
pem_read_cert(const char *text)
{
	BIO *bio = reader(text, strlen(text));
	X509 *cert = bio == NULL ? NULL : PEM_read_bio_X509(bio, NULL, no_passphrase, NULL);

	BIO_free(bio);
	return cert;
}

X509_REQ *
pem_read_request(struct bytes text)
{
	BIO *bio = text.len > LIMIT_CERT_PEM ? NULL : reader((const char *)text.p, text.len);
	X509_REQ *request = bio == NULL ? NULL : PEM_read_bio_X509_REQ(bio, NULL, no_passphrase, NULL);

	BIO_free(bio);
	return request;
}

/* Take what was written to ${bio}, wipe and free it. */
static enum rc
take(BIO *bio, int written, struct pem *out)
{
	char *p = NULL;
	long len = bio == NULL ? 0 : BIO_get_mem_data(bio, &p);
	enum rc rc = RC_OK;

	memset(out, 0, sizeof(*out));
	if (written != 1 || len <= 0)
		rc = RC_INTERNAL;
	else if ((size_t)len >= sizeof(out->text))
		rc = RC_TOO_BIG;
	else
		memcpy(out->text, p, (size_t)len);
	if (len > 0)
		wipe(p, (size_t)len);
	BIO_free(bio);
	ERR_clear_error();
	return rc;
}

enum rc
pem_write_key(EVP_PKEY *key, struct pem *out)
{
	BIO *bio = BIO_new(BIO_s_secmem());
	int written = bio == NULL ? 0 : PEM_write_bio_PKCS8PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL);

	return take(bio, written, out);
}

enum rc
pem_write_public(EVP_PKEY *key, struct pem *out)
{
	BIO *bio = BIO_new(BIO_s_mem());
	int written = bio == NULL ? 0 : PEM_write_bio_PUBKEY(bio, key);

	return take(bio, written, out);
}

enum rc
pem_write_cert(X509 *cert, struct pem *out)
{
	BIO *bio = BIO_new(BIO_s_mem());
	int written = bio == NULL ? 0 : PEM_write_bio_X509(bio, cert);

	return take(bio, written, out);
}

enum rc
ca_fingerprint(const char *cert_pem, uint8_t out[CERT_FINGERPRINT])
{
	X509 *cert = pem_read_cert(cert_pem);
	unsigned len = 0;
	bool is_fine =
	    cert != NULL && X509_digest(cert, EVP_sha256(), out, &len) == 1 && len == CERT_FINGERPRINT;

	X509_free(cert);
	ERR_clear_error();
	return is_fine ? RC_OK : RC_INVALID;
}

enum rc
ca_not_after(const char *cert_pem, int64_t *out)
{
	X509 *cert = pem_read_cert(cert_pem);
	struct tm tm;
	bool is_fine = cert != NULL && ASN1_TIME_to_tm(X509_get0_notAfter(cert), &tm) == 1;

	*out = is_fine ? (int64_t)timegm(&tm) : 0;
	X509_free(cert);
	ERR_clear_error();
	return is_fine ? RC_OK : RC_INVALID;
}

/* Serialise ${bundle} into memory that free() takes. */
static enum rc
take_bundle(const PKCS12 *bundle, uint8_t **out, size_t *len)
{
	int n = i2d_PKCS12(bundle, NULL);
	uint8_t *text = n <= 0 ? NULL : malloc((size_t)n);
	uint8_t *end = text; /* moves while it is written */

	if (text == NULL || i2d_PKCS12(bundle, &end) != n) {
		free(text);
		return RC_UNAVAILABLE;
	}
	*out = text;
	*len = (size_t)n;
	return RC_OK;
}

enum rc
ca_pkcs12(const struct pem *key, const struct pem *cert, const struct pem *ca_cert, const char *friendly_name,
    const char *passphrase, enum p12_form form, uint8_t **out, size_t *len)
{
	const int cipher = form == P12_OLD_DEVICE ? NID_pbe_WithSHA1And3_Key_TripleDES_CBC : NID_aes_256_cbc;
	const EVP_MD *mac = form == P12_OLD_DEVICE ? EVP_sha1() : EVP_sha256();
	EVP_PKEY *pkey = pem_read_key(key);
	X509 *leaf = pem_read_cert(cert->text), *ca = pem_read_cert(ca_cert->text);
	STACK_OF(X509) *chain = sk_X509_new_null();
	PKCS12 *bundle = NULL;
	enum rc rc = RC_INVALID;

	*out = NULL;
	*len = 0;
	if (pkey == NULL || leaf == NULL || ca == NULL || chain == NULL || sk_X509_push(chain, ca) <= 0)
		goto out;
	/* -1: without a MAC, which would be of OpenSSL's own choice */
	bundle =
	    PKCS12_create(passphrase, friendly_name, pkey, leaf, chain, cipher, cipher, PKCS12_ROUNDS, -1, 0);
	if (bundle != NULL && PKCS12_set_mac(bundle, passphrase, -1, NULL, 0, PKCS12_ROUNDS, mac) == 1)
		rc = take_bundle(bundle, out, len);
out:
	PKCS12_free(bundle);
	sk_X509_free(chain);
	X509_free(ca);
	X509_free(leaf);
	EVP_PKEY_free(pkey);
	ERR_clear_error();
	return rc;
}

enum rc
ca_pkcs12_text(const struct pem *key, const struct pem *cert, const struct pem *ca_cert,
    const char *friendly_name, const char *passphrase, enum p12_form form, char *out, size_t cap)
{
	uint8_t *bundle;
	size_t len;
	enum rc rc = ca_pkcs12(key, cert, ca_cert, friendly_name, passphrase, form, &bundle, &len);

	if (rc != RC_OK)
		return rc;
	if (len >= cap || (len + 2) / 3 * 4 >= cap)
		rc = RC_TOO_BIG;
	else
		EVP_EncodeBlock((unsigned char *)out, bundle, (int)len);
	free(bundle);
	return rc;
}
