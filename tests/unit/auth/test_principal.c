/* SPDX-License-Identifier: Apache-2.0 */
/* Who asks, by record: every way in which a device or a person stops counting, also in the middle of a
 * request. */
#include "../store_fixture.h"
#include "auth/auth.h"

#define NOW 1800000000

static struct fixture x;
static struct org org;
static struct device device;
static struct user user;
static struct claims claims;

static void
put_org(void)
{
	fixture_put(&x, KIND_ORG, &org.id, &org);
}

static void
put_device(void)
{
	fixture_put(&x, KIND_DEVICE, &device.id, &device);
}

static void
put_user(void)
{
	fixture_put(&x, KIND_USER, &user.id, &user);
}

static void
set_up(void)
{
	struct reference row;
	struct key cert;

	fixture_new(&x, &engine_memory);
	model_clear(&model_org, &org);
	model_clear(&model_device, &device);
	model_clear(&model_user, &user);
	org.id = (struct id){ { 1 } };
	org.kind = ORG_HELPLINE;
	device.id = (struct id){ { 2 } };
	device.org = org.id;
	memset(device.fingerprint, 0xaa, 32);
	device.not_after = NOW + 1000;
	user.id = (struct id){ { 3 } };
	user.org = org.id;
	user.roles = 5;
	user.shelter_count = 1;
	user.shelters[0] = (struct id){ { 9 } };
	user.tokens_from = NOW - 100;
	claims = (struct claims){ .jti = { { 4 } },
		.user = user.id,
		.device = device.id,
		.issued_at = NOW - 100,
		.expires_at = NOW + 800 };
	memcpy(claims.cert, device.fingerprint, 32);
	row.id = device.id;
	cert = record_key_bytes(KIND_DEVICE_CERT, device.fingerprint, 32);
	fixture_put_at(&x, KIND_DEVICE_CERT, &cert, &row);
	put_org();
	put_device();
	put_user();
}

static void
tear_down(void)
{
	fixture_free(&x);
}

TestSuite(principal, .init = set_up, .fini = tear_down, .timeout = 30);

static struct principal who;

static enum rc
identify_txn(struct txn *t, void *arg)
{
	(void)arg;
	return principal_device(t, device.fingerprint, NOW, &who);
}

static enum rc
person_txn(struct txn *t, void *arg)
{
	enum rc rc = identify_txn(t, arg);

	return rc == RC_OK ? principal_person(t, &claims, NOW, &who) : rc;
}

static enum rc
identify(void)
{
	return fixture_view(&x, identify_txn, NULL);
}

static enum rc
person(void)
{
	return fixture_view(&x, person_txn, NULL);
}

static void
expect_nobody(void)
{
	cr_expect(id_is_zero(&who.user.id) && who.roles == 0 && id_is_zero(&who.claims.user));
}

Test(principal, an_enrolled_device_is_known_with_its_organisation)
{
	cr_assert_eq(identify(), RC_OK);
	cr_expect(id_equal(&who.device.id, &device.id) && id_equal(&who.org.id, &org.id));
	expect_nobody();
}

Test(principal, a_strange_certificate_is_forbidden)
{
	device.fingerprint[31] ^= 1;
	cr_expect_eq(identify(), RC_DEVICE_REFUSED);
	cr_expect(id_is_zero(&who.device.id));
}

Test(principal, a_revoked_device_is_forbidden)
{
	device.revoked_at = NOW - 1;
	put_device();
	cr_expect_eq(identify(), RC_DEVICE_REFUSED);
	cr_expect(id_is_zero(&who.device.id));
}

Test(principal, a_device_is_forbidden_from_its_last_second_on)
{
	device.not_after = NOW;
	put_device();
	cr_expect_eq(identify(), RC_DEVICE_REFUSED);
	device.not_after = NOW + 1;
	put_device();
	cr_expect_eq(identify(), RC_OK);
}

Test(principal, a_device_of_a_retired_or_missing_organisation_is_forbidden)
{
	org.retired = true;
	put_org();
	cr_expect_eq(identify(), RC_DEVICE_REFUSED);
	fixture_put(&x, KIND_ORG, &org.id, NULL);
	cr_expect_eq(identify(), RC_DEVICE_REFUSED);
}

Test(principal, an_old_certificate_of_a_device_is_forbidden)
{
	uint8_t old[32];

	memcpy(old, device.fingerprint, 32);
	memset(device.fingerprint, 0xbb, 32);
	put_device();
	memcpy(device.fingerprint, old, 32);
	cr_expect_eq(identify(), RC_DEVICE_REFUSED);
}

