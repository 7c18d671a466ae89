/* SPDX-License-Identifier: Apache-2.0 */
/* Writing the alerts that the watch of the trail found due, and showing them. */
#include <string.h>

#include "base/log.h"
#include "service/alerts.h"
#include "service/audits.h"

struct raising {
	struct audit_entry entry;
	struct event event;
};

/* The entry and the event are one transaction: nobody is told what the trail does not hold. */
static enum rc
write_alert(struct txn *t, void *arg)
{
	const struct raising *r = arg;
	const enum rc rc = feed_emit(t, &r->event);

	return rc == RC_OK ? ledger_record(t, &r->entry) : rc;
}

void
alerts_raise(struct parts *parts, int64_t now)
{
	struct arena *arena = NULL;
	struct breadth_alert due;
	enum rc rc = RC_OK;

	while (rc == RC_OK && breadth_watch_due(parts->breadth, &due)) {
		struct raising r = {
			.event = { .kind = EVENT_ALERT, .desk_org = due.org, .subject = due.user, .at = now }
		};
		if (!arena && !(arena = arena_new(LIMIT_ARENA)))
			return;
		breadth_alert_entry(&due, &r.entry);
		r.entry.at = now;
		random_fill(r.entry.salt, sizeof(r.entry.salt));
		if ((rc = store_update(parts->store, arena, write_alert, &r)) == RC_OK) {
			breadth_watch_done(parts->breadth, &due);
			log_note("alert", "unusual breadth: %s", r.entry.reason);
		} else {
			log_world("alert", "rc=%s", rc_code(rc));
		}
		arena_rewind(arena, 0);
	}
	arena_free(arena);
}

static enum rc
show(struct ctx *c, bool by_name, const struct breadth_alert *alert, struct alert_row *row)
{
	*row = (struct alert_row){ .at = alert->at,
		.class = alert->class,
		.window = alert->window,
		.last_hour = alert->counts.hour,
		.last_day = alert->counts.day };
	if (!by_name) {
		audit_pseudonym(c, &alert->user, row->actor);
		return RC_OK;
	}
	id_format(&alert->user, row->actor);
	return access_name(c, &alert->user, &row->person);
}

enum rc
alert_page(struct ctx *c, unsigned limit, struct alert_row *out, unsigned *count)
{
	const bool by_name = who_is(c, ROLE_SHIFT_LEAD) || who_is(c, ROLE_SHELTER_MANAGER);
	const struct id *org = by_name ? &c->who->org.id : NULL;
	struct breadth_alert *found = arena_calloc(c->arena, LIMIT_PAGE, sizeof(*found));
	unsigned n;
	enum rc rc = RC_OK;

	*count = 0;
	if (!found)
		return RC_UNAVAILABLE;
	n = breadth_watch_alerts(c->parts->breadth, org, c->now, found, limit);
	for (unsigned i = 0; i < n && rc == RC_OK; i++)
		rc = show(c, by_name, &found[i], &out[i]);
	*count = rc == RC_OK ? n : 0;
	return rc;
}
