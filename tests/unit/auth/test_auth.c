/* SPDX-License-Identifier: Apache-2.0 */
/* A token is ours in every byte, counts for a while, for one certificate, or not at all (RFC 7519, 8705,
 * 8725). */
#include "auth/auth.h"

#include <pthread.h>

#include "../store_fixture.h"
#include "auth/jwt.h"
#include "tokens.h"

#define NOW      1800000000
#define AUDIENCE "menedek.example.hu"

static struct pem key, other_key, public_key;
static struct auth *auth;
static struct arena *arena;
static char header[256]; /* ours, decoded */
static char text[TOKEN_TEXT];

static const struct claims ours = { .jti = { { 1 } },
	.user = { { 2 } },
	.device = { { 3 } },
	.issued_at = NOW,
	.expires_at = NOW + 900,
	.round = 7,
	.cert = { 4, 5, 6 } };

static const char *
issue(const struct claims *c)
{
	const char *token;

	cr_assert_eq(auth_issue(auth, c, arena, &token), RC_OK);
	return token;
}

static void
set_up(void)
{
	struct fault f = { 0 };
	const char *token;
	size_t len;

	cr_assert_eq(ca_key_new(&key), RC_OK);
	cr_assert_eq(ca_key_new(&other_key), RC_OK);
	cr_assert_eq(ca_key_public(&key, &public_key), RC_OK);
	cr_assert_eq(auth_new(&key, AUDIENCE, &auth, &f), RC_OK);
	cr_assert_not_null(arena = arena_new(1024u * 1024));
	token = issue(&ours);
	cr_assert(base64url_parse(token, strcspn(token, "."), (uint8_t *)header, sizeof(header) - 1, &len));
}

static void
tear_down(void)
{
	auth_free(auth);
	arena_free(arena);
	auth = NULL;
	arena = NULL;
}

TestSuite(auth, .init = set_up, .fini = tear_down, .timeout = 60);

static enum rc
verify_at(const char *token, int64_t now)
{
	struct claims c;

	return auth_verify(auth, bytes_str(token), ours.cert, now, &c);
}

/* ---- the good case ---- */

Test(auth, a_token_says_what_it_was_issued_with)
{
	const char *token = issue(&ours);
	struct claims c;

	for (unsigned i = 0; i < 2; i++) { /* the second time from memory */
		cr_assert_eq(auth_verify(auth, bytes_str(token), ours.cert, NOW, &c), RC_OK);
		cr_expect(id_equal(&c.jti, &ours.jti) && id_equal(&c.user, &ours.user) &&
		    id_equal(&c.device, &ours.device));
		cr_expect(c.issued_at == ours.issued_at && c.expires_at == ours.expires_at);
		cr_expect_eq(c.round, ours.round);
		cr_expect_arr_eq(c.cert, ours.cert, 32);
	}
}

Test(auth, the_header_is_pinned)
{
	cr_expect_eq(strncmp(header, "{\"alg\":\"ES256\",\"kid\":\"", 22), 0, "%s", header);
	cr_expect_not_null(strstr(header, "\",\"typ\":\"JWT\"}"));
}

Test(auth, tokens_are_bounded)
{
	cr_expect_lt(strlen(issue(&ours)), 1000);
}

Test(auth, a_remembered_token_is_judged_anew_each_time)
{
	const char *token = issue(&ours);
	const uint8_t other_cert[32] = { 9 };
	struct claims c;

	cr_assert_eq(verify_at(token, NOW), RC_OK);
	cr_expect_eq(auth_verify(auth, bytes_str(token), other_cert, NOW, &c), RC_BAD_TOKEN);
	cr_expect(id_is_zero(&c.user), "a refused token tells nothing");
	cr_expect_eq(verify_at(token, NOW + 900), RC_BAD_TOKEN);
	cr_expect_eq(verify_at(token, NOW - 31), RC_BAD_TOKEN);
	cr_expect_eq(verify_at(token, NOW + 1), RC_OK);
}

struct moment {
	int64_t now;
	enum rc rc;
};

