/* SPDX-License-Identifier: Apache-2.0 */
/* The gate from the device to the commit, with handlers of the test's own: what each step refuses, that a
 * refused request writes nothing, and what becomes of a disk that fails at any read. */
#include "gate_scene.h"
#include "vault/grounds.h"

TestSuite(gate, .init = set_up, .fini = tear_down, .timeout = 120);

/* ---- handlers ---- */

static enum rc
change(struct call *c)
{
	enum rc rc = write_mark(c);

	return rc == RC_OK ? answer(c) : rc;
}

static enum rc
change_and_fail(struct call *c)
{
	enum rc rc = write_mark(c);

	return rc == RC_OK ? RC_STATE_CONFLICT : rc;
}

static enum rc
find_nothing(struct call *c)
{
	(void)c;
	return RC_NOT_FOUND;
}

static enum rc
grow_too_big(struct call *c)
{
	(void)c;
	return RC_TOO_BIG;
}

static enum rc
refuse_and_write(struct call *c)
{
	ctx_refuse(&c->ctx, RC_BAD_LOGIN);
	return write_mark(c);
}

static unsigned odd_status;

static enum rc
answer_oddly(struct call *c)
{
	c->reply.status = odd_status;
	return RC_OK;
}

static unsigned afters;
static enum rc after_rc;

static enum rc
tell_after(struct call *c, void *arg)
{
	cr_expect_eq(arg, &afters);
	afters++;
	return after_rc == RC_OK ? call_answer_empty(c, 200) : after_rc;
}

static enum rc
write_then_tell(struct call *c)
{
	call_after(c, c->ctx.now, tell_after, &afters);
	return write_mark(c);
}

static int64_t off; /* by which the time of most nodes differs from this machine's */

static enum rc
tell_by_another_clock(struct call *c)
{
	c->ctx.now += off;
	return write_then_tell(c);
}

/* As a break-glass that was agreed to at a node ahead of this one. */
static enum rc
tell_of_a_later_record(struct call *c)
{
	call_after(c, c->ctx.now + off, tell_after, &afters);
	return write_mark(c);
}

static enum rc
tell_of_nothing(struct call *c)
{
	call_after(c, c->ctx.now, tell_after, &afters);
	return RC_OK;
}

/* ---- who is let in ---- */

Test(gate, a_handler_runs_with_its_rows_permission_only)
{
	cr_expect_eq(ask(), 204);
	user.roles = ROLE_BIT(ROLE_STATISTICIAN);
	put_all();
	cr_expect_eq(ask(), 403);
	route.permission = PERM_NONE;
	cr_expect_eq(ask(), 403);
	cr_expect_eq(runs, 1);
	route.permission = PERM_DEVICE; /* needs no person */
	cr_expect_eq(ask_as((struct call_head){ 0 }), 204);
}

Test(gate, no_token_a_strange_one_and_another_scheme_are_refused)
{
	static const char *const values[] = { NULL, "", "Basic YTpi", "Bearer", "Bearer ", "Bearer x.y.z" };

	for (unsigned i = 0; i < COUNT_OF(values); i++)
		cr_expect_eq(ask_as((struct call_head){ .authorization = values[i] }), 401, "row %u", i);
	cr_expect_eq(runs, 0);
	memcpy(bearer, "bEARER", 6); /* RFC 9110, 11.1 */
	cr_expect_eq(ask(), 204);
}

Test(gate, a_first_passphrase_is_good_for_changing_it_only)
{
	user.must_change = true;
	put_all();
	cr_expect_eq(ask(), 403);
	route.flags = R_EARLY;
	cr_expect_eq(ask(), 204);
	route.flags = 0;
	route.permission = PERM_DEVICE;
	cr_expect_eq(ask(), 204);
}

struct factor_row {
	bool role_needs, has;
	unsigned flags, status;
};

Test(gate, who_needs_a_second_factor_can_do_nothing_but_get_one)
{
	static const struct factor_row rows[] = { { false, false, 0, 204 }, { true, false, 0, 403 },
		{ true, true, 0, 204 }, { true, false, R_ENROL, 204 }, { true, true, R_ENROL, 204 } };

	for (unsigned i = 0; i < COUNT_OF(rows); i++) {
		parts.factor_roles = rows[i].role_needs ? user.roles : ROLE_BIT(ROLE_ADMIN);
		user.second_factor = rows[i].has;
		route.flags = rows[i].flags;
		put_all();
		cr_expect_eq(ask(), rows[i].status, "row %u", i);
	}
}

