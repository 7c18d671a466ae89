/* SPDX-License-Identifier: Apache-2.0 */
/* Certificates as another reader sees them: OpenSSL's own verifier and parsers. */
#include <time.h>

#include <openssl/pem.h>
#include <openssl/pkcs12.h>
#include <openssl/x509v3.h>

#include "scratch.h"

#include "crypto/ca.h"
#include "crypto/digest.h"

struct authority {
	struct pem key, cert;
};

static void
authority_make(struct authority *a)
{
	cr_assert_eq(ca_key_new(&a->key), RC_OK);
	cr_assert_eq(ca_self_sign(&a->key, "Test root", 3650, &a->cert), RC_OK);
}

static X509 *
parse(const struct pem *cert)
{
	BIO *bio = BIO_new_mem_buf(cert->text, -1);
	X509 *x = PEM_read_bio_X509(bio, NULL, NULL, NULL);

	BIO_free(bio);
	cr_assert_not_null(x);
	return x;
}

/* Does ${cert} verify under ${root} for ${purpose}, as TLS peers check it? */
static bool
verifies(const struct pem *cert, const struct pem *root, int purpose)
{
	X509 *leaf = parse(cert), *ca = parse(root);
	X509_STORE *store = X509_STORE_new();
	X509_STORE_CTX *c = X509_STORE_CTX_new();
	bool is_fine;

	X509_STORE_add_cert(store, ca);
	X509_STORE_CTX_init(c, store, leaf, NULL);
	X509_STORE_CTX_set_purpose(c, purpose);
	X509_STORE_CTX_set_flags(c, X509_V_FLAG_X509_STRICT);
	is_fine = X509_verify_cert(c) == 1;
	X509_STORE_CTX_free(c);
	X509_STORE_free(store);
	X509_free(ca);
	X509_free(leaf);
	return is_fine;
}

Test(ca, a_leaf_serves_its_purpose_and_no_other)
{
	static struct authority ca, other;
	static struct pem key, server, client;

	authority_make(&ca);
	authority_make(&other);
	cr_assert_eq(ca_key_new(&key), RC_OK);
	cr_assert_eq(ca_issue(&ca.key, &ca.cert, &key, "server", CA_SERVER, "localhost", 90, &server), RC_OK);
	cr_assert_eq(ca_issue(&ca.key, &ca.cert, &key, "device", CA_CLIENT, NULL, 90, &client), RC_OK);
	cr_assert(verifies(&server, &ca.cert, X509_PURPOSE_SSL_SERVER));
	cr_assert_not(verifies(&server, &ca.cert, X509_PURPOSE_SSL_CLIENT));
	cr_assert(verifies(&client, &ca.cert, X509_PURPOSE_SSL_CLIENT));
	cr_assert_not(verifies(&client, &ca.cert, X509_PURPOSE_SSL_SERVER));
	cr_assert_not(verifies(&client, &other.cert, X509_PURPOSE_SSL_CLIENT));
	assert_no_leak();
}

Test(ca, a_leaf_is_no_authority)
{
	static struct authority ca;
	static struct pem key, leaf, below;

	authority_make(&ca);
	cr_assert_eq(ca_key_new(&key), RC_OK);
	cr_assert_eq(ca_issue(&ca.key, &ca.cert, &key, "device", CA_CLIENT, NULL, 90, &leaf), RC_OK);
	cr_assert_eq(ca_issue(&key, &leaf, &key, "forged", CA_CLIENT, NULL, 90, &below), RC_OK);
	cr_assert_not(verifies(&below, &leaf, X509_PURPOSE_SSL_CLIENT));
}

Test(ca, the_authority_may_sign_leaves_only)
{
	static struct authority ca;
	X509 *x;

	authority_make(&ca);
	x = parse(&ca.cert);
	cr_assert_eq(X509_check_ca(x), 1);
	cr_assert_eq(X509_get_pathlen(x), 0);
	cr_assert_eq(X509_get_key_usage(x), KU_KEY_CERT_SIGN | KU_CRL_SIGN);
	cr_assert_geq(X509_get_ext_by_NID(x, NID_subject_key_identifier, -1), 0);
	X509_free(x);
}

