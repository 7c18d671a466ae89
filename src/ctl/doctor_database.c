/* SPDX-License-Identifier: Apache-2.0 */
/* The check of the database that several nodes share: who leads, who follows how closely, and whether this
 * node may believe it. */
#include <inttypes.h>
#include <stdio.h>

#include "ctl/doctor.h"
#include "store/database.h"

#define BEHIND (16u * 1024 * 1024) /* bytes of log: what a following standby is never short of for long */
#define DETAIL 512u

static void
say_leader(struct doctor *d, const struct database_look *look)
{
	const struct database_server *s = look->leader;
	char detail[DETAIL];

	(void)snprintf(detail, sizeof(detail), "%.128s, timeline %" PRIu32 ", waits for %.128s, followers %u",
	    s->name, s->timeline, s->waits ? s->awaited : "-", s->followers);
	doctor_say(d,
	    !s->waits               ? DOCTOR_DB_ALONE
		: s->followers == 0 ? DOCTOR_DB_DESERTED
				    : DOCTOR_DB_LEADS,
	    detail);
}

static void
say_other(struct doctor *d, const struct database_server *s)
{
	char detail[DETAIL];

	if (s->leads)
		(void)snprintf(detail, sizeof(detail), "%.128s, timeline %" PRIu32, s->name, s->timeline);
	else
		(void)snprintf(detail, sizeof(detail), "%.128s, %" PRIu64 " kB", s->name, s->behind / 1024);
	doctor_say(d,
	    !s->answers              ? DOCTOR_DB_SILENT
		: s->leads           ? DOCTOR_DB_TWO
		: !s->follows        ? DOCTOR_DB_LOST
		: s->behind > BEHIND ? DOCTOR_DB_BEHIND
				     : DOCTOR_DB_FOLLOWS,
	    s->answers ? detail : s->name);
}

/* What this node has seen of it, and what it would say at a start. */
static void
say_past(struct doctor *d, const struct database_look *look)
{
	char detail[DETAIL];

	(void)snprintf(detail, sizeof(detail), "%.128s, timeline %" PRIu32 " < %" PRIu32, look->leader->name,
	    look->leader->timeline, look->seen);
	if (look->leader->timeline >= look->seen && look->leader->lacks_last)
		(void)snprintf(detail, sizeof(detail),
		    d->lang == LANG_HU ? "%.128s: nincs meg benne, amit ez a csomópont utoljára visszaigazolt"
				       : "%.128s lacks what this node acknowledged last",
		    look->leader->name);
	else if (look->leader->timeline >= look->seen)
		(void)snprintf(detail, sizeof(detail), "%.128s, system %.23s != %.23s", look->leader->name,
		    look->leader->system, look->system);
	if (look->leader->is_closed)
		doctor_say(d, DOCTOR_DB_CLOSED, look->leader->name);
	if (look->leader->registry[0] == '\0')
		doctor_say(d, DOCTOR_DB_BARE, look->leader->name);
	else if (database_is_refused(look))
		doctor_say(d, DOCTOR_DB_OLD, detail);
	(void)snprintf(detail, sizeof(detail), "%u, %s", look->leader->nodes,
	    d->lang == LANG_HU     ? look->keeps_keys ? "ez őrzi a kulcsokat" : "a kulcsokat másik őrzi"
		: look->keeps_keys ? "this one keeps the keys"
				   : "another keeps the keys");
	doctor_say(d, DOCTOR_DB_NODES, detail);
}

/* Why there is nothing to see. */
static void
say_unseen(struct doctor *d, const struct fault *f)
{
	char detail[DETAIL];

	(void)snprintf(detail, sizeof(detail), "%.400s/postgresql", d->paths.store);
	if (f->count > 0 && f->item[0].msg == MSG_PG_PLAIN)
		doctor_say(d, DOCTOR_DB_PLAIN, detail);
	else
		doctor_say(d, DOCTOR_DB_UNKNOWN, d->paths.store);
}

void
doctor_database(struct doctor *d)
{
	struct database_look look;
	struct fault f = { 0 };
	char count[24];

	if (!database_is(d->paths.store)) {
		doctor_say(d, DOCTOR_DB_NONE, d->paths.store);
		return;
	}
	if (database_look_at(d->paths.store, &look, &f) != RC_OK) {
		say_unseen(d, &f);
		return;
	}
	if (look.astray[0] != '\0')
		doctor_say(d, DOCTOR_DB_ASTRAY, look.astray);
	(void)snprintf(count, sizeof(count), "%u", look.count);
	if (look.leader == NULL)
		doctor_say(d, DOCTOR_DB_LEADERLESS, count);
	else
		say_leader(d, &look);
	for (unsigned i = 0; i < look.count; i++)
		if (&look.servers[i] != look.leader)
			say_other(d, &look.servers[i]);
	if (look.leader != NULL)
		say_past(d, &look);
}