static struct tuning tight; /* read by the service until its end */

/* What a device may ask comes back so slowly that no machine is too slow to use it up. */
static void
allow_few(uint32_t burst)
{
	tight = *parts_tuning(&parts);
	tight.rate = (struct rate_rule){ .burst = burst, .per_second = 1, .slow_cost = 20 };
	atomic_store(&parts.tunings.now, &tight);
}

/* Its certificate is good, so its connections stay, and each refusal is an entry of the trail. */
Test(gate, a_device_of_a_retired_organisation_has_its_measure_like_any_other)
{
	const uint64_t before = entries();
	unsigned told = 0, status[100];

	allow_few(5);
	org.retired = true;
	put_all();
	for (unsigned i = 0; i < COUNT_OF(status); i++) {
		status[i] = ask();
		told += status[i] == 403;
		cr_expect(status[i] == 403 || status[i] == 429, "%u", status[i]);
	}
	cr_expect_eq(status[0], 403);
	cr_expect_lt(told, COUNT_OF(status));
	ledger_free(parts.ledger); /* what was to be recorded later is there now */
	parts.ledger = NULL;
	cr_expect_eq(entries() - before, told);
}

Test(gate, headers_that_a_row_demands_are_demanded)
{
	route.flags = R_MATCH;
	cr_expect_eq(ask(), 428);
	cr_expect_eq(ask_as((struct call_head){ .authorization = bearer, .if_match = "\"x\"" }), 204);
	route.flags = R_ONCE;
	cr_expect_eq(ask(), 400);
	cr_expect_eq(ask_as((struct call_head){ .authorization = bearer, .idempotency_key = "k-1" }), 204);
}

/* ---- what is written ---- */

Test(gate, a_change_commits_with_its_entry_and_a_look_has_one_where_the_row_says_so)
{
	const uint64_t before = entries();

	route.handler = change;
	cr_expect_eq(ask(), 204);
	cr_expect(has_mark());
	cr_expect_eq(entries(), before + 1);
	route.flags = R_AUDIT;
	route.handler = answer;
	cr_expect_eq(ask(), 204);
	cr_expect_eq(entries(), before + 2);
	route.flags = 0;
	cr_expect_eq(ask(), 204);
	ledger_free(parts.ledger); /* what was to be recorded later is there now */
	parts.ledger = NULL;
	cr_expect_eq(entries(), before + 2, "nothing changed, nothing said");
}

static bool
keep_last(void *arg, const struct audit_entry *e)
{
	*(struct audit_entry *)arg = *e;
	return true;
}

static enum rc
last_entry_txn(struct txn *t, void *arg)
{
	return ledger_read(t, 1, keep_last, arg);
}

Test(gate, the_entry_says_who_when_from_where_and_what)
{
	const int64_t from = clock_now();
	struct audit_entry e;

	route.handler = change;
	cr_assert_eq(ask(), 204);
	cr_assert_eq(fixture_view(&x, last_entry_txn, &e), RC_OK);
	cr_expect(e.at >= from && e.at <= clock_now());
	cr_expect(
	    id_equal(&e.user, &user.id) && id_equal(&e.org, &org.id) && id_equal(&e.device, &device.id));
	cr_expect_eq(e.roles, user.roles);
	cr_expect_str_eq(e.action, "tested");
}

/* However slowly its body came, and however long it waited for a thread. */
Test(gate, a_call_is_of_the_time_at_which_it_is_decided)
{
	struct call_head head = { .method = "GET", .path = "/v1/me", .authorization = bearer };
	const int64_t from = clock_now();
	struct audit_entry e;
	struct call *c;

	memcpy(head.fingerprint, device.fingerprint, 32);
	route.handler = change;
	route.flags = R_SLOW;
	cr_assert_not_null(c = call_new(api, &head, wake, &woken));
	c->route = &route;
	c->ctx.now = c->ctx.sure = from - LIMIT_REQUEST_MS / 1000; /* its head came then */
	cr_assert_eq(call_run(c, CALL_BRIEF), CALL_OFFLOAD);
	cr_assert_eq(run_to_end(c), CALL_DONE);
	cr_expect_eq(call_reply(c)->status, 204);
	call_free(c);
	cr_assert_eq(fixture_view(&x, last_entry_txn, &e), RC_OK);
	cr_expect_geq(e.at, from);
}

