/* SPDX-License-Identifier: Apache-2.0 */
/* Certificates for the server's tests, good ones and every kind of bad one, made in memory and written to a
 * temporary directory as struct paths wants them. */
#ifndef TEST_CERTS_H
#define TEST_CERTS_H

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "service/parts.h"

struct identity {
	EVP_PKEY *key;
	X509 *cert;
};

struct cert_recipe {
	const char *name;
	const char *purpose; /* extendedKeyUsage or NULL */
	bool is_ca;
	long from_s, to_s; /* validity relative to now */
};

static const struct cert_recipe recipe_ca = { "Menedek test CA", NULL, true, -3600, 86400 };
static const struct cert_recipe recipe_server = { "localhost", "serverAuth", false, -3600, 86400 };
static const struct cert_recipe recipe_client = { "device", "clientAuth", false, -3600, 86400 };

static inline void
add_extension(X509 *cert, X509 *issuer, int nid, const char *value)
{
	X509V3_CTX ctx;
	X509_EXTENSION *ext;

	X509V3_set_ctx(&ctx, issuer, cert, NULL, NULL, 0);
	ext = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
	X509_add_ext(cert, ext, -1);
	X509_EXTENSION_free(ext);
}

/* Issue by ${issuer}; NULL: self-signed. */
static inline struct identity
issue(const struct cert_recipe *recipe, const struct identity *issuer)
{
	static long serial = 1000;
	struct identity me = { EVP_EC_gen("P-256"), X509_new() };
	X509 *by = issuer == NULL ? me.cert : issuer->cert;
	X509_NAME *name = X509_get_subject_name(me.cert);

	X509_set_version(me.cert, 2);
	ASN1_INTEGER_set(X509_get_serialNumber(me.cert), serial++);
	X509_gmtime_adj(X509_getm_notBefore(me.cert), recipe->from_s);
	X509_gmtime_adj(X509_getm_notAfter(me.cert), recipe->to_s);
	X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)recipe->name, -1, -1, 0);
	X509_set_issuer_name(me.cert, X509_get_subject_name(by));
	X509_set_pubkey(me.cert, me.key);
	add_extension(
	    me.cert, by, NID_basic_constraints, recipe->is_ca ? "critical,CA:TRUE" : "critical,CA:FALSE");
	add_extension(me.cert, by, NID_key_usage,
	    recipe->is_ca ? "critical,keyCertSign,digitalSignature" : "critical,digitalSignature");
	add_extension(me.cert, by, NID_subject_key_identifier, "hash");
	if (recipe->purpose != NULL)
		add_extension(me.cert, by, NID_ext_key_usage, recipe->purpose);
	if (strcmp(recipe->name, "localhost") == 0)
		add_extension(me.cert, by, NID_subject_alt_name, "DNS:localhost,IP:127.0.0.1");
	X509_sign(me.cert, issuer == NULL ? me.key : issuer->key, EVP_sha256());
	return me;
}

static inline void
forget(struct identity *me)
{
	EVP_PKEY_free(me->key);
	X509_free(me->cert);
}

static inline void
fingerprint(const struct identity *me, uint8_t out[32])
{
	X509_digest(me->cert, EVP_sha256(), out, NULL);
}

static inline void
write_pem(const char *path, const struct identity *me, bool is_key)
{
	FILE *f = fopen(path, "w");

	if (f == NULL)
		abort();
	if (is_key)
		PEM_write_PrivateKey(f, me->key, NULL, NULL, 0, NULL, NULL);
	else
		PEM_write_X509(f, me->cert);
	fclose(f);
	chmod(path, is_key ? 0400 : 0444);
}

/* Write authority and server certificate below ${dir}, a template of mkdtemp. */
static inline void
write_server_files(char *dir, struct paths *paths, const struct identity *ca, const struct identity *server)
{
	if (mkdtemp(dir) == NULL)
		abort();
	snprintf(paths->ca_cert, sizeof(paths->ca_cert), "%s/ca.crt", dir);
	snprintf(paths->server_cert, sizeof(paths->server_cert), "%s/server.crt", dir);
	snprintf(paths->server_key, sizeof(paths->server_key), "%s/server.key", dir);
	write_pem(paths->ca_cert, ca, false);
	write_pem(paths->server_cert, server, false);
	write_pem(paths->server_key, server, true);
}

static inline void
remove_server_files(const char *dir, const struct paths *paths)
{
	remove(paths->ca_cert);
	remove(paths->server_cert);
	remove(paths->server_key);
	remove(dir);
}

#endif
