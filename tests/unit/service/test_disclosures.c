/* SPDX-License-Identifier: Apache-2.0 */
/* Telling a location, the two ways: to whom, how often, what stays of it; and never half of it. */
#include "desk.h"

TestSuite(disclosures, .init = desk_open, .fini = desk_close, .timeout = 120);

static struct telling telling;
static struct break_glass glass;
static struct id glass_id;

static enum rc
tell_txn(struct txn *t, void *arg)
{
	(void)arg;
	return reservation_disclose(desk_run(t), &the_reservation, DISCLOSE_INTAKE_CALL, &telling);
}

static enum rc
ask_txn(struct txn *t, void *arg)
{
	(void)arg;
	return glass_ask(desk_run(t), &the_reservation, GLASS_RESCUE, &glass);
}

static enum rc
approve_txn(struct txn *t, void *arg)
{
	(void)arg;
	return glass_approve(desk_run(t), &glass_id, &glass);
}

static enum rc
use_txn(struct txn *t, void *arg)
{
	(void)arg;
	return glass_disclose(desk_run(t), &glass_id, &telling);
}

/* Each use case draws its ids anew, as each request does. */
static enum rc
request(txn_fn *fn)
{
	memset(ctx.ids, 0, sizeof(ctx.ids));
	return fixture_update(&x, fn, NULL);
}

static void
be_lead(void)
{
	be(&helpline, &holder, &one_device, ROLE_BIT(ROLE_SHIFT_LEAD));
}

static void
be_second(void)
{
	be(&helpline, &colleague, &other_device, ROLE_BIT(ROLE_COUNSELLOR));
}

static void
ask_glass(void)
{
	be_lead();
	cr_assert_eq(request(ask_txn), RC_OK);
	glass_id = glass.id;
}

static void
approve_glass(void)
{
	be_second();
	cr_assert_eq(request(approve_txn), RC_OK);
	be_lead();
}

static enum rc
events_txn(struct txn *t, void *arg)
{
	return txn_log_head(t, LOG_EVENT, arg);
}

/* How many events desk and house were told of so far. */
static uint64_t
events(void)
{
	struct log_head head;

	cr_assert_eq(fixture_view(&x, events_txn, &head), RC_OK);
	return head.count;
}

struct record {
	enum kind kind;
	struct key key;
	void *out;
};

static enum rc
read_txn(struct txn *t, void *arg)
{
	struct record *r = arg;

	return record_get(t, r->kind, &r->key, r->out);
}

static enum rc
read_disclosure(struct disclosure *out)
{
	struct record r = { KIND_DISCLOSURE,
		record_key2(KIND_DISCLOSURE, &telling.shelter, &telling.disclosure), out };

	return fixture_view(&x, read_txn, &r);
}

/* ---- to who handles it ---- */

Test(disclosures, who_handles_a_confirmed_reservation_is_told_and_it_is_written_down)
{
	struct disclosure d;

	cr_assert_eq(request(tell_txn), RC_OK);
	cr_expect_eq(events(), 2, "the desk of the reservation, the house of the look");
	cr_expect(id_equal(&telling.shelter, &the_house));
	cr_expect_eq(telling.left, 2);
	cr_assert_eq(read_disclosure(&d), RC_OK);
	cr_expect(id_equal(&d.user, &holder) && id_equal(&d.org, &helpline) &&
	    id_equal(&d.device, &one_device) && id_equal(&d.reservation, &the_reservation));
	cr_expect(d.reason == DISCLOSE_INTAKE_CALL && d.at == NOW && d.until == telling.until);
	cr_expect(id_is_zero(&d.break_glass));
	cr_expect_eq(request(tell_txn), RC_OK);
	cr_expect_eq(request(tell_txn), RC_OK);
	cr_expect_eq(telling.left, 0);
	cr_expect_neq(request(tell_txn), RC_OK, "three times are enough (DOMAIN 7)");
}

static void
become_colleague(void)
{
	be_second();
}

static void
become_lead_of_the_desk(void)
{
	be(&helpline, &colleague, &other_device, ROLE_BIT(ROLE_SHIFT_LEAD));
}