Test(ca, a_server_answers_to_its_names_only)
{
	static struct authority ca;
	static struct pem key, cert;
	X509 *x;

	authority_make(&ca);
	cr_assert_eq(ca_key_new(&key), RC_OK);
	cr_assert_eq(
	    ca_issue(&ca.key, &ca.cert, &key, "s", CA_SERVER, "menedek.test,127.0.0.1,::1", 90, &cert),
	    RC_OK);
	x = parse(&cert);
	cr_assert_eq(X509_check_host(x, "menedek.test", 0, 0, NULL), 1);
	cr_assert_eq(X509_check_host(x, "other.test", 0, 0, NULL), 0);
	cr_assert_eq(X509_check_ip_asc(x, "127.0.0.1", 0), 1);
	cr_assert_eq(X509_check_ip_asc(x, "::1", 0), 1);
	cr_assert_eq(X509_check_ip_asc(x, "127.0.0.2", 0), 0);
	X509_free(x);
}

Test(ca, names_that_are_no_names_are_refused)
{
	static const char *const bad[] = { "", ",", "a,,b", "a b", "a,DNS:b", "-a", ".a", "a\nb", "http://a",
		NULL };
	static struct authority ca;
	static struct pem key, cert;

	authority_make(&ca);
	cr_assert_eq(ca_key_new(&key), RC_OK);
	for (size_t i = 0; i < COUNT_OF(bad); i++)
		cr_assert_eq(
		    ca_issue(&ca.key, &ca.cert, &key, "s", CA_SERVER, bad[i], 90, &cert), RC_INVALID);
}

Test(ca, what_makes_no_certificate_is_refused)
{
	static struct authority ca, other;
	static struct pem key, cert, nonsense = { "no key" };

	authority_make(&ca);
	authority_make(&other);
	cr_assert_eq(ca_key_new(&key), RC_OK);
	cr_assert_eq(ca_issue(&ca.key, &ca.cert, &key, "", CA_CLIENT, NULL, 90, &cert), RC_INVALID);
	cr_assert_eq(ca_issue(&ca.key, &ca.cert, &key, "x", CA_CLIENT, NULL, 0, &cert), RC_INVALID);
	cr_assert_eq(ca_issue(&ca.key, &ca.cert, &key, "x", CA_CLIENT, NULL, 100000, &cert), RC_INVALID);
	cr_assert_eq(ca_issue(&ca.key, &ca.cert, &nonsense, "x", CA_CLIENT, NULL, 90, &cert), RC_INVALID);
	cr_assert_eq(ca_issue(&other.key, &ca.cert, &key, "x", CA_CLIENT, NULL, 90, &cert), RC_INVALID);
	cr_assert_eq(ca_key_public(&nonsense, &cert), RC_INVALID);
	assert_no_leak();
}

Test(ca, serials_are_random_and_positive)
{
	static struct authority ca;
	static struct pem key, cert[2];
	X509 *x[2];

	authority_make(&ca);
	cr_assert_eq(ca_key_new(&key), RC_OK);
	for (int i = 0; i < 2; i++) {
		cr_assert_eq(ca_issue(&ca.key, &ca.cert, &key, "x", CA_CLIENT, NULL, 90, &cert[i]), RC_OK);
		x[i] = parse(&cert[i]);
		cr_assert_eq(ASN1_STRING_length(X509_get0_serialNumber(x[i])), 16);
		cr_assert_neq(ASN1_STRING_type(X509_get0_serialNumber(x[i])), V_ASN1_NEG_INTEGER);
	}
	cr_assert_neq(ASN1_INTEGER_cmp(X509_get0_serialNumber(x[0]), X509_get0_serialNumber(x[1])), 0);
	X509_free(x[0]);
	X509_free(x[1]);
}