/* As long as it takes to find and open another's: a lower bound holds on a busy machine too. */
Test(gate, nothing_found_takes_its_time_and_so_does_a_row_that_says_so)
{
	static const struct route slow[] = { { .handler = find_nothing },
		{ .handler = answer, .flags = R_EVEN } };

	for (unsigned i = 0; i < COUNT_OF(slow); i++) {
		const int64_t begun = clock_mono_ns();

		route.handler = slow[i].handler;
		route.flags = slow[i].flags;
		cr_expect_eq(ask(), i == 0 ? 404 : 204);
		cr_expect_geq(clock_mono_ns() - begun, LIMIT_EVEN_NS);
	}
}

Test(gate, a_failed_request_writes_nothing)
{
	route.handler = change_and_fail;
	cr_expect_eq(ask(), 409);
	cr_expect_not(has_mark());
}

Test(gate, a_refusal_that_is_a_fact_is_written_and_still_a_refusal)
{
	const uint64_t before = entries();

	route.handler = refuse_and_write;
	cr_expect_eq(ask(), 401);
	cr_expect(has_mark());
	cr_expect_eq(entries(), before + 1);
}

Test(gate, a_repeat_gets_the_first_answer_and_runs_no_handler)
{
	const struct call_head once = { .authorization = bearer, .idempotency_key = "k-2" };

	route.handler = change;
	route.flags = R_ONCE;
	cr_expect_eq(ask_as(once), 204);
	cr_expect_eq(ask_as(once), 204);
	cr_expect_eq(runs, 1);
	route.flags = R_ONCE | R_VAULT; /* tells again, each time */
	cr_expect_eq(ask_as(once), 204);
	cr_expect_eq(runs, 2);
}

static bool was_found;

/* At a node whose clock is a day ahead of the one that may be right. */
static enum rc
look_a_day_later(struct call *c)
{
	c->ctx.sure = c->ctx.now;
	c->ctx.now += LIMIT_IDEM_KEEP;
	return idem_find(c, &was_found);
}

Test(gate, an_answer_is_spent_only_when_no_clock_doubts_it)
{
	const struct call_head once = { .authorization = bearer, .idempotency_key = "k-3" };

	route.handler = change;
	route.flags = R_ONCE;
	cr_expect_eq(ask_as(once), 204);
	route.handler = look_a_day_later;
	route.flags = 0;
	cr_expect_eq(ask_as(once), 204);
	cr_expect(was_found);
}

/* ---- what follows the commit ---- */

Test(gate, what_is_told_after_the_commit_is_told_once_and_its_failure_stands_in_the_trail)
{
	const struct timespec moment = { 0, 20000000 };
	const uint64_t before = entries();
	struct audit_entry e;

	route.handler = write_then_tell;
	cr_expect_eq(ask(), 200);
	cr_expect_eq(afters, 1);
	cr_expect_eq(entries(), before + 1);
	after_rc = RC_UNAVAILABLE;
	cr_expect_eq(ask(), 503);
	cr_expect_eq(afters, 2);
	for (unsigned i = 0; i < 1500 && entries() < before + 3; i++)
		nanosleep(&moment, NULL);
	cr_expect_eq(entries(), before + 3, "that it was done, and that it was not");
	cr_assert_eq(fixture_view(&x, last_entry_txn, &e), RC_OK);
	cr_expect_eq(e.outcome, RC_WITHHELD, "what was written stands: not that nothing was changed");
}

Test(gate, what_the_vault_would_not_tell_by_its_clock_is_not_recorded_as_told)
{
	static const int64_t offs[] = { -GROUNDS_FRESH - 1, -GROUNDS_FRESH / 2 - 1, 2 * GROUNDS_SKEW };
	const uint64_t before = entries();

	route.handler = tell_by_another_clock;
	for (unsigned i = 0; i < COUNT_OF(offs); i++) {
		off = offs[i];
		cr_expect_eq(ask(), 503, "%u", i);
	}
	route.handler = tell_of_a_later_record;
	cr_expect_eq(ask(), 503, "by the record's time, not the request's");
	route.handler = tell_by_another_clock;
	cr_expect_eq(afters, 0);
	cr_expect_not(has_mark(), "it would have counted as a telling");
	cr_expect_eq(entries(), before);
	off = GROUNDS_SKEW / 2;
	cr_expect_eq(ask(), 200);
	cr_expect_eq(afters, 1);
}

