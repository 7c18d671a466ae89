/* SPDX-License-Identifier: Apache-2.0 */
/* Tokens while memory runs out: a good one may be refused, but is never called a bad one by us, nor a bad one
 * good. */
#include "../famine.h"

#include "auth/auth.h"
#include "auth/claims.h"
#include "auth/jwt.h"
#include "auth/verified.h"
#include "tokens.h"

#define NOW      1800000000
#define AUDIENCE "menedek.example.hu"

static struct pem key;
static struct auth *auth;
static struct arena *arena;

static const struct claims ours = { .jti = { { 1 } },
	.user = { { 2 } },
	.device = { { 3 } },
	.issued_at = NOW,
	.expires_at = NOW + 900,
	.cert = { 4, 5, 6 } };

static void
set_up(void)
{
	struct fault f = { 0 };

	cr_assert_eq(ca_key_new(&key), RC_OK);
	cr_assert_eq(auth_new(&key, AUDIENCE, &auth, &f), RC_OK);
	cr_assert_not_null(arena = arena_new(1024u * 1024));
}

static void
tear_down(void)
{
	auth_free(auth);
	arena_free(arena);
	auth = NULL;
	arena = NULL;
}

TestSuite(auth_famine, .init = set_up, .fini = tear_down, .timeout = 120);

static enum rc
open_auth(void *arg)
{
	struct fault f = { 0 };
	struct auth *a;
	enum rc rc = auth_new(arg, AUDIENCE, &a, &f);

	cr_assert_eq(a != NULL, rc == RC_OK);
	cr_assert_eq(f.count > 0, rc != RC_OK, "it says why");
	auth_free(a);
	return rc;
}

Test(auth_famine, a_service_without_memory_does_not_open)
{
	NEEDS_FAMINE();
	cr_expect_geq(famine_each(open_auth, &key, RC_INVALID), 1);
}

/* What libjwt refuses in turn: what to sign, by which name, with which key. */
Test(auth_famine, what_cannot_be_signed_gives_no_token)
{
	static const char good[] = "{\"a\":1}";
	char *token = key.text;

	cr_expect_eq(jwt_es256_sign(key.text, "kid", "no claims", &token), RC_INTERNAL);
	cr_expect_null(token);
	cr_expect_eq(jwt_es256_sign(key.text, NULL, good, &token), RC_INTERNAL);
	cr_expect_eq(jwt_es256_sign("no key", "kid", good, &token), RC_INTERNAL);
	cr_expect_null(token);
	cr_assert_eq(jwt_es256_sign(key.text, "kid", good, &token), RC_OK);
	free(token);
}

static enum rc
sign(void *arg)
{
	char *token;
	enum rc rc = jwt_es256_sign(key.text, "kid", arg, &token);

	free(token);
	return rc;
}

Test(auth_famine, a_library_without_memory_is_no_judgement)
{
	char claims[] = "{}";

	NEEDS_FAMINE();
	famine_library = "libjwt";
	famine_in = 1; /* the token itself; later ones end the process */
	cr_expect_eq(sign(claims), RC_UNAVAILABLE);
	famine_in = 1;
	cr_expect_eq(jwt_es256_check(key.text, "a.b.c"), RC_UNAVAILABLE);
	famine_in = 0;
	cr_expect_eq(sign(claims), RC_OK);
}

Test(auth_famine, a_token_that_no_arena_holds_is_not_issued)
{
	const char *token;
	size_t cap = 0;
	enum rc rc = RC_TOO_BIG;

	for (; rc != RC_OK; cap += 16) {
		struct arena *small = arena_new(cap);

		rc = auth_issue(auth, &ours, small, &token);
		cr_assert(rc == RC_OK || (rc == RC_TOO_BIG && token == NULL), "%zu", cap);
		arena_free(small);
		cr_assert_lt(cap, 4096);
	}
	cr_expect_gt(cap, 300);
}

struct question {
	char text[TOKEN_TEXT];
	unsigned called_bad;
};

/* A service that has not seen the token yet. */
static enum rc
verify(void *arg)
{
	struct question *q = arg;
	struct claims seen;
	enum rc rc = auth_verify(auth, bytes_str(q->text), ours.cert, NOW, &seen);

	cr_assert_eq(id_is_zero(&seen.user), rc != RC_OK);
	q->called_bad += rc == RC_BAD_TOKEN;
	return rc;
}

Test(auth_famine, a_bad_token_is_never_good)
{
	struct question q;
	const char *token;

	NEEDS_FAMINE();
	cr_assert_eq(auth_issue(auth, &ours, arena, &token), RC_OK);
	(void)str_copy(q.text, sizeof(q.text), token);
	q.text[strlen(q.text) - 8] ^= 1;
	for (unsigned n = 1; n < 12; n++) {
		struct claims seen;

		famine_in = n;
		cr_expect_neq(auth_verify(auth, bytes_str(q.text), ours.cert, NOW, &seen), RC_OK);
		famine_in = 0;
	}
}

Test(auth_famine, a_good_token_is_read_or_not_read)
{
	static struct question q;
	const char *token;

	NEEDS_FAMINE();
	cr_assert_eq(auth_issue(auth, &ours, arena, &token), RC_OK);
	(void)str_copy(q.text, sizeof(q.text), token);
	cr_expect_geq(famine_each(verify, &q, RC_BAD_TOKEN), 1);
	cr_expect_eq(q.called_bad, 0);
}

static enum rc
read_part(void *arg)
{
	json *tree;
	enum rc rc = token_read_part(bytes_str(arg), &tree);

	cr_assert_eq(tree != NULL, rc == RC_OK);
	json_free(tree);
	return rc;
}

Test(auth_famine, a_part_that_there_is_no_memory_for_is_not_a_bad_part)
{
	char part[] = "eyJhIjp7ImIiOlsxLDIsInMiXX19"; /* {"a":{"b":[1,2,"s"]}} */

	NEEDS_FAMINE();
	famine_library = "libcjson";
	cr_expect_geq(famine_each(read_part, part, RC_UNAVAILABLE), 5);
}

Test(auth_famine, an_audience_or_a_claim_too_long_for_a_token_is_refused_at_the_start)
{
	char audience[300];
	struct fault f = { 0 };
	struct auth *a;
	struct pem endless;

	memset(audience, 'a', sizeof(audience));
	audience[255] = '\0';
	cr_expect_eq(auth_new(&key, audience, &a, &f), RC_OK);
	auth_free(a);
	memset(audience, 'a', sizeof(audience));
	audience[256] = '\0';
	cr_expect_eq(auth_new(&key, audience, &a, &f), RC_INVALID);
	cr_expect_null(a);
	memset(endless.text, 'a', sizeof(endless.text));
	cr_expect_eq(auth_new(&endless, AUDIENCE, &a, &f), RC_INVALID);
}

Test(auth_famine, no_place_to_remember_in_is_said)
{
	NEEDS_FAMINE();
	famine_in = 1;
	cr_expect_null(verified_new());
	verified_free(NULL);
}