Test(principal, damaged_records_are_damage_and_not_a_refusal)
{
	const struct key key = record_key(KIND_DEVICE, &device.id);

	fixture_raw_put(&key, bytes_str("nothing that opens, and longer than a seal is"));
	cr_expect_eq(identify(), RC_CORRUPT);
}

Test(principal, a_person_is_known_with_roles_and_houses)
{
	const struct id mine = { { 9 } }, other = { { 8 } }, zero = { { 0 } };

	cr_assert_eq(person(), RC_OK);
	cr_expect(id_equal(&who.user.id, &user.id) && who.roles == 5);
	cr_expect(id_equal(&who.claims.jti, &claims.jti));
	cr_expect(principal_has_shelter(&who, &mine));
	cr_expect_not(principal_has_shelter(&who, &other));
	cr_expect_not(principal_has_shelter(&who, &zero));
}

/* ---- a person stops counting ---- */

static void
retire(void)
{
	user.retired = true;
	put_user();
}

static void
move_away(void)
{
	user.org = (struct id){ { 77 } };
	put_user();
}

static void
sign_out_everywhere(void)
{
	user.tokens_from = claims.issued_at + 1;
	put_user();
}

static void
sign_out(void)
{
	const struct revoked_token row = { .until = NOW + 1000 };

	fixture_put(&x, KIND_REVOKED_TOKEN, &claims.jti, &row);
}

static void
remove_user(void)
{
	fixture_put(&x, KIND_USER, &user.id, NULL);
}

static void
use_another_device(void)
{
	claims.device = (struct id){ { 55 } };
}

static void
let_it_run_out(void)
{
	claims.expires_at = NOW;
}

struct ending {
	const char *what;
	void (*happen)(void);
};

Test(principal, a_person_who_counts_no_more_is_refused_and_forgotten)
{
	static const struct ending endings[] = { { "retired", retire }, { "another organisation", move_away },
		{ "signed out everywhere", sign_out_everywhere }, { "signed out", sign_out },
		{ "removed", remove_user }, { "token of another device", use_another_device },
		{ "run out", let_it_run_out } };

	for (unsigned i = 0; i < COUNT_OF(endings); i++) {
		cr_assert_eq(person(), RC_OK, "before: %s", endings[i].what);
		endings[i].happen();
		cr_expect_eq(person(), RC_BAD_TOKEN, "%s", endings[i].what);
		expect_nobody();
		tear_down();
		set_up();
	}
}

Test(principal, a_token_of_the_second_of_signing_out_everywhere_counts)
{
	user.tokens_from = claims.issued_at;
	put_user();
	cr_expect_eq(person(), RC_OK);
}

Test(principal, of_the_tokens_before_a_new_passphrase_the_one_that_set_it_goes_on)
{
	user.kept_token = claims.jti;
	sign_out_everywhere(); /* puts the user, too */
	cr_expect_eq(person(), RC_OK);
	sign_out();
	cr_expect_eq(person(), RC_BAD_TOKEN, "until it is signed out");
	claims.jti.b[0]++;
	cr_expect_eq(person(), RC_BAD_TOKEN);
	user.kept_token = (struct id){ { 0 } };
	put_user();
	claims.jti = user.kept_token;
	cr_expect_eq(person(), RC_BAD_TOKEN, "none is none");
}

Test(principal, a_token_given_while_all_were_voided_is_void_however_late_its_time)
{
	claims.round = principal_round(&user);
	cr_assert_eq(person(), RC_OK);
	user.token_round++;
	put_user();
	cr_assert_geq(claims.issued_at, user.tokens_from);
	cr_expect_eq(person(), RC_BAD_TOKEN);
	user.kept_token = claims.jti;
	put_user();
	cr_expect_eq(person(), RC_OK, "but for the one that goes on");
	user.kept_token = (struct id){ { 0 } };
	put_user();
	claims.round = principal_round(&user);
	cr_expect_eq(person(), RC_OK);
	claims.round = 0;
	cr_expect_eq(person(), RC_OK, "one that does not say goes by its time");
}

/* Else the person would be locked out until its day had come, though each sign-in succeeded. */
Test(principal, a_clock_that_ran_ahead_when_tokens_were_voided_keeps_out_no_later_one)
{
	user.tokens_from = NOW + 86400;
	user.token_round = 1;
	put_user();
	claims.issued_at = NOW;
	claims.round = principal_round(&user);
	cr_expect_eq(person(), RC_OK);
	claims.round--;
	cr_expect_eq(person(), RC_BAD_TOKEN, "what was voided stays so");
	claims.round = 0;
	cr_expect_eq(person(), RC_BAD_TOKEN, "one that does not say goes by its time");
}

