/* SPDX-License-Identifier: Apache-2.0 */
/* Two threads want the same of a ring: what the other does stands between the first look and the lock. */
#include "../refusal.h"
#include "ring.h"

#include <pthread.h>

#include "crypto/keyring_parts.h"

static int overtaken(pthread_mutex_t *m);

REFUSABLE(int, pthread_mutex_lock, (pthread_mutex_t * m), (m), overtaken(m))

static struct ring r;
static void (*meanwhile)(void);
static bool is_always;

static int
overtaken(pthread_mutex_t *m)
{
	int (*real)(pthread_mutex_t *);

	meanwhile();
	refuse_pthread_mutex_lock = is_always;
	REFUSAL_REAL(pthread_mutex_lock, real);
	return real(m);
}

static void
set_up(void)
{
	ring_open(&r);
	is_always = false;
}

static void
tear_down(void)
{
	refuse_pthread_mutex_lock = 0;
	ring_close(&r);
}

TestSuite(keyring_races, .init = set_up, .fini = tear_down, .timeout = 60);

static enum rc
seal_record(void)
{
	uint8_t sealed[5 + SEAL_OVERHEAD];
	const enum rc rc = keyring_seal(r.keyring, KEY_RECORD, bytes_str("key"), bytes_str("plain"), sealed);

	cr_expect(rc != RC_OK || open_as(r.keyring, "key", sealed) == RC_OK);
	return rc;
}

static void
begin_day(void)
{
	struct fault f = { 0 };

	cr_expect_eq(keyring_day(r.keyring, NOON(5), &f), RC_OK);
}

Test(keyring_races, a_day_that_two_begin_has_one_key)
{
	struct fault f = { 0 };

	meanwhile = begin_day;
	refuse_pthread_mutex_lock = 1;
	cr_expect_eq(keyring_day(r.keyring, NOON(5), &f), RC_OK);
	cr_expect_eq(refuse_pthread_mutex_lock, 0);
	cr_expect_eq(keyring_count(r.keyring), KEY_USES + 1);
}

static void
seal_meanwhile(void)
{
	cr_expect_eq(seal_record(), RC_OK);
}

Test(keyring_races, what_another_has_reserved_is_not_reserved_again)
{
	const struct key_slot *slot = &r.keyring->slots[keyring_current(r.keyring, KEY_RECORD)];

	meanwhile = seal_meanwhile;
	refuse_pthread_mutex_lock = 1;
	cr_expect_eq(seal_record(), RC_OK);
	cr_expect_eq(refuse_pthread_mutex_lock, 0);
	cr_expect_eq(atomic_load(&slot->reserved), STEP_FIRST);
}

static void
renew(void)
{
	struct fault f = { 0 };

	cr_expect_eq(keyring_renew(r.keyring, KEY_RECORD, &f), RC_OK);
}

Test(keyring_races, a_key_that_another_replaced_is_not_reserved_for)
{
	const uint32_t id = keyring_current(r.keyring, KEY_RECORD);

	meanwhile = renew;
	refuse_pthread_mutex_lock = 1;
	cr_expect_eq(seal_record(), RC_OK);
	cr_expect_eq(refuse_pthread_mutex_lock, 0);
	cr_expect_neq(keyring_current(r.keyring, KEY_RECORD), id);
	cr_expect_eq(atomic_load(&r.keyring->slots[id].reserved), 0);
}

/* As if all that was reserved for the current key had been sealed. */
static void
spend(void)
{
	struct key_slot *slot = &r.keyring->slots[keyring_current(r.keyring, KEY_RECORD) % KEYRING_KEYS];

	atomic_store(&slot->seals, atomic_load(&slot->reserved));
}

static void
renew_and_spend(void)
{
	renew();
	spend();
}

Test(keyring_races, who_is_overtaken_again_and_again_is_told_to_come_back)
{
	meanwhile = renew_and_spend;
	is_always = true;
	refuse_pthread_mutex_lock = 1;
	cr_expect_eq(seal_record(), RC_BUSY);
	refuse_pthread_mutex_lock = 0;
	cr_expect_eq(seal_record(), RC_OK);
}

Test(keyring_races, reservations_grow_to_a_bound)
{
	const struct key_slot *slot = &r.keyring->slots[keyring_current(r.keyring, KEY_RECORD)];
	uint64_t before = 0, step = STEP_FIRST;

	for (unsigned i = 0; i < 13; i++) {
		spend();
		cr_assert_eq(seal_record(), RC_OK);
		cr_expect_eq(atomic_load(&slot->reserved) - before, step, "reservation %u", i);
		before = atomic_load(&slot->reserved);
		step = step < STEP_MOST ? 2 * step : STEP_MOST;
	}
}
