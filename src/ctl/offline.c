/* SPDX-License-Identifier: Apache-2.0 */
/* A registry opened by a program.  The store's own lock keeps the service out meanwhile. */
#include "ctl/offline.h"

#include <string.h>

#include "base/clock.h"
#include "base/file.h"

#define ARENA (16u * 1024 * 1024)

struct step {
	struct offline *o;
	step_fn *fn;
	void *arg;
};

static enum status
open_as(const struct args *args, const struct parts_wish *wish, struct offline *o)
{
	const char *dir = args_dir(args);
	struct paths paths;
	enum rc rc;

	memset(o, 0, sizeof(*o));
	o->args = args;
	if (!paths_of(&paths, dir, args_keys(args))) {
		talk_error("%s: the path is too long", dir);
		return STATUS_USAGE;
	}
	if (!file_exists(paths.keyring)) {
		talk_error(
		    "%s holds no registry; make one: menedek init --dir %s --host NAME --org NAME", dir, dir);
		return STATUS_NOT_FOUND;
	}
	rc = parts_open(&o->parts, &paths, wish, &o->fault);
	if (rc == RC_OK && (o->arena = arena_new(ARENA)) == NULL)
		rc = RC_UNAVAILABLE;
	/* who may read the root keys may do what an administrator may */
	o->who.roles = ROLE_BIT(ROLE_ADMIN);
	return talk_failure(dir, rc, &o->fault);
}

enum status
offline_open(const struct args *args, bool with_vault, struct offline *o)
{
	const struct parts_wish wish = { .extent = with_vault ? PARTS_LOCATIONS : PARTS_RECORDS };

	return open_as(args, &wish, o);
}

enum status
offline_open_to_read(const struct args *args, struct offline *o)
{
	const struct parts_wish wish = { .extent = PARTS_RECORDS, .may_only_read = true };

	return open_as(args, &wish, o);
}

void
offline_close(struct offline *o)
{
	parts_close(&o->parts);
	arena_free(o->arena);
	o->arena = NULL;
}

static void
start(struct offline *o, const char *action)
{
	struct ctx *c = &o->ctx;

	fault_clear(&o->fault);
	arena_rewind(o->arena, 0);
	memset(c, 0, sizeof(*c));
	c->parts = &o->parts;
	c->arena = o->arena;
	c->who = &o->who;
	c->is_offline = true;
	c->now = clock_now();
	c->fault = &o->fault;
	for (unsigned i = 0; i < CTX_IDS; i++)
		c->ids[i] = id_new();
	random_fill(c->random, sizeof(c->random));
	c->audit = (struct audit_entry){ .at = c->now, .outcome = RC_OK };
	(void)str_copy(c->audit.action, sizeof(c->audit.action), action);
	random_fill(c->audit.salt, sizeof(c->audit.salt));
}

static enum rc
run(struct txn *txn, void *arg)
{
	struct step *s = arg;
	struct ctx *c = &s->o->ctx;
	enum rc rc;

	c->txn = txn;
	c->ids_used = 0;
	if ((rc = s->fn(c, s->arg)) != RC_OK || !txn_is_writing(txn))
		return rc;
	return ledger_record(txn, &c->audit);
}

enum rc
offline_update(struct offline *o, const char *action, step_fn *fn, void *arg)
{
	struct step s = { o, fn, arg };

	start(o, action);
	return store_update(o->parts.store, o->arena, run, &s);
}

enum rc
offline_view(struct offline *o, step_fn *fn, void *arg)
{
	struct step s = { o, fn, arg };

	start(o, "");
	return store_view(o->parts.store, o->arena, run, &s);
}