Test(ca, fingerprint_and_end_are_those_of_the_certificate)
{
	static struct authority ca;
	uint8_t mine[CERT_FINGERPRINT], theirs[DIGEST_BYTES], *der = NULL;
	int64_t end, now = time(NULL);
	X509 *x;
	int n;

	authority_make(&ca);
	cr_assert_eq(ca_fingerprint(ca.cert.text, mine), RC_OK);
	x = parse(&ca.cert);
	cr_assert_gt(n = i2d_X509(x, &der), 0);
	digest((struct bytes){ der, (size_t)n }, theirs);
	cr_assert_arr_eq(mine, theirs, CERT_FINGERPRINT);
	OPENSSL_free(der);
	X509_free(x);
	cr_assert_eq(ca_not_after(ca.cert.text, &end), RC_OK);
	cr_assert_geq(end, now + 3650 * INT64_C(86400) - 60);
	cr_assert_leq(end, now + 3650 * INT64_C(86400) + 60);
	cr_assert_eq(ca_fingerprint("nonsense", mine), RC_INVALID);
	cr_assert_eq(ca_not_after("", &end), RC_INVALID);
}

/* A PKCS#10 request of a key on ${curve}, as a device would send it. */
static struct bytes
request_of(const char *curve, bool is_sound, struct pem *out)
{
	EVP_PKEY *key = curve == NULL ? EVP_RSA_gen(2048) : EVP_EC_gen(curve);
	EVP_PKEY *other = EVP_EC_gen("P-256");
	X509_REQ *r = X509_REQ_new();
	BIO *bio = BIO_new(BIO_s_mem());
	int n;

	cr_assert(key != NULL && r != NULL);
	cr_assert(X509_NAME_add_entry_by_txt(X509_REQ_get_subject_name(r), "CN", MBSTRING_ASC,
		      (const uint8_t *)"root", -1, -1, 0) == 1);
	cr_assert_eq(X509_REQ_set_pubkey(r, key), 1);
	cr_assert_gt(X509_REQ_sign(r, is_sound ? key : other, EVP_sha256()), 0);
	cr_assert_eq(PEM_write_bio_X509_REQ(bio, r), 1);
	cr_assert_gt(n = BIO_read(bio, out->text, sizeof(out->text)), 0);
	BIO_free(bio);
	X509_REQ_free(r);
	EVP_PKEY_free(other);
	EVP_PKEY_free(key);
	return (struct bytes){ (const uint8_t *)out->text, (size_t)n };
}

Test(ca, a_request_gets_the_name_we_give_not_the_one_it_asks_for)
{
	static struct authority ca;
	static struct pem text, cert;
	struct fault f = { 0 };
	char name[64];
	X509 *x;

	authority_make(&ca);
	cr_assert_eq(
	    ca_issue_request(&ca.key, &ca.cert, request_of("P-384", true, &text), "device 7", 90, &cert, &f),
	    RC_OK);
	cr_assert(verifies(&cert, &ca.cert, X509_PURPOSE_SSL_CLIENT));
	x = parse(&cert);
	X509_NAME_get_text_by_NID(X509_get_subject_name(x), NID_commonName, name, sizeof(name));
	cr_assert_str_eq(name, "device 7");
	X509_free(x);
	assert_no_leak();
}

struct bad_request {
	const char *curve; /* NULL: RSA */
	bool is_sound, is_whole;
	enum msg msg;
};

static const struct bad_request bad_requests[] = {
	{ "P-224", true, true, MSG_CSR_WEAK },
	{ NULL, true, true, MSG_CSR_WEAK },
	{ "P-256", false, true, MSG_CSR_INVALID },
	{ "P-256", true, false, MSG_CSR_INVALID },
};

Test(ca, requests_that_are_weak_cut_or_not_signed_by_their_key_are_refused)
{
	static struct authority ca;
	static struct pem text, cert;

	authority_make(&ca);
	for (size_t i = 0; i < COUNT_OF(bad_requests); i++) {
		const struct bad_request *row = &bad_requests[i];
		struct bytes csr = request_of(row->curve, row->is_sound, &text);
		struct fault f = { 0 };

		csr.len /= row->is_whole ? 1 : 2;
		cr_assert_eq(
		    ca_issue_request(&ca.key, &ca.cert, csr, "device", 90, &cert, &f), RC_INVALID, "%zu", i);
		cr_assert_eq(f.item[0].msg, row->msg, "%zu", i);
	}
	assert_no_leak();
}

