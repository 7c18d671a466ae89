/* SPDX-License-Identifier: Apache-2.0 */
/* An outside issuer's keys and tokens: each rule of the file, the header and the claims broken alone. */
#include "../famine.h"
#include "../store_fixture.h"
#include "auth/issuer.h"
#include "tokens.h"

#include <openssl/core_names.h>

#define NOW      1800000000
#define NAME     "https://login.example.hu"
#define AUDIENCE "menedek.example.hu"

static struct fixture x;
static struct pem key;
static char path[80], px[64], py[64]; /* the file; the public key's coordinates, base64url */
static struct issuer *issuer;
static char text[16384], token[TOKEN_TEXT];
static const uint8_t cert[32] = { 4, 5, 6 };

static void
put_keys(const char *keys)
{
	FILE *f = fopen(path, "w");

	cr_assert(f != NULL && fputs(keys, f) >= 0 && fclose(f) == 0);
}

/* A key of the set, with ${more} members. */
static const char *
key_of(const char *kid, const char *more)
{
	static char one[1024];

	(void)snprintf(one, sizeof(one),
	    "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"%s\",\"y\":\"%s\",\"kid\":\"%s\"%s}", px, py, kid,
	    more);
	return one;
}

static const char *
set_of(const char *one)
{
	(void)snprintf(text, sizeof(text), "{\"keys\":[%s]}", one);
	return text;
}

static enum rc
open_issuer(void *arg)
{
	const struct issuer_options options = { path, NAME, AUDIENCE };
	struct fault f = { 0 };
	enum rc rc;

	(void)arg;
	issuer_free(issuer);
	rc = issuer_new(&options, x.ring, &issuer, &f);
	cr_assert_eq(issuer != NULL, rc == RC_OK);
	cr_assert_eq(f.count > 0, rc != RC_OK, "it says why");
	return rc;
}

static void
set_up(void)
{
	uint8_t point[65];
	size_t len = 0;
	EVP_PKEY *public;
	BIO *bio;

	fixture_new(&x, &engine_memory);
	(void)snprintf(path, sizeof(path), "%s/jwks.json", x.dir);
	cr_assert_eq(ca_key_new(&key), RC_OK);
	bio = BIO_new_mem_buf(key.text, -1);
	cr_assert_not_null(public = PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL));
	cr_assert_eq(
	    EVP_PKEY_get_octet_string_param(public, OSSL_PKEY_PARAM_PUB_KEY, point, sizeof(point), &len), 1);
	cr_assert(len == sizeof(point) && point[0] == 4);
	base64url_format(point + 1, 32, px);
	base64url_format(point + 33, 32, py);
	EVP_PKEY_free(public);
	BIO_free(bio);
	put_keys(set_of(key_of("k1", "")));
	cr_assert_eq(open_issuer(NULL), RC_OK);
}

static void
tear_down(void)
{
	issuer_free(issuer);
	issuer = NULL;
	fixture_free(&x);
}

TestSuite(issuer, .init = set_up, .fini = tear_down, .timeout = 120);

/* ---- the file ---- */

struct member {
	const char *what, *more;
	enum rc rc;
};

/* What is of another kind is passed over, and a set of none such is no set. */
Test(issuer, keys_of_another_use_are_passed_over)
{
	static const struct member all[] = { { "nothing more", "", RC_OK },
		{ "alg", ",\"alg\":\"ES256\"", RC_OK }, { "other alg", ",\"alg\":\"ES384\"", RC_INVALID },
		{ "alg of no text", ",\"alg\":1", RC_INVALID }, { "use", ",\"use\":\"sig\"", RC_OK },
		{ "other use", ",\"use\":\"enc\"", RC_INVALID }, { "private", ",\"d\":\"AAAA\"", RC_INVALID },
		{ "secret", ",\"k\":\"AAAA\"", RC_INVALID } };

	for (unsigned i = 0; i < COUNT_OF(all); i++) {
		put_keys(set_of(key_of("k1", all[i].more)));
		cr_expect_eq(open_issuer(NULL), all[i].rc, "%s", all[i].what);
	}
	put_keys(set_of(key_of("", "")));
	cr_expect_eq(open_issuer(NULL), RC_INVALID, "without a name");
}