static void
become_another_desk(void)
{
	be(&other_desk, &holder, &one_device, ROLE_BIT(ROLE_COUNSELLOR));
}

static void
become_the_house(void)
{
	be_staff(&the_house);
}

static void
only_request(void)
{
	reservation.state = RES_REQUESTED;
	reservation.expires_at = NOW + 60;
	put_reservation();
}

static void
end_stay(void)
{
	reservation.state = RES_LEFT;
	put_reservation();
}

static void
forget_location(void)
{
	put_location(false);
}

struct refusal {
	const char *what;
	void (*happen)(void);
	enum rc rc;
};

Test(disclosures, nobody_else_is_told_and_nothing_is_written)
{
	static const struct refusal all[] = { { "a colleague", become_colleague, RC_FORBIDDEN },
		{ "a lead who has not taken it over", become_lead_of_the_desk, RC_FORBIDDEN },
		{ "another desk", become_another_desk, RC_NOT_FOUND },
		{ "the house, by this way", become_the_house, RC_FORBIDDEN },
		{ "not confirmed yet", only_request, RC_STATE_CONFLICT },
		{ "over", end_stay, RC_STATE_CONFLICT },
		{ "no location", forget_location, RC_STATE_CONFLICT } };
	struct reservation r;
	struct record read = { KIND_RESERVATION, record_key(KIND_RESERVATION, &the_reservation), &r };

	for (unsigned i = 0; i < COUNT_OF(all); i++) {
		all[i].happen();
		cr_expect_eq(request(tell_txn), all[i].rc, "%s", all[i].what);
		cr_assert_eq(fixture_view(&x, read_txn, &read), RC_OK);
		cr_expect_eq(r.disclosures, 0, "%s", all[i].what);
		desk_close();
		desk_open();
	}
}

/* An operator lowers the number while a reservation has been told more often. */
Test(disclosures, what_is_left_is_never_less_than_nothing)
{
	struct tuning lower = *parts_tuning(&parts);

	cr_assert_eq(request(tell_txn), RC_OK);
	lower.booking.disclosures = 2;
	cr_assert_eq(tunings_change(&parts.tunings, &lower), RC_OK);
	cr_assert_eq(request(tell_txn), RC_OK);
	cr_expect_eq(telling.left, 0);
	tunings_fini(&parts.tunings);
}

Test(disclosures, telling_without_disk_or_memory_is_not_telling)
{
	struct disclosure d;

	cr_expect_geq(fixture_update_starved(&x, tell_txn, NULL), 6);
	cr_expect_eq(read_disclosure(&d), RC_OK);
	cr_expect_eq(telling.left, 2, "the failed ones did not count");
}

/* ---- by break-glass ---- */

Test(disclosures, a_glass_is_asked_for_agreed_to_and_used_once)
{
	struct disclosure d;

	ask_glass();
	cr_expect_eq(events(), 1, "asked");
	cr_expect(id_equal(&glass.user, &holder) && id_equal(&glass.device, &one_device) &&
	    id_equal(&glass.org, &helpline) && id_equal(&glass.shelter, &the_house));
	cr_expect(glass.asked_at == NOW && glass.reason == GLASS_RESCUE && glass.version == 1);
	cr_expect_eq(request(use_txn), RC_STATE_CONFLICT, "nobody has agreed");
	approve_glass();
	cr_expect_eq(events(), 2, "agreed");
	cr_expect(id_equal(&glass.second, &colleague) && glass.approved_at == NOW);
	cr_assert_eq(request(use_txn), RC_OK);
	cr_expect_eq(events(), 4, "used, and the house of the look");
	cr_expect_eq(telling.until, NOW + BREAK_GLASS_USE);
	cr_expect(id_equal(&ctx.audit.subject, &colleague), "the trail names who agreed");
	cr_assert_eq(read_disclosure(&d), RC_OK);
	cr_expect(id_equal(&d.break_glass, &glass_id) && id_equal(&d.user, &holder) &&
	    id_equal(&d.device, &one_device) && id_equal(&d.org, &helpline) &&
	    id_equal(&d.reservation, &the_reservation) && d.reason == CODE_NONE);
	cr_expect(d.at == NOW && d.until == telling.until && id_equal(&d.id, &telling.disclosure));
	cr_expect_eq(request(use_txn), RC_STATE_CONFLICT, "once");
}

