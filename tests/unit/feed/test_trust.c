/* SPDX-License-Identifier: Apache-2.0 */
/* Which certificates are enrolled: a change is seen at once, a revocation is never undone by what comes
 * later. */
#include "feed/trust.h"

#include <pthread.h>

#include "../store_fixture.h"

static struct fixture x;
static struct trust *trust;

static void
open_trust(void)
{
	struct fault f = { 0 };

	cr_assert_eq(trust_new(x.store, &trust, &f), RC_OK);
}

static void
set_up(void)
{
	fixture_new(&x, &engine_memory);
	open_trust();
}

static void
close_all(void)
{
	fixture_close_store(&x);
	trust_free(trust);
	trust = NULL;
	fixture_free(&x);
}

TestSuite(trust, .init = set_up, .fini = close_all, .timeout = 60);

static struct device
device_of(unsigned n)
{
	struct device d;

	model_clear(&model_device, &d);
	put_u32(d.id.b, n + 1);
	d.org = (struct id){ { 9 } };
	put_u64(d.fingerprint, (uint64_t)n * UINT64_C(0x9e3779b97f4a7c15));
	d.fingerprint[31] = 1;
	d.enrolled_at = 1;
	d.not_after = 4000000000;
	return d;
}

static void
put_device(const struct device *d)
{
	fixture_put(&x, KIND_DEVICE, &d->id, d);
}

static enum trust_state
state_of(unsigned n)
{
	const struct device d = device_of(n);

	return trust_lookup(trust, d.fingerprint);
}

Test(trust, a_stranger_is_unknown)
{
	cr_expect_eq(state_of(1), TRUST_UNKNOWN);
}

Test(trust, an_enrolled_device_is_active_and_its_neighbour_unknown)
{
	const struct device d = device_of(1);

	put_device(&d);
	cr_expect_eq(state_of(1), TRUST_ACTIVE);
	cr_expect_eq(state_of(2), TRUST_UNKNOWN);
}

Test(trust, a_fingerprint_that_differs_in_its_last_byte_is_another)
{
	const struct device d = device_of(1);
	uint8_t other[32];

	put_device(&d);
	memcpy(other, d.fingerprint, 32);
	other[31] ^= 1;
	cr_expect_eq(trust_lookup(trust, other), TRUST_UNKNOWN);
}

Test(trust, a_revoked_device_is_revoked_at_once)
{
	struct device d = device_of(1);
	uint64_t before;

	put_device(&d);
	before = trust_generation(trust);
	d.revoked_at = 100;
	put_device(&d);
	cr_expect_eq(state_of(1), TRUST_REVOKED);
	cr_expect_gt(trust_generation(trust), before);
}

Test(trust, a_device_with_a_new_certificate_loses_the_old_one)
{
	struct device d = device_of(1);
	const struct device next = device_of(2);

	put_device(&d);
	memcpy(d.fingerprint, next.fingerprint, 32);
	put_device(&d);
	cr_expect_eq(state_of(1), TRUST_REVOKED);
	cr_expect_eq(state_of(2), TRUST_ACTIVE);
}

Test(trust, a_deleted_device_is_not_trusted)
{
	const struct device d = device_of(1);

	put_device(&d);
	fixture_put(&x, KIND_DEVICE, &d.id, NULL);
	cr_expect_neq(state_of(1), TRUST_ACTIVE);
}

/* ---- the generation ---- */

Test(trust, the_generation_moves_with_people_tokens_and_organisations_only)
{
	struct user u;
	struct org o;
	struct device d = device_of(1);
	struct revoked_token r = { .until = 5 };
	struct reference ref = { .id = { { 1 } } };
	const struct id id = { { 7 } };
	uint64_t g = trust_generation(trust);

	model_clear(&model_user, &u);
	model_clear(&model_org, &o);
	o.kind = ORG_OPERATOR;
	fixture_put(&x, KIND_USER_NAME, &id, &ref);
	cr_expect_eq(trust_generation(trust), g, "a row of an index says nothing");
	fixture_put(&x, KIND_USER, &id, &u);
	cr_expect_gt(trust_generation(trust), g);
	g = trust_generation(trust);
	fixture_put(&x, KIND_REVOKED_TOKEN, &id, &r);
	cr_expect_gt(trust_generation(trust), g);
	g = trust_generation(trust);
	fixture_put(&x, KIND_ORG, &id, &o);
	cr_expect_gt(trust_generation(trust), g);
	g = trust_generation(trust);
	fixture_put(&x, KIND_DEVICE, &d.id, &d);
	cr_expect_gt(trust_generation(trust), g);
}

Test(trust, the_generation_moves_when_it_is_told_to)
{
	const uint64_t g = trust_generation(trust);

	trust_moved(trust);
	cr_expect_gt(trust_generation(trust), g);
}

/* ---- size, restart, threads ---- */

Test(trust, many_devices_outgrow_the_first_table_and_stay_known)
{
	for (unsigned n = 0; n < 1500; n++) {
		struct device d = device_of(n);
		d.revoked_at = n % 3 == 0 ? 50 : 0;
		put_device(&d);
	}
	for (unsigned n = 0; n < 1500; n++)
		cr_expect_eq(state_of(n), n % 3 == 0 ? TRUST_REVOKED : TRUST_ACTIVE, "device %u", n);
	cr_expect_eq(state_of(1500), TRUST_UNKNOWN);
	close_all();
	cr_expect_eq(FIXTURE_LEAKS(), 0);
}

Test(trust, a_restart_knows_the_same_devices)
{
	struct device d = device_of(1);

	close_all();
	fixture_new(&x, &engine_lmdb);
	open_trust();
	put_device(&d);
	d = device_of(2);
	d.revoked_at = 3;
	put_device(&d);
	fixture_close_store(&x);
	trust_free(trust);
	fixture_open_store(&x, &engine_lmdb);
	open_trust();
	cr_expect_eq(state_of(1), TRUST_ACTIVE);
	cr_expect_eq(state_of(2), TRUST_REVOKED);
	cr_expect_eq(state_of(3), TRUST_UNKNOWN);
}

static atomic_bool is_over;

/* The first device is active throughout, tables grow beneath it. */
static void *
ask(void *arg)
{
	unsigned *wrong = arg;

	while (!atomic_load(&is_over))
		*wrong += state_of(0) != TRUST_ACTIVE;
	return NULL;
}

Test(trust, lookups_go_on_while_the_table_grows)
{
	pthread_t threads[2];
	unsigned wrong[2] = { 0 };
	struct device d = device_of(0);

	put_device(&d);
	for (unsigned i = 0; i < 2; i++)
		cr_assert_eq(pthread_create(&threads[i], NULL, ask, &wrong[i]), 0);
	for (unsigned n = 1; n < 1000; n++) {
		d = device_of(n);
		put_device(&d);
	}
	atomic_store(&is_over, true);
	for (unsigned i = 0; i < 2; i++) {
		pthread_join(threads[i], NULL);
		cr_expect_eq(wrong[i], 0);
	}
}