Test(issuer, a_file_that_is_no_set_is_refused_whole)
{
	static const char *const files[] = { "", "{", "[]", "{}", "{\"keys\":{}}", "{\"keys\":[]}",
		"{\"keys\":[1]}", "{\"keys\":[\"EC\"]}", "{\"keys\":[{}]}",
		"{\"keys\":[{\"kty\":\"EC\",\"crv\":\"P-384\",\"kid\":\"a\"}]}",
		"{\"keys\":[{\"kty\":\"RSA\",\"crv\":\"P-256\",\"kid\":\"a\"}]}",
		"{\"keys\":[{\"kty\":\"EC\",\"crv\":\"P-256\",\"kid\":\"a\",\"x\":\"AAAA\",\"y\":\"AAAA\"}]}",
		"{\"keys\":[{\"kty\":\"EC\",\"crv\":\"P-256\",\"kid\":\"a\",\"x\":\"*\",\"y\":\"AAAA\"}]}" };

	for (unsigned i = 0; i < COUNT_OF(files); i++) {
		put_keys(files[i]);
		cr_expect_eq(open_issuer(NULL), RC_INVALID, "%s", files[i]);
	}
	cr_assert_eq(remove(path), 0);
	cr_expect_neq(open_issuer(NULL), RC_OK);
}

Test(issuer, a_coordinate_is_of_the_fields_length_and_the_point_on_the_curve)
{
	char y[64];

	memcpy(y, py, sizeof(y));
	py[0] = py[0] == 'A' ? 'B' : 'A';
	put_keys(set_of(key_of("k1", "")));
	cr_expect_eq(open_issuer(NULL), RC_INVALID, "beside the curve");
	py[40] = '\0';
	put_keys(set_of(key_of("k1", "")));
	cr_expect_eq(open_issuer(NULL), RC_INVALID, "short y");
	py[0] = '\0';
	put_keys(set_of(key_of("k1", "")));
	cr_expect_eq(open_issuer(NULL), RC_INVALID, "no y");
	memcpy(py, y, sizeof(y));
	put_keys(set_of(key_of("k1", "")));
	cr_expect_eq(open_issuer(NULL), RC_OK);
}

Test(issuer, sixteen_keys_of_different_names_and_no_more)
{
	static char all[8000], name[160];
	char kid[8];
	size_t len = 0;

	for (unsigned i = 0; i < 17; i++) {
		(void)snprintf(kid, sizeof(kid), "k%u", i);
		len += (size_t)snprintf(all + len, sizeof(all) - len, "%s%s", i ? "," : "", key_of(kid, ""));
		if (i < 15)
			continue;
		put_keys(set_of(all));
		cr_expect_eq(open_issuer(NULL), i == 15 ? RC_OK : RC_INVALID, "%u keys", i + 1);
	}
	len = (size_t)snprintf(all, sizeof(all), "%s,", key_of("k1", ""));
	(void)snprintf(all + len, sizeof(all) - len, "%s", key_of("k1", ""));
	put_keys(set_of(all));
	cr_expect_eq(open_issuer(NULL), RC_INVALID, "one name twice");
	memset(name, 'k', 128);
	put_keys(set_of(key_of(name, "")));
	cr_expect_eq(open_issuer(NULL), RC_INVALID, "a name too long");
	name[127] = '\0';
	put_keys(set_of(key_of(name, "")));
	cr_expect_eq(open_issuer(NULL), RC_OK);
}

Test(issuer, a_new_file_counts_at_once_and_a_bad_one_not_at_all)
{
	struct fault f = { 0 };
	struct claims c;

	token_es256(&key, "{\"alg\":\"ES256\",\"typ\":\"at+jwt\",\"kid\":\"k1\"}", "{}", token);
	put_keys("no set");
	cr_expect_eq(issuer_reload(issuer, &f), RC_INVALID);
	put_keys(set_of(key_of("k2", "")));
	cr_expect_eq(issuer_reload(issuer, &f), RC_OK);
	cr_expect_eq(issuer_verify(issuer, bytes_str(token), cert, NOW, &c), RC_BAD_TOKEN);
}

/* ---- tokens ---- */