/* In a release build; else it ends the process. */
Test(gate, what_was_not_recorded_is_not_told)
{
#ifdef MENEDEK_DEBUG
	cr_skip_test("a bug of ours ends a debug build");
#endif
	route.handler = tell_of_nothing;
	cr_expect_eq(ask(), 500);
	cr_expect_eq(afters, 0);
}

Test(gate, slow_work_waits_for_a_thread_that_may_be_slow)
{
	struct call_head head = { .method = "GET", .path = "/v1/me", .authorization = bearer };
	struct call *c;

	memcpy(head.fingerprint, device.fingerprint, 32);
	route.handler = write_then_tell;
	route.flags = R_SLOW;
	cr_assert_not_null(c = call_new(api, &head, wake, &woken));
	c->route = &route;
	cr_expect_eq(call_run(c, CALL_BRIEF), CALL_OFFLOAD);
	cr_expect_eq(c->runs, 0);
	cr_assert_eq(call_run(c, CALL_SLOW), CALL_WAIT);
	sem_wait(&woken);
	cr_expect_eq(
	    call_run(c, CALL_BRIEF), CALL_TELL, "what is told comes from the vault, and is on record");
	cr_expect_eq(afters, 0);
	cr_expect_eq(call_run(c, CALL_SLOW), CALL_DONE);
	cr_expect_eq(afters, 1);
	call_free(c);
}

/* Else one device could have every place in the queue, for no more than being told that it has none. */
Test(gate, slow_work_beyond_the_measure_does_not_even_wait_for_a_thread)
{
	struct call_head head = { .method = "GET", .path = "/v1/me", .authorization = bearer };
	enum call_step step[3];
	struct call *c[COUNT_OF(step)];

	allow_few(45); /* two and a bit */
	memcpy(head.fingerprint, device.fingerprint, 32);
	route.flags = R_SLOW;
	for (unsigned i = 0; i < COUNT_OF(step); i++) {
		cr_assert_not_null(c[i] = call_new(api, &head, wake, &woken));
		c[i]->route = &route;
		step[i] = call_run(c[i], CALL_BRIEF);
	}
	cr_expect_eq(step[0], CALL_OFFLOAD);
	cr_expect_eq(step[1], CALL_OFFLOAD);
	cr_expect_eq(step[2], CALL_DONE);
	cr_expect_eq(call_reply(c[2])->status, 429);
	cr_expect_eq(call_run(c[1], CALL_SLOW), CALL_DONE, "and is counted once");
	cr_expect_eq(call_reply(c[1])->status, 204);
	for (unsigned i = 0; i < COUNT_OF(c); i++)
		call_free(c[i]);
}

Test(gate, pages_of_the_trail_leave_others_half_of_the_places_before_the_slow_threads)
{
	struct call_head head = { .method = "GET", .path = "/v1/audit", .authorization = bearer };
	static struct call *c[LIMIT_OFFLOAD + 64];
	unsigned waiting = 0;

	allow_few(2000); /* what a device has unless its operators say otherwise */
	memcpy(head.fingerprint, device.fingerprint, 32);
	for (unsigned i = 0; i < COUNT_OF(c); i++) {
		cr_assert_not_null(c[i] = call_new(api, &head, wake, &woken));
		waiting += call_run(c[i], CALL_BRIEF) == CALL_OFFLOAD;
	}
	cr_expect_leq(waiting, LIMIT_OFFLOAD / 2, "%u", waiting);
	cr_expect_gt(waiting, LIMIT_OFFLOAD / 4);
	for (unsigned i = 0; i < COUNT_OF(c); i++)
		call_free(c[i]);
}

struct page_cost {
	uint32_t slow;
	const char *left;
};

/* The real row of the trail: for a page of it thousands of entries may be opened. */
Test(gate, a_page_of_the_trail_is_walked_off_the_http_threads_and_counts_for_a_quarter_of_slow_work)
{
	static const struct page_cost rows[] = { { 20, ";r=40;" }, { 3, ";r=44;" } }; /* one at least */
	struct call_head head = { .method = "GET", .path = "/v1/audit", .authorization = bearer };

	allow_few(45);
	for (unsigned i = 0; i < COUNT_OF(rows); i++) {
		struct call *c;

		memset(head.fingerprint, 0xaa + (int)i, 32); /* the measure of a device of its own */
		tight.rate.slow_cost = rows[i].slow;
		cr_assert_not_null(c = call_new(api, &head, wake, &woken));
		cr_expect_eq(call_run(c, CALL_BRIEF), CALL_OFFLOAD);
		cr_expect(strstr(c->rate, rows[i].left), "row %u: %s", i, c->rate);
		cr_expect_eq(run_to_end(c), CALL_DONE);
		cr_expect_eq(call_reply(c)->status, i == 0 ? 200 : 403, "only the first is enrolled");
		call_free(c);
	}
}

