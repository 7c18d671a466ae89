/* SPDX-License-Identifier: Apache-2.0 */
/* Whose is it: each condition of need-to-know alone decides, and what cannot be read is never a yes. */
#include "desk.h"
#include "service/shelters.h"

TestSuite(access, .init = desk_open, .fini = desk_close, .timeout = 60);

static struct episode seen_episode;
static struct reservation seen_reservation;
static struct shelter seen_shelter;
static struct house seen_house;
static enum reservation_actor actor;
static const char *name;

static enum rc
reservation_txn(struct txn *t, void *arg)
{
	return access_reservation(desk_run(t), arg, &seen_reservation, &actor);
}

static enum rc
episode_txn(struct txn *t, void *arg)
{
	return access_episode(desk_run(t), arg, &seen_episode);
}

static enum rc
open_episode_txn(struct txn *t, void *arg)
{
	return access_open_episode(desk_run(t), arg, &seen_episode);
}

static bool admin_too;

static enum rc
shelter_txn(struct txn *t, void *arg)
{
	return access_shelter(desk_run(t), arg, admin_too, &seen_shelter);
}

static enum rc
house_txn(struct txn *t, void *arg)
{
	return access_house(desk_run(t), arg, &seen_shelter, &seen_house);
}

static enum rc
name_txn(struct txn *t, void *arg)
{
	return access_name(desk_run(t), arg, &name);
}

static enum rc
ask(txn_fn *fn, const struct id *id)
{
	struct id copy = *id;

	return fixture_view(&x, fn, &copy);
}

/* ---- reservations ---- */

struct asker {
	const char *what;
	uint32_t roles;
	bool is_desks, is_houses; /* of the reservation's desk; has its house */
	enum rc rc;
	enum reservation_actor actor;
};

/* (counsellor or shift lead) and desk, or house: each condition turns the answer alone. */
Test(access, a_reservation_is_its_desks_and_its_houses_and_nobody_elses)
{
	static const uint32_t couns = ROLE_BIT(ROLE_COUNSELLOR), lead = ROLE_BIT(ROLE_SHIFT_LEAD),
			      staff = ROLE_BIT(ROLE_SHELTER_STAFF);
	const struct asker askers[] = { { "counsellor of the desk", couns, true, false, RC_OK, ACTOR_DESK },
		{ "lead of the desk", lead, true, false, RC_OK, ACTOR_DESK },
		{ "both", couns | lead, true, false, RC_OK, ACTOR_DESK },
		{ "of the desk in no role of it", staff, true, false, RC_NOT_FOUND, 0 },
		{ "counsellor of another desk", couns, false, false, RC_NOT_FOUND, 0 },
		{ "lead of another desk", lead, false, false, RC_NOT_FOUND, 0 },
		{ "of the house", staff, false, true, RC_OK, ACTOR_HOUSE },
		{ "of another house", staff, false, false, RC_NOT_FOUND, 0 },
		{ "of the desk in no role, of the house", staff, true, true, RC_OK, ACTOR_HOUSE },
		{ "counsellor of another desk, of the house", couns, false, true, RC_OK, ACTOR_HOUSE },
		{ "of both", couns, true, true, RC_OK, ACTOR_DESK } };

	for (unsigned i = 0; i < COUNT_OF(askers); i++) {
		be_staff(askers[i].is_houses ? &the_house : &other_house);
		who.org.id = askers[i].is_desks ? helpline : other_desk;
		who.roles = askers[i].roles;
		actor = ACTOR_CLOCK;
		cr_expect_eq(ask(reservation_txn, &the_reservation), askers[i].rc, "%s", askers[i].what);
		if (askers[i].rc == RC_OK)
			cr_expect_eq(actor, askers[i].actor, "%s", askers[i].what);
		cr_expect_eq(id_equal(&ctx.audit.subject, &the_reservation), askers[i].rc == RC_OK,
		    "the trail, %s", askers[i].what);
		cr_expect_eq(
		    id_equal(&ctx.audit.shelter, &the_house), askers[i].rc == RC_OK, "%s", askers[i].what);
	}
}

Test(access, what_is_anothers_is_refused_like_what_is_not_there)
{
	be(&other_desk, &nobody, &other_device, ROLE_BIT(ROLE_SHIFT_LEAD));
	cr_expect_eq(ask(reservation_txn, &the_reservation), RC_NOT_FOUND);
	cr_expect_eq(ask(reservation_txn, &nobody), RC_NOT_FOUND);
	cr_expect_eq(ask(episode_txn, &the_episode), RC_NOT_FOUND);
	cr_expect_eq(ask(episode_txn, &nobody), RC_NOT_FOUND);
}

