/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keys and certificates of the registry's own authority: what each kind of certificate holds stands in
 * tables. Decides nothing about who may have one.
 */
#include "crypto/ca.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509v3.h>

#include "base/id.h"
#include "base/log.h"
#include "crypto/pem.h"

#define EARLY_SECONDS (-300L) /* a device whose clock is a little slow must not find it not yet valid */
#define DAYS_MAX      7305    /* 20 years */
#define SERIAL_BYTES  16u
#define NAMES_TEXT    512u
#define NAME_TEXT     254u

struct extension {
	int nid;
	const char *value; /* in OpenSSL's notation */
};

/* RFC 5280, 4.2: NULL ends a list. */
static const struct extension authority[] = {
	{ NID_basic_constraints, "critical,CA:TRUE,pathlen:0" },
	{ NID_key_usage, "critical,keyCertSign,cRLSign" },
	{ NID_subject_key_identifier, "hash" },
	{ NID_authority_key_identifier, "keyid:always" },
	{ 0, NULL },
};
static const struct extension server[] = {
	{ NID_basic_constraints, "critical,CA:FALSE" },
	{ NID_key_usage, "critical,digitalSignature" },
	{ NID_ext_key_usage, "serverAuth" },
	{ NID_subject_key_identifier, "hash" },
	{ NID_authority_key_identifier, "keyid:always" },
	{ 0, NULL },
};
static const struct extension client[] = {
	{ NID_basic_constraints, "critical,CA:FALSE" },
	{ NID_key_usage, "critical,digitalSignature" },
	{ NID_ext_key_usage, "clientAuth" },
	{ NID_subject_key_identifier, "hash" },
	{ NID_authority_key_identifier, "keyid:always" },
	{ 0, NULL },
};
static const struct extension *const profiles[] = { [CA_SERVER] = server, [CA_CLIENT] = client };

/* What OpenSSL has queued says nothing to a caller, and must not be found by the next one. */
static enum rc
refuse(enum rc rc, const char *what)
{
	const char *reason = ERR_reason_error_string(ERR_peek_last_error());

	log_line(LOG_DEBUG, "certificate", "what=%s reason=\"%s\"", what, reason == NULL ? "" : reason);
	ERR_clear_error();
	return rc;
}

enum rc
ca_key_new(struct pem *key)
{
	EVP_PKEY *pkey = EVP_EC_gen("P-256");
	enum rc rc = pkey == NULL ? refuse(RC_INTERNAL, "key_new") : pem_write_key(pkey, key);

	EVP_PKEY_free(pkey);
	return rc;
}

enum rc
ca_key_public(const struct pem *key, struct pem *out)
{
	EVP_PKEY *pkey = pem_read_key(key);
	enum rc rc = pkey == NULL ? refuse(RC_INVALID, "key_read") : pem_write_public(pkey, out);

	EVP_PKEY_free(pkey);
	return rc;
}

/* Random and positive, at most 127 bits: nobody can tell how many were issued (RFC 5280, 4.1.2.2). */
static bool
set_serial(X509 *cert)
{
	uint8_t b[SERIAL_BYTES];
	BIGNUM *n;
	bool is_set;

	random_fill(b, sizeof(b));
	b[0] = (uint8_t)((b[0] & 0x7f) | 0x40);
	n = BN_bin2bn(b, sizeof(b), NULL);
	is_set = n != NULL && BN_to_ASN1_INTEGER(n, X509_get_serialNumber(cert)) != NULL;
	BN_free(n);
	return is_set;
}

static bool
set_subject(X509 *cert, const char *common_name)
{
	const struct bytes cn = bytes_str(common_name);

	return cn.len > 0 && cn.len <= INT_MAX && utf8_is_valid(common_name, cn.len) &&
	    X509_NAME_add_entry_by_txt(
		X509_get_subject_name(cert), "CN", MBSTRING_UTF8, cn.p, (int)cn.len, -1, 0) == 1;
}