/* ---- conflicts, odd answers, and what fails ---- */

static unsigned rivals; /* conflicts to come */

/* Somebody else changes the person between this run's reads and its commit. */
static enum rc
change_beside_rivals(struct call *c)
{
	enum rc rc = change(c);
	struct arena *kept = x.arena;

	if (rivals > 0) {
		rivals--;
		x.arena = arena_new(FIXTURE_ARENA);
		user.version++;
		fixture_put(&x, KIND_USER, &user.id, &user);
		arena_free(x.arena);
		x.arena = kept;
	}
	return rc;
}

Test(gate, a_conflict_is_decided_again_and_a_thousand_are_a_busy_service)
{
	route.handler = change_beside_rivals;
	rivals = 3;
	cr_expect_eq(ask(), 204);
	cr_expect_eq(runs, 4);
	rivals = 100000;
	runs = 0;
	cr_expect_eq(ask(), 503);
	cr_expect_eq(runs, LIMIT_RETRIES);
}

/* The first run refuses, answers and adds what the second, on what is true by then, does not. */
static enum rc
change_mind(struct call *c)
{
	if (runs == 0) {
		c->reply.content_type = "text/plain";
		c->reply.body = bytes_str("old");
		c->kept = bytes_str("old");
		call_header(c, "X-Old", "1");
		ctx_refuse(&c->ctx, RC_BAD_LOGIN);
	}
	return change_beside_rivals(c);
}

Test(gate, a_lost_run_leaves_nothing_to_the_next)
{
	struct call_head head = {
		.method = "GET", .path = "/v1/me", .authorization = bearer, .idempotency_key = "k"
	};
	const struct reply *r;
	struct call *c;

	memcpy(head.fingerprint, device.fingerprint, 32);
	route.handler = change_mind;
	rivals = 1;
	cr_assert_not_null(c = call_new(api, &head, wake, &woken));
	c->route = &route;
	cr_assert_eq(run_to_end(c), CALL_DONE);
	r = call_reply(c);
	cr_expect_eq(runs, 2);
	cr_expect_eq(r->status, 204);
	cr_expect(r->body.len == 0 && r->content_type == NULL && c->kept.len == 0);
	for (unsigned i = 0; i < r->header_count; i++)
		cr_expect_str_neq(r->header[i].name, "X-Old");
	call_free(c);
}

Test(gate, what_grew_too_big_inside_is_our_fault)
{
	route.handler = grow_too_big;
	cr_expect_eq(ask(), 500);
}

Test(gate, an_answer_of_no_class_is_counted_nowhere)
{
	static const unsigned odd[] = { 0, 99, 600 };

	route.handler = answer_oddly;
	for (unsigned i = 0; i < COUNT_OF(odd); i++) {
		odd_status = odd[i];
		cr_expect_eq(ask(), odd[i]);
	}
	for (unsigned i = 0; i < route_count * 5; i++)
		cr_expect_eq(atomic_load(&api->served[i]), 0);
	odd_status = 100;
	cr_expect_eq(ask(), 100);
	route.handler = answer;
	cr_expect_eq(ask(), 204);
	cr_expect_eq(atomic_load(&api->served[index_of_me * 5]), 1);
	cr_expect_eq(atomic_load(&api->served[index_of_me * 5 + 1]), 1);
}

/* Each read of a request fails once: 503, nothing done, and the next request is answered. */
Test(gate, a_disk_that_fails_at_any_read_is_no_answer_and_no_change)
{
	char key[16];
	unsigned n = 1;

	route.handler = change;
	route.flags = R_ONCE;
	for (unsigned left = 0; left == 0; n++) {
		unsigned status;

		(void)snprintf(key, sizeof(key), "read-%u", n);
		atomic_store(&fixture_read_fails, n);
		status = ask_as((struct call_head){ .authorization = bearer, .idempotency_key = key });
		left = atomic_exchange(&fixture_read_fails, 0);
		cr_assert_eq(status, left > 0 ? 204 : 503, "read %u", n);
		cr_assert_eq(has_mark(), left > 0, "read %u", n);
	}
	cr_expect_gt(n, 7);
}

