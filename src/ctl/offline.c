/* SPDX-License-Identifier: Apache-2.0 */
/* A registry opened by a program.  The store's own lock keeps the service out meanwhile. */
#include "ctl/offline.h"

#include <string.h>

#include "base/file.h"
#include "base/log.h"
#include "ctl/owner.h"

#define ARENA (16u * 1024 * 1024)
#define WHOLE ((size_t)8 << 30) /* written in one piece: a union of countries' houses take about 1 GiB */

struct step {
	struct offline *o;
	step_fn *fn;
	void *arg;
};

static enum status
open_as(const struct args *args, struct parts_wish wish, struct offline *o)
{
	const char *dir = args_dir(args);
	char owner[OWNER_NAME];
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
	o->is_registry = true;
	if (owner_is_another(dir, owner)) {
		owner_give_registry(dir); /* init made it as root; or somebody copied it back as root */
		wish.vault_user = owner;
	}
	rc = parts_open(&o->parts, &paths, &wish, &o->fault);
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

	return open_as(args, wish, o);
}

enum status
offline_open_to_check(const struct args *args, struct offline *o)
{
	const struct parts_wish wish = { .extent = PARTS_LOCATIONS, .may_be_altered = true };

	return open_as(args, wish, o);
}

enum status
offline_open_to_read(const struct args *args, struct offline *o)
{
	const struct parts_wish wish = { .extent = PARTS_RECORDS, .may_only_read = true };

	return open_as(args, wish, o);
}

enum status
offline_open_to_keep_keys(const struct args *args, struct offline *o)
{
	const struct parts_wish wish = { .extent = PARTS_RECORDS, .must_keep_keys = true };

	return open_as(args, wish, o);
}

enum status
offline_open_to_accept(const struct args *args, struct offline *o)
{
	const struct parts_wish wish = { .extent = PARTS_RECORDS, .is_accepting = true };

	return open_as(args, wish, o);
}

enum status
offline_open_copy(const struct args *args, struct offline *o)
{
	const struct parts_wish wish = { .extent = PARTS_RECORDS, .is_copy_enough = true };

	return open_as(args, wish, o);
}

void
offline_close(struct offline *o)
{
	parts_close(&o->parts);
	arena_free(o->arena);
	o->arena = NULL;
	if (o->is_registry) /* elsewhere root's files are nobody's */
		owner_give_registry(args_dir(o->args));
}

enum rc
offline_hear_time(struct offline *o, int64_t *sure)
{
	struct store *store = o->parts.store;

	store_follow(store);
	*sure = store_sure_now(store);
	return store_answers(store) ? RC_OK : RC_UNAVAILABLE;
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
	c->now = store_now(o->parts.store); /* this machine's, until others were heard (offline_hear_time) */
	c->sure = store_sure_now(o->parts.store);
	c->fault = &o->fault;
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

/* ---- in one piece ---- */

struct whole {
	struct offline *o;
	whole_fn *fn;
	void *arg;
};

/* What a part wrote before it failed would be committed without an entry that tells of it. */
static bool
is_recorded(const struct txn *txn)
{
	if (txn_is_writing(txn))
		log_bug("part_not_recorded", "a failed part was passed by");
	return !txn_is_writing(txn);
}

static enum rc
run_whole(struct txn *txn, void *arg)
{
	struct whole *w = arg;
	enum rc rc;

	w->o->whole = txn;
	rc = w->fn(w->o, w->arg);
	return rc == RC_OK && !is_recorded(txn) ? RC_INTERNAL : rc;
}

typedef enum rc wide_fn(
    struct store *store, struct arena *arena, struct arena *scratch, txn_fn *fn, void *arg);

static enum rc
do_whole(struct offline *o, wide_fn *wide, whole_fn *fn, void *arg)
{
	struct arena *written = arena_new(WHOLE);
	struct whole w = { o, fn, arg };
	enum rc rc = RC_UNAVAILABLE;

	fault_clear(&o->fault);
	if (written != NULL)
		rc = wide(o->parts.store, written, o->arena, run_whole, &w);
	arena_free(written);
	o->whole = NULL;
	return rc;
}

enum rc
offline_update_whole(struct offline *o, whole_fn *fn, void *arg)
{
	return do_whole(o, store_update_wide, fn, arg);
}

enum rc
offline_try_whole(struct offline *o, whole_fn *fn, void *arg)
{
	return do_whole(o, store_view_wide, fn, arg);
}

bool
offline_part_wrote(const struct offline *o)
{
	return txn_is_writing(o->whole);
}

enum rc
offline_part(struct offline *o, const char *action, step_fn *fn, void *arg)
{
	struct step s = { o, fn, arg };
	enum rc rc;

	if (!is_recorded(o->whole))
		return RC_INTERNAL;
	start(o, action); /* drops what the last part left to read */
	if ((rc = run(o->whole, &s)) == RC_OK)
		txn_next_part(o->whole);
	return rc;
}

enum rc
offline_view(struct offline *o, step_fn *fn, void *arg)
{
	struct step s = { o, fn, arg };

	start(o, "");
	return store_view(o->parts.store, o->arena, run, &s);
}