Test(auth, times_hold_to_the_second)
{
	static const struct moment moments[] = { { NOW - 31, RC_BAD_TOKEN }, { NOW - 30, RC_OK },
		{ NOW, RC_OK }, { NOW + 899, RC_OK }, { NOW + 900, RC_BAD_TOKEN },
		{ NOW + 901, RC_BAD_TOKEN } };
	const char *token = issue(&ours);

	for (unsigned i = 0; i < COUNT_OF(moments); i++)
		cr_expect_eq(verify_at(token, moments[i].now), moments[i].rc, "row %u", i);
}

/* ---- claims: each row signed with our key under our header, one thing wrong ---- */

#define ISS "\"iss\":\"menedek\","
#define AUD "\"aud\":\"menedek.example.hu\","
#define JTI "\"jti\":\"04000000000000000000000000\","
#define SUB "\"sub\":\"08000000000000000000000000\","
#define DEV "\"dev\":\"0c000000000000000000000000\","
#define IAT "\"iat\":1800000000,"
#define NBF "\"nbf\":1800000000,"
#define EXP "\"exp\":1800000900,"
#define CNF "\"cnf\":{\"x5t#S256\":\"BAUGAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\"}"

struct payload {
	const char *what, *json;
	enum rc rc;
};

static const struct payload payloads[] = {
	{ "nothing wrong", "{" ISS AUD JTI SUB DEV IAT NBF EXP CNF "}", RC_OK },
	{ "other order", "{" EXP NBF IAT DEV SUB JTI AUD ISS CNF "}", RC_OK },
	{ "no iss", "{" AUD JTI SUB DEV IAT NBF EXP CNF "}", RC_BAD_TOKEN },
	{ "a round", "{" ISS AUD JTI SUB DEV IAT NBF EXP "\"rnd\":1," CNF "}", RC_OK },
	{ "round none", "{" ISS AUD JTI SUB DEV IAT NBF EXP "\"rnd\":0," CNF "}", RC_BAD_TOKEN },
	{ "a round in letters", "{" ISS AUD JTI SUB DEV IAT NBF EXP "\"rnd\":\"1\"," CNF "}", RC_BAD_TOKEN },
	{ "other iss", "{\"iss\":\"Menedek\"," AUD JTI SUB DEV IAT NBF EXP CNF "}", RC_BAD_TOKEN },
	{ "no aud", "{" ISS JTI SUB DEV IAT NBF EXP CNF "}", RC_BAD_TOKEN },
	{ "other aud", "{" ISS "\"aud\":\"other.example.hu\"," JTI SUB DEV IAT NBF EXP CNF "}",
	    RC_BAD_TOKEN },
	{ "aud is a list", "{" ISS "\"aud\":[\"menedek.example.hu\"]," JTI SUB DEV IAT NBF EXP CNF "}",
	    RC_BAD_TOKEN },
	{ "aud begins alike", "{" ISS "\"aud\":\"menedek.example.hu.evil\"," JTI SUB DEV IAT NBF EXP CNF "}",
	    RC_BAD_TOKEN },
	{ "no jti", "{" ISS AUD SUB DEV IAT NBF EXP CNF "}", RC_BAD_TOKEN },
	{ "short jti", "{" ISS AUD "\"jti\":\"0400\"," SUB DEV IAT NBF EXP CNF "}", RC_BAD_TOKEN },
	{ "no sub", "{" ISS AUD JTI DEV IAT NBF EXP CNF "}", RC_BAD_TOKEN },
	{ "sub zero", "{" ISS AUD JTI "\"sub\":\"00000000000000000000000000\"," DEV IAT NBF EXP CNF "}",
	    RC_BAD_TOKEN },
	{ "sub is a number", "{" ISS AUD JTI "\"sub\":1," DEV IAT NBF EXP CNF "}", RC_BAD_TOKEN },
	{ "no dev", "{" ISS AUD JTI SUB IAT NBF EXP CNF "}", RC_BAD_TOKEN },
	{ "no iat", "{" ISS AUD JTI SUB DEV NBF EXP CNF "}", RC_BAD_TOKEN },
	{ "future iat", "{" ISS AUD JTI SUB DEV "\"iat\":1800000031," NBF EXP CNF "}", RC_BAD_TOKEN },
	{ "no nbf", "{" ISS AUD JTI SUB DEV IAT EXP CNF "}", RC_BAD_TOKEN },
	{ "future nbf", "{" ISS AUD JTI SUB DEV IAT "\"nbf\":1800000031," EXP CNF "}", RC_BAD_TOKEN },
	{ "nbf within skew", "{" ISS AUD JTI SUB DEV IAT "\"nbf\":1800000030," EXP CNF "}", RC_OK },
	{ "no exp", "{" ISS AUD JTI SUB DEV IAT NBF CNF "}", RC_BAD_TOKEN },
	{ "exp now", "{" ISS AUD JTI SUB DEV "\"iat\":1799999500," NBF "\"exp\":1800000000," CNF "}",
	    RC_BAD_TOKEN },
	{ "exp is text", "{" ISS AUD JTI SUB DEV IAT NBF "\"exp\":\"1800000900\"," CNF "}", RC_BAD_TOKEN },
	{ "exp is a fraction", "{" ISS AUD JTI SUB DEV IAT NBF "\"exp\":1800000800.5," CNF "}",
	    RC_BAD_TOKEN },
	{ "exp is null", "{" ISS AUD JTI SUB DEV IAT NBF "\"exp\":null," CNF "}", RC_BAD_TOKEN },
	{ "negative iat", "{" ISS AUD JTI SUB DEV "\"iat\":-1," NBF EXP CNF "}", RC_BAD_TOKEN },
	{ "life too long", "{" ISS AUD JTI SUB DEV IAT NBF "\"exp\":1800000901," CNF "}", RC_BAD_TOKEN },
	{ "no cnf", "{" ISS AUD JTI SUB DEV IAT NBF "\"exp\":1800000900}", RC_BAD_TOKEN },
	{ "empty cnf", "{" ISS AUD JTI SUB DEV IAT NBF EXP "\"cnf\":{}}", RC_BAD_TOKEN },
	{ "other certificate",
	    "{" ISS AUD JTI SUB DEV IAT NBF EXP
	    "\"cnf\":{\"x5t#S256\":\"BAUHAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\"}}",
	    RC_BAD_TOKEN },
	{ "short certificate", "{" ISS AUD JTI SUB DEV IAT NBF EXP "\"cnf\":{\"x5t#S256\":\"BAUG\"}}",
	    RC_BAD_TOKEN },
	{ "sub twice", "{" ISS AUD JTI SUB "\"sub\":\"10000000000000000000000000\"," DEV IAT NBF EXP CNF "}",
	    RC_BAD_TOKEN },
	{ "exp twice", "{" ISS AUD JTI SUB DEV IAT NBF "\"exp\":1," EXP CNF "}", RC_BAD_TOKEN },
	{ "exp twice, escaped", "{" ISS AUD JTI SUB DEV IAT NBF "\"e\\u0078p\":1," EXP CNF "}",
	    RC_BAD_TOKEN },
	{ "a list", "[1]", RC_BAD_TOKEN },
	{ "more after it", "{" ISS AUD JTI SUB DEV IAT NBF EXP CNF "}{}", RC_BAD_TOKEN },
	{ "nothing", "", RC_BAD_TOKEN },
};