Test(disclosures, the_trail_names_both_who_asked_and_who_agreed)
{
	ask_glass();
	cr_expect(id_equal(&ctx.audit.subject, &the_reservation) && id_equal(&ctx.audit.shelter, &the_house));
	cr_expect_str_eq(ctx.audit.reason, "rescue_services");
	approve_glass();
	cr_expect(id_equal(&ctx.audit.subject, &holder), "as subject; the actor is who agrees");
	cr_expect_str_eq(ctx.audit.reason, "rescue_services");
}

Test(disclosures, a_glass_is_its_desks_alone)
{
	ask_glass();
	be(&other_desk, &colleague, &other_device, ROLE_BIT(ROLE_SHIFT_LEAD));
	cr_expect_eq(request(approve_txn), RC_NOT_FOUND);
	cr_expect_eq(request(use_txn), RC_NOT_FOUND);
	cr_expect_eq(request(ask_txn), RC_NOT_FOUND);
}

Test(disclosures, nobody_agrees_with_herself_or_on_the_same_device)
{
	ask_glass();
	cr_expect_eq(request(approve_txn), RC_FORBIDDEN);
	be(&helpline, &holder, &other_device, ROLE_BIT(ROLE_SHIFT_LEAD));
	cr_expect_eq(request(approve_txn), RC_FORBIDDEN);
	be(&helpline, &colleague, &one_device, ROLE_BIT(ROLE_SHIFT_LEAD));
	cr_expect_eq(request(approve_txn), RC_FORBIDDEN);
	approve_glass();
	be_second();
	cr_expect_eq(request(use_txn), RC_FORBIDDEN, "told is who asked, not who agreed");
}

Test(disclosures, a_glass_ends_with_the_reservation)
{
	ask_glass();
	end_stay();
	be_second();
	cr_expect_eq(request(approve_txn), RC_STATE_CONFLICT);
	reservation.state = RES_CONFIRMED;
	put_reservation();
	approve_glass();
	end_stay();
	cr_expect_eq(request(use_txn), RC_STATE_CONFLICT);
	cr_expect_eq(request(ask_txn), RC_STATE_CONFLICT);
}

Test(disclosures, a_glass_lapses_by_the_second)
{
	ask_glass();
	ctx.now = NOW + BREAK_GLASS_APPROVE;
	be_second();
	cr_expect_eq(request(approve_txn), RC_STATE_CONFLICT);
	ctx.now--;
	approve_glass();
	ctx.now += BREAK_GLASS_USE;
	cr_expect_eq(request(use_txn), RC_STATE_CONFLICT);
	ctx.now--;
	cr_expect_eq(request(use_txn), RC_OK);
}

static enum rc
find_glass_txn(struct txn *t, void *arg)
{
	const struct key key = record_key2(KIND_BREAK_GLASS, &helpline, &glass_id);

	return record_get(t, KIND_BREAK_GLASS, &key, arg);
}

/* The vault compares the times that three requests wrote, each by its own node's clock. */
Test(disclosures, what_a_glass_tells_is_backed_whichever_nodes_clock_is_ahead)
{
	struct disclosure d;

	ask_glass();
	ctx.now = NOW - 8;
	approve_glass();
	ctx.now = NOW - 9;
	cr_assert_eq(request(use_txn), RC_OK);
	cr_assert_eq(read_disclosure(&d), RC_OK);
	cr_assert_eq(fixture_view(&x, find_glass_txn, &glass), RC_OK);
	cr_expect(break_glass_backs(&glass, &d.id, &d.shelter, &d.user, d.at));
	cr_expect_eq(telling.at, d.at, "by which the gate judges whether the vault would tell it");
}