static bool
add_extensions(X509 *cert, X509 *issuer, const struct extension *list)
{
	X509V3_CTX ctx;

	X509V3_set_ctx_nodb(&ctx);
	X509V3_set_ctx(&ctx, issuer, cert, NULL, NULL, 0);
	for (; list->value != NULL; list++) {
		X509_EXTENSION *e = X509V3_EXT_conf_nid(NULL, &ctx, list->nid, list->value);
		bool is_added = e != NULL && X509_add_ext(cert, e, -1) == 1;

		X509_EXTENSION_free(e);
		if (!is_added)
			return false;
	}
	return true;
}

static bool
is_dns_name(const char *s, size_t len)
{
	static const char alphabet[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-*";

	return len > 0 && s[0] != '.' && s[0] != '-' && strspn(s, alphabet) == len;
}

/* Add one name to ${all}: an address when it reads as one, else a DNS name. */
static bool
add_name(GENERAL_NAMES *all, const char *text, size_t len)
{
	ASN1_OCTET_STRING *address = a2i_IPADDRESS(text);
	ASN1_IA5STRING *dns = NULL;
	GENERAL_NAME *name = GENERAL_NAME_new();
	bool is_fine = name != NULL;

	if (address != NULL && is_fine) {
		GENERAL_NAME_set0_value(name, GEN_IPADD, address);
		address = NULL; /* the name owns it */
	} else if (is_fine) {
		is_fine = is_dns_name(text, len) && (dns = ASN1_IA5STRING_new()) != NULL &&
		    ASN1_STRING_set(dns, text, (int)len) == 1;
		if (is_fine) {
			GENERAL_NAME_set0_value(name, GEN_DNS, dns);
			dns = NULL;
		}
	}
	if (is_fine && (is_fine = sk_GENERAL_NAME_push(all, name) > 0))
		name = NULL;
	ASN1_IA5STRING_free(dns);
	ASN1_OCTET_STRING_free(address);
	GENERAL_NAME_free(name);
	return is_fine;
}

static bool
add_names(X509 *cert, const char *names)
{
	char text[NAMES_TEXT];
	char *rest = text, *one;
	GENERAL_NAMES *all;
	bool is_fine;

	if (names == NULL || !str_copy(text, sizeof(text), names) || (all = GENERAL_NAMES_new()) == NULL)
		return false;
	is_fine = true;
	while (is_fine && (one = strsep(&rest, ",")) != NULL)
		is_fine = strlen(one) < NAME_TEXT && add_name(all, one, strlen(one));
	is_fine = is_fine && X509_add1_ext_i2d(cert, NID_subject_alt_name, all, 0, X509V3_ADD_DEFAULT) == 1;
	GENERAL_NAMES_free(all);
	return is_fine;
}

static bool
set_validity(X509 *cert, int days)
{
	return days > 0 && days <= DAYS_MAX &&
	    X509_gmtime_adj(X509_getm_notBefore(cert), EARLY_SECONDS) != NULL &&
	    X509_time_adj_ex(X509_getm_notAfter(cert), days, 0, NULL) != NULL;
}

/* Everything but issuer, extensions and signature. */
static X509 *
draft(EVP_PKEY *subject, const char *common_name, int days)
{
	X509 *cert = X509_new();

	if (cert != NULL && X509_set_version(cert, X509_VERSION_3) == 1 && set_serial(cert) &&
	    set_subject(cert, common_name) && set_validity(cert, days) && X509_set_pubkey(cert, subject) == 1)
		return cert;
	X509_free(cert);
	return NULL;
}

enum rc
ca_self_sign(const struct pem *key, const char *common_name, int days, struct pem *out)
{
	EVP_PKEY *pkey = pem_read_key(key);
	X509 *cert = pkey == NULL ? NULL : draft(pkey, common_name, days);
	enum rc rc = RC_INVALID;

	if (cert != NULL && X509_set_issuer_name(cert, X509_get_subject_name(cert)) == 1 &&
	    add_extensions(cert, cert, authority) && X509_sign(cert, pkey, EVP_sha256()) > 0)
		rc = pem_write_cert(cert, out);
	else
		rc = refuse(RC_INVALID, "self_sign");
	X509_free(cert);
	EVP_PKEY_free(pkey);
	return rc;
}

struct order {
	const struct pem *ca_key, *ca_cert;
	const char *common_name;
	enum ca_purpose purpose;
	const char *names;
	int days;
};

static enum rc
issue(const struct order *o, EVP_PKEY *subject, struct pem *out)
{
	EVP_PKEY *ca_key = pem_read_key(o->ca_key);
	X509 *ca = pem_read_cert(o->ca_cert->text);
	X509 *cert = ca == NULL || ca_key == NULL ? NULL : draft(subject, o->common_name, o->days);
	enum rc rc;

	if (cert != NULL && X509_check_private_key(ca, ca_key) == 1 &&
	    X509_set_issuer_name(cert, X509_get_subject_name(ca)) == 1 &&
	    add_extensions(cert, ca, profiles[o->purpose]) &&
	    (o->purpose != CA_SERVER || add_names(cert, o->names)) &&
	    X509_sign(cert, ca_key, EVP_sha256()) > 0)
		rc = pem_write_cert(cert, out);
	else
		rc = refuse(RC_INVALID, "issue");
	X509_free(cert);
	X509_free(ca);
	EVP_PKEY_free(ca_key);
	return rc;
}

enum rc
ca_issue(const struct pem *ca_key, const struct pem *ca_cert, const struct pem *subject_key,
    const char *common_name, enum ca_purpose purpose, const char *names, int days, struct pem *cert)
{
	const struct order order = { ca_key, ca_cert, common_name, purpose, names, days };
	EVP_PKEY *subject = pem_read_key(subject_key);
	enum rc rc = subject == NULL ? refuse(RC_INVALID, "key_read") : issue(&order, subject, cert);

	EVP_PKEY_free(subject);
	return rc;
}

/* Curves that every TLS stack knows (RFC 8446, 4.2.7); no RSA: the registry deals with one kind of key. */
static bool
is_strong(EVP_PKEY *key)
{
	static const char *const curves[] = { "prime256v1", "secp384r1", "secp521r1" };
	char name[32];
	size_t len;

	if (EVP_PKEY_is_a(key, "EC") != 1 || EVP_PKEY_get_group_name(key, name, sizeof(name), &len) != 1)
		return false;
	for (size_t i = 0; i < COUNT_OF(curves); i++)
		if (strcmp(curves[i], name) == 0)
			return true;
	return false;
}

enum rc
ca_issue_request(const struct pem *ca_key, const struct pem *ca_cert, struct bytes csr_pem,
    const char *common_name, int days, struct pem *cert, struct fault *f)
{
	const struct order order = { ca_key, ca_cert, common_name, CA_CLIENT, NULL, days };
	X509_REQ *request = pem_read_request(csr_pem);
	EVP_PKEY *subject = request == NULL ? NULL : X509_REQ_get0_pubkey(request);
	enum rc rc;

	/* the signature shows that who asks holds the key */
	if (subject == NULL || X509_REQ_verify(request, subject) != 1)
		rc = fault_set(f, refuse(RC_INVALID, "request"), MSG_CSR_INVALID, NULL, 0, NULL);
	else if (!is_strong(subject))
		rc = fault_set(f, RC_INVALID, MSG_CSR_WEAK, NULL, 0, NULL);
	else if ((rc = issue(&order, subject, cert)) != RC_OK)
		rc = fault_set(f, rc, MSG_CSR_INVALID, NULL, 0, NULL);
	X509_REQ_free(request);
	return rc;
}