#define HEADER "{\"alg\":\"ES256\",\"typ\":\"at+jwt\",\"kid\":\"k1\"}"
#define ISS    "\"iss\":\"" NAME "\","
#define AUD    "\"aud\":\"" AUDIENCE "\","
#define SUB    "\"sub\":\"anna\","
#define JTI    "\"jti\":\"j-1\","
#define TIMES  "\"iat\":1800000000,\"nbf\":1800000000,\"exp\":1800000900,"
#define CNF    "\"cnf\":{\"x5t#S256\":\"BAUGAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\"}"
#define NAME63 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

struct said {
	const char *header, *payload;
	enum rc rc;
};

static const struct said sayings[] = { { HEADER, "{" ISS AUD SUB JTI TIMES CNF "}", RC_OK },
	{ "{\"alg\":\"ES256\",\"typ\":\"application/at+jwt\",\"kid\":\"k1\"}",
	    "{" ISS AUD SUB JTI TIMES CNF "}", RC_OK },
	{ "{\"alg\":\"ES256\",\"typ\":\"JWT\",\"kid\":\"k1\"}", "{" ISS AUD SUB JTI TIMES CNF "}",
	    RC_BAD_TOKEN },
	{ "{\"alg\":\"ES256\",\"kid\":\"k1\"}", "{" ISS AUD SUB JTI TIMES CNF "}", RC_BAD_TOKEN },
	{ "{\"alg\":\"none\",\"typ\":\"at+jwt\",\"kid\":\"k1\"}", "{" ISS AUD SUB JTI TIMES CNF "}",
	    RC_BAD_TOKEN },
	{ "{\"alg\":\"ES256\",\"typ\":\"at+jwt\",\"kid\":\"k2\"}", "{" ISS AUD SUB JTI TIMES CNF "}",
	    RC_BAD_TOKEN },
	{ "{\"alg\":\"ES256\",\"typ\":\"at+jwt\"}", "{" ISS AUD SUB JTI TIMES CNF "}", RC_BAD_TOKEN },
	{ "{\"alg\":\"ES256\",\"typ\":\"at+jwt\",\"kid\":\"k1\",\"jku\":\"x\"}",
	    "{" ISS AUD SUB JTI TIMES CNF "}", RC_BAD_TOKEN },
	{ "[]", "{" ISS AUD SUB JTI TIMES CNF "}", RC_BAD_TOKEN }, { HEADER, "[]", RC_BAD_TOKEN },
	{ HEADER, "{" ISS AUD SUB JTI TIMES "\"x\":1}", RC_BAD_TOKEN },
	{ HEADER, "{" AUD SUB JTI TIMES CNF "}", RC_BAD_TOKEN },
	{ HEADER, "{" ISS SUB JTI TIMES CNF "}", RC_BAD_TOKEN },
	{ HEADER, "{" ISS AUD JTI TIMES CNF "}", RC_BAD_TOKEN },
	{ HEADER, "{" ISS AUD SUB TIMES CNF "}", RC_BAD_TOKEN },
	{ HEADER, "{" ISS "\"aud\":[\"a\",1,\"" AUDIENCE "\"]," SUB JTI TIMES CNF "}", RC_OK },
	{ HEADER, "{" ISS "\"aud\":[\"a\",1]," SUB JTI TIMES CNF "}", RC_BAD_TOKEN },
	{ HEADER, "{" ISS "\"aud\":[]," SUB JTI TIMES CNF "}", RC_BAD_TOKEN },
	{ HEADER, "{" ISS AUD "\"sub\":\"" NAME63 "\"," JTI TIMES CNF "}", RC_OK },
	{ HEADER, "{" ISS AUD "\"sub\":\"" NAME63 "a\"," JTI TIMES CNF "}", RC_BAD_TOKEN },
	{ HEADER, "{" ISS AUD SUB "\"jti\":\"\"," TIMES CNF "}", RC_BAD_TOKEN },
	{ HEADER, "{" ISS AUD SUB JTI "\"nbf\":1800000000,\"exp\":1800000900," CNF "}", RC_BAD_TOKEN },
	{ HEADER, "{" ISS AUD SUB JTI "\"iat\":1800000000,\"nbf\":1800000000," CNF "}", RC_BAD_TOKEN },
	{ HEADER, "{" ISS AUD SUB JTI "\"iat\":1800000000,\"exp\":1800000900," CNF "}", RC_BAD_TOKEN },
	{ HEADER, "{" ISS AUD SUB JTI "\"iat\":1800000000,\"nbf\":1800000000,\"exp\":1800000901," CNF "}",
	    RC_BAD_TOKEN } };