/* The algorithm of the private key's bag: that of PBES2's cipher is asked for by the API tests. */
static int
key_algorithm(const PKCS12 *p12)
{
	STACK_OF(PKCS7) *safes = PKCS12_unpack_authsafes(p12);
	int nid = NID_undef;

	for (int i = 0; i < sk_PKCS7_num(safes); i++) {
		PKCS7 *safe = sk_PKCS7_value(safes, i);
		STACK_OF(PKCS12_SAFEBAG) *bags = PKCS7_type_is_data(safe) ? PKCS12_unpack_p7data(safe) : NULL;
		const X509_ALGOR *algorithm = NULL;

		if (sk_PKCS12_SAFEBAG_num(bags) > 0 &&
		    PKCS12_SAFEBAG_get_nid(sk_PKCS12_SAFEBAG_value(bags, 0)) == NID_pkcs8ShroudedKeyBag)
			X509_SIG_get0(
			    PKCS12_SAFEBAG_get0_pkcs8(sk_PKCS12_SAFEBAG_value(bags, 0)), &algorithm, NULL);
		if (algorithm != NULL)
			nid = OBJ_obj2nid(algorithm->algorithm);
		sk_PKCS12_SAFEBAG_pop_free(bags, PKCS12_SAFEBAG_free);
	}
	sk_PKCS7_pop_free(safes, PKCS7_free);
	return nid;
}

static int
mac_algorithm(const PKCS12 *p12)
{
	const X509_ALGOR *algorithm;

	PKCS12_get0_mac(NULL, &algorithm, NULL, NULL, p12);
	return OBJ_obj2nid(algorithm->algorithm);
}

struct bundle_case {
	enum p12_form form;
	int key, mac;
};

static void
opens_with_its_passphrase_only(const struct bundle_case *row)
{
	static struct authority ca;
	static struct pem key, cert;
	STACK_OF(X509) *chain = NULL;
	EVP_PKEY *pkey = NULL;
	X509 *leaf = NULL;
	uint8_t *bundle;
	const uint8_t *p;
	PKCS12 *p12;
	size_t len;

	authority_make(&ca);
	cr_assert_eq(ca_key_new(&key), RC_OK);
	cr_assert_eq(ca_issue(&ca.key, &ca.cert, &key, "device", CA_CLIENT, NULL, 90, &cert), RC_OK);
	cr_assert_eq(
	    ca_pkcs12(&key, &cert, &ca.cert, "Menedek device", "h7k2-mmq9", row->form, &bundle, &len), RC_OK);
	p = bundle;
	p12 = d2i_PKCS12(NULL, &p, (long)len);
	cr_assert_not_null(p12);
	cr_assert_eq(key_algorithm(p12), row->key);
	cr_assert_eq(mac_algorithm(p12), row->mac);
	cr_assert_eq(PKCS12_verify_mac(p12, "wrong", -1), 0);
	cr_assert_eq(PKCS12_parse(p12, "h7k2-mmq9", &pkey, &leaf, &chain), 1);
	cr_assert_eq(X509_check_private_key(leaf, pkey), 1);
	cr_assert_eq(sk_X509_num(chain), 1);
	sk_X509_pop_free(chain, X509_free);
	X509_free(leaf);
	EVP_PKEY_free(pkey);
	PKCS12_free(p12);
	free(bundle);
	assert_no_leak();
}

Test(ca, a_bundle_opens_with_its_passphrase_only)
{
	static const struct bundle_case cases[] = {
		{ P12_STRONG, NID_pbes2, NID_sha256 },
		{ P12_OLD_DEVICE, NID_pbe_WithSHA1And3_Key_TripleDES_CBC, NID_sha1 },
	};

	for (size_t i = 0; i < COUNT_OF(cases); i++)
		opens_with_its_passphrase_only(&cases[i]);
}