Test(auth, each_claim_is_checked)
{
	for (unsigned i = 0; i < COUNT_OF(payloads); i++) {
		token_es256(&key, header, payloads[i].json, text);
		cr_expect_eq(verify_at(text, NOW), payloads[i].rc, "%s", payloads[i].what);
	}
}

/* ---- headers: all signed well, so that only the header can be what is wrong ---- */

#define GOOD_CLAIMS "{" ISS AUD JTI SUB DEV IAT NBF EXP CNF "}"

Test(auth, only_our_header_is_taken)
{
	static const char *const headers[] = { "{\"alg\":\"ES256\",\"typ\":\"JWT\",\"kid\":\"%s\"}",
		"{\"typ\":\"JWT\",\"kid\":\"%s\",\"alg\":\"ES256\"}",
		"{\"alg\":\"ES256\",\"kid\":\"%s\",\"typ\":\"at+jwt\"}", "{\"alg\":\"ES256\",\"kid\":\"%s\"}",
		"{\"alg\":\"ES256\",\"typ\":\"JWT\"}", "{\"alg\":\"ES256\",\"kid\":\"x%s\",\"typ\":\"JWT\"}",
		"{\"alg\":\"ES256\", \"kid\":\"%s\",\"typ\":\"JWT\"}",
		"{\"alg\":\"ES256\",\"crit\":[\"exp\"],\"kid\":\"%s\",\"typ\":\"JWT\"}",
		"{\"alg\":\"none\",\"alg\":\"ES256\",\"kid\":\"%s\",\"typ\":\"JWT\"}",
		"{\"alg\":\"es256\",\"kid\":\"%s\",\"typ\":\"JWT\"}",
		"{\"alg\":\"ES256\",\"jku\":\"https://evil.example\",\"kid\":\"%s\",\"typ\":\"JWT\"}" };
	char kid[32] = { 0 }, wrong[256];

	memcpy(kid, strstr(header, "\"kid\":\"") + 7, 16);
	token_es256(&key, header, GOOD_CLAIMS, text);
	cr_assert_eq(verify_at(text, NOW), RC_OK, "the helper signs as we do");
	for (unsigned i = 0; i < COUNT_OF(headers); i++) {
		const char *at = strstr(headers[i], "%s");
		snprintf(wrong, sizeof(wrong), "%.*s%s%s",
		    at ? (int)(at - headers[i]) : (int)strlen(headers[i]), headers[i], at ? kid : "",
		    at ? at + 2 : "");
		token_es256(&key, wrong, GOOD_CLAIMS, text);
		cr_expect_eq(verify_at(text, NOW), RC_BAD_TOKEN, "%s", wrong);
	}
}

