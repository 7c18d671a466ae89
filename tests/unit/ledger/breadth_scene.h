/* SPDX-License-Identifier: Apache-2.0 */
/* A watch over a trail that tests write entry by entry: two counsellors of one desk, at noon. */
#ifndef MENEDEK_TEST_BREADTH_SCENE_H
#define MENEDEK_TEST_BREADTH_SCENE_H

#include "../store_fixture.h"
#include "ledger/breadth_watch.h"

#define NOON 1795258800 /* 2026-11-21T11:00:00Z */
#define DAY  86400

static struct fixture x;
static struct breadth_watch *watch, *before[6]; /* the restarted ones follow the store until it is closed */
static unsigned restarts;
static struct breadth_rules rules;
static const struct id anna = { { 1 } }, dora = { { 2 } }, desk = { { 9 } }, other_desk = { { 8 } };
static unsigned waited;

static inline void
open_watch(int64_t now)
{
	struct fault f = { 0 };

	cr_assert_eq(breadth_watch_new(x.store, &rules, now, &watch, &f), RC_OK);
}

static inline void
set_up(void)
{
	fixture_new(&x, &engine_memory);
	breadth_default(&rules);
	rules.rule[BREADTH_DISCLOSURE] = (struct breadth_rule){ 3, 2, 10, 22, 6, 20, 300 };
	open_watch(NOON);
}

static inline void
tear_down(void)
{
	fixture_close_store(&x);
	breadth_watch_free(watch);
	while (restarts > 0)
		breadth_watch_free(before[--restarts]);
	watch = NULL;
	fixture_free(&x);
}

static inline enum rc
write_entry_txn(struct txn *t, void *arg)
{
	return ledger_record(t, arg);
}

static inline void
record(const struct id *user, const char *action, enum rc outcome, int64_t at)
{
	struct audit_entry e = { .at = at, .outcome = (uint16_t)outcome, .user = *user, .org = desk };

	str_copy(e.action, sizeof(e.action), action);
	cr_assert_eq(fixture_update(&x, write_entry_txn, &e), RC_OK);
}

static inline void
tell(const struct id *user, int64_t at)
{
	record(user, "reservations_disclose", RC_OK, at);
}

static inline enum rc
enter(const struct id *user, int64_t now)
{
	return breadth_watch_enter(watch, user, &desk, BREADTH_DISCLOSURE, now, &waited);
}

static inline void
leave(const struct id *user)
{
	breadth_watch_leave(watch, user, BREADTH_DISCLOSURE);
}

/* Closing the memory engine forgets, so a restart is a second watch over the same store. */
static inline void
restart(int64_t now)
{
	struct fault f = { 0 };

	before[restarts++] = watch;
	cr_assert_eq(breadth_watch_new(x.store, &rules, now, &watch, &f), RC_OK);
}

static inline enum rc
write_alert_txn(struct txn *t, void *arg)
{
	struct audit_entry e;
	const struct breadth_alert *alert = arg;

	breadth_alert_entry(alert, &e);
	e.at = alert->at;
	return ledger_record(t, &e);
}

static inline bool
is_due(struct breadth_alert *out)
{
	*out = (struct breadth_alert){ .class = BREADTH_CLASSES };
	return breadth_watch_due(watch, out);
}

#endif