/* ---- episodes ---- */

struct viewer {
	const char *what;
	const struct id *org;
	uint32_t roles;
	enum rc taken, waiting; /* of an episode of the helpline; of one that no desk has */
};

Test(access, an_episode_is_its_desks_its_openers_or_waits_for_a_desk)
{
	static const struct viewer viewers[] = {
		{ "the desk", &helpline, ROLE_BIT(ROLE_COUNSELLOR), RC_OK, RC_OK },
		{ "who opened it", &opener_org, ROLE_BIT(ROLE_FAMILY_SUPPORT), RC_OK, RC_OK },
		{ "another desk's counsellor", &other_desk, ROLE_BIT(ROLE_COUNSELLOR), RC_NOT_FOUND, RC_OK },
		{ "another desk's lead", &other_desk, ROLE_BIT(ROLE_SHIFT_LEAD), RC_NOT_FOUND, RC_OK },
		{ "another opener", &other_desk, ROLE_BIT(ROLE_FAMILY_SUPPORT), RC_NOT_FOUND, RC_NOT_FOUND },
	};

	for (unsigned i = 0; i < COUNT_OF(viewers); i++) {
		be(viewers[i].org, &nobody, &one_device, viewers[i].roles);
		episode.desk_org = helpline;
		put_episode();
		cr_expect_eq(ask(episode_txn, &the_episode), viewers[i].taken, "%s", viewers[i].what);
		cr_expect_eq(id_equal(&ctx.audit.subject, &the_episode), viewers[i].taken == RC_OK);
		episode.desk_org = (struct id){ { 0 } };
		put_episode();
		cr_expect_eq(ask(episode_txn, &the_episode), viewers[i].waiting, "%s", viewers[i].what);
	}
}

Test(access, only_its_own_desk_works_on_an_episode_and_only_while_it_is_open)
{
	cr_expect_eq(ask(open_episode_txn, &the_episode), RC_OK);
	cr_expect_eq(ask(open_episode_txn, &nobody), RC_NOT_FOUND);
	be(&opener_org, &nobody, &one_device, ROLE_BIT(ROLE_FAMILY_SUPPORT));
	cr_expect_eq(ask(open_episode_txn, &the_episode), RC_STATE_CONFLICT);
	cr_expect_eq(fault.item[0].msg, MSG_EPISODE_NOT_TAKEN);
	be(&helpline, &holder, &one_device, ROLE_BIT(ROLE_COUNSELLOR));
	episode.state = EPISODE_CLOSED;
	put_episode();
	cr_expect_eq(ask(open_episode_txn, &the_episode), RC_STATE_CONFLICT);
	cr_expect_eq(fault.item[0].msg, MSG_EPISODE_OVER);
}

struct expiry {
	const char *what;
	uint8_t state;
	int64_t expires_at;
	bool has_reservation;
	enum episode_state seen;
};

/* DOMAIN 7: who was promised a place is spared. */
Test(access, an_episode_is_over_from_its_last_second_on_unless_a_place_was_promised)
{
	static const struct expiry rows[] = { { "before", EPISODE_OPEN, NOW + 1, false, EPISODE_OPEN },
		{ "at the end", EPISODE_OPEN, NOW, false, EPISODE_EXPIRED },
		{ "after it", EPISODE_OPEN, NOW - 1, false, EPISODE_EXPIRED },
		{ "promised", EPISODE_OPEN, NOW - 1, true, EPISODE_OPEN },
		{ "closed", EPISODE_CLOSED, NOW - 1, false, EPISODE_CLOSED } };

	for (unsigned i = 0; i < COUNT_OF(rows); i++) {
		episode.state = rows[i].state;
		episode.expires_at = rows[i].expires_at;
		episode.reservation = rows[i].has_reservation ? the_reservation : (struct id){ { 0 } };
		put_episode();
		cr_assert_eq(ask(episode_txn, &the_episode), RC_OK);
		cr_expect_eq(seen_episode.state, rows[i].seen, "%s", rows[i].what);
	}
}

/* ---- houses ---- */