/* No trail, no look: and a refusal stays one, recorded or not. */
Test(gate, a_look_that_cannot_be_recorded_is_refused)
{
	const struct audit_entry e = { .at = 1, .action = "filler" };
	unsigned taken = 0;

	route.flags = R_LOOK;
	cr_expect_eq(ask(), 204);
	pthread_mutex_lock(&fixture_disk);
	/* once its writer stands before the disk, with what it took out of the queue, it takes no more */
	cr_assert_eq(ledger_record_later(parts.ledger, &e), RC_OK);
	for (unsigned i = 0; i < 3000 && !atomic_load(&fixture_disk_waits); i++)
		usleep(10000);
	cr_assert(atomic_load(&fixture_disk_waits));
	while (taken < 100000 && ledger_record_later(parts.ledger, &e) == RC_OK)
		taken++;
	cr_assert_lt(taken, 100000);
	cr_expect_eq(ask(), 503);
	route.permission = PERM_NONE;
	cr_expect_eq(ask(), 403);
	pthread_mutex_unlock(&fixture_disk);
}

/* ---- what was kept for repeats ---- */

struct first_answer {
	struct key key;
	int64_t at;
};

static enum rc
put_kept(struct txn *t, void *arg)
{
	const struct first_answer *k = arg;
	uint8_t text[74] = { 0 };

	put_u64(text, (uint64_t)k->at);
	return txn_put(t, &k->key, KEY_DETAIL, BYTES_OF(text));
}

static enum rc
find_kept(struct txn *t, void *arg)
{
	const struct first_answer *k = arg;
	struct bytes value;

	return txn_get(t, &k->key, &value);
}

static void *
sweep_kept(void *arg)
{
	idem_sweep(&parts, *(const int64_t *)arg);
	return NULL;
}

/* As by another node, whose commit this one's snapshot did not have yet: without its answer the next repeat
 * would be carried out. */
Test(gate, a_key_that_is_used_again_while_it_is_swept_keeps_its_answer)
{
	int64_t now = clock_now();
	struct first_answer kept = { .key = key_kind('i'), .at = now };
	struct bytes fresh;
	pthread_t thread;

	key_add_bytes(&kept.key, mark.b, sizeof(mark.b));
	cr_assert_eq(fixture_update(&x, put_kept, &kept), RC_OK);
	fresh = fixture_raw_get(&kept.key);
	kept.at = now - LIMIT_IDEM_KEEP;
	cr_assert_eq(fixture_update(&x, put_kept, &kept), RC_OK);
	pthread_mutex_lock(&fixture_disk);
	cr_assert_eq(pthread_create(&thread, NULL, sweep_kept, &now), 0);
	for (unsigned i = 0; i < 3000 && !atomic_load(&fixture_disk_waits); i++)
		usleep(10000);
	cr_assert(atomic_load(&fixture_disk_waits));
	fixture_raw_put(&kept.key, fresh);
	pthread_mutex_unlock(&fixture_disk);
	pthread_join(thread, NULL);
	cr_expect_eq(fixture_view(&x, find_kept, &kept), RC_OK);
	free((void *)(uintptr_t)fresh.p);
}

Test(gate, a_kept_answer_that_is_hurt_keeps_no_other_from_being_forgotten)
{
	const int64_t now = clock_now();
	struct first_answer hurt = { .key = key_kind('i'), .at = now - LIMIT_IDEM_KEEP }, spent = hurt;
	const struct id before = { { 1 } }, after = { { 2 } };

	key_add_bytes(&hurt.key, before.b, sizeof(before.b));
	key_add_bytes(&spent.key, after.b, sizeof(after.b));
	cr_assert_eq(fixture_update(&x, put_kept, &hurt), RC_OK);
	cr_assert_eq(fixture_update(&x, put_kept, &spent), RC_OK);
	fixture_raw_put(
	    &hurt.key, bytes_str("this does not open: no seal of ours, whatever its length may be"));
	idem_sweep(&parts, now);
	cr_expect_eq(fixture_view(&x, find_kept, &spent), RC_NOT_FOUND);
	cr_expect_eq(fixture_view(&x, find_kept, &hurt), RC_CORRUPT, "for menedek check to name");
}