/* ---- whom an outside issuer names ---- */

static void
name_user(const char *name)
{
	const struct reference row = { .id = user.id };
	struct key key;

	cr_assert_eq(user_name_key(x.ring, name, &key), RC_OK);
	fixture_put_at(&x, KIND_USER_NAME, &key, &row);
}

static void
claim_name(const char *name)
{
	uint8_t secret[32];

	cr_assert_eq(user_name_secret(x.ring, secret), RC_OK);
	user_name_mac(secret, name, claims.name_mac);
	claims.is_outside = true;
	claims.user = (struct id){ { 0 } };
	claims.device = (struct id){ { 0 } };
}

Test(principal, an_outside_token_means_the_person_of_that_name_with_our_roles)
{
	name_user("anna");
	claim_name("anna");
	cr_assert_eq(person(), RC_OK);
	cr_expect(id_equal(&who.user.id, &user.id) && who.roles == 5);
	cr_expect(id_equal(&who.claims.user, &user.id) && id_equal(&who.claims.device, &device.id));
	claim_name("bea");
	cr_expect_eq(person(), RC_BAD_TOKEN, "nobody of ours");
	expect_nobody();
}

Test(principal, a_record_that_cannot_be_read_makes_nobody)
{
	name_user("anna");
	for (unsigned outside = 0; outside < 2; outside++) {
		if (outside)
			claim_name("anna");
		cr_expect_eq(fixture_update_starved(&x, person_txn, NULL), 6 + outside);
	}
}

Test(principal, a_person_with_every_place_for_houses_taken_has_those_and_no_more)
{
	const struct id other = { { 200 } };

	user.shelter_count = USER_SHELTERS;
	for (unsigned i = 0; i < USER_SHELTERS; i++)
		user.shelters[i] = (struct id){ { (uint8_t)(100 + i) } };
	put_user();
	cr_assert_eq(person(), RC_OK);
	cr_expect(principal_has_shelter(&who, &user.shelters[USER_SHELTERS - 1]));
	cr_expect_not(principal_has_shelter(&who, &other));
	who.user.shelter_count = UINT8_MAX; /* whatever a record says, nothing behind the list is read */
	cr_expect_not(principal_has_shelter(&who, &other));
}

/* ---- in the middle of a request ---- */

struct race {
	void (*happen)(void);
	unsigned runs;
};

/* A request that writes: what happens after its reads must undo it.  The change has an arena of its own. */
static enum rc
request(struct txn *t, void *arg)
{
	struct race *r = arg;
	const struct reference row = { .id = { { 6 } } };
	const struct key key = record_key(KIND_EPISODE_DESK, &row.id);
	enum rc rc;

	if ((rc = person_txn(t, NULL)) != RC_OK)
		return rc;
	if (r->runs++ == 0) {
		struct arena *kept = x.arena;
		x.arena = arena_new(FIXTURE_ARENA);
		r->happen();
		arena_free(x.arena);
		x.arena = kept;
	}
	return record_put(t, KIND_EPISODE_DESK, &key, &row);
}

static void
revoke_device(void)
{
	device.revoked_at = NOW;
	put_device();
}

static void
retire_org(void)
{
	org.retired = true;
	put_org();
}

struct interruption {
	const char *what;
	void (*happen)(void);
	enum rc rc;
};

Test(principal, a_revocation_during_a_request_undoes_it)
{
	static const struct interruption all[] = { { "person retired", retire, RC_BAD_TOKEN },
		{ "signed out", sign_out, RC_BAD_TOKEN },
		{ "device revoked", revoke_device, RC_DEVICE_REFUSED },
		{ "organisation retired", retire_org, RC_DEVICE_REFUSED } };

	for (unsigned i = 0; i < COUNT_OF(all); i++) {
		struct race r = { .happen = all[i].happen };
		cr_expect_eq(fixture_update(&x, request, &r), all[i].rc, "%s", all[i].what);
		cr_expect_eq(r.runs, 1, "%s", all[i].what);
		tear_down();
		set_up();
	}
}

/* ---- names ---- */

Test(principal, a_name_key_is_stable_and_shows_no_name)
{
	struct key a, b, c;

	cr_assert_eq(user_name_key(x.ring, "anna", &a), RC_OK);
	cr_assert_eq(user_name_key(x.ring, "anna", &b), RC_OK);
	cr_assert_eq(user_name_key(x.ring, "annb", &c), RC_OK);
	cr_expect_eq(key_compare(&a, &b), 0);
	cr_expect_neq(key_compare(&a, &c), 0);
	cr_expect_null(memmem(a.b, a.len, "anna", 4));
}
