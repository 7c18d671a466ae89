/* SPDX-License-Identifier: Apache-2.0 */
/*
 * menedek accept-database: a node refuses a database on a lower timeline than it has seen, as one that was
 * left behind, and one without what it acknowledged last. Where it was restored on purpose two people say so;
 * the node's old copy is put aside, not thrown away, and a new one is made from the database.  On record
 * there, with both of them.  Never happens by itself.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "ctl/two_people.h"
#include "store/database.h"

#define DOING "accept-database"

struct acceptance {
	struct database_look look;
	struct two_people by;
};

static enum status
see(const struct args *args, const struct paths *paths, struct acceptance *a)
{
	const struct database_look *look = &a->look;
	struct fault f = { 0 };
	enum status status;

	if (!database_is(paths->store)) {
		talk_error("this registry lives in a file of this machine: there is no database to accept");
		return STATUS_USAGE;
	}
	/* one that was killed before it was on record: the old copy still knows what it refuses */
	if (database_is_unsettled(paths->store) &&
	    (status = talk_failure(DOING, database_copy_back(paths->store, &f), &f)) != STATUS_OK)
		return status;
	if ((status = talk_failure(DOING, database_look_at(paths->store, &a->look, &f), &f)) != STATUS_OK)
		return status;
	if (look->leader == NULL) {
		talk_error("no server of the database leads: start it first");
		return STATUS_UNREACHABLE;
	}
	if (look->leader->registry[0] == '\0') {
		talk_error("the database on %s holds no registry yet: put it back first", look->leader->name);
		return STATUS_NOT_FOUND;
	}
	if (!database_is_refused(look)) {
		talk(args, "Nothing to accept: this node does not refuse %s.", look->leader->name);
		return STATUS_OK;
	}
	talk_warning("this node followed database %s of system %s up to timeline %u", look->followed,
	    look->system[0] != '\0' ? look->system : "?", look->seen);
	talk_warning("%s leads database %s of system %s on timeline %u: it was restored, or it was left "
		     "behind by the one that really leads",
	    look->leader->name, look->leader->registry, look->leader->system, look->leader->timeline);
	if (look->leader->lacks_last)
		talk_warning("what this node acknowledged last is not there: look for a server that has it "
			     "before this one is accepted");
	talk_warning("what this node has and that one has not is lost with it; the copy here is put aside, "
		     "as data.mdb.aside");
	return STATUS_OK;
}

static enum rc
write_entry(struct txn *txn, void *arg)
{
	return ledger_record(txn, arg);
}

static enum rc
record(struct offline *o, const struct acceptance *a)
{
	struct audit_entry e = {
		.at = clock_now(), .outcome = RC_OK, .roles = o->who.roles, .action = "cli_accept_rollback"
	};

	e.user = a->by.user[0].id;
	e.subject = a->by.user[1].id;
	(void)snprintf(e.reason, sizeof(e.reason), "database %.8s timeline %u, seen %u",
	    a->look.leader->registry, a->look.leader->timeline, a->look.seen);
	random_fill(e.salt, sizeof(e.salt));
	return store_update(o->parts.store, o->arena, write_entry, &e);
}

/* Whoever decides is known to the registry that this node has followed, not to the one that is put in its
 * place. */
static enum status
ask_people(const struct args *args, struct acceptance *a)
{
	struct offline o;
	enum status status = offline_open_copy(args, &o);

	if (status == STATUS_OK)
		status = two_people_agree(&o, DOING, &a->by);
	offline_close(&o);
	return status;
}

static enum status
follow(const struct args *args, const struct paths *paths, const struct acceptance *a)
{
	struct fault f = { 0 };
	struct offline o;
	enum status status = talk_failure(DOING, database_copy_aside(paths->store, &f), &f);

	if (status != STATUS_OK)
		return status;
	if ((status = offline_open_to_accept(args, &o)) == STATUS_OK)
		status = talk_failure(DOING, record(&o, a), &o.fault);
	offline_close(&o);
	fault_clear(&f);
	if (status == STATUS_OK)
		return talk_failure(DOING, database_copy_settle(paths->store, &f), &f);
	if (talk_failure(DOING, database_copy_back(paths->store, &f), &f) == STATUS_OK)
		talk_warning("nothing was accepted: the old copy is back in its place");
	return status;
}

enum status
cmd_accept_database(const struct args *args)
{
	struct acceptance *a = calloc(1, sizeof(*a));
	struct paths paths;
	enum status status;

	if (a == NULL || !paths_of(&paths, args_dir(args), args_keys(args))) {
		talk_error("%s: the path is too long", args_dir(args));
		free(a);
		return STATUS_USAGE;
	}
	status = see(args, &paths, a);
	if (status == STATUS_OK && a->look.leader != NULL && database_is_refused(&a->look) &&
	    (status = ask_people(args, a)) == STATUS_OK && (status = follow(args, &paths, a)) == STATUS_OK) {
		talk_step(args, "Accepted by %s and %s", a->by.user[0].name, a->by.user[1].name);
		talk(args,
		    "  now: revoke again who and what was revoked in the lost time (menedek device revoke, "
		    "user retire) and, before any node serves, enter what stands on paper (menedek "
		    "reconcile); then start this node, look at every room and arrival of that time, and "
		    "when all is well remove store/data.mdb.aside");
	}
	wipe(a, sizeof(*a));
	free(a);
	return status;
}