Test(issuer, each_rule_of_a_token_decides_alone)
{
	for (unsigned i = 0; i < COUNT_OF(sayings); i++) {
		struct claims c;

		token_es256(&key, sayings[i].header, sayings[i].payload, token);
		for (unsigned again = 0; again < 2; again++) { /* the second time a good one is remembered */
			cr_expect_eq(issuer_verify(issuer, bytes_str(token), cert, NOW, &c), sayings[i].rc,
			    "row %u", i);
			cr_expect_eq(c.is_outside, sayings[i].rc == RC_OK, "row %u", i);
		}
	}
}

Test(issuer, a_token_names_a_person_by_the_name_in_our_records)
{
	uint8_t secret[32], mac[32];
	struct claims c, other;

	token_es256(&key, HEADER, "{" ISS AUD SUB JTI TIMES CNF "}", token);
	cr_assert_eq(issuer_verify(issuer, bytes_str(token), cert, NOW, &c), RC_OK);
	cr_assert_eq(user_name_secret(x.ring, secret), RC_OK);
	user_name_mac(secret, "anna", mac);
	cr_expect_arr_eq(c.name_mac, mac, sizeof(mac));
	cr_expect(c.issued_at == NOW && c.expires_at == NOW + 900 && c.cert[0] == 4);
	cr_expect(id_is_zero(&c.user) && !id_is_zero(&c.jti));
	token_es256(&key, HEADER, "{" ISS AUD SUB "\"jti\":\"j-2\"," TIMES CNF "}", token);
	cr_assert_eq(issuer_verify(issuer, bytes_str(token), cert, NOW, &other), RC_OK);
	cr_expect_not(id_equal(&c.jti, &other.jti));
}

Test(issuer, a_remembered_token_is_judged_anew_each_time)
{
	const uint8_t stranger[32] = { 9 };
	struct claims c;

	token_es256(&key, HEADER, "{" ISS AUD SUB JTI TIMES CNF "}", token);
	cr_assert_eq(issuer_verify(issuer, bytes_str(token), cert, NOW, &c), RC_OK);
	cr_expect_eq(issuer_verify(issuer, bytes_str(token), stranger, NOW, &c), RC_BAD_TOKEN);
	cr_expect_not(c.is_outside);
	cr_expect_eq(issuer_verify(issuer, bytes_str(token), cert, NOW + 900, &c), RC_BAD_TOKEN);
	cr_expect_eq(issuer_verify(issuer, bytes_str("e30"), cert, NOW, &c), RC_BAD_TOKEN);
	token[strlen(token) - 3] ^= 1;
	cr_expect_eq(issuer_verify(issuer, bytes_str(token), cert, NOW, &c), RC_BAD_TOKEN, "signature");
}

/* ---- memory ---- */

Test(issuer, without_memory_it_does_not_open)
{
	NEEDS_FAMINE();
	cr_expect_geq(famine_each(open_issuer, NULL, RC_INVALID), 6);
}

Test(issuer, a_token_that_there_is_no_memory_for_is_not_a_bad_one)
{
	struct fault f = { 0 };
	struct claims c;
	unsigned n = 0;
	enum rc rc;

	NEEDS_FAMINE();
	token_es256(&key, HEADER, "{" ISS AUD SUB JTI TIMES CNF "}", token);
	famine_library = "libcjson";
	do {
		cr_assert_eq(issuer_reload(issuer, &f), RC_OK); /* forgets the token */
		famine_in = ++n;
		rc = issuer_verify(issuer, bytes_str(token), cert, NOW, &c);
		cr_expect_eq(rc, famine_in > 0 ? RC_OK : RC_UNAVAILABLE, "request %u: %d", n, rc);
	} while (famine_in == 0);
	famine_in = 0;
	cr_expect_gt(n, 10);
}