Test(access, a_house_is_its_own_peoples_and_where_it_says_so_an_admins)
{
	static const uint32_t roles[] = { ROLE_BIT(ROLE_SHELTER_STAFF), ROLE_BIT(ROLE_ADMIN) };

	for (unsigned i = 0; i < 8; i++) {
		const bool own = (i & 1) != 0, is_admin = (i & 2) != 0;

		be_staff(own ? &the_house : &other_house);
		who.roles = roles[is_admin];
		admin_too = (i & 4) != 0;
		cr_expect_eq(ask(shelter_txn, &the_house),
		    own || (is_admin && admin_too) ? RC_OK : RC_NOT_FOUND, "row %u", i);
		cr_expect_eq(id_equal(&ctx.audit.shelter, &the_house), own || (is_admin && admin_too));
		cr_expect_eq(ask(house_txn, &the_house), own ? RC_OK : RC_NOT_FOUND, "row %u", i);
	}
	be_staff(&other_house);
	cr_expect_eq(ask(house_txn, &other_house), RC_NOT_FOUND, "theirs, and not there");
}

static struct shelter page[2];
static unsigned on_page;

static enum rc
one_house_txn(struct txn *t, void *after)
{
	return shelter_list(desk_run(t), after, 1, page, &on_page);
}

Test(access, houses_come_page_by_page_whatever_the_order_in_which_they_were_given)
{
	const struct id none = { { 0 } };
	struct shelter other = shelter;

	other.id = other_house;
	fixture_put(&x, KIND_SHELTER, &other_house, &other);
	be_staff(&other_house);
	who.user.shelters[who.user.shelter_count++] = the_house; /* the smaller id comes second */
	cr_assert_eq(ask(one_house_txn, &none), RC_OK);
	cr_assert_eq(on_page, 1);
	cr_expect(id_equal(&page[0].id, &the_house));
	cr_assert_eq(ask(one_house_txn, &the_house), RC_OK);
	cr_assert_eq(on_page, 1, "a house is on no page");
	cr_expect(id_equal(&page[0].id, &other_house));
	cr_assert_eq(ask(one_house_txn, &other_house), RC_OK);
	cr_expect_eq(on_page, 0);
}

Test(access, an_organisation_is_managed_by_its_own_and_by_admins)
{
	cr_expect(who_manages_org(&ctx, &helpline));
	cr_expect_not(who_manages_org(&ctx, &other_desk));
	who.roles = ROLE_BIT(ROLE_ADMIN);
	cr_expect(who_manages_org(&ctx, &other_desk));
	cr_expect(who_is(&ctx, ROLE_ADMIN));
	cr_expect_not(who_is(&ctx, ROLE_COUNSELLOR));
}

Test(access, a_name_is_told_or_left_as_it_was)
{
	name = "?";
	cr_expect_eq(ask(name_txn, &nobody), RC_OK);
	cr_expect_str_eq(name, "?");
	cr_assert_eq(ask(name_txn, &holder), RC_OK);
}

/* ---- a disk and a memory that fail ---- */

struct question {
	const char *what;
	txn_fn *fn;
	const struct id *id;
	unsigned reads; /* that must each have been refused once, the snapshot included */
};

Test(access, a_record_that_cannot_be_read_is_neither_a_yes_nor_a_no)
{
	static const struct question all[] = { { "reservation", reservation_txn, &the_reservation, 2 },
		{ "episode", episode_txn, &the_episode, 3 },
		{ "open episode", open_episode_txn, &the_episode, 3 }, { "name", name_txn, &holder, 2 } };

	episode.expires_at = NOW - 1; /* so that its reservation is looked at */
	put_episode();
	for (unsigned i = 0; i < COUNT_OF(all); i++) {
		struct id id = *all[i].id;

		cr_expect_eq(fixture_update_starved(&x, all[i].fn, &id), all[i].reads, "%s", all[i].what);
	}
	be_staff(&the_house);
	for (unsigned i = 0; i < 2; i++) {
		struct id id = the_house;

		cr_expect_eq(fixture_update_starved(&x, i ? house_txn : shelter_txn, &id), 2 + i);
	}
}

Test(access, a_damaged_record_is_damage)
{
	const struct key key = record_key(KIND_RESERVATION, &the_reservation);

	fixture_raw_put(&key, bytes_str("nothing that opens, and longer than a seal is"));
	cr_expect_eq(ask(reservation_txn, &the_reservation), RC_CORRUPT);
}
