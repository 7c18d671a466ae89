/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A desk of two, a house with its location and somebody of its own, an episode and a reservation that the
 * house has confirmed: what the questions of access, disclosure and break-glass are asked about.
 */
#ifndef MENEDEK_TEST_DESK_H
#define MENEDEK_TEST_DESK_H

#include "../store_fixture.h"
#include "service/disclosures.h"
#include "service/episodes.h"

#define NOW INT64_C(1795780800)

static const struct id helpline = { { 1 } }, other_desk = { { 2 } }, house_org = { { 3 } },
		       opener_org = { { 4 } }, the_house = { { 5 } }, other_house = { { 6 } },
		       holder = { { 7 } }, colleague = { { 8 } }, one_device = { { 9 } },
		       other_device = { { 10 } }, the_episode = { { 11 } }, the_reservation = { { 12 } },
		       the_unit = { { 13 } }, nobody = { { 99 } };

static struct fixture x;
static struct parts parts;
static struct principal who;
static struct fault fault;
static struct ctx ctx;
static struct shelter shelter;
static struct house house;
static struct episode episode;
static struct reservation reservation;

static inline void
put_reservation(void)
{
	fixture_put(&x, KIND_RESERVATION, &the_reservation, &reservation);
}

static inline void
put_episode(void)
{
	fixture_put(&x, KIND_EPISODE, &the_episode, &episode);
}

static inline void
put_location(bool is_there)
{
	static struct sealed_location sealed = { .len = 40 };

	fixture_put(&x, KIND_LOCATION, &the_house, is_there ? &sealed : NULL);
}

static inline void
be(const struct id *org, const struct id *user, const struct id *device, uint32_t roles)
{
	memset(&who, 0, sizeof(who));
	who.org.id = *org;
	who.user.id = *user;
	who.device.id = *device;
	who.roles = roles;
}

static inline void
be_staff(const struct id *of)
{
	be(&house_org, &nobody, &other_device, ROLE_BIT(ROLE_SHELTER_STAFF));
	who.user.shelter_count = 1;
	who.user.shelters[0] = *of;
}

static inline void
put_person(const struct id *id, const char *name)
{
	struct user user;

	model_clear(&model_user, &user);
	user.id = *id;
	user.org = helpline;
	(void)str_copy(user.name, sizeof(user.name), name);
	fixture_put(&x, KIND_USER, id, &user);
}

static inline void
make_house(void)
{
	model_clear(&model_shelter, &shelter);
	shelter.id = the_house;
	shelter.org = house_org;
	shelter.type = TYPE_SECRET_HOUSE;
	shelter.licensed_capacity = 4;
	shelter.is_open = true;
	model_clear(&model_house, &house);
	house.shelter = the_house;
	house.unit_count = 1;
	model_clear(&model_unit, &house.units[0]);
	house.units[0].id = the_unit;
	house.units[0].adult_beds = 2;
	house.allocation_count = 1;
	house.allocations[0] = (struct allocation){ .reservation = the_reservation, .units = 1, .adults = 1 };
	fixture_put(&x, KIND_SHELTER, &the_house, &shelter);
	fixture_put(&x, KIND_HOUSE, &the_house, &house);
	put_location(true);
}

static inline void
desk_open(void)
{
	fixture_new(&x, &engine_memory);
	memset(&parts, 0, sizeof(parts));
	parts.keyring = x.ring;
	parts.store = x.store;
	make_house();
	model_clear(&model_episode, &episode);
	episode.id = the_episode;
	episode.opener_org = opener_org;
	episode.desk_org = helpline;
	episode.desk_user = holder;
	episode.state = EPISODE_OPEN;
	episode.outcome = CODE_NONE;
	episode.reservation = the_reservation;
	episode.expires_at = NOW + 3600;
	put_episode();
	model_clear(&model_reservation, &reservation);
	reservation.id = the_reservation;
	reservation.episode = the_episode;
	reservation.shelter = the_house;
	reservation.desk_org = helpline;
	reservation.desk_user = holder;
	reservation.state = RES_CONFIRMED;
	reservation.reason = CODE_NONE;
	reservation.units = 1;
	reservation.adults = 1;
	reservation.held_at = NOW - 300;
	reservation.requested_at = NOW - 200;
	reservation.answered_at = NOW - 100;
	reservation.version = 1;
	put_reservation();
	put_person(&holder, "anna");
	put_person(&colleague, "bea");
	be(&helpline, &holder, &one_device, ROLE_BIT(ROLE_COUNSELLOR));
	ctx = (struct ctx){ .parts = &parts, .who = &who, .now = NOW, .fault = &fault };
}

static inline void
desk_close(void)
{
	fixture_free(&x);
}

/* A use case's run of the transaction, as the gate would begin it. */
static inline struct ctx *
desk_run(struct txn *t)
{
	fault_clear(&fault);
	ctx.txn = t;
	ctx.arena = x.arena;
	ctx.ids_used = 0;
	ctx.refused = RC_OK;
	memset(&ctx.audit, 0, sizeof(ctx.audit));
	return &ctx;
}

#endif
