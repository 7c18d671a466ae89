/* SPDX-License-Identifier: Apache-2.0 */
/* A token's text and claims taken apart strictly: each rule broken alone. */
#include "auth/claims.h"

#include <criterion/criterion.h>
#include <string.h>

#define SIGNATURE                                                                                            \
	"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA" /* 64 bytes \
												  */

struct text {
	const char *token;
	bool is_good;
};

Test(claims, three_parts_of_the_one_alphabet_or_none)
{
	static const struct text texts[] = { { "e30.e30." SIGNATURE, true },
		{ "azAZ09-_.azAZ09-_." SIGNATURE, true },
		{ "."
		  "." SIGNATURE,
		    true }, /* for its reader to refuse */
		{ "", false }, { "e30", false }, { "e30.e30", false }, { "e30.e30.", false },
		{ "e30.e30." SIGNATURE ".", false }, { "e30.e30." SIGNATURE "AA", false },
		{ "e30.e30.AAAA", false }, { "e3+.e30." SIGNATURE, false }, { "e3/.e30." SIGNATURE, false },
		{ "e3=.e30." SIGNATURE, false }, { "e30.e30." SIGNATURE "\n", false },
		{ " e30.e30." SIGNATURE, false }, { "e3@.e30." SIGNATURE, false },
		{ "e3[.e30." SIGNATURE, false }, { "e3`.e30." SIGNATURE, false },
		{ "e3{.e30." SIGNATURE, false }, { "e3:.e30." SIGNATURE, false } };
	struct token_text out;

	for (unsigned i = 0; i < COUNT_OF(texts); i++)
		cr_expect_eq(
		    token_split(bytes_str(texts[i].token), &out), texts[i].is_good, "'%s'", texts[i].token);
	cr_assert(token_split(bytes_str("ab.cde." SIGNATURE), &out));
	cr_expect(out.header.len == 2 && out.payload.len == 3 && out.signed_part.len == 6);
}

Test(claims, a_token_is_bounded)
{
	static char text[LIMIT_TOKEN + 2];
	static const char tail[] = "." SIGNATURE;
	struct token_text out;

	memset(text, 'A', sizeof(text) - 1);
	text[4] = '.';
	memcpy(text + LIMIT_TOKEN - strlen(tail), tail, sizeof(tail));
	cr_expect(token_split(bytes_str(text), &out));
	memset(text, 'A', sizeof(text) - 1);
	text[4] = '.';
	memcpy(text + LIMIT_TOKEN + 1 - strlen(tail), tail, sizeof(tail));
	cr_expect_not(token_split(bytes_str(text), &out), "one byte more");
}

Test(claims, a_part_is_an_object_or_bad)
{
	static const struct text parts[] = { { "e30", true } /* {} */, { "W10", false } /* [] */,
		{ "e30A", false }, { "e", false }, { "", false }, { "e31", false }, { "*", false } };
	json *tree;

	for (unsigned i = 0; i < COUNT_OF(parts); i++) {
		cr_expect_eq(token_read_part(bytes_str(parts[i].token), &tree),
		    parts[i].is_good ? RC_OK : RC_BAD_TOKEN, "'%s'", parts[i].token);
		cr_expect_eq(tree != NULL, parts[i].is_good);
		json_free(tree);
	}
}

/* ---- claims ---- */

static json *
tree_of(const char *text)
{
	json *tree = NULL;

	cr_assert_eq(json_parse(bytes_str(text), &tree, NULL), RC_OK, "%s", text);
	return tree;
}

Test(claims, a_claim_is_a_text_and_that_text)
{
	json *c = tree_of("{\"a\":\"x\",\"b\":[\"x\"],\"c\":1,\"d\":null}");

	cr_expect(claim_is(c, "a", "x"));
	cr_expect_not(claim_is(c, "a", "y"));
	cr_expect_not(claim_is(c, "b", "x"));
	cr_expect_not(claim_is(c, "c", ""));
	cr_expect_not(claim_is(c, "d", ""));
	cr_expect_not(claim_is(c, "e", ""));
	json_free(c);
}

Test(claims, a_time_is_a_whole_number_after_1970_that_a_double_holds)
{
	static const struct text times[] = { { "{\"t\":1}", true }, { "{\"t\":9007199254740991}", true },
		{ "{\"t\":0}", false }, { "{\"t\":-1}", false }, { "{\"t\":1.5}", false },
		{ "{\"t\":\"1\"}", false }, { "{\"t\":null}", false }, { "{}", false },
		{ "{\"t\":1e300}", false }, { "{\"t\":[1]}", false } };
	int64_t at;

	for (unsigned i = 0; i < COUNT_OF(times); i++) {
		json *c = tree_of(times[i].token);

		cr_expect_eq(claim_time(c, "t", &at), times[i].is_good, "%s", times[i].token);
		json_free(c);
	}
}

#define PRINT "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"

Test(claims, a_binding_is_32_bytes_of_a_certificate)
{
	static const struct text bindings[] = { { "{\"cnf\":{\"x5t#S256\":\"" PRINT "\"}}", true },
		{ "{\"cnf\":{\"x5t#S256\":\"" PRINT "AA\"}}", false },
		{ "{\"cnf\":{\"x5t#S256\":\"AAEC\"}}", false },
		{ "{\"cnf\":{\"x5t#S256\":\"" PRINT "=\"}}", false }, { "{\"cnf\":{\"x5t#S256\":1}}", false },
		{ "{\"cnf\":{\"jkt\":\"" PRINT "\"}}", false }, { "{\"cnf\":\"" PRINT "\"}", false },
		{ "{}", false } };
	uint8_t out[CERT_FINGERPRINT];

	for (unsigned i = 0; i < COUNT_OF(bindings); i++) {
		json *c = tree_of(bindings[i].token);

		cr_expect_eq(claim_binding(c, out), bindings[i].is_good, "%s", bindings[i].token);
		json_free(c);
	}
}

Test(claims, a_token_counts_for_its_certificate_and_its_time)
{
	const uint8_t mine[CERT_FINGERPRINT] = { 1 }, other[CERT_FINGERPRINT] = { 2 };
	const struct token good = { .claims = { .issued_at = 1000, .expires_at = 1900, .cert = { 1 } },
		.not_before = 1000 };
	struct token t = good;

	cr_expect(token_counts(&t, mine, 1000));
	cr_expect(token_counts(&t, mine, 1899));
	cr_expect_not(token_counts(&t, mine, 1900));
	cr_expect_not(token_counts(&t, other, 1000));
	t.not_before = 1000 + LIMIT_TOKEN_SKEW;
	cr_expect(token_counts(&t, mine, 1000));
	t.not_before++;
	cr_expect_not(token_counts(&t, mine, 1000));
	t = good;
	t.claims.issued_at = 1000 + LIMIT_TOKEN_SKEW;
	cr_expect(token_counts(&t, mine, 1000));
	t.claims.issued_at++;
	cr_expect_not(token_counts(&t, mine, 1000));
}