Test(auth, another_algorithm_is_refused)
{
	size_t len;

	len = token_body("{\"alg\":\"none\",\"typ\":\"JWT\"}", GOOD_CLAIMS, text);
	strcpy(text + len, ".");
	cr_expect_eq(verify_at(text, NOW), RC_BAD_TOKEN, "none");
	token_hs256(public_key.text, "{\"alg\":\"HS256\",\"typ\":\"JWT\"}", GOOD_CLAIMS, text);
	cr_expect_eq(verify_at(text, NOW), RC_BAD_TOKEN, "HS256 keyed with the public key");
	cr_expect_eq(jwt_es256_check(public_key.text, text), RC_BAD_TOKEN, "even if it got past our header");
	token_hs256(public_key.text, header, GOOD_CLAIMS, text);
	cr_expect_eq(verify_at(text, NOW), RC_BAD_TOKEN, "HS256 under our header");
	len = token_body(header, GOOD_CLAIMS, text);
	strcpy(text + len, ".");
	cr_expect_eq(verify_at(text, NOW), RC_BAD_TOKEN, "no signature under our header");
}

Test(auth, another_key_is_refused)
{
	struct auth *other;
	struct fault f = { 0 };
	const char *token;

	token_es256(&other_key, header, GOOD_CLAIMS, text);
	cr_expect_eq(verify_at(text, NOW), RC_BAD_TOKEN, "its signature under our header");
	cr_assert_eq(auth_new(&other_key, AUDIENCE, &other, &f), RC_OK);
	cr_assert_eq(auth_issue(other, &ours, arena, &token), RC_OK);
	cr_expect_eq(verify_at(token, NOW), RC_BAD_TOKEN);
	auth_free(other);
}

/* ---- form: the same good token, its text changed ---- */

Test(auth, a_token_has_one_text_only)
{
	static const char *const tails[] = { "\n", "=", "==", ".", ".x", " ", "A", "AAAA", "\r\n" };
	const char *token = issue(&ours);
	const size_t len = strlen(token);

	cr_assert_eq(verify_at(token, NOW), RC_OK);
	for (unsigned i = 0; i < COUNT_OF(tails); i++) {
		snprintf(text, sizeof(text), "%s%s", token, tails[i]);
		cr_expect_eq(verify_at(text, NOW), RC_BAD_TOKEN, "tail %u", i);
	}
	snprintf(text, sizeof(text), " %s", token);
	cr_expect_eq(verify_at(text, NOW), RC_BAD_TOKEN, "leading space");
	snprintf(text, sizeof(text), "%s", token);
	for (size_t i = 0; i < len; i++) {
		text[i] = token[i] == 'B' ? 'C' : 'B';
		cr_expect_eq(verify_at(text, NOW), RC_BAD_TOKEN, "byte %zu", i);
		text[i] = token[i];
	}
	for (size_t i = 0; i < len; i += 37) {
		snprintf(text, sizeof(text), "%.*s", (int)i, token);
		cr_expect_eq(verify_at(text, NOW), RC_BAD_TOKEN, "cut at %zu", i);
	}
}