Test(disclosures, a_glass_without_disk_or_memory_stays_what_it_was)
{
	be_lead();
	cr_expect_geq(fixture_update_starved(&x, ask_txn, NULL), 2);
	glass_id = glass.id;
	be_second();
	memset(ctx.ids, 0, sizeof(ctx.ids));
	cr_expect_geq(fixture_update_starved(&x, approve_txn, NULL), 3);
	be_lead();
	memset(ctx.ids, 0, sizeof(ctx.ids));
	cr_expect_geq(fixture_update_starved(&x, use_txn, NULL), 4);
}

/* ---- reading ---- */

#define MOST 8u

static struct break_glass ones[MOST];
static unsigned count, limit = MOST;
static struct break_glass_view view;

static enum rc
list_txn(struct txn *t, void *arg)
{
	(void)arg;
	return glass_open_ones(desk_run(t), limit, ones, &count);
}

static enum rc
show_txn(struct txn *t, void *arg)
{
	(void)arg;
	return glass_show(desk_run(t), &glass, &view);
}

/* In the order of their ids, which is not that of their times. */
static void
put_glass(uint8_t id, int64_t asked_at)
{
	struct break_glass b;
	struct key key;

	model_clear(&model_break_glass, &b);
	b.id = (struct id){ { id } };
	b.org = helpline;
	b.user = holder;
	b.asked_at = asked_at;
	key = record_key2(KIND_BREAK_GLASS, &helpline, &b.id);
	fixture_put_at(&x, KIND_BREAK_GLASS, &key, &b);
}

Test(disclosures, open_glasses_are_the_desks_newest_first_and_no_more_than_asked_for)
{
	static const uint8_t newest_first[] = { 2, 4, 3, 1 };

	put_glass(1, NOW - 60);
	put_glass(2, NOW);
	put_glass(3, NOW - 40);
	put_glass(4, NOW - 20);
	put_glass(5, NOW - BREAK_GLASS_APPROVE); /* over by now */
	cr_assert_eq(fixture_view(&x, list_txn, NULL), RC_OK);
	cr_assert_eq(count, 4);
	for (unsigned i = 0; i < count; i++)
		cr_expect_eq(ones[i].id.b[0], newest_first[i], "place %u", i);
	limit = 2;
	cr_assert_eq(fixture_view(&x, list_txn, NULL), RC_OK);
	cr_expect_eq(count, 2);
	be(&other_desk, &nobody, &other_device, ROLE_BIT(ROLE_SHIFT_LEAD));
	cr_assert_eq(fixture_view(&x, list_txn, NULL), RC_OK);
	cr_expect_eq(count, 0);
}

static enum rc
put_nonsense_txn(struct txn *t, void *arg)
{
	const struct key key = record_key2(KIND_BREAK_GLASS, &helpline, &nobody);

	(void)arg;
	return txn_put(t, &key, KEY_DETAIL, bytes_str("no glass"));
}

Test(disclosures, a_list_that_cannot_be_read_whole_is_no_list)
{
	put_glass(1, NOW); /* what follows it is the broken one */
	cr_expect_geq(fixture_update_starved(&x, list_txn, NULL), 2);
	cr_expect_eq(count, 1);
	cr_assert_eq(fixture_update(&x, put_nonsense_txn, NULL), RC_OK);
	cr_expect_eq(fixture_view(&x, list_txn, NULL), RC_CORRUPT);
	cr_expect_eq(count, 0);
}

Test(disclosures, a_glass_is_shown_with_the_names_of_both)
{
	ask_glass();
	view.second = "?";
	cr_assert_eq(fixture_view(&x, show_txn, NULL), RC_OK);
	cr_expect_null(view.second, "nobody has agreed");
	cr_expect(view.state == GLASS_ASKED && view.until == NOW + BREAK_GLASS_APPROVE);
	approve_glass();
	cr_expect_geq(fixture_update_starved(&x, show_txn, NULL), 3);
	cr_expect_eq(view.state, GLASS_APPROVED);
	cr_expect_not_null(view.person);
	cr_expect_not_null(view.second);
	glass.user = nobody; /* gone since */
	cr_assert_eq(fixture_view(&x, show_txn, NULL), RC_OK);
	cr_expect_null(view.person);
	cr_expect_not_null(view.second);
}