Test(auth, a_nul_in_a_token_is_refused)
{
	const char *token = issue(&ours);
	const size_t len = strlen(token);
	struct claims c;

	snprintf(text, sizeof(text), "%s", token);
	cr_expect_eq(
	    auth_verify(auth, (struct bytes){ (uint8_t *)text, len + 1 }, ours.cert, NOW, &c), RC_BAD_TOKEN);
	cr_expect_eq(
	    auth_verify(auth, (struct bytes){ (uint8_t *)text, 0 }, ours.cert, NOW, &c), RC_BAD_TOKEN);
}

/* A good token of ${wanted} bytes or a few less, made long by a claim that nobody knows. */
static size_t
long_token(size_t wanted, char out[TOKEN_TEXT])
{
	static char payload[16384], filler[8192];
	size_t filling = wanted - 700, len = 0;

	do {
		memset(filler, 'a', filling);
		filler[filling] = '\0';
		snprintf(payload, sizeof(payload), "{" ISS AUD JTI SUB DEV IAT NBF EXP CNF ",\"pad\":\"%s\"}",
		    filler);
		token_es256(&key, header, payload, out);
		len = strlen(out);
		filling -= len > wanted ? (len - wanted) * 3 / 4 + 1 : 0;
	} while (len > wanted);
	return len;
}

Test(auth, a_token_over_4096_bytes_is_refused)
{
	cr_assert_geq(long_token(LIMIT_TOKEN, text), LIMIT_TOKEN - 4);
	cr_expect_eq(verify_at(text, NOW), RC_OK);
	cr_assert_gt(long_token(LIMIT_TOKEN + 8, text), LIMIT_TOKEN);
	cr_expect_eq(verify_at(text, NOW), RC_BAD_TOKEN);
}

/* ---- keys, threads ---- */

Test(auth, what_is_no_p256_key_is_refused_at_the_start)
{
	struct pem bad = { "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n" };
	struct auth *none;
	struct fault f = { 0 };

	cr_expect_eq(auth_new(&bad, AUDIENCE, &none, &f), RC_INVALID);
	cr_expect_null(none);
	memset(bad.text, 'a', sizeof(bad.text));
	cr_expect_eq(auth_new(&bad, AUDIENCE, &none, &f), RC_INVALID);
}

static void *
verify_often(void *arg)
{
	const char *const *tokens = arg;
	unsigned refused = 0;

	for (unsigned i = 0; i < 400; i++)
		refused += verify_at(tokens[i % 20], NOW) != RC_OK;
	return (void *)(uintptr_t)refused;
}

Test(auth, threads_may_verify_at_once)
{
	const char *tokens[20];
	pthread_t threads[4];
	void *refused;

	for (unsigned i = 0; i < COUNT_OF(tokens); i++) {
		struct claims c = ours;
		c.jti = id_new();
		tokens[i] = issue(&c);
	}
	for (unsigned i = 0; i < 4; i++)
		cr_assert_eq(pthread_create(&threads[i], NULL, verify_often, tokens), 0);
	for (unsigned i = 0; i < 4; i++) {
		pthread_join(threads[i], &refused);
		cr_expect_null(refused);
	}
}

Test(auth, nothing_is_left_behind)
{
	cr_assert_eq(verify_at(issue(&ours), NOW), RC_OK);
	cr_assert_eq(verify_at("x.y.z", NOW), RC_BAD_TOKEN);
	token_es256(&other_key, header, GOOD_CLAIMS, text);
	cr_assert_eq(verify_at(text, NOW), RC_BAD_TOKEN);
	tear_down();
	cr_expect_eq(FIXTURE_LEAKS(), 0);
}
